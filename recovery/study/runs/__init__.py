"""Runs of sweeps and the executors that do them: threads, processes, or the workers of a Dask cluster."""

from collections.abc import Mapping

from recovery.errors import Refusal
from recovery.study.runs import dask, processes, threads
from recovery.study.runs.executor import Backend


def backend(name: str, workers: int, address: str | None = None, tls: Mapping[str, str] | None = None) -> Backend:
    """`threads`, `processes`, or `dask`, with as many workers as the scheduler at `address` has and the certificates
    `tls`. Raises Refusal.
    """
    if name == "dask":
        if address is None:
            raise Refusal(f"--address is missing; with --backend dask {dask.WANTED}")
        return dask.backend(address, tls)
    if tls:
        raise Refusal(f"--{next(iter(tls))} is given, but --backend is {name}; want --backend dask, or no certificates")
    if address is not None:
        raise Refusal(f"--address is {address}, but --backend is {name}; want --backend dask, or no address")
    return threads.backend(workers) if name == "threads" else processes.backend(workers)
