"""`recovery.theory` against textbooks, against limits in which one formula becomes another, and against chains that are
solved here without any formula."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Iterable
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped, unused-ignore]

from recovery import theory
from recovery.theory import Queue

LOADS = [0.05, 0.5, 0.9, 0.99]
EXACT = 1e-12  # relative: a few roundings
SOLVED = 1e-10  # relative: roundings of a few hundred steps of elimination
MEANS = ("busy_share", "wait_share", "wait_s", "sojourn_s", "queue_length", "in_system")


def near(expected: float | np.ndarray, relative: float = EXACT) -> object:
    return pytest.approx(expected, rel=relative, abs=1e-13)


def assert_same(
    one: Queue, other: Queue, relative: float = EXACT, names: Iterable[str] = Queue.__dataclass_fields__
) -> None:
    for name in names:
        assert getattr(one, name) == near(getattr(other, name), relative), name


# --- the oracle: a chain's balance equations, solved ------------------------------------------------------------------


def stationary(rate: np.ndarray) -> np.ndarray:
    """Shares of time of a chain's states from its matrix of rates (from row to column).

    Elimination without a subtraction (Grassmann, Taksar and Heyman, Operations Research 33, 1985): rare states are as
    precise as common ones.
    """
    rate = rate.copy()
    for last in range(len(rate) - 1, 0, -1):
        rate[:last, last] /= rate[last, :last].sum()
        rate[:last, :last] += np.outer(rate[:last, last], rate[last, :last])
    share = np.ones(len(rate))
    for state in range(1, len(rate)):
        share[state] = share[:state] @ rate[:state, state]
    solution: np.ndarray = share / share.sum()
    return solution


def line(up: Callable[[int], float], down: Callable[[int], float], top: int) -> np.ndarray:
    """Shares of time of a birth-death chain on 0..top."""
    rate = np.zeros((top + 1, top + 1))
    for n in range(top):
        rate[n, n + 1] = up(n)
        rate[n + 1, n] = down(n + 1)
    return stationary(rate)


# --- Erlang's formulas ------------------------------------------------------------------------------------------------


# The published Erlang B tables: offered load, in erlangs, at which that many lines lose that share of the calls (for
# instance R. L. Freeman, Telecommunication System Engineering; ITU-D Teletraffic Engineering Handbook).
@pytest.mark.parametrize(
    ("workers", "lost_share", "offered"),
    [(1, 0.01, 0.0101), (5, 0.01, 1.36), (10, 0.01, 4.46), (20, 0.01, 12.0), (50, 0.01, 37.9), (100, 0.01, 84.1)],
)
def test_erlang_b_is_the_published_table(workers: int, lost_share: float, offered: float) -> None:
    half_a_digit = 0.5 * 10.0 ** (math.floor(math.log10(offered)) - 2)
    assert theory.erlang_b(offered - half_a_digit, workers) < lost_share
    assert theory.erlang_b(offered + half_a_digit, workers) > lost_share


def test_erlang_b_is_erlangs_fraction_for_hundreds_of_workers() -> None:
    for workers, offered in [(0, 3), (1, 1), (2, 2), (7, 30), (300, 280), (700, 900), (700, 100)]:
        terms = [Fraction(1)]
        for n in range(1, workers + 1):
            terms.append(terms[-1] * offered / n)
        assert theory.erlang_b(offered, workers) == pytest.approx(float(terms[-1] / sum(terms)), rel=1e-12)


def test_erlang_c_of_one_and_two_workers() -> None:
    for load in LOADS:
        assert theory.erlang_c(load, 1) == near(load)
        assert theory.erlang_c(2 * load, 2) == near(2 * load**2 / (1 + load))  # e.g. Kleinrock I, M/M/2
    assert theory.erlang_c(2.0, 2) == theory.erlang_c(5.0, 2) == 1.0
    assert theory.erlang_c(0.0, 3) == theory.erlang_b(0.0, 3) == 0.0


def test_waiting_is_likelier_than_losing() -> None:
    for workers in (1, 3, 40, 500):
        for load in LOADS:
            assert theory.erlang_b(load * workers, workers) <= theory.erlang_c(load * workers, workers)


# --- queues: textbooks ------------------------------------------------------------------------------------------------


def test_mm1_of_gross_and_harris() -> None:
    # Gross and Harris, M/M/1, the hair-cutting salon: 5 customers an hour, 10 minutes each.
    salon = theory.mm1(5 / 3600, 1 / 600)
    assert salon.busy_share == near(5 / 6)
    assert salon.queue_length == near(4 + 1 / 6)
    assert salon.in_system == near(5)
    assert salon.wait_s == near(50 * 60)
    assert salon.sojourn_s == near(3600)


def test_mm1_at_half_load() -> None:
    # Any textbook: one request in the system on average, and a sojourn of two service times.
    half = theory.mm1(0.5, 1.0)
    assert (half.in_system, half.queue_length) == (near(1.0), near(0.5))
    assert (half.sojourn_s, half.wait_s, half.wait_share) == (near(2.0), near(1.0), near(0.5))


def test_mmc_of_gross_and_harris() -> None:
    # Gross and Harris, M/M/c, the eye clinic: 6 patients an hour, 20 minutes each, 3 doctors: Lq = 8/9.
    clinic = theory.mmc(6 / 3600, 1 / 1200, 3)
    assert clinic.queue_length == near(8 / 9)
    assert clinic.in_system == near(8 / 9 + 2)
    assert clinic.wait_s == near(3600 * 8 / 54)


def test_mmck_of_gross_and_harris() -> None:
    # Gross and Harris, M/M/c/K, vehicle inspection: 1 car a minute, 6 minutes each, 3 stalls, room for 4 more:
    # Lq = 3.09, L = 6.06.
    inspection = theory.mmck(1 / 60, 1 / 360, 3, 7)
    assert inspection.queue_length == pytest.approx(3.09, abs=0.005)
    assert inspection.in_system == pytest.approx(6.06, abs=0.005)


@pytest.mark.parametrize("places", [1, 2, 5, 100])
def test_mm1k_at_full_load_is_uniform(places: int) -> None:
    # rho = 1: all K + 1 states are equally likely.
    queue = theory.mm1k(3.0, 3.0, places)
    assert queue.lost_share == near(1 / (places + 1))
    assert queue.in_system == near(places / 2)
    assert queue.busy_share == near(places / (places + 1))


@pytest.mark.parametrize("rho", [0.3, 0.999, 1.001, 4.0])
@pytest.mark.parametrize("places", [1, 3, 20])
def test_mm1k_is_its_closed_form(rho: float, places: int) -> None:
    queue = theory.mm1k(rho * 2.0, 2.0, places)
    weights = [Fraction(rho) ** n for n in range(places + 1)]
    assert queue.lost_share == near(float(weights[-1] / sum(weights)))
    assert queue.in_system == near(float(sum(n * weight for n, weight in enumerate(weights)) / sum(weights)))


@pytest.mark.parametrize("load", LOADS)
def test_pollaczek_khinchine(load: float) -> None:
    exponential, constant = theory.mg1(load * 2.0, 0.5, 1.0), theory.mg1(load * 2.0, 0.5, 0.0)
    assert_same(exponential, theory.mm1(load * 2.0, 2.0), 1e-10)
    assert constant.wait_s == near(exponential.wait_s / 2)
    # The wait is linear in the square of the coefficient of variation.
    assert theory.mg1(load * 2.0, 0.5, 3.0).wait_s == near(constant.wait_s + 9 * (exponential.wait_s - constant.wait_s))


# --- queues: one formula becomes another ------------------------------------------------------------------------------


@pytest.mark.parametrize("load", LOADS)
def test_one_worker_is_the_special_case(load: float) -> None:
    queue = theory.mm1(load * 4.0, 4.0)
    assert_same(queue, theory.mmc(load * 4.0, 4.0, 1))
    assert queue.sojourn_s == near(1 / (4.0 - load * 4.0), 1e-10)
    assert queue.in_system == near(load / (1 - load), 1e-10)


@pytest.mark.parametrize("workers", [1, 4, 300, 5000])
@pytest.mark.parametrize("load", [0.5, 1.0, 3.0])
def test_as_many_places_as_workers_is_erlang_b(workers: int, load: float) -> None:
    queue = theory.mmck(load * workers, 1.0, workers, workers)
    assert queue.lost_share == near(theory.erlang_b(load * workers, workers), 1e-10)
    assert queue.wait_s == queue.queue_length == queue.wait_share == 0.0
    assert queue.sojourn_s == near(1.0)


@pytest.mark.parametrize("workers", [1, 4, 300])
def test_many_places_are_an_unbounded_queue(workers: int) -> None:
    assert_same(
        theory.mmck(0.9 * workers, 1.0, workers, workers + 2000), theory.mmc(0.9 * workers, 1.0, workers), 1e-10
    )


@pytest.mark.parametrize("workers", [1, 4, 300])
def test_endless_patience_is_erlang_c(workers: int) -> None:
    patient = theory.mmc(0.8 * workers, 1.0, workers)
    assert_same(theory.erlang_a(0.8 * workers, 1.0, workers, 0.0), patient)
    for in_service in (False, True):
        queue = theory.erlang_a(0.8 * workers, 1.0, workers, 1e-10, abandon_in_service=in_service)
        assert_same(queue, patient, 1e-7, MEANS)
        assert 0.0 < queue.abandon_share < 1e-9


@pytest.mark.parametrize("workers", [1, 4, 300])
@pytest.mark.parametrize("load", [0.5, 1.0, 3.0])
def test_no_patience_is_erlang_b(workers: int, load: float) -> None:
    queue = theory.erlang_a(load * workers, 1.0, workers, 1e10)
    lost_share = theory.erlang_b(load * workers, workers)
    assert queue.abandon_share == pytest.approx(lost_share, rel=1e-5)
    assert queue.wait_share == pytest.approx(lost_share, rel=1e-5)
    assert queue.busy_share == pytest.approx(load * (1 - lost_share), rel=1e-5)


@pytest.mark.parametrize(("workers", "load"), [(1, 0.5), (4, 1.0), (4, 6.0), (300, 0.95), (300, 1.2)])
def test_patience_as_long_as_service_is_poisson(workers: int, load: float) -> None:
    # With theta = mu every request leaves at rate mu, wherever it is: M/M/infinity.
    offered = load * workers
    queue = theory.erlang_a(offered * 0.2, 0.2, workers, 0.2)
    poisson = stats.poisson(offered)
    assert queue.in_system == near(theory.mminf(offered * 0.2, 0.2).in_system, 1e-10)
    assert queue.wait_share == near(float(poisson.sf(workers - 1)), 1e-9)
    above = float(sum((n - workers) * poisson.pmf(n) for n in range(workers + 1, int(offered + 3000))))
    assert queue.queue_length == near(above, 1e-9)


def test_abandoning_in_service_is_erlang_a_with_a_shorter_service() -> None:
    for arrival, theta in [(2.0, 0.1), (5.0, 3.0), (50.0, 1.0)]:
        queue = theory.erlang_a(arrival, 1.0, 4, theta, abandon_in_service=True)
        shorter = theory.erlang_a(arrival, 1.0 + theta, 4, theta)
        assert_same(queue, shorter, names=MEANS)
        # Of those who leave a worker, the share mu / (mu + theta) was done.
        assert queue.served_share == near(shorter.served_share / (1.0 + theta))
    # Workers enough: the race between service and patience decides.
    assert theory.erlang_a(1.0, 2.0, 200, 3.0, abandon_in_service=True).served_share == near(2 / 5)


def test_deep_overload_is_fluid() -> None:
    # Ten times too much work: workers never idle, and the queue holds at theta * q = lambda - c mu.
    queue = theory.erlang_a(10_000.0, 1.0, 1000, 0.001)
    assert queue.queue_length == pytest.approx((10_000 - 1000) / 0.001, rel=1e-9)
    assert queue.served_share == near(0.1, 1e-9)
    bounded = theory.mmck(10_000.0, 1.0, 1000, 5000)
    assert bounded.served_share == near(0.1, 1e-9)
    assert bounded.queue_length == pytest.approx(4000, rel=1e-3)


@pytest.mark.parametrize("load", LOADS)
def test_instant_retries_are_mm1(load: float) -> None:
    assert_same(theory.mm1_retrial(load, 1.0, 1e9), theory.mm1(load, 1.0), 1e-6, MEANS)
    # Coming back late costs in proportion to how late.
    waits = [theory.mm1_retrial(load, 1.0, 1 / mean_s).wait_s for mean_s in (1.0, 2.0, 3.0)]
    assert waits[2] - waits[1] == near(waits[1] - waits[0], 1e-9)


def test_unlimited_workers() -> None:
    assert theory.mminf(3.0, 0.5) == theory.mginf(3.0, 2.0)
    assert_same(theory.mminf(3.0, 0.5), theory.mmc(3.0, 0.5, 400), names=MEANS[1:])  # all but the share of unlimited


ALL = [
    theory.mm1(0.7, 1.0),
    theory.mmc(7.0, 1.0, 9),
    theory.mg1(0.7, 1.0, 2.0),
    theory.mm1k(1.3, 1.0, 6),
    theory.mmck(7.0, 1.0, 5, 11),
    theory.mmck(500.0, 1.0, 5, 11),
    theory.erlang_a(7.0, 1.0, 5, 0.3),
    theory.erlang_a(7.0, 1.0, 5, 0.3, abandon_in_service=True),
    theory.mm1_retrial(0.7, 1.0, 0.2),
    theory.mminf(3.0, 1.0),
]
ARRIVALS = [0.7, 7.0, 0.7, 1.3, 7.0, 500.0, 7.0, 7.0, 0.7, 3.0]


@pytest.mark.parametrize(("queue", "arrival_per_s"), list(zip(ALL, ARRIVALS, strict=True)))
def test_every_queue_obeys_littles_law_and_loses_nobody(queue: Queue, arrival_per_s: float) -> None:
    admitted_per_s = arrival_per_s * (1 - queue.lost_share)
    assert queue.queue_length == near(admitted_per_s * queue.wait_s, 1e-10)
    assert queue.in_system == near(admitted_per_s * queue.sojourn_s, 1e-10)
    assert queue.served_share + queue.lost_share + queue.abandon_share == near(1.0)


@pytest.mark.parametrize("queue", [theory.mm1(3.0, 2.0), theory.mmc(6.0, 1.0, 4), theory.mg1(3.0, 0.5, 0.0)])
def test_overload_has_no_steady_state(queue: Queue) -> None:
    assert queue.wait_s == queue.sojourn_s == queue.queue_length == queue.in_system == math.inf
    assert queue.busy_share == queue.wait_share == 1.0
    assert queue.served_share == near(2 / 3)


def test_overloaded_orbit_grows_without_bound() -> None:
    queue = theory.mm1_retrial(1.0, 1.0, 5.0)
    assert queue.queue_length == queue.wait_s == queue.attempts_per_arrival == math.inf


# --- queues: balance equations ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arrival", "service", "workers", "places"), [(3.0, 2.0, 1, 4), (9.0, 1.0, 7, 15), (30.0, 1.0, 7, 9)]
)
def test_mmck_is_its_balance_equations(arrival: float, service: float, workers: int, places: int) -> None:
    share = line(lambda n: arrival, lambda n: min(n, workers) * service, places)
    state = np.arange(places + 1)
    queue = theory.mmck(arrival, service, workers, places)
    assert queue.lost_share == near(share[-1], SOLVED)
    assert queue.busy_share == near(share @ np.minimum(state, workers) / workers, SOLVED)
    assert queue.queue_length == near(share @ np.maximum(state - workers, 0), SOLVED)
    assert queue.wait_share == near(share[workers:places].sum() / share[:places].sum(), SOLVED)


@pytest.mark.parametrize("in_service", [False, True])
@pytest.mark.parametrize(
    ("arrival", "service", "workers", "theta"), [(3.0, 2.0, 1, 0.5), (9.0, 1.0, 7, 0.4), (2.0, 1.0, 7, 5.0)]
)
def test_erlang_a_is_its_balance_equations(
    arrival: float, service: float, workers: int, theta: float, in_service: bool
) -> None:
    def down(n: int) -> float:
        waiting = max(n - workers, 0)
        return min(n, workers) * service + (n if in_service else waiting) * theta

    share = line(lambda n: arrival, down, 120)
    state = np.arange(121)
    busy, waiting = share @ np.minimum(state, workers), share @ np.maximum(state - workers, 0)
    queue = theory.erlang_a(arrival, service, workers, theta, abandon_in_service=in_service)
    assert queue.busy_share == near(busy / workers, SOLVED)
    assert queue.queue_length == near(waiting, SOLVED)
    assert queue.wait_share == near(share[workers:].sum(), SOLVED)
    assert queue.served_share == near(service * busy / arrival, SOLVED)
    assert queue.abandon_share == near(theta * (waiting + busy * in_service) / arrival, SOLVED)


@pytest.mark.parametrize(("arrival", "service", "retry"), [(0.4, 1.0, 0.3), (1.2, 2.0, 5.0), (0.5, 1.0, 100.0)])
def test_retrial_queue_is_its_balance_equations(arrival: float, service: float, retry: float) -> None:
    # States (orbit, busy); the orbit is cut where it is empty for practical purposes.
    top = 120
    rate = np.zeros((2 * top + 2, 2 * top + 2))
    for orbit in range(top + 1):
        idle, busy = 2 * orbit, 2 * orbit + 1
        rate[idle, busy] = arrival
        rate[busy, idle] = service
        if orbit > 0:
            rate[idle, busy - 2] = orbit * retry
        if orbit < top:
            rate[busy, busy + 2] = arrival
    share = stationary(rate).reshape(top + 1, 2)
    assert share[-1].sum() < 1e-12
    orbit_mean = float(np.arange(top + 1) @ share.sum(axis=1))
    blocked_tries = float(np.arange(top + 1) @ share[:, 1]) * retry / arrival
    queue = theory.mm1_retrial(arrival, service, retry)
    assert queue.busy_share == near(share[:, 1].sum(), SOLVED)
    assert queue.wait_share == near(share[:, 1].sum(), SOLVED)
    assert queue.queue_length == near(orbit_mean, SOLVED)
    assert queue.in_system == near(orbit_mean + share[:, 1].sum(), SOLVED)
    # Every arrival succeeds once; the other attempts are those that found the worker busy.
    assert queue.attempts_per_arrival == near(1 + share[:, 1].sum() + blocked_tries, SOLVED)


# --- recovery ---------------------------------------------------------------------------------------------------------


def test_hidden_capacity() -> None:
    assert theory.hidden_capacity_per_s(40.0, 0) == 40.0
    assert theory.hidden_capacity_per_s(40.0, 3) == 10.0
    assert theory.hidden_capacity_per_s(40.0, None) == theory.hidden_capacity_per_s(40.0, math.inf) == 0.0


def test_fluid_bound() -> None:
    assert theory.fluid_bound_s(1.0, 600, 2.0) == near(300.0)
    assert theory.fluid_bound_s(0.5, 600, 2.0) == near(150.0)
    assert theory.fluid_bound_s(1.0, 600, 2.0, renewal_share=0.25) == near(400.0)
    assert theory.fluid_bound_s(1.0, 600, 2.0, renewal_share=1.0) == math.inf
    assert theory.fluid_bound_s(0.9, 0, 2.0) == 0.0


def test_what_admission_lets_in() -> None:
    """990 of 1,000 at 20 a second; and where 10 renewals a second are let in too, at 10."""
    assert theory.admission_estimate_s(0.99, 1000, 20.0) == near(49.5)
    assert theory.admission_estimate_s(0.99, 1000, 20.0, 10.0) == near(99.0)
    assert theory.admission_estimate_s(0.99, 1000, 20.0, 20.0) == math.inf
    told = theory.explain("admission_estimate_s", 0.0, share=0.99, unleased=1000, admission_per_s=20, renewals_per_s=10)
    assert evaluate(told.numbers) == near(99.0)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99, 1.0])
def test_fluid_bound_of_equal_hosts_is_that_of_the_fleet(share: float) -> None:
    fleet = theory.fleet_fluid_bound_s(share, [50.0] * 8, [0.4] * 8, 0.2)
    assert fleet == near(theory.fluid_bound_s(share, 400.0, 3.2, 0.2))


def test_fluid_bound_of_unequal_hosts_is_when_they_have_done_enough() -> None:
    unleased, rates = [60.0, 50.0, 0.0, 200.0, 3.0], [1.0, 2.0, 1.0, 4.0, 0.5]
    for share in (0.01, 0.1, 0.5, 0.7, 0.9, 0.999):
        end_s = theory.fleet_fluid_bound_s(share, unleased, rates)
        done = sum(min(count, rate * end_s) for count, rate in zip(unleased, rates, strict=True))
        assert done == near(share * sum(unleased))
        assert end_s <= max(theory.fluid_bound_s(share, *host) for host in zip(unleased, rates, strict=True))
    assert theory.fleet_fluid_bound_s(1.0, unleased, rates) == near(60.0)
    assert theory.fleet_fluid_bound_s(1.0, unleased, rates, 1.0) == math.inf


def storm(**change: float | None) -> theory.Groups:
    inputs: dict[str, float | None] = {
        "holders": 90_000,
        "hosts": 30,
        "workers": 10,
        "establish_s": 2.5,
        "timeout_s": 120.0,
        "check_every_s": 300.0,
        "lease_s": 900.0,
        "renew_s": 0.5,
        "queue_limit": 400,
        "amplification": 7.0,
        "reject_cost_s": 0.05,
    }
    return theory.groups(**(inputs | change))  # type: ignore[arg-type]


def test_groups_by_hand() -> None:
    groups = storm()
    assert groups.establish_per_s == near(120.0)  # 300 workers, 2.5 s each
    assert groups.r1 == near(6.25)  # 750 s of work, patience of 120 s
    assert groups.r2 == near(400 * 2.5 / 10 / 120)  # one host: the work of a full queue by its ten workers
    assert groups.r3 == near(0.5)  # 300 renewals a second, half a second each, 300 workers
    assert groups.r4 == near(750 / 900)
    assert groups.r5 == near(0.14)


def test_groups_have_no_unit() -> None:
    # The same system on another clock has the same groups.
    times = ("establish_s", "timeout_s", "check_every_s", "lease_s", "renew_s", "reject_cost_s")
    one = storm()
    other = storm(**{name: 60 * getattr(one, name) for name in times})
    for name in ("r1", "r2", "r3", "r4", "r5"):
        assert getattr(other, name) == near(getattr(one, name))
    assert other.establish_per_s == near(one.establish_per_s / 60)


def test_groups_without_bounds() -> None:
    groups = storm(queue_limit=None, timeout_s=math.inf, lease_s=math.inf, reject_cost_s=0.0)
    assert (groups.r1, groups.r2, groups.r4, groups.r5) == (0.0, math.inf, 0.0, 0.0)
    assert groups == storm(queue_limit=math.inf, timeout_s=math.inf, lease_s=math.inf, reject_cost_s=0.0)
    assert len(groups.rows()) == 6


def evaluate(numbers: str) -> float:
    return float(eval(numbers, {"__builtins__": {}, "inf": math.inf}))


def test_rows_say_how_the_number_came_about() -> None:
    groups = storm(establish_s=2.4567891)
    rows = groups.rows()
    assert [row.name for row in rows] == ["establish_per_s", "r1", "r2", "r3", "r4", "r5"]
    for row in rows:
        assert row.value == getattr(groups, row.name)
        assert evaluate(row.numbers) == near(row.value, 1e-5)  # numbers are shown to 6 digits
        assert "{" not in row.formula + row.numbers
        assert row.meaning.index(".") == len(row.meaning) - 1  # one sentence
    assert rows[1].formula == "N / (μ * τ)"
    assert storm().rows()[1].numbers == "90000 / (120 * 120)"


def test_explain_the_other_numbers() -> None:
    assert set("".join(e.formula for e in theory.EXPLANATIONS.values())) <= set(map(chr, range(128)))
    hidden = theory.explain("hidden_capacity_per_s", 0.0, service_per_s=40.0, retries=None)
    assert evaluate(hidden.numbers) == theory.hidden_capacity_per_s(40.0, None)
    inputs = {"share": 0.99, "unleased": 90_000, "establish_per_s": 120.0}
    bound = theory.explain("fluid_bound_s", 0.0, **inputs)
    assert evaluate(bound.numbers) == near(theory.fluid_bound_s(**inputs))
    estimate = theory.explain("fluid_estimate_s", 0.0, **inputs, renewal_share=0.5)
    assert evaluate(estimate.numbers) == near(theory.fluid_bound_s(**inputs, renewal_share=0.5))


# --- intervals --------------------------------------------------------------------------------------------------------


COUNTS = [(0, 1), (1, 1), (0, 10), (3, 10), (5, 10), (10, 10), (1, 1000), (999, 1000), (4321, 100_000)]


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
@pytest.mark.parametrize(("successes", "trials"), COUNTS)
def test_intervals_are_scipys(successes: int, trials: int, confidence: float) -> None:
    test = stats.binomtest(successes, trials)
    theirs = test.proportion_ci(confidence, method="exact")
    found = theory.clopper_pearson(successes, trials, confidence)
    assert found == pytest.approx((theirs.low, theirs.high), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("successes", "trials"), COUNTS)
def test_intervals_are_mirror_images(successes: int, trials: int) -> None:
    low, high = theory.clopper_pearson(successes, trials)
    mirrored_low, mirrored_high = theory.clopper_pearson(trials - successes, trials)
    assert (low, high) == (near(1 - mirrored_high), near(1 - mirrored_low))
    assert 0.0 <= low <= successes / trials <= high <= 1.0


@pytest.mark.parametrize("counts", [(0, 5, 5, 5), (1, 5, 0, 5), (3, 8, 7, 9), (0, 8, 0, 8)])
def test_fishers_test_is_that_of_scipy(counts: tuple[int, int, int, int]) -> None:
    k, n, other, m = counts
    wanted = stats.fisher_exact([[k, n - k], [other, m - other]])[1]
    assert theory.fisher_p(*counts) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("counts", [(0, 1), (6, 0), (3, 9), (7, 7), (1, 12)])
def test_mcnemars_test_is_the_sign_test_of_scipy(counts: tuple[int, int]) -> None:
    assert theory.mcnemar_p(*counts) == pytest.approx(stats.binomtest(counts[0], sum(counts), 0.5).pvalue, rel=1e-12)
    assert theory.mcnemar_p(0, 0) == 1


def test_clopper_pearson_ends_are_where_the_tail_is_half_of_alpha() -> None:
    def at_most(successes: int, p: float) -> float:
        return math.fsum(math.comb(40, k) * p**k * (1 - p) ** (40 - k) for k in range(successes + 1))

    low, high = theory.clopper_pearson(7, 40, 0.9)
    assert 1 - at_most(6, low) == near(0.05, 1e-9)
    assert at_most(7, high) == near(0.05, 1e-9)
    # Rule of three in its exact form: nothing seen in n trials leaves 1 - (alpha/2)^(1/n).
    for trials in (3, 9, 40, 72):
        assert theory.clopper_pearson(0, trials, 0.9) == (0.0, near(1 - 0.05 ** (1 / trials)))


# --- refusals ---------------------------------------------------------------------------------------------------------


REFUSED: list[tuple[str, Callable[[], object]]] = [
    ("arrival_per_s", lambda: theory.mm1(0.0, 1.0)),
    ("arrival_per_s", lambda: theory.mm1(math.nan, 1.0)),
    ("service_per_s", lambda: theory.mm1(1.0, math.inf)),
    ("workers", lambda: theory.mmc(1.0, 1.0, 0)),
    ("workers", lambda: theory.mmc(1.0, 1.0, 1.5)),  # type: ignore[arg-type]
    ("mean_service_s", lambda: theory.mg1(1.0, -1.0, 1.0)),
    ("cv", lambda: theory.mg1(1.0, 1.0, -0.1)),
    ("places", lambda: theory.mm1k(1.0, 1.0, 0)),
    ("places", lambda: theory.mmck(1.0, 1.0, 5, 4)),
    ("fewer places", lambda: theory.mm1k(1.0, 1.0, 10**9)),
    ("patience_per_s", lambda: theory.erlang_a(1.0, 1.0, 1, -1.0)),
    ("retry_per_s", lambda: theory.mm1_retrial(0.5, 1.0, 0.0)),
    ("service_per_s", lambda: theory.mminf(0.5, 0.0)),
    ("mean_service_s", lambda: theory.mginf(0.5, 0.0)),
    ("offered", lambda: theory.erlang_b(-1.0, 3)),
    ("workers", lambda: theory.erlang_b(1.0, -1)),
    ("workers", lambda: theory.erlang_c(1.0, 0)),
    ("retries", lambda: theory.hidden_capacity_per_s(1.0, -1)),
    ("share", lambda: theory.fluid_bound_s(1.1, 10, 1.0)),
    ("establish_per_s", lambda: theory.fluid_bound_s(1.0, 10, 0.0)),
    ("renewal_share", lambda: theory.fluid_bound_s(1.0, 10, 1.0, -0.1)),
    ("admission_per_s", lambda: theory.admission_estimate_s(1.0, 10, 0.0)),
    ("hosts", lambda: theory.fleet_fluid_bound_s(1.0, [1.0], [1.0, 2.0])),
    ("hosts", lambda: theory.fleet_fluid_bound_s(1.0, [], [])),
    ("timeout_s", lambda: storm(timeout_s=0.0)),
    ("queue_limit", lambda: storm(queue_limit=-1)),
    ("amplification", lambda: storm(amplification=0.5)),
    ("hosts", lambda: storm(hosts=0)),
    ("name", lambda: theory.explain("r6", 0.0)),
    ("retries", lambda: theory.explain("hidden_capacity_per_s", 0.0, service_per_s=1.0)),
    ("trials", lambda: theory.clopper_pearson(0, 0)),
    ("successes", lambda: theory.clopper_pearson(-1, 5)),
    ("successes", lambda: theory.clopper_pearson(6, 5)),
    ("confidence", lambda: theory.clopper_pearson(3, 5, 1.0)),
]


@pytest.mark.parametrize(("word", "call"), REFUSED)
def test_impossible_input_is_refused_by_name(word: str, call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=word):
        call()


def test_importing_it_is_cheap() -> None:
    code = "import sys, recovery.theory; print(sorted({'numpy', 'scipy', 'numba'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
