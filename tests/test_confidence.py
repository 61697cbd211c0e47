"""Intervals that hold at every look, on data whose truth is known.

Oracles: closed forms (the value of the mixture at the ends), Ville's inequality by repeated emulation, and agreement of
sequences that are one where both apply.
"""

import math

import emulation
import numpy as np
import pytest
from scipy import special

from recovery.statistics import confidence
from recovery.statistics.estimate import Estimate


def test_the_ends_of_a_mean_are_where_the_mixture_of_t_statistics_is_1_over_alpha() -> None:
    values, alpha = np.random.default_rng(1).normal(5.0, 2.0, 20), 0.05
    told = confidence.mean(values, alpha)
    n, g = len(values), confidence.SPREAD
    for end in (told.low, told.high):
        t2 = n * (told.mean - end) ** 2 / values.var(ddof=1)
        mixed = (1 + n * g) ** -0.5 * ((1 + t2 / (n - 1)) / (1 + t2 / ((n - 1) * (1 + n * g)))) ** (n / 2)
        assert mixed == pytest.approx(1 / alpha)
    assert all(map(math.isnan, confidence.mean(values[:2], alpha)[1:]))  # two values tell nothing


def test_the_ends_of_a_chance_are_where_the_beta_binomial_mixture_is_1_over_alpha() -> None:
    events, runs, alpha = 3, 120, 0.02
    told = confidence.chance(events, runs, alpha)
    mixed = special.beta(events + confidence.RARE, runs - events + 1) / special.beta(confidence.RARE, 1)
    for p in (told.low, told.high):
        assert mixed / (p**events * (1 - p) ** (runs - events)) == pytest.approx(1 / alpha, rel=1e-6)
    assert confidence.chance(0, 0) == pytest.approx((math.nan, 0.0, 1.0), nan_ok=True)
    assert confidence.chance(0, 9).low == 0.0
    assert confidence.chance(9, 9).high == 1.0


def test_the_capital_against_a_mean_is_the_plain_product() -> None:
    values, mean = np.array([0.0, 0.25, 1.0, 0.5]), 0.3
    plain = sum(
        weight * math.prod(1 + bet * (x / mean - 1) for x in values.tolist())
        for bet, weight in zip(confidence.BETS.tolist(), confidence.CAPITAL.tolist(), strict=True)
    )
    assert confidence.log_capital(values, mean) == pytest.approx(math.log(plain))


def test_the_restricted_mean_is_between_what_its_parts_allow() -> None:
    told = confidence.restricted(Estimate(100.0, 90.0, 110.0), Estimate(0.1, 0.05, 0.2), 1_000.0)
    assert told == pytest.approx((0.9 * 100 + 100, 0.95 * 90 + 50, 0.8 * 110 + 200))
    nothing = confidence.restricted(Estimate(math.nan, math.nan, math.nan), Estimate(1.0, 0.5, 1.0), 1_000.0)
    assert nothing == (1_000.0, 500.0, 1_000.0)


def test_nobody_stops_on_runs_that_happen_to_be_alike() -> None:
    # Two runs that are equal, then thirty: the chance of never may still be more than 5 %.
    for runs in (2, 30):
        look = confidence.looked([210.0] * runs, range(runs), precision=0.05, never_max=0.05)
        assert look.status == "open"
        assert look.never.high > 0.05
    assert confidence.looked([210.0] * 120, range(120), precision=0.05, never_max=0.05).status == "precise"
    assert confidence.looked([math.inf] * 20, range(20), precision=0.05, never_max=0.05).status == "collapses"


@pytest.mark.parametrize("name", ["2 % never", "4 draws a replication"])
def test_the_emulation_looks_as_the_module_does(name: str) -> None:
    case = next(case for case in emulation.CASES if case.name == name)._replace(units=130)
    path = emulation.paths(case, np.random.default_rng(2), 3, 0.05, 0.05)
    for experiment in range(3):
        for units in (5, 20, 130):
            times = path.times_s[experiment, :units]
            unit = np.arange(units).repeat(case.draws)
            look = confidence.looked(times.ravel(), unit, precision=1e-9, never_max=0.05)
            at = (experiment, units - 1)
            assert look.recovered.mean == pytest.approx(path.mean[at])
            assert look.recovered.high - look.recovered.mean == pytest.approx(path.half[at], nan_ok=True)
            assert (look.never.high < 0.05) == path.below[at]
            assert (look.never.low > 0.05) == path.above[at]
            assert (look.never.low <= case.never <= look.never.high) == path.holds_never[at]


def at_least(share: float, repeats: int) -> float:
    """The least count that does not speak against so large a share, at one-sided 1 %."""
    return share * repeats - 2.33 * math.sqrt(share * (1.0 - share) * repeats)


@pytest.mark.slow
@pytest.mark.parametrize("case", emulation.CASES, ids=lambda case: case.name)
def test_what_is_told_at_the_stop_holds(case: emulation.Case) -> None:
    repeats = 300
    told = emulation.held(case, repeats)
    assert told.time >= at_least(0.93, repeats)
    assert told.never >= at_least(0.93, repeats)


def test_students_interval_at_every_look_does_not_hold() -> None:
    # Why all this: the rule it replaces, with what is told of it, 0.88 and 0.15.
    normal, rare = emulation.of_students_rule(500)
    assert normal < 0.93
    assert rare < 0.5


def test_a_chance_holds_at_every_look() -> None:
    # Not at the stop only: all of 400 looks of each experiment, by Ville's inequality.
    rng, repeats, runs = np.random.default_rng(4), 2_000, np.arange(1, 401)
    for p in (0.01, 0.05, 0.5):
        events = np.cumsum(rng.random((repeats, 400)) < p, axis=1)
        outside = (emulation.log_mixtures(events, runs, p) > math.log(1 / 0.05)).any(axis=1).sum()
        assert outside <= repeats - at_least(0.95, repeats)


def test_a_bounded_mean_holds_at_every_look_whatever_the_values() -> None:
    rng, repeats = np.random.default_rng(5), 1_000
    for values, mean in (
        (rng.beta(0.2, 1.8, (repeats, 300)), 0.1),
        (rng.binomial(16, 0.02, (repeats, 300)) / 16.0, 0.02),
        ((rng.random((repeats, 300)) < 0.05).astype(float), 0.05),
    ):
        for side, truth in ((values, mean), (1.0 - values, 1.0 - mean)):
            outside = (emulation.log_capitals(side, truth) > math.log(1 / 0.05)).any(axis=1).sum()
            assert outside <= repeats - at_least(0.95, repeats)
