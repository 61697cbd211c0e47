"""Adaptive throttling: attempts are held back at random when far fewer are accepted than are made.

Source: Site Reliability Engineering (O'Reilly, 2016), chapter 21, "Client-Side Throttling", equation 21-1. Over the
last `window_s`: an attempt is held back with probability max(0, (requests − K · accepts) / (requests + 1)). `requests`
are all attempts, those too that are held back, counted when they are made; `accepts` are those that the server took in.

Decided here: an error of the server is an accept, since it did the work; a refusal, a drop, a loss and a timeout are
none. The window moves on by tenths, on a grid.
"""

import math

from recovery_kernels.controllers import FAILED, SUCCEEDED
from recovery_kernels.jit import inline

AXIS = "guard"
PARAMS = ("k", "window_s", "otherwise_s")
SLOTS = 10
MEMORY = {"slot": 1, "requests": 1, "accepts": 1, "asked": SLOTS, "accepted": SLOTS}


@inline
def _move_on(params, memory, facts):  # type: ignore[no-untyped-def]
    """Forget the slots that are over; returns the place of the one that is written."""
    slot = math.floor(facts.now_s * SLOTS / params.window_s)
    for i in range(min(int(slot - memory.slot), SLOTS)):
        at = (int(slot) - i) % SLOTS
        memory.requests -= memory.asked[at]
        memory.accepts -= memory.accepted[at]
        memory.asked[at] = 0.0
        memory.accepted[at] = 0.0
    memory.slot = float(slot)
    return int(slot) % SLOTS


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """Nothing was asked."""
    memory.slot = float(math.floor(facts.now_s * SLOTS / params.window_s))


def ask(params, memory, facts):  # type: ignore[no-untyped-def]
    """Held back by chance."""
    at = _move_on(params, memory, facts)
    held = max(0.0, (memory.requests - params.k * memory.accepts) / (memory.requests + 1.0))
    memory.asked[at] += 1.0
    memory.requests += 1.0
    return -params.otherwise_s if facts.u < held else 0.0


def told(params, memory, facts):  # type: ignore[no-untyped-def]
    """The server took one in."""
    if facts.event == SUCCEEDED or facts.event == FAILED:
        at = _move_on(params, memory, facts)
        memory.accepted[at] += 1.0
        memory.accepts += 1.0
