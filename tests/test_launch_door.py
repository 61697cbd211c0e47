"""Admission of launches: kernel against twin in a loop with propagation, cuts, conservation, keys, mistakes.

Oracles: the plain Python twins with the same draws, window by window (exact); the same run cut otherwise (exact);
conservation of launches (exact); the rules of a bucket and of a switch, read from the series.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import LOTS, OVERFLOW
from recovery_kernels import launches as kernel
from recovery_kernels import propagation as jobs_kernel
from test_later import BASE, CLIENTS, TIMES, curve, variant
from test_shards import twin_of
from twin.doors import Door
from twin.later import LaunchTwin

from recovery.errors import ScenarioError
from recovery.model.scenario import Scenario
from recovery.reading.experiment import parse
from recovery.simulate import chain, identity, pipeline
from recovery.stages import launches, propagation
from recovery.stages.sessions import controllers

pytestmark = pytest.mark.filterwarnings(OVERFLOW)

DOORS: tuple[dict[str, Any], ...] = (
    {"name": "token-bucket", "rate": "2/s"},
    {"name": "queue-size", "rate": "4/s", "limit": 12},
    {"name": "queue-size-switch", "limit": 9, "low": 3},
    {"name": "queue-size-ramp", "limit": 20, "low": 4},
    {"name": "fixed-concurrency", "limit": 9},
    {"name": "envoy-admission-control", "window": "20s"},
    {"name": "blue", "rate": "3/s", "freeze": "1s", "increase": "20%"},
    {"name": "percentage-ramp", "start": "1m", "every": "30s"},
)


@st.composite
def loops(draw: st.DrawFn) -> tuple[Scenario, int]:
    """Launches with an admission, before propagation with or without controllers."""
    throttle = draw(st.sampled_from([[], [{"at": "1m", "rate": "2/s"}, {"at": "4m", "rate": "off"}]]))
    launching = {
        "demand": draw(st.sampled_from(["1/s", "3/s"])),
        "client": draw(st.sampled_from(CLIENTS)),
        "retries": draw(st.sampled_from([0, 3, "unlimited"])),
        "changes": draw(st.sampled_from(["0/s", "1/s"])),
        "admission": draw(st.sampled_from(DOORS)),
        "throttle": throttle,
    }
    part = {
        "shards": draw(st.integers(1, 2)),
        "workers": draw(st.integers(1, 2)),
        "time": draw(st.sampled_from(TIMES)),
        "intake": draw(st.sampled_from(["open", {"name": "aimd", "initial": 6, "least": 2, "most": 30}])),
        "queue": draw(st.sampled_from(["fifo", "lifo", {"name": "codel", "target": "1s", "interval": "5s"}])),
    }
    return variant(launching, part, horizon="8m"), draw(st.integers(0, 2**32))


def run(case: Scenario, seed: int, leased: np.ndarray | None = None) -> tuple[Any, Any]:
    """Both stages, window by window, with what launches see."""
    levels = curve(case.windows, seed) if leased is None else leased
    first = launches.start(case, seed, 0, levels, np.full(3, 100))
    second = propagation.start(case, seed, 0)
    for window in range(1, case.windows + 1):
        first.advance(window)
        second.advance(window, first.state.jobs, first.state.first)
        first.see(second.waiting(), second.in_service())
    return first, second


def check_twin(case: Scenario, seed: int) -> None:
    first, second = run(case, seed)
    found = first.found[0].controller if first.found else None
    named = None if found is None else (controllers.module_of(found.name), list(found.params))
    door = Door(first.params.admission, first.door, named)
    launching = LaunchTwin(first.params, first.keys, first.inputs, door)
    network = twin_of(case, seed)
    for window in range(case.windows):
        launching.run_window(window)
        network.run_window(window, launching.jobs[window])
        door.waiting = network.all_waiting()
        door.in_service = network.in_service((window + 1) * first.params.window_ns)
    assert first.state.series.tolist() == launching.rows()
    assert second.state.series.tolist() == network.rows()


@pytest.mark.slow
@given(data=loops())
@settings(LOTS, max_examples=200)
def test_the_loop_is_its_twin(data: tuple[Scenario, int]) -> None:
    check_twin(*data)


@given(data=loops())
@settings(LOTS, max_examples=6)
def test_the_loop_is_its_twin_in_a_few_cases(data: tuple[Scenario, int]) -> None:
    check_twin(*data)


@pytest.mark.nojit
@pytest.mark.boundscheck
@given(data=loops())
@settings(LOTS, max_examples=2)
def test_the_loop_is_its_twin_in_two_cases(data: tuple[Scenario, int]) -> None:
    check_twin(*data)


@given(data=loops())
@settings(LOTS, max_examples=25)
def test_no_launch_is_lost(data: tuple[Scenario, int]) -> None:
    first, second = run(*data)
    flows = first.state.series.sum(axis=0)
    assert flows[kernel.ATTEMPTS] == flows[kernel.THROTTLED] + flows[kernel.INSUFFICIENT] + flows[kernel.ACCEPTED]
    asleep = first.state.series[-1, kernel.ASLEEP_END]
    assert flows[kernel.ASKED] == flows[kernel.ACCEPTED] + flows[kernel.GAVE_UP] + asleep
    jobs = flows[kernel.ACCEPTED] + flows[kernel.CHANGED] - flows[kernel.HELD] + flows[kernel.RELEASED_CHANGES]
    assert second.state.series[:, jobs_kernel.SUBMITTED].sum() == jobs


# --- in a whole run ---------------------------------------------------------------------------------------------------

TEXT = (
    BASE
    + """
[launches]
demand = "3/s"
client = { name = "full-jitter", base = "20s", cap = "1m" }
[propagation]
time = "500ms"
"""
)


def outcome(*overrides: str, stretch: int = chain.STRETCH) -> Any:
    loaded = parse(TEXT, overrides=overrides)
    with pipeline.Runner(1) as runner:
        return chain.follow(next(runner.run([(loaded.first, 3, 0)])), stretch)


def series(found: Any, name: str) -> list[int]:
    return [int(value) for value in found.columns()[name]]


SWITCH = 'launches.admission={ name = "queue-size-switch", limit = 20, low = 5 }'


def test_a_switch_closes_on_the_queue_of_the_window_before() -> None:
    """Read from the series: nobody is accepted in a window that follows one with 20 waiting, or that follows a closed
    one while more than 5 wait; and everybody else is, while all holders are leased.
    """
    found = outcome(SWITCH)
    waiting, throttled = series(found, "jobs_waiting"), series(found, "launches_throttled")
    accepted, attempts = series(found, "launches_accepted"), series(found, "launch_attempts")
    is_closed, turns = False, 0
    for window in range(1, len(waiting)):
        was, before = is_closed, waiting[window - 1]
        is_closed = before >= 20 or (is_closed and before > 5)
        turns += was != is_closed
        assert (throttled[window], accepted[window]) == ((attempts[window], 0) if is_closed else (0, attempts[window]))
    assert turns > 4


def test_the_queue_stays_short_behind_the_law_of_its_size() -> None:
    """With q waiting at the last look not more than rate · (1 − q/limit) come in, so the queue cannot pass its limit by
    more than one window of it and a burst; without the law it grows to hundreds.
    """
    found = outcome('launches.admission={ name = "queue-size", rate = "3/s", limit = 30 }')
    assert max(series(found, "jobs_waiting_max")) <= 30 + 3 * 10 + 3
    assert max(series(outcome(), "jobs_waiting_max")) > 300


def test_a_token_bucket_lets_in_its_rate_and_its_burst_at_most() -> None:
    """1/s for 20 min and one token more at most; and nearly all of these, since customers wait at all times. What comes
    in at least a second apart never waits for a worker that takes half a second.
    """
    found = outcome(
        'launches.admission={ name = "token-bucket", rate = "1/s", burst = 0 }',
        'launches.arrivals="even"',
    )
    assert max(series(found, "jobs_waiting_max")) == 0
    assert 0.95 * 1200 < sum(series(found, "launches_accepted")) <= 1201


def test_a_run_may_be_cut_anywhere() -> None:
    """Where launches look at propagation both run window by window, whatever the stretch."""
    one, other = outcome(SWITCH), outcome(SWITCH, stretch=7)
    assert all(series(one, name) == series(other, name) for name in one.columns())


def test_without_a_look_the_stages_need_no_loop() -> None:
    plain = parse(TEXT).first.scenario
    assert not propagation.STAGE.feeds_back(plain)
    assert not propagation.STAGE.feeds_back(parse(TEXT, overrides=(TOKENS,)).first.scenario)
    assert propagation.STAGE.feeds_back(parse(TEXT, overrides=(SWITCH,)).first.scenario)


TOKENS = 'launches.admission={ name = "token-bucket", rate = "2/s" }'


def test_what_is_off_is_no_part_of_a_key() -> None:
    plain = parse(TEXT).first
    assert "admission" not in plain.scenario.model_dump(mode="json", exclude_none=True)["launches"]
    ways = (TOKENS, SWITCH, 'launches.admission="fixed-concurrency"', 'launches.admission="blue"')
    digests = {identity.digest_of(parse(TEXT, overrides=(way,)).first, 1, 0) for way in ways}
    assert len(digests | {identity.digest_of(plain, 1, 0)}) == 1 + len(ways)
    same = parse(TEXT, overrides=('launches.admission="open"',)).first
    assert identity.digest_of(same, 1, 0) == identity.digest_of(plain, 1, 0)


def test_launches_that_look_at_propagation_depend_on_it() -> None:
    """Reuse: another propagation makes other launches, but only where they look at it."""
    for way, is_same in ((TOKENS, True), (SWITCH, False)):
        found = []
        for workers in (1, 2):
            loaded = parse(TEXT, overrides=(way, f"propagation.workers={workers}"))
            hosts = identity.digest_of_traffic(loaded.first, 3, 0)
            found.append(identity.digests_of_later(loaded.first, 3, 0, hosts)[0])
        assert (found[0] == found[1]) is is_same
    assert series(outcome(SWITCH), "launches_accepted") != series(
        outcome(SWITCH, "propagation.workers=2"), "launches_accepted"
    )


MISTAKES = [
    ('"aimd"', "an attempt to launch takes no time"),
    ('"pid"', "launches have no workers"),
    ('{ name = "leaky-bucket", rate = "3/s" }', "customers are answered at once"),
    ('{ name = "blue", only = "establish" }', 'want admission.only = "all"'),
    ('"tokenbucket"', "did you mean token-bucket"),
    ('{ name = "queue-size", limit = 3 }', "launches.admission.rate is missing"),
]


@pytest.mark.parametrize(("value", "wanted"), MISTAKES)
def test_mistakes_are_told(value: str, wanted: str) -> None:
    with pytest.raises(ScenarioError) as told:
        parse(TEXT, overrides=(f"launches.admission={value}",))
    assert wanted in str(told.value)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ('"blue"', "launches.admission.rate is a share of what propagation can do"),
        ('"fixed-concurrency"', "looks at what waits in propagation; want a table [propagation]"),
        ('"queue-size-switch"', "looks at what waits in propagation; want a table [propagation]"),
    ],
)
def test_without_propagation_there_is_nothing_to_look_at(value: str, wanted: str) -> None:
    with pytest.raises(ScenarioError) as told:
        parse(BASE + f'launches = {{ demand = "3/s", admission = {value} }}')
    assert wanted in str(told.value)
