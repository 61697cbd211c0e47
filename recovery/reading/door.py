"""Text from outside becomes tables: TOML within bounds. Experiments and tables of services come in by this door.

What is refused here is what would tear a page, mislead a terminal or never end: control characters, tables in tables
without end, files that are no text of people's.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from recovery.errors import CONTROL, Refusal, ScenarioError, visible

DEPTH_MAX = 32  # tables and lists in each other; a scenario has no more than nine
BYTES_MAX = 2_000_000  # of a file: tomllib reads from 0.2 to 2 megabytes a second
TEXT_MAX = 10_000  # characters of a text
NAME_MAX = 200  # characters of a key: a name, or a path with dots
DIGITS_MAX = 4_000  # of a whole number: Python prints no more
SHOWN_MAX = 20  # mistakes of one kind that are told one by one
PROSE = frozenset({"question", "answer", "why"})  # sentences, which may have line breaks

# Texts and comments of a TOML file, in the order in which a reader meets them.
_NO_KEYS = re.compile(
    r'"""[\s\S]*?"""|' + r"'''[\s\S]*?'''|" + r'"(?:[^"\\\n]|\\.)*"|' + r"'[^'\n]*'|#[^\n]*",
)


def brief(text: str) -> str:
    """The beginning of a text, so that it can be told in a line."""
    return visible(text if len(text) <= 120 else f"{text[:117]}…")


def quoted(name: str) -> str:
    """A part of a key as a file has it: in quotes where it is not letters, digits, - and _ alone."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else visible(json.dumps(name, ensure_ascii=False))


def read(path: Path) -> str:
    """The text of a TOML file. Raises ScenarioError that says what is wanted."""
    if control := CONTROL.search(path.name):
        raise ScenarioError(f"{path}: its name holds {_code(control[0])}; want a name without control characters")
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
        if len(data) > BYTES_MAX:
            raise ScenarioError(
                f"{path}: is larger than {BYTES_MAX // 1_000_000} MB; want a smaller file, "
                "with long series in files of their own"
            )
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror or error}; want a TOML file") from None
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{path}: is not UTF-8 text (byte {error.start}); want a TOML file in UTF-8") from None
    except ScenarioError:
        raise
    except ValueError as error:  # a name that no file can have
        raise ScenarioError(f"{path}: cannot be read: {error}; want a TOML file") from None


def loads(text: str) -> dict[str, Any]:
    """The table of a TOML text. Raises Refusal, in time that is linear in the text."""
    # Keys of many parts cost tomllib the square of their number, so they are counted before it sees them.
    pieces = re.split(r"[,=\[\]{}\n]", _NO_KEYS.sub("", text))
    if any(piece.count(".") >= DEPTH_MAX for piece in pieces):
        raise Refusal(f"a key has more than {DEPTH_MAX} parts; want fewer")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise Refusal(f"lists or tables lie too deep in each other; want at most {DEPTH_MAX} levels") from None


BARE_MAX = 60  # letters of a text without quotes that is told with them
_TWICE = ("Cannot overwrite", "Cannot mutate", "Cannot declare", "Duplicate inline table key")
_ONCE = (
    "want each key once, a table either as [name] or in a line, a list of tables as [[name]], "
    'and in quotes a name with a dot that begins as another one: "ttr99_s.heartbeat" beside ttr99_s'
)
_WANTED = {
    "Invalid value": 'want key = value, a text in straight quotes: timeout = "60s"',
    "Expected newline or end": 'want key = value, one a line, a text in quotes: timeout = "60s"',
    "Expected '='": "want lines such as workers = 8, below a heading such as [host]",
    "Invalid statement": "want lines such as workers = 8, below a heading such as [host]",
    "Illegal character '\\n'": "want a quote at the end of the text, too",
    "Invalid initial character": 'want a table in braces on one line: { from = "10m", to = "40m" }',
}
"""What is wanted where `tomllib` stumbles, by how its words begin."""
_NAME = r"""(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[A-Za-z0-9_-]+)"""
_PATH = rf"{_NAME}(?:[ \t]*\.[ \t]*{_NAME})*"
_KEY = re.compile(rf"^[ \t]*(?:\[\[?[ \t]*(?P<table>{_PATH})[ \t]*\]|(?P<key>{_PATH})[ \t]*=)")


def table(text: str, file: str) -> dict[str, Any]:
    """The table of a TOML text, as deep as it may be. Raises ScenarioError that names the file."""
    try:
        raw = loads(text)
    except ValueError as error:
        why = str(error).splitlines()[0]
        if why.startswith(_TWICE):
            raise ScenarioError(f"{file}: {_told_twice(text, why)}") from None
        wanted = next((f"; {wanted}" for begin, wanted in _WANTED.items() if why.startswith(begin)), "")
        if bare := _in_quotes(text, why):
            wanted = f"; want a text in quotes: {bare}"
        raise ScenarioError(f"{file}: is no TOML: {why}{wanted}") from None
    check(raw, file)
    return raw


def _in_quotes(text: str, why: str) -> str:
    """A line whose value is a text without quotes, with them; "" where `tomllib` stumbles over something else."""
    found = re.search(r"line (\d+)", why)
    if found is None or not why.startswith(("Invalid value", "Expected newline or end")):
        return ""
    line = text.split("\n")[int(found[1]) - 1]
    match = _KEY.match(line)
    if match is None or not match["key"]:
        return ""
    value = line[match.end() :].partition("#")[0].strip()
    is_bare = len(value) <= BARE_MAX and re.fullmatch(r"[\w.][\w.:/+% -]*", value)
    return f'{match["key"].strip()} = "{value}"' if is_bare else ""


def _told_twice(text: str, why: str) -> str:
    """What is said of a key that a text has twice, by what `tomllib` says of it: the key, and the lines of both."""
    found = re.search(r"line (\d+)", why)
    again = int(found[1]) if found else len(text.rstrip("\n").split("\n"))
    names: list[str] = []  # of the key or the table that each line begins
    table = ""
    for line in text.split("\n")[:again]:
        match = _KEY.match(line)
        name = re.sub(r"[ \t]*\.[ \t]*", ".", (match["table"] or match["key"]).strip()) if match else ""
        if match and match["table"]:
            table = name
            names.append(f"[[{name}]]" if line.lstrip().startswith("[[") else f"[{name}]")
        else:
            names.append(f"{table}.{name}".strip(".") if name else "")
    name = brief(names[-1]) if names else ""
    if inline := re.search(r"Duplicate inline table key '(.*)' \(at", why):
        return f"{brief(f'{name}.{inline[1]}')} stands twice in line {again}; want it once"
    before = next((number for number in range(again - 1, 0, -1) if name and names[number - 1] == names[-1]), None)
    if before is not None:
        return f"{name} stands twice, in line {before} and in line {again}; want it once"
    return f"is no TOML: {name or 'a key'} in line {again} is there already, in another form; {_ONCE}"


def peek(path: str | Path) -> dict[str, Any]:
    """The table of a file, or an empty one if there is none: to see what kind of file it is."""
    try:
        return loads(read(Path(path)))
    except ValueError:
        return {}


def check(raw: Mapping[str, Any], file: str) -> None:
    """Raise ScenarioError for names and texts that no page can show, and for tables without end."""
    mistakes: dict[str, None] = {}
    for more, mistake in enumerate(_wrong(raw)):
        if more >= SHOWN_MAX:
            mistakes["… and more of that kind"] = None
            break
        mistakes[f"{file}: {mistake}"] = None
    if mistakes:
        raise ScenarioError("\n".join(mistakes))


def _wrong(raw: Mapping[str, Any]) -> Iterator[str]:
    """What of keys and texts, wherever they stand, cannot be taken."""
    waiting: list[tuple[tuple[Any, ...], int, Any]] = [((), 0, raw)]
    while waiting:
        place, depth, value = waiting.pop()
        if depth > DEPTH_MAX:
            yield f"{_shown(place)} lies more than {DEPTH_MAX} levels deep; want keys of fewer parts"
        elif isinstance(value, dict):
            for key, item in reversed(value.items()):
                here = (place, key)
                waiting.append((here, depth + 1, item))
                if len(key) > NAME_MAX:
                    yield f"{_shown(here)} is a name of {len(key)} characters; want at most {NAME_MAX}"
                elif control := CONTROL.search(key):
                    yield f"{_shown(here)} holds {_code(control[0])}; want a name without control characters"
        elif isinstance(value, list):
            waiting += [((place, i), depth + 1, item) for i, item in reversed(list(enumerate(value)))]
        elif isinstance(value, str):
            text = re.sub(r"[\n\t]", " ", value) if place and place[1] in PROSE else value
            if len(value) > TEXT_MAX:
                yield f"{_shown(place)} is a text of {len(value)} characters; want at most {TEXT_MAX}"
            elif control := CONTROL.search(text):
                yield f"{_shown(place)} holds {_code(control[0])}; want a text without control characters"
        elif isinstance(value, int) and abs(value) >= 10**DIGITS_MAX:
            yield f"{_shown(place)} is a number of thousands of digits; want a smaller one"


def _code(character: str) -> str:
    return {"\n": "a line break", "\t": "a tab"}.get(character, f"the control character U+{ord(character):04X}")


def _shown(place: tuple[Any, ...]) -> str:
    """A key with dots, cut in the middle if it is too long to be read."""
    parts: list[str] = []
    while place:
        parts.append(quoted(str(place[1])))
        place = place[0]
    key = ".".join(reversed(parts))
    return key if len(key) <= 120 else f"{key[:80]}…{key[-30:]}"
