"""Programs in C built against the engine inside the Python package `cimba`, and run."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Any

from . import StormParams, StormResult, native, result_of
from .mm8 import QueueParams, QueueResult
from .mm8 import result_of as queue_of


def engine() -> Path | None:
    """The engine's shared library in the installed package. The package brings no headers."""
    spec = importlib.util.find_spec("cimba")
    if spec is None or spec.origin is None:
        return None
    return next(Path(spec.origin).parent.glob("libcimba_py.*"), None)


def missing() -> str | None:
    if shutil.which("gcc") is None:
        return "there is no gcc"
    return None if engine() else "the Python package cimba, which brings the engine, is not installed"


def storm(params: StormParams) -> StormResult:
    return result_of(_numbers("cimba_storm.c", params))


def queue(params: QueueParams) -> QueueResult:
    return queue_of(_numbers("mm8_cimba.c", params))


def _numbers(source: str, params: Any) -> list[str]:
    library = engine()
    assert library is not None
    program = native.build("gcc", source, "-std=gnu11", str(library), f"-Wl,-rpath,{library.parent}", "-lm")
    return native.numbers(program, params)
