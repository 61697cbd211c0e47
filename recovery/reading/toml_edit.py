"""Changes in the text of a TOML file that keep all the rest of it: comments, order, blank lines. A leaf.

The text is not parsed here: a place is tried and the result read by `tomllib`. What is returned says what was wanted,
or there is an error.
"""

import json
import math
import re
import tomllib
from collections.abc import Iterator
from typing import Any

from recovery.errors import Refusal

Table = dict[str, Any]
"""A table as `tomllib` reads it."""
_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|[+\-]?\w[\w.:+\-]*')
_HEADER = re.compile(r"^[ \t]*\[(?!\[)([^\n]*?)\][ \t]*(?:#[^\n]*)?\n?", re.MULTILINE)
_CLOSE = {"{": "}", "[": "]"}


def edited(text: str, wanted: Table) -> str:
    """The text, changed where it says something else than `wanted`. Refusal names the key that cannot be changed."""
    while (found := next(_differences(tomllib.loads(text), wanted), None)) is not None:
        path, old, new = found
        now = tomllib.loads(text)
        after = _with(now, path, new)
        for attempt in _inserted(text, path, new) if old is None else _replaced(text, path, old, new):
            try:
                if tomllib.loads(attempt) == after:
                    text = attempt
                    break
            except ValueError:
                continue
        else:
            raise Refusal(f"{key_of(path)} cannot be changed in the text; want it set by hand to {literal(new)}")
    return text


def changed(have: Table, want: Table) -> Iterator[tuple[str, Any]]:
    """Key with dots and new value of whatever differs, the smallest parts that do."""
    for path, _, new in _differences(have, want):
        yield key_of(path), new


def settings(have: Table, want: Table) -> Iterator[tuple[str, str, str]]:
    """The same, with the old value and the new one as TOML has them; "" for a key that there was not."""
    for path, old, new in _differences(have, want):
        yield key_of(path), "" if old is None else literal(old), literal(new)


def key_of(path: tuple[str | int, ...]) -> str:
    """A path as a key with dots."""
    return ".".join(part if re.fullmatch(r"[\w-]+", str(part)) else json.dumps(part) for part in map(str, path))


def literal(value: Any) -> str:
    """A value as TOML has it, on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key_of((key,))} = {literal(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return repr(value) if isinstance(value, int | float) else str(value)


def _differences(have: Any, want: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[Any, Any, Any]]:
    """Path, old value (None: there is none) and new value of whatever differs, the smallest parts that do."""
    if isinstance(have, dict) and isinstance(want, dict) and set(have) <= set(want):
        for key, value in want.items():
            if key in have:
                yield from _differences(have[key], value, (*path, key))
            else:
                yield (*path, key), None, value
    elif isinstance(have, list) and isinstance(want, list) and have and len(have) <= len(want):
        for i, old in enumerate(have):
            yield from _differences(old, want[i], (*path, i))
        if len(have) < len(want):
            yield path, have, want
    elif have != want or type(have) is not type(want):
        yield path, have, want


def _with(table: Any, path: tuple[str | int, ...], value: Any) -> Any:
    if not path:
        return value
    if isinstance(table, list):
        return [_with(item, path[1:], value) if i == path[0] else item for i, item in enumerate(table)]
    return {**table, path[0]: _with(table.get(path[0], {}), path[1:], value)}


def _replaced(text: str, path: tuple[str | int, ...], old: Any, new: Any) -> Iterator[str]:
    """Texts with one place that may hold the old value changed, those first that follow the key's name."""
    spans = []
    if isinstance(old, list) and isinstance(new, list) and new[: len(old)] == old:
        yield text.rstrip("\n") + "\n" + _blocks(path, new[len(old) :])
    if isinstance(old, dict | list):
        spans = [(i, end) for i, c in enumerate(text) if c in _CLOSE for end in _ends(text, i)]
    else:
        for match in _TOKEN.finditer(text):
            try:
                value = tomllib.loads(f"v = {match[0]}")["v"]
            except ValueError:
                continue
            if value == old and type(value) is type(old):
                spans.append(match.span())
    name = next(str(part) for part in reversed(path) if isinstance(part, str))
    spans.sort(key=lambda span: name not in text[text.rfind("\n", 0, span[0]) + 1 : span[0]])
    for start, end in spans:
        yield text[:start] + literal(new) + text[end:]


def _blocks(path: tuple[str | int, ...], items: list[Any]) -> str:
    """Tables of a list, each under its own header."""
    rows = (
        "".join(f"{key_of((key,))} = {literal(value)}\n" for key, value in item.items())
        for item in items
        if isinstance(item, dict)
    )
    return "".join(f"\n[[{key_of(path)}]]\n{row}" for row in rows)


def _ends(text: str, start: int) -> Iterator[int]:
    """Where the bracket at `start` may close."""
    depth = 0
    for i in range(start, len(text)):
        depth += (text[i] == text[start]) - (text[i] == _CLOSE[text[start]])
        if depth == 0:
            yield i + 1
            return


def _inserted(text: str, path: tuple[str | int, ...], new: Any) -> Iterator[str]:
    """Texts with a line more: under the table's header, in an inline table, at the top, or a table at the end."""
    if isinstance(new, list) and new and all(isinstance(item, dict) for item in new):
        yield text.rstrip("\n") + "\n" + _blocks(path, new)
    for cut in range(len(path) - 1, 0, -1):
        for match in _HEADER.finditer(text):
            if match[1].strip() in (key_of(path[:cut]), ".".join(map(str, path[:cut]))):
                end = "" if match[0].endswith("\n") else "\n"
                yield f"{text[: match.end()]}{end}{key_of(path[cut:])} = {literal(new)}\n{text[match.end() :]}"
    for cut in range(len(path) - 1, 0, -1):
        for match in re.finditer(r"\{\s*", text):
            yield f"{text[: match.end()]}{key_of(path[cut:])} = {literal(new)}, {text[match.end() :]}"
            yield f"{text[: match.end()]}{key_of(path[cut:])} = {literal(new)} {text[match.end() :]}"
    yield f"{key_of(path)} = {literal(new)}\n{text}"
    if len(path) > 1:
        yield f"{text.rstrip(chr(10))}\n\n[{key_of(path[:-1])}]\n{key_of(path[-1:])} = {literal(new)}\n"
