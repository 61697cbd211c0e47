"""Nothing is lost and nothing counted twice, at every edge of a window.

Oracle: conservation (exact). What flowed in since the start is what flowed out and what is there; the clients, queue
and workers in the arrays are what the series says.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import LOTS, OVERFLOW, QUEUES, Case, S, cases, constant, exponential, new_host, params
from recovery_kernels import events, limits, policies, requests
from recovery_kernels.requests import HOLDERS, JOBS

from recovery.stages.host import HostRun

pytestmark = pytest.mark.filterwarnings(OVERFLOW)


def check_edge(run: HostRun, window: int) -> None:
    """Every law at the end of `window`, where the host stands."""
    host = run.host
    flows = host.series[: window + 1].sum(axis=0)
    level = host.series[window]
    edge = (window + 1) * run.params.window_ns
    assert host.whole[requests.NOW] == edge

    # Every request is in one place.
    rejected = sum(
        flows[column]
        for column in (
            requests.REJECTED_GATE,
            requests.REJECTED_ADMISSION,
            requests.REJECTED_FULL,
            requests.REJECTED_DOWN,
        )
    )
    finished = flows[requests.SUCCEEDED] + flows[requests.WASTED] + flows[requests.FAILED]
    left = rejected + flows[requests.DROPPED] + flows[requests.LOST] + flows[requests.CANCELLED] + finished
    assert flows[requests.SUBMITTED] == left + level[requests.QUEUE] + level[requests.IN_SERVICE]
    assert host.histogram.sum() == finished

    # Every nanosecond of every worker is in one place.
    time = flows[requests.BUSY_SUM_NS] + flows[requests.IDLE_SUM_NS] + flows[requests.DOWN_SUM_NS]
    assert time == run.params.workers * edge
    is_busy = host.finish != events.NEVER
    assert is_busy.sum() == level[requests.IN_SERVICE] <= run.params.workers
    in_progress = (edge - host.workers[is_busy, requests.STARTED_AT]).sum()
    done = sum(
        flows[column] for column in (requests.USEFUL_NS, requests.WASTED_NS, requests.FAILED_NS, requests.OVERHEAD_NS)
    )
    assert flows[requests.BUSY_SUM_NS] == done + in_progress

    # Every client is in one state, and has one attempt under way or none.
    state = host.clients[:, events.STATE]
    is_there = state != events.FREE
    assert level[requests.SLEEPING_END] == (state == events.SLEEPING).sum()
    current = np.isin(state, (events.QUEUED, events.SERVED, events.FORGOTTEN)).sum()
    if run.params.cancel:
        assert level[requests.QUEUE] + level[requests.IN_SERVICE] <= current
    answered = rejected + flows[requests.SUCCEEDED] + flows[requests.TIMED_OUT]
    assert answered + current <= flows[requests.SUBMITTED]  # failures and drops that somebody learned of are the rest
    assert (host.clients[is_there, events.DUE] >= edge).all()

    if run.params.traffic == JOBS:
        assert flows[requests.ARRIVED] == host.whole[requests.JOB]
        assert host.whole[requests.JOBS_DONE] == flows[requests.SUCCEEDED] == host.latency.sum()
        assert flows[requests.ARRIVED] == flows[requests.SUCCEEDED] + flows[requests.GAVE_UP] + is_there.sum()
    else:
        assert is_there.all()
        assert flows[requests.SUBMITTED] == (host.clients[:, events.ATTEMPT] + 1).sum()
        assert level[requests.LEASED_END] == (host.clients[:, events.EXPIRES] > edge).sum()
        assert flows[requests.ESTABLISHED] <= flows[requests.SUCCEEDED]

    assert level[requests.QUEUE] >= 0
    assert 0 <= level[requests.OLDEST_NS] <= edge
    assert (level[requests.OLDEST_NS] == 0) or level[requests.QUEUE] > 0
    assert (flows >= 0).all()


def check_life(case: Case) -> HostRun:
    run = new_host(case)
    for window in range(case.until_ns // case.params.window_ns):
        run.advance((window + 1) * case.params.window_ns)
        check_edge(run, window)
    return run


@pytest.mark.parametrize("queue", QUEUES)
@given(data=st.data())
@settings(LOTS, max_examples=100)
def test_laws_hold_in_any_case(queue: int, data: st.DataObject) -> None:
    check_life(data.draw(cases(queue)))


@pytest.mark.nojit
@pytest.mark.boundscheck
@pytest.mark.parametrize("queue", QUEUES)
@given(data=st.data())
@settings(LOTS, max_examples=10)
def test_laws_hold_in_a_few_cases(queue: int, data: st.DataObject) -> None:
    check_life(data.draw(cases(queue)))


# With the default, immediate retries, refusals of a host that is down alone would be 10^8.
FIXED = policies.Client(policies.FIXED, constant(2 * S), 0.0, 2.0, 0.0, -1, S // 1000)
FULL_JITTER = policies.Client(policies.FULL_JITTER, constant(0), 1.0 * S, 2.0, 60.0 * S, -1, S // 1000)
# Each storm is a host that lost all its leases, or the flood of jobs after an outage, under one mix of rules.
STORMS: dict[str, dict[str, Any]] = {
    "open": {},
    "cancel": {"cancel": 1, "workers": 3},
    "lifo": {"queue": policies.Queue(policies.LIFO, 0, 0, 0), "slowdown_a": 1.0, "slowdown_n": 500.0},
    "lifo-cancel": {"queue": policies.Queue(policies.LIFO, 0, 0, 0), "cancel": 1},
    "bounded": {
        "queue": policies.Queue(policies.BOUNDED, 100, 0, 0),
        "client": FULL_JITTER,
        "reject_cost_ns": S // 500,
    },
    "drop": {
        "queue": policies.Queue(policies.DROP_EXPIRED, 0, 20 * S, S),
        "drop_cost_ns": S // 1000,
        "drop_notifies": 1,
        "client": FULL_JITTER,
    },
    "bucket": {
        "admission": policies.Admission(limits.TOKEN_BUCKET, 30.0 / S, 50.0, 1.0, 0),
        "client": FULL_JITTER,
        "lease": policies.Lease(policies.FREEZE, exponential(300 * S), 0, policies.RESUME, 0.5),
    },
    "queue-size": {
        "admission": policies.Admission(limits.LINEAR, 60.0 / S, 10.0, 200.0, 1),
        "client": FULL_JITTER,
        "timeout": exponential(30 * S),
        "lease": policies.Lease(policies.CREDIT_ON_ARRIVAL, constant(180 * S), 0, 0, 1.0),
    },
}
CONTROLS = (
    (100 * S, requests.DEPENDENCY, 0, 1.0, 0.0),
    (300 * S, requests.RESTART, 20 * S, 0.0, 0.0),
    (310 * S, requests.RESTART, 30 * S, 0.0, 0.0),
    (400 * S, requests.DEPENDENCY, 0, 0.3, 0.0),
    (500 * S, requests.DEPENDENCY, 0, 0.0, 0.0),
    (550 * S, requests.GATE, 1, 20.0 / S, 5.0),
    (700 * S, requests.GATE, 0, -1.0, 0.0),
)


@pytest.mark.parametrize("traffic", [HOLDERS, JOBS], ids=["holders", "jobs"])
@pytest.mark.parametrize("name", STORMS)
def test_laws_hold_in_a_storm(name: str, traffic: int) -> None:
    service = {"establish": exponential(S / 25), "renew": exponential(S / 50)}
    holders = np.sort(np.random.default_rng(1).integers(0, 60 * S, 1500))
    case = Case(
        params(
            **{
                "traffic": traffic,
                "check_jitter": 0.1,
                "fail_after_ns": S // 10,
                "client": FIXED,
                **service,
                **STORMS[name],
            }
        ),
        until_ns=1000 * S,
        first_ns=tuple(holders.tolist()) if traffic == HOLDERS else (),
        expires_ns=tuple((holders + 120 * S).tolist()) if traffic == HOLDERS else (),
        controls=CONTROLS,
        arrivals_ns=(0, 200 * S, 600 * S),
        arrivals_per_ns=(20.0 / S, 40.0 / S, 5.0 / S),
    )
    run = check_life(case)
    assert run.host.series[:, requests.SUCCEEDED].sum() > 1000
    assert run.host.series[:, requests.FAILED].sum() > 100
    assert run.host.series[:, requests.TIMED_OUT].sum() > 0
