"""An estimate: a mean and its interval."""

import math
from typing import NamedTuple


class Estimate(NamedTuple):
    """A mean and its confidence interval, in the unit of the values; nan where the runs cannot tell."""

    mean: float
    low: float
    high: float


UNKNOWN = Estimate(math.nan, math.nan, math.nan)
