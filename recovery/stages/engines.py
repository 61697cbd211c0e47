"""Which engine runs the hosts of a scenario: the fastest that is exact (MODEL.md, section 3, "Two engines").

A scenario never names it, and no result hangs on it: wherever several can run the same host, they agree bit for bit.
"""

from recovery_kernels.lanes import rules
from recovery_kernels.requests import Params

from recovery.model.scenario import Scenario
from recovery.stages import queueing
from recovery.units import ns

EVENTS, LANES, SESSIONS = "events", "lanes", "sessions"


def runs_on_lanes(scenario: Scenario, params: Params) -> bool:
    """Whether a scenario of the first model, with these parameters, runs on the lane engine: that carries its rules."""
    return rules.carries(params, scenario.windows * ns(scenario.coupling.window))


def engine_of(scenario: Scenario) -> str:
    """The engine of a scenario's hosts, as its manifest names it."""
    if scenario.rules:
        return SESSIONS
    return LANES if runs_on_lanes(scenario, queueing.params(scenario, queueing.MeasuredValues())) else EVENTS


def looks_at_queue(scenario: Scenario) -> bool:
    """Whether the lane engine has to look at those who wait one by one, in a kernel of its own."""
    return rules.looks_at_queue(queueing.params(scenario, queueing.MeasuredValues()))
