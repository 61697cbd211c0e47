"""Intervals for a proportion that was counted."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

from recovery.theory import given


class Interval(NamedTuple):
    """A confidence interval, both ends included."""

    low: float
    high: float


def _trials(successes: int, trials: int, confidence: float) -> tuple[int, int, float]:
    trials = given.whole("trials", trials, 1)
    successes = given.whole("successes", successes, 0)
    if successes > trials:
        raise ValueError(f"successes is {successes}; want at most trials, {trials}")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence is {confidence}; want a number between 0 and 1")
    return successes, trials, float(confidence)


def wilson(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval for a proportion, without continuity correction.

    (k + z^2/2 +- z sqrt(k (n - k) / n + z^2/4)) / (n + z^2), z the normal quantile of (1 + confidence) / 2. On average
    over proportions it covers about as often as it says; for a guarantee take `clopper_pearson`.

    `successes` is k, from 0 to n; `trials` is n, from 1; `confidence` lies between 0 and 1. Returns shares. Raises
    ValueError otherwise.
    Source: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927); Brown, Cai and DasGupta, Statistical Science 16 (2001).
    """
    successes, trials, confidence = _trials(successes, trials, confidence)
    z = -NormalDist().inv_cdf((1.0 - confidence) / 2.0)
    middle = successes + z * z / 2.0
    half = z * math.sqrt(successes * (trials - successes) / trials + z * z / 4.0)
    low = 0.0 if successes == 0 else (middle - half) / (trials + z * z)
    high = 1.0 if successes == trials else (middle + half) / (trials + z * z)
    return Interval(low, high)


def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """Clopper and Pearson's exact interval for a proportion: it never covers less often than it says.

    With alpha = 1 - confidence, low solves P(X >= k) = alpha/2 and high solves P(X <= k) = alpha/2 for X binomial: the
    quantile alpha/2 of Beta(k, n - k + 1) and the quantile 1 - alpha/2 of Beta(k + 1, n - k); 0 where k = 0 and 1 where
    k = n.

    `successes` is k, from 0 to n; `trials` is n, from 1; `confidence` lies between 0 and 1. Returns shares. Raises
    ValueError otherwise. Imports scipy when called.
    Source: Clopper and Pearson, Biometrika 26 (1934).
    """
    from scipy.special import betaincinv  # type: ignore[import-untyped, unused-ignore]

    successes, trials, confidence = _trials(successes, trials, confidence)
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if successes == 0 else float(betaincinv(successes, trials - successes + 1, tail))
    high = 1.0 if successes == trials else 1.0 - float(betaincinv(trials - successes, successes + 1, tail))
    return Interval(low, high)
