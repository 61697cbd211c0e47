"""Policies of the queue: who is next, who is dropped."""

from typing import ClassVar, Literal

from pydantic import Field

from recovery.model.policies.lowered import Order
from recovery.model.policies.rule import Limit, Rule, requests_of, words_of_limit
from recovery.units import Duration, tell_duration


class Fifo(Rule):
    """Unbounded, first come first served; what nobody waits for any more is served all the same."""

    axis: ClassVar[str] = "queue"
    source: ClassVar[str] = (
        "Bronson et al., Metastable Failures in Distributed Systems (HotOS 2021): the queue that keeps a collapse alive"
    )
    fails: ClassVar[str] = (
        "Once requests wait longer than clients do, every service is in vain while every client asks again."
    )
    name: Literal["fifo"] = "fifo"

    @property
    def words(self) -> str:
        """In plain words."""
        return "oldest first"

    def lower(self, establish_per_s: float) -> Order:
        """In numbers of a host that can establish `establish_per_s`."""
        return Order(self.name)


class Lifo(Rule):
    """Unbounded, last come first served."""

    axis: ClassVar[str] = "queue"
    source: ClassVar[str] = "Maurer, Fail at Scale (ACM Queue, 2015)"
    fails: ClassVar[str] = (
        "Who came early waits to the end of the overload; where clients wait for ever it is unfair and gains nothing."
    )
    name: Literal["lifo"] = "lifo"

    @property
    def words(self) -> str:
        """In plain words."""
        return "newest first"

    def lower(self, establish_per_s: float) -> Order:
        """In numbers of a host that can establish `establish_per_s`."""
        return Order(self.name, is_newest_first=True)


class Bounded(Rule):
    """First come first served; a request that finds `limit` others waiting is rejected."""

    axis: ClassVar[str] = "queue"
    source: ClassVar[str] = (
        "as in Envoy (max_pending_requests 1024); a bound below the timeout serves only live work (MODEL.md, r2)"
    )
    fails: ClassVar[str] = (
        "A bound beyond what is worked off within a timeout bounds nothing; a very small one idles workers between "
        "waves."
    )
    name: Literal["bounded"] = "bounded"
    limit: Limit = Field(60.0, description='requests a host that may wait, or the time to work them off: "60s"')

    @property
    def words(self) -> str:
        """In plain words."""
        return f"queue of at most {words_of_limit(self.limit)}"

    def lower(self, establish_per_s: float) -> Order:
        """In numbers of a host that can establish `establish_per_s`."""
        return Order(self.name, limit=requests_of(self.limit, establish_per_s))


class DropExpired(Rule):
    """First come first served; a worker drops a request that is older than `max_age`.

    It also drops one whose client gave up, or will within `margin`.
    """

    axis: ClassVar[str] = "queue"
    source: ClassVar[str] = (
        "as in Apache ZooKeeper's RequestThrottler (stale requests) "
        "and Kubernetes API Priority and Fairness (wait limit)"
    )
    fails: ClassVar[str] = (
        "It still serves those who are about to give up; and dropping may cost the host as much as it saves."
    )
    name: Literal["drop-expired"] = "drop-expired"
    max_age: Duration = Field(
        0.0, description="oldest request that is served; 0 for no limit but the client's deadline"
    )
    margin: Duration = Field(0.0, description="time that must be left before the deadline")

    @property
    def words(self) -> str:
        """In plain words."""
        late = f" or will within {tell_duration(self.margin)}" if self.margin else ""
        old = f", or that are older than {tell_duration(self.max_age)}" if self.max_age else ""
        return f"drop requests whose client gave up{late}{old}"

    def lower(self, establish_per_s: float) -> Order:
        """In numbers of a host that can establish `establish_per_s`."""
        return Order(self.name, drops_expired=True, max_age_s=self.max_age, margin_s=self.margin)
