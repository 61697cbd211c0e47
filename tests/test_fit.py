"""Fits find what made the data, say what the data cannot tell, and tell mistakes.

Oracle: data that the program made with known inputs and another seed, so the truth is known.
"""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from recovery import cli, fit, pipeline, scenario

TEXT = """
horizon = "100m"
hold = "2m"
fleet = { droplets = 4000, hosts = 2 }
host = { workers = 4, establish_time = { dist = "exponential", mean = "1s" }, renew_time = "5ms", timeout = "50m" }
lease = { duration = "30m", check_every = "2m" }
dependency.outages = [{ from = "5m", to = "50m" }]
policy.client = { name = "fixed", delay = "20s" }
"""


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, Path]:
    """A scenario, and the leased share that it gives with establish times of 1 s and another seed."""
    path, series = tmp_path / "s.toml", tmp_path / "series.csv"
    path.write_text(TEXT)
    with pipeline.Runner(1) as runner:
        outcome = next(runner.run([(scenario.load(path).first, 99, 0)]))
    pl.DataFrame({"time_s": outcome.times_s, "leased_share": outcome.leased_share()})[::6].write_csv(series)
    return path, series


def seconds(text: str) -> float:
    return float(text.removesuffix("s"))


def test_a_known_input_is_found(made: tuple[Path, Path]) -> None:
    path, series = made
    found = fit.fit(
        path, [fit.range_of("host.establish_time.mean=200ms..3s")], fit.series_of(series, "leased_share"), samples=8
    )
    [value] = found.values
    assert value.is_determined
    assert abs(seconds(value.text) - 1) < 0.1
    assert seconds(value.low) <= 1.05
    assert seconds(value.high) >= 0.95
    assert found.not_told_apart == ()


def test_milestones_are_met(tmp_path: Path, made: tuple[Path, Path]) -> None:
    path, _ = made
    with pipeline.Runner(1) as runner:
        full_s = next(runner.run([(scenario.load(path).first, 99, 0)])).measure()["leased_all_s"]
    observed = f'[[observed]]\nlabel = "full"\nat = "{full_s}s"\nmeasure = "leased_all_s"\nsource = "made"\n'
    (tmp_path / "m.toml").write_text(TEXT + observed)
    result = CliRunner().invoke(
        cli.main, ["fit", str(tmp_path / "m.toml"), "--range", "host.establish_time.mean=200ms..3s", "--samples", "6"]
    )
    assert result.exit_code == 0, result.output
    assert "full: " in result.output
    assert "--set host.establish_time.mean=" in result.output
    # One observed number cannot say two inputs of which only the quotient counts.
    keys = ("host.establish_time.mean", "host.workers")
    ranges = [fit.range_of(f"{keys[0]}=300ms..5s"), fit.range_of(f"{keys[1]}=2..32")]
    found = fit.fit(tmp_path / "m.toml", ranges, fit.milestones_of(scenario.load(tmp_path / "m.toml")), samples=24)
    assert keys in found.not_told_apart
    assert not any(value.is_determined for value in found.values)
    assert abs(found.residuals[0]) < 1


@pytest.mark.parametrize(
    "text", ["host.timeout", "host.timeout=5m", "host.timeout=9m..5m", "=1..2", "host.timeout=a..b"]
)
def test_a_wrong_range_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"want KEY=LOW\.\.HIGH"):
        fit.range_of(text)


def test_mistakes_are_told(made: tuple[Path, Path], tmp_path: Path) -> None:
    path, series = made
    for arguments, wanted in (
        (["--range", "host.workerz=1..2", "--series", str(series)], "host.workerz is not a key"),
        (["--range", "host.workers=1..2"], "no [[observed]] milestones"),
        (["--series", str(series)], "want at least one KEY=LOW..HIGH"),
        (["--range", "host.workers=1..2", "--series", str(tmp_path / "no.csv")], "cannot be read"),
        (["--range", "host.workers=1..2", "--series", str(series), "--column", "x"], "has no column 'x'"),
    ):
        result = CliRunner().invoke(cli.main, ["fit", str(path), *arguments])
        assert result.exit_code == 2
        assert wanted in result.output


def test_places_and_values() -> None:
    wide, narrow, whole = (fit.range_of(f"k={ends}") for ends in ("1s..100s", "10%..30%", "4..16"))
    assert wide.is_log
    assert np.isclose(wide.value(0.5), 10)
    assert narrow.override(0.5) == "k=20%"
    assert whole.override(0.25) == "k=7"
