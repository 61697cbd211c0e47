"""From when on something is so, and stays so: the time on which every time to recovery rests. A leaf.

Arrays are on the grid: `times_s` float64[n] are the ends of the windows, levels are at those ends, flows are of the
windows.
"""

import math

import numpy as np

from recovery.statistics.arrays import Flags, Floats


def stays_from(times_s: Floats, reached: Flags, from_s: float, hold_s: float) -> float:
    """First time from `from_s` on at which `reached` (bool[n]) is true and stays so for `hold_s`; inf if never.

    A stretch that the horizon cuts off before `hold_s` is over does not count. If it is true at `from_s` and stays,
    that is the answer.
    """
    at = window_from(times_s, np.asarray(reached, bool).tobytes(), int(times_s.searchsorted(from_s)), hold_s)
    return math.inf if at < 0 else float(times_s[at])


def window_from(times_s: Floats, reached: bytes, first: int, hold_s: float) -> int:
    """The window at whose end that time is, from window `first` on; -1 if never. `reached` is bytes (0 or 1), over a
    short run's windows of which `find` looks in a tenth of a microsecond.
    """
    begin = reached.find(1, first)
    while begin >= 0:
        end = reached.find(0, begin)
        last = end - 1 if end >= 0 else -1
        if times_s[last] - times_s[begin] >= hold_s:
            return begin
        begin = reached.find(1, end) if end >= 0 else -1
    return -1


def settles_from(times_s: Floats, is_normal: Flags, from_s: float, hold_s: float) -> float:
    """First time from `from_s` on from which all is normal for `hold_s`, and then never not so for `hold_s`; else
    inf.
    """
    normal = from_s
    while math.isfinite(normal):
        normal = stays_from(times_s, is_normal, normal, hold_s)
        lost = stays_from(times_s, ~is_normal, normal, hold_s)
        if not math.isfinite(lost):
            return normal
        normal = lost
    return math.inf


def normal_from_s(times_s: Floats, is_normal: Flags, from_s: float, hold_s: float) -> float:
    """When all is normal again: 0.0 ("always") only if no window was ever anything else, inf if never. Where it began
    to be bad at `from_s` (inf: it never was for `hold_s`), it is looked for from there on, else from the start.
    """
    if is_normal.all():
        return 0.0
    return settles_from(times_s, is_normal, from_s if math.isfinite(from_s) else 0.0, hold_s)
