"""A Dask cluster as an executor. `distributed` (the extra `dask`) is imported here alone, and only when asked for.

Dask runs a chunk whose worker died on another worker, up to its `allowed-failures`; what it then gives up is looked at
by `recovery.study.runs.loop` as with any executor.

Work travels as pickles, both ways: whoever reaches the scheduler's port can run code on every machine of the cluster.
So it belongs into a network of one's own, or behind certificates.
"""

import functools
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from recovery.errors import Refusal
from recovery.simulate import identity
from recovery.study.runs.executor import Backend, WorkerDied

if TYPE_CHECKING:
    from distributed import Client

P = ParamSpec("P")
T = TypeVar("T")
CONNECT_S = 30.0  # a scheduler and workers that were just started may take so long on a busy machine
LOOK_S = 2.0  # so often it is looked whether there are workers
ALONE_S = 5.0  # without any for so long, it is told, and again each AGAIN_S
AGAIN_S = 60.0
TLS = {"tls-ca-file": "tls_ca_file", "tls-cert": "tls_client_cert", "tls-key": "tls_client_key"}
WANTED = "want the address of a Dask scheduler that runs, as `dask scheduler` prints it: tcp://10.0.0.7:8786"


def backend(address: str, tls: Mapping[str, str] | None = None) -> Backend:
    """All workers of the scheduler at `address`. `tls` are files with the certificates of an address tls://… by the
    names of TLS; without, Dask's own configuration says which.

    Raises Refusal without `distributed`, if nobody answers at the address, without workers, if a worker would
    compute with other code, and for certificates that cannot be used.
    """
    connect = functools.partial(_connected, address, dict(tls or {}))
    client = connect()
    try:
        try:
            client.wait_for_workers(1, timeout=CONNECT_S)
        except TimeoutError as error:
            raise Refusal(f"--address {address}: its scheduler has no workers; want `dask worker {address}`") from error
        threads = client.nthreads()
        try:
            codes = client.run(code)
        except Exception as error:  # whatever a worker that is not as we are may say
            raise Refusal(
                f"--address {address}: a worker cannot import this program ({type(error).__name__}: {error}); "
                f"want the same version of it installed where the workers are"
            ) from error
        strange = sorted(worker for worker, found in codes.items() if found != code())
        if strange:
            raise Refusal(f"--address {address}: {identity.other(strange[0])}")
    finally:
        client.close()
    return Backend("dask", sum(threads.values()), functools.partial(Cluster, address, connect))


def code() -> str:
    """Digest of our code, where this runs."""
    return identity.CODE


def _connected(address: str, tls: Mapping[str, str]) -> "Client":
    try:
        from distributed import Client
        from distributed.security import Security
    except ImportError as error:
        raise Refusal(
            f"--backend dask wants the package distributed ({error}); want pip install 'recovery[dask]'"
        ) from error
    if tls:
        if not address.startswith("tls://"):
            raise Refusal(f"--address {address}: has no encryption; want tls:// with --{next(iter(tls))}")
        if missing := [name for name in ("tls-ca-file", "tls-cert") if name not in tls]:
            raise Refusal(f"--{missing[0]} is missing; want the certificates of authority and client, and its key")
        for name, file in tls.items():
            if not Path(file).is_file():
                raise Refusal(f"--{name}: {file} is no file; want one in PEM format")
    try:
        security = Security(require_encryption=True, **{TLS[name]: file for name, file in tls.items()}) if tls else None
        return Client(address, timeout=CONNECT_S, set_as_default=False, security=security)
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise Refusal(f"--address {address}: no scheduler answers ({reason}); {WANTED}") from error


class Cluster(Executor):
    """Workers behind a Dask scheduler. A future raises WorkerDied if its work killed worker after worker, and
    ConnectionError if the scheduler is gone.
    """

    def __init__(self, address: str, connect: Callable[[], "Client"]) -> None:
        """`connect` gives a client of the scheduler. Raises Refusal if nobody answers."""
        self._address = address
        self._client = connect()
        self._inner = self._client.get_executor(pure=False)
        self._ended = threading.Event()
        threading.Thread(target=self._watch, daemon=True, name="cluster").start()

    def _watch(self) -> None:
        """Say on stderr that all workers are gone: the work then waits, without an end, for one to come."""
        alone_since = said = None
        while not self._ended.wait(LOOK_S):
            try:
                count = len(self._client.nthreads())
            except Exception:  # the scheduler is gone too, which is told by the work
                continue
            now = time.monotonic()
            if count:
                if said is not None:
                    print(f"{self._address}: {count} workers are there again", file=sys.stderr, flush=True)
                alone_since = said = None
                continue
            alone_since = now if alone_since is None else alone_since
            if now - alone_since >= ALONE_S and (said is None or now - said >= AGAIN_S):
                said = now
                print(
                    f"{self._address}: no worker is left; waiting for one: dask worker {self._address}",
                    file=sys.stderr, flush=True,
                )  # fmt: skip

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """As Executor says."""
        from distributed import KilledWorker

        ours: Future[T] = Future()

        def end(theirs: Future[T]) -> None:
            error = self._lost() if theirs.cancelled() else theirs.exception()
            if error is None:
                ours.set_result(theirs.result())
            else:
                ours.set_exception(WorkerDied(str(error)) if isinstance(error, KilledWorker) else error)

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
        self._ended.set()
        self._inner.shutdown(wait=wait and not cancel_futures)
        self._client.close()
