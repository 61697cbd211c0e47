"""Measures of the curve of leases: times to recovery with their intervals, relapses, milestones. A leaf.

Arrays are on the grid: `times_s` float64[n] are the ends of the windows, levels are at those ends, flows are of the
windows.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from recovery.measures.lasting import stays_from
from recovery.measures.register import DEPTHS, ROUNDING, again_of
from recovery.statistics.arrays import Floats
from recovery.statistics.means import student

FEW = "too few of the simulated hosts tell it"
LAST = "whether all are leased is known only where all hosts are simulated"


def times_to_recovery_s(times_s: Floats, leased_share: Floats, from_s: float, hold_s: float) -> dict[str, float]:
    """ttr50_s … ttr100_s: from `from_s` (the dependency is back) until that share is leased and stays for `hold_s`; and
    ttr50_lost_s …: until it was next lost; inf if it held to the horizon, nan if it was never reached.

    Known to one window: the share was reached no later than at the end of the window that is given.
    """
    out = {name: _time_to_share_s(times_s, leased_share, depth, from_s, hold_s) for name, depth in DEPTHS.items()}
    for name, depth in DEPTHS.items():
        lost = math.nan
        if math.isfinite(out[name]):
            after = times_s[(times_s >= from_s + out[name]) & (leased_share < depth - ROUNDING)]
            lost = float(after[0] - from_s) if len(after) else math.inf
        out[f"{name[:-2]}_lost_s"] = lost
    return out


def _time_to_share_s(times_s: Floats, leased_share: Floats, depth: float, from_s: float, hold_s: float) -> float:
    at = stays_from(times_s, leased_share >= depth - ROUNDING, from_s, hold_s)
    is_at_once = math.isfinite(at) and at <= times_s[np.searchsorted(times_s, from_s)]
    return 0.0 if is_at_once else at - from_s


def recovery_intervals_s(
    times_s: Floats,
    leased_share: Floats,
    deviation: Floats,
    freedom: int,
    is_told_by_few: Callable[[int], bool],
    from_s: float,
    hold_s: float,
    confidence: float = 0.95,
) -> dict[str, float | str]:
    """ttr50_low_s, ttr50_high_s … of a share that was estimated from a sample of hosts: when the upper and the lower
    edge of its pointwise Student band get there and stay; and ttr50_no_interval …, why both are nan, or "".

    `deviation` float64[n] is the standard deviation of the share's error, with so many degrees of freedom. A time in a
    window in which too few hosts tell the share (or which never comes, with too few at the end) has no interval. Nor
    has `ttr100_s`, as no sample tells when the last host is done.
    Source: Woodruff, Confidence Intervals for Medians and Other Position Measures, JASA 1952.
    """
    half = student(freedom, confidence) * deviation if freedom else deviation
    out: dict[str, float | str] = {}
    for name, depth in DEPTHS.items():
        time = _time_to_share_s(times_s, leased_share, depth, from_s, hold_s)
        at = min(int(np.searchsorted(times_s, from_s + time)), len(times_s) - 1)
        why = LAST if depth == 1 else FEW if is_told_by_few(at) else ""
        low = high = math.nan
        if not why:
            low = _time_to_share_s(times_s, leased_share + half, depth, from_s, hold_s)
            high = _time_to_share_s(times_s, leased_share - half, depth, from_s, hold_s)
        out |= {f"{name[:-2]}_low_s": low, f"{name[:-2]}_high_s": high, f"{name[:-2]}_no_interval": why}
    return out


def back_again_s(
    times_s: Floats, leased_share: Floats, from_s: float, found: Mapping[str, float], deeds_s: Sequence[float] = ()
) -> dict[str, float]:
    """ttr50_again_s …: of the times to recovery in `found` those that say nothing of a loss, because that share was
    still leased at `from_s` and was lost only after `hold`: s from `from_s` until it was leased for good; inf if not at
    the horizon. nan of all others, and where operators did something (at one of `deeds_s`) from `from_s` until it was
    lost: then the loss may be theirs.
    """
    out = {}
    first = int(np.searchsorted(times_s, from_s))
    for name, depth in DEPTHS.items():
        is_leased = leased_share >= depth - ROUNDING
        away = np.flatnonzero(~is_leased[first:]) + first
        again = math.nan
        if found[name] <= times_s[0] and len(away) and is_leased[max(first - 1, 0) : first + 1].all():
            lost_s = float(times_s[away[0]])
            if not any(from_s < at_s <= lost_s for at_s in deeds_s):
                again = float(times_s[away[-1] + 1]) - from_s if away[-1] + 1 < len(times_s) else math.inf
        out[again_of(name)] = again
    return out


def relapses(times_s: Floats, leased_share: Floats, from_s: float, up: float = 0.9, down: float = 0.8) -> int:
    """How often the share falls below `down` after it had come back to `up`, from `from_s` on."""
    count, was_up = 0, False
    for share in leased_share[times_s >= from_s].tolist():
        if share >= up:
            was_up = True
        elif share < down and was_up:
            count, was_up = count + 1, False
    return count


def milestones_s(times_s: Floats, leased_share: Floats, from_s: float, ttr100_s: float) -> dict[str, float]:
    """Of the curve of leases: when it has fallen to within a point of its least value, when it leaves that for good,
    when it is full. All are 0.0 ("always") where it was full in every window.
    """
    if leased_share.min() >= 1:
        return dict.fromkeys(("decline_ends_s", "progress_from_s", "leased_all_s"), 0.0)
    low = leased_share <= leased_share.min() + 0.01
    return {
        "decline_ends_s": float(times_s[int(np.argmax(low))]),
        "progress_from_s": float(times_s[len(low) - 1 - int(np.argmax(low[::-1]))]),
        "leased_all_s": from_s + ttr100_s,
    }
