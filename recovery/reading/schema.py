"""JSON Schema (draft 2020-12) of an experiment, for editors that complete and check while somebody writes.

It is made from the models that the parser uses. What the parser takes the schema takes; what it says of keys, kinds of
values, choices and ranges the schema says too, inside variants as well. It cannot know how keys fit each other.
"""

import copy
from typing import Any

from pydantic import TypeAdapter

from recovery.measures import register
from recovery.model import policies
from recovery.model.classes import OF_POLICY
from recovery.model.distributions import WANTS
from recovery.model.head import Head
from recovery.model.measure_names import schema_of
from recovery.model.operator import ACTIONS
from recovery.model.policies.own import own_rules
from recovery.model.scenario import Scenario
from recovery.reading.door import NAME_MAX, TEXT_MAX
from recovery.units import Duration, Rate

_REF = "#/$defs/"
_IN_PART = " in part"  # definitions of tables inside variants: any of their keys


def json_schema() -> dict[str, Any]:
    """The schema of a whole file: head, scenario, variants."""
    head = Head.model_json_schema(by_alias=True, ref_template=_REF + "{model}")
    body = Scenario.model_json_schema(by_alias=True, ref_template=_REF + "{model}")
    definitions: dict[str, Any] = {**head.pop("$defs", {}), **body.pop("$defs", {})}
    _own(definitions)
    _lenient(definitions)
    _named(definitions)
    properties = {**head["properties"], **body["properties"]}
    properties["expect"] |= _expected()
    change = {key: _in_part(value, definitions) for key, value in body["properties"].items()}
    properties["variants"] = {
        "type": "object",
        "description": "named changes of the scenario, each a table of its keys",
        "propertyNames": {"minLength": 1, "maxLength": NAME_MAX},
        "additionalProperties": {"type": "object", "properties": change, "additionalProperties": False},
    }
    schema: dict[str, Any] = _bounded(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "recovery experiment",
            "type": "object",
            "properties": properties,
            "required": body.get("required", []),
            "additionalProperties": False,
            "$defs": definitions,
        }
    )
    return schema


def _expected() -> dict[str, Any]:
    """Bounds on measures, and on those of a class, whose name stands behind a dot: a table in the table."""
    bound = {"type": "string"}
    return {
        "propertyNames": schema_of(register.expected()),
        "additionalProperties": {"anyOf": [bound, {"type": "object", "additionalProperties": bound}]},
    }


def _own(definitions: dict[str, Any]) -> None:
    """A user's own rules beside ours, wherever one of that axis may stand."""
    for axis in policies.AXES:
        for rule in own_rules(axis):
            definitions[rule.__name__] = rule.model_json_schema(ref_template=_REF + "{model}")
            for table in ("Choice", "Class") if axis in OF_POLICY else ("Choice",):
                place = definitions[table]["properties"][axis]
                ours = place.get("anyOf", [place])[0]
                _or(ours, rule.__name__)
    for (stage, key), axis in policies.OWN_OF_STAGES.items():
        for rule in own_rules(axis):
            _or(definitions[stage.capitalize()]["properties"][key], rule.__name__)


def _or(ours: dict[str, Any], name: str) -> None:
    """One more table that may stand at a place."""
    members = ours["oneOf"] if "oneOf" in ours else [{"$ref": ours.pop("$ref")}]
    ours["oneOf"] = [*members, {"$ref": _REF + name}]


def _lenient(definitions: dict[str, Any]) -> None:
    """What the parser takes beside the canonical form: a policy by its name alone, a time as a duration, a rate as
    text.
    """
    duration, rate = TypeAdapter(Duration).json_schema(), TypeAdapter(Rate).json_schema()
    for axis in policies.AXES:
        _by_name(definitions["Choice"], axis, [policies.name_of(policy) for policy in policies.rules_of(axis)])
    for axis in OF_POLICY:
        _by_name(definitions["Class"], axis, [policies.name_of(policy) for policy in policies.rules_of(axis)])
    for stage, key in policies.OF_STAGES:
        members = policies.rules_of_stage(stage, key)
        _by_name(definitions[stage.capitalize()], key, [policies.name_of(policy) for policy in members])
    definitions["Distribution"] = {"anyOf": [duration, *_distributions(definitions["Distribution"])]}
    definitions["FleetRate"] = {
        "anyOf": [rate, {"type": "string", "pattern": r"^\s*([0-9]+(\.[0-9]+)?|\.[0-9]+)\s*%\s*$"}]
    }
    definitions["Demand"] = {"anyOf": [rate, definitions["Demand"]]}
    definitions["ThrottleStep"]["properties"]["rate"] = {"anyOf": [rate, {"const": "off"}]}
    definitions["Release"]["properties"]["rate"] = {"anyOf": [{"$ref": _REF + "FleetRate"}, {"const": "off"}]}


def _by_name(table: dict[str, Any], key: str, names: list[str]) -> None:
    field = {k: v for k, v in table["properties"][key].items() if k != "default"}
    table["properties"][key] = {"anyOf": [{"type": "string", "enum": names}, field]}


def _distributions(whole: dict[str, Any]) -> list[dict[str, Any]]:
    """A table for each distribution: what it wants, and nothing else."""
    return [
        {
            "type": "object",
            "title": name,
            "description": whole["description"],
            "properties": {
                "dist": whole["properties"]["dist"] | {"const": name},
                **{key: whole["properties"][key] for key in sorted(wanted)},
            },
            "required": ["dist", *sorted(wanted)],
            "additionalProperties": False,
        }
        for name, wanted in WANTS.items()
    ]


def _named(definitions: dict[str, Any]) -> None:
    """A policy's table has its name, an action's says what is done: the parser knows it by that."""
    members: list[type] = [one for axis in policies.AXES for one in policies.rules_of(axis)]
    members += [one for rules in policies.OF_STAGES.values() for one in rules]
    for key, models in (("name", members), ("do", list[type](ACTIONS))):
        for model in models:
            table = definitions.get(model.__name__)
            if table is not None and key not in table.get("required", []):
                table["required"] = [key, *table.get("required", [])]


def _in_part(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The same value inside a variant: of a table any keys, since it is merged with the file's own. Lists are replaced
    whole, and so is a table that says its `name` or `dist`.
    """
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_REF)
        if name + _IN_PART not in definitions:
            definitions[name + _IN_PART] = {}  # in case it holds itself
            definitions[name + _IN_PART] = _in_part(definitions[name], definitions)
        return schema | {"$ref": _REF + name + _IN_PART}
    for word in ("anyOf", "oneOf"):
        if word in schema:
            parts = [_in_part(one, definitions) for one in schema[word]]
            left = {key: value for key, value in schema.items() if key not in (word, "discriminator", "default")}
            return left | {"anyOf": parts}
    if isinstance(inner := schema.get("additionalProperties"), dict):
        return schema | {"additionalProperties": _in_part(inner, definitions)}
    if schema.get("type") != "object" or "properties" not in schema:
        return schema
    part = copy.deepcopy(schema)
    tag = next((key for key in ("name", "dist") if key in part["properties"]), None)
    part.pop("required", None)
    if tag is not None:
        del part["properties"][tag]
    part["properties"] = {key: _in_part(value, definitions) for key, value in part["properties"].items()}
    return part if tag is None else {"anyOf": [schema, part]}


def _bounded(schema: Any) -> Any:
    """No text is longer than the parser takes."""
    if isinstance(schema, list):
        return [_bounded(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: _bounded(value) for key, value in schema.items()}
    is_free = out.get("type") == "string" and not {"const", "enum", "pattern", "maxLength"} & set(out)
    return out | {"maxLength": TEXT_MAX} if is_free else out
