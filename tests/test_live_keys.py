"""What operators' words in files turn into, where the twin has no say. Oracle: by hand."""

import numpy as np
import pytest
from test_session_files import BASE, JOBS, OF_JOBS, acts

import recovery
from recovery.errors import ScenarioError
from recovery.model.at_best import job_steps
from recovery.model.operator import SetKey
from recovery.reading.experiment import parse
from recovery.simulate.pipeline import Runner
from recovery.stages.sessions.live import edits_of
from recovery.stages.sessions.numbers import numbers_of
from recovery.study.resolved import resolved

RAMP = 'do = "set", at = "100s", value = "66/m", over = "100s"'
EVEN = """
horizon = "220s"
hold = "10s"
jobs.arrivals = "even"
jobs.steps = [{ at = "0s", rate = "6/m" }]
host.establish_time = "1ms"
host.timeout = "3s"
"""
BY_QUEUE = 'policy.admission = { name = "queue-size-ramp", low = 30, limit = 60 }\n'


@pytest.mark.parametrize(
    ("key", "wanted"),
    [
        ("classes.front.rate", {0: 3.0}),  # 6/s in all, half of it at each of two hosts
        ("classes.batch.rate", {3: 3.0}),  # the same of a class with a rate of its own
        ("jobs.rate", {0: 2.25, 1: 0.75}),  # 75 % and 25 % of that are parts of [jobs]
    ],
)
def test_a_rate_is_that_of_the_class_which_is_named(key: str, wanted: dict[int, float]) -> None:
    """classes.NAME.rate is the rate of that class in all, also where it is a share of [jobs]."""
    scenario = parse(JOBS + acts(f'do = "set", at = "1m", key = "{key}", value = "6/s"') + OF_JOBS).first.scenario
    action = scenario.operator[0]
    assert isinstance(action, SetKey)
    found = {edit.number: edit.value * 1e9 for edit in edits_of(numbers_of(scenario), action)}
    assert found == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(
    ("key", "classes"),
    [("jobs.rate", ""), ("jobs.rate", "[classes.a]\n"), ("classes.a.rate", "[classes.a]\n")],
)
def test_a_ramp_of_a_rate_begins_at_the_rate_of_the_file(key: str, classes: str) -> None:
    """From 1 job in 10 s to 11 over ten windows of 10 s: after the first k of them 1 + 2 + … + k have come."""
    text = EVEN + acts(f'{RAMP}, key = "{key}"') + classes
    with Runner(1) as runner:
        arrived = next(runner.run([(parse(text).first, 1, 0)])).columns()["arrived"].cumsum()
    wanted = np.cumsum([1] * 10 + list(range(1, 11)) + [11, 11])
    assert (abs(arrived - wanted) <= 1).all(), arrived  # evenly spaced, from a random phase


RISES = """
horizon = "6m"
hold = "10s"
coupling.window = "2s"
recovers_from = "150s"
dependency.outages = [{ from = "140s", to = "150s" }]
policy.client = { name = "full-jitter", base = "1s", cap = "5s" }
host = { workers = 40, establish_time = "100ms", timeout = "5s" }
"""


def test_a_rate_that_is_set_for_good_is_judged_as_one_of_the_file() -> None:
    """From 60 s on many times as many jobs come, so that as many more wait when all is well: by a step of the file, or
    by operators. The jobs are the same, and so is all that is said of them.
    """
    calm, busy = '{ at = "0s", rate = "10/s" }', '{ at = "60s", rate = "350/s" }'
    in_file = RISES + f"jobs = {{ steps = [{calm}, {busy}], retries = 3 }}\n"
    by_hand = RISES + f"jobs = {{ steps = [{calm}], retries = 0 }}\n"
    rate, retries = 'at = "60s", key = "jobs.rate", value = "350/s"', 'at = "60s", key = "jobs.retries", value = 3'
    by_hand += acts(f'do = "set", {rate}', f'do = "set", {retries}')
    told, wanted = (resolved(parse(text).first.scenario) for text in (by_hand, in_file))
    assert told.jobs == wanted.jobs
    found, row = (recovery.parse(text).run(progress=False).rows.row(0, named=True) for text in (by_hand, in_file))
    assert [found[name] for name in ("verdict", "ttr99_s", "backlog_end")] == [
        row[name] for name in ("verdict", "ttr99_s", "backlog_end")
    ]
    assert row["verdict"] == "recovered"


def test_jobs_of_a_class_come_at_the_rate_in_force() -> None:
    """Of [jobs] three quarters are of one class, and a quarter of another; each of the first is followed by one of a
    third class, and the last has 1/s of its own. What is set for a while is over at the end.
    """
    rates = 'at = "1m", key = "jobs.rate", value = "6/s"', 'at = "1m", key = "classes.front.rate", value = "60/s"'
    text = JOBS + acts(f'do = "set", {rates[0]}', f'do = "set", {rates[1]}, lasts = "30s"') + OF_JOBS
    found = {step.at: step.rate_per_s() for step in job_steps(parse(text).first.scenario)}
    assert found[0.0] == pytest.approx(0.75 * 3 * 2 + 0.25 * 3 + 1)
    assert found[60.0] == pytest.approx(60 * 2 + 0.25 * 6 + 1)
    assert found[90.0] == found[120.0] == pytest.approx(0.75 * 6 * 2 + 0.25 * 6 + 1)  # not that of the file


def test_a_pause_that_is_set_off_again_is_one_again() -> None:
    """A condition that always holds, seen at the end of the first window of 10 s and every 40 s from there on, pauses a
    window each time; jobs are refused in these windows and in no other.
    """
    text = EVEN.replace("6/m", "60/m") + "jobs.retries = 0\n"
    text += acts('do = "pause", when = "queue < 1000", lasts = "10s", again_after = "40s"')
    with Runner(1) as runner:
        refused = next(runner.run([(parse(text).first, 1, 0)])).columns()["rejected_throttle"]
    assert np.flatnonzero(refused).tolist() == [1, 5, 9, 13, 17, 21]


EVERY = """
horizon = "400s"
hold = "10s"
coupling.window = "20s"
fleet = { holders = 40, hosts = 1 }
host = { workers = 40, establish_time = "1s", timeout = "10s" }
lease.duration = "60s"
lease.check_every = "20s"
"""


def flow_of(text: str, name: str) -> np.ndarray:
    """A column of a run."""
    with Runner(1) as runner:
        return next(runner.run([(parse(text).first, 1, 0)])).columns()[name]


@pytest.mark.parametrize("engine", ["first", "sessions"])
@pytest.mark.parametrize("only", ["all", "establish"])
def test_a_pause_lets_nobody_in(engine: str, only: str) -> None:
    """Of a job a second at each of two hosts those of 60 s to 90 s are refused, the first one of a host too. (A bucket
    with a token to begin with would let in one at each host.)
    """
    text = (
        EVEN.replace("6/m", "2/s")
        + "jobs.retries = 0\njobs.hosts = 2\n"
        + ('host.start_time = "1ms"\n' * (engine != "first"))
    )
    text += acts(f'do = "pause", at = "60s", lasts = "30s", only = "{only}"')
    refused, arrived = flow_of(text, "rejected_throttle"), flow_of(text, "arrived")
    assert np.flatnonzero(refused).tolist() == [6, 7, 8]
    assert (refused[6:9] == arrived[6:9]).all()


@pytest.mark.parametrize("text", [EVEN.replace("6/m", "2/s") + "jobs.retries = 0\n"])
def test_a_throttle_at_a_rate_of_0_is_a_pause(text: str) -> None:
    rates = 'rate = "0/s", release = [{ after = "30s", rate = "off" }]'
    paused = flow_of(text + acts('do = "pause", at = "60s", lasts = "30s"'), "rejected_throttle")
    assert paused.sum() == 60
    assert (flow_of(text + acts(f'do = "throttle", at = "60s", {rates}'), "rejected_throttle") == paused).all()


def test_a_time_to_renew_that_was_set_is_no_time_to_establish() -> None:
    """40 holders renew 20 s after each success: 1 s of work as to establish; from 100 s on 2 s, as is set; a time to
    establish that is set at 200 s does not change that; from 300 s on, when it is over, it is 3 s, as to establish.
    """
    text = EVERY + acts(
        'do = "set", at = "100s", key = "host.renew_time", value = "2s", lasts = "200s"',
        'do = "set", at = "200s", key = "host.establish_time", value = "3s"',
    )
    work = flow_of(text, "useful_work_ns") / 1e9
    a_window_s = [40 * 20 * one / (20 + one) for one in (1, 2, 2, 3)]
    assert [work[k + 1 : k + 5].mean() for k in (0, 5, 10, 15)] == pytest.approx(a_window_s, rel=0.05)


@pytest.mark.parametrize(
    ("scaled", "told", "wanted_s"),
    [
        ('rate = "2/s"', "10s", 20),  # 40 members, no more than 2 checks a second
        ('rate = "2/s"', "50s", 50),
        ("above = 10", "10s", 30),  # twice doubled above 10: three times as long
    ],
)
def test_a_time_between_checks_that_is_set_is_scaled_by_members(scaled: str, told: str, wanted_s: float) -> None:
    text = EVERY + f"lease.scaled = {{ {scaled} }}\n"
    for tables, key in (("", "lease.check_every"), ("[classes.a]\n", "classes.a.check_every")):
        scenario = parse(text + acts(f'do = "set", at = "1m", key = "{key}", value = "{told}"') + tables).first.scenario
        action = scenario.operator[0]
        assert isinstance(action, SetKey)
        assert [edit.value for edit in edits_of(numbers_of(scenario), action)] == [wanted_s * 1e9]


def test_leases_that_are_tied_have_a_rate_together() -> None:
    """40 members with a beat each 20 s and a report each 40 s are 3 checks a second; at 1/s both take three times as
    long. Who is tied to nobody has the rate alone: 0.5 checks a second are below it.
    """
    text = (
        EVERY.replace("holders = 40", "holders = 60") + 'lease.scaled = { rate = "1/s" }\nlease.check_jitter = "0%"\n'
    )
    text += '[classes.beat]\nshare = "40/60"\n[classes.report]\nafter = "beat"\ncheck_every = "40s"\nduration = "90s"\n'
    text = text.replace('"40/60"', "0.6666666666666666") + '[classes.alone]\ncheck_every = "40s"\nduration = "90s"\n'
    scenario = parse(text).first.scenario
    leases = {name: scenario.seen_by(name).lease for name in scenario.classes}
    every_s = {name: lease.check_every for name, lease in leases.items() if lease is not None}
    assert every_s == pytest.approx({"beat": 60.0, "report": 120.0, "alone": 40.0})
    assert scenario.renewals_per_s == pytest.approx(1.0 + 0.5)


TOO_DEAR = '[classes.a]\nshare = "50%"\n[classes.b]\ncost = 5\n'
BUCKET = 'policy.admission = { name = "token-bucket", rate = "30/s" }\n'
WRONG = [
    (
        BASE + acts('do = "throttle", at = "1m", rate = "3/s"') + TOO_DEAR,
        "operator.0.burst makes at most 1 token at a host, and classes.b.cost is 5; want a smaller cost, or a longer",
    ),
    (
        BASE
        + acts('do = "throttle", at = "1m", rate = "30/s"', 'do = "set", at = "9s", key = "classes.a.cost", value = 11')
        + TOO_DEAR,
        "operator.0.burst makes at most 10 tokens at a host, and classes.a.cost is 11",
    ),
    (
        BASE + BUCKET + acts('do = "set", at = "1m", key = "classes.a.cost", value = 11') + TOO_DEAR,
        "operator.0.value is 11, and admission has at most 10 tokens at a host; want a smaller cost, or a longer burst",
    ),
    (
        BASE + BUCKET + acts('do = "set", at = "1m", key = "policy.admission.rate", value = "3/s"') + TOO_DEAR,
        'operator.0.value is "3/s": admission has at most 1 token at a host then, and classes.b.cost is 5; want a',
    ),
    (JOBS + acts(f'{RAMP}, key = "jobs.rate"'), "operator.0.over is 100 s, and jobs come in 3 steps; want a ramp only"),
    (JOBS + acts(f'{RAMP}, key = "classes.front.rate"') + OF_JOBS, "operator.0.over is 100 s, and jobs come in 3 step"),
    (
        BASE + BY_QUEUE + acts('do = "set", at = "1m", key = "policy.admission.limit", value = 30'),
        "operator.0.value is 30; want above policy.admission.low",
    ),
    (
        BASE + BY_QUEUE + acts('do = "set", at = "1m", key = "policy.admission.limit", value = "9s"'),
        "want both in requests, or both as times",
    ),
    (
        BASE + BY_QUEUE + 'host.hint.says = "tokens"\n',
        'host.hint.says is "tokens", and policy.admission "queue-size-ramp" counts none; want "time" or "queue"',
    ),
    (
        BASE + 'host.fail_after = "until-back"\n' + acts(f'{RAMP.replace("66/m", "2s")}, key = "host.fail_after"'),
        'operator.0.over is 100 s, and host.fail_after is "until-back" before or after; want a ramp only from a time',
    ),
    (
        BASE + '[classes.a]\ntimeout_cap = "9s"\n',
        "classes.a.timeout_cap or timeout_keeps is set; want timeout_growth above 1 with it",
    ),
]


FITS = [
    acts('do = "throttle", at = "1m", rate = "3/s", burst = "5s"'),
    acts('do = "throttle", at = "1m", rate = "3/s", classes = ["a"]'),
    acts('do = "throttle", at = "1m", rate = "0/s"'),
    acts('do = "pause", at = "1m", lasts = "9s"'),
    BUCKET + acts('do = "set", at = "1m", key = "policy.admission.rate", value = "15/s"'),
]


@pytest.mark.parametrize("text", FITS)
def test_a_bucket_that_holds_the_cost_or_is_for_others_is_not_refused(text: str) -> None:
    assert parse(BASE + text + TOO_DEAR)


@pytest.mark.parametrize(("text", "wanted"), WRONG)
def test_what_a_live_key_cannot_become_is_refused(text: str, wanted: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        parse(text, file="mine.toml")
    assert "mine.toml: " in str(refused.value)
    assert wanted in str(refused.value), refused.value
