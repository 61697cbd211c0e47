"""Putting the work of a window into order only as far as somebody asks.

Items are two numbers each: a time and what tells equal times apart. They are thrown into equal slices of the window,
linked from one to the next; what lies in one slice is put into a heap when the first of it is asked for (Williams,
algorithm 232, 1964), so that a slice of which nobody asks who came first is not even looked at, and one of which a few
are wanted costs these few.
"""

import numpy as np

from recovery_kernels.events import place
from recovery_kernels.jit import inline

NOTHING = -1


@inline
def slice_of(time, start, scale, slices):  # type: ignore[no-untyped-def]
    """The slice of the window, of so many, in which a time lies."""
    return min(np.int64(np.float64(time - start) * scale), slices - 1)


@inline
def to_slices(times, count, slices, start, window_ns, heads, links):  # type: ignore[no-untyped-def]
    """Link times[:count] (int64[n]) to those of the same slice: heads[slice] names one, links[it] another, and so on to
    NOTHING.
    """
    scale = np.float64(slices) / np.float64(window_ns)
    for i in range(slices):
        heads[place(i)] = NOTHING
    for i in range(count):
        slice_ = place(slice_of(times[place(i)], start, scale, slices))
        links[place(i)] = heads[slice_]
        heads[slice_] = i


@inline
def heap(times, whats, links, head, items):  # type: ignore[no-untyped-def]
    """A heap of what is linked from `head` on, in the first rows of items (int64[n, 2]): time and number of each, the
    first first. Returns how many; what comes next is then found by `drop`.
    """
    size = np.int64(0)
    item = head
    while item != NOTHING:
        items[place(size), 0] = times[place(item)]
        items[place(size), 1] = item
        size += 1
        item = links[place(item)]
    for i in range(size // 2 - 1, -1, -1):
        _sink(items, whats, size, i)
    return size


@inline
def _comes_before(items, whats, one, other):  # type: ignore[no-untyped-def]
    """Whether an item comes before another: by its time, then by what tells it apart."""
    a, b = place(one), place(other)
    if items[a, 0] != items[b, 0]:
        return items[a, 0] < items[b, 0]
    return whats[place(items[a, 1])] < whats[place(items[b, 1])]


@inline
def _swap(items, one, other):  # type: ignore[no-untyped-def]
    a, b = place(one), place(other)
    items[a, 0], items[b, 0] = items[b, 0], items[a, 0]
    items[a, 1], items[b, 1] = items[b, 1], items[a, 1]


@inline
def _sink(items, whats, size, i):  # type: ignore[no-untyped-def]
    """Let an item of a heap of so many find its place below."""
    while 2 * i + 1 < size:
        child = 2 * i + 1
        if child + 1 < size and _comes_before(items, whats, child + 1, child):
            child += 1
        if not _comes_before(items, whats, child, i):
            break
        _swap(items, child, i)
        i = child


@inline
def drop(items, whats, size):  # type: ignore[no-untyped-def]
    """Take the first out of a heap of so many: it goes to its end. Returns how many are left."""
    _swap(items, 0, size - 1)
    _sink(items, whats, size - 1, 0)
    return size - 1
