"""What is told of the stages after the leases: times, savings, the page, mistakes, the estimate, halved windows.

Oracles: times put in by hand and Student's interval from scipy; what a run counted; the same run in halved windows.
"""

import math
from pathlib import Path

import numpy as np
import pytest
from run_records import row_of, summary_of
from scipy import stats

from recovery import units
from recovery.errors import ScenarioError
from recovery.measures import register
from recovery.reading.experiment import Experiment, load, parse
from recovery.show import report, stage_times, standings, text
from recovery.show.answers.run import answer_of
from recovery.simulate import chain, pipeline
from recovery.simulate.estimate import estimate
from recovery.simulate.outcome import Outcome
from recovery.store.run_record import Row
from recovery.study import execute, machine
from recovery.study.summary import summarise

SMALL = """
title = "small"
label = "as it is"
horizon = "40m"
hold = "1m"
replications = 2
fleet = { holders = 90, hosts = 3, zones = 3 }
host = { establish_time = "100ms", timeout = "10s" }
lease = { duration = "5m", check_every = "1m" }
policy = { client = { name = "fixed", delay = "10s" } }
dependency.outages = [{ from = "5m", to = "15m" }]
[launches]
demand = "2/s"
changes = "1/s"
throttle = [{ at = "15m", rate = "1/s" }, { at = "25m", rate = "off" }]
[propagation]
workers = 3
time = { dist = "exponential", mean = "900ms" }
normal_latency = "20s"
reductions = [{ at = "20m", lasts = "5m", share = "50%" }]
[health]
targets = 30
joins = "5%"
time = "10ms"
terminate_after = "3m"
failover = [{ at = "20m", do = "off" }, { at = "25m", do = "on", zone = 1 }]
"""
VARIANTS = (
    '[variants."a variant with a name that is so long that it must not push anything out of its place"]\n'
    "launches.throttle = []\n"
)
STONES = """
[[observed]]
label = "launches work again"
at = "26m"
measure = "launches_normal_s"
confidence = "official"
source = "made up"
[[observed]]
label = "capacity is back"
at = "20m"
measure = "capacity_normal_s"
source = "made up"
used_for_fit = true
"""


def row(variant: str, replication: int, ttr99: float, launches: float, latency: float) -> Row:
    times = {"leases_normal_s": 100.0 + ttr99, "launches_normal_s": launches, "latency_normal_s": latency}
    return row_of(variant, replication, all_normal_s=max(times.values()), **times)


def test_savings_are_paired() -> None:
    first = [row("a", i, 50.0 + i, 1000.0 + 300 * i, 400.0) for i in range(4)]
    second = [row("b", i, 50.0 + i, 900.0 + 290 * i, 500.0) for i in range(4)]
    a, b = stage_times.variants(summary_of([*first, *second]))
    differences = [100.0 + 10 * i for i in range(4)]
    half = stats.t.ppf(0.975, 3) * np.std(differences, ddof=1) / 2
    saved = b.saved[stage_times.ALL]
    assert saved[:3] == pytest.approx((115.0, 115.0 - half, 115.0 + half))
    assert (a.last, b.last) == (("launches", 4, 4), ("launches", 4, 4))
    assert b.saved["propagation"].mean_s == -100
    assert a.normal["leases"].mean_s == 151.5
    assert stage_times.show_saving(saved) == f"+1.9 ± {half / 60:.1f} min"
    for saved_s, words in ((948.0, "+15.8 min"), (-948.0, "−15.8 min"), (7130.0, "+118.8 min"), (7200.0, "+120 min")):
        assert stage_times.show_saving(standings.Saved(saved_s)) == words


def test_a_stage_that_is_never_back_holds_recovery_back() -> None:
    rows = [row("a", 0, 50.0, 1000.0, 0.0), row("b", 0, 50.0, 10.0, math.inf)]
    a, b = stage_times.variants(summary_of(rows))
    assert a.show("propagation", str) == "always"
    assert a.last.words == "launches"
    assert b.show("launches", str) == "almost always"
    assert b.show("leases", str) == "150.0"
    assert b.show("propagation", units.show_duration) == "> 60 min"  # the horizon: its leases did not collapse
    assert b.last.words == "propagation"
    assert b.normal[stage_times.ALL].is_never
    assert b.saved[stage_times.ALL].mean_s == -math.inf  # only the first comes back
    assert stage_times.show_saving(b.saved[stage_times.ALL]) == "–"


def test_one_run_that_was_always_normal_does_not_hide_the_others() -> None:
    """Oracle: the mean of 0 and 40 min; "always" is said of a variant only where it holds of every run."""
    rows = [row("a", 0, -100.0, 0.0, 0.0), row("a", 1, -100.0, 0.0, 2400.0), row("b", 0, -100.0, 0.0, 0.0)]
    a, b = stage_times.variants(summary_of(rows))
    assert a.show("propagation", units.show_duration) == "20 min"
    assert {b.show(stage, str) for stage in b.normal} == {"always"}
    assert b.last.words == "none"


def test_a_run_without_later_stages_has_no_times() -> None:
    assert stage_times.variants(summary_of([row_of("a", ttr99_s=1.0)])) == []


def test_the_page_has_a_section_a_stage(tmp_path: Path) -> None:
    file = tmp_path / "small.toml"
    file.write_text('clock = "2025-10-19T23:48-07:00"\n' + SMALL + VARIANTS + STONES)
    experiment = load(file)
    finished = execute.run(experiment, out=tmp_path / "out", threads=1, quiet=True)
    page = report.write(finished.folder).read_text(encoding="utf-8").replace("\u00a0", " ")
    places = [page.index(f'id="{name}"') for name in ("stages", "variants", "launches", "propagation", "health")]
    assert places == sorted(places)
    for name in ("day", "stages", "launches", "propagation", "health"):
        assert page.count(f'id="figure-{name}"') == 1
        assert (finished.folder / "figures" / f"{name}.svg").stat().st_size > 3_000
    assert page.count("<h2") == page.count("</h2>")
    assert ("✓ 10 min" in page) or ("✗ 10 min" in page)
    assert ("✓ 20 min" in page) or ("✗ 20 min" in page)
    assert "predicted" in page
    assert "held back by" in page
    manifest, summary, _ = report.read(finished.folder)
    printed = text.results(manifest, summary, [str(answer_of(manifest, summary))])
    assert "held back by" in printed
    variant = stage_times.variants(summary)[0]
    ends = [one.of("all_normal_s") for one in summary.rows if one.variant == "as it is"]
    assert variant.normal[stage_times.ALL].never == sum(map(math.isinf, ends))
    starts = [one.of("leases_normal_s") for one in summary.rows if one.variant == "as it is"]
    assert variant.normal["leases"].mean_s == pytest.approx(np.mean(starts))


MISTAKES = [
    ("launches", 'expect = { launches_normal_s = "< 1h" }', "expect.launches_normal_s", "want a table [launches]"),
    ("propagation", 'expect = { latency_normal_s = "< 1h" }', "expect.latency_normal_s", "want a table [propagation]"),
    ("health", 'expect = { usable_min_share = "> 5%" }', "expect.usable_min_share", "want a table [health]"),
    ("health", STONES, "observed.1.measure is capacity_normal_s", "want a table [health], or one of ttr50_s"),
]


@pytest.mark.parametrize(("stage", "head", "key", "wanted"), MISTAKES)
def test_a_measure_of_a_stage_that_is_not_there_is_told(stage: str, head: str, key: str, wanted: str) -> None:
    order = ("launches", "propagation", "health")
    without = SMALL[: SMALL.index(f"[{stage}]")]
    with pytest.raises(ScenarioError) as told:
        parse(head + without if head.startswith("expect") else without + head)
    line = next(line for line in str(told.value).splitlines() if key in line)
    assert wanted in line
    last = [one.name for one in register.TABLE if one.needs == order[-1]]
    assert not any(name in line.partition("one of")[2] for name in last)


def test_bounds_of_later_stages_are_judged() -> None:
    loaded = parse('expect = { launches_normal_s = "< 1s", usable_min_share = ">= 0%" }\n' + SMALL)
    outcome = follow(loaded)
    told = {one.text: one.holds for one in summarise(loaded, [outcome]).expect}
    assert told == {"launches_normal_s < 1s": "no", "usable_min_share >= 0%": "yes"}


def follow(loaded: Experiment, seed: int = 1) -> Outcome:
    with pipeline.Runner(1) as runner:
        found = chain.follow(next(runner.run([(loaded.first, seed, 0)])))
    assert found.later
    return found


def test_the_estimate_counts_the_later_stages() -> None:
    loaded = parse(SMALL)
    need = estimate(loaded.first.scenario, 1)
    plain = estimate(parse(SMALL[: SMALL.index("[launches]")]).first.scenario, 1)
    flows = {name: int(values.sum()) for name, values in follow(loaded).columns().items()}
    work = flows["launch_attempts"] + flows["changes"] + flows["job_attempts"] + flows["checks"]
    assert need.memory_bytes - plain.memory_bytes == need.later_bytes > 0
    assert plain.later_bytes == 0
    assert work <= need.events - plain.events < 20 * work
    assert need.cpu_s > plain.cpu_s


def test_as_many_runs_are_followed_at_once_as_memory_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = parse(SMALL)
    need = estimate(loaded.first.scenario, 8)
    for free, at_once in ((1.0, 1), (3.5, 3), (100.0, 8)):
        room = (need.memory_bytes - need.later_bytes + free * need.later_bytes) / 0.9
        monkeypatch.setattr(machine, "memory_bytes", lambda room=room: room)
        assert machine.followers(loaded, 8) == at_once
    assert machine.followers(parse(SMALL[: SMALL.index("[launches]")]), 8) == 8


LOOP = """
horizon = "5h"
hold = "5m"
fleet = { holders = 3000, hosts = 3, zones = 3 }
host = { establish_time = "100ms", timeout = "5m" }
lease = { duration = "10m", check_every = "1m" }
policy = { client = { name = "fixed", delay = "30s" } }
dependency.outages = [{ from = "20m", to = "60m" }]
[launches]
demand = { steps = [{ at = "0s", rate = "20/s" }, { at = "200m", rate = "2/s" }] }
changes = "4/s"
client = { name = "full-jitter", base = "1m", cap = "5m" }
retries = 20
throttle = [{ at = "60m", rate = "15/s" }, { at = "150m", rate = "28/s" }, { at = "4h", rate = "off" }]
[propagation]
workers = 22
time = { dist = "exponential", mean = "750ms" }
slowdown = { a = 0.3, queue = 20000 }
[health]
targets = 3000
joins = "2%"
time = "1ms"
terminate_after = "5m"
"""
HALVED_S = 120  # what MODEL.md, section 9, says of windows half as long


def test_halving_the_window_of_the_loop_moves_no_milestone_far() -> None:
    whole, half = (follow(parse(LOOP, overrides=(f"coupling.window={span}",))) for span in ("10s", "5s"))
    rows = [found.measure() for found in (whole, half)]
    assert min(row["targets_terminated"] for row in rows) > 100  # the loop is at work
    stones = [name for name in register.expected() if name.endswith(("_normal_s", "_falls_s", "_rises_s"))]
    stones += ["launches_fail_s", "launches_resume_s"]
    for name in stones:
        assert all(math.isfinite(row[name]) for row in rows)
        assert abs(rows[0][name] - rows[1][name]) <= HALVED_S
