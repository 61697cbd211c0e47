"""The same bits however the work is cut up: by threads, by stops, from a run to the next.

Oracle: the run in one piece on one thread (exact).
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from kernel_cases import OVERFLOW, Case, S, constant, difference, exponential, new_host, outcome, params
from recovery_kernels import policies, requests

from recovery.stages import host as stage

pytestmark = pytest.mark.filterwarnings(OVERFLOW)
HOSTS = 8


def case(host: int, holders: int) -> Case:
    """One host of a fleet that loses its dependency and gets it back; each host has its own draws and its own rules."""
    first = np.sort(np.random.default_rng(host).integers(0, 60 * S, holders))
    return Case(
        params(
            workers=1 + host % 3,
            timeout=exponential(20 * S) if host % 2 else constant(20 * S),
            cancel=host // 4,
            check_jitter=0.2,
            establish=exponential(30 * S / holders),
            renew=exponential(15 * S / holders),
            fail_after_ns=S // 20,
            queue=policies.Queue(host % 4, 50, 10 * S, S),
            client=policies.Client(policies.FULL_JITTER, constant(0), 1.0 * S, 2.0, 30.0 * S, -1, S // 1000),
        ),
        until_ns=600 * S,
        seed=7,
        host=host,
        first_ns=tuple(first.tolist()),
        expires_ns=tuple((first + 60 * S).tolist()),
        controls=((60 * S, requests.DEPENDENCY, 0, 1.0, 0.0), (300 * S, requests.DEPENDENCY, 0, 0.0, 0.0)),
    )


def life(case: Case, stops: Sequence[int] = ()) -> dict[str, Any]:
    run = new_host(case, log_lines=1000)
    for stop in [*stops, case.until_ns]:
        run.advance(stop)
    return outcome(run)


@pytest.fixture(scope="module")
def alone() -> list[dict[str, Any]]:
    """Every host in one piece, one after the other."""
    return [life(case(host, 300)) for host in range(HOSTS)]


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_threads_change_no_bit(alone: list[dict[str, Any]], threads: int) -> None:
    with ThreadPoolExecutor(threads) as pool:
        together = list(pool.map(lambda host: life(case(host, 300)), range(HOSTS)))
    assert [difference(ours, theirs) for ours, theirs in zip(together, alone, strict=True)] == [""] * HOSTS


@pytest.mark.parametrize("step_ns", [10 * S, 7 * S + 1, 123_456_789], ids=["windows", "odd", "small"])
def test_stops_change_no_bit(alone: list[dict[str, Any]], step_ns: int) -> None:
    for host in range(HOSTS):
        wanted = case(host, 300)
        assert difference(life(wanted, range(step_ns, wanted.until_ns, step_ns)), alone[host]) == ""


def test_hosts_have_lives_of_their_own(alone: list[dict[str, Any]]) -> None:
    assert len({str(life["log"][:1000]) for life in alone}) == HOSTS


def test_streams_have_keys_of_their_own() -> None:
    keys = [key for seed in (0, 1) for rep in (0, 1) for host in (0, 1) for key in stage.stream_keys(seed, rep, host)]
    assert len({int(key) for key in keys}) == len(keys)


@pytest.mark.nojit
@pytest.mark.boundscheck
def test_threads_and_stops_change_no_bit_of_a_small_fleet() -> None:
    small = [case(host, 10) for host in range(HOSTS)]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda one: life(one, range(0, one.until_ns, 11 * S)), small))
    assert [difference(life(one), ours) for one, ours in zip(small, together, strict=True)] == [""] * HOSTS
