"""Drives a controller by hand, uncompiled: its own functions, over rows of numbers as the engine keeps them."""

from types import ModuleType

import numpy as np
from recovery_kernels import controllers
from recovery_kernels.controllers import View


class Driver:
    """One controller's functions with its parameters and its memory; each call names the facts that it sees.

    `params`, `memory` and `facts` are open to look at. What a call does not name is as `rest` says, else 0.
    Each function is asked by its name and gives a float: `driver.ask(now_s=1.0)`. `driver.told(SUCCEEDED,
    sojourn_s=0.1)` gives nothing.
    """

    def __init__(self, module: ModuleType, params: dict[str, float], **rest: float) -> None:
        assert set(params) == set(module.PARAMS)
        self.module, self.rest = module, rest
        self.params = View(dict.fromkeys(module.PARAMS, 1), np.array([float(params[name]) for name in module.PARAMS]))
        self.memory = View(module.MEMORY, np.zeros(sum(module.MEMORY.values())))
        self.row = np.zeros(len(controllers.FACTS))
        self.facts = View(dict.fromkeys(controllers.FACTS, 1), self.row)
        self.call("begin")

    def call(self, hook: str, /, **facts: float) -> float | None:
        """Call one of the controller's functions as the engine does; what it gives must be a float, or nothing where
        the contract says so.
        """
        self.row[:] = 0.0
        for name, value in (self.rest | facts).items():  # one that is no fact is an AttributeError that names it
            setattr(self.facts, name, float(value))
        answer = getattr(self.module, hook)(self.params, self.memory, self.facts)
        if hook in ("begin", "told"):
            assert answer is None
            return None
        assert isinstance(answer, float)
        return float(answer)

    def told(self, event: int, /, **facts: float) -> None:
        """Tell it an event."""
        self.call("told", event=event, **facts)

    def __getattr__(self, hook: str):  # type: ignore[no-untyped-def]
        if hook not in controllers.HOOKS:
            raise AttributeError(hook)
        return lambda **facts: self.call(hook, **facts)


def driven(module: ModuleType, params: dict[str, float], **rest: float) -> Driver:
    """A controller that has just begun; `rest` are facts that stay as they are unless a call names them."""
    return Driver(module, params, **rest)
