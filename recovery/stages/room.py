"""Room for arrays that grow: memory of large ones that are gone, for the next ones.

What a process gives back goes to the system, which clears each page before it hands it out again. A run doubles its
rings and its lists of jobs until they hold a day, and the next run does so again: a tenth of the time of both was
clearing.
"""

import threading

import numpy as np
from recovery_kernels import waiting
from recovery_kernels.waiting import Waiting

from recovery.statistics.arrays import Whole

LEAST_BYTES = 1 << 20  # smaller ones the system's library keeps by itself
KEPT_BYTES = 1 << 29  # that lie ready at most: what two threads need whose queues hold five million jobs


class _Room:
    """Memory that lies ready, from what was given back first to what was last. Threads may share it."""

    def __init__(self) -> None:
        self._ready: list[Whole] = []
        self._lock = threading.RLock()  # a thread that is in here may give something back, too

    def take(self, size: int) -> Whole:
        """int64[size or more]: the smallest that lies ready, unless that is much too large."""
        with self._lock:
            fitting = [one for one in self._ready if size <= one.size <= 4 * size]
            if fitting:
                best = min(fitting, key=len)
                self._ready = [one for one in self._ready if one is not best]
                return best
        return np.empty(size, np.int64)

    def give(self, memory: Whole) -> None:
        """Let it lie ready; what was so for longest goes, where there is too much."""
        with self._lock:
            self._ready = [*self._ready, memory]
            while sum(one.nbytes for one in self._ready) > KEPT_BYTES:
                self._ready = self._ready[1:]


_ROOM = _Room()


class _Lent:
    """What an array and its views keep alive. When all of them are gone, their memory lies ready again."""

    def __init__(self, room: _Room, memory: Whole, shape: tuple[int, ...]) -> None:
        self._room, self._memory = room, memory
        self.__array_interface__: dict[str, object] = {**memory.__array_interface__, "shape": shape}

    def __del__(self) -> None:
        self._room.give(self._memory)


def array(*shape: int) -> Whole:
    """int64 of this shape, that hold anything: whoever takes it writes before it reads."""
    size = int(np.prod(shape, dtype=np.int64))
    if 8 * size < LEAST_BYTES:
        return np.empty(shape, np.int64)
    return np.asarray(_Lent(_ROOM, _ROOM.take(size), shape))


def nothing_waits(windows: int, chunks: int) -> Waiting:
    """Room for work that waits for one of so many windows, in so many free chunks."""
    nobody = Waiting(np.array([waiting.NOTHING, 0, 0]), np.zeros(0, np.int64), np.zeros(windows + 1, np.int64))
    return with_chunks(nobody, np.zeros(chunks * waiting.CHUNK, np.int64))


def with_chunks(old: Waiting, chunks: Whole) -> Waiting:
    """The same in a longer array, whose chunks more are free. Only what was used is written."""
    used, free = old.free[waiting.FRESH], old.free.copy()
    chunks[:used] = old.chunks[:used]
    free[waiting.CHUNKS] += (len(chunks) - len(old.chunks)) // waiting.CHUNK
    return Waiting(free, chunks, old.ends)
