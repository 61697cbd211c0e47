"""What the data say of each key: intervals from the sensitivities at the optimum, and keys that stand for each other.

To first order they only say what is so near the optimum, so where the scenario explains the data their ends are
searched.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from recovery.store.fit_record import Value
from recovery.study.fit.columns import Floats
from recovery.study.fit.ranges import Range
from recovery.study.fit.search import FINEST, STEP, Tried, finer

EDGE = 1 / 500  # of a range: an end of an interval of a single key is found to this
EDGE_OF_SERIES = 1 / 128  # of a single key fitted to a series
EDGE_OF_SEVERAL = 1 / 32  # with several keys, where each trial is a search of the others
FINEST_OF_OTHERS = 1 / 250  # of a range: the last step of that search
STARTS = (0.125, 0.375, 0.625, 0.875)  # of another key's range, for that search
MOVED_MOST = 3.0  # standard deviations, by which both steps together move a milestone
UNDETERMINED = 0.5  # a direction whose 95 % half-width is more than this part of a range is not determined


@dataclass(frozen=True)
class Region:
    """Whether a setting with such residuals does as well as the best, within what chance makes."""

    has: Callable[[Floats], bool]
    most: float  # no setting with a larger sum of squares does

    def __call__(self, at: Floats) -> bool:
        """Whether it has these residuals."""
        return self.has(at)


def student(freedom: float) -> float:
    """Half-width of a 95 % interval in standard deviations: Student's, or the normal one for infinite freedom."""
    from scipy import stats

    return float(stats.norm.ppf(0.975) if math.isinf(freedom) else stats.t.ppf(0.975, freedom))


def halves(sensitivity: Floats, spread: Floats, quantile: float) -> tuple[Floats, Floats]:
    """Half-widths (parts of the ranges) of the region of confidence along its axes float64[keys], and the axes
    float64[keys, keys], a row each. `spread` is the covariance of the residuals.

    Source: Seber and Wild, Nonlinear Regression, 1989, section 2.1 and, for residuals that hang together, 6.2.
    """
    u, strengths, axes = np.linalg.svd(sensitivity, full_matrices=False)
    strengths = np.maximum(strengths, 1e-9)
    inverse = axes.T @ np.diag(1 / strengths) @ u.T
    covariance = inverse @ spread @ inverse.T
    free = np.eye(sensitivity.shape[1]) - axes.T @ axes  # directions that move nothing: more keys than data
    squares, directions = np.linalg.eigh(covariance + 1e18 * free)
    return quantile * np.sqrt(np.maximum(squares, 0.0)), directions.T


def reaches_of(widths: Floats, directions: Floats) -> Floats:
    """float64[keys, keys]: for each key the way from the best to the upper end of its interval, with what the other
    keys are there, to first order; from what `halves` gives.
    """
    covariance = directions.T @ np.diag(widths**2) @ directions
    return np.asarray(covariance / np.sqrt(np.maximum(np.diag(covariance), 1e-18))[:, None])


def sensitivity_of(tried: Tried, best: Sequence[float]) -> Floats:
    """float64[residuals, keys]: change of each residual over a whole range, from a small step both ways; of milestones,
    which may be steep, from one that moves none by much more than a standard deviation.
    """
    columns = []
    for i, r in enumerate(tried.candidates.ranges):
        step = STEP
        while True:
            up, down = list(best), list(best)
            up[i], down[i] = r.moved(best[i], step), r.moved(best[i], -step)
            tried.ahead([up, down])
            change = tried(up) - tried(down)
            step /= 2
            if step < FINEST or not tried.observations.milestones or np.abs(change).max() <= MOVED_MOST:
                break
        columns.append(change / (up[i] - down[i]))
    return np.array(columns).T


def inside_of_milestones(tried: Tried, best: Sequence[float], spread: Floats, quantile: float) -> Region:
    """Whether the squares of the residuals, in standard deviations of `spread`, are larger than at the best by no more
    than `quantile` squared (profile likelihood: Venzon and Moolgavkar 1988). No slope enters, so it holds for a
    milestone that is steep on one side.
    """
    variances = np.diag(spread)
    most = float((tried(best) ** 2 / variances).sum()) + quantile**2
    return Region(lambda at: float((at**2 / variances).sum()) <= most, most * float(variances.max()))


def inside_of_series(tried: Tried, best: Sequence[float], spread: Floats, quantile: float, most: float) -> Region:
    """Whether a setting does as well as the best: its sum of squares is up to `most`, or it differs from the best by no
    more than `quantile` standard deviations of what chance makes in the direction of that difference.
    """
    at_best = tried(best)

    def is_inside(at: Floats) -> bool:
        change = at - at_best
        return float(at @ at) <= most or float(change @ change) ** 2 <= quantile**2 * float(change @ spread @ change)

    farthest = float(np.linalg.norm(at_best)) + quantile * float(np.linalg.norm(spread, 2)) ** 0.5
    return Region(is_inside, max(most, farthest**2))


def edges_of(
    tried: Tried,
    best: Sequence[float],
    i: int,
    is_inside: Region,
    edge: float = EDGE,
    reach: Floats | None = None,
) -> tuple[float, float]:
    """Places of the ends of the interval of key `i`: beyond them no setting of the other keys was found that is inside.
    The ends of the range are tried first, then places around where the end lies to first order, then the place between
    what is inside and what is not, until these are `edge` apart; what is told lies outside, so that the interval is
    never too narrow.

    `reach` float64[keys]: from the best to the upper end and what the other keys are there, to first order (if it is
    not given: the end of the range, and the others as they are).
    """
    if reach is None:
        reach = np.eye(len(best))[i]
    search, away = _Others(tried, best, i, reach, is_inside), float(reach[i])
    near, far = away - 0.45 * edge, away + 0.45 * edge
    low = _end(search, 0.0, [best[i] - far, best[i] - near], edge)
    return low, _end(search, 1.0, [best[i] + far, best[i] + near], edge)


def _end(search: "_Others", end: float, guesses: Sequence[float], edge: float) -> float:
    """The place of the end of an interval towards this end of the range, looked for at the guesses first."""
    r, i = search.tried.candidates.ranges[search.i], search.i
    inside, outside = search.best, r.taken(end)
    if search(inside, outside):
        return end
    places = [r.taken(guess) for guess in guesses]
    while True:
        while abs(outside - inside[i]) > edge:
            low, high = sorted((inside[i], outside))
            place = next((place for place in places if low < place < high), r.taken((low + high) / 2))
            if place in (low, high):
                break
            if found := search(inside, place):
                inside = found
            else:
                outside = place
        found = search(inside, outside, everywhere=True)
        if found is None:
            return inside[i] if r.is_whole else outside
        if outside == r.taken(end):
            return end
        inside, outside = found, r.taken(end)  # the other keys do as well somewhere else: on from there


class _Others:
    """Searches the other keys where key `i` is held."""

    def __init__(self, tried: Tried, best: Sequence[float], i: int, reach: Floats, is_inside: Region) -> None:
        self.tried, self.best, self.i, self.reach, self.is_inside = tried, list(best), i, reach, is_inside
        self.free = [j for j in range(len(best)) if j != i]

    def __call__(self, near: Sequence[float], place: float, *, everywhere: bool = False) -> list[float] | None:
        """A setting with key `i` at a place that is inside, the other keys searched from where they were and from where
        they are to first order, or `everywhere` from places all over their ranges; None if none was found.
        """
        tried, i = self.tried, self.i
        held = [*near[:i], place, *near[i + 1 :]]
        if self.is_inside(tried(held)):
            return held
        if not self.free:
            return None
        starts = [held, self._along(place)]
        if everywhere:
            for j in self.free:
                taken = tried.candidates.ranges[j].taken
                starts += [[*held[:j], taken(start), *held[j + 1 :]] for start in STARTS]
        tried.ahead(starts)
        start = min(starts, key=tried.square)
        closest = finer(
            tried,
            start,
            self.free,
            step=STARTS[0] / 2,
            finest=FINEST_OF_OTHERS,
            enough=lambda places: self.is_inside(tried(places)),
            worth=lambda square: square - self.is_inside.most,
        )
        return closest if self.is_inside(tried(closest)) else None

    def _along(self, place: float) -> list[float]:
        """The other keys as they go with key `i` to first order."""
        part = (place - self.best[self.i]) / max(float(self.reach[self.i]), 1e-9)
        along = [
            r.taken(at + part * by)
            for r, at, by in zip(self.tried.candidates.ranges, self.best, self.reach.tolist(), strict=True)
        ]
        along[self.i] = place
        return along


def values_of(
    ranges: Sequence[Range], best: Sequence[float], widths: Floats, directions: Floats
) -> tuple[tuple[Value, ...], tuple[tuple[str, ...], ...]]:
    """What was found for each key, and the keys that the data cannot tell apart; from what `halves` gives."""
    together = tuple(
        dict.fromkeys(
            tuple(r.key for r, part in zip(ranges, direction.tolist(), strict=True) if abs(part) > 0.3)
            for width, direction in zip(widths.tolist(), directions, strict=True)
            if width > UNDETERMINED
        )
    )
    values = []
    for i, r in enumerate(ranges):
        half = float(np.sqrt(((widths * directions[:, i]) ** 2).sum()))
        values.append(_value(r, best[i], best[i] - half, best[i] + half, half))
    return tuple(values), together


def searched(
    tried: Tried,
    best: Sequence[float],
    together: Sequence[tuple[str, ...]],
    is_inside: Region,
    *,
    is_milestones: bool,
    reaches: Floats | None = None,
) -> tuple[tuple[Value, ...], tuple[tuple[str, ...], ...]]:
    """The same as `values_of`, with intervals that are searched, each from its row of `reaches` (`reaches_of`). More
    keys than milestones are never determined.
    """
    ranges = tried.candidates.ranges
    edge = EDGE_OF_SEVERAL if len(ranges) > 1 else EDGE if is_milestones else EDGE_OF_SERIES
    is_too_many = is_milestones and len(ranges) > len(tried(best))
    found = []
    for i, r in enumerate(ranges):
        reach = None if reaches is None else reaches[i]
        low, high = edges_of(tried, best, i, is_inside, edge, reach)
        half = math.inf if is_too_many or (low <= 0 and high >= 1) else max(best[i] - low, high - best[i])
        found.append(_value(r, best[i], low, high, half))
    loose = [value.key for value in found if not value.is_determined]
    groups = [keys for keys in together if any(key in loose for key in keys)]
    groups += [(key,) for key in loose if not any(key in keys for keys in groups)]
    return tuple(found), tuple(groups)


def _value(r: Range, best: float, low: float, high: float, half: float) -> Value:
    return Value(
        key=r.key,
        text=r.text(best),
        low=r.text(low),
        high=r.text(high),
        is_determined=half <= UNDETERMINED,
        is_at_end=not 0.01 < best < 0.99,
        is_open_below=low <= 0,
        is_open_above=high >= 1,
    )
