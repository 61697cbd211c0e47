"""What `recovery check` says of a run's time, against what the run takes.

Oracle: the processor time of the run itself.
"""

import functools
import json
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from recovery_kernels import jit

from recovery.cli import main as cli
from recovery.model import policies
from recovery.model.demand import Demand
from recovery.reading import numbers
from recovery.reading.experiment import load, parse
from recovery.reading.numbers import read_measured
from recovery.simulate import chain, needed, pilot, pilot_hosts, pipeline, thin
from recovery.stages import queueing
from recovery.study import ahead, warm
from recovery.units import show_duration

TOP = Path(__file__).resolve().parent
PRESETS = TOP.parent / "recovery" / "data" / "presets"
INPUTS = TOP / "faults" / "inputs"


def ratios(file: Path, most: int) -> list[float]:
    """Predicted over taken time of the first variants of a file; the first run of all is not counted."""
    loaded = load(file)
    found = []
    with pipeline.Runner(1) as runner:
        chain.follow(next(runner.run([(loaded.first, loaded.head.seed, 0)])))
        told = pilot.tried(loaded.variants, loaded.head.seed)
        for variant, tried in list(zip(loaded.variants, told, strict=True))[:most]:
            taken = chain.follow(next(runner.run([(variant, loaded.head.seed, 0)])))
            found.append(tried.cpu_s / taken.cpu_s)
    return found


@pytest.mark.parametrize("name", ["kubernetes-advice.toml", "ties-25.toml"])
def test_the_time_of_a_run_is_told_before_it(name: str) -> None:
    assert all(1 / 4 < ratio < 4 for ratio in ratios(INPUTS / name, 3))


@pytest.mark.slow
def test_the_time_of_every_preset_is_told() -> None:
    """All but two within a factor of two, all within four. Two are hard: jobs near their cliff, and clients that ask
    without a pause in an outage that the trial does not outlast. (The day of us-east-1 takes minutes.)
    """
    files = [PRESETS / f"{name}.toml" for name in ("jobs", "kubernetes", "leases", "nomad")]
    files += [INPUTS / "check-immediate-10000.toml", INPUTS / "check-default-client-200.toml"]
    thrice = [[ratio for file in files for ratio in ratios(file, 4)] for _ in range(3)]
    found = [statistics.median(each) for each in zip(*thrice, strict=True)]  # as other tests run beside this one
    assert all(1 / 4 < ratio < 4 for ratio in found), found
    assert sum(1 / 2 < ratio < 2 for ratio in found) >= len(found) - 2, found


def test_the_range_holds_what_tips_over_at_full_size_alone() -> None:
    """Expired work dropped: thinned hosts recover, the host as it is does not, and costs more than twice as much."""
    loaded = load(PRESETS / "jobs.toml")
    dropped = next(variant for variant in loaded.variants if variant.name == "expired work dropped")
    with pipeline.Runner(1) as runner:
        taken = [chain.follow(next(runner.run([(dropped, loaded.head.seed, 0)]))).cpu_s for _ in range(2)]
    [told] = pilot.tried([dropped], loaded.head.seed, budget_s=0.09)
    assert told.low_s < min(taken) < told.high_s


def test_a_window_that_is_drawn_is_drawn_before_it_is_tried(tmp_path: Path) -> None:
    """check once ended in a bug of ours for every file with [dns.window]."""
    (tmp_path / "window.toml").write_text(warm._SMALL[needed.WINDOW], encoding="utf-8")
    told = CliRunner().invoke(cli.main, ["check", str(tmp_path / "window.toml")])
    assert told.exit_code == 0, told.output


def test_a_rate_is_searched() -> None:
    """The rate in force is that of the last step that has begun, at its edge too."""
    demand = Demand.model_validate({"steps": [{"at": f"{i}s", "rate": f"{i + 1}/s"} for i in range(50)]})
    assert demand.over([0.0, 0.5, 1.0, 48.999, 49.0, 1e9]) == [1, 1, 2, 49, 50, 50]


RULES = """
horizon = "20m"
coupling.window = "5s"
fleet = { holders = 40000, hosts = 2, start = "unleased" }
host = { workers = 8, establish_time = "20ms", reject_cost = "1ms", timeout = "30s", crash = { queue = 8000 } }
lease = { duration = "10m", check_every = "2m", expire_time = "1ms" }
policy.client = { name = "full-jitter", base = "1s", cap = "30s" }
policy.queue = { name = "bounded", limit = 800 }
policy.admission = { name = "token-bucket", rate = "600/s" }
operator = [{ do = "scale", at = "5m", workers = 4 }, { do = "throttle", at = "6m", rate = "50%" }]
"""


@pytest.mark.parametrize(("workers", "slower"), [(4, 1.0), (2, 1.0), (1, 1.0), (1, 5.0)])
def test_a_thinned_scenario_has_the_same_load_a_worker(workers: int, slower: float) -> None:
    """What the whole fleet does and lets in stays, and a host's limits fall with its part of the work."""
    was = parse(RULES).first.scenario
    now, by = thin.thinned(was, workers, slower), 8 / workers * slower
    assert now.hosts == round(was.hosts * by)
    assert now.establish_per_s * now.hosts == pytest.approx(was.establish_per_s * was.hosts)
    assert queueing.admission_per_s(now) == pytest.approx(queueing.admission_per_s(was))
    assert queueing.queue_bound(now) == 800 / by
    assert now.host.crash is not None
    assert now.host.crash.queue == 8000 / by
    assert now.host.reject_cost == pytest.approx(was.host.reject_cost * slower)
    assert now.host.timeout == was.host.timeout
    assert [getattr(one, "workers", None) for one in now.operator] == [round(4 / by), None]


@pytest.mark.parametrize(("workers", "slower"), [(4, 1.0), (1, 5.0)])
def test_a_thinned_line_and_what_a_queue_tells_clients(workers: int, slower: float) -> None:
    """By hand: each of `by` parts of a host has that part of the line; its queue, cut likewise, tells the same time."""
    hint = 'hint = { says = "queue", time = "2s" }, crash'
    was = parse(RULES.replace("crash", hint).replace('"600/s"', '"600/s", wait = "9s", line = 400')).first.scenario
    now, by = thin.thinned(was, workers, slower), 8 / workers * slower
    assert isinstance(now.policy.admission, policies.TokenBucket)
    assert now.policy.admission.line == 400 / by
    assert now.host.hint is not None
    assert now.host.hint.time is not None
    assert now.host.hint.time * (800 / by) / workers == pytest.approx(2 * 800 / 8)


def test_what_rules_that_remember_say_of_a_host_is_thinned() -> None:
    """By hand, a host of 8 workers cut into four: a quarter of the rates and counts; times and shares stay."""
    held = """
horizon = "1h"
fleet = { holders = 4000, hosts = 5 }
lease = { duration = "1h", check_every = "1m" }
host = { workers = 8, establish_time = "20ms", timeout = "9s" }
"""

    def cut(queue: str, lease: str) -> tuple[object, object]:
        was = parse(f"{held}policy = {{ queue = {queue}, lease = {lease} }}").first.scenario
        now = thin.thinned(was, 2, 1.0).policy
        return now.queue, now.lease

    capped = '{ name = "expiry-cap", rate = "2/s", batch = 12 }'
    assert cut('{ name = "fair-queue", limit = 40 }', capped) == (
        policies.FairQueue(limit=10),
        policies.ExpiryCap(rate="0.5/s", batch=3),
    )
    spread = '{ name = "failover-extension", spread = "8/s" }'
    assert cut('"codel"', spread) == (policies.CoDel(), policies.FailoverExtension(spread="2/s"))
    assert cut('"pie"', '{ name = "load-scaled", limit = 100 }')[1] == policies.LoadScaled(limit=25)
    assert cut('"lifo"', '"load-scaled"')[1] == policies.LoadScaled()  # a time to work off


def test_a_pilot_of_many_sessions_is_thin(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host of 4 million would take seconds to make; what is said of it comes from a few thousand."""
    started = []
    run = pilot_hosts.run

    def counted(*args: Any) -> Any:
        started.append(args[3])
        return run(*args)

    monkeypatch.setattr(pilot_hosts, "run", counted)
    many = parse(RULES, overrides=["fleet.holders=8000000"])
    [told] = pilot.tried(many.variants, 1)
    assert max(started) * pilot_hosts.CLIENT_S < pilot.ALL_S
    [few] = pilot.tried(parse(RULES, overrides=["fleet.holders=80000"]).variants, 1)
    assert told.cpu_s > few.cpu_s


def test_near_a_cliff_is_told_by_theory() -> None:
    """r1 = N/(μτ): 40,000 holders at 800 a second are 50 s of work, 1.7 timeouts of 30 s; without a bound that is near,
    and of 4,000 or 400,000 it is not. A bound of 800 a host is 2 s of work, which is far below.
    """
    open_ended = RULES.replace('policy.queue = { name = "bounded", limit = 800 }', "")

    def near(text: str, holders: int) -> bool:
        return pilot_hosts.is_near_cliff(parse(text, overrides=[f"fleet.holders={holders}"]).first.scenario)

    assert [near(open_ended, holders) for holders in (4_000, 40_000, 400_000)] == [False, True, False]
    assert not near(RULES, 40_000)


def test_all_that_comes_is_the_integral_of_the_rate() -> None:
    """Oracle: the sum over so short steps that nothing is lost; a step that begins at the end adds nothing."""
    steps = [{"at": "0s", "rate": "2/s"}, {"at": "6h", "rate": "5/s"}, {"at": "20h", "rate": "100/s"}]
    for daily in ({}, {"daily": {"swing": "40%", "peak_at": "15h"}}):
        demand = Demand.model_validate({"steps": steps, **daily})
        summed = sum(demand.over([i + 0.5 for i in range(20 * 3600)]))
        assert demand.total(20 * 3600) == pytest.approx(summed, rel=1e-6)


def test_a_large_file_of_times_is_read_as_a_small_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Oracle: the reader that looks at each line; what is not all numbers is left to it, with its message."""
    file = tmp_path / "times.txt"
    file.write_text("# measured\n0.25\n1e-3\n\n17\n0.1\n", encoding="utf-8")
    slow = read_measured(file)
    monkeypatch.setattr(numbers, "MANY_BYTES", 0)
    quick = numbers._read_numbers(file)
    assert quick is not None
    assert quick.tolist() == slow.tolist() == read_measured(file).tolist()
    file.write_text("0.25\nroot:x:0\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 2 is no time"):
        read_measured(file)
    file.write_text("0.25\n-1\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 2 is no such time"):
        read_measured(file)


def test_compiling_comes_on_top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an empty kernel cache nothing is tried out, and check says why."""
    monkeypatch.setattr(jit, "cache_dir", lambda: tmp_path)
    file = INPUTS / "kubernetes-advice.toml"
    assert not pilot.is_ready(load(file).first.scenario)
    told = CliRunner().invoke(cli.main, ["check", str(file), "--threads", "1"])
    assert told.exit_code == 0
    wait_s = warm.compile_s(warm.parts_of(load(file).variants))  # as `recovery run` says, too
    assert wait_s > needed.ON_LANES_S
    assert f"not compiled yet, which comes on top (about {show_duration(wait_s)}, once)" in " ".join(
        told.stdout.split()
    )
    assert json.loads(CliRunner().invoke(cli.main, ["check", str(file), "--json"]).stdout)["compiles"] is True


def test_the_range_of_what_lies_between_two_sides_of_a_cliff_holds_both() -> None:
    """By hand: of three values in a row the outer ones were tried, at 0.01 s and at 1 s: the middle one may be either.
    Where they are alike it lies between them.
    """
    places = np.array([[0.0], [0.5], [1.0]])

    def middle(other_s: float) -> pilot.Tried:
        one, other = (
            pilot.Tried(0.01, 0.005, 0.02, 1e5, True),
            pilot.Tried(other_s, other_s / 2, 2 * other_s, 1e7, True),
        )
        return pilot._between(places, {0: one, 2: other})[1]

    cliff = middle(1.0)
    assert cliff.low_s <= 0.005 < 2.0 <= cliff.high_s
    assert middle(0.01).cpu_s == pytest.approx(0.01)


def test_every_command_that_simulates_says_beforehand_how_long_that_takes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where it is long, which here is anything above no time; of several files before the first one runs. Oracle: the
    number of runs that the files want.
    """
    a, b, grid, seen = (tmp_path / name for name in ("a.toml", "b.toml", "grid.toml", "seen.csv"))
    a.write_text(TINY)
    b.write_text(TINY + 'policy.queue = "lifo"\n')
    grid.write_text(TINY + 'sweep.uncertainties."host.timeout" = { values = ["5s", "6s", "7s"] }\n')
    seen.write_text("time_s,leased_share\n0,1.0\n30,0.5\n60,0.9\n90,1.0\n")
    out = ["--out", str(tmp_path / "out"), "--threads", "1"]
    more = ["--no-report", *out]
    search = ["threshold", str(a), "host.timeout", "--low", "1s", "--high", "9s", "--runs", "10"]
    asked = [
        (["run", str(a), *more], ["a.toml: one run takes about"]),
        (["compare", str(a), str(b), "--replications", "3", *more], ["a.toml: 3 runs take", "b.toml: 3 runs take"]),
        (["sweep", str(grid), "--replications", "2", *more], ["grid.toml: 6 runs take about"]),
        (
            [*search, *out],
            ["by 10 runs each; at most 13 values, 130 runs; if all take as long as those of 1 s and 9 s, 80 runs take"],
        ),
        (["fit", str(a), "--range", "host.timeout=1s..9s", "--series", str(seen), *more], [" 90 take about"]),
    ]
    for command, _ in asked[:2]:
        assert " take" not in CliRunner().invoke(cli.main, command).stderr
    monkeypatch.setattr(ahead, "LONG_S", 0.0)
    monkeypatch.setattr(pilot, "tried", functools.partial(pilot.tried, budget_s=0.01))
    for command, lines in asked:
        said = CliRunner().invoke(cli.main, command).stderr.splitlines()
        assert all(line in own for line, own in zip(lines, said[: len(lines)], strict=True)), said


TINY = """
horizon = "2m"
hold = "1m"
coupling.window = "1s"
fleet = { holders = 60, hosts = 2 }
host = { establish_time = "10ms", timeout = "5s", fail_after = "1s" }
lease = { duration = "20s", check_every = "10s" }
dependency.outages = [{ from = "10s", to = "30s" }]
policy.client = { name = "fixed", delay = "1s" }
"""
