"""A retry budget: each request pays something in, each retry takes more out, and what was paid in expires.

Source: Finagle, RetryBudget (0e26b57) over a leaky TokenBucket and WindowedAdder of com.twitter.util (17c8187). Linkerd
has the same budget with the same defaults. A request pays in `deposit` when its first attempt is sent; a retry takes
`withdrawal` if so much is there, with a reserve that is always there. What was paid in and taken out in the last ten
slots counts. A slot is over at the first look when it is `slot_ms` old, and the next one begins at that moment: slots
lie on no grid. Time is in whole milliseconds, as there.

Decided here: a retry takes its withdrawal when its back-off is over; there it does so before the back-off begins.
"""

import math

from recovery_kernels.jit import inline

AXIS = "guard"
PARAMS = ("slot_ms", "deposit", "withdrawal", "reserve", "otherwise_s")
OLD = 9  # slots beside the one that is written
MEMORY = {"since_ms": 1, "at": 1, "new": 1, "old": OLD}


@inline
def _now_ms(facts):  # type: ignore[no-untyped-def]
    return math.floor(math.floor(facts.now_s * 1e6 + 0.5) / 1e3)


@inline
def _move_on(params, memory, now_ms):  # type: ignore[no-untyped-def]
    """Put the slot away if it is over, and clear those that were left out."""
    slots = math.floor((now_ms - memory.since_ms) / params.slot_ms)
    if slots >= 1:
        at = int(memory.at)
        memory.old[at] = memory.new
        memory.new = 0.0
        at = (at + 1) % OLD
        for _ in range(min(int(slots) - 1, OLD)):
            memory.old[at] = 0.0
            at = (at + 1) % OLD
        memory.at = float(at)
        memory.since_ms = float(now_ms)


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """Nothing was paid in."""
    memory.since_ms = float(_now_ms(facts))


def ask(params, memory, facts):  # type: ignore[no-untyped-def]
    """A first attempt pays in; a retry takes out, or is given up."""
    _move_on(params, memory, _now_ms(facts))
    if facts.tries == 0.0:
        memory.new += params.deposit
        return 0.0
    balance = params.reserve + memory.new
    for i in range(OLD):
        balance += memory.old[i]
    if balance < params.withdrawal:
        return -params.otherwise_s
    memory.new -= params.withdrawal
    return 0.0
