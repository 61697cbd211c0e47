"""Tables of a run's page: a row a variant or point, where variants tip over, and what of the leases is alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from recovery import units
from recovery.measures import for_good, register
from recovery.show import advice, levers, renewed, stage_times, standings
from recovery.show.page import Cell, Column, show, value_of
from recovery.show.standings import ALWAYS, Standing
from recovery.show.text import LOST, lost, notes, refused_columns, sample_span, show_saved
from recovery.show.words import ends_of, speaking_of
from recovery.store.run_record import Group, Row, RunManifest, Summary, with_groups

_VERDICTS = {"recovered": "recovered", "recovering": "still recovering", "collapsed": "collapsed"}
_SAVED = {
    register.LEASES: "sooner than the first variant (99 %)",
    register.JOBS: "sooner than the first variant (99 %)",
}


class VariantRow(NamedTuple):
    """A variant, or a point of a sweep. `collapsed` where there are several runs, `median` where it says something else
    than the mean: some runs of a variant come to 99 %, and some never do.
    """

    variant: str
    levers: list[str]
    verdict: str
    look: str
    collapsed: Cell | None
    median: str
    cells: list[Cell]


class Edge(NamedTuple):
    """Where a variant of a sweep tips over, and where that was predicted."""

    variant: str
    at: str
    between: str
    predicted: str
    least: str
    most: str


class Tables(NamedTuple):
    """The table of variants (and of the points of a sweep), its columns, and for a sweep the short one before it."""

    rows: list[VariantRow]
    columns: list[Column]
    keys: list[str]
    several: bool
    has_medians: bool
    edges: list[Edge]
    lever: levers.Lever | None
    runs: list[int]
    notes: list[str]


def columns_of(stage: str, group: Group) -> list[Column]:
    """The columns of a stage that a group has, from the register of measures."""
    called = group.scenario.called
    return [
        Column(one.name, speaking_of(called, one.title), speaking_of(called, one.meaning), one.form)
        for one in register.shown(stage)
        if one.name in group.measures
    ]


def tables_of(manifest: RunManifest, summary: Summary) -> Tables:
    """All of a page's tables of variants."""
    groups = summary.groups
    lever = levers.lever_of(summary)
    keys = list(dict.fromkeys(key for group in groups for key in group.levers))
    traffic = manifest.kind
    columns = columns_of(traffic, groups[0])
    first = [column for column in columns if column.measure == "ttr99_s"]  # what decides comes first, for phones
    if renewed.is_told(summary):
        first.insert(0, Column(renewed.TITLE, renewed.TITLE, _renewed_meaning(groups[0]), "time"))
    if not keys and len(groups) > 1:
        first.append(Column("saved", "saved", _SAVED[traffic], "saved"))
    columns = first + [column for column in columns if column not in first]
    columns += [Column(*column, "share") for column in refused_columns(summary)]
    own = [summary.rows_of(group) for group in groups]
    several = any(group.runs > 1 for group in groups)
    middle, marked = levers.medians(summary, "ttr99_s"), lost(summary)
    is_back = [[math.isfinite(row.told("ttr99_s")) for row in runs] for runs in own]
    has_medians = any(any(some) and not all(some) for some in is_back)
    rows = []
    for group, runs, median in zip(groups, own, middle, strict=True):
        share, low, high = map(units.show_share, (group.collapsed.share, group.collapsed.low, group.collapsed.high))
        late = renewed.late_to_the_end(group)
        verdicts = [
            _VERDICTS[name] + (f" {n} of {group.runs}" if group.runs > 1 else "") for name, n in group.verdicts.items()
        ]
        judged = group is not groups[0] and not advice.declares_only(groups[0], group)
        judged = judged and not renewed.is_apart(group, groups[0])
        saved = _saved(renewed.saved(summary, group, groups[0])) if judged else Cell("–")
        rows.append(
            VariantRow(
                f"{group.variant} (as the file stands)" if group.is_file else group.variant,
                [group.lever_words(key) if key in group.levers else "" for key in keys],
                late or ", ".join(verdicts),
                "good" if set(group.verdicts) == {"recovered"} and not late else "never",
                Cell(share, f"{low} to {high}", value=_share_of(group)) if several else None,
                show(median, "time") if has_medians else "",
                [
                    cell._replace(text=cell.text + LOST) if (group.variant, column.measure) in marked else cell
                    for column in columns
                    for cell in (saved if column.kind == "saved" else _cell(group, column, runs),)
                ],
            )
        )
    edges = _edges(summary, lever) if lever is not None else []
    many = sorted({group.runs for group in groups})
    return Tables(rows, columns, keys, several, has_medians, edges, lever, many, notes(summary))


def _renewed_meaning(group: Group) -> str:
    return speaking_of(group.scenario.called, renewed.MEANING)


def _cell(group: Group, column: Column, rows: Sequence[Row]) -> Cell:
    if column.measure == renewed.TITLE:
        beside = standings.of_rows(rows, renewed.MEASURE, group.scenario).span() if renewed.is_exact(group) else ""
        return Cell(renewed.show(group), beside, value=value_of(renewed.after_s(group)))
    found = group.estimate(standings.hours_as_known(group, column.measure))
    if found is None:
        return Cell("–")
    if column.measure in for_good.OF_RETURN and standings.lost_none(group, rows):
        return Cell("–")
    if column.measure == "efficiency" and standings.is_within_a_window(rows):
        return Cell("–")
    if standings.is_always(group, rows, column.measure):
        return Cell(ALWAYS, value=value_of(0.0))
    if column.kind == "time":
        return time_cell(standings.of_rows(rows, column.measure, group.scenario), sample_span(group, column.measure))
    beside, value = sample_span(group, column.measure), value_of(found.mean, found.low, found.high)
    if column.measure == "efficiency":
        text = units.show_share(found.mean) if math.isfinite(found.mean) else show(found.mean, column.kind)
        return Cell(text, f"bound {units.show_duration(group.mean('fluid_bound_s'))}", value=value)
    if ends := ends_of(found, lambda value: show(value, column.kind)):
        beside = ends
    return Cell(show(found.mean, column.kind), beside, value=value)


def time_cell(found: Standing, beside: str = "") -> Cell:
    """The time of the runs that come to it, with its interval (or what a sample tells), and how many never do."""
    if found.is_never:
        return Cell(found.show(), beside, "never", value_of(math.inf))
    value = value_of(found.mean_s, found.low_s, found.high_s)
    return Cell(found.show(), found.span() or beside, value=value, never=found.short)


def _share_of(group: Group) -> str:
    return value_of(group.collapsed.share, group.collapsed.low, group.collapsed.high)


def _saved(found: standings.Saved) -> Cell:
    """By how much a variant is sooner than the first, over the runs in which both are back."""
    if found.is_open and math.isnan(found.mean_s):
        return Cell(show_saved(found))
    if math.isnan(found.mean_s):
        return Cell("not back either", look="never")
    if math.isinf(found.mean_s) and math.isnan(found.beyond_s):
        return Cell("recovers at all", look="good") if found.mean_s > 0 else Cell("not back", look="never")
    text = show_saved(found).replace("-", "−")
    value = found.mean_s if math.isnan(found.beyond_s) else found.beyond_s
    return Cell(text, look="good" if found.mean_s > 0 else "", value=value_of(value))


def _edges(summary: Summary, lever: levers.Lever) -> list[Edge]:
    out = []
    for variant, at in levers.crossings(summary, lever).items():
        own = [group for group in summary.groups if group.variant == variant]
        shares = [group.collapsed.share for group in own]
        predicted = levers.hidden_capacity(own[0].scenario, lever)
        spans = math.isfinite(at.low) and math.isfinite(at.high)
        out.append(
            Edge(
                variant,
                lever.show(at.at) if math.isfinite(at.at) else "nowhere in the sweep",
                f"{lever.show(at.low)} to {lever.show(at.high)}" if spans else "–",
                lever.show(predicted) if math.isfinite(predicted) else "–",
                units.show_share(min(shares)),
                units.show_share(max(shares)),
            )
        )
    return out


def alike(summary: Summary) -> list[list[str]]:
    """Names of the variants, those together whose leases went the same way."""
    names = [one.name for one in register.shown(register.LEASES)]
    found: dict[str, list[str]] = {}
    for group in summary.groups:
        key = repr([(group.measures.get(name), group.estimate(name)) for name in names])  # nan is like nan
        found.setdefault(key, []).append(group.variant)
    return list(found.values())


def distinct(manifest: RunManifest, summary: Summary) -> Summary:
    """The summary for the section on leases. If later stages follow, many variants differ only there: of those with the
    same leases the first stands for all.
    """
    firsts = {names[0] for names in alike(summary)}
    is_day = manifest.has_leases and bool(stage_times.variants(summary))
    if not is_day or len(firsts) == len(summary.groups):
        return summary
    return with_groups(summary, [group for group in summary.groups if group.variant in firsts])
