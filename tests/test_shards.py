"""Propagation with an order, a timeout or controllers: kernels against their twin and against each other, cuts,
conservation, closed forms, mistakes.

Oracles: the plain Python twin with the same draws (exact); the kernel that goes event by event for that of windows
(exact); the same run cut otherwise or on other threads (exact); conservation of jobs (exact); Erlang's formula, the
law of M/M/1 without regard to order, M/M/c/K, M/D/1 (from several seeds' own interval).
"""

import math
import threading
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import LOTS, OVERFLOW
from recovery_kernels import batches
from recovery_kernels import propagation as kernel
from recovery_kernels import shards as shards_kernel
from test_later import BASE, CLIENTS, INTAKES, TIMES, both, interval, open_stage, serve, variant
from twin.later import LaunchTwin
from twin.shards import ShardsTwin

from recovery.errors import ScenarioError
from recovery.model.policies import own as rules
from recovery.model.scenario import Scenario
from recovery.reading.experiment import parse
from recovery.simulate import identity
from recovery.stages import propagation
from recovery.stages.sessions import controllers, own
from recovery.stages.shards import ShardsRun

pytestmark = pytest.mark.filterwarnings(OVERFLOW)

CONTROLLED: tuple[dict[str, Any], ...] = (
    {"name": "leaky-bucket", "rate": "4/s", "wait": "4s"},
    {"name": "leaky-bucket", "rate": "3/s", "wait": "1m", "line": 5},
    {"name": "fixed-concurrency", "limit": 6},
    {"name": "aimd", "initial": 6, "least": 2, "most": 30, "timeout": "3s"},
    {"name": "vegas", "initial": 6, "most": 40},
    {"name": "gradient2", "initial": 6, "least": 2, "most": 40, "window": "5s"},
    {"name": "envoy-adaptive-concurrency", "every": "3s", "rest_every": "1m", "requests": 5},
    {"name": "envoy-admission-control", "window": "20s"},
    {"name": "blue", "rate": "5/s", "freeze": "1s", "increase": "20%"},
    {"name": "pid", "period": "2s", "memory": "20s"},
    {"name": "percentage-ramp", "start": "1m", "every": "30s"},
)
ORDERS: tuple[dict[str, Any], ...] = (
    {"name": "fifo"},
    {"name": "lifo"},
    {"name": "bounded", "limit": 4},
    {"name": "bounded", "limit": "3s"},
    {"name": "adaptive-lifo", "window": "5s", "short": "1s"},
    {"name": "codel", "target": "1s", "interval": "5s"},
    {"name": "codel-folly", "target": "1s", "interval": "5s"},
    {"name": "pie", "target": "1s", "update": "500ms", "burst": "2s"},
    {"name": "fair-queue", "queues": 8, "hand": 2, "limit": 3, "wait": "9s"},
    {"name": "fair-queue", "queues": 8, "hand": 2, "limit": 3, "flow": "class"},
    {"name": "drop-expired", "max_age": "4s"},
)
OF_DEADLINES: tuple[dict[str, Any], ...] = ({"name": "earliest-deadline"}, {"name": "drop-expired", "margin": "1s"})
WITHOUT_EVENTS: tuple[dict[str, Any], ...] = (
    {},
    {"queue": "lifo"},
    {"queue": {"name": "bounded", "limit": 4}},
    {"queue": {"name": "bounded", "limit": 0}},
    {"timeout": "8s"},
    {"queue": "lifo", "timeout": "8s"},
    {"queue": {"name": "bounded", "limit": 6}, "timeout": "3s"},
    {"queue": {"name": "drop-expired", "max_age": "4s"}},
    {"queue": {"name": "drop-expired", "max_age": "9s", "margin": "1s"}, "timeout": "8s"},
    {"queue": {"name": "drop-expired"}, "timeout": "8s"},
)
TIMEOUTS = ("8s", {"dist": "exponential", "mean": "6s"})


@st.composite
def stages(draw: st.DrawFn) -> tuple[Scenario, int]:
    """A stage with a law or a controller, an order and perhaps a timeout; times lie on whole seconds or anywhere."""
    timeout = draw(st.sampled_from([None, *TIMEOUTS]))
    part: dict[str, Any] = {
        "shards": draw(st.integers(1, 3)),
        "workers": draw(st.integers(1, 3)),
        "time": draw(st.sampled_from(TIMES)),
        "fails": draw(st.sampled_from(["0%", "20%"])),
        "client": draw(st.sampled_from(CLIENTS)),
        "retries": draw(st.sampled_from([0, 3, "unlimited"])),
        "intake": draw(st.sampled_from([*INTAKES, *CONTROLLED, *CONTROLLED])),
        "queue": draw(st.sampled_from(ORDERS if timeout is None else (*ORDERS, *OF_DEADLINES))),
        "reductions": draw(st.sampled_from([[], [{"at": "2m", "lasts": "3m", "share": "60%"}]])),
    }
    if timeout is not None:
        part["timeout"] = timeout
    if draw(st.booleans()):
        part["slowdown"] = {"a": 0.5, "b": draw(st.sampled_from([1.0, 1.7])), "queue": 20}
    rate = draw(st.sampled_from(["1/s", "3/s"]))
    launching = {"demand": rate, "changes": "1/s", "arrivals": draw(st.sampled_from(["poisson", "even"]))}
    return variant(launching, part, horizon="8m"), draw(st.integers(0, 2**32))


def by_events(case: Scenario, seed: int) -> ShardsRun:
    """The stage before its first window, event by event even where it need not be."""
    with patch.object(propagation, "is_plain", lambda part: False):
        run = propagation.start(case, seed, 0)
    assert isinstance(run, ShardsRun)
    return run


def twin_of(case: Scenario, seed: int) -> ShardsTwin:
    run = by_events(case, seed)
    found = {one.axis: (controllers.module_of(one.controller.name), list(one.controller.params)) for one in run.found}
    own = (run.rules, run.draws, found.get("admission"), found.get("queue"))
    return ShardsTwin(run.params, run.keys, run.inputs, len(run.memory.shards), *own)


def check_twin(case: Scenario, seed: int) -> None:
    first, second, _ = both(case, seed)
    jobs = LaunchTwin(first.params, first.keys, first.inputs)
    jobs.run()
    twin = twin_of(case, seed)
    twin.run(jobs.jobs)
    assert second.state.series.tolist() == twin.rows()
    assert int(second.state.latency.sum()) == len(twin.latencies)


@pytest.mark.slow
@given(data=stages())
@settings(LOTS, max_examples=300)
def test_the_kernel_is_its_twin(data: tuple[Scenario, int]) -> None:
    check_twin(*data)


@given(data=stages())
@settings(LOTS, max_examples=5)
def test_the_kernel_is_its_twin_in_five_cases(data: tuple[Scenario, int]) -> None:
    check_twin(*data)


@pytest.mark.nojit
@pytest.mark.boundscheck
@given(data=stages())
@settings(LOTS, max_examples=3)
def test_the_kernel_is_its_twin_in_a_few_cases(data: tuple[Scenario, int]) -> None:
    check_twin(*data)


@st.composite
def without_events(
    draw: st.DrawFn, intakes: Sequence[Any] = INTAKES, ways: Sequence[dict[str, Any]] = WITHOUT_EVENTS
) -> tuple[Scenario, int]:
    """A stage that goes window by window, with any load: nobody waits, some wait, or thousands do."""
    part: dict[str, Any] = {
        "shards": draw(st.integers(1, 4)),
        "workers": draw(st.sampled_from([1, 2, 3, 9])),
        "time": draw(st.sampled_from(TIMES)),
        "fails": draw(st.sampled_from(["0%", "20%"])),
        "client": draw(st.sampled_from(CLIENTS)),
        "retries": draw(st.sampled_from([0, 3, "unlimited"])),
        "intake": draw(st.sampled_from(intakes)),
        "reductions": draw(st.sampled_from([[], [{"at": "2m", "lasts": "3m", "share": "60%"}]])),
    }
    if draw(st.booleans()):
        part["slowdown"] = {"a": 0.5, "b": draw(st.sampled_from([1.0, 1.7])), "queue": 20}
    launching = {
        "demand": draw(st.sampled_from(["1/s", "4/s", "20/s"])),
        "changes": "1/s",
        "arrivals": draw(st.sampled_from(["poisson", "even"])),
    }
    part |= draw(st.sampled_from(ways))
    return variant(launching, part, health={"targets": 3, "time": "1ms"}), draw(st.integers(0, 2**32))


def told(run: Any) -> list[list[list[int]]]:
    """For each window the launches that began in it, and when each is reachable."""
    state = run.state
    return [sorted(state.finishes[one:after].tolist()) for one, after in pairwise(state.told.tolist())]


def check_engines(case: Scenario, seed: int, cuts: set[int]) -> None:
    _, windows, _ = both(case, seed, cuts=tuple(sorted(cuts)))
    with patch.object(propagation, "is_plain", lambda part: False):
        _, events, _ = both(case, seed)
    assert [isinstance(run, ShardsRun) for run in (windows, events)] == [False, True]
    assert np.array_equal(windows.state.series, events.state.series)
    assert np.array_equal(windows.state.latency, events.state.latency)
    assert told(windows) == told(events)


OF_BOTH = without_events() | without_events(["open"], [{"queue": "lifo"}])
CUTS = st.sets(st.integers(1, 119), max_size=4)


@pytest.mark.boundscheck
@given(data=OF_BOTH, cuts=CUTS)
@settings(LOTS, max_examples=60)
def test_window_by_window_is_event_by_event(data: tuple[Scenario, int], cuts: set[int]) -> None:
    """Newest first, a bound, a constant timeout, what is too old: the same numbers, bit by bit, by either kernel."""
    check_engines(*data, cuts)


@pytest.mark.nojit
@given(data=OF_BOTH, cuts=CUTS)
@settings(LOTS, max_examples=4)
def test_window_by_window_is_event_by_event_in_a_few_cases(data: tuple[Scenario, int], cuts: set[int]) -> None:
    check_engines(*data, cuts)


def test_newest_first_lets_the_oldest_wait() -> None:
    """By hand: one worker takes 1 s; five come at 0, 0.1 … 0.4 s. The first begins at once, then the newest of the
    rest; a sixth, which comes at 2.5 s, is before those that wait then. So they are reachable at 1, 6, 5, 3, 2 and 4 s.
    """
    case = variant({"demand": "1/s"}, {"time": "1s", "queue": "lifo"}, health={"targets": 3, "time": "1ms"})
    run = propagation.start(case, 1, 0)
    jobs = np.zeros((6, batches.COLUMNS), np.int64)
    jobs[:, batches.TIME] = [0, 100_000_000, 200_000_000, 300_000_000, 400_000_000, 2_500_000_000]
    jobs[:, batches.IDENTITY] = np.arange(6) * 4
    run.advance(case.windows, jobs, np.array([0] + [6] * case.windows))
    done = {identity // 4: at for identity, at in run.state.finishes[: run.state.whole[kernel.TOLD]].tolist()}
    assert [done[job] / 1e9 for job in range(6)] == [1.0, 6.0, 5.0, 3.0, 2.0, 4.0]


@pytest.mark.parametrize("shards", [1, 3])
def test_with_nothing_to_decide_it_is_the_kernel_of_windows(shards: int) -> None:
    """First in, first out with a controller that lets everything in: the same numbers, bit by bit."""
    part = {
        "shards": shards, "workers": 3, "time": {"dist": "exponential", "mean": "500ms"}, "fails": "10%",
        "slowdown": {"a": 0.5, "queue": 20}, "client": CLIENTS[3],
    }  # fmt: skip
    ways = [{}, {"intake": {"name": "fixed-concurrency", "limit": 10**9}},
            {"timeout": {"dist": "uniform", "min": "300h", "max": "301h"}}]  # fmt: skip
    runs = [both(variant({"demand": "4/s", "changes": "1/s"}, part | way), 7)[1] for way in ways]
    assert [isinstance(run, ShardsRun) for run in runs] == [False, True, True]
    for run in runs[1:]:
        assert np.array_equal(run.state.series, runs[0].state.series)
        assert np.array_equal(run.state.latency, runs[0].state.latency)
    assert runs[0].state.series[:, kernel.WAITING_MAX].max() > 3


@pytest.mark.boundscheck
@given(data=stages(), cuts=st.sets(st.integers(1, 47), max_size=6))
@settings(LOTS, max_examples=25)
def test_a_run_may_be_cut_anywhere(data: tuple[Scenario, int], cuts: set[int]) -> None:
    _, second, _ = both(*data)
    _, later, _ = both(*data, cuts=tuple(sorted(cuts)))
    assert np.array_equal(second.state.series, later.state.series)
    assert np.array_equal(second.state.latency, later.state.latency)


@given(data=stages())
@settings(LOTS, max_examples=40)
def test_nothing_is_lost(data: tuple[Scenario, int]) -> None:
    _, second, jobs = both(*data)
    p = kernel
    total, end = second.state.series.sum(axis=0), second.state.series[-2]
    done = total[p.REACHABLE] + total[p.PROPAGATED] + total[p.SHED_JOBS] + total[p.GAVE_UP]
    assert total[p.SUBMITTED] == done + end[p.WAITING_END] + end[p.ASLEEP_END]
    assert total[p.SUBMITTED] == len([job for window in jobs for job in window])
    if not isinstance(second, ShardsRun):
        return
    memory = second.memory
    waiting = memory.shards[:, [shards_kernel.LINE + 2, shards_kernel.QUEUE + 2]].sum()
    assert waiting == end[p.WAITING_END]
    held = len(memory.jobs) - memory.whole[shards_kernel.FREE_JOBS]
    assert held == waiting + memory.shards[:, shards_kernel.BUSY].sum()
    assert np.all(memory.shards[:, shards_kernel.BUSY] <= second.params.workers)
    # Nobody waits beside a free worker.
    is_idle = memory.shards[:, shards_kernel.BUSY] < second.params.workers
    assert np.all(memory.shards[is_idle, shards_kernel.QUEUE + 2] == 0)


def test_threads_do_not_change_it() -> None:
    part = {"workers": 2, "shards": 3, "time": TIMES[0], "intake": CONTROLLED[3], "queue": ORDERS[5], "timeout": "8s"}
    case = variant({"demand": "5/s"}, part)
    found: dict[int, Any] = {}
    threads = [threading.Thread(target=lambda k=k: found.update({k: both(case, 5)[1].state.series})) for k in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone = both(case, 5)[1].state.series
    assert all(np.array_equal(one, alone) for one in found.values())
    assert len(found) == 2


# --- closed forms -----------------------------------------------------------------------------------------------------


def mean_latency(seeds: int, **part: Any) -> list[float]:
    means = []
    for seed in range(seeds):
        _, second = serve(open_stage(**part), seed)
        total = second.state.series.sum(axis=0)
        means.append(total[kernel.LATENCY_NS] / 1e9 / total[kernel.REACHABLE])
    return means


@pytest.mark.slow
@pytest.mark.parametrize("queue", ["lifo", {"name": "adaptive-lifo", "window": "1s", "drops": False}])
def test_the_order_does_not_change_the_mean_wait_of_mm1(queue: Any) -> None:
    """Mean time in M/M/1 at 8/s with services of 0.1 s, 1/(μ − λ) = 0.5 s: of any order that does not look at sizes."""
    mean, half = interval(mean_latency(10, time={"dist": "exponential", "mean": "100ms"}, queue=queue))
    assert abs(mean - 0.5) < half


def test_last_come_first_served_waits_with_more_spread() -> None:
    """Times in the system of M/M/1 by last come, first served, without interruption: E T² is larger than 2 (E T)² of
    first come, first served, by the factor 1/(1 − ρ) of the waits (Kleinrock, Queueing Systems 2, 3.4).
    """
    longest = {}
    for queue in ("fifo", "lifo"):
        _, second = serve(open_stage(time={"dist": "exponential", "mean": "100ms"}, queue=queue), 1)
        longest[queue] = second.state.series[:, kernel.LATENCY_MAX_NS].max()
    assert longest["lifo"] > 2 * longest["fifo"]


def test_a_bounded_stage_is_mmck() -> None:
    """Share refused by M/M/2/2+3 at 8/s with services of 0.3 s, jobs that do not come back."""
    shares = []
    for seed in range(10):
        part = {"workers": 2, "retries": 0, "queue": {"name": "bounded", "limit": 3}}
        _, second = serve(open_stage(time={"dist": "exponential", "mean": "300ms"}, **part), seed)
        total = second.state.series.sum(axis=0)
        shares.append(total[kernel.REFUSED] / total[kernel.ATTEMPTS])
    a, c, k = 8 * 0.3, 2, 5
    terms = [a**n / math.factorial(min(n, c)) / c ** max(n - c, 0) for n in range(k + 1)]
    mean, half = interval(shares)
    assert abs(mean - terms[-1] / sum(terms)) < half


def test_a_limit_of_concurrency_is_erlangs_loss() -> None:
    """With as many at once as workers nobody waits: Erlang's B, of 3 workers at 8/s with services of 0.3 s, whatever
    their distribution.
    """
    shares = []
    for seed in range(10):
        part = {"workers": 3, "retries": 0, "intake": {"name": "fixed-concurrency", "limit": 3}}
        _, second = serve(open_stage(time="300ms", **part), seed)
        total = second.state.series.sum(axis=0)
        shares.append(total[kernel.REFUSED] / total[kernel.ATTEMPTS])
    terms = [2.4**n / math.factorial(n) for n in range(4)]
    mean, half = interval(shares)
    assert abs(mean - terms[-1] / sum(terms)) < half


def test_a_leaky_bucket_is_md1() -> None:
    """Its line is an M/D/1 of services of a tenth of a second: mean wait ρ/(2 μ (1 − ρ)) = 0.2 s at 8/s (Pollaczek and
    Khinchine); behind it nobody waits.
    """
    part = {"workers": 50, "time": "1s", "intake": {"name": "leaky-bucket", "rate": "10/s", "wait": "1h"}}
    mean, half = interval(mean_latency(10, **part))
    assert abs(mean - 1.2) < half


def test_impatient_jobs_are_erlang_a() -> None:
    """M/M/1+M: at 8/s with services of 0.2 s and a patience of 1 s in the mean, who times out is the share
    P(abandon) = θ E[queue]/λ of the chain n → n + 1 at 8, n → n − 1 at 5 + (n − 1) (Palm; Garnett and others, 2002).
    """
    shares = []
    for seed in range(10):
        part = {"retries": 0, "timeout": {"dist": "exponential", "mean": "1s"}}
        _, second = serve(open_stage(time={"dist": "exponential", "mean": "200ms"}, **part), seed)
        total = second.state.series.sum(axis=0)
        shares.append(total[kernel.FAILED] / total[kernel.ATTEMPTS])
    weights = [1.0]
    for n in range(1, 200):
        weights.append(weights[-1] * 8 / (5 + (n - 1)))
    waiting = sum(max(n - 1, 0) * weight for n, weight in enumerate(weights)) / sum(weights)
    mean, half = interval(shares)
    assert abs(mean - waiting / 8) < half


# --- what enters a run, and what is refused ---------------------------------------------------------------------------


def test_what_is_off_is_no_part_of_a_key() -> None:
    text = BASE + 'launches = { demand = "3/s" }\n[propagation]\ntime = "100ms"\n'
    plain = parse(text).first
    said = plain.scenario.model_dump(mode="json", by_alias=True, exclude_none=True)["propagation"]
    assert not {"queue", "timeout"} & set(said)
    digests = {identity.digest_of(plain, 1, 0)}
    ways = ('queue = "lifo"', 'queue = "codel"', 'timeout = "5s"', 'timeout = "6s"', 'intake = "pid"',
            'intake = { name = "leaky-bucket", rate = "3/s" }', 'intake = "aimd"')  # fmt: skip
    for way in ways:
        digests.add(identity.digest_of(parse(text + way).first, 1, 0))
    assert len(digests) == 1 + len(ways)
    assert identity.digest_of(parse(text + 'queue = "fifo"').first, 1, 0) == identity.digest_of(plain, 1, 0)


def test_controllers_of_propagation_leave_the_hosts_on_their_engine() -> None:
    case = parse(BASE + 'launches = { demand = "3/s" }\n[propagation]\ntime = "100ms"\nintake = "aimd"').first.scenario
    assert case.rules == ()


OWN = '''"""At most so many wait."""
AXIS = "admission"
PARAMS = {"most": 3}
MEMORY = {"asked": 1}


def begin(params, memory, facts):
    memory.asked = 0.0


def ask(params, memory, facts):
    memory.asked += 1.0
    return 1.0 if facts.waiting < params.most else 0.0
'''


def test_a_policy_of_ones_own_may_stand_there(tmp_path: Path) -> None:
    """Its own rule, read from the series: no more than so many wait. An edit of its file is another run."""
    text = BASE + 'launches = { demand = "8/s" }\n[propagation]\ntime = "200ms"\nintake = "few-wait"\n'
    digests = []
    try:
        for most in (3, 5):
            (tmp_path / "few_wait.py").write_text(OWN.replace('"most": 3', f'"most": {most}'), encoding="utf-8")
            own.load([tmp_path / "few_wait.py"])
            first = parse(text).first
            digests.append(identity.digest_of(first, 1, 0))
            _, second = serve(first.scenario, 1)
            assert second.state.series[:, kernel.WAITING_MAX].max() == most
    finally:
        rules.forget()
    assert len(set(digests)) == 2


MISTAKES = [
    ('queue = "earliest-deadline"', "want timeout with queue earliest-deadline"),
    ('queue = "drop-expired"', "want queue.max_age alone, or timeout"),
    ('queue = { name = "drop-expired", margin = "1s", max_age = "1s" }', "want queue.max_age alone, or timeout"),
    ('queue = "lifoo"', "did you mean lifo"),
    ('queue = { name = "bounded", limit = -1 }', "propagation.queue.limit is -1"),
    ('queue = { name = "codel", targt = "1s" }', "did you mean target"),
    ('timeout = "0s"', "want timeout above 0"),
    ('intake = { name = "aimd", only = "establish" }', 'want intake.only = "all": jobs hold no leases'),
    ('intake = { name = "leaky-bucket", rate = "0/s" }', "propagation.intake.rate is"),
    ('slowdown = { a = 1, queue = 9, by = "in-service" }', 'want slowdown.by = "queue"'),
]


@pytest.mark.parametrize(("text", "wanted"), MISTAKES)
def test_mistakes_are_told(text: str, wanted: str) -> None:
    with pytest.raises(ScenarioError) as told:
        parse(BASE + f'launches = {{ demand = "1/s" }}\n[propagation]\ntime = "1s"\n{text}\n')
    assert wanted in str(told.value)
