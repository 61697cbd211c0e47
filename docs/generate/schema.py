"""The page of all keys of a scenario, from the JSON Schema, which is made from the parser's models."""

from collections.abc import Iterator
from typing import Any

from recovery.model.distributions import WANTS
from recovery.reading.schema import json_schema

HEAD = """# Keys of a scenario

Every table and every key that a file may have, made from the models that read it. A scenario is a TOML file; a key of a table is
written `[table]` and below it `key = value`, or in one line `table.key = value`, as `--set` takes it. Only `horizon` and `[host]`, with
either `[fleet]` and `[lease]` or `[jobs]`, must be there. `recovery schema` prints the same as JSON Schema, for editors.

| kind of value | is written |
| --- | --- |
| duration | `"250ms"`, `"90s"`, `"1h30m"`; nothing is `0` |
| rate | `"200/s"`, `"5/min"` |
| share | `"10%"` or `0.1` |
| name | a text of letters, digits, `-` and `_`, a letter first |
| rate of a fleet | a rate, or a share of what the fleet can establish: `"90%"` |
| distribution | a duration, or a table: see [distribution](#distribution) |
| policy | its name, or a table with `name` and its parameters: see [the policies](policies.md) |
"""
_PREFIX = "#/$defs/"
_POLICY_AXES = ("client", "guard", "admission", "queue", "lease", "intake", "policy")


def page() -> str:
    """The page as Markdown: a section a table, keys in the order in which the models have them."""
    whole = json_schema()
    definitions = whole["$defs"]
    parts = [HEAD, "## The file itself", rows(whole, definitions)]
    for path, schema, text in tables("", whole, definitions):
        parts += [f"## {path}", text, rows(schema, definitions)]
    parts += ["## distribution", _distributions()]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def tables(path: str, schema: dict[str, Any], definitions: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Tables below one, each before its own: name as a file has it, schema, what it is."""
    for key, value in schema["properties"].items():
        if key == "variants":
            continue
        is_list = "items" in value or any("items" in one for one in value.get("anyOf", []))
        dotted = f"{path}.{key}" if path else key
        if "patternProperties" in value:
            dotted += ".NAME"
        for own in _members(value, definitions):
            if _is_policy(own):
                continue
            does = own["properties"].get("do", {}).get("const")
            title = f"[[{dotted}]]" if is_list else f"[{dotted}]"
            yield title + (f" with do = “{does}”" if does else ""), own, _cell(own.get("description", ""))
            yield from tables(dotted, own, definitions)


def _members(value: dict[str, Any], definitions: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Tables that a value may be, or may be a list of."""
    if "$ref" in value:
        name = value["$ref"].removeprefix(_PREFIX)
        if name not in ("Distribution", "FleetRate"):
            yield from _members(definitions[name], definitions)
    elif "properties" in value:
        yield value
    else:
        inner = (*value.get("anyOf", []), *value.get("oneOf", []), *value.get("patternProperties", {}).values())
        for one in (*inner, *([value["items"]] if "items" in value else [])):
            yield from _members(one, definitions)


def _is_policy(table: dict[str, Any]) -> bool:
    return "const" in table["properties"].get("name", {})


def rows(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    required = schema.get("required", [])
    lines = ["| key | what it is | kind | default |", "| --- | --- | --- | --- |"]
    for key, value in schema["properties"].items():
        default = "**wanted**" if key in required else _default(value, definitions)
        meaning = value.get("description") or _ref_description(value, definitions)
        lines.append(f"| `{key}` | {_cell(meaning)} | {_kind(key, value, definitions)} | {default} |")
    return "\n".join(lines)


def _ref_description(value: dict[str, Any], definitions: dict[str, Any]) -> str:
    return next((table.get("description", "") for table in _members(value, definitions)), "")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _default(value: dict[str, Any], definitions: dict[str, Any]) -> str:
    default = value.get("default")
    if default is None or default in ("", [], ()):
        return ""
    kind = _kind("", value, definitions)
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, int | float):
        if "duration" in kind:
            return f"`{_duration(float(default))}`"
        if "share" in kind:
            return f"`{100 * default:g}%`"
        return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"
    return f"`{default}`" if isinstance(default, str) else ""


def _duration(seconds: float) -> str:
    """A duration as a file has it."""
    for size, unit in ((3600, "h"), (60, "m"), (1, "s")):
        if seconds and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds * 1000:g}ms" if seconds else "0s"


def _kind(key: str, value: dict[str, Any], definitions: dict[str, Any]) -> str:
    """What a value is, in words."""
    kinds = list(dict.fromkeys(_kinds(key, value, definitions)))
    return " or ".join(kind for kind in kinds if kind)


def _kinds(key: str, value: dict[str, Any], definitions: dict[str, Any]) -> Iterator[str]:
    if "$ref" in value:
        name = value["$ref"].removeprefix(_PREFIX)
        found = definitions[name]
        if name == "Distribution":
            yield "distribution"
        elif name == "FleetRate":
            yield "rate of a fleet"
        elif "properties" in found:
            yield "policy" if _is_policy(found) else "table"
        else:
            yield from _kinds(key, found, definitions)
    elif "enum" in value and key not in _POLICY_AXES:
        yield " or ".join(f"`{one}`" for one in value["enum"])
    elif "enum" in value:
        yield "policy"
    elif "anyOf" in value or "oneOf" in value:
        for one in value.get("anyOf", value.get("oneOf")):
            yield from _kinds(key, one, definitions)
    elif value.get("type") == "array":
        inner = _kind(key, value.get("items", {}), definitions)
        yield f"list of {inner}s" if " or " not in inner else "list"
    elif value.get("type") == "string" and "pattern" in value:
        example = value.get("examples", [""])[0]
        plain = "share" if "%" in value["pattern"] else "name"
        yield "duration" if example.endswith("s") and "/" not in example else "rate" if example else plain
    elif value.get("type") == "number" and value.get("const") == 0:
        yield ""  # nothing, as a duration
    elif value.get("type") in ("integer", "number"):
        yield from _number(value)
    elif "const" in value:
        yield f"`{value['const']}`"
    elif value.get("type") == "object":
        yield "table"
    elif value.get("type") == "boolean":
        yield "`true` or `false`"
    elif value.get("type") == "string":
        yield "text"


def _number(value: dict[str, Any]) -> Iterator[str]:
    word = "whole number" if value["type"] == "integer" else "number"
    if value.get("maximum") == 1 and word == "number":
        yield "share"
        return
    low, high = value.get("minimum", value.get("exclusiveMinimum")), value.get("maximum")
    parts = [word]
    if low is not None:
        parts.append(f"above {low}" if "exclusiveMinimum" in value else f"from {low}")
    if high is not None and high <= 10**6:
        parts.append(f"to {high:,}")
    yield " ".join(parts)


def _distributions() -> str:
    lines = [
        "A time that varies: how it is distributed, and the numbers that this needs. A duration alone is a constant.",
        "",
        "| `dist` | wants |",
        "| --- | --- |",
        *(f"| `{name}` | {', '.join(f'`{key}`' for key in sorted(wanted))} |" for name, wanted in WANTS.items()),
        "",
        '`cv` is the standard deviation over the mean. `file` names a file of measured times, one a line (seconds, or with a unit: `"20ms"`).',
    ]
    return "\n".join(lines)
