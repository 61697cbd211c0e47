"""Guards and back-offs of clients, each against its source.

Oracles: botocore's own classes under a clock that the test sets; references written from the sources of Finagle,
Envoy, gRPC and resilience4j and from the book on site reliability (`twin.controllers.guards`), over random histories
of several clients that share a memory; and the published rules worked out by hand.
"""

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import CapacityNotAvailableError, ReadTimeoutError
from botocore.retries import adaptive, bucket, quota, standard, throttling
from botocore.retryhandler import delay_exponential
from controllers import Driver, driven
from hypothesis import given, settings
from hypothesis import strategies as st
from recovery_kernels.controllers import (
    DROPPED,
    FAILED,
    LOST,
    NOTHING,
    REFUSED,
    SENT,
    SUCCEEDED,
    TIMED_OUT,
    attempts,
    aws_adaptive,
    aws_backoff,
    aws_standard,
    circuit_breaker,
    envoy_budget,
    finagle_budget,
    grpc_throttle,
    initial_stagger,
    sre_budget,
    sre_throttle,
)
from twin.controllers import guards

ENDS = (SUCCEEDED, FAILED, REFUSED, DROPPED, LOST, TIMED_OUT)
OTHERWISE = -30.0


class Step(NamedTuple):
    """After `ms` a client that waits for an answer hears how its attempt ended; another one asks to send, with `u`."""

    ms: int
    client: int
    end: int
    u: float


class Told(NamedTuple):
    """What a guard is asked or told of: "ask", "sent" or "ended"; facts as the engine gives them."""

    what: str
    now_ms: int
    client: int
    facts: dict[str, float]

    @property
    def now_s(self) -> float:
        return self.facts["now_s"]

    @property
    def tries(self) -> int:
        return int(self.facts["tries"])

    @property
    def is_success(self) -> bool:
        return self.facts["event"] == SUCCEEDED


gaps = st.one_of(st.integers(0, 40), st.integers(0, 3000), st.integers(0, 40_000))
steps = st.lists(
    st.builds(Step, gaps, st.integers(0, 3), st.sampled_from(ENDS), st.floats(0, 1, exclude_max=True)), max_size=80
)


def history(driver: Driver, given_steps: list[Step], asked: Callable[[Told, float], None]) -> None:
    """Play a history of clients that share one guard as the engine does: `asked` hears of all that the guard is asked
    and told, and what it answered.
    """
    now_ms, hears = 0, hasattr(driver.module, "told")
    tries, last, holds, sent_ms = [0] * 4, [NOTHING] * 4, [0] * 4, [-1] * 4
    for step in given_steps:
        now_ms += step.ms
        c = step.client
        facts: dict[str, float] = {"now_s": now_ms / 1000, "client": c, "tries": tries[c], "last": last[c]}
        if sent_ms[c] >= 0:
            facts |= {"sojourn_s": (now_ms - sent_ms[c]) / 1000}
            if hears:
                driver.told(step.end, **facts)
            asked(Told("ended", now_ms, c, facts | {"event": step.end}), 0.0)
            sent_ms[c] = -1
            tries[c], last[c] = (0, NOTHING) if step.end == SUCCEEDED else (tries[c] + 1, step.end)
            continue
        facts |= {"holds": holds[c], "u": step.u}
        answer = driver.ask(**facts)
        asked(Told("ask", now_ms, c, facts), answer)
        if answer == 0.0:
            holds[c] = 0
            if hears:
                driver.told(SENT, **facts)
            asked(Told("sent", now_ms, c, facts | {"event": SENT}), 0.0)
            sent_ms[c] = now_ms
        else:
            holds[c] += 1
            if answer < 0.0:
                tries[c], last[c] = 0, NOTHING


# --- Finagle ----------------------------------------------------------------------------------------------------------


def finagle(ttl_ms: int, least_per_s: int, percent: float) -> Driver:
    deposit, withdrawal = (1000, int(1000 / percent)) if percent else (0, 1)
    reserve = least_per_s * (ttl_ms // 1000) * withdrawal
    params = {"slot_ms": ttl_ms // 10, "deposit": deposit, "withdrawal": withdrawal, "reserve": reserve}
    return driven(finagle_budget, params | {"otherwise_s": 30.0})


def test_five_requests_pay_for_one_retry_and_expire_after_ten_slots() -> None:
    """By hand, without a reserve: a retry takes 1000 / 0.2 = 5000, a request pays 1000. Four requests at 0 s are too
    few, five are enough, and one retry empties it. Slots are of 1 s. Ten requests at 0.9 s and one in each of the next
    nine seconds are 19,000 at 9.9 s, and a retry leaves 14,000. At 10 s the slot from 0 s on is gone, with its 10,000.
    """
    budget = finagle(10_000, 0, 0.2)
    assert [budget.ask(now_s=0.0) for _ in range(4)] == [0.0] * 4
    assert budget.ask(now_s=0.5, tries=1) == OTHERWISE
    assert budget.ask(now_s=0.5) == 0.0
    assert [budget.ask(now_s=0.9, tries=1), budget.ask(now_s=0.9, tries=1)] == [0.0, OTHERWISE]
    assert [budget.ask(now_s=0.9) for _ in range(10)] == [0.0] * 10
    for second in range(1, 10):
        assert budget.ask(now_s=second) == 0.0
    assert budget.ask(now_s=9.9, tries=1) == 0.0
    assert budget.ask(now_s=10.0, tries=1) == OTHERWISE
    assert [budget.ask(now_s=10.0), budget.ask(now_s=10.0, tries=1)] == [0.0, 0.0]


def test_finagles_reserve_is_ten_a_second() -> None:
    """By hand: 10/s for 10 s are 100 retries out of nothing; the 101st within the ten seconds is given up."""
    budget = finagle(10_000, 10, 0.2)
    assert [budget.ask(now_s=0.0, tries=1) for _ in range(101)] == [0.0] * 100 + [OTHERWISE]
    assert [budget.ask(now_s=10.0, tries=1) for _ in range(101)] == [0.0] * 100 + [OTHERWISE]


@given(steps, st.integers(1000, 60_000), st.integers(0, 2), st.sampled_from([0.0, 0.1, 0.2, 0.33, 1.0, 2.0]))
@settings(max_examples=120, deadline=None)
def test_finagles_budget(given_steps: list[Step], ttl_ms: int, least_per_s: int, percent: float) -> None:
    ours, theirs = finagle(ttl_ms, least_per_s, percent), guards.FinagleBudget(ttl_ms, least_per_s, percent)

    def asked(told: Told, answer: float) -> None:
        if told.what == "ask":
            assert answer == (0.0 if theirs.may_send(told.now_ms, told.tries) else OTHERWISE)
            assert ours.memory.new == theirs.adder.writer
            assert list(ours.memory.old) == theirs.adder.buffer

    history(ours, given_steps, asked)


# --- Envoy ------------------------------------------------------------------------------------------------------------


def test_envoys_budget_by_hand() -> None:
    """By hand, 20 % and 3 at the least: with 18 requests and 3 retries under way, and the one that asks, 20 % of 22 are
    4.4, so a fourth retry goes out. With it 20 % of 23 are 4.6, so a fifth does not. It does when 24 others are under
    way: 20 % of 25 are 5.
    """
    budget = driven(envoy_budget, {"share": 0.2, "least": 3, "otherwise_s": 30.0})
    for tries in [0] * 18 + [1] * 3:
        budget.told(SENT, tries=tries)
    assert budget.ask(tries=1) == 0.0
    budget.told(SENT, tries=1)
    assert budget.ask(tries=1) == OTHERWISE
    assert budget.ask(tries=0) == 0.0
    for _ in range(2):
        budget.told(SENT, tries=0)
    assert budget.ask(tries=1) == 0.0


@given(steps, st.sampled_from([1.0, 20.0, 50.0, 100.0]), st.integers(0, 3))
@settings(max_examples=100, deadline=None)
def test_envoys_budget(given_steps: list[Step], percent: float, least: int) -> None:
    ours = driven(envoy_budget, {"share": percent / 100, "least": least, "otherwise_s": 30.0})
    theirs = guards.EnvoyBudget(percent, least)

    def asked(told: Told, answer: float) -> None:
        if told.what == "ask":
            assert answer == (0.0 if theirs.may_send(told.tries) else OTHERWISE)
        elif told.what == "sent":
            theirs.sent(told.tries)
        else:
            theirs.ended(told.tries)

    history(ours, given_steps, asked)
    assert (ours.memory.active, ours.memory.retries) == (theirs.requests, theirs.retries)


# --- gRPC -------------------------------------------------------------------------------------------------------------


def test_grpcs_throttle_by_hand() -> None:
    """By hand, 10 tokens, 0.1 a success: four failures leave 6, a fifth 5, which is half and not above it; a success
    makes 5.1. Twelve failures more leave 0 and not less. Then 50 successes make 5, and the 51st 5.1.
    """
    throttle = driven(grpc_throttle, {"tokens": 10.0, "ratio": 0.1, "otherwise_s": 30.0})
    found = []
    for end in [FAILED] * 5 + [SUCCEEDED]:
        throttle.told(end)
        found.append(throttle.ask(tries=1))
    assert found == [0.0] * 4 + [OTHERWISE, 0.0]
    for _ in range(12):
        throttle.told(TIMED_OUT)
    found = []
    for _ in range(51):
        throttle.told(SUCCEEDED)
        found.append(throttle.ask(tries=2))
    assert found == [OTHERWISE] * 50 + [0.0]
    assert throttle.ask(tries=0) == 0.0


@given(steps, st.integers(1, 12_000), st.integers(1, 2500))
@settings(max_examples=100, deadline=None)
def test_grpcs_throttle(given_steps: list[Step], tokens: int, ratio: int) -> None:
    ours = driven(grpc_throttle, {"tokens": tokens / 1000, "ratio": ratio / 1000, "otherwise_s": 30.0})
    theirs = guards.GrpcThrottle(tokens / 1000, ratio / 1000)

    def asked(told: Told, answer: float) -> None:
        if told.what == "ask":
            assert answer == (0.0 if theirs.may_send(told.tries) else OTHERWISE)
        elif told.what == "ended":
            theirs.ended(told.is_success)
        assert ours.memory.left == theirs.count

    history(ours, given_steps, asked)


# --- AWS: botocore's own classes --------------------------------------------------------------------------------------


class Clock(bucket.Clock):  # type: ignore[misc]  # botocore has no types
    """A clock that the test sets."""

    now_s = 0.0

    def current_time(self) -> float:
        return self.now_s


def response_of(event: float, is_request: bool = True) -> dict[str, Any]:
    """What botocore's handlers are given for the end of an attempt: a refusal is its throttling error."""
    answers = {
        SUCCEEDED: (200, {}), FAILED: (500, {"Error": {"Code": "500"}}), DROPPED: (503, {"Error": {"Code": "503"}}),
        LOST: (502, {"Error": {"Code": "502"}}), REFUSED: (400, {"Error": {"Code": "ThrottlingException"}}),
    }  # fmt: skip
    if event == TIMED_OUT:
        return {"response": None, "caught_exception": ReadTimeoutError(endpoint_url="x")}
    status, parsed = answers[int(event)]
    return {"response": (AWSResponse("x", status, {}, None), parsed), "caught_exception": None}


class Botocore:
    """A client of AWS's SDK as botocore makes it: the handlers of standard mode, and of adaptive mode."""

    def __init__(self, max_attempts: int, capacity: int, clock: Clock) -> None:
        adapter = standard.RetryEventAdapter()
        detector = standard.ThrottlingErrorDetector(adapter)
        self.quota = quota.RetryQuota(capacity)
        self.checker = standard.RetryQuotaChecker(self.quota, detector)
        self.handler = standard.RetryHandler(
            standard.RetryPolicy(
                standard.StandardRetryConditions(max_attempts),
                standard.ExponentialBackoff(throttling_detector=detector),
            ),
            adapter,
            self.checker,
        )
        self.tokens = bucket.TokenBucket(max_rate=1, clock=clock)
        self.rate = adaptive.RateClocker(clock)
        self.cubic = throttling.CubicCalculator(starting_max_rate=0, start_time=clock.current_time())
        self.limiter = adaptive.ClientRateLimiter(self.cubic, self.rate, self.tokens, detector, clock)
        self.contexts: dict[int, dict[str, Any]] = {}  # of each client's request

    def retries(self, client: int, failures: int, last: float) -> bool:
        """Whether a request with so many failures, the last of this kind, is tried again."""
        request = {"context": self.contexts[client]}
        given_ = {"attempts": failures, "operation": None, "request_dict": request}
        return self.handler.needs_retry(**given_, **response_of(last)) is not None

    def ended(self, client: int, event: float) -> None:
        """An answer, or none."""
        told = response_of(event)
        answer = None if told["response"] is None else told["response"][0]
        self.checker.release_retry_quota(self.contexts[client], answer)
        context = {"attempts": 1, "operation": None, "request_dict": {"context": self.contexts[client]}}
        self.limiter.on_receiving_response(**context, **told)


def of_aws(module: Any, max_attempts: int, capacity: int, **more: float) -> Driver:
    costs = {"cost": 14, "timeout_cost": 14, "refusal_cost": 5}
    return driven(module, {"attempts": max_attempts, "quota": capacity, **costs, **more, "otherwise_s": 30.0})


@given(steps, st.integers(1, 5), st.sampled_from([0, 5, 13, 14, 19, 28, 500]))
@settings(max_examples=120, deadline=None)
def test_aws_standard(given_steps: list[Step], max_attempts: int, capacity: int) -> None:
    clock = Clock()
    ours, theirs = of_aws(aws_standard, max_attempts, capacity), Botocore(max_attempts, capacity, clock)

    def asked(told: Told, answer: float) -> None:
        if told.what == "ask" and told.tries == 0:
            theirs.contexts[told.client] = {}
            assert answer == 0.0
        elif told.what == "ask":
            assert answer == (0.0 if theirs.retries(told.client, told.tries, told.facts["last"]) else OTHERWISE)
        elif told.what == "ended":
            theirs.ended(told.client, told.facts["event"])
        assert ours.memory.left == theirs.quota.available_capacity

    history(ours, given_steps, asked)


@given(steps, st.integers(1, 5), st.sampled_from([0, 20, 500]))
@settings(max_examples=150, deadline=None)
def test_aws_adaptive(given_steps: list[Step], max_attempts: int, capacity: int) -> None:
    """Their tokens are asked for without blocking: who finds none waits as long as they would sleep, or, behind others
    who wait, for longer.
    """
    clock = Clock()
    ours = of_aws(aws_adaptive, max_attempts, capacity, beta=0.7)
    theirs = Botocore(max_attempts, capacity, clock)

    def asked(told: Told, answer: float) -> None:
        clock.now_s = told.now_s
        if told.what == "ended":
            theirs.ended(told.client, told.facts["event"])
        elif told.what == "ask":
            if told.tries == 0:
                theirs.contexts[told.client] = {}
            elif told.facts["holds"] == 0 and not theirs.retries(told.client, told.tries, told.facts["last"]):
                assert answer == OTHERWISE
                return
            wanted = 0.0
            if theirs.limiter._enabled:
                try:
                    theirs.tokens.acquire(block=False)
                except CapacityNotAvailableError:
                    wanted = theirs.tokens._sleep_amount(1)
            assert (answer == 0.0) == (wanted == 0.0)
            if ours.memory.waiting <= 1:
                assert answer == pytest.approx(wanted, rel=1e-9, abs=1e-12)
            else:
                assert wanted * (1 - 1e-9) <= answer <= max(wanted, 1.0) * (1 + 1e-9)
        memory, (w_max, k, failed_s) = ours.memory, theirs.cubic.get_params_snapshot()
        assert memory.left == theirs.quota.available_capacity
        assert memory.measured_per_s == pytest.approx(theirs.rate.measured_rate, rel=1e-12)
        assert memory.per_s == pytest.approx(theirs.tokens.max_rate, rel=1e-9)
        assert memory.most_tokens == pytest.approx(theirs.tokens.max_capacity, rel=1e-9)
        assert memory.tokens == pytest.approx(theirs.tokens.available_capacity, rel=1e-9, abs=1e-12)
        assert [memory.w_max, memory.k, memory.refused_s] == pytest.approx([w_max, k, failed_s], rel=1e-12)

    history(ours, given_steps, asked)


def test_the_rate_of_adaptive_mode_by_hand() -> None:
    """By hand: 10 answers in the half second from 0 s on, and one at 0.5 s that closes it: 11 / 0.5 s = 22/s, of which
    0.8 count: 17.6/s. It is a refusal, so the rate is 0.7 · 17.6 = 12.32/s, and k = ∛(17.6 · 0.3 / 0.4) = ∛13.2. A
    second refusal at once cuts the rate that is in force: 0.7 · 12.32 = 8.624/s.
    """
    guard = of_aws(aws_adaptive, 3, 500, beta=0.7)
    for _ in range(10):
        guard.told(SUCCEEDED, now_s=0.25)
    guard.told(REFUSED, now_s=0.5)
    assert guard.memory.measured_per_s == pytest.approx(17.6)
    assert guard.memory.per_s == pytest.approx(12.32)
    assert guard.memory.k == pytest.approx(13.2 ** (1 / 3))
    guard.told(REFUSED, now_s=0.5)
    assert guard.memory.per_s == pytest.approx(8.624)


def test_who_waits_behind_others_asks_when_their_tokens_are_there() -> None:
    """By hand: the first refusal at 0 s leaves 0.5/s and no token, so the first waits 2 s. A second one waits for two
    tokens, 4 s, but looks after no longer than the first, 2 s. At 10/s the four behind one wait 0.2, 0.3, 0.4, 0.5 s,
    and the twelfth 1 s, not 1.2 s.
    """
    guard = of_aws(aws_adaptive, 3, 500, beta=0.7)
    guard.told(REFUSED, now_s=0.0)
    assert [guard.ask(now_s=0.0), guard.ask(now_s=0.0)] == [2.0, 2.0]
    guard.memory.per_s, guard.memory.waiting = 10.0, 1.0
    assert [guard.ask(now_s=0.0) for _ in range(4)] == pytest.approx([0.2, 0.3, 0.4, 0.5])
    guard.memory.waiting = 11.0
    assert guard.ask(now_s=0.0) == 1.0
    assert guard.ask(now_s=0.5, holds=1) == 0.0
    assert guard.memory.waiting == 11.0


@given(st.integers(1, 12), st.floats(0, 1, exclude_max=True), st.sampled_from(ENDS[1:]))
def test_aws_backoff(tries: int, u: float, last: int) -> None:
    adapter = standard.RetryEventAdapter()
    theirs = standard.ExponentialBackoff(
        random=lambda: u, throttling_detector=standard.ThrottlingErrorDetector(adapter)
    )
    told = {"attempts": tries, "operation": None, "request_dict": {"context": {}}} | response_of(last)
    ours = driven(aws_backoff, {"base_s": 0.05, "refused_base_s": 1.0, "cap_s": 20.0})
    wanted = theirs.delay_amount(adapter.create_retry_context(**told))
    assert ours.wait(tries=tries, u=u, last=last) == pytest.approx(wanted, rel=1e-15)


@pytest.mark.parametrize("tries", range(1, 8))
def test_a_request_of_the_legacy_mode_has_five_attempts(tries: int) -> None:
    """By hand: the fifth failure is the end of it, so up to four there is another attempt."""
    guard = driven(attempts, {"attempts": 5, "otherwise_s": 30.0})
    assert guard.ask(tries=tries) == (0.0 if tries <= 4 else OTHERWISE)
    assert guard.ask(tries=0) == 0.0


# --- resilience4j -----------------------------------------------------------------------------------------------------


def breaker(**changed: float) -> Driver:
    params = {
        "failed_percent": 50.0, "window": 100, "least": 100, "open_s": 60.0, "probes": 10, "slow_s": 60.0,
        "slow_percent": 100.0, "otherwise_s": 30.0,
    }  # fmt: skip
    return driven(circuit_breaker, params | changed)


def test_a_breaker_by_hand() -> None:
    """By hand, defaults: 99 failures are too few calls, the 100th opens it. For 60 s and at 60 s sharp nothing passes;
    just after it ten probes pass and the eleventh does not. Four of ten that fail close it, five open it again.
    """
    one = breaker()
    for _ in range(99):
        one.told(FAILED, now_s=5.0)
    assert one.ask(now_s=5.0) == 0.0
    one.told(FAILED, now_s=5.0)
    assert [one.ask(now_s=t) for t in (5.0, 64.9, 65.0)] == [OTHERWISE] * 3
    assert [one.ask(now_s=65.001) for _ in range(11)] == [0.0] * 10 + [OTHERWISE]
    for end in [SUCCEEDED] * 5 + [TIMED_OUT] * 5:
        one.told(end, now_s=66.0)
    assert one.ask(now_s=126.0) == OTHERWISE
    assert [one.ask(now_s=126.001) for _ in range(10)] == [0.0] * 10
    for end in [REFUSED] * 4 + [SUCCEEDED] * 6:
        one.told(end, now_s=127.0)
    assert [one.ask(now_s=127.0) for _ in range(20)] == [0.0] * 20


def test_a_breaker_looks_back_on_the_last_calls_alone() -> None:
    """By hand, window 4, from 2 calls on: failure, 3 successes, failure: the first one has left the window, so it is 1
    of 4; one failure more is 2 of 4.
    """
    one = breaker(window=4, least=4)
    found = []
    for end in (FAILED, SUCCEEDED, SUCCEEDED, SUCCEEDED, FAILED, FAILED):
        one.told(end, now_s=1.0)
        found.append(one.ask(now_s=1.0))
    assert found == [0.0] * 5 + [OTHERWISE]


def test_probes_have_a_window_of_their_own() -> None:
    """By hand, window 2 and 4 probes: two failures open it; the second success of the probes says nothing yet, though
    the window is full, and the fourth closes it.
    """
    one = breaker(window=2, least=100, probes=4, open_s=1.0)
    for _ in range(2):
        one.told(FAILED)
    assert [one.ask(now_s=2.0) for _ in range(5)] == [0.0] * 4 + [OTHERWISE]
    found = []
    for end in [FAILED] + [SUCCEEDED] * 3:
        one.told(end, now_s=3.0)
        found.append(one.ask(now_s=3.0))
    assert found == [OTHERWISE] * 3 + [0.0]


@given(
    steps,
    st.sampled_from([10.0, 100 / 3, 50.0, 100.0]), st.integers(1, 60), st.integers(1, 60), st.sampled_from([0.5, 20.0]),
    st.integers(1, 30), st.sampled_from([0.5, 60.0]), st.sampled_from([50.0, 100.0]),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_a_breaker(
    given_steps: list[Step], failed: float, window: int, least: int, open_s: float, probes: int, slow_s: float,
    slow: float,
) -> None:  # fmt: skip
    ours = breaker(
        failed_percent=failed, window=window, least=least, open_s=open_s, probes=probes, slow_s=slow_s,
        slow_percent=slow,
    )  # fmt: skip
    theirs = guards.CircuitBreaker(failed, window, least, open_s, probes, slow_s, slow)

    def asked(told: Told, answer: float) -> None:
        if told.what == "ask":
            assert answer == (0.0 if theirs.may_send(told.now_s) else OTHERWISE)
        elif told.what == "ended":
            theirs.ended(told.now_s, told.is_success, told.facts["sojourn_s"])
        assert ["CLOSED", "OPEN", "HALF_OPEN"][int(ours.memory.state)] == theirs.state

    history(ours, given_steps, asked)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=900), st.integers(1, circuit_breaker.WINDOW_MAX))
@settings(max_examples=20, deadline=None)
def test_a_breakers_ring_holds_the_last_calls(calls: list[tuple[bool, bool]], window: int) -> None:
    one = breaker(window=window, least=10**6, failed_percent=101.0, slow_percent=101.0)
    for is_failed, is_slow in calls:
        one.told(FAILED if is_failed else SUCCEEDED, sojourn_s=61.0 if is_slow else 60.0)
    last = calls[-window:]
    failed, slow = sum(failed for failed, _ in last), sum(slow for _, slow in last)
    assert (one.memory.calls, one.memory.failed, one.memory.slow) == (len(last), failed, slow)


# --- the book on site reliability -------------------------------------------------------------------------------------


def test_adaptive_throttling_by_hand() -> None:
    """By hand, K = 2: after 3 requests and no accept an attempt is held back with 3/4, after a fourth with 4/5. With 2
    accepts of 5 requests it is (5 - 4)/6, with 3 it is none. What the dependency failed was accepted.
    """
    throttle = driven(sre_throttle, {"k": 2.0, "window_s": 120.0, "otherwise_s": 30.0})
    assert [throttle.ask(u=0.999) for _ in range(3)] == [0.0] * 3
    assert throttle.ask(u=0.749) == OTHERWISE
    assert throttle.ask(u=0.801) == 0.0
    throttle.told(FAILED)
    throttle.told(SUCCEEDED)
    throttle.told(TIMED_OUT)
    assert throttle.ask(u=0.166) == OTHERWISE
    throttle.told(SUCCEEDED)
    assert throttle.ask(u=0.0) == 0.0
    assert throttle.ask(u=0.0, now_s=119.9) == OTHERWISE  # 7 requests, 3 accepts
    assert throttle.ask(u=0.0, now_s=131.9) == OTHERWISE  # only the request of 119.9 s is left
    assert throttle.ask(u=0.0, now_s=252.0) == 0.0


@given(steps, st.sampled_from([1.0, 1.5, 2.0]), st.sampled_from([2.0, 10.0, 120.0]))
@settings(max_examples=120, deadline=None)
def test_adaptive_throttling(given_steps: list[Step], k: float, window_s: float) -> None:
    ours = driven(sre_throttle, {"k": k, "window_s": window_s, "otherwise_s": 30.0})
    theirs = guards.SreThrottle(k, window_s)

    def asked(told: Told, answer: float) -> None:
        if told.what == "ask":
            assert answer == (0.0 if theirs.may_send(told.now_s, told.facts["u"]) else OTHERWISE)
        elif told.what == "ended" and told.facts["event"] in (SUCCEEDED, FAILED):
            theirs.accepts.add(told.now_s)

    history(ours, given_steps, asked)


def test_the_two_budgets_by_hand() -> None:
    """By hand, 10 % and three attempts: after ten first attempts a retry goes out, since 0 of 10 is below 10 %; then 1
    of 11 is 9.1 %, so another does; 2 of 12 is too much, and so is 2 of 20, which is 10 % and not below it; 2 of 21 is
    not. A request that failed three times is given up all the same.
    """
    budget = driven(sre_budget, {"share": 0.1, "attempts": 3, "window_s": 120.0, "otherwise_s": 30.0})
    for tries in [0] * 10 + [1, 2]:
        assert budget.ask(tries=tries) == 0.0
        budget.told(SENT, tries=tries)
    assert budget.ask(tries=1) == OTHERWISE
    for first, wanted in [(8, OTHERWISE), (1, 0.0)]:
        for _ in range(first):
            budget.told(SENT)
        assert budget.ask(tries=1) == wanted
    assert budget.ask(tries=3) == OTHERWISE
    assert budget.ask(tries=1, now_s=131.9) == 0.0  # nothing was sent in the window


@given(steps, st.sampled_from([0.1, 0.25, 0.5]), st.integers(1, 4), st.sampled_from([2.0, 10.0, 120.0]))
@settings(max_examples=120, deadline=None)
def test_the_two_budgets(given_steps: list[Step], share: float, most: int, window_s: float) -> None:
    ours = driven(sre_budget, {"share": share, "attempts": most, "window_s": window_s, "otherwise_s": 30.0})
    theirs = guards.SreBudget(share, most, window_s)

    def asked(told: Told, answer: float) -> None:
        if told.what == "ask":
            assert answer == (0.0 if theirs.may_send(told.now_s, told.tries) else OTHERWISE)
        elif told.what == "sent":
            theirs.sent(told.now_s, told.tries)

    history(ours, given_steps, asked)


# --- HDFS -------------------------------------------------------------------------------------------------------------


def test_the_first_attempt_without_a_lease_waits_once() -> None:
    """By hand: a quarter of 60 s is 15 s; who holds a lease, who was held back already and who tries again goes."""
    guard = driven(initial_stagger, {"delay_s": 60.0})
    assert guard.ask(u=0.25) == 15.0
    for facts in ({"holds": 1}, {"is_leased": 1}, {"tries": 1}):
        assert guard.ask(u=0.25, **facts) == 0.0


def test_legacy_backoff_is_full_jitter() -> None:
    """botocore's own function, with its random number at the end of its range: 1, 2, 4 and 8 s at most."""
    assert [delay_exponential(1.0, 2, n) for n in range(1, 5)] == [1, 2, 4, 8]


def test_all_pairs_of_ends_are_heard() -> None:
    """No guard's memory becomes something else than a number, whatever follows on what."""
    for first, second in itertools.product(ENDS, ENDS):
        for one in (breaker(), of_aws(aws_adaptive, 3, 500, beta=0.7), finagle(10_000, 10, 0.2)):
            for event in (first, second):
                if hasattr(one.module, "told"):
                    one.told(event, tries=1, last=first, now_s=1.0)
            assert all(math.isfinite(one.ask(tries=n, last=second, now_s=2.0)) for n in (0, 1))
