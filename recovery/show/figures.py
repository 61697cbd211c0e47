"""Pictures of stored results: manifest, summary and series in, matplotlib figures out. Nothing is simulated.

Every curve has its own colour, line style and marker, so that it is told apart in print without colour. The same
results give the same bytes: ids are hashed with a fixed salt, and no date is written.
"""

from __future__ import annotations

import io
import math
import re
import textwrap
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import JsonValue

from recovery import theory, units
from recovery.keys import short_keys
from recovery.measures import register
from recovery.show.words import speaking_of
from recovery.store.run_record import Course, Group, Milestone, Quantity, RunManifest, Scenario, Summary

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.container import Container
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

Array = npt.NDArray[np.float64]

WIDTH_IN = 6.8
TITLE_PT = 10.8
POINTS_MAX = 360  # of a curve: more are not seen, and make the page heavy
TOGETHER_MAX = 6  # more variants than this do not share a panel under their own colours
INK, GREY, PALE = "#1a1a1a", "#767676", "#c4c4c4"
# Okabe and Ito's colours, which people with any colour vision tell apart; black is the first variant's.
COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DASHES: tuple[str | tuple[int, tuple[float, ...]], ...] = (
    "-",
    (0, (6, 2)),
    (0, (1.5, 1.5)),
    (0, (6, 2, 1.5, 2)),
    (0, (3, 1.5)),
    (0, (8, 2, 1.5, 2, 1.5, 2)),
    (0, (10, 3)),
)
MARKERS = ("", "o", "s", "^", "D", "v", "X")
WORK = {
    "useful": ("useful", "#009E73", ""),
    "wasted": ("wasted: nobody waits any more", "#D55E00", "///"),
    "failed": ("failed", "#CC79A7", "xx"),
    "overhead": ("saying no", "#F0E442", "---"),
    "down": ("restarting", "#8c8c8c", ""),
    "idle": ("idle", "#efefef", ""),
}
_STYLE: dict[str, object] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "hatch.linewidth": 0.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "path.simplify": True,
    "svg.hashsalt": "recovery",
    "text.parse_math": False,  # names are drawn as they stand, whatever they hold
    "svg.fonttype": "path",
}


class Picture(NamedTuple):
    """A figure under the name of its file, and what the reader should know of it. Its title says what to see."""

    name: str
    figure: Figure
    caption: str

    @property
    def title(self) -> str:
        """The title of the figure on one line."""
        return " ".join(self.figure.get_suptitle().split())


class Mark(NamedTuple):
    """A fact to be drawn across the axis of a sweep: `at` in seconds, 1/s, or the bare number."""

    at: float
    label: str


class Lever(NamedTuple):
    """The one swept key, if its values are numbers: in `unit`, `scale` times seconds, 1/s or the bare number."""

    key: str
    kind: str
    unit: str
    scale: float

    def value(self, found: Quantity | None) -> float:
        """What an axis shows for a number of the file; nan for none."""
        return math.nan if found is None else found.value * self.scale

    def of(self, group: Group) -> float:
        """Where a group stands on the axis."""
        return self.value(group.lever_values.get(self.key))

    def show(self, value: float) -> str:
        """A value on the axis, with its unit."""
        return f"{value:.3g}{'' if self.unit.startswith('/') else ' '}{self.unit}".strip()


class Crossing(NamedTuple):
    """Where the probability of collapse is one half, and where the edges of its intervals are; nan if nowhere."""

    at: float
    low: float
    high: float


class Curve(NamedTuple):
    """A variant's series under the name that the legend has for it."""

    label: str
    frame: pl.DataFrame


# --- what results say -------------------------------------------------------------------------------------------------


def label_of(variant: str, levers: Mapping[str, JsonValue]) -> str:
    """Name of a variant with the values of its levers, by as much of each key as tells them apart."""
    short = short_keys(levers)
    return ", ".join([variant, *(f"{short[key]} {value}" for key, value in levers.items())])


def lever_of(summary: Summary) -> Lever | None:
    """The lever of a sweep over one key whose values are all numbers, durations, rates or shares; else None."""
    keys = {key for group in summary.groups for key in group.levers}
    if len(keys) != 1 or not all(group.levers for group in summary.groups):
        return None
    [key] = keys
    return lever_over(key, [group.lever_values.get(key) for group in summary.groups])


def lever_over(key: str, found: Sequence[Quantity | None]) -> Lever | None:
    """The axis of a key with these values; None if not all are numbers of one kind, or all are the same."""
    known = [one for one in found if one is not None]
    kinds, values = {one.kind for one in known}, {one.value for one in known}
    if len(known) < len(found) or len(kinds) != 1 or len(values) < 2:
        return None
    kind = kinds.pop()
    if kind == "duration":
        unit, scale = next(
            (u, s)
            for limit, u, s in ((1, "ms", 1e3), (600, "s", 1.0), (math.inf, "min", 1 / 60))
            if max(values) < limit
        )
        return Lever(key, kind, unit, scale)
    return Lever(key, kind, {"rate": "/s", "share": "%", "number": ""}[kind], 100.0 if kind == "share" else 1.0)


def monotone(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The rising sequence nearest to `values` (least squares): neighbours that fall are pooled.

    Source: Ayer, Brunk, Ewing, Reid and Silverman, Ann. Math. Stat. 26 (1955).
    """
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        blocks.append((value, weight, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (a, u, m), (b, v, n) = blocks[-2:]
            blocks[-2:] = [((a * u + b * v) / (u + v), u + v, m + n)]
    return [value for value, _, n in blocks for _ in range(n)]


def crossing(at: Sequence[float], shares: Sequence[float], weights: Sequence[float], level: float = 0.5) -> float:
    """Where a share that rises or falls with `at` passes `level`, or nan. Pooled to be monotone, then linear."""
    order = np.argsort(np.asarray(at), kind="stable")
    x = np.asarray(at, float)[order]
    y = np.asarray(shares, float)[order]
    w = np.asarray(weights, float)[order]
    if float(((x - x.mean()) * (y - y.mean())).sum()) < 0:
        x, y, w = -x[::-1], y[::-1], w[::-1]
        sign = -1.0
    else:
        sign = 1.0
    y = np.asarray(monotone(y.tolist(), w.tolist()))
    for i in range(1, len(x)):
        if y[i - 1] < level <= y[i]:
            return sign * float(x[i - 1] + (level - y[i - 1]) / (y[i] - y[i - 1]) * (x[i] - x[i - 1]))
    return math.nan


def crossings(summary: Summary, lever: Lever) -> dict[str, Crossing]:
    """For each variant, where on the axis of the lever it collapses in half of its runs."""
    out = {}
    for variant in dict.fromkeys(group.variant for group in summary.groups):
        own = [group for group in summary.groups if group.variant == variant]
        at, runs = [lever.of(group) for group in own], [float(group.runs) for group in own]
        shares = [(one.share, one.low, one.high) for one in (group.collapsed for group in own)]
        ends = [crossing(at, share, runs) for share in zip(*shares, strict=True)]
        out[variant] = Crossing(ends[0], *sorted(ends[1:]))
    return out


def hidden_capacity(scenario: Scenario, lever: Lever) -> float:
    """μ / (1 + R) of a variant on the axis of a lever that is a rate or an interval of arrivals; nan without one."""
    jobs = scenario.jobs
    if not re.fullmatch(r"jobs\.steps\.\d+\.(rate|interval)", lever.key) or jobs is None:
        return math.nan
    if math.isinf(jobs.retries) or math.isinf(scenario.hosts.capacity_per_s):
        return math.nan
    hidden = theory.hidden_capacity_per_s(scenario.hosts.capacity_per_s, jobs.retries)
    return (hidden if lever.kind == "rate" else 1 / hidden) * lever.scale


def best_of(groups: Sequence[Group]) -> Group | None:
    """The variant that is back first (ttr99), if any comes back."""
    finite = [group for group in groups if math.isfinite(group.mean("ttr99_s"))]
    return min(finite, key=lambda group: group.mean("ttr99_s")) if finite else None


def how_long(group: Group) -> str:
    """When a variant is back, in words: "back after 75 min", "never recovers", "not back in 3 of 40 runs"."""
    ttr = group.mean("ttr99_s")
    runs, back = group.runs, group.verdicts.get("recovered", 0)
    if math.isfinite(ttr):
        return f"back after {units.show_duration(ttr)}" if ttr > 0 else "is never away"
    if back:
        return f"not back in {runs - back} of {runs} runs"
    return "never recovers" if group.verdicts.get("collapsed") else "not yet back at the horizon"


# --- the pictures of a run --------------------------------------------------------------------------------------------


def figures_for(
    manifest: RunManifest, summary: Summary, series: pl.DataFrame | None, marks: Sequence[Mark] = ()
) -> list[Picture]:
    """All pictures of the results of a run. `marks` are facts about the lever of a sweep, drawn beside the curves."""
    with style():
        return list(_figures(manifest, summary, series, marks))


def _figures(
    manifest: RunManifest, summary: Summary, series: pl.DataFrame | None, marks: Sequence[Mark]
) -> Iterator[Picture]:
    is_leases = manifest.has_leases
    level = "leased_share" if is_leases else "backlog"
    if any(group.levers for group in summary.groups):
        lever = lever_of(summary)
        if lever is None:
            return
        yield _collapse(summary, lever, marks)
        if any(math.isfinite(row.of("ttr99_s")) for row in summary.rows):
            yield _sweep_times(summary, lever)
        if series is not None and level in series.columns:
            yield _sweep_curves(manifest, summary, series, lever, level)
        return
    if series is not None:
        axis = TimeAxis.of(manifest)
        curves = [Curve(group.variant, series_of(series, group)) for group in summary.groups]
        if is_leases:
            yield _leased(summary, curves, axis)
            if len(curves) > TOGETHER_MAX:
                yield _each(summary, curves, axis)
        else:
            yield _backlog(summary, curves, axis)
            yield _goodput(summary, curves, axis)
        yield _waiting(summary, curves, axis)
        yield _work(summary, curves, axis)
        yield _attempts(summary, curves, axis)
    yield _bars(manifest, summary)


def series_of(series: pl.DataFrame, group: Group) -> pl.DataFrame:
    """The windows of a group's variant."""
    import json

    import polars as pl

    levers = json.dumps(dict(group.levers), sort_keys=True, default=str)
    return series.filter((pl.col("variant") == group.variant) & (pl.col("levers") == levers))


def _leased(summary: Summary, curves: Sequence[Curve], axis: TimeAxis) -> Picture:
    shown, others = highlighted(summary, curves)
    milestones = [stone for stone in summary.milestones if stone.measure in register.milestones("leases")]
    figure, (top, below) = stack(
        [3.1, lines_in(_legend_rows(shown, others)) + lines_in(len(milestones) + bool(milestones))]
    )
    for curve in others:
        top.plot(*level_of(curve, "leased_share", 100), color=PALE, lw=0.9)
    handles = [draw_line(top, n, *level_of(curve, "leased_share", 100)) for n, (_, curve) in enumerate(shown)]
    axis.dress(top)
    top.set_ylim(-2, 108 if milestones else 103)
    top.set_ylabel(speaking_of(summary.groups[0].scenario.called, "holders with a lease (%)"))
    names = [f"{curve.label}: {how_long(summary.groups[i])}" for i, curve in shown]
    legend_below(below, handles, names, bool(others))
    _milestones(top, below, milestones, axis, summary.groups[0].variant)
    entitle(figure, f"Leases: {_contrast(summary.groups)}")
    caption = speaking_of(
        summary.groups[0].scenario.called, "Share of holders that hold a lease, at the end of each window."
    )
    caption += axis.shading(summary.groups)
    if milestones:
        caption += (
            f" Numbered lines: what was observed; triangles: the same milestone of “{summary.groups[0].variant}”."
        )
    return Picture("leased", figure, caption + grey_note(others))


def _milestones(top: Axes, below: Axes, milestones: Sequence[Milestone], axis: TimeAxis, variant: str) -> None:
    """Observed milestones as numbered lines, simulated ones as triangles; their names as a list under the panel."""
    if not milestones:
        return
    lines = [f"Milestones: observed | simulated (“{variant}”)"]
    last = -math.inf
    raised = False
    for i, milestone in enumerate(sorted(milestones, key=lambda one: one.observed_s), 1):
        at, simulated = milestone.observed_s, milestone.simulated_s
        raised = at - last < 0.03 * axis.horizon_s and not raised
        last = at
        top.axvline(at, color="#0072B2", lw=1.1, ls=(0, (4, 2)), zorder=1)
        top.annotate(
            str(i), (at, 1.0), (0, 13 if raised else 2), xycoords=("data", "axes fraction"), textcoords="offset points",
            ha="center", va="bottom", fontsize=9, color="#0072B2", fontweight="bold", annotation_clip=False,
        )  # fmt: skip
        if 0 < simulated <= axis.horizon_s:
            top.plot([simulated], [104.5], marker="v", color="#000000", ms=6, ls="", zorder=5)
        if 0 < simulated < math.inf:
            off = (simulated - at) / 60
            text = f"{axis.show(simulated)} ({'+' if round(off) > 0 else '−' if round(off) else '±'}{abs(off):.0f} min)"
        else:
            text = units.show_milestone(simulated)
        name = textwrap.shorten(milestone.label, 58, placeholder=" …")
        lines.append(f"{i}  {name}: {axis.show(at)} | {text}")
    below.text(
        0, 0, "\n".join(lines), transform=below.transAxes, va="bottom", ha="left", fontsize=8.6, linespacing=1.35
    )


def _each(summary: Summary, curves: Sequence[Curve], axis: TimeAxis) -> Picture:
    """Leased share, a panel a variant, with the first variant behind it."""
    figure, panels = _grid_of(len(curves) - 1, 1.25)
    groups = summary.groups
    first = level_of(curves[0], "leased_share", 100)
    for panel, curve, group in zip(panels, curves[1:], groups[1:], strict=True):
        panel.plot(*first, color=GREY, lw=1.0, ls=(0, (2, 1.5)))
        panel.plot(*level_of(curve, "leased_share", 100), color="#0072B2", lw=1.9)
        axis.dress(panel, small=True, group=group)
        panel.set_ylim(-4, 106)
        panel.set_yticks([0, 50, 100])
        _panel_title(panel, curve.label, how_long(group))
    _edge_labels(figure, panels, "leased (%)", axis.label)
    back = sum(math.isfinite(group.mean("ttr99_s")) for group in groups[1:])
    entitle(figure, f"Leases under each other variant: {back} of {len(groups) - 1} come back")
    return Picture(
        "leased-each",
        figure,
        f"Solid: the variant named above the panel. Dotted: “{curves[0].label}”, in every panel for comparison.",
    )


def _backlog(summary: Summary, curves: Sequence[Curve], axis: TimeAxis) -> Picture:
    figure = _lines_picture(
        summary, curves, axis, [("jobs that wait for an answer", lambda curve: level_of(curve, "backlog"), "symlog")]
    )
    entitle(figure, f"Backlog: {_contrast(summary.groups)}")
    return Picture(
        "backlog",
        figure,
        "Jobs that have come and have neither succeeded nor been given up, at the end of each window.",
    )


def _goodput(summary: Summary, curves: Sequence[Curve], axis: TimeAxis) -> Picture:
    figure = _lines_picture(
        summary, curves, axis, [("successes (a second)", lambda curve: flow_of(curve, "succeeded"), "linear")]
    )
    panel = figure.axes[0]
    times, arrived = flow_of(curves[0], "arrived")
    panel.plot(times, arrived, color="#E69F00", lw=1.1, ls=(0, (1, 1)), zorder=1)
    panel.set_ylim(0, max(panel.get_ylim()[1], 1.1 * float(arrived.max(initial=0.0))))
    panel.annotate(
        "arrivals",
        (times[int(np.argmax(arrived))], float(arrived.max())),
        (4, 2),
        textcoords="offset points",
        fontsize=8.6,
        color="#8a5f00",
    )
    served = [(group.mean("served_share"), group.variant) for group in summary.groups]
    text = "; ".join(f"“{variant}” serves {units.show_share(part)} of its jobs" for part, variant in _ends(served))
    entitle(figure, f"Goodput: {text}")
    return Picture("goodput", figure, f"Successes a second. Dotted: jobs that arrive a second, of “{curves[0].label}”.")


def _waiting(summary: Summary, curves: Sequence[Curve], axis: TimeAxis) -> Picture:
    figure = _lines_picture(
        summary,
        curves,
        axis,
        [
            ("requests that wait", lambda curve: level_of(curve, "queue"), "symlog"),
            ("oldest of them (min)", lambda curve: level_of(curve, "oldest_ns", 1 / 60e9), "symlog"),
        ],
    )
    panel = figure.axes[1]
    timeout = summary.groups[0].scenario.hosts.timeout_s
    if math.isfinite(timeout):
        panel.axhline(timeout / 60, color="#D55E00", lw=1.1, ls=(0, (1, 1)))
        panel.annotate(
            f"timeout {units.show_duration(timeout)}", (1, timeout / 60), (-2, 2), xycoords=("axes fraction", "data"),
            textcoords="offset points", fontsize=8.6, color="#a04500", va="bottom", ha="right",
        )  # fmt: skip
    peaks = [(group.mean("queue_peak"), group.variant) for group in summary.groups]
    text = "; ".join(f"{units.show_count(peak)} under “{variant}”" for peak, variant in _ends(peaks))
    entitle(figure, f"Waiting requests at most: {text}")
    caption = (
        "Requests in all queues, and how long the oldest has waited (both logarithmic). Where that is longer than "
    )
    return Picture(
        "waiting",
        figure,
        caption
        + "the timeout, hosts work on requests that nobody waits for."
        + grey_note(highlighted(summary, curves)[1]),
    )


def _work(summary: Summary, curves: Sequence[Curve], axis: TimeAxis) -> Picture:
    """Stacked areas of the workers' time: the first variant large, the others small."""
    figure = blank(1.0)
    rows = math.ceil((len(curves) - 1) / 3)
    figure.set_figheight(2.9 + 1.3 * rows + 0.75)
    heights = [2.3, *([1.3] * rows), 0.5]
    grid = figure.add_gridspec(len(heights), 3, height_ratios=heights)
    panels = [figure.add_subplot(grid[0, :])]
    panels += [figure.add_subplot(grid[1 + i // 3, i % 3]) for i in range(len(curves) - 1)]
    wasted = []
    seen: set[str] = set()
    for i, (panel, curve, group) in enumerate(zip(panels, curves, summary.groups, strict=True)):
        times, shares = _shares_of_work(curve, POINTS_MAX if i == 0 else 120)
        lower = np.zeros_like(times)
        for kind, share in shares.items():
            _, colour, hatch = WORK[kind]
            if share.max(initial=0.0) > 0.002:
                seen.add(kind)
                panel.fill_between(
                    times,
                    100 * lower,
                    100 * (lower + share),
                    facecolor=colour,
                    edgecolor="#00000066",
                    hatch=hatch or None,
                    lw=0,
                    rasterized=False,
                )
            lower = lower + share
        axis.dress(panel, small=i > 0, shade=False)
        panel.set_ylim(0, 100)
        panel.set_yticks([0, 50, 100])
        panel.grid(visible=False)
        wasted.append((group.mean("wasted_share"), group.variant))
        _panel_title(panel, curve.label, f"{_part(wasted[-1][0])} of the work wasted", wide=i == 0)
    panels[0].set_ylabel("workers' time (%)")
    for i, panel in enumerate(panels[1:]):
        if i % 3 == 0:
            panel.set_ylabel("%")
    below = figure.add_subplot(grid[-1, :])
    below.axis("off")
    from matplotlib.patches import Patch

    kinds = [kind for kind in WORK if kind in seen]
    patches = [
        Patch(facecolor=WORK[kind][1], hatch=WORK[kind][2] or None, edgecolor="#00000066", lw=0.4) for kind in kinds
    ]
    below.legend(
        patches, [WORK[kind][0] for kind in kinds], loc="lower left", ncols=3, borderaxespad=0, handleheight=1.2
    )
    text = "; ".join(f"“{variant}” wastes {_part(share)}" for share, variant in _ends(wasted))
    entitle(figure, f"What the workers do: {text} of the work")
    return Picture(
        "work",
        figure,
        "What workers spend their time on, as shares of all workers' time. Work counts when it ends. The share in a "
        "panel's title is of the work from the dependency's return until recovery (or the horizon).",
    )


def _shares_of_work(curve: Curve, points: int) -> tuple[Array, dict[str, Array]]:
    """Shares of the workers' time; work, which is counted when it ends, is scaled to the time workers were busy."""
    times, _ = flow_of(curve, "succeeded", points)
    busy, idle, down = (_rise(curve, f"{name}_ns", points) for name in ("busy", "idle", "down"))
    kinds = {kind: flow_of(curve, f"{kind}_work_ns", points)[1] for kind in ("useful", "wasted", "failed", "overhead")}
    total = np.maximum(busy + idle + down, 1.0)
    done = np.maximum(sum(kinds.values(), np.zeros_like(total)), 1e-9)
    shares = {kind: work / done * busy / total for kind, work in kinds.items()}
    shares |= {"down": down / total, "idle": idle / total}
    steps = np.max([np.abs(np.diff(share)) for share in shares.values()], axis=0, initial=0.0) > 0.002
    kept = np.append(True, steps) | np.append(steps, True)  # flat stretches need their ends only
    return times[kept], {kind: share[kept] for kind, share in shares.items()}


def _attempts(summary: Summary, curves: Sequence[Curve], axis: TimeAxis) -> Picture:
    figure = _lines_picture(
        summary, curves, axis, [("attempts (a second)", lambda curve: flow_of(curve, "submitted", 96), "log")]
    )
    panel = figure.axes[0]
    capacity = next((row.value for row in summary.explain if row.name == "establish_per_s"), math.nan)
    low, high = panel.get_ylim()
    panel.set_ylim(min(low, high / 20, capacity / 2 if capacity > 0 else low), high)
    panel.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    panel.yaxis.set_minor_formatter(lambda _value, _: "")
    if math.isfinite(capacity):
        panel.axhline(capacity, color="#D55E00", lw=1.1, ls=(0, (1, 1)))
        panel.annotate(
            f"hosts establish {units.show_count(capacity)}/s at most", (1, capacity), (-2, -3),
            xycoords=("axes fraction", "data"), textcoords="offset points", fontsize=8.6, color="#a04500", va="top",
            ha="right", bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}, zorder=6,
        )  # fmt: skip
    peaks = [(float(flow_of(curve, "submitted", 96)[1].max(initial=0.0)), curve.label) for curve in curves]
    text = "; ".join(f"{units.show_count(peak)}/s under “{variant}”" for peak, variant in _ends(peaks))
    entitle(figure, f"Attempts at most: {text}")
    return Picture(
        "attempts",
        figure,
        "Attempts that reach the hosts a second, new and repeated (logarithmic)."
        + grey_note(highlighted(summary, curves)[1]),
    )


def _bars(manifest: RunManifest, summary: Summary) -> Picture:
    """Time to recovery, a bar a variant, the fastest on top."""
    groups = sorted(summary.groups, key=lambda group: (group.mean("ttr99_s"), -group.mean("leased_end_share")))
    first = summary.groups[0].variant
    rows = len(groups)
    figure = blank(0.95 + 0.36 * rows + 0.3)
    panel = figure.subplots()
    horizon_min = (manifest.horizon_s - summary.recovers_from_s) / 60
    finite = [group.mean("ttr99_s") / 60 for group in groups if math.isfinite(group.mean("ttr99_s"))]
    never = len(finite) < rows
    limit = horizon_min if never else max([*finite, 1e-9]) * 1.22
    has_bound = False
    for y, group in enumerate(groups):
        ttr = group.mean("ttr99_s") / 60
        colour = "#000000" if group.variant == first else "#0072B2"
        if math.isfinite(ttr):
            panel.barh(y, ttr, height=0.62, color=colour)
            found = group.measures["ttr99_s"]
            low, high = found.low / 60, found.high / 60
            if math.isfinite(low) and math.isfinite(high):
                panel.errorbar(ttr, y, xerr=[[ttr - low], [high - ttr]], color=GREY, capsize=3, lw=1.2)
            end = max(ttr, high) if math.isfinite(high) else ttr
            text = units.show_duration(ttr * 60)
            if end > 0.8 * limit:
                panel.annotate(
                    text,
                    (end, y),
                    (-4, 0),
                    textcoords="offset points",
                    va="center",
                    ha="right",
                    fontsize=9,
                    color="white",
                )
            else:
                panel.annotate(text, (end, y), (5, 0), textcoords="offset points", va="center", fontsize=9)
        else:
            panel.barh(y, limit, height=0.62, facecolor="#f4f4f4", edgecolor=colour, hatch="////", lw=0.6)
            text = how_long(group).removesuffix(" recovers").removesuffix(" back at the horizon")
            panel.annotate(
                text,
                (limit / 2, y),
                va="center",
                ha="center",
                fontsize=9,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
            )
        bound = group.mean("fluid_bound_s") / 60
        if math.isfinite(bound) and bound > 0:
            has_bound = True
            panel.plot([bound, bound], [y - 0.42, y + 0.42], color="white", lw=4)
            panel.plot([bound, bound], [y - 0.42, y + 0.42], color="#D55E00", lw=2.2)
    panel.set_yticks(range(rows), [textwrap.fill(group.variant, 30) for group in groups])
    panel.set_ylim(rows - 0.4, -0.7)
    panel.set_xlim(0, limit)
    panel.grid(axis="y", visible=False)
    what = "99 % leased for good" if manifest.has_leases else "99 % of the backlog cleared for good"
    panel.set_xlabel(f"minutes until {what}" + (" (the axis ends at the horizon)" if never else ""))
    if rows == 1:
        entitle(figure, f"Time to recovery: “{first}” {how_long(groups[0])}")
    else:
        entitle(figure, f"Time to recovery: {_contrast(summary.groups)}")
    caption = f"From the return of the dependency. Black: “{first}”; hatched: not back before the horizon."
    if not manifest.has_leases:
        caption = f"From the time at which recovery is counted. Black: “{first}”; hatched: not back before the horizon."
    if has_bound:
        caption += " Orange mark: the fluid bound, the time if no work were wasted; nothing can be faster."
    return Picture("time-to-recovery", figure, caption)


# --- the pictures of a sweep ------------------------------------------------------------------------------------------


def _collapse(summary: Summary, lever: Lever, marks: Sequence[Mark]) -> Picture:
    variants = list(dict.fromkeys(group.variant for group in summary.groups))
    where = crossings(summary, lever)
    predicted = {
        variant: next(hidden_capacity(g.scenario, lever) for g in summary.groups if g.variant == variant)
        for variant in variants
    }
    shown = {variant: at for variant, at in predicted.items() if math.isfinite(at)}
    figure, (panel, below) = stack([3.2, lines_in(len(variants) + len(marks) + bool(shown)) + 0.1])
    handles, names = [], []
    for i, variant in enumerate(variants):
        own = sorted((g for g in summary.groups if g.variant == variant), key=lever.of)
        x = [lever.of(group) for group in own]
        share, low, high = (
            np.asarray([100 * getattr(group.collapsed, end) for group in own]) for end in ("share", "low", "high")
        )
        colour, dash = COLOURS[i % len(COLOURS)], DASHES[i % len(DASHES)]
        bars = panel.errorbar(
            x, share, yerr=[np.maximum(share - low, 0), np.maximum(high - share, 0)], color=colour, ls=dash, lw=1.6,
            capsize=2.5, elinewidth=0.9, marker="osD^vXP"[i % 7], ms=4.5, zorder=3 - 0.01 * i,
        )  # fmt: skip
        handles.append(bars)
        at = where[variant]
        text = (
            f"{variant}: half of the runs collapse at {lever.show(at.at)}"
            if math.isfinite(at.at)
            else f"{variant}: {_one_sided(share)}"
        )
        if variant in shown:
            text += f"; predicted {lever.show(shown[variant])}"
        names.append(text)
        if math.isfinite(at.at):
            panel.plot([at.at], [50], marker="o", mfc="white", mec=colour, mew=1.6, ms=8, zorder=6)
        if variant in shown:
            panel.axvline(shown[variant], color=colour, lw=1.2, ls=(0, (1, 1.5)), zorder=1)
    panel.axhline(50, color=GREY, lw=0.7)
    for i, mark in enumerate(marks):
        line = panel.axvline(mark.at * lever.scale, color="#E69F00", lw=1.4, ls=DASHES[1 + i % 6], zorder=1)
        handles.append(line)  # type: ignore[arg-type]
        names.append(f"observed: {mark.label} ({lever.show(mark.at * lever.scale)})")
    if shown:
        from matplotlib.lines import Line2D

        handles.append(Line2D([], [], color=GREY, lw=1.2, ls=(0, (1, 1.5))))  # type: ignore[arg-type]
        names.append("predicted hidden capacity μ / (1 + R)")
    panel.set_ylim(-4, 104)
    panel.set_ylabel("runs that collapse (%)")
    panel.set_xlabel(f"{lever.key}" + (f" ({lever.unit})" if lever.unit else ""))
    legend_below(below, handles, names, others=False, columns=1)
    found = [(variant, at) for variant, at in where.items() if math.isfinite(at.at)]
    text = "; ".join(f"“{variant}” {lever.show(at.at)}" for variant, at in found) or _one_sided(
        np.asarray([100 * group.collapsed.share for group in summary.groups])
    )
    entitle(figure, f"Half of the runs collapse at: {text}" if found else f"Over the whole sweep: {text}")
    runs = dict.fromkeys(str(n) for n in sorted({group.runs for group in summary.groups}))
    caption = (
        f"Share of {' or '.join(runs)} runs that end in collapse, with Wilson's 95 % interval. "
        "Circles: one half, on a line through the shares after neighbours against the trend were pooled."
    )
    if shown:
        caption += (
            " Dotted lines, each in its variant's colour: the load below which a pushed queue should empty by itself."
        )
    return Picture("collapse", figure, caption)


def _one_sided(shares: Array) -> str:
    if shares.max() < 50:
        return f"at most {shares.max():.3g} % of the runs collapse"
    if shares.min() > 50:
        return f"at least {shares.min():.3g} % of the runs collapse"
    return "no single point at which half of the runs collapse"


def medians(summary: Summary, measure: str) -> list[float]:
    """For each group of a summary, the median of a measure over its runs; inf counts as never, and stays inf."""
    values: dict[tuple[str, str], list[float]] = {}
    for row in summary.rows:
        values.setdefault((row.variant, repr(row.levers)), []).append(row.of(measure))
    out = []
    for group in summary.groups:
        own = sorted(values[group.variant, repr(group.levers)])
        low, high = own[(len(own) - 1) // 2], own[len(own) // 2]
        out.append(high if math.isinf(high) else (low + high) / 2)
    return out


def _sweep_times(summary: Summary, lever: Lever) -> Picture:
    variants = list(dict.fromkeys(group.variant for group in summary.groups))
    middle = medians(summary, "ttr99_s")
    figure, (panel, below) = stack([2.9, lines_in(len(variants)) + 0.1])
    handles, finite = [], [m for m in middle if math.isfinite(m)]
    top = max([*finite, 1.0])
    unit, scale = ("s", 1.0) if top < 600 else ("min", 1 / 60)
    edge = top * scale * 1.15
    for i, variant in enumerate(variants):
        points = sorted(
            (lever.of(group), m) for group, m in zip(summary.groups, middle, strict=True) if group.variant == variant
        )
        colour = COLOURS[i % len(COLOURS)]
        x = [at for at, m in points if math.isfinite(m)]
        y = [m * scale for _, m in points if math.isfinite(m)]
        (line,) = panel.plot(x, y, color=colour, ls=DASHES[i % len(DASHES)], lw=1.6, marker="osD^vXP"[i % 7], ms=4.5)
        handles.append(line)
        x = [at for at, m in points if math.isinf(m)]
        panel.plot(
            x,
            [edge * (1 + 0.05 * i)] * len(x),
            color=colour,
            ls="",
            marker="osD^vXP"[i % 7],
            ms=6,
            mfc="white",
            clip_on=False,
        )
    panel.axhline(edge, color=GREY, lw=0.7, ls=(0, (1, 1)))
    panel.set_ylim(0, edge * (1.04 + 0.05 * len(variants)))
    panel.annotate(
        "never", (1, edge), (5, 0), xycoords=("axes fraction", "data"),
        textcoords="offset points", fontsize=9, va="center",
    )  # fmt: skip
    panel.set_ylabel(f"median time to recovery ({unit})")
    panel.set_xlabel(f"{lever.key}" + (f" ({lever.unit})" if lever.unit else ""))
    legend_below(below, handles, variants, others=False, columns=1)
    lost = sum(math.isinf(m) for m in middle)
    entitle(
        figure,
        f"The median run takes up to {units.show_duration(top)}; at {lost} of {len(middle)} points it never recovers",
    )
    return Picture(
        "sweep-time-to-recovery",
        figure,
        "Median over the runs of a point (ttr99). Hollow marks on the dotted line: never.",
    )


def _sweep_curves(manifest: RunManifest, summary: Summary, series: pl.DataFrame, lever: Lever, level: str) -> Picture:
    """One run at each of a few values of the lever, around the point at which the first variant tips over."""
    variant = summary.groups[0].variant
    own = sorted((g for g in summary.groups if g.variant == variant), key=lever.of)
    at = crossings(summary, lever)[variant].at
    values = [lever.of(group) for group in own]
    middle = int(np.argmin(np.abs(np.asarray(values) - at))) if math.isfinite(at) else len(own) // 2
    picked = sorted({min(max(middle + step, 0), len(own) - 1) for step in (-4, -2, 0, 2, 4)})
    axis = TimeAxis.of(manifest)
    figure, (panel, below) = stack([2.9, lines_in(math.ceil(len(picked) / 2)) + 0.1])
    scale = 100.0 if level == "leased_share" else 1.0
    handles = [
        draw_line(panel, i, *level_of(Curve("", series_of(series, own[p])), level, scale)) for i, p in enumerate(picked)
    ]
    groups = [own[p] for p in picked]
    axis.dress(panel, shade=all(axis.outages_of(g) == axis.outages_of(groups[0]) for g in groups), group=groups[0])
    drawn = {repr(group.levers) for group in groups}
    rows = [row for row in summary.rows if row.variant == variant and repr(row.levers) in drawn]
    for back in sorted({row.of("recovers_from_s") for row in rows if row.replication == 0}):
        panel.axvline(back, color=GREY, lw=1, ls=(0, (1, 1)))
    panel.set_ylabel(
        speaking_of(own[0].scenario.called, "holders with a lease (%)")
        if level == "leased_share"
        else "jobs that wait for an answer"
    )
    if level != "leased_share":
        panel.set_yscale("symlog", linthresh=10)
        panel.set_ylim(bottom=0)
    verdicts = [own[p].collapsed.share for p in picked]
    names = [
        f"{lever.show(values[p])}: {units.show_share(share)} collapse"
        for p, share in zip(picked, verdicts, strict=True)
    ]
    legend_below(below, handles, names, others=False, columns=2)
    entitle(figure, f"“{variant}” around the edge: one run at each of {len(picked)} values")
    noun = "Leased share" if level == "leased_share" else "Backlog (logarithmic above 10)"
    return Picture(
        "sweep-curves",
        figure,
        f"{noun} of the first replication at some values of {lever.key}. Dotted: from here recovery is counted.",
    )


# --- drawing ----------------------------------------------------------------------------------------------------------


DOWN = 0.086  # how much darker than white it is behind an outage in which all requests fail


class TimeAxis:
    """Time across: wall-clock labels where the start is known, else seconds, minutes or hours; the outages of the first
    run are shaded, or those of the first run of a group.
    """

    def __init__(self, horizon_s: float, clock: str = "", courses: Sequence[Course] = ()) -> None:
        """`clock` is the start in ISO's form; `courses` are what the dependency did, that of the first run first."""
        self.horizon_s = horizon_s
        self.start = datetime.fromisoformat(clock) if clock else None
        self._courses = courses
        self.outages = courses[0] if courses else ()
        unit, self.scale = next(
            (u, s)
            for limit, u, s in ((1200, "s", 1.0), (6 * 3600, "min", 60.0), (math.inf, "h", 3600.0))
            if self.horizon_s <= limit
        )
        self.label = f"time since the start ({unit})"
        if self.start is not None:
            end = self.start + timedelta(seconds=self.horizon_s)
            days = f"{end:%d %b %Y}"
            if end.date() != self.start.date():
                days = f"{self.start:%d}–{days}" if self.start.month == end.month else f"{self.start:%d %b} – {days}"
            zone = f", UTC{str(self.start)[-6:].replace('-', '−')}" if self.start.tzinfo else ""
            self.label = f"time of day (h:min, {days}{zone})"

    @classmethod
    def of(cls, manifest: RunManifest) -> TimeAxis:
        """The axis of a run."""
        return cls(manifest.horizon_s, manifest.head.clock, manifest.outages)

    def outages_of(self, group: Group) -> Course:
        """The outages of the first run of a group of the summary."""
        place = group.outages_index
        return self._courses[place] if place < len(self._courses) else self.outages

    def shading(self, groups: Sequence[Group]) -> str:
        """What a caption says of the shading behind all these groups."""
        if not self.outages:
            return ""
        degraded = ", the lighter the fewer requests fail" if any(one.fails_share < 1 for one in self.outages) else ""
        whose = "" if all(self.outages_of(group) == self.outages for group in groups) else f" in “{groups[0].variant}”"
        return f" Shaded: the dependency is down{whose}{degraded}."

    def show(self, at_s: float) -> str:
        """A time as the axis labels it."""
        if self.start is not None:
            return f"{self.start + timedelta(seconds=at_s):%H:%M}"
        return units.show_duration(at_s)

    def dress(
        self,
        panel: Axes,
        small: bool = False,
        shade: bool = True,
        named: bool = True,
        group: Group | None = None,
    ) -> None:
        """Limits, ticks, label and outages of a panel; of one `group`, if the panel is of it alone."""
        panel.set_xlim(0, self.horizon_s)
        aims = 3 if small else 9
        steps = (
            1,
            5,
            10,
            20,
            30,
            60,
            120,
            300,
            600,
            1200,
            1800,
            3600,
            7200,
            10800,
            21600,
            43200,
            86400,
            172800,
            604800,
        )
        step = next((s for s in steps if self.horizon_s / s <= aims), self.horizon_s / aims)
        offset = 0.0
        if self.start is not None:
            midnight = self.start.replace(hour=0, minute=0, second=0, microsecond=0)
            offset = (self.start - midnight).total_seconds()
        ticks = [
            k * step - offset for k in range(math.ceil(offset / step), math.floor((offset + self.horizon_s) / step) + 1)
        ]
        labels = [self.show(t) for t in ticks] if self.start is not None else [f"{t / self.scale:g}" for t in ticks]
        panel.set_xticks(ticks, labels)
        if small:
            panel.tick_params(labelsize=8)
        else:
            panel.set_xlabel(self.label)
        outages = self.outages if group is None else self.outages_of(group)
        for i, outage in enumerate(outages if shade else ()):
            end, colour = min(outage.to_s, self.horizon_s), str(1 - DOWN * outage.fails_share)
            panel.axvspan(outage.from_s, end, facecolor=colour, zorder=0, lw=0)
            if named and not small and i == 0:
                panel.annotate(
                    "dependency down", (outage.from_s, 0), (4, 4), xycoords=("data", "axes fraction"),
                    textcoords="offset points", fontsize=8.6, color="#5a5a5a", va="bottom",
                )  # fmt: skip


def parts_of(curve: Curve, points: int = POINTS_MAX) -> tuple[npt.NDArray[np.int64], Array]:
    """Begins of the parts that a curve is thinned to, and their ends in seconds."""
    times = curve.frame["time_s"].to_numpy()
    every = max(1, math.ceil(len(times) / points))
    begins = np.arange(0, len(times), every, dtype=np.int64)
    ends = np.append(begins[1:], len(times)) - 1
    return begins, np.asarray(times[ends], float)


def level_of(curve: Curve, column: str, scale: float = 1.0, points: int = POINTS_MAX) -> tuple[Array, Array]:
    """Times (s) and levels, `scale` times the column, at the ends of the curve's parts."""
    begins, times = parts_of(curve, points)
    values = curve.frame[column].to_numpy()
    ends = np.append(begins[1:], len(values)).astype(int) - 1
    return times, np.asarray(values[ends] * scale, float)


def flow_of(curve: Curve, column: str, points: int = POINTS_MAX) -> tuple[Array, Array]:
    """Times and rate a second."""
    begins, times = parts_of(curve, points)
    values = curve.frame[column].to_numpy().astype(float)
    all_times = curve.frame["time_s"].to_numpy()
    window = float(all_times[0])
    widths = np.diff(np.append(0.0, times)) if len(times) else np.asarray([window])
    return times, np.add.reduceat(values, begins.astype(int)) / widths


def _rise(curve: Curve, column: str, points: int) -> Array:
    """By how much a level that only grows has grown, a second."""
    times, values = level_of(curve, column, points=points)
    return np.asarray(np.diff(np.append(0.0, values)) / np.diff(np.append(0.0, times)))


def highlighted(summary: Summary, curves: Sequence[Curve]) -> tuple[list[tuple[int, Curve]], list[Curve]]:
    """Variants to draw in colour, with their number, and those to draw in grey."""
    numbered = list(enumerate(curves))
    if len(curves) <= TOGETHER_MAX:
        return numbered, []
    best = best_of(summary.groups[1:])
    chosen = {0}
    for i, group in numbered[1:]:
        if best is not None and group.label == best.variant:
            chosen.add(i)
    worst = next((i for i, _ in numbered[1:] if math.isinf(summary.groups[i].mean("ttr99_s"))), None)
    if worst is not None:
        chosen.add(worst)
    return [pair for pair in numbered if pair[0] in chosen], [curve for i, curve in numbered if i not in chosen]


def grey_note(others: Sequence[Curve]) -> str:
    """What a caption says of the variants in grey."""
    return f" Thin grey: the other {len(others)} variants." if others else ""


def _ends(values: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """The first variant, and of the others the one that differs from it most."""
    if len(values) == 1:
        return list(values)

    def far(pair: tuple[float, str]) -> float:
        return abs(math.log((pair[0] + 1e-9) / (values[0][0] + 1e-9)))

    return [values[0], max(values[1:], key=far)]


def _contrast(groups: Sequence[Group]) -> str:
    """The first variant, the best of the others, and one that never recovers: when they are back."""
    first, others = groups[0], groups[1:]
    chosen = [first]
    never = next((group for group in others if math.isinf(group.mean("ttr99_s"))), None)
    best = best_of(others)
    if never is not None and math.isfinite(first.mean("ttr99_s")):
        chosen.append(never)
    if best is not None and (never is None or best.mean("ttr99_s") < first.mean("ttr99_s")):
        chosen.append(best)
    if len(groups) > 1 and all(
        math.isinf(group.mean("ttr99_s")) and not group.verdicts.get("recovered") for group in groups
    ):
        return f"none of the {len(groups)} variants recovers"
    return "; ".join(f"“{group.variant}” {_is(how_long(group))}" for group in chosen)


def _part(share: float) -> str:
    """A share in percent as a title has it."""
    return units.show_share(share) if share == 0 or share >= 0.001 else "under 0.1 %"


def _is(text: str) -> str:
    return f"is {text}" if text.startswith(("back", "not")) else text


def draw_line(panel: Axes, i: int, times: Array, values: Array) -> Line2D:
    """A line in the colour, dashes and marker of variant number `i`."""
    every = max(1, len(times) // 9)
    start = min((i * every) // 7, max(len(times) - 1, 0))
    (line,) = panel.plot(
        times,
        values,
        lw=2.3 if i == 0 else 1.6,
        ms=4.5,
        markevery=(start, every),
        zorder=4 if i == 0 else 3,
        color=COLOURS[i % len(COLOURS)],
        ls=DASHES[i % len(DASHES)],
        marker=MARKERS[i % len(MARKERS)],
    )
    return line


def _lines_picture(
    summary: Summary,
    curves: Sequence[Curve],
    axis: TimeAxis,
    stacked: Sequence[tuple[str, Callable[[Curve], tuple[Array, Array]], str]],
) -> Figure:
    """Panels above each other, a line a variant."""
    shown, others = highlighted(summary, curves)
    figure, panels = stack(
        [*([2.3 if len(stacked) > 1 else 2.9] * len(stacked)), lines_in(_legend_rows(shown, others))]
    )
    *panels, below = panels
    handles: list[Line2D] = []
    for panel, (name, values, scale) in zip(panels, stacked, strict=True):
        least, most = math.inf, 0.0
        for curve in others:
            panel.plot(*values(curve), color=PALE, lw=0.9)
        handles = []
        for n, (_, curve) in enumerate(shown):
            times, found = values(curve)
            if scale == "log":
                found = np.where(found > 0, found, np.nan)
            if np.isfinite(found).any():
                least, most = min(least, float(np.nanmin(found))), max(most, float(np.nanmax(found)))
            handles.append(draw_line(panel, n, times, found))
        axis.dress(panel, named=panel is panels[0])
        if panel is not panels[-1]:
            panel.set_xlabel("")
        panel.set_ylabel(name)
        if scale == "symlog":
            small = most < 10_000
            panel.set_yscale("symlog", linthresh=1 if small else 10)
            panel.set_ylim(0, max(most * 2.0, 10))
            if small:
                panel.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        elif scale == "log":
            panel.set_yscale("log")
            panel.set_ylim(max(least * 0.7, 1e-3) if math.isfinite(least) else 0.1, max(most, 1e-2) * 1.6)
        else:
            panel.set_ylim(0, max(most, 1e-9) * 1.08)
    legend_below(below, handles, [curve.label for _, curve in shown], bool(others))
    return figure


def lines_in(rows: int) -> float:
    """Inches that lines of small text take."""
    return 0.18 * rows + 0.04


def _legend_rows(shown: Sized, others: Sized) -> int:
    return len(shown) + bool(others)


def legend_below(
    below: Axes, handles: Sequence[Artist | Container], names: Sequence[str], others: bool, columns: int = 1
) -> None:
    """A legend in a row of its own, under the panels."""
    from matplotlib.lines import Line2D

    handles, names = list(handles), [textwrap.shorten(name, 96, placeholder=" …") for name in names]
    if others:
        handles.append(Line2D([], [], color=PALE, lw=1.2))
        names.append("all other variants")
    below.legend(
        handles,
        names,
        loc="upper left",
        ncols=columns,
        borderaxespad=0,
        handlelength=3.2,
        labelspacing=0.28,
        fontsize=8.8,
        borderpad=0,
    )


def blank(height_in: float) -> Figure:
    """An empty figure, as wide as all of them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.05, h_pad=0.05, hspace=0.03, wspace=0.03)  # type: ignore[union-attr, call-arg]
    return figure


def stack(heights_in: Sequence[float]) -> tuple[Figure, list[Axes]]:
    """Panels above each other; the last is a blank row for legends."""
    figure = blank(sum(heights_in) + 0.5)
    axes = list(figure.subplots(len(heights_in), 1, height_ratios=list(heights_in), squeeze=False)[:, 0])
    axes[-1].axis("off")
    return figure, axes


def _grid_of(n: int, height_in: float) -> tuple[Figure, list[Axes]]:
    rows = math.ceil(n / 3)
    figure = blank(0.9 + (height_in + 0.3) * rows)
    axes = figure.subplots(rows, 3, squeeze=False, sharex=False).ravel().tolist()
    for spare in axes[n:]:
        spare.axis("off")
    return figure, axes[:n]


def _panel_title(panel: Axes, name: str, verdict: str, wide: bool = False) -> None:
    text = f"{name}: {verdict}" if wide else textwrap.shorten(name, 60, placeholder=" …")
    if not wide:
        text = textwrap.fill(text, 29) + f"\n{verdict}"
    panel.set_title(text, loc="left", fontsize=9.5 if wide else 8.2, linespacing=1.15)


def _edge_labels(figure: Figure, panels: Sequence[Axes], y: str, x: str) -> None:
    for i, panel in enumerate(panels):
        if i % 3 == 0:
            panel.set_ylabel(y, fontsize=8.6)
    figure.supxlabel(x, fontsize=9)


def _wrapped(text: str, width_pt: float, size_pt: float) -> list[str]:
    """Lines of bold text that are no wider than `width_pt`."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    bold = FontProperties(family="DejaVu Sans", weight="bold", size=size_pt)

    def inked_pt(line: str) -> float:
        # The outermost points of a letter lie on its outline, so the box of the points is that of the ink; matplotlib
        # looks for the outermost point of each curve, which takes half the time of a page.
        path = TextPath((0, 0), line, prop=bold)
        return float(np.ptp(path.vertices[path.codes != TextPath.CLOSEPOLY, 0]))

    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and inked_pt(longer) > width_pt:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def entitle(figure: Figure, text: str) -> None:
    """What to see, above everything, as many lines as it needs."""
    lines = _wrapped(text, 72 * WIDTH_IN - 28, TITLE_PT)
    if len(lines) > 1:
        figure.set_figheight(figure.get_figheight() + 0.19 * (len(lines) - 1))
    figure.suptitle("\n".join(lines), x=0.012, ha="left", fontsize=TITLE_PT, fontweight="bold", linespacing=1.2)


# --- bytes ------------------------------------------------------------------------------------------------------------


@contextmanager
def style() -> Iterator[None]:
    """Our look, and a fixed salt for ids; figures are made and written under it, without a word from matplotlib on the
    user's screen (a character that the font has not is drawn as a box).
    """
    import matplotlib as mpl

    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning)
        backend = mpl.rcParams["backend"]
        mpl.rcdefaults()  # whatever the user's matplotlibrc says
        for key, value in (_STYLE | {"backend": backend}).items():
            mpl.rcParams[key] = value  # type: ignore[index]
        yield


def _saved(picture: Picture, form: str, dpi: float | None, metadata: dict[str, None]) -> bytes:
    from recovery.show import tick_labels

    buffer = io.BytesIO()
    with style():
        tick_labels.plain(picture.figure)
        picture.figure.savefig(buffer, format=form, dpi="figure" if dpi is None else dpi, metadata=metadata)
    return buffer.getvalue()


def svg(picture: Picture) -> str:
    """SVG of a picture: the same text each time, every id begins with the picture's name, nothing outside is named."""
    text = _saved(picture, "svg", None, {"Date": None}).decode("utf-8")
    text = re.sub(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL).strip()
    # A hundredth of a point is not seen, nor a tenth in a long path or between letters; a page has tens of thousands.
    text = re.sub(
        r' d="[^"]+"',
        lambda match: re.sub(r"(\.\d\d)\d+" if len(match[0]) < 400 else r"(\.\d)\d+", r"\1", match[0]),
        text,
    )
    text = re.sub(r'( [xy]="-?\d+\.\d\d)\d+', r"\1", text)
    text = re.sub(r'(<use [^>]*)transform="translate\((\d+(?:\.\d)?)\d* 0\)"', r'\1x="\2"', text)  # the same, shorter
    text = re.sub(r' d="M[^"QCz]+"', lambda match: match[0].replace(" \nL ", " "), text)  # after M, pairs are lines
    text = re.sub(r"\n\s+", "\n", text).replace("xlink:href", "href")
    used = {
        name: f"{picture.name}-{i}"
        for i, name in enumerate(dict.fromkeys(re.findall(r'(?:href="#|url\(#)([^")]+)', text)))
    }
    text = re.sub(r' id="([^"]+)"', lambda match: f' id="{used[match[1]]}"' if match[1] in used else "", text)
    return re.sub(r'(href="#|url\(#)([^")]+)', lambda match: match[1] + used[match[2]], text) + "\n"


def png(picture: Picture) -> bytes:
    """PNG of a picture at 144 dots an inch, without the name of the program."""
    return _saved(picture, "png", 144, {"Software": None})
