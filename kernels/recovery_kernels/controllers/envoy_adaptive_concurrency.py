"""A limit of concurrency that is set anew at every interval, by how the median time now compares with that at rest.

Source: Envoy, gradient_controller.cc (c35f67f) and adaptive_concurrency.proto; its histogram is libcircllhist's
(3f40320). Two kinds of window take turns. In one for the time at rest the limit is `least`, and the first `requests`
samples of what was let in since it began give that time m: their quantile `quantile_share`. The limit is then what it
was before. Such a window begins at the start; `rest_every_s` after the one before has ended, plus a draw of up to
`jitter` of that; and at once when the limit was set to `least`, from `least`, five times in a row. Between them, every
`every_s`, the quantile t of the samples since the last time moves the limit L: g = m (1 + buffer) / t, held between 0.5
and 2, and then ⌊L g + √(L g)⌋, held between `least` and `most`. Without a sample nothing happens.

Every answer is a sample, also of a failure, a drop, or for a client that has gone; a request that is cancelled or lost
is none. Times are whole µs. The histogram has 90 slices in each power of ten (a time is known to 1 to 10 %), from 1 µs
to 10,000 s; what is outside counts in the first or the last slice. The k-th of n samples in a slice stands at k/(n + 1)
of it, cut to whole µs.

Decided here: timers are looked at when a request asks or something is heard. What fell due until then happens first, in
its order; of two at the same time the sampling before the rest. The interval of the rest is whole ms, as there. The
jitter is of `facts.u`. Envoy has no default for the two intervals; its documentation's example has 100 ms and 60 s.
"""

import math

from recovery_kernels.controllers import DROPPED, FAILED, SUCCEEDED, WASTED
from recovery_kernels.jit import inline
from recovery_kernels.samples import in_ns

AXIS = "admission"
PARAMS = ("least", "most", "every_s", "rest_every_s", "requests", "jitter", "buffer", "quantile_share")
MEMORY = {
    "limit": 1,
    "kept_limit": 1,  # that from before the window for the time at rest; 0: there is none now
    "rest_ns": 1,
    "rest_from_ns": 1,  # when the last such window began
    "rest_due_ns": 1,
    "sample_due_ns": 1,
    "at_least_count": 1,
    "count": 1,
    "lowest": 1,  # slice with a sample
    "highest": 1,
    "slices": 900,
}
_NEVER = 1e300
_DECADES = 10
_OF_DECADE = 90


@inline
def _set_limit(params, memory, limit):  # type: ignore[no-untyped-def]
    """The limit becomes another, or the least one once more: a fifth time in a row asks for the time at rest."""
    is_least = memory.kept_limit == 0.0 and memory.limit == params.least and limit == params.least
    memory.at_least_count = memory.at_least_count + 1.0 if is_least else 0.0
    memory.limit = limit


@inline
def _clear(memory):  # type: ignore[no-untyped-def]
    """No samples."""
    if memory.count > 0.0:
        for i in range(int(memory.lowest), int(memory.highest) + 1):
            memory.slices[i] = 0.0
    memory.count = 0.0


@inline
def _take(memory, took_us):  # type: ignore[no-untyped-def]
    """One more sample, of whole µs."""
    decade, scale, took_us = 0, 1.0, max(1.0, took_us)
    while decade < _DECADES - 1 and took_us >= scale * 10.0:
        decade += 1
        scale *= 10.0
    digits = min(math.floor(took_us / scale * 10.0 + 1e-13), _OF_DECADE + 9)  # the first two, 10 to 99
    i = decade * _OF_DECADE + digits - 10
    memory.slices[int(i)] = memory.slices[int(i)] + 1.0
    memory.lowest = i if memory.count == 0.0 else min(memory.lowest, i)
    memory.highest = i if memory.count == 0.0 else max(memory.highest, i)
    memory.count += 1.0


@inline
def _quantile_ns(params, memory):  # type: ignore[no-untyped-def]
    """The quantile of the samples, which are forgotten."""
    wanted, below = memory.count * params.quantile_share, 0.0
    i, last = int(memory.lowest), int(memory.highest)
    while i < last and (memory.slices[i] == 0.0 or below + memory.slices[i] < wanted):
        below += memory.slices[i]
        i += 1
    scale = 1.0
    for _ in range(i // _OF_DECADE):
        scale *= 10.0
    here = memory.slices[i]
    left = (i % _OF_DECADE + 10) / 10.0 * scale
    place = max(1.0, -math.floor(below - wanted))  # rounded up
    found_us = math.floor(left + place / (here + 1.0) * (scale / 10.0))
    _clear(memory)
    return found_us * 1000.0


@inline
def _next_limit(params, memory, took_ns):  # type: ignore[no-untyped-def]
    """The limit that follows from the time now."""
    gradient = max(0.5, min(2.0, (memory.rest_ns + memory.rest_ns * params.buffer) / took_ns))
    limit = memory.limit * gradient
    return max(params.least, min(params.most, float(math.floor(limit + math.sqrt(limit)))))


@inline
def _pass_time(params, memory, now_ns):  # type: ignore[no-untyped-def]
    """What fell due until now happens, in its order."""
    every_ns = in_ns(params.every_s)
    while min(memory.sample_due_ns, memory.rest_due_ns) <= now_ns:
        if memory.sample_due_ns > memory.rest_due_ns:
            memory.rest_from_ns = memory.rest_due_ns
            memory.rest_due_ns = _NEVER
            memory.kept_limit = memory.limit
            _set_limit(params, memory, params.least)
            _clear(memory)
        elif memory.kept_limit > 0.0:
            memory.sample_due_ns = _NEVER  # until the time at rest is known
        else:
            if memory.count > 0.0:
                _set_limit(params, memory, _next_limit(params, memory, _quantile_ns(params, memory)))
                if memory.at_least_count >= 5.0:
                    memory.rest_due_ns = memory.sample_due_ns
            # Until something else happens there is no sample, and nothing to do.
            until_ns = min(now_ns, memory.rest_due_ns)
            times = max(0.0, float(math.floor((until_ns - memory.sample_due_ns) / every_ns)))
            memory.sample_due_ns += (times + 1.0) * every_ns


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """A window for the time at rest begins."""
    memory.limit = params.least
    memory.kept_limit = params.least
    memory.rest_ns = 0.0
    memory.rest_from_ns = in_ns(facts.now_s)
    memory.rest_due_ns = _NEVER
    memory.sample_due_ns = in_ns(facts.now_s) + in_ns(params.every_s)
    memory.at_least_count = 0.0
    _clear(memory)


def ask(params, memory, facts):  # type: ignore[no-untyped-def]
    """Whether there are fewer than the limit."""
    _pass_time(params, memory, in_ns(facts.now_s))
    return 1.0 if facts.waiting + facts.in_service < memory.limit else 0.0


def told(params, memory, facts):  # type: ignore[no-untyped-def]
    """An answer is a sample; the last that is needed for the time at rest gives that."""
    now_ns = in_ns(facts.now_s)
    _pass_time(params, memory, now_ns)
    if facts.event != SUCCEEDED and facts.event != WASTED and facts.event != FAILED and facts.event != DROPPED:
        return
    took_ns = in_ns(facts.sojourn_s)
    if now_ns - took_ns < memory.rest_from_ns:
        return
    _take(memory, float(math.floor(took_ns / 1000.0)))
    if memory.kept_limit > 0.0 and memory.count >= params.requests:
        memory.rest_ns = _quantile_ns(params, memory)
        _set_limit(params, memory, memory.kept_limit)
        memory.kept_limit = 0.0
        rest_every_ms = math.floor(params.rest_every_s * 1000.0 + 0.5)
        most_ms = -math.floor(-rest_every_ms * params.jitter)  # rounded up
        drawn_ms = math.floor(facts.u * most_ms)
        memory.rest_due_ns = now_ns + (rest_every_ms + drawn_ms) * 1e6
        memory.sample_due_ns = now_ns + in_ns(params.every_s)
