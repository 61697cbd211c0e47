"""Intervals that hold at every look: whoever looks after each run, and stops when it suits, is wrong no more often.

An interval of fixed size is right
once; after each of many looks it is wrong sooner or later, and who stops at the first narrow one stops where chance was
kind. A *confidence sequence* holds its truth at all looks together with probability 1 - alpha.

The unit is what is independent: a run whose inputs *and* draws of chance are its own, or the replication where a design
(lhs, sobol) ties its inputs together or its runs share random numbers.

- Times of those that recover: `mean`, `ratio`. Exact for normal values; else it holds as the sample grows.
- The chance of never: `chance`, and `bounded` where units are replications. Exact, whatever the values.
- Both with their stopping rule: `looked`.

Source: H. Robbins, Annals of Mathematical Statistics 41 (1970); I. Waudby-Smith, D. Arbour, R. Sinha, E. Kennedy and A.
Ramdas, Annals of Statistics 52 (2024), for means; T. Lai, Annals of Statistics 4 (1976), and H. Wang and A. Ramdas,
arXiv 2310.03722 (2023), with unknown variance; I. Waudby-Smith and A. Ramdas, JRSS B 86 (2024), for bounded values.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

from recovery.statistics import clusters
from recovery.statistics.arrays import Floats
from recovery.statistics.estimate import Estimate
from recovery.statistics.given import between_0_and_1, numbers
from recovery.statistics.means import mean_interval

SPREAD = 0.1
"""Variance g of the effects over which `mean` mixes, in squared standard deviations: the sequence is narrowest, for
what one can be, at about a hundred units, and tells nothing before the eleventh (for 97.5 %)."""
RARE = 0.1
"""Shape a of the mixture Beta(a, 1) of `chance`: most of its weight lies near 0, where chances of never ought to be."""


def half_width(error: Floats, units: Floats, alpha: float) -> Floats:
    """Half the width of the sequence for a mean of so many units with this standard error; nan where so few tell
    nothing.

    The mixture of t statistics over effects N(0, g) is 1 / alpha at the ends of the interval, with g = SPREAD:
    (1 + n g)^-1/2 ((1 + t^2 / (n - 1)) / (1 + t^2 / ((n - 1) (1 + n g))))^(n / 2) = 1 / alpha.
    """
    n = np.maximum(np.asarray(units, np.float64), 1.0)
    spread = 1.0 + n * SPREAD
    level = np.exp(2.0 / n * (0.5 * np.log(spread) - math.log(alpha)))
    some = level < spread
    t_squared = (n - 1.0) * (level - 1.0) / np.where(some, 1.0 - level / spread, math.nan)
    return np.asarray(error * np.sqrt(t_squared))


def units_within(share: float, units: int, wanted: float, *, at_every_look: bool, alpha: float = 0.05) -> float:
    """At how many units half an interval would be the share `wanted` of its mean, if it is `share` at so many `units`
    and further units spread like these: an estimate. inf where it is not known. Of a sequence if it holds
    `at_every_look`, else of Student's.
    """

    def half(many: int) -> float:
        if at_every_look:
            return float(half_width(np.asarray(many**-0.5), np.asarray(many), alpha))
        from scipy import stats

        return float(stats.t.ppf(1.0 - alpha / 2.0, many - 1)) * many**-0.5 if many > 1 else math.nan

    now = half(units)
    return _fewest(lambda many: half(many) * share <= wanted * now) if now > 0.0 and math.isfinite(share) else math.inf


def _sequence(told: clusters.Linearised, alpha: float) -> Estimate:
    half = float(half_width(np.asarray(told.error), np.asarray(told.clusters), alpha))
    return Estimate(told.ratio, told.ratio - half, told.ratio + half)


def mean(values: object, alpha: float = 0.05) -> Estimate:
    """Mean of independent values and its confidence sequence at this look; the ends are nan while so few tell nothing.

    `values` float[n], finite; `alpha` between 0 and 1 is the error over all looks together. Exact for normal values of
    unknown variance; for others it holds as n grows (as the asymptotic confidence sequence with the same mixture).
    Values that are all equal have no width. Raises ValueError otherwise.
    """
    rows = numbers("values", values, 1)
    return ratio(rows, np.ones(len(rows)), np.arange(len(rows)), alpha)


def ratio(numerator: object, denominator: object, cluster: object, alpha: float = 0.05) -> Estimate:
    """(sum of numerator) / (sum of denominator) over independent clusters, and its sequence: `mean` of what is left
    when the ratio is linearised, as `clusters.ratio`.

    `numerator`, `denominator` (from 0) float[n], `cluster` n labels. All nan if the denominator is 0 everywhere. Raises
    ValueError otherwise.
    """
    alpha = between_0_and_1("alpha", alpha)
    return _sequence(clusters.linearised(numerator, denominator, cluster), alpha)


def chance(events: float, runs: int, alpha: float = 0.05) -> Estimate:
    """Chance of an event in independent runs and its exact sequence at this look: the beta-binomial mixture.

    Its ends are where B(k + a, n - k + 1) / B(a, 1) = p^k (1 - p)^(n - k) / alpha, with a = RARE. Without runs it is
    [0, 1]. `events` from 0 to `runs`. Raises ValueError otherwise.
    """
    from scipy import optimize, special

    alpha = between_0_and_1("alpha", alpha)
    if not 0 <= events <= runs:
        raise ValueError(f"events is {events} of {runs} runs; want from 0 to as many as runs")
    if runs == 0:
        return Estimate(math.nan, 0.0, 1.0)
    mixed = float(special.betaln(events + RARE, runs - events + 1.0) - special.betaln(RARE, 1.0))

    def left(p: float) -> float:
        """Below 0 inside the interval."""
        return float(mixed + math.log(alpha) - special.xlogy(events, p) - special.xlog1py(runs - events, -p))

    share = events / runs
    low = 0.0 if events == 0 else float(optimize.brentq(left, 1e-300, share))
    high = 1.0 if events == runs else float(optimize.brentq(left, share, 1.0 - 1e-16))
    return Estimate(share, low, high)


BETS = np.concatenate([[1.0], 1.0 - 2.0 ** -np.arange(2.0, 6.0), 2.0 ** -np.arange(1.0, 9.0)])
CAPITAL = np.concatenate([[0.5], np.full(len(BETS) - 1, 0.5 / (len(BETS) - 1))])
"""Bets, as parts of the most that can be lost, and how the first capital is spread over them."""
_TOGETHER = 16


def _log_won(values: Floats, mean: Floats | float) -> Floats:
    """Log of what each bet of `log_capital` has won: float64[bets, ...]."""
    relative = np.nan_to_num(values / np.asarray(mean, np.float64)[..., None], nan=1.0)
    # Logarithms of products of a few: sixteen factors of at most 1 / mean neither overflow nor cost sixteen logarithms.
    relative = np.concatenate([relative, np.ones((*relative.shape[:-1], -relative.shape[-1] % _TOGETHER))], axis=-1)
    relative = relative.reshape(*relative.shape[:-1], -1, _TOGETHER)
    products = np.stack([np.multiply.reduce(1.0 - bet + bet * relative, axis=-1) for bet in BETS])
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(products).sum(axis=-1))


def _log_whole(won: Floats) -> Floats:
    """Log of the whole capital, from that of each bet: float64[bets, ...]."""
    top = won.max(axis=0)
    return np.asarray(top + np.log(np.tensordot(CAPITAL, np.exp(won - top), 1)))


def log_capital(values: Floats, mean: Floats | float) -> Floats:
    """Log of what a gambler has who bets that values in [0, 1] have a mean above `mean`; 1 at first.

    sum over bets u of w_u prod_i (1 - u + u x_i / mean): on average it does not grow if the mean is not above `mean`,
    so it exceeds 1 / alpha at any look with probability alpha at most (Ville). It falls as `mean` rises.

    `values` float[..., n] from 0 to 1, nan for none; `mean` float[...] above 0. Returns float64[...].
    """
    return _log_whole(_log_won(values, mean))


def lower(values: object, alpha: float = 0.05) -> Floats:
    """Lower ends for means of bounded values, exact at every look: the least mean against which no bettor has won 1 /
    alpha.

    `values` float[..., n] from 0 to 1, nan for none. Returns float64[...]. Raises ValueError otherwise.
    """
    alpha = between_0_and_1("alpha", alpha)
    table = np.asarray(values, np.float64)
    if table.ndim == 0 or table.shape[-1] == 0 or ((table < 0.0) | (table > 1.0)).any():
        raise ValueError("values is empty or holds numbers outside [0, 1]; want shares")
    low, high = np.zeros(table.shape[:-1]), np.ones(table.shape[:-1])
    for _ in range(32):  # to 2e-10
        middle = (low + high) / 2.0
        won = log_capital(table, middle) >= -math.log(alpha)
        low, high = np.where(won, middle, low), np.where(won, high, middle)
    return low


UNITS_MOST = 10**7
"""Units beyond which an estimate of how many it takes is as good as never."""


def units_above(values: object, mean: float, alpha: float = 0.05) -> float:
    """At how many units the lower end of `lower` would reach `mean`, if further units were like these: the same values
    again and again. At least 1; inf where no number of such units is enough.

    `values` float[n] from 0 to 1. Raises ValueError otherwise.
    """
    rows, wanted = numbers("values", values, 1), -math.log(between_0_and_1("alpha", alpha))
    if not mean > 0.0:
        return 1.0
    won = _log_won(rows, mean) / len(rows)

    def is_enough(units: int) -> bool:
        return bool(_log_whole(won * units) >= wanted)

    return _fewest(is_enough)


def units_below(happened: object, unit: object, chance_max: float, alpha: float = 0.05) -> float:
    """At how many units the upper end of `never`, the chance of what `happened`, would be below `chance_max`, if
    further units were like these; inf where no number of such units is enough.

    `happened` bool[n], `unit` n labels, as of `never`.
    """
    seen = np.asarray(happened, bool)
    _, code = np.unique(np.asarray(unit), return_inverse=True)
    sizes = np.bincount(code)
    if sizes.max() > 1:
        return units_above(1.0 - np.bincount(code, seen) / sizes, 1.0 - chance_max, alpha / 2.0)
    share = float(seen.mean())
    if not share < chance_max:
        return math.inf
    return _fewest(lambda units: chance(share * units, units, alpha).high < chance_max)


def _fewest(is_enough: Callable[[int], bool]) -> float:
    """The fewest units that are enough, where all more of them are; inf above `UNITS_MOST`."""
    most = 1
    while not is_enough(most):
        most *= 2
        if most > UNITS_MOST:
            return math.inf
    return float(bisect.bisect_left(range(most + 1), True, lo=1, key=is_enough))


def bounded(values: object, alpha: float = 0.05) -> Estimate:
    """Mean of independent values in [0, 1] and its exact sequence at this look, whatever the values: `lower` from
    either side, with half the error each.

    For the chance of never where the unit is a replication: a value is the share of its runs that never recover.
    `values` float[n]. Raises ValueError otherwise.
    """
    rows = numbers("values", values, 1)
    alpha = between_0_and_1("alpha", alpha)
    ends = lower(np.stack([rows, 1.0 - rows]), alpha / 2.0)
    return Estimate(float(rows.mean()), float(ends[0]), float(1.0 - ends[1]))


def share(values: object, alpha: float = 0.05) -> Estimate:
    """Mean of independent values in [0, 1] and its interval for this one look, within [0, 1] (`interval`).

    `values` float[n]. One value has no interval (nan). Raises ValueError for values outside.
    """
    rows = numbers("values", values, 1)
    if rows.min() < 0.0 or rows.max() > 1.0:
        raise ValueError(f"values lie between {rows.min()} and {rows.max()}; want shares")
    confidence = 1.0 - between_0_and_1("alpha", alpha)
    return Estimate(*mean_interval(rows.tolist(), confidence, 0.0, 1.0))


def restricted(recovered: Estimate, never: Estimate, limit_s: float) -> Estimate:
    """Mean of min(time, limit) and the interval that the time of those that recover and the chance of never imply.

    (1 - never) recovered + never limit rises with both, so its ends are at theirs. It holds if both hold: the errors
    add up. Of `recovered` nothing need be known (nan): then its ends are 0 and the limit. Raises ValueError if
    `limit_s` is not finite and above 0.
    """
    if not 0.0 < limit_s < math.inf:
        raise ValueError(f"limit_s is {limit_s}; want a finite number above 0")

    def of(time: float, share: float, unknown: float) -> float:
        time = unknown if math.isnan(time) else min(max(time, 0.0), limit_s)
        return share * limit_s + ((1.0 - share) * time if share < 1.0 else 0.0)

    return Estimate(
        of(recovered.mean, never.mean, math.nan),
        of(recovered.low, never.low, 0.0),
        of(recovered.high, never.high, limit_s),
    )


class Look(NamedTuple):
    """What is known of one policy at one look."""

    status: Literal["open", "precise", "collapses"]
    """precise: the time is known to the precision, and never is rarer than `never_max`; collapses: never is more
    frequent than that, and the time is known or not worth knowing; open: neither."""
    recovered: Estimate
    """Time of those that recover (s)."""
    never: Estimate
    """Chance of never."""
    units: int


def never(times_s: object, unit: object, alpha: float = 0.05) -> Estimate:
    """Chance that a time is `inf`: `chance` where each run is a unit of its own, else `bounded` over units.

    `times_s` float[n] from 0, `inf` for never; `unit` n labels. Raises ValueError otherwise.
    """
    times = numbers("times_s", times_s, 1, infinite=True)
    _, code = np.unique(np.asarray(unit), return_inverse=True)
    if code.shape != times.shape:
        raise ValueError(f"unit has shape {code.shape}; want {times.shape}, one label a time")
    never, sizes = np.bincount(code, np.isinf(times)), np.bincount(code)
    if sizes.max() == 1:
        return chance(int(never.sum()), len(times), alpha)
    return bounded(never / sizes, alpha)


def looked(times_s: object, unit: object, *, precision: float, never_max: float, alpha: float = 0.05) -> Look:
    """Whether one policy is known well enough to stop: the time of those that recover to the relative `precision`, and
    the chance of never on one side of `never_max`. Half of `alpha` is for either; it holds at all looks together.

    Where most runs never recover, the time of the few that do is not waited for.

    `times_s` float[n] from 0, `inf` for never; `unit` n labels, what is independent (see the module). Raises ValueError
    otherwise.
    """
    times = numbers("times_s", times_s, 1, infinite=True)
    if not precision > 0.0:
        raise ValueError(f"precision is {precision}; want a number above 0")
    never_max = between_0_and_1("never_max", never_max)
    share = never(times, unit, alpha / 2.0)
    finite = np.isfinite(times)
    time = ratio(np.where(finite, times, 0.0), finite.astype(float), unit, alpha / 2.0)
    time = time._replace(low=max(time.low, 0.0))
    known = clusters.relative_half_width(time) <= precision
    status: Literal["open", "precise", "collapses"] = "open"
    if share.high < never_max and known:
        status = "precise"
    elif share.low > never_max and (known or share.low > 0.5):
        status = "collapses"
    return Look(status, time, share, len(np.unique(np.asarray(unit))))
