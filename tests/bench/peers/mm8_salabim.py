"""The queue in salabim: a component for each job, a resource for the workers."""

from __future__ import annotations

import importlib.util
from collections.abc import Generator
from random import Random
from time import process_time
from typing import Any

from .mm8 import QueueParams, QueueResult


def missing() -> str | None:
    return None if importlib.util.find_spec("salabim") else "salabim is not installed"


def run(params: QueueParams) -> QueueResult:
    import salabim

    begin_s = process_time()
    env = salabim.Environment(trace=False, yieldless=False)
    rng = Random(params.seed)
    workers = salabim.Resource("workers", capacity=params.workers, monitor=False)
    waits_s: list[float] = []
    arrivals = finishes = 0

    class Job(salabim.Component):  # type: ignore[misc]
        def process(self) -> Generator[Any, Any, None]:
            nonlocal finishes
            came_s = env.now()
            yield self.request(workers)
            waits_s.append(env.now() - came_s)
            yield self.hold(rng.expovariate(1.0 / params.service_s))
            finishes += 1

    class Source(salabim.Component):  # type: ignore[misc]
        def process(self) -> Generator[Any, Any, None]:
            nonlocal arrivals
            while True:
                yield self.hold(rng.expovariate(params.arrivals_per_s))
                arrivals += 1
                Job(mode=None)

    Source()
    env.run(till=params.horizon_s)
    return QueueResult(arrivals, finishes, sum(waits_s) / len(waits_s), process_time() - begin_s)
