"""The table [lease]: how long a lease runs and how often it is checked."""

from pydantic import Field

from recovery.model.distributions import Time
from recovery.model.part import Part, optional
from recovery.units import PositiveDuration, Share


class Lease(Part):
    """How long a lease runs and how often it is checked."""

    duration: Time = Field(description="how long a lease runs; drawn once a holder")
    check_every: PositiveDuration = Field(description="time from a success to the next check")
    check_jitter: Share = Field(0.0, description="the time to the next check varies by up to this share, up and down")
    expire_time: Time | None = optional(
        None,
        description="work of the host when a lease runs out or its session ends; default: none",
        why="leases that run out are work for the same workers, and renewals wait behind it",
    )
    first_delay: Time | None = optional(
        None,
        description="wait of a client between the notice that its session ended and its first attempt",
        why="clients who lost their session wait before their first attempt, which spreads the herd",
    )
