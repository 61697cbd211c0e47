"""How far the best simulation is from the data, and whether chance makes so much (MODEL.md, section 9)."""

import math
from collections.abc import Sequence

import numpy as np

from recovery.simulate.pipeline import Outcome
from recovery.store.fit_record import Misfit
from recovery.study.fit.columns import Floats
from recovery.study.fit.observations import Observations

MISFIT_P = 0.01  # misfit that chance makes more rarely than this is systematic
MISFIT_SHARE = (
    0.05  # systematic misfit up to this part of the data's spread widens the intervals; more explains nothing
)
POINTS_FOR_NOISE = 12
STRETCH_LEAST = 3  # points in a row: fewer may be one window
OFF_LEAST = 1.0  # hundredths of the data's spread: a stretch that is off by no more is no fault that anybody minds


def of_milestones(at: Floats, keys: int) -> Misfit:
    """Chi-square of the residuals, which are in standard deviations of what is said of the milestones and of chance.
    Keys that are as many as the milestones should meet all: that is no test, unless what is missed is too much for
    milestones that nothing was fitted to.
    """
    from scipy import stats

    freedom = len(at) - keys
    p = float(stats.chi2.sf((at**2).sum(), freedom if freedom > 0 else len(at)))
    if freedom <= 0 and p >= MISFIT_P:
        p = math.nan
    return _misfit(float(np.sqrt((at**2).mean())), 1.0, math.inf, at, p)


def of_series(
    at: Floats,
    curves: Floats,
    first: int,
    keys: int,
    white: Floats,
    sigma: float = 1.0,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> tuple[Misfit, Floats, float]:
    """Residuals `at` float64[points] against what chance makes; the covariance that intervals are to be made of; its
    freedom. All in hundredths of the data's spread, but for the misfit, where one of them is `sigma`.

    It is tested how much is off in all, and how far the worst stretch is off to one side: a fault of some minutes is
    little beside what chance makes elsewhere. The second test is so far on the safe side that its false alarms do not
    count beside those of the first. Chance is the spread between replications (`curves` float64[runs, points]; the mean
    of the first `first` gave the residuals), which what was measured has too, and what differs from point to point
    (variances `white`). The mean square over its expectation is nearly F, with the freedom of a sum of dependent
    squares (Satterthwaite 1946). `bounds` are what is known of p otherwise. Where there is more than chance, what is
    left is taken as one error with its own memory: of so many independent points as its autocorrelation leaves (Bayley
    and Hammersley 1946).
    """
    from scipy import stats

    n, freedom = len(at), len(curves) - 1.0
    chance = np.cov(curves, rowvar=False) * (1 + 1 / first) + np.diag(white)
    expected, found = float(np.trace(chance)), float((at**2).sum())
    if expected > 0:
        p = float(stats.f.sf(found / expected, expected**2 / float((chance**2).sum()), freedom))
    else:
        p = 0.0 if found > 1e-12 else 1.0
    p = min(max(min(p, stretch_p(at, curves, first, white)), bounds[0]), bounds[1])
    rms, noise = math.sqrt(found / n), math.sqrt(expected / n)
    misfit = _misfit(rms * sigma, noise * sigma, rms / 100, at, p)
    if misfit.is_systematic:
        memory = max(float((at[1:] * at[:-1]).sum()) / found, 0.0)
        independent = max(n * (1 - memory) / (1 + memory) - keys, 1.0)
        freedom = min(freedom, independent)
        chance = chance + np.eye(n) * found / independent
    return misfit, chance, freedom


def stretch_p(at: Floats, curves: Floats, first: int, white: Floats) -> float:
    """How often chance makes a stretch of residuals that is as far off to one side as the worst one: Student's t of its
    sum, over all stretches (Bonferroni; of a length, as many as fit side by side, twice). Arguments as of `of_series`.

    What a curve's rise within a window makes is taken as one error of the whole stretch.
    """
    from scipy import stats

    n, least, length = len(at), 1.0, float(STRETCH_LEAST)
    noise = float(white.min(initial=0.0)) if n else 0.0
    steps, looked = np.sqrt(white - noise), 0.0
    while round(length) <= n // 2:
        many = round(length)

        def sums(of: Floats, many: int = many) -> Floats:
            whole = np.cumsum(np.concatenate([np.zeros((*of.shape[:-1], 1)), of], axis=-1), axis=-1)
            return np.asarray(whole[..., many:] - whole[..., :-many])

        runs = np.var(sums(curves), axis=0, ddof=1) * (1 + 1 / first)
        square = runs + sums(steps) ** 2 + many * noise + (many * OFF_LEAST) ** 2
        worst = float((np.abs(sums(at)) / np.sqrt(square)).max())
        least = min(least, 2 * float(stats.t.sf(worst, len(curves) - 1)))
        looked += 2 * n / many
        length *= math.sqrt(2)
    return min(least * looked, 1.0)


def white_of(at: Floats, mean: Floats, times_s: Floats, window_s: float) -> Floats:
    """float64[points], variance of what differs from point to point: noise of the measuring (the median of second
    differences of the residuals, where there are enough), and a curve's rise within a window.
    """
    noise = 0.0
    if len(at) >= POINTS_FOR_NOISE:
        noise = (1.4826 * float(np.median(np.abs(np.diff(at, 2))))) ** 2 / 6
    slopes = np.gradient(mean, times_s) if (np.diff(times_s) > 0).all() else np.zeros(len(at))
    return np.asarray(noise + (slopes * window_s) ** 2 / 12)


def _longest(at: Floats) -> int:
    """Most residuals in a row that are off to the same side."""
    longest = run = 0
    before = 0.0
    for sign in np.sign(at).tolist():
        run = run + 1 if sign == before and sign else int(bool(sign))
        longest, before = max(longest, run), sign
    return longest


def shift_s(observations: Observations, own: Sequence[Outcome]) -> float:
    """By how much later the simulation would have to be so that a fourth of the squared misfit is left; else nan."""
    times, values = np.array(observations.times_s), np.array(observations.values)
    ends, horizon = own[0].times_s, own[0].scenario.horizon

    def square(shift: float) -> float:
        moved = np.mean([observations.sampled(outcome, (times - shift).tolist()) for outcome in own], axis=0)
        return float(((moved - values) ** 2).sum())

    shifts = np.arange(
        -horizon / 2, horizon / 2, max(float(ends[1] - ends[0]) if len(ends) > 1 else 1.0, horizon / 500)
    )
    best = min(shifts.tolist(), key=square)
    return float(best) if square(best) <= 0.25 * square(0.0) else math.nan


def _misfit(rms: float, noise: float, share: float, at: Floats, p: float) -> Misfit:
    is_systematic = p < MISFIT_P
    return Misfit(
        rms=rms,
        noise=noise,
        share=share,
        points=len(at),
        run_longest=_longest(at),
        p=p,
        is_systematic=is_systematic,
        explains=not is_systematic or share <= MISFIT_SHARE,
    )
