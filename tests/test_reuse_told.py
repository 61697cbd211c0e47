"""What is told of reuse before and while runs run: estimates, plans, progress; and windows that are drawn once.

Oracles: the kinds of hosts that the variants have by their making; a clock of our own; the number of draws, counted.
"""

import dataclasses
import functools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from fingerprints import JOBS, LATER
from test_reuse import SWEEP, VARIANTS, experiment

from recovery.cli.main import main
from recovery.model.scenario import Scenario
from recovery.reading.experiment import parse
from recovery.simulate import chain, pilot, pilot_hosts
from recovery.simulate.estimate import estimate
from recovery.simulate.outcome import Outcome
from recovery.simulate.reuse import Known
from recovery.stages import known, outage
from recovery.store.shelf import Shelf
from recovery.study import execute, runs
from recovery.study import sweep as sweeps
from recovery.study.sweep import size
from recovery.study.sweep.runs import silent
from recovery.study.sweep.sweeping import Sweeping


def test_check_counts_hosts_that_are_shared_once(tmp_path: Path) -> None:
    file = tmp_path / "small.toml"
    file.write_text(LATER + VARIANTS, encoding="utf-8")
    done = CliRunner().invoke(main, ["check", str(file), "--json"])
    told = {one["variant"]: one for one in json.loads(done.stdout)["variants"]}
    # Of five variants only the first and the one with more workers have hosts of their own.
    assert [name for name, one in told.items() if not one["shares_hosts"]] == ["as written", "more workers"]
    words = CliRunner().invoke(main, ["check", str(file)]).stdout
    assert "3 variants have the same hosts as one before: these run once." in " ".join(words.split())


def test_hosts_that_are_known_take_their_share_out_of_an_estimate() -> None:
    need = dataclasses.replace(estimate(parse(LATER).first.scenario, 1), cpu_s=10.0, high_s=20.0, hosts_share=0.75)
    left = need.with_known(hosts=True, later_anew=1.0)
    assert (left.cpu_s, left.high_s, left.shares_hosts) == (2.5, 5.0, True)
    less = need.with_known(hosts=False, later_anew=0.4)
    assert (less.cpu_s, less.shares_hosts) == (pytest.approx(7.5 + 0.4 * 2.5), False)
    assert left.memory_bytes == need.memory_bytes
    found = pilot.tried([parse(LATER).first], 1)[0]
    assert 0 < found.hosts_share < 1
    assert pilot.tried([parse(JOBS).first], 1)[0].hosts_share == 1


def test_hosts_that_variants_share_are_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of five variants two have hosts of their own, and all are told with what their own hosts took."""
    calls, hosts = [], pilot_hosts.hosts

    def counted(scenario: Scenario, *others: Any) -> Any:
        calls.append(hosts(scenario, *others))
        return calls[-1]

    monkeypatch.setattr(pilot_hosts, "hosts", counted)
    told = pilot.tried(parse(LATER + VARIANTS).variants, 1)
    assert len(calls) == 2
    of_hosts = [tried.cpu_s for tried, _ in calls]
    assert all(any(one.cpu_s * one.hosts_share == pytest.approx(own) for own in of_hosts) for one in told)


def test_a_plan_of_a_sweep_counts_hosts_once_a_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    """Oracle: a clock by which hosts take 6 s and what follows 1 s. Six policies share their hosts and launches, three
    and three what is propagated, and each has its own health; with three kinds of hosts, each has all of it twice.
    """
    scenario = parse(LATER + SWEEP).first.scenario
    launches, propagation, health = (stage.cost(scenario).cpu_s for stage in known.later_of(scenario))
    rest, own_health = (share / (launches + propagation + health) for share in (propagation + health, health))
    now = [0.0]
    hosts, follow = size.hosts, chain.follow

    def slow(seconds: float, work: Callable[..., Outcome], *args: object) -> Outcome:
        now[0] += seconds
        return work(*args)

    monkeypatch.setattr(size, "hosts", functools.partial(slow, 6.0, hosts))
    monkeypatch.setattr(chain, "follow", functools.partial(slow, 1.0, follow))
    monkeypatch.setattr(size, "time", SimpleNamespace(process_time=lambda: now[0], monotonic=lambda: 0.0))
    assert sweeps.plan(parse(LATER + SWEEP)).cpu_s == pytest.approx(6 / 6 + (1 + rest + 4 * own_health) / 6)
    own = SWEEP.replace('"health.rise" = { values = [1, 2, 3] }', '"host.workers" = { values = [1, 2, 3] }')
    assert sweeps.plan(parse(LATER + own)).cpu_s == pytest.approx(3 * 6 / 6 + 3 * (1 + rest) / 6)


def test_progress_counts_what_is_simulated(tmp_path: Path) -> None:
    loaded = experiment()
    hosts, totals, ends = loaded.first.scenario.hosts, [], []

    @contextmanager
    def show(total: float) -> Iterator[Callable[[float], None]]:
        totals.append(total)
        said = [0.0]
        yield said.append
        ends.append(max(said))

    for _ in range(2):
        execute.simulate(loaded, threads=2, show=show, known=Known(Shelf(tmp_path), worth_s=0.0))
    # Two kinds of hosts in two replications; the later stages of each run count as much as its hosts.
    assert totals == [(2 * 2 + 10) * hosts, 10 * hosts]
    assert ends == pytest.approx(totals)


WINDOW = """
dns.enactors = 2
dns.endpoints = 2
dns.keep = 3
dns.delays = { plan = "20s", look = "5s", transaction = "4s", back_off = "5s", clean_up = "1s" }
dns.lock = { loses = "5%", loses_again = "50%", factor = 2.0, cap = "1h" }
[dns.window]
at = "1m"
detect = { dist = "exponential", mean = "1m" }
repair = "3m"
"""


def test_a_window_is_drawn_once_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = LATER.replace('dependency.outages = [{ from = "3m", to = "9m" }]\n', "")
    assert plain != LATER
    drawn: Counter[int] = Counter()
    window_steps = outage.window_steps

    def counted(window: object, seed: int, replication: int = 0) -> object:
        drawn[replication] += 1
        return window_steps(window, seed, replication)  # type: ignore[arg-type]

    monkeypatch.setattr(outage, "window_steps", counted)
    loaded = parse("replications = 2\n" + plain + WINDOW + SWEEP)
    place = runs.backend("threads", 1)
    work = Sweeping(loaded, tmp_path, place, silent)
    with place:
        work.go()
    done = len(work.jobs)
    assert done == 12
    assert sum(drawn.values()) == done
