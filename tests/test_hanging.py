"""What is told of requests that hang through an outage, where admission limits them or several classes send them.

Oracles: the rates of clients and limits, by hand; the queue that a run has, which is longest at the return.
"""

import math

import pytest
from run_records import group_of
from test_advice import LEASES, told

from recovery.reading.experiment import parse
from recovery.show.answers import foretold, mechanism
from recovery.study.resolved import resolved

HANGS = (
    LEASES.replace("2000", "500").replace('timeout = "30m"', 'timeout = "10s", fail_after = "until-back"')
    .replace("workers = 2", "workers = 100").replace('horizon = "2h"', 'horizon = "40m"')
)  # fmt: skip
LIMIT = 'policy.admission = { name = "token-bucket", rate = "RATE" }\n'
CLASSES = '[classes.node]\n[classes.call]\nrate = "10/s"\ntimeout = "10s"\nretries = 3\n'


# 500 clients come in the course of 3 min. The first waits are 0.5, 1 and 2 s on average, so after 33.5 s a client has
# begun three tries more, and then one each 12.5 s of the 20 min, of which the last began half of that ago.
NODES = 500 * (3.5 + (1200 - 90 - 33.5) / 12.5)


@pytest.mark.parametrize(("rate", "many"), [("20/s", 20 * 1200), ("100/s", NODES)])
def test_a_limit_lets_requests_in_that_hang(rate: str, many: float) -> None:
    """Clients ask 40 times a second, of which a limit of 20 a second lets in half, for 20 min."""
    text = HANGS + LIMIT.replace("RATE", rate)
    scenario = resolved(parse(text).first.scenario)
    assert scenario.hosts.hanging == pytest.approx(many)
    assert scenario.hosts.hanging_s == pytest.approx(many * 0.1 / 100)
    assert many == pytest.approx(told(text)[0].groups[0].mean("queue_peak"), rel=0.1)
    assert f"about {float(f'{many:.2g}'):,.0f} requests hang until" in foretold.of("a", scenario).text


@pytest.mark.parametrize(
    ("client", "within"),
    [
        ('{ name = "exponential", base = "1s", cap = "10m" }', 0.03),
        ('{ name = "full-jitter", base = "1s", cap = "10m" }', 0.03),
        ('{ name = "decorrelated-jitter", base = "1s", cap = "2m" }', 0.08),
        ('{ name = "proportional-jitter", base = "1s", cap = "3m" }', 0.03),
        ('{ name = "fixed", delay = "1m" }', 0.03),
        ('"immediate"', 0.03),
    ],
)
def test_waits_that_grow_let_clients_ask_more_often_at_first(client: str, within: float) -> None:
    """Oracle: the queue at the return. With the longest waits alone it was told as a fifth of that. The reckoning takes
    the mean of each wait, and under decorrelated jitter a wait hangs on the one before.
    """
    text = HANGS.replace('{ name = "full-jitter", base = "1s", cap = "5s" }', client)
    assert text != HANGS
    hanging = resolved(parse(text).first.scenario).hosts.hanging
    assert hanging == pytest.approx(told(text)[0].groups[0].mean("queue_peak"), rel=within)


def test_each_class_hangs_as_often_as_its_tries_allow() -> None:
    """Those of the nodes, and four tries each of ten calls a second for 20 min, of which the last come too late for all
    of theirs: tries begin 10.5, 21.5 and 33.5 s after the first.
    """
    text = HANGS + CLASSES
    many = NODES + 10 * (4 * 1200 - 10.5 - 21.5 - 33.5)
    scenario = resolved(parse(text).first.scenario)
    assert scenario.hosts.hanging == pytest.approx(many, rel=1e-3)
    summary, answer = told(text)
    assert many == pytest.approx(summary.groups[0].mean("queue_peak"), rel=0.1)
    assert "requests hang until the dependency is back" in answer.why.text


def test_of_clients_that_are_barred_theory_does_not_tell_how_many_hang() -> None:
    barred = parse(HANGS.replace("workers = 100", 'workers = 100, bar = { share = "50%", time = "2m" }')).first.scenario
    assert math.isnan(resolved(barred).hosts.hanging)
    assert resolved(parse(HANGS).first.scenario).hosts.hanging == pytest.approx(NODES)


def test_a_run_tells_how_many_hang_where_theory_does_not() -> None:
    """A guard that leaves open how often clients ask. By hand: the 30,000 that a run had are 30 s of work for 100
    workers of 100 ms, three timeouts; the 500 clients alone are half a second.
    """
    text = HANGS + 'policy.guard = "retry-budget"\n'
    group = group_of(
        "a", {"collapsed": 1}, scenario=resolved(parse(text).first.scenario), queue_peak=30_000.0, wasted_share=0.0,
        recovers_from_s=1800.0, ttr99_s=float("inf"),
    )  # fmt: skip
    found = mechanism.timeout_limit(group)
    assert found is not None
    said = "requests hang until the dependency is back, and those who wait, up to 30,000, need 30 s of work"
    assert found.text == f"{said}, which is 3 times the 10 s after which a client gives up"
    assert "requests do not fail but hang" in told(text)[1].happened.text
