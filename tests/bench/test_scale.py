"""Whether time goes with the holders, and memory does not: one storm on fleets of 10^5 to 10^8 holders, each in a
process of its own with one thread. And whether more cores take less time, for the same bits.

Every host has as many holders, so a fleet that is ten times as large has ten times as many hosts. Times are processor
time, without loading and compiling; those of cores are by the clock.
"""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import recovery
from recovery.reading.experiment import load
from recovery.simulate import pipeline
from recovery.study import machine

A_HOST = 10_000
STORM = """
seed = 5
horizon = "25m"
fleet = {{ holders = {holders}, hosts = {hosts} }}
lease = {{ duration = "5m", check_every = "90s" }}
dependency.outages = [{{ from = "2m", to = "12m" }}]
policy.client = {{ name = "full-jitter", base = "30s", cap = "2m" }}
[host]
workers = 16
establish_time = {{ dist = "exponential", mean = "60ms" }}
renew_time = "20ms"
timeout = "30s"
"""
FLEETS = (10**5, 10**6, 10**7, 10**8)
GOAL = "1.3 times, 2 GiB"
SCALE = "one storm on fleets of 10^5 to 10^8 holders, one thread"
MIB = 2**20


class Stormed(NamedTuple):
    """Processor time of a run in s, its events, its time to recovery in s, and the most memory in bytes that the
    process had: before the run, and in all."""

    cpu_s: float
    events: int
    ttr99_s: float
    before: int
    peak: int


def stormed(holders: int) -> Stormed:
    """A run of so many holders in this process."""
    recovery.parse(STORM.format(holders=A_HOST, hosts=1)).run(threads=1)
    before = _peak()
    scenario = recovery.parse(STORM.format(holders=holders, hosts=holders // A_HOST))
    begun_s = time.process_time()
    run = scenario.run(threads=1)
    cpu_s = time.process_time() - begun_s
    row = run.rows.row(0, named=True)
    assert row["leased_end_share"] == 1
    assert row["leased_min_share"] < 0.01
    return Stormed(cpu_s, row["logical_events"], row["ttr99_s"], before, _peak())


def _peak() -> int:
    """Bytes of memory that this process had at most. Linux's own count, as that of `getrusage` begins with what the
    process had that started this one.
    """
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the kernel tells no VmHWM in /proc/self/status; want Linux")


@pytest.mark.benchmark(group=SCALE)
def test_a_larger_fleet_takes_longer_by_its_size_and_no_more_memory(
    benchmark: Any, table: dict[str, Any], tell: Any
) -> None:
    found: dict[int, Stormed] = {}

    def once() -> None:
        for holders in FLEETS:
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
                found[holders] = pool.submit(stormed, holders).result()

    benchmark.pedantic(once, rounds=1)
    one = found[FLEETS[0]]
    for holders, run in found.items():  # as many events a holder, and as soon back
        assert run.events / holders == pytest.approx(one.events / FLEETS[0], rel=0.01)
        assert run.ttr99_s == pytest.approx(one.ttr99_s, abs=10)
    least_s = min(run.cpu_s / holders for holders, run in found.items())
    for holders, run in found.items():
        benchmark.extra_info[f"{holders} holders"] = run.cpu_s
        tell(f"a storm on {holders:,} holders", run.cpu_s / holders * 1e9, "ns a holder")
        row = {
            "holders": f"{holders:,}",
            "CPU s": f"{run.cpu_s:.2f}",
            "ns a holder": f"{run.cpu_s / holders * 1e9:.0f}",
        }
        row |= {
            "ns an event": f"{run.cpu_s / run.events * 1e9:.1f}",
            "times the least": f"{run.cpu_s / holders / least_s:.2f}",
        }
        row |= {"MiB before": f"{run.before / MIB:.0f}", "MiB at most": f"{run.peak / MIB:.0f}"}
        table[SCALE].append(row | {"goal": GOAL if holders == FLEETS[-1] else ""})


OCTOBER = Path(__file__).resolve().parents[2] / "experiments" / "us-east-1-2025-10-leases.toml"
CORES = "October's leases as they happened, two replications, on more and more cores"
CORES_GOAL = "1.85 times on two"


def numbers_of_threads() -> list[int]:
    """One, two, four and so on, as many as this machine has cores."""
    return [2**power for power in range(machine.cores().bit_length())]


@pytest.mark.benchmark(group=CORES)
def test_cores(benchmark: Any, table: dict[str, Any], tell: Any) -> None:
    loaded = load(OCTOBER)
    clock_s: dict[int, list[float]] = {threads: [] for threads in numbers_of_threads()}

    def once() -> None:
        found = []
        for threads, times in clock_s.items():
            begun_s = time.perf_counter()
            with pipeline.Runner(threads) as runner:
                outcomes = list(runner.run([(loaded.first, loaded.head.seed, number) for number in range(2)]))
            times.append(time.perf_counter() - begun_s)
            found.append([outcome.columns() for outcome in outcomes])
        for others in found[1:]:
            for one, other in zip(found[0], others, strict=True):
                assert all(np.array_equal(one[name], other[name]) for name in one)

    benchmark.pedantic(once, rounds=3, warmup_rounds=1)
    for threads, times in clock_s.items():
        as_quick = min(clock_s[1]) / min(times)
        benchmark.extra_info[f"{threads} threads"] = min(times)
        tell(f"October's leases, two replications, threads: {threads}, clock", min(times), "s")
        row = {"threads": f"{threads}", "clock s": f"{min(times):.2f}", "times one": f"{as_quick:.2f}"}
        table[CORES].append(row | {"goal": CORES_GOAL if threads == 2 else ""})
