"""Measures on small arrays whose answers can be read off.

Oracle: the definitions of MODEL.md, applied by hand.
"""

import math
from collections.abc import Sequence
from typing import Any

import emulation
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from recovery.measures import effort, histograms, jobs_backlog, lasting, leased_curve, register, standing
from recovery.statistics.means import interval, mean_interval, student

T = np.arange(1, 11) * 10.0  # windows of 10 s, up to 100 s


def share(*values: float) -> np.ndarray:
    return np.array(values, float)


def test_a_level_counts_from_when_it_stays() -> None:
    reached = np.array([0, 0, 1, 0, 1, 1, 1, 1, 1, 1], bool)
    assert lasting.stays_from(T, reached, 0, 20) == 50


def test_a_level_that_is_lost_within_hold_does_not_count() -> None:
    reached = np.array([1, 1, 0, 1, 1, 0, 1, 1, 0, 0], bool)
    assert lasting.stays_from(T, reached, 0, 20) == math.inf
    assert lasting.stays_from(T, reached, 0, 10) == 10
    assert lasting.stays_from(T, reached, 0, 0) == 10


def test_a_stretch_that_the_horizon_cuts_off_does_not_count() -> None:
    reached = np.array([0] * 8 + [1, 1], bool)
    assert lasting.stays_from(T, reached, 0, 10) == 90
    assert lasting.stays_from(T, reached, 0, 20) == math.inf


def test_what_was_before_the_start_does_not_count() -> None:
    assert lasting.stays_from(T, np.ones(10, bool), 35, 20) == 40


def test_what_was_normal_in_every_window_always_was() -> None:
    assert lasting.normal_from_s(T, np.ones(10, bool), math.inf, 20) == 0
    moment = np.array([1, 1, 1, 0, 1, 1, 1, 1, 1, 1], bool)  # shorter than `hold`: normal from the first window on
    assert lasting.normal_from_s(T, moment, math.inf, 20) == 10
    ill = np.array([1, 0, 0, 0, 1, 0, 1, 1, 1, 1], bool)
    assert lasting.normal_from_s(T, ill, 20, 20) == 70
    assert lasting.normal_from_s(T, ill, 20, 40) == math.inf


def test_times_to_recovery() -> None:
    leased = share(1, 1, 0, 0.2, 0.5, 0.9, 0.95, 0.99, 1, 1)
    times = leased_curve.times_to_recovery_s(T, leased_curve.reached_by(leased), 30, 10)
    assert {name: times[name] for name in register.DEPTHS} == {
        "ttr50_s": 20, "ttr90_s": 30, "ttr99_s": 50, "ttr100_s": 60,
    }  # fmt: skip
    assert {times[f"{name[:-2]}_lost_s"] for name in register.DEPTHS} == {math.inf}  # all held to the horizon


def test_a_share_that_is_lost_again_says_when() -> None:
    leased = share(1, 1, 0, 0.5, 0.9, 0.9, 0.95, 0.6, 0.9, 0.9)
    times = leased_curve.times_to_recovery_s(T, leased_curve.reached_by(leased), 30, 10)
    assert (times["ttr50_s"], times["ttr50_lost_s"]) == (10, math.inf)
    assert (times["ttr90_s"], times["ttr90_lost_s"]) == (20, 50)
    assert times["ttr99_s"] == math.inf
    assert math.isnan(times["ttr99_lost_s"])  # what never came is not lost


def test_a_loss_after_the_clock_has_stopped_is_over_when_that_share_is_back_for_good() -> None:
    leased = share(1, 1, 1, 1, 0, 0, 0.5, 0.5, 1, 1)
    times = leased_curve.times_to_recovery_s(T, leased_curve.reached_by(leased), 20, 20)
    assert {times[name] for name in register.DEPTHS} == {0}

    def again(leased: np.ndarray, deeds_s: Sequence[float] = ()) -> list[float]:
        found = leased_curve.back_again_s(T, leased_curve.reached_by(leased), 20, times, deeds_s)
        return [found[f"ttr{depth}_again_s"] for depth in (50, 90, 99, 100)]

    none = pytest.approx([math.nan] * 4, nan_ok=True)
    assert again(leased) == [50, 70, 70, 70]
    assert again(leased, [10, 60]) == [50, 70, 70, 70]  # what operators did before the clock started, or after the loss
    assert again(leased, [30]) == none  # the loss may be theirs
    assert again(share(1, 1, 1, 1, 1, 1, 1, 1, 1, 1)) == none
    leased[-1] = 0.95
    assert again(leased) == [50, 70, math.inf, math.inf]
    leased[:1] = 0  # lost before the clock starts, and back with it: that time is one of a loss
    assert again(leased) == none


def test_a_share_that_is_lost_once_more_is_back_at_the_end_of_its_last_loss() -> None:
    def last(leased: np.ndarray, next_s: float = math.inf, from_s: float = 20) -> list[float]:
        times = leased_curve.times_to_recovery_s(T, leased_curve.reached_by(leased), from_s, 20)
        again = leased_curve.back_again_s(T, leased_curve.reached_by(leased), from_s, times)
        found = leased_curve.back_last_s(T, leased_curve.reached_by(leased), from_s, times | again, next_s)
        return [found[f"ttr{depth}_last_s"] for depth in (50, 90, 99, 100)]

    none = pytest.approx([math.nan] * 4, nan_ok=True)
    leased = share(0, 0, 0.9, 1, 1, 1, 0.95, 1, 0.4, 1)  # lost at 70 s and at 90 s, the clock starts at 20 s
    assert last(leased) == pytest.approx([80, 80, 80, 80])
    assert last(leased, 90) == pytest.approx([math.nan, math.nan, 60, 60], nan_ok=True)  # the second is an outage's
    assert last(leased, 70) == none
    leased[-1] = 0.9
    assert last(leased) == pytest.approx([80, 80, math.inf, math.inf])
    assert last(share(0, 0, 0, 1, 1, 1, 1, 1, 1, 1)) == none
    assert last(share(0, 0, 0, 0.2, 0.2, 0.2, 0.2, 0.2, 1, 0)) == none  # what never came back is not lost
    assert last(share(1, 1, 1, 1, 1, 1, 0, 1, 1, 1)) == none  # what was held all along is back again (`back_again_s`)
    assert last(share(0, 1, 1, 1, 1, 1, 0, 1, 1, 1)) == pytest.approx([60] * 4)  # back as the clock starts


def test_what_never_was_lost_needs_no_time_and_what_does_not_stay_needs_all() -> None:
    leased = share(1, 1, 0.6, 0.6, 0.95, 0.95, 0.95, 0.5, 0.5, 0.5)
    times = leased_curve.times_to_recovery_s(T, leased_curve.reached_by(leased), 30, 20)
    assert (times["ttr50_s"], times["ttr90_s"], times["ttr99_s"]) == (0, 20, math.inf)


def intervals(leased: np.ndarray, deviation: np.ndarray, few: Sequence[int] = ()) -> dict[str, Any]:
    return leased_curve.recovery_intervals_s(T, leased, deviation / student(4), 4, lambda at: at in few, 10, 0)


def test_ends_of_an_interval_are_where_the_edges_of_the_band_get_there() -> None:
    leased = share(0, 0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 1, 1, 1)
    times = intervals(leased, np.append(np.full(8, 0.1), [0, 0]))  # the band is 0.1 wide on either side
    assert (times["ttr50_low_s"], times["ttr50_high_s"]) == (30, 40)  # 0.4 is not there yet, 0.6 is
    assert (times["ttr90_low_s"], times["ttr90_high_s"]) == (60, 70)
    assert (times["ttr99_low_s"], times["ttr99_high_s"]) == (70, 80)
    assert times["ttr99_no_interval"] == ""
    assert math.isnan(times["ttr100_low_s"])
    assert math.isnan(times["ttr100_high_s"])
    assert times["ttr100_no_interval"] == leased_curve.LAST


def test_a_time_that_too_few_tell_has_no_interval_and_a_reason() -> None:
    leased = share(0, 0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 1, 1, 1)
    times = intervals(leased, np.zeros(10), few=(7,))
    assert [times[f"ttr{depth}_no_interval"] for depth in (50, 90, 99)] == ["", leased_curve.FEW, leased_curve.FEW]
    assert (times["ttr50_low_s"], times["ttr50_high_s"]) == (30, 30)
    assert math.isnan(times["ttr90_low_s"])
    assert math.isnan(times["ttr90_high_s"])
    never = intervals(share(*[0.45] * 10), np.full(10, 0.01), few=(9,))  # what never comes is told at the end
    assert never["ttr50_no_interval"] == leased_curve.FEW


def test_intervals_where_nobody_recovers() -> None:
    never = intervals(share(*[0.45] * 10), np.full(10, 0.01))
    assert (never["ttr50_low_s"], never["ttr50_high_s"]) == (math.inf, math.inf)
    perhaps = intervals(share(*[0.45] * 10), np.full(10, 0.1))
    assert (perhaps["ttr50_low_s"], perhaps["ttr50_high_s"]) == (0, math.inf)


def state_of(missing: np.ndarray, queue: np.ndarray | None = None, **changes: float) -> standing.State:
    """State of a level in windows of 1 s, of which up to 1 is as good as nothing, over its later half."""
    times = np.arange(1, len(missing) + 1) * 1.0
    facts = {"most": 1.0, "time_s": math.inf, "is_served": True, "hold_s": 5.0, "stretch_s": len(missing) / 2} | changes
    return standing.state(times, missing, np.zeros(len(missing)) if queue is None else queue, **facts)  # type: ignore[arg-type]


def test_a_level_that_falls_is_recovering_and_says_when_it_would_be_gone() -> None:
    falls = 1000 - 2.0 * np.arange(1, 101)  # a straight line: it passes 1 at 499.5 s
    assert state_of(falls) == ("recovering", pytest.approx(499.5), pytest.approx(-2), False)
    # Nobody is served yet, but the queue before them becomes shorter by 3 a second: it is empty at 400 s.
    found = state_of(np.full(100, 500.0), 1200 - 3.0 * np.arange(1, 101))
    assert found == ("recovering", pytest.approx(400), pytest.approx(-3), False)


def test_what_neither_falls_nor_drains_has_collapsed() -> None:
    stuck = np.full(100, 500.0)
    for queue in (stuck, 3.0 * np.arange(100), 65.0 - np.arange(100) % 2):
        found = state_of(stuck, queue)
        assert found.verdict == "collapsed"
        assert math.isnan(found.empty_at_s)
    assert state_of(stuck, 3.0 * np.arange(100)).drift_per_s == pytest.approx(3)
    assert state_of(np.arange(100) + 500.0, 1200 - 3.0 * np.arange(100)).verdict == "collapsed"  # more wait than before
    assert state_of(1000 - 0.001 * np.arange(100)).verdict == "collapsed"  # gone after 11 days


def test_what_comes_and_goes_in_waves_has_no_drift_to_judge_by() -> None:
    waves = 800 - 100 * np.abs(np.arange(100) % 40 - 20) / 20  # from 700 to 800 and back, twice in the later half
    grows = 3.0 * np.arange(100)
    assert state_of(waves, grows).verdict == "collapsed"  # nobody says how large a wave would be
    assert state_of(waves, grows, swing=101.0).verdict == "collapsed"
    assert state_of(np.arange(100) + 500.0, grows, swing=40.0).verdict == "collapsed"  # rises, and never falls
    found = state_of(waves, grows, swing=90.0)
    assert (found.verdict, found.is_near_cliff) == ("recovering", True)
    assert math.isnan(found.drift_per_s)
    assert math.isnan(found.empty_at_s)


def test_what_was_reached_and_lost_for_good_is_judged_at_the_horizon() -> None:
    lost = np.concatenate([np.full(50, 500.0), np.zeros(20), np.full(30, 500.0)])
    assert state_of(lost, time_s=50.0).verdict == "collapsed"
    lately = np.concatenate([np.full(50, 500.0), np.zeros(47), np.full(3, 2.0)])  # for less than `hold`
    assert state_of(lately, time_s=50.0).verdict == "recovered"
    assert math.isnan(state_of(lately, time_s=50.0).drift_per_s)
    assert state_of(lately, time_s=50.0, is_served=False).verdict == "collapsed"
    assert state_of(np.concatenate([np.full(97, 500.0), np.zeros(3)])).verdict == "recovering"  # reached at the end
    breaks_out = np.concatenate([np.full(96, 500.0), [450.0, 400.0, 350.0, 300.0]])
    assert state_of(breaks_out).verdict == "recovering"


@pytest.mark.parametrize(("kind", "most_share", "is_near"), [("level", 0.01, 0.0), ("walk", 0.08, 2 / 3)])
def test_chance_alone_is_seldom_taken_for_a_drift(kind: str, most_share: float, is_near: float) -> None:
    """Oracle: no drift at all. About a level of its own chance is hardly ever taken for one; a walk at random is in one
    of twenty, as Student's interval says (its batches are averages, which makes that a little more), and most
    are known as what another run may let end elsewhere.
    """
    random, runs = np.random.default_rng(1), 400
    found = []
    for _ in range(runs):
        noise = random.normal(size=400)
        queue = 2000 + 7 * (np.cumsum(noise) if kind == "walk" else noise)
        found.append(state_of(np.full(400, 500.0), queue))
    assert sum(one.verdict == "recovering" for one in found) / runs <= most_share
    lost = [one for one in found if one.verdict == "collapsed"]
    near = sum(one.is_near_cliff for one in lost) / len(lost)
    assert near >= is_near if is_near else near <= 0.1


@pytest.mark.parametrize(
    ("leased", "expected"),
    [
        (share(1, 1, 0, 0, 0.5, 0.9, 1, 1, 1, 1), 0),
        (share(1, 1, 0, 0, 0.9, 0.7, 0.9, 0.7, 0.7, 0.9), 2),
        (share(1, 1, 0, 0, 0.9, 0.85, 0.81, 0.9, 1, 1), 0),
        (share(1, 1, 0, 0, 0.89, 0.1, 0.89, 0.1, 0.1, 0.1), 0),
    ],
)
def test_relapses(leased: np.ndarray, expected: int) -> None:
    assert leased_curve.relapses(T, leased, 25) == expected


def test_milestones() -> None:
    leased = share(1, 0.6, 0.305, 0.3, 0.3, 0.305, 0.31, 0.6, 0.9, 1)
    assert leased_curve.milestones_s(T, leased, 50, 50) == {
        "decline_ends_s": 30, "progress_from_s": 70, "leased_all_s": 100,
    }  # fmt: skip
    assert set(leased_curve.milestones_s(T, np.ones(10), 50, 0).values()) == {0}  # always full


def jobs_times(unanswered: np.ndarray, from_s: float, hold_s: float, times_s: np.ndarray = T) -> dict[str, float]:
    normal = jobs_backlog.normal_of(times_s, unanswered, times_s < from_s, from_s)
    return jobs_backlog.jobs_times_s(times_s, unanswered, normal, from_s, hold_s)


def test_times_until_jobs_have_their_answer() -> None:
    unanswered = share(0, 0, 0, 1000, 800, 500, 100, 10, 0, 0)  # normally none: the slack is 3
    times = jobs_times(unanswered, 40, 10)
    assert [times[name] for name in register.DEPTHS] == [20, 30, 40, 50]


@pytest.mark.parametrize("normal", [0, 40])
def test_a_backlog_behind_a_steady_server_takes_its_length_over_the_rates(normal: int) -> None:
    """Oracle: D/D/1. A backlog of n above the normal level shrinks by mu - lambda a second."""
    times_s, backlog, from_s, rate = np.arange(1, 1001) * 1.0, 5000.0, 100.0, 10.0
    unanswered = normal + np.where(times_s < from_s, 0, np.maximum(backlog - rate * (times_s - from_s), 0.0))
    found = jobs_backlog.normal_of(times_s, unanswered, times_s < from_s, from_s)
    assert (found.level, found.excess) == (normal, backlog)
    assert found.most == normal + max(2 * normal, 3 * math.sqrt(normal + 1))
    times = jobs_backlog.jobs_times_s(times_s, unanswered, found, from_s, 60)
    for name, depth in register.DEPTHS.items():
        exact = (depth * backlog - (found.most - normal)) / rate
        assert exact <= times[name] <= exact + 1
        assert times[f"{name[:-2]}_lost_s"] == math.inf
    # A triangle of that height and length: n^2 / (2 rate), in job hours.
    area = effort.excess_hours(times_s, unanswered, found.level, from_s)
    assert area == pytest.approx(backlog**2 / (2 * rate) / 3600, rel=1e-9)


def test_a_burst_that_comes_with_the_clock_is_what_is_cleared() -> None:
    unanswered = share(
        0, 0, 0, 0, 1000, 800, 500, 100, 10, 0
    )  # the clock starts at 40 s, the burst comes in that window
    times = jobs_times(unanswered, 40, 0)
    assert [times[name] for name in register.DEPTHS] == [30, 40, 50, 60]


def test_a_queue_that_wanders_about_its_level_is_back_and_is_not_lost() -> None:
    """Oracle: jobs in M/M/1 at 0.9 are geometric, now and then above any small multiple of their median."""
    times_s = np.arange(1, 2001) * 5.0
    wanders = np.random.default_rng(3).geometric(0.1, 2000) - 1.0
    found = jobs_backlog.normal_of(times_s, wanders, times_s <= 1000, 1000)
    assert (wanders > found.most).sum() > 50
    times = jobs_backlog.jobs_times_s(times_s, wanders, found, 1000, 600)
    assert times["ttr99_s"] <= 60
    assert times["ttr99_lost_s"] == math.inf
    stuck = np.where(times_s > 2000, 300.0, wanders)  # and one that rises for good is lost
    assert jobs_backlog.jobs_times_s(times_s, stuck, found, 1000, 600)["ttr99_lost_s"] == pytest.approx(1005, abs=600)


def test_without_a_quiet_time_none_waiting_is_normal() -> None:
    grows = 100.0 * np.arange(1, 11)
    times = jobs_backlog.jobs_times_s(T, grows, jobs_backlog.normal_of(T, grows, np.zeros(10, bool), 0), 0, 20)
    assert [times[name] for name in register.DEPTHS] == [math.inf] * 4


def test_jobs_that_stay_are_never_cleared_and_none_need_no_time() -> None:
    stays = jobs_times(share(0, 0, 0, 1000, *[1000] * 6), 40, 10)
    assert [stays[name] for name in register.DEPTHS] == [math.inf] * 4
    quiet = jobs_times(np.zeros(10), 40, 10)
    assert [quiet[name] for name in register.DEPTHS] == [0] * 4


def test_what_is_served_is_told_by_what_ended() -> None:
    ended = np.full(10, 9)
    assert jobs_backlog.is_served(T, ended, np.ones(10), 50)  # nine of ten
    assert not jobs_backlog.is_served(T, ended, np.full(10, 2), 50)
    assert jobs_backlog.is_served(T, np.zeros(10), np.zeros(10), 50)


def test_the_peak_of_attempts_a_success_is_over_a_stretch() -> None:
    attempts, done = share(0, 9, 4, 4, 8, 8, 2, 2, 1, 1), share(0, 0, 1, 1, 1, 1, 1, 1, 1, 1)
    assert effort.amplification_peak(T, attempts, done, 20, 10) == 8
    assert effort.amplification_peak(T, attempts, done, 40, 20) == 8
    assert effort.amplification_peak(T, attempts, done, 30, 20) == 8
    assert effort.amplification_peak(T, attempts, done, 60, 40) == (2 + 2 + 1 + 1) / 4
    assert effort.amplification_peak(T, attempts, done, 0, 10) == math.inf
    assert math.isnan(effort.amplification_peak(T, np.zeros(10, int), np.zeros(10, int), 0, 10))


def test_quantiles_of_a_histogram() -> None:
    starts_ns = np.array([0, 1, 2, 4]) * 10**9
    assert histograms.quantiles_s(np.array([0, 10, 0, 0]), starts_ns, (0.5,)) == [1.5]
    assert histograms.quantiles_s(np.array([5, 4, 1, 0]), starts_ns, (0.0, 0.9, 0.99)) == [0.5, 1.5, 3]
    assert math.isnan(*histograms.quantiles_s(np.zeros(4, int), starts_ns, (0.5,)))


def test_mean_and_interval() -> None:
    # The 97.5 % point of Student's t with 2 degrees of freedom is 4.303 (any table); s / sqrt(n) = 1 / sqrt(3).
    mean, low, high = mean_interval([1.0, 2.0, 3.0])
    assert mean == 2
    assert (mean - low, high - mean) == (pytest.approx(4.3027 / math.sqrt(3), rel=1e-4),) * 2


def test_what_was_not_measured_does_not_count() -> None:
    assert mean_interval([1.0, math.nan, 2.0, 3.0]) == mean_interval([1.0, 2.0, 3.0])
    assert all(math.isnan(one) for one in mean_interval([math.nan]))
    assert all(math.isnan(one) for one in mean_interval([]))


def test_one_value_has_no_interval_and_an_infinite_one_makes_all_infinite() -> None:
    mean, low, high = mean_interval([5.0])
    assert mean == 5
    assert math.isnan(low)
    assert math.isnan(high)
    mean, low, high = mean_interval([5.0, math.inf])
    assert (mean, high) == (math.inf, math.inf)
    assert math.isnan(low)


@given(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=30))
def test_intervals_stay_within_what_is_possible(values: list[float]) -> None:
    mean, low, high = mean_interval(values, least=0.0, most=1.0)
    assert 0.0 <= low <= mean <= high <= 1.0
    scaled = mean_interval([1e6 * value for value in values], least=0.0)
    assert 0.0 <= scaled[1] <= scaled[0] <= scaled[2] < math.inf
    # What is a share of successes is one less the share of failures, and so are its ends.
    other = mean_interval([1.0 - value for value in values], least=0.0, most=1.0)
    assert (1.0 - other[0], 1.0 - other[2], 1.0 - other[1]) == pytest.approx((mean, low, high), abs=1e-9)


def test_within_limits_the_interval_is_students_of_the_logit_or_the_logarithm() -> None:
    half = student(7) * 0.05
    low, high = interval(0.2, 0.05, 7, least=0.0, most=1.0)
    assert special.logit([low, high]) - special.logit(0.2) == pytest.approx([-half / 0.16, half / 0.16])
    low, high = interval(0.2, 0.05, 7, least=0.0)
    assert np.log([low, high]) - math.log(0.2) == pytest.approx([-half / 0.2, half / 0.2])
    # Far from the limits all three are one.
    for limits in ({}, {"least": 0.0}, {"least": 0.0, "most": 2e3}):
        assert interval(1e3, 1.0, 30, **limits) == pytest.approx((1e3 - 2.0423, 1e3 + 2.0423), abs=5e-3)
    with pytest.raises(ValueError, match="most is 1"):
        interval(0.2, 0.05, 7, most=1.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["shares, beta, mean .3, sd .26", "shares, beta, mean .1, sd .09", "times, normal, cv .3"]
)
def test_coverage_of_intervals_within_limits(name: str) -> None:
    values, repeats = next(values for values in emulation.VALUES if values.name == name), 2_000
    for size in emulation.SIZES:
        # Not below .93 at one-sided 1 %.
        told = emulation.covered(values, size, repeats)
        assert told >= 0.93 * repeats - 2.33 * math.sqrt(0.93 * 0.07 * repeats), size


def test_a_part_of_times_is_sure_only_where_unknown_ones_cannot_move_it() -> None:
    """By hand, of 6 in part 2 and 3 in part 5. With none unknown half (4.5 of 9) is reached in part 2, all in part 5.
    One more: 5 of 10 are reached in part 2, be it the shortest or the longest; 9.9 of 10 in part 5 or the last. Eight
    more: 8.5 of 17 are reached in part 2 with all 8 before it, in part 5 with all behind.
    """
    times = np.zeros(9, np.int64)
    times[[2, 5]] = 6, 3
    shares = (0.5, 0.99, 1.0)
    assert histograms.sure_parts_of(times, shares, 0) == [2, 5, 5]
    assert histograms.sure_parts_of(times, shares, 1) == [2, None, None]
    assert histograms.sure_parts_of(times, shares, 8) == [None, None, None]
    assert histograms.sure_parts_of(np.zeros(9, np.int64), shares, 0) == [None, None, None]
