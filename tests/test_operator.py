"""What operators' actions become: controls of one host (MODEL.md, sections 1 and 3)."""

import math

import pytest
from recovery_kernels import requests

from recovery.reading.experiment import parse
from recovery.simulate import pipeline
from recovery.stages import queueing

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
