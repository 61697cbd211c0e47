"""Service that gets slower with the queue, or with what is in service."""

from typing import Literal

from pydantic import Field

from recovery.model.part import Part, optional
from recovery.units import Number


class Slowdown(Part):
    """Service gets slower with the queue: by 1 + a · (queue / queue_of_one)^b."""

    a: Number = Field(examples=[1], ge=0, le=1000, description="strength")
    b: Number = Field(1.0, ge=0.1, le=5, description="exponent")
    queue: Number = Field(
        examples=[1_000],
        gt=0,
        description="queue length of a host (or requests in service) at which service takes 1 + a times as long",
    )
    by: Literal["queue", "in-service"] = optional(
        "queue",
        description="what slows it down: the other requests that wait, or those in service",
        why="each request that workers work on slows down the others, so many at once are done later than a few",
    )
