"""Policies of admission that limit how many requests there are at once, by how long they take."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, Strict, TypeAdapter, WithJsonSchema, model_validator

from recovery.model.part import or_off
from recovery.model.policies.controlled import Controlled
from recovery.model.policies.lowered import LetsIn
from recovery.model.policies.rule import LimitFrom1, requests_of, words_of_limit
from recovery.units import Number, PositiveDuration, PositiveShare, Share, tell_duration, tell_share

_SHORTEST_WINDOW_S = 0.1  # of Netflix' limits
_NETFLIX = "Netflix concurrency-limits (78a74b9)"
_OFF: dict[str, object] = {"const": "off"}
_OrOff = Annotated[
    PositiveDuration | None,
    BeforeValidator(or_off),
    WithJsonSchema({"anyOf": [TypeAdapter(PositiveDuration).json_schema(), _OFF]}),
]
_Count = Annotated[int, Strict(), Field(ge=1, le=10**9)]
_CountOr0 = Annotated[int, Strict(), Field(ge=0, le=10**9)]


class FixedConcurrency(Controlled):
    """A request that finds so many waiting and in service is refused."""

    source: ClassVar[str] = (
        "Envoy's circuit breaker, max_requests 1024 (circuit_breaker.proto); HDFS lets in 6 block reports at once"
    )
    fails: ClassVar[str] = (
        "It is right for one time that a service takes: when that doubles, so does the wait; a limit above what is "
        "served within a timeout protects from nothing."
    )
    name: Literal["fixed-concurrency"] = "fixed-concurrency"
    limit: LimitFrom1 = Field(
        1024, description='so many wait or are served: requests a host, or the time to work them off, "30s"'
    )
    _file: ClassVar[str] = "concurrency"

    @property
    def _rule(self) -> str:
        return f"let in while less than {words_of_limit(self.limit)} is there"

    def lower(self, establish_per_s: float, hosts: float) -> LetsIn:
        """In numbers of one of `hosts` hosts, each of which can establish `establish_per_s`; no more than the limit
        ever wait.
        """
        limit = max(1, requests_of(self.limit, establish_per_s))
        return super().lower(establish_per_s, hosts)._replace(limit=limit)

    def _params(self, establish_per_s: float, hosts: float) -> tuple[float, ...]:
        return (float(max(1, requests_of(self.limit, establish_per_s))),)


def _to(least: int | float, most: int | float) -> str:
    """Between which limits, in plain words."""
    if isinstance(least, int):
        return f"{least} to {most} requests a host"
    return f"{tell_duration(least)} to {tell_duration(most)} of work"


class _Moving(Controlled):
    """What Netflix' limits have in common: where they begin and end, and what is a sample."""

    initial: LimitFrom1 = Field(
        20, description='requests at once at first: requests a host, or the time to work them off, "5s"'
    )
    most: LimitFrom1 = Field(200, description="the most at once, written as initial is")
    window: _OrOff = Field(
        None,
        description="how often the limit is set anew, by the mean time that requests took meanwhile; "
        '"off": after each request, by its own time',
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        bounds = [getattr(self, "least", self.initial), self.initial, self.most]
        if len({isinstance(bound, int) for bound in bounds}) > 1:
            raise ValueError("want all limits in requests, or all as times")
        if bounds != sorted(bounds):
            raise ValueError("want initial no less than least, and no more than most")
        if self.window is not None and self.window < _SHORTEST_WINDOW_S:
            raise ValueError('want a window of "100ms" or longer, or "off"')
        return self

    @property
    def _gathered(self) -> str:
        return "" if self.window is None else f"; judged every {tell_duration(self.window)}"

    def _limits(self, establish_per_s: float, *limits: int | float) -> tuple[float, ...]:
        return tuple(float(max(1, requests_of(limit, establish_per_s))) for limit in limits)


class Aimd(_Moving):
    """One more request at once for each that is served in time, and a share fewer for one that is not.

    It grows only while at least half of it is in use.
    """

    source: ClassVar[str] = f"{_NETFLIX}, AIMDLimit: from 20, 20 to 200, 0.9, 5 s, each request by itself"
    fails: ClassVar[str] = (
        "One bad moment with many requests in it takes the limit down to its least, since each of them counts; and a "
        "small limit, cut to whole requests, is slow to fall or falls by half."
    )
    name: Literal["aimd"] = "aimd"
    least: LimitFrom1 = Field(20, description="the least at once, written as initial is")
    backoff: PositiveShare = Field(0.9, description="share of the limit that is left after a drop: 50% or more")
    timeout: PositiveDuration = Field(5.0, description="a request that takes longer counts as dropped")
    _file: ClassVar[str] = "aimd"

    @model_validator(mode="after")
    def _falls(self) -> Self:
        if not 0.5 <= self.backoff < 1.0:
            raise ValueError('want a backoff from "50%" on, and below "100%"')
        return self

    @property
    def _rule(self) -> str:
        grows = f"one more at once for each request served within {tell_duration(self.timeout)}"
        falls = f"{tell_share(self.backoff)} of them after any other"
        bounds = f"at first {words_of_limit(self.initial)}, {_to(self.least, self.most)}"
        return f"{grows}, {falls}; {bounds}{self._gathered}"

    def _params(self, establish_per_s: float, hosts: float) -> tuple[float, ...]:
        limits = self._limits(establish_per_s, self.initial, self.least, self.most)
        return (*limits, self.backoff, self.timeout, self.window or 0.0)


class Vegas(_Moving):
    """Requests at once follow how many of them seem to wait, from the time now and the shortest time known.

    Few: more are let in; many: fewer. Now and then a new shortest time is taken.
    """

    source: ClassVar[str] = f"{_NETFLIX}, VegasLimit: from 20 up to 1000, each request by itself"
    fails: ClassVar[str] = (
        "A shortest time that is taken anew during an overload is too long: then the overload looks like rest, and "
        "the limit grows."
    )
    name: Literal["vegas"] = "vegas"
    most: LimitFrom1 = Field(1000, description="the most at once, written as initial is")
    smoothing: PositiveShare = Field(1.0, description="how far the limit goes towards a new one")
    probe: _Count = Field(
        30, description="a new shortest time is taken after half to all of so many times the limit of requests"
    )
    _file: ClassVar[str] = "vegas"

    @property
    def _rule(self) -> str:
        law = "more at once while few requests seem to wait, fewer while many do"
        bounds = f"at first {words_of_limit(self.initial)}, up to {words_of_limit(self.most)}"
        pace = f"{tell_share(self.smoothing)} of the way; a new shortest time after {self.probe} times as many"
        return f"{law}; {bounds}, {pace}{self._gathered}"

    def _params(self, establish_per_s: float, hosts: float) -> tuple[float, ...]:
        limits = self._limits(establish_per_s, self.initial, self.most)
        return (*limits, self.smoothing, float(self.probe), self.window or 0.0)


class Gradient2(_Moving):
    """Requests at once fall as far as they take longer now than over a long time, and else grow by a little room."""

    source: ClassVar[str] = (
        f"{_NETFLIX}, Gradient2Limit in a WindowedLimit, as its README sets up a server: from 20, 20 to 200"
    )
    fails: ClassVar[str] = (
        "In an incident of hours the long time becomes that of the overload, and it stops protecting; a host with "
        "fewer than ten answers in a window never moves its limit."
    )
    name: Literal["gradient2"] = "gradient2"
    least: LimitFrom1 = Field(20, description="the least at once, written as initial is")
    smoothing: PositiveShare = Field(0.2, description="how far the limit goes towards a new one")
    headroom: _CountOr0 = Field(4, description="requests by which it grows while nothing is slow")
    long: _Count = Field(600, description="samples that the long mean time looks back")
    tolerance: Annotated[Number, Field(ge=1, le=1000)] = Field(
        1.5, description="so many times the long mean time is not slow yet"
    )
    window: _OrOff = Field(
        1.0,
        description="how often the limit is set anew, by the mean time that requests took meanwhile; "
        '"off": after each request, by its own time',
    )
    _file: ClassVar[str] = "gradient2"

    @property
    def _rule(self) -> str:
        law = f"fewer at once when requests take over {self.tolerance:.15g} times their mean of {self.long}"
        pace = f"else {self.headroom} more; {tell_share(self.smoothing)} of the way"
        bounds = f"at first {words_of_limit(self.initial)}, {_to(self.least, self.most)}"
        return f"{law}, {pace}; {bounds}{self._gathered}"

    def _params(self, establish_per_s: float, hosts: float) -> tuple[float, ...]:
        limits = self._limits(establish_per_s, self.initial, self.least, self.most)
        law = (self.smoothing, float(self.headroom), float(self.long), float(self.tolerance))
        return (*limits, *law, self.window or 0.0)


class EnvoyAdaptiveConcurrency(Controlled):
    """Requests at once are set every interval by how the median time compares with that at rest.

    The time at rest is measured now and then, with few requests at once.
    """

    source: ClassVar[str] = (
        "Envoy, gradient_controller.cc (c35f67f) and adaptive_concurrency.proto v3; it has no default for the two "
        "intervals: those of its documentation's example"
    )
    fails: ClassVar[str] = (
        "A time at rest that is measured during an overload is too long, and the limit grows; while it is measured, "
        "nearly all are refused, for long where few are answered."
    )
    name: Literal["envoy-adaptive-concurrency"] = "envoy-adaptive-concurrency"
    least: _Count = Field(3, description="requests at once while the time at rest is measured, and the least")
    most: _Count = Field(1000, description="the most at once, requests a host")
    every: PositiveDuration = Field(0.1, description="how often the limit is set")
    rest_every: PositiveDuration = Field(
        60.0, description="how long after one measurement of the time at rest the next begins"
    )
    requests: _Count = Field(50, description="answers that a measurement of the time at rest takes")
    jitter: Share = Field(0.15, description="share of rest_every that is drawn and added to it")
    buffer: Share = Field(0.25, description="share of the time at rest by which a time may be longer")
    quantile: Share = Field(0.5, description='which of the times counts: "50%" is the median')
    _file: ClassVar[str] = "envoy_adaptive_concurrency"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.least > self.most:
            raise ValueError("want least no more than most")
        if min(self.every, self.rest_every) < 0.001:
            raise ValueError('want every and rest_every of "1ms" or longer')
        return self

    @property
    def _rule(self) -> str:
        law = f"every {tell_duration(self.every)} as many at once as the {tell_share(self.quantile)} quantile allows"
        rest = f"measured of {self.requests} answers every {tell_duration(self.rest_every)}"
        drawn = f"{tell_share(self.jitter)} drawn, {tell_share(self.buffer)} of it are room"
        return f"{law} beside that at rest, {rest} ({drawn}); {self.least} to {self.most} requests a host"

    def _params(self, establish_per_s: float, hosts: float) -> tuple[float, ...]:
        bounds = (float(self.least), float(self.most), self.every, self.rest_every, float(self.requests))
        return (*bounds, self.jitter, self.buffer, self.quantile)


AdaptiveRule = FixedConcurrency | Aimd | Vegas | Gradient2 | EnvoyAdaptiveConcurrency
