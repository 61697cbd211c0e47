"""What compiles, and what is said of it: every kernel that a run calls is asked for, compiled at once, and named.

Oracle of the names: the calls themselves, looked at in a process in which nothing is compiled (called_kernels.py).
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import fingerprints
import pytest
from click.testing import CliRunner, Result
from recovery_kernels import jit

from recovery.cli import main as cli
from recovery.reading.experiment import parse
from recovery.simulate import needed
from recovery.simulate.needed import KernelPart
from recovery.study import warm

TOP = Path(__file__).resolve().parent.parent


def short(text: str) -> str:
    """A scenario of the fingerprints, shortened: here nothing is compiled."""
    for long, brief in (("30m", "6m"), ("9m", "4m"), ("20m", "5m"), ("2m", "10s"), ("60/s", "20/s")):
        text = text.replace(f'"{long}"', f'"{brief}"')
    return text.replace("years = 0.05", "years = 0.0005").replace(
        "trials = 64, repeats = 4", "trials = 10, repeats = 2"
    )


SAMPLED = fingerprints.LEASES.replace("hosts = 4", "hosts = 8, sample_hosts = 4")
WATCHED = fingerprints.LEASES + '[[operator]]\ndo = "restart"\nwhen = "leased < 60%"\n'
NEWEST_FIRST = fingerprints.LEASES + 'policy.queue = "lifo"\n'
SCENARIOS = [
    fingerprints.LEASES,
    fingerprints.JOBS,
    fingerprints.JOBS.replace('timeout = "4s"', 'timeout = { dist = "uniform", min = "3s", max = "5s" }'),
    fingerprints.LATER,
    fingerprints.RACE,
    SAMPLED,
    WATCHED,
    NEWEST_FIRST,
]


@pytest.fixture(scope="module")
def looked_at() -> dict[str, Any]:
    """What each part's small run calls, and what runs of the scenarios call beside what they are said to need."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(TOP / "tests" / "called_kernels.py")],
        input=json.dumps([short(text) for text in SCENARIOS]), capture_output=True, text=True, check=True, cwd=TOP,
        env={**os.environ, "PYTHONPATH": f"{TOP}{os.pathsep}{TOP / 'kernels'}"},
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("part", needed.PARTS, ids=lambda part: part.name)
def test_the_small_run_of_a_part_calls_its_kernels(part: KernelPart, looked_at: dict[str, Any]) -> None:
    assert set(part.kernels) <= set(looked_at["parts"][part.name])


@pytest.mark.parametrize("number", range(len(SCENARIOS)))
def test_a_run_calls_no_kernel_that_is_not_asked_for(number: int, looked_at: dict[str, Any]) -> None:
    found = looked_at["scenarios"][number]
    kernels = {part.name: set(part.kernels) for part in needed.PARTS}
    assert found["called"]
    assert set(found["called"]) <= set().union(*(kernels[name] for name in found["parts"]))


def test_every_part_can_be_needed() -> None:
    text = warm._SMALL[needed.WINDOW] + warm._SMALL[needed.LOOP].removeprefix(warm._LEASES)
    texts = [
        text,
        *(warm._SMALL[part] for part in (needed.JOBS, needed.JOBS_EVENTS, needed.LEASES)),
        *(warm._SMALL[part] for part in (needed.LANES_ANY, needed.ENDED, needed.LANES_CLASSES)),
        *(warm._SMALL[part] for part in (needed.ALONE, needed.SAMPLE, needed.SESSIONS, needed.DOOR, needed.SHARDS)),
    ]
    assert set(warm.parts_of(parse(one).first for one in texts)) == set(needed.PARTS)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that is empty, and a compiler that only leaves its files there."""

    def compile_part(part: KernelPart) -> None:
        for kernel in part.kernels:
            (tmp_path / f"{kernel}-1.py311.nbi").touch()

    monkeypatch.setattr(jit, "cache_dir", lambda: tmp_path)
    monkeypatch.setattr(warm, "compile_part", compile_part)
    return tmp_path


LAUNCHING = warm._SMALL[needed.LAUNCHES]


def test_a_later_stage_is_asked_for_by_itself(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The kernels of the leases are there, those of launches are not: one line names these, and how long they take."""
    warm.compile_part(needed.LANES)
    warm.for_runs([parse(LAUNCHING).first], quiet=False)
    begin, end = capsys.readouterr().err.splitlines()
    assert begin.startswith("compiling draws.stream_key, launches.begin, launches.advance: about ")
    assert begin.endswith(" of CPU time, kept for later …")
    assert re.fullmatch(r"compiled in .+ \(.+ of CPU time\)", end)
    warm.for_runs([parse(LAUNCHING).first], quiet=False)
    assert capsys.readouterr() == ("", "")


def test_nothing_is_said_where_nobody_listens(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    warm.for_runs([parse(LAUNCHING).first], quiet=True)
    assert capsys.readouterr() == ("", "")
    assert not needed.missing([needed.LANES, needed.LAUNCHES])


def call(*arguments: object) -> Result:
    result = CliRunner().invoke(cli.main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result


def test_warmup_compiles_what_is_missing_and_then_nothing(cache: Path) -> None:
    first = call("warmup")
    assert first.stdout.startswith("all is compiled, in ")
    told = first.stderr.splitlines()
    assert len(told) == 2 * len(needed.PARTS)
    assert all(any(line.startswith(f"{part.name}: ") for line in told) for part in needed.PARTS)
    again = call("warmup")
    assert (again.stdout, again.stderr) == ("all was compiled before\n", "")


def test_warmup_for_a_file_compiles_what_its_runs_call(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("warm") / "launching.toml"
    file.write_text(LAUNCHING, encoding="utf-8")
    told = json.loads(call("warmup", "--for", file, "--json").stdout)
    assert told["parts"] == ["leases", "launches"]
    assert set(told["compiled_s"]) == {"leases", "launches"}
    assert set(needed.missing(needed.PARTS)) == set(needed.PARTS) - {needed.LANES, needed.LAUNCHES}


def test_warmup_refuses_a_file_that_is_none(cache: Path, tmp_path: Path) -> None:
    assert CliRunner().invoke(cli.main, ["warmup", "--for", str(tmp_path / "none.toml")]).exit_code == 2
