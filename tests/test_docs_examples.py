"""The examples of README and docs, run as they stand: scenarios, commands with what they print, Python.

Oracle: the page. A command ends with 0, or with the status that `echo $?` shows after it; what is shown of its output
is what it prints, as far as it is shown (a line of `…` leaves out any lines). A block that is not run says why, in a
comment above it.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from recovery.cli import main as cli

TOP = Path(__file__).resolve().parent.parent
SITE = [page for page in (TOP / "docs").rglob("*.md") if not {"generated", "_build"} & set(page.parts)]
PAGES = [TOP / "README.md", *sorted(SITE)]
OTHERS = {
    "python.md": "tests/test_api.py",
    "adding.md": "tests/test_stage_contract.py",
    "ci.md": "tests of the workflow",
}
BLOCK = re.compile(
    r"(?:^<!-- (?P<note>[^\n]*) -->\n)?^```(?P<language>toml|console|python)\n(?P<text>.*?)^```$", re.M | re.S
)


class Block(NamedTuple):
    """A fenced text of a page, with the comment above it."""

    note: str
    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [Block(found["note"] or "", found["language"], found["text"]) for found in BLOCK.finditer(text)]


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a console with the lines that are shown below it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, *shown = part.rstrip("\n").split("\n")
        yield command.split("   #")[0].strip(), shown


def matches(shown: list[str], printed: list[str]) -> bool:
    """Whether the lines are those printed, `…` standing for any lines."""
    pattern = "".join(r"(?:.*\n)*" if line == "…" else re.escape(line) + "\n" for line in shown)
    return re.fullmatch(pattern, "".join(line + "\n" for line in printed)) is not None


def run(command: str) -> tuple[int, str]:
    """A command in this process: its status, and what it prints that goes to no file."""
    words = shlex.split(command)
    words = words[2:] if words[:2] == ["python", "-m"] else words
    assert words[0] == "recovery", command
    target = None
    if ">" in words:
        words, target = words[: words.index(">")], Path(words[words.index(">") + 1])
    done = CliRunner().invoke(cli.main, words[1:])
    if target is not None:
        target.write_text(done.stdout, encoding="utf-8")
    return done.exit_code, "" if target is not None else done.stdout


def told(pages: list[Path]) -> list[Path]:
    """The pages with examples that are run here."""
    return [page for page in pages if blocks(page) and page.name not in OTHERS]


@pytest.mark.slow
@pytest.mark.parametrize("page", told(PAGES), ids=lambda page: page.name)
def test_the_examples_of_a_page_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "experiments").symlink_to(TOP / "experiments")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for note, language, text in blocks(page):
        if note.startswith("not run: "):
            continue
        if language == "toml":
            file = re.fullmatch(r"file: ([\w.-]+)(, more)?", note)
            assert file, f"a scenario without the name of its file:\n{text}"
            with Path(file[1]).open("a" if file[2] else "w", encoding="utf-8") as out:
                out.write(text)
        elif language == "python":
            exec(compile(text, str(page), "exec"), names)
        else:
            status = 0
            for command, shown in commands(text):
                if command.startswith(". "):
                    continue
                if command == "echo $?":
                    assert shown == [str(status)], f"{status} is the status; {shown} is shown"
                    status = 0
                    continue
                assert status == 0, f"the command before {command} ended with {status}, and no echo tells it"
                status, printed = run(command)
                assert not shown or matches(shown, printed.splitlines()), f"{command} prints:\n{printed}"
            assert status == 0, f"the last command ended with {status}:\n{text}"


def test_the_shown_lines_are_told_apart() -> None:
    assert matches(["a", "…"], ["a", "b", "c"])
    assert matches(["…", "c"], ["a", "b", "c"])
    assert not matches(["a"], ["a", "b"])
    assert not matches(["b", "…"], ["a", "b"])
