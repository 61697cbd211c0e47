"""Verdicts, drifts and cliffs of whole runs.

Oracles: closed forms of a queue whose every request comes R times again; a bucket that lets in so many a second; the
same run, continued to a later horizon.
"""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from run_records import group_of, row_of, scenario_of, summary_of
from scipy import stats

from recovery.cli import main as cli
from recovery.measures import standing
from recovery.reading.experiment import parse
from recovery.show import text
from recovery.simulate import pipeline
from recovery.store.run_record import Action
from recovery.study.summary import summarise
from recovery.study.sweep import thresholds

# 500 holders, four workers, 84.6 ms: every holder comes back every `timeout`, so the cliff is where r1 = 1.
HOLDERS, WORKERS, ESTABLISH_S = 500, 4, 0.0846
CLIFF_S = HOLDERS * ESTABLISH_S / WORKERS
FLEET = f"""
horizon = "330s"
hold = "20s"
coupling.window = "1s"
fleet = {{ holders = {HOLDERS}, hosts = 1 }}
lease = {{ duration = "45s", check_every = "30s" }}
dependency.outages = [{{ from = "40s", to = "100s" }}]
policy.client = "immediate"
[host]
workers = {WORKERS}
establish_time = {{ dist = "exponential", mean = "{ESTABLISH_S * 1000}ms" }}
timeout = "12s"
fail_after = "1s"
"""
PUSHED = """
horizon = "40m"
hold = "2m"
recovers_from = "70s"
coupling.window = "5s"
jobs = { arrivals = "poisson", retries = 1, steps = [
  { at = "0s", rate = "20/s" }, { at = "1m", rate = "600/s" }, { at = "70s", rate = "50/s" } ] }
host = { establish_time = { dist = "exponential", mean = "10ms" }, timeout = "5s" }
"""


def run(text: str, *overrides: str, replications: int = 1) -> list[pipeline.Outcome]:
    variant = parse(text, overrides=overrides).first
    with pipeline.Runner(1) as runner:
        return list(runner.run([(variant, 7, replication) for replication in range(replications)]))


@pytest.mark.parametrize(
    ("rate", "retries", "verdict"), [(32, 2, "recovering"), (24, 3, "recovering"), (26, 3, "collapsed")]
)
def test_the_drift_of_a_pushed_queue_is_what_comes_less_what_is_served(rate: int, retries: int, verdict: str) -> None:
    """Nobody waits as long as the queue: each of λ jobs a second comes 1 + R times, and μ = 100 are worked off."""
    drift = rate * (1 + retries) - 100
    overrides = f"jobs.steps.2.rate={rate}/s", f"jobs.retries={retries}"
    rows = [outcome.measure() for outcome in run(PUSHED, *overrides, replications=8)]
    found = np.array([row["drift_per_s"] for row in rows])
    half = stats.t.ppf(0.9995, 7) * found.std(ddof=1) / math.sqrt(8)
    assert abs(found.mean() - drift) <= half < 4
    assert [row["verdict"] for row in rows].count(verdict) >= 7
    assert all(math.isinf(row["ttr99_s"]) for row in rows)


def test_a_run_that_drains_is_recovering_and_recovers_when_it_goes_on() -> None:
    """First in, first out: holders are served again once the queue is shorter than their timeout, not yet empty."""
    short, whole = (run(FLEET, f"horizon={horizon}", replications=4) for horizon in ("280s", "20m"))
    for before, after in zip(short, whole, strict=True):
        found, then = before.measure(), after.measure()
        assert (found["verdict"], found["ttr99_s"], then["verdict"]) == ("recovering", math.inf, "recovered")
        back_s = 100 + then["ttr99_s"]
        queue, drift = before.series["queue"][-1], found["drift_per_s"]
        assert found["empty_at_s"] == pytest.approx(280 - queue / drift)
        short_enough_s = 280 + (queue - 12 * WORKERS / ESTABLISH_S) / -drift  # a timeout's work is left
        assert back_s > 280
        # Of a drift of 5.6 a second the noise over 90 s, sqrt(47 / 90) = 0.7, is an eighth.
        assert 280 + (short_enough_s - 280) / 1.5 <= back_s <= found["empty_at_s"] * 1.2


def test_a_system_below_its_cliff_has_collapsed() -> None:
    for outcome in run(FLEET, "host.timeout=10s", replications=4):
        row = outcome.measure()
        assert row["verdict"] == "collapsed"
        assert row["drift_per_s"] == pytest.approx(HOLDERS / 10 - WORKERS / ESTABLISH_S, abs=2.5)
        assert math.isnan(row["empty_at_s"])
        assert row["excess_hours"] == pytest.approx(HOLDERS * 230 / 3600, rel=0.01)  # nobody has a lease again


def test_the_threshold_is_the_cliff_of_the_system_and_not_of_the_horizon(tmp_path: Path) -> None:
    file = tmp_path / "fleet.toml"
    file.write_text(FLEET)
    more = ["--tolerance", "0.1", "--runs", "100", "--threads", "1", "--out", str(tmp_path), "--json"]
    result = CliRunner().invoke(cli.main, ["threshold", str(file), "host.timeout", *more])
    found = json.loads(result.stdout)
    assert (found["own"], sorted(found["searched"])) == (12, [6, 12, 24])  # half as much is beyond the cliff
    assert "at the file's 12 s and went outward until" in found["answer"]["sure"]["text"]
    assert "by way of 6 s, 12 s, 24 s; values beyond these were not tried" in found["answer"]["sure"]["text"]
    assert 10 <= found["low"] <= CLIFF_S * 1.01
    assert CLIFF_S <= found["high"] <= 11.5
    assert found["fails"] == "below"
    longer = found["longer"]  # beyond the cliff all collapse, before it nobody does, whatever the horizon
    assert longer["horizon_s"] == 660
    assert longer["high_failed"] < longer["runs"] / 2 < longer["low_failed"]
    assert longer["low_failed_before"] == longer["low_failed"]
    for one in found["tried"]:  # after one look the exact interval of so many runs; after more looks a wider one
        exact = stats.binomtest(one["failed"], one["runs"]).proportion_ci(0.95, "exact").high
        assert one["share_at_most"] >= exact * (1 - 1e-9)
        assert one["runs"] > 20 or one["share_at_most"] == pytest.approx(exact)
    assert result.stderr.splitlines()[:2] == [
        f'host.timeout is "12s" in {file}: looking outward from there, at most 13 values by 20 runs each',
        "trying host.timeout = 12 s: runs 1 to 20 of at most 100",
    ]
    for ends, said in (
        (["hold", "--low", "20s", "--high", "2s"], f"this searches outward from there: recovery threshold {file} hold"),
        (["host.renew_time"], "host.renew_time is not in the file, from where nothing can be looked for; want --low"),
        (["host.timeot"], "host.timeot is not a key (did you mean timeout?)"),
        (["policy.client"], 'policy.client is "immediate", which is no number; want a key that holds a duration'),
        (["hold", "--low", "1s", "--high", "9h"], "(with --high 9h)"),
    ):  # fmt: skip
        result = CliRunner().invoke(cli.main, ["threshold", str(file), *ends, "--out", str(tmp_path)])
        assert result.exit_code == 2
        assert said in result.stderr


def test_where_no_lease_runs_out_a_threshold_asks_for_renewals(tmp_path: Path) -> None:
    """A rule spares all leases, so nothing collapses whatever the timeout is: it says so after five values. What it
    advises then finds a value, by when all have renewed. Oracle: the share that fails is that of runs of the value.
    """
    file = tmp_path / "spared.toml"
    file.write_text(SPARED)
    command = ["threshold", str(file), "host.establish_time", "--threads", "1", "--out", str(tmp_path)]
    result = CliRunner().invoke(cli.main, command)
    assert (result.exit_code, len(result.stdout.splitlines())) == (2, 5)
    assert "no run loses a lease with host.establish_time from 2.5 ms to 40 ms" in result.stderr
    assert "want --within 1m:" in result.stderr
    more = ["--within", "15s", "--low", "10ms", "--high", "1s", "--tolerance", "1", "--runs", "20", "--json"]
    found = json.loads(CliRunner().invoke(cli.main, [*command, *more]).stdout)
    assert "have surely all renewed within 15 s" in found["answer"]["happened"]["text"]
    end = next(one for one in found["tried"] if one["value"] == found["high"])
    with pipeline.Runner(1) as runner:
        scenario = parse(SPARED.replace("10ms", f"{end['value']}s"))
        rows = [one.measure() for one in runner.run([(scenario.first, 1, r) for r in range(end["runs"])])]
    assert sum(not row["ttr_renewed_s"] <= 15 for row in rows) == end["failed"] > end["runs"] / 2


SPARED = """
horizon = "2m"
hold = "10s"
coupling.window = "1s"
fleet = { holders = 40, hosts = 2 }
host = { establish_time = "10ms", timeout = "5s", fail_after = "100ms" }
lease = { duration = "20s", check_every = "10s" }
dependency.outages = [{ from = "20s", to = "50s" }]
policy.client = { name = "fixed", delay = "1s" }
policy.lease = { name = "freeze", from_failures = "100%", until = "heard", then = "rearm" }
"""


def test_where_nothing_collapses_a_threshold_tells_times_and_asks_for_one_between(tmp_path: Path) -> None:
    """A queue as short as half a timeout never collapses. 400 leases of 100 ms are 40 s of work for one worker, and 5 s
    for eight: so long do all take at least. Oracle of the times: single runs.
    """
    file = tmp_path / "bounded.toml"
    file.write_text(NEVER)
    command = ["threshold", str(file), "host.workers", "--low", "1", "--high", "8", "--out", str(tmp_path)]
    said = CliRunner().invoke(cli.main, command).stderr.splitlines()[-1]
    assert "with host.workers from 1 to 8 no run of 40 collapses. But they differ in when they are back: " in said
    found = re.search(
        r"after (\S+) s at 8, only after (\S+) s at 1; want a time between these, such as --within (\S+)s,", said
    )
    assert found
    soon_s, late_s, between_s = map(float, found.groups())
    for workers, told_s in ((8, soon_s), (1, late_s)):
        one = run(NEVER.replace("workers = 2", f"workers = {workers}"))[0].measure()
        assert told_s == pytest.approx(float(str(one["ttr99_s"])), rel=0.15)
        assert told_s >= 0.99 * 40 / workers
    assert soon_s < between_s < late_s
    more = [*command, "--within", f"{between_s:g}s", "--tolerance", "1", "--runs", "20", "--json"]
    assert json.loads(CliRunner().invoke(cli.main, more).stdout)["fails"] == "below"
    said = CliRunner().invoke(cli.main, [*command, "--within", "3m"]).stderr.splitlines()[-1]
    assert "every run of 40 is back within 3 min. But they differ" in said


NEVER = """
horizon = "20m"
hold = "1m"
coupling.window = "1s"
fleet = { holders = 400, hosts = 1 }
host = { workers = 2, establish_time = "100ms", renew_time = "1ms", timeout = "10s" }
lease = { duration = "2m", check_every = "40s" }
dependency.outages = [{ from = "1m", to = "5m" }]
policy.client = { name = "full-jitter", base = "1s", cap = "5s" }
policy.queue = { name = "bounded", limit = "5s" }
"""


def test_an_end_is_looked_for_on_the_side_that_is_open() -> None:
    assert list(thresholds._outward(8.0, None, None))[:5] == [8.0, 16.0, 4.0, 32.0, 2.0]
    assert list(thresholds._outward(8.0, 2.0, None))[:4] == [8.0, 2.0, 16.0, 32.0]
    assert list(thresholds._outward(8.0, None, 4.0))[:4] == [8.0, 4.0, 2.0, 1.0]
    assert thresholds._apart({8.0: "holds", 4.0: "unclear", 2.0: "fails", 1.0: "fails"}) == (2.0, 8.0)
    assert thresholds._apart({8.0: "holds", 4.0: "unclear"}) is None


def test_clients_that_sleep_between_tries_are_not_done(tmp_path: Path) -> None:
    """5,000 jobs of one second behind a bucket of 25 a second: n of them have their answer after n / 25 s."""
    inputs = Path(__file__).resolve().parent / "faults" / "inputs"
    row = run((inputs / "jobs-ttr-ignores-sleepers.toml").read_text())[0].measure()
    # The bucket begins with a second's tokens, and windows are of 1 s; when few are left, all of them may be asleep.
    for name, share, asleep_s in (("ttr50_s", 0.5, 0), ("ttr90_s", 0.9, 0), ("ttr99_s", 0.99, 10)):
        assert share * 5000 / 25 - 3 <= row[name] <= share * 5000 / 25 + 3 + asleep_s
    assert row["verdict"] == "recovered"
    assert row["excess_hours"] == pytest.approx(5000 * 200 / 2 / 3600, rel=0.02)


def test_a_backlog_that_nobody_works_off_has_not_recovered() -> None:
    """10,000 jobs that come again every 11 s (1 s of timeout, 10 s of pause), 800 a second are served: with n left, the
    queue grows by n / 11 - 800 a second, although nothing new arrives.
    """
    inputs = Path(__file__).resolve().parent / "faults" / "inputs"
    row = run((inputs / "jobs-verdict-vacuous.toml").read_text())[0].measure()
    assert row["verdict"] == "collapsed"
    assert row["drift_per_s"] == pytest.approx(row["backlog_end"] / 11 - 800, abs=5)
    assert row["ttr50_s"] == math.inf


def test_what_the_times_do_not_say_is_told_below_them() -> None:
    lost, never, nothing = {"ttr99_lost_s": 300.0}, {"ttr99_lost_s": math.inf}, {"ttr99_lost_s": math.nan}
    rows = [
        row_of("a", ttr90_lost_s=math.inf, drift_per_s=math.nan, **lost),
        row_of("b", verdict="recovering", ttr90_lost_s=math.nan, drift_per_s=-4.0, empty_at_s=600.0, **nothing),
        row_of("c", verdict="collapsed", ttr90_lost_s=math.nan, drift_per_s=2.0, **nothing),
        row_of("c", 1, ttr90_lost_s=math.inf, drift_per_s=math.nan, **never),
    ]
    groups = [
        group_of("a", is_near_cliff=0.0),
        group_of("b", {"recovering": 1}, empty_at_s=600.0, is_near_cliff=0.0),
        group_of("c", {"collapsed": 1, "recovered": 1}, is_near_cliff=0.5),
    ]
    summary = summary_of(rows, groups)
    assert text.lost(summary) == {("a", "ttr99_s")}
    points = [rows[0].model_copy(update={"levers": {"host.workers": workers}}) for workers in (2, 4)]
    assert text.lost(summary_of(points)) == set()  # a mark would stand at every point, and without a word
    gone = row_of("a", verdict="collapsed", ttr99_s=100.0, ttr90_lost_s=math.inf, drift_per_s=math.nan, **lost)
    collapsed = summary_of([gone], [group_of("a", {"collapsed": 1}, is_near_cliff=0.0)])
    assert text.notes(collapsed)[0].startswith(
        "* “a” lost its share again: 99 % after 5 min (never*: it was reached, and not for good)."
    )
    end = "it is near a cliff, so that one run is chance."
    assert text.notes(summary) == [
        "* “a” lost its share again: 99 % after 5 min.",
        "“b” still drains: what waits would be gone 10 min from the start.",
        f"“c” does not come back in 1 of 2 runs: what waits grew by 2 a second over the last stretch of the run; {end}",
    ]


def test_leases_that_are_lost_only_after_the_return_have_no_efficiency() -> None:
    """By hand: who fails from 60 to 120 s asks again 300 s later, but has 240 to 300 s of its lease left. So nobody is
    without one as the dependency is back, the bound is 0, and 99 % are back only after all those have lost theirs.
    """
    [outcome] = run(
        'horizon = "20m"\nhold = "5m"\nfleet = { holders = 60, hosts = 1 }\n'
        'host = { workers = 4, establish_time = "1ms", timeout = "2s", fail_after = "1ms" }\n'
        'lease = { duration = "5m", check_every = "60s" }\ndependency.outages = [{ from = "60s", to = "2m" }]\n'
        'policy.client = { name = "fixed", delay = "5m" }\n'
    )
    row = outcome.measure()
    assert row["fluid_bound_s"] == 0
    assert 300 - 120 < row["ttr99_s"] <= 120 + 300 - 120 + 60
    assert math.isnan(row["efficiency"])


def test_the_quantiles_by_which_a_drift_is_judged_are_students() -> None:
    """Oracle: SciPy, for each number of batches that a stretch may have."""
    wanted = [stats.t.ppf(0.95, batches - 2) for batches in range(4, standing.BATCHES + 1)]
    assert pytest.approx(tuple(wanted), rel=1e-14) == standing.STUDENT_95


@pytest.mark.parametrize("is_quick", [True, False])
def test_leases_that_are_lost_again_after_sessions_ended_are_counted(is_quick: bool) -> None:
    """Oracle: each step down of what is leased is a loss, and who is served at once loses nothing. The last of those
    who are not wait 50 s, and renewals with them, of leases that run 30 s.
    """
    sessions = FLEET.replace('dependency.outages = [{ from = "40s", to = "100s" }]\n', "")
    sessions = sessions.replace('lease = { duration = "45s", check_every = "30s" }',
                                'lease = { duration = "30s", check_every = "20s" }\n'
                                'operator = [{ do = "end-sessions", at = "40s" }]')  # fmt: skip
    work = f'host.establish_time.mean="{1 if is_quick else 400}ms"'
    experiment = parse(sessions, overrides=[work, "host.timeout=60s"])
    with pipeline.Runner(1) as runner:
        outcomes = list(runner.run([(experiment.first, 7, 0)]))
    lost = summarise(experiment, outcomes).groups[0].lost_again
    steps = np.diff(outcomes[0].series["leased"][outcomes[0].times_s > 41].astype(float))
    falls = -steps[steps < 0].sum()
    assert lost is not None
    assert (lost == falls == 0) if is_quick else (lost >= falls > 0)


def test_when_operators_act_on_a_condition_is_told_and_that_they_never_do() -> None:
    """Rows made by hand: what was done, and when, in one run and in two."""
    text_of = FLEET + '[[operator]]\ndo = "throttle"\nwhen = "queue > 50"\nrate = "5/s"\n'
    group = group_of("a", scenario=scenario_of(text_of))
    twice = group_of("a", {"recovered": 2}, scenario=scenario_of(text_of))
    never, acted = (
        row_of("a"),
        row_of("a").model_copy(
            update={"actions": tuple(Action(do="throttle", at_s=at_s) for at_s in (600.0, 900.0, 1200.0, 1500.0))}
        ),
    )
    later = row_of("a", 1).model_copy(update={"actions": (Action(do="throttle", at_s=900.0),)})
    nobody = "“a” never comes to queue > 50"
    assert text.notes(summary_of([never], [group]))[-1] == f"{nobody}, so nobody acts on it (throttle)."
    told = text.notes(summary_of([never, row_of("a", 1)], [twice]))[-1]
    assert told == f"{nobody} in any run, so nobody acts on it (throttle)."
    said = "“a”: operators act on queue > 50 (throttle)"
    times = "at 10 min, 15 min, 20 min from the start and 1 time more."
    assert text.notes(summary_of([acted], [group]))[-1] == f"{said} {times}"
    often = "in 2 of 2 runs, for the first time at 10 min to 15 min from the start."
    assert text.notes(summary_of([acted, later], [twice]))[-1] == f"{said} {often}"
