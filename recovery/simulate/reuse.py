"""A stage runs once: what stages gave is known by the key of what entered them (recovery.simulate.identity).

Tables are kept in memory and, where a shelf is given, there too, so that a later run has them. What a stage before
others holds when it has run (a launch stage: its jobs) is kept in memory alone, for those that take from it. Both are
bounded, and what was longest not asked for goes first; what is gone is made anew, with the same bits.
"""

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, is_dataclass
from typing import Protocol, TypeVar

import numpy as np

from recovery.simulate import identity
from recovery.simulate.outcome import Outcome, Task, of_traffic
from recovery.stages import known as stages
from recovery.stages.outage import resolve
from recovery.stages.stage import StageRun, Table
from recovery.stages.traffic import TrafficTable
from recovery.store.packed import Unpackable, pack, unpack

MEMORY_BYTES = 256 << 20
MANY = 32  # tasks
WORTH_S = 0.25  # processor time from which on a table is worth a file

T = TypeVar("T", bound=Table)


class Shelf(Protocol):
    """Where tables outlive the process (recovery.store.shelf.Shelf)."""

    def read(self, key: str) -> bytes | None:
        """What lies under a key."""

    def write(self, key: str, data: bytes) -> None:
        """Put it there, if there is room."""

    def drop(self, key: str) -> None:
        """Take it away."""


class Known:
    """What stages gave. Threads may share it."""

    def __init__(self, shelf: Shelf | None = None, memory_bytes: int = MEMORY_BYTES, worth_s: float = WORTH_S) -> None:
        """Nothing is known but what lies on the shelf, if it was made by this code."""
        self._shelf, self._most, self._worth_s = shelf, memory_bytes, worth_s
        self._held: OrderedDict[str, tuple[object, int]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.RLock()
        self._making: dict[str, tuple[threading.Lock, int]] = {}

    @property
    def room_bytes(self) -> int:
        """What one stage may hold at most to be kept: half of all, so that two find place."""
        return self._most // 2

    @contextmanager
    def alone(self, key: str | None) -> Iterator[None]:
        """Only one thread at a time makes what has this key: the next one finds it. What has none is made by each."""
        if key is None:
            yield
            return
        with self._lock:
            lock, waiting = self._making.get(key, (threading.Lock(), 0))
            self._making[key] = lock, waiting + 1
        try:
            with lock:
                yield
        finally:
            with self._lock:
                lock, waiting = self._making.pop(key)
                if waiting > 1:
                    self._making[key] = lock, waiting - 1

    def table(self, key: str, kind: type[T]) -> T | None:
        """The table of this class that has this key; None if it is not known, or damaged."""
        found = self._get(key)
        if isinstance(found, kind):
            return found
        data = None if self._shelf is None else self._shelf.read(_name(key))
        if data is None or self._shelf is None:
            return None
        try:
            table = unpack(data, kind)
        except ValueError:
            self._shelf.drop(_name(key))
            return None
        self._put(key, table)
        return table

    def keep(self, key: str | None, table: Table, kind: type[Table], cpu_s: float) -> None:
        """Keep a table that took so much processor time, if it has a key; on the shelf only one of the class."""
        if key is None:
            return
        self._put(key, table)
        if self._shelf is not None and type(table) is kind and cpu_s >= self._worth_s:
            try:
                self._shelf.write(_name(key), pack(table))
            except Unpackable:
                return

    def stage(self, key: str) -> StageRun | None:
        """A stage that has run all windows and forgot nothing."""
        found = self._get(f"stage {key}")
        return found if isinstance(found, StageRun) else None

    def keep_stage(self, key: str, run: StageRun) -> None:
        """Keep one; nobody may advance it, or ask anything of it, from now on."""
        self._put(f"stage {key}", run)

    def clear(self) -> None:
        """Forget what is in memory."""
        with self._lock:
            self._held.clear()
            self._bytes = 0

    def _get(self, key: str) -> object | None:
        with self._lock:
            if key not in self._held:
                return None
            self._held.move_to_end(key)
            return self._held[key][0]

    def _put(self, key: str, value: object) -> None:
        size = bytes_of(value)
        with self._lock:
            if size > self._most or key in self._held:
                return
            self._held[key] = value, size
            self._bytes += size
            while self._bytes > self._most:
                self._bytes -= self._held.popitem(last=False)[1][1]


def _name(key: str) -> str:
    """Of the file: an edit of the code that forgot to raise MODEL must not be answered by what the old code gave."""
    return f"{key}-{identity.SERIES_CODE}"


def bytes_of(value: object) -> int:
    """Memory of all arrays in dataclasses, tuples and dicts; other stages that a stage holds are their own."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, tuple | list):
        return sum(map(bytes_of, value))
    if isinstance(value, dict):
        return sum(map(bytes_of, value.values()))
    if isinstance(value, StageRun) or is_dataclass(value):
        return sum(bytes_of(one) for one in vars(value).values() if not isinstance(one, StageRun))
    return sys.getsizeof(value)


def key_of_hosts(task: Task) -> str | None:
    """Key of the hosts of a task; None if its variant cannot be met or lowered: the run will say why."""
    try:
        return identity.digest_of_traffic(*task)
    except Exception:
        return None


@dataclass(frozen=True)
class Shared:
    """What tasks before it leave of a task to be run."""

    key: str | None  # of its hosts; None if its variant cannot be met, or nobody asked
    hosts: bool = False  # one before it has the same hosts
    later_anew: float = 1.0  # of the time of its later stages, at most: what no task before it takes as well


def shared(tasks: Sequence[Task]) -> list[Shared]:
    """Of each task what it shares with those before it. Many without later stages, as in a sweep, share nothing: each
    has hosts of its own, and to ask takes time.
    """
    if len(tasks) > MANY and not any(stages.later_of(variant.scenario) for variant, _, _ in tasks):
        return [Shared(None)] * len(tasks)
    seen: set[str] = set()
    found = []
    for task in tasks:
        hosts = key_of_hosts(task)
        if hosts is None:
            found.append(Shared(None))
            continue
        scenario, keys = task[0].scenario, identity.digests_of_later(*task, hosts)
        costs = [stage.cost(scenario).cpu_s for stage in stages.later_of(scenario)]
        anew = sum(cost for key, cost in zip(keys, costs, strict=True) if key not in seen)
        found.append(Shared(hosts, hosts in seen, anew / sum(costs) if sum(costs) > 0 else 1.0))
        seen.update((hosts, *keys))
    return found


def hosts_of(task: Task, key: str | None, known: Known) -> Outcome | None:
    """The outcome of the hosts of a task, if it is known."""
    if key is None:
        return None
    table = known.table(key, stages.traffic_of(task[0].scenario).table)
    return None if table is None else as_met_by(task, table)


def known_or_run(task: Task, known: Known, run: Callable[[Task], Outcome]) -> Outcome:
    """The outcome of the hosts of a task: if it is not known, `run` gives it, and it is known then. Raises what `run`
    raises.
    """
    key = key_of_hosts(task)
    with known.alone(key):
        found = hosts_of(task, key, known)
        if found is None:
            found = run(task)
            keep_hosts(found, key, known)
    return found


def as_met_by(task: Task, table: TrafficTable, cpu_s: float = 0.0) -> Outcome:
    """The outcome of the hosts of a task that gave this table."""
    variant, seed, replication = task
    return of_traffic(resolve(variant, seed, replication), seed, replication, table, cpu_s)


def keep_hosts(outcome: Outcome, key: str | None, known: Known) -> None:
    """Let the outcome of hosts be known."""
    known.keep(key, outcome.traffic, stages.traffic_of(outcome.scenario).table, outcome.cpu_s)
