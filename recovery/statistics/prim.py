"""PRIM: in which boxes of inputs the cases lie, in limits that a person can say."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from recovery.statistics.arrays import Flags, Floats
from recovery.statistics.given import between_0_and_1, different_names, numbers

QUASI_P_MOST = 0.05
"""A limit of a box that chance alone would explain more often than this is dropped."""


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

    x: Floats
    is_case: Flags
    is_category: Flags


_FREE = Limit()
_Limits = dict[int, Limit]


def _within(column: Floats, limit: Limit) -> Flags:
    if limit.among is not None:
        return np.isin(column, limit.among)
    return (column >= limit.low) & (column <= limit.high)


def _inside(x: Floats, limits: Mapping[int, Limit]) -> Flags:
    inside = np.ones(len(x), bool)
    for column, limit in limits.items():
        inside &= _within(x[:, column], limit)
    return inside


def inside(x: object, names: Sequence[str], box: Box) -> Flags:
    """Which runs lie in a box. `x` float[n, d] with a column a name; returns bool[n]. Raises ValueError otherwise."""
    table = numbers("x", x, 2)
    names = different_names(names, table.shape[1])
    missing = sorted(set(box.limits) - set(names))
    if missing:
        raise ValueError(f"names is {names}; want also {missing}, which the box limits")
    return _inside(table, {names.index(name): limit for name, limit in box.limits.items()})


def _middle(outside: float, first_inside: float) -> float:
    """A limit between two neighbours, halfway; the inner one where rounding leaves nothing between."""
    middle = outside + (first_inside - outside) / 2.0
    return middle if middle != outside else first_inside


def _peels(column: Floats, limit: Limit, is_category: bool, share: float) -> Iterator[Limit]:
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
    names = different_names(names, table.shape[1])
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
