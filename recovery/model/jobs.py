"""The table [jobs]: open arrivals over time."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from recovery.model.order import not_rising
from recovery.model.part import Part, Whole, optional
from recovery.model.policies.client import Retries
from recovery.units import Duration, PositiveDuration, Rate


class Step(Part):
    """From `at` on, jobs arrive at this rate."""

    at: Duration = Field(examples=["0s"], description="from when on")
    rate: Rate | None = Field(None, description='jobs a second in all: "30/s"')
    interval: PositiveDuration | None = Field(None, description='or the time between two jobs: "33ms"')

    @model_validator(mode="after")
    def _one_of(self) -> "Step":
        if (self.rate is None) == (self.interval is None):
            raise ValueError("want either rate or interval")
        return self

    def rate_per_s(self) -> float:
        """Jobs a second."""
        return self.rate if self.rate is not None else 1.0 / (self.interval or 1.0)


class Jobs(Part):
    """Open arrivals: each job comes once, is tried again after a failure, and is lost when its retries are used up."""

    arrivals: Literal["poisson", "even"] = Field(
        "poisson", description="at random, or evenly spaced (from a random phase)"
    )
    steps: tuple[Step, ...] = Field(
        examples=[[{"at": "0s", "rate": "30/s"}]], min_length=1, description="rate over time"
    )
    retries: Retries = Field(-1, description='attempts after the first: 0 … or "unlimited"')
    hosts: Whole = Field(1, ge=1, le=10**5, description="hosts that share the arrivals evenly")
    spare_hosts: Annotated[Whole, Field(ge=0, le=10**5)] = optional(
        0,
        description='hosts that stand by, for operators to add: do = "scale" with hosts',
        why="hosts that stand by take a part of the arrivals once they are brought in",
    )

    @model_validator(mode="after")
    def _rising(self) -> "Jobs":
        if wrong := not_rising("steps", [step.at for step in self.steps], from_0=True):
            raise ValueError(wrong)
        return self
