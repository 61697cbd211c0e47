"""The tables [[notes]]: why an unknown input has the value that it has."""

from typing import Literal

from pydantic import Field

from recovery.model.part import Part


class Note(Part):
    """Why an unknown input has the value that it has."""

    key: str = Field(examples=["host.workers"], description="the input, with dots")
    kind: Literal["fitted", "assumed", "default"] = Field(
        examples=["assumed"],
        description="chosen to meet an observation, a guess, or a default of the system, with its source",
    )
    why: str = Field(examples=["as the documentation has it"], description="from what, in a sentence")
