"""The record of an input that nobody knows for sure: why it has its value."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, JsonValue

from recovery.store.json_text import plain
from recovery.store.record import Record

Kept = Annotated[JsonValue, BeforeValidator(plain)]
"""A value as the file has it, or as another part of the program made it: what JSON can say of it."""


class Note(Record):
    """An input that is fitted, assumed or a documented default: its key with dots, its value in the file, and why."""

    key: str
    kind: Literal["fitted", "assumed", "default"]
    why: str
    value: Kept = None
