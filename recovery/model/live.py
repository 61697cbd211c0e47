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


class Live(NamedTuple):
    """How a value of a live key is read, and whether it is one number, between two of which there are others."""

    read: Callable[[object], object]
    is_number: bool = False


WORKERS_MAX, STRENGTH_MAX = 10**6, 1000  # as in [host]
_Workers = Annotated[Whole, AfterValidator(_workers)]
_Strength = Annotated[Number, AfterValidator(_strength)]
_Client = Annotated[Annotated[policies.ClientRule, Discriminator("name")], BeforeValidator(by_name)]

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
