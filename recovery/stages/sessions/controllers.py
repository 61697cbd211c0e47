"""Controllers of a scenario, as the engine of sessions takes them: where their numbers lie, and their addresses."""

import functools
import importlib
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import NamedTuple

import numpy as np
from recovery_kernels import by_address, hooks
from recovery_kernels.controllers import HOOKS

from recovery.model.edited import edited
from recovery.model.operator import SetKey
from recovery.model.policies.lowered import Controller
from recovery.model.policies.own import FILES
from recovery.model.policies.rule import Rule
from recovery.model.scenario import Scenario
from recovery.stages import queueing
from recovery.stages.sessions import modules
from recovery.statistics.arrays import Floats, Whole

SILENT = ("begin", "told")  # functions that answer nothing


class Used(NamedTuple):
    """A controller that a host, or a class of its clients, uses; `group` clients share a memory (0: all of a class).
    Jobs come without end, so all of a class share one.
    """

    axis: str
    controller: Controller
    number: int = 0
    group: int = 0
    is_of_jobs: bool = False
    sharers: tuple[int, ...] = ()  # other classes whose leases it looks after


def used(scenario: Scenario, seen: Sequence[Scenario]) -> list[Used]:
    """The controllers of a host, then those of each class, of which `seen` is the scenario as its clients see it; then
    those that operators put in force.
    """
    order, door = scenario.policy.queue.lower(scenario.establish_per_s), queueing.lets_in(scenario)
    found = [Used(axis, one) for axis, one in (("admission", door.controller), ("queue", order.controller)) if one]
    for number, own in enumerate(seen):
        waits, guards, runs = own.policy.client.lower(), own.policy.guard.lower(), own.policy.lease.lower()
        is_of_jobs = own.jobs is not None
        if waits.controller is not None:
            found.append(Used("client", waits.controller, number, 0 if is_of_jobs else 1, is_of_jobs))
        if guards.controller is not None:
            found.append(Used("guard", guards.controller, number, 0 if is_of_jobs else guards.group or 0, is_of_jobs))
        if runs.controller is not None:
            found.append(Used("lease", runs.controller, number))
    found = shared(found)
    for action in scenario.operator:  # what operators put in force is laid out from the start
        if isinstance(action, SetKey) and isinstance(action.parsed, Rule) and action.parsed.axis == "admission":
            then = queueing.lets_in(edited(scenario, [(action.key, action.parsed)])).controller
            if then is not None and admission_place(found, then) == hooks.NOBODY:
                found.append(Used("admission", then))
    return found


def admission_place(found: Sequence[Used], controller: Controller) -> int:
    """Which of these an admission's controller is; NOBODY."""
    places = (place for place, one in enumerate(found) if one.axis == "admission" and one.controller == controller)
    return next(places, hooks.NOBODY)


def shared(found: Sequence[Used]) -> list[Used]:
    """The same, where classes with one rule of leases share it: a server counts all that it keeps."""
    rules: dict[Controller, list[int]] = {}
    for one in found:
        if one.axis == "lease":
            rules.setdefault(one.controller, []).append(one.number)
    return [
        one._replace(sharers=tuple(rules[one.controller][1:])) if one.axis == "lease" else one
        for one in found
        if one.axis != "lease" or rules[one.controller][0] == one.number
    ]


_own: dict[str, ModuleType] = {}


def add(module: ModuleType) -> None:
    """From now on a controller of the name of this file is this one: a user's own."""
    _own[module.__name__.rsplit(".", 1)[-1]] = module


def module_of(name: str) -> ModuleType:
    """The file of a controller: a user's, or one of ours."""
    if name in _own:
        return _own[name]
    if name in FILES:
        return modules.of_file(FILES[name])
    return importlib.import_module(f"recovery_kernels.controllers.{name}")


def place_of(found: Sequence[Used], axis: str, number: int = 0) -> int:
    """Which controller of an axis a class, or the host, uses; NOBODY."""
    places = (place for place, one in enumerate(found) if one.axis == axis and number in (one.number, *one.sharers))
    return next(places, hooks.NOBODY)


def hears(found: Sequence[Used]) -> bool:
    """Whether a controller of the host is told what becomes of requests."""
    return any(one.axis in ("admission", "queue") and hasattr(module_of(one.controller.name), "told") for one in found)


def has(found: Sequence[Used], axis: str, hook: str, number: int = 0) -> bool:
    """Whether there is a controller of this axis with this function."""
    place = place_of(found, axis, number)
    return place != hooks.NOBODY and hasattr(module_of(found[place].controller.name), hook)


def rows(found: Sequence[Used], members: Sequence[int]) -> tuple[Whole, Floats]:
    """The controllers as the engine takes them, int64[n, hooks.CONTROLLER_COLUMNS], and all their parameters; `members`
    are the host's holders of each class. Addresses are those of this process.
    """
    table, params = np.zeros((len(found), hooks.CONTROLLER_COLUMNS), np.int64), list[float]()
    memory_at = 0
    for row, one, groups in zip(table, found, _groups(found, members), strict=True):
        size = sum(module_of(one.controller.name).MEMORY.values())
        row[: hooks.P_HOOKS] = (
            len(params), memory_at, size, groups, one.group, one.number, int(one.axis not in ("client", "guard")),
        )  # fmt: skip
        row[hooks.P_HOOKS :] = _addresses(one.controller.name)
        params += one.controller.params
        memory_at += size * groups
    return table, np.array(params or [0.0], np.float64)


def memory_size(table: Whole) -> int:
    """How many numbers the controllers of a host remember."""
    return int((table[:, hooks.P_SIZE] * table[:, hooks.P_GROUPS]).sum())


def bytes_of(scenario: Scenario, clients: float) -> float:
    """Memory of what the controllers of a host of so many clients remember."""
    seen = [scenario.seen_by(name) for name in scenario.classes] or [scenario]
    sizes = ((sum(module_of(one.controller.name).MEMORY.values()), one.group) for one in used(scenario, seen))
    return float(8 * sum(size * (max(clients, 1.0) / group if group else 1.0) for size, group in sizes))


def said(found: Sequence[Used]) -> list[object]:
    """What decides a run of the controllers: which they are, their parameters, and what a user's file says. Of ours the
    number of the model says it, as of all our code.
    """
    return [
        (
            one.axis,
            one.number,
            one.group,
            one.controller,
            _source(one.controller.name) if one.controller.name in _own else "",
        )
        for one in found
    ]


def _groups(found: Sequence[Used], members: Sequence[int]) -> Iterator[int]:
    for one in found:
        many = 0 if one.is_of_jobs or one.axis in ("admission", "queue") else members[one.number]
        yield 1 if one.group == 0 or many == 0 else -(-many // one.group)


def _addresses(name: str) -> list[int]:
    return [address_of(name, hook) for hook in HOOKS]


@functools.cache
def address_of(name: str, hook: str) -> int:
    """Where a function of a controller lies in this process, compiled; 0 where it has none of this name. Raises what
    Numba raises for one that cannot be compiled.
    """
    module = module_of(name)
    if not hasattr(module, hook):
        return 0
    params, memory = dict.fromkeys(module.PARAMS, 1), dict(module.MEMORY)
    return by_address.address(getattr(module, hook), params, memory, hook not in SILENT)


@functools.cache
def _source(name: str) -> str:
    return by_address.source_of(module_of(name).begin)
