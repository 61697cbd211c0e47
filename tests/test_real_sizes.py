"""Sizes that people have, within the memory and the time that they have: 8 GiB and an hour of one processor."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recovery_kernels import requests

from recovery.model.scenario import Scenario
from recovery.reading.experiment import parse
from recovery.simulate.estimate import estimate
from recovery.stages import known
from recovery.stages.sessions.run import SessionRun
from recovery.units import ns

TERMINALS = """
title = "200,000 terminals lose their sessions, and log in again"
horizon = "30h"
hold = "10m"
coupling.window = "1m"
label = "nothing done"
fleet = { holders = 200_000, hosts = 1, called = "terminals" }
lease = { duration = "15m", check_every = "5m", check_jitter = "10%" }
policy.client = { name = "full-jitter", base = "5s", cap = "2m" }

[host]
workers = 8
establish_time = { dist = "exponential", mean = "10ms" }
renew_time = "0.5ms"
timeout = "30s"

[classes.login]

[classes.sale]
rate = "100/s"
priority = 1
establish_time = { dist = "exponential", mean = "20ms" }
timeout = "20s"
retries = 2

[[operator]]
do = "restart"
at = "2h"
down_for = "2m"
sessions = "end"
notice = { dist = "uniform", min = "0s", max = "30s" }

[variants."logins let in evenly"]
policy.admission = { name = "token-bucket", rate = "60%", only = "establish", wait = "20s" }
"""


def measured(text: str, folder: Path) -> tuple[dict[str, Any], float, float]:
    """What a run of the command line says of each variant, its processor seconds and its memory at most, GiB."""
    file, told = folder / "scenario.toml", folder / "told.json"
    file.write_text(text, encoding="utf-8")
    arguments = ["run", str(file), "--out", str(folder / "out"), "--no-report", "--threads", "1", "--json"]
    with told.open("wb") as out:
        child = subprocess.Popen([sys.executable, "-m", "recovery", *arguments], stdout=out)
        _, status, used = os.wait4(child.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    rows = json.loads(told.read_text(encoding="utf-8"))
    return rows, used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20


def most_bytes(scenario: Scenario) -> int:
    """What the first host holds at its end; what it has made room for it keeps."""
    run = known.traffic_of(scenario).start(scenario, 1, 0, 0, scenario.fleet.holders if scenario.fleet else 0)
    run.advance(scenario.windows * ns(scenario.coupling.window))
    return run.nbytes


@pytest.mark.parametrize("rate", ["40/s", pytest.param("400/s", marks=pytest.mark.slow)])
@pytest.mark.parametrize("client", ["fixed", "full-jitter", "proportional-jitter"])
def test_jobs_that_give_up_take_no_more_memory_than_was_estimated(rate: str, client: str) -> None:
    """Served in time, and hardly ever: 40 and 400 jobs a second at a host that does 100."""
    text = (
        TERMINALS.replace("200_000", "200")
        .replace('"30h"', '"3h"')
        .replace("100/s", rate)
        .replace("workers = 8", "workers = 2")
    )
    scenario = parse(text.replace('"full-jitter", base = "5s", cap = "2m"', f'"{client}"')).first.scenario
    assert most_bytes(scenario) <= estimate(scenario, 1).host_bytes


def test_jobs_that_never_give_up_may_all_be_there_at_once() -> None:
    """Nothing bounds how long they stay, so room is counted for all of them: about 10.8 million. (Most of the
    other estimate is a byte for each abandoned login.)
    """
    few, all_of_them = (
        estimate(parse(TERMINALS.replace("retries = 2", retries)).first.scenario, 1).host_bytes
        for retries in ("retries = 2", "")
    )
    assert few < 3e9 < 1e10 < all_of_them


BASE = (
    'horizon = "1h"\nhold = "1m"\nfleet = { holders = 2000, hosts = 1 }\n'
    'lease = { duration = "5m", check_every = "200s" }\ndependency.outages = [{ from = "2m", to = "12m" }]\n'
    'policy.client = { name = "fixed", delay = "1s" }\n'
)
TWO = '[classes.a]\nshare = "50%"\n[classes.b]\n'
SETS = {
    "workers": 'host = { establish_time = "400ms", timeout = "5s" }\n'
    'operator = [{ do = "set", key = "host.workers", value = 200000, at = "30m" }]\n',
    "cancel": 'host = { establish_time = "200ms", timeout = "1s", cancel_on_timeout = true }\n'
    'operator = [{ do = "set", key = "host.cancel", value = "none", at = "5m" }]\n' + TWO,
    "timeout": 'host = { establish_time = "200ms", timeout = "60s" }\n'
    'operator = [{ do = "set", key = "host.timeout", value = "1s", at = "5m" }]\n' + TWO,
    "queue": 'host = { establish_time = "200ms", timeout = "1s" }\npolicy.queue = { name = "bounded", limit = 5 }\n'
    'operator = [{ do = "set", key = "policy.queue", value = "fifo", at = "5m" }]\n' + TWO,
}


@pytest.mark.parametrize("text", SETS.values(), ids=SETS)
def test_what_operators_set_counts_in_the_memory_that_is_estimated(text: str) -> None:
    """One worker more than there were, or one rule less, may take more than the file as it begins."""
    scenario = parse(BASE + text).first.scenario
    assert most_bytes(scenario) <= estimate(scenario, 1).host_bytes


LINE = "policy.admission = { name = 'token-bucket', rate = '40/s', wait = '1h' }\n"
HELD = {
    "two classes": "[classes.a]\nshare = '70%'\n[classes.b]\n",
    "a part of the workers": "[classes.a]\nshare = '70%'\nweight = 3\n[classes.b]\nweight = 1\n",
    "three on two levels": "[classes.a]\nshare = '60%'\n[classes.b]\nshare = '20%'\npriority = 1\n[classes.c]\n",
    "a probe": "",
    "a line": LINE + "[classes.a]\nshare = '70%'\n[classes.b]\n",
    "a line of one class": LINE,
    "newest first, one class": "policy.queue = 'lifo'\n",
    "newest first": "policy.queue = 'lifo'\n[classes.a]\nshare = '70%'\n[classes.b]\n",
}


QUICK = ("two classes", "a probe", "a line", "newest first")


@pytest.mark.parametrize(
    "text",
    [pytest.param(text, id=name, marks=[] if name in QUICK else pytest.mark.slow) for name, text in HELD.items()],
)
def test_abandoned_requests_are_a_number_and_served_in_the_same_order(text: str) -> None:
    """Oracle: the same host that keeps each of them. 300 holders give up after 5 s; 2.5 a second are served."""
    probe = "" if text else ', probe = { every = "7s", time = "3s" }'
    base = (
        'horizon = "3h"\nhold = "1m"\ncoupling.window = "10s"\nfleet = { holders = 300, hosts = 1 }\n'
        f'host = {{ establish_time = {{ dist = "exponential", mean = "400ms" }}, timeout = "5s"{probe} }}\n'
        'lease = { duration = "5m", check_every = "200s" }\ndependency.outages = [{ from = "2m", to = "12m" }]\n'
        'operator = [{ do = "end-sessions", at = "12m" }, { do = "purge", at = "80m", told = true }, '
        '{ do = "restart", at = "150m", down_for = "20s" }]\npolicy.client = { name = "fixed", delay = "1s" }\n'
    )
    scenario = parse(base + text).first.scenario
    counted, kept = (known.traffic_of(scenario).start(scenario, 1, 0, 0, 300) for _ in range(2))
    assert isinstance(counted, SessionRun)
    assert isinstance(kept, SessionRun)
    kept.rules, kept.host = kept.rules._replace(merges=0), kept.host._replace(nameless=np.zeros(0, np.int8))
    for run in (counted, kept):
        run.advance(scenario.windows * ns(scenario.coupling.window))
    assert (counted.rows(0, scenario.windows) == kept.rows(0, scenario.windows)).all()
    assert counted.rows(0, scenario.windows)[:, requests.SUBMITTED].sum() > 20_000
    assert len(kept.host.requests) >= 4 * len(counted.host.requests)


@pytest.mark.slow
def test_terminals_for_30_hours(tmp_path: Path) -> None:
    """All come back within a minute, which is 300 s of work for a queue in which they wait 30 s: it never ends where
    nothing is done, and in some minutes where they are let in evenly.
    """
    said, cpu_s, memory_gib = measured(TERMINALS, tmp_path)
    [run] = said["runs"]
    verdicts = {group["variant"]: group["verdicts"] for group in run["summary"]["groups"]}
    assert verdicts == {"nothing done": {"collapsed": 1}, "logins let in evenly": {"recovered": 1}}
    assert cpu_s < 3600
    assert memory_gib < 8
