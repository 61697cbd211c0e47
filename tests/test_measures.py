"""Measures on small arrays whose answers can be read off.

Oracle: the definitions of MODEL.md, applied by hand.
"""

import math

import emulation
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from recovery import measures

T = np.arange(1, 11) * 10.0  # windows of 10 s, up to 100 s


def share(*values: float) -> np.ndarray:
    return np.array(values, float)


def test_a_level_counts_from_when_it_stays() -> None:
    reached = np.array([0, 0, 1, 0, 1, 1, 1, 1, 1, 1], bool)
    assert measures.stays_from(T, reached, 0, 20) == 50


def test_a_level_that_is_lost_within_hold_does_not_count() -> None:
    reached = np.array([1, 1, 0, 1, 1, 0, 1, 1, 0, 0], bool)
    assert measures.stays_from(T, reached, 0, 20) == math.inf
    assert measures.stays_from(T, reached, 0, 10) == 10
    assert measures.stays_from(T, reached, 0, 0) == 10


def test_a_stretch_that_the_horizon_cuts_off_does_not_count() -> None:
    reached = np.array([0] * 8 + [1, 1], bool)
    assert measures.stays_from(T, reached, 0, 10) == 90
    assert measures.stays_from(T, reached, 0, 20) == math.inf


def test_what_was_before_the_start_does_not_count() -> None:
    assert measures.stays_from(T, np.ones(10, bool), 35, 20) == 40


def test_what_was_normal_in_every_window_always_was() -> None:
    assert measures.normal_from_s(T, np.ones(10, bool), math.inf, 20) == 0
    moment = np.array([1, 1, 1, 0, 1, 1, 1, 1, 1, 1], bool)  # shorter than `hold`: normal from the first window on
    assert measures.normal_from_s(T, moment, math.inf, 20) == 10
    ill = np.array([1, 0, 0, 0, 1, 0, 1, 1, 1, 1], bool)
    assert measures.normal_from_s(T, ill, 20, 20) == 70
    assert measures.normal_from_s(T, ill, 20, 40) == math.inf


def test_times_to_recovery() -> None:
    leased = share(1, 1, 0, 0.2, 0.5, 0.9, 0.95, 0.99, 1, 1)
    assert measures.times_to_recovery_s(T, leased, 30, 10) == {
        "ttr50_s": 20, "ttr90_s": 30, "ttr99_s": 50, "ttr100_s": 60,
    }  # fmt: skip


def test_what_never_was_lost_needs_no_time_and_what_does_not_stay_needs_all() -> None:
    leased = share(1, 1, 0.6, 0.6, 0.95, 0.95, 0.95, 0.5, 0.5, 0.5)
    times = measures.times_to_recovery_s(T, leased, 30, 20)
    assert (times["ttr50_s"], times["ttr90_s"], times["ttr99_s"]) == (0, 20, math.inf)


def test_ends_of_an_interval_are_where_the_edges_of_the_band_get_there() -> None:
    leased = share(0, 0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 1, 1, 1)
    deviation = np.full(10, 0.1 / measures.student(4))  # the band is 0.1 wide on either side
    times = measures.recovery_intervals_s(T, leased, deviation, 4, 10, 0)
    assert (times["ttr50_low_s"], times["ttr50_high_s"]) == (30, 40)  # 0.4 is not there yet, 0.6 is
    assert (times["ttr90_low_s"], times["ttr90_high_s"]) == (60, 70)
    assert times["ttr99_low_s"] == times["ttr100_low_s"] == 70
    assert math.isnan(times["ttr99_high_s"])  # no share is 0.99 + 0.1
    assert math.isnan(times["ttr100_high_s"])


def test_a_band_is_as_wide_beyond_a_share_as_at_the_share() -> None:
    leased = share(0, 0.4, 0.5, 0.6, 0.65, 0.75, 1, 1, 1, 1)
    deviation = np.array([0, 0.2, 0.2, 0, 0, 0, 0, 0, 0, 0]) / measures.student(4)
    times = measures.recovery_intervals_s(T, leased, deviation, 4, 10, 0)
    assert (times["ttr50_low_s"], times["ttr50_high_s"]) == (10, 50)  # from 0.4 + 0.2 to 0.5 + 0.2


def test_intervals_where_all_hosts_are_known_and_where_nobody_recovers() -> None:
    leased = share(0, 0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 1, 1, 1)
    known = measures.recovery_intervals_s(T, leased, np.zeros(10), 0, 10, 0)
    times = measures.times_to_recovery_s(T, leased, 10, 0)
    assert known == {f"{name[:-2]}_{end}_s": time for name, time in times.items() for end in ("low", "high")}
    never = measures.recovery_intervals_s(T, share(*[0.45] * 10), np.full(10, 0.01), 4, 10, 0)
    assert (never["ttr50_low_s"], never["ttr50_high_s"]) == (math.inf, math.inf)
    perhaps = measures.recovery_intervals_s(T, share(*[0.45] * 10), np.full(10, 0.1), 4, 10, 0)
    assert (perhaps["ttr50_low_s"], perhaps["ttr50_high_s"]) == (0, math.inf)


@pytest.mark.parametrize(
    ("leased", "ttr99_s", "expected"),
    [
        (share(0, 0, 0, 0, 0, 1, 1, 1, 1, 1), 30, "recovered"),
        (share(0, 0, 0, 0, 0, 0.1, 0.2, 0.3, 0.4, 0.5), math.inf, "recovering"),
        (share(1, 1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1), math.inf, "collapsed"),
        (share(1, 1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2), math.inf, "collapsed"),
        (share(1, 1, 0, 0, 0, 0, 0, 0, 1, 0.99), math.inf, "recovering"),
    ],
)
def test_verdict(leased: np.ndarray, ttr99_s: float, expected: str) -> None:
    assert measures.verdict(T, leased, ttr99_s, 40) == expected


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
    assert measures.relapses(T, leased, 25) == expected


def test_milestones() -> None:
    leased = share(1, 0.6, 0.305, 0.3, 0.3, 0.305, 0.31, 0.6, 0.9, 1)
    assert measures.milestones_s(T, leased, 50, 50) == {
        "decline_ends_s": 30, "progress_from_s": 70, "leased_all_s": 100,
    }  # fmt: skip
    assert set(measures.milestones_s(T, np.ones(10), 50, 0).values()) == {0}  # always full


def test_times_until_a_queue_is_cleared() -> None:
    queue = share(0, 0, 0, 1000, 800, 500, 100, 10, 0, 0)  # normally empty: the slack is 3
    times = measures.queue_times_s(T, queue, 40, 10)
    assert times == {"ttr50_s": 20, "ttr90_s": 30, "ttr99_s": 40, "ttr100_s": 50}


def test_a_queue_that_stays_is_never_cleared_and_one_that_never_was_needs_no_more_than_a_window() -> None:
    stays = measures.queue_times_s(T, share(0, 0, 0, 1000, *[1000] * 6), 40, 10)
    assert set(stays.values()) == {math.inf}
    quiet = measures.queue_times_s(T, np.zeros(10), 40, 10)
    assert set(quiet.values()) == {0}


@pytest.mark.parametrize(
    ("succeeded", "queue", "expected"),
    [
        ([10] * 10, [0] * 10, "recovered"),
        ([10] * 5 + [2] * 5, [0] * 5 + [50, 40, 30, 20, 10], "recovering"),
        ([10] * 5 + [2] * 5, [0] * 5 + [10, 20, 30, 40, 50], "collapsed"),
    ],
)
def test_verdict_of_jobs(succeeded: list[int], queue: list[int], expected: str) -> None:
    assert measures.jobs_verdict(T, np.full(10, 10), np.array(succeeded), np.array(queue), 50) == expected


def test_quantiles_of_a_histogram() -> None:
    starts_ns = np.array([0, 1, 2, 4]) * 10**9
    assert measures.quantile_s(np.array([0, 10, 0, 0]), starts_ns, 0.5) == 1.5
    assert measures.quantile_s(np.array([5, 4, 1, 0]), starts_ns, 0.99) == 3
    assert math.isnan(measures.quantile_s(np.zeros(4, int), starts_ns, 0.5))


def test_mean_and_interval() -> None:
    # The 97.5 % point of Student's t with 2 degrees of freedom is 4.303 (any table); s / sqrt(n) = 1 / sqrt(3).
    mean, low, high = measures.mean_interval([1.0, 2.0, 3.0])
    assert mean == 2
    assert (mean - low, high - mean) == (pytest.approx(4.3027 / math.sqrt(3), rel=1e-4),) * 2


def test_what_was_not_measured_does_not_count() -> None:
    assert measures.mean_interval([1.0, math.nan, 2.0, 3.0]) == measures.mean_interval([1.0, 2.0, 3.0])
    assert all(math.isnan(one) for one in measures.mean_interval([math.nan]))
    assert all(math.isnan(one) for one in measures.mean_interval([]))


def test_one_value_has_no_interval_and_an_infinite_one_makes_all_infinite() -> None:
    mean, low, high = measures.mean_interval([5.0])
    assert mean == 5
    assert math.isnan(low)
    assert math.isnan(high)
    mean, low, high = measures.mean_interval([5.0, math.inf])
    assert (mean, high) == (math.inf, math.inf)
    assert math.isnan(low)


@given(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=30))
def test_intervals_stay_within_what_is_possible(values: list[float]) -> None:
    mean, low, high = measures.mean_interval(values, least=0.0, most=1.0)
    assert 0.0 <= low <= mean <= high <= 1.0
    scaled = measures.mean_interval([1e6 * value for value in values], least=0.0)
    assert 0.0 <= scaled[1] <= scaled[0] <= scaled[2] < math.inf
    # What is a share of successes is one less the share of failures, and so are its ends.
    other = measures.mean_interval([1.0 - value for value in values], least=0.0, most=1.0)
    assert (1.0 - other[0], 1.0 - other[2], 1.0 - other[1]) == pytest.approx((mean, low, high), abs=1e-9)


def test_within_limits_the_interval_is_students_of_the_logit_or_the_logarithm() -> None:
    half = measures.student(7) * 0.05
    low, high = measures.interval(0.2, 0.05, 7, least=0.0, most=1.0)
    assert special.logit([low, high]) - special.logit(0.2) == pytest.approx([-half / 0.16, half / 0.16])
    low, high = measures.interval(0.2, 0.05, 7, least=0.0)
    assert np.log([low, high]) - math.log(0.2) == pytest.approx([-half / 0.2, half / 0.2])
    # Far from the limits all three are one.
    for limits in ({}, {"least": 0.0}, {"least": 0.0, "most": 2e3}):
        assert measures.interval(1e3, 1.0, 30, **limits) == pytest.approx((1e3 - 2.0423, 1e3 + 2.0423), abs=5e-3)
    with pytest.raises(ValueError, match="most is 1"):
        measures.interval(0.2, 0.05, 7, most=1.0)


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
