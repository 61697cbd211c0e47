"""Pictures as text, and those that are known: what was drawn before, of the same records and by the same code, is not
drawn again.

A page asks for its pictures in a fixed order, so that a place in it and the key of the folder name a group of them.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from importlib import metadata
from itertools import count
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue, TypeAdapter, ValidationError

from recovery.store import code
from recovery.store.shelf import Shelf

FAST = 1  # zlib's level
MADE = {"figures", "known", "report.html", "redacted.html"}  # in a folder of results, what its records do not hang on
OF_ONE_RUN = {"written", "wall_s", "cpu_s"}  # of records, what differs between two runs that give the same
"""No picture shows these."""


class Drawn(NamedTuple):
    """A picture: the name of its file, its title, what the reader should know of it; its SVG for a file, and those for
    a page, drawn wide and narrow.
    """

    name: str
    title: str
    caption: str
    text: str
    wide: str
    narrow: str


_PICTURES = TypeAdapter(list[Drawn])


class _Known(NamedTuple):
    shelf: Shelf
    key: str
    places: Iterator[int]


_KNOWN: ContextVar[_Known | None] = ContextVar("known", default=None)


@contextmanager
def known(shelf: Shelf | None, folder: Path, *told: object) -> Iterator[None]:
    """In here, pictures of a folder of results are taken from the shelf, or put there; with None, all are drawn. What
    was `told` beside the folder's records is part of the key.
    """
    before = _KNOWN.set(None if shelf is None else _Known(shelf, _key(folder, told), count()))
    try:
        yield
    finally:
        _KNOWN.reset(before)


def once(make: Callable[[], Sequence[Drawn]]) -> list[Drawn]:
    """What was made before, where it is known, else what is made now."""
    here = _KNOWN.get()
    if here is None:
        return list(make())
    name = f"{here.key}-{next(here.places)}"
    data = here.shelf.read(name)
    if data is not None:
        try:
            return _PICTURES.validate_json(zlib.decompress(data))
        except (ValidationError, zlib.error):
            here.shelf.drop(name)  # damaged: drawn again
    found = list(make())
    here.shelf.write(name, zlib.compress(_PICTURES.dump_json(found), FAST))
    return found


def _key(folder: Path, told: Sequence[object]) -> str:
    """Key (16 hex digits) of all that pictures of a folder hang on: its files, the code, and what draws for it."""
    digest = hashlib.sha256(f"{code.digest(code.RECOVERY)} {metadata.version('matplotlib')} {told!r}".encode())
    for file in sorted(folder.rglob("*")):
        where = file.relative_to(folder)
        if where.parts[0] not in MADE and file.is_file():
            data = file.read_bytes()
            if file.suffix == ".json":
                with suppress(ValueError):  # a damaged one: who reads it says so
                    data = json.dumps(_lasting(json.loads(data))).encode()
            digest.update(f"\0{where.as_posix()} {len(data)}\0".encode() + data)
    return digest.hexdigest()[:16]


def _lasting(value: JsonValue) -> JsonValue:
    """A record without what is of one run alone."""
    if isinstance(value, dict):
        return {key: _lasting(item) for key, item in value.items() if key not in OF_ONE_RUN}
    return [_lasting(item) for item in value] if isinstance(value, list) else value
