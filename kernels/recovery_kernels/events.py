"""Pending events: how clients wait for their next moment, and in which order the moments come.

Every client has at most one timer (its deadline while it waits for an answer, else its next submission). Timers lie in
a hashed timing wheel (Varghese and Lauck, 1987): slot `(due >> shift) & mask` holds a doubly linked list, so arming
and disarming touch a constant number of places. When the cursor reaches a slot, its timers move to a small binary heap
(`near`) that puts them into the exact order: time, then deadlines before submissions, then the lower client number.
The width of a slot decides only the speed, never the order.

A timer in the near heap is disarmed by changing the client's row: an entry whose row says otherwise is skipped when it
comes up.
"""

import numpy as np

from recovery_kernels.jit import inline, kernel

# A client is one row of int64: 64 bytes, one cache line.
EXPIRES = 0  # holders: when the lease runs out, ns; jobs: when the job arrived, ns
DUE = 1  # when the timer fires, ns
NEXT = 2  # neighbours in the wheel's slot, client numbers; NOBODY at the ends
PREVIOUS = 3
ATTEMPT = 4  # number of the newest attempt, from 0; the address of its draws
TRIES = 5  # attempts that did not succeed since the last success
STATE = 6
CLIENT = 7  # the client's number: which of all jobs this row holds now
COLUMNS = 8

# States of a client.
FREE, SLEEPING, QUEUED, SERVED, FORGOTTEN = range(5)

NOBODY = -1
CLIENT_BITS = 27
MAX_CLIENTS = 1 << CLIENT_BITS
MAX_SHIFT = 62 - 1 - CLIENT_BITS  # a near key is: time within the slot, one bit for the class, client number
SUBMISSION = 1 << CLIENT_BITS  # the class bit: deadlines (0) come before submissions
_LOW = MAX_CLIENTS - 1
NEVER = (1 << 63) - 1


@inline
def place(number):  # type: ignore[no-untyped-def]
    """An index that is known not to be negative: without this every access asks whether it counts from the end."""
    return np.uint64(number)


@inline
def row_of(client, wrap):  # type: ignore[no-untyped-def]
    """Row of a client's number, as an index."""
    return np.uint64(client & wrap)


@inline
def sift_in(near, size, key):  # type: ignore[no-untyped-def]
    """Put `key` into the binary heap near[:size]; the caller counts it."""
    i = np.int64(size)
    while i > 0:
        parent = (i - 1) >> 1
        if near[place(parent)] <= key:
            break
        near[place(i)] = near[place(parent)]
        i = parent
    near[place(i)] = key


@inline
def sift_out(near, size):  # type: ignore[no-untyped-def]
    """Remove the least key of the binary heap near[:size]; the caller counts it."""
    last = np.int64(size - 1)
    if last == 0:
        return
    key = near[place(last)]
    i = np.int64(0)
    child = np.int64(1)
    while child < last:
        if child + 1 < last and near[place(child + 1)] < near[place(child)]:
            child += 1
        if near[place(child)] >= key:
            break
        near[place(i)] = near[place(child)]
        i = child
        child = 2 * i + 1
    near[place(i)] = key


@inline
def near_key(due, start, state, client):  # type: ignore[no-untyped-def]
    """The place of a timer in the order of events within the slot that starts at `start`."""
    return ((due - start) << (CLIENT_BITS + 1)) | (SUBMISSION if state == SLEEPING else 0) | client


@inline
def key_client(key):  # type: ignore[no-untyped-def]
    """Client number of a near key."""
    return key & _LOW


@inline
def key_time(key, start):  # type: ignore[no-untyped-def]
    """Time of a near key, ns."""
    return start + (key >> (CLIENT_BITS + 1))


@inline
def arm(clients, wrap, heads, near, near_size, cursor, shift, client):  # type: ignore[no-untyped-def]
    """Start the timer that the client's row (DUE, STATE) describes. Returns the new size of the near heap.

    `clients` int64[rows, COLUMNS], row of a client = number & wrap; `heads` int32[slots], a power of two; `cursor` the
    number of the slot (not wrapped) that is in the near heap now. DUE must not lie before that slot.
    """
    row = row_of(client, wrap)
    due = clients[row, DUE]
    number = due >> shift
    if number <= cursor:
        sift_in(near, near_size, near_key(due, cursor << shift, clients[row, STATE], client))
        return near_size + 1
    slot = place(number & (heads.size - 1))
    follower = heads[slot]
    clients[row, NEXT] = follower
    clients[row, PREVIOUS] = NOBODY
    if follower != NOBODY:
        clients[row_of(follower, wrap), PREVIOUS] = client
    heads[slot] = client
    return near_size


@inline
def disarm(clients, wrap, heads, cursor, shift, client):  # type: ignore[no-untyped-def]
    """Stop the client's timer. In the near heap its entry stays and is skipped, because the caller changes DUE or
    STATE.
    """
    row = row_of(client, wrap)
    number = clients[row, DUE] >> shift
    if number > cursor:
        follower = np.int64(clients[row, NEXT])
        before = np.int64(clients[row, PREVIOUS])
        if before == NOBODY:
            heads[place(number & (heads.size - 1))] = follower
        else:
            clients[row_of(before, wrap), NEXT] = follower
        if follower != NOBODY:
            clients[row_of(follower, wrap), PREVIOUS] = before


@inline
def is_live(clients, wrap, key, start):  # type: ignore[no-untyped-def]
    """Whether a near key still describes its client's timer."""
    client = key_client(key)
    row = row_of(client, wrap)
    state = clients[row, STATE]
    return (
        clients[row, CLIENT] == client
        and clients[row, DUE] == key_time(key, start)
        and state != FREE
        and (state == SLEEPING) == ((key & SUBMISSION) != 0)
    )


@kernel
def turn(clients, wrap, heads, near, near_size, cursor, shift):  # type: ignore[no-untyped-def]
    """Move the timers of slot `cursor` that are due in it to the near heap; those of later rounds stay. Returns the
    size.
    """
    slot = place(cursor & (heads.size - 1))
    client = np.int64(heads[slot])
    heads[slot] = NOBODY
    while client != NOBODY:
        row = row_of(client, wrap)
        follower = clients[row, NEXT]
        near_size = arm(clients, wrap, heads, near, near_size, cursor, shift, client)
        client = follower
    return near_size


@kernel
def tidy(clients, wrap, near, near_size, start):  # type: ignore[no-untyped-def]
    """Remove dead entries from the near heap, and the doubles of living ones; returns its new size."""
    end = near_size
    while near_size > 0:  # heapsort in place: the order ends up descending
        key = near[0]
        sift_out(near, near_size)
        near_size -= 1
        near[near_size] = key
    size = 0
    previous = np.int64(-1)
    for i in range(end):
        key = near[i]
        if key != previous and is_live(clients, wrap, key, start):
            near[size] = key
            size += 1
        previous = key
    for i in range(size // 2):  # ascending order is heap order
        near[i], near[size - 1 - i] = near[size - 1 - i], near[i]
    return size
