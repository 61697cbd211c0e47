"""The later stages of a run, after its hosts: whichever the scenario has, each fed by those before it.

Each stage may run through many windows at once, or window by window, with equal bits (MODEL.md, section 9). Where one
gives something back to a stage before it, they form a loop and run window by window.
"""

import time
from dataclasses import replace

from recovery.simulate.outcome import Outcome
from recovery.stages import known
from recovery.stages.stage import Before

STRETCH = 360  # windows that one stage runs before the next one follows: keeps what lies between them small


def follow(outcome: Outcome, stretch: int = STRETCH) -> Outcome:
    """The outcome with its later stages run, `stretch` windows at a time; as it is if the scenario has none."""
    scenario = outcome.scenario
    stages = known.later_of(scenario)
    if not stages:
        return outcome
    begun = time.thread_time()
    leased, holders = outcome.traffic.leased_by_zone, outcome.traffic.holders_by_zone
    before = Before(scenario, outcome.seed, outcome.replication, leased, holders)
    for stage in stages:
        before.parts.append(stage.start(before))
    if any(stage.feeds_back(scenario) for stage in stages):
        stretch = 1
    for until in range(stretch, scenario.windows + stretch, stretch):
        until = min(until, scenario.windows)
        for part in before.parts:
            part.advance(until)
        for part in before.parts:
            part.forget(until)
    later = {stage.name: part.table() for stage, part in zip(stages, before.parts, strict=True)}
    actions = [action for stage in stages for action in stage.actions(scenario)]
    return replace(
        outcome,
        later=later,
        actions=sorted([*outcome.actions, *actions], key=lambda action: action[1]),
        cpu_s=outcome.cpu_s + time.thread_time() - begun,
    )
