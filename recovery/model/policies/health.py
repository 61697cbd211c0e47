"""Policies of health: what happens to targets that fail their checks."""

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Discriminator, Field, model_validator

from recovery.model.part import Whole
from recovery.model.policies.lowered import Removes
from recovery.model.policies.rule import Rule, by_name
from recovery.units import Duration, PositiveDuration, Share, tell_duration, tell_share


class RiseFall(Rule):
    """Unhealthy targets are taken out at once; `rise` and `fall` alone decide."""

    axis: ClassVar[str] = "health"
    source: ClassVar[str] = "classic; as in AWS target groups and HAProxy"
    name: Literal["rise-fall"] = "rise-fall"

    @property
    def words(self) -> str:
        """In plain words."""
        return "take unhealthy targets out at once"

    def lower(self, targets: int) -> Removes:
        """In numbers of so many targets; a share of them is at least one."""
        return Removes(self.name)


class FailOpen(Rule):
    """A zone with too few healthy targets sends to all of its targets."""

    axis: ClassVar[str] = "health"
    source: ClassVar[str] = "as in AWS target groups (routing failover, one healthy target by default)"
    name: Literal["fail-open"] = "fail-open"
    healthy: Whole = Field(1, ge=1, le=10**7, description="healthy targets of a zone below which health is ignored")

    @property
    def words(self) -> str:
        """In plain words."""
        few = "none" if self.healthy == 1 else f"fewer than {self.healthy}"
        return f"ignore health in a zone where {few} of the targets are healthy"

    def lower(self, targets: int) -> Removes:
        """In numbers of so many targets; a share of them is at least one."""
        return Removes(self.name, self.healthy)


class Panic(Rule):
    """Below a share of healthy targets in all, health is ignored."""

    axis: ClassVar[str] = "health"
    source: ClassVar[str] = "as in Envoy (panic threshold, 50 %)"
    name: Literal["panic"] = "panic"
    below: Share = Field(0.5, description="share of all targets")

    @property
    def words(self) -> str:
        """In plain words."""
        return f"ignore health below {tell_share(self.below)} healthy targets in all"

    def lower(self, targets: int) -> Removes:
        """In numbers of so many targets; a share of them is at least one."""
        return Removes(self.name, share=self.below)


class EjectionCap(Rule):
    """At most a share of the targets (at least one) is out at once; other removals wait for the target's next check."""

    axis: ClassVar[str] = "health"
    source: ClassVar[str] = "as in Envoy's outlier detection (10 %)"
    name: Literal["ejection-cap"] = "ejection-cap"
    share: Share = Field(0.1, description="share of all targets")

    @property
    def words(self) -> str:
        """In plain words."""
        return f"take at most {tell_share(self.share)} of the targets out at once"

    def lower(self, targets: int) -> Removes:
        """In numbers of so many targets; a share of them is at least one."""
        return Removes(self.name, max(1, int(self.share * targets)))


class VelocityControl(Rule):
    """At most a share of the targets (at least one) is taken out within a span, by checks or failover; other removals
    wait for the target's next check and are cancelled if it is healthy again.
    """

    axis: ClassVar[str] = "health"
    source: ClassVar[str] = "announced in aws.amazon.com/message/101925; numbers assumed"
    name: Literal["velocity"] = "velocity"
    share: Share = Field(0.05, description="share of all targets")
    within: PositiveDuration = Field(300.0, description="the span")

    @property
    def words(self) -> str:
        """In plain words."""
        return f"take at most {tell_share(self.share)} of the targets out within {tell_duration(self.within)}"

    def lower(self, targets: int) -> Removes:
        """In numbers of so many targets; a share of them is at least one."""
        return Removes(self.name, max(1, int(self.share * targets)), span_s=self.within)


class FlapDamping(Rule):
    """After its k-th removal a target stays out for k times `base` at least, up to `cap`."""

    axis: ClassVar[str] = "health"
    source: ClassVar[str] = "as in Envoy's outlier detection (30 s, up to 300 s)"
    name: Literal["flap-damping"] = "flap-damping"
    base: PositiveDuration = Field(30.0, description="after the first removal")
    cap: PositiveDuration = Field(300.0, description="at most")
    forget: Duration = Field(600.0, description="k starts anew after so long in service")

    @model_validator(mode="after")
    def _ordered(self) -> "FlapDamping":
        if self.cap < self.base:
            raise ValueError("want cap no shorter than base")
        return self

    @property
    def words(self) -> str:
        """In plain words."""
        longest, forget = tell_duration(self.cap), tell_duration(self.forget)
        return (
            f"keep a target out {tell_duration(self.base)} longer each time it was taken out, up to {longest}; "
            f"forget after {forget} in service"
        )

    def lower(self, targets: int) -> Removes:
        """In numbers of so many targets; a share of them is at least one."""
        return Removes(self.name, span_s=self.base, cap_s=self.cap, forget_s=self.forget)


HEALTH = (RiseFall, FailOpen, Panic, EjectionCap, VelocityControl, FlapDamping)
HealthRule = Annotated[
    Annotated[
        RiseFall | FailOpen | Panic | EjectionCap | VelocityControl | FlapDamping,
        Discriminator("name"),
    ],
    BeforeValidator(by_name),
]
