"""cimba_storm.c, built against the engine inside the Python package `cimba`, and run."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

from . import StormParams, StormResult, native


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


def run(params: StormParams) -> StormResult:
    library = engine()
    assert library is not None
    program = native.build("gcc", "cimba_storm.c", "-std=gnu11", str(library), f"-Wl,-rpath,{library.parent}", "-lm")
    return native.run(program, params)
