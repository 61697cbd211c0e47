"""Admission of launches in plain Python, written from MODEL.md: a law or a controller, which looks at propagation."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from recovery_kernels import draws, limits
from recovery_kernels.controllers import FACTS, FAILED, HOOKS, NOTHING, SUCCEEDED, View

from twin.later import uniform


class Door:
    """`law` is a limits.Limit; `controller` a file with its parameters, or None. `keys` has admit, controller and
    customer, and workers and capacity_per_s of propagation.
    """

    def __init__(self, law: Any, keys: Any, controller: tuple[ModuleType, list[float]] | None) -> None:
        self.law, self.keys = law, keys
        self.waiting = self.in_service = 0
        self.tokens, self.rate, self.at, self.is_closed = law.burst, law.rate_per_ns, 0, False
        self.module: ModuleType | None = None
        if controller is not None:
            self.module, params = controller
            self.params = View(dict.fromkeys(self.module.PARAMS, 1), np.array(params, np.float64))
            self.memory = View(self.module.MEMORY, np.zeros(sum(self.module.MEMORY.values())))
            self.call("begin", self.facts("begin", NOTHING, 0, 0, 0))

    def lets_in(self, now: int, identity: int, tries: int) -> bool:
        """What it says to an attempt."""
        if self.module is not None:
            return self.call("ask", self.facts("ask", NOTHING, now, identity, tries)) > 0
        law, queue = self.law, self.waiting
        if law.kind == limits.OPEN:
            return True
        if law.kind == limits.SWITCH:
            self.is_closed = queue >= law.limit or (self.is_closed and queue > law.low)
            return not self.is_closed
        if law.kind == limits.RAMP:
            return uniform(self.keys.admit, identity, tries) * (law.limit - law.low) >= queue - law.low
        self.tokens = min(law.burst, self.tokens + self.rate * (now - self.at))
        self.at = now
        if law.kind == limits.LINEAR:
            self.rate = law.rate_per_ns * max(0.0, 1.0 - queue / law.limit)
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def hear(self, now: int, identity: int, tries: int, is_accepted: bool) -> None:
        """What became of an attempt that it let in."""
        if self.module is not None and hasattr(self.module, "told"):
            self.call("told", self.facts("told", SUCCEEDED if is_accepted else FAILED, now, identity, tries))

    def call(self, hook: str, facts: View) -> float:
        answer = getattr(self.module, hook)(self.params, self.memory, facts)
        return 0.0 if answer is None else float(answer)

    def facts(self, hook: str, event: int, now: int, identity: int, tries: int) -> View:
        found = View(dict.fromkeys(FACTS, 1), np.zeros(len(FACTS)))
        found.now_s, found.event, found.client = now / 1e9, event, identity // 4
        found.attempt, found.tries, found.cost, found.hint_s = tries, tries, 1.0, -1.0
        found.waiting, found.in_service = self.waiting, self.in_service
        found.workers, found.capacity_per_s = self.keys.workers, self.keys.capacity_per_s
        found.timeout_s = found.left_s = 2**60 / 1e9
        key = np.uint64(draws.at(self.keys.controller, HOOKS.index(hook) * 32 + event))
        found.u = uniform(key, identity, tries + 1)
        found.u_client = uniform(self.keys.customer, identity, 0)
        return found
