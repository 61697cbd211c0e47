"""What a logical event costs, on our engines and in others; speeds are noted, never asserted.

Times are processor time of set-up and run, divided by the logical events. pytest-benchmark's clock shows just that
here, so its tables, its files and --benchmark-compare-fail speak of time per event.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, replace
from functools import cache
from typing import Any

import instructions
import ours
import pytest
from peers import COLLAPSE, HERD, PEERS, SMALL, STORM, StormParams, StormResult, disagreements

from recovery.stages.engines import EVENTS, LANES

SEEDS = range(1, 11)
FLEET_EVENTS = 12_000_000
BUSY_S = 50.0  # a fleet's checks take so much of its workers' time in every 60 s
ROUNDS = {"ours": 25, "ours, events": 25, "heap-cpp": 5, "cimba-c": 5, "cimba-python": 3, "simpy-lean": 2, "simpy": 2}
SPEEDS = "storm, ns per logical event"
FLEET = "fleet size, ns per logical event on lanes, and on events in turn with them"
OURS: dict[str, Callable[[StormParams], ours.OurResult]] = {"ours": ours.run, "ours, events": ours.run_events}

_clock_s = [0.0]
_best_ns: dict[str, float] = {}


def clock_s() -> float:
    """Goes on by the cost of one logical event whenever a storm was run."""
    return _clock_s[0]


def program(name: str) -> Callable[[StormParams], StormResult]:
    if name in OURS:
        return OURS[name]
    if reason := PEERS[name].missing():
        pytest.skip(reason)
    return PEERS[name].run


@cache
def answers(name: str, params: StormParams) -> list[StormResult]:
    run = program(name)
    return [run(replace(params, seed=seed)) for seed in SEEDS]


def measure(benchmark: Any, run: Callable[[StormParams], Any], params: StormParams, rounds: int) -> Any:
    """The quickest of the rounds; the others had more of the machine's noise."""
    results: list[StormResult] = []

    def once() -> None:
        results.append(run(params))
        _clock_s[0] += results[-1].ns_per_event * 1e-9

    benchmark.pedantic(once, rounds=rounds)
    best = min(results, key=lambda result: result.ns_per_event)
    still_open = best.submissions - best.successes - best.timeouts
    assert 0 <= still_open <= params.holders
    benchmark.extra_info.update(ns_per_event=best.ns_per_event, logical_events=best.logical_events)
    return best


@pytest.mark.benchmark(group=SPEEDS, timer=clock_s)
@pytest.mark.parametrize("name", ROUNDS)
def test_storm(benchmark: Any, table: dict[str, Any], name: str) -> None:
    run = program(name)
    if name != "simpy":
        assert disagreements(answers("simpy", SMALL), answers(name, SMALL)) == []
    if name in OURS:
        other = next(other for other in ("heap-cpp", "cimba-c", "simpy-lean") if PEERS[other].missing() is None)
        for storm in (STORM, HERD):
            short = replace(storm, horizon_s=600.0)
            assert disagreements(answers(other, short), answers(name, short)) == []

    best = measure(benchmark, run, STORM, ROUNDS[name])
    _best_ns[name] = best.ns_per_event
    row = {"program": name, "ns/event": f"{best.ns_per_event:.1f}", "times ours": ""}
    if "ours" in _best_ns:
        ratio = best.ns_per_event / _best_ns["ours"]
        benchmark.extra_info["times_ours"] = ratio
        row["times ours"] = f"{ratio:.2f}"
    row["events"] = f"{best.logical_events:,}"
    if name in OURS and instructions.missing() is None:
        count = instructions.per_event("STORM", "lanes" if name == "ours" else "events")
        benchmark.extra_info["instructions_per_event"] = count
        row["instructions/event"] = f"{count:.0f}"
    table[SPEEDS].append(row)


def fleet(holders: int) -> StormParams:
    """The same load on a host of any size, and about as many events."""
    return replace(
        STORM,
        holders=holders,
        service_s=BUSY_S * STORM.workers / holders,
        horizon_s=float(round(FLEET_EVENTS / 2 / holders * STORM.renew_after_s)),
    )


def collapse(holders: int) -> StormParams:
    return replace(fleet(holders), phase_s=COLLAPSE.phase_s, timeout_s=COLLAPSE.timeout_s, horizon_s=3.6e7 / holders)


STORMS = {
    "1,000 holders": (fleet(1_000), 0.0),
    "10,000 holders": (fleet(10_000), 0.0),
    "100,000 holders": (fleet(100_000), 0.0),
    "1,000,000 holders": (fleet(1_000_000), 0.0),
    "1,000 at random": (fleet(1_000), 0.1),  # jitter of their checks
    "10,000 at random": (fleet(10_000), 0.1),
    "100,000 at random": (fleet(100_000), 0.1),
    "1,000,000 at random": (fleet(1_000_000), 0.1),
    "1,000 collapsed": (collapse(1_000), 0.0),
    "10,000 collapsed": (collapse(10_000), 0.0),
    "100,000 collapsed": (collapse(100_000), 0.0),
}


@pytest.mark.benchmark(group=FLEET, timer=clock_s)
@pytest.mark.parametrize("storm", STORMS)
def test_fleet_size(benchmark: Any, table: dict[str, Any], storm: str) -> None:
    params, jitter = STORMS[storm]
    others: list[ours.OurResult] = []

    def in_turn(params: StormParams) -> ours.OurResult:
        others.append(ours.run(params, EVENTS, jitter))
        found = ours.run(params, LANES, jitter)
        assert astuple(found)[:5] == astuple(others[-1])[:5]
        return found

    best = measure(benchmark, in_turn, params, rounds=5)
    event_ns = min(other.ns_per_event for other in others)
    _best_ns[storm] = best.ns_per_event
    row = {
        "host": storm,
        "ns/event": f"{best.ns_per_event:.1f}",
        "of it set-up": f"{best.set_up_ns_per_event:.1f}",
        "on events": f"{event_ns:.1f}",
        "times 1,000": "",
    }
    smallest = "1,000 " + storm.partition(" ")[2]
    if smallest in _best_ns:
        ratio = best.ns_per_event / _best_ns[smallest]
        benchmark.extra_info["times_1000"] = ratio
        row["times 1,000"] = f"{ratio:.2f}"
    benchmark.extra_info["set_up_ns_per_event"] = best.set_up_ns_per_event
    benchmark.extra_info["ns_per_event_on_events"] = event_ns
    queue = best.submissions - best.finishes
    benchmark.extra_info["queue_at_end"] = queue
    table[FLEET].append({**row, "events": f"{best.logical_events:,}", "queue at the end": f"{queue:,}"})
