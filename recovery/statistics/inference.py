"""What a sweep may conclude: intervals, paired differences, Pareto front, scenarios, sensitivity, cliffs.

A leaf: of this project it imports `recovery.statistics.means` and `recovery.theory` only. Times are seconds (`_s`),
shares lie between 0 and 1.

A sweep runs every policy in every draw. Draws are made anew in each *replication* (an independent randomisation of
the design: random, Latin hypercube or Sobol), the same for all policies. Within a replication draws are not
independent of each other, replications are: they are the *clusters* over which intervals are taken, and the differences
between policies are paired. Times that are `inf` are censored at the horizon, never dropped: the main figure is the
mean of `restricted` times, beside the probability of not recovering (`theory.wilson`) and the mean time given recovery
(`cluster_ratio`).

Every function raises ValueError with the name, the value and what is wanted if it is given something else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from recovery import theory
from recovery.statistics.means import interval

QUASI_P_MOST = 0.05
"""A limit of a PRIM box that chance alone would explain more often than this is dropped."""


class Estimate(NamedTuple):
    """A mean and its confidence interval, in the unit of the values; nan where the runs cannot tell."""

    mean: float
    low: float
    high: float


UNKNOWN = Estimate(math.nan, math.nan, math.nan)


# --- input ------------------------------------------------------------------------------------------------------------


def numbers(name: str, values: object, dimensions: int, *, infinite: bool = False) -> np.ndarray:
    """float64[...] of so many dimensions, none of them empty; +inf only where it is allowed, nan never."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != dimensions or array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}; want {dimensions} dimensions, none of them empty")
    bad = ~(np.isfinite(array) | (np.isposinf(array) & infinite))
    if bad.any():
        wanted = "numbers or inf" if infinite else "finite numbers (restrict times that are inf first)"
        raise ValueError(f"{name} holds {array[bad][0]}; want {wanted}")
    return array


def _same_length(name: str, array: np.ndarray, other: str, wanted: int) -> None:
    if len(array) != wanted:
        raise ValueError(f"{name} has length {len(array)}; want {wanted}, the length of {other}")


def between_0_and_1(name: str, value: float) -> float:
    """The same number, if it lies between 0 and 1. Raises ValueError with `name` otherwise."""
    if not 0.0 < value < 1.0:
        raise ValueError(f"{name} is {value}; want a number between 0 and 1")
    return float(value)


def _names(names: Sequence[str], columns: int) -> list[str]:
    if len(names) != columns or len(set(names)) != columns:
        raise ValueError(f"names is {list(names)}; want {columns} different names, one a column")
    return list(names)


# --- means over replications ------------------------------------------------------------------------------------------


class Linearised(NamedTuple):
    """A ratio of sums over clusters: the ratio, its standard error, and how many clusters told something of it."""

    ratio: float
    error: float
    clusters: int


def linearised(numerator: object, denominator: object, cluster: object) -> Linearised:
    """(sum of numerator) / (sum of denominator) and its standard error over clusters, as `cluster_ratio` says.

    The error is nan where fewer than two clusters tell something. Raises ValueError as `cluster_ratio`.
    """
    above, below = numbers("numerator", numerator, 1), numbers("denominator", denominator, 1)
    _same_length("denominator", below, "numerator", len(above))
    if (below < 0.0).any():
        raise ValueError(f"denominator holds {below.min()}; want numbers from 0")
    return _ratio(above, below, cluster)


def _ratio(numerator: np.ndarray, denominator: np.ndarray, cluster: object) -> Linearised:
    labels = np.asarray(cluster)
    if labels.ndim != 1:
        raise ValueError(f"cluster has shape {labels.shape}; want one label a row")
    _same_length("cluster", labels, "the values", len(numerator))
    _, code = np.unique(labels, return_inverse=True)
    above, below = np.bincount(code, numerator), np.bincount(code, denominator)
    told = (above != 0) | (below != 0)
    clusters = int(told.sum())
    if below.sum() == 0:
        return Linearised(math.nan, math.nan, clusters)
    ratio = float(above.sum() / below.sum())
    if clusters < 2:
        return Linearised(ratio, math.nan, clusters)
    residual = above - ratio * below
    residual[np.abs(residual) <= 1e-12 * np.abs(above).max()] = 0.0  # equal clusters are equal, whatever was rounded
    error = math.sqrt(clusters / (clusters - 1) * float(residual @ residual)) / abs(float(below.sum()))
    return Linearised(ratio, error, clusters)


def _student(told: Linearised, confidence: float, least: float = -math.inf, most: float = math.inf) -> Estimate:
    if math.isnan(told.error):
        return Estimate(told.ratio, math.nan, math.nan)
    return Estimate(told.ratio, *interval(told.ratio, told.error, told.clusters - 1, confidence, least, most))


def restricted(times_s: object, limit_s: float) -> np.ndarray:
    """min(time, limit) of each time: what a time that is `inf`, or beyond the limit, counts as in a mean.

    The mean of these is the restricted mean time: the area under the share that has not recovered, from 0 to the limit.
    It is finite and needs no model of what lies beyond the horizon.

    `times_s` has any shape, seconds from 0, `inf` for never; `limit_s` is above 0 and finite, the same for all that are
    compared. Returns float64 of the same shape. Raises ValueError otherwise.
    Source: P. Royston and M. Parmar, BMC Medical Research Methodology 13 (2013).
    """
    if not 0.0 < limit_s < math.inf:
        raise ValueError(f"limit_s is {limit_s}; want a finite number above 0")
    times = np.asarray(times_s, dtype=np.float64)
    if not (times >= 0.0).all():
        raise ValueError(f"times_s holds {times[~(times >= 0.0)][0]}; want numbers from 0, or inf")
    return np.minimum(times, limit_s)


def cluster_mean(
    values: object, cluster: object, confidence: float = 0.95, least: float = -math.inf, most: float = math.inf
) -> Estimate:
    """Mean of all values and its Student interval over clusters; within `least` and `most` if these are given
    (`interval`), as values of shares and times want.

    With the same number of values in each cluster this is the Student interval of the clusters' means; otherwise that
    of the ratio (sum of values) / (number of values), as `cluster_ratio`.

    `values` float[n], `cluster` n labels (the replication of each row), `confidence` between 0 and 1. One cluster tells
    no interval (nan); a value that is inf makes the mean inf. Raises ValueError otherwise.
    Source: W. Cochran, Sampling Techniques, 1977, chapters 6 and 9.
    """
    rows = numbers("values", values, 1, infinite=True)
    confidence = between_0_and_1("confidence", confidence)
    if np.isinf(rows).any():
        return Estimate(math.inf, math.nan, math.inf)
    return _student(_ratio(rows, np.ones(len(rows)), cluster), confidence, least, most)


def cluster_ratio(
    numerator: object,
    denominator: object,
    cluster: object,
    confidence: float = 0.95,
    least: float = -math.inf,
    most: float = math.inf,
) -> Estimate:
    """(sum of numerator) / (sum of denominator), and its linearised interval: Student over clusters, within `least` and
    `most` if these are given.

    With R the ratio and y, m the sums of a cluster, var R = C / (C - 1) sum (y - R m)^2 / (sum m)^2 over the C clusters
    in which y or m is not 0. For the mean time given recovery the numerator is the time where it is finite and else 0,
    the denominator 1 or 0. It is biased by the order of 1 / C; where times are skewed and a replication has only about
    one recovery, the interval covers less often than it says.

    `numerator`, `denominator` (from 0) float[n], `cluster` n labels. All nan if the denominator is 0 everywhere
    (nothing recovered); no interval if fewer than two clusters tell something. Raises ValueError otherwise.
    Source: W. Cochran, Sampling Techniques, 1977, sections 2.11 and 6.3 (Taylor series).
    """
    confidence = between_0_and_1("confidence", confidence)
    return _student(linearised(numerator, denominator, cluster), confidence, least, most)


def relative_half_width(estimate: Estimate) -> float:
    """Half the width of the interval over the size of the mean: what `precision = "5%"` asks to be at most 0.05.

    0 for an interval without width; inf if the interval or the mean is unknown or infinite, or the mean is 0.
    """
    half = (estimate.high - estimate.low) / 2.0
    if half == 0.0:
        return 0.0
    known = math.isfinite(half) and math.isfinite(estimate.mean) and estimate.mean != 0.0
    return half / abs(estimate.mean) if known else math.inf


def _difference(values: object, other: object, name: str, cluster: object) -> Linearised:
    own, theirs = numbers("values", values, 1), numbers(name, other, 1)
    _same_length(name, theirs, "values", len(own))
    return _ratio(own - theirs, np.ones(len(own)), cluster)


def paired(values: object, other: object, cluster: object, confidence: float = 0.95) -> Estimate:
    """Mean of (values - other), row by row, and its Student interval over clusters.

    Rows are matched: the same draw and the same random numbers under two policies. What both suffer from alike cancels,
    so that this is narrower than the interval of unmatched runs wherever the two are positively correlated.

    `values`, `other` float[n], finite (restrict times first), `cluster` n labels. One cluster tells no interval (nan).
    Raises ValueError otherwise.
    Source: A. Law, Simulation Modeling and Analysis, 2015, sections 10.2 and 11.2 (common random numbers).
    """
    return _student(_difference(values, other, "other", cluster), between_0_and_1("confidence", confidence))


# --- robust choice ----------------------------------------------------------------------------------------------------


def pareto(points: object) -> np.ndarray:
    """Which points no other point beats: none is as small in every column and smaller in one. Ties are kept.

    `points` float[n, k], smaller is better in each column, inf allowed. Returns bool[n]. Raises ValueError otherwise.
    """
    table = numbers("points", points, 2, infinite=True)
    return np.array([not ((table <= p).all(axis=1) & (table < p).any(axis=1)).any() for p in table])


# --- scenario discovery -----------------------------------------------------------------------------------------------


class Limit(NamedTuple):
    """What a box asks of one name: low <= value <= high, or, of a category, one of the codes `among`."""

    low: float = -math.inf
    high: float = math.inf
    among: tuple[float, ...] | None = None
    quasi_p: float = math.nan
    """How likely the box would be as dense as it is if this name did not matter (Bryant and Lempert, 2010)."""


class Box(NamedTuple):
    """A region in which cases are frequent. All shares are counted over all runs, whatever other boxes there are."""

    limits: dict[str, Limit]
    coverage: float
    """Share of all cases that lie in the box."""
    density: float
    """Share of the runs in the box that are cases."""
    support: float
    """Share of all runs that lie in the box."""
    added: float
    """Share of all cases that lie in the box and in no earlier one."""


class _Runs(NamedTuple):
    """The runs that are searched: float64[n, d], bool[n], bool[d] for the columns that are categories."""

    x: np.ndarray
    is_case: np.ndarray
    is_category: np.ndarray


_FREE = Limit()
_Limits = dict[int, Limit]


def _within(column: np.ndarray, limit: Limit) -> np.ndarray:
    if limit.among is not None:
        return np.isin(column, limit.among)
    return (column >= limit.low) & (column <= limit.high)


def _inside(x: np.ndarray, limits: Mapping[int, Limit]) -> np.ndarray:
    inside = np.ones(len(x), bool)
    for column, limit in limits.items():
        inside &= _within(x[:, column], limit)
    return inside


def inside(x: object, names: Sequence[str], box: Box) -> np.ndarray:
    """Which runs lie in a box. `x` float[n, d] with a column a name; returns bool[n]. Raises ValueError otherwise."""
    table = numbers("x", x, 2)
    names = _names(names, table.shape[1])
    missing = sorted(set(box.limits) - set(names))
    if missing:
        raise ValueError(f"names is {names}; want also {missing}, which the box limits")
    return _inside(table, {names.index(name): limit for name, limit in box.limits.items()})


def _middle(outside: float, first_inside: float) -> float:
    """A limit between two neighbours, halfway; the inner one where rounding leaves nothing between."""
    middle = outside + (first_inside - outside) / 2.0
    return middle if middle != outside else first_inside


def _peels(column: np.ndarray, limit: Limit, is_category: bool, share: float) -> Iterator[Limit]:
    """Narrower limits for the values of a box: without about `share` of them at either end, or without one code."""
    ordered = np.sort(column)
    codes = np.unique(ordered)
    if len(codes) < 2:
        return
    if is_category:
        for code in codes.tolist():
            yield Limit(among=tuple(other for other in codes.tolist() if other != code))
        return
    cut = max(1, int(share * len(ordered)))
    # Equal values go together: where the cut falls among the first ones, all of these go.
    first = max(ordered[min(cut, len(ordered) - 1)], codes[1])
    yield limit._replace(low=_middle(float(codes[codes < first][-1]), float(first)))
    last = min(ordered[max(len(ordered) - 1 - cut, 0)], codes[-2])
    yield limit._replace(high=_middle(float(codes[codes > last][0]), float(last)))


def _replaced(limits: _Limits, column: int, limit: Limit) -> _Limits:
    """The limits with another one for this column, or with none if the other asks nothing."""
    rest = {name: other for name, other in limits.items() if name != column}
    return rest if limit == _FREE else {**rest, column: limit}


def _pastes(runs: _Runs, limits: _Limits, share: float) -> Iterator[_Limits]:
    """Wider boxes: at one end by about `share` of the runs in the box, or by one code."""
    add = max(1, int(share * int(_inside(runs.x, limits).sum())))
    for column, limit in limits.items():
        values = np.sort(runs.x[_inside(runs.x, _replaced(limits, column, _FREE)), column])
        if limit.among is not None:
            for code in np.setdiff1d(values, limit.among).tolist():
                yield _replaced(limits, column, Limit(among=tuple(sorted((*limit.among, code)))))
            continue
        below, above = np.unique(values[values < limit.low]), np.unique(values[values > limit.high])
        if limit.low > -math.inf:
            beyond = below[below < values[max(int(np.searchsorted(values, limit.low)) - add, 0)]]
            low = _middle(float(beyond[-1]), float(below[len(beyond)])) if len(beyond) else -math.inf
            yield _replaced(limits, column, limit._replace(low=low))
        if limit.high < math.inf:
            last = values[min(int(np.searchsorted(values, limit.high, "right")) + add, len(values)) - 1]
            beyond = above[above > last]
            high = _middle(float(beyond[0]), float(above[len(above) - len(beyond) - 1])) if len(beyond) else math.inf
            yield _replaced(limits, column, limit._replace(high=high))


def _looser(limits: _Limits) -> Iterator[_Limits]:
    """The box without one of its limits; of a number low and high are two."""
    for column, limit in limits.items():
        if limit.among is not None:
            yield _replaced(limits, column, _FREE)
        if limit.low > -math.inf:
            yield _replaced(limits, column, limit._replace(low=-math.inf))
        if limit.high < math.inf:
            yield _replaced(limits, column, limit._replace(high=math.inf))


def _agreement(runs: _Runs, limits: _Limits) -> float:
    """Dice's coefficient of the box and the cases: the harmonic mean of coverage and density."""
    inside = _inside(runs.x, limits)
    return 2.0 * float(runs.is_case[inside].sum()) / float(inside.sum() + runs.is_case.sum())


def _quasi_p(runs: _Runs, limits: _Limits, without: _Limits) -> float:
    """P(X >= cases in the box), X binomial over the runs in the box with the density of the box without a limit."""
    from scipy import stats

    inside, wider = _inside(runs.x, limits), _inside(runs.x, without)
    density = float(runs.is_case[wider].mean())
    return float(stats.binom.sf(int(runs.is_case[inside].sum()) - 1, int(inside.sum()), density))


def _peeled(runs: _Runs, alpha: float, least_runs: float) -> list[_Limits]:
    """The path of boxes, each inside the one before, from all runs to the densest box that is found."""
    path: list[_Limits] = [{}]
    while True:
        inside = _inside(runs.x, path[-1])
        held, cases = int(inside.sum()), int(runs.is_case[inside].sum())
        found: tuple[float, _Limits] | None = None
        for column in range(runs.x.shape[1]):
            own = path[-1].get(column, _FREE)
            for limit in _peels(runs.x[inside, column], own, bool(runs.is_category[column]), alpha):
                kept = inside & _within(runs.x[:, column], limit)
                left = int(kept.sum())
                if left < least_runs:
                    continue
                # Peels take unequal bites (ties, codes): what counts is what the density gains for each run given up.
                gain = (int(runs.is_case[kept].sum()) / left - cases / held) / (held - left)
                if found is None or gain > found[0]:
                    found = gain, _replaced(path[-1], column, limit)
        if found is None or cases == held:
            return path
        path.append(found[1])


def _widened(runs: _Runs, limits: _Limits, alpha: float) -> _Limits:
    """A box without the limits that chance explains, the worst dropped first, and pasted while it agrees better."""
    # The search tried both ends of every column at every step: the level is shared out over the ends.
    level = QUASI_P_MOST / (2 * runs.x.shape[1])
    while limits:
        chance, without = max(
            ((_quasi_p(runs, limits, wider), wider) for wider in _looser(limits)), key=lambda pair: pair[0]
        )
        if chance > level:
            limits = without
            continue
        # Finer than the peel, whose last bite was too large by half of itself on average.
        pasted = max(_pastes(runs, limits, alpha / 5), key=lambda wider: _agreement(runs, wider), default=limits)
        if _agreement(runs, pasted) <= _agreement(runs, limits):
            break
        limits = pasted
    return limits


def _one_box(runs: _Runs, alpha: float, least_runs: float) -> _Limits:
    """The box that agrees best with the cases: from the best of the path, or from its end, where the path went astray
    between two regions before it came to one of them."""
    path = _peeled(runs, alpha, least_runs)
    starts = (max(path, key=lambda limits: _agreement(runs, limits)), path[-1])
    return max(({}, *(_widened(runs, start, alpha) for start in starts)), key=lambda limits: _agreement(runs, limits))


def prim(
    x: object,
    is_case: object,
    names: Sequence[str],
    alpha: float = 0.05,
    least_support: float = 0.1,
    *,
    kinds: Sequence[str] | None = None,
    most: int = 3,
) -> list[Box]:
    """Boxes in which cases are frequent (patient rule induction): in which draws a policy fails.

    Peeling takes away, again and again, the share `alpha` of the box (or the code) whose loss raises the density most
    for each run given up, until `least_support` of all runs is left. Two boxes of this path are widened, the one with
    the largest harmonic mean of coverage and density and the last: limits that chance explains (quasi p-value above
    `QUASI_P_MOST` over the number of ends) are dropped, the worst first, and the box is pasted, by alpha / 5 at a time,
    while that mean grows. The better of the two is taken. Then the same among the runs outside, up to `most` boxes, as
    long as these are denser than all runs together.

    No box means that no limits describe the cases better than "everywhere" does. So it is where nothing depends on `x`,
    and where nearly all runs are cases: then ask for the opposite. Rare cases ask for a smaller `least_support`.

    `x` float[n, d], finite; `is_case` bool[n]; `names` d names; `kinds` "number" or "category" (codes) a column.
    Returns the boxes in the order found. Raises ValueError otherwise.
    Source: J. Friedman and N. Fisher, Statistics and Computing 9 (1999); B. Bryant and R. Lempert, Technological
    Forecasting and Social Change 77 (2010); gain a run given up: J. Kwakkel and M. Jaxa-Rozen, Environmental Modelling
    and Software 79 (2016).
    """
    table, cases = numbers("x", x, 2), np.asarray(is_case)
    if cases.dtype != np.bool_ or cases.shape != table.shape[:1]:
        raise ValueError(f"is_case has shape {cases.shape} of {cases.dtype}; want {len(table)} of bool, one a row of x")
    names = _names(names, table.shape[1])
    alpha, least_support = between_0_and_1("alpha", alpha), between_0_and_1("least_support", least_support)
    kinds = ["number"] * len(names) if kinds is None else list(kinds)
    if len(kinds) != len(names) or not set(kinds) <= {"number", "category"}:
        raise ValueError(f'kinds is {kinds}; want {len(names)} of "number" or "category", one a column')
    if most < 1:
        raise ValueError(f"most is {most}; want a whole number from 1")
    is_category = np.array([kind == "category" for kind in kinds])
    boxes: list[Box] = []
    rest = np.ones(len(table), bool)
    while len(boxes) < most and cases[rest].any() and not cases[rest].all():
        runs = _Runs(table[rest], cases[rest], is_category)
        limits = _one_box(runs, alpha, least_support * len(table))
        among_rest = _inside(runs.x, limits)
        if not limits or runs.is_case[among_rest].mean() <= cases.mean():
            break
        inside = _inside(table, limits)
        boxes.append(
            Box(
                limits={
                    names[column]: limit._replace(quasi_p=_quasi_p(runs, limits, _replaced(limits, column, _FREE)))
                    for column, limit in sorted(limits.items())
                },
                coverage=float(cases[inside].sum() / cases.sum()),
                density=float(cases[inside].mean()),
                support=float(inside.mean()),
                added=float(cases[inside & rest].sum() / cases.sum()),
            )
        )
        rest &= ~inside
    return boxes


def words(box: Box, show: Callable[[str, float], str]) -> str:
    """A box in plain words: "host.timeout above 4 min and fleet.skew below 0.3: 85 % of the failures, 92 % of the runs
    there fail".

    `show` gives the text of a value (or a category's code) of a name.
    """

    def asked(name: str, limit: Limit) -> str:
        if limit.among is not None:
            return f"{name} is {' or '.join(show(name, code) for code in limit.among)}"
        if limit.low == -math.inf:
            return f"{name} below {show(name, limit.high)}"
        if limit.high == math.inf:
            return f"{name} above {show(name, limit.low)}"
        return f"{name} between {show(name, limit.low)} and {show(name, limit.high)}"

    where = " and ".join(asked(name, limit) for name, limit in box.limits.items())
    return f"{where}: {100 * box.coverage:.3g} % of the failures, {100 * box.density:.3g} % of the runs there fail"


# --- sensitivity ------------------------------------------------------------------------------------------------------


class VarianceShares(NamedTuple):
    """What the variance of one run's output is made of. Sobol indices by name, as shares of the whole variance."""

    S1: dict[str, Estimate]
    """First order: what this input explains alone."""
    ST: dict[str, Estimate]
    """Total: what this input explains alone or together with others; chance is not in it."""
    chance: Estimate
    """What no input explains: the share of chance, of runs with the same inputs."""
    reason: str
    """Why all are nan; empty where they are not."""


def variance_shares(
    f_a: object, f_b: object, f_ab: object, f_again: object, names: Sequence[str], confidence: float = 0.95
) -> VarianceShares:
    """First and total Sobol indices of the mean response, with chance's share beside them, over replications.

    In each replication A and B are two independent samples of the inputs, AB_i is A with column i of B, and A is run
    again. *Each of these matrices has its own draws of chance* (another replication number of the simulation; the same
    one for all would pass chance off as an effect). Then noise is in no product twice: with V the variance of all
    outputs about their common mean m,

        S1_i V = mean of (b - m) (ab_i - (a + again) / 2),
        ST_i V = mean of ((a - ab_i)^2 - (a - again)^2) / 2,
        chance V = mean of (a - again)^2 / 2.

    An index is the ratio of sums over replications, its interval Student's of the linearised ratio over them, cut at 0
    and 1. At most S1_1 + … + chance = 1; what is missing is explained by inputs together.

    `f_a`, `f_b`, `f_again` float[r, n] outputs of r replications (independent samples), `f_ab` float[r, d, n], finite;
    r from 2. A constant output gives nan and a reason. Raises ValueError otherwise.
    Source: A. Saltelli et al., Computer Physics Communications 181 (2010); M. Jansen, ibid. 117 (1999); noise: G. Mazo,
    Electronic Journal of Statistics 15 (2021).
    """
    a, b, again = numbers("f_a", f_a, 2), numbers("f_b", f_b, 2), numbers("f_again", f_again, 2)
    ab = numbers("f_ab", f_ab, 3)
    for name, part, wanted in (
        ("f_b", b.shape, a.shape),
        ("f_again", again.shape, a.shape),
        ("f_ab", ab.shape, (len(a), ab.shape[1], a.shape[1])),
    ):
        if part != wanted:
            raise ValueError(f"{name} has shape {part}; want {wanted}, as f_a has")
    if len(a) < 2:
        raise ValueError(f"f_a has {len(a)} replications; want 2 at least")
    names = _names(names, ab.shape[1])
    confidence = between_0_and_1("confidence", confidence)
    outputs = np.concatenate([a[:, None], b[:, None], again[:, None], ab], axis=1)
    if np.ptp(outputs) == 0.0:
        why = f"the output is {a[0, 0]:g} in every run: there is nothing to explain"
        return VarianceShares(dict.fromkeys(names, UNKNOWN), dict.fromkeys(names, UNKNOWN), UNKNOWN, why)
    replication, middle = np.arange(len(a)), float(outputs.mean())
    whole = ((outputs - middle) ** 2).mean(axis=(1, 2))

    def share(explained: np.ndarray) -> Estimate:
        told = _student(_ratio(explained.mean(axis=1), whole, replication), confidence)
        return Estimate(*(min(max(end, 0.0), 1.0) for end in told))

    def by_name(part: Callable[[np.ndarray], np.ndarray]) -> dict[str, Estimate]:
        return {name: share(part(ab[:, i])) for i, name in enumerate(names)}

    first = by_name(lambda ab_i: (b - middle) * (ab_i - (a + again) / 2.0))
    total = by_name(lambda ab_i: ((a - ab_i) ** 2 - (a - again) ** 2) / 2.0)
    return VarianceShares(first, total, share((a - again) ** 2 / 2.0), "")


# --- the cliff --------------------------------------------------------------------------------------------------------


class Tried(NamedTuple):
    """One value of the key that was tried: how many of how many runs failed there, and what that says."""

    value: float
    failed: int
    runs: int
    verdict: Literal["fails", "holds", "unclear"]


class Cliff(NamedTuple):
    """Where recovery turns into collapse: between `low` and `high`, on one side of which most runs fail."""

    low: float
    high: float
    fails: Literal["above", "below"]
    confidence: float
    note: str
    """Empty if the bracket is as narrow as was asked; else why it is not."""
    tried: tuple[Tried, ...]


def _try(fails: Callable[[float, range], Sequence[bool]], value: float, error: float, batch: int, most: int) -> Tried:
    """Replications until an exact interval of P(fail) leaves out 1/2, or `most`; wrong with at most `error`."""
    failed = runs = 0
    looks = -(-most // batch)
    while runs < most:
        more = range(runs, min(runs + batch, most))
        seen = list(fails(value, more))
        if len(seen) != len(more):
            raise ValueError(f"fails({value}, {more}) gave {len(seen)} answers; want {len(more)}, one a replication")
        failed, runs = failed + sum(map(bool, seen)), more.stop
        # Of a share that is truly below 1/2 only the lower end can be wrong: each tail has the whole error.
        low, high = theory.clopper_pearson(failed, runs, 1.0 - 2.0 * error / looks)
        if low > 0.5:
            return Tried(value, failed, runs, "fails")
        if high < 0.5:
            return Tried(value, failed, runs, "holds")
    return Tried(value, failed, runs, "unclear")


def cliff(
    fails: Callable[[float, range], Sequence[bool]],
    low: float,
    high: float,
    *,
    confidence: float = 0.95,
    tolerance: float,
    batch: int = 20,
    most: int = 400,
    scale: Literal["linear", "log"] = "linear",
    whole: bool = False,
    known: Callable[[Tried], None] | None = None,
) -> Cliff:
    """The value of one key at which half of the runs fail: a bracket that holds it with `confidence`, by bisection.

    It is assumed that P(fail) never falls, or never rises, from `low` to `high`. At each value replications are added,
    `batch` at a time, until Clopper and Pearson's interval of P(fail) lies on one side of 1/2. The error 1 - confidence
    is shared out (Bonferroni): the i-th value may be wrong with 1 / (i (i + 1)) of it, and each look at the value with
    an equal part of that. As long as no value is unclear, those that right verdicts lead to are known beforehand, so
    that the errors add up also where values share their draws (replication r is the same chance at each value).

    A value that `most` runs leave unclear ends the bisection. The gap on either side of it is then narrowed as long as
    values there are clear, and the note says that the bracket is as narrow as the runs allow.

    `fails(value, replications)` gives a bool for each replication of the range; it is asked for 0, 1, 2, … of a value,
    each once; `known` is told of each value as soon as it is known. `tolerance` is the width wanted: high - low, or
    with `scale="log"` (geometric midpoints, both ends above 0) high / low - 1. With `whole` only whole numbers are
    tried, as int, and neighbours are narrow enough. Raises
    ValueError for anything else, for ends on the same side of the cliff, and for an end that stays unclear.
    Source: Clopper and Pearson, Biometrika 26 (1934); the bisection is the plain one.
    """
    confidence = between_0_and_1("confidence", confidence)
    if not -math.inf < low < high < math.inf:
        raise ValueError(f"low is {low} and high is {high}; want finite numbers, low below high")
    if not 0.0 < tolerance < math.inf:
        raise ValueError(f"tolerance is {tolerance}; want a finite number above 0")
    if scale not in ("linear", "log"):
        raise ValueError(f'scale is {scale!r}; want "linear" or "log"')
    if scale == "log" and low <= 0.0:
        raise ValueError(f'low is {low}; want a number above 0 with scale="log"')
    if whole and not (float(low).is_integer() and float(high).is_integer()):
        raise ValueError(f"low is {low} and high is {high}; want whole numbers, or whole=False")
    for name, count in (("batch", batch), ("most", most)):
        if count < 1:
            raise ValueError(f"{name} is {count}; want a whole number from 1")
    if whole:
        low, high = int(low), int(high)
    tried: list[Tried] = []

    def ask(value: float) -> str:
        rank = len(tried) + 1
        tried.append(_try(fails, value, (1.0 - confidence) / (rank * (rank + 1)), batch, most))
        if known is not None:
            known(tried[-1])
        return tried[-1].verdict

    def narrow(left: float, right: float) -> bool:
        width = right / left - 1.0 if scale == "log" else right - left
        return width <= tolerance or (whole and right - left <= 1) or not left < middle(left, right) < right

    def middle(left: float, right: float) -> float:
        between = math.sqrt(left) * math.sqrt(right) if scale == "log" else left + (right - left) / 2.0
        return round(between) if whole else between

    at_low, at_high = ask(low), ask(high)
    for name, end in zip(("low", "high"), tried, strict=True):
        if end.verdict == "unclear":
            raise ValueError(
                f"{name} is {end.value}, where {end.failed} of {end.runs} runs fail; want a value where clearly more "
                "or clearly fewer than half do, or more runs"
            )
    if at_low == at_high:
        what = "most runs fail" if at_low == "fails" else "most runs do not fail"
        raise ValueError(
            f"low is {low} and high is {high}, and {what} at both ({tried[0].failed} of {tried[0].runs}, "
            f"{tried[1].failed} of {tried[1].runs}); want ends on either side of the cliff"
        )
    # Clear values close in from both ends; [first, last] is the stretch between them that stayed unclear, if any.
    first = last = math.nan
    left_open = right_open = True
    while True:
        if math.isnan(first):
            gaps = [(low, high)]
        else:
            gaps = [gap for gap, is_open in (((low, first), left_open), ((last, high), right_open)) if is_open]
        gaps = [gap for gap in gaps if not narrow(*gap)]
        if not gaps:
            break
        value = middle(*gaps[0])
        verdict = ask(value)
        if verdict == at_low:
            low = value
        elif verdict == at_high:
            high = value
        elif math.isnan(first):
            first = last = value
        elif value < first:
            first, left_open = value, False
        else:
            last, right_open = value, False
        if not low < first <= last < high:  # nothing is unclear, or a clear value has overtaken what was
            first = last = math.nan
            left_open = right_open = True
    note = "" if narrow(low, high) else f"the bracket is as narrow as {most} runs a value allow"
    return Cliff(low, high, "above" if at_high == "fails" else "below", confidence, note, tuple(tried))
