"""Finished runs beside each other. Oracle: SciPy's t tests on the numbers that were written, and the contract."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

from recovery.cli import main as cli
from recovery.store import results as store
from recovery.study import compare

TIMES = {"a": [100.0, 130.0, 90.0, 160.0], "b": [80.0, 120.0, 70.0, 110.0]}


def folder_of(
    path: Path, variants: dict[str, list[float]], *, kind: str = "leases", seed: int = 1, name: str = ""
) -> Path:
    """A folder as `recovery run` writes it: a row for each time to recovery."""
    rows: list[dict[str, Any]] = [
        {"variant": variant, "levers": {}, "seed": seed, "replication": i, "digest": "", "actions": [], "verdict": "x",
         "ttr99_s": "inf" if math.isinf(t) else t, "wasted_share": t / 1000, "reach_p50_s": None}
        for variant, times in variants.items()
        for i, t in enumerate(times)
    ]  # fmt: skip
    path.mkdir(parents=True)
    manifest = {"format": store.FORMAT, "kind": kind, "name": name or path.name, "horizon_s": 1000.0}
    (path / "manifest.json").write_text(json.dumps(manifest))
    (path / "summary.json").write_text(json.dumps({"format": store.FORMAT, "rows": rows}))
    return path


def test_runs_of_the_same_draws_are_paired(tmp_path: Path) -> None:
    a, b = folder_of(tmp_path / "a", {"w": TIMES["a"]}), folder_of(tmp_path / "b", {"w": TIMES["b"]})
    rows = {row["measure"]: row for row in compare.compared([a, b])}
    assert set(rows) == {"ttr99_s", "wasted_share"}  # what was not measured is not compared
    for measure, scale in (("ttr99_s", 1.0), ("wasted_share", 1e-3)):
        wanted = stats.ttest_rel(TIMES["b"], TIMES["a"]).confidence_interval(0.95)
        told = rows[measure]["difference"]
        assert (told["low"], told["high"]) == pytest.approx((scale * wanted.low, scale * wanted.high))
        assert told["mean"] == pytest.approx(scale * float(np.mean(np.subtract(TIMES["b"], TIMES["a"]))))
        assert rows[measure]["is_paired"]
        assert rows[measure]["verdict"] == "less" if wanted.high < 0 else "not told apart"


def test_runs_of_other_seeds_are_independent(tmp_path: Path) -> None:
    a, b = folder_of(tmp_path / "a", {"w": TIMES["a"]}), folder_of(tmp_path / "b", {"w": TIMES["b"][:3]}, seed=2)
    [row] = [row for row in compare.compared([a, b]) if row["measure"] == "ttr99_s"]
    x, y = np.array(TIMES["b"][:3]), np.array(TIMES["a"])
    parts = x.var(ddof=1) / 3, y.var(ddof=1) / 4
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / 2 + parts[1] ** 2 / 3)  # Welch and Satterthwaite
    half = stats.t.ppf(0.975, freedom) * math.sqrt(sum(parts))
    assert not row["is_paired"]
    mean = x.mean() - y.mean()
    assert (row["difference"]["low"], row["difference"]["high"]) == pytest.approx((mean - half, mean + half))
    assert (row["runs"], row["than_runs"]) == (3, 4)


def test_variants_are_matched_by_name_and_the_first_with_the_first(tmp_path: Path) -> None:
    a = folder_of(tmp_path / "a", {"as is": [5.0], "lifo": [4.0], "only here": [1.0]})
    b = folder_of(tmp_path / "b", {"as written": [6.0], "lifo": [7.0]})
    rows = [row for row in compare.compared([a, b]) if row["measure"] == "ttr99_s"]
    assert [(row["variant"], row["than_variant"], row["difference"]["mean"]) for row in rows] == [
        ("as written", "as is", 1.0),
        ("lifo", "lifo", 3.0),
    ]
    assert all(row["verdict"] == "one run: no interval" for row in rows)


def test_never_counts_as_the_horizon_and_is_told(tmp_path: Path) -> None:
    a = folder_of(tmp_path / "a", {"w": [100.0, math.inf]})
    b = folder_of(tmp_path / "x" / "a", {"w": [math.inf, math.inf]})
    [row] = [row for row in compare.compared([a, b]) if row["measure"] == "ttr99_s"]
    assert (row["than_mean"], row["mean"]) == (550.0, 1000.0)
    assert (row["than_never_share"], row["never_share"]) == (0.5, 1.0)
    assert row["run"] == str(b)  # both have the name a: folders tell them apart
    text = compare.told([row])
    assert "9.2 min, never in 50 %" in text
    assert " never " in text


def test_what_cannot_be_compared_is_told(tmp_path: Path) -> None:
    run, sweep = folder_of(tmp_path / "run", {"w": [1.0]}), folder_of(tmp_path / "sweep", {"w": [1.0]}, kind="sweep")
    other = folder_of(tmp_path / "other", {"v": [1.0], "u": [1.0]})
    broken = folder_of(tmp_path / "broken", {"w": [1.0]})
    (broken / "summary.json").write_text('{"rows": [')
    (tmp_path / "empty").mkdir()
    old = folder_of(tmp_path / "old", {"w": [1.0]})
    (old / "summary.json").write_text('{"format": 1, "rows": []}')
    for arguments, said in (
        ([run, sweep], "is the folder of a sweep, and another is of a run; want folders of runs alone, or one sweep"),
        ([sweep, run], "is the folder of a sweep; want the names of its policies, or folders of runs alone"),
        ([run, tmp_path / "empty"], "holds no finished run; want a folder that recovery run wrote"),
        ([run, broken], "summary.json: is damaged"),
        ([run, old], f"summary.json has format 1; want {store.FORMAT}: run the experiment again"),
        ([run, "fifo"], "holds no finished sweep"),
    ):
        result = CliRunner().invoke(cli.main, ["compare", *map(str, arguments)])
        assert result.exit_code == 2, result.output
        assert said in result.stderr
    result = CliRunner().invoke(cli.main, ["compare", str(run), str(other), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["differences"][0]["than_variant"] == "w"


def test_a_rate_is_no_time_and_the_number_of_a_course_no_measure(tmp_path: Path) -> None:
    """A rate a second ends as times do, and yet the horizon is no limit to it."""
    folders = []
    for name, drifts in (("a", [5000.0, 7000.0]), ("b", [6000.0, 8500.0])):
        folder = folder_of(tmp_path / name, {"w": TIMES[name][:2]})
        summary = json.loads((folder / "summary.json").read_text())
        for row, drift in zip(summary["rows"], drifts, strict=True):
            row |= {"drift_per_s": drift, "outages_index": 0}
        (folder / "summary.json").write_text(json.dumps(summary))
        folders.append(folder)
    rows = {row["measure"]: row for row in compare.compared(folders)}
    assert rows["drift_per_s"]["difference"]["mean"] == 1250.0
    assert "never_share" not in rows["drift_per_s"]
    assert "outages_index" not in rows
