"""One experiment is run: each variant and replication on threads of this process, and what is done is kept."""

import functools
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from recovery.errors import ScenarioError
from recovery.reading.experiment import Experiment
from recovery.simulate import chain, pipeline
from recovery.simulate import reuse as reusing
from recovery.simulate.reuse import Known
from recovery.stages.outage import resolve
from recovery.store import files, folder
from recovery.store.run_record import Failure, RunManifest, Summary
from recovery.store.shelf import Shelf, known_in
from recovery.study import ahead, keeping, machine, progress, race, services, summary, warm
from recovery.study.alike import together, work_later, work_of

Ended = tuple[pipeline.Outcome, services.ServicesOutcome | None]
"""A run with its later stages, and who hangs on it."""


@dataclass(frozen=True)
class Finished:
    """What `run` gives: the records that lie in `folder`, and whether every run was done.

    Where the wanted folder could not be written, `trouble` says why, and `folder` is another one, or None if no place
    was found.
    """

    folder: Path | None
    manifest: RunManifest
    summary: Summary
    done: int
    wanted: int
    trouble: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether nothing was interrupted."""
        return self.done + len(self.failures) == self.wanted

    @property
    def failures(self) -> list[Failure]:
        """Runs that failed."""
        return list(self.summary.failures)


def run(
    experiment: Experiment,
    *,
    out: Path,
    threads: int,
    quiet: bool = False,
    reuse: bool = True,
    is_foretold: bool = False,
) -> Finished:
    """Run every variant and replication, and write the folder of results. Ctrl-C keeps what is done, a run that fails
    costs no other one, and results that the folder does not take go to a temporary one. With `reuse` a stage that the
    folder knows from before is not run again. How long it will take is said where that is long, unless it is quiet or
    was said before (`is_foretold`).

    Raises ScenarioError if a variant is too large, OSError if the folder cannot be written (before anything runs), what
    the first run raised if all failed, and KeyboardInterrupt if nothing was done yet.
    """
    machine.refuse_if_too_large(experiment, threads)
    goal = out / experiment.name
    if any((goal / "parts").glob("*.parquet")):
        raise ScenarioError(f"{goal} holds the runs of a sweep, which would be lost; want another --out")
    files.try_out(goal)
    warm.for_runs(experiment.variants, quiet)
    known = Known(Shelf(known_in(goal))) if reuse else None
    if not (quiet or is_foretold):
        _foretell(experiment, known, threads)
    found = _simulated(experiment, threads, functools.partial(progress.bar, quiet=quiet), known)
    place, trouble = folder.keep(goal, found.files())
    manifest = found.manifest
    return Finished(place, manifest, found.summary, manifest.runs_done, manifest.runs_wanted, trouble)


def foretell(experiment: Experiment, *, out: Path, threads: int) -> None:
    """Say how long `run` of the same will take, where that is long."""
    _foretell(experiment, Known(Shelf(known_in(out / experiment.name))), threads)


def _foretell(experiment: Experiment, known: Known | None, threads: int) -> None:
    if told := ahead.of_runs(experiment, known, threads):
        print(told, file=sys.stderr, flush=True)


def simulate(
    experiment: Experiment, *, threads: int, show: progress.Show | None = None, known: Known | None = None
) -> keeping.Results:
    """Run every variant and replication, in memory; `show` shows how far it is. What is `known` does not run again, and
    what runs is known afterwards; with None, nothing is. After Ctrl-C the results are those of what is done by then
    (`manifest.interrupted`), and a run that fails costs no other one.

    Raises ScenarioError if a variant is too large, what the first run raised if all failed, and KeyboardInterrupt if
    nothing was done yet.
    """
    machine.refuse_if_too_large(experiment, threads)
    return _simulated(experiment, threads, show or progress.unseen, known)


def _simulated(experiment: Experiment, threads: int, show: progress.Show, known: Known | None) -> keeping.Results:
    """As `simulate`, of an experiment that is known to fit."""
    table = services.table_of(experiment)
    head = experiment.head
    tasks = [
        _met((variant, head.seed, replication))
        for variant in experiment.variants
        for replication in range(head.replications)
    ]
    origin = race.part(experiment, threads)  # before the runs: Ctrl-C here loses none that is done
    begun, stopped = time.monotonic(), False
    followed: dict[int, Future[Ended]] = {}
    groups = together(tasks, known)
    with (
        show(work_of(groups)) as advance,
        ThreadPoolExecutor(machine.followers(experiment, threads)) as later,  # beside the next run's leases
        pipeline.Runner(threads, advance) as runner,
    ):

        def finish(task: pipeline.Task, found: pipeline.Outcome | Exception) -> Ended:
            """What follows the hosts of a run, and who hangs on it. Raises what the run raised."""
            if isinstance(found, Exception):
                raise found
            outcome = chain.follow(found, known=known)
            runner.advanced(work_later(task))
            return outcome, None if table is None else services.after(outcome, table)

        try:
            hosts = runner.each([one.first for one in groups if one.found is None])
            for one in groups:
                found = one.found or next(hosts)
                if known is not None and one.found is None and not isinstance(found, Exception):
                    reusing.keep_hosts(found, one.key, known)
                for place, task in one.tasks.items():
                    own = found
                    if not isinstance(found, Exception) and task is not one.first:
                        own = reusing.as_met_by(task, found.traffic)
                    followed[place] = later.submit(finish, task, own)  # kept at Ctrl-C
            wait(followed.values())
        except (KeyboardInterrupt, pipeline.Interrupted):
            stopped = True
            runner.stop()
            later.shutdown(cancel_futures=True)
    ended = [(tasks[place], future) for place, future in sorted(followed.items()) if not future.cancelled()]
    errors = [(task, error) for task, future in ended if (error := future.exception()) is not None]
    outcomes = [future.result()[0] for _, future in ended if future.exception() is None]
    if not outcomes:
        raise errors[0][1] if errors else KeyboardInterrupt
    took = keeping.Took(
        threads=threads,
        wall_s=round(time.monotonic() - begun, 3),
        cpu_s=round(sum(outcome.cpu_s for outcome in outcomes), 3),
        runs_done=len(outcomes),
        runs_wanted=len(tasks),
        interrupted=stopped,
    )
    told = summary.summarise(experiment, outcomes, [_failure(task, error) for task, error in errors])
    parts: dict[str, object] = {"race": origin}
    dependents = None
    if table is not None:
        ran = [future.result()[1] for _, future in ended if future.exception() is None]
        outs = [one for one in ran if one is not None]
        parts["services"] = services.part(outs)
        dependents = services.series_table(outs)
    return keeping.results(experiment, outcomes, told.model_copy(update=parts), took)._replace(services=dependents)


def _met(task: pipeline.Task) -> pipeline.Task:
    """The task with its variant as the replication meets it; as it is where that cannot be: the run says why."""
    variant, seed, replication = task
    try:
        return resolve(variant, seed, replication), seed, replication
    except Exception:
        return task


def _failure(task: pipeline.Task, error: BaseException) -> Failure:
    variant, seed, replication = task
    return Failure(
        variant=variant.name,
        levers=dict(variant.levers),
        seed=seed,
        replication=replication,
        error=f"{type(error).__name__}: {error}",
    )


def first_variant(
    experiment: Experiment, threads: int, quiet: bool = False, known: Known | None = None
) -> list[pipeline.Outcome]:
    """The outcomes of the first variant alone, every replication. What is `known` does not run again, and what runs is
    known afterwards; with None nothing is, and nothing is written. Raises ScenarioError if it is too large,
    KeyboardInterrupt.
    """
    machine.refuse_if_too_large(experiment, threads)
    warm.for_runs([experiment.first], quiet)
    head = experiment.head
    groups = together([_met((experiment.first, head.seed, one)) for one in range(head.replications)], known)
    hosts = sum(pipeline.simulated_hosts(one.first[0].scenario) for one in groups if one.found is None)
    with progress.bar(hosts, quiet=quiet) as advance, pipeline.Runner(threads, advance) as runner:
        anew = runner.run([one.first for one in groups if one.found is None])
        outcomes = []
        for one in groups:
            outcome = one.found or next(anew)
            if known is not None and one.found is None:
                reusing.keep_hosts(outcome, one.key, known)
            outcomes.append(chain.follow(outcome, known=known))
    return outcomes
