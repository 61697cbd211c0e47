"""Hosts for tests: parameters with defaults, inputs, a kernel's run and its twin's, and what is to be compared."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from recovery_kernels import draws, events, limits, policies, requests
from recovery_kernels.draws import Dist
from twin.requests import Twin

from recovery.stages import host as stage
from recovery.stages import lanes
from recovery.stages.host import HostRun
from recovery.stages.lanes import LaneRun

S = 10**9
G = 1000  # the grid that most times lie on, so that many things happen at one time
TABLE = (1.0 * G, 1.0 * G, 2.0 * G, 3.0 * G, 5.0 * G, 8.0 * G)  # measured values, all on the grid
QUEUES = [policies.FIFO, policies.LIFO, policies.BOUNDED, policies.DROP_EXPIRED]
LOTS = settings(
    max_examples=400,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# Meant, where nothing is compiled.
OVERFLOW = "ignore:overflow encountered:RuntimeWarning"


def constant(value_ns: float) -> Dist:
    return Dist(draws.CONSTANT, float(value_ns), 0.0, 0, 0)


def exponential(mean_ns: float) -> Dist:
    return Dist(draws.EXPONENTIAL, float(mean_ns), 0.0, 0, 0)


def empirical(first: int, count: int) -> Dist:
    return Dist(draws.EMPIRICAL, 0.0, 0.0, first, count)


DEFAULTS: dict[str, Any] = {
    "traffic": requests.HOLDERS,
    "workers": 1,
    "timeout": constant(60 * S),
    "cancel": 0,
    "establish": exponential(S),
    "renew": exponential(S),
    "fail_after_ns": S,
    "reject_cost_ns": 0,
    "drop_cost_ns": 0,
    "drop_notifies": 0,
    "slowdown_a": 0.0,
    "slowdown_b": 1.0,
    "slowdown_n": 1.0,
    "check_every_ns": 60 * S,
    "check_jitter": 0.0,
    "poisson": 1,
    "window_ns": 10 * S,
    "client": policies.Client(policies.IMMEDIATE, constant(0), 0.0, 2.0, 0.0, -1, 10**6),
    "admission": policies.Admission(limits.OPEN, 0.0, 1.0, 1.0, 0),
    "queue": policies.Queue(policies.FIFO, 0, 0, 0),
    "lease": policies.Lease(policies.LEASE_FIXED, constant(180 * S), 0, 0, 1.0),
}


def params(**changes: Any) -> requests.Params:
    """Parameters of a host; whole numbers where the kernel wants a float become floats, so that it is compiled once."""
    wanted = {**DEFAULTS, **changes}
    return requests.Params(
        **{
            name: float(wanted[name]) if isinstance(default, float) else wanted[name]
            for name, default in DEFAULTS.items()
        }
    )


@dataclass(frozen=True)
class Case:
    """Everything that decides the life of one host."""

    params: requests.Params
    until_ns: int
    seed: int = 1
    replication: int = 0
    host: int = 0
    first_ns: tuple[int, ...] = ()
    expires_ns: tuple[int, ...] = ()
    # time, what, whole argument, two arguments
    controls: tuple[tuple[int, int, int, float, float], ...] = ()
    arrivals_ns: tuple[int, ...] = (0,)
    arrivals_per_ns: tuple[float, ...] = (0.0,)
    table: tuple[float, ...] = field(default=(0.0,), repr=False)

    @property
    def windows(self) -> int:
        return -(-self.until_ns // self.params.window_ns)

    def inputs(self) -> requests.Inputs:
        controls = sorted(self.controls)
        return requests.Inputs(
            controls=np.array([row[:3] for row in controls], np.int64).reshape(-1, 3),
            control_args=np.array([row[3:] for row in controls], np.float64).reshape(-1, 2),
            arrivals_ns=np.array(self.arrivals_ns, np.int64),
            arrivals_per_ns=np.array(self.arrivals_per_ns, np.float64),
            table=np.array(self.table, np.float64),
        )

    def keys(self) -> requests.Keys:
        return stage.stream_keys(self.seed, self.replication, self.host)


def new_host(case: Case, *, clients: int | None = None, span_ns: int | None = None, log_lines: int = 0) -> HostRun:
    """The host of a case at time 0. Whatever is asked for beside the case must not change a bit of what it does."""
    run = stage.new_host(
        case.params,
        case.inputs(),
        case.keys(),
        clients=clients or max(len(case.first_ns), 1),
        windows=case.windows,
        span_ns=case.params.check_every_ns if span_ns is None else span_ns,
        log_lines=log_lines,
    )
    if case.params.traffic == requests.HOLDERS:
        stage.wake_holders(run, np.array(case.first_ns, np.int64), np.array(case.expires_ns, np.int64))
    return run


def new_lanes(case: Case, *, span_ns: int | None = None) -> LaneRun:
    """The host of a case at time 0 on the lane engine."""
    span_ns = case.params.check_every_ns if span_ns is None else span_ns
    same = lanes.Hosts(case.params, case.inputs(), windows=case.windows, span_ns=span_ns)
    if case.params.traffic == requests.JOBS:
        return same.start_jobs(case.keys())
    return same.start(case.keys(), np.array(case.first_ns, np.int64), np.array(case.expires_ns, np.int64))


def shrink(run: HostRun) -> HostRun:
    """The least arrays that the kernel may be given, so that all of them have to grow. For a host at time 0 only."""
    host = run.host
    if run.params.traffic == requests.JOBS:
        run.wrap = 0
        host = host._replace(clients=host.clients[:1].copy())
    rows = len(host.clients)
    run.host = host._replace(
        near=host.near[: 2 * rows + 16].copy(), queue=host.queue[:1].copy(), log=host.log[:1].copy()
    )
    return run


def log_of(run: HostRun) -> list[tuple[int, ...]]:
    return [tuple(line) for line in run.host.log[: run.host.whole[requests.LOG]].tolist()]


def outcome(run: HostRun) -> dict[str, Any]:
    """All that a run says about itself, ready for `==`."""
    whole = run.host.whole
    return {
        "log": log_of(run),
        "series": run.host.series.tolist(),
        "histogram": nonzero(run.host.histogram),
        "latency": nonzero(run.host.latency),
        "unleased_ns": run.unleased_ns() if run.params.traffic == requests.HOLDERS else 0,
        "jobs_done": int(whole[requests.JOBS_DONE]),
        "latency_max": int(whole[requests.LATENCY_MAX]),
        "leased": leased(run),
    }


def told(run: LaneRun | HostRun, case: Case) -> dict[str, Any]:
    """All that a run says about itself at its end, ready for `==`, work that is in service counted."""
    run.close()
    if isinstance(run, HostRun):
        found = outcome(run)
        del found["log"], found["jobs_done"], found["latency_max"]
        return {"holders": len(case.first_ns), **found}
    is_jobs = run.params.traffic == requests.JOBS
    expires_ns = np.zeros(0, np.int64) if is_jobs else run.expires_ns()
    return {
        "holders": len(expires_ns),  # nobody is lost, nobody is in two places
        "series": run.series.tolist(),
        "histogram": nonzero(run.sojourn),
        "latency": nonzero(run.latency),
        "unleased_ns": 0 if is_jobs else run.unleased_ns(),
        "leased": int((expires_ns > run.host.whole[requests.NOW]).sum()),
    }


def twin_outcome(case: Case) -> dict[str, Any]:
    """The same from the twin."""
    twin = Twin(case.params, case.keys(), case.inputs(), case.windows)
    twin.wake_holders(case.first_ns, case.expires_ns)
    twin.run(case.until_ns)
    return {
        "log": twin.log,
        "series": twin.series.tolist(),
        "histogram": nonzero(twin.histogram),
        "latency": nonzero(twin.latency),
        "unleased_ns": twin.unleased_ns + twin.still_unleased_ns(),
        "jobs_done": twin.jobs_done,
        "latency_max": twin.latency_max,
        "leased": twin.leased() if case.params.traffic == requests.HOLDERS else 0,
    }


def nonzero(counts: np.ndarray) -> dict[int, int]:
    return {int(part): int(counts[part]) for part in np.flatnonzero(counts)}


def leased(run: HostRun) -> int:
    """Leases that run (or stand) where the host stands now, counted from its clients; 0 for jobs."""
    if run.params.traffic == requests.JOBS:
        return 0
    return int((run.host.clients[:, events.EXPIRES] > run.host.whole[requests.NOW]).sum())


def difference(ours: dict[str, Any], theirs: dict[str, Any]) -> str:
    """What differs first; empty if nothing does."""
    for name, wanted in theirs.items():
        found = ours[name]
        if found == wanted:
            continue
        if name == "log":
            pairs = list(zip(found, wanted, strict=False))
            at = next((i for i, (a, b) in enumerate(pairs) if a != b), len(pairs))
            before = found[max(0, at - 5) : at]
            return f"log line {at}: {found[at : at + 3]} for {wanted[at : at + 3]} after {before}"
        if name == "series":
            cells = np.argwhere(np.array(found) != np.array(wanted))
            window, column = (int(number) for number in cells[0])
            return f"series[{window}][{column}]: {found[window][column]} for {wanted[window][column]}"
        return f"{name}: {found} for {wanted}"
    return ""


def run(case: Case, **how: Any) -> dict[str, Any]:
    """A whole life in one piece."""
    kernel = new_host(case, log_lines=64, **how)
    kernel.advance(case.until_ns)
    return outcome(kernel)


# --- any case ---------------------------------------------------------------------------------------------------------


def grid(least: int, most: int) -> st.SearchStrategy[int]:
    return st.integers(least, most).map(lambda n: n * G)


@st.composite
def dists(draw: st.DrawFn, most: int) -> Dist:
    """A distribution of times around 1 … `most` steps of the grid; random ones with and without ties."""
    kind = draw(st.integers(draws.CONSTANT, draws.EMPIRICAL))
    at = float(draw(grid(1, most)))
    if kind == draws.UNIFORM:
        return Dist(kind, 0.0, at, 0, 0)
    if kind == draws.LOGNORMAL:
        return Dist(kind, 7.0, 0.5, 0, 0)
    if kind in (draws.WEIBULL, draws.PARETO):
        return Dist(kind, at, 1.5, 0, 0)
    if kind == draws.EMPIRICAL:
        first = draw(st.integers(0, len(TABLE) - 1))
        return empirical(first, draw(st.integers(1, len(TABLE) - first)))
    return Dist(kind, at, 0.0, 0, 0)


def often_constant(least: int, most: int) -> st.SearchStrategy[Dist]:
    return st.one_of(grid(least, most).map(constant), st.just(empirical(0, 6)), dists(most))


@st.composite
def controls(draw: st.DrawFn, until: int) -> tuple[int, int, int, float, float]:
    time = draw(grid(0, until))
    what = draw(st.sampled_from([requests.DEPENDENCY, requests.RESTART, requests.GATE]))
    if what == requests.DEPENDENCY:
        return time, what, 0, draw(st.sampled_from([0.0, 0.0, 0.3, 0.5, 1.0])), 0.0
    if what == requests.RESTART:
        return time, what, draw(grid(0, 12)), 0.0, 0.0
    return (
        time,
        what,
        draw(st.integers(0, 1)),
        draw(st.sampled_from([-1.0, 0.0, 0.1 / G, 0.5 / G, 1.0 / G])),
        draw(st.sampled_from([1.0, 1.5, 3.0])),
    )


@st.composite
def cases(draw: st.DrawFn, queue: int) -> Case:
    traffic = draw(st.sampled_from([requests.HOLDERS, requests.JOBS]))
    until = draw(st.integers(40, 120))
    times: dict[str, Any] = {}
    if traffic == requests.HOLDERS:
        number = draw(st.integers(1, 12))
        times["first_ns"] = tuple(sorted(draw(st.lists(grid(0, 12), min_size=number, max_size=number))))
        times["expires_ns"] = tuple(draw(st.lists(grid(-1, 30), min_size=number, max_size=number)))
    else:
        begins = sorted(draw(st.sets(st.integers(1, until), max_size=3)))
        rate = st.sampled_from([0.0, 0.1 / G, 0.3 / G, 0.6 / G, 1.0 / G])
        times["arrivals_ns"] = (0, *(begin * G for begin in begins))
        times["arrivals_per_ns"] = tuple(draw(st.lists(rate, min_size=len(begins) + 1, max_size=len(begins) + 1)))
    return Case(
        params(
            traffic=traffic,
            workers=draw(st.sampled_from([1, 1, 2, 3, 5, 9])),
            timeout=draw(often_constant(2, 12)),
            cancel=draw(st.integers(0, 1)),
            establish=draw(often_constant(0, 6)),
            renew=draw(often_constant(0, 3)),
            fail_after_ns=draw(grid(0, 3)),
            reject_cost_ns=draw(st.sampled_from([0, 0, 1, G // 2, G])),
            drop_cost_ns=draw(st.sampled_from([0, 0, 1, G // 2, G])),
            drop_notifies=draw(st.integers(0, 1)),
            slowdown_a=draw(st.sampled_from([0.0, 0.0, 0.5, 2.0])),
            slowdown_b=draw(st.sampled_from([0.5, 1.0, 2.0])),
            slowdown_n=draw(st.sampled_from([1.0, 3.0])),
            check_every_ns=draw(grid(1, 12)),
            check_jitter=draw(st.sampled_from([0.0, 0.0, 0.3])),
            poisson=draw(st.integers(0, 1)),
            window_ns=draw(st.sampled_from([7 * G, 10 * G, 3777])),
            client=policies.Client(
                draw(st.integers(policies.IMMEDIATE, policies.PROPORTIONAL_JITTER)),
                draw(often_constant(0, 5)),
                draw(st.sampled_from([0.5 * G, 1.0 * G, 2.0 * G])),
                draw(st.sampled_from([1.0, 2.0, 3.0])),
                draw(st.sampled_from([2.0 * G, 10.0 * G])),
                draw(st.sampled_from([-1, 0, 1, 3])) if traffic == requests.JOBS else -1,
                draw(st.sampled_from([1 * G, 2 * G])),
                draw(st.sampled_from([0.0, 0.3, 1.0])),
            ),
            admission=policies.Admission(
                draw(st.sampled_from([limits.OPEN, *range(limits.RAMP + 1)])),
                draw(st.sampled_from([0.1 / G, 0.5 / G, 1.0 / G])),
                draw(st.sampled_from([1.0, 2.5, 5.0])),
                draw(st.sampled_from([1.0, 3.0, 7.0])),
                draw(st.integers(0, 1)),
                draw(st.sampled_from([0.0, 0.5, 2.0])),
            ),
            queue=policies.Queue(
                queue,
                draw(st.integers(0, 5)),
                draw(st.sampled_from([0, 2 * G, 5 * G])),
                draw(st.sampled_from([0, 0, G, 3 * G])),
            ),
            lease=policies.Lease(
                draw(st.integers(policies.LEASE_FIXED, policies.FREEZE_UNTIL_HEARD)),
                draw(st.one_of(grid(1, 30).map(constant), st.just(empirical(0, 6)))),
                draw(st.sampled_from([0, 0, 2 * G])),
                draw(st.sampled_from([policies.RESUME, policies.REARM])),
                draw(st.sampled_from([0.5, 1.0])),
            ),
        ),
        until_ns=until * G,
        seed=draw(st.integers(0, 2**64 - 1)),
        controls=tuple(draw(st.lists(controls(until), max_size=6))),
        table=TABLE,
        **times,
    )
