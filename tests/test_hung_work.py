"""Work on requests that hang until the dependency is back: their hours on a worker are no work of the recovery.

Oracle: all services take the same time, so the share of work is the share of what ended, which the series count.
"""

from pathlib import Path

import polars as pl
import pytest

import recovery

FILE = """
horizon = "20m"
fleet = { holders = 400, hosts = 2 }
host.workers = 2
host.establish_time = "50ms"
host.renew_time = "50ms"
host.timeout = "3s"
host.fail_after = "until-back"
lease = { duration = "60s", check_every = "20s", check_jitter = "20%" }
policy.client = { name = "exponential", base = "1s", cap = "10s" }
dependency.outages = [{ from = "2m", to = "10m" }]
"""
CLASSES = """
[classes.node]
[classes.call]
rate = "4/s"
timeout = "2s"
"""


def wasted(series: pl.DataFrame, end: str, to_s: float) -> float:
    """Part of what ended from the return (600 s) until `to_s` that nobody waited for."""
    during = series.filter((pl.col("time_s") > 600) & (pl.col("time_s") <= to_s))
    useful, stale = (int(during[f"{name}{end}"].sum()) for name in ("succeeded", "wasted"))
    assert min(useful, stale) > 0
    return stale / (stale + useful)


@pytest.mark.parametrize("rule", ['host.cancel = "queue"', 'policy.queue = { name = "bounded", limit = "2s" }'])
@pytest.mark.parametrize("window", ["10s", "20ms"])  # of the latter a service ends in a later one than the return's
@pytest.mark.parametrize("classes", ["", CLASSES])
def test_hours_on_a_worker_before_the_return_are_no_wasted_work(
    rule: str, classes: str, window: str, tmp_path: Path
) -> None:
    file = tmp_path / "hung.toml"
    file.write_text(f'coupling.window = "{window}"\n{rule}{FILE}{classes}')
    run = recovery.load(file).run(threads=1)
    [row] = run.summary.rows
    for end in ["", ".node", ".call"] if classes else [""]:
        back = "ttr99_s.node" if classes and end != ".call" else f"ttr99_s{end}"
        seen = wasted(run.series, end, 600 + max(float(row.measures[back]), 10))
        assert float(row.measures[f"wasted_share{end}"]) == pytest.approx(seen, abs=0.02), end
