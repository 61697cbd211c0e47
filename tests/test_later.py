"""Launches and propagation: kernel against twin, conservation, cuts of a run, closed forms, laws, mistakes.

Oracles: the plain Python twin with the same draws (exact); conservation of launches, changes and jobs at every window
(exact); the same run cut otherwise (exact); Jackson's product form, Erlang's formula, M/G/∞ (from several seeds' own
interval); the rule of a limit, read from the queue outside.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import LOTS, OVERFLOW
from recovery_kernels import batches, requests, slices, waiting
from recovery_kernels import launches as launch_kernel
from recovery_kernels import propagation as propagation_kernel
from recovery_kernels.jit import kernel
from twin.later import LaunchTwin, PropagationTwin

from recovery.errors import ScenarioError
from recovery.model.scenario import Scenario
from recovery.reading.experiment import parse
from recovery.simulate import chain, identity, pipeline
from recovery.stages import launches, propagation
from recovery.study import execute

pytestmark = pytest.mark.filterwarnings(OVERFLOW)

BASE = """
horizon = "20m"
hold = "1m"
fleet = { holders = 300, hosts = 3, zones = 3 }
host = { establish_time = "100ms", timeout = "10s" }
lease = { duration = "10m", check_every = "1m" }
"""
INTAKES = (
    "open",
    {"name": "token-bucket", "rate": "3/s"},
    {"name": "queue-size", "rate": "6/s", "limit": 4},
    {"name": "queue-size-switch", "limit": 5, "low": 2},
    {"name": "queue-size-ramp", "limit": 8, "low": 2},
)
CLIENTS = (
    {"name": "immediate"},
    {"name": "fixed", "delay": "7s"},
    {"name": "exponential", "base": "1s", "cap": "40s"},
    {"name": "full-jitter", "base": "5s", "cap": "1m"},
    {"name": "full-jitter", "base": "5s", "cap": "60d"},  # so far off that times are no whole float64
)
TIMES = ({"dist": "exponential", "mean": "900ms"}, {"dist": "uniform", "min": "0s", "max": "2s"}, "1s")


def variant(launching: dict[str, Any], propagating: dict[str, Any] | None, **changes: Any) -> Scenario:
    """A small fleet with these stages."""
    import tomllib

    table = tomllib.loads(BASE) | {"launches": launching} | changes
    if propagating is not None:
        table["propagation"] = propagating
    return Scenario.model_validate(table)


def curve(windows: int, seed: int, zones: int = 3, holders: int = 100) -> np.ndarray:
    """Leased holders that fall to nothing and come back, in each zone at another time."""
    rng = np.random.default_rng(seed)
    out = np.zeros((zones, windows), np.int64)
    for zone in range(zones):
        down, up = sorted(rng.integers(0, windows, 2))
        level = np.full(windows, holders)
        level[down:] = 0
        level[up:] = np.minimum(holders, np.cumsum(rng.integers(-2, 12, windows - up)).clip(0))
        out[zone] = level
    return out


@st.composite
def variants(draw: st.DrawFn) -> tuple[Scenario, int]:
    throttle: list[dict[str, str]] = []
    for at in sorted(draw(st.sets(st.integers(0, 119), max_size=4))):
        rate = draw(st.sampled_from(["off", "0/s", "1/s", "5/s"]))
        throttle.append({"at": f"{10 * at + draw(st.integers(0, 9))}s", "rate": rate})
    launching = {
        "demand": draw(
            st.sampled_from(
                [
                    "2/s",
                    {"steps": [{"at": "0s", "rate": "0/s"}, {"at": "5m", "rate": "4/s"}, {"at": "9m", "rate": "1/s"}]},
                    {"rate": "2/s", "daily": {"swing": "50%", "peak_at": "6h"}},
                ]
            )
        ),
        "arrivals": draw(st.sampled_from(["poisson", "even"])),
        "pinned": draw(st.sampled_from(["0%", "50%", "100%"])),
        "looks": draw(st.integers(1, 4)),
        "client": draw(st.sampled_from(CLIENTS)),
        "retries": draw(st.sampled_from([0, 2, "unlimited"])),
        "throttle": throttle,
        "changes": draw(st.sampled_from(["0/s", "1/s"])),
    }
    propagating: dict[str, Any] = {
        "shards": draw(st.integers(1, 3)),
        "workers": draw(st.sampled_from([1, 2, 3, 9])),
        "time": draw(st.sampled_from(TIMES)),
        "fails": draw(st.sampled_from(["0%", "20%"])),
        "client": draw(st.sampled_from(CLIENTS)),
        "retries": draw(st.sampled_from([0, 3, "unlimited"])),
        "intake": draw(st.sampled_from(INTAKES)),
        "reductions": draw(st.sampled_from([[], [{"at": "3m", "lasts": "6m", "share": "60%"}]])),
    }
    if draw(st.booleans()):
        propagating["slowdown"] = {"a": 1.5, "b": draw(st.sampled_from([1.0, 1.7])), "queue": 20}
    return variant(launching, propagating), draw(st.integers(0, 2**32))


def both(case: Scenario, seed: int, cuts: tuple[int, ...] = ()) -> tuple[Any, Any, list[list[tuple[int, ...]]]]:
    """Both stages run by the kernels, cut at these windows; and the jobs of each window, in order."""
    leased, holders = curve(case.windows, seed), np.full(3, 100)
    first = launches.start(case, seed, 0, leased, holders)
    second = propagation.start(case, seed, 0)
    jobs: list[list[tuple[int, ...]]] = []
    done = 0
    for until in (*cuts, case.windows):
        first.advance(until)
        second.advance(until, first.state.jobs, first.state.first)
        for window in range(done, until):
            here = first.state.jobs[first.state.first[window] : first.state.first[window + 1], :3]
            jobs.append(sorted(tuple(job) for job in here.tolist()))
        done = until
        first.forget(until)
    return first, second, jobs


def check_twin(case: Scenario, seed: int) -> None:
    first, second, jobs = both(case, seed)
    twin = LaunchTwin(first.params, first.keys, first.inputs)
    twin.run()
    assert first.state.series.tolist() == twin.rows()
    assert jobs == [sorted(window) for window in twin.jobs]
    other = PropagationTwin(second.params, second.keys, second.inputs, len(second.state.shards))
    other.run(twin.jobs)
    assert second.state.series.tolist() == other.rows()
    assert int(second.state.latency.sum()) == len(other.latencies)


@pytest.mark.slow
@given(data=variants())
@settings(LOTS, max_examples=150)
def test_kernels_are_their_twins(data: tuple[Scenario, int]) -> None:
    check_twin(*data)


@given(data=variants())
@settings(LOTS, max_examples=12)
def test_kernels_are_their_twins_in_a_dozen_cases(data: tuple[Scenario, int]) -> None:
    check_twin(*data)


@pytest.mark.nojit
@pytest.mark.boundscheck
@given(data=variants())
@settings(LOTS, max_examples=3)
def test_kernels_are_their_twins_in_a_few_cases(data: tuple[Scenario, int]) -> None:
    check_twin(*data)


@pytest.mark.boundscheck
@given(data=variants(), cuts=st.sets(st.integers(1, 119), max_size=6))
@settings(LOTS, max_examples=40)
def test_a_run_may_be_cut_anywhere(data: tuple[Scenario, int], cuts: set[int]) -> None:
    first, second, jobs = both(*data)
    again, later, same = both(*data, cuts=tuple(sorted(cuts)))
    assert np.array_equal(first.state.series, again.state.series)
    assert np.array_equal(second.state.series, later.state.series)
    assert np.array_equal(second.state.latency, later.state.latency)
    assert jobs == same


@given(data=variants())
@settings(LOTS, max_examples=100)
def test_nothing_is_lost(data: tuple[Scenario, int]) -> None:
    first, second, jobs = both(*data)
    k = launch_kernel
    flows = np.cumsum(first.state.series[:, : k.ASLEEP_END], axis=0)
    levels = first.state.series
    answers = flows[:, k.THROTTLED] + flows[:, k.INSUFFICIENT] + flows[:, k.ACCEPTED]
    assert np.array_equal(flows[:, k.ATTEMPTS], answers)
    ends = flows[:, k.ACCEPTED] + flows[:, k.GAVE_UP] + levels[:, k.ASLEEP_END]
    assert np.array_equal(flows[:, k.ASKED], ends)
    assert np.array_equal(flows[:, k.HELD], flows[:, k.RELEASED_CHANGES] + levels[:, k.HELD_END])
    out = flows[:, k.ACCEPTED] + flows[:, k.CHANGED] - flows[:, k.HELD] + flows[:, k.RELEASED_CHANGES]
    assert np.array_equal(out, np.cumsum([len(window) for window in jobs]))
    p = propagation_kernel
    total = second.state.series.sum(axis=0)
    done = total[p.REACHABLE] + total[p.PROPAGATED] + total[p.SHED_JOBS] + total[p.GAVE_UP]
    end = second.state.series[-2]
    assert total[p.SUBMITTED] == done + end[p.WAITING_END] + end[p.ASLEEP_END]
    assert total[p.SUBMITTED] == len([job for window in jobs for job in window])


@pytest.mark.nojit
@pytest.mark.boundscheck
def test_jobs_that_take_a_year_are_counted() -> None:
    """They wrote behind the histogram of latencies."""
    _, second = serve(variant({"demand": "8/s"}, {"time": "300d", "workers": 200}, horizon="2m"), 1)
    [part] = np.flatnonzero(second.state.latency)
    least, next_least = requests.part_start_ns(np.array([part, part + 1]))
    assert least <= 300 * 86_400 * 10**9 < next_least
    assert second.state.latency.sum() == 200


def test_a_sum_of_latencies_beyond_a_number_is_held_there() -> None:
    """100 launches that were let out nine years ago are done at once, where all workers are idle."""
    case = variant({"demand": "1/s"}, {"workers": 100, "time": "1s"})
    run = propagation.start(case, 1, 0)
    long_ago, first, k = -(9 * 365 * 86_400 * 10**9), np.zeros(case.windows + 1, np.int64), propagation_kernel
    for number in range(100):
        what = (4 * number + batches.LAUNCH) << batches.TRIES_BITS | 1
        waiting.wait_with(run.state.asleep, 0, 1_000_000_000, what, long_ago)
    run.state.whole[k.ASLEEP] = 100
    run.advance(1, np.zeros((0, batches.COLUMNS), np.int64), first)
    row = run.state.series[0]
    assert row[k.REACHABLE] == 100
    assert row[k.LATENCY_MAX_NS] == 2_000_000_000 - long_ago
    assert row[k.LATENCY_NS] == 2**63 - 1


@given(st.lists(st.integers(0, 999), min_size=1, max_size=60))
@settings(LOTS, max_examples=200)
def test_a_window_is_put_in_order(times: list[int]) -> None:
    items = np.array([(5000 + t, 0, i * 7 % 64, 0, 0) for i, t in enumerate(times)], np.int64)
    order, scratch = np.zeros(len(items), np.int64), np.zeros(3 * len(items) + 1, np.int64)
    came, identities = items[:, batches.TIME], items[:, batches.IDENTITY]
    batches.sort_window(came, identities, len(items), 5000, 1000, order, scratch)
    assert scratch[: len(items)].tolist() == sorted(came.tolist())
    keys = [(int(items[i, batches.TIME]), int(items[i, batches.IDENTITY])) for i in order]
    assert keys == sorted(keys)
    assert sorted(order.tolist()) == list(range(len(items)))


@given(st.lists(st.integers(0, 999), min_size=1, max_size=60), st.integers(1, 9))
@settings(LOTS, max_examples=200)
def test_a_window_is_put_in_order_slice_by_slice(times: list[int], many: int) -> None:
    items = np.array([(5000 + t, i * 7 % 64) for i, t in enumerate(times)], np.int64)
    found, scratch = np.zeros_like(items), np.zeros_like(items)
    heads, links = np.zeros(many, np.int64), np.zeros(len(items), np.int64)
    in_order(items[:, 0].copy(), items[:, 1].copy(), many, heads, links, scratch, found)
    assert found.tolist() == sorted(items.tolist())


@kernel
def in_order(times: Any, whats: Any, many: Any, heads: Any, links: Any, scratch: Any, found: Any) -> Any:
    """All items, each from the heap of its slice."""
    slices.to_slices(times, times.shape[0], many, 5000, 1000, heads, links)
    count = 0
    for slice_ in range(many):
        size = slices.heap(times, whats, links, heads[slice_], scratch)
        while size > 0:
            found[count, 0] = scratch[0, 0]
            found[count, 1] = whats[scratch[0, 1]]
            count += 1
            size = slices.drop(scratch, whats, size)


def interval(values: list[float]) -> tuple[float, float]:
    """Mean and four standard errors."""
    return float(np.mean(values)), 4 * float(np.std(values, ddof=1)) / math.sqrt(len(values))


def open_stage(**changes: Any) -> Scenario:
    """A fleet that is leased all the time, 8 launches a second."""
    return variant({"demand": "8/s"}, {"time": "1s"} | changes, horizon="2h")


def serve(case: Scenario, seed: int) -> tuple[Any, Any]:
    full = np.full((3, case.windows), 100)
    first = launches.start(case, seed, 0, full, full[:, 0])
    second = propagation.start(case, seed, 0)
    first.advance(case.windows)
    second.advance(case.windows, first.state.jobs, first.state.first)
    return first, second


def test_a_stage_is_mmc() -> None:
    """Erlang's C: mean time in the system of M/M/3 at 8/s with services of 0.3 s."""
    means = []
    for seed in range(20):
        _, second = serve(open_stage(workers=3, time={"dist": "exponential", "mean": "300ms"}), seed)
        total = second.state.series.sum(axis=0)
        means.append(total[propagation_kernel.LATENCY_NS] / 1e9 / total[propagation_kernel.REACHABLE])
    a, c, mu = 8 * 0.3, 3, 1 / 0.3
    terms = [a**k / math.factorial(k) for k in range(c)]
    last = a**c / math.factorial(c) * c / (c - a)
    wanted = last / (sum(terms) + last) / (c * mu - 8) + 0.3
    mean, half = interval(means)
    assert abs(mean - wanted) < half


@pytest.mark.parametrize(
    "time", ["2s", {"dist": "exponential", "mean": "2s"}, {"dist": "lognormal", "mean": "2s", "cv": 2}]
)
def test_without_limits_it_is_mg_infinity(time: Any) -> None:
    """Jobs under way are Poisson with mean λ E[S], whatever the distribution: mean and variance of started − done."""
    means, variances = [], []
    for seed in range(20):
        _, second = serve(open_stage(workers=400, time=time), seed)
        series = second.state.series[:-1]
        assert series[:, propagation_kernel.WAITING_END].max() == 0
        started = np.cumsum(series[:, propagation_kernel.SUBMITTED])
        under_way = (started - np.cumsum(series[:, propagation_kernel.REACHABLE]))[6::3]
        means.append(float(under_way.mean()))
        variances.append(float(under_way.var()))
    mean, half = interval(means)
    assert abs(mean - 16) < half
    variance, half = interval(variances)
    assert abs(variance - 16) < half + 0.5  # jobs that are longer than the sampling make samples depend on each other


def test_a_tandem_has_jacksons_product_form() -> None:
    """Two M/M/c stages, the second fed by the finishes of the first: numbers waiting are independent, each as M/M/c."""
    case = open_stage(workers=2, time={"dist": "exponential", "mean": "200ms"})
    p, window_ns = propagation_kernel, 10 * 10**9
    both_empty, first_empty, second_empty = [], [], []
    for seed in range(20):
        first, _ = serve(case, seed)
        # The finishes of an M/M/2, found by Kiefer and Wolfowitz' recursion with numpy's own draws.
        arrivals = np.sort(first.state.jobs[: first.state.first[-1], batches.TIME])
        rng = np.random.default_rng(seed)
        free, finishes, begins = [0.0, 0.0], [], []
        for at, service in zip(arrivals.tolist(), rng.exponential(0.2e9, len(arrivals)).tolist(), strict=True):
            free.sort()
            begin = max(float(at), free[0])
            free[0] = begin + service
            begins.append(begin)
            finishes.append(free[0])
        finishes = sorted(t for t in finishes if t < case.windows * window_ns)
        jobs = np.zeros((len(finishes), batches.COLUMNS), np.int64)
        jobs[:, batches.TIME] = jobs[:, batches.ORIGIN] = finishes
        jobs[:, batches.IDENTITY] = np.arange(len(finishes)) * 4
        edges = np.searchsorted(jobs[:, batches.TIME], np.arange(case.windows + 1) * window_ns)
        second = propagation.start(case, seed + 1000, 0)
        second.advance(case.windows, jobs, edges)
        ends = (np.arange(case.windows) + 1) * window_ns - 1
        waits = np.searchsorted(arrivals, ends, "right") - np.searchsorted(np.sort(begins), ends, "right")
        one, two = waits[6:] == 0, second.state.series[6:-1, p.WAITING_END] == 0
        both_empty.append(float((one & two).mean()))
        first_empty.append(float(one.mean()))
        second_empty.append(float(two.mean()))
    rho, a = 0.8, 1.6
    idle = 1 / (1 + a + a * a / 2 / (1 - rho))
    nobody_waits = idle * (1 + a + a * a / 2)
    for found, wanted in ((first_empty, nobody_waits), (second_empty, nobody_waits), (both_empty, nobody_waits**2)):
        mean, half = interval(found)
        assert abs(mean - wanted) < half


def test_accepted_launches_follow_the_leased_share() -> None:
    """With a share L leased, a pinned launch that looks at k holders finds one with probability 1 − (1 − L)^k."""
    case = variant({"demand": "20/s", "pinned": "100%", "looks": 3, "retries": 0}, None)
    level = np.full((3, case.windows), 30)
    run = launches.start(case, 5, 0, level, np.full(3, 100))
    run.advance(case.windows)
    total = run.state.series.sum(axis=0)
    n, wanted = int(total[launch_kernel.ASKED]), 1 - 0.7**3
    share = total[launch_kernel.ACCEPTED] / n
    assert abs(share - wanted) < 4 * math.sqrt(wanted * (1 - wanted) / n)


def test_a_throttle_lets_in_its_rate_and_its_burst_at_most() -> None:
    case = variant({"demand": "20/s", "throttle": [{"at": "5m", "rate": "3/s"}], "burst": "2s"}, None)
    full = np.full((3, case.windows), 100)
    run = launches.start(case, 5, 0, full, full[:, 0])
    run.advance(case.windows)
    accepted = run.state.series[30:, launch_kernel.ACCEPTED]
    sums = np.cumsum([0, *accepted.tolist()])
    for i in range(len(accepted)):
        spans = np.arange(i + 1, len(sums))
        assert np.all(sums[spans] - sums[i] <= 3 * 10 * (spans - i) + 6)
    assert accepted[10:].sum() >= 3 * 10 * len(accepted[10:]) - 6  # a full queue of customers wastes no token


def test_all_that_waited_for_a_lease_is_released_when_all_are_leased() -> None:
    case = variant({"demand": "1/s", "changes": "5/s"}, None)
    level = np.full((3, case.windows), 100)
    level[:, 20:60] = 0
    level[:, 60:80] = np.arange(5, 105, 5)
    run = launches.start(case, 5, 0, level, np.full(3, 100))
    run.advance(case.windows)
    held = run.state.series[:, launch_kernel.HELD_END]
    released = run.state.series[:, launch_kernel.RELEASED_CHANGES]
    assert held[60] > 0.9 * 40 * 50
    assert held[81] == 0
    assert np.all(released[:61] == 0)
    # What waits is proportional to what is not leased, so each grant of 5 % of the zone releases about as much.
    assert released[62:80].max() - released[62:80].min() < 0.25 * released[62:80].mean() + 30


@pytest.mark.parametrize("intake", [i for i in INTAKES if i != "open" and i["name"] != "token-bucket"])  # type: ignore[index]
def test_no_queue_passes_its_limit(intake: dict[str, Any]) -> None:
    case = variant(
        {"demand": "12/s"}, {"time": "1s", "workers": 3, "shards": 2, "intake": intake | {"limit": 9}, "retries": 0}
    )
    full = np.full((3, case.windows), 100)
    first = launches.start(case, 3, 0, full, full[:, 0])
    second = propagation.start(case, 3, 0)
    first.advance(case.windows)
    second.advance(case.windows, first.state.jobs, first.state.first)
    longest = second.state.series[:, propagation_kernel.WAITING_END].max()
    assert 0 < longest <= 2 * 9
    total = second.state.series.sum(axis=0)
    assert total[propagation_kernel.REFUSED] == total[propagation_kernel.GAVE_UP] > 0


def test_halving_the_window_moves_no_milestone_by_more_than_a_minute() -> None:
    """The tolerance is stated: levels are looked at a window late, and milestones are read at windows' ends."""
    text = (
        BASE.replace("20m", "3h") + 'dependency.outages = [{ from = "10m", to = "40m" }]\n'
        'policy.client = { name = "fixed", delay = "5s" }\n'  # asked at once, half an hour has millions of tries
        'launches.demand = "3/s"\nlaunches.changes = "3/s"\nlaunches.looks = 4\n'
        'launches.client = { name = "full-jitter", base = "1m", cap = "2m" }\n'
        'propagation = { workers = 8, time = "1s", normal_latency = "1m" }\n'
    )
    rows = []
    for window in ("10s", "5s"):
        loaded = parse(text, overrides=(f"coupling.window={window}",))
        with pipeline.Runner(2) as runner:
            rows.append(chain.follow(next(runner.run([(loaded.first, 3, 0)]))).measure())
    for name in ("launches_fail_s", "launches_resume_s", "launches_normal_s", "latency_rises_s", "latency_normal_s"):
        assert math.isfinite(rows[0][name])
        assert abs(rows[0][name] - rows[1][name]) <= 60.0


def test_the_stages_stand_in_results(tmp_path: Path) -> None:
    text = BASE + 'launches = { demand = "3/s" }\npropagation = { workers = 8, time = "1s" }\n'
    finished = execute.run(parse(text, name="x"), out=tmp_path, threads=2, quiet=True)
    row = finished.summary.rows[0].measures
    assert row["launches_asked"] == row["launches_accepted"]
    assert row["reach_p50_s"] == pytest.approx(1.0, rel=0.02)
    import polars as pl

    series = pl.read_parquet(finished.folder / "series.parquet")
    assert {one.name for stage in (launches.STAGE, propagation.STAGE) for one in stage.columns} <= set(series.columns)
    assert int(series["launches_accepted"].sum()) == row["launches_accepted"]


def test_the_lease_stage_keeps_its_bits() -> None:
    plain = parse(BASE)
    more = parse(BASE + 'launches = { demand = "3/s" }\npropagation = { time = "100ms" }\n')
    with pipeline.Runner(2) as runner:
        before, after = runner.run([(plain.first, 3, 0), (more.first, 3, 0)])
    assert chain.follow(before) is before
    followed = chain.follow(after)
    one, two = before.traffic, followed.traffic
    assert all(np.array_equal(one.columns[name], two.columns[name]) for name in one.columns)
    assert np.array_equal(one.leased_by_zone, two.leased_by_zone)
    assert np.array_equal(one.sojourn, two.sojourn)
    network = followed.find(propagation.PropagationTable)
    assert network is not None
    assert len(network.columns) == propagation_kernel.SERIES
    assert len(followed.later["launches"].columns) == launch_kernel.SERIES
    assert len(network.reach) == requests.HISTOGRAM
    assert identity.digest_of(plain.first, 3, 0) != identity.digest_of(more.first, 3, 0)


MISTAKES = [
    ('launches = { demand = "3" }', "launches.demand is"),
    ('launches = { demand = { rate = "1/s", file = "x.csv" } }', "want one of rate, steps, file"),
    ('launches = { demand = { file = "no.csv" } }', "want a CSV file"),
    ('launches = { demand = "0/s" }', "launches.demand is 0 all the time"),
    ('launches = { demand = { steps = [{ at = "1s", rate = "1/s" }] } }', 'the first at "0s"'),
    ('launches = { demand = "1/s", looks = 0 }', "launches.looks is 0"),
    ('launches = { demand = "1/s", client = "exponentiel" }', "did you mean exponential"),
    ('launches = { demand = "1/s", client = { name = "fixed", delay = 3 } }', "launches.client.delay is 3"),
    ('launches = { demand = "1/s", throttle = [{ at = "21m", rate = "off" }] }', "launches.throttle.0.at"),
    ('launches = { demand = "1/s", throttle = [{ at = "2m", rate = "x" }] }', "launches.throttle.0.rate"),
    ('propagation = { time = "1s" }', "propagation stands without [launches]"),
    (
        'launches.demand = "1/s"\n[propagation]\ntime="1s"\nslowdown = { a = 1, queue = 1e-12 }',
        "propagation.slowdown makes a job last more than",
    ),
    ('launches = { demand = "1/s" }\npropagation = { time = "0s" }', "want time above 0"),
    ('launches = { demand = "1/s" }\npropagation = { time = "1s", intake = "queue" }', "queue-size"),
    (
        'launches.demand = "1/s"\n[propagation]\ntime="1s"\nintake = { name = "queue-size-ramp", limit=3, low=3 }',
        "want low below limit",
    ),
    (
        'launches = { demand = "1/s" }\npropagation = { time = "1s", intake = { name = "queue-size", limit = 3 } }',
        "propagation.intake.rate is missing",
    ),
]


@pytest.mark.parametrize(("text", "wanted"), MISTAKES)
def test_mistakes_are_told(text: str, wanted: str) -> None:
    with pytest.raises(ScenarioError) as told:
        parse(BASE + text)
    assert wanted in str(told.value)


def test_a_measured_demand_is_read(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("seconds,rate\n0,1\n600,3.5\n")
    loaded = parse(BASE + 'launches = { demand = { file = "d.csv" } }', folder=tmp_path)
    part = loaded.first.scenario.launches
    assert part is not None
    assert part.demand.over([0, 599, 600, 1e6]) == [1, 1, 3.5, 3.5]
    (tmp_path / "d.csv").write_text("0,1\n600,x\n")
    with pytest.raises(ScenarioError, match="line 2"):
        parse(BASE + 'launches = { demand = { file = "d.csv" } }', folder=tmp_path)
