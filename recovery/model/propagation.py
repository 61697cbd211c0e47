"""The table [propagation]: network state of launches and changes on its way."""

from pydantic import Field, model_validator

from recovery.model import policies
from recovery.model.distributions import Time
from recovery.model.order import overlap
from recovery.model.part import Part, Whole
from recovery.model.policies.client import Client, Retries
from recovery.model.policies.intake import AnyQueue
from recovery.model.policies.lowered import LetsIn, Order
from recovery.model.slowdown import Slowdown
from recovery.units import Duration, PositiveDuration, Share


class LoadReduction(Part):
    """Operators keep a share of the changes (not of the launches) out for a while; they are not made up for."""

    at: Duration = Field(examples=["30m"], description="from when on")
    lasts: PositiveDuration = Field(examples=["10m"], description="how long")
    share: Share = Field(examples=["50%"], description="share of the changes that is put aside")


class Propagation(Part):
    """Network state of instances on its way: shards of workers, each with a queue."""

    shards: Whole = Field(1, ge=1, le=10**5, description="queues that jobs are spread over at random")
    workers: Whole = Field(1, ge=1, le=10**5, description="workers of a shard")
    time: Time = Field(examples=["100ms"], description="time that a job takes")
    slowdown: Slowdown | None = Field(None, description="a job takes longer with the queue of its shard")
    fails: Share = Field(0.0, description="share of attempts that fail at their end")
    client: Client = Field(
        default_factory=lambda: policies.FullJitter.model_validate({"base": "1m", "cap": "10m"}),
        description="when a refused or failed job comes back",
    )
    retries: Retries = Field(-1, description='how often: 0 … or "unlimited"')
    intake: policies.AnyIntake = Field(default_factory=AnyQueue, description="what is let into a shard's queue")
    queue: policies.AnyOrder = Field(
        default_factory=policies.Fifo,
        exclude_if=lambda value: value == policies.Fifo(),
        description="which job of a shard is next, which is dropped; a limit is of a shard",
    )
    timeout: Time | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="how long an attempt may wait for a worker; then it has failed, and the job comes back by client",
    )
    reductions: tuple[LoadReduction, ...] = Field((), description="what operators keep out")
    normal_latency: PositiveDuration = Field(
        300.0, description="mean latency of a window's launches up to which propagation is called normal"
    )

    @model_validator(mode="after")
    def _apart(self) -> "Propagation":
        if wrong := overlap("reductions", [(one.at, one.at + one.lasts) for one in self.reductions], "at"):
            raise ValueError(wrong)
        if self.time.mean_s() <= 0:
            raise ValueError("want time above 0")
        if self.timeout is not None and self.timeout.mean_s() <= 0:
            raise ValueError("want timeout above 0")
        if self.slowdown is not None and self.slowdown.by != "queue":
            raise ValueError('want slowdown.by = "queue": jobs get slower with what waits, not with what is in service')
        return self

    @model_validator(mode="after")
    def _makes_sense(self) -> "Propagation":
        if getattr(self.intake, "only", "all") != "all":
            raise ValueError('want intake.only = "all": jobs hold no leases that could be renewed')
        if self.timeout is not None:
            return self
        if isinstance(self.queue, policies.EarliestDeadline):
            raise ValueError("want timeout with queue earliest-deadline: without it no job has a deadline")
        if isinstance(self.queue, policies.DropExpired) and (self.queue.margin or not self.queue.max_age):
            raise ValueError("want queue.max_age alone, or timeout: without it no job expires")
        return self

    @property
    def capacity_per_s(self) -> float:
        """Jobs a second that the workers of a shard do, without a slowdown."""
        return self.workers / self.time.mean_s()

    def lets_in(self, parts: float) -> LetsIn:
        """What is let into a shard, in numbers, if rates have so many equal parts."""
        return self.intake.lower(self.capacity_per_s, parts)

    @property
    def order(self) -> Order:
        """Which job of a shard is next, in numbers."""
        return self.queue.lower(self.capacity_per_s)
