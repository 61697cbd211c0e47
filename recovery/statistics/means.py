"""Means of independent values and their intervals (Student), within what is possible. A leaf."""

import math
from collections.abc import Sequence


def student(freedom: float, confidence: float = 0.95) -> float:
    """Half-width of a Student interval with so many degrees of freedom, in standard deviations."""
    from scipy import special

    return float(special.stdtrit(freedom, (1 + confidence) / 2))


def interval(
    mean: float, error: float, freedom: int, confidence: float = 0.95, least: float = -math.inf, most: float = math.inf
) -> tuple[float, float]:
    """Student interval of a mean with this standard error, within what is possible: of values from `least` on it is
    taken of the logarithm, of values between `least` and `most` of the logit, to first order.

    Nowhere is it wider than possible, and it covers better than Student's where values are skewed (MODEL.md, section
    10). Without an error it has no width. A mean that is not between its limits has Student's own interval. Raises
    ValueError for `most` without `least`.
    Source: delta method; for shares W. Newcombe, Statistics in Medicine 17 (1998), for means of skewed values X. Zhou
    and S. Gao, Statistics in Medicine 16 (1997).
    """
    if math.isinf(least) and not math.isinf(most):
        raise ValueError(f"most is {most} and least {least}; want both finite, or least only, or neither")
    half = student(freedom, confidence) * error
    if not half > 0.0 or math.isinf(least) or not least < mean < most:
        return mean - half, mean + half
    above = mean - least
    if math.isinf(most):
        factor = math.exp(min(half / above, 700.0))
        return least + above / factor, least + above * factor
    below = most - mean
    factor = math.exp(min(half * (1.0 / above + 1.0 / below), 700.0))
    low, high = above / (above + below * factor), above / (above + below / factor)
    return min(least + (most - least) * low, mean), max(most - (most - least) * (1.0 - high), mean)


def mean_interval(
    values: Sequence[float], confidence: float = 0.95, least: float = -math.inf, most: float = math.inf
) -> tuple[float, float, float]:
    """Mean and interval (`interval`) of independent values between `least` and `most`; one value has no interval (nan);
    an infinite one makes all infinite. What was not measured (nan) is left out; all is nan if nothing was measured.
    """
    values = [value for value in values if not math.isnan(value)]
    n = len(values)
    if n == 0:
        return math.nan, math.nan, math.nan
    if any(math.isinf(v) for v in values):
        return math.inf, math.nan, math.inf
    mean = math.fsum(values) / n
    if n < 2:
        return mean, math.nan, math.nan
    error = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (n - 1) / n)
    return mean, *interval(mean, error, n - 1, confidence, least, most)
