"""Where the lane engine runs a host of the engine of sessions it gives the same, bit by bit.

Oracle: the engine of sessions with the same draws (exact), which has a twin of its own (test_sessions_kernel.py).
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import (
    LOTS,
    OVERFLOW,
    QUEUES,
    Case,
    G,
    constant,
    difference,
    dists,
    empirical,
    exponential,
    grid,
    nonzero,
)
from lanes_cases import in_pieces, on_either_engine
from recovery_kernels import requests
from recovery_kernels.draws import Dist
from recovery_kernels.lanes import layout as lane_layout
from recovery_kernels.sessions import layout
from recovery_kernels.sessions.streams import FIRST_DELAY_STREAM, NOTICE_STREAM, STREAMS
from sessions_cases import dist_of, scenario_of
from sessions_kernel import Kernel, KernelFleet
from test_lanes import CONDITIONS, HERD, carried, collapsed, quiet
from twin.sessions.scenario import Action, EndSessions, Restart, Scenario, Step

from recovery.reading.experiment import parse
from recovery.stages import lanes as stage
from recovery.stages.host import stream_key
from recovery.stages.sessions.on_lanes import Ends, LaneSessionRun, Learns
from recovery.stages.sessions.run import SessionRun

pytestmark = pytest.mark.filterwarnings(OVERFLOW)


class Act(NamedTuple):
    """Sessions of this share of the clients end (below 0: none does); and before it, maybe, the host restarts."""

    at_ns: int
    share: float
    notice: Literal["at-once", "at-check"] | Dist
    down_ns: int = -1  # of a restart, which ends all sessions or none; below 0: there is none
    is_told: bool = False
    classes: tuple[int, ...] = (0,)  # whose sessions end; a restart ends those of all


class Sessions(NamedTuple):
    """What is there of sessions beside a case of the first model; each class has a first delay of its own."""

    first_delays: tuple[Dist, ...] = (constant(0.0),)
    is_cold: bool = False
    acts: tuple[Act, ...] = ()
    slowed_by_busy: bool = False

    def ends(self, case: Case) -> list[Ends]:
        """The same as lanes have it of each class."""
        words = {"at-once": layout.AT_ONCE, "at-check": layout.AT_CHECK}
        notices = [
            Learns(0, act.notice) if isinstance(act.notice, Dist) else Learns(words[act.notice], constant(0.0))
            for act in self.acts
        ]
        return [
            Ends(
                notices,
                first_delay,
                *(
                    stream_key(case.seed, case.replication, stream + STREAMS * number, case.host)
                    for stream in (NOTICE_STREAM, FIRST_DELAY_STREAM)
                ),
            )
            for number, first_delay in enumerate(self.first_delays)
        ]


def with_sessions(plain: Scenario, more: Sessions, table: tuple[float, ...]) -> Scenario:
    """A scenario of the engine of sessions, with what is there of sessions."""

    def notice(act: Act) -> Any:
        return dist_of(act.notice, table) if isinstance(act.notice, Dist) else act.notice

    acts: list[Action] = []
    for act in more.acts:
        step = Step(EndSessions(act.share, notice(act)), classes=act.classes)
        if act.down_ns >= 0:
            step = Step(Restart(act.down_ns, act.share > 0, notice(act), act.is_told))
        acts.append(Action((step,), at_ns=act.at_ns))
    classes = tuple(
        replace(one, first_delay=dist_of(first_delay, table), starts_unleased=more.is_cold)
        for one, first_delay in zip(plain.classes, more.first_delays, strict=True)
    )
    host = replace(plain.host, slowdown_by="in-service" if more.slowed_by_busy else "queue")
    return replace(plain, classes=classes, host=host, playbook=(*plain.playbook, *acts))


def twin_of(case: Case, more: Sessions) -> Scenario:
    """The scenario of the engine of sessions."""
    return with_sessions(scenario_of(case), more, case.table)


def inputs_of(case: Case, more: Sessions, twin: Scenario, until_ns: int) -> requests.Inputs:
    """All that is known before a time, in the order in which lanes want it: in which the stage puts it, too."""
    told = [((control[0], control[1] != requests.DEPENDENCY), control) for control in sorted(case.controls)]
    for number, act in enumerate(more.acts):
        if act.down_ns >= 0 and act.is_told:
            told.append(((act.at_ns, 1), (act.at_ns, lane_layout.TELL_LOST, 0, 0.0, 0.0)))
        if act.down_ns >= 0:
            told.append(((act.at_ns, 1), (act.at_ns, requests.RESTART, act.down_ns, 0.0, 0.0)))
        classes = range(len(twin.classes)) if act.down_ns >= 0 else act.classes
        for of_class in classes if act.share > 0 else ():
            many = -1 if act.share == 1 else twin.meant(of_class, 0, None, act.share)
            told.append(((act.at_ns, 2), (act.at_ns, lane_layout.END_SESSIONS, many, float(number), float(of_class))))
    rows = [row for _, row in sorted(told, key=lambda one: one[0]) if row[0] < until_ns]
    return case.inputs()._replace(
        controls=np.array([row[:3] for row in rows], np.int64).reshape(-1, 3),
        control_args=np.array([row[3:] for row in rows], np.float64).reshape(-1, 2),
    )


def new_lanes(case: Case, more: Sessions, span_ns: int) -> LaneSessionRun:
    """The host of a case at time 0 on the lane engine, with the rules of sessions."""
    same = stage.Hosts(
        case.params, inputs_of(case, more, twin_of(case, more), case.until_ns), windows=case.windows, span_ns=span_ns,
        columns=layout.SERIES, counts_stale=True, slowed_by_busy=more.slowed_by_busy,
    )  # fmt: skip
    first_ns, expires_ns = np.array(case.first_ns, np.int64), np.array(case.expires_ns, np.int64)
    run = same.empty(case.keys(), len(first_ns)) if more.is_cold else same.start(case.keys(), first_ns, expires_ns)
    unaware = np.zeros((1, case.windows + 1), np.int64)
    found = LaneSessionRun(**vars(run), sessions=more.ends(case), unaware=unaware)
    if more.is_cold:
        found.start_cold(first_ns)
    return found


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


NO_SESSIONS = Sessions()


def check(data: st.DataObject, case: Case, more: Sessions = NO_SESSIONS) -> None:
    """The two engines agree, however the run is cut."""
    windows = case.until_ns // case.params.window_ns
    twin = twin_of(case, more)
    wanted = on_sessions(twin, windows)
    run = in_pieces(
        data, lambda span_ns: new_lanes(case, more, span_ns), case.until_ns,
        lambda stop: inputs_of(case, more, twin, stop),
    )  # fmt: skip
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
@settings(LOTS, max_examples=30)
def test_one_class_is_the_same(queue: int, data: st.DataObject) -> None:
    check(data, data.draw(carried(queue, [requests.HOLDERS])))


@given(data=st.data())
@settings(LOTS, max_examples=60)
def test_a_quiet_host_is_the_same(data: st.DataObject) -> None:
    check(data, data.draw(quiet()))


@given(data=st.data())
@settings(LOTS, max_examples=80)
def test_a_collapsed_host_is_the_same(data: st.DataObject) -> None:
    check(data, data.draw(collapsed()))


@st.composite
def sessions(draw: st.DrawFn, until_ns: int, classes: int = 1) -> Sessions:
    """Cold starts, first delays, sessions that end and restarts, often at one time."""
    delays = st.one_of(
        st.sampled_from([constant(0.0), constant(float(G)), exponential(3 * G), empirical(0, 6)]), dists(20)
    )
    times = st.one_of(grid(0, until_ns // G), st.integers(0, until_ns))

    @st.composite
    def acts(draw: st.DrawFn) -> Act:
        is_restart = draw(st.booleans())
        share = draw(st.sampled_from([0.0, 1.0] if is_restart else [1.0, 0.5, 0.3, 0.01]))
        notice = draw(st.one_of(st.sampled_from(["at-once", "at-check"]), delays))
        down_ns = draw(grid(0, 12)) if is_restart else -1
        whose = draw(st.sets(st.integers(0, classes - 1), min_size=1))
        return Act(draw(times), share, notice, down_ns, is_restart and draw(st.booleans()), tuple(sorted(whose)))

    first_delays = tuple(draw(delays) for _ in range(classes))
    several = tuple(draw(st.lists(acts(), max_size=5)))
    return Sessions(first_delays, draw(st.booleans()), several, draw(st.booleans()))


@pytest.mark.parametrize("queue", QUEUES)
@given(data=st.data())
@settings(LOTS, max_examples=30)
def test_what_is_in_service_slows_down_alike(queue: int, data: st.DataObject) -> None:
    case = data.draw(carried(queue, [requests.HOLDERS]))
    strength, size = data.draw(st.sampled_from([0.5, 2.0])), data.draw(st.sampled_from([1.0, 3.0]))
    case = replace(case, params=case.params._replace(slowdown_a=strength, slowdown_n=size))
    check(data, case, Sessions(slowed_by_busy=True))


@pytest.mark.slow
@pytest.mark.parametrize("queue", QUEUES)
@given(data=st.data())
@settings(LOTS, max_examples=2000)
def test_sessions_end_alike_in_very_many_cases(queue: int, data: st.DataObject) -> None:
    case = data.draw(carried(queue, [requests.HOLDERS]))
    check(data, case, data.draw(sessions(case.until_ns)))


@pytest.mark.parametrize("queue", QUEUES)
@given(data=st.data())
@settings(LOTS, max_examples=30)
def test_sessions_end_alike(queue: int, data: st.DataObject) -> None:
    case = data.draw(carried(queue, [requests.HOLDERS]))
    check(data, case, data.draw(sessions(case.until_ns)))


@pytest.mark.nojit
@pytest.mark.boundscheck
@pytest.mark.parametrize("queue", QUEUES)
@given(data=st.data())
@settings(LOTS, max_examples=6)
def test_sessions_end_alike_in_a_few_cases(queue: int, data: st.DataObject) -> None:
    case = data.draw(carried(queue, [requests.HOLDERS]))
    check(data, case, data.draw(sessions(case.until_ns)))


@pytest.mark.parametrize("kind", [quiet, collapsed])
@given(data=st.data())
@settings(LOTS, max_examples=60)
def test_sessions_of_many_end_alike(kind: Callable[[], st.SearchStrategy[Case]], data: st.DataObject) -> None:
    case = data.draw(kind())
    check(data, case, data.draw(sessions(case.until_ns)))


ENDS = (
    """{ do = "end-sessions", at = "2m", share = 0.5, notice = "at-check" },
       { do = "end-sessions", at = "20m", share = 0.3, zone = 1, classes = ["one"] }""",
    """{ do = "restart", at = "25m", waves = 2, every = "1m", sessions = "end", told = true, notice = "20s" },
       { do = "end-sessions", when = "leased > 90%", for = "1m", share = 0.9, again_after = "7m" },
       { do = "pause", at = "10m", lasts = "10s" }""",
)
COLD = ', start = "unleased"'
OF_CLASS = 'classes.one = { establish_time = { dist = "exponential", mean = "1100ms" }, timeout = "15s" }\n'


@pytest.mark.parametrize(
    ("queue", "start"),
    [("fifo", ""), ("lifo", COLD), ("bounded", f"{COLD}, in_step = true"), ("drop-expired", COLD)],
)
@pytest.mark.parametrize("actions", [*(actions for actions, _ in CONDITIONS), *ENDS])
def test_a_run_is_the_same_on_either_engine(
    queue: str, actions: str, start: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where operators act on conditions, whatever is set off, and on any number of threads."""
    limit = ', limit = "5s"' if queue == "bounded" else ""
    herd = HERD.replace("zones = 2", f"zones = 2{start}")
    if start:
        herd = herd.replace("check_jitter", 'first_delay = { dist = "uniform", min = "0s", max = "9s" }, check_jitter')
    policy = f'policy = {{ client = {{ name = "fixed", delay = "1s" }}, queue = {{ name = "{queue}"{limit} }} }}'
    text = f"{policy}\n{OF_CLASS}operator = [{actions}]\n{herd}"
    variant = parse(text).first
    on_either_engine(variant, monkeypatch)
