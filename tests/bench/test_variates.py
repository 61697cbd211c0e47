"""What a draw of each law costs: in batches, as lanes, propagation and health checks make them, and one at a time, as
the event engine does. Speeds are noted, never asserted.

Times are processor time, and hold the random bits of the draw's address.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from recovery_kernels import draws
from recovery_kernels.draws import Dist
from recovery_kernels.jit import kernel

LAWS = {
    "uniform": Dist(draws.UNIFORM, 2.0, 5.0, 0, 0),
    "exponential": Dist(draws.EXPONENTIAL, 3.0, 0.0, 0, 0),
    "lognormal": Dist(draws.LOGNORMAL, 0.5, 0.8, 0, 0),
    "weibull": Dist(draws.WEIBULL, 2.0, 1.7, 0, 0),
    "pareto": Dist(draws.PARETO, 2.0, 3.5, 0, 0),
    "empirical": Dist(draws.EMPIRICAL, 0.0, 0.0, 0, 1_000),
}
BATCH = 64
BATCHES = 20_000
ROUNDS = 15
GOAL = "6"
DRAWS = f"draws in batches of {BATCH}, and one at a time"
KEY = np.uint64(42)

_clock_s = [0.0]


def clock_s() -> float:
    """Goes on by the cost of one draw of a batch."""
    return _clock_s[0]


@kernel
def side_by_side(dist, table, key, batches, uniforms, values):  # type: ignore[no-untyped-def]
    """Draw so many batches, each as large as `values` (float64[n]); the sum of the first draws of all."""
    total = 0.0
    for batch in range(batches):
        for i in range(values.shape[0]):
            uniforms[np.uint64(i)] = draws.uniform(key, batch * values.shape[0] + i, 0)
        draws.quantiles(dist, table, uniforms, values, values.shape[0])
        total += values[0]
    return total


@kernel
def one_by_one(dist, table, key, batches, values):  # type: ignore[no-untyped-def]
    """The same draws, each by itself, and the same sum."""
    total = 0.0
    for batch in range(batches):
        for i in range(values.shape[0]):
            values[np.uint64(i)] = draws.draw(dist, table, key, batch * values.shape[0] + i, 0)
        total += values[0]
    return total


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.benchmark(group=DRAWS, timer=clock_s)
def test_draws(benchmark: Any, table: dict[str, Any], tell: Any, law: str) -> None:
    dist, measured = LAWS[law], np.random.default_rng(1).exponential(size=1_000)
    uniforms, values = np.empty(BATCH), np.empty(BATCH)
    count = BATCH * BATCHES
    batch_ns: list[float] = []
    single_ns: list[float] = []

    def once() -> None:
        begun = time.thread_time()
        batched = side_by_side(dist, measured, KEY, np.int64(BATCHES), uniforms, values)
        between = time.thread_time()
        single = one_by_one(dist, measured, KEY, np.int64(BATCHES), values)
        single_ns.append((time.thread_time() - between) / count * 1e9)
        batch_ns.append((between - begun) / count * 1e9)
        assert batched == single
        _clock_s[0] += batch_ns[-1] * 1e-9

    once()  # loads the kernels
    batch_ns.clear()
    single_ns.clear()
    benchmark.pedantic(once, rounds=ROUNDS)
    benchmark.extra_info.update(batch_ns=min(batch_ns), single_ns=min(single_ns))
    tell(f"draws, {law}", min(batch_ns), "ns a draw")
    tell(f"draws, {law}", min(single_ns), "ns a draw", "recovery, one at a time")
    row = {"law": law, "ns a draw": f"{min(batch_ns):.1f}", "one at a time": f"{min(single_ns):.1f}", "goal": GOAL}
    table[DRAWS].append(row)
