"""Policies of clients: when an attempt that failed comes back."""

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Discriminator, Field, WithJsonSchema, model_validator

from recovery.model.distributions import Distribution, Time
from recovery.model.policies.lowered import Controller, Waits
from recovery.model.policies.rule import Rule, by_name
from recovery.units import Number, PositiveDuration, Share, tell_duration, tell_share


def _growing(base: float, factor: float, cap: float) -> str:
    """A wait that grows, in plain words."""
    grows = "doubled" if factor == 2 else f"times {factor:.15g}"
    return f"{tell_duration(base)}, {grows} up to {tell_duration(cap)}"


def _capped(base: float, cap: float) -> None:
    if cap < base:
        raise ValueError("want cap no shorter than base")


class Immediate(Rule):
    """Try again at once after a timeout, and one round trip after a refusal."""

    axis: ClassVar[str] = "client"
    source: ClassVar[str] = "the absence of a policy; the negative control of every study of retries"
    fails: ClassVar[str] = "Every failure comes back at once, so a host that is slow gets many times the load."
    name: Literal["immediate"] = "immediate"

    @property
    def words(self) -> str:
        """In plain words."""
        return "try again at once"

    def lower(self) -> Waits:
        """In numbers."""
        return Waits(self.name)


class Fixed(Rule):
    """Try again after the same delay every time; the delay may be a distribution."""

    axis: ClassVar[str] = "client"
    source: ClassVar[str] = "Hadoop YARN, NodeManager to ResourceManager: every 30 s (YarnConfiguration)"
    fails: ClassVar[str] = "Who failed together comes back together, again and again."
    name: Literal["fixed"] = "fixed"
    delay: Time = Field(default_factory=lambda: Distribution.constant(30.0), description="wait before the next attempt")

    @property
    def words(self) -> str:
        """In plain words."""
        return f"try again after {self.delay.words}"

    def lower(self) -> Waits:
        """In numbers."""
        return Waits(self.name, self.delay)


class Exponential(Rule):
    """Wait min(cap, base · factor^(n−1)) before attempt n+1, without jitter."""

    axis: ClassVar[str] = "client"
    source: ClassVar[str] = "Kubernetes kubelet, node lease: 200 ms doubled up to 7 s (kubelet lease controller)"
    fails: ClassVar[str] = "Who failed together comes back together, only later each time."
    name: Literal["exponential"] = "exponential"
    base: PositiveDuration = Field(0.2, description="first wait")
    cap: PositiveDuration = Field(7.0, description="longest wait")
    factor: Number = Field(2.0, ge=1, le=100, description="growth from one wait to the next")

    @model_validator(mode="after")
    def _ordered(self) -> "Exponential":
        _capped(self.base, self.cap)
        return self

    @property
    def words(self) -> str:
        """In plain words."""
        return f"try again after {_growing(self.base, self.factor, self.cap)}"

    def lower(self) -> Waits:
        """In numbers."""
        return Waits(self.name, None, self.base, self.factor, self.cap)


class FullJitter(Rule):
    """Wait a uniform part of min(cap, base · factor^(n−1))."""

    axis: ClassVar[str] = "client"
    source: ClassVar[str] = (
        "Brooker, Exponential Backoff And Jitter (AWS Architecture Blog, 2015); "
        "Apache Mesos agents: 1 s doubled up to 1 min"
    )
    fails: ClassVar[str] = "Some come back at once, and after a long outage the last ones wait up to the cap."
    name: Literal["full-jitter"] = "full-jitter"
    base: PositiveDuration = Field(1.0, description="bound of the first wait")
    cap: PositiveDuration = Field(60.0, description="longest bound")
    factor: Number = Field(2.0, ge=1, le=100, description="growth from one bound to the next")

    @model_validator(mode="after")
    def _ordered(self) -> "FullJitter":
        _capped(self.base, self.cap)
        return self

    @property
    def words(self) -> str:
        """In plain words."""
        longest = _growing(self.base, self.factor, self.cap) if self.base < self.cap else tell_duration(self.cap)
        return f"try again at random within {longest}"

    def lower(self) -> Waits:
        """In numbers."""
        return Waits(self.name, None, self.base, self.factor, self.cap, longest_share=0.5)


_SPREAD = "each client waits another part of its back-off, so that those who failed together come back apart"


class EqualJitter(Rule):
    """Wait half of min(cap, base · factor^(n−1)), and a uniform part of the other half."""

    axis: ClassVar[str] = "client"
    source: ClassVar[str] = "Brooker, Exponential Backoff And Jitter (AWS Architecture Blog, 2015)"
    fails: ClassVar[str] = "Nobody comes back soon, also where there is room again."
    matters: ClassVar[str] = _SPREAD
    name: Literal["equal-jitter"] = "equal-jitter"
    base: PositiveDuration = Field(1.0, description="longest first wait")
    cap: PositiveDuration = Field(60.0, description="longest wait")
    factor: Number = Field(2.0, ge=1, le=100, description="growth from one wait to the next")

    @model_validator(mode="after")
    def _ordered(self) -> "EqualJitter":
        _capped(self.base, self.cap)
        return self

    @property
    def words(self) -> str:
        """In plain words."""
        longest = _growing(self.base, self.factor, self.cap) if self.base < self.cap else tell_duration(self.cap)
        return f"try again after half of {longest}, and up to as much again at random"

    def lower(self) -> Waits:
        """In numbers."""
        return Waits(self.name, None, self.base, self.factor, self.cap, longest_share=0.75)


class ProportionalJitter(Rule):
    """Wait min(cap, base · factor^(n−1)), up to a share longer or shorter."""

    axis: ClassVar[str] = "client"
    source: ClassVar[str] = "gRPC connection back-off: 1 s times 1.6 up to 2 min, 20 % up and down"
    fails: ClassVar[str] = "A narrow spread leaves the waves of those who failed together."
    matters: ClassVar[str] = _SPREAD
    name: Literal["proportional-jitter"] = "proportional-jitter"
    base: PositiveDuration = Field(1.0, description="first wait, without its jitter")
    cap: PositiveDuration = Field(120.0, description="longest wait, without its jitter")
    factor: Number = Field(1.6, ge=1, le=100, description="growth from one wait to the next")
    jitter: Share = Field(0.2, description="each wait is up to this share longer or shorter")

    @model_validator(mode="after")
    def _ordered(self) -> "ProportionalJitter":
        _capped(self.base, self.cap)
        return self

    @property
    def words(self) -> str:
        """In plain words."""
        longest = _growing(self.base, self.factor, self.cap) if self.base < self.cap else tell_duration(self.cap)
        return f"try again after {longest}, {tell_share(self.jitter)} up and down at random"

    def lower(self) -> Waits:
        """In numbers."""
        return Waits(self.name, None, self.base, self.factor, self.cap, jitter=self.jitter)


class DecorrelatedJitter(Rule):
    """Wait at random between base and factor times the last wait, at most cap."""

    axis: ClassVar[str] = "client"
    source: ClassVar[str] = (
        "Brooker, Exponential Backoff And Jitter (AWS Architecture Blog, 2015): three times the last"
    )
    fails: ClassVar[str] = "Waits grow by chance, so some clients reach the cap soon and stay away."
    matters: ClassVar[str] = _SPREAD
    name: Literal["decorrelated-jitter"] = "decorrelated-jitter"
    base: PositiveDuration = Field(1.0, description="shortest wait")
    cap: PositiveDuration = Field(60.0, description="longest wait")
    factor: Number = Field(3.0, ge=1, le=100, description="a wait is at most so many times the last one")

    @model_validator(mode="after")
    def _ordered(self) -> "DecorrelatedJitter":
        _capped(self.base, self.cap)
        return self

    @property
    def words(self) -> str:
        """In plain words."""
        if self.base == self.cap:
            return f"try again after {tell_duration(self.base)}, however often"
        most = f"{self.factor:.15g} times the last wait"
        return f"try again at random between {tell_duration(self.base)} and {most}, {tell_duration(self.cap)} at most"

    def lower(self) -> Waits:
        """In numbers."""
        return Waits(self.name, None, self.base, self.factor, self.cap)


class AwsLegacy(Rule):
    """Wait a uniform part of 2^(n−1) s before attempt n+1: of 1, 2, 4, then 8 s, after which the SDK gives up."""

    axis: ClassVar[str] = "client"
    source: ClassVar[str] = (
        "AWS SDKs, legacy mode (botocore 1.44.8, data/_retry.json), whose 5 attempts are the guard attempts"
    )
    fails: ClassVar[str] = "Some come back at once, and without its guard clients come back for ever, every 4 s."
    name: Literal["aws-legacy"] = "aws-legacy"

    @property
    def words(self) -> str:
        """In plain words."""
        return "try again at random within 1 s, doubled up to 8 s, as AWS SDKs did"

    def lower(self) -> Waits:
        """In numbers."""
        return Waits("full-jitter", None, 1.0, 2.0, 8.0, longest_share=0.5)


class AwsBackoff(Rule):
    """Wait a uniform part of min(cap, base · 2^(n−1)), from a longer base where the attempt was refused."""

    axis: ClassVar[str] = "client"
    source: ClassVar[str] = (
        "AWS SDKs, standard and adaptive mode (botocore 1.44.8, retries/standard.py), whose quotas are guards of these "
        "names; before 1.44 the base was 1 s always"
    )
    fails: ClassVar[str] = "A host that is slow refuses nobody, so a timeout is followed by an attempt at once."
    matters: ClassVar[str] = "clients wait longer after a refusal than after a failure or a timeout"
    name: Literal["aws-standard"] = "aws-standard"
    base: PositiveDuration = Field(0.05, description="bound of the first wait")
    refused_base: PositiveDuration = Field(1.0, description="the same after a refusal, which is throttling to the SDK")
    cap: PositiveDuration = Field(20.0, description="longest bound")

    @model_validator(mode="after")
    def _ordered(self) -> "AwsBackoff":
        _capped(max(self.base, self.refused_base), self.cap)
        return self

    @property
    def words(self) -> str:
        """In plain words."""
        refused = f"{tell_duration(self.refused_base)} after a refusal"
        most = f"doubled up to {tell_duration(self.cap)}"
        return f"try again at random within {tell_duration(self.base)}, {refused}, {most}"

    def lower(self) -> Waits:
        """In numbers."""
        controller = Controller("aws_backoff", (self.base, self.refused_base, self.cap))
        return Waits(self.name, None, self.base, 2.0, self.cap, longest_share=0.5, controller=controller)


StageRule = Immediate | Fixed | Exponential | FullJitter
"""What clients of later stages may do."""
Client = Annotated[Annotated[StageRule, Discriminator("name")], BeforeValidator(by_name)]
Growing = Exponential | FullJitter | EqualJitter | ProportionalJitter | DecorrelatedJitter
"""Rules whose waits grow up to a cap."""
ClientRule = (
    Immediate
    | Fixed
    | Exponential
    | FullJitter
    | EqualJitter
    | ProportionalJitter
    | DecorrelatedJitter
    | AwsLegacy
    | AwsBackoff
)


def _retries(value: object) -> int:
    if value == "unlimited":
        return -1
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10**9:
        return value
    raise ValueError('want a whole number from 0 to 1000000000, or "unlimited"')


Retries = Annotated[
    int,
    BeforeValidator(_retries),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0, "maximum": 10**9}, {"const": "unlimited"}]}),
]
