"""Measures of one class where a file asks for one: [[observed]], sweep.measure, and how often each class recovers.

Oracles: the class's own columns, walked window by window; the rows of the runs; Clopper and
Pearson's interval of a count.
"""

import math
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import polars as pl
import pytest
from test_session_files import BASE, ENDS, JOBS, OF_JOBS, TIED, acts
from test_sweep import summary_of, swept, written

from recovery import theory
from recovery.errors import ScenarioError
from recovery.measures import register
from recovery.measures.moments import moment_s
from recovery.reading.experiment import parse
from recovery.reading.schema import json_schema
from recovery.show import report
from recovery.show.text import results
from recovery.simulate.outcome import Outcome
from recovery.simulate.pipeline import Runner
from recovery.study import execute, fit
from recovery.units import show_share

TIED_ALL = BASE + acts(ENDS) + TIED


def observed(*measures: str, at: str = "3m") -> str:
    """Tables of observations."""
    return "".join(f'[[observed]]\nlabel = "{one}"\nat = "{at}"\nmeasure = "{one}"\nsource = "a"\n' for one in measures)


def run(text: str) -> Outcome:
    """The first variant of a file."""
    with Runner(2) as runner:
        return next(runner.run([(parse(text).first, 1, 0)]))


def last_below_s(outcome: Outcome, name: str, depth: float) -> float:
    """The end of the window after the last one at whose end fewer than `depth` of a class have a lease."""
    leased = outcome.columns()[f"leased.{name}"]
    below = np.flatnonzero(leased < depth * leased.max() - 1e-9)
    return float(outcome.times_s[below[-1] + 1])


def test_what_was_observed_of_a_class_is_compared_with_that_class(tmp_path: Path) -> None:
    """The class's own column says when it is back; a run, its table and a fit say the same moment."""
    names = ("ttr99_s.report", "ttr50_s.block", "ttr100_s.block", "ttr90_s")
    experiment = replace(parse(TIED_ALL + observed(*names)), name="mine")
    outcome = run(TIED_ALL)
    told = execute.run(experiment, out=tmp_path, threads=1, quiet=True)
    wanted = [
        last_below_s(outcome, *of) for of in (("report", 0.99), ("block", 0.5), ("block", 1.0))
    ]  # fmt: skip
    assert experiment.head.seed == outcome.seed
    assert [row.simulated_s for row in told.summary.milestones][:3] == wanted
    assert len(set(wanted)) == 3
    assert told.summary.milestones[0].difference_min == pytest.approx((wanted[0] - 180) / 60)
    seen = fit.milestones_of(experiment)
    assert [seen.time_s(outcome, i) for i in range(3)] == wanted
    row = outcome.measure()
    assert seen.time_s(outcome, 3) == float(row["recovers_from_s"]) + float(row["ttr90_s"])
    assert "ttr50_s.block" in results(told.manifest, told.summary, [])


def test_what_was_observed_of_jobs_is_compared_with_the_end_of_their_time(tmp_path: Path) -> None:
    """The clock's start and the time to recovery of the row, on the page too; milestones of leases are refused."""
    text = JOBS + 'recovers_from = "150s"\n' + OF_JOBS
    experiment = replace(parse(text + observed("ttr90_s.back", "ttr50_s")), name="mine")
    told = execute.run(experiment, out=tmp_path, threads=1, quiet=True)
    [row] = told.summary.rows
    times = [row.measures[name] for name in ("ttr90_s.back", "ttr50_s")]
    assert min(times) > 0
    assert [one.simulated_s for one in told.summary.milestones] == [150 + one for one in times]
    assert "ttr90_s.back" in report.write(tmp_path / "mine").read_text(encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"want none with \[jobs\], but times such as ttr99_s"):
        parse(text + observed("leases_normal_s"))


@pytest.mark.parametrize(
    ("name", "row", "wanted"),
    [
        ("ttr99_s.a", {"ttr99_s.a": 0.0, "leased_min_share.a": 0.995}, 0.0),  # never below its depth
        ("ttr99_s.a", {"ttr99_s.a": 0.0, "leased_min_share.a": 0.5}, 60.0),  # back before the clock began
        ("ttr99_s.a", {"ttr99_s.a": 9.0, "leased_min_share.a": 0.5, "leased_min_share": 1.0}, 69.0),
        ("ttr50_s", {"ttr50_s": 9.0, "leased_min_share": 0.4, "leased_min_share.a": 1.0}, 69.0),
        ("ttr99_s.a", {"ttr99_s.a": 0.0}, 0.0),  # jobs: none waited any more
        ("ttr99_s.a", {"ttr99_s.a": 9.0}, 69.0),
        ("ttr99_s.a", {"ttr99_s.a": math.inf, "leased_min_share.a": 0.5}, math.inf),
        ("ttr99_s.a", {"ttr99_s": 5.0}, math.nan),
        ("leased_all_s", {"leased_all_s": 9.0}, 9.0),
    ],
)
def test_a_time_to_recovery_ends_at_a_moment(name: str, row: dict[str, float], wanted: float) -> None:
    """By hand: 60 s and the time; 0 is always, inf never, nan not measured."""
    assert moment_s(name, {"recovers_from_s": 60.0, **row}) == pytest.approx(wanted, nan_ok=True)


def test_a_sweep_is_decided_by_a_class(tmp_path: Path) -> None:
    """Each policy's mean is that of its runs' column of the class, where that of all is another; and draws are kept by
    what was observed of a class.
    """
    text = "replications = 2\n" + TIED_ALL + observed("ttr99_s.block", at="170s")
    text += '[sweep]\nmeasure = "ttr99_s.block"\nmethod = "random"\nsamples = 2\naccept = { within = "40s" }\n'
    text += 'levers."host.workers" = { values = [2, 1] }\n'
    text += 'uncertainties."host.renew_time" = { min = "10ms", max = "50ms" }\n'
    folder = swept(written(tmp_path, text), tmp_path / "out")
    rows = pl.read_parquet(folder / "runs.parquet").filter(pl.col("role") == "draw")
    summary = summary_of(folder)
    assert summary["measure"] == "ttr99_s.block"
    shown_s = 480.0 - 120.0  # from where the clock starts to the horizon: what never comes counts as this
    means = rows.group_by("policy_id").agg(pl.col("ttr99_s.block", "ttr99_s").clip(upper_bound=shown_s).mean())
    told = {one["id"]: one["restricted"]["mean"] for one in summary["policies"]}
    assert told == pytest.approx(dict(zip(means["policy_id"], means["ttr99_s.block"], strict=True)))
    assert means["ttr99_s.block"].to_list() != means["ttr99_s"].to_list()
    first = rows.filter(pl.col("policy_id") == summary["policies"][0]["id"])
    assert first.height == 4


def decided_by(measure: str) -> str:
    """A sweep that is decided by a measure."""
    return f'[sweep]\nlevers."host.timeout" = {{ values = ["5s", "9s"] }}\nmeasure = "{measure}"\n'


ONE_OF = "want one of ttr50_s.beat, ttr90_s.beat, ttr99_s.beat, ttr100_s.beat"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (observed("ttr99_s.baet"), "observed.0.measure is of a class baet, which is none (did you mean beat?)"),
        (decided_by("ttr99_s.baet"), "sweep.measure is of a class baet, which is none (did you mean beat?)"),
        ('[expect]\nttr99_s.baet = "< 1m"\n', "expect.ttr99_s.baet is of a class baet, which is none (did you mean b"),
        (observed("ttr9_s.beat"), f'observed.0.measure is "ttr9_s.beat" (did you mean ttr99_s.beat?); {ONE_OF}'),
        (decided_by("ttr9_s.beat"), f'sweep.measure is "ttr9_s.beat" (did you mean ttr99_s.beat?); {ONE_OF}'),
        ('[expect]\nttr9_s.beat = "< 1m"\n', "expect.ttr9_s.beat is not a measure (did you mean ttr99_s.beat?); want"),
        (observed("all_normal_s.beat"), f'observed.0.measure is "all_normal_s.beat"; {ONE_OF}'),
        (decided_by("ttr99_s."), 'sweep.measure is "ttr99_s." (did you mean ttr99_s?)'),
    ],
)
def test_a_measure_of_a_class_that_is_none_is_refused(text: str, wanted: str) -> None:
    """In each place alike: file, key, value, the nearest name, what is wanted."""
    with pytest.raises(ScenarioError) as refused:
        parse(TIED_ALL + text, file="mine.toml")
    assert f"mine.toml: {wanted}" in str(refused.value), refused.value


def test_no_sample_tells_when_the_last_of_a_class_is_back() -> None:
    text = TIED_ALL.replace("fleet.hosts = 3", "fleet.hosts = 12\nfleet.sample_hosts = 6").replace(
        "fleet.zones = 3\n", ""
    )
    with pytest.raises(ScenarioError, match=r"want ttr99_s\.beat, or all hosts"):
        parse(text + observed("ttr100_s.beat"))
    parse(text + observed("ttr99_s.beat"))


def test_a_sweep_wants_the_class_in_every_variant() -> None:
    """A variant without classes has none that could decide."""
    text = BASE + acts(ENDS) + decided_by("ttr99_s.beat") + "[variants.b]\nclasses.beat = {}\n"
    with pytest.raises(
        ScenarioError, match=r"sweep\.measure is of a class beat, which is none; want a table \[classes"
    ):
        parse(text)


@pytest.mark.parametrize(("name", "is_known"), [("ttr99_s.beat", True), ("ttr99_s", True), ("all_normal_s.a", False)])
def test_the_schema_takes_what_the_parser_takes(name: str, is_known: bool) -> None:
    whole = json_schema()
    for table in ("Observed", "Sweep"):
        checks = jsonschema.Draft202012Validator(whole["$defs"][table]["properties"]["measure"])
        assert checks.is_valid(name) == is_known, table


def test_how_often_each_class_recovers_is_told_with_its_interval(tmp_path: Path) -> None:
    """Counted in the rows, with Clopper and Pearson's interval: beside each class of a run of several replications."""
    text = "replications = 3\n" + TIED_ALL.replace('"8m"', '"5m"')
    told = execute.run(replace(parse(text), name="mine"), out=tmp_path, threads=1, quiet=True)
    lines = results(told.manifest, told.summary, []).splitlines()
    page = report.write(tmp_path / "mine").read_text(encoding="utf-8").replace("\xa0", " ")
    assert 'data-m="recovered_share"' in page
    for name in ("beat", "report", "block"):
        ended = [row.words[f"verdict.{name}"] for row in told.summary.rows]
        low, high = theory.clopper_pearson(ended.count("recovered"), 3)
        [line] = [" ".join(one.split()) for one in lines if f" {name} " in one and "%" in one]
        assert f"{show_share(ended.count('recovered') / 3)} {show_share(low)} {show_share(high)}" in line
        assert f"<small>{show_share(low)} to {show_share(high)}</small>" in page


def test_only_what_ends_at_a_moment_may_be_observed() -> None:
    """Milestones, and times with a depth: a time to anything else has no share that says whether it was always so."""
    found = set(register.observable())
    assert found == set(register.milestones()) | set(register.DEPTHS)
