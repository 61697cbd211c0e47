"""Requests that hang through an outage, or fail so slowly that others wait behind them: what stands before the hosts
when it ends, reckoned from the file.
"""

import math
from collections.abc import Iterator

import numpy as np

from recovery.model import policies
from recovery.model.operator import SetKey
from recovery.model.policies.lowered import Waits
from recovery.model.policies.rule import requests_of
from recovery.model.scenario import Scenario
from recovery.stages import queueing
from recovery.store.scenario_record import Course

SHARES = 64  # of the clients, each of which has another time to ask, or another wait
SAME = 0.001  # of a mean wait: less is no growth


def waits_alone(seen: Scenario) -> bool:
    """Whether waits alone decide when clients ask again that are let in: no guard, no controller, no timeout that
    grows.
    """
    is_free = isinstance(seen.policy.guard, policies.NoGuard) and seen.policy.client.lower().controller is None
    return is_free and seen.host.timeout_growth == 1


def left_of(scenario: Scenario, away: Course) -> tuple[float, float]:
    """Requests that stand before the hosts when the longest outage ends, and how long these work on them at most (s):
    each client asks again after its timeout and its wait, and what it gave up stays, where it does not leave; a job
    only as often as its tries allow. Admission lets in no more than its rate. Where requests hang these are all; where
    they fail, as many as came faster than the hosts could fail them. 0 where there are none; where a rule is in use of
    which this does not tell how often clients ask, nan if requests hang, else 0.
    """
    host, bound = scenario.host, queueing.queue_bound(scenario)
    if host.fails_after_s == 0 or not (away or scenario.dns_window is not None):
        return 0.0, 0.0
    unknown = (math.nan if host.hangs else 0.0,) * 2
    down_s = max((min(one.to_s, scenario.horizon) - one.from_s for one in away if one.fails_share == 1), default=0.0)
    seen = {name: scenario.seen_by(name) for name in scenario.classes} or {"": scenario}
    if not down_s > 0 or not _is_told(scenario) or not all(map(waits_alone, seen.values())):
        return unknown
    leaves, came, work_s = host.cancel_on_timeout or host.cancel == "queue", 0.0, 0.0
    for name, one in seen.items():
        longest_s = max(one.host.establish_time.mean_s(), (one.host.renew_time or one.host.establish_time).mean_s())
        own = min(_that_ask(one, down_s, leaves=leaves), _room_of(scenario, name))
        came, work_s = came + own, work_s + own * longest_s
    if came == 0:
        return 0.0, 0.0
    many = min(came, queueing.admission_per_s(scenario) * down_s)
    many = max(many - host.workers * scenario.hosts / host.fails_after_s * down_s, 0.0)
    many = min(many, math.inf if bound is None else float(bound + host.workers) * scenario.hosts)
    return many, many * (work_s / came) / (host.workers * scenario.hosts)


def _is_told(scenario: Scenario) -> bool:
    """Whether it can be reckoned who asks: holders of leases, and jobs beside them, each kind by itself; and what
    admission lets in: by a rate of all attempts alike that nobody changes, or by the queue alone; none is barred.
    """
    host, door = scenario.host, queueing.lets_in(scenario)
    if scenario.lease is None or host.bar is not None or any(one.ties for one in scenario.classes.values()):
        return False
    if (host.cancel_on_timeout or host.cancel == "queue") and (scenario.classes or not host.hangs):
        return False
    if door.per_s is None:
        return True
    is_changed = any(isinstance(one, SetKey) and one.key.startswith("policy.admission") for one in scenario.operator)
    is_bucket = door.limit is None and door.controller is None and door.wait_s is None and not door.is_establish_only
    return is_bucket and not is_changed and all(one.cost == 1 for one in scenario.classes.values())


def _that_ask(seen: Scenario, down_s: float, *, leaves: bool) -> float:
    """Requests of one kind that come in an outage of so many seconds, where none is answered: clients of leases begin
    to ask in the course of one `check_every`, jobs whenever they come.
    """
    if seen.lease is not None:
        every_s = seen.lease.check_every
        ask = seen.leases * min(down_s / every_s, 1.0)
        return ask if leaves else ask * _tries(seen, down_s, max(down_s - every_s, 0.0))
    if seen.jobs is None:
        return 0.0
    rate_per_s = max((step.rate_per_s() for step in seen.steps), default=0.0)
    return rate_per_s * down_s * _tries(seen, down_s, 0.0, seen.jobs.retries)


def _tries(seen: Scenario, most_s: float, least_s: float, retries: int = -1) -> float:
    """How often a client asks in vain, on average over those who have from `least_s` to `most_s` for it: again after
    its timeout and its wait, which grows as its policy says; at most `retries` times (-1: no bound).
    """
    host, waits = seen.host, seen.policy.client.lower()
    at_s, begun = 0.0, [0.0]  # when each try begins, until the times between them are alike
    between_s = 0.0
    for wait_s in _means_s(waits):
        between_s = host.timeout.mean_s() + max(wait_s, host.round_trip)
        at_s += between_s
        begun.append(at_s)
        if at_s >= most_s:
            break
    has_s = np.linspace(least_s, most_s, 2 * SHARES + 1)[1::2]
    tries = np.interp(has_s, begun, np.arange(len(begun))) + np.maximum(has_s - at_s, 0.0) / between_s
    tries += 0.5  # whoever is between two tries has begun the earlier one: half a try more, on average
    return float(np.mean(tries if retries < 0 else np.minimum(np.maximum(tries, 1.0), retries + 1.0)))


def _means_s(waits: Waits) -> Iterator[float]:
    """The mean wait after the first failure, the second and so on, until waits no longer grow; at least one."""
    if waits.delay is not None or waits.cap_s is None:
        yield waits.longest_s
    elif waits.kind == "decorrelated-jitter":
        yield from _by_chance_s(waits.base_s, waits.factor, waits.cap_s)
    else:
        wait_s = waits.base_s
        while wait_s < waits.cap_s and waits.factor > 1:
            yield waits.longest_share * wait_s
            wait_s *= waits.factor
        yield waits.longest_share * min(wait_s, waits.cap_s)


def _by_chance_s(base_s: float, factor: float, cap_s: float) -> Iterator[float]:
    """The same where a wait lies at random between the base and so many times the last one: SHARES equally frequent
    waits become as many times so many, of which each SHARES in order are alike again.
    """
    waits_s, parts, before_s = np.full(SHARES, base_s), (np.arange(SHARES) + 0.5) / SHARES, 0.0
    while True:
        each_s = np.minimum(base_s + np.outer(np.maximum(factor * waits_s - base_s, 0.0), parts), cap_s)
        waits_s = np.sort(each_s, axis=None).reshape(SHARES, SHARES).mean(axis=1)
        mean_s = float(waits_s.mean())
        yield mean_s
        if mean_s <= before_s * (1 + SAME):
            return
        before_s = mean_s


def _room_of(scenario: Scenario, name: str) -> float:
    """Requests of a class that may wait on all hosts by its own limit."""
    limit = scenario.classes[name].limit if name else None
    return math.inf if limit is None else float(requests_of(limit, scenario.establish_per_s)) * scenario.hosts
