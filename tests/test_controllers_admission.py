"""Admission's controllers, each beside its published rule, which is worked out by hand step by step."""

import math

import pytest
from controllers import Driver, driven
from recovery_kernels.controllers import (
    ADMITTED,
    CANCELLED,
    DROPPED,
    FAILED,
    LOST,
    STARTED,
    SUCCEEDED,
    WASTED,
    aimd,
    blue,
    concurrency,
    envoy_adaptive_concurrency,
    envoy_admission_control,
    gradient2,
    percentage_ramp,
    pid,
    vegas,
)

pytestmark = pytest.mark.nojit

AIMD = {"initial": 20.0, "least": 20.0, "most": 200.0, "backoff": 0.9, "timeout_s": 5.0, "window_s": 0.0}
VEGAS = {"initial": 20.0, "most": 1000.0, "smoothing": 1.0, "probe": 30.0, "window_s": 0.0}
GRADIENT2 = {
    "initial": 20.0,
    "least": 20.0,
    "most": 200.0,
    "smoothing": 0.2,
    "headroom": 4.0,
    "long": 600.0,
    "tolerance": 1.5,
    "window_s": 0.0,
}
ADAPTIVE = {
    "least": 3.0,
    "most": 1000.0,
    "every_s": 0.1,
    "rest_every_s": 60.0,
    "requests": 50.0,
    "jitter": 0.15,
    "buffer": 0.25,
    "quantile_share": 0.5,
}
CONTROL = {"window_s": 30.0, "threshold": 0.95, "aggression": 1.0, "most": 0.8, "least_per_s": 0.0}


def over(driver: Driver, took_s: float, inflight: float, event: int = SUCCEEDED, **facts: float) -> float:
    """A request is over, of `inflight` with itself; the limit that follows."""
    driver.told(event, sojourn_s=took_s, in_service=inflight - 1, **facts)
    return float(driver.memory.limit)


def is_in(driver: Driver, **facts: float) -> bool:
    """Whether a request that comes is let in."""
    return driver.ask(**facts) == 1.0


def test_a_fixed_limit_counts_who_waits_and_who_is_served() -> None:
    """Six at once, as HDFS lets in block reports: the sixth comes in, the seventh does not, wherever the others are."""
    driver = driven(concurrency, {"limit": 6.0})
    assert is_in(driver, waiting=5)
    assert is_in(driver, waiting=3, in_service=2)
    assert not is_in(driver, waiting=0, in_service=6)
    assert not is_in(driver, waiting=4, in_service=2)


def test_aimd_by_hand() -> None:
    """⌊25 · 0.9⌋ = ⌊22.5⌋ = 22 and ⌊22 · 0.9⌋ = ⌊19.8⌋ = 19, held at 20. Half of 21 is 10.5: 11 at once are enough to
    grow, 10 are not. A time equal to the timeout is in time.
    """
    driver = driven(aimd, AIMD | {"initial": 25.0})
    assert over(driver, 0.1, 13, DROPPED) == 22
    assert over(driver, 5.001, 22) == 20
    assert over(driver, 5.0, 20, FAILED) == 21
    assert over(driver, 0.1, 10) == 21
    assert over(driver, 0.1, 11, WASTED) == 22
    assert over(driver, 0.1, 11, CANCELLED) == 20
    assert is_in(driver, waiting=19)
    assert not is_in(driver, waiting=20)


def test_aimd_stays_small_where_a_share_of_it_is_less_than_one() -> None:
    """⌊5 · 0.9⌋ = 4 … ⌊1 · 0.9⌋ = 0, held at 1; and at most `most`."""
    driver = driven(aimd, AIMD | {"initial": 5.0, "least": 1.0, "most": 2.0})
    assert [over(driver, 0.1, 1, DROPPED) for _ in range(5)] == [2, 1, 1, 1, 1]
    assert [over(driver, 0.1, 2) for _ in range(3)] == [2, 2, 2]


def test_vegas_by_hand() -> None:
    """l = 1 below 100. 26 (1 − 100/110) = 2.36 → 3: neither < 3 nor > 6. 26 (1 − 100/108) = 1.93 → 2: + 1. 27 (1 −
    100/200) = 13.5 → 14 > 6: − 1. A drop: − 1. 2 · 12 < 25: stays; 2 · 13 ≥ 25, no queue: + 6. 31 (1 − 90/180) = 15.5
    → 16: − 1.
    """
    driver = driven(vegas, VEGAS, u=0.5)
    assert over(driver, 0.100, 20) == 20  # the shortest time
    assert over(driver, 0.100, 20) == 26
    assert over(driver, 0.110, 26) == 26
    assert over(driver, 0.108, 26) == 27
    assert over(driver, 0.200, 27) == 26
    assert over(driver, 0.100, 1, DROPPED) == 25
    assert over(driver, 0.100, 12) == 25
    assert over(driver, 0.100, 13) == 31
    assert over(driver, 0.090, 31) == 31  # a shorter one
    assert over(driver, 0.180, 31) == 30


def test_vegas_steps_grow_with_the_digits_of_the_limit() -> None:
    """99: + 6 · 1; 105: + 6 · 2; 995: + 12, held at 1,000; 1,000 has l = 3: − 3 for a drop. With smoothing 0.5 half of
    the way: 100 → 106.
    """
    for initial, event, smoothing, expected in (
        (99, SUCCEEDED, 1.0, 105),
        (105, SUCCEEDED, 1.0, 117),
        (995, SUCCEEDED, 1.0, 1000),
        (1000, DROPPED, 1.0, 997),
        (100, SUCCEEDED, 0.5, 106),
    ):
        driver = driven(vegas, VEGAS | {"initial": float(initial), "smoothing": smoothing})
        over(driver, 0.1, 1000)
        assert over(driver, 0.1, 1000, event) == expected


def test_vegas_takes_a_new_shortest_time_now_and_then() -> None:
    """j = 0.5 + 0.5 · 0.5 = 0.75; 0.75 · 1 · 20 = 15: the 15th sample is the shortest time whatever it is. Then
    j = 0.5 + 0.5 · 0.9 = 0.95, of 20: the 19th after it.
    """
    driver = driven(vegas, VEGAS | {"probe": 1.0}, u=0.5)
    for _ in range(14):
        over(driver, 0.1, 1)
    over(driver, 9.0, 1, u=0.9)
    assert driver.memory.shortest_ns == 9e9
    for _ in range(18):
        over(driver, 9.5, 1)
    assert driver.memory.shortest_ns == 9e9
    over(driver, 9.5, 1)
    assert driver.memory.shortest_ns == 9.5e9


def test_gradient2_by_hand() -> None:
    """Means 100, 200, 400, 800 ms, so g = 1, 1, 1.5 · 400/800 = 0.75, 1.5 · 800/2000 = 0.6. 20 · 0.8 + 24 · 0.2 = 20.8;
    20.8 · 0.8 + 24.8 · 0.2 = 21.6; 21.6 · 0.8 + (16.2 + 4) · 0.2 = 21.32; 21.32 · 0.8 + (12.792 + 4) · 0.2 = 20.4144.
    Then 100 ms: the mean 660 is more than twice that and becomes 627; g = 1: + 0.8. 10 < 21.2144/2: stays. 60 s: the
    mean is 63,400/7 ms, g = 1.5 · 9.06/60 → 0.5: 21.2144 · 0.8 + (10.6072 + 4) · 0.2 = 19.89… is held at 20.
    """
    driver = driven(gradient2, GRADIENT2)
    steps = [over(driver, took_s, 20) for took_s in (0.1, 0.3, 0.8, 2.0)]
    assert steps == pytest.approx([20.8, 21.6, 21.32, 20.4144], rel=1e-14)
    assert over(driver, 0.1, 20) == pytest.approx(21.2144, rel=1e-14)
    assert driver.memory.long_ns == pytest.approx(627e6, rel=1e-14)
    assert over(driver, 0.1, 10) == pytest.approx(21.2144, rel=1e-14)
    assert is_in(driver, in_service=20)
    assert not is_in(driver, in_service=21)
    assert over(driver, 60.0, 20) == 20


def test_gradient2_forgets_slowly() -> None:
    """Ten samples of 1 s; then 2 s with the weight 2/601: 1 + 2/601 s."""
    driver = driven(gradient2, GRADIENT2)
    for _ in range(10):
        over(driver, 1.0, 1)
    over(driver, 2.0, 1)
    assert driver.memory.long_ns == pytest.approx(1e9 * (1 + 2 / 601), rel=1e-14)


def test_a_window_is_one_sample() -> None:
    """The first request ends a window of its own, which is too small. Nine more until its end, and one after it: ten,
    of a mean of (9 · 0.1 + 9.1)/10 = 1 s, below the timeout: + 1, though nobody else was there at its end. The next
    window has a drop in it: ⌊21 · 0.9⌋ = 18. One of nine is nothing, and a time below 100 µs does not count.
    """
    driver = driven(aimd, AIMD | {"least": 1.0, "window_s": 1.0})
    assert over(driver, 0.1, 20, now_s=0.5) == 20
    for i in range(9):
        assert over(driver, 0.1, 10 if i == 4 else 1, now_s=0.6 + i / 10) == 20
    assert over(driver, 9.1, 1, now_s=1.6) == 21
    for i in range(10):  # the last ends at the window's very end, which is not after it
        assert over(driver, 0.1, 21, DROPPED if i == 0 else SUCCEEDED, now_s=1.7 + i / 10) == 21
    assert over(driver, 0.1, 21, now_s=2.7) == 18
    for i in range(9):
        over(driver, 0.00009 if i == 0 else 0.1, 21, DROPPED, now_s=2.8 + i / 10)
    assert over(driver, 0.1, 21, now_s=3.8) == 18


def test_envoys_adaptive_concurrency_by_hand() -> None:
    """Two samples of 10 ms in the slice of 10 to 11 ms: the median is the first, at 1/3 of it: 10,333 µs. Alone it is
    at half: 10,500. g = 1.25 · 10,333/10,500 = 1.2301; 3 g = 3.690, + √3.690 = 5.611 → 5. A sample of 20 ms: 20,500,
    g = 0.6301; 3.150 + 1.775 = 4.925 → 4. The jitter is ⌊0.5 · ⌈60,000 · 0.15⌉⌋ = 4,500 ms, so the next time at rest
    is sought from 0.06 + 64.5 = 64.56 s on, with three at once, and not of what was sent before.
    """
    driver = driven(envoy_adaptive_concurrency, ADAPTIVE | {"requests": 2.0})
    assert is_in(driver, now_s=0.01, waiting=2)
    assert not is_in(driver, now_s=0.02, waiting=3)
    assert over(driver, 0.01, 1, now_s=0.05) == 3
    assert over(driver, 0.01, 1, FAILED, now_s=0.06, u=0.5) == 3
    assert driver.memory.rest_ns == 10_333_000
    over(driver, 0.01, 1, CANCELLED, now_s=0.07)
    assert over(driver, 0.01, 1, WASTED, now_s=0.1) == 3
    assert is_in(driver, now_s=0.16, waiting=4)
    assert not is_in(driver, now_s=0.17, waiting=5)
    over(driver, 0.02, 1, DROPPED, now_s=0.2)
    assert not is_in(driver, now_s=0.26, waiting=4)
    assert is_in(driver, now_s=64.55, waiting=3)
    assert not is_in(driver, now_s=64.56, waiting=3)
    over(driver, 0.01, 1, now_s=64.565)
    over(driver, 0.01, 1, now_s=64.566)
    assert over(driver, 0.01, 1, now_s=64.57) == 3
    assert over(driver, 0.01, 1, now_s=64.58) == 4  # that of before


def test_envoy_measures_anew_when_it_stays_at_its_least() -> None:
    """At rest 1 ms; then 100 ms each time: g = 0.5, 3 · 0.5 + √1.5 = 2.7 is held at 3. The fifth time in a row begins
    another window for the time at rest, which is then of 100 ms, and the limit grows again.
    """
    driver = driven(envoy_adaptive_concurrency, ADAPTIVE | {"requests": 1.0})
    over(driver, 0.001, 1, now_s=0.001)
    for i in range(1, 6):
        assert over(driver, 0.1, 1, now_s=0.1 * i + 0.0005) == 3
        assert driver.memory.kept_limit == 0
    driver.ask(now_s=0.60101)
    assert driver.memory.kept_limit == 3
    assert over(driver, 0.1, 1, now_s=0.8) == 3
    assert driver.memory.rest_ns == 105_000_000
    over(driver, 0.1, 1, now_s=0.85)
    driver.ask(now_s=0.9)
    assert driver.memory.limit == math.floor(3 * 1.25 + math.sqrt(3 * 1.25))


def test_envoys_admission_control_by_hand() -> None:
    """Four successes of ten: (10 − 4/0.95)/11 = 0.526316; its root is 0.725476. None of a hundred: 100/101, held at
    0.8. At 19 of 20 there is nothing to refuse. An answer is forgotten when it is 30 s old.
    """
    driver = driven(envoy_admission_control, CONTROL)
    for event, count in ((SUCCEEDED, 3), (WASTED, 1), (FAILED, 5), (DROPPED, 1), (CANCELLED, 9), (LOST, 9)):
        for _ in range(count):
            driver.told(event, now_s=1.0)
    assert not is_in(driver, now_s=2.0, u=0.5263)
    assert is_in(driver, now_s=2.0, u=0.5264)
    driver.params.aggression = 2.0
    assert not is_in(driver, now_s=2.0, u=0.7254)
    assert is_in(driver, now_s=2.0, u=0.7255)
    assert not is_in(driver, now_s=30.999, u=0.7)
    assert is_in(driver, now_s=31.0, u=0.0001)
    driver.params.aggression = 1.0
    for _ in range(100):
        driver.told(FAILED, now_s=40.0)
    assert not is_in(driver, now_s=40.0, u=0.7999)
    assert is_in(driver, now_s=40.0, u=0.8)
    driver = driven(envoy_admission_control, CONTROL)
    driver.told(FAILED, now_s=1.0)
    driver.told(FAILED, now_s=2.0)  # a second later: a part of its own, which stays a second longer
    assert not is_in(driver, now_s=31.0, u=0.4)
    assert is_in(driver, now_s=32.0, u=0.4)
    driver = driven(envoy_admission_control, CONTROL)
    for i in range(20):
        driver.told(FAILED if i == 7 else SUCCEEDED, now_s=1.0)
    assert is_in(driver, now_s=1.0, u=0.00001)


def test_envoy_refuses_nobody_while_few_come() -> None:
    """59 answers in 30 s are ⌊1.97⌋ = 1 a second, below 2; 60 are not."""
    driver = driven(envoy_admission_control, CONTROL | {"least_per_s": 2.0})
    for _ in range(59):
        driver.told(FAILED, now_s=1.0)
    assert is_in(driver, now_s=1.0, u=0.1)
    driver.told(FAILED, now_s=1.0)
    assert not is_in(driver, now_s=1.0, u=0.1)


BLUE = {
    "tokens": 2.0,
    "fill": 1.0,
    "fill_every_s": 1.0,
    "freeze_s": 0.1,
    "increase": 0.25,
    "decrease": 0.1,
    "ratio": 0.0,
}


def test_blue_by_hand() -> None:
    """Two tokens. The chance is looked at when more than 100 ms have passed, and a token comes when more than 1,000
    have: ⌊1001/1000⌋ = 1, which is not all that fit, so the chance stays; ⌊2001/1000⌋ = 2 are: − 0.1.
    """
    driver = driven(blue, BLUE, cost=1.0)
    for now_ms, u, lets_in, chance, tokens in (
        (0, 0.0, True, 0.0, 1),
        (0, 0.0, True, 0.0, 0),
        (100, 0.0, False, 0.0, 0),
        (101, 0.2, False, 0.25, 0),  # dropped
        (150, 0.3, False, 0.25, 0),  # spared, but there is no token
        (202, 0.3, False, 0.5, 0),
        (303, 0.3, False, 0.75, 0),
        (1000, 0.9, False, 1.0, 0),
        (1001, 0.9, False, 1.0, 1),
        (1102, 0.9, False, 1.0, 1),
        (3002, 0.9, True, 0.9, 1),
    ):
        assert (is_in(driver, now_s=now_ms / 1000, u=u), driver.memory.chance, driver.memory.tokens) == (
            lets_in,
            pytest.approx(chance, rel=1e-15),
            tokens,
        )


def test_blue_weighs_classes_by_their_cost() -> None:
    """Two tokens are enough for a renewal, which costs 2, and not for a new session, which costs 3."""
    driver = driven(blue, BLUE | {"freeze_s": -1.0})
    assert not is_in(driver, cost=3.0)
    assert is_in(driver, cost=2.0)
    assert not is_in(driver, cost=1.0)


def test_pid_by_hand() -> None:
    """Two workers; the sum is over two periods. (3 − 2 − 0)/2 = 0.5: 1 − exp(−0.05 − 0.7) = 0.527633. Nothing, and both
    at work: 0, and 1 − exp(−0.7) = 0.503415. One is free: (0 − 0 − 1)/2 = −0.5: below 0.
    """
    driver = driven(pid, {"period_s": 0.5, "kp": 0.1, "ki": 1.4, "memory_s": 1.0}, workers=2.0)
    for event, in_service in ((ADMITTED, 0), (STARTED, 1), (ADMITTED, 1), (STARTED, 2), (ADMITTED, 2)):
        driver.told(event, now_s=0.1, in_service=in_service)
        assert is_in(driver, now_s=0.1, in_service=in_service, u=1e-9)
    assert not is_in(driver, now_s=0.5, in_service=2, u=0.5276)
    assert is_in(driver, now_s=0.5, in_service=2, u=0.5277)
    assert not is_in(driver, now_s=1.0, in_service=2, u=0.5034)
    assert is_in(driver, now_s=1.0, in_service=2, u=0.5035)
    driver.told(SUCCEEDED, now_s=1.2, in_service=1)
    assert is_in(driver, now_s=1.5, in_service=1, u=1e-9)
    assert driver.memory.share == pytest.approx(1 - math.exp(0.05 + 0.7), rel=1e-14)


def test_a_ramp_lets_in_the_same_clients_and_more() -> None:
    """10 % from minute 30 on, 5 % more every minute: after five whole minutes 35 %."""
    ramp = {"start_s": 1800.0, "from_share": 0.1, "step": 0.05, "every_s": 60.0}
    driver = driven(percentage_ramp, ramp)
    assert is_in(driver, now_s=1799.999, u_client=0.99)
    assert is_in(driver, now_s=1800.0, u_client=0.099)
    assert not is_in(driver, now_s=1859.999, u_client=0.101)
    assert is_in(driver, now_s=1860.0, u_client=0.149)
    assert not is_in(driver, now_s=1800 + 359.999, u_client=0.351)
    assert is_in(driver, now_s=1800 + 359.999, u_client=0.349)
    assert is_in(driver, now_s=1800 + 18 * 60.0, u_client=0.999999)
