"""Peaks are running maxima, and work that meets at one moment costs what it is.

Oracles: a burst into a queue with constant times (D/D/1), the sorted list of Python, a bound on comparisons.
"""

import math
import random

import numpy as np
import pytest
from recovery_kernels import batches

from recovery.reading.experiment import parse
from recovery.simulate import pipeline

BURST = """
horizon = "1m"
hold = "10s"
recovers_from = "1s"
jobs = { arrivals = "even", steps = [{ at = "0s", rate = "1000/s" }, { at = "1s", rate = "0/s" }] }
host = { workers = 1, establish_time = "2ms", timeout = "1h" }
"""


def test_a_peak_between_two_ends_of_windows() -> None:
    """A thousand jobs in a second, 2 ms each: half of them wait at its end, the last for a second."""
    with pipeline.Runner(1) as runner:
        outcome = next(runner.run([(parse(BURST).variants[0], 1, 0)]))
    row = outcome.measure()
    assert outcome.series["queue"].max() == 0
    assert row["queue_peak"] == pytest.approx(500, abs=2)
    assert row["backlog_peak"] == pytest.approx(501, abs=2)
    assert row["oldest_peak_s"] == pytest.approx(1.0, abs=0.004)


def test_hosts_add_up_their_peaks_of_a_window() -> None:
    """Of a fleet the peak is never below what waits at one time, and of hosts that are alike it is their sum."""
    one, four = (
        parse(BURST.replace("jobs = {", f"jobs = {{ hosts = {hosts},").replace("1000/s", f"{1000 * hosts}/s"))
        for hosts in (1, 4)
    )
    with pipeline.Runner(1) as runner:
        alone, together = (o.measure() for o in runner.run([(e.variants[0], 1, 0) for e in (one, four)]))
    assert together["queue_peak"] == pytest.approx(4 * alone["queue_peak"], abs=8)
    assert together["oldest_peak_s"] == pytest.approx(alone["oldest_peak_s"], abs=0.004)


def places(kind: str, count: int) -> list[int]:
    """Identities in the order in which they wait."""
    if kind == "rising":
        return list(range(count))
    if kind == "falling":
        return list(range(count, 0, -1))
    if kind == "blocks":  # what was put there in eight windows, the newest first
        return [i for block in range(8) for i in range(count // 8 * 8 + block, 0, -8)]
    return random.Random(1).sample(range(count), count)


@pytest.mark.nojit
@pytest.mark.parametrize("kind", ["rising", "falling", "blocks", "mixed"])
@pytest.mark.parametrize("count", [500, 4000])
def test_comparisons_of_what_meets_at_one_nanosecond(kind: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most a few n log n, where inserting one after the other would take n²/4."""
    asked = 0

    def is_before(times: np.ndarray, identities: np.ndarray, one: int, other: int) -> bool:
        nonlocal asked
        asked += 1
        return (times[one], identities[one]) < (times[other], identities[other])

    monkeypatch.setattr(batches, "is_before", is_before)
    monkeypatch.setattr(batches, "_merge", getattr(batches._merge, "py_func", batches._merge))
    monkeypatch.setattr(batches, "place", int)
    sort_window = getattr(batches.sort_window, "py_func", batches.sort_window)
    identities = np.array(places(kind, count), np.int64)
    here = len(identities)
    order, scratch = np.zeros(here, np.int64), np.zeros(3 * here + 1, np.int64)
    sort_window(np.full(here, 5000), identities, here, 5000, 1000, order, scratch)
    assert identities[order].tolist() == sorted(places(kind, count))
    runs = {"rising": 1, "falling": 1, "blocks": 8, "mixed": count}[kind]
    assert asked <= 3 * here * (1 + math.ceil(math.log2(runs + 1)))
