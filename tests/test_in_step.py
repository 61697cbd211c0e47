"""What is advised where renewals come a check after the leases were made, as close together, and cost more than these.

Oracles: arithmetic on 2,000 leases, made in 5 ms and renewed in 50 ms each by one worker: 10 s and 100 s of work, of a
timeout of 15 s. Waits at random of 72 s bring all within a minute or two, waits of 220 s by one in 110 s. And the runs.
"""

import re

import pytest
from test_advice import told
from test_remedies import overrides_of, standing

from recovery.reading.experiment import parse
from recovery.show.answers import foretold, herd, mechanism, moments, remedy
from recovery.store.run_record import Group, Unleased
from recovery.study.resolved import resolved

ATTACH = """
horizon = "100m"
hold = "2m"
coupling.window = "5s"
fleet = { holders = 2_000, hosts = 1 }
lease = { duration = "28m", check_every = "27m" }
host = { workers = 1, establish_time = "5ms", renew_time = "50ms", timeout = "15s" }
policy.client = { name = "full-jitter", base = "12m", cap = "12m" }
operator = [{ do = "restart", at = "5m", down_for = "2m", sessions = "end", told = true }]
"""
SHORT = 'policy.client={ name = "full-jitter", base = "72s", cap = "72s" }'  # a tenth of the waits that there are
JITTERED = "lease.check_jitter=3%"  # 49 s earlier or later: leases outlast that


def group(*overrides: str) -> Group:
    return foretold.group_of("a", resolved(parse(ATTACH, overrides=overrides).first.scenario))


def test_shorter_waits_that_are_advised_leave_renewals_room_a_check_later() -> None:
    _, answer = told(ATTACH)
    assert answer.why.mechanism == "backoff"
    advised = overrides_of(answer.change.command)
    [cap_s] = re.findall(r'cap = "(\d+)s"', advised[0])
    assert float(cap_s) / 2 > 100
    as_it_is, now = standing(ATTACH), standing(ATTACH, *advised)
    assert now.never == 0
    assert now.mean_s < as_it_is.mean_s / 2
    assert standing(ATTACH, SHORT).mean_s > 2 * as_it_is.mean_s, "shorter waits do no harm, so the test shows nothing"


def test_a_later_loss_is_told_by_the_renewals_in_step() -> None:
    summary, answer = told(ATTACH, SHORT)
    assert "leases are lost once more, and 99 % are back for the last time" in answer.happened.text
    said = "27 min later, without jitter (lease.check_jitter); all renewals are 100 s of work, which is 6.67 times the "
    assert f"{said}15 s after which a client gives up" in answer.why.text
    first = summary.groups[0]
    at_s = (first.mean("recovers_from_s") + 1800, first.mean("recovers_from_s") + 3600)
    again = tuple(Unleased(from_s=one, to_s=one + 60, least_share=0.5) for one in at_s)
    for spans, said in ((again[:1], "once more"), (again, "twice more"), ((*again, again[1]), "3 more times")):
        assert moments.more(first.model_copy(update={"unleased_spans": spans})) == said
    few = Unleased(from_s=at_s[0], to_s=at_s[0] + 60, least_share=0.995)  # of which no time to recovery tells
    assert moments.more(first.model_copy(update={"unleased_spans": (few, again[1])})) == "once more"


def test_what_makes_leases_faster_says_that_renewals_come_in_step() -> None:
    """Made as fast as the host does, 2,000 renewals wait for 90 s at last; of a jitter of 97.2 s in all none does."""
    assert herd.renewals_wait_s(group().scenario) == pytest.approx(100 - 10)
    assert herd.renewals_wait_s(group(JITTERED).scenario) == 0
    limit = mechanism.Limit("retries", "", 1.0)
    plain, jittered = remedy.of(group(), limit), remedy.of(group(JITTERED), limit)
    assert plain is not None
    assert jittered is not None
    assert plain.text.startswith(jittered.text)
    assert "all then renew in step a check later" in plain.text
    assert "renew in step" not in jittered.text


def test_of_an_end_of_half_of_the_sessions_half_come_back() -> None:
    """1,000 of 2,000 are 5 s of work at 200 a second, 2.5 timeouts of 2 s."""
    half = 'operator=[{ do = "end-sessions", at = "5m", share = "50%" }]'
    scenario = group(half, "host.timeout=2s").scenario
    assert herd.come(scenario) == herd.piling_up(scenario) == 1_000
    text = foretold.of("a", scenario).text
    assert "all 1,000 come back in one instant when their sessions end. They bring 5 s of work" in text
    assert "2.5 times the 2 s" in text


def test_a_first_delay_that_is_advised_leaves_renewals_room() -> None:
    """Spread over 23 s the host would make them as they come; their renewals need 100 s."""
    ends = ATTACH.partition("operator")[0] + 'operator = [{ do = "end-sessions", at = "5m" }]\n'
    ends = ends.replace('timeout = "15s"', 'timeout = "4s"')
    asked = foretold.group_of("a", resolved(parse(ends).first.scenario))
    found = remedy.of(asked, mechanism.Limit("timeout", "", 2.0))
    assert found is not None
    assert found.name == remedy.FIRST_DELAY
    assert found.back_s > 100
    now = standing(ends, *found.overrides)
    assert now.never == 0
    assert now.mean_s == pytest.approx(found.back_s, rel=0.05)
    close = f'lease.first_delay={{ dist = "uniform", min = "0s", max = "{remedy.spread_s(asked.scenario):.0f}s" }}'
    assert not standing(ends, close).mean_s < 2 * now.mean_s, "a short delay does no harm, so the test shows nothing"
