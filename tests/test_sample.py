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
from recovery_kernels import requests
from run_records import group_of
from scipy import stats

from recovery.errors import ScenarioError
from recovery.measures import leased_curve
from recovery.model.variant import Variant
from recovery.reading.experiment import parse
from recovery.show import text
from recovery.simulate import pipeline, sums
from recovery.simulate.estimate import estimate
from recovery.stages import leases, queueing, traffic
from recovery.stages import sample as sampling
from recovery.stages.stage import Act
from recovery.units import ns, show_duration

BASE = """
horizon = "2h"
hold = "5m"
coupling.window = "{window}"
fleet = {{ holders = {holders}, hosts = {hosts}, zones = {zones}, skew = {skew}{sample} }}
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


def fleet(sample: int | None = None, **changes: Any) -> Variant:
    values: dict[str, Any] = {
        "window": "10s", "holders": 1201, "hosts": 24, "zones": 2, "skew": 0.0, "operator": WAVES,
        "establish": "500ms",
    } | changes  # fmt: skip
    return parse(BASE.format(sample=f", sample_hosts = {sample}" if sample else "", **values)).first


def run(variant: Variant, seed: int = 1, threads: int = 1) -> pipeline.Outcome:
    with pipeline.Runner(threads) as runner:
        return next(runner.run([(variant, seed, 0)]))


def facts(outcome: pipeline.Outcome) -> tuple[Any, ...]:
    """All that a run gave, save the time that it took."""
    arrays = [
        *outcome.series.values(),
        outcome.traffic.leased_by_zone,
        outcome.traffic.holders_by_zone,
        outcome.traffic.sojourn,
    ]
    arrays += [outcome.traffic.latency, outcome.traffic.unleased_at_start]
    return [array.tobytes() for array in arrays], outcome.traffic.unleased_ns, outcome.actions


FLEETS = [
    {},
    {"skew": 0.7},
    {"zones": 3, "skew": 0.3},
    {"hosts": 23, "zones": 5, "operator": LOOKS},
    {"hosts": 40, "zones": 1, "operator": ""},
]


def sample_of(variant: Variant, seed: int = 1) -> sampling.Sample:
    found = sampling.choose(variant.scenario, seed, 0)
    assert found is not None
    return found


def waves(variant: Variant, hosts: Any) -> list[Any]:
    return [tuple(queueing.controls_of(variant.scenario, int(host), ())) for host in hosts]


@pytest.mark.parametrize("changes", FLEETS)
@pytest.mark.parametrize("size", [10, 13, 20, 22])
def test_a_sample_stands_for_every_holder_once(changes: dict[str, Any], size: int) -> None:
    variant = fleet(size, **changes).scenario
    assert variant.fleet is not None
    zones, sizes = variant.fleet.zones, leases.holders_of(variant)
    for seed in range(5):
        found = sampling.choose(variant, seed, 0)
        assert found is not None
        assert len(found.hosts) == len(set(found.hosts.tolist())) == size
        own = np.bincount(np.arange(len(sizes)) % zones, sizes, zones)
        assert (found.stands_for.sum(axis=1) == own).all()
        assert (found.stands_for[found.hosts % zones, np.arange(size)] >= sizes[found.hosts]).all()
        assert found.holders.sum() == sizes.sum() - sizes[found.hosts].sum()


@pytest.mark.parametrize("skew", [0.5, 1.0, 1.5, 2.0])
def test_the_largest_hosts_are_always_taken(skew: float) -> None:
    """What is always taken is the same for every seed, and no host beside it is larger."""
    variant = fleet(10, hosts=60, skew=skew, operator="", zones=1)
    sizes = leases.holders_of(variant.scenario)
    always = [found.hosts[found.always].tolist() for found in (sample_of(variant, seed) for seed in range(40))]
    assert all(hosts == always[0] for hosts in always)
    assert 1 <= len(always[0]) <= 9
    assert sizes[always[0]].min() >= np.delete(sizes, always[0]).max()
    drawn = [len(set(sample_of(variant, seed).hosts) - set(always[0])) for seed in range(40)]
    assert set(drawn) == {10 - len(always[0])}


@pytest.mark.parametrize("skew", [0.0, 0.5, 2.0])
def test_a_host_is_drawn_as_often_as_it_has_holders(skew: float) -> None:
    """The chance to be drawn is proportional to the size, and equal for equal sizes: counts against the binomial."""
    variant, seeds = fleet(10, hosts=60, skew=skew, operator="", zones=1), 600
    sizes = leases.holders_of(variant.scenario)
    counts, always = np.zeros(60), np.zeros(60, bool)
    for seed in range(seeds):
        found = sample_of(variant, seed)
        counts[found.hosts] += 1
        always[found.hosts[found.always]] = True
    rest = np.where(always, 0, sizes if skew else 1)
    chance = (10 - always.sum()) * rest / rest.sum()
    low, high = stats.binom.ppf(1e-5, seeds, chance), stats.binom.ppf(1 - 1e-5, seeds, chance)
    assert (counts[always] == seeds).all()
    assert ((low <= counts) & (counts <= high))[~always].all()


def test_a_host_stands_for_those_that_are_next_in_size() -> None:
    """Linear by the logarithm of the size: what is such a function of size is told exactly between two hosts."""
    variant = fleet(10, hosts=60, skew=1.5, operator="", zones=1)
    sizes, found = leases.holders_of(variant.scenario).astype(float), sample_of(variant)
    inside = sizes >= sizes[found.hosts].min()
    level = 3 + 0.5 * np.log(np.maximum(sizes, sizes[found.hosts].min()))  # what is smaller is as the smallest
    told = (found.stands_for.sum(axis=0) * level[found.hosts]).sum()
    assert inside.sum() > 50
    assert told == pytest.approx((sizes * level).sum(), rel=2e-3)  # holders are whole


def test_waves_are_cells_where_there_is_room_and_fall_together_where_there_is_none() -> None:
    roomy, tight = fleet(6), fleet(4)
    found = sample_of(roomy)
    assert len(set(found.cell.tolist())) == 3
    for cell in range(3):
        assert len(set(waves(roomy, found.hosts[found.cell == cell]))) == 1
    assert set(sample_of(tight).cell.tolist()) == {0}


@pytest.mark.parametrize(
    "operator",
    [WAVES, LOOKS, WAVES + ", " + LOOKS, WAVES.replace("{ do", "{ share = 0.5, zone = 1, do")],
    ids=["waves", "looks", "both", "half of a zone"],
)
def test_hosts_are_of_one_cell_where_they_have_the_very_same_controls(operator: str) -> None:
    scenario = fleet(8, operator=operator, hosts=31, zones=3).scenario
    begun = queueing.begun_at_once(scenario)
    own = [tuple(queueing.controls_of(scenario, host, begun)) for host in range(31)]
    assert queueing.alike(scenario, begun) == [[*dict.fromkeys(own)].index(one) for one in own]


@pytest.mark.parametrize("largest", [50, 10**9, 2**62 // 10**9 + 1])
def test_scaled_sums_are_exact_and_rounded_once(largest: int) -> None:
    """Also where a number times what it stands for is larger than 64 bits hold."""
    values, of, by = np.random.default_rng(1).integers(0, largest + 1, 500), 10**9 - 1, 3 * 10**8 + 1
    values[0] = largest
    scaled = sums._Scaled((500,))
    scaled.add(values, of, by)
    scaled.add(values[::-1], 1, 2)
    exact = [Fraction(int(a) * of, by) + Fraction(int(b), 2) for a, b in zip(values, values[::-1], strict=True)]
    near = 3 * Fraction(1, 1 << sums.PART)
    assert all(abs(int(got) - want) <= Fraction(1, 2) + near for got, want in zip(scaled.value(), exact, strict=True))


def test_every_host_has_its_turn() -> None:
    variant = fleet(8, skew=0.5)
    met = {int(host) for seed in range(400) for host in sample_of(variant, seed).hosts}
    assert met == set(range(24))


@pytest.mark.parametrize("operator", ["", WAVES, LOOKS], ids=["free", "waves", "conditions"])
@pytest.mark.parametrize("skew", [0.0, 0.7])
def test_a_sample_of_all_hosts_is_the_full_run(operator: str, skew: float) -> None:
    full, some = (run(fleet(sample, operator=operator, skew=skew, zones=3)) for sample in (None, 24))
    assert facts(full) == facts(some)
    row, other = full.measure(), some.measure()
    assert repr(other) == repr(row)  # repr: nan is like nan


def alone(variant: Variant, host: int, holders: int) -> Any:
    """One host of the full fleet, run by itself."""
    controls = queueing.controls_of(variant.scenario, host, ())
    lonely = leases.start(variant.scenario, 1, 0, host, holders, controls)
    lonely.advance(variant.scenario.windows * ns(variant.scenario.coupling.window))
    return lonely.host


@pytest.mark.parametrize("skew", [0.0, 0.7])
def test_the_sample_is_the_very_same_hosts_scaled_and_rounded_once(skew: float) -> None:
    variant = fleet(11, skew=skew)
    outcome, found = run(variant), sample_of(variant)
    windows = variant.scenario.windows
    hosts = [alone(variant, int(h), int(size)) for h, size in zip(found.hosts, found.sizes, strict=True)]

    def scaled(values: list[np.ndarray], of: np.ndarray) -> np.ndarray:
        weights = [Fraction(int(a), int(b)) for a, b in zip(of, found.sizes, strict=True)]
        flat = np.array([value.ravel() for value in values]).T.tolist()
        sums = [sum((v * w for v, w in zip(row, weights, strict=True) if v), Fraction(0)) for row in flat]
        return np.array(sums).reshape(values[0].shape)

    def is_rounded(whole: np.ndarray, exact: np.ndarray) -> bool:
        """Once, to the nearest; parts are kept to 2 ** -30 a host, so what lies at one half to that goes either way."""
        return bool((abs(exact - whole) <= Fraction(1, 2) + Fraction(len(hosts), 2**30)).all())

    of = found.stands_for.sum(axis=0)
    series = scaled([host.series[:windows] for host in hosts], of)
    largest = {"oldest_ns": requests.OLDEST_NS, "oldest_max_ns": requests.OLDEST_MAX_NS}
    by_zone = [scaled([host.series[:windows, requests.LEASED_END] for host in hosts], own) for own in found.stands_for]
    assert is_rounded(outcome.traffic.leased_by_zone, np.array(by_zone))
    assert (outcome.series["leased"] == outcome.traffic.leased_by_zone.sum(axis=0)).all()
    for name, column in largest.items():
        assert (outcome.series[name] == np.max([host.series[:windows, column] for host in hosts], axis=0)).all()
    for column, name in ((one.place, one.name) for one in traffic.COLUMNS):
        assert name in ("leased", *largest) or is_rounded(outcome.series[name], series[:, column]), name
    assert is_rounded(outcome.traffic.sojourn, scaled([host.histogram for host in hosts], of))


def alike(sizes: list[int], leased: np.ndarray) -> sampling.Doubt:
    """Hosts of one cell and one size (or more), each stands for six."""
    own = np.array(sizes)
    node = np.unique(own, return_inverse=True)[1]
    segments = np.array([[n, n] for n in range(node.max() + 1)])
    behind = np.bincount(node, 5.0 * own)
    found = sampling.Sample(
        np.arange(len(own)), np.zeros(len(own), bool), 6 * own[None, :], own, np.zeros(len(own), np.int64), node,
        segments, np.zeros(len(segments)), behind,
    )  # fmt: skip
    return sampling.doubt(found, leased, 0)


def test_the_deviation_of_hosts_that_are_alike_is_that_of_a_ratio() -> None:
    """Of hosts of one size the error is that of a simple sample: s² (1/m − 1/M) (Cochran, 1977, section 2.6)."""
    rng = np.random.default_rng(1)
    leased = rng.binomial(100, 0.4, (200, 1))
    found = alike([100] * 200, leased)
    share = leased[:, 0] / 100
    wanted = math.sqrt(float(share.var(ddof=1)) * (1 / 200 - 1 / 1200))
    assert found.freedom == 199
    assert found.deviation[0] == pytest.approx(wanted, rel=0.01)
    assert not found.is_told_by_few(0)


def test_what_is_known_of_every_host_leaves_no_doubt() -> None:
    assert (alike([100] * 8, np.full((8, 3), 100)).deviation == 0).all()


def test_too_few_that_tell_are_named() -> None:
    """All but two hosts are done: these two tell what is missing on the ten that stand behind them."""
    leased = np.full((10, 1), 100)
    leased[:2] = 40
    assert alike([100] * 10, leased).is_told_by_few(0)
    leased[:6] = 40
    assert not alike([100] * 10, leased).is_told_by_few(0)


def test_a_level_at_which_hardly_a_holder_of_the_sample_is_missing_is_told_by_few() -> None:
    """One per cent of ten hosts of 40 are four holders, of ten hosts of 400 they are forty."""
    for size in (40, 400):
        leased = np.full((10, 2), size)
        leased[:, 0] = size * 9 // 10
        leased[:, 1] = size - np.array([size // 40] * 4 + [0] * 6)
        assert alike([size] * 10, leased).is_told_by_few(1) == (size == 40)


def test_a_sample_that_is_fully_leased_is_a_whole_fleet() -> None:
    variant = fleet(7, zones=3, skew=0.4)
    outcome, row = run(variant), run(variant).measure()
    assert row["leased_end_share"] == 1
    assert (outcome.traffic.leased_by_zone[:, -1] == outcome.traffic.holders_by_zone).all()
    full = run(fleet(zones=3, skew=0.4))
    assert (outcome.traffic.holders_by_zone == full.traffic.holders_by_zone).all()
    assert outcome.traffic.weight @ leases.holders_of(variant.scenario) == pytest.approx(1201, rel=1e-12)


def test_the_fluid_bound_is_the_whole_fleets() -> None:
    # All hosts are alike, and all leases have run out when the dependency is back: no chance is left in the bound.
    full, some = (run(fleet(sample, holders=1200)).measure() for sample in (None, 6))
    assert some["fluid_bound_s"] == pytest.approx(full["fluid_bound_s"], rel=1e-9)
    assert full["leased_min_share"] == some["leased_min_share"] == 0


@pytest.mark.parametrize("operator", [WAVES, LOOKS], ids=["waves", "conditions"])
@pytest.mark.parametrize("sample", [None, 10])
def test_threads_change_no_bit(operator: str, sample: int | None) -> None:
    variant = fleet(sample, operator=operator, skew=0.7)
    first, *others = (run(variant, threads=threads) for threads in (1, 2, 4))
    for other in others:
        assert facts(other) == facts(first)
        assert repr(other.measure()) == repr(first.measure())  # repr: nan is like nan


def test_operators_look_at_the_whole_fleet() -> None:
    outcome = run(fleet(6, establish="20s", operator='{ do = "restart", when = "queue > 400" }'))
    queue = outcome.series["queue"]
    assert queue.max() > 400 > queue.max() / 4  # the sample's own hosts have a quarter of it, which sets off nothing
    assert outcome.actions == [Act("restart", float(outcome.times_s[np.argmax(queue > 400)]))]


@pytest.mark.parametrize("sample", [6, 24, None])
def test_the_interval_of_a_sample_is_told_and_that_of_all_hosts_is_none(sample: int | None) -> None:
    outcome = run(fleet(sample))
    row = outcome.measure()
    numbers = {name: value for name, value in row.items() if isinstance(value, float)}
    for depth in text.DEPTHS:
        name = f"ttr{depth}"
        told = text.sample_span(group_of("a", **numbers), f"{name}_s")
        low, high = row.get(f"{name}_low_s", 0.0), row.get(f"{name}_high_s", 0.0)
        span = f"{show_duration(low)} to {show_duration(high)}"
        if math.isnan(low):
            span = "all hosts needed" if depth == 100 else "too few hosts tell"
            assert row[f"{name}_no_interval"]
        assert told == (span if sample == 6 else "")
        assert text.sample_span(group_of("a", {"recovered": 2}, **numbers), f"{name}_s") == ""


def test_progress_is_told_in_hosts_that_are_simulated() -> None:
    for operator in (WAVES, LOOKS):
        done: list[float] = []
        variant = fleet(6, operator=operator)
        with pipeline.Runner(2, done.append) as runner:
            list(runner.run([(variant, 1, 0), (variant, 2, 0)]))
        assert done[-1] == pytest.approx(2 * pipeline.simulated_hosts(variant.scenario)) == 12


def test_the_estimate_is_of_the_sample() -> None:
    full, some = (estimate(fleet(sample, operator=LOOKS).scenario, 2) for sample in (None, 6))
    assert (full.hosts_in_flight, some.hosts_in_flight) == (24, 6)
    assert some.events == full.events / 4
    assert some.memory_bytes < full.memory_bytes


@pytest.mark.parametrize("operator", ["", LOOKS], ids=["free", "conditions"])
def test_memory_grows_with_hosts_in_flight_and_not_with_hosts_times_windows(operator: str) -> None:
    variant = fleet(holders=64, hosts=32, operator=operator, window="5s")
    run(fleet(holders=2, hosts=2, operator=operator))  # compiled, imported
    tracemalloc.start()
    run(variant)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    series = variant.scenario.windows * requests.SERIES * 8
    one = pipeline._start(sums.Sum(variant, 1, 0), 0, 2)
    copies = 32 * one.nbytes if operator else 0  # conditions keep a copy of each host to go back to
    assert copies < 0.4 * 32 * series
    assert peak < 0.75 * 32 * series + copies


@pytest.mark.parametrize("sample", [1, 3, 25])
def test_a_sample_that_cannot_be_is_refused(sample: int) -> None:
    with pytest.raises(ScenarioError, match=rf"sample_hosts is {sample}; want 4 \(two a zone\) to .* 24"):
        fleet(sample)


def test_the_least_sample_of_few_hosts_is_all() -> None:
    variant = fleet(3, hosts=3, operator="")
    assert sampling.choose(variant.scenario, 1, 0) is None
    assert pipeline.simulated_hosts(variant.scenario) == 3


def drained(sizes: np.ndarray, rng: np.random.Generator, each_s: float, wait_s: float) -> np.ndarray:
    """Leased holders [hosts, 150 windows of 4 s] of hosts that serve one after another, each for an exponential time,
    once a client has waited for a uniform one: large hosts are limited by their worker, small ones by the waits.
    """
    times, out = np.arange(1, 151) * 4.0, []
    for size in sizes.tolist():
        arrives = np.sort(rng.uniform(0, wait_s, size))
        takes = np.cumsum(rng.exponential(each_s, size))
        done = takes + np.maximum.accumulate(arrives - (takes - np.diff(takes, prepend=0.0)))  # Lindley's recursion
        out.append(np.searchsorted(np.sort(done), times, side="right"))
    return np.array(out)


@pytest.mark.parametrize("skew", [0.0, 0.5, 1.0, 1.5, 2.0])
@pytest.mark.parametrize(("each_s", "wait_s"), [(0.8, 60.0), (0.2, 300.0)], ids=["work", "waits"])
def test_intervals_cover_emulated_fleets(skew: float, each_s: float, wait_s: float) -> None:
    """Hosts whose curves are known in closed form: at least .93 of 150 fleets, and no more than 10 % are refused."""
    variant = fleet(10, holders=2400, hosts=60, zones=1, skew=skew, operator="").scenario
    sizes, times, fleets = leases.holders_of(variant), np.arange(1, 151) * 4.0, 150
    covered: dict[str, list[bool]] = {"ttr50": [], "ttr90": []}
    for seed in range(fleets):
        curves = drained(sizes, np.random.default_rng([seed, round(10 * skew)]), each_s, wait_s)
        found = sampling.choose(variant, seed, 0)
        assert found is not None
        leased = curves[found.hosts]
        share = (found.stands_for.sum(axis=0) / found.sizes) @ leased / 2400
        told = sampling.doubt(found, leased, 0)
        truth = leased_curve.times_to_recovery_s(times, leased_curve.reached_by(curves.sum(axis=0) / 2400), 0.0, 20.0)
        low_high = leased_curve.recovery_intervals_s(
            times, share, told.deviation, told.freedom, told.is_told_by_few, 0.0, 20.0
        )
        for name, known in covered.items():
            if not low_high[f"{name}_no_interval"]:
                known.append(low_high[f"{name}_low_s"] <= truth[f"{name}_s"] <= low_high[f"{name}_high_s"])
    for name, known in covered.items():
        print(name, f"{np.mean(known):.3f} of {len(known)}")
        assert len(known) >= 0.9 * fleets
        assert np.mean(known) >= 0.93


QUEUES = """
horizon = "40m"
hold = "1m"
coupling.window = "2s"
fleet = {{ holders = 2400, hosts = 60, skew = {skew}{sample} }}
lease = {{ duration = "4m", check_every = "1m" }}
dependency.outages = [{{ from = "2m", to = "10m" }}]
host = {{ establish_time = {{ dist = "exponential", mean = "800ms" }}, renew_time = "10ms", timeout = "1m" }}
[policy]
client = {{ name = "full-jitter", base = "1s", cap = "1m" }}
queue = {{ name = "bounded", limit = "30s" }}
"""
SIXTY = {"sample": 10, "hosts": 60, "zones": 1}


def queues(sample: int | None, skew: float) -> Variant:
    """Hosts whose queues decide: the larger a host, the longer it takes."""
    return parse(QUEUES.format(skew=skew, sample=f", sample_hosts = {sample}" if sample else "")).first


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        *({"sample": 10, "queues": skew} for skew in (0.0, 0.5, 1.0, 1.5, 2.0)),
        *(SIXTY | {"operator": "", "skew": skew} for skew in (0.0, 0.5, 1.0, 1.5, 2.0)),
        *(SIXTY | {"zones": 2, "skew": skew} for skew in (0.0, 1.0, 2.0)),
        {"sample": 20, "operator": "", "hosts": 200, "holders": 12_000, "establish": "800ms"},
        {"sample": 10, "zones": 3, "skew": 0.3},
    ],
    ids=str,
)
def test_intervals_cover_the_full_run(changes: dict[str, Any]) -> None:
    """Of 200 fleets at least .93 at 50 and 90 %, of which no more than 10 % are refused; a time is told to a third.
    At 99 %, where so small a sample promises nothing, what came is printed.
    """
    changes = {"holders": 2400, "window": "2s"} | changes
    sample = changes.pop("sample")
    if "queues" in changes:
        full, some = queues(None, changes["queues"]), queues(sample, changes["queues"])
    else:
        full, some = fleet(**changes), fleet(sample, **changes)
    fleets = 200
    with pipeline.Runner(2) as runner:
        rows = [outcome.measure() for outcome in runner.run([(w, s, 0) for s in range(fleets) for w in (full, some)])]
    for name in ("ttr50", "ttr90", "ttr99"):
        pairs = [(row[f"{name}_s"], other) for row, other in zip(rows[::2], rows[1::2], strict=True)]
        told = [(time, other) for time, other in pairs if not other[f"{name}_no_interval"]]
        covered = sum(other[f"{name}_low_s"] <= time <= other[f"{name}_high_s"] for time, other in told)
        if name == "ttr99":
            print(f"{name}: {covered} of {len(told)}")
            continue
        width_s = np.mean([other[f"{name}_high_s"] - other[f"{name}_low_s"] for _, other in told])
        mean_s = np.mean([time for time, _ in told])
        print(f"{name}: {covered / len(told):.3f} of {len(told)}, {width_s / mean_s:.0%} wide")
        assert len(told) >= 0.9 * fleets
        assert covered >= 0.93 * len(told)
        assert width_s < 0.5 * mean_s
    assert all(math.isnan(row["ttr100_s"]) for row in rows[1::2])
