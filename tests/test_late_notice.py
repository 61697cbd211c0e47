"""What is told of clients that learn at random when their session ended, some of them late.

Oracles: the quantile of the exponential law, in closed form; the sum of two of them is Erlang's; the run itself.
"""

import math
import re

import pytest
from test_advice import told

from recovery.reading.experiment import parse
from recovery.show import standings
from recovery.show.answers import foretold, helps, herd, mechanism, remedy
from recovery.study.resolved import resolved
from recovery.units import duration_s

ENDS = """
horizon = "30m"
coupling.window = "1s"
fleet = { holders = 20_000, hosts = 1 }
host = { workers = 20, establish_time = "20ms", renew_time = "1ms", timeout = "3s" }
lease = { duration = "20m", check_every = "5m" }
policy.client = { name = "exponential", base = "1s", cap = "30s" }
operator = [{ do = "end-sessions", at = "5m", notice = { dist = "exponential", mean = "1m" } }]
"""
ERLANG_99 = 6.6384  # of the sum of two values of mean 1: (1 + x) exp(-x) = 0.01


def test_the_last_to_learn_it_pace_a_recovery() -> None:
    """99 % of an exponential law of mean 60 s are 60 ln 100 s = 276 s, of the 20 s of work."""
    late_s = 60 * math.log(100)
    scenario = resolved(parse(ENDS).first.scenario)
    assert herd.first_attempts(scenario)[1] == pytest.approx(late_s)
    summary, answer = told(ENDS)
    assert summary.groups[0].mean("ttr99_s") == pytest.approx(late_s, rel=0.03)
    assert answer.why.text.startswith("99 % of the clients have made their first attempt only after 4.6 min")
    assert "99 % of the clients have made their first attempt only after 4.6 min" in foretold.of("a", scenario).text


def test_of_a_notice_and_a_delay_the_sum_is_told() -> None:
    """Two exponential laws of mean 60 s; ends that are known are told as before."""
    assert (1 + ERLANG_99) * math.exp(-ERLANG_99) == pytest.approx(0.01, rel=1e-4)
    both = ENDS.replace('check_every = "5m"', 'check_every = "5m", first_delay = { dist = "exponential", mean = "1m" }')
    assert herd.first_attempts(resolved(parse(both).first.scenario))[1] == pytest.approx(60 * ERLANG_99, rel=0.01)
    ends = ENDS.replace('{ dist = "exponential", mean = "1m" }', '{ dist = "uniform", min = "0s", max = "2m" }')
    text, most_s = herd.first_attempts(resolved(parse(ends).first.scenario))
    assert (text, most_s) == ("the first attempts of the clients are spread over 2 min", pytest.approx(0.99 * 120))


def test_a_first_delay_begins_when_clients_know() -> None:
    """A delay of up to the time that spreads them comes on top of the 276 s in which 99 % learn it."""
    slow = ENDS.replace("workers = 20", "workers = 2")
    group = foretold.group_of("a", resolved(parse(slow).first.scenario))
    limit = mechanism.Limit("timeout", "", 2.0)
    at_once = slow.replace(', notice = { dist = "exponential", mean = "1m" }', "")
    plain = remedy.of(foretold.group_of("a", resolved(parse(at_once).first.scenario)), limit)
    assert plain is not None
    assert plain.name == remedy.FIRST_DELAY
    assert plain.back_s == plain.over_s
    assert remedy._first_delay(group).back_s == pytest.approx(plain.over_s + 60 * math.log(100))


def test_who_learns_it_after_a_restart_paces_it_too() -> None:
    """The hosts are down for 5 min, and a client that they refuse waits up to 30 s; but of an exponential law of mean
    2 min 99 % are 120 ln 100 s = 9.2 min, and 8 % learn it only when the hosts are up.
    """
    restart = 'operator = [{ do = "restart", at = "5m", down_for = "5m", sessions = "end", '
    text = ENDS.partition("operator")[0] + restart + 'notice = { dist = "exponential", mean = "2m" } }]\n'
    assert herd.refused_s(resolved(parse(text).first.scenario)) == 300
    summary, answer = told(text)
    assert summary.groups[0].mean("ttr99_s") == pytest.approx(120 * math.log(100), rel=0.05)
    assert answer.why.text.startswith("99 % of the clients have made their first attempt only after 9.2 min")


def test_what_the_last_learn_is_the_floor_of_what_waits_cost() -> None:
    """Refused for 5 min, waits of 10, 30, 90 and 270 s: whoever was refused last is back after 9.5 min at most. But
    99 % learn it only after 120 ln 100 s = 9.2 min, so shorter waits save no more than what is left of the time.
    """
    restart = 'operator = [{ do = "restart", at = "5m", down_for = "5m", sessions = "end", '
    waits = 'policy.client = { name = "exponential", base = "10s", factor = 3, cap = "12m" }\n'
    text = ENDS.partition("policy")[0] + waits + restart + 'notice = { dist = "exponential", mean = "2m" } }]\n'
    summary, answer = told(text)
    [first] = summary.groups
    learn_s, took_s = 120 * math.log(100), first.mean("ttr99_s")
    assert learn_s < took_s <= 10 + 30 + 90 + 270 + 300
    assert answer.why.text.startswith("99 % of the clients have made their first attempt only after 9.2 min")
    said = "No change of waits, queues or hosts saves (anything|more than (.*) of the 9.. min), since clients do not"
    assert re.search(said, answer.change.text)
    assert not re.search("Try clients", answer.change.text)
    limit, was = mechanism.Limit("backoff", "", took_s), standings.of(summary, first, "ttr99_s")
    shorter = remedy.of(first, limit)
    assert shorter is not None
    assert shorter.text.endswith(", at the price of more attempts and refusals")
    saves, is_little = helps._gain(first, was, limit, shorter)
    assert is_little
    told_s = re.fullmatch(r"at most (.*) of the .* until 99 % are back", saves)
    assert told_s is not None
    assert duration_s(told_s[1].replace(" ", "")) == pytest.approx(took_s - learn_s, abs=1)
