"""A queue in the order that a controller gives: a heap of (priority, rank, order) with the requests.

A request that leaves out of turn stays in the heap until its entry comes up; its order says that it is not there.
"""

import numpy as np

from recovery_kernels.events import place
from recovery_kernels.jit import inline, kernel
from recovery_kernels.sessions.layout import HEAP_SIZE, IN_QUEUE, NONE, R_ORDER, R_PLACE

PRIORITY, ORDER, REQUEST = range(3)


@inline
def _is_live(h, i):  # type: ignore[no-untyped-def]
    request = place(h.heap[place(i), REQUEST])
    return h.requests[request, R_PLACE] == IN_QUEUE and h.requests[request, R_ORDER] == h.heap[place(i), ORDER]


@inline
def _is_before(h, i, priority, rank, order):  # type: ignore[no-untyped-def]
    p, q = h.heap[place(i), PRIORITY], h.heap_ranks[place(i)]
    return p < priority or (p == priority and (q < rank or (q == rank and h.heap[place(i), ORDER] < order)))


@inline
def _set(h, i, priority, rank, order, request):  # type: ignore[no-untyped-def]
    h.heap[place(i), PRIORITY] = priority
    h.heap[place(i), ORDER] = order
    h.heap[place(i), REQUEST] = request
    h.heap_ranks[place(i)] = rank


@inline
def _copy(h, to, i):  # type: ignore[no-untyped-def]
    entry = place(i)
    _set(h, to, h.heap[entry, PRIORITY], h.heap_ranks[entry], h.heap[entry, ORDER], h.heap[entry, REQUEST])


@kernel
def put(h, priority, rank, order, request):  # type: ignore[no-untyped-def]
    """A request that has just entered the queue; a rank that is no number is the last. The loop has made room."""
    if rank != rank:
        rank = np.inf
    i = h.whole[HEAP_SIZE]
    h.whole[HEAP_SIZE] += 1
    while i > 0:
        parent = (i - 1) >> 1
        if _is_before(h, parent, priority, rank, order):
            break
        _copy(h, i, parent)
        i = parent
    _set(h, i, priority, rank, order, request)


@kernel
def _sink(h, i, size):  # type: ignore[no-untyped-def]
    """An entry of heap[:size] goes down to where it belongs."""
    entry = place(i)
    priority, order, request = h.heap[entry, PRIORITY], h.heap[entry, ORDER], h.heap[entry, REQUEST]
    rank = h.heap_ranks[entry]
    child = 2 * i + 1
    while child < size:
        if child + 1 < size:
            other = place(child + 1)
            if not _is_before(h, child, h.heap[other, PRIORITY], h.heap_ranks[other], h.heap[other, ORDER]):
                child += 1
        if not _is_before(h, child, priority, rank, order):
            break
        _copy(h, i, child)
        i = child
        child = 2 * i + 1
    _set(h, i, priority, rank, order, request)


@kernel
def first(h):  # type: ignore[no-untyped-def]
    """The request that is next; it stays. NONE: there is none."""
    while h.whole[HEAP_SIZE] > 0:
        if _is_live(h, np.int64(0)):
            return h.heap[0, REQUEST]
        last = h.whole[HEAP_SIZE] - 1
        h.whole[HEAP_SIZE] = last
        if last > 0:
            _copy(h, np.int64(0), last)
            _sink(h, np.int64(0), last)
    return np.int64(NONE)


@kernel
def tidy(h):  # type: ignore[no-untyped-def]
    """Only what waits stays."""
    size = np.int64(0)
    for i in range(h.whole[HEAP_SIZE]):
        if _is_live(h, np.int64(i)):
            _copy(h, size, np.int64(i))
            size += 1
    h.whole[HEAP_SIZE] = size
    for i in range(size // 2 - 1, -1, -1):
        _sink(h, np.int64(i), size)
