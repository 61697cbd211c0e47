"""Intervals for a proportion that was counted."""

from __future__ import annotations

import math
from typing import NamedTuple

from recovery.theory import given

CHANCE_P = 0.05  # two counts differ by more than chance makes where it makes so much more rarely than this


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


def fisher_p(successes: int, trials: int, other_successes: int, other_trials: int) -> float:
    """Fisher's exact test of two proportions that were counted: how often chance makes counts that are as rare as these
    or rarer, if both are of one proportion; two-sided.

    Successes lie between 0 and their trials, of which there is one at least. Returns a share. Raises ValueError
    otherwise. Source: R. Fisher, The Design of Experiments, 1935, chapter 2.
    """
    k, n, _ = _trials(successes, trials, 0.95)
    other, m, _ = _trials(other_successes, other_trials, 0.95)
    every = [math.comb(n, i) * math.comb(m, k + other - i) for i in range(max(0, k + other - m), min(n, k + other) + 1)]
    own = math.comb(n, k) * math.comb(m, other)
    return sum(one for one in every if one <= own) / sum(every)


def mcnemar_p(only_one: int, only_other: int) -> float:
    """McNemar's exact test of two proportions of the same trials, from those that succeeded for one side alone and for
    the other alone: how often chance makes a split as uneven as this or more so, if either side is as likely;
    two-sided, 1 where there is no such trial.

    Returns a share. Raises ValueError for counts below 0. Source: Q. McNemar, Psychometrika 12 (1947); exactly it is
    the sign test of W. Dixon and A. Mood, JASA 41 (1946).
    """
    one, other = given.whole("only_one", only_one, 0), given.whole("only_other", only_other, 0)
    tail = sum(math.comb(one + other, i) for i in range(min(one, other) + 1))
    return min(tail / 2 ** (one + other - 1), 1.0) if one + other else 1.0


def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """Clopper and Pearson's exact interval for a proportion: it never covers less often than it says.

    With alpha = 1 - confidence, low solves P(X >= k) = alpha/2 and high solves P(X <= k) = alpha/2 for X binomial: the
    quantile alpha/2 of Beta(k, n - k + 1) and the quantile 1 - alpha/2 of Beta(k + 1, n - k); 0 where k = 0 and 1 where
    k = n, and then the other end is 1 - (alpha/2)^(1/n) or (alpha/2)^(1/n). It is two-sided and of one look.

    `successes` is k, from 0 to n; `trials` is n, from 1; `confidence` lies between 0 and 1. Returns shares. Raises
    ValueError otherwise. Imports scipy where k is neither 0 nor n.
    Source: Clopper and Pearson, Biometrika 26 (1934).
    """
    successes, trials, confidence = _trials(successes, trials, confidence)
    tail = (1.0 - confidence) / 2.0
    none = -math.expm1(math.log(tail) / trials)  # the closed form of the quantile: most runs need no more
    if successes == 0:
        return Interval(0.0, none)
    if successes == trials:
        return Interval(1.0 - none, 1.0)
    from scipy.special import betaincinv  # type: ignore[import-untyped, unused-ignore]

    low = float(betaincinv(successes, trials - successes + 1, tail))
    high = 1.0 - float(betaincinv(trials - successes, successes + 1, tail))
    return Interval(low, high)
