"""The table [propagation]: network state of launches and changes on its way."""

import itertools

from pydantic import Field, model_validator

from recovery.model import policies
from recovery.model.distributions import Time
from recovery.model.part import Part, Whole
from recovery.model.policies.client import Client, Retries
from recovery.model.policies.intake import AnyQueue, Intake
from recovery.model.slowdown import Slowdown
from recovery.units import Duration, PositiveDuration, Share


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
