"""What operators' words in files turn into, where the twin has no say. Oracle: by hand."""

import numpy as np
import pytest
from test_session_files import BASE, ENDS, JOBS, OF_JOBS, acts

from recovery.errors import ScenarioError
from recovery.model.oddities import oddities
from recovery.model.operator import SetKey
from recovery.reading.experiment import parse
from recovery.simulate.pipeline import Runner
from recovery.stages.sessions.live import edits_of
from recovery.stages.sessions.numbers import numbers_of

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


def test_a_pause_that_is_set_off_again_is_one_again() -> None:
    """A condition that always holds, seen at the end of the first window of 10 s and every 40 s from there on, pauses a
    window each time; jobs are refused in these windows and in no other.
    """
    text = EVEN.replace("6/m", "60/m") + "jobs.retries = 0\n"
    text += acts('do = "pause", when = "queue < 1000", lasts = "10s", again_after = "40s"')
    with Runner(1) as runner:
        refused = next(runner.run([(parse(text).first, 1, 0)])).columns()["rejected_throttle"]
    assert np.flatnonzero(refused).tolist() == [1, 5, 9, 13, 17, 21]


@pytest.mark.parametrize(
    ("hosts", "action", "wanted"),
    [
        (30, f'{ENDS}, share = "40%"', "operator.0.share is 40 % of 2 clients a host at most: it ends no session"),
        (30, f'{ENDS}, share = "50%"', ""),
        (30, 'do = "hold-clients", at = "1m", lasts = "9s", waves = 3', "operator.0.waves is 3, of 2 clients a host"),
        (30, 'do = "hold-clients", at = "1m", lasts = "9s", waves = 2', ""),
        (3, f'{ENDS}, share = "5%"', ""),
    ],
)
def test_shares_and_waves_of_too_few_clients_are_told(hosts: int, action: str, wanted: str) -> None:
    """60 holders: of 2 a host 40 % is 0.8 of a client, of 20 a host 5 % is one; two clients make two waves."""
    notes = "\n".join(oddities(parse(BASE.replace("hosts = 3", f"hosts = {hosts}") + acts(action)).first.scenario))
    assert ("clients a host at most" in notes) == bool(wanted)
    assert wanted in notes


WRONG = [
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


@pytest.mark.parametrize(("text", "wanted"), WRONG)
def test_what_a_live_key_cannot_become_is_refused(text: str, wanted: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        parse(text, file="mine.toml")
    assert "mine.toml: " in str(refused.value)
    assert wanted in str(refused.value), refused.value
