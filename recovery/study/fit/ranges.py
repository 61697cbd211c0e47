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
    is_limit_low: bool = False  # no scenario may have a lower value, so the truth does not lie there
    is_limit_high: bool = False

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

    def place(self, value: float) -> float:
        """The place of a value, from 0 to 1."""
        if self.is_log:
            return min(max(math.log(value / self.low) / math.log(self.high / self.low), 0.0), 1.0)
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)

    def taken(self, place: float) -> float:
        """The place of the value that is really taken: within the range, and of a whole number."""
        place = min(max(place, 0.0), 1.0)
        return self.place(round(self.value(place))) if self.is_whole else place

    def moved(self, place: float, by: float) -> float:
        """The place that is taken `by` further on (back, if negative); of a whole number at least the next."""
        moved = self.taken(place + by)
        if self.is_whole and moved == self.taken(place):
            moved = self.place(min(max(round(self.value(place)) + math.copysign(1, by), self.low), self.high))
        return moved

    def roundest(self, low: float, high: float) -> float:
        """The place of the value with the fewest digits in the middle half between two places, of several the one
        nearest to the middle.
        """
        middle, quarter = (low + high) / 2, (high - low) / 4
        first, value, last = (self.value(place) for place in (middle - quarter, middle, middle + quarter))
        step = 10.0 ** math.floor(math.log10(last))
        while not first <= round(value / step) * step <= last:
            step /= 10
        return self.taken(self.place(round(value / step) * step))

    def round_places(self, most: int) -> list[float]:
        """Places of the values that people set first, up to so many: of one digit, else 1, 2 or 5, else 1 with zeros;
        of times counted in the s, min or h that they have. Three decades at most.
        """
        low = max(self.low, self.high / 1_000, float(self.is_whole))
        units = ((1.0, 0.0, 60.0), (60.0, 60.0, 3600.0), (3600.0, 3600.0, math.inf))
        for digits in (range(1, 10), (1, 2, 5), (1,)):
            values = [
                digit * 10.0**power * unit
                for unit, least, below in (units if self.unit == "s" else ((1.0, 0.0, math.inf),))
                for power in range(math.floor(math.log10(low / unit)), math.ceil(math.log10(self.high / unit)) + 1)
                for digit in digits
                if max(low, least) <= digit * 10.0**power * unit <= self.high and digit * 10.0**power * unit < below
            ]
            if len(values) <= most:
                break
        return [self.taken(self.place(value)) for value in values[:most]]

    def beyond(self, end: float) -> str:
        """The value a little beyond an end of the range (0 or 1), as a scenario has it; "" below 0."""
        low, high = self.low, self.high
        step = 1.0 if self.is_whole else (high - low) / 100 if end else min(low / 2, (high - low) / 100)
        value = high + step if end else low - step
        if value < 0 or value == low:
            return ""
        return str(round(value)) if self.is_whole else f"{value:.9f}{self.unit}"

    @property
    def _digits(self) -> int:
        """So many tell ten thousand places of the range apart."""
        return 4 if self.is_log else min(4 + math.ceil(math.log10(self.high / (self.high - self.low))), 12)

    def text(self, place: float) -> str:
        """The value as a scenario has it."""
        value = self.value(place)
        if self.is_whole:
            return str(round(value))
        return (
            f"{value:.{self._digits}g}"
            if not self.unit
            else f"{np.format_float_positional(value, self._digits, fractional=False, trim='-')}{self.unit}"
        )

    def override(self, place: float) -> str:
        """What `--set` takes."""
        return f"{self.key}={self.text(place)}"


def range_of(text: str) -> Range:
    """Parse "host.timeout=1m..10m", "launches.demand.rate=50/s..200/s", "launches.pinned=0%..90%" or
    "host.workers=4..16". Raises Refusal that says what is wanted.
    """
    wanted = f'--range {text}: want KEY=LOW..HIGH, for instance "host.timeout=1m..10m" or "host.workers=4..16"'
    key, sign, ends = (one.strip() for one in text.partition("="))
    low, dots, high = (one.strip() for one in ends.partition(".."))
    if key and not (low and high):
        what = "no value" if not ends.strip(".") else "one value" if not dots else "one end"
        raise Refusal(f"{wanted}; {key} has {what} here, and the search needs the lowest and the highest")
    if not (key and sign and dots):
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
            first, last = parse(low), parse(high)
        except ValueError:
            continue
        if not (math.isfinite(first) and math.isfinite(last) and 0 <= first < last):
            raise Refusal(f"{wanted}, from low to high")
        return Range(key, first, last, "" if unit == "whole" else unit, unit == "whole")
    raise Refusal(wanted)
