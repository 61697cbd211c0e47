"""What a recovery costs: the area of what is missing, and attempts a success. A leaf.

Arrays are on the grid: `times_s` float64[n] are the ends of the windows, levels are at those ends, flows are of the
windows.
"""

import math

import numpy as np

from recovery.statistics.arrays import Floats, Numbers, Whole


def excess_hours(times_s: Floats, missing: Numbers, level: float, from_s: float) -> float:
    """Area of `missing` (holders or jobs, at the ends of windows) above its normal `level`, from `from_s` to the
    horizon, in hours times holders or jobs; straight lines between the ends of windows.
    """
    first = int(times_s.searchsorted(from_s))
    above, at_s = np.maximum(missing[first:] - level, 0.0), times_s[first:]
    return float(((at_s[1:] - at_s[:-1]) * (above[1:] + above[:-1]) / 2.0).sum() / 3600)


def amplification_peak(times_s: Floats, attempts: Whole, succeeded: Whole, from_s: float, stretch_s: float) -> float:
    """Most attempts a success over any stretch of so long from `from_s` on; inf where a stretch has attempts and no
    success, nan if there are no attempts at all.
    """
    first = int(times_s.searchsorted(from_s, side="right"))
    windows = min(max(round(stretch_s / float(times_s[0])), 1), len(times_s) - first)
    sums = np.zeros((2, len(times_s) - first + 1), np.int64)  # before each window, and after the last
    attempts[first:].cumsum(out=sums[0, 1:])
    succeeded[first:].cumsum(out=sums[1, 1:])
    tried, done = sums[:, windows:] - sums[:, : len(sums[0]) - windows]
    asked = tried.nonzero()[0]
    if not len(asked):
        return math.nan
    tried, done = tried[asked], done[asked]
    return math.inf if not done.all() else float((tried / done).max())
