"""What candidates are measured against: milestones that were observed, or a measured series."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from recovery.errors import Refusal
from recovery.measures import register
from recovery.measures.moments import moment_s
from recovery.reading import measured
from recovery.reading.experiment import Experiment
from recovery.simulate.pipeline import Outcome
from recovery.stages.outage import resolve
from recovery.store.fit_record import Missing
from recovery.study.fit.columns import Floats, columns_of, is_flow, sampled
from recovery.units import show_duration

# Standard deviation (s) of a milestone by its confidence, where the file does not say `within`: half of what counts as
# met.
SIGMA_S = {"official": 300.0, "measured": 300.0, "reported": 600.0, "recalled": 600.0}
ALWAYS: Final = "always"
NEVER: Final = "never"


@dataclass(frozen=True)
class Observations:
    """What a candidate is measured against: milestones (those used for the fit), or a series of one column."""

    milestones: tuple[tuple[str, str, float, float], ...] = ()  # label, measure, observed s, sigma s
    column: str = ""
    times_s: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    unit: str = ""
    said: tuple[str, ...] = ()
    over_s: float = 0.0  # of a flow: each value is the mean of so long before its time

    @property
    def sigma(self) -> float:
        """The unit of a series' residuals: a hundredth of the data's spread."""
        return 0.01 * float(np.std(self.values)) if self.values else 1.0

    def residuals(self, outcomes: Sequence[Outcome], horizon_s: float) -> Floats:
        """How far off, in standard deviations: float64 of milestones or of points. What never comes counts as the
        horizon, what was never bad as normal from the start.
        """
        if not self.milestones:
            return np.asarray((self.simulated(outcomes).mean(axis=0) - np.array(self.values)) / self.sigma)
        out = []
        for i, (_, _, observed, sigma) in enumerate(self.milestones):
            times = [self.time_s(outcome, i) for outcome in outcomes]
            out.append((float(np.mean(np.minimum(times, horizon_s))) - observed) / sigma)
        return np.array(out)

    def simulated(self, outcomes: Sequence[Outcome]) -> Floats:
        """float64[outcomes, points]: the series that the runs give."""
        return np.array([self.sampled(outcome, self.times_s) for outcome in outcomes])

    def sampled(self, outcome: Outcome, times_s: Sequence[float]) -> Floats:
        """float64[times]: the series that a run gives, at these times."""
        return sampled(outcome, self.column, times_s, self.over_s)

    def time_s(self, outcome: Outcome, i: int) -> float:
        """When milestone `i` is in a run: inf if it never comes, 0 if what it ends was never so."""
        measure = self.milestones[i][1]
        at = moment_s(measure, outcome.measure())
        return (
            0.0
            if math.isnan(at) or (measure not in register.onsets() and at <= outcome.scenario.coupling.window)
            else at
        )

    def chance_s(self, outcomes: Sequence[Outcome], horizon_s: float) -> Floats:
        """float64[milestones], standard deviation of each milestone's time over runs with other random numbers, s."""
        if not self.milestones:
            return np.zeros(0)
        times = [[min(self.time_s(outcome, i), horizon_s) for outcome in outcomes] for i in range(len(self.milestones))]
        return np.asarray(np.std(times, axis=1, ddof=1))

    def missing(self, outcomes: Sequence[Outcome]) -> tuple[Missing, ...]:
        """For each milestone "" if it occurs in a run; else ALWAYS (it ends what never was) or NEVER."""
        out: list[Missing] = []
        for i in range(len(self.milestones)):
            times = [self.time_s(outcome, i) for outcome in outcomes]
            out.append(ALWAYS if max(times) == 0 else NEVER if min(times) == math.inf else "")
        return tuple(out)


def milestones_of(experiment: Experiment) -> Observations:
    """The milestones of a scenario that are marked as used for the fit; all, if none is. Refusal if none is."""
    observed = experiment.head.observed
    used = [row for row in observed if row.used_for_fit] or list(observed)
    if not used:
        raise Refusal(f"{experiment.file} has no [[observed]] milestones; want some, or a measured --series")
    return Observations(
        tuple(
            (row.label, row.measure, row.at, SIGMA_S[row.confidence] if row.within is None else row.within / 2)
            for row in used
        )
    )


def series_of(
    path: Path,
    column: str,
    experiment: Experiment,
    *,
    field: str = "",
    origin: str = "",
    of: float | None = None,
    in_percent: bool = False,
    of_those_without: bool = False,
    over_s: float | None = None,
) -> Observations:
    """A measured series of one column of results (`measured.read` says from which files); each value of a flow is the
    mean of the `over_s` before its time (if not given: of the time between two points, as a rule). Refusal says what is
    wanted.
    """
    scenario = experiment.first.scenario
    known = columns_of(scenario)
    if column not in known:
        shown = "; ".join(
            f"{what}: {', '.join(name for name, unit in known.items() if unit == kind)}"
            for kind, what in (("share", "shares"), ("count", "counts"), ("s", "seconds"), ("1/s", "a second"))
            if kind in known.values()
        )
        raise Refusal(f"--column is {column!r}, which cannot be fitted; want one of these: {shown}")
    found = measured.read(
        path, column, horizon_s=scenario.horizon, field=field, origin=origin, clock=experiment.head.clock, of=of,
        in_percent=in_percent, of_those_without=of_those_without, is_share=known[column] == "share",
    )  # fmt: skip
    outages = resolve(experiment.first, experiment.head.seed, 0).scenario.outages
    if outages and found.times_s[-1] <= outages[0].start:
        raise Refusal(
            f"{path}: the series ends at {show_duration(found.times_s[-1])}, before the dependency goes away at "
            f"{show_duration(outages[0].start)}; want times that overlap the outage: are they shifted?"
        )
    if not is_flow(column):
        if over_s is not None:
            raise Refusal(f"--over is for flows; want it not for {column}, which is of the moment of its time")
        return Observations((), column, found.times_s, found.values, known[column], found.said)
    given = over_s is not None
    over_s = float(np.median(np.diff(found.times_s))) if over_s is None else over_s
    why = "" if given else ", as far as most are apart; want --over where your query averages over another time"
    said = f"each value is taken as the mean of the {show_duration(over_s)} up to its time{why}"
    return Observations((), column, found.times_s, found.values, known[column], (*found.said, said), over_s)
