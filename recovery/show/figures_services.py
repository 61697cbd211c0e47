"""Pictures of who else was down: the graph, a timeline, what all waited for."""

from __future__ import annotations

import itertools
import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from recovery import units
from recovery.show import figures
from recovery.show.figures import COLOURS, GREY, INK, Picture, TimeAxis
from recovery.store.service_record import Edge, Graph, Service, ServiceMilestone, Services

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NODES_MAX = 40  # of a larger table the services that lost most are drawn
WAITS_MAX = 8  # what is waited for that has its own colour
REST = "all else"
ON_COLOUR = "#111111"  # of text on a colour that a dark page shows, too
POINTS = 480
# Style, width and colour of an edge of each kind, and what the legend says of it.
EDGES: dict[str, tuple[str | tuple[int, tuple[float, ...]], float, str, str]] = {
    "cause": ("-", 2.0, INK, "cause: its own trouble came from there"),
    "hard": ("-", 1.0, "#0072B2", "hard: down with it"),
    "backlog": ((0, (6, 2)), 1.2, "#D55E00", "backlog: work piled up meanwhile"),
    "capacity": ((0, (6, 2, 1.5, 2)), 1.2, "#007A59", "capacity: loses instances"),
    "launches": ((0, (1, 1.5)), 1.2, "#007A59", "launches: gets instances back"),
    "manual": ((0, (1.5, 1.5)), 1.4, "#B4568F", "manual: until somebody acts"),
}
Spot = str | tuple[str, str, int]
"""A place of the graph: of a service, or where an edge (from, to) passes through a row."""
HATCHES = ("", "///", "...", "\\\\\\", "xx", "--", "++", "oo")


def figures_for(part: Services) -> list[Picture]:
    """All pictures of a part "services"."""
    with figures.style():
        lost = {row.name: row.minutes_lost.mean for row in part.services}
        pictures = [graph(part, lost), timeline(part)]
        return [*pictures, waits(part)] if part.waits else pictures


def blast_picture(part: Graph, node: str, lost: Mapping[str, float]) -> Picture:
    """The minutes lost if only `node` had been impaired: as colours of the graph; narrow, as bars."""
    with figures.style():
        return bars(part, lost, node) if figures.is_narrow() else graph(part, lost, node)


# --- the graph --------------------------------------------------------------------------------------------------------


def graph(part: Graph, lost: Mapping[str, float], node: str = "") -> Picture:
    """Services in layers, each below all that it needs; colour by minutes lost, edges by kind."""
    import matplotlib as mpl
    from matplotlib.patches import FancyBboxPatch, PathPatch
    from matplotlib.path import Path

    label = {row.name: row.label for row in part.nodes}
    layer = {row.name: row.layer for row in part.nodes}
    shown = sorted(label, key=lambda name: (name != node, -lost.get(name, 0.0)))[:NODES_MAX]
    edges = [edge for edge in part.edges if edge.source in shown and edge.target in shown]
    places, waypoints, rows, wide = _layout([name for name in label if name in shown], layer, edges)
    kinds = [kind for kind in EDGES if any(edge.kind == kind for edge in edges)]
    legend_rows = -(-len(kinds) // 2)
    with figures.wide():  # a graph so narrow would not be read: a phone scrolls
        figure, (panel, bar, below) = figures.stack([0.98 * rows, 0.12, figures.lines_in(legend_rows)])
    panel.set_xlim(0, 1)
    panel.set_ylim(-rows + 0.6, 0.4)
    panel.axis("off")
    most = max([*lost.values(), 1e-9])
    colours = mpl.colormaps["Oranges"]
    high = 0.29

    def ends(edge: Edge) -> list[tuple[float, float]]:
        (x0, y0), (x1, y1) = places[edge.source], places[edge.target]
        return [(x0, y0 - high), *waypoints.get((edge.source, edge.target), []), (x1, y1 + high)]

    for edge in edges:
        points, corners = ends(edge), []
        codes = [Path.MOVETO]
        for (xa, ya), (xb, yb) in itertools.pairwise(points):
            corners += [(xa, (ya + yb) / 2), (xb, (ya + yb) / 2), (xb, yb)]
            codes += [Path.CURVE4] * 3
        style, width, colour, _ = EDGES[edge.kind]
        line = Path([points[0], *corners], codes)
        panel.add_patch(PathPatch(line, fill=False, lw=width, ls=style, ec=colour, zorder=1, capstyle="butt"))
        panel.plot([points[-1][0]], [points[-1][1] + 0.02], marker="v", ms=4.5, color=colour, zorder=2)
    for name in shown:
        x, y = places[name]
        minutes = lost.get(name, 0.0)
        share = minutes / most
        face = colours(0.08 + 0.8 * share) if minutes > 0 else "white"
        box = FancyBboxPatch(
            (x - wide / 2, y - high), wide, 2 * high, boxstyle="round,pad=0,rounding_size=0.012", fc=face,
            ec=INK, lw=2.4 if name == node else 0.8, zorder=3, mutation_aspect=5,
        )  # fmt: skip
        panel.add_patch(box)
        text = textwrap.fill(textwrap.shorten(label[name], 40, placeholder="…"), max(int(wide * 105), 8))
        text += f"\n{units.show_duration(60 * minutes)}" if minutes > 0 else "\nwell"
        panel.text(
            x, y, text, ha="center", va="center", fontsize=7.4, zorder=4, linespacing=1.15,
            color="white" if share > 0.62 else INK if minutes <= 0 else ON_COLOUR,
        )  # fmt: skip
    scale = mpl.colors.Normalize(0, most / 60)
    shades = mpl.colors.ListedColormap(colours(np.linspace(0.08, 0.88, 128)))
    figure.colorbar(mpl.cm.ScalarMappable(scale, shades), cax=bar, orientation="horizontal")
    bar.set_xlabel("hours lost (depth × time)", fontsize=8.6)
    bar.tick_params(labelsize=8)
    with figures.wide():
        _legend(below, kinds)
    if node:
        title = _alone(part, lost, node)
        caption = "Minutes that each service loses if only the service with the thick border is impaired."
    else:
        worst = max(lost, key=lambda name: lost[name])
        hit = sum(1 for minutes in lost.values() if minutes > 0)
        title = f"{hit} of {_count(len(lost), 'service')} impaired; {label[worst]} lost most"
        caption = "Minutes that each service lost, in all."
    figures.entitle(figure, title)
    caption += " An arrow goes from what is needed to who needs it; each service stands below all that it needs."
    if len(shown) < len(label):
        caption += f" Of {len(label)} services the {len(shown)} that lost most are drawn."
    return Picture(f"services-blast-{node}" if node else "services-graph", figure, caption)


def _alone(part: Graph, lost: Mapping[str, float], node: str) -> str:
    """Whom a node takes down, in a title."""
    others = [minutes for name, minutes in lost.items() if minutes > 0 and name != node]
    down = f"{_count(len(others), 'service')} down with it, {units.show_duration(60 * math.fsum(others))} lost"
    return f"{part.label_of(node)} alone: {down}"


def bars(part: Graph, lost: Mapping[str, float], node: str) -> Picture:
    """Minutes lost if only `node` had been impaired, a bar a service, the node first: what the graph says, less who
    needs whom, where there is no room for boxes side by side.
    """
    import matplotlib as mpl

    hit = sorted(
        (name for name in lost if lost[name] > 0 or name == node), key=lambda name: (name != node, -lost[name])
    )
    shown = hit[:NODES_MAX]
    names = [textwrap.fill(textwrap.shorten(part.label_of(name), 40, placeholder=" …"), 18) for name in shown]
    figure, (panel, _) = figures.stack([0.5 + sum(0.2 + 0.15 * (1 + name.count("\n")) for name in names), 0.05])
    hours, most = [lost[name] / 60 for name in shown], max([lost[name] / 60 for name in shown], default=0.0) or 1.0
    shades = mpl.colormaps["Oranges"]
    panel.barh(
        range(len(shown)), hours, 0.6, color=[shades(0.08 + 0.8 * one / most) for one in hours], ec=INK,
        lw=[2.2 if name == node else 0.8 for name in shown],
    )  # fmt: skip
    for y, (name, at) in enumerate(zip(shown, hours, strict=True)):
        panel.annotate(
            units.show_duration(60 * lost[name]), (at, y), (4, 0), textcoords="offset points", va="center", fontsize=8.6
        )
    panel.set_yticks(range(len(shown)), names)
    panel.set_ylim(len(shown) - 0.4, -0.6)
    panel.set_xlim(0, 1.35 * most)
    panel.grid(axis="y", visible=False)
    panel.set_xlabel("hours lost (depth × time)")
    figures.entitle(figure, _alone(part, lost, node))
    caption = "Minutes that each service loses if only the first is impaired."
    if len(shown) < len(hit):
        caption += f" Of {len(hit)} services the {len(shown)} that lost most are drawn."
    return Picture(f"services-blast-{node}", figure, caption)


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _legend(below: Axes, kinds: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], ls=EDGES[kind][0], lw=EDGES[kind][1], color=EDGES[kind][2]) for kind in kinds]
    figures.legend_below(below, handles, [EDGES[kind][3] for kind in kinds], False, columns=2)


def _layout(
    names: Sequence[str], layer: Mapping[str, int], edges: Sequence[Edge]
) -> tuple[dict[str, tuple[float, float]], dict[tuple[str, str], list[tuple[float, float]]], int, float]:
    """Places of the services, the points that long edges pass through, the number of rows, and how wide a box may be.

    An edge over several layers has a place in each of them; places are ordered by the mean of their neighbours, some
    times down and up. Source: Sugiyama, Tagawa, Toda, IEEE Trans. Systems, Man, Cybernetics 1981.
    """
    used = sorted({layer[name] for name in names})
    row_of = {number: i for i, number in enumerate(used)}
    rows: list[list[Spot]] = [[name for name in names if row_of[layer[name]] == i] for i in range(len(used))]
    links: list[tuple[Spot, Spot]] = []
    through: dict[tuple[str, str], list[tuple[str, str, int]]] = {}
    for edge in edges:
        key = (edge.source, edge.target)
        first, last = row_of[layer[key[0]]], row_of[layer[key[1]]]
        steps = [(*key, row) for row in range(first + 1, last)]
        for step in steps:
            rows[step[2]].append(step)
        through[key] = steps
        walk: list[Spot] = [key[0], *steps, key[1]]
        links += list(itertools.pairwise(walk))
    place: dict[Spot, float] = {}

    def widths_of(row: Sequence[Spot]) -> list[float]:
        return [1.0 if isinstance(one, str) else 0.25 for one in row]

    def spread(row: Sequence[Spot]) -> None:
        widths, at = widths_of(row), 0.0
        for one, width in zip(row, widths, strict=True):
            place[one] = (at + width / 2) / sum(widths)
            at += width

    for row in rows:
        spread(row)
    for turn in range(8):
        for row in rows if turn % 2 == 0 else rows[::-1]:
            side = 1 if turn % 2 == 0 else 0
            mean = {}
            for one in row:
                near = [place[link[1 - side]] for link in links if link[side] == one]
                mean[one] = sum(near) / len(near) if near else place[one]
            row.sort(key=lambda one: mean[one])
            spread(row)
    at = {one: (place[one], -float(i)) for i, row in enumerate(rows) for one in row}
    points = {key: [at[step] for step in steps] for key, steps in through.items()}
    return (
        {name: at[name] for name in names},
        points,
        len(rows),
        min(0.15, *(0.95 / sum(widths_of(row)) for row in rows)),
    )


# --- timeline ---------------------------------------------------------------------------------------------------------


def _axis(part: Services) -> TimeAxis:
    """Time to a little after the last service is well."""
    ends = [end for row in part.services for _, end in row.impaired]
    ends += [row.observed_s for row in part.observed if row.what not in ("action", "nothing")]
    last = max([end for end in ends if math.isfinite(end)], default=0.0)
    horizon = part.horizon_s
    if ends and all(math.isfinite(end) for end in ends):
        horizon = min(horizon, 1.04 * last + part.window_s)
    return TimeAxis(horizon, part.clock)


def observed_spans(rows: Sequence[ServiceMilestone]) -> list[tuple[float, float]]:
    """Times [from, to) of one service from its observed rows; nan where one end is not known."""
    at = {row.what: row.observed_s for row in rows}
    begin, end = at.get("start", math.nan), at.get("end", math.nan)
    if "first end" in at or "second start" in at:
        found = [(begin, at.get("first end", math.nan)), (at.get("second start", math.nan), end)]
    else:
        found = [(begin, end)]
    return [pair for pair in found if not all(math.isnan(one) for one in pair)]


def timeline(part: Services) -> Picture:
    """One bar a service, simulated above observed; the deeper, the darker."""
    import matplotlib as mpl
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    axis = _axis(part)
    labels = {node.name: node.label for node in part.nodes}
    layer = {node.name: node.layer for node in part.nodes}
    services = [row for row in part.services if row.impaired or _seen(part, row.name)]
    services = sorted(services, key=lambda row: (layer[row.name], _start(row)))[:NODES_MAX]
    figure, (panel, below) = figures.stack([0.5 + 0.34 * len(services), figures.lines_in(3)])
    shades = mpl.colormaps["Blues"]
    for i, row in enumerate(services):
        for begin, end, depth in row.depth:
            end = min(end, axis.end_s)
            panel.barh(i - 0.19, end - begin, 0.34, left=begin, color=shades(0.25 + 0.75 * depth), lw=0, zorder=3)
        for begin, end in row.impaired:
            width = min(end, axis.end_s) - begin
            panel.barh(i - 0.19, width, 0.34, left=begin, fill=False, ec=INK, lw=0.5, zorder=4)
        for begin, end in observed_spans(_seen(part, row.name)):
            if math.isnan(begin) or math.isnan(end):
                at, marker = (begin, ">") if math.isnan(end) else (end, "<")
                panel.plot([at], [i + 0.19], marker=marker, ms=5, color=GREY, ls="", zorder=4, clip_on=False)
            else:
                panel.barh(
                    i + 0.19, end - begin, 0.3, left=begin, fc="#e4e4e4", ec=GREY, hatch="////", lw=0.6, zorder=3
                )
    panel.set_yticks(
        range(len(services)),
        [textwrap.fill(labels[row.name], figures.letters(40, 18)) for row in services],
        fontsize=8.2,
    )
    panel.set_ylim(len(services) - 0.4, -0.6)
    axis.dress(panel)
    panel.grid(visible=False, axis="y")
    handles = [
        *(Patch(fc=shades(0.25 + 0.75 * depth), ec=INK, lw=0.5) for depth in (0.1, 0.5, 1.0)),
        Patch(fc="#e4e4e4", ec=GREY, hatch="////", lw=0.6),
        Line2D([], [], marker=">", color=GREY, ls=""),
    ]
    names = ["simulated, depth 10 %", "depth 50 %", "depth 100 %", "observed", "observed: one end"]
    figures.legend_below(below, handles, names, False, columns=2)
    last = max(services, key=_end, default=None)
    what = "No service is impaired"
    if last is not None:
        after = (
            f"well again after {units.show_duration(_end(last))}"
            if math.isfinite(_end(last))
            else "not well at the end"
        )
        what = f"Last of all {labels[last.name]}, {after}"
    figures.entitle(figure, f"{what}; simulated above observed" if part.observed else what)
    return Picture(
        "services-timeline", figure,
        "When each service was impaired. Upper bar: simulated, the darker the deeper; lower bar: observed, where both "
        "ends are known, else a triangle at the end that is.",
    )  # fmt: skip


def _seen(part: Services, name: str) -> list[ServiceMilestone]:
    return [row for row in part.observed if row.service == name and row.what not in ("action", "nothing")]


def _start(row: Service) -> float:
    return row.impaired[0][0] if row.impaired else math.inf


def _end(row: Service) -> float:
    return row.impaired[-1][1] if row.impaired else -math.inf


# --- what all waited for ----------------------------------------------------------------------------------------------


def waits(part: Services) -> Picture:
    """How many services' worth of work was waiting, for what, over time."""
    axis = _axis(part)
    times = np.linspace(0, axis.end_s, POINTS, endpoint=False)
    began: dict[str, float] = {}
    for wait in (wait for row in part.services for wait in row.waits):
        began[wait.waits_for] = min(began.get(wait.waits_for, math.inf), wait.from_s)
    share = {row.waits_for: row.share for row in part.waits[:WAITS_MAX]}
    names = sorted(share, key=lambda name: (began.get(name, math.inf), name))
    if rest := part.waits[WAITS_MAX:]:
        names.append(REST)
        share[REST] = math.fsum(row.share for row in rest)
    found = {name: np.zeros(POINTS) for name in names}
    for row in part.services:
        depth = np.zeros(POINTS)
        for begin, end, value in row.depth:
            depth[(times >= begin) & (times < end)] = value
        for wait in row.waits:
            there = (times >= wait.from_s) & (times < wait.to_s)
            found[wait.waits_for if wait.waits_for in found else REST][there] += depth[there]
    figure, (panel, below) = figures.stack([2.9, figures.lines_in(-(-len(names) // 2))])
    base = np.zeros(POINTS)
    handles = []
    for i, name in enumerate(names):
        colour = (*COLOURS[1:], GREY, COLOURS[0])[i % 8]
        handles.append(
            panel.fill_between(
                times,
                base,
                base + found[name],
                step="post",
                fc=colour,
                hatch=HATCHES[i % len(HATCHES)],
                ec="white",
                lw=0.4,
            )
        )
        base = base + found[name]
    axis.dress(panel)
    panel.set_ylim(0, max(float(base.max()) * 1.08, 1e-9))
    panel.set_ylabel("services impaired (by depth)")
    named = [f"{name}: {units.show_share(round(share[name], 3))} of the minutes lost" for name in names]
    figures.legend_below(below, handles, named, False, columns=2)
    most = part.waits[0]
    all_lost = units.show_share(round(most.share, 2))
    figures.entitle(figure, f"What everybody was waiting for: {most.waits_for}, {all_lost} of all minutes lost")
    return Picture(
        "services-waits", figure,
        "Impaired services, each with its depth, by what the one at the end of its chain of needs was busy with: a "
        "stage, a step by hand, its own backlog, lost capacity, or a lag.",
    )  # fmt: skip
