"""Work that waits for its window, in chunks: a chain for each window, two or three numbers an item.

Items of one window lie side by side in memory, so letting one wait and taking all that wait each touch a cache line now
and then, however many wait. Nothing is said of their order.
"""

from typing import NamedTuple

import numpy as np

from recovery_kernels.arrays import Whole
from recovery_kernels.events import place
from recovery_kernels.jit import inline

# A chunk: where the one before it in the chain begins (NOTHING: nowhere), and how many items lie in all before it; then
# pairs of numbers from FIRST on, or threes from FIRST_OF_THREES on, to its end. 512 bytes, eight cache lines.
CHUNK = 64
BEFORE, SUM = range(2)
FIRST, FIRST_OF_THREES = 2, 4
ITEMS, THREES = (CHUNK - FIRST) // 2, (CHUNK - FIRST_OF_THREES) // 3
NOTHING = -1

# Of `free`: where the first of the chunks begins that were given back (NOTHING: there is none), from where on all
# chunks are free and were never written, and how many are free in all.
HEAD, FRESH, CHUNKS = range(3)


class Waiting(NamedTuple):
    """free int64[3]; chunks int64[n · CHUNK]; ends int64[windows + 1], where the next item of a window goes, 0 while it
    has none (the last: beyond the horizon). A chain goes from a window's newest chunk back.
    """

    free: Whole
    chunks: Whole
    ends: Whole


@inline
def _next_place(waiting, window, first, items):  # type: ignore[no-untyped-def]
    """Where the next item of a window goes; there is a free chunk, which has so many, from `first` on."""
    chunks = waiting.chunks
    end = waiting.ends[place(window)]
    if end & (CHUNK - 1) == 0:
        chunk = waiting.free[HEAD]
        if chunk == NOTHING:
            chunk = waiting.free[FRESH]
            waiting.free[FRESH] += CHUNK
        else:
            waiting.free[HEAD] = chunks[place(chunk + BEFORE)]
        waiting.free[CHUNKS] -= 1
        before = NOTHING if end == 0 else end - CHUNK
        chunks[place(chunk + BEFORE)] = before
        chunks[place(chunk + SUM)] = 0 if before == NOTHING else chunks[place(before + SUM)] + items
        end = chunk + first
    return end


@inline
def wait(waiting, window, time, what):  # type: ignore[no-untyped-def]
    """Let an item wait for a window; there is a free chunk."""
    window = min(window, waiting.ends.shape[0] - 1)
    end = _next_place(waiting, window, FIRST, ITEMS)
    waiting.chunks[place(end)] = time
    waiting.chunks[place(end + 1)] = what
    waiting.ends[place(window)] = end + 2


@inline
def wait_with(waiting, window, time, what, origin):  # type: ignore[no-untyped-def]
    """The same where all items have a third number."""
    window = min(window, waiting.ends.shape[0] - 1)
    end = _next_place(waiting, window, FIRST_OF_THREES, THREES)
    waiting.chunks[place(end)] = time
    waiting.chunks[place(end + 1)] = what
    waiting.chunks[place(end + 2)] = origin
    waiting.ends[place(window)] = end + 3


@inline
def last_chunk(end):  # type: ignore[no-untyped-def]
    """Where the newest chunk of a window begins whose items end here; NOTHING if it has none."""
    return (end - 1) & -CHUNK if end > 0 else NOTHING


@inline
def waits_for(waiting, window, first, width):  # type: ignore[no-untyped-def]
    """Items that wait for a window, where those of a chunk begin at `first` and have so many numbers."""
    end = waiting.ends[place(window)]
    if end == 0:
        return np.int64(0)
    chunk = last_chunk(end)
    return waiting.chunks[place(chunk + SUM)] + (end - chunk - first) // width


@inline
def chunks_for(waiting, count, window, items):  # type: ignore[no-untyped-def]
    """Chunks that so many items need at most, so many in one, which all go from this window to later ones."""
    return count // items + min(count, waiting.ends.shape[0] - 1 - window)


@inline
def leave(waiting, window):  # type: ignore[no-untyped-def]
    """Nothing waits for a window any more; returns where its items end. Each of its chunks is to be freed."""
    end = waiting.ends[place(window)]
    waiting.ends[place(window)] = 0
    return end


@inline
def free(waiting, chunk):  # type: ignore[no-untyped-def]
    """Give a chunk back; returns the one before it in its chain."""
    before = waiting.chunks[place(chunk + BEFORE)]
    waiting.chunks[place(chunk + BEFORE)] = waiting.free[HEAD]
    waiting.free[HEAD] = chunk
    waiting.free[CHUNKS] += 1
    return before
