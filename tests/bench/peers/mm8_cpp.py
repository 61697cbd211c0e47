"""mm8_heap.cpp, built and run."""

from __future__ import annotations

from . import native
from .mm8 import QueueParams, QueueResult, result_of


def missing() -> str | None:
    return native.missing_cpp()


def run(params: QueueParams) -> QueueResult:
    return result_of(native.cpp("mm8_heap.cpp", params))
