"""Compile a program's source where there is a compiler, run it, read its one line of numbers."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
from dataclasses import astuple
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
OPTIONS = ("-O3", "-march=native", "-ffp-contract=off", "-Wall", "-Wextra")


def missing_cpp() -> str | None:
    return None if shutil.which("g++") else "there is no g++"


def cpp(source: str, params: Any) -> list[str]:
    """Numbers that such a program in C++ prints for these parameters."""
    return numbers(build("g++", source, "-std=c++17"), params)


@cache
def build(compiler: str, source: str, *arguments: str) -> Path:
    """Compile `source` for this machine, once a process; the program goes away with the process."""
    folder = Path(tempfile.mkdtemp(prefix="storm-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    program = folder / Path(source).stem
    subprocess.run([compiler, *OPTIONS, "-o", str(program), str(HERE / source), *arguments], check=True)
    return program


def numbers(program: Path, params: Any) -> list[str]:
    """What it prints. Parameters go in by position, in the order of their class."""
    command = [str(program), *(str(value) for value in astuple(params))]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
