"""A circuit breaker: it opens when too many of the last calls failed, waits, then tries a few.

Source: resilience4j, CircuitBreakerStateMachine and CircuitBreakerMetrics (af9e7c9), window by count. Closed: each end
of a call is put into a ring of the last `window`; from `least` calls in it on it opens where failures, or calls longer
than `slow_s`, are at least so many per cent of them. Open: nothing passes; the first that asks later than `open_s`
makes it half-open. Half-open: `probes` calls pass and no other; when min(least, probes) of them have ended, it opens or
closes by the same shares. A call counts in the state in which it ends, and not at all while the breaker is open.

A call is a digit to the base 4 in the ring: 1 if it failed, 2 more if it was slow; 25 of them are one exact number.
"""

import math

from recovery_kernels.controllers import SENT, SUCCEEDED
from recovery_kernels.jit import inline

AXIS = "guard"
PARAMS = ("failed_percent", "window", "least", "open_s", "probes", "slow_s", "slow_percent", "otherwise_s")
DIGITS, WORDS = 25, 40
WINDOW_MAX = DIGITS * WORDS
MEMORY = {
    "state": 1,
    "opened_s": 1,
    "passes": 1,  # probes that may still pass
    "calls": 1,  # in the ring
    "failed": 1,
    "slow": 1,
    "at": 1,  # the place in the ring that is next
    "weight": 1,  # of its digit
    "ring": WORDS,
}
CLOSED, OPEN, HALF_OPEN = 0.0, 1.0, 2.0


@inline
def _enter(params, memory, state):  # type: ignore[no-untyped-def]
    """Another state, with no calls in the ring."""
    memory.state = state
    memory.passes = params.probes
    memory.calls = memory.failed = memory.slow = memory.at = 0.0
    memory.weight = 1.0
    for i in range(WORDS):
        memory.ring[i] = 0.0


@inline
def _put(memory, failed, slow, window):  # type: ignore[no-untyped-def]
    """A call into the ring, in place of the oldest one where it is full."""
    word = int(memory.at) // DIGITS
    old = math.floor(memory.ring[word] / memory.weight) % 4
    if memory.calls >= window:
        memory.failed -= float(old % 2)
        memory.slow -= float(old // 2)
    else:
        memory.calls += 1.0
    memory.failed += failed
    memory.slow += slow
    memory.ring[word] += (failed + 2.0 * slow - float(old)) * memory.weight
    memory.at += 1.0
    memory.weight *= 4.0
    if memory.at >= window:
        memory.at = 0.0
    if int(memory.at) % DIGITS == 0:
        memory.weight = 1.0


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """Closed, without calls."""
    _enter(params, memory, CLOSED)


def ask(params, memory, facts):  # type: ignore[no-untyped-def]
    """All pass while it is closed, none while it is open, a few between."""
    if memory.state == CLOSED:
        return 0.0
    if memory.state == OPEN:
        if facts.now_s <= memory.opened_s + params.open_s:
            return -params.otherwise_s
        _enter(params, memory, HALF_OPEN)
    if memory.passes <= 0.0:
        return -params.otherwise_s
    memory.passes -= 1.0
    return 0.0


def told(params, memory, facts):  # type: ignore[no-untyped-def]
    """A call ends."""
    if facts.event == SENT or memory.state == OPEN:
        return
    window, least = params.window, min(params.least, params.window)
    if memory.state == HALF_OPEN:
        window, least = params.probes, min(params.least, params.probes)
    failed = 0.0 if facts.event == SUCCEEDED else 1.0
    _put(memory, failed, 1.0 if facts.sojourn_s > params.slow_s else 0.0, window)
    if memory.calls < least:
        return
    if (
        100.0 * memory.failed / memory.calls >= params.failed_percent
        or 100.0 * memory.slow / memory.calls >= params.slow_percent
    ):
        memory.opened_s = facts.now_s
        _enter(params, memory, OPEN)
    elif memory.state == HALF_OPEN:
        _enter(params, memory, CLOSED)
