"""Sweeps: the same bytes however they ran or died, and designs whose points lie where they should.

Oracles: a sweep that was never killed, `itertools`, strata counted by hand, differences recomputed from runs.parquet,
and the service rate of one worker.
"""

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
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from recovery.cli import main as cli
from recovery.keys import short_keys
from recovery.measures import register
from recovery.model.sweep import Span, Sweep
from recovery.model.variant import Variant
from recovery.reading.design import draws, lever_points, saltelli, unit_points
from recovery.reading.experiment import load, parse
from recovery.simulate import identity
from recovery.store import sweep_record
from recovery.store.parts import Parts
from recovery.store.record import Estimate, Share
from recovery.store.sweep_record import Summary
from recovery.study import progress, runs, sweep
from recovery.study.runs import chunks, loop
from recovery.study.runs.chunks import Done, Work, simulate
from recovery.study.runs.executor import Backend
from recovery.study.sweep import policies, thresholds
from recovery.study.sweep.estimates import units_that_show
from recovery.study.sweep.runs import KnownRuns
from recovery.units import quantity

TOP = Path(__file__).resolve().parent.parent
BASE = """
replications = 2
seed = 5
horizon = "40m"
coupling.window = "10s"
[fleet]
holders = 300
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
curves = { every = "1m", draws = 2 }
[sweep.levers]
"policy.queue" = { values = ["fifo", "lifo"] }
"policy.client" = { values = [
  { name = "fixed", delay = "5s" }, { name = "full-jitter", base = "10s", cap = "10m" },
] }
[sweep.uncertainties]
"host.timeout" = { min = "15s", max = "2m", distribution = "log-uniform" }
"fleet.holders" = { min = 200, max = 400 }
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
    assert pl.read_parquet(whole / "series.parquet").group_by("policy", "draw").len().height == POLICIES * 2


@pytest.mark.slow
def test_processes_give_the_same_bytes(whole: Path, tmp_path: Path) -> None:
    other = swept(written(tmp_path, BASE + SWEEP), tmp_path / "out", "--backend", "processes")
    assert bytes_of(other) == bytes_of(whole)


def _killed(file: Path, out: Path, chance: random.Random) -> bool:
    """Go on with a sweep and kill it (SIGKILL) at a random moment after it has added a part; whether it was killed."""
    parts = out / file.stem / "parts"
    before = len(list(parts.glob("*.parquet")))
    command = [sys.executable, "-m", "recovery", "sweep", str(file), "--out", str(out), "--no-report", "--resume"]
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
        life += 1


@pytest.mark.slow
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


def test_resume_never_mixes_two_meanings_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Oracle: the number of runs of the sweep, and its keys, of which none may be there under both meanings."""
    file, out, said = written(tmp_path, BASE + SWEEP), tmp_path / "out", list[str]()
    folder = swept(file, out)
    old = set(pl.read_parquet(folder / "runs.parquet")["key"])

    def resumed() -> set[str]:
        sweep.run(load(file), out=out, place=runs.backend("threads", 1), resume=True, say=said.append)
        return set(pl.read_parquet(folder / "runs.parquet")["key"])

    assert resumed() == old
    assert f"{RUNS} of the {RUNS} runs that were there are still the same" in said[-1]
    assert "left out" not in said[-1]
    monkeypatch.setattr(identity, "MODEL", identity.MODEL + 1)
    assert resumed() & old == set()
    assert f": 0 of the {RUNS} runs that were there" in said[-1]
    assert f"{RUNS} are left out (they are of another file or another version)" in said[-1]
    assert part_rows(folder) == 2 * RUNS  # what was there is not lost: an older version finds it again


def test_a_folder_with_runs_is_refused_and_kept(tmp_path: Path) -> None:
    file = written(tmp_path, BASE + SWEEP)
    folder = swept(file, tmp_path / "out")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    result = call("sweep", file, "--out", tmp_path / "out", "--no-report")
    assert result.exit_code == 2
    assert "--resume" in result.stderr
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("content", [b"", b"no parquet at all", None])
def test_what_is_no_part_of_a_sweep_is_told_and_left(content: bytes | None, tmp_path: Path) -> None:
    part = tmp_path / "out" / "tiny" / "parts" / "1.parquet"
    part.parent.mkdir(parents=True)
    if content is None:
        pl.DataFrame({"a": [1]}).write_parquet(part)
    else:
        part.write_bytes(content)
    before = part.read_bytes()
    result = call("sweep", written(tmp_path, BASE + SWEEP), "--out", tmp_path / "out", "--resume", "--no-report")
    assert result.exit_code == 2
    assert "want" in result.stderr
    assert str(part.parent) in result.stderr
    assert part.read_bytes() == before


# Workers that die


def _works(count: int, folder: Path | str = "") -> list[Work]:
    """Runs that have no variant: their key is all that the functions below look at."""
    nothing = cast(Variant, str(folder))
    return [Work(f"run-{i}", nothing, 1, i) for i in range(count)]


def _dies_of_seven(works: Sequence[Work]) -> list[Done]:
    for work in works:
        if work.key == "run-7":
            os._exit(9)
    return [Done({"key": work.key, "error": None}, None) for work in works]


def _dies_once(works: Sequence[Work]) -> list[Done]:
    for work in works:
        if work.key == "run-3":
            flag = Path(str(work.variant)) / "died"
            if not flag.exists():
                flag.touch()
                os._exit(9)
    return [Done({"key": work.key, "error": None}, None) for work in works]


def _pool() -> Backend:
    """Like the backend of processes, but forked from a server that has imported this file once."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload([__name__])
    return Backend("processes", 2, functools.partial(ProcessPoolExecutor, 2, server))


def _drained(works: list[Work], run: Any, each_s: float, place: Backend | None = None) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    loop.drain(
        works,
        place or _pool(),
        lambda done: rows.extend(one.row for one in done),
        many=len(works),
        run=run,
        each_s=each_s,
    )
    assert sorted(row["key"] for row in rows) == sorted(work.key for work in works)  # each one once
    return {row["key"]: row["error"] for row in rows}


@pytest.mark.slow
@pytest.mark.parametrize(("count", "each_s"), [(8, math.nan), (9, 1.0), (40, 1e-3)])
def test_the_run_that_kills_its_worker_is_set_aside(count: int, each_s: float) -> None:
    found = _drained(_works(count), _dies_of_seven, each_s)
    assert found == {f"run-{i}": loop.KILLED if i == 7 else None for i in range(count)}


@pytest.mark.slow
def test_the_backend_of_processes_sets_it_aside_too() -> None:
    found = _drained(_works(20), _dies_of_seven, 0.5, runs.backend("processes", 2))
    assert [key for key, error in found.items() if error == loop.KILLED] == ["run-7"]


def _dies_late(works: Sequence[Work]) -> list[Done]:
    """The second run kills its worker after a while."""
    for work in works:
        if work.key == "run-1":
            time.sleep(0.3)
            os._exit(9)
    return [Done({"key": work.key, "error": None}, None) for work in works]


@pytest.mark.slow
def test_a_worker_may_die_while_results_are_written() -> None:
    """Then the executor is found broken when the next chunk is sent, not when a result is asked for."""
    rows: dict[str, Any] = {}

    def slow(done: Sequence[Done]) -> None:
        rows.update({one.row["key"]: one.row["error"] for one in done})
        time.sleep(0.8)

    works = _works(6)
    loop.drain(works, _pool(), slow, many=6, run=_dies_late)
    assert rows == {work.key: loop.KILLED if work.key == "run-1" else None for work in works}


def test_an_interrupt_does_not_stop_what_is_simulated_afterwards() -> None:
    def interrupt(_: Sequence[Done]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop.drain(_works(2), runs.backend("threads", 1), interrupt, many=2, run=_sleepless)
    [done] = simulate(_works(1))
    assert done.row["key"] == "run-0"


def _sleepless(works: Sequence[Work]) -> list[Done]:
    return [Done({"key": work.key, "error": None}, None) for work in works]


@pytest.mark.slow
def test_a_worker_that_dies_once_costs_nothing(tmp_path: Path) -> None:
    found = _drained(_works(12, tmp_path), _dies_once, 0.5)
    assert (tmp_path / "died").exists()
    assert set(found.values()) == {None}


# Draws that cannot be, draws that are not accepted, runs that are shared


DRAWN = """
horizon = "40m"
hold = "1m"
fleet = { holders = 100, hosts = 2 }
host = { workers = 2, establish_time = "500ms", timeout = "30s", slowdown = { a = 0.5, b = 1.0, queue = 10 } }
lease = { duration = "10m", check_every = "3m", scaled = { above = 50 } }
dependency.outages = [{ from = "2m", to = "15m" }]
policy.queue = "lifo"
[variants.other]
policy.client = { name = "fixed", delay = "5s" }
[sweep.levers]
"host.workers" = { values = [3] }
"""


@pytest.mark.parametrize(
    "inputs",
    [
        (("fleet.holders", 400),),
        (("host.timeout", "20s"), ("host.slowdown.a", 0.25)),
        (("dependency.outages.0.to", "16m"), ("coupling.window", "5s")),
        (("policy.queue.limit", "20s"), ("policy.queue.name", "bounded")),
        (("lease.scaled.above", 20), ("dependency.resume_after", "10s")),
        (("hold", "2m"), ("host.workers", 4)),
    ],
)
@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("lease", [", scaled = { above = 50 }", ""])
def test_a_draw_is_what_a_file_that_says_so_would_be(
    lease: str, number: int, inputs: tuple[tuple[str, object], ...]
) -> None:
    text = DRAWN.replace(", scaled = { above = 50 }", lease)
    experiment = parse(text)
    drawn = experiment.drawn(number, inputs)
    told = parse(text, overrides=tuple(f"{key}={json.dumps(value)}" for key, value in inputs)).variants[number]
    assert drawn == told
    assert drawn.scenario.rules == told.scenario.rules
    assert identity.digest_of(drawn, 1, 0) == identity.digest_of(told, 1, 0)
    assert identity.digest_of(drawn, 1, 0) != identity.digest_of(experiment.variants[number], 1, 0)


def test_a_draw_that_cannot_be_is_recorded_and_the_rest_goes_on(tmp_path: Path) -> None:
    text = BASE + '[sweep]\n[sweep.uncertainties]\n"lease.duration" = { values = ["10m", "4m"] }\n'
    text += '"lease.check_every" = { values = ["3m", "5m"] }\n'  # each is possible alone
    folder = swept(written(tmp_path, text), tmp_path / "out", status=3)
    rows = pl.read_parquet(folder / "runs.parquet")
    assert rows.filter(pl.col("error").is_null()).height == 2 * 3
    failed = rows.filter(pl.col("error").is_not_null())
    assert failed.select("lease.duration", "lease.check_every").unique().rows() == [(240.0, 300.0)]
    assert all("lease" in error for error in failed["error"])
    failures = summary_of(folder)["failures"]
    assert {one["key"] for one in failures} == set(failed["key"])
    for one in failures:
        result = call(*one["command"].split()[1:])
        assert result.exit_code == 2
        assert "lease" in result.stderr


def test_accept_keeps_only_draws_that_meet_what_was_observed(whole: Path, tmp_path: Path) -> None:
    first = pl.read_parquet(whole / "runs.parquet").filter(
        pl.col("policy") == "as written, queue=fifo, client=fixed(delay=5s)"
    )
    at = float(np.median(first["leased_all_s"]))
    seen = f'[[observed]]\nlabel = "a"\nat = "{at}s"\nmeasure = "leased_all_s"\nconfidence = "official"\nsource = "a"\n'
    text = BASE + SWEEP + '[sweep.accept]\nwithin = "10s"\ntries = 20\n' + seen
    rows = pl.read_parquet(swept(written(tmp_path, text), tmp_path / "out") / "runs.parquet")
    base = rows.filter(pl.col("policy") == rows["policy"][0])
    kept, left = base.filter(pl.col("role") == "draw"), base.filter(pl.col("role") == "tried")
    assert kept.height == 8
    assert (kept["leased_all_s"] - at).abs().max() <= 10.0  # type: ignore[operator]
    assert all(abs(value - at) > 10.0 for value in left["leased_all_s"])


def test_progress_is_told_of_all_runs_of_a_round_before_the_first_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def at_once(works: Any, _place: Backend, done: Any, **_: object) -> float:
        for work in works:
            done([Done({"key": work.key, "error": None, "ttr99_s": 1.0}, None)])
        return 0.01

    monkeypatch.setattr(loop, "drain", at_once)
    experiment, place = load(written(tmp_path, BASE + SWEEP)), runs.backend("threads", 1)
    for said in ((0, 1), (-1, 0)):  # the second time all is known
        told: list[tuple[int, int]] = []
        sweep.run_shard(
            experiment, out=tmp_path, place=place, shard=(1, 1), tell=lambda *change, told=told: told.append(change)
        )
        assert told == [(RUNS, 0), *[said] * RUNS]


def test_progress_tells_the_time_left_from_all_runs_that_are_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with progress.counted(quiet=False) as tell:
        assert tell is not None
        tell(110, 0)
        tell(-10, 0)
        now[0] = 60.0
        tell(0, 25)
    assert capsys.readouterr().err == "25 of 100 runs of this round and before, 0.417/s, 3 min left\n"


def test_a_run_tells_the_time_left_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with progress.bar(200.0, quiet=False) as tell:
        assert tell is not None
        for at, done in ((10.0, 10.0), (40.0, 50.0), (60.0, 80.0), (80.0, 200.0)):
            now[0] = at
            tell(done)
    assert capsys.readouterr().err == "25 % is simulated, 2 min left\n"


def test_any_milestone_that_may_be_observed_can_be_asked_of_draws(tmp_path: Path) -> None:
    row = {"key": "a", "error": None, "verdict": "recovered", "ttr99_s": 1.0, "launches_normal_s": 5.0}
    found = KnownRuns(tmp_path, "ttr99_s", register.observable())
    found.add([Done(row, None)])
    assert found.found["a"].milestones["launches_normal_s"] == 5.0


def test_equal_effects_share_runs_and_policies_meet_the_same_draws(whole: Path, tmp_path: Path) -> None:
    rows = pl.read_parquet(whole / "runs.parquet")
    met = rows.group_by("replication", "draw").agg(pl.col("host.timeout", "fleet.holders").n_unique(), pl.len())
    assert met.select("host.timeout", "fleet.holders", "len").unique().rows() == [(1, 1, POLICIES)]
    text = (BASE + SWEEP).replace(
        '{ name = "full-jitter", base = "10s", cap = "10m" }', '{ name = "fixed", delay = "5000ms" }'
    )
    folder = swept(written(tmp_path, text), tmp_path / "out")
    assert part_rows(folder) == RUNS // 2
    assert pl.read_parquet(folder / "runs.parquet")["key"].n_unique() == RUNS // 2


# When it stops, and what it says then


def _outcomes(times: Mapping[str, Callable[[np.random.Generator], float]]) -> Any:
    """What stands for `loop.drain`: a run's time is drawn by its first lever's value, from its own random numbers."""

    def at_once(works: Any, _place: Backend, done: Any, **_: object) -> float:
        for work in works:
            name = dict(work.variant.levers)["host.timeout"]
            time_s = times[name](np.random.default_rng([work.replication, sorted(times).index(name)]))
            verdict = "recovered" if math.isfinite(time_s) else "collapsed"
            row = {"key": work.key, "error": None, "ttr99_s": time_s, "verdict": verdict, "fluid_bound_s": 1.0}
            done([Done(row | {"denied_share": 0.5, "wasted_share": 0.0, "unleased_holder_hours": 1.0}, None)])
        return 0.01

    return at_once


def _normal(mean_s: float, never: float = 0.0) -> Callable[[np.random.Generator], float]:
    return lambda rng: math.inf if rng.random() < never else mean_s * (1 + 0.1 * float(rng.normal()))


def _decided(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    times: Mapping[str, Any],
    more: str,
    uncertain: str = "",
    precision: str = "5%",
) -> Summary:
    """The summary of a sweep over timeouts whose runs take such times; its limit is 25 min."""
    monkeypatch.setattr(loop, "drain", _outcomes(times))
    asked = f'precision = "{precision}"' if precision else ""
    text = BASE.replace("replications = 2", f"replications = {1 if asked else 12}") + f"[sweep]\n{asked}\n{more}\n"
    text += f'[sweep.levers]\n"host.timeout" = {{ values = {json.dumps(list(times))} }}\n' + uncertain
    experiment, place = load(written(tmp_path, text)), runs.backend("threads", 1)
    folder, told = sweep.run(experiment, out=tmp_path / "out", place=place, resume=False)
    assert summary_of(folder)["selection"] == told.selection.model_dump(mode="json")
    return told


def test_a_policy_is_precise_beaten_or_collapses_too_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Oracle: the chances that the runs are drawn with. The choice waits until every other policy is excluded, or
    surely no better by more than the indifference.
    """
    times = {"30s": _normal(200), "31s": _normal(900), "32s": _normal(100, 1.0), "33s": _normal(199)}
    told = _decided(tmp_path, monkeypatch, times, 'replications_max = 1000\nindifference = "3m"')
    found = {one.levers["host.timeout"]: one for one in told.policies}
    states = {name: one.status for name, one in found.items()}
    assert states == {"30s": "precise", "33s": "precise", "31s": "beaten", "32s": "collapses"}
    assert {name for name, one in found.items() if one.not_told_apart} == {"30s", "33s"}
    assert told.selection.chosen in {found[name].id for name in ("30s", "33s")}
    assert told.selection.words.startswith("Chosen: ")
    for name in ("30s", "33s"):
        one = found[name]
        assert one.given_recovery.low <= {"30s": 200, "33s": 199}[name] <= one.given_recovery.high
        assert one.half_width_share <= 0.05
        assert one.not_recovered.high < 0.05
        assert one.runs >= units_that_show(0.05, is_run=True)
    assert found["31s"].runs < found["30s"].runs  # who is beaten is not run any more
    assert found["32s"].not_recovered.low > 0.05
    for one in told.policies:
        spans = [one.restricted, one.given_recovery, one.not_recovered, *one.harm.values()]
        ends = [end for span in spans for end in (span.low, span.high) if not math.isnan(end)]
        assert min(ends) >= 0
        assert one.restricted.high <= told.limit_s
        assert one.regret.far_share.high > 0  # so many draws rule out no chance altogether


def test_regret_by_its_definition(whole: Path) -> None:
    """How much longer a run takes than the best policy in the same draw, by hand from the rows."""
    summary = json.loads((whole / "summary.json").read_text())
    rows = pl.read_parquet(whole / "runs.parquet").filter((pl.col("role") == "draw") & pl.col("error").is_null())
    times: dict[str, dict[tuple[int, int], float]] = {}
    for row in rows.iter_rows(named=True):
        time_s = min(row[summary["measure"]], summary["limit_s"])
        times.setdefault(row["policy_id"], {})[row["replication"], row["draw"]] = time_s
    assert len(times) == len(summary["policies"]) > 1
    for policy in summary["policies"]:
        own = times[policy["id"]]
        regrets = [
            value - min(other[place] for other in times.values() if place in other) for place, value in own.items()
        ]
        told = policy["regret"]
        assert told["draws"] == len(regrets)
        assert (told["max"], told["mean"]) == pytest.approx((max(regrets), sum(regrets) / len(regrets)))
        assert min(regrets) >= 0
        assert sum(value <= told["p90"] + 1e-9 for value in regrets) >= 0.9 * (len(regrets) - 1)


@pytest.mark.parametrize("seed", [104, 119])
def test_two_runs_that_are_alike_stop_nothing(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that never recover with a chance of 7.5 %, those that do hardly differ: never precise with "never 0 %"."""
    steady = {"30s": lambda rng: math.inf if rng.random() < 0.075 else 200.0 + 0.1 * float(rng.normal())}
    told = _decided(tmp_path, monkeypatch, steady, f"replications_max = 30\nseed = {seed}")
    [one] = told.policies
    assert one.status == "cap"
    assert one.runs == 30
    assert one.not_recovered.low <= 0.075 <= one.not_recovered.high
    assert any("To rule that out takes" in answer for answer in told.answers)


@pytest.mark.parametrize(("method", "unit"), [("random", "run"), ("sobol", "replication"), ("lhs", "replication")])
def test_the_unit_is_what_is_independent(
    method: str, unit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the cap nothing is chosen, and the set is told; every run has random numbers of its own."""
    more = f'method = "{method}"\nsamples = 4\nreplications_max = 5'
    uncertain = '[sweep.uncertainties]\n"fleet.holders" = { min = 200, max = 400 }\n'
    told = _decided(tmp_path, monkeypatch, {"30s": _normal(200), "31s": _normal(201)}, more, uncertain)
    assert told.unit == unit
    assert {one.runs for one in told.policies} == {20}
    assert {one.units for one in told.policies} == {20 if unit == "run" else 5}
    assert {one.status for one in told.policies} == {"cap"}
    assert told.selection.chosen is None
    assert set(told.selection.not_told_apart) == {one.id for one in told.policies}
    assert "Not chosen" in told.selection.words
    rows = pl.read_parquet(tmp_path / "out" / "tiny" / "runs.parquet")
    assert rows.group_by("policy_id").agg(pl.col("run_replication").n_unique())["run_replication"].to_list() == [20, 20]
    ranked = call("rank", tmp_path / "out" / "tiny")
    assert all(f" *  {one.in_words}" in ranked.stdout for one in told.policies)
    assert "No policy is chosen: 2 of 2 policies" in ranked.stdout


@pytest.mark.parametrize("wanted", ["30%", ""])
def test_no_interval_leaves_what_is_possible(wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter never recover, the times of the others are skewed, and few replications of a design are made: at every
    look, and once where no precision is asked for.
    """
    times = {
        f"{30 + i}s": lambda rng: math.inf if rng.random() < 0.25 else 60.0 * float(np.exp(1.5 * rng.normal())) % 1500
        for i in range(3)
    }
    more = 'method = "sobol"\nsamples = 4\nreplications_max = 12'
    uncertain = '[sweep.uncertainties]\n"fleet.holders" = { min = 200, max = 400 }\n'
    told = _decided(tmp_path, monkeypatch, times, more, uncertain, wanted)
    for one in told.policies:
        assert one.status == ("cap" if wanted else "done")
        spans: list[tuple[Estimate | Share, float]] = [
            (one.restricted, told.limit_s),
            (one.given_recovery, told.limit_s),
        ]
        spans += [(one.not_recovered, 1.0), (one.collapsed, 1.0), (one.harm["denied_share"], 1.0)]
        for span, most in spans:
            assert math.isnan(span.low) or 0.0 <= span.low <= most
            assert math.isnan(span.high) or 0.0 <= span.high <= most or most > 1.0
        assert 0.0 <= one.restricted.low <= one.restricted.mean <= one.restricted.high
        assert one.restricted.high <= told.limit_s
        assert one.not_recovered.low <= 0.25 <= one.not_recovered.high


def test_a_sweep_that_stops_by_itself_ends_with_the_same_bytes(tmp_path: Path) -> None:
    text = (
        BASE
        + """
    [sweep]
    method = "random"
    samples = 4
    precision = "20%"
    replications_max = 4
    curves = { every = "1m", draws = 2 }
    [sweep.levers]
    "policy.queue" = { values = ["fifo", "lifo"] }
    [sweep.uncertainties]
    "host.timeout" = { min = "15s", max = "2m", distribution = "log-uniform" }
    """
    )
    whole = swept(written(tmp_path, text), tmp_path / "one", "--threads", 1)
    file = tmp_path / "tiny.toml"
    for part in ("1/2", "2/2"):
        assert call("sweep", file, "--out", tmp_path / "two", "--threads", 2, "--shard", part, "--json").exit_code == 0
    assert bytes_of(swept(file, tmp_path / "two", "--resume")) == bytes_of(whole)
    assert summary_of(tmp_path / "two" / "tiny")["policies"] == summary_of(whole)["policies"]


def test_what_does_not_matter_has_no_share_and_chance_has_its_own(tmp_path: Path) -> None:
    """Oracle: nobody is refused here, so that the cost of a refusal changes nothing: all that differs is chance."""
    text = BASE.replace('"10s"', '"1s"') + '[sweep]\nmethod = "random"\nsamples = 2\nsensitivity = { samples = 64 }\n'
    text += '[sweep.uncertainties]\n"host.reject_cost" = { min = "1ms", max = "50ms" }\n'
    folder = swept(written(tmp_path, text), tmp_path / "out")
    [told] = summary_of(folder)["sensitivity"]
    assert told["runs"] == 64 * 4
    [one] = told["inputs"]
    assert one["key"] == "host.reject_cost"
    assert one["S1"]["low"] == one["ST"]["low"] == 0.0
    assert told["chance"]["high"] == 1.0
    assert told["chance"]["mean"] > max(one["S1"]["mean"], one["ST"]["mean"])
    rows = pl.read_parquet(folder / "runs.parquet").filter(pl.col("role") == "sensitivity")
    assert sorted(rows["run_replication"]) == list(range(256))  # random numbers of its own for each run
    replayed = call("replay", rows["key"][40], "--from", folder, "--json")
    assert json.loads(replayed.stdout)["same"] is True


def test_times_are_restricted_to_what_every_policy_can_show(tmp_path: Path) -> None:
    """Oracle: the horizon, 40 min, less the later of the two moments from which recovery is counted, 20 min."""
    text = BASE + '[sweep.levers]\nrecovers_from = { values = ["15m", "20m"] }\n'
    folder = swept(written(tmp_path, text), tmp_path / "out")
    found = summary_of(folder)
    assert found["limit_s"] == 1200.0
    assert all(one["worst_s"] <= 1200.0 for one in found["policies"])


def test_what_no_sample_of_hosts_tells_is_refused_where_the_sample_is_not_known(tmp_path: Path) -> None:
    text = BASE.replace("hosts = 2", "hosts = 6") + '[sweep]\nmeasure = "ttr100_s"\n'
    text += '[sweep.uncertainties]\n"fleet.sample_hosts" = { values = [4, 6] }\n'
    result = call("sweep", written(tmp_path, text), "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert all(words in result.stderr for words in ("sweep.measure is ttr100_s", "fleet.sample_hosts", "want ttr99_s"))


# Runs that failed


def test_resume_runs_again_what_failed_and_ends_with_the_same_bytes(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, BASE + SWEEP)

    ours = chunks.pipeline.Outcome.measure

    def measure(outcome: Any) -> Any:
        if outcome.replication >= 4:  # its random numbers: of the second replication
            raise MemoryError("no room")
        return ours(outcome)

    with monkeypatch.context() as patch:
        patch.setattr(chunks.pipeline.Outcome, "measure", measure)
        folder = swept(file, tmp_path / "out", status=3)
    failed = pl.read_parquet(folder / "runs.parquet").filter(pl.col("error").is_not_null())
    assert set(failed["replication"]) == {1}
    assert set(failed["error"]) == {"MemoryError: no room"}
    swept(file, tmp_path / "out", "--resume")
    assert bytes_of(folder) == bytes_of(whole)
    assert part_rows(folder) == RUNS + failed.height


def test_resume_does_not_run_again_what_killed_its_worker(whole: Path, tmp_path: Path) -> None:
    key = pl.read_parquet(whole / "runs.parquet")["key"][3]
    Parts(tmp_path / "out" / "tiny").add([{"key": key, "error": loop.KILLED}])
    folder = swept(written(tmp_path, BASE + SWEEP), tmp_path / "out", "--resume", status=3)
    rows = pl.read_parquet(folder / "runs.parquet")
    assert rows.filter(pl.col("error").is_not_null()).select("key", "error").rows() == [(key, loop.KILLED)]
    assert summary_of(folder)["runs"] == {"done": RUNS - 1, "failed": 1, "set_aside": 1}


# Bounds


@pytest.mark.parametrize(
    ("bound", "holds", "status"), [("> 1s", "yes", 0), ("< 1s", "no", 99), ("< {mean}s", "unsure", 4)]
)
def test_a_bound_must_hold_at_every_point_of_the_file_as_it_stands(
    whole: Path, tmp_path: Path, bound: str, holds: str, status: int
) -> None:
    """With as many replications the interval of a mean is that of the ranking."""
    policies = {one["name"]: one["restricted"]["mean"] for one in summary_of(whole)["policies"]}
    told_mean = max(policies.values())
    text = '[expect]\nttr99_s = "' + bound.format(mean=told_mean) + '"\n'
    folder = swept(written(tmp_path, BASE + SWEEP + text), tmp_path / "out", status=status)
    [told] = summary_of(folder)["expect"]
    assert told["holds"] == holds
    if bound.startswith("<"):
        rows = pl.read_parquet(folder / "runs.parquet")
        worst = rows.group_by("policy").agg(pl.col("ttr99_s").mean())["ttr99_s"]
        assert any(told["value"] == pytest.approx(value) for value in worst)
    assert bytes_of(folder) == bytes_of(whole)


# Designs


def test_a_latin_hypercube_has_one_point_in_each_stratum() -> None:
    points = unit_points("lhs", 16, 3, (1, 0, 0, 0))
    for column in points.T:
        assert sorted(int(16 * place) for place in column) == list(range(16))


def test_blocks_of_sobol_continue_one_sequence() -> None:
    blocks = [unit_points("sobol", 8, 3, (1, 4, block, 0)) for block in (0, 1)]
    assert np.array_equal(np.concatenate(blocks), unit_points("sobol", 16, 3, (1, 4, 0, 0)))


@pytest.mark.parametrize("method", ["random", "lhs", "sobol"])
def test_replications_have_draws_of_their_own(method: str) -> None:
    sweep = Sweep.model_validate({"method": method, "samples": 8, "uncertainties": {"a": {"min": 0.5, "max": 2.5}}})
    assert draws(sweep, 1, 0, 0) == draws(sweep, 1, 0, 0)
    assert not set(draws(sweep, 1, 0, 0)) & set(draws(sweep, 1, 1, 0))
    assert not set(draws(sweep, 1, 0, 0)) & set(draws(sweep, 2, 0, 0))


@given(
    low=st.integers(1, 10**6),
    wide=st.integers(1, 10**6),
    unit=st.sampled_from(["ms", "s", "m", "/s", ""]),
    place=st.floats(0, 1, exclude_max=True),
    log=st.booleans(),
)
def test_values_stay_in_their_range(low: int, wide: int, unit: str, place: float, log: bool) -> None:
    ends = [f"{n}{unit}" if unit else n for n in (low, low + wide)]
    span = Span(values=None, min=ends[0], max=ends[1], distribution="log-uniform" if log else "uniform")
    found, least, most = quantity(span.at(place)), quantity(ends[0]), quantity(ends[1])
    assert found is not None
    assert least is not None
    assert most is not None
    assert found[0] == least[0]
    assert least[1] * (1 - 1e-5) <= found[1] <= most[1] * (1 + 1e-5)  # six digits are kept


def test_whole_numbers_are_inclusive_and_even() -> None:
    span = Span(values=None, min=3, max=6, distribution="uniform")
    assert [span.at((i + 0.5) / 400) for i in range(400)] == [3 + i // 100 for i in range(400)]


def test_grid_list_include_exclude() -> None:
    levers: dict[str, Any] = {"a": {"values": [1, 2, 3]}, "b": {"values": ["x", "y", "z"]}}
    more: dict[str, Any] = {"include": [{"a": 9}], "exclude": [{"a": 1, "b": "y"}, {"b": "z"}]}
    grid = [(("a", a), ("b", b)) for a, b in itertools.product((1, 2, 3), "xyz") if (a, b) != (1, "y") and b != "z"]
    assert list(lever_points(Sweep.model_validate({"levers": levers, **more}))) == [*grid, (("a", 9),)]
    twice = {"include": [{"a": 9}, {"a": 9}, {"a": 1, "b": "x"}], "exclude": more["exclude"]}
    assert list(lever_points(Sweep.model_validate({"levers": levers, **twice}))) == [*grid, (("a", 9),)]
    few = Sweep.model_validate({"levers": {"a": {"values": [1, 2]}}, "levers_method": "lhs", "levers_samples": 8})
    assert sorted(lever_points(few)) == [(("a", 1),), (("a", 2),)]  # each once, though eight are drawn
    listed = Sweep.model_validate({"levers": levers, "levers_method": "list"})
    assert list(lever_points(listed)) == [(("a", a), ("b", b)) for a, b in zip((1, 2, 3), "xyz", strict=True)]


def test_saltelli_changes_one_column_at_a_time() -> None:
    spans = {name: {"min": 0.5, "max": 2.5} for name in "abc"}
    sweep = Sweep.model_validate({"method": "sobol", "uncertainties": spans})
    found = saltelli(sweep, 1, 8, 0)
    values = np.array([[[value for _, value in point] for point in block] for block in found])
    assert found != saltelli(sweep, 1, 8, 1)
    for i in range(3):
        for j in range(3):
            assert np.array_equal(values[2 + i][:, j], values[1 if i == j else 0][:, j])
    assert not np.array_equal(values[0], values[1])


# Commands


def test_rank_and_compare_say_what_the_table_says(whole: Path) -> None:
    ranked = json.loads(call("rank", whole, "--json").stdout)["policies"]
    assert [one["rank"] for one in ranked] == [1, 2, 3, 4]
    means = [one["restricted"]["mean"] for one in ranked]
    assert means == sorted(means)
    limit_s = summary_of(whole)["limit_s"]
    rows = pl.read_parquet(whole / "runs.parquet").sort("replication", "draw")
    first, last = (
        np.minimum(rows.filter(pl.col("policy") == ranked[i]["name"])["ttr99_s"].to_numpy(), limit_s) for i in (0, -1)
    )
    [told] = json.loads(call("compare", whole, ranked[0]["id"], ranked[-1]["id"], "--json").stdout)["differences"]
    by_replication = (last - first).reshape(2, 4).mean(axis=1)
    half = stats.t.ppf(0.975, 1) * by_replication.std(ddof=1) / math.sqrt(2)
    middle = by_replication.mean()
    expected = {"mean": middle, "low": middle - half, "high": middle + half}
    assert told["difference_s"] == pytest.approx(expected, abs=1e-9)
    assert told["sooner_share"] == np.mean(last < first)


def test_a_folder_is_read_as_it_was_written(whole: Path) -> None:
    """Oracle: the files' own bytes, and the key that is wrong in a file that somebody changed."""
    assert sweep_record.read(whole).to_json() == (whole / "summary.json").read_text(encoding="utf-8")
    assert sweep_record.manifest_of(whole).to_json() == (whole / "manifest.json").read_text(encoding="utf-8")
    for published in sorted((TOP / "results").glob("*/summary.json")):
        text = published.read_text(encoding="utf-8")
        if json.loads(text).get("kind") == "sweep":
            assert Summary.read(text).to_json() == text


def test_a_summary_that_holds_something_else_is_told_by_its_key(whole: Path, tmp_path: Path) -> None:
    table = summary_of(whole)
    table["policies"][0]["rank"] = "first"
    (tmp_path / "summary.json").write_text(json.dumps(table), encoding="utf-8")
    result = call("rank", tmp_path)
    assert result.exit_code == 2
    assert "summary.json: is damaged (policies.0.rank" in result.stderr


def test_replay_gives_the_same_row(whole: Path) -> None:
    for key in pl.read_parquet(whole / "runs.parquet")["key"].gather_every(11):
        result = call("replay", key, "--from", whole, "--json")
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["same"] is True


@pytest.mark.parametrize(
    ("arrivals", "service", "slack"), [("even", "constant", 0.0), ("poisson", "exponential", 0.05)]
)
def test_the_threshold_of_one_worker_is_its_service_rate(
    tmp_path: Path, arrivals: str, service: str, slack: float
) -> None:
    text = f"""
    horizon = "20m"
    hold = "2m"
    recovers_from = "2m"
    coupling.window = "5s"
    jobs = {{ retries = 0, arrivals = "{arrivals}", steps = [{{ at = "0s", rate = "40/s" }}] }}
    host = {{ workers = 1, establish_time = {{ dist = "{service}", mean = "20ms" }}, timeout = "5s" }}
    policy.client = {{ name = "fixed", delay = "1s" }}
    """
    file = written(tmp_path, text)
    ends = "--low", "10ms", "--high", "60ms", "--tolerance", 0.1
    found = json.loads(call("threshold", file, "host.establish_time.mean", *ends, "--out", tmp_path, "--json").stdout)
    # 40 jobs a second, one at a time; at random the queue is long near that rate, so that the middle is not sharp
    assert found["low"] < (1 + slack) / 40
    assert (1 - slack) / 40 < found["high"] <= 1.1 * found["low"]
    assert found["fails"] == "above"
    why = found["answer"]["why"]  # what limits a run just beyond it
    share = pytest.approx(40 * found["high"], rel=1e-4)
    assert found["high"] < 1 / 40 or (why["mechanism"], why["number"]) == ("arrivals", share)


def test_the_threshold_of_a_time_is_the_work_that_fits_in_it(tmp_path: Path) -> None:
    """60 leases in turn at one worker are made within 60 s up to 1 s each, known to a window of 1 s."""
    text = """
    horizon = "40m"
    hold = "1m"
    coupling.window = "1s"
    fleet = { holders = 60, hosts = 1 }
    host = { workers = 1, establish_time = "1s", renew_time = "10ms", timeout = "20m" }
    lease = { duration = "3m", check_every = "1m" }
    dependency.outages = [{ from = "2m", to = "10m" }]
    policy.client = { name = "fixed", delay = "1s" }
    """
    file, ends = written(tmp_path, text), ("--low", "500ms", "--high", "2s", "--out", tmp_path)
    found = json.loads(call("threshold", file, "host.establish_time", "--within", "60s", *ends, "--json").stdout)
    assert 59 / 60 / 1.05 < found["low"] < found["high"] <= 1.05
    assert found["within_s"] == 60
    assert "most runs are back within 60 s" in found["answer"]["happened"]["text"]
    assert found["answer"]["why"]["mechanism"] == "capacity"
    assert "a run recovers: the hosts, which do" in found["answer"]["why"]["text"]
    assert call("threshold", file, "host.establish_time", "--within", "50", *ends).exit_code == 2


def test_policies_that_differ_have_different_names_and_ids(tmp_path: Path) -> None:
    """Oracle: the names say, of each key, as much as no other key ends with; what is shown alike carries its id."""
    assert short_keys(["a.b.c", "a.d.c", "d.c", "x.y", "y", "z"]) == {
        "a.b.c": "b.c", "a.d.c": "a.d.c", "d.c": "d.c", "x.y": "x.y", "y": "y", "z": "z",
    }  # fmt: skip
    text = BASE + '[variants."as written, timeout=1m"]\nhost.workers = 3\n[sweep]\n'
    text += (
        'include = [{ "host.timeout" = "1m" }, { "policy.lease" = "fixed" }, { "policy.lease" = { name = "fixed" } }]\n'
    )
    found = sweep.policies_of(load(written(tmp_path, text)))
    assert len(found) == 8
    for part in ("name", "id"):
        assert len({getattr(policy, part) for policy in found}) == 8
    ids = policies._ids([[i] for i in range(200_000)])  # eight digits are not enough for so many
    assert len(set(ids)) == 200_000


def test_a_threshold_says_a_line_every_half_minute_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """40 values of 20 runs, 1 s each. Oracle: the clock."""
    clock, said = [5.0], list[tuple[float, str]]()
    monkeypatch.setattr(thresholds.time, "monotonic", lambda: clock[0])
    watched = thresholds._Watched(lambda line: said.append((clock[0], line)))
    watched.plan(40, 77, 20, 100, "from 0 to 39", lambda runs: "")
    watched.timed(20, 20.0)
    watched.timed(20, 20.0)  # once
    assert [line for _, line in said] == [
        "searching from 0 to 39: about 40 values by 20 to 100 runs each; at most 77 values, 7,700 runs",
        "the first 20 runs took 20 s: if all take as long, the search takes 13.3 min to 2 h 08 min",
    ]
    said.clear()
    for value in range(40):
        watched.begin(str(value), range(20, 40), 100, f" (value {value + 1} of about 40)")
        for _ in range(20):
            clock[0] += 1
            watched.done(1)
    times, lines = zip(*said, strict=True)
    assert lines[:2] == (
        "trying 0 (value 1 of about 40): runs 21 to 40 of at most 100",
        "trying 1 (value 2 of about 40): 30 of 40 runs; 30 s so far",
    )
    assert all(later - before >= 30 for before, later in itertools.pairwise(times))
    assert len(lines) >= 800 / 31
