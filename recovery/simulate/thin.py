"""A scenario made thinner, for pilots: it keeps an equal part of the workers, clients, rates and limits, so that the
load of a worker, and with it what happens, stays as it is.

A host is cut into several: there are more hosts of fewer workers, and each has its part of what is said of the whole
fleet. Where one worker is left and is cut further, its work takes longer. What is said of one host is divided here.
"""

from typing import TypeVar

from pydantic import BaseModel

from recovery.model.distributions import Distribution
from recovery.model.operator import Scale, SetKey
from recovery.model.policies import GuardRule, LeaseRule
from recovery.model.scenario import Scenario

T = TypeVar("T", bound=BaseModel)
LIMITS_OF_ADMISSION = ("limit", "low", "line", "initial", "least", "most", "headroom", "requests")
"""Keys of admission that count requests of a host."""


def can_be_thinned(scenario: Scenario) -> bool:
    """Whether nobody gives a key of one host another value while it runs."""
    return not any(isinstance(action, SetKey) for action in scenario.operator)


def thinned(scenario: Scenario, workers: int, slower: float) -> Scenario:
    """The scenario with so many workers a host, each slower by a factor, and more hosts in proportion."""
    by = scenario.host.workers / workers * slower
    host, policy = scenario.host, scenario.policy
    many = max(1, round(scenario.hosts * by))
    whose = "jobs" if scenario.fleet is None else "fleet"
    crash, probe, hint, conflict = host.crash, host.probe, host.hint, host.conflict
    changed: dict[str, object] = {
        whose: _with(getattr(scenario, whose), **_hosts(scenario, many, by)),
        "host": _with(
            host, workers=workers, slowdown=None if host.slowdown is None else _divided(host.slowdown, by, "queue"),
            crash=None if crash is None else _divided(crash, by, "queue", "memory_bytes"),
            probe=None if probe is None else _slower(probe, slower, "time"),
            hint=_slower(hint, slower, "time") if hint is not None and hint.says == "queue" else hint,
            conflict=None if conflict is None else _divided(_slower(conflict, slower, "gap"), by, "rows"),
            **_times(host, slower, "establish_time", "renew_time", "reject_cost", "drop_cost", "fail_after"),
        ),
        "policy": _with(
            policy, queue=_divided(policy.queue, by, "limit"), guard=_guard(policy.guard, by),
            admission=_divided(policy.admission, by, *LIMITS_OF_ADMISSION), lease=_lease(policy.lease, by),
        ),
        "classes": {
            name: _with(
                _divided(_slower(one, slower, "establish_time", "renew_time", "expire_time"), by, "limit"),
                guard=None if one.guard is None else _guard(one.guard, by),
                lease=None if one.lease is None else _lease(one.lease, by),
            )
            for name, one in scenario.classes.items()
        },
        "operator": tuple(
            _scaled(action, by) if isinstance(action, Scale) else action
            for action in scenario.operator
        ),
    }  # fmt: skip
    if scenario.lease is not None:
        changed["lease"] = _slower(scenario.lease, slower, "expire_time")
    return _with(scenario, **changed)


def _hosts(scenario: Scenario, many: int, by: float) -> dict[str, object]:
    """So many hosts, and those that stand by in proportion. Hosts of a fleet are alike: only one is tried."""
    spare = 0 if scenario.jobs is None else scenario.jobs.spare_hosts
    found: dict[str, object] = {"hosts": many} | ({} if scenario.fleet is None else {"skew": 0.0})
    return found | ({"spare_hosts": max(1, round(spare * by))} if spare else {})


def _guard(rule: GuardRule, by: float) -> GuardRule:
    """What is said of all clients of a host divided; a guard of one client, or of a few, stays."""
    if getattr(rule, "group", 1) != "host":
        return rule
    return _divided(rule, by, "least_per_s", "least", "quota")


def _lease(rule: LeaseRule, by: float) -> LeaseRule:
    """So many leases a second of a host, and requests of it, divided."""
    rates = {key: getattr(rule, key, None) for key in ("rate", "spread")}
    each = {key: rate / by for key, rate in rates.items() if isinstance(rate, float)}
    return _with(_divided(rule, by, "limit", "batch"), **each)


def _scaled(action: Scale, by: float) -> Scale:
    """Fewer workers a host, more hosts."""
    if action.hosts is not None:
        return _with(action, hosts=round(action.hosts * by))
    return _with(action, workers=round((action.workers or 0) / by))


def _with(part: T, **changed: object) -> T:
    return part.model_copy(update=changed)


def _divided(part: T, by: float, *keys: str) -> T:
    """Whole numbers of a host divided (at least 1, unless none were wanted); times of work stay."""
    found = {key: getattr(part, key, None) for key in keys}
    return _with(
        part,
        **{key: max(round(value / by), min(value, 1)) for key, value in found.items() if isinstance(value, int)},
    )


def _slower(part: T, by: float, *keys: str) -> T:
    return _with(part, **_times(part, by, *keys))


def _times(part: BaseModel, by: float, *keys: str) -> dict[str, object]:
    """Times of work that take longer; measured ones stay."""
    out: dict[str, object] = {}
    for key in keys:
        value = getattr(part, key, None)
        if isinstance(value, Distribution):
            ends = {end: at * by for end in ("mean", "min", "max") if (at := getattr(value, end)) is not None}
            out[key] = value.model_copy(update=ends)
        elif isinstance(value, float):
            out[key] = value * by
    return out
