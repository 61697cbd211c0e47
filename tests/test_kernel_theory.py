"""A host, run long enough, does what queueing theory says.

Oracle: the closed forms of `recovery.theory` (each with its source there), within the interval that the estimator has
by itself: Student's t over independent replications, at 99.9 %. Seeds are fixed, so a test passes or fails for good. An
interval wider than `TIGHT` of the value would prove nothing, and fails too.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from kernel_cases import Case, S, constant, difference, empirical, exponential, new_host, new_lanes, params, told
from recovery_kernels import draws, policies, requests
from recovery_kernels.draws import Dist
from recovery_kernels.lanes.rules import carries
from scipy import stats

from recovery import theory

CONFIDENCE = 0.999
TIGHT = 0.07
REPLICATIONS = 24
JOBS = 40_000
WARM_UP = 2_000
PATIENT = constant(10**7 * S)
NO_RETRY = policies.Client(policies.IMMEDIATE, constant(0), 0.0, 2.0, 0.0, 0, 1)

Measures = dict[str, float]


def bounded(limit: int) -> policies.Queue:
    return policies.Queue(policies.BOUNDED, limit, 0, 0)


def first_of(log: np.ndarray, kind: int, jobs: int) -> np.ndarray:
    """When each job has its first line of this kind, s; NaN if never."""
    lines = log[log[:, 1] == kind]
    at = np.full(jobs, np.nan)
    at[lines[::-1, 2]] = lines[::-1, 0] / S
    return at


def measure(replication: int, arrival_per_s: float, seed: int = 5, **rules: Any) -> Measures:
    """Means over the jobs of one replication that arrive after the host has warmed up; each is followed to its end."""
    arrivals_end = int((JOBS + WARM_UP) / arrival_per_s * S)
    case = Case(
        params(traffic=requests.JOBS, window_ns=arrivals_end, **{"timeout": PATIENT, **rules}),
        until_ns=10 * arrivals_end,
        seed=seed,
        replication=replication,
        arrivals_ns=(0, arrivals_end),
        arrivals_per_ns=(arrival_per_s / S, 0.0),
        table=TABLE,
    )
    run = new_host(case, clients=1000, span_ns=100 * S, log_lines=10 * (JOBS + WARM_UP))
    run.advance(case.until_ns)
    if carries(case.params, case.until_ns):  # what holds there holds on lanes
        on_lanes = new_lanes(case)
        on_lanes.advance(case.until_ns)
        assert difference(told(on_lanes, case), told(run, case)) == ""
    host = run.host
    jobs = int(host.whole[requests.JOB])
    log = host.log[: host.whole[requests.LOG]]
    arrived = first_of(log, requests.LOG_ARRIVE, jobs)
    started = first_of(log, requests.LOG_START, jobs)
    succeeded = first_of(log, requests.LOG_SUCCESS, jobs)
    gave_up = first_of(log, requests.LOG_GIVE_UP, jobs)
    attempts = np.bincount(log[log[:, 1] == requests.LOG_SUBMIT, 2], minlength=jobs)
    left = np.where(np.isnan(succeeded), gave_up, succeeded)
    assert not np.isnan(left).any()
    is_admitted = np.ones(jobs, bool)
    is_admitted[log[log[:, 1] == requests.LOG_REJECT, 2]] = rules.get("client", NO_RETRY).retries != 0
    is_counted = arrived * arrival_per_s > WARM_UP
    of = is_counted & is_admitted
    wait = np.where(np.isnan(started), left, started) - arrived
    busy = np.clip(np.where(np.isnan(started), 0.0, left - started), 0.0, None)
    span_s = arrivals_end / S - WARM_UP / arrival_per_s
    return {
        "wait_s": wait[of].mean(),
        "sojourn_s": (left - arrived)[of].mean(),
        "wait_share": (wait[of] > 0).mean(),
        "served_share": (~np.isnan(succeeded))[is_counted].mean(),
        "lost_share": 1.0 - is_admitted[is_counted].mean(),
        "abandon_share": (np.isnan(succeeded) & is_admitted)[is_counted].mean(),
        "attempts_per_arrival": attempts[is_counted].mean(),
        # Little's law over the counted jobs: time that they spent, over the time in which they came.
        "busy_share": busy[of].sum() / span_s / rules.get("workers", 1),
        "in_system": (left - arrived)[of].sum() / span_s,
    }


def agrees(found: Sequence[float], wanted: float, name: str = "", tight: float = TIGHT) -> None:
    """Student's t interval around the mean of independent replications holds the value."""
    half = stats.t.isf((1.0 - CONFIDENCE) / 2.0, len(found) - 1) * np.std(found, ddof=1) / math.sqrt(len(found))
    assert half < tight * max(wanted, 0.1), f"{name}: the interval is too wide to prove anything"
    assert abs(np.mean(found) - wanted) <= half, f"{name}: {np.mean(found):.5g} ± {half:.2g} for {wanted:.5g}"


def check(wanted: theory.Queue, names: str, arrival_per_s: float, **rules: Any) -> None:
    found = [measure(replication, arrival_per_s, **rules) for replication in range(REPLICATIONS)]
    for name in names.split():
        agrees([one[name] for one in found], getattr(wanted, name), name)


TABLE = tuple(float(x) for x in np.array([0.1, 0.1, 0.4, 0.6, 0.8, 1.0, 4.0]) * S)
USUAL = "wait_s sojourn_s wait_share in_system busy_share"


def test_mm1() -> None:
    check(theory.mm1(0.6, 1.0), USUAL, 0.6, establish=exponential(S))


@pytest.mark.parametrize("workers", [2, 7])
def test_mmc(workers: int) -> None:
    rate = 0.75 * workers
    check(theory.mmc(rate, 1.0, workers), USUAL, rate, establish=exponential(S), workers=workers)


def test_mean_wait_does_not_depend_on_the_order() -> None:
    lifo = policies.Queue(policies.LIFO, 0, 0, 0)
    check(theory.mmc(1.3, 1.0, 2), USUAL, 1.3, establish=exponential(S), workers=2, queue=lifo)


SERVICES: dict[str, Callable[[], tuple[Dist, float, float]]] = {
    # distribution, its mean in seconds, its coefficient of variation
    "constant": lambda: (constant(S), 1.0, 0.0),
    "uniform": lambda: (Dist(draws.UNIFORM, 0.0, 2.0 * S, 0, 0), 1.0, 1.0 / math.sqrt(3.0)),
    "lognormal": lambda: (Dist(draws.LOGNORMAL, math.log(S) - 0.32, 0.8, 0, 0), 1.0, math.sqrt(math.expm1(0.64))),
    "weibull": lambda: (
        Dist(draws.WEIBULL, S / math.gamma(1 + 1 / 1.5), 1.5, 0, 0),
        1.0,
        math.sqrt(math.gamma(1 + 2 / 1.5) / math.gamma(1 + 1 / 1.5) ** 2 - 1),
    ),
    "empirical": lambda: (
        empirical(0, len(TABLE)),
        float(np.mean(TABLE)) / S,
        float(np.std(TABLE) / np.mean(TABLE)),
    ),
}


@pytest.mark.parametrize("name", SERVICES)
def test_mg1(name: str) -> None:
    service, mean_s, cv = SERVICES[name]()
    check(theory.mg1(0.6, mean_s, cv), USUAL, 0.6, establish=service)


def test_slowdown_counts_those_that_wait_and_not_the_one_that_is_taken() -> None:
    # Where nobody may wait, the queue is empty whenever service starts, and there is no slowdown.
    check(
        theory.mmck(0.8, 1.0, 1, 1),
        "lost_share served_share busy_share",
        0.8,
        establish=exponential(S),
        queue=bounded(0),
        client=NO_RETRY,
        slowdown_a=5.0,
    )


@pytest.mark.parametrize("places", [1, 3, 10])
def test_mm1k(places: int) -> None:
    check(
        theory.mm1k(0.9, 1.0, places),
        "wait_s sojourn_s lost_share served_share in_system busy_share",
        0.9,
        establish=exponential(S),
        queue=bounded(places - 1),
        client=NO_RETRY,
    )


@pytest.mark.parametrize("service", ["lognormal", "constant"])
def test_erlang_b_does_not_depend_on_the_distribution_of_service(service: str) -> None:
    found = [
        measure(
            replication,
            4.0,
            establish=SERVICES[service]()[0],
            workers=5,
            queue=bounded(0),
            client=NO_RETRY,
        )["lost_share"]
        for replication in range(REPLICATIONS)
    ]
    agrees(found, theory.erlang_b(4.0, 5))


@pytest.mark.parametrize("load", [0.8, 1.3])
def test_erlang_a(load: float) -> None:
    check(
        theory.erlang_a(load * 3, 1.0, 3, 0.3, abandon_in_service=True),
        "wait_s sojourn_s served_share abandon_share in_system busy_share",
        load * 3,
        establish=exponential(S),
        workers=3,
        timeout=exponential(S / 0.3),
        cancel=1,
        client=NO_RETRY,
    )


def test_constant_patience_without_cancel_serves_all_and_wastes_the_late() -> None:
    """M/M/1: who waits and is served longer than the timeout gets nothing, P(sojourn > t) = exp(-(mu - lambda) t)."""
    found = [
        measure(replication, 0.6, establish=exponential(S), timeout=constant(2 * S), client=NO_RETRY)
        for replication in range(REPLICATIONS)
    ]
    agrees([one["served_share"] for one in found], 1.0 - math.exp(-0.4 * 2.0))


def test_mm1_retrial() -> None:
    again = policies.Client(policies.FIXED, exponential(S / 0.5), 0.0, 2.0, 0.0, -1, 1)
    check(
        theory.mm1_retrial(0.5, 1.0, 0.5),
        "wait_s sojourn_s attempts_per_arrival in_system",
        0.5,
        establish=exponential(S),
        queue=bounded(0),
        client=again,
    )


def test_geometric_retries_where_the_dependency_fails() -> None:
    """Each attempt fails with probability p, so a job with at most r retries is served with probability 1 - p^(r+1)."""
    fails, retries = 0.4, 2
    client = policies.Client(policies.FIXED, constant(S), 0.0, 2.0, 0.0, retries, 0)
    found = []
    for replication in range(REPLICATIONS):
        case = Case(
            params(
                traffic=requests.JOBS,
                establish=constant(S),
                fail_after_ns=S,
                workers=50,
                timeout=PATIENT,
                client=client,
            ),
            until_ns=2000 * S,
            replication=replication,
            controls=((0, requests.DEPENDENCY, 0, fails, 0.0),),
            arrivals_ns=(0, 1900 * S),
            arrivals_per_ns=(3.0 / S, 0.0),
        )
        run = new_host(case, clients=100, span_ns=100 * S)
        run.advance(case.until_ns)
        flows = run.host.series.sum(axis=0)
        assert flows[requests.ARRIVED] == flows[requests.SUCCEEDED] + flows[requests.GAVE_UP]
        found.append(flows[requests.SUCCEEDED] / flows[requests.ARRIVED])
    agrees(found, 1.0 - fails ** (retries + 1))


@pytest.mark.parametrize("jitter", [0.0, 0.9])
@pytest.mark.parametrize("workers", [1, 3])
def test_holders_are_the_machine_repair_model(workers: int, jitter: float) -> None:
    """N holders sleep Z and queue for c workers: p(n) = p(n-1) (N-n+1) / Z / (min(n, c) mu), whatever Z's distribution.

    Source: the product form of Baskett, Chandy, Muntz and Palacios (J. ACM 22, 1975), a delay station and M/M/c.
    """
    holders, sleep_s = 20, 20.0 / workers
    p = [1.0]
    for n in range(1, holders + 1):
        p.append(p[-1] * (holders - n + 1) / sleep_s / min(n, workers))
    busy = sum(min(n, workers) * share for n, share in enumerate(p)) / sum(p)
    found = []
    for replication in range(REPLICATIONS):
        first = np.sort(np.random.default_rng(replication).integers(0, int(sleep_s * S), holders))
        case = Case(
            params(
                workers=workers,
                timeout=PATIENT,
                establish=exponential(S),
                renew=exponential(S),
                check_every_ns=int(sleep_s * S),
                check_jitter=jitter,
                window_ns=1000 * S,
            ),
            until_ns=20_000 * S,
            replication=replication,
            first_ns=tuple(first.tolist()),
            expires_ns=(0,) * holders,
        )
        run = new_host(case)
        run.advance(case.until_ns)
        found.append(run.host.series[1:20, requests.SUCCEEDED].mean() / 1000.0)
    agrees(found, busy)
