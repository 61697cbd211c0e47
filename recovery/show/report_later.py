"""What the page of a run says of the stages after the leases: when each is normal again, and a section a stage."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from recovery import units
from recovery.measures import register
from recovery.show import milestones, stage_times, standings
from recovery.show.drawn import Drawn
from recovery.show.figures import TimeAxis
from recovery.show.milestones import Stone
from recovery.show.page import Cell, Column, show, value_of
from recovery.show.stage_times import NORMAL, STAGES, TITLES, Variant
from recovery.show.standings import Standing
from recovery.show.tables import columns_of, time_cell
from recovery.show.words import ends_of
from recovery.store.run_record import Group, Row, RunManifest, Summary


class StageCell(NamedTuple):
    """When a stage is normal again, the same since the start, and what is saved."""

    text: str
    after: str
    saved: str
    look: str
    value: str


class StageRow(NamedTuple):
    """A variant's stages, and which comes last."""

    variant: str
    cells: list[StageCell]
    last: str


class MeasuresRow(NamedTuple):
    """A variant's measures of one stage."""

    variant: str
    cells: list[Cell]


class Section(NamedTuple):
    """What the page shows of one stage."""

    name: str
    title: str
    columns: list[Column]
    rows: list[MeasuresRow]
    milestones: list[Stone]
    figure: Drawn | None


class Later(NamedTuple):
    """What the page shows of all stages after the leases."""

    day: Drawn | None
    stages_figure: Drawn | None
    stages: list[str]
    rows: list[StageRow]
    sections: list[Section]
    runs: int


def sections(manifest: RunManifest, summary: Summary, drawn: Sequence[Drawn]) -> Later | None:
    """What the page shows of the later stages; None if the run has none."""
    variants = stage_times.variants(summary)
    if not variants:
        return None
    pictures = {one.name: one for one in drawn}
    axis = TimeAxis.of(manifest)
    stages = [stage for stage in NORMAL if stage in variants[0].normal]
    stones = milestones.of(manifest, summary)
    found = []
    for name in STAGES:
        if name == register.LEASES:  # their section is the page's own
            continue
        own = columns_of(name, summary.groups[0])
        if own:
            stage = register.milestones(name)
            found.append(
                Section(
                    name,
                    TITLES[name].capitalize(),
                    own,
                    [
                        MeasuresRow(group.variant, [_cell(group, column, runs) for column in own])
                        for group, runs in ((one, summary.rows_of(one)) for one in summary.groups)
                    ],
                    [stone for stone in stones if stone.measure in stage],
                    pictures.get(name),
                )
            )
    return Later(
        pictures.get("day"),
        pictures.get("stages"),
        [TITLES[stage] for stage in stages],
        [_times(variant, variants[0], stages, axis) for variant in variants],
        found,
        variants[0].runs,
    )


def _cell(group: Group, column: Column, rows: Sequence[Row]) -> Cell:
    if column.kind == "time":
        return time_cell(standings.of_rows(rows, column.measure, group.scenario))
    found = group.estimate(column.measure)
    if found is None:
        return Cell("–")
    interval = ends_of(found, lambda value: show(value, column.kind))
    return Cell(show(found.mean, column.kind), interval, value=value_of(found.mean, found.low, found.high))


def _times(variant: Variant, first: Variant, stages: Sequence[str], axis: TimeAxis) -> StageRow:
    """A variant's row: for each stage when it is normal again, with its interval, and what is saved, with its own."""
    cells = []
    for stage in stages:
        normal = variant.normal[stage]
        saved = "" if variant is first else stage_times.show_saving(variant.saved[stage])
        look, after = "never" if normal.is_never else "", "" if variant.is_well(stage) else _spread(normal)
        value = value_of(math.inf if normal.is_never else normal.mean_s, normal.low_s, normal.high_s)
        cells.append(StageCell(variant.show(stage, axis.show), after, saved, look, value))
    return StageRow(variant.name, cells, variant.last.words)


def _spread(found: Standing) -> str:
    """Time since the start, with half of its interval."""
    if not found.is_known:
        return ""
    text = units.show_duration(found.mean_s)
    return f"{text} ± {stage_times.half_min(found.low_s, found.high_s)} min" if math.isfinite(found.low_s) else text
