"""The key of a run changes when its result may, and only then.

Oracle: the edits themselves. Each is made in a copy of the package (or in this process) and is known to change results,
or to change nothing. Whether the numbers MODEL, MEASURES and RACE were raised is told by fingerprints of small runs.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import fingerprints
import pytest

from recovery import theory
from recovery.simulate import identity
from recovery.stages import queueing
from recovery.study.runs import chunks

TOP = Path(__file__).resolve().parent.parent
GOLDEN = json.loads(fingerprints.GOLDEN.read_text(encoding="utf-8"))
KEYS = f"""
import sys
from recovery.simulate import identity  # first: fingerprints would take the package that stands beside it
sys.path.insert(0, {str(TOP / "tests")!r})
import fingerprints
print([identity.digest_of(fingerprints.experiment_of(*run).first, 1, 0) for name, run in fingerprints.RUNS.items()
       if not name.startswith("race") and "skew" not in name])
"""


def test_all_fingerprints_are_there() -> None:
    assert list(GOLDEN["runs"]) == list(fingerprints.RUNS)
    assert len(GOLDEN["runs"]) >= 60
    series = [one[0] for one in GOLDEN["runs"].values()]
    assert len(set(series)) >= len(series) - 2  # recovers_from and baseline move the measures only


@pytest.mark.parametrize("name", fingerprints.RUNS)
def test_a_number_is_raised_when_results_change(name: str) -> None:
    series, row = fingerprints.fingerprint(*fingerprints.RUNS[name])
    known_series, known_row = GOLDEN["runs"][name]
    numbers = [identity.MODEL, identity.MEASURES, identity.RACE]
    raised = [now > then for now, then in zip(numbers, (GOLDEN[k] for k in ("model", "measures", "race")), strict=True)]
    which = 2 if name.startswith("race") else 0 if series != known_series else 1
    if (series, row) != (known_series, known_row):
        number = ("MODEL", "MEASURES", "RACE")[which]
        assert raised[which], f"results changed: raise identity.{number}, then python tests/fingerprints.py"
    assert not any(raised), "a number was raised: python tests/fingerprints.py"


def keys_in(folder: Path) -> str:
    """Keys of all fingerprint runs by the code that lies in `folder`."""
    command = [sys.executable, "-P", "-c", KEYS]
    done = subprocess.run(
        command,
        # A copy lies elsewhere, so its kernels would be compiled anew; what enters them is the same uncompiled.
        env={"PYTHONPATH": os.pathsep.join([str(folder), str(folder / "kernels")]), "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.fixture(scope="module")
def keys_now() -> str:
    return keys_in(TOP)


EDITS = [
    ("recovery/units.py", "    return ", "    return 1000 + ", "def ns(", True),
    ("recovery/model/policies/rule.py", "return self.per_s / hosts", "return 0.5 * self.per_s / hosts", "", True),
    ("recovery/model/policies/rule.py", " * establish_per_s", " * 0.5 * establish_per_s", "def of_host", True),
    ("recovery/model/distributions.py", "return float(self.mean", "return 2 * float(self.mean", "def mean_s", True),
    ("kernels/recovery_kernels/policies/client.py", "\n", "\nUNUSED = 12345\n", "import", False),
    ("recovery/simulate/pipeline.py", "\n", "\n# a remark\n", "import", False),
]


@pytest.mark.parametrize(("file", "old", "new", "after", "changes"), EDITS)
def test_an_edit_changes_the_keys_when_it_may_change_results(
    keys_now: str, tmp_path: Path, file: str, old: str, new: str, after: str, changes: bool
) -> None:
    for package in ("kernels", "recovery"):
        shutil.copytree(TOP / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    text = (tmp_path / file).read_text(encoding="utf-8")
    head, mark, rest = text.partition(after) if after else ("", "", text)
    assert old in rest
    (tmp_path / file).write_text(head + mark + rest.replace(old, new, 1), encoding="utf-8")
    assert (keys_in(tmp_path) != keys_now) == changes


def test_a_file_of_another_name_changes_no_key(keys_now: str, tmp_path: Path) -> None:
    """A module of kernels and one of ours get other names, in every file that imports them."""
    renamed = {"recovery_kernels/limits.py": "bounds_of_work.py", "recovery/simulate/watch.py": "guard_duty.py"}
    for package in ("kernels", "recovery"):
        shutil.copytree(TOP / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for old, new in renamed.items():
        folder = tmp_path / "kernels" if old.startswith("recovery_kernels") else tmp_path
        (folder / old).rename((folder / old).with_name(new))
        room, name = Path(old).parent.as_posix().replace("/", "."), Path(old).stem
        for file in tmp_path.rglob("*.py"):
            text = file.read_text(encoding="utf-8")
            other = re.sub(rf"\b{room}\.{name}\b", f"{room}.{Path(new).stem}", text)
            other = re.sub(rf"^(from {room} import .*)\b{name}\b", rf"\1{Path(new).stem} as {name}", other, flags=re.M)
            file.write_text(other, encoding="utf-8")
    assert keys_in(tmp_path) == keys_now


def test_a_measure_that_changed_shows_in_the_fingerprint_of_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    run = fingerprints.RUNS["leases: "]
    before, bound = fingerprints.fingerprint(*run), theory.fleet_fluid_bound_s
    monkeypatch.setattr(theory, "fleet_fluid_bound_s", lambda *args, **kwargs: bound(*args, **kwargs) / 2)
    after = fingerprints.fingerprint(*run)
    assert after[0] == before[0]
    assert after[1] != before[1]


def test_a_rule_of_python_that_changed_shows_in_the_fingerprint_of_the_series(monkeypatch: pytest.MonkeyPatch) -> None:
    run = fingerprints.RUNS["leases: "]
    before = fingerprints.fingerprint(*run)
    monkeypatch.setattr(queueing, "quiet_inputs", lambda _, table: queueing.inputs((), table))
    assert fingerprints.fingerprint(*run)[0] != before[0]


class Before(NamedTuple):
    rate: float
    only: int


class After(NamedTuple):
    rate: float
    only: int
    low: float = 0.0


def test_a_rule_that_is_off_changes_no_key() -> None:
    """A number that was added, and says by its default that its rule is off, enters only where the rule is on."""
    assert identity._digest(Before(1.0, 0)) == identity._digest(After(1.0, 0))
    assert identity._digest(Before(1.0, 0)) != identity._digest(After(1.0, 0, 0.5))
    assert identity._digest(After(1.0, 0)) != identity._digest(After(0.0, 0)), "what has no default always enters"


def test_a_worker_with_other_code_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chunks.agreed(identity.CODE, chunks.simulate, []) == []
    with pytest.raises(ValueError, match="computes with other code than the command began with"):
        chunks.agreed("edited", chunks.simulate, [])
