"""The twin of part two: sessions, classes, operators, the server under load (MODEL.md, section 13).

Oracles: today's twin with the same draws where part two is not used (exact); an independent program for cold starts,
notices and classes (exact); closed forms, with the interval of the estimator; conservation, which the twin checks
after each event; the same scenario told in another way (exact).
"""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import LOTS, OVERFLOW, QUEUES, G, cases
from sessions_cases import as_today, cold_starts, mixtures, run, scenario_of, today
from twin import coldstart
from twin.sessions.fleet import Fleet
from twin.sessions.scenario import (
    Action,
    Class,
    EndSessions,
    Hold,
    Host,
    HostsIn,
    Lease,
    Retry,
    Scale,
    Scenario,
    Set,
    Step,
    constant,
)

pytestmark = pytest.mark.filterwarnings(OVERFLOW)


# --- today's twin -----------------------------------------------------------------------------------------------------


def check_against_today(queue: int, data: st.DataObject) -> None:
    """Log, series, histograms and time without a lease are those of today's twin, bit for bit."""
    case = data.draw(cases(queue))
    fleet = Fleet(scenario_of(case))
    fleet.run()
    ours, theirs = as_today(fleet, case), today(case)
    for name, wanted in theirs.items():
        assert ours[name] == wanted, name


@pytest.mark.parametrize("queue", QUEUES)
@given(data=st.data())
@settings(LOTS, max_examples=5)
def test_without_part_two_it_is_todays_twin(queue: int, data: st.DataObject) -> None:
    check_against_today(queue, data)


@pytest.mark.slow
@pytest.mark.parametrize("queue", QUEUES)
@given(data=st.data())
@settings(LOTS, max_examples=400)
def test_without_part_two_it_is_todays_twin_in_many_cases(queue: int, data: st.DataObject) -> None:
    check_against_today(queue, data)


# --- the independent program ------------------------------------------------------------------------------------------

SAID_BY_BOTH = {
    "submit", "reject", "start", "success", "waste", "fail", "deadline", "give-up", "arrive", "end", "notice", "bound",
    "expiry", "start-expiry", "expired",
}  # fmt: skip


def check_against_the_independent_program(scenario: Scenario, plan: coldstart.Plan) -> None:
    """Both tell of the same things, at the same times, in the same order."""
    ours = [
        (line.time, line.what, line.number, line.client, line.attempt)
        for line in run(scenario).log
        if line.what in SAID_BY_BOTH
    ]
    assert ours == coldstart.run(plan)


@given(both=cold_starts())
@settings(LOTS, max_examples=25)
def test_cold_starts_notices_and_classes_are_those_of_the_independent_program(both) -> None:
    check_against_the_independent_program(*both)


@pytest.mark.slow
@given(both=cold_starts())
@settings(LOTS, max_examples=1000)
def test_cold_starts_are_those_of_the_independent_program_in_many_cases(both) -> None:
    check_against_the_independent_program(*both)


# --- everything with everything ---------------------------------------------------------------------------------------


def bits(fleet: Fleet) -> tuple[object, ...]:
    """All that a run says."""
    books = fleet.books
    return books.log, dict(books.flows), books.levels, books.sojourns, books.latencies, books.waits


def finished(scenario: Scenario) -> Fleet:
    """A whole run. The twin checks its books after each event: requests, work and workers' time are conserved."""
    fleet = Fleet(scenario)
    fleet.run()
    return fleet


def check_mixture(scenario: Scenario, stops: list[int]) -> None:
    """Conservation, the log against the flows, and the same bits however the run is cut."""
    fleet = finished(scenario)
    said = Counter((line.host, line.number, line.what) for line in fleet.books.log)
    for (host, number, what), flow in fleet.books.totals.items():
        told_as = {"submitted": "submit", "timed-out": "deadline", "ended": "end", "succeeded": "success"}.get(what)
        if told_as is not None:
            assert said[host, number, told_as] == flow
    assert fleet.books.log == sorted(fleet.books.log, key=lambda line: line.time)
    cut = Fleet(scenario, is_checked=False)
    for stop in [*sorted(stop for stop in stops if stop < scenario.until_ns), scenario.until_ns]:
        cut.advance(stop)
    assert bits(cut) == bits(fleet)


@given(scenario=mixtures(), stops=st.lists(st.integers(0, 80 * G), max_size=5))
@settings(LOTS, max_examples=5)
def test_books_add_up_and_cuts_change_no_bit(scenario: Scenario, stops: list[int]) -> None:
    check_mixture(scenario, stops)


@pytest.mark.slow
@given(scenario=mixtures(), stops=st.lists(st.integers(0, 80 * G), max_size=5))
@settings(LOTS, max_examples=100)
def test_books_add_up_and_cuts_change_no_bit_in_many_cases(scenario: Scenario, stops: list[int]) -> None:
    check_mixture(scenario, stops)


def without_edits(fleet: Fleet, words: set[str]) -> tuple[object, ...]:
    """All that a run says, but for the lines of these edits."""
    log = [line for line in fleet.books.log if line.what not in words]
    return log, *bits(fleet)[1:]


@given(scenario=mixtures(), time=st.integers(0, 80 * G), lasts=st.one_of(st.none(), st.integers(0, 9 * G)))
@settings(LOTS, max_examples=5)
def test_edits_that_change_nothing_and_holds_of_zero_length_change_no_bit(
    scenario: Scenario, time: int, lasts: int | None
) -> None:
    host, one = scenario.host, scenario.classes[0]
    quiet = replace(scenario, playbook=tuple(a for a in scenario.playbook if not has_sets(a)))
    idle = (
        Action(
            (
                Step(Set("workers", host.workers, lasts_ns=lasts)),
                Step(Set("admission_rate_per_ns", host.admission.rate_per_ns, lasts_ns=lasts)),
                Step(Set("bar_share", host.bar.share, 9 * G, lasts)),
                Step(Set("timeout", one.timeout, lasts_ns=lasts), classes=(0,)),
                Step(Set("rate_per_ns", one.rate_per_ns, lasts_ns=lasts), classes=(0,)),
                Step(Hold(0, waves=1)),
                Step(Scale(0, lasts_ns=lasts)),
            ),
            at_ns=time,
        ),
    )
    edited = replace(quiet, playbook=(*quiet.playbook, *idle))
    words = {"set", "hold", "scale"}
    assert without_edits(finished(edited), words) == without_edits(finished(quiet), words)


def has_sets(action: Action) -> bool:
    """Whether an action changes keys, so that what is in force is not what the scenario says."""
    return any(isinstance(step.edit, Set) for step in action.steps)


@given(scenario=mixtures())
@settings(LOTS, max_examples=5)
def test_hosts_do_not_know_of_each_other(scenario: Scenario) -> None:
    timed = tuple(
        action
        for action in scenario.playbook
        if action.when is None and not any(isinstance(step.edit, HostsIn) for step in action.steps)
    )
    both = replace(scenario, playbook=timed, spare=())
    alone = replace(
        both,
        hosts=both.hosts[:1],
        classes=tuple(replace(one, first_ns=one.first_ns[:1], expires_ns=one.expires_ns[:1]) for one in both.classes),
    )
    assert [line for line in finished(both).books.log if line.host == 0] == finished(alone).books.log


@given(
    many=st.integers(2, 9),
    cut=st.integers(1, 8),
    s=st.integers(0, 7),
    timeout=st.integers(1, 30),
    limit=st.one_of(st.none(), st.integers(0, 4)),
    workers=st.integers(1, 3),
    ends=st.integers(0, 150),
)
@settings(LOTS, max_examples=12)
def test_a_class_cut_in_two_equal_classes_is_the_same(many, cut, s, timeout, limit, workers, ends) -> None:
    # all times constant, so that no draw depends on the class: the same lines for the same clients
    cut = min(cut, many - 1)
    first = tuple(range(many))
    whole = Class(
        "a",
        (first,),
        ((0,) * many,),
        establish=constant(s),
        renew=constant(1),
        timeout=constant(timeout),
        retry=Retry("fixed", constant(5)),
        lease=Lease(duration=constant(40)),
        check_every_ns=20,
        first_delay=constant(3),
    )
    parts = [
        replace(whole, name=name, first_ns=(some,), expires_ns=((0,) * len(some),))
        for name, some in (("a", first[:cut]), ("b", first[cut:]))
    ]
    outcomes = []
    for classes in ((whole,), tuple(parts)):
        scenario = Scenario(
            200,
            10,
            classes,
            Host(workers, limit=limit, round_trip_ns=1),
            playbook=(Action((Step(EndSessions()),), at_ns=ends),),
        )
        lines = finished(scenario).books.log
        outcomes.append([(one.time, one.what, one.client + cut * (one.number == 1), one.attempt) for one in lines])
    assert outcomes[0] == outcomes[1]


@given(scenario=mixtures())
@settings(LOTS, max_examples=5)
def test_a_class_that_never_comes_changes_no_draw_of_the_others(scenario: Scenario) -> None:
    nobody = Class("nobody", ((),) * len(scenario.hosts), ((),) * len(scenario.hosts), priority=9)
    more = replace(scenario, classes=(*scenario.classes, nobody))
    assert finished(more).books.log == finished(scenario).books.log


def test_stale_work_that_is_counted_is_the_same_where_all_draws_are() -> None:
    # establish and renew alike and constant: then it does not matter whose draw abandoned work has
    crowd = Class(
        "all",
        (tuple(range(0, 40, 2)),),
        ((0,) * 20,),
        establish=constant(5),
        renew=constant(5),
        timeout=constant(37),
        retry=Retry("full-jitter", base_ns=20.0),
        lease=Lease(duration=constant(100)),
        check_every_ns=60,
        check_jitter=0.3,
    )
    scenario = Scenario(1000, 100, (crowd,), Host(round_trip_ns=1))
    counted = finished(replace(scenario, host=replace(scenario.host, is_stale_counted=True)))
    assert counted.books.log == finished(scenario).books.log
    assert counted.books.total("wasted") > 0
