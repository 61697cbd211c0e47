"""Where the lane engine runs a host of the engine of sessions it gives the same, bit by bit.

Oracle: the engine of sessions with the same draws (exact), which has a twin of its own (test_sessions_kernel.py).
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import LOTS, OVERFLOW, QUEUES, Case, G, difference, grid, nonzero
from recovery_kernels import requests
from recovery_kernels.sessions import layout
from sessions_cases import scenario_of
from sessions_kernel import Kernel, KernelFleet
from test_lanes import CONDITIONS, HERD, carried, collapsed, quiet, shrink
from twin.sessions.scenario import Scenario

from recovery.reading.experiment import parse
from recovery.simulate import pipeline
from recovery.stages import engines
from recovery.stages import lanes as stage
from recovery.stages.sessions.on_lanes import LaneSessionRun
from recovery.stages.sessions.run import SessionRun

pytestmark = pytest.mark.filterwarnings(OVERFLOW)


def new_lanes(case: Case, span_ns: int) -> LaneSessionRun:
    """The host of a case at time 0 on the lane engine, with the rules of sessions."""
    same = stage.Hosts(
        case.params, case.inputs(), windows=case.windows, span_ns=span_ns, columns=layout.SERIES, counts_stale=True
    )
    run = same.start(case.keys(), np.array(case.first_ns, np.int64), np.array(case.expires_ns, np.int64))
    return LaneSessionRun(**vars(run))


def told(run: LaneSessionRun | SessionRun, windows: int) -> dict[str, Any]:
    """All that a run says about itself at its end, ready for `==`, work that is in service counted."""
    run.close()
    one = run.of_class(0)
    return {
        "series": run.rows(0, windows).tolist(),
        "histogram": nonzero(run.sojourn),
        "unleased_ns": run.unleased_ns(),
        "of class": one.rows(0, windows).tolist(),
        "histogram of class": nonzero(one.sojourn),
        "unleased_ns of class": one.unleased_ns(),
    }


def on_sessions(scenario: Scenario, windows: int) -> dict[str, Any]:
    """What the engine of sessions says at the end, where it counts stale work."""
    counted = replace(scenario, host=replace(scenario.host, is_stale_counted=True))
    kernel: Kernel = KernelFleet(counted, is_logged=False).run().hosts[0]
    return told(SessionRun(None, kernel.rules, kernel.host, 0), windows)  # type: ignore[arg-type]


def check(data: st.DataObject, case: Case) -> None:
    """The two engines agree, for any sizes, and wherever the run is cut."""
    windows = case.until_ns // case.params.window_ns
    wanted = on_sessions(scenario_of(case), windows)
    span = data.draw(st.sampled_from([1, 128, G, 60 * G, 2000 * G, 10**9, 10**15]), label="span_ns")
    stops = data.draw(st.lists(st.one_of(grid(0, 120), st.integers(0, 120 * G)), max_size=6), label="stops")
    run = new_lanes(case, span)
    if data.draw(st.booleans(), label="small"):
        run = shrink(run)  # type: ignore[assignment]
    elif data.draw(st.booleans(), label="few ahead of the clock"):
        run.host = run.host._replace(begun=run.host.begun[: data.draw(st.sampled_from([4, 64, 128]))].copy())
    for stop in [*sorted(stop for stop in stops if stop < case.until_ns), case.until_ns]:
        run.advance(stop)
    assert len(run.expires_ns()) == len(case.first_ns)
    assert difference(told(run, windows), wanted) == ""


@pytest.mark.slow
@pytest.mark.parametrize("queue", QUEUES)
@given(data=st.data())
@settings(LOTS, max_examples=2000)
def test_one_class_is_the_same_in_very_many_cases(queue: int, data: st.DataObject) -> None:
    check(data, data.draw(carried(queue, [requests.HOLDERS])))


@pytest.mark.parametrize("queue", QUEUES)
@given(data=st.data())
@settings(LOTS, max_examples=45)
def test_one_class_is_the_same(queue: int, data: st.DataObject) -> None:
    check(data, data.draw(carried(queue, [requests.HOLDERS])))


@given(data=st.data())
@settings(LOTS, max_examples=100)
def test_a_quiet_host_is_the_same(data: st.DataObject) -> None:
    check(data, data.draw(quiet()))


@given(data=st.data())
@settings(LOTS, max_examples=150)
def test_a_collapsed_host_is_the_same(data: st.DataObject) -> None:
    check(data, data.draw(collapsed()))


OF_CLASS = 'classes.one = { establish_time = { dist = "exponential", mean = "1100ms" }, timeout = "15s" }\n'


@pytest.mark.parametrize("queue", ["fifo", "lifo", "bounded", "drop-expired"])
@pytest.mark.parametrize("actions", [actions for actions, _ in CONDITIONS if "again_after" not in actions])
def test_a_run_is_the_same_on_either_engine(queue: str, actions: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where operators act on conditions, whatever is set off, and on any number of threads."""
    limit = ', limit = "5s"' if queue == "bounded" else ""
    text = f'policy = {{ queue = {{ name = "{queue}"{limit} }} }}\n{OF_CLASS}operator = [{actions}]\n{HERD}'
    variant = parse(text).first
    assert engines.engine_of(variant.scenario) == engines.LANES
    with pipeline.Runner(2) as two:
        [lanes_] = two.run([(variant, 1, 0)])
    with pipeline.Runner(1) as runner:
        monkeypatch.setattr(engines, "runs_on_lanes", lambda *_: False)
        [sessions] = runner.run([(variant, 1, 0)])
    same(lanes_, sessions)


def same(ours: pipeline.Outcome, theirs: pipeline.Outcome) -> None:
    """Two outcomes have the same bits."""
    assert ours.actions == theirs.actions
    one, other = vars(ours.traffic), vars(theirs.traffic)
    assert one.keys() == other.keys()
    for name, wanted in other.items():
        found = one[name]
        if not isinstance(wanted, dict):
            found, wanted = {"": found}, {"": wanted}
        assert found.keys() == wanted.keys(), name
        for key, column in wanted.items():
            assert np.array_equal(found[key], column), f"{name} {key}"
