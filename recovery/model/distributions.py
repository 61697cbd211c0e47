"""Distributions of times as users write them: { dist = "lognormal", mean = "20ms", cv = 1.5 }, or just "20ms"."""

import math
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationInfo, model_validator

from recovery.read import inputs
from recovery.units import LONGEST_S, Duration, Number, PositiveDuration, duration_s

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

    def __init__(self, times_s: np.ndarray) -> None:
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

    def __reduce__(self) -> tuple[type["Measured"], tuple[np.ndarray]]:
        return Measured, (self.times_s,)


NOTHING = Measured(np.zeros(0))


class Distribution(BaseModel):
    """A distribution of times: by its mean and shape, its bounds, or a file of measured times."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    dist: Literal["constant", "uniform", "exponential", "lognormal", "weibull", "pareto", "empirical"] = Field(
        description='dist = "constant", "uniform", "exponential", "lognormal", "weibull", "pareto" or "empirical"'
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
    def _wanted(cls, data: Any) -> Any:
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
    def _ordered_and_read(self, info: ValidationInfo) -> "Distribution":
        if self.dist == "uniform" and not (self.min or 0.0) < (self.max or 0.0):
            raise ValueError("want min below max")
        if self.dist == "empirical":
            folder = (info.context or {}).get("folder", ".")
            self._measured = Measured(read_measured(Path(folder) / str(self.file)))
        return self

    @classmethod
    def constant(cls, seconds: float) -> "Distribution":
        """Always the same time."""
        return cls.model_construct(dist="constant", mean=seconds)

    @property
    def values_s(self) -> np.ndarray:
        """Measured times in rising order (empirical), float64[n], else empty."""
        return self._measured.times_s

    def mean_s(self) -> float:
        """Mean, seconds."""
        if self.dist == "uniform":
            return ((self.min or 0.0) + (self.max or 0.0)) / 2
        if self.dist == "empirical":
            return self._measured.mean_s
        return float(self.mean or 0.0)

    def least_s(self) -> float:
        """The least time that it gives, seconds (0 for those that come close to it)."""
        if self.dist == "empirical":
            return float(self.values_s[0])
        return float({"constant": self.mean, "uniform": self.min}.get(self.dist) or 0.0)

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


def read_measured(path: Path) -> np.ndarray:
    """Measured times in seconds, float64[n] in rising order, from a text file, one a line; # starts a comment, the
    first line may be a heading.

    Raises ValueError that names the line by its number: what stands there is not for the screen, since a scenario from
    elsewhere may name any file.
    """
    if (numbers := _read_numbers(path)) is not None:
        return numbers
    values = []
    try:
        lines = inputs.regular(path).read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text; want a text file of times, one a line") from None
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        why = inputs.reason(error)
        raise ValueError(f"{path} cannot be read ({why}); want a text file of times, one a line") from None
    for number, line in enumerate(lines, 1):
        text = line.split("#")[0].strip().rstrip(",")
        if not text:
            continue
        if "," in text or ";" in text:
            raise ValueError(f"{path.name}, line {number} has more than one column; want one: a time a line")
        try:
            value = float(text)
        except ValueError:
            try:
                value = duration_s(text)
            except ValueError:
                is_heading = number == 1 and not any(letter.isdigit() for letter in text)
                if is_heading and re.search(
                    r"(^|[^a-z])(ns|us|µs|ms|min|minutes|h|hours|millis\w*|micros\w*)\W*$", text.lower()
                ):
                    raise ValueError(
                        f"{path.name}, line 1 is a heading with a unit; want times in seconds, or each with its own, "
                        '"120ms"'
                    ) from None
                if is_heading:
                    continue
                raise ValueError(
                    f'{path.name}, line {number} is no time; want one in seconds or with its unit, such as "20ms"'
                ) from None
        if not 0 <= value <= LONGEST_S:
            raise ValueError(f"{path.name}, line {number} is no such time; want one from 0 to 36500 days")
        values.append(value)
    if not values:
        raise ValueError(f"{path.name} holds no times; want one a line, in seconds or with a unit")
    return np.sort(np.array(values, np.float64))


MANY_BYTES = 1 << 20  # a file from here on is read as numbers at once


def _read_numbers(path: Path) -> np.ndarray | None:
    """The same of a large file of nothing but seconds, a hundred times as fast; None for any other file, whose lines
    must be looked at one by one.
    """
    try:
        if not path.is_file() or path.stat().st_size < MANY_BYTES:
            return None
    except (OSError, ValueError):
        return None
    import polars as pl

    try:
        table = pl.read_csv(path, has_header=False, schema={"time_s": pl.Float64}, comment_prefix="#")
    except (OSError, pl.exceptions.PolarsError):
        return None
    values = table["time_s"].drop_nulls().sort().to_numpy()
    if not len(values) or not (values[0] >= 0 and values[-1] <= LONGEST_S):
        return None
    return np.array(values, np.float64)


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
