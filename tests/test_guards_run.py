"""Guards in whole runs.

Oracles: how many attempts are sent, worked out by hand where all clients of a host fail at one moment; and the same
run without a guard, for guards that never have a reason to hold anybody back.
"""

import numpy as np
import pytest
from fingerprints import LEASES, experiment_of, outcome_of

from recovery.reading.experiment import parse

# 60 clients of each of 4 hosts ask at 0 s, at once. Nobody ever gets an answer: all of a host time out at 20 s, before
# any of them asks again, which they do at that moment; who is given up asks no more within the ten minutes.
SILENCE = """
horizon = "10m"
hold = "0s"
fleet = { holders = 240, hosts = 4, start = "unleased", in_step = true }
host = { workers = 1, establish_time = "1s", timeout = "20s", fail_after = "1h" }
lease = { duration = "1h", check_every = "30m" }
dependency.outages = [{ from = "0s", to = "599s" }]
"""
GIVEN_UP = 'otherwise = "10h"'


def sent_by(guards: str) -> int:
    """Attempts that were sent, of all clients."""
    columns = outcome_of(parse(SILENCE + guards)).traffic.columns
    return int(columns["submitted"].sum() - columns["barred"].sum())


@pytest.mark.parametrize(
    ("guard", "retries"),
    [
        ('name = "attempts", attempts = 5', 60 * 4),  # of each client, 4
        ('name = "aws-standard", quota = 30', 60 * 2),  # each has 3 attempts, and its own quota has 2 · 14
        ('name = "aws-standard", quota = 30, group = "host"', 2),
        ('name = "aws-standard", quota = 30, group = 25', 3 * 2),  # 25, 25 and 10 share one
        ('name = "aws-standard", quota = 30, group = "host", timeout_cost = 10, cost = 5', 3),
        ('name = "retry-budget", least_per_s = 0, ttl = "60s", group = "host"', 12),  # 60 · 20 %
        ('name = "retry-budget", least_per_s = 0, ttl = "60s"', 0),  # one request pays for a fifth
        ('name = "retry-budget", least_per_s = 0, ttl = "20s", group = "host"', 0),  # it is forgotten at 20 s
        ('name = "concurrency-budget", group = "host"', 3 * 29),  # 3 under way, from 20 s to 580 s
        ('name = "grpc-throttle", group = "host"', 0),  # 60 failures leave no token
        ('name = "grpc-throttle", tokens = 122', 60 * 29),  # of each client 29 failures of 61
        ('name = "circuit-breaker", window = 10, least = 10, group = "host"', 0),
        ('name = "sre-budget", attempts = 9, group = "host"', 7),  # 6 of 66 are below 10 %, 7 of 67 are not
    ],
)
def test_as_many_retries_as_by_hand(guard: str, retries: int) -> None:
    assert sent_by(f"policy.guard = {{ {guard}, {GIVEN_UP} }}") == 4 * (60 + retries)


@pytest.mark.parametrize("group", ["", "group = 1, ", "group = 7, "])
def test_jobs_of_a_host_share_one_guard(group: str) -> None:
    """By hand: 60 jobs, one after the other, that nobody answers, and 30 of a quota: two retries at 14."""
    silent = SILENCE.replace("fleet", "# ").replace("lease", "# ")
    steps = '[{ at = "0s", rate = "6/s" }, { at = "10s", rate = "0/s" }]'
    jobs = f'jobs = {{ arrivals = "even", retries = "unlimited", steps = {steps} }}\n'
    guard = f'policy.guard = {{ name = "aws-standard", quota = 30, {group}{GIVEN_UP} }}'
    columns = outcome_of(parse(silent + jobs + guard)).traffic.columns
    assert columns["submitted"].sum() - columns["barred"].sum() == 60 + 2


def test_a_job_whose_retries_are_counted_gives_up_with_its_guard() -> None:
    """By hand: each of 60 jobs has two attempts, and then no other, however soon a new request might come."""
    steps = '[{ at = "0s", rate = "6/s" }, { at = "10s", rate = "0/s" }]'
    silent = SILENCE.replace("fleet", "# ").replace("lease", "# ")
    jobs = f'jobs = {{ arrivals = "even", retries = 9, steps = {steps} }}\n'
    guard = 'policy.guard = { name = "attempts", attempts = 2, otherwise = "1s" }'
    columns = outcome_of(parse(silent + jobs + guard)).traffic.columns
    sent = columns["submitted"].sum() - columns["barred"].sum()
    assert (sent, columns["barred"].sum(), columns["gave_up"].sum()) == (120, 60, 60)


def test_each_class_has_its_own_guard() -> None:
    """By hand: half of the clients may ask once, the others each 20 s, from 0 s to 580 s."""
    guard = f'guard = {{ name = "attempts", attempts = 1, {GIVEN_UP} }}'
    assert sent_by(f'classes.a = {{ share = "50%", {guard} }}\nclasses.b = {{}}') == 120 + 120 * 30


def test_who_is_given_up_comes_back_with_a_new_request() -> None:
    """By hand: two attempts, at 0 s and 20 s, time out at 40 s; the next request comes at 100 s, then at 200 s and so
    on: two attempts each of 0, 100, 200, 300, 400 and 500 s.
    """
    assert sent_by('policy.guard = { name = "attempts", attempts = 2, otherwise = "1m" }') == 240 * 2 * 6


def test_a_client_of_one_attempt_a_request_is_one_with_a_fixed_delay() -> None:
    """Oracle: the back-off of the same length. Nothing is drawn here, so numbers of attempts decide nothing."""
    quick = SILENCE.replace("599s", "3m").replace('"1h"', '"25s"', 1).replace('"1s"', '"100ms"')
    runs = [
        outcome_of(parse(quick + change)).traffic.columns
        for change in (
            'policy.guard = { name = "attempts", attempts = 1, otherwise = "50s" }',
            'policy.client = { name = "fixed", delay = "50s" }\npolicy.guard = { name = "attempts", attempts = 1000 }',
        )
    ]
    assert runs[0]["succeeded"].sum() > 0
    for name in ("succeeded", "timed_out", "leased", "queue", "wasted"):
        assert np.array_equal(runs[0][name], runs[1][name]), name


@pytest.mark.parametrize(
    "guard",
    [
        'name = "attempts", attempts = 1000000',
        'name = "retry-budget", least_per_s = 1000000',
        'name = "concurrency-budget", least = 1000000',
        'name = "grpc-throttle", tokens = 1000, ratio = 1000',
        'name = "aws-standard", attempts = 1000000, quota = 1000000',
        'name = "aws-adaptive", attempts = 1000000, quota = 1000000',  # nobody is refused
        'name = "circuit-breaker", window = 1000, least = 1000',
        'name = "sre-throttle", window = "1us"',
        'name = "sre-budget", attempts = 1000000, window = "1us"',
        'name = "initial-stagger"',  # leases run out behind attempts that failed
    ],
)
def test_a_guard_without_a_reason_changes_nothing(guard: str) -> None:
    """Oracle: the same engine without a guard (a bar that bars nobody asks for it)."""
    bar = 'host.bar = { share = "0.0000001%", time = "20s" }'
    without, guarded = (
        outcome_of(experiment_of(LEASES, change)).traffic.columns for change in (bar, f"policy.guard = {{ {guard} }}")
    )
    assert without["timed_out"].sum() > 1000
    for name, column in without.items():
        assert np.array_equal(column, guarded[name]), name
