"""The workers of a queue that is served first in, first out, by the times at which they are free.

The start of a job is known once no earlier one waits, as the worker that is free first takes it (Kiefer and Wolfowitz,
1955). Two forms, each the quicker one somewhere. Where most workers are idle they are a heap of four children a node,
as who becomes busy then goes to its end: heaps of 4 k + 1 places, so that every node has all or none of its children.
Where they are busy they play a tournament (Knuth, The Art of Computer Programming, volume 3, 5.2.3): whom the next one
meets on its way up is known beforehand, and no step takes a branch. Places without a worker hold NEVER.

Where a worker is idle whenever somebody comes, no start waits for a finish, and workers need no order. They are a bag,
into which each finish is put; only when it is full do those leave it that are over. A pool is a bag where workers are
idle, and a heap where they are not.

Where services take one of a few lengths no heap is needed. They begin one after the other, so those of one length end
in the order in which they began: a line for each length, and the worker that is free first is the first of one of them.
"""

import numpy as np

from recovery_kernels.arrays import Whole
from recovery_kernels.events import NEVER, place
from recovery_kernels.jit import inline
from recovery_kernels.requests import tournament


def all_free(workers: int, queues: int = 1) -> Whole:
    """int64[queues, 4 k + 1], heaps of workers that are all free at 0."""
    heaps = np.full((queues, 1 + (workers + 2) // 4 * 4), NEVER, np.int64)
    heaps[:, :workers] = 0
    return heaps


HEAP, BAG = range(2)  # rows of a pool, and its forms
WORKERS, FORM, LEFT = range(3)  # how many starts are left until its form is settled anew: in a bag, its empty places
FEW_IDLE = 16  # a bag has an idle worker of so many, or more, whenever it is settled
LONG = 4  # so many starts a worker a heap stays one


def all_free_in_pool(workers: int) -> tuple[Whole, Whole]:
    """int64[2, 4 k + 1], a pool of workers that are all free at 0, and int64[3] about it."""
    pool = np.full((2, 1 + (workers + 2) // 4 * 4), NEVER, np.int64)
    return pool, np.array([workers, BAG, workers], np.int64)


def all_free_in_trees(workers: int, queues: int) -> tuple[Whole, Whole]:
    """int64[queues, leaves], when each worker is free, all at 0, and int64[queues, 2 leaves], who is free first of
    those below a node; the number of leaves is a power of two.
    """
    leaves = 1 << (workers - 1).bit_length()
    free_ns = np.full((queues, leaves), NEVER, np.int64)
    free_ns[:, :workers] = 0
    return free_ns, np.tile(tournament(leaves), (queues, 1))


HEAD, COUNT = range(2)  # of a line: where its first stands, and how many there are; then its places
PLACES = 2


def all_free_in_lines(workers: int, lines: int) -> Whole:
    """int64[lines, PLACES + workers], lines of workers that are all free at 0."""
    all_ = np.zeros((lines, PLACES + workers), np.int64)
    all_[0, COUNT] = workers
    return all_


@inline
def _first(lines):  # type: ignore[no-untyped-def]
    """The line in which the worker stands that is free first, and when it is."""
    first, free_ns = 0, np.int64(NEVER)
    for line in range(lines.shape[0]):
        if lines[line, COUNT] > 0 and lines[line, place(PLACES + lines[line, HEAD])] < free_ns:
            first, free_ns = line, lines[line, place(PLACES + lines[line, HEAD])]
    return first, free_ns


@inline
def first_free(lines):  # type: ignore[no-untyped-def]
    """When a worker is free."""
    return _first(lines)[1]


@inline
def stand(lines, line, value):  # type: ignore[no-untyped-def]
    """The worker that is free first is busy until `value`: it goes to the end of this line."""
    places = lines.shape[1] - PLACES
    was, _ = _first(lines)
    lines[was, COUNT] -= 1
    lines[was, HEAD] = (lines[was, HEAD] + 1) % places
    end = (lines[line, HEAD] + lines[line, COUNT]) % places
    lines[line, place(PLACES + end)] = value
    lines[line, COUNT] += 1


@inline
def make_busy(free_ns, queue, value):  # type: ignore[no-untyped-def]
    """The worker of a queue that is free first is busy until `value`: put the heap in order again.

    The gap goes down to the end, then the value up to its place, most often a step or none: the way down needs no look
    at the value, and which child is the smallest takes no branch (Wegener, Bottom-up heapsort, 1993).
    """
    i = 0
    child = 1
    while child < free_ns.shape[1]:
        left = child + (free_ns[queue, place(child + 1)] < free_ns[queue, place(child)])
        right = child + 2 + (free_ns[queue, place(child + 3)] < free_ns[queue, place(child + 2)])
        a, b = free_ns[queue, place(left)], free_ns[queue, place(right)]
        free_ns[queue, place(i)] = min(a, b)
        i = left if a <= b else right
        child = 4 * i + 1
    while i > 0 and free_ns[queue, place((i - 1) >> 2)] > value:
        free_ns[queue, place(i)] = free_ns[queue, place((i - 1) >> 2)]
        i = (i - 1) >> 2
    free_ns[queue, place(i)] = value


@inline
def settle(pool, about, now):  # type: ignore[no-untyped-def]
    """No start is left at `now`: give a pool the form that suits it, a bag without those who are free by now."""
    workers, was = about[WORKERS], place(about[FORM])
    busy = np.int64(0)
    for i in range(workers):
        free_ns = pool[was, place(i)]
        pool[BAG, place(busy)] = free_ns
        busy += free_ns > now
    if (workers - busy) * FEW_IDLE >= workers:
        about[FORM] = BAG
        about[LEFT] = workers - busy
        return
    about[FORM] = HEAP
    about[LEFT] = LONG * workers
    if was == BAG:
        for i in range(workers):
            pool[HEAP, place(i)] = 0
        for i in range(busy):
            make_busy(pool, HEAP, pool[BAG, place(i)])


@inline
def free_in_pool(pool, about, now):  # type: ignore[no-untyped-def]
    """When a worker can begin what comes at `now`."""
    return now if about[FORM] == BAG else max(now, pool[HEAP, 0])


@inline
def make_busy_in_pool(pool, about, now, value):  # type: ignore[no-untyped-def]
    """The worker that is free first is busy until `value` with what came at `now`; who comes next comes no earlier."""
    if about[FORM] == BAG:
        pool[BAG, place(about[WORKERS] - about[LEFT])] = value
    else:
        make_busy(pool, HEAP, value)
    about[LEFT] -= 1
    if about[LEFT] == 0:
        settle(pool, about, now)


@inline
def first_in_tree(free_ns, trees, queue):  # type: ignore[no-untyped-def]
    """The worker of a queue that is free first, and when it is."""
    first = trees[queue, 1]
    return first, free_ns[queue, place(first)]


@inline
def make_busy_in_tree(free_ns, trees, queue, first, value):  # type: ignore[no-untyped-def]
    """The worker of a queue that is free first, `first`, is busy until `value`: play its games anew. Returns who is
    free first then, and when: whoever goes on with these need not wait until they have come from memory.
    """
    free_ns[queue, place(first)] = value
    node = free_ns.shape[1] + first
    while node > 1:
        other = trees[queue, place(node ^ 1)]
        other_ns = free_ns[queue, place(other)]
        first = other if other_ns < value else first
        value = min(value, other_ns)
        node >>= 1
        trees[queue, place(node)] = first
    return first, value


@inline
def play(free_ns, trees, queue):  # type: ignore[no-untyped-def]
    """Play all games of a queue's workers, after `free_ns` was written otherwise."""
    leaves = free_ns.shape[1]
    for node in range(leaves - 1, 0, -1):
        one, other = trees[queue, place(2 * node)], trees[queue, place(2 * node + 1)]
        trees[queue, place(node)] = one if free_ns[queue, place(one)] <= free_ns[queue, place(other)] else other
