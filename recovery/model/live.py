"""Keys that operators may set in a run, and how a value of each is read."""

import functools
from collections.abc import Callable
from typing import Annotated, NamedTuple, cast

from pydantic import AfterValidator, BeforeValidator, Discriminator, TypeAdapter, create_model

from recovery.model import policies
from recovery.model.bar import Bar
from recovery.model.crash import Crash, Probe
from recovery.model.distributions import Time
from recovery.model.dns import Lasting
from recovery.model.hint import Hint
from recovery.model.host import Cancel, Host
from recovery.model.part import Flag, Part, Whole, or_off
from recovery.model.policies.client import Retries
from recovery.model.policies.lowered import Controller
from recovery.model.policies.rule import Limit, Rule, by_name
from recovery.model.slowdown import Slowdown
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


def _no_controller(name: str, controller: Controller | None) -> None:
    if controller is not None:
        raise ValueError(f'want another rule: "{name}" is a controller, and none can begin in a run')


def _client(rule: policies.ClientRule) -> policies.ClientRule:
    _no_controller(rule.name, rule.lower().controller)
    return rule


def _queue(rule: policies.QueueRule) -> policies.QueueRule:
    _no_controller(rule.name, rule.lower(1.0).controller)
    return rule


def _lease(rule: policies.LeaseRule) -> policies.LeaseRule:
    _no_controller(rule.name, rule.lower().controller)
    return rule


class Live(NamedTuple):
    """How a value of a live key is read, and whether it is one number, between two of which there are others."""

    read: Callable[[object], object]
    is_number: bool = False


# What reads a value is made when the first one is read: few runs have an operator, and there are fifty keys.


def _as(kind: object, *, is_number: bool = False) -> Live:
    """A key that is read as this type says."""
    made = functools.cache(lambda: TypeAdapter(cast("type[object]", kind)))
    return Live(lambda value: made().validate_python(value), is_number)


def _as_in(table: type[Part] | type[Rule], key: str, *, is_number: bool = False) -> Live:
    """A key that is read as in its table."""
    field = table.model_fields[key]
    made = functools.cache(lambda: create_model("Value", __base__=Part, value=(field.annotation or object, field)))
    return Live(lambda value: getattr(made().model_validate({"value": value}), "value"), is_number)  # noqa: B009


def _off_or(table: type[Part]) -> Live:
    """A whole table, or none."""
    return Live(lambda value: None if or_off(value) is None else table.model_validate(value))


WORKERS_MAX, STRENGTH_MAX = 10**6, 1000  # as in [host]
GROWTH_MAX, COST_MAX, PRIORITY_MAX, WEIGHT_MAX = 100, 10**6, 15, 1000  # as in [classes.NAME]
_Workers = Annotated[Whole, AfterValidator(_workers)]
_Strength = Annotated[Number, AfterValidator(_strength)]
_Growth = Annotated[Number, AfterValidator(_growth)]
_Cost = Annotated[Number, AfterValidator(_cost)]
_Priority = Annotated[Whole, AfterValidator(_priority)]
_Weight = Annotated[Whole, AfterValidator(_weight)]
_Client = Annotated[
    Annotated[policies.ClientRule, Discriminator("name")], BeforeValidator(by_name), AfterValidator(_client)
]
_Queue = Annotated[policies.AnyQueue, BeforeValidator(by_name), AfterValidator(_queue)]
_Lease = Annotated[policies.AnyLease, BeforeValidator(by_name), AfterValidator(_lease)]
_Admission = Annotated[policies.AnyAdmission, BeforeValidator(by_name)]

LIVE = {
    "host.workers": _as(_Workers, is_number=True),
    "host.establish_time": _as(Lasting),
    "host.renew_time": _as(Time),
    "host.timeout": _as(Lasting),
    "host.timeout_growth": _as(_Growth, is_number=True),
    "host.timeout_cap": _as(PositiveDuration, is_number=True),
    "host.fail_after": _as_in(Host, "fail_after", is_number=True),
    "host.reject_cost": _as(Duration, is_number=True),
    "host.drop_cost": _as(Duration, is_number=True),
    "host.drop_notifies": _as(Flag),
    "host.round_trip": _as(PositiveDuration, is_number=True),
    "host.start_time": _as(Duration, is_number=True),
    "host.cancel": _as(Cancel),
    "host.full": _as_in(Host, "full"),
    "host.resend": _as(Lasting),
    "host.resend_growth": _as(_Growth, is_number=True),
    "host.late": _as_in(Host, "late"),
    "host.slowdown.a": _as(_Strength, is_number=True),
    "host.slowdown.b": _as_in(Slowdown, "b", is_number=True),
    "host.slowdown.queue": _as_in(Slowdown, "queue", is_number=True),
    "host.bar": _off_or(Bar),
    "host.bar.share": _as(Share, is_number=True),
    **{f"host.bar.{key}": _as_in(Bar, key) for key in ("time", "only", "classes")},
    "host.hint": _off_or(Hint),
    **{f"host.hint.{key}": _as_in(Hint, key) for key in Hint.model_fields},
    "host.crash": _off_or(Crash),
    **{f"host.crash.{key}": _as_in(Crash, key) for key in Crash.model_fields},
    "host.probe.time": _as_in(Probe, "time"),
    "host.probe.every": _as_in(Probe, "every", is_number=True),
    "dependency.resume_after": _as(Time),
    "lease.duration": _as(Lasting),
    "lease.check_every": _as(PositiveDuration, is_number=True),
    "lease.check_jitter": _as(Share, is_number=True),
    "lease.expire_time": _as(Time),
    "lease.first_delay": _as(Time),
    "policy.client": _as(_Client),
    "policy.queue": _as(_Queue),
    "policy.queue.limit": _as(Limit),
    **{f"policy.queue.{key}": _as_in(policies.DropExpired, key) for key in ("max_age", "margin")},
    "policy.admission": _as(_Admission),
    "policy.admission.rate": _as(policies.RateOfFleet, is_number=True),
    "policy.admission.limit": _as(Limit),
    **{f"policy.admission.{key}": _as_in(policies.TokenBucket, key) for key in ("burst", "wait", "line")},
    "policy.lease": _as(_Lease),
    "policy.lease.grace": _as_in(policies.Grace, "grace"),
    **{f"policy.lease.{key}": _as_in(policies.Freeze, key) for key in ("from_failures", "then", "until")},
    "jobs.rate": _as(Rate, is_number=True),
    "jobs.retries": _as(Retries),
}
"""A limit as a time and a rate as a share are counted with the workers and the time to establish of the file."""

OF_CLASS = {
    "establish_time": LIVE["host.establish_time"],
    "renew_time": LIVE["host.renew_time"],
    "timeout": LIVE["host.timeout"],
    "timeout_growth": LIVE["host.timeout_growth"],
    "timeout_cap": LIVE["host.timeout_cap"],
    "duration": LIVE["lease.duration"],
    "check_every": LIVE["lease.check_every"],
    "check_jitter": LIVE["lease.check_jitter"],
    "expire_time": LIVE["lease.expire_time"],
    "first_delay": LIVE["lease.first_delay"],
    "client": LIVE["policy.client"],
    "lease": LIVE["policy.lease"],
    "rate": LIVE["jobs.rate"],
    "retries": LIVE["jobs.retries"],
    "cost": _as(_Cost, is_number=True),
    "priority": _as(_Priority),
    "weight": _as(_Weight),
    "limit": LIVE["policy.queue.limit"],
}
"""The same of a class, behind classes.NAME."""

FIXED = {
    "host.cancel_on_timeout": "host.cancel, which says the same in three words",
    "host.timeout_keeps": "none: what clients remember of their timeouts is how they are built",
    "host.slowdown": "one of its keys: whether a host slows down is how it is built",
    "host.slowdown.by": "none: what slows a host down is how it is built",
    "host.conflict": "none: on which rows writes meet is how the store is built",
    "host.probe": "host.probe.time or host.probe.every: a check that is not there from the start has no turn",
    "dependency.outages": "none: an outage is no deed of operators; it is written where it happens",
    "fleet": "end-sessions, hold-clients or restart: holders stay with their hosts",
    "lease.scaled": "lease.check_every or lease.duration: the law itself is how clients are built",
    "policy.guard": "none: a guard is a controller, and none of a client can begin in a run",
    "jobs.arrivals": "none: how jobs come is their customers' nature; jobs.rate says how many",
    "jobs.steps": "jobs.rate, or the steps as they are to be",
    "jobs.hosts": 'do = "scale" with hosts',
    "jobs.spare_hosts": 'do = "scale" with hosts',
    "launches.throttle": "its own steps, launches.throttle: a later stage runs when the hosts are done",
    "launches.demand": "launches.demand.steps, or a measured file: a later stage runs when the hosts are done",
    "launches": "what the table itself says over time: a later stage runs when the hosts are done",
    "propagation": "propagation.reductions, which say what operators keep out: a later stage runs by itself",
    "health": "health.failover, which says when it is switched: a later stage runs by itself",
    "horizon": "none: it is no part of the system, it says what is looked at",
    "hold": "none: it is no part of the system, it says what is looked at",
    "recovers_from": "none: it is no part of the system, it says what is looked at",
    "coupling": "none: it is no part of the system, it says what is looked at",
    "baseline": "none: it is no part of the system, it says what is looked at",
    "dns": "none: what the race does is drawn before the run",
    "operator": "another action beside it",
}
"""Keys that no operator can set, with what is wanted instead. What stands for a table is said of all its keys."""

OF_CLASS_FIXED = {
    "share": "end-sessions or hold-clients: clients do not change their kind in a run",
    "steps": "classes.NAME.rate, or the steps as they are to be",
    "arrivals": "none: how jobs come is their customers' nature; their rate says how many",
    "of": "none: which clients are one is how they are built",
    "after": "none: which clients wait for which is how they are built",
    "timeout_keeps": FIXED["host.timeout_keeps"],
    "guard": FIXED["policy.guard"],
}
"""The same of a class."""


def live_of(key: str) -> Live | None:
    """How a value of a key is read; None if it may not be set in a run."""
    name, own = class_key(key)
    return OF_CLASS.get(own) if name else LIVE.get(key)


def wanted_of(key: str) -> str:
    """What is wanted in place of a key that no operator can set; "" where nobody knows it."""
    name, own = class_key(key)
    if name:
        return OF_CLASS_FIXED.get(own, "")
    parts = key.split(".")
    tables = (".".join(parts[:many]) for many in range(len(parts), 0, -1))
    return next((FIXED[table] for table in tables if table in FIXED), "")


def class_key(key: str) -> tuple[str, str]:
    """The class of a key, and its key there: "classes.old.timeout" is "timeout" of "old"; "" where it is of none."""
    table, _, rest = key.partition(".")
    name, _, own = rest.partition(".")
    return (name, own) if table == "classes" else ("", key)
