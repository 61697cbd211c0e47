"""Means and chances over a sweep's runs, with intervals that hold at every look, or once where nothing hangs on looks.

The *unit* is what is independent: the run, or the replication where its draws depend on each other (lhs, sobol) or are
the same each time (grid, list). Intervals of chances hold at every look (statistics.confidence); those of means do with
`precision`, without it once.
"""

import bisect
import functools
import math

import numpy as np

from recovery.statistics import clusters, confidence
from recovery.statistics.arrays import Floats
from recovery.statistics.estimate import UNKNOWN, Estimate
from recovery.store import record

CONFIDENCE = 0.95
ALPHA = 0.05  # 1 - CONFIDENCE


def mean_of(
    values: object, unit: object, *, is_sequential: bool, low: float = -math.inf, high: float = math.inf
) -> Estimate:
    """Mean of a value of runs and its interval over units, within `low` to `high`: at every look if it `is_sequential`,
    else once. What was not measured (nan) is left out; nan if nothing was, inf if one is.
    """
    rows, units = np.asarray(values, float), np.asarray(unit)
    rows, units = rows[~np.isnan(rows)], units[~np.isnan(rows)]
    if not len(rows):
        return UNKNOWN
    if np.isinf(rows).any():
        return Estimate(math.inf, math.nan, math.inf)
    if not is_sequential:
        return clusters.mean(rows, units, CONFIDENCE, low, high)
    return cut(confidence.ratio(rows, np.ones(len(rows)), units, ALPHA), low, high)


def difference_of(mine: Floats, theirs: Floats, unit: object, limit_s: float, *, is_sequential: bool) -> Estimate:
    """Mean difference of times, s, none of which counts as more than `limit_s`: so no difference is larger either."""
    return cut(mean_of(mine - theirs, unit, is_sequential=is_sequential), -limit_s, limit_s)


def cut(found: Estimate, low: float, high: float) -> Estimate:
    """The same with its ends within what is possible."""
    return Estimate(found.mean, _at_least(found.low, low), -_at_least(-found.high, -high))


def _at_least(end: float, least: float) -> float:
    """An end of an interval that is no further out than what is possible; nan stays."""
    return end if math.isnan(end) else max(end, least)


def chance_of(happened: object, unit: object) -> Estimate:
    """Chance of what happened in some runs and its interval: at every look and with half of the error, as the selection
    has it, whether or not a sweep looks again, so that one count has one bound wherever it stands. Where a unit has
    several runs only units tell anything: one of them tells nothing.
    """
    return confidence.never(np.where(np.asarray(happened, bool), math.inf, 0.0), unit, ALPHA / 2)


@functools.cache
def units_that_show(never_max: float, *, is_run: bool) -> int:
    """How many units without a run that never recovers show that its chance is below `never_max`."""

    def is_shown(units: int) -> bool:
        if is_run:
            return confidence.chance(0, units, ALPHA / 2).high < never_max
        return confidence.bounded(np.zeros(units), ALPHA / 2).high < never_max

    most = 1
    while not is_shown(most):
        most *= 2
    return bisect.bisect_left(range(most + 1), True, lo=1, key=is_shown)


def told(found: Estimate) -> record.Estimate:
    """An estimate as files have it."""
    return record.Estimate(mean=found.mean, low=found.low, high=found.high)


def told_share(found: Estimate) -> record.Share:
    """A chance as files have it."""
    return record.Share(share=found.mean, low=found.low, high=found.high)
