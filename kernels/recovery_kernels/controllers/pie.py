"""PIE: a request is refused at the door with a chance that follows the wait, and how it changes.

Source: RFC 8033, section 4 (the basic scheme; the optional ones of section 5 are left out). The wait is measured by
time stamps (the RFC's second way; not by a rate of departure): that of the request which a worker took last, 0 if that
left the queue empty, as in Linux (sch_pie.c, 00ac0dc) and ns-3. Every `update_s` from the begin on, and not only while
requests come, the chance p grows by alpha (wait - target) + beta (wait - wait before), divided by the RFC's table where
p is small; a wait of 0 twice takes 2 % of p, as section 4.2 and both programs have it. Updates that are due are made up
for before anything else happens; one that is due at this moment comes first. No refusal while the allowance for bursts
lasts, while 2 or fewer others wait, or while the wait before is below half the target and p below 0.2.
"""

import math

from recovery_kernels.jit import inline

AXIS = "queue"
PARAMS = ("target_s", "update_s", "burst_s", "alpha", "beta")
MEMORY = {"wait_s": 1, "old_s": 1, "chance": 1, "burst_s": 1, "began_s": 1, "updates": 1}

_NOTHING_S = 1e-9  # what rounding leaves of an allowance of whole updates


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """No wait, no chance, the whole allowance."""
    memory.wait_s = 0.0
    memory.old_s = 0.0
    memory.chance = 0.0
    memory.burst_s = params.burst_s
    memory.began_s = facts.now_s
    memory.updates = 0.0


@inline
def _smaller(chance, change):  # type: ignore[no-untyped-def]
    """The change of a small chance, as the RFC's table has it."""
    if chance < 0.000001:
        return change / 2048.0
    if chance < 0.00001:
        return change / 512.0
    if chance < 0.0001:
        return change / 128.0
    if chance < 0.001:
        return change / 32.0
    if chance < 0.01:
        return change / 8.0
    if chance < 0.1:
        return change / 2.0
    return change


@inline
def _make_up(params, memory, facts):  # type: ignore[no-untyped-def]
    """Makes up for the updates that were due since the last event."""
    while memory.began_s + (memory.updates + 1.0) * params.update_s <= facts.now_s:
        chance, old_s, burst_s = memory.chance, memory.old_s, memory.burst_s
        change = params.alpha * (memory.wait_s - params.target_s) + params.beta * (memory.wait_s - old_s)
        new = chance + _smaller(chance, change)
        if memory.wait_s == 0.0 and old_s == 0.0:
            new = new * 0.98
        memory.chance = min(max(new, 0.0), 1.0)
        memory.old_s = memory.wait_s
        left_s = burst_s - params.update_s
        memory.burst_s = left_s if left_s > _NOTHING_S else 0.0
        memory.updates = memory.updates + 1.0
        if memory.chance == chance and memory.old_s == old_s and memory.burst_s == burst_s:
            # nothing changes any more until the next event: all but the last few that are due are counted at once
            due = float(math.floor((facts.now_s - memory.began_s) / params.update_s))
            memory.updates = max(memory.updates, due - 1.0)


def ask(params, memory, facts):  # type: ignore[no-untyped-def]
    """Refuses by chance."""
    _make_up(params, memory, facts)
    half_s = params.target_s / 2.0
    if memory.chance == 0.0 and memory.wait_s < half_s and memory.old_s < half_s:
        memory.burst_s = params.burst_s
    if memory.burst_s > 0.0 or facts.waiting <= 2.0 or (memory.old_s < half_s and memory.chance < 0.2):
        return 1.0
    return 0.0 if facts.u < memory.chance else 1.0


def head(params, memory, facts):  # type: ignore[no-untyped-def]
    """Measures the wait, and serves."""
    _make_up(params, memory, facts)
    memory.wait_s = 0.0 if facts.waiting == 0.0 else facts.waited_s
    return 1.0
