"""Measures of jobs without an answer: what is normal, times until the rest is cleared, what was served. A leaf.

Arrays are on the grid: `times_s` float64[n] are the ends of the windows, levels are at those ends, flows are of the
windows.
"""

import math
from typing import NamedTuple

import numpy as np

from recovery.measures.register import DEPTHS, ROUNDING
from recovery.statistics.arrays import Flags, Floats, Whole


class Normal(NamedTuple):
    """Jobs without an answer that are normal, the most that still is (there always are some), and how many more there
    are to be recovered from, seen from when on (s).
    """

    level: float
    most: float
    excess: float
    from_s: float

    def allowed(self, depth: float) -> float:
        """The most jobs without an answer at which that share of the excess is cleared."""
        return self.most + (1 - depth) * self.excess


def normal_of(times_s: Floats, unanswered: Whole, quiet: Flags, from_s: float) -> Normal:
    """What is normal: the median of the windows that are `quiet` (bool[n]; 0 if none is), and chance about it.

    What is to be cleared is what is unanswered at `from_s`; where that is normal, and a burst comes later (ten times as
    much), it is the peak of the burst, from there on.
    """
    level = float(np.median(unanswered[quiet])) if quiet.any() else 0.0
    most = level + max(2 * level, 3 * math.sqrt(level + 1))
    before = unanswered[times_s <= from_s]
    excess = max(float(before[-1]) - level, 0.0) if len(before) else 0.0
    after = np.where(times_s >= from_s, unanswered, 0)
    burst = int(np.argmax(after))
    if level + excess <= most and after[burst] > 10 * most:
        return Normal(level, most, float(after[burst]) - level, float(times_s[burst]))
    return Normal(level, most, excess, from_s)


def jobs_times_s(times_s: Floats, unanswered: Whole, normal: Normal, from_s: float, hold_s: float) -> dict[str, float]:
    """ttr50_s … of jobs: from `from_s` until that part of the excess has its answer (or gave up) and, on average, there
    are no more over `hold_s`; and ttr50_lost_s …: until there were more, at a window's end and on average.

    On average, because a queue at random wanders: no more than a few of its windows are above three times its level,
    and yet hardly an hour passes without one.
    """
    windows = round(hold_s / float(times_s[1] - times_s[0])) + 1 if len(times_s) > 1 else 1
    total = np.concatenate([[0.0], np.cumsum(unanswered, dtype=float)])
    begins = np.arange(len(times_s))
    ends = np.minimum(begins + windows, len(times_s))
    mean = (total[ends] - total[begins]) / (ends - begins)
    is_whole = begins + windows <= len(times_s)
    out = {}
    for name, depth in DEPTHS.items():
        above = (np.maximum(unanswered, 0) > normal.allowed(depth)), (mean > normal.allowed(depth) + ROUNDING)
        reached = ~above[0] & ~above[1] & is_whole & (times_s >= max(normal.from_s, from_s))
        lost = above[0] & above[1]
        out[name] = max(float(times_s[int(np.argmax(reached))]) - from_s, 0.0) if reached.any() else math.inf
        after = times_s[(times_s > from_s + out[name]) & lost]
        held = math.inf if len(after) == 0 else float(after[0]) - from_s
        out[f"{name[:-2]}_lost_s"] = held if math.isfinite(out[name]) else math.nan
    return {name: out[name] for name in (*DEPTHS, *(f"{name[:-2]}_lost_s" for name in DEPTHS))}


def is_served(times_s: Floats, succeeded: Whole, gave_up: Whole, hold_s: float) -> bool:
    """Whether of the jobs that ended in the last `hold_s` at least 90 % succeeded; where none ended, too."""
    last = times_s > times_s[-1] - hold_s
    return bool(succeeded[last].sum() >= 0.9 * (succeeded[last].sum() + gave_up[last].sum()))
