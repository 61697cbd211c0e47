"""What comes in as text: bounds on depth, size and characters.

Oracle: the contract, a line that says what is wanted.
"""

import os
import time
from pathlib import Path

import pytest

from recovery.errors import CONTROL, ScenarioError
from recovery.reading import door, measured, service_table
from recovery.reading.experiment import load, parse
from recovery.reading.numbers import read_measured, read_rates

LEASES = """
horizon = "1h"
[fleet]
holders = 10
hosts = 1
[host]
establish_time = "10ms"
timeout = "1s"
[lease]
duration = "10m"
check_every = "3m"
"""


def told(text: str, overrides: tuple[str, ...] = ()) -> str:
    with pytest.raises(ScenarioError) as error:
        parse(text, file="s.toml", overrides=overrides)
    return str(error.value)


@pytest.mark.parametrize("levels", [33, 300, 500, 900, 3000, 100_000])
def test_what_is_too_deep_is_told_in_one_line(levels: int) -> None:
    path = ".".join("a" * levels)
    files = [
        LEASES + f"[variants.v.host.{path}]\nc = 1\n",
        LEASES.replace("horizon", f"horizon.{path}"),
        f"x.{path} = 1\n" + LEASES,
        f"x = {'[' * levels}{']' * levels}\n" + LEASES,
        f"x = {'{a=' * levels}1{'}' * levels}\n" + LEASES,
    ]
    for text in files:
        [line] = told(text).splitlines()
        assert line.startswith("s.toml: ")
        assert "want" in line
        assert len(line) < 250
    for override in (f"{path}=1", f"host.{path}=1", f"hold={'[' * levels}{']' * levels}"):
        line = told(LEASES, (override,)).splitlines()[0]
        assert line.startswith(("--set ", "s.toml: hold is "))
        assert len(line) < 350
        assert "want" in line


@pytest.mark.parametrize(
    "text",
    [
        "a." * 400_000 + "a = 1",
        "[" + "a." * 400_000 + "a]",
        '"' * 500_000,
        '"""' * 300_000,
        "'''x" * 100_000,
        "a" * 1_900_000,
        "a = 0x" + "f" * 500_000,
        "a = " + "9" * 500_000,
        "host = {" + "a = 1, " * 10_000 + "}",
        f'title = "{"x" * 1_000_000}"',
        f"[{'x' * 100_000}]",
        "[[operator]]\n" * 20_000,
    ],
    ids=lambda text: text[:8],
)
def test_long_texts_are_answered_soon(text: str) -> None:
    begun = time.process_time()
    assert "want" in told(text) or "is no TOML" in told(text)
    assert time.process_time() - begun < 20


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "large.toml").write_text("# " + "x" * door.BYTES_MAX)
    with pytest.raises(ScenarioError, match=r"large\.toml: is larger than 2 MB; want a smaller file"):
        load(tmp_path / "large.toml")


@pytest.mark.parametrize("character", ["\\u0000", "\\u001b", "\\u007f", "\\u009b", "\\u202e", "\\u2066", "\\u2028"])
@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('title = "a@b"', "title"),
        ('question = "a@b"', "question"),
        ('label = "a@b"', "label"),
        ('services = "a@b"', "services"),
        ('[variants."a@b"]\nhold = "1m"', "variants."),
        ('"a@b" = 1', ""),
        ('[[notes]]\nkey = "hold"\nkind = "fitted"\nwhy = "a@b"', "notes.0.why"),
        ('[[observed]]\nlabel = "a@b"\nat = "1m"\nmeasure = "leased_all_s"\nsource = ""', "observed.0.label"),
        ('[sweep.levers]\n"host.timeout" = { values = ["1s", "2s@"] }', 'sweep.levers."host.timeout".values.1'),
        ('[policy.client]\nname = "fixed"\ndelay = { dist = "empirical", file = "a@b" }', "policy.client.delay.file"),
    ],
)
def test_control_characters_are_refused_with_their_key(text: str, key: str, character: str) -> None:
    head, sign, table = LEASES.partition("[fleet]")
    text = text.replace("@", character)
    [line] = told(f"{head}\n{sign}{table}\n{text}" if text.startswith("[") else f"{text}\n{LEASES}").splitlines()
    assert line.startswith(f"s.toml: {key}")
    assert f"holds the control character U+{character[2:].upper()}; want a " in line
    assert not CONTROL.search(line)


def test_sentences_may_have_lines_and_names_may_not() -> None:
    assert parse('answer = """\none\n\ttwo"""\n' + LEASES).head.answer == "one\n\ttwo"
    assert "title holds a line break; want a text without" in told('title = "one\\ntwo"\n' + LEASES)


def test_control_characters_in_services_tables_and_names_of_files(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"t: services\.a\.label holds the control character U\+001B; want"):
        service_table.parse('[services.a]\nlabel = "\\u001b[31m"', "t")
    path = tmp_path / "a\x1bb.toml"
    path.write_text(LEASES)
    with pytest.raises(ScenarioError, match=r"a\\u001bb\.toml: its name holds the control character U\+001B; want"):
        load(path)


def test_an_error_about_another_file_has_its_line_and_not_what_stands_there(tmp_path: Path) -> None:
    for content, said in (
        ("secret:x:0:0\n", "line 1 is no two numbers"),
        ("0,1\n60,secret\n", "line 2 is no two numbers"),
        ("0,1\n60,-77\n", "line 2 is out of range"),
        ("0,1\n777,1\n77,1\n", "line 3 is no later than the one before"),
    ):
        (tmp_path / "rates.csv").write_text(content)
        with pytest.raises(ValueError, match=said) as error:
            read_rates(tmp_path / "rates.csv")
        assert "secret" not in str(error.value)
        assert "77" not in str(error.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX")
def test_numbers_are_read_from_regular_files_alone(tmp_path: Path) -> None:
    """A device has no end and a pipe may never begin: neither is opened, whoever names it."""
    os.mkfifo(tmp_path / "pipe.csv")
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "link.csv").symlink_to("/dev/zero")
    for path in (Path("/dev/zero"), *sorted(tmp_path.iterdir())):
        for read in (read_measured, read_rates, lambda name: measured.read(name, "leased_share", horizon_s=60.0)):
            with pytest.raises(
                ValueError, match=r"cannot be read \(a folder, a device or a pipe, not a regular file\)"
            ):
                read(path)
