"""What every page shares: templates, pictures in a folder, numbers and inputs in words, notes and their marks."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import BaseModel, JsonValue

from recovery import units
from recovery.show import figures
from recovery.show.figures import Picture
from recovery.store import files
from recovery.store.note_record import Note

if TYPE_CHECKING:
    from markupsafe import Markup


class Cell(NamedTuple):
    """A number of a table: its text, its interval where there is one, and how it should look."""

    text: str
    interval: str = ""
    look: str = ""


class Column(NamedTuple):
    """A column of a table: what it shows of which measure; `kind` is "time", "share", "number" or "saved"."""

    measure: str
    title: str
    meaning: str
    kind: str


class Marked(NamedTuple):
    """A note under its number, with the value of its input in words."""

    number: int
    key: str
    kind: str
    why: str
    shown: str


class Input(NamedTuple):
    """An input as the file has it, in words, with the numbers of the notes on it."""

    key: str
    value: str
    marks: list[int]


def draw(folder: Path, pictures: Sequence[Picture]) -> list[tuple[Picture, str]]:
    """Write pictures as SVG and PNG into the folder's figures/; returns each with the text of its SVG."""
    drawn = []
    for picture in pictures:
        text, image = figures.svg(picture), figures.png(picture)
        place = folder / "figures"
        files.write_together({place / f"{picture.name}.svg": text.encode(), place / f"{picture.name}.png": image})
        drawn.append((picture, text))
    return drawn


def render(
    name: str,
    drawn: Sequence[tuple[Picture, str]],
    *,
    manifest: BaseModel | Mapping[str, object],
    head: BaseModel | object,
    argv: Sequence[str],
    **values: object,
) -> str:
    """A template with what every page has: manifest, head, command, figures; and with `values`."""
    return filled(name, drawn, manifest=manifest, head=head, command=command(argv), **values)


def filled(name: str, drawn: Sequence[tuple[Picture, str]], **values: object) -> str:
    """A template with pictures and `values`: a page, or a section of one."""
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("recovery.show"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    figures = [(picture, Markup(text)) for picture, text in drawn]  # our own SVG, made a moment ago
    return environment.get_template(name).render(figures=figures, **values)


def look() -> Markup:
    """The style of every page, as the page of a run has it."""
    from markupsafe import Markup

    text = resources.files("recovery.show").joinpath("templates", "report.html.j2").read_text(encoding="utf-8")
    found = re.search(r"<style>.*?</style>", text, re.DOTALL)
    return Markup(found[0] if found else "")


def show(value: float, kind: str) -> str:
    """A number of a table as text; `kind` is "time", "share" or "number". "–" stands for what was not measured."""
    if math.isnan(value):
        return "–"
    if kind == "time":
        return units.show_duration(value)
    if math.isinf(value):
        return "∞"
    return units.show_share(value) if kind == "share" else units.show_count(value)


def notes_of(notes: Iterable[Note]) -> list[Marked]:
    """Notes on fitted and assumed inputs, numbered, with their values in words."""
    return [Marked(i, note.key, note.kind, note.why, text_of(note.value)) for i, note in enumerate(notes, 1)]


def marks_of(key: str, notes: Sequence[Marked]) -> list[int]:
    """Numbers of the notes that speak of an input: of itself, of a part of it, or of what it is part of."""
    return [
        note.number for note in notes if f"{note.key}.".startswith(f"{key}.") or f"{key}.".startswith(f"{note.key}.")
    ]


def text_of(value: object) -> str:
    """An input as a person would say it."""
    if isinstance(value, Mapping):
        if "dist" in value:
            rest = ", ".join(f"{key} {text_of(item)}" for key, item in value.items() if key != "dist")
            return f"{value['dist']}, {rest}"
        return ", ".join(f"{key} {text_of(item)}" for key, item in value.items())
    if isinstance(value, list):
        return (
            "; ".join(f"({text_of(item)})" if isinstance(item, Mapping) else text_of(item) for item in value) or "none"
        )
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and abs(value) >= 10_000:
        return units.show_count(value)
    return str(value)


def flat(table: Mapping[str, JsonValue], prefix: str = "") -> list[tuple[str, JsonValue]]:
    """The entries of a table with dots in their keys; distributions and lists stay whole, lists of tables do not."""
    found: list[tuple[str, JsonValue]] = []
    for key, value in table.items():
        if isinstance(value, dict) and "dist" not in value and value:
            found += flat(value, f"{prefix}{key}.")
        elif isinstance(value, list) and len(value) > 1 and all(isinstance(item, dict) for item in value):
            found += [(f"{prefix}{key}.{i}", item) for i, item in enumerate(value)]
        else:
            found.append((prefix + key, value))
    return found


def command(argv: Sequence[str]) -> str:
    """The command that makes the run again. Of paths from the root of a machine, the last two parts stay."""

    def short(word: str) -> str:
        key, sign, path = word.rpartition("=") if word.startswith("-") else ("", "", word)
        if path.startswith("/") or re.match(r"[A-Za-z]:[\\/]", path):
            path = "/".join(re.split(r"[\\/]", path)[-2:])
        return key + sign + path

    return shlex.join(short(word) for word in argv)
