"""What the tables of a scenario are made of: their base, whole numbers, flags, moments, and files that they name."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, BaseModel, ConfigDict, Strict


class Part(BaseModel):
    """A table of a scenario."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Mistakes(ValueError):
    """Mistakes that name their keys themselves, a line each."""


Numbers = npt.NDArray[np.float64]
Whole = Annotated[int, Strict()]
Flag = Annotated[bool, Strict()]


def _moment(value: str) -> str:
    """A text that is empty or date and time in ISO's form. Raises ValueError that says what is wanted."""
    try:
        datetime.fromisoformat(value or "2000-01-01")
    except ValueError:
        raise ValueError('want date and time such as "2025-10-19T23:48-07:00"') from None
    return value


Moment = Annotated[str, AfterValidator(_moment)]


def or_off(value: object) -> object:
    """Nothing for the word "off"."""
    return None if value == "off" else value


class Files(Protocol):
    """Reads the files that a scenario names. Whoever checks a table gives one as the validation's context, under
    "files"; nothing here opens a file.
    """

    def times_s(self, name: str) -> Numbers:
        """Measured times, s, float64[n] in rising order. Raises ValueError that says what is wanted."""

    def rates(self, name: str) -> tuple[tuple[float, float], ...]:
        """From when on (s), how many a second. Raises ValueError that says what is wanted."""


class Checking(Protocol):
    """What a validator is told of the validation that it is part of: pydantic's `ValidationInfo`, as far as used."""

    @property
    def context(self) -> Mapping[str, Files] | None:
        """What was given to `model_validate`."""


def files_of(info: Checking) -> Files:
    """What reads the files of the table that is checked. Raises ValueError where nothing does."""
    context = info.context or {}
    if "files" not in context:
        raise ValueError("names a file; want what reads it as the validation's context")
    return context["files"]
