"""From a variant to its outcome: start the hosts, run them side by side, add them up.

A host is a pure function of (variant, seed, replication, host); sums are of whole numbers. So the outcome is the same
for any number of threads and any order in which the hosts end. Memory grows with the hosts in flight: what remains of a
host that is done are its part of the sums and a few numbers.

Where only a sample of the hosts is simulated (`fleet.sample_hosts`), each host's numbers are scaled to the holders for
which it stands, and the outcome is the whole fleet's, with an interval for each time to recovery.
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
from recovery_kernels import requests

from recovery import theory
from recovery.measures import effort, histograms, jobs_backlog, leased_curve, register, standing
from recovery.model.operator import condition
from recovery.model.scenario import Scenario
from recovery.model.variant import Variant
from recovery.stages import host as hosts
from recovery.stages import jobs, leases, queueing, sample
from recovery.stages.outage import outages_s, resolve
from recovery.units import ns

ENGINE = "events"
FLOWS = (
    "submitted", "rejected_throttle", "rejected_admission", "rejected_full", "rejected_down", "dropped", "lost",
    "cancelled", "succeeded", "wasted", "failed", "timed_out", "established", "arrived", "gave_up",
    "useful_work_ns", "wasted_work_ns", "failed_work_ns", "overhead_work_ns", "busy_ns", "idle_ns", "down_ns",
)  # fmt: skip
LEVELS = ("queue", "oldest_ns", "leased", "in_service", "asleep")
PEAKS = ("queue_max", "oldest_max_ns", "backlog_max")  # the largest within each window
COLUMNS = FLOWS + LEVELS + PEAKS
_OLDEST = [requests.OLDEST_NS, requests.OLDEST_MAX_NS]  # of several hosts the largest, not the sum
_SLICES = 32  # a host's run is cut so often at most, so that Ctrl-C is heard; the bits do not depend on it
_SLICE = 500  # holders that are enough for a slice: short runs on several threads should not meet at the lock


Task = tuple[Variant, int, int]  # a run: variant, seed, replication


class Interrupted(Exception):
    """The user stopped the run."""


@dataclass
class Outcome:
    """What one run gave. Its `variant` is the one that the run met: with the outages that were drawn for it.

    `series` has int64[windows] for each of COLUMNS, summed over hosts (oldest_…: the largest). All sums are of the
    whole fleet, also where only a sample of its hosts was simulated.
    """

    variant: Variant
    seed: int
    replication: int
    times_s: np.ndarray
    series: dict[str, np.ndarray]
    leased_by_zone: np.ndarray
    holders_by_zone: np.ndarray
    sojourn: np.ndarray
    latency: np.ndarray
    unleased_ns: int
    unleased_at_start: np.ndarray  # float64[hosts], when the dependency is back; 0 where a host was not simulated
    weight: np.ndarray  # float64[hosts], for how many such as it a host stands; 0 where it was not simulated
    doubt: sample.Doubt | None  # how far the leased share may be off; None where all hosts were simulated
    actions: list[tuple[str, float]] = field(default_factory=list)  # what operators did and when, s
    cpu_s: float = 0.0

    @property
    def scenario(self) -> Scenario:
        """The scenario that was run."""
        return self.variant.scenario

    @property
    def holders(self) -> int:
        """Lease holders; 0 for jobs."""
        return int(self.holders_by_zone.sum())

    @property
    def outages(self) -> list[tuple[float, float, float]]:
        """What the dependency did in this run: (from s, to s, share of requests that fail), in order of time."""
        return outages_s(self.scenario)

    def leased_share(self) -> np.ndarray:
        """float64[windows], share of holders with a lease."""
        return np.asarray(self.series["leased"] / max(self.holders, 1))

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
        row: dict[str, Any] = {"recovers_from_s": back}
        if scenario.fleet is not None:
            share = self.leased_share()
            missing, most = self.holders - flows["leased"], self.holders * (1 - register.DEPTHS["ttr99_s"])
            normal, is_served = 0.0, True
            row |= leased_curve.times_to_recovery_s(t, share, back, hold)
            if self.doubt is not None:
                told = self.doubt.deviation, self.doubt.freedom, self.doubt.is_told_by_few
                row |= leased_curve.recovery_intervals_s(t, share, *told, back, hold)
                row |= dict.fromkeys(("ttr100_s", "ttr100_lost_s"), math.nan)  # only the last host tells
            row["fluid_bound_s"] = self._fluid_bound_s()
            row["efficiency"] = row["fluid_bound_s"] / row["ttr99_s"] if row["ttr99_s"] > 0 else 1.0
            row["relapses"] = leased_curve.relapses(t, share, back)
            row["leased_min_share"] = float(share.min())
            row["leased_end_share"] = float(share[-1])
            row["unleased_holder_hours"] = self.unleased_ns / 3.6e12
            row |= leased_curve.milestones_s(t, share, back, row["ttr100_s"])
            is_leased = row["leased_min_share"] >= register.DEPTHS["ttr99_s"] - register.ROUNDING
            row["leases_normal_s"] = 0.0 if is_leased else back + row["ttr99_s"]
        else:
            missing = self.backlog()
            found = jobs_backlog.normal_of(t, missing, self._quiet(), back)
            normal, most = found.level, found.allowed(register.DEPTHS["ttr99_s"])
            is_served = jobs_backlog.is_served(t, flows["succeeded"], flows["gave_up"], hold)
            row |= jobs_backlog.jobs_times_s(t, missing, found, back, hold)
            row["backlog_peak"] = int(flows["backlog_max"].max(initial=0))
            row["backlog_end"] = int(missing[-1])
            row["served_share"] = float(flows["succeeded"].sum() / max(flows["arrived"].sum(), 1))
            row["gave_up"] = int(flows["gave_up"].sum())
        stretch = standing.stretch_s(t, back, hold, self._cycle_s())
        row |= standing.state(
            t, missing, flows["queue"], most=most, time_s=row["ttr99_s"], is_served=is_served, hold_s=hold,
            stretch_s=stretch,
        )._asdict()  # fmt: skip
        row["excess_hours"] = effort.excess_hours(t, missing, normal, back)
        if back >= t[-1]:
            # The dependency is not back yet: nothing is known of the recovery.
            row |= standing.State("recovering", math.nan, math.nan, False)._asdict()
        end = back + row["ttr99_s"] if math.isfinite(row["ttr99_s"]) else math.inf
        during = (t > back) & (t <= max(end, back + scenario.coupling.window))
        attempts, successes = int(flows["submitted"][during].sum()), int(flows["succeeded"][during].sum())
        row["amplification"] = attempts / successes if successes else math.inf
        row["amplification_peak"] = effort.amplification_peak(t, flows["submitted"], flows["succeeded"], back, hold)
        work = {
            kind: float(flows[f"{kind}_work_ns"][during].sum(dtype=np.float64))  # whole numbers might not hold it
            for kind in ("useful", "wasted", "failed", "overhead")
        }
        row["wasted_share"] = work["wasted"] / max(sum(work.values()), 1.0)
        row["queue_peak"] = int(flows["queue_max"].max(initial=0))
        row["oldest_peak_s"] = float(flows["oldest_max_ns"].max(initial=0) / 1e9)
        starts = requests.part_start_ns(np.arange(requests.HISTOGRAM))
        for name, q in (("sojourn_p50_s", 0.5), ("sojourn_p99_s", 0.99)):
            row[name] = histograms.quantile_s(self.sojourn, starts, q)
        used = np.flatnonzero(self.sojourn)
        row["sojourn_max_s"] = float(starts[used[-1]] / 1e9) if len(used) else math.nan
        if scenario.jobs is not None:
            for name, q in (("latency_p50_s", 0.5), ("latency_p99_s", 0.99)):
                row[name] = histograms.quantile_s(self.latency, starts, q)
        denied = sum(int(flows[f"rejected_{why}"].sum()) for why in ("throttle", "admission", "full", "down"))
        row["denied"] = denied
        row["denied_share"] = denied / max(int(flows["submitted"].sum()), 1)
        row["logical_events"] = self.logical_events()
        return row

    def _quiet(self) -> np.ndarray:
        """bool[windows], those that tell how many jobs without an answer are normal: before anything happens; where
        there are none, or more is asked for at the end than then, those of the last stretch, if jobs are served in it
        and do not become more.
        """
        scenario, t, flows = self.scenario, self.times_s, self.series
        steps = [(step.at, step.rate_per_s()) for step in (scenario.jobs.steps if scenario.jobs is not None else ())]
        happens = [outage.start for outage in scenario.outages[:1]]
        happens += [at for (_, before), (at, rate) in itertools.pairwise(steps) if rate > before]
        happens += [action.at for action in scenario.operator if action.at is not None]
        quiet = np.asarray(t <= min(scenario.recovers_from_s, *happens, math.inf))
        if quiet.any() and steps[-1][1] <= steps[0][1]:
            return quiet
        stretch = standing.stretch_s(t, scenario.recovers_from_s, scenario.hold, self._cycle_s())
        is_served = jobs_backlog.is_served(t, flows["succeeded"], flows["gave_up"], scenario.hold)
        if is_served and not standing.drift(t, self.backlog(), stretch).rises:
            return np.asarray(t > t[-1] - stretch)
        return quiet

    def _cycle_s(self) -> float:
        """How long a client waits for one try and until the next; with leases a round of their checks, if longer."""
        scenario, client = self.scenario, self.scenario.policy.client
        delay = getattr(client, "delay", None)
        pause = delay.mean_s() if delay is not None else float(getattr(client, "cap", 0.0))
        checks = scenario.lease.check_every if scenario.lease is not None else 0.0
        return max(scenario.host.timeout.mean_s() + pause, checks)

    def _fluid_bound_s(self) -> float:
        """Least time in which 99 % of the fleet could be leased if no work were wasted."""
        weight, rate = self.weight[self.weight > 0], self.scenario.establish_per_s
        unleased = weight * self.unleased_at_start[self.weight > 0]
        total = float(unleased.sum())
        if total == 0 or math.isinf(rate):
            return 0.0
        wanted = 1 - (1 - 0.99) * self.holders / total  # of the fleet's last 1 %, nobody waits
        if wanted <= 0:
            return 0.0
        # Hosts that are alike are as one host with all their work and all their workers.
        return theory.fleet_fluid_bound_s(wanted, unleased.tolist(), (weight * rate).tolist())


@dataclass
class _Part:
    """What a host that is done adds to the outcome, beside its series."""

    host: int
    sojourn: np.ndarray
    latency: np.ndarray
    unleased_ns: int
    cpu_s: float


def _start(
    scenario: Scenario, seed: int, replication: int, host: int, holders: int, started: Sequence[tuple[int, float]]
) -> hosts.HostRun:
    controls = queueing.controls_of(scenario, host, started)
    if scenario.fleet is not None:
        return leases.start(scenario, seed, replication, host, holders, controls)
    return jobs.start(scenario, seed, replication, host, controls)


def _end_ns(scenario: Scenario) -> int:
    return scenario.windows * ns(scenario.coupling.window)


def _part(scenario: Scenario, host: int, run: hosts.HostRun, cpu_s: float) -> _Part:
    unleased = run.unleased_ns() if scenario.fleet is not None else 0
    return _Part(host, run.host.histogram, run.host.latency, unleased, cpu_s)


class Runner:
    """Runs variants on threads of this process. Use as a context; `stop` ends it at the next slice."""

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

    def _host(
        self, scenario: Scenario, seed: int, replication: int, host: int, holders: int
    ) -> tuple[_Part, np.ndarray]:
        begun = time.thread_time()
        run = _start(scenario, seed, replication, host, holders, ())
        end = _end_ns(scenario)
        slices = min(_SLICES, 1 + holders // _SLICE) if scenario.fleet is not None else _SLICES
        for piece in range(1, slices + 1):
            if self._stopped.is_set():
                raise Interrupted
            run.advance(end * piece // slices)
            if holders >= 10_000:
                self._advanced(1 / slices)
        run.close()
        if holders < 10_000:
            self._advanced(1.0)
        return _part(scenario, host, run, time.thread_time() - begun), run.host.series[: scenario.windows]

    def run(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """Outcomes of (variant, seed, replication), in the order of the tasks; what a replication draws of its variant
        (`scenario.resolve`) is drawn here. Raises what a run raised.
        """
        for found in self.each(tasks):
            if isinstance(found, Exception):
                raise found
            yield found

    def each(self, tasks: Sequence[Task]) -> Iterator[Outcome | Exception]:
        """As `run`, but what a run raised stands in its place, and the others go on. Raises Interrupted."""
        free = [task for task in tasks if all(action.when is None for action in task[0].scenario.operator)]
        ready = self._run_free(free)
        for variant, seed, replication in tasks:
            if any(action.when is not None for action in variant.scenario.operator):
                try:
                    yield self._run_together(resolve(variant, seed, replication), seed, replication)
                except Interrupted:
                    raise
                except Exception as error:
                    yield error
            else:
                yield next(ready)

    def _run_free(self, tasks: Sequence[Task]) -> Iterator[Outcome | Exception]:
        """Variants whose hosts know nothing of each other: each host runs to the horizon at once."""

        sums: dict[int, _Sum] = {}
        finished: dict[int, Outcome | Exception] = {}

        def work() -> Iterator[tuple[int, int, int]]:
            for number, (variant, seed, replication) in enumerate(tasks):
                try:
                    sums[number] = _Sum(resolve(variant, seed, replication), seed, replication)
                except Exception as error:
                    finished[number] = error
                    continue
                for host, holders in sums[number].hosts():
                    if number not in sums:  # one of its hosts failed
                        break
                    yield number, host, holders

        queue = work()
        pending: dict[Future[tuple[_Part, np.ndarray]], int] = {}
        following = 0
        while following < len(tasks):
            for number, host, holders in itertools.islice(queue, max(0, 4 * self._threads - len(pending))):
                own = sums[number]
                future = self._pool.submit(self._host, own.variant.scenario, own.seed, own.replication, host, holders)
                pending[future] = number
            done, _ = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                number = pending.pop(future)
                try:
                    part, series = future.result()
                    if number not in sums:
                        continue
                    sums[number].add(part.host, series)
                    sums[number].end(part)
                    if sums[number].is_whole():
                        finished[number] = sums.pop(number).outcome()
                except Interrupted:
                    raise
                except Exception as error:
                    finished.setdefault(number, error)
                    sums.pop(number, None)
            while following in finished:
                yield finished.pop(following)
                following += 1

    def _run_together(self, variant: Variant, seed: int, replication: int) -> Outcome:
        """A variant whose operators look at the whole fleet: all hosts advance window by window, conditions are looked
        at between.
        """
        scenario = variant.scenario
        begun = time.process_time()
        total = _Sum(variant, seed, replication)
        started: list[tuple[int, float]] = []
        names: list[tuple[str, float]] = []
        since: dict[int, float] = {}
        groups = [list(total.hosts())[i :: self._threads] for i in range(self._threads)]
        window = ns(scenario.coupling.window)
        lock = threading.Lock()

        def start(group: list[tuple[int, int]], series: np.ndarray) -> list[tuple[int, hosts.HostRun]]:
            own = []
            for host, holders in group:
                run = _start(scenario, seed, replication, host, holders, ())
                run.host = run.host._replace(series=series)
                own.append((host, run))
            return own

        def advance(own: list[tuple[int, hosts.HostRun]], series: np.ndarray, number: int) -> None:
            row = series[number : number + 1]
            for host, run in own:
                run.advance((number + 1) * window)
                if number == scenario.windows - 1:
                    run.close()
                with lock:
                    total.add(host, row, number)
                row[:] = 0

        # Hosts of a group take turns, window by window, so they write into one series.
        series = [np.zeros((scenario.windows + 1, len(COLUMNS)), np.int64) for _ in groups]
        runs = list(self._pool.map(start, groups, series))
        for number in range(scenario.windows):
            if self._stopped.is_set():
                raise Interrupted
            list(self._pool.map(advance, runs, series, itertools.repeat(number)))
            now_s = (number + 1) * scenario.coupling.window
            levels = total.row(number)
            fleet = {
                "queue": float(levels[requests.QUEUE]),
                "oldest": int(levels[requests.OLDEST_NS]) / 1e9,
                "leased": int(levels[requests.LEASED_END]) / max(total.holders, 1),
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
                for host, run in itertools.chain(*runs):
                    queueing.recontrol(run, queueing.controls_of(scenario, host, started))
            self._advanced(simulated_hosts(scenario) / scenario.windows)
        for host, run in itertools.chain(*runs):
            total.end(_part(scenario, host, run, 0.0))
        outcome = total.outcome()
        outcome.actions = sorted([*outcome.actions, *names], key=lambda action: action[1])
        outcome.cpu_s = time.process_time() - begun
        return outcome


PART = 30  # bits of the parts of a whole number that are kept where numbers are scaled


class _Scaled:
    """Sums of whole numbers, each times a fraction of whole numbers: the same in whichever order they come, and whole
    where their exact sum is.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._whole = np.zeros(shape, np.int64)
        self._part: np.ndarray | None = None

    def add(self, values: np.ndarray, of: int = 1, by: int = 1, rows: slice = slice(None)) -> None:
        """Add `values` times of / by (both up to 10^9) to these rows."""
        if of == by:
            self._whole[rows] += values
            return
        if self._part is None:
            self._part = np.zeros_like(self._whole)
        whole, rest = np.divmod(values, by)
        more, rest = np.divmod(rest * of, by)
        self._whole[rows] += whole * of + more
        self._part[rows] += (rest << PART) // by

    def value(self, rows: slice = slice(None)) -> np.ndarray:
        """int64, the sums of these rows, rounded once."""
        if self._part is None:
            return self._whole[rows].copy()
        return np.asarray(self._whole[rows] + ((self._part[rows] + (1 << (PART - 1))) >> PART))


class _Sum:
    """The hosts of one run, added up as they come."""

    def __init__(self, variant: Variant, seed: int, replication: int) -> None:
        scenario = variant.scenario
        self.variant, self.seed, self.replication = variant, seed, replication
        self.zones = scenario.fleet.zones if scenario.fleet else 1
        self.sizes = leases.holders_of(scenario) if scenario.fleet else np.zeros(scenario.hosts, np.int64)
        self.sample = sample.choose(scenario, seed, replication)
        self.simulated = np.arange(scenario.hosts) if self.sample is None else self.sample.hosts
        self.holders = int(self.sizes.sum())
        self.weight = np.zeros(scenario.hosts)
        self.weight[self.simulated] = 1.0
        if self.sample is not None:
            self.weight[self.simulated] = self.sample.stands_for.sum(axis=0) / self.sample.sizes
        self.edge = min(int(scenario.recovers_from_s / scenario.coupling.window), scenario.windows) - 1
        self.series = _Scaled((scenario.windows, len(COLUMNS)))
        self.oldest = np.zeros((scenario.windows, len(_OLDEST)), np.int64)
        self.leased = [_Scaled((scenario.windows,)) for _ in range(self.zones)]
        self.curves = np.zeros((0 if self.sample is None else len(self.simulated), scenario.windows), np.int32)
        self.sojourn = _Scaled((requests.HISTOGRAM,))
        self.latency = _Scaled((requests.HISTOGRAM,))
        self.unleased_ns, self.unleased_part = 0, 0
        self.unleased_at_start = np.where(self.weight > 0, self.sizes, 0.0)
        self.left = len(self.simulated)
        self.cpu_s = 0.0

    def hosts(self) -> Iterator[tuple[int, int]]:
        """Number and holders of each host that is to be simulated."""
        for host in self.simulated.tolist():
            yield host, int(self.sizes[host])

    def _stands_for(self, host: int) -> tuple[int, list[tuple[int, int]], int]:
        """Holders for which a host stands, the same by zone, and its own; of jobs 1, and 1."""
        own = int(self.sizes[host]) or 1
        if self.sample is None:
            return own, [(host % self.zones, own)], own
        of = self.sample.stands_for[:, np.searchsorted(self.simulated, host)]
        return int(of.sum()), [(zone, int(of[zone])) for zone in np.flatnonzero(of).tolist()], own

    def add(self, host: int, series: np.ndarray, first: int = 0) -> None:
        """Rows of a host, from window `first` on."""
        rows = slice(first, first + len(series))
        of, by_zone, own = self._stands_for(host)
        self.series.add(series, of, own, rows)
        self.oldest[rows] = np.maximum(self.oldest[rows], series[:, _OLDEST])
        if self.variant.scenario.fleet is None:
            return
        leased = series[:, requests.LEASED_END]
        for zone, holders in by_zone:
            self.leased[zone].add(leased, holders, own, rows)
        if self.sample is not None:
            self.curves[np.searchsorted(self.simulated, host), rows] = leased
        if first <= self.edge < first + len(series):
            self.unleased_at_start[host] = float(own - leased[self.edge - first])

    def end(self, part: _Part) -> None:
        """A host is done, and all its rows are added."""
        of, _, own = self._stands_for(part.host)
        self.sojourn.add(part.sojourn, of, own)
        self.latency.add(part.latency, of, own)
        whole, rest = divmod(part.unleased_ns * of, own)
        self.unleased_ns += whole
        self.unleased_part += (rest << PART) // own
        self.cpu_s += part.cpu_s
        self.left -= 1

    def rows(self, rows: slice) -> np.ndarray:
        """int64[rows, columns], flows and levels of the whole fleet in windows that all hosts have reached."""
        found = self.series.value(rows)
        found[:, _OLDEST] = self.oldest[rows]
        if self.variant.scenario.fleet is not None:
            found[:, requests.LEASED_END] = sum(leased.value(rows) for leased in self.leased)
        return found

    def row(self, number: int) -> np.ndarray:
        """int64[columns], the same of one window."""
        return np.asarray(self.rows(slice(number, number + 1))[0])

    def is_whole(self) -> bool:
        return self.left == 0

    def outcome(self) -> Outcome:
        scenario = self.variant.scenario
        series = self.rows(slice(None))
        return Outcome(
            variant=self.variant,
            seed=self.seed,
            replication=self.replication,
            times_s=np.arange(1, scenario.windows + 1) * scenario.coupling.window,
            series={name: series[:, i].copy() for i, name in enumerate(COLUMNS)},
            leased_by_zone=np.stack([leased.value() for leased in self.leased]),
            holders_by_zone=np.bincount(np.arange(scenario.hosts) % self.zones, self.sizes, self.zones).astype(
                np.int64
            ),
            sojourn=self.sojourn.value(),
            latency=self.latency.value(),
            unleased_ns=self.unleased_ns + ((self.unleased_part + (1 << (PART - 1))) >> PART),
            unleased_at_start=self.unleased_at_start,
            weight=self.weight,
            doubt=None if self.sample is None else sample.doubt(self.sample, self.curves, max(self.edge, 0)),
            actions=[(action.do, action.at) for action in scenario.operator if action.at is not None],
            cpu_s=self.cpu_s,
        )


def simulated_hosts(scenario: Scenario) -> int:
    """Hosts that a run of it simulates: all, or its sample."""
    sample = scenario.fleet.sample_hosts if scenario.fleet is not None else None
    return scenario.hosts if sample is None else sample
