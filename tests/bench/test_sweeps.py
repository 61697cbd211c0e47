"""What a sweep costs beside its runs: its speed on all cores against one, on threads and on a Dask cluster, and the
reading of a large table of results.

Speeds are noted, never asserted. On a machine that others use too the efficiency is too low: the table says how much.
Nor do two cores give twice of one where they share the units of one (virtual cores often do): two separate sweeps in
two processes, at the same time, show what the machine gives.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import psutil
import pytest
from distributed import LocalCluster

from recovery.reading.experiment import parse
from recovery.study import runs, sweep

SWEEP = """
seed = 5
horizon = "40m"
fleet = { holders = 1000, hosts = 2 }
host = { workers = 2, establish_time = { dist = "exponential", mean = "500ms" }, renew_time = "20ms", timeout = "30s" }
lease = { duration = "10m", check_every = "3m" }
dependency.outages = [{ from = "2m", to = "15m" }]
[sweep]
method = "lhs"
samples = 250
[sweep.levers]
"policy.queue" = { values = ["fifo", "lifo"] }
"policy.client" = { values = [{ name = "fixed", delay = "5s" }, { name = "full-jitter", base = "10s", cap = "10m" }] }
[sweep.uncertainties]
"host.timeout" = { min = "15s", max = "2m", distribution = "log-uniform" }
"fleet.holders" = { min = 800, max = 1200 }
"""
WORKERS = (1, 2)
ROUNDS = 3
GOAL = "90 %"
ROWS = 1_000_000
SPEED = "sweep of 1,000 short runs on threads"
CLUSTER = "sweep of 200 runs of some 50 ms on a Dask cluster of this machine"
CLUSTER_GOAL = "1.7 times"
READING = "reading the results of 1,000,000 runs"

_clock_s = [0.0]


def clock_s() -> float:
    """Goes on by what is measured."""
    return _clock_s[0]


def swept(out: Path, cores: list[int]) -> tuple[Path, float, float]:
    """Folder of a sweep on these cores, how long it took, and the share of all cores that others had meanwhile."""
    experiment = parse(SWEEP, name="short")
    all_cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)  # else one worker's sweep would plan and write on a second core
    before, cpu_s, begun_s = psutil.cpu_times(), time.process_time(), time.perf_counter()
    try:
        folder, _ = sweep.run(experiment, out=out, place=runs.backend("threads", len(cores)), resume=False)
    finally:
        os.sched_setaffinity(0, all_cores)
    wall_s = time.perf_counter() - begun_s
    after = psutil.cpu_times()
    idle_s = after.idle + after.iowait - before.idle - before.iowait
    others_s = wall_s * (psutil.cpu_count() or 1) - idle_s - (time.process_time() - cpu_s)
    return folder, wall_s, max(others_s / wall_s / (psutil.cpu_count() or 1), 0.0)


@pytest.mark.benchmark(group=SPEED, timer=clock_s)
def test_two_workers_against_one(benchmark: Any, table: dict[str, Any], tell: Any, tmp_path: Path) -> None:
    cores = sorted(os.sched_getaffinity(0))[:2]
    swept(tmp_path / "warm", cores)
    best: dict[str, tuple[float, float]] = {}
    bytes_: set[bytes] = set()
    rounds = iter(range(ROUNDS))

    def note(name: str, wall_s: float, others: float) -> None:
        best[name] = min(best.get(name, (np.inf, 0.0)), (wall_s, others))

    def once() -> None:
        number = next(rounds)
        for workers in WORKERS:
            folder, wall_s, others = swept(tmp_path / f"{number}-{workers}", cores[:workers])
            bytes_.add((folder / "runs.parquet").read_bytes())
            note(f"{workers}", wall_s, others)
        apart = [pool.submit(swept, tmp_path / f"{number}-apart-{core}", [core]) for core in cores]
        note("2 sweeps apart", max(one.result()[1] for one in apart) / 2, 0.0)
        _clock_s[0] += wall_s

    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(swept, [tmp_path / f"warm-{core}" for core in cores], [[core] for core in cores]))
        benchmark.pedantic(once, rounds=ROUNDS)
    assert len(bytes_) == 1
    runs = 4 * parse(SWEEP).head.sweep.samples
    for name, (wall_s, others) in best.items():
        tell(f"a sweep of {runs:,} short runs, workers: {name}", wall_s, "s")
        efficiency = best["1"][0] / wall_s / (1 if name == "1" else 2)
        benchmark.extra_info[f"efficiency {name}"] = efficiency
        row = {"workers": name, "s a sweep": f"{wall_s:.2f}", "runs/s": f"{runs / wall_s:.0f}"}
        row |= {"efficiency": f"{100 * efficiency:.1f} %", "goal": GOAL if name == "2" else ""}
        row["of two apart"] = f"{100 * best['2 sweeps apart'][0] / wall_s:.1f} %" if name == "2" else ""
        table[SPEED].append(row | {"cores that others had": f"{100 * others:.0f} %" if others else ""})


@pytest.mark.benchmark(group=CLUSTER, timer=clock_s)
def test_two_workers_of_a_cluster_against_one(benchmark: Any, table: dict[str, Any], tell: Any, tmp_path: Path) -> None:
    """The scheduler and the command itself need these cores, too."""
    larger = SWEEP.replace("holders = 1000", "holders = 10_000").replace(
        "min = 800, max = 1200", "min = 8000, max = 12000"
    )
    experiment = parse(
        larger.replace("workers = 2", "workers = 10").replace("samples = 250", "samples = 50"), name="larger"
    )
    best: dict[int, float] = {}
    bytes_: set[bytes] = set()
    rounds = iter(range(ROUNDS))

    def once() -> None:
        number = next(rounds)
        for workers, made in clusters.items():
            begun_s = time.perf_counter()
            place = runs.backend("dask", 1, made.scheduler_address)
            folder, _ = sweep.run(experiment, out=tmp_path / f"{number}-{workers}", place=place, resume=False)
            best[workers] = min(best.get(workers, np.inf), time.perf_counter() - begun_s)
            bytes_.add((folder / "runs.parquet").read_bytes())
        _clock_s[0] += best[workers]

    with ExitStack() as stack:
        clusters = {
            workers: stack.enter_context(
                LocalCluster(
                    n_workers=workers, threads_per_worker=1, dashboard_address=None, worker_dashboard_address=None
                )
            )
            for workers in WORKERS
        }
        once()  # loads the kernels
        best.clear()
        benchmark.pedantic(once, rounds=ROUNDS - 1)
    assert len(bytes_) == 1
    for workers, wall_s in best.items():
        tell(f"a sweep of {4 * experiment.head.sweep.samples:,} runs on Dask, workers: {workers}", wall_s, "s")
        benchmark.extra_info[f"{workers} workers"] = wall_s
        row = {"workers": f"{workers}", "s a sweep": f"{wall_s:.2f}", "times one": f"{best[1] / wall_s:.2f}"}
        table[CLUSTER].append(row | {"goal": CLUSTER_GOAL if workers == WORKERS[-1] else ""})


@pytest.mark.benchmark(group=READING, timer=clock_s)
def test_reading_a_large_table(benchmark: Any, table: dict[str, Any], tell: Any, tmp_path: Path) -> None:
    """Rows of a real sweep in random order, with keys of their own and with numbers that do not repeat."""
    rows = pl.read_parquet(swept(tmp_path, sorted(os.sched_getaffinity(0))[:2])[0] / "runs.parquet")
    chance = np.random.default_rng(1)
    large = rows[chance.integers(0, rows.height, ROWS)].with_columns(
        (pl.col(pl.Float64) * pl.lit(pl.Series(1 + 1e-6 * chance.random(ROWS)))),
        pl.Series("key", [f"{key:016x}" for key in chance.integers(0, 2**63, ROWS).tolist()]),
    )
    assert large.schema == rows.schema
    large.write_parquet(tmp_path / "large.parquet", compression="zstd")
    times: dict[str, list[float]] = {"all columns": [], "mean of one by policy": []}

    def once() -> None:
        begun_s = time.perf_counter()
        assert pl.read_parquet(tmp_path / "large.parquet").height == ROWS
        times["all columns"].append(time.perf_counter() - begun_s)
        begun_s = time.perf_counter()
        means = pl.scan_parquet(tmp_path / "large.parquet").group_by("policy").agg(pl.col("ttr99_s").mean()).collect()
        times["mean of one by policy"].append(time.perf_counter() - begun_s)
        assert means.height == rows["policy"].n_unique()
        _clock_s[0] += times["all columns"][-1]

    benchmark.pedantic(once, rounds=5)
    size = (tmp_path / "large.parquet").stat().st_size / 1e6
    for what, spent in times.items():
        tell(f"reading {ROWS:,} rows: {what}", min(spent), "s")
        benchmark.extra_info[what] = min(spent)
        row = {"read": what, "s": f"{min(spent):.2f}", "MB": f"{size:.0f}", "columns": f"{rows.width}"}
        table[READING].append(row)
