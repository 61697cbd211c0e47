"""From the empty record to the last cached answer: the share of requests that fail, and the outages of a scenario.

Oracles: resolvers that are followed one by one; areas under curves by hand; the event's own times.
"""

import itertools
from typing import Any

import numpy as np
import pytest

from recovery import dns, scenario
from recovery.dns import Moments

FLEET = """
horizon = "8h"
hold = "1m"
fleet = { droplets = 50, hosts = 2 }
host = { establish_time = "10ms", timeout = "5s", fail_after = "100ms" }
lease = { duration = "2m", check_every = "30s" }
"""
RACE = """
[dns]
keep = 3
delays = { plan = "60s", look = "10s", transaction = "1s", back_off = "1s", clean_up = "1s" }
"""
WINDOW = """
[dns.window]
detect = "50m"
partial = "37m"
partial_share = "25%"
repair = "107m"
grid = "5m"
"""


def moments(**changes: Any) -> Moments:
    table = {"empty": 60.0, "partial": 1e9, "repaired": 760.0, "partial_share": 0.0, "ttl": 90.0, "negative_ttl": 300.0}
    return Moments(**{**table, **changes})


@pytest.mark.parametrize(
    "m",
    [
        moments(),
        moments(ttl=0.5),
        moments(ttl=1000.0),
        moments(negative_ttl=50.0),
        moments(negative_ttl=900.0),
        moments(partial=400.0, partial_share=0.3),
    ],
)
def test_share_is_that_of_resolvers_one_by_one(m: Moments) -> None:
    places = (np.arange(400) + 0.5) / 400
    runs_out = m.empty + places[:, None] * m.ttl  # when a good answer runs out
    asked = m.repaired - places[None, :] * min(
        m.negative_ttl, m.repaired - m.empty
    )  # its last question before the repair
    for t in np.linspace(0.0, 1500.0, 301) + 0.123:
        is_bad = (runs_out <= t) & (runs_out < m.repaired) & ((t < m.repaired) | (t < asked + m.negative_ttl))
        share = float(is_bad.mean()) * (1 - m.partial_share if t >= m.partial else 1)
        assert abs(dns.fails_share(m, float(t)) - share) < 3e-3, t


@pytest.mark.parametrize("grid_s", [7.0, 60.0, 5000.0])
def test_steps_keep_the_area(grid_s: float) -> None:
    # Good answers run out over the TTL, bad ones over the negative TTL: each ramp has half of its length as area.
    m = moments()
    found = list(dns.steps(m, grid_s))
    area = sum((end - start) * share for start, end, share in found)
    assert area == pytest.approx((760 - 60) - 90 / 2 + 300 / 2, rel=1e-9)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(found))
    assert found[-1][1] == 760 + 300


def test_a_scenario_starts_from_the_race() -> None:
    one = scenario.parse(FLEET + RACE + WINDOW).first.scenario
    outages = one.dependency.outages
    assert (outages[0].start, outages[-1].end) == (0.0, pytest.approx((157 + 15) * 60.0))
    down = next(outage for outage in outages if outage.start <= 60 * 60 < outage.end)
    eased = next(outage for outage in outages if outage.start <= 100 * 60 < outage.end)
    assert (down.fails, eased.fails, eased.start) == (1.0, 0.75, 87 * 60.0)
    assert one.recovers_from_s == outages[-1].end


def test_windows_are_drawn_by_seed() -> None:
    text = FLEET + RACE + WINDOW.replace('"50m"', '{ dist = "exponential", mean = "50m" }')
    ends = {scenario.parse(f"seed = {n}" + text).first.scenario.recovers_from_s for n in (1, 1, 2)}
    assert len(ends) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (RACE, "dns.window is missing; want a table [dns.window]: the outage that follows"),
        (
            RACE + WINDOW + '[dependency]\noutages = [{ from = "1m", to = "2m" }]',
            "dependency.outages stands beside [dns]",
        ),
        (RACE + WINDOW.replace("detect", "detcet"), "dns.window.detcet is not a key (did you mean detect?)"),
        (RACE.replace("keep = 3", "keep = 0") + WINDOW, "dns.keep is 0; want a whole number from 1"),
        (RACE + WINDOW.replace("107m", "9h"), "dns.window is over at 10 h 05 min; want before the horizon, 8 h"),
        (RACE + WINDOW.replace("107m", "0s").replace("50m", "0s"), "want a detect or repair above 0"),
        (RACE + WINDOW.replace('"5m"', '"1us"'), "dns.window.grid is 1 µs"),
        (RACE + WINDOW.replace("107m", "36500d"), "want at most 100000 steps"),
        (RACE + WINDOW.replace('partial = "37m"', ""), "dns.window.partial is missing"),
    ],
)
def test_mistakes_are_told(text: str, said: str) -> None:
    with pytest.raises(scenario.ScenarioError) as error:
        scenario.parse(FLEET + text)
    assert said in str(error.value)
