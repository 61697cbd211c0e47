"""Which engine runs the hosts of a scenario: the fastest that is exact (MODEL.md, section 3, "Two engines").

A scenario never names it, and no result hangs on it: wherever several can run the same host, they agree bit for bit.
"""

from typing import NamedTuple

from recovery_kernels.lanes import rules
from recovery_kernels.requests import Params

from recovery.kept import Kept
from recovery.model.operator import EndSessions, Pause, Restart, Throttle
from recovery.model.scenario import Scenario
from recovery.stages import queueing
from recovery.units import ns

EVENTS, LANES, SESSIONS = "events", "lanes", "sessions"


def runs_on_lanes(scenario: Scenario, params: Params) -> bool:
    """Whether a scenario, whose holders have these parameters, runs on the lane engine: that carries its rules."""
    return rules.carries(params, scenario.windows * ns(scenario.coupling.window))


def engine_of(scenario: Scenario) -> str:
    """The engine of a scenario's hosts, as its manifest names it."""
    if scenario.rules and not _carries_rules(scenario):
        return SESSIONS
    each = numbers_of_classes(scenario).each
    if all(runs_on_lanes(scenario, own) for own in each) and rules.go_together(each):
        return LANES
    return SESSIONS if scenario.rules else EVENTS


def looks_at_queue(scenario: Scenario) -> bool:
    """Whether the lane engine has to look at those who wait one by one, in a kernel of its own."""
    return rules.looks_at_queue(numbers_of_classes(scenario).each[0])


def seen_by_each(scenario: Scenario) -> list[Scenario]:
    """A scenario as the clients of each class see it; the one that it is without classes."""
    return [scenario.seen_by(name) for name in scenario.classes] or [scenario]


class Numbers(NamedTuple):
    """What decides the run of each host, as the clients of each class see it, and its measured values."""

    each: tuple[Params, ...]
    table: queueing.MeasuredValues


def _numbers_of_classes(scenario: Scenario) -> Numbers:
    if not scenario.classes:
        own, table = queueing.numbers_of(scenario)
        return Numbers((own,), table)
    table, door = queueing.MeasuredValues(), queueing.admission(scenario)
    line = queueing.queue(scenario.policy.queue.lower(scenario.establish_per_s))  # both are the host's
    each = tuple(queueing.params(seen, table)._replace(admission=door, queue=line) for seen in seen_by_each(scenario))
    if table.values:  # they may be long: no others are kept beside them
        numbers_of_classes.forget()
    return Numbers(each, table)


numbers_of_classes = Kept(_numbers_of_classes, most=64)
"""The numbers of a host for each class of its holders."""


def _are_carried(scenario: Scenario) -> bool:
    if not scenario.has_leases or scenario.jobs is not None:
        return False
    if any(place.is_jobs for place in scenario.places.values()):
        return False
    if not all(isinstance(action, EndSessions | Restart | Throttle | Pause) for action in scenario.operator):
        return False
    used = {rule.key for one in (scenario, *seen_by_each(scenario)) for rule in one.rules_anew()}
    carried = {"fleet.start", "fleet.in_step", "lease.first_delay", "host.slowdown.by"}
    carried |= {key for name in scenario.classes for key in (f"classes.{name}", f"classes.{name}.priority")}
    for place, action in enumerate(scenario.operator):
        carried |= {f"operator.{place}.{key}" for key in ("again_after", "notice", "sessions", "told")}
        if isinstance(action, EndSessions):
            carried |= {f"operator.{place}", f"operator.{place}.classes"}
    if all(one.policy.client.lower().kind in queueing.CLIENTS_OF_HOSTS for one in seen_by_each(scenario)):
        carried |= {"policy.client"} | {f"classes.{name}.client" for name in scenario.classes}
    return used <= carried


_carries_rules = Kept(_are_carried, most=64)
"""Whether the rules of section 13 that a scenario uses are those that lanes carry: classes of holders, their
priorities, waits with equal or proportional jitter, slowdown by what is in service, and sessions that end.
"""
