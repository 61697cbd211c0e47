"""Pictures of a run: leases or backlog, goodput, what waits, what workers do, attempts, times to recovery."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterator, Sequence, Sized
from typing import TYPE_CHECKING

import numpy as np

from recovery import units
from recovery.measures import register
from recovery.show import lever_figures
from recovery.show.figures import (
    GREY,
    PALE,
    POINTS_MAX,
    TOGETHER_MAX,
    Array,
    Curve,
    Picture,
    TimeAxis,
    blank,
    draw_line,
    entitle,
    flow_of,
    grey_note,
    legend_below,
    level_of,
    lines_in,
    series_of,
    stack,
    style,
)
from recovery.show.lever_figures import Mark
from recovery.show.words import speaking_of
from recovery.store.run_record import Group, Milestone, RunManifest, Summary

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

WORK = {
    "useful": ("useful", "#009E73", ""),
    "wasted": ("wasted: nobody waits any more", "#D55E00", "///"),
    "failed": ("failed", "#CC79A7", "xx"),
    "overhead": ("saying no", "#F0E442", "---"),
    "down": ("restarting", "#8c8c8c", ""),
    "idle": ("idle", "#efefef", ""),
}


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
    if summary.is_sweep:
        yield from lever_figures.pictures(manifest, summary, series, marks)
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


def _legend_rows(shown: Sized, others: Sized) -> int:
    return len(shown) + bool(others)


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
