"""Shell completion. Oracle: bash itself, which is asked to complete a line."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from recovery.cli import main as cli

TOP = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(shell: str) -> None:
    result = CliRunner().invoke(cli.main, ["completion", shell])
    assert result.exit_code == 0
    assert f"_RECOVERY_COMPLETE={shell}_complete" in result.stdout
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=result.stdout, text=True, check=True)


def test_the_help_tells_of_it() -> None:
    assert 'eval "$(recovery completion bash)"' in CliRunner().invoke(cli.main, ["--help"]).stdout


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize(
    ("words", "found"),
    [("recovery comp", {"compare", "completion"}), ("recovery new --system nom", {"nomad"})],
)
def test_bash_completes_a_line(tmp_path: Path, words: str, found: set[str]) -> None:
    program = tmp_path / "recovery"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m recovery "$@"\n')
    program.chmod(0o755)
    script = CliRunner().invoke(cli.main, ["completion", "bash"]).stdout
    array = " ".join(f'"{word}"' for word in words.split())
    line = f"COMP_WORDS=({array}); COMP_CWORD={len(words.split()) - 1}; _recovery_completion recovery; "
    done = subprocess.run(
        ["bash", "-c", script + "\n" + line + 'printf "%s\\n" "${COMPREPLY[@]}"'], capture_output=True, text=True,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(TOP)}, check=True,
    )  # fmt: skip
    assert set(done.stdout.split()) == found, done.stderr
