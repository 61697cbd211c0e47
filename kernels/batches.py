"""Putting the work of one window into the order of its times: buckets, then a short insertion sort.

The streams that meet in a window (new work, work that comes back) are thrown into as many equal slices of the window as
there are items, so that an item is compared with the few of its own slice only. The time is a few passes over the
items, whatever their number; no comparison sort of all of them is needed.
"""

import numpy as np

from kernels.events import place
from kernels.jit import inline, kernel

TIME, ORIGIN, IDENTITY, TRIES, NEXT = range(5)  # columns of an item of work; NEXT links rows that wait for one window
COLUMNS = 5
NOTHING = -1

# Identities: the number within a kind times four, plus the kind. They name the draws.
LAUNCH, CHANGE, RELEASED, REPLACEMENT = range(4)


@inline
def is_launch(identity):  # type: ignore[no-untyped-def]
    """Whether this is an instance's launch: a customer's, or that of one that was terminated for bad health."""
    return identity & 3 == LAUNCH or identity & 3 == REPLACEMENT


@kernel
def sort_window(items, count, start_ns, window_ns, order, ends):  # type: ignore[no-untyped-def]
    """Fill order[:count] with the places of items[:count] (int64[n, COLUMNS]) by time, then identity.

    Every time lies in [start_ns, start_ns + window_ns). order int64[n]; ends int64[n + 1] is scratch.
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
        order[place(ends[place(slice_)])] = i
        ends[place(slice_)] += 1
    for i in range(1, count):
        item = order[place(i)]
        time, identity = items[place(item), TIME], items[place(item), IDENTITY]
        j = i
        while j > 0:
            other = order[place(j - 1)]
            if items[place(other), TIME] < time or (
                items[place(other), TIME] == time and items[place(other), IDENTITY] < identity
            ):
                break
            order[place(j)] = other
            j -= 1
        order[place(j)] = item


@kernel
def link(rows, heads, counts, row, window):  # type: ignore[no-untyped-def]
    """Let a row wait for a window (the last of `heads`: beyond the horizon)."""
    last = heads.shape[0] - 1
    at = place(min(window, last))
    rows[place(row), NEXT] = heads[at]
    heads[at] = row
    counts[at] += 1
