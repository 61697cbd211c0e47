"""Values for inputs that nobody knows, from what was observed: milestones of a scenario, or a measured series.

Every candidate is simulated with the same seed and replications (common random numbers), so that differences are due to
the inputs. A space-filling sample of the ranges gives the start, `scipy.optimize.least_squares` the rest; the
sensitivities at the optimum give intervals, and say what the observations cannot tell apart: to first order, so a
trade-off that is curved over the ranges is seen at the optimum only.

A fit is told only with how good it is (MODEL.md, section 9): its misfit is tested against chance, that of a series
against the spread over more replications; misfit widens the intervals, and where it is large no value is offered. Of
the keys that were not varied, those that would change the simulation in the same way are named.
"""

import copy
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from recovery.errors import ScenarioError
from recovery.model.scenario import Scenario
from recovery.model.variant import Variant
from recovery.reading import measured, toml_edit
from recovery.reading.experiment import Experiment, load
from recovery.simulate import chain, identity, pipeline
from recovery.simulate.pipeline import Outcome
from recovery.stages import known
from recovery.stages.outage import resolve
from recovery.units import duration_s, percent, quantity, rate_per_s, show_duration, show_share

# How far off (s) a milestone may lie by its confidence: half of what counts as met.
SIGMA_S = {"official": 300.0, "measured": 300.0, "reported": 600.0, "recalled": 600.0}
STEP = 0.05  # of a range, for sensitivities: milestones lie on a grid, so a step must be seen
UNDETERMINED = 0.5  # a direction whose 95 % half-width is more than this part of a range is not determined
NOISE_RUNS = 8  # more replications at the optimum, for the noise of a series
MISFIT_P = 0.01  # misfit that chance makes more rarely than this is systematic
MISFIT_SHARE = (
    0.05  # systematic misfit up to this part of the data's spread widens the intervals; more explains nothing
)
POINTS_FOR_NOISE = 12
NUDGE = 0.2  # by how much keys that were not varied are changed, to see whether they do the same
ALIKE = 0.9  # cosine from which on two keys change the simulation alike
# Keys that shape a recovery: what each does to the simulation is compared with what the fitted keys do.
MAIN_KEYS = (
    "host.establish_time", "host.renew_time", "host.timeout", "host.workers", "lease.duration", "lease.check_every",
    "policy.client.delay", "policy.client.base", "policy.client.cap", "fleet.holders", "propagation.time",
    "propagation.workers", "jobs.retries",
)  # fmt: skip


@dataclass(frozen=True)
class Range:
    """A key of the scenario and the values that it may have; `unit` is how they are written."""

    key: str
    low: float
    high: float
    unit: str
    is_whole: bool = False

    @property
    def is_log(self) -> bool:
        """Whether it is searched by its logarithm: where the ends are ten times apart or more."""
        return self.low > 0 and self.high >= 10 * self.low

    def value(self, place: float) -> float:
        """The value at a place from 0 (low) to 1 (high)."""
        place = min(max(place, 0.0), 1.0)
        if self.is_log:
            return float(self.low * (self.high / self.low) ** place)
        return self.low + (self.high - self.low) * place

    def taken(self, place: float) -> float:
        """The place of the value that is really taken: within the range, and of a whole number."""
        place = min(max(place, 0.0), 1.0)
        if not self.is_whole:
            return place
        value = round(self.value(place))
        if self.is_log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def text(self, place: float) -> str:
        """The value as a scenario has it."""
        value = self.value(place)
        if self.is_whole:
            return str(round(value))
        return (
            f"{value:.6g}"
            if not self.unit
            else f"{np.format_float_positional(value, 6, fractional=False, trim='-')}{self.unit}"
        )

    def override(self, place: float) -> str:
        """What `--set` takes."""
        return f"{self.key}={self.text(place)}"


def range_of(text: str) -> Range:
    """Parse "host.timeout=1m..10m", "launches.demand.rate=50/s..200/s", "launches.pinned=0%..90%" or
    "host.workers=4..16". Raises ValueError that says what is wanted.
    """
    wanted = f'--range {text}: want KEY=LOW..HIGH, for instance "host.timeout=1m..10m" or "host.workers=4..16"'
    key, sign, ends = text.partition("=")
    low, dots, high = ends.partition("..")
    if not (key.strip() and sign and dots):
        raise ValueError(wanted)
    parsers: list[tuple[Callable[[str], float], str]] = [
        (lambda t: float(int(t)), "whole"),
        (float, ""),
        (lambda t: 100 * percent(t), "%"),
        (rate_per_s, "/s"),
        (duration_s, "s"),
    ]
    for parse, unit in parsers:
        try:
            first, last = parse(low.strip()), parse(high.strip())
        except ValueError:
            continue
        if not (math.isfinite(first) and math.isfinite(last) and 0 <= first < last):
            raise ValueError(f"{wanted}, from low to high")
        return Range(key.strip(), first, last, "" if unit == "whole" else unit, unit == "whole")
    raise ValueError(wanted)


ALWAYS, NEVER = "always", "never"
# Milestones at which something begins: one in the first window is one, while an end there says that nothing was ever
# wrong but for moments.
ONSETS = (
    "decline_ends_s", "progress_from_s", "launches_fail_s", "latency_rises_s", "errors_start_s", "failover_first_s",
    "capacity_falls_s",
)  # fmt: skip


@dataclass(frozen=True)
class Observations:
    """What a candidate is measured against: milestones (those used for the fit), or a series of one column."""

    milestones: tuple[tuple[str, str, float, float], ...] = ()  # label, measure, observed s, sigma s
    column: str = ""
    times_s: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    unit: str = ""
    said: tuple[str, ...] = ()

    @property
    def sigma(self) -> float:
        """The unit of a series' residuals: a hundredth of the data's spread."""
        return 0.01 * float(np.std(self.values)) if self.values else 1.0

    def residuals(self, outcomes: Sequence[Outcome], horizon_s: float) -> np.ndarray:
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

    def simulated(self, outcomes: Sequence[Outcome]) -> np.ndarray:
        """float64[outcomes, points]: the series that the runs give."""
        return np.array([sampled(outcome, self.column, self.times_s) for outcome in outcomes])

    def time_s(self, outcome: Outcome, i: int) -> float:
        """When milestone `i` is in a run: inf if it never comes, 0 if what it ends was never so."""
        measure = self.milestones[i][1]
        at = float(outcome.measure().get(measure, math.nan))
        return 0.0 if math.isnan(at) or (measure not in ONSETS and at <= outcome.scenario.coupling.window) else at

    def missing(self, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
        """For each milestone "" if it occurs in a run; else ALWAYS (it ends what never was) or NEVER."""
        out = []
        for i in range(len(self.milestones)):
            times = [self.time_s(outcome, i) for outcome in outcomes]
            out.append(ALWAYS if max(times) == 0 else NEVER if min(times) == math.inf else "")
        return tuple(out)


def columns_of(scenario: Scenario) -> dict[str, str]:
    """What a measured series can be of: column and its unit ("share", "count", "s", "1/s")."""
    out = {"leased_share": "share"} if scenario.fleet is not None else {"backlog": "count"}
    if scenario.fleet is not None and scenario.fleet.zones > 1:
        out |= {f"leased_share_zone_{zone}": "share" for zone in range(scenario.fleet.zones)}
    stages = (known.traffic_of(scenario), *known.later_of(scenario))
    own = [one for stage in stages for one in stage.columns if one.place is not None and not one.by_zone]
    own = [one for one in own if not one.name.endswith("_ns")]
    out |= dict.fromkeys((one.name for one in own if one.kind == "level" and one.name != "leased"), "count")
    return out | {"oldest_s": "s"} | {f"{one.name}_per_s": "1/s" for one in own if one.kind == "flow"}


def sampled(outcome: Outcome, column: str, times_s: Sequence[float]) -> np.ndarray:
    """float64[times], a column of a run at some times: levels at the ends of windows, flows a second at their middles.
    Between them it is linear.
    """
    found, ends, window = outcome.columns(), outcome.times_s, outcome.scenario.coupling.window
    if column == "oldest_s":
        series = found["oldest_ns"] / 1e9
    elif column.endswith("_per_s"):
        series, ends = found[column.removesuffix("_per_s")] / window, ends - window / 2
    else:
        series = found[column]
    return np.asarray(np.interp(times_s, ends, np.asarray(series, float)))


def milestones_of(experiment: Experiment) -> Observations:
    """The milestones of a scenario that are marked as used for the fit; all, if none is. ValueError if none is."""
    observed = experiment.head.observed
    used = [row for row in observed if row.used_for_fit] or list(observed)
    if not used:
        raise ValueError(f"{experiment.file} has no [[observed]] milestones; want some, or a measured --series")
    return Observations(tuple((row.label, row.measure, row.at, SIGMA_S[row.confidence]) for row in used))


def series_of(
    path: Path,
    column: str,
    experiment: Experiment,
    *,
    field: str = "",
    origin: str = "",
    of: float | None = None,
    in_percent: bool = False,
) -> Observations:
    """A measured series of one column of results (`measured.read` says from which files). ValueError says what is
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
        raise ValueError(f"--column is {column!r}, which cannot be fitted; want one of these: {shown}")
    found = measured.read(
        path, column, horizon_s=scenario.horizon, field=field, origin=origin, clock=experiment.head.clock, of=of,
        in_percent=in_percent, is_share=known[column] == "share",
    )  # fmt: skip
    outages = resolve(experiment.first, experiment.head.seed, 0).scenario.outages
    if outages and found.times_s[-1] <= outages[0].start:
        raise ValueError(
            f"{path}: the series ends at {show_duration(found.times_s[-1])}, before the dependency goes away at "
            f"{show_duration(outages[0].start)}; want times that overlap the outage: are they shifted?"
        )
    return Observations((), column, found.times_s, found.values, known[column], found.said)


@dataclass(frozen=True)
class Value:
    """What was found for one key: the value, its 95 % interval within the range, and whether the data say it."""

    key: str
    text: str
    low: str
    high: str
    is_determined: bool
    is_at_end: bool = False  # of its range: the best value may lie beyond


@dataclass(frozen=True)
class Misfit:
    """How far the best simulation is from the data, and how far chance would make it.

    `rms` and `noise` are root mean squares: of a series in its own unit, of milestones in standard deviations. `share`
    is rms over the spread (standard deviation) of a series. `run_longest` points in a row are off to the same side.
    `p` is how often chance makes so much; nan where nothing is left to test.
    """

    rms: float
    noise: float
    share: float
    points: int
    run_longest: int
    p: float

    @property
    def is_systematic(self) -> bool:
        """Whether there is more than chance makes."""
        return self.p < MISFIT_P

    @property
    def explains(self) -> bool:
        """Whether the scenario with these values explains the data: no misfit, or one that is small beside them."""
        return not self.is_systematic or self.share <= MISFIT_SHARE


@dataclass(frozen=True)
class Other:
    """A key that was not varied: the cosine between what it does and what the fitted keys can do, and the share of the
    squared misfit that a change of it could take away, to first order.
    """

    key: str
    cosine: float
    takes_away_share: float


@dataclass(frozen=True)
class Overlay:
    """Observed and simulated at the optimum, for a picture: float64[windows] each, lowest and highest of the runs."""

    times_s: np.ndarray
    low: np.ndarray
    mean: np.ndarray
    high: np.ndarray
    milestones_s: tuple[float, ...]


@dataclass(frozen=True)
class Fitted:
    """The result: a value a key, how good the fit is, and what else would do.

    `residuals` are in standard deviations, a milestone each, and `missing` says which do not occur ("always": what they
    end never was; "never"); of a series both are empty. `overrides` hold only what is determined by data that are
    explained; `shift_s` by how much later the simulation would have to be to fit much better, nan if that helps little.
    """

    values: tuple[Value, ...]
    residuals: tuple[float, ...]
    labels: tuple[str, ...]
    missing: tuple[str, ...]
    not_told_apart: tuple[tuple[str, ...], ...]
    misfit: Misfit
    others: tuple[Other, ...]
    shift_s: float
    runs: int
    overrides: tuple[str, ...]
    said: tuple[str, ...]
    overlay: Overlay

    def plain(self) -> dict[str, object]:
        """All but the curves, for JSON."""
        own = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "overlay"}
        own["values"] = [asdict(value) for value in self.values]
        own["others"] = [asdict(other) for other in self.others]
        own["misfit"] = asdict(self.misfit) | {
            "is_systematic": self.misfit.is_systematic,
            "explains": self.misfit.explains,
        }
        return own


class Candidates:
    """Simulates a scenario with other values; lease stages that were simulated before are not simulated again."""

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
        self._leases: dict[str, Outcome] = {}
        for end in (0.0, 1.0):
            self.experiment([end] * len(ranges))

    def experiment(self, places: Sequence[float], more: tuple[str, ...] = ()) -> Experiment:
        """The experiment with the values at these places of their ranges, and with `more` overrides."""
        own = tuple(r.override(place) for r, place in zip(self.ranges, places, strict=True))
        return load(self.path, (*self.overrides, *own, *more))

    def outcomes(
        self, places: Sequence[float], more: tuple[str, ...] = (), replications: Sequence[int] = ()
    ) -> list[Outcome]:
        """The first variant's outcomes, one a replication (if none is given, the experiment's own), its own seed."""
        loaded = self.experiment(places, more)
        found = []
        self.runs += 1
        if self._progress is not None:
            self._progress(self.runs)
        for replication in replications or range(loaded.head.replications):
            seed = loaded.head.seed
            variant = resolve(loaded.first, seed, replication)
            alone = Variant(
                variant.name,
                variant.scenario.model_copy(update={"launches": None, "propagation": None, "health": None}),
            )
            key = identity.digest_of(alone, seed, replication)
            if key not in self._leases:
                self._leases.clear() if len(self._leases) > 4 * loaded.head.replications else None
                with pipeline.Runner(self.threads) as runner:
                    self._leases[key] = next(runner.run([(alone, seed, replication)]))
            outcome = self._leases[key]
            outcome.variant = variant
            found.append(chain.follow(outcome))
        return found


class _Tried:
    """Residuals of what was simulated, by the values that were taken."""

    def __init__(self, candidates: Candidates, observations: Observations) -> None:
        self.candidates, self.observations = candidates, observations
        self.horizon_s = candidates.experiment([0.5] * len(candidates.ranges)).first.scenario.horizon
        self._known: dict[tuple[str, ...], np.ndarray] = {}
        self.missing: list[tuple[str, ...]] = []

    def __call__(self, places: Sequence[float]) -> np.ndarray:
        """float64 of milestones or points, in standard deviations."""
        key = tuple(r.text(place) for r, place in zip(self.candidates.ranges, places, strict=True))
        if key not in self._known:
            outcomes = self.candidates.outcomes(places)
            self.missing.append(self.observations.missing(outcomes))
            self._known[key] = self.observations.residuals(outcomes, self.horizon_s)
        return self._known[key]

    def square(self, places: Sequence[float]) -> float:
        """Sum of the squares."""
        return float((self(places) ** 2).sum())

    def check(self) -> None:
        """ValueError for a milestone that occurs with no value tried, and a series that changes before its cause."""
        file, keys = self.candidates.path, ", ".join(r.key for r in self.candidates.ranges)
        for i, states in enumerate(zip(*self.missing, strict=True)):
            if all(states):
                label, measure, *_ = self.observations.milestones[i]
                why = "what it ends never was" if ALWAYS in states else "it never comes before the horizon"
                raise ValueError(
                    f"{file}: {measure} of the milestone {label!r} does not occur in the simulation, whatever value of "
                    f"{keys} was tried: {why}; want another measure or scenario, or used_for_fit on the others only"
                )
        middle = self.candidates.experiment([0.5] * len(self.candidates.ranges))
        outages = resolve(middle.first, middle.head.seed, 0).scenario.outages
        if not (self.observations.values and outages):
            return
        values = np.array(self.observations.values)
        tried = np.array(list(self._known.values()))
        off = np.where((tried > 0).all(0) | (tried < 0).all(0), np.abs(tried).min(0), 0.0) * self.observations.sigma
        early = (np.array(self.observations.times_s) < outages[0].start) & (off > 0.25 * np.ptp(values))
        if early.any():
            at = int(np.argmax(early))
            raise ValueError(
                f"{file}: {self.observations.column} is {values[at]:.3g} in the series at "
                f"{show_duration(self.observations.times_s[at])}, before the dependency goes away at "
                f"{show_duration(outages[0].start)}, where the simulation is at least {off[at]:.3g} off with every "
                "value tried; want times from the scenario's start: are they shifted (--origin)?"
            )


def fit(
    path: Path,
    ranges: Sequence[Range],
    observations: Observations,
    *,
    overrides: tuple[str, ...] = (),
    samples: int = 16,
    threads: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Fitted:
    """Values of `ranges` with which the simulation comes closest to the data; `progress` is told the number of each
    simulation as it begins. Raises ScenarioError, ValueError.
    """
    from scipy import optimize
    from scipy.stats import qmc

    if not ranges:
        raise ValueError("no --range; want at least one KEY=LOW..HIGH")
    if len({r.key for r in ranges}) < len(ranges):
        raise ValueError("two --range of one key; want one a key")
    candidates = Candidates(path, ranges, overrides, threads, progress)
    tried = _Tried(candidates, observations)
    design = qmc.LatinHypercube(len(ranges), rng=np.random.default_rng(1)).random(samples)
    start = min(design.tolist(), key=tried.square)
    tried.check()
    # Places are moved to 1 … 2, because least_squares takes steps relative to the value.
    found = optimize.least_squares(
        lambda x: tried((x - 1).tolist()),
        np.array(start) + 1,
        bounds=(1.0, 2.0),
        diff_step=STEP / 1.5,
        xtol=1e-3,
        ftol=1e-3,
        max_nfev=20,
    )
    best = min([*design.tolist(), (found.x - 1).tolist()], key=tried.square)
    return _told(ranges, best, tried)


def _told(ranges: Sequence[Range], best: list[float], tried: _Tried) -> Fitted:
    """Intervals from the sensitivities at the optimum (Gauss and Newton), in parts of the ranges."""
    observations, candidates = tried.observations, tried.candidates
    at = tried(best)
    columns = []
    for i in range(len(ranges)):
        up, down = list(best), list(best)
        step = max(STEP, 1.0 / (ranges[i].high - ranges[i].low)) if ranges[i].is_whole else STEP
        up[i], down[i] = ranges[i].taken(best[i] + step), ranges[i].taken(best[i] - step)
        columns.append((tried(up) - tried(down)) / (up[i] - down[i]))
    sensitivity = np.array(columns).T
    own = candidates.outcomes(best)
    if observations.milestones:
        runs = own
        misfit, spread = _misfit_of_milestones(at, len(ranges)), np.eye(len(at))
        freedom = math.inf
        left = len(at) - len(ranges)
        if left > 0:  # where the model does not meet the data, its own misfit is the noise
            spread = spread * max(1.0, float((at**2).sum()) / left)
    else:
        first = len(own)
        runs = own + candidates.outcomes(best, replications=range(first, first + NOISE_RUNS))
        curves = observations.simulated(runs) / observations.sigma
        window = runs[0].scenario.coupling.window
        white = _white(at, curves.mean(axis=0), np.array(observations.times_s), window)
        misfit, spread, freedom = _misfit_of_series(at, curves, first, len(ranges), white)
        misfit = replace(misfit, rms=misfit.rms * observations.sigma, noise=misfit.noise * observations.sigma)
    halves, directions = _halves(sensitivity, spread, _student(freedom))
    together = [
        tuple(r.key for r, part in zip(ranges, direction.tolist(), strict=True) if abs(part) > 0.3)
        for half, direction in zip(halves.tolist(), directions, strict=True)
        if half > UNDETERMINED
    ]
    values = []
    for i, r in enumerate(ranges):
        half = float(np.sqrt(((halves * directions[:, i]) ** 2).sum()))
        low, high = r.text(best[i] - half), r.text(best[i] + half)
        values.append(Value(r.key, r.text(best[i]), low, high, half <= UNDETERMINED, not 0.01 < best[i] < 0.99))
    labels = tuple(row[0] for row in observations.milestones)
    return Fitted(
        tuple(values),
        tuple(at.tolist()) if labels else (),
        labels,
        observations.missing(own),
        tuple(together),
        misfit,
        _others(candidates, best, at, sensitivity, tried),
        math.nan if labels or misfit.explains else _shift_s(observations, own),
        candidates.runs,
        tuple(
            r.override(place)
            for r, place, value in zip(ranges, best, values, strict=True)
            if value.is_determined and misfit.explains
        ),
        observations.said,
        _overlay(observations, runs),
    )


def _student(freedom: float) -> float:
    from scipy import stats

    return float(stats.norm.ppf(0.975) if math.isinf(freedom) else stats.t.ppf(0.975, freedom))


def _halves(sensitivity: np.ndarray, spread: np.ndarray, quantile: float) -> tuple[np.ndarray, np.ndarray]:
    """Half-widths (parts of the ranges) of the region of confidence along its axes float64[keys], and the axes
    float64[keys, keys], a row each. `spread` is the covariance of the residuals.

    Source: Seber and Wild, Nonlinear Regression, 1989, section 2.1 and, for residuals that hang together, 6.2.
    """
    u, strengths, axes = np.linalg.svd(sensitivity, full_matrices=False)
    strengths = np.maximum(strengths, 1e-9)
    inverse = axes.T @ np.diag(1 / strengths) @ u.T
    covariance = inverse @ spread @ inverse.T
    free = np.eye(sensitivity.shape[1]) - axes.T @ axes  # directions that move nothing: more keys than data
    squares, directions = np.linalg.eigh(covariance + 1e18 * free)
    return quantile * np.sqrt(np.maximum(squares, 0.0)), directions.T


def _misfit_of_milestones(at: np.ndarray, keys: int) -> Misfit:
    """Chi-square of the residuals, which are in standard deviations of what is said of the milestones."""
    from scipy import stats

    freedom = len(at) - keys
    p = float(stats.chi2.sf((at**2).sum(), freedom)) if freedom > 0 else math.nan
    return Misfit(float(np.sqrt((at**2).mean())), 1.0, math.inf, len(at), _longest(at), p)


def _misfit_of_series(
    at: np.ndarray, curves: np.ndarray, first: int, keys: int, white: np.ndarray
) -> tuple[Misfit, np.ndarray, float]:
    """Residuals `at` float64[points] against what chance makes; the covariance that intervals are to be made of; its
    freedom. All in hundredths of the data's spread.

    Chance is the spread between replications (`curves` float64[runs, points]; the mean of the first `first` gave the
    residuals), which what was measured has too, and what differs from point to point (variances `white`). The mean
    square over its expectation is nearly F, with the freedom of a sum of dependent squares (Satterthwaite 1946). Where
    there is more than chance, what is left is taken as one error with its own memory: of so many independent points as
    its autocorrelation leaves (Bayley and Hammersley 1946).
    """
    from scipy import stats

    n, freedom = len(at), len(curves) - 1.0
    chance = np.cov(curves, rowvar=False) * (1 + 1 / first) + np.diag(white)
    expected, found = float(np.trace(chance)), float((at**2).sum())
    if expected > 0:
        p = float(stats.f.sf(found / expected, expected**2 / float((chance**2).sum()), freedom))
    else:
        p = 0.0 if found > 1e-12 else 1.0
    misfit = Misfit(math.sqrt(found / n), math.sqrt(expected / n), math.sqrt(found / n) / 100, n, _longest(at), p)
    if misfit.is_systematic:
        memory = max(float((at[1:] * at[:-1]).sum()) / found, 0.0)
        independent = max(n * (1 - memory) / (1 + memory) - keys, 1.0)
        freedom = min(freedom, independent)
        chance = chance + np.eye(n) * found / independent
    return misfit, chance, freedom


def _white(at: np.ndarray, mean: np.ndarray, times_s: np.ndarray, window_s: float) -> np.ndarray:
    """float64[points], variance of what differs from point to point: noise of the measuring (the median of second
    differences of the residuals, where there are enough), and a curve's rise within a window.
    """
    noise = 0.0
    if len(at) >= POINTS_FOR_NOISE:
        noise = (1.4826 * float(np.median(np.abs(np.diff(at, 2))))) ** 2 / 6
    slopes = np.gradient(mean, times_s) if (np.diff(times_s) > 0).all() else np.zeros(len(at))
    return np.asarray(noise + (slopes * window_s) ** 2 / 12)


def _longest(at: np.ndarray) -> int:
    """Most residuals in a row that are off to the same side."""
    longest = run = 0
    before = 0.0
    for sign in np.sign(at).tolist():
        run = run + 1 if sign == before and sign else int(bool(sign))
        longest, before = max(longest, run), sign
    return longest


def _others(
    candidates: Candidates, best: list[float], at: np.ndarray, sensitivity: np.ndarray, tried: _Tried
) -> tuple[Other, ...]:
    """Keys that were not varied and that change the simulation: how alike, and what they could take away.

    One simulation each, a fifth above; a key that the file does not set, or that then is refused, is left out.
    """
    varied = {r.key for r in candidates.ranges}
    raw = candidates.experiment(best).raw
    basis, _ = np.linalg.qr(sensitivity)
    out = []
    for key in MAIN_KEYS:
        change = _nudged(raw, key)
        if change is None or any(f"{change[0]}.".startswith(f"{k}.") or f"{k}.".startswith(f"{key}.") for k in varied):
            continue
        override, part = f"{change[0]}={change[1]}", change[2]
        try:
            moved = tried.observations.residuals(candidates.outcomes(best, (override,)), tried.horizon_s)
        except ScenarioError:
            continue
        own = (moved - at) / part
        length = float(np.linalg.norm(own))
        if length * NUDGE < 0.2 * math.sqrt(len(at)):  # within a fifth of a standard deviation: it moves nothing
            continue
        cosine = float(np.linalg.norm(basis.T @ own)) / length
        both, _ = np.linalg.qr(np.column_stack([sensitivity, own]))
        left = float(((at - basis @ (basis.T @ at)) ** 2).sum())
        taken = float(((both.T @ at) ** 2).sum() - ((basis.T @ at) ** 2).sum()) / max(left, 1e-12)
        out.append(Other(change[0], min(cosine, 1.0), min(max(taken, 0.0), 1.0) if cosine < 0.999 else 0.0))
    return tuple(sorted(out, key=lambda other: -other.cosine))


def _nudged(raw: Mapping[str, Any], key: str) -> tuple[str, str, float] | None:
    """A key of the file (of a distribution: its mean), its value made larger, and by what part; None if it has none."""
    place: Any = raw
    for part in key.split("."):
        place = place.get(part) if isinstance(place, Mapping) else None
    if isinstance(place, Mapping) and "mean" in place:
        key, place = f"{key}.mean", place["mean"]
    found = quantity(place)
    if found is None or found[1] == 0:
        return None
    kind, value = found
    if isinstance(place, int):
        more = max(round(value * (1 + NUDGE)), int(value) + 1)
        return key, str(more), more / value - 1
    unit = {"duration": "s", "rate": "/s"}.get(kind)
    if unit is None:
        return None
    return key, np.format_float_positional(value * (1 + NUDGE), 9, fractional=False, trim="-") + unit, NUDGE


def _shift_s(observations: Observations, own: Sequence[Outcome]) -> float:
    """By how much later the simulation would have to be so that a fourth of the squared misfit is left; else nan."""
    times, values = np.array(observations.times_s), np.array(observations.values)
    ends, horizon = own[0].times_s, own[0].scenario.horizon

    def square(shift: float) -> float:
        moved = np.mean([sampled(outcome, observations.column, (times - shift).tolist()) for outcome in own], axis=0)
        return float(((moved - values) ** 2).sum())

    shifts = np.arange(
        -horizon / 2, horizon / 2, max(float(ends[1] - ends[0]) if len(ends) > 1 else 1.0, horizon / 500)
    )
    best = min(shifts.tolist(), key=square)
    return float(best) if square(best) <= 0.25 * square(0.0) else math.nan


def _overlay(observations: Observations, runs: Sequence[Outcome]) -> Overlay:
    times = runs[0].times_s
    if observations.milestones:
        found = [
            float(np.mean([observations.time_s(outcome, i) for outcome in runs]))
            for i in range(len(observations.milestones))
        ]
        return Overlay(times, np.zeros(0), np.zeros(0), np.zeros(0), tuple(found))
    curves = np.array([sampled(outcome, observations.column, times.tolist()) for outcome in runs])
    return Overlay(times, curves.min(0), curves.mean(0), curves.max(0), ())


# --- what is said and written -----------------------------------------------------------------------------------------


def show(value: float, unit: str) -> str:
    """A value of a series, for people."""
    if unit == "share":
        return show_share(value)
    return show_duration(value) if unit == "s" else f"{value:.3g}" + (" a second" if unit == "1/s" else "")


def told(fitted: Fitted, observations: Observations) -> str:
    """The result for people."""
    width = max(len(value.key) for value in fitted.values)
    lines = list(fitted.said)
    for value in fitted.values:
        said = f"{value.low} to {value.high}" + ("" if value.is_determined else ", not determined")
        said += ", at the end of its range" if value.is_at_end else ""
        lines.append(f"{value.key:<{width}}  {value.text}  ({said})")
    for label, residual, missing in zip(fitted.labels, fitted.residuals, fitted.missing, strict=True):
        lines.append(f"{label}: " + (_MISSING[missing] if missing else f"{residual:+.2f} standard deviations off"))
    lines += goodness(fitted, observations)
    for keys in fitted.not_told_apart:
        what = f"{keys[0]} is not determined" if len(keys) == 1 else f"{', '.join(keys)} cannot be told apart"
        lines.append(f"{what} by these observations")
    lines += _told_others(fitted)
    if fitted.overrides:
        lines += [
            f"{fitted.runs} simulations; to use the values:",
            " ".join(f"--set {text}" for text in fitted.overrides),
        ]
    else:
        why = "nothing is determined" if fitted.misfit.explains else "the data are not explained"
        lines.append(f"{fitted.runs} simulations; no value to use, as {why}")
    return "\n".join(lines)


_MISSING = {
    ALWAYS: "does not occur in the simulation with these values: what it ends never was",
    NEVER: "never comes in the simulation with these values",
}


def goodness(fitted: Fitted, observations: Observations) -> list[str]:
    """How good the fit is, in sentences."""
    misfit, unit = fitted.misfit, observations.unit
    if fitted.labels:
        if math.isnan(misfit.p):
            return ["no milestone is left to test the fit: there are as many keys as milestones"]
        sum_text = f"chi-square {misfit.rms**2 * misfit.points:.3g} of {misfit.points} milestones, p = {misfit.p:.2g}"
        if misfit.explains:
            return [f"the milestones are met within what is known of them ({sum_text})"]
        return [f"the scenario does not explain the data ({sum_text}): intervals are widened by the misfit"]
    text = f"off by {show(misfit.rms, unit)} (root mean square; {show_share(misfit.share)} of the data's spread)"
    text += f", where chance makes {show(misfit.noise, unit)}; {misfit.run_longest} of {misfit.points} points in a row "
    text += "are off to the same side"
    if not misfit.is_systematic:
        return [f"the scenario explains the data: {text} (p = {misfit.p:.2g})"]
    if misfit.explains:
        return [f"the scenario explains the data but for a small systematic rest: {text}; intervals are widened by it"]
    lines = [f"the scenario does not explain the data: {text}; intervals are widened by the misfit"]
    if math.isfinite(fitted.shift_s):
        way = "later" if fitted.shift_s > 0 else "earlier"
        lines.append(f"{show_duration(abs(fitted.shift_s))} {way} it would: are the times shifted (--origin)?")
    return lines


def _told_others(fitted: Fitted) -> list[str]:
    """What holds only because other keys stood still."""
    varied = ", ".join(value.key for value in fitted.values)
    lines = [f"only {varied} was varied" if len(fitted.values) == 1 else f"only {varied} were varied"]
    alike = [other for other in fitted.others if other.cosine >= ALIKE]
    if alike:
        shown = ", ".join(f"{other.key} ({other.cosine:.2f})" for other in alike)
        lines[0] += f"; {shown} would change the simulation alike (cosine): these data do not say which of them it is"
    better = [other for other in fitted.others if other.takes_away_share >= 0.5]
    if better and fitted.misfit.is_systematic:
        best = max(better, key=lambda other: other.takes_away_share)
        lines.append(
            f"varied too, {best.key} could take away about {show_share(best.takes_away_share)} of the squared misfit"
        )
    return lines


def scenario_text(
    path: Path, overrides: tuple[str, ...], fitted: Fitted, observations: Observations, folder: Path
) -> str:
    """The scenario's text with the fitted values set, each with a note; files that it names are found from `folder`.
    ValueError if a value cannot be set in the text.
    """
    loaded = load(path, (*overrides, *fitted.overrides))
    text = path.read_text(encoding="utf-8-sig")
    wanted = copy.deepcopy(loaded.raw)
    _move_files(wanted, path.parent, folder)
    what = f"the series of {observations.column}" if observations.column else "the milestones in observed"
    notes = list(wanted.get("notes", []))
    for value in fitted.values:
        if not any(text.startswith(f"{value.key}=") for text in fitted.overrides):
            continue
        key = re.split(r"\.\d+(?:\.|$)", value.key)[0]  # a note speaks of a whole list
        why = f"fitted to {what}: {value.key} is {value.text} ({value.low} to {value.high}, 95 %)"
        same = next((note for note in notes if note["key"] == key), None)
        if same is None:
            notes = [*notes, {"key": key, "kind": "fitted", "why": why}]
        else:
            notes[notes.index(same)] = {**same, "kind": "fitted", "why": why}
    if notes:
        wanted["notes"] = notes
    return toml_edit.edited(text, wanted)


def _move_files(table: Any, before: Path, after: Path) -> None:
    """Names of files beside the scenario, as they are seen from another folder."""
    items = table.items() if isinstance(table, dict) else enumerate(table) if isinstance(table, list) else ()
    for key, value in list(items):
        if key in ("file", "services") and isinstance(value, str) and value and not Path(value).is_absolute():
            table[key] = Path(os.path.relpath(before / value, after)).as_posix()
        else:
            _move_files(value, before, after)


__all__ = [
    "Fitted", "Observations", "Range", "ScenarioError", "fit", "milestones_of", "range_of", "series_of", "told",
]  # fmt: skip
