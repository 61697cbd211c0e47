"""A Dask cluster as an executor. `distributed` (the extra `dask`) is imported here alone, and only when asked for.

Dask runs a chunk whose worker died on another worker, up to its `allowed-failures`; what it then gives up is looked at
by `recovery.drain` as with any executor.
"""

import functools
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from recovery import drain, identity

CONNECT_S = 10.0
WANTED = "want the address of a Dask scheduler that runs, as `dask scheduler` prints it: tcp://10.0.0.7:8786"


def backend(address: str) -> drain.Backend:
    """All workers of the scheduler at `address`.

    Raises ValueError without `distributed`, if nobody answers at the address, without workers, and if a worker would
    compute with other code.
    """
    client = _connected(address)
    try:
        threads = client.nthreads()
        if not threads:
            raise ValueError(f"--address {address}: its scheduler has no workers; want `dask worker {address}`")
        try:
            codes = client.run(code)
        except Exception as error:  # whatever a worker that is not as we are may say
            raise ValueError(
                f"--address {address}: a worker cannot import this program ({type(error).__name__}: {error}); "
                f"want the same version of it installed where the workers are"
            ) from error
        strange = sorted(worker for worker, found in codes.items() if found != code())
        if strange:
            raise ValueError(f"--address {address}: {identity.other(strange[0])}")
    finally:
        client.close()
    return drain.Backend("dask", sum(threads.values()), functools.partial(Cluster, address))


def code() -> str:
    """Digest of our code, where this runs."""
    return identity.CODE


def _connected(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise ValueError(
            f"--backend dask wants the package distributed ({error}); want pip install 'recovery[dask]'"
        ) from error
    try:
        return Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"--address {address}: no scheduler answers ({error}); {WANTED}") from error


class Cluster(Executor):
    """Workers behind a Dask scheduler. A future raises WorkerDied if its work killed worker after worker, and
    ConnectionError if the scheduler is gone.
    """

    def __init__(self, address: str) -> None:
        """Raises ValueError if nobody answers."""
        self._address = address
        self._client = _connected(address)
        self._inner = self._client.get_executor(pure=False)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As Executor says."""
        from distributed import KilledWorker

        ours: Future[Any] = Future()

        def end(theirs: Future[Any]) -> None:
            error = self._lost() if theirs.cancelled() else theirs.exception()
            if error is None:
                ours.set_result(theirs.result())
            else:
                ours.set_exception(drain.WorkerDied(str(error)) if isinstance(error, KilledWorker) else error)

        try:
            theirs = self._inner.submit(fn, *args, **kwargs)
        except Exception as error:
            raise self._lost() from error
        theirs.add_done_callback(end)
        return ours

    def _lost(self) -> ConnectionError:
        return ConnectionError(f"--address {self._address}: lost the scheduler")

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As Executor says; running work is not waited for if the rest is cancelled."""
        self._inner.shutdown(wait=wait and not cancel_futures)
        self._client.close()
