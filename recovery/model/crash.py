"""The tables [host.crash] and [host.probe]: when a host dies of its load, and the check of whether it lives."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from recovery.model.distributions import Distribution, Time
from recovery.model.notice import Notice
from recovery.model.part import Flag, Part, Whole
from recovery.units import Duration, PositiveDuration

BYTES_MAX = 10**15


class Crash(Part):
    """When a host goes down of its load: what it held is lost, and it may crash again."""

    matters: ClassVar[str] = "a host dies of its load, and its clients come back to one that is empty: it may die again"
    queue: Whole | None = Field(None, ge=0, le=10**9, description="it dies when more requests than this wait")
    memory_bytes: Whole | None = Field(
        None, ge=1, le=BYTES_MAX, description="or when the requests that it holds take more than this"
    )
    request_bytes: Whole | None = Field(None, ge=1, le=BYTES_MAX, description="bytes of a request (with memory_bytes)")
    probe_latency: PositiveDuration | None = Field(
        None, description="or when its probe takes longer than this (with [host.probe])"
    )
    down_for: Duration = Field(30.0, description="time that it refuses everything")
    sessions: Literal["stay", "end"] = Field(
        "stay", description="whether the sessions, and with them the leases, on it stay or end"
    )
    notice: Notice = Field(
        "at-once",
        description="how a client whose session ended learns it: at-once, at-check (at its next check), or a time",
    )
    told: Flag = Field(
        False, description="whether clients whose requests it loses see a failure at once, not only their deadline"
    )

    @model_validator(mode="after")
    def _bounded(self) -> "Crash":
        if self.queue is None and self.memory_bytes is None and self.probe_latency is None:
            raise ValueError("want queue, memory_bytes or probe_latency: what it dies of")
        if (self.memory_bytes is None) != (self.request_bytes is None):
            raise ValueError("want memory_bytes and request_bytes together")
        if self.sessions == "stay" and self.notice != "at-once":
            raise ValueError('want notice only with sessions = "end": sessions that stay are not told of')
        return self


class Probe(Part):
    """A health check: a request on the same workers, one at a time, that nobody refuses."""

    matters: ClassVar[str] = "the health check waits in the same queue, so a long queue looks like a dead host"
    time: Time = Field(default_factory=lambda: Distribution.constant(0.001), description="its work")
    every: PositiveDuration = Field(10.0, description="time from one to the next")
