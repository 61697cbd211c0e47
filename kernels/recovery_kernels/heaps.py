"""Heaps of numbered things, of which any may be taken out: each thing knows its place.

A heap is int64[n, 3], of which the first `size` rows are used: the key, what decides among equal keys, and the number
of the thing. `things` int64[m, …] has the place of each in the column `at`.
"""

import numpy as np

from recovery_kernels.events import place
from recovery_kernels.jit import inline, kernel

KEY, TIE, THING = range(3)
COLUMNS = 3

_ALL_BUT_THE_SIGN = 0x7FFF_FFFF_FFFF_FFFF


@inline
def key_of(number):  # type: ignore[no-untyped-def]
    """An int64 for a float64, in the same order; what is no number is the last."""
    if number != number:
        number = np.inf
    bits = np.float64(number + 0.0).view(np.int64)
    return bits if bits >= 0 else bits ^ np.int64(_ALL_BUT_THE_SIGN)


@inline
def _put(heap, i, key, tie, thing, things, at):  # type: ignore[no-untyped-def]
    row = place(i)
    heap[row, KEY] = key
    heap[row, TIE] = tie
    heap[row, THING] = thing
    things[place(thing), at] = i


@inline
def _is_before(heap, i, key, tie):  # type: ignore[no-untyped-def]
    row = place(i)
    return heap[row, KEY] < key or (heap[row, KEY] == key and heap[row, TIE] < tie)


@inline
def _rise(heap, i, key, tie, thing, things, at):  # type: ignore[no-untyped-def]
    while i > 0:
        above = (i - 1) >> 1
        if _is_before(heap, above, key, tie):
            break
        row = place(above)
        _put(heap, i, heap[row, KEY], heap[row, TIE], heap[row, THING], things, at)
        i = above
    _put(heap, i, key, tie, thing, things, at)


@kernel
def put(heap, size, key, tie, thing, things, at):  # type: ignore[no-untyped-def]
    """One more thing: the heap has room for it, and is one larger then."""
    _rise(heap, size, key, tie, thing, things, at)


@kernel
def take_out(heap, size, thing, things, at):  # type: ignore[no-untyped-def]
    """A thing that is in the heap goes; the heap is one smaller then."""
    i = things[place(thing), at]
    last = size - 1
    if i == last:
        return
    row = place(last)
    key, tie, moved = heap[row, KEY], heap[row, TIE], heap[row, THING]
    child = 2 * i + 1
    while child < last:
        if child + 1 < last and _is_before(heap, child + 1, heap[place(child), KEY], heap[place(child), TIE]):
            child += 1
        if not _is_before(heap, child, key, tie):
            break
        row = place(child)
        _put(heap, i, heap[row, KEY], heap[row, TIE], heap[row, THING], things, at)
        i = child
        child = 2 * i + 1
    _rise(heap, i, key, tie, moved, things, at)
