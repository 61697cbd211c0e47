"""What a logical event costs, on our engines and in others; speeds are noted, never asserted.

Times are processor time of set-up and run, divided by the logical events. pytest-benchmark's clock shows just that
here, so its tables, its files and --benchmark-compare-fail speak of time per event.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, replace
from functools import cache
from typing import Any, NamedTuple

import instructions
import ours
import pytest
from peers import AT_RANDOM, COLLAPSE, HERD, MEASURES, PEERS, SMALL, STORM, StormParams, disagreements
from peers.mm8 import QUEUES, QueueParams
from peers.program import Program
from recovery_kernels.policies import LIFO

from recovery.stages.engines import EVENTS, LANES, SESSIONS

SEEDS = range(1, 11)
INSTRUCTIONS = {"ours, events": EVENTS, "ours": LANES}
FLEET_EVENTS = 12_000_000
BUSY_S = 50.0  # a fleet's checks take so much of its workers' time in every 60 s
ENDS = 10  # times at which operators end the sessions of half of the clients
SESSIONS_TOO = "classes and sessions, ns per logical event, and on the event engine without them"
SESSIONS_ON_LANES = "sessions, ns per logical event, on lanes and on the engine of sessions"
FLEET = "fleet size, ns per logical event on lanes, and on events in turn with them"


class Yardstick(NamedTuple):
    """Programs by name, each with how often it runs `params`, first the one whose answers all must agree with on
    `small`. `short` is for programs so slow that `params` would take minutes: the same with an earlier end.
    """

    title: str
    programs: dict[str, Program]
    measures: Sequence[str]
    params: Any
    small: Any
    short: Any
    rounds: dict[str, int]


JITTER = AT_RANDOM.jitter
QUEUE = QueueParams()
YARDSTICKS = {
    yardstick.title.partition(",")[0]: yardstick
    for yardstick in (
        Yardstick(
            "storm, ns per logical event",
            PEERS, MEASURES, STORM, SMALL, STORM,
            {"simpy": 2, "simpy-lean": 2, "cimba-python": 3, "cimba-c": 5, "heap-cpp": 5, "ring-cpp": 15,
             "ours, events": 15, "ours": 25},
        ),
        Yardstick(
            f"renewals at random, ns per logical event of the storm with {JITTER:.0%} of jitter",
            PEERS, MEASURES,
            AT_RANDOM, replace(SMALL, jitter=JITTER), AT_RANDOM,
            {"heap-cpp": 5, "wheel-cpp": 15, "ours, events": 15, "ours": 25},
        ),
        Yardstick(
            "queue of eight workers, ns per logical event, 90 % busy",
            QUEUES, ("arrivals", "finishes", "wait_s"),
            QUEUE, replace(QUEUE, horizon_s=10.0), replace(QUEUE, horizon_s=60.0),
            {"simpy": 2, "ciw": 2, "salabim": 1, "cimba-python": 3, "cimba-c": 5, "heap-cpp": 5,
             "ours, events": 15, "ours": 15},
        ),
    )
}  # fmt: skip
SLOW = ("simpy", "simpy-lean", "ciw", "salabim")

_clock_s = [0.0]
_best_ns: dict[tuple[str, str], float] = {}


def clock_s() -> float:
    """Goes on by the cost of one logical event whenever a program was run."""
    return _clock_s[0]


@cache
def answers(title: str, name: str) -> list[Any]:
    """What a program says of the small yardstick, over the seeds."""
    yardstick = YARDSTICKS[title]
    program = yardstick.programs[name]
    if reason := program.missing():
        pytest.skip(reason)
    return program.alone([replace(yardstick.small, seed=seed) for seed in SEEDS])


def noted(benchmark: Any, results: Sequence[Any]) -> Any:
    """The quickest of the rounds; the others had more of the machine's noise."""

    def once(result: Any) -> None:
        _clock_s[0] += result.ns_per_event * 1e-9

    each = iter(results)
    benchmark.pedantic(once, setup=lambda: ((next(each),), {}), rounds=len(results))
    best = min(results, key=lambda result: result.ns_per_event)
    benchmark.extra_info.update(ns_per_event=best.ns_per_event, logical_events=best.logical_events)
    return best


@pytest.mark.benchmark(group="programs", timer=clock_s)
@pytest.mark.parametrize(("title", "name"), [(title, name) for title, one in YARDSTICKS.items() for name in one.rounds])
def test_programs(benchmark: Any, table: dict[str, Any], tell: Any, title: str, name: str) -> None:
    yardstick = YARDSTICKS[title]
    first = next(iter(yardstick.rounds))
    assert name == first or disagreements(answers(title, first), answers(title, name), yardstick.measures) == []
    if title == "storm" and name in INSTRUCTIONS:  # where nobody gives up, too
        other = next(PEERS[other] for other in ("heap-cpp", "cimba-c", "simpy-lean") if PEERS[other].missing() is None)
        for storm in (STORM, HERD):
            short = [replace(storm, horizon_s=600.0, seed=seed) for seed in SEEDS]
            assert disagreements(other.alone(short), yardstick.programs[name].alone(short)) == []
    params = yardstick.short if name in SLOW else yardstick.params
    best = noted(benchmark, yardstick.programs[name].alone([params] * yardstick.rounds[name]))
    _best_ns[title, name] = best.ns_per_event
    tell(title, best.ns_per_event, "ns an event", yardstick.programs[name].what)
    row = {"program": name, "ns/event": f"{best.ns_per_event:,.1f}", "events": f"{best.logical_events:,}"}
    if title == "storm" and name in INSTRUCTIONS and instructions.missing() is None:
        count = instructions.per_event("STORM", INSTRUCTIONS[name])
        benchmark.extra_info["instructions_per_event"] = count
        row["instructions/event"] = f"{count:.0f}"
    rows = table[yardstick.title]
    rows.append(row)
    if name == "ours":
        for other in rows:
            other["times ours"] = f"{_best_ns[title, other['program']] / best.ns_per_event:,.2f}"


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


CANCEL, NEWEST = ours.Rules(cancel=True), ours.Rules(queue=LIFO)
BOTH = ours.Rules(cancel=True, queue=LIFO)
STORMS = {
    "1,000 holders": (fleet(1_000), ours.PLAIN),
    "10,000 holders": (fleet(10_000), ours.PLAIN),
    "100,000 holders": (fleet(100_000), ours.PLAIN),
    "1,000,000 holders": (fleet(1_000_000), ours.PLAIN),
    "1,000 at random": (replace(fleet(1_000), jitter=JITTER), ours.PLAIN),
    "10,000 at random": (replace(fleet(10_000), jitter=JITTER), ours.PLAIN),
    "100,000 at random": (replace(fleet(100_000), jitter=JITTER), ours.PLAIN),
    "1,000,000 at random": (replace(fleet(1_000_000), jitter=JITTER), ours.PLAIN),
    "1,000 collapsed": (collapse(1_000), ours.PLAIN),
    "10,000 collapsed": (collapse(10_000), ours.PLAIN),
    "100,000 collapsed": (collapse(100_000), ours.PLAIN),
    "10,000 cancel": (fleet(10_000), CANCEL),
    "10,000 newest first": (fleet(10_000), NEWEST),
    "10,000 newest first, cancel": (fleet(10_000), BOTH),
    "10,000 collapsed, cancel": (collapse(10_000), CANCEL),
    "10,000 collapsed, newest first": (collapse(10_000), NEWEST),
    "10,000 collapsed, newest first, cancel": (collapse(10_000), BOTH),
}


@pytest.mark.benchmark(group=FLEET, timer=clock_s)
@pytest.mark.parametrize("storm", STORMS)
def test_fleet_size(benchmark: Any, table: dict[str, Any], tell: Any, storm: str) -> None:
    params, rules = STORMS[storm]
    found, others = [], []
    for _ in range(5):
        others.append(ours.run(params, EVENTS, rules))
        found.append(ours.run(params, LANES, rules))
        assert astuple(found[-1])[:5] == astuple(others[-1])[:5]
    best = noted(benchmark, found)
    event_ns = min(other.ns_per_event for other in others)
    _best_ns[FLEET, storm] = best.ns_per_event
    tell(f"a host: {storm}", best.ns_per_event, "ns an event")
    tell(f"a host: {storm}", event_ns, "ns an event", "recovery, events")
    row = {
        "host": storm,
        "ns/event": f"{best.ns_per_event:.1f}",
        "of it set-up": f"{best.set_up_ns_per_event:.1f}",
        "on events": f"{event_ns:.1f}",
        "times 1,000": "",
    }
    smallest = FLEET, "1,000 " + storm.partition(" ")[2]
    if smallest in _best_ns:
        ratio = best.ns_per_event / _best_ns[smallest]
        benchmark.extra_info["times_1000"] = ratio
        row["times 1,000"] = f"{ratio:.2f}"
    benchmark.extra_info["set_up_ns_per_event"] = best.set_up_ns_per_event
    benchmark.extra_info["ns_per_event_on_events"] = event_ns
    queue = best.submissions - best.finishes
    benchmark.extra_info["queue_at_end"] = queue
    table[FLEET].append({**row, "events": f"{best.logical_events:,}", "queue at the end": f"{queue:,}"})


def sessions_end(horizon_s: float) -> str:
    """The tables of operators who end the sessions of every second client, again and again; clients see it at once."""
    line = '[[operator]]\ndo = "end-sessions"\nat = "{:.0f}s"\nshare = 0.5\nnotice = "at-once"\n'
    return "".join(line.format(horizon_s * number / (ENDS + 1)) for number in range(1, ENDS + 1))


WITH_SESSIONS = ("one class", "two classes", "two classes, sessions end")


@pytest.mark.benchmark(group=SESSIONS_TOO, timer=clock_s)
@pytest.mark.parametrize("host", WITH_SESSIONS)
@pytest.mark.parametrize("holders", [1_000, 10_000, 100_000])
def test_sessions(benchmark: Any, table: dict[str, Any], tell: Any, holders: int, host: str) -> None:
    """One class is the same host, so its answers are the same; two that are alike agree with it in the mean."""
    params = fleet(holders)
    tables = (ours.PLAIN if host == "one class" else ours.TWO_CLASSES).tables
    if host == "two classes":
        short = [replace(fleet(1_000), horizon_s=600.0, seed=seed) for seed in SEEDS]
        two = [ours.run(one, SESSIONS, ours.Rules(tables=tables)) for one in short]
        assert disagreements([ours.run(one, EVENTS) for one in short], two) == []
    if host.endswith("sessions end"):
        tables += sessions_end(params.horizon_s)
    found, others = [], []
    on_lanes: list[ours.OurResult] = []
    for _ in range(3):
        others.append(ours.run(params, EVENTS))
        found.append(ours.run(params, SESSIONS, ours.Rules(tables=tables)))
        if host != "one class":
            on_lanes.append(ours.run(params, ours.ON_LANES, ours.Rules(tables=tables)))
    same = {(*astuple(one)[:5], one.sessions_ended) for one in (*on_lanes, *found)}
    assert len(same) == 1
    if host == "one class":
        assert astuple(found[-1])[:5] == astuple(others[-1])[:5]
    ended = ENDS * holders // 2 if host.endswith("sessions end") else 0
    assert {one.sessions_ended for one in found} == {ended}
    best = noted(benchmark, found)
    event_ns = min(other.ns_per_event for other in others)
    benchmark.extra_info["ns_per_event_on_events"] = event_ns
    name = f"{holders:,} holders, {host}"
    tell(f"a host: {name}", best.ns_per_event, "ns an event")
    tell(f"a host: {name}", event_ns, "ns an event", "recovery, events, without them")
    row = {"host": name, "ns/event": f"{best.ns_per_event:.1f}"}
    row |= {"on events, without": f"{event_ns:.1f}", "times": f"{best.ns_per_event / event_ns:.2f}"}
    if on_lanes:
        lanes_ns = min(one.ns_per_event for one in on_lanes)
        tell(f"a host: {name}", lanes_ns, "ns an event", "recovery, lanes")
        row["on lanes"] = f"{lanes_ns:.1f}"
    table[SESSIONS_TOO].append({**row, "events": f"{best.logical_events:,}", "sessions ended": f"{ended:,}"})


OF_CLASSES: dict[str, Callable[[StormParams], str]] = {
    "one class": lambda _: ours.PLAIN.tables,
    "two timeouts": lambda params: ours.TWO_CLASSES.tables + f'timeout = "{2 * params.timeout_s}s"\n',
    "two priorities": lambda _: ours.TWO_CLASSES.tables + "priority = 1\n",
}
ON_LANES = [
    (f"{holders:,} {kind}", "one class", ends)
    for kind in ("holders", "at random", "collapsed")
    for holders in (1_000, 10_000, 100_000)
    for ends in (False, True)
    if not ends or kind != "collapsed"  # there nobody has a lease, so no session ends
] + [(f"10,000 {kind}", two, False) for two in ("two timeouts", "two priorities") for kind in ("holders", "collapsed")]


@pytest.mark.benchmark(group=SESSIONS_ON_LANES, timer=clock_s)
@pytest.mark.parametrize(("storm", "classes", "ends"), ON_LANES)
def test_sessions_on_lanes(
    benchmark: Any, table: dict[str, Any], tell: Any, storm: str, classes: str, ends: bool
) -> None:
    """One class of holders, whose sessions end or not, or two that differ: both engines give the same answers."""
    params, _ = STORMS[storm]
    tables = f"{OF_CLASSES[classes](params)}\n{sessions_end(params.horizon_s) if ends else ''}"
    found, others = [], []
    for _ in range(3):
        others.append(ours.run(params, SESSIONS, ours.Rules(tables=tables)))
        found.append(ours.run(params, ours.ON_LANES, ours.Rules(tables=tables)))
    same = {(*astuple(one)[:5], one.sessions_ended) for one in (*found, *others)}
    assert len(same) == 1
    assert (found[-1].sessions_ended > 0) == ends
    best, other_ns = noted(benchmark, found), min(other.ns_per_event for other in others)
    benchmark.extra_info["ns_per_event_on_sessions"] = other_ns
    host = f"{storm}, {classes}{', sessions end' if ends else ''}"
    tell(f"a host: {host}", best.ns_per_event, "ns an event", "recovery, sessions on lanes")
    tell(f"a host: {host}", other_ns, "ns an event", "recovery, sessions")
    row = {"host": host, "ns/event": f"{best.ns_per_event:.1f}", "on sessions": f"{other_ns:.1f}"}
    row |= {"times": f"{other_ns / best.ns_per_event:.1f}", "events": f"{best.logical_events:,}"}
    table[SESSIONS_ON_LANES].append({**row, "sessions ended": f"{best.sessions_ended:,}"})
