"""The table [launches]: launches that need leased holders, and changes that wait for a lease."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from recovery.model import policies
from recovery.model.demand import Demand, DemandOverTime
from recovery.model.order import not_rising
from recovery.model.part import ClassName, Part, Whole, or_off
from recovery.model.policies.client import Client, Retries
from recovery.model.policies.intake import AnyQueue
from recovery.units import Duration, Rate, Share


class ThrottleStep(Part):
    """From `at` on, the request throttle lets in so many launches a second."""

    at: Duration = Field(examples=["30m"], description="from when on")
    rate: Annotated[Rate | None, BeforeValidator(or_off)] = Field(
        examples=["200/s"], description='attempts a second in all, or "off"'
    )


class Launches(Part):
    """Demand for launches, what customers do after an error, the request throttle, changes that wait for a lease."""

    demand: DemandOverTime = Field(
        examples=["90/s"], description='launches that customers want: "90/s", or a table of rates over time'
    )
    arrivals: Literal["poisson", "even"] = Field("poisson", description="at random, or evenly spaced")
    pinned: Share = Field(0.0, description="share of launches that want one zone and no other")
    looks: Whole = Field(
        1, ge=1, le=1000, description="holders with a free slot that are looked at before a zone has no capacity"
    )
    leased: ClassName | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="the class whose lease a holder must have; default: the leases of all classes together",
    )
    client: Client = Field(
        default_factory=lambda: policies.FullJitter.model_validate({"base": "1m", "cap": "10m"}),
        description="when a denied launch comes back",
    )
    retries: Retries = Field(-1, description='how often it comes back: 0 … or "unlimited"')
    throttle: tuple[ThrottleStep, ...] = Field(
        (), description="what the operators do to the request throttle, in order"
    )
    burst: Duration = Field(1.0, description="how much of its rate the throttle may save up (at least one)")
    admission: policies.AnyLaunch = Field(
        default_factory=AnyQueue,
        exclude_if=lambda value: value == AnyQueue(),
        description="what is let in behind the throttle, by what waits in propagation or by what became of attempts",
    )
    changes: DemandOverTime = Field(
        default_factory=lambda: Demand.model_validate({"rate": "0/s"}),
        description="terminations and other changes of instances; those of an unleased holder wait for its lease",
    )

    @model_validator(mode="after")
    def _rising(self) -> "Launches":
        if wrong := not_rising("throttle", [step.at for step in self.throttle]):
            raise ValueError(wrong)
        if getattr(self.admission, "only", "all") != "all":
            raise ValueError('want admission.only = "all": launches hold no leases that could be renewed')
        return self
