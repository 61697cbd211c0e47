"""Answers on situations of which the right answer is known (situations.py).

Oracle: closed forms of queues, worked out by hand with each situation. Where a file has one variant, what the answer
would try is tried: it must recover, or be at least twice as quick.
"""

import functools
import math

import pytest
from situations import SITUATIONS, Situation

from recovery.reading.experiment import parse
from recovery.show import advice
from recovery.show.answers.answer import Answer, parts
from recovery.show.answers.run import answer_of
from recovery.simulate import chain, pipeline
from recovery.store.run_record import Summary
from recovery.study import keeping
from recovery.study.summary import summarise


@functools.cache
def told(text: str, *overrides: str, replications: int = 1) -> tuple[Summary, Answer]:
    """Summary and answer of a scenario."""
    experiment = parse(text, overrides=overrides)
    tasks = [(variant, 1, number) for variant in experiment.variants for number in range(replications)]
    with pipeline.Runner(1) as runner:
        outcomes = [chain.follow(outcome) for outcome in runner.run(tasks)]
    found = keeping.results(experiment, outcomes, summarise(experiment, outcomes))
    return found.summary, answer_of(found.manifest, found.summary)


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda one: one.name.replace(" ", "-"))
def test_the_answer_is_the_known_one(situation: Situation) -> None:
    summary, answer = told(situation.text, replications=situation.replications)
    why, change = answer.why, answer.change
    said = f"{situation.reason}\n{answer}"
    assert why.mechanism == situation.mechanism, said
    if situation.high > 0:
        assert situation.low * 0.999 <= why.number <= situation.high * 1.001, (why.number, said)
    assert change.name == situation.helps, said
    assert change.is_simulated == (change.name in [group.variant for group in summary.groups] or not change.name), said
    assert all(part.text[-1] in ".)" and "nan" not in part.text and "inf " not in part.text for part in parts(answer))


@pytest.mark.parametrize(
    "situation", [one for one in SITUATIONS if one.cures], ids=lambda one: one.name.replace(" ", "-")
)
def test_what_would_be_tried_helps(situation: Situation) -> None:
    """The command of the answer is taken at its word."""
    summary, answer = told(situation.text)
    assert not answer.change.is_simulated
    override = answer.change.command.partition(" --set ")[2].strip("'")
    was, now = (advice.time_of(one.groups[0]) for one in (summary, told(situation.text, override)[0]))
    assert math.isfinite(now)
    assert now <= was / 2
