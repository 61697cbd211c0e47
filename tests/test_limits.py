"""Limits by the size of the queue on the admission of hosts: the switch and the ramp (MODEL.md, section 3).

Oracles: a table that was worked out by hand; the geometric law of how many attempts one step of a ramp takes; and the
twins, which `test_twin.py` and `test_sessions_twin.py` ask about any mix of all rules.
"""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from kernel_cases import Case, S, constant, exponential, log_of, new_host, params
from recovery_kernels import limits, policies, requests

from recovery.errors import ScenarioError
from recovery.reading.experiment import parse
from recovery.simulate.estimate import estimate
from recovery.simulate.explain import explanation
from recovery.stages import host as hosts
from recovery.stages import queueing

SMALL_FLEET = """
horizon = "1h"
fleet = { holders = 100, hosts = 1 }
host = { establish_time = "10ms", timeout = "60s" }
lease = { duration = "10m", check_every = "3m" }
dependency.outages = [{ from = "10m", to = "40m" }]
"""
NEVER_AGAIN = policies.Client(policies.FIXED, constant(10**6 * S), 0.0, 2.0, 0.0, -1, 10**6)
SWITCH = policies.Admission(limits.SWITCH, 0.0, 1.0, 3.0, 0, 1.0)


def seen(case: Case) -> dict[int, str]:
    """What became of the submission of each second: in or refused."""
    run = new_host(case, log_lines=64)
    run.advance(case.until_ns)
    kinds = {requests.LOG_SUBMIT: "in", requests.LOG_REJECT: "refused"}
    return {t // S: kinds[kind] for t, kind, _, _ in log_of(run) if kind in kinds}


def arrivals(until_s: int, **changes: Any) -> Case:
    """A holder comes each second from 1 s on, once; the one worker takes 10 s for each."""
    defaults = {
        "establish": constant(10 * S),
        "timeout": constant(10**4 * S),
        "check_every_ns": 10**6 * S,
        "client": NEVER_AGAIN,
    }
    times = tuple(t * S for t in range(1, until_s))
    return Case(
        params(**{**defaults, **changes}), until_ns=until_s * S, first_ns=times, expires_ns=(0,) * len(times), seed=5
    )


@pytest.mark.nojit
def test_a_switch_closes_at_its_limit_and_opens_at_low() -> None:
    """By hand. 1 s: the worker is free. 2, 3, 4 s: the 0, 1, 2 that wait are fewer than 3. From 5 s on 3 wait: closed.
    At 11 s the first is done and 2 wait, which is more than 1: still closed. At 21 s 1 waits: open, so 21 and 22 s make
    it 3 again. At 31 s 2 wait: closed; at 41 s 1 waits: 41 and 42 s are let in.
    """
    found = seen(arrivals(50, admission=SWITCH))
    assert [t for t, what in found.items() if what == "in"] == [1, 2, 3, 4, 21, 22, 41, 42]
    assert len(found) == 49


@pytest.mark.nojit
def test_a_restart_opens_a_switch() -> None:
    """By hand: closed since 5 s; all is lost at 8 s, and the host takes nothing until 10 s, when its queue is empty."""
    case = arrivals(14, admission=SWITCH)
    restarted = Case(
        case.params, case.until_ns, case.seed, first_ns=case.first_ns, expires_ns=case.expires_ns,
        controls=((8 * S, requests.RESTART, 2 * S, 0.0, 0.0),),
    )  # fmt: skip
    assert [t for t, what in seen(restarted).items() if what == "in"] == [1, 2, 3, 4, 10, 11, 12, 13]


@pytest.mark.nojit
def test_a_switch_for_establishes_lets_in_whom_has_a_lease() -> None:
    """By hand: 2 of 3 wait where the lease of the holder of 6 s still runs, and those without come after it."""
    case = arrivals(9, admission=SWITCH._replace(establish_only=1))
    leased = tuple(100 * S if t == 6 * S else 0 for t in case.first_ns)
    found = seen(Case(case.params, case.until_ns, case.seed, first_ns=case.first_ns, expires_ns=leased))
    assert [t for t, what in found.items() if what == "in"] == [1, 2, 3, 4, 6]


def test_a_step_of_a_ramp_takes_as_many_attempts_as_its_chance_says() -> None:
    """Nobody is served within the run. With 1 waiting all are let in; from q on an attempt is with (4 - q)/3, so that
    the mean number of attempts is 3/2 from 2 to 3 and 3 from 3 to 4 (the geometric law, variance (1 - p)/p²); with 4
    nobody is let in any more.
    """
    hosts, taken = 300, {2: [], 3: []}
    ramp = policies.Admission(limits.RAMP, 0.0, 1.0, 4.0, 0, 1.0)
    case = arrivals(40, admission=ramp, establish=constant(10**3 * S))
    for host in range(hosts):
        one = Case(case.params, case.until_ns, 6, host=host, first_ns=case.first_ns, expires_ns=case.expires_ns)
        let_in = [t for t, what in seen(one).items() if what == "in"]
        assert let_in[:3] == [1, 2, 3]
        assert len(let_in) <= 5
        for queue, (before, after) in enumerate(itertools.pairwise(let_in[2:]), 2):
            taken[queue].append(after - before)
    for queue, chance in ((2, 2 / 3), (3, 1 / 3)):
        error = math.sqrt((1 - chance) / chance**2 / len(taken[queue]))
        assert len(taken[queue]) > hosts - 3
        assert abs(sum(taken[queue]) / len(taken[queue]) - 1 / chance) < 4 * error


BASE = """
horizon = "20m"
hold = "1m"
fleet = {{ holders = 90, hosts = 3 }}
host = {{ establish_time = "500ms", timeout = "1m", workers = 2 }}
lease = {{ duration = "10m", check_every = "1m" }}
policy.admission = {{ {admission} }}
"""


def test_a_time_is_what_a_host_works_off_in_it() -> None:
    """By hand: two workers make 4 a second, so 15 s are 60 requests; whole numbers are requests as they are."""
    for text, wanted in (
        ('name = "queue-size-switch", limit = "15s", low = "5s"', (limits.SWITCH, 60, 20, 0)),
        ('name = "queue-size-ramp", limit = 12, low = 0, only = "establish"', (limits.RAMP, 12, 0, 1)),
    ):
        scenario = parse(BASE.format(admission=text)).first.scenario
        found = queueing.params(scenario, queueing.MeasuredValues()).admission
        assert (found.kind, found.limit, found.low, found.establish_only) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('name = "queue-size-switch", limit = 5, low = 5', "want low below limit"),
        ('name = "queue-size-ramp", limit = "10s"', "want low below limit"),
        ('name = "queue-size-ramp", limit = 5', "want limit and low both in requests, or both as times"),
        ('name = "queue-size-ramp", limit = 0', "want a whole number of requests a host from 1"),
        ('name = "queue-size-switch", rate = "90%"', "policy.admission.rate is not a key"),
        ('name = "queue-size-swich"', "did you mean queue-size-switch?"),
    ],
)
def test_what_makes_no_sense_is_told(text: str, wanted: str) -> None:
    with pytest.raises(ScenarioError) as told:
        parse(BASE.format(admission=text))
    assert wanted in str(told.value)


def test_a_switch_between_jobs_and_the_ramp_keep_every_request_in_the_books() -> None:
    """Conservation: what was submitted was refused, let in and answered, given up, or is there."""
    for kind in (limits.SWITCH, limits.RAMP):
        admission = policies.Admission(kind, 0.0, 1.0, 8.0, 0, 3.0)
        case = Case(
            params(
                traffic=requests.JOBS, workers=2, timeout=exponential(20 * S), admission=admission,
                client=policies.Client(policies.FULL_JITTER, constant(0), 1e9, 2.0, 30e9, 3, 10**6),
            ),
            until_ns=1000 * S, arrivals_per_ns=(4 / S,),
        )  # fmt: skip
        run = new_host(case)
        run.advance(case.until_ns)
        flows = run.host.series.sum(axis=0)
        let_in = flows[requests.SUBMITTED] - flows[requests.REJECTED_ADMISSION]
        served = flows[requests.SUCCEEDED] + flows[requests.WASTED] + flows[requests.FAILED]
        assert let_in == served + run.host.whole[requests.WAITING] + run.host.whole[requests.BUSY]
        assert flows[requests.REJECTED_ADMISSION] > 100
        assert run.host.series[:, requests.QUEUE_MAX].max() <= 8


@pytest.mark.parametrize(
    ("change", "r2"),
    [
        ('queue = { name = "bounded", limit = "30s" }', 0.5),
        ('admission = { name = "queue-size-switch", limit = "30s", low = "10s" }', 0.5),
        ('admission = { name = "queue-size-ramp", limit = "30s", low = "10s" }', 0.5),
        ('admission = { name = "queue-size-ramp", limit = "30s", low = "10s", only = "establish" }', float("inf")),
        ('queue = { name = "bounded", limit = "15s" }\nadmission = { name = "queue-size-ramp" }', 0.25),
    ],
)
def test_what_bounds_the_queue_bounds_r2(change: str, r2: float) -> None:
    """r2 is the longest queue in timeouts (of 60 s), whatever keeps it so short."""
    scenario = parse(SMALL_FLEET + "[policy]\n" + change).first.scenario
    [row] = [row for row in explanation(scenario) if row.name == "r2"]
    assert row.value == pytest.approx(r2)


@pytest.mark.parametrize("law", ["queue-size-switch", "queue-size-ramp"])
def test_two_times_that_are_one_number_of_requests_leave_low_below_limit(law: str) -> None:
    """A host that takes 2 minutes for one: of the default times both come to one request."""
    text = SMALL_FLEET.replace("10ms", "2m").replace("60s", "1h") + f'policy.admission = "{law}"\n'
    admission = queueing.params(parse(text).first.scenario, queueing.MeasuredValues()).admission
    assert (admission.low, admission.limit) == (0.0, 1.0)


def test_a_closed_admission_bounds_the_memory() -> None:
    text = SMALL_FLEET.replace("holders = 100", "holders = 1_000_000").replace("1h", "40h")
    open_, closed = (parse(text + f"[policy]\nadmission = {law}").first for law in ('"open"', '"queue-size-switch"'))
    assert estimate(closed.scenario, 1).host_bytes < estimate(open_.scenario, 1).host_bytes / 5


@pytest.mark.parametrize("kind", range(limits.RAMP + 1))
def test_a_bucket_that_python_fills_is_the_one_of_the_kernels(kind: int) -> None:
    """Oracle: `limits.begin`, by which a kernel begins a limit after a restart."""
    limit = limits.Limit(kind, 3e-8, 7.0, 20.0, 5.0)
    whole, real = np.full(2, 9, np.int64), np.full(3, 9.0)
    limits.begin(limit, whole, real, 0)
    assert hosts.full_bucket(limit).tolist() == real.tolist()
    assert whole.tolist() == [0, 0]  # what an array of zeros says
