"""What a job and a check cost in the stages after the leases, and what a whole day takes; speeds are noted, never
asserted.

A day of 5,000,000 launches and as many changes, whose leases are away for three hours (the curve is given: the lease
stage has its own benchmark). Times are processor time of one thread; those of the whole day, all stages together, are
of the wall.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from recovery_kernels import batches
from recovery_kernels import health as health_kernel
from recovery_kernels import launches as launch_kernel
from recovery_kernels import propagation as propagation_kernel

from recovery.reading.experiment import parse
from recovery.simulate import chain, pipeline
from recovery.simulate.outcome import Outcome
from recovery.stages import health, launches, propagation
from recovery.study import execute

DAY = """
horizon = "15h"
fleet = { holders = 1_000_000, hosts = 100, zones = 3 }
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
CHECKS = """
horizon = "20m"
fleet = { holders = 1_000_000, hosts = 100, zones = 3 }
host = { establish_time = "1s", timeout = "5m" }
lease = { duration = "1h", check_every = "4m" }
launches.demand = "93/s"
propagation = { workers = 8, time = "1s" }
health.targets = 1_000_000
health.interval = "30s"
health.workers = 40
"""
WHOLE = """
horizon = "15h"
fleet = { holders = 1_000_000, hosts = 100, zones = 3 }
host = { workers = 10, establish_time = { dist = "exponential", mean = "1400ms" }, renew_time = "50ms", timeout = "5m" }
lease = { duration = { dist = "uniform", min = "5m", max = "160m" }, check_every = "4m" }
dependency.outages = [{ from = "0s", to = "157m" }]
policy = { client = { name = "fixed", delay = "30s" }, queue = { name = "bounded", limit = "2m" } }
[launches]
demand = "93/s"
changes = "40/s"
looks = 20
client = { name = "full-jitter", base = "2m", cap = "30m" }
[health]
targets = 50_000
joins = "3%"
workers = 4
time = "500us"
terminate_after = "20m"
failover_below = "80%"
failover_back = "90%"
[propagation]
shards = 32
workers = 8
time = { dist = "exponential", mean = "800ms" }
slowdown = { a = 0.2, queue = 20000 }
"""
ROUNDS = 5
_clock_s = [0.0]


def clock_s() -> float:
    """Goes on by the cost of one job whenever a day was run."""
    return _clock_s[0]


@pytest.mark.benchmark(group="a day after the leases, ns per job", timer=clock_s)
def test_day(benchmark: Any, table: dict[str, Any]) -> None:
    case = parse(DAY).first.scenario
    t = (np.arange(case.windows) + 1) * case.coupling.window / 60
    share = np.interp(t, [0, 5, 156, 268, 340], [1, 1, 0, 0, 1])
    holders = np.array([333_334, 333_333, 333_333])
    leased = (holders[:, None] * share).astype(np.int64)
    best: dict[str, float] = {}

    def once() -> None:
        first, second = launches.start(case, 1, 0, leased, holders), propagation.start(case, 1, 0)
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


@pytest.mark.parametrize("time_", ["500us", "exponential"])
@pytest.mark.benchmark(group="health checks of a million targets, ns per check", timer=clock_s)
def test_checks(benchmark: Any, table: dict[str, Any], time_: str) -> None:
    """Healthy stretches: forty checks of each of a million targets, by forty workers."""
    service = '{ dist = "exponential", mean = "500us" }' if time_ == "exponential" else f'"{time_}"'
    case = parse(CHECKS + f"health.time = {service}\n").first.scenario
    nothing = np.zeros(case.windows + 1, np.int64)
    no_jobs, no_finishes = np.zeros((0, batches.COLUMNS), np.int64), np.zeros((0, 2), np.int64)
    costs: list[float] = []

    def once() -> None:
        run = health.start(case, 1, 0, 3)
        begun = time.thread_time()
        run.advance(case.windows, no_jobs, nothing, no_finishes, nothing)
        spent = time.thread_time() - begun
        checks = run.state.series.sum(axis=0)
        assert checks[health_kernel.CHECKS] == 40_000_000
        assert checks[health_kernel.FAILED] == 0
        costs.append(spent / 40e6 * 1e9)
        _clock_s[0] += costs[-1] * 1e-9

    benchmark.pedantic(once, rounds=ROUNDS)
    table["a day after the leases"].append({"stage": f"health checks, {time_}", "ns/job": f"{min(costs):.1f}"})


@pytest.mark.benchmark(group="a whole day with a million holders")
def test_whole_day(benchmark: Any, table: dict[str, Any]) -> None:
    """Leases, launches, propagation and health checks, with the loop of terminated instances."""
    case = parse(WHOLE)
    threads = execute.cores()

    def once() -> tuple[float, float, Outcome]:
        begun = time.monotonic()
        with pipeline.Runner(threads) as runner:
            outcome = next(runner.run([(case.first, 1, 0)]))
        between = time.monotonic()
        found = chain.follow(outcome)
        assert found.later
        return between - begun, time.monotonic() - between, found

    leases_s, later_s, outcome = benchmark.pedantic(once, rounds=1)
    flows = {name: int(values.sum()) for name, values in outcome.columns().items()}
    assert flows["launches_asked"] > 5_000_000
    work = flows["launch_attempts"] + flows["job_attempts"] + flows["checks"]
    events = outcome.traffic.logical_events()
    table["a whole day"] += [
        {
            "stage": f"leases, {threads} threads",
            "wall (s)": f"{leases_s:.1f}",
            "events": f"{events:,}",
        },
        {"stage": "what follows, one thread", "wall (s)": f"{later_s:.1f}", "events": f"{work:,}"},
    ]
