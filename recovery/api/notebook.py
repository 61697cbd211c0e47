"""How far a run is, shown where there is somebody to see it: a notebook, or a terminal.

A notebook is asked by IPython's own protocol, and only if it is running: IPython is never imported here.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from recovery.study import progress as on_terminal
from recovery.units import show_duration

AGAIN_S = 0.2  # so often a notebook is told


class _Bar:
    """A bar in the output of a notebook's cell."""

    def __init__(self, total: float) -> None:
        self.total, self._begun, self.done = total, time.monotonic(), 0.0

    def _repr_html_(self) -> str:
        past_s = time.monotonic() - self._begun
        left = f", {show_duration(past_s * (self.total / self.done - 1))} left" if self.done else ""
        return f'<progress value="{self.done:g}" max="{self.total:g}"></progress> {show_duration(past_s)}{left}'

    def __repr__(self) -> str:
        return f"{100 * self.done / self.total:.0f} %"


def is_here() -> bool:
    """Whether this runs in a notebook (not in IPython's terminal)."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


@contextmanager
def progress(total: float, *, is_wanted: bool) -> Iterator[Callable[[float], None] | None]:
    """A bar that ends with the block; yields what is told the hosts that are done, of `total`; None without a place."""
    if not is_wanted or not is_here():
        with on_terminal.bar(total, quiet=not is_wanted) as advance:
            yield advance
        return
    bar = _Bar(max(total, 1e-9))

    with _shown(bar) as again:

        def tell(done: float) -> None:
            bar.done = done
            again()

        yield tell


@contextmanager
def counted(*, is_wanted: bool) -> Iterator[Callable[[int, int], None] | None]:
    """As `progress`, for a sweep, whose end moves: yields what is told (runs wanted more, runs done)."""
    if not is_wanted or not is_here():
        with on_terminal.counted(quiet=not is_wanted) as count:
            yield count
        return
    bar = _Bar(1.0)
    wanted = 0

    with _shown(bar) as again:

        def tell(more: int, ended: int) -> None:
            nonlocal wanted
            wanted += more
            bar.total, bar.done = max(float(wanted), 1.0), bar.done + ended
            again()

        yield tell


@contextmanager
def _shown(bar: _Bar) -> Iterator[Callable[[], None]]:
    """The bar in the notebook, and how it stands at the end; yields what shows it anew, at most every AGAIN_S."""
    handle = sys.modules["IPython"].display.display(bar, display_id=True)
    said = 0.0

    def again() -> None:
        nonlocal said
        now = time.monotonic()
        if now - said > AGAIN_S:
            said = now
            handle.update(bar)

    try:
        yield again
    finally:
        handle.update(bar)
