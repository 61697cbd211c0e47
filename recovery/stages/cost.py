"""What comes to a later stage at most, for its estimate: how many, and how often each tries."""

from recovery_kernels import batches

from recovery.model import policies as named
from recovery.model.demand import Demand
from recovery.model.scenario import Scenario

ROW_BYTES = 8 * batches.COLUMNS
GROWTH = 3  # an array that was just doubled, with the one that it is copied from, in rows that are used


def came(scenario: Scenario, demand: Demand) -> float:
    """How many come until the horizon."""
    return demand.total(scenario.windows * scenario.coupling.window)


def tries(scenario: Scenario, client: object, retries: int) -> float:
    """Attempts of one that comes in the middle of the time and is denied to the end."""
    wait = scenario.coupling.window
    if isinstance(client, named.Fixed):
        wait = max(wait, client.delay.mean_s())
    elif isinstance(client, named.Exponential):
        wait = max(wait, client.cap)
    elif isinstance(client, named.FullJitter):
        wait = max(wait, client.cap / 2)
    again = scenario.horizon / 2 / wait
    return 1 + (again if retries < 0 else min(retries, again))
