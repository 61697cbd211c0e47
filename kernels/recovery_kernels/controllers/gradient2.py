"""A limit of concurrency that falls as far as requests take longer now than they did over a long time.

Source: Netflix concurrency-limits, Gradient2Limit and ExpAvgMeasurement (78a74b9), read in Java. With the limit L (a
fraction; ⌊L⌋ is in force), the time t of a sample, and the long mean m of times, which t enters first: the first ten
samples' plain mean, then m + (t − m) · 2 / (`long` + 1). If m / t > 2, m is kept as 0.95 m, for later. While less than
half of L is in use (inflight < L/2), L stays. Else the gradient g = tolerance · m / t is held between 0.5 and 1, and
L goes `smoothing` of the way to L g + `headroom`, and is held between `least` and `most`. A sample is a window, as the
project's README sets it up (`recovery_kernels.samples`); with `window_s` = 0 every request is one.
Decided here: a sample of no time at all is none (the original's limit is no number from there on).
"""

import math

from recovery_kernels.controllers import CANCELLED, DROPPED, FAILED, SUCCEEDED, WASTED
from recovery_kernels.samples import sample

AXIS = "admission"
PARAMS = ("initial", "least", "most", "smoothing", "headroom", "long", "tolerance", "window_s")
MEMORY = {
    "limit": 1,
    "long_ns": 1,
    "long_sum_ns": 1,
    "long_count": 1,
    "took_ns": 1,
    "inflight": 1,
    "has_drop": 1,
    "window_ends_ns": 1,
    "window_sum_ns": 1,
    "window_count": 1,
    "window_most": 1,
    "window_has_drop": 1,
}
_WARM = 10.0  # samples whose plain mean is the first long one


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """The limit is the first one, no time is known."""
    memory.limit = params.initial
    memory.long_ns = 0.0
    memory.long_sum_ns = 0.0
    memory.long_count = 0.0
    memory.window_ends_ns = 0.0
    memory.window_sum_ns = 0.0
    memory.window_count = 0.0
    memory.window_most = 0.0
    memory.window_has_drop = 0.0


def ask(params, memory, facts):  # type: ignore[no-untyped-def]
    """Whether there are fewer than the limit's whole number."""
    return 1.0 if facts.waiting + facts.in_service < math.floor(memory.limit) else 0.0


def told(params, memory, facts):  # type: ignore[no-untyped-def]
    """What is over enters the long mean, and moves the limit."""
    has_drop = 1.0 if facts.event == DROPPED or facts.event == CANCELLED else 0.0
    if has_drop == 0.0 and facts.event != SUCCEEDED and facts.event != WASTED and facts.event != FAILED:
        return
    if not sample(params, memory, facts, has_drop):
        return
    limit, took_ns = memory.limit, memory.took_ns
    if took_ns <= 0.0:
        return
    if memory.long_count < _WARM:
        memory.long_count += 1.0
        memory.long_sum_ns += took_ns
        memory.long_ns = memory.long_sum_ns / memory.long_count
    else:
        share = 2.0 / (params.long + 1.0)
        memory.long_ns = memory.long_ns * (1.0 - share) + took_ns * share
    long_ns = memory.long_ns
    if long_ns / took_ns > 2.0:
        memory.long_ns = long_ns * 0.95
    if memory.inflight < limit / 2.0:
        return
    gradient = max(0.5, min(1.0, params.tolerance * long_ns / took_ns))
    wanted = limit * gradient + params.headroom
    wanted = limit * (1.0 - params.smoothing) + wanted * params.smoothing
    memory.limit = max(params.least, min(params.most, wanted))
