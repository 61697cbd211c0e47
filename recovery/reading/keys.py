"""Keys with dots: what they are called in a file, and a value put where one leads."""

import contextlib
import copy
import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from recovery.errors import Refusal, ScenarioError, shown
from recovery.model.classes import OF_POLICY
from recovery.model.policies.rule import by_name
from recovery.reading import door
from recovery.units import quantity

RENAMED = {
    "fleet.droplets": "fleet.holders",
    "sweep.curves.worlds": "sweep.curves.draws",
    "expect.unleased_droplet_hours": "expect.unleased_holder_hours",
}
"""Keys of files of the old form, and what they are called now."""


def old_names(raw: Mapping[str, Any], within: str = "") -> Iterator[str]:
    """What a file of the old form says, wherever keys stand: as keys, in variants, in levers and uncertainties, in
    notes. A line each, with the new word.
    """
    for old, new in RENAMED.items():
        place: Any = raw
        for part in old.split("."):
            place = place.get(part, _NOTHING) if isinstance(place, Mapping) else _NOTHING
        if place is not _NOTHING:
            yield f"{within}{old} is called {new} now; want that key"
    for name, change in _tables(raw.get("variants")):
        yield from old_names(change, f"{within}variants.{door.quoted(name)}.")
    sweep = raw.get("sweep")
    for part in ("levers", "uncertainties", "include", "exclude"):
        said = sweep.get(part) if isinstance(sweep, Mapping) else None
        tables = {f"{part}.{i}": table for i, table in enumerate(said)} if isinstance(said, list) else {part: said}
        for where, table in _tables(tables):
            for key in table:
                if key in RENAMED:
                    yield f'sweep.{where}."{key}" is called "{RENAMED[key]}" now; want that key'
    notes = raw.get("notes")
    for i, note in enumerate(notes if isinstance(notes, list) else ()):
        if isinstance(note, Mapping) and (key := str(note.get("key"))) in RENAMED:
            yield f'notes.{i}.key is "{key}", which is called {RENAMED[key]} now; want that key'


_NOTHING = object()


def _tables(value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The tables of a table, by their names."""
    if isinstance(value, Mapping):
        yield from ((name, table) for name, table in value.items() if isinstance(table, Mapping))


def copied(value: Any) -> Any:
    """A copy of a table as TOML has it, of which nothing is shared but values that never change."""
    if isinstance(value, dict):
        return {key: copied(one) for key, one in value.items()}
    return [copied(one) for one in value] if isinstance(value, list) else value


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


@functools.lru_cache(maxsize=4096)  # each run of a sweep sets the same keys
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
        raise Refusal("want a key with dots; quote a part with spaces or dots, for instance variants.'no action'.hold")
    return tuple(parts)


def put(table: dict[str, Any], parts: tuple[str, ...], value: Any) -> None:
    """Set a key (whole numbers lead into lists) to `value`; the number behind the last of a list adds one to it. Raises
    Refusal that says where it ends.
    """
    place: Any = table
    for i, part in enumerate(parts):
        here, last = ".".join(parts[:i]), i == len(parts) - 1
        if isinstance(place, list):
            length = len(place)
            if not (part.isascii() and part.isdigit() and int(part) <= length):
                ones = f"{'0' if length == 1 else f'a number from 0 to {length - 1}'}, or " if length else ""
                raise Refusal(f"{here} is a list of {length}; want {ones}{length} to add one instead of {part!r}")
            where: Any = int(part)
            if where == length:
                place.append({})
        elif isinstance(place, dict):
            where = part
            if not last and (here == "policy" or (i == 2 and parts[0] == "classes" and part in OF_POLICY)):
                place[part] = by_name(place.get(part, {}))
        else:
            raise Refusal(f"{here} is {shown(place)}; want a table there to set its {part}, or another {here}")
        if last:
            place[where] = value
        else:
            # A number in place of a name leads into a list, of which there is none yet; variants may have any name.
            is_list = parts[i + 1].isdigit() and part != "variants"
            place = place[where] if isinstance(place, list) else place.setdefault(where, [] if is_list else {})


def value_at(raw: Mapping[str, Any], key: str) -> Any:
    """What a table of a file says of a key; None where it says nothing."""
    place: Any = raw
    for part in path_of(key):
        if isinstance(place, list):
            place = place[int(part)] if part.isdigit() and int(part) < len(place) else None
        else:
            place = place.get(part) if isinstance(place, Mapping) else None
    return place


def not_one_number(raw: Mapping[str, Any], key: str) -> str:
    """What is wrong with a range of numbers for this key, "" if nothing: one that holds a table (a distribution, a
    rule) would lose it, and all its times would be the same without a word.
    """
    try:
        place = value_at(raw, key)
    except Refusal:  # no key at all, which whoever sets it is told
        return ""
    if not isinstance(place, Mapping):
        return ""
    numbers = [f"{key}.{own}" for own, value in place.items() if quantity(value) is not None]
    wanted = f"a range of {' or '.join(numbers) or 'a key in it that holds a number'}"
    if "dist" in place:
        return (
            f"{key} is a distribution ({place['dist']}), and one number would make every time the same; want {wanted}"
        )
    return f"{key} is a table; want {wanted}"


QUOTED = """--set 'policy.queue={ name = "bounded", limit = "30s" }'"""
"""How a shell has to be given a table."""
_BARE = re.compile(r"(?<=[=\[,{])(\s*)([A-Za-z][\w.-]*|[0-9.]+(?:[a-zµ%]|/[a-z])+)(?=\s*[,}\]])")
_TEXTS = frozenset({"title", "label", "file", "source", *door.PROSE})  # keys whose texts may hold anything


def _taken_apart(key: str, text: str) -> str:
    """What is said of a text that was a table or a list before a shell took it apart, or its quotes; "" of others."""
    if key.rpartition(".")[2] in _TEXTS:
        return ""
    if text.startswith(("{", "[")):
        meant, setting = _BARE.sub(r'\1"\2"', text), QUOTED
        with contextlib.suppress(ValueError):
            door.loads(f"v = {meant}")
            setting = f"--set '{key}={meant}'"
        wanted = "want quotes round each text in it, and others round the whole, since a shell takes quotes away"
        return f"is no {'table' if text.startswith('{') else 'list'} of TOML; {wanted}: {setting}"
    if re.fullmatch(r"[a-z_]+=\S+", text):
        return f"is a part of a table that the shell took apart; want quotes round the whole: {QUOTED}"
    return ""


def _no_longer_noted(raw: dict[str, Any], given: Sequence[tuple[str, ...]]) -> None:
    """Drop the notes on what was set whole, at once or part by part: they are on the value of the file, and why it has
    that.
    """
    notes = raw.get("notes")
    if not isinstance(notes, list) or given[-1][0] == "notes":
        return
    said = [one for one in notes if not (isinstance(one, dict) and _is_set_whole(raw, str(one.get("key")), given))]
    if len(said) < len(notes):
        raw["notes"] = said


def _is_set_whole(raw: Mapping[str, Any], key: str, given: Sequence[tuple[str, ...]]) -> bool:
    """Whether a key, and each part of the table that it may be, stands under one of the keys that were set."""
    try:
        value, parts = value_at(raw, key), path_of(key)
    except Refusal:  # no key at all, which whoever wrote the note is told
        return False
    return all(any(leaf[: len(one)] == one for one in given) for leaf in leaves(value, parts))


def leaves(value: object, parts: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The keys of all that a value holds, each as its parts; its own of a value that is no table and no list."""
    inner: Iterable[tuple[object, object]] = ()
    if isinstance(value, Mapping):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    found = [leaf for part, own in inner for leaf in leaves(own, (*parts, str(part)))]
    yield from found or [parts]


OF_NAMES = ("classes", "expect", "sweep", "variants")
"""Tables of names that a file chooses itself: another such table takes the place of the whole one."""


def left_out(raw: Mapping[str, Any], name: str, value: object) -> str:
    """What is wrong with a table that takes the place of a whole part of a scenario where the file has more keys
    than it: these would go back to their defaults without a word; "" where nothing is.
    """
    old = raw.get(name)
    if name in OF_NAMES or not isinstance(value, dict) or not isinstance(old, dict):
        return ""
    lost = [key for key in old if key not in value]
    if not lost:
        return ""
    few = ", ".join(f"{name}.{key}" for key in lost[:3]) + (" and others" if len(lost) > 3 else "")
    wanted = " and ".join(f"{name}.{key}" for key in list(value)[:3]) or f"keys of {name}"
    return f"a table takes the place of the whole table, and the file also has {few}; want {wanted}, with a dot"


def key_of(override: str) -> tuple[str, str]:
    """The key of "key=value", and its value, as texts."""
    key, _, value_text = override.partition("=")
    if key.strip().startswith(("'", '"')) or key.count('"') % 2 or key.count("'") % 2:  # a quoted part may hold a "="
        match = re.match(r"""\s*((?:"[^"]*"|'[^']*'|[^"'=])+)=(.*)""", override, re.DOTALL)
        key, value_text = (match[1], match[2]) if match else (key, value_text)
    return key.strip(), value_text


def override(raw: dict[str, Any], text: str, before: Sequence[str] = ()) -> None:
    """Set what "key=value" says, after those that were set `before`. Raises ScenarioError that says what is wanted;
    then nothing of it is set.
    """
    key, value_text = key_of(text)
    value: Any = value_text.strip()
    with contextlib.suppress(ValueError):
        read = door.loads(f"v = {value_text}")
        value = read["v"] if len(read) == 1 else value
    try:
        if "=" not in text or not key:
            raise Refusal("want key=value, for instance host.workers=8 or policy.queue=lifo")
        parts = path_of(key)
        if isinstance(value, str) and (wrong := _taken_apart(key, value)):
            raise Refusal(wrong)
        changed = copy.deepcopy(raw)
        put(changed, parts, value)
        _no_longer_noted(changed, [*(path_of(key_of(one)[0]) for one in before), parts])
        only: dict[str, Any] = {}
        with contextlib.suppress(ValueError):
            put(only, parts, value)
        if old := next(old_names(only), None):
            raise Refusal(old)
    except Refusal as error:
        raise ScenarioError(f"--set {door.brief(text)}: {error}") from None
    raw.clear()
    raw.update(changed)
