"""What it costs that operators wait for a condition: 100 hosts of eight hours against the same with the time at which
it held, on either engine. Speeds are noted, never asserted.
"""

from __future__ import annotations

import time
from typing import Any

import one_table
import pytest
from recovery_kernels.lanes import rules

from recovery.reading.experiment import parse
from recovery.simulate import pipeline
from recovery.simulate.outcome import Outcome
from recovery.stages.engines import EVENTS, LANES

HOSTS = 100
STORM = """
horizon = "8h"
fleet = {{ holders = {holders}, hosts = {hosts} }}
lease = {{ duration = "10m", check_every = "3m" }}
dependency.outages = [{{ from = "30m", to = "2h" }}]
policy.client = {{ name = "full-jitter", base = "30s", cap = "5m" }}
operator = [{{ do = "throttle", {when}, rate = "{rate}/s", only = "establish" }}]
[host]
workers = 16
establish_time = {{ dist = "exponential", mean = "{establish_ms}ms" }}
renew_time = "{renew_ms}ms"
timeout = "30s"
"""
WHEN = 'when = "leased < 60%"'
ROUNDS = 3
GOAL = "1.3"
CONDITIONS = f"a condition against its time, {HOSTS} hosts of 8 h"

_clock_s = [0.0]


def clock_s() -> float:
    """Goes on by the processor time of a run with a condition."""
    return _clock_s[0]


def run(when: str, a_host: int, threads: int) -> tuple[float, float, Outcome]:
    """Processor time and time by the clock, in s, of a run with so many holders at each host, and its outcome."""
    text = STORM.format(
        holders=a_host * HOSTS, hosts=HOSTS, when=when, rate=a_host // 2,
        establish_ms=600_000 // a_host, renew_ms=200_000 // a_host,
    )  # fmt: skip
    variant = parse(text).first
    begun_s, cpu_s = time.perf_counter(), time.process_time()
    with pipeline.Runner(threads) as runner:
        [outcome] = runner.run([(variant, 5, 0)])
    return time.process_time() - cpu_s, time.perf_counter() - begun_s, outcome


@pytest.mark.parametrize("a_host", [100, 1_000])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.benchmark(group=CONDITIONS, timer=clock_s)
def test_conditions(
    benchmark: Any, table: dict[str, Any], tell: Any, monkeypatch: pytest.MonkeyPatch, a_host: int, threads: int
) -> None:
    carries = rules.carries
    [held] = run(WHEN, a_host, threads)[2].actions
    at = f'at = "{held.at_s}s"'
    asked = {"condition": WHEN, "its time": at}
    found: dict[tuple[str, str], list[tuple[float, float]]]
    found = {(engine, name): [] for engine in (LANES, EVENTS) for name in asked}

    def once() -> None:
        events: set[int] = set()
        for (engine, name), times in found.items():
            monkeypatch.setattr(rules, "carries", carries if engine == LANES else lambda *_: False)
            cpu_s, wall_s, outcome = run(asked[name], a_host, threads)
            events.add(outcome.traffic.logical_events())
            times.append((cpu_s, wall_s))
        assert len(events) == 1
        _clock_s[0] += found[LANES, "condition"][-1][0]

    once()  # loads the kernels
    for times in found.values():
        times.clear()
    benchmark.pedantic(once, rounds=ROUNDS)
    least = {which: [min(one[part] for one in times) for part in (0, 1)] for which, times in found.items()}
    for (engine, name), (cpu_s, wall_s) in least.items():
        its_cpu_s, its_wall_s = least[engine, "its time"]
        program = one_table.OURS if (engine, name) == (LANES, "condition") else f"recovery, {engine}, at {name}"
        tell(f"operators' condition, {HOSTS} hosts of {a_host:,}, threads: {threads}", cpu_s, "s", program)
        row = {"holders a host": f"{a_host:,}", "threads": f"{threads}", "engine": engine, "operators act at": name}
        row |= {"CPU s": f"{cpu_s:.2f}", "clock s": f"{wall_s:.2f}"}
        row |= {"it / its time, CPU": f"{cpu_s / its_cpu_s:.2f}", "clock": f"{wall_s / its_wall_s:.2f}"}
        table[CONDITIONS].append(row | {"goal": GOAL if (engine, name) == (LANES, "condition") else ""})
