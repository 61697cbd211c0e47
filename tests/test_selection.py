"""Which policies are told apart, on data whose truth is known (the emulation of MODEL.md, section 10)."""

import math
from collections.abc import Callable

import emulation
import numpy as np
import pytest
from scipy import stats

from recovery.statistics import selection
from recovery.statistics.selection import surely_more_often


def test_a_leader_that_may_still_collapse_excludes_nobody() -> None:
    # 100 s against 150 s without a spread: a collapse in 5 % of the runs (of 2,000 s) would turn that round.
    times = np.array([[100.0] * 20, [150.0] * 20])
    told = selection.select(times, np.isinf(times), range(20), limit_s=2_000.0, indifference_s=60.0, never_max=0.05)
    assert told.leader == 0
    assert told.not_told_apart == (0, 1)
    assert told.chosen is None


def test_what_is_clearly_worse_is_excluded_and_stays_so() -> None:
    times = np.array([[100.0] * 150, [1_500.0] * 150, [math.inf] * 150])
    told = selection.select(times, np.isinf(times), range(150), limit_s=2_000.0, indifference_s=60.0, never_max=0.05)
    assert told.not_told_apart == (0,)
    assert told.excluded == (1, 2)
    assert told.chosen == 0
    assert told.differences[1].mean == pytest.approx(1_400.0)
    assert 0.0 < told.differences[1].low < 1_400.0 < told.differences[1].high
    again = selection.select(
        times[:, :2], np.isinf(times[:, :2]), range(2), limit_s=2e3, indifference_s=6e1, never_max=0.05, excluded=[1]
    )
    assert again.not_told_apart == (0, 2)


@pytest.mark.parametrize(("never_max", "why_not"), [(0.05, ""), (0.9, "1 may be better than the soonest")])
def test_who_surely_is_not_back_too_often_hinders_no_choice(never_max: float, why_not: str) -> None:
    """Five of nine lost: with a chance of 5 % that has a probability below 126 * 0.05 ** 5, of 90 % it is not rare."""
    times = np.array([[150.0] * 82, [math.inf] * 5 + [0.0] * 4 + [math.nan] * 73])
    told = selection.select(times, np.isinf(times), range(82), limit_s=900.0, indifference_s=1.0, never_max=never_max)
    assert told.differences[1].low < -1.0
    assert told.too_often == (() if why_not else (1,))
    assert told.why_not.startswith(why_not)
    assert told.chosen == (None if why_not else 0)


@pytest.mark.parametrize("policies", [2, 3, 12])
def test_fewer_units_than_tell_apart_exclude_nobody_however_much_policies_differ(policies: int) -> None:
    least = selection.units_that_tell_apart(policies)
    for units, excludes in ((least, True), (least - 1, False)):
        times = np.array([[0.0] * units, *[[math.inf] * units] * (policies - 1)])
        told = selection.select(times, np.isinf(times), range(units), limit_s=9.0, indifference_s=1.0, never_max=0.05)
        assert (told.excluded != ()) is excludes


def test_one_lower_end_is_that_of_two_policies() -> None:
    times = np.array([[10.0, 20.0] * 40, [500.0, 700.0] * 40])
    told = selection.select(times, np.isinf(times), range(80), limit_s=900.0, indifference_s=1.0, never_max=0.05)
    assert selection.lower_end(times[1] - times[0], range(80), 900.0, 0.05) == pytest.approx(told.differences[1].low)


@pytest.mark.parametrize("which", range(5))
def test_the_emulation_selects_as_the_module_does(which: int) -> None:
    contest, cap = emulation.contests(6)[which], 150
    told = emulation.ended(contest, np.random.default_rng(which), cap, 10)
    times = contest.draw(np.random.default_rng(which), cap)
    look = selection.Selected(None, (), (), None, (), (), (), "")
    for units in range(10, cap + 1, 10):
        look = selection.select(
            times[:, :units],
            np.isinf(times[:, :units]),
            range(units),
            limit_s=1.0,
            indifference_s=emulation.NEAR,
            never_max=0.05,
            excluded=look.excluded,
        )
        if look.chosen is not None:
            break
    assert (len(look.not_told_apart), units, look.chosen is not None) == (told.left, told.units, told.is_chosen)


@pytest.mark.slow
@pytest.mark.parametrize("which", range(5))
@pytest.mark.parametrize(("policies", "repeats"), [(10, 100), (50, 50)])
def test_the_best_is_in_the_set_and_what_is_chosen_is_near_it(which: int, policies: int, repeats: int) -> None:
    rng, contest = np.random.default_rng(which), emulation.contests(policies)[which]
    right = sum(emulation.ended(contest, rng, 400, 10).is_right for _ in range(repeats))
    assert right >= 0.95 * repeats - 2.33 * math.sqrt(0.95 * 0.05 * repeats)  # not below .95 at one-sided 1 %


def test_units_that_are_replications_count_once() -> None:
    # Sixteen runs of a replication that are all alike say as much as one.
    times = np.array([[100.0] * 40, [900.0] * 40])
    alone = selection.select(times, np.isinf(times), range(40), limit_s=1e3, indifference_s=60.0, never_max=0.05)
    many = times.repeat(16, axis=1)
    told = selection.select(
        many, np.isinf(many), np.arange(40).repeat(16), limit_s=1e3, indifference_s=60.0, never_max=0.05
    )
    assert told.differences[1] == pytest.approx(alone.differences[1])
    assert told.not_told_apart == alone.not_told_apart == (0,)


WRONG: list[tuple[str, Callable[[], object]]] = [
    ("times_s has shape", lambda: selection.select([1.0], [False], [0], **SMALL)),
    ("units has shape", lambda: selection.select([[1.0]], [[False]], [0, 1], **SMALL)),
    (r"times_s holds -1\.0", lambda: selection.select([[-1.0]], [[False]], [0], **SMALL)),
    ("limit_s is inf", lambda: selection.select([[1.0]], [[False]], [0], **SMALL | {"limit_s": math.inf})),
    ("indifference_s is -1", lambda: selection.select([[1.0]], [[False]], [0], **SMALL | {"indifference_s": -1.0})),
    ("never_max is 2", lambda: selection.select([[1.0]], [[False]], [0], **SMALL | {"never_max": 2.0})),
]
SMALL = {"limit_s": 10.0, "indifference_s": 1.0, "never_max": 0.05}


@pytest.mark.parametrize(("message", "call"), WRONG, ids=[message for message, _ in WRONG])
def test_what_is_wrong_is_named(message: str, call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_policies_that_did_not_run_are_not_compared() -> None:
    nothing = selection.select([[math.nan]], [[False]], [0], **SMALL)
    assert (nothing.leader, nothing.not_told_apart, nothing.chosen) == (None, (), None)
    told = selection.select([[math.nan, 1.0], [2.0, math.nan]], np.zeros((2, 2), bool), [0, 1], **SMALL)
    assert told.leader == 0
    assert told.not_told_apart == (0, 1)  # no unit in common: nothing is known of the second
    assert math.isnan(told.differences[1].mean)
    assert told.chosen is None


@pytest.mark.parametrize("indifference_s", [5.0, 60.0])
def test_as_many_units_as_are_told_choose_if_further_ones_are_like_these(indifference_s: float) -> None:
    """Oracle: the selection itself, of the same times again and again. That never is rare enough takes 82 such runs."""
    times = np.array([[10.0, 40.0, 20.0, 30.0], [35.0, 45.0, 30.0, 60.0], [300.0, 500.0, 400.0, 450.0]])
    of = {"limit_s": 900.0, "indifference_s": indifference_s, "never_max": 0.05}

    def chosen(repeats: int) -> int | None:
        many = np.tile(times, repeats)
        return selection.select(many, np.isinf(many), range(many.shape[1]), **of).chosen

    told = selection.select(times, np.isinf(times), range(4), **of)
    units = selection.units_to_choose(times, range(4), told, **of)
    assert units >= 82
    assert (units == 82) is (indifference_s == 60.0)
    assert chosen(math.ceil(units / 4)) == 0
    assert chosen(math.ceil(units / 4) - 1) is None


def test_what_no_number_of_units_chooses_is_told_so() -> None:
    """As soon in each draw, where only a difference counts; and a leader that is lost in a quarter of its runs."""
    same, lost = np.full((2, 4), 10.0), np.array([[0.0, 0.0, 0.0, math.inf], [900.0] * 4])
    for times, indifference_s, wanted in ((same, 0.0, True), (same, 1.0, False), (lost, 1.0, True)):
        of = {"limit_s": 900.0, "indifference_s": indifference_s, "never_max": 0.05}
        told = selection.select(times, np.isinf(times), range(4), **of)
        assert math.isinf(selection.units_to_choose(times, range(4), told, **of)) is wanted


def test_more_often_is_told_by_units_and_not_by_runs() -> None:
    """A bet on the difference doubles with each unit that loses for one side alone, and half of the capital is on it:
    40 times the first, the odds of one side in 2.5 %, take six of them, however many runs a unit has. One tells
    nothing, nor do those that both lose.
    """
    runs = 20
    for units, both, is_sure in ((1, 0, False), (5, 0, False), (7, 0, True), (7, 30, True), (0, 30, False)):
        number = np.repeat(np.arange(units + both), runs)
        mine, theirs = np.ones(len(number), bool), number >= units
        assert surely_more_often(mine, theirs, number) is is_sure
        assert not surely_more_often(theirs, mine, number)


@pytest.mark.slow
def test_more_often_is_rarely_said_of_chance() -> None:
    """Of both sides a third of the replications lose, with all their draws: those of a grid share their luck. And of
    runs at random a third are lost, looked at again and again. One side alone is wrong in 2.5 % of the cases at most.
    """
    chance = np.random.default_rng(5)
    units, runs = np.repeat(np.arange(10), 20), np.arange(100)
    grid, looks = 0, 0
    for _ in range(100):
        mine, theirs = (np.repeat(chance.random(10) < 1 / 3, 20) for _ in range(2))
        grid += surely_more_often(mine, theirs, units)
        mine, theirs = (chance.random(100) < 1 / 3 for _ in range(2))
        looks += any(surely_more_often(mine[:n], theirs[:n], runs[:n]) for n in range(10, 101, 10))
    most = stats.binom.ppf(0.999, 100, 0.025)
    assert grid <= most
    assert looks <= most
