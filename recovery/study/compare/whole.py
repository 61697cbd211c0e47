"""A whole comparison: every pair of variants, what the change did, and the conditions on it."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from recovery.measures import register
from recovery.statistics.arrays import Floats
from recovery.statistics.selection import may_be_chance, surely_more_often
from recovery.store import compare_record as record
from recovery.store.compare_record import CALLED
from recovery.store.run_record import are_judged_by_renewals
from recovery.study.compare.conditions import Condition, judged
from recovery.study.compare.differences import Pair, difference, differences, paired
from recovery.study.compare.sides import Runs, Side
from recovery.study.sweep.estimates import chance_of


def compared(sides: Sequence[Side], conditions: Sequence[Condition] = (), variant: str = "") -> record.Comparison:
    """Every side beside the first; conditions are judged for the file as it stands, or for `variant`. Raises Refusal
    that says what is wanted.
    """
    first, *others = sides
    pairs = [paired(first, other, variant) for other in others]
    of_class = first.judged_class if all(other.judged_class == first.judged_class for other in others) else ""
    outcomes = tuple(
        _outcome(pair, _deciding(pair, first.decides, of_class), first.traffic) for own in pairs for pair in own
    )
    window_s = max(side.window_s for side in sides)
    rows = tuple(row for own in pairs for pair in own for row in differences(pair))
    is_fine = any(_is_below(one.difference, rows, window_s) for one in outcomes)
    is_fine = is_fine or any(_asks_below(one, row, window_s) for one in conditions for row in rows)
    return record.Comparison(
        kind="sweeps" if first.kind == "sweep" else "runs",
        names=tuple(side.name for side in sides),
        outcomes=outcomes,
        conditions=tuple(judged(one, own[0], own[1:]) for own in pairs for one in conditions),
        differences=rows,
        window_s=window_s if is_fine else math.nan,
        unlike=tuple(dict.fromkeys(said for other in others for said in _unlike(first, other))),
        called=first.called if all(other.called == first.called for other in others) else CALLED,
    )


def _is_on_grid(measure: str) -> bool:
    """Whether a measure is a time that is known to one window."""
    known = register.find(measure)
    return known is not None and (register.starts_at_return(measure) or known.is_milestone)


def _is_below(row: record.Difference | None, rows: Sequence[record.Difference], window_s: float) -> bool:
    """Whether two times are told as no different that may differ by less than a window: of sides that are not equal
    in all else.
    """
    if row is None or not _is_on_grid(row.measure) or row.never_share == 1 or row.than_never_share == 1:
        return False
    pair = (row.run, row.variant, row.than_variant)
    if all(one.verdict == "the same" for one in rows if (one.run, one.variant, one.than_variant) == pair):
        return False
    return row.verdict not in ("more", "less") and abs(row.difference.mean) < window_s


def _asks_below(one: Condition, row: record.Difference, window_s: float) -> bool:
    """Whether a condition asks for a change of a time that is less than a window."""
    if one.kind != "change" or one.measure != row.measure or not _is_on_grid(row.measure):
        return False
    much_s = abs((one.factor - 1) * row.than_mean + one.bound)
    return 0 < much_s < window_s


def _unlike(first: Side, other: Side) -> Iterator[str]:
    for what, was in first.faces.items():
        if (now := other.faces.get(what, was)) != was:
            yield f"{what}: {was} in {first.name}, {now} in {other.name}"


def _deciding(pair: Pair, decides: str, of_class: str) -> list[str]:
    """What a pair is judged by, the first that was measured: the measure of the sweep, or of runs that of their own
    answers; by when all have renewed where neither side loses a lease.
    """
    if decides:
        return [decides]
    measure = register.deciding(pair.mine.measures.keys() & pair.theirs.measures.keys(), of_class)
    groups = [runs.group for runs in (pair.mine, pair.theirs) if runs.group is not None]
    is_renewed = measure == "ttr99_s" and len(groups) == 2 and are_judged_by_renewals(groups)
    return [*(["ttr_renewed_s"] if is_renewed else []), measure, "ttr99_s"]


def _outcome(pair: Pair, measures: Sequence[str], traffic: register.TrafficName) -> record.Outcome:
    """What a change did, by the first of these measures that both sides have."""
    told = [difference(pair, name) for name in measures]
    found = next((one for one in told if isinstance(one, record.Difference)), None)
    back, was = (_recovered(runs, found.measure if found else "") for runs in (pair.mine, pair.theirs))
    verdict, is_worse = _verdict(found, _changed(pair, back, was))
    return record.Outcome(
        run=pair.run,
        than=pair.than,
        variant=pair.variant,
        than_variant=pair.than_variant,
        verdict=verdict,
        is_worse=is_worse,
        difference=found,
        why="" if found is not None else str(told[-1]),
        recovered=int(back.sum()),
        runs=len(back),
        than_recovered=int(was.sum()),
        than_runs=len(was),
        left_out=len(pair.all_mine.verdicts) - len(pair.mine.verdicts),
        than_left_out=len(pair.all_theirs.verdicts) - len(pair.theirs.verdicts),
        traffic=traffic,
        held_s=pair.mine.held_s,
        than_held_s=pair.theirs.held_s,
    )


def _verdict(found: record.Difference | None, changed: float) -> tuple[record.Verdict, bool | None]:
    """The verdict, and whether it is for the worse; `changed` is below 0 where fewer recover, surely."""
    if changed:
        return "changed outcome", changed < 0
    if found is None:
        return "not told apart", None
    if found.verdict == "more":
        return "worse", True
    if found.verdict == "less":
        return "better", False
    if found.verdict == "the same":
        return "the same", None
    return ("one run: no interval" if found.verdict.startswith("one run") else "not told apart"), None


def _recovered(runs: Runs, measure: str) -> Floats:
    return np.array([verdict == "recovered" for verdict in runs.verdicts_of(measure)], float)


def _changed(pair: Pair, back: Floats, was: Floats) -> float:
    """By how much the share of runs that recover changed, where it surely did, else 0: all of one side and none of the
    other, or more often than chance makes it. Where each run is a unit that was looked at once, by the test of a run's
    answer (`may_be_chance`); else of runs of the same draws by that of a ranking, and of others by the chance of each
    side at every look.
    """
    by = float(back.mean() - was.mean())
    each = [len(set(runs.units)) == len(runs.units) for runs in (pair.mine, pair.theirs)]
    if abs(by) == 1.0 or (all(each) and not pair.is_sequential):
        return 0.0 if may_be_chance(back, was, are_paired=pair.are_paired) else by
    if pair.are_paired:
        sides = (back, was) if by > 0 else (was, back)
        return by if surely_more_often(*sides, pair.mine.units) else 0.0
    mine, theirs = chance_of(back, pair.mine.units), chance_of(was, pair.theirs.units)
    return by if mine.low > theirs.high or mine.high < theirs.low else 0.0
