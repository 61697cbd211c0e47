"""Every policy in words: axis, name, rule, source, and its parameters with default and description."""

from collections.abc import Iterator
from typing import TypedDict

from pydantic import BaseModel

from recovery.model.distributions import Distribution
from recovery.model.operator import ACTIONS, SOURCES
from recovery.model.policies import AXES, HEALTH, INTAKES, FleetRate, Policy, name_of


class Parameter(TypedDict):
    """A parameter of a policy, as a file has it."""

    name: str
    default: str
    description: str | None


class Row(TypedDict):
    """A policy, or what operators may do."""

    axis: str
    name: str
    rule: str
    source: str
    parameters: list[Parameter]


def catalogue() -> list[Row]:
    """Every policy of every axis, then what operators may do."""
    hosts = (policy for policies in AXES.values() for policy in policies)
    rows = [_row(policy.axis, name_of(policy), policy.source, policy, _defaults(policy)) for policy in hosts]
    later = (*INTAKES, *HEALTH)
    rows += [_row(policy.axis, name_of(policy), policy.source, policy, _later_defaults(policy)) for policy in later]
    for action in ACTIONS:
        name = str(action.model_fields["do"].default)
        rows.append(_row("operator", name, SOURCES[action], action, _later_defaults(action)))
    return rows


def _row(axis: str, name: str, source: str, model: type[BaseModel], defaults: Iterator[str]) -> Row:
    keys = [(key, field) for key, field in model.model_fields.items() if key not in ("name", "do")]
    parameters = [
        Parameter(name=field.alias or key, default=default, description=field.description)
        for (key, field), default in zip(keys, defaults, strict=True)
    ]
    return Row(axis=axis, name=name, rule=" ".join((model.__doc__ or "").split()), source=source, parameters=parameters)


def _defaults(policy: type[Policy]) -> Iterator[str]:
    """Of a policy that needs no parameter."""
    return (_default_text(policy, key) for key in policy.model_fields if key != "name")


def _later_defaults(model: type[BaseModel]) -> Iterator[str]:
    for key, field in model.model_fields.items():
        if key not in ("name", "do"):
            yield "none" if field.is_required() or field.default is None else str(field.get_default())


def _default_text(policy: type[Policy], key: str) -> str:
    value = getattr(policy(), key)
    if isinstance(value, FleetRate):
        return f"{100 * (value.of_capacity_share or 0):.0f}%"
    if isinstance(value, Distribution):
        return f"{value.mean_s():g}s"
    if key == "from_failures":
        return f"{100 * value:.0f}%"
    if isinstance(value, float) and key != "factor":
        return f"{value:g}s"
    return str(value)
