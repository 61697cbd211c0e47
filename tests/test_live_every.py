"""Every key that operators may set: set to what the file says it changes no bit, and set at the start it is the file.

Oracles: the same run without the edit, or with the value in the file (exact); the twin of part two, told the same file
by a second reading of it (tests/session_files.py), for keys that share numbers of the engine.
"""

import numpy as np
import pytest
from test_session_files import JOBS, acts, check

from recovery.errors import ScenarioError
from recovery.model.live import FIXED, LIVE, OF_CLASS, OF_CLASS_FIXED, live_of
from recovery.reading.experiment import parse
from recovery.simulate.pipeline import Runner

COLD = """
horizon = "4m"
hold = "1m"
fleet = { holders = 60, hosts = 2, start = "unleased", in_step = true }
host.establish_time = { dist = "exponential", mean = "400ms" }
host.renew_time = "50ms"
host.timeout = "5s"
lease.duration = "40s"
lease.check_every = "20s"
dependency.outages = [{ from = "80s", to = "140s" }]
policy.client = { name = "fixed", delay = "3s" }
"""
PATIENT = COLD.replace('delay = "3s"', 'delay = "45s"')
PARTLY = COLD.replace('to = "140s"', 'to = "140s", fails = "70%"').replace('delay = "3s"', 'delay = "9s"')
BUCKET = 'policy.admission = { name = "token-bucket", rate = "4/s", wait = "2s" }\n'
BAR = 'host.bar = { share = "50%", time = "3s" }\n'
HINT = 'policy.admission = { name = "token-bucket", rate = "3/s" }\nhost.hint = { time = "2s" }\n'
CRASH = 'host.crash = { queue = 15, memory_bytes = 9_000, request_bytes = 400, down_for = "3s" }\n'
PROBE = 'host.crash = { probe_latency = "2s", down_for = "3s" }\nhost.probe = { every = "2s", time = "1ms" }\n'
END = 'host.crash = { queue = 15, down_for = "3s", sessions = "end" }\n'
SILENT = 'host.full = "silent"\nhost.resend = "500ms"\npolicy.queue = { name = "bounded", limit = 4 }\n'
SHORT = 'policy.queue = { name = "bounded", limit = 4 }\n'
BY_QUEUE = 'policy.admission = { name = "queue-size", rate = "120%", limit = 9 }\n'
GRACE = 'policy.lease = { name = "grace", grace = "9s" }\n'
FREEZE = 'policy.lease = { name = "freeze", from_failures = "50%" }\n'
PARTS = '[classes.a]\nshare = "50%"\n[classes.b]\n'
OLD = 'policy.queue = { name = "drop-expired", max_age = "2s", margin = "100ms" }\n'
ADMISSIONS = '{ name = "token-bucket", rate = "5/s" }', '{ name = "aimd", initial = 2, least = 1 }', '"open"'

# For each key: more of the file (with its default, where that matters), the value there, another one.
OF_FILE = {
    "host.workers": ("", "1", "3"),
    "host.establish_time": ("", '{ dist = "exponential", mean = "400ms" }', '"200ms"'),
    "host.renew_time": ("", '"50ms"', '"100ms"'),
    "host.timeout": ("", '"5s"', '"9s"'),
    "host.timeout_growth": ("", "1.0", "2.0"),
    "host.timeout_cap": ("host.timeout_growth = 2\n", '"9s"', '"11s"'),
    "host.fail_after": ("", '"0s"', '"until-back"'),
    "host.reject_cost": (SHORT, '"0s"', '"20ms"'),
    "host.drop_cost": (OLD, '"0s"', '"20ms"'),
    "host.drop_notifies": (OLD, "true", "false"),
    "host.round_trip": (BAR.replace("3s", "1ms"), '"1ms"', '"300ms"'),
    "host.start_time": (CRASH, '"0s"', '"4s"'),
    "host.cancel": ("", '"none"', '"queue"'),
    "host.full": (SHORT, '"refuse"', '"silent"'),
    "host.resend": (SILENT, '"500ms"', '"200ms"'),
    "host.resend_growth": (SILENT, "2.0", "1.0"),
    "host.late": ("", '"wasted"', '"counts"'),
    "host.slowdown.a": ("host.slowdown = { a = 0.5, queue = 4 }\n", "0.5", "1.5"),
    "host.slowdown.b": ("host.slowdown = { a = 0.5, queue = 4 }\n", "1.0", "2.0"),
    "host.slowdown.queue": ("host.slowdown = { a = 0.5, queue = 4 }\n", "4", "2"),
    "host.bar": (BAR, '{ share = "50%", time = "3s" }', '{ share = "80%", time = "1s", only = "establish" }'),
    "host.bar.share": (BAR, '"50%"', '"20%"'),
    "host.bar.time": (BAR, '"3s"', '"1s"'),
    "host.bar.only": (BAR, '"all"', '"establish"'),
    "host.bar.classes": (BAR + PARTS, "[]", '["a"]'),
    "host.hint": (HINT, '{ time = "2s" }', '{ says = "tokens", clients = "at-least", jitter = "20%" }'),
    "host.hint.says": (HINT, '"time"', '"queue"'),
    "host.hint.time": (HINT, '"2s"', '"500ms"'),
    "host.hint.clients": (HINT, '"obey"', '"at-least"'),
    "host.hint.jitter": (HINT, '"0%"', '"50%"'),
    "host.crash": (CRASH, CRASH.partition(" = ")[2].strip(), '{ queue = 3, told = true }'),
    "host.crash.queue": (CRASH, "15", "6"),
    "host.crash.memory_bytes": (CRASH, "9_000", "2_000"),
    "host.crash.request_bytes": (CRASH, "400", "2_000"),
    "host.crash.probe_latency": (PROBE, '"2s"', '"1s"'),
    "host.crash.down_for": (CRASH, '"3s"', '"9s"'),
    "host.crash.sessions": (CRASH, '"stay"', '"end"'),
    "host.crash.notice": (END, '"at-once"', '"4s"'),
    "host.crash.told": (CRASH, "false", "true"),
    "host.probe.time": (PROBE, '"1ms"', '"300ms"'),
    "host.probe.every": (PROBE, '"2s"', '"1s"'),
    "dependency.resume_after": ("", '"0s"', '"9s"'),
    "lease.duration": ("", '"40s"', '"60s"'),
    "lease.check_every": ("", '"20s"', '"10s"'),
    "lease.check_jitter": ("", '"0%"', '"30%"'),
    "lease.expire_time": ('lease.expire_time = "100ms"\n', '"100ms"', '"300ms"'),
    "lease.first_delay": ("", '"0s"', '{ dist = "uniform", min = "0s", max = "20s" }'),
    "policy.client": ("", '{ name = "fixed", delay = "3s" }', '{ name = "full-jitter", base = "1s", cap = "9s" }'),
    "policy.queue": ("", '"fifo"', OLD.partition(" = ")[2].strip()),
    "policy.queue.limit": (SHORT, "4", "9"),
    "policy.queue.max_age": (OLD, '"2s"', '"1s"'),
    "policy.queue.margin": (OLD.replace('max_age = "2s", ', ""), '"100ms"', '"900ms"'),
    "policy.admission": ("policy.admission = " + ADMISSIONS[0] + "\n", *ADMISSIONS[:2]),
    "policy.admission.rate": (BUCKET, '"4/s"', '"2/s"'),
    "policy.admission.limit": (BY_QUEUE, "9", "4"),
    "policy.admission.burst": (BUCKET + BAR, '"1s"', '"500ms"'),
    "policy.admission.wait": (BUCKET, '"2s"', '"500ms"'),
    "policy.admission.line": (BUCKET, '"off"', "2"),
    "policy.lease": ("", '"fixed"', GRACE.partition(" = ")[2].strip()),
    "policy.lease.grace": (GRACE, '"9s"', '"15s"'),
    "policy.lease.from_failures": (FREEZE, '"50%"', '"100%"'),
    "policy.lease.then": (FREEZE, '"resume"', '"rearm"'),
    "policy.lease.until": (FREEZE, '"return"', '"heard"'),
    "jobs.rate": ("", '"12/s"', '"9/s"'),
    "jobs.retries": ("", "3", "0"),
}  # fmt: skip
FLAT = JOBS.replace(
    JOBS[JOBS.index("jobs.steps") : JOBS.index("host.workers")], 'jobs.steps = [{ at = "0s", rate = "12/s" }]\n'
)
OF_A_CLASS = {
    "establish_time": ('"400ms"', '"200ms"'),
    "renew_time": ('"50ms"', '"100ms"'),
    "timeout": ('"5s"', '"9s"'),
    "timeout_growth": ("1.5", "2.0"),
    "timeout_cap": ('"9s"', '"11s"'),
    "duration": ('"40s"', '"60s"'),
    "check_every": ('"20s"', '"10s"'),
    "check_jitter": ('"0%"', '"30%"'),
    "expire_time": ('"100ms"', '"300ms"'),
    "first_delay": ('"0s"', '"9s"'),
    "client": ('{ name = "fixed", delay = "3s" }', '"exponential"'),
    "lease": ('"fixed"', GRACE.partition(" = ")[2].strip()),
    "rate": ('"2/s"', '"4/s"'),
    "retries": ("3", "0"),
    "cost": ("1.0", "0.5"),
    "priority": ("0", "1"),
    "weight": ("1", "4"),
    "limit": ("4", "2"),
}
BEGINS_LATER = {"host.probe.every"}
"""What stands at the start is not asked for again: the first turn of the probe."""
ROUNDED = {"jobs.rate", "classes.a.rate"}
"""Arrivals whose rate is set go on from what the sum of the rate has grown, which rounds another way."""


def cases() -> list[tuple[str, str, str, str, str]]:
    """Key, file without it, more of the file, the value there, another."""
    texts = {
        "jobs.rate": FLAT,
        "jobs.retries": FLAT,
        "policy.lease.from_failures": PARTLY,
        "policy.lease.then": PATIENT,
        "policy.lease.until": PATIENT,
    }
    found = [(key, texts.get(key, COLD), *OF_FILE[key]) for key in OF_FILE]
    for key, (value, other) in OF_A_CLASS.items():
        more = "host.timeout_growth = 2\n" if key == "timeout_cap" else BUCKET if key == "cost" else ""
        if key in ("rate", "retries"):
            more += PARTS.replace('share = "50%"', 'rate = "2/s"' if key == "rate" else 'share = "50%"')
            found.append((f"classes.a.{key}", FLAT, more, value, other))
        else:
            found.append((f"classes.a.{key}", COLD, more + PARTS, value, other))
    return found


def series(text: str, *overrides: str) -> dict[str, np.ndarray]:
    """All columns of a run."""
    with Runner(1) as runner:
        return dict(next(runner.run([(parse(text, overrides=overrides).first, 1, 0)])).columns())


def assert_same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert {name for name in one if not np.array_equal(one[name], other[name], equal_nan=True)} == set()


def test_every_live_key_is_tried() -> None:
    assert set(OF_FILE) == set(LIVE)
    assert set(OF_A_CLASS) == set(OF_CLASS)


@pytest.mark.parametrize(("key", "text", "more", "value", "other"), cases(), ids=lambda value: str(value)[:30])
def test_an_edit_to_the_same_value_changes_no_bit_and_one_at_the_start_is_the_file(
    key: str, text: str, more: str, value: str, other: str
) -> None:
    name = '[{{ at = "0s", rate = {} }}]' if key == "jobs.rate" else "{}"
    in_file = "jobs.steps" if key == "jobs.rate" else key
    said = f"{in_file}={name.format(value)}"
    begin, rest = more.partition("[classes")[0], "".join(more.partition("[classes")[1:])
    quiet = 'do = "purge", at = "239s"'  # so that the engine is the same without the edit

    def edit(at: str, to: str) -> str:
        return text + begin + acts(quiet, f'do = "set", at = "{at}", key = "{key}", value = {to}') + rest

    plain = series(text + begin + acts(quiet) + rest, said)
    assert_same(series(edit("50s", value), said), plain)
    if key in BEGINS_LATER:
        return
    there = series(text + begin + acts(quiet) + rest, f"{in_file}={name.format(other)}")
    assert any(not np.array_equal(there[name], plain[name], equal_nan=True) for name in plain), "the value decides"
    set_then = series(edit("0s", other), said)
    if key in ROUNDED:
        assert abs(set_then["arrived"].cumsum() - there["arrived"].cumsum()).max() <= 2
    else:
        assert_same(set_then, there)


ENDS = 'do = "end-sessions", at = "50s"'
TOGETHER = [
    COLD
    + CRASH
    + acts(
        ENDS,
        'do = "set", at = "40s", key = "host.crash.queue", value = 9, lasts = "30s"',
        'do = "set", at = "52s", key = "host.crash.down_for", value = "6s", lasts = "60s"',
        'do = "set", at = "90s", key = "host.crash", value = { queue = 7, sessions = "end", notice = "4s" }',
        'do = "set", at = "150s", key = "host.crash.told", value = true',
        'do = "set", at = "200s", key = "host.crash", value = "off"',
    ),
    COLD
    + HINT
    + acts(
        ENDS,
        'do = "set", at = "20s", key = "host.hint.clients", value = "at-least", lasts = "45s"',
        'do = "set", at = "45s", key = "policy.client", value = { name = "full-jitter", base = "1s", cap = "8s" }',
        'do = "set", at = "55s", key = "host.hint", value = { time = "900ms", jitter = "30%" }',
        'do = "set", at = "70s", key = "classes.a.client", value = { name = "fixed", delay = "700ms" }, lasts = "90s"',
        'do = "set", at = "150s", key = "host.hint", value = "off", lasts = "40s"',
    )
    + PARTS,
    COLD
    + BUCKET
    + acts(
        ENDS,
        f'do = "set", at = "10s", key = "policy.admission", value = {ADMISSIONS[1]}, lasts = "50s"',
        'do = "set", at = "51s", key = "policy.admission", value = { name = "queue-size-ramp", limit = 9, low = 2 },'
        ' lasts = "40s"',
        'do = "set", at = "52s", key = "policy.admission.rate", value = "2/s", lasts = "2m"',
        'do = "set", at = "145s", key = "policy.admission", value = { name = "leaky-bucket", rate = "3/s" }',
        'do = "set", at = "150s", key = "policy.admission", value = "open", lasts = "5s", zone = 0',
        'do = "restart", at = "160s", down_for = "5s", sessions = "end"',
    ),
    COLD
    + SHORT
    + acts(
        ENDS,
        'do = "set", at = "51s", key = "policy.queue", value = "lifo", lasts = "20s"',
        'do = "set", at = "53s", key = "policy.queue.limit", value = 2, lasts = "90s"',
        'do = "set", at = "80s", key = "policy.queue", value = { name = "drop-expired", margin = "1s" }, share = "50%"',
        'do = "set", at = "150s", key = "policy.queue", value = { name = "bounded", limit = "3s" }',
    ),
    COLD
    + acts(
        ENDS,
        'do = "set", at = "30s", key = "lease.duration", value = "30s", lasts = "100s"',
        'do = "set", at = "60s", key = "policy.lease", value = { name = "grace", grace = "9s" }, lasts = "1m"',
        'do = "set", at = "70s", key = "classes.a.duration", value = "50s"',
        'do = "set", at = "130s", key = "classes.a.lease", value = { name = "freeze", then = "rearm" }',
        'do = "set", at = "150s", key = "lease.duration", value = "25s"',
        'do = "set", at = "160s", key = "policy.lease", value = "credit-on-arrival"',
    )
    + PARTS,
    FLAT
    + acts(
        'do = "set", at = "20s", key = "jobs.retries", value = 1, lasts = "1m"',
        'do = "set", at = "40s", key = "classes.a.retries", value = 0, lasts = "20s"',
        'do = "set", at = "50s", key = "policy.client", value = "immediate", lasts = "1m"',
        'do = "set", at = "70s", key = "host.bar", value = { share = "80%", time = "4s", classes = ["a"] }',
        'do = "set", at = "90s", key = "host.bar.share", value = "20%", lasts = "30s"',
        'do = "set", at = "100s", key = "host.bar", value = { share = "60%", time = "1s" }, lasts = "30s"',
        'do = "set", at = "180s", key = "host.bar", value = "off"',
    )
    + PARTS,
    COLD
    + acts(
        ENDS,
        'do = "set", at = "51s", key = "host.bar", value = { share = "90%", time = "3s", only = "establish" }',
        'do = "set", at = "60s", key = "host.bar.only", value = "all", lasts = "9s"',
        'do = "set", at = "60s", key = "host.cancel", value = "worker", lasts = "1m"',
        'do = "set", at = "70s", key = "host.full", value = "silent"',
        'do = "set", at = "85s", key = "host.fail_after", value = "until-back", lasts = "10s"',
        'do = "set", at = "100s", key = "dependency.resume_after", value = "5s"',
        'do = "set", at = "150s", key = "host.late", value = "counts"',
    ),
]


@pytest.mark.parametrize(
    "text",
    [pytest.param(text, marks=[] if place in (0, 4) else [pytest.mark.slow]) for place, text in enumerate(TOGETHER)],
)
def test_keys_that_share_numbers_agree_with_the_twin(text: str) -> None:
    check(text)


def test_what_a_condition_sets_off_is_the_same_as_at_its_time() -> None:
    """The condition is true from the first window's end (10 s) on, so both begin there; what they share is settled anew
    when the condition fires, among edits that were planned.
    """
    planned = (
        'do = "set", at = "5s", key = "host.crash.queue", value = 9, lasts = "30s"',
        'do = "set", at = "20s", key = "host.crash.told", value = true, lasts = "40s"',
        'do = "set", at = "60s", key = "host.crash", value = { queue = 5 }, lasts = "20s"',
    )
    edit = 'do = "set", {}, key = "host.crash.down_for", value = "7s", lasts = "45s"'
    said = [
        series(COLD + CRASH + acts(*planned, edit.format(when))) for when in ('at = "10s"', 'when = "leased < 99%"')
    ]
    assert said[0]["crashes"].sum() > 0
    assert_same(*said)


def test_what_no_operator_sets_says_what_is_wanted() -> None:
    for key, wanted in [*FIXED.items(), *((f"classes.a.{key}", wanted) for key, wanted in OF_CLASS_FIXED.items())]:
        assert live_of(key) is None
        with pytest.raises(ScenarioError) as refused:
            parse(COLD + acts(f'do = "set", at = "1m", key = "{key}", value = 1') + PARTS, file="mine.toml")
        assert f"operator.0: {key} cannot be set in a run; want {wanted}" in str(refused.value)
