"""The page of a run: what a folder holds, as pictures and one HTML file that needs nothing else. Never simulates.

The order of the page is that in which a reader decides: question, answer, expectations, one picture, ten rows. The rest
unfolds: what was observed, other pictures, each stage, what is fitted or assumed, and how to make it all again.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup
from pydantic import JsonValue

from recovery import theory, units
from recovery.measures.words import show_measure
from recovery.show import (
    milestones,
    outages,
    report_classes,
    report_later,
    report_race,
    report_services,
    run_figures,
    tables,
    text,
)
from recovery.show.answers.answer import parts
from recovery.show.answers.run import answer_of
from recovery.show.drawn import Drawn
from recovery.show.lever_figures import Mark
from recovery.show.page import Input, Marked, draw, flat, marks_of, notes_of, render, show, text_of
from recovery.show.words import Called, speaking_of
from recovery.store import files, folder
from recovery.store.run_record import Bound, Explained, Group, RunManifest, Summary

if TYPE_CHECKING:
    import polars as pl


class Expectation(NamedTuple):
    """A bound in words."""

    text: str
    sign: str
    look: str
    value: str
    why: str


class ExplainedRow(NamedTuple):
    """An explained number in words, with the notes on its inputs."""

    name: str
    shown: str
    formula: str
    numbers: str
    meaning: str
    marks: list[int]


class Change(NamedTuple):
    """What another variant changes, in words."""

    name: str
    changes: list[str]


class Runs(NamedTuple):
    """How many runs there were, and what they took, in words."""

    runs: str
    cpu: str
    events: str


def write(place: Path, marks: Sequence[Mark] = ()) -> Path:
    """Pictures and report.html of a run's folder; returns the page's path. Refusal if the folder holds no run, or what
    is published of one, without its runs.
    """
    manifest, summary = folder.with_its_runs(place)
    series = functools.cache(lambda: folder.series_of(place))  # not read where all pictures are known
    own = tables.distinct(manifest, summary)
    drawn = draw(place, lambda: run_figures.figures_for(manifest, own, series(), marks))
    of_classes = draw(place, lambda: run_figures.classes_for(manifest, summary, series()))
    later = draw(place, lambda: run_figures.later_for(manifest, summary, series()))
    seen, on_race = report_race.stones(summary.services), marks_of("dns", notes_of(summary.notes))
    dns = report_race.section(summary.race, seen, manifest.head.clock, on_race, place)
    services = report_services.section(summary.services, place)
    page = place / "report.html"
    files.write_text(page, html(manifest, summary, drawn, later, services, dns, of_classes))
    return page


def read(place: Path) -> tuple[RunManifest, Summary, pl.DataFrame | None]:
    """Manifest, summary and series (None if not kept) of a run's folder. Refusal if the folder holds no run,
    files.Damaged if a file of it is no longer whole.
    """
    manifest, summary = folder.run_of(place)
    return manifest, summary, folder.series_of(place)


def html(
    manifest: RunManifest,
    summary: Summary,
    drawn: Sequence[Drawn],
    later: Sequence[Drawn] = (),
    services: str = "",
    dns: str = "",
    of_classes: Sequence[Drawn] = (),
) -> str:
    """The page as text: nothing from outside, the same for the same results. `later`: the pictures of what followed the
    leases; `services`, `dns`: sections; `of_classes`: the pictures of classes.
    """
    notes, own = notes_of(summary.notes), tables.distinct(manifest, summary)
    return render(
        "report.html.j2",
        drawn,
        manifest=manifest,
        answer=parts(answer_of(manifest, summary)),
        expectations=[_expectation(row) for row in summary.expect],
        tables=tables.tables_of(manifest, own),
        alike=tables.alike(summary) if own is not summary else [],
        milestones=milestones.of(manifest, summary),
        outages=outages.rows(manifest, summary),
        classes=report_classes.section(summary, of_classes),
        later=report_later.sections(manifest, summary, later),
        first=summary.groups[0].variant,
        held=speaking_of(summary.groups[0].scenario.called, "leases"),
        held_title=speaking_of(summary.groups[0].scenario.called, "Leases"),
        counts_from_last=text.is_last_of_several(manifest, summary),
        counts_from_end=summary.groups[0].scenario.is_counted_from_end,
        notes=notes,
        explain=[_explained(row, notes, summary.groups[0].scenario.called) for row in summary.explain],
        symbols=[
            speaking_of(summary.groups[0].scenario.called, one)
            for one in theory.legends([row.formula for row in summary.explain])
            if one
        ],
        inputs=_inputs(manifest, notes),
        changes=_changes(manifest, summary),
        sweep=_swept(summary),
        runs=_runs(summary),
        services=Markup(services),  # our own, with all texts escaped
        dns=Markup(dns),
    )


def _expectation(row: Bound) -> Expectation:
    sign, look = {
        "yes": ("✓ holds", "good"),
        "no": ("✗ fails", "never"),
        "unsure": ("? unsure" if row.why else "? unsure: the interval spans the bound", ""),
        "not measured": ("? not measured", ""),
    }[row.holds]
    return Expectation(row.text, sign, look, show_measure(row.measure, row.value), row.why)


def _explained(row: Explained, notes: Sequence[Marked], called: Called) -> ExplainedRow:
    kind = "time" if units.is_time(row.name) else "number"
    marks = sorted({mark for key in row.keys for mark in marks_of(key, notes)})
    text = show(row.value, kind) + ("/s" if row.name.endswith("_per_s") else "")
    formula, numbers = row.formula.replace("*", "·"), row.numbers.replace("inf", "∞").replace("*", "·")
    return ExplainedRow(row.name, text, formula, numbers, speaking_of(called, row.meaning), marks)


def _inputs(manifest: RunManifest, notes: Sequence[Marked]) -> list[Input]:
    own = {key: value for key, value in manifest.inputs.items() if key in manifest.scenario_keys}
    return [Input(key, text_of(value), marks_of(key, notes)) for key, value in flat(own)]


def _table(value: JsonValue) -> dict[str, JsonValue]:
    return value if isinstance(value, dict) else {}


def _changes(manifest: RunManifest, summary: Summary) -> list[Change]:
    """What each other variant changes: policies in words, all else as the file has it."""
    groups = {group.variant: group for group in summary.groups}
    out = []
    for name, change in _table(manifest.inputs.get("variants")).items():
        words = groups[name].policy_words if name in groups else lambda _: ""
        told = [words(key) or f"{key}: {text_of(value)}" for key, value in flat(_table(change))]
        out.append(Change(name, list(dict.fromkeys(told)) or ["nothing"]))  # parts of one policy are told once
    return out


def _swept(summary: Summary) -> list[tuple[str, str]]:
    """Each lever with the values that it had, in their order, once each."""
    keys = dict.fromkeys(key for group in summary.groups for key in group.levers)
    told = {key: dict.fromkeys(_swept_value(group, key) for group in summary.groups) for key in keys}
    return [(key, "; ".join(texts)) for key, texts in told.items()]


def _swept_value(group: Group, key: str) -> str:
    """A value of a lever: a policy in words, all else as the file has it."""
    return group.lever_words(key) if group.policy_words(key) else text_of(group.levers[key])


def _runs(summary: Summary) -> Runs:
    cpu_s = math.fsum(row.cpu_s for row in summary.rows)
    return Runs(
        units.show_count(len(summary.rows)),
        f"{units.show_duration(cpu_s)} of processor time" if cpu_s > 0 else "all known from runs before",
        units.show_count(sum(row.of("logical_events") for row in summary.rows)),
    )
