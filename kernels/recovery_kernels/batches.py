"""Putting the work of one window into the order of its times: buckets, then a short sort within each.

The streams that meet in a window (new work, work that comes back) are thrown into as many equal slices of the window as
there are items, so that an item is compared with the few of its own slice only. The time is a few passes over the
items, whatever their number; no comparison sort of all of them is needed. What comes back at one nanosecond falls into
one slice, however much it is: a long slice is merged from the runs that lie in it already (Knuth, The Art of Computer
Programming, volume 3, 5.2.4, natural merge), which are few, as those who wait were put there in an order of their own.
"""

import numpy as np

from recovery_kernels.events import place
from recovery_kernels.jit import inline, kernel

TIME, ORIGIN, IDENTITY, TRIES, NEXT = range(5)  # columns of an item of work; NEXT links rows that wait for one window
COLUMNS = 5
NOTHING = -1
FEW = 16  # items that are sorted by insertion

# Identities: the number within a kind times four, plus the kind. They name the draws.
LAUNCH, CHANGE, RELEASED, REPLACEMENT = range(4)

# An identity with its tries is one number: there is one try a window at most, and 2,000,000 windows.
TRIES_BITS = 24
TRIES_MASK = (1 << TRIES_BITS) - 1


@inline
def is_launch(identity):  # type: ignore[no-untyped-def]
    """Whether this is an instance's launch: a customer's, or that of one that was terminated for bad health."""
    return identity & 3 == LAUNCH or identity & 3 == REPLACEMENT


@inline
def window_of(time, window_ns, per_ns):  # type: ignore[no-untyped-def]
    """The window in which a time lies; per_ns is 1 / window_ns. A product and a look at its neighbours instead of a
    division, which takes several times as long.
    """
    window = np.int64(np.float64(time) * per_ns)
    if window * window_ns > time:
        return window - 1
    if (window + 1) * window_ns <= time:
        return window + 1
    return window


@inline
def is_before(items, one, other):  # type: ignore[no-untyped-def]
    """Whether an item comes before another: by time, then identity."""
    a, b = place(one), place(other)
    return items[a, TIME] < items[b, TIME] or (
        items[a, TIME] == items[b, TIME] and items[a, IDENTITY] < items[b, IDENTITY]
    )


@kernel
def _merge(items, order, first, after, spare):  # type: ignore[no-untyped-def]
    """Sort order[first:after] by merging its runs, two by two; spare int64[n] is scratch. Falling runs are turned
    around first.
    """
    i = first
    while i < after:
        end = i + 1
        while end < after and is_before(items, order[place(end)], order[place(end - 1)]):
            end += 1
        low, high = i, end - 1
        while low < high:
            order[place(low)], order[place(high)] = order[place(high)], order[place(low)]
            low, high = low + 1, high - 1
        i = end
    runs = 2
    while runs > 1:
        runs = 0
        i = first
        while i < after:
            middle = i + 1
            while middle < after and is_before(items, order[place(middle - 1)], order[place(middle)]):
                middle += 1
            end = min(middle + 1, after)
            while end < after and is_before(items, order[place(end - 1)], order[place(end)]):
                end += 1
            for k in range(i, middle):
                spare[place(k)] = order[place(k)]
            a, b, k = i, middle, i
            while a < middle and b < end:
                if is_before(items, order[place(b)], spare[place(a)]):
                    order[place(k)] = order[place(b)]
                    b += 1
                else:
                    order[place(k)] = spare[place(a)]
                    a += 1
                k += 1
            for left in range(a, middle):
                order[place(k + left - a)] = spare[place(left)]
            i = end
            runs += 1


@kernel
def sort_window(items, count, start_ns, window_ns, order, ends):  # type: ignore[no-untyped-def]
    """Fill order[:count] with the places of items[:count] (int64[n, COLUMNS]) by time, then identity.

    Every time lies in [start_ns, start_ns + window_ns). order int64[n]; ends int64[2 n + 1] is scratch.
    """
    scale = np.float64(count) / np.float64(window_ns)
    for i in range(count + 1):
        ends[place(i)] = 0
    for i in range(count):
        slice_ = min(np.int64(np.float64(items[place(i), TIME] - start_ns) * scale), count - 1)
        ends[place(slice_ + 1)] += 1
    for i in range(count):
        ends[place(i + 1)] += ends[place(i)]
    for i in range(count):
        slice_ = min(np.int64(np.float64(items[place(i), TIME] - start_ns) * scale), count - 1)
        at = ends[place(slice_)]
        ends[place(slice_)] = at + 1
        order[place(at)] = i
    spare = ends[place(count + 1) :]
    first = 0
    for slice_ in range(count):
        after = ends[place(slice_)]  # where the next slice begins
        if after - first > FEW:
            _merge(items, order, first, after, spare)
        else:
            for i in range(first + 1, after):
                item = order[place(i)]
                j = i
                while j > first and is_before(items, item, order[place(j - 1)]):
                    order[place(j)] = order[place(j - 1)]
                    j -= 1
                order[place(j)] = item
        first = after


@kernel
def link(rows, heads, counts, row, window):  # type: ignore[no-untyped-def]
    """Let a row wait for a window (the last of `heads`: beyond the horizon)."""
    last = heads.shape[0] - 1
    at = place(min(window, last))
    rows[place(row), NEXT] = heads[at]
    heads[at] = row
    counts[at] += 1
