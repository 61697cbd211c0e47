"""Files as nobody would write them: experiments and tables of services with something wrong, from a seed.

A mutant is made of a table of the project's own files: keys go, come twice or under other names, values change their
kind or become extreme, parts come from other files, and now and then the text itself is torn.
"""

import copy
import math
import random
import re
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

TOP = Path(__file__).resolve().parent.parent
INPUTS = TOP / "tests" / "faults" / "inputs"
EXTREMES: tuple[Any, ...] = (
    0, 1, -1, 2, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63), 10**30, 16**5000, 0.0, -0.0, 0.5, 1.5, 1e308, -1e308, 1e-308,
    math.inf, -math.inf, math.nan, True, False, "", " ", "0", "0s", "1ns", "0.1ns", "1us", "1ms", "1s", "5m", "1h",
    "36500d", "36501d", "9" * 400 + "s", "1e9/s", "0/s", "1e-9/s", "1e999/s", "9" * 400 + "/s", "3/min", "0%", "100%",
    "-5%", "0.000000001%", "9" * 400 + "%", "unlimited", "off", "on", "inf", "nan", "a", "$x^{$", "<b>&amp;</b>",
    "101%", "日本 😀", "a\u0000b", "\u001b[31m", "two\nlines", "\u202eabc", "x" * 300, "x" * 20_000, "leased < 50%",
    "queue > 10", "< 5m", "../no-such-file", "/", "2025-10-19T23:48-07:00", [], {}, [[]], [{}], [1, 2], ["1s", "2s"],
    {"a": 1}, {"name": "lifo"}, {"dist": "constant", "mean": "1s"}, {"dist": "pareto", "mean": "1s", "tail": 1.0001},
    {"dist": "weibull", "mean": "1s", "shape": 0.11}, {"dist": "lognormal", "mean": "36500d", "cv": 20},
    {"dist": "exponential", "mean": "1ns"}, {"dist": "uniform", "min": "0s", "max": "36500d"}, {"values": ["1s", "2s"]},
    {"min": "1s", "max": "2s"}, datetime(2025, 10, 20, tzinfo=UTC), date(2025, 10, 20),
)  # fmt: skip


class Source(NamedTuple):
    """A file that is well, or well enough: its table, its kind, and the folder of what it names."""

    name: str
    raw: dict[str, Any]
    is_services: bool
    folder: Path


def sources() -> list[Source]:
    """Presets, experiments, inputs of faults, tables of services."""
    files = sorted(
        [
            *(TOP / "experiments").glob("**/*.toml"),
            *(TOP / "recovery" / "data" / "presets").glob("*.toml"),
            *INPUTS.glob("**/*.toml"),
        ]
    )
    found = []
    for file in files:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
        found.append(Source(file.name, raw, isinstance(raw.get("services"), dict), file.parent))
    return found


# --- TOML -------------------------------------------------------------------------------------------------------------


def toml_of(raw: dict[str, Any]) -> str:
    """A text that TOML reads as this table."""
    return "".join(f"{_key(key)} = {_value(value)}\n" for key, value in raw.items())


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _text(key)


def _text(text: str) -> str:
    def escaped(match: re.Match[str]) -> str:
        return f"\\u{ord(match[0]):04x}"

    return '"' + re.sub(r'[\x00-\x1f\x7f"\\]', escaped, text) + '"'


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return str(value) if abs(value) < 10**4000 else f"0x{value:x}"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return "{" + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + "}"


# --- mutants ----------------------------------------------------------------------------------------------------------


def places(table: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all that a table holds."""
    items = table.items() if isinstance(table, dict) else enumerate(table) if isinstance(table, list) else ()
    for key, value in items:
        yield (*at, key)
        yield from places(value, (*at, key))


def at(table: Any, place: tuple[Any, ...]) -> Any:
    """What lies there."""
    for key in place:
        table = table[key]
    return table


class Mutator:
    """Makes mutants, the same from the same seed."""

    def __init__(self, known: list[Source]) -> None:
        """`known` are the files that it starts from."""
        self.known = known
        self.keys = sorted({str(place[-1]) for source in known for place in places(source.raw)})
        self.spots = [(source.raw, place) for source in known for place in places(source.raw)]
        self.named: dict[str, list[Any]] = {}
        for raw, place in self.spots:
            self.named.setdefault(str(place[-1]), []).append(at(raw, place))
        self.how: tuple[Callable[[random.Random, dict[str, Any]], None], ...] = (
            self.drop, self.copied, self.renamed, self.extreme, self.extreme, self.extreme, self.scaled, self.scaled,
            self.of_its_kind, self.of_its_kind, self.crossed, self.crossed, self.retyped, self.shuffled, self.deep,
            self.variant, self.lever, self.named_strangely,
        )  # fmt: skip

    def table(self, seed: int, source: Source, most: int = 4, *, is_gentle: bool = False) -> dict[str, Any]:
        """A mutated table; a gentle one has other values only, and so may well be taken."""
        how = (self.scaled, self.scaled, self.of_its_kind, self.drop, self.shuffled) if is_gentle else self.how
        rng = random.Random(seed)
        raw = copy.deepcopy(source.raw)
        for _ in range(min(rng.randint(1, most), rng.randint(1, most))):
            rng.choice(how)(rng, raw)
        return raw

    def text(self, seed: int) -> tuple[str, Source]:
        """A mutated file, and what it is of."""
        rng = random.Random(f"text {seed}")
        source = rng.choice(self.known)
        text = toml_of(self.table(seed, source))
        return (self.torn(rng, text) if rng.random() < 0.1 else text), source

    def torn(self, rng: random.Random, text: str) -> str:
        """The text with a piece gone, twice, or from another file; or with characters that nobody means."""
        a, b = sorted(rng.randrange(len(text) + 1) for _ in range(2))
        other = toml_of(rng.choice(self.known).raw)
        c = rng.randrange(len(other) + 1)
        return rng.choice(
            (
                text[:a] + text[b:],
                text + text[a:b],
                text[:a] + other[c:],
                text[:a]
                + rng.choice(('"', "'", '"""', "[", "]", "{", "}", "\n", "\r", "\x00", "é", "=", ".", "#"))
                + text[a:],
                text[:a] + "a." * rng.choice((30, 500, 50_000)) + text[a:],
                text[:a] + rng.choice("[{") * 5000 + text[a:],
            )
        )

    def _spot(self, rng: random.Random, raw: dict[str, Any]) -> tuple[Any, Any] | None:
        found = list(places(raw))
        if not found:
            return None
        place = rng.choice(found)
        return at(raw, place[:-1]), place[-1]

    def drop(self, rng: random.Random, raw: dict[str, Any]) -> None:
        """A key or an entry less."""
        if spot := self._spot(rng, raw):
            del spot[0][spot[1]]

    def copied(self, rng: random.Random, raw: dict[str, Any]) -> None:
        """A value twice: an entry, or under another key."""
        if spot := self._spot(rng, raw):
            parent, key = spot
            value = copy.deepcopy(parent[key])
            if isinstance(parent, list):
                parent.insert(rng.randrange(len(parent) + 1), value)
            else:
                parent[rng.choice(self.keys)] = value

    def renamed(self, rng: random.Random, raw: dict[str, Any]) -> None:
        """A key misspelt, or that of something else."""
        if (spot := self._spot(rng, raw)) and isinstance(spot[0], dict):
            parent, key = spot
            i = rng.randrange(len(key) + 1)
            parent[rng.choice((key[:i] + key[i + 1 :], key + "s", rng.choice(self.keys)))] = parent.pop(key)

    def extreme(self, rng: random.Random, raw: dict[str, Any]) -> None:
        """A value at the edge of what can be, or beyond."""
        if spot := self._spot(rng, raw):
            spot[0][spot[1]] = copy.deepcopy(rng.choice(EXTREMES))

    def of_its_kind(self, rng: random.Random, raw: dict[str, Any]) -> None:
        """What the same key is in another file."""
        if spot := self._spot(rng, raw):
            spot[0][spot[1]] = copy.deepcopy(rng.choice(self.named.get(str(spot[1]), [1])))

    def crossed(self, rng: random.Random, raw: dict[str, Any]) -> None:
        """A part of another file, under its key."""
        other, place = rng.choice(self.spots)
        key, value = str(place[-1]), copy.deepcopy(at(other, place))
        tables = [raw, *(t for p in places(raw) if isinstance(t := at(raw, p), dict))]
        (raw if rng.random() < 0.5 else rng.choice(tables))[key] = value

    def scaled(self, rng: random.Random, raw: dict[str, Any]) -> None:
        """A number, duration, rate or share that is much larger or smaller."""
        found = [p for p in places(raw) if isinstance(at(raw, p), int | float | str)]
        if not found:
            return
        place = rng.choice(found)
        value, by = at(raw, place), rng.choice((0, -1, 1e-9, 1e-3, 0.1, 0.5, 2, 10, 1e3, 1e6, 1e12))
        if isinstance(value, str):
            new: Any = re.sub(
                r"\d+(\.\d+)?", lambda m: format(float(m[0]) * by, "f").rstrip("0").rstrip("."), value, count=1
            )
        elif isinstance(value, float):
            new = value * by
        else:
            new = int(value * by)
        at(raw, place[:-1])[place[-1]] = new

    def retyped(self, rng: random.Random, raw: dict[str, Any]) -> None:
        """The same value as another kind."""
        if spot := self._spot(rng, raw):
            parent, key = spot
            value = parent[key]
            parent[key] = rng.choice(
                (
                    str(value)[:50],
                    [value],
                    {"value": value},
                    {str(key): value},
                    [],
                    bool(value),
                    len(str(value)),
                    [value, value],
                )
            )

    def shuffled(self, rng: random.Random, raw: dict[str, Any]) -> None:
        """The sections, or the entries of a list, in another order."""
        lists = [v for p in places(raw) if isinstance(v := at(raw, p), list) and len(v) > 1]
        if lists and rng.random() < 0.7:
            rng.shuffle(rng.choice(lists))
            return
        items = list(raw.items())
        rng.shuffle(items)
        raw.clear()
        raw.update(items)

    def deep(self, rng: random.Random, raw: dict[str, Any]) -> None:
        """Tables or lists in each other."""
        if spot := self._spot(rng, raw):
            value: Any = spot[0][spot[1]]
            is_list = rng.random() < 0.5
            for _ in range(rng.choice((1, 2, 3, 8, 31, 33, 100, 150))):
                value = [value] if is_list else {rng.choice(self.keys): value}
            spot[0][spot[1]] = value

    def variant(self, rng: random.Random, raw: dict[str, Any]) -> None:
        """Part of a file as a variant."""
        other, place = rng.choice(self.spots)
        if place:
            change: Any = copy.deepcopy(at(other, place))
            for key in reversed(place):
                change = {str(key): change}
            raw.setdefault("variants", {})
            if isinstance(raw["variants"], dict):
                raw["variants"][rng.choice(("v", "as written", "", "x y", "a.b"))] = change

    def lever(self, rng: random.Random, raw: dict[str, Any]) -> None:
        """A key that is swept over values or a range."""
        _, place = rng.choice(self.spots)
        key = ".".join(_key(str(part)) for part in place[:4])
        span = rng.choice(
            (
                {"values": [copy.deepcopy(rng.choice(EXTREMES)) for _ in range(rng.randint(0, 3))]},
                {"values": ["1s", "10s"]},
                {"min": rng.choice(("1s", 1, "1%", "1/s", 0)), "max": rng.choice(("10s", 10, "10%", "9/s"))},
            )
        )
        sweep = raw.setdefault("sweep", {})
        if isinstance(sweep, dict):
            spans = sweep.setdefault(rng.choice(("levers", "uncertainties")), {})
            if isinstance(spans, dict):
                spans[key] = span

    def named_strangely(self, rng: random.Random, raw: dict[str, Any]) -> None:
        """A key that is no word."""
        if (spot := self._spot(rng, raw)) and isinstance(spot[0], dict):
            name = rng.choice(
                ("", "a\u0000b", "\u202e", "x" * 500, "$x^{$", "a b", "日本", "\n", "0", "-1", "name", "dist", "do")
            )
            spot[0][name] = spot[0].pop(spot[1])
