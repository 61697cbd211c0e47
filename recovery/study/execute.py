"""Where runs run: threads of this process. Checks that the machine is large enough, shows progress, keeps the done."""

import functools
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from recovery.errors import ScenarioError
from recovery.reading.experiment import Experiment
from recovery.simulate import chain, pipeline
from recovery.simulate import reuse as reusing
from recovery.simulate.estimate import estimate
from recovery.simulate.reuse import Known
from recovery.stages import known as stages
from recovery.stages.outage import resolve
from recovery.store import files, folder
from recovery.store.run_record import Failure, RunManifest, Summary
from recovery.store.shelf import Shelf
from recovery.study import keeping, race, services, summary, warm
from recovery.units import show_bytes, show_duration

KNOWN = "known"  # folder, in that of results, of what stages gave
Show = Callable[[float], AbstractContextManager[Callable[[float], None] | None]]
"""Shows how far a run is: given all its work in hosts, it opens what is told the work that is done."""

Ended = tuple[pipeline.Outcome, services.ServicesOutcome | None]
"""A run with its later stages, and who hangs on it."""


def cores() -> int:
    """Cores that this process may use: its affinity and the container's limit."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        if quota != "max":
            count = min(count, max(1, int(quota) // int(period)))
    except (OSError, ValueError):
        pass
    return count


def memory_bytes() -> float:
    """Memory that is free for us: the machine's, and the container's limit."""
    import psutil

    free = float(psutil.virtual_memory().available)
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        used = Path("/sys/fs/cgroup/memory.current").read_text().strip()
        if limit != "max":
            free = min(free, float(limit) - float(used))
    except (OSError, ValueError):
        pass
    return free


def refuse_if_too_large(experiment: Experiment, threads: int) -> None:
    """Raise ScenarioError if a variant needs more memory than there is, with the estimate and what to change."""
    free = memory_bytes()
    for variant in experiment.variants:
        need = estimate(variant.scenario, threads)
        if need.memory_bytes > 0.9 * free:
            later = f", later stages {show_bytes(need.later_bytes)}" if need.later_bytes else ""
            less = ", a lower launches.demand" if need.later_bytes else ""
            raise ScenarioError(
                f"{experiment.file}: “{variant.name}” needs up to {show_bytes(need.memory_bytes)} of memory "
                f"({need.hosts_in_flight} hosts at once, {show_bytes(need.host_bytes)} each{later}); "
                f"{show_bytes(free)} are free. "
                f"Want more hosts of fewer holders (fleet.hosts), fewer --threads, a shorter horizon, "
                f"or a bounded queue (policy.queue){less}"
            )


def followers(experiment: Experiment, threads: int) -> int:
    """How many runs may be in their later stages at once: as many as there are threads, if the memory lasts."""
    needs = [estimate(variant.scenario, threads) for variant in experiment.variants]
    later = max(need.later_bytes for need in needs)
    leases = max(need.memory_bytes - need.later_bytes for need in needs)
    return max(1, min(threads, int((0.9 * memory_bytes() - leases) / later))) if later else threads


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


def run(experiment: Experiment, *, out: Path, threads: int, quiet: bool = False, reuse: bool = True) -> Finished:
    """Run every variant and replication, and write the folder of results. Ctrl-C keeps what is done, a run that fails
    costs no other one, and results that the folder does not take go to a temporary one. With `reuse` a stage that the
    folder knows from before is not run again.

    Raises ScenarioError if a variant is too large, OSError if the folder cannot be written (before anything runs), what
    the first run raised if all failed, and KeyboardInterrupt if nothing was done yet.
    """
    refuse_if_too_large(experiment, threads)
    goal = out / experiment.name
    if any((goal / "parts").glob("*.parquet")):
        raise ScenarioError(f"{goal} holds the runs of a sweep, which would be lost; want another --out")
    files.try_out(goal)
    warm.for_runs(experiment.variants, quiet)
    known = Known(Shelf(goal / KNOWN)) if reuse else None
    found = _simulated(experiment, threads, functools.partial(progress, quiet=quiet), known)
    place, trouble = folder.keep(goal, found.files())
    manifest = found.manifest
    return Finished(place, manifest, found.summary, manifest.runs_done, manifest.runs_wanted, trouble)


def simulate(
    experiment: Experiment, *, threads: int, show: Show | None = None, known: Known | None = None
) -> keeping.Results:
    """Run every variant and replication, in memory; `show` shows how far it is. What is `known` does not run again, and
    what runs is known afterwards; with None, nothing is. After Ctrl-C the results are those of what is done by then
    (`manifest.interrupted`), and a run that fails costs no other one.

    Raises ScenarioError if a variant is too large, what the first run raised if all failed, and KeyboardInterrupt if
    nothing was done yet.
    """
    refuse_if_too_large(experiment, threads)
    return _simulated(experiment, threads, show or _unseen, known)


@contextmanager
def _unseen(total: float) -> Iterator[Callable[[float], None] | None]:  # noqa: ARG001
    """Shown nowhere."""
    yield None


class _Alike:
    """Runs that have the same hosts: key of these (None: not known to be the same as any), and the tasks by place."""

    def __init__(self, key: str | None) -> None:
        self.key = key
        self.tasks: dict[int, pipeline.Task] = {}
        self.found: pipeline.Outcome | None = None

    @property
    def first(self) -> pipeline.Task:
        """Whose hosts run."""
        return next(iter(self.tasks.values()))


def _alike(tasks: Sequence[pipeline.Task], known: Known | None) -> list[_Alike]:
    """The tasks, those with the same hosts together, in the order of the first of each."""
    groups: dict[str | int, _Alike] = {}
    for place, task in enumerate(tasks):
        key = None if known is None else reusing.key_of_hosts(task)
        groups.setdefault(place if key is None else key, _Alike(key)).tasks[place] = task
    for one in groups.values():
        one.found = None if known is None else reusing.hosts_of(one.first, one.key, known)
    return list(groups.values())


def _work(groups: Sequence[_Alike]) -> float:
    """What is to be simulated, in hosts: the later stages of a run count as much as its hosts."""
    hosts = sum(pipeline.simulated_hosts(one.first[0].scenario) for one in groups if one.found is None)
    return hosts + sum(_work_later(task) for one in groups for task in one.tasks.values())


def _work_later(task: pipeline.Task) -> int:
    scenario = task[0].scenario
    return pipeline.simulated_hosts(scenario) if stages.later_of(scenario) else 0


def _simulated(experiment: Experiment, threads: int, show: Show, known: Known | None) -> keeping.Results:
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
    groups = _alike(tasks, known)
    with (
        show(_work(groups)) as advance,
        ThreadPoolExecutor(followers(experiment, threads)) as later,  # later stages beside the leases of the next run
        pipeline.Runner(threads, advance) as runner,
    ):

        def finish(task: pipeline.Task, found: pipeline.Outcome | Exception) -> Ended:
            """What follows the hosts of a run, and who hangs on it. Raises what the run raised."""
            if isinstance(found, Exception):
                raise found
            outcome = chain.follow(found, known=known)
            runner.advanced(_work_later(task))
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


def first_variant(experiment: Experiment, threads: int, quiet: bool = False) -> list[pipeline.Outcome]:
    """The outcomes of the first variant alone, every replication; nothing is written. Raises ScenarioError if it is too
    large, KeyboardInterrupt.
    """
    refuse_if_too_large(experiment, threads)
    warm.for_runs([experiment.first], quiet)
    variant, head = experiment.first, experiment.head
    tasks = [(variant, head.seed, replication) for replication in range(head.replications)]
    hosts = pipeline.simulated_hosts(variant.scenario) * len(tasks)
    with progress(hosts, quiet=quiet) as advance, pipeline.Runner(threads, advance) as runner:
        return [chain.follow(outcome) for outcome in runner.run(tasks)]


@contextmanager
def progress(total: float, *, quiet: bool) -> Iterator[Callable[[float], None] | None]:
    """A bar with the time that is left, on a terminal only; yields what `Runner` tells its progress to."""
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("simulating"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda done: bar.update(task, completed=done)


@contextmanager
def counted(quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Progress of a sweep: a bar on a terminal, else a line on stderr every half minute, with rate and time left.

    Yields what is told of (runs wanted more, runs done).
    """
    if quiet:
        yield None
        return
    begun, said, total, done = time.monotonic(), time.monotonic(), 0, 0

    def tell(more: int, ended: int) -> None:
        nonlocal total, done, said
        total, done, now = total + more, done + ended, time.monotonic()
        if ended > 0 and (now - said > (1 if is_terminal else 30)):
            said = now
            rate = done / (now - begun)
            left_s = (total - done) / rate
            line = f"{done} of {total} runs of this round and before, {rate:.3g}/s, {show_duration(left_s)} left"
            print(f"\r{line}   " if is_terminal else line, file=sys.stderr, end="" if is_terminal else "\n", flush=True)

    is_terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    yield tell
    if is_terminal:
        print("\r" + 79 * " " + "\r", file=sys.stderr, end="", flush=True)
