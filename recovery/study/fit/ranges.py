"""A key of a scenario that is to be found, and the values that it may have."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from recovery.errors import Refusal
from recovery.units import duration_s, percent, rate_per_s


@dataclass(frozen=True)
class Range:
    """A key of the scenario and the values that it may have; `unit` is how they are written."""

    key: str
    low: float
    high: float
    unit: str
    is_whole: bool = False

    @property
    def is_log(self) -> bool:
        """Whether it is searched by its logarithm: where the ends are ten times apart or more."""
        return self.low > 0 and self.high >= 10 * self.low

    def value(self, place: float) -> float:
        """The value at a place from 0 (low) to 1 (high)."""
        place = min(max(place, 0.0), 1.0)
        if self.is_log:
            return float(self.low * (self.high / self.low) ** place)
        return self.low + (self.high - self.low) * place

    def taken(self, place: float) -> float:
        """The place of the value that is really taken: within the range, and of a whole number."""
        place = min(max(place, 0.0), 1.0)
        if not self.is_whole:
            return place
        value = round(self.value(place))
        if self.is_log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def text(self, place: float) -> str:
        """The value as a scenario has it."""
        value = self.value(place)
        if self.is_whole:
            return str(round(value))
        return (
            f"{value:.6g}"
            if not self.unit
            else f"{np.format_float_positional(value, 6, fractional=False, trim='-')}{self.unit}"
        )

    def override(self, place: float) -> str:
        """What `--set` takes."""
        return f"{self.key}={self.text(place)}"


def range_of(text: str) -> Range:
    """Parse "host.timeout=1m..10m", "launches.demand.rate=50/s..200/s", "launches.pinned=0%..90%" or
    "host.workers=4..16". Raises Refusal that says what is wanted.
    """
    wanted = f'--range {text}: want KEY=LOW..HIGH, for instance "host.timeout=1m..10m" or "host.workers=4..16"'
    key, sign, ends = text.partition("=")
    low, dots, high = ends.partition("..")
    if not (key.strip() and sign and dots):
        raise Refusal(wanted)
    parsers: list[tuple[Callable[[str], float], str]] = [
        (lambda t: float(int(t)), "whole"),
        (float, ""),
        (lambda t: 100 * percent(t), "%"),
        (rate_per_s, "/s"),
        (duration_s, "s"),
    ]
    for parse, unit in parsers:
        try:
            first, last = parse(low.strip()), parse(high.strip())
        except ValueError:
            continue
        if not (math.isfinite(first) and math.isfinite(last) and 0 <= first < last):
            raise Refusal(f"{wanted}, from low to high")
        return Range(key.strip(), first, last, "" if unit == "whole" else unit, unit == "whole")
    raise Refusal(wanted)
