"""Policies of admission that refuse a part of the requests: by what fails, by empty buckets, by a plan."""

import math
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, TypeAdapter, WithJsonSchema, model_validator

from recovery.model.part import or_off
from recovery.model.policies.controlled import Controlled
from recovery.model.policies.lowered import LetsIn
from recovery.model.policies.rule import FleetRate, RateAbove0, RateOfFleet
from recovery.units import Duration, Number, PositiveDuration, PositiveShare, Share, tell_duration, tell_share

LONGEST_WINDOW_S = 120  # of Envoy's admission control: so many seconds its controller can keep
MOST_PERIODS = 600  # so many errors the PID controller can keep
_OFF: dict[str, object] = {"const": "off"}
_OrOff = Annotated[
    PositiveDuration | None,
    BeforeValidator(or_off),
    WithJsonSchema({"anyOf": [TypeAdapter(PositiveDuration).json_schema(), _OFF]}),
]


class EnvoyAdmissionControl(Controlled):
    """Requests are refused with a chance that grows as the share of successes falls below a threshold."""

    source: ClassVar[str] = "Envoy, admission_control.cc, thread_local_controller.cc (169cac7), its proto v3"
    fails: ClassVar[str] = (
        "It sees failures, and not slowness: a queue of requests whose clients have gone is all success to it; and "
        "after an outage it refuses for a whole window more."
    )
    name: Literal["envoy-admission-control"] = "envoy-admission-control"
    window: PositiveDuration = Field(
        30.0, description=f'how long an answer counts: whole seconds, up to "{LONGEST_WINDOW_S}s"'
    )
    threshold: PositiveShare = Field(0.95, description="share of successes below which some are refused")
    aggression: Annotated[Number, Field(ge=1, le=1000)] = Field(
        1.0, description="1: the chance is in proportion; more: it grows faster at first, by the root of this number"
    )
    most: Share = Field(0.8, description="the largest chance")
    from_rate: RateOfFleet = Field(
        default_factory=lambda: FleetRate(per_s=0.0),
        description="answers of the whole fleet below which nobody is refused",
    )
    _file: ClassVar[str] = "envoy_admission_control"

    @model_validator(mode="after")
    def _kept(self) -> Self:
        if self.window != round(self.window) or not 1 <= self.window <= LONGEST_WINDOW_S:
            raise ValueError(f'want a window of whole seconds, "1s" to "{LONGEST_WINDOW_S}s"')
        return self

    @property
    def _rule(self) -> str:
        share = f"refuse up to {tell_share(self.most)} while under {tell_share(self.threshold)} of the answers"
        law = f"{share} of {tell_duration(self.window)} are successes"
        root = "" if self.aggression == 1 else f", by a root of {self.aggression:.15g}"
        few = f", none below {self.from_rate.words}" if self.from_rate != FleetRate(per_s=0.0) else ""
        return f"{law}{root}{few}"

    def _params(self, establish_per_s: float, hosts: float) -> tuple[float, ...]:
        from_rate = self.from_rate.of_host(establish_per_s, hosts)
        return (self.window, self.threshold, float(self.aggression), self.most, from_rate)


class Blue(Controlled):
    """A token bucket behind a drop by chance, which grows while it is found empty and falls while it is full.

    An attempt takes what its class costs.
    """

    source: ClassVar[str] = (
        "Apache ZooKeeper, BlueThrottle (53a78e3): + 0.02, - 0.002, ratio 0, weights 3, 2 and 1 as costs of classes; "
        "off there by default: 100 ms as in its test, the rate is ours"
    )
    fails: ClassVar[str] = (
        "The chance grows only when the bucket is found empty to the last token, which costs above one can prevent; "
        "and it falls ten times slower than it grew."
    )
    name: Literal["blue"] = "blue"
    rate: RateAbove0 = Field(
        default_factory=lambda: FleetRate(of_capacity_share=0.9),
        description='of the whole fleet: "200/s", or "90%" of what it can establish',
    )
    burst: Duration = Field(1.0, description="how much of its rate the bucket may save up (at least one request)")
    freeze: _OrOff = Field(
        0.1, description='how long the chance stays before it may change; "off": nothing is dropped by chance'
    )
    increase: PositiveShare = Field(0.02, description="by how much the chance grows")
    decrease: PositiveShare = Field(0.002, description="by how much the chance falls")
    ratio: Share = Field(0.0, description="share of the bucket that may be missing where the chance falls")
    _file: ClassVar[str] = "blue"

    @model_validator(mode="after")
    def _changes(self) -> Self:
        if self.freeze is None and (self.increase, self.decrease, self.ratio) != (0.02, 0.002, 0.0):
            raise ValueError(
                "want increase, decrease and ratio only with freeze: without it nobody is dropped by chance"
            )
        return self

    @property
    def _rule(self) -> str:
        bucket = f"let in {self.rate.words}, {tell_duration(self.burst)} of it saved up"
        if self.freeze is None:
            return f"{bucket}, whole tokens at a time"
        grows = f"{tell_share(self.increase)} more each {tell_duration(self.freeze)} when none is left"
        falls = f"{tell_share(self.decrease)} fewer when at most {tell_share(self.ratio)} is missing"
        return f"{bucket}; drop {grows}, {falls}"

    def lower(self, establish_per_s: float, hosts: float) -> LetsIn:
        """In numbers of one of `hosts` hosts, each of which can establish `establish_per_s`; more than its rate never
        comes in.
        """
        per_s = self.rate.of_host(establish_per_s, hosts)
        return super().lower(establish_per_s, hosts)._replace(per_s=per_s, burst_s=self.burst)

    def tokens(self, establish_per_s: float, hosts: float) -> int:
        """The most tokens that a host's bucket holds."""
        return max(1, math.floor(self.rate.of_host(establish_per_s, hosts) * self.burst + 1e-9))

    def _params(self, establish_per_s: float, hosts: float) -> tuple[float, ...]:
        fill, every_ms = whole_tokens(self.rate.of_host(establish_per_s, hosts))
        tokens = self.tokens(establish_per_s, hosts)
        freeze_s = -1.0 if self.freeze is None else self.freeze
        return (float(tokens), float(fill), every_ms / 1e3, freeze_s, self.increase, self.decrease, self.ratio)


def whole_tokens(per_s: float) -> tuple[int, int]:
    """So many whole tokens in so many whole ms that they are a rate to 0.5 %; the shortest such time."""
    if per_s <= 5:
        return 1, round(1e3 / per_s)
    every_ms = max(1, math.floor(990 / per_s))
    while abs(max(1, round(per_s * every_ms / 1e3)) * 1e3 / every_ms - per_s) > 0.005 * per_s:
        every_ms += 1
    return max(1, round(per_s * every_ms / 1e3)), every_ms


class Pid(Controlled):
    """A share of the requests is refused that a PID controller sets by how much more comes in than is taken."""

    source: ClassVar[str] = (
        "Uber, PID Controller for Cinnamon (2023), with constants and law as an open re-implementation in Go reads "
        "them; its tuning of the limit and its priorities are left out"
    )
    fails: ClassVar[str] = (
        "Calm counts against it: free workers of the last minute outweigh an overload until they are forgotten; after "
        "that it refuses for as long."
    )
    name: Literal["pid"] = "pid"
    period: PositiveDuration = Field(0.5, description="how often the share is set")
    proportional: Annotated[Number, Field(ge=0, le=1e6)] = Field(0.1, description="weight of the last period")
    integral: Annotated[Number, Field(ge=0, le=1e6)] = Field(1.4, description="weight of the sum over the memory")
    memory: PositiveDuration = Field(60.0, description="for how long a period counts in the sum")
    _file: ClassVar[str] = "pid"

    @model_validator(mode="after")
    def _kept(self) -> Self:
        if self.period < 0.001:
            raise ValueError('want a period of "1ms" or longer')
        if not self.period <= self.memory < self.period * (MOST_PERIODS + 1):
            raise ValueError(f"want memory as long as period, and at most {MOST_PERIODS} times as long")
        return self

    @property
    def _rule(self) -> str:
        law = f"every {tell_duration(self.period)} refuse by how many more came than were taken"
        weights = f"{self.proportional:.15g} of the last, {self.integral:.15g} of all in {tell_duration(self.memory)}"
        return f"{law} ({weights})"

    def _params(self, establish_per_s: float, hosts: float) -> tuple[float, ...]:
        return (self.period, float(self.proportional), float(self.integral), self.memory)


class PercentageRamp(Controlled):
    """From a moment on only a share of the clients is let in, which grows step by step; who was let in stays in."""

    source: ClassVar[str] = (
        "AWS on Kinesis, November 2020 (a few hundred servers an hour), Slack, February 2022 (small steps), Roblox, "
        "October 2021 (reported: steps of 10 %); none says how long a step lasts: ours"
    )
    fails: ClassVar[str] = (
        "It does not look: a step that is too early brings the overload back, one that is too late leaves hosts idle; "
        "and who is in the last step waits for all others."
    )
    name: Literal["percentage-ramp"] = "percentage-ramp"
    start: Duration = Field(0.0, description="when it begins, since the beginning of the experiment; all are in before")
    from_share: Share = Field(0.1, description="share of the clients that is let in at first")
    step: PositiveShare = Field(0.1, description="by how much the share grows")
    every: PositiveDuration = Field(300.0, description="how long a step lasts")
    _file: ClassVar[str] = "percentage_ramp"

    @property
    def _rule(self) -> str:
        first = f"from {tell_duration(self.start)} on let in {tell_share(self.from_share)} of the clients"
        return f"{first}, {tell_share(self.step)} more every {tell_duration(self.every)}"

    def _params(self, establish_per_s: float, hosts: float) -> tuple[float, ...]:
        return (self.start, self.from_share, self.step, self.every)


SheddingRule = EnvoyAdmissionControl | Blue | Pid | PercentageRamp
