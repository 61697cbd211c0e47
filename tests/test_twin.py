"""The kernel does what the twin does, line by line of the log; and what is not in the model is not in its bits.

Oracles: the plain Python twin with the same draws (exact); the same case with another wheel, other array sizes, other
stops.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import (
    LOTS,
    OVERFLOW,
    QUEUES,
    G,
    cases,
    difference,
    grid,
    new_host,
    outcome,
    run,
    shrink,
    twin_outcome,
)

pytestmark = pytest.mark.filterwarnings(OVERFLOW)


@pytest.mark.slow
@pytest.mark.parametrize("queue", QUEUES)
@given(data=st.data())
@LOTS
def test_kernel_is_twin(queue: int, data: st.DataObject) -> None:
    case = data.draw(cases(queue))
    assert difference(run(case), twin_outcome(case)) == ""


@pytest.mark.parametrize("queue", QUEUES)
@given(data=st.data())
@settings(LOTS, max_examples=50)
def test_kernel_is_twin_in_fifty_cases(queue: int, data: st.DataObject) -> None:
    case = data.draw(cases(queue))
    assert difference(run(case), twin_outcome(case)) == ""


@pytest.mark.nojit
@pytest.mark.boundscheck
@pytest.mark.parametrize("queue", QUEUES)
@given(data=st.data())
@settings(LOTS, max_examples=25)
def test_kernel_is_twin_in_a_few_cases(queue: int, data: st.DataObject) -> None:
    case = data.draw(cases(queue))
    assert difference(run(case), twin_outcome(case)) == ""


@pytest.mark.boundscheck
@pytest.mark.parametrize("queue", QUEUES)
@given(data=st.data())
@settings(LOTS, max_examples=40)
def test_wheel_sizes_and_stops_change_no_bit(queue: int, data: st.DataObject) -> None:
    case = data.draw(cases(queue))
    wanted = run(case)
    span = data.draw(st.sampled_from([1, 128, G, 60 * G, 2000 * G, 10**9, 10**15]), label="span_ns")
    assert difference(run(case, span_ns=span), wanted) == ""
    stops = data.draw(st.lists(st.one_of(grid(0, 120), st.integers(0, 120 * G)), max_size=8), label="stops")
    kernel = shrink(new_host(case, span_ns=span, log_lines=1))
    for stop in [*sorted(stop for stop in stops if stop < case.until_ns), case.until_ns]:
        kernel.advance(stop)
    assert difference(outcome(kernel), wanted) == ""
