"""A limit of concurrency that follows how many requests seem to wait: from the time now and the shortest time known.

Source: Netflix concurrency-limits, VegasLimit (78a74b9), read in Java. With the limit L (a fraction; ⌊L⌋ is in force),
the time t of a sample, the shortest time s, and l = the whole digits of ⌊L⌋ less one, at least 1: q = ⌈L (1 − s/t)⌉
seem to wait. A drop: L − l. Else L stays while less than half of it is in use (2 · inflight < L); else q ≤ l: L + 6 l;
q < 3 l: L + l; q > 6 l: L − l; else L stays. What comes of it is held between 1 and `most`, and L goes `smoothing` of
the way there. A sample that is shorter than s only becomes s. Every `probe` · L · j samples, j drawn anew each time
between 0.5 and 1, a sample becomes s whatever it is. Every request is a sample; with `window_s` a window is.
Decided here: a sample of no time at all is none (the original fails there). j is of `facts.u`.
"""

import math

from recovery_kernels.controllers import CANCELLED, DROPPED, FAILED, SUCCEEDED, WASTED
from recovery_kernels.samples import sample

AXIS = "admission"
PARAMS = ("initial", "most", "smoothing", "probe", "window_s")
MEMORY = {
    "limit": 1,
    "shortest_ns": 1,  # 0: not known
    "probe_count": 1,
    "probe_jitter": 1,
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
    """The limit is the first one, no time is known."""
    memory.limit = params.initial
    memory.shortest_ns = 0.0
    memory.probe_count = 0.0
    memory.probe_jitter = 0.5 + 0.5 * facts.u
    memory.window_ends_ns = 0.0
    memory.window_sum_ns = 0.0
    memory.window_count = 0.0
    memory.window_most = 0.0
    memory.window_has_drop = 0.0


def ask(params, memory, facts):  # type: ignore[no-untyped-def]
    """Whether there are fewer than the limit's whole number."""
    return 1.0 if facts.waiting + facts.in_service < math.floor(memory.limit) else 0.0


def told(params, memory, facts):  # type: ignore[no-untyped-def]
    """What is over gives a shortest time, or moves the limit."""
    has_drop = 1.0 if facts.event == DROPPED or facts.event == CANCELLED else 0.0
    if has_drop == 0.0 and facts.event != SUCCEEDED and facts.event != WASTED and facts.event != FAILED:
        return
    if not sample(params, memory, facts, has_drop):
        return
    limit, took_ns = memory.limit, memory.took_ns
    if took_ns <= 0.0:
        return
    memory.probe_count += 1.0
    if memory.probe_jitter * params.probe * limit <= memory.probe_count:
        memory.probe_jitter = 0.5 + 0.5 * facts.u
        memory.probe_count = 0.0
        memory.shortest_ns = took_ns
        return
    if memory.shortest_ns == 0.0 or took_ns < memory.shortest_ns:
        memory.shortest_ns = took_ns
        return
    step, power = 1.0, 100.0
    while power <= math.floor(limit):
        step += 1.0
        power *= 10.0
    queue = -math.floor(-limit * (1.0 - memory.shortest_ns / took_ns))  # rounded up
    wanted = limit
    if memory.has_drop > 0.0:
        wanted = limit - step
    elif memory.inflight * 2.0 < limit:
        return
    elif queue <= step:
        wanted = limit + 6.0 * step
    elif queue < 3.0 * step:
        wanted = limit + step
    elif queue > 6.0 * step:
        wanted = limit - step
    else:
        return
    wanted = max(1.0, min(params.most, wanted))
    memory.limit = (1.0 - params.smoothing) * limit + params.smoothing * wanted
