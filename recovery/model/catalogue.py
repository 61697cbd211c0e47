"""Every policy in words: axis, name, rule, source, how it fails, and its parameters with default and description."""

from collections.abc import Iterator
from typing import TypedDict

from pydantic import BaseModel, ValidationError, create_model
from pydantic.fields import FieldInfo

from recovery.model.distributions import Distribution
from recovery.model.operator import ACTIONS, SOURCES
from recovery.model.policies import AXES, HEALTH, INTAKES, FleetRate, Rule, name_of, places_of, rules_of


class Parameter(TypedDict):
    """A parameter of a policy, as a file has it."""

    name: str
    default: str
    description: str | None


class Row(TypedDict):
    """A rule, or what operators may do."""

    axis: str
    name: str
    rule: str
    source: str
    fails: str  # how it is known to fail; "" where that is not told
    places: tuple[str, ...]  # keys of a file at which it may stand
    parameters: list[Parameter]


def catalogue() -> list[Row]:
    """Every rule of every axis, then what operators may do."""
    rules: list[type[Rule]] = [*(rule for axis in AXES for rule in rules_of(axis)), *INTAKES, *HEALTH]
    rows = [
        _row(rule.axis, name_of(rule), rule.source, rule, places_of(rule), getattr(rule, "fails", "")) for rule in rules
    ]
    for action in ACTIONS:
        does = str(action.model_fields["do"].default)
        rows.append(_row("operator", does, SOURCES[action], action, (f"operator.{does}",)))
    return rows


def _row(axis: str, name: str, source: str, model: type[BaseModel], places: tuple[str, ...], fails: str = "") -> Row:
    parameters = [
        Parameter(name=field.alias or key, default=_default(field), description=field.description)
        for key, field in model.model_fields.items()
        if key not in ("name", "do")
    ]
    rule = " ".join((model.__doc__ or "").split())
    return Row(axis=axis, name=name, rule=rule, source=source, fails=fails, places=places, parameters=parameters)


def _default(field: FieldInfo) -> str:
    """The default as a file would have it: the first way to write it that is read as this very value."""
    if field.is_required():
        return "required"
    value: object = field.get_default(call_default_factory=True)
    if isinstance(value, bool):
        return "true" if value else "false"
    table = create_model("Default", value=(field.annotation or object, field))
    texts = (text for text in _writings(value) if _is_read_as(value, {field.alias or "value": text}, table))
    return next(texts, "none" if value in (None, ()) else str(value))


def _writings(value: object) -> Iterator[str]:
    """How a value might be written in a file."""
    if value is None:
        yield "off"
    elif isinstance(value, FleetRate):
        yield f"{100 * value.of_capacity_share:.4g}%" if value.of_capacity_share is not None else f"{value.per_s:g}/s"
    elif isinstance(value, Distribution):
        yield f"{value.mean_s():g}s"
    elif isinstance(value, float):
        yield from (f"{value:g}s", f"{100 * value:.4g}%", f"{value:g}/s")


def _is_read_as(value: object, written: dict[str, str], table: type[BaseModel]) -> bool:
    try:
        [read] = dict(table.model_validate(written)).values()
    except ValidationError:
        return False
    return bool(read == value)
