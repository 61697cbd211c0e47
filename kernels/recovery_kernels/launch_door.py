"""Admission of launches, behind the operators' throttle (MODEL.md, section 9): a law, or a controller.

It looks at propagation as that was at the end of the window before, and hears at once what became of an attempt.
"""

from typing import NamedTuple

import numpy as np

from recovery_kernels import controllers, draws, hooks, limits
from recovery_kernels.arrays import Real, Whole
from recovery_kernels.draws import FAR_NS, uniform
from recovery_kernels.hooks import ASK, BEGIN, TOLD
from recovery_kernels.jit import inline, kernel

# Streams of draws, behind those of all other stages. CUSTOMER: the draw that a launch keeps, for controllers.
ADMIT, CONTROLLER, CUSTOMER = range(28, 31)

# Whole numbers that it remembers: those of its law, then what waits in propagation and what is in service there.
SEEN_WAITING, SEEN_IN_SERVICE = range(2, 4)
WHOLE = 4


class Door(NamedTuple):
    """Admission and what it remembers.

    law: of a limit without a controller; controllers int64[0 or 1, hooks.CONTROLLER_COLUMNS] with controller_params
    float64[n]; workers of propagation and what they can do, 1/s; keys (uint64) of its streams of draws; whole
    int64[WHOLE]; real float64[3]; memory float64[m] of the controller, facts float64[FACTS] for it.
    """

    law: limits.Limit
    controllers: Whole
    controller_params: Real
    workers: int
    capacity_per_s: float
    admit: np.uint64
    controller: np.uint64
    customer: np.uint64
    whole: Whole
    real: Real
    memory: Real
    facts: Real


@inline
def is_there(door):  # type: ignore[no-untyped-def]
    """Whether anything is asked at all."""
    return door.controllers.shape[0] != 0 or door.law.kind != limits.OPEN


@kernel
def _look(door, now, hook, event, identity, tries):  # type: ignore[no-untyped-def]
    """Facts about an attempt, and about propagation."""
    facts = door.facts
    facts[:] = 0.0
    facts[hooks.F_NOW] = now / 1e9
    facts[hooks.F_EVENT] = event
    facts[hooks.F_CLIENT] = identity >> 2
    facts[hooks.F_ATTEMPT] = tries
    facts[hooks.F_TRIES] = tries
    facts[hooks.F_COST] = 1.0
    facts[hooks.F_WAITING] = door.whole[SEEN_WAITING]
    facts[hooks.F_IN_SERVICE] = door.whole[SEEN_IN_SERVICE]
    facts[hooks.F_WORKERS] = door.workers
    facts[hooks.F_CAPACITY] = door.capacity_per_s
    facts[hooks.F_TIMEOUT] = FAR_NS / 1e9
    facts[hooks.F_LEFT] = FAR_NS / 1e9
    facts[hooks.F_HINT] = -1.0
    key = draws.at(door.controller, hooks.question(np.int64(0), hook, event))
    facts[hooks.F_U] = uniform(key, identity, tries + 1)
    facts[hooks.F_U_CLIENT] = uniform(door.customer, identity, np.int64(0))


@kernel
def begin(door):  # type: ignore[no-untyped-def]
    """The memory of the controller as it is at first."""
    _look(door, np.int64(0), np.int64(BEGIN), np.int64(controllers.NOTHING), np.int64(0), np.int64(0))
    hooks.hear(door.controllers, door.controller_params, np.int64(0), BEGIN, door.memory, np.int64(0), door.facts)


@kernel
def lets_in(door, now, identity, tries):  # type: ignore[no-untyped-def]
    """What it says to an attempt at `now`, after `tries` failures."""
    if door.controllers.shape[0] == 0:
        queue = door.whole[SEEN_WAITING]
        says = limits.lets_in(door.law, door.whole, door.real, now, queue, door.admit, identity, tries)
        if says:
            limits.spend(door.law, door.real)
        return says
    if not hooks.has(door.controllers, np.int64(0), ASK):
        return True
    c, at = np.int64(0), np.int64(0)
    _look(door, now, np.int64(ASK), np.int64(controllers.NOTHING), identity, tries)
    return hooks.answer(door.controllers, door.controller_params, c, ASK, door.memory, at, door.facts) > 0.0


@kernel
def tell(door, now, is_accepted, identity, tries):  # type: ignore[no-untyped-def]
    """The controller hears what became of an attempt that it let in."""
    if door.controllers.shape[0] != 0 and hooks.has(door.controllers, np.int64(0), TOLD):
        c, at = np.int64(0), np.int64(0)
        event = np.int64(controllers.SUCCEEDED if is_accepted else controllers.FAILED)
        _look(door, now, np.int64(TOLD), event, identity, tries)
        hooks.hear(door.controllers, door.controller_params, c, TOLD, door.memory, at, door.facts)
