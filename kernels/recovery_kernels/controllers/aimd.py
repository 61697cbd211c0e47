"""A limit of concurrency that rises by one with each request that is served in time, and falls by a share with a drop.

Source: Netflix concurrency-limits, AIMDLimit (78a74b9), read in Java. With the limit L, a whole number: a sample that
was dropped, or took longer than `timeout_s`, makes it ⌊L · backoff⌋; any other L + 1, if at least half of L was in use
(2 · inflight ≥ L); then it is held between `least` and `most`. A time equal to the timeout is in time. Every request is
a sample; with `window_s` a window is (`recovery_kernels.samples`, which says what a sample is).
"""

import math

from recovery_kernels.controllers import CANCELLED, DROPPED, FAILED, SUCCEEDED, WASTED
from recovery_kernels.samples import in_ns, sample

AXIS = "admission"
PARAMS = ("initial", "least", "most", "backoff", "timeout_s", "window_s")
MEMORY = {
    "limit": 1,
    "took_ns": 1,
    "inflight": 1,
    "has_drop": 1,
    "window_ends_ns": 1,
    "window_sum_ns": 1,
    "window_count": 1,
    "window_most": 1,
    "window_has_drop": 1,
}


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """The limit is the first one, and no window has begun."""
    memory.limit = params.initial
    memory.window_ends_ns = 0.0
    memory.window_sum_ns = 0.0
    memory.window_count = 0.0
    memory.window_most = 0.0
    memory.window_has_drop = 0.0


def ask(params, memory, facts):  # type: ignore[no-untyped-def]
    """Whether there are fewer than the limit."""
    return 1.0 if facts.waiting + facts.in_service < memory.limit else 0.0


def told(params, memory, facts):  # type: ignore[no-untyped-def]
    """What is over moves the limit."""
    has_drop = 1.0 if facts.event == DROPPED or facts.event == CANCELLED else 0.0
    if has_drop == 0.0 and facts.event != SUCCEEDED and facts.event != WASTED and facts.event != FAILED:
        return
    if not sample(params, memory, facts, has_drop):
        return
    limit = memory.limit
    if memory.has_drop > 0.0 or memory.took_ns > in_ns(params.timeout_s):
        limit = float(math.floor(limit * params.backoff))
    elif memory.inflight * 2.0 >= limit:
        limit += 1.0
    memory.limit = min(params.most, max(params.least, limit))
