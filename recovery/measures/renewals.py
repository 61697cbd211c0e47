"""Who is overdue and when all have renewed, as counts of successes tell it, where no lease need be lost. A leaf.

Arrays are on the grid: `succeeded` int64[n] are the successes in each window. Nothing says whose success one is, but
between two of one holder there is at least one round of checks. So counts give bounds, and what is told here holds.
"""

import math

import numpy as np

from recovery.statistics.arrays import Floats, Whole

OVERDUE = "overdue_peak"
"""The measure of how many are overdue at one time: at least so many."""

RENEWED = "ttr_renewed_s"
"""The measure of when all have renewed at the latest, s; inf: counts never tell that they surely have."""


def overdue(succeeded: Whole, window_s: float, holders: int, after_s: float) -> Floats:
    """float64[n], holders at the ends of windows that have not renewed for `after_s`: at least so many.

    Whoever renewed within that time is one of its successes. Before the start all did.
    """
    back = math.ceil(after_s / window_s)
    done = np.concatenate([np.zeros(1), np.cumsum(succeeded, dtype=np.float64)])
    ends = np.arange(1, len(done))
    within = done[ends] - done[np.maximum(ends - back, 0)]
    return np.where(ends < back, 0.0, np.maximum(holders - within, 0.0))


def overdue_at_most(
    succeeded: Whole, window_s: float, holders: int, after_s: float, round_s: float, longest_s: float
) -> Floats:
    """The same, no more than so many: all but the most successes within one round, so of as many holders, that lie
    within `after_s`. `round_s` and `longest_s` are the least and the longest time between two renewals of one holder
    while nothing fails, as is so before the start.
    """
    back, width = int(after_s / window_s), int(round_s / window_s)
    done = np.concatenate([np.zeros(1), np.cumsum(succeeded, dtype=np.float64)])
    ends = np.arange(1, len(done))
    most = np.zeros(len(ends))
    for begin in range(back - width + 1 if width > 0 else 0):  # windows between the round and the end
        last = ends - begin
        is_in = last >= width
        most[is_in] = np.maximum(most[is_in], (done[last] - done[last - width])[is_in])
    return np.where(ends * window_s + longest_s <= after_s, 0.0, np.maximum(holders - most, 0.0))


def all_renewed_s(
    succeeded: Whole, window_s: float, holders: int, from_s: float, round_s: float
) -> tuple[float, float]:
    """When each holder has renewed since `from_s`, s after it: not before the first time, and no later than the second.
    inf: not before the horizon. `round_s` is the least time between two renewals of one holder.
    """
    first = int(from_s / window_s)
    done = np.concatenate([np.zeros(1), np.cumsum(succeeded[first:], dtype=np.float64)])
    width = int(round_s / window_s)  # within it nobody renews twice
    begins = np.maximum(np.arange(len(done)) - width, 0)
    found = [_reaches(done, holders), _reaches(done - done[begins], holders)]
    early, late = (math.inf if at is None else (first + at) * window_s - from_s for at in found)
    return early, late


def _reaches(done: Floats, holders: int) -> int | None:
    """The first window at whose end so many are done."""
    enough = np.flatnonzero(done >= holders)
    return int(enough[0]) if len(enough) else None
