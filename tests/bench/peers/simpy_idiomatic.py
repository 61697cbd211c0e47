"""SimPy as its documentation would write it: a process for each holder and each worker, a Store between them."""

from __future__ import annotations

import importlib.util
from collections.abc import Generator
from random import Random
from time import process_time
from typing import Any

from . import StormParams, StormResult, without_jitter

Process = Generator[Any, Any, None]


def missing() -> str | None:
    return None if importlib.util.find_spec("simpy") else "simpy is not installed"


class Attempt:
    def __init__(self, done: Any) -> None:
        self.done = done
        self.abandoned = False


class Storm:
    def __init__(self, env: Any, queue: Any, params: StormParams) -> None:
        self.env = env
        self.queue = queue
        self.params = params
        self.rng = Random(params.seed)
        self.granted = [-params.lease_s] * params.holders
        self.submissions = 0
        self.finishes = 0
        self.successes = 0
        self.timeouts = 0
        for index in range(params.holders):
            env.process(self.holder(index))
        for _ in range(params.workers):
            env.process(self.worker())

    def holder(self, index: int) -> Process:
        yield self.env.timeout(self.rng.uniform(0.0, self.params.phase_s))
        while True:
            attempt = Attempt(self.env.event())
            self.submissions += 1
            self.queue.put(attempt)
            result = yield attempt.done | self.env.timeout(self.params.timeout_s)
            if attempt.done in result:
                self.granted[index] = self.env.now
                yield self.env.timeout(self.params.renew_after_s)
            else:
                attempt.abandoned = True
                self.timeouts += 1

    def worker(self) -> Process:
        while True:
            attempt = yield self.queue.get()
            yield self.env.timeout(self.rng.expovariate(1.0 / self.params.service_s))
            self.finishes += 1
            if not attempt.abandoned:
                self.successes += 1
                attempt.done.succeed()


def run(params: StormParams) -> StormResult:
    without_jitter(params)
    import simpy

    begin_s = process_time()
    env = simpy.Environment()
    storm = Storm(env, simpy.Store(env), params)
    env.run(until=params.horizon_s)
    cpu_s = process_time() - begin_s
    return StormResult(
        submissions=storm.submissions,
        finishes=storm.finishes,
        successes=storm.successes,
        timeouts=storm.timeouts,
        leased_share=sum(at + params.lease_s > params.horizon_s for at in storm.granted) / params.holders,
        cpu_s=cpu_s,
    )
