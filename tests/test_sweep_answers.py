"""What a sweep's answer says why, and what policies beside each other cost.

Oracle: the mechanism of a single run of the same file (whose own oracles are in situations.py); harms are those that
the policies were made to have.
"""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from scipy import stats
from situations import SITUATIONS, Situation

import recovery
from recovery.cli.main import main
from recovery.errors import ScenarioError
from recovery.reading import experiment
from recovery.show import markdown, report_sweep, sweep_text, words
from recovery.show.answers import compare, costs
from recovery.show.answers.sweep import answer_of
from recovery.simulate.explain import explanation
from recovery.statistics import confidence
from recovery.store import sweep_record
from recovery.store.record import Estimate, Share
from recovery.store.sweep_record import Difference, Harm
from recovery.study import sweep as sweeps
from recovery.study.summary import explained
from recovery.study.sweep.answers import answers
from recovery.study.sweep.estimates import difference_of, units_that_show
from recovery.units import show_number, show_share

SWEPT = [one for one in SITUATIONS if one.replications == 1 and one.mechanism in ("timeout", "admission", "herd")]


@pytest.mark.parametrize("situation", SWEPT[:3], ids=lambda one: one.name.replace(" ", "-"))
def test_a_sweep_names_the_mechanism_that_a_run_names(situation: Situation, tmp_path: Path) -> None:
    file = tmp_path / "one.toml"
    lever = '[sweep.levers]\n"host.workers" = { values = [%d, %d] }\n'
    many = int(situation.text.split("workers = ")[1].split(",")[0]) if "workers = " in situation.text else 1
    text = situation.text.replace('[variants."more workers"]\nhost.workers = 120\n', "")  # which the lever sets anew
    file.write_text(text + lever % (many, 2 * many), encoding="utf-8")
    found = recovery.sweep(file, out=tmp_path / "out", threads=1, progress=False)
    assert found.answer.why.mechanism == situation.mechanism
    if situation.high > 0:
        assert situation.low * 0.999 <= found.answer.why.number <= situation.high * 1.001
    assert "host.workers decides most" in found.answer.why.text or "No lever" in found.answer.why.text


LOST_TWICE = """
horizon = "50m"
hold = "2m"
coupling.window = "2s"
fleet = { holders = 200, hosts = 1 }
host = { workers = 1, establish_time = "500ms", renew_time = "1ms", timeout = "20s", fail_after = "100ms" }
lease = { duration = "10m", check_every = "20s" }
dependency.outages = [{ from = "2m", to = "22m" }]
policy.client = { name = "fixed", delay = "5s" }
operator = [{ do = "end-sessions", at = "30m" }]
policy.queue = "lifo"
"""
TWO_DRAWS = """
[sweep]
method = "random"
samples = 2
levers."host.workers" = { values = [1, 2] }
uncertainties."host.timeout" = { min = "19s", max = "21s" }
"""


@pytest.mark.parametrize(("to", "is_lost_before"), [("22m", True), ("3m", False)])
def test_a_sweep_and_a_threshold_say_why_leases_are_lost_once_more(
    to: str, is_lost_before: bool, tmp_path: Path
) -> None:
    """By hand: sessions end at 30 min, 8 min after a return at 22 min, 27 min after one at 3 min. Holders learn it
    within 20 s; 198 of them are 99 s of work for one worker, and renewals of those who are back up to 1 % more; for
    two it is half of that. So 90 s after it one is not back, but two are. An outage of 20 min outlasts all leases,
    which are as much work at its end; in one of 1 min none is lost, so there is nothing else to tell.
    """
    text = LOST_TWICE.replace('to = "22m"', f'to = "{to}"')
    file, ranked = tmp_path / "twice.toml", tmp_path / "ranked.toml"
    file.write_text(text, encoding="utf-8")
    ranked.write_text(text + TWO_DRAWS, encoding="utf-8")
    swept = recovery.sweep(ranked, out=tmp_path / "out", threads=1, progress=False).answer.why
    within = ("--within", "570s" if is_lost_before else "1710s", "--low", "1", "--high", "2", "--threads", "1")
    result = CliRunner().invoke(main, ["threshold", str(file), "host.workers", *within, "--out", str(tmp_path)])
    [found] = [line for line in result.output.splitlines() if line.startswith("Why: ")]
    again = CliRunner().invoke(main, ["threshold", str(ranked), "host.workers", *within, "--out", str(tmp_path / "b")])
    assert f"{found}\n" in again.output  # it sets the key, though it is a lever of the file
    assert swept.mechanism == "capacity"
    for text in (swept.text, found):
        first, again = text.split("Leases are lost once more after what operators do 30 min after the start (end-")
        [need_s] = re.findall(r"^sessions\): the hosts, which do 2 a second, need ([\d.]+) s for the work\.", again)
        assert 99 <= float(need_s) <= 100
        assert ("for the work. " in first) is is_lost_before


FEW = """
horizon = "10m"
hold = "1m"
fleet = { holders = 50, hosts = 1 }
host = { workers = 1, establish_time = "100ms", renew_time = "1ms", timeout = "2s" }
lease = { duration = "60s", check_every = "30s" }
policy.client = { name = "fixed", delay = "1s" }
dependency.outages = [{ from = "1m", to = "3m" }]
replications = 2
[sweep.levers]
"host.timeout" = { values = ["2s", "2m"] }
"""


def test_a_sweep_of_too_few_replications_says_so_wherever_its_ranking_stands(tmp_path: Path) -> None:
    """Two policies are told apart by the fifth unit at the earliest: the bettor of MODEL.md, section 10, who needs 20
    times his capital, has half of it on a bet that doubles with each.
    """
    file, told = tmp_path / "few.toml", tmp_path / "few.md"
    file.write_text(FEW, encoding="utf-8")
    few = "2 replications cannot tell any two of 2 policies apart, however much they differ: that takes at least 5 "
    few += "(replications = 5, at the top of the file)."

    def swept(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["sweep", str(file), "--out", str(tmp_path), "--threads", "1", *arguments])

    choosing = f"takes at least {units_that_show(0.05, is_run=True)} replications"  # of 5 %, the default of never_max
    assert few in swept("--dry-run").stdout
    assert choosing in swept("--dry-run").stdout
    enough = swept("--dry-run", "--json", "--replications", "5")
    assert json.loads(enough.stdout)["replications_that_tell"] == json.loads(enough.stdout)["replications"] == 5
    result = swept("--no-report", "--markdown", str(told))
    assert few in result.stderr  # before it runs
    assert result.stdout.count(few) == 1  # how sure
    assert "If further draws are like these, about" in result.stdout
    assert "Surely" not in result.stdout
    assert told.read_text("utf-8").count(markdown.plain(few)) == 1
    folder = tmp_path / "few"
    summary = sweep_record.read(folder)
    assert summary.replications_that_tell == 5
    assert few in report_sweep.html(sweep_record.manifest_of(folder), summary, [])
    # One count has one bound, the exact sequence's, which decides; it stood beside Clopper and Pearson's of one look.
    bound = confidence.chance(0, 2, (1 - summary.confidence) / 2).high
    assert summary.selection.never_at_most == pytest.approx(bound)
    assert {one.not_recovered.high for one in summary.policies} == {summary.selection.never_at_most}
    assert result.stdout.count(f"up to {show_share(bound)} may not") == 2  # what happened, how sure
    assert " min behind" not in result.stdout  # a limit of 10 min in runs of 7 min
    assert "These 10 min are fixed" in "".join(answers(summary.model_copy(update={"limit_s": 3600.0})))
    many = summary.model_copy(update={"units_that_tell": 2})
    assert "cannot tell" not in report_sweep.html(sweep_record.manifest_of(folder), many, [])


def test_a_random_sweep_of_too_few_draws_says_so_in_draws(tmp_path: Path) -> None:
    """The test counts draws, of which each replication has three; the bettor needs five (see above)."""
    file = tmp_path / "random.toml"
    random = 'replications = 1\n[sweep]\nmethod = "random"\nsamples = 3\n[sweep.levers]'
    unknown = '[sweep.uncertainties]\n"host.establish_time" = { min = "50ms", max = "100ms" }\n'
    file.write_text(FEW.replace("replications = 2\n[sweep.levers]", random) + unknown, encoding="utf-8")
    few = "3 draws cannot tell any two of 2 policies apart, however much they differ: that takes at least 5 "
    few += "(sweep.samples = 5, or replications = 2, at the top of the file)."
    result = CliRunner().invoke(
        main, ["sweep", str(file), "--out", str(tmp_path), "--threads", "1", "--no-report", "--replications", "1"]
    )
    assert few in result.stderr
    assert few in result.stdout
    assert "2 of 2 policies may still be the best" in result.stdout


def test_no_difference_is_larger_than_what_a_run_counts_as() -> None:
    """Oracle: Student's interval of the same differences, which knows no such limit."""
    mine, theirs, limit_s = np.array([2.0, 1.0, 3.0]), np.array([10.0, 10.0, 4.0]), 10.0
    whole = stats.t.interval(0.95, 2, np.mean(mine - theirs), stats.sem(mine - theirs))
    assert whole[0] < -limit_s < whole[1] < limit_s
    found = difference_of(mine, theirs, np.arange(3), limit_s, is_sequential=False)
    assert (found.low, found.high) == (-limit_s, pytest.approx(whole[1]))


def test_policies_beside_each_other_in_one_draw_have_no_interval() -> None:
    alone = Estimate(mean=-10.0, low=math.nan, high=math.nan)
    row = difference(difference_s=alone, verdict="not told apart", draws=1)
    for said in (compare.answer_of_policies([row]).happened.text, sweep_text.differences([row])):
        assert "no interval: one draw tells none" in said
        assert "–" not in said


KEEPING = """
horizon = "30m"
hold = "1m"
fleet = { holders = 100, hosts = 1 }
host = { workers = 2, establish_time = "100ms", renew_time = "1ms", timeout = "2m" }
lease = { duration = "60s", check_every = "30s" }
dependency.outages = [{ from = "5m", to = "10m" }]
policy.client = { name = "fixed", delay = "5s" }
[sweep]
method = "random"
samples = 2
[sweep.levers]
"policy.lease" = { values = ["fixed", "%s"] }
"""


def test_a_rule_that_keeps_leases_is_not_called_free(tmp_path: Path) -> None:
    """In an outage of 5 min all leases of 60 s end. By self-preservation none runs out, as no renewals come, so none is
    to be made again; that whoever died there is missed later is no harm that is counted.
    """
    file = tmp_path / "keeps.toml"
    file.write_text(KEEPING % "self-preservation", encoding="utf-8")
    found = recovery.sweep(file, out=tmp_path / "out", threads=1, progress=False).answer.change
    assert "a holder that is really dead keeps its lease longer" in found.text


def test_only_another_rule_that_keeps_leases_has_this_cost() -> None:
    """By the rules' own words: a cap lets leases that ended run on; the fixed rule lets none."""
    assert unseen({"lease": "fixed"}, {"lease": "expiry-cap"}).startswith(
        "What is not measured: by “expiry-cap” a holder"
    )
    assert unseen({"lease": "expiry-cap"}, {"lease": "fixed"}) == ""
    assert unseen({"lease": "expiry-cap"}, {"lease": "expiry-cap"}) == ""


def unseen(was: dict[str, str], now: dict[str, str]) -> str:
    return costs.not_measured(lambda axis: was.get(axis, ""), lambda axis: now.get(axis, ""))


def test_a_limit_that_is_taken_away_is_not_called_free() -> None:
    """A limit is there for something that the model may not have; only whoever takes it away pays with that."""
    gone = (
        "the limit of admission is gone, and what it protected (memory, or what lies behind the hosts) is without it."
    )
    assert unseen({"admission": "token-bucket"}, {"admission": "open"}) == f"What is not measured: {gone}"
    for was, now in (("open", "open"), ("open", "token-bucket"), ("token-bucket", "fixed-concurrency"), ("", "open")):
        assert unseen({"admission": was}, {"admission": now}) == ""


def difference(**changes: object) -> Difference:
    row = Difference(
        policy="quick", policy_id="1", words="quick", than="slow", than_id="0", than_words="slow", measure="ttr99_s",
        draws=40, sooner_share=0.9, later_share=0.1, difference_s=Estimate(mean=-60.0, low=-90.0, high=-30.0),
        verdict="sooner", traffic="jobs",
    )  # fmt: skip
    return row.model_copy(update=changes)


def harm(name: str, mean: float, than: float, half: float = 0.01) -> Harm:
    by = mean - than
    return Harm(name=name, mean=mean, than_mean=than, difference=Estimate(mean=by, low=by - half, high=by + half))


def test_a_policy_that_is_quick_by_giving_up_is_a_trade_off() -> None:
    row = difference(harms=(harm("served_share", 0.6, 1.0),))
    change = compare.answer_of_policies([row]).change
    assert change.name == ""
    assert "trade-off" in change.text
    assert "only 60 % of the jobs get an answer, instead of 100 %" in change.text


def test_a_harm_that_chance_can_make_is_told_beside_the_name() -> None:
    row = difference(harms=(harm("denied_share", 0.3, 0.1, half=0.5),))
    change = compare.answer_of_policies([row]).change
    assert change.name == "quick"
    assert "It costs: 30 % of the attempts of the whole run are refused, instead of 10 %." in change.text


def test_a_policy_that_is_lost_in_some_draws_says_so() -> None:
    few = compare.answer_of_policies([difference(lost=2)]).change
    assert few.name == "quick"
    assert "in 5 % of its runs it does not recover (0 % of the other's, a difference that chance can make)" in few.text
    many = compare.answer_of_policies([difference(lost=20, surely_loses_more=True)]).change
    assert many.name == ""
    assert "But it is worse: 50 % of the runs do not recover, instead of 0 %" in many.text


def test_of_two_the_one_without_a_harm_is_taken() -> None:
    quick = difference(
        harms=(harm("served_share", 0.6, 1.0),), difference_s=Estimate(mean=-90.0, low=-99.0, high=-80.0)
    )
    gentle = difference(policy="gentle", words="gentle", harms=(harm("served_share", 1.0, 1.0),))
    assert compare.answer_of_policies([quick, gentle]).change.name == "gentle"


JOBS = """
horizon = "10m"
hold = "1m"
coupling.window = "5s"
host = { workers = 2, establish_time = "100ms", timeout = "5m" }
jobs = { retries = 0, arrivals = "even", steps = [{ at = "0s", rate = "5/s" }, { at = "60s", rate = "100/s" },
  { at = "80s", rate = "5/s" }] }
recovers_from = "80s"
[sweep.levers]
"policy.queue" = { values = [{ name = "bounded", limit = 10 }, "fifo"] }
"""


@pytest.mark.parametrize(
    ("own", "number"),
    [("", 1), ('policy.queue = { limit = 10, name = "bounded" }\n', 0), ('policy.queue = "lifo"\n', None)],
)
def test_the_file_as_it_stands_is_the_point_that_has_its_own_values(own: str, number: int | None) -> None:
    """Wherever it is in the list, in whatever order its keys are; a queue that the file leaves out is its default."""
    assert experiment.parse(own + JOBS.lstrip()).standing == number


def test_compare_reads_harms_from_a_folder(tmp_path: Path) -> None:
    """The file has the second value of the lever, a plain queue.

    2,000 of 4,900 jobs come in 20 s, in which 400 are served; a short queue without retries turns 1,590 of them away
    and is empty at once, while a long one serves them all, within their patience.
    """
    file = tmp_path / "jobs.toml"
    file.write_text(JOBS, encoding="utf-8")
    found = recovery.sweep(file, out=tmp_path / "out", threads=1, progress=False)
    first = next(one for one in found.summary.policies if one.is_baseline)
    other = next(one for one in found.summary.policies if not one.is_baseline)
    [row] = sweeps.compared(found.folder, [first.id, other.id])
    served = {one.name: one for one in row.harms}["served_share"]
    assert served.than_mean == 1
    assert served.mean == pytest.approx(1 - 1590 / 4900, abs=0.01)
    made = {one["policy_id"]: one["amplification"] for one in found.rows.iter_rows(named=True)}
    assert (first.amplification.mean, other.amplification.mean) == (made[first.id], made[other.id])
    assert {one.name: one for one in row.harms}["amplification"].mean == made[other.id]
    best, *_ = found.summary.policies
    costly = best.model_copy(
        update={"amplification": Estimate(mean=9.0 * first.amplification.mean), "is_baseline": False}
    )
    base = first.model_copy(update={"id": "0", "rank": 2})
    told = answer_of(found.summary.model_copy(update={"policies": (costly, base)})).change.text
    assert f"{show_number(costly.amplification.mean)} attempts for each success, instead of" in told
    older = json.loads(other.model_dump_json())
    del older["amplification"]
    assert math.isnan(sweep_record.Policy.model_validate(older).mean_harm("amplification"))
    assert math.isclose(other.served.mean, served.mean)
    assert "of the jobs get an answer" in found.answer.change.text
    text = answer_of(found.summary.model_copy(update={"baseline_is_file": False})).happened.text
    assert text.startswith("The file's own values are not among those of the levers. With the first of the list, “")


@pytest.mark.parametrize(
    ("values", "said"), [('"2s", "2m"', "is “as written, timeout 2m”"), ('"2s"', "not among those")]
)
def test_a_run_of_points_and_what_is_told_of_the_file_take_its_own_values(
    values: str, said: str, tmp_path: Path
) -> None:
    """Oracle: what the file without its levers says."""
    text = FEW.replace('timeout = "2s"', 'timeout = "2m"').replace('values = ["2s", "2m"]', f"values = [{values}]")
    file = tmp_path / "points.toml"
    file.write_text(text, encoding="utf-8")
    alone = experiment.parse(text.partition("[sweep.levers]")[0])
    found = experiment.load(file)
    assert found.first.scenario == alone.first.scenario
    assert found.drawn(None, (("host.workers", 2),)).scenario == alone.drawn(0, (("host.workers", 2),)).scenario
    result = CliRunner().invoke(main, ["run", str(file), "--out", str(tmp_path), "--no-report", "--json"])
    [run] = json.loads(result.stdout)["runs"]
    assert said in run["answer"]["happened"]["text"]
    assert [one["is_file"] for one in run["summary"]["groups"]] == [one == '"2m"' for one in values.split(", ")]
    assert run["summary"]["explain"] == [
        explained(one).model_dump(mode="json") for one in explanation(alone.first.scenario)
    ]


def test_the_first_of_a_ranking_that_costs_more_than_it_saves_is_told_so(tmp_path: Path) -> None:
    """The lower of two times, with half as many hours again as the file for an eighth of its time."""
    file = tmp_path / "few.toml"
    file.write_text(FEW.replace("replications = 2", "replications = 1"), encoding="utf-8")
    found = recovery.sweep(file, out=tmp_path / "out", threads=1, progress=False).summary

    def told(hours: float) -> str:
        each = [(0, False, 350.0, hours), (1, True, 400.0, 10.0)]
        policies = tuple(
            found.policies[i].model_copy(
                update={
                    "is_baseline": is_base, "rank": i + 1, "restricted": Estimate(mean=time), "difference": None,
                    "not_recovered": Share(share=0.0, low=0.0, high=0.1),
                    "harm": {"unleased_holder_hours": Estimate(mean=away)},
                }
            )
            for i, is_base, time, away in each
        )  # fmt: skip
        return answer_of(found.model_copy(update={"policies": policies, "middle": None})).change.text

    assert told(15.0).endswith("That is more than it saves.")
    assert "more than it saves" not in told(10.5)


def test_no_time_is_told_more_exactly_than_its_window() -> None:
    """Times are known to 10 s here; what is left of a difference below a hundredth of that is arithmetic."""
    show = words.times_from(10.0)
    assert words.span_of(Estimate(mean=27.0, low=6.63e-8, high=150.0), show) == "27 s (< 10 s to 2.5 min)"
    assert words.span_of(Estimate(mean=3.0, low=1.0, high=9.0), show) == "< 10 s"
    assert words.differences_from(10.0)(-6.63e-8) == "0 s"
    assert words.differences_from(10.0)(-2.5) == "−2.5 s"
    assert words.is_lopsided(Estimate(mean=27.0, low=24.0, high=150.0))
    assert not words.is_lopsided(Estimate(mean=27.0, low=24.0, high=30.0))


def test_a_threshold_sets_a_key_of_a_table_that_is_a_lever() -> None:
    """The lever's table was stronger than each value that was tried, so that no two differed."""
    found = experiment.parse(LEVERS)
    assert found.standing == 0
    for cap in (2.0, 80.0):
        tried = found.drawn(None, (("policy.client.cap", f"{cap:g}s"),)).scenario
        assert tried.policy.client.lower().cap_s == cap
        swept = found.drawn(0, (("policy.client.cap", f"{cap:g}s"),)).scenario  # of a sweep's policies levers are
        assert swept.policy.client.lower().cap_s == 5.0
    with pytest.raises(ScenarioError, match=r"policy\.client\.delay is not a key of"):
        found.drawn(None, (("policy.client.delay", "2s"),))


LEVERS = """
horizon = "40m"
hold = "2m"
fleet = { holders = 1000, hosts = 1 }
host = { workers = 2, establish_time = "100ms", renew_time = "5ms", timeout = "20s", fail_after = "100ms" }
lease = { duration = "5m", check_every = "1m" }
dependency.outages = [{ from = "2m", to = "10m" }]
policy.client = { name = "full-jitter", base = "1s", cap = "5s" }
[sweep]
method = "grid"
[sweep.levers]
"policy.client" = { values = [{ name = "full-jitter", base = "1s", cap = "5s" }, { name = "fixed", delay = "5s" }] }
"""
