"""A scenario with other values of its keys, simulated."""

from collections.abc import Callable, Sequence
from pathlib import Path

from recovery.errors import ScenarioError
from recovery.reading.experiment import Experiment, load
from recovery.simulate import chain, pipeline, reuse
from recovery.simulate.outcome import Outcome, Task
from recovery.study.fit.ranges import Range


class Candidates:
    """Simulates a scenario with other values; a stage that was simulated before is not simulated again."""

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

    def experiment(self, places: Sequence[float], more: tuple[str, ...] = ()) -> Experiment:
        """The experiment with the values at these places of their ranges, and with `more` overrides."""
        own = tuple(r.override(place) for r, place in zip(self.ranges, places, strict=True))
        return load(self.path, (*self.overrides, *own, *more))

    def outcomes(
        self, places: Sequence[float], more: tuple[str, ...] = (), replications: Sequence[int] = ()
    ) -> list[Outcome]:
        """The first variant's outcomes, one a replication (if none is given, the experiment's own), its own seed."""
        return self._outcomes_of(self.experiment(places, more), replications)

    def outcomes_with(self, overrides: tuple[str, ...]) -> list[Outcome]:
        """The same of the file with these overrides and nothing else of the ranges."""
        return self._outcomes_of(load(self.path, (*self.overrides, *overrides)))

    def _outcomes_of(self, loaded: Experiment, replications: Sequence[int] = ()) -> list[Outcome]:
        found = []
        self.runs += 1
        if self._progress is not None:
            self._progress(self.runs)
        for replication in replications or range(loaded.head.replications):
            task = (loaded.first, loaded.head.seed, replication)
            hosts = reuse.known_or_run(task, self._known, self._run)
            found.append(chain.follow(hosts, known=self._known))
        return found

    def _run(self, task: Task) -> Outcome:
        with pipeline.Runner(self.threads) as runner:
            return next(runner.run([task]))
