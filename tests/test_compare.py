"""Finished runs beside each other. Oracle: SciPy's t tests on the numbers that were written, and the contract."""

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import polars as pl
import pytest
import run_records
from click.testing import CliRunner
from scipy import stats

from recovery.cli import main as cli
from recovery.reading.experiment import parse
from recovery.show import compare_text
from recovery.show.answers.compare import answer_of
from recovery.simulate import pipeline
from recovery.store.compare_record import Comparison, Condition, Difference
from recovery.store.manifest_record import FORMAT
from recovery.store.record import Estimate
from recovery.store.run_record import RunManifest
from recovery.study import compare, keeping
from recovery.study.summary import summarise
from recovery.units import show_duration

JOBS = """
horizon = "10m"
hold = "1m"
jobs.steps = [{ at = "0s", rate = "5/s" }]
host = { establish_time = "50ms", timeout = "5s" }
"""
TIMES = {"a": [100.0, 130.0, 90.0, 160.0], "b": [80.0, 120.0, 70.0, 110.0]}


@pytest.fixture(scope="module")
def made() -> dict[str, RunManifest]:
    """Manifests of runs of leases and of jobs."""
    out = {}
    for kind, text in (("leases", run_records.FLEET), ("jobs", JOBS)):
        experiment = parse(text)
        with pipeline.Runner(1) as runner:
            outcomes = list(runner.run([(experiment.first, 1, 0)]))
        out[kind] = keeping.results(experiment, outcomes, summarise(experiment, outcomes)).manifest
    return out


def beside(*folders: Path, conditions: Sequence[str] = (), variant: str = "") -> Comparison:
    """The comparison of finished folders."""
    return compare.compared(compare.sides(folders), [compare.condition(text) for text in conditions], variant)


def differences(*folders: Path) -> tuple[Difference, ...]:
    """Every difference of finished folders."""
    return beside(*folders).differences


class Maker(Protocol):
    """Makes a folder as `recovery run` writes it: a row for each time to recovery."""

    def __call__(
        self, path: Path, variants: dict[str, list[float]], *, kind: str = "leases", seed: int = 1, **more: float
    ) -> Path: ...


@pytest.fixture
def folder_of(made: dict[str, RunManifest]) -> Maker:
    def make(
        path: Path, variants: dict[str, list[float]], *, kind: str = "leases", seed: int = 1, **more: float
    ) -> Path:
        rows = [
            run_records.row_of(
                variant, i, seed=seed, ttr99_s=t, wasted_share=t / 1000, reach_p50_s=math.nan,
                **{name: value * t for name, value in more.items()},
            )
            for variant, times in variants.items()
            for i, t in enumerate(times)
        ]  # fmt: skip
        path.mkdir(parents=True)
        update = {"name": path.name, "horizon_s": 1000.0}
        manifest = made["jobs" if kind == "jobs" else "leases"].model_copy(update=update | {"kind": kind})
        (path / "manifest.json").write_text(manifest.to_json())
        (path / "summary.json").write_text(run_records.summary_of(rows).to_json())
        return path

    return make


def test_runs_of_the_same_draws_are_paired(folder_of: Maker, tmp_path: Path) -> None:
    a, b = folder_of(tmp_path / "a", {"w": TIMES["a"]}), folder_of(tmp_path / "b", {"w": TIMES["b"]})
    rows = {row.measure: row for row in differences(a, b)}
    assert set(rows) == {"ttr99_s", "wasted_share"}  # what was not measured is not compared
    for measure, scale in (("ttr99_s", 1.0), ("wasted_share", 1e-3)):
        wanted = stats.ttest_rel(TIMES["b"], TIMES["a"]).confidence_interval(0.95)
        told = rows[measure].difference
        assert (told.low, told.high) == pytest.approx((scale * wanted.low, scale * wanted.high))
        assert told.mean == pytest.approx(scale * float(np.mean(np.subtract(TIMES["b"], TIMES["a"]))))
        assert rows[measure].is_paired
        assert rows[measure].verdict == ("less" if wanted.high < 0 else "not told apart")


def test_runs_of_other_seeds_are_independent(folder_of: Maker, tmp_path: Path) -> None:
    a, b = folder_of(tmp_path / "a", {"w": TIMES["a"]}), folder_of(tmp_path / "b", {"w": TIMES["b"][:3]}, seed=2)
    [row] = [row for row in differences(a, b) if row.measure == "ttr99_s"]
    x, y = np.array(TIMES["b"][:3]), np.array(TIMES["a"])
    parts = x.var(ddof=1) / 3, y.var(ddof=1) / 4
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / 2 + parts[1] ** 2 / 3)  # Welch and Satterthwaite
    half = stats.t.ppf(0.975, freedom) * math.sqrt(sum(parts))
    assert not row.is_paired
    mean = x.mean() - y.mean()
    assert (row.difference.low, row.difference.high) == pytest.approx((mean - half, mean + half))
    assert (row.runs, row.than_runs) == (3, 4)


@pytest.mark.parametrize("turned", [False, True])
def test_runs_without_a_partner_are_told_as_left_out(folder_of: Maker, tmp_path: Path, turned: bool) -> None:
    a, b = folder_of(tmp_path / "a", {"w": TIMES["a"]}), folder_of(tmp_path / "b", {"w": TIMES["b"][:1]})
    sure = answer_of(beside(*((b, a) if turned else (a, b)))).sure.text
    assert "3 of the 4 runs of “a” are left out, since “b” has no run with the same seed and draws." in sure
    assert sure.count("left out") == 1
    assert "left out" not in answer_of(beside(a, a)).sure.text


def test_a_time_within_one_window_is_told_as_less_than_that(folder_of: Maker, tmp_path: Path) -> None:
    """As the answer of a run tells it, not as 0 s."""
    a, b = folder_of(tmp_path / "a", {"w": [300.0]}), folder_of(tmp_path / "b", {"w": [0.0]})
    found = beside(a, b)
    [row] = [one for one in found.differences if one.measure == "ttr99_s"]
    assert row.window_s > 0
    assert f"back after less than {show_duration(row.window_s)} instead of 5 min" in answer_of(found).happened.text


def test_variants_are_matched_by_name_and_the_first_with_the_first(folder_of: Maker, tmp_path: Path) -> None:
    a = folder_of(tmp_path / "a", {"as is": [5.0], "lifo": [4.0], "only here": [1.0]})
    b = folder_of(tmp_path / "b", {"as written": [6.0], "lifo": [7.0]})
    rows = [row for row in differences(a, b) if row.measure == "ttr99_s"]
    assert [(row.variant, row.than_variant, row.difference.mean) for row in rows] == [
        ("as written", "as is", 1.0),
        ("lifo", "lifo", 3.0),
    ]
    assert all(row.verdict == "one run: no interval" for row in rows)


def test_what_a_policy_refuses_stands_in_the_table(folder_of: Maker, tmp_path: Path) -> None:
    """It is the cost by which a run tells it. Oracle: the shares as written, 0 % beside 63 %; no row where none is."""
    none = folder_of(tmp_path / "none", {"w": [100.0]}, denied_share=0.0)
    some = folder_of(tmp_path / "some", {"w": [100.0]}, denied_share=0.0063)
    assert "denied_share" not in compare_text.told(beside(none, none))
    assert compare_text.told(beside(none, some)).endswith("\n" + compare_text.OF_RUN)
    found = beside(none, some)
    [row] = [line for line in compare_text.lines(found.differences) if line[0] == "denied_share"]
    assert row[1:4] == ["0 %", "63 %", "+63 pp"]
    assert "denied_share" in compare_text.told(beside(none, none, conditions=["denied_share > +1pp"]))


def test_never_counts_as_the_horizon_and_is_told(folder_of: Maker, tmp_path: Path) -> None:
    a = folder_of(tmp_path / "a", {"w": [100.0, math.inf]})
    b = folder_of(tmp_path / "x" / "a", {"w": [math.inf, math.inf]})
    [row] = [row for row in differences(a, b) if row.measure == "ttr99_s"]
    assert (row.than_mean, row.mean) == (550.0, 1000.0)
    assert (row.than_never_share, row.never_share) == (0.5, 1.0)
    assert (row.run, row.than) == ("x/a", f"{tmp_path.name}/a")  # both have the name a: folders tell them apart
    text = compare_text.told(beside(a, b))
    assert "9.2 min, not within 16.7 min in 50 %" in text  # these runs did not collapse
    assert "or more" in text  # all of one side never come: what differs is at least what the run has room for
    assert f"counts as {show_duration(1000)} where it did not come" in text
    assert f"50 % of the runs of “{row.than}” and 100 % of the runs of “x/a” have not recovered at the horizon" in text
    back = folder_of(tmp_path / "back", {"w": [90.0, 80.0]})
    told = compare_text.told(beside(a, back))
    assert "or more" not in told  # some of a's runs come
    assert "have not recovered at the horizon" in told
    assert "horizon" not in compare_text.told(beside(back, back))
    assert compare_text.EARLY not in compare_text.told(beside(back, back))
    early = folder_of(tmp_path / "early", {"w": [90.0, 80.0]}, amplification=0.01)
    assert compare_text.told(beside(early, early)).count(compare_text.EARLY) == 1
    held = folder_of(tmp_path / "held", {"w": [90.0, 80.0]}, ttr99_lost_s=math.inf, ttr99_low_s=math.inf)
    assert "horizon" not in compare_text.told(beside(back, held)) + compare_text.told(beside(held, held))
    assert answer_of(beside(held, held)).rests_on.text == ""  # what was held to the end is no time that never came
    assert answer_of(beside(a, held)).rests_on.text == compare_text.NEVER
    [late] = [row for row in differences(a, b) if row.measure == "ttr99_s"]
    lost = late.model_copy(update={"than_late_share": 0.0, "late_share": 0.0})
    assert compare_text.mean(lost.side(is_new=False), show_duration) == "9.2 min, never in 50 %"
    assert [
        compare_text.after("back", compare_text.mean(one.side(is_new=True), show_duration)) for one in (late, lost)
    ] == ["not back within 16.7 min", "never back"]


def test_a_time_to_recovery_is_restricted_to_what_is_left_after_the_return(folder_of: Maker, tmp_path: Path) -> None:
    """Two runs of 1,000 s whose dependency is back at 100 and 300 s: 700 s are what both can show."""
    back = {"recovers_from_s": 1.0, "leases_normal_s": math.inf}
    a = folder_of(tmp_path / "a", {"w": [100.0]}, **back)
    b = folder_of(tmp_path / "b", {"w": [300.0]}, **back)
    rows = {row.measure: row for row in differences(a, b)}
    assert (rows["leases_normal_s"].mean, rows["leases_normal_s"].than_mean) == (1000.0, 1000.0)
    never = folder_of(tmp_path / "c", {"w": [300.0]}, recovers_from_s=1.0, ttr90_s=math.inf)
    [row] = [row for row in differences(never, never) if row.measure == "ttr90_s"]
    assert (row.mean, row.never_share) == (700.0, 1.0)


def test_folders_of_one_name_are_told_apart_by_as_little_of_their_paths(folder_of: Maker, tmp_path: Path) -> None:
    deep = tmp_path / "a folder of a long name that no page should have to show"
    names = [deep / "old" / "x" / "mine", deep / "new" / "x" / "mine", deep / "new" / "y" / "mine"]
    sides = compare.sides([folder_of(name, {"w": [1.0]}) for name in names])
    assert [side.name for side in sides] == ["old/x/mine", "new/x/mine", "new/y/mine"]
    assert [side.name for side in compare.sides([names[0], folder_of(deep / "z" / "other", {"w": [1.0]})])] == [
        "mine",
        "other",
    ]


def test_what_cannot_be_compared_is_told(folder_of: Maker, tmp_path: Path) -> None:
    run, sweep = folder_of(tmp_path / "run", {"w": [1.0]}), folder_of(tmp_path / "sweep", {"w": [1.0]}, kind="sweep")
    other = folder_of(tmp_path / "other", {"v": [1.0], "u": [1.0]})
    broken = folder_of(tmp_path / "broken", {"w": [1.0]})
    (broken / "summary.json").write_text('{"rows": [')
    (tmp_path / "empty").mkdir()
    old = folder_of(tmp_path / "old", {"w": [1.0]})
    jobs = folder_of(tmp_path / "jobs", {"w": [1.0]}, kind="jobs")
    (old / "summary.json").write_text('{"format": 1, "rows": []}')
    for arguments, said in (
        ([run, sweep], "is the folder of a sweep, and"),
        (
            [sweep, run],
            "is not; want folders of runs alone, folders of sweeps alone, or one sweep and the names of its",
        ),
        ([run, tmp_path / "empty"], "holds no finished run; want a folder that recovery run or sweep wrote"),
        ([run, broken], "summary.json: is damaged"),
        ([run, old], f"summary.json has format 1; want {FORMAT}: run the experiment again"),
        ([run, "fifo"], "holds no finished sweep"),
        ([run, jobs], "has jobs and"),
    ):
        result = CliRunner().invoke(cli.main, ["compare", *map(str, arguments)])
        assert result.exit_code == 2, result.output
        assert said in result.stderr
    result = CliRunner().invoke(cli.main, ["compare", str(run), str(other), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["differences"][0]["than_variant"] == "w"


def test_a_rate_is_no_time_and_the_number_of_a_course_no_measure(folder_of: Maker, tmp_path: Path) -> None:
    """A rate a second ends as times do, and yet the horizon is no limit to it."""
    folders = [folder_of(tmp_path / name, {"w": TIMES[name][:2]}, drift_per_s=50.0) for name in "ab"]
    rows = {row.measure: row for row in differences(*folders)}
    wanted = 50 * (sum(TIMES["b"][:2]) - sum(TIMES["a"][:2])) / 2
    assert rows["drift_per_s"].difference.mean == pytest.approx(wanted)
    assert max(rows["drift_per_s"].mean, rows["drift_per_s"].than_mean) > rows["drift_per_s"].horizon_s
    assert rows["drift_per_s"].never_share is None
    assert "outages_index" not in rows


# --- conditions and verdicts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "factor", "plus"),
    [
        ("ttr99_s > +10%", 1.1, 0.0),
        ("ttr99_s>-5%", 0.95, 0.0),
        ("ttr99_s > +20s", 1.0, 20.0),
        ("ttr99_s < -1m", 1, -60),
    ],
)
def test_a_condition_on_a_change_is_a_paired_test_of_new_less_factor_times_old(
    folder_of: Maker, tmp_path: Path, text: str, factor: float, plus: float
) -> None:
    """Oracle: SciPy's one-sample t interval of new - factor x old - plus, on the numbers that were written."""
    a, b = folder_of(tmp_path / "a", {"w": TIMES["a"]}), folder_of(tmp_path / "b", {"w": TIMES["b"]})
    by = np.array(TIMES["b"]) - factor * np.array(TIMES["a"]) - plus
    ends = stats.ttest_1samp(by, 0.0).confidence_interval(0.95)
    beyond = {end > 0 if ">" in text else end < 0 for end in ends}
    wanted = "unsure" if len(beyond) > 1 else "yes" if beyond == {True} else "no"
    [told] = beside(a, b, conditions=[text]).conditions
    assert told.holds == wanted
    assert told.change_share == pytest.approx(np.mean(TIMES["b"]) / np.mean(TIMES["a"]) - 1)


@pytest.mark.parametrize(
    ("measure", "text", "old", "new", "wanted"),
    [
        ("wasted_share", "wasted_share > +5pp", 1e-9, 0.25, "(+25 pp)"),
        ("wasted_share", "wasted_share > +5%", 1e-9, 0.25, "(+25 pp; from nearly nothing)"),
        ("wasted_share", "wasted_share > +5%", 0.2, 0.25, "(+5 pp; +25 %)"),
        ("ttr99_s", "ttr99_s > +10%", 0.0, 90.0, "(+90 s; from nothing)"),
        ("ttr99_s", "ttr99_s > +2s", 60.0, 90.0, "(+30 s; +50 %)"),
    ],
)
def test_changes_of_shares_are_in_points_and_none_of_nothing_is_in_per_cent(
    measure: str, text: str, old: float, new: float, wanted: str
) -> None:
    """Oracle: arithmetic. The interval is left out."""
    change = Estimate(mean=new - old, low=math.nan, high=math.nan)
    told = Condition(text=text, run="b", than="a", variant="w", than_variant="w", measure=measure, is_change=True,
                     holds="yes", value=change, change_share=new / old - 1 if old else math.nan)  # fmt: skip
    assert compare_text.whole(told) == f"holds, so this check fails {wanted}"


@pytest.mark.parametrize(
    ("text", "is_told"),
    [("ttr99_s > +5%", True), ("ttr99_s > +9s", True), ("ttr99_s > +10s", False), ("ttr99_s > 5s", False)],
)
def test_a_condition_finer_than_a_window_is_told(folder_of: Maker, tmp_path: Path, text: str, is_told: bool) -> None:
    """Oracle: 5 % of a mean of 120 s are 6 s, and a window is 10 s."""
    a, b = folder_of(tmp_path / "a", {"w": [120.0] * 4}), folder_of(tmp_path / "b", {"w": [180.0] * 4})
    assert ("Times are known to one window (10 s)" in str(answer_of(beside(a, b, conditions=[text])))) == is_told


def test_a_time_that_hides_what_other_measures_show_is_told_to_do_so(folder_of: Maker, tmp_path: Path) -> None:
    a, b = (folder_of(tmp_path / name, {"w": [120.0] * 4}, relapses=more) for name, more in (("a", 1), ("b", 2)))
    told = str(answer_of(beside(a, b)))
    assert "have the same time in 4 runs: 99 % back after 2 min" in told
    assert 'coupling.window = "1s"' in told
    assert "relapses" in compare_text.told(beside(a, b, conditions=["relapses > +1"])).partition("compared with")[2]


@pytest.mark.parametrize(
    ("new", "condition", "status", "holds"),
    [
        ([120.0, 150.0, 110.0, 180.0], "ttr99_s > +10%", 99, "yes"),  # 20 s more in each: exact
        ([120.0, 150.0, 110.0, 180.0], "ttr99_s > +30s", 0, "no"),
        ([120.0, 150.0, 110.0, 180.0], "ttr99_s > +20s", 0, "no"),  # not more than 20
        ([120.0, 150.0, 110.0, 180.0], "ttr99_s >= +20s", 99, "yes"),
        ([120.0, 150.0, 110.0, 180.0], "ttr99_s < -10%", 0, "no"),
        ([300.0, 20.0, 90.0, 160.0], "ttr99_s > +10%", 4, "unsure"),
        ([120.0, 150.0, 110.0, 180.0], "wasted_share > +1pp", 99, "yes"),  # a thousandth of the times: 2 points
        ([120.0, 150.0, 110.0, 180.0], "wasted_share > +3pp", 0, "no"),
        ([100.0, 130.0, math.inf, 160.0], "ttr99_s = never", 99, "yes"),
        ([100.0, 130.0, 90.0, 160.0], "ttr99_s = never", 0, "no"),
        ([math.inf] * 4, "ttr99_s > +100%", 99, "yes"),  # too short a run: at least 1000 s, less `hold`
        ([math.inf] * 4, "ttr99_s > +500%", 4, "unsure"),  # 720 s are beyond these 400 s
        ([100.0, 130.0, math.inf, 160.0], "ttr99_s > +5%", 4, "unsure"),
        ([100.0] * 4, "ttr99_s > 99s", 99, "yes"),  # no sign: the new value alone
        ([100.0] * 4, "ttr99_s > 2m", 0, "no"),
        ([100.0, 130.0, 90.0, 160.0], "ttr99_s > 2m", 4, "unsure"),
        ([100.0, 130.0, 90.0, 160.0], "launches_normal_s > +10%", 4, "not measured"),
    ],
)
def test_conditions_decide_the_exit_status(
    folder_of: Maker, tmp_path: Path, new: list[float], condition: str, status: int, holds: str
) -> None:
    """Oracle: the table of statuses (99: surely holds, 4: nobody can tell), on numbers whose answer is plain."""
    a, b = folder_of(tmp_path / "a", {"w": TIMES["a"]}), folder_of(tmp_path / "b", {"w": new})
    options = ["--out", str(tmp_path / "out"), "--no-report", "--fail-if", condition]
    result = CliRunner().invoke(cli.main, ["compare", str(a), str(b), *options, "--json"])
    assert result.exit_code == status, result.output
    assert [one["holds"] for one in json.loads(result.stdout)["conditions"]] == [holds]
    told = CliRunner().invoke(cli.main, ["compare", str(a), str(b), *options])
    assert f"fail if {condition}: " in told.stdout


def test_a_condition_says_of_which_other_variants_it_holds(folder_of: Maker, tmp_path: Path) -> None:
    """The first variant comes back on neither side, so nobody can tell; of the second it surely holds."""
    never = [math.inf] * 4
    a = folder_of(tmp_path / "a", {"first": never, "second": TIMES["a"]})
    b = folder_of(tmp_path / "b", {"first": never, "second": never})
    words = ["compare", str(a), str(b), "--no-report", "--fail-if", "ttr99_s > +10%"]
    result = CliRunner().invoke(cli.main, words)
    assert result.exit_code == 4
    why = "not within 16.7 min in a, not within 16.7 min in b: want a longer horizon"
    said = f"fail if ttr99_s > +10%: not decided ({why}). This is “first” alone: of “second” it holds"
    assert said in result.stdout
    _collapsed(a, range(4))
    _collapsed(b, range(4))
    assert "not decided (never in a, never in b). This" in CliRunner().invoke(cli.main, words).stdout
    assert CliRunner().invoke(cli.main, [*words, "--variant", "second"]).exit_code == 99


def test_several_conditions_end_with_the_worst_status(folder_of: Maker, tmp_path: Path) -> None:
    a, b = folder_of(tmp_path / "a", {"w": TIMES["a"]}), folder_of(tmp_path / "b", {"w": [300.0, 20.0, 90.0, 160.0]})
    for conditions, status in ((["ttr99_s > +10%"], 4), (["ttr99_s > +10%", "ttr99_s > 1s"], 99)):
        words = [word for text in conditions for word in ("--fail-if", text)]
        result = CliRunner().invoke(cli.main, ["compare", str(a), str(b), "--no-report", *words])
        assert result.exit_code == status


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ttr99", "it has no <, <=, > or >=; want a condition such as"),
        ("ttr98_s > +1%", "ttr98_s is not a measure (did you mean ttr99_s?)"),
        ("ttr99_s > 10%", "a time in per cent; want a change, as in ttr99_s > +10%"),
        ("ttr99_s > 3 minutes", "'ttr99_s > 3 minutes': its bound is no duration (did you mean \"3min\"?); want"),
        ("ttr99_s > never", "want = or != before never"),
        ("ttr99_s = 5m", "want = or != before never"),
        ("ttr99_s = always", "(always: of milestones)"),
        ("wasted_share = never", "is no time"),
        ("ttr99_s > +5pp", "want a change such as +10% or +2m"),
        ("relapses > +x", "want a change such as +10% or +0.5"),
        ("decline_ends_s > 5m", "only a change of decline_ends_s may be bounded"),
    ],
)
def test_a_condition_that_is_none_says_what_is_wanted(text: str, said: str) -> None:
    with pytest.raises(ValueError, match="--fail-if is ") as error:
        compare.condition(text)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("new", "verdict", "is_worse"),
    [
        ([150.0, 180.0, 140.0, 210.0], "worse", True),
        ([50.0, 80.0, 40.0, 110.0], "better", False),
        (TIMES["a"], "the same", None),
        ([300.0, 20.0, 90.0, 160.0], "not told apart", None),
        ([math.inf] * 4, "changed outcome", True),
    ],
)
def test_the_verdict_says_what_the_change_did(
    folder_of: Maker, tmp_path: Path, new: list[float], verdict: str, is_worse: bool | None
) -> None:
    a, b = folder_of(tmp_path / "a", {"w": TIMES["a"]}), folder_of(tmp_path / "b", {"w": new})
    if verdict == "changed outcome":  # of a run that never comes back the verdict is another, too
        text = (b / "summary.json").read_text().replace('"recovered"', '"collapsed"')
        (b / "summary.json").write_text(text)
    [told] = beside(a, b).outcomes
    assert (told.verdict, told.is_worse) == (verdict, is_worse)


def test_jobs_are_cleared_and_not_back(folder_of: Maker, tmp_path: Path) -> None:
    def said(name: str, times: list[float]) -> str:
        a, b = (
            folder_of(tmp_path / name / one, {"w": own}, kind="jobs") for one, own in (("a", [100.0] * 4), ("b", times))
        )
        found = beside(a, b)
        return str(answer_of(found)) + compare_text.told(found)

    assert "99 % cleared after 50 s instead of" in said("sooner", [50.0] * 4)
    never = said("never", [math.inf] * 4)
    assert "99 % never cleared" in never or "99 % not cleared within" in never
    assert "back" not in said("same", [100.0] * 4) + never


def _collapsed(folder: Path, lost: Sequence[int]) -> None:
    """Has these runs of a folder collapse."""
    summary = json.loads((folder / "summary.json").read_text())
    for i in lost:
        summary["rows"][i]["verdict"] = "collapsed"
    (folder / "summary.json").write_text(json.dumps(summary))


@pytest.mark.parametrize(("only_mine", "is_sure"), [(5, False), (6, True)])
def test_lost_runs_of_the_same_draws_are_told_by_those_that_one_side_alone_loses(
    folder_of: Maker, tmp_path: Path, only_mine: int, is_sure: bool
) -> None:
    """2 / 2^5 = 6 % and 2 / 2^6 = 3 %, however many both lose. Of other seeds, 10 of 20 beside 4 are 10 % by Fisher."""
    a = folder_of(tmp_path / "a", {"w": [100.0] * 20})
    b, other = (
        folder_of(tmp_path / "b", {"w": [100.0] * 20}),
        folder_of(tmp_path / "other", {"w": [100.0] * 20}, seed=2),
    )
    _collapsed(a, range(4))
    for folder in (b, other):
        _collapsed(folder, range(4 + only_mine))
    assert [one.verdict == "changed outcome" for one in beside(a, b).outcomes] == [is_sure]
    assert [one.verdict == "changed outcome" for one in beside(a, other).outcomes] == [False]


def test_a_saving_that_is_no_number_is_no_saving(folder_of: Maker, tmp_path: Path) -> None:
    """Where no time is compared, but one side surely recovers more often, it is taken and its saving is not known."""
    a = folder_of(tmp_path / "a", {"w": [math.nan] * 20})
    b = folder_of(tmp_path / "b", {"w": [math.nan] * 20})
    _collapsed(a, range(20))
    found = beside(a, b)
    assert [one.difference for one in found.outcomes] == [None]
    change = answer_of(found).change
    assert change.name == "b"
    assert math.isnan(change.saved_s)
    assert json.loads(change.model_dump_json())["saved_s"] is None


# --- scenarios and sweeps, as a user meets them -----------------------------------------------------------------------

SCENARIO = """
horizon = "15m"
hold = "1m"
fleet = {{ holders = 300, hosts = 4 }}
host = {{ establish_time = {{ dist = "exponential", mean = "{service}" }}, timeout = "5s", fail_after = "100ms" }}
lease = {{ duration = "2m", check_every = "30s" }}
dependency.outages = [{{ from = "2m", to = "5m" }}]
policy.queue = "lifo"
[variants."expired work dropped"]
policy.queue = "drop-expired"
"""
SWEEP = """
[sweep]
method = "random"
samples = 4
[sweep.levers]
"policy.queue" = { values = ["lifo", "drop-expired"] }
[sweep.uncertainties]
"host.timeout" = { min = "4s", max = "6s" }
"""


def test_two_scenarios_are_run_with_the_same_seeds_and_compared(tmp_path: Path) -> None:
    """Three times the service time is surely worse; the pairs are those of the same seed, and the page has both."""
    old, new = tmp_path / "old.toml", tmp_path / "new.toml"
    old.write_text(SCENARIO.format(service="60ms"))
    new.write_text("seed = 7\n" + SCENARIO.format(service="180ms"))
    words = ["compare", str(old), str(new), "--replications", "4", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(cli.main, [*words, "--fail-if", "ttr99_s > +10%"])
    assert result.exit_code == 99, result.output
    head, *lines = result.stdout.splitlines()[:3]
    assert head == "What happened: “new” beside “old”: both variants are worse."
    assert all("”: worse, 99 % back after" in line for line in lines)
    assert "(4 runs against 4, paired: the same seeds and draws)" in result.stdout
    place = tmp_path / "out" / "new-beside-old"
    assert f"report: {place / 'report.html'}" in result.stdout
    page = (place / "report.html").read_text()
    assert page.count("<figure id") == 2  # both curves, and a panel for each variant
    assert "ttr99_s &gt; +10%" in page
    seeds = {row["seed"] for row in json.loads((place / "new" / "new" / "summary.json").read_text())["rows"]}
    assert seeds == {1}  # the old one's
    again = CliRunner().invoke(
        cli.main,
        ["compare", str(place / "old" / "old"), str(place / "new" / "new"), "--variant", "expired work dropped",
         "--no-report", "--json"],
    )  # fmt: skip
    told = json.loads(again.stdout)
    assert {one["variant"] for one in told["differences"]} == {"expired work dropped"}
    assert told["report"] is None


def test_a_scenario_stands_beside_a_finished_run_with_its_seed_and_replications(tmp_path: Path) -> None:
    old = tmp_path / "mine.toml"
    old.write_text(SCENARIO.format(service="60ms"))
    done = CliRunner().invoke(
        cli.main, ["run", str(old), "--seed", "5", "--replications", "2", "--no-report", "--out", str(tmp_path)]
    )
    assert done.exit_code == 0, done.output
    words = ["compare", str(tmp_path / "mine"), str(old), "--no-report", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(cli.main, words)
    assert result.exit_code == 0, result.output
    assert "both variants are the same" in result.stdout.splitlines()[0]  # the same file and seeds: equal to the bit
    assert "Times are known to one window" not in result.stdout


def test_two_sweeps_are_paired_draw_by_draw(tmp_path: Path) -> None:
    """The same draws in both. Oracle: the difference of the means over the draws of runs.parquet, policy by policy."""
    frames = {}
    for name, service in (("old", "60ms"), ("new", "300ms")):
        file = tmp_path / f"{name}.toml"
        file.write_text(SCENARIO.format(service=service).partition("[variants")[0] + SWEEP)
        done = CliRunner().invoke(
            cli.main, ["sweep", str(file), "--replications", "3", "--no-report", "--out", str(tmp_path)]
        )
        assert done.exit_code == 0, done.output
        frames[name] = pl.read_parquet(tmp_path / name / "runs.parquet").filter(pl.col("role") == "draw")
    words = ["compare", str(tmp_path / "old"), str(tmp_path / "new"), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(cli.main, [*words, "--fail-if", "ttr99_s > +10%", "--json"])
    assert result.exit_code == 99, result.output
    told = json.loads(result.stdout)
    rows = [one for one in told["differences"] if one["measure"] == "ttr99_s"]
    assert len(rows) == 2
    for row in rows:
        both = [frames[name].filter(pl.col("policy") == row["variant"]).sort("replication", "draw") for name in frames]
        assert both[0]["host.timeout"].to_list() == both[1]["host.timeout"].to_list()
        by = both[1]["ttr99_s"].to_numpy() - both[0]["ttr99_s"].to_numpy()
        assert row["is_paired"]
        assert row["difference"]["mean"] == pytest.approx(by.mean())
    assert Path(told["report"]).is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a.toml", "nowhere.toml"], "nowhere.toml: cannot be read"),
        (["a.toml", "lifo"], "--fail-if, --variant, --markdown and --junit are for two folders or files"),
        (["a.toml", "a.toml", "lifo"], "lifo is neither a folder of results nor a scenario"),
        (["a.toml", "swept.toml"], "swept.toml: sweep.uncertainties is set; want recovery sweep"),
        (["a.toml", "b.toml", "--variant", "nobody"], "--variant is 'nobody'; want one of "),
        (["a.toml", "b.toml", "./a.toml"], "a.toml is named twice, and is no different from itself"),
    ],
)
def test_what_cannot_stand_side_by_side_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    text = SCENARIO.format(service="60ms")
    Path("a.toml").write_text(text)
    Path("b.toml").write_text(text)
    Path("swept.toml").write_text(text.partition("[variants")[0] + SWEEP)
    result = CliRunner().invoke(cli.main, ["compare", *words, "--fail-if", "ttr99_s > +10%", "--no-report"])
    assert (result.exit_code, said in result.stderr) == (2, True), result.output


@pytest.mark.parametrize(
    ("measure", "was", "now", "shown"),
    [
        ("queue_peak", 1_234_567.0, 1_234_570.0, ["1,234,567", "1,234,570", "+3"]),
        ("queue_peak", 1_234_567.0, 1_300_000.0, ["1,230,000", "1,300,000", "+65,400"]),
        ("served_share", 0.45901, 0.45902, ["45.901 %", "45.902 %", "+0.001 pp"]),
        ("ttr99_s", 7681.0, 7693.0, ["7,681 s", "7,693 s", "+12 s"]),
        ("ttr99_s", 7681.0, 8000.0, ["2 h 08 min", "2 h 13 min", "+5.3 min"]),
    ],
)
def test_means_that_differ_are_seen_to_differ(measure: str, was: float, now: float, shown: list[str]) -> None:
    row = Difference(
        run="new", than="old", variant="w", than_variant="w", horizon_s=1e4, measure=measure, mean=now, than_mean=was,
        difference=Estimate(mean=now - was), is_paired=True, runs=1, than_runs=1, verdict="more", limit_s=1e4,
    )  # fmt: skip
    assert compare_text.lines([row])[1][1:4] == shown


@pytest.mark.parametrize(
    ("measure", "low", "high", "told"),
    [
        ("ttr99_s", 9289.0, 9312.0, "+9,289 s to +9,312 s"),  # both are +2 h 35 min
        ("ttr99_s", 9300.0, 9300.0, "all alike"),
        ("served_share", 0.10001, 0.10002, "+10.001 pp to +10.002 pp"),
        ("queue_peak", 120_010.0, 120_030.0, "+120,010 to +120,030"),
    ],
)
def test_ends_that_differ_are_not_all_alike(measure: str, low: float, high: float, told: str) -> None:
    row = Difference(
        run="new", than="old", variant="w", than_variant="w", horizon_s=1e4, measure=measure, mean=0.0, than_mean=0.0,
        difference=Estimate(mean=low, low=low, high=high), is_paired=True, runs=20, than_runs=20, verdict="more",
        limit_s=1e4,
    )  # fmt: skip
    assert compare_text.lines([row])[1][4] == told


def test_a_side_without_a_number_is_named(tmp_path: Path) -> None:
    """Renewals alone are more than the hosts can do, so much of it is in vain. With two classes only the number of such
    requests is known, not how long they took, so the classes are no gain.
    """
    base = OVERDUE.replace("350s", "60s").replace("5ms", "400ms").replace('"until-back"', '"1s"')
    classes = "[classes.a]\nshare = '50%'\n[classes.b]\n"
    places = []
    for name, text in (("plain", base), ("classed", base + classes)):
        (file := tmp_path / f"{name}.toml").write_text(text)
        words = ["run", str(file), "--out", str(tmp_path / "out"), "--no-report"]
        assert CliRunner().invoke(cli.main, words).exit_code == 0
        places.append(tmp_path / "out" / name)
    for sides in (places, places[::-1]):
        found = beside(*sides, conditions=["sojourn_p99_s > +10%"])
        assert found.conditions[0].holds == "not measured"
        assert found.conditions[0].why == "no run of classed has a number of it"
        assert "at a host" not in answer_of(found).change.text


def test_sides_that_do_not_face_the_same_give_no_advice(tmp_path: Path) -> None:
    """Fewer holders are back sooner, and are no policy that one could take."""
    places = {}
    for name, text in (
        ("as it is", run_records.FLEET),
        ("few", re.sub(r"holders = \d+", "holders = 12", run_records.FLEET)),
        ("patient", run_records.FLEET.replace("host = {", 'host = { round_trip = "2ms",')),
    ):
        file = tmp_path / f"{name}.toml"
        file.write_text(text, encoding="utf-8")
        result = CliRunner().invoke(cli.main, ["run", str(file), "--out", str(tmp_path / "out"), "--no-report"])
        assert result.exit_code == 0, result.output
        places[name] = tmp_path / "out" / name
    was, few, patient = places.values()
    found = beside(was, few)
    [unlike] = found.unlike
    assert unlike.startswith("leases: ")
    assert "12 in few" in unlike
    assert "No advice: the sides do not have the same to cope with" in answer_of(found).change.text
    assert beside(was, patient).unlike == ()


OVERDUE = """
horizon = "10m"
hold = "1m"
coupling.window = "1s"
fleet = { holders = 200, hosts = 2, overdue = "NotReady", overdue_after = "50s" }
host = { establish_time = "5ms", timeout = "30s", fail_after = "until-back" }
lease = { duration = "350s", check_every = "10s" }
dependency.outages = [{ from = "2m", to = "4m" }]
policy.client = { name = "fixed", delay = "1s" }
"""


def test_where_no_lease_is_lost_sides_are_judged_by_when_all_have_renewed(tmp_path: Path) -> None:
    """Oracle: requests that take ten times as long; where bounds of both overlap it is open."""
    places = []
    for name, service in (("quick", "5ms"), ("slow", "50ms")):
        (file := tmp_path / f"{name}.toml").write_text(OVERDUE.replace("5ms", service))
        words = ["run", str(file), "--out", str(tmp_path / "out"), "--no-report", "--replications", "2"]
        assert CliRunner().invoke(cli.main, words).exit_code == 0
        places.append(tmp_path / "out" / name)
    found = beside(*places)
    [one] = found.outcomes
    assert one.difference is not None
    assert (one.difference.measure, one.is_worse) == ("ttr_renewed_s", True)
    answer = answer_of(found)
    assert answer.happened.text.startswith("“slow” is worse than “quick”: all renewed after ")
    assert "judged is when all holders have renewed" in answer.rests_on.text
    rows = {row[0]: row for row in compare_text.lines(found.differences, compare_text.asked(found))}
    assert rows["ttr99_s"][1:3] == ["always", "always"]
    assert "ttr_renewed_s" in rows
    assert not {"efficiency", "amplification", "wasted_share"} & {row.measure for row in found.differences}
    [one] = beside(*places, conditions=["wasted_share > +1pp"]).conditions
    assert (one.holds, one.why) == ("not measured", "no lease was ever lost in quick and slow")
    first, slow = compare.sides(places)
    runs, quick = next(iter(slow.variants.values())), next(iter(first.variants.values()))
    runs = runs._replace(renewed_from_s=quick.renewed_from_s)
    [open_] = compare.compared([first, slow._replace(variants={slow.head: runs})]).outcomes
    assert (open_.verdict, open_.is_worse) == ("not told apart", None)
    assert "counts of renewals tell these times within bounds alone" in compare_text.answer(open_, named=False)


def test_a_file_that_is_about_one_class_is_judged_by_it(folder_of: Maker, tmp_path: Path) -> None:
    """All are back at the same time, and the class that both files are about is back sooner."""
    folders = [
        folder_of(tmp_path / name, {"w": TIMES["a"]}, **{"ttr99_s.beat": of_class})
        for name, of_class in (("a", 0.9), ("b", 0.5))
    ]
    sides = [side._replace(judged_class="beat") for side in compare.sides(folders)]
    found = compare.compared(sides)
    assert compare_text.answers(found)[0].startswith("“b” is better than “a”: 99 % of “beat” back after ")
    assert "Judged is “beat” alone" in answer_of(found).rests_on.text
    assert "ttr99_s.beat" in [row[0] for row in compare_text.lines(found.differences, compare_text.asked(found))]
    other = compare.compared([sides[0], sides[1]._replace(judged_class="")])
    assert [one.difference.measure for one in other.outcomes if one.difference is not None] == ["ttr99_s"]


def test_of_several_variants_the_worst_stands_first(folder_of: Maker, tmp_path: Path) -> None:
    a = folder_of(tmp_path / "a", {"w": TIMES["a"], "x": TIMES["a"], "y": TIMES["a"], "z": TIMES["a"]})
    new = {"w": [t - 30 for t in TIMES["a"]], "x": TIMES["a"], "y": [t + 30 for t in TIMES["a"]],
           "z": [t + 90 for t in TIMES["a"]]}  # fmt: skip
    told = answer_of(beside(a, folder_of(tmp_path / "b", new)))
    head, *lines = told.happened.text.split("\n")
    assert head == "“b” beside “a”: of 4 variants 2 are worse, 1 is the same, 1 is better."
    assert [line.partition(",")[0] for line in lines] == ["“z”: worse", "“y”: worse", "“x”: the same", "“w”: better"]
    assert "\n  “y”: worse" in str(told)
    assert told._repr_html_().count("<li>") == 4
