"""Distributions of times as users write them: { dist = "lognormal", mean = "20ms", cv = 1.5 }, or just "20ms"."""

import functools
import math
from statistics import NormalDist
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, model_validator

from recovery.model.part import Checking, Numbers, files_of
from recovery.units import Duration, Number, PositiveDuration, duration_s, tell_duration

WANTS = {  # keys of each, beside dist
    "constant": {"mean"},
    "uniform": {"min", "max"},
    "exponential": {"mean"},
    "lognormal": {"mean", "cv"},
    "weibull": {"mean", "shape"},
    "pareto": {"mean", "tail"},
    "empirical": {"file"},
}


class Measured:
    """Measured times of a file, seconds: `times_s` float64[n] in rising order, and their mean, taken once. Two are
    equal where all times are.
    """

    __slots__ = ("mean_s", "times_s")

    def __init__(self, times_s: Numbers) -> None:
        """`times_s` float64[n], rising; it is kept and not to be changed."""
        times_s.setflags(write=False)
        self.times_s = times_s
        self.mean_s = math.fsum(times_s.data) / max(len(times_s), 1)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Measured) and np.array_equal(self.times_s, other.times_s)

    def __hash__(self) -> int:
        return hash((len(self.times_s), self.mean_s))

    def __deepcopy__(self, memo: object) -> "Measured":
        return self  # never changed, and may be large

    def __reduce__(self) -> tuple[type["Measured"], tuple[Numbers]]:
        return Measured, (self.times_s,)


NOTHING = Measured(np.zeros(0))


class Distribution(BaseModel):
    """A distribution of times: by its mean and shape, its bounds, or a file of measured times."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)
    dist: Literal["constant", "uniform", "exponential", "lognormal", "weibull", "pareto", "empirical"] = Field(
        examples=["lognormal"],
        description='its shape: "constant", "uniform", "exponential", "lognormal", "weibull", "pareto" or "empirical"',
    )
    mean: PositiveDuration | None = Field(None, description="mean")
    min: Duration | None = Field(None, description="least value (uniform)")
    max: PositiveDuration | None = Field(None, description="greatest value (uniform)")
    cv: Number | None = Field(None, gt=0, le=20, description="standard deviation over mean (lognormal)")
    shape: Number | None = Field(
        None, gt=0.1, le=50, description="shape (weibull): 1 is exponential, below 1 has the longer tail"
    )
    tail: Number | None = Field(None, gt=1, le=50, description="tail exponent (pareto): P(X > x) falls as x^-tail")
    file: str | None = Field(
        None, description="file of measured times (empirical): one a line, in seconds or with a unit"
    )
    _measured: Measured = PrivateAttr(NOTHING)

    @model_validator(mode="before")
    @classmethod
    def _wanted(cls, data: object) -> object:
        if isinstance(data, dict) and isinstance(data.get("dist"), str) and data["dist"] in WANTS:
            wanted = WANTS[data["dist"]]
            given = set(data) - {"dist"}
            missing, extra = sorted(wanted - given), sorted((given - wanted) & set(cls.model_fields))
            if missing:
                raise ValueError(f'want {" and ".join(missing)} for dist = "{data["dist"]}"')
            if extra:
                belongs = f'{" and ".join(sorted(wanted))} only for dist = "{data["dist"]}"'
                raise ValueError(f"want {belongs}, without {' and '.join(extra)}")
        return data

    @model_validator(mode="after")
    def _ordered_and_read(self, info: Checking) -> "Distribution":
        if self.dist == "uniform" and not (self.min or 0.0) < (self.max or 0.0):
            raise ValueError("want min below max")
        if self.dist == "empirical":
            self._measured = Measured(files_of(info).times_s(str(self.file)))
        return self

    @classmethod
    def constant(cls, seconds: float) -> "Distribution":
        """Always the same time."""
        return _constant(seconds)

    def times(self, factor: float) -> "Distribution":
        """The same distribution, all its times so many times as long."""
        ends = {key: value * factor for key in ("mean", "min", "max") if (value := getattr(self, key)) is not None}
        found = self.model_copy(update=ends)
        if len(self.values_s):
            found._measured = Measured(self.values_s * factor)
        return found

    @property
    def values_s(self) -> Numbers:
        """Measured times in rising order (empirical), float64[n], else empty."""
        return self._measured.times_s

    def mean_s(self) -> float:
        """Mean, seconds."""
        if self.dist == "uniform":
            return ((self.min or 0.0) + (self.max or 0.0)) / 2
        if self.dist == "empirical":
            return self._measured.mean_s
        return float(self.mean or 0.0)

    @property
    def words(self) -> str:
        """The time in plain words, exactly."""
        if self.dist == "uniform":
            return f"{tell_duration(self.min or 0.0)} to {tell_duration(self.max or 0.0)} at random"
        if self.dist == "empirical":
            return f"a time as measured in {self.file}"
        mean = tell_duration(self.mean or 0.0)
        if self.dist == "constant":
            return mean
        shapes = {"cv": self.cv, "shape": self.shape, "tail": self.tail}
        shape = "".join(f", {name} {value:.15g}" for name, value in shapes.items() if value is not None)
        return f"{mean} on average ({self.dist}{shape})"

    def least_s(self) -> float:
        """The least time that it gives, seconds (0 for those that come close to it)."""
        if self.dist == "empirical":
            return float(self.values_s[0])
        return float({"constant": self.mean, "uniform": self.min}.get(self.dist) or 0.0)

    def quantile_s(self, share: float) -> float:
        """The time that this share stays at or below, seconds; inf where there is none. `share` is from 0 to 1."""
        mean, rest = self.mean_s(), 1.0 - share
        if self.dist == "empirical":
            return float(np.quantile(self.values_s, share, method="inverted_cdf"))
        if self.dist == "uniform":
            return (self.min or 0.0) * rest + (self.max or 0.0) * share
        if self.dist == "constant" or mean == 0:
            return mean
        if rest <= 0:
            return math.inf
        if self.dist == "pareto":
            a = self.tail or 2.0
            return mean * (a - 1) / a * math.pow(rest, -1 / a)
        if self.dist == "lognormal":
            log_variance = math.log1p((self.cv or 0.0) ** 2)
            normal = NormalDist().inv_cdf(share) if share > 0 else -math.inf
            return mean * math.exp(math.sqrt(log_variance) * normal - log_variance / 2)
        k = self.shape or 1.0  # of the exponential, too
        return mean / math.gamma(1 + 1 / k) * math.pow(-math.log(rest), 1 / k)

    def cv_value(self) -> float:
        """Standard deviation over mean; inf where the variance is infinite."""
        mean = self.mean_s()
        if self.dist == "constant" or mean == 0:
            return 0.0
        if self.dist == "uniform":
            return ((self.max or 0.0) - (self.min or 0.0)) / math.sqrt(12) / mean
        if self.dist == "exponential":
            return 1.0
        if self.dist == "lognormal":
            return float(self.cv or 0.0)
        if self.dist == "weibull":
            k = self.shape or 1.0
            return math.sqrt(math.gamma(1 + 2 / k) / math.gamma(1 + 1 / k) ** 2 - 1)
        if self.dist == "pareto":
            a = self.tail or 2.0
            return 1 / math.sqrt(a * (a - 2)) if a > 2 else math.inf
        return math.sqrt(math.fsum(((self.values_s - mean) ** 2).data) / len(self.values_s)) / mean


@functools.lru_cache(maxsize=4096, typed=True)
def _constant(seconds: float) -> Distribution:
    # Nobody changes one, and a sweep asks for the same ones in each of its runs.
    return Distribution.model_construct(dist="constant", mean=seconds)


def _from_text(value: object) -> object:
    """A duration alone is a constant."""
    if isinstance(value, dict | Distribution):
        return value
    try:
        seconds = duration_s(value)
    except ValueError as error:
        raise ValueError(
            f'{error}, or a distribution such as {{ dist = "lognormal", mean = "20ms", cv = 1.5 }}'
        ) from None
    return Distribution.constant(seconds)


Time = Annotated[Distribution, BeforeValidator(_from_text)]
