"""Two budgets of retries: so many attempts a request, and a share of what a client sends.

Source: Site Reliability Engineering (O'Reilly, 2016), chapter 21, "Deciding to Retry". A request that failed
`attempts` times is given up; a retry goes out only while retries are less than a share of all attempts sent.

Decided here: the book says of no time over which the share is taken; it is the last `window_s`, which moves on by
tenths, on a grid. Where nothing was sent in it, the share is 0.
"""

import math

from recovery_kernels.controllers import SENT
from recovery_kernels.jit import inline

AXIS = "guard"
PARAMS = ("share", "attempts", "window_s", "otherwise_s")
SLOTS = 10
MEMORY = {"slot": 1, "requests": 1, "retries": 1, "sent": SLOTS, "retried": SLOTS}


@inline
def _move_on(params, memory, facts):  # type: ignore[no-untyped-def]
    """Forget the slots that are over; returns the place of the one that is written."""
    slot = math.floor(facts.now_s * SLOTS / params.window_s)
    for i in range(min(int(slot - memory.slot), SLOTS)):
        at = (int(slot) - i) % SLOTS
        memory.requests -= memory.sent[at]
        memory.retries -= memory.retried[at]
        memory.sent[at] = 0.0
        memory.retried[at] = 0.0
    memory.slot = float(slot)
    return int(slot) % SLOTS


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """Nothing was sent."""
    memory.slot = float(math.floor(facts.now_s * SLOTS / params.window_s))


def ask(params, memory, facts):  # type: ignore[no-untyped-def]
    """A retry beyond one of the budgets is given up."""
    if facts.tries == 0.0:
        return 0.0
    _move_on(params, memory, facts)
    is_below = memory.requests == 0.0 or memory.retries / memory.requests < params.share
    return 0.0 if facts.tries < params.attempts and is_below else -params.otherwise_s


def told(params, memory, facts):  # type: ignore[no-untyped-def]
    """An attempt is sent."""
    if facts.event == SENT:
        at = _move_on(params, memory, facts)
        memory.sent[at] += 1.0
        memory.requests += 1.0
        if facts.tries > 0.0:
            memory.retried[at] += 1.0
            memory.retries += 1.0
