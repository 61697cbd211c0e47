"""Sweeps: the same bytes however they ran or died, and designs whose points lie where they should.

Oracles: a sweep that was never killed, `itertools`, strata counted by hand, differences recomputed from runs.parquet,
and the service rate of one worker.
"""

import collections
import functools
import itertools
import json
import math
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from recovery import cli, design, drain
from recovery.design import Span, Sweep
from recovery.scenario import World
from recovery.units import quantity

TOP = Path(__file__).resolve().parent.parent
BASE = """
replications = 2
seed = 5
horizon = "40m"
coupling.window = "10s"
[fleet]
droplets = 300
hosts = 2
[host]
workers = 2
establish_time = { dist = "exponential", mean = "400ms" }
renew_time = "20ms"
timeout = "30s"
[lease]
duration = "10m"
check_every = "3m"
[dependency]
outages = [{ from = "2m", to = "15m" }]
[policy]
client = { name = "fixed", delay = "5s" }
"""
SWEEP = """
[sweep]
method = "sobol"
samples = 4
curves = { every = "1m", worlds = 2 }
[sweep.levers]
"policy.queue" = { values = ["fifo", "lifo"] }
"policy.client" = { values = [
  { name = "fixed", delay = "5s" }, { name = "full-jitter", base = "10s", cap = "10m" },
] }
[sweep.uncertainties]
"host.timeout" = { min = "15s", max = "2m", distribution = "log-uniform" }
"fleet.droplets" = { min = 200, max = 400 }
"""
POLICIES, RUNS = 4, 4 * 4 * 2


def call(*arguments: object) -> Result:
    result = CliRunner().invoke(cli.main, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


def written(folder: Path, text: str, name: str = "tiny") -> Path:
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder / f"{name}.toml"


def swept(file: Path, out: Path, *options: object, status: int = 0) -> Path:
    result = call("sweep", file, "--out", out, "--no-report", "--json", "--threads", 2, *options)
    assert result.exit_code == status, result.output
    return out / file.stem


def summary_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "summary.json").read_text(encoding="utf-8")))


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in ("runs.parquet", "series.parquet")}


def part_rows(folder: Path) -> int:
    return sum(pl.read_parquet(file).height for file in (folder / "parts").glob("*.parquet"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a sweep that nobody disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    return swept(written(folder, BASE + SWEEP), folder / "out")


# The same bytes


def test_one_thread_and_two_give_the_same_bytes(whole: Path, tmp_path: Path) -> None:
    once = swept(written(tmp_path, BASE + SWEEP), tmp_path / "out", "--threads", 1)
    assert bytes_of(once) == bytes_of(whole)
    assert pl.read_parquet(whole / "runs.parquet").height == RUNS
    assert pl.read_parquet(whole / "series.parquet").group_by("policy", "world").len().height == POLICIES * 2


@pytest.mark.slow
def test_processes_give_the_same_bytes(whole: Path, tmp_path: Path) -> None:
    other = swept(written(tmp_path, BASE + SWEEP), tmp_path / "out", "--backend", "processes")
    assert bytes_of(other) == bytes_of(whole)


def _killed(file: Path, out: Path, chance: random.Random) -> bool:
    """Go on with a sweep and kill it (SIGKILL) at a random moment after it has added a part; whether it was killed."""
    parts = out / file.stem / "parts"
    before = len(list(parts.glob("*.parquet")))
    command = [sys.executable, "-m", "recovery.cli", "sweep", str(file), "--out", str(out), "--no-report", "--resume"]
    environment = {**os.environ, "PYTHONPATH": str(TOP)}
    sweep = subprocess.Popen(
        [*command, "--threads", "2"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while sweep.poll() is None and len(list(parts.glob("*.parquet"))) <= before:
        time.sleep(0.001)
    time.sleep(chance.uniform(0.0, 0.1))
    sweep.kill()
    status = sweep.wait()
    assert status in (0, -signal.SIGKILL)
    return status != 0


def _survives_kills(tmp_path: Path, text: str, kills: int, whole: Path) -> None:
    chance = random.Random(20251020)
    file = written(tmp_path, text)
    killed, life = 0, 0
    while killed < kills:
        out = tmp_path / f"out-{life}"
        goes_on = True
        while goes_on and killed < kills:
            goes_on = _killed(file, out, chance)
            killed += goes_on
        folder = swept(file, out, "--resume")
        assert bytes_of(folder) == bytes_of(whole)
        assert not list(folder.rglob("*.part*/")), "a part that is no whole file was left under a final name"
        life += 1


def test_a_killed_sweep_goes_on_and_ends_with_the_same_bytes(whole: Path, tmp_path: Path) -> None:
    _survives_kills(tmp_path, BASE + SWEEP, 3, whole)


@pytest.mark.slow
def test_fifty_kills_change_no_byte(tmp_path: Path) -> None:
    text = (BASE + SWEEP).replace("replications = 2", "replications = 8").replace("samples = 4", "samples = 8")
    (tmp_path / "calm").mkdir()
    calm = swept(written(tmp_path / "calm", text), tmp_path / "calm" / "out")
    _survives_kills(tmp_path, text, 50, calm)


# What is run again


def test_a_changed_policy_runs_alone(tmp_path: Path) -> None:
    file = written(tmp_path, BASE + SWEEP)
    folder = swept(file, tmp_path / "out")
    assert part_rows(folder) == RUNS
    swept(file, tmp_path / "out", "--resume")
    assert part_rows(folder) == RUNS  # nothing changed, nothing runs
    text = (BASE + SWEEP).replace('"lifo"', '{ name = "bounded", limit = "15s" }')
    swept(written(tmp_path, text), tmp_path / "out", "--resume")
    assert part_rows(folder) == RUNS + RUNS // 2  # two of the four policies have that queue
    (tmp_path / "new").mkdir()
    assert bytes_of(folder) == bytes_of(swept(written(tmp_path / "new", text), tmp_path / "new" / "out"))


def test_a_folder_with_runs_is_refused_and_kept(tmp_path: Path) -> None:
    file = written(tmp_path, BASE + SWEEP)
    folder = swept(file, tmp_path / "out")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    result = call("sweep", file, "--out", tmp_path / "out", "--no-report")
    assert result.exit_code == 2
    assert "--resume" in result.stderr
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


# Workers that die


def _works(count: int, folder: Path | str = "") -> list[drain.Work]:
    """Runs that have no world: their key is all that the functions below look at."""
    nothing = cast(World, str(folder))
    return [drain.Work(f"run-{i}", nothing, 1, i) for i in range(count)]


def _dies_of_seven(works: Sequence[drain.Work]) -> list[drain.Done]:
    for work in works:
        if work.key == "run-7":
            os._exit(9)
    return [drain.Done({"key": work.key, "error": None}, None) for work in works]


def _dies_once(works: Sequence[drain.Work]) -> list[drain.Done]:
    for work in works:
        if work.key == "run-3":
            flag = Path(str(work.world)) / "died"
            if not flag.exists():
                flag.touch()
                os._exit(9)
    return [drain.Done({"key": work.key, "error": None}, None) for work in works]


def _pool() -> drain.Backend:
    """Like the backend of processes, but forked from a server that has imported this file once."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload([__name__])
    return drain.Backend("processes", 2, functools.partial(ProcessPoolExecutor, 2, server))


def _drained(works: list[drain.Work], run: Any, each_s: float, place: drain.Backend | None = None) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    drain.drain(
        works, place or _pool(), lambda done: rows.extend(one.row for one in done), run=run, each_s=each_s
    )
    assert sorted(row["key"] for row in rows) == sorted(work.key for work in works)  # each one once
    return {row["key"]: row["error"] for row in rows}


@pytest.mark.parametrize(("count", "each_s"), [(8, math.nan), (9, 1.0), (40, 1e-3)])
def test_the_run_that_kills_its_worker_is_set_aside(count: int, each_s: float) -> None:
    found = _drained(_works(count), _dies_of_seven, each_s)
    assert found == {f"run-{i}": drain.KILLED if i == 7 else None for i in range(count)}


@pytest.mark.slow
def test_the_backend_of_processes_sets_it_aside_too() -> None:
    found = _drained(_works(20), _dies_of_seven, 0.5, drain.backend("processes", 2))
    assert [key for key, error in found.items() if error == drain.KILLED] == ["run-7"]


def test_a_worker_that_dies_once_costs_nothing(tmp_path: Path) -> None:
    found = _drained(_works(12, tmp_path), _dies_once, 0.5)
    assert (tmp_path / "died").exists()
    assert set(found.values()) == {None}
