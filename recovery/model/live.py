"""Keys that operators may set in a run, and how a value of each is read."""

from collections.abc import Callable
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator, Discriminator, TypeAdapter

from recovery.model import policies
from recovery.model.distributions import Time
from recovery.model.part import Flag, Whole
from recovery.model.policies.rule import Limit, by_name
from recovery.units import Duration, Number, PositiveDuration, Rate, Share


class Live(NamedTuple):
    """How a value of a live key is read, and whether it is one number, between two of which there are others."""

    read: Callable[[object], object]
    is_number: bool = False


_Client = Annotated[Annotated[policies.ClientRule, Discriminator("name")], BeforeValidator(by_name)]

LIVE = {
    "host.workers": Live(TypeAdapter(Whole).validate_python, is_number=True),
    "host.establish_time": Live(TypeAdapter(Time).validate_python),
    "host.renew_time": Live(TypeAdapter(Time).validate_python),
    "host.timeout": Live(TypeAdapter(Time).validate_python),
    "host.fail_after": Live(TypeAdapter(Duration).validate_python, is_number=True),
    "host.reject_cost": Live(TypeAdapter(Duration).validate_python, is_number=True),
    "host.drop_cost": Live(TypeAdapter(Duration).validate_python, is_number=True),
    "host.drop_notifies": Live(TypeAdapter(Flag).validate_python),
    "host.round_trip": Live(TypeAdapter(PositiveDuration).validate_python, is_number=True),
    "host.start_time": Live(TypeAdapter(Duration).validate_python, is_number=True),
    "host.slowdown.a": Live(TypeAdapter(Number).validate_python, is_number=True),
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
