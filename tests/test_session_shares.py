"""Shares and waves of clients, gates for some classes, peaks of several classes. Oracles: by hand; counts add up."""

import numpy as np
import pytest
from recovery_kernels.sessions import layout
from test_session_files import BASE, ENDS, JOBS, OF_JOBS, acts

from recovery.model.oddities import oddities
from recovery.reading.experiment import parse
from recovery.simulate.pipeline import Runner
from recovery.stages import leases
from recovery.stages.sessions.controls import Controls, controls_of
from recovery.stages.sessions.numbers import numbers_of

FEW = BASE.replace("holders = 60", "holders = 12").replace("hosts = 3", "hosts = 6")
PARTS = '[classes.a]\nshare = "30%"\n[classes.b]\n[classes.c]\nof = "a"\n'


def all_controls(text: str) -> list[Controls]:
    """What operators do to each host."""
    scenario = parse(text).first.scenario
    return [controls_of(numbers_of(scenario), host, ()) for host in range(scenario.hosts)]


def ended(controls: Controls) -> dict[int, int]:
    """Of how many clients of each class (bits) sessions end."""
    rows = [row for row, _ in controls.rows if row[layout.C_WHAT] == layout.DO_END_SESSIONS]
    return {row[layout.C_A]: row[layout.C_C] for row in rows}


@pytest.mark.parametrize(("share", "many"), [("30%", 4), ("4%", 0), ("12.5%", 2), ("50%", 6), ("99%", 12)])
def test_a_share_is_one_of_all_clients_rounded_once(share: str, many: int) -> None:
    """Of 12 clients on 6 hosts of 2; 1.5 of them are 2. A floor on each host would end none of 30 %."""
    text = FEW + acts(f'{ENDS}, share = "{share}"')
    with Runner(1) as runner:
        lost = next(runner.run([(parse(text).first, 1, 0)])).columns()["sessions_ended"]
    assert lost.sum() == many
    counts = [ended(one)[1] for one in all_controls(text)]
    assert sum(counts) == many
    assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize("zone", ["", ", zone = 2"])
@pytest.mark.parametrize("classes", ["", PARTS])
@pytest.mark.parametrize("hosts", ["hosts = 60", "hosts = 11\nfleet.skew = 1.5"])
def test_no_host_is_far_from_its_part_and_all_add_up(hosts: str, classes: str, zone: str) -> None:
    """Of each class on the hosts that are meant, M is the nearest to 37 % of N, and of n on a host less than one from
    n M / N are meant.
    """
    text = BASE.replace("holders = 60", "holders = 911").replace("hosts = 3", hosts)
    text += acts(f'{ENDS}, share = "37%"{zone}') + classes
    scenario = parse(text).first.scenario
    meant = [host for host in range(scenario.hosts) if not zone or host % 3 == 2]
    sizes, controls = leases.leases_of(scenario).reshape(scenario.hosts, -1), all_controls(text)
    assert not any(ended(controls[host]) for host in range(scenario.hosts) if host not in meant)
    for number in range(sizes.shape[1]):
        own, counts = sizes[meant, number], np.array([ended(controls[host])[1 << number] for host in meant])
        many = int(own.sum())
        assert counts.sum() == (37 * many + 50) // 100
        assert (abs(counts - own * counts.sum() / many) < 1).all()
        assert (counts <= own).all()


def test_a_sampled_host_has_the_part_that_it_has_of_all() -> None:
    text = FEW + acts(f'{ENDS}, share = "30%"', 'do = "hold-clients", at = "3m", lasts = "9s", waves = 4')
    sampled = all_controls(text.replace("fleet.zones = 3", "fleet.zones = 1\nfleet.sample_hosts = 2"))
    every = all_controls(text.replace("fleet.zones = 3", "fleet.zones = 1"))
    assert [(one.rows, one.holds) for one in sampled] == [(one.rows, one.holds) for one in every]


@pytest.mark.parametrize(("waves", "sizes"), [(4, [3, 3, 3, 3]), (5, [3, 3, 2, 2, 2])])
def test_waves_are_of_all_clients(waves: int, sizes: list[int]) -> None:
    """Of 12 clients on 6 hosts of 2, which are held from the start on: each wave lets in its part of them all."""
    hold = f'do = "hold-clients", at = "0s", lasts = "2m", waves = {waves}, every = "1m"'
    text = FEW.replace('"400ms"', '"1ms"') + 'fleet.start = "unleased"\nfleet.in_step = true\n' + acts(hold)
    with Runner(1) as runner:
        made = next(runner.run([(parse(text).first, 1, 0)])).columns()["established"]
    assert made.reshape(-1, 6).sum(axis=1).tolist()[2 : 2 + waves] == sizes  # minute by minute


def test_a_pause_of_one_class_leaves_the_throttle_of_the_others() -> None:
    """At one host a job a second of each of two classes, and a throttle of one every two seconds for all. While the
    first class is paused all of its jobs are refused, and half of those of the other.
    """
    text = (
        'horizon = "4m"\nhold = "10s"\njobs.arrivals = "even"\njobs.retries = 0\n'
        'jobs.steps = [{ at = "0s", rate = "2/s" }]\n'
        'host = { establish_time = "1ms", timeout = "3s" }\n'
        + acts(
            'do = "throttle", at = "60s", rate = "30/m"',
            'do = "pause", at = "120s", lasts = "60s", classes = ["a"]',
        )
        + '[classes.a]\nshare = "50%"\n[classes.b]\n'
    )
    with Runner(1) as runner:
        columns = next(runner.run([(parse(text).first, 1, 0)])).columns()
    first, other = (columns[f"rejected_throttle.{name}"] for name in "ab")
    assert first[12:18].sum() == 60
    assert other[12:18].sum() == pytest.approx(30, abs=2)
    assert (first + other)[[*range(7, 12), *range(19, 24)]].sum() == pytest.approx(
        150, abs=3
    )  # 15 of 20 in each window


def test_the_backlog_of_classes_is_at_its_peak_at_one_moment() -> None:
    """A job a second of one class in the first 10 s, of the other from 50 s on, done in 1 ms: never two at a time."""
    text = (
        'horizon = "2m"\nhold = "10s"\ncoupling.window = "60s"\njobs.arrivals = "even"\njobs.retries = 0\n'
        'jobs.steps = [{ at = "0s", rate = "1/s" }, { at = "10s", rate = "0/s" }]\n'
        'host = { establish_time = "1ms", timeout = "3s" }\n[classes.a]\n[classes.b]\n'
        'steps = [{ at = "0s", rate = "0/s" }, { at = "50s", rate = "1/s" }, { at = "59s", rate = "0/s" }]\n'
    )
    with Runner(1) as runner:
        columns = next(runner.run([(parse(text).first, 1, 0)])).columns()
    assert [columns[f"backlog_max.{name}"][0] for name in "ab"] == [1, 1]
    assert columns["backlog_max"][0] == 1


@pytest.mark.parametrize(
    ("hosts", "action", "wanted"),
    [
        (30, f'{ENDS}, share = "0.8%"', "operator.0.share is 0.8 % of 60 clients in all: it ends no session"),
        (30, f'{ENDS}, share = "0.9%"', ""),
        (30, f'{ENDS}, share = "2%", zone = 1', "operator.0.share is 2 % of 20 clients in all: it ends no session"),
        (30, 'do = "hold-clients", at = "1m", lasts = "9s", waves = 61', "operator.0.waves is 61, of 60 clients"),
        (30, 'do = "hold-clients", at = "1m", lasts = "9s", waves = 60', ""),
    ],
)
def test_shares_and_waves_of_too_few_clients_are_told(hosts: int, action: str, wanted: str) -> None:
    """0.8 % of 60 holders is 0.48 of one, 0.9 % is 0.54; a zone has 20."""
    notes = "\n".join(oddities(parse(BASE.replace("hosts = 3", f"hosts = {hosts}") + acts(action)).first.scenario))
    assert ("clients in all" in notes) == bool(wanted)
    assert wanted in notes


@pytest.mark.parametrize(("cost", "is_told"), [(0, True), (0.5, False)])
def test_who_costs_nothing_passes_a_pause_and_is_told(cost: float, is_told: bool) -> None:
    text = (
        JOBS
        + acts('do = "pause", at = "1m", lasts = "1m"')
        + f'[classes.a]\nshare = "50%"\ncost = {cost}\n[classes.b]\n'
    )
    assert any("does not hold up classes.a" in note for note in oddities(parse(text).first.scenario)) == is_told
    with Runner(1) as runner:
        refused = next(runner.run([(parse(text).first, 1, 0)])).columns()["rejected_throttle.a"]
    assert (refused.sum() == 0) == is_told


def test_gates_for_the_same_classes_are_one() -> None:
    """Classes that are named one by one and all of them are the same; a throttle for some is another gate."""
    every = ", ".join(f'"{name}"' for name in parse(JOBS + OF_JOBS).first.scenario.classes)
    named = acts(
        'do = "throttle", at = "1m", rate = "3/s", burst = "9s"',
        f'do = "pause", at = "2m", lasts = "9s", classes = [{every}]',
        'do = "pause", at = "100s", lasts = "9s", classes = ["front"]',
    )
    rows = [row for row, _ in all_controls(JOBS + named + OF_JOBS)[0].rows if row[layout.C_WHAT] == layout.DO_THROTTLE]
    assert [(row[0] // 10**9, row[layout.C_B]) for row in rows] == [(60, 0), (100, 1), (109, 1), (120, 0), (129, 0)]
