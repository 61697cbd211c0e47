"""How many come a second, over time."""

import bisect
import math
from collections.abc import Sequence
from typing import Annotated

from pydantic import BeforeValidator, Field, PrivateAttr, model_validator

from recovery.model.order import not_rising
from recovery.model.part import Checking, Part, files_of
from recovery.units import Duration, Rate, Share, rate_per_s


class RateStep(Part):
    """From `at` on, this rate."""

    at: Duration = Field(examples=["10m"], description="from when on")
    rate: Rate = Field(examples=["90/s"], description='in all: "90/s"')


class Daily(Part):
    """A rate that swings over the day: times 1 + swing · cos(2π (t − peak_at) / 24 h)."""

    swing: Share = Field(examples=["20%"], description="how far above and below the mean")
    peak_at: Duration = Field(0.0, description="when it is highest")


class Demand(Part):
    """How many come a second, over time: one rate, steps, or a measured series; with or without a swing of the day."""

    rate: Rate | None = Field(None, description='the same all the time: "90/s"')
    steps: tuple[RateStep, ...] | None = Field(None, min_length=1, description="or a rate in steps")
    file: str | None = Field(None, description="or a measured series: a CSV file of seconds and rate a second")
    daily: Daily | None = Field(None, description="a swing of the day on top")
    _measured: tuple[tuple[float, float], ...] = PrivateAttr(())

    @model_validator(mode="after")
    def _one_of(self, info: Checking) -> "Demand":
        if sum(value is not None for value in (self.rate, self.steps, self.file)) != 1:
            raise ValueError("want one of rate, steps, file")
        if self.steps and (wrong := not_rising("steps", [step.at for step in self.steps], from_0=True)):
            raise ValueError(wrong)
        if self.file is not None:
            self._measured = files_of(info).rates(self.file)
        return self

    @property
    def levels(self) -> tuple[tuple[float, float], ...]:
        """From when on (s), how many a second, without the swing of the day; nothing comes before the first."""
        if self.rate is not None:
            return ((0.0, self.rate),)
        return self._measured or tuple((step.at, step.rate) for step in self.steps or ())

    def over(self, times_s: Sequence[float]) -> list[float]:
        """The rate (1/s) at each of many times."""
        begins, rates = zip(*self.levels, strict=True)
        found = [rates[after - 1] if (after := bisect.bisect_right(begins, time)) else 0.0 for time in times_s]
        if self.daily is None:
            return found
        swing, peak = self.daily.swing, self.daily.peak_at
        return [
            rate * (1 + swing * math.cos(2 * math.pi * (time - peak) / 86400))
            for rate, time in zip(found, times_s, strict=True)
        ]

    def total(self, until_s: float) -> float:
        """How many come until a time: the integral of the rate."""
        begins = self.levels
        ends = (*(at for at, _ in begins[1:]), math.inf)
        swing, peak = (0.0, 0.0) if self.daily is None else (self.daily.swing, self.daily.peak_at)
        turn = 2 * math.pi / 86400

        def until(at_s: float) -> float:
            return at_s + swing / turn * math.sin(turn * (at_s - peak))

        return math.fsum(
            rate * (until(min(end, until_s)) - until(begin))
            for (begin, rate), end in zip(begins, ends, strict=True)
            if begin < until_s
        )


def _demand(value: object) -> object:
    """A rate alone is the same all the time."""
    if isinstance(value, str):
        rate_per_s(value)
        return {"rate": value}
    if isinstance(value, dict | Demand):
        return value
    raise ValueError('want a rate such as "90/s", or a table with rate, steps or file')


DemandOverTime = Annotated[Demand, BeforeValidator(_demand)]
