"""What is said of a time that runs are too short to come to, by gates and by sweeps: nobody can tell beyond what was
simulated; and of intervals without a width.
"""

import json
import math
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import recovery
from recovery.cli import main as cli
from recovery.model.expect import expectation
from recovery.show import sweep_text
from recovery.store.record import Estimate
from recovery.study import judge
from recovery.study import sweep as sweeps

AWAY = {"recovers_from_s": 1200.0, "leased_end_share": 0.5}


def told(bound: str, *times: float, verdict: str = "recovering", **measures: float) -> tuple[str, str]:
    """Whether a bound on `ttr99_s` holds, and why, of runs of 1 h that hold for 10 min and count from 20 min on."""
    runs = [
        judge.Ended("w", {}, i, verdict, AWAY | {"ttr99_s": time} | measures, {}, 3600.0, 600.0)
        for i, time in enumerate(times)
    ]
    found = judge.of_one_point(expectation("ttr99_s", bound), runs, at_every_look=False)
    return found.holds, found.why


@pytest.mark.parametrize(
    ("bound", "holds"), [("< 55m", "unsure"), ("< 40m", "no"), ("< 35m", "no"), ("> 55m", "unsure"), ("> 35m", "yes")]
)
def test_a_run_that_is_too_short_tells_a_time_to_its_end(bound: str, holds: str) -> None:
    """Oracle: 40 min after the return the share is not there, and of what comes then nothing is known."""
    assert told(bound, math.inf)[0] == holds


def test_what_may_be_back_as_the_run_ends_is_known_to_hold_less() -> None:
    """It was away 30 min after the return, or it would have been there for `hold` at the end."""
    assert [told(bound, math.inf, leased_end_share=0.995)[0] for bound in ("< 30m", "< 31m")] == ["no", "unsure"]
    assert told("< 31m", math.inf)[0] == "no"


def test_a_run_that_collapsed_is_never_back() -> None:
    assert told("< 55m", math.inf, verdict="collapsed") == ("no", "")
    assert told("< 55m", 1500.0, math.inf, verdict="collapsed")[0] == "no"


def test_the_horizon_that_would_tell_is_named() -> None:
    """20 min until the return, 55 min, and 10 min for which what is back must stay so."""
    assert told("< 55m", math.inf)[1] == "not within 40 min: want a longer horizon, 85 min or more"
    assert told("< 55m", 3000.0, math.inf)[1].startswith("not within 40 min in 1 of 2 runs: want")


def test_a_mean_with_such_a_run_is_known_at_the_least_alone() -> None:
    """Seven of eight runs are back after 5 min; the other takes 40 min or more, so that the mean is 9 min or more."""
    times = [300.0] * 7 + [math.inf]
    assert told("< 50m", *times)[0] == "unsure"
    assert told("> 20s", *[3600.0 - 1200.0 - 60.0] * 7, math.inf)[0] == "yes"


THROTTLED = """
horizon = "50m"
hold = "1m"
fleet = { holders = 200, hosts = 1 }
host = { establish_time = "100ms", renew_time = "5ms", timeout = "30s" }
lease = { duration = "20m", check_every = "5m", check_jitter = "10%" }
dependency.outages = [{ from = "10m", to = "40m" }]
policy.client = { name = "full-jitter", base = "1s", cap = "60s" }
operator = [{ do = "throttle", at = "40m", rate = "0.2/s", only = "establish" }]
expect = { ttr99_s = "< 30m" }
"""


def called(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(cli.main, [str(word) for word in words])
    return result.exit_code, result.output


def test_a_gate_of_runs_that_are_too_short_is_open(tmp_path: Path) -> None:
    """200 leases at 0.2 a second take 16.7 min, and 10 min are simulated: with a longer horizon the bound holds."""
    folders = {}
    for name, horizon in (("short", "50m"), ("long", "80m"), ("quick", "50m")):
        text = THROTTLED.replace('"50m"', f'"{horizon}"', 1)
        file = tmp_path / f"{name}.toml"
        file.write_text(text if name != "quick" else text.replace("0.2/s", "2/s"), encoding="utf-8")
        files = ["--markdown", tmp_path / f"{name}.md", "--junit", tmp_path / f"{name}.xml"]
        status, said = called("run", file, "--out", tmp_path / "out", "--no-report", *files)
        assert status == (4 if name == "short" else 0), said
        folders[name] = tmp_path / "out" / name
    why = "not within 10 min: want a longer horizon, 71 min or more"
    assert f"⚠️ expected `ttr99_s < 30m`: not decided ({why})" in (tmp_path / "short.md").read_text(encoding="utf-8")
    junit = (tmp_path / "short.xml").read_text(encoding="utf-8")
    assert 'failures="0" errors="1"' in junit
    assert why in junit

    for new, condition, status in (
        ("short", "ttr99_s > 30m", 4),
        ("short", "ttr99_s > 5m", 99),
        ("short", "ttr99_s > +30m", 4),
        ("short", "ttr99_s > +1m", 99),
        ("short", "ttr99_s < -1m", 0),
        ("long", "ttr99_s > +30m", 0),
    ):
        said = called("compare", folders["quick"], folders[new], "--no-report", "--fail-if", condition)
        assert said[0] == status, said
    assert called("compare", folders["short"], folders["quick"], "--no-report", "--fail-if", "ttr99_s < -30m")[0] == 4


def test_so_is_that_of_a_sweep(tmp_path: Path) -> None:
    unknown = '"host.establish_time" = { min = "90ms", max = "110ms" }'
    sweep = f'[sweep]\nmethod = "random"\nsamples = 3\n[sweep.uncertainties]\n{unknown}\n'
    (tmp_path / "short.toml").write_text(THROTTLED + sweep, encoding="utf-8")
    status, said = called("sweep", tmp_path / "short.toml", "--out", tmp_path, "--no-report", "--json")
    [bound] = json.loads(said)["summary"]["expect"]
    assert (status, bound["holds"]) == (4, "unsure")
    assert "want a longer horizon, 71 min or more" in bound["why"]


def test_what_a_sweep_saves_of_a_time_that_never_came_is_the_least(tmp_path: Path) -> None:
    """The baseline is not back within its 10 min: its 200 leases at 0.2 a second take 16.7 min."""
    unknown = '"host.establish_time" = { min = "90ms", max = "110ms" }'
    sweep = '[sweep]\nmethod = "random"\nsamples = 3\nindifference = "1m"\n'
    sweep += f'levers."operator.0.rate" = {{ values = ["0.2/s", "2/s"] }}\n[sweep.uncertainties]\n{unknown}\n'
    (tmp_path / "short.toml").write_text(THROTTLED + sweep, encoding="utf-8")
    said = called("sweep", tmp_path / "short.toml", "--out", tmp_path / "out", "--no-report")[1]
    assert ", with “rate 0.2/s” 10 min or more." in said
    assert re.search(r"on average, at least [\d.]+ min sooner than the file as it stands", said)
    assert re.search(r"“rate 0.2/s” is at least [\d.]+ min \([^)]*\) later than “rate 2/s”", said)
    assert "at least" not in said.partition("with “rate 2/s” it takes")[2].partition(",")[0]
    folder = tmp_path / "out" / "short"
    for two, how in ((("1", "2"), "later"), (("2", "1"), "sooner")):
        [row] = sweeps.compared(folder, two)
        assert re.fullmatch(rf"at least [\d.]+ min {how} than", sweep_text.beside(row))
        some = row.model_copy(update={"lost": min(row.lost, 2), "than_lost": min(row.than_lost, 2)})
        assert "at least" not in sweep_text.beside(some)
        flat = row.model_copy(update={"difference_s": Estimate(mean=460.0, low=460.0, high=460.0)})
        assert sweep_text.ends_of_difference(flat) == "no interval: the draws show no spread"


def test_no_interval_is_zero_percent_wide(tmp_path: Path) -> None:
    """Where units have the same mean by chance, though their runs differ, nothing is known of how they differ; where
    all runs are alike, this is said.
    """
    sweep = '[sweep]\nmethod = "random"\nsamples = 2\nlevers."host.workers" = { values = [1, 2] }\n'
    sweep += 'uncertainties."host.establish_time" = { min = "90ms", max = "110ms" }\n'
    file = tmp_path / "one.toml"
    file.write_text("replications = 2\n" + THROTTLED.replace('"0.2/s"', '"2/s"') + sweep, encoding="utf-8")
    found = recovery.sweep(file, out=tmp_path / "out", threads=1, progress=False).summary
    known = Estimate(mean=92.0, low=92.0, high=92.0)
    alike = {"restricted": known, "given_recovery": known, "half_width_share": 0.0, "worst_s": 92.0}
    policy = found.policies[0].model_copy(update=alike)
    assert sweep_text.half_width(policy, found) == "all alike"
    assert sweep_text.half_width(policy.model_copy(update={"worst_s": 104.0}), found) == "–"
    wide = {"given_recovery": Estimate(mean=92.0, low=82.8, high=101.2), "half_width_share": 0.1}
    wide |= {"restricted": wide["given_recovery"]}
    assert sweep_text.half_width(policy.model_copy(update=wide), found).startswith("±\u00a010 %")


@pytest.mark.parametrize(
    ("bound", "holds"),
    [("< 60s", "unsure"), ("< 13s", "no"), ("> 12s", "yes"), ("> 60s", "unsure"), ("< 55m", "unsure")],
)
def test_when_all_have_renewed_is_judged_by_both_of_its_bounds(bound: str, holds: str) -> None:
    """Counts tell that it is 13 s at the earliest, and never surely that all have: not that they have not."""
    runs = [
        judge.Ended("w", {}, i, "recovered", AWAY | {"ttr_renewed_s": math.inf}, {}, 3600.0, 600.0, 13.0)
        for i in range(3)
    ]
    found = judge.of_one_point(expectation("ttr_renewed_s", bound), runs, at_every_look=False)
    assert found.holds == holds
    assert found.why.startswith("≥ 13 s")
    assert ("do not tell more" in found.why) == (holds == "unsure")
    runs = [one._replace(measures=AWAY | {"ttr_renewed_s": 90.0}) for one in runs]
    found = judge.of_one_point(expectation("ttr_renewed_s", bound), runs, at_every_look=False)
    assert found.holds == {"< 55m": "yes"}.get(bound, holds)


@pytest.mark.parametrize(
    ("bound", "holds"), [("< 50", "no"), ("< 200", "unsure"), ("< 400", "yes"), ("> 200", "unsure"), ("> 50", "yes")]
)
def test_how_many_are_overdue_is_judged_by_both_of_its_bounds(bound: str, holds: str) -> None:
    """Counts tell that 100 are overdue at least and 300 at most; where nobody tells the most, it may be any number."""
    run = judge.Ended("w", {}, 0, "recovered", AWAY | {"overdue_peak": 100.0}, {}, overdue_at_most=300.0)
    found = judge.of_one_point(expectation("overdue_peak", bound), [run], at_every_look=False)
    assert (found.holds, found.value) == (holds, 100.0)
    if holds == "unsure":
        assert found.why == "at least 100, at most 300; counts of renewals do not tell more"
    open_ = judge.of_one_point(
        expectation("overdue_peak", bound), [run._replace(overdue_at_most=math.nan)], at_every_look=False
    )
    assert open_.holds == ("unsure" if bound == "< 400" else holds)


def test_nobody_who_renews_by_the_end_is_a_sure_no() -> None:
    """Nor does an hour of 20 min without and 40 with the dependency tell of 50 min."""
    run = judge.Ended("w", {}, 0, "recovered", AWAY | {"ttr_renewed_s": math.inf}, {}, 3600.0, 600.0, math.inf)
    told = [
        judge.of_one_point(expectation("ttr_renewed_s", bound), [run], at_every_look=False).holds
        for bound in ("< 60s", "< 50m")
    ]
    assert told == ["no", "unsure"]
