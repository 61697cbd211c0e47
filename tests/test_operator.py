"""What operators' actions become: controls of one host (MODEL.md, sections 1 and 3)."""

import math
import re
from typing import Any

import numpy as np
import pytest
from recovery_kernels import requests

from recovery.errors import ScenarioError
from recovery.model.at_best import at_best
from recovery.reading.experiment import parse
from recovery.simulate import pipeline
from recovery.simulate.watch import Watch
from recovery.stages import lanes, queueing

BASE = """
horizon = "2h"
hold = "1m"
fleet = {{ holders = 90, hosts = 9, zones = 3 }}
host = {{ establish_time = "1s", timeout = "1m" }}
lease = {{ duration = "10m", check_every = "1m" }}
operator = [{actions}]
"""


def controls(actions: str, host: int) -> list[tuple[float, int, float]]:
    """Time (s), what, and rate (1/s) or down time (s) of each control of a host."""
    variant = parse(BASE.format(actions=actions)).first.scenario
    return [
        (t / 1e9, what, argument / 1e9 if what == requests.RESTART else rate * 1e9)
        for t, what, argument, rate, _ in queueing.controls_of(variant, host, ())
    ]


def test_where_throttles_overlap_the_lowest_rate_holds() -> None:
    actions = '{ do = "throttle", at = "10m", rate = "9/s" }, { do = "pause", at = "20m", lasts = "5m" }'
    assert controls(actions, 0) == [(600, requests.GATE, 1.0), (1200, requests.GATE, 0.0), (1500, requests.GATE, 1.0)]


def test_a_release_schedule_ends_the_throttle() -> None:
    release = '[{ after = "5m", rate = "18/s" }, { after = "9m", rate = "off" }]'
    actions = f'{{ do = "throttle", at = "10m", rate = "9/s", release = {release} }}'
    rates = [(t, rate) for t, _, rate in controls(actions, 4)]
    assert rates[:2] == [(600, 1.0), (900, 2.0)]
    assert rates[2][0] == 1140
    assert rates[2][1] < 0


def test_waves_reach_every_host_once_and_are_equally_large() -> None:
    actions = '{ do = "restart", at = "10m", waves = 3, every = "1m", down_for = "30s" }'
    when = [controls(actions, host) for host in range(9)]
    assert all(len(own) == 1 and own[0][1:] == (requests.RESTART, 30.0) for own in when)
    assert sorted(own[0][0] for own in when) == [600] * 3 + [660] * 3 + [720] * 3


def test_a_share_of_one_zone_is_restarted() -> None:
    actions = '{ do = "restart", at = "10m", share = "60%", zone = 1 }'
    reached = [host for host in range(9) if controls(actions, host)]
    assert len(reached) == 2  # 60 % of three hosts, rounded up
    assert all(host % 3 == 1 for host in reached)


HERD = """
horizon = "30m"
hold = "1m"
fleet = { holders = 400, hosts = 1 }
host = { establish_time = "100ms", timeout = "20s" }
lease = { duration = "5m", check_every = "1m" }
dependency.outages = [{ from = "2m", to = "8m" }]
policy.client = { name = "fixed", delay = "1s" }
"""


def test_a_throttle_with_a_limit_lets_nobody_in_at_the_limit() -> None:
    """By hand: at ten waiting its bucket, which holds one token at most, no longer fills: so eleven wait at most."""
    throttle = '[[operator]]\ndo = "throttle"\nat = "0s"\nrate = "1000/s"\nburst = 0\n'
    longest = {}
    for name, limit in (("without", ""), ("with", "limit = 10\n"), ("as a time", 'limit = "1s"\n')):
        experiment = parse(HERD + throttle + limit)
        with pipeline.Runner(1) as runner:
            outcome = next(runner.run([(experiment.first, 1, 0)]))
        longest[name] = int(outcome.columns()["queue_max"].max())
    assert longest["without"] > 100
    assert longest["with"] == longest["as a time"]  # a second of work is ten requests
    assert 10 <= longest["with"] <= 11


def test_of_throttles_at_one_rate_the_lower_limit_holds() -> None:
    """A throttle that looks at no queue has no limit; the first engine knows none, so its own controls have none."""
    both = (
        '{ do = "throttle", at = "10m", rate = "9/s" }, { do = "throttle", at = "20m", rate = "9/s", limit = 7 }, '
        '{ do = "throttle", at = "30m", rate = "9/s", limit = 8, release = [{ after = "1m", rate = "off" }] }'
    )
    scenario = parse(BASE.format(actions=both)).first.scenario
    begun = [queueing.Begun(place, action.at or 0.0) for place, action in enumerate(scenario.operator)]
    gates = queueing.gates(scenario, begun, 0, 3)
    assert [(at / 6e10, gate.limit if gate is not None else None) for at, gate in gates] == [(10, math.inf), (20, 7)]


def columns_of(actions: str) -> dict[str, Any]:
    """The columns of the herd above with these actions."""
    with pipeline.Runner(1) as runner:
        outcome = next(runner.run([(parse(HERD + f"operator = [{actions}]\n").first, 1, 0)]))
    return dict(outcome.columns())


def test_a_throttle_with_a_switch_closes_at_its_limit() -> None:
    """By hand: at twelve waiting nobody is let in any more, until four wait; from then on a queue forms again."""
    said = columns_of('{ do = "throttle", at = "0s", rule = { name = "queue-size-switch", limit = 12, low = 4 } }')
    assert int(said["queue_max"].max()) == 12
    assert int(said["rejected_throttle"].sum()) > 0 == int(said["rejected_admission"].sum())
    last = columns_of(
        '{ do = "throttle", at = "0s", rule = { name = "queue-size-switch", limit = 12, low = 4 }, '
        'release = [{ after = "485s", rate = "off" }] }'
    )
    assert int(last["queue_max"].max()) > 100  # let go of 5 s after the outage: most of the 400 still come


def test_of_two_switches_the_lower_limit_holds_and_a_ramp_is_another_gate() -> None:
    """A ramp refuses all from its limit on, whatever the switches say; without it the lower of two switches rules."""
    switches = (
        '{ do = "throttle", at = "0s", rule = { name = "queue-size-switch", limit = 30, low = 4 } }, '
        '{ do = "throttle", at = "1s", rule = { name = "queue-size-switch", limit = 20, low = 4 } }'
    )
    assert int(columns_of(switches)["queue_max"].max()) == 20
    ramp = ', { do = "throttle", at = "1s", rule = { name = "queue-size-ramp", limit = 9, low = 8 } }'
    assert int(columns_of(switches + ramp)["queue_max"].max()) == 9


def test_a_ramp_refuses_the_share_that_it_says() -> None:
    """One job a millisecond at a host that never serves one in time: with q of 100 waiting 1 - q/100 of those that come
    are let in, so the queue grows as 100 (1 - exp(-n/100)) in the mean. After 50 jobs: 39.3, with a deviation of 3.5.
    """
    jobs = (
        'horizon = "50ms"\ncoupling.window = "1ms"\nhold = "1ms"\n'
        'jobs = { hosts = 40, steps = [{ at = "0s", rate = "40000/s" }], arrivals = "even", retries = 0 }\n'
        'host = { establish_time = "1h", timeout = "2h" }\n'
        'operator = [{ do = "throttle", at = "0s", rule = { name = "queue-size-ramp", limit = 100, low = 0 } }]\n'
    )
    with pipeline.Runner(1) as runner:
        said = next(runner.run([(parse(jobs).first, 1, 0)])).columns()
    let_in = int(said["submitted"].sum() - said["rejected_throttle"].sum()) / 40
    assert let_in - 1 == pytest.approx(100 * (1 - math.exp(-0.49)), abs=4 * 3.5 / math.sqrt(40))


def test_a_throttle_may_let_wait_for_its_tokens() -> None:
    """By hand: a token a second for 400 clients who wait as long as they may. From the end of the outage on one lease
    is made a second, and nobody is refused.
    """
    rule = '{ name = "leaky-bucket", rate = "1/s", wait = "20m", only = "establish" }'
    herd = HERD.replace('timeout = "20s"', 'timeout = "20m"').replace('check_every = "1m"', 'check_every = "4m"')
    gate = f'operator = [{{ do = "throttle", at = "7m", rule = {rule} }}]\ncoupling.window = "10s"\n'
    with pipeline.Runner(1) as runner:
        said = next(runner.run([(parse(herd + gate).first, 1, 0)])).columns()
    assert int(said["rejected_throttle"].sum()) == 0
    made = said["established"].cumsum()[48:88]  # at the ends of windows, 490 to 880 s
    assert made == pytest.approx(np.arange(10, 410, 10), abs=2)


def test_one_throttle_that_ends_as_another_begins_is_one_change() -> None:
    """In whatever order the file has them, and whatever classes they name first: the gate is never open between."""
    one = '{ do = "throttle", at = "10m", rate = "9/s", release = [{ after = "5m", rate = "off" }] }'
    other = '{ do = "throttle", at = "15m", rate = "18/s" }'
    for actions in (f"{one}, {other}", f"{other}, {one}"):
        assert [(at, rate) for at, _, rate in controls(actions, 0)] == [(600, 1.0), (900, 2.0)]


def test_of_two_switches_for_the_same_classes_the_lower_limit_holds_however_they_are_named() -> None:
    """By hand: 20, not 30, wherever it stands and however the classes are written."""
    classes = "[classes.a]\nshare = '50%'\n[classes.b]\n"
    for first, second in (("['b', 'a']", "['a', 'b']"), ("['a', 'b']", "[]")):
        told = [
            f"{{ do = 'throttle', at = '0s', classes = {named}, rule = {{ name = 'queue-size-switch', limit = {limit}, "
            "low = 4 } }"
            for named, limit in ((first, 20), (second, 30))
        ]
        with pipeline.Runner(1) as runner:
            text = HERD + f"operator = [{', '.join(told)}]\n" + classes
            said = next(runner.run([(parse(text).first, 1, 0)])).columns()
        assert int(said["queue_max"].max()) == 20


MISTAKEN = {
    "rule = 'aimd'": "operator.0.rule",
    "rate = '9/s', rule = 'queue-size'": "want either rule or rate",
    "rule = 'queue-size-switch', release = [{ after = '3m', rate = '9/s' }]": 'want rate = "off" in release',
    "release = []": 'want rate, such as "200/s"',
    "rate = 'off'": 'release = [{ after = "5m", rate = "off" }]',
}


@pytest.mark.parametrize(("wrong", "wanted"), MISTAKEN.items())
def test_a_rule_of_a_throttle_that_does_not_fit_is_refused(wrong: str, wanted: str) -> None:
    """Each says what is wanted."""
    with pytest.raises(ScenarioError, match=re.escape(wanted)):
        parse(HERD + f"operator = [{{ do = 'throttle', at = '1m', {wrong} }}]\n")


def test_only_the_first_gate_lets_wait_and_a_switch_knows_no_time_for_a_hint() -> None:
    """Both are refused by name."""
    first = "{ do = 'throttle', at = '1m', rule = 'queue-size-ramp' }"
    with pytest.raises(ScenarioError, match="only throttles like the first"):
        parse(HERD + f"operator = [{first}, {{ do = 'throttle', at = '1m', rule = 'leaky-bucket' }}]\n")
    with pytest.raises(ScenarioError, match="counts no tokens"):
        parse(
            HERD.replace('timeout = "20s"', 'timeout = "20s", hint = { says = "tokens" }')
            + f"policy.admission = 'token-bucket'\noperator = [{first}]\n"
        )


BUSY = """
horizon = "3h"
hold = "2m"
coupling.window = "30s"
fleet = {{ holders = 900, hosts = 5, zones = 2{sample} }}
host.establish_time = {{ dist = "exponential", mean = "500ms" }}
host.workers = 2
host.renew_time = "5ms"
host.timeout = "10s"
lease = {{ duration = "10m", check_every = "5m" }}
dependency.outages = [{{ from = "20m", to = "50m" }}]
policy.client = {{ name = "full-jitter", base = "1s", cap = "30s" }}
operator = [{actions}]
"""


AGAIN = '{ do = "restart", when = "leased < 90%", for = "3m", again_after = "20m" }'
PAUSE = '{ do = "pause", when = "queue > 200", lasts = "2m" }'
MORE = '{ do = "set", key = "host.workers", value = 4, when = "leased < 50%" }'
ENDS = '{ do = "end-sessions", when = "leased > 99%", again_after = "1h" }'


@pytest.mark.parametrize("sample", ["", ", sample_hosts = 4"])
@pytest.mark.parametrize(
    ("actions", "times"),
    [
        ('{ do = "restart", when = "queue > 30", again_after = "5m" }', 1),
        (f"{AGAIN}, {PAUSE}", 3),
        (f"{MORE}, {ENDS}", 3),
        ('{ do = "restart", when = "queue > 1000000000" }', 0),
    ],
)  # fmt: skip
def test_looking_ahead_changes_no_bit(monkeypatch: pytest.MonkeyPatch, actions: str, times: int, sample: str) -> None:
    """Oracle: hosts that advance one window at a time and never go back."""
    variant = parse(BUSY.format(actions=actions, sample=sample)).first
    found = []
    for ahead, kept in ((64, 1 << 28), (64, 0), (1, 1 << 28)):
        monkeypatch.setattr(pipeline, "_AHEAD", ahead)
        monkeypatch.setattr(pipeline, "KEPT_BYTES", kept)
        with pipeline.Runner(2) as runner:
            found += list(runner.run([(variant, 1, 0)]))
    far, none_kept, near = found
    assert len(far.actions) >= times
    assert (len(far.actions) == 0) == (times == 0)
    for other in (none_kept, near):
        assert far.actions == other.actions
        assert all((far.series[name] == other.series[name]).all() for name in other.series)
        assert (far.traffic.sojourn == other.traffic.sojourn).all()
        assert str(far.measure()) == str(other.measure())


GROWS = """
horizon = "2h"
hold = "1m"
coupling.window = "1s"
fleet = {{ holders = 200, hosts = 1 }}
host = {{ workers = 2, establish_time = "1s", renew_time = "1ms", timeout = "10m" }}
lease = {{ duration = "4m", check_every = "1m" }}
dependency.outages = [{{ from = "5m", to = "12m" }}]
policy.client = {{ name = "full-jitter", base = "1s", cap = "10s" }}
operator = [{actions}]
"""


@pytest.mark.parametrize(
    ("actions", "bound_s"),
    [
        ("", 99),
        ('{ do = "scale", at = "60m", workers = 2 }', 99),
        ('{ do = "set", at = "60m", key = "host.establish_time", value = "100ms" }', 99),
        ('{ do = "scale", at = "750s", workers = 2 }', 30 + (198 - 60) / 4),
        ('{ do = "scale", at = "750s", workers = 2 }, { do = "scale", at = "765s", workers = 4 }', 30 + 15 + 78 / 8),
        ('{ do = "scale", at = "1m", workers = 2, lasts = "5m" }', 99),
        ('{ do = "scale", at = "10m", workers = 2, lasts = "10m" }', 49.5),
        ('{ do = "scale", at = "1m", workers = -1 }', 198),
        ('{ do = "scale", at = "10m", workers = -1, lasts = "5m" }', 99),
        ('{ do = "set", at = "1m", key = "host.workers", value = 4 }', 49.5),
        ('{ do = "set", at = "1m", key = "host.establish_time", value = "2s" }', 198),
        ('{ do = "scale", at = "11m", workers = 2, warm_up = "5m" }', 49.5),
        ('{ do = "scale", when = "leased < 50%", workers = 2 }', 49.5),
    ],
)
def test_a_bound_counts_what_operators_do_from_when_it_begins(actions: str, bound_s: float) -> None:
    """By hand: 198 of 200 leases at 2 a second from the return at 12 min on; four workers do 4 a second, eight 8."""
    variant = parse(GROWS.format(actions=actions)).first
    assert 198 / at_best(variant.scenario).per_s == pytest.approx(bound_s)
    with pipeline.Runner(1) as runner:
        [row] = [outcome.measure() for outcome in runner.run([(variant, 1, 0)])]
    assert row["fluid_bound_s"] == pytest.approx(bound_s)
    assert row["efficiency"] == pytest.approx(bound_s / float(row["ttr99_s"]))
    assert row["fluid_bound_s"] <= float(row["ttr99_s"])


def test_hosts_are_kept_for_going_back_until_nothing_can_be_set_off(monkeypatch: pytest.MonkeyPatch) -> None:
    kept_at_s: list[float] = []
    keep = lanes.LaneRun.kept

    def noted(run: lanes.LaneRun) -> lanes.LaneRun:
        kept_at_s.append(int(run.host.whole[requests.NOW]) / 1e9)
        return keep(run)

    monkeypatch.setattr(lanes.LaneRun, "kept", noted)
    actions = '{ do = "pause", when = "leased < 50%", lasts = "1m" }'
    outage = 'dependency.outages = [{ from = "10m", to = "30m" }]\n'
    with pipeline.Runner(1) as runner:
        [outcome] = runner.run([(parse(outage + BASE.format(actions=actions)).first, 1, 0)])
    assert 0 < max(kept_at_s) < outcome.actions[0].at_s < 30 * 60


@pytest.mark.parametrize(("again", "is_over"), [("", True), (', again_after = "5m"', False)])
def test_nothing_can_be_set_off_once_all_conditions_have_held(again: str, is_over: bool) -> None:
    actions = f'{{ do = "pause", when = "leased < 50%", lasts = "1m"{again} }}'
    watch = Watch(parse(BASE.format(actions=actions)).first.scenario)
    assert [watch.look(10.0, {"leased": 0.6}), watch.is_over] == [False, False]
    assert [watch.look(20.0, {"leased": 0.4}), watch.is_over] == [True, is_over]
