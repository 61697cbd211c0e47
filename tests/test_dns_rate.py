"""How often a record becomes empty: brute force and splitting.

Oracles: an exact continuous-time Markov chain for two Enactors, one endpoint and exponential delays; brute force where
it can see the event; numbers that no thread may change. Seeds are fixed, so a test passes or fails for good.
"""

import itertools
from typing import Any

import numpy as np
import pytest
from kernel_cases import OVERFLOW, constant, exponential
from recovery_kernels import dns as kernel
from recovery_kernels import draws
from recovery_kernels.draws import Dist
from scipy import sparse, stats
from scipy.sparse import linalg

from recovery.model.dns import Dns
from recovery.stages import dns as stage

pytestmark = pytest.mark.filterwarnings(OVERFLOW)
MEANS_S = {"plan": 60.0, "look": 20.0, "transaction": 20.0, "back_off": 40.0, "clean_up": 10.0}


def race(keep: int, guardrails: tuple[str, ...] = (), **changes: Any) -> Dns:
    delays = {name: {"dist": "exponential", "mean": f"{mean}s"} for name, mean in MEANS_S.items()}
    table = {"enactors": 2, "endpoints": 1, "keep": keep, "guardrails": guardrails, "delays": delays}
    return Dns.model_validate({**table, **changes})


def exact_per_year(keep: int, refuse_empty: bool = False, loses: float = 0.0) -> float:
    """The rate of a chain whose states are, for each Enactor, what it does and how old its plan is; how old the
    record's plan is; and how old the oldest plan is that was not deleted. Ages are in generations, counted from the
    newest, and stop at `farthest`, far enough for nothing to hang on it.
    Rate: one over the mean time from order to the first empty record.
    """
    farthest = keep + 5
    idle = ("idle", 0)
    start = (idle, idle, 0, keep - 1)
    rates = {name: 1 / mean for name, mean in MEANS_S.items()}

    def older(n: int) -> int:
        return min(n + 1, farthest)

    def tries(state: Any, e: int, age: int, record: int, floor: int) -> list[tuple[float, Any]]:
        """It wants the lock: it is another's, is lost to somebody else, or is taken."""
        other = state[1 - e]
        waits, writes = ("waits", age), ("writes", age)
        ways = [(1.0, waits)] if other[0] == "writes" else [(loses, waits), (1 - loses, writes)]
        return [(share, with_(state, e, row, record, floor)) for share, row in ways if share > 0]

    def with_(state: Any, e: int, row: Any, record: int, floor: int) -> Any:
        rows = (row, state[1]) if e == 0 else (state[0], row)
        return (*rows, record, floor)

    def steps(state: Any) -> list[tuple[float, Any]]:
        *rows, record, floor = state
        aged = tuple((what, older(age) if what != "idle" else 0) for what, age in rows)
        out = [(rates["plan"], (*aged, older(record), min(floor + 1, farthest + keep)))]
        for e, (what, age) in enumerate(rows):
            if what == "idle" and record > 0:
                out += [(rates["look"] * share, to) for share, to in tries(state, e, 0, record, floor)]
            elif what == "waits":
                out += [(rates["back_off"] * share, to) for share, to in tries(state, e, age, record, floor)]
            elif what == "writes" and age > floor:
                out.append((rates["transaction"], with_(state, e, idle, record, floor) if refuse_empty else None))
            elif what == "writes":
                out.append((rates["transaction"], with_(state, e, ("cleans", age), age, floor)))
            elif what == "cleans":
                left = min(floor, age + keep - 1)
                out.append((rates["clean_up"], None if record > left else with_(state, e, idle, record, left)))
        return out

    number = {start: 0}
    todo, entries = [start], []
    while todo:
        state = todo.pop()
        for rate, after in steps(state):
            if after is not None and after not in number:
                number[after] = len(number)
                todo.append(after)
            entries.append((number[state], -1 if after is None else number[after], rate))
    n = len(number)
    rows = [i for i, j, _ in entries if j >= 0] + [i for i, _, _ in entries]
    columns = [j for _, j, _ in entries if j >= 0] + [i for i, _, _ in entries]
    values = [rate for _, j, rate in entries if j >= 0] + [-rate for _, _, rate in entries]
    generator = sparse.csc_matrix((values, (rows, columns)), (n, n))
    return stage.YEAR_S / float(linalg.spsolve(generator, -np.ones(n))[0])


def holds(found: stage.Rate, exact: float) -> bool:
    return found.low <= exact <= found.high


@pytest.mark.parametrize(("keep", "guardrails", "loses"), [(2, (), 0.0), (3, ("refuse-empty",), 0.3), (4, (), 0.3)])
def test_brute_force_and_splitting_meet_the_exact_chain(keep: int, guardrails: tuple[str, ...], loses: float) -> None:
    dns = race(keep, guardrails, lock={"loses": loses, "loses_again": loses})
    exact = exact_per_year(keep, bool(guardrails), loses)
    brute = stage.by_brute_force(dns, years=4, seed=5)
    assert holds(brute, exact), (brute, exact)
    split = stage.by_splitting(dns, years=0.02, seed=5, trials=500, repeats=20)
    assert holds(split, exact), (split, exact)


@pytest.mark.parametrize(("keep", "years"), [(11, 0.001), (18, 0.01)])
@pytest.mark.slow
def test_splitting_sees_what_brute_force_cannot(keep: int, years: float) -> None:
    dns = race(keep)
    exact = exact_per_year(keep)
    split = stage.by_splitting(dns, years=years, seed=5, trials=2000, repeats=20)
    assert exact * split.years < 3  # so few would brute force see in the same years
    assert holds(split, exact), (split, exact)
    assert split.high - split.low < 0.7 * exact


def test_splitting_meets_brute_force_with_heavy_tails_and_unfair_back_off() -> None:
    delays = {
        "plan": "60s",
        "look": {"dist": "uniform", "min": "1s", "max": "30s"},
        "transaction": {"dist": "lognormal", "mean": "2s", "cv": 2.0},
        "back_off": {"dist": "weibull", "mean": "10s", "shape": 0.7},
        "clean_up": {"dist": "pareto", "mean": "2s", "tail": 2.5},
    }
    lock = {"loses": "2%", "loses_again": "60%", "factor": 2.0, "cap": "1h"}
    dns = race(6, ("refuse-empty",), enactors=3, endpoints=2, delays=delays, lock=lock)
    brute = stage.by_brute_force(dns, years=8, seed=1)
    split = stage.by_splitting(dns, years=0.1, seed=1, trials=1000, repeats=20)
    assert brute.empty > 100
    assert split.low < brute.high
    assert split.high > brute.low


@pytest.mark.parametrize("guardrails", [("compare-and-set",), ("keep-active", "refuse-empty")])
def test_what_is_impossible_never_happens(guardrails: tuple[str, ...]) -> None:
    assert not stage.explore(2, 1, 5, 1, guardrails).is_possible
    assert stage.by_brute_force(race(1), years=0.2, seed=1).empty > 100
    assert stage.by_brute_force(race(1, guardrails), years=0.5, seed=1).empty == 0


def test_threads_change_nothing() -> None:
    dns = race(3)
    one, two = (stage.by_splitting(dns, years=0.01, seed=3, trials=200, repeats=4, threads=n) for n in (1, 2))
    assert repr(one) == repr(two)  # nan stands for what splitting does not measure
    one, two = (stage.by_brute_force(dns, years=0.1, seed=3, replications=3, threads=n) for n in (1, 2))
    assert repr(one) == repr(two)  # nan stands for what splitting does not measure


DISTS = [
    exponential(1e9),
    Dist(draws.UNIFORM, 1e8, 2e9, 0, 0),
    Dist(draws.LOGNORMAL, 20.0, 1.5, 0, 0),
    Dist(draws.WEIBULL, 1e9, 0.6, 0, 0),
    Dist(draws.PARETO, 3e8, 1.5, 0, 0),
    Dist(draws.EMPIRICAL, 0.0, 0.0, 0, 500),
]


@pytest.mark.parametrize("dist", DISTS, ids=lambda dist: str(dist.kind))
def test_a_timer_that_is_drawn_again_has_the_rest_of_its_distribution(dist: Dist) -> None:
    # Oracle: the same distribution, drawn as usual, without those that are shorter.
    table = np.sort(np.random.default_rng(1).exponential(1e9, 500))
    uniforms = (np.arange(20_000) + 0.5) / 20_000
    plain = np.array([draws.quantile(dist, table, u) for u in uniforms])
    least = float(np.quantile(plain, 0.7))
    longer = np.array([kernel._longer(dist, table, least, u) for u in uniforms[::4]])
    assert longer.min() >= least
    assert stats.ks_2samp(longer, plain[plain > least]).statistic < 0.01
    assert kernel._longer(constant(7.0), table, 3.0, 0.5) == 7.0


def test_latency_is_the_sum_of_its_steps() -> None:
    # All constant: a plan a minute, looks every 7 s, one endpoint: the plan is there within a look and a transaction.
    delays = {"plan": "60s", "look": "7s", "transaction": "2s", "back_off": "1s", "clean_up": "1s", "check": "3s"}
    for guardrails, took in itertools.product([()], [2.0]):
        found = stage.by_brute_force(race(5, guardrails, delays=delays), years=0.01, seed=1)
        assert took <= found.latency_p50_s <= took + 7.2
    plain = stage.by_brute_force(race(5, (), delays=delays), years=0.01, seed=1)
    guarded = stage.by_brute_force(race(5, ("compare-and-set",), delays=delays), years=0.01, seed=1)
    assert plain.latency_mean_s < guarded.latency_mean_s
