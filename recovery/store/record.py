"""Records: what a file of results holds, with a type for each part, read from its JSON and written to it.

JSON has no infinity and no nan. What never came is written as "inf", what was not measured as null, and both are
numbers again once they are read.
"""

import json
import math
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationError


def number(value: object) -> float:
    """A number as a file has it: "inf" (never) and null (not measured) are inf and nan."""
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError('want a number, null or "inf"')
    return float(value)


def written(value: float) -> float | str | None:
    """The same in what JSON can say."""
    if math.isnan(value):
        return None
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value


Number = Annotated[float, BeforeValidator(number), PlainSerializer(written)]
"""float; inf: never came; nan: not measured."""


class Record(BaseModel):
    """A part of a file of results. It cannot be changed, and a key that it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=True, defer_build=True)

    @classmethod
    def read(cls, data: bytes | str) -> Self:
        """The record that a JSON text holds. Raises ValueError with the first key that is wrong."""
        try:
            return cls.model_validate(json.loads(data))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key = ".".join(map(str, first["loc"]))
            raise ValueError(f"{key or 'it'}: {first['msg']}") from None

    def to_json(self) -> str:
        """Stable text: sorted keys, no nan."""
        table = self.model_dump(mode="json", by_alias=True)
        return json.dumps(table, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


class Estimate(Record):
    """A mean and its interval (95 %); nan where there is none."""

    mean: Number
    low: Number = math.nan
    high: Number = math.nan


class Share(Record):
    """A share of runs and its interval (95 %)."""

    share: Number
    low: Number = math.nan
    high: Number = math.nan
