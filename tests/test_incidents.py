"""Public incidents that are shipped: each comes out in the order that was observed, with a margin.

Oracle: what the reports say (observed.csv of each). Bounds are inequalities; what the reports leave open is marked as
assumed in the files, and no number of a report is fitted.
"""

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner

import recovery
from recovery.cli import main as cli
from recovery.errors import Refusal
from recovery.reading import incident
from recovery.reading.experiment import load
from recovery.simulate.pipeline import Runner
from recovery.stages.stage import Row

NAMES = [one.name for one in incident.incidents()]


def rows_of(name: str) -> dict[str, Row]:
    """What is measured of each variant of an incident."""
    variants = load(incident.find(name).file).variants
    with Runner(2) as runner:
        return {one.variant.name: one.measure() for one in runner.run([(variant, 1, 0) for variant in variants])}


@pytest.mark.parametrize("name", NAMES)
def test_an_incident_says_what_it_rests_on(name: str) -> None:
    """A source in the file and beside each observation, and a note on what is assumed."""
    one = incident.find(name)
    assert "Source: " in one.file.read_text(encoding="utf-8")
    assert load(one.file).head.notes
    with one.file.with_name("observed.csv").open(encoding="utf-8", newline="") as file:
        assert all(row["what"] and row["observed"] and row["source"] for row in csv.DictReader(file))


def test_the_command_lists_them_and_refuses_others(tmp_path: Path) -> None:
    told = CliRunner().invoke(cli.main, ["incidents"])
    assert told.exit_code == 0
    assert all(f"{name}: " in told.output for name in NAMES)
    with pytest.raises(Refusal, match="want one of"):
        incident.find("emqx")
    asked = CliRunner().invoke(cli.main, ["run", "--incident", "emqx", "--out", str(tmp_path)])
    assert asked.exit_code == 2


LOOP = """
title = "A host that dies of its herd"
horizon = "10m"
hold = "1m"
fleet = { holders = 60, hosts = 1 }
host.workers = 1
host.establish_time = "100ms"
host.timeout = "20s"
host.crash = { queue = 30, down_for = "10s", sessions = "end" }
lease = { duration = "1h", check_every = "5m" }
policy.client = { name = "fixed", delay = "5s" }
operator = [{ do = "end-sessions", at = "1m" }]
[variants."first attempt after up to 1 min"]
lease.first_delay = { dist = "uniform", min = "0s", max = "1m" }
"""


def test_a_host_that_dies_again_and_again_is_named() -> None:
    """All 60 come at once, and 30 that wait are the death of it. It is down for 10 s, and who was refused comes after
    5 s: more than one life a minute. One that comes every second finds an empty queue.
    """
    run = recovery.parse(LOOP, name="loop").run(threads=1)
    died = run.summary.rows[0].measures["crashes"]
    assert died >= 9
    assert run.answer.why.mechanism == "crash"
    assert run.answer.why.number == died
    assert run.answer.change.name == "first attempt after up to 1 min"


@pytest.mark.slow
def test_a_broker_with_a_limit_does_not_come_back_while_devices_retry_at_once() -> None:
    """0 to 10 of 2,000 connect; reckoned without retries: 200 s."""
    rows = rows_of("emqx-14145")
    stuck, back_off = rows["10 a second, devices at once"], rows["devices back off, up to 1 min at random"]
    assert stuck["verdict"] == "collapsed"
    assert float(stuck["leased_end_share"]) <= 10 / 2000
    assert 100 < float(back_off["ttr99_s"]) < 400
    assert float(rows["no limit"]["ttr99_s"]) < 60


@pytest.mark.slow
def test_a_server_that_its_probe_kills_never_lives_long_enough() -> None:
    """Killed again and again; a probe that waits, or nodes that back off, mend it."""
    rows = rows_of("k8s-57405")
    killed = rows["killed when the probe takes 15 s"]
    assert killed["verdict"] == "collapsed"
    assert int(killed["crashes"]) >= 10
    for name in ("the probe waits 5 min", "nodes back off"):
        assert int(rows[name]["crashes"]) == 0
        assert float(rows[name]["ttr99_s"]) < 600


@pytest.mark.slow
def test_block_reports_take_hours_at_once_and_much_less_100_at_a_time() -> None:
    """Often hours until the name node has all reports; 100 at a time is much shorter."""
    rows = rows_of("hadoop-2448")
    at_once, in_turn = (float(rows[name]["ttr99_server_s"]) for name in ("all at once", "100 at a time"))
    assert 3600 < at_once < 4 * 3600
    assert in_turn < 0.75 * at_once
