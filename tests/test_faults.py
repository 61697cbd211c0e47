"""Faults that were found by users, each with its smallest input: what must come instead.

`tests/faults/cases/NN-*.toml` are the faults, a file each: `number`, `title`, and either `[[step]]`s that are run one
after the other in an empty folder, or `test`, the test that looks at it where a command alone cannot. A step is a
`command` (arguments of `recovery`; `{in}` is the folder of inputs, `{out}` the empty folder) with its exit `status` and
patterns that must (`stdout`, `stderr`) or must not (`not_stdout`, `not_stderr`) be found, or `truncate = "file"` with
`size` in bytes. No step may ever print a traceback or a warning of a library.

Oracle: what is wanted stands beside each input, from the theory of queues or the contract of the command line.
"""

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from recovery.cli import main as cli

TOP = Path(__file__).resolve().parent
INPUTS = TOP / "faults" / "inputs"
CASES = sorted((TOP / "faults" / "cases").glob("*.toml"))
NEVER_STDERR = r"Traceback|Warning:|\.py:\d+"


def case_of(path: Path) -> dict[str, Any]:
    """What a file says of its fault."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_fault(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = case_of(path)
    assert path.name.startswith(f"{case['number']:02d}-")
    assert case["title"]
    assert ("test" in case) != ("step" in case)
    if "test" in case:
        file, _, name = case["test"].partition("::")
        tree = ast.parse((TOP.parent / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        return
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    for step in case["step"]:
        if "truncate" in step:
            with Path(step["truncate"].format(out=tmp_path)).open("rb+") as file:
                file.truncate(step["size"])
            continue
        command = [word.replace("{in}", str(INPUTS)).replace("{out}", str(tmp_path)) for word in step["command"]]
        result = CliRunner().invoke(cli.main, command)
        said = f"{command}\n{result.stdout}\n{result.stderr}"
        assert result.exception is None or isinstance(result.exception, SystemExit), (said, result.exc_info)
        assert result.exit_code == step["status"], said
        for stream, text in (("stdout", result.stdout), ("stderr", result.stderr)):
            for pattern in step.get(stream, ()):
                assert re.search(pattern, text, re.MULTILINE), f"no {pattern!r} in {stream}: {said}"
            for pattern in step.get(f"not_{stream}", ()):
                assert not re.search(pattern, text, re.MULTILINE), f"{pattern!r} in {stream}: {said}"
        assert not re.search(NEVER_STDERR, result.stderr), said
