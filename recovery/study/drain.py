"""One loop over any executor: chunks of runs go out, rows come back; what kills its worker is found and set aside.

A run is a pure function of (variant, seed, replication), so it does not matter where it runs, when, or how often.
"""

import functools
import itertools
import math
import multiprocessing
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures import ThreadPoolExecutor as Threads
from dataclasses import dataclass
from multiprocessing import connection
from typing import Any, NamedTuple

import numpy as np

from recovery.model.scenario import Variant
from recovery.simulate import aftermath, identity, pipeline
from recovery.store import results as store

CHUNK_S = 3.0  # work of one chunk: long against the loop, short against what a dead worker loses
CHUNK_MAX = 500
SWITCH_S = 1e-4  # a kernel that ends waits no longer for another thread's Python; usual are 5 ms, a good part of a run


class Work(NamedTuple):
    """One run to be done; `every_s` is above 0 where its curve is kept."""

    key: str
    variant: Variant
    seed: int
    replication: int
    every_s: float = 0.0


class Done(NamedTuple):
    """What came of a run: a row (with `error` where it failed) and its curve, float64[2, points], or None."""

    row: dict[str, Any]
    curve: np.ndarray | None


@dataclass
class Backend:
    """Where runs run: `make` gives an executor with `workers` workers, again when one broke. Within `with` one serves
    drain after drain, since new processes have to import and a cluster has to be connected.
    """

    name: str
    workers: int
    make: Callable[[], Executor]
    is_kept: bool = False
    _executor: Executor | None = None

    def executor(self) -> Executor:
        """The executor that is open, or a new one."""
        if self._executor is None:
            self._executor = self.make()
        return self._executor

    def close(self, *, wait: bool = True, cancel: bool = False) -> None:
        """End the executor if one is open."""
        if self._executor is not None:
            self._executor.shutdown(wait=wait, cancel_futures=cancel)
            self._executor = None

    def __enter__(self) -> "Backend":
        self.is_kept = True
        return self

    def __exit__(self, *error: object) -> None:
        self.is_kept = False
        self.close()


class WorkerDied(BrokenExecutor):
    """Work killed its worker, and the executor goes on without it."""


def backend(name: str, workers: int, address: str | None = None, tls: Mapping[str, str] | None = None) -> Backend:
    """`threads` (the kernels release the lock), `processes` (a run that kills its worker does not kill the rest), or
    `dask`, with as many workers as the scheduler at `address` has and the certificates `tls` (recovery.cluster).
    Raises ValueError.
    """
    if name == "dask":
        from recovery.study import cluster

        if address is None:
            raise ValueError(f"--address is missing; with --backend dask {cluster.WANTED}")
        return cluster.backend(address, tls)
    if tls:
        raise ValueError(
            f"--{next(iter(tls))} is given, but --backend is {name}; want --backend dask, or no certificates"
        )
    if address is not None:
        raise ValueError(f"--address is {address}, but --backend is {name}; want --backend dask, or no address")
    if name == "threads":
        return Backend(name, workers, functools.partial(Threads, workers))
    spawn = multiprocessing.get_context("spawn")  # never fork while threads of Polars or Numba live
    return Backend(name, workers, functools.partial(ProcessPoolExecutor, workers, spawn, end_with_driver))


def end_with_driver() -> None:
    """Let this process end when the one that started it ends, however that ends: the pool's own children wait for work
    for ever when their driver was killed.
    """
    driver = multiprocessing.parent_process()
    if driver is not None:
        threading.Thread(target=_follow, args=(driver,), daemon=True, name="end with driver").start()


def _follow(driver: Any) -> None:
    connection.wait([driver.sentinel])  # a pipe that the system closes with the driver
    os._exit(1)


class _AtOnce(Threads):
    """Does what is submitted in the caller's thread: for runs of a few milliseconds a thread of their own is dear."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class _Runner(pipeline.Runner):
    """Runs variants in the caller's thread."""

    def __init__(self) -> None:
        super().__init__(1)
        self._pool = _AtOnce(1)


_running: set[pipeline.Runner] = set()
_stopped = threading.Event()


def simulate(works: Sequence[Work]) -> list[Done]:
    """Run a chunk, one run after the other. A run that fails gives a row with its error."""
    done = []
    for work in works:
        if _stopped.is_set():
            raise pipeline.Interrupted
        try:
            with _Runner() as runner:
                _running.add(runner)
                try:
                    outcome = aftermath.follow(next(runner.run([(work.variant, work.seed, work.replication)])))
                finally:
                    _running.discard(runner)
            row = {"key": work.key, "error": None, **outcome.measure(), **groups(work.variant)}
            done.append(Done(row | {"cpu_s": outcome.cpu_s}, _curve(outcome, work.every_s)))
        except (pipeline.Interrupted, KeyboardInterrupt):
            raise
        except Exception as error:  # one bad run must not cost the others
            done.append(Done({"key": work.key, "error": f"{type(error).__name__}: {error}"}, None))
    return done


def _agreed(code: str, run: Callable[[Sequence[Work]], list[Done]], chunk: Sequence[Work]) -> list[Done]:
    """Run a chunk where our code is what the driver began with: who came later may have loaded an edited file."""
    if code != identity.CODE:
        raise ValueError(identity.other(multiprocessing.current_process().name))
    return run(chunk)


def groups(variant: Variant) -> dict[str, float]:
    """r1 … r4 of a variant of leases."""
    rows = store.explanation(variant.scenario) if variant.scenario.fleet is not None else []
    return {row.name: float(row.value) for row in rows if row.name in ("r1", "r2", "r3", "r4")}


def _curve(outcome: pipeline.Outcome, every_s: float) -> np.ndarray | None:
    if every_s <= 0:
        return None
    step = max(1, round(every_s / outcome.scenario.coupling.window))
    values = outcome.leased_share() if outcome.holders else outcome.backlog().astype(np.float64)
    return np.stack([outcome.times_s[step - 1 :: step], values[step - 1 :: step]])


def drain(
    works: Iterable[Work],
    place: Backend,
    done: Callable[[Sequence[Done]], None],
    *,
    many: int,
    run: Callable[[Sequence[Work]], list[Done]] = simulate,
    each_s: float = math.nan,
) -> float:
    """Run all `works`, at most so `many`; they are asked for only as they go out, so planning goes on beside the runs.
    `done` is told of each chunk as it comes. Returns seconds of work a run, to start from next time (`each_s`).

    An executor that broke is made again (one that merely lost a worker goes on), and the chunks that were out run one
    at a time; one that breaks it again is halved until the run that does it is known: it gets a row with that as its
    error. Ctrl-C lets no new chunk out.
    """
    source, waiting = iter(works), deque[Work]()
    suspects: deque[Sequence[Work]] = deque()
    out: dict[Future[list[Done]], tuple[Sequence[Work], bool]] = {}
    executor = place.executor()
    chunk: Sequence[Work]
    _stopped.clear()
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    try:
        while waiting or suspects or out or _filled(waiting, source, 1):
            broken = False
            try:
                if suspects and not out:
                    out[executor.submit(_agreed, identity.CODE, run, suspects[0])] = (suspects[0], True)
                    suspects.popleft()
                while not suspects and len(out) < place.workers + 1 and not _is_alone(out):
                    size = _size(many, place.workers, each_s)
                    if not _filled(waiting, source, size):
                        break
                    chunk = list(itertools.islice(waiting, size))
                    out[executor.submit(_agreed, identity.CODE, run, chunk)] = (chunk, False)
                    for _ in chunk:
                        waiting.popleft()
                    many -= len(chunk)
            except BrokenExecutor:  # a worker died while nobody looked; what was not taken is still in its place
                broken = True
            ready = wait(out, return_when=FIRST_COMPLETED)[0] if out else set()
            for future in ready:
                chunk, alone = out.pop(future)
                try:
                    rows = future.result()
                except BrokenExecutor as error:
                    broken = broken or not isinstance(error, WorkerDied)
                    if not alone:
                        suspects.append(chunk)
                    elif len(chunk) > 1:
                        middle = len(chunk) // 2
                        suspects.extendleft((chunk[middle:], chunk[:middle]))
                    else:
                        done([Done({"key": chunk[0].key, "error": KILLED}, None)])
                    continue
                times = [row.row["cpu_s"] for row in rows if "cpu_s" in row.row]
                if times:
                    mean = math.fsum(times) / len(times)
                    each_s = mean if math.isnan(each_s) else (each_s + mean) / 2
                done(rows)
            if broken:
                for chunk, _ in out.values():
                    suspects.append(chunk)
                out.clear()
                place.close(wait=False, cancel=True)
                executor = place.executor()
    except BaseException:
        _stopped.set()
        for runner in list(_running):
            runner.stop()
        place.close(cancel=True)
        _stopped.clear()  # no chunk is left that must hear it, and another simulate must not
        raise
    finally:
        sys.setswitchinterval(interval_s)
    if not place.is_kept:
        place.close()
    return each_s


KILLED = "killed its worker"


def _filled(waiting: deque[Work], source: Iterator[Work], size: int) -> bool:
    """Let so many wait, if there are so many; whether any waits."""
    waiting.extend(itertools.islice(source, max(size - len(waiting), 0)))
    return bool(waiting)


def _is_alone(out: Mapping[Any, tuple[Sequence[Work], bool]]) -> bool:
    """Whether a suspect is out, which must be the only one."""
    return any(alone for _, alone in out.values())


def _size(left: int, workers: int, each_s: float) -> int:
    """Runs of the next chunk: one to begin with, then about CHUNK_S of work, and less towards the end."""
    if math.isnan(each_s):
        return 1
    return max(1, min(round(CHUNK_S / max(each_s, 1e-6)), CHUNK_MAX, left // (2 * workers)))
