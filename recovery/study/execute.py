"""Where runs run: threads of this process. Checks that the machine is large enough, shows progress, keeps the done."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from recovery.errors import ScenarioError
from recovery.model.services import Table
from recovery.reading.experiment import Experiment
from recovery.simulate import chain, pipeline
from recovery.simulate.estimate import estimate
from recovery.store import files, folder
from recovery.store.run_record import Failure, RunManifest, Summary
from recovery.study import keeping, race, services, summary, warm
from recovery.units import show_bytes, show_duration

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


def run(experiment: Experiment, *, out: Path, threads: int, quiet: bool = False) -> Finished:
    """Run every variant and replication, and write the folder of results. Ctrl-C keeps what is done, a run that fails
    costs no other one, and results that the folder does not take go to a temporary one.

    Raises ScenarioError if a variant is too large, OSError if the folder cannot be written (before anything runs), what
    the first run raised if all failed, and KeyboardInterrupt if nothing was done yet.
    """
    refuse_if_too_large(experiment, threads)
    goal = out / experiment.name
    if any((goal / "parts").glob("*.parquet")):
        raise ScenarioError(f"{goal} holds the runs of a sweep, which would be lost; want another --out")
    files.try_out(goal)
    warm.for_runs(experiment.variants, quiet)
    with progress(hosts_of(experiment), quiet) as advance:
        found = _simulated(experiment, threads, advance)
    place, trouble = folder.keep(goal, found.files())
    manifest = found.manifest
    return Finished(place, manifest, found.summary, manifest.runs_done, manifest.runs_wanted, trouble)


def hosts_of(experiment: Experiment) -> int:
    """Hosts that all runs of an experiment simulate together."""
    hosts = sum(pipeline.simulated_hosts(variant.scenario) for variant in experiment.variants)
    return hosts * experiment.head.replications


def simulate(
    experiment: Experiment, *, threads: int, advance: Callable[[float], None] | None = None
) -> keeping.Results:
    """Run every variant and replication, in memory; `advance` is told the hosts that are done. After Ctrl-C the results
    are those of what is done by then (`manifest.interrupted`), and a run that fails costs no other one.

    Raises ScenarioError if a variant is too large, what the first run raised if all failed, and KeyboardInterrupt if
    nothing was done yet.
    """
    refuse_if_too_large(experiment, threads)
    return _simulated(experiment, threads, advance)


def _simulated(experiment: Experiment, threads: int, advance: Callable[[float], None] | None) -> keeping.Results:
    """As `simulate`, of an experiment that is known to fit."""
    table = services.table_of(experiment)
    head = experiment.head
    tasks = [
        (variant, head.seed, replication) for variant in experiment.variants for replication in range(head.replications)
    ]
    origin = race.part(experiment, threads)  # before the runs: Ctrl-C here loses none that is done
    begun, stopped = time.monotonic(), False
    followed: list[tuple[pipeline.Task, Future[Ended]]] = []
    with (
        ThreadPoolExecutor(followers(experiment, threads)) as later,  # later stages beside the leases of the next run
        pipeline.Runner(threads, advance) as runner,
    ):
        try:
            for task, found in zip(tasks, runner.each(tasks), strict=True):
                followed.append((task, later.submit(_finish, found, table)))  # kept at Ctrl-C
            wait([future for _, future in followed])
        except (KeyboardInterrupt, pipeline.Interrupted):
            stopped = True
            runner.stop()
            later.shutdown(cancel_futures=True)
    ended = [(task, future) for task, future in followed if not future.cancelled()]
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


def _finish(found: pipeline.Outcome | Exception, table: Table | None) -> Ended:
    """What follows the leases of a run, and who hangs on it. Raises what the run raised."""
    if isinstance(found, Exception):
        raise found
    outcome = chain.follow(found)
    return outcome, None if table is None else services.after(outcome, table)


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
    with progress(hosts, quiet) as advance, pipeline.Runner(threads, advance) as runner:
        return [chain.follow(outcome) for outcome in runner.run(tasks)]


@contextmanager
def progress(total: float, quiet: bool) -> Iterator[Callable[[float], None] | None]:
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
