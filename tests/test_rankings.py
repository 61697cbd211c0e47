"""Which variant an answer calls better, and what it says of runs that are lost or were never done.

Oracle: records made by hand, of which the order is plain: who is never back least often, then who is back first.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import run_records
from run_records import group_of, row_of, scenario_of
from situations import LEASES

import recovery
from recovery.model.operator import ACTIONS
from recovery.reading.experiment import parse
from recovery.show import advice, sweep_text, text
from recovery.show.answers import compare, costs, deeds, mechanism, points, sweep
from recovery.show.answers.answer import Cause
from recovery.show.answers.run import answer_of
from recovery.show.figures import TimeAxis
from recovery.store import folder, sweep_record
from recovery.store.compare_record import Comparison, Difference, Outcome
from recovery.store.record import Estimate, Share
from recovery.store.run_record import RunManifest, Summary
from recovery.store.scenario_record import Quantity, Span
from recovery.study.resolved import resolved
from recovery.study.sweep.estimates import chance_of

NEVER = math.inf
RESULTS = Path(__file__).resolve().parent.parent / "results"


def summary_of(times: Mapping[str, Sequence[float]], **more: float) -> Summary:
    """Runs with these times to recovery; who never recovers collapsed."""
    rows = [
        row_of(name, i, "collapsed" if math.isinf(time) else "recovered", ttr99_s=time, leased_min_share=0.0,
               leased_end_share=0.0 if math.isinf(time) else 1.0, **more)
        for name, own in times.items() for i, time in enumerate(own)
    ]  # fmt: skip
    groups = []
    for name, own in times.items():
        lost = sum(map(math.isinf, own))
        verdicts = {word: n for word, n in (("recovered", len(own) - lost), ("collapsed", lost)) if n}
        mean = NEVER if lost else math.fsum(own) / len(own)
        groups.append(group_of(name, verdicts, ttr99_s=mean, leased_min_share=0.0, recovers_from_s=60.0, **more))
    return run_records.summary_of(rows, groups)


@functools.cache
def manifest_of() -> RunManifest:
    """The manifest of a run of a small fleet."""
    return recovery.parse(run_records.FLEET).run(progress=False, threads=1).manifest


FEW = {
    "as written": [NEVER] * 5,
    "often lost": [10.0, 10.0, NEVER, NEVER, NEVER],
    "once lost": [100.0, NEVER, 100.0, 140.0, 60.0],
}


def test_one_lost_run_of_many_is_no_never() -> None:
    summary = summary_of(FEW)
    assert advice.standing(summary, summary.groups[2])[:3] == (1, 5, 100.0)
    answer = answer_of(manifest_of(), summary)
    assert answer.change.name == "once lost"
    assert "99 % are back 100 s after" in answer.change.text
    assert "never in 1 of 5 runs, instead of never" in answer.change.text
    assert answer.change.saved_s == NEVER


def test_who_is_never_lost_is_better_than_who_is_sooner() -> None:
    sure = {**FEW, "slow and sure": [500.0] * 5}
    answer = answer_of(manifest_of(), summary_of(sure))
    assert answer.change.name == "slow and sure"
    assert "instead of never" in answer.change.text
    assert "never in" not in answer.change.text


def test_a_share_of_never_that_chance_may_make_is_told() -> None:
    """Variants share their random numbers, so only runs that are lost for one side alone tell them apart: of five all
    for one side p = 2 / 2^5 = 6 %, of six 3 %, however many both lose. Fisher's test, of independent runs, has 3.3 % of
    5 in 10 beside none, and 10 % of 10 in 20 beside 4. All beside none is no chance.
    """
    few = answer_of(manifest_of(), summary_of({"as written": [50.0] * 4 + [NEVER], "b": [50.0] * 5}))
    assert few.change.name == "b"
    assert "instead of never in 1 of 5 runs, a difference that chance can make" in few.change.text
    five = {"as written": [NEVER] * 5 + [50.0] * 5, "b": [50.0] * 10}
    assert "chance can make" in answer_of(manifest_of(), summary_of(five)).change.text
    six = {"as written": [NEVER] * 10 + [50.0] * 10, "b": [50.0] * 6 + [NEVER] * 4 + [50.0] * 10}
    assert "instead of never in 10 of 20 runs," not in answer_of(manifest_of(), summary_of(six)).change.text
    assert "chance" not in answer_of(manifest_of(), summary_of(six)).change.text
    clear = answer_of(manifest_of(), summary_of({"as written": [NEVER] * 5, "b": [50.0] * 5}))
    assert "chance" not in clear.change.text
    many = answer_of(manifest_of(), summary_of({"as written": [NEVER] * 39 + [50.0], "b": [50.0] * 40}))
    assert "chance" not in many.change.text


def test_savings_are_of_the_runs_in_which_both_are_back() -> None:
    """100 − 60 and 200 − 100, which is 70 on average; the third run is lost on one side."""
    summary = summary_of({"as written": [100.0, 200.0, NEVER], "b": [60.0, 100.0, NEVER]})
    assert advice.saved(summary, summary.groups[1])[0] == 70
    said = answer_of(manifest_of(), summary).change.text
    assert "never in 1 of 3 runs like “as written”, 70 s sooner where both recover" in said


def test_without_a_run_of_the_file_nothing_is_told_relative_to_it() -> None:
    summary = summary_of({"b": [100.0, 120.0], "c": [50.0, 60.0]}, denied_share=0.5, wasted_share=0.0)
    answer = answer_of(manifest_of(), summary)
    assert answer.change.name == "c"
    assert "sooner" not in str(answer)
    assert "costs nothing" not in str(answer)
    assert "What it saves and costs is not told: “as written” has no run" in answer.change.text
    assert not answer.change.command  # it would change the file, of which nothing is known


def test_a_cost_that_nobody_measured_is_not_nothing() -> None:
    assert costs.costs("leases", lambda _: math.nan, lambda _: 0.0) == "What it costs is not known."
    assert costs.costs("jobs", lambda _: 0.5, lambda _: 0.5) == "It costs nothing that is measured."
    was, now = {"served_share": 1.0}, {"served_share": 0.8}
    told = costs.costs("jobs", lambda name: was.get(name, 0.0), lambda name: now.get(name, 0.0))
    assert told == "It costs: only 80 % of the jobs get an answer, instead of 100 %."
    was, now = {"amplification": 1.0}, {"amplification": 1.55}
    told = costs.costs("leases", lambda name: was.get(name, 0.0), lambda name: now.get(name, 0.0))
    assert told == "It costs: 1.55 attempts for each success, instead of 1."
    was, now = {"queue_peak": 20.0, "sojourn_p99_s": 0.1, "ttr99_s": 60.0}, {"queue_peak": 400.0, "sojourn_p99_s": 5.0}
    told = costs.costs("leases", lambda name: was.get(name, 0.0), lambda name: now.get(name, 0.0))
    waits = "It costs: up to 400 requests wait at one time, instead of 20"
    assert told == f"{waits}; 99 % of the requests take up to 5 s, instead of 100 ms."
    told = costs.costs(
        "leases", lambda name: (was | {"ttr99_s": math.inf}).get(name, 0.0), lambda name: now.get(name, 0.0)
    )
    assert told == f"{waits}."


def test_what_later_stages_do_to_those_who_launch_is_a_cost() -> None:
    """Of 1,000 launches 10 were given up and 300 are: 1 % and 30 %."""
    was = {"launches_asked": 1000.0, "launches_gave_up": 10.0, "reach_max_s": 113.0, "reach_p99_s": 100.0}
    now = {**was, "launches_gave_up": 300.0, "jobs_refused_share": 0.0645, "reach_max_s": 591.0, "reach_p99_s": 115.0}
    told = costs.costs("leases", lambda name: was.get(name, 0.0), lambda name: now.get(name, 0.0))
    parts = ["30 % of the launches are given up, instead of 1 %",
             "6.45 % of the attempts at propagation are refused, instead of 0 %",
             "the last of the instances can be reached only 9.8 min after its launch, instead of 113 s"]  # fmt: skip
    assert told == f"It costs: {'; '.join(parts)}."
    never = {**was, "ttr99_s": math.inf}  # hardly anybody launched: who did waited for nobody
    told = costs.costs("leases", lambda name: never.get(name, 0.0), lambda name: now.get(name, 0.0))
    assert told == f"It costs: {'; '.join(parts[:2])}."


PURGED = """
horizon = "1h"
fleet = { holders = 3_000, hosts = 3 }
host = { workers = 3, establish_time = "240ms", timeout = "30s" }
lease = { duration = "4m", check_every = "1m" }
dependency.outages = [{ from = "5m", to = "17m" }]
operator = [{ do = "purge", at = "25m" }, { do = "throttle", at = "25m", rate = "24/s" }]
"""


def _after_a_purge(ttr_s: float) -> tuple[str, str]:
    """What is told of operators who purged 480 s after the return at 17 min, where 99 % are back so long after it, and
    of a queue that keeps itself long.
    """
    means = {"ttr99_s": ttr_s, "recovers_from_s": 1020.0}
    group = group_of("file", scenario=scenario_of(PURGED), **means)
    summary = run_records.summary_of([row_of("file", **means)], [group])
    limit = mechanism.Limit("timeout", "the queue is longer than the timeout", 2.0)
    return deeds.told(summary, group, TimeAxis.of(manifest_of())), deeds.ended(summary, group, limit)


def test_operators_who_end_a_recovery_are_named() -> None:
    """Back 600 s after the return: 120 s after the purge. What is back before it owes it nothing, and what takes 8 min
    more does not come from it alone.
    """
    told, ended = _after_a_purge(600.0)
    emptied = "threw away what waited in the queues"
    assert told == f"Operators {emptied} and throttled requests 25 min after the start; 99 % are back 2 min later."
    assert ended == f"That lasted until operators {emptied}, 8 min after the dependency is back."
    assert _after_a_purge(470.0) == ("", "")
    assert {one.model_fields["do"].default for one in ACTIONS} == {*deeds.DID}
    told, ended = _after_a_purge(960.0)
    assert "99 % are back 8 min later" in told
    assert not ended


def test_fewer_attempts_are_told_where_no_variant_is_sooner() -> None:
    """24 attempts for each success, and 8 with jitter: two thirds fewer."""

    def helps(jitter: float, later_s: float, question: str = "") -> str:
        tries = {"as written": (24.0, 20.0), "jitter": (jitter, 20.0 + later_s)}
        rows = [row_of(name, amplification=made, ttr99_s=s) for name, (made, s) in tries.items()]
        groups = [group_of(name, amplification=made, ttr99_s=s) for name, (made, s) in tries.items()]
        head = manifest_of().head.model_copy(update={"question": question})
        manifest = manifest_of().model_copy(update={"head": head})
        return answer_of(manifest, run_records.summary_of(rows, groups)).change.text

    told = "“jitter” makes 66.7 % fewer attempts for each success: 8 instead of 24"
    assert f"{told}." in helps(8.0, 0.0)
    assert f"{told}, but it is 60 s later." in helps(8.0, 60.0, "How many calls does that take?")
    assert "fewer attempts" not in helps(8.0, 60.0)
    assert "fewer attempts" not in helps(23.0, 0.0)


@pytest.mark.parametrize(("leased", "said"), [(1.0, "all have one at the end, but not for 2 min yet"), (0.5, "50 %")])
def test_nobody_is_told_as_nobody(leased: float, said: str) -> None:
    """Of runs that do not recover and yet have all their leases at the end: "0 (0 %) are without" says nothing."""
    summary = summary_of({"as written": [NEVER]})
    row = summary.rows[0].model_copy(update={"measures": {**summary.rows[0].measures, "leased_end_share": leased}})
    known = resolved(parse(LEASES).first.scenario)
    away = {"scenario": known, "unleased": Span(from_s=60.0, to_s=90.0)}
    groups = [summary.groups[0].model_copy(update=away)]
    happened = answer_of(manifest_of(), run_records.summary_of([row], groups)).happened.text
    assert said in happened
    assert " 0 (0 %)" not in happened


def test_what_was_before_the_clock_starts_is_not_called_well() -> None:
    """Away from 10 to 30 min, all 2,000 lose their leases; the minute of 50 to 51 min, after which the clock starts,
    costs nobody one.
    """
    text = LEASES.replace('to = "30m" }', 'to = "30m" }, { from = "50m", to = "51m" }')
    answer = recovery.parse(text).run(progress=False, threads=1).answer
    assert "all of them" in answer.happened.text
    assert "Nothing needs to change" not in answer.change.text
    assert "What was before that is not judged; recovers_from sets another start." in answer.change.text


def test_a_milder_outage_is_no_help() -> None:
    """Nobody can choose that the dependency is away for a minute instead of twenty."""
    text = LEASES + '[variants.milder]\ndependency.outages = [{ from = "10m", to = "11m" }]\n'
    change = recovery.parse(text).run(progress=False, threads=1).answer.change
    assert change.name == "more workers"
    assert "Try 4 workers a host instead of 2 (not simulated" in change.text
    assert "Not judged: “milder”, whose dependency is away at other times" in change.text
    more = recovery.parse(f"{text}[variants.more]\nhost.workers = 8\n").run(progress=False, threads=1).answer.change
    assert more.name == "more"


def test_a_rule_of_leases_alone_is_not_told_to_recover_no_sooner() -> None:
    """Oracle: with an hour of grace no lease runs out in an outage of 20 min, so "does not recover either" is wrong."""
    text = LEASES.replace('timeout = "30m"', 'timeout = "20s"').replace('horizon = "100m"', 'horizon = "50m"')
    text += '[variants.grace]\npolicy.lease = { name = "grace", grace = "1h" }\n'
    said = recovery.parse(text).run(progress=False, threads=1).answer.change.text
    assert "“grace” lets no lease run out" in said
    assert "does not recover" not in said


# --- why --------------------------------------------------------------------------------------------------------------


def test_a_back_off_that_explains_little_is_not_named() -> None:
    """Oracle: 5 s of 1,000 s are half a per cent, however many are refused."""
    text = run_records.FLEET + 'policy.client = { name = "full-jitter", base = "1s", cap = "5s" }\n'
    group = group_of("a", scenario=scenario_of(text), denied_share=0.9, fluid_bound_s=10.0, recovers_from_s=60.0,
                     wasted_share=0.0, ttr99_s=1000.0)  # fmt: skip
    assert mechanism.limit_of(group) is None
    found = mechanism.limit_of(group, ttr_s=9.0)
    assert found is None or found.kind != "backoff" or found.number >= 4.5


def test_waits_that_had_no_time_to_grow_are_not_named_by_their_cap() -> None:
    """Doubling from 1 s, a client that failed for 60 s waits 61 s at most: 1 + 2 + … + 2ⁿ = 2ⁿ⁺¹ − 1."""
    text = run_records.FLEET + 'policy.client = { name = "exponential", base = "1s", cap = "30m" }\n'
    group = group_of("a", scenario=scenario_of(text), fluid_bound_s=1.0, recovers_from_s=60.0, wasted_share=0.0,
                     ttr99_s=60.0)  # fmt: skip
    found = mechanism.limit_of(group, down_s=60.0)
    assert found is not None
    assert (found.kind, found.number) == ("backoff", 61)


def test_clients_that_come_one_by_one_are_told_by_how_far_apart_they_come() -> None:
    """Oracle: 99 % of what is even over 140 s have come after 138.6 s; waits of up to 120 s are shorter than that."""
    text = run_records.FLEET + 'policy.client = { name = "exponential", base = "1s", cap = "2m" }\n'
    text += '[[operator]]\ndo = "end-sessions"\nat = "1m"\n'
    spread = {"lease.first_delay": '{dist="uniform",min="0s",max="140s"}'}
    scenario = resolved(parse(text, overrides=[f"{key}={value}" for key, value in spread.items()]).first.scenario)
    group = group_of("a", scenario=scenario, fluid_bound_s=1.0, recovers_from_s=60.0, wasted_share=0.0, ttr99_s=140.0)
    found = mechanism.limit_of(group)
    assert found is not None
    assert (found.kind, found.number) == ("spread", pytest.approx(138.6))


@pytest.mark.parametrize(("wasted", "kind"), [(0.9, "timeout"), (0.0, "horizon")])
def test_a_fleet_that_works_for_nobody_needs_no_longer_run(wasted: float, kind: str) -> None:
    """2,000 holders are 100 s of work, and clients give up after 20 s, for ever: there is no end by itself. Where what
    is done is not in vain (clients come one by one), there is.
    """
    known = resolved(parse(LEASES.replace('timeout = "30m"', 'timeout = "20s"')).first.scenario)
    group = group_of("a", {"recovering": 1}, scenario=known, wasted_share=wasted, empty_at_s=9000.0, queue_peak=1000,
                     ttr99_s=NEVER)  # fmt: skip
    found = mechanism.limit_of(group)
    assert found is not None
    assert found.kind == kind


@pytest.mark.parametrize(("limit", "kind"), [("15/s", "admission"), ("30/s", "timeout")])
def test_a_limit_bounds_the_queue(limit: str, kind: str) -> None:
    """2,000 holders are five timeouts of work; a bucket that lets in 15 of the 20 a second that are served builds no
    queue, so it takes 2,000/15 = 133 s. One of 30 a second does.
    """
    text = LEASES.replace('timeout = "30m"', 'timeout = "20s"')
    text += f'policy.admission = {{ name = "token-bucket", rate = "{limit}", only = "establish" }}\n'
    why = recovery.parse(text).answer.why
    assert why.mechanism == kind
    assert why.number == pytest.approx(2000 / 15 if kind == "admission" else 5)
    run = recovery.parse(text).run(progress=False, threads=1)
    assert run.answer.why.mechanism == kind


def test_what_is_well_has_no_limit() -> None:
    jobs = LEASES.partition("fleet")[0].replace("100m", "10m").replace("2m", "30s")
    jobs += 'host = { workers = 5, establish_time = "100ms", timeout = "2s" }\n'
    jobs += 'jobs = { retries = 3, arrivals = "even", steps = [{ at = "0s", rate = "20/s" }] }\n'
    answer = recovery.parse(jobs).run(progress=False, threads=1).answer
    assert answer.why.mechanism == "nothing"
    assert not answer.why.text
    assert answer.change.text == "Nothing needs to change: it is well at once."


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (math.nan, math.nan, "too few of which tell for an interval"),
        (NEVER, NEVER, "99 % are never back (95 %)"),
        (60.0, NEVER, "99 % back after 60 s to never (95 %)"),
        (60.0, 90.0, "99 % back after 60 s to 90 s (95 %)"),
    ],
)
def test_a_sample_tells_a_time_or_why_there_is_none(low: float, high: float, said: str) -> None:
    summary = summary_of({"as written": [75.0]}, ttr99_low_s=low, ttr99_high_s=high)
    assert said in answer_of(manifest_of(), summary).sure.text
    assert text.sample_interval(group_of("a", ttr99_s=75.0), "ttr99_s") is None


def test_who_waits_while_all_fail_slowly_is_told_before_a_run() -> None:
    """2,000 are 5 s of work for 40 workers, a quarter of a timeout of 20 s. Where each takes 4 s to fail, the hosts get
    through 10 a second for 20 min, while each client asks every 22.5 s, half of a wait of up to 5 s after it gave up,
    and three times in its first 63.5 s, 90 s after the outage began on average: what stands in the queue at the return
    is the work of more than ten timeouts. For two workers r1 is 5.
    """

    def why(slow: str, many: str) -> Cause:
        filled = LEASES.replace('timeout = "30m"', f'timeout = "20s", fail_after = "{slow}"')
        return recovery.parse(filled.replace("workers = 2", f"workers = {many}")).answer.why

    assert (why("10ms", "2").mechanism, why("10ms", "2").number) == ("timeout", pytest.approx(5))
    waiting = 2000 * (3.5 + (1200 - 90 - 63.5) / 22.5) - 40 / 4 * 1200
    assert (why("4s", "40").mechanism, why("4s", "40").number) == ("timeout", pytest.approx(waiting * 0.1 / 40 / 20))
    assert why("100ms", "40").mechanism != "timeout"


# --- sweeps and comparisons -------------------------------------------------------------------------------------------


def test_a_point_alone_is_told() -> None:
    group = group_of("a", {"collapsed": 1}, {"x": "1s"}).model_copy(
        update={"lever_values": {"x": Quantity(kind="duration", value=1.0)}}
    )
    two = group_of("b", {"recovered": 1}, {"x": "2s"}, ttr99_s=5.0).model_copy(
        update={"lever_values": {"x": Quantity(kind="duration", value=2.0)}}
    )
    rows = [
        row_of("a", 0, "collapsed", {"x": "1s"}, ttr99_s=NEVER),
        row_of("b", 0, "recovered", {"x": "2s"}, ttr99_s=5),
    ]
    said = points.answer_of(run_records.summary_of(rows, [group, two])).happened.text
    assert "“a” collapses in 100 % of its runs over the whole sweep" in said
    points.answer_of(run_records.summary_of(rows[:1], [group]))


def swept() -> sweep_record.Summary:
    return folder.record_of(RESULTS / "throttling-2025-10", "summary.json", sweep_record.Summary)


def test_runs_and_policies_are_told_apart() -> None:
    found = swept()
    lost = [one.model_copy(update={"runs": 0, "failed": 40}) for one in found.policies]
    said = sweep.answer_of(found.model_copy(update={"policies": tuple(lost)})).happened.text
    count = f"{40 * len(lost):,} runs of {len(lost):,} policies failed"
    assert count in said


def test_where_all_times_are_equal_no_lever_decides() -> None:
    found = swept()
    same = [one.model_copy(update={"restricted": Estimate(mean=600.0)}) for one in found.policies]
    why = sweep.answer_of(found.model_copy(update={"policies": tuple(same), "middle": None})).why
    assert why.mechanism == ""
    assert "decides" not in why.text


def test_the_lever_that_decides_is_judged_by_the_mean_as_its_choices_are() -> None:
    """Of the policies with one choice a few more than half take 10 s, the others 1,000 s: the middle one takes 10 s,
    and the mean is above 100 s, which all with another choice take.
    """
    found = swept()
    lever = next(one for one in found.design.levers if one.key == "policy.client")
    mixed = [one for one in found.policies if one.levers[lever.key] == lever.values[0]]
    quick = {one.id for one in mixed[: len(mixed) // 2 + 1]}

    def time_s(one: sweep_record.Policy) -> float:
        return 100.0 if one.levers[lever.key] != lever.values[0] else 10.0 if one.id in quick else 1000.0

    timed = [one.model_copy(update={"restricted": Estimate(mean=time_s(one))}) for one in found.policies]
    why = sweep.answer_of(found.model_copy(update={"policies": tuple(timed), "middle": None})).why
    share = len(quick) / len(mixed)
    assert why.mechanism == lever.key
    assert why.number == pytest.approx(share * 10 + (1 - share) * 1000 - 100)
    assert "take 100 s on average" in why.text


def test_a_sweep_without_its_file_tells_no_savings() -> None:
    found = swept()
    assert sweep.answer_of(found).change.text.count("sooner than the file") == 1
    rest = [one.model_copy(update={"runs": 0} if one.is_baseline else {}) for one in found.policies]
    said = sweep.answer_of(found.model_copy(update={"policies": tuple(rest)})).change.text
    assert "What it saves and costs is not told: the file as it stands has no run." in said
    assert "sooner" not in said


def test_an_interval_of_a_difference_on_both_sides_of_none_says_both() -> None:
    found = swept()
    by = found.policies[0].model_copy(update={"difference": Estimate(mean=-60.0, low=-90.0, high=30.0)})
    said = sweep.answer_of(found.model_copy(update={"policies": (by, *found.policies[1:])})).change.text
    assert "60 s sooner than the file as it stands (90 s sooner to 30 s later, over the same" in said
    assert "chance" not in sweep.answer_of(found).why.text
    few = found.model_copy(update={"units_that_tell": 10**6})
    assert "decides most" in sweep.answer_of(few).why.text
    assert sweep.answer_of(few).why.text.endswith("In so few draws that may be chance.")


def test_where_all_runs_are_back_their_time_has_one_interval() -> None:
    """With `precision` the interval of the mean allows for runs that may not be back, so there are two."""
    found = swept()
    mean, back = Estimate(mean=60.0, low=30.0, high=90.0), Estimate(mean=60.0, low=20.0, high=200.0)
    none = Share(share=0.0, low=0.0, high=0.3)
    one = found.policies[0].model_copy(update={"not_recovered": none, "restricted": mean, "given_recovery": back})
    assert sweep_text.if_recovers(one, found.model_copy(update={"precision": 0.1})) == back
    once = found.model_copy(update={"precision": None})
    assert sweep_text.if_recovers(one, once) == mean
    assert sweep_text.half_width(one, once).startswith("±\u00a050 %")
    some = one.model_copy(update={"not_recovered": Share(share=0.1, low=0.0, high=0.3)})
    assert sweep_text.if_recovers(some, once) == back


def test_a_ranking_says_what_short_names_leave_out() -> None:
    found = swept()
    base = found.baseline
    assert base is not None
    told = "All else is as there: “a; b”."
    words = [one.model_copy(update={"words": ("a", "b")}) if one is base else one for one in found.policies]
    of_file = found.model_copy(update={"policies": tuple(words), "baseline_is_file": True})
    assert told in sweep_text.ranked(of_file, 3)
    assert told not in sweep_text.ranked(of_file.model_copy(update={"baseline_is_file": False}), 3)


def test_where_no_policy_recovers_none_is_offered() -> None:
    found = swept()
    lost = Share(share=1.0, low=0.9, high=1.0)
    none = [one.model_copy(update={"not_recovered": lost}) for one in found.policies]
    change = sweep.answer_of(found.model_copy(update={"policies": tuple(none)})).change
    assert (change.name, "No policy" in change.text or "None of the other" in change.text) == ("", True)


def test_so_few_runs_that_their_time_may_be_anything_are_told_as_too_few() -> None:
    """Two of six runs are back, and half of Student's interval is many times their mean. Oracle: at the number that is
    told Student's half-width is within half of the mean, and at a tenth less it is not.
    """
    from scipy import stats

    lost, wide = Share(share=4 / 6, low=0.2, high=0.95), Estimate(mean=20.0, low=0.0, high=20.0 * 12)
    changes = {"runs": 6, "units": 6, "not_recovered": lost, "given_recovery": wide, "half_width_share": 6.0}
    found = swept().model_copy(update={"precision": None})
    said = sweep_text.half_width(found.policies[0].model_copy(update=changes), found)
    assert said.startswith("2 of 6 runs: too few, want ")
    many = int(said.rpartition(" ")[2].replace(",", ""))

    def half(runs: float) -> float:
        one = 11 / (float(stats.t.ppf(0.975, 1)) / 2**0.5)  # of a single run, over the mean
        return one * float(stats.t.ppf(0.975, runs - 1)) / runs**0.5

    assert half(many) <= 0.5 < half(0.9 * many - 1)
    known = {**changes, "given_recovery": Estimate(mean=20.0, low=19.0, high=21.0), "half_width_share": 0.05}
    assert "2 of 6 runs" in sweep_text.half_width(found.policies[0].model_copy(update=known), found)
    assert "too few" not in sweep_text.half_width(found.policies[0].model_copy(update=known), found)


def difference(measure: str, mean: float, than: float, verdict: str) -> Difference:
    by = mean - than
    return Difference(
        run="new", than="old", variant="w", than_variant="w", horizon_s=1000.0, measure=measure, mean=mean,
        than_mean=than, difference=Estimate(mean=by, low=by - 0.001, high=by + 0.001), is_paired=True, runs=9,
        than_runs=9, verdict=verdict,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("harm", "is_told"),
    [
        (
            difference("denied_share", 0.46, 0.0, "more"),
            "46 % of the attempts of the whole run are refused, instead of 0 %",
        ),
        (difference("served_share", 0.8, 1.0, "less"), "only 80 % of the jobs get an answer, instead of 100 %"),
        (difference("denied_share", 0.46, 0.0, "not told apart"), ""),
        (difference("denied_share", 0.001, 0.0, "more"), ""),
        (difference("amplification", 9.0, 1.0, "more"), ""),
        (difference("wasted_share", 0.0, 0.5, "less"), ""),
    ],
)
def test_sooner_with_a_harm_is_a_trade_off(harm: Difference, is_told: str) -> None:
    time = difference("ttr99_s", 100.0, 200.0, "less")
    outcome = Outcome(
        run="new", than="old", variant="w", than_variant="w", verdict="better", is_worse=False, difference=time,
        recovered=9, runs=9, than_recovered=9, than_runs=9, why="",
    )  # fmt: skip
    found = Comparison(
        kind="runs", names=("old", "new"), outcomes=(outcome,), conditions=(), differences=(time, harm)
    )  # fmt: skip
    change = compare.answer_of(found).change
    assert change.saved_s == 100
    if is_told:
        assert change.text == f"“new” is a trade-off: it is better by its time, and surely worse: {is_told}."
        assert change.name == ""
    else:
        assert change.text == "Take “new”."


def test_a_side_is_judged_by_its_file_as_it_stands() -> None:
    """Of a file that is worse as it stands a variant that is better makes no trade-off."""

    def told(**variants: bool | None) -> str:
        outcomes = tuple(
            Outcome(
                run="new", than="old", variant=name, than_variant=name, verdict="worse" if is_worse else "better",
                is_worse=is_worse, difference=difference("ttr99_s", 300.0 if is_worse else 100.0, 200.0, "more"),
                recovered=9, runs=9, than_recovered=9, than_runs=9, why="",
            )
            for name, is_worse in variants.items()
        )  # fmt: skip
        found = Comparison(kind="runs", names=("old", "new"), outcomes=outcomes, conditions=(), differences=())
        return compare.answer_of(found).change.text

    assert (
        told(today=True, short=False) == "Stay with “old”. Of “new” only “short” is better: as it stands, it is worse."
    )
    assert "Of “new” only “short” and “fair” are better:" in told(today=True, short=False, fair=False)
    assert told(today=True, short=True) == "Stay with “old”."
    assert told(today=False, short=False) == "Take “new”."
    assert "surely worse: “short”, which is later" in told(today=False, short=True)
    assert told(today=None, short=False) == "Take “new”: it is better in “short” alone."
    assert told(today=None, short=None) == ""


def test_runs_that_share_their_random_numbers_tell_no_more_than_one() -> None:
    """A point of a grid that is run thrice with the same random numbers is the same run thrice."""
    seen, unit = [True, False, False, False], [0, 1, 2, 3]
    twice, thrice = (chance_of(np.repeat(seen, times), np.repeat(unit, times)) for times in (2, 3))
    assert twice == thrice
    assert twice.mean == 0.25
    free = chance_of(np.repeat(seen, 3), range(12))
    assert thrice.low <= free.low < free.high < thrice.high  # which takes them for twelve
    alone = chance_of([False] * 9, [0] * 9)
    assert (alone.mean, alone.low) == (0.0, 0.0)
    assert alone.high > 0.95


def test_a_ranking_has_the_names_that_the_file_has() -> None:
    """Words say what a rule does, and not what it is called; names that the words have, and numbers, are not told."""
    found = swept()
    names = ("aimd", "bounded(limit=5s)", "own")
    lever = sweep_record.Lever(
        key="policy.admission", values=names, words=("fewer where late", "a short queue", "one's own own: a")
    )
    number = sweep_record.Lever(key="host.workers", values=("2",), words=("2 workers",))
    found = found.model_copy(update={"design": found.design.model_copy(update={"levers": (lever, number)})})
    words = ("fewer where late", "2 workers", "one's own own: a", "a short queue")
    assert sweep_text.names_of(words, found) == "aimd, bounded"
    first, *others = found.policies
    long = first.model_copy(update={"words": ("fewer where late", "w " * 60)})
    narrow, wide = (
        sweep_text.ranked(found.model_copy(update={"policies": (one, *others)}), 1)
        for one in (first.model_copy(update={"words": words[:1]}), long)
    )
    assert f"fewer where late (aimd) [{first.id}]" in narrow
    assert f"[{first.id}]" in wide
    rows = wide.partition("may still")[0].splitlines()
    assert max(map(len, rows)) < len(narrow.splitlines()[0]) + 20  # no row has the long words in a column
    assert "    fewer where late; w w" in wide


def test_marks_that_seem_to_differ_from_the_intervals_are_explained() -> None:
    found = swept().model_copy(update={"precision": None})
    first, other, *_ = found.policies
    back = {"not_recovered": Share(share=0.0, low=0.0, high=0.3), "surely_not_recovered": False}
    one = first.model_copy(update={"restricted": Estimate(mean=2.0, low=1.0, high=3.0), "not_told_apart": True, **back})

    def said(low: float, *, left: bool) -> str:
        its = Estimate(mean=low + 1, low=low, high=low + 2)
        two = other.model_copy(update={"restricted": its, "not_told_apart": left, **back})
        return sweep_text.of_marks(found.model_copy(update={"policies": (one, two)}))

    assert said(2.5, left=True) == said(3.5, left=False) == ""
    assert "1 that may still be the best has an interval above that of the first" in said(3.5, left=True)
    assert "1 whose interval lies over that of the first is surely later" in said(2.5, left=False)


def test_one_may_be_taken_instead_of_the_chosen_if_it_is_near_on_either_side() -> None:
    """Of what may be sooner by little but later by much no one should say that it does as well."""
    found = swept().model_copy(update={"indifference_s": 60.0, "never_max": 0.05})
    first, *others = found.policies
    back = {"not_told_apart": True, "not_recovered": Share(share=0.0, low=0.0, high=0.01)}
    chosen = first.model_copy(update={"is_chosen": True, **back})

    def said(*highs_s: float) -> str:
        rest = [
            one.model_copy(update={"is_chosen": False, "from_best": Estimate(mean=0.0, low=-50.0, high=high_s), **back})
            for one, high_s in zip(others, highs_s, strict=False)
        ]
        return sweep._not_told_apart(found, [chosen, *rest])

    assert said(59.0) == " 1 other is at most 60 s sooner or later: you may take it instead."
    assert "take" not in said(61.0)
    assert said(61.0) == " 1 other may be sooner by less than 60 s, but later by up to 61 s on average."
    assert said(10.0, 109.0).endswith("1 more may be sooner by less than 60 s, but later by up to 109 s on average.")
