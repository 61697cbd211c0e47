"""What the data say of each key: intervals from the sensitivities at the optimum, and keys that stand for each other.

To first order they only say what is so near the optimum, so where the scenario explains the data their ends are
searched.
"""

import math
from collections.abc import Callable, Sequence

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
Region = Callable[[Floats], bool]
"""Whether a setting with such residuals does as well as the best, within what chance makes."""


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
    return lambda at: float((at**2 / variances).sum()) <= most


def inside_of_series(tried: Tried, best: Sequence[float], spread: Floats, quantile: float, most: float) -> Region:
    """Whether a setting does as well as the best: its sum of squares is up to `most`, or it differs from the best by no
    more than `quantile` standard deviations of what chance makes in the direction of that difference.
    """
    at_best = tried(best)

    def is_inside(at: Floats) -> bool:
        change = at - at_best
        return float(at @ at) <= most or float(change @ change) ** 2 <= quantile**2 * float(change @ spread @ change)

    return is_inside


def edges_of(tried: Tried, best: Sequence[float], i: int, is_inside: Region, edge: float = EDGE) -> tuple[float, float]:
    """Places of the ends of the interval of key `i`: beyond them no setting of the other keys was found that is inside.
    The ends of the range are tried first, then the place between what is inside and what is not, until these are
    `edge` apart; what is told lies outside, so that the interval is never too narrow.
    """
    r = tried.candidates.ranges[i]
    ends = []
    for end in (0.0, 1.0):
        inside, outside = list(best), r.taken(end)
        if found := _with_others(tried, inside, i, outside, is_inside):
            ends.append(end)
            continue
        while abs(outside - inside[i]) > edge:
            middle = r.taken((inside[i] + outside) / 2)
            if middle in (inside[i], outside):
                break
            if found := _with_others(tried, inside, i, middle, is_inside):
                inside = found
            else:
                outside = middle
        ends.append(inside[i] if r.is_whole else outside)
    return ends[0], ends[1]


def _with_others(tried: Tried, near: Sequence[float], i: int, place: float, is_inside: Region) -> list[float] | None:
    """A setting with key `i` at a place that is inside, the other keys searched from where they were; None if none was
    found.
    """
    held = [*near[:i], place, *near[i + 1 :]]
    if is_inside(tried(held)):
        return held
    free = [j for j in range(len(held)) if j != i]
    if not free:
        return None
    starts = [held]
    for j in free:
        starts += [[*held[:j], tried.candidates.ranges[j].taken(start), *held[j + 1 :]] for start in STARTS]
    start = min(starts, key=tried.square)
    closest = finer(
        tried, start, free, step=STARTS[0] / 2, finest=FINEST_OF_OTHERS, enough=lambda places: is_inside(tried(places))
    )
    return closest if is_inside(tried(closest)) else None


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
) -> tuple[tuple[Value, ...], tuple[tuple[str, ...], ...]]:
    """The same as `values_of`, with intervals that are searched. More keys than milestones are never determined."""
    ranges = tried.candidates.ranges
    edge = EDGE_OF_SEVERAL if len(ranges) > 1 else EDGE if is_milestones else EDGE_OF_SERIES
    is_too_many = is_milestones and len(ranges) > len(tried(best))
    found = []
    for i, r in enumerate(ranges):
        low, high = edges_of(tried, best, i, is_inside, edge)
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
