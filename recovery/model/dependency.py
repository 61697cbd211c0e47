"""The table [dependency]: when the system that every request depends on is away."""

from pydantic import Field, model_validator

from recovery.model.distributions import Time
from recovery.model.order import overlap
from recovery.model.part import Part, optional
from recovery.units import Duration, PositiveDuration, Share


class Outage(Part):
    """While it lasts, the dependency fails with this share of requests."""

    start: Duration = Field(examples=["10m"], alias="from", description="when it begins")
    end: PositiveDuration = Field(examples=["40m"], alias="to", description="when it is over")
    fails: Share = Field(1.0, description="share of requests that fail: 100% is down, less is degraded")

    @model_validator(mode="after")
    def _ordered(self) -> "Outage":
        if self.end <= self.start:
            raise ValueError('want "to" later than "from"')
        return self


class Dependency(Part):
    """When the system that every request depends on is away."""

    outages: tuple[Outage, ...] = Field((), description="times of failure, in order, without overlap")
    resume_after: Time | None = optional(
        None,
        description="after an outage in which all requests fail, a host asks again only so much later",
        why="hosts hold off after an outage, so requests still fail for a while when the dependency is back",
    )

    @model_validator(mode="after")
    def _apart(self) -> "Dependency":
        if wrong := overlap("outages", [(outage.start, outage.end) for outage in self.outages]):
            raise ValueError(wrong)
        return self
