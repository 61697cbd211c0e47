"""Values for inputs that nobody knows, from what was observed: milestones of a scenario, or a measured series.

Every candidate is simulated with the same seed and replications (common random numbers), so that differences are due to
the inputs. A space-filling sample of the ranges gives the start, `scipy.optimize.least_squares` the rest; the
sensitivities at the optimum give intervals, and say what the observations cannot tell apart: to first order, so a
trade-off that is curved over the ranges is seen at the optimum only.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from recovery import aftermath, identity, pipeline
from recovery.pipeline import Outcome
from recovery.scenario import Experiment, ScenarioError, World, load
from recovery.units import duration_s, percent, rate_per_s

# How far off (s) a milestone may lie by its confidence: half of what counts as met.
SIGMA_S = {"official": 300.0, "measured": 300.0, "reported": 600.0, "recalled": 600.0}
STEP = 0.05  # of a range, for sensitivities: milestones lie on a grid, so a step must be seen
UNDETERMINED = 0.5  # a direction whose 95 % half-width is more than this part of a range is not determined


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


@dataclass(frozen=True)
class Observations:
    """What a candidate is measured against: milestones (those used for the fit), or a series of one column."""

    milestones: tuple[tuple[str, str, float, float], ...] = ()  # label, measure, observed s, sigma s
    column: str = ""
    times_s: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    sigma: float = 1.0

    def residuals(self, outcomes: Sequence[Outcome], horizon_s: float) -> np.ndarray:
        """How far off, in standard deviations: float64 of milestones or of points. What never comes counts as the
        horizon.
        """
        if not self.milestones:
            found = np.mean([_sampled(outcome, self.column, self.times_s) for outcome in outcomes], axis=0)
            return np.asarray((found - np.array(self.values)) / self.sigma)
        rows = [outcome.measure() for outcome in outcomes]
        out = []
        for _, measure, observed, sigma in self.milestones:
            times = [float(row.get(measure, math.nan)) for row in rows]
            at = float(np.mean([t if math.isfinite(t) else horizon_s for t in times]))
            out.append((at - observed) / sigma)
        return np.array(out)


def _sampled(outcome: Outcome, column: str, times_s: Sequence[float]) -> np.ndarray:
    if column == "leased_share":
        series = outcome.leased_share()
    else:
        later = outcome.later if isinstance(outcome, aftermath.Aftermath) else {}
        known = {**outcome.series, **later}
        if column not in known:
            raise ValueError(f"--column is {column!r}; want leased_share or one of {', '.join(sorted(known))}")
        series = known[column]
    return np.asarray(np.interp(times_s, outcome.times_s, series.astype(float)))


def milestones_of(experiment: Experiment) -> Observations:
    """The milestones of a scenario that are marked as used for the fit; all, if none is. ValueError if none is."""
    observed = experiment.head.observed
    used = [row for row in observed if row.used_for_fit] or list(observed)
    if not used:
        raise ValueError(f"{experiment.file} has no [[observed]] milestones; want some, or a measured --series")
    return Observations(tuple((row.label, row.measure, row.at, SIGMA_S[row.confidence]) for row in used))


def series_of(path: Path, column: str) -> Observations:
    """A measured series: a CSV or Parquet file with time_s and a column of results. ValueError says what is wanted."""
    import polars as pl

    try:
        table = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ValueError(f"{path} cannot be read ({error}); want a CSV or Parquet file") from None
    if missing := [name for name in ("time_s", column) if name not in table.columns]:
        raise ValueError(f"{path} has no column {missing[0]!r}; want time_s and {column}")
    table = table.select("time_s", column).drop_nulls()
    if table.height < 3 or not all(dtype.is_numeric() for dtype in table.dtypes):
        raise ValueError(f"{path}: want at least three rows of numbers in time_s and {column}")
    values = table[column].to_numpy().astype(float)
    times = table["time_s"].to_numpy().astype(float)
    spread = float(np.std(values)) or 1.0
    return Observations((), column, tuple(times.tolist()), tuple(values.tolist()), 0.01 * spread)


@dataclass(frozen=True)
class Value:
    """What was found for one key: the value, its 95 % interval within the range, and whether the data say it."""

    key: str
    text: str
    low: str
    high: str
    is_determined: bool


@dataclass(frozen=True)
class Fitted:
    """The result: a value a key, residuals (in standard deviations), and groups of keys that only count together."""

    values: tuple[Value, ...]
    residuals: tuple[float, ...]
    labels: tuple[str, ...]
    not_told_apart: tuple[tuple[str, ...], ...]
    runs: int
    sum_of_squares: float
    overrides: tuple[str, ...] = field(default=())


class Candidates:
    """Simulates a scenario with other values; lease stages that were simulated before are not simulated again."""

    def __init__(self, path: Path, ranges: Sequence[Range], overrides: tuple[str, ...], threads: int) -> None:
        """Check that the scenario takes both ends of every range. Raises ScenarioError."""
        self.path, self.ranges, self.overrides, self.threads = path, tuple(ranges), overrides, threads
        self.runs = 0
        self._leases: dict[str, Outcome] = {}
        for end in (0.0, 1.0):
            self.experiment([end] * len(ranges))

    def experiment(self, places: Sequence[float]) -> Experiment:
        """The experiment with the values at these places of their ranges."""
        own = tuple(r.override(place) for r, place in zip(self.ranges, places, strict=True))
        return load(self.path, (*self.overrides, *own))

    def outcomes(self, places: Sequence[float]) -> list[Outcome]:
        """The first world's outcomes, one a replication, with the experiment's own seed."""
        loaded = self.experiment(places)
        found = []
        self.runs += 1
        for replication in range(loaded.head.replications):
            world, seed = loaded.first, loaded.head.seed
            alone = World(
                world.name, world.scenario.model_copy(update={"launches": None, "propagation": None, "health": None})
            )
            key = identity.digest_of(alone, seed, replication)
            if key not in self._leases:
                self._leases.clear() if len(self._leases) > 4 * loaded.head.replications else None
                with pipeline.Runner(self.threads) as runner:
                    self._leases[key] = next(runner.run([(alone, seed, replication)]))
            outcome = self._leases[key]
            outcome.world = world
            found.append(aftermath.follow(outcome))
        return found


def fit(
    path: Path,
    ranges: Sequence[Range],
    observations: Observations,
    *,
    overrides: tuple[str, ...] = (),
    samples: int = 16,
    threads: int = 1,
) -> Fitted:
    """Values of `ranges` with which the simulation comes closest to the data. Raises ScenarioError, ValueError."""
    from scipy import optimize
    from scipy.stats import qmc

    if not ranges:
        raise ValueError("no --range; want at least one KEY=LOW..HIGH")
    if len({r.key for r in ranges}) < len(ranges):
        raise ValueError("two --range of one key; want one a key")
    candidates = Candidates(path, ranges, overrides, threads)
    horizon = candidates.experiment([0.5] * len(ranges)).first.scenario.horizon
    cache: dict[tuple[str, ...], np.ndarray] = {}

    def residuals(places: Sequence[float]) -> np.ndarray:
        key = tuple(r.text(place) for r, place in zip(ranges, places, strict=True))
        if key not in cache:
            cache[key] = observations.residuals(candidates.outcomes(places), horizon)
        return cache[key]

    design = qmc.LatinHypercube(len(ranges), rng=np.random.default_rng(1)).random(samples)
    start = min(design.tolist(), key=lambda places: float((residuals(places) ** 2).sum()))
    # Places are moved to 1 … 2, because least_squares takes steps relative to the value.
    found = optimize.least_squares(
        lambda x: residuals((x - 1).tolist()),
        np.array(start) + 1,
        bounds=(1.0, 2.0),
        diff_step=STEP / 1.5,
        xtol=1e-3,
        ftol=1e-3,
        max_nfev=20,
    )
    best = min([*design.tolist(), (found.x - 1).tolist()], key=lambda places: float((residuals(places) ** 2).sum()))
    return _told(ranges, best, residuals, observations, candidates)


def _told(
    ranges: Sequence[Range],
    best: list[float],
    residuals: Callable[[Sequence[float]], np.ndarray],
    observations: Observations,
    candidates: Candidates,
) -> Fitted:
    """Intervals from the sensitivities at the optimum (Gauss and Newton), in parts of the ranges."""
    at = residuals(best)
    columns = []
    for i in range(len(ranges)):
        up, down = list(best), list(best)
        step = max(STEP, 1.0 / (ranges[i].high - ranges[i].low)) if ranges[i].is_whole else STEP
        up[i], down[i] = ranges[i].taken(best[i] + step), ranges[i].taken(best[i] - step)
        columns.append((residuals(up) - residuals(down)) / (up[i] - down[i]))
    sensitivity = np.array(columns).T
    freedom = len(at) - len(ranges)
    # Where the model does not meet the data, its own misfit is the noise.
    noise = max(1.0, float((at**2).sum()) / freedom) if freedom > 0 else 1.0
    _, strengths, directions = np.linalg.svd(sensitivity, full_matrices=True)
    strengths = np.pad(strengths, (0, len(ranges) - len(strengths)))
    halves = 1.96 * math.sqrt(noise) / np.maximum(strengths, 1e-9)
    together = [
        tuple(r.key for r, part in zip(ranges, direction.tolist(), strict=True) if abs(part) > 0.3)
        for half, direction in zip(halves.tolist(), directions, strict=True)
        if half > UNDETERMINED
    ]
    values = []
    for i, r in enumerate(ranges):
        half = float(np.sqrt(((halves * directions[:, i]) ** 2).sum()))
        low, high = r.text(best[i] - half), r.text(best[i] + half)
        values.append(Value(r.key, r.text(best[i]), low, high, half <= UNDETERMINED))
    labels = tuple(row[0] for row in observations.milestones)
    return Fitted(
        tuple(values),
        tuple(at.tolist()) if labels else (),
        labels,
        tuple(together),
        candidates.runs,
        float((at**2).sum()),
        tuple(r.override(place) for r, place in zip(ranges, best, strict=True)),
    )


def told(fitted: Fitted) -> str:
    """The result for people."""
    width = max(len(value.key) for value in fitted.values)
    lines = []
    for value in fitted.values:
        said = f"{value.low} to {value.high}" + ("" if value.is_determined else ", not determined")
        lines.append(f"{value.key:<{width}}  {value.text}  ({said})")
    for label, residual in zip(fitted.labels, fitted.residuals, strict=True):
        lines.append(f"{label}: {residual:+.2f} standard deviations off")
    for keys in fitted.not_told_apart:
        what = f"{keys[0]} is not determined" if len(keys) == 1 else f"{', '.join(keys)} cannot be told apart"
        lines.append(f"{what} by these observations")
    lines += [f"{fitted.runs} simulations; to use the values:", " ".join(f"--set {text}" for text in fitted.overrides)]
    return "\n".join(lines)


__all__ = ["Fitted", "Observations", "Range", "ScenarioError", "fit", "milestones_of", "range_of", "series_of", "told"]
