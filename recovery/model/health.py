"""The table [health]: a load balancer's targets, their checks, and what follows from them."""

from typing import Literal

from pydantic import Field, model_validator

from recovery.model.distributions import Time
from recovery.model.order import not_rising
from recovery.model.part import Part, Whole
from recovery.model.policies.health import HealthRule, RiseFall
from recovery.units import Duration, PositiveDuration, Share


class Switch(Part):
    """Operators switch automatic failover."""

    at: Duration = Field(examples=["30m"], description="from when on")
    do: Literal["on", "off"] = Field(examples=["off"], description="on or off; off brings zones back")
    zone: Whole | None = Field(None, ge=0, description="only this zone (from 0)")


class Health(Part):
    """A load balancer's targets, their checks, and what follows from them."""

    targets: Whole = Field(examples=[1_000], ge=1, le=10**7, description="targets; target i lies in zone i mod zones")
    joins: Share = Field(0.0, description="share of customers' launches that take the place of a target")
    interval: PositiveDuration = Field(30.0, description="time between two checks of a target")
    timeout: PositiveDuration = Field(10.0, description="a check that ends later than this after it was due fails")
    workers: Whole = Field(1, ge=1, le=10**5, description="workers of the check subsystem")
    time: Time = Field(examples=["5ms"], description="time that a check takes a worker")
    change_time: Duration = Field(0.0, description="what a change of state takes the worker in addition")
    rise: Whole = Field(5, ge=1, le=1000, description="good checks in a row that bring a target in")
    fall: Whole = Field(2, ge=1, le=1000, description="failed checks in a row that take it out")
    policy: HealthRule = Field(default_factory=RiseFall, description="what happens to unhealthy targets")
    terminate_after: PositiveDuration | None = Field(
        None, description="an instance out for so long is terminated and launched anew; default: never"
    )
    failover_below: Share = Field(0.0, description="healthy share of a zone below which it is taken out; 0: never")
    failover_back: Share = Field(0.5, description="healthy share at which it comes back")
    failover: tuple[Switch, ...] = Field((), description="when operators switch failover; it is on at first")
    normal_share: Share = Field(0.95, description="usable share of the targets from which capacity is called normal")

    @model_validator(mode="after")
    def _fits(self) -> "Health":
        if self.timeout > self.interval:
            raise ValueError("want timeout no longer than interval")
        if self.failover_back < self.failover_below:
            raise ValueError("want failover_back no smaller than failover_below")
        if wrong := not_rising("failover", [switch.at for switch in self.failover], ties=True):
            raise ValueError(wrong)
        if self.time.mean_s() <= 0:
            raise ValueError("want time above 0")
        return self
