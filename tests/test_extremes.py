"""Times beyond every horizon: nothing overflows, no share leaves 0 to 1, and work adds up to busy time.

Oracles: conservation laws (exact) and the plain Python twin, whose whole numbers have no bounds (exact).
"""

import dataclasses
from pathlib import Path

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
    cases,
    constant,
    difference,
    new_host,
    new_lanes,
    params,
    run,
    twin_outcome,
)
from recovery_kernels import draws, policies, requests
from recovery_kernels.draws import Dist

from recovery import units
from recovery.reading.experiment import load
from recovery.simulate import chain, pipeline

pytestmark = pytest.mark.filterwarnings(OVERFLOW)
INPUTS = Path(__file__).resolve().parent / "faults" / "inputs"
WORK = (requests.USEFUL_NS, requests.WASTED_NS, requests.FAILED_NS, requests.OVERHEAD_NS)
HUGE = [
    constant(3e18),
    constant(1e300),
    Dist(draws.LOGNORMAL, 40.0, 6.0, 0, 0),
    Dist(draws.PARETO, 1e6, 0.05, 0, 0),
    Dist(draws.WEIBULL, 1e6, 0.05, 0, 0),
    Dist(draws.UNIFORM, 0.0, 6e18, 0, 0),
]


@st.composite
def extreme_cases(draw: st.DrawFn, queue: int) -> Case:
    """A case some of whose times are beyond all bounds."""
    case = draw(cases(queue))
    p = case.params

    def sometimes(dist: Dist) -> Dist:
        return draw(st.one_of(st.just(dist), st.sampled_from(HUGE)))

    def far(time_ns: int) -> int:
        return draw(st.sampled_from([time_ns, draws.FAR_NS]))

    p = p._replace(
        timeout=sometimes(p.timeout),
        establish=sometimes(p.establish),
        renew=sometimes(p.renew),
        fail_after_ns=far(p.fail_after_ns),
        reject_cost_ns=far(p.reject_cost_ns),
        drop_cost_ns=far(p.drop_cost_ns),
        slowdown_a=draw(st.sampled_from([p.slowdown_a, 1e12])),
        slowdown_b=draw(st.sampled_from([p.slowdown_b, 5.0, 1e3])),
        slowdown_n=draw(st.sampled_from([p.slowdown_n, 1e-9])),
        check_every_ns=far(p.check_every_ns),
        client=p.client._replace(
            delay=sometimes(p.client.delay), cap_ns=draw(st.sampled_from([p.client.cap_ns, 1e300]))
        ),
        lease=p.lease._replace(duration=sometimes(p.lease.duration), grace_ns=far(p.lease.grace_ns)),
    )
    return dataclasses.replace(case, params=p)


def check(case: Case) -> None:
    assert difference(run(case), twin_outcome(case)) == ""
    whole = dataclasses.replace(case, until_ns=case.windows * case.params.window_ns)  # to the end of its last window
    host = new_host(whole)
    host.advance(whole.until_ns)
    host.close()
    series = host.host.series[: whole.windows]
    assert (series >= 0).all()
    work = sum(int(series[:, column].sum()) for column in WORK)
    busy, idle, down = (
        int(series[:, c].sum()) for c in (requests.BUSY_SUM_NS, requests.IDLE_SUM_NS, requests.DOWN_SUM_NS)
    )
    assert work == busy
    assert busy + idle + down == case.params.workers * whole.until_ns


@pytest.mark.parametrize("queue", QUEUES)
@given(data=st.data())
@settings(LOTS, max_examples=60)
def test_times_beyond_all_bounds(queue: int, data: st.DataObject) -> None:
    check(data.draw(extreme_cases(queue)))


@pytest.mark.nojit
@pytest.mark.boundscheck
@pytest.mark.parametrize("queue", QUEUES)
@given(data=st.data())
@settings(LOTS, max_examples=5)
def test_times_beyond_all_bounds_in_a_few_cases(queue: int, data: st.DataObject) -> None:
    check(data.draw(extreme_cases(queue)))


@pytest.mark.parametrize(("patience", "useful", "wasted"), [(10, 0, 100), (1000, 100, 0)])
def test_a_service_that_never_ends_is_work(patience: int, useful: int, wasted: int) -> None:
    """One worker, one client, a service beyond the horizon: what is done is for nobody once the client gave up."""
    case = Case(
        params(establish=constant(3e18), timeout=constant(patience * G), window_ns=10 * G),
        until_ns=100 * G,
        first_ns=(0,),
        expires_ns=(0,),
    )
    host = new_host(case)
    host.advance(case.until_ns)
    host.close()
    assert host.host.series[:, requests.USEFUL_NS].sum() == useful * G
    assert host.host.series[:, requests.WASTED_NS].sum() == wasted * G


def test_time_without_leases_of_a_large_host() -> None:
    """Sixty holders wait for nine years each: more than 64 bits hold. The last check of each is at the end."""
    year = 365 * 86_400 * 10**9
    case = Case(
        params(
            establish=constant(0),
            check_every_ns=year // 4,
            window_ns=year,
            client=policies.Client(policies.FIXED, constant(year // 2), 0.0, 2.0, 0.0, -1, 1),
            lease=policies.Lease(policies.LEASE_FIXED, constant(year), 0, policies.RESUME, 1.0),
        ),
        until_ns=10 * year,
        first_ns=tuple(range(60)),
        expires_ns=(0,) * 60,
        controls=((0, requests.DEPENDENCY, 0, 1.0, 0.0), (9 * year, requests.DEPENDENCY, 0, 0.0, 0.0)),
    )
    found = run(case)
    assert difference(found, twin_outcome(case)) == ""
    assert 60 * 9 * year <= found["unleased_ns"] <= 60 * (9 * year + year)
    assert found["unleased_ns"] > 2**63


@pytest.mark.parametrize("days", [1, 208, 209, 3000])
def test_times_in_the_system_of_years_are_counted(days: int) -> None:
    """One client whose service takes so long, on a horizon of ten years: its time in the system has a part of its own,
    which is told by its least time.
    """
    year = 365 * 86_400 * 10**9
    service = days * 86_400 * 10**9
    case = Case(
        params(
            establish=constant(float(service)), renew=constant(float(service)), timeout=constant(2.0 * service),
            check_every_ns=20 * year, window_ns=year,
            lease=policies.Lease(policies.LEASE_FIXED, constant(year), 0, policies.RESUME, 1.0),
        ),
        until_ns=10 * year,
        first_ns=(0,),
        expires_ns=(0,),
    )  # fmt: skip
    for host in (new_host(case), new_lanes(case, span_ns=year)):
        host.advance(case.until_ns)
        [part] = np.flatnonzero(host.sojourn)
        least, next_least = requests.part_start_ns(np.array([part, part + 1]))
        assert least <= service < next_least


@pytest.mark.nojit
def test_what_is_cut_off() -> None:
    """One bound in both halves of the code; what is no number is cut off too, and nothing else is changed."""
    assert units.FAR_NS == draws.FAR_NS
    assert units.ns(units.HORIZON_MAX_S) < requests.FROZEN_BASE - draws.FAR_NS
    assert units.ns(units.LONGEST_S) == draws.FAR_NS
    for time, wanted in (
        (0.0, 0),
        (1.4, 1),
        (1.5, 2),
        (2.0**60, 2**60),
        (1e300, 2**60),
        (np.inf, 2**60),
        (np.nan, 2**60),
    ):
        assert int(draws.whole_ns(time)) == wanted
    assert draws.slowed(0.0, 1e300, 1e3, 1e-300, 10) == 0.0


@pytest.mark.parametrize("name", ["slowdown-overflow.toml", "draw-overflow.toml"])
def test_shares_of_runs_that_never_end(name: str) -> None:
    """The inputs of two faults: every share is one, no work or time is below 0, and work adds up to busy time."""
    variants = load(INPUTS / name).variants
    with pipeline.Runner(1) as runner:
        for outcome in runner.run([(variant, 1, 0) for variant in variants]):
            row = chain.follow(outcome).measure()
            assert all(0 <= value <= 1 for key, value in row.items() if key.endswith("_share")), row
            assert all((values >= 0).all() for values in outcome.series.values())
            work = sum(
                int(outcome.series[f"{kind}_work_ns"].sum()) for kind in ("useful", "wasted", "failed", "overhead")
            )
            assert work == int(outcome.series["busy_ns"].sum())
