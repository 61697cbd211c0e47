"""Timers of clients, three each, in a hashed timing wheel with an exact order (see `recovery_kernels.events`).

A timer's number is 4 · row + which. Slot `(due >> shift) & mask` holds a doubly linked list; when the cursor reaches a
slot its timers move to the heap `near`, whose entries are (time, order, number): order is kind, class and client. A
timer in the heap is disarmed by its `due`: an entry that `due` contradicts is skipped when it comes up.
"""

import numpy as np

from recovery_kernels.events import NEVER, place
from recovery_kernels.jit import inline, kernel
from recovery_kernels.sessions.layout import (
    ASKS,
    CLASS,
    CURSOR,
    DEADLINE,
    EXPIRY,
    LEASE_END,
    MAIN,
    NEAR_SIZE,
    NONE,
    NOTICE,
    STATE,
    SUBMISSION,
    TIMER_BITS,
    TIMERS,
    UNAWARE,
    WHO,
)


@inline
def row_of(timer):  # type: ignore[no-untyped-def]
    """Whose timer it is."""
    return timer >> TIMER_BITS


@inline
def which_of(timer):  # type: ignore[no-untyped-def]
    """Which of the timers of its client it is."""
    return timer & (TIMERS - 1)


@inline
def order_of(h, timer):  # type: ignore[no-untyped-def]
    """Kind, class and client of a timer as one number."""
    row, which = row_of(timer), which_of(timer)
    kind = SUBMISSION
    if which == LEASE_END:
        kind = EXPIRY
    elif which == MAIN:
        state = h.clients[place(row), STATE]
        if state == ASKS:
            kind = DEADLINE
        elif state == UNAWARE:
            kind = NOTICE
    return (kind << 58) | (h.clients[place(row), CLASS] << 52) | h.clients[place(row), WHO]


@inline
def kind_of(order):  # type: ignore[no-untyped-def]
    """The kind in an order."""
    return order >> 58


@inline
def _is_before(near, i, time, order):  # type: ignore[no-untyped-def]
    return near[place(i), 0] < time or (near[place(i), 0] == time and near[place(i), 1] <= order)


@kernel
def _sift_in(near, size, time, order, timer):  # type: ignore[no-untyped-def]
    i = size
    while i > 0:
        parent = (i - 1) >> 1
        if _is_before(near, parent, time, order):
            break
        for k in range(3):
            near[place(i), k] = near[place(parent), k]
        i = parent
    near[place(i), 0] = time
    near[place(i), 1] = order
    near[place(i), 2] = timer


@kernel
def sift_out(h, size):  # type: ignore[no-untyped-def]
    """Remove the first entry of the heap near[:size]; the caller counts it."""
    near = h.near
    last = size - 1
    time, order, timer = near[place(last), 0], near[place(last), 1], near[place(last), 2]
    i = 0
    child = 1
    while child < last:
        if child + 1 < last and _is_before(near, child + 1, near[place(child), 0], near[place(child), 1]):
            child += 1
        if not _is_before(near, child, time, order):
            break
        for k in range(3):
            near[place(i), k] = near[place(child), k]
        i = child
        child = 2 * i + 1
    near[place(i), 0] = time
    near[place(i), 1] = order
    near[place(i), 2] = timer


@inline
def _put(h, shift, timer):  # type: ignore[no-untyped-def]
    whole = h.whole
    due = h.due[place(timer)]
    number = due >> shift
    if number <= whole[CURSOR]:
        _sift_in(h.near, whole[NEAR_SIZE], due, order_of(h, timer), timer)
        whole[NEAR_SIZE] += 1
        return
    slot = place(number & (h.heads.shape[0] - 1))
    follower = h.heads[slot]
    h.after[place(timer)] = follower
    h.before[place(timer)] = NONE
    if follower != NONE:
        h.before[place(follower)] = timer
    h.heads[slot] = timer


@inline
def arm(h, shift, row, which, due):  # type: ignore[no-untyped-def]
    """Start a timer that is not armed. Its order is what the client's row says now."""
    timer = TIMERS * row + which
    h.due[place(timer)] = due
    _put(h, shift, timer)


@inline
def disarm(h, shift, row, which):  # type: ignore[no-untyped-def]
    """Stop a timer, if it is armed."""
    timer = TIMERS * row + which
    due = h.due[place(timer)]
    if due == NEVER:
        return
    h.due[place(timer)] = NEVER
    number = due >> shift
    if number > h.whole[CURSOR]:
        follower = h.after[place(timer)]
        leader = h.before[place(timer)]
        if leader == NONE:
            h.heads[place(number & (h.heads.shape[0] - 1))] = follower
        else:
            h.after[place(leader)] = follower
        if follower != NONE:
            h.before[place(follower)] = leader


@inline
def is_live(h, i):  # type: ignore[no-untyped-def]
    """Whether an entry of the heap still is a timer."""
    timer = h.near[place(i), 2]
    return h.due[place(timer)] == h.near[place(i), 0] and order_of(h, timer) == h.near[place(i), 1]


@inline
def turn(h, shift):  # type: ignore[no-untyped-def]
    """Move the timers that are due in the cursor's slot to the heap; those of later rounds stay."""
    cursor = h.whole[CURSOR]
    slot = place(cursor & (h.heads.shape[0] - 1))
    timer = np.int64(h.heads[slot])
    h.heads[slot] = NONE
    while timer != NONE:
        follower = np.int64(h.after[place(timer)])
        _put(h, shift, timer)
        timer = follower


@kernel
def tidy(h):  # type: ignore[no-untyped-def]
    """Remove dead entries from the heap, and the doubles of living ones."""
    near, end = h.near, h.whole[NEAR_SIZE]
    size = end
    while size > 0:  # heapsort in place: the order ends up descending
        time, order, timer = near[0, 0], near[0, 1], near[0, 2]
        sift_out(h, size)
        size -= 1
        near[place(size), 0], near[place(size), 1], near[place(size), 2] = time, order, timer
    for i in range(end // 2):  # ascending order is heap order
        j = end - 1 - i
        for k in range(3):
            near[place(i), k], near[place(j), k] = near[place(j), k], near[place(i), k]
    size = 0
    for i in range(end):
        is_double = size > 0 and (
            near[place(i), 0] == near[place(size - 1), 0]
            and near[place(i), 1] == near[place(size - 1), 1]
            and near[place(i), 2] == near[place(size - 1), 2]
        )
        if is_live(h, i) and not is_double:
            for k in range(3):
                near[place(size), k] = near[place(i), k]
            size += 1
    h.whole[NEAR_SIZE] = size
