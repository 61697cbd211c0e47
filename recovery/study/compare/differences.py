"""A variant of one side beside one of another: each measure with its difference and an interval for that.

Where both have runs of the same draws these are paired; else the runs are independent (`intervals`).
"""

import functools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from recovery import units
from recovery.errors import Refusal
from recovery.measures import register
from recovery.measures.for_good import OF_RETURN, is_always
from recovery.statistics import clusters
from recovery.statistics.arrays import Flags, Floats
from recovery.statistics.estimate import Estimate
from recovery.store import record
from recovery.store.compare_record import Difference
from recovery.store.scenario_record import Span
from recovery.study.compare.intervals import Told, of_independent, of_pairs
from recovery.study.compare.sides import Runs, Side
from recovery.study.sweep.estimates import cut
from recovery.units import show_between


class Pair(NamedTuple):
    """Two variants beside each other. Where runs `are_paired` those at the same place of `mine` and `theirs` are of the
    same draw; `all_mine` and `all_theirs` have the others too.
    """

    run: str
    than: str
    variant: str
    than_variant: str
    horizon_s: float
    window_s: float  # to which times to recovery are known
    are_paired: bool
    is_sequential: bool
    mine: Runs
    theirs: Runs
    all_mine: Runs
    all_theirs: Runs
    is_mine_sequential: bool

    @property
    def has_one_run_each(self) -> bool:
        """Whether there is nothing but one run beside one other."""
        return len(self.all_mine.units) == len(self.all_theirs.units) == 1


class Both(NamedTuple):
    """A measure of the runs of a pair, without those that know nothing of it; a time that never came is inf. `least`
    has the same two sides with the least that a time can be, where counts tell it within bounds alone or a run is too
    short to come to it; `late` says which are too short.
    """

    mine: Floats
    theirs: Floats
    units: Sequence[int]
    their_units: Sequence[int]
    limit_s: float  # what a time counts as that never came; nan of what is no time
    are_paired: bool
    is_sequential: bool
    limits: tuple[float, float]  # what a value of the measure can be
    least: tuple[Floats, Floats]
    late: tuple[Flags, Flags]

    def restricted(self) -> tuple[Floats, Floats]:
        """Both sides with the limit for what never came."""
        if math.isnan(self.limit_s):
            return self.mine, self.theirs
        return clusters.restricted(self.mine, self.limit_s), clusters.restricted(self.theirs, self.limit_s)

    def difference(self, factor: float = 1.0) -> Told:
        """The mean of one side less `factor` times that of the other, with its interval within what is possible, or why
        there is none.
        """
        mine, theirs = self.restricted()
        if self.are_paired:
            told = of_pairs(mine - factor * theirs, self.units, is_sequential=self.is_sequential)
        else:
            told = of_independent(
                mine, self.units, theirs, self.their_units, factor=factor, is_sequential=self.is_sequential
            )
        least, most = self.limits
        low, high = least - factor * most, most - factor * least
        ends = cut(Estimate(told.mean, told.low, told.high), low, high)  # no mean is beyond what each value can be
        return Told(*ends, told.why)

    @property
    def never_alone(self) -> tuple[bool, bool]:
        """Whether in some run of a side a time never comes that does come in the run of the same draw of the other; of
        independent sides whether that is so in more of its runs.
        """
        mine, theirs = map(np.isinf, self.least)
        if self.are_paired:
            return bool((mine & ~theirs).any()), bool((theirs & ~mine).any())
        return bool(mine.mean() > theirs.mean()), bool(theirs.mean() > mine.mean())

    @property
    def is_bounded(self) -> bool:
        """Whether a time of some run is known within bounds alone, in a run that is long enough."""
        sides = zip(self.least, (self.mine, self.theirs), self.late, strict=True)
        return any(bool(((least < most) & ~late).any()) for least, most, late in sides)

    def ends(self, factor: float = 1.0) -> tuple[Told, Told]:
        """The least and the most that the same can be, run by run, of times that lie within bounds: a time that no
        count tells the latest of, or that a run is too short to come to, or never comes to, may be any that is longer.
        Without an interval its ends are the mean.
        """
        most_s = self.mine, self.theirs
        mine_is_open, their_is_open = (
            _is_open(least, most) or is_never
            for least, most, is_never in zip(self.least, most_s, self.never_alone, strict=True)
        )
        least = self._replace(mine=self.least[0]).difference(factor)
        most = self._replace(theirs=self.least[1]).difference(factor)
        least, most = (
            one._replace(low=one.mean, high=one.mean) if math.isnan(one.low) else one for one in (least, most)
        )
        least = Told(-math.inf, -math.inf, -math.inf, least.why) if their_is_open else least
        return least, Told(math.inf, math.inf, math.inf, most.why) if mine_is_open else most

    @property
    def bounds(self) -> tuple[Span, Span]:
        """Within what the mean of the old side lies, and of the new, where times are known within bounds alone."""
        (mine, theirs), limit_s = self.least, self.limit_s
        return _span(theirs, self.theirs, limit_s), _span(mine, self.mine, limit_s)


def _is_open(least: Floats, most: Floats) -> bool:
    """Whether of some time there is a least alone."""
    return bool((np.isinf(most) & np.isfinite(least)).any())


def _span(least: Floats, most: Floats, limit_s: float) -> Span:
    """Within what the mean of times lies that are known within these bounds; what never came counts as the limit."""
    low, high = (float(clusters.restricted(ends, limit_s).mean()) for ends in (least, most))
    return Span(from_s=low, to_s=math.inf if _is_open(least, most) else high)


def paired(first: Side, other: Side, variant: str = "") -> list[Pair]:
    """Variants of both sides by their names, the first of each beside one another whatever their names; of `variant`
    alone, if it is given. Raises Refusal that says what is wanted.
    """
    both = [(name, name) for name in other.variants if name in first.variants]
    if other.head not in first.variants and first.head not in other.variants:
        both.insert(0, (other.head, first.head))
    if variant:
        both = [names for names in both if variant in names]
    if not both:
        raise Refusal(
            f"{other.name} and {first.name} have no variant {f'{variant!r} ' if variant else ''}in common: "
            f"{', '.join(other.variants)} and {', '.join(first.variants)}; want runs with variants of the same names"
        )
    return [_pair(first, other, mine, theirs) for mine, theirs in both]


def _pair(first: Side, other: Side, name: str, than: str) -> Pair:
    mine, theirs = all_mine, all_theirs = other.variants[name], first.variants[than]
    places = {draw: i for i, draw in enumerate(theirs.draws)}
    shared = [(i, places[draw]) for i, draw in enumerate(mine.draws) if draw in places]
    if shared:
        mine, theirs = mine.at([i for i, _ in shared]), theirs.at([j for _, j in shared])
    return Pair(
        run=other.name,
        than=first.name,
        variant=name,
        than_variant=than,
        horizon_s=min(first.horizon_s, other.horizon_s),
        window_s=max(first.window_s, other.window_s),
        are_paired=bool(shared),
        is_sequential=first.is_sequential or other.is_sequential,
        mine=mine,
        theirs=theirs,
        all_mine=all_mine,
        all_theirs=all_theirs,
        is_mine_sequential=other.is_sequential,
    )


def both(pair: Pair, measure: str) -> Both | str:
    """A measure of a pair; where the two have no numbers of it that stand beside each other, why."""
    if register.without_class(measure) in OF_RETURN:
        depth = "ttr100_s" + (f".{whose}" if (whose := register.class_of(measure)) else "")
        sides = ((pair.than, pair.theirs), (pair.run, pair.mine))
        if spared := [name for name, runs in sides if _is_always(runs, depth)]:
            return f"no lease was ever lost in {' and '.join(spared)}"
    a, b = pair.mine.of(measure), pair.theirs.of(measure)
    lacks = [name for name, values in ((pair.than, b), (pair.run, a)) if not len(values)]
    if lacks:
        return f"no measure of {' and '.join(lacks)}"
    known = ~np.isnan(a), ~np.isnan(b)
    if empty := [name for name, some in ((pair.than, known[1]), (pair.run, known[0])) if not some.any()]:
        return f"no run of {' or '.join(empty)} has a number of it"
    if pair.are_paired:
        known = (known[0] & known[1],) * 2
        if not known[0].any():
            return "no two runs of the same seed and draws both have a number of it"
    own, their = (np.asarray(runs.units)[k] for runs, k in zip((pair.mine, pair.theirs), known, strict=True))
    (least_a, late_a), (least_b, late_b) = pair.mine.at_least(measure), pair.theirs.at_least(measure)
    a, b = a[known[0]], b[known[1]]
    is_time = units.is_time(measure) and bool((a >= 0).all() and (b >= 0).all())
    if not is_time and not (np.isfinite(a).all() and np.isfinite(b).all()):
        return "it is infinite in a run"
    limit_s = _limit_s(pair, measure) if is_time else math.nan
    if limit_s <= 0:
        return "the dependency of a run is back only when the shorter experiment ends, and such times begin there"
    least, most = register.limits_of(measure)
    most = limit_s if is_time else most
    return Both(
        a, b, own.tolist(), their.tolist(), limit_s, pair.are_paired, pair.is_sequential, (least, most),
        (least_a[known[0]], least_b[known[1]]), (late_a[known[0]], late_b[known[1]]),
    )  # fmt: skip


def _limit_s(pair: Pair, measure: str) -> float:
    """As what a time counts that never came: the longest that each of these runs can show, 0 or below where one can
    show none. Times to recovery begin at the dependency's return, all others with the experiment.
    """
    if not register.starts_at_return(measure):
        return pair.horizon_s
    backs = np.concatenate([runs.of("recovers_from_s") for runs in (pair.mine, pair.theirs)])
    return pair.horizon_s - float(np.nanmax(backs, initial=0.0))


def differences(pair: Pair) -> Iterator[Difference]:
    """Every measure that both have numbers of."""
    for measure in pair.mine.measures:
        known = register.find(measure)
        if known is not None and known.kind == "flag":
            continue
        if isinstance(found := difference(pair, measure), Difference):
            yield found


def difference(pair: Pair, measure: str) -> Difference | str:
    """The difference of one measure; where it was not measured, why."""
    if isinstance(found := both(pair, measure), str):
        return found
    a, b = found.restricted()
    told, by = found.difference(), None
    if found.is_bounded and not _are_alike(pair):
        least, most = found.ends()
        by = Span(from_s=least.mean, to_s=most.mean)
        told = Told(math.nan, *((math.nan,) * 2 if math.isnan(told.low) else (least.low, most.high)), told.why)
    verdict, why = "less" if told.high < 0 else "more" if told.low > 0 else "not told apart", ""
    if by is not None and by.from_s <= 0 <= by.to_s:
        why = bounds_of(found)
    elif by is None and found.are_paired and bool((a == b).all()):
        verdict = "the same"
    elif math.isnan(told.low):
        verdict = "one run: no interval" if pair.has_one_run_each else "no interval"
        why = "" if pair.has_one_run_each else told.why
    within = found.bounds if found.is_bounded else ()
    is_time = not math.isnan(found.limit_s)
    return Difference(
        run=pair.run,
        than=pair.than,
        variant=pair.variant,
        than_variant=pair.than_variant,
        horizon_s=pair.horizon_s,
        measure=measure,
        mean=within[1].to_s if within else float(a.mean()),
        than_mean=within[0].to_s if within else float(b.mean()),
        difference=record.Estimate(mean=told.mean, low=told.low, high=told.high),
        is_paired=found.are_paired,
        runs=len(a),
        than_runs=len(b),
        verdict=verdict,
        why=why,
        never_share=_share(np.isinf(found.least[0]) | found.late[0]) if is_time else None,
        than_never_share=_share(np.isinf(found.least[1]) | found.late[1]) if is_time else None,
        late_share=_share(found.late[0]),
        than_late_share=_share(found.late[1]),
        limit_s=found.limit_s,
        window_s=pair.window_s if register.starts_at_return(measure) else math.nan,
        is_always=_is_always(pair.mine, measure),
        than_is_always=_is_always(pair.theirs, measure),
        is_last=any(np.isfinite(runs.of(register.last_of(measure))).any() for runs in (pair.mine, pair.theirs)),
        within=within,
        by=by,
    )


def _is_always(runs: Runs, measure: str) -> bool:
    """Whether no run ever had less than the share of leases that a time to recovery is of."""

    def of(name: str, i: int) -> float:
        values = runs.of(name)
        return float(values[i]) if len(values) else math.nan

    keeps = None if runs.group is None else runs.group.keeps(measure)
    is_judged = all(is_always(measure, functools.partial(of, i=i)) for i in range(len(runs.verdicts)))
    return is_judged if keeps is None else keeps and not runs.of(measure).any()


def _share(runs: Flags) -> float:
    return float(runs.mean())


def _are_alike(pair: Pair) -> bool:
    """Whether runs of the same draws are alike in all that is measured of them, so that their times are, too."""
    return pair.are_paired and all(
        np.array_equal(values, pair.theirs.of(name), equal_nan=True) for name, values in pair.mine.measures.items()
    )


def bounds_of(found: Both) -> str:
    """That counts of renewals tell within bounds alone when all have renewed, and which these are, of the new first."""
    shown = " and ".join(show_between(one.from_s, one.to_s) for one in reversed(found.bounds))
    return f"counts of renewals tell these times within bounds alone ({shown})"
