"""The compile decorator and its cache, on a copy of the package with two functions in two files.

Oracle: the copy computes (x + STEP) * 10, so every answer is known by arithmetic; hits and misses are counted by Numba.
"""

import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numba
import pytest
from recovery_kernels import jit, lowering, pipeline, views

INNER = """
from recovery_kernels.jit import inline


@inline
def inner(x):
    return x + {step}
"""
OUTER = """
from recovery_kernels.inner import inner
from recovery_kernels.jit import kernel


@kernel
def outer(x):
    return inner(x) * 10.0


@kernel
def read(values, index):
    return values[index]
"""
PROBE = """
import json, os
import numba
from recovery_kernels import jit
compiled_before = jit.is_compiled()
from recovery_kernels.outer import outer
answer = outer(1.0)
stats = getattr(outer, "stats", None)
print(json.dumps({
    "answer": answer,
    "compiled_before": compiled_before,
    "directory": str(jit.cache_dir()),
    "hits": sum(stats.cache_hits.values()) if stats else None,
    "misses": sum(stats.cache_misses.values()) if stats else None,
    "others_cache": numba.config.CACHE_DIR,
    "for_children": os.environ.get("NUMBA_CACHE_DIR"),
}))
"""


class Copy:
    """A package of the name `recovery_kernels` in a folder of its own, a home, and processes that see only these."""

    def __init__(self, room: Path) -> None:
        self.room = room
        self.home = room / "home"
        self.package = room / "recovery_kernels"
        self.home.mkdir()
        self.package.mkdir()
        (self.package / "__init__.py").touch()
        (self.package / "outer.py").write_text(OUTER, encoding="utf-8")
        for file in (jit, lowering, pipeline, views):
            shutil.copy(Path(str(file.__file__)), self.package)
        self.write_step(1)

    def write_step(self, step: int) -> None:
        (self.package / "inner.py").write_text(INNER.format(step=step), encoding="utf-8")

    def python(self, program: str, **settings: str) -> subprocess.CompletedProcess[str]:
        env = {key: value for key, value in os.environ.items() if not key.startswith(("NUMBA_", "PYTHON", "COV_"))}
        homes = {key: str(self.home) for key in ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA", "TMPDIR", "TEMP", "TMP")}
        env |= homes | {"PYTHONPATH": str(self.room), "PYTHONDONTWRITEBYTECODE": "1"} | settings
        return subprocess.run(
            [sys.executable, "-c", program], cwd=self.room, env=env, capture_output=True, text=True, check=False
        )

    def probe(self, **settings: str) -> dict[str, Any]:
        done = self.python(PROBE, **settings)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def test_an_edit_in_another_file_is_seen(copy: Copy) -> None:
    first = copy.probe()
    copy.write_step(2)
    second = copy.probe()
    copy.write_step(1)
    third = copy.probe()
    assert [run["answer"] for run in (first, second, third)] == [20.0, 30.0, 20.0]
    assert first["directory"] == third["directory"] != second["directory"]
    assert third["hits"] == 1, "the first source came back, and its compiled code with it"


def test_the_second_process_compiles_nothing(copy: Copy) -> None:
    first, second = copy.probe(), copy.probe()
    assert (first["compiled_before"], first["hits"], first["misses"]) == (False, 0, 1)
    assert (second["compiled_before"], second["hits"], second["misses"]) == (True, 1, 0)
    assert first["answer"] == second["answer"] == 20.0


def test_the_package_may_lie_in_a_read_only_place(copy: Copy) -> None:
    before = sorted(copy.package.rglob("*"))
    copy.package.chmod(0o555)
    try:
        found = copy.probe()
    finally:
        copy.package.chmod(0o755)
    assert found["answer"] == 20.0
    assert Path(found["directory"]).is_relative_to(copy.home)
    assert sorted(copy.package.rglob("*")) == before, "root may write everywhere, so the folder itself is looked at"


def test_a_home_that_cannot_be_written_to_gives_way_to_a_temporary_directory(copy: Copy) -> None:
    blocked = copy.room / "blocked"
    blocked.write_text("a file cannot hold a folder, not even for root", encoding="utf-8")
    settings = {"HOME": str(blocked), "XDG_CACHE_HOME": str(blocked), "LOCALAPPDATA": str(blocked)}
    first, second = copy.probe(**settings), copy.probe(**settings)
    assert first["answer"] == 20.0
    assert Path(first["directory"]).is_relative_to(copy.home)
    assert second["hits"] == 1


def test_the_users_cache_directory_is_kept(copy: Copy) -> None:
    wanted = copy.room / "wanted here"
    found = copy.probe(NUMBA_CACHE_DIR=str(wanted))
    assert Path(found["directory"]).parent == wanted
    assert found["others_cache"] == found["for_children"] == str(wanted), (
        "other packages and child processes see the user's"
    )
    assert not any(copy.home.iterdir())
    assert copy.probe(NUMBA_CACHE_DIR=str(wanted))["hits"] == 1


def test_a_users_cache_directory_that_cannot_be_written_to_is_named(copy: Copy) -> None:
    blocked = copy.room / "blocked"
    blocked.touch()
    done = copy.python(PROBE, NUMBA_CACHE_DIR=str(blocked))
    assert done.returncode == 1
    assert f"OSError: NUMBA_CACHE_DIR is {str(blocked)!r}; want" in done.stderr


DAMAGE = {
    "an index that is cut": ("nbi", lambda path: os.truncate(path, 100)),
    "an index that is empty": ("nbi", lambda path: os.truncate(path, 0)),
    "an index that is no file": ("nbi", lambda path: (path.unlink(), path.mkdir())),
    "code that is cut": ("nbc", lambda path: os.truncate(path, 100)),
    "code that is empty": ("nbc", lambda path: os.truncate(path, 0)),
    "code that lacks its end": ("nbc", lambda path: os.truncate(path, path.stat().st_size - 1)),
    "code of something else": ("nbc", lambda path: path.write_bytes(pickle.dumps(("no", "machine", "code")))),
}


# Of each kind of damage one in each run of the tests: a case is three processes that load Numba.
QUICK = ("an index that is cut", "an index that is no file", "code that lacks its end")


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in DAMAGE]
)
def test_a_damaged_cache_is_thrown_away_and_compiled_again(copy: Copy, name: str) -> None:
    """One line says so, and the next process finds a whole cache again, unless its place is taken by a folder."""
    suffix, damage = DAMAGE[name]
    for path in Path(copy.probe()["directory"]).rglob(f"*.{suffix}"):
        damage(path)
    done = copy.python(PROBE)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["answer"], found["hits"], found["misses"]) == (20.0, 0, 1)
    directory = re.escape(found["directory"])
    said = rf"kernel cache {directory}\S* is damaged \(.+\): thrown away and compiled again\n"
    assert re.fullmatch(said, done.stderr)
    again = copy.python(PROBE)
    assert json.loads(again.stdout)["hits"] == (0 if "no file" in name else 1)
    assert (again.stderr == "") == ("no file" not in name)


def test_a_cache_of_another_numba_is_compiled_again(copy: Copy) -> None:
    [index] = [path for path in Path(copy.probe()["directory"]).rglob("*.nbi") if "outer" in path.name]
    index.write_bytes(pickle.dumps("0.0.0") + b"in a format of its own")
    found = copy.probe()
    assert (found["answer"], found["hits"], found["misses"]) == (20.0, 0, 1)
    assert copy.probe()["hits"] == 1


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_cache_that_cannot_be_written_costs_time_alone(copy: Copy) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))\n"
    done = copy.python(limit + PROBE)
    assert (done.returncode, json.loads(done.stdout)["answer"]) == (0, 20.0)
    assert re.fullmatch(r"kernel cache .* cannot be written \(File too large\): .*compiles again\n", done.stderr)
    assert copy.probe()["answer"] == 20.0


def test_other_caches_are_removed_when_nobody_used_them_for_30_days(copy: Copy) -> None:
    base = Path(copy.probe()["directory"]).parent
    day_s = 24 * 3600
    for name, age_days in (("0" * 16, 31), ("1" * 16, 29), ("not-a-digest", 31)):
        (base / name).mkdir()
        (base / name / ".used").touch()
        for place in (base / name / ".used", base / name):
            os.utime(place, times=(time.time() - age_days * day_s,) * 2)
    ours = Path(copy.probe()["directory"]).name
    assert sorted(place.name for place in base.iterdir()) == sorted(["1" * 16, "not-a-digest", ours])


@pytest.mark.boundscheck
def test_checked_and_unchecked_code_are_kept_apart(copy: Copy) -> None:
    plain, checked = copy.probe(), copy.probe(NUMBA_BOUNDSCHECK="1")
    assert plain["directory"] != checked["directory"]
    assert checked["misses"] == 1
    read = "import numpy; from recovery_kernels.outer import read; read(numpy.zeros(3), 3)"
    assert copy.python(read).returncode == 0, "compiled code does not look, which is why the other run exists"
    assert "IndexError" in copy.python(read, NUMBA_BOUNDSCHECK="1").stderr


@pytest.mark.nojit
def test_without_compiling_the_decorator_gives_the_function_back(copy: Copy) -> None:
    found = copy.probe(NUMBA_DISABLE_JIT="1")
    assert (found["answer"], found["compiled_before"], found["hits"]) == (20.0, True, None)


@pytest.mark.nojit
def test_the_name_of_the_directory_depends_on_what_decides_the_machine_code(monkeypatch: pytest.MonkeyPatch) -> None:
    digest = jit._digest.__wrapped__
    plain = digest(False)
    assert digest(True) != plain
    monkeypatch.setattr(numba, "__version__", "0.0")
    assert digest(False) != plain


@pytest.mark.nojit
@pytest.mark.boundscheck
def test_a_kernel_divides_as_arrays_do_and_its_docstring_stays() -> None:
    @jit.kernel
    def ratio(x: float, y: float) -> float:
        """Quotient."""
        return x / y

    assert ratio.__doc__ == "Quotient."
    assert ratio(3.0, 2.0) == 1.5
    if hasattr(ratio, "signatures"):  # compiled; Python itself raises
        assert ratio(1.0, 0.0) == float("inf")


def test_kernels_that_threads_call_first_at_once_lie_in_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    place, found = jit.cache_dir(), numba.config.CACHE_DIR

    def kept(_: object) -> str:
        here = str(numba.config.CACHE_DIR)
        time.sleep(0.02)  # another thread comes
        return here

    monkeypatch.setattr(jit, "_Cache", kept)
    with ThreadPoolExecutor(4) as pool:
        places = list(pool.map(jit._cache_of, [print] * 4))
        asked = list(pool.map(lambda number: jit.cache_dir() if number % 2 else jit._cache_of(print), range(4)))
    assert {*places, *map(str, asked)} == {str(place)}
    assert found == numba.config.CACHE_DIR


def test_the_real_package_keeps_its_cache_out_of_the_tree() -> None:
    package = Path(jit.__file__).parent
    assert not jit.cache_dir().is_relative_to(package)
    assert not list(package.rglob("*.nbi"))
