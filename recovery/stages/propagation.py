"""Network propagation (MODEL.md, section 9): from a scenario and the launch stage's jobs to the kernel and back."""

from dataclasses import dataclass

import numpy as np
from recovery_kernels import batches, requests, workers
from recovery_kernels import propagation as kernel
from recovery_kernels.draws import Dist
from recovery_kernels.events import NEVER

from recovery.measures.histograms import quantiles_s
from recovery.measures.lasting import normal_from_s, stays_from
from recovery.model.policies.lowered import LetsIn
from recovery.model.propagation import Propagation
from recovery.model.scenario import Scenario
from recovery.stages import host, queueing, room
from recovery.stages.cost import GROWTH, ROW_BYTES, came, tries
from recovery.stages.launches import NO_ROUND_TRIP, LaunchRun, looks_at_propagation
from recovery.stages.propagating import PropagationRun
from recovery.stages.stage import Act, Before, Column, Cost, Later, Lowered, Row, StageRun, Table, named
from recovery.statistics.arrays import Floats, Whole
from recovery.units import ns

NS_PER_JOB = 80.0  # before anything is measured
NS_PER_JOB_OF_EVENTS = 300.0  # the same where shards run event by event
OPEN = "open"

_ROWS = 1 << 10
_CHUNKS = 64
_RING = 1 << 8


def _section(scenario: Scenario) -> Propagation:
    if scenario.propagation is None:
        raise ValueError("no [propagation]")
    return scenario.propagation


def is_plain(part: Propagation) -> bool:
    """Whether its windows need no events: nobody has to be told anything, and who has waited too long is the oldest."""
    door, order = part.lets_in(part.shards), part.order
    is_told = door.controller is not None or door.wait_s is not None or order.controller is not None
    is_drawn = part.timeout is not None and part.timeout.dist != "constant"
    return not is_told and not is_drawn and _order(part).max_age_ns >= 0


def _order(part: Propagation) -> kernel.Order:
    """Who of a shard is next and who leaves it, if that hangs on no draw."""
    order, timeout_ns, max_age_ns = part.order, 0, NEVER
    if part.timeout is not None:
        timeout_ns = max(ns(part.timeout.mean_s()), 1)
    if order.drops_expired and order.max_age_s:
        max_age_ns = ns(order.max_age_s)
    if order.drops_expired and part.timeout is not None:
        max_age_ns = min(max_age_ns, timeout_ns - ns(order.margin_s))
    bound = NEVER if order.limit is None else order.limit
    return kernel.Order(int(order.is_newest_first), bound, timeout_ns, max_age_ns)


def lowered(scenario: Scenario, parts: float | None = None) -> tuple[kernel.Params, kernel.Inputs, Dist]:
    """What the kernel takes, before any job is known; and how long a job may wait, if that has a bound. `parts`: how
    many equal parts a rate of the stage has, if not as many as there are shards.
    """
    part = _section(scenario)
    door = part.lets_in(parts or part.shards)
    has_law = door.controller is None and door.wait_s is None
    table = queueing.MeasuredValues()
    windows = scenario.windows
    params = kernel.Params(
        window_ns=ns(scenario.coupling.window),
        windows=windows,
        workers=part.workers,
        service=queueing.dist(part.time, table),
        slowdown_a=float(part.slowdown.a) if part.slowdown else 0.0,
        slowdown_b=float(part.slowdown.b) if part.slowdown else 1.0,
        slowdown_n=float(part.slowdown.queue) if part.slowdown else 1.0,
        fail_share=float(part.fails),
        client=queueing.client(part.client.lower(), part.retries, NO_ROUND_TRIP, table),
        intake=queueing.limit(door if has_law else LetsIn(OPEN)),
        tells=int(scenario.health is not None),
        order=_order(part) if is_plain(part) else kernel.Order(),
    )
    timeout = queueing.dist(part.timeout or part.time, table)
    inputs = kernel.Inputs(
        jobs=np.zeros((0, batches.COLUMNS), np.int64),
        first=np.zeros(windows + 1, np.int64),
        sheds_ns=np.array([(ns(r.at), ns(r.at + r.lasts)) for r in part.reductions], np.int64).reshape(-1, 2),
        shed_share=np.array([r.share for r in part.reductions], np.float64),
        table=table.array(),
    )
    return params, inputs, timeout


def start(scenario: Scenario, seed: int, replication: int, parts: float | None = None) -> PropagationRun:
    """The stage before its first window, empty; `parts` as in `lowered`."""
    params, inputs, timeout = lowered(scenario, parts)
    part, windows = _section(scenario), scenario.windows
    plain = is_plain(part)
    leave_by_age = params.order.timeout_ns > 0 or params.order.max_age_ns < NEVER
    columns = kernel.RING_COLUMNS if leave_by_age else kernel.REACHED
    streams = (kernel.SERVICE, kernel.SHARD, kernel.FAIL, kernel.ADMIT, kernel.RETRY, kernel.SHED)
    keys = kernel.Keys(*(host.stream_key(seed, replication, stream, 0) for stream in streams))
    free_ns, trees = workers.all_free_in_trees(part.workers, part.shards)
    state = kernel.State(
        whole=np.zeros(kernel.WHOLE, np.int64),
        asleep=room.nothing_waits(windows, _CHUNKS),
        shards=np.zeros((part.shards, kernel.SHARD_COLUMNS), np.int64),
        buckets=np.tile(host.full_bucket(params.intake), (part.shards, 1)),
        rings=np.zeros((part.shards, _RING if plain else 1, columns), np.int64),
        free_ns=free_ns,
        trees=trees,
        batch=np.zeros((kernel.BATCH_ROWS, _ROWS), np.int64),
        order=np.zeros(_ROWS, np.int64),
        came=np.zeros(3 * _ROWS + kernel.AHEAD * part.shards, np.int64),
        draws=np.zeros((2, _ROWS)),
        spread=np.zeros((kernel.SPREAD_ROWS, _ROWS + kernel.AHEAD * part.shards), np.int64),
        slowness=np.zeros(_RING if plain else 1),
        series=np.zeros((windows + 1, kernel.SERIES), np.int64),
        latency=np.zeros(requests.HISTOGRAM, np.int64),
        finishes=np.zeros((0, 2), np.int64),
        told=np.zeros(windows + 1, np.int64),
    )
    if plain:
        return PropagationRun(params, keys, inputs, state)
    from recovery.stages import shards  # its kernel is loaded where a scenario asks for it

    own = shards.own_keys(seed, replication)
    return shards.started(PropagationRun(params, keys, inputs, state), part, timeout, own, parts or part.shards)


@dataclass(kw_only=True)
class PropagationTable(Table):
    """What came of network propagation. `reach` int64[requests.HISTOGRAM]: times from launch to reachable."""

    reach: Whole

    def latency_mean_s(self) -> Floats:
        """float64[windows]: mean time from launch to reachable of what became reachable in each window; where nothing
        did, that of the window before.
        """
        done, total = self.columns["launches_reachable"], self.columns["latency_sum_ns"] / 1e9
        last = np.maximum.accumulate(np.where(done > 0, np.arange(len(done)), -1))
        mean = total / np.maximum(done, 1)
        return np.asarray(np.where(last >= 0, mean[np.maximum(last, 0)], 0.0))

    def works(self, scenario: Scenario) -> Floats:
        """float64[windows], normal over actual latency, 1 at most."""
        return np.asarray(np.minimum(1.0, _section(scenario).normal_latency / np.maximum(self.latency_mean_s(), 1e-9)))

    def measures(self, scenario: Scenario, times_s: Floats) -> Row:
        """When latency rises and is normal again, and how long it takes (MODEL.md, section 9)."""
        flows, hold = self.columns, scenario.hold
        is_late = self.latency_mean_s() > _section(scenario).normal_latency
        rises = stays_from(times_s, is_late, 0.0, hold)
        starts = requests.part_start_ns(np.arange(requests.HISTOGRAM))
        half_s, most_s = quantiles_s(self.reach, starts, (0.5, 0.99))
        return {
            "latency_rises_s": rises,
            "latency_normal_s": normal_from_s(times_s, ~is_late, rises, hold),
            "reach_p50_s": half_s,
            "reach_p99_s": most_s,
            "reach_max_s": float(flows["latency_max_ns"].max(initial=0) / 1e9),
            "jobs_waiting_peak": int(flows["jobs_waiting_max"].max(initial=0)),
            "jobs_refused_share": int(flows["jobs_refused"].sum()) / max(int(flows["job_attempts"].sum()), 1),
            "propagation_jobs": int(flows["jobs_submitted"].sum()),
        }


@dataclass
class Fed(StageRun):
    """The stage behind the launches, whose jobs it takes, and whose admission may look at it."""

    run: PropagationRun
    launches: LaunchRun
    is_seen: bool

    def advance(self, until: int) -> None:
        """Run the windows before `until` with the jobs that were let out in them."""
        self.run.advance(until, self.launches.state.jobs, self.launches.state.first)
        if self.is_seen:
            self.launches.see(self.run.waiting(), self.run.in_service())

    def forget(self, before: int) -> None:
        """Drop the finishes of the windows before this one."""
        self.run.forget(before)

    def table(self) -> PropagationTable:
        """Its series and the histogram of latencies."""
        state, windows = self.run.state, self.run.params.windows
        return PropagationTable(columns=named(STAGE.columns, state.series[:windows]), reach=state.latency)


class _Propagation(Later):
    name = "propagation"
    table = PropagationTable
    columns = (
        Column("jobs_submitted", "flow", "jobs: accepted launches and changes", kernel.SUBMITTED),
        Column("job_attempts", "flow", "attempts of jobs to get into a queue", kernel.ATTEMPTS),
        Column("jobs_refused", "flow", "attempts that were not let in", kernel.REFUSED),
        Column("jobs_shed", "flow", "changes that operators put aside", kernel.SHED_JOBS),
        Column("jobs_failed", "flow", "attempts that failed at their end, or waited too long", kernel.FAILED),
        Column("jobs_gave_up", "flow", "jobs that are tried no more", kernel.GAVE_UP),
        Column("launches_reachable", "flow", "instances that became reachable", kernel.REACHABLE),
        Column("changes_propagated", "flow", "changes that are done", kernel.PROPAGATED),
        Column("latency_sum_ns", "flow", "times from launch to reachable of these, added up", kernel.LATENCY_NS),
        Column("latency_max_ns", "peak", "the longest of these times", kernel.LATENCY_MAX_NS),
        Column("jobs_waiting", "level", "jobs in the queues", kernel.WAITING_END),
        Column("jobs_asleep", "level", "jobs between two attempts", kernel.ASLEEP_END),
        Column("jobs_waiting_max", "peak", "most jobs in the queues", kernel.WAITING_MAX),
    )  # fmt: skip

    def start(self, before: Before) -> Fed:
        run = start(before.scenario, before.seed, before.replication)
        return Fed(run, before.run_of(LaunchRun), self.feeds_back(before.scenario))

    def feeds_back(self, scenario: Scenario) -> bool:
        return looks_at_propagation(scenario)

    def lowered(self, scenario: Scenario) -> Lowered:
        part, (params, inputs, timeout) = _section(scenario), lowered(scenario)
        if is_plain(part):
            return params, inputs
        from recovery.stages import shards

        return params, inputs, *shards.said(part, timeout)

    def actions(self, scenario: Scenario) -> list[Act]:
        return [Act("load reduction", reduction.at) for reduction in _section(scenario).reductions]

    def cost(self, scenario: Scenario) -> Cost:
        """No job is done before the last has come."""
        part, launching = _section(scenario), scenario.launches
        if launching is None:
            raise ValueError("no [launches]")
        jobs = came(scenario, launching.demand) + came(scenario, launching.changes)
        plain = is_plain(part)
        comes_back = part.fails > 0 or part.intake.name != OPEN or not plain or _order(part) != kernel.Order()
        attempts = jobs * (tries(scenario, part.client.lower(), part.retries) if comes_back else 1)
        return Cost(
            GROWTH * ROW_BYTES * jobs * (2 if comes_back else 1),
            attempts,
            attempts * (NS_PER_JOB if plain else NS_PER_JOB_OF_EVENTS) / 1e9,
        )


STAGE = _Propagation()
