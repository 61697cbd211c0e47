"""SimPy with as little SimPy as possible: no processes, one callback on a bare timeout for each thing that happens."""

from __future__ import annotations

import importlib.util
from collections import deque
from math import log
from random import Random
from time import process_time
from typing import Any

from . import StormParams, StormResult, without_jitter


def missing() -> str | None:
    return None if importlib.util.find_spec("simpy") else "simpy is not installed"


def run(params: StormParams) -> StormResult:
    without_jitter(params)
    import simpy

    begin_s = process_time()
    env = simpy.Environment()
    timeout = env.timeout
    rng = Random(params.seed)
    random = rng.random
    queue: deque[tuple[int, Any]] = deque()
    timers: list[Any] = [None] * params.holders  # the deadline of the current attempt is also its identity
    granted = [-params.lease_s] * params.holders
    submissions = finishes = successes = timeouts = 0
    free = params.workers
    service_s, timeout_s, renew_after_s = params.service_s, params.timeout_s, params.renew_after_s

    def submit(event: Any) -> None:
        nonlocal submissions, free
        index = event._value
        submissions += 1
        timers[index] = timer = timeout(timeout_s, index)
        timer.callbacks.append(expire)
        if free:
            free -= 1
            timeout(-service_s * log(1.0 - random()), (index, timer)).callbacks.append(finish)
        else:
            queue.append((index, timer))

    def expire(event: Any) -> None:
        nonlocal timeouts
        timeouts += 1
        submit(event)

    def finish(event: Any) -> None:
        nonlocal finishes, successes, free
        index, timer = event._value
        finishes += 1
        if timers[index] is timer:
            successes += 1
            timers[index] = None
            timer.callbacks.clear()  # SimPy cannot take the event back, but it need not call us
            granted[index] = env._now
            timeout(renew_after_s, index).callbacks.append(submit)
        if queue:
            timeout(-service_s * log(1.0 - random()), queue.popleft()).callbacks.append(finish)
        else:
            free += 1

    for index in range(params.holders):
        timeout(params.phase_s * random(), index).callbacks.append(submit)
    env.run(until=params.horizon_s)
    cpu_s = process_time() - begin_s
    return StormResult(
        submissions=submissions,
        finishes=finishes,
        successes=successes,
        timeouts=timeouts,
        leased_share=sum(at + params.lease_s > params.horizon_s for at in granted) / params.holders,
        cpu_s=cpu_s,
    )
