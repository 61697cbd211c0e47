"""Where a run stands at the horizon: recovered, recovering or collapsed, and how what waits drifts. A leaf.

Arrays are on the grid: `times_s` float64[n] are the ends of the windows, levels are at those ends, flows are of the
windows.
"""

import math
from typing import Literal, NamedTuple

import numpy as np

from recovery.statistics.arrays import Floats, Numbers, Whole

BATCHES = 10  # of a stretch, whose means a drift is judged by
# Student's quantile 0.95 for 2 to 8 degrees of freedom, which are all that batches have: every run asks for one, and
# SciPy, which has them too, takes longer to load than a small run to be measured.
STUDENT_95 = (
    2.9199855803537242, 2.3533634348018233, 2.1318467863266495, 2.0150483733330233, 1.9431802805153042,
    1.8945786050900062, 1.8595480375308973,
)  # fmt: skip
CYCLES = 10  # tries of a client that a stretch holds
STRETCHES_MOST = 100  # what takes more such stretches to be gone does not fall
SWING = 0.1  # of all leases: what comes and goes by as much over a stretch comes in waves


class Drift(NamedTuple):
    """How fast a level changed over the last stretch, 1/s (below 0: it falls), and whether that is more than chance.

    `wanders`: it moves as a sum of chances does, not about a level of its own, and its drift is small beside that.
    """

    per_s: float
    falls: bool
    rises: bool
    wanders: bool


def drift(times_s: Floats, level: Numbers, stretch_s: float) -> Drift:
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
    sure = STUDENT_95[batches - 4] * float(steps.std(ddof=1)) / math.sqrt(batches - 1) / (size * window_s)
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


def comes_in_waves(times_s: Floats, level: Numbers, stretch_s: float, swing: float) -> bool:
    """Whether a level both rises and falls by at least `swing` (in its own unit) over its last `stretch_s`."""
    last = np.asarray(level[times_s > times_s[-1] - stretch_s], float)
    if not len(last):
        return False
    rises, falls = last - np.minimum.accumulate(last), np.maximum.accumulate(last) - last
    return bool(min(rises.max(), falls.max()) >= swing)


Verdict = Literal["recovered", "recovering", "collapsed"]


class State(NamedTuple):
    """Where a run stands at the horizon. `empty_at_s`: when what waits would be gone, s from the start (nan: it is
    back, does not fall, or comes in waves); `drift_per_s` of what waits (nan: it is back, or comes in waves);
    `is_near_cliff`: another run may end elsewhere.
    """

    verdict: Verdict
    empty_at_s: float
    drift_per_s: float
    is_near_cliff: bool


def state(
    times_s: Floats,
    missing: Numbers,
    queue: Whole,
    *,
    most: float,
    time_s: float,
    is_served: bool,
    hold_s: float,
    stretch_s: float,
    swing: float = math.inf,
) -> State:
    """How a run ended.

    `missing` float64[n] are those who wait (holders without a lease, jobs without an answer), `queue` the requests in
    the queues, abandoned ones too; up to `most` missing is as good as recovered. Recovered: it was reached (`time_s` is
    finite), was so within the last `hold_s`, and what comes in `is_served`. Recovering: it is reached at the horizon,
    or over the last `stretch_s` those who wait become fewer, or they neither become fewer nor more and the queue before
    them falls, or they come and go by `swing` in waves, whose drift tells nothing. Else collapsed: no drift towards
    recovery.
    """
    reached = missing <= most
    is_held = bool(reached[times_s.searchsorted(times_s[-1] - max(hold_s, 1e-9), side="right") :].any())
    if math.isfinite(time_s) and is_held and is_served:
        return State("recovered", math.nan, math.nan, False)
    waiting, before_them = (
        drift(times_s, np.asarray(missing - most, np.float64), stretch_s),
        drift(times_s, queue, stretch_s),
    )
    told, left = (waiting, missing[-1] - most) if waiting.falls or waiting.rises else (before_them, queue[-1])
    end = float(times_s[-1])
    if reached[-1] and is_served:
        return State("recovering", end, waiting.per_s, told.wanders)
    if told.falls and left > 0:
        return State("recovering", end + float(left) / -told.per_s, told.per_s, told.wanders)
    if comes_in_waves(times_s, missing, stretch_s, swing):
        return State("recovering", math.nan, math.nan, True)
    return State("collapsed", math.nan, told.per_s, told.wanders)


def stretch_s(times_s: Floats, from_s: float, hold_s: float, cycle_s: float) -> float:
    """Over how long a drift is looked at: the last quarter of the time since `from_s`; or, if longer, `hold_s` or
    CYCLES times what a client waits for one try and its next, but no more than the later half.
    """
    since_s = max(float(times_s[-1]) - from_s, 0.0)
    return min(max(CYCLES * cycle_s, hold_s, since_s / 4), since_s / 2)
