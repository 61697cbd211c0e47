"""The table [host.hint]: what a refusal says of when to come back (Retry-After)."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from recovery.model.part import Part
from recovery.units import PositiveDuration, Share


class Hint(Part):
    """What a refusal of a throttle, of admission or of a full queue says, and what its client makes of it."""

    matters: ClassVar[str] = "a refusal says when to come back, and clients do so in place of their own back-off"
    says: Literal["time", "tokens", "queue"] = Field(
        "time",
        description='how long a refusal tells its client to wait. "time": always `time`; "tokens": until the bucket '
        'that refused will have tokens for this attempt; "queue": `time` for each request in the queue, divided by '
        "the host's workers",
    )
    time: PositiveDuration | None = Field(
        None, description='how long; with says = "queue" for each request in the queue'
    )
    clients: Literal["obey", "at-least"] = Field(
        "obey", description="whether clients wait just so long, or no shorter than that"
    )
    jitter: Share = Field(0.0, description="they wait up to this share longer or shorter than it says")

    @model_validator(mode="after")
    def _fits(self) -> "Hint":
        if (self.time is None) != (self.says == "tokens"):
            raise ValueError('want time with says = "time" or "queue", and none with "tokens"')
        return self
