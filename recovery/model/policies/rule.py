"""What all rules have: a name, an axis, a source; and how limits and rates in them are written."""

import contextlib
from typing import Annotated, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter, WithJsonSchema

from recovery.units import PositiveDuration, duration_s, percent, rate_per_s, tell_duration, tell_share


class Rule(BaseModel):
    """One rule on one axis: what all of them have, a name, an axis, a source. A policy is a choice on all axes."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)
    axis: ClassVar[str]
    source: ClassVar[str]
    fails: ClassVar[str]
    """How it is known to fail, in one sentence."""

    @property
    def words(self) -> str:
        """What it does, in plain words with its parameters; two rules that differ have different words."""
        raise NotImplementedError


def name_of(rule: type[Rule]) -> str:
    """The name under which a scenario chooses a rule."""
    return str(rule.model_fields["name"].default)


def _limit(value: object) -> int | float:
    """A queue length: a whole number of requests, or the seconds that it takes to work them off."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LONGEST_QUEUE:
        return value
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            if (seconds := duration_s(value)) > 0:
                return float(seconds)
    raise ValueError(
        f'want a whole number of requests a host, 0 to {LONGEST_QUEUE}, or the time to work them off, "90s"'
    )


def _limit_from_1(value: object) -> int | float:
    """A queue length at which a rule comes to nothing: from one request."""
    if value == 0:
        raise ValueError('want a whole number of requests a host from 1, or the time to work them off, such as "90s"')
    return _limit(value)


def counted(rule: Rule) -> dict[str, int]:
    """The queue lengths of a rule that are whole numbers of requests, and not the time to work them off, by name."""
    reads = (_limit, _limit_from_1)
    lengths = [
        name
        for name, field in type(rule).model_fields.items()
        if any(isinstance(one, BeforeValidator) and one.func in reads for one in field.metadata)
    ]
    return {name: value for name in lengths if isinstance(value := getattr(rule, name), int)}


def _fleet_rate(value: object) -> dict[str, float]:
    """A rate of the whole fleet, or a share of what the fleet can establish."""
    try:
        if isinstance(value, str) and value.strip().endswith("%") and (number := percent(value)) <= 1e6:
            return {"of_capacity_share": number}
        return {"per_s": rate_per_s(value)}
    except ValueError as error:
        message = str(error) if "rate" in str(error) else 'want a rate such as "200/s"'
        raise ValueError(f'{message}, or a share of what the fleet can establish, such as "90%"') from None


def _fleet_rate_above_0(value: object) -> dict[str, float]:
    """A rate of the whole fleet at which something comes through."""
    rate = _fleet_rate(value)
    if not any(rate.values()):
        raise ValueError("want a rate above 0: at 0 nothing is ever let in")
    return rate


class FleetRate(BaseModel):
    """`per_s` of the whole fleet, or a share of what the fleet's workers can establish; hosts get equal parts."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)
    per_s: float | None = None
    of_capacity_share: float | None = None

    @property
    def words(self) -> str:
        """The rate in plain words."""
        if self.per_s is not None:
            return f"{self.per_s:.15g} a second"
        return f"{tell_share(self.of_capacity_share or 0.0)} of what the hosts can do"

    def of_host(self, establish_per_s: float, hosts: float) -> float:
        """Rate (1/s) of one of `hosts` hosts, each of which can establish `establish_per_s`."""
        if self.per_s is not None:
            return self.per_s / hosts
        return (self.of_capacity_share or 0.0) * establish_per_s


def words_of_limit(limit: int | float) -> str:
    """A queue length in plain words: requests, or time."""
    return f"{limit} requests a host" if isinstance(limit, int) else f"{tell_duration(limit)} of work"


def requests_of(limit: int | float, establish_per_s: float) -> int:
    """Requests of a host: a whole number as it is, seconds as what its workers do in that time (at least one)."""
    return limit if isinstance(limit, int) else max(1, round(min(limit * establish_per_s, 1e18)))


LONGEST_QUEUE = 10**9


def _schema_from(least: int) -> WithJsonSchema:
    requests = {"type": "integer", "minimum": least, "maximum": LONGEST_QUEUE}
    return WithJsonSchema({"anyOf": [requests, TypeAdapter(PositiveDuration).json_schema()]})


Limit = Annotated[int | float, BeforeValidator(_limit), _schema_from(0)]
LimitFrom1 = Annotated[int | float, BeforeValidator(_limit_from_1), _schema_from(1)]
RateOfFleet = Annotated[FleetRate, BeforeValidator(_fleet_rate)]
RateAbove0 = Annotated[FleetRate, BeforeValidator(_fleet_rate_above_0)]


def by_name(value: object) -> object:
    """A rule without parameters may be written as its name alone."""
    return {"name": value} if isinstance(value, str) else value
