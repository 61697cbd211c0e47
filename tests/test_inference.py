"""What a sweep concludes, on data whose truth is known.

Oracles: coverage over repeated experiments with known means, closed forms (a Sobol-drawn integral, Ishigami's function,
the crossing of a logistic curve), other programs (scipy's own t tests), and the definitions, by brute force.
"""

import itertools
import math
from collections.abc import Callable, Sequence

import emulation
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from recovery.statistics import cliff, clusters, pareto, prim, sobol
from recovery.statistics.cliff import Cliff
from recovery.statistics.estimate import Estimate

REPEATS = 1_000
SMALL_TABLES = hnp.arrays(
    np.float64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=8), elements=st.integers(0, 4).map(float)
)


def covers(estimate: Estimate, truth: float) -> bool:
    return estimate.low <= truth <= estimate.high


def is_as_stated(covered: int, repeats: int = REPEATS) -> bool:
    return 0.93 * repeats <= covered <= 0.97 * repeats


# --- means over replications ------------------------------------------------------------------------------------------


def test_restricted_times_are_censored_at_the_limit_not_dropped() -> None:
    assert clusters.restricted([[1.0, 7.0], [math.inf, 5.0]], 5.0).tolist() == [[1.0, 5.0], [5.0, 5.0]]


def test_the_restricted_mean_is_the_area_under_the_share_that_has_not_recovered() -> None:
    times, limit_s = np.random.default_rng(1).exponential(3.0, 200), 4.0
    ends = np.concatenate([[0.0], np.sort(times[times < limit_s]), [limit_s]])
    area = sum((right - left) * (times > left).mean() for left, right in itertools.pairwise(ends))
    assert clusters.restricted(times, limit_s).mean() == pytest.approx(area, rel=1e-12)


def test_equal_clusters_give_the_t_interval_of_their_means() -> None:
    rng = np.random.default_rng(2)
    values, cluster = rng.normal(5, 1, (6, 7)), np.arange(6)[:, None].repeat(7, 1)
    theirs = stats.ttest_1samp(values.mean(axis=1), 0.0).confidence_interval(0.9)
    mine = clusters.mean(values.ravel(), cluster.ravel(), 0.9)
    assert mine == pytest.approx((values.mean(), theirs.low, theirs.high), rel=1e-12)
    # Labels are names, and the order of rows is of no account.
    order = rng.permutation(42)
    named = [f"replication {label}" for label in cluster.ravel()[order]]
    assert clusters.mean(values.ravel()[order], named, 0.9) == pytest.approx(mine, rel=1e-12)


def test_what_cannot_be_told_is_nan_or_infinite() -> None:
    mean, low, high = clusters.mean([1.0, 3.0], [0, 0])
    assert (mean, math.isnan(low), math.isnan(high)) == (2.0, True, True)
    assert clusters.relative_half_width(Estimate(mean, low, high)) == math.inf
    assert clusters.mean([1.0, math.inf], [0, 1])[::2] == (math.inf, math.inf)
    assert clusters.relative_half_width(clusters.mean([1.0, math.inf], [0, 1])) == math.inf
    assert all(map(math.isnan, clusters.ratio([0.0, 0.0], [0.0, 0.0], [0, 1])))
    # Only one replication recovered: a mean, but nothing on how it varies.
    only = clusters.ratio([4.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0, 1, 2])
    assert only.mean == 4.0
    assert math.isnan(only.low)


def test_relative_half_width() -> None:
    assert clusters.relative_half_width(Estimate(10.0, 9.0, 11.0)) == 0.1
    assert clusters.relative_half_width(Estimate(-10.0, -11.0, -9.0)) == 0.1
    assert clusters.relative_half_width(Estimate(0.0, 0.0, 0.0)) == 0.0
    assert clusters.relative_half_width(Estimate(0.0, -1.0, 1.0)) == math.inf


def test_coverage_of_the_mean_where_draws_of_a_replication_are_alike() -> None:
    # Within a replication values share a level: an interval over all rows would be far too narrow.
    rng, cluster, covered, naive = np.random.default_rng(3), np.repeat(np.arange(8), 10), 0, 0
    for _ in range(REPEATS):
        values = (rng.normal(3.0, 1.0, (8, 1)) + rng.normal(0.0, 1.0, (8, 10))).ravel()
        covered += covers(clusters.mean(values, cluster), 3.0)
        naive += covers(clusters.mean(values, np.arange(80)), 3.0)
    assert is_as_stated(covered)
    assert naive < 0.8 * REPEATS


def test_coverage_of_the_mean_over_sobol_drawn_draws() -> None:
    # Integral of exp(u + v) over the unit square, censored nowhere: (e - 1)^2. A new scramble is a new replication.
    rng, cluster, covered, widths, plain_widths = np.random.default_rng(4), np.repeat(np.arange(6), 16), 0, 0.0, 0.0
    for _ in range(REPEATS):
        draws = np.concatenate([stats.qmc.Sobol(2, seed=rng).random(16) for _ in range(6)])
        estimate = clusters.mean(np.exp(draws.sum(axis=1)), cluster)
        plain = clusters.mean(np.exp(rng.random((96, 2)).sum(axis=1)), cluster)
        covered += covers(estimate, (math.e - 1.0) ** 2)
        widths, plain_widths = widths + estimate.high - estimate.low, plain_widths + plain.high - plain.low
    assert is_as_stated(covered)
    assert widths < 0.5 * plain_widths  # what the design is for, and what the interval must show


def test_coverage_of_the_mean_time_given_recovery() -> None:
    # A draw recovers with probability 0.7 and then takes 60 s + Exp(40 s): the mean given recovery is 100 s.
    rng, covered, repeats = np.random.default_rng(5), 0, 2 * REPEATS
    cluster = np.repeat(np.arange(20), 12)
    for _ in range(repeats):
        recovered = rng.random(240) < 0.7
        time_s = np.where(recovered, 60.0 + rng.exponential(40.0, 240), 0.0)
        covered += covers(clusters.ratio(time_s, recovered, cluster), 100.0)
    assert is_as_stated(covered, repeats)


def test_the_ratio_is_that_of_the_sums_and_scales() -> None:
    times, counts, cluster = [3.0, 0.0, 5.0, 7.0], [1.0, 0.0, 1.0, 1.0], [0, 0, 1, 2]
    estimate = clusters.ratio(times, counts, cluster)
    # By hand: R = 5, residuals of the clusters -2, 0, 2, variance 3 / 2 * 8 / 9.
    half = stats.t.ppf(0.975, 2) * math.sqrt(3 / 2 * 8 / 9)
    assert estimate == pytest.approx((5.0, 5.0 - half, 5.0 + half), rel=1e-12)
    assert clusters.ratio(np.multiply(times, 60), counts, cluster) == pytest.approx(
        tuple(60 * part for part in estimate), rel=1e-12
    )


def twins(rng: np.random.Generator, difference: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two policies in 8 replications of 5 draws; they share the draws, and differ by so much on average."""
    draws = rng.gamma(4.0, 1.0, 40)
    one, other = draws + rng.normal(0.0, 0.3, 40), draws + rng.normal(0.0, 0.3, 40)
    return one + difference, other, np.repeat(np.arange(8), 5)


def test_coverage_of_paired_differences_and_what_pairing_gains() -> None:
    rng, covered, paired, apart = np.random.default_rng(6), 0, 0.0, 0.0
    for _ in range(REPEATS):
        values, other, cluster = twins(rng, 0.5)
        estimate = clusters.paired(values, other, cluster)
        covered += covers(estimate, 0.5)
        shuffled = clusters.paired(values, rng.permutation(other), cluster)
        paired, apart = paired + estimate.high - estimate.low, apart + shuffled.high - shuffled.low
    assert is_as_stated(covered)
    assert paired < 0.3 * apart  # sqrt(2 * 0.09 / (2 * 4.09)) = 0.148


# --- robust choice ----------------------------------------------------------------------------------------------------


@given(SMALL_TABLES)
def test_pareto_by_its_definition(points: np.ndarray) -> None:
    def beats(one: Sequence[float], other: Sequence[float]) -> bool:
        return all(a <= b for a, b in zip(one, other, strict=True)) and any(
            a < b for a, b in zip(one, other, strict=True)
        )

    rows = points.tolist()
    assert pareto.pareto(points).tolist() == [not any(beats(other, row) for other in rows) for row in rows]


def test_pareto_keeps_ties_and_knows_never() -> None:
    assert pareto.pareto([[1, math.inf], [1, math.inf], [2, 3], [2, 4]]).tolist() == [True, True, True, False]


# --- scenario discovery -----------------------------------------------------------------------------------------------

NAMES = ["host.timeout", "a", "b", "fleet.skew", "c", "policy.queue", "d", "hosts"]
KINDS = ["category" if name == "policy.queue" else "number" for name in NAMES]


def planted(seed: int, where: Callable[[np.ndarray], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """2,000 runs of which 92 % fail where it is said, and 5 % elsewhere."""
    rng = np.random.default_rng(seed)
    x = rng.random((2_000, len(NAMES)))
    x[:, 5], x[:, 7] = rng.integers(0, 4, 2_000), rng.integers(1, 9, 2_000)
    return x, rng.random(2_000) < np.where(where(x), 0.92, 0.05)


@pytest.mark.parametrize("seed", range(5))
def test_prim_finds_a_planted_box_and_counts_it_right(seed: int) -> None:
    x, fails = planted(seed, lambda x: (x[:, 0] > 0.6) & (x[:, 3] < 0.3))
    box = prim.prim(x, fails, NAMES, kinds=KINDS)[0]
    assert set(box.limits) == {"host.timeout", "fleet.skew"}
    timeout, skew = box.limits["host.timeout"], box.limits["fleet.skew"]
    assert timeout[:2] == pytest.approx((0.6, math.inf), abs=0.04)
    assert skew[:2] == pytest.approx((-math.inf, 0.3), abs=0.04)
    # Brute force, run by run.
    held = [row[0] >= timeout.low and row[3] <= skew.high for row in x.tolist()]
    both = sum(h and f for h, f in zip(held, fails.tolist(), strict=True))
    assert box[1:] == (both / fails.sum(), both / sum(held), sum(held) / 2_000, both / fails.sum())
    assert prim.inside(x, NAMES, box).tolist() == held
    # Bryant and Lempert's quasi p-value: exact binomial test against the density without the name.
    wider = x[:, 0] >= timeout.low
    density = fails[wider].mean()
    expected = stats.binomtest(both, sum(held), density, alternative="greater").pvalue
    assert skew.quasi_p == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_prim_ends_where_no_wider_limit_agrees_better(seed: int) -> None:
    x, fails = planted(seed, lambda x: (x[:, 0] > 0.6) & (x[:, 3] < 0.3))
    box = prim.prim(x, fails, NAMES)[0]

    def agreement(held: np.ndarray) -> float:
        return float(2 * (held & fails).sum() / (held.sum() + fails.sum()))

    held = prim.inside(x, NAMES, box)
    step = int(0.01 * held.sum())  # alpha / 5
    for column, by_other in (
        (0, x[:, 3] <= box.limits["fleet.skew"].high),
        (3, x[:, 0] >= box.limits["host.timeout"].low),
    ):
        outside = np.flatnonzero(by_other & ~held)
        limit = box.limits[NAMES[column]].low if column == 0 else box.limits[NAMES[column]].high
        nearest = outside[np.argsort(np.abs(x[outside, column] - limit))][:step]
        wider = held.copy()
        wider[nearest] = True
        assert agreement(wider) <= agreement(held)


@pytest.mark.parametrize("seed", range(5))
def test_prim_of_categories_whole_numbers_and_both_ends(seed: int) -> None:
    x, fails = planted(seed, lambda x: (x[:, 5] != 2) & (x[:, 7] >= 4) & (x[:, 0] > 0.2) & (x[:, 0] < 0.7))
    box = prim.prim(x, fails, NAMES, kinds=KINDS)[0]
    assert set(box.limits) == {"policy.queue", "hosts", "host.timeout"}
    assert box.limits["policy.queue"].among == (0.0, 1.0, 3.0)
    assert box.limits["hosts"][:2] == (3.5, math.inf)
    assert box.limits["host.timeout"][:2] == pytest.approx((0.2, 0.7), abs=0.04)


def test_prim_finds_a_second_box_among_what_is_left() -> None:
    x, fails = planted(0, lambda x: (x[:, 0] > 0.7) & (x[:, 3] < 0.4) | (x[:, 1] < 0.2) & (x[:, 2] < 0.5))
    first, second, *_ = prim.prim(x, fails, NAMES, least_support=0.05)
    assert {frozenset(first.limits), frozenset(second.limits)} == {
        frozenset({"host.timeout", "fleet.skew"}),
        frozenset("ab"),
    }
    in_first, in_second = prim.inside(x, NAMES, first), prim.inside(x, NAMES, second)
    assert second.added == (fails & in_second & ~in_first).sum() / fails.sum() < second.coverage


@pytest.mark.parametrize("seed", range(5))
def test_prim_is_not_lost_between_two_regions(seed: int) -> None:
    x, fails = planted(seed, lambda x: (x[:, 0] > 0.7) & (x[:, 3] < 0.4) | (x[:, 1] < 0.2) & (x[:, 2] < 0.5))
    box = prim.prim(x, fails, NAMES)[0]
    truth = (x[:, 0] > 0.7) & (x[:, 3] < 0.4)
    coverage, density = fails[truth].sum() / fails.sum(), fails[truth].mean()
    either = 2 * coverage * density / (coverage + density)  # the two are as large
    assert 2 * box.coverage * box.density / (box.coverage + box.density) > 0.8 * either


def test_prim_tells_no_box_that_is_no_denser_than_all_runs() -> None:
    # 92 % fail in one region; of what is left 25 % in another, which is denser than its surroundings but not than all.
    rng = np.random.default_rng(14)
    x = rng.random((2_000, 3))
    fails = rng.random(2_000) < np.where(x[:, 0] > 0.6, 0.92, np.where(x[:, 1] > 0.5, 0.25, 0.01))
    boxes = prim.prim(x, fails, list("abc"), most=5)
    assert [set(box.limits) for box in boxes] == [{"a"}]
    left = x[:, 0] <= 0.6
    assert [set(box.limits) for box in prim.prim(x[left], fails[left], list("abc"))] == [{"b"}]


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_prim_finds_nothing_where_nothing_depends_on_the_inputs(share: float) -> None:
    rng = np.random.default_rng(9)
    found = sum(bool(prim.prim(rng.random((300, 6)), rng.random(300) < share, list("abcdef"))) for _ in range(40))
    assert found <= 4


def test_prim_of_runs_that_are_all_alike() -> None:
    x = np.random.default_rng(10).random((50, 2))
    assert prim.prim(x, np.zeros(50, bool), ["a", "b"]) == []
    assert prim.prim(x, np.ones(50, bool), ["a", "b"]) == []
    assert prim.prim(np.ones((50, 2)), np.arange(50) < 20, ["a", "b"]) == []


def test_a_box_in_words() -> None:
    limits = {
        "host.timeout": prim.Limit(low=240.0),
        "fleet.skew": prim.Limit(high=0.3),
        "hosts": prim.Limit(2.0, 8.0),
        "policy.queue": prim.Limit(among=(0.0, 1.0)),
    }

    def show(name: str, value: float) -> str:
        if name == "policy.queue":
            return ["fifo", "lifo"][int(value)]
        return f"{value / 60:g} min" if name == "host.timeout" else f"{value:g}"

    assert prim.words(prim.Box(limits, 0.85, 0.92, 0.2, 0.85), show) == (
        "host.timeout above 4 min and fleet.skew below 0.3 and hosts between 2 and 8 and policy.queue is fifo or lifo: "
        "85 % of the failures, 92 % of the runs there fail"
    )


# --- sensitivity ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", [0.0, 3.0])
def test_shares_of_variance_meet_ishigamis_closed_form_with_chance_beside_it(noise: float) -> None:
    repeats = 100
    told = [emulation.ishigami_with_chance(np.random.default_rng(20 + i), noise) for i in range(repeats)]
    least = 0.93 * repeats - 2.33 * math.sqrt(0.93 * 0.07 * repeats)
    for part, held in emulation.shares_held(told, noise).items():
        assert held >= least, part
    if noise == 0.0:  # the same run twice: nothing is left to chance, and what does nothing has no width
        assert told[0].chance == (0.0, 0.0, 0.0)
        assert told[0].ST["x4"] == (0.0, 0.0, 0.0)


def test_inputs_that_do_nothing_have_no_share_and_chance_has_all() -> None:
    rng, repeats = np.random.default_rng(21), 200
    told = [emulation.with_chance(rng, lambda unit: np.zeros(len(unit)), 2, 1.0) for _ in range(repeats)]
    low = 0.93 * repeats - 2.33 * math.sqrt(0.93 * 0.07 * repeats)
    for name in ("x1", "x2"):
        assert sum(covers(one.S1[name], 0.0) for one in told) >= low
        assert sum(covers(one.ST[name], 0.0) for one in told) >= low
    assert sum(covers(one.chance, 1.0) for one in told) >= low
    assert all(one.S1["x1"].mean < 0.4 for one in told)


def test_shares_of_variance_know_no_level_and_no_unit() -> None:
    outputs = np.random.default_rng(22).random((5, 8, 16))
    first, moved = (
        sobol.variance_shares(part[0], part[1], part[2:4].swapaxes(0, 1), part[4], ["a", "b"])
        for part in (outputs, 1e4 + 60.0 * outputs)
    )
    assert moved.chance == pytest.approx(first.chance)
    for name in ("a", "b"):
        assert moved.S1[name] == pytest.approx(first.S1[name], abs=1e-9)
        assert moved.ST[name] == pytest.approx(first.ST[name], abs=1e-9)


def test_a_constant_has_no_variance_to_share() -> None:
    ones = np.ones((2, 4))
    told = sobol.variance_shares(ones, ones, np.ones((2, 1, 4)), ones, ["a"])
    assert math.isnan(told.chance.mean)
    assert "1 in every run" in told.reason


# --- the cliff --------------------------------------------------------------------------------------------------------


def logistic(crossing: float, width: float, seed: int, *, shared: bool = False) -> Callable[[float, range], list[bool]]:
    """Runs that fail with probability 1 / (1 + exp(-ln(value / crossing) / width)): half of them at the crossing.

    `shared`: replication r is the same chance at each value. Replications are asked for once, in order.
    """
    seen: dict[float, int] = {}

    def fails(value: float, replications: range) -> list[bool]:
        assert replications.start == seen.get(value, 0)
        seen[value] = replications.stop
        address = [seed] if shared else [seed, int(value * 1e6)]
        chances = np.random.default_rng(address).random(replications.stop)[replications.start :]
        return [bool(u < 1.0 / (1.0 + math.exp(-math.log(value / crossing) / width))) for u in chances]

    return fails


def holds(found: Cliff, crossing: float) -> bool:
    return found.low <= crossing <= found.high


@pytest.mark.parametrize(("shared", "confidence"), [(False, 0.95), (True, 0.95), (False, 0.6)])
def test_the_bracket_holds_the_crossing_as_often_as_stated(shared: bool, confidence: float) -> None:
    held, narrow = 0, 0
    for seed in range(300):
        crossing = math.exp(np.random.default_rng(seed).uniform(math.log(2.0), math.log(50.0)))
        found = cliff.cliff(
            logistic(crossing, 0.1, seed, shared=shared), 1.0, 100.0,
            confidence=confidence, tolerance=0.05, batch=10, most=200, scale="log",
        )  # fmt: skip
        assert found.fails == "above"
        held += holds(found, crossing)
        # Even where the runs do not do, what is left is about the stretch that they cannot tell (15 % either side).
        narrow += found.high / found.low < 2.0
        assert (found.note == "") == (found.high / found.low <= 1.05)
    assert held >= confidence * 300
    assert narrow >= 0.9 * 300


def test_looking_often_at_one_value_makes_no_more_errors() -> None:
    # Just below one half "fails" is wrong. Forty looks without sharing out the error would say so five times as often.
    rng, wrong = np.random.default_rng(13), 0
    for _ in range(600):
        wrong += cliff._try(lambda _, r: (rng.random(len(r)) < 0.4999).tolist(), 1.0, 0.05, 5, 200).verdict == "fails"
    assert wrong <= 0.05 * 600


def test_every_value_that_was_tried_is_told_and_carries_the_bracket() -> None:
    found = cliff.cliff(logistic(7.0, 0.2, 1), 1.0, 64.0, tolerance=0.1, most=100, scale="log")
    verdicts = {tried.value: tried.verdict for tried in found.tried}
    assert len(verdicts) == len(found.tried)
    assert [tried.value for tried in found.tried[:3]] == [1.0, 64.0, pytest.approx(8.0)]
    assert (verdicts[found.low], verdicts[found.high]) == ("holds", "fails")
    assert not [value for value in verdicts if found.low < value < found.high and verdicts[value] != "unclear"]
    for _, failed, runs, verdict in found.tried:
        assert runs <= 100
        assert verdict == "unclear" or (verdict == "fails") == (failed > runs / 2)


@pytest.mark.parametrize("fails_above", [True, False])
def test_a_step_is_found_to_the_tolerance(fails_above: bool) -> None:
    def fails(value: float, replications: range) -> list[bool]:
        return [(value > math.pi) == fails_above] * len(replications)

    found = cliff.cliff(fails, -10.0, 10.0, tolerance=1e-3)
    assert holds(found, math.pi)
    assert found.high - found.low <= 1e-3
    assert (found.fails, found.note) == ("above" if fails_above else "below", "")
    assert len(found.tried) == 2 + math.ceil(math.log2(20.0 / 1e-3))


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize("step", [1, 2, 37, 998, 999])
def test_a_step_between_whole_numbers(scale: str, step: int) -> None:
    asked: list[float] = []

    def fails(value: float, replications: range) -> list[bool]:
        asked.append(value)
        return [value > step] * len(replications)

    found = cliff.cliff(fails, 1, 1000, tolerance=1e-9, scale=scale, whole=True)  # type: ignore[arg-type]
    assert (found.low, found.high, found.note) == (step, step + 1, "")
    assert all(isinstance(value, int) for value in asked)


def test_a_value_on_the_crossing_leaves_a_bracket_about_it() -> None:
    found = cliff.cliff(logistic(10.0, 0.05, 3), 1.0, 100.0, tolerance=1e-4, most=60, scale="log")
    assert found.tried[2].value == pytest.approx(10.0)
    assert found.tried[2].verdict == "unclear"
    assert "as narrow as 60 runs" in found.note
    assert holds(found, 10.0)
    assert found.high / found.low < 2.0
    assert sum(tried.verdict == "unclear" for tried in found.tried) == 3  # it, and one on either side


def test_ends_on_the_same_side_are_refused() -> None:
    with pytest.raises(ValueError, match=r"every run fails at both ends; want a low and a high"):
        cliff.cliff(lambda value, r: [True] * len(r), 1.0, 2.0, tolerance=0.1)
    with pytest.raises(ValueError, match="no run fails at either end"):
        cliff.cliff(lambda value, r: [False] * len(r), 1.0, 2.0, tolerance=0.1)
    with pytest.raises(ValueError, match=r"high is 2\.0, where 20 of 40 runs fail"):
        cliff.cliff(lambda value, r: [value > 1 and i % 2 == 0 for i in r], 1.0, 2.0, tolerance=0.1, most=40)


# --- refusals ---------------------------------------------------------------------------------------------------------

NONE = np.zeros((0, 2))
TWO, TABLE, CASES = [1.0, 2.0], np.arange(8.0).reshape(4, 2), np.array([True, False, True, False])


def step(value: float, replications: range) -> list[bool]:
    return [value > 1.5] * len(replications)


REFUSED: list[tuple[str, Callable[[], object]]] = [
    ("limit_s is inf", lambda: clusters.restricted(TWO, math.inf)),
    (r"times_s holds -1\.0", lambda: clusters.restricted([-1.0], 5.0)),
    ("times_s holds nan", lambda: clusters.restricted([math.nan], 5.0)),
    ("values holds nan; want numbers or inf", lambda: clusters.mean([1.0, math.nan], [0, 1])),
    (r"values has shape \(0,\)", lambda: clusters.mean([], [])),
    (r"values has shape \(4, 2\)", lambda: clusters.mean(TABLE, [0, 1, 2, 3])),
    ("cluster has length 1; want 2", lambda: clusters.mean(TWO, [0])),
    (r"cluster has shape \(\)", lambda: clusters.mean(TWO, 0)),
    ("confidence is 95", lambda: clusters.mean(TWO, [0, 1], 95)),
    (r"denominator holds -1\.0", lambda: clusters.ratio(TWO, [-1.0, 1.0], [0, 1])),
    ("denominator has length 1", lambda: clusters.ratio(TWO, [1.0], [0, 1])),
    ("numerator holds inf", lambda: clusters.ratio([math.inf, 1.0], TWO, [0, 1])),
    ("other has length 3", lambda: clusters.paired(TWO, [1.0, 2.0, 3.0], [0, 1])),
    ("values holds inf; .*restrict", lambda: clusters.paired([math.inf, 1.0], TWO, [0, 1])),
    ("points has shape", lambda: pareto.pareto(NONE)),
    ("points holds nan", lambda: pareto.pareto([[math.nan]])),
    ("x has shape", lambda: prim.prim(NONE, CASES[:0], ["a", "b"])),
    ("is_case has shape", lambda: prim.prim(TABLE, CASES[:3], ["a", "b"])),
    ("is_case has shape .* int64", lambda: prim.prim(TABLE, CASES.astype(np.int64), ["a", "b"])),
    ("names is", lambda: prim.prim(TABLE, CASES, ["a", "a"])),
    ("kinds is", lambda: prim.prim(TABLE, CASES, ["a", "b"], kinds=["number"])),
    ("least_support is 0", lambda: prim.prim(TABLE, CASES, ["a", "b"], least_support=0.0)),
    ("most is 0", lambda: prim.prim(TABLE, CASES, ["a", "b"], most=0)),
    ("want also", lambda: prim.inside(TABLE, ["a", "b"], prim.Box({"c": prim.Limit()}, 1, 1, 1, 1))),
    ("f_b has shape", lambda: sobol.variance_shares(np.eye(2), np.eye(3), np.ones((2, 1, 2)), np.eye(2), ["a"])),
    ("f_ab has shape", lambda: sobol.variance_shares(np.eye(2), np.eye(2), np.ones((2, 1, 3)), np.eye(2), ["a"])),
    ("f_a has 1 rep", lambda: sobol.variance_shares([TWO], [TWO], np.ones((1, 1, 2)), [TWO], ["a"])),
    ("low is 2 and high is 1", lambda: cliff.cliff(step, 2, 1, tolerance=0.1)),
    ("tolerance is 0", lambda: cliff.cliff(step, 1, 2, tolerance=0)),
    ("scale is 'ln'", lambda: cliff.cliff(step, 1, 2, tolerance=0.1, scale="ln")),  # type: ignore[arg-type]
    ("low is 0; want a number above 0", lambda: cliff.cliff(step, 0, 2, tolerance=0.1, scale="log")),
    ("want whole numbers", lambda: cliff.cliff(step, 1.5, 2, tolerance=0.1, whole=True)),
    ("batch is 0", lambda: cliff.cliff(step, 1, 2, tolerance=0.1, batch=0)),
    ("most is 0", lambda: cliff.cliff(step, 1, 2, tolerance=0.1, most=0)),
    ("gave 1 answers; want 20", lambda: cliff.cliff(lambda value, r: [True], 1, 2, tolerance=0.1)),
]  # fmt: skip


@pytest.mark.parametrize(("message", "call"), REFUSED, ids=[message for message, _ in REFUSED])
def test_bad_input_is_refused_by_name_and_value(message: str, call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=message):
        call()
