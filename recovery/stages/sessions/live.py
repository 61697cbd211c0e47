"""Live keys of a file, and the numbers of the engine that each of them is."""

from typing import NamedTuple

from recovery_kernels.sessions import layout

from recovery.model import policies as named
from recovery.model.distributions import Distribution
from recovery.model.operator import SetKey
from recovery.stages import queueing
from recovery.stages.sessions.numbers import Numbers
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


_TIMES = {  # of the class: distributions
    "host.establish_time": layout.ESTABLISH,
    "host.renew_time": layout.RENEW,
    "host.timeout": layout.TIMEOUT,
    "lease.first_delay": layout.FIRST_DELAY,
}
_NS = {  # of the host: times
    "host.fail_after": layout.FAIL_AFTER_NS,
    "host.reject_cost": layout.REJECT_COST_NS,
    "host.drop_cost": layout.DROP_COST_NS,
    "host.round_trip": layout.ROUND_TRIP_NS,
    "host.start_time": layout.START_TIME_NS,
}
_HOST = layout.NONE


def edits_of(numbers: Numbers, action: SetKey) -> list[Edit]:
    """The numbers that an action gives."""
    scenario, tables, key, value = numbers.scenario, numbers.tables, action.key, action.parsed
    found: list[tuple[int, int, bool, float]] = []
    if isinstance(value, Distribution):
        found.append((0, _TIMES[key], False, tables.dist(value)))
        if key == "host.establish_time" and scenario.host.renew_time is None:
            found.append((0, layout.RENEW, False, tables.dist(value)))
    elif isinstance(value, named.ClientRule):
        retries = scenario.jobs.retries if scenario.jobs is not None else -1
        found.append((0, layout.RETRY, False, tables.retry(value, retries)))
    elif isinstance(value, named.FleetRate):
        rate = value.of_host(scenario.establish_per_s, scenario.hosts)
        saved_s = getattr(scenario.policy.admission, "burst", 1.0)
        found.append((_HOST, layout.A_RATE, True, rate / 1e9))
        found.append((_HOST, layout.A_BURST, True, max(1.0, rate * saved_s)))
    elif isinstance(value, int | float):
        found.append(_of_number(numbers, key, value))
    return [Edit(*one, ns(action.over)) for one in found]


def _of_number(numbers: Numbers, key: str, value: float) -> tuple[int, int, bool, float]:
    """What one number or time is."""
    scenario = numbers.scenario
    if key in _NS:
        return _HOST, _NS[key], False, max(ns(value), 1 if key == "host.round_trip" else 0)
    match key:
        case "host.workers":
            return _HOST, layout.WORKERS, False, value
        case "host.drop_notifies":
            return _HOST, layout.DROP_NOTIFIES, False, int(value)
        case "host.slowdown.a":
            return _HOST, layout.SLOWDOWN_A, True, float(value)
        case "lease.check_every":
            return 0, layout.CHECK_EVERY_NS, False, ns(value)
        case "lease.check_jitter":
            return 0, layout.CHECK_JITTER, True, float(value)
        case "policy.queue.limit":
            return _HOST, layout.LIMIT, False, queueing.queue_limit(value, scenario.establish_per_s)
        case "policy.admission.limit":
            return _HOST, layout.A_LIMIT, True, float(max(1, queueing.queue_limit(value, scenario.establish_per_s)))
        case "jobs.rate":
            return 0, layout.RATE, True, value / scenario.hosts / 1e9
    raise KeyError(f"{key} is no live key; want one of recovery.model.live")
