"""Which engine runs the hosts of a scenario: the fastest that is exact (MODEL.md, section 3, "Two engines").

A scenario never names it, and no result hangs on it: wherever several can run the same host, they agree bit for bit.
"""

from recovery_kernels.lanes import rules
from recovery_kernels.requests import Params

from recovery.kept import Kept
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
    if runs_on_lanes(scenario, numbers_of_class(scenario).params):
        return LANES
    return SESSIONS if scenario.rules else EVENTS


def looks_at_queue(scenario: Scenario) -> bool:
    """Whether the lane engine has to look at those who wait one by one, in a kernel of its own."""
    return rules.looks_at_queue(numbers_of_class(scenario).params)


def seen_alone(scenario: Scenario) -> Scenario:
    """A scenario of one class at most, as its clients see it."""
    return scenario.seen_by(next(iter(scenario.classes))) if scenario.classes else scenario


def _numbers_of_class(scenario: Scenario) -> queueing.Numbers:
    if not scenario.classes:
        return queueing.numbers_of(scenario)
    table = queueing.MeasuredValues()
    own = queueing.params(seen_alone(scenario), table)
    order = scenario.policy.queue.lower(scenario.establish_per_s)
    own = own._replace(admission=queueing.admission(scenario), queue=queueing.queue(order))  # they are the host's
    if table.values:  # they may be long: no others are kept beside them
        numbers_of_class.forget()
    return queueing.Numbers(own, table)


numbers_of_class = Kept(_numbers_of_class, most=64)
"""The numbers of a host whose clients are of one class at most."""


def _are_carried(scenario: Scenario) -> bool:
    if len(scenario.classes) > 1 or not scenario.has_leases or scenario.jobs is not None:
        return False
    if any(place.is_jobs for place in scenario.places.values()):
        return False
    used = {rule.key for rule in (*scenario.rules, *seen_alone(scenario).rules_anew())}
    return used <= {f"classes.{name}" for name in scenario.classes}


_carries_rules = Kept(_are_carried, most=64)
"""Whether the rules of section 13 that a scenario uses are those that lanes carry: one class of holders."""
