"""Putting the work of one window into the order of its times: buckets, then a short sort within each.

The streams that meet in a window (new work, work that comes back) are thrown into equal slices of the window, two for
each item, so that an item is compared with the few of its own slice only. The time is a few passes over the items,
whatever their number; no comparison sort of all of them is needed. What comes back at one nanosecond falls into
one slice, however much it is: a long slice is merged from the runs that lie in it already (Knuth, The Art of Computer
Programming, volume 3, 5.2.4, natural merge), which are few, as those who wait were put there in an order of their own.
"""

import numpy as np

from recovery_kernels.events import place
from recovery_kernels.jit import inline, kernel

TIME, ORIGIN, IDENTITY, TRIES, NEXT = range(5)  # columns of an item of work; NEXT links those of a batch
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
def is_before(times, identities, one, other):  # type: ignore[no-untyped-def]
    """Whether an item comes before another: by time, then identity."""
    a, b = place(one), place(other)
    return times[a] < times[b] or (times[a] == times[b] and identities[a] < identities[b])


@kernel
def _merge(times, identities, order, first, after, spare):  # type: ignore[no-untyped-def]
    """Sort order[first:after] by merging its runs, two by two; spare int64[n] is scratch. Falling runs are turned
    around first.
    """
    i = first
    while i < after:
        end = i + 1
        while end < after and is_before(times, identities, order[place(end)], order[place(end - 1)]):
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
            while middle < after and is_before(times, identities, order[place(middle - 1)], order[place(middle)]):
                middle += 1
            end = min(middle + 1, after)
            while end < after and is_before(times, identities, order[place(end - 1)], order[place(end)]):
                end += 1
            for k in range(i, middle):
                spare[place(k)] = order[place(k)]
            a, b, k = i, middle, i
            while a < middle and b < end:
                if is_before(times, identities, order[place(b)], spare[place(a)]):
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
def sort_window(times, identities, count, start_ns, window_ns, order, scratch):  # type: ignore[no-untyped-def]
    """Fill order[:count] with the places of items by time, then identity, and scratch[:count] with their times.

    times and identities int64[n], the times in [start_ns, start_ns + window_ns); order int64[n]; scratch
    int64[3 n + 1].
    """
    slices, came_ns, ends = 2 * count, scratch[: place(count)], scratch[place(count) :]
    scale = np.float64(slices) / np.float64(window_ns)
    for i in range(slices + 1):
        ends[place(i)] = 0
    for i in range(count):
        slice_ = min(np.int64(np.float64(times[place(i)] - start_ns) * scale), slices - 1)
        ends[place(slice_ + 1)] += 1
    sum_, longest = np.int64(0), np.int64(0)
    for i in range(slices):
        here = ends[place(i + 1)]
        longest = max(longest, here)
        sum_ += here
        ends[place(i + 1)] = sum_
    for i in range(count):
        slice_ = min(np.int64(np.float64(times[place(i)] - start_ns) * scale), slices - 1)
        at = ends[place(slice_)]
        ends[place(slice_)] = at + 1
        order[place(at)] = i
        came_ns[place(at)] = times[place(i)]
    if longest > FEW:
        first = 0
        for slice_ in range(slices):
            after = ends[place(slice_)]
            if after - first > 1:
                _merge(times, identities, order, first, after, came_ns)
            first = after
        for i in range(count):
            came_ns[place(i)] = times[place(order[place(i)])]
        return
    for i in range(1, count):
        time = came_ns[place(i)]
        if time <= came_ns[place(i - 1)]:
            item = order[place(i)]
            j = i
            while j > 0 and (
                time < came_ns[place(j - 1)]
                or (time == came_ns[place(j - 1)] and identities[place(item)] < identities[place(order[place(j - 1)])])
            ):
                came_ns[place(j)] = came_ns[place(j - 1)]
                order[place(j)] = order[place(j - 1)]
                j -= 1
            came_ns[place(j)] = time
            order[place(j)] = item
