"""Processes of this machine: a run that kills its worker does not kill the rest."""

import functools
import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import connection
from multiprocessing.process import BaseProcess

from recovery.study.runs.executor import Backend


def backend(workers: int) -> Backend:
    """So many processes, each of which ends with this one."""
    spawn = multiprocessing.get_context("spawn")  # never fork while threads of Polars or Numba live
    return Backend("processes", workers, functools.partial(ProcessPoolExecutor, workers, spawn, end_with_driver))


def end_with_driver() -> None:
    """Let this process end when the one that started it ends, however that ends: the pool's own children wait for work
    for ever when their driver was killed.
    """
    driver = multiprocessing.parent_process()
    if driver is not None:
        threading.Thread(target=_follow, args=(driver,), daemon=True, name="end with driver").start()


def _follow(driver: BaseProcess) -> None:
    connection.wait([driver.sentinel])  # a pipe that the system closes with the driver
    os._exit(1)
