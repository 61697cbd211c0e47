"""Pictures of what followed the leases: launches, propagation, health checks, and the whole day on one axis of time.

The same house style as `figures`: a colour, a line style and a marker a variant, what to see in the title.
"""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from collections.abc import Callable, Container, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from recovery import units
from recovery.measures import register
from recovery.show import stage_times
from recovery.show.figures import (
    COLOURS,
    GREY,
    MARKERS,
    PALE,
    TOGETHER_MAX,
    Array,
    Curve,
    Picture,
    TimeAxis,
    draw_line,
    entitle,
    flow_of,
    grey_note,
    legend_below,
    level_of,
    lines_in,
    parts_of,
    series_of,
    stack,
    style,
)
from recovery.show.stage_times import ALL, STAGES, Variant
from recovery.show.words import speaking_of
from recovery.store.run_record import Milestone, RunManifest, Scenario, Summary

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

ANSWERS = {
    "launches_accepted": ("accepted", "#000000", "-"),
    "launches_throttled": ("request limit exceeded", "#D55E00", (0, (6, 2))),
    "launches_insufficient": ("insufficient capacity", "#0072B2", (0, (1.5, 1.5))),
}
# Which panel of the day the milestones of a stage belong to.
PANEL_OF = {
    "leases": "leases",
    "launches": "launches",
    "propagation": "latency",
    "health": "capacity",
    "all": "launches",
}
OBSERVED, SIMULATED = "#0072B2", "#000000"
POINTS = 240  # of a curve
Line = Callable[[Curve], tuple[Array, Array]]


def figures_for(manifest: RunManifest, summary: Summary, series: pl.DataFrame | None) -> list[Picture]:
    """The pictures of the later stages of a run, in the order of the event; none if it has none."""
    variants = stage_times.variants(summary)
    if series is None or not variants:
        return []
    axis = TimeAxis.of(manifest)
    curves = [Curve(group.variant, series_of(series, group)) for group in summary.groups]
    with style():
        pictures = [_day(summary, curves, variants, axis)]
        if len(variants) > 1:
            pictures.append(_stages(variants, axis))
        pictures.append(_launches(summary, curves, variants, axis))
        if "launches_reachable" in series.columns:
            pictures.append(_propagation(summary, curves, variants, axis))
        if "targets_usable" in series.columns:
            pictures.append(_health(summary, curves, variants, axis))
    return pictures


def _chosen(curves: Sequence[Curve], variants: Sequence[Variant]) -> tuple[list[tuple[int, Curve]], list[Curve]]:
    """Variants to draw in colour, with their number, and those to draw in grey: of many the first, the one that is
    normal again soonest, and one that never is.
    """
    ends = [variant.normal_s[ALL].mean for variant in variants]
    chosen = set(range(len(variants)))
    if len(curves) > TOGETHER_MAX:
        later = range(1, len(variants))
        chosen = {0, min(later, key=lambda i: ends[i]), max(later, key=lambda i: ends[i])}
    numbered = list(enumerate(curves))
    return [pair for pair in numbered if pair[0] in chosen], [curve for i, curve in numbered if i not in chosen]


# --- lines ------------------------------------------------------------------------------------------------------------


def _summed(curve: Curve, column: str) -> Array:
    """A flow, added up over each part of the curve."""
    begins, _ = parts_of(curve, POINTS)
    return np.asarray(np.add.reduceat(curve.frame[column].to_numpy().astype(float), begins.astype(int)))


def _held(values: Array, known: npt.NDArray[np.bool_]) -> Array:
    """Where nothing is known, the value before; before the first, zero."""
    last = np.maximum.accumulate(np.where(known, np.arange(len(known)), -1))
    return np.asarray(np.where(last >= 0, values[np.maximum(last, 0)], 0.0))


def _accepted(curve: Curve) -> tuple[Array, Array]:
    """Share of the attempts that are accepted (%)."""
    attempts = _summed(curve, "launch_attempts")
    share = 100 * _summed(curve, "launches_accepted") / np.maximum(attempts, 1)
    return parts_of(curve, POINTS)[1], np.where(attempts > 0, share, 100.0)


def _latency(curve: Curve) -> tuple[Array, Array]:
    """Mean time from launch to reachable of what became reachable (min)."""
    done = _summed(curve, "launches_reachable")
    return parts_of(curve, POINTS)[1], _held(_summed(curve, "latency_sum_ns") / 60e9 / np.maximum(done, 1), done > 0)


def _share_of(summary: Summary, column: str) -> Line:
    """A number of targets as a share of all targets of the variant (%)."""
    targets = {group.variant: group.scenario.health.targets for group in summary.groups if group.scenario.health}

    def line(curve: Curve) -> tuple[Array, Array]:
        return level_of(curve, column, 100 / targets[curve.label], POINTS)

    return line


def _errors(curve: Curve) -> tuple[Array, Array]:
    """Share of connections that fail (%), at the end of each part."""
    times, usable = level_of(curve, "targets_usable", points=POINTS)
    routed = level_of(curve, "targets_routed", points=POINTS)[1]
    return times, np.where(routed > 0, 100 * (1 - usable / np.maximum(routed, 1)), 100.0)


def _backlog(curve: Curve) -> tuple[Array, Array]:
    times, waiting = level_of(curve, "jobs_waiting", points=POINTS)
    return times, waiting + level_of(curve, "jobs_asleep", points=POINTS)[1]


def _terminated(curve: Curve) -> tuple[Array, Array]:
    """Instances terminated so far."""
    return parts_of(curve, POINTS)[1], np.cumsum(_summed(curve, "targets_terminated"))


# --- parts of a picture -----------------------------------------------------------------------------------------------


def _panel(
    panel: Axes,
    axis: TimeAxis,
    curves: Sequence[tuple[int, Curve]],
    others: Sequence[Curve],
    line: Line,
    label: str,
    scale: str,
) -> list[Line2D]:
    """One panel, a line a variant; `scale` is "share" (0 to 100 %), "percent" (few of them), "linear" or "symlog".

    Returns handles for a legend.
    """
    most, handles = 0.0, []
    for curve in others:
        times, values = line(curve)
        most = max(most, float(np.max(values, initial=0.0)))
        panel.plot(times, values, color=PALE, lw=0.9)
    for n, (_, curve) in reversed(list(enumerate(curves))):
        times, values = line(curve)
        most = max(most, float(np.max(values, initial=0.0)))
        handles.append(draw_line(panel, n, times, values))
    axis.dress(panel, named=False)
    panel.set_ylabel(label)
    if scale == "share":
        panel.set_ylim(-3, 106)
        panel.set_yticks([0, 50, 100])
    elif scale == "symlog":
        panel.set_yscale("symlog", linthresh=10)
        panel.set_ylim(0, max(most * 2, 10))
    elif scale == "percent":
        panel.set_ylim(0, max(most, 5) * 1.1)
    else:
        panel.set_ylim(0, max(most, 1e-9) * 1.1)
    return handles[::-1]


def _only_last(panels: Sequence[Axes], axis: TimeAxis) -> None:
    """The label of the axis of time under the last panel; the outage is named in the first."""
    for panel in panels[:-1]:
        panel.set_xlabel("")
        panel.tick_params(labelbottom=False)
    axis.dress(panels[0], named=True)
    panels[0].set_xlabel("" if len(panels) > 1 else axis.label)


def _level_line(panel: Axes, at: float, text: str) -> None:
    """A dotted line across, with its name at the right end."""
    panel.axhline(at, color="#D55E00", lw=1.1, ls=(0, (1, 1)), zorder=2)
    panel.annotate(
        text, (1, at), (-2, 2), xycoords=("axes fraction", "data"), textcoords="offset points", fontsize=8.4,
        color="#a04500", va="bottom", ha="right",
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6},
    )  # fmt: skip


def _actions(panels: Sequence[Axes], summary: Summary, axis: TimeAxis, names: Sequence[str]) -> str:
    """Dotted lines where operators of the first variant did one of these things; returns them, for the caption."""
    done: dict[str, list[str]] = {}
    for action in summary.rows[0].actions:
        if action.do.partition(" in zone ")[0] in names and action.at_s <= axis.horizon_s:
            for panel in panels:
                panel.axvline(action.at_s, color=GREY, lw=0.9, ls=(0, (1, 2)), zorder=1)
            done.setdefault(action.do, []).append(axis.show(action.at_s))
    if not done:
        return ""
    told = "; ".join(f"{name} {', '.join(dict.fromkeys(times))}" for name, times in done.items())
    return f" Dotted upright lines, what operators of “{summary.rows[0].variant}” did: {told}."


def _when(variant: Variant, stage: str, axis: TimeAxis) -> str:
    """When a stage of a variant is normal again, in words."""
    at = variant.normal_s[stage].mean
    if variant.is_well(stage):
        return "stay normal" if stage in ("leases", "launches") else "stays normal"
    verb = "are" if stage in ("leases", "launches") else "is"
    return f"{verb} never normal again" if math.isinf(at) else f"{verb} normal again {_at(axis, at)}"


def _at(axis: TimeAxis, at_s: float) -> str:
    return f"at {axis.show(at_s)}" if axis.start is not None else f"after {axis.show(at_s)}"


def _contrast(variants: Sequence[Variant], stage: str, axis: TimeAxis) -> str:
    """The first variant, and the best of the others, at one stage."""
    text = f"“{variants[0].name}” {_when(variants[0], stage, axis)}"
    text = text.replace(" are ", " is ").replace(" stay ", " stays ")
    times = {variant.name: variant.normal_s[stage].mean for variant in variants}
    best, worst = (pick(list(times)[1:], key=lambda name: times[name], default="") for pick in (min, max))
    if best and times[best] < times[variants[0].name] - 60:
        when = "never ceases to be" if times[best] <= variants[0].window_s else _at(axis, times[best])
        return f"{text}, “{textwrap.shorten(best, 60, placeholder=' …')}” {when}"
    if worst and math.isinf(times[worst]) and math.isfinite(times[variants[0].name]):
        return f"{text}, “{textwrap.shorten(worst, 60, placeholder=' …')}” never"
    return text


def _normal_latency_s(scenario: Scenario) -> float:
    return scenario.propagation.normal_latency_s if scenario.propagation is not None else math.nan


# --- the pictures -----------------------------------------------------------------------------------------------------


def _launches(
    summary: Summary,
    curves: Sequence[Curve],
    variants: Sequence[Variant],
    axis: TimeAxis,
) -> Picture:
    """Answers a second in the first variant with the throttle's steps; accepted launches, waiting customers of all."""
    from matplotlib.lines import Line2D

    shown, others = _chosen(curves, variants)
    figure, (answers, key, accepted, waiting, below) = stack(
        [2.3, lines_in(2), 1.5, 1.7, lines_in(len(shown) + bool(others))]
    )
    first, most = curves[0], 0.0
    for column, (name, colour, dashes) in ANSWERS.items():
        times, values = flow_of(first, column, POINTS)
        answers.plot(times, values, color=colour, ls=dashes, lw=1.7, label=name)
        most = max(most, float(values.max(initial=0.0)))
    answers.plot(*flow_of(first, "launches_asked", POINTS), color="#009E73", lw=1.2, ls=(0, (8, 2, 1.5, 2)))
    part = summary.groups[0].scenario.launches
    steps = part.throttle if part is not None else ()
    at, rates = [step.at_s for step in steps], [step.rate_per_s for step in steps]
    answers.step([*at, axis.horizon_s], [*rates, rates[-1] if rates else math.nan], where="post", color="#CC79A7", lw=2)
    axis.dress(answers)
    answers.set_ylim(0, max(most * 1.08, 1e-9))
    answers.set_ylabel("attempts (a second)")
    answers.set_title(f"“{first.label}”", loc="left", fontsize=9)
    key.axis("off")
    handles = [Line2D([], [], color=colour, ls=dashes, lw=1.7) for _, colour, dashes in ANSWERS.values()]
    handles += [Line2D([], [], color="#009E73", lw=1.2, ls=(0, (8, 2, 1.5, 2))), Line2D([], [], color="#CC79A7", lw=2)]
    names = [name for name, _, _ in ANSWERS.values()]
    legend_below(key, handles, [*names, "asked for the first time", "throttle's limit"], False, 3)
    _panel(accepted, axis, shown, others, lambda c: flow_of(c, "launches_accepted", POINTS), "accepted (a second)",
           "linear")  # fmt: skip
    found = _panel(waiting, axis, shown, others, lambda c: level_of(c, "launches_asleep", points=POINTS),
                   "customers that\nwait to try again", "symlog")  # fmt: skip
    legend_below(below, found, [curve.label for _, curve in shown], bool(others))
    _only_last([answers, accepted, waiting], axis)
    told = _actions([answers, accepted, waiting], summary, axis, ("launch throttle", "throttle", "restart"))
    entitle(figure, f"Launches: {_contrast(variants, 'launches', axis)}")
    caption = (
        "Above: what launches of the first variant were answered, a second, with new ones and the limit of the request "
        "throttle. Below: accepted launches, and customers between two attempts (logarithmic), in every variant."
    )
    return Picture("launches", figure, caption + told + grey_note(others))


def _propagation(
    summary: Summary,
    curves: Sequence[Curve],
    variants: Sequence[Variant],
    axis: TimeAxis,
) -> Picture:
    """Jobs that wait, and the mean latency of launches."""
    shown, others = _chosen(curves, variants)
    figure, (jobs, latency, below) = stack([2.0, 2.0, lines_in(len(shown) + bool(others))])
    _panel(jobs, axis, shown, others, _backlog, "jobs that wait", "symlog")
    handles = _panel(latency, axis, shown, others, _latency, "mean latency (min)", "linear")
    part, normal_s = summary.groups[0].scenario.propagation, _normal_latency_s(summary.groups[0].scenario)
    reductions = part.reductions if part is not None else ()
    _level_line(latency, normal_s / 60, f"normal up to {units.show_duration(normal_s)}")
    for span in reductions:
        for panel in (jobs, latency):
            panel.axvspan(span.from_s, min(span.to_s, axis.horizon_s), facecolor="#0072B2", alpha=0.09, zorder=0, lw=0)
    legend_below(below, handles, [curve.label for _, curve in shown], bool(others))
    _only_last([jobs, latency], axis)
    told = _actions([jobs, latency], summary, axis, ("load reduction",))
    entitle(figure, f"Network propagation: latency of {_contrast(variants, 'latency', axis)}")
    caption = (
        "Jobs that wait in queues or to come back (logarithmic), and the mean time from an accepted launch to a "
        "reachable instance, of what became reachable."
    )
    if reductions:
        caption += f" Shaded blue: load is reduced in “{curves[0].label}”."
    return Picture("propagation", figure, caption + told + grey_note(others))


def _health(
    summary: Summary,
    curves: Sequence[Curve],
    variants: Sequence[Variant],
    axis: TimeAxis,
) -> Picture:
    """Usable capacity, removed capacity by zone in the first variant, errors, terminated instances."""
    shown, others = _chosen(curves, variants)
    zones = [int(name.rpartition("_")[2]) for name in curves[0].frame.columns if name.startswith("removed_in_zone_")]
    keyed = 1 + (len(zones) - 1) // 6
    figure, (usable, removed, key, errors, ended, below) = stack(
        [1.7, 1.5, lines_in(keyed), 1.3, 1.3, lines_in(len(shown) + bool(others))]
    )
    handles = _panel(usable, axis, shown, others, _share_of(summary, "targets_usable"), "usable\ntargets (%)", "share")
    part = summary.groups[0].scenario.health
    targets, normal = (part.targets, part.normal_share) if part is not None else (0, math.nan)
    _level_line(usable, 100 * normal, f"normal from {units.show_share(normal)}")
    own = []
    for zone in zones:
        size = len(range(zone, targets, len(zones)))
        line = level_of(curves[0], f"removed_in_zone_{zone}", 100 / size, POINTS)
        own.append(draw_line(removed, zone + 1, *line))
    axis.dress(removed, named=False)
    removed.set_ylim(-3, 106)
    removed.set_ylabel("not in use (%)\nby zone")
    removed.set_title(f"“{curves[0].label}”", loc="left", fontsize=9)
    key.axis("off")
    legend_below(key, own, [f"zone {zone}" for zone in zones], False, 6)
    _panel(errors, axis, shown, others, _errors, "errors (%)", "percent")
    _panel(ended, axis, shown, others, _terminated, "instances\nterminated", "linear")
    legend_below(below, handles, [curve.label for _, curve in shown], bool(others))
    panels = [usable, removed, errors, ended]
    _only_last(panels, axis)
    told = _actions(panels, summary, axis, ("failover off", "failover on"))
    entitle(figure, f"Health checks: capacity of {_contrast(variants, 'capacity', axis)}")
    caption = (
        "Targets that are in use and reachable; targets of each zone that are not in use (taken out, new, terminated "
        "or failed over); share of the targets in use that cannot be reached; instances terminated so far."
    )
    return Picture("health", figure, caption + told + grey_note(others))


def _day(
    summary: Summary,
    curves: Sequence[Curve],
    variants: Sequence[Variant],
    axis: TimeAxis,
) -> Picture:
    """All stages on one axis of time, with the milestones of the first variant: observed above, simulated below."""
    shown, others = _chosen(curves, variants)
    stages: dict[str, tuple[Line, str, str]] = {
        "leases": (
            lambda c: level_of(c, "leased_share", 100, POINTS),
            speaking_of(summary.groups[0].scenario.called, "holders with\na lease (%)"),
            "share",
        ),
        "launches": (_accepted, "attempts\naccepted (%)", "share"),
        "latency": (_latency, "mean\nlatency (min)", "linear"),
        "capacity": (_share_of(summary, "targets_usable"), "usable\ntargets (%)", "share"),
    }
    stages = {stage: drawn for stage, drawn in stages.items() if stage in variants[0].normal_s}
    stones = sorted(summary.milestones, key=lambda one: one.observed_s)
    rows = len(shown) + bool(others) + len(stones) + (2 if stones else 0)
    figure, (*panels, below) = stack([1.25] * len(stages) + [1.16 * lines_in(rows)])
    handles: list[Line2D] = []
    for panel, (stage, (line, label, scale)) in zip(panels, stages.items(), strict=True):
        handles = _panel(panel, axis, shown, others, line, label, scale)
        _mark(panel, axis, [(i, stone) for i, stone in enumerate(stones, 1) if _panel_of(stone, stages) == stage])
    if "latency" in stages:
        normal_s = _normal_latency_s(summary.groups[0].scenario)
        _level_line(panels[list(stages).index("latency")], normal_s / 60, "normal")
    _only_last(panels, axis)
    legend_below(below, handles, [curve.label for _, curve in shown], bool(others))
    if stones:
        below.text(
            0, 0, "\n".join(_told(stones, axis, curves[0].label)), transform=below.transAxes, va="bottom", ha="left",
            fontsize=8.4, linespacing=1.35,
        )  # fmt: skip
    end = variants[0].normal_s[ALL].mean
    what = variants[0].last.partition(" in ")[0]
    several = "" if what.endswith("es") else "s"
    if variants[0].is_well(ALL):
        text = f"“{variants[0].name}” is normal {'all' if end == 0 else 'almost all'} the time"
    elif math.isinf(end):
        text = f"“{variants[0].name}” is never normal again; {what} hold{several} it back"
    else:
        text = f"“{variants[0].name}” is normal again {_at(axis, end)}; {what} come{several} last"
    entitle(figure, f"The whole way back: {text}")
    caption = "Leases, accepted share of the attempts, latency and usable capacity on one axis of time."
    if stones:
        caption += f" Triangles above a panel: observed (blue, numbered) over simulated (black, “{curves[0].label}”)."
    return Picture("day", figure, caption + grey_note(others))


def _stages(variants: Sequence[Variant], axis: TimeAxis) -> Picture:
    """When each stage is normal again, a row a variant, the soonest on top."""
    from matplotlib.lines import Line2D

    order = sorted(variants, key=lambda variant: (variant.normal_s[ALL].mean, variant is not variants[0]))
    stages = [stage for stage in STAGES if stage in variants[0].normal_s]
    figure, (panel, below) = stack([0.5 + 0.4 * len(order), lines_in(2)])
    for y, variant in enumerate(order):
        known = [stage for stage in stages if not variant.is_well(stage)]
        ends = [min(variant.normal_s[stage].mean, axis.horizon_s) for stage in known]
        if ends:
            panel.plot([min(ends), max(ends)], [y, y], color=PALE, lw=2.4, zorder=1)
        for n, stage in enumerate(stages):
            span = variant.normal_s[stage]
            if stage not in known:
                continue
            at, never = min(span.mean, axis.horizon_s), math.isinf(span.mean)
            low, high = (span.low, span.high) if math.isfinite(span.low) else (at, at)
            place = y + 0.14 * (n - (len(stages) - 1) / 2)  # so that equal times do not hide each other
            panel.plot([low, min(high, axis.horizon_s)], [place, place], color=COLOURS[n], lw=1.2, zorder=2)
            size = 7 if variant.last.startswith(stage) else 5
            panel.plot(at, place, MARKERS[n + 1], ms=size, zorder=4, clip_on=False,
                       markerfacecolor="white" if never else COLOURS[n], markeredgecolor=COLOURS[n])  # fmt: skip
    axis.dress(panel, shade=False)
    names = [textwrap.fill(textwrap.shorten(variant.name, 56, placeholder=" …"), 32) for variant in order]
    panel.set_yticks(range(len(order)), names, fontsize=8.4)
    panel.set_ylim(len(order) - 0.4, -0.7)
    panel.grid(axis="y", visible=False)
    handles = [Line2D([], [], color=COLOURS[n], marker=MARKERS[n + 1], ms=5, ls="") for n in range(len(stages))]
    legend_below(below, handles, [stage_times.TITLES[stage] for stage in stages], False, 2)
    lasts = Counter(variant.last.partition(" in ")[0] for variant in variants)
    told = ", ".join(f"{name} in {count}" for name, count in lasts.most_common())
    entitle(figure, f"What holds recovery back, in {len(variants)} variants: {told}")
    caption = (
        "When each stage is normal again, with 95 % intervals where there are several runs; the large marker is the "
        "last stage, a hollow one at the right edge is never normal again before the horizon."
    )
    return Picture("stages", figure, caption)


def _panel_of(stone: Milestone, stages: Container[str]) -> str:
    measure = register.find(stone.measure)
    wanted = PANEL_OF[measure.stage] if measure is not None else "leases"
    return wanted if wanted in stages else "leases"


def _mark(panel: Axes, axis: TimeAxis, stones: Sequence[tuple[int, Milestone]]) -> None:
    """Milestones above a panel: a row of what was observed over a row of what was simulated."""
    if not stones:
        return
    panel.set_title(" ", fontsize=17)  # room for two rows
    last, raised = -math.inf, False
    for i, stone in stones:
        observed, simulated = stone.observed_s, stone.simulated_s
        panel.axvline(observed, color=OBSERVED, lw=0.9, ls=(0, (4, 2)), zorder=1)
        place = ("data", "axes fraction")
        raised = observed - last < 0.035 * axis.horizon_s and not raised
        last = observed
        panel.annotate(
            f"{i}", (observed, 1.0), (-7 if raised else 7, 15), xycoords=place, textcoords="offset points",
            ha="center", va="center", fontsize=8.6, color=OBSERVED, fontweight="bold", annotation_clip=False,
        )  # fmt: skip
        where = panel.get_xaxis_transform()
        lift = 1 / (72 * 1.25)
        panel.plot([observed], [1 + 15 * lift], "v", color=OBSERVED, ms=5.5, transform=where, clip_on=False, zorder=6)
        if 0 < simulated <= axis.horizon_s:
            panel.plot(
                [simulated], [1 + 5 * lift], "v", color=SIMULATED, ms=5.5, transform=where, clip_on=False, zorder=6
            )


def _told(stones: Sequence[Milestone], axis: TimeAxis, variant: str) -> list[str]:
    """Milestones as a list: number, name, observed, simulated, difference."""
    lines = [f"Milestones: observed | simulated (“{textwrap.shorten(variant, 40, placeholder=' …')}”)"]
    for i, stone in enumerate(stones, 1):
        observed, simulated = stone.observed_s, stone.simulated_s
        text = units.show_milestone(simulated)
        if 0 < simulated < math.inf:
            off = round((simulated - observed) / 60)
            text = f"{axis.show(simulated)} ({'+' if off > 0 else '−' if off else '±'}{abs(off)} min)"
        fit = ", used for the fit" if stone.used_for_fit else ""
        name = textwrap.shorten(stone.label, 56, placeholder=" …")
        lines.append(f"{i}  {name}: {axis.show(observed)} | {text}{fit}")
    return lines
