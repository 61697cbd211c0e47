"""A variant of one side beside one of another: each measure with its difference and an interval for that.

Where both have runs of the same draws these are paired; else the runs are independent, and the interval is Welch's.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from recovery import units
from recovery.measures import register
from recovery.statistics import clusters
from recovery.statistics.arrays import Floats
from recovery.statistics.estimate import Estimate
from recovery.store import record
from recovery.store.compare_record import Difference
from recovery.study.compare.sides import Runs, Side
from recovery.study.sweep.estimates import CONFIDENCE, mean_of


class Pair(NamedTuple):
    """Two variants beside each other. Where runs `are_paired` those at the same place are of the same draw."""

    run: str
    than: str
    variant: str
    than_variant: str
    horizon_s: float
    are_paired: bool
    is_sequential: bool
    mine: Runs
    theirs: Runs


class Both(NamedTuple):
    """A measure of the runs of a pair, without those that know nothing of it; a time that never came is inf."""

    mine: Floats
    theirs: Floats
    units: Sequence[int]
    their_units: Sequence[int]
    limit_s: float  # what a time counts as that never came; nan of what is no time
    are_paired: bool
    is_sequential: bool

    def restricted(self) -> tuple[Floats, Floats]:
        """Both sides with the limit for what never came."""
        if math.isnan(self.limit_s):
            return self.mine, self.theirs
        return clusters.restricted(self.mine, self.limit_s), clusters.restricted(self.theirs, self.limit_s)

    def difference(self, factor: float = 1.0) -> Estimate:
        """The mean of one side less `factor` times that of the other, with its interval; no ends where one run tells
        none.
        """
        mine, theirs = self.restricted()
        if self.are_paired:
            return mean_of(mine - factor * theirs, self.units, is_sequential=self.is_sequential)
        return _welch(_unit_means(mine, self.units), factor * _unit_means(theirs, self.their_units))


def paired(first: Side, other: Side, variant: str = "") -> list[Pair]:
    """Variants of both sides by their names, the first of each beside one another whatever their names; of `variant`
    alone, if it is given. Raises ValueError that says what is wanted.
    """
    both = [(name, name) for name in other.variants if name in first.variants]
    if other.head not in first.variants and first.head not in other.variants:
        both.insert(0, (other.head, first.head))
    if variant:
        both = [names for names in both if variant in names]
    if not both:
        raise ValueError(
            f"{other.name} and {first.name} have no variant {f'{variant!r} ' if variant else ''}in common: "
            f"{', '.join(other.variants)} and {', '.join(first.variants)}; want runs with variants of the same names"
        )
    return [_pair(first, other, mine, theirs) for mine, theirs in both]


def _pair(first: Side, other: Side, name: str, than: str) -> Pair:
    mine, theirs = other.variants[name], first.variants[than]
    places = {draw: i for i, draw in enumerate(theirs.draws)}
    shared = [(i, places[draw]) for i, draw in enumerate(mine.draws) if draw in places]
    if shared:
        mine, theirs = mine.at([i for i, _ in shared]), theirs.at([j for _, j in shared])
    horizon_s = min(first.horizon_s, other.horizon_s)
    looks = first.is_sequential or other.is_sequential
    return Pair(other.name, first.name, name, than, horizon_s, bool(shared), looks, mine, theirs)


def both(pair: Pair, measure: str) -> Both | None:
    """A measure of a pair; None where one side has no number of it."""
    a, b = pair.mine.of(measure), pair.theirs.of(measure)
    if not len(a) or not len(b):
        return None
    known = ~np.isnan(a), ~np.isnan(b)
    if pair.are_paired:
        known = (known[0] & known[1],) * 2
    if not known[0].any() or not known[1].any():
        return None
    own, their = (np.asarray(runs.units)[k] for runs, k in zip((pair.mine, pair.theirs), known, strict=True))
    a, b = a[known[0]], b[known[1]]
    is_time = units.is_time(measure) and bool((a >= 0).all() and (b >= 0).all())
    if not is_time and not (np.isfinite(a).all() and np.isfinite(b).all()):
        return None
    limit_s = _limit_s(pair, measure) if is_time else math.nan
    return Both(a, b, own.tolist(), their.tolist(), limit_s, pair.are_paired, pair.is_sequential)


def _limit_s(pair: Pair, measure: str) -> float:
    """As what a time counts that never came: the longest that each of these runs can show. Times to recovery begin at
    the dependency's return, all others with the experiment.
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
        if (found := difference(pair, measure)) is not None:
            yield found


def difference(pair: Pair, measure: str) -> Difference | None:
    """The difference of one measure; None where it was not measured."""
    if (found := both(pair, measure)) is None:
        return None
    a, b = found.restricted()
    told = found.difference()
    verdict = "less" if told.high < 0 else "more" if told.low > 0 else "not told apart"
    if found.are_paired and bool((a == b).all()):
        verdict = "the same"
    elif math.isnan(told.low):
        verdict = "one run: no interval"
    is_time = not math.isnan(found.limit_s)
    return Difference(
        run=pair.run,
        than=pair.than,
        variant=pair.variant,
        than_variant=pair.than_variant,
        horizon_s=pair.horizon_s,
        measure=measure,
        mean=float(a.mean()),
        than_mean=float(b.mean()),
        difference=record.Estimate(mean=told.mean, low=told.low, high=told.high),
        is_paired=found.are_paired,
        runs=len(a),
        than_runs=len(b),
        verdict=verdict,
        never_share=float(np.isinf(found.mine).mean()) if is_time else None,
        than_never_share=float(np.isinf(found.theirs).mean()) if is_time else None,
    )


def _unit_means(values: Floats, labels: Sequence[int]) -> Floats:
    """The mean of each unit, which are independent of each other."""
    _, code = np.unique(np.asarray(labels), return_inverse=True)
    return np.asarray(np.bincount(code, values) / np.bincount(code))


def _welch(a: Floats, b: Floats) -> Estimate:
    """Difference of the means of independent runs, and Welch's interval; nan ends where a side has one run."""
    from scipy import stats

    mean = float(a.mean() - b.mean())
    if min(len(a), len(b)) < 2:
        return Estimate(mean, math.nan, math.nan)
    if a.std() == b.std() == 0:
        return Estimate(mean, mean, mean)
    low, high = stats.ttest_ind(a, b, equal_var=False).confidence_interval(CONFIDENCE)
    return Estimate(mean, float(low), float(high))
