"""Words of an answer that the file, or the table beside them, contradicted.

Oracles: the file's own numbers and notes, and a rule that bars so many attempts that renewals cannot come in time.
"""

import re

from test_advice import told

from recovery.reading.experiment import parse
from recovery.show.answers import costs, inputs
from recovery.show.answers.scenario import answer_of as answer_before
from recovery.store.note_record import Note
from recovery.study.resolved import resolved

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


def test_a_harm_of_which_there_was_none_is_a_cost_however_small() -> None:
    def measures(refused: float) -> dict[str, float]:
        return {"denied_share": refused, "wasted_share": 0.5}

    def cost(was: float, now: float) -> str:
        return costs.costs(
            "leases", lambda name: measures(was).get(name, 0.1), lambda name: measures(now).get(name, 0.1)
        )

    assert cost(0.0, 0.0045) == "It costs little: 0.45 % of all attempts are refused, instead of 0 %."
    assert cost(0.0, 0.0001) == cost(0.004, 0.0045) == "It costs nothing that is measured."
    assert cost(0.0, 0.2).startswith("It costs: 20 % of all attempts")


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
