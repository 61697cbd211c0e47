"""The answer on the DNS race, from its record: how often a record is left empty, whether at all, which guardrail."""

from collections.abc import Sequence

from recovery.show.answers.answer import Answer, AnswerPart, Cause, Change
from recovery.show.answers.inputs import assumed
from recovery.show.race_text import name_of, show_rate, titled
from recovery.store.note_record import Note
from recovery.store.race_record import RaceRow, RaceSummary, Search
from recovery.units import show_count, show_duration


def answer_of(summary: RaceSummary, notes: Sequence[Note] = ()) -> Answer:
    """The answer of `recovery dns`: of the first variant, and of the guardrail that helps most."""
    first, searches = summary.rows[0], {search.guardrails: search for search in summary.possible}
    search = searches.get(first.guardrails)
    happened = f"“{_label(first)}” leaves a record empty {_rate(first)}."
    return Answer(
        happened=AnswerPart(text=happened),
        why=Cause() if search is None else _why(search),
        change=_change(summary, searches),
        sure=AnswerPart(text=_sure(summary, first)),
        rests_on=AnswerPart(text=" ".join(["The delays of Planner and Enactors are inputs.", *assumed(notes)])),
    )


def _rate(row: RaceRow) -> str:
    rate = row.per_year
    if rate.mean == 0:
        return f"never in what was simulated (at most {show_rate(rate.high)} times a year)"
    return f"{show_rate(rate.mean)} times a year ({show_rate(rate.low)} to {show_rate(rate.high)})"


def _why(search: Search) -> Cause:
    if search.is_possible:
        text = (
            f"With {name_of(search)} {len(search.story)} steps lead to an empty record, in the order that is told below"
        )
        return Cause(text=f"{text}.", mechanism="race", number=len(search.story))
    text = f"With {name_of(search)} no order of steps leads to an empty record."
    return Cause(text=text, mechanism="impossible", number=search.states)


def _label(row: RaceRow) -> str:
    """A variant, and at which point of the sweep it stands."""
    return ", ".join([row.variant, *(f"{key} {row.levers[key]}" for key in row.levers)])


def _change(summary: RaceSummary, searches: dict[tuple[str, ...], Search]) -> Change:
    """The guardrail that makes it impossible, else rarest; of those alike the one whose plans are least late. Only what
    is alike in all else is compared.
    """
    first = summary.rows[0]

    def is_possible(row: RaceRow) -> bool:
        found = searches.get(row.guardrails)
        return found is None or found.is_possible

    def key(row: RaceRow) -> tuple[bool, float, float, float]:
        return is_possible(row), row.per_year.mean, row.latency.p99_s, row.latency.mean_s

    if not is_possible(first):
        return Change(text="Nothing needs to change: no order of steps leads to an empty record.")
    others = [
        row
        for row in summary.rows[1:]
        if row.guardrails != first.guardrails and row.levers == first.levers and key(row)[:2] < key(first)[:2]
    ]
    if not others:
        impossible = [search for search in summary.possible if not search.is_possible and search.guardrails]
        if not impossible:
            return Change()
        return Change(text=f"With {name_of(impossible[0])} it is impossible.", name=name_of(impossible[0]))
    best = min(others, key=key)
    text = f"“{titled(best)}”: " + (_rate(best) if is_possible(best) else "it is impossible then")
    if is_possible(best) and best.per_year.high >= first.per_year.low:
        text += ", a difference that chance can make"
    return Change(text=f"{text}. {_cost(best, first)}", name=best.variant)


def _cost(best: RaceRow, first: RaceRow) -> str:
    """How much later plans are everywhere: 99 % of them, else on average."""
    was, now = first.latency, best.latency
    of_most = ("99 % of the plans are everywhere after {} instead of {}", was.p99_s, now.p99_s)
    of_all = ("a plan is everywhere after {} instead of {} on average", was.mean_s, now.mean_s)
    for text, before_s, after_s in (of_most, of_all):
        before, after = show_duration(before_s), show_duration(after_s)
        if after_s > before_s and after != before:
            return f"It costs: {text.format(after, before)}."
    return "It costs no delay."


def _sure(summary: RaceSummary, first: RaceRow) -> str:
    one = summary.possible[0]
    text = f"By {first.method}, 95 % intervals; {show_count(first.cycles)} generations of plans were simulated. "
    size = f"{one.enactors} Enactors, {one.endpoints} endpoints, {one.plans} plans"
    return f"{text}Whether it is possible was tried in every order of steps, of {size}."
