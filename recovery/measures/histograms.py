"""Quantiles of a histogram of times. A leaf."""

import math
from collections.abc import Sequence

from recovery.statistics.arrays import Floats, Whole


def quantiles_s(histogram: Whole, starts_ns: Floats, shares: Sequence[float]) -> list[float]:
    """Quantiles (s) of a histogram int64[parts] whose parts begin at `starts_ns` (float64): the middle of the part; nan
    if empty.
    """
    return [middle_s(starts_ns, part) for part in parts_of(histogram, shares)]


def parts_of(histogram: Whole, shares: Sequence[float]) -> list[int | None]:
    """The part of a histogram int64[parts] in which each of these shares of all is reached, of those that are not
    empty; None if all are.
    """
    is_used = (histogram > 0).tobytes()
    first = is_used.find(1)
    if first < 0:
        return [None] * len(shares)
    below = histogram[first : is_used.rfind(1) + 1].cumsum()  # most are empty
    total = int(below[-1])
    return [first + part for part in below.searchsorted([math.ceil(share * total) for share in shares]).tolist()]


def sure_parts_of(histogram: Whole, shares: Sequence[float], unknown: int) -> list[int | None]:
    """The same where `unknown` more have a time that nobody knows: None too where it could be another part, were they
    all the shortest or all the longest.
    """
    if not unknown:
        return parts_of(histogram, shares)
    shortest, longest = histogram.copy(), histogram.copy()
    shortest[0] += unknown
    longest[-1] += unknown
    both = zip(parts_of(shortest, shares), parts_of(longest, shares), strict=True)
    return [low if low == high else None for low, high in both]


def middle_s(starts_ns: Floats, part: int | None) -> float:
    """The middle (s) of a part; nan of none."""
    if part is None:
        return math.nan
    end = starts_ns[part + 1] if part + 1 < len(starts_ns) else starts_ns[part]
    return float(starts_ns[part] + end) / 2e9
