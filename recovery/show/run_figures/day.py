"""The whole way back: all stages on one axis of time, with the milestones of the first variant."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING

from recovery.measures import register
from recovery.show.figures import Curve, Picture, TimeAxis, entitle, level_of, lines_in, stack
from recovery.show.run_figures import stones
from recovery.show.run_figures.panels import Line, level_line, lines, only_last
from recovery.show.run_figures.series import POINTS, accepted, latency, normal_latency_s, share_of
from recovery.show.run_figures.stages import at_time, chosen_of
from recovery.show.stage_times import ALL, Variant, are_many, called
from recovery.show.words import speaking_of
from recovery.store.run_record import Milestone, Summary

if TYPE_CHECKING:
    from matplotlib.lines import Line2D


def day(
    summary: Summary,
    curves: Sequence[Curve],
    variants: Sequence[Variant],
    axis: TimeAxis,
) -> Picture:
    """All stages on one axis of time, with the milestones of the first variant: observed above, simulated below."""
    chosen = chosen_of(summary, curves, variants)
    stages: dict[str, tuple[Line, str, str]] = {
        register.LEASES: (
            lambda c: level_of(c, "leased_share", 100, POINTS),
            speaking_of(summary.groups[0].scenario.called, "holders with\na lease (%)"),
            "share",
        ),
        "launches": (accepted, "attempts\naccepted (%)", "share"),
        "propagation": (latency, "mean\nlatency (min)", "linear"),
        "health": (share_of(summary, "targets_usable"), "usable\ntargets (%)", "share"),
    }
    stages = {stage: drawn for stage, drawn in stages.items() if stage in variants[0].normal}
    seen = stones.numbered(summary)
    figure, (*panels, below) = stack([1.25] * len(stages) + [lines_in(chosen.rows) + stones.rows_in(seen)])
    handles: list[Line2D] = []
    for panel, (stage, (line, label, scale)) in zip(panels, stages.items(), strict=True):
        handles = lines(panel, axis, chosen, line, label, scale)
        stones.mark(panel, summary, axis, [(i, stone) for i, stone in seen if _panel_of(stone, stages) == stage])
    if "propagation" in stages:
        normal_s = normal_latency_s(summary.groups[0].scenario)
        level_line(panels[list(stages).index("propagation")], normal_s / 60, "normal")
    only_last(panels, axis)
    chosen.legend(below, handles)
    stones.list_in(below, summary, seen, axis)
    end = variants[0].normal[ALL]
    what = called(variants[0].last.stage)
    several = "" if are_many(variants[0].last.stage) else "s"
    if variants[0].is_well(ALL):
        text = f"“{variants[0].name}” is normal {'all' if end.mean_s == 0 else 'almost all'} the time"
    elif end.is_never:
        text = f"“{variants[0].name}” is never normal again; {what} hold{several} it back"
    else:
        often = f" ({end.words})" if end.never else ""
        text = f"“{variants[0].name}” is normal again {at_time(axis, end.mean_s)}{often}; {what} come{several} last"
    entitle(figure, f"The whole way back: {text}")
    held = speaking_of(summary.groups[0].scenario.called, "Leases")
    caption = f"{held}, accepted share of the attempts, latency and usable capacity on one axis of time."
    caption += axis.shading(summary.groups)
    caption += stones.CAPTION.format(curves[0].label) if seen else ""
    return Picture("day", figure, caption + chosen.note)


def _panel_of(stone: Milestone, stages: Container[str]) -> str:
    measure = register.find(stone.measure)
    stage = measure.stage if measure is not None else register.LEASES
    return stage if stage in stages else "launches" if stage == ALL else register.LEASES
