"""The twin of part two: sessions, classes, operators, the server under load (MODEL.md, section 13).

Oracles: today's twin with the same draws where part two is not used (exact); an independent program for cold starts,
notices and classes (exact); closed forms, with the interval of the estimator; conservation, which the twin checks
after each event; the same scenario told in another way (exact).
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import LOTS, OVERFLOW, QUEUES, cases
from sessions_cases import as_today, scenario_of, today
from twin.sessions.fleet import Fleet

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
@settings(LOTS, max_examples=15)
def test_without_part_two_it_is_todays_twin(queue: int, data: st.DataObject) -> None:
    check_against_today(queue, data)


@pytest.mark.slow
@pytest.mark.parametrize("queue", QUEUES)
@given(data=st.data())
@settings(LOTS, max_examples=400)
def test_without_part_two_it_is_todays_twin_in_many_cases(queue: int, data: st.DataObject) -> None:
    check_against_today(queue, data)
