"""Where runs run: an executor that is made when it is wanted, and again when it broke."""

from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor
from dataclasses import dataclass


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
