"""One loop over any executor: chunks of runs go out, rows come back; what kills its worker is found and set aside."""

import itertools
import math
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait

from recovery.simulate import identity
from recovery.study.runs.chunks import Done, Work, agreed, go_on, simulate, stop
from recovery.study.runs.executor import Backend, WorkerDied

CHUNK_S = 3.0  # work of one chunk: long against the loop, short against what a dead worker loses
LEAST_S = 0.05  # work of a chunk at least: long against what it takes to keep it, short against a sweep
CHUNK_MAX = 500
SWITCH_S = 1e-4  # a kernel that ends waits no longer for another thread's Python; usual are 5 ms, a good part of a run
KILLED = "killed its worker"


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
    go_on()
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    try:
        while waiting or suspects or out or _filled(waiting, source, 1):
            broken = False
            try:
                if suspects and not out:
                    out[executor.submit(agreed, identity.CODE, run, suspects[0])] = (suspects[0], True)
                    suspects.popleft()
                while not suspects and len(out) < place.workers + 1 and not _is_alone(out):
                    size = _size(many, place.workers, each_s)
                    if not _filled(waiting, source, size):
                        break
                    chunk = list(itertools.islice(waiting, size))
                    out[executor.submit(agreed, identity.CODE, run, chunk)] = (chunk, False)
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
                times = [spent for row in rows if isinstance(spent := row.row.get("cpu_s"), float)]
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
        stop()
        place.close(cancel=True)
        go_on()  # no chunk is left that must hear it, and another simulate must not
        raise
    finally:
        sys.setswitchinterval(interval_s)
    if not place.is_kept:
        place.close()
    return each_s


def _filled(waiting: deque[Work], source: Iterator[Work], size: int) -> bool:
    """Let so many wait, if there are so many; whether any waits."""
    waiting.extend(itertools.islice(source, max(size - len(waiting), 0)))
    return bool(waiting)


def _is_alone(out: Mapping[Future[list[Done]], tuple[Sequence[Work], bool]]) -> bool:
    """Whether a suspect is out, which must be the only one."""
    return any(alone for _, alone in out.values())


def _size(left: int, workers: int, each_s: float) -> int:
    """Runs of the next chunk: one to begin with, then about CHUNK_S of work, and less towards the end."""
    if math.isnan(each_s):
        return 1
    least, most = (round(work_s / max(each_s, 1e-6)) for work_s in (LEAST_S, CHUNK_S))
    return max(1, min(most, CHUNK_MAX, max(least, left // (2 * workers))))
