"""The difference of two means and its interval, or why there is none: of runs that are paired, or independent.

Where either side looked at its results to see whether to go on, the interval holds at every look.
"""

import math
from typing import NamedTuple

import numpy as np

from recovery.statistics import clusters, confidence
from recovery.statistics.arrays import Floats
from recovery.statistics.means import student
from recovery.study.sweep.estimates import ALPHA, CONFIDENCE, mean_of

_ALONE = "one independent run of a side tells no chance"
_FEW = "so few runs tell nothing that holds at every look"
_ALIKE = "all runs of each side are alike, and of other seeds than those of the other side"


class Told(NamedTuple):
    """A difference with its interval; nan ends where there is none, and then `why`."""

    mean: float
    low: float
    high: float
    why: str = ""


def of_pairs(by: Floats, units: object, *, is_sequential: bool) -> Told:
    """Mean of differences, run by run, and its interval over `units`, which are independent of each other."""
    found = mean_of(by, units, is_sequential=is_sequential)
    if not math.isnan(found.low):
        return Told(*found)
    return Told(*found, _FEW if is_sequential and len(np.unique(np.asarray(units))) > 1 else _ALONE)


def of_independent(
    mine: Floats, own: object, theirs: Floats, their: object, *, factor: float = 1.0, is_sequential: bool
) -> Told:
    """The mean of one side less `factor` times that of the other, and Welch's interval over the units `own` and `their`
    of each.

    At every look it is what the sequence of each side leaves possible, with half the error each: so it holds however
    each side looked. Sides without any spread have no interval, since their runs tell nothing of what others would do.
    Source: B. Welch, Biometrika 34 (1947); F. Satterthwaite, Biometrics Bulletin 2 (1946); Boole's inequality.
    """
    a = clusters.linearised(mine, np.ones(len(mine)), own)
    b = clusters.linearised(factor * theirs, np.ones(len(theirs)), their)
    mean = a.ratio - b.ratio
    if min(a.clusters, b.clusters) < 2:
        return Told(mean, math.nan, math.nan, _ALONE)
    if a.error == b.error == 0:
        return Told(mean, math.nan, math.nan, _ALIKE)
    if is_sequential:
        one = confidence.ratio(mine, np.ones(len(mine)), own, ALPHA / 2)
        other = confidence.ratio(factor * theirs, np.ones(len(theirs)), their, ALPHA / 2)
        low, high = one.low - other.high, one.high - other.low
        return Told(mean, low, high, _FEW if math.isnan(low) else "")
    squares = a.error**2, b.error**2
    freedom = sum(squares) ** 2 / (squares[0] ** 2 / (a.clusters - 1) + squares[1] ** 2 / (b.clusters - 1))
    half = student(freedom, CONFIDENCE) * math.sqrt(sum(squares))
    return Told(mean, mean - half, mean + half)
