"""What the data say of each key: intervals from the sensitivities at the optimum, and keys that stand for each other.

To first order, so a trade-off that is curved over the ranges is seen at the optimum only; of a single key fitted to
milestones the ends are searched.
"""

import math
from collections.abc import Sequence

import numpy as np

from recovery.store.fit_record import Value
from recovery.study.fit.columns import Floats
from recovery.study.fit.ranges import Range
from recovery.study.fit.search import FINEST, STEP, Tried

EDGE = 1 / 500  # of a range: an end of an interval is found to this
MOVED_MOST = 3.0  # standard deviations, by which both steps together move a milestone
UNDETERMINED = 0.5  # a direction whose 95 % half-width is more than this part of a range is not determined


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


def edges_of(tried: Tried, best: Sequence[float], spread: Floats, quantile: float) -> tuple[float, float]:
    """Places of the ends of the interval of a single key: there the squares of the residuals, in standard deviations of
    `spread`, are larger than at the best by `quantile` squared (profile likelihood: Venzon and Moolgavkar 1988). No
    slope enters, so they hold for a milestone that is steep on one side.
    """
    [r] = tried.candidates.ranges
    variances = np.diag(spread)
    most = float((tried(best) ** 2 / variances).sum()) + quantile**2

    def is_inside(place: float) -> bool:
        return float((tried([place]) ** 2 / variances).sum()) <= most

    ends = []
    for end in (0.0, 1.0):
        inside, outside = best[0], r.taken(end)
        if is_inside(outside):
            ends.append(end)
            continue
        while abs(outside - inside) > EDGE:
            middle = r.taken((inside + outside) / 2)
            if middle in (inside, outside):
                break
            inside, outside = (middle, outside) if is_inside(middle) else (inside, middle)
        ends.append(inside if r.is_whole else (inside + outside) / 2)
    return ends[0], ends[1]


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


def value_between(r: Range, best: float, low: float, high: float) -> tuple[Value, tuple[tuple[str, ...], ...]]:
    """What was found for a single key, from the ends that `edges_of` gives, and the key again if it is not determined:
    where both ends are those of the range, or one is too far.
    """
    half = math.inf if low <= 0 and high >= 1 else max(best - low, high - best)
    return _value(r, best, low, high, half), ((r.key,),) if half > UNDETERMINED else ()


def _value(r: Range, best: float, low: float, high: float, half: float) -> Value:
    return Value(
        key=r.key,
        text=r.text(best),
        low=r.text(low),
        high=r.text(high),
        is_determined=half <= UNDETERMINED,
        is_at_end=not 0.01 < best < 0.99,
    )
