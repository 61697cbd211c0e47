"""Samples of how long requests took, as limits of concurrency gather them: one by one, or a window at a time.

The window is that of Netflix concurrency-limits, WindowedLimit (78a74b9): times are whole ns; the first request that
ends after the window's end is its last one, and the next window ends so much later. A window passes on the mean time,
cut to whole ns, the most requests that it saw at once, and whether any was dropped; one of fewer than ten requests is
thrown away. A time below 100 µs is no sample.
"""

import math

from recovery_kernels.jit import inline

_FEWEST = 10
_SHORTEST_NS = 100_000.0


@inline
def in_ns(seconds):  # type: ignore[no-untyped-def]
    """Whole ns of a time in s, rounded, as a float64."""
    return float(math.floor(seconds * 1e9 + 0.5))


@inline
def sample(params, memory, facts, has_drop):  # type: ignore[no-untyped-def]
    """Take in a request that is over, served or dropped (`has_drop` 0.0 or 1.0). Says whether there is a sample for the
    limit: how long it took (`memory.took_ns`), the most requests at once (`memory.inflight`), and `memory.has_drop`.

    Needs `params.window_s` (0: every request is a sample) and, in the memory, `took_ns`, `inflight`, `has_drop`, and of
    the window `window_ends_ns`, `window_sum_ns`, `window_count`, `window_most` and `window_has_drop`.
    """
    took_ns = in_ns(facts.sojourn_s)
    inflight = facts.waiting + facts.in_service + 1.0  # with itself
    if params.window_s <= 0.0:
        memory.took_ns = took_ns
        memory.inflight = inflight
        memory.has_drop = has_drop
        return True
    if took_ns < _SHORTEST_NS:
        return False
    memory.window_sum_ns += took_ns
    memory.window_count += 1.0
    memory.window_most = max(memory.window_most, inflight)
    memory.window_has_drop = max(memory.window_has_drop, has_drop)
    now_ns = in_ns(facts.now_s)
    if now_ns <= memory.window_ends_ns:
        return False
    memory.window_ends_ns = now_ns + in_ns(params.window_s)
    is_ready = memory.window_count >= _FEWEST
    memory.took_ns = math.floor(memory.window_sum_ns / memory.window_count)
    memory.inflight = memory.window_most
    memory.has_drop = memory.window_has_drop
    memory.window_sum_ns = 0.0
    memory.window_count = 0.0
    memory.window_most = 0.0
    memory.window_has_drop = 0.0
    return is_ready
