"""Replications become a word or a number by one rule: the time of those that come back, and how many never do.

Oracle: the count of lost runs and the mean of the others, by hand; one lost run of twenty is never "never".
"""

import math

import polars as pl
import pytest
from run_records import FLEET, group_of, row_of, scenario_of, summary_of
from test_rankings import manifest_of

from recovery.show import figures, markdown, milestones, stage_times, standings, tables, text, variants
from recovery.show.answers import helps
from recovery.show.answers.run import answer_of
from recovery.show.run_figures import panels, stages
from recovery.show.words import speaking_of
from recovery.statistics.means import mean_interval
from recovery.store.run_record import Measured, Milestone, Renewals, Summary, with_groups
from recovery.store.scenario_record import Scenario, Span
from recovery.units import show_duration

NEVER = math.inf
STONE = Milestone(
    label="most are back", observed_s=60.0, simulated_s=NEVER, difference_min=NEVER, confidence="official", source="",
    used_for_fit=False, measure="ttr99_s",
)  # fmt: skip


def runs(**times: list[float]) -> Summary:
    """Variants with a time in each run, and what the record's own mean makes of it: one lost run makes all never."""
    rows = [
        row_of(
            name,
            i,
            "collapsed" if math.isinf(at) else "recovered",
            ttr99_s=at,
            leased_min_share=0.0,
            recovers_from_s=0.0,
        )
        for name, own in times.items()
        for i, at in enumerate(own)
    ]
    groups = []
    for name, own in times.items():
        lost = sum(map(math.isinf, own))
        mean = Measured(mean=math.fsum(own) / len(own))
        verdicts = {word: n for word, n in (("recovered", len(own) - lost), ("collapsed", lost)) if n}
        groups.append(group_of(name, verdicts, ttr99_s=mean, leased_min_share=0.0, leased_end_share=1.0))
    return summary_of(rows, groups)


ONE_LOST = [120.0] * 19 + [NEVER]


def test_runs_are_all_alike_only_where_each_has_the_same_time() -> None:
    """By hand: twenty times of 9,250 and 9,350 s are 50 s from their mean, so Student's interval is about 24 s to each
    side of 9,300 s, and both ends are 2 h 35 min. Twenty of 9,300 s have no width.
    """
    apart, alike = [9250.0, 9350.0] * 10, [9300.0] * 20
    assert standings.of_times(apart).span() == "9,276 s to 9,324 s"
    assert [standings.of_times(times).is_alike() for times in (apart, alike)] == [False, True]
    assert standings.of_times(alike).span() == ""
    told = text.intervals_table(runs(apart=apart, alike=alike)).splitlines()
    assert [line.startswith("apart") and standings.ALIKE in line for line in told] == [False] * len(told)
    assert any(line.startswith("alike") and standings.ALIKE in line for line in told)


def test_the_time_is_of_those_that_come_back() -> None:
    found = standings.of_times([100.0, 200.0, NEVER, math.nan])
    assert (found.never, found.runs, found.mean_s) == (1, 4, 150.0)
    assert found.low_s < 150 < found.high_s
    assert found.whole() == "2.5 min (never 1/4)"
    assert standings.of_times([NEVER]).whole() == "never"
    drains = standings.of_times([100.0, NEVER, NEVER])._replace(late=1, within_s=7200.0)
    assert drains.whole() == "100 s (never 1/3, not yet 1/3)"
    assert drains.words == "never in 1 of 3 runs and not within 2 h 00 min in 1 of 3 runs"
    assert standings.of_times([math.nan]).whole() == "–"
    assert standings.of_times([]).whole() == "–"


def test_a_collapse_after_all_is_never_of_nearly_all_alone() -> None:
    rows = [row_of("a", 0, "collapsed", ttr50_s=10.0, ttr99_s=20.0, ttr100_s=30.0)]
    assert [rows[0].is_lost(f"ttr{n}_s") for n in (50, 99, 100)] == [False, True, True]


@pytest.mark.parametrize(
    ("was", "now", "saved"),
    [
        ([100.0, 200.0, NEVER], [60.0, NEVER, 10.0], 40.0),  # the first alone is back in both
        ([NEVER, 200.0], [60.0, NEVER], 140.0),  # none is: the difference of the means
        ([NEVER, NEVER], [60.0, NEVER], math.inf),
        ([60.0, NEVER], [NEVER, NEVER], -math.inf),
    ],
)
def test_what_is_saved(was: list[float], now: list[float], saved: float) -> None:
    summary = runs(was=was, now=now)
    rows = [summary.rows_of(group) for group in summary.groups]
    assert standings.saved(rows[0], rows[1], "ttr99_s").mean_s == saved


def test_neither_saves() -> None:
    summary = runs(was=[NEVER], now=[NEVER])
    rows = [summary.rows_of(group) for group in summary.groups]
    assert math.isnan(standings.saved(rows[0], rows[1], "ttr99_s").mean_s)


def test_titles_do_not_call_one_lost_run_never() -> None:
    summary = runs(first=ONE_LOST, other=[60.0] * 20, gone=[NEVER] * 20)
    title = variants.contrast(summary, panels.hero_of(summary))
    assert "“first” is back after 2 min (never in 1 of 20 runs)" in title
    assert "“other” is back after 60 s" in title
    assert "“gone” never recovers" in title


def test_of_others_the_one_that_fails_least_often_is_best() -> None:
    """“quick” is back sooner where it is back, and lost once."""
    summary = runs(first=[300.0] * 20, quick=[10.0] * 19 + [NEVER], steady=[60.0] * 20)
    best = variants.best_of(summary)
    assert best is not None
    assert best.variant == "steady"


def test_no_variant_recovers_only_where_none_does_in_any_run() -> None:
    assert variants.contrast(runs(a=[NEVER] * 2, b=[NEVER] * 2), None) == "none of the 2 variants recovers"
    assert "none" not in variants.contrast(runs(a=[NEVER, 9.0], b=[NEVER] * 2), None)


def test_tables_tell_the_time_and_how_often_never() -> None:
    summary = runs(first=[180.0] * 20, other=ONE_LOST)
    row = text.variants_table(summary).splitlines()[3]
    assert "2 min (never 1/20)" in row
    assert "+60 s" in row
    cell = tables.time_cell(standings.of(summary, summary.groups[1], "ttr99_s"))
    assert (cell.text, cell.never, cell.look) == ("2 min", "never 1/20", "")
    lost = tables.time_cell(standings.of_times([NEVER, NEVER]))
    assert (lost.text, lost.interval, lost.look, lost.value) == ("never", "", "never", "Infinity")


def test_the_terminal_tells_the_interval_of_each_time_of_several_runs() -> None:
    """It is that of the statistics, which have oracles of their own."""
    times = [50.0, 61.0, 58.0, 55.0, 70.0]
    _, low, high = mean_interval(times, least=0.0)
    summary = runs(first=times, other=[60.0] * 5)
    _, _, first, other = text.intervals_table(summary).splitlines()
    assert f"{show_duration(low)} to {show_duration(high)}" in first
    assert standings.ALIKE in other  # there is no width
    assert text.intervals_table(runs(first=[50.0])) == ""


def test_a_check_counts_the_policies_of_a_sweep_as_policies() -> None:
    needs = [text.Need("as written", 1e6, events, 1.0, 0.5, 2.0, 1) for events in (10.0, 20.0, 15.0)]
    told, _ = text.took("x.toml", 2, needs, 1, compile_s=0.0)
    assert "3 policies × 2 replications = 6 runs" in told
    _, _, row = text.checked(needs).splitlines()
    assert row.startswith("as written: of its 3 policies the one with most events")
    assert " 20 " in row
    apart = [need._replace(variant=name) for need, name in zip(needs, "abc", strict=True)]
    assert "3 variants × 2" in text.took("x.toml", 2, apart, 1, compile_s=0.0)[0]


def test_milestones_are_those_of_the_runs_that_come_to_them() -> None:
    """Observed at 1 min, simulated at 2 min in 19 of 20 runs."""
    summary = runs(first=ONE_LOST).model_copy(update={"milestones": (STONE,)})
    found = milestones.simulated(summary, STONE)
    assert milestones.difference_min(STONE, found) == 1
    assert milestones.show(found) == "2 min (never 1/20)"
    unknown = STONE.model_copy(update={"simulated_s": math.nan})  # the file as it stands has no run
    assert milestones.show(milestones.simulated(summary, unknown)) == "not measured"


@pytest.mark.parametrize(("verdict", "cell", "words"), [
    ("collapsed", "never", "never recovers"), ("recovering", "> 58.3 min", "not back within 58.3 min"),
])  # fmt: skip
def test_only_what_collapsed_is_never_back(verdict: str, cell: str, words: str) -> None:
    """The horizon is 1 h and the clock starts at 100 s: whoever still drains at the end had 3,500 s, or 58.3 min."""
    row = row_of("a", 0, verdict, ttr99_s=NEVER, leased_min_share=0.0, recovers_from_s=100.0)
    summary = summary_of([row], [group_of("a", {verdict: 1}, ttr99_s=NEVER)])
    assert standings.time_of(summary, summary.groups[0], "ttr99_s") == cell
    assert variants.how_long(summary, summary.groups[0]) == words


@pytest.mark.parametrize(("ended", "cell"), [(0.0, "always"), (200.0, "< 10 s")])
def test_a_time_below_a_window_is_told_as_that(ended: float, cell: str) -> None:
    """All have their lease at the end of each window of 10 s; where sessions ended, all were away in between."""
    row = row_of("a", 0, ttr99_s=0.0, leased_min_share=1.0, recovers_from_s=100.0, sessions_ended=ended)
    summary = summary_of([row], [group_of("a", ttr99_s=0.0)])
    assert standings.time_of(summary, summary.groups[0], "ttr99_s") == cell
    told = "loses no lease" if cell == "always" else "back in < 10 s"
    assert variants.how_long(summary, summary.groups[0]) == told


def test_a_title_tells_who_was_overdue_only_where_that_is_seen() -> None:
    """The picture of leases has a panel of it, the bars of times to recovery have not; nothing says “never away” of a
    fleet that was overdue.
    """
    rows = [row_of(name, ttr99_s=0.0, leased_min_share=1.0) for name in ("slow", "quick")]
    groups = [
        group_of(row.variant, scenario=scenario_of(FLEET), ttr99_s=0.0).model_copy(
            update={"renewals": Renewals(overdue=(Span(from_s=9.0, to_s=99.0),), overdue_most=200, after_s=9,
                                         all_s=all_s, all_latest_s=all_s)}
        )
        for row, all_s in zip(rows, (45.0, 8.0), strict=True)
    ]  # fmt: skip
    summary = summary_of(rows, groups)
    hero = panels.hero_of(summary)
    seen = variants.contrast(summary, hero, is_overdue_seen=True)
    assert seen.startswith("“slow” loses no lease, all overdue, renewed after 45 s; “quick” loses no lease, all ")
    assert variants.contrast(summary, hero) == "“slow” loses no lease; “quick” loses no lease"


def test_notes_and_answers_say_in_how_many_runs() -> None:
    """What waits grows in the one run that is lost."""
    summary = runs(first=[60.0] * 20, other=ONE_LOST)
    rows = [one.model_copy(update={"measures": {**one.measures, "drift_per_s": 2.0}}) for one in summary.rows]
    [told] = text.notes(summary.model_copy(update={"rows": tuple(rows)}))
    assert told.startswith(
        "“other” does not come back in 1 of 20 runs: what waits grew by 2 a second over the last stretch of the run; "
    )
    still = [one.model_copy(update={"measures": {**one.measures, "drift_per_s": 0.0}}) for one in summary.rows]
    [told] = text.notes(summary.model_copy(update={"rows": tuple(still)}))
    assert ": as it ends it becomes neither better nor worse;" in told  # whether a queue waits or none does
    said = answer_of(manifest_of(), summary).happened.text
    assert "“other” (in 1 of 20 runs) collapses." in said


def test_all_stages_are_told_by_the_same_rule() -> None:
    """All normal at 100 s in 19 of 20 runs: the stage's row and its picture's title do not say never, since
    nothing collapsed: a longer run may come to it.
    """
    ends = [100.0] * 19 + [NEVER]
    rows = [row_of("a", i, ttr99_s=1.0, leases_normal_s=5.0, launches_normal_s=at, all_normal_s=at)
            for i, at in enumerate(ends)]  # fmt: skip
    group = group_of("a", {"recovered": 20}, ttr99_s=1.0, leases_normal_s=5.0, launches_normal_s=NEVER,
                     all_normal_s=NEVER, wasted_share=0.0)  # fmt: skip
    summary = summary_of(rows, [group])
    [variant] = stage_times.variants(summary)
    assert variant.show(stage_times.ALL, str) == "100.0 (not yet 1/20)"
    axis = figures.TimeAxis(20_000.0)
    chosen = stages.chosen_of(summary, [figures.Curve("a", pl.DataFrame())], [variant])
    assert "is normal again after 100 s (not within 60 min in 1 of 20 runs)" in stages.contrast(
        [variant], chosen, "launches", axis
    )
    assert "100 s (not yet 1/20)" in text.stages_table([variant])


OF_CLASSES = (
    FLEET
    + """
[classes.first]
share = "50%"
[classes.last]
share = "50%"
"""
)


def test_a_variant_that_is_later_as_a_whole_may_be_sooner_for_a_class() -> None:
    """All are back after 60 s and after 90 s; of the first class after 60 s and within the first window of 10 s."""
    times = {"as written": (60.0, 60.0, 50.0), "first first": (90.0, 0.0, 90.0)}
    rows = [row_of(name, ttr99_s=both, leased_min_share=0.0, recovers_from_s=0.0,
                   **{"ttr99_s.first": first, "ttr99_s.last": last, "sessions_ended.first": 100.0})
            for name, (both, first, last) in times.items()]  # fmt: skip
    groups = [group_of(row.variant, scenario=scenario_of(OF_CLASSES), **row.measures) for row in rows]
    said = answer_of(manifest_of(), summary_of(rows, groups)).change.text
    assert "“first first” is 30 s later." in said
    assert (
        "“first first” is sooner for “first” (< 10 s instead of 60 s), and later for “last” (90 s instead of 50 s)."
        in said
    )


def test_what_brings_back_the_stage_that_holds_all_up_is_told_though_another_holds_it_up_then() -> None:
    """As it is the leases never come back; the other's do after 30 s, but its launches not by the end, 60 min."""
    later = {"launches_normal_s": NEVER, "all_normal_s": NEVER, "leased_min_share": 0.0, "recovers_from_s": 100.0}
    rows = [
        row_of("as written", 0, "collapsed", ttr99_s=NEVER, leases_normal_s=NEVER, **later),
        row_of("other", ttr99_s=30.0, leases_normal_s=130.0, **later),
    ]
    groups = [group_of(row.variant, {row.verdict: 1}, **row.measures) for row in rows]
    change = answer_of(manifest_of(), summary_of(rows, groups)).change
    assert change.name == "other"
    assert "“other” brings leases back: 99 % are back 30 s after" in change.text
    assert "instead of never. But launches are then not normal within 60 min." in change.text


def _spread(over: str) -> Scenario:
    """2,000 at 20 a second, which is 100 s of work, all cut off at once; they come back within so long."""
    return scenario_of(
        'horizon = "1h"\nfleet = { holders = 2000, hosts = 1 }\n'
        'host = { workers = 2, establish_time = "100ms", renew_time = "0s", timeout = "30s" }\n'
        'operator = [{ do = "end-sessions", at = "2m", notice = "at-once" }]\n'
        'lease = { duration = "2m", check_every = "30s", '
        f'first_delay = {{ dist = "uniform", min = "0s", max = "{over}" }} }}\n'
    )


@pytest.mark.parametrize(("many", "says"), [(1, True), (helps.ENOUGH, False)])
def test_an_advice_near_a_cliff_says_so_and_comes_behind_a_safer_one(many: int, says: bool) -> None:
    """100 s of work within 80 s: the last would wait 20 s of the 30 s of its timeout; within 90 s it waits 10 s."""
    summary = runs(**{"as written": [NEVER] * many, "narrow": [60.0] * many, "wide": [300.0] * many})
    first, narrow, wide = summary.groups
    first, narrow, wide = (
        group.model_copy(update={"scenario": _spread(over)})
        for group, over in zip((first, narrow, wide), ("1s", "80s", "90s"), strict=True)
    )
    alone = with_groups(summary, [first, narrow])
    change = answer_of(manifest_of(), alone).change
    cliff = "It stands near a cliff: its clients come back within 80 s, which is less than the 100 s of work"
    assert (change.name, cliff in change.text) == ("narrow", says)
    change = answer_of(manifest_of(), with_groups(summary, [first, narrow, wide])).change
    assert (change.name, "“narrow” is sooner, but near a cliff" in change.text) == ("wide" if says else "narrow", says)


def test_what_they_hold_has_its_own_name() -> None:
    called = ("devices", "device", "associations", "association")
    text = "Leases: a lease of “a lease”, holders without lease, lease.duration, policy.lease, the lease."
    assert speaking_of(called, text) == (
        "Associations: an association of “a lease”, devices without association, lease.duration, policy.lease, the "
        "association."
    )
    assert speaking_of(("nodes", "node"), "a lease of a holder") == "a lease of a node"  # of a file of before


def test_titles_and_the_summary_of_a_job_tell_the_return_that_decides() -> None:
    """“first” is back after 60 s, loses its leases after 1500 s and is back for the last time after 1560 s: later than
    “steady”, which is back after 300 s.
    """
    twice = {"ttr99_s": 60.0, "ttr99_lost_s": 1500.0, "ttr99_last_s": 1560.0}
    rows = [
        row_of("first", 0, "recovered", leased_min_share=0.0, recovers_from_s=0.0, **twice),
        row_of("steady", 0, "recovered", leased_min_share=0.0, recovers_from_s=0.0, ttr99_s=300.0),
    ]
    groups = [group_of(row.variant, {"recovered": 1}, **row.judged) for row in rows]
    summary = summary_of(rows, groups)
    words = "back after 60 s, lost once more, and back for the last time after 26 min"
    assert variants.how_long(summary, groups[0]) == words
    assert variants.best_of(summary) == groups[1]
    assert variants.back(summary, groups[0]).mean_s == 1560.0
    assert variants.contrast(summary, groups[1]) == f"“first” is {words}; “steady” is back after 5 min"
    shown = markdown.of_run(manifest_of(), summary, answer_of(manifest_of(), summary))
    assert "| first | 60 s\\* |" in shown
    assert "| steady | 5 min | +21 min |" in shown
    assert "\\* “first” lost its share again: 99 % after 25 min. 99 % were back for the last time after 26 min" in shown
    assert "“steady” lost" not in shown


def test_a_file_that_is_only_not_back_yet_recovers_too() -> None:
    """By hand: it had the hour that the run goes on, and 60 s is sooner than that by more than 59 min."""
    late, quick = (row_of(name, verdict=how, ttr99_s=at, recovers_from_s=0.0, leased_min_share=0.0)
                   for name, how, at in (("late", "recovering", NEVER), ("quick", "recovered", 60.0)))  # fmt: skip
    groups = [group_of(row.variant, {row.verdict: 1}, ttr99_s=row.of("ttr99_s")) for row in (late, quick)]
    still = summary_of([late, quick], groups)
    line = next(one for one in text.variants_table(still).splitlines() if one.startswith("quick"))
    assert "> 59 min" in line
    [_, told] = tables.tables_of(manifest_of(), still).rows
    assert "> 59 min" in [cell.text for cell in told.cells]
    never = summary_of([late.model_copy(update={"verdict": "collapsed"}), quick], groups)
    assert "recovers" in text.variants_table(never)
    [_, told] = tables.tables_of(manifest_of(), never).rows
    assert "recovers at all" in [cell.text for cell in told.cells]
