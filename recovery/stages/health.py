"""Health checks (MODEL.md, section 9): from a scenario and what the stages before gave to the kernel and back."""

import math
from dataclasses import dataclass

import numpy as np
from recovery_kernels import batches, draws, workers
from recovery_kernels import health as kernel

from recovery.measures.lasting import normal_from_s, stays_from
from recovery.model.health import Health
from recovery.model.policies.lowered import Removes
from recovery.model.scenario import Scenario
from recovery.stages import host, propagation, queueing
from recovery.stages.cost import GROWTH, came
from recovery.stages.launches import LaunchRun
from recovery.stages.propagating import PropagationRun
from recovery.stages.stage import Act, Before, Column, Cost, Later, Lowered, Row, StageRun, Table, named, named_by_zone
from recovery.statistics.arrays import Floats, Whole
from recovery.units import ns

ERRORS_SHARE = 0.01  # connections fail from this share on
NS_PER_CHECK = 20.0  # before anything is measured

_ROWS = 1 << 10
_CLAIMS = 1 << 14  # places in which the joins of a window are looked up: more than usually join
_LONG_AGO = -(1 << 62)


@dataclass
class HealthRun:
    """The stage and what it needs to go on; `advance` may be called with any rising windows, with the same bits."""

    params: kernel.Params
    keys: kernel.Keys
    inputs: kernel.Inputs
    state: kernel.State

    def advance(self, until: int, jobs: Whole, first: Whole, finishes: Whole, told: Whole) -> None:
        """Run the windows before `until` with the jobs (int64[n, 5]) that were let out in them, first[w] to
        first[w + 1], and the finishes (int64[m, 2]) that were told in them, told[w] to told[w + 1].
        """
        self.inputs = self.inputs._replace(jobs=jobs, first=first, finishes=finishes, told=told)
        while kernel.advance(*self.arguments, np.int64(until)):
            self.grow()

    @property
    def arguments(self) -> tuple[kernel.Params, kernel.Keys, kernel.Inputs, kernel.State]:
        """What `kernel.advance` takes before a window."""
        return self.params, self.keys, self.inputs, self.state

    def grow(self) -> None:
        """Room for all that may join in the next window."""
        window, first = int(self.state.whole[kernel.WINDOW]), self.inputs.first
        size = 2 * int(first[window + 1] - first[window])
        self.state = self.state._replace(
            batch=np.zeros((size, batches.COLUMNS), np.int64),
            order=np.zeros(size, np.int64),
            ends=np.zeros(3 * size + 1, np.int64),
        )

    def orders(self) -> tuple[Whole, Whole]:
        """Times (ns) at which instances were terminated in the last window, and the launches that they come back as."""
        orders = self.state.orders[: self.state.whole[kernel.ORDERS]]
        return orders[:, 0], orders[:, 1]


RULES = {
    "rise-fall": kernel.RISE_FALL,
    "fail-open": kernel.FAIL_OPEN,
    "panic": kernel.PANIC,
    "ejection-cap": kernel.EJECTION_CAP,
    "velocity": kernel.VELOCITY,
    "flap-damping": kernel.DAMPING,
}


def rule(removes: Removes) -> kernel.Rule:
    """The kernel's form of a health policy."""
    spans = ns(removes.span_s), ns(removes.cap_s), ns(removes.forget_s)
    return kernel.Rule(RULES[removes.kind], removes.limit, float(removes.share), *spans)


def _section(scenario: Scenario) -> Health:
    if scenario.health is None:
        raise ValueError("no [health]")
    return scenario.health


def lowered(scenario: Scenario) -> tuple[kernel.Params, kernel.Inputs]:
    """What the kernel takes, before any job is known."""
    part = _section(scenario)
    table = queueing.MeasuredValues()
    windows = scenario.windows
    window_ns, interval_ns = ns(scenario.coupling.window), ns(part.interval)
    params = kernel.Params(
        window_ns=window_ns,
        interval_ns=interval_ns,
        timeout_ns=ns(part.timeout),
        service=queueing.dist(part.time, table),
        change_ns=ns(part.change_time),
        rise=part.rise,
        fall=part.fall,
        terminate_ns=-1 if part.terminate_after is None else ns(part.terminate_after),
        joins_share=float(part.joins),
        failover_below=float(part.failover_below),
        failover_back=float(part.failover_back),
        policy=rule(part.policy.lower(part.targets)),
    )
    inputs = kernel.Inputs(
        jobs=np.zeros((0, batches.COLUMNS), np.int64),
        first=np.zeros(windows + 1, np.int64),
        finishes=np.zeros((0, 2), np.int64),
        told=np.zeros(windows + 1, np.int64),
        switches=np.array(
            [(ns(s.at), int(s.do == "on"), -1 if s.zone is None else s.zone) for s in part.failover], np.int64
        ).reshape(-1, 3),
        table=table.array(),
    )
    return params, inputs


def start(scenario: Scenario, seed: int, replication: int, zones: int) -> HealthRun:
    """The stage before its first window: all targets are in and reachable."""
    part, windows = _section(scenario), scenario.windows
    params, inputs = lowered(scenario)
    many, window_ns, interval_ns = part.targets, params.window_ns, params.interval_ns
    streams = (kernel.JOIN, kernel.PLACE, kernel.CHECK_SERVICE)
    keys = kernel.Keys(*(host.stream_key(seed, replication, stream, 0) for stream in streams))
    phases = np.zeros(many)
    draws.uniforms(host.stream_key(seed, replication, kernel.CHECK_PHASE, 0), phases)
    targets = np.zeros((many, kernel.COLUMNS), np.int64)
    targets[:, kernel.STATE] = kernel.IN
    targets[:, kernel.INSTANCE] = kernel.FIRST_INSTANCE
    targets[:, kernel.READY] = -1
    sizes = np.bincount(np.arange(many) % zones, minlength=zones).astype(np.int64)
    counts = np.zeros((zones, kernel.STATES), np.int64)
    counts[:, kernel.IN] = sizes
    pool, about = workers.all_free_in_pool(part.workers)
    state = kernel.State(
        whole=np.zeros(kernel.WHOLE, np.int64),
        targets=targets,
        outlook=np.zeros(many, np.int8),
        phases=np.sort((phases * interval_ns).astype(np.int64)),
        late=np.zeros((many, 2), np.int64),
        claims=np.full(_CLAIMS, batches.NOTHING, np.int64),
        pool=pool,
        about=about,
        draws=np.zeros((2, kernel.AHEAD)),
        services=np.zeros(kernel.AHEAD, np.int64),
        lines=workers.all_free_in_lines(part.workers, kernel.LENGTHS),
        counts=counts,
        late_counts=np.zeros((zones, kernel.STATES), np.int64),
        sizes=sizes,
        is_out=np.zeros(zones, np.int64),
        is_on=np.ones(zones, np.int64),
        ring=np.full(params.policy.limit, _LONG_AGO, np.int64),
        orders=np.zeros((many * (window_ns // interval_ns + 2), 2), np.int64),
        batch=np.zeros((_ROWS, batches.COLUMNS), np.int64),
        order=np.zeros(_ROWS, np.int64),
        ends=np.zeros(3 * _ROWS + 1, np.int64),
        series=np.zeros((windows, kernel.SERIES), np.int64),
        by_zone=np.zeros((windows, zones, kernel.ZONE_SERIES), np.int64),
    )
    return HealthRun(params, keys, inputs, state)


class HealthTable(Table):
    """What health checks said, and what that did to the targets."""

    def error_share(self) -> Floats:
        """float64[windows]: connections that fail, as the share of the targets in use that cannot be reached; one when
        none is in use.
        """
        routed, usable = self.columns["targets_routed"], self.columns["targets_usable"]
        return np.asarray(np.where(routed > 0, 1 - usable / np.maximum(routed, 1), 1.0))

    def works(self, scenario: Scenario) -> Floats:
        """float64[windows], usable share of the targets."""
        return np.asarray(self.columns["targets_usable"] / _section(scenario).targets)

    def measures(self, scenario: Scenario, times_s: Floats) -> Row:
        """When connections fail, when capacity is lost, and how much (MODEL.md, section 9)."""
        part, flows, hold, window_s = _section(scenario), self.columns, scenario.hold, scenario.coupling.window
        share, fails = self.works(scenario), self.error_share() >= ERRORS_SHARE
        falls = stays_from(times_s, share < part.normal_share, 0.0, hold)
        back = normal_from_s(times_s, share >= part.normal_share, falls, hold)
        start_s = stays_from(times_s, fails, 0.0, hold)
        out = np.flatnonzero(flows["failovers"])
        return {
            "errors_start_s": start_s,
            "errors_end_s": normal_from_s(times_s, ~fails, start_s, hold),
            "failover_first_s": float(times_s[out[0]]) if len(out) else math.inf,
            "capacity_falls_s": falls,
            "capacity_normal_s": back,
            "usable_min_share": float(share.min()),
            "capacity_lost_hours": float((1 - share).sum() * window_s / 3600),
            "error_minutes": float(self.error_share().sum() * window_s / 60),
            "checks": int(flows["checks"].sum()),
            "checks_failed_share": int(flows["checks_failed"].sum()) / max(int(flows["checks"].sum()), 1),
            "health_changes": int(flows["health_changes"].sum()),
            "targets_terminated": int(flows["targets_terminated"].sum()),
            "failovers": int(flows["failovers"].sum()),
        }


@dataclass
class Fed(StageRun):
    """The stage behind launches and propagation: it takes jobs and finishes, and asks for the launches that terminated
    instances come back as, one window later.
    """

    run: HealthRun
    launches: LaunchRun
    propagation: PropagationRun

    def advance(self, until: int) -> None:
        """Run the windows before `until`."""
        jobs, network = self.launches.state, self.propagation.state
        self.run.advance(until, jobs.jobs, jobs.first, network.finishes, network.told)
        times_ns, identities = self.run.orders()
        self.launches.ask(times_ns + self.launches.params.window_ns, identities)

    def table(self) -> HealthTable:
        """Its series, of all and by zone."""
        state, columns = self.run.state, STAGE.columns
        return HealthTable(columns=named(columns, state.series) | named_by_zone(columns, state.by_zone))


class _Health(Later):
    name = "health"
    table = HealthTable
    columns = (
        Column("checks", "flow", "checks that were made", kernel.CHECKS),
        Column("checks_failed", "flow", "checks that failed", kernel.FAILED),
        Column("health_changes", "flow", "targets taken out or brought in", kernel.CHANGES),
        Column("targets_taken_out", "flow", "targets taken out", kernel.REMOVED),
        Column("removals_delayed", "flow", "removals that the policy put off", kernel.DELAYED),
        Column("removals_cancelled", "flow", "such removals that were not made", kernel.CANCELLED),
        Column("targets_joined", "flow", "instances that took a target's place", kernel.JOINED),
        Column("targets_terminated", "flow", "instances terminated for bad health", kernel.TERMINATED),
        Column("failovers", "flow", "zones that were taken out", kernel.FAILOVERS),
        Column("targets_healthy", "level", "targets in, by their checks", kernel.HEALTHY),
        Column("targets_routed", "level", "targets in use", kernel.ROUTED),
        Column("targets_usable", "level", "targets in use and reachable", kernel.USABLE),
        Column("targets_out", "level", "targets taken out", kernel.OUT_END),
        Column("targets_empty", "level", "places without an instance", kernel.EMPTY_END),
        Column("healthy_in_zone", "level", "targets in, of a zone's", kernel.ZONE_HEALTHY, by_zone=True),
        Column("usable_in_zone", "level", "targets usable, of a zone's", kernel.ZONE_USABLE, by_zone=True),
        Column("removed_in_zone", "level", "targets not in use, of a zone's", kernel.ZONE_REMOVED, by_zone=True),
    )  # fmt: skip

    def start(self, before: Before) -> Fed:
        run = start(before.scenario, before.seed, before.replication, len(before.holders_by_zone))
        return Fed(run, before.run_of(LaunchRun), before.run_of(propagation.Fed).run)

    def feeds_back(self, scenario: Scenario) -> bool:
        return _section(scenario).terminate_after is not None

    def lowered(self, scenario: Scenario) -> Lowered:
        return lowered(scenario)

    def actions(self, scenario: Scenario) -> list[Act]:
        return [Act(f"failover {switch.do}", switch.at, switch.zone) for switch in _section(scenario).failover]

    def cost(self, scenario: Scenario) -> Cost:
        """Every check is made, and all launches are let out in one stretch."""
        part, launching = _section(scenario), scenario.launches
        asked = came(scenario, launching.demand) if launching is not None else 0.0
        checks = part.targets * scenario.horizon / part.interval
        orders = scenario.coupling.window // part.interval + 2
        memory = part.targets * 8 * (kernel.COLUMNS + 4 + 2 * orders) + GROWTH * 16 * asked
        return Cost(memory, checks, checks * NS_PER_CHECK / 1e9)


STAGE = _Health()
