"""Keys with dots: what they are called in a file, and a value put where one leads."""

import contextlib
import copy
import re
from collections.abc import Mapping
from typing import Any

from recovery.errors import ScenarioError, shown
from recovery.model.policies.policy import by_name
from recovery.reading import door


def merge(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Tables are merged; policies and distributions are replaced whole, since their parameters belong to their name."""
    merged = dict(base)
    for key, value in change.items():
        old = merged.get(key)
        if isinstance(value, dict) and isinstance(old, dict) and not ({"name", "dist"} & set(value)):
            merged[key] = merge(old, value)
        else:
            merged[key] = value
    return merged


def path_of(key: str) -> tuple[str, ...]:
    """The parts of a key with dots, as TOML reads them: a part with spaces or dots stands in quotes."""
    place: Any = None
    with contextlib.suppress(ValueError):
        place = door.loads(f"{key} = 0")
    parts: list[str] = []
    while isinstance(place, dict) and len(place) == 1:
        [(part, place)] = place.items()
        parts.append(part)
    if place != 0:
        raise ValueError(
            "want a key with dots; quote a part with spaces or dots, for instance variants.'no action'.hold"
        )
    return tuple(parts)


def put(table: dict[str, Any], parts: tuple[str, ...], value: Any) -> None:
    """Set a key (whole numbers lead into lists) to `value`. Raises ValueError that says where it ends."""
    place: Any = table
    for i, part in enumerate(parts):
        here, last = ".".join(parts[:i]), i == len(parts) - 1
        if isinstance(place, list):
            if not (part.isascii() and part.isdigit() and int(part) < len(place)):
                wanted = (
                    "0" if len(place) == 1 else f"a number from 0 to {len(place) - 1}" if place else "the whole list"
                )
                raise ValueError(f"{here} is a list of {len(place)}; want {wanted} instead of {part!r}")
            where: Any = int(part)
        elif isinstance(place, dict):
            where = part
            if not last and here == "policy":
                place[part] = by_name(place.get(part, {}))
        else:
            raise ValueError(f"{here} is {shown(place)}; want a table there to set its {part}, or another {here}")
        if last:
            place[where] = value
        else:
            place = place[where] if isinstance(place, list) else place.setdefault(where, {})


def override(raw: dict[str, Any], text: str) -> None:
    """Set what "key=value" says. Raises ScenarioError that says what is wanted; then nothing of it is set."""
    key, sign, value_text = text.partition("=")
    if key.strip().startswith(("'", '"')) or key.count('"') % 2 or key.count("'") % 2:  # a quoted part may hold a "="
        match = re.match(r"""\s*((?:"[^"]*"|'[^']*'|[^"'=])+)=(.*)""", text, re.DOTALL)
        key, value_text = (match[1], match[2]) if match else (key, value_text)
    value: Any = value_text.strip()
    with contextlib.suppress(ValueError):
        read = door.loads(f"v = {value_text}")
        value = read["v"] if len(read) == 1 else value
    try:
        if not sign or not key.strip():
            raise ValueError("want key=value, for instance host.workers=8 or policy.queue=lifo")
        changed = copy.deepcopy(raw)
        put(changed, path_of(key.strip()), value)
    except ValueError as error:
        raise ScenarioError(f"--set {door.brief(text)}: {error}") from None
    raw.clear()
    raw.update(changed)
