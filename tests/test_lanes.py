"""The lane engine gives what the event engine gives, bit by bit, wherever it carries a host.

Oracles: the event engine with the same draws (exact), which has a twin of its own (test_twin.py); the same case with
other sizes and other stops; conservation of clients.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import (
    LOTS,
    OVERFLOW,
    QUEUES,
    TABLE,
    Case,
    G,
    S,
    cases,
    constant,
    difference,
    empirical,
    exponential,
    grid,
    new_host,
    new_lanes,
    params,
    told,
)
from lanes_cases import in_pieces, on_either_engine, shrink
from recovery_kernels import draws, limits, policies, requests
from recovery_kernels.draws import Dist
from recovery_kernels.events import MAX_CLIENTS
from recovery_kernels.lanes.rules import carries

from recovery.reading.experiment import parse
from recovery.stages import engines, known
from recovery.stages import lanes as stage
from recovery.stages.host import HostError
from recovery.stages.lanes import LaneRun

pytestmark = pytest.mark.filterwarnings(OVERFLOW)


@st.composite
def carried(draw: st.DrawFn, queue: int, traffic: Sequence[int] = (requests.HOLDERS, requests.JOBS)) -> Case:
    """A case that the lane engine carries: with a constant timeout, without what it refuses."""
    case = draw(cases(queue).filter(lambda case: case.params.traffic in traffic))
    own = case.params._replace(timeout=constant(draw(grid(2, 12))))
    if own.lease.kind in (policies.FREEZE, policies.FREEZE_UNTIL_HEARD):
        own = own._replace(lease=own.lease._replace(kind=policies.CREDIT_ON_ARRIVAL))
    found = replace(case, params=own)
    assert carries(own, found.until_ns)
    return found


def ended(case: Case) -> dict[str, Any]:
    """What the event engine says at the end."""
    run = new_host(case)
    run.advance(case.until_ns)
    return told(run, case)


def check_carried(data: st.DataObject, queue: int) -> None:
    """The two engines agree, for any sizes, and wherever the run is cut."""
    check(data, data.draw(carried(queue)))


def check(data: st.DataObject, case: Case) -> None:
    """As `check_carried`, of one case."""
    wanted = ended(case)

    def inputs_by(stop: int) -> requests.Inputs:
        return replace(case, controls=tuple(control for control in case.controls if control[0] < stop)).inputs()

    run = in_pieces(data, lambda span_ns: new_lanes(case, span_ns=span_ns), case.until_ns, inputs_by)
    assert difference(told(run, case), wanted) == ""


@pytest.mark.slow
@pytest.mark.parametrize("queue", QUEUES)
@given(data=st.data())
@settings(LOTS, max_examples=3000)
def test_lanes_are_events(queue: int, data: st.DataObject) -> None:
    check_carried(data, queue)


@pytest.mark.parametrize("queue", QUEUES)
@given(data=st.data())
@settings(LOTS, max_examples=45)
def test_lanes_are_events_in_many_cases(queue: int, data: st.DataObject) -> None:
    check_carried(data, queue)


@pytest.mark.nojit
@pytest.mark.boundscheck
@pytest.mark.parametrize("queue", QUEUES)
@given(data=st.data())
@settings(LOTS, max_examples=9)
def test_lanes_are_events_in_a_few_cases(queue: int, data: st.DataObject) -> None:
    check_carried(data, queue)


@pytest.mark.nojit
@pytest.mark.boundscheck
@pytest.mark.parametrize("jitter", [0.0, 0.3])
@pytest.mark.parametrize("establish", [exponential(G), Dist(draws.UNIFORM, 0.0, 2.0 * G, 0, 0)])
def test_a_quiet_host_is_the_same(establish: Dist, jitter: float) -> None:
    """Nobody waits long, and all are answered in time: what is done most of the time."""
    rules = params(
        workers=4, timeout=constant(40 * G), establish=establish, renew=exponential(0.2 * G), check_every_ns=20 * G,
        check_jitter=jitter, window_ns=7 * G, lease=policies.Lease(policies.LEASE_FIXED, constant(30 * G), 0, 0, 1.0),
    )  # fmt: skip
    first = tuple(n * G // 3 for n in range(60))
    case = Case(rules, 90 * G, first_ns=first, expires_ns=tuple(n * G for n in range(60)))
    run = new_lanes(case)
    run.advance(case.until_ns)
    assert difference(told(run, case), ended(case)) == ""


@pytest.mark.nojit
@pytest.mark.boundscheck
@pytest.mark.parametrize("is_known", [True, False])
def test_a_restart_takes_what_would_have_been_in_time(is_known: bool) -> None:
    """Clients whose tries failed in an outage are served at once, and lost in restarts that may come unforeseen: at
    their deadlines they give up, and go on with the tries that they had.
    """
    rules = params(
        workers=4, timeout=constant(5 * G), establish=constant(G), renew=constant(G), check_every_ns=20 * G,
        check_jitter=0.3, window_ns=7 * G, fail_after_ns=100,
        client=policies.Client(policies.EXPONENTIAL, constant(0), 2.0 * G, 2.0, 20.0 * G, -1, 1),
    )  # fmt: skip
    outage = ((0, requests.DEPENDENCY, 0, 1.0, 0.0), (12 * G, requests.DEPENDENCY, 0, 0.0, 0.0))
    restarts = tuple((at * G + 300, requests.RESTART, 10, 0.0, 0.0) for at in range(14, 40, 2))
    case = Case(
        rules, 90 * G, first_ns=tuple(n * G // 2 for n in range(60)), expires_ns=(0,) * 60,
        controls=(*outage, *restarts),
    )  # fmt: skip
    run = new_lanes(case)
    for window in range(1, case.windows + 1):
        if not is_known:
            by_then = tuple(control for control in case.controls if control[0] < window * 7 * G)
            run.inputs = replace(case, controls=by_then).inputs()
        run.advance(min(window * 7 * G, case.until_ns))
    found = told(run, case)
    assert difference(found, ended(case)) == ""
    assert np.sum(found["series"], axis=0)[requests.LOST] > 10


@st.composite
def trouble(draw: st.DrawFn) -> tuple[tuple[int, int, int, float, float], ...]:
    """Nothing, an outage, or a restart within 90 s."""
    from_ns, to_ns = sorted((draw(st.integers(G, 89 * G)), draw(st.integers(G, 89 * G))))
    controls = {
        "": (),
        "outage": ((from_ns, requests.DEPENDENCY, 0, 1.0, 0.0), (to_ns, requests.DEPENDENCY, 0, 0.0, 0.0)),
        "restart": ((from_ns, requests.RESTART, to_ns - from_ns, 0.0, 0.0),),
    }
    return controls[draw(st.sampled_from(sorted(controls)))]


@st.composite
def quiet(draw: st.DrawFn) -> Case:
    """Enough clients for several batches, who seldom wait, with all that may come in the midst of a batch: the edge of
    a window, an outage's begin and end, a restart, a deadline just kept or just missed, a first lease, leases that end
    in many windows, and the same time of many (a jitter of less than 1 ns).
    """
    workers, many = draw(st.sampled_from([1, 4, 7, 40])), draw(st.one_of(st.integers(2, 20), st.integers(2, 300)))
    every = draw(st.sampled_from([2, 20, 30])) * G
    service = draw(
        st.sampled_from([constant(G), constant(3.0), exponential(workers * every / many / 2), empirical(0, 6)])
    )
    lease = draw(st.sampled_from([constant(25 * G), constant(60 * G), exponential(50 * G)]))
    client = policies.Client(
        draw(st.sampled_from([policies.IMMEDIATE, policies.FIXED])), exponential(G), 0.0, 2.0, 0.0, -1, 1
    )
    own = params(
        workers=workers, timeout=constant(draw(st.sampled_from([2, 5, 40])) * G), establish=service, fail_after_ns=G,
        renew=draw(st.sampled_from([service, constant(2 * G)])), check_every_ns=every, client=client,
        check_jitter=draw(st.sampled_from([0.0, 1e-9, 0.1, 0.9])), window_ns=draw(st.sampled_from([97, 7 * G, 90 * G])),
        lease=policies.Lease(
            draw(st.sampled_from([policies.LEASE_FIXED, policies.CREDIT_ON_ARRIVAL])), lease, 0, 0, 1.0
        ),
    )  # fmt: skip
    apart = draw(st.sampled_from([0, 1, every // many]))
    leases = draw(st.sampled_from([0, 1, every // 2, 70 * G]))
    return Case(
        own, 90 * G, first_ns=tuple(number * apart for number in range(many)),
        expires_ns=tuple(leases + number * apart if leases else 0 for number in range(many)),
        controls=draw(trouble()), table=TABLE,
    )  # fmt: skip


@given(data=st.data())
@settings(LOTS, max_examples=150)
def test_what_comes_in_the_midst_of_a_batch_changes_no_bit(data: st.DataObject) -> None:
    check(data, data.draw(quiet()))


@st.composite
def collapsed(draw: st.DrawFn) -> Case:
    """Enough clients for several batches, most of whom give up, with all that may come in the midst of a batch: a
    request that is answered in time, or just so, renewals among first requests, another lane's client, the edge of a
    window, an outage, a restart, a service that never ends, and more starts ahead of the clock than are kept.
    """
    workers, many = draw(st.sampled_from([1, 4, 7, 40])), draw(st.one_of(st.integers(2, 20), st.integers(2, 300)))
    timeout = draw(st.sampled_from([2, 5, 20])) * G
    busy = draw(st.sampled_from([0.9, 1.2, 3.0, 10.0]))  # work that comes within a timeout, for that time of workers
    mean = workers * timeout * busy / many
    service = draw(
        st.sampled_from([constant(mean), constant(G), exponential(mean), empirical(0, 6), constant(2.0**51)])
    )
    client = policies.Client(
        draw(st.sampled_from([policies.IMMEDIATE, policies.FIXED])),
        draw(st.sampled_from([constant(0), constant(3 * G), constant(timeout), exponential(G)])),
        0.0, 2.0, 0.0, -1, draw(st.sampled_from([1, G])),
    )  # fmt: skip
    own = params(
        workers=workers, timeout=constant(timeout), establish=service, fail_after_ns=G, client=client,
        renew=draw(st.sampled_from([service, constant(2 * G), exponential(mean / 3)])),
        check_every_ns=draw(st.sampled_from([4, 20, 30])) * G,
        check_jitter=draw(st.sampled_from([0.0, 0.1])), window_ns=draw(st.sampled_from([997, 7 * G, 90 * G])),
        admission=draw(
            st.sampled_from(
                [policies.Admission(limits.OPEN, 0.0, 1.0, 1.0, 0),
                 policies.Admission(limits.TOKEN_BUCKET, many / timeout, 50.0, 1.0, 0)]
            )
        ),
        lease=policies.Lease(
            draw(st.sampled_from([policies.LEASE_FIXED, policies.CREDIT_ON_ARRIVAL])),
            draw(st.sampled_from([constant(25 * G), exponential(50 * G)])), 0, 0, 1.0,
        ),
    )  # fmt: skip
    apart, leases = draw(st.sampled_from([0, 1, timeout // many])), draw(st.sampled_from([0, 1, 40 * G, 200 * G]))
    return Case(
        own, 90 * G, first_ns=tuple(number * apart for number in range(many)),
        expires_ns=tuple(leases + number * apart if leases else 0 for number in range(many)),
        controls=draw(trouble()), table=TABLE,
    )  # fmt: skip


@given(data=st.data())
@settings(LOTS, max_examples=150)
def test_a_collapsed_host_is_the_same(data: st.DataObject) -> None:
    check(data, data.draw(collapsed()))


@pytest.mark.nojit
@pytest.mark.boundscheck
@pytest.mark.parametrize("poisson", [0, 1])
@pytest.mark.parametrize(("workers", "busy"), [(4, 0.9), (8, 0.3), (8, 0.9), (8, 1.2)])
def test_a_queue_of_jobs_is_the_same(workers: int, busy: float, poisson: int) -> None:
    """Few jobs wait, or most, or so many that some time out: these try again once, and then give up."""
    rules = params(
        traffic=requests.JOBS, workers=workers, establish=exponential(G), timeout=constant(6 * G), window_ns=11 * G,
        client=policies.Client(policies.FIXED, constant(G), 0.0, 2.0, 0.0, 1, 1), poisson=poisson,
    )  # fmt: skip
    case = Case(rules, 60 * G, arrivals_per_ns=(busy * workers / G,))
    run = shrink(new_lanes(case))
    run.host = run.host._replace(begun=np.zeros(64, np.int64))
    run.advance(case.until_ns)
    found = told(run, case)
    assert difference(found, ended(case)) == ""
    assert busy < 1.0 or np.sum(found["series"], axis=0)[requests.GAVE_UP] > 0


@pytest.mark.parametrize("at_once", [1, 1 << 20])
def test_the_memory_of_jobs_grows_with_those_that_are_there(at_once: int) -> None:
    """20,000 jobs come and try again at random without an end. A wheel for a million has many slots, of which few hold
    somebody: a slot takes four bytes and not a chunk, each time that the rings grow.
    """
    many, until = 20_000, 60 * S
    rules = params(
        traffic=requests.JOBS, workers=1, establish=constant(10 * S), timeout=constant(S),
        client=policies.Client(policies.FULL_JITTER, constant(S), float(S), 2.0, 60.0 * S, -1, S),
    )  # fmt: skip
    case = Case(rules, until, arrivals_per_ns=(many / until,))
    run = stage.Hosts(rules, case.inputs(), windows=case.windows, span_ns=60 * S).start_jobs(case.keys(), at_once)
    run.advance(until)
    there = int(run.host.whole[requests.OPEN])
    assert there > 0.9 * many
    each = stage.MEMORY_PER_CLIENT + 2 * stage.layout.CHUNK * stage.layout.ROW * 8  # a chunk of its own each, at most
    # Four: all is doubled when it is full, and the wheel has twice the chunks that may be taken.
    assert run.nbytes < 4 * there * each + 8 * at_once


@st.composite
def jobs(draw: st.DrawFn) -> Case:
    """Enough jobs for several batches, with all that may come in the midst of a batch: steps of the rate, a queue, a
    timeout that is just kept or just missed, tries that give up or come again, services of no time and such as never
    end, the edge of a window, an outage, a restart, more starts ahead of the clock than are kept.
    """
    workers, until = draw(st.sampled_from([1, 4, 7, 8, 40])), draw(st.integers(20, 90)) * G
    many = draw(st.sampled_from([30, 300, 1000]))
    busy = draw(st.sampled_from([0.1, 0.5, 0.9, 1.2]))
    mean = max(float(int(workers * until * busy / many)), 1.0)
    service = draw(
        st.sampled_from([exponential(mean), constant(mean), constant(0), empirical(0, 6), constant(2.0**51)])
    )
    rate = st.sampled_from([many / until] * 3 + [3 * many / until, 0.0])
    steps = (0, *sorted(draw(st.sets(st.integers(1, until), max_size=2))))
    client = policies.Client(
        draw(st.sampled_from([policies.IMMEDIATE, policies.FIXED, policies.FULL_JITTER])),
        draw(st.sampled_from([constant(0), constant(3 * G), exponential(G)])),
        0.5 * G, 2.0, 10.0 * G, draw(st.sampled_from([-1, 0, 1, 3])), draw(st.sampled_from([1, G])),
    )  # fmt: skip
    own = params(
        traffic=requests.JOBS, workers=workers, establish=service, client=client, fail_after_ns=draw(grid(0, 2)),
        timeout=constant(draw(st.sampled_from([int(mean) + 1, 2 * G, 5 * G, 10**9]))),
        cancel=draw(st.sampled_from([0, 0, 1])), poisson=draw(st.sampled_from([1, 1, 0])),
        window_ns=draw(st.sampled_from([997, 7 * G, 90 * G])), reject_cost_ns=draw(st.sampled_from([0, 0, 50])),
        slowdown_a=draw(st.sampled_from([0.0, 0.0, 0.5])), slowdown_n=8.0,
        queue=policies.Queue(draw(st.sampled_from([policies.FIFO] * 3 + QUEUES)), 20, 0, 0),
        admission=draw(
            st.sampled_from(
                [policies.Admission(limits.OPEN, 0.0, 1.0, 1.0, 0)] * 2
                + [policies.Admission(limits.TOKEN_BUCKET, many / until, 5.0, 1.0, 0)]
            )
        ),
    )  # fmt: skip
    return Case(
        own, until, seed=draw(st.integers(0, 2**64 - 1)), controls=draw(trouble()), table=TABLE, arrivals_ns=steps,
        arrivals_per_ns=tuple(draw(st.lists(rate, min_size=len(steps), max_size=len(steps)))),
    )  # fmt: skip


@given(data=st.data())
@settings(LOTS, max_examples=60)
def test_jobs_are_the_same_in_batches(data: st.DataObject) -> None:
    check(data, data.draw(jobs()))


@pytest.mark.slow
@given(data=st.data())
@settings(LOTS, max_examples=1500)
def test_jobs_are_the_same(data: st.DataObject) -> None:
    check(data, data.draw(jobs()))


@pytest.mark.nojit
@pytest.mark.boundscheck
@pytest.mark.parametrize("kept", [4, 64, stage.BEGUN])
@pytest.mark.parametrize(("workers", "per_grid", "window_ns"), [(4, 8, 30 * G), (6, 8, 7 * G), (4, 16, G)])
def test_a_herd_is_the_same(workers: int, per_grid: int, window_ns: int, kept: int) -> None:
    """Of a herd of a hundred, two or four fifths are answered within the timeout, as renewals or as first requests; the
    others give up. Two fifths collapse, and more services begin in a window than there are starts `kept` ahead of the
    clock. Four fifths recover: behind requests that are answered too late are some that are answered in time.
    """
    rules = params(
        workers=workers, timeout=constant(5 * G), establish=exponential(workers * G / per_grid),
        renew=constant(workers * G / per_grid), check_every_ns=20 * G, window_ns=window_ns,
    )  # fmt: skip
    expires = tuple((number % 2) * 12 * G for number in range(100))
    case = Case(rules, 40 * G, first_ns=tuple(range(100)), expires_ns=expires)
    run = new_lanes(case)
    run.host = run.host._replace(begun=run.host.begun[:kept].copy())
    run.advance(case.until_ns)
    found = told(run, case)
    assert difference(found, ended(case)) == ""
    assert np.sum(found["series"], axis=0)[requests.WASTED] > 10


@pytest.mark.nojit
@pytest.mark.boundscheck
@pytest.mark.parametrize("span_ns", [G, 60 * G, 10**15])
def test_a_crowd_in_one_slot_comes_in_order(span_ns: int) -> None:
    """Two hundred clients that come back at random, many of them at one time, in slots of the wheel that hold a few of
    them or all.
    """
    client = policies.Client(policies.FIXED, empirical(0, 6), 0.0, 2.0, 0.0, -1, G)
    rules = params(
        workers=60, timeout=constant(5 * G), establish=constant(2 * G), renew=constant(G), check_every_ns=6 * G,
        check_jitter=0.3, window_ns=4 * G, lease=policies.Lease(policies.LEASE_FIXED, constant(9 * G), 0, 0, 1.0),
        client=client,
    )  # fmt: skip
    controls = ((8 * G, requests.DEPENDENCY, 0, 0.5, 0.0), (11 * G, requests.DEPENDENCY, 0, 0.0, 0.0))
    many = 400
    case = Case(rules, 24 * G, first_ns=(0,) * many, expires_ns=(0,) * many, controls=controls, table=TABLE)
    run = new_lanes(case, span_ns=span_ns)
    run.advance(case.until_ns)
    assert difference(told(run, case), ended(case)) == ""


HERD = """
horizon = "30m"
hold = "2m"
fleet = { holders = 240, hosts = 4, zones = 2 }
host = { workers = 1, establish_time = { dist = "exponential", mean = "900ms" }, renew_time = "20ms", timeout = "20s" }
lease = { duration = "3m", check_every = "1m", check_jitter = "10%" }
dependency.outages = [{ from = "3m", to = "9m" }]
"""


@pytest.mark.parametrize(
    ("text", "engine"),
    [
        ("", engines.LANES),
        ('policy.queue = { name = "bounded", limit = 20 }', engines.LANES),
        ('policy.admission = { name = "token-bucket", rate = "2/s" }', engines.LANES),
        ('operator = [{ do = "restart", at = "9m" }, { do = "pause", at = "8m", lasts = "1m" }]', engines.LANES),
        ('operator = [{ do = "restart", when = "leased < 60%" }]', engines.LANES),
        ('policy.queue = "lifo"', engines.LANES),
        ('policy.lease = "freeze"', engines.EVENTS),
        ('operator = [{ do = "end-sessions", at = "1m", notice = "at-check" }]', engines.LANES),
        ('operator = [{ do = "end-sessions", at = "1m", classes = ["one"] }]\nclasses.one = {}', engines.LANES),
        ('operator = [{ do = "restart", at = "1m", sessions = "end", told = true }]', engines.LANES),
        ('operator = [{ do = "restart", when = "leased < 60%", again_after = "1m" }]', engines.LANES),
        ('operator = [{ do = "end-sessions", at = "1m" }, { do = "purge", at = "2m" }]', engines.SESSIONS),
        ('operator = [{ do = "end-sessions", at = "1m" }]\npolicy.lease = "freeze"', engines.SESSIONS),
        ('operator = [{ do = "throttle", at = "1m", rate = "1/s", limit = 9 }]', engines.SESSIONS),
        ("classes.one = {}", engines.LANES),
        ('classes.one = { timeout = "9s", lease = "credit-on-arrival" }', engines.LANES),
        ("classes.one = { cost = 2 }", engines.SESSIONS),
        ("classes.one = { timeout_growth = 2 }", engines.SESSIONS),
        ('classes.one = { expire_time = "1s" }', engines.SESSIONS),
        ('classes.one = { client = "equal-jitter" }', engines.LANES),
        ('policy.client = "proportional-jitter"', engines.LANES),
        ('policy.client = "decorrelated-jitter"', engines.SESSIONS),
        ('policy.client = "aws-standard"', engines.SESSIONS),
        ('classes = { one = {}, two = { rate = "1/s" } }', engines.SESSIONS),
    ],
)
def test_the_engine_that_is_named_is_the_one_that_runs(text: str, engine: str) -> None:
    scenario = parse(text + "\n" + HERD).first.scenario
    run = known.traffic_of(scenario).start(scenario, 1, 0, 0, 60)
    assert engines.engine_of(scenario) == engine
    of_lanes = "LaneSessionRun" if scenario.rules else "LaneRun"
    assert type(run).__name__ == {"lanes": of_lanes, "events": "HostRun", "sessions": "SessionRun"}[engine]


def test_slowdown_by_what_is_in_service_runs_on_lanes() -> None:
    slow = HERD.replace('timeout = "20s"', 'timeout = "20s", slowdown = { a = 1, queue = 2, by = "in-service" }')
    scenario = parse(slow).first.scenario
    assert engines.engine_of(scenario) == engines.LANES


@pytest.mark.parametrize(
    ("queue", "workers", "timeout", "engine"),
    [
        ("fifo", 1, '"20s", cancel_on_timeout = true', engines.LANES),
        ("lifo", 32, '"20s", cancel_on_timeout = true', engines.LANES),
        ("fifo", 1, '{ dist = "uniform", min = "10s", max = "20s" }', engines.EVENTS),
        ("fifo", 256, '"20s"', engines.LANES),
        ("fifo", 257, '"20s"', engines.EVENTS),
        ("lifo", 33, '"20s"', engines.EVENTS),
    ],
)
def test_hosts_decide_the_engine(queue: str, workers: int, timeout: str, engine: str) -> None:
    herd = HERD.replace("workers = 1,", f"workers = {workers},").replace('timeout = "20s"', f"timeout = {timeout}")
    scenario = parse(f'policy.queue = "{queue}"\n{herd}').first.scenario
    assert engines.engine_of(scenario) == engine


CALLS = """
horizon = "20m"
hold = "2m"
recovers_from = "4m"
jobs.hosts = 2
jobs.retries = 3
jobs.steps = [{ at = "0s", rate = "8/s" }, { at = "3m", rate = "60/s" }, { at = "4m", rate = "8/s" }]
host = { workers = 2, establish_time = { dist = "exponential", mean = "200ms" }, timeout = "4s" }
"""


@pytest.mark.parametrize(
    ("timeout", "rules", "engine"),
    [
        ('"4s"', "", engines.LANES),
        ('"4s"', 'policy.queue = "lifo"', engines.LANES),
        ('{ dist = "uniform", min = "3s", max = "5s" }', "", engines.EVENTS),
        ('"4s"', "classes.all = {}", engines.SESSIONS),
    ],
)
def test_jobs_run_on_lanes_where_these_carry_them(timeout: str, rules: str, engine: str) -> None:
    scenario = parse(CALLS.replace('timeout = "4s"', f"timeout = {timeout}") + rules).first.scenario
    assert engines.engine_of(scenario) == engine
    run = known.traffic_of(scenario).start(scenario, 1, 0, 0, 0)
    assert type(run).__name__ == {"lanes": "LaneRun", "events": "HostRun", "sessions": "SessionRun"}[engine]


@pytest.mark.parametrize("queue", ["fifo", "lifo", "bounded", "drop-expired"])
@pytest.mark.parametrize("client", ["immediate", "fixed", "full-jitter"])
@pytest.mark.parametrize(
    ("actions", "many"),
    [
        ("", 0),
        ('{ do = "restart", when = "queue > 15", down_for = "5s" }', 1),
        ('{ do = "throttle", when = "oldest > 1s", rate = "2/s", release = [{ after = "2m", rate = "5/s" }] }', 1),
    ],
    ids=["", "restart", "throttle"],
)
def test_a_run_of_jobs_is_the_same_on_either_engine(
    queue: str, client: str, actions: str, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = ', limit = "3s"' if queue == "bounded" else ""
    text = f'policy = {{ queue = {{ name = "{queue}"{limit} }}, client = {{ name = "{client}" }} }}\n'
    variant = parse(f"{text}operator = [{actions}]\n{CALLS}").first
    assert len(on_either_engine(variant, monkeypatch).actions) >= many


@pytest.mark.nojit
def test_more_jobs_than_there_are_numbers_are_refused() -> None:
    """Eight a second come; the last numbers are given out while the run stands at 2 min."""
    scenario = parse(CALLS).first.scenario
    run = known.traffic_of(scenario).start(scenario, 1, 0, 0, 0)
    assert isinstance(run, LaneRun)
    run.advance(120 * S)
    run.host.whole[requests.JOB] = MAX_CLIENTS - 100
    with pytest.raises(HostError, match="more than 134217728 jobs arrived at one host"):
        run.advance(240 * S)


# Each of them is set off, so often at least: all leases are lost in the outage, and then many wait.
CONDITIONS = (
    ("", 0),
    ('{ do = "restart", when = "leased < 60%", for = "20s", down_for = "5s", again_after = "2m" }', 2),
    ('{ do = "throttle", when = "oldest > 3s", rate = "2/s", release = [{ after = "2m", rate = "5/s" }] }', 1),
    (
        (
            '{ do = "pause", when = "queue > 5", lasts = "1m", again_after = "5m" },'
            '{ do = "restart", when = "queue > 15", waves = 2, every = "35s", zone = 1 }'
        ),
        2,
    ),
)


@pytest.mark.parametrize("queue", ["fifo", "lifo", "bounded", "drop-expired"])
@pytest.mark.parametrize("client", ["fixed", "full-jitter"])
@pytest.mark.parametrize(("actions", "many"), CONDITIONS, ids=["", "restart", "throttle", "two"])
def test_a_run_is_the_same_on_either_engine(
    queue: str, client: str, actions: str, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where operators act on conditions, whatever is set off, and on any number of threads."""
    limit = ', limit = "5s"' if queue == "bounded" else ""
    text = f'policy = {{ queue = {{ name = "{queue}"{limit} }}, client = {{ name = "{client}" }} }}\n'
    variant = parse(f"{text}operator = [{actions}]\n{HERD}").first
    assert len(on_either_engine(variant, monkeypatch).actions) >= many


def test_many_who_come_at_one_moment_take_no_square_of_their_number() -> None:
    """All give up, and come again together, three times. Sixteen times as many take sixteen times as long and a little
    more; it was 200 times, as each was put among those of the same moment one by one.
    """

    def took(many: int) -> float:
        own = params(
            establish=constant(2.0**51), timeout=constant(10 * G), window_ns=10_000 * G, check_every_ns=20_000 * G,
            client=policies.Client(policies.EXPONENTIAL, constant(0), 500.0 * G, 2.0, 9000.0 * G, -1, 1),
        )  # fmt: skip
        run = new_lanes(Case(own, 10_000 * G, first_ns=(0,) * many, expires_ns=(0,) * many), span_ns=10_000 * G)
        begun = time.process_time()
        run.advance(10_000 * G)
        took_s = time.process_time() - begun
        assert run.host.series[0, requests.TIMED_OUT] >= 4 * many
        return took_s

    took(8)  # compiles
    assert took(64_000) < 70 * min(took(4_000) for _ in range(3))


def test_a_stop_beyond_the_last_window_is_refused() -> None:
    scenario = parse(HERD).first.scenario
    run = known.traffic_of(scenario).start(scenario, 1, 0, 0, 60)
    with pytest.raises(ValueError, match="want no more than 180 windows"):
        run.advance(1_800_000_000_001)
