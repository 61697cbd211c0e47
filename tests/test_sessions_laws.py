"""The twin of part two against closed forms (MODEL.md, section 13).

Oracles, with the interval of the estimator: Cobham's waits under strict priority, the M/M/1 queue with retrials, the
machine repairman, alternating renewal, the geometric law, means of uniform pauses. Times are ns; a service is a
microsecond or so, so that rounding does not show.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from scipy import stats
from twin.sessions.books import HOST, Books
from twin.sessions.fleet import Fleet
from twin.sessions.scenario import (
    FAR_NS,
    Action,
    Bar,
    Class,
    Crash,
    Host,
    Restart,
    Retry,
    Scenario,
    Step,
    constant,
    exponential,
)

US = 1000
Z = 4.0  # standard errors: a right program is further off once in 16,000
BATCHES = 20


def quickly(scenario: Scenario) -> Books:
    """A run whose books are checked at windows' ends only."""
    return Fleet(scenario, is_checked=False).run()


def is_mean(values: Sequence[float], wanted: float, sd: float) -> bool:
    """Whether independent values of a known spread have this mean."""
    return abs(sum(values) / len(values) - wanted) < Z * sd / math.sqrt(len(values))


def holds(series: Sequence[float], wanted: float) -> bool:
    """Whether the mean of a stationary series is this one: Student's interval of 99.9 % over batches, the first left
    out.
    """
    size = len(series) // (BATCHES + 1)
    means = [sum(series[k * size : (k + 1) * size]) / size for k in range(1, BATCHES + 1)]
    mean = sum(means) / BATCHES
    spread = math.sqrt(sum((one - mean) ** 2 for one in means) / (BATCHES - 1) / BATCHES)
    return abs(mean - wanted) < float(stats.t.ppf(0.9995, BATCHES - 1)) * spread


# --- section 17: pauses -----------------------------------------------------------------------------------------------


def pauses(rule: Retry, clients: int, until: int, tries: int = 1) -> list[list[int]]:
    """The first pauses of clients whom a host that is down refuses."""
    crowd = Class("all", ((0,) * clients,), ((0,) * clients,), retry=rule)
    down = Action((Step(Restart(until)),), at_ns=0)
    books = quickly(Scenario(until, until, (crowd,), Host(round_trip_ns=1), playbook=(down,)))
    times: list[list[int]] = [[] for _ in range(clients)]
    for line in books.log:
        if line.what == "submit":
            times[line.client].append(line.time)
    return [[b - a for a, b in itertools.pairwise(own[: tries + 1])] for own in times]


@pytest.mark.parametrize(
    ("rule", "least", "most"),
    [
        (Retry("full-jitter", base_ns=100.0 * US), 0.0, 100.0),
        (Retry("equal-jitter", base_ns=100.0 * US), 50.0, 100.0),
        (Retry("proportional-jitter", base_ns=100.0 * US, jitter=0.2), 80.0, 120.0),
        (Retry("decorrelated-jitter", base_ns=100.0 * US, factor=3.0), 100.0, 300.0),
    ],
    ids=lambda rule: getattr(rule, "kind", None),
)
def test_the_first_pause_is_uniform_between_its_bounds(rule: Retry, least: float, most: float) -> None:
    first = [own[0] / US for own in pauses(rule, 400, 301 * US)]
    assert least <= min(first)
    assert max(first) <= most
    assert is_mean(first, (least + most) / 2, (most - least) / math.sqrt(12))
    assert stats.kstest(first, "uniform", args=(least, most - least)).pvalue > 1e-4


def test_pauses_grow_up_to_their_cap() -> None:
    rule = Retry("exponential", base_ns=100.0, factor=3.0, cap_ns=2000.0)
    assert pauses(rule, 1, 9000, tries=5) == [[100, 300, 900, 2000, 2000]]
    decorrelated = Retry("decorrelated-jitter", base_ns=100.0, factor=3.0, cap_ns=2000.0)
    for own in pauses(decorrelated, 60, 9000, tries=4):
        for before, after in itertools.pairwise(own):
            assert 100 <= after <= min(2000, 3 * before + 1)


# --- section 18: a share of the attempts is barred --------------------------------------------------------------------


def test_a_share_barred_gives_a_geometric_number_of_tries() -> None:
    many, share = 500, 0.6
    crowd = Class("all", ((0,) * many,), ((0,) * many,))
    books = quickly(Scenario(5000, 5000, (crowd,), Host(bar=Bar(share, constant(50)), round_trip_ns=1)))
    tries = [line.attempt + 1 for line in books.log if line.what == "success"]
    assert len(tries) == many
    assert is_mean(tries, 1 / (1 - share), math.sqrt(share) / (1 - share))
    found = [sum(n == k for n in tries) for k in range(1, 7)]
    wanted = [many * (1 - share) * share ** (k - 1) for k in range(1, 7)]
    rest = many - sum(wanted)
    assert stats.chisquare([*found, many - sum(found)], [*wanted, rest]).pvalue > 1e-4


# --- section 15: crash loops ------------------------------------------------------------------------------------------


def test_a_crash_loop_is_an_alternating_renewal_process() -> None:
    # nobody serves, so the host is up until the fourth request has come (Erlang), then down for a time (constant)
    rate, down = 1 / (10 * US), 20 * US
    crowd = Class("all", arrivals=((0, rate),), retry=Retry(retries=0), establish=constant(1))
    books = quickly(Scenario(16_000 * US, 16_000 * US, (crowd,), Host(0, crash=Crash(queue=3, down_ns=down))))
    crashes = [line.time for line in books.log if line.what == "crash"]
    assert books.total("crashes") == len(crashes) > 200
    ups = [crashes[0], *(b - a - down for a, b in itertools.pairwise(crashes))]
    assert is_mean(ups, 4 / rate, 2 / rate)
    assert stats.kstest(ups, "gamma", args=(4, 0, 1 / rate)).pvalue > 1e-4
    assert books.total("lost") == 4 * len(crashes)
    refused = books.total("rejected-down")
    assert abs(refused - len(crashes) * rate * down) < Z * math.sqrt(len(crashes) * rate * down)


# --- sections 13 and 15: queues ---------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_strict_priority_has_cobhams_mean_waits(workers: int) -> None:
    # Cobham (1954); of several workers where all classes have one exponential law: W0 is Erlang's C over c mu
    mean, loads = 1.0 * US, (0.3, 0.5)
    classes = tuple(
        Class(
            f"p{k}",
            arrivals=((0, load * workers / mean),),
            establish=exponential(mean),
            retry=Retry(retries=0),
            priority=k,
        )
        for k, load in enumerate(loads)
    )
    books = quickly(Scenario(25_000 * US // workers, 1000 * US, classes, Host(workers)))
    load = sum(loads)
    if workers == 1:
        all_busy = load
    else:
        a = load * workers
        top = a**workers / math.factorial(workers) / (1 - load)
        all_busy = top / (sum(a**n / math.factorial(n) for n in range(workers)) + top)
    w0 = all_busy * mean / workers
    wanted = [w0 / (1 - loads[0]), w0 / ((1 - loads[0]) * (1 - load))]
    for k in range(2):
        assert holds(books.waits[0, k], wanted[k]), (k, wanted)


@pytest.mark.slow
def test_a_silent_full_queue_with_exponential_resend_is_the_retrial_queue() -> None:
    # M/M/1 with room for one and an orbit (Falin and Templeton, 1997): E = rho (rho + lambda/nu) / (1 - rho)
    mean, rho, nu = 1.0 * US, 0.5, 1.0 / US
    work = Class("work", arrivals=((0, rho / mean),), establish=exponential(mean))
    host = Host(limit=0, full="silent", resend=exponential(1 / nu), resend_growth=1.0)
    books = quickly(Scenario(12_000 * US, 4 * US, (work,), host))
    outside = [books.levels[window, 0, 0, "outside"] for window in range(3000)]
    assert holds(outside, rho * (rho + rho / mean / nu) / (1 - rho))


@pytest.mark.slow
def test_a_closed_class_of_holders_is_the_machine_repairman() -> None:
    # insensitive to the law of the time between a success and the next check (BCMP), which is constant here
    mean, think, many = 1.0 * US, 4 * US, 6
    crowd = Class(
        "all",
        (tuple(range(0, many * US, US)),),
        ((FAR_NS,) * many,),
        renew=exponential(mean),
        check_every_ns=think,
    )
    books = quickly(Scenario(5_000 * US, 20 * US, (crowd,), Host()))
    idle = 1 / sum(math.factorial(many) / math.factorial(many - n) * (mean / think) ** n for n in range(many + 1))
    busy = [books.levels[window, 0, HOST, "busy-ns"] / (20 * US) for window in range(250)]
    assert holds(busy, 1 - idle)
    two = replace(crowd, name="two", first_ns=(crowd.first_ns[0][:2],), expires_ns=(crowd.expires_ns[0][:2],))
    four = replace(crowd, name="four", first_ns=(crowd.first_ns[0][2:],), expires_ns=(crowd.expires_ns[0][2:],))
    books = quickly(Scenario(5_000 * US, 20 * US, (two, four), Host()))
    busy = [books.levels[window, 0, HOST, "busy-ns"] / (20 * US) for window in range(250)]
    assert holds(busy, 1 - idle)  # a class cut in two equal classes has the same law
