"""Pictures of each stage after the leases: launches, propagation, health checks."""

from __future__ import annotations

import math
from collections.abc import Sequence

from recovery import units
from recovery.show.figures import (
    Curve,
    Picture,
    TimeAxis,
    draw_line,
    entitle,
    flow_of,
    legend_below,
    level_of,
    lines_in,
    stack,
)
from recovery.show.run_figures import series
from recovery.show.run_figures.panels import actions, level_line, lines, only_last
from recovery.show.run_figures.series import POINTS
from recovery.show.run_figures.stages import chosen_of, contrast
from recovery.show.stage_times import Variant
from recovery.store.run_record import Summary

ANSWERS = {
    "launches_accepted": ("accepted", "#000000", "-"),
    "launches_throttled": ("request limit exceeded", "#D55E00", (0, (6, 2))),
    "launches_insufficient": ("insufficient capacity", "#0072B2", (0, (1.5, 1.5))),
}


def launches(
    summary: Summary,
    curves: Sequence[Curve],
    variants: Sequence[Variant],
    axis: TimeAxis,
) -> Picture:
    """Answers a second in the first variant with the throttle's steps; accepted launches, waiting customers of all."""
    from matplotlib.lines import Line2D

    chosen = chosen_of(summary, curves, variants)
    figure, (answers, key, accepted, waiting, below) = stack([2.3, lines_in(2), 1.5, 1.7, lines_in(chosen.rows)])
    first, most = curves[0], 0.0
    for column, (name, colour, dashes) in ANSWERS.items():
        times, values = flow_of(first, column, POINTS)
        answers.plot(times, values, color=colour, ls=dashes, lw=1.7, label=name)
        most = max(most, float(values.max(initial=0.0)))
    answers.plot(*flow_of(first, "launches_asked", POINTS), color="#007A59", lw=1.2, ls=(0, (8, 2, 1.5, 2)))
    part = summary.groups[0].scenario.launches
    steps = part.throttle if part is not None else ()
    at, rates = [step.at_s for step in steps], [step.rate_per_s for step in steps]
    answers.step([*at, axis.end_s], [*rates, rates[-1] if rates else math.nan], where="post", color="#B4568F", lw=2)
    axis.dress(answers)
    answers.set_ylim(0, max(most * 1.08, 1e-9))
    answers.set_ylabel("attempts (a second)")
    answers.set_title(f"“{first.label}”", loc="left", fontsize=9)
    key.axis("off")
    handles = [Line2D([], [], color=colour, ls=dashes, lw=1.7) for _, colour, dashes in ANSWERS.values()]
    handles += [Line2D([], [], color="#007A59", lw=1.2, ls=(0, (8, 2, 1.5, 2))), Line2D([], [], color="#B4568F", lw=2)]
    names = [name for name, _, _ in ANSWERS.values()]
    legend_below(key, handles, [*names, "asked for the first time", "throttle's limit"], False, 3)
    lines(accepted, axis, chosen, lambda c: flow_of(c, "launches_accepted", POINTS), "accepted (a second)",
           "linear")  # fmt: skip
    found = lines(waiting, axis, chosen, lambda c: level_of(c, "launches_asleep", points=POINTS),
                   "customers that\nwait to try again", "symlog")  # fmt: skip
    chosen.legend(below, found)
    only_last([answers, accepted, waiting], axis)
    told = actions([answers, accepted, waiting], summary, axis, ("launch throttle", "throttle", "restart"))
    entitle(figure, f"Launches: {contrast(variants, chosen, 'launches', axis)}")
    caption = (
        "Above: what launches of the first variant were answered, a second, with new ones and the limit of the request "
        "throttle. Below: accepted launches, and customers between two attempts (logarithmic), in every variant."
    )
    return Picture("launches", figure, caption + told + chosen.note)


def propagation(
    summary: Summary,
    curves: Sequence[Curve],
    variants: Sequence[Variant],
    axis: TimeAxis,
) -> Picture:
    """Jobs that wait, and the mean latency of launches."""
    chosen = chosen_of(summary, curves, variants)
    figure, (jobs, latency, below) = stack([2.0, 2.0, lines_in(chosen.rows)])
    lines(jobs, axis, chosen, series.waiting, "jobs that wait", "symlog")
    handles = lines(latency, axis, chosen, series.latency, "mean latency (min)", "linear")
    part, normal_s = summary.groups[0].scenario.propagation, series.normal_latency_s(summary.groups[0].scenario)
    reductions = part.reductions if part is not None else ()
    level_line(latency, normal_s / 60, f"normal up to {units.show_duration(normal_s)}")
    for span in reductions:
        for panel in (jobs, latency):
            panel.axvspan(span.from_s, min(span.to_s, axis.end_s), facecolor="#0072B2", alpha=0.09, zorder=0, lw=0)
    chosen.legend(below, handles)
    only_last([jobs, latency], axis)
    told = actions([jobs, latency], summary, axis, ("load reduction",))
    entitle(figure, f"Propagation: {contrast(variants, chosen, 'propagation', axis)}")
    caption = (
        "Jobs that wait in queues or to come back (logarithmic), and the mean time from an accepted launch to a "
        "reachable instance, of what became reachable."
    )
    if reductions:
        caption += f" Shaded blue: load is reduced in “{curves[0].label}”."
    return Picture("propagation", figure, caption + told + chosen.note)


def health(
    summary: Summary,
    curves: Sequence[Curve],
    variants: Sequence[Variant],
    axis: TimeAxis,
) -> Picture:
    """Usable capacity, removed capacity by zone in the first variant, errors, terminated instances."""
    chosen = chosen_of(summary, curves, variants)
    zones = [int(name.rpartition("_")[2]) for name in curves[0].frame.columns if name.startswith("removed_in_zone_")]
    keyed = 1 + (len(zones) - 1) // 6
    figure, (usable, removed, key, errors, ended, below) = stack(
        [1.7, 1.5, lines_in(keyed), 1.3, 1.3, lines_in(chosen.rows)]
    )
    handles = lines(usable, axis, chosen, series.share_of(summary, "targets_usable"), "usable\ntargets (%)", "share")
    part = summary.groups[0].scenario.health
    targets, normal = (part.targets, part.normal_share) if part is not None else (0, math.nan)
    level_line(usable, 100 * normal, f"normal from {units.show_share(normal)}")
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
    lines(errors, axis, chosen, series.errors, "errors (%)", "percent")
    lines(ended, axis, chosen, series.terminated, "instances\nterminated", "linear")
    chosen.legend(below, handles)
    panels = [usable, removed, errors, ended]
    only_last(panels, axis)
    told = actions(panels, summary, axis, ("failover off", "failover on"))
    entitle(figure, f"Health checks: {contrast(variants, chosen, 'health', axis)}")
    caption = (
        "Targets that are in use and reachable; targets of each zone that are not in use (taken out, new, terminated "
        "or failed over); share of the targets in use that cannot be reached; instances terminated so far."
    )
    return Picture("health", figure, caption + told + chosen.note)
