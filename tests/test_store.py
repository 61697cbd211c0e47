"""What lies on disk: whole or not there, named by what decides it, the same for any number of threads.

Oracles: the scenario's own tables, equality of bytes between runs.
"""

import json
import math
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from recovery import theory, units
from recovery.reading.experiment import parse
from recovery.show import compare_text
from recovery.show import text as words
from recovery.show.sweep_figures.sensitivity import share_of
from recovery.simulate import identity
from recovery.stages import traffic
from recovery.statistics import confidence
from recovery.store.json_text import to_json
from recovery.store.record import Estimate, number
from recovery.store.run_record import Bound
from recovery.study import execute
from recovery.study.judge import Ended, judged

LEASES = """
seed = 3
horizon = "20m"
hold = "1m"
fleet = { holders = 200, hosts = 4, zones = 2 }
host = { establish_time = { dist = "exponential", mean = "200ms" }, timeout = "5s", fail_after = "1s" }
lease = { duration = "2m", check_every = "30s", check_jitter = "10%" }
dependency.outages = [{ from = "2m", to = "7m" }]
"""
RECOVERS = LEASES + 'policy.queue = "drop-expired"\n'
WHEN = """
[[operator]]
do = "restart"
when = "leased < 50%"
for = "30s"
waves = 2
every = "20s"
[[operator]]
do = "throttle"
when = "queue > 20"
rate = "50%"
release = [{ after = "1m", rate = "off" }]
"""
JOBS = """
horizon = "10m"
hold = "1m"
recovers_from = "3m"
jobs = { retries = 2, hosts = 3, steps = [{ at = "0s", rate = "30/s" }, { at = "2m", rate = "200/s" }, { at = "3m", rate = "30/s" }] }
host = { workers = 2, establish_time = { dist = "exponential", mean = "40ms" }, timeout = "2s" }
"""  # noqa: E501


def run(text: str, out: Path, threads: int = 2, name: str = "x", **options: Any) -> execute.Finished:
    experiment = parse(text, name=name, file=f"{name}.toml", **options)
    return execute.run(experiment, out=out, threads=threads, quiet=True)


def without_cpu_time(folder: Path) -> bytes:
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    for row in summary["rows"]:
        del row["cpu_s"]
    return to_json(summary).encode()


def test_what_json_cannot_say_is_said_and_read_again() -> None:
    text = to_json({"b": math.inf, "a": [math.nan, -math.inf, 1.5]})
    assert json.loads(text) == {"a": [None, "-inf", 1.5], "b": "inf"}
    assert number(json.loads(text)["b"]) == math.inf
    assert math.isnan(number(None))


def digest(text: str, name: str = "x", seed: int = 1, replication: int = 0, **options: Any) -> str:
    return identity.digest_of(parse(text, name=name, file=f"{name}.toml", **options).first, seed, replication)


def test_the_digest_names_what_decides_a_result() -> None:
    first = digest(LEASES)
    assert first == digest(LEASES, name="other")
    assert first == digest('title = "other"\nlabel = "other"\n' + LEASES)
    assert first == digest(LEASES.replace('"20m"', '"1200s"'))
    others = {
        digest(LEASES, seed=2),
        digest(LEASES, replication=1),
        digest(LEASES + 'policy.queue = "lifo"\n'),
        digest(LEASES + 'policy.queue = "drop-expired"\n'),
        digest(LEASES + 'policy.queue = { name = "drop-expired", margin = "1s" }\n'),
        digest(LEASES + WHEN),
        digest(LEASES.replace("holders = 200", "holders = 201")),
    }
    assert len(others | {first}) == 8


@pytest.mark.parametrize("key", ["host.establish_time", "lease.duration", "policy.client"])
def test_the_digest_follows_measured_values_and_not_their_file(tmp_path: Path, key: str) -> None:
    (tmp_path / "a.csv").write_text("60\n180\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("# the same\n180\n60s\n", encoding="utf-8")
    (tmp_path / "c.csv").write_text("60\n181\n", encoding="utf-8")

    def of(file: str) -> str:
        value = f'{{dist="empirical",file="{file}"}}'
        value = f'{{name="fixed",delay={value}}}' if key == "policy.client" else value
        return digest(LEASES, folder=tmp_path, overrides=(f"{key}={value}",))

    assert of("a.csv") == of("b.csv")
    assert of("a.csv") != of("c.csv")


def test_the_folder_of_a_run_can_be_read(tmp_path: Path) -> None:
    finished = run(LEASES + "[variants.lifo]\npolicy.queue = 'lifo'\n", tmp_path)
    assert (finished.is_whole, finished.folder) == (True, tmp_path / "x")
    assert sorted(path.name for path in finished.folder.iterdir()) == [
        "manifest.json",
        "series.parquet",
        "summary.json",
    ]
    manifest = json.loads((finished.folder / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["kind"], manifest["runs_done"], manifest["interrupted"]) == ("leases", 2, False)
    table = pl.read_parquet(finished.folder / "series.parquet")
    assert table["variant"].unique(maintain_order=True).to_list() == ["as written", "lifo"]
    assert table.height == 2 * 120
    assert table["time_s"].max() == 1200
    assert {
        *(one.name for one in traffic.COLUMNS),
        "leased_share",
        "leased_share_zone_0",
        "leased_share_zone_1",
    } <= set(table.columns)
    assert table["leased_share"][0] == 1
    assert table["leased_share"].min() == 0


@pytest.mark.parametrize("text", [LEASES, LEASES + WHEN, JOBS], ids=["leases", "conditions", "jobs"])
def test_results_are_the_same_for_any_number_of_threads(tmp_path: Path, text: str) -> None:
    text = "replications = 2\n" + text
    folders = [run(text, tmp_path / str(threads), threads).folder for threads in (1, 2, 3)]
    assert len({without_cpu_time(folder) for folder in folders}) == 1
    assert len({(folder / "series.parquet").read_bytes() for folder in folders}) == 1


def test_another_seed_is_another_result(tmp_path: Path) -> None:
    folders = [run(LEASES.replace("seed = 3", f"seed = {seed}"), tmp_path / str(seed)).folder for seed in (3, 4)]
    assert len({(folder / "series.parquet").read_bytes() for folder in folders}) == 2


def test_conditions_of_the_whole_fleet_fire_once_and_when_they_hold(tmp_path: Path) -> None:
    finished = run(LEASES + WHEN, tmp_path)
    actions = {action.do: action.at_s for action in finished.summary.rows[0].actions}
    assert sorted(actions) == ["restart", "throttle"]
    table = pl.read_parquet(finished.folder / "series.parquet")
    times, leased, queue = (table[name].to_list() for name in ("time_s", "leased_share", "queue"))
    below = next(t for t, share in zip(times, leased, strict=True) if share < 0.5)
    assert actions["restart"] == below + 30
    assert actions["throttle"] == next(t for t, waiting in zip(times, queue, strict=True) if waiting > 20)
    assert table["rejected_down"].sum() > 0
    assert table.filter(pl.col("time_s") <= actions["throttle"])["rejected_throttle"].sum() == 0
    assert table["rejected_throttle"].sum() > 0


def test_a_condition_that_never_holds_changes_nothing(tmp_path: Path) -> None:
    never = '[[operator]]\ndo = "restart"\nwhen = "queue > 1000000"\n'
    with_, without = run(LEASES + never, tmp_path / "a"), run(LEASES, tmp_path / "b")
    assert (with_.folder / "series.parquet").read_bytes() == (without.folder / "series.parquet").read_bytes()


@pytest.mark.parametrize(
    ("bound", "holds"), [('ttr99_s = "< 13m"', "yes"), ('ttr99_s = "< 1s"', "no"), ('collapsed_share = "< 5%"', "yes")]
)
def test_bounds(tmp_path: Path, bound: str, holds: str) -> None:
    finished = run(RECOVERS + f"[expect]\n{bound}\n", tmp_path)
    assert [row.holds for row in finished.summary.expect] == [holds]


def test_a_bound_within_the_interval_is_unsure(tmp_path: Path) -> None:
    """Whether a share of 0 of 2 runs is below 5 % cannot be said: its interval reaches to more than a half."""
    finished = run("replications = 2\n" + RECOVERS + '[expect]\ncollapsed_share = "< 5%"\n', tmp_path)
    [bound] = finished.summary.expect
    assert bound.holds == "unsure"
    assert words.expected(bound) == "expected collapsed_share < 5%: unsure (0 %; its interval holds the bound)"
    failed = Bound(text="ttr99_s < 1s", holds="no", value=math.nan, why="every run failed")
    assert words.expected(failed) == "expected ttr99_s < 1s: no (every run failed)"


def test_a_drift_is_told_as_a_rate_and_a_time_as_a_time() -> None:
    drift = Bound(text="drift_per_s < 1", holds="no", value=150.0)
    assert words.expected(drift) == "expected drift_per_s < 1: no (150)"
    assert words.expected(drift.model_copy(update={"text": "ttr99_s < 1s"})) == "expected ttr99_s < 1s: no (2.5 min)"


def test_a_variant_that_does_not_fit_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"needs up to .*TB of memory .* are free\. Want more hosts"):
        run(LEASES.replace("holders = 200", "holders = 1_000_000_000").replace('"20m"', '"400h"'), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_in_a_sweep_a_bound_must_hold_at_every_point(tmp_path: Path) -> None:
    sweep = '[sweep.levers]\n"jobs.steps.1.rate" = { values = ["31/s", "400/s"] }\n'
    calm, pushed = run(JOBS + "[expect]\nqueue_peak = '< 1000'\n" + sweep, tmp_path).summary.groups
    peaks = [group.mean("queue_peak") for group in (calm, pushed)]
    between = int(sum(peaks) / 2)
    assert peaks[0] < between < peaks[1]
    told = run(JOBS + f"[expect]\nqueue_peak = '< {between}'\n" + sweep, tmp_path).summary.expect
    assert [(one.holds, one.levers) for one in told] == [("no", {"jobs.steps.1.rate": "400/s"})]


def test_measured_values_decide_the_name_of_a_run_wherever_they_stand(tmp_path: Path) -> None:
    """Two files of one name and other values are two variants; one file under another name is the same variant."""
    text = """
horizon = "30m"
hold = "2m"
fleet = { holders = 100, hosts = 2 }
host = { establish_time = "10ms", timeout = "30s" }
lease = { duration = "2m", check_every = "30s" }
launches.demand = { file = "rates.csv" }
propagation = { time = { dist = "empirical", file = "times.txt" } }
"""
    names = set()
    for rate, seconds in ((1, 1), (2, 1), (1, 2)):
        (tmp_path / "rates.csv").write_text(f"0,{rate}\n", encoding="utf-8")
        (tmp_path / "times.txt").write_text(f"{seconds}\n3\n", encoding="utf-8")
        names.add(identity.digest_of(parse(text, folder=tmp_path).first, 1, 0))
    assert len(names) == 3
    (tmp_path / "again.txt").write_text(f"{seconds}\n3\n", encoding="utf-8")
    again = parse(text.replace("times.txt", "again.txt"), folder=tmp_path).first
    assert identity.digest_of(again, 1, 0) in names


def test_a_bound_of_a_sweep_that_looks_again_and_again_is_judged_by_what_holds_at_every_look(tmp_path: Path) -> None:
    """One of 20 runs collapses: by one look the chance is below a quarter, but who stops when it suits knows less.
    Oracle: Clopper and Pearson's interval, and the exact sequence of `confidence.chance`.
    """
    experiment = parse(RECOVERS + '[expect]\ncollapsed_share = "< 25%"\n', name="x", file="x.toml")
    row = Ended(experiment.first.name, {}, 0, "recovered", {})
    rows = [row._replace(replication=i) for i in range(19)] + [row._replace(replication=19, verdict="collapsed")]
    assert theory.clopper_pearson(1, 20)[1] < 0.25 < confidence.chance(1, 20).high
    assert judged(experiment, rows, 0).holds == "yes"
    assert judged(experiment, rows, 0, at_every_look=True).holds == "unsure"
    many = [row._replace(replication=i) for i in range(200)]
    assert judged(experiment, many, 0, at_every_look=True).holds == "yes"


def test_two_digits_of_a_hundred_are_a_hundred() -> None:
    """As of a share that is all: it stood as 1e+02 % in a heading."""
    assert [units.show_number(number, 2) for number in (100.0, 99.6, 123.0, 61.2)] == ["100", "100", "120", "61"]
    assert units.show_share(1.0, 2) == "100 %"
    index = Estimate(mean=1.04, low=0.752, high=1.3)
    assert share_of(index) == "100 %, 75 % to 100 %"
    assert share_of(Estimate(mean=0.612)) == "61 %"


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0.8625, "0.863"),
        (53.86, "53.9"),
        (999.7, "1,000"),
        (1130.4, "1,130"),
        (4.2e6, "4,200,000"),
        (4.2e13, "4.2e+13"),
    ],
)
def test_numbers_are_shown_with_their_digits(number: float, shown: str) -> None:
    assert units.show_number(number) == shown
    assert units.show_share(number / 100) == f"{shown} %"


def test_a_share_of_rounding_alone_is_not_shown_in_digits() -> None:
    assert units.show_share(3.09e-9) == "less than 0.0001 %"
    assert compare_text.signed(-3.09e-9, compare_text.show_points) == "0 pp"
    assert compare_text.signed(-2.2e-16, units.show_number) == "0"
