"""Policies of admission: whether a request is let in."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, Strict, TypeAdapter, WithJsonSchema, model_validator

from recovery.model.part import optional, or_off
from recovery.model.policies.lowered import LetsIn
from recovery.model.policies.rule import (
    LONGEST_QUEUE,
    FleetRate,
    Limit,
    LimitFrom1,
    RateAbove0,
    Rule,
    requests_of,
    words_of_limit,
)
from recovery.units import Duration, PositiveDuration, tell_duration

_OFF: dict[str, object] = {"const": "off"}
_OrNobody = Annotated[
    PositiveDuration | None,
    BeforeValidator(or_off),
    WithJsonSchema({"anyOf": [TypeAdapter(PositiveDuration).json_schema(), _OFF]}),
]
_OrNoBound = Annotated[
    Annotated[int, Strict(), Field(ge=1, le=LONGEST_QUEUE)] | None,
    BeforeValidator(or_off),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": LONGEST_QUEUE}, _OFF]}),
]


def _saved_up(burst_s: float) -> str:
    """What a bucket saves up where that is not one second, in plain words."""
    return "" if burst_s == 1 else f", {tell_duration(burst_s)} of it saved up"


def _spared(only: str) -> str:
    """Whom a limit spares, in plain words."""
    return ", renewals always" if only == "establish" else ""


class Open(Rule):
    """Every request is let in."""

    axis: ClassVar[str] = "admission"
    source: ClassVar[str] = "the absence of a policy"
    fails: ClassVar[str] = "A queue that grows past what clients wait for serves only those that have gone."
    name: Literal["open"] = "open"

    @property
    def words(self) -> str:
        """In plain words."""
        return "let everything in"

    def lower(self, establish_per_s: float, hosts: float) -> LetsIn:
        """In numbers of one of `hosts` hosts, each of which can establish `establish_per_s`."""
        return LetsIn(self.name)


class TokenBucket(Rule):
    """tokens = min(burst, tokens + rate · Δt); a request that finds a whole token takes it, another is rejected."""

    axis: ClassVar[str] = "admission"
    source: ClassVar[str] = (
        "as in Kubernetes client-go's rate limiters (10/s, burst 100); the default here is relative to the fleet"
    )
    fails: ClassVar[str] = (
        "Clients that come back in step find its tokens gone, and leave it idle between their waves; its rate must be "
        "known, and right when the hosts are slow."
    )
    name: Literal["token-bucket"] = "token-bucket"
    rate: RateAbove0 = Field(
        default_factory=lambda: FleetRate(of_capacity_share=0.9),
        description='of the whole fleet: "200/s", or "90%" of what it can establish',
    )
    burst: Duration = Field(1.0, description="how much of its rate the bucket may save up (at least one request)")
    only: Literal["all", "establish"] = Field(
        "all", description="whether renewals of leases that still run need a token too"
    )
    wait: _OrNobody = optional(
        None,
        description='a request that finds no token waits for one that comes within this time; "off": it is rejected',
        why="requests wait in a line for their token, so they come in evenly; some wait too long, and in vain",
    )
    line: _OrNoBound = optional(
        None,
        description='with wait: at most so many wait at a host; "off": no bound',
        why="the line for tokens is bounded, and a request that finds it full is rejected at once",
    )

    @model_validator(mode="after")
    def _waits(self) -> Self:
        if self.line is not None and self.wait is None:
            raise ValueError("want line only with wait: without it nobody waits for a token")
        return self

    @property
    def words(self) -> str:
        """In plain words."""
        waits = "" if self.wait is None else f", others wait up to {tell_duration(self.wait)} for their turn"
        bound = "" if self.line is None else f", at most {self.line} a host"
        return f"let in {self.rate.words}{_saved_up(self.burst)}{_spared(self.only)}{waits}{bound}"

    def lower(self, establish_per_s: float, hosts: float) -> LetsIn:
        """In numbers of one of `hosts` hosts, each of which can establish `establish_per_s`."""
        per_s = self.rate.of_host(establish_per_s, hosts)
        only = self.only == "establish"
        return LetsIn(self.name, per_s, self.burst, is_establish_only=only, wait_s=self.wait, line=self.line)


class LeakyBucket(Rule):
    """One request at a time is let in, at an even pace; others wait in a line for their turn."""

    axis: ClassVar[str] = "admission"
    source: ClassVar[str] = (
        "Turner, New directions in communications (IEEE Communications, 1986); as nginx limit_req without nodelay; "
        "the longest wait is that of Netflix' LifoBlockingLimiter, 1 s; the rate is ours, relative to the fleet"
    )
    fails: ClassVar[str] = (
        "It saves nothing up, so a host that was idle takes no burst; and where it waits longer than its clients do, "
        "its turns go to those that have gone."
    )
    matters: ClassVar[str] = "requests wait in a line for their turn, so they come in evenly; some wait in vain"
    burst: ClassVar[float] = 0.0  # a bucket holds one request at least
    name: Literal["leaky-bucket"] = "leaky-bucket"
    rate: RateAbove0 = Field(
        default_factory=lambda: FleetRate(of_capacity_share=0.9),
        description='of the whole fleet: "200/s", or "90%" of what it can establish',
    )
    wait: _OrNobody = Field(
        1.0, description='a request waits whose turn comes within this time; "off": nobody waits, others are rejected'
    )
    line: _OrNoBound = Field(None, description='at most so many wait at a host; "off": no bound')
    only: Literal["all", "establish"] = Field(
        "all", description="whether renewals of leases that still run have to wait, too"
    )

    @model_validator(mode="after")
    def _waits(self) -> Self:
        if self.line is not None and self.wait is None:
            raise ValueError("want line only with wait: without it nobody waits for a turn")
        return self

    @property
    def words(self) -> str:
        """In plain words."""
        waits = "refuse others" if self.wait is None else f"others wait up to {tell_duration(self.wait)} for their turn"
        bound = "" if self.line is None else f", at most {self.line} a host"
        return f"let in {self.rate.words} one by one{_spared(self.only)}, {waits}{bound}"

    def lower(self, establish_per_s: float, hosts: float) -> LetsIn:
        """In numbers of one of `hosts` hosts, each of which can establish `establish_per_s`: a token bucket."""
        per_s, only = self.rate.of_host(establish_per_s, hosts), self.only == "establish"
        law = TokenBucket().name
        return LetsIn(law, per_s, self.burst, is_establish_only=only, wait_s=self.wait, line=self.line)


class QueueSize(Rule):
    """A token bucket filled at rate · (1 − q/limit) while q requests wait: nothing at the limit."""

    axis: ClassVar[str] = "admission"
    source: ClassVar[str] = (
        "announced in aws.amazon.com/message/101925 (limit by the size of the waiting queue) without a law; "
        "linear law assumed"
    )
    fails: ClassVar[str] = (
        "A limit above what is served within a timeout lets a queue stand in which everybody waits in vain."
    )
    name: Literal["queue-size"] = "queue-size"
    rate: RateAbove0 = Field(
        default_factory=lambda: FleetRate(of_capacity_share=1.1),
        description='of the whole fleet while its queues are empty: "250/s" or "110%"',
    )
    limit: LimitFrom1 = Field(
        60.0, description='queue at which nothing is let in: requests a host, or the time to work them off, "60s"'
    )
    burst: Duration = Field(1.0, description="how much of its rate the bucket may save up (at least one request)")
    only: Literal["all", "establish"] = Field(
        "all", description="whether renewals of leases that still run need a token too"
    )

    @property
    def words(self) -> str:
        """In plain words."""
        rule = f"let in {self.rate.words}, less the longer the queue, nothing at {words_of_limit(self.limit)}"
        return f"{rule}{_saved_up(self.burst)}{_spared(self.only)}"

    def lower(self, establish_per_s: float, hosts: float) -> LetsIn:
        """In numbers of one of `hosts` hosts, each of which can establish `establish_per_s`."""
        per_s, limit = self.rate.of_host(establish_per_s, hosts), max(1, requests_of(self.limit, establish_per_s))
        return LetsIn(self.name, per_s, self.burst, limit, is_establish_only=self.only == "establish")


class _ByQueue(Rule):
    """What the laws without a bucket have in common: two queues, and whom they hold up."""

    axis: ClassVar[str] = "admission"
    name: str
    limit: LimitFrom1
    low: Limit
    only: Literal["all", "establish"] = Field(
        "all", description="whether renewals of leases that still run are held up too"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if isinstance(self.low, int) != isinstance(self.limit, int):
            raise ValueError("want limit and low both in requests, or both as times")
        if self.low >= self.limit:
            raise ValueError("want low below limit")
        return self

    def lower(self, establish_per_s: float, hosts: float) -> LetsIn:
        """In numbers of one of `hosts` hosts, each of which can establish `establish_per_s`."""
        limit = max(1, requests_of(self.limit, establish_per_s))
        low = min(requests_of(self.low, establish_per_s), limit - 1)  # times of two, rounded, may be one number
        return LetsIn(self.name, limit=limit, low=low, is_establish_only=self.only == "establish")


class QueueSizeSwitch(_ByQueue):
    """Nothing is let in from q = limit waiting requests on, until the queue has fallen to low."""

    source: ClassVar[str] = "the announced limit by the size of the waiting queue, as a switch; law assumed"
    fails: ClassVar[str] = (
        "It swings: closed, it sends waves of refused clients away that find it open together, and it idles if the "
        "queue runs out before they come."
    )
    name: Literal["queue-size-switch"] = "queue-size-switch"
    limit: LimitFrom1 = Field(
        60.0, description='queue at which a host closes: requests a host, or the time to work them off, "60s"'
    )
    low: Limit = Field(30.0, description="queue at which it opens again, written as limit is")

    @property
    def words(self) -> str:
        """In plain words."""
        limits = f"{words_of_limit(self.limit)} on, until {words_of_limit(self.low)} are left"
        return f"let nothing in from {limits}{_spared(self.only)}"


class QueueSizeRamp(_ByQueue):
    """A request is refused with a probability that rises from 0 at q = low waiting requests to 1 at q = limit."""

    source: ClassVar[str] = (
        "the announced limit as a ramp, as in failsafe-go's adaptive limiter (2 to 3 times its limit)"
    )
    fails: ClassVar[str] = (
        "Between its two queues all wait nearly as long as the queue takes, so both must be served within a timeout."
    )
    name: Literal["queue-size-ramp"] = "queue-size-ramp"
    limit: LimitFrom1 = Field(
        90.0, description='queue from which all are refused: requests a host, or the time to work them off, "90s"'
    )
    low: Limit = Field(60.0, description="queue from which some are refused, written as limit is")

    @property
    def words(self) -> str:
        """In plain words."""
        limits = f"from {words_of_limit(self.low)} on, and all from {words_of_limit(self.limit)} on"
        return f"refuse some {limits}{_spared(self.only)}"


BucketRule = Open | TokenBucket | LeakyBucket | QueueSize | QueueSizeSwitch | QueueSizeRamp
