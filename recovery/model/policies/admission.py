"""Policies of admission: whether a request is let in."""

from typing import ClassVar, Literal

from pydantic import Field

from recovery.model.policies.policy import FleetRate, LimitFrom1, Policy, RateAbove0, words_of_limit
from recovery.units import Duration, tell_duration


def _burst(burst: float, only: str) -> str:
    """What a bucket saves up where that is not one second, and whom it spares, in plain words."""
    text = "" if burst == 1 else f", {tell_duration(burst)} of it saved up"
    return text + (", renewals always" if only == "establish" else "")


class Open(Policy):
    """Every request is let in."""

    axis: ClassVar[str] = "admission"
    source: ClassVar[str] = "the absence of a policy"
    name: Literal["open"] = "open"

    @property
    def words(self) -> str:
        """In plain words."""
        return "let everything in"


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

    @property
    def words(self) -> str:
        """In plain words."""
        return f"let in {self.rate.words}{_burst(self.burst, self.only)}"


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

    @property
    def words(self) -> str:
        """In plain words."""
        limit = words_of_limit(self.limit)
        return f"let in {self.rate.words}, less the longer the queue, nothing at {limit}{_burst(self.burst, self.only)}"


AdmissionPolicy = Open | TokenBucket | QueueSize
