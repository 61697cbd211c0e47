"""What a closed form is given: numbers that can be, or a ValueError that says what is wanted."""

from __future__ import annotations

import math
import operator


def positive(name: str, value: float) -> float:
    """A finite number above 0, as float. Raises ValueError for anything else, with its name."""
    if not 0.0 < value < math.inf:
        raise ValueError(f"{name} is {value}; want a finite number above 0")
    return float(value)


def positive_or_inf(name: str, value: float) -> float:
    """A number above 0, or inf. Raises ValueError for anything else, with its name."""
    if not value > 0.0:
        raise ValueError(f"{name} is {value}; want a number above 0, or inf")
    return float(value)


def from_zero(name: str, value: float) -> float:
    """A finite number from 0. Raises ValueError for anything else, with its name."""
    if not 0.0 <= value < math.inf:
        raise ValueError(f"{name} is {value}; want a finite number from 0")
    return float(value)


def from_zero_or_inf(name: str, value: float) -> float:
    """A number from 0, or inf. Raises ValueError for anything else, with its name."""
    if not value >= 0.0:
        raise ValueError(f"{name} is {value}; want a number from 0, or inf")
    return float(value)


def share(name: str, value: float) -> float:
    """A share from 0 to 1. Raises ValueError for anything else, with its name."""
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} is {value}; want a share from 0 to 1")
    return float(value)


def whole(name: str, value: int, least: int) -> int:
    """A whole number from `least`. Raises ValueError for anything else, with its name."""
    try:
        whole = operator.index(value)
    except TypeError:
        whole = least - 1
    if whole < least:
        raise ValueError(f"{name} is {value}; want a whole number from {least}")
    return whole
