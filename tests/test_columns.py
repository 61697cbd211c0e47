"""Columns of results: their page, their version, and that tables have those that the page tells.

Oracle: the page and the golden names are text; the tables are those of real runs.
"""

import json
from pathlib import Path

import column_names
import polars as pl
import pytest
from fingerprints import JOBS, LATER, LEASES, experiment_of, outcome_of
from test_sweep import BASE, SWEEP, swept, written

from recovery.measures import register, tables
from recovery.stages import document, known
from recovery.study.keeping import series_table

TOP = Path(__file__).resolve().parent.parent
MEASURES = {one.name for one in register.TABLE}


def test_the_page_is_that_of_the_register_and_the_stages() -> None:
    assert (TOP / "docs" / "reference" / "measures.md").read_text(encoding="utf-8") == document.page(), "run: make docs"


def test_a_name_that_goes_raises_the_version() -> None:
    now, then = column_names.written(), json.loads(column_names.GOLDEN.read_text(encoding="utf-8"))
    kept = all(now[part].items() >= then[part].items() for part in ("columns", "measures"))
    kept = kept and all(set(now["files"][name]) >= set(own) for name, own in then["files"].items())
    assert kept or now["version"] > then["version"], "raise register.COLUMNS_VERSION"
    assert now == then, "run: python tests/column_names.py"


@pytest.mark.parametrize("base", [LATER, JOBS], ids=["later", "jobs"])
def test_series_have_the_columns_that_the_page_tells(base: str) -> None:
    outcome = outcome_of(experiment_of(base, ""))
    scenario = outcome.scenario
    own = [one for stage in (known.traffic_of(scenario), *known.later_of(scenario)) for one in stage.columns]
    zones = range(len(outcome.traffic.holders_by_zone))
    names = [f"{one.name}_{zone}" for one in own if one.by_zone for zone in zones]
    names += [one.name for one in own if not one.by_zone and not one.is_asked]
    assert set(series_table([outcome]).columns) == {*tables.SERIES, *names}


def test_tables_of_a_sweep_have_the_columns_that_the_page_tells(tmp_path: Path) -> None:
    text = BASE.replace("replications = 2", "replications = 1") + SWEEP.replace("samples = 4", "samples = 2")
    folder = swept(written(tmp_path, text), tmp_path / "out")
    varied = {"policy.queue", "policy.client", "host.timeout", "fleet.holders"}
    runs, curves = (pl.read_parquet(folder / f"{name}.parquet").columns for name in ("runs", "series"))
    assert set(runs) - MEASURES == {*tables.RUNS, *varied}
    assert set(curves) == {*tables.CURVES, "leased_share"}


def test_who_is_overdue_is_a_column_where_the_file_says_when_one_is() -> None:
    """Nobody renews from 3 min on (requests that had begun take some seconds), so that after 90 s more all are overdue,
    until the return at 9 min; before the outage all renew within 66 s.
    """
    asked = outcome_of(experiment_of(LEASES, 'fleet.overdue_after = "90s"'))
    column, times_s = asked.columns()["overdue"], asked.times_s
    assert not column[times_s <= 180].any()
    assert (column[(times_s > 300) & (times_s <= 540)] == 240).all()
    assert column.max() == asked.measure()["overdue_peak"]
    assert "overdue" not in outcome_of(experiment_of(LEASES, "")).columns()
