"""The table [host.conflict]: optimistic writes, of which one fails if another was made since it read its row."""

from typing import ClassVar

from pydantic import Field

from recovery.model.distributions import Time
from recovery.model.part import ClassName, Part, Whole

ROWS_MAX = 10**7


class Conflict(Part):
    """Each service reads a row and writes it at its end; the write fails if another was made to that row between."""

    matters: ClassVar[str] = (
        "of the writes to one row that are under way together one succeeds, so more at one time make more that fail"
    )
    rows: Whole = Field(
        1, ge=1, le=ROWS_MAX, description="rows of each host; client i (or job i) writes row i mod rows"
    )
    gap: Time | None = Field(
        None, description="time from the read to the write, drawn anew; default, and at most: the whole service"
    )
    classes: tuple[ClassName, ...] = Field(
        (), exclude_if=lambda value: not value, description="only clients of these classes write; default: of all"
    )
