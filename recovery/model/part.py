"""What the tables of a scenario are made of: their base, whole numbers, flags, moments, and files that they name."""

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, NamedTuple, Protocol, TypeVar, get_args

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict

from recovery.kept import Kept
from recovery.model.measure_names import CLASS_NAME_MAX

T = TypeVar("T")


class InUse(NamedTuple):
    """A rule of part two of the model that a scenario uses: the key that asks for it, and why it matters."""

    key: str
    why: str


@dataclass(frozen=True)
class Why:
    """Marks a key: where its value `is_on` it asks for a rule of part two, and `text` says why that matters."""

    text: str
    is_on: Callable[[object], bool]


def optional(default: T, description: str, why: str, *, alias: str | None = None) -> T:
    """A key whose default says that a rule of part two is off. There it is not written, so that it enters no key of a
    run; any other value makes the scenario one of part two, and `why` says what that changes.
    """
    field = Field(default, description=description, alias=alias, exclude_if=lambda value: value == default)
    field.metadata.append(Why(why, lambda value: value != default))  # type: ignore[attr-defined]
    return field


class Part(BaseModel):
    """A table of a scenario. One that is itself a rule of part two says why that `matters`."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)
    matters: ClassVar[str] = ""


class Key(NamedTuple):
    """A key of a table: its name in the model, in a file, and the marks of rules of part two."""

    name: str
    written: str
    marks: tuple[Why, ...]


@functools.cache
def keys_of(model: type[BaseModel]) -> tuple[Key, ...]:
    """The keys of a table, in order; a sweep asks for them in each of its runs."""
    return tuple(
        Key(name, field.alias or name, tuple(mark for mark in field.metadata if isinstance(mark, Why)))
        for name, field in model.model_fields.items()
    )


@functools.cache
def keys_of_tables(model: type[BaseModel]) -> tuple[Key, ...]:
    """The keys of a table in which tables may stand."""
    fields = model.model_fields
    return tuple(key for key in keys_of(model) if _has_table(fields[key.name].annotation))


@functools.cache
def _keys_of_rules(model: type[BaseModel]) -> tuple[Key, ...]:
    """The keys of a table that may ask for a rule of part two, or in which tables may stand."""
    tables = set(keys_of_tables(model))
    return tuple(key for key in keys_of(model) if key.marks or key in tables)


@functools.cache
def _has_rules(model: type[BaseModel]) -> bool:
    """Whether a table, or one that may stand in it, may ask for a rule of part two."""
    if getattr(model, "matters", "") or any(key.marks for key in keys_of(model)):
        return True
    return any(_has_table(field.annotation) for field in model.model_fields.values())


def _has_table(annotation: object) -> bool:
    is_table = annotation is object or (isinstance(annotation, type) and issubclass(annotation, BaseModel))
    return is_table or any(map(_has_table, get_args(annotation)))


def rules_of(part: BaseModel) -> tuple[InUse, ...]:
    """The rules of part two that a table and the tables in it use, by their keys with dots from there on; the table
    itself has the key "". Draws of a sweep share what they do not change, of which it is kept.
    """
    matters = getattr(part, "matters", "")
    found = [InUse("", matters)] if matters else []
    values = vars(part)
    for name, written, marks in _keys_of_rules(type(part)):
        value = values[name]
        if marks:  # most keys have none
            found += [InUse(written, mark.text) for mark in marks if mark.is_on(value)]
        if not value or isinstance(value, (int, float, str)):
            continue
        for place, inner in _tables_in(value):
            if rules := _rules_of(inner):  # most tables use none
                own = written if place is None else f"{written}.{place}"
                found += [InUse(f"{own}.{rule.key}".removesuffix("."), rule.why) for rule in rules]
    return tuple(found)


_rules_of = Kept(rules_of, most=4096)


def _tables_in(value: object) -> Iterable[tuple[str | int | None, BaseModel]]:
    """The tables in a list or a table of names, with their places; one alone has none. Those that ask for nothing are
    left out where they stand alone.
    """
    if isinstance(value, BaseModel):
        return ((None, value),) if _has_rules(type(value)) else ()
    places = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, tuple) else ()
    return ((place, one) for place, one in places if isinstance(one, BaseModel))


class Mistakes(ValueError):
    """Mistakes that name their keys themselves, a line each."""


Numbers = npt.NDArray[np.float64]
Whole = Annotated[int, Strict()]
Flag = Annotated[bool, Strict()]
ClassName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", max_length=CLASS_NAME_MAX)]
"""The name of a table [classes.NAME]."""


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
