"""Pictures of a run: leases or backlog first, then each stage that follows. Never simulates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from recovery.show import lever_figures, spans, stage_times
from recovery.show.figures import Curve, Picture, TimeAxis, cut, levels_of, series_of, style
from recovery.show.lever_figures import Mark
from recovery.show.run_figures import bars, classes, day, later, leases, queue, stages, work
from recovery.show.run_figures.panels import TOGETHER_MAX
from recovery.store.run_record import RunManifest, Summary

if TYPE_CHECKING:
    import polars as pl


def figures_for(
    manifest: RunManifest, summary: Summary, series: pl.DataFrame | None, marks: Sequence[Mark] = ()
) -> list[Picture]:
    """The pictures of leases or jobs. `marks` are facts about the lever of a sweep, drawn beside the curves."""
    with style():
        return list(_figures(manifest, summary, series, marks))


def _figures(
    manifest: RunManifest, summary: Summary, series: pl.DataFrame | None, marks: Sequence[Mark]
) -> Iterator[Picture]:
    if summary.is_sweep:
        yield from lever_figures.pictures(manifest, summary, series, marks)
        return
    if series is not None:
        axis, curves = _drawn(manifest, summary, series)
        if manifest.has_leases:
            yield leases.leased(summary, curves, axis)
            if len(curves) > TOGETHER_MAX:
                yield leases.each(summary, curves, axis)
        else:
            yield queue.backlog(summary, curves, axis)
            yield queue.goodput(summary, curves, axis)
        yield queue.waiting(summary, curves, axis)
        yield work.work(summary, curves, axis)
        yield queue.attempts(summary, curves, axis)
    yield bars.bars(manifest, summary)


def classes_for(manifest: RunManifest, summary: Summary, series: pl.DataFrame | None) -> list[Picture]:
    """The pictures of classes; none if the run has none, or is a sweep."""
    if series is None or summary.is_sweep or not any(group.scenario.classes for group in summary.groups):
        return []
    axis, curves = _drawn(manifest, summary, series)
    with style():
        return classes.pictures(summary, curves, axis)


def later_for(manifest: RunManifest, summary: Summary, series: pl.DataFrame | None) -> list[Picture]:
    """The pictures of the stages after the leases, the whole day first; none if the run has none."""
    variants = stage_times.variants(summary)
    if series is None or not variants:
        return []
    axis, curves = TimeAxis.of(manifest), _curves(summary, series)
    with style():
        pictures = [day.day(summary, curves, variants, axis)]
        if len(variants) > 1:
            pictures.append(stages.stages(variants, axis))
        pictures.append(later.launches(summary, curves, variants, axis))
        if "launches_reachable" in series.columns:
            pictures.append(later.propagation(summary, curves, variants, axis))
        if "targets_usable" in series.columns:
            pictures.append(later.health(summary, curves, variants, axis))
    return pictures


MOVES = ("leased_share", "overdue", "backlog", "queue")  # columns that tell whether anything happens


def _drawn(manifest: RunManifest, summary: Summary, series: pl.DataFrame) -> tuple[TimeAxis, list[Curve]]:
    """The axis up to where something happens, and the curves so far; all of a run with later stages."""
    curves = _curves(summary, series)
    if stage_times.variants(summary):
        return TimeAxis.of(manifest), curves
    happens = [spans.settled_s(levels_of(curves, column)) for column in MOVES if column in series.columns]
    happens += [outage.to_s for course in manifest.outages for outage in course]
    happens += [one.observed_s for one in summary.milestones]
    happens += [action.at_s for row in summary.rows for action in row.actions]
    happens += [row.of("recovers_from_s") + max(row.of("ttr99_s"), 0.0) for row in summary.rows]
    axis = TimeAxis.of(manifest, spans.end_s(manifest.horizon_s, happens))
    return axis, cut(curves, axis.end_s)


def _curves(summary: Summary, series: pl.DataFrame) -> list[Curve]:
    return [Curve(group.variant, series_of(series, group)) for group in summary.groups]
