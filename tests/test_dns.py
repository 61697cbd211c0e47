"""The race: the kernel does what the twin does, line by line of the log.

Oracle: the plain Python twin with the same draws (exact); a run that is cut into pieces (exact).
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import LOTS, OVERFLOW, TABLE, G, often_constant
from recovery_kernels import dns, requests
from twin.dns import Twin

from recovery.stages import dns as stage

pytestmark = pytest.mark.filterwarnings(OVERFLOW)
EMPTY = np.array(TABLE)


@st.composite
def races(draw: st.DrawFn) -> dns.Params:
    return dns.Params(
        enactors=draw(st.integers(1, 4)),
        endpoints=draw(st.integers(1, 4)),
        keep=draw(st.integers(1, 3)),
        guardrails=draw(st.one_of(st.just(0), st.integers(0, 15))),
        plan=draw(often_constant(1, 12)),
        look=draw(often_constant(0, 8)),
        transaction=draw(often_constant(0, 12)),
        back_off=draw(often_constant(0, 8)),
        clean_up=draw(often_constant(0, 4)),
        check=draw(often_constant(0, 4)),
        loses=draw(st.sampled_from([0.0, 0.2])),
        loses_again=draw(st.sampled_from([0.0, 0.5, 0.9])),
        factor=draw(st.sampled_from([1.0, 2.0])),
        cap_ns=draw(st.sampled_from([5.0 * G, 100.0 * G])),
    )


def outcome(p: dns.Params, until: int, seed: int, repair: bool, stops: tuple[int, ...] = ()) -> dict[str, Any]:
    race = stage.new_race(p, latency=True, log_lines=64)
    stage.begin(p, EMPTY, race, seed, 3)
    lines: list[tuple[int, ...]] = []
    for stop in (*stops, until):
        status = dns.LOG_FULL
        while status == dns.LOG_FULL:
            status = dns.advance(p, EMPTY, race, np.int64(stop), int(repair), 0, 0)
            lines += [tuple(line) for line in race.log[: race.whole[dns.LINES]].tolist()]
            race.whole[dns.LINES] = 0
        if status == dns.EMPTY:
            break
    return {"log": lines, "histogram": race.histogram.tolist(), "active": race.active.tolist()}


def twins(p: dns.Params, until: int, seed: int, repair: bool) -> dict[str, Any]:
    twin = Twin(p, EMPTY, seed, 3, repair=repair)
    twin.run(until)
    histogram = np.zeros(requests.HISTOGRAM, np.int64)
    for latency in twin.latencies_ns:
        histogram[requests.part_of(latency)] += 1
    return {"log": twin.log, "histogram": histogram.tolist(), "active": twin.active}


@pytest.mark.slow
@given(p=races(), until=st.integers(20, 300), seed=st.integers(0, 2**64 - 1), repair=st.booleans())
@LOTS
def test_kernel_is_twin(p: dns.Params, until: int, seed: int, repair: bool) -> None:
    assert outcome(p, until * G, seed, repair) == twins(p, until * G, seed, repair)


@given(p=races(), until=st.integers(20, 300), seed=st.integers(0, 2**64 - 1), repair=st.booleans())
@settings(LOTS, max_examples=25)
def test_kernel_is_twin_in_two_dozen_cases(p: dns.Params, until: int, seed: int, repair: bool) -> None:
    assert outcome(p, until * G, seed, repair) == twins(p, until * G, seed, repair)


@pytest.mark.nojit
@pytest.mark.boundscheck
@given(p=races(), until=st.integers(20, 100), seed=st.integers(0, 2**64 - 1), repair=st.booleans())
@settings(LOTS, max_examples=60)
def test_kernel_is_twin_in_a_few_cases(p: dns.Params, until: int, seed: int, repair: bool) -> None:
    assert outcome(p, until * G, seed, repair) == twins(p, until * G, seed, repair)


@given(p=races(), stops=st.lists(st.integers(0, 300 * G), max_size=5), seed=st.integers(0, 2**32))
@settings(LOTS, max_examples=100)
def test_a_cut_run_has_the_same_bits(p: dns.Params, stops: list[int], seed: int) -> None:
    assert outcome(p, 300 * G, seed, True, tuple(sorted(stops))) == outcome(p, 300 * G, seed, True)


def test_the_cases_do_lose_records_and_locks() -> None:
    p = dns.Params(3, 2, 1, 0, *[often(n) for n in (4, 2, 5, 2, 1, 0)], 0.2, 0.5, 2.0, 100.0 * G)
    kinds = {line[1] for line in outcome(p, 5000 * G, 1, True)["log"]}
    assert {dns.LOST_LOCK, dns.EMPTIED_RECORD, dns.REPAIRED, dns.CLEANED} <= kinds
    lines = outcome(p, 50_000 * G, 1, False)["log"]
    assert dns.EMPTIED_RECORD in (lines[-1][1], lines[-2][1])


def often(n: int) -> Any:
    from kernel_cases import exponential

    return exponential(n * G + 1.0)
