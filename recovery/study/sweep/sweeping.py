"""A sweep at work: every policy in every draw, replication after replication, until what is asked is known.

Draws are made anew in each replication and are the same for all policies, as are their random numbers, so differences
are paired. A draw made at random has random numbers of its own. What goes on after each look depends on results alone,
never on time or order, so a sweep that was killed and resumed ends with the same table.
"""

import math
from collections.abc import Mapping
from pathlib import Path

from recovery.errors import ScenarioError
from recovery.reading import design
from recovery.reading.experiment import Experiment
from recovery.study.runs.executor import Backend
from recovery.study.sweep import draws
from recovery.study.sweep.draws import Drawn, Job
from recovery.study.sweep.looks import Looks
from recovery.study.sweep.policies import policies_of, wanted
from recovery.study.sweep.runs import Runs, Tell
from recovery.study.sweep.size import first_round, most_of
from recovery.units import show_duration

ROUND_RUNS = 16  # at least, between two looks: workers wait for each other less often
TOGETHER = 20_000  # runs that may wait at once: each keeps its scenario


class Sweeping:
    """A sweep at work: its runs, what the looks made of them, and every run that it wanted, with its key."""

    def __init__(self, experiment: Experiment, folder: Path, place: Backend, tell: Tell, *, reuse: bool = True) -> None:
        """`tell` hears of runs wanted (less than 0: that need not run) and of runs done; with `reuse` runs share their
        stages. Raises ScenarioError.
        """
        self.experiment, self.sweep = experiment, wanted(experiment)
        self.policies = policies_of(experiment)
        self.is_of_file = experiment.standing is not None
        self.baseline = self.policies[experiment.standing or 0]  # the first of the list where none is the file's own
        self.seed = experiment.head.seed
        self.runs = Runs(experiment, folder, place, tell, reuse=reuse)
        self.looks = Looks(self.sweep, self.policies)
        self.jobs: list[tuple[Job, str]] = []
        self.tried = 0

    def draws_of(self, replication: int) -> list[Drawn]:
        """The draws of a replication; with `accept` only those that meet what was observed."""
        sweep = self.sweep
        blocks = draws.draws_of(sweep, self.seed, replication)
        if sweep.accept is None:
            return next(blocks)
        kept: list[Drawn] = []
        for number, block in enumerate(blocks):
            of = self.baseline.number
            jobs = [
                Job("tried", of, replication, number * sweep.samples + i, one.inputs, one.run_replication)
                for i, one in enumerate(block)
            ]
            for job, key in zip(jobs, self.runs.ensure(jobs), strict=True):
                if len(kept) == sweep.samples:
                    break
                self.tried += 1
                found = self.runs.known.found[key]
                if found.error is None and self._meets(found.milestones):
                    kept.append(Drawn(job.inputs, job.run_replication))
                else:
                    self.jobs.append((job, key))
            if len(kept) == sweep.samples:
                return kept
        raise ScenarioError(
            f"{self.experiment.file}: sweep.accept kept {len(kept)} of {sweep.accept.tries * sweep.samples} draws; "
            f"want narrower ranges, a wider sweep.accept.within than {show_duration(sweep.accept.within)}, "
            f"or more tries"
        )

    def _meets(self, found: Mapping[str, float]) -> bool:
        within = self.sweep.accept.within if self.sweep.accept else math.inf
        return all(
            abs(found.get(observed.measure, math.inf) - observed.at) <= within
            for observed in self.experiment.head.observed
        )

    def part(self, number: int, of: int) -> int:
        """Run every `of`-th draw, from `number` (1 …) on, of the replications that are sure to be wanted; how many."""
        jobs = [
            Job("draw", policy.number, replication, i, one.inputs, one.run_replication)
            for replication in range(first_round(self.experiment))
            for i, one in enumerate(self.draws_of(replication))
            if (replication + i) % of == number - 1
            for policy in self.policies
        ]
        return len(self.runs.ensure(jobs))

    def go(self) -> None:
        """All replications."""
        first, most = first_round(self.experiment), most_of(self.experiment)
        done = 0
        while done < most:
            active = self.looks.active
            if not active:
                break
            # Replications between two looks go out together, as far as memory allows.
            each = len(active) * max(len(design.draws(self.sweep, self.seed, 0, 0)), 1)
            wanted_now = first - done if done < first else math.ceil(ROUND_RUNS / each)
            together = min(wanted_now, max(1, TOGETHER // each), most - done)
            jobs = []
            for replication in range(done, done + together):
                drawn = self.draws_of(replication)
                self.looks.draws |= {(replication, i): one for i, one in enumerate(drawn)}
                jobs += [
                    Job("draw", policy.number, replication, i, one.inputs, one.run_replication)
                    for i, one in enumerate(drawn)
                    for policy in active
                ]
            for job, key in zip(jobs, self.runs.ensure(jobs), strict=True):
                self.jobs.append((job, key))
                found = self.runs.known.found[key]
                if found.error is None:
                    self.looks.times[job.policy][job.replication, job.draw] = found.value
            done += together
            if done >= first:
                self.looks.limit_s = self.runs.limit_s(first)
                self.looks.judge()
        self.looks.end()
