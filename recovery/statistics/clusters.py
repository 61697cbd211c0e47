"""Means over replications: clusters that are independent of each other, of runs that are not.

A sweep runs every policy in every draw. Draws are made anew in each *replication* (an independent randomisation of
the design: random, Latin hypercube or Sobol), the same for all policies. Within a replication draws are not
independent of each other, replications are: they are the *clusters* over which intervals are taken, and the differences
between policies are paired. Times that are `inf` are censored at the horizon, never dropped: the main figure is the
mean of `restricted` times, beside the probability of not recovering (`theory.clopper_pearson`) and the mean time given
recovery (`ratio`).
"""

import math
from typing import NamedTuple

import numpy as np

from recovery.statistics.arrays import Floats
from recovery.statistics.estimate import Estimate
from recovery.statistics.given import between_0_and_1, numbers, same_length
from recovery.statistics.means import interval


class Linearised(NamedTuple):
    """A ratio of sums over clusters: the ratio, its standard error, and how many clusters told something of it."""

    ratio: float
    error: float
    clusters: int


def linearised(numerator: object, denominator: object, cluster: object) -> Linearised:
    """(sum of numerator) / (sum of denominator) and its standard error over clusters, as `ratio` says.

    The error is nan where fewer than two clusters tell something. Raises ValueError as `ratio`.
    """
    above, below = numbers("numerator", numerator, 1), numbers("denominator", denominator, 1)
    same_length("denominator", below, "numerator", len(above))
    if (below < 0.0).any():
        raise ValueError(f"denominator holds {below.min()}; want numbers from 0")
    return _linearised(above, below, cluster)


def _linearised(numerator: Floats, denominator: Floats, cluster: object) -> Linearised:
    labels = np.asarray(cluster)
    if labels.ndim != 1:
        raise ValueError(f"cluster has shape {labels.shape}; want one label a row")
    same_length("cluster", labels, "the values", len(numerator))
    _, code = np.unique(labels, return_inverse=True)
    above, below = np.bincount(code, numerator), np.bincount(code, denominator)
    told = (above != 0) | (below != 0)
    clusters = int(told.sum())
    if below.sum() == 0:
        return Linearised(math.nan, math.nan, clusters)
    quotient = float(above.sum() / below.sum())
    if clusters < 2:
        return Linearised(quotient, math.nan, clusters)
    residual = above - quotient * below
    residual[np.abs(residual) <= 1e-12 * np.abs(above).max()] = 0.0  # equal clusters are equal, whatever was rounded
    error = math.sqrt(clusters / (clusters - 1) * float(residual @ residual)) / abs(float(below.sum()))
    return Linearised(quotient, error, clusters)


def student(told: Linearised, confidence: float, least: float = -math.inf, most: float = math.inf) -> Estimate:
    """A ratio with its Student interval, within `least` and `most` if these are given; nan where there is no error."""
    if math.isnan(told.error):
        return Estimate(told.ratio, math.nan, math.nan)
    return Estimate(told.ratio, *interval(told.ratio, told.error, told.clusters - 1, confidence, least, most))


def restricted(times_s: object, limit_s: float) -> Floats:
    """min(time, limit) of each time: what a time that is `inf`, or beyond the limit, counts as in a mean.

    The mean of these is the restricted mean time: the area under the share that has not recovered, from 0 to the limit.
    It is finite and needs no model of what lies beyond the horizon.

    `times_s` has any shape, seconds from 0, `inf` for never; `limit_s` is above 0 and finite, the same for all that are
    compared. Returns float64 of the same shape. Raises ValueError otherwise.
    Source: P. Royston and M. Parmar, BMC Medical Research Methodology 13 (2013).
    """
    if not 0.0 < limit_s < math.inf:
        raise ValueError(f"limit_s is {limit_s}; want a finite number above 0")
    times = np.asarray(times_s, dtype=np.float64)
    if not (times >= 0.0).all():
        raise ValueError(f"times_s holds {times[~(times >= 0.0)][0]}; want numbers from 0, or inf")
    return np.minimum(times, limit_s)


def mean(
    values: object, cluster: object, confidence: float = 0.95, least: float = -math.inf, most: float = math.inf
) -> Estimate:
    """Mean of all values and its Student interval over clusters; within `least` and `most` if these are given
    (`interval`), as values of shares and times want.

    With the same number of values in each cluster this is the Student interval of the clusters' means; otherwise that
    of the ratio (sum of values) / (number of values), as `ratio`.

    `values` float[n], `cluster` n labels (the replication of each row), `confidence` between 0 and 1. One cluster tells
    no interval (nan); a value that is inf makes the mean inf. Raises ValueError otherwise.
    Source: W. Cochran, Sampling Techniques, 1977, chapters 6 and 9.
    """
    rows = numbers("values", values, 1, infinite=True)
    confidence = between_0_and_1("confidence", confidence)
    if np.isinf(rows).any():
        return Estimate(math.inf, math.nan, math.inf)
    return student(_linearised(rows, np.ones(len(rows)), cluster), confidence, least, most)


def ratio(
    numerator: object,
    denominator: object,
    cluster: object,
    confidence: float = 0.95,
    least: float = -math.inf,
    most: float = math.inf,
) -> Estimate:
    """(sum of numerator) / (sum of denominator), and its linearised interval: Student over clusters, within `least` and
    `most` if these are given.

    With R the ratio and y, m the sums of a cluster, var R = C / (C - 1) sum (y - R m)^2 / (sum m)^2 over the C clusters
    in which y or m is not 0. For the mean time given recovery the numerator is the time where it is finite and else 0,
    the denominator 1 or 0. It is biased by the order of 1 / C; where times are skewed and a replication has only about
    one recovery, the interval covers less often than it says.

    `numerator`, `denominator` (from 0) float[n], `cluster` n labels. All nan if the denominator is 0 everywhere
    (nothing recovered); no interval if fewer than two clusters tell something. Raises ValueError otherwise.
    Source: W. Cochran, Sampling Techniques, 1977, sections 2.11 and 6.3 (Taylor series).
    """
    confidence = between_0_and_1("confidence", confidence)
    return student(linearised(numerator, denominator, cluster), confidence, least, most)


def relative_half_width(estimate: Estimate) -> float:
    """Half the width of the interval over the size of the mean: what `precision = "5%"` asks to be at most 0.05.

    0 for an interval without width; inf if the interval or the mean is unknown or infinite, or the mean is 0.
    """
    half = (estimate.high - estimate.low) / 2.0
    if half == 0.0:
        return 0.0
    known = math.isfinite(half) and math.isfinite(estimate.mean) and estimate.mean != 0.0
    return half / abs(estimate.mean) if known else math.inf


def _difference(values: object, other: object, name: str, cluster: object) -> Linearised:
    own, theirs = numbers("values", values, 1), numbers(name, other, 1)
    same_length(name, theirs, "values", len(own))
    return _linearised(own - theirs, np.ones(len(own)), cluster)


def paired(values: object, other: object, cluster: object, confidence: float = 0.95) -> Estimate:
    """Mean of (values - other), row by row, and its Student interval over clusters.

    Rows are matched: the same draw and the same random numbers under two policies. What both suffer from alike cancels,
    so that this is narrower than the interval of unmatched runs wherever the two are positively correlated.

    `values`, `other` float[n], finite (restrict times first), `cluster` n labels. One cluster tells no interval (nan).
    Raises ValueError otherwise.
    Source: A. Law, Simulation Modeling and Analysis, 2015, sections 10.2 and 11.2 (common random numbers).
    """
    return student(_difference(values, other, "other", cluster), between_0_and_1("confidence", confidence))
