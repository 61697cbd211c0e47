"""Optimistic writes (MODEL.md, section 13, conflict): a write fails if another was made to its row since it was read.

Oracles: an independent program of "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015), written from the
article's words; the numbers that its own simulator gives; the sum of rounds that have one winner each (exact);
times worked out by hand (exact); cases in which no write can conflict, which are as without the rule (exact).
"""

import heapq
import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path

import pytest
from test_sessions_rules import at, holders, told, who
from test_sessions_rules import times as when
from twin.sessions.scenario import FAR_NS, Class, Conflict, Host, Retry, Set, constant

import recovery
from recovery.errors import ScenarioError
from recovery.reading.experiment import load, parse
from recovery.simulate import identity
from recovery.simulate.pipeline import Runner

FILE = Path(__file__).resolve().parent.parent / "experiments" / "write-conflicts.toml"
CLIENTS = 100
PUBLISHED = {
    "no back-off": 2421, "exponential": 1853, "decorrelated jitter": 1002, "equal jitter": 812, "full jitter": 797,
}  # fmt: skip
"""Calls of 100 clients, from the most to the fewest: what the article's own simulator gives, a mean of 100 runs."""


# --- the article ------------------------------------------------------------------------------------------------------


def pauses_ms(name: str, chance: random.Random) -> Callable[[int], float]:
    """How long one client waits after its n-th failure, n from 1: base 5 ms, at most 2 s."""
    last = 5.0

    def pause(n: int) -> float:
        nonlocal last
        most = min(2000.0, 5.0 * 2**n)
        match name:
            case "exponential":
                return most
            case "equal jitter":
                return chance.uniform(most / 2, most)
            case "full jitter":
                return chance.uniform(0, most)
            case "decorrelated jitter":
                last = min(2000.0, chance.uniform(5.0, 3 * last))
                return last
        return 0.0

    return pause


def calls(name: str, seed: int) -> int:
    """Writes until each client has written once. A client asks for the row's version, is answered, sends its write with
    that version, and is answered: four messages of |N(10, 2)| ms. The row takes a write of the version that it has.
    """
    chance = random.Random(seed)
    turn, events = count(), []  # time, turn, client, version that a write brings (None: it reads)
    pause = [pauses_ms(name, chance) for _ in range(CLIENTS)]
    failures, version, writes = [0] * CLIENTS, 0, 0

    def message() -> float:
        return abs(chance.gauss(10, 2))

    for client in range(CLIENTS):
        heapq.heappush(events, (message(), next(turn), client, None))
    while events:
        now, _, client, brought = heapq.heappop(events)
        if brought is None:
            heapq.heappush(events, (now + message() + message(), next(turn), client, version))
            continue
        writes += 1
        if brought == version:
            version += 1
            continue
        failures[client] += 1
        again = now + message() + pause[client](failures[client]) + message()
        heapq.heappush(events, (again, next(turn), client, None))
    return writes


@cache
def simulated() -> dict[str, float]:
    """Attempts in the runs of the scenario, a mean of its replications, of which each serves each client once."""
    experiment, found = load(FILE), {}
    numbers = range(experiment.head.replications)
    assert len(numbers) >= 30
    with Runner(1) as runner:
        for variant in experiment.variants:
            runs = [one.traffic.columns for one in runner.run([(variant, experiment.head.seed, n) for n in numbers])]
            assert all(run["succeeded"].sum() == CLIENTS for run in runs)
            found[variant.name] = sum(int(run["submitted"].sum()) for run in runs) / len(runs)
    return found


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_hundred_clients_make_as_many_calls_as_in_the_article(name: str) -> None:
    """Within 5 %: a service of 40 ms stands for four messages here, and 20 ms of it for the two after the read."""
    own = sum(calls(name, seed) for seed in range(30)) / 30
    assert own == pytest.approx(PUBLISHED[name], rel=0.02)
    assert simulated()[name] == pytest.approx(own, rel=0.05)


def test_the_policies_of_the_article_save_calls_in_its_order() -> None:
    found = simulated()
    assert sorted(found, key=found.__getitem__, reverse=True) == list(PUBLISHED)
    page = (FILE.parent.parent / "docs" / "gallery" / "write-conflicts.md").read_text(encoding="utf-8")
    rows = [
        f"| {'none' if name == 'no back-off' else name} | {PUBLISHED[name]:,} | {found[name]:,.0f} |" for name in found
    ]
    assert [row for row in rows if row not in page] == []


# --- rounds with one winner -------------------------------------------------------------------------------------------

STEP = """
horizon = "2m"
hold = "0s"
recovers_from = "0s"
coupling.window = "1s"
fleet = { holders = 60, hosts = 2, start = "unleased", in_step = true }
host.workers = 30
host.establish_time = "40ms"
host.timeout = "1h"
host.round_trip = "1us"
lease = { duration = "3h", check_every = "2h" }
policy.client = "immediate"
"""


@pytest.mark.parametrize(("rule", "rows"), [("", 30), ("host.conflict = {}", 1), ("host.conflict.rows = 10", 10)])
def test_of_clients_in_step_one_a_row_wins_each_round(rule: str, rows: int) -> None:
    """n clients of one row try n + (n − 1) + … + 1 times; without the rule, as if each had its own, once."""
    n = 30 // rows
    run = recovery.parse(STEP + rule).run(threads=1)
    sent, failed = run.series["submitted"].sum(), run.series["failed"].sum()
    assert sent == 2 * rows * n * (n + 1) // 2
    assert failed == sent - 60


# --- times worked out by hand -----------------------------------------------------------------------------------------

ONE_ROW = Host(workers=9, conflict=Conflict(1))


def slow(first: int, service: int, **parts: object) -> Class:
    """One client without a lease that asks at a time."""
    return holders((first,), leased=False, establish=constant(service), name=f"of-{first}", **parts)  # type: ignore[arg-type]


def test_a_write_fails_if_another_ended_since_it_began() -> None:
    # A reads at 0 and would write at 100; B reads at 20 and writes at 50; C reads at 50, and sees B's write
    books = told(slow(0, 100), slow(20, 30), slow(50, 40), host=ONE_ROW, until=99)
    assert (when(books, "success", 1), when(books, "success", 2)) == ([50], [90])
    books = told(slow(0, 100), slow(20, 30), host=ONE_ROW, until=300)
    assert (when(books, "conflict", 0), when(books, "success", 0)) == ([100], [201])  # again after a round trip of 1
    assert books.total("failed", 0) == 1
    assert books.total("failed-ns", 0) == 100


def test_a_gap_moves_the_read_to_the_end_of_the_service() -> None:
    for gap, wanted in ((49, "success"), (50, "success"), (51, "conflict"), (1000, "conflict")):  # B writes at 50
        host = replace(ONE_ROW, conflict=Conflict(1, constant(gap)))
        books = told(slow(0, 100), slow(20, 30), host=host, until=150)
        assert when(books, wanted, 0) == [100], gap


def test_a_client_that_gave_up_still_writes() -> None:
    # B gives up at 40, and its service ends at 50: nobody has a lease of it, and A, which read at 0, fails
    gone = slow(20, 30, timeout=constant(20), retry=Retry("fixed", constant(FAR_NS)))
    books = told(slow(0, 100), gone, host=ONE_ROW, until=150)
    assert (when(books, "waste", 1), when(books, "conflict", 0)) == ([50], [100])
    # and where A's own write came between, the work of whom nobody waits for fails at the row, too
    books = told(slow(30, 10), gone, host=ONE_ROW, until=150)
    assert (when(books, "success", 0), when(books, "conflict", 1), books.total("wasted", 1)) == ([40], [50], 0)


def test_rows_and_classes_keep_writers_apart() -> None:
    four = holders((0, 20, 0, 20), leased=False, establish=constant(100))
    books = told(four, host=replace(ONE_ROW, conflict=Conflict(2)), until=150)  # 0 and 2 one row, 1 and 3 the other
    assert (who(books, "success"), who(books, "conflict")) == ([0, 1], [2, 3])
    books = told(slow(0, 100), slow(20, 30), host=replace(ONE_ROW, conflict=Conflict(1, classes=(0,))), until=150)
    assert when(books, "success", 0) == [100]


def test_what_fails_at_the_dependency_and_what_a_restart_takes_writes_nothing() -> None:
    fails = replace(ONE_ROW, fail_after_ns=30)
    books = told(slow(0, 100), slow(20, 30, retry=Retry("fixed", constant(FAR_NS))), host=fails, until=150,
                 dependency=((10, 1.0), (45, 0.0)))  # fmt: skip
    assert (when(books, "fail", 1), when(books, "success", 0)) == ([50], [100])


def test_one_worker_or_no_gap_is_as_without_the_rule() -> None:
    """One worker reads after its last write; what writes as it reads has nobody between. Edits of other keys too."""
    crowd = holders((0, 0, 10, 20, 30, 30), leased=False, establish=constant(7), check_every_ns=50)
    edits = (at(60, Set("round_trip_ns", 9)),)
    for host in (Host(1, conflict=Conflict(1)), Host(3, conflict=Conflict(1, constant(0)))):
        plain = replace(host, conflict=Conflict())
        assert told(crowd, host=host, playbook=edits).log == told(crowd, host=plain, playbook=edits).log


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("host.conflict.rows = 0", "host.conflict.rows is 0; want a whole number from 1"),
        ('host.conflict.gap = "soon"', "host.conflict.gap"),
        ('host.conflict.classes = ["writers"]', "host.conflict.classes names writers, which is no class"),
        ("host.conflict.row = 3", "host.conflict.row"),
    ],
)
def test_what_makes_no_sense_is_refused(rule: str, wanted: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        parse(STEP + rule + "\n", file="mine.toml")
    assert wanted in str(refused.value)


def test_each_number_of_the_rule_is_in_the_key_and_none_where_it_is_off() -> None:
    texts = ("", "host.conflict = {}", "host.conflict.rows = 2", 'host.conflict.gap = "9ms"')
    keys = [identity.digest_of(parse(STEP + text).first, 1, 0) for text in texts]
    assert len(set(keys)) == len(texts)
    hosts = str(parse(STEP).first.scenario.model_dump()["host"])
    assert "conflict" not in hosts
