"""One host of a queueing stage: its arrays, and the loop that enlarges them when the kernel asks for it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
from recovery_kernels import draws, events, limits, requests
from recovery_kernels.arrays import Bytes, Short
from recovery_kernels.jit import Settled
from recovery_kernels.limits import Limit
from recovery_kernels.policies import Admission
from recovery_kernels.requests import Host, Inputs, Keys, Params
from recovery_kernels.sessions.streams import STALE_DEPENDENCY_STREAM, STALE_STREAM

from recovery.stages import room
from recovery.statistics.arrays import Floats, Whole

MEMORY_PER_CLIENT = 64 + 3 * 8 + 1
MEMORY_PER_REQUEST = 24
SLOTS_MAX = 1 << 16  # that a long turn of the wheel may ask for; what is due in a later turn stays where it is
ADVANCE = Settled(requests.advance)


class HostError(RuntimeError):
    """The kernel stopped at a bound; the message says at which and which knob to turn."""


def too_many_jobs() -> HostError:
    """That a host had more jobs than there are numbers."""
    return HostError(
        f"more than {events.MAX_CLIENTS} jobs arrived at one host; "
        "want fewer (jobs.steps), a shorter horizon, or more hosts (jobs.hosts)"
    )


class Arrays(Protocol):
    """All that a host remembers, as the engines have it: a named tuple of arrays, one of which is its series."""

    @property
    def series(self) -> Whole:
        """What it wrote of each window."""

    def __iter__(self) -> Iterator[Whole | Floats | Short | Bytes]: ...


def copies(host: Arrays) -> Iterator[Whole | Floats | Short | Bytes]:
    """Copies of its arrays, in their order; of the series none, as both write into it."""
    return (one if one is host.series else one.copy() for one in host)


def bytes_of(host: Arrays) -> int:
    """What such a copy takes, bytes."""
    return sum(one.nbytes for one in host) - host.series.nbytes


class OfClass(ABC):
    """What a host tells of one class of its clients."""

    @abstractmethod
    def rows(self, first: int, end: int) -> Whole:
        """What it wrote of these windows, in the columns of its host."""

    @property
    @abstractmethod
    def sojourn(self) -> Whole:
        """Times in the system of finished requests."""

    @property
    @abstractmethod
    def latency(self) -> Whole:
        """Times from arrival to success of jobs."""

    @abstractmethod
    def unleased_ns(self) -> int:
        """Time that its clients were without a lease, ns, added up; 0 of jobs."""


class Running(ABC):
    """A host that runs, on whichever engine. `advance` may be called with any rising times; the bits do not depend on
    them. `series` int64[windows + 1, columns] has the columns of its stage that have a place, in the order of their
    places; `sojourn` and `latency` are its histograms int64[requests.HISTOGRAM].
    """

    @property
    @abstractmethod
    def series(self) -> Whole:
        """What it wrote of each window."""

    @abstractmethod
    def rows(self, first: int, end: int) -> Whole:
        """What it wrote of these windows."""

    @abstractmethod
    def clear(self, first: int, end: int) -> None:
        """Forget what it wrote of these windows."""

    @abstractmethod
    def write_with(self, other: "Running") -> None:
        """Write into the other's series from now on: hosts that take turns may share one."""

    @abstractmethod
    def kept(self) -> Self:
        """A copy that can go on from here, and writes into the same series."""

    @property
    @abstractmethod
    def nbytes(self) -> int:
        """What a copy takes, bytes."""

    @property
    @abstractmethod
    def sojourn(self) -> Whole:
        """Times in the system of finished requests."""

    @property
    @abstractmethod
    def latency(self) -> Whole:
        """Times from arrival to success of jobs."""

    @abstractmethod
    def advance(self, until_ns: int) -> None:
        """Run every event before `until_ns`. Raises HostError at a bound, ValueError beyond the last window."""

    @abstractmethod
    def close(self) -> None:
        """Count the work on requests that are in service where the host stands, at the end of a window, in that window;
        once, at the end of the run. What somebody waits for is useful so far.
        """

    @abstractmethod
    def unleased_ns(self) -> int:
        """Time that clients were without a lease, up to where the host stands, ns, added up."""

    def of_class(self, number: int) -> OfClass:
        """What it tells of a class, by its place in the file. Raises LookupError where the engine knows no classes."""
        raise LookupError(f"class {number} of a host of the first engine; want one of the engine of sessions")


@dataclass
class HostRun(Running):
    """A host of the first engine, and what it needs to go on."""

    params: Params
    keys: Keys
    inputs: Inputs
    host: Host
    wrap: int
    shift: int

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

    def write_with(self, other: Running) -> None:
        """Write into the other's series from now on."""
        self.host = self.host._replace(series=other.series)

    def kept(self) -> Self:
        """A copy that can go on from here."""
        return replace(self, host=Host._make(copies(self.host)))

    @property
    def nbytes(self) -> int:
        """What a copy takes, bytes."""
        return bytes_of(self.host)

    @property
    def sojourn(self) -> Whole:
        """Times in the system of finished requests."""
        return self.host.histogram

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
        while True:
            status = ADVANCE.call(
                self.params,
                self.keys,
                self.inputs,
                self.host,
                np.int64(self.wrap),
                np.int64(self.shift),
                np.int64(until_ns),
            )
            if status == requests.DONE:
                return
            if status == requests.GROW_QUEUE:
                self._grow_queue()
            elif status == requests.GROW_CLIENTS:
                self._grow_clients()
            elif status == requests.GROW_LOG:
                self.host = self.host._replace(log=np.concatenate([self.host.log, np.zeros_like(self.host.log)]))
            else:
                raise too_many_jobs()

    def close(self) -> None:
        """Count the work on requests that are in service."""
        host = self.host
        busy = np.flatnonzero(host.finish != events.NEVER)
        work = host.workers[busy]
        rows = host.clients[work[:, requests.WHO] & self.wrap]
        state = rows[:, events.STATE]
        is_awaited = (rows[:, events.CLIENT] == work[:, requests.WHO]) & (
            (rows[:, events.ATTEMPT] == work[:, requests.WHICH]) & ((state == events.QUEUED) | (state == events.SERVED))
        )
        elapsed = host.whole[requests.NOW] - work[:, requests.STARTED_AT]
        paid = np.minimum(work[:, requests.PAID_NS], elapsed)
        fails = work[:, requests.OUTCOME] == requests.FAILS
        last = host.series[host.whole[requests.BIN] - 1]
        last[requests.OVERHEAD_NS] += paid.sum()
        for column, which in (
            (requests.FAILED_NS, fails),
            (requests.WASTED_NS, ~fails & ~is_awaited),
            (requests.USEFUL_NS, ~fails & is_awaited),
        ):
            last[column] += (elapsed - paid)[which].sum()

    def unleased_ns(self) -> int:
        """Time that clients were without a lease."""
        whole, expires = self.host.whole, self.host.clients[:, events.EXPIRES]
        now = whole[requests.NOW]
        whole_s, rest_ns = np.divmod(now - np.maximum(expires[expires < now], 0), 10**9)  # their sums fit 64 bits
        before = int(whole[requests.UNLEASED_CARRY]) * requests.UNLEASED_CARRY_NS + int(whole[requests.UNLEASED_NS])
        return before + int(whole_s.sum()) * 10**9 + int(rest_ns.sum())

    def _grow_queue(self) -> None:
        """Forget what cancelled requests left in the queue; if it is still more than half full, double it."""
        whole, queue, clients = self.host.whole, self.host.queue, self.host.clients
        first, count = int(whole[requests.HEAD]) & (len(queue) - 1), int(whole[requests.TAIL] - whole[requests.HEAD])
        waiting = np.concatenate([queue[first : first + count], queue[: max(first + count - len(queue), 0)]])
        if self.params.cancel:
            rows = waiting[:, 0] & self.wrap
            state = clients[rows, events.STATE]  # a column at a time: whole rows are four times the bytes
            current = (clients[rows, events.CLIENT] == waiting[:, 0]) & (clients[rows, events.ATTEMPT] == waiting[:, 1])
            waiting = waiting[current & ((state == events.QUEUED) | (state == events.SERVED))]
        size = len(queue) if 2 * len(waiting) <= len(queue) else 2 * len(queue)
        grown = room.array(size, queue.shape[1])
        grown[: len(waiting)] = waiting
        whole[requests.HEAD], whole[requests.TAIL] = 0, len(waiting)
        self.host = self.host._replace(queue=grown)

    def _grow_clients(self) -> None:
        """Twice the rows: a job lies in the row of its number, modulo the number of rows."""
        clients = self.host.clients
        rows = 2 * len(clients)
        grown = np.zeros((rows, events.COLUMNS), np.int64)
        grown[:, events.CLIENT] = events.NOBODY
        alive = clients[clients[:, events.STATE] != events.FREE]
        grown[alive[:, events.CLIENT] & (rows - 1)] = alive
        near = np.zeros(3 * rows + 64, np.int64)
        near[: len(self.host.near)] = self.host.near
        self.wrap = rows - 1
        self.host = self.host._replace(clients=grown, near=near)


def wheel(span_ns: int, clients: int) -> tuple[int, int]:
    """Slots (a power of two, about one for sixteen clients) and shift of a timing wheel whose turn takes about
    `span_ns`.

    Finer slots mean more empty ones to step over, coarser ones more to sort: this is where `make bench` is fastest.
    """
    slots = 1 << max(6, int(clients - 1).bit_length() - 4)
    shift = max(0, (max(span_ns, 1) // slots).bit_length())
    while shift > events.MAX_SHIFT:
        slots = max(slots, min(2 * slots, SLOTS_MAX))
        shift -= 1
    return slots, shift


def stream_key(seed: int, replication: int, stream: int, host: int) -> np.uint64:
    """Key of one stream of draws of one host."""
    return np.uint64(draws.stream_key(np.uint64(seed), np.uint64(replication), np.uint64(stream), np.uint64(host)))


def stream_keys(seed: int, replication: int, host: int) -> Keys:
    """Keys of every stream that the request kernel draws from, of one host."""
    return holders_keys(seed, replication, host)[1]


def holders_keys(seed: int, replication: int, host: int, first: int = 0) -> tuple[np.uint64, Keys]:
    """The key of the phases of its holders, and those keys; streams are numbered from `first` on."""
    keys = np.empty(len(STREAMS), np.uint64)
    draws.stream_keys(np.uint64(seed), np.uint64(replication), STREAMS + first, np.uint64(host), keys)
    phase, *others = keys
    return phase, Keys(*others)


STREAMS = np.array([
    draws.PHASE, draws.SERVICE, draws.TIMEOUT, draws.RETRY, draws.CHECK, draws.LEASE, draws.DEPENDENCY, draws.ARRIVAL,
    draws.ADMISSION, STALE_STREAM, STALE_DEPENDENCY_STREAM,
])  # fmt: skip
"""The streams of phases and, in their order, of `Keys`."""


def new_host(
    params: Params,
    inputs: Inputs,
    keys: Keys,
    *,
    clients: int,
    windows: int,
    span_ns: int,
    log_lines: int = 0,
) -> HostRun:
    """An empty host: no client sleeps, nothing waits; holders are put in by `wake_holders`.

    `clients`: number of holders, or the number of jobs to expect at one time. `windows`: windows up to the horizon.
    `span_ns`: the longest usual wait of a client (timeout, check interval), which sets the wheel's turn; only speed
    hangs on it.
    """
    jobs = params.traffic == requests.JOBS
    rows = 1 << max(6, int(clients - 1).bit_length()) if jobs else clients
    leaves = 1 << int(params.workers - 1).bit_length()
    slots, shift = wheel(span_ns, rows)
    host = Host(
        clients=np.zeros((rows, events.COLUMNS), np.int64),
        heads=np.full(slots, events.NOBODY, np.int32),
        near=np.zeros(3 * rows + 64, np.int64),
        queue=np.zeros((1 << max(6, int(clients - 1).bit_length()), 3), np.int64),
        workers=np.zeros((leaves, requests.WORKER), np.int64),
        finish=np.full(leaves, events.NEVER, np.int64),
        tree=requests.tournament(leaves),
        idle=np.arange(leaves),
        whole=np.zeros(requests.WHOLE, np.int64),
        real=np.zeros(requests.REAL, np.float64),
        expiring=np.zeros(windows + 1, np.int64),
        series=np.zeros((windows + 1, requests.SERIES), np.int64),
        histogram=np.zeros(requests.HISTOGRAM, np.int64),
        latency=np.zeros(requests.HISTOGRAM, np.int64),
        log=np.zeros((log_lines, 4), np.int64),
    )
    host.clients[:, events.CLIENT] = events.NOBODY
    host.whole[requests.EDGE] = params.window_ns
    host.whole[requests.NEXT_ARRIVAL] = events.NEVER
    fill_bucket(host, params.admission)
    run = HostRun(params, keys, inputs, host, rows - 1 if jobs else -1, shift)
    if jobs:
        requests.first_arrival(params, keys, inputs, host)
    return run


def full_bucket(limit: Limit | Admission) -> Floats:
    """float64[3], what the bucket of a limit holds before anybody asks. It is what `limits.begin` sets, which is a part
    of kernels: called from Python it would be machine code of its own.
    """
    bucket = np.empty(3)
    bucket[limits.TOKENS] = bucket[limits.BURST] = limit.burst
    bucket[limits.RATE] = limit.rate_per_ns
    return bucket


def fill_bucket(host: Host, admission: Admission) -> None:
    """Let the bucket of the host's admission be full."""
    host.real[requests.ADMISSION_TOKENS : requests.ADMISSION_BURST + 1] = full_bucket(admission)


def wake_holders(run: HostRun, first_ns: Whole, expires_ns: Whole) -> None:
    """Put the holders in: int64[clients] time of each first submission and of the end of the lease (<= 0: none)."""
    requests.wake_holders(
        run.params,
        run.host,
        np.int64(run.wrap),
        np.int64(run.shift),
        np.asarray(first_ns, np.int64),
        np.asarray(expires_ns, np.int64),
    )
