"""How far the runs have got: shown by a bar on a terminal, told in lines elsewhere, or not at all."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from recovery.units import show_duration, show_share

LINE_S = 30.0  # between two lines where nobody looks at a terminal
Show = Callable[[float], AbstractContextManager[Callable[[float], None] | None]]
"""Shows how far a run is: given all its work in hosts, it opens what is told the work that is done."""


@contextmanager
def bar(total: float, *, quiet: bool) -> Iterator[Callable[[float], None] | None]:
    """A bar on a terminal, else a line on stderr every half minute, with the time that is left; yields what `Runner`
    tells its progress to.
    """
    if quiet:
        yield None
        return
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield _in_lines(total)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("simulating"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("", total=total)
        yield lambda done: shown.update(task, completed=done)


def _in_lines(total: float) -> Callable[[float], None]:
    begun = said = time.monotonic()

    def tell(done: float) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said > LINE_S and 0 < done < total:
            said = now
            left_s = (now - begun) * (total - done) / done
            print(f"{show_share(done / total)} is simulated, {show_duration(left_s)} left", file=sys.stderr, flush=True)

    return tell


@contextmanager
def unseen(total: float) -> Iterator[Callable[[float], None] | None]:  # noqa: ARG001
    """Shown nowhere."""
    yield None


@contextmanager
def counted(quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Progress of a sweep: a bar on a terminal, else a line on stderr every half minute, with rate and time left.

    Yields what is told of (runs wanted more, runs done).
    """
    if quiet:
        yield None
        return
    begun, said, total, done = time.monotonic(), time.monotonic(), 0, 0

    def tell(more: int, ended: int) -> None:
        nonlocal total, done, said
        total, done, now = total + more, done + ended, time.monotonic()
        if ended > 0 and (now - said > (1 if is_terminal else LINE_S)):
            said = now
            rate = done / (now - begun)
            left_s = (total - done) / rate
            line = f"{done} of {total} runs of this round and before, {rate:.3g}/s, {show_duration(left_s)} left"
            print(f"\r{line}   " if is_terminal else line, file=sys.stderr, end="" if is_terminal else "\n", flush=True)

    is_terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    yield tell
    if is_terminal:
        print("\r" + 79 * " " + "\r", file=sys.stderr, end="", flush=True)
