"""The yardsticks must measure the same thing. Oracles: conservation, equality under the same draws, each other."""

from __future__ import annotations

from dataclasses import astuple, replace
from functools import cache

import pytest
from peers import PEERS, SMALL, StormResult, disagreements

SEEDS = range(1, 11)


@cache
def runs(name: str) -> list[StormResult]:
    peer = PEERS[name]
    if reason := peer.missing():
        pytest.skip(reason)
    return [peer.run(replace(SMALL, seed=seed)) for seed in SEEDS]


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
    other = [peer.run(replace(SMALL, timeout_s=1.1 * SMALL.timeout_s, seed=seed)) for seed in SEEDS]
    assert disagreements(runs("simpy-lean"), other)


def test_same_draws_give_the_same_storm() -> None:
    """heap_storm.cpp and cimba_storm.c draw the same numbers in the same order."""
    for ours, theirs in zip(runs("heap-cpp"), runs("cimba-c"), strict=True):
        assert astuple(ours)[:5] == astuple(theirs)[:5]
