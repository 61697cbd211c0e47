"""The queue in Cimba's Python package, as its documentation writes it: a container of jobs, a process a worker."""

from __future__ import annotations

import importlib.util
from functools import cache
from time import process_time
from typing import Any

from .mm8 import QueueParams, QueueResult


def missing() -> str | None:
    return None if importlib.util.find_spec("cimba") else "the Python package cimba is not installed"


@cache
def _compiled() -> None:
    """Let Cimba compile the model's classes, which it does once a process, outside the measured time."""
    _simulate(QueueParams(horizon_s=1.0))


def run(params: QueueParams) -> QueueResult:
    _compiled()
    return _simulate(params)


def _simulate(params: QueueParams) -> QueueResult:
    import cimba as cb

    from .mm8_cimba_model import Queue

    begin_s = process_time()
    model: Any = Queue()
    model.arrivals_per_s = params.arrivals_per_s
    model.workers = params.workers
    model.service_s = params.service_s
    window = cb.Window(duration=params.horizon_s)
    out = cb.Experiment(model, window=window, seed=params.seed).run(workers=1)[model]
    cpu_s = process_time() - begin_s
    arrivals = int(out.arrivals[0, 0])
    wait_s = float(out.queue[0, 0]) * params.horizon_s / arrivals  # Little's law
    return QueueResult(arrivals, int(out.finishes[0, 0]), wait_s, cpu_s)
