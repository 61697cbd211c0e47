"""Names, parameters, defaults and sources of every policy: what a scenario may choose, `recovery policies` shows.

Each class is one policy; its docstring is its rule, its fields are its parameters. What the rule does to a request is
decided in `recovery_kernels.policies`.
"""

import contextlib
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, WithJsonSchema, model_validator

from recovery.model.distributions import Distribution, Time
from recovery.units import Duration, Number, PositiveDuration, PositiveShare, duration_s, percent, rate_per_s


class Policy(BaseModel):
    """What all policies have: a name, an axis, a source."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    axis: ClassVar[str]
    source: ClassVar[str]


def _limit(value: object) -> int | float:
    """A queue length: a whole number of requests, or the seconds that it takes to work them off."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LONGEST_QUEUE:
        return value
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            if (seconds := duration_s(value)) > 0:
                return float(seconds)
    raise ValueError(
        f'want a whole number of requests a host, 0 to {LONGEST_QUEUE}, or the time to work them off, "90s"'
    )


def _limit_from_1(value: object) -> int | float:
    """A queue length at which a rule comes to nothing: from one request."""
    if value == 0:
        raise ValueError('want a whole number of requests a host from 1, or the time to work them off, such as "90s"')
    return _limit(value)


def _fleet_rate(value: object) -> dict[str, float]:
    """A rate of the whole fleet, or a share of what the fleet can establish."""
    try:
        if isinstance(value, str) and value.strip().endswith("%") and (number := percent(value)) <= 1e6:
            return {"of_capacity_share": number}
        return {"per_s": rate_per_s(value)}
    except ValueError as error:
        message = str(error) if "rate" in str(error) else 'want a rate such as "200/s"'
        raise ValueError(f'{message}, or a share of what the fleet can establish, such as "90%"') from None


def _fleet_rate_above_0(value: object) -> dict[str, float]:
    """A rate of the whole fleet at which something comes through."""
    rate = _fleet_rate(value)
    if not any(rate.values()):
        raise ValueError("want a rate above 0: at 0 nothing is ever let in")
    return rate


class FleetRate(BaseModel):
    """`per_s` of the whole fleet, or a share of what the fleet's workers can establish; hosts get equal parts."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    per_s: float | None = None
    of_capacity_share: float | None = None

    def of_host(self, establish_per_s: float, hosts: int) -> float:
        """Rate (1/s) of one of `hosts` hosts, each of which can establish `establish_per_s`."""
        if self.per_s is not None:
            return self.per_s / hosts
        return (self.of_capacity_share or 0.0) * establish_per_s


LONGEST_QUEUE = 10**9
_LIMIT_SCHEMA = WithJsonSchema(
    {
        "anyOf": [
            {"type": "integer", "minimum": 0, "maximum": LONGEST_QUEUE},
            TypeAdapter(PositiveDuration).json_schema(),
        ]
    }
)
Limit = Annotated[int | float, BeforeValidator(_limit), _LIMIT_SCHEMA]
LimitFrom1 = Annotated[int | float, BeforeValidator(_limit_from_1), _LIMIT_SCHEMA]
RateOfFleet = Annotated[FleetRate, BeforeValidator(_fleet_rate)]
RateAbove0 = Annotated[FleetRate, BeforeValidator(_fleet_rate_above_0)]


def _capped(base: float, cap: float) -> None:
    if cap < base:
        raise ValueError("want cap no shorter than base")


class Immediate(Policy):
    """Try again at once after a timeout, and one round trip after a refusal."""

    axis: ClassVar[str] = "client"
    source: ClassVar[str] = "the absence of a policy; the negative control of every study of retries"
    name: Literal["immediate"] = "immediate"


class Fixed(Policy):
    """Try again after the same delay every time; the delay may be a distribution."""

    axis: ClassVar[str] = "client"
    source: ClassVar[str] = "Hadoop YARN, NodeManager to ResourceManager: every 30 s (YarnConfiguration)"
    name: Literal["fixed"] = "fixed"
    delay: Time = Field(default_factory=lambda: Distribution.constant(30.0), description="wait before the next attempt")


class Exponential(Policy):
    """Wait min(cap, base · factor^(n−1)) before attempt n+1, without jitter."""

    axis: ClassVar[str] = "client"
    source: ClassVar[str] = "Kubernetes kubelet, node lease: 200 ms doubled up to 7 s (kubelet lease controller)"
    name: Literal["exponential"] = "exponential"
    base: PositiveDuration = Field(0.2, description="first wait")
    cap: PositiveDuration = Field(7.0, description="longest wait")
    factor: Number = Field(2.0, ge=1, le=100, description="growth from one wait to the next")

    @model_validator(mode="after")
    def _ordered(self) -> "Exponential":
        _capped(self.base, self.cap)
        return self


class FullJitter(Policy):
    """Wait a uniform part of min(cap, base · factor^(n−1))."""

    axis: ClassVar[str] = "client"
    source: ClassVar[str] = (
        "Brooker, Exponential Backoff And Jitter (AWS Architecture Blog, 2015); "
        "Apache Mesos agents: 1 s doubled up to 1 min"
    )
    name: Literal["full-jitter"] = "full-jitter"
    base: PositiveDuration = Field(1.0, description="bound of the first wait")
    cap: PositiveDuration = Field(60.0, description="longest bound")
    factor: Number = Field(2.0, ge=1, le=100, description="growth from one bound to the next")

    @model_validator(mode="after")
    def _ordered(self) -> "FullJitter":
        _capped(self.base, self.cap)
        return self


class Open(Policy):
    """Every request is let in."""

    axis: ClassVar[str] = "admission"
    source: ClassVar[str] = "the absence of a policy"
    name: Literal["open"] = "open"


class TokenBucket(Policy):
    """tokens = min(burst, tokens + rate · Δt); a request that finds a whole token takes it, another is rejected."""

    axis: ClassVar[str] = "admission"
    source: ClassVar[str] = (
        "as in Kubernetes client-go's rate limiters (10/s, burst 100); the default here is relative to the fleet"
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


class QueueSize(Policy):
    """A token bucket filled at rate · (1 − q/limit) while q requests wait: nothing at the limit."""

    axis: ClassVar[str] = "admission"
    source: ClassVar[str] = (
        "announced in aws.amazon.com/message/101925 (limit by the size of the waiting queue) without a law; "
        "linear law assumed"
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


class Fifo(Policy):
    """Unbounded, first come first served; what nobody waits for any more is served all the same."""

    axis: ClassVar[str] = "queue"
    source: ClassVar[str] = (
        "Bronson et al., Metastable Failures in Distributed Systems (HotOS 2021): the queue that keeps a collapse alive"
    )
    name: Literal["fifo"] = "fifo"


class Lifo(Policy):
    """Unbounded, last come first served."""

    axis: ClassVar[str] = "queue"
    source: ClassVar[str] = "Maurer, Fail at Scale (ACM Queue, 2015)"
    name: Literal["lifo"] = "lifo"


class Bounded(Policy):
    """First come first served; a request that finds `limit` others waiting is rejected."""

    axis: ClassVar[str] = "queue"
    source: ClassVar[str] = (
        "as in Envoy (max_pending_requests 1024); a bound below the timeout serves only live work (MODEL.md, r2)"
    )
    name: Literal["bounded"] = "bounded"
    limit: Limit = Field(60.0, description='requests a host that may wait, or the time to work them off: "60s"')


class DropExpired(Policy):
    """First come first served; a worker drops a request that is older than `max_age`.

    It also drops one whose client gave up, or will within `margin`.
    """

    axis: ClassVar[str] = "queue"
    source: ClassVar[str] = (
        "as in Apache ZooKeeper's RequestThrottler (stale requests) "
        "and Kubernetes API Priority and Fairness (wait limit)"
    )
    name: Literal["drop-expired"] = "drop-expired"
    max_age: Duration = Field(
        0.0, description="oldest request that is served; 0 for no limit but the client's deadline"
    )
    margin: Duration = Field(0.0, description="time that must be left before the deadline")


class LeaseFixed(Policy):
    """A lease runs for its duration from the finish of the check."""

    axis: ClassVar[str] = "lease"
    source: ClassVar[str] = "Gray and Cheriton, Leases (SOSP 1989)"
    name: Literal["fixed"] = "fixed"


class Grace(Policy):
    """A lease that ran out is still honoured for `grace`."""

    axis: ClassVar[str] = "lease"
    source: ClassVar[str] = "HashiCorp Nomad: heartbeat_grace 10 s"
    name: Literal["grace"] = "grace"
    grace: Duration = Field(10.0, description="time added to every lease")


class CreditOnArrival(Policy):
    """A check counts from its submission, not from its finish."""

    axis: ClassVar[str] = "lease"
    source: ClassVar[str] = (
        "Apache Kafka's KRaft controller: a heartbeat renews the session although it waited in the controller's queue"
    )
    name: Literal["credit-on-arrival"] = "credit-on-arrival"


class Freeze(Policy):
    """The clock of every lease stands still while the dependency fails; then its rest goes on, or a whole lease."""

    axis: ClassVar[str] = "lease"
    source: ClassVar[str] = (
        "Kubernetes node lifecycle controller in full disruption (then: rearm); Netflix Eureka's self-preservation"
    )
    name: Literal["freeze"] = "freeze"
    from_failures: PositiveShare = Field(
        1.0, description="share of checks that the dependency fails from which the clock stands still"
    )
    then: Literal["resume", "rearm"] = Field(
        "resume", description="what a lease has when the clock goes on: what was left, or all of it"
    )


ClientPolicy = Immediate | Fixed | Exponential | FullJitter
AdmissionPolicy = Open | TokenBucket | QueueSize
QueuePolicy = Fifo | Lifo | Bounded | DropExpired
LeasePolicy = LeaseFixed | Grace | CreditOnArrival | Freeze

AXES: dict[str, tuple[type[Policy], ...]] = {
    "client": (Immediate, Fixed, Exponential, FullJitter),
    "admission": (Open, TokenBucket, QueueSize),
    "queue": (Fifo, Lifo, Bounded, DropExpired),
    "lease": (LeaseFixed, Grace, CreditOnArrival, Freeze),
}
MEANING = {
    "client": "when does an attempt that failed come back",
    "admission": "is a request let in",
    "queue": "who is next, who is dropped",
    "lease": "what does late mean",
    "operator": "what do people do",
    "intake": "is a job let into a queue of network propagation",
    "health": "what happens to targets that fail their checks",
}


def name_of(policy: type[Policy]) -> str:
    """The name under which a scenario chooses a policy."""
    return str(policy.model_fields["name"].default)


def catalogue() -> list[dict[str, Any]]:
    """Every policy: axis, name, rule, source, and its parameters with default and description."""
    rows = []
    for axis, policies in AXES.items():
        for policy in policies:
            parameters = [
                {"name": key, "default": _default_text(policy, key), "description": field.description}
                for key, field in policy.model_fields.items()
                if key != "name"
            ]
            rows.append(
                {
                    "axis": axis,
                    "name": name_of(policy),
                    "rule": " ".join((policy.__doc__ or "").split()),
                    "source": policy.source,
                    "parameters": parameters,
                }
            )
    return rows


def _default_text(policy: type[Policy], key: str) -> str:
    value = getattr(policy(), key)
    if isinstance(value, FleetRate):
        return f"{100 * (value.of_capacity_share or 0):.0f}%"
    if isinstance(value, Distribution):
        return f"{value.mean_s():g}s"
    if key == "from_failures":
        return f"{100 * value:.0f}%"
    if isinstance(value, float) and key != "factor":
        return f"{value:g}s"
    return str(value)
