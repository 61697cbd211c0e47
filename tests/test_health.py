"""Health checks: kernel against twin, cuts of a run, conservation, closed forms, each policy's outside rule, mistakes.

Oracles: the plain Python twin with the same draws (exact); conservation of targets (exact); the geometry of periodic
checks in one queue; the theory of success runs; the rule of each policy, read from the series outside.
"""

import math
import time
import tomllib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import LOTS, OVERFLOW
from recovery_kernels import batches, workers
from recovery_kernels import health as kernel
from recovery_kernels.jit import kernel as compiled
from twin.health import HealthTwin

from recovery.errors import ScenarioError
from recovery.model.scenario import Scenario
from recovery.reading.experiment import parse
from recovery.simulate import chain, pipeline
from recovery.simulate.outcome import Outcome
from recovery.stages import feedback, health
from recovery.units import ns

pytestmark = pytest.mark.filterwarnings(OVERFLOW)

BASE = """
horizon = "20m"
hold = "1m"
fleet = { holders = 300, hosts = 3, zones = 3 }
host = { establish_time = "100ms", timeout = "10s" }
lease = { duration = "10m", check_every = "1m" }
launches = { demand = "2/s" }
propagation = { workers = 8, time = "900ms" }
"""
POLICIES: tuple[Any, ...] = (
    "rise-fall",
    {"name": "fail-open", "healthy": 2},
    {"name": "panic", "below": "60%"},
    {"name": "ejection-cap", "share": "25%"},
    {"name": "velocity", "share": "20%", "within": "2m"},
    {"name": "flap-damping", "base": "40s", "cap": "2m", "forget": "5m"},
)
SWITCHES: tuple[Any, ...] = (
    [],
    [{"at": "5m", "do": "off"}, {"at": "13m", "do": "on"}],
    [{"at": "5m", "do": "off", "zone": 1}, {"at": "8m", "do": "off"}, {"at": "8m", "do": "on", "zone": 2}],
)
LAWS: tuple[Any, ...] = ({"dist": "exponential", "mean": "1s"}, {"dist": "lognormal", "mean": "1s", "cv": 3})
FLAPPING = {"time": {"dist": "exponential", "mean": "2s"}, "workers": 12, "timeout": "3s", "interval": "10s", "rise": 2}


def variant(part: dict[str, Any], **changes: Any) -> Scenario:
    return Scenario.model_validate(tomllib.loads(BASE) | {"health": part} | changes)


def feed(case: Scenario, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Jobs and finishes made up at random: some late, some never."""
    rng = np.random.default_rng(seed)
    window_ns, end = ns(case.coupling.window), ns(case.horizon)
    count = int(rng.integers(0, 150))
    times = np.sort(rng.integers(0, end, count))
    slots = case.health.targets if case.health else 1
    kinds = rng.integers(0, 4, count)
    number = np.where(kinds == batches.REPLACEMENT, rng.integers(0, slots, count) + slots * np.arange(count), 0)
    identities = np.where(number > 0, number, np.arange(count)) * 4 + kinds
    jobs = np.zeros((count, batches.COLUMNS), np.int64)
    jobs[:, batches.TIME], jobs[:, batches.IDENTITY] = times, identities
    edges = np.arange(case.windows + 1) * window_ns
    takes = rng.integers(0, 4 * window_ns, count)
    told_in = np.minimum(times + rng.integers(0, 1 + takes), end - 1)
    order = np.argsort(told_in // window_ns, kind="stable")
    order = order[rng.random(count)[order] < 0.8]
    finishes = np.column_stack([identities[order], (times + takes)[order]]).reshape(-1, 2)
    told = np.searchsorted(told_in[order] // window_ns * window_ns, edges)
    return jobs, np.searchsorted(times, edges), finishes, told


def serve(case: Scenario, seed: int, cuts: tuple[int, ...] = (), fed: Any = None) -> tuple[Any, Any]:
    fed = feed(case, seed) if fed is None else fed
    run = health.start(case, seed, 0, 3)
    for until in (*cuts, case.windows):
        run.advance(until, *fed)
    return run, fed


def alone(part: dict[str, Any], seed: int, **changes: Any) -> Any:
    """The stage without any joins; its series."""
    case = variant(part, **changes)
    nothing = np.zeros(case.windows + 1, np.int64)
    fed = (np.zeros((0, batches.COLUMNS), np.int64), nothing, np.zeros((0, 2), np.int64), nothing)
    return serve(case, seed, fed=fed)[0].state.series


def waits_longer(others: int, period: float, x: float) -> float:
    """Probability that more than x of work (services of one) waits where `others` periodic sources with phases at
    random feed one server: N·D/D/1.

    Source: J. Roberts and J. Virtamo, IEEE Trans. Communications 39 (1991), the superposition of periodic streams.
    """
    chance = 0.0
    for n in range(math.floor(x) + 1, others + 1):
        share = (n - x) / period
        chance += (
            math.comb(others, n) * share**n * (1 - share) ** (others - n)
            * (period - others + x) / (period - n + x)
        )  # fmt: skip
    return chance


@pytest.mark.parametrize("timeout_s", [1.25, 1.5, 1.9, 2.5])
def test_checks_that_wait_behind_others_are_late_as_periodic_streams_say(timeout_s: float) -> None:
    """Three targets, a service of 1 s every 4 s: a check is late if it waits longer than the timeout less 1 s.

    This is the exact counterpart without failures: checks are due in periods. The closed loop of a machine repairman,
    in which the next one is due only after the last has ended, would be another queue.
    """
    part = {"targets": 3, "time": "1s", "interval": "4s", "timeout": f"{timeout_s}s", "workers": 1, "fall": 1000}
    shares = []
    for seed in range(1500):
        series = alone(part, seed, horizon="1m")
        shares.append(series[1:, kernel.FAILED].sum() / series[1:, kernel.CHECKS].sum())
    expected = waits_longer(2, 4.0, timeout_s - 1)
    assert abs(np.mean(shares) - expected) < 4 * np.std(shares) / math.sqrt(len(shares))
    assert 0.01 < expected < 0.5


@st.composite
def variants(draw: st.DrawFn) -> tuple[Scenario, int]:
    part: dict[str, Any] = {
        "targets": draw(st.integers(3, 20)),
        "joins": draw(st.sampled_from(["0%", "50%", "100%"])),
        "interval": draw(st.sampled_from(["7s", "10s", "30s"])),
        "timeout": draw(st.sampled_from(["2s", "5s"])),
        "workers": draw(st.integers(1, 6)),
        "time": draw(st.sampled_from(["200ms", "2s", *LAWS])),
        "change_time": draw(st.sampled_from(["0s", "3s"])),
        "rise": draw(st.integers(1, 4)),
        "fall": draw(st.integers(1, 3)),
        "policy": draw(st.sampled_from(POLICIES)),
        "failover_below": draw(st.sampled_from(["0%", "50%"])),
        "failover": draw(st.sampled_from(SWITCHES)),
    }
    if draw(st.booleans()):
        part["terminate_after"] = draw(st.sampled_from(["30s", "3m"]))
    return variant(part), draw(st.integers(0, 2**32))


def check_twin(case: Scenario, seed: int) -> None:
    run, (jobs, _, finishes, _) = serve(case, seed)
    part = case.health
    assert part is not None
    phases = dict(enumerate(run.state.phases.tolist()))
    twin = HealthTwin(run.params, run.keys, run.inputs, phases, 3, part.workers)
    finished = [(int(time), int(identity)) for identity, time in finishes]
    came = [(int(job[batches.TIME]), int(job[batches.IDENTITY])) for job in jobs]
    twin.run(case.windows, came, finished)
    assert run.state.series.tolist() == twin.rows
    assert run.state.by_zone.tolist() == twin.by_zone


@given(data=variants())
@settings(LOTS, max_examples=100)
def test_the_kernel_is_its_twin(data: tuple[Scenario, int]) -> None:
    check_twin(*data)


@pytest.mark.nojit
@pytest.mark.boundscheck
@given(data=variants())
@settings(LOTS, max_examples=8)
def test_the_kernel_is_its_twin_in_a_few_cases(data: tuple[Scenario, int]) -> None:
    check_twin(*data)


def test_the_kernel_is_its_twin_where_targets_are_more_than_services_drawn_at_once() -> None:
    part = {"targets": 2 * kernel.AHEAD + 9, "interval": "30s", "timeout": "2s", "workers": 24, "joins": "100%",
            "time": LAWS[0], "change_time": "3s", "terminate_after": "30s"}  # fmt: skip
    check_twin(variant(part, horizon="4m"), 1)


@pytest.mark.nojit
@pytest.mark.boundscheck
@given(st.integers(1, 9), st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30)), max_size=200))
@settings(LOTS, max_examples=30)
def test_a_pool_says_what_a_sorted_list_of_its_workers_says(many: int, starts: list[tuple[int, int]]) -> None:
    pool, about = workers.all_free_in_pool(many)
    free, now = [0] * many, 0
    for later, service in starts:
        now += later
        begin = max(now, min(free))
        assert begin_and_make_busy(pool, about, now, service) == begin
        free.remove(min(free))
        free.append(begin + service)


@compiled
def begin_and_make_busy(pool: Any, about: Any, now: Any, service: Any) -> Any:
    """When a service begins that comes at `now`, with the worker made busy."""
    begin = workers.free_in_pool(pool, about, now)
    workers.make_busy_in_pool(pool, about, now, begin + service)
    return begin


def test_a_pool_is_a_bag_where_workers_are_idle_and_a_heap_where_they_are_not() -> None:
    pool, about = workers.all_free_in_pool(4)
    forms = []
    for service in (1, 10**6):
        for _ in range(4 * workers.LONG + 4):
            begin_and_make_busy(pool, about, len(forms) * 10, service)
            forms.append(int(about[workers.FORM]))
    half = len(forms) // 2
    assert forms[:half] == [workers.BAG] * half
    assert forms[-1] == workers.HEAP
    for _ in range(4 * workers.LONG):
        begin_and_make_busy(pool, about, 10**8, 0)
    assert about[workers.FORM] == workers.BAG


@pytest.mark.boundscheck
@given(data=variants(), cuts=st.sets(st.integers(1, 119), max_size=6))
@settings(LOTS, max_examples=40)
def test_a_run_may_be_cut_anywhere(data: tuple[Scenario, int], cuts: set[int]) -> None:
    whole, _ = serve(*data)
    again, _ = serve(*data, cuts=tuple(sorted(cuts)))
    assert np.array_equal(whole.state.series, again.state.series)
    assert np.array_equal(whole.state.by_zone, again.state.by_zone)


@given(data=variants())
@settings(LOTS, max_examples=60)
def test_no_target_is_lost(data: tuple[Scenario, int]) -> None:
    case, seed = data
    state = serve(case, seed)[0].state
    series, zones = state.series, state.by_zone
    assert case.health is not None
    many = case.health.targets
    assert np.array_equal(series[:, kernel.ROUTED] + zones[:, :, kernel.ZONE_REMOVED].sum(axis=1), np.full(120, many))
    assert np.array_equal(series[:, kernel.HEALTHY], zones[:, :, kernel.ZONE_HEALTHY].sum(axis=1))
    assert np.array_equal(series[:, kernel.USABLE], zones[:, :, kernel.ZONE_USABLE].sum(axis=1))
    assert np.all(series[:, kernel.USABLE] <= series[:, kernel.ROUTED])
    assert np.all(series[:, kernel.FAILED] <= series[:, kernel.CHECKS])
    ups = series[:, kernel.CHANGES] - series[:, kernel.REMOVED]
    assert np.all(ups >= 0)


def test_many_that_join_as_one_target_cost_no_more_than_as_many_targets() -> None:
    """Oracle: what joins and is reachable does not hang on who joins as whom, and so must not the time: looked up one
    after another, those of two targets would take thousands of times as long.
    """
    text = """
    horizon = "5m"
    hold = "0s"
    fleet = { holders = 100, hosts = 1 }
    host = { establish_time = "1ms", timeout = "5m" }
    lease = { duration = "10h", check_every = "5m" }
    launches = { demand = "3000/s", arrivals = "even" }
    propagation = { workers = 4000, time = "1s" }
    health = { targets = 2, joins = "100%", time = "1us", interval = "10s", timeout = "1s" }
    """
    follow(text, overrides=('horizon="20s"',))  # compiles
    spent, flows = [], []
    for targets in (2, 20_000):
        begun = time.thread_time()
        columns = follow(text, overrides=(f"health.targets={targets}",)).columns()
        spent.append(time.thread_time() - begun)
        flows.append([int(columns[name].sum()) for name in ("targets_joined", "launches_reachable")])
    assert flows[0] == flows[1]
    assert flows[0][0] > 850_000
    assert spent[0] < 5 * spent[1]


def test_late_checks_are_those_whose_neighbours_came_just_before() -> None:
    """Three targets, checks of 1 s each 3.2 s in one queue, timeout 2 s: one is late only if both others were due in
    the second before it, with probability (1 / 3.2)² over the phases.
    """
    shares = []
    for seed in range(400):
        part = {"targets": 3, "interval": "3200ms", "timeout": "2s", "time": "1s", "fall": 1000}
        series = alone(part, seed, horizon="1m")[1:]
        shares.append(series[:, kernel.FAILED].sum() / series[:, kernel.CHECKS].sum())
    half = 4 * float(np.std(shares, ddof=1)) / math.sqrt(len(shares))
    assert abs(float(np.mean(shares)) - 3.2**-2) < half


def test_hysteresis_is_a_race_of_runs() -> None:
    """Checks fail independently with p = e^(−T/S): the share in is that of mean times to runs of successes and failures
    (Feller, 1968, XIII.7).
    """
    p = math.exp(-2)
    part = {"targets": 30, "time": {"dist": "exponential", "mean": "1s"}, "workers": 60, "timeout": "2s",
            "interval": "10s", "rise": 4, "fall": 2}  # fmt: skip
    levels = [alone(part, seed, horizon="4h")[120:, kernel.HEALTHY] for seed in range(20)]
    means = [float(level.mean()) / 30 for level in levels]
    q = 1 - p
    until_out, until_in = (1 - p**2) / (p**2 * (1 - p)), (1 - q**4) / (q**4 * (1 - q))
    half = 4 * float(np.std(means, ddof=1)) / math.sqrt(len(means))
    assert abs(float(np.mean(means)) - until_out / (until_out + until_in)) < half


def test_flapping_is_work() -> None:
    """The same checks fail more often when each change takes a worker too."""
    part = FLAPPING | {"targets": 60, "workers": 14}
    light = alone(part, 1)[:, kernel.FAILED].sum()
    heavy = alone(part | {"change_time": "20s"}, 1)[:, kernel.FAILED].sum()
    assert heavy > light > 0


def test_the_cap_and_velocity_control_keep_to_their_shares() -> None:
    part = FLAPPING | {"targets": 60, "workers": 6}
    free = alone(part, 1)
    assert free[:, kernel.OUT_END].max() > 12
    capped = alone(part | {"policy": {"name": "ejection-cap", "share": "10%"}}, 1)
    assert capped[:, kernel.OUT_END].max() == 6
    assert capped[:, kernel.DELAYED].sum() > 0
    slow = alone(part | {"policy": {"name": "velocity", "share": "10%", "within": "2m"}}, 1)
    spans = np.convolve(slow[:, kernel.REMOVED], np.ones(12, np.int64), "valid")
    assert 0 < spans.max() <= 12  # a span of whole windows lies over two spans of the rule at most
    assert slow[:, kernel.REMOVED].sum() <= 6 * (20 / 2 + 1)
    assert slow[:, kernel.CANCELLED].sum() > 0


def test_failing_open_and_panic_use_everything() -> None:
    part = FLAPPING | {"targets": 60, "workers": 1}
    plain = alone(part, 1)
    assert plain[-1, kernel.ROUTED] < 30
    for policy in ({"name": "fail-open", "healthy": 20}, {"name": "panic", "below": "100%"}):
        series = alone(part | {"policy": policy}, 1)
        assert np.array_equal(series[:, kernel.HEALTHY], plain[:, kernel.HEALTHY])
        assert np.all(series[series[:, kernel.HEALTHY] < 20, kernel.ROUTED] == 60)


def test_damping_changes_less() -> None:
    part = FLAPPING | {"targets": 60, "workers": 30}
    plain, damped = (
        alone(part | {"policy": policy}, 1)
        for policy in ("rise-fall", {"name": "flap-damping", "base": "5m", "cap": "5m"})
    )
    assert 0 < damped[:, kernel.CHANGES].sum() < plain[:, kernel.CHANGES].sum()


def test_failover_leaves_one_zone_and_ends_when_switched_off() -> None:
    part = FLAPPING | {"targets": 60, "workers": 1, "failover_below": "90%", "failover_back": "100%"}
    case = variant(part | {"failover": [{"at": "10m", "do": "off"}]})
    nothing = np.zeros(case.windows + 1, np.int64)
    fed = (np.zeros((0, batches.COLUMNS), np.int64), nothing, np.zeros((0, 2), np.int64), nothing)
    state = serve(case, 1, fed=fed)[0].state
    whole = variant(part | {"failover_below": "0%"})
    plain = serve(whole, 1, fed=fed)[0].state
    assert state.series[:60, kernel.FAILOVERS].sum() >= 2
    assert state.series[60:, kernel.FAILOVERS].sum() == 0
    out = (state.by_zone[:60, :, kernel.ZONE_REMOVED] == 20) & (plain.by_zone[:60, :, kernel.ZONE_REMOVED] < 20)
    assert out.sum(axis=1).max() in (1, 2)
    assert np.array_equal(state.series[60:, kernel.ROUTED], plain.series[60:, kernel.ROUTED])


# Holders that failed wait before they ask again: those that ask at once would fill half an hour with millions of tries.
LOOP = (
    BASE.replace("20m", "2h").replace("workers = 8", "workers = 4")
    + 'policy.client = { name = "fixed", delay = "5s" }\n'
    + 'dependency.outages = [{ from = "10m", to = "40m" }]\n'
    + '[health]\ntargets = 90\njoins = "1%"\ntime = "10ms"\nterminate_after = "3m"\n'
)


def follow(text: str, stretch: int = chain.STRETCH, overrides: tuple[str, ...] = ()) -> Outcome:
    loaded = parse(text, overrides=overrides)
    with pipeline.Runner(2) as runner:
        found = chain.follow(next(runner.run([(loaded.first, 3, 0)])), stretch)
    assert found.later
    return found


def test_terminated_instances_come_back_as_launches() -> None:
    """A propagation stage that is too slow for a while: instances are terminated, launched anew, and all is well."""
    text = LOOP.replace('time = "900ms"', 'time = { dist = "lognormal", mean = "1900ms", cv = 12 }')
    outcome = follow(text)
    row, flows = outcome.measure(), outcome.columns()
    assert row["targets_terminated"] > 0
    plain = follow(text[: text.index("[health]")])
    more = flows["launches_asked"].sum() - plain.columns()["launches_asked"].sum()
    last = int(flows["targets_terminated"][-1])
    assert more == row["targets_terminated"] - last
    assert row["usable_min_share"] < 1


def test_what_replaces_instances_does_not_give_up() -> None:
    """Customers without retries give up as often as without health checks; replacements are denied and come back."""
    text = LOOP.replace('time = "900ms"', 'time = { dist = "lognormal", mean = "1900ms", cv = 12 }')
    text = text.replace("1900ms", "3s").replace('joins = "1%"', 'joins = "20%"')
    only = ("launches.retries=0", "dependency.outages=[{ from = '10m', to = '70m' }]")
    loop, plain = follow(text, overrides=only), follow(text[: text.index("[health]")], overrides=only)
    assert loop.columns()["launches_insufficient"].sum() > plain.columns()["launches_insufficient"].sum()
    assert loop.columns()["launches_gave_up"].sum() == plain.columns()["launches_gave_up"].sum() > 0
    assert loop.columns()["targets_empty"].max() > 0


@pytest.mark.parametrize("only", [(), ("launches.admission={ name = 'queue-size-switch', limit = 1000, low = 500 }",)])
def test_the_loop_in_one_kernel_is_that_of_one_window_after_the_other(
    only: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = LOOP.replace('time = "900ms"', 'time = { dist = "lognormal", mean = "1900ms", cv = 12 }')
    one = follow(text, 7, only)
    monkeypatch.setattr(chain, "loop_of", feedback.Loop)
    two = follow(text, overrides=only)
    assert one.columns()["targets_terminated"].sum() > 0
    assert all(np.array_equal(one.columns()[name], two.columns()[name]) for name in two.columns())


def test_without_the_loop_a_stretch_changes_no_bit() -> None:
    text = LOOP.replace('terminate_after = "3m"\n', "")
    one, two = follow(text), follow(text, 7)
    assert one.columns().keys() == two.columns().keys()
    assert all(np.array_equal(one.columns()[name], two.columns()[name]) for name in one.columns())
    assert one.columns()["targets_joined"].sum() > 0
    plain = follow(text[: text.index("[health]")])
    assert all(np.array_equal(plain.columns()[name], one.columns()[name]) for name in plain.columns())


MISTAKES = [
    ('time = "1s"', "health.targets is missing"),
    ('targets = 0\ntime = "1s"', "health.targets is 0"),
    ('targets = 2\ntime = "1s"', "want at least one a zone, 3"),
    ('targets = 9\ntime = "1s"\ntimeout = "31s"', "want timeout no longer than interval"),
    ('targets = 9\ntime = "0s"', "want time above 0"),
    ('targets = 9\ntime = "1s"\npolicy = "panick"', "did you mean panic"),
    ('targets = 9\ntime = "1s"\npolicy = { name = "panic", below = 3 }', "health.policy.below"),
    ('targets = 9\ntime = "1s"\nfailover = [{ at = "21m", do = "off" }]', "health.failover.0.at"),
    ('targets = 9\ntime = "1s"\nfailover = [{ at = "1m", do = "off", zone = 3 }]', "health.failover.0.zone is 3"),
    ('targets = 9\ntime = "1s"\nfailover_below = "60%"', "failover_back no smaller"),
]


@pytest.mark.parametrize(("text", "wanted"), MISTAKES)
def test_mistakes_are_told(text: str, wanted: str) -> None:
    with pytest.raises(ScenarioError) as told:
        parse(BASE + "[health]\n" + text)
    assert wanted in str(told.value)


def test_health_wants_propagation() -> None:
    with pytest.raises(ScenarioError, match="health stands without"):
        parse(BASE[: BASE.index("propagation")] + '[health]\ntargets = 9\ntime = "1s"\n')
