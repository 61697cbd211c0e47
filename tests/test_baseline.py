"""A/B/A: measures against the time before a disturbance.

Oracles: series made by hand whose answer is plain; Little's law on an M/M/1 queue; that load is conserved.
"""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from recovery.cli import main as cli
from recovery.measures import baseline
from recovery.reading.experiment import parse
from recovery.simulate import pipeline
from recovery.simulate.outcome import Outcome

TIMES = np.arange(1.0, 101.0)  # windows of 1 s
STORM = """
horizon = "20m"
hold = "1m"
coupling.window = "1s"
baseline = { within = "10%", over = "1m" }
fleet = { holders = 2000, hosts = 2 }
host = { establish_time = "20ms", renew_time = "5ms", timeout = "5s", fail_after = "100ms", workers = 20 }
lease = { duration = "40s", check_every = "10s" }
dependency.outages = [{ from = "5m", to = "8m" }]
policy.client = { name = "exponential", base = "200ms", cap = "7s" }
"""


def step(high: float, until: int) -> np.ndarray:
    """1 in each window, but `high` in those from 20 s to `until`."""
    return np.where((TIMES > 20) & (until >= TIMES), high, 1.0)


@pytest.mark.parametrize(("windows", "back_s"), [(1, 31.0), (5, 35.0)])
def test_a_step_is_over_when_the_mean_over_the_stretch_is(windows: int, back_s: float) -> None:
    """Ten times as much until 30 s; the mean over 5 s has forgotten that at 35 s. Clock of recovery from 30 s on."""
    load = baseline.load_of(step(10.0, 30), windows)
    level = baseline.level_of(load, TIMES, float(windows), 20.0)
    assert level == windows
    found = baseline.against(load, level, TIMES, within=0.1, begins_s=20.0, from_s=30.0, hold_s=10.0)
    assert found.back_s == back_s - 30.0
    assert found.peak == pytest.approx(10.0)


@pytest.mark.parametrize(("high", "is_back"), [(1.09, True), (1.11, False)])
def test_a_load_that_stays_too_high_is_never_back(high: float, is_back: bool) -> None:
    load = baseline.load_of(step(high, 100), 1)
    found = baseline.against(load, 1.0, TIMES, within=0.1, begins_s=20.0, from_s=30.0, hold_s=10.0)
    assert found.back_s == (0.0 if is_back else math.inf)


def test_the_excess_is_the_area_between_the_curves() -> None:
    assert baseline.excess(step(10.0, 30), TIMES, 20.0) == 9.0 * 10


def test_without_a_time_before_nothing_is_known() -> None:
    found = baseline.against(np.ones(100), math.nan, TIMES, within=0.1, begins_s=0.0, from_s=0.0, hold_s=1.0)
    assert math.isnan(found.back_s)
    assert math.isnan(found.peak)


def run(text: str) -> Outcome:
    experiment = parse(text)
    with pipeline.Runner(1) as runner:
        return next(runner.run([(experiment.first, 1, 0)]))


def test_the_response_time_is_that_of_a_queue_with_one_server() -> None:
    """M/M/1 at a load of 1/2: a request spends 2 x 10 ms at the host (L. Kleinrock, Queueing Systems I, 1975). The
    level at ends of windows is a sample: 4,000 of them, and a cycle of 20 ms, leave an error below 5 %.
    """
    outcome = run(
        'horizon = "70m"\nhold = "1m"\ncoupling.window = "1s"\nhost = { workers = 1, timeout = "1h", '
        'establish_time = { dist = "exponential", mean = "10ms" } }\njobs.steps = [{ at = "0s", rate = "50/s" }]\n'
    )
    flows = outcome.series
    there = flows["busy_ns"] / 1e9 + flows["queue"]
    [response] = baseline.response_of(there, flows["succeeded"], len(there))[-1:]
    assert response == pytest.approx(0.02, rel=0.05)


def test_a_storm_is_measured_against_the_time_before() -> None:
    """Oracle: the columns themselves, looked at in the plainest way."""
    outcome = run(STORM)
    row, load, times = outcome.measure(), outcome.series["submitted"], outcome.times_s
    minute, ends = np.convolve(load, np.ones(60), "valid"), times[59:]
    multiple = minute / minute[ends <= 300].mean()
    assert row["load_peak"] == pytest.approx(multiple[ends > 300].max())
    calm = [t for t in ends[ends >= 480] if (multiple[(ends >= t) & (ends < t + 60)] <= 1.1).all()]
    assert row["ttr_load_s"] == calm[0] - 480
    assert 1 < row["load_peak"] < math.inf
    assert row["load_excess"] == pytest.approx(np.maximum(load[times > 300] - load[times <= 300].mean(), 0).sum())


def test_a_surge_of_jobs_is_over_when_the_file_says(tmp_path: Path) -> None:
    """Three times the jobs for five minutes, which one worker has no room for: load is back a minute after, as the mean
    over a minute forgets them; and whoever does not say when the surge is over is asked.
    """
    surge = (
        'horizon = "1h"\nhold = "1m"\ncoupling.window = "1s"\nbaseline = { within = "10%", over = "1m" }\n'
        'host = { workers = 1, timeout = "1h", establish_time = "10ms" }\n'
        'jobs.steps = [{ at = "0s", rate = "60/s" }, { at = "10m", rate = "180/s" }, { at = "15m", rate = "60/s" }]\n'
    )
    file = tmp_path / "surge.toml"
    file.write_text(surge)
    result = call("check", file)
    assert (result.exit_code, "want recovers_from" in result.stderr) == (2, True)
    row = run('recovers_from = "15m"\n' + surge).measure()
    # A mean over a minute of which 120·(60 − s)/60 a second are of the surge is within a tenth of 60 from s = 57 on.
    assert row["ttr_load_s"] == pytest.approx(57, abs=1)
    # 80 jobs a second too many for 300 s are gone at 40 a second after 600.
    assert 540 < row["ttr_response_s"] < 720


def test_measures_against_a_baseline_are_there_only_with_its_table() -> None:
    names = {"ttr_load_s", "ttr_response_s", "load_peak", "response_peak", "load_excess"}
    without = run(STORM.replace('baseline = { within = "10%", over = "1m" }\n', ""))
    assert not names & set(without.measure())


def call(*words: object) -> Result:
    return CliRunner().invoke(cli.main, [str(word) for word in words])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('over = "1m"', 'over = "3m"', "baseline.over is 3 min; want at most half of what is before the first"),
        ('over = "1m"', 'over = "100ms"', "baseline.over is 100 ms; want at least coupling.window, 1 s"),
        ('within = "10%"', 'within = "0%"', "baseline.within is"),
        ('outages = [{ from = "5m", to = "8m" }]', "outages = []", "baseline is set, and nothing disturbs"),
    ],
)
def test_a_baseline_that_cannot_be_is_told(tmp_path: Path, old: str, new: str, said: str) -> None:
    file = tmp_path / "storm.toml"
    file.write_text(STORM.replace(old, new))
    result = call("check", file)
    assert result.exit_code == 2, result.output
    assert said in result.stderr


def test_expect_without_the_table_asks_for_it(tmp_path: Path) -> None:
    file = tmp_path / "storm.toml"
    file.write_text(STORM.replace('baseline = { within = "10%", over = "1m" }\n', "") + '[expect]\nload_peak = "< 3"\n')
    result = call("check", file)
    assert result.exit_code == 2
    assert "expect.load_peak is load_peak; want a table [baseline]" in result.stderr


def test_the_preset_answers_the_three_questions(tmp_path: Path) -> None:
    """A tenth of its nodes and servers' seats, so that it is quick: load a server stays the same."""
    file = tmp_path / "aba.toml"
    assert call("new", "--system", "aba", "--out", file).exit_code == 0
    small = ["--set", "fleet.holders=500", "--set", "host.workers=4"]
    result = call("run", file, *small, "--no-report", "--out", tmp_path / "out")
    assert result.exit_code in (0, 99), result.output
    for name in ("ttr_load_s", "ttr_response_s", "load_peak"):
        assert f"expected {name} < " in result.stdout
    rows = json.loads((tmp_path / "out" / "aba" / "summary.json").read_text())["rows"]
    assert {"as built", "with jitter", "half of the requests fail"} == {row["variant"] for row in rows}
    for row in rows:
        assert 0 <= row["measures"]["ttr_load_s"] < 25 * 60  # it comes back: the load is a tenth of what they can do
        assert row["measures"]["load_peak"] > 1
