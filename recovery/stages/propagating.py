"""How network propagation runs from window to window: its kernel, and the arrays that it asks to be enlarged."""

from dataclasses import dataclass

import numpy as np
from recovery_kernels import propagation as kernel
from recovery_kernels.events import NEVER

from recovery.stages import room
from recovery.statistics.arrays import Whole


@dataclass
class PropagationRun:
    """The stage and what it needs to go on; `advance` may be called with any rising windows, with the same bits."""

    params: kernel.Params
    keys: kernel.Keys
    inputs: kernel.Inputs
    state: kernel.State

    def advance(self, until: int, jobs: Whole, first: Whole) -> None:
        """Run the windows before `until` with the jobs (int64[n, 5]) that came in them, first[w] to first[w + 1]."""
        self.inputs = self.inputs._replace(jobs=jobs, first=first)
        while status := self._run(until):
            self.grow(status)

    @property
    def arguments(self) -> tuple[kernel.Params, kernel.Keys, kernel.Inputs, kernel.State]:
        """What `kernel.advance` takes before a window."""
        return self.params, self.keys, self.inputs, self.state

    def _run(self, until: int) -> int:
        """The kernel's run up to a window; what it says."""
        return int(kernel.advance(*self.arguments, np.int64(until)))

    def grow(self, status: int) -> None:
        """Room for the next window, as the kernel says."""
        self._grow(status, int(self.state.whole[kernel.COMING]))

    def _grow(self, status: int, count: int) -> None:
        """Room for a window in which `count` jobs come."""
        state = self.state
        if status == kernel.GROW_BATCH:
            self.state = state._replace(
                batch=room.array(kernel.BATCH_ROWS, 2 * count),
                order=room.array(2 * count),
                came=room.array(6 * count + kernel.AHEAD * len(state.shards)),
                draws=room.array(2, 2 * count).view(np.float64),
                spread=room.array(kernel.SPREAD_ROWS, 2 * count + kernel.AHEAD * len(state.shards)),
            )
        elif status == kernel.GROW_ASLEEP:
            # All may come back, though few do: memory that is never written takes none, so it is not `room`'s.
            grown = np.empty(2 * len(state.asleep.chunks), np.int64)
            self.state = state._replace(asleep=room.with_chunks(state.asleep, grown))
        elif status == kernel.GROW_FINISHES:
            told = int(state.whole[kernel.TOLD])
            # So may all who wait finish.
            finishes = np.zeros((2 * (told + count + int(state.whole[kernel.WAITING])), 2), np.int64)
            finishes[:told] = state.finishes[:told]
            self.state = state._replace(finishes=finishes)
        else:
            self._grow_rings(count)

    def waiting(self) -> int:
        """Jobs that wait, at the end of the last window that has run."""
        return int(self.state.whole[kernel.WAITING])

    def in_service(self) -> int:
        """Jobs that workers work on then."""
        end = self.state.whole[kernel.WINDOW] * self.params.window_ns
        return int(((self.state.free_ns >= end) & (self.state.free_ns < NEVER)).sum())

    def forget(self, before: int) -> None:
        """Drop the finishes of the windows before this one, which the next stage has taken."""
        state = self.state
        gone, end = int(state.told[before]), int(state.whole[kernel.TOLD])
        state.finishes[: end - gone] = state.finishes[gone:end].copy()
        state.told[before : state.whole[kernel.WINDOW] + 1] -= gone  # what lies beyond is not yet known
        state.whole[kernel.TOLD] -= gone

    def _grow_rings(self, count: int) -> None:
        """Twice the place for each shard's queue, or as much as this window may need."""
        state = self.state
        old = state.rings.shape[1]
        size = 2 * old
        while size < old + count:
            size *= 2
        rings = room.array(len(state.shards), size, state.rings.shape[2])
        for shard, (head, tail) in enumerate(state.shards[:, [kernel.HEAD, kernel.TAIL]].tolist()):
            for turn in range(head - head % old, tail, old):  # what lies in one turn of the old ring lies so in the new
                first, end = max(turn, head), min(turn + old, tail)
                at, was = first % size, first % old
                rings[shard, at : at + end - first] = state.rings[shard, was : was + end - first]
        slowness, known = room.array(size).view(np.float64), int(state.whole[kernel.KNOWN])
        slowness[:known] = state.slowness[:known]
        self.state = state._replace(rings=rings, slowness=slowness)
