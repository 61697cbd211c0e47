"""Keys that operators may set in a run, and how a value of each is read."""

from collections.abc import Callable
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Discriminator, TypeAdapter

from recovery.model import policies
from recovery.model.distributions import Time
from recovery.model.dns import Lasting
from recovery.model.part import Flag, Whole
from recovery.model.policies.rule import Limit, by_name
from recovery.units import Duration, Number, PositiveDuration, Rate, Share


def _workers(value: int) -> int:
    if not 0 <= value <= WORKERS_MAX:
        raise ValueError(f"want a whole number from 0 to {WORKERS_MAX}")
    return value


def _strength(value: float) -> float:
    if not 0 <= value <= STRENGTH_MAX:
        raise ValueError(f"want a number from 0 to {STRENGTH_MAX}")
    return value


def _growth(value: float) -> float:
    if not 1 <= value <= GROWTH_MAX:
        raise ValueError(f"want a number from 1 to {GROWTH_MAX}")
    return value


def _cost(value: float) -> float:
    if not 0 <= value <= COST_MAX:
        raise ValueError(f"want a number from 0 to {COST_MAX}")
    return value


def _priority(value: int) -> int:
    if not 0 <= value <= PRIORITY_MAX:
        raise ValueError(f"want a whole number from 0 to {PRIORITY_MAX}")
    return value


def _weight(value: int) -> int:
    if not 1 <= value <= WEIGHT_MAX:
        raise ValueError(f"want a whole number from 1 to {WEIGHT_MAX}")
    return value


def _client(rule: policies.ClientRule) -> policies.ClientRule:
    if rule.lower().controller is not None:
        raise ValueError(f'want another rule: "{rule.name}" is a controller, and none can begin in a run')
    return rule


class Live(NamedTuple):
    """How a value of a live key is read, and whether it is one number, between two of which there are others."""

    read: Callable[[object], object]
    is_number: bool = False


WORKERS_MAX, STRENGTH_MAX = 10**6, 1000  # as in [host]
GROWTH_MAX, COST_MAX, PRIORITY_MAX, WEIGHT_MAX = 100, 10**6, 15, 1000  # as in [classes.NAME]
_Workers = Annotated[Whole, AfterValidator(_workers)]
_Strength = Annotated[Number, AfterValidator(_strength)]
_Client = Annotated[
    Annotated[policies.ClientRule, Discriminator("name")], BeforeValidator(by_name), AfterValidator(_client)
]

LIVE = {
    "host.workers": Live(TypeAdapter(_Workers).validate_python, is_number=True),
    "host.establish_time": Live(TypeAdapter(Lasting).validate_python),
    "host.renew_time": Live(TypeAdapter(Time).validate_python),
    "host.timeout": Live(TypeAdapter(Lasting).validate_python),
    "host.fail_after": Live(TypeAdapter(Duration).validate_python, is_number=True),
    "host.reject_cost": Live(TypeAdapter(Duration).validate_python, is_number=True),
    "host.drop_cost": Live(TypeAdapter(Duration).validate_python, is_number=True),
    "host.drop_notifies": Live(TypeAdapter(Flag).validate_python),
    "host.round_trip": Live(TypeAdapter(PositiveDuration).validate_python, is_number=True),
    "host.start_time": Live(TypeAdapter(Duration).validate_python, is_number=True),
    "host.slowdown.a": Live(TypeAdapter(_Strength).validate_python, is_number=True),
    "lease.check_every": Live(TypeAdapter(PositiveDuration).validate_python, is_number=True),
    "lease.check_jitter": Live(TypeAdapter(Share).validate_python, is_number=True),
    "lease.first_delay": Live(TypeAdapter(Time).validate_python),
    "policy.client": Live(TypeAdapter(_Client).validate_python),
    "policy.queue.limit": Live(TypeAdapter(Limit).validate_python),
    "policy.admission.rate": Live(TypeAdapter(policies.RateOfFleet).validate_python, is_number=True),
    "policy.admission.limit": Live(TypeAdapter(Limit).validate_python),
    "jobs.rate": Live(TypeAdapter(Rate).validate_python, is_number=True),
}
"""A limit as a time and a rate as a share are counted with the workers and the time to establish of the file."""

_Growth = Annotated[Number, AfterValidator(_growth)]
_Cost = Annotated[Number, AfterValidator(_cost)]
_Priority = Annotated[Whole, AfterValidator(_priority)]
_Weight = Annotated[Whole, AfterValidator(_weight)]

OF_CLASS = {
    "establish_time": LIVE["host.establish_time"],
    "renew_time": LIVE["host.renew_time"],
    "timeout": LIVE["host.timeout"],
    "timeout_growth": Live(TypeAdapter(_Growth).validate_python, is_number=True),
    "check_every": LIVE["lease.check_every"],
    "check_jitter": LIVE["lease.check_jitter"],
    "first_delay": LIVE["lease.first_delay"],
    "client": LIVE["policy.client"],
    "rate": LIVE["jobs.rate"],
    "cost": Live(TypeAdapter(_Cost).validate_python, is_number=True),
    "priority": Live(TypeAdapter(_Priority).validate_python),
    "weight": Live(TypeAdapter(_Weight).validate_python),
    "limit": LIVE["policy.queue.limit"],
}
"""The same of a class, behind classes.NAME."""


def live_of(key: str) -> Live | None:
    """How a value of a key is read; None if it may not be set in a run."""
    name, own = class_key(key)
    return OF_CLASS.get(own) if name else LIVE.get(key)


def class_key(key: str) -> tuple[str, str]:
    """The class of a key, and its key there: "classes.old.timeout" is "timeout" of "old"; "" where it is of none."""
    table, _, rest = key.partition(".")
    name, _, own = rest.partition(".")
    return (name, own) if table == "classes" else ("", key)
