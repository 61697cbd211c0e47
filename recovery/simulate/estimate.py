"""What a run will take at most: memory, events, processor time. For `recovery check`, and before a run begins.

It decides no result, so it may be made better without new results.
"""

import math
from dataclasses import dataclass

from recovery_kernels import batches, health, requests

from recovery.model import policies as named
from recovery.model.demand import Demand
from recovery.model.policies.intake import AnyQueue
from recovery.model.scenario import Scenario
from recovery.simulate import aftermath, pipeline
from recovery.stages import host as hosts
from recovery.stages import leases, queueing

BYTES_TO_START = 64  # a client's draws while its host is made
NS_PER_EVENT = 60.0  # before anything is measured
NS_PER_ATTEMPT, NS_PER_JOB, NS_PER_CHECK = 120.0, 80.0, 20.0  # of launches, of propagation, of health checks
ROW_BYTES = 8 * batches.COLUMNS
GROWTH = 3  # an array that was just doubled, with the one that it is copied from, in rows that are used


@dataclass(frozen=True)
class Estimate:
    """What a run will take: the lease stage's hosts, and what the later stages add."""

    memory_bytes: float
    events: float
    cpu_s: float
    host_bytes: float
    hosts_in_flight: int
    later_bytes: float
    low_s: float = 0.0  # what cpu_s lies between
    high_s: float = math.inf


def estimate(scenario: Scenario, threads: int) -> Estimate:
    """Memory and time at most, with so many threads."""
    first, (memory, events, cpu_s) = _hosts(scenario, threads), _later(scenario)
    return Estimate(
        memory_bytes=first.memory_bytes + memory,
        events=first.events + events,
        cpu_s=first.cpu_s + cpu_s,
        host_bytes=first.host_bytes,
        hosts_in_flight=first.hosts_in_flight,
        later_bytes=memory,
    )


def _came(scenario: Scenario, demand: Demand) -> float:
    """How many come until the horizon."""
    window = scenario.coupling.window
    return sum(demand.at((i + 0.5) * window) for i in range(scenario.windows)) * window


def _tries(scenario: Scenario, client: object, retries: int) -> float:
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


def _later(scenario: Scenario) -> tuple[float, float, float]:
    """Bytes, events and processor seconds of launches, propagation and health checks: all launches denied until they
    are all let out in one stretch, and no job done before the last.
    """
    launching, propagating, checking = scenario.launches, scenario.propagation, scenario.health
    if launching is None:
        return 0.0, 0.0, 0.0
    asked, changes = _came(scenario, launching.demand), _came(scenario, launching.changes)
    columns = len(aftermath.LAUNCH_COLUMNS)
    jobs = asked + changes
    attempts = asked * _tries(scenario, launching.client, launching.retries)
    memory = GROWTH * ROW_BYTES * (asked + jobs)  # customers that wait; jobs let out
    events, cpu_s = attempts + changes, (attempts + changes) * NS_PER_ATTEMPT / 1e9
    if propagating is not None:
        columns += len(aftermath.PROPAGATION_COLUMNS)
        comes_back = propagating.fails > 0 or not isinstance(propagating.intake, AnyQueue)
        memory += GROWTH * ROW_BYTES * jobs * (2 if comes_back else 1)
        tries = jobs * (_tries(scenario, propagating.client, propagating.retries) if comes_back else 1)
        events += tries
        cpu_s += tries * NS_PER_JOB / 1e9
    if checking is not None:
        zones = scenario.fleet.zones if scenario.fleet is not None else 1
        columns += len(aftermath.HEALTH_COLUMNS) + zones * len(aftermath.ZONE_COLUMNS)
        checks = checking.targets * scenario.horizon / checking.interval
        orders = scenario.coupling.window // checking.interval + 2
        memory += checking.targets * 8 * (health.COLUMNS + 4 + 2 * orders) + GROWTH * 16 * asked
        events += checks
        cpu_s += checks * NS_PER_CHECK / 1e9
    return memory + 3 * 8 * columns * scenario.windows, events, cpu_s


def _hosts(scenario: Scenario, threads: int) -> Estimate:
    """The hosts alone: clients, and an unbounded queue that takes in every attempt until the horizon."""
    together = any(action.when is not None for action in scenario.operator)
    simulated = pipeline.simulated_hosts(scenario)
    in_flight = simulated if together else min(threads, simulated)
    curves = 0.0  # of the sample's hosts, which tell how far it may be off
    timeout = max(scenario.host.timeout.mean_s(), 1e-6)
    bounded = isinstance(scenario.policy.queue, named.Bounded)
    if scenario.fleet is not None and scenario.lease is not None:
        clients = float(leases.holders_of(scenario).max())
        attempts = clients * scenario.horizon / min(timeout, scenario.lease.check_every)
        kept = clients if scenario.host.cancel_on_timeout else attempts
        curves = 0.0 if simulated == scenario.hosts else 3.0 * 8 * simulated * scenario.windows
    else:
        steps = scenario.jobs.steps if scenario.jobs else ()
        ends = [*[step.at for step in steps[1:]], scenario.horizon]
        arrivals = (
            sum(step.rate_per_s() * max(end - step.at, 0.0) for step, end in zip(steps, ends, strict=True))
            / scenario.hosts
        )
        retries = scenario.jobs.retries if scenario.jobs else 0
        tries = scenario.horizon / timeout / 2 if retries < 0 else min(retries, scenario.horizon / timeout)
        clients, attempts = arrivals, arrivals * (1 + tries)
        kept = clients if scenario.host.cancel_on_timeout else attempts
    served = scenario.establish_per_s * scenario.horizon
    if bounded:
        kept = min(kept, float(queueing.queue_limit(scenario.policy.queue.limit, scenario.establish_per_s)))  # type: ignore[union-attr]
    else:
        kept = max(kept - served, min(kept, clients))
    # A queue is a power of two, as are the rows of jobs; both are copied when they double.
    rows = clients if scenario.fleet is not None else 2 * clients
    each = rows * hosts.MEMORY_PER_CLIENT + max(3 * kept, 2 * clients) * hosts.MEMORY_PER_REQUEST
    each += scenario.windows * 8 + 2 * requests.HISTOGRAM * 8
    series = (
        scenario.windows * len(pipeline.COLUMNS) * 8
    )  # a host's own, unless hosts take turns; waiting to be added; sums
    own = threads if together else 5 * threads
    total = in_flight * each + (own + 5) * series + curves
    total += min(threads, simulated) * clients * BYTES_TO_START + 4 * scenario.hosts * 8
    events = simulated * (2 * attempts + min(served, attempts))
    return Estimate(total, events, events * NS_PER_EVENT / 1e9, each, in_flight, 0.0)
