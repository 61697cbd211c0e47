"""What is installed: the source distribution, the wheel that is made of it, and a run beside a public `kernels`.

Oracles: the files of this folder (each is in the wheel at its place, and nothing else is), and a package that is called
as the folder of our kernels is, with content of its own.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recovery.simulate import identity

TOP = Path(__file__).resolve().parent.parent
TINY = """
horizon = "3m"
hold = "10s"
fleet = { holders = 6, hosts = 1 }
host = { establish_time = "10ms", timeout = "5s", fail_after = "100ms" }
lease = { duration = "40s", check_every = "20s" }
dependency.outages = [{ from = "20s", to = "70s" }]
"""
PUBLIC = "# a package of somebody else\nOWNER = 'somebody else'\n"


def run(*command: object, **options: Any) -> str:
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, encoding="utf-8", check=False, **options
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def build(what: str, source: Path, goal: Path) -> Path:
    """A distribution, by the build backend that pyproject.toml names, without a network."""
    goal.mkdir(exist_ok=True)
    code = f"from setuptools import build_meta; print(build_meta.build_{what}({str(goal)!r}))"
    return goal / run(sys.executable, "-c", code, cwd=source).splitlines()[-1]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The source distribution of a copy of this folder, and the wheel of what it holds."""
    room = tmp_path_factory.mktemp("made")
    copy = room / "copy"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(TOP / name, copy)
    for name in ("recovery", "kernels"):
        shutil.copytree(TOP / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    sdist = build("sdist", copy, room / "dist")
    with tarfile.open(sdist) as archive:
        archive.extractall(room / "source", filter="data")
    [source] = (room / "source").iterdir()
    return sdist, build("wheel", source, room / "dist")


def ours() -> set[str]:
    """Every file of the two packages, as it is to be installed."""
    places = {TOP / "recovery": TOP, TOP / "kernels" / "recovery_kernels": TOP / "kernels"}
    return {
        file.relative_to(above).as_posix()
        for folder, above in places.items()
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def test_the_wheel_holds_our_files_and_no_package_kernels(made: tuple[Path, Path]) -> None:
    names = {name for name in zipfile.ZipFile(made[1]).namelist() if not name.endswith("/")}
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"recovery", "recovery_kernels"}
    assert {name for name in names if ".dist-info/" not in name} == ours()
    assert {"recovery/py.typed", "recovery_kernels/py.typed"} <= names


@pytest.fixture(scope="module")
def installed(made: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment: the wheel, a public package `kernels` beside it, and what both need from this one."""
    place = tmp_path_factory.mktemp("environment")
    venv.create(place, with_pip=False)
    binaries = place / ("Scripts" if sys.platform == "win32" else "bin")
    options = "--disable-pip-version-check", "--quiet", "--no-deps", "--no-index"
    run(sys.executable, "-m", "pip", "--python", binaries / "python", "install", *options, made[1])
    [site] = {path.parent for path in place.rglob("recovery_kernels")}
    assert not (site / "kernels").exists()
    (site / "kernels").mkdir()
    (site / "kernels" / "__init__.py").write_text(PUBLIC, encoding="utf-8")
    (site / "needed.pth").write_text(f"{Path(np.__file__).parent.parent}\n", encoding="utf-8")
    return binaries


def test_what_is_installed_runs_beside_a_public_package_kernels(installed: Path, tmp_path: Path) -> None:
    """By the command, by `python -m` and from Python. Not compiled: this is of files, not of speed."""
    (tmp_path / "tiny.toml").write_text(TINY, encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"NUMBA_DISABLE_JIT": "1"}
    ask = "import kernels, recovery, recovery_kernels as k; from recovery.simulate import identity; "
    ask += "print(kernels.OWNER, identity.CODE, recovery.__file__, k.__file__, sep='\\n')"
    owner, code, *homes = run(installed / "python", "-c", ask, cwd=tmp_path, env=environment).splitlines()
    assert (owner, code) == ("somebody else", identity.CODE)  # of our files alone, wherever they lie
    assert [Path(home).is_relative_to(installed.parent) for home in homes] == [True, True]
    run(installed / "recovery", "run", "tiny.toml", cwd=tmp_path, env=environment)
    assert (tmp_path / "out" / "tiny" / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    told = run(
        installed / "python",
        "-m",
        "recovery",
        "run",
        "tiny.toml",
        "--json",
        "--no-report",
        cwd=tmp_path,
        env=environment,
    )
    [row] = json.loads(told)["runs"][0]["summary"]["rows"]
    assert row["verdict"] == "recovered"
    assert "schema" in run(installed / "recovery", "new", "--system", "nomad", cwd=tmp_path, env=environment)
