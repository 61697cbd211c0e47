"""Twelve patterns of instability: each file shows what goes wrong in its first variant, and what mends it in others.

Oracle: the arithmetic of each pattern, in the docstring of its test. Bounds are inequalities with a margin, over three
replications; no number of the simulation is copied.
"""

from functools import cache
from pathlib import Path

import polars as pl
import pytest

import recovery
from recovery.reading.experiment import load
from recovery.simulate import identity
from recovery.store.folder import run_of

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "experiments" / "patterns").glob("*.toml"))
NAMES = [path.stem for path in FILES]
LONG = ("drifting-baseline", "freeze-herd")  # some seconds each


@cache
def ran(name: str) -> recovery.Run:
    """A pattern's run: all variants, three replications."""
    return recovery.load(ROOT / "experiments" / "patterns" / f"{name}.toml").run(threads=1)


def of(name: str, variant: str, measure: str) -> list[float]:
    """A measure of a variant in each replication."""
    found = [float(value) for value in ran(name).rows.filter(pl.col("variant") == variant)[measure]]
    assert len(found) == 3, f"{name} has no variant {variant}"
    return found


def verdicts(name: str, variant: str) -> set[str]:
    """How the replications of a variant ended."""
    return set(ran(name).rows.filter(pl.col("variant") == variant)["verdict"])


def curve(name: str, variant: str, from_s: float = 0.0, to_s: float = float("inf")) -> pl.DataFrame:
    """The windows of a variant's first replication that end in a span of time."""
    found = ran(name).series.filter(pl.col("variant") == variant, pl.col("time_s") > from_s, pl.col("time_s") <= to_s)
    assert len(found) > 0
    return found


def idle_share(found: pl.DataFrame) -> float:
    """Share of the workers' time in which they were idle."""
    return float(found["idle_ns"].sum() / (found["busy_ns"].sum() + found["idle_ns"].sum()))


def pulse(found: pl.DataFrame) -> float:
    """The most submissions in a window over their mean."""
    return float(found["submitted"].max() / found["submitted"].mean())  # type: ignore[operator, arg-type]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in NAMES]
)
def test_a_pattern_shows_what_it_is_about(name: str) -> None:
    """Its [expect] says how bad the first variant is at least; a run whose first variant is well has status 99."""
    assert ran(name).holds is True
    assert ran(name).summary.expect


@pytest.mark.parametrize("name", NAMES)
def test_a_pattern_is_published_as_it_stands(name: str) -> None:
    experiment = load(ROOT / "experiments" / "patterns" / f"{name}.toml")
    runs = [(variant, number) for variant in experiment.variants for number in range(experiment.head.replications)]
    now = identity.digest_of_run(
        [identity.digest_of(variant, experiment.head.seed, number) for variant, number in runs]
    )
    published = run_of(ROOT / "results" / "patterns" / name).manifest
    assert published.digest == now, "make patterns, and look at what changed"
    assert published.inputs == experiment.raw, "make patterns: the file says something else"


def test_the_page_has_each_pattern_once() -> None:
    page = (ROOT / "docs" / "gallery" / "patterns.md").read_text(encoding="utf-8")
    assert len(NAMES) == 12
    for name in NAMES:
        assert page.count(f"(../../experiments/patterns/{name}.toml)") == 1, name
        assert page.count(f"(../../results/patterns/{name}/") == 1, name


def test_a_queue_longer_than_a_timeout_serves_nobody() -> None:
    """N / μ = 2,000 / (10/s) = 200 s of work and a timeout of 60 s: r1 = 3.3. A bound of 180 s is above the timeout
    (r2 = 3), one of 30 s below (r2 = 0.5). What is not wasted is over in N / μ at best; twice that is the margin.
    """
    stale = "first in, first out"
    assert verdicts("stale-queue", stale) == verdicts("stale-queue", "queue of 3 min") == {"collapsed"}
    assert min(of("stale-queue", stale, "wasted_share")) > 0.95
    assert ran("stale-queue").answer.why.mechanism == "timeout"
    for variant in ("queue of 30 s", "newest first", "leaves at its timeout"):
        for time_s in of("stale-queue", variant, "ttr99_s"):
            assert 0.95 * 200 <= time_s <= 2 * 200, variant
        assert max(of("stale-queue", variant, "wasted_share")) < 0.5


def test_clients_in_step_leave_the_tokens_of_a_bucket_unused() -> None:
    """A pulse lets in what the bucket holds, 100 of 5,000, every 30 s: 49 pulses after the first until 99 % are in,
    at least 1,400 s, where N / μ = 50 s. The workers have 1 s of work in 30 s: 29/30 idle. With windows of 5 s all
    submissions of a pulse are in one of six.
    """
    name, step, drawn = "retry-pulses", "fixed pause of 30 s", "random pause, 30 s on average"
    assert min(of(name, step, "ttr99_s")) >= 1400
    assert max(of(name, drawn, "ttr99_s")) <= 3 * 50
    assert max(of(name, "wait for a token, up to 15 s", "ttr99_s")) <= 3 * 50
    assert min(of(name, "exponential, no jitter", "ttr99_s")) > min(of(name, step, "ttr99_s"))
    assert idle_share(curve(name, step, 130, 130 + 1400)) > 0.9
    assert idle_share(curve(name, drawn, 120, 120 + 50)) < 0.3
    assert pulse(curve(name, step, 125, 125 + 300)) > 0.9 * 6
    assert pulse(curve(name, drawn, 125, 125 + 50)) < 3


@pytest.mark.slow
def test_leases_that_begin_anew_together_end_together() -> None:
    """All end 300 s after 10:00, before anybody comes at 16:00: N expiries in one window of 5 s, and N (20 + 5) ms
    = 250 s of work in front of a timeout of 20 s. Spread at 25 a second no window of 5 s has more than 125, beside
    the first 25.
    """
    name, spread = "freeze-herd", "300 s more, then 25 a second (etcd)"
    for variant in ("begin anew (Kubernetes)", "300 s more (Nomad)"):
        assert curve(name, variant, 0, 960)["expiries"].max() == 10_000
        assert verdicts(name, variant) == {"collapsed"}
    assert verdicts(name, "go on with what is left") == {"collapsed"}
    assert 100 <= int(curve(name, spread)["expiries"].max()) <= 125 + 25  # type: ignore[arg-type]
    assert verdicts(name, spread) == {"recovered"}
    without, of_spread = (of(name, one, "unleased_holder_hours") for one in ("begin anew (Kubernetes)", spread))
    assert min(without) > 20 * max(of_spread)


def test_a_server_that_refuses_at_a_cost_only_says_no() -> None:
    """2,000 clients a second at 5 ms are ten times what the worker has: r5 near 1. At a pause of 60 s they are 0.17
    of it, at 0.1 ms 0.2, and the work of 2,000 · 20 ms = 40 s, beside a pause, is done in minutes.
    """
    name, first = "cost-of-no", "refused clients ask again after 1 s"
    assert ran(name).answer.why.mechanism == "refusals"
    for variant in (first, "queue of 1 s"):
        found = curve(name, variant, 1260)
        assert found["overhead_work_ns"].sum() > 0.9 * found["busy_ns"].sum()
        assert verdicts(name, variant) == {"collapsed"}
    for variant in ("pause of 30 to 90 s", "the refusal says: in 60 s", "refusals cost 0.1 ms"):
        assert max(of(name, variant, "ttr99_s")) <= 40 + 2 * 90, variant


def test_a_flush_alone_is_undone_by_those_who_were_flushed() -> None:
    """N / μ = 200 s of work come back within the timeout and the pause, 40 s: a queue of more than a timeout. Let
    in at 9 of 10 a second they are in after 1,980 / 9 = 220 s. A queue that has grown in the 10 min since the
    outage is thousands long and takes the throttle alone 10 times as long.
    """
    name, both = "flush-alone", "flush and throttle"
    for variant in ("flush alone", "flush five times"):
        assert verdicts(name, variant) == {"collapsed"}
        assert min(of(name, variant, "wasted_share")) > 0.9
    flushed_s = 30 * 60 - 20 * 60
    assert all(flushed_s + 0.95 * 220 <= time_s <= flushed_s + 2 * 220 for time_s in of(name, both, "ttr99_s"))
    assert min(of(name, "throttle alone", "ttr99_s")) > flushed_s + 10 * 220
    assert curve(name, "flush alone", 1920, 1980)["queue"].min() > 30 * 10  # type: ignore[operator]  # a timeout of work


def test_a_breaker_that_all_share_makes_pulses() -> None:
    """With a queue of 5 s (100 requests) at most the 100 calls of its window, and as many that wait, come through
    each time it is closed, and then nobody for 60 s: at least 1,980 / 200 − 1 = 9 such minutes, where N / μ = 100
    s. In a minute the host has 10 s of work at most, so it is idle for four fifths of it.
    """
    name = "breaker-pulse"
    alone, both = "a queue of 5 s instead", "the breaker and a queue of 5 s"
    assert max(of(name, alone, "ttr99_s")) <= 2 * 100
    assert min(of(name, both, "ttr99_s")) >= 9 * 60 - 60
    assert min(of(name, "breaker in the proxy", "ttr99_s")) > 4 * max(of(name, alone, "ttr99_s"))
    assert idle_share(curve(name, both, 330, 330 + 480)) > 0.8
    assert idle_share(curve(name, alone, 300, 300 + 90)) < 0.1
    served = curve(name, both, 330, 330 + 480)["succeeded"]
    assert served.max() > 4 * served.mean()  # type: ignore[operator]
    assert verdicts(name, "breaker in each client") == {"collapsed"}


def test_a_budget_moves_the_load_into_the_loop_around_it() -> None:
    """N / (τ + pause) is at least 2,000 / (20 + 5) s = 80 a second, μ = 20 a second, whatever ends the retries, if
    the next request comes after 1 s; with three attempts and 10 min it is at most 2,000 · 3 / 660 s = 9.1 a second.
    """
    name = "spent-budget"
    quick = [f"{what}, then anew after 1 s" for what in ("3 attempts", "1 attempt", "SDK quota")]
    for variant in ("no budget", *quick):
        assert verdicts(name, variant) == {"collapsed"}
        asked = curve(name, variant, 1500)
        assert asked["submitted"].sum() / (10 * len(asked)) > 0.95 * 80
    slow = "3 attempts, then anew after 10 min"
    assert max(of(name, slow, "ttr99_s")) <= 660 + 2 * 100
    asked = curve(name, slow, 600, 1200)  # the outage, after the first round
    assert asked["submitted"].sum() / (10 * len(asked)) < 20


def test_a_ramp_of_small_steps_is_what_clients_wait_for() -> None:
    """99 % are in when the share is: (0.99 − 0.1) / 0.01 = 89 steps of a minute, less one for chance at the last
    per cent; with 10 % a minute 9 steps. The whole work is 100 s, so the workers have 1 s in each minute of the
    slow ramp.
    """
    name, slow = "slow-ramp", "1 % a minute"
    assert all(87 * 60 <= time_s <= 91 * 60 + 60 for time_s in of(name, slow, "ttr99_s"))
    assert all(8 * 60 <= time_s <= 9 * 60 + 60 for time_s in of(name, "10 % a minute", "ttr99_s"))
    assert verdicts(name, "all at once") == {"collapsed"}
    assert idle_share(curve(name, slow, 420, 300 + 87 * 60)) > 0.95
    for variant in ("by the size of the queue", "by how long requests take (AIMD)"):
        assert max(of(name, variant, "ttr99_s")) <= 2 * 100
        assert idle_share(curve(name, variant, 310, 370)) < 0.1


def test_a_cap_on_expiries_keeps_the_leases_of_the_dead() -> None:
    """D dead at 0.1 a second are noticed in D / 0.1 s, at 10 a second in D / 10 s, without a cap when the last
    lease is over, 80 s after the first died. D of the file without a cap, which has the same dead. A pass of self-
    preservation comes once a minute and takes 300 of 2,000 at most; with a fifth dead, fewer than 85 % renew, and
    it takes none.
    """
    name = "capped-expiry"
    dead = 2000 - int(curve(name, "no cap")["leased"].min())  # type: ignore[arg-type]
    assert 150 < dead < 250

    def noticed_s(variant: str) -> float:
        """When the last of them is, since the first died."""
        return float(curve(name, variant).filter(pl.col("leased") <= 2000 - dead)["time_s"].min()) - 600  # type: ignore[arg-type]

    assert noticed_s("no cap") <= 80 + 10
    assert 0.98 * dead / 0.1 <= noticed_s("0.1 a second (Kubernetes)") <= dead / 0.1 + 80 + 10
    assert noticed_s("10 a second") <= dead / 10 + 80 + 10
    assert noticed_s("self-preservation (Eureka)") <= 80 + 60 + 60 + 10
    assert curve(name, "self-preservation, a fifth died")["leased"].min() == 2000


@pytest.mark.slow
def test_a_limit_that_learns_an_overload_stops_protecting() -> None:
    """Clients wait for 1.5 s and 100 a second are served, so more than 150 at the host are served in vain: the 200
    that gradient2 goes up to. Capped at 100 nothing is. Vegas that takes no new shortest time has its few that
    wait; with new ones several times as many. Of 200 jobs a second at most half can be served.
    """
    name, learnt = "drifting-baseline", "gradient2"
    assert min(of(name, learnt, "queue_peak")) > 150
    assert min(of(name, learnt, "wasted_share")) > 0.3
    for variant in ("gradient2, at most 1 s of work", "vegas", "envoy", "vegas, time at rest kept"):
        assert max(of(name, variant, "wasted_share")) < 0.01
        assert min(of(name, variant, "served_share")) > 1.5 * max(of(name, learnt, "served_share"))
    assert min(of(name, "vegas", "queue_peak")) > 3 * max(of(name, "vegas, time at rest kept", "queue_peak"))
    assert max(of(name, "envoy", "sojourn_p99_s")) < min(of(name, "vegas", "sojourn_p99_s"))


def test_an_extension_shorter_than_the_longest_interval_ends_leases_of_the_living() -> None:
    """Intervals I are uniform from N / 50 s to twice that. What is left of one as the leader changes is above 300 s
    with chance E[max(I − 300, 0)] / E[I] (renewal theory): 25 / 300 for N = 10,000, (600 − 300) / 600 for 20,000,
    none for 7,500.
    """
    name = "short-extension"
    for variant, share in (("10,000 clients", 25 / 300), ("20,000 clients", 300 / 600)):
        for least in of(name, variant, "leased_min_share"):
            assert 1 - least == pytest.approx(share, rel=0.2)
    for variant in ("7,500 clients", "10,000 clients, 410 s more"):
        assert set(of(name, variant, "leased_min_share")) == {1.0}


def test_health_checks_feed_the_queue_that_fails_them() -> None:
    """2,000 targets, each launched anew after 120 s out and up to 60 s for checks and windows, are 2,000 / 180 s to
    2,000 / 120 s, 11 to 17 a second: with 5 of customers more than the 10 that are passed on, so what waits grows.
    After 30 min they are 1.1. What was never in is not removed, so velocity control changes nothing.
    """
    name, loop = "check-loop", "terminated after 2 min"
    found = curve(name, loop, 3600)
    assert 2000 / 180 <= found["targets_terminated"].sum() / (found["time_s"].max() - 3600) <= 2000 / 120  # type: ignore[operator]
    assert min(of(name, loop, "capacity_normal_s")) == float("inf")
    assert found["jobs_waiting"][-1] > 2 * found["jobs_waiting"][0]
    assert of(name, "velocity control", "targets_terminated") == of(name, loop, "targets_terminated")
    for variant in ("terminated after 30 min", "limit by the queue size"):
        assert max(of(name, variant, "capacity_normal_s")) < 2 * 3600
        assert min(of(name, loop, "capacity_lost_hours")) > 4 * max(of(name, variant, "capacity_lost_hours"))
