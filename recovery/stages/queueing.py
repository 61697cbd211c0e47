"""From a scenario to the numbers that the request kernel takes: parameters, controls, hosts.

Shared by all queueing stages.
"""

import functools
import math
from collections.abc import Sequence
from decimal import Decimal, localcontext
from typing import NamedTuple

import numpy as np
from recovery_kernels import draws, limits, policies, requests
from recovery_kernels.draws import Dist
from recovery_kernels.requests import Inputs, Params

from recovery.kept import Kept
from recovery.model.dependency import Outage
from recovery.model.distributions import Distribution
from recovery.model.operator import Pause, Restart, Throttle
from recovery.model.policies.lowered import LetsIn, Order, Waits
from recovery.model.policies.rule import LONGEST_QUEUE
from recovery.model.scenario import Scenario
from recovery.stages import host as hosts
from recovery.stages import lanes
from recovery.statistics.arrays import Floats
from recovery.units import ns

_OFF = -1.0  # rate of a gate that is open to all


class MeasuredValues:
    """Collects measured values, which all distributions of a run share in one array."""

    def __init__(self) -> None:
        """Start empty."""
        self.values: list[Floats] = []

    def add(self, values_ns: Floats) -> tuple[int, int]:
        """Append times (float64[n], ns); returns where they lie and how many they are."""
        first = sum(map(len, self.values))
        self.values.append(values_ns)
        return first, len(values_ns)

    def array(self) -> Floats:
        """All values, float64 ns; at least one."""
        return np.concatenate(self.values or [np.zeros(1)])


def _rounded(value: float) -> float:
    """Twelve digits: what the C library's last bit says must not decide a run."""
    return float(f"{value:.12g}")


@functools.lru_cache(maxsize=1024)
def _lognormal(mean: float, cv: float) -> tuple[float, float]:
    """Mean and standard deviation of the logarithm. In decimals, as the C library's last bit must not decide a run."""
    with localcontext() as context:
        context.prec = 40
        variance = (1 + Decimal(cv) ** 2).ln()
        return float(Decimal(mean).ln() - variance / 2), float(variance.sqrt())


def dist(distribution: Distribution, table: MeasuredValues) -> Dist:
    """The kernel's form of a distribution, in ns."""
    mean = distribution.mean_s() * 1e9
    kind, a, b, first, size = draws.CONSTANT, mean, 0.0, 0, 0
    if distribution.dist == "uniform":
        kind, a, b = draws.UNIFORM, (distribution.min or 0.0) * 1e9, (distribution.max or 0.0) * 1e9
    elif distribution.dist == "exponential":
        kind = draws.EXPONENTIAL
    elif distribution.dist == "lognormal":
        kind, (a, b) = draws.LOGNORMAL, _lognormal(mean, distribution.cv or 0.0)
    elif distribution.dist == "weibull":
        shape = distribution.shape or 1.0
        kind, a, b = draws.WEIBULL, _rounded(mean / math.gamma(1 + 1 / shape)), shape
    elif distribution.dist == "pareto":
        tail = distribution.tail or 2.0
        kind, a, b = draws.PARETO, mean * (tail - 1) / tail, tail
    elif distribution.dist == "empirical":
        kind = draws.EMPIRICAL
        first, size = table.add(distribution.values_s * 1e9)
    return Dist(kind, float(a), float(b), first, size)


def _burst(rate_per_s: float, burst_s: float) -> float:
    return max(1.0, rate_per_s * burst_s)


def lets_in(scenario: Scenario) -> LetsIn:
    """What admission lets in at one host."""
    return scenario.policy.admission.lower(scenario.establish_per_s, scenario.hosts)


def queue_bound(scenario: Scenario) -> int | None:
    """The most requests that may ever wait at one host; None without such a bound. A queue may be bounded itself, or
    its admission be closed from there on: a switch or a ramp, if it holds up everybody.
    """
    queue, door = scenario.policy.queue.lower(scenario.establish_per_s), lets_in(scenario)
    closes = door.limit if door.per_s is None and not door.is_establish_only else None
    return min((bound for bound in (queue.limit, closes) if bound is not None), default=None)


def line_of(door: LetsIn) -> tuple[int, int]:
    """How many may wait for a token, and how long (ns); none where nobody does."""
    return (0, 0) if door.wait_s is None else (door.line or LONGEST_QUEUE, ns(door.wait_s))


def admission_per_s(scenario: Scenario) -> float:
    """What admission lets in on all hosts while no queue waits, 1/s; inf without a rate."""
    door = lets_in(scenario)
    return math.inf if door.per_s is None else door.per_s * scenario.hosts


def admitted_queue(scenario: Scenario) -> float:
    """The most requests that can wait on all hosts where admission lets in no more than they do, also while the
    dependency is down: what a bucket saved up, and what the law of the queue's size allows; inf where it lets in more.
    """
    door, host, hosts, rate = lets_in(scenario), scenario.host, scenario.hosts, admission_per_s(scenario)
    if door.per_s is None:
        return math.inf
    slowest_s, others = max(host.establish_time.mean_s(), host.fails_after_s), 0.0
    if door.is_establish_only and scenario.fleet is not None and scenario.lease is not None:
        renew_s = (host.renew_time or host.establish_time).mean_s()
        others = scenario.fleet.holders * max(renew_s, host.fails_after_s) / scenario.lease.check_every
    bounds = [math.inf]
    if rate * slowest_s + others <= host.workers * hosts:
        bounds.append(_burst(rate / hosts, door.burst_s) * hosts)
    if door.limit is not None and not door.is_establish_only:
        bounds.append(float(door.limit * hosts))
    return min(bounds)


CLIENTS = {
    "immediate": policies.IMMEDIATE,
    "fixed": policies.FIXED,
    "exponential": policies.EXPONENTIAL,
    "full-jitter": policies.FULL_JITTER,
}
# Those that clients of hosts may have besides, by a rule of MODEL.md, section 13.
CLIENTS_OF_HOSTS = CLIENTS | {
    "equal-jitter": policies.EQUAL_JITTER,
    "proportional-jitter": policies.PROPORTIONAL_JITTER,
}
LIMITS = {
    "open": limits.OPEN,
    "token-bucket": limits.TOKEN_BUCKET,
    "queue-size": limits.LINEAR,
    "queue-size-switch": limits.SWITCH,
    "queue-size-ramp": limits.RAMP,
}
QUEUES = {
    "fifo": policies.FIFO,
    "lifo": policies.LIFO,
    "bounded": policies.BOUNDED,
    "drop-expired": policies.DROP_EXPIRED,
}
LEASES = {
    "fixed": policies.LEASE_FIXED,
    "grace": policies.GRACE,
    "credit-on-arrival": policies.CREDIT_ON_ARRIVAL,
    "freeze": policies.FREEZE,
    "freeze-until-heard": policies.FREEZE_UNTIL_HEARD,
}
"""What the first engine calls the rules that it knows."""


def client(waits: Waits, retries: int, round_trip_ns: int, table: MeasuredValues) -> policies.Client:
    """The kernel's form of a retry policy."""
    delay = Dist(draws.CONSTANT, 0.0, 0.0, 0, 0) if waits.delay is None else dist(waits.delay, table)
    cap_ns = 0.0 if waits.cap_s is None else waits.cap_s * 1e9
    kind, base_ns = CLIENTS_OF_HOSTS[waits.kind], waits.base_s * 1e9
    return policies.Client(kind, delay, base_ns, waits.factor, cap_ns, retries, round_trip_ns, waits.jitter)


def limit(door: LetsIn) -> limits.Limit:
    """The kernel's form of a limit by tokens (a rate and what of it may be saved up) or by a queue (its requests)."""
    per_s = 0.0 if door.per_s is None else door.per_s
    most = 1.0 if door.limit is None else float(door.limit)
    return limits.Limit(LIMITS[door.law], per_s / 1e9, _burst(per_s, door.burst_s), most, float(door.low))


def admission(scenario: Scenario) -> policies.Admission:
    """What a host lets in: of a rate it has an equal part, a time becomes the requests that are worked off in it."""
    door = lets_in(scenario)
    law = limit(door)
    return policies.Admission(law.kind, law.rate_per_ns, law.burst, law.limit, int(door.is_establish_only), law.low)


def queue(order: Order) -> policies.Queue:
    """The kernel's form of who is next."""
    return policies.Queue(QUEUES[order.kind], order.limit or 0, ns(order.max_age_s), ns(order.margin_s))


def lease(scenario: Scenario, table: MeasuredValues) -> policies.Lease:
    """The kernel's form of a lease."""
    if scenario.lease is None:
        return policies.Lease(policies.LEASE_FIXED, Dist(draws.CONSTANT, 0.0, 0.0, 0, 0), 0, policies.RESUME, 1.0)
    runs, duration = scenario.policy.lease.lower(), dist(scenario.lease.duration, table)
    thaw = policies.REARM if runs.rearms else policies.RESUME
    kind = policies.LEASE_FIXED if runs.controller is not None else LEASES[runs.kind]
    return policies.Lease(kind, duration, ns(runs.grace_s), thaw, runs.from_failures)


def params(scenario: Scenario, table: MeasuredValues) -> Params:
    """What decides every host's run."""
    part, policy = scenario.host, scenario.policy
    retries = scenario.jobs.retries if scenario.jobs else -1
    round_trip = max(1, ns(part.round_trip))
    lasts = lease(scenario, table)  # what is measured lies in this order
    slowdown = part.slowdown
    return Params(
        traffic=requests.HOLDERS if scenario.has_leases else requests.JOBS,
        workers=part.workers,
        timeout=dist(part.timeout, table),
        cancel=int(part.cancel_on_timeout),
        establish=dist(part.establish_time, table),
        renew=dist(part.renew_time or part.establish_time, table),
        fail_after_ns=0 if part.hangs else ns(part.fails_after_s),
        reject_cost_ns=ns(part.reject_cost),
        drop_cost_ns=ns(part.drop_cost),
        drop_notifies=int(part.drop_notifies),
        slowdown_a=float(slowdown.a) if slowdown else 0.0,
        slowdown_b=float(slowdown.b) if slowdown else 1.0,
        slowdown_n=float(slowdown.queue) if slowdown else 1.0,
        check_every_ns=ns(scenario.lease.check_every) if scenario.lease else 0,
        check_jitter=float(scenario.lease.check_jitter) if scenario.lease else 0.0,
        poisson=int(scenario.jobs is not None and scenario.jobs.arrivals == "poisson"),
        window_ns=ns(scenario.coupling.window),
        client=client(policy.client.lower(), retries, round_trip, table),
        admission=admission(scenario),
        queue=queue(policy.queue.lower(scenario.establish_per_s)),
        lease=lasts,
    )


class Numbers(NamedTuple):
    """What decides the run of each host of a scenario, and its measured values."""

    params: Params
    table: MeasuredValues


def _numbers(scenario: Scenario) -> Numbers:
    table = MeasuredValues()
    found = Numbers(params(scenario, table), table)
    if table.values:  # they may be long: no others are kept beside them
        numbers_of.forget()
    return found


numbers_of = Kept(_numbers, most=4096)  # more than a sweep plans ahead
"""The numbers of a scenario, the same for whoever asks: for a run's key, and for each of its hosts."""


Control = tuple[int, int, int, float, float]  # time ns, what, whole argument, two fractional arguments


def dependency_controls(scenario: Scenario) -> tuple[Control, ...]:
    """When the dependency begins and ceases to fail."""
    return _quiet_of(scenario.outages).controls


class _Quiet(NamedTuple):
    """What enters a host of leases at which nobody acts and that has no measured values."""

    controls: tuple[Control, ...]
    inputs: Inputs


def _quiet(outages: Sequence[Outage]) -> _Quiet:
    controls: list[Control] = []
    for outage in outages:
        if controls and controls[-1][0] == ns(outage.start):
            controls.pop()  # one outage goes over into the next: no moment of health between them
        controls.append((ns(outage.start), requests.DEPENDENCY, 0, outage.fails, 0.0))
        controls.append((ns(outage.end), requests.DEPENDENCY, 0, 0.0, 0.0))
    return _Quiet(tuple(controls), inputs(controls, MeasuredValues()))


_quiet_of = Kept(_quiet, most=4096)
"""It is the same for all draws that leave the outages as they are."""


def restart_controls(scenario: Scenario, action: Restart, start_s: float, host: int, zones: int) -> list[Control]:
    """When one host is restarted by an action that starts at `start_s`, if it is.

    Hosts of one wave are spread over the fleet, and so are those that are spared.
    """
    turn = _turn(scenario, action.share, action.zone, host, zones)
    if turn is None:
        return []
    wave = turn % action.waves
    return [(ns(start_s + wave * action.every), requests.RESTART, ns(action.down_for), 0.0, 0.0)]


def _turn(scenario: Scenario, share: float, zone: int | None, host: int, zones: int) -> int | None:
    """Which of a share of the hosts, or of those of a zone, this one is, counted from 0; None if it is none of them.
    They are spread evenly.
    """
    place, among = host, scenario.hosts
    if zone is not None:
        if host % zones != zone:
            return None
        place, among = host // zones, len(range(zone, scenario.hosts, zones))
    reached = math.ceil(share * among - 1e-9)
    return place * reached // among if place * reached % among < reached else None


def is_among(scenario: Scenario, share: float, zone: int | None, host: int, zones: int) -> bool:
    """Whether a host is one of a share of the hosts, or of those of a zone."""
    return _turn(scenario, share, zone, host, zones) is not None


class Begun(NamedTuple):
    """An action of operators that has begun, by its place in the file, and when."""

    place: int
    at_s: float


def begun_at_once(scenario: Scenario) -> list[Begun]:
    """The actions that wait for a condition, as if it came at once."""
    return [Begun(place, 0.0) for place, action in enumerate(scenario.operator) if action.when is not None]


class Gate(NamedTuple):
    """What an operator's gate lets in at one host: a bucket's rate, 1/s (0 without one), whether it spares renewals,
    what it may save up (requests), by which law of the queue's size from `low` to `limit` requests, how many may wait
    how long for their token, and requests of which classes it is for (none: all). Of two the stricter is the lesser.
    """

    rate_per_s: float
    spares_renewals: bool
    burst: float
    limit: float = math.inf
    low: float = 0.0
    law: str = "token-bucket"
    line: int = 0
    wait_ns: int = 0
    classes: tuple[str, ...] = ()


_SHUT = LetsIn("token-bucket", 0.0)


def _gate(action: Throttle | Pause, door: LetsIn) -> Gate:
    limit = math.inf if door.limit is None else float(door.limit)
    return Gate(
        door.per_s or 0.0, action.spares_renewals, door.tokens, limit, float(door.low), door.law, *line_of(door),
        action.classes,
    )  # fmt: skip


def gate_steps(scenario: Scenario, action: Throttle | Pause, start_s: float) -> list[tuple[float, Gate | None]]:
    """What an action does to the gate of one host, from when on (s); None: it lets go."""
    if isinstance(action, Pause):
        return [(start_s, _gate(action, _SHUT)), (start_s + action.lasts, None)]
    can, hosts = scenario.establish_per_s, scenario.hosts
    return [
        (start_s + after, None if law is None else _gate(action, law.lower(can, hosts))) for after, law in action.laws
    ]


def gates(scenario: Scenario, begun: Sequence[Begun], host: int, zones: int) -> list[tuple[int, Gate | None]]:
    """What all throttles and pauses of one gate do to one host, from when on (ns): where several are on at a time, the
    one with the lowest rate holds; None: the gate is open. An action that a condition sets off again is in `begun`
    again.
    """
    turns: list[tuple[float, int, int, Gate | None]] = []  # when, place, which of `begun`, its gate from then on
    for order, (place, start_s) in enumerate(begun):
        action = scenario.operator[place]
        if isinstance(action, Throttle | Pause) and action.zone in (None, host % zones):
            turns += [(at, place, order, its) for at, its in gate_steps(scenario, action, start_s)]
    turns.sort(key=lambda turn: turn[:3])
    on: dict[int, Gate] = {}
    found: list[tuple[int, Gate | None]] = []
    for at, _, order, its in turns:
        on.pop(order, None)
        if its is not None:
            on[order] = its
        gate = min(on.values()) if on else None
        if found and found[-1][0] == ns(at):
            found.pop()  # what one does as another ends is one change
        if not found or found[-1][1] != gate:
            found.append((ns(at), gate))
    return found


def gate_controls(scenario: Scenario, begun: Sequence[Begun], host: int, zones: int) -> list[Control]:
    """The same as controls of the first engine, which knows no classes."""
    return [
        (at_ns, requests.GATE, 0, _OFF, 1.0)
        if gate is None
        else (at_ns, requests.GATE, int(gate.spares_renewals), gate.rate_per_s / 1e9, gate.burst)
        for at_ns, gate in gates(scenario, begun, host, zones)
    ]


def controls_of(scenario: Scenario, host: int, started: Sequence[Begun]) -> list[Control]:
    """All controls of one host, in order of time; at one time the dependency first, then restarts as the file has
    them, then throttles.

    `started` are the actions that a condition has set off.
    """
    starts = _starts(scenario, started)
    controls = [*dependency_controls(scenario), *_restarts_of(scenario, host, starts)]
    controls += gate_controls(scenario, starts, host, scenario.zones)
    return sorted(controls, key=lambda control: control[0])  # stable: the order above decides ties


def alike(scenario: Scenario, started: Sequence[Begun]) -> list[int]:
    """Of each host a number, from 0 on in the order of hosts: those with the same controls have the same. Of a zone all
    have the same throttles, which take longest to find, so only restarts are asked of each host.
    """
    starts, zones = _starts(scenario, started), scenario.zones
    gates = [tuple(gate_controls(scenario, starts, zone, zones)) for zone in range(min(zones, scenario.hosts))]
    seen: dict[tuple[tuple[Control, ...], ...], int] = {}
    return [
        seen.setdefault((gates[host % zones], tuple(_restarts_of(scenario, host, starts))), len(seen))
        for host in range(scenario.hosts)
    ]


def _starts(scenario: Scenario, started: Sequence[Begun]) -> list[Begun]:
    """Which actions begin when: those of the file at their times, and those that a condition has set off."""
    starts = {place: action.at for place, action in enumerate(scenario.operator) if action.at is not None}
    return [Begun(*one) for one in (starts | dict(started)).items()]


def _restarts_of(scenario: Scenario, host: int, starts: Sequence[Begun]) -> list[Control]:
    """Restarts of one host, as the file has them."""
    found: list[Control] = []
    for place, start_s in sorted(starts):
        action = scenario.operator[place]
        if isinstance(action, Restart):
            found += restart_controls(scenario, action, start_s, host, scenario.zones)
    return found


def inputs(controls: Sequence[Control], table: MeasuredValues, arrivals: Sequence[tuple[float, float]] = ()) -> Inputs:
    """The kernel's form of controls and of arrivals: (from s, rate 1/s) in order of time."""
    return Inputs(
        controls=np.array([control[:3] for control in controls], np.int64).reshape(-1, 3),
        control_args=np.array([control[3:] for control in controls], np.float64).reshape(-1, 2),
        arrivals_ns=np.array([ns(at) for at, _ in arrivals] or [0], np.int64),
        arrivals_per_ns=np.array([rate / 1e9 for _, rate in arrivals] or [0.0], np.float64),
        table=table.array(),
    )


def quiet_inputs(scenario: Scenario, table: MeasuredValues) -> Inputs:
    """What enters each host of leases at which nobody acts, beside its numbers."""
    return inputs(dependency_controls(scenario), table) if table.values else _quiet_of(scenario.outages).inputs


def lowered(scenario: Scenario) -> list[object]:
    """The numbers that the kernel takes, of the host of each zone. Which host a restart takes is counted from what the
    scenario says; actions that wait for a condition are lowered as if it came at once.
    """
    own, table = numbers_of(scenario)
    zones, waiting = min(scenario.zones, scenario.hosts), begun_at_once(scenario)
    if scenario.has_leases and not scenario.operator:
        return [scenario.windows, own, *quiet_inputs(scenario, table), [dependency_controls(scenario)] * zones]
    controls = [controls_of(scenario, host, waiting) for host in range(zones)]
    steps = scenario.steps
    arrivals = [(step.at, step.rate_per_s() / scenario.hosts) for step in steps]
    return [scenario.windows, own, *inputs(controls[0], table, arrivals), controls]


def recontrol(run: hosts.Running, controls: Sequence[Control]) -> None:
    """Give a running host of the first model a new list of controls; what lies in its past must be the same."""
    if not isinstance(run, hosts.HostRun | lanes.LaneRun):
        raise TypeError(f"{type(run).__name__} has no controls; want a host of the first model")
    fresh = inputs(controls, MeasuredValues())
    run.inputs = run.inputs._replace(controls=fresh.controls, control_args=fresh.control_args)


def span_ns(scenario: Scenario) -> int:
    """The longest usual wait of a client, which sets the wheel's turn."""
    waits = [scenario.host.timeout.mean_s()]
    if scenario.lease is not None:
        waits.append(scenario.lease.check_every * (1 + scenario.lease.check_jitter))
    waits.append(scenario.policy.client.lower().longest_s)
    return ns(min(max(waits), scenario.horizon))
