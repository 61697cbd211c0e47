"""Service that gets slower with the queue."""

from pydantic import Field

from recovery.model.part import Part
from recovery.units import Number


class Slowdown(Part):
    """Service gets slower with the queue: by 1 + a · (queue / queue_of_one)^b."""

    a: Number = Field(ge=0, le=1000, description="strength")
    b: Number = Field(1.0, ge=0.1, le=5, description="exponent")
    queue: Number = Field(gt=0, description="queue length of a host at which service takes 1 + a times as long")
