"""What every page shares: templates, pictures in a folder, numbers and inputs in words, notes and their marks."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import JsonValue

from recovery import units
from recovery.show import figures, forms
from recovery.show.answers.answer import Shown
from recovery.show.drawn import Drawn, once
from recovery.show.figures import Picture
from recovery.store import files
from recovery.store.manifest_record import Manifest
from recovery.store.note_record import Note


class Cell(NamedTuple):
    """A number of a table: its text, its interval where there is one, how it should look, the number itself with the
    ends of its interval, by which the page sorts and which it gives away as CSV, and in how many runs it is never.
    """

    text: str
    interval: str = ""
    look: str = ""
    value: str = ""
    never: str = ""


class Column(NamedTuple):
    """A column of a table: what it shows of which measure, and how that is written."""

    measure: str
    title: str
    meaning: str
    kind: Literal["time", "share", "number", "saved"]


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


def save(folder: Path, make: Callable[[], Sequence[Picture]]) -> list[Path]:
    """Make pictures, wide and narrow, and write them into the folder's figures/, the wide ones as PNG too where that is
    wanted; returns the SVG's paths, the narrow ones end in -narrow.svg. Raises files.WriteError.
    """
    wide = list(make())
    with figures.narrow():
        narrow = [picture._replace(name=f"{picture.name}-narrow") for picture in make()]
    texts = {f"{picture.name}.svg": forms.svg(picture) for picture in (*wide, *narrow)}
    _write(folder, texts)
    _write_png(folder, wide)
    return [folder / "figures" / name for name in texts]


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    files.write_together({folder / "figures" / name: text.encode() for name, text in texts.items()})


def _write_png(folder: Path, pictures: Iterable[Picture]) -> None:
    """As PNG, with the title in the picture, where that is wanted."""
    if _WITH_PNG.get():
        for picture in pictures:
            files.write_whole(folder / "figures" / f"{picture.name}.png", forms.png(picture))


_WITH_PNG: ContextVar[bool] = ContextVar("with_png", default=False)


@contextmanager
def with_png(is_wanted: bool) -> Iterator[None]:
    """In here, pictures are written as PNG too: it takes as long again, and few ask for it."""
    before = _WITH_PNG.set(is_wanted)
    try:
        yield
    finally:
        _WITH_PNG.reset(before)


def draw(folder: Path, make: Callable[[], Sequence[Picture]]) -> list[Drawn]:
    """Make pictures, wide and narrow, or take those that are known; write the wide ones into the folder's figures/."""
    found = once(lambda: drawn(make))
    _write(folder, {f"{one.name}.svg": one.text for one in found})
    if _WITH_PNG.get():
        _write_png(folder, make())
    return found


def drawn(make: Callable[[], Sequence[Picture]]) -> list[Drawn]:
    """Make pictures, wide and narrow, for a page."""
    wide = list(make())
    with figures.narrow():
        narrow = [picture._replace(name=f"{picture.name}-n") for picture in make()]
    found = []
    for picture, slim in zip(wide, narrow, strict=True):
        text = forms.svg(picture)
        both = forms.for_page(text, "wide"), forms.for_page(forms.svg(slim), "narrow")
        found.append(Drawn(picture.name, picture.title, picture.caption, text, *both))
    return found


def render(
    name: str,
    drawn: Sequence[Drawn],
    *,
    manifest: Manifest,
    answer: Sequence[Shown],
    **values: object,
) -> str:
    """The page of a folder: what every page has (question, answer, command, style, script), and `values`."""
    return whole(
        name,
        title=manifest.title,
        question=manifest.head.question,
        figures=drawn,
        manifest=manifest,
        head=manifest.head,
        answer=answer,
        command=command(manifest.argv),
        own_policies=[("own policy", own.words) for own in manifest.own_policies],
        versions=", ".join(f"{name} {version}" for name, version in manifest.versions.items()),
        **values,
    )


def whole(name: str, *, title: str, question: str, **values: object) -> str:
    """A page from a template that extends base.html.j2. Numbers keep their units at the end of a line."""
    palette = {"light": forms.variables(is_dark=False), "dark": forms.variables(is_dark=True)}
    return held(filled(name, title=title, question=question, palette=palette, **values))


_FIXED = re.compile(r"(<(?:pre|script|style|code)\b.*?</(?:pre|script|style|code)>|<[^>]+>)", re.DOTALL)


def held(page: str) -> str:
    """The page with blanks that do not break between a number and its unit."""
    parts = _FIXED.split(page)  # what is to stay as it is has odd places
    parts[::2] = [units.unbroken(part) for part in parts[::2]]
    return "".join(parts)


def filled(name: str, **values: object) -> str:
    """A template with `values`: a page, or a section of one."""
    from recovery.show import templating

    return templating.filled(name, **values)


def value_of(mean: float, low: float = math.nan, high: float = math.nan) -> str:
    """A number as a page's script reads it, with the ends of its interval where there is one; empty where it is not
    known.
    """
    if math.isnan(mean):
        return ""
    ends = (low, high) if math.isfinite(low) and math.isfinite(high) and high > low else ()
    return " ".join("Infinity" if math.isinf(one) else f"{one:.5g}" for one in (mean, *ends))


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
