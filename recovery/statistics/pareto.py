"""The Pareto front: what nothing else beats in everything."""

import numpy as np

from recovery.statistics.arrays import Flags
from recovery.statistics.given import numbers


def pareto(points: object) -> Flags:
    """Which points no other point beats: none is as small in every column and smaller in one. Ties are kept.

    `points` float[n, k], smaller is better in each column, inf allowed. Returns bool[n]. Raises ValueError otherwise.
    """
    table = numbers("points", points, 2, infinite=True)
    return np.array([not ((table <= p).all(axis=1) & (table < p).any(axis=1)).any() for p in table])
