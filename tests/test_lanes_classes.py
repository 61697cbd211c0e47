"""Where the lane engine runs a host of several classes it gives what the engine of sessions gives, bit by bit.

Oracle: the engine of sessions with the same draws (exact), which has a twin of its own (test_sessions_kernel.py).
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import LOTS, OVERFLOW, Case, G, constant, difference, exponential, nonzero, params
from lanes_cases import in_pieces, on_either_engine
from recovery_kernels import policies, requests
from recovery_kernels.sessions import layout
from recovery_kernels.sessions.streams import STREAMS
from sessions_cases import scenario_of
from sessions_kernel import Kernel, KernelFleet
from test_lanes import carried, collapsed, quiet
from test_lanes_sessions import Sessions, inputs_of, sessions, with_sessions
from twin.sessions.scenario import Scenario

from recovery.reading.experiment import parse
from recovery.stages import engines, known
from recovery.stages import host as hosts
from recovery.stages import lanes as stage
from recovery.stages.sessions.on_lanes import LaneSessionRun
from recovery.stages.sessions.run import SessionRun

pytestmark = pytest.mark.filterwarnings(OVERFLOW)

OWN = ["establish", "renew", "timeout", "check_every_ns", "check_jitter", "lease"]  # what each class may have
ORDERS = [policies.FIFO, policies.BOUNDED, policies.DROP_EXPIRED]


class Classes(NamedTuple):
    """A host of several classes: each as a case of its own, of which the first has all that is the host's; and their
    priorities.
    """

    cases: tuple[Case, ...]
    priorities: tuple[int, ...]

    @property
    def members(self) -> list[int]:
        """How many clients there are of each class."""
        return [len(case.first_ns) for case in self.cases]


def some_priorities(many: int) -> st.SearchStrategy[tuple[int, ...]]:
    """Of so many classes; often all have the same."""
    return st.one_of(st.just((0,) * many), st.tuples(*[st.integers(0, 2)] * many))


@st.composite
def classes(draw: st.DrawFn, queue: int) -> Classes:
    """Up to four classes, of which some differ in nothing, some in one law, some in all that they may."""
    first = draw(carried(queue, [requests.HOLDERS]))
    found = [first]
    for _ in range(draw(st.integers(1, 3))):
        other = draw(carried(queue, [requests.HOLDERS]))
        kept = draw(st.sets(st.sampled_from([*OWN, "client"])))
        own = {name: getattr(other.params, name) for name in kept}
        if "client" in own:
            own["client"] = own["client"]._replace(round_trip_ns=first.params.client.round_trip_ns)
        found.append(replace(other, params=first.params._replace(**own)))
    return Classes(tuple(found), draw(some_priorities(len(found))))


@st.composite
def parted(draw: st.DrawFn, cases: st.SearchStrategy[Case]) -> Classes:
    """Clients of a case, of whom every second or third is of another class, which has rules of other cases."""
    first, many = draw(cases), draw(st.integers(2, 3))
    found = []
    for number in range(many):
        other = first if number == 0 else draw(cases)
        kept = draw(st.sets(st.sampled_from(OWN)))
        found.append(
            replace(
                first,
                params=first.params._replace(**{name: getattr(other.params, name) for name in kept}),
                first_ns=first.first_ns[number::many],
                expires_ns=first.expires_ns[number::many],
            )
        )
    return Classes(tuple(found), draw(some_priorities(many)))


def no_sessions(case: Classes) -> Sessions:
    """No session ends."""
    return Sessions((constant(0.0),) * len(case.cases))


def new_lanes(case: Classes, more: Sessions, span_ns: int) -> LaneSessionRun:
    """The host at time 0 on the lane engine."""
    first = case.cases[0]
    inputs = inputs_of(first, more, twin_of(case, more), first.until_ns)
    same = stage.Hosts(
        first.params, inputs, windows=first.windows, span_ns=span_ns,
        columns=(len(case.cases) + 1) * layout.SERIES, counts_stale=True, slowed_by_busy=more.slowed_by_busy,
        classes=[one.params for one in case.cases], priorities=case.priorities,
    )  # fmt: skip
    keys = [
        hosts.holders_keys(first.seed, first.replication, first.host, STREAMS * number)[1]
        for number in range(len(case.cases))
    ]
    first_ns = np.array([time for one in case.cases for time in one.first_ns], np.int64)
    expires_ns = np.array([time for one in case.cases for time in one.expires_ns], np.int64)
    if more.is_cold:
        run = same.empty(keys[0], len(first_ns), case.members, keys)
    else:
        run = same.start(keys[0], first_ns, expires_ns, case.members, keys)
    unaware = np.zeros((len(case.cases), first.windows + 1), np.int64)
    found = LaneSessionRun(**vars(run), sessions=more.ends(first), unaware=unaware)
    if more.is_cold:
        found.start_cold(first_ns)
    return found


def told(run: LaneSessionRun | SessionRun, windows: int, classes: int) -> dict[str, Any]:
    """All that a run says about itself at its end, ready for `==`, work that is in service counted."""
    run.close()
    found = {"series": run.rows(0, windows).tolist(), "histogram": nonzero(run.sojourn)}
    for number in range(classes):
        one = run.of_class(number)
        found |= {
            f"of class {number}": one.rows(0, windows).tolist(),
            f"histogram {number}": nonzero(one.sojourn),
            f"unleased_ns {number}": one.unleased_ns(),
        }
    return found | {"unleased_ns": run.unleased_ns()}


def twin_of(case: Classes, more: Sessions) -> Scenario:
    """The scenario of the engine of sessions, where it counts stale work."""
    each = [scenario_of(one) for one in case.cases]
    first = each[0]
    scenario: Scenario = replace(
        first,
        classes=tuple(
            replace(one.classes[0], name=str(number), priority=priority)
            for number, (one, priority) in enumerate(zip(each, case.priorities, strict=True))
        ),
        host=replace(first.host, is_stale_counted=True),
    )
    return with_sessions(scenario, more, case.cases[0].table)


def on_sessions(scenario: Scenario, windows: int) -> dict[str, Any]:
    """What the engine of sessions says at the end."""
    kernel: Kernel = KernelFleet(scenario, is_logged=False).run().hosts[0]
    run = SessionRun(None, kernel.rules, kernel.host, 0)  # type: ignore[arg-type]
    return told(run, windows, len(scenario.classes))


def check(data: st.DataObject, case: Classes, more: Sessions | None = None) -> None:
    """The two engines agree, however the run is cut."""
    first, more = case.cases[0], more or no_sessions(case)
    windows = first.until_ns // first.params.window_ns
    twin = twin_of(case, more)
    wanted = on_sessions(twin, windows)
    run = in_pieces(
        data, lambda span_ns: new_lanes(case, more, span_ns), first.until_ns,
        lambda stop: inputs_of(first, more, twin, stop),
    )  # fmt: skip
    assert len(run.expires_ns()) == sum(case.members)
    assert difference(told(run, windows, len(case.cases)), wanted) == ""


@pytest.mark.slow
@pytest.mark.parametrize("queue", ORDERS)
@given(data=st.data())
@settings(LOTS, max_examples=2000)
def test_classes_are_the_same_in_very_many_cases(queue: int, data: st.DataObject) -> None:
    check(data, data.draw(classes(queue)))


@pytest.mark.parametrize("queue", ORDERS)
@given(data=st.data())
@settings(LOTS, max_examples=30)
def test_classes_are_the_same(queue: int, data: st.DataObject) -> None:
    check(data, data.draw(classes(queue)))


@pytest.mark.nojit
@pytest.mark.boundscheck
@pytest.mark.parametrize("queue", ORDERS)
@given(data=st.data())
@settings(LOTS, max_examples=9)
def test_classes_are_the_same_in_a_few_cases(queue: int, data: st.DataObject) -> None:
    check(data, data.draw(classes(queue)))


@pytest.mark.nojit
@pytest.mark.boundscheck
@pytest.mark.parametrize("jitter", [0.0, 0.3])
def test_a_quiet_host_is_the_same(jitter: float) -> None:
    """Nobody waits long, and all are answered in time: what is taken in batches."""
    own = params(
        workers=4, timeout=constant(40 * G), establish=exponential(G), renew=exponential(0.2 * G), window_ns=7 * G,
        check_every_ns=20 * G, check_jitter=jitter,
        lease=policies.Lease(policies.LEASE_FIXED, constant(30 * G), 0, 0, 1.0),
    )  # fmt: skip
    first = tuple(n * G // 3 for n in range(60))
    one = Case(own, 91 * G, first_ns=first[::2], expires_ns=first[::2])
    others = own._replace(establish=constant(0.7 * G), lease=own.lease._replace(duration=exponential(25 * G)))
    other = replace(one, params=others, first_ns=first[1::2], expires_ns=(0,) * 30)
    case = Classes((one, other), (0, 0))
    run = new_lanes(case, no_sessions(case), 20 * G)
    run.advance(one.until_ns)
    assert difference(told(run, 13, 2), on_sessions(twin_of(case, no_sessions(case)), 13)) == ""


@given(data=st.data())
@settings(LOTS, max_examples=40)
def test_what_comes_in_the_midst_of_a_batch_changes_no_bit(data: st.DataObject) -> None:
    check(data, data.draw(parted(quiet())))


@given(data=st.data())
@settings(LOTS, max_examples=30)
def test_a_collapsed_host_is_the_same(data: st.DataObject) -> None:
    check(data, data.draw(parted(collapsed())))


def with_ends(data: st.DataObject, case: Classes) -> Sessions:
    """What is there of sessions beside such a case."""
    return data.draw(sessions(case.cases[0].until_ns, len(case.cases)))


@pytest.mark.slow
@pytest.mark.parametrize("queue", ORDERS)
@given(data=st.data())
@settings(LOTS, max_examples=2000)
def test_sessions_of_classes_end_alike_in_very_many_cases(queue: int, data: st.DataObject) -> None:
    case = data.draw(classes(queue))
    check(data, case, with_ends(data, case))


@pytest.mark.parametrize("queue", ORDERS)
@given(data=st.data())
@settings(LOTS, max_examples=30)
def test_sessions_of_classes_end_alike(queue: int, data: st.DataObject) -> None:
    case = data.draw(classes(queue))
    check(data, case, with_ends(data, case))


@pytest.mark.nojit
@pytest.mark.boundscheck
@pytest.mark.parametrize("queue", ORDERS)
@given(data=st.data())
@settings(LOTS, max_examples=6)
def test_sessions_of_classes_end_alike_in_a_few_cases(queue: int, data: st.DataObject) -> None:
    case = data.draw(classes(queue))
    check(data, case, with_ends(data, case))


@pytest.mark.parametrize("kind", [quiet, collapsed])
@given(data=st.data())
@settings(LOTS, max_examples=30)
def test_sessions_of_many_end_alike(kind: Callable[[], st.SearchStrategy[Case]], data: st.DataObject) -> None:
    case = data.draw(parted(kind()))
    check(data, case, with_ends(data, case))


FLEET = """
horizon = "30m"
hold = "2m"
fleet = { holders = 240, hosts = 4, zones = 2 }
host = { workers = 1, establish_time = { dist = "exponential", mean = "900ms" }, renew_time = "20ms", timeout = "20s" }
lease = { duration = "3m", check_every = "1m", check_jitter = "10%" }
dependency.outages = [{ from = "3m", to = "9m" }]
policy.client = { name = "full-jitter" }
[classes.nodes]
share = "70%"
establish_time = { dist = "lognormal", mean = "700ms", cv = 0.5 }
[classes.agents]
check_every = "45s"
duration = { dist = "uniform", min = "2m", max = "5m" }
client = { name = "fixed", delay = "4s" }
lease = "credit-on-arrival"
"""


@pytest.mark.parametrize(
    ("override", "engine"),
    [
        ("seed=1", engines.LANES),
        ('policy.queue={ name = "bounded", limit = "20s" }', engines.LANES),
        ("host.cancel_on_timeout=true", engines.LANES),
        ('operator=[{ do = "restart", when = "leased.agents < 60%" }]', engines.LANES),
        ('policy.queue="lifo"', engines.SESSIONS),
        ('classes.agents.timeout="30s"', engines.LANES),
        ('classes.agents.timeout={ dist = "exponential", mean = "30s" }', engines.SESSIONS),
        ("classes.agents.priority=1", engines.LANES),
        ("classes.agents.weight=1", engines.SESSIONS),
        ("classes.agents.cost=2", engines.SESSIONS),
        ('classes.agents.lease="freeze"', engines.SESSIONS),
        ("classes.agents.timeout_growth=2", engines.SESSIONS),
        ('classes.calls.rate="1/s"', engines.SESSIONS),
        ('classes.more.after="nodes"', engines.SESSIONS),
        ('operator=[{ do = "end-sessions", at = "9m", share = 0.5, classes = ["agents"] }]', engines.LANES),
        ('operator=[{ do = "restart", at = "9m", sessions = "end", told = true, notice = "9s" }]', engines.LANES),
        ('fleet.start="unleased"', engines.LANES),
        ('fleet={ start = "unleased", in_step = true, holders = 240, hosts = 4 }', engines.LANES),
        ('classes.agents.first_delay="5s"', engines.LANES),
        ('operator=[{ do = "pause", at = "9m", lasts = "2m", classes = ["agents"] }]', engines.SESSIONS),
        ('operator=[{ do = "throttle", at = "9m", rate = "2/s", classes = ["agents"] }]', engines.SESSIONS),
    ],
)
def test_rules_decide_the_engine(override: str, engine: str) -> None:
    scenario = parse(FLEET, overrides=(override,)).first.scenario
    run = known.traffic_of(scenario).start(scenario, 1, 0, 0, 60)
    assert engines.engine_of(scenario) == engine
    assert type(run) is (LaneSessionRun if engine == engines.LANES else SessionRun)


# Each of them is set off, so often at least: all leases are lost in the outage, and then many wait.
CONDITIONS = (
    ("", 0),
    ('{ do = "restart", when = "leased.agents < 60%", for = "20s", down_for = "5s", again_after = "2m" }', 2),
    (
        (
            '{ do = "throttle", when = "oldest.nodes > 3s", rate = "2/s", release = [{ after = "2m", rate = "5/s" }] },'
            '{ do = "pause", at = "5m", lasts = "1m" }'
        ),
        1,
    ),
    ('{ do = "end-sessions", when = "leased.nodes < 60%", share = 0.3, notice = "at-check", classes = ["nodes"] }', 1),
    (
        (
            '{ do = "end-sessions", at = "15m", share = 0.4, zone = 1, notice = "7s" },'
            '{ do = "end-sessions", at = "15m", classes = ["agents"] },'
            '{ do = "restart", at = "20m", waves = 2, every = "1m", sessions = "end", told = true, notice = "9s" }'
        ),
        3,
    ),
)
COLD = (
    'fleet.start="unleased"',
    'lease.first_delay={ dist = "uniform", min = "0s", max = "9s" }',
    'classes.agents.first_delay={ dist = "exponential", mean = "3s" }',
)


@pytest.mark.parametrize("queue", ["fifo", "bounded", "drop-expired"])
@pytest.mark.parametrize("cancel", ["false", "true"])
@pytest.mark.parametrize("start", [(), COLD], ids=["steady", "cold"])
@pytest.mark.parametrize(("actions", "many"), CONDITIONS, ids=["", "restart", "throttle", "end", "end at times"])
def test_a_run_is_the_same_on_either_engine(
    queue: str, cancel: str, start: tuple[str, ...], actions: str, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where operators act on conditions, whatever is set off, and on any number of threads."""
    limit = ', limit = "5s"' if queue == "bounded" else ""
    own = (f'policy.queue={{ name = "{queue}"{limit} }}', f"host.cancel_on_timeout={cancel}", f"operator=[{actions}]")
    variant = parse(FLEET, overrides=(*own, *start)).first
    assert len(on_either_engine(variant, monkeypatch).actions) >= many
