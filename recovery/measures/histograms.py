"""Quantiles of a histogram of times. A leaf."""

import math

from recovery.statistics.arrays import Floats, Whole


def quantile_s(histogram: Whole, starts_ns: Floats, q: float) -> float:
    """Quantile (s) of a histogram int64[parts] whose parts begin at `starts_ns` (float64): the middle of the part; nan
    if empty.
    """
    below = histogram.cumsum()
    total = int(below[-1])
    if total == 0:
        return math.nan
    part = int(below.searchsorted(q * total))
    end = starts_ns[part + 1] if part + 1 < len(starts_ns) else starts_ns[part]
    return float(starts_ns[part] + end) / 2e9
