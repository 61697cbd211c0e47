"""Files with rules of part two against closed forms, on the engine that runs them.

Oracles: Cobham's waits under strict priority, the M/M/1 queue with retrials, the machine repairman. Tolerance: four
standard errors of the mean over hosts, which are independent of each other.
"""

import math

import numpy as np
import pytest
from recovery_kernels import requests
from recovery_kernels.sessions import layout

from recovery import theory
from recovery.reading.experiment import parse
from recovery.stages import host as hosts
from recovery.stages import known
from recovery.units import ns

BEGIN = 200  # windows until the queue is about its level
HOSTS = 24


def runs(text: str) -> list[hosts.Running]:
    """Each host of a file, at the horizon."""
    scenario = parse(text).first.scenario
    traffic, found = known.traffic_of(scenario), []
    holders = scenario.fleet.holders // scenario.hosts if scenario.fleet else 0
    for host in range(scenario.hosts):
        run = traffic.start(scenario, 1, 0, host, holders)
        run.advance(scenario.windows * ns(scenario.coupling.window))
        found.append(run)
    return found


def near(values: list[float], wanted: float) -> None:
    """The mean of independent values is what is wanted."""
    mean, error = float(np.mean(values)), float(np.std(values, ddof=1)) / math.sqrt(len(values))
    assert error < 0.1 * wanted, "too few to tell"
    assert abs(mean - wanted) < 4 * error, (mean, wanted, error)


@pytest.mark.parametrize("workers", [1, 3])
def test_classes_of_strict_priority_wait_as_cobham_says(workers: int) -> None:
    """Mean number that waits of each class, by Little's law: λₖ C / (c μ) / ((1 − σₖ₋₁) (1 − σₖ)) with C of Erlang."""
    loads = (0.25, 0.3, 0.25)
    text = f"""
horizon = "3h"
coupling.window = "2s"
host = {{ workers = {workers}, establish_time = {{ dist = "exponential", mean = "1s" }}, timeout = "1h" }}
jobs.hosts = {HOSTS}
jobs.steps = [{{ at = "0s", rate = "{workers * HOSTS * loads[0]}/s" }}]
[classes.first]
[classes.second]
rate = "{workers * HOSTS * loads[1]}/s"
priority = 1
[classes.third]
rate = "{workers * HOSTS * loads[2]}/s"
priority = 2
"""
    found, sums = runs(text), np.concatenate([[0.0], np.cumsum(loads)])
    delayed = theory.erlang_c(sum(loads) * workers, workers)
    for number, load in enumerate(loads):
        wait_s = delayed / workers / ((1 - sums[number]) * (1 - sums[number + 1]))
        levels = [run.of_class(number).rows(BEGIN, 5400)[:, requests.QUEUE].mean() for run in found]
        near([float(level) for level in levels], load * workers * wait_s)


def test_a_silent_full_host_with_resends_is_the_retrial_queue() -> None:
    """E orbit = ρ (ρ + λ / ν) / (1 − ρ), with room for the one in service alone (Falin and Templeton, 1997)."""
    rate, again_s, rho = 0.5, 2.0, 0.5
    text = f"""
horizon = "3h"
coupling.window = "2s"
host.workers = 1
host.establish_time = {{ dist = "exponential", mean = "1s" }}
host.timeout = "1h"
host.full = "silent"
host.resend = {{ dist = "exponential", mean = "{again_s}s" }}
host.resend_growth = 1
policy.queue = {{ name = "bounded", limit = 0 }}
jobs = {{ hosts = {HOSTS}, steps = [{{ at = "0s", rate = "{rate * HOSTS}/s" }}] }}
"""
    orbits = [float(run.rows(BEGIN, 5400)[:, layout.OUTSIDE_END].mean()) for run in runs(text)]
    near(orbits, rho * (rho + rate * again_s) / (1 - rho))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_closed_class_of_holders_is_the_machine_repairman(workers: int) -> None:
    """Of N that ask again a time Z after each answer p(n) ~ N!/(N−n)! (s/Z)^n / ∏ min(i, c), whatever the law of Z."""
    many, think_s = 12, 8.0
    text = f"""
horizon = "3h"
coupling.window = "2s"
fleet = {{ holders = {many * HOSTS}, hosts = {HOSTS}, start = "unleased" }}
host = {{ workers = {workers}, establish_time = {{ dist = "exponential", mean = "1s" }}, timeout = "1h" }}
lease = {{ duration = "1h", check_every = "{think_s}s", check_jitter = "50%" }}
[classes.machines]
"""
    weights = [1.0]
    for n in range(1, many + 1):
        weights.append(weights[-1] * (many - n + 1) / think_s / min(n, workers))
    busy = sum(weight * min(n, workers) for n, weight in enumerate(weights)) / sum(weights)
    found = [float(run.of_class(0).rows(BEGIN, 5400)[:, requests.IN_SERVICE].mean()) for run in runs(text)]
    near(found, busy)
    waiting = sum(weight * max(n - workers, 0) for n, weight in enumerate(weights)) / sum(weights)
    near([float(run.of_class(0).rows(BEGIN, 5400)[:, requests.QUEUE].mean()) for run in runs(text)], waiting)
