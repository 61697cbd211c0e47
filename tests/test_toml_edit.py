"""A changed text says what was wanted, and all else stands as it stood.

Oracle: `tomllib` reads what was wanted; the lines that do not speak of it are the same.
"""

import copy
import difflib
import tomllib
from pathlib import Path
from typing import Any

import pytest

from recovery.reading import toml_edit
from recovery.reading.keys import path_of, put

TOP = Path(__file__).resolve().parent.parent
FILES = sorted([*TOP.glob("experiments/*.toml"), *TOP.glob("recovery/data/presets/*.toml")])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_values_of_every_scenario_of_ours_are_changed_in_place(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    wanted: dict[str, Any] = tomllib.loads(text)
    for key, value in (("host.timeout", "12.5s"), ("host.fail_after", "9s"), ("host.workers", 7)):
        put(wanted, path_of(key), value)
    wanted["notes"] = [*wanted.get("notes", []), {"key": "host.timeout", "kind": "fitted", "why": 'so "it" is'}]
    found = toml_edit.edited(text, copy.deepcopy(wanted))
    assert tomllib.loads(found) == wanted
    gone = [line for line in difflib.ndiff(text.splitlines(), found.splitlines()) if line.startswith("- ")]
    assert len(gone) <= 3
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert [line for line in found.splitlines() if line.startswith("#")] == comments


def test_the_value_that_is_meant_is_changed_and_not_one_like_it() -> None:
    text = 'a = { x = "5s", y = "5s" } # 5s\n[b]\ny = "5s"\n[[c]]\ny = "5s"\n[[c]]\ny = "5s"\n'
    table = tomllib.loads(text)
    table["a"]["y"] = "6s"
    table["c"][1]["y"] = 7
    assert toml_edit.edited(text, table) == (
        'a = { x = "5s", y = "6s" } # 5s\n[b]\ny = "5s"\n[[c]]\ny = "5s"\n[[c]]\ny = 7\n'
    )


def test_what_cannot_be_changed_is_told() -> None:
    with pytest.raises(ValueError, match="a cannot be changed in the text"):
        toml_edit.edited('a = """\nx"""\n', {"a": "y"})
