"""Cimba's Python package: a process for each holder and each worker, compiled by it through Numba."""

from __future__ import annotations

import importlib.util
from functools import cache
from time import process_time
from typing import Any

from . import StormParams, StormResult, without_jitter


def missing() -> str | None:
    return None if importlib.util.find_spec("cimba") else "the Python package cimba is not installed"


@cache
def _compiled() -> None:
    """Let Cimba compile the model's classes, which it does once a process, outside the measured time."""
    _simulate(StormParams(holders=4, horizon_s=1.0))


def run(params: StormParams) -> StormResult:
    without_jitter(params)
    _compiled()
    return _simulate(params)


def _simulate(params: StormParams) -> StormResult:
    import cimba as cb

    from .cimba_model import Host

    begin_s = process_time()
    model: Any = Host()
    model.holders = params.holders
    model.workers = params.workers
    model.service_s = params.service_s
    model.timeout_s = params.timeout_s
    model.renew_after_s = params.renew_after_s
    model.lease_s = params.lease_s
    model.horizon_s = params.horizon_s
    model.phase_s = params.phase_s
    model.granted_s = cb.Array([-params.lease_s] * params.holders)
    window = cb.Window(duration=params.horizon_s)
    out = cb.Experiment(model, window=window, seed=params.seed).run(workers=1)[model]
    cpu_s = process_time() - begin_s
    return StormResult(
        submissions=int(out.submissions[0, 0]),
        finishes=int(out.finishes[0, 0]),
        successes=int(out.successes[0, 0]),
        timeouts=int(out.timeouts[0, 0]),
        leased_share=float(out.leased_share[0, 0]),
        cpu_s=cpu_s,
    )
