"""Whether a measured curve is one that a value makes: it is held against runs of that value that differ in nothing but
their random numbers (MODEL.md, section 9).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recovery.store.fit_record import Misfit
from recovery.study.fit.columns import Floats
from recovery.study.fit.misfit import MISFIT_P, of_series, white_of
from recovery.study.fit.search import Tried

RUNS = (9, 49)  # of a value, and where they do not all go alike
FITS_P = 0.05  # a value that makes such a curve more rarely does not fit
FAR = 8.0  # times the median distance of a run from the nearest other: runs with a wider gap between them go apart
KIND_LEAST = 3  # runs that go alike, from which on it is known how far such differ


@dataclass(frozen=True)
class Judged:
    """What runs of one value say of the measured curve; residuals and squares in hundredths of the data's spread."""

    misfit: Misfit
    chance: Floats  # float64[points, points]: covariance that the intervals are made of
    freedom: float  # of that
    at: Floats  # residuals of the mean of the runs that go as the curve does
    of_one: float  # square that chance makes of a single run
    far: float  # square of the run that is farthest from the curve
    runs: int
    kind: tuple[int, ...]  # those that go as the nearest one does
    wanted: int  # so many runs decide

    @property
    def square(self) -> float:
        """Sum of the squares of what is left."""
        return float((self.at**2).sum())

    def fits(self, best: "Judged") -> bool:
        """Whether chance makes so much misfit, and makes as much in the direction in which the value's curve differs
        from the best's: Student's t, which no more than `FITS_P` of all values that are true fail.
        """
        from scipy import stats

        if self.misfit.p < MISFIT_P:
            return False
        way = self.at - best.at
        spread = float(way @ self.chance @ way)
        off = abs(float(way @ self.at))
        return off <= float(stats.t.ppf(1 - FITS_P / 2, self.freedom)) * math.sqrt(spread)


def judged(curves: Floats, data: Floats, times_s: Floats, window_s: float, keys: int = 1, sigma: float = 1.0) -> Judged:
    """Judge by the curves float64[runs, points] of runs of one value, and the measured one.

    Near a cliff runs of one value go different ways, and a curve that the value made goes one of them. So runs that
    hang together are of one kind (single linkage: Sibson 1973), and the curve is tested against the kind of the nearest
    run (`misfit.of_series`). It may be of a kind that no run has shown: that is as likely as that a run is alone of its
    kind and so far from all others (Good 1953), so p is the share of such runs at least, where that is no less than
    `FITS_P`.
    """
    many, off = len(curves), curves - data
    own = (off**2).sum(axis=1)
    nearest = int(own.argmin())
    white = white_of(off[nearest], curves[nearest], times_s, window_s)
    apart = ((off[:, None] - off[None]) ** 2).sum(axis=2)
    np.fill_diagonal(apart, math.inf)
    to_next, noise = apart.min(axis=1), float(white.sum())
    far = FAR**2 * (float(np.median(to_next)) + noise)
    kind = _kind(apart, nearest, far)
    share = float(((to_next > far) & (to_next + noise >= own[nearest])).mean())
    share = share if share >= FITS_P else 0.0
    # Of a kind of one or two it is not known how far such differ: then that share is all that is known.
    is_known = len(kind) >= KIND_LEAST
    alike = off[list(kind)] if is_known else off[own.argsort()[:KIND_LEAST]]
    at = alike.mean(axis=0)
    bounds = (share, 1.0 if is_known else share)
    misfit, chance, freedom = of_series(at, alike, len(alike), keys, white, sigma, bounds)
    is_told = is_known and misfit.p > max(share, MISFIT_P)  # the curve is like others of its kind
    wanted = RUNS[len(kind) < many and not is_told]
    spread = np.var(alike, axis=0, ddof=1)
    of_one = float((2 * spread + white).sum())
    return Judged(misfit, chance, freedom, at, of_one, float(own.max()), many, kind, wanted)


class Judge:
    """Judges settings of a fit of a series, each by as many runs of its own as it needs."""

    def __init__(self, tried: Tried) -> None:
        self.tried = tried
        self.known: dict[tuple[float, ...], Judged] = {}

    def __call__(self, places: Sequence[float]) -> Judged:
        """What the runs of this setting say."""
        at = tuple(places)
        if at not in self.known:
            self.known[at] = self._judged(at)
        return self.known[at]

    def _judged(self, places: Sequence[float]) -> Judged:
        candidates, observations = self.tried.candidates, self.tried.observations
        experiment, sigma = candidates.experiment(places), observations.sigma
        window_s, times = experiment.first.scenario.coupling.window, np.array(observations.times_s)
        curves, data = np.zeros((0, len(times))), np.array(observations.values) / sigma
        for many in RUNS:
            new = candidates.each((experiment, (number,)) for number in range(len(curves), many))
            more = [observations.simulated(outcomes) / sigma for outcomes in new]
            curves = np.concatenate([curves, *more])
            found = judged(curves, data, times, window_s, len(places), sigma)
            if found.wanted <= many:
                break
        return found


def _kind(apart: Floats, first: int, far: float) -> tuple[int, ...]:
    """The runs that hang together with the first one: each is no farther than `far` (squared) from another of them."""
    kind, new = {first}, [first]
    while new:
        near = np.flatnonzero((apart[new] <= far).any(axis=0))
        new = [int(i) for i in near if int(i) not in kind]
        kind.update(new)
    return tuple(sorted(kind))
