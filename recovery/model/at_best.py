"""A scenario with its hosts as fast as operators ever make them: what no recovery can be faster than hangs on it."""

import math
from collections.abc import Iterable

from recovery.model.distributions import Distribution
from recovery.model.edited import edited
from recovery.model.live import class_key
from recovery.model.operator import Action, Scale, SetKey
from recovery.model.scenario import Scenario


def at_best(scenario: Scenario) -> Scenario:
    """The scenario with the most workers, and the shortest mean times of making a lease or doing a job, that the file
    says or that operators bring about in a run; the same scenario where they change none of them.

    What they do on a condition counts as done last, and what they do to some hosts or for a while as done to all for
    good, unless it takes workers away. So it is an upper bound of what the hosts can do, at every time.
    """
    best: dict[str, object] = {}
    workers = most = scenario.host.workers
    for action in sorted(scenario.operator, key=lambda one: math.inf if one.at is None else one.at):
        if isinstance(action, Scale) and action.workers is not None:
            if action.workers > 0 or action.lasts is None:
                workers += action.workers
        elif isinstance(action, SetKey) and action.key == "host.workers" and isinstance(action.parsed, int | float):
            is_for_good = action.lasts is None and action.share == 1 and action.zone is None
            workers = int(action.parsed) if is_for_good else max(workers, int(action.parsed))
        elif isinstance(action, SetKey) and _counts(action.key):
            first = best.get(action.key, _from_file(scenario, action.key))
            best[action.key] = min((first, action.parsed), key=_mean_s)
        most = max(most, workers)
    if most != scenario.host.workers:
        best["host.workers"] = most
    return edited(scenario, best.items()) if best else scenario


def after(scenario: Scenario, actions: Iterable[Action]) -> Scenario:
    """The scenario with its keys and workers as these actions leave them, one after the other."""
    edits: list[tuple[str, object]] = []
    workers = scenario.host.workers
    for action in actions:
        if isinstance(action, Scale) and action.workers is not None:
            workers += action.workers
            edits.append(("host.workers", workers))
        elif isinstance(action, SetKey):
            if action.key == "host.workers" and isinstance(action.parsed, int):
                workers = action.parsed
            edits.append((action.key, action.parsed))
    return edited(scenario, edits)


def _counts(key: str) -> bool:
    name, own = class_key(key)
    return own == "establish_time" if name else key == "host.establish_time"


def _from_file(scenario: Scenario, key: str) -> Distribution:
    """What the file says: of a class that says nothing, what it has from the host."""
    name, _ = class_key(key)
    if not name:
        return scenario.host.establish_time
    return scenario.seen_by(name).host.establish_time


def _mean_s(value: object) -> float:
    return value.mean_s() if isinstance(value, Distribution) else math.inf
