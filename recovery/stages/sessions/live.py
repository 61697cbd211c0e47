"""Live keys of a file, and the numbers of the engine that each of them sets."""

from collections.abc import Iterator
from typing import NamedTuple

from recovery_kernels.sessions import layout

from recovery.model import policies as named
from recovery.model.distributions import Distribution
from recovery.model.live import class_key
from recovery.model.operator import SetKey
from recovery.model.policies.rule import requests_of
from recovery.stages.sessions.numbers import Kind, Numbers
from recovery.units import ns


class Edit(NamedTuple):
    """A number that an action gives: of which class (NONE: the host), which key, whether it is a fraction, its value,
    and how long it takes to go there (ns).
    """

    number: int
    key: int
    is_real: bool
    value: float
    over_ns: int


_Found = tuple[int, int, bool, float]  # of which class, which key, whether it is a fraction, its value

_OF_CLASSES = {  # what every class has that says nothing else itself
    "host.establish_time": "establish_time",
    "host.renew_time": "renew_time",
    "host.timeout": "timeout",
    "host.timeout_growth": "timeout_growth",
    "host.timeout_cap": "timeout_cap",
    "lease.expire_time": "expire_time",
    "lease.first_delay": "first_delay",
    "lease.check_every": "check_every",
    "lease.check_jitter": "check_jitter",
    "policy.client": "client",
}
_TIMES = {
    "establish_time": layout.ESTABLISH,
    "renew_time": layout.RENEW,
    "timeout": layout.TIMEOUT,
    "first_delay": layout.FIRST_DELAY,
    "expire_time": layout.EXPIRE,
}
_PLAIN = {  # numbers as they are
    "timeout_growth": (layout.TIMEOUT_GROWTH, True),
    "cost": (layout.COST, True),
    "check_jitter": (layout.CHECK_JITTER, True),
    "priority": (layout.PRIORITY, False),
    "weight": (layout.WEIGHT, False),
}
_NS = {  # of the host: times
    "host.fail_after": layout.FAIL_AFTER_NS,
    "host.reject_cost": layout.REJECT_COST_NS,
    "host.drop_cost": layout.DROP_COST_NS,
    "host.round_trip": layout.ROUND_TRIP_NS,
    "host.start_time": layout.START_TIME_NS,
    "host.probe.every": layout.PROBE_EVERY_NS,
}
_OF_HOST = {  # of the host: distributions
    "host.resend": layout.RESEND_GAP,
    "host.probe.time": layout.PROBE_TIME,
    "dependency.resume_after": layout.RESUME_AFTER,
}
_REALS = {  # of the host: fractions as they are
    "host.resend_growth": layout.RESEND_GROWTH,
    "host.slowdown.a": layout.SLOWDOWN_A,
    "host.slowdown.b": layout.SLOWDOWN_B,
    "host.slowdown.queue": layout.SLOWDOWN_N,
    "host.bar.share": layout.BAR_SHARE,
}
_WORDS = {
    ("host.cancel", "none"): (layout.CANCEL, layout.CANCEL_NONE),
    ("host.cancel", "queue"): (layout.CANCEL, layout.CANCEL_QUEUE),
    ("host.cancel", "worker"): (layout.CANCEL, layout.CANCEL_WORKER),
    ("host.full", "refuse"): (layout.FULL, layout.REFUSES),
    ("host.full", "silent"): (layout.FULL, layout.SILENT),
    ("host.late", "wasted"): (layout.LATE, layout.WASTED_LATE),
    ("host.late", "counts"): (layout.LATE, layout.COUNTS_LATE),
    ("host.fail_after", "until-back"): (layout.FAIL_AFTER_NS, layout.UNTIL_BACK),
}
_HOST = layout.NONE
_OF_HOLDERS = ("check_every", "check_jitter", "expire_time")


def edits_of(numbers: Numbers, action: SetKey) -> list[Edit]:
    """The numbers that an action gives."""
    name, key = class_key(action.key)
    if name:
        number = list(numbers.scenario.classes).index(name)
        found = list(_of_class(numbers, number, key, action.parsed))
    elif key == "jobs.rate" and isinstance(action.parsed, int | float):  # of all; each class has its share
        meant = [number for number, kind in enumerate(numbers.kinds) if _follows(kind, "rate")]
        parts = [(number, action.parsed * numbers.share(number)) for number in meant]
        found = [one for number, rate in parts for one in _of_class(numbers, number, "rate", rate)]
    elif key in _OF_CLASSES:
        own = _OF_CLASSES[key]
        meant = [number for number, kind in enumerate(numbers.kinds) if _follows(kind, own)]
        found = [one for number in meant for one in _of_class(numbers, number, own, action.parsed)]
    else:
        found = list(_of_host(numbers, key, action.parsed))
    return [Edit(*one, ns(action.over)) for one in found]


def is_of_renewals(edit: Edit) -> bool:
    """Whether it gives the time to renew of a class."""
    return edit.number != _HOST and not edit.is_real and edit.key == layout.RENEW


def _follows(kind: Kind, key: str) -> bool:
    """Whether a class has what all have, because it says nothing of its own."""
    said, seen = kind
    if key == "rate":
        return seen.jobs is not None and not said.ties and said.own_steps is None
    return getattr(said, key) is None and (seen.lease is not None or key not in _OF_HOLDERS)


def _of_class(numbers: Numbers, number: int, key: str, value: object) -> Iterator[_Found]:
    """What a key of a class is."""
    seen, tables = numbers.kinds[number].seen, numbers.tables
    if isinstance(value, Distribution):
        yield number, _TIMES[key], False, tables.dist(value)
        if key == "establish_time" and seen.host.renew_time is None:
            yield number, layout.RENEW, False, tables.dist(value)
    elif isinstance(value, named.ClientRule):
        retries = seen.jobs.retries if seen.jobs is not None else -1
        yield number, layout.RETRY, False, tables.retry(value.lower(), retries, seen.host.hint)
    elif not isinstance(value, int | float):
        raise KeyError(f"{key} of a class is no {type(value).__name__}; want one of recovery.model.live")
    elif key == "timeout_cap":
        yield number, layout.TIMEOUT_CAP_NS, True, float(ns(value))
    elif key in _PLAIN:
        place, is_real = _PLAIN[key]
        yield number, place, is_real, value
    elif key == "check_every":
        yield number, layout.CHECK_EVERY_NS, False, ns(value if seen.lease is None else seen.lease.every_s(value))
    elif key == "limit":
        yield number, layout.OWN_LIMIT, False, requests_of(value, seen.establish_per_s)
    elif key == "rate":
        yield number, layout.RATE, True, value / numbers.scenario.hosts / 1e9


def _of_host(numbers: Numbers, key: str, value: object) -> Iterator[_Found]:
    """What a key of the host is."""
    scenario = numbers.scenario
    if isinstance(value, named.FleetRate):
        rate = value.of_host(scenario.establish_per_s, scenario.hosts)
        saved_s = getattr(scenario.policy.admission, "burst", 1.0)
        yield _HOST, layout.A_RATE, True, rate / 1e9
        yield _HOST, layout.A_BURST, True, max(1.0, rate * saved_s) if rate > 0 else 0.0  # as a pause
    elif isinstance(value, Distribution):
        yield _HOST, _OF_HOST[key], False, numbers.tables.dist(value)
    elif isinstance(value, str):
        yield _HOST, _WORDS[key, value][0], False, _WORDS[key, value][1]
    elif not isinstance(value, int | float):
        raise KeyError(f"{key} is no {type(value).__name__}; want one of recovery.model.live")
    elif key in _NS:
        yield _HOST, _NS[key], False, max(ns(value), 1 if key == "host.round_trip" else 0)
    elif key == "host.workers":
        yield _HOST, layout.WORKERS, False, value
    elif key == "host.drop_notifies":
        yield _HOST, layout.DROP_NOTIFIES, False, int(value)
    elif key in _REALS:
        yield _HOST, _REALS[key], True, float(value)
    elif key == "policy.queue.limit":
        yield _HOST, layout.LIMIT, False, requests_of(value, scenario.establish_per_s)
    elif key == "policy.admission.limit":
        limit = max(1, requests_of(value, scenario.establish_per_s))
        yield _HOST, layout.A_LIMIT, True, float(limit)
    else:
        raise KeyError(f"{key} is no live key; want one of recovery.model.live")
