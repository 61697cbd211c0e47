"""Work that waits for its window, in chunks: a chain for each window, two numbers an item.

Items of one window lie side by side in memory, so letting one wait and taking all that wait each touch a cache line now
and then, however many wait. Nothing is said of their order.
"""

from typing import NamedTuple

import numpy as np

from recovery_kernels.arrays import Whole
from recovery_kernels.events import place
from recovery_kernels.jit import inline

# A chunk: where the one before it in the chain begins (NOTHING: nowhere), and how many items lie in all before it; then
# pairs of numbers. 512 bytes, eight cache lines.
CHUNK = 64
BEFORE, SUM = range(2)
FIRST = 2
ITEMS = (CHUNK - FIRST) // 2
NOTHING = -1

HEAD, CHUNKS = range(2)  # of `free`: where the first free chunk begins, and how many there are


class Waiting(NamedTuple):
    """free int64[2]; chunks int64[n · CHUNK]; ends int64[windows + 1], where the next item of a window goes, 0 while it
    has none (the last: beyond the horizon). A chain goes from a window's newest chunk back.
    """

    free: Whole
    chunks: Whole
    ends: Whole


@inline
def wait(waiting, window, time, what):  # type: ignore[no-untyped-def]
    """Let an item wait for a window; there is a free chunk."""
    chunks = waiting.chunks
    at = place(min(window, waiting.ends.shape[0] - 1))
    end = waiting.ends[at]
    if end & (CHUNK - 1) == 0:
        chunk = waiting.free[HEAD]
        waiting.free[HEAD] = chunks[place(chunk + BEFORE)]
        waiting.free[CHUNKS] -= 1
        before = NOTHING if end == 0 else end - CHUNK
        chunks[place(chunk + BEFORE)] = before
        chunks[place(chunk + SUM)] = 0 if before == NOTHING else chunks[place(before + SUM)] + ITEMS
        end = chunk + FIRST
    chunks[place(end)] = time
    chunks[place(end + 1)] = what
    waiting.ends[at] = end + 2


@inline
def last_chunk(end):  # type: ignore[no-untyped-def]
    """Where the newest chunk of a window begins whose items end here; NOTHING if it has none."""
    return (end - 1) & -CHUNK if end > 0 else NOTHING


@inline
def waits_for(waiting, window):  # type: ignore[no-untyped-def]
    """Items that wait for a window."""
    end = waiting.ends[place(window)]
    if end == 0:
        return np.int64(0)
    chunk = last_chunk(end)
    return waiting.chunks[place(chunk + SUM)] + (end - chunk - FIRST) // 2


@inline
def chunks_for(waiting, count, window):  # type: ignore[no-untyped-def]
    """Chunks that so many items need at most which all go from this window to later ones."""
    return count // ITEMS + min(count, waiting.ends.shape[0] - 1 - window)


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
