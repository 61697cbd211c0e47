"""The page of a sweep: what its folder holds, as pictures and one HTML file that needs nothing else. Never simulates.

The order of the page is that of a decision: question, answer, one picture, the ten best policies. The rest unfolds: all
other policies and pictures, where policies fail and what that depends on, how the draws were made, what failed, what is
assumed, and how to make it all again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from pydantic import JsonValue

from recovery import units
from recovery.measures import register
from recovery.show import page as shared
from recovery.show import sweep_figures
from recovery.show.answers.answer import parts
from recovery.show.answers.sweep import answer_of
from recovery.show.drawn import Drawn
from recovery.show.figures import Picture
from recovery.show.page import Cell, Marked
from recovery.show.sweep_figures.drawn import Sweep, Told, set_apart, told, what
from recovery.show.sweep_text import half_width, if_recovers, names_of, of_marks, state_of
from recovery.show.words import differences_from, ends_of, is_lopsided, speaking_of, times_from
from recovery.store import files, sweep_record
from recovery.store.folder import series_of
from recovery.store.parts import runs_of_sweep
from recovery.store.record import Estimate, Share
from recovery.store.sweep_record import Box, Index, Lever, Summary, SweepManifest, Uncertainty

T = TypeVar("T")
LIST_MAX = 100  # rows of the other tables; what is beyond stands in summary.json only


class Column(NamedTuple):
    """A column of the table of policies: what its numbers are called as data, its title, and what it means."""

    measure: str
    title: str
    meaning: str


class Row(NamedTuple):
    """A row of the table of policies."""

    rank: int
    name: str
    marks: str
    status: str
    cells: list[Cell]


class Where(NamedTuple):
    """Draws in which a policy fails, with the shares of its failures, of runs there that fail, and of all draws."""

    policy: str
    words: str
    coverage: str
    density: str
    support: str


class Key(NamedTuple):
    """A key of the design, its values in words, how they are drawn, and the numbers of the notes on it."""

    key: str
    values: str
    drawn: str
    marks: list[int]


class Keys(NamedTuple):
    """The design in words: keys that are chosen and that are not known, and what came of draws that were tried."""

    levers: list[Key]
    uncertainties: list[Key]
    accept: str
    words: str


class Input(NamedTuple):
    """Indices of one input."""

    key: str
    cells: list[Cell]


class Indices(NamedTuple):
    """What the variance of one policy's times is made of."""

    name: str
    measure: str
    runs: str
    why_not: str
    inputs: list[Input]
    chance: Cell
    torn: str  # what cannot be so, if estimates are off by so much


class Listed(NamedTuple, Generic[T]):
    """Rows that are shown, and how many are left out."""

    first: list[T]
    left: int


def write(folder: Path) -> Path:
    """Pictures and report.html of a sweep's folder; returns the page's path. Raises files.Damaged."""
    sweep = sweep_of(folder)
    drawn = shared.draw(folder, lambda: sweep_figures.figures_for(sweep))
    page = folder / "report.html"
    files.write_text(page, html(sweep.manifest, sweep.summary, drawn))
    return page


def pictures(folder: Path) -> list[Picture]:
    """Pictures of a sweep's folder, which stays as it is. Raises files.Damaged."""
    return sweep_figures.figures_for(sweep_of(folder))


def sweep_of(folder: Path) -> Sweep:
    """What a sweep's folder holds, for pictures. Raises files.Damaged."""
    import polars as pl

    manifest, summary = sweep_record.manifest_of(folder), sweep_record.read(folder)
    series = series_of(folder)
    # Draws that were not accepted, and those for sensitivities, do not count in the ranking.
    runs = runs_of_sweep(folder).filter(pl.col("role") == "draw")
    return Sweep(manifest, summary, runs, series, shared.command(manifest.argv))


def html(manifest: SweepManifest, summary: Summary, drawn: Sequence[Drawn]) -> str:
    """The page as text: nothing from outside, the same for the same results."""
    notes = shared.notes_of(summary.notes)
    policies = told(summary)
    rows = [_row(policy, summary) for policy in policies]
    columns = _columns(summary)
    return shared.render(
        "sweep.html.j2",
        drawn,
        manifest=manifest,
        answer=parts(answer_of(summary)),
        answers=summary.answers,
        baseline="" if summary.baseline is None else summary.baseline.in_words,
        baseline_is_file=summary.baseline_is_file,
        columns=columns,
        rows=rows,
        measured=what(summary),
        limit=units.show_duration(summary.limit_s),
        confidence=units.show_share(summary.confidence),
        precision=units.show_share(summary.precision) if summary.precision else "",
        never_max=units.show_share(summary.never_max),
        of_marks=of_marks(summary),
        design=_design(summary, notes),
        scenarios=_listed([_where(policy, box) for policy in policies for box in policy.fails_where]),
        sensitivity=_sensitivity(summary),
        failures=_listed(summary.failures),
        runs={name: units.show_count(n) for name, n in summary.runs},
        took={"wall": units.show_duration(manifest.wall_s), "cpu": units.show_duration(manifest.cpu_s)},
        notes=notes,
    )


def _listed(rows: Sequence[T]) -> Listed[T]:
    return Listed(list(rows[:LIST_MAX]), max(len(rows) - LIST_MAX, 0))


def _where(policy: Told, box: Box) -> Where:
    shares = (units.show_share(share) for share in (box.coverage, box.density, box.support))
    return Where(f"{policy.rank}  {policy.told}", box.words, *shares)


# --- policies ---------------------------------------------------------------------------------------------------------


def _columns(summary: Summary) -> list[Column]:
    limit = units.show_duration(summary.limit_s)
    meaning = f"until {what(summary)}, over draws and replications; a run that is not back counts as {limit}"
    if summary.precision is not None and any(is_lopsided(one.restricted) for one in summary.policies):
        meaning += "; its interval allows for the runs that may not be back, so it may reach far to one side"
    out = [
        Column("time_mean_s", "mean time", meaning),
        Column(
            "later_s",
            "sooner or later",
            "difference from the baseline over the same draws, with the same random numbers; − is sooner",
        ),
        Column("not_back_share", "not back", "share of the runs that are not back at the horizon"),
        Column(
            "collapsed_share",
            "collapse",
            "share of the runs that are not back and in which what waits does not become less",
        ),
        Column(
            "if_back_s",
            "if back",
            "mean time of the runs that are back; ±: half its interval, over the time; “too few”: that interval "
            "reaches above twice the time, and about so many that are back would tell it",
        ),
        Column("fluid_bound_s", "fluid bound", "the time if no work were wasted; nothing can be faster"),
        Column("worst_s", "worst", "the largest time in any draw"),
        Column(
            "regret_s",
            "mean regret",
            "how much later than the best policy of the same draw, on average; below it: at most so much later in nine "
            "draws of ten",
        ),
        Column("regret_max_s", "largest regret", "the same in the draw where it is worst, of so many"),
    ]
    out += [
        Column(harm.name, speaking_of(summary.called, harm.title), speaking_of(summary.called, harm.meaning))
        for name in register.harms(summary.traffic)
        if (harm := register.find(name, summary.traffic)) is not None
    ]
    return [*out, Column("runs", "runs", "runs that were made, and in how many replications of all draws")]


def _row(policy: Told, summary: Summary) -> Row:
    lost, fell, regret = policy.not_recovered, policy.collapsed, policy.regret
    show = times_from(summary.window_s)
    is_back = policy.worst_s < summary.limit_s or math.isnan(policy.worst_s)
    cells = [
        _time(policy.restricted, show),
        _difference(policy.difference, differences_from(summary.window_s)),
        _share(lost),
        _share(fell),
        _if_back(policy, summary, show),
        _number(policy.fluid_bound_s.mean, "time"),
        _number(policy.worst_s, "time") if is_back else Cell("not back", look="never", value="Infinity"),
        Cell(_behind(regret.mean, show), f"90 %: {_behind(regret.p90, show)}", value=shared.value_of(regret.mean)),
        _number(regret.max, "time", _many(regret.draws, "draw")),
        *(
            _interval(policy.harm.get(harm), "share" if register.unit_of(harm) == "share" else "number")
            for harm in register.harms(summary.traffic)
        ),
        _number(policy.runs, "number", _many(policy.replications, "replication")),
    ]
    marks = [
        *(["baseline"] if policy.is_baseline else []),
        *(["chosen"] if policy.is_chosen else ["may be best"] if policy.not_told_apart else []),
        *(["unbeaten by means"] if policy.on_front else []),
        *([f"{_many(policy.failed, 'run')} failed"] if policy.failed and policy.runs else []),
    ]
    status = state_of(policy, summary.never_max)
    if policy.status == "failed":
        status += f": all {policy.failed} runs, {policy.failed_because}"
    told = " · ".join(filter(None, (names_of(set_apart(policy, summary), summary), ", ".join(marks))))
    return Row(policy.rank, policy.told, told, status, cells)


def _behind(seconds: float, show: Callable[[float], str]) -> str:
    """How much later than the best policy: none at all is 0, not less than can be told."""
    return show(seconds) if seconds > 0 else shared.show(seconds, "time")


def _if_back(policy: Told, summary: Summary, show: Callable[[float], str]) -> Cell:
    """The time of the runs that are back, and how well it is known."""
    cell, half = _time(if_recovers(policy, summary), show), half_width(policy, summary)
    return cell if half == "–" else cell._replace(interval=f"{cell.interval} ({half})".lstrip())


def _many(number: int, what: str) -> str:
    """A number of things: "1 draw", "2 draws"."""
    return f"{units.show_count(number)} {what}{'' if number == 1 else 's'}"


def _share(found: Share) -> Cell:
    whole = Estimate(mean=found.share, low=found.low, high=found.high)
    return _interval(whole, "share", "never" if found.share > 0 else "")


def _interval(found: Estimate | None, kind: str, look: str = "") -> Cell:
    if found is None:
        return Cell("–")
    value = shared.value_of(found.mean, found.low, found.high)
    return Cell(shared.show(found.mean, kind), ends_of(found, lambda one: shared.show(one, kind)), look, value)


def _time(found: Estimate, show: Callable[[float], str]) -> Cell:
    """A time with its interval, as `show` tells times."""
    return Cell(show(found.mean), ends_of(found, show), value=shared.value_of(found.mean, found.low, found.high))


def _number(value: float, kind: str, beside: str = "") -> Cell:
    return Cell(shared.show(value, kind), beside, value=shared.value_of(value))


def _difference(found: Estimate | None, show: Callable[[float], str]) -> Cell:
    if found is None:
        return Cell("–")
    cell = _time(found, show)
    sign = "+" if found.mean > 0 else ""
    return cell._replace(text=sign + cell.text, look="good" if found.high < 0 else "never" if found.low > 0 else "")


# --- design and sensitivity -------------------------------------------------------------------------------------------


def _value(value: JsonValue, unit: str | None) -> str:
    """A value of the design as a person would say it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return shared.text_of(value)
    if unit == "s":
        return units.show_duration(value)
    if unit == "share":
        return units.show_share(value)
    return shared.text_of(value) if isinstance(value, int) else f"{value:.4g}{'/s' if unit == '1/s' else ''}"


def _design(summary: Summary, notes: Sequence[Marked]) -> Keys:
    design, accept = summary.design, summary.design.accept

    def lever(one: Lever) -> Key:
        values = "; ".join(one.words or [_value(value, None) for value in one.values])
        return Key(one.key, values, "each of these", shared.marks_of(one.key, notes))

    def uncertainty(one: Uncertainty) -> Key:
        values, drawn = ", ".join(_value(value, one.unit) for value in one.values or ()), "one of these"
        if one.is_range:
            values, drawn = f"{_value(one.min, one.unit)} to {_value(one.max, one.unit)}", one.distribution or "uniform"
        return Key(one.key, values, drawn, shared.marks_of(one.key, notes))

    replications = _many(design.replications, "replication")
    if summary.precision:
        replications = f"{design.replications} to {_many(design.replications_max, 'replication')}"
    kept = ""
    if accept is not None:
        kept = (
            f"Of {units.show_count(accept.tried)} draws that were made, {units.show_count(accept.kept)} "
            f"reproduce what was observed, each milestone to within {units.show_duration(accept.within_s)}; "
            "only these were kept."
        )
    return Keys(
        [lever(one) for one in design.levers],
        [uncertainty(one) for one in design.uncertainties],
        kept,
        f"Method {design.method}, {_many(design.samples, 'draw')}, {replications}, each with "
        "other draws. Every policy meets every draw, with the same random numbers, so that differences are paired.",
    )


def _sensitivity(summary: Summary) -> list[Indices]:
    def weight(one: Index) -> float:
        return 0.0 if math.isnan(one.ST.mean) else -one.ST.mean

    return [
        Indices(
            one.words or one.name,
            one.measure,
            units.show_count(one.runs),
            one.why_not or "",
            [
                Input(i.key, [_interval(i.S1, "share"), _interval(i.ST, "share")])
                for i in sorted(one.inputs, key=weight)
            ],
            _interval(one.chance, "share"),
            _torn(one.inputs),
        )
        for one in summary.sensitivity
    ]


VISIBLE = 0.005  # of the variance: what two digits show


def _torn(inputs: Sequence[Index]) -> str:
    """That estimates contradict each other: an input alone has more than with its interactions, or all alone have more
    than there is. "" where they do not.
    """
    above = [one for one in inputs if one.S1.mean > one.ST.mean + VISIBLE]
    if above:
        most = max(above, key=lambda one: one.S1.mean - one.ST.mean)
        alone, total = (units.show_share(share, 2) for share in (most.S1.mean, most.ST.mean))
        said = f"{most.key} alone has {alone} and with its interactions {total}, which is less"
    elif sum(one.S1.mean for one in inputs if not math.isnan(one.S1.mean)) > 1 + VISIBLE:
        said = "the shares of the inputs alone add up to more than all"
    else:
        return ""
    return f"Estimates are off by chance: {said}. Go by the intervals, which more samples make narrower."
