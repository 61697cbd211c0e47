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
    after = times_s >= from_s
    return float(np.trapezoid(np.maximum(missing[after] - level, 0.0), times_s[after]) / 3600)


def amplification_peak(times_s: Floats, attempts: Whole, succeeded: Whole, from_s: float, stretch_s: float) -> float:
    """Most attempts a success over any stretch of so long from `from_s` on; inf where a stretch has attempts and no
    success, nan if there are no attempts at all.
    """
    after = times_s > from_s
    if not attempts[after].any():
        return math.nan
    windows = min(max(round(stretch_s / float(times_s[0])), 1), int(after.sum()))
    tried, done = (np.convolve(flow[after], np.ones(windows), "valid") for flow in (attempts, succeeded))
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.nanmax(np.where(tried > 0, tried / done, math.nan), initial=0.0))
