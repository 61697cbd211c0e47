"""Policies of leases that remember: how long one is granted, and whether one that has ended runs out."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, Strict, TypeAdapter, WithJsonSchema, model_validator

from recovery.model.part import or_off
from recovery.model.policies.lowered import Controller, Runs
from recovery.model.policies.rule import LimitFrom1, Rule, words_of_limit
from recovery.units import PositiveDuration, PositiveShare, Rate, rate_per_s, tell_duration, tell_share


def _rate_above_0(value: object) -> float:
    """A rate at which something happens."""
    if (rate := rate_per_s(value)) > 0:
        return rate
    raise ValueError("want a rate above 0")


def _rate_or_off(value: object) -> float | None:
    return None if or_off(value) is None else _rate_above_0(value)


_RATE_SCHEMA = TypeAdapter(Rate).json_schema()
_RateAbove0 = Annotated[float, BeforeValidator(_rate_above_0), WithJsonSchema(_RATE_SCHEMA)]
_RateOrOff = Annotated[
    float | None, BeforeValidator(_rate_or_off), WithJsonSchema({"anyOf": [_RATE_SCHEMA, {"const": "off"}]})
]


class _Tenure(Rule):
    """What all of them have in common: a controller."""

    axis: ClassVar[str] = "lease"
    matters: ClassVar[str] = "leases run by what their host has seen, so more or fewer run out than their length says"
    name: str
    _file: ClassVar[str]

    def lower(self) -> Runs:
        """In numbers."""
        return Runs(self.name, controller=Controller(self._file, self._params))

    @property
    def _params(self) -> tuple[float, ...]:
        """What its controller takes, in its order."""
        raise NotImplementedError


class LoadScaled(_Tenure):
    """While more than `limit` requests wait as a lease is granted, it is `loaded` long instead of its own length."""

    source: ClassVar[str] = (
        "Burrows, The Chubby lock service (OSDI 2006), section 2.8: 12 s, up to about 60 s under heavy load; "
        "it names no law, so a step is assumed, and its limit, too"
    )
    fails: ClassVar[str] = (
        "Who dies during an overload is noticed late; and holders that renew as often as before make as much load."
    )
    name: Literal["load-scaled"] = "load-scaled"
    _file: ClassVar[str] = "load_scaled"
    loaded: PositiveDuration = Field(60.0, description="length of a lease that is granted under load")
    limit: LimitFrom1 = Field(
        12.0, description='more waiting than that is load: requests a host, or the time to work them off, "12s"'
    )

    @property
    def words(self) -> str:
        """In plain words."""
        return f"leases of {tell_duration(self.loaded)} while more than {words_of_limit(self.limit)} waits"

    @property
    def _params(self) -> tuple[float, ...]:
        is_count = isinstance(self.limit, int)
        return self.loaded, float(self.limit) if is_count else 0.0, 0.0 if is_count else float(self.limit)


class FailoverExtension(_Tenure):
    """When a host restarts, each lease that runs there ends `extension` later, whatever was left; or they are spread.

    With `spread` the first so many of a host end together, and the others one after the other, so many a second.
    """

    source: ClassVar[str] = (
        "HashiCorp Nomad, nomad/heartbeat.go (0ef5636): failover_heartbeat_ttl 300 s, not spread; "
        "spread as in etcd, server/lease/lessor.go, Promote (023e340): 750/s"
    )
    fails: ClassVar[str] = (
        "Where holders renew less often than the extension lasts, it ends leases of holders that are well; and who "
        "does not come back in time ends at one moment with all the others."
    )
    name: Literal["failover-extension"] = "failover-extension"
    _file: ClassVar[str] = "failover_extension"
    extension: PositiveDuration = Field(300.0, description="how long a lease runs on after its host restarted")
    spread: _RateOrOff = Field(
        None, description='at most so many end in a second at a host, such as "750/s"; "off": all together'
    )

    @property
    def words(self) -> str:
        """In plain words."""
        spread = "" if self.spread is None else f", then at most {self.spread:.15g} a second end"
        return f"leases run {tell_duration(self.extension)} from a restart of their host{spread}"

    @property
    def _params(self) -> tuple[float, ...]:
        return self.extension, self.spread or 0.0


class SelfPreservation(_Tenure):
    """No lease runs out while the renewals of the last minute are at most `share` of those expected.

    Else leases that have ended run out in passes, `every` apart, and in each at most 1 - `share` of all.
    """

    source: ClassVar[str] = (
        "Netflix Eureka, AbstractInstanceRegistry (02e64b8), isLeaseExpirationEnabled and evict: 0.85 of the renewals "
        "that one every 30 s makes; passes every 60 s"
    )
    fails: ClassVar[str] = (
        "Where a large part really died, its leases never run out; and holders that renew more often than it expects "
        "hide how many are missing."
    )
    name: Literal["self-preservation"] = "self-preservation"
    _file: ClassVar[str] = "self_preservation"
    share: PositiveShare = Field(0.85, description="share of the expected renewals up to which no lease runs out")
    check_every: PositiveDuration = Field(30.0, description="interval of renewals by which it expects them")
    every: PositiveDuration = Field(60.0, description="time from one pass to the next")

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.share >= 1:
            raise ValueError('want share below "100%": at that no lease ever runs out')
        return self

    @property
    def words(self) -> str:
        """In plain words."""
        few = f"at most {tell_share(self.share)} of one every {tell_duration(self.check_every)}"
        most = f"{tell_share(1 - self.share)} every {tell_duration(self.every)}"
        return f"no lease runs out while renewals are {few}, else {most}"

    @property
    def _params(self) -> tuple[float, ...]:
        return self.share, self.check_every, self.every


class ExpiryCap(_Tenure):
    """At most `batch` leases of a host run out together, and `rate` a second; the others run on until their turn."""

    source: ClassVar[str] = (
        "Kubernetes node lifecycle controller: node-eviction-rate 0.1/s, one at a time (a zone there); "
        "etcd, server/lease/lessor.go (023e340): 1000/s, in batches of 500"
    )
    fails: ClassVar[str] = (
        "Where many really died, it takes hours until the last of them is noticed: 1000 leases at 0.1/s take 2.8 h."
    )
    name: Literal["expiry-cap"] = "expiry-cap"
    _file: ClassVar[str] = "expiry_cap"
    rate: _RateAbove0 = Field(0.1, description="leases a second that may run out at a host")
    batch: Annotated[int, Strict()] = Field(1, ge=1, le=10**6, description="so many of them may run out at one moment")

    @property
    def words(self) -> str:
        """In plain words."""
        batch = "one at a time" if self.batch == 1 else f"{self.batch} at a time"
        return f"at most {self.rate:.15g} leases a second run out at a host, {batch}"

    @property
    def _params(self) -> tuple[float, ...]:
        return self.rate, float(self.batch)


class Learning(_Tenure):
    """For `learning` after a host's restart no lease runs out there."""

    source: ClassVar[str] = (
        "Doorman, go/server/doorman/resource.go (6bec85e): learning mode lasts one lease length unless set; "
        "60 s is a lease of its examples"
    )
    fails: ClassVar[str] = (
        "All leases that ended meanwhile run out at one moment when it is over; and real deaths are noticed no earlier."
    )
    name: Literal["learning"] = "learning"
    _file: ClassVar[str] = "learning"
    learning: PositiveDuration = Field(60.0, description="time after a restart in which no lease runs out")

    @property
    def words(self) -> str:
        """In plain words."""
        return f"no lease runs out for {tell_duration(self.learning)} after a restart of its host"

    @property
    def _params(self) -> tuple[float, ...]:
        return (self.learning,)
