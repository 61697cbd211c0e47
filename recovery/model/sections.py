"""What a user may write of the stages after the leases: launches, propagation, health checks. Parsed with the scenario.

`wrong` tells what does not fit the rest of a scenario, `catalogue` what the policies of these stages are.
"""

import bisect
import csv
import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PrivateAttr,
    Strict,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from recovery.model import policies
from recovery.model.distributions import Time
from recovery.model.policies import Policy
from recovery.read import inputs
from recovery.units import LONGEST_S, Duration, Number, PositiveDuration, Rate, Share, rate_per_s, show_duration

Whole = Annotated[int, Strict()]


class Part(BaseModel):
    """A table of a scenario."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Slowdown(Part):
    """Service gets slower with the queue: by 1 + a · (queue / queue_of_one)^b."""

    a: Number = Field(ge=0, le=1000, description="strength")
    b: Number = Field(1.0, ge=0.1, le=5, description="exponent")
    queue: Number = Field(gt=0, description="queue length of a host at which service takes 1 + a times as long")


class RateStep(Part):
    """From `at` on, this rate."""

    at: Duration = Field(description="from when on")
    rate: Rate = Field(description='in all: "90/s"')


class Daily(Part):
    """A rate that swings over the day: times 1 + swing · cos(2π (t − peak_at) / 24 h)."""

    swing: Share = Field(description="how far above and below the mean")
    peak_at: Duration = Field(0.0, description="when it is highest")


def read_rates(path: Path) -> tuple[tuple[float, float], ...]:
    """Rates from a CSV file: from when on (s), how many a second; a heading is allowed, times rise. Raises ValueError
    that names the line by its number, without what stands there.
    """
    rows: list[tuple[float, float]] = []
    try:
        lines = list(csv.reader(inputs.regular(path).read_text(encoding="utf-8-sig").splitlines()))
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text; want a CSV file: seconds, rate a second") from None
    except (OSError, ValueError, csv.Error) as error:  # ValueError: a name that no file can have
        why = inputs.reason(error)
        raise ValueError(f"{path} cannot be read ({why}); want a CSV file: seconds, rate a second") from None
    for number, line in enumerate(lines, 1):
        if not line or line[0].lstrip().startswith("#"):
            continue
        try:
            at, rate = (float(cell) for cell in line)
        except ValueError:
            if number == 1 and not any(letter.isdigit() for letter in "".join(line)):
                continue
            raise ValueError(f"{path.name}, line {number} is no two numbers; want seconds, rate") from None
        if not (math.isfinite(at) and at >= 0 and math.isfinite(rate) and 0 <= rate <= 1e9):
            raise ValueError(
                f"{path.name}, line {number} is out of range; want seconds from 0 on, and a rate from 0 to 1e9"
            )
        if rows and at <= rows[-1][0]:
            raise ValueError(f"{path.name}, line {number} is no later than the one before; want rising times")
        rows.append((at, rate))
    if not rows:
        raise ValueError(f"{path.name} holds no rates; want lines of seconds, rate")
    return tuple(rows)


class Demand(Part):
    """How many come a second, over time: one rate, steps, or a measured series; with or without a swing of the day."""

    rate: Rate | None = Field(None, description='the same all the time: "90/s"')
    steps: tuple[RateStep, ...] | None = Field(None, min_length=1, description="or a rate in steps")
    file: str | None = Field(None, description="or a measured series: a CSV file of seconds and rate a second")
    daily: Daily | None = Field(None, description="a swing of the day on top")
    _measured: tuple[tuple[float, float], ...] = PrivateAttr(())

    @model_validator(mode="after")
    def _one_of(self, info: ValidationInfo) -> "Demand":
        if sum(value is not None for value in (self.rate, self.steps, self.file)) != 1:
            raise ValueError("want one of rate, steps, file")
        if self.steps is not None:
            times = [step.at for step in self.steps]
            if times[0] != 0 or any(b <= a for a, b in itertools.pairwise(times)):
                raise ValueError('want steps in rising order of at, the first at "0s"')
        if self.file is not None:
            self._measured = read_rates(Path((info.context or {}).get("folder", ".")) / self.file)
        return self

    @property
    def levels(self) -> tuple[tuple[float, float], ...]:
        """From when on (s), how many a second, without the swing of the day; nothing comes before the first."""
        if self.rate is not None:
            return ((0.0, self.rate),)
        return self._measured or tuple((step.at, step.rate) for step in self.steps or ())

    def at(self, time_s: float) -> float:
        """The rate (1/s) at one time."""
        levels = self.levels
        after = bisect.bisect_right(levels, time_s, key=lambda level: level[0])
        rate = levels[after - 1][1] if after else 0.0
        if self.daily is not None:
            rate *= 1 + self.daily.swing * math.cos(2 * math.pi * (time_s - self.daily.peak_at) / 86400)
        return rate


def _demand(value: object) -> object:
    """A rate alone is the same all the time."""
    if isinstance(value, str):
        rate_per_s(value)
        return {"rate": value}
    if isinstance(value, dict | Demand):
        return value
    raise ValueError('want a rate such as "90/s", or a table with rate, steps or file')


DemandOverTime = Annotated[Demand, BeforeValidator(_demand)]


def _rate_or_off(value: object) -> object:
    return None if value == "off" else value


class ThrottleStep(Part):
    """From `at` on, the request throttle lets in so many launches a second."""

    at: Duration = Field(description="from when on")
    rate: Annotated[Rate | None, BeforeValidator(_rate_or_off)] = Field(
        description='attempts a second in all, or "off"'
    )


def _named(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


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
Client = Annotated[Annotated[policies.ClientPolicy, Discriminator("name")], BeforeValidator(_named)]


class Launches(Part):
    """Demand for launches, what customers do after an error, the request throttle, changes that wait for a lease."""

    demand: DemandOverTime = Field(description='launches that customers want: "90/s", or a table of rates over time')
    arrivals: Literal["poisson", "even"] = Field("poisson", description="at random, or evenly spaced")
    pinned: Share = Field(0.0, description="share of launches that want one zone and no other")
    looks: Whole = Field(
        1, ge=1, le=1000, description="holders with a free slot that are looked at before a zone has no capacity"
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
    changes: DemandOverTime = Field(
        default_factory=lambda: Demand.model_validate({"rate": "0/s"}),
        description="terminations and other changes of instances; those of an unleased holder wait for its lease",
    )

    @model_validator(mode="after")
    def _rising(self) -> "Launches":
        if any(b.at <= a.at for a, b in itertools.pairwise(self.throttle)):
            raise ValueError("want throttle in rising order of at")
        return self


class AnyQueue(Policy):
    """Every job is let in."""

    axis: ClassVar[str] = "intake"
    source: ClassVar[str] = "the absence of a policy"
    name: Literal["open"] = "open"


class IntakeBucket(Policy):
    """A token bucket: a job that finds no whole token is refused."""

    axis: ClassVar[str] = "intake"
    source: ClassVar[str] = (
        "as in Kubernetes client-go's rate limiters; the rate is the stage's, shards get equal parts"
    )
    name: Literal["token-bucket"] = "token-bucket"
    rate: Rate = Field(description="jobs a second of the whole stage")
    burst: Duration = Field(1.0, description="how much of its rate a bucket may save up (at least one job)")


class LinearLimit(Policy):
    """A token bucket filled at rate · (1 − q/limit) while q jobs wait: nothing at the limit."""

    axis: ClassVar[str] = "intake"
    source: ClassVar[str] = (
        "announced in aws.amazon.com/message/101925 (limit by the size of the waiting queue); law assumed"
    )
    name: Literal["queue-size"] = "queue-size"
    rate: Rate = Field(description="jobs a second of the whole stage while its queues are empty")
    limit: Whole = Field(1000, ge=1, le=10**9, description="waiting jobs of a shard at which nothing is let in")
    burst: Duration = Field(1.0, description="how much of its rate a bucket may save up (at least one job)")


class Hysteresis(Policy):
    """Nothing is let in from q = limit on, until the queue has fallen to low."""

    axis: ClassVar[str] = "intake"
    source: ClassVar[str] = "the announced limit by the size of the waiting queue, as a switch; law assumed"
    name: Literal["queue-size-switch"] = "queue-size-switch"
    limit: Whole = Field(1000, ge=1, le=10**9, description="waiting jobs of a shard at which its intake closes")
    low: Whole = Field(500, ge=0, le=10**9, description="waiting jobs at which it opens again")

    @model_validator(mode="after")
    def _ordered(self) -> "Hysteresis":
        if self.low >= self.limit:
            raise ValueError("want low below limit")
        return self


class Ramp(Policy):
    """A job is refused with a probability that rises from 0 at q = low to 1 at q = limit."""

    axis: ClassVar[str] = "intake"
    source: ClassVar[str] = (
        "the announced limit as a ramp, as in failsafe-go's adaptive limiter (2 to 3 times its limit)"
    )
    name: Literal["queue-size-ramp"] = "queue-size-ramp"
    limit: Whole = Field(1500, ge=1, le=10**9, description="waiting jobs of a shard from which everything is refused")
    low: Whole = Field(1000, ge=0, le=10**9, description="waiting jobs from which some are refused")

    @model_validator(mode="after")
    def _ordered(self) -> "Ramp":
        if self.low >= self.limit:
            raise ValueError("want low below limit")
        return self


INTAKES = (AnyQueue, IntakeBucket, LinearLimit, Hysteresis, Ramp)
Intake = Annotated[
    Annotated[AnyQueue | IntakeBucket | LinearLimit | Hysteresis | Ramp, Discriminator("name")], BeforeValidator(_named)
]


class LoadReduction(Part):
    """Operators keep a share of the changes (not of the launches) out for a while; they are not made up for."""

    at: Duration = Field(description="from when on")
    lasts: PositiveDuration = Field(description="how long")
    share: Share = Field(description="share of the changes that is put aside")


class Propagation(Part):
    """Network state of instances on its way: shards of workers, first in, first out."""

    shards: Whole = Field(1, ge=1, le=10**5, description="queues that jobs are spread over at random")
    workers: Whole = Field(1, ge=1, le=10**5, description="workers of a shard")
    time: Time = Field(description="time that a job takes")
    slowdown: Slowdown | None = Field(None, description="a job takes longer with the queue of its shard")
    fails: Share = Field(0.0, description="share of attempts that fail at their end")
    client: Client = Field(
        default_factory=lambda: policies.FullJitter.model_validate({"base": "1m", "cap": "10m"}),
        description="when a refused or failed job comes back",
    )
    retries: Retries = Field(-1, description='how often: 0 … or "unlimited"')
    intake: Intake = Field(default_factory=AnyQueue, description="what is let into a shard's queue")
    reductions: tuple[LoadReduction, ...] = Field((), description="what operators keep out")
    normal_latency: PositiveDuration = Field(
        300.0, description="mean latency of a window's launches up to which propagation is called normal"
    )

    @model_validator(mode="after")
    def _apart(self) -> "Propagation":
        if any(b.at < a.at + a.lasts for a, b in itertools.pairwise(self.reductions)):
            raise ValueError("want reductions in order of time and without overlap")
        if self.time.mean_s() <= 0:
            raise ValueError("want time above 0")
        return self


class RiseFall(Policy):
    """Unhealthy targets are taken out at once; `rise` and `fall` alone decide."""

    axis: ClassVar[str] = "health"
    source: ClassVar[str] = "classic; as in AWS target groups and HAProxy"
    name: Literal["rise-fall"] = "rise-fall"


class FailOpen(Policy):
    """A zone with too few healthy targets sends to all of its targets."""

    axis: ClassVar[str] = "health"
    source: ClassVar[str] = "as in AWS target groups (routing failover, one healthy target by default)"
    name: Literal["fail-open"] = "fail-open"
    healthy: Whole = Field(1, ge=1, le=10**7, description="healthy targets of a zone below which health is ignored")


class Panic(Policy):
    """Below a share of healthy targets in all, health is ignored."""

    axis: ClassVar[str] = "health"
    source: ClassVar[str] = "as in Envoy (panic threshold, 50 %)"
    name: Literal["panic"] = "panic"
    below: Share = Field(0.5, description="share of all targets")


class EjectionCap(Policy):
    """At most a share of the targets (at least one) is out at once; other removals wait for the target's next check."""

    axis: ClassVar[str] = "health"
    source: ClassVar[str] = "as in Envoy's outlier detection (10 %)"
    name: Literal["ejection-cap"] = "ejection-cap"
    share: Share = Field(0.1, description="share of all targets")


class VelocityControl(Policy):
    """At most a share of the targets (at least one) is taken out within a span, by checks or failover; other removals
    wait for the target's next check and are cancelled if it is healthy again.
    """

    axis: ClassVar[str] = "health"
    source: ClassVar[str] = "announced in aws.amazon.com/message/101925; numbers assumed"
    name: Literal["velocity"] = "velocity"
    share: Share = Field(0.05, description="share of all targets")
    within: PositiveDuration = Field(300.0, description="the span")


class FlapDamping(Policy):
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


HEALTH = (RiseFall, FailOpen, Panic, EjectionCap, VelocityControl, FlapDamping)
HealthPolicy = Annotated[
    Annotated[
        RiseFall | FailOpen | Panic | EjectionCap | VelocityControl | FlapDamping,
        Discriminator("name"),
    ],
    BeforeValidator(_named),
]


class Switch(Part):
    """Operators switch automatic failover."""

    at: Duration = Field(description="from when on")
    do: Literal["on", "off"] = Field(description="on or off; off brings zones back")
    zone: Whole | None = Field(None, ge=0, description="only this zone (from 0)")


class Health(Part):
    """A load balancer's targets, their checks, and what follows from them."""

    targets: Whole = Field(ge=1, le=10**7, description="targets; target i lies in zone i mod zones")
    joins: Share = Field(0.0, description="share of customers' launches that take the place of a target")
    interval: PositiveDuration = Field(30.0, description="time between two checks of a target")
    timeout: PositiveDuration = Field(10.0, description="a check that ends later than this after it was due fails")
    workers: Whole = Field(1, ge=1, le=10**5, description="workers of the check subsystem")
    time: Time = Field(description="time that a check takes a worker")
    change_time: Duration = Field(0.0, description="what a change of state takes the worker in addition")
    rise: Whole = Field(5, ge=1, le=1000, description="good checks in a row that bring a target in")
    fall: Whole = Field(2, ge=1, le=1000, description="failed checks in a row that take it out")
    policy: HealthPolicy = Field(default_factory=RiseFall, description="what happens to unhealthy targets")
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
        if any(b.at < a.at for a, b in itertools.pairwise(self.failover)):
            raise ValueError("want failover in order of at")
        if self.time.mean_s() <= 0:
            raise ValueError("want time above 0")
        return self


def wrong(scenario: Any) -> Iterator[str]:
    """What of these stages does not fit the rest of a scenario: a line each."""
    launches, propagation = scenario.launches, scenario.propagation
    if launches is not None and scenario.fleet is None:
        yield "launches stands without [fleet]; want [fleet] and [lease]: launches need leased holders"
    if propagation is not None and launches is None:
        yield "propagation stands without [launches]; want a table [launches]: its jobs are launches and changes"
    health = scenario.health
    if health is not None and propagation is None:
        yield "health stands without [propagation]; want tables [launches] and [propagation]: they bring targets"
    if health is not None and scenario.fleet is not None and health.targets < scenario.fleet.zones:
        yield f"health.targets is {health.targets}; want at least one a zone, {scenario.fleet.zones}"
    end = f"the horizon, {show_duration(scenario.horizon)}"
    if launches is not None:
        for i, step in enumerate(launches.throttle):
            if step.at >= scenario.horizon:
                yield f"launches.throttle.{i}.at is {show_duration(step.at)}; want before {end}"
        if max(rate for _, rate in launches.demand.levels) <= 0:
            yield "launches.demand is 0 all the time; want a rate above 0"
    if propagation is not None:
        for i, reduction in enumerate(propagation.reductions):
            if reduction.at >= scenario.horizon:
                yield f"propagation.reductions.{i}.at is {show_duration(reduction.at)}; want before {end}"
        if launches is not None and _is_endless(propagation, launches, scenario.horizon):
            yield (
                f"propagation.slowdown makes a job last more than {show_duration(LONGEST_S)} behind all others; "
                "want a smaller a or b, or a larger queue"
            )
    if health is not None:
        for i, switch in enumerate(health.failover):
            if switch.at >= scenario.horizon:
                yield f"health.failover.{i}.at is {show_duration(switch.at)}; want before {end}"
            zones = scenario.fleet.zones if scenario.fleet is not None else 1
            if switch.zone is not None and switch.zone >= zones:
                wanted = f"0 to {zones - 1}, or a larger fleet.zones"
                yield f"health.failover.{i}.zone is {switch.zone}; want {wanted}"


def _is_endless(propagation: Propagation, launches: Launches, horizon_s: float) -> bool:
    """Whether a job could last longer than a time may be, if all jobs of the run waited at once."""
    slowdown = propagation.slowdown
    a_second = sum(2 * max(rate for _, rate in came.levels) for came in (launches.demand, launches.changes))
    if slowdown is None or slowdown.a == 0 or a_second == 0:
        return False
    longer = math.log(slowdown.a) + slowdown.b * math.log(a_second * horizon_s / slowdown.queue)
    return math.log(propagation.time.mean_s()) + longer > math.log(LONGEST_S)


def names_at(loc: tuple[Any, ...]) -> list[str] | None:
    """The names that a policy at this place of a scenario may have; None if it is none of these stages."""
    if loc[:2] in (("launches", "client"), ("propagation", "client")):
        return [policies.name_of(policy) for policy in policies.AXES["client"]]
    if loc[:2] == ("propagation", "intake"):
        return [policies.name_of(policy) for policy in INTAKES]
    if loc[:2] == ("health", "policy"):
        return [policies.name_of(policy) for policy in HEALTH]
    return None


def catalogue() -> list[dict[str, Any]]:
    """The policies of these stages, as `policies.catalogue` tells the others."""
    rows = []
    for policy in (*INTAKES, *HEALTH):
        parameters = [
            {
                "name": key,
                "default": "none" if field.is_required() else str(field.get_default()),
                "description": field.description,
            }
            for key, field in policy.model_fields.items()
            if key != "name"
        ]
        rows.append(
            {
                "axis": policy.axis,
                "name": policies.name_of(policy),
                "rule": " ".join((policy.__doc__ or "").split()),
                "source": policy.source,
                "parameters": parameters,
            }
        )
    return rows
