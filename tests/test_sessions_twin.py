"""The twin of part two: sessions, classes, operators, the server under load (MODEL.md, section 13).

Oracles: today's twin with the same draws where part two is not used (exact); an independent program for cold starts,
notices and classes (exact); closed forms, with the interval of the estimator; conservation, which the twin checks
after each event; the same scenario told in another way (exact).
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import LOTS, OVERFLOW, QUEUES, cases
from sessions_cases import as_today, cold_starts, run, scenario_of, today
from twin import coldstart
from twin.sessions.fleet import Fleet
from twin.sessions.scenario import Scenario

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
@settings(LOTS, max_examples=8)
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
@settings(LOTS, max_examples=60)
def test_cold_starts_notices_and_classes_are_those_of_the_independent_program(both) -> None:
    check_against_the_independent_program(*both)


@pytest.mark.slow
@given(both=cold_starts())
@settings(LOTS, max_examples=3000)
def test_cold_starts_are_those_of_the_independent_program_in_many_cases(both) -> None:
    check_against_the_independent_program(*both)
