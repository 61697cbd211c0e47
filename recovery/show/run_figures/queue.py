"""Pictures of what waits at the hosts, comes to them and is served: backlog, goodput, queues, attempts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from recovery import units
from recovery.show.figures import SECONDS_MAX, Curve, Picture, TimeAxis, entitle, flow_of, level_of, lines_in, stack
from recovery.show.run_figures.panels import Chosen, Line, hero_of, highlighted, level_line, lines, only_last
from recovery.show.variants import contrast, ends
from recovery.store.run_record import Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS = 96  # of a curve of attempts, which is rough


def _stacked(
    axis: TimeAxis, chosen: Chosen, stacked: Sequence[tuple[str, Line, str]]
) -> tuple[Figure, list[Axes]]:  # fmt: skip
    """Panels above each other, a line a variant, with their legend."""
    height_in = 2.3 if len(stacked) > 1 else 2.9
    figure, (*panels, below) = stack([*[height_in] * len(stacked), lines_in(chosen.rows)])
    for panel, (label, line, scale) in zip(panels, stacked, strict=True):
        handles = lines(panel, axis, chosen, line, label, scale)
    chosen.legend(below, handles)
    only_last(panels, axis)
    return figure, panels


def backlog(summary: Summary, curves: Sequence[Curve], axis: TimeAxis) -> Picture:
    """Jobs without an answer."""
    chosen = highlighted(summary, curves)
    figure, _ = _stacked(
        axis, chosen, [("jobs that wait for an answer", lambda curve: level_of(curve, "backlog"), "symlog")]
    )
    entitle(figure, f"Backlog: {contrast(summary, hero_of(summary))}")
    caption = "Jobs that have come and have neither succeeded nor been given up, at the end of each window."
    return Picture("backlog", figure, caption + axis.shading(summary.groups) + axis.rest + chosen.note)


def goodput(summary: Summary, curves: Sequence[Curve], axis: TimeAxis) -> Picture:
    """Successes a second, beside the arrivals of the first variant."""
    chosen = highlighted(summary, curves)
    figure, [panel] = _stacked(
        axis, chosen, [("successes (a second)", lambda curve: flow_of(curve, "succeeded"), "linear")]
    )
    times, arrived = flow_of(curves[0], "arrived")
    panel.plot(times, arrived, color="#A87000", lw=1.1, ls=(0, (1, 1)), zorder=1)
    panel.set_ylim(0, max(panel.get_ylim()[1], 1.1 * float(arrived.max(initial=0.0))))
    panel.annotate(
        "arrivals", (times[int(np.argmax(arrived))], float(arrived.max())), (4, 2), textcoords="offset points",
        fontsize=8.6, color="#8a5f00",
    )  # fmt: skip
    served = [(group.mean("served_share"), group.variant) for group in summary.groups]
    text = "; ".join(f"“{variant}” serves {units.show_share(part)} of its jobs" for part, variant in ends(served))
    entitle(figure, f"Goodput: {text}")
    caption = f"Successes a second. Dotted: jobs that arrive a second, of “{curves[0].label}”."
    return Picture("goodput", figure, caption + chosen.note)


def waiting(summary: Summary, curves: Sequence[Curve], axis: TimeAxis) -> Picture:
    """Requests in all queues, and how long the oldest has waited."""
    chosen = highlighted(summary, curves)
    longest_s = max(float(curve.frame["oldest_ns"].max() or 0) for curve in curves) / 1e9  # type: ignore[arg-type]
    unit, unit_s = ("s", 1.0) if longest_s <= SECONDS_MAX else ("min", 60.0)
    figure, (_, oldest) = _stacked(
        axis,
        chosen,
        [
            ("requests that wait", lambda curve: level_of(curve, "queue"), "symlog"),
            (f"oldest of them ({unit})", lambda curve: level_of(curve, "oldest_ns", 1e-9 / unit_s), "symlog"),
        ],
    )
    timeout_s = summary.groups[0].scenario.hosts.timeout_s
    if math.isfinite(timeout_s):
        level_line(oldest, timeout_s / unit_s, f"timeout {units.show_duration(timeout_s)}")
    peaks = [(group.mean("queue_peak"), group.variant) for group in summary.groups]
    text = "; ".join(f"{units.show_count(peak)} under “{variant}”" for peak, variant in ends(peaks))
    entitle(figure, f"Waiting requests at most: {text}")
    caption = (
        "Requests in all queues, and how long the oldest has waited (both logarithmic). Where that is longer than "
        "the timeout, hosts work on requests that nobody waits for."
    )
    return Picture("waiting", figure, caption + chosen.note)


def attempts(summary: Summary, curves: Sequence[Curve], axis: TimeAxis) -> Picture:
    """Attempts that reach the hosts, beside what these can establish."""
    chosen = highlighted(summary, curves)
    figure, [panel] = _stacked(
        axis, chosen, [("attempts (a second)", lambda curve: flow_of(curve, "submitted", POINTS), "log")]
    )
    capacity = next((row.value for row in summary.explain if row.name == "establish_per_s"), math.nan)
    low, high = panel.get_ylim()
    if capacity > 0:
        low, high = min(low, capacity / 2), max(high, 1.6 * capacity)
    panel.set_ylim(min(low, high / 20), high)
    panel.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    panel.yaxis.set_minor_formatter(lambda _value, _: "")
    if math.isfinite(capacity):
        level_line(panel, capacity, f"hosts establish {units.show_count(capacity)}/s at most", is_under=True)
    peaks = [(float(flow_of(curve, "submitted", POINTS)[1].max(initial=0.0)), curve.label) for curve in curves]
    text = "; ".join(f"{units.show_count(peak)}/s under “{variant}”" for peak, variant in ends(peaks))
    entitle(figure, f"Attempts at most: {text}")
    caption = "Attempts that reach the hosts a second, new and repeated (logarithmic)."
    return Picture("attempts", figure, caption + chosen.note)
