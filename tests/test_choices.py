"""What is said of a choice of a lever, over all policies that differ in it alone.

Oracle: the same means by plain loops, and Student's interval by SciPy, with its error divided by the number of pairs.
"""

import itertools
import math
import random
from pathlib import Path

import pytest
from scipy import stats

from recovery.model.sweep import Sweep
from recovery.store import folder, sweep_record
from recovery.store.record import Estimate
from recovery.study.sweep.answers import answers
from recovery.study.sweep.choices import choices_of, name_of
from recovery.study.sweep.draws import Drawn
from recovery.study.sweep.looks import Looks
from recovery.study.sweep.policies import Policy
from recovery.units import show_duration

RESULTS = Path(__file__).resolve().parent.parent / "results"
LIMIT_S = 1000.0
EFFECTS = {"queue": {"fifo": 300.0, "lifo": 0.0, "short": 5.0}, "guard": {"none": 0.0, "breaker": 120.0}}
WORDS = {name_of(key, value): f"{key} {value}" for key, effects in EFFECTS.items() for value in effects}


def swept(draws: int, replications: int = 1) -> Looks:
    """Six policies whose times are what their choices, their draw and chance say; one never comes back once."""
    levers = [dict(zip(EFFECTS, values, strict=True)) for values in itertools.product(*EFFECTS.values())]
    policies = [Policy(i, f"p{i}", f"{i}", "as it is", dict(own), (f"p{i}",)) for i, own in enumerate(levers)]
    sweep = Sweep.model_validate(
        {"method": "random", "samples": draws, "levers": {k: {"values": list(v)} for k, v in EFFECTS.items()},
         "uncertainties": {"host.timeout": {"min": "1s", "max": "9s"}}}
    )  # fmt: skip
    looks, chance = Looks(sweep, policies), random.Random(7)
    looks.limit_s = LIMIT_S
    for number, (replication, i) in enumerate(itertools.product(range(replications), range(draws))):
        looks.draws[replication, i] = Drawn((), number)
        base = chance.uniform(100, 400)
        for policy in policies:
            effect = sum(EFFECTS[key][str(value)] for key, value in policy.levers.items())
            looks.times[policy.number][replication, i] = base + effect + chance.gauss(0, 10)
    looks.times[0][0, 0] = math.inf
    return looks


def test_a_choice_is_as_much_later_as_the_means_over_all_else_say() -> None:
    looks = swept(draws=6)
    found = {(one.key, one.words): one for one in choices_of(looks, looks.policies, 1, WORDS)}
    assert len(found) == 3
    pairs = 3 + 1
    for key, value, best in (("queue", "fifo", "lifo"), ("queue", "short", "lifo"), ("guard", "breaker", "none")):
        behind = []
        for place in looks.draws:
            of = {one: [min(looks.times[p.number][place], LIMIT_S) for p in looks.policies if p.levers[key] == one]
                  for one in (value, best)}  # fmt: skip
            behind.append(sum(of[value]) / len(of[value]) - sum(of[best]) / len(of[best]))
        one = found[key, f"{key} {value}"]
        assert one.than == f"{key} {best}"
        assert one.behind.mean == pytest.approx(sum(behind) / 6)
        assert one.behind.low < EFFECTS[key][value] + (0 if value != "fifo" else 60) < one.behind.high + 60
        scale = stats.sem(behind) * stats.t.ppf(1 - 0.05 / pairs / 2, 5)
        assert one.behind.high - one.behind.low == pytest.approx(2 * scale, rel=0.15)  # of the logit, within limits
        assert (one.draws, one.policies) == (6, 2 if key == "queue" else 3)


def test_only_the_first_round_counts_and_what_stands_beside_the_same() -> None:
    looks = swept(draws=4, replications=3)
    few = choices_of(looks, looks.policies, 1, WORDS)
    assert {one.draws for one in few} == {4}
    del looks.times[5][
        0, 3
    ]  # a run failed, of "short" with a breaker: queues are compared without, guards without short
    rest = choices_of(looks, looks.policies, 1, WORDS)
    assert sorted((one.key, one.policies) for one in rest) == [("guard", 2), ("queue", 1), ("queue", 1)]
    del looks.times[4][0, 3]  # and that of "short" without one: it ran nowhere in all draws
    rest = choices_of(looks, looks.policies, 1, WORDS)
    assert [(one.words, one.policies) for one in rest] == [("queue fifo", 2), ("guard breaker", 2)]


def test_a_choice_is_surely_worse_only_where_its_policy_is_beaten() -> None:
    """Of one lever with two values, both of them certain: the choice is the policy, and so are their tests."""
    for draws, is_sure in ((6, False), (60, True)):
        looks = swept(draws)
        looks.policies = [looks.policies[0], looks.policies[2]]
        del looks.times[0][0, 0]
        del looks.draws[0, 0]
        looks.policies = [
            one._replace(number=i, levers={"queue": one.levers["queue"]}) for i, one in enumerate(looks.policies)
        ]
        looks.times = {0: looks.times[0], 1: looks.times[2]}
        looks.end()
        [one] = choices_of(looks, looks.policies, 1, WORDS)
        assert one.behind.low > looks.sweep.indifference  # Student's interval of these draws says so both times
        assert one.is_surely_worse is is_sure
        assert (looks.last.excluded == (0,)) is is_sure


def test_the_answer_names_those_that_are_worse_by_more_than_the_indifference() -> None:
    summary = folder.record_of(RESULTS / "policies", "summary.json", sweep_record.Summary)
    choice = sweep_record.Choice(
        key=summary.design.levers[0].key,
        words="this",
        than="that",
        behind=Estimate(mean=90.0, low=80.0, high=100.0),
        policies=9,
        draws=8,
    )
    near = choice.model_copy(update={"words": "near", "behind": Estimate(mean=31.0, low=29.0, high=33.0)})
    said = " ".join(answers(summary.model_copy(update={"choices": (choice, near), "indifference_s": 30.0})))
    assert "1 of 2 choices" in said
    assert "surely later" not in said
    sure = choice.model_copy(update={"is_surely_worse": True})
    assert "1 of 2 choices is surely later" in " ".join(answers(summary.model_copy(update={"choices": (sure, near)})))
    assert f"“this” is {show_duration(90)} ({show_duration(80)} to {show_duration(100)}) later than “that”" in said
    assert "“near”" not in said
