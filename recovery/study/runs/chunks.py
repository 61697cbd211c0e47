"""One run of a sweep: what is to be done, what came of it, and a chunk of runs done one after the other.

A run is a pure function of (variant, seed, replication), so it does not matter where it runs, when, or how often.
"""

import multiprocessing
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor as Threads
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, ParamSpec, TypeVar

import numpy as np

from recovery.errors import Refusal
from recovery.model.variant import Variant
from recovery.simulate import chain, identity, pipeline
from recovery.simulate import reuse as reusing
from recovery.simulate.explain import groups_of
from recovery.simulate.reuse import MEMORY_BYTES, Known
from recovery.stages import known as stages
from recovery.stages.queueing import numbers_of
from recovery.statistics.arrays import Floats
from recovery.store.shelf import Shelf

Row = dict[str, str | float | None]  # `key`, `error`, and what was measured
P = ParamSpec("P")
T = TypeVar("T")


class Work(NamedTuple):
    """One run to be done; `every_s` is above 0 where its curve is kept."""

    key: str
    variant: Variant
    seed: int
    replication: int
    every_s: float = 0.0


class Sharing(NamedTuple):
    """What the runs of a sweep share in one process: this much memory at most, and a folder where it outlives the
    process, and other processes find it; None: there is no such folder.
    """

    memory_bytes: int = MEMORY_BYTES
    folder: Path | None = None


ALONE = Sharing()  # a process that is the only one, and keeps nothing


class Done(NamedTuple):
    """What came of a run: a row (with `error` where it failed) and its curve, float64[2, points], or None."""

    row: Row
    curve: Floats | None


class _AtOnce(Threads):
    """Does what is submitted in the caller's thread: for runs of a few milliseconds a thread of their own is dear."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class _Runner(pipeline.Runner):
    """Runs variants in the caller's thread."""

    def __init__(self) -> None:
        super().__init__(1, pool=_AtOnce(1))


_known: dict[Sharing, Known] = {}  # of this process: what the runs of its sweep share
_asked = threading.Lock()
_running: set[pipeline.Runner] = set()
_stopped = threading.Event()


def stop() -> None:
    """End the runs of this process as soon as they can, and begin no other one until `go_on`."""
    _stopped.set()
    for runner in list(_running):
        runner.stop()


def go_on() -> None:
    """Let runs begin again."""
    _stopped.clear()


def forget() -> None:
    """Give back the memory of what is known from runs of this process."""
    _known.clear()
    numbers_of.forget()


def _known_by(sharing: Sharing) -> Known:
    """What is known of a sweep; of one before it, nothing any more."""
    with _asked:
        if sharing not in _known:
            _known.clear()
            shelf = None if sharing.folder is None else Shelf(sharing.folder)
            _known[sharing] = Known(shelf, sharing.memory_bytes)
        return _known[sharing]


def simulate(works: Sequence[Work], *, sharing: Sharing | None = ALONE) -> list[Done]:
    """Run a chunk, one run after the other. A run that fails gives a row with its error. A stage that is known from a
    run before, by what they share, does not run again; with None, every stage runs.
    """
    known = None if sharing is None else _known_by(sharing)
    done = []
    with _in_this_thread() as runner:
        for work in works:
            if _stopped.is_set():
                raise pipeline.Interrupted
            try:
                outcome = _outcome((work.variant, work.seed, work.replication), known, runner)
                row = {"key": work.key, "error": None, **outcome.measure(), **groups(work.variant)}
                done.append(Done(row | {"cpu_s": outcome.cpu_s}, _curve(outcome, work.every_s)))
            except (pipeline.Interrupted, KeyboardInterrupt):
                raise
            except Exception as error:  # one bad run must not cost the others
                done.append(Done({"key": work.key, "error": f"{type(error).__name__}: {error}"}, None))
    return done


def _outcome(task: pipeline.Task, known: Known | None, runner: pipeline.Runner) -> pipeline.Outcome:
    """A run. Without later stages it has nothing to share: equal runs are one in a sweep."""

    def run(task: pipeline.Task) -> pipeline.Outcome:
        return next(runner.run([task]))

    if not stages.later_of(task[0].scenario):
        return run(task)
    if known is None:
        return chain.follow(run(task))
    return chain.follow(reusing.known_or_run(task, known, run), known=known)


def hosts(task: pipeline.Task) -> pipeline.Outcome:
    """The hosts of a run, in this thread; `stop` ends them."""
    with _in_this_thread() as runner:
        return next(runner.run([task]))


@contextmanager
def _in_this_thread() -> Iterator[pipeline.Runner]:
    """Runs variants in the caller's thread; `stop` ends them."""
    with _Runner() as runner:
        _running.add(runner)
        try:
            yield runner
        finally:
            _running.discard(runner)


def agreed(code: str, run: Callable[[Sequence[Work]], list[Done]], chunk: Sequence[Work]) -> list[Done]:
    """Run a chunk where our code is what the driver began with: who came later may have loaded an edited file."""
    if code != identity.CODE:
        raise Refusal(identity.other(multiprocessing.current_process().name))
    return run(chunk)


def groups(variant: Variant) -> dict[str, float]:
    """r1 … r4 of a variant of leases."""
    found = groups_of(variant.scenario)
    return {} if found is None else {"r1": found.r1, "r2": found.r2, "r3": found.r3, "r4": found.r4}


def _curve(outcome: pipeline.Outcome, every_s: float) -> Floats | None:
    if every_s <= 0:
        return None
    step = max(1, round(every_s / outcome.scenario.coupling.window))
    values = outcome.leased_share() if outcome.holders else outcome.backlog().astype(np.float64)
    return np.stack([outcome.times_s[step - 1 :: step], values[step - 1 :: step]])
