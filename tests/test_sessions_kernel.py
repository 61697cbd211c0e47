"""The engine of sessions, classes and operators does what its twin does, and what the first engine does where both may.

Oracles: the plain twin of part two, with the same draws (exact); the engine of part one where nothing of part two is
used (exact); the same scenario with another wheel and other stops (exact); without a log stale work is a count, and
all that is told but the log stays (exact).
"""

from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import LOTS, OVERFLOW, QUEUES, G, cases, nonzero
from kernel_cases import run as run_first
from recovery_kernels import requests
from recovery_kernels.sessions import layout, loop, memory
from sessions_cases import LINES, cold_starts, controlled, hanging, mixtures, scenario_of
from sessions_cases import run as run_twin
from sessions_kernel import KernelFleet, said, told
from twin.sessions.scenario import Scenario

pytestmark = pytest.mark.filterwarnings(OVERFLOW)


def first_difference(ours: dict, theirs: dict, names: tuple[str, ...]) -> str:
    """What differs first; empty if nothing does."""
    for name in names:
        found, wanted = ours[name], theirs[name]
        if found == wanted:
            continue
        if name == "log":
            pairs = list(zip(found, wanted, strict=False))
            at = next((k for k, (a, b) in enumerate(pairs) if a != b), len(pairs))
            return f"log line {at}: {found[at : at + 3]} for {wanted[at : at + 3]} after {found[max(0, at - 5) : at]}"
        keys = sorted(set(found) | set(wanted), key=str)
        differ = [(key, found.get(key), wanted.get(key)) for key in keys if found.get(key) != wanted.get(key)]
        return f"{name}: {differ[:5]}"
    return ""


ALL = ("log", "flows", "levels", "sojourns", "latencies")


def check_twin(scenario: Scenario) -> None:
    wanted = told(run_twin(scenario), scenario)
    assert first_difference(said(KernelFleet(scenario).run()), wanted, ALL) == ""
    assert first_difference(said(KernelFleet(scenario, is_logged=False).run()), wanted, ALL[1:]) == ""


@pytest.mark.nojit
@pytest.mark.boundscheck
@given(scenario=mixtures())
@settings(LOTS, max_examples=12)
def test_the_engine_is_its_twin_in_a_few_cases(scenario: Scenario) -> None:
    check_twin(scenario)


@pytest.mark.parametrize("late", ["wasted", "counts"])
@pytest.mark.parametrize("thaw", ["resume", "rearm"])
def test_clocks_that_stand_until_a_holder_is_heard_of(
    thaw: Literal["resume", "rearm"], late: Literal["wasted", "counts"]
) -> None:
    check_twin(hanging("heard", thaw, late))


@pytest.mark.slow
@given(scenario=mixtures())
@settings(LOTS, max_examples=400)
def test_the_engine_is_its_twin(scenario: Scenario) -> None:
    check_twin(scenario)


@pytest.mark.nojit
@given(both=cold_starts())
@settings(LOTS, max_examples=12)
def test_cold_starts_are_those_of_the_twin_in_a_few_cases(both) -> None:
    check_twin(both[0])


@pytest.mark.nojit
@pytest.mark.boundscheck
@given(scenario=controlled())
@settings(LOTS, max_examples=8)
def test_controllers_are_asked_and_told_as_by_the_twin_in_a_few_cases(scenario: Scenario) -> None:
    check_twin(scenario)


@pytest.mark.boundscheck
@given(scenario=controlled(is_noisy=False))
@settings(LOTS, max_examples=12)
def test_our_controllers_do_the_same_compiled_as_they_stand_in_a_few_cases(scenario: Scenario) -> None:
    check_twin(scenario)


@pytest.mark.slow
@given(scenario=controlled(is_noisy=False))
@settings(LOTS, max_examples=600)
def test_our_controllers_do_the_same_compiled_as_they_stand(scenario: Scenario) -> None:
    check_twin(scenario)


@pytest.mark.slow
@given(scenario=controlled())
@settings(LOTS, max_examples=400)
def test_controllers_are_asked_and_told_as_by_the_twin(scenario: Scenario) -> None:
    check_twin(scenario)


@pytest.mark.slow
@given(both=cold_starts())
@settings(LOTS, max_examples=600)
def test_cold_starts_are_those_of_the_twin(both) -> None:
    check_twin(both[0])


@pytest.mark.boundscheck
@given(
    scenario=mixtures(),
    stops=st.lists(st.integers(0, 80 * G), max_size=5),
    slots=st.sampled_from([1, 4, 64]),
    shift=st.sampled_from([0, 3, 9, 16]),
)
@settings(LOTS, max_examples=15)
def test_wheels_and_stops_change_no_bit(scenario: Scenario, stops: list[int], slots: int, shift: int) -> None:
    wanted = said(KernelFleet(scenario).run())
    cut = KernelFleet(scenario, slots=slots, shift=shift).run(tuple(stops))
    assert first_difference(said(cut), wanted, ALL) == ""


@pytest.mark.parametrize("queue", QUEUES)
@given(data=st.data())
@settings(LOTS, max_examples=25)
def test_without_part_two_it_is_the_first_engine(queue: int, data: st.DataObject) -> None:
    case = data.draw(cases(queue))
    wanted = run_first(case)
    host = KernelFleet(scenario_of(case)).run().hosts[0].host
    words = {layout.WORDS.index(name): kind for kind, name in LINES.items()}
    lines = host.log[: host.whole[layout.LOG]].tolist()
    log = [(time, words[kind], who, attempt) for time, kind, _, who, attempt in lines if kind in words]
    assert log == [line for line in wanted["log"] if line[1] != requests.LOG_CONTROL]
    of_host = [
        requests.QUEUE, requests.OLDEST_NS, requests.OLDEST_MAX_NS, requests.QUEUE_MAX, requests.IN_SERVICE,
        requests.OPEN_MAX,
    ]  # fmt: skip
    windows = case.until_ns // case.params.window_ns
    series = host.series[:windows, :, : requests.SERIES]
    together = series.sum(axis=1)
    together[:, of_host] = series[:, -1][:, of_host]
    assert together.tolist() == wanted["series"][:windows]
    assert nonzero(host.histogram.sum(axis=0)) == wanted["histogram"]
    assert nonzero(host.latency.sum(axis=0)) == wanted["latency"]


def test_the_layout_is_that_of_the_first_engine_where_both_have_it() -> None:
    assert layout.SERIES == layout.OPEN_END + 1
    assert min(layout.ENDED, layout.OPEN_END) == requests.SERIES
    assert list(range(5)) == [layout.OPEN, layout.TOKEN_BUCKET, layout.LINEAR, layout.SWITCH, layout.RAMP]
    assert len(layout.WORDS) == layout.LOG_CONFLICT + 1


def test_a_status_that_asks_for_no_room_is_refused() -> None:
    live = memory.Live(
        np.zeros(layout.HOST_WHOLE_KEYS, np.int64),
        np.zeros(layout.HOST_REAL_KEYS),
        np.zeros((1, layout.CLASS_WHOLE_KEYS), np.int64),
        np.zeros((1, layout.CLASS_REAL_KEYS)),
    )
    host = memory.new_host(live, holders=1, jobs=0, workers=1, slots=1, windows=1, window_ns=1)
    with pytest.raises(ValueError, match="status is 0"):
        memory.enlarged(host, layout.DONE)
    assert loop.NOTHING == 0
