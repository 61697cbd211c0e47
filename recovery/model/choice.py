"""The table [policy]: one choice on each axis."""

from pydantic import Field, model_validator

from recovery.model import policies
from recovery.model.part import Part
from recovery.model.policies.rule import by_name


class Choice(Part):
    """One choice on each axis."""

    client: policies.AnyClient = Field(default_factory=policies.Immediate)
    guard: policies.AnyGuard = Field(
        default_factory=policies.NoGuard, exclude_if=lambda value: value == policies.NoGuard()
    )
    admission: policies.AnyAdmission = Field(default_factory=policies.Open)
    queue: policies.AnyQueue = Field(default_factory=policies.Fifo)
    lease: policies.AnyLease = Field(default_factory=policies.LeaseFixed)

    @model_validator(mode="before")
    @classmethod
    def _names(cls, data: object) -> object:
        return {key: by_name(value) for key, value in data.items()} if isinstance(data, dict) else data
