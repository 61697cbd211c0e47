"""What the page of a run says of each class of holders and jobs: a table of each kind, and their pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from recovery.measures import register
from recovery.show import classes, standings
from recovery.show.drawn import Drawn
from recovery.show.page import Cell, Column, show, value_of
from recovery.show.tables import time_cell
from recovery.show.words import ends_of, speaking_of
from recovery.store.run_record import Group, Summary
from recovery.units import show_share


class ClassRow(NamedTuple):
    """A class in a variant."""

    variant: str
    name: str
    verdict: str
    look: str
    often: Cell | None  # share of the runs in which it recovered, where a variant has several
    cells: list[Cell]


class Kind(NamedTuple):
    """The classes of holders, or those of jobs."""

    name: str
    title: str
    columns: list[Column]
    rows: list[ClassRow]


class Section(NamedTuple):
    """What the page shows of classes."""

    kinds: list[Kind]
    figures: list[Drawn]


def section(summary: Summary, drawn: Sequence[Drawn]) -> Section | None:
    """The section on classes, with their pictures; None if the run has none."""
    if summary.is_sweep or not any(group.scenario.classes for group in summary.groups):
        return None
    called = summary.groups[0].scenario.called
    found = []
    for name, title, are_jobs in (
        (register.LEASES, f"Classes of {called[0]}", False),
        (register.JOBS, "Classes of jobs", True),
    ):
        own = [
            (group, one.name) for group in summary.groups for one in group.scenario.classes if one.is_jobs is are_jobs
        ]
        if own:
            columns = [
                Column(one.name, speaking_of(called, one.title), speaking_of(called, one.meaning), one.form)
                for one in register.shown(name)
                if one.of_class
            ]
            found.append(Kind(name, title, columns, [_row(summary, group, one, columns) for group, one in own]))
    return Section(found, list(drawn))


def _row(summary: Summary, group: Group, name: str, columns: Sequence[Column]) -> ClassRow:
    ended = classes.verdicts(summary, group, name)
    share, low, high = classes.recovered_share(ended)
    shown = f"{show_share(low)} to {show_share(high)}"
    often = (
        Cell(show_share(share), shown, value=value_of(share, low, high)) if classes.have_several_runs(summary) else None
    )
    look = "good" if set(ended) == {"recovered"} else "never"
    cells = [_cell(summary, group, f"{column.measure}.{name}", column.kind) for column in columns]
    return ClassRow(group.variant, name, classes.verdict_words(ended), look, often, cells)


def _cell(summary: Summary, group: Group, measure: str, kind: str) -> Cell:
    found = group.estimate(measure)
    if found is None:
        return Cell("–")
    if kind == "time":
        if standings.is_always(group, summary.rows_of(group), measure):
            return Cell(standings.ALWAYS, value=value_of(0.0))
        return time_cell(standings.of(summary, group, measure))
    value = value_of(found.mean, found.low, found.high)
    return Cell(show(found.mean, kind), ends_of(found, lambda number: show(number, kind)), value=value)
