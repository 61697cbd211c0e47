"""Pictures of classes: leases of each class of holders, and what waits of each class of jobs; a panel a variant."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from recovery.show.figures import Curve, Picture, TimeAxis, draw_line, entitle, level_of, lines_in, stack
from recovery.show.figures import legend_below as legend
from recovery.show.run_figures.panels import highlighted, only_last, panel_title
from recovery.show.variants import how_long
from recovery.show.words import speaking_of
from recovery.store.run_record import Group, Summary
from recovery.units import show_duration

PANELS_MAX = 4


def pictures(summary: Summary, curves: Sequence[Curve], axis: TimeAxis) -> list[Picture]:
    """One of the classes of holders, one of those of jobs, where there are such."""
    classes = {one.name: one for group in summary.groups for one in group.scenario.classes}.values()
    first = next(group for group in summary.groups if group.scenario.classes)
    holders, jobs = ([one.name for one in classes if one.is_jobs is are_jobs] for are_jobs in (False, True))
    found = []
    if holders:
        called = first.scenario.called
        found.append(
            _picture(
                summary, curves, axis, "classes-leases", holders, "leased_share", 100.0,
                speaking_of(called, "holders with a lease (%)"),
                f"{speaking_of(called, 'Leases')} of each class: {_last(first, holders)}",
                speaking_of(called, "Share of the holders of each class that hold a lease, at the end of each window."),
            )
        )  # fmt: skip
    if jobs:
        found.append(
            _picture(
                summary, curves, axis, "classes-jobs", jobs, "backlog", 1.0, "jobs without an answer",
                f"Jobs of each class: {_served(first, jobs)}",
                "Jobs of each class that have come and have neither succeeded nor been given up.",
            )
        )  # fmt: skip
    return found


def _last(group: Group, names: Sequence[str]) -> str:
    """Which class is back last, and when."""
    times = {name: group.mean(f"ttr99_s.{name}") for name in names}
    slowest = max(times, key=lambda name: times[name])
    if math.isinf(times[slowest]):
        return f"{slowest} does not come back"
    if max(times.values()) == 0:
        return "none is ever away"
    return f"99 % of {slowest} are back after {show_duration(times[slowest])}" + (
        ", last of all" if len(names) > 1 else ""
    )


def _served(group: Group, names: Sequence[str]) -> str:
    """Which class is served least."""
    shares = {name: group.mean(f"served_share.{name}") for name in names}
    least = min(shares, key=lambda name: shares[name])
    return f"{100 * shares[least]:.3g} % of {least} are served" + (", the least" if len(names) > 1 else "")


def _picture(
    summary: Summary,
    curves: Sequence[Curve],
    axis: TimeAxis,
    name: str,
    classes: Sequence[str],
    column: str,
    scale: float,
    label: str,
    title: str,
    caption: str,
) -> Picture:
    shown = highlighted(summary, curves).shown[:PANELS_MAX]
    figure, (*panels, below) = stack([*[2.1] * len(shown), lines_in(len(classes))])
    for panel, (number, curve) in zip(panels, shown, strict=True):
        group, most, handles = summary.groups[number], 0.0, []
        for place, one in enumerate(classes):
            times, values = level_of(curve, f"{column}.{one}", scale)  # nan where this variant has no such class
            most = max(most, float(np.max(values, initial=0.0, where=np.isfinite(values))))
            handles.append(draw_line(panel, place, times, values))
        axis.dress(panel, named=False, group=group)
        panel.set_ylabel(label)
        panel.set_ylim(*((-3, 106) if column == "leased_share" else (0, max(most, 1.0) * 1.1)))
        panel_title(panel, curve.label, how_long(summary, group), wide=True)
    legend(below, handles, list(classes), others=False)
    only_last(panels, axis)
    entitle(figure, title)
    left = len(curves) - len(shown)
    note = f" {left} more variants are in the table." if left else ""
    return Picture(name, figure, caption + axis.shading(summary.groups) + note)
