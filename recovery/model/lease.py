"""The table [lease]: how long a lease runs and how often it is checked."""

import math
from typing import Self

from pydantic import Field, PrivateAttr, model_validator

from recovery.model.distributions import Distribution, Time
from recovery.model.part import Part, Whole, optional
from recovery.units import PositiveDuration, Rate, Share


class Scaled(Part):
    """Checks get rarer, and leases longer, the more members there are."""

    rate: Rate | None = Field(
        None,
        description='all members together check no more often than this: "50/s"; members are those of the class, with '
        "those tied to it, or of the whole fleet",
    )
    above: Whole | None = Field(
        None, ge=1, le=10**9, description="or: once as long again for each doubling of the members above this number"
    )

    @model_validator(mode="after")
    def _one_of(self) -> "Scaled":
        if (self.rate is None) == (self.above is None):
            raise ValueError("want either rate or above")
        if self.rate == 0:
            raise ValueError("want a rate above 0")
        return self

    def factor(self, members: float, check_every_s: float) -> float:
        """By how much the times of so many members are longer; 1 at the least. `check_every_s`: from one check of a
        member to its next, of whichever of its leases.

        Sources: HashiCorp Nomad, max_heartbeats_per_second 50 and min_heartbeat_ttl 10 s; HashiCorp Consul, the
        interval of anti-entropy: 1 up to 128 nodes, then one more for each doubling.
        """
        if self.rate is not None:
            return max(1.0, members / self.rate / check_every_s)
        above, doublings = self.above or 1, 0
        whole = round(members, 6)  # a share of all may miss a whole number by its last bit
        while above << doublings < whole:  # a logarithm may miss one, too
            doublings += 1
        return 1.0 + doublings


class Lease(Part):
    """How long a lease runs and how often it is checked."""

    duration: Time = Field(examples=["10m"], description="how long a lease runs; drawn once a holder")
    check_every: PositiveDuration = Field(examples=["3m"], description="time from a success to the next check")
    check_jitter: Share = Field(0.0, description="the time to the next check varies by up to this share, up and down")
    scaled: Scaled | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="a table [lease.scaled]: duration and check_every are longer the more members there are",
    )
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

    _law: tuple[Scaled, float, tuple[float, ...]] | None = PrivateAttr(None)
    _factor: float = PrivateAttr(1.0)

    @property
    def is_of_members(self) -> bool:
        """Whether its times hang on how many members there are."""
        return self.scaled is not None or self._law is not None

    def of_members(self, members: float, others_s: tuple[float, ...] = ()) -> Self:
        """The lease of so many members: with its times as they are for them. `others_s`: from check to check of each
        other lease that these members have.
        """
        if self.scaled is None:
            return self
        factor = self.scaled.factor(members, _of_all(self.check_every, others_s))
        times = {"duration": self.duration.times(factor), "check_every": self.check_every * factor, "scaled": None}
        found = self.model_copy(update=times)
        found._law, found._factor = (self.scaled, members, others_s), factor
        return found

    def lasting(self, duration: Distribution) -> Self:
        """The same, if `duration` is set to this in a run: as much longer as for its members it is."""
        return self.model_copy(update={"duration": duration.times(self._factor)})

    def every_s(self, check_every_s: float) -> float:
        """From check to check, if `check_every` is set to this in a run: as much longer as for its members it is."""
        if self._law is None:
            return check_every_s
        scaled, members, others_s = self._law
        return check_every_s * scaled.factor(members, _of_all(check_every_s, others_s))


def _of_all(every_s: float, others_s: tuple[float, ...]) -> float:
    """From one check of a member to its next, of any of its leases."""
    return 1 / math.fsum(1 / one for one in (every_s, *others_s)) if others_s else every_s
