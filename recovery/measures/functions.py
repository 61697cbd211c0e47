"""Measures of a result: times to recovery, verdict, efficiency. Pure functions of arrays; a leaf.

Arrays are on the grid: `times_s` float64[n] are the ends of the windows, levels are at those ends, flows are of the
windows.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

BATCHES = 10  # of a stretch, whose means a drift is judged by
CYCLES = 10  # tries of a client that a stretch holds
STRETCHES_MOST = 100  # what takes more such stretches to be gone does not fall
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


def _time_to_share_s(
    times_s: np.ndarray, leased_share: np.ndarray, depth: float, from_s: float, hold_s: float
) -> float:
    at = stays_from(times_s, leased_share >= depth - ROUNDING, from_s, hold_s)
    is_at_once = math.isfinite(at) and at <= times_s[np.searchsorted(times_s, from_s)]
    return 0.0 if is_at_once else at - from_s


FEW = "too few of the simulated hosts tell it"
LAST = "whether all are leased is known only where all hosts are simulated"


def recovery_intervals_s(
    times_s: np.ndarray,
    leased_share: np.ndarray,
    deviation: np.ndarray,
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


class Drift(NamedTuple):
    """How fast a level changed over the last stretch, 1/s (below 0: it falls), and whether that is more than chance.

    `wanders`: it moves as a sum of chances does, not about a level of its own, and its drift is small beside that.
    """

    per_s: float
    falls: bool
    rises: bool
    wanders: bool


def drift(times_s: np.ndarray, level: np.ndarray, stretch_s: float) -> Drift:
    """Drift of a level over its last `stretch_s`, from the steps between the means of its batches.

    Steps of a walk at random are independent, so Student's interval (95 %, one side) is theirs; about a level that
    stays they cancel, and the interval is too wide, never too narrow. A level that lately fell out of the whole band in
    which it was before falls too: its drift is the latest one. What would take more than a hundred such stretches to be
    gone does not fall.
    Source: batch means (Law, Simulation Modeling and Analysis, 5th edition 2015, 9.5.3); ratio of the mean square
    successive difference to the variance: von Neumann, Annals of Mathematical Statistics 12 (1941).
    """
    last = np.asarray(level[times_s > times_s[-1] - stretch_s], float)
    if len(last) < 4:
        return Drift(0.0, False, False, False)
    window_s = float(times_s[-1] - times_s[-2])
    batches = min(BATCHES, len(last))
    size = len(last) // batches
    means = last[len(last) - size * batches :].reshape(batches, size).mean(axis=1)
    steps = np.diff(means)
    per_s = float(steps.mean()) / (size * window_s)
    sure = student(batches - 2, 0.9) * float(steps.std(ddof=1)) / math.sqrt(batches - 1) / (size * window_s)
    before = last[: len(last) - size]
    has_broken_out = last[-1] < 2 * before.min() - before.max()
    if has_broken_out:
        per_s = float(last[-1] - means[-2]) / ((size + (size - 1) / 2) * window_s)
    is_going = abs(per_s) * STRETCHES_MOST * stretch_s >= last[-1]
    spread = float(means.var())
    return Drift(
        per_s,
        falls=per_s < 0 and is_going and (has_broken_out or per_s < -sure),
        rises=per_s > sure,
        wanders=float((steps**2).mean()) < spread and abs(per_s) < 2 * sure,
    )


class State(NamedTuple):
    """Where a run stands at the horizon. `empty_at_s`: when what waits would be gone, s from the start (nan: it is
    back, or does not fall); `drift_per_s` of what waits (nan: it is back); `is_near_cliff`: another run may end
    elsewhere.
    """

    verdict: str
    empty_at_s: float
    drift_per_s: float
    is_near_cliff: bool


def state(
    times_s: np.ndarray,
    missing: np.ndarray,
    queue: np.ndarray,
    *,
    most: float,
    time_s: float,
    is_served: bool,
    hold_s: float,
    stretch_s: float,
) -> State:
    """recovered, recovering or collapsed.

    `missing` float64[n] are those who wait (holders without a lease, jobs without an answer), `queue` the requests in
    the queues, abandoned ones too; up to `most` missing is as good as recovered. Recovered: it was reached (`time_s` is
    finite), was so within the last `hold_s`, and what comes in `is_served`. Recovering: it is reached at the horizon,
    or over the last `stretch_s` those who wait become fewer, or they neither become fewer nor more and the queue before
    them falls. Else collapsed: no drift towards recovery.
    """
    reached = missing <= most
    is_held = bool(reached[times_s > times_s[-1] - max(hold_s, 1e-9)].any())
    if math.isfinite(time_s) and is_held and is_served:
        return State("recovered", math.nan, math.nan, False)
    waiting, before_them = drift(times_s, missing - most, stretch_s), drift(times_s, queue, stretch_s)
    told, left = (waiting, missing[-1] - most) if waiting.falls or waiting.rises else (before_them, queue[-1])
    end = float(times_s[-1])
    if reached[-1] and is_served:
        return State("recovering", end, waiting.per_s, told.wanders)
    if told.falls and left > 0:
        return State("recovering", end + float(left) / -told.per_s, told.per_s, told.wanders)
    return State("collapsed", math.nan, told.per_s, told.wanders)


def stretch_s(times_s: np.ndarray, from_s: float, hold_s: float, cycle_s: float) -> float:
    """Over how long a drift is looked at: the last quarter of the time since `from_s`; or, if longer, `hold_s` or
    CYCLES times what a client waits for one try and its next, but no more than the later half.
    """
    since_s = max(float(times_s[-1]) - from_s, 0.0)
    return min(max(CYCLES * cycle_s, hold_s, since_s / 4), since_s / 2)


def relapses(times_s: np.ndarray, leased_share: np.ndarray, from_s: float, up: float = 0.9, down: float = 0.8) -> int:
    """How often the share falls below `down` after it had come back to `up`, from `from_s` on."""
    count, was_up = 0, False
    for share in leased_share[times_s >= from_s].tolist():
        if share >= up:
            was_up = True
        elif share < down and was_up:
            count, was_up = count + 1, False
    return count


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


def normal_of(times_s: np.ndarray, unanswered: np.ndarray, quiet: np.ndarray, from_s: float) -> Normal:
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


def jobs_times_s(
    times_s: np.ndarray, unanswered: np.ndarray, normal: Normal, from_s: float, hold_s: float
) -> dict[str, float]:
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


def is_served(times_s: np.ndarray, succeeded: np.ndarray, gave_up: np.ndarray, hold_s: float) -> bool:
    """Whether of the jobs that ended in the last `hold_s` at least 90 % succeeded; where none ended, too."""
    last = times_s > times_s[-1] - hold_s
    return bool(succeeded[last].sum() >= 0.9 * (succeeded[last].sum() + gave_up[last].sum()))


def excess_hours(times_s: np.ndarray, missing: np.ndarray, level: float, from_s: float) -> float:
    """Area of `missing` (holders or jobs, at the ends of windows) above its normal `level`, from `from_s` to the
    horizon, in hours times holders or jobs; straight lines between the ends of windows.
    """
    after = times_s >= from_s
    return float(np.trapezoid(np.maximum(missing[after] - level, 0.0), times_s[after]) / 3600)


def amplification_peak(
    times_s: np.ndarray, attempts: np.ndarray, succeeded: np.ndarray, from_s: float, stretch_s: float
) -> float:
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
