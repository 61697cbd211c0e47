"""A program that solves a yardstick, and running it in a process of its own."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any


@dataclass(frozen=True)
class Program:
    """Its module has `missing() -> str | None`, why it cannot run here, and a function named `function`, from
    parameters to a result.
    """

    name: str
    module: str
    what: str
    function: str = "run"

    def missing(self) -> str | None:
        reason: str | None = importlib.import_module(self.module).missing()
        return reason

    def run(self, params: Any) -> Any:
        return getattr(importlib.import_module(self.module), self.function)(params)

    def alone(self, params: Sequence[Any]) -> list[Any]:
        """The results of such runs, one after the other in a new process: what else a process has done (code that was
        compiled, memory in pieces) would change the speed.
        """
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as own:
            return own.submit(_runs, self, params).result()


def _runs(program: Program, params: Sequence[Any]) -> list[Any]:
    return [program.run(one) for one in params]
