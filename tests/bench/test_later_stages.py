"""What a job and a check cost in the stages after the leases, and what a whole day takes; speeds are noted, never
asserted.

A day of 5,000,000 launches and as many changes, whose leases are away for three hours (the curve is given: the lease
stage has its own benchmark). Times are processor time of one thread; those of the leases of the
whole day are of the wall.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recovery_kernels import batches
from recovery_kernels import health as health_kernel
from recovery_kernels import launches as launch_kernel
from recovery_kernels import propagation as propagation_kernel

from recovery.model.scenario import Scenario
from recovery.reading.experiment import load, parse
from recovery.simulate import chain, pipeline
from recovery.simulate.outcome import Outcome
from recovery.stages import health, known, launches, propagation
from recovery.stages.stage import Before
from recovery.statistics.arrays import Whole
from recovery.study import machine

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
REAL = Path(__file__).resolve().parents[2] / "experiments" / "us-east-1-2025-10.toml"
DAYS = {"as it happened": "its own throttles", "no second launch throttle": "the herd meets propagation unthrottled"}
PROPAGATING = (
    "as it happened",
    "no second launch throttle",
    "limit by the queue size in propagation",
    "propagation: switch by the queue size",
    "propagation: ramp by the queue size",
    "propagation: token bucket",
    "best of each",
)
ORDERS = {
    "newest first": 'propagation.queue="lifo"',
    "a queue of at most 3,000": 'propagation.queue={ name = "bounded", limit = 3000 }',
    "a timeout of 3 min": 'propagation.timeout="3m"',
}
THROTTLES = {
    "no throttle": "",
    "October's throttle": """launches.throttle = [
      { at = "266m", rate = "10/s" }, { at = "340m", rate = "180/s" }, { at = "414m", rate = "60/s" },
      { at = "695m", rate = "76/s" }, { at = "744m", rate = "92/s" }, { at = "793m", rate = "108/s" },
    ]""",
    "a throttle of 400/s": 'launches.throttle = [{ at = "1s", rate = "400/s" }]',
    "admission of 60/s": 'launches.admission = { name = "token-bucket", rate = "60/s" }',
}
GROWTH = "the loop of October's day, by windows and by length"
LONGER = ({}, {"coupling.window": "5s"}, {"coupling.window": "1250ms"}, {"horizon": "32h"}, {"horizon": "64h"})
ROUNDS = 5
_clock_s = [0.0]


def clock_s() -> float:
    """Goes on by the cost of one job whenever a day was run."""
    return _clock_s[0]


def leases_of(case: Scenario) -> tuple[Whole, Whole]:
    """A curve of leases that are away for three hours, int64[zones, windows], and the holders, int64[zones]."""
    t = (np.arange(case.windows) + 1) * case.coupling.window / 60
    share = np.interp(t, [0, 5, 156, 268, 340], [1, 1, 0, 0, 1])
    holders = np.array([333_334, 333_333, 333_333])
    return (holders[:, None] * share).astype(np.int64), holders


@pytest.mark.benchmark(group="a day after the leases, ns per job", timer=clock_s)
def test_day(benchmark: Any, table: dict[str, Any], tell: Any) -> None:
    case = parse(DAY).first.scenario
    leased, holders = leases_of(case)
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
        tell(f"{name}, a day", ns, "ns an attempt" if name == "launches" else "ns a job")
        table["a day after the leases"].append({"stage": name, "ns/job": f"{ns:.1f}"})


@pytest.mark.parametrize("variant", [*PROPAGATING, *ORDERS])
@pytest.mark.benchmark(group="October's jobs in propagation, ns per job", timer=clock_s)
def test_jobs_of_october(benchmark: Any, table: dict[str, Any], tell: Any, variant: str) -> None:
    """Propagation alone, of what October's launches let out after given leases; with other orders, as it happened."""
    changes, name = ((ORDERS[variant],), "as it happened") if variant in ORDERS else ((), variant)
    case = next(one for one in load(REAL, changes).variants if one.name == name).scenario
    leased, holders = leases_of(case)
    costs: list[float] = []

    def once() -> None:
        first, second, spent = launches.start(case, 1, 0, leased, holders), propagation.start(case, 1, 0), 0.0
        for until in range(60, case.windows + 60, 60):
            until = min(until, case.windows)
            first.advance(until)
            begun = time.thread_time()
            second.advance(until, first.state.jobs, first.state.first)
            spent += time.thread_time() - begun
            first.forget(until)
            second.forget(until)
        jobs = second.state.series.sum(axis=0)
        assert jobs[propagation_kernel.SUBMITTED] > 6_000_000
        costs.append(spent / int(jobs[propagation_kernel.ATTEMPTS]) * 1e9)
        _clock_s[0] += costs[-1] * 1e-9

    benchmark.pedantic(once, rounds=ROUNDS)
    tell(f"propagation, October, {variant}", min(costs), "ns a job")
    table["a day after the leases"].append({"stage": f"propagation, {variant}", "ns/job": f"{min(costs):.1f}"})


@pytest.mark.parametrize("throttle", THROTTLES)
@pytest.mark.benchmark(group="launches and their throttles, ns per attempt", timer=clock_s)
def test_throttles(benchmark: Any, table: dict[str, Any], tell: Any, throttle: str) -> None:
    """Launches alone, with October's demand, customers and throttle."""
    october = 'launches.client = { name = "full-jitter", base = "1m", cap = "10m" }\nlaunches.retries = 8\n'
    text = DAY.replace('launches.client = { name = "full-jitter", base = "2m", cap = "30m" }\n', october)
    case = parse(text + THROTTLES[throttle]).first.scenario
    leased, holders = leases_of(case)
    costs: list[float] = []

    def once() -> None:
        run, spent = launches.start(case, 1, 0, leased, holders), 0.0
        for until in range(60, case.windows + 60, 60):
            begun = time.thread_time()
            run.advance(min(until, case.windows))
            spent += time.thread_time() - begun
            run.forget(min(until, case.windows))
        flows = run.state.series.sum(axis=0)
        denied = flows[launch_kernel.THROTTLED] + flows[launch_kernel.INSUFFICIENT]
        assert flows[launch_kernel.ATTEMPTS] == flows[launch_kernel.ACCEPTED] + denied
        costs.append(spent / int(flows[launch_kernel.ATTEMPTS] + flows[launch_kernel.CHANGED]) * 1e9)
        _clock_s[0] += costs[-1] * 1e-9

    benchmark.pedantic(once, rounds=ROUNDS)
    tell(f"launches, {throttle}", min(costs), "ns an attempt")
    table["a day after the leases"].append({"stage": f"launches, {throttle}", "ns/job": f"{min(costs):.1f}"})


@pytest.mark.parametrize("longer", LONGER)
@pytest.mark.benchmark(group=GROWTH, timer=clock_s)
def test_growth(benchmark: Any, table: dict[str, Any], tell: Any, longer: dict[str, str]) -> None:
    """October's launches, propagation and health checks after given leases, in shorter windows, and for longer."""
    case = load(REAL, tuple(f"{key}={value}" for key, value in longer.items())).first.scenario
    leased, holders = leases_of(case)
    spent: list[float] = []

    def once() -> None:
        later = chain._Chain(known.later_of(case), Before(case, 1, 0, leased, holders), chain.STRETCH)
        begun = time.thread_time()
        tables = later.run()
        spent.append(time.thread_time() - begun)
        assert all(len(column) == case.windows for one in tables for column in one.columns.values())
        _clock_s[0] += spent[-1]

    benchmark.pedantic(once, rounds=2)
    row = {"window": f"{case.coupling.window:g} s", "horizon": f"{case.horizon / 3600:g} h"}
    tell(f"October's three stages, {row['horizon']} in windows of {row['window']}", min(spent), "s")
    table[GROWTH].append(row | {"windows": f"{case.windows:,}", "CPU s": f"{min(spent):.2f}"})


@pytest.mark.parametrize("time_", ["500us", "exponential"])
@pytest.mark.benchmark(group="health checks of a million targets, ns per check", timer=clock_s)
def test_checks(benchmark: Any, table: dict[str, Any], tell: Any, time_: str) -> None:
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
    tell(f"health checks, {time_}", min(costs), "ns a check")
    table["a day after the leases"].append({"stage": f"health checks, {time_}", "ns/job": f"{min(costs):.1f}"})


@pytest.mark.parametrize("variant", DAYS)
@pytest.mark.benchmark(group="the real day with a million holders")
def test_whole_day(benchmark: Any, table: dict[str, Any], tell: Any, variant: str) -> None:
    """The published day, its ten sampled hosts, launches, propagation and health checks, with the loop of terminated
    instances; and the variant that asks most of the later stages.
    """
    loaded = load(REAL)
    case = next(one for one in loaded.variants if one.name == variant)
    threads = machine.cores()

    def once() -> tuple[float, float, Outcome]:
        begun = time.monotonic()
        with pipeline.Runner(threads) as runner:
            outcome = next(runner.run([(case, loaded.head.seed, 0)]))
        between, cpu = time.monotonic(), time.thread_time()
        found = chain.follow(outcome)
        return between - begun, time.thread_time() - cpu, found

    hosts_s, later_s, outcome = benchmark.pedantic(once, rounds=1)
    flows = {name: int(values.sum()) for name, values in outcome.columns().items()}
    assert flows["launches_asked"] > 5_000_000
    assert flows["targets_terminated"] > 10_000  # the loop is at work
    work = flows["launch_attempts"] + flows["job_attempts"] + flows["checks"]
    tell(f"October's day, {variant}: leases, {threads} threads, clock", hosts_s, "s")
    tell(f"October's day, {variant}: what follows", later_s, "s")
    table["a whole day"] += [
        {
            "stage": f"{variant}: leases, {threads} threads, wall",
            "s": f"{hosts_s:.1f}",
            "events": f"{outcome.traffic.logical_events():,}",
        },
        {"stage": f"{variant}: what follows, CPU", "s": f"{later_s:.1f}", "events": f"{work:,}"},
    ]
