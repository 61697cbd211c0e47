"""From a variant to its outcome: start the hosts, run them side by side, add them up.

A host is a pure function of (variant, seed, replication, host); sums are of whole numbers. So the outcome is the same
for any number of threads and any order in which the hosts end. Memory grows with the hosts in flight: what remains of a
host that is done are its part of the sums and a few numbers.
"""

import functools
import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from recovery_kernels import requests

from recovery.model.scenario import Scenario
from recovery.model.variant import Variant
from recovery.simulate.outcome import Outcome, Task
from recovery.simulate.sums import ClassPart, HostPart, Sum
from recovery.simulate.watch import Watch
from recovery.stages import engines, known, leases
from recovery.stages import host as hosts
from recovery.stages.in_turn import InTurnPart
from recovery.stages.outage import resolve
from recovery.statistics.arrays import Whole
from recovery.units import ns

__all__ = ["Interrupted", "Outcome", "Runner", "Task", "engines_of", "hosts_in_group", "simulated_hosts"]


def engines_of(scenarios: Iterable[Scenario]) -> str:
    """Which engines run the hosts of these scenarios."""
    return ", ".join(sorted({engines.engine_of(scenario) for scenario in scenarios}))


_SLICES = 32  # a host's run is cut so often at most, so that Ctrl-C is heard; the bits do not depend on it
# Windows that hosts advance at once where conditions are looked at: at first, and at most.
_AHEAD_FIRST, _AHEAD = 16, 256
KEPT_BYTES = 1 << 28  # of hosts that may be kept for going back
_SLICE = 5_000  # holders that are enough for a slice: where one ends, its thread has to wait for Python's lock
_GROUP = 500  # holders that are enough for a group of hosts, which a thread runs in one go where each runs alone
_GROUP_BYTES = 1 << 19  # of the series and histograms of hosts that are run in one go, at most


_Host = tuple[HostPart, Whole, list[Whole]]
"""What a host gave, its series, and the same of each class."""


class Interrupted(Exception):
    """The user stopped the run."""


def _groups(scenario: Scenario, hosts_: Iterable[tuple[int, int]], least: int = 1) -> Iterator[list[tuple[int, int]]]:
    """Hosts, number and holders of each, in groups that are run in one go: of small hosts as many neighbours as have
    so many holders together, if what they give is small too. A host of jobs, which has no holders, is run alone. There
    are to be so many groups at least, where hosts take turns.
    """
    enough, most = _GROUP, _most_in_group(scenario)
    if leases.run_in_turn(scenario):
        enough, most = _SLICE, max(1, simulated_hosts(scenario) // least)
    group: list[tuple[int, int]] = []
    many = 0
    for host, holders in hosts_:
        if group and (not holders or many + holders > enough or len(group) >= most):
            yield group
            group, many = [], 0
        group.append((host, holders))
        many += holders
    if group:
        yield group


def _most_in_group(scenario: Scenario) -> int:
    rows = scenario.windows * known.traffic_of(scenario).width + 2 * requests.HISTOGRAM
    return _GROUP_BYTES // (8 * rows * (1 + len(scenario.classes)))


def hosts_in_group(scenario: Scenario) -> int:
    """How many hosts may be run in one go whose series all wait to be added up: where hosts take turns, one."""
    if not scenario.has_leases or leases.run_in_turn(scenario):
        return 1
    least = int(leases.holders_of(scenario).min())
    return max(1, min(_most_in_group(scenario), _GROUP // least, simulated_hosts(scenario)))


def _start(total: Sum, host: int, holders: int) -> hosts.Running:
    return total.traffic.start(total.variant.scenario, total.seed, total.replication, host, holders)


def _end_ns(scenario: Scenario) -> int:
    return scenario.windows * ns(scenario.coupling.window)


def _part(scenario: Scenario, host: int, run: hosts.Running) -> HostPart:
    unleased = run.unleased_ns() if scenario.has_leases else 0
    seen = [run.of_class(number) for number in range(len(scenario.classes))]
    own = [ClassPart(one.sojourn, one.latency, one.unleased_ns()) for one in seen]
    return HostPart(host, run.sojourn, run.latency, unleased, own)


def _of_classes(scenario: Scenario, run: hosts.Running, first: int, end: int) -> list[Whole]:
    """What a host wrote of these windows of each class; none where there are no classes."""
    return [run.of_class(number).rows(first, end) for number in range(len(scenario.classes))]


class Runner:
    """Runs variants on threads of this process. Use as a context; `stop` ends it at the next slice."""

    def __init__(
        self, threads: int, progress: Callable[[float], None] | None = None, pool: ThreadPoolExecutor | None = None
    ) -> None:
        """`progress` is told the work done so far, in hosts (fractions of a host count). The threads are those of a
        pool, where one is given.
        """
        self._pool = pool or ThreadPoolExecutor(threads, thread_name_prefix="recovery")
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

    def advanced(self, hosts_: float) -> None:
        """Count work as done, in hosts: by whoever runs what follows them, too."""
        with self._lock:
            self._done += hosts_
            if self._progress is not None:
                self._progress(self._done)

    def _hosts(self, total: Sum, some: Sequence[tuple[int, int]]) -> tuple[list[_Host | InTurnPart], float]:
        """Some hosts, number and holders of each, one after the other; and their processor time, s."""
        begun, scenario = time.thread_time(), total.variant.scenario
        run = total.traffic.in_turn(scenario, total.seed, total.replication, some, total.edge)
        if run is not None:
            self._to_end(scenario, run, sum(holders for _, holders in some), many=len(some))
            return [run.part()], time.thread_time() - begun
        found: list[_Host | InTurnPart] = [self._host(total, host, holders) for host, holders in some]
        return found, time.thread_time() - begun

    def _host(self, total: Sum, host: int, holders: int) -> _Host:
        scenario = total.variant.scenario
        run = _start(total, host, holders)
        self._to_end(scenario, run, holders)
        return (
            _part(scenario, host, run),
            run.series[: scenario.windows],
            _of_classes(scenario, run, 0, scenario.windows),
        )

    def _to_end(self, scenario: Scenario, run: hosts.Running, holders: int, first: int = 0, many: int = 1) -> None:
        """A host with so many holders, from window `first` on to the horizon; or so `many` hosts in turn."""
        begin, end = first * ns(scenario.coupling.window), _end_ns(scenario)
        slices = min(_SLICES, 1 + holders // _SLICE) if scenario.has_leases else _SLICES
        share = many * (end - begin) / end
        for piece in range(1, slices + 1):
            if self._stopped.is_set():
                raise Interrupted
            run.advance(begin + (end - begin) * piece // slices)
            if holders >= 10_000:
                self.advanced(share / slices)
        run.close()
        if holders < 10_000:
            self.advanced(share)

    def run(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """Outcomes of (variant, seed, replication), in the order of the tasks; what a replication draws of its variant
        (`stages.outage.resolve`) is drawn here. Raises what a run raised.
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

        least = 1 if self._threads == 1 else -(-4 * self._threads // max(len(tasks), 1))
        sums: dict[int, Sum] = {}
        finished: dict[int, Outcome | Exception] = {}

        def work() -> Iterator[tuple[int, list[tuple[int, int]]]]:
            for number, (variant, seed, replication) in enumerate(tasks):
                try:
                    sums[number] = Sum(resolve(variant, seed, replication), seed, replication)
                except Exception as error:
                    finished[number] = error
                    continue
                for some in _groups(sums[number].variant.scenario, sums[number].hosts(), least):
                    if number not in sums:  # one of its hosts failed
                        break
                    yield number, some

        queue = work()
        pending: dict[Future[tuple[list[_Host | InTurnPart], float]], int] = {}
        following = 0
        while following < len(tasks):
            for number, some in itertools.islice(queue, max(0, 4 * self._threads - len(pending))):
                pending[self._pool.submit(self._hosts, sums[number], some)] = number
            done = [future for future in pending if future.done()] or wait(pending, return_when=FIRST_COMPLETED)[0]
            for future in done:
                number = pending.pop(future)
                try:
                    found, cpu_s = future.result()
                    if number not in sums:
                        continue
                    sums[number].cpu_s += cpu_s
                    for one in found:
                        if isinstance(one, InTurnPart):
                            sums[number].add_in_turn(one)
                        else:
                            part, series, of_classes = one
                            sums[number].add(part.host, series, 0, of_classes)
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
        """A variant whose operators look at the whole fleet at the end of each window.

        All hosts advance by several windows at once, more of them the longer nothing is set off. Where a condition
        holds on the way, they go back to where they stood, and advance to the window in which it does: cheaper than
        many short calls that all wait for each other. When nothing can be set off any more, each runs to the horizon.
        """
        scenario = variant.scenario
        begun = time.process_time()
        total = Sum(variant, seed, replication)
        watch = Watch(scenario)
        groups = [list(total.hosts())[i :: self._threads] for i in range(self._threads)]
        window = ns(scenario.coupling.window)
        lock = threading.Lock()

        def start(group: list[tuple[int, int]]) -> list[tuple[int, hosts.Running]]:
            own: list[tuple[int, hosts.Running]] = []
            for host, holders in group:
                run = _start(total, host, holders)
                if own:  # hosts of a group take turns, so they write into one series
                    run.write_with(own[0][1])
                own.append((host, run))
            return own

        def add(host: int, run: hosts.Running, first: int, end: int) -> None:
            of_classes = _of_classes(scenario, run, first, end)
            with lock:
                total.add(host, run.rows(first, end), first, of_classes)

        def advance(own: list[tuple[int, hosts.Running]], first: int, end: int, *, again: bool) -> None:
            for host, run in own:
                run.advance(end * window)
                if not again:
                    if end == scenario.windows:
                        run.close()
                    add(host, run, first, end)
                run.clear(first, end)

        def to_end(own: list[tuple[int, hosts.Running]], first: int) -> None:
            for host, run in own:
                self._to_end(scenario, run, int(total.sizes[host]), first)
                add(host, run, first, scenario.windows)
                run.clear(first, scenario.windows)

        def keep(own: list[tuple[int, hosts.Running]]) -> list[tuple[int, hosts.Running]]:
            return [(host, run.kept()) for host, run in own]

        def each(own: list[list[tuple[int, hosts.Running]]], first: int, end: int, *, again: bool = False) -> None:
            list(self._pool.map(functools.partial(advance, first=first, end=end, again=again), own))

        runs = list(self._pool.map(start, groups))
        most = _AHEAD if sum(run.nbytes for _, run in itertools.chain(*runs)) <= KEPT_BYTES else 1
        first, ahead = 0, min(_AHEAD_FIRST, most)
        while first < scenario.windows and not watch.is_over:
            if self._stopped.is_set():
                raise Interrupted
            end = min(first + ahead, scenario.windows)
            kept = list(self._pool.map(keep, runs)) if end > first + 1 else []
            each(runs, first, end)
            fired = next((at for at in range(first, end) if self._sets_off(watch, total, at)), None)
            ahead = min(2 * ahead, most)
            if fired is not None:
                if fired + 1 < end:  # what they did after it is undone
                    total.forget(slice(fired + 1, end))
                    runs, end, ahead = [*kept], fired + 1, min(_AHEAD_FIRST, most)
                    each(runs, first, end, again=True)
                for host, run in itertools.chain(*runs):
                    total.traffic.set_off(run, scenario, host, watch.started)
            self.advanced(simulated_hosts(scenario) * (end - first) / scenario.windows)
            first = end
            kept.clear()  # or there would be two copies while the next is made
        if first < scenario.windows:
            list(self._pool.map(functools.partial(to_end, first=first), runs))
        for host, run in itertools.chain(*runs):
            total.end(_part(scenario, host, run))
        outcome = total.outcome(watch.started)
        outcome.cpu_s = time.process_time() - begun
        return outcome

    @staticmethod
    def _sets_off(watch: Watch, total: Sum, number: int) -> bool:
        """Whether something is set off at the end of a window."""
        return watch.look((number + 1) * total.variant.scenario.coupling.window, total.levels(number))


def simulated_hosts(scenario: Scenario) -> int:
    """Hosts that a run of it simulates: all, or its sample."""
    sample = scenario.fleet.sample_hosts if scenario.fleet is not None else None
    return scenario.all_hosts if sample is None else sample
