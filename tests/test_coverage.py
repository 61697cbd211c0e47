"""Intervals of a sweep over 1,000 experiments whose answer is known. Oracle: a Markov chain, solved with scipy.

Jobs that come evenly find a host with two workers and one place to wait. Between two arrivals nothing but services
ends, so the number of jobs that an arrival finds is a Markov chain, exactly, from the empty host on; the rate of
arrivals is not known and is drawn from a range, over which the chain's answer is integrated.
"""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import linalg, stats

from recovery.reading.experiment import parse
from recovery.study import runs, sweep

WORKERS, WAITING, SERVICE_S, HORIZON_S = 2, 1, 0.3, 60.0
LEAST_PER_S, MOST_PER_S = 4.0, 12.0
EXPERIMENTS = 1000
TEXT = f"""
replications = 8
horizon = "{HORIZON_S:g}s"
hold = "10s"
recovers_from = "0s"
jobs = {{ retries = 0, arrivals = "even", steps = [{{ at = "0s", rate = "5/s" }}] }}
policy.queue = {{ name = "bounded", limit = {WAITING} }}
[host]
workers = {WORKERS}
establish_time = {{ dist = "exponential", mean = "{SERVICE_S * 1e3:g}ms" }}
timeout = "1h"
[sweep]
method = "lhs"
samples = 2
uncertainties."jobs.steps.0.rate" = {{ min = "{LEAST_PER_S:g}/s", max = "{MOST_PER_S:g}/s" }}
"""


def denied_shares(rate_per_s: float, most: int) -> np.ndarray:
    """float64[most + 1], expected share of the first n arrivals that are denied."""
    places = WORKERS + WAITING
    ends = np.zeros((places + 1, places + 1))  # services only
    for jobs in range(1, places + 1):
        ends[jobs, jobs - 1] = min(jobs, WORKERS) / SERVICE_S
        ends[jobs, jobs] = -ends[jobs, jobs - 1]
    between = linalg.expm(ends / rate_per_s)
    found = np.zeros(places + 1)
    found[0] = 1.0
    denied = np.zeros(most + 1)
    for n in range(most):
        denied[n + 1] = denied[n] + found[places]
        found = np.concatenate(([0.0], found[:-2], [found[-2] + found[-1]])) @ between
    return denied / np.maximum(np.arange(most + 1), 1)


def expected_denied_share(nodes: int = 2000) -> float:
    """Over the range of rates, by the midpoint rule, and over the phase of the first arrival."""
    shares = []
    for place in (np.arange(nodes) + 0.5) / nodes:
        rate_per_s = LEAST_PER_S + (MOST_PER_S - LEAST_PER_S) * place
        n = math.floor(HORIZON_S * rate_per_s)  # or one more, where the first comes early enough
        early = HORIZON_S * rate_per_s - n
        fewer, more = denied_shares(rate_per_s, n + 1)[n:]
        shares.append((1 - early) * fewer + early * more)
    return math.fsum(shares) / nodes


@pytest.mark.slow
def test_intervals_of_95_percent_cover_in_95_of_100_experiments(tmp_path: Path) -> None:
    truth = expected_denied_share()
    place = runs.backend("threads", 2)
    covered, means = 0, []
    for seed in range(EXPERIMENTS):
        experiment = parse(f"seed = {seed}\n{TEXT}", name=f"seed-{seed}")
        _, summary = sweep.run(experiment, out=tmp_path, place=place, resume=False)
        told = summary.policies[0].harm["denied_share"]
        covered += told.low <= truth <= told.high
        means.append(told.mean)
    low, high = stats.binomtest(covered, EXPERIMENTS).proportion_ci(0.95, "wilson")
    print(f"{covered} of {EXPERIMENTS} cover {truth:.4f} ({100 * low:.1f} to {100 * high:.1f} %)")
    error = np.std(means, ddof=1) / math.sqrt(EXPERIMENTS)
    assert abs(np.mean(means) - truth) < 4 * error
    assert 0.93 <= covered / EXPERIMENTS <= 0.97
