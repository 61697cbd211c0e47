"""Threads of this process: the kernels release the lock."""

import functools
from concurrent.futures import ThreadPoolExecutor

from recovery.study.runs.executor import Backend


def backend(workers: int) -> Backend:
    """So many threads."""
    return Backend("threads", workers, functools.partial(ThreadPoolExecutor, workers))
