"""Every interleaving of a small DNS race: breadth first, so the first trace to an empty record is a shortest one.

Time is left out: any Enactor may take its next step at any moment. A state is one whole number. A step is: the Planner
publishes; an Enactor takes the newest plan, takes a lock, ends its transaction, cleans up. A lock that is lost changes
nothing and is no step. Guardrails act within the step that they guard.
"""

import numpy as np

from recovery_kernels.dns import (
    CLEANING,
    COMPARE_AND_SET,
    IDLE,
    KEEP_ACTIVE,
    ONE_WRITER,
    REFUSE_EMPTY,
    WAITING,
    WRITING,
)
from recovery_kernels.draws import mix64
from recovery_kernels.events import place
from recovery_kernels.jit import inline, kernel

PLANS_MAX, ENDPOINTS_MAX, ENACTORS_MAX = 7, 4, 3

# What `explore` may say.
IMPOSSIBLE, FOUND, FULL = range(3)

# Where the parts of a state lie: newest, deleted plans (a bit each), a record's plan, an Enactor's row.
_DELETED, _ACTIVE, _ENACTORS = 4, 12, 24
_ROW = 8  # bits of an Enactor: phase 2, plan 3, endpoint 3


@inline
def newest_of(state):  # type: ignore[no-untyped-def]
    """The newest generation."""
    return state & 15


@inline
def is_deleted(state, plan):  # type: ignore[no-untyped-def]
    """Whether a plan is gone."""
    return (state >> (_DELETED + plan)) & 1 == 1


@inline
def active_of(state, endpoint):  # type: ignore[no-untyped-def]
    """The generation in a record."""
    return (state >> (_ACTIVE + 3 * endpoint)) & 7


@inline
def row_of(state, e):  # type: ignore[no-untyped-def]
    """An Enactor's phase, plan and endpoint."""
    row = (state >> (_ENACTORS + _ROW * e)) & 255
    return row & 3, (row >> 2) & 7, row >> 5


@inline
def _with_row(state, e, phase, plan, endpoint):  # type: ignore[no-untyped-def]
    at = _ENACTORS + _ROW * e
    return (state & ~(np.int64(255) << at)) | (np.int64(phase | (plan << 2) | (endpoint << 5)) << at)


@inline
def is_empty(state, endpoints):  # type: ignore[no-untyped-def]
    """Whether some record's plan is gone."""
    for i in range(endpoints):
        if is_deleted(state, active_of(state, i)):
            return True
    return False


@kernel
def step(state, who, enactors, endpoints, plans, keep, guardrails):  # type: ignore[no-untyped-def]
    """The state (int64) after the next step of the Planner (who = 0) or of Enactor who − 1; -1 if it has none."""
    newest = newest_of(state)
    if who == 0:
        return state + 1 if newest < plans else np.int64(-1)
    e = who - 1
    phase, plan, endpoint = row_of(state, e)
    stride = enactors if guardrails & ONE_WRITER else 1
    first = e if guardrails & ONE_WRITER else 0
    if phase == IDLE:
        if first >= endpoints:
            return np.int64(-1)
        for i in range(first, endpoints, stride):
            if active_of(state, i) >= newest:
                return np.int64(-1)
        return _with_row(state, e, WAITING, newest, first)
    if phase == WAITING:
        for other in range(enactors):
            their_phase, _, their_endpoint = row_of(state, other)
            if their_phase == WRITING and their_endpoint == endpoint:
                return np.int64(-1)
        return _with_row(state, e, WRITING, plan, endpoint)
    if phase == WRITING:
        before = active_of(state, endpoint)
        if is_deleted(state, before):
            return _with_row(state, e, IDLE, 0, 0)
        if not (guardrails & COMPARE_AND_SET and before >= plan):
            if guardrails & REFUSE_EMPTY and is_deleted(state, plan):
                return _with_row(state, e, IDLE, 0, 0)
            at = _ACTIVE + 3 * endpoint
            state = (state & ~(np.int64(7) << at)) | (np.int64(plan) << at)
        if endpoint + stride < endpoints:
            return _with_row(state, e, WAITING, plan, endpoint + stride)
        return _with_row(state, e, CLEANING, plan, 0)
    for old in range(max(plan - keep, -1) + 1):
        used = False
        if guardrails & KEEP_ACTIVE:
            for i in range(endpoints):
                used = used or active_of(state, i) == old
        if not used:
            state |= np.int64(1) << (_DELETED + old)
    return _with_row(state, e, IDLE, 0, 0)


@kernel
def explore(enactors, endpoints, plans, keep, guardrails, table, states, parents, counts):  # type: ignore[no-untyped-def]
    """Look at every state that can be reached from the start (generation 0 everywhere, all idle).

    `table` int64[power of two] (filled with -1) and `states`, `parents` int64[at most half of it] are room; states come
    in the order in which they are found. counts int64[3]: states, steps looked at, and the place of the first state
    with an empty record. Returns IMPOSSIBLE, FOUND, or FULL when the room is not enough.
    """
    mask = table.shape[0] - 1
    states[0] = 0
    parents[0] = -1
    table[place(np.int64(mix64(np.uint64(0)) & np.uint64(mask)))] = 0
    found = np.int64(1)
    steps = np.int64(0)
    head = np.int64(0)
    while head < found:
        state = states[head]
        for who in range(enactors + 1):
            after = step(state, who, enactors, endpoints, plans, keep, guardrails)
            if after == -1:
                continue
            steps += 1
            slot = np.int64(mix64(np.uint64(after)) & np.uint64(mask))
            while table[place(slot)] != -1 and table[place(slot)] != after:
                slot = (slot + 1) & mask
            if table[place(slot)] == after:
                continue
            if found == states.shape[0]:
                return FULL
            table[place(slot)] = after
            states[place(found)] = after
            parents[place(found)] = head
            found += 1
            if is_empty(after, endpoints):
                counts[0] = found
                counts[1] = steps
                counts[2] = found - 1
                return FOUND
        head += 1
    counts[0] = found
    counts[1] = steps
    return IMPOSSIBLE
