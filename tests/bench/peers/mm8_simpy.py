"""The queue in SimPy as its documentation writes it: a process for each job, a Resource for the workers."""

from __future__ import annotations

import importlib.util
from collections.abc import Generator
from random import Random
from time import process_time
from typing import Any

from .mm8 import QueueParams, QueueResult


def missing() -> str | None:
    return None if importlib.util.find_spec("simpy") else "simpy is not installed"


def run(params: QueueParams) -> QueueResult:
    import simpy

    begin_s = process_time()
    env = simpy.Environment()
    rng = Random(params.seed)
    workers = simpy.Resource(env, params.workers)
    waits_s: list[float] = []
    arrivals = finishes = 0

    def job() -> Generator[Any, Any, None]:
        nonlocal finishes
        came_s = env.now
        with workers.request() as turn:
            yield turn
            waits_s.append(env.now - came_s)
            yield env.timeout(rng.expovariate(1.0 / params.service_s))
        finishes += 1

    def source() -> Generator[Any, Any, None]:
        nonlocal arrivals
        while True:
            yield env.timeout(rng.expovariate(params.arrivals_per_s))
            arrivals += 1
            env.process(job())

    env.process(source())
    env.run(until=params.horizon_s)
    return QueueResult(arrivals, finishes, sum(waits_s) / len(waits_s), process_time() - begin_s)
