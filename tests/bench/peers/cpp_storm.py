"""Our own plain programs in C++, built and run."""

from __future__ import annotations

from . import StormParams, StormResult, native, result_of


def missing() -> str | None:
    return native.missing_cpp()


def heap(params: StormParams) -> StormResult:
    return result_of(native.cpp("heap_storm.cpp", params))


def ring(params: StormParams) -> StormResult:
    return result_of(native.cpp("ring_storm.cpp", params))


def wheel(params: StormParams) -> StormResult:
    return result_of(native.cpp("wheel_storm.cpp", params))
