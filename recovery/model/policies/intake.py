"""Policies of intake: whether a job is let into a queue of propagation."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from recovery.model.part import Whole
from recovery.model.policies.lowered import LetsIn
from recovery.model.policies.rule import Rule
from recovery.units import Duration, Rate, tell_duration


def _burst(burst: float) -> str:
    """What a bucket saves up where that is not one second, in plain words."""
    return "" if burst == 1 else f", {tell_duration(burst)} of it saved up"


class AnyQueue(Rule):
    """Every job is let in."""

    axis: ClassVar[str] = "intake"
    source: ClassVar[str] = "the absence of a policy"
    name: Literal["open"] = "open"

    @property
    def words(self) -> str:
        """In plain words."""
        return "let every job in"

    def lower(self, establish_per_s: float, shards: float) -> LetsIn:
        """In numbers of one of so many shards, which have equal parts of a rate."""
        return LetsIn(self.name)


class IntakeBucket(Rule):
    """A token bucket: a job that finds no whole token is refused."""

    axis: ClassVar[str] = "intake"
    source: ClassVar[str] = (
        "as in Kubernetes client-go's rate limiters; the rate is the stage's, shards get equal parts"
    )
    name: Literal["token-bucket"] = "token-bucket"
    rate: Rate = Field(examples=["200/s"], description="jobs, or launches, a second of the whole stage")
    burst: Duration = Field(1.0, description="how much of its rate a bucket may save up (at least one job)")

    @property
    def words(self) -> str:
        """In plain words."""
        return f"let in {self.rate:.15g} jobs a second{_burst(self.burst)}"

    def lower(self, establish_per_s: float, shards: float) -> LetsIn:
        """In numbers of one of so many shards, which have equal parts of a rate."""
        return LetsIn(self.name, self.rate / shards, self.burst)


class LinearLimit(Rule):
    """A token bucket filled at rate · (1 − q/limit) while q jobs wait: nothing at the limit."""

    axis: ClassVar[str] = "intake"
    source: ClassVar[str] = (
        "announced in aws.amazon.com/message/101925 (limit by the size of the waiting queue); law assumed"
    )
    name: Literal["queue-size"] = "queue-size"
    rate: Rate = Field(
        examples=["200/s"], description="jobs, or launches, a second of the whole stage while no job waits"
    )
    limit: Whole = Field(
        1000,
        ge=1,
        le=10**9,
        description="waiting jobs of a shard at which nothing is let in; to launches: of all shards",
    )
    burst: Duration = Field(1.0, description="how much of its rate a bucket may save up (at least one job)")

    @property
    def words(self) -> str:
        """In plain words."""
        limit = f"{self.limit} waiting jobs a shard"
        return (
            f"let in {self.rate:.15g} jobs a second, less the longer the queue, nothing at {limit}{_burst(self.burst)}"
        )

    def lower(self, establish_per_s: float, shards: float) -> LetsIn:
        """In numbers of one of so many shards, which have equal parts of a rate."""
        return LetsIn(self.name, self.rate / shards, self.burst, self.limit)


class Hysteresis(Rule):
    """Nothing is let in from q = limit on, until the queue has fallen to low."""

    axis: ClassVar[str] = "intake"
    source: ClassVar[str] = "the announced limit by the size of the waiting queue, as a switch; law assumed"
    name: Literal["queue-size-switch"] = "queue-size-switch"
    limit: Whole = Field(
        1000, ge=1, le=10**9, description="waiting jobs of a shard at which it closes; to launches: of all shards"
    )
    low: Whole = Field(500, ge=0, le=10**9, description="waiting jobs at which it opens again")

    @model_validator(mode="after")
    def _ordered(self) -> "Hysteresis":
        if self.low >= self.limit:
            raise ValueError("want low below limit")
        return self

    @property
    def words(self) -> str:
        """In plain words."""
        return f"let nothing in from {self.limit} waiting jobs a shard on, until {self.low} are left"

    def lower(self, establish_per_s: float, shards: float) -> LetsIn:
        """In numbers of one of so many shards, which have equal parts of a rate."""
        return LetsIn(self.name, limit=self.limit, low=self.low)


class Ramp(Rule):
    """A job is refused with a probability that rises from 0 at q = low to 1 at q = limit."""

    axis: ClassVar[str] = "intake"
    source: ClassVar[str] = (
        "the announced limit as a ramp, as in failsafe-go's adaptive limiter (2 to 3 times its limit)"
    )
    name: Literal["queue-size-ramp"] = "queue-size-ramp"
    limit: Whole = Field(
        1500,
        ge=1,
        le=10**9,
        description="waiting jobs of a shard from which everything is refused; to launches: of all shards",
    )
    low: Whole = Field(1000, ge=0, le=10**9, description="waiting jobs from which some are refused")

    @model_validator(mode="after")
    def _ordered(self) -> "Ramp":
        if self.low >= self.limit:
            raise ValueError("want low below limit")
        return self

    @property
    def words(self) -> str:
        """In plain words."""
        return f"refuse some jobs from {self.low} waiting a shard on, and all from {self.limit} on"

    def lower(self, establish_per_s: float, shards: float) -> LetsIn:
        """In numbers of one of so many shards, which have equal parts of a rate."""
        return LetsIn(self.name, limit=self.limit, low=self.low)


INTAKES = (AnyQueue, IntakeBucket, LinearLimit, Hysteresis, Ramp)
IntakeRule = AnyQueue | IntakeBucket | LinearLimit | Hysteresis | Ramp

_OF_LAUNCHES = (
    ("waiting jobs a shard", "waiting jobs of propagation"),
    ("waiting a shard", "waiting in propagation"),
    ("requests a host", "jobs in propagation"),
    ("the hosts", "propagation"),
    ("jobs a second", "launches a second"),
    ("every job", "every launch"),
    ("some jobs", "some launches"),
    ("requests", "launches"),
    ("request", "launch"),
    ("clients", "customers"),
)
_OF_SHARDS = (
    ("requests a host", "jobs a shard"),
    ("a host", "a shard"),
    ("the hosts", "the shards"),
    ("requests", "jobs"),
    ("request", "job"),
    ("clients", "jobs"),
)


def of_shards(words: str) -> str:
    """The words of a rule that hosts have, too, where shards have it: what waits there are jobs."""
    return _instead(words, _OF_SHARDS)


def of_launches(words: str) -> str:
    """The same where launches have it: what they look at is propagation."""
    return _instead(words, _OF_LAUNCHES)


def _instead(words: str, others: Sequence[tuple[str, str]]) -> str:
    for of_hosts, other in others:
        words = words.replace(of_hosts, other)
    return words
