"""One's own rules: what a user's file says of one becomes a class as those of ours, whose numbers its code then gets.

Nothing here opens a file or runs code: `recovery.stages.sessions.own` does, for files that the command line names.
"""

import functools
import keyword
from collections.abc import Callable, Mapping
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, WithJsonSchema, create_model
from pydantic_core import CoreSchema, core_schema

from recovery.model.policies.guard import Group
from recovery.model.policies.lowered import Controller, Guards, LetsIn, Order, Runs, Waits
from recovery.model.policies.rule import Rule
from recovery.units import Number, Unit, duration_s, percent, rate_per_s, tell_duration, tell_share

WANTED = "own policies are named with --policies FILE"
"""What is said where a scenario names a rule that nobody knows."""
AXES = ("admission", "queue", "client", "guard", "lease")
_TAKEN = frozenset({"name", "group", "only"})
_LARGEST = 1e15


class File(NamedTuple):
    """A user's file: as it was named, what it says of its rule, and all its text with the digest of that."""

    file: str
    name: str
    axis: str
    params: tuple[tuple[str, float], ...]
    rule: str
    source: str
    text: str
    digest: str

    @property
    def controller(self) -> str:
        """What its controller is called: an edited file is another one."""
        return f"{self.name}@{self.digest}"


FILES: dict[str, File] = {}
"""The files of the rules that this process knows, by what their controllers are called."""


class OwnRule(Rule):
    """What all of them have in common. They travel to other processes with their file's text."""

    source: ClassVar[str]
    fails: ClassVar[str] = "Nobody has said: it is a user's own."
    matters: ClassVar[str] = "a file of the user's decides, by what it has seen and remembers"
    file: ClassVar[File]
    name: str

    @property
    def params(self) -> tuple[float, ...]:
        """What its controller takes, in its order."""
        return tuple(float(getattr(self, name)) for name, _ in self.file.params)

    @property
    def words(self) -> str:
        """In plain words."""
        said = ", ".join(f"{name} {_told(name, getattr(self, name))}" for name, _ in self.file.params)
        shared, group = "", getattr(self, "group", 1)
        if getattr(self, "only", "all") == "establish":
            shared = ", renewals always"
        elif group != 1:
            shared = ", all clients of a host together" if group == "host" else f", {group} clients together"
        first = self.file.rule.split(". ")[0].rstrip(".")
        return f"{first[:1].lower()}{first[1:]} (one's own {self.name}{': ' if said else ''}{said}){shared}"

    def lower(self, *_of_host: float) -> Waits | Guards | LetsIn | Order | Runs:
        """In numbers, which are the same for any host."""
        controller = Controller(self.file.controller, self.params)
        if self.axis == "guard":
            group = getattr(self, "group", 1)
            return Guards(self.name, controller, None if group == "host" else group)
        if self.axis == "admission":
            only = getattr(self, "only", "all") == "establish"
            return LetsIn(self.name, is_establish_only=only, controller=controller)
        if self.axis == "queue":
            return Order(self.name, controller=controller)
        return (Waits if self.axis == "client" else Runs)(self.name, controller=controller)

    def __reduce__(self) -> tuple[Callable[[File, Mapping[str, object]], "OwnRule"], tuple[object, ...]]:
        """The file and the parameters: where it arrives, nobody may know its class yet."""
        return _arrived, (self.file, self.model_dump())


def _arrived(file: File, values: Mapping[str, object]) -> OwnRule:
    return rule_of(file).model_validate(values)


@functools.cache
def rule_of(file: File) -> type[OwnRule]:
    """The class of a file's rule. Raises ValueError for parameters that none can have, and says what is wanted."""
    fields: dict[str, tuple[object, object]] = {"name": (Literal[file.name], file.name)}
    for name, default in file.params:
        if not name.isidentifier() or keyword.iskeyword(name) or name.startswith(("_", "model_")):
            raise ValueError(f"PARAMS holds {name!r}; want names of letters, digits and _, a letter first")
        if name in _TAKEN or hasattr(OwnRule, name):
            raise ValueError(f"PARAMS holds {name!r}, which means something else in a scenario; want another name")
        if not abs(default) <= _LARGEST:
            raise ValueError(f"PARAMS has {name} = {default}; want a number up to {_LARGEST:g}")
        fields[name] = (_kind(name), Field(default, description=_MEANS[_unit(name)]))
    if file.axis == "guard":
        described = Field(
            1,
            description='clients of a host in a row that share its memory; or "host": all of them',
        )
        fields["group"] = (Group, described)
    if file.axis == "admission":
        spares = Field("all", description="whether renewals of leases that still run may be refused too")
        fields["only"] = (Literal["all", "establish"], spares)
    title = "Own" + "".join(part.capitalize() for part in file.name.split("-"))
    made = create_model(title, __base__=OwnRule, __module__=__name__, __doc__=file.rule, **fields)  # type: ignore[call-overload]
    found: type[OwnRule] = made
    found.axis, found.source, found.file = file.axis, file.source, file
    FILES[file.controller] = file
    return found


_known: dict[tuple[str, str], type[OwnRule]] = {}


def add(rule: type[OwnRule]) -> None:
    """From now on scenarios of this process may name this rule; of an edited file the last one counts."""
    _known[rule.axis, rule.file.name] = rule


def own_rules(axis: str) -> tuple[type[OwnRule], ...]:
    """The rules of users that scenarios may name on an axis."""
    return tuple(rule for (own, _), rule in _known.items() if own == axis)


def forget() -> None:
    """Let no rule of a user be known by name any more."""
    _known.clear()


def _unit(name: str) -> Unit:
    if name.endswith("_per_s"):
        return "rate"
    return "duration" if name.endswith("_s") else "share" if name.endswith("_share") else "number"


_MEANS: dict[Unit, str] = {
    "duration": 'seconds, or a duration such as "5s"',
    "rate": 'so many a second, or a rate such as "200/s"',
    "share": 'a share of 1, or a percentage such as "5%"',
    "number": "a number",
}
_READ: dict[Unit, Callable[[object], float]] = {"duration": duration_s, "rate": rate_per_s, "share": percent}


def _number(unit: Unit, value: object) -> object:
    """The number in a text with its unit; a number as it is."""
    if isinstance(value, str) and unit in _READ:
        return _READ[unit](value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST:
        raise ValueError(f"want {_MEANS[unit]}")
    return float(value)


def _kind(name: str) -> object:
    number, text = {"type": "number"}, {"type": "string"}
    schema = number if _unit(name) == "number" else {"anyOf": [number, text]}
    return Annotated[Number, BeforeValidator(functools.partial(_number, _unit(name))), WithJsonSchema(schema)]


def _told(name: str, value: float) -> str:
    """A parameter in plain words."""
    unit = _unit(name)
    if unit == "duration" and value >= 0:
        return tell_duration(value)
    return tell_share(value) if unit == "share" else f"{value:.15g}" + ("/s" if unit == "rate" else "")


class OrOwn:
    """Marks the place of a rule of an axis: beside those of ours, a user's own may stand there."""

    def __init__(self, axis: str) -> None:
        """Of an axis."""
        self._axis = axis

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """As `source`, but for what names, or is, a user's rule."""
        return core_schema.no_info_wrap_validator_function(
            self._checked,
            handler(source),
            serialization=core_schema.wrap_serializer_function_ser_schema(_written, schema=handler(source)),
        )

    def _checked(self, value: object, ours: core_schema.ValidatorFunctionWrapHandler) -> object:
        if isinstance(value, OwnRule):
            return value
        name = value.get("name") if isinstance(value, dict) else None
        own = _known.get((self._axis, name)) if isinstance(name, str) else None
        return ours(value) if own is None else own.model_validate(value)


def _written(value: object, ours: core_schema.SerializerFunctionWrapHandler) -> object:
    return value.model_dump() if isinstance(value, OwnRule) else ours(value)
