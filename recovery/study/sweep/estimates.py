"""Means and chances over a sweep's runs, with intervals that hold at every look, or once where nothing hangs on looks.

The *unit* is what is independent: the run, or the replication where its draws depend on each other (lhs, sobol) or are
the same each time (grid, list). With `precision` intervals hold at every look (statistics.confidence), without it once.
"""

import bisect
import math

import numpy as np

from recovery import theory
from recovery.statistics import clusters, confidence
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
    told = confidence.ratio(rows, np.ones(len(rows)), units, ALPHA)
    return Estimate(told.mean, _at_least(told.low, low), -_at_least(-told.high, -high))


def _at_least(end: float, least: float) -> float:
    """An end of an interval that is no further out than what is possible; nan stays."""
    return end if math.isnan(end) else max(end, least)


def chance_of(happened: object, unit: object, *, is_sequential: bool, shares_numbers: bool) -> Estimate:
    """Chance of what happened in some runs and its interval: at every look if it `is_sequential`, with half of the
    error, as the selection has it, so that one count has one bound; else Clopper and Pearson's, of one look. Where the
    runs of a unit share their random numbers (`shares_numbers`), only units tell anything: one of them tells nothing.

    Clopper and Pearson's takes runs as independent. Those of lhs and sobol have random numbers of their own and are
    spread more evenly: a count of n runs of lhs varies no more than one of n - 1 independent runs; of sobol no such
    bound is known, only that it varies less as n grows.
    Source: A. Owen, Monte Carlo variance of scrambled net quadrature, SIAM J. Numerical Analysis 34 (1997).
    """
    seen = np.asarray(happened, bool)
    if is_sequential:
        return confidence.never(np.where(seen, math.inf, 0.0), unit, ALPHA / 2)
    if shares_numbers:
        _, at = np.unique(np.asarray(unit), return_inverse=True)
        found = confidence.bounded(np.bincount(at, seen) / np.bincount(at), ALPHA)
        return Estimate(float(seen.mean()), found.low, found.high)
    low, high = theory.clopper_pearson(int(seen.sum()), len(seen), CONFIDENCE)
    return Estimate(float(seen.mean()), low, high)


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
