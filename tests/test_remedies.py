"""What an answer would try, taken at its word: the command is run.

Oracle: the run. Where a guard (a throttle, a restart, a limit, a long wait) is what keeps a fleet up, the same scenario
without it collapses, so its removal must not be what is advised; what is advised recovers, and sooner.
"""

import json
import re
import shlex
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner
from run_records import group_of, scenario_of
from situations import FAST, IMPATIENT, JOBS, LAUNCHES, LEASES
from test_situations import told

from recovery.cli import main as cli
from recovery.reading.experiment import parse
from recovery.show import advice
from recovery.show.answers import foretold, herd, remedy
from recovery.show.answers.mechanism import Limit
from recovery.show.standings import Standing
from recovery.store.run_record import Group
from recovery.study.resolved import resolved


def standing(text: str, *overrides: str) -> Standing:
    summary, _ = told(text, *overrides)
    return advice.standing(summary, summary.groups[0])


def overrides_of(command: str) -> list[str]:
    return [word for word in shlex.split(command) if word != "--set"]


class Guard(NamedTuple):
    """A scenario that a guard keeps up, and the change that takes the guard away."""

    name: str
    text: str
    mechanism: str
    without: str


THROTTLE = 'operator = [{{ do = "throttle", at = "29m", rate = "{}", only = "establish" }}]\n'
LIMIT = 'policy.admission = {{ name = "token-bucket", rate = "{}", {}only = "establish" }}\n'
GUARDS = [
    Guard("a throttle", IMPATIENT + THROTTLE.format("15/s"), "operator", "operator=[]"),
    Guard(
        # 2,000 in 10 min at random are 6.7 a second at first, and the hosts do 20
        "long waits", IMPATIENT.replace('cap = "5s"', 'cap = "10m"'), "backoff",
        'policy.client={ name = "full-jitter", base = "1s", cap = "30s" }',
    ),
    Guard(
        # an hour's jobs wait behind the throttle, and each is tried four times: 30 a second are 120 attempts for 50
        "a throttle of jobs",
        JOBS.replace("retries = 3", 'retries = "unlimited"')
        + 'operator = [{ do = "throttle", at = "2m", rate = "40/s", release = [{ after = "8m", rate = "off" }] }]\n',
        "operator", "operator=[]",
    ),
]  # fmt: skip


@pytest.mark.parametrize("guard", GUARDS, ids=lambda one: one.name.replace(" ", "-"))
def test_a_guard_is_not_taken_away(guard: Guard) -> None:
    was = standing(guard.text)
    assert was.never == 0
    _, answer = told(guard.text)
    assert answer.why.mechanism == guard.mechanism
    bare = standing(guard.text, guard.without)
    assert bare.never == bare.runs, "the guard is none, so the test shows nothing"
    advised = overrides_of(answer.change.command)
    assert advised != [guard.without]
    now = standing(guard.text, *advised)
    assert now.never == 0
    assert now.mean_s < was.mean_s


LIMITED = [
    # 2,000 renewals of 80 ms in 3 min are 4/9 of the hosts and pass the limit: 0.9 · 5/9 · 20
    (IMPATIENT.replace('renew_time = "1ms"', 'renew_time = "80ms"') + LIMIT.format("2/s", ""), 10, []),
    (IMPATIENT + LIMIT.format("2/s", 'burst = "10m", '), 18, ["policy.admission.burst=10s"]),  # 10 min are five fleets
]  # fmt: skip


@pytest.mark.parametrize(("text", "most_per_s", "beside"), LIMITED)
def test_a_limit_is_raised_to_what_the_hosts_can_do(text: str, most_per_s: float, beside: list[str]) -> None:
    """Nine tenths of what they have left beside renewals, and the renewals that pass it; with a short queue where more
    may be let in than they do.
    """
    _, answer = told(text)
    assert answer.why.mechanism == "admission"
    rate, *more = overrides_of(answer.change.command)
    per_s = float(rate.removeprefix("policy.admission.rate=").removesuffix("/s"))
    assert 0.98 * most_per_s <= per_s <= most_per_s
    assert more == beside
    now = standing(text, rate, *more)
    assert now.never == 0
    assert now.mean_s < standing(text).mean_s / 2 or standing(text).never


@pytest.mark.parametrize(("text", "overrides"), [
    # Nearly all is let in that may be: of twice as many workers it is 0.9 · (40 - 0.11)
    (LEASES + LIMIT.format("18/s", ""), ("host.workers=4", "policy.admission.rate=35.9/s")),
    # While the dependency is down a request takes 150 ms to fail: of 17.9 that are let in 13.3 are done
    (IMPATIENT.replace('timeout = "20s"', 'timeout = "20s", fail_after = "150ms"') + LIMIT.format("2/s", ""),
     ("policy.admission.rate=17.9/s", 'policy.queue={ name = "bounded", limit = "10s" }')),
    # 11.1 renewals a second need a token too: 11.1 + 0.9 · (20 - 0.11). All tokens for new leases are more than 20
    (IMPATIENT + LIMIT.format("12/s", "").replace(', only = "establish"', ""),
     ("policy.admission.rate=29/s", 'policy.queue={ name = "bounded", limit = "10s" }')),
])  # fmt: skip
def test_a_limit_comes_with_workers_or_a_queue_where_hosts_cannot_do_what_it_lets_in(
    text: str, overrides: tuple[str, ...]
) -> None:
    found = remedy.of(group_of("a", scenario=scenario_of(text)), Limit("admission", "", 990.0))
    assert found is not None
    assert found.overrides == overrides


def test_what_is_set_already_is_no_proposal() -> None:
    """Of 0.9 · (20 - 0.11) = 17.9 a second 17.85 is set: so much is let in, and only more workers allow more."""
    found = remedy.of(
        group_of("a", scenario=scenario_of(LEASES + LIMIT.format("17.85/s", ""))), Limit("admission", "", 990.0)
    )
    assert found is not None
    assert found.overrides == ("host.workers=4", "policy.admission.rate=35.9/s")


FREE = FAST + THROTTLE.format("2/s")
RESTART = LEASES + 'operator = [{ do = "restart", at = "31m", down_for = "10s" }]\n'


@pytest.mark.parametrize(("text", "mechanism"), [(FREE, "operator"), (RESTART, "restart")])
def test_steps_by_hand_that_guard_nothing_are_left_out(text: str, mechanism: str) -> None:
    """All 2,000 are 3.3 s or 100 s of work, and clients wait for 30 min: r1 is far below 1."""
    _, answer = told(text)
    assert answer.why.mechanism == mechanism
    assert answer.change.name == "no step by hand"
    now, was = standing(text, *overrides_of(answer.change.command)), standing(text)
    assert now.never == 0
    assert now.mean_s < was.mean_s / 2


THROTTLED = LAUNCHES + ', throttle = [{ at = "10m", rate = "1/s" }, { at = "50m", rate = "off" }] }\n'


def test_the_throttle_of_launches_is_taken_away_only_where_nothing_is_behind_it() -> None:
    """Without it 10 launches a second come; propagation of 9 a second never catches up, so it is not to be tried."""
    _, answer = told(THROTTLED)
    assert answer.change.name == "no throttle of launches"
    assert standing(THROTTLED, *overrides_of(answer.change.command)).mean_s < standing(THROTTLED).mean_s / 2
    behind = THROTTLED + 'propagation = { workers = 9, time = "1s", normal_latency = "30s" }\n'
    summary, _ = told(behind)
    assert remedy.of(summary.groups[0], Limit("launches", "", 0.9)) is None
    assert standing(behind, "launches.throttle=[]").never == 1


@pytest.mark.parametrize(
    ("change", "is_sure"),
    [
        ("", True),  # all 200 at once on four hosts are 10 s of 200 ms, and clients wait for 30 s
        ("host.timeout = '15s'", False),  # too near
        ("fleet.skew = 3", False),  # one host has many times its part
        ("host.fail_after = '5s'", False),  # what fails takes 25 times as long, and so does the queue
        ("host.slowdown = { a = 10, queue = 10 }", False),
        ("host.timeout = '15s'\npolicy.queue = { name = 'bounded', limit = '5s' }", True),  # r2 is a third
        ("lease.duration = '9s'\nlease.check_every = '3s'", False),  # r4: gone before all are made
        ("policy.queue = 'lifo'", False),
        ("host.timeout = '15s'\npolicy.queue = { name = 'bounded', limit = '5s' }\nhost.reject_cost = '150ms'", False),
    ],
)  # fmt: skip
def test_a_way_back_is_sure_where_the_groups_say_so(change: str, is_sure: bool) -> None:
    text = (
        "horizon = '1h'\nfleet.holders = 200\nfleet.hosts = 4\nhost.establish_time = '200ms'\n"
        "policy.client = { name = 'fixed', delay = '1s' }\n"
    )
    rest = {"host.timeout": "'30s'", "lease.duration": "'2m'", "lease.check_every": "'60s'"}
    text += change + "\n" + "".join(f"{key} = {value}\n" for key, value in rest.items() if key not in change)
    assert remedy.has_way_back(group_of("a", scenario=scenario_of(text))) == is_sure


def test_the_command_keeps_what_was_set(tmp_path: Path) -> None:
    """Oracle: the run of the command is that of the given changes and of the new one."""
    file = tmp_path / "storm.toml"
    file.write_text(IMPATIENT, encoding="utf-8")
    given = ["--set", "host.timeout=25s", "--set", "policy.queue=lifo", "--set", "policy.queue=fifo"]

    def answer(*words: str) -> dict[str, dict[str, str]]:
        done = CliRunner().invoke(cli.main, [*words, "--json"])
        found = json.loads(done.stdout)
        return dict(found["answer"] if "answer" in found else found["runs"][0]["answer"])

    for told_by in (("explain",), ("run", "--no-report", "--out", str(tmp_path), "--replications", "1")):
        found = answer(told_by[0], str(file), *given, *told_by[1:])
        words = shlex.split(found["change"]["command"])
        assert words[:3] == ["recovery", "run", str(file)]
        assert words.count("host.timeout=25s") == 1
        assert "policy.queue=fifo" not in words
        assert words[-1] == 'policy.queue={ name = "bounded", limit = "12s" }' or words[-1].startswith("policy.queue={")
        if told_by[0] == "run":
            assert "--set host.timeout=25s" in found["sure"]["text"]  # the command for an interval, too
            assert "replications=1 " not in found["sure"]["text"]
    done = CliRunner().invoke(cli.main, [*words[1:], "--json", "--no-report", "--out", str(tmp_path / "again")])
    rows = json.loads(done.stdout)["runs"][0]["summary"]["groups"][0]
    assert rows["scenario"]["hosts"]["timeout_s"] == 25
    assert rows["verdicts"] == {"recovered": 1}


@pytest.mark.slow
def test_a_queue_that_refuses_comes_with_longer_waits_where_no_is_dear() -> None:
    """400 holders that ask every half second, and a no that costs half a service, of 40 that are done."""
    text = IMPATIENT.replace('base = "1s", cap = "5s"', 'base = "1s", cap = "1s"')
    text = text.replace('renew_time = "1ms"', 'renew_time = "1ms", reject_cost = "50ms"')
    _, answer = told(text)
    assert answer.why.mechanism == "timeout"
    assert answer.change.name == "a short queue and longer waits"
    alone, both = [overrides_of(answer.change.command)[:1], overrides_of(answer.change.command)]
    assert standing(text, *alone).never == 1
    assert standing(text, *both).never == 0


@pytest.mark.parametrize(("retries", "name"), [(3, "more workers and a short queue"), (0, "more workers")])
def test_jobs_get_a_short_queue_too_where_a_long_one_would_stay(retries: int, name: str) -> None:
    """60 jobs a second, and eight workers that do 80: with four tries each a long queue stays from 20 a second on, with
    one it empties.
    """
    text = JOBS.replace("30/s", "60/s").replace("retries = 3", f"retries = {retries}")
    found = remedy.of(group_of("a", scenario=scenario_of(text)), Limit("arrivals", "", 1.2))
    assert found is not None
    assert found.name == name


def test_a_longer_timeout_is_told_where_it_outlasts_the_work_of_all() -> None:
    """2,000 are 100 s of work at 20 a second, with few renewals; a client waits for 20 s, and leases last 10 min."""
    text = told(IMPATIENT)[1].change.text
    found = re.search(r"A timeout of .* instead of 20 s may do as well: .*--set (host.timeout=(\d+)s)", text)
    assert found is not None, text
    assert 100 / 0.9 <= float(found[2]) <= 130
    assert standing(IMPATIENT, found[1]).never == 0
    assert "timeout of" not in told(IMPATIENT, "lease.duration=201s")[1].change.text  # leases run out before


def test_no_fix_is_told_where_none_is_known() -> None:
    known: Group = group_of("a", scenario=scenario_of())
    assert remedy.of(known, Limit("targets", "", 0.5)) is None


BROKER = """
horizon = "50m"
hold = "2m"
coupling.window = "5s"
fleet = { holders = 8_000, hosts = 2 }
lease = { duration = "90s", check_every = "60s", check_jitter = "10%" }
policy.client = { name = "full-jitter", base = "1s", cap = "2m" }
host.workers = 4
host.establish_time = { dist = "exponential", mean = "52ms" }
host.renew_time = "0.05ms"
host.timeout = "5s"
operator = [{ do = "restart", at = "5m", down_for = "10s", sessions = "end", told = true }]
"""


def test_first_delays_that_are_advised_leave_room_where_who_gives_up_stays_in_the_queue() -> None:
    """52 s of work. Spread over 58 s, nine tenths of what the hosts do, the devices are back later than without."""
    _, answer = told(BROKER)
    assert answer.change.name == "a first delay"
    overrides = overrides_of(answer.change.command)
    close = 'lease.first_delay={ dist = "uniform", min = "0s", max = "58s" }'
    alone, near, advised = (standing(BROKER, *given).mean_s for given in ((), (close,), overrides))
    assert near > alone > 2 * advised


def test_a_first_delay_begins_when_clients_are_no_longer_refused() -> None:
    """HADOOP-2448: the one name node is down for 5 min, then does a report a second. Delays from 0 on would bring
    all who drew less than 5 min in one instant; 2,000 reports spread over a time that leaves room are back at its end.
    """
    text = resources.files("recovery").joinpath("data/incidents/hadoop-2448/hadoop-2448.toml").read_text("utf-8")
    _, answer = told(text)
    [advised] = re.findall(r"--set '(lease\.first_delay=[^']*)'", answer.change.text)
    [(from_s, to_s)] = re.findall(r'min = "(\d+)s", max = "(\d+)s"', advised)
    assert from_s == "300"
    assert float(to_s) - 300 > 2000
    then = standing(text, advised)
    assert then.never == 0
    assert then.mean_s == pytest.approx(float(to_s), rel=0.05)
    assert standing(
        text, f'lease.first_delay={{ dist = "uniform", min = "0s", max = "{float(to_s) - 300:g}s" }}'
    ).is_never
    assert "a first delay" not in told(text, advised)[1].change.text


# 6,000 clients are 150 s of work at 40 a second, which refuse them for 1 min
RESTARTED = """
horizon = "40m"
hold = "2m"
coupling.window = "1s"
fleet = { holders = 6000, hosts = 1 }
lease = { duration = "30m", check_every = "25m", check_jitter = "20%" }
host = { workers = 4, establish_time = "100ms", renew_time = "1ms", timeout = "10s" }
policy.client = { name = "full-jitter", base = "1s", cap = "5s" }
operator = [{ do = "restart", at = "5m", down_for = "1m", sessions = "end", told = true }]
"""


def held(waves: int, over_s: float) -> str:
    every = f'every = "{over_s / waves:.3f}s"'
    return f'operator.1={{ do = "hold-clients", at = "5m", lasts = "1m", waves = {waves}, {every} }}'


def test_waves_that_are_advised_are_so_many_that_each_is_served_in_time() -> None:
    """150 s of work, of which 5 s, half a timeout, may wait: 30 waves. Of 5 waves each brings 30 s, three timeouts."""
    _, answer = told(RESTARTED)
    advised = re.search(r"let them in again in at least (\d+) waves over ([\d.]+) min", answer.change.text)
    assert advised is not None
    waves, over_s = int(advised[1]), 60 * float(advised[2])
    assert waves == 30
    enough = standing(RESTARTED, held(waves, over_s))
    assert enough.never == 0
    assert enough.mean_s == pytest.approx(60 + 0.99 * over_s, rel=0.05)
    summary, few = told(RESTARTED, held(5, over_s))
    assert summary.groups[0].mean("wasted_share") > 0.3
    assert "come back in 5 waves, by which operators let them in. They bring 2.5 min of work" in few.why.text
    assert "up to 30 s of it wait, which is 3 times the 10 s" in few.why.text


def test_clients_that_operators_let_in_slowly_are_near_no_cliff() -> None:
    """They come over the waves and not together: told of how soon they would come by themselves is only the file's."""
    patient = "host.timeout=3m"  # in which all 150 s of work are done
    assert "stands near a cliff, which so few runs may not show" in told(RESTARTED, patient)[1].sure.text
    assert "cliff" not in told(RESTARTED, patient, held(30, 333))[1].sure.text
    scenario = resolved(parse(RESTARTED, overrides=(held(30, 333),)).first.scenario)
    assert herd.narrow(scenario) is None
    assert herd.comes_within_s(scenario) == pytest.approx(333, rel=0.01)
    found = foretold.of("held", scenario)
    assert found.least_s == pytest.approx(60 + 29 * 333 / 30, rel=0.01)  # 99 % need the last of 30 waves
    crowded = resolved(parse(RESTARTED, overrides=(held(5, 333),)).first.scenario)
    assert str(herd.narrow(crowded)) == "clients come back in 5 waves, each in one instant with 30 s of work"


# A server is down for 60 s. 8,000 instances learn it within 10 s and bring 10 s of work
REGISTRY = """
horizon = "30m"
hold = "2m"
coupling.window = "1s"
fleet = { holders = 8000, hosts = 1 }
lease = { duration = "1m", check_every = "10s" }
host = { workers = 32, establish_time = "40ms", renew_time = "2ms", timeout = "8s" }
policy.client = { name = "exponential", base = "30s", cap = "5m" }
operator = [{ do = "restart", at = "5m", down_for = "1m", sessions = "end", notice = "at-check", told = true }]
"""


@pytest.mark.parametrize(
    ("waits_s", "within_s", "refused_s", "last_s"),
    [
        ((30, 60, 120), 10, 60, 100),  # refused again at 30 to 40 s, they ask at 90 to 100 s
        ((30, 60, 120), 40, 60, 120),  # refused at just under 60 s, 30 s after the first time
        ((10, 10, 10), 5, 8, 15),
        ((10, 10, 10), 20, 8, 20),  # the last of all asks when nobody is refused
        ((40, 80), 0, 0, 0),
    ],
)
def test_waits_that_are_alike_add_up(
    monkeypatch: pytest.MonkeyPatch, waits_s: tuple[float, ...], within_s: float, refused_s: float, last_s: float
) -> None:
    monkeypatch.setattr(herd, "waits_s", lambda _: iter(waits_s))
    monkeypatch.setattr(herd, "comes_within_s", lambda _: within_s)
    assert herd.back_by_s(scenario_of(), refused_s) == last_s


def test_hosts_that_nobody_asks_are_not_made_more() -> None:
    """Whoever is refused waits 30 s and then 60 s, and asks 90 to 100 s after the end; more workers save nothing."""
    _, answer = told(REGISTRY)
    assert answer.why.text.startswith(
        "A restart takes 60 s, and clients that are refused meanwhile then wait up to 60 s"
    )
    was, more = (standing(REGISTRY, *given).mean_s for given in ((), ("host.workers=64",)))
    assert was == pytest.approx(100, abs=2)
    assert more == pytest.approx(was, abs=2)
    assert answer.change.name == "shorter waits"
    assert standing(REGISTRY, *overrides_of(answer.change.command)).mean_s < 0.9 * was


def test_no_change_is_advised_that_the_file_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the file or --set has already is no advice, whatever rule names it."""
    monkeypatch.setattr(remedy, "_of", lambda *_: remedy.Remedy("workers", "", ("host.workers=32",)))
    few, many = (
        group_of("a", scenario=resolved(parse(REGISTRY, overrides=(f"host.workers={workers}",)).first.scenario))
        for workers in (16, 32)
    )
    limit = Limit("capacity", "", 60.0)
    assert remedy.of(few, limit) is not None
    assert remedy.of(many, limit) is None
