"""From a world to its outcome: start the hosts, run them side by side, add them up.

A host is a pure function of (world, seed, replication, host); sums are of whole numbers. So the outcome is the same
for any number of threads and any order in which the hosts end.
"""

import itertools
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kernels import events, requests
from recovery import measures, theory
from recovery.scenario import Scenario, World, condition
from recovery.stages import host as hosts
from recovery.stages import jobs, leases, queueing
from recovery.units import ns

ENGINE = "events"
FLOWS = (
    "submitted", "rejected_throttle", "rejected_admission", "rejected_full", "rejected_down", "dropped", "lost",
    "cancelled", "succeeded", "wasted", "failed", "timed_out", "established", "arrived", "gave_up",
    "useful_work_ns", "wasted_work_ns", "failed_work_ns", "overhead_work_ns",
)  # fmt: skip
LEVELS = ("queue", "oldest_ns", "leased", "in_service", "asleep", "busy_ns", "idle_ns", "down_ns")
COLUMNS = FLOWS + LEVELS
_SLICES = 32  # a host's run is cut so often, so that Ctrl-C is heard; the bits do not depend on it


class Interrupted(Exception):
    """The user stopped the run."""


@dataclass
class Outcome:
    """What one run gave.

    `series` has int64[windows] for each of COLUMNS, summed over hosts (oldest_ns: the largest).
    """

    world: World
    seed: int
    replication: int
    times_s: np.ndarray
    series: dict[str, np.ndarray]
    leased_by_zone: np.ndarray
    droplets_by_zone: np.ndarray
    sojourn: np.ndarray
    latency: np.ndarray
    unleased_ns: int
    unleased_at_start: np.ndarray  # float64[hosts], when the dependency is back
    actions: list[tuple[str, float]] = field(default_factory=list)  # what operators did and when, s
    cpu_s: float = 0.0

    @property
    def scenario(self) -> Scenario:
        """The scenario that was run."""
        return self.world.scenario

    @property
    def droplets(self) -> int:
        """Lease holders; 0 for jobs."""
        return int(self.droplets_by_zone.sum())

    def leased_share(self) -> np.ndarray:
        """float64[windows], share of droplets with a lease."""
        return np.asarray(self.series["leased"] / max(self.droplets, 1))

    def backlog(self) -> np.ndarray:
        """int64[windows], jobs that have neither succeeded nor given up."""
        flows = self.series
        return np.asarray(np.cumsum(flows["arrived"] - flows["succeeded"] - flows["gave_up"]))

    def logical_events(self) -> int:
        """Submissions, finishes and deadlines."""
        names = ("submitted", "succeeded", "wasted", "failed", "timed_out")
        return sum(int(self.series[name].sum()) for name in names)

    def measure(self) -> dict[str, Any]:
        """One row of results (MODEL.md, section 9)."""
        scenario, t, flows = self.scenario, self.times_s, self.series
        back, hold = scenario.recovers_from_s, scenario.hold
        row: dict[str, Any] = {}
        if scenario.fleet is not None:
            share = self.leased_share()
            row |= measures.times_to_recovery_s(t, share, back, hold)
            row["verdict"] = measures.verdict(t, share, row["ttr99_s"], hold)
            row["fluid_bound_s"] = self._fluid_bound_s()
            row["efficiency"] = row["fluid_bound_s"] / row["ttr99_s"] if row["ttr99_s"] > 0 else 1.0
            row["relapses"] = measures.relapses(t, share, back)
            row["leased_min_share"] = float(share.min())
            row["leased_end_share"] = float(share[-1])
            row["unleased_droplet_hours"] = self.unleased_ns / 3.6e12
            row |= measures.milestones_s(t, share, back, row["ttr100_s"])
        else:
            backlog = self.backlog()
            row |= measures.queue_times_s(t, flows["queue"], back, hold)
            row["verdict"] = measures.jobs_verdict(t, flows["arrived"], flows["succeeded"], flows["queue"], hold)
            row["backlog_peak"] = int(backlog.max(initial=0))
            row["backlog_end"] = int(backlog[-1])
            row["served_share"] = float(flows["succeeded"].sum() / max(flows["arrived"].sum(), 1))
            row["gave_up"] = int(flows["gave_up"].sum())
        end = back + row["ttr99_s"] if math.isfinite(row["ttr99_s"]) else math.inf
        during = (t > back) & (t <= max(end, back + scenario.coupling.window))
        attempts, successes = int(flows["submitted"][during].sum()), int(flows["succeeded"][during].sum())
        row["amplification"] = attempts / successes if successes else math.inf
        work = {
            kind: int(flows[f"{kind}_work_ns"][during].sum()) for kind in ("useful", "wasted", "failed", "overhead")
        }
        row["wasted_share"] = work["wasted"] / max(sum(work.values()), 1)
        row["queue_peak"] = int(flows["queue"].max(initial=0))
        row["oldest_peak_s"] = float(flows["oldest_ns"].max(initial=0) / 1e9)
        starts = requests.part_start_ns(np.arange(requests.HISTOGRAM))
        for name, q in (("sojourn_p50_s", 0.5), ("sojourn_p99_s", 0.99)):
            row[name] = measures.quantile_s(self.sojourn, starts, q)
        used = np.flatnonzero(self.sojourn)
        row["sojourn_max_s"] = float(starts[used[-1]] / 1e9) if len(used) else math.nan
        if scenario.jobs is not None:
            for name, q in (("latency_p50_s", 0.5), ("latency_p99_s", 0.99)):
                row[name] = measures.quantile_s(self.latency, starts, q)
        denied = sum(int(flows[f"rejected_{why}"].sum()) for why in ("throttle", "admission", "full", "down"))
        row["denied"] = denied
        row["denied_share"] = denied / max(int(flows["submitted"].sum()), 1)
        row["logical_events"] = self.logical_events()
        return row

    def _fluid_bound_s(self) -> float:
        """Least time in which 99 % of the fleet could be leased if no work were wasted."""
        unleased, rate = self.unleased_at_start, self.scenario.establish_per_s
        total = float(unleased.sum())
        if total == 0 or math.isinf(rate):
            return 0.0
        wanted = 1 - (1 - 0.99) * self.droplets / total  # of the fleet's last 1 %, nobody waits
        return (
            theory.fleet_fluid_bound_s(max(wanted, 0.0), unleased.tolist(), [rate] * len(unleased))
            if wanted > 0
            else 0.0
        )


@dataclass
class _Part:
    """What one host adds to the outcome."""

    host: int
    series: np.ndarray
    sojourn: np.ndarray
    latency: np.ndarray
    unleased_ns: int
    unleased_at_start: float


def _start(
    scenario: Scenario, seed: int, replication: int, host: int, droplets: int, started: Sequence[tuple[int, float]]
) -> hosts.HostRun:
    controls = queueing.controls_of(scenario, host, started)
    if scenario.fleet is not None:
        return leases.start(scenario, seed, replication, host, droplets, controls)
    return jobs.start(scenario, seed, replication, host, controls)


def _end_ns(scenario: Scenario) -> int:
    return scenario.windows * ns(scenario.coupling.window)


def _part(scenario: Scenario, host: int, run: hosts.HostRun) -> _Part:
    series = run.host.series[: scenario.windows]
    unleased, at_start = 0, 0.0
    if scenario.fleet is not None:
        end = _end_ns(scenario)
        expires = run.host.clients[:, events.EXPIRES]
        unleased = int(run.host.whole[requests.UNLEASED_NS]) + int((end - np.maximum(expires[expires < end], 0)).sum())
        edge = min(int(scenario.recovers_from_s / scenario.coupling.window), scenario.windows) - 1
        leased = series[edge, requests.LEASED_END] if edge >= 0 else 0
        at_start = float(len(expires) - leased)
    return _Part(host, series, run.host.histogram, run.host.latency, unleased, at_start)


class Runner:
    """Runs worlds on threads of this process. Use as a context; `stop` ends it at the next slice."""

    def __init__(self, threads: int, progress: Callable[[float], None] | None = None) -> None:
        """`progress` is told the work done so far, in hosts (fractions of a host count)."""
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="recovery")
        self._threads = threads
        self._stopped = threading.Event()
        self._progress = progress
        self._done = 0.0
        self._lock = threading.Lock()

    def __enter__(self) -> "Runner":
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def stop(self) -> None:
        """Let every run end at its next slice."""
        self._stopped.set()

    def _advanced(self, hosts_: float) -> None:
        with self._lock:
            self._done += hosts_
            if self._progress is not None:
                self._progress(self._done)

    def _host(self, scenario: Scenario, seed: int, replication: int, host: int, droplets: int) -> tuple[_Part, float]:
        begun = time.thread_time()
        run = _start(scenario, seed, replication, host, droplets, ())
        end = _end_ns(scenario)
        for piece in range(1, _SLICES + 1):
            if self._stopped.is_set():
                raise Interrupted
            run.advance(end * piece // _SLICES)
            if droplets >= 10_000:
                self._advanced(1 / _SLICES)
        if droplets < 10_000:
            self._advanced(1.0)
        return _part(scenario, host, run), time.thread_time() - begun

    def run(self, tasks: Sequence[tuple[World, int, int]]) -> Iterator[Outcome]:
        """Outcomes of (world, seed, replication), in the order of the tasks. Raises what a run raised."""
        free = [task for task in tasks if all(action.when is None for action in task[0].scenario.operator)]
        ready = self._run_free(free)
        for world, seed, replication in tasks:
            if any(action.when is not None for action in world.scenario.operator):
                yield self._run_together(world, seed, replication)
            else:
                yield next(ready)

    def _run_free(self, tasks: Sequence[tuple[World, int, int]]) -> Iterator[Outcome]:
        """Worlds whose hosts know nothing of each other: each host runs to the horizon at once."""

        def work() -> Iterator[tuple[int, int, int]]:
            for number, (world, _, _) in enumerate(tasks):
                sizes = _sizes(world.scenario)
                for host, droplets in enumerate(sizes):
                    yield number, host, int(droplets)

        queue = work()
        sums: dict[int, _Sum] = {}
        finished: dict[int, Outcome] = {}
        pending: dict[Future[tuple[_Part, float]], int] = {}
        following = 0
        while following < len(tasks):
            for number, host, droplets in itertools.islice(queue, max(0, 4 * self._threads - len(pending))):
                world, seed, replication = tasks[number]
                future = self._pool.submit(self._host, world.scenario, seed, replication, host, droplets)
                pending[future] = number
            done, _ = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                number = pending.pop(future)
                part, cpu_s = future.result()
                total = sums.setdefault(number, _Sum(*tasks[number]))
                total.add(part, cpu_s)
                if total.is_whole():
                    finished[number] = sums.pop(number).outcome()
            while following in finished:
                yield finished.pop(following)
                following += 1

    def _run_together(self, world: World, seed: int, replication: int) -> Outcome:
        """A world whose operators look at the whole fleet: all hosts advance window by window, conditions are looked
        at between.
        """
        scenario = world.scenario
        begun = time.process_time()
        sizes = _sizes(scenario)
        started: list[tuple[int, float]] = []
        names: list[tuple[str, float]] = []
        since: dict[int, float] = {}
        runs = list(
            self._pool.map(lambda h: _start(scenario, seed, replication, h, int(sizes[h]), ()), range(len(sizes)))
        )
        groups = [runs[i :: self._threads] for i in range(self._threads)]
        window = ns(scenario.coupling.window)
        total_droplets = int(sizes.sum()) if scenario.fleet else 1

        def advance(group: list[hosts.HostRun], until: int) -> tuple[int, int, int]:
            queue = oldest = leased = 0
            for run in group:
                run.advance(until)
                row = run.host.series[until // window - 1]
                queue += int(row[requests.QUEUE])
                leased += int(row[requests.LEASED_END])
                oldest = max(oldest, int(row[requests.OLDEST_NS]))
            return queue, oldest, leased

        for number in range(1, scenario.windows + 1):
            if self._stopped.is_set():
                raise Interrupted
            levels = list(self._pool.map(lambda group, until=number * window: advance(group, until), groups))
            now_s = number * scenario.coupling.window
            fleet = {
                "queue": float(sum(level[0] for level in levels)),
                "oldest": max(level[1] for level in levels) / 1e9,
                "leased": sum(level[2] for level in levels) / total_droplets,
            }
            fired = False
            for i, action in enumerate(scenario.operator):
                if action.when is None or any(i == j for j, _ in started):
                    continue
                if not condition(action.when).holds(fleet):
                    since.pop(i, None)
                elif now_s - since.setdefault(i, now_s) >= action.held:
                    started.append((i, now_s))
                    names.append((action.do, now_s))
                    fired = True
            if fired:
                for h, run in enumerate(runs):
                    queueing.recontrol(run, queueing.controls_of(scenario, h, started))
            self._advanced(len(sizes) / scenario.windows)
        total = _Sum(world, seed, replication)
        for h, run in enumerate(runs):
            total.add(_part(scenario, h, run), 0.0)
        outcome = total.outcome()
        outcome.actions = sorted([*outcome.actions, *names], key=lambda action: action[1])
        outcome.cpu_s = time.process_time() - begun
        return outcome


class _Sum:
    """The hosts of one run, added up as they come."""

    def __init__(self, world: World, seed: int, replication: int) -> None:
        scenario = world.scenario
        self.world, self.seed, self.replication = world, seed, replication
        self.zones = scenario.fleet.zones if scenario.fleet else 1
        self.series = np.zeros((scenario.windows, len(COLUMNS)), np.int64)
        self.leased = np.zeros((self.zones, scenario.windows), np.int64)
        self.sojourn = np.zeros(requests.HISTOGRAM, np.int64)
        self.latency = np.zeros(requests.HISTOGRAM, np.int64)
        self.unleased_ns = 0
        self.unleased_at_start = np.zeros(scenario.hosts)
        self.cpu_s = 0.0
        self.hosts = 0

    def add(self, part: _Part, cpu_s: float) -> None:
        oldest = np.maximum(self.series[:, requests.OLDEST_NS], part.series[:, requests.OLDEST_NS])
        self.series += part.series
        self.series[:, requests.OLDEST_NS] = oldest
        self.leased[part.host % self.zones] += part.series[:, requests.LEASED_END]
        self.sojourn += part.sojourn
        self.latency += part.latency
        self.unleased_ns += part.unleased_ns
        self.unleased_at_start[part.host] = part.unleased_at_start
        self.cpu_s += cpu_s
        self.hosts += 1

    def is_whole(self) -> bool:
        return self.hosts == self.world.scenario.hosts

    def outcome(self) -> Outcome:
        scenario = self.world.scenario
        droplets = np.zeros(self.zones, np.int64)
        if scenario.fleet is not None:
            np.add.at(droplets, np.arange(scenario.hosts) % self.zones, _sizes(scenario))
        return Outcome(
            world=self.world,
            seed=self.seed,
            replication=self.replication,
            times_s=np.arange(1, scenario.windows + 1) * scenario.coupling.window,
            series={name: self.series[:, i].copy() for i, name in enumerate(COLUMNS)},
            leased_by_zone=self.leased,
            droplets_by_zone=droplets,
            sojourn=self.sojourn,
            latency=self.latency,
            unleased_ns=self.unleased_ns,
            unleased_at_start=self.unleased_at_start,
            actions=[(action.do, action.at) for action in scenario.operator if action.at is not None],
            cpu_s=self.cpu_s,
        )


def _sizes(scenario: Scenario) -> np.ndarray:
    return leases.droplets_of(scenario) if scenario.fleet is not None else np.zeros(scenario.hosts, np.int64)


@dataclass(frozen=True)
class Estimate:
    """What a run will take."""

    memory_bytes: float
    events: float
    cpu_s: float
    host_bytes: float
    hosts_in_flight: int


NS_PER_EVENT = 60.0  # for the estimate of the time that is left, before anything is measured


def estimate(scenario: Scenario, threads: int) -> Estimate:
    """Memory and time at most: clients, and an unbounded queue that takes in every attempt until the horizon."""
    together = any(action.when is not None for action in scenario.operator)
    in_flight = scenario.hosts if together else min(threads, scenario.hosts)
    timeout = max(scenario.host.timeout.mean_s(), 1e-6)
    from recovery import policies as named

    bounded = isinstance(scenario.policy.queue, named.Bounded)
    if scenario.fleet is not None and scenario.lease is not None:
        clients = float(leases.droplets_of(scenario).max())
        attempts = clients * scenario.horizon / min(timeout, scenario.lease.check_every)
        kept = clients if scenario.host.cancel_on_timeout else attempts
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
    # Rows and queue are powers of two and are copied when they double.
    each = 2 * clients * hosts.MEMORY_PER_CLIENT + 3 * kept * hosts.MEMORY_PER_REQUEST
    each += scenario.windows * (len(COLUMNS) + 1) * 8 + 2 * requests.HISTOGRAM * 8
    total = in_flight * each + 4 * scenario.windows * len(COLUMNS) * 8
    events_ = scenario.hosts * (2 * attempts + min(served, attempts))
    return Estimate(total, events_, events_ * NS_PER_EVENT / 1e9, each, in_flight)
