"""Measures of a result: times to recovery, verdict, efficiency. Pure functions of arrays; a leaf.

Arrays are on the grid: `times_s` float64[n] are the ends of the windows, levels are at those ends, flows are of the
windows.
"""

import math
from collections.abc import Sequence

import numpy as np

NO_PROGRESS_SHARE = 0.001  # less than this share of the fleet in a whole `hold` is no net progress
ROUNDING = 1e-12  # a share may miss its depth by so much
DEPTHS = {"ttr50_s": 0.50, "ttr90_s": 0.90, "ttr99_s": 0.99, "ttr100_s": 1.00}


def stays_from(times_s: np.ndarray, reached: np.ndarray, from_s: float, hold_s: float) -> float:
    """First time from `from_s` on at which `reached` (bool[n]) is true and stays so for `hold_s`; inf if never.

    A stretch that the horizon cuts off before `hold_s` is over does not count. If it is true at `from_s` and stays,
    that is the answer.
    """
    start = math.inf
    for t, is_reached in zip(times_s.tolist(), reached.tolist(), strict=True):
        if t < from_s:
            continue
        if not is_reached:
            start = math.inf
        else:
            start = min(start, t)
            if t - start >= hold_s:
                return float(start)
    return math.inf


def settles_from(times_s: np.ndarray, is_normal: np.ndarray, from_s: float, hold_s: float) -> float:
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


def normal_from_s(times_s: np.ndarray, is_normal: np.ndarray, from_s: float, hold_s: float) -> float:
    """When all is normal again: 0.0 ("always") only if no window was ever anything else, inf if never. Where it began
    to be bad at `from_s` (inf: it never was for `hold_s`), it is looked for from there on, else from the start.
    """
    if is_normal.all():
        return 0.0
    return settles_from(times_s, is_normal, from_s if math.isfinite(from_s) else 0.0, hold_s)


def times_to_recovery_s(
    times_s: np.ndarray, leased_share: np.ndarray, from_s: float, hold_s: float
) -> dict[str, float]:
    """ttr50_s … ttr100_s: from `from_s` (the dependency is back) until that share is leased and stays for `hold_s`.

    Known to one window: the share was reached no later than at the end of the window that is given.
    """
    return {name: _time_to_share_s(times_s, leased_share, depth, from_s, hold_s) for name, depth in DEPTHS.items()}


def _time_to_share_s(
    times_s: np.ndarray, leased_share: np.ndarray, depth: float, from_s: float, hold_s: float
) -> float:
    at = stays_from(times_s, leased_share >= depth - ROUNDING, from_s, hold_s)
    never_lost = math.isfinite(at) and at <= times_s[np.searchsorted(times_s, from_s)]
    return 0.0 if never_lost else at - from_s


def recovery_intervals_s(
    times_s: np.ndarray,
    leased_share: np.ndarray,
    deviation: np.ndarray,
    freedom: int,
    from_s: float,
    hold_s: float,
    confidence: float = 0.95,
) -> dict[str, float]:
    """ttr50_low_s, ttr50_high_s … of a share that was estimated from a sample of hosts: when the upper and the lower
    edge of its pointwise Student band get there and stay.

    `deviation` float64[n] is the standard deviation of the share's error, with so many degrees of freedom; without
    freedom all hosts are known, and both ends are the time itself. The lower edge is nowhere nearer than at the time
    itself: where a share comes close to 1, the few that are left tell too little of how hosts differ. A high end is nan
    if no share of the sample would tell it. So is ttr100_high_s, as no sample tells when the last host is done, and
    ttr100_low_s is the sample's time, which the fleet cannot beat.
    Source: Woodruff, Confidence Intervals for Medians and Other Position Measures, JASA 1952.
    """
    half = student(freedom, confidence) * deviation if freedom else np.zeros(len(times_s))
    out: dict[str, float] = {}
    for name, depth in DEPTHS.items():
        time = _time_to_share_s(times_s, leased_share, depth, from_s, hold_s)
        low = high = time
        if freedom and depth == 1:
            high = math.nan
        elif freedom:
            low = _time_to_share_s(times_s, leased_share + half, depth, from_s, hold_s)
            at = int(np.searchsorted(times_s, from_s + time))
            crossed = slice(max(at - 1, 0), at + 1)  # it got there in this window
            least = float(np.interp(depth, leased_share[crossed], half[crossed])) if math.isfinite(time) else 0.0
            high = _time_to_share_s(times_s, leased_share - np.maximum(half, least), depth, from_s, hold_s)
            high = math.nan if depth + least > 1 else high
        out |= {f"{name[:-2]}_low_s": low, f"{name[:-2]}_high_s": high}
    return out


def verdict(times_s: np.ndarray, leased_share: np.ndarray, ttr99_s: float, hold_s: float) -> str:
    """recovered, recovering (progress at the horizon) or collapsed (no net progress over the last `hold_s`)."""
    if math.isfinite(ttr99_s):
        return "recovered"
    before = leased_share[max(0, int(np.searchsorted(times_s, times_s[-1] - hold_s)))]
    return "recovering" if leased_share[-1] - before > NO_PROGRESS_SHARE or leased_share[-1] >= 0.99 else "collapsed"


def relapses(times_s: np.ndarray, leased_share: np.ndarray, from_s: float, up: float = 0.9, down: float = 0.8) -> int:
    """How often the share falls below `down` after it had come back to `up`, from `from_s` on."""
    count, was_up = 0, False
    for share in leased_share[times_s >= from_s].tolist():
        if share >= up:
            was_up = True
        elif share < down and was_up:
            count, was_up = count + 1, False
    return count


def queue_times_s(times_s: np.ndarray, queue: np.ndarray, from_s: float, hold_s: float) -> dict[str, float]:
    """ttr50_s … of jobs: until that part of the queue (requests, abandoned ones too) at `from_s` is cleared, and stays
    so for `hold_s`.

    What counts as cleared is the level of the time before: the median queue of the windows before the queue first rose
    above a tenth of its peak.
    """
    before = queue[times_s <= from_s]
    peak = float(before.max(initial=0.0))
    at_start = float(before[-1]) if len(before) else 0.0
    quiet = before[: int(np.argmax(before > 0.1 * peak))] if peak > 0 else before
    normal = float(np.median(quiet)) if len(quiet) else 0.0
    excess = max(at_start - normal, 0.0)
    slack = max(2 * normal, 3 * math.sqrt(normal + 1))  # a stationary queue wanders about its normal level
    out = {}
    for name, depth in DEPTHS.items():
        at = stays_from(times_s, queue <= normal + slack + (1 - depth) * excess, from_s, hold_s)
        out[name] = max(0.0, at - from_s)
    return out


def jobs_verdict(
    times_s: np.ndarray, arrived: np.ndarray, succeeded: np.ndarray, queue: np.ndarray, hold_s: float
) -> str:
    """recovered if at least 90 % of what arrived in the last `hold_s` succeeded; else recovering if the queue shrank,
    else collapsed.
    """
    last = times_s > times_s[-1] - hold_s
    if succeeded[last].sum() >= 0.9 * arrived[last].sum():
        return "recovered"
    return "recovering" if queue[-1] < 0.98 * queue[last][0] else "collapsed"


def milestones_s(times_s: np.ndarray, leased_share: np.ndarray, from_s: float, ttr100_s: float) -> dict[str, float]:
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


def quantile_s(histogram: np.ndarray, starts_ns: np.ndarray, q: float) -> float:
    """Quantile (s) of a histogram int64[parts] whose parts begin at `starts_ns`: the middle of the part; nan if
    empty.
    """
    total = int(histogram.sum())
    if total == 0:
        return math.nan
    part = int(np.searchsorted(np.cumsum(histogram), q * total))
    end = starts_ns[part + 1] if part + 1 < len(starts_ns) else starts_ns[part]
    return float(starts_ns[part] + end) / 2e9


def student(freedom: int, confidence: float = 0.95) -> float:
    """Half-width of a Student interval with so many degrees of freedom, in standard deviations."""
    from scipy import special

    return float(special.stdtrit(freedom, (1 + confidence) / 2))


def limits_of(name: str) -> tuple[float, float]:
    """Least and most that a measure of this name can be: shares lie in [0, 1], all others (times, counts, ratios) at or
    above 0.
    """
    return (0.0, 1.0) if name.endswith("_share") else (0.0, math.inf)


def interval(
    mean: float, error: float, freedom: int, confidence: float = 0.95, least: float = -math.inf, most: float = math.inf
) -> tuple[float, float]:
    """Student interval of a mean with this standard error, within what is possible: of values from `least` on it is
    taken of the logarithm, of values between `least` and `most` of the logit, to first order.

    Nowhere is it wider than possible, and it covers better than Student's where values are skewed (MODEL.md, section
    10). Without an error it has no width. A mean that is not between its limits has Student's own interval. Raises
    ValueError for `most` without `least`.
    Source: delta method; for shares W. Newcombe, Statistics in Medicine 17 (1998), for means of skewed values X. Zhou
    and S. Gao, Statistics in Medicine 16 (1997).
    """
    if math.isinf(least) and not math.isinf(most):
        raise ValueError(f"most is {most} and least {least}; want both finite, or least only, or neither")
    half = student(freedom, confidence) * error
    if not half > 0.0 or math.isinf(least) or not least < mean < most:
        return mean - half, mean + half
    above = mean - least
    if math.isinf(most):
        factor = math.exp(min(half / above, 700.0))
        return least + above / factor, least + above * factor
    below = most - mean
    factor = math.exp(min(half * (1.0 / above + 1.0 / below), 700.0))
    low, high = above / (above + below * factor), above / (above + below / factor)
    return min(least + (most - least) * low, mean), max(most - (most - least) * (1.0 - high), mean)


def mean_interval(
    values: Sequence[float], confidence: float = 0.95, least: float = -math.inf, most: float = math.inf
) -> tuple[float, float, float]:
    """Mean and interval (`interval`) of independent values between `least` and `most`; one value has no interval (nan);
    an infinite one makes all infinite. What was not measured (nan) is left out; all is nan if nothing was measured.
    """
    values = [value for value in values if not math.isnan(value)]
    n = len(values)
    if n == 0:
        return math.nan, math.nan, math.nan
    if any(math.isinf(v) for v in values):
        return math.inf, math.nan, math.inf
    mean = math.fsum(values) / n
    if n < 2:
        return mean, math.nan, math.nan
    error = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (n - 1) / n)
    return mean, *interval(mean, error, n - 1, confidence, least, most)
