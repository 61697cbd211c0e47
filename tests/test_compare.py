"""Finished runs beside each other. Oracle: SciPy's t tests on the numbers that were written, and the contract."""

import json
import math
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
import run_records
from click.testing import CliRunner
from scipy import stats

from recovery.cli import main as cli
from recovery.reading.experiment import parse
from recovery.show import compare_text
from recovery.simulate import pipeline
from recovery.store.manifest_record import FORMAT
from recovery.store.run_record import RunManifest
from recovery.study import compare, keeping
from recovery.study.summary import summarise

JOBS = """
horizon = "10m"
hold = "1m"
jobs.steps = [{ at = "0s", rate = "5/s" }]
host = { establish_time = "50ms", timeout = "5s" }
"""
TIMES = {"a": [100.0, 130.0, 90.0, 160.0], "b": [80.0, 120.0, 70.0, 110.0]}


@pytest.fixture(scope="module")
def made() -> dict[str, RunManifest]:
    """Manifests of runs of leases and of jobs."""
    out = {}
    for kind, text in (("leases", run_records.FLEET), ("jobs", JOBS)):
        experiment = parse(text)
        with pipeline.Runner(1) as runner:
            outcomes = list(runner.run([(experiment.first, 1, 0)]))
        out[kind] = keeping.results(experiment, outcomes, summarise(experiment, outcomes)).manifest
    return out


class Maker(Protocol):
    """Makes a folder as `recovery run` writes it: a row for each time to recovery."""

    def __call__(
        self, path: Path, variants: dict[str, list[float]], *, kind: str = "leases", seed: int = 1, **more: float
    ) -> Path: ...


@pytest.fixture
def folder_of(made: dict[str, RunManifest]) -> Maker:
    def make(
        path: Path, variants: dict[str, list[float]], *, kind: str = "leases", seed: int = 1, **more: float
    ) -> Path:
        rows = [
            run_records.row_of(
                variant, i, seed=seed, ttr99_s=t, wasted_share=t / 1000, reach_p50_s=math.nan,
                **{name: value * t for name, value in more.items()},
            )
            for variant, times in variants.items()
            for i, t in enumerate(times)
        ]  # fmt: skip
        path.mkdir(parents=True)
        update = {"name": path.name, "horizon_s": 1000.0}
        manifest = made["jobs" if kind == "jobs" else "leases"].model_copy(update=update | {"kind": kind})
        (path / "manifest.json").write_text(manifest.to_json())
        (path / "summary.json").write_text(run_records.summary_of(rows).to_json())
        return path

    return make


def test_runs_of_the_same_draws_are_paired(folder_of: Maker, tmp_path: Path) -> None:
    a, b = folder_of(tmp_path / "a", {"w": TIMES["a"]}), folder_of(tmp_path / "b", {"w": TIMES["b"]})
    rows = {row.measure: row for row in compare.compared([a, b])}
    assert set(rows) == {"ttr99_s", "wasted_share"}  # what was not measured is not compared
    for measure, scale in (("ttr99_s", 1.0), ("wasted_share", 1e-3)):
        wanted = stats.ttest_rel(TIMES["b"], TIMES["a"]).confidence_interval(0.95)
        told = rows[measure].difference
        assert (told.low, told.high) == pytest.approx((scale * wanted.low, scale * wanted.high))
        assert told.mean == pytest.approx(scale * float(np.mean(np.subtract(TIMES["b"], TIMES["a"]))))
        assert rows[measure].is_paired
        assert rows[measure].verdict == "less" if wanted.high < 0 else "not told apart"


def test_runs_of_other_seeds_are_independent(folder_of: Maker, tmp_path: Path) -> None:
    a, b = folder_of(tmp_path / "a", {"w": TIMES["a"]}), folder_of(tmp_path / "b", {"w": TIMES["b"][:3]}, seed=2)
    [row] = [row for row in compare.compared([a, b]) if row.measure == "ttr99_s"]
    x, y = np.array(TIMES["b"][:3]), np.array(TIMES["a"])
    parts = x.var(ddof=1) / 3, y.var(ddof=1) / 4
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / 2 + parts[1] ** 2 / 3)  # Welch and Satterthwaite
    half = stats.t.ppf(0.975, freedom) * math.sqrt(sum(parts))
    assert not row.is_paired
    mean = x.mean() - y.mean()
    assert (row.difference.low, row.difference.high) == pytest.approx((mean - half, mean + half))
    assert (row.runs, row.than_runs) == (3, 4)


def test_variants_are_matched_by_name_and_the_first_with_the_first(folder_of: Maker, tmp_path: Path) -> None:
    a = folder_of(tmp_path / "a", {"as is": [5.0], "lifo": [4.0], "only here": [1.0]})
    b = folder_of(tmp_path / "b", {"as written": [6.0], "lifo": [7.0]})
    rows = [row for row in compare.compared([a, b]) if row.measure == "ttr99_s"]
    assert [(row.variant, row.than_variant, row.difference.mean) for row in rows] == [
        ("as written", "as is", 1.0),
        ("lifo", "lifo", 3.0),
    ]
    assert all(row.verdict == "one run: no interval" for row in rows)


def test_never_counts_as_the_horizon_and_is_told(folder_of: Maker, tmp_path: Path) -> None:
    a = folder_of(tmp_path / "a", {"w": [100.0, math.inf]})
    b = folder_of(tmp_path / "x" / "a", {"w": [math.inf, math.inf]})
    [row] = [row for row in compare.compared([a, b]) if row.measure == "ttr99_s"]
    assert (row.than_mean, row.mean) == (550.0, 1000.0)
    assert (row.than_never_share, row.never_share) == (0.5, 1.0)
    assert row.run == str(b)  # both have the name a: folders tell them apart
    text = compare_text.told([row])
    assert "9.2 min, never in 50 %" in text
    assert " never " in text


def test_a_time_to_recovery_is_restricted_to_what_is_left_after_the_return(folder_of: Maker, tmp_path: Path) -> None:
    """Two runs of 1,000 s whose dependency is back at 100 and 300 s: 700 s are what both can show."""
    back = {"recovers_from_s": 1.0, "leases_normal_s": math.inf}
    a = folder_of(tmp_path / "a", {"w": [100.0]}, **back)
    b = folder_of(tmp_path / "b", {"w": [300.0]}, **back)
    rows = {row.measure: row for row in compare.compared([a, b])}
    assert (rows["leases_normal_s"].mean, rows["leases_normal_s"].than_mean) == (1000.0, 1000.0)
    never = folder_of(tmp_path / "c", {"w": [300.0]}, recovers_from_s=1.0, ttr90_s=math.inf)
    [row] = [row for row in compare.compared([never, never]) if row.measure == "ttr90_s"]
    assert (row.mean, row.never_share) == (700.0, 1.0)


def test_what_cannot_be_compared_is_told(folder_of: Maker, tmp_path: Path) -> None:
    run, sweep = folder_of(tmp_path / "run", {"w": [1.0]}), folder_of(tmp_path / "sweep", {"w": [1.0]}, kind="sweep")
    other = folder_of(tmp_path / "other", {"v": [1.0], "u": [1.0]})
    broken = folder_of(tmp_path / "broken", {"w": [1.0]})
    (broken / "summary.json").write_text('{"rows": [')
    (tmp_path / "empty").mkdir()
    old = folder_of(tmp_path / "old", {"w": [1.0]})
    jobs = folder_of(tmp_path / "jobs", {"w": [1.0]}, kind="jobs")
    (old / "summary.json").write_text('{"format": 1, "rows": []}')
    for arguments, said in (
        ([run, sweep], "is the folder of a sweep, and another is of a run; want folders of runs alone, or one sweep"),
        ([sweep, run], "is the folder of a sweep; want the names of its policies, or folders of runs alone"),
        ([run, tmp_path / "empty"], "holds no finished run; want a folder that recovery run wrote"),
        ([run, broken], "summary.json: is damaged"),
        ([run, old], f"summary.json has format 1; want {FORMAT}: run the experiment again"),
        ([run, "fifo"], "holds no finished sweep"),
        ([run, jobs], "has jobs and"),
    ):
        result = CliRunner().invoke(cli.main, ["compare", *map(str, arguments)])
        assert result.exit_code == 2, result.output
        assert said in result.stderr
    result = CliRunner().invoke(cli.main, ["compare", str(run), str(other), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["differences"][0]["than_variant"] == "w"


def test_a_rate_is_no_time_and_the_number_of_a_course_no_measure(folder_of: Maker, tmp_path: Path) -> None:
    """A rate a second ends as times do, and yet the horizon is no limit to it."""
    folders = [folder_of(tmp_path / name, {"w": TIMES[name][:2]}, drift_per_s=50.0) for name in "ab"]
    rows = {row.measure: row for row in compare.compared(folders)}
    wanted = 50 * (sum(TIMES["b"][:2]) - sum(TIMES["a"][:2])) / 2
    assert rows["drift_per_s"].difference.mean == pytest.approx(wanted)
    assert max(rows["drift_per_s"].mean, rows["drift_per_s"].than_mean) > rows["drift_per_s"].horizon_s
    assert rows["drift_per_s"].never_share is None
    assert "outages_index" not in rows
