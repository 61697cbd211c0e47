"""Launches (MODEL.md, section 9): from a scenario and the leased share of each zone to the kernel and back."""

import math
from dataclasses import dataclass

import numpy as np
from recovery_kernels import batches, hooks, launch_door
from recovery_kernels import launches as kernel
from recovery_kernels import policies as kernel_policies
from recovery_kernels.controllers import FACTS
from recovery_kernels.limits import Limit

from recovery.measures.lasting import normal_from_s, stays_from
from recovery.model.launches import Launches
from recovery.model.policies.lowered import LetsIn
from recovery.model.scenario import Scenario
from recovery.stages import host, queueing, room
from recovery.stages.cost import GROWTH, ROW_BYTES, came, tries
from recovery.stages.sessions import controllers
from recovery.stages.sessions.controllers import Used
from recovery.stages.stage import Act, Before, Column, Cost, Later, Lowered, Row, StageRun, Table, named
from recovery.statistics.arrays import Floats, Whole
from recovery.units import ns

FAILING_SHARE = 0.5  # launches fail while fewer of the attempts than this are accepted
NORMAL_SHARE = 0.99  # and are normal again when so many are
NS_PER_ATTEMPT = 120.0  # before anything is measured

_ROWS = 1 << 10
_CHUNKS = 64
NO_ROUND_TRIP = 0  # who is told comes back no sooner than in the next window


@dataclass
class LaunchRun(StageRun):
    """The stage and what it needs to go on; `advance` may be called with any rising windows, with the same bits."""

    params: kernel.Params
    keys: kernel.Keys
    inputs: kernel.Inputs
    state: kernel.State
    door: launch_door.Door
    found: list[Used]
    said: list[object]
    has_begun: bool = False

    def begin(self) -> None:
        """Before the first window: addresses of controllers are of this process alone, so they come now, and are no
        part of what decides the run; `said` is.
        """
        if self.found and not self.has_begun:
            table, _ = controllers.rows(self.found, ())
            self.door = self.door._replace(controllers=table)
            launch_door.begin(self.door)
            self.has_begun = True

    @property
    def arguments(self) -> tuple[kernel.Params, kernel.Keys, kernel.Inputs, kernel.State, launch_door.Door]:
        """What `kernel.advance` takes before a window."""
        return self.params, self.keys, self.inputs, self.state, self.door

    def see(self, waiting_jobs: int, in_service: int) -> None:
        """What waits in propagation and what is in service there, as windows that have not run yet will see it."""
        self.door.whole[[launch_door.SEEN_WAITING, launch_door.SEEN_IN_SERVICE]] = waiting_jobs, in_service

    def advance(self, until: int) -> None:
        """Run the windows before `until`."""
        self.begin()
        while status := kernel.advance(*self.arguments, np.int64(until)):
            self.grow(status)

    def grow(self, status: int) -> None:
        """Twice the room for what the kernel says."""
        state = self.state
        if status == kernel.GROW_WAITING:
            self.state = state._replace(
                waiting=room.with_chunks(state.waiting, room.array(2 * len(state.waiting.chunks)))
            )
        elif status == kernel.GROW_BATCH:
            size = 2 * len(state.batch)
            self.state = state._replace(
                batch=room.array(size, 2),
                spare=room.array(2, size),
                moves=room.array(2, size),
                links=room.array(size),
                ends=room.array(size + 2),
                draws=room.array(size).view(np.float64),
            )
        else:
            jobs, many = room.array(2 * len(state.jobs), batches.COLUMNS), int(state.whole[kernel.JOBS])
            jobs[:many] = state.jobs[:many]
            self.state = state._replace(jobs=jobs)

    def ask(self, times_ns: Whole, identities: Whole) -> None:
        """Let launches of instances that were terminated come at these times, in windows that have not run."""
        done = 0
        while (done := done + kernel.ask(self.params, self.state, times_ns[done:], identities[done:])) < len(times_ns):
            self.grow(kernel.GROW_WAITING)

    def table(self) -> "LaunchTable":
        """Its series."""
        return LaunchTable(columns=named(STAGE.columns, self.state.series))

    def forget(self, before: int) -> None:
        """Drop the jobs of the windows before this one, which the next stage has taken."""
        state = self.state
        gone, end = int(state.first[before]), int(state.whole[kernel.JOBS])
        state.jobs[: end - gone] = state.jobs[gone:end].copy()
        state.first[before : state.whole[kernel.WINDOW] + 1] -= gone  # what lies beyond is not yet known
        state.whole[kernel.JOBS] -= gone


def rates_per_ns(scenario: Scenario, what: str) -> Floats:
    """Launches or changes a nanosecond in each window, float64[windows]: the rate at its middle."""
    launches = scenario.launches
    if launches is None:
        raise ValueError("no [launches]")
    demand = launches.demand if what == "demand" else launches.changes
    window = scenario.coupling.window
    return np.array(demand.over([(i + 0.5) * window for i in range(scenario.windows)])) / 1e9


def _section(scenario: Scenario) -> Launches:
    if scenario.launches is None:
        raise ValueError("no [launches]")
    return scenario.launches


def looks_at_propagation(scenario: Scenario) -> bool:
    """Whether admission of launches sees what waits in propagation."""
    if scenario.launches is None or scenario.propagation is None:
        return False
    door = _lets_in(scenario, 1.0)
    return door.limit is not None or door.controller is not None


def _lets_in(scenario: Scenario, parts: float) -> LetsIn:
    """What admission lets in, if rates have so many parts."""
    return _section(scenario).admission.lower(_network(scenario)[1], parts)


def _network(scenario: Scenario) -> tuple[int, float]:
    """Workers of all shards of propagation, and what they can do, 1/s."""
    part = scenario.propagation
    return (0, 0.0) if part is None else (part.workers * part.shards, part.capacity_per_s * part.shards)


def used(scenario: Scenario, parts: float = 1.0) -> list[Used]:
    """The controller of admission, if it is one."""
    door = _lets_in(scenario, parts)
    return [] if door.controller is None else [Used("admission", door.controller)]


def _door(scenario: Scenario, seed: int, replication: int, law: Limit, found: list[Used]) -> launch_door.Door:
    """Admission before its first attempt."""
    workers, capacity_per_s = _network(scenario) if found else (0, 0.0)  # nobody else looks
    keys = [
        host.stream_key(seed, replication, one, 0)
        for one in (launch_door.ADMIT, launch_door.CONTROLLER, launch_door.CUSTOMER)
    ]
    sizes = [sum(controllers.module_of(one.controller.name).MEMORY.values()) for one in found]
    params = [number for one in found for number in one.controller.params]
    return launch_door.Door(
        law=law,
        controllers=np.zeros((len(found), hooks.CONTROLLER_COLUMNS), np.int64),
        controller_params=np.array(params or [0.0]),
        workers=workers,
        capacity_per_s=capacity_per_s,
        admit=keys[0],
        controller=keys[1],
        customer=keys[2],
        whole=np.zeros(launch_door.WHOLE, np.int64),
        real=host.full_bucket(law),
        memory=np.zeros(max([1, *sizes])),
        facts=np.zeros(len(FACTS)),
    )


def lowered(scenario: Scenario, zones: int, parts: float = 1.0) -> tuple[kernel.Params, kernel.Inputs]:
    """What the kernel takes, before any holder has a lease; `parts` of the rates of admission."""
    part, door = _section(scenario), _lets_in(scenario, parts)
    table = queueing.MeasuredValues()
    window_ns = ns(scenario.coupling.window)
    client = queueing.client(part.client.lower(), part.retries, NO_ROUND_TRIP, table)
    params = kernel.Params(
        window_ns=window_ns,
        zones=zones,
        poisson=int(part.arrivals == "poisson"),
        pinned_share=float(part.pinned),
        looks=part.looks,
        client=client,
        admission=queueing.limit(door) if door.controller is None else kernel.Params._field_defaults["admission"],
    )
    steps = [(-1.0, 1.0) if step.rate is None else (step.rate / 1e9, max(1.0, step.rate * part.burst))
             for step in part.throttle]  # fmt: skip
    inputs = kernel.Inputs(
        launches_per_ns=rates_per_ns(scenario, "demand"),
        changes_per_ns=rates_per_ns(scenario, "changes"),
        leased=np.zeros((zones, 0), np.int64),
        holders=np.zeros(zones, np.int64),
        throttle_ns=np.array([ns(step.at) for step in part.throttle], np.int64),
        throttle=np.array(steps, np.float64).reshape(-1, 2),
        table=table.array(),
        backoffs=kernel_policies.backoffs(client, scenario.windows),
    )
    return params, inputs


def start(
    scenario: Scenario, seed: int, replication: int, leased: Whole, holders: Whole, parts: float = 1.0
) -> LaunchRun:
    """The stage before its first window. `leased` int64[zones, windows] of `holders` int64[zones] is what the lease
    stage gave; `parts` as in `lowered`.
    """
    params, inputs = lowered(scenario, len(holders), parts)
    inputs = inputs._replace(leased=np.ascontiguousarray(leased, np.int64), holders=np.asarray(holders, np.int64))
    streams = (kernel.ARRIVAL, kernel.CHANGE_ARRIVAL, kernel.ZONE, kernel.PIN, kernel.LOOK, kernel.RETRY)
    keys = kernel.Keys(*(host.stream_key(seed, replication, stream, 0) for stream in streams))
    windows, zones = scenario.windows, len(holders)
    state = kernel.State(
        whole=np.zeros(kernel.WHOLE, np.int64),
        real=np.zeros(kernel.REAL),
        waiting=room.nothing_waits(windows, _CHUNKS),
        held=np.zeros(zones, np.int64),
        carry=np.zeros(zones),
        releasing=np.zeros((zones, 2), np.int64),
        denied=np.zeros(zones),
        batch=np.zeros((_ROWS, 2), np.int64),
        spare=np.zeros((2, _ROWS), np.int64),
        moves=np.zeros((2, _ROWS), np.int64),
        links=np.zeros(_ROWS, np.int64),
        ends=np.zeros(_ROWS + 2, np.int64),
        draws=np.zeros(_ROWS),
        jobs=np.zeros((_ROWS, batches.COLUMNS), np.int64),
        first=np.zeros(windows + 1, np.int64),
        series=np.zeros((windows, kernel.SERIES), np.int64),
    )
    kernel.begin(params, keys, state)
    found = used(scenario, parts)
    door = _door(scenario, seed, replication, params.admission, found)
    return LaunchRun(params, keys, inputs, state, door, found, controllers.said(found))


class LaunchTable(Table):
    """What came of launches and changes."""

    def works(self, scenario: Scenario) -> Floats:  # noqa: ARG002
        """float64[windows], share of the attempts that are accepted; 1 where there are none."""
        attempts, accepted = self.columns["launch_attempts"], self.columns["launches_accepted"]
        return np.asarray(np.where(attempts > 0, accepted / np.maximum(attempts, 1), 1.0))

    def asked_share(self) -> Floats:
        """float64[windows], launches accepted over launches wanted, 1 at most: who comes back is not counted twice."""
        asked, accepted = self.columns["launches_asked"], self.columns["launches_accepted"]
        return np.asarray(np.where(asked > 0, np.minimum(accepted / np.maximum(asked, 1), 1.0), 1.0))

    def measures(self, scenario: Scenario, times_s: Floats) -> Row:
        """When launches fail and work again, and what became of them (MODEL.md, section 9)."""
        flows, hold = self.columns, scenario.hold
        attempts, accepted = flows["launch_attempts"], flows["launches_accepted"]
        share = self.works(scenario)
        fails_from = stays_from(times_s, share < FAILING_SHARE, 0.0, hold)
        after, works = fails_from if math.isfinite(fails_from) else 0.0, share >= FAILING_SHARE
        total = max(int(attempts.sum()), 1)
        return {
            "launches_fail_s": fails_from,
            "launches_resume_s": 0.0 if works.all() else stays_from(times_s, works, after, hold),
            "launches_normal_s": normal_from_s(times_s, share >= NORMAL_SHARE, fails_from, hold),
            "launches_asked": int(flows["launches_asked"].sum()),
            "launches_accepted": int(accepted.sum()),
            "launches_throttled_share": int(flows["launches_throttled"].sum()) / total,
            "launches_insufficient_share": int(flows["launches_insufficient"].sum()) / total,
            "launches_gave_up": int(flows["launches_gave_up"].sum()),
            "launches_asleep_peak": int(flows["launches_asleep_max"].max(initial=0)),
            "changes_waiting_peak": int(flows["changes_waiting_max"].max(initial=0)),
        }


class _Launches(Later):
    name = "launches"
    table = LaunchTable
    columns = (
        Column("launches_asked", "flow", "launches that were asked for", kernel.ASKED),
        Column("launch_attempts", "flow", "attempts of launches", kernel.ATTEMPTS),
        Column("launches_throttled", "flow", "denied by the request throttle or by admission", kernel.THROTTLED),
        Column("launches_insufficient", "flow", "denied: no leased holder found", kernel.INSUFFICIENT),
        Column("launches_accepted", "flow", "launches that were accepted", kernel.ACCEPTED),
        Column("launches_gave_up", "flow", "launches that are tried no more", kernel.GAVE_UP),
        Column("changes", "flow", "other changes that came", kernel.CHANGED),
        Column("changes_held", "flow", "changes that must wait for a lease", kernel.HELD),
        Column("changes_released", "flow", "changes whose lease has come", kernel.RELEASED_CHANGES),
        Column("launches_asleep", "level", "customers between two attempts", kernel.ASLEEP_END),
        Column("changes_waiting", "level", "changes that wait for a lease", kernel.HELD_END),
        Column("launches_asleep_max", "peak", "most such customers", kernel.ASLEEP_MAX),
        Column("changes_waiting_max", "peak", "most such changes", kernel.HELD_MAX),
    )

    def start(self, before: Before) -> LaunchRun:
        leased, holders = before.leased_by_zone, before.holders_by_zone
        return start(before.scenario, before.seed, before.replication, leased, holders)

    def lowered(self, scenario: Scenario) -> Lowered:
        found = used(scenario)
        return *lowered(scenario, scenario.zones), *(["admission", controllers.said(found)] if found else [])

    def actions(self, scenario: Scenario) -> list[Act]:
        return [Act("launch throttle", step.at) for step in _section(scenario).throttle]

    def cost(self, scenario: Scenario) -> Cost:
        """All launches are denied until they are all let out in one stretch."""
        part = _section(scenario)
        asked, changes = came(scenario, part.demand), came(scenario, part.changes)
        events = asked * tries(scenario, part.client.lower(), part.retries) + changes
        waits_and_jobs = asked + (asked + changes)
        return Cost(GROWTH * ROW_BYTES * waits_and_jobs, events, events * NS_PER_ATTEMPT / 1e9)


STAGE = _Launches()
