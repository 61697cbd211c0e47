"""A distribution of service times from a histogram: exponential or lognormal by maximum likelihood, each with its
misfit, and the measured times themselves as an empirical file.
"""

import math

import numpy as np

from recovery.errors import Refusal
from recovery.reading.histogram import Histogram
from recovery.statistics.arrays import Floats
from recovery.store.fit_record import Family, ServiceTimes

TIMES = 1_000  # of the empirical file: quantiles in the middle of so many equal parts
_LEAST = 1e-300  # a chance, so that its logarithm is finite


def service_times(found: Histogram) -> ServiceTimes:
    """What a histogram says of service times. Raises Refusal where all lie in one bucket: then only its bounds are
    known.
    """
    filled = int((np.diff(found.counts, prepend=0.0) > 0).sum())
    if filled < 2:
        raise Refusal("all times lie in one bucket; want a histogram with finer bounds")
    families = tuple(sorted((_exponential(found), _lognormal(found)), key=lambda one: one.misfit_share))
    beyond = found.counts[-1] - found.counts[-2]
    return ServiceTimes(
        times=found.total,
        mean_s=_mean_s(found),
        file_mean_s=float(quantiles(found).mean()),
        beyond_share=float(beyond / found.total),
        last_bound_s=float(found.bounds_s[-2]),
        families=families,
        said=found.said,
    )


def quantiles(found: Histogram) -> Floats:
    """TIMES measured times, rising: within a bucket as if they were spread evenly, beyond the last bound at it, as
    Prometheus' histogram_quantile has them.
    """
    bounds, counts = found.bounds_s[:-1], found.counts[:-1]
    if bounds[0] > 0:
        bounds, counts = np.append(0.0, bounds), np.append(0.0, counts)
    places = (np.arange(TIMES) + 0.5) / TIMES * found.total
    return np.asarray(np.interp(places, counts, bounds))


def _mean_s(found: Histogram) -> float:
    """The mean of all times, each in the middle of its bucket, beyond the last bound at it."""
    ends = np.concatenate([[min(0.0, float(found.bounds_s[0]))], found.bounds_s[:-1]])
    middles = np.append((ends[:-1] + ends[1:]) / 2, found.bounds_s[-2])
    return float(np.diff(found.counts, prepend=0.0) @ middles / found.total)


def _shares(found: Histogram) -> Floats:
    """Of the times: how many up to each finite bound."""
    return np.asarray(found.counts[:-1] / found.total)


def _likelihood(found: Histogram, below: Floats) -> float:
    """Mean log-likelihood of a time's bucket, if so many lie below each finite bound."""
    chance = np.diff(np.concatenate([[0.0], below, [1.0]]))
    seen = np.diff(found.counts, prepend=0.0) / found.total
    return float(seen @ np.log(np.maximum(chance, _LEAST)))


def _misfit(found: Histogram, below: Floats) -> float:
    """Kolmogorov's distance at the bounds: no share of times up to a bound is further off."""
    return float(np.abs(below - _shares(found)).max())


def _start(found: Histogram) -> tuple[float, float]:
    """Mean and standard deviation of the logarithm, roughly: of the quantiles."""
    logs = np.log(np.maximum(quantiles(found), found.bounds_s[found.bounds_s > 0][0] / 100))
    return float(logs.mean()), max(float(logs.std()), 0.05)


def _exponential(found: Histogram) -> Family:
    from scipy import optimize

    bounds = found.bounds_s[:-1]

    def below(log_mean: float) -> Floats:
        return np.asarray(-np.expm1(-bounds / math.exp(log_mean)))

    start, _ = _start(found)
    best = optimize.minimize_scalar(
        lambda x: -_likelihood(found, below(x)), bracket=(start - 1, start + 1), options={"xtol": 1e-10}
    )
    mean = math.exp(float(best.x))
    return Family(dist="exponential", mean_s=mean, cv=1.0, misfit_share=_misfit(found, below(float(best.x))))


def _lognormal(found: Histogram) -> Family:
    from scipy import optimize, special

    bounds = found.bounds_s[:-1]

    def below(mu: float, log_sigma: float) -> Floats:
        with np.errstate(divide="ignore"):
            return np.asarray(special.ndtr((np.log(bounds) - mu) / math.exp(log_sigma)))

    mu, sigma = _start(found)
    best = optimize.minimize(
        lambda x: -_likelihood(found, below(float(x[0]), float(x[1]))),
        (mu, math.log(sigma)),
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-13, "maxiter": 5_000},
    )
    mu, sigma = float(best.x[0]), math.exp(float(best.x[1]))
    mean, cv = math.exp(mu + sigma * sigma / 2), math.sqrt(math.expm1(sigma * sigma))
    return Family(dist="lognormal", mean_s=mean, cv=cv, misfit_share=_misfit(found, below(mu, math.log(sigma))))
