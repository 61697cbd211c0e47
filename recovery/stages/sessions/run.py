"""One host on the engine of sessions: its arrays, and the loop that enlarges them when the engine asks for it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from recovery_kernels import events, requests
from recovery_kernels.jit import Settled
from recovery_kernels.sessions import layout, loop, memory
from recovery_kernels.sessions.layout import Host, Rules

from recovery.model.operator import Scale, SetKey, Throttle, gates_of
from recovery.model.scenario import Scenario
from recovery.stages import host as hosts
from recovery.stages import jobs, queueing
from recovery.stages.sessions import controllers
from recovery.stages.sessions.controls import Controls, controls_of
from recovery.stages.sessions.numbers import (
    Numbers,
    class_rules,
    edited_each,
    keys,
    kinds_of,
    line_of,
    may_be,
    numbers_of,
    segments,
)
from recovery.stages.traffic import Started
from recovery.statistics.arrays import Floats, Whole
from recovery.units import ns

OF_ALL = [  # columns that the host has for all its classes together; the others are added up
    requests.QUEUE, requests.OLDEST_NS, requests.OLDEST_MAX_NS, requests.QUEUE_MAX, requests.IN_SERVICE,
    requests.OPEN_MAX,
]  # fmt: skip
ADVANCE = Settled(loop.advance)
BYTES_A_CLIENT = 8 * (layout.CLIENT + 2) + layout.TIMERS * (8 + 4 + 4) + 6 * 3 * 8
BYTES_A_REQUEST = 8 * (layout.REQUEST_COLUMNS + 3)


@dataclass
class SessionRun(hosts.Running):
    """A host and what it needs to go on."""

    numbers: Numbers
    rules: Rules
    host: Host
    number: int

    @property
    def series(self) -> Whole:
        """What it wrote of each window, its classes together."""
        return self.rows(0, len(self.host.series))

    def rows(self, first: int, end: int) -> Whole:
        """The same of these windows."""
        classes = self.host.series[first:end]
        found = classes.sum(axis=1)
        found[:, OF_ALL] = classes[:, -1][:, OF_ALL]
        return np.asarray(found)

    def clear(self, first: int, end: int) -> None:
        """Forget what it wrote of these windows."""
        self.host.series[first:end] = 0

    def write_with(self, other: hosts.Running) -> None:
        """Write into the other's series from now on."""
        if not isinstance(other, SessionRun):
            raise TypeError(f"{type(other).__name__} is another engine's host; want one of this")
        self.host = self.host._replace(series=other.host.series)

    def kept(self) -> Self:
        """A copy that can go on from here."""
        return replace(self, host=Host._make(hosts.copies(self.host)))

    @property
    def nbytes(self) -> int:
        """What a copy takes, bytes."""
        return hosts.bytes_of(self.host)

    @property
    def sojourn(self) -> Whole:
        """Times in the system of finished requests."""
        return np.asarray(self.host.histogram.sum(axis=0))

    @property
    def latency(self) -> Whole:
        """Times from arrival to success of jobs."""
        return np.asarray(self.host.latency.sum(axis=0))

    def advance(self, until_ns: int) -> None:
        """Run every event before `until_ns`."""
        most = len(self.host.series) - 1
        if until_ns > most * self.rules.window_ns:
            raise ValueError(f"until_ns is {until_ns}; want no more than {most} windows of {self.rules.window_ns}")
        while True:
            status = ADVANCE.call(self.rules, self.host, np.int64(until_ns))
            if status == layout.DONE:
                return
            if status != layout.TOO_MANY_JOBS:
                self.host = memory.enlarged(self.host, status)
            else:
                raise hosts.HostError(
                    f"more than {events.MAX_CLIENTS} jobs arrived at one host; "
                    "want fewer (jobs.steps), a shorter horizon, or more hosts (jobs.hosts)"
                )

    def close(self) -> None:
        """Count the work on requests that are in service."""
        h, now = self.host, self.host.whole[layout.NOW]
        last = h.series[h.whole[layout.BIN] - 1]
        for request in h.at_worker[h.at_worker != layout.NONE].tolist():
            row = h.requests[request]
            number, nature, client = row[layout.R_CLASS], row[layout.R_NATURE], row[layout.R_ROW]
            elapsed = now - row[layout.R_STARTED]
            paid = min(row[layout.R_PAID], elapsed)
            is_awaited = client != layout.NONE and h.clients[client, layout.REQUEST] == request
            column = requests.USEFUL_NS if is_awaited or nature == layout.OF_EXPIRY else requests.WASTED_NS
            if row[layout.R_FAILS] != 0:
                column = requests.FAILED_NS
            elif nature == layout.OF_PROBE:
                column = requests.OVERHEAD_NS
            last[number, requests.OVERHEAD_NS] += paid
            last[number, column] += elapsed - paid

    def unleased_ns(self) -> int:
        """Time that clients were without a lease, as they see it."""
        return sum(self.of_class(number).unleased_ns() for number in range(len(self.rules.classes)))

    def of_class(self, number: int) -> "SessionClass":
        """What it tells of a class, by its place in the file."""
        return SessionClass(self, number)

    def set_off(self, started: Started) -> None:
        """Let the actions begin that a condition has set off."""
        controls = controls_of(self.numbers, self.number, started)
        self.rules = with_tables(self.rules, self.numbers, controls)
        edits, reals = _hands(controls)
        self.host = memory.with_edits(self.host, edits, reals, _holds(controls))


@dataclass
class SessionClass(hosts.OfClass):
    """A class of a host."""

    run: SessionRun
    number: int

    def rows(self, first: int, end: int) -> Whole:
        """What the host wrote of these windows of this class."""
        return np.asarray(self.run.host.series[first:end, self.number])

    @property
    def sojourn(self) -> Whole:
        """Times in the system of finished requests."""
        return np.asarray(self.run.host.histogram[self.number])

    @property
    def latency(self) -> Whole:
        """Times from arrival to success of jobs."""
        return np.asarray(self.run.host.latency[self.number])

    def unleased_ns(self) -> int:
        """Time that its clients were without a lease, as they see it."""
        rule, h = self.run.rules.classes[self.number], self.run.host
        if rule[layout.K_JOBS] != 0:
            return 0
        now, first = int(h.whole[layout.NOW]), int(rule[layout.K_BASE])
        expires = h.clients[first : first + int(rule[layout.K_MEMBERS]), layout.HOLDER]
        whole_s, rest_ns = np.divmod(now - np.maximum(expires[expires <= now], 0), 10**9)  # their sums fit 64 bits
        own = h.of_class[self.number]
        before = int(own[layout.HOLDER_CARRY]) * layout.CARRY_NS + int(own[layout.HOLDER_NS])
        return before + int(whole_s.sum()) * 10**9 + int(rest_ns.sum())


def _hands(controls: Controls) -> tuple[Whole, Floats]:
    """The edits of a host, none of which has begun."""
    whole = np.zeros((len(controls.edits), layout.HAND), np.int64)
    reals = np.zeros((len(controls.edits), 3), np.float64)
    for row, real, edit in zip(whole, reals, controls.edits, strict=True):
        row[[layout.H_CLASS, layout.H_KEY, layout.H_IS_REAL, layout.H_OVER]] = (
            edit.number, edit.key, int(edit.is_real), edit.over_ns,
        )  # fmt: skip
        if edit.is_real:
            real[layout.HR_TO] = edit.value
        else:
            row[layout.H_TO] = int(edit.value)
    return whole, reals


def _holds(controls: Controls) -> Whole:
    found = np.zeros((len(controls.holds), layout.HOLD), np.int64)
    for row, hold in zip(found, controls.holds, strict=True):
        row[[layout.O_CLASSES, layout.O_WAVES, layout.O_FIRST]] = hold.classes, hold.waves, max(hold.first, 0)
    return found


def with_tables(rules: Rules, numbers: Numbers, controls: Controls) -> Rules:
    """The rules with these controls, and with what they name."""
    tables, (whole, reals) = numbers.tables, controls.arrays()
    return rules._replace(
        dists=tables.whole("dists"),
        dist_reals=tables.reals("dists"),
        retries=tables.whole("retries"),
        retry_reals=tables.reals("retries"),
        leases=tables.whole("leases"),
        lease_reals=tables.reals("leases")[:, 0].copy(),
        limiters=tables.whole("limiters"),
        limiter_reals=tables.reals("limiters"),
        crashes=tables.whole("crashes"),
        table=tables.measured.array(),
        controls=whole,
        control_reals=reals,
    )


def rules_of(
    numbers: Numbers,
    controls: Controls,
    seed: int,
    replication: int,
    host: int,
    members: Sequence[int],
    shift: int,
) -> Rules:
    """All that never changes in a run of a host of so many holders of each class."""
    scenario, part = numbers.scenario, numbers.scenario.host
    kinds, found = numbers.kinds, numbers.controllers
    table, params = controllers.rows(found, members)
    segment_ns, segment_rates = segments(scenario, kinds)
    conflict = part.conflict
    is_stale_counted = not keeps_abandoned(scenario)
    nothing, no_reals = np.zeros((1, 1), np.int64), np.zeros((1, 1), np.float64)
    rules = Rules(
        classes=class_rules(numbers, members),
        dists=nothing, dist_reals=no_reals, retries=nothing, retry_reals=no_reals, leases=nothing,
        lease_reals=no_reals[0], limiters=nothing, limiter_reals=no_reals, crashes=nothing,
        segment_ns=segment_ns,
        segment_rates=segment_rates,
        table=no_reals[0],
        keys=keys(seed, replication, host, len(kinds)),
        controls=nothing, control_reals=no_reals, controllers=table, controller_params=params,
        window_ns=ns(scenario.coupling.window),
        shift=shift,
        by_queue=int(part.slowdown is None or part.slowdown.by == "queue"),
        stale_counted=int(is_stale_counted),
        merges=int(is_stale_counted and all(one.axis not in ("admission", "queue") for one in found)),
        has_lines=int(_has_lines(scenario)),
        jobs=sum(kind.seen.jobs is not None for kind in kinds),
        probe_priority=0,
        has_crash=int(part.crash is not None or any(True for _ in edited_each(scenario, "crash"))),
        is_plain=int(is_plain(scenario)),
        queue_controller=controllers.place_of(found, "queue"),
        hears=int(controllers.hears(found)),
        worker_per_s=scenario.establish_per_s / scenario.host.workers,
        conflict_rows=0 if conflict is None else conflict.rows,
        conflict_classes=0 if conflict is None else numbers.bits(conflict.classes),
        conflict_gap=layout.NONE if conflict is None or conflict.gap is None else numbers.tables.dist(conflict.gap),
    )  # fmt: skip
    return with_tables(rules, numbers, controls)


def _gates(scenario: Scenario) -> int:
    """How many gates operators have."""
    return len(gates_of(scenario.operator, list(scenario.classes)))


def _has_lines(scenario: Scenario) -> bool:
    """Whether requests may ever wait for tokens."""
    gates = any(isinstance(one, Throttle) and one.lets_wait for one in scenario.operator)
    admissions = (scenario, *edited_each(scenario, "admission"))
    return gates or any(line_of(one)[0] > 0 for one in admissions)


_OF_CONFLICT = "conflict_rows", "conflict_classes", "conflict_gap"
_OF_CONTROLLERS = (
    "controllers", "controller_params", "queue_controller", "hears", "worker_per_s",
)  # fmt: skip
_SAID_BEFORE = {  # live keys that a run's key has where they stood when nobody could set them: behind these fields
    "shift": (layout.ADMISSION, layout.BAR_ONLY, layout.BAR_CLASSES),
    "has_lines": (layout.PROBE_TIME, layout.PROBE_EVERY_NS),
    "probe_priority": (layout.RESUME_AFTER,),
}


def lowered(scenario: Scenario) -> list[object]:
    """The numbers that the engine takes, of the host of each zone: live keys, all that never changes, and controls;
    without what the seed decides. Actions that wait for a condition are lowered as if it came at once.
    """
    numbers = numbers_of(scenario)
    zones, waiting = scenario.zones, queueing.begun_at_once(scenario)
    controls = [controls_of(numbers, host, waiting) for host in range(min(zones, scenario.hosts))]
    rules = rules_of(numbers, controls[0], 0, 0, 0, [0] * len(numbers.kinds), 0)
    is_cold = scenario.fleet is not None and scenario.fleet.start == "unleased"
    told = [[one.rows, one.edits, one.holds] for one in controls]
    own = rules._asdict()
    has_controllers = len(rules.controllers) > 0
    for name in (*_OF_CONTROLLERS, *(_OF_CONFLICT if scenario.host.conflict is None else ())):
        del own[name]
    whole = numbers.live.whole
    plain: list[object] = []
    for name in own:
        plain += [own[name], *(int(whole[key]) for key in _SAID_BEFORE.get(name, ()))]
    if not has_controllers:
        plain[0] = rules.classes[:, : layout.K_GUARD]
    live = numbers.live._replace(whole=whole[: layout.ADMISSION])
    found = ["sessions", scenario.windows, is_cold, *live, *plain, told]
    return [*found, controllers.said(numbers.controllers)] if has_controllers else found


def new_run(
    scenario: Scenario,
    seed: int,
    replication: int,
    host: int,
    members: Sequence[int],
    first_ns: Whole,
    expires_ns: Whole,
) -> SessionRun:
    """A host before its first event, with so many holders of each class (0 for jobs). int64[all of them] each, class by
    class: the first submission and the end of the lease (0 or less: none).
    """
    numbers = numbers_of(scenario)
    controls = controls_of(numbers, host, ())
    holders, rows = len(first_ns), sum(jobs.at_once(kind.seen) for kind in numbers.kinds if kind.seen.jobs is not None)
    slots, shift = hosts.wheel(max(queueing.span_ns(kind.seen) for kind in numbers.kinds), max(holders, rows))
    rules = rules_of(numbers, controls, seed, replication, host, members, shift)
    empty = memory.new_host(
        numbers.live, holders=holders, jobs=rows, workers=_most_workers(numbers), slots=slots,
        windows=scenario.windows, window_ns=rules.window_ns, gates=_gates(scenario),
        memory=controllers.memory_size(rules.controllers), written=rules.conflict_rows,
        is_ranked=controllers.has(numbers.controllers, "queue", "rank"),
        has_nameless=bool(rules.merges and not rules.is_plain),
    )  # fmt: skip
    empty = memory.with_edits(empty, *_hands(controls), _holds(controls))
    empty.real[layout.ARRIVAL_SHARE] = float(host < scenario.hosts)  # a host that stands by has no arrivals
    is_cold = int(scenario.fleet is not None and scenario.fleet.start == "unleased")
    cold = np.full(len(numbers.kinds), is_cold, np.int64)
    loop.begin(rules, empty, np.asarray(first_ns, np.int64), np.asarray(expires_ns, np.int64), cold)
    return SessionRun(numbers, rules, empty, host)


def keeps_abandoned(scenario: Scenario) -> bool:
    """Whether a host keeps each request whose client has gone: where its end is more than work in vain, a late success
    or a write.
    """
    may_count = "counts" in {scenario.host.late, *may_be(scenario, "host.late")}
    return may_count or scenario.host.conflict is not None


def is_plain(scenario: Scenario) -> bool:
    """Whether a host has one class, and nothing of its own in the queue."""
    kinds = kinds_of(scenario)
    expires = any(kind.seen.lease is not None and kind.seen.lease.expire_time is not None for kind in kinds)
    return len(kinds) == 1 and scenario.host.probe is None and not expires


def bytes_of_host(scenario: Scenario, clients: float, kept: float) -> float:
    """Memory of a host of so many clients at most, its series with it; `kept` are the requests that it may hold if it
    keeps each that was abandoned (`keeps_abandoned`).
    """
    keeps = keeps_abandoned(scenario)
    entries = kept + clients if keeps else 2 * clients + 2 * scenario.host.workers
    names = 0.0 if keeps or is_plain(scenario) else 4 * entries + 3 * kept  # a byte each, for a power of two of them
    windows, classes = scenario.windows, max(len(scenario.classes), 1)
    series = windows * 8 * ((classes + 1) * layout.SERIES + 2 * classes)
    histograms = 2 * classes * requests.HISTOGRAM * 8
    conflict = scenario.host.conflict
    remembered = controllers.bytes_of(scenario, clients) + (0 if conflict is None else 8 * conflict.rows)
    return clients * BYTES_A_CLIENT + 3 * entries * BYTES_A_REQUEST + names + series + histograms + remembered


def _most_workers(numbers: Numbers) -> int:
    """The most workers that there may ever be."""
    most = int(numbers.live.whole[layout.WORKERS])
    for action in numbers.scenario.operator:
        if isinstance(action, SetKey) and action.key == "host.workers" and isinstance(action.parsed, int):
            most = max(most, action.parsed)
        elif isinstance(action, Scale):
            most += max(action.workers or 0, 0)  # one that comes again and again must go before (see Scenario)
    return most
