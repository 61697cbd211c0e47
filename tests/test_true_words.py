"""Words of an answer that the file, or the table beside them, contradicted.

Oracles: the file's own numbers and notes, and a rule that bars so many attempts that renewals cannot come in time.
"""

import math
import re

from test_advice import told

from recovery.measures.register import DENIED, DENIED_OF_RETURN, TrafficName
from recovery.reading.experiment import parse
from recovery.show.answers import costs, inputs
from recovery.show.answers.scenario import answer_of as answer_before
from recovery.show.text import variants_table
from recovery.simulate import pipeline
from recovery.store.note_record import Note
from recovery.study.resolved import resolved
from recovery.study.summary import REFUSED, summarise
from recovery.units import show_share

# Leases of 5 min are checked every 100 s: of 90 % barred attempts, each again after 2 min, most come too late.
BARRED = """
horizon = "40m"
fleet = { holders = 1000, hosts = 1 }
host = { workers = 4, establish_time = "40ms", renew_time = "40ms", timeout = "3s", fail_after = "0s" }
lease = { duration = "5m", check_every = "100s", check_jitter = "20%" }
dependency.outages = [{ from = "15m", to = "22m" }]
policy.client = { name = "exponential", base = "1s", cap = "30s" }
[variants.barred]
host.bar = { share = "90%", time = "2m" }
"""
NOTED = """
[[notes]]
key = "host.workers"
kind = "default"
why = "one thread, by design"
"""
SLOW = """
horizon = "30m"
coupling.window = "5s"
fleet = { holders = 2000, hosts = 1 }
host = { workers = 1, establish_time = "100ms", renew_time = "1ms", timeout = "10m" }
lease = { duration = "15m", check_every = "5m" }
policy.client = { name = "full-jitter", base = "1s", cap = "5s" }
"""


def test_a_variant_that_loses_leases_in_calm_is_told_so() -> None:
    _, answer = told(BARRED)
    [at_min] = re.findall(
        r"Under “barred” leases are lost already ([\d.]+) min after the start, before the dependency is away",
        answer.happened.text,
    )
    assert 0 < float(at_min) < 15
    assert "“as written” leases are lost already" not in answer.happened.text


def costs_of(was: dict[str, float], now: dict[str, float], traffic: TrafficName = "leases") -> str:
    """What it costs by these measures; all else is the same, and was measured."""
    same = {"wasted_share": 0.5, "ttr99_s": 60.0, "unleased_holder_hours": 0.1, "amplification": 2.0}
    return costs.costs(
        traffic, lambda name: (same | was).get(name, math.nan), lambda name: (same | now).get(name, math.nan)
    )


def test_a_harm_of_which_there_was_none_is_a_cost_however_small() -> None:
    def cost(was: float, now: float) -> str:
        return costs_of({DENIED: was, DENIED_OF_RETURN: was}, {DENIED: now, DENIED_OF_RETURN: now})

    assert (
        cost(0.0, 0.0045)
        == "It costs little: 0.45 % of the attempts are refused while leases come back, instead of 0 %."
    )
    assert cost(0.0, 0.0001) == cost(0.004, 0.0045) == "It costs nothing that is measured."
    assert cost(0.0, 0.2).startswith("It costs: 20 % of the attempts")


def test_what_is_refused_is_told_over_the_time_in_which_leases_come_back() -> None:
    """3,446 of the 8,446 attempts until 99 % are back, and of the 462,416 of a run that goes on for an hour after."""
    none, some = {DENIED: 0.0, DENIED_OF_RETURN: 0.0}, {DENIED: 3446 / 462416, DENIED_OF_RETURN: 3446 / 8446}
    told = "It costs: 40.8 % of the attempts are refused while "
    assert costs_of(none, some) == f"{told}leases come back, instead of 0 %."
    assert costs_of(none, some, "jobs") == f"{told}the backlog is cleared, instead of 0 %."
    of_run = "It costs: 0.745 % of the attempts of the whole run are refused, instead of 0 %."
    assert costs_of({DENIED: 0.0}, {DENIED: 3446 / 462416}) == of_run  # no more is known, as of a sweep: may be much
    assert costs_of(none | {"ttr99_s": 0.0}, some | {"ttr99_s": 0.0}) == of_run  # nothing had to come back
    calm = "It costs: 30 % of the attempts of the whole run are refused, instead of 0 %."
    assert costs_of(none, {DENIED: 0.3, DENIED_OF_RETURN: 0.1}) == calm  # most of them later


def test_a_longer_run_does_not_make_what_is_refused_smaller() -> None:
    """The table has it too, however small a part of all attempts it is. Oracle: refusals and attempts in the series."""
    away = 'dependency.outages = [{ from = "5m", to = "20m" }]\n'
    queue = 'variants.bounded.policy.queue = { name = "bounded", limit = "15s" }\n'
    bounded = SLOW.replace('timeout = "10m"', 'timeout = "30s"') + away + queue
    shares = []
    for horizon in ("40m", "4h"):
        experiment = parse(bounded, overrides=[f"horizon={horizon}"])
        with pipeline.Runner(1) as runner:
            outcomes = list(runner.run([(variant, 1, 0) for variant in experiment.variants]))
        summary, series = summarise(experiment, outcomes), outcomes[1]
        group = summary.groups[1]
        back_s = group.mean("recovers_from_s")
        its = (series.times_s > back_s) & (series.times_s <= back_s + group.mean("ttr99_s"))
        refused = sum(series.series[name][its].sum() for name in REFUSED)
        assert 0 < refused == group.mean("denied")  # none before or later
        assert group.mean(DENIED_OF_RETURN) == refused / series.series["submitted"][its].sum()
        shares.append((group.mean(DENIED_OF_RETURN), group.mean(DENIED)))
        head, _, *rows = (re.split(r"  +", row) for row in variants_table(summary).splitlines())
        assert rows[1][head.index("refused") - len(head)] == show_share(group.mean(DENIED_OF_RETURN))
    (short, of_short), (long, of_long) = shares
    assert short == long
    assert of_long < of_short < short


def test_a_change_of_what_the_file_calls_a_default_says_so() -> None:
    said = "The file has host.workers as a documented default (one thread, by design), which may be no setting."
    notes = [Note(key="host.workers", kind="default", why="one thread, by design")]
    assert inputs.of_defaults(notes, ("host.workers=3",)) == [said]
    assert inputs.of_defaults(notes, ("horizon=1h",)) == []
    ends = 'operator = [{ do = "end-sessions", at = "5m" }]\n'
    _, answer = told(SLOW + ends + NOTED)
    assert "--set host.workers=" in answer.change.command
    assert said in answer.change.text
    _, answer = told(SLOW + ends)
    assert "may be no setting" not in answer.change.text
    busy = parse(
        SLOW + NOTED, overrides=["host.renew_time=200ms", "host.timeout=3s"]
    ).first.scenario  # renewals alone are too many
    assert said in answer_before("a.toml", "a", resolved(busy), notes).change.text


def test_what_can_be_saved_is_of_the_time_that_is_told() -> None:
    """What is saved is told of the time that What happened tells, which begins when the sessions end."""
    summary, answer = told(SLOW + 'operator = [{ do = "end-sessions", at = "5m" }]\n')
    first = summary.groups[0]
    [number] = re.findall(r"of the ([\d.]+) s until 99 % are back", answer.change.text)
    [minutes] = re.findall(r"99 % have one again ([\d.]+) min after the sessions end", answer.happened.text)
    assert abs(float(number) / 60 - float(minutes)) <= 0.05
    assert float(number) == first.mean("ttr99_s")
