"""Controllers of queues: who is next, and who is dropped.

Oracles: tables worked out by hand from the published rules; twins in the style of the sources
(`twin.controllers.queue`), which are whole queues, under random arrivals and finishes (exact). Times are multiples of
1/1024 s, so sums are exact in both.
"""

import itertools
import math

import pytest
from controllers import Driver, driven
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from queue_hosts import TICK_S, Host, days, run
from recovery_kernels.controllers import adaptive_lifo, codel, codel_folly, earliest_deadline, fair_queue, pie
from twin.controllers import queue as twins

from recovery.model.policies import discipline

# --- adaptive LIFO ----------------------------------------------------------------------------------------------------


@pytest.mark.nojit
def test_a_queue_that_stands_turns_round_and_patience_is_short() -> None:
    """N = 100, M = 5 (ticks). One worker, busy from 0 on. 1 comes at 0 into an empty queue: it may wait 100.
    2 at 60: last empty at 0, which is not before 60 - 100. 3 at 100: 0 is not before 0, either. 4 at 101: 0 < 1, the
    queue stands: it may wait 5, and the newest is next.
    A worker is free at 107: 4 has waited 6 > 5, dropped; 3 has waited 7 and may wait 100: served.
    At 150: 2 has waited 90: served. At 151: 1 has waited 151 > 100: dropped, the queue is empty. 5 at 152: it does not
    stand.
    """
    host = Host(driven(adaptive_lifo, {"window_s": 100 * TICK_S, "short_s": 5 * TICK_S, "drops": 1.0}), 1)
    host.busy = 1
    for name, at in ((1, 0), (2, 60), (3, 100), (4, 101)):
        host.arrive(name, at * TICK_S)
    host.finish(107 * TICK_S)
    assert (host.served, host.dropped) == ([3], [4])
    host.finish(150 * TICK_S)
    host.finish(151 * TICK_S)
    assert (host.served, host.dropped) == ([3, 2], [4, 1])
    host.arrive(5, 152 * TICK_S)
    assert host.served == [3, 2, 5]
    assert host.driver.newest(now_s=200 * TICK_S) == 0.0


@given(days, st.integers(1, 3), st.integers(1, 200), st.integers(1, 60), st.booleans())
@settings(max_examples=60, deadline=None)
def test_adaptive_lifo_is_fail_at_scale(happens, workers, window, short, drops) -> None:  # type: ignore[no-untyped-def]
    params = {"window_s": window * TICK_S, "short_s": min(short, window) * TICK_S, "drops": float(drops)}
    twin = twins.FailAtScale(params["window_s"], params["short_s"], drops)
    run(driven(adaptive_lifo, params), twin, workers, happens)


# --- CoDel ------------------------------------------------------------------------------------------------------------


@pytest.mark.nojit
def test_codel_drops_at_the_times_of_the_square_roots() -> None:
    """RFC 8289 with TARGET 5 and INTERVAL 100 (ticks): 600 requests came at 0, and one is taken at each tick. That of
    tick 5 has waited 5, not less than TARGET: too long from then on; at 105 it has been for 100: the first drop. The
    next are due 100/√1 = 100, then 100/√2 = 70.71, 100/√3 = 57.74, 100/√4 = 50 after the one before: at 100, 170.7,
    228.4 and 278.4 after the first, and happen at the next tick: 205, 276, 334, 384.
    """
    host = Host(driven(codel, {"target_s": 5 * TICK_S, "interval_s": 100 * TICK_S}), 1)
    host.busy = 1
    for name in range(600):
        host.arrive(name, 0.0)
    drops, due = [], []
    for tick in range(390):
        before = len(host.dropped)
        host.finish(tick * TICK_S)
        if len(host.dropped) > before:
            drops.append(tick)
            due.append(host.driver.memory.next_s / TICK_S - drops[0] if tick == drops[0] else None)
    assert drops == [105, 205, 276, 334, 384]
    assert len(host.served) == 390
    assert due[0] == pytest.approx(100)
    after = [100 * sum(1 / math.sqrt(n) for n in range(1, k + 1)) for k in (1, 2, 3, 4)]
    assert after == pytest.approx([100, 170.7, 228.4, 278.4], abs=0.06)
    assert [math.ceil(105 + time) for time in after] == drops[1:]


@pytest.mark.nojit
def test_codel_goes_on_where_it_left_off() -> None:
    """After the five drops above (count 5, and the last time began at 1) a short queue ends the dropping. Within 16
    INTERVALs of the drop that was due it begins again with count 5 - 1 = 4, so that the second drop comes 100/√4 = 50
    ticks after the first; later than that it begins with 1, and the second comes 100 after.
    """
    for pause, apart in ((1000, 50), (3000, 100)):
        host = Host(driven(codel, {"target_s": 5 * TICK_S, "interval_s": 100 * TICK_S}), 1)
        host.busy = 1
        for name in range(396):  # 390 ticks and 5 drops; the one that is left ends it
            host.arrive(name, 0.0)
        for tick in range(391):
            host.finish(tick * TICK_S)
        assert len(host.dropped) == 5
        assert not host.queue
        begin = 391 + pause
        host.busy = 1
        for name in range(1000, 1400):
            host.arrive(name, begin * TICK_S)
        drops = []
        for tick in range(begin, begin + 220):
            before = len(host.dropped)
            host.finish(tick * TICK_S)
            drops += [tick] * (len(host.dropped) - before)
        assert drops[0] == begin + 105
        assert drops[1] - drops[0] == apart


@given(days, st.integers(1, 3), st.integers(1, 30), st.integers(2, 60))
@settings(max_examples=100, deadline=None)
def test_codel_is_the_rfc(happens, workers, target, interval) -> None:  # type: ignore[no-untyped-def]
    params = {"target_s": target * TICK_S, "interval_s": interval * TICK_S}
    twin = twins.Codel(params["target_s"], params["interval_s"])
    driver = driven(codel, params)
    run(driver, twin, workers, happens)
    assert (driver.memory.count, driver.memory.last_count) == (twin.count, twin.last_count)


@pytest.mark.nojit
def test_folly_drops_what_waited_twice_the_target() -> None:
    """Codel.cpp by hand; interval 100, target 5, so 10 is too much in overload (ticks). (now, delay): kept, since
    (0, 20): the first of all; (10, 30): the first after the end at 0 (the least was 20 > 5: overload; ends at 110);
    (20, 8): 8 is not over 10; (30, 12): dropped; (110, 50): 110 is not after the end: dropped;
    (111, 50): the first of the next interval (the least was 8 > 5: overload); (120, 4): short;
    (212, 60): the first of the next (the least was 4: no overload); (220, 60): no overload.
    """
    driver = driven(codel_folly, {"target_s": 5 * TICK_S, "interval_s": 100 * TICK_S})
    asked = [(0, 20), (10, 30), (20, 8), (30, 12), (110, 50), (111, 50), (120, 4), (212, 60), (220, 60)]
    kept = [driver.head(now_s=now * TICK_S, waited_s=delay * TICK_S) for now, delay in asked]
    assert kept == [1, 1, 1, 0, 0, 1, 1, 1, 1]


@given(days, st.integers(1, 3), st.integers(1, 30), st.integers(2, 90))
@settings(max_examples=60, deadline=None)
def test_folly_is_folly(happens, workers, target, interval) -> None:  # type: ignore[no-untyped-def]
    params = {"target_s": target * TICK_S, "interval_s": interval * TICK_S}
    run(driven(codel_folly, params), twins.Folly(params["target_s"], params["interval_s"]), workers, happens)


# --- PIE --------------------------------------------------------------------------------------------------------------

PIE = {"target_s": 0.015, "update_s": 0.015, "burst_s": 0.15, "alpha": 0.125, "beta": 1.25}


@pytest.mark.nojit
def test_pie_by_hand() -> None:
    """RFC 8033: a request that waited 115 ms left others behind at 0. Each update adds alpha · 0.1 = 0.0125, the first
    one also beta · 0.115 = 0.14375, over the divisor of the table:
    p = 0: 0.15625 / 2048 = 0.0000762939; below 1e-4: 0.0125 / 128 = 0.0000976563, sum 0.00017395; below 1e-3: three
    times 0.0125 / 32 = 0.000390625: 0.00134583; below 1e-2: six times 0.0125 / 8 = 0.0015625: 0.01072083; below 0.1:
    0.0125 / 2 = 0.00625.
    """
    driver = driven(pie, PIE)
    driver.head(now_s=0.0, waited_s=0.115, waiting=9)
    expected = 0.15625 / 2048
    seen = []
    for update in range(1, 14):
        driver.ask(now_s=0.0151 * update, waiting=9, u=0.999)
        assert driver.memory.chance == pytest.approx(expected, rel=1e-12)
        seen.append(driver.memory.chance)
        expected += 0.0125 / (128 if update == 1 else 32 if update < 5 else 8 if update < 11 else 2)
    assert seen[1] == pytest.approx(0.00017395, rel=1e-4)
    assert seen[4] == pytest.approx(0.00134583, rel=1e-5)
    assert seen[10] == pytest.approx(0.01072083, rel=1e-5)
    assert seen[12] == pytest.approx(0.01072083 + 2 * 0.00625, rel=1e-5)


@pytest.mark.nojit
def test_pie_refuses_nobody_while_the_burst_lasts() -> None:
    """The allowance of 150 ms is ten updates long; with the queue short again and no chance left it is whole again."""
    driver = driven(pie, PIE | {"alpha": 1000.0})
    driver.head(now_s=0.0, waited_s=0.5, waiting=9)
    for update in range(1, 10):
        assert driver.ask(now_s=0.0151 * update, waiting=9, u=1e-9) == 1.0
    assert driver.ask(now_s=0.0151 * 10, waiting=9, u=1e-9) == 0.0
    assert driver.ask(now_s=0.0151 * 10, waiting=2, u=1e-9) == 1.0  # the RFC's two packets
    driver.head(now_s=0.2, waited_s=0.0, waiting=0)
    assert driver.ask(now_s=100.0, waiting=9, u=1e-9) == 1.0
    assert driver.memory.chance == 0.0
    assert driver.memory.burst_s == 0.15


@pytest.mark.nojit
def test_pie_makes_up_for_a_long_silence() -> None:
    """A day without an event is 5.8 million updates; once nothing changes any more they are only counted."""
    driver = driven(pie, PIE)
    for now_s, waited_s in ((0.0, 0.4), (2.0, 0.03)):
        driver.head(now_s=now_s, waited_s=waited_s, waiting=3)
    driver.ask(now_s=86_400.0, waiting=3, u=0.5)
    assert driver.memory.chance == 1.0  # 15 ms too long for a day
    assert driver.memory.updates in (5_760_000.0, 5_759_999.0)  # 86,400 / 0.015, the last one by rounding


pies = st.tuples(st.integers(1, 60), st.integers(1, 40), st.integers(1, 200), st.integers(1, 400), st.integers(0, 400))


@given(days, st.integers(1, 3), pies)
@settings(max_examples=25, deadline=None)
def test_pie_is_the_rfc(happens, workers, drawn) -> None:  # type: ignore[no-untyped-def]
    target, update, burst, alpha, beta = drawn
    values = (target * TICK_S, update * TICK_S, burst * TICK_S, alpha / 4, beta / 4)
    driver, twin = driven(pie, dict(zip(pie.PARAMS, values, strict=True))), twins.Pie(*values)
    run(driver, twin, workers, happens)
    end_s = sum(gap for _, gap, _, _ in happens) * TICK_S
    driver.ask(now_s=end_s, u=0.5)
    twin.enqueue(1000, end_s, u=0.5)
    assert (driver.memory.chance, driver.memory.burst_s) == (twin.drop_prob, twin.burst_allowance_s)


# --- earliest deadline ------------------------------------------------------------------------------------------------


@given(days, st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_the_earliest_deadline_is_first(happens, workers) -> None:  # type: ignore[no-untyped-def]
    run(driven(earliest_deadline, {}), twins.Edf(), workers, happens)


@pytest.mark.nojit
def test_equal_deadlines_are_equal_numbers() -> None:
    """A deadline of whole nanoseconds is one number, however much of it has passed."""
    driver, deadline_ns = driven(earliest_deadline, {}), 86_400_123_456_789
    passed = (0, 1, 333_333_333, 12_345_678_901_234, deadline_ns - 1)
    ranks = {driver.rank(now_s=ns / 1e9, left_s=(deadline_ns - ns) / 1e9) for ns in passed}
    assert len(ranks) == 1
    assert driver.rank(now_s=0.0, left_s=(deadline_ns + 1) / 1e9) > max(ranks)


# --- fair queueing ----------------------------------------------------------------------------------------------------


def hand_of(driver: Driver, hashed: int) -> list[int]:
    """The hand that a flow of this hash is dealt, read as a queue that is full is passed over for the next."""
    seen = []
    size = int(driver.params.hand)
    driver.call("begin")
    for _ in range(size):  # the first looked at of the equal ones, which moves on by one each time
        driver.call("ask", u_client=(hashed + 0.5) / 2**52, waiting=1.0)
        seen.append(next(queue for queue in range(128) if driver.memory.waiting[queue] == 1.0))
        driver.memory.waiting[seen[-1]] = 0.0
    return seen


@pytest.mark.nojit
def test_every_hand_is_dealt_once() -> None:
    """Of 5 queues there are 5 · 4 · 3 = 60 ordered hands of 3; 60 hashes in a row deal each once (as the source's own
    tests ask). By hand: 37 = 7 · 5 + 2, 7 = 1 · 4 + 3, 1 = 0 · 3 + 1: place 2 of 01234, 3 of 0134, 1 of 013: 2, 4, 1.
    """
    driver = driven(fair_queue, {"queues": 5, "hand": 3, "limit": 9, "wait_s": 15, "by_class": 0}, workers=1.0)
    hands = [tuple(hand_of(driver, hashed)) for hashed in range(60)]
    assert hands[37] == (2, 4, 1)
    assert sorted(hands) == sorted(itertools.permutations(range(5), 3))


@given(st.integers(0, 2**52 - 1), st.integers(1, 128), st.integers(1, 12))
@settings(max_examples=100, deadline=None)
def test_hands_of_large_hashes_are_dealt_exactly(hashed, queues, hand) -> None:  # type: ignore[no-untyped-def]
    """Division of floats is exact here, also where it is rounded up to a whole number."""
    hand = min(hand, queues)
    driver = driven(fair_queue, {"queues": queues, "hand": hand, "limit": 9, "wait_s": 15, "by_class": 0}, workers=1.0)
    assert hand_of(driver, hashed) == twins.deal(hashed, queues, hand)


@pytest.mark.nojit
def test_queues_take_turns() -> None:
    """Two queues, hand 1, one worker that is busy. A greedy flow sends 1 to 4, then another one 5 and 6: the greedy
    one's S are 0, 1, 2, 3, the other one's 0, 1. Order: 1 (S 0), 5 (S 0), 2, 6, 3, 4. The limit is 4, so the greedy
    one's fifth is refused.
    """
    host = Host(driven(fair_queue, {"queues": 2, "hand": 1, "limit": 4, "wait_s": 15, "by_class": 0}), 1)
    host.busy = 1
    for name, flow in ((1, 0), (2, 0), (3, 0), (4, 0), (5, 1), (6, 1), (7, 0)):
        host.arrive(name, 0.0, u_client=(flow + 0.5) / 2**52)
    assert host.refused == [7]
    for tick in range(6):
        host.finish(tick * TICK_S)
    assert host.served == [1, 5, 2, 6, 3, 4]


@pytest.mark.nojit
def test_who_waited_too_long_leaves_the_queue_and_its_place() -> None:
    """The wait limit is 15 s: at 16 s both that came at 0 are dropped, and the next two fit again."""
    host = Host(driven(fair_queue, {"queues": 1, "hand": 1, "limit": 2, "wait_s": 15, "by_class": 0}), 1)
    host.busy = 1
    host.arrive(1, 0.0, u_client=0.5)
    host.arrive(2, 0.0, u_client=0.5)
    host.arrive(3, 10.0, u_client=0.5)
    assert host.refused == [3]
    host.finish(16.0)
    assert host.dropped == [1, 2]
    host.busy = 1
    for name in (4, 5, 6):
        host.arrive(name, 17.0, u_client=0.5)
    assert host.refused == [3, 6]


shapes = st.tuples(st.integers(1, 8), st.integers(1, 4), st.integers(1, 6), st.integers(20, 400), st.booleans())


@given(days, st.integers(1, 3), shapes)
@settings(max_examples=100, deadline=None)
def test_fair_queues_are_start_time_fair(happens, workers, shape) -> None:  # type: ignore[no-untyped-def]
    queues, hand, limit, wait, by_class = shape
    values = (queues, min(hand, queues), limit, wait * TICK_S, by_class)
    params = {name: float(value) for name, value in zip(fair_queue.PARAMS, values, strict=True)}
    twin = twins.FairQueues(queues, min(hand, queues), limit, wait * TICK_S, by_class, workers)
    host = run(driven(fair_queue, params), twin, workers, happens)
    assert [host.driver.memory.waiting[k] for k in range(queues)] == [len(queue) for queue in twin.queues]


# --- what may be written ----------------------------------------------------------------------------------------------

RULES = (
    (discipline.AdaptiveLifo, adaptive_lifo),
    (discipline.CoDel, codel),
    (discipline.CoDelFolly, codel_folly),
    (discipline.Pie, pie),
    (discipline.EarliestDeadline, earliest_deadline),
    (discipline.FairQueue, fair_queue),
)


@pytest.mark.parametrize(("rule", "module"), RULES)
def test_a_rule_gives_its_controller_what_it_wants(rule, module) -> None:  # type: ignore[no-untyped-def]
    """`lower()` names the file, and as many numbers as it has parameters."""
    controller = rule().lower(10.0).controller
    assert controller.name == module.__name__.rpartition(".")[2]
    driven(module, dict(zip(module.PARAMS, controller.params, strict=True)))
    assert module.AXIS == rule.axis == "queue"


def test_defaults_are_those_of_the_sources() -> None:
    """As the articles, RFCs and programs name them."""
    assert discipline.AdaptiveLifo().lower(1.0).controller.params == (0.1, 0.005, 1.0)
    assert discipline.CoDel().lower(1.0).controller.params == (0.005, 0.1)
    assert discipline.CoDelFolly().lower(1.0).controller.params == (0.005, 0.1)
    assert discipline.Pie().lower(1.0).controller.params == (0.015, 0.015, 0.15, 1 / 8, 1 + 1 / 4)
    assert discipline.FairQueue().lower(1.0).controller.params == (64.0, 6.0, 50.0, 15.0, 0.0)
    assert discipline.FairQueue(flow="class").lower(1.0).controller.params[-1] == 1.0


@pytest.mark.parametrize(
    ("rule", "given", "wanted"),
    [
        (discipline.AdaptiveLifo, {"window": "4ms"}, "want short no longer than window"),
        (discipline.CoDel, {"target": "100ms"}, "want target below interval"),
        (discipline.CoDelFolly, {"interval": "5ms"}, "want target below interval"),
        (discipline.FairQueue, {"hand": 65}, "want hand no larger than queues"),
        (discipline.FairQueue, {"hand": 9}, "to the power of hand"),
        (discipline.FairQueue, {"queues": 129}, "less than or equal to 128"),
        (discipline.Pie, {"alpha": 0}, "greater than 0"),
        (discipline.Pie, {"update": 0}, "want a duration above 0"),
    ],
)
def test_nonsense_is_refused_with_what_is_wanted(rule, given, wanted) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValidationError, match=wanted):
        rule.model_validate(given)
