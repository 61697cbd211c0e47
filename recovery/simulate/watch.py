"""When conditions of operators hold (looked at on the grid, for the whole fleet), and what they set off."""

import math
from collections.abc import Mapping

from recovery_kernels import requests

from recovery.model.operator import condition
from recovery.model.scenario import Scenario
from recovery.stages.queueing import Begun
from recovery.statistics.arrays import Whole

Levels = Mapping[str, float]
"""What conditions look at, by name: `queue`, requests in all queues; `oldest`, the age of the oldest (s); `leased`, the
share of leased holders; and the same of each class, with its name behind a dot.
"""


def levels_of(row: Whole, holders: int, by: float = 1.0, of_class: str = "") -> dict[str, float]:
    """Levels at the end of a window, int64[columns] of `holders`; `by` is how many hosts as large it stands for. Of a
    class where one is named.
    """
    end = f".{of_class}" if of_class else ""
    return {
        f"queue{end}": float(row[requests.QUEUE]) * by,
        f"oldest{end}": int(row[requests.OLDEST_NS]) / 1e9,
        f"leased{end}": int(row[requests.LEASED_END]) / max(holders, 1),
    }


class Watch:
    """What operators watch in one run. `started` grows: the actions that were set off."""

    def __init__(self, scenario: Scenario) -> None:
        """Nothing was seen yet."""
        self.started: list[Begun] = []
        self._actions = {
            place: (action, condition(action.when))
            for place, action in enumerate(scenario.operator)
            if action.when is not None
        }
        self._since: dict[int, float] = {}
        self._not_before: dict[int, float] = {}

    @property
    def is_needed(self) -> bool:
        """Whether any action waits for a condition."""
        return bool(self._actions)

    @property
    def is_over(self) -> bool:
        """Whether nothing can be set off any more."""
        return all(self._not_before.get(place) == math.inf for place in self._actions)

    def look(self, now_s: float, levels: Levels) -> bool:
        """Look at the levels at the end of a window; whether anything was set off."""
        fired = False
        for place, (action, wanted) in self._actions.items():
            if now_s < self._not_before.get(place, 0.0) or not wanted.holds(levels):
                self._since.pop(place, None)
            elif now_s - self._since.setdefault(place, now_s) >= action.held:
                self.started.append(Begun(place, now_s))
                self._since.pop(place)
                again_s = math.inf if action.again_after is None else action.again_after
                self._not_before[place] = now_s + again_s
                fired = True
        return fired
