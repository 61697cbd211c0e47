"""heap_storm.cpp, built and run."""

from __future__ import annotations

import shutil

from . import StormParams, StormResult, native


def missing() -> str | None:
    return None if shutil.which("g++") else "there is no g++"


def run(params: StormParams) -> StormResult:
    return native.run(native.build("g++", "heap_storm.cpp", "-std=c++17"), params)
