"""Compile a peer's source where there is a compiler, run it, read its one line of numbers."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
from dataclasses import astuple
from functools import cache
from pathlib import Path

from . import StormParams, StormResult

HERE = Path(__file__).parent


@cache
def build(compiler: str, source: str, *arguments: str) -> Path:
    """Compile `source` once a process; the program goes away with the process."""
    folder = Path(tempfile.mkdtemp(prefix="storm-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    program = folder / Path(source).stem
    command = [compiler, "-O2", "-Wall", "-Wextra", "-o", str(program), str(HERE / source), *arguments]
    subprocess.run(command, check=True)
    return program


def run(program: Path, params: StormParams) -> StormResult:
    """Parameters go in by position, in the order of StormParams; counts come back in the order of StormResult."""
    command = [str(program), *(str(value) for value in astuple(params))]
    line = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    submissions, finishes, successes, timeouts, leased_share, cpu_s = line.split()
    return StormResult(
        int(submissions),
        int(finishes),
        int(successes),
        int(timeouts),
        leased_share=float(leased_share),
        cpu_s=float(cpu_s),
    )
