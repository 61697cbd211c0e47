"""Calls of functions that a small run and short runs of a sweep take, which unlike times do not depend on what else the
machine does. Calls of C count too.

    python tests/bench/calls.py

Prints those of the README's small run, from the start of the command to its page; those of a run of a sweep, by the
thread that plans, draws up keys and writes, and by the one that runs; and those of one host more.
"""

from __future__ import annotations

import cProfile
import os
import pstats
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

SMALL = """
import cProfile, pstats, sys
profile = cProfile.Profile()
profile.enable()
from recovery.cli.main import entry
try:
    entry()
except SystemExit:
    pass
profile.disable()
print(pstats.Stats(profile).total_calls, file=sys.stderr)
"""
SWEEP = """
seed = 5
horizon = "40m"
fleet = {{ holders = {holders}, hosts = {hosts} }}
lease = {{ duration = "10m", check_every = "3m" }}
dependency.outages = [{{ from = "2m", to = "15m" }}]
[host]
workers = 2
establish_time = {{ dist = "exponential", mean = "500ms" }}
renew_time = "20ms"
timeout = "30s"
[sweep]
method = "lhs"
samples = {samples}
levers."policy.queue".values = ["fifo", "lifo"]
levers."policy.client".values = [
  {{ name = "fixed", delay = "5s" }}, {{ name = "full-jitter", base = "10s", cap = "10m" }},
]
uncertainties."host.timeout" = {{ min = "15s", max = "2m", distribution = "log-uniform" }}
"""
POLICIES, MANY, SAMPLES = 4, 20, (250, 50)


def of_small_run() -> int:
    """Calls of the README's small run, whose kernels are compiled before."""
    recovery = [sys.executable, "-m", "recovery"]
    with tempfile.TemporaryDirectory() as place:
        new = subprocess.run([*recovery, "new", "--nodes", "30000", "--servers", "3"], check=True, capture_output=True)
        Path(place, "mine.toml").write_bytes(new.stdout)
        for name in ("warm", "counted"):
            command = [sys.executable, "-c", SMALL, "run", "mine.toml", "--out", name]
            done = subprocess.run(command, check=True, capture_output=True, cwd=place, text=True, env=dict(os.environ))
    return int(done.stderr.split()[-1])


def of_runs(holders: int, hosts: int, samples: int) -> tuple[float, float]:
    """Calls a run of a sweep, of the thread that plans and of the one that runs."""
    from recovery.reading.experiment import parse
    from recovery.study import runs, sweep
    from recovery.study.sweep import runs as swept

    plans, works = cProfile.Profile(), cProfile.Profile()
    simulate: Callable[..., Any] = swept.simulate

    def counted(*args: Any, **kwargs: Any) -> Any:
        works.enable()
        try:
            return simulate(*args, **kwargs)
        finally:
            works.disable()

    experiment = parse(SWEEP.format(holders=holders, hosts=hosts, samples=samples), name="short")
    with tempfile.TemporaryDirectory() as place:
        for name in ("warm", "counted"):
            swept.simulate = counted if name == "counted" else simulate
            if name == "counted":
                plans.enable()
            sweep.run(experiment, out=Path(place, name), place=runs.backend("threads", 1), resume=False)
        plans.disable()
    swept.simulate = simulate
    planned, ran = (vars(pstats.Stats(one))["total_calls"] / POLICIES / samples for one in (plans, works))
    return planned, ran


def main() -> None:
    """Count and print."""
    print(f"the README's small run: {of_small_run():,} calls")
    plans, works = of_runs(20, 1, SAMPLES[0])
    print(f"a run of a sweep (20 holders): {plans:,.0f} to plan and to keep it, {works:,.0f} to run it")
    _, many = of_runs(10 * MANY, MANY, SAMPLES[1])
    print(f"a host of ten holders more: {(many - works) / (MANY - 1):,.0f}")


if __name__ == "__main__":
    main()
