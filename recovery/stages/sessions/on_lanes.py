"""One host of a scenario with rules of sessions, of classes of holders, on the lane engine: its sessions that end, and
what it tells in the columns of the engine of sessions.

Client and server see the same leases there: what makes these differ sends a host to the engine of sessions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
from recovery_kernels import draws, requests
from recovery_kernels.draws import Dist
from recovery_kernels.jit import Settled
from recovery_kernels.lanes import ended
from recovery_kernels.lanes import layout as of_lanes
from recovery_kernels.requests import Params
from recovery_kernels.sessions import layout
from recovery_kernels.sessions.streams import FIRST_DELAY_STREAM, NOTICE_STREAM, STREAMS

from recovery.kept import Kept
from recovery.model.distributions import Distribution
from recovery.model.notice import Notice
from recovery.model.operator import EndSessions, Restart
from recovery.model.scenario import Scenario
from recovery.stages import engines, lanes, leases, queueing
from recovery.stages import host as hosts
from recovery.stages.sessions.run import OF_ALL
from recovery.stages.sessions.tables import NOTICES
from recovery.stages.traffic import Started
from recovery.statistics.arrays import Whole
from recovery.units import ns

OF_HOST = [requests.BUSY_SUM_NS, requests.IDLE_SUM_NS, requests.DOWN_SUM_NS]  # columns that no class has
_ALL = -1  # in place of how many: all
_END_SESSIONS, _LEARN = Settled(ended.end_sessions), Settled(ended.learn)
_TELL_LOST, _PUT_IN = Settled(ended.tell_lost), Settled(ended.put_in)
_STREAMS = np.array([NOTICE_STREAM, FIRST_DELAY_STREAM])


class Learns(NamedTuple):
    """How a client learns that its session ended: at once or at its check (`layout.AT_ONCE`, `AT_CHECK`), or after a
    draw.
    """

    how: int
    after: Dist


class Ends(NamedTuple):
    """What decides when clients of a class come back whose sessions end: how they learn of it, by the place of the
    action that ends them; their first delay; keys of the streams of both draws.
    """

    notices: Sequence[Learns]
    first_delay: Dist
    of_notice: np.uint64
    of_delay: np.uint64


@dataclass
class LaneSessionRun(lanes.LaneRun):
    """A host and what it needs to go on: for each class what becomes of `sessions` that end. `unaware` int64[classes,
    windows + 1]: by how many there are more in a window than in the one before who do not know yet that theirs ended.
    """

    sessions: Sequence[Ends]
    unaware: Whole

    @property
    def series(self) -> Whole:
        """What it wrote of each window."""
        return self.rows(0, len(self.host.series))

    def rows(self, first: int, end: int) -> Whole:
        """What it wrote of these windows."""
        each = self._each(first, end)
        found = each.sum(axis=1)
        found[:, OF_ALL] = each[:, -1][:, OF_ALL]
        return _filled_in(np.asarray(found), self.unaware.sum(axis=0), first)

    def rows_of(self, number: int, first: int, end: int) -> Whole:
        """The same of one class; of the only one with what is of the host."""
        return _filled_in(self._each(first, end)[:, number].copy(), self.unaware[number], first)

    def _each(self, first: int, end: int) -> Whole:
        """What the kernel wrote of each class, and at last of the host: int64[windows, rows, columns]; of the only
        class all is in one row.
        """
        return self.host.series[first:end].reshape(end - first, -1, layout.SERIES)

    def write_with(self, other: hosts.Running) -> None:
        """Write into the other's series from now on."""
        if not isinstance(other, LaneSessionRun):
            raise TypeError(f"{type(other).__name__} is another engine's host; want one of this")
        self.host = self.host._replace(series=other.host.series)

    def kept(self) -> Self:
        """A copy that can go on from here."""
        return replace(super().kept(), unaware=self.unaware.copy())

    def of_class(self, number: int) -> hosts.OfClass:
        """What it tells of a class, by its place in the file."""
        return _Class(self, number)

    def set_off(self, scenario: Scenario, host: int, started: Started) -> None:
        """Let the actions begin that a condition has set off."""
        queueing.recontrol(self, controls_of(scenario, host, started))

    def start_cold(self, first_ns: Whole) -> None:
        """All holders are there without a lease, as if their sessions had ended at 0, and learn that at these times."""
        comers = np.zeros((len(first_ns), of_lanes.ROW), np.int64)
        comers[:, of_lanes.TIME], comers[:, of_lanes.WHO] = first_ns, np.arange(len(first_ns))
        comers[:, of_lanes.NUMBER] = -2
        for number, own in enumerate(self.sessions):
            first, end = self.clients_of(number)
            self.host.whole[number * of_lanes.MEMORY + requests.SLEEPERS] = end - first
            self._come_back(comers[first:end], 0, number, Learns(layout.AT_CHECK, own.first_delay))

    def _see_to(self, status: int) -> None:
        """Do what the kernel asks for: room, or the next control."""
        if status != of_lanes.CONTROL_DUE:
            super()._see_to(status)
            return
        control = self.host.whole[requests.CONTROL]
        at_ns, what, many = self.inputs.controls[control]
        found = np.full((self.holders, of_lanes.ROW), -1)
        if what == of_lanes.TELL_LOST:
            _TELL_LOST.call(self.params, self.rules, self.keys, self.inputs, self.host, at_ns, found)
            self._put_in(found[found[:, of_lanes.TIME] >= 0])
        else:
            place, number = map(int, self.inputs.control_args[control])
            meant = ended.Meant(number, *self.clients_of(number), many)
            _END_SESSIONS.call(self.params, self.rules, self.host, at_ns, meant, found)
            notice = self.sessions[number].notices[place]
            self._come_back(found[found[:, of_lanes.TIME] >= 0], at_ns, number, notice)
        self.host.whole[requests.CONTROL] += 1

    def _come_back(self, comers: Whole, at_ns: int, number: int, notice: Learns) -> None:
        """Clients of a class whose sessions ended, in the order of their numbers, learn that, and come after their
        first delay.
        """
        noticed, own, unaware = np.empty(len(comers), np.int64), self.sessions[number], self.unaware[number]
        first, _ = self.clients_of(number)
        _LEARN.call(
            own.first_delay, notice.how, notice.after, self.inputs.table, own.of_notice, own.of_delay, first,
            np.int64(at_ns), comers, noticed,
        )  # fmt: skip
        last, window_ns = len(unaware) - 1, self.params.window_ns
        unaware[min(at_ns // window_ns, last)] += len(comers)
        unaware -= np.bincount(np.minimum(noticed // window_ns, last), minlength=last + 1)
        self._put_in(comers)

    def _put_in(self, comers: Whole) -> None:
        """Clients who come again, in the order of their numbers, sleep until then."""
        order = comers[:, of_lanes.TIME].argsort(kind="stable")
        _PUT_IN.call(self.host, np.int64(self.shift), comers[order])


def _filled_in(found: Whole, unaware: Whole, first: int) -> Whole:
    """Rows of the windows from `first` on, with the columns that the kernel does not write."""
    found[:, layout.LEASED_SERVER] = found[:, requests.LEASED_END]
    found[:, layout.UNAWARE_END] = np.cumsum(unaware)[first:][: len(found)]
    return found


@dataclass
class _Class(hosts.OfClass):
    """A class of a host; the only one has all that the host has but the time of its workers."""

    run: LaneSessionRun
    number: int

    def rows(self, first: int, end: int) -> Whole:
        """What the host wrote of these windows of this class."""
        found = self.run.rows_of(self.number, first, end)
        found[:, OF_HOST] = 0
        return found

    @property
    def sojourn(self) -> Whole:
        """Times in the system of finished requests."""
        return self.run.sojourn_of(self.number)

    @property
    def latency(self) -> Whole:
        """Times from arrival to success of jobs."""
        return self.run.latency

    def unleased_ns(self) -> int:
        """Time that its clients were without a lease."""
        return self.run.unleased_ns_of(self.number)


def controls_of(scenario: Scenario, host: int, started: Started) -> list[queueing.Control]:
    """All controls of one host, in order of time; at one time the dependency first, then restarts as the file has them
    (first who waits is told, where they tell), throttles, and the ends of sessions.
    """
    zones = scenario.zones
    planned = enumerate(scenario.operator)
    begun = [queueing.Begun(place, action.at) for place, action in planned if action.at is not None]
    begun += started
    classes = list(scenario.classes) or [""]
    restarts: list[queueing.Control] = []
    ends: list[queueing.Control] = []

    def end(at_ns: int, place: int, number: int, many: int = _ALL) -> None:
        ends.append((at_ns, of_lanes.END_SESSIONS, many, float(place), float(number)))

    for place, at_s in sorted(begun):
        action = scenario.operator[place]
        if isinstance(action, Restart):
            for control in queueing.restart_controls(scenario, action, at_s, host, zones):
                if action.told:
                    restarts.append((control[0], of_lanes.TELL_LOST, 0, 0.0, 0.0))
                restarts.append(control)
                for number in range(len(classes) if action.ends_sessions else 0):
                    end(control[0], place, number)
        elif isinstance(action, EndSessions) and action.zone in (None, host % zones):
            among = leases.Among(scenario, host, action.zone)
            for number, name in enumerate(classes):
                if name in (action.classes or classes):
                    many = _ALL if action.share == 1 else among.part(number, action.share)
                    end(ns(at_s), place, number, many)
    gates = queueing.gate_controls(scenario, begun, host, zones)
    found = [*queueing.dependency_controls(scenario), *restarts, *gates, *ends]
    return sorted(found, key=lambda control: control[0])  # stable: the order above decides ties


class _Shared(NamedTuple):
    """What the hosts of a scenario have in common: numbers, measured values, what decides how clients come back."""

    each: tuple[Params, ...]
    table: queueing.MeasuredValues
    span_ns: int
    first_delays: tuple[Dist, ...]
    notices: tuple[Learns, ...]


def _share(scenario: Scenario) -> _Shared:
    each, given = engines.numbers_of_classes(scenario)
    seen, table = engines.seen_by_each(scenario), queueing.MeasuredValues()
    table.values = [*given.values]
    nothing = Distribution.constant(0.0)
    delays = [one.lease.first_delay if one.lease is not None else None for one in seen]
    first_delays = tuple(queueing.dist(delay or nothing, table) for delay in delays)

    def learns(notice: Notice) -> Learns:
        if isinstance(notice, Distribution):
            return Learns(0, queueing.dist(notice, table))
        return Learns(NOTICES[notice], queueing.dist(nothing, table))

    notices = tuple(learns(getattr(action, "notice", "at-once")) for action in scenario.operator)
    return _Shared(each, table, max(map(queueing.span_ns, seen)), first_delays, notices)


_shared = Kept(_share, most=4)


def new_run(
    scenario: Scenario,
    seed: int,
    replication: int,
    host: int,
    members: Sequence[int],
    first_ns: Whole,
    expires_ns: Whole,
) -> LaneSessionRun:
    """A host before its first event, whose scenario `engines.engine_of` gives to lanes, with so many holders of each
    class. int64[all of them] each, class by class: the first submission and the end of the lease (0 or less: none).
    """
    shared = _shared(scenario)
    inputs = queueing.inputs(controls_of(scenario, host, ()), shared.table)
    several = shared.each if len(shared.each) > 1 else ()
    slowdown = scenario.host.slowdown
    same = lanes.Hosts(
        shared.each[0], inputs, windows=scenario.windows, span_ns=shared.span_ns,
        columns=(len(several) + 1) * layout.SERIES, counts_stale=True, classes=several,
        priorities=[place.priority for place in scenario.classes.values()],
        slowed_by_busy=slowdown is not None and slowdown.by == "in-service",
    )  # fmt: skip
    keys = [hosts.holders_keys(seed, replication, host, STREAMS * number)[1] for number in range(len(shared.each))]
    ends = []
    for number, first_delay in enumerate(shared.first_delays):
        own, streams = np.empty(len(_STREAMS), np.uint64), _STREAMS + STREAMS * number
        draws.stream_keys(np.uint64(seed), np.uint64(replication), streams, np.uint64(host), own)
        ends.append(Ends(shared.notices, first_delay, *own))
    if not several:
        members = ()
    keys_of = keys[: len(members)]
    is_cold = scenario.fleet is not None and scenario.fleet.start == "unleased"
    if is_cold:
        run = same.empty(keys[0], len(first_ns), members, keys_of)
    else:
        run = same.start(keys[0], first_ns, expires_ns, members, keys_of)
    found = LaneSessionRun(**vars(run), sessions=ends, unaware=np.zeros((len(ends), scenario.windows + 1), np.int64))
    if is_cold:
        found.start_cold(first_ns)
    return found
