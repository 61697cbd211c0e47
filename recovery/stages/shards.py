"""Network propagation event by event: from the tables of its order, timeout and controllers to the kernel and back."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from recovery_kernels import heaps, hooks
from recovery_kernels import propagation as windows
from recovery_kernels import shards as kernel
from recovery_kernels.controllers import FACTS
from recovery_kernels.draws import Dist

from recovery.model.policies.lowered import LetsIn, Order
from recovery.model.propagation import Propagation
from recovery.stages import host
from recovery.stages.propagating import PropagationRun
from recovery.stages.sessions import controllers
from recovery.stages.sessions.controllers import Used
from recovery.statistics.arrays import Floats
from recovery.units import ns

_JOBS = 1 << 10
_HEAP = 1 << 4
_ANY_NUMBER = 1 << 40  # of those that may stand in a line without a bound


@dataclass
class ShardsRun(PropagationRun):
    """The stage and what it needs to go on. Addresses of controllers are of this process alone: they come with the
    first window, and are no part of what decides the run; `said` is.
    """

    rules: kernel.Rules
    draws: kernel.Keys
    memory: kernel.Memory
    found: list[Used]
    said: list[object]
    has_begun: bool = False

    @property
    def stage(self) -> kernel.Stage:
        """All of it, as the kernel takes it."""
        return kernel.Stage(self.params, self.keys, self.inputs, self.state, self.rules, self.draws, self.memory)

    def in_service(self) -> int:
        """Jobs that workers work on at the end of the last window that has run."""
        return int(self.memory.shards[:, kernel.BUSY].sum())

    def _run(self, until: int) -> int:
        if not self.has_begun:
            table, _ = controllers.rows(self.found, ())
            self.rules = self.rules._replace(controllers=table)
            kernel.begin(self.stage)
            self.has_begun = True
        return int(kernel.advance(self.stage, np.int64(until)))

    def _grow(self, status: int, count: int) -> None:
        if status == kernel.GROW_JOBS:
            self._grow_jobs()
        elif status == kernel.GROW_HEAPS:
            memory = self.memory
            size = 2 * int(memory.whole[kernel.NEEDED])
            room = np.zeros((2, len(memory.shards), size, heaps.COLUMNS), np.int64)
            for new, old in zip(room, (memory.deadlines, memory.ranks), strict=True):
                new[:, : old.shape[1]] = old
            self.memory = memory._replace(deadlines=room[0], ranks=room[1])
        else:
            super()._grow(status, count)

    def _grow_jobs(self) -> None:
        """Twice the rows, or as many as this window may need."""
        memory, old = self.memory, len(self.memory.jobs)
        more = max(old, int(memory.whole[kernel.NEEDED]))
        jobs = np.zeros((old + more, kernel.JOB_COLUMNS), np.int64)
        jobs[:old] = memory.jobs
        jobs[old:, kernel.NEXT] = [*range(old + 1, old + more), memory.whole[kernel.FREE_JOB]]
        memory.whole[kernel.FREE_JOB] = old
        memory.whole[kernel.FREE_JOBS] += more
        self.memory = memory._replace(jobs=jobs)


class _Lowered(NamedTuple):
    """What a shard does, in numbers, and its controllers."""

    rules: kernel.Rules
    found: list[Used]


def own_keys(seed: int, replication: int) -> kernel.Keys:
    """The keys of its own streams."""
    streams = (windows.TIMEOUT, windows.CONTROLLER, windows.JOB)
    return kernel.Keys(*(host.stream_key(seed, replication, stream, 0) for stream in streams))


def started(plain: PropagationRun, part: Propagation, timeout: Dist, keys: kernel.Keys, parts: float) -> ShardsRun:
    """The stage before its first window, empty; `plain` is what it has in common with one that is first in, first out.
    `timeout` counts only where the table has one.
    """
    rules, found = _lowered(part, timeout, parts)
    shards = np.zeros((part.shards, kernel.SHARD_COLUMNS), np.int64)
    for which in (kernel.LINE, kernel.QUEUE):
        shards[:, [which + kernel.FIRST, which + kernel.LAST]] = hooks.NOBODY
    jobs = np.zeros((_JOBS, kernel.JOB_COLUMNS), np.int64)
    jobs[:, kernel.NEXT] = [*range(1, _JOBS), hooks.NOBODY]
    memory = kernel.Memory(
        jobs=jobs,
        shards=shards,
        finishes=np.zeros((part.shards, part.workers, heaps.COLUMNS), np.int64),
        deadlines=np.zeros((part.shards, _HEAP, heaps.COLUMNS), np.int64),
        ranks=np.zeros((part.shards, _HEAP, heaps.COLUMNS), np.int64),
        memory=np.zeros(max(rules.size * part.shards, 1)),
        facts=np.zeros(len(FACTS)),
        whole=np.array([0, 0, _JOBS, 0], np.int64),
    )
    own = (plain.params, plain.keys, plain.inputs, plain.state, rules, keys, memory, found, controllers.said(found))
    return ShardsRun(*own)


def said(part: Propagation, timeout: Dist) -> list[object]:
    """What decides a run, beside what the window's kernel takes."""
    rules, found = _lowered(part, timeout, part.shards)
    return ["shards", *rules[2:], controllers.said(found)]


def _lowered(part: Propagation, timeout: Dist, parts: float) -> _Lowered:
    door, order = part.lets_in(parts), part.order
    found = [Used(axis, one) for axis, one in (("admission", door.controller), ("queue", order.controller)) if one]
    params = [number for one in found for number in one.controller.params]
    rules = kernel.Rules(
        controllers=np.zeros((len(found), hooks.CONTROLLER_COLUMNS), np.int64),
        controller_params=_row(params),
        admission=controllers.place_of(found, "admission"),
        queue=controllers.place_of(found, "queue"),
        hears=int(controllers.hears(found)),
        timeout=timeout,
        has_timeout=int(part.timeout is not None),
        is_newest_first=int(order.is_newest_first),
        bound=hooks.NOBODY if order.limit is None else order.limit,
        **_of_order(order),
        **_of_line(door),
        capacity_per_s=part.capacity_per_s,
        size=sum(sum(controllers.module_of(one.controller.name).MEMORY.values()) for one in found),
    )
    return _Lowered(rules, found)


def _row(numbers: list[float]) -> Floats:
    return np.array(numbers or [0.0], np.float64)


def _of_order(order: Order) -> dict[str, int]:
    """What workers drop."""
    return {
        "drops": int(order.drops_expired),
        "max_age_ns": ns(order.max_age_s),
        "margin_ns": ns(order.margin_s),
    }


def _of_line(door: LetsIn) -> dict[str, int]:
    """The leaky bucket."""
    if door.wait_s is None or door.per_s is None:
        return {"pace_ns": 0, "line": 0, "wait_ns": 0}
    pace_ns = max(1, ns(1.0 / door.per_s))
    return {"pace_ns": pace_ns, "line": _ANY_NUMBER if door.line is None else door.line, "wait_ns": ns(door.wait_s)}
