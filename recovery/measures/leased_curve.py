"""Measures of the curve of leases: times to recovery with their intervals, relapses, milestones. A leaf.

Arrays are on the grid: `times_s` float64[n] are the ends of the windows, levels are at those ends, flows are of the
windows.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from recovery.measures.lasting import window_from
from recovery.measures.register import DEPTHS, ROUNDING, again_of, last_of
from recovery.statistics.arrays import Floats, Whole
from recovery.statistics.means import student

FEW = "too few of the simulated hosts tell it"
LAST = "whether all are leased is known only where all hosts are simulated"


Reached = Mapping[str, bytes]
"""Of each depth whether the share has it in each window, as bytes (0 or 1), over which `find` is quick."""


def reached_by(leased_share: Floats) -> Reached:
    """Which depths a share float64[n] has in each window."""
    return {name: one.tobytes() for name, one in zip(DEPTHS, leased_share >= _LEAST, strict=True)}


_LEAST = np.array([*DEPTHS.values()])[:, None] - ROUNDING


def times_to_recovery_s(times_s: Floats, reached: Reached, from_s: float, hold_s: float) -> dict[str, float]:
    """ttr50_s … ttr100_s: from `from_s` (the dependency is back) until that share is leased and stays for `hold_s`; and
    ttr50_lost_s …: until it was next lost; inf if it held to the horizon, nan if it was never reached.

    Known to one window: the share was reached no later than at the end of the window that is given.
    """
    first = int(times_s.searchsorted(from_s))
    back = {name: window_from(times_s, reached[name], first, hold_s) for name in DEPTHS}
    out = {name: _time_s(times_s, at, first, from_s) for name, at in back.items()}
    for name, at in back.items():
        lost_s = math.nan
        if at >= 0:
            lost = reached[name].find(0, at)
            lost_s = float(times_s[lost] - from_s) if lost >= 0 else math.inf
        out[_LOST[name]] = lost_s
    return out


_LOST = {name: f"{name[:-2]}_lost_s" for name in DEPTHS}


def _time_s(times_s: Floats, at: int, first: int, from_s: float) -> float:
    """From `from_s` to the end of window `at` (-1: never); 0 if that is the `first` to end then or later."""
    return math.inf if at < 0 else 0.0 if at == first else float(times_s[at] - from_s)


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
    first = int(times_s.searchsorted(from_s))
    curves = [reached_by(one) for one in (leased_share, leased_share + half, leased_share - half)]
    for name, depth in DEPTHS.items():
        backs = (window_from(times_s, reached[name], first, hold_s) for reached in curves)
        time, early, late = (_time_s(times_s, back, first, from_s) for back in backs)
        at = min(int(np.searchsorted(times_s, from_s + time)), len(times_s) - 1)
        why = LAST if depth == 1 else FEW if is_told_by_few(at) else ""
        low = high = math.nan
        if not why:
            low, high = early, late
        out |= {f"{name[:-2]}_low_s": low, f"{name[:-2]}_high_s": high, f"{name[:-2]}_no_interval": why}
    return out


def back_again_s(
    times_s: Floats, reached: Reached, from_s: float, found: Mapping[str, float], deeds_s: Sequence[float] = ()
) -> dict[str, float]:
    """ttr50_again_s …: of the times to recovery in `found` those that say nothing of a loss, because that share was
    still leased at `from_s` and was lost only after `hold`: s from `from_s` until it was leased for good; inf if not at
    the horizon. nan of all others, and where operators did something (at one of `deeds_s`) from `from_s` until it was
    lost: then the loss may be theirs.
    """
    out = {}
    first = int(times_s.searchsorted(from_s))
    for name, is_leased in reached.items():
        lost = is_leased.find(0, first)
        again = math.nan
        if found[name] <= times_s[0] and lost >= 0 and 0 not in is_leased[max(first - 1, 0) : first + 1]:
            lost_s = float(times_s[lost])
            if not any(from_s < at_s <= lost_s for at_s in deeds_s):
                after = is_leased.rfind(0) + 1
                again = float(times_s[after]) - from_s if after < len(times_s) else math.inf
        out[again_of(name)] = again
    return out


def back_last_s(
    times_s: Floats, reached: Reached, from_s: float, found: Mapping[str, float], next_s: float
) -> dict[str, float]:
    """ttr50_last_s …: of the shares that were back at the times in `found` and were lost once more before `next_s`
    (another outage): s from `from_s` until they were leased again after the last such loss; inf if not at the horizon.
    nan of all others, and where `back_again_s`, which is in `found` too, tells the loss.
    """
    out = {}
    end = int(times_s.searchsorted(next_s))
    for name, is_leased in reached.items():
        last_s = math.nan
        if math.isfinite(found[name]) and math.isnan(found[again_of(name)]):
            held = is_leased.rfind(b"\1\0", 0, end)  # the last window before the last loss
            if held >= 0 and times_s[held + 1] > from_s + found[name]:
                after = is_leased.find(1, held + 1)
                last_s = float(times_s[after]) - from_s if after >= 0 else math.inf
        out[last_of(name)] = last_s
    return out


class Within(NamedTuple):
    """Leases held at the worst moment of each window, int64[windows]: no more than `most`, no fewer than `least`."""

    most: Whole
    least: Whole


def within(leased: Whole, made: Whole, ended_at_once: Whole, leases: int, at_first: int) -> Within:
    """What counts tell of the moments between the ends of windows, of so many `leases`, of which `at_first` are held as
    the run starts. int64[windows] each: `leased` at the ends, and in the windows leases that were `made` and such as
    `ended_at_once` (0: not known).

    At some moment none of those is held that ended together; nor, where any was lost, that one. Whatever is held at the
    end of a window and was not made in it was held all through it.
    """
    before = np.concatenate([[at_first], leased[:-1]])
    is_lost = before + made > leased
    most = np.minimum(np.minimum(before, leased), leases - np.maximum(ended_at_once, is_lost))
    return Within(most, np.maximum(leased - made, 0))


def relapses(times_s: Floats, leased_share: Floats, from_s: float, up: float = 0.9, down: float = 0.8) -> int:
    """How often the share falls below `down` after it had come back to `up`, from `from_s` on."""
    is_up, is_down = (leased_share >= up).tobytes(), (leased_share < down).tobytes()
    count, at = 0, int(times_s.searchsorted(from_s))
    while (at := is_up.find(1, at)) >= 0 and (at := is_down.find(1, at)) >= 0:
        count += 1
    return count


def milestones_s(times_s: Floats, leased_share: Floats, from_s: float, ttr100_s: float) -> dict[str, float]:
    """Of the curve of leases: when it has fallen to within a point of its least value, when it leaves that for good,
    when it is full. All are 0.0 ("always") where it was full in every window.
    """
    least = float(leased_share.min())
    if least >= 1:
        return dict.fromkeys(("decline_ends_s", "progress_from_s", "leased_all_s"), 0.0)
    low = (leased_share <= least + 0.01).tobytes()
    return {
        "decline_ends_s": float(times_s[low.find(1)]),
        "progress_from_s": float(times_s[low.rfind(1)]),
        "leased_all_s": from_s + ttr100_s,
    }
