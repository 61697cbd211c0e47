"""What a function of this room is given: arrays of numbers and names, checked once.

All raise ValueError with the name, the value and what is wanted.
"""

from collections.abc import Sequence

import numpy as np

from recovery.statistics.arrays import Floats


def numbers(name: str, values: object, dimensions: int, *, infinite: bool = False) -> Floats:
    """float64[...] of so many dimensions, none of them empty; +inf only where it is allowed, nan never."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != dimensions or array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}; want {dimensions} dimensions, none of them empty")
    bad = ~(np.isfinite(array) | (np.isposinf(array) & infinite))
    if bad.any():
        wanted = "numbers or inf" if infinite else "finite numbers (restrict times that are inf first)"
        raise ValueError(f"{name} holds {array[bad][0]}; want {wanted}")
    return array


def same_length(name: str, array: Floats, other: str, wanted: int) -> None:
    """Raise ValueError with `name` unless the array has as many values as `other`, which has `wanted`."""
    if len(array) != wanted:
        raise ValueError(f"{name} has length {len(array)}; want {wanted}, the length of {other}")


def between_0_and_1(name: str, value: float) -> float:
    """The same number, if it lies between 0 and 1. Raises ValueError with `name` otherwise."""
    if not 0.0 < value < 1.0:
        raise ValueError(f"{name} is {value}; want a number between 0 and 1")
    return float(value)


def different_names(names: Sequence[str], columns: int) -> list[str]:
    """The names as a list. Raises ValueError unless there is one for each column, and no two are alike."""
    if len(names) != columns or len(set(names)) != columns:
        raise ValueError(f"names is {list(names)}; want {columns} different names, one a column")
    return list(names)
