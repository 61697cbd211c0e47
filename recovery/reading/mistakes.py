"""How the mistakes of a table are told: file, key, value and what is wanted, a line each."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, time
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from recovery.errors import ScenarioError, nearest, shown
from recovery.model import policies
from recovery.model.classes import OF_POLICY
from recovery.model.head import Head
from recovery.model.operator import ACTIONS
from recovery.model.part import Mistakes
from recovery.model.policies.own import WANTED, own_rules
from recovery.model.scenario import Scenario
from recovery.reading import example
from recovery.reading.numbers import Folder
from recovery.reading.toml_edit import literal
from recovery.units import clock_time

MISTAKES_MAX = 100  # of one table, that are told one by one


def check_table(model: type[Any], table: Mapping[str, Any], file: str) -> Any:
    """The model of a table that is no scenario. Raises ScenarioError with every mistake, a line each."""
    mistakes: list[str] = []
    found = checked(model, table, file, "", Path(), mistakes)
    if found is None:
        raise ScenarioError("\n".join(dict.fromkeys(mistakes)))
    return found


def made(model: type[Any], table: Mapping[str, Any], folder: Path) -> Any:
    """The model of a table, whose files lie in the folder. Raises ValidationError, a ValueError."""
    return model.model_validate(dict(table), context={"files": Folder(folder)})


def checked(
    model: type[Any],
    table: Mapping[str, Any],
    file: str,
    prefix: str,
    folder: Path,
    mistakes: list[str],
    own: Mapping[str, Any] | None = None,
    swept: tuple[tuple[str, ...], ...] = (),
) -> Any:
    """The model of a table, or None; then `mistakes` has a line for each. `prefix` is where the table's `own` keys
    stand in the file, `swept` are keys that levers set.
    """
    try:
        return made(model, table, folder)
    except ValidationError as error:
        found = error.errors(include_url=False)
        for item in found[:MISTAKES_MAX]:
            if item["type"] == "too_short" and len(item["input"]) > 0:
                continue  # its entries have mistakes of their own
            loc = _loc(item["loc"], table)
            key = ".".join(map(str, loc))
            told = prefix + key if own is not None and loc and loc[0] in own else key
            where = f" (in {prefix.rstrip('.')})" if prefix and told == key else ""
            if any(tuple(map(str, loc[: len(lever)])) == lever[: len(loc)] for lever in swept if loc):
                where += " (in sweep.levers)"
            mistakes += [f"{file}: {line}{where}" for line in _told(model, item, told, table).splitlines()]
        if len(found) > MISTAKES_MAX:
            mistakes.append(f"{file}: … and {len(found) - MISTAKES_MAX} more")
        return None


def _loc(loc: tuple[Any, ...], table: Any) -> list[Any]:
    """The path without the names that pydantic adds for the member of a union."""
    out: list[Any] = []
    place: Any = table
    for part in loc:
        tag = place.get("name", place.get("do")) if isinstance(place, Mapping) else None
        if isinstance(part, str) and part.startswith("function-"):
            continue
        is_union = (len(out) == 2 and out[0] in ("policy", "operator")) or is_rule_at(tuple(out))
        if is_union and part == tag and len(loc) > len(out):
            out.append(None)  # once: a parameter may have the name of its policy
            continue
        out.append(part)
        if isinstance(place, Mapping):
            place = place.get(part)
        else:
            place = place[part] if isinstance(place, list) and isinstance(part, int) and part < len(place) else None
    return [part for part in out if part is not None]


def _told(model: Any, item: Mapping[str, Any], key: str, table: Any) -> str:
    kind = item["type"]
    context = item.get("ctx", {})
    if kind == "extra_forbidden":
        names = _fields_at(model, item["loc"][:-1], table)
        last = str(item["loc"][-1])
        if "." in last:
            return with_dots(key.removesuffix(last), last, item["input"])
        if len(item["loc"]) > 1 and model in (Head, Scenario) and last in {*Head.model_fields, *Scenario.model_fields}:
            place = f"{last} stands at the top of the file, before its first table"
            return f"{key} is not a key: {place}; in {key.removesuffix(f'.{last}')} want one of {', '.join(names)}"
        return _unknown(model, item, key, names, table)
    if kind == "missing":
        return example.missing(key, str(item["loc"][-1]), _field_at(model, item["loc"], table))
    value = shown(item["input"])
    if kind == "value_error":
        problem = context.get("error")
        if isinstance(problem, Mistakes) or not key:
            return str(problem)
        if isinstance(item["input"], Mapping):
            begins_with = str(problem).split()[0].partition(".")[0]
            if begins_with in _fields_at(model, item["loc"], table):  # one of its keys
                return f"{key}.{problem}"
            if value.endswith("…"):  # the beginning of a long table says nothing
                return f"{key}: {problem}"
        if str(problem).startswith("want"):
            return f"{key} is {value}; {problem}{_from_start(item['input'], table)}"
        return f"{key}: {problem}"
    if kind in ("literal_error", "enum"):
        choices = [choice.strip().strip("'") for choice in re.split(r",| or ", str(context["expected"]))]
        return f"{key} is {value}{nearest(str(item['input']), choices)}; want one of {', '.join(choices)}"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        field = str(context["discriminator"]).strip("'")
        choices = _choices(item["loc"], field)
        if kind == "union_tag_not_found":
            return f"{key} has no {field}; want {field} as one of {', '.join(choices)}"
        tag = context["tag"]
        own = f"; {WANTED}" if _axis_at(item["loc"]) else ""
        return f"{key}.{field} is {shown(tag)}{nearest(str(tag), choices)}; want one of {', '.join(choices)}{own}"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        if kind != "dict_type" and (key.startswith("policy.") or names_at(item["loc"])):
            return f"{key} is {value}; want one of {', '.join(_choices(item['loc'], 'name'))}"
        names = [] if kind == "dict_type" else _fields_at(model, item["loc"], table)
        if isinstance(item["input"], list) and "values" in names:
            return f"{key} is {value}; want a table: {{ values = {literal(item['input'])} }}"
        return f"{key} is {value}; want a table{' with ' + ', '.join(names) if names else ''}"
    if kind == "tuple_type" and isinstance(item["input"], dict):
        return f"{key} is {value}; want a list of such tables: [[{key}]], or {key} = [{{ … }}]"
    if kind == "tuple_type" and (least := _entry_at(model, item["loc"], table)):
        return f"{key} is {value}; want a list of tables, for instance {key.rpartition('.')[2]} = {literal([least])}"
    if kind in ("int_type", "int_from_float") and isinstance(item["input"], float) and item["input"].is_integer():
        return f"{key} is {value}; want a whole number, written as {item['input']:.0f}"
    wanted: dict[str, Callable[[], str]] = {
        "greater_than_equal": lambda: f"want {_number(context['ge'])} from {context['ge']:g}",
        "greater_than": lambda: f"want {_number(context['gt'])} above {context['gt']:g}",
        "less_than_equal": lambda: f"want {_number(context['le'])} up to {_digits(context['le'])}",
        "int_type": lambda: "want a whole number" + _written(item["input"]),
        "int_from_float": lambda: "want a whole number",
        "float_type": lambda: "want a number",
        "finite_number": lambda: "want a finite number",
        "bool_type": lambda: "want true or false",
        "less_than": lambda: f"want {_number(context['lt'])} below {context['lt']:g}",
        "string_type": lambda: "want a text in quotes",
        "string_too_short": lambda: "want a text that is not empty",
        "string_pattern_mismatch": lambda: "want a name of letters, digits, - and _, a letter first",
        "tuple_type": lambda: "want a list",
        "too_short": lambda: "want at least one entry",
    }
    return f"{key} is {value}; {wanted[kind]() if kind in wanted else item['msg']}"


def _written(value: object) -> str:
    """How TOML writes the whole number that a text means, such as "30k" or "30,000"; "" for any other."""
    text = str(value).strip().lower()
    if re.fullmatch(r"[0-9]{1,3}([,.'’ _][0-9]{3})+", text):
        number = float(re.sub("[^0-9]", "", text))
    elif found := re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?(k|m|thousand|million)", text):
        number = float(found[1]) * (1_000 if found[2] in ("k", "thousand") else 1_000_000)
    else:
        return ""
    return f", written as {number:_.0f}" if number.is_integer() else ""


def _from_start(value: object, table: Any) -> str:
    """What a time of a clock is from the scenario's start, where the table says by its own clock when that is."""
    at, start = clock_time(value), clock_time(table.get("clock") if isinstance(table, Mapping) else None)
    if at is None or not isinstance(start, datetime):
        return ""
    if isinstance(at, time):  # of the same day, or the next one
        at = datetime.combine(start.date(), at, at.tzinfo)
    at = at if at.tzinfo is not None else at.replace(tzinfo=start.tzinfo)
    if start.tzinfo is None:
        start = start.replace(tzinfo=at.tzinfo)
    seconds = (at - start).total_seconds()
    if len(str(value).strip()) < len("2026-01-01"):
        seconds %= 86_400
    if seconds < 0:
        return f"; the scenario starts after it, at {table['clock']} (clock)"
    minutes, rest = divmod(round(seconds), 60)
    return f'; as the scenario starts at {table["clock"]} (clock), that is "{minutes}m{f"{rest}s" if rest else ""}"'


def _entry_at(model: Any, loc: tuple[Any, ...], table: Any) -> dict[str, object]:
    """The least that an entry of a list of tables has; nothing where its entries are of several kinds, or no tables."""
    models = _model_at(model, loc, table)
    return example.least_of(models[0]) if len(models) == 1 else {}


def with_dots(parent: str, name: str, value: object) -> str:
    """What is said of a key that has dots in its name, which should be tables in tables."""
    said, nested = shown(value), shown(value)
    for part in reversed(name.split(".")):
        nested = f'{{"{part}": {nested}}}'
    wanted = f"{name} = {said} without quotes in a file, {nested} in Python"
    return f'{parent}"{name}" is one key, with a dot in its name; want tables in tables: {wanted}'


def _number(bound: float) -> str:
    return "a whole number" if isinstance(bound, int) else "a number"


def _digits(bound: float) -> str:
    return str(bound) if isinstance(bound, int) else f"{bound:g}"


def _choices(loc: tuple[Any, ...], field: str) -> list[str]:
    """The names that a policy or an action may have."""
    if (names := names_at(loc)) is not None:
        return names
    members: tuple[type[BaseModel], ...] = policies.rules_of(loc[1]) if loc[0] == "policy" else ACTIONS
    return [str(member.model_fields[field].default) for member in members]


def _axis_at(loc: tuple[Any, ...]) -> bool:
    """Whether a rule of a host stands at this place, where a user's own may stand too."""
    return loc[0] == "policy" or (len(loc) > 2 and loc[0] == "classes" and loc[2] in OF_POLICY)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]


def _model_at(model: Any, loc: tuple[Any, ...], table: Any) -> list[type[BaseModel]]:
    models = [model]
    place: Any = table
    for part in loc:
        if isinstance(part, int):
            place = place[part] if isinstance(place, list | tuple) and part < len(place) else None
            continue
        found = []
        for candidate in models:
            for name, field in candidate.model_fields.items():
                if part in (name, field.alias):
                    found += _models_in(field.annotation) or [m for meta in field.metadata for m in _models_in(meta)]
        if not found:
            continue  # the name of a union's member
        place = place.get(part) if isinstance(place, Mapping) else None
        models = found
        tag = place if isinstance(place, str) else None
        if isinstance(place, Mapping):
            tag = place.get("name", place.get("do"))
        if tag is not None:
            models = _tagged([*models, *own_rules(part)], tag) or models
    if len(models) > 1 and isinstance(place, Mapping):
        models = _tagged(models, place.get("name", place.get("do"))) or models
    return models


def _tagged(models: list[type[BaseModel]], tag: Any) -> list[type[BaseModel]]:
    return [m for m in models if tag in (getattr(m.model_fields.get(k), "default", None) for k in ("name", "do"))]


def _fields_at(model: Any, loc: tuple[Any, ...], table: Any) -> list[str]:
    names: dict[str, None] = {}
    for candidate in _model_at(model, loc, table):
        for name, field in candidate.model_fields.items():
            names[field.alias or name] = None
    return list(names)


def _field_at(model: Any, loc: tuple[Any, ...], table: Any) -> FieldInfo | None:
    for candidate in _model_at(model, loc[:-1], table):
        for name, field in candidate.model_fields.items():
            if loc[-1] in (name, field.alias):
                return field
    return None


def _unknown(model: Any, item: Mapping[str, Any], key: str, names: list[str], table: Any) -> str:
    """What is said of a key that its table has not: the nearest that it has; of a rule's the rules that have it."""
    loc, last = item["loc"], str(item["loc"][-1])
    near = nearest(last, names)
    own = [candidate for candidate in _model_at(model, loc[:-1], table) if issubclass(candidate, policies.Rule)]
    if not own:
        return f"{key} is not a key{near}; want one of {', '.join(names)}"
    keys = [name for name in names if name != "name"]
    one_of = f"one of {', '.join(keys)}" if keys else ""
    said = f"{key} is not a key of {shown(policies.name_of(own[0]))}{near}"
    others = [] if near else [policies.name_of(rule) for rule in _rules_at(loc) if last in rule.model_fields]
    if not others:
        return f"{said}; want {one_of or 'its name alone'}"
    rule = {"name": others[0], last: item["input"]}
    wanted = f"want {f'{one_of}, or ' if keys else ''}a rule with {last} ({', '.join(others)})"
    return f"{said}; {wanted}, for instance {key.removesuffix(f'.{last}').rpartition('.')[2]} = {literal(rule)}"


def is_rule_at(loc: tuple[Any, ...]) -> bool:
    """Whether a rule may stand at just this place of a later stage's table, of a class, or of a throttle."""
    return names_at(loc) is not None and len(loc) == {"classes": 3, "operator": 4}.get(loc[0], 2)


def _rules_at(loc: tuple[Any, ...]) -> tuple[type[policies.Rule], ...]:
    """The rules of the axis that may stand at this place."""
    if loc[0] == "policy" and len(loc) > 1:
        return policies.rules_of(loc[1])
    return _rules_of_place(loc) or ()


def names_at(loc: tuple[Any, ...]) -> list[str] | None:
    """The names of rules that may stand at this place of a later stage's table, of a class, or of a throttle; None if
    it is no such place.
    """
    rules = _rules_of_place(loc)
    return None if rules is None else [policies.name_of(rule) for rule in rules]


def _rules_of_place(loc: tuple[Any, ...]) -> tuple[type[policies.Rule], ...] | None:
    if loc[:1] == ("operator",) and loc[3:4] == ("rule",):  # behind the action's number and name
        return get_args(policies.Limiting)
    if len(loc) > 2 and loc[0] == "classes" and loc[2] in OF_POLICY:
        return policies.rules_of(loc[2])
    if loc[:2] in policies.OF_STAGES:
        return policies.rules_of_stage(*loc[:2])
    return None
