"""Our engines as programs that solve the yardsticks (see `peers`): one host, driven as a stage drives it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from time import process_time
from typing import NamedTuple

import numpy as np
from peers import StormParams, StormResult
from peers.mm8 import QueueParams, QueueResult
from recovery_kernels import draws, events, limits, policies, requests
from recovery_kernels.draws import Dist
from recovery_kernels.sessions import layout

from recovery.reading.experiment import parse
from recovery.stages import host as hosts
from recovery.stages import lanes, leases
from recovery.stages.engines import EVENTS, LANES, SESSIONS
from recovery.stages.sessions import on_lanes
from recovery.stages.sessions.run import SessionRun, new_run
from recovery.statistics.arrays import Whole

Host = hosts.HostRun | lanes.LaneRun | SessionRun

SECOND = 10**9
WINDOW_S = 10
FOR_EVER_S = 1e7  # a timeout that no run comes to
ON_LANES = "sessions on lanes"  # the lane engine, told the same as that of sessions


class Rules(NamedTuple):
    """Rules beside those of the storm: whether clients take back what they no longer wait for, who is next, and the
    tables of a file for sessions and classes.
    """

    cancel: bool = False
    queue: int = policies.FIFO
    tables: str = "[classes.all]"


PLAIN = Rules()
TWO_CLASSES = Rules(tables="[classes.half]\nshare = 0.5\n[classes.rest]\n")
STORM = """
horizon = "{horizon_s}s"
hold = "1s"
fleet = {{ holders = {holders}, hosts = 1 }}
lease = {{ duration = "{lease_s}s", check_every = "{renew_after_s}s", check_jitter = {jitter} }}
policy.client = "immediate"
coupling.window = "{window_s}s"
[host]
workers = {workers}
establish_time = {{ dist = "exponential", mean = "{service_s:.9f}s" }}
renew_time = {{ dist = "exponential", mean = "{service_s:.9f}s" }}
timeout = "{timeout_s}s"
"""


@dataclass(frozen=True)
class OurResult(StormResult):
    """`set_up_s` of `cpu_s` went by before the first event; operators ended so many sessions."""

    set_up_s: float
    sessions_ended: int

    @property
    def set_up_ns_per_event(self) -> float:
        return self.set_up_s * 1e9 / self.logical_events

    @property
    def run_ns_per_event(self) -> float:
        return self.ns_per_event - self.set_up_ns_per_event


def missing() -> str | None:
    return None


@cache
def _compiled(engine: str, rules: Rules) -> None:
    """Compile the kernel or load it, outside the measured time."""
    _simulate(StormParams(holders=4, horizon_s=float(WINDOW_S)), engine, rules)


def run(params: StormParams, engine: str = LANES, rules: Rules = PLAIN) -> OurResult:
    """The storm on one of the engines. With `rules.tables`, which the engine of sessions always has, and lanes in its
    place, there are no other rules.
    """
    _compiled(engine, rules._replace(tables=PLAIN.tables) if engine in (SESSIONS, ON_LANES) else rules)
    return _simulate(params, engine, rules)


def run_events(params: StormParams) -> OurResult:
    """The storm on the event engine."""
    return run(params, EVENTS)


@cache
def _compiled_queue(engine: str) -> None:
    _simulate_queue(QueueParams(horizon_s=1.0), engine)


def run_queue(params: QueueParams, engine: str = LANES) -> QueueResult:
    """The queue of open arrivals on one of the engines."""
    _compiled_queue(engine)
    return _simulate_queue(params, engine)


def run_queue_events(params: QueueParams) -> QueueResult:
    """The queue of open arrivals on the event engine."""
    return run_queue(params, EVENTS)


def _simulate_queue(params: QueueParams, engine: str) -> QueueResult:
    """The mean wait is told from the queue at the end of each window, by Little's law."""
    until_ns = _ns(params.horizon_s)
    begin_s = process_time()
    storm = _params(StormParams(workers=params.workers, service_s=params.service_s, timeout_s=FOR_EVER_S))
    jobs = storm._replace(traffic=requests.JOBS, poisson=1, window_ns=SECOND)
    arrivals = _nothing_from_outside()._replace(arrivals_per_ns=np.array([params.arrivals_per_s / SECOND]))
    keys = hosts.stream_keys(params.seed, 0, 0)
    windows = -(-until_ns // SECOND)
    host: Host
    if engine == LANES:
        host = lanes.Hosts(jobs, arrivals, windows=windows, span_ns=SECOND).start_jobs(keys)
    else:
        host = hosts.new_host(jobs, arrivals, keys, clients=1024, windows=windows, span_ns=SECOND)
    host.advance(until_ns)
    cpu_s = process_time() - begin_s
    flows = host.series[:-1]
    wait_s = float(flows[:, requests.QUEUE].mean()) / params.arrivals_per_s
    return QueueResult(int(flows[:, requests.ARRIVED].sum()), int(flows[:, requests.SUCCEEDED].sum()), wait_s, cpu_s)


def _simulate(params: StormParams, engine: str, rules: Rules = PLAIN) -> OurResult:
    until_ns = _ns(params.horizon_s)
    begin_s = process_time()
    host = _start(params, until_ns, engine, rules)
    started_s = process_time()
    host.advance(until_ns)
    end_s = process_time()
    flows = host.series.sum(axis=0)
    leased = _expires_ns(host) > until_ns
    return OurResult(
        submissions=int(flows[requests.SUBMITTED]),
        finishes=int(flows[requests.SUCCEEDED] + flows[requests.WASTED]),
        successes=int(flows[requests.SUCCEEDED]),
        timeouts=int(flows[requests.TIMED_OUT]),
        leased_share=float(leased.mean()),
        cpu_s=end_s - begin_s,
        set_up_s=started_s - begin_s,
        sessions_ended=int(flows[layout.ENDED]) if engine in (SESSIONS, ON_LANES) else 0,
    )


def _expires_ns(host: Host) -> Whole:
    """When the leases of all holders end, int64[holders]."""
    if isinstance(host, lanes.LaneRun):
        return host.expires_ns()
    if isinstance(host, SessionRun):
        return np.asarray(host.host.clients[:, layout.HOLDER])
    return np.asarray(host.host.clients[:, events.EXPIRES])


def _start(params: StormParams, until_ns: int, engine: str, rules: Rules) -> Host:
    """Holders are numbered in the order of their phases, as a stage numbers them; the sort is a part of the set-up."""
    phases = np.empty(params.holders)
    draws.uniforms(hosts.stream_key(params.seed, 0, draws.PHASE, 0), phases)
    phases.sort()
    first_ns, unleased = (phases * _ns(params.phase_s)).astype(np.int64), np.zeros(params.holders, np.int64)
    if engine in (SESSIONS, ON_LANES) or rules.tables != PLAIN.tables:
        case = parse(STORM.format(**asdict(params), window_s=WINDOW_S) + rules.tables).first.scenario
        members = leases.members_of(case, 0, params.holders)
        kinds = len(members)
        first_ns = np.concatenate([first_ns[number::kinds] for number in range(kinds)])
        new = new_run if engine == SESSIONS else on_lanes.new_run
        return new(case, params.seed, 0, 0, members, first_ns, unleased)
    given, keys = (_params(params, rules), _nothing_from_outside()), hosts.stream_keys(params.seed, 0, 0)
    windows = -(-until_ns // (WINDOW_S * SECOND))
    span_ns = _ns(max(params.timeout_s, params.renew_after_s))
    if engine == LANES:
        return lanes.Hosts(*given, windows=windows, span_ns=span_ns).start(keys, first_ns, unleased)
    host = hosts.new_host(*given, keys, clients=params.holders, windows=windows, span_ns=span_ns)
    hosts.wake_holders(host, first_ns, unleased)
    return host


def _params(params: StormParams, rules: Rules = PLAIN) -> requests.Params:
    service = Dist(draws.EXPONENTIAL, params.service_s * SECOND, 0.0, 0, 0)
    return requests.Params(
        traffic=requests.HOLDERS,
        workers=params.workers,
        timeout=_constant(params.timeout_s),
        cancel=int(rules.cancel),
        establish=service,
        renew=service,
        fail_after_ns=SECOND,
        reject_cost_ns=0,
        drop_cost_ns=0,
        drop_notifies=0,
        slowdown_a=0.0,
        slowdown_b=1.0,
        slowdown_n=1.0,
        check_every_ns=_ns(params.renew_after_s),
        check_jitter=params.jitter,
        poisson=0,
        window_ns=WINDOW_S * SECOND,
        client=policies.Client(policies.IMMEDIATE, _constant(0.0), 0.0, 2.0, 0.0, -1, 1),
        admission=policies.Admission(limits.OPEN, 0.0, 1.0, 1.0, 0),
        queue=policies.Queue(rules.queue, 0, 0, 0),
        lease=policies.Lease(policies.LEASE_FIXED, _constant(params.lease_s), 0, policies.RESUME, 1.0),
    )


def _nothing_from_outside() -> requests.Inputs:
    return requests.Inputs(
        controls=np.zeros((0, 3), np.int64),
        control_args=np.zeros((0, 2)),
        arrivals_ns=np.zeros(1, np.int64),
        arrivals_per_ns=np.zeros(1),
        table=np.zeros(1),
    )


def _constant(value_s: float) -> Dist:
    return Dist(draws.CONSTANT, float(_ns(value_s)), 0.0, 0, 0)


def _ns(time_s: float) -> int:
    return round(time_s * SECOND)
