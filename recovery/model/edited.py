"""A scenario as operators have made it: the file with other values in place of its own.

Some keys share a number of the engine, for instance a crash's bound and its downtime. What operators do to one of them
is told as the file in force: all edits that have begun and are not over, put into it in the order in which they began.
"""

from collections.abc import Collection, Iterable
from typing import TypeVar

from pydantic import BaseModel

from recovery.model.distributions import Distribution
from recovery.model.live import class_key
from recovery.model.tables import Tables

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T", bound=Tables)

_FAMILIES = {
    "policy.admission": "admission", "policy.queue": "queue", "policy.lease": "lease", "lease.duration": "lease",
    "policy.client": "retry", "jobs.retries": "retry", "host.hint": "retry", "host.bar": "bar", "host.crash": "crash",
}  # fmt: skip
_OF_CLASS = {"client": "retry", "retries": "retry", "lease": "lease", "duration": "lease"}
_ALONE = {
    "policy.client", "client", "policy.queue.limit", "policy.admission.rate", "policy.admission.limit",
    "host.bar.share",
}  # fmt: skip
_OF_CLASSES = {
    "policy.client": "client",
    "policy.lease": "lease",
    "lease.duration": "duration",
    "jobs.retries": "retries",
}


def family_of(key: str) -> str:
    """Keys of one family share numbers of the engine; "": it has its own."""
    name, own = class_key(key)
    if name:
        return _OF_CLASS.get(own, "")
    return next((_FAMILIES[table] for table in _FAMILIES if key == table or key.startswith(f"{table}.")), "")


def shares_numbers(key: str, keys: Collection[str]) -> bool:
    """Whether what an edit of this key comes to hangs on other edits of a scenario, whose keys are all these."""
    family = family_of(key)
    others = [class_key(one)[1] for one in keys if family_of(one) == family]
    return family != "" and any(one not in _ALONE for one in others)


def edited(first: T, edits: Iterable[tuple[str, object]]) -> T:
    """A scenario with these values of live keys, in the order in which they were set; nothing is checked. A key for
    all is set for the classes that do not have it in the file, whatever was set for them before.
    """
    found = first
    for key, value in edits:
        name, own = class_key(key)
        if name:
            found = _with_classes(found, {name: found.classes[name].model_copy(update={own: value})})
        elif key == "lease.duration" and found.lease is not None and isinstance(value, Distribution):
            found = found.model_copy(update={"lease": found.lease.lasting(value)})
        else:
            found = _put(found, key.split("."), value)
        if key in _OF_CLASSES:
            own = _OF_CLASSES[key]
            anew = {k: one.model_copy(update={own: getattr(first.classes[k], own)}) for k, one in found.classes.items()}
            found = _with_classes(found, {k: one for k, one in anew.items() if getattr(one, own) is None})
    return found


def _with_classes(whole: T, others: dict[str, object]) -> T:
    return whole.model_copy(update={"classes": {**whole.classes, **others}}) if others else whole


def _put(part: M, path: list[str], value: object) -> M:
    """A table with a value at a place; what is not there, or has no such key, stays as it is."""
    head, *rest = path
    if rest:
        inner = getattr(part, head)
        value = _put(inner, rest, value) if isinstance(inner, BaseModel) else inner
    return part.model_copy(update={head: value}) if head in type(part).model_fields else part
