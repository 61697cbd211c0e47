"""Runs of a sweep: what is known of them, on disk, and the loop that runs what is not."""

import functools
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from recovery.errors import Refusal, ScenarioError
from recovery.measures import register
from recovery.measures.for_good import for_good
from recovery.measures.moments import moment_s
from recovery.model.variant import Variant
from recovery.reading.design import Point
from recovery.reading.experiment import Experiment
from recovery.simulate import identity
from recovery.simulate.reuse import MEMORY_BYTES
from recovery.stages.outage import resolve
from recovery.store.parts import Parts
from recovery.store.shelf import known_in
from recovery.study.runs import loop
from recovery.study.runs.chunks import Done, Row, Sharing, Work, simulate
from recovery.study.runs.executor import Backend
from recovery.study.sweep.draws import Job
from recovery.study.sweep.policies import policies_of, wanted

Tell = Callable[[int, int], None]
"""Hears of runs wanted (less than 0: that need not run) and of runs done."""


def silent(wanted_runs: int, done_runs: int) -> None:
    """Tell nobody."""


class Found(NamedTuple):
    """What decides of a run: the sweep's measure (nan: not measured), the error where it failed, milestones."""

    value: float
    error: str | None
    milestones: dict[str, float]
    has_collapsed: bool = False
    keeps_leases: bool = False  # no lease was lost at any time


class KnownRuns:
    """Results so far: what decides, by key; all else lies in the parts."""

    def __init__(self, folder: Path, measure: str, observed: Iterable[str] = ()) -> None:
        """`measure` is what the sweep asks for, `observed` is what [[observed]] names.
        Raises Refusal for a folder that holds something else.
        """
        self.parts, self.curves = Parts(folder), Parts(folder, "curves")
        self.measure, self.observed = measure, tuple(observed)
        self.found: dict[str, Found] = {}
        self.cpu_s = 0.0
        table = self.parts.read()
        self.curves.read()  # a damaged one is told now and not after hours
        if table is not None and not {"key", "error"} <= set(table.columns):
            raise Refusal(f"{self.parts.folder}: holds files that are no parts of a sweep; want them moved away")
        for row in table.iter_rows(named=True) if table is not None else ():
            self._note(row)
        # What failed may do well now (memory was short, say). What killed its worker would kill another.
        self.again = {key for key, found in self.found.items() if found.error not in (None, loop.KILLED)}
        self.before = frozenset(self.found.keys() - self.again)
        """Runs that the folder held, by key, that need not run again where they are wanted."""

    def _note(self, row: Mapping[str, str | float | None]) -> None:
        key, error = str(row["key"]), row["error"]
        self.cpu_s += _number(row.get("cpu_s"), 0.0)
        if error is not None and key in self.found:  # a success stays, whenever it came
            return
        milestones = {name: moment_s(name, row) for name in self.observed}
        value = for_good(self.measure, _number(row.get(self.measure), math.nan), row)
        told = None if error is None else str(error)
        keeps = _number(row.get("leased_min_share"), math.nan) >= 1.0
        keeps = keeps and not _number(row.get("unleased_holder_hours"), 0.0) > 0  # also between the ends of windows
        self.found[key] = Found(value, told, milestones, row.get("verdict") == "collapsed", keeps)

    def add(self, done: Sequence[Done]) -> None:
        """Keep what came of some runs."""
        curves: list[Row] = [
            {"key": one.row["key"], "time_s": float(t), "value": float(v)}
            for one in done if one.curve is not None for t, v in one.curve.T
        ]  # fmt: skip
        if curves:
            self.curves.add(curves)
        self.parts.add([one.row for one in done])  # last: a run that is known has its curve
        for one in done:
            self.again.discard(str(one.row["key"]))
            self._note(one.row)


def _number(value: str | float | None, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) else otherwise


def key_of_impossible(policy_id: str, inputs: Point, error: ScenarioError) -> str:
    """The key of a run whose draw cannot be."""
    return identity.digest_of_run([policy_id, json.dumps(inputs, default=str), str(error)])


def _sharing(folder: Path, place: Backend) -> Sharing:
    """What the runs of a sweep share in one process: the memory of all workers together is what one would have. Workers
    of a cluster may not see the folder, and keep to their memory.
    """
    processes = 1 if place.name == "threads" else place.workers
    return Sharing(MEMORY_BYTES // processes, None if place.name == "dask" else known_in(folder))


class Runs:
    """Does the runs that are wanted and not known."""

    def __init__(self, experiment: Experiment, folder: Path, place: Backend, tell: Tell, *, reuse: bool) -> None:
        """Runs of an experiment's sweep, kept in `folder` and done at `place`; with `reuse` they share their stages."""
        self.experiment, self.sweep, self.place, self.tell = experiment, wanted(experiment), place, tell
        self.policies = policies_of(experiment)
        sharing = _sharing(folder, place) if reuse else None
        self.seed, self._simulate = experiment.head.seed, functools.partial(simulate, sharing=sharing)
        self.known = KnownRuns(folder, self.sweep.measure, (one.measure for one in experiment.head.observed))
        self.asked: set[str] = set()  # keys of all runs that were wanted
        self.each_s = math.nan
        self._shown_s: dict[int, float] = {}  # by replication, the shortest time that a draw's run can show

    def ensure(self, jobs: Iterable[Job]) -> list[str]:
        """Run what is not known of these; their keys."""
        jobs = list(jobs)
        self.tell(len(jobs), 0)
        keys: list[str] = []
        failed: list[Done] = []
        self.each_s = loop.drain(
            self._unknown(jobs, keys, failed), self.place, self._done, many=len(jobs), run=self._simulate,
            each_s=self.each_s,
        )  # fmt: skip
        if failed:
            self.known.add(failed)
        self.asked.update(keys)
        return keys

    def _unknown(self, jobs: Iterable[Job], keys: list[str], failed: list[Done]) -> Iterator[Work]:
        """What is to be run of these; their keys, and the rows of draws that cannot be, go into the lists."""
        asked = set()
        for job in jobs:
            key, work = self._work(job)
            keys.append(key)
            is_again = key in self.known.again and isinstance(work, Work)
            if key in asked or (key in self.known.found and not is_again):
                self.tell(-1, 0)
                continue
            asked.add(key)
            if isinstance(work, str):
                self.tell(-1, 0)
                failed.append(Done({"key": key, "error": work}, None))
                self.known.found[key] = Found(math.nan, work, {})
            else:
                yield work

    def _work(self, job: Job) -> tuple[str, Work | str]:
        """The key of a job, and what is to be done for it: a run, or the error of a draw that cannot be."""
        try:
            drawn = self.experiment.drawn(job.policy, job.inputs)
        except ScenarioError as error:
            return key_of_impossible(self.policies[job.policy].id, job.inputs, error), str(error)
        variant = resolve(drawn, self.seed, job.run_replication)  # its window is drawn once, for all that asks
        if job.role == "draw" and (shown_s := self._shown_by(variant, job.run_replication)) > 0.0:
            self._shown_s[job.replication] = min(self._shown_s.get(job.replication, math.inf), shown_s)
        key = identity.digest_of(variant, self.seed, job.run_replication)
        curves = self.sweep.curves
        keeps = curves is not None and job.role == "draw" and job.replication == 0 and job.draw < curves.draws
        return key, Work(key, variant, self.seed, job.run_replication, curves.every if curves and keeps else 0.0)

    def _done(self, rows: Sequence[Done]) -> None:
        self.known.add(rows)
        self.tell(0, len(rows))

    def limit_s(self, replications: int) -> float:
        """What times are restricted to, the same for all: the shortest time that a run of the first `replications` can
        show, from where its measure counts to its horizon. A run whose dependency is not back by then shows none and
        does not count.
        """
        shown = [one for replication, one in self._shown_s.items() if replication < replications]
        return min(shown) if shown else self._shown_by(self.experiment.first, 0)

    def _shown_by(self, variant: Variant, run_replication: int) -> float:
        """From where the measure counts in a run to its horizon."""
        scenario = resolve(variant, self.seed, run_replication).scenario
        starts_s = scenario.recovers_from_s if register.starts_at_return(self.sweep.measure) else 0.0
        return scenario.horizon - starts_s
