"""What the data say of each key: intervals from the sensitivities at the optimum, and keys that stand for each other.

To first order, so a trade-off that is curved over the ranges is seen at the optimum only.
"""

import math
from collections.abc import Sequence

import numpy as np

from recovery.store.fit_record import Value
from recovery.study.fit.columns import Floats
from recovery.study.fit.ranges import Range
from recovery.study.fit.search import STEP, Tried

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
    """float64[residuals, keys]: change of each residual over a whole range, from a small step both ways."""
    columns = []
    for i, r in enumerate(tried.candidates.ranges):
        up, down = list(best), list(best)
        step = max(STEP, 1.0 / (r.high - r.low)) if r.is_whole else STEP
        up[i], down[i] = r.taken(best[i] + step), r.taken(best[i] - step)
        columns.append((tried(up) - tried(down)) / (up[i] - down[i]))
    return np.array(columns).T


def values_of(
    ranges: Sequence[Range], best: Sequence[float], widths: Floats, directions: Floats
) -> tuple[tuple[Value, ...], tuple[tuple[str, ...], ...]]:
    """What was found for each key, and the keys that the data cannot tell apart; from what `halves` gives."""
    together = tuple(
        tuple(r.key for r, part in zip(ranges, direction.tolist(), strict=True) if abs(part) > 0.3)
        for width, direction in zip(widths.tolist(), directions, strict=True)
        if width > UNDETERMINED
    )
    values = []
    for i, r in enumerate(ranges):
        half = float(np.sqrt(((widths * directions[:, i]) ** 2).sum()))
        values.append(
            Value(
                key=r.key,
                text=r.text(best[i]),
                low=r.text(best[i] - half),
                high=r.text(best[i] + half),
                is_determined=half <= UNDETERMINED,
                is_at_end=not 0.01 < best[i] < 0.99,
            )
        )
    return tuple(values), together
