"""A scenario with other values of its keys, simulated."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from recovery.errors import ScenarioError
from recovery.reading.experiment import Experiment, load
from recovery.simulate import chain, pipeline, reuse
from recovery.simulate.outcome import Outcome, Task
from recovery.study.fit.ranges import Range

Asked = tuple[Experiment, Sequence[int]]
"""What is to be simulated of an experiment: its first variant, and which replications (none: its own)."""


class Candidates:
    """Simulates a scenario with other values, several runs side by side (with the same bits on any number of threads);
    a stage that was simulated before is not simulated again.
    """

    def __init__(
        self,
        path: Path,
        ranges: Sequence[Range],
        overrides: tuple[str, ...],
        threads: int,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        """Check that the scenario takes both ends of every range; `progress` is told each simulation. Raises
        ScenarioError.
        """
        self._progress = progress
        self.path, self.ranges, self.overrides, self.threads = path, tuple(ranges), overrides, threads
        self.runs = 0
        self._known = reuse.Known()
        for end in (0.0, 1.0):
            try:
                self.experiment([end] * len(ranges))
            except ScenarioError as error:
                error.add_note(f"that is an end of --range: {', '.join(r.override(end) for r in ranges)}")
                raise
        self.ranges = tuple(
            replace(one, is_limit_low=not self._goes_on(i, 0.0), is_limit_high=not self._goes_on(i, 1.0))
            for i, one in enumerate(ranges)
        )

    def experiment(self, places: Sequence[float], more: tuple[str, ...] = ()) -> Experiment:
        """The experiment with the values at these places of their ranges, and with `more` overrides."""
        own = tuple(r.override(place) for r, place in zip(self.ranges, places, strict=True))
        return load(self.path, (*self.overrides, *own, *more))

    def _goes_on(self, i: int, end: float) -> bool:
        """Whether the scenario takes a value of a key beyond this end of its range."""
        if not (beyond := self.ranges[i].beyond(end)):
            return False
        try:
            self.experiment([end] * len(self.ranges), (f"{self.ranges[i].key}={beyond}",))
        except ScenarioError:
            return False
        return True

    def outcomes(
        self, places: Sequence[float], more: tuple[str, ...] = (), replications: Sequence[int] = ()
    ) -> list[Outcome]:
        """The first variant's outcomes, one a replication (if none is given, the experiment's own), its own seed."""
        return next(self.each([(self.experiment(places, more), replications)]))

    def outcomes_with(self, overrides: tuple[str, ...]) -> list[Outcome]:
        """The same of the file with these overrides and nothing else of the ranges."""
        return next(self.each([(load(self.path, (*self.overrides, *overrides)), ())]))

    def each(self, asked: Iterable[Asked]) -> Iterator[list[Outcome]]:
        """Outcomes of each that is asked for, in this order. Raises what a run raised."""
        tasks = [
            [(one.first, one.head.seed, replication) for replication in replications or range(one.head.replications)]
            for one, replications in asked
        ]
        side_by_side = min(self.threads, sum(map(len, tasks)))
        runners = _Runners(self.threads // max(side_by_side, 1))
        with ThreadPoolExecutor(max(side_by_side, 1), thread_name_prefix="fit") as pool:
            try:
                # A few ahead keep the threads busy; all at once would hold all outcomes in memory.
                waiting = deque[list[Future[Outcome]]]()
                for own in tasks:
                    waiting.append([pool.submit(self._ended, task, runners) for task in own])
                    if len(waiting) > side_by_side:
                        yield self._gathered(waiting.popleft())
                while waiting:
                    yield self._gathered(waiting.popleft())
            except BaseException:
                runners.stop()
                pool.shutdown(cancel_futures=True)
                raise

    def _gathered(self, runs: Sequence[Future[Outcome]]) -> list[Outcome]:
        self.runs += 1
        if self._progress is not None:
            self._progress(self.runs)
        return [run.result() for run in runs]

    def _ended(self, task: Task, runners: "_Runners") -> Outcome:
        hosts = reuse.known_or_run(task, self._known, runners.run)
        return chain.follow(hosts, known=self._known)


class _Runners:
    """Runs hosts for several threads at once, each on `threads` of its own, until it is told to stop."""

    def __init__(self, threads: int) -> None:
        self.threads = max(threads, 1)
        self._lock = threading.Lock()
        self._running: set[pipeline.Runner] = set()
        self._is_stopped = False

    def run(self, task: Task) -> Outcome:
        """The hosts of a task. Raises pipeline.Interrupted."""
        with pipeline.Runner(self.threads) as runner:
            with self._lock:
                if self._is_stopped:
                    raise pipeline.Interrupted
                self._running.add(runner)
            try:
                return next(runner.run([task]))
            finally:
                with self._lock:
                    self._running.discard(runner)

    def stop(self) -> None:
        """Let every run end soon, and none begin."""
        with self._lock:
            self._is_stopped = True
            for runner in self._running:
                runner.stop()
