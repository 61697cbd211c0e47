"""Small runs of every rule, and what came of each, as two short hashes: of its series and of its row of results.

They guard the numbers MODEL, MEASURES and RACE (recovery.simulate.identity): where a hash changes, results may change,
and the number that stands in every key must be raised, or old rows would be mixed with new ones. They say that
something changed, never what is right: for that there are twins and closed forms. After a number was raised,

    python tests/fingerprints.py

writes them anew into tests/golden/fingerprints.json.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from recovery.model.race import RaceAlone
from recovery.reading.experiment import Experiment, parse
from recovery.simulate import chain, identity, pipeline
from recovery.simulate.pipeline import Outcome
from recovery.study import race

GOLDEN = Path(__file__).resolve().parent / "golden" / "fingerprints.json"
LEASES = """
horizon = "30m"
hold = "2m"
seed = 20
fleet = { holders = 240, hosts = 4, zones = 2 }
host = { workers = 1, establish_time = { dist = "exponential", mean = "900ms" }, renew_time = "20ms", timeout = "20s" }
lease = { duration = "3m", check_every = "1m", check_jitter = "10%" }
dependency.outages = [{ from = "3m", to = "9m" }]
policy.client = { name = "full-jitter", base = "1s", cap = "20s" }
"""
JOBS = """
horizon = "20m"
hold = "2m"
seed = 21
recovers_from = "4m"
coupling.window = "5s"
jobs.hosts = 2
jobs.retries = 3
jobs.steps = [{ at = "0s", rate = "8/s" }, { at = "3m", rate = "60/s" }, { at = "4m", rate = "8/s" }]
host = { workers = 2, establish_time = { dist = "exponential", mean = "200ms" }, timeout = "4s" }
"""  # fmt: skip
LATER = (
    LEASES
    + """
launches = { demand = "3/s", changes = "1/s", client = { name = "full-jitter", base = "5s", cap = "1m" } }
propagation = { workers = 2, time = { dist = "exponential", mean = "400ms" } }
health.targets = 40
health.interval = "10s"
health.timeout = "2s"
health.workers = 1
health.joins = "1%"
health.rise = 1
health.time = { dist = "exponential", mean = "230ms" }
"""
)
RACE = """
seed = 5
dns.enactors = 2
dns.endpoints = 2
dns.keep = 3
dns.delays.transaction = { dist = "exponential", mean = "4s" }
dns.delays.plan = "20s"
dns.delays.look = "5s"
dns.delays.back_off = "5s"
dns.delays.clean_up = "1s"
dns.lock = { loses = "5%", loses_again = "50%", factor = 2.0, cap = "1h" }
how_often = { years = 0.05, trials = 64, repeats = 4 }
"""  # fmt: skip
TIED = """classes.beat = { renew_time = "5ms" }
classes.report = { after = "beat", priority = 1, cost = 0.5 }
classes.calls = { rate = "1/s", retries = 2, establish_time = "100ms", limit = "9s" }"""
CHANGES: dict[str, list[str]] = {
    LEASES: [
        "",
        *(f'policy.client = "{name}"' for name in ("immediate", "exponential")),
        'policy.client = { name = "fixed", delay = { dist = "uniform", min = "1s", max = "9s" } }',
        'policy.admission = { name = "token-bucket", rate = "90%" }',
        'policy.admission = { name = "token-bucket", rate = "3/s", only = "establish", burst = "5s" }',
        'policy.admission = { name = "queue-size", rate = "150%", limit = "15s" }',
        'policy.admission = { name = "queue-size-switch", limit = 12, low = 4 }',
        'policy.admission = { name = "queue-size-ramp", limit = "30s", low = "5s", only = "establish" }',
        *(f'policy.queue = "{name}"' for name in ("lifo", "drop-expired")),
        'policy.queue = { name = "bounded", limit = "10s" }',
        'policy.queue = { name = "bounded", limit = 7 }\nhost.reject_cost = "100ms"',
        'policy.queue = { name = "drop-expired", max_age = "9s", margin = "1s" }\nhost.drop_cost = "50ms"',
        'policy.queue = { name = "drop-expired", max_age = "9s" }\nhost.drop_notifies = true',
        'policy.queue = { name = "adaptive-lifo", window = "20s", short = "4s" }',
        'policy.queue = { name = "codel", target = "2s", interval = "10s" }',
        'policy.queue = { name = "codel-folly", target = "2s", interval = "10s" }',
        'policy.queue = { name = "pie", target = "5s", update = "1s", burst = "5s" }',
        'policy.queue = "earliest-deadline"\nhost.timeout = { dist = "exponential", mean = "20s" }',
        'policy.queue = { name = "fair-queue", queues = 8, hand = 2, limit = 3, wait = "15s" }',
        "host.cancel_on_timeout = true",
        'policy.lease = { name = "grace", grace = "1m" }',
        'policy.lease = "credit-on-arrival"',
        'policy.lease = { name = "freeze", then = "resume" }\nhost.renew_time = "3s"',
        'policy.lease = { name = "freeze", then = "rearm" }\nhost.renew_time = "3s"',
        'policy.lease = { name = "freeze", until = "heard", then = "rearm" }\nhost.renew_time = "3s"',
        'policy.lease = { name = "freeze", until = "heard" }\nhost.fail_after = "until-back"',
        'policy.lease = { name = "load-scaled", loaded = "5m", limit = 3 }',
        'policy.lease = { name = "self-preservation", check_every = "1m" }',
        'policy.lease = { name = "expiry-cap", rate = "1/s", batch = 5 }',
        *(
            f'policy.lease = {{ {text} }}\n[[operator]]\ndo = "restart"\nat = "4m"\ndown_for = "20s"'
            for text in ('name = "failover-extension", spread = "2/s"', 'name = "learning", learning = "5m"')
        ),
        'host.slowdown = { a = 0.5, b = 1.5, queue = 10 }',
        *(
            f"host.establish_time = {{ {text} }}"
            for text in (
                'dist = "lognormal", mean = "900ms", cv = 2.0', 'dist = "uniform", min = "100ms", max = "2s"',
                'dist = "weibull", mean = "900ms", shape = 0.7', 'dist = "pareto", mean = "900ms", tail = 2.5',
            )
        ),
        'host.timeout = { dist = "exponential", mean = "30s" }',
        'lease.duration = { dist = "uniform", min = "2m", max = "4m" }',
        'host.fail_after = "3s"\nhost.round_trip = "200ms"',
        'dependency.outages = [{ from = "3m", to = "6m", fails = "60%" }, { from = "7m", to = "9m" }]',
        "fleet.skew = 1.0",
        "fleet.hosts = 12\nfleet.sample_hosts = 4",
        'recovers_from = "8m"\nhold = "5m"',
        'baseline = { within = "20%", over = "1m" }',
        '[[operator]]\ndo = "restart"\nat = "11m"\nwaves = 2\nevery = "30s"\ndown_for = "20s"',
        '[[operator]]\ndo = "throttle"\nat = "9m"\nrate = "2/s"\nrelease = [{ after = "2m", rate = "off" }]',
        '[[operator]]\ndo = "pause"\nat = "9m"\nlasts = "2m"\nzone = 1',
        '[[operator]]\ndo = "restart"\nwhen = "leased < 50%"\nfor = "20s"\nshare = "50%"',
        '[[operator]]\ndo = "throttle"\nwhen = "queue > 20"\nrate = "80%"\nonly = "establish"',
        'fleet.start = "unleased"\nfleet.in_step = true\nlease.first_delay = "20s"',
        'dependency.resume_after = "40s"\nhost.fail_after = "until-back"',
        '[[operator]]\ndo = "end-sessions"\nat = "15m"\nshare = "60%"\nnotice = "10s"',
        'host.start_time = "9s"\n[[operator]]\ndo = "restart"\nat = "15m"\nsessions = "end"\ntold = true',
        '[[operator]]\ndo = "set"\nat = "9m"\nkey = "host.workers"\nvalue = 3\nover = "4m"',
        '[[operator]]\ndo = "hold-clients"\nat = "8m"\nlasts = "2m"\nwaves = 3\nevery = "30s"',
        'host.full = "silent"\nhost.resend = "1s"\npolicy.queue = { name = "bounded", limit = 5 }',
        'host.late = "counts"\nhost.crash.queue = 40\nhost.crash.sessions = "end"\nhost.timeout = "9s"',
        'host.slowdown = { a = 0.5, queue = 1, by = "in-service" }\nhost.workers = 3\nhost.cancel = "queue"',
        'policy.admission = { name = "token-bucket", rate = "3/s", wait = "9s" }\nlease.expire_time = "50ms"',
        'policy.admission = { name = "leaky-bucket", rate = "3/s", wait = "9s", line = 20 }',
        'policy.admission = { name = "fixed-concurrency", limit = "9s" }',
        'policy.admission = { name = "aimd", initial = 4, least = 1, timeout = "9s", only = "establish" }',
        'policy.admission = { name = "vegas", initial = 4 }\npolicy.queue = "drop-expired"',
        'policy.admission = { name = "gradient2", initial = 4, least = 2, window = "20s" }\nhost.cancel = "worker"',
        'policy.admission = { name = "envoy-adaptive-concurrency", requests = 9, most = 20 }',
        'policy.admission = { name = "envoy-admission-control", aggression = 2 }',
        'policy.admission = { name = "blue", increase = "20%" }',
        'policy.admission = { name = "pid", memory = "20s" }',
        'policy.admission = { name = "percentage-ramp", start = "9m", every = "1m" }',
        'host.bar = { share = "50%", time = "20s" }',
        'host.conflict = { rows = 9, gap = "500ms" }\nhost.workers = 4\nhost.timeout = "5s"',
        'classes.old = { share = "25%", weight = 3, timeout = "9s" }\nclasses.new = { weight = 1, duration = "2m" }',
        TIED,
        'policy.client = "decorrelated-jitter"',
        'policy.client = { name = "equal-jitter", base = "2s", cap = "20s" }\nhost.timeout_growth = 1.5',
        'policy.client = "proportional-jitter"\nlease.scaled = { above = 100 }',
        'host.hint = { says = "queue", time = "900ms" }\npolicy.queue = { name = "bounded", limit = 5 }',
        *(
            f'policy.guard = {{ name = "{name}", {text}group = 9, otherwise = "20s" }}'
            for name, text in (
                ("retry-budget", "least_per_s = 0, "), ("concurrency-budget", "least = 1, "), ("grpc-throttle", ""),
                ("aws-standard", "quota = 99, "), ("circuit-breaker", "window = 9, least = 9, "),
                ("sre-throttle", ""), ("sre-budget", ""),
            )
        ),
        'policy.admission = { name = "token-bucket", rate = "2/s" }\npolicy.guard = "aws-adaptive"',
        'policy.guard = { name = "initial-stagger", delay = "40s" }\nfleet.start = "unleased"\nfleet.in_step = true',
        'policy.client = "aws-legacy"\npolicy.guard = "attempts"',
        'policy.client = "aws-standard"\npolicy.guard = "aws-standard"\nhost.reject_cost = "1ms"',
    ],
    JOBS: [
        "",
        'jobs.retries = "unlimited"',
        "jobs.retries = 0",
        'jobs.arrivals = "even"',
        'policy.client = { name = "exponential", base = "500ms", cap = "20s" }',
        'policy.queue = "lifo"',
        'policy.queue = { name = "bounded", limit = "3s" }',
        'policy.admission = { name = "token-bucket", rate = "12/s" }',
        "host.cancel_on_timeout = true",
        'dependency.outages = [{ from = "2m", to = "4m", fails = "50%" }]',
        'jobs.spare_hosts = 2\n[[operator]]\ndo = "scale"\nat = "4m"\nhosts = 1\nwarm_up = "20s"',
        'classes.front = { share = "60%", priority = 1 }\nclasses.back = { retries = 0 }',
    ],
    LATER: [
        "",
        'launches.arrivals = "even"\nlaunches.pinned = "50%"\nlaunches.looks = 2\nlaunches.retries = 2',
        'launches.throttle = [{ at = "9m", rate = "2/s" }, { at = "15m", rate = "off" }]',
        'launches.admission = { name = "queue-size", rate = "6/s", limit = 40 }',
        'launches.admission = { name = "fixed-concurrency", limit = 40 }\npropagation.queue = "lifo"',
        'launches.admission = { name = "percentage-ramp", start = "8m", every = "1m" }',
        'propagation.slowdown = { a = 0.5, queue = 50 }\npropagation.fails = "5%"',
        *(
            f"propagation.intake = {{ {text} }}"
            for text in (
                'name = "token-bucket", rate = "4/s"', 'name = "queue-size", rate = "6/s", limit = 40',
                'name = "queue-size-switch", limit = 40, low = 10', 'name = "queue-size-ramp", limit = 40, low = 10',
            )
        ),
        'propagation.intake = { name = "aimd", initial = 5, least = 2, most = 50 }\npropagation.shards = 2',
        'propagation.intake = { name = "leaky-bucket", rate = "4/s", wait = "20s" }',
        'propagation.queue = { name = "codel", target = "5s", interval = "20s" }\npropagation.timeout = "2m"',
        'propagation.queue = { name = "fair-queue", queues = 8, hand = 2, limit = 5, wait = "20s" }',
        'propagation.shards = 2\npropagation.reductions = [{ at = "10m", lasts = "5m", share = "50%" }]',
        *(
            f"health.policy = {{ {text} }}"
            for text in (
                'name = "fail-open", healthy = 19', 'name = "panic", below = "90%"',
                'name = "ejection-cap"', 'name = "velocity"',
                'name = "flap-damping", base = "10m", cap = "20m"',
            )
        ),
        'health.terminate_after = "2m"\nhealth.change_time = "100ms"',
        'health.failover = [{ at = "5m", do = "off" }]\nhealth.rise = 2\nhealth.fall = 2',
    ],
    RACE: ["", 'dns.guardrails = ["compare-and-set"]', 'dns.guardrails = ["keep-active", "refuse-empty"]'],
}  # fmt: skip


def experiment_of(base: str, change: str) -> Experiment:
    """A small run: a base with one change, which may be tables of operators behind it."""
    lines, _, table = change.partition("[[")
    overrides = tuple(line.replace(" = ", "=", 1) for line in lines.splitlines() if line)
    model = RaceAlone if base is RACE else None
    return parse(base + (f"[[{table}" if table else ""), overrides=overrides, model=model)


def outcome_of(experiment: Experiment) -> Outcome:
    """Its first run."""
    with pipeline.Runner(1) as runner:
        return chain.follow(next(runner.run([(experiment.first, experiment.head.seed, 0)])))


def _hash(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]


def series_of(outcome: Outcome) -> str:
    """Hash of all that the stages gave: whole numbers, the same on every machine."""
    tables = outcome.traffic, *outcome.later.values()
    arrays = {name: column for table in tables for name, column in table.columns.items()}
    arrays |= {
        "zones": outcome.traffic.leased_by_zone,
        "sojourn": np.trim_zeros(outcome.traffic.sojourn, "b"),  # however long the times are for which there is room
        "latency": np.trim_zeros(outcome.traffic.latency, "b"),
    }
    return _hash(*(name.encode() + np.ascontiguousarray(arrays[name]).tobytes() for name in sorted(arrays)))


def _rounded(value: Any) -> Any:
    """Nine digits: the last bits of a float are the machine's."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return float(f"{value:.9g}") if isinstance(value, float | np.floating) else value


def row_of(row: Any) -> str:
    """Hash of a row of results."""
    return _hash(json.dumps(_rounded(row), sort_keys=True, default=str).encode())


def fingerprint(base: str, change: str) -> list[str]:
    """Series and row of a run; of the race its answer, twice."""
    experiment = experiment_of(base, change)
    if base is RACE:
        told = row_of(race.answer(experiment, 1).model_dump(exclude={"format"}))
        return [told, told]
    outcome = outcome_of(experiment)
    return [series_of(outcome), row_of(outcome.measure())]


NAMES = {LEASES: "leases", JOBS: "jobs", LATER: "later", RACE: "race"}
RUNS = {f"{NAMES[base]}: {change}": (base, change) for base, changes in CHANGES.items() for change in changes}


def written() -> dict[str, Any]:
    """What the golden file holds now, if it were written anew."""
    numbers = {"model": identity.MODEL, "measures": identity.MEASURES, "race": identity.RACE}
    return numbers | {"runs": {name: fingerprint(*run) for name, run in RUNS.items()}}


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(json.dumps(written(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
