"""Putting the work of a window into order only as far as somebody asks.

Items are two numbers each, int64[n, 2]: a time and what tells equal times apart. They are thrown into equal slices of
the window; what lies in one slice is put into a heap when the first of it is asked for (Williams, algorithm 232, 1964),
so that a slice of which nobody asks who came first costs nothing, and one of which a few are wanted costs these few.
"""

import numpy as np

from recovery_kernels.events import place
from recovery_kernels.jit import inline

FEW = 4  # items in a slice, on average


@inline
def slice_of(time, start, scale, slices):  # type: ignore[no-untyped-def]
    """The slice of the window, of so many, in which a time lies."""
    return min(np.int64(np.float64(time - start) * scale), slices - 1)


@inline
def to_slices(items, count, slices, start, window_ns, out, ends):  # type: ignore[no-untyped-def]
    """Fill out[:count] (int64[n, 2]) with items[:count] slice by slice; those of a slice end at its ends[slice]."""
    scale = np.float64(slices) / np.float64(window_ns)
    for i in range(slices + 1):
        ends[place(i)] = 0
    for i in range(count):
        ends[place(slice_of(items[place(i), 0], start, scale, slices) + 1)] += 1
    for i in range(slices):
        ends[place(i + 1)] += ends[place(i)]
    for i in range(count):
        slice_ = place(slice_of(items[place(i), 0], start, scale, slices))
        out[place(ends[slice_]), 0] = items[place(i), 0]
        out[place(ends[slice_]), 1] = items[place(i), 1]
        ends[slice_] += 1


@inline
def _comes_before(items, one, other):  # type: ignore[no-untyped-def]
    """Whether an item (two numbers) comes before another: by the first, then by the second."""
    a, b = place(one), place(other)
    return items[a, 0] < items[b, 0] or (items[a, 0] == items[b, 0] and items[a, 1] < items[b, 1])


@inline
def _swap(items, one, other):  # type: ignore[no-untyped-def]
    a, b = place(one), place(other)
    items[a, 0], items[b, 0] = items[b, 0], items[a, 0]
    items[a, 1], items[b, 1] = items[b, 1], items[a, 1]


@inline
def _sink(items, first, size, i):  # type: ignore[no-untyped-def]
    """Let an item of a heap of so many, from `first` on, find its place below."""
    while 2 * i + 1 < size:
        child = 2 * i + 1
        if child + 1 < size and _comes_before(items, first + child + 1, first + child):
            child += 1
        if not _comes_before(items, first + child, first + i):
            break
        _swap(items, first + child, first + i)
        i = child


@inline
def heap(items, first, after):  # type: ignore[no-untyped-def]
    """Put the first of items[first:after] first: what comes next is then found by `_drop`."""
    for i in range((after - first) // 2 - 1, -1, -1):
        _sink(items, first, after - first, i)


@inline
def drop(items, first, after):  # type: ignore[no-untyped-def]
    """Take the first out of a heap: it goes to its end. Returns where the heap ends now."""
    _swap(items, first, after - 1)
    _sink(items, first, after - 1 - first, 0)
    return after - 1
