"""The table [policy]: one choice on each axis."""

from typing import Annotated

from pydantic import Discriminator, Field, model_validator

from recovery.model import policies
from recovery.model.part import Part
from recovery.model.policies.rule import by_name


class Choice(Part):
    """One choice on each axis."""

    client: Annotated[policies.ClientRule, Discriminator("name")] = Field(default_factory=policies.Immediate)
    guard: Annotated[policies.GuardRule, Discriminator("name")] = Field(
        default_factory=policies.NoGuard, exclude_if=lambda value: value == policies.NoGuard()
    )
    admission: Annotated[policies.AdmissionRule, Discriminator("name")] = Field(default_factory=policies.Open)
    queue: Annotated[policies.QueueRule, Discriminator("name")] = Field(default_factory=policies.Fifo)
    lease: Annotated[policies.LeaseRule, Discriminator("name")] = Field(default_factory=policies.LeaseFixed)

    @model_validator(mode="before")
    @classmethod
    def _names(cls, data: object) -> object:
        return {key: by_name(value) for key, value in data.items()} if isinstance(data, dict) else data
