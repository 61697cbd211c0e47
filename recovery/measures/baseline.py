"""How far load and response time are from what they were before a disturbance, and when they are back (A/B/A). A leaf.

Arrays are on the grid: `times_s` float64[n] are the ends of the windows. Load is attempts; the response time of a
stretch is what its requests spend at the hosts on average, by Little's law: how many there are, over how many leave in
a second. Source: J. Little, Operations Research 9 (1961).
"""

import math
from typing import NamedTuple

import numpy as np

from recovery.measures.lasting import settles_from
from recovery.statistics.arrays import Floats, Numbers


class Against(NamedTuple):
    """A measure against its level before: when it is back (s after `from_s`; inf: never), and its largest multiple."""

    back_s: float
    peak: float


UNKNOWN = Against(math.nan, math.nan)


def trailing(flow: Numbers, windows: int) -> Floats:
    """Sum over each window and those before it, `windows` of them, or as many as there are: float64[n]."""
    total = np.cumsum(np.asarray(flow, np.float64))
    return np.asarray(total - np.concatenate([np.zeros(min(windows, len(total))), total[:-windows]]))


def load_of(attempts: Numbers, windows: int) -> Floats:
    """Attempts over each stretch, float64[n]."""
    return trailing(attempts, windows)


def response_of(present: Numbers, left: Numbers, windows: int) -> Floats:
    """Response time over each stretch, in windows, float64[n]: inf where requests are there and none leaves, 0 where
    there are none.
    """
    there, gone = trailing(present, windows), trailing(left, windows)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(there > 0, there / gone, 0.0))


def level_of(values: Floats, times_s: Floats, over_s: float, until_s: float) -> float:
    """The mean of stretches that lie wholly before `until_s`; nan if none does."""
    before = (times_s >= over_s) & (times_s <= until_s)
    return float(values[before].mean()) if before.any() else math.nan


def against(
    values: Floats, level: float, times_s: Floats, *, within: float, begins_s: float, from_s: float, hold_s: float
) -> Against:
    """When `values` are up to (1 + within) times their level before, and stay so (`lasting.settles_from`); and their
    largest multiple of that level from `begins_s` on. Unknown where there was nothing before.
    """
    if not level > 0:
        return UNKNOWN
    multiple = values / level
    back = settles_from(times_s, multiple <= 1 + within, from_s, hold_s)
    return Against(back - from_s, float(multiple[times_s > begins_s].max(initial=0.0)))


def excess(attempts: Numbers, times_s: Floats, begins_s: float) -> float:
    """Attempts above the mean before the disturbance began, from then to the horizon: the area between the curves."""
    before = times_s <= begins_s
    if not before.any():
        return math.nan
    return float(np.maximum(attempts[~before] - attempts[before].mean(), 0.0).sum())
