"""One host on the lane engine: its arrays, and the loop that enlarges them when the kernel asks for it."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from recovery_kernels import events, policies, requests
from recovery_kernels.jit import Settled
from recovery_kernels.lanes import ends, engine, layout
from recovery_kernels.lanes import rules as lane_rules
from recovery_kernels.lanes.layout import Host, Rules
from recovery_kernels.lanes.turns import Empty, Turns
from recovery_kernels.requests import Inputs, Keys, Params

from recovery.stages import host as hosts
from recovery.stages import room
from recovery.statistics.arrays import Whole

# Rings of checks and answers, up to twice as long as there are clients; the wheel.
MEMORY_PER_CLIENT = 4 * 8 * layout.ROW + 8 * layout.ROW + 4 + 8 + 4
MEMORY_PER_REQUEST = 8 * layout.ROW
MEMORY_PER_CLIENT_NEWEST_FIRST, MEMORY_ON_STACK = 8, 8 * layout.TALL  # beside these, where the newest is taken first
STACK = 1 << 10  # requests that the stack has room for at first; it grows
BEGUN = 1 << 10  # starts ahead of the clock that are looked at; only speed hangs on it
OVER = 2 * BEGUN  # of jobs, what a worker did before; must hold all starts ahead of the clock, and a batch besides
LISTED = 32  # clients in a slot of the wheel, in the mean
ADVANCE, ADVANCE_ANY = Settled(engine.advance), Settled(engine.advance_any)
ADVANCE_SESSIONS, ADVANCE_CLASSES = Settled(engine.advance_sessions), Settled(engine.advance_classes)
ADVANCE_JOBS = Settled(engine.advance_jobs)
CLOSE = Settled(ends.close)

_NONE, _NO_REAL, _NO_KEYS = np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.uint64)
_ALONE = Turns(
    _NONE, np.uint64(0), np.uint64(0), _NONE, _NO_KEYS, _NONE, _NONE, _NO_REAL, _NONE, _NONE, _NONE,
    Empty(_NONE, np.zeros(0, np.int32), _NONE, _NONE, _NONE, _NONE, _NO_REAL),
    0, np.zeros((0, 0), np.int64), np.zeros((0, 0), np.int64), _NONE, _NONE,
)  # fmt: skip


@dataclass
class LaneRun(hosts.Running):
    """A host of the lane engine, and what it needs to go on."""

    params: Params
    rules: Rules
    keys: Keys
    inputs: Inputs
    host: Host
    holders: int
    shift: int

    @property
    def turns(self) -> Turns:
        """Hosts that take turns in its memory; none: it is alone."""
        return _ALONE

    @property
    def series(self) -> Whole:
        """What it wrote of each window."""
        return self.host.series

    def rows(self, first: int, end: int) -> Whole:
        """What it wrote of these windows."""
        return self.host.series[first:end]

    def clear(self, first: int, end: int) -> None:
        """Forget what it wrote of these windows."""
        self.host.series[first:end] = 0

    def write_with(self, other: hosts.Running) -> None:
        """Write into the other's series from now on."""
        self.host = self.host._replace(series=other.series)

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
        classes = range(max(len(self.host.firsts), 1))
        return np.asarray(sum(self.sojourn_of(number) for number in classes))

    def sojourn_of(self, number: int) -> Whole:
        """The same of a class; without classes all are of the first."""
        return self.host.histogram[number * layout.HISTOGRAM_OF_STALE :][: requests.HISTOGRAM]

    @property
    def latency(self) -> Whole:
        """Times from arrival to success of jobs."""
        return self.host.latency

    def advance(self, until_ns: int) -> None:
        """Run every event before `until_ns`."""
        if until_ns > (len(self.host.series) - 1) * self.params.window_ns:
            raise ValueError(
                f"until_ns is {until_ns}; "
                f"want no more than {len(self.host.series) - 1} windows of {self.params.window_ns}"
            )
        while (status := self._advance(until_ns)) != requests.DONE:
            self._see_to(status)

    def _see_to(self, status: int) -> None:
        """Do what the kernel asks for: room."""
        if status == requests.GROW_QUEUE:
            self._grow_queue()
        elif status == requests.GROW_CLIENTS:
            self._grow_clients()
        else:
            raise hosts.too_many_jobs()

    def _advance(self, until_ns: int) -> int:
        """As `advance`, until the kernel asks for room; returns its status."""
        shift, until = np.int64(self.shift), np.int64(until_ns)
        given = (self.params, self.rules, self.keys, self.inputs, self.host, shift, until)
        if len(self.host.firsts):
            return int(ADVANCE_CLASSES.call(*given))
        if self.params.traffic == requests.JOBS:
            return int(ADVANCE_JOBS.call(*given))
        if lane_rules.looks_at_queue(self.params):
            return int(ADVANCE_ANY.call(*given, self.turns))
        if self.rules.counts_stale:
            return int(ADVANCE_SESSIONS.call(*given))
        return int(ADVANCE.call(*given, self.turns))

    def close(self) -> None:
        """Count the work on requests that are in service."""
        CLOSE.call(np.int64(self.params.workers), self.rules, self.host)

    def unleased_ns(self) -> int:
        """Time that clients were without a lease."""
        return sum(self.unleased_ns_of(number) for number in range(max(len(self.host.firsts), 1)))

    def unleased_ns_of(self, number: int) -> int:
        """The same of those of a class; without classes all are of the first."""
        host, parts = self.host, np.zeros(2, np.int64)
        first, end = self.clients_of(number)
        ends.unleased(self.expires_ns()[first:end], host.whole[requests.NOW], parts)
        own = host.whole[number * layout.MEMORY :]
        before = int(own[requests.UNLEASED_CARRY]) * requests.UNLEASED_CARRY_NS + int(own[requests.UNLEASED_NS])
        return before + int(parts[0]) * 10**9 + int(parts[1])

    def clients_of(self, number: int) -> tuple[int, int]:
        """The first client of a class, and the first one behind it; without classes all are of the first."""
        first, end = (0, *self.host.firsts[1:], self.holders)[number : number + 2]
        return int(first), int(end)

    def expires_ns(self) -> Whole:
        """The end of each client's lease, int64[holders]."""
        host, found = self.host, np.empty(self.holders, np.int64)
        many = ends.leases(host.rows, host.lanes, host.workers, host.slots, host.pool, host.following, found)
        assert many == self.holders, f"{many} of {self.holders} holders are somewhere; want each in one place"
        return found

    def _grow_queue(self) -> None:
        """Twice the stack, if that is full; else each queue without room for what all workers have."""
        host, whole = self.host, self.host.whole
        is_stack = self.params.queue.kind == policies.LIFO
        waiting = int(host.whole[requests.WAITING])
        if is_stack and waiting == len(host.stack) // layout.TALL:
            stack = room.array(2 * len(host.stack))
            _spread(host.stack, stack, layout.TALL, int(host.whole[requests.HEAD]), waiting)
            self.host = host._replace(stack=stack)
            return
        wider = {}
        for number, at in enumerate(self.queues()):
            of, own = host.lanes[at:], whole[number * layout.MEMORY :]
            oldest = min(of[layout.FIRST], own[layout.COUNTED], of[layout.END] if is_stack else own[requests.HEAD])
            if of[layout.END] + self.params.workers - oldest > of[layout.MASK]:
                wider[at] = int(oldest)
        self._widen(wider)

    def _grow_clients(self) -> None:
        """Twice the rings of jobs that try again, and the wheel if there is one."""
        self._widen({lane: int(self.host.lanes[layout.FIRST + lane]) for lane in (layout.ANSWERS, layout.NEAR)})
        host, before = self.host, len(self.host.following)
        if not before:
            return
        waits = 2 * len(host.sorting)
        chunks = _chunks(waits, len(host.slots))
        following = np.arange(1, chunks + 1, dtype=np.int32)
        following[:before], following[-1] = host.following, host.whole[layout.VACANT]
        host.whole[layout.VACANT] = before  # all new ones are free, and behind them those that were
        pool = room.array(chunks * layout.CHUNK * layout.ROW)
        pool[: len(host.pool)] = host.pool
        self.host = host._replace(
            pool=pool, following=following, sorting=np.zeros(waits, np.int64), places=np.zeros(waits, np.int32)
        )

    def queues(self) -> list[int]:
        """The queue, as a lane; those of classes by where in Host.lanes it is known of them, in place of DEADLINES."""
        each = range(layout.DEADLINES, len(self.host.lanes), layout.LANE_NUMBERS)
        return [*each[min(len(self.host.firsts), 1) :]]

    def _widen(self, wider: Mapping[int, int]) -> None:
        """Twice some rings, by where it is known of them, of which the rows from these numbers on are needed."""
        rows, of = self.host.rows, self.host.lanes
        rings = [lane for lane in range(layout.LANES) if lane != layout.DEADLINES] + self.queues()
        sizes = {ring: int(of[layout.MASK + ring]) + 1 for ring in rings}
        grown = room.array((1 + sum(sizes.values()) + sum(sizes[ring] for ring in wider)) * layout.ROW)
        at = layout.ROW
        for ring in sorted(rings, key=lambda ring: int(of[layout.OFFSET + ring])):
            before, size = int(of[layout.OFFSET + ring]), sizes[ring] * layout.ROW
            old, of[layout.OFFSET + ring] = rows[before : before + size], at
            if ring in wider:
                first, end = wider[ring], int(of[layout.END + ring])
                _spread(old, grown[at : at + 2 * size], layout.ROW, first, end - first)
                of[layout.MASK + ring] = 2 * sizes[ring] - 1
                at += 2 * size
            else:
                grown[at : at + size] = old
                at += size
        if len(self.host.firsts):  # where the head lies that is due first of all
            queue = self.queues()[of[layout.DUE_FIRST]]
            for what in (layout.OFFSET, layout.MASK):
                of[what + layout.DEADLINES] = of[what + queue]
        self.host = self.host._replace(rows=grown)


def _spread(ring: Whole, wider: Whole, columns: int, first: int, many: int) -> None:
    """Put the rows of so many numbers from `first` on of a ring into one of twice its size; each lies at its number,
    modulo the size.
    """
    size, end = len(ring) // columns, first + many
    before, after = ring.reshape(-1, columns), wider.reshape(-1, columns)
    while first < end:
        rest = min(end, first - first % size + size) - first
        after[first % (2 * size) :][:rest] = before[first % size :][:rest]
        first += rest


class Hosts:
    """What hosts with the same numbers have in common: their rules, and what each remembers when nobody is there yet.

    The numbers are such that `lane_rules.carries` them. `span_ns` as in `host.new_host`. A series has so many
    `columns`; `counts_stale` and `slowed_by_busy` as in `Rules`. `classes` are the numbers of each class, if there are
    several, and `priorities` theirs.
    """

    def __init__(
        self,
        params: Params,
        inputs: Inputs,
        *,
        windows: int,
        span_ns: int,
        columns: int = requests.SERIES,
        counts_stale: bool = False,
        slowed_by_busy: bool = False,
        classes: Sequence[Params] = (),
        priorities: Sequence[int] = (),
    ) -> None:
        self.params, self.inputs, self.classes, self._priorities = params, inputs, classes, priorities
        each = [
            lane_rules.rules_of(one, inputs, counts_stale=counts_stale, slowed_by_busy=slowed_by_busy)
            for one in classes or [params]
        ]
        self.rules = lane_rules.rules_of_all(each, priorities) if classes else each[0]
        self._timeouts_ns = tuple(one.timeout_ns for one in each)
        comes_back = self.rules.retry_ns >= 0
        self._later_ns = [one.timeout_ns + (one.retry_ns if comes_back else 0) for one in each]
        self._windows, self._span_ns, self._columns = windows, span_ns, columns
        self._has_wheel = min(self.rules.retry_ns, self.rules.answer_ns, self.rules.check_ns) < 0
        whole, real = np.zeros(max(len(classes), 1) * layout.MEMORY, np.int64), np.zeros(requests.REAL)
        whole[requests.EDGE] = params.window_ns
        whole[requests.CURSOR] = -1 if self._has_wheel else layout.NEVER - 1
        whole[layout.HEARD] = layout.NEVER
        whole[layout.VACANT] = 0 if self._has_wheel else -1
        real[requests.ADMISSION_TOKENS : requests.ADMISSION_BURST + 1] = hosts.full_bucket(params.admission)
        self._whole, self._real = whole, real

    def start(
        self, keys: Keys, first_ns: Whole, expires_ns: Whole, members: Sequence[int] = (), keys_of: Sequence[Keys] = ()
    ) -> LaneRun:
        """A host whose holders sleep until their first submissions, with their leases: int64[holders] each (<= 0:
        none). `members` and `keys_of` as in `empty`.
        """
        run, order = self.empty(keys, len(first_ns), members, keys_of), first_ns.argsort(kind="stable")
        run.host.leases[:] = expires_ns[: len(run.host.leases)]
        window_ns, is_constant = np.int64(self.params.window_ns), self.rules.check_ns >= 0
        ends.begin(window_ns, first_ns, expires_ns, order, run.host, np.int64(run.shift), is_constant)
        return run

    def empty(self, keys: Keys, holders: int, members: Sequence[int] = (), keys_of: Sequence[Keys] = ()) -> LaneRun:
        """A host with room for so many holders, none of whom is there yet. Where there are classes it has so many
        `members` of each, class by class, with the keys of each.
        """
        host, shift = self._empty(holders, _ring(holders), holders, [_ring(many) for many in members])
        host = host._replace(leases=np.zeros(holders if self.params.queue.kind == policies.LIFO else 0, np.int64))
        if members:
            firsts = np.cumsum([0, *members[:-1]], dtype=np.int64)
            host = host._replace(firsts=firsts, laws=self._laws(keys_of))
        return LaneRun(self.params, self.rules, keys, self.inputs, host, holders, shift)

    def start_jobs(self, keys: Keys, at_once: int = layout.AHEAD) -> LaneRun:
        """A host before its first job; so many, or a few, are expected at one time. Room for many comes with them."""
        ring = 1 << int(min(max(at_once, layout.AHEAD), BEGUN) - 1).bit_length()
        host, shift = self._empty(ring, ring, at_once)
        host = host._replace(over=np.zeros(OVER, np.int64))
        host.whole[requests.NEXT_ARRIVAL] = layout.NEVER
        return LaneRun(self.params, self.rules, keys, self.inputs, host, 0, shift)

    def _laws(self, keys_of: Sequence[Keys]) -> Whole:
        """The rules of each class as `Host.laws` has them."""
        each = zip(self.classes, keys_of, self._timeouts_ns, self._priorities, strict=True)
        found = [
            (own.establish, own.renew, own.client, own.lease, own.check_every_ns, own.check_jitter, *others)
            for own, *others in each
        ]
        return np.array(_bits(tuple(found)), np.int64)

    def _empty(self, clients: int, ring: int, at_once: int, queues: Sequence[int] = ()) -> tuple[Host, int]:
        """A host without clients, and the shift of its wheel: with room for so many clients, and rows in each ring, but
        in the `queues` of classes as they say, and with a wheel for so many as are there at one time.
        """
        of, many = _empty_lanes(ring, tuple(queues)).copy(), max(len(self.classes), 1)
        queue_at = layout.LATER + layout.DEADLINES + (layout.LANE_NUMBERS if queues else 0)
        of[queue_at :: layout.LANE_NUMBERS] = self._later_ns
        waits = clients if self._has_wheel else 0
        slots, shift = wheel(self._span_ns, at_once) if self._has_wheel else (1, 0)
        chunks = _chunks(waits, slots) if self._has_wheel else 0
        following = np.arange(1, chunks + 1, dtype=np.int32)
        following[-1:] = -1
        free, least = _idle(self.params.workers)
        host = Host(
            rows=np.zeros((1 + 3 * ring + sum(queues or (ring,))) * layout.ROW, np.int64),
            lanes=of,
            stack=np.zeros((STACK if self.params.queue.kind == policies.LIFO else 1) * layout.TALL, np.int64),
            leases=np.zeros(0, np.int64),
            pool=np.zeros(chunks * layout.CHUNK * layout.ROW, np.int64),
            following=following,
            slots=np.zeros(slots, np.int32),
            sorting=np.zeros(waits, np.int64),
            places=np.zeros(waits, np.int32),
            free=free.copy(),
            least=least.copy(),
            workers=_nobody().copy(),
            begun=np.zeros(BEGUN, np.int64),
            over=np.zeros(1, np.int64),
            uniforms=np.zeros(layout.AHEAD),
            values=np.zeros(layout.AHEAD),
            whole=self._whole.copy(),
            real=self._real.copy(),
            expiring=np.zeros(many * (self._windows + 1), np.int64),
            series=np.zeros((self._windows + 1, self._columns), np.int64),
            histogram=np.zeros(
                many * layout.HISTOGRAM_OF_STALE if self.rules.counts_stale else requests.HISTOGRAM, np.int64
            ),
            latency=np.zeros(requests.HISTOGRAM, np.int64),
            firsts=np.zeros(0, np.int64),
            laws=np.zeros(0, np.int64),
            begun_of=np.zeros(len(self.classes) * BEGUN, np.int64),
        )
        return host, shift


def _chunks(waits: int, slots: int) -> int:
    """Chunks of a wheel for so many who wait: twice what they may take, as a slot's rows of later rounds go into new
    chunks; one chunk of each slot in which somebody waits is not full.
    """
    return 2 * (waits // layout.CHUNK + min(slots, waits) + 1)


def _ring(clients: int) -> int:
    """Rows of a ring for so many clients."""
    return 1 << max(1, int(clients - 1).bit_length())


def _bits(number: object) -> list[np.int64]:
    """A number, or all of a tuple in turn, as the bits of whole numbers."""
    if isinstance(number, tuple):
        return [bits for one in number for bits in _bits(one)]
    return [np.int64(np.asarray(number).view(np.int64))]


@functools.lru_cache(maxsize=64)
def _empty_lanes(ring: int, queues: tuple[int, ...]) -> Whole:
    """What is known of lanes with nobody in them, in rings of so many rows, and of a queue of each class, where there
    are several; a host begins with a copy.
    """
    each = np.zeros((1 + len(queues), layout.LANE_NUMBERS), np.int64)
    numbers = np.arange(layout.LANES)
    each[:, layout.DUE : layout.DUE + layout.LANES] = (layout.NEVER + numbers) << layout.LANE_BITS | numbers
    each[:, layout.LAST : layout.LAST + layout.LANES] = -1
    each[:, layout.MASK : layout.MASK + layout.LANES] = ring - 1
    for place, lane in enumerate((layout.CHECKS, layout.ANSWERS, layout.NEAR, layout.DEADLINES)):
        each[0, layout.OFFSET + lane] = (1 + place * ring) * layout.ROW
    each[:, layout.MORE + layout.DEADLINES] = layout.TRY
    if queues:
        each[1:, layout.MASK + layout.DEADLINES] = np.array(queues) - 1
        each[1:, layout.OFFSET + layout.DEADLINES] = (1 + 3 * ring + np.cumsum([0, *queues[:-1]])) * layout.ROW
    return each.reshape(-1)


@functools.lru_cache(maxsize=64)
def _idle(workers: int) -> tuple[Whole, Whole]:
    """When each worker is free and the least of each group, of workers who all are; a host begins with copies."""
    groups = -(-workers // layout.GROUP)
    free = np.full(groups * layout.GROUP, events.NEVER, np.int64)
    free[:workers] = np.arange(workers)
    return free, free.reshape(groups, layout.GROUP).min(axis=1)


@functools.lru_cache(maxsize=1)
def _nobody() -> Whole:
    """The numbers of workers who are all idle; a host begins with a copy."""
    numbers = np.zeros(layout.WORKERS, np.int64)
    numbers[layout.RECORD :][: layout.MOST_WORKERS] = np.arange(layout.MOST_WORKERS)
    numbers[layout.OUTCOME + layout.BATCH :][: layout.AHEAD] = layout.FORESEEN
    return numbers


def wheel(span_ns: int, clients: int) -> tuple[int, int]:
    """Slots (a power of two) and shift of a wheel whose turn takes about `span_ns`."""
    slots = 1 << max(3, int(clients // LISTED).bit_length())
    return slots, min((max(span_ns, 1) // slots).bit_length(), layout.MAX_SHIFT)
