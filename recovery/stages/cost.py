"""What comes to a later stage at most, for its estimate: how many, and how often each tries."""

from recovery_kernels import batches

from recovery.model.demand import Demand
from recovery.model.policies.lowered import Waits
from recovery.model.scenario import Scenario

ROW_BYTES = 8 * batches.COLUMNS
GROWTH = 3  # an array that was just doubled, with the one that it is copied from, in rows that are used


def came(scenario: Scenario, demand: Demand) -> float:
    """How many come until the horizon."""
    return demand.total(scenario.windows * scenario.coupling.window)


def tries(scenario: Scenario, waits: Waits, retries: int) -> float:
    """Attempts of one that comes in the middle of the time and is denied to the end."""
    wait = max(scenario.coupling.window, waits.longest_s * waits.longest_share)
    again = scenario.horizon / 2 / wait
    return 1 + (again if retries < 0 else min(retries, again))
