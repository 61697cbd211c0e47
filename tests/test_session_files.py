"""From a file to its outcome with rules of part two of the model: sessions, operators, the server under load.

Oracle: the twin of part two, told the same file by a second reading of it (tests/session_files.py): every flow, level
and maximum of every window and host, and both histograms, are the same whole numbers.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from recovery_kernels import requests
from recovery_kernels.sessions import layout
from session_files import twin_of
from twin.requests import histogram_part
from twin.sessions.books import HOST, Books
from twin.sessions.fleet import Fleet

from recovery.cli import main as cli
from recovery.errors import ScenarioError
from recovery.measures import register
from recovery.model.oddities import oddities
from recovery.model.scenario import Scenario
from recovery.reading.experiment import parse
from recovery.simulate import identity
from recovery.simulate.pipeline import Runner
from recovery.stages import known, leases
from recovery.stages.sessions.on_lanes import LaneSessionRun
from recovery.stages.sessions.run import SessionRun
from recovery.units import ns

BASE = """
horizon = "8m"
hold = "1m"
fleet.holders = 60
fleet.hosts = 3
fleet.zones = 3
host.workers = 2
host.establish_time = { dist = "exponential", mean = "400ms" }
host.renew_time = "50ms"
host.timeout = "5s"
lease.duration = "100s"
lease.check_every = "40s"
lease.check_jitter = "10%"
policy.client = { name = "full-jitter", base = "1s", cap = "10s" }
"""
JOBS = """
horizon = "4m"
hold = "1m"
jobs.hosts = 2
jobs.retries = 3
jobs.steps = [{ at = "0s", rate = "3/s" }, { at = "2m", rate = "12/s" }, { at = "150s", rate = "2/s" }]
host.workers = 2
host.establish_time = { dist = "exponential", mean = "400ms" }
host.timeout = "3s"
policy.client = { name = "fixed", delay = "2s" }
"""
FLOWS = {
    requests.SUBMITTED: "submitted", requests.REJECTED_GATE: "rejected-gate",
    requests.REJECTED_ADMISSION: "rejected-admission", requests.REJECTED_FULL: "rejected-full",
    requests.REJECTED_DOWN: "rejected-down", requests.DROPPED: "dropped", requests.LOST: "lost",
    requests.CANCELLED: "cancelled", requests.SUCCEEDED: "succeeded", requests.WASTED: "wasted",
    requests.FAILED: "failed", requests.TIMED_OUT: "timed-out", requests.ESTABLISHED: "established",
    requests.ARRIVED: "arrived", requests.GAVE_UP: "gave-up", requests.USEFUL_NS: "useful-ns",
    requests.WASTED_NS: "wasted-ns", requests.FAILED_NS: "failed-ns", requests.OVERHEAD_NS: "overhead-ns",
    layout.ENDED: "ended", layout.KEPT_FLOW: "kept", layout.UNANSWERED: "unanswered", layout.LATE_FLOW: "late",
    layout.PURGED: "purged", layout.CRASHES: "crashes", layout.BARRED: "barred", layout.EXPIRIES_FLOW: "expiries",
    layout.EXPIRED: "expired",
}  # fmt: skip
OF_HOST = {
    requests.OPEN_MAX: "open-max",
    requests.BUSY_SUM_NS: "busy-ns", requests.IDLE_SUM_NS: "idle-ns", requests.DOWN_SUM_NS: "down-ns",
    requests.QUEUE: "queue", requests.OLDEST_NS: "oldest-ns", requests.IN_SERVICE: "in-service",
    requests.QUEUE_MAX: "queue-max", requests.OLDEST_MAX_NS: "oldest-max-ns",
}  # fmt: skip
OF_CLASS = {
    requests.LEASED_END: "leased", requests.SLEEPING_END: "asleep",
    layout.LEASED_SERVER: "leased-server", layout.KEPT_END: "kept", layout.UNAWARE_END: "unaware",
    layout.OUTSIDE_END: "outside", layout.LINE_END: "line",
}  # fmt: skip


def told(books: Books, classes: int, host: int, window: int, column: int) -> int:
    """What the twin says of a window of a host, its classes together."""
    if column in FLOWS:
        return sum(books.flows[window, host, number, FLOWS[column]] for number in (HOST, *range(classes)))
    if column in OF_HOST:
        return books.levels.get((window, host, HOST, OF_HOST[column]), 0)
    return sum(of_class(books, number, host, window, column) for number in range(classes))


def of_class(books: Books, number: int, host: int, window: int, column: int) -> int:
    """What it says of one class."""
    if column in FLOWS:
        return books.flows[window, host, number, FLOWS[column]]
    return books.levels.get((window, host, number, (OF_CLASS | OF_HOST)[column]), 0)


def ran(scenario: Scenario, seed: int) -> list[SessionRun | LaneSessionRun]:
    """Each host at the end, on its engine; no conditions."""
    traffic, end = known.traffic_of(scenario), scenario.windows * ns(scenario.coupling.window)
    sizes = [scenario.fleet.holders // scenario.hosts if scenario.fleet else 0] * scenario.all_hosts
    found = []
    for host, size in enumerate(sizes):
        run = traffic.start(scenario, seed, 0, host, size)
        assert isinstance(run, SessionRun | LaneSessionRun)
        run.advance(end)
        found.append(run)
    return found


def check(text: str, seed: int = 1) -> Fleet:
    """Engine and twin agree on a file."""
    scenario = parse(text).first.scenario
    assert scenario.rules, "the file asks for no rule of part two"
    fleet = Fleet(twin_of(scenario, seed), is_checked=False)
    books = fleet.run()
    runs, classes = ran(scenario, seed), max(len(scenario.classes), 1)
    for host, run in enumerate(runs):
        rows = run.rows(0, scenario.windows)
        for column in (*FLOWS, *OF_HOST, *OF_CLASS):
            wanted = [told(books, classes, host, window, column) for window in range(scenario.windows)]
            assert rows[:, column].tolist() == wanted, (host, column)
        for number in range(classes if scenario.classes else 0):
            own = run.of_class(number).rows(0, scenario.windows)
            for column in (
                *FLOWS,
                requests.QUEUE,
                requests.IN_SERVICE,
                requests.QUEUE_MAX,
                requests.OPEN_MAX,
                *OF_CLASS,
            ):
                wanted = [of_class(books, number, host, window, column) for window in range(scenario.windows)]
                assert own[:, column].tolist() == wanted, (host, number, column)
    for number in range(classes):
        for mine, theirs in (("sojourn", books.sojourns), ("latency", books.latencies)):
            wanted = np.zeros(requests.HISTOGRAM, np.int64)
            for (_, whose), times in theirs.items():
                if whose == number:
                    np.add.at(wanted, [histogram_part(time) for time in times], 1)
            assert (sum(getattr(run.of_class(number), mine) for run in runs) == wanted).all()
        if not fleet.scenario.classes[number].is_jobs:
            assert sum(run.of_class(number).unleased_ns() for run in runs) == fleet.unleased_ns(number)
    return fleet


def acts(*tables: str) -> str:
    """What operators do, in the order of the file."""
    return "operator = [\n" + "".join(f"    {{ {table} }},\n" for table in tables) + "]\n"


ENDS = 'do = "end-sessions", at = "2m"'
OUTAGE = 'dependency.outages = [{ from = "1m", to = "3m" }]\n'
SHORT = 'policy.queue = { name = "bounded", limit = 3 }\n'
CASES = [
    BASE + 'fleet.start = "unleased"\n',
    BASE + 'fleet.start = "unleased"\nfleet.in_step = true\n',
    BASE + 'lease.first_delay = { dist = "uniform", min = "0s", max = "20s" }\n' + acts(ENDS),
    BASE + acts(f'{ENDS}, share = "50%", zone = 1, notice = "at-check"'),
    BASE + acts(f'{ENDS}, notice = {{ dist = "exponential", mean = "10s" }}'),
    BASE + OUTAGE + 'dependency.resume_after = "30s"\n' + acts(ENDS),
    BASE + OUTAGE + 'dependency.resume_after = "20s"\npolicy.lease = { name = "freeze", then = "rearm" }\n',
    BASE + acts('do = "restart", at = "2m", sessions = "end", waves = 2, every = "20s", down_for = "10s", told = true'),
    BASE + acts(ENDS, 'do = "restart", at = "124s", told = true', 'do = "pause", at = "130s", lasts = "9s"'),
    JOBS + acts('do = "restart", at = "150s", told = true'),
]
OPERATORS = [
    BASE
    + acts(
        ENDS,
        'do = "set", at = "125s", key = "host.workers", value = 5, lasts = "100s"',
        'do = "set", at = "150s", key = "host.workers", value = 1, over = "55s", zone = 1',
    ),
    BASE
    + acts(
        ENDS,
        'do = "set", at = "121s", key = "host.timeout", value = "20s"',
        'do = "set", at = "125s", key = "lease.check_every", value = "20s", over = "1m"',
        'do = "set", at = "3m", key = "policy.client", value = "exponential"',
    ),
    BASE
    + 'policy.admission = { name = "token-bucket", rate = "3/s", burst = "3s" }\n'
    + acts(ENDS, 'do = "set", at = "125s", key = "policy.admission.rate", value = "9/s", over = "30s", lasts = "1m"'),
    BASE
    + 'policy.admission = { name = "token-bucket", rate = "3/s", burst = "3s" }\n'
    + acts(ENDS, 'do = "set", at = "119s", key = "policy.admission.rate", value = "0/s", lasts = "1m"'),
    BASE
    + acts(
        ENDS,
        'do = "scale", at = "121s", workers = 3, warm_up = "5s", lasts = "1m"',
        'do = "scale", at = "5m", workers = -1',
    ),
    BASE + acts(ENDS, 'do = "hold-clients", at = "2m", lasts = "30s", waves = 4, every = "10s"'),
    BASE + acts(ENDS, 'do = "purge", at = "122s", told = true', 'do = "purge", at = "124s"'),
    JOBS
    + acts(
        'do = "set", at = "100s", key = "jobs.rate", value = "9/s", lasts = "30s"',
        'do = "purge", at = "165s"',
        'do = "hold-clients", at = "170s", lasts = "20s", waves = 3, every = "5s"',
    ),
]
HOSTS = [
    JOBS
    + "jobs.spare_hosts = 3\n"
    + acts(
        'do = "scale", at = "40s", hosts = 2, warm_up = "15s"',
        'do = "scale", at = "2m", hosts = 5, lasts = "30s"',
        'do = "scale", at = "170s", hosts = -2',
    ),
    JOBS
    + 'jobs.spare_hosts = 1\nhost.start_time = "4s"\njobs.arrivals = "even"\n'
    + acts(
        'do = "scale", at = "1m", hosts = 1, lasts = "50s"',
        'do = "scale", at = "2m", hosts = -1, lasts = "40s"',
        'do = "restart", at = "130s", down_for = "5s"',
        'do = "set", at = "150s", key = "jobs.rate", value = "8/s"',
    ),
]
POLICIES = [
    BASE + rule + acts(ENDS)
    for rule in (
        'policy.queue = "lifo"\n',
        'policy.queue = { name = "drop-expired", max_age = "4s", margin = "500ms" }\nhost.drop_notifies = false\n',
        'policy.queue = { name = "bounded", limit = "2s" }\nhost.reject_cost = "20ms"\n',
        'policy.admission = { name = "queue-size", rate = "120%", limit = "4s", only = "establish" }\n',
        'policy.admission = { name = "queue-size-switch", limit = 12, low = 4 }\n',
        'policy.admission = { name = "queue-size-ramp", limit = 12, low = 4 }\n',
        'policy.lease = { name = "grace", grace = "10s" }\nhost.cancel_on_timeout = true\n',
        'policy.lease = "credit-on-arrival"\nhost.slowdown = { a = 0.5, b = 1.5, queue = 5 }\n',
    )
]
ADMISSION = [
    BASE.replace("workers = 2", "workers = 1").replace("8m", "5m") + OUTAGE + "policy.admission = " + rule + "\n" + more
    for rule, more in (
        ("{ name = 'fixed-concurrency', limit = 3 }", 'host.cancel = "worker"\n'),
        ("{ name = 'aimd', initial = 2, least = 1, timeout = '2s', only = 'establish' }", 'host.cancel = "queue"\n'),
        ("{ name = 'aimd', initial = 2, least = 1, timeout = '1s', window = '10s' }", ""),
        ("{ name = 'vegas', initial = 2, probe = 2 }", 'policy.queue = { name = "drop-expired", max_age = "2s" }\n'),
        ("{ name = 'gradient2', initial = 2, least = 1, window = 'off' }", acts(ENDS)),
        ("{ name = 'envoy-adaptive-concurrency', least = 1, most = 2, requests = 5, rest_every = '20s' }", ""),
        ("{ name = 'envoy-admission-control', window = '5s', aggression = 2 }", 'host.fail_after = "100ms"\n'),
        ("{ name = 'blue', rate = '60%', increase = '30%' }", acts('do = "restart", at = "150s", down_for = "9s"')),
        ("{ name = 'pid', memory = '5s' }", 'policy.queue = "lifo"\n'),
        ("{ name = 'percentage-ramp', start = '130s', every = '20s', step = '20%' }", ""),
    )
]
LIMITS = [
    BASE + 'policy.admission = { name = "leaky-bucket", rate = "6/s", wait = "4s" }\n' + acts(ENDS),
    BASE + 'policy.admission = { name = "leaky-bucket", rate = "6/s", wait = "off", line = "off" }\n' + acts(ENDS),
    BASE + 'policy.admission = { name = "token-bucket", rate = "6/s", wait = "4s" }\n' + acts(ENDS),
    BASE + 'policy.admission = { name = "token-bucket", rate = "6/s", wait = "20s", line = 3, only = "establish" }\n'
    + 'host.cancel = "queue"\n' + acts(ENDS, 'do = "purge", at = "121s"'),
    BASE + 'host.bar = { share = "60%", time = { dist = "exponential", mean = "8s" } }\n' + acts(ENDS),
    BASE + 'host.bar = { share = "60%", time = "5s", only = "establish" }\n' + acts(ENDS),
    BASE + 'lease.expire_time = { dist = "exponential", mean = "300ms" }\n' + OUTAGE + acts(ENDS),
    BASE + 'lease.expire_time = "300ms"\nhost.late = "counts"\npolicy.lease = "credit-on-arrival"\n' + OUTAGE
    + acts('do = "restart", at = "200s", sessions = "end", down_for = "3s"'),
    JOBS + 'policy.admission = { name = "token-bucket", rate = "6/s", wait = "2s" }\n',
]  # fmt: skip
CRASH = 'host.crash = { memory_bytes = 9_000, request_bytes = 1_000, down_for = "7s", sessions = "end" }\n'
WRITES = BASE.replace("workers = 2", "workers = 5").replace('"5s"', '"2s"')
LOADED = [
    WRITES + "host.conflict = { rows = 3 }\n" + OUTAGE + acts(ENDS),
    WRITES + 'host.conflict = { gap = { dist = "exponential", mean = "200ms" } }\nhost.late = "counts"\n' + acts(ENDS),
    JOBS.replace("workers = 2", "workers = 6") + 'host.conflict = { rows = 7 }\nhost.cancel = "queue"\n',
    BASE + 'host.cancel = "queue"\n' + acts(ENDS),
    BASE + 'host.full = "silent"\nhost.resend = "500ms"\n' + SHORT + acts(ENDS),
    BASE + 'host.full = "silent"\nhost.resend = { dist = "exponential", mean = "300ms" }\nhost.resend_growth = 3\n'
    + SHORT + acts(ENDS),
    BASE + 'host.slowdown = { a = 1.5, queue = 2, by = "in-service" }\n' + acts(ENDS),
    BASE + 'host.fail_after = "until-back"\n' + OUTAGE,
    BASE.replace('"5s"', '"2s"') + 'host.late = "counts"\n' + acts(ENDS),
    BASE + 'host.start_time = "12s"\n' + acts('do = "restart", at = "2m", sessions = "end", down_for = "5s"'),
    BASE + 'host.crash = { queue = 8, down_for = "10s", sessions = "end", told = true }\n' + acts(ENDS),
    BASE + 'host.crash = { probe_latency = "2s", down_for = "5s" }\nhost.probe = { every = "5s", time = "100ms" }\n'
    + acts(ENDS),
    BASE + CRASH + acts(ENDS),
    JOBS + 'host.slowdown = { a = 1.5, queue = 2, by = "in-service" }\nhost.start_time = "3s"\nhost.crash.queue = 30\n',
]  # fmt: skip


TWO = """
[classes.beat]
share = "40%"
renew_time = "10ms"
check_every = "20s"
duration = "70s"
first_delay = "1s"
[classes.other]
"""
BUCKET = 'policy.admission = { name = "token-bucket", rate = "6/s", burst = "2s" }\n'
BARE = BASE.rpartition("policy.client")[0]
TIMERS = [
    BARE + 'policy.client = { name = "equal-jitter", base = "1s", cap = "10s" }\n' + acts(ENDS),
    BARE + 'policy.client = { name = "proportional-jitter", base = "500ms", jitter = "40%" }\n' + OUTAGE,
    BARE + 'policy.client = { name = "decorrelated-jitter", base = "500ms", cap = "20s" }\n' + OUTAGE + acts(ENDS),
    BARE + 'policy.client = "aws-legacy"\npolicy.guard = "attempts"\n' + OUTAGE,
    BARE + BUCKET + 'policy.client = "aws-standard"\npolicy.guard = "aws-adaptive"\n' + OUTAGE,
    BASE + 'policy.guard = { name = "aws-standard", quota = 40, group = 7 }\n' + SHORT + OUTAGE,
    BASE + 'policy.guard = { name = "retry-budget", least_per_s = 0, group = "host", otherwise = "9s" }\n' + acts(ENDS),
    BASE + 'policy.guard = { name = "concurrency-budget", least = 1, group = 6 }\n' + OUTAGE,
    BASE + 'policy.guard = { name = "grpc-throttle", group = 3, otherwise = "9s" }\n' + acts(ENDS),
    BASE + 'policy.guard = { name = "circuit-breaker", window = 9, least = 9, group = "host", open = "9s" }\n' + OUTAGE,
    BASE.replace('"5s"', '"2s"')
    + 'policy.guard = { name = "sre-throttle", group = 9, otherwise = "9s" }\n'
    + acts(ENDS),
    BASE + 'policy.guard = { name = "initial-stagger", delay = "20s" }\n' + acts(ENDS) + TWO + "guard = 'sre-budget'\n",
    JOBS.replace("retries = 3", "retries = 1") + 'policy.guard = { name = "sre-budget", otherwise = "1m" }\n',
    JOBS + 'policy.guard = { name = "attempts", attempts = 2 }\n',
    BASE + BUCKET + 'host.hint = { time = "4s", jitter = "50%" }\n' + acts(ENDS),
    BASE + BUCKET + 'host.hint = { says = "tokens", clients = "at-least" }\n' + acts(ENDS),
    BASE + SHORT + 'host.hint = { says = "queue", time = "800ms" }\n' + acts(ENDS),
    BASE.replace('"5s"', '"2s"') + 'host.timeout_growth = 2\nhost.timeout_cap = "7s"\n' + acts(ENDS),
    JOBS.replace("jobs.retries = 3", "jobs.retries = 30") + "host.timeout_growth = 1.5\nhost.timeout_keeps = true\n",
    BASE.replace('"5s"', '"2s"')
    + acts(ENDS)
    + "[classes.a]\nshare = '50%'\ntimeout_growth = 3\n"
    + "client = { name = 'equal-jitter', cap = '9s' }\n[classes.b]\n",
]


TIED = """
[classes.beat]
establish_time = "30ms"
[classes.report]
after = "beat"
priority = 1
establish_time = { dist = "exponential", mean = "600ms" }
client = { name = "fixed", delay = "3s" }
[classes.block]
of = "beat"
priority = 2
check_every = "60s"
"""
BESIDE = """
[classes.holders]
cost = 2
[classes.calls]
steps = [{ at = "0s", rate = "2/s" }, { at = "3m", rate = "4/s" }]
retries = 2
arrivals = "even"
establish_time = "100ms"
timeout = "2s"
client = "immediate"
limit = 4
priority = 1
"""
WEIGHTS = """
[classes.a]
share = "50%"
weight = 3
[classes.b]
share = "25%"
weight = 1
limit = "3s"
establish_time = "200ms"
[classes.c]
lease = { name = "grace", grace = "9s" }
expire_time = "100ms"
"""
OF_JOBS = """
[classes.front]
share = "75%"
weight = 2
[classes.back]
retries = 0
weight = 1
[classes.then]
after = "front"
establish_time = "100ms"
priority = 1
[classes.batch]
rate = "1/s"
priority = 2
timeout = "20s"
"""
CLASSES = [
    BASE + acts(ENDS) + TWO,
    WRITES + 'host.conflict = { rows = 2, gap = "300ms", classes = ["other"] }\n' + acts(ENDS) + TWO,
    BASE + acts(ENDS) + TIED,
    BASE + acts(ENDS) + OUTAGE + BESIDE + '[policy.admission]\nname = "token-bucket"\nrate = "90%"\nburst = "3s"\n',
    BASE + acts(ENDS, 'do = "restart", at = "3m", sessions = "end", down_for = "4s"') + WEIGHTS,
    JOBS + 'policy.queue = { name = "bounded", limit = "4s" }\n' + OF_JOBS,
    BASE + 'fleet.start = "unleased"\nhost.late = "counts"\nhost.crash.queue = 30\n' + TIED,
]


SMALL = BASE.replace("fleet.hosts = 3", "fleet.hosts = 12")  # five holders a host
SHARES = [
    SMALL
    + acts(
        f'{ENDS}, share = "30%", zone = 2, notice = "at-check"',
        f'{ENDS.replace("2m", "150s")}, share = "7%"',
        'do = "hold-clients", at = "2m", lasts = "20s", waves = 7, every = "3s"',
        'do = "hold-clients", at = "4m", lasts = "10s", waves = 3, every = "9s", zone = 1',
    ),
    SMALL
    + acts(
        f'{ENDS}, share = "45%"',
        'do = "hold-clients", at = "130s", lasts = "10s", waves = 8, every = "2s", classes = ["beat", "other"]',
        'do = "throttle", at = "121s", rate = "30/s", only = "establish"',
        'do = "pause", at = "130s", lasts = "20s", classes = ["beat"]',
        'do = "throttle", at = "140s", rate = "12/s", burst = "3s", classes = ["other"]',
    )
    + TWO,
    SMALL
    + acts(
        f'{ENDS}, share = "90%"',
        'do = "throttle", at = "121s", rate = "20/s", limit = 9, '
        'release = [{ after = "40s", rate = "40/s" }, { after = "3m", rate = "off" }]',
        'do = "throttle", at = "130s", rate = "12/s", burst = "2s", limit = "4s", classes = ["other"], '
        'release = [{ after = "1m", rate = "30/s" }]',
    )
    + TWO,
    SMALL
    + 'policy.admission = { name = "queue-size-ramp", limit = 9, low = 2 }\n'
    + acts(
        f'{ENDS}, share = "90%"',
        'do = "throttle", at = "121s", rule = { name = "token-bucket", rate = "9/s", wait = "8s", line = 6 }, '
        'release = [{ after = "40s", rate = "0/s" }, { after = "1m", rate = "20/s" }, { after = "2m", rate = "off" }]',
        'do = "throttle", at = "121s", rule = { name = "queue-size-switch", limit = 7, low = 3, only = "establish" }, '
        'release = [{ after = "3m", rate = "off" }]',
        'do = "throttle", at = "125s", classes = ["other"], '
        'rule = { name = "queue-size-ramp", limit = "4s", low = "1s" }',
        'do = "throttle", at = "302s", rule = { name = "queue-size-switch", limit = 5, low = 1 }',
        'do = "throttle", at = "242s", rule = { name = "leaky-bucket", rate = "7/s", wait = "2s" }',
    )
    + TWO,
    BASE
    + 'policy.admission = { name = "token-bucket", rate = "4/s", wait = "9s" }\nhost.hint.says = "tokens"\n'
    + acts(
        f'{ENDS}, share = "55%"',
        'do = "throttle", at = "110s", rate = "9/s", classes = ["beat", "report"]',
        'do = "throttle", at = "115s", rate = "6/s", classes = ["report", "block"], '
        'release = [{ after = "20s", rate = "0/s" }, { after = "40s", rate = "12/s" }, { after = "2m", rate = "off" }]',
        'do = "pause", at = "150s", lasts = "9s"',
    )
    + TIED,
]
ON_CLASSES = [
    BASE
    + acts(
        f'{ENDS}, classes = ["beat"]',
        'do = "set", at = "121s", key = "classes.beat.timeout", value = "9s"',
        'do = "set", at = "122s", key = "host.timeout", value = "3s", lasts = "2m"',
        'do = "set", at = "125s", key = "classes.other.priority", value = 2, lasts = "30s"',
        'do = "set", at = "130s", key = "lease.check_every", value = "30s"',
    )
    + TWO,
    BASE
    + acts(
        ENDS,
        'do = "hold-clients", at = "2m", lasts = "15s", waves = 2, every = "10s", classes = ["report"]',
        'do = "throttle", at = "140s", rate = "2/s", classes = ["block", "beat"]',
        'do = "purge", at = "170s", classes = ["report"]',
    )
    + TIED,
    BASE
    + 'host.bar = { share = "70%", time = "6s", classes = ["calls"] }\n'
    + acts(
        ENDS,
        'do = "pause", at = "121s", lasts = "9s", classes = ["holders"]',
        'do = "set", at = "2m", key = "classes.calls.rate", value = "5/s", lasts = "1m"',
        'do = "set", at = "150s", key = "classes.calls.cost", value = 0.5',
        'do = "set", at = "160s", key = "host.establish_time", value = "200ms"',
    )
    + BESIDE,
    JOBS
    + acts(
        'do = "set", at = "1m", key = "jobs.rate", value = "6/s", lasts = "30s"',
        'do = "set", at = "100s", key = "classes.back.weight", value = 5',
        'do = "set", at = "110s", key = "classes.batch.limit", value = 2',
        'do = "set", at = "110s", key = "classes.front.client", value = "decorrelated-jitter"',
    )
    + OF_JOBS,
]


@pytest.mark.parametrize("text", ON_CLASSES)
def test_what_operators_do_to_a_class_agrees_with_the_twin(text: str) -> None:
    check(text)


@pytest.mark.parametrize("text", SHARES)
def test_shares_waves_and_several_gates_agree_with_the_twin(text: str) -> None:
    check(text)


@pytest.mark.parametrize("text", CLASSES)
def test_classes_agree_with_the_twin(text: str) -> None:
    check(text)


@pytest.mark.parametrize("text", TIMERS)
def test_client_timers_and_hints_agree_with_the_twin(text: str) -> None:
    check(text)


@pytest.mark.parametrize("text", CASES)
def test_sessions_agree_with_the_twin(text: str) -> None:
    check(text)


@pytest.mark.slow
@pytest.mark.parametrize("classes", [TWO, TIED, WEIGHTS])
@pytest.mark.parametrize("text", [text for text in (*OPERATORS, *POLICIES, *LIMITS, *LOADED) if "fleet" in text])
def test_classes_agree_with_the_twin_under_every_other_rule(text: str, classes: str) -> None:
    check(text + classes)


@pytest.mark.slow
@pytest.mark.parametrize("text", POLICIES)
@pytest.mark.parametrize("seed", [1, 2])
def test_policies_agree_with_the_twin_when_sessions_end(text: str, seed: int) -> None:
    check(text, seed)


AGAIN = BASE + acts(
    'do = "end-sessions", when = "leased > 90%", for = "50s", again_after = "100s"',
    'do = "set", when = "leased < 60%", key = "host.workers", value = 4, lasts = "30s", again_after = "1m"',
    'do = "purge", when = "queue > 20"',
)


OF_A_CLASS = (
    BASE
    + acts(
        'do = "end-sessions", when = "leased.beat > 90%", for = "50s", again_after = "100s", classes = ["beat"]',
        'do = "set", when = "oldest.report > 2s", key = "host.workers", value = 4, lasts = "30s", again_after = "1m"',
        'do = "purge", when = "queue.report > 9", again_after = "1m", classes = ["report"]',
    )
    + TIED
)


@pytest.mark.parametrize("text", [AGAIN, OF_A_CLASS])
def test_conditions_fire_again_as_the_twin_says(text: str) -> None:
    scenario = parse(text).first.scenario
    books = Fleet(twin_of(scenario), is_checked=False).run()
    with Runner(2) as runner:
        [outcome] = runner.run([(parse(text).first, 1, 0)])
    fired = [line for line in books.log if line.what in ("endsessions", "set", "purge") and line.host == 0]
    wanted = [(line.what, line.time / 1e9) for line in fired]
    assert [(do.replace("-", ""), at) for do, at, _ in outcome.actions] == wanted
    assert [do for do, _ in wanted].count("endsessions") > 1
    classes = range(max(len(scenario.classes), 1))
    for column, what in (("submitted", "submitted"), ("sessions_ended", "ended"), ("purged", "purged")):
        told = [
            sum(books.flows[w, host, k, what] for host in range(3) for k in classes) for w in range(scenario.windows)
        ]
        assert outcome.series[column].tolist() == told, column


def test_an_edit_that_changes_nothing_changes_no_bit() -> None:
    """The model's own law: setting a key to what it is, a hold of no length, workers that come and go at once."""
    plain, edited = (
        parse(BASE + acts(ENDS, *more)).first
        for more in (
            (),
            (
                'do = "set", at = "2m", key = "host.workers", value = 2',
                'do = "set", at = "100s", key = "host.timeout", value = "5s", lasts = "1m"',
                'do = "hold-clients", at = "121s", lasts = "0s"',
            ),
        )
    )
    with Runner(2) as runner:
        one, other = runner.run([(plain, 1, 0), (edited, 1, 0)])
    assert all((one.series[name] == other.series[name]).all() for name in one.series)


def test_measures_of_rules_are_those_of_the_columns() -> None:
    """Sums of columns; a server that counts late successes sees a lease no later than its holder does."""
    text = BASE.replace('"5s"', '"2s"') + 'host.late = "counts"\nhost.crash.queue = 40\n' + acts(ENDS)
    jobs = JOBS + "host.crash.queue = 20\n"
    with Runner(2) as runner:
        mine, theirs = runner.run([(parse(text).first, 1, 0), (parse(jobs).first, 1, 0)])
    row, columns = mine.measure(), mine.columns()
    assert row["sessions_ended"] == columns["sessions_ended"].sum() == 60
    assert row["crashes"] == columns["crashes"].sum()
    assert (columns["leased_server"] >= columns["leased"]).all()
    assert 0 <= row["ttr99_server_s"] <= row["ttr99_s"]
    assert theirs.measure()["crashes"] == theirs.columns()["crashes"].sum() > 0
    of_rules = {one.name for one in register.TABLE if one.of_rules}
    assert of_rules <= set(row)
    with Runner(1) as runner:
        [plain] = runner.run([(parse(BASE).first, 1, 0)])
    assert not of_rules & set(plain.measure())


def test_a_measure_of_rules_wants_a_rule() -> None:
    with pytest.raises(ScenarioError, match=r"mine\.toml: expect\.crashes is crashes, which only"):
        parse(BASE + 'expect.crashes = "< 1"\n', file="mine.toml")
    assert parse(BASE + 'host.crash.queue = 9\nexpect.crashes = "< 1"\n').expectations


def test_rules_that_are_off_leave_the_first_engine_and_the_key() -> None:
    """A key at its default asks for nothing: same stage, same key as without it."""
    plain = parse(BASE).first
    written = BASE + 'fleet.start = "leased"\nhost.full = "refuse"\nhost.cancel = "none"\nhost.start_time = "0s"\n'
    assert parse(written).first.scenario.rules == ()
    assert known.traffic_of(plain.scenario) is leases.STAGE
    assert identity.digest_of(parse(written).first, 1, 0) == identity.digest_of(plain, 1, 0)
    on = parse(BASE + 'fleet.start = "unleased"\n').first
    assert identity.digest_of(on, 1, 0) != identity.digest_of(plain, 1, 0)


WRONG = [
    ("fleet.in_step = true\n", "fleet", 'want in_step only with start = "unleased"'),
    (acts('do = "restart", at = "2m", notice = "5s"'), "operator.0", 'want notice only with sessions = "end"'),
    (acts(f'{ENDS}, notice = "soon"'), "operator.0.notice", 'is "soon"; want "at-once"'),
    (
        acts('do = "set", at = "2m", key = "fleet.hosts", value = 3'),
        "operator.0",
        "want end-sessions, hold-clients or restart",
    ),
    (
        acts('do = "set", at = "2m", key = "host.timeout", value = 5'),
        "operator.0",
        'with its unit, "5s"',
    ),
    (
        acts('do = "set", at = "2m", key = "host.timeout", value = "5s", over = "1m"'),
        "operator.0",
        "one number",
    ),
    (acts('do = "set", at = "2m", key = "host.workers", value = -1'), "operator.0", "want a whole number from 0"),
    (acts('do = "set", at = "2m", key = "host.timeout", value = "0s"'), "operator.0", "want a duration above 0"),
    (acts('do = "scale", at = "2m", workers = 0'), "operator.0", "above or below 0"),
    (acts(f'{ENDS}, again_after = "5m"'), "operator.0", "want again_after only with when"),
    ('policy.admission = { name = "token-bucket", line = 3 }\n', "policy.admission", "want line only with wait"),
    ('host.bar = { share = "0%", time = "1s" }\n', "host.bar.share", 'want a share above "0%"'),
    ('host.resend = "1s"\n', "host", 'want resend only with full = "silent"'),
    ('host.cancel = "worker"\nhost.cancel_on_timeout = false\n', "host", "without cancel_on_timeout"),
    ('host.crash = { down_for = "5s" }\n', "host.crash", "want queue, memory_bytes or probe_latency"),
    ('host.crash = { probe_latency = "5s" }\n', "host", "want a table [host.probe]"),
    ('host.fail_after = "soon"\n', "host.fail_after", '"until-back"'),
    ("host.hint = {}\n", "host.hint", 'want time with says = "time" or "queue"'),
    ('host.hint = { says = "tokens", time = "5s" }\n', "host.hint", 'none with "tokens"'),
    ('host.timeout_cap = "50s"\n', "host", "only with timeout_growth above 1"),
    (acts('do = "scale", at = "2m", hosts = 1'), "operator.0.hosts", "leases stay with their hosts"),
    (acts('do = "scale", at = "2m", hosts = 1, workers = 2'), "operator.0", "want either workers or hosts"),
    ("host.timeout_growth = 0.5\n", "host.timeout_growth", "want a number from 1"),
]


@pytest.mark.parametrize(("text", "key", "wanted"), WRONG)
def test_what_makes_no_sense_is_refused(text: str, key: str, wanted: str) -> None:
    """File, key, what is wanted."""
    with pytest.raises(ScenarioError) as refused:
        parse(BASE + text, file="mine.toml")
    assert f"mine.toml: {key}" in str(refused.value), refused.value
    assert wanted in str(refused.value), refused.value


NO_JOBS = [
    (acts('do = "scale", at = "2m", hosts = 1'), "operator.0.hosts is 1; want jobs.spare_hosts"),
    (acts(ENDS), "operator.0 ends sessions; want none of that: jobs hold no leases"),
    ('host.late = "counts"\n', 'host.late is "counts"; want none: jobs hold no leases'),
    (
        'host.crash = { queue = 9, sessions = "end" }\n',
        'host.crash.sessions is "end"; want "stay": jobs hold no leases',
    ),
    (
        acts('do = "set", at = "2m", key = "lease.check_every", value = "9s"'),
        "operator.0.key is lease.check_every; want one of a table that the file has",
    ),
]


@pytest.mark.parametrize(("text", "wanted"), NO_JOBS)
def test_what_jobs_do_not_have_is_refused(text: str, wanted: str) -> None:
    with pytest.raises(ScenarioError, match=r"mine\.toml") as refused:
        parse(JOBS + text, file="mine.toml")
    assert wanted in str(refused.value), refused.value


IN_VAIN = [
    ('host.full = "silent"\n', 'host.full is "silent", and no queue is ever full'),
    ('dependency.resume_after = "9s"\n', "no outage fails all requests"),
    ('lease.first_delay = "9s"\n', "no session ends"),
    ('host.hint = { time = "9s" }\n', "nothing refuses anybody"),
    ('host.hint.says = "tokens"\npolicy.queue = { name = "bounded", limit = 9 }\n', "no bucket"),
    (BUCKET + 'host.hint = { says = "queue", time = "1s" }\n', "then it says 0"),
    ('fleet.start = "unleased"\n', "few come before the horizon"),
]


@pytest.mark.parametrize(("text", "told"), IN_VAIN)
def test_a_rule_that_can_change_nothing_is_told(text: str, told: str) -> None:
    rare = BASE.replace('"40s"', '"100d"').replace('"100s"', '"200d"')
    notes = list(oddities(parse((rare if "fleet" in text else BASE) + text).first.scenario))
    assert any(told in note for note in notes), notes
    assert not any(told in note for note in oddities(parse(BASE + acts(ENDS)).first.scenario))


def test_explain_names_each_rule_in_use_and_why(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(BASE + 'host.full = "silent"\n' + acts(ENDS), encoding="utf-8")
    told = CliRunner().invoke(cli.main, ["explain", str(tmp_path / "mine.toml")])
    assert told.exit_code == 0, told.output
    assert "host.full: a full queue says nothing" in told.output
    assert "operator.0: sessions end at one moment" in told.output


@pytest.mark.parametrize("text", OPERATORS)
def test_operators_agree_with_the_twin(text: str) -> None:
    check(text)


@pytest.mark.parametrize("text", HOSTS)
def test_hosts_that_come_and_go_agree_with_the_twin(text: str) -> None:
    check(text)


def test_hosts_that_stand_by_and_are_never_asked_change_nothing() -> None:
    """Conservation: all jobs come to those that are in, and a run without spare hosts is the same."""
    with Runner(2) as runner:
        variants = [
            parse(JOBS + more + acts('do = "purge", at = "100s"')).first for more in ("", "jobs.spare_hosts = 2\n")
        ]
        plain, spare = runner.run([(variant, 1, 0) for variant in variants])
    assert all((plain.series[name] == spare.series[name]).all() for name in plain.series if name != "idle_ns")
    assert plain.series["arrived"].sum() > 0


@pytest.mark.parametrize("text", ADMISSION)
def test_controllers_of_admission_agree_with_the_twin(text: str) -> None:
    """And each of them has refused somebody."""
    flows = check(text).books.flows
    assert any(how == "rejected-admission" and many > 0 for (*_, how), many in flows.items())


@pytest.mark.parametrize("text", LIMITS)
def test_limits_that_wait_bars_and_expiries_agree_with_the_twin(text: str) -> None:
    check(text)


@pytest.mark.parametrize("text", LOADED)
def test_the_server_under_load_agrees_with_the_twin(text: str) -> None:
    check(text)


def test_who_uses_none_of_the_rules_does_not_load_their_engine() -> None:
    ask = (
        "import sys, recovery\n"
        f"recovery.parse({BASE!r}).run(threads=1)\n"
        "print('recovery_kernels.sessions.loop' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["False"]
