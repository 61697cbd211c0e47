"""Which stages there are: the one list of them."""

from recovery.model.scenario import Scenario
from recovery.stages import health, jobs, launches, leases, propagation
from recovery.stages.sessions import traffic as sessions
from recovery.stages.stage import Later
from recovery.stages.traffic import Traffic

TRAFFIC: tuple[Traffic, ...] = (sessions.LEASES, sessions.JOBS, leases.STAGE, jobs.STAGE)
"""What makes requests at hosts; a scenario has the first of them that it asks for."""

LATER: tuple[Later, ...] = (launches.STAGE, propagation.STAGE, health.STAGE)
"""What follows the leases, in the order in which the stages take from each other."""


def traffic_of(scenario: Scenario) -> Traffic:
    """The traffic that a scenario has."""
    return next(one for one in TRAFFIC if one.is_in(scenario))


def later_of(scenario: Scenario) -> tuple[Later, ...]:
    """The later stages that a scenario has."""
    return tuple(one for one in LATER if one.is_in(scenario))
