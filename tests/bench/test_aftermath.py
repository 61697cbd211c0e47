"""What a job costs in the launch and the propagation stage over a whole day; speeds are noted, never asserted.

A day of 5,000,000 launches and as many changes, whose leases are away for three hours (the curve is given: the lease
stage has its own benchmark). Times are processor time of one thread.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from kernels import launches as launch_kernel
from kernels import propagation as propagation_kernel
from recovery import scenario
from recovery.stages import launches, propagation

DAY = """
horizon = "15h"
fleet = { droplets = 1_000_000, hosts = 100, zones = 3 }
host = { establish_time = "1s", timeout = "5m" }
lease = { duration = "1h", check_every = "4m" }
launches.demand = "93/s"
launches.changes = "93/s"
launches.client = { name = "full-jitter", base = "2m", cap = "30m" }
propagation.shards = 32
propagation.workers = 8
propagation.time = { dist = "exponential", mean = "800ms" }
propagation.slowdown = { a = 0.2, queue = 20000 }
"""
ROUNDS = 5
_clock_s = [0.0]


def clock_s() -> float:
    """Goes on by the cost of one job whenever a day was run."""
    return _clock_s[0]


@pytest.mark.benchmark(group="a day after the leases, ns per job", timer=clock_s)
def test_day(benchmark: Any, table: dict[str, Any]) -> None:
    case = scenario.parse(DAY).first.scenario
    t = (np.arange(case.windows) + 1) * case.coupling.window / 60
    share = np.interp(t, [0, 5, 156, 268, 340], [1, 1, 0, 0, 1])
    droplets = np.array([333_334, 333_333, 333_333])
    leased = (droplets[:, None] * share).astype(np.int64)
    best: dict[str, float] = {}

    def once() -> None:
        first, second = launches.start(case, 1, 0, leased, droplets), propagation.start(case, 1, 0)
        spent = [0.0, 0.0]
        for until in range(60, case.windows + 60, 60):
            until = min(until, case.windows)
            begun = time.thread_time()
            first.advance(until)
            between = time.thread_time()
            second.advance(until, first.state.jobs, first.state.first)
            spent[0] += between - begun
            spent[1] += time.thread_time() - between
            first.forget(until)
        flows, jobs = first.state.series.sum(axis=0), second.state.series.sum(axis=0)
        assert flows[launch_kernel.ASKED] > 5_000_000
        assert jobs[propagation_kernel.SUBMITTED] == flows[launch_kernel.ACCEPTED] + flows[launch_kernel.CHANGED]
        work = int(flows[launch_kernel.ATTEMPTS] + flows[launch_kernel.CHANGED])
        cost = {
            "launches": spent[0] / work * 1e9,
            "propagation": spent[1] / int(jobs[propagation_kernel.ATTEMPTS]) * 1e9,
        }
        for name, ns in cost.items():
            best[name] = min(best.get(name, ns), ns)
        _clock_s[0] += cost["propagation"] * 1e-9

    benchmark.pedantic(once, rounds=ROUNDS)
    benchmark.extra_info.update(best)
    for name, ns in best.items():
        table["a day after the leases"].append({"stage": name, "ns/job": f"{ns:.1f}"})
