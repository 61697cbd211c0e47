"""Public incidents that are shipped: each comes out in the order that was observed, with a margin.

Oracle: what the reports say (observed.csv of each). Bounds are inequalities; what the reports leave open is marked as
assumed in the files, and no number of a report is fitted.
"""

import csv
import math
import re
import statistics
from collections.abc import Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner

import recovery
from recovery.cli import main as cli
from recovery.errors import Refusal
from recovery.model.variant import Variant
from recovery.reading import incident
from recovery.reading.experiment import load, parse
from recovery.show.answers.answer import Answer
from recovery.simulate import estimate as estimating
from recovery.simulate import pilot
from recovery.simulate.estimate import estimate
from recovery.simulate.pipeline import Runner
from recovery.stages.stage import Row

NAMES = [one.name for one in incident.incidents()]


def rows_in(variants: Iterable[Variant]) -> dict[str, Row]:
    """What is measured of each variant."""
    with Runner(2) as runner:
        return {one.variant.name: one.measure() for one in runner.run([(variant, 1, 0) for variant in variants])}


def rows_of(name: str) -> dict[str, Row]:
    """The same of an incident as it is shipped."""
    return rows_in(load(incident.find(name).file).variants)


def ran(file: Path) -> tuple[dict[str, dict[str, float | str]], Answer]:
    """The same of a file, with the answer that its run begins with."""
    run = recovery.load(file).run(threads=2)
    return {row.variant: row.measures | {"verdict": row.verdict} for row in run.summary.rows}, run.answer


def text_of(name: str) -> str:
    """The scenario of an incident."""
    return incident.find(name).file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_an_incident_says_what_it_rests_on(name: str) -> None:
    """A source in the file and beside each observation, and a note on what is assumed."""
    one = incident.find(name)
    assert "Source: " in one.file.read_text(encoding="utf-8")
    assert load(one.file).head.notes
    with one.file.with_name("observed.csv").open(encoding="utf-8", newline="") as file:
        assert all(row["what"] and row["observed"] and row["source"] for row in csv.DictReader(file))


def test_the_page_of_incidents_has_a_row_for_each() -> None:
    page = (Path(__file__).resolve().parent.parent / "docs" / "gallery" / "incidents.md").read_text(encoding="utf-8")
    assert re.findall(r"(?m)^\| `([\w-]+)` \|", page) == NAMES


def test_39_million_phones_fit_into_memory() -> None:
    """Of jobs that are never tried again only those before their deadline are kept, and those that a bar holds back."""
    variants = load(incident.find("kddi-2022").file).variants
    need = [estimate(variant.scenario, 2).memory_bytes for variant in variants]
    assert need[0] < 8 * 2**30
    assert all(need[0] < one < 12 * 2**30 for one in need[1:])


def test_memory_holds_those_whom_a_bar_holds_back() -> None:
    """Of jobs that come at 50/s and are barred half of the time, for 100 s, 5,000 wait on average: an M/G/infinity."""
    found = parse("""
    horizon = "1h"
    jobs = { steps = [{ at = "0s", rate = "50/s" }], retries = 0 }
    host = { workers = 10, establish_time = "10ms", timeout = "30s", bar = { share = "50%", time = "100s" } }
    """)
    peak = float(rows_in(found.variants)[found.first.name]["backlog_peak"])
    assert 5_000 < peak < 5_500
    # Room for twice the mean, and as much again since rows double.
    assert 2 * peak < estimating._at_once(found.first.scenario, math.inf) < 6 * peak


@pytest.mark.parametrize("command", ["check", "explain"])
def test_an_incident_stands_in_place_of_a_file(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Word for word, where the time that a run takes is by a count of events and not by the clock."""
    monkeypatch.setattr(pilot, "is_ready", lambda scenario: False)
    file = str(incident.find("k8s-57405").file)
    by_name, by_file = (CliRunner().invoke(cli.main, [command, *one]) for one in (["--incident", "k8s-57405"], [file]))
    assert by_name.exit_code == 0
    assert by_name.output == by_file.output
    for wrong in ([], ["--incident", "k8s-57405", file]):
        refused = CliRunner().invoke(cli.main, [command, *wrong])
        assert refused.exit_code == 2
        assert "want a file, or --incident NAME" in refused.output


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
@pytest.mark.parametrize("name", [name for name in NAMES if name != "kddi-2022"])
def test_each_incident_has_an_answer(name: str) -> None:
    """Its run ends with a reason and with what helps (the phones of all Japan take too long here)."""
    answer = recovery.load(incident.find(name).file).run(threads=2).answer
    assert answer.why.text
    assert answer.change.text


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
    """Often hours until the name node has all reports; 100 at a time is much shorter. Medians of five: a wave that is
    not done before the next comes may tip a run over (with 200 s between them most do, with 5 min about one in 30).
    """
    variants, times_s = load(incident.find("hadoop-2448").file).variants, {}
    with Runner(2) as runner:
        for one in runner.run([(variant, 1, number) for variant in variants for number in range(5)]):
            times_s.setdefault(one.variant.name, []).append(float(one.measure()["ttr99_server_s"]))
    at_once, in_turn = (statistics.median(times_s[name]) for name in ("all at once", "100 at a time"))
    assert 3600 < at_once < 4 * 3600
    assert in_turn < 0.75 * at_once


def test_tasks_that_are_handed_out_again_never_drain() -> None:
    """Six copies of a task an hour apart, side by side; a timeout above the longest wait mends it."""
    run = recovery.load(incident.find("celery-3395").file).run(threads=2)
    copied, patient = (row.measures for row in run.summary.rows)
    assert [row.variant for row in run.summary.rows] == ["handed out again after 1 h", "handed out again after 12 h"]
    assert run.answer.why.mechanism == "retries"
    assert run.answer.change.name == "handed out again after 12 h"
    assert [row.verdict for row in run.summary.rows] == ["collapsed", "recovered"]
    assert int(copied["queue_peak"]) > 6 * int(patient["queue_peak"])


def few_leases(text: str, share: int) -> str:
    """The same with so many times fewer leases and as many times the work for each: as long, with fewer events."""
    few = text.replace("900_000", str(900_000 // share)).replace('"1ms"', f'"{share}ms"')
    return few.replace('"100us"', f'"{share / 10:g}ms"')


def test_few_leases_are_there_as_long_after_their_end() -> None:
    """Seen 600 s past their end; 900,000 at 1,000 a second are 900 s, at 10,000 they are 90 s."""
    rows = rows_in(parse(few_leases(text_of("etcd-12105"), 300)).variants)
    assert 600 < float(rows["1,000 a second"]["oldest_peak_s"]) <= 900
    assert float(rows["10,000 a second"]["oldest_peak_s"]) <= 90
    assert float(rows["1,000 a second"]["ttr99_s"]) > 5 * float(rows["10,000 a second"]["ttr99_s"])


@pytest.mark.slow
def test_900000_leases_are_there_long_after_their_end() -> None:
    """The same with all of them."""
    rows = rows_in(load(incident.find("etcd-12105").file).variants[:1])
    assert 600 < float(rows["1,000 a second"]["oldest_peak_s"]) <= 900


def test_block_reports_under_one_lock_fail_at_once_and_take_half_an_hour_six_at_a_time() -> None:
    """Reports fail and safe mode lasts for a long time; 800 reports of 11.6 s, six at a time, are 26 min."""
    rows, answer = ran(incident.find("hdfs-17093").file)
    assert answer.change.name == "six at a time"
    at_once, six = rows["all at once"], rows["six at a time"]
    assert at_once["verdict"] == "collapsed"
    assert float(at_once["wasted_share"]) > 0.99  # 800 that share the lock take 1.94 s each, longer than a call: 60 s
    assert 11.6 / 2 < float(six["sojourn_p50_s"]) < 11.6 * 2
    assert 26 * 60 / 2 < float(six["ttr99_s"]) < 26 * 60 * 2


def test_proxies_that_connect_at_once_wait_for_minutes_and_for_seconds_behind_a_limit() -> None:
    """Responses of 3 min without a limit, and with 100 a second nearly so; smooth in 200 s with 25 a second."""
    rows, answer = ran(incident.find("istio-35263").file)
    assert "under “25 a second” whoever gets in is answered sooner" in answer.change.text  # the limit that helped
    limited = rows["25 a second"]
    assert 90 < float(rows["no limit"]["sojourn_max_s"]) < 360
    assert float(limited["sojourn_max_s"]) < 2
    assert 100 < float(limited["ttr99_s"]) < 400
    assert float(rows["100 a second"]["sojourn_max_s"]) > 30 * float(limited["sojourn_max_s"])


def test_late_heartbeats_that_close_all_connections_keep_a_cluster_down() -> None:
    """Does not recover; it does if connections are closed once in 5 min at most."""
    rows, answer = ran(incident.find("k8s-65954").file)
    assert answer.change.name == "closed once in 5 min at most"
    assert rows["connections closed after 10 s"]["verdict"] == "collapsed"
    assert rows["closed once in 5 min at most"]["verdict"] == "recovered"
    assert float(rows["closed once in 5 min at most"]["ttr99_s"]) < 600


def test_a_server_with_most_of_the_clients_refuses_as_long_as_they_stay() -> None:
    """It answers with 429 for hours while the others have room; clients that are spread evenly are all served."""
    rows, answer = ran(incident.find("k8s-48610").file)
    assert answer.change.name == "spread evenly"
    hot, even = rows["clients stay where they are"], rows["spread evenly"]
    assert hot["verdict"] == "collapsed"
    assert float(hot["denied_share"]) > 0.1
    assert even["verdict"] == "recovered"
    assert float(even["denied_share"]) < 0.001


def test_pods_that_start_all_at_once_take_hours_and_minutes_five_at_a_time() -> None:
    """Stable after about 2 h; under 10 min with five a minute by hand."""
    rows, answer = ran(incident.find("kube-throttler-57").file)
    assert answer.change.name == "five a minute"
    at_once, by_hand = (float(rows[name]["ttr99_s"]) for name in ("all at once", "five a minute"))
    assert 2 * 3600 / 2 < at_once < 2 * 3600 * 2
    assert by_hand < 1.1 * 600


def fewer_phones(text: str, share: int) -> str:
    """One node with a part of its phones and of its database, for 14 h, cut off after 10 h."""
    changes = {
        "39_150_000": str(39_150_000 // 18 // share), "hosts = 18": "hosts = 1", "sample_hosts = 2": "sample_hosts = 1",
        "workers = 100": f"workers = {100 // share}", "10000/s": f"{10000 / 18 / share:.3f}/s",
        '"64h"': '"14h"', "58h25m": "10h",
    }  # fmt: skip
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


CUT = "half barred, and six nodes cut off after 58 h"


def test_phones_that_lost_their_network_overload_it_until_the_needless_load_is_cut(tmp_path: Path) -> None:
    """15 min without a route, and 61 h 25 min of trouble: half of the attempts barred does not end it, and some hours
    after the needless signals were cut off, it is normal. Without the 15 min nothing happens.
    """
    text = fewer_phones(text_of("kddi-2022"), 100)
    (tmp_path / "phones.toml").write_text(text, encoding="utf-8")
    rows, answer = ran(tmp_path / "phones.toml")
    assert answer.change.name == CUT  # barring alone was not enough, and the cut was
    assert "They do not come back" in answer.happened.text
    assert rows["nothing done"]["verdict"] == "collapsed"
    assert rows["half of the attempts barred"]["verdict"] == "collapsed"
    back = float(rows[CUT]["ttr99_s.registration"]) + 25 * 60
    assert rows[CUT]["verdict"] == "recovered"
    assert 10 * 3600 < back < 14 * 3600
    calm = text.replace('from = "10m", to = "25m"', 'from = "10m", to = "601s"')
    assert float(rows_in(parse(calm).variants[:1])["nothing done"]["leased_min_share.registration"]) > 0.99


@pytest.mark.slow
def test_phones_of_two_of_18_nodes_for_64_hours() -> None:
    """A twentieth of all phones and of the database, two of 18 nodes: within a factor of two of 61 h 25 min."""
    text = text_of("kddi-2022").replace("39_150_000", str(39_150_000 // 20))
    text = text.replace("workers = 100", "workers = 5").replace("10000/s", "500/s")
    row = rows_in([parse(text).variants[-1]])[CUT]
    total_s = float(row["ttr99_s.registration"]) + 15 * 60
    assert 61.4 / 2 < total_s / 3600 < 61.4 * 2
