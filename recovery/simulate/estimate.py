"""What a run will take at most: memory, events, processor time. For `recovery check`, and before a run begins.

It decides no result, so it may be made better without new results.
"""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

from recovery_kernels import requests

from recovery.model import policies
from recovery.model.at_best import after, job_steps
from recovery.model.operator import HoldClients, Scale, SetKey
from recovery.model.scenario import Scenario
from recovery.simulate import pipeline
from recovery.stages import engines, known, lanes, leases, queueing
from recovery.stages import host as hosts

BYTES_TO_START = 64  # a client's draws while its host is made
NS_PER_EVENT = 60.0  # before anything is measured


@dataclass(frozen=True)
class Estimate:
    """What a run will take: its hosts, `hosts_share` of the time, and what the later stages add."""

    memory_bytes: float
    events: float
    cpu_s: float
    host_bytes: float
    hosts_in_flight: int
    later_bytes: float
    low_s: float = 0.0  # what cpu_s lies between
    high_s: float = math.inf
    hosts_share: float = 1.0
    shares_hosts: bool = False

    def with_known(self, hosts: bool, later_anew: float) -> "Estimate":
        """The same of a run whose `hosts` another one has run, and of whose later stages this share of the time is
        left.
        """
        left = self.hosts_share * (not hosts) + (1 - self.hosts_share) * later_anew
        return replace(
            self,
            events=self.events * left,
            cpu_s=self.cpu_s * left,
            low_s=self.low_s * left,
            high_s=self.high_s * left,
            shares_hosts=hosts,
        )


def estimate(scenario: Scenario, threads: int) -> Estimate:
    """Memory and time at most, with so many threads."""
    first, (memory, events, cpu_s) = _hosts_at_most(scenario, threads), _later(scenario)
    return Estimate(
        memory_bytes=first.memory_bytes + memory,
        events=first.events + events,
        cpu_s=first.cpu_s + cpu_s,
        host_bytes=first.host_bytes,
        hosts_in_flight=first.hosts_in_flight,
        later_bytes=memory,
        hosts_share=first.cpu_s / max(first.cpu_s + cpu_s, 1e-9),
    )


def _later(scenario: Scenario) -> tuple[float, float, float]:
    """Bytes, events and processor seconds of the later stages: all launches denied until they are all let out in one
    stretch, and no job done before the last.
    """
    stages = known.later_of(scenario)
    costs = [stage.cost(scenario) for stage in stages]
    zones = scenario.zones
    columns = sum(zones if one.by_zone else 1 for stage in stages for one in stage.columns)
    memory = math.fsum(cost.memory_bytes for cost in costs) + 3 * 8 * columns * scenario.windows
    return memory, math.fsum(cost.events for cost in costs), math.fsum(cost.cpu_s for cost in costs)


def _hosts_at_most(scenario: Scenario, threads: int) -> Estimate:
    """The hosts alone, with the most memory that they take as the file has them or with one edit by operators."""
    sets = [one for one in scenario.operator if isinstance(one, SetKey | Scale)]
    found = [_hosts(one, threads) for one in (scenario, *(after(scenario, [action]) for action in sets))]
    memory, host = max(one.memory_bytes for one in found), max(one.host_bytes for one in found)
    return replace(found[0], memory_bytes=memory, host_bytes=host)


def _hosts(scenario: Scenario, threads: int) -> Estimate:
    """The hosts alone: clients, and an unbounded queue that takes in every attempt until the horizon."""
    together = any(action.when is not None for action in scenario.operator)
    simulated = pipeline.simulated_hosts(scenario)
    in_flight = simulated if together else min(threads, simulated)
    bound = queueing.queue_bound(scenario)
    seen = [scenario.seen_by(name) for name in scenario.classes] or [scenario]
    members = [0] * len(seen)
    if scenario.has_leases:  # of the largest host
        members = leases.members_of(scenario, 0, int(leases.holders_of(scenario).max()))
    curves = 0.0  # of the sample's hosts, which tell how far it may be off
    if scenario.has_leases and simulated < scenario.hosts:
        curves = 3.0 * 8 * simulated * scenario.windows
    came = [_came(one, many) for one, many in zip(seen, members, strict=True)]
    clients, attempts = math.fsum(one.clients for one in came), math.fsum(one.attempts for one in came)
    kept, rows = math.fsum(one.kept for one in came), math.fsum(one.rows for one in came)
    served = scenario.establish_per_s * scenario.horizon
    kept = min(kept, float(bound)) if bound is not None else max(kept - served, min(kept, clients))
    # A queue is a power of two, as are the rows of jobs; both are copied when they double.
    engine = engines.engine_of(scenario)
    takes = lanes if engine == engines.LANES else hosts
    if takes is lanes:
        rows = clients  # its rings may be twice as long, which is counted there
    each = rows * takes.MEMORY_PER_CLIENT + max(3 * kept, 2 * clients) * takes.MEMORY_PER_REQUEST
    if takes is lanes and scenario.policy.queue.lower(scenario.establish_per_s).is_newest_first:
        each += rows * lanes.MEMORY_PER_CLIENT_NEWEST_FIRST + 3 * kept * lanes.MEMORY_ON_STACK
    each += scenario.windows * 8 + 2 * requests.HISTOGRAM * 8
    if engine == engines.SESSIONS:
        from recovery.stages.sessions import run as sessions  # its engine is loaded where it is asked for

        follow = any(one.after for one in scenario.classes.values())  # and come in step with whom they follow
        at_once = rows if follow else math.fsum(_at_once(one, many.rows) for one, many in zip(seen, came, strict=True))
        each = sessions.bytes_of_host(scenario, at_once, kept)
    # A series is a host's own (unless hosts take turns), or waits to be added, maybe with those of its group, or holds
    # sums; and one a class.
    series = scenario.windows * known.traffic_of(scenario).width * 8 * (1 + len(scenario.classes))
    own = threads if together else 5 * threads * pipeline.hosts_in_group(scenario)
    total = in_flight * each + (own + 5) * series + curves
    if together and in_flight * each <= pipeline.KEPT_BYTES:  # to go back to
        total += in_flight * each
    begun = math.fsum(members) if scenario.has_leases else clients
    total += min(threads, simulated) * begun * BYTES_TO_START + 4 * scenario.hosts * 8
    events = simulated * (2 * attempts + min(served, attempts))
    return Estimate(total, events, events * NS_PER_EVENT / 1e9, each, in_flight, 0.0)


# Keys that decide how long a job stays, as they begin; where one is set in a run, nothing is known of that.
_HELD_BY = (
    *("host.timeout", "host.round_trip", "host.hint", "host.bar"),
    *("policy.client", "policy.guard", "jobs.", "classes."),
)


def _at_once(scenario: Scenario, rows: float) -> float:
    """The rows that the engine of sessions needs at one time. Those of jobs with so many retries are free when the last
    attempt has ended, whatever the host does; who come at random and stay a while are Poisson's in number, who never
    passes twice the mean and 64.
    """
    jobs, host, policy = scenario.jobs, scenario.host, scenario.policy
    if jobs is None or jobs.retries < 0 or jobs.retries * host.timeout.mean_s() > scenario.horizon:
        return rows
    edits = (one for one in scenario.operator if isinstance(one, SetKey) and one.key.startswith(_HELD_BY))
    held = next(edits, None) is not None or any(
        isinstance(one, HoldClients) or (isinstance(one, Scale) and one.hosts is not None) for one in scenario.operator
    )
    waits = policy.client.lower()
    held = held or waits.controller is not None
    barred = 0.0 if host.bar is None else host.bar.share
    if held or host.hint is not None or barred == 1.0 or not isinstance(policy.guard, policies.NoGuard):
        return rows  # clients may stay longer than their attempts and their back-off take
    cap_s = math.inf if host.timeout_cap is None else host.timeout_cap
    tries = (host.timeout.mean_s() * host.timeout_growth**n for n in range(jobs.retries + 1))
    stays_s = math.fsum(min(one, cap_s) for one in tries) + jobs.retries * (waits.longest_s + host.round_trip)
    if host.bar is not None:  # each attempt may be barred again and again
        stays_s += (jobs.retries + 1) * barred / (1 - barred) * (host.bar.time.mean_s() + host.round_trip)
    most = max(step.rate_per_s() for step in scenario.steps) / scenario.hosts * stays_s
    return min(rows, 2 * (2 * most + 64))


class _Came(NamedTuple):
    """Clients of one host, or jobs that come to it, their attempts, the requests that it keeps at most if nothing is
    served, and the rows that it has for them.
    """

    clients: float
    attempts: float
    kept: float
    rows: float


def _came(scenario: Scenario, holders: int) -> _Came:
    """What comes to a host of so many holders, or of jobs, until the horizon."""
    timeout = max(scenario.host.timeout.mean_s(), 1e-6)
    if scenario.fleet is not None and scenario.lease is not None:
        clients = float(holders)
        attempts = clients * scenario.horizon / min(timeout, scenario.lease.check_every)
    else:
        steps = job_steps(scenario)
        ends = [*[step.at for step in steps[1:]], scenario.horizon]
        clients = (
            sum(step.rate_per_s() * max(end - step.at, 0.0) for step, end in zip(steps, ends, strict=True))
            / scenario.hosts
        )
        retries = scenario.jobs.retries if scenario.jobs else 0
        tries = scenario.horizon / timeout / 2 if retries < 0 else min(retries, scenario.horizon / timeout)
        attempts = clients * (1 + tries)
    cancel = scenario.host.cancel or ("worker" if scenario.host.cancel_on_timeout else "none")
    kept = attempts if cancel == "none" else clients
    return _Came(clients, attempts, kept, clients if scenario.has_leases else 2 * clients)
