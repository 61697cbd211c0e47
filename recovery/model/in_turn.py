"""Renewals that are more than the workers can do: a holder sends the next only when the last has ended."""

import math
from typing import Literal, NamedTuple

from recovery import theory
from recovery.model import policies
from recovery.model.operator import Scale, SetKey, Throttle
from recovery.model.scenario import Scenario

SPREAD = 4.0  # standard deviations that are taken for the most that chance does

Ends = Literal["well", "perhaps late", "late", "expired"]
"""How such renewals end without an outage: all are answered in time; some may time out; some do; leases run out."""


class InTurn(NamedTuple):
    """Each holder waits `waits_s` for its answer, its service included, so that it is renewed every `every_s` and not
    every lease.check_every; its lease lasts `lease_s` at the least.
    """

    waits_s: float
    every_s: float
    lease_s: float
    ends: Ends


def in_turn(scenario: Scenario, most: int | None = None) -> InTurn | None:
    """What becomes of renewals of which more are wanted than the workers can do, at the host that has `most` of the
    holders (needed where hosts have unequally many); None where they are fewer, or where this is not known: of classes,
    of queues that leave somebody behind, and where something refuses or slows down.
    """
    host, lease, fleet, policy = scenario.host, scenario.lease, scenario.fleet, scenario.policy
    is_plain = isinstance(policy.queue, policies.Fifo) and isinstance(policy.admission, policies.Open)
    is_plain = is_plain and policy.guard.name == "none" and host.slowdown is None and not scenario.rules
    is_changed = any(isinstance(one, SetKey | Scale | Throttle) for one in scenario.operator)
    if lease is None or fleet is None or scenario.classes or not is_plain or is_changed:
        return None
    if most is None:
        if fleet.skew > 0:
            return None
        most = math.ceil(fleet.holders / scenario.hosts)
    renew_s = (host.renew_time or host.establish_time).mean_s()
    renewals_per_s = host.workers / renew_s if renew_s > 0 else math.inf
    if most / lease.check_every < renewals_per_s:
        return None
    waits_s = theory.closed_loop_s(most, renewals_per_s, lease.check_every)
    every_s, lease_s = lease.check_every + waits_s, shortest_lease_s(scenario)
    varies_s = SPREAD * math.sqrt(lease.check_every / renewals_per_s)  # as many as chance has check at one time
    ends: Ends = "well"
    if waits_s >= host.timeout.mean_s():
        ends = "late"
    elif lease_s <= every_s + varies_s:
        ends = "expired"
    elif waits_s + varies_s >= host.timeout.least_s():
        ends = "perhaps late"
    return InTurn(waits_s, every_s, lease_s, ends)


def shortest_lease_s(scenario: Scenario) -> float:
    """The shortest that a lease lasts, s, with a grace; 0 without leases."""
    rule = scenario.policy.lease
    least_s = scenario.lease.duration.least_s() if scenario.lease is not None else 0.0
    return least_s + (rule.grace if isinstance(rule, policies.Grace) else 0.0)
