"""Policies of clients: whether an attempt may be sent at all, whatever the back-off says of when.

A lease has to be asked for again for ever. So where an original gives a request up, its client comes with a new one
`otherwise` later: an outer loop that every user of these policies has, and that their sources leave to him. A job whose
retries are counted gives up.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from recovery.model.policies.lowered import Controller, Guards
from recovery.model.policies.rule import Rule
from recovery.units import Number, PositiveDuration, PositiveShare, percent, tell_duration, tell_share

_HELD = "clients hold attempts back by what they have seen, so fewer come than their back-off alone would send"
COUNT_MAX = 10**9
SHARE_MIN = 1e-6
CALLS_MAX = 1000  # of a breaker's window: so many its controller can keep


def _group(value: object) -> int | str:
    """How many clients in a row have one memory: a whole number, or "host"."""
    if value == "host":
        return "host"
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= COUNT_MAX:
        return value
    raise ValueError(f'want a whole number of clients, 1 to {COUNT_MAX}, or "host": all of them at a host')


def _times(value: object) -> object:
    """A share of something that may be several times as much."""
    return percent(value) if isinstance(value, str) else value


_Times = Annotated[
    Annotated[Number, Field(ge=0, le=1000)],
    BeforeValidator(_times),
    WithJsonSchema(
        {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1000}, {"type": "string", "pattern": r"^[0-9. ]+%\s*$"}]}
    ),
]
Group = Annotated[
    int | Literal["host"],
    BeforeValidator(_group),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": COUNT_MAX}, {"const": "host"}]}),
]
_Count = Annotated[int, Field(strict=True, ge=1, le=COUNT_MAX)]
_CountOr0 = Annotated[int, Field(strict=True, ge=0, le=COUNT_MAX)]
_Calls = Annotated[int, Field(strict=True, ge=1, le=CALLS_MAX)]


class NoGuard(Rule):
    """Every attempt is sent when its time has come."""

    axis: ClassVar[str] = "guard"
    source: ClassVar[str] = "the absence of a policy"
    fails: ClassVar[str] = "Nothing stops retries, so failures multiply the load that made them."
    name: Literal["none"] = "none"

    @property
    def words(self) -> str:
        """In plain words."""
        return "send every attempt"

    def lower(self) -> Guards:
        """In numbers."""
        return Guards(self.name)


class _Guard(Rule):
    """What the guards that give requests up have in common."""

    axis: ClassVar[str] = "guard"
    matters: ClassVar[str] = _HELD
    name: str
    otherwise: PositiveDuration = Field(
        30.0, description="who may not send asks anew so much later, with a new request (ours: no source says when)"
    )

    @property
    def words(self) -> str:
        """In plain words."""
        return f"{self._rule}; else ask anew after {tell_duration(self.otherwise)}"

    @property
    def _rule(self) -> str:
        raise NotImplementedError

    def lower(self) -> Guards:
        """In numbers."""
        return Guards(self.name, Controller(self._file, (*self._params, self.otherwise)))

    _file: ClassVar[str]

    @property
    def _params(self) -> tuple[float, ...]:
        """What its controller takes, without what it takes last: `otherwise`."""
        raise NotImplementedError


class _Shared(_Guard):
    """Those whose memory several clients may share."""

    group: Group = Field(
        1,
        description='how many neighbouring clients of a host share one memory; 1: each has its own, "host": all share '
        "one; jobs of a class at a host always share one",
    )

    @property
    def words(self) -> str:
        """In plain words."""
        many = "all at a host" if self.group == "host" else f"{self.group} clients"
        return super().words if self.group == 1 else f"{super().words}; {many} share this"

    def lower(self) -> Guards:
        """In numbers."""
        return super().lower()._replace(group=None if self.group == "host" else self.group)


class Attempts(_Guard):
    """A request has so many attempts and no more."""

    source: ClassVar[str] = "AWS SDKs, legacy mode: 5 attempts (botocore 1.44.8, data/_retry.json)"
    fails: ClassVar[str] = "In a long outage every request still costs all of its attempts."
    name: Literal["attempts"] = "attempts"
    attempts: _Count = Field(5, description="of a request, the first one too")

    _file: ClassVar[str] = "attempts"

    @property
    def _rule(self) -> str:
        return f"make {self.attempts} attempts a request"

    @property
    def _params(self) -> tuple[float, ...]:
        return (self.attempts,)


class RetryBudget(_Shared):
    """A request pays a part of a retry in, and a retry takes a whole one out; what is paid in counts for `ttl`."""

    source: ClassVar[str] = (
        "Finagle, RetryBudget (0e26b57), over the leaky TokenBucket of com.twitter.util (17c8187); Linkerd 2 has the "
        "same defaults"
    )
    fails: ClassVar[str] = (
        "A client that asks seldom lives on its reserve, which a whole fleet of such clients never uses up."
    )
    name: Literal["retry-budget"] = "retry-budget"
    share: _Times = Field(0.2, description="retries that a request pays for; may be more than one, 200%")
    least_per_s: _CountOr0 = Field(10, description="retries a second that are there in any case, as a reserve")
    ttl: PositiveDuration = Field(10.0, description="how long it counts what was paid in and taken out")

    _file: ClassVar[str] = "finagle_budget"

    @model_validator(mode="after")
    def _allows(self) -> "RetryBudget":
        if self.share == 0 and self.least_per_s == 0:
            raise ValueError("want share or least_per_s above 0: without both there are no retries at all")
        if 0 < self.share < SHARE_MIN:
            raise ValueError(f"want a share of 0, or at least {SHARE_MIN:g}")
        if not 1 <= self.ttl <= 60:
            raise ValueError('want ttl from "1s" to "60s", as there')
        return self

    @property
    def _rule(self) -> str:
        reserve = f" and {self.least_per_s} a second" if self.least_per_s else ""
        return f"retry {tell_share(self.share)} of the requests{reserve}, as counted over {tell_duration(self.ttl)}"

    @property
    def _params(self) -> tuple[float, ...]:
        deposit, withdrawal = (1000, int(1000 / self.share)) if self.share else (0, 1)  # whole numbers, as there
        return int(self.ttl * 1000) // 10, deposit, withdrawal, self.least_per_s * int(self.ttl) * withdrawal


class ConcurrencyBudget(_Shared):
    """Retries under way are at most a share of all requests under way, or a few in any case."""

    source: ClassVar[str] = "Envoy, retry_budget of circuit breakers: 20 %, min_retry_concurrency 3 (01c2c1f)"
    fails: ClassVar[str] = (
        "For a client with one request under way the floor is all there is: it is never held back; want a group."
    )
    name: Literal["concurrency-budget"] = "concurrency-budget"
    share: PositiveShare = Field(0.2, description="of the requests under way, the one that asks too")
    least: _CountOr0 = Field(3, description="retries under way that are allowed in any case")

    _file: ClassVar[str] = "envoy_budget"

    @property
    def _rule(self) -> str:
        return f"let retries be {tell_share(self.share)} of what is under way, {self.least} in any case"

    @property
    def _params(self) -> tuple[float, ...]:
        return self.share, self.least


class GrpcThrottle(_Shared):
    """A failure takes a token and a success gives a part of one; there are retries above half of the tokens alone."""

    source: ClassVar[str] = "gRPC proposal A6, retryThrottling: maxTokens 10, tokenRatio 0.1 (its example); grpc-java"
    fails: ClassVar[str] = "After an outage it takes many successes until there is a retry, ten for each failure."
    name: Literal["grpc-throttle"] = "grpc-throttle"
    tokens: Annotated[Number, Field(gt=0, le=1000)] = Field(10.0, description="at first, and at most")
    ratio: Annotated[Number, Field(gt=0, le=1000)] = Field(0.1, description="of a token, that a success gives")

    _file: ClassVar[str] = "grpc_throttle"

    @property
    def _rule(self) -> str:
        half = f"half of {self.tokens:.15g} tokens are left"
        return f"retry while more than {half}, of which a failure takes one and a success gives {self.ratio:.15g}"

    @property
    def _params(self) -> tuple[float, ...]:
        return self.tokens, self.ratio


class AwsStandard(_Shared):
    """Few attempts a request, and a quota that retries use up; a success gives back what its request took last."""

    source: ClassVar[str] = (
        "botocore 1.44.8, retries/standard.py and quota.py; before 1.44 a retry cost 5, and 10 after a timeout"
    )
    fails: ClassVar[str] = "A client that asks seldom has its whole quota in each outage, which is many retries."
    name: Literal["aws-standard"] = "aws-standard"
    attempts: _Count = Field(3, description="of a request, the first one too")
    quota: _Count = Field(500, description="what retries may take")
    cost: _CountOr0 = Field(14, description="that a retry takes")
    timeout_cost: _CountOr0 = Field(14, description="that a retry after a timeout takes")
    refusal_cost: _CountOr0 = Field(5, description="that a retry after a refusal takes, which is throttling to the SDK")

    _file: ClassVar[str] = "aws_standard"

    @property
    def _rule(self) -> str:
        costs = f"{self.cost} a retry, {self.timeout_cost} after a timeout, {self.refusal_cost} after a refusal"
        return f"make {self.attempts} attempts a request, from a quota of {self.quota} at {costs}"

    @property
    def _params(self) -> tuple[float, ...]:
        return self.attempts, self.quota, self.cost, self.timeout_cost, self.refusal_cost


class AwsAdaptive(AwsStandard):
    """As aws-standard, and from the first refusal on all attempts wait for tokens, which come at a rate that CUBIC
    cuts at a refusal and raises again.
    """

    source: ClassVar[str] = "botocore 1.44.8, retries/adaptive.py, throttling.py and bucket.py, beside standard mode"
    fails: ClassVar[str] = (
        "Timeouts do not lower its rate; after a long outage twice what little is answered holds it back."
    )
    name: Literal["aws-adaptive"] = "aws-adaptive"  # type: ignore[assignment]
    beta: PositiveShare = Field(0.7, lt=1, description="of the measured rate, that a refusal leaves")

    _file: ClassVar[str] = "aws_adaptive"

    @property
    def _rule(self) -> str:
        return f"{super()._rule}; once refused, send at a rate, {tell_share(self.beta)} of it after a refusal"

    @property
    def _params(self) -> tuple[float, ...]:
        return (*super()._params, self.beta)


class CircuitBreaker(_Shared):
    """Nothing is sent for a while once too many of the last calls failed; then a few calls try whether to go on."""

    source: ClassVar[str] = "resilience4j, CircuitBreakerConfig (af9e7c9): window by count, no automatic transition"
    fails: ClassVar[str] = (
        "Breakers that opened at one moment try again at one moment: a pulse; and few calls a client say little."
    )
    name: Literal["circuit-breaker"] = "circuit-breaker"
    failures: PositiveShare = Field(0.5, description="share of the calls from which it opens")
    window: _Calls = Field(100, description="calls that it looks back on")
    least: _Count = Field(100, description="calls before it may open; no more than window counts")
    open: PositiveDuration = Field(60.0, description="how long nothing is sent")
    probes: _Calls = Field(10, description="calls that try afterwards")
    slow: PositiveDuration = Field(60.0, description="how long a slow call takes longer than")
    slow_share: PositiveShare = Field(1.0, description="share of slow calls from which it opens")

    _file: ClassVar[str] = "circuit_breaker"

    @property
    def _rule(self) -> str:
        opens = f"{tell_share(self.failures)} of the last {self.window} calls failed, once there are {self.least}"
        slow = f"{tell_share(self.slow_share)} took over {tell_duration(self.slow)}"
        return f"stop for {tell_duration(self.open)} when {opens}, or {slow}; then try {self.probes}"

    @property
    def _params(self) -> tuple[float, ...]:
        percents = (round(100 * share, 9) for share in (self.failures, self.slow_share))  # 100 times 0.07 is not 7
        failed, slow = percents
        return failed, self.window, self.least, self.open, self.probes, self.slow, slow


class SreThrottle(_Shared):
    """An attempt is held back with probability max(0, (requests − k · accepts) / (requests + 1)), of a time window."""

    source: ClassVar[str] = "Site Reliability Engineering (O'Reilly, 2016), chapter 21, Client-Side Throttling"
    fails: ClassVar[str] = (
        "It needs many requests a client: one that asks for a single lease learns nothing; want a group."
    )
    name: Literal["sre-throttle"] = "sre-throttle"
    k: Annotated[Number, Field(ge=1, le=1000)] = Field(
        2.0, description="requests for one that is accepted, before any is held back"
    )
    window: PositiveDuration = Field(120.0, description="how far it looks back, in tenths")

    _file: ClassVar[str] = "sre_throttle"

    @property
    def _rule(self) -> str:
        return f"send what was accepted over {tell_duration(self.window)} up to {self.k:.15g} times, and less by chance"

    @property
    def _params(self) -> tuple[float, ...]:
        return self.k, self.window


class SreBudget(_Shared):
    """Few attempts a request, and retries while they are less than a share of what is sent."""

    source: ClassVar[str] = "Site Reliability Engineering (O'Reilly, 2016), chapter 21, Deciding to Retry"
    fails: ClassVar[str] = "A client that asks seldom may always retry once: the share is 0 where it sent nothing."
    name: Literal["sre-budget"] = "sre-budget"
    share: PositiveShare = Field(0.1, description="of the attempts sent, below which retries must be")
    attempts: _Count = Field(3, description="of a request, the first one too")
    window: PositiveDuration = Field(120.0, description="how far it looks back, in tenths (ours: the book is silent)")

    _file: ClassVar[str] = "sre_budget"

    @property
    def _rule(self) -> str:
        share = f"retries are below {tell_share(self.share)} of what was sent over {tell_duration(self.window)}"
        return f"make {self.attempts} attempts a request while {share}"

    @property
    def _params(self) -> tuple[float, ...]:
        return self.share, self.attempts, self.window


class InitialStagger(Rule):
    """A client without a lease waits a uniform part of `delay` before its first attempt; retries do not."""

    axis: ClassVar[str] = "guard"
    source: ClassVar[str] = (
        "Apache Hadoop HDFS, dfs.blockreport.initialDelay, whose default is 0; HDFS-273 asks for 60 s at 1,000 nodes"
    )
    fails: ClassVar[str] = "A delay for today's fleet is too short for a larger one, and it delays a lone client too."
    matters: ClassVar[str] = _HELD
    name: Literal["initial-stagger"] = "initial-stagger"
    delay: PositiveDuration = Field(60.0, description="longest wait")

    @property
    def words(self) -> str:
        """In plain words."""
        return f"without a lease wait up to {tell_duration(self.delay)} at random before the first attempt"

    def lower(self) -> Guards:
        """In numbers."""
        return Guards(self.name, Controller("initial_stagger", (self.delay,)))


GuardRule = (
    NoGuard
    | Attempts
    | RetryBudget
    | ConcurrencyBudget
    | GrpcThrottle
    | AwsStandard
    | AwsAdaptive
    | CircuitBreaker
    | SreThrottle
    | SreBudget
    | InitialStagger
)
