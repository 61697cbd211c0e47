"""Admission's controllers beside their twins, over any course of requests.

The twins (`twin.controllers`) are written from the sources' rules.
"""

import math
from collections.abc import Iterator
from random import Random
from types import ModuleType
from typing import NamedTuple

import pytest
from controllers import Driver, driven
from hypothesis import given, settings
from hypothesis import strategies as st
from recovery_kernels.controllers import (
    ADMITTED,
    CANCELLED,
    DROPPED,
    FAILED,
    LOST,
    REFUSED,
    STARTED,
    SUCCEEDED,
    WASTED,
    aimd,
    blue,
    envoy_adaptive_concurrency,
    envoy_admission_control,
    gradient2,
    percentage_ramp,
    pid,
    vegas,
)
from test_controllers_admission import ADAPTIVE, AIMD, BLUE, CONTROL, GRADIENT2, VEGAS, is_in
from twin.controllers import envoy, netflix, shedding

SEEDS = st.integers(0, 2**32 - 1)
_ANSWERS = (SUCCEEDED, WASTED, FAILED, DROPPED)


class Step(NamedTuple):
    """Something that happens: a request asks, or is over."""

    now_ns: int
    asks: bool
    event: int
    took_ns: int
    inflight: int
    u: float

    def told(self, driver: Driver) -> None:
        """The controller hears of it."""
        driver.told(
            self.event,
            now_s=self.now_ns / 1e9,
            sojourn_s=self.took_ns / 1e9,
            waiting=self.inflight // 2,
            in_service=self.inflight - self.inflight // 2 - 1,
            u=self.u,
        )


_ENDS = (SUCCEEDED, SUCCEEDED, SUCCEEDED, WASTED, FAILED, DROPPED, CANCELLED, LOST, REFUSED, ADMITTED)


def course(random: Random, steps: int) -> Iterator[Step]:
    """Calm and crowded times by turns, pauses, and events that mean nothing to the controllers."""
    now_ns, gap_ns, slow, most = 0, 10**7, 1.0, 20
    for i in range(steps):
        if i % 40 == 0:
            gap_ns, slow = random.choice((10**6, 10**7, 10**8)), random.choice((0.1, 1.0, 1.0, 5.0, 30.0))
            most = random.choice((2, 10, 40, 300))
        now_ns += int(random.expovariate(1 / gap_ns)) + (random.random() < 0.01) * 31 * 10**9
        took_ns = min(now_ns, int(random.expovariate(1) * slow * 2e7) + random.choice((0, 0, 10**5, 10**6)))
        yield Step(
            now_ns, random.random() < 0.3, random.choice(_ENDS), took_ns, random.randint(1, most), random.random()
        )


def limits_of_netflix(random: Random) -> tuple[ModuleType, dict[str, float], netflix.Windowed, float]:
    """One of the three limits with any parameters, and its twin."""
    initial, u = random.randint(1, 60), random.random()
    least, most = random.randint(1, initial), random.randint(initial, 30 * initial)
    window_ns = random.choice((0, 0, 10**9, 3 * 10**8))
    given_all = {"initial": float(initial), "least": float(least), "most": float(most), "window_s": window_ns / 1e9}
    smoothing = random.choice((1.0, 0.2, 0.5))
    kind = random.randrange(3)
    if kind == 0:
        backoff, timeout_ns = random.choice((0.5, 0.9, 0.73)), random.choice((10**7, 10**8, 5 * 10**9))
        twin = netflix.Windowed(netflix.Aimd(initial, least, most, backoff, timeout_ns), window_ns)
        return aimd, given_all | {"backoff": backoff, "timeout_s": timeout_ns / 1e9}, twin, u
    if kind == 1:
        probe = random.choice((1.0, 3.0, 30.0))
        twin = netflix.Windowed(netflix.Vegas(initial, most, smoothing, probe, u), window_ns)
        del given_all["least"]
        return vegas, given_all | {"smoothing": smoothing, "probe": probe}, twin, u
    headroom, long, tolerance = random.choice((0.0, 4.0, 7.0)), random.choice((20.0, 600.0)), random.choice((1.0, 1.5))
    inner = netflix.Gradient2(initial, least, most, smoothing, headroom, long, tolerance)
    more = {"smoothing": smoothing, "headroom": headroom, "long": long, "tolerance": tolerance}
    return gradient2, given_all | more, netflix.Windowed(inner, window_ns), u


@given(SEEDS)
@settings(max_examples=15, deadline=None)
def test_limits_of_netflix_are_those_of_the_twin(seed: int) -> None:
    """Bit by bit: the same arithmetic in the same order."""
    random = Random(seed)
    module, params, twin, u = limits_of_netflix(random)
    driver = driven(module, params, u=u)
    for step in course(random, 250):
        step.told(driver)
        if step.event in (*_ANSWERS, CANCELLED):
            has_drop = step.event in (DROPPED, CANCELLED)
            twin.on_sample(step.now_ns, step.took_ns, step.inflight, has_drop, step.u)
        estimate = twin.inner.limit if isinstance(twin.inner, netflix.Aimd) else twin.inner.estimate
        assert driver.memory.limit == estimate
        assert is_in(driver, waiting=twin.limit - 1)
        assert not is_in(driver, waiting=twin.limit)


@given(SEEDS)
@settings(max_examples=15, deadline=None)
def test_envoys_adaptive_concurrency_is_that_of_the_twin(seed: int) -> None:
    """Exactly, although the controller looks at its timers only when it is asked."""
    random = Random(seed)
    least, every_ms, rest_ms = random.randint(1, 5), random.choice((20, 100, 1000)), random.choice((500, 5000, 60000))
    most, requests = random.choice((least, 50, 1000)), random.randint(1, 30)
    jitter, buffer = random.choice((0.0, 0.15, 1.0)), random.choice((0.0, 0.25))
    quantile = random.choice((0.0, 0.5, 0.9, 1.0))
    params = {
        "least": least,
        "most": most,
        "every_s": every_ms / 1000,
        "rest_every_s": rest_ms / 1000,
        "requests": requests,
        "jitter": jitter,
        "buffer": buffer,
        "quantile_share": quantile,
    }
    twin = envoy.GradientController(
        0,
        least=least,
        most=most,
        every_ns=every_ms * 10**6,
        rest_every_ms=rest_ms,
        requests=requests,
        jitter=jitter,
        buffer=buffer,
        quantile=quantile,
    )
    driver = driven(envoy_adaptive_concurrency, params)
    for step in course(random, 250):
        if step.asks:
            expected = twin.lets_in(step.now_ns, step.inflight)
            assert is_in(driver, now_s=step.now_ns / 1e9, waiting=step.inflight) == expected
        else:
            step.told(driver)
            if step.event in _ANSWERS:
                twin.on_answer(step.now_ns, step.now_ns - step.took_ns, step.u)
            twin.run_until(step.now_ns)
        assert (driver.memory.limit, driver.memory.rest_ns) == (twin.limit, twin.min_rtt)


@given(SEEDS)
@settings(max_examples=15, deadline=None)
def test_envoys_admission_control_is_that_of_the_twin(seed: int) -> None:
    """But where the chance is a draw to 1e-9: the power's last bits are its own."""
    random = Random(seed)
    window_s, least_per_s = random.choice((1, 3, 30, 120)), random.choice((0, 0, 1, 5))
    threshold, aggression = random.choice((0.95, 0.5, 1.0)), random.choice((1.0, 2.0, 1.5))
    most = random.choice((0.8, 1.0))
    driver = driven(
        envoy_admission_control,
        {
            "window_s": window_s,
            "threshold": threshold,
            "aggression": aggression,
            "most": most,
            "least_per_s": least_per_s,
        },
    )
    twin = envoy.AdmissionController(window_s, threshold, aggression, most, least_per_s)
    for step in course(random, 250):
        if step.asks:
            answer = is_in(driver, now_s=step.now_ns / 1e9, u=step.u)
            chance = twin.chance(step.now_ns)
            if abs(1e4 * chance - math.floor(1e4 * step.u)) > 1e-5:
                assert answer == (math.floor(1e4 * step.u) >= 1e4 * chance)
        else:
            step.told(driver)
            if step.event in _ANSWERS:
                twin.record(step.now_ns, step.event in (SUCCEEDED, WASTED))
        assert driver.memory.requests == sum(len(part) for _, part in twin.parts)
        assert driver.memory.successes == sum(sum(part) for _, part in twin.parts)


@given(SEEDS)
@settings(max_examples=15, deadline=None)
def test_blue_is_that_of_the_twin(seed: int) -> None:
    """Exactly: whole ms and whole tokens."""
    random = Random(seed)
    tokens, fill, fill_every_ms = random.randint(1, 40), random.randint(1, 9), random.randint(1, 50)
    freeze_ms, ratio = random.choice((-1, 0, 10, 100)), random.choice((0.0, 0.25, 0.5))
    increase, decrease = random.choice((0.02, 0.3)), random.choice((0.002, 0.1))
    driver = driven(
        blue,
        {
            "tokens": tokens,
            "fill": fill,
            "fill_every_s": fill_every_ms / 1000,
            "freeze_s": -1.0 if freeze_ms < 0 else freeze_ms / 1000,
            "increase": increase,
            "decrease": decrease,
            "ratio": ratio,
        },
    )
    twin = shedding.BlueThrottle(
        0,
        tokens=tokens,
        fill=fill,
        fill_every_ms=fill_every_ms,
        freeze_ms=freeze_ms,
        increase=increase,
        decrease=decrease,
        ratio=ratio,
    )
    for step in course(random, 250):
        need = random.choice((1, 1, 2, 3))
        expected = twin.check(step.now_ns // 10**6, need, step.u)
        assert is_in(driver, now_s=step.now_ns / 1e9, cost=need, u=step.u) == expected
        assert (driver.memory.tokens, driver.memory.chance) == (twin.tokens, twin.drop)


@given(SEEDS)
@settings(max_examples=15, deadline=None)
def test_pid_is_that_of_the_twin(seed: int) -> None:
    """To 1e-12, since it sums in another order; many periods may pass between two events."""
    random = Random(seed)
    period_ms, lookback, workers = random.choice((50, 500)), random.choice((1, 4, 120)), random.randint(1, 8)
    kp, ki = random.choice((0.1, 0.01)), random.choice((0.0, 0.001, 1.4))
    params = {"period_s": period_ms / 1000, "kp": kp, "ki": ki, "memory_s": lookback * period_ms / 1000}
    driver = driven(pid, params, workers=float(workers))
    twin = shedding.PidRejector(0, period_ms * 10**6, kp, ki, lookback)
    for step in course(random, 250):
        twin.run_until(step.now_ns, workers)
        if step.asks:
            answer = is_in(driver, now_s=step.now_ns / 1e9, in_service=twin.at_work, u=step.u)
            if abs(step.u - twin.ratio) > 1e-9:
                assert answer == (step.u > twin.ratio)
        else:
            event = random.choice((ADMITTED, ADMITTED, STARTED, SUCCEEDED, DROPPED))
            twin.came += event == ADMITTED
            twin.taken += event == STARTED
            twin.at_work = random.randint(0, workers)
            driver.told(event, now_s=step.now_ns / 1e9, in_service=twin.at_work)
        assert driver.memory.share == pytest.approx(twin.ratio, rel=1e-12, abs=1e-12)


@given(
    st.integers(0, 10**13),
    st.integers(0, 10**13),
    st.floats(0, 1),
    st.floats(0.001, 1),
    st.integers(1, 10**12),
    st.floats(0, 1, exclude_max=True),
)
@settings(max_examples=40, deadline=None)
def test_a_ramp_is_that_of_the_twin(
    now_ns: int, start_ns: int, share: float, step: float, every_ns: int, u: float
) -> None:
    """Exactly, also at a step's very moment."""
    params = {"start_s": start_ns / 1e9, "from_share": share, "step": step, "every_s": every_ns / 1e9}
    driver = driven(percentage_ramp, params)
    for moment in (now_ns, start_ns, start_ns + 7 * every_ns, start_ns + 7 * every_ns - 1):
        expected = u < shedding.ramp_share(moment, start_ns, share, step, every_ns)
        assert is_in(driver, now_s=moment / 1e9, u_client=u) == expected


@pytest.mark.parametrize(
    ("module", "params"),
    [
        (aimd, AIMD),
        (vegas, VEGAS),
        (gradient2, GRADIENT2),
        (envoy_adaptive_concurrency, ADAPTIVE | {"requests": 2.0}),
        (envoy_admission_control, CONTROL),
        (blue, BLUE),
        (pid, {"period_s": 0.5, "kp": 0.1, "ki": 1.4, "memory_s": 60.0}),
    ],
)
def test_a_restart_forgets_all(module: ModuleType, params: dict[str, float]) -> None:
    """After `begin` a controller with a past does as one without, at each step of any course."""
    random = Random(5)
    old, rest = driven(module, params, u=0.25, workers=3.0), {"u": 0.25, "workers": 3.0}
    for step in course(random, 200):
        old.ask(now_s=step.now_ns / 1e9, waiting=step.inflight, cost=1.0)
        if hasattr(module, "told"):
            step.told(old)
    from_ns = step.now_ns
    old.begin(now_s=from_ns / 1e9)
    new = Driver(module, params, **rest, now_s=from_ns / 1e9)
    for step in course(random, 200):
        later = step._replace(now_ns=step.now_ns + from_ns)
        facts = {"now_s": later.now_ns / 1e9, "waiting": later.inflight // 3, "cost": 1.0, "u": later.u}
        assert old.ask(**facts) == new.ask(**facts)
        if hasattr(module, "told"):
            later.told(old)
            later.told(new)
