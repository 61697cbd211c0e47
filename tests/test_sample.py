"""A sample of the hosts stands for the whole fleet.

Oracles: the full run (exact where all hosts are in the sample, else by the coverage of the intervals), and single
hosts, run one by one and added up with fractions.
"""

import math
import tracemalloc
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy import stats

from kernels import requests
from recovery import pipeline, scenario, text
from recovery.estimate import estimate
from recovery.stages import leases, queueing
from recovery.units import ns, show_duration

BASE = """
horizon = "2h"
hold = "5m"
coupling.window = "{window}"
fleet = {{ droplets = {droplets}, hosts = {hosts}, zones = {zones}, skew = {skew}{sample} }}
lease = {{ duration = {{ dist = "uniform", min = "5m", max = "20m" }}, check_every = "2m", check_jitter = "10%" }}
dependency.outages = [{{ from = "0s", to = "30m" }}]
policy.client = {{ name = "full-jitter", base = "5s", cap = "8m" }}
operator = [{operator}]
[host]
workers = 2
establish_time = {{ dist = "exponential", mean = "{establish}" }}
renew_time = "40ms"
timeout = "2m"
cancel_on_timeout = true
fail_after = "100ms"
"""
WAVES = '{ do = "restart", at = "32m", waves = 3, every = "4m", down_for = "1m" }'
LOOKS = (
    '{ do = "restart", when = "leased < 80%", waves = 3, every = "4m" }, '
    '{ do = "pause", when = "leased < 50%", for = "5m", lasts = "4m", zone = 1 }'
)


def fleet(sample: int | None = None, **changes: Any) -> scenario.World:
    values: dict[str, Any] = {
        "window": "10s", "droplets": 1201, "hosts": 24, "zones": 2, "skew": 0.0, "operator": WAVES,
        "establish": "500ms",
    } | changes  # fmt: skip
    return scenario.parse(BASE.format(sample=f", sample_hosts = {sample}" if sample else "", **values)).first


def run(world: scenario.World, seed: int = 1, threads: int = 1) -> pipeline.Outcome:
    with pipeline.Runner(threads) as runner:
        return next(runner.run([(world, seed, 0)]))


def facts(outcome: pipeline.Outcome) -> tuple[Any, ...]:
    """All that a run gave, save the time that it took."""
    arrays = [*outcome.series.values(), outcome.leased_by_zone, outcome.droplets_by_zone, outcome.sojourn]
    arrays += [outcome.latency, outcome.unleased_at_start]
    return [array.tobytes() for array in arrays], outcome.unleased_ns, outcome.actions


FLEETS = [
    {},
    {"skew": 0.7},
    {"zones": 3, "skew": 0.3},
    {"hosts": 23, "zones": 5, "operator": LOOKS},
    {"hosts": 40, "zones": 1, "operator": ""},
]


@pytest.mark.parametrize("changes", FLEETS)
@pytest.mark.parametrize("sample", [10, 13, 20, 23])
def test_weights_sum_to_the_fleet_and_every_stratum_is_looked_at_twice(changes: dict[str, Any], sample: int) -> None:
    world = fleet(sample, **changes).scenario
    assert world.fleet is not None
    sizes = leases.droplets_of(world)
    for seed in range(5):
        strata = leases.strata(world, seed, 0)
        simulated = np.concatenate([stratum.hosts for stratum in strata])
        assert len(simulated) == len(set(simulated.tolist())) == sample
        assert sum(stratum.of_hosts for stratum in strata) == world.fleet.hosts
        assert sum(stratum.of_droplets for stratum in strata) == world.fleet.droplets
        for stratum in strata:
            assert set(stratum.hosts % world.fleet.zones) == {stratum.zone}
            assert stratum.droplets == sizes[stratum.hosts].sum()
            assert min(2, stratum.of_hosts) <= len(stratum.hosts) <= stratum.of_hosts


def test_waves_are_strata_where_there_is_room_and_are_spread_over_where_there_is_none() -> None:
    def waves(stratum: leases.Stratum, world: scenario.World) -> list[Any]:
        return [tuple(queueing.controls_of(world.scenario, int(host), ())) for host in stratum.hosts]

    roomy, tight = fleet(12), fleet(6)
    strata = leases.strata(roomy.scenario, 1, 0)
    assert len(strata) == 6  # two zones, three waves
    assert all(len(set(waves(stratum, roomy))) == 1 for stratum in strata)
    strata = leases.strata(tight.scenario, 1, 0)
    assert len(strata) == 2  # two zones
    assert all(len(set(waves(stratum, tight))) == 3 for stratum in strata)


def test_every_host_has_its_turn() -> None:
    world = fleet(8, skew=0.5).scenario
    met = {int(h) for seed in range(200) for stratum in leases.strata(world, seed, 0) for h in stratum.hosts}
    assert met == set(range(24))


@pytest.mark.parametrize("operator", ["", WAVES, LOOKS], ids=["free", "waves", "conditions"])
@pytest.mark.parametrize("skew", [0.0, 0.7])
def test_a_sample_of_all_hosts_is_the_full_run(operator: str, skew: float) -> None:
    full, some = (run(fleet(sample, operator=operator, skew=skew, zones=3)) for sample in (None, 24))
    assert facts(full) == facts(some)
    row, other = full.measure(), some.measure()
    assert {name: value for name, value in other.items() if name in row} == row
    assert {name for name in other if name not in row} == {
        f"ttr{depth}_{end}_s" for depth in (50, 90, 99, 100) for end in ("low", "high")
    }
    assert all(other[name] == row[name[: name.index("_")] + "_s"] for name in other if name not in row)


def alone(world: scenario.World, host: int, droplets: int) -> Any:
    """One host of the full fleet, run by itself."""
    controls = queueing.controls_of(world.scenario, host, ())
    lonely = leases.start(world.scenario, 1, 0, host, droplets, controls)
    lonely.advance(world.scenario.windows * ns(world.scenario.coupling.window))
    return lonely.host


@pytest.mark.parametrize("skew", [0.0, 0.7])
def test_the_sample_is_the_very_same_hosts_scaled_and_rounded_once(skew: float) -> None:
    world = fleet(11, skew=skew)
    outcome = run(world)
    sizes = leases.droplets_of(fleet(skew=skew).scenario)
    windows = world.scenario.windows
    series = np.zeros((windows, requests.SERIES), np.int64)
    oldest = np.zeros(windows, np.int64)
    sojourn = np.zeros(requests.HISTOGRAM, np.int64)
    variance = np.zeros(windows)
    freedom = 0
    for stratum in leases.strata(world.scenario, 1, 0):
        hosts = [alone(world, int(h), int(sizes[h])) for h in stratum.hosts]
        weight = Fraction(stratum.of_droplets, int(sizes[stratum.hosts].sum()))

        def scaled(values: np.ndarray, weight: Fraction = weight) -> np.ndarray:
            half = Fraction(1, 2)
            flat = [math.floor(int(value) * weight + half) for value in values.ravel()]
            return np.array(flat).reshape(values.shape)

        rows = [host.series[:windows] for host in hosts]
        series += scaled(np.sum(rows, axis=0))
        sojourn += scaled(np.sum([host.histogram for host in hosts], axis=0))
        oldest = np.max([oldest, *(row[:, requests.OLDEST_NS] for row in rows)], axis=0)
        if len(hosts) < stratum.of_hosts:
            freedom += len(hosts) - 1
            leased = np.array([row[:, requests.LEASED_END] for row in rows])
            of = sizes[stratum.hosts][:, None]
            rest = leased - leased.sum(axis=0) / of.sum() * of
            sparse = 1 - len(hosts) / stratum.of_hosts
            variance += float(weight) ** 2 * len(hosts) * sparse * (rest**2).sum(axis=0) / (len(hosts) - 1)
    series[:, requests.OLDEST_NS] = oldest
    for column, name in enumerate(pipeline.COLUMNS):
        assert (outcome.series[name] == series[:, column]).all(), name
    assert (outcome.sojourn == sojourn).all()
    assert (outcome.leased_by_zone.sum(axis=0) == outcome.series["leased"]).all()
    assert outcome.freedom == freedom
    np.testing.assert_allclose(outcome.deviation, np.sqrt(variance) / 1201, rtol=1e-6, atol=1e-9)


def test_a_sample_that_is_fully_leased_is_a_whole_fleet() -> None:
    world = fleet(7, zones=3, skew=0.4)
    outcome, row = run(world), run(world).measure()
    assert row["leased_end_share"] == 1
    assert (outcome.leased_by_zone[:, -1] == outcome.droplets_by_zone).all()
    full = run(fleet(zones=3, skew=0.4))
    assert (outcome.droplets_by_zone == full.droplets_by_zone).all()
    assert outcome.weight @ leases.droplets_of(world.scenario) == pytest.approx(1201, rel=1e-12)


def test_the_fluid_bound_is_the_whole_fleets() -> None:
    # All hosts are alike, and all leases have run out when the dependency is back: no chance is left in the bound.
    full, some = (run(fleet(sample, droplets=1200)).measure() for sample in (None, 6))
    assert some["fluid_bound_s"] == pytest.approx(full["fluid_bound_s"], rel=1e-9)
    assert full["leased_min_share"] == some["leased_min_share"] == 0


@pytest.mark.parametrize("operator", [WAVES, LOOKS], ids=["waves", "conditions"])
@pytest.mark.parametrize("sample", [None, 10])
def test_threads_change_no_bit(operator: str, sample: int | None) -> None:
    world = fleet(sample, operator=operator, skew=0.7)
    first, *others = (run(world, threads=threads) for threads in (1, 2, 4))
    for other in others:
        assert facts(other) == facts(first)
        assert repr(other.measure()) == repr(first.measure())  # repr: nan is like nan


def test_operators_look_at_the_whole_fleet() -> None:
    outcome = run(fleet(6, establish="20s", operator='{ do = "restart", when = "queue > 400" }'))
    queue = outcome.series["queue"]
    assert queue.max() > 400 > queue.max() / 4  # the sample's own hosts have a quarter of it, which sets off nothing
    assert outcome.actions == [("restart", float(outcome.times_s[np.argmax(queue > 400)]))]


@pytest.mark.parametrize("sample", [6, 24, None])
def test_the_interval_of_a_sample_is_told_and_that_of_all_hosts_is_none(sample: int | None) -> None:
    outcome = run(fleet(sample))
    row = outcome.measure()
    numbers = {name: {"mean": value} for name, value in row.items() if isinstance(value, float)}
    for depth in text.DEPTHS:
        name = f"ttr{depth}"
        told = text.sample_span({"runs": 1, "measures": numbers}, f"{name}_s")
        low, high = row.get(f"{name}_low_s", 0.0), row.get(f"{name}_high_s", 0.0)
        span = (
            f"{show_duration(low)} or later" if math.isnan(high) else f"{show_duration(low)} to {show_duration(high)}"
        )
        assert told == (span if sample == 6 else "")
        assert text.sample_span({"runs": 2, "measures": numbers}, f"{name}_s") == ""


def test_progress_is_told_in_hosts_that_are_simulated() -> None:
    for operator in (WAVES, LOOKS):
        done: list[float] = []
        world = fleet(6, operator=operator)
        with pipeline.Runner(2, done.append) as runner:
            list(runner.run([(world, 1, 0), (world, 2, 0)]))
        assert done[-1] == pytest.approx(2 * pipeline.simulated_hosts(world.scenario)) == 12


def test_the_estimate_is_of_the_sample() -> None:
    full, some = (estimate(fleet(sample, operator=LOOKS).scenario, 2) for sample in (None, 6))
    assert (full.hosts_in_flight, some.hosts_in_flight) == (24, 6)
    assert some.events == full.events / 4
    assert some.memory_bytes < full.memory_bytes


@pytest.mark.parametrize("operator", ["", LOOKS], ids=["free", "conditions"])
def test_memory_grows_with_hosts_in_flight_and_not_with_hosts_times_windows(operator: str) -> None:
    world = fleet(droplets=64, hosts=32, operator=operator)
    run(fleet(droplets=2, hosts=2, operator=operator))  # compiled, imported
    tracemalloc.start()
    run(world)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    series = world.scenario.windows * requests.SERIES * 8
    assert peak < 0.75 * 32 * series


@pytest.mark.parametrize("sample", [1, 3, 25])
def test_a_sample_that_cannot_be_is_refused(sample: int) -> None:
    with pytest.raises(scenario.ScenarioError, match=rf"sample_hosts is {sample}; want 4 \(two a zone\) to .* 24"):
        fleet(sample)


def test_the_least_sample_of_few_hosts_is_all() -> None:
    strata = leases.strata(fleet(3, hosts=3, operator="").scenario, 1, 0)
    assert [stratum.hosts.tolist() for stratum in strata] == [[0, 2], [1]]


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"sample": 12, "operator": ""},
        {"sample": 20, "operator": "", "hosts": 200, "droplets": 12_000, "establish": "800ms"},
        {"sample": 12},
        {"sample": 12, "zones": 3},
        {"sample": 12, "skew": 0.5},
        {"sample": 10, "zones": 3, "skew": 0.3},
    ],
    ids=["alike", "one in ten", "waves", "waves merged", "skew", "all at once"],
)
def test_intervals_cover_the_full_run(changes: dict[str, Any]) -> None:
    """Of 300 fleets at least so many as 95 % would give but once in a thousand times. An interval may cover more: it is
    wide where the share is near 1, its ends lie on the grid, and spreading the hosts does better than chance. But it
    must say something: a high end that is not told covers nothing.
    """
    changes = {"droplets": 2400, "window": "2s"} | changes
    sample = changes.pop("sample")
    full, some = fleet(**changes), fleet(sample, **changes)
    fleets = 300
    with pipeline.Runner(2) as runner:
        rows = [outcome.measure() for outcome in runner.run([(w, s, 0) for s in range(fleets) for w in (full, some)])]
    for name in ("ttr50", "ttr90", "ttr99"):
        pairs = [(row[f"{name}_s"], other) for row, other in zip(rows[::2], rows[1::2], strict=True)]
        told = [(time, other) for time, other in pairs if not math.isnan(other[f"{name}_high_s"])]
        covered = sum(other[f"{name}_low_s"] <= time <= other[f"{name}_high_s"] for time, other in told)
        print(f"{name}: {covered} of {len(told)} intervals cover")
        width_s = np.mean([other[f"{name}_high_s"] - other[f"{name}_low_s"] for _, other in told])
        assert covered >= stats.binom.ppf(0.001, len(told), 0.95), (name, covered, len(told))
        assert len(told) >= 0.8 * fleets
        assert width_s < 0.5 * np.mean([time for time, _ in told])
    assert all(row["ttr100_s"] >= other["ttr100_low_s"] for row, other in zip(rows[::2], rows[1::2], strict=True))
