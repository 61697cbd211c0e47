"""Intervals of comparisons, and conditions on them. Oracles: SciPy's tests, counts by hand, coverage over all looks."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from recovery.reading.experiment import parse
from recovery.show import compare_text
from recovery.statistics.arrays import Floats
from recovery.store.compare_record import Comparison, Condition, Difference
from recovery.study import compare, judge
from recovery.study.compare.intervals import of_independent
from recovery.study.compare.sides import Runs, Side

OLD, NEW = [100.0, 130.0, 90.0, 160.0], [150.0, 171.0, 160.0, 214.0, 133.0]


def side(
    name: str,
    times: Sequence[float],
    *,
    seed: int = 1,
    units: Sequence[int] | None = None,
    is_sequential: bool = False,
    horizon_s: float = 1000.0,
    **more: Sequence[float],
) -> Side:
    """A side of one variant, with these times to 99 %; runs of the same `seed` and place are of the same draw."""
    measures: dict[str, Floats] = {"ttr99_s": np.array(times)} | {key: np.array(one) for key, one in more.items()}
    verdicts = ["recovered" if math.isfinite(one) else "collapsed" for one in times]
    own = list(range(len(times))) if units is None else list(units)
    runs = Runs([(seed, i) for i in range(len(times))], own, verdicts, measures)
    kind, decides = ("sweep", "ttr99_s") if is_sequential else ("run", "")
    return Side(name, Path(name), kind, "leases", horizon_s, decides, is_sequential, {"w": runs})


def beside(old: Side, new: Side, *conditions: str) -> Comparison:
    """The comparison of two sides."""
    return compare.compared([old, new], [compare.condition(text) for text in conditions])


def judged(old: Side, new: Side, text: str) -> Condition:
    """One condition."""
    return beside(old, new, text).conditions[0]


def difference(old: Side, new: Side, measure: str = "ttr99_s") -> Difference:
    """The difference of a measure."""
    return next(row for row in beside(old, new).differences if row.measure == measure)


def ends(row: Difference) -> tuple[float, float]:
    """Of its interval."""
    return row.difference.low, row.difference.high


# --- intervals --------------------------------------------------------------------------------------------------------


def test_the_interval_of_pairs_is_over_units() -> None:
    """Three replications of four draws each. Oracle: SciPy's t interval of the three means of the differences."""
    rng = np.random.default_rng(4)
    theirs = rng.normal(300, 20, 12)
    mine = theirs + np.repeat([10.0, 30.0, 26.0], 4) + rng.normal(0, 5, 12)
    units = np.repeat([0, 1, 2], 4).tolist()
    row = difference(side("old", theirs.tolist(), units=units), side("new", mine.tolist(), units=units))
    wanted = stats.ttest_1samp((mine - theirs).reshape(3, 4).mean(axis=1), 0.0).confidence_interval(0.95)
    assert row.is_paired
    assert ends(row) == pytest.approx(tuple(wanted))


def test_the_interval_of_independent_sides_is_over_units() -> None:
    """Oracle: SciPy's Welch interval of the means of the replications, four of one side and three of the other."""
    rng = np.random.default_rng(5)
    theirs, mine = rng.normal(300, 20, (4, 6)), rng.normal(330, 40, (3, 5))
    old = side("old", theirs.ravel().tolist(), units=np.repeat(range(4), 6).tolist())
    new = side("new", mine.ravel().tolist(), units=np.repeat(range(3), 5).tolist(), seed=2)
    row = difference(old, new)
    welch = stats.ttest_ind(mine.mean(axis=1), theirs.mean(axis=1), equal_var=False).confidence_interval(0.95)
    assert not row.is_paired
    assert ends(row) == pytest.approx(tuple(welch))


@pytest.mark.parametrize(
    ("text", "factor"), [("ttr99_s > +10%", 1.1), ("ttr99_s > +60%", 1.6), ("ttr99_s < -5%", 0.95)]
)
def test_a_relative_condition_on_independent_sides_is_welchs_test_of_factor_times_the_old(
    text: str, factor: float
) -> None:
    """Oracle: SciPy's test of the new against `factor` times the old, with unequal variances."""
    low, high = stats.ttest_ind(NEW, factor * np.array(OLD), equal_var=False).confidence_interval(0.95)
    is_more = ">" in text
    wanted = "yes" if (low > 0 if is_more else high < 0) else "no" if (high <= 0 if is_more else low >= 0) else "unsure"
    assert judged(side("old", OLD), side("new", NEW, seed=2), text).holds == wanted


def test_welchs_test_of_a_relative_condition_is_not_always_unsure() -> None:
    """The oracle of the test before has more than one answer, so that it can fail."""
    old, new = side("old", [*OLD, *OLD]), side("new", [one + 200 for one in [*NEW, *NEW]], seed=2)
    assert [judged(old, new, f"ttr99_s > {by}").holds for by in ("+10%", "+200%", "+400%")] == ["yes", "unsure", "no"]


def test_the_mean_of_a_difference_is_the_difference_of_the_means() -> None:
    """Replications of unequal size: what stands in one row of the table adds up."""
    old = side("old", [100.0, 140.0, 90.0, 160.0, 120.0], units=[0, 0, 0, 1, 1])
    new = side("new", [150.0, 171.0, 160.0], units=[0, 1, 1], seed=2)
    row = difference(old, new)
    assert row.difference.mean == pytest.approx(row.mean - row.than_mean)
    assert row.difference.low < row.difference.mean < row.difference.high


@pytest.mark.slow
def test_sides_that_looked_have_an_interval_that_holds_at_every_look() -> None:
    """Two alike sides of 12 to 120 runs, looked at after every fourth run, 150 times: at most 5 % may ever leave out
    the truth (0), which allows 14 (binomial, 2 in 100); Welch's interval leaves it out far more often.
    """
    rng = np.random.default_rng(6)
    wrong = {True: 0, False: 0}
    for _ in range(150):
        mine, theirs = rng.normal(300, 50, (2, 120))
        for looks in wrong:
            told = [
                of_independent(mine[:n], range(n), theirs[:n], range(n), is_sequential=looks) for n in range(12, 121, 4)
            ]
            wrong[looks] += any(one.low > 0 or one.high < 0 for one in told)
    assert wrong[True] <= 14 < wrong[False]
    old, new = (side("ab"[i], rng.normal(300, 50, 40).tolist(), seed=i, is_sequential=i == 1) for i in (0, 1))
    a, b = (one.variants["w"].of("ttr99_s") for one in (new, old))
    assert ends(difference(old._replace(kind="sweep"), new)) == pytest.approx(
        of_independent(a, range(40), b, range(40), is_sequential=True)[1:3]
    )


def test_a_side_that_looked_is_enough_and_too_few_runs_say_so() -> None:
    sequential, fixed = side("new", NEW, seed=2, is_sequential=True), side("old", OLD)._replace(kind="sweep")
    row = difference(fixed, sequential)
    assert (row.verdict, row.why) == ("no interval", "so few runs tell nothing that holds at every look")
    told = judged(fixed, sequential, "ttr99_s > +1s")
    assert (told.holds, told.why) == ("unsure", f"no interval: {row.why}")


# --- no interval ------------------------------------------------------------------------------------------------------


def test_independent_sides_without_spread_have_no_interval() -> None:
    """Nobody knows what other seeds would do, so neither end of an interval is known; pairs cancel what they share."""
    old, new = side("old", [100.0] * 4), side("new", [110.0] * 4, seed=2)
    row, told = difference(old, new), beside(old, new, "ttr99_s > +1s")
    assert row.difference.mean == 10.0
    assert all(map(math.isnan, ends(row)))
    assert (row.verdict, told.conditions[0].holds, told.outcomes[0].verdict) == (
        "no interval",
        "unsure",
        "not told apart",
    )
    assert "all runs of each side are alike" in row.why
    text = compare_text.told(told)
    assert f"not decided: there is no interval, want more replications (+10 s; +10 %; no interval: {row.why})" in text
    assert f"no interval: {row.why}" in compare_text.answer(told.outcomes[0], named=False)
    assert judged(old, side("new", [110.0] * 4), "ttr99_s > +1s").holds == "yes"  # pair by pair: 10 s, surely


@pytest.mark.parametrize(
    ("old", "new", "holds"),
    [
        (side("old", [100.0]), side("new", [120.0]), "yes"),  # one run beside one other: these are judged
        (side("old", [100.0]), side("new", [120.0], seed=2), "yes"),
        (side("old", [100.0]), side("new", [120.0] * 2, seed=2), "unsure"),
        (side("old", OLD), side("new", [120.0], seed=2), "unsure"),
        (side("old", OLD), side("new", [200.0]), "unsure"),  # one pair, and three runs beside it
        (side("old", OLD, units=[0] * 4), side("new", [300.0] * 4, units=[0] * 4), "unsure"),  # one replication
    ],
)
def test_without_an_interval_nobody_can_tell_unless_one_run_stands_beside_one(old: Side, new: Side, holds: str) -> None:
    told = judged(old, new, "ttr99_s > +10%")
    assert told.holds == holds
    assert ("no interval" in told.why) == (holds == "unsure")


def test_a_run_whose_dependency_is_back_when_the_other_ends_is_not_measured() -> None:
    """1,000 s beside 300 s, back at 300 s in one: no time after that can be seen in both, whatever it is."""
    old = side("old", [10.0, 20.0], horizon_s=300.0, recovers_from_s=[100.0, 100.0], leases_normal_s=[150.0, 160.0])
    new = side("new", [400.0, math.inf], recovers_from_s=[300.0, 300.0], leases_normal_s=[200.0, math.inf])
    told = beside(old, new, "ttr99_s > +10%", "ttr99_s = never")
    assert [row.measure for row in told.differences] == ["recovers_from_s", "leases_normal_s"]  # these begin at 0
    assert [one.holds for one in told.conditions] == ["not measured", "yes"]
    assert "back only when the shorter experiment ends" in told.conditions[0].why
    assert told.outcomes[0].difference is None
    assert told.conditions[0].why in compare_text.answer(told.outcomes[0], named=False)


# --- conditions on the new value alone --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("ttr99_s > 170s", "yes"),  # of the two that are paired nobody could tell
        ("ttr99_s > 5m", "no"),
        ("ttr99_s = never", "no"),
    ],
)
def test_a_condition_on_the_new_value_looks_at_all_its_runs(text: str, holds: str) -> None:
    """Oracle: SciPy's t interval of all ten runs lies above 170 s, that of the two that are paired does not."""
    times = [150.0, 170.0, *[180.0, 182.0, 184.0, 186.0, 188.0, 190.0, 192.0, 194.0]]
    low, high = stats.ttest_1samp(times, 0.0).confidence_interval(0.95)
    assert 170 < low < high < 300
    assert stats.ttest_1samp(times[:2], 0.0).confidence_interval(0.95).low < 170
    assert judged(side("old", [100.0, 101.0]), side("new", times), text).holds == holds


def test_a_never_without_a_pair_is_one_and_counts_are_of_all_runs() -> None:
    old, new = side("old", [100.0, 110.0]), side("new", [100.0, 110.0, math.inf, 90.0, math.nan])
    told = judged(old, new, "ttr99_s = never")
    assert (told.holds, told.why) == ("yes", "in 1 of 4 runs")  # what was not measured is no run of it
    assert judged(old, new, "ttr99_s != never").why == "in 3 of 4 runs"


def test_a_condition_on_the_new_value_needs_nothing_of_the_old() -> None:
    """The old runs have no such measure, or none that is known, or are of another horizon."""
    new = side("new", [100.0, 104.0, 102.0], launches_normal_s=[300.0, 300.0, math.inf])
    for old in (side("old", [1.0]), side("old", [1.0] * 3, launches_normal_s=[math.nan] * 3)):
        told = judged(old, new, "launches_normal_s = never")
        assert (told.holds, told.why) == ("yes", "in 1 of 3 runs")
        assert judged(old, new, "launches_normal_s > +1s").holds == "not measured"
    assert judged(new, side("old", [1.0]), "launches_normal_s = never").why == "no measure of old has it"


def test_runs_of_one_replication_are_judged_by_what_is_possible() -> None:
    """They share their random numbers, so that four of them tell no chance; one run alone is judged as it is."""
    bound = parse(f'{FLEET}\n[expect]\nttr99_s = "<= 2m"').expectations[0]
    for times, units, holds in (([60.0, 61.0], [0, 0], "unsure"), ([60.0, 61.0], [0, 1], "yes"), ([60.0], [0], "yes")):
        runs = [judge.Ended("w", {}, u, "recovered", {"ttr99_s": t}) for t, u in zip(times, units, strict=True)]
        assert judge.of_one_point(bound, runs, at_every_look=False).holds == holds


FLEET = """
horizon = "15m"
fleet = { holders = 300, hosts = 4 }
host = { establish_time = "60ms", timeout = "5s" }
lease = { duration = "2m", check_every = "30s" }
"""


@pytest.mark.parametrize("seed", [1, 2])
def test_no_interval_reaches_beyond_what_a_difference_can_be(seed: int) -> None:
    """Of three runs each, paired or not: times from 0 to the horizon of 1,000 s, and shares."""
    old = side("old", [0.0, 1000.0, 500.0], denied_share=[0.0, 0.0, 0.1])
    new = side("new", [1000.0, 0.0, 990.0], seed=seed, denied_share=[1.0, 1.0, 0.0])
    found = {row.measure: row.difference for row in beside(old, new).differences}
    assert -1000.0 <= found["ttr99_s"].low < 0 < found["ttr99_s"].high <= 1000.0
    assert -1.0 <= found["denied_share"].low < found["denied_share"].high == 1.0


# --- runs that never come to a time -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "text", "holds"),
    [
        ([600.0] * 19 + [601.0], [600.0] * 19 + [math.inf], "ttr99_s > +10%", "unsure"),  # one more is never back
        ([600.0] * 19 + [601.0], [500.0] * 19 + [math.inf], "ttr99_s > +10%", "unsure"),
        ([600.0] * 19 + [601.0], [900.0] * 19 + [math.inf], "ttr99_s > +10%", "yes"),  # the least it can be is enough
        ([600.0] * 19 + [math.inf], [600.0] * 19 + [601.0], "ttr99_s > +10%", "no"),  # one less
        ([600.0] * 18 + [601.0, math.inf], [600.0] * 18 + [602.0, math.inf], "ttr99_s > +10%", "no"),  # of one draw
    ],
)
def test_a_mean_to_the_horizon_lets_no_change_pass_by_which_runs_are_never_back(
    old: Sequence[float], new: Sequence[float], text: str, holds: str
) -> None:
    """Runs of 1,000 s that are back after 600 s: one of 20 that never is counts as 1,000 s, which is 20 s in the mean
    and no 10 %. In a longer run it would count as more, so its mean tells nothing.
    """
    told = judged(side("old", old), side("new", new), text)
    assert told.holds == holds
    if holds == "unsure":
        assert told.why.startswith("never in 0 of 20 runs of old and 1 of 20 runs of new: ")
