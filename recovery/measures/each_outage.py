"""What each of several outages cost: who lost a lease until the next, and when all had one again. A leaf.

Arrays are on the grid: `times_s` float64[n] are the ends of the windows, levels are at those ends, flows are of the
windows.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from recovery.measures.lasting import stays_from
from recovery.measures.register import ROUNDING
from recovery.statistics.arrays import Floats, Whole

DEPTHS = (0.99, 1.0)


class After(NamedTuple):
    """What holds from the begin of an outage to that of the next: the least share that is leased, s from the outage's
    end until each of DEPTHS is leased again and stays so for `hold` (inf: not before the next), and attempts refused.
    """

    least_share: float
    back_s: tuple[float, ...]
    refused: float


def apart(outages: Iterable[tuple[float, float]], hold_s: float) -> list[tuple[float, float]]:
    """Begins and ends of outages in order of time, where those that are closer than `hold_s` are one."""
    found: list[tuple[float, float]] = []
    for begin, end in outages:
        if found and begin - found[-1][1] < hold_s:
            begin, end = found[-1][0], max(found.pop()[1], end)
        found.append((begin, end))
    return found


def after_each(
    outages: list[tuple[float, float]], times_s: Floats, leased_share: Floats, refused: Whole, hold_s: float
) -> list[After]:
    """The same of each outage, which are in order of time."""
    out = []
    for number, (begin, end) in enumerate(outages):
        next_s = outages[number + 1][0] if number + 1 < len(outages) else math.inf
        own = slice(*np.searchsorted(times_s, (begin, next_s), side="right").tolist())
        back_s = []
        for depth in DEPTHS:
            at_s = stays_from(times_s, leased_share >= depth - ROUNDING, end, hold_s)
            is_at_once = at_s <= end + times_s[0]
            back_s.append(0.0 if is_at_once else at_s - end if at_s <= next_s else math.inf)
        out.append(After(float(leased_share[own].min(initial=1.0)), tuple(back_s), float(refused[own].sum())))
    return out
