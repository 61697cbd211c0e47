"""The yardsticks must measure the same thing. Oracles: conservation, equality under the same draws, each other, and
for the queue Erlang's formula.
"""

from __future__ import annotations

from dataclasses import astuple, replace
from functools import cache
from statistics import fmean

import pytest
from peers import PEERS, SMALL, StormResult, disagreements
from peers.mm8 import QUEUES, QueueParams

SEEDS = range(1, 11)


@cache
def runs(name: str) -> list[StormResult]:
    peer = PEERS[name]
    if reason := peer.missing():
        pytest.skip(reason)
    return peer.alone([replace(SMALL, seed=seed) for seed in SEEDS])


@pytest.mark.parametrize("name", PEERS)
def test_no_attempt_is_lost_or_counted_twice(name: str) -> None:
    for result in runs(name):
        assert result.timeouts > 0
        assert 0 < result.successes < result.finishes <= result.submissions
        still_open = result.submissions - result.successes - result.timeouts
        assert 0 <= still_open <= SMALL.holders


@pytest.mark.parametrize("name", [name for name in PEERS if name != "simpy"])
def test_peers_agree_with_idiomatic_simpy(name: str) -> None:
    assert disagreements(runs("simpy"), runs(name)) == []


def test_the_check_sees_a_different_storm() -> None:
    peer = PEERS["simpy-lean"]
    if reason := peer.missing():
        pytest.skip(reason)
    other = peer.alone([replace(SMALL, timeout_s=1.1 * SMALL.timeout_s, seed=seed) for seed in SEEDS])
    assert disagreements(runs("simpy-lean"), other)


def test_same_draws_give_the_same_storm() -> None:
    """heap_storm.cpp and cimba_storm.c draw the same numbers in the same order."""
    for ours, theirs in zip(runs("heap-cpp"), runs("cimba-c"), strict=True):
        assert astuple(ours)[:5] == astuple(theirs)[:5]


def test_rings_and_wheel_are_the_same_storm_without_a_heap() -> None:
    """heap_storm.cpp and wheel_storm.cpp draw in the same order, also where renewals come at random."""
    for jitter in (0.0, 0.1):
        params = [replace(SMALL, jitter=jitter, seed=seed) for seed in SEEDS]
        if reason := PEERS["heap-cpp"].missing():
            pytest.skip(reason)
        for heap, wheel in zip(PEERS["heap-cpp"].alone(params), PEERS["wheel-cpp"].alone(params), strict=True):
            assert astuple(heap)[:5] == astuple(wheel)[:5]


@pytest.mark.parametrize("name", ["cimba-python", "cimba-c", "heap-cpp", "ours"])
def test_queues_agree_with_erlangs_formula(name: str) -> None:
    """The slower programs are compared with these where speeds are told. A queue so busy forgets in two seconds, so
    three hours have the mean within 2 % (one sigma); that it begins empty changes less.
    """
    program = QUEUES[name]
    if reason := program.missing():
        pytest.skip(reason)
    params = QueueParams()
    found = program.alone([replace(params, seed=seed) for seed in range(1, 4)])
    assert fmean(one.wait_s for one in found) == pytest.approx(params.erlang_c_wait_s, rel=0.07)
    for one in found:
        assert 0 <= one.arrivals - one.finishes < 200
        assert one.arrivals == pytest.approx(params.arrivals_per_s * params.horizon_s, rel=0.01)
