"""Files that name rules which remember: the whole chain, from words to leases and queues.

Oracle: what each rule must come to in a case that is simple enough to say it beforehand, exactly; for PIE the zero
error of integral control in the long run.
"""

import itertools

import numpy as np
import pytest
from recovery_kernels import requests
from test_session_theory import near, runs

FLEET = """
horizon = "20m"
coupling.window = "10s"
recovers_from = "1m"
hold = "0s"
host = {{ workers = 4, establish_time = "1ms", timeout = "5s", fail_after = "1ms" }}
fleet = {{ holders = {holders}, hosts = 1 }}
lease = {{ duration = "{duration}", check_every = "10s" }}
dependency.outages = [{{ from = "{away}", to = "1195s" }}]
policy.client = {{ name = "fixed", delay = "10s" }}
policy.lease = {rule}
"""
RESTART = """
[[operator]]
do = "restart"
at = "5m"
waves = 1
down_for = "1s"
"""


def leased(text: str) -> list[int]:
    """Holders with a lease at the end of each window."""
    [run] = runs(text)
    return [int(n) for n in run.rows(0, 110)[:, requests.LEASED_END]]


def test_a_cap_lets_so_many_leases_go_a_second() -> None:
    """2/s: 20 in every whole window of 10 s, from the first that ends to the last."""
    rule = '{ name = "expiry-cap", rate = "2/s" }'
    levels = leased(FLEET.format(holders=300, duration="30s", away="1m", rule=rule))
    gone = [before - after for before, after in itertools.pairwise(levels)]
    first = next(k for k, n in enumerate(gone) if n)
    last = max(k for k, n in enumerate(gone) if n)
    assert set(gone[first + 1 : last]) == {20}
    assert levels[-1] == 0
    assert last - first in (14, 15)  # 300 of them


def test_an_extension_ends_all_leases_together() -> None:
    """An hour is left to each as the host restarts at 300 s, and the dependency is away: all end at 300 + 65 s."""
    rule = '{ name = "failover-extension", extension = "65s" }'
    levels = leased(FLEET.format(holders=200, duration="1h", away="4m", rule=rule) + RESTART)
    assert levels[:36] == [200] * 36
    assert set(levels[36:]) == {0}


def test_a_short_extension_ends_leases_of_holders_that_are_well() -> None:
    """As Nomad with many nodes: holders renew every 400 s, and a restart at 300 s leaves each of them 300 s. Nothing is
    away, yet at 600 s the quarter whose next renewal is more than 300 s off has no lease, and by 700 s all have one
    again. Of 2,000 at random phases 1,500 keep theirs, give or take four standard errors of 19.
    """
    rule = '{ name = "failover-extension" }'
    text = FLEET.format(holders=2000, duration="500s", away="1190s", rule=rule) + RESTART
    levels = leased(text.replace('check_every = "10s"', 'check_every = "400s"'))
    assert levels[:59] == [2000] * 59
    assert abs(levels[59] - 1500) < 4 * 19.4
    assert levels[59:70] == sorted(levels[59:70])
    assert set(levels[69:]) == {2000}


def test_a_spread_ends_so_many_a_second() -> None:
    """4/s of 200: the first 4 at 300 + 65 s, number n n / 4 s after that: in the window to 370 s 1 to 20, then 40."""
    rule = '{ name = "failover-extension", extension = "65s", spread = "4/s" }'
    levels = leased(FLEET.format(holders=200, duration="1h", away="4m", rule=rule) + RESTART)
    assert levels[35:43] == [200, 200 - 20, 140, 100, 60, 20, 0, 0]


def test_learning_keeps_leases_until_it_is_over() -> None:
    """Away from 295 s on, leases of 30 s would end by 325 s; the restart at 300 s keeps them until 300 + 95 s."""
    rule = '{ name = "learning", learning = "95s" }'
    levels = leased(FLEET.format(holders=200, duration="30s", away="295s", rule=rule) + RESTART)
    assert levels[:39] == [200] * 39
    assert set(levels[39:]) == {0}


def test_self_preservation_keeps_all_while_nobody_renews() -> None:
    """No renewal comes, so no lease runs out, at any time; without the rule all do."""
    text = FLEET.format(holders=200, duration="30s", away="1m", rule='"self-preservation"')
    assert set(leased(text)) == {200}
    assert leased(text.replace("self-preservation", "fixed"))[-1] == 0


def test_leases_that_are_granted_under_load_are_long() -> None:
    """100 holders come at 0; one worker takes 100 ms each. As number k is done 100 - k wait: more than 50 for 1 to 49.
    Those have 100 s, the others 30 s, and nobody can renew: from 40 s, as the last of the others ends, to 100 s 49 have
    a lease.
    """
    text = """
horizon = "20m"
coupling.window = "10s"
recovers_from = "1m"
hold = "0s"
host = { workers = 1, establish_time = "100ms", timeout = "1h", fail_after = "1ms" }
fleet = { holders = 100, hosts = 1, start = "unleased", in_step = true }
lease = { duration = "30s", check_every = "25s" }
dependency.outages = [{ from = "11s", to = "1195s" }]
policy.client = { name = "fixed", delay = "10s" }
policy.lease = { name = "load-scaled", loaded = "100s", limit = 50 }
"""
    assert leased(text)[:12] == [99, 100, 100, 49, 49, 49, 49, 49, 49, 49, 0, 0]


@pytest.mark.slow
def test_pie_holds_the_wait_at_its_target() -> None:
    """Twice what the host can do: in the long run half is refused, and integral control leaves no error in the wait."""
    text = """
horizon = "6m"
hold = "0s"
coupling.window = "10s"
host = { workers = 1, establish_time = { dist = "exponential", mean = "10ms" }, timeout = "1h" }
jobs = { hosts = 6, retries = 0, steps = [{ at = "0s", rate = "1200/s" }] }
policy.queue = { name = "pie", target = "200ms", alpha = 0.004, beta = 1 }
"""
    waits, shares = [], []
    for run in runs(text):
        rows = run.rows(9, 36)
        waits.append(float(rows[:, requests.QUEUE].mean()) / 100)
        shares.append(float(rows[:, requests.REJECTED_FULL].sum() / rows[:, requests.SUBMITTED].sum()))
    near(shares, 0.5)
    assert np.mean(waits) == pytest.approx(0.2, rel=0.05)
