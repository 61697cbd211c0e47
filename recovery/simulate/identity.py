"""What a run is known by: a number for the meaning of the model, and a hash of all that enters the kernels.

A run's key changes when its result may change, and only then. What a scenario says is hashed as the numbers that it
becomes, so an edit of a conversion shows by itself. An edit of a rule does not: then MODEL is raised by hand, and
fingerprints of small runs, which the tests compare, tell when that was forgotten. A comment, a name of a file or a
function that nobody calls changes nothing.

A stage of a run has a key of its own, of what enters it alone: runs that share one need it once
(recovery.simulate.reuse).
"""

import dataclasses
import functools
import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import recovery_kernels
from pydantic import BaseModel

from recovery.kept import ByObject
from recovery.model.at_best import at_best
from recovery.model.distributions import Distribution
from recovery.model.part import Part, keys_of, keys_of_tables
from recovery.model.scenario import Scenario
from recovery.model.variant import Variant
from recovery.stages import known
from recovery.stages.outage import resolve
from recovery.stages.stage import StageRun
from recovery.store import code

MODEL = 3
"""Meaning of what the kernels and stages compute. Raise it when a fingerprint of a run's series changes."""

MEASURES = 8
"""Meaning of a row of results. Raise it when a fingerprint of a row changes and those of the series do not."""

RACE = 2
"""Meaning of the answers about the DNS race (recovery.study.race). Raise it when a fingerprint of these changes."""


_TELLS = {"measures", "show", "cli", "api", "study"}  # packages that no series hangs on


_PACKAGES = (Path(recovery_kernels.__file__).resolve().parent, code.RECOVERY)
CODE = code.digest(*_PACKAGES)
"""Digest (16 hex digits) of our files as they were when this process began: all processes of one sweep must agree."""

SERIES_CODE = code.digest(*_PACKAGES, without=_TELLS)
"""The same of the files that series hang on: what a stage gave is known as long as these are the same, and where only a
measure is another, it is made anew from that.
"""


def other(worker: str) -> str:
    """What is said of a worker that began with other code."""
    return (
        f"worker {worker} computes with other code than the command began with; "
        f"want the same version of this program there, and no edit of it while it runs"
    )


def digest_of(variant: Variant, seed: int, replication: int) -> str:
    """Key (16 hex digits) of one run: of all that decides its series and its row."""
    scenario = resolve(variant, seed, replication).scenario
    best = at_best(scenario)
    # of which the bound of its recovery is told
    bound: list[object] = [] if best.scenario is scenario else [_lowered_hosts(best.scenario)]
    bound += [] if best.share == 1 else [best.share]
    fleet = scenario.fleet
    overdue = [] if fleet is None or fleet.overdue_after is None else ["overdue", fleet.overdue_after]
    hung = ["hung"] if scenario.host.hangs else []  # whose hours on a worker are no longer measured as work
    return _digest(MODEL, MEASURES, seed, replication, _said(scenario), _lowered(scenario), *bound, *overdue, *hung)


def digest_of_run(digests: Sequence[str]) -> str:
    """Name (16 hex digits) of a whole experiment: of all its runs, in order."""
    return _digest(list(digests))


def digest_of_traffic(variant: Variant, seed: int, replication: int) -> str:
    """Key (16 hex digits) of the hosts of one run: of all that the scenario says, save what stands in the tables of the
    later stages, what outages were drawn from (they are said themselves), how long a time must last to count, and
    against what it is measured.
    """
    scenario = resolve(variant, seed, replication).scenario
    beyond = {stage.name for stage in known.LATER} | {"dns", "hold", "baseline"}
    said = {key: value for key, value in _table(scenario).items() if key not in beyond}
    return _digest(MODEL, "traffic", seed, replication, _text(said), _lowered_hosts(scenario))


def digests_of_later(variant: Variant, seed: int, replication: int, hosts: str) -> list[str]:
    """For each later stage of a run a key (16 hex digits) of all that the scenario says of it and of what is before it
    (`hosts` is the key of its hosts); of a loop, of all that it says of the loop. Two runs with the same one share the
    stage; whether others do, too, is only known once they have started.
    """
    scenario = resolve(variant, seed, replication).scenario
    stages, table = known.later_of(scenario), _table(scenario)
    loop = max((number for number, stage in enumerate(stages) if stage.feeds_back(scenario)), default=-1) + 1
    said = [_text({stage.name: table[stage.name]}) for stage in stages]
    return [_digest(hosts, said[: max(number + 1, loop) if number < loop else number + 1], number)
            for number in range(len(stages))]  # fmt: skip


class Unkeyed(TypeError):
    """A stage holds something of which nobody can tell whether it is the same: it has no key."""


def digest_of_stage(run: StageRun, names: dict[int, str]) -> str:
    """Key (16 hex digits) of a stage that has just started: of all that it holds, which is what enters its kernel. A
    stage before it that it holds is told by its own key: `names` has it, by `id`, and is told this one's.

    Raises Unkeyed if it holds anything but numbers, texts, arrays, tuples, lists, dataclasses of such, and stages.
    """
    digest = _digest(MODEL, _held(run, names))
    names |= {id(one): f"{digest} {place}" for place, one in enumerate(_inner(run, names))}
    return digest


def _held(value: object, names: Mapping[int, str]) -> object:
    """What a value holds, in forms that `_feed` takes."""
    if (known_as := names.get(id(value))) is not None:
        return ("stage", known_as)
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return value
    if value is None or isinstance(value, bool | int | float | str | np.generic):
        return value
    if isinstance(value, tuple | list):
        return [_held(item, names) for item in value]
    if _has_fields(value):
        own = type(value)
        return [own.__module__, own.__qualname__, *([key, _held(item, names)] for key, item in vars(value).items())]
    raise Unkeyed(f"a stage holds a {type(value).__name__}; want numbers, arrays, tuples, dataclasses, or stages")


def _has_fields(value: object) -> bool:
    return isinstance(value, StageRun) or (dataclasses.is_dataclass(value) and hasattr(value, "__dict__"))


def _inner(part: object, names: Mapping[int, str]) -> list[object]:
    """The part, and the dataclasses in it, of which a later stage may hold one; not what is known by a key already."""
    found = [part]
    for value in vars(part).values():
        if _has_fields(value) and id(value) not in names:
            found += _inner(value, names)
    return found


def _digest(*parts: object) -> str:
    sha, pieces = hashlib.sha256(), list[str]()
    _feed(sha, pieces, parts)
    sha.update("".join(pieces).encode())
    return sha.hexdigest()[:16]


def _feed(sha: "hashlib._Hash", pieces: list[str], value: object) -> None:
    """Add a value to what is digested so that two different ones never look alike; texts wait in `pieces`."""
    if isinstance(value, (tuple, list)):
        items = _in_use(value)
        pieces.append(f"list {len(items)}:")
        for item in items:
            if type(item) in _PLAIN:  # most are, and a call for each would take longer than they do
                text = repr(item)
                pieces.append(f"{len(text)} {text};")
            else:
                _feed(sha, pieces, item)
    elif isinstance(value, np.ndarray):
        pieces.append(f"array {value.dtype.str} {value.shape}:")
        sha.update("".join(pieces).encode())
        sha.update(value.tobytes())
        pieces.clear()
    else:
        text = repr(value.item() if isinstance(value, np.generic) else value)
        pieces.append(f"{len(text)} {text};")


_PLAIN = frozenset((int, float, str, bool, type(None)))


def _in_use(value: Sequence[object]) -> Sequence[object]:
    """The items of a tuple or list, without those at the end that stand at the default of their named tuple: such a
    default says that the rule behind it is off, so that a new rule changes no key of a run that does not use it.
    """
    defaults = _defaults_of(type(value))
    end = len(value)
    for default in defaults:
        if value[end - 1] != default:
            break
        end -= 1
    return value[:end] if end < len(value) else value


@functools.cache
def _defaults_of(kind: type) -> tuple[object, ...]:
    """The defaults of a named tuple, from its last field on; none of another type."""
    defaults: Mapping[str, object] = getattr(kind, "_field_defaults", {})
    fields = reversed(getattr(kind, "_fields", ()))
    return tuple(defaults[name] for name in itertools.takewhile(defaults.__contains__, fields))


def _said(scenario: Scenario) -> str:
    """What the scenario says, as text: measures need some of it (`hold`), and Python decides some (conditions). What
    holders and what they hold are called decides nothing; when they are overdue decides measures alone (`digest_of`).

    It is the text of `_table`, put together of the texts of its values: draws of a sweep share most tables, whose texts
    are kept.
    """
    values, texts = vars(scenario), {}
    fresh: dict[str, str] = {}
    for name, key, _ in keys_of(type(scenario)):
        value = values[name]
        if type(value) is float:
            texts[key] = repr(value)
        elif (text := _said_of.get(value)) is not None:
            texts[key] = text
        elif value or isinstance(value, tuple):  # nothing is said of what is none, nor of no classes
            fresh[name] = key
    table = _table(scenario, set(fresh)) if fresh else {}
    for name, key in fresh.items():
        texts[key] = _text(table[key])
        if isinstance(values[name], Part | tuple):
            _said_of.keep(values[name], texts[key])
    return "{" + ", ".join(f'"{key}": {texts[key]}' for key in sorted(texts)) + "}"


_said_of = ByObject[object, str](most=4096)


def _table(scenario: Scenario, only: set[str] | None = None) -> dict[str, object]:
    """What it says, of all keys or of some."""
    names = {"fleet": {"called", "called_one", "holds", "holds_one", "overdue", "overdue_after", "loss"}}
    table: dict[str, object] = scenario.model_dump(
        mode="json", by_alias=True, exclude_none=True, exclude=names, include=only
    )
    _name_by_values(scenario, table)
    return table


def _text(said: object) -> str:
    return json.dumps(said, sort_keys=True, default=str)


def _name_by_values(part: BaseModel, table: dict[str, object]) -> None:
    """A measured file's name does not decide a result, its values do: wherever one stands, put them in its place."""
    values = vars(part)
    for name, key, _ in keys_of_tables(type(part)):
        value = values[name]
        if not isinstance(value, BaseModel) or not isinstance(inner := table.get(key), dict):
            continue
        measured = _measured(value) if _may_be_measured(type(value)) else ()
        if len(measured):
            digest = _digest(np.asarray(measured, np.float64))
            table[key] = {k: v for k, v in inner.items() if k != "file"} | {"values_s": digest}
        elif keys_of_tables(type(value)):
            _name_by_values(value, inner)


def _measured(value: BaseModel) -> Sequence[object] | np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The values of a measured file, if a table names one."""
    if isinstance(value, Distribution):
        return value.values_s if value.dist == "empirical" else ()
    return getattr(value, "_measured", ())


@functools.cache
def _may_be_measured(kind: type[BaseModel]) -> bool:
    """Whether tables of this type may name a measured file."""
    return "_measured" in kind.__private_attributes__


def _lowered(scenario: Scenario) -> list[object]:
    """The numbers that the kernels take."""
    parts = _lowered_hosts(scenario)
    for stage in known.later_of(scenario):
        parts += stage.lowered(scenario)
    return parts


def _lowered_hosts(scenario: Scenario) -> list[object]:
    """The numbers that the kernel takes, of the host of each zone."""
    return list(known.traffic_of(scenario).lowered(scenario))
