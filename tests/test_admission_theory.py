"""Rules of admission in whole runs against closed forms.

Oracles: M/M/c/K and Erlang's loss formula; the queue M/D/1 whose waits are bounded; a fixed point; the binomial law.
Tolerance: four standard errors of the mean over hosts, which are independent of each other.
"""

import math

import numpy as np
import pytest
from recovery_kernels import requests
from test_session_theory import near, runs

from recovery import theory

HOSTS = 24
BEGIN = 200  # windows until all is about its level


def refused_shares(text: str, windows: int = 1800) -> list[float]:
    """The share of the requests of each host that admission refuses."""
    found = []
    for run in runs(text):
        flows = run.rows(BEGIN, windows)
        found.append(float(flows[:, requests.REJECTED_ADMISSION].sum() / flows[:, requests.SUBMITTED].sum()))
    return found


def jobs(rate_per_s: float, admission: str, workers: int = 1, dist: str = 'dist = "exponential", mean = "1s"') -> str:
    """Open arrivals at each of the hosts, for an hour, without retries."""
    return f"""
horizon = "1h"
coupling.window = "2s"
host = {{ workers = {workers}, establish_time = {{ {dist} }}, timeout = "1h" }}
jobs = {{ hosts = {HOSTS}, retries = 0, steps = [{{ at = "0s", rate = "{rate_per_s * HOSTS}/s" }}] }}
policy.admission = {admission}
"""


@pytest.mark.parametrize(("workers", "limit"), [(1, 4), (3, 8)])
def test_a_fixed_limit_is_the_queue_with_so_many_places(workers: int, limit: int) -> None:
    """The share that M/M/c/K turns away, of twice the load that c workers can do."""
    text = jobs(2.0 * workers, f'{{ name = "fixed-concurrency", limit = {limit} }}', workers)
    near(refused_shares(text), theory.mmck(2.0 * workers, 1.0, workers, limit).lost_share)


def test_a_limit_of_as_many_as_there_are_workers_is_erlangs_loss_system() -> None:
    """Erlang's B, which holds for any law of the service time of that mean."""
    law = 'dist = "lognormal", mean = "1s", cv = 2.0'
    text = jobs(5.0, '{ name = "fixed-concurrency", limit = 4 }', 4, law)
    near(refused_shares(text), theory.erlang_b(5.0, 4))


@pytest.mark.parametrize("wait", [0.0, 2.5])
def test_a_leaky_bucket_is_the_queue_of_constant_services_whose_waits_are_bounded(wait: float) -> None:
    """Below the bound the waits are as in M/D/1 without one, up to a factor: with Erlang's sum G = W(w)/W(0) for that
    queue, G/(1 + ρ G) are let in (Takács, Introduction to the Theory of Queues, 1962, for finite waits).
    """
    rate, pace = 1.5, 1.0
    terms = (
        (-rate * (wait - k / pace)) ** k / math.factorial(k) * math.exp(rate * (wait - k / pace))
        for k in range(math.floor(wait * pace) + 1)
    )
    ratio = math.fsum(terms)
    bound = f'"{wait}s"' if wait else '"off"'
    text = jobs(rate, f'{{ name = "leaky-bucket", rate = "{pace * HOSTS}/s", wait = {bound} }}', 20)
    near(refused_shares(text), 1 - ratio / (1 + rate / pace * ratio))


def test_admission_control_refuses_until_the_answers_of_those_let_in_say_so() -> None:
    """Of those let in a share f fails, whoever they are: p = 1 − (1 − f)/threshold, with f = 60 % and 95 %."""
    outage = 'hold = "1s"\ndependency.outages = [{ from = "1s", to = "719s", fails = "60%" }]\n'
    text = jobs(40.0, '"envoy-admission-control"', 100).replace('"1h"', '"12m"')
    near(refused_shares(outage + text, 360), 1 - 0.4 / 0.95)


def test_a_ramp_lets_in_its_share_of_the_clients_and_always_the_same() -> None:
    """At 30 % for an hour: who has a lease at its end has it for good. Each host's number is binomial, of 400."""
    text = f"""
horizon = "1h"
coupling.window = "2s"
fleet = {{ holders = {400 * HOSTS}, hosts = {HOSTS}, start = "unleased" }}
host = {{ workers = 20, establish_time = "10ms", timeout = "10s" }}
lease = {{ duration = "5m", check_every = "1m" }}
policy.client = {{ name = "full-jitter", base = "1s", cap = "1m" }}
policy.admission = {{ name = "percentage-ramp", from_share = "30%", step = "10%", every = "2h" }}
"""
    leased = np.array([run.rows(BEGIN, 1800)[:, requests.LEASED_END] for run in runs(text)])
    assert (leased == leased[:, :1]).all()
    many = leased[:, 0].tolist()
    assert np.std(many, ddof=1) == pytest.approx(math.sqrt(400 * 0.3 * 0.7), rel=0.5)
    near([float(one) for one in many], 120)
