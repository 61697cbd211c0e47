"""How much sooner the lane engine is done than the event engine on one host of each variant of October's leases, in
turn, with the same draws and the same series. Speeds are noted, never asserted.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recovery_kernels.lanes import rules

from recovery.model.scenario import Scenario
from recovery.reading.experiment import load
from recovery.stages import known, leases
from recovery.stages.engines import EVENTS, LANES, engine_of
from recovery.statistics.arrays import Whole
from recovery.units import ns

FILE = Path(__file__).resolve().parents[2] / "experiments" / "us-east-1-2025-10-leases.toml"
ROUNDS = 3
OCTOBER = "October's leases, one host of each variant"
GOAL = "2.0"


def run(scenario: Scenario, seed: int) -> tuple[float, Whole]:
    """Processor time of the first host, s, and its series."""
    begun = time.thread_time()
    host = known.traffic_of(scenario).start(scenario, seed, 0, 0, int(leases.holders_of(scenario)[0]))
    host.advance(scenario.windows * ns(scenario.coupling.window))
    host.close()
    return time.thread_time() - begun, host.series


@pytest.mark.benchmark(group=OCTOBER)
def test_october(benchmark: Any, table: dict[str, Any], tell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    carries = rules.carries
    best: dict[str, dict[str, float]] = {}
    # A file for each engine: what is made of a scenario is kept, the choice of its engine too.
    files = {LANES: load(FILE), EVENTS: load(FILE)}

    def once() -> None:
        for variants in zip(*(file.variants for file in files.values()), strict=True):
            series: list[Whole] = []
            for engine, variant in zip(files, variants, strict=True):
                monkeypatch.setattr(rules, "carries", carries if engine == LANES else lambda *_: False)
                spent, own = run(variant.scenario, files[engine].head.seed)
                times = best.setdefault(variant.name, {})
                times[engine] = min(times.get(engine, math.inf), spent)
                series.append(own)
            assert np.array_equal(*series)

    once()  # loads the kernels
    best.clear()
    benchmark.pedantic(once, rounds=ROUNDS)
    monkeypatch.setattr(rules, "carries", carries)
    on_lanes = {one.name: engine_of(one.scenario) == LANES for one in load(FILE).variants}
    times_as_quick = {name: times[EVENTS] / times[LANES] if on_lanes[name] else 1.0 for name, times in best.items()}
    for name, times in best.items():
        tell(f"October's leases, one host: {name}", times[LANES if on_lanes[name] else EVENTS], "s")
        if on_lanes[name]:
            tell(f"October's leases, one host: {name}", times[EVENTS], "s", "recovery, events")
        row = {"variant": name, "lanes, s": f"{times[LANES]:.3f}" if on_lanes[name] else ""}
        row |= {"events, s": f"{times[EVENTS]:.3f}", "times": f"{times_as_quick[name]:.2f}"}
        table[OCTOBER].append(row)
    mean = math.exp(sum(map(math.log, times_as_quick.values())) / len(times_as_quick))
    table[OCTOBER].append({"variant": "geometric mean", "times": f"{mean:.2f}", "goal": GOAL})
