"""Launches, propagation and health checks where one gives something back to one before it: window by window.

Instances that are terminated come back as launches one window later, and admission of launches may look at what waits
in propagation. So each stage runs one window, then the next stage does. The kernels of the stages are called by
address: a kernel that held all three would take as long to compile as they do together.
"""

from typing import NamedTuple

import numpy as np

from recovery_kernels import batches, health, launch_door, launches, propagation, waiting
from recovery_kernels.by_address import run
from recovery_kernels.events import NEVER, place
from recovery_kernels.jit import inline, kernel

# What `advance` may say: DONE, or the number of a stage and what that says, which its caller sees to.
DONE = 0
LAUNCHES, PROPAGATION, HEALTH = range(3)
STAGES = 3


class Launching(NamedTuple):
    """The launch stage: the address of `launches.advance`, and what that takes."""

    address: int
    params: launches.Params
    keys: launches.Keys
    inputs: launches.Inputs
    state: launches.State
    door: launch_door.Door


class Propagating(NamedTuple):
    """Propagation: the address of `propagation.advance`, what that takes, and whether admission of launches looks."""

    address: int
    params: propagation.Params
    keys: propagation.Keys
    inputs: propagation.Inputs
    state: propagation.State
    is_seen: int


class Checking(NamedTuple):
    """Health checks: the address of `health.advance`, and what that takes."""

    address: int
    params: health.Params
    keys: health.Keys
    inputs: health.Inputs
    state: health.State


@inline
def _bring_back(first, third):  # type: ignore[no-untyped-def]
    """Let launches of the instances that were terminated in the last window wait for this one. False if there may be no
    chunk for them (call again).
    """
    whole, orders, waits = third.state.whole, third.state.orders, first.state.waiting
    count = whole[health.ORDERS]
    if count > 0 and waits.free[waiting.CHUNKS] < count // waiting.ITEMS + 2:
        return False
    for i in range(count):
        time = orders[place(i), 0] + first.params.window_ns
        what = orders[place(i), 1] << batches.TRIES_BITS
        waiting.wait(waits, first.state.whole[launches.WINDOW], time, what)
    whole[health.ORDERS] = 0
    return True


@inline
def _in_service(second):  # type: ignore[no-untyped-def]
    """Jobs that workers work on at the end of the last window that has run."""
    end = second.state.whole[propagation.WINDOW] * second.params.window_ns
    busy = np.int64(0)
    for shard in range(second.state.free_ns.shape[0]):
        for worker in range(second.state.free_ns.shape[1]):
            free_ns = second.state.free_ns[place(shard), place(worker)]
            busy += end <= free_ns < NEVER
    return busy


@kernel
def advance(first, second, third, until):  # type: ignore[no-untyped-def]
    """Run the windows before `until` of launches, propagation and health checks; returns a status. If it is not DONE it
    is a stage and what that said, and the caller enlarges an array of it and calls again with nothing lost.
    """
    while third.state.whole[health.WINDOW] < until:
        after = third.state.whole[health.WINDOW] + 1
        if not _bring_back(first, third):
            return LAUNCHES + STAGES * launches.GROW_WAITING
        said = run(first.address, (first.params, first.keys, first.inputs, first.state, first.door), after)
        if said != launches.DONE:
            return LAUNCHES + STAGES * said
        said = run(second.address, (second.params, second.keys, second.inputs, second.state), after)
        if said != propagation.DONE:
            return PROPAGATION + STAGES * said
        if second.is_seen:
            first.door.whole[launch_door.SEEN_WAITING] = second.state.whole[propagation.WAITING]
            first.door.whole[launch_door.SEEN_IN_SERVICE] = _in_service(second)
        said = run(third.address, (third.params, third.keys, third.inputs, third.state), after)
        if said != health.DONE:
            return HEALTH + STAGES * said
    return DONE
