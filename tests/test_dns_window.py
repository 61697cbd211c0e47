"""From the empty record to the last cached answer: the share of requests that fail, and the outages of a scenario.

Oracles: resolvers that are followed one by one; areas under curves by hand; the event's own times.
"""

import itertools
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from recovery.errors import ScenarioError
from recovery.model.distributions import Distribution
from recovery.model.oddities import oddities
from recovery.reading.experiment import load, parse
from recovery.show import figures, report, run_figures
from recovery.simulate import identity, pipeline
from recovery.stages import outage
from recovery.stages.outage import Moments, outages_of, resolve
from recovery.study import execute, fit
from recovery.study.summary import course_of, summarise

INPUTS = Path(__file__).resolve().parent / "faults" / "inputs"
FLEET = """
horizon = "8h"
hold = "1m"
fleet = { holders = 50, hosts = 2 }
host = { establish_time = "10ms", timeout = "5s", fail_after = "100ms" }
lease = { duration = "2m", check_every = "30s" }
"""
RACE = """
[dns]
keep = 3
delays = { plan = "60s", look = "10s", transaction = "1s", back_off = "1s", clean_up = "1s" }
"""
WINDOW = """
[dns.window]
detect = "50m"
partial = "37m"
partial_share = "25%"
repair = "107m"
grid = "5m"
"""


def moments(**changes: Any) -> Moments:
    table = {"empty": 60.0, "partial": 1e9, "repaired": 760.0, "partial_share": 0.0, "ttl": 90.0, "negative_ttl": 300.0}
    return Moments(**{**table, **changes})


@pytest.mark.parametrize(
    "m",
    [
        moments(),
        moments(ttl=0.5),
        moments(ttl=1000.0),
        moments(negative_ttl=50.0),
        moments(negative_ttl=900.0),
        moments(partial=400.0, partial_share=0.3),
    ],
)
def test_share_is_that_of_resolvers_one_by_one(m: Moments) -> None:
    places = (np.arange(400) + 0.5) / 400
    runs_out = m.empty + places[:, None] * m.ttl  # when a good answer runs out
    asked = m.repaired - places[None, :] * min(
        m.negative_ttl, m.repaired - m.empty
    )  # its last question before the repair
    for t in np.linspace(0.0, 1500.0, 301) + 0.123:
        is_bad = (runs_out <= t) & (runs_out < m.repaired) & ((t < m.repaired) | (t < asked + m.negative_ttl))
        share = float(is_bad.mean()) * (1 - m.partial_share if t >= m.partial else 1)
        assert abs(outage.fails_share(m, float(t)) - share) < 3e-3, t


@pytest.mark.parametrize("grid_s", [7.0, 60.0, 5000.0])
def test_steps_keep_the_area(grid_s: float) -> None:
    # Good answers run out over the TTL, bad ones over the negative TTL: each ramp has half of its length as area.
    m = moments()
    found = list(outage.steps(m, grid_s))
    area = sum((end - start) * share for start, end, share in found)
    assert area == pytest.approx((760 - 60) - 90 / 2 + 300 / 2, rel=1e-9)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(found))
    assert found[-1][1] == 760 + 300


def test_a_scenario_starts_from_the_race() -> None:
    one = resolve(parse(FLEET + RACE + WINDOW).first, 1, 0).scenario
    outages = one.outages
    assert (outages[0].start, outages[-1].end) == (0.0, pytest.approx((157 + 15) * 60.0))
    down = next(step for step in outages if step.start <= 60 * 60 < step.end)
    eased = next(step for step in outages if step.start <= 100 * 60 < step.end)
    assert (down.fails, eased.fails, eased.start) == (1.0, 0.75, 87 * 60.0)
    assert one.recovers_from_s == outages[-1].end


def test_a_scenario_as_it_is_written_holds_no_drawn_outage() -> None:
    """It cannot say when the dependency is away; the resolved one says it, and is otherwise the same."""
    variant = parse(FLEET + RACE + WINDOW).first
    assert variant.scenario.dependency.outages == ()
    for ask in ("outages", "recovers_from_s"):
        with pytest.raises(LookupError, match="want a resolved scenario"):
            getattr(variant.scenario, ask)
    found = resolve(variant, 1, 0)
    assert found.scenario.model_dump(exclude={"dependency"}) == variant.scenario.model_dump(exclude={"dependency"})
    copy = pickle.loads(pickle.dumps(found))  # as it goes to another process
    assert copy.scenario.outages == found.scenario.outages


def test_only_what_no_draw_can_change_is_refused() -> None:
    """A window that must be over too late is refused, one that may be is told; whatever the seed is."""
    late = WINDOW.replace("107m", "9h")
    drawn = late.replace('"9h"', '{ dist = "exponential", mean = "9h" }')
    least = late.replace('"9h"', '{ dist = "uniform", min = "8h", max = "10h" }')
    for seed in (1, 2, 3):
        head = f"seed = {seed}" + FLEET + RACE
        notes = list(oddities(parse(head + drawn).first.scenario))
        assert "dns.window is over at 10 h 05 min if its times are their means, after the horizon" in notes
        with pytest.raises(ScenarioError, match="is over at 9 h 05 min at the earliest; want before the"):
            parse(head + least)
    with pytest.raises(ScenarioError, match="hold is 6 h 00 min; want no longer than what is left from 2 h 52"):
        parse(FLEET.replace('hold = "1m"', 'hold = "6h"') + RACE + WINDOW)


def test_windows_are_drawn_by_seed() -> None:
    text = FLEET + RACE + WINDOW.replace('"50m"', '{ dist = "exponential", mean = "50m" }')
    ends = {resolve(parse(text).first, n, 0).scenario.recovers_from_s for n in (1, 1, 2)}
    assert len(ends) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (RACE, "dns.window is missing; want a table [dns.window]: the outage that follows"),
        (
            RACE + WINDOW + '[dependency]\noutages = [{ from = "1m", to = "2m" }]',
            "dependency.outages stands beside [dns]",
        ),
        (RACE + WINDOW.replace("detect", "detcet"), "dns.window.detcet is not a key (did you mean detect?)"),
        (RACE.replace("keep = 3", "keep = 0") + WINDOW, "dns.keep is 0; want a whole number from 1"),
        (RACE + WINDOW.replace("107m", "9h"), "dns.window is over at 10 h 05 min; want before the horizon, 8 h"),
        (RACE + WINDOW.replace("107m", "0s").replace("50m", "0s"), "want a detect or repair above 0"),
        (RACE + WINDOW.replace('"5m"', '"1us"'), "dns.window.grid is 1 µs"),
        (RACE + WINDOW.replace("107m", "36500d"), "want at most 100000 steps"),
        (RACE + WINDOW.replace('partial = "37m"', ""), "dns.window.partial is missing"),
    ],
)
def test_mistakes_are_told(text: str, said: str) -> None:
    with pytest.raises(ScenarioError) as error:
        parse(FLEET + text)
    assert said in str(error.value)


SPREAD = WINDOW.replace('"50m"', '{ dist = "exponential", mean = "50m" }').replace('"5m"', '"30m"')


def runs(text: str, replications: int) -> list[pipeline.Outcome]:
    variant = parse(FLEET + RACE + text).first
    with pipeline.Runner(1) as runner:
        return list(runner.run([(variant, 1, replication) for replication in range(replications)]))


def test_each_replication_draws_its_window() -> None:
    """Until the last cached answer it takes an exponential detection, 107 min of repair and 15 min of negative TTL."""
    variant = parse(FLEET + RACE + SPREAD).first
    drawn = [resolve(variant, 1, replication).scenario.recovers_from_s for replication in range(400)]
    waits = np.array(drawn) - (107 + 15) * 60
    assert stats.kstest(waits, stats.expon(scale=50 * 60).cdf).pvalue > 0.001
    assert abs(np.corrcoef(waits[:-1], waits[1:])[0, 1]) < 4 / math.sqrt(400)


def test_a_run_meets_the_window_of_its_replication() -> None:
    """The constants of the window hold in each: the share that fails goes up with the TTL of 5 s, down with 15 min."""
    found = runs(SPREAD, 4)
    assert len({outcome.outages[-1][1] for outcome in found}) == 4
    for outcome in found:
        row, back = outcome.measure(), outcome.outages[-1][1]
        assert row["recovers_from_s"] == back == outcome.scenario.recovers_from_s
        failed, t = outcome.series["failed"], outcome.times_s
        assert failed[t > back + 10].sum() == 0  # a request that began before may end a window later
        assert failed[(t > 10) & (t <= back - 900)].sum() > 0
        everything_fails = (t > 60) & (t <= 30 * 60)
        assert outcome.series["succeeded"][everything_fails].sum() == 0 or back < (30 + 107 + 15) * 60


def test_the_interval_holds_the_spread_of_the_windows() -> None:
    """`tests/faults/inputs/window-replications.toml`: detection and repair are exponential with 30 min each, so their
    sum has a standard deviation of 30 min · √2; so has the moment at which all leases are there, as a few minutes
    after the dependency all are. Six draws scatter by chance (chi-square with five degrees of freedom).
    """
    experiment = load(INPUTS / "window-replications.toml")
    with pipeline.Runner(1) as runner:
        outcomes = list(runner.run([(experiment.first, 1, replication) for replication in range(6)]))
    group = summarise(experiment, outcomes).groups[0].measures["leased_all_s"]
    deviation = (group.high - group.low) / 2 / stats.t.ppf(0.975, 5) * math.sqrt(6)
    low, high = (math.sqrt(stats.chi2.ppf(p, 5) / 5) * 1800 * math.sqrt(2) for p in (0.001, 0.999))
    assert low < deviation < high
    assert len({outcome.measure()["leased_all_s"] for outcome in outcomes}) == 6


def test_names_of_runs_know_the_window() -> None:
    variant = parse(FLEET + RACE + SPREAD).first
    names = [identity.digest_of(variant, 1, replication) for replication in range(3)]
    assert len(set(names)) == 3
    assert names == [identity.digest_of(resolve(variant, 1, n), 1, n) for n in range(3)]


def test_a_window_that_is_drawn_beyond_the_horizon_is_not_over() -> None:
    long = SPREAD.replace('"107m"', '{ dist = "exponential", mean = "150m" }')
    long = long.replace('partial = "37m"', "").replace('partial_share = "25%"', "")
    variant = parse("seed = 1" + FLEET + RACE + long).first
    late = next(n for n in range(1, 500) if resolve(variant, 1, n).scenario.recovers_from_s > 8 * 3600 + 60)
    with pipeline.Runner(1) as runner:
        [outcome] = runner.run([(variant, 1, late)])
    row = outcome.measure()
    assert [row[f"ttr{depth}_s"] for depth in (50, 90, 99, 100)] == [math.inf] * 4
    assert row["verdict"] == "recovering"  # the clock of recovery has not begun


def test_fit_meets_the_window_of_each_replication(tmp_path: Path) -> None:
    file = tmp_path / "drawn.toml"
    file.write_text("replications = 3" + FLEET + RACE + SPREAD, encoding="utf-8")
    candidates = fit.Candidates(file, [fit.range_of("host.establish_time=5ms..20ms")], (), 1)
    outcomes = candidates.outcomes([0.5])
    drawn = [resolve(load(file).first, 1, n).scenario.recovers_from_s for n in range(3)]
    assert [outcome.scenario.recovers_from_s for outcome in outcomes] == drawn


def test_pictures_shade_the_outages_that_were_simulated(tmp_path: Path) -> None:
    text = "replications = 2" + FLEET + RACE + SPREAD + '[variants.quick.dns.window]\nrepair = "20m"\n'
    experiment = parse(text, name="drawn")
    finished = execute.run(experiment, out=tmp_path, threads=1, quiet=True)
    axis = figures.TimeAxis.of(finished.manifest)
    for variant, group in zip(experiment.variants, finished.summary.groups, strict=True):
        assert axis.outages_of(group) == course_of(outages_of(resolve(variant, 1, 0).scenario))
    assert axis.outages == course_of(outages_of(resolve(experiment.first, 1, 0).scenario))
    quick = axis.outages_of(finished.summary.groups[1])
    assert quick[-1].to_s == pytest.approx(axis.outages[-1].to_s - 87 * 60)
    for row in finished.summary.rows:
        variant = next(variant for variant in experiment.variants if variant.name == row.variant)
        own = outages_of(resolve(variant, 1, row.replication).scenario)
        assert finished.manifest.outages[row.outages_index] == course_of(own)
    assert "in “as written”" in axis.shading(finished.summary.groups)
    assert "in “as written”" not in axis.shading(finished.summary.groups[:1])


def test_the_first_picture_shades_when_the_dependency_was_down(tmp_path: Path) -> None:
    """Oracle: the outages that the race drew. Behind the curves of leases stands a span for each, as wide as it was."""
    experiment = parse(FLEET + RACE + SPREAD, name="drawn")
    finished = execute.run(experiment, out=tmp_path, threads=1, quiet=True)
    manifest, summary, series = report.read(finished.folder or tmp_path)
    first = run_figures.figures_for(manifest, summary, series)[0]
    panel = first.figure.axes[0]
    spans = sorted((patch.get_x(), patch.get_x() + patch.get_width()) for patch in panel.patches)
    wanted = [(a, b) for a, b, _ in outages_of(resolve(experiment.first, 1, 0).scenario)]
    assert first.name == "leased"
    assert len(wanted) > 1
    assert np.asarray(spans) == pytest.approx(np.asarray(wanted))
    assert "dependency down" in [text.get_text() for text in panel.texts]
    assert "Shaded: the dependency is down" in first.caption


@pytest.mark.parametrize(
    ("said", "law"),
    [
        ({"dist": "uniform", "min": "10s", "max": "90s"}, stats.uniform(10, 80)),
        ({"dist": "exponential", "mean": "50m"}, stats.expon(scale=3000)),
        (
            {"dist": "lognormal", "mean": "50m", "cv": 0.7},
            stats.lognorm(math.sqrt(math.log1p(0.49)), scale=3000 / math.sqrt(1.49)),
        ),
        ({"dist": "weibull", "mean": "100s", "shape": 2.0}, stats.weibull_min(2.0, scale=200 / math.sqrt(math.pi))),
        ({"dist": "pareto", "mean": "60s", "tail": 3.0}, stats.pareto(3.0, scale=40)),
    ],
)
def test_a_time_of_the_window_is_a_quantile_of_its_law(said: dict[str, Any], law: Any) -> None:
    """Oracle: scipy's distributions."""
    time = Distribution.model_validate(said)
    places = [1e-12, 1e-4, 0.25, 0.5, 0.9, 1 - 1e-9]
    assert [outage._drawn(time, u) for u in places] == pytest.approx(law.ppf(places), rel=1e-8, abs=1e-6)
