"""The later stages of a run, after its hosts: whichever the scenario has, each fed by those before it.

Each stage may run through many windows at once, or window by window, with equal bits (MODEL.md, section 9). Where one
gives something back to a stage before it, they form a loop, which runs window by window (recovery.stages.feedback).
"""

import time
from collections.abc import Sequence
from dataclasses import replace

from recovery.simulate.identity import Unkeyed, digest_of_run, digest_of_stage
from recovery.simulate.outcome import Outcome
from recovery.simulate.reuse import Known, bytes_of
from recovery.stages import known as listed
from recovery.stages.classes import of_class
from recovery.stages.feedback import Loop, loop_of
from recovery.stages.stage import Before, Later, StageRun, Table

STRETCH = 360  # windows that one stage runs before the next one follows: keeps what lies between them small


def follow(outcome: Outcome, stretch: int = STRETCH, known: Known | None = None) -> Outcome:
    """The outcome with its later stages run, `stretch` windows at a time; as it is if the scenario has none. A stage
    that is `known` does not run again.
    """
    scenario = outcome.scenario
    stages = listed.later_of(scenario)
    if not stages:
        return outcome
    begun = time.thread_time()
    name = scenario.launches.leased if scenario.launches is not None else None
    hosts = outcome.traffic if name is None else of_class(outcome.traffic, name)
    leased, holders = hosts.leased_by_zone, hosts.holders_by_zone
    chain = _Chain(stages, Before(scenario, outcome.seed, outcome.replication, leased, holders), stretch)
    tables = chain.run() if known is None else chain.run_what_is_not(known)
    actions = [action for stage in stages for action in stage.actions(scenario)]
    return replace(
        outcome,
        later={stage.name: table for stage, table in zip(stages, tables, strict=True)},
        actions=sorted([*outcome.actions, *actions], key=lambda act: act.at_s),
        cpu_s=outcome.cpu_s + time.thread_time() - begun,
    )


class _Chain:
    """The later stages of one run, started; those before `ahead` have run, the others are at window `at`."""

    def __init__(self, stages: Sequence[Later], before: Before, stretch: int) -> None:
        self.stages, self.before, self.stretch = stages, before, stretch
        self.windows = before.scenario.windows
        giving = [number for number, stage in enumerate(stages) if stage.feeds_back(before.scenario)]
        self.loop = max(giving, default=-1) + 1  # the first so many stages form a loop
        self.ahead = self.at = 0
        self.start(0)

    def start(self, first: int) -> None:
        """Start the stages from this one on, behind those before."""
        del self.before.runs[first:]
        for stage in self.stages[first:]:
            self.before.runs.append(stage.start(self.before))

    def run(self) -> list[Table]:
        """Run what has not run; what each stage gave."""
        runs = self.before.runs[self.ahead :]
        loop: list[Loop] = [loop_of(runs[: self.loop])] if self.loop else []
        parts: list[Loop | StageRun] = [*loop, *runs[self.loop :]]
        while self.at < self.windows:
            self.at = min(self.at + self.stretch, self.windows)
            for part in parts:
                part.advance(self.at)
            for run in runs:
                run.forget(self.at)
        return [run.table() for run in self.before.runs]

    def run_what_is_not(self, known: Known) -> list[Table]:
        """As `run`, save what is known; and let it be known."""
        keys = self.keys()
        with known.alone(keys[-1]):
            found = [None if key is None else known.table(key, stage.table)
                     for key, stage in zip(keys, self.stages, strict=True)]  # fmt: skip
            if None not in found:
                return [table for table in found if table is not None]
            begun = time.thread_time()
            self.run_ahead(keys, known)
            tables = [one or made for one, made in zip(found, self.run(), strict=True)]
            cpu_s = time.thread_time() - begun
            for key, stage, before, table in zip(keys, self.stages, found, tables, strict=True):
                if before is None:
                    known.keep(key, table, stage.table, cpu_s)
            return tables

    def keys(self) -> list[str | None]:
        """The key of each stage, of what it holds when it has started; of those in a loop, of what all of them hold. A
        stage that holds something of which nobody can tell whether it is the same has none, nor has any after it.
        """
        own: list[str] = []
        names: dict[int, str] = {}
        try:
            for run in self.before.runs:
                own += [digest_of_stage(run, names)]
        except Unkeyed:
            own = own if len(own) >= self.loop else []
        loop = own[: self.loop]
        keys = [digest_of_run([key, *loop]) if number < self.loop else key for number, key in enumerate(own)]
        return [*keys, *[None] * (len(self.stages) - len(keys))]

    def run_ahead(self, keys: Sequence[str | None], known: Known) -> None:
        """Run each stage that others take from to its end, before them, so that the next run finds it; as long as there
        is room for what it holds then. One that is known takes the place of that which has just started.
        """
        for number, key in enumerate(() if self.loop else keys[:-1]):
            with known.alone(key):
                kept = None if key is None else known.stage(key)
                if kept is not None:
                    self.before.runs[number] = kept
                    self.start(number + 1)
                elif key is not None and self.runs_whole(self.before.runs[number], known.room_bytes):
                    known.keep_stage(key, self.before.runs[number])
                else:
                    return
                self.ahead = number + 1

    def runs_whole(self, run: StageRun, room_bytes: int) -> bool:
        """Run one stage, if it needs no more memory than this; else up to where it does, from where all go on."""
        until = 0
        while until < self.windows:
            if bytes_of(run) > room_bytes:
                self.at = until
                return False
            until = min(until + self.stretch, self.windows)
            run.advance(until)
        return True
