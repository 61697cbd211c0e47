"""Hosts that take turns in one call, against the same hosts each alone, whatever the groups and the threads.

Oracle: a host alone is put in, closed and added up by Python, and has arrays of its own (exact).
"""

from typing import Any

import lanes_cases
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recovery_kernels.lanes import turns

from recovery.model.scenario import Scenario
from recovery.model.variant import Variant
from recovery.reading.experiment import parse
from recovery.simulate import pipeline
from recovery.stages import in_turn, leases
from recovery.stages.lanes import LaneRun
from recovery.stages.traffic import TrafficTable

CASE = """
seed = {seed}
horizon = "{horizon}"
hold = "0s"
coupling.window = "10s"
fleet = {{ holders = {holders}, hosts = {hosts}, zones = {zones}, skew = {skew} }}
lease = {{ duration = {duration}, check_every = "1m", check_jitter = {jitter} }}
dependency.outages = [{{ from = "1m", to = "{to}"{fails} }}]
policy = {{ queue = {queue}, client = {client}, admission = {admission}, lease = "{lease}" }}
[host]
workers = {workers}
establish_time = {{ dist = "{law}", mean = "{mean}" {more}}}
renew_time = "20ms"
timeout = "{timeout}"
cancel_on_timeout = {cancel}
"""
QUEUES = (
    '"fifo"', '"lifo"', '{ name = "bounded", limit = 5 }', '{ name = "drop-expired" }',
)  # fmt: skip
CLIENTS = (
    '{ name = "fixed", delay = "5s" }', '{ name = "full-jitter", base = "1s", cap = "30s" }',
    '{ name = "fixed", delay = { dist = "exponential", mean = "5s" } }',
)  # fmt: skip
ADMISSIONS = ('"open"', '{ name = "token-bucket", rate = "1/s" }')
PLAIN: dict[str, Any] = {
    "seed": 5, "horizon": "5m", "holders": 30, "hosts": 6, "zones": 2, "skew": 0.8, "duration": '"90s"', "jitter": 0.0,
    "to": "3m", "fails": "", "queue": QUEUES[0], "client": CLIENTS[0], "admission": ADMISSIONS[0], "lease": "fixed",
    "workers": 1, "law": "exponential", "mean": "500ms", "more": "", "timeout": "10s", "cancel": "false",
}  # fmt: skip
CASES = st.fixed_dictionaries({
    "seed": st.integers(0, 99),
    "hosts": st.integers(1, 9),
    "holders": st.integers(9, 300),
    "zones": st.integers(1, 4),
    "skew": st.sampled_from([0.0, 1.5]),
    "duration": st.sampled_from(['"90s"', '{ dist = "uniform", min = "70s", max = "3m" }']),
    "jitter": st.sampled_from([0.0, 0.1]),
    "to": st.sampled_from(["70s", "3m"]),
    "queue": st.sampled_from(QUEUES),
    "client": st.sampled_from(CLIENTS),
    "admission": st.sampled_from(ADMISSIONS),
    "lease": st.sampled_from(["fixed", "grace"]),
    "workers": st.integers(1, 3),
    "law": st.sampled_from(["exponential", "lognormal"]),
    "mean": st.sampled_from(["100ms", "2s"]),
    "timeout": st.sampled_from(["3s", "30s"]),
    "cancel": st.sampled_from(["false", "true"]),
})  # fmt: skip


def case(**keys: Any) -> Scenario:
    found = PLAIN | keys
    found["zones"] = min(found["zones"], found["hosts"])
    return parse(CASE.format(**found | {"more": ", cv = 1.5 " if found["law"] == "lognormal" else ""})).first.scenario


def told(table: TrafficTable) -> dict[str, Any]:
    """All that hosts gave, ready for `==`."""
    sums = {name: getattr(table, name) for name in ("leased_by_zone", "sojourn", "latency", "unleased_at_start")}
    return {name: values.tolist() for name, values in (table.columns | sums).items()} | {"lost": table.unleased_ns}


def run(scenario: Scenario, threads: int = 1, others: int = 0) -> dict[str, Any]:
    """What the hosts of a run give, beside others of another seed."""
    variant = Variant("one", scenario)
    with pipeline.Runner(threads) as runner:
        first, *_ = runner.run([(variant, 5 + number, 3) for number in range(1 + others)])
    return told(first.traffic)


def alone(scenario: Scenario) -> dict[str, Any]:
    """The same where each host runs by itself."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(leases, "run_in_turn", lambda _: False)
        patched.setattr(in_turn, "start", None)
        return run(scenario)


def shrunken(patched: pytest.MonkeyPatch) -> None:
    """Let hosts that take turns begin with arrays that have to grow."""
    start = in_turn.start
    patched.setattr(in_turn, "start", lambda *args, **more: lanes_cases.shrink(start(*args, **more)))


@settings(deadline=None, max_examples=60)
@given(CASES, st.sampled_from([1, 2, 3]), st.sampled_from([0, 20]), st.booleans(), st.sampled_from([5, 40, 5_000]))
def test_hosts_in_turn_give_what_each_gives_alone(
    keys: dict[str, Any], threads: int, others: int, small: bool, slice_: int
) -> None:
    """`slice_`: holders that are enough for a group, and for a slice of a larger host."""
    scenario = case(**keys)
    assert leases.run_in_turn(scenario)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pipeline, "_SLICE", slice_)
        if small:
            shrunken(patched)
        found = run(scenario, threads, others)
    assert found == alone(scenario)


@pytest.mark.nojit
@pytest.mark.boundscheck
@pytest.mark.parametrize(("queue", "jitter"), [("fifo", 0.0), ("lifo", 0.1)])
def test_few_hosts_in_turn_give_what_each_gives_alone(
    queue: str, jitter: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = case(horizon="3m", holders=8, hosts=3, zones=2, to="2m", queue=f'"{queue}"', jitter=jitter)
    wanted = alone(scenario)
    shrunken(monkeypatch)
    assert run(scenario) == wanted
    assert sum(wanted["failed"]) > 0


def test_a_host_that_asks_for_room_goes_on_and_so_do_those_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three times more requests wait than the queue has room for at first, at each host anew."""
    scenario = case(holders=400, hosts=4, skew=0.0, horizon="10m", to="5m", mean="2s", timeout="5s")
    grown: list[int] = []
    grow = LaneRun._grow_queue

    def noted(run: LaneRun) -> None:
        grown.append(int(run.turns.at[turns.NEXT]))
        grow(run)

    wanted = alone(scenario)
    monkeypatch.setattr(LaneRun, "_grow_queue", noted)
    assert run(scenario) == wanted
    assert grown
    assert set(grown) < {0, 1, 2, 3}  # what has grown stays so for the next ones


def test_hosts_of_a_run_take_turns_in_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one thread one call serves all hosts; with more of them each has something to do."""
    groups: list[list[tuple[int, int]]] = []
    start = in_turn.start

    def noted(same: Any, seed: int, replication: int, some: Any, **more: Any) -> Any:
        groups.append(list(some))
        return start(same, seed, replication, some, **more)

    monkeypatch.setattr(in_turn, "start", noted)
    scenario = case(holders=60, hosts=20, skew=0.0)
    run(scenario)
    assert groups == [[(host, 3) for host in range(20)]]
    groups.clear()
    run(scenario, threads=2)
    assert len(groups) == 10  # of two hosts: eight at least, so that neither of two threads waits long for the other
    assert sorted(host for some in groups for host, _ in some) == list(range(20))


@pytest.mark.parametrize(
    "override",
    [
        "operator=[{ do = 'restart', at = '2m' }]",
        "fleet.sample_hosts=4",
        "policy.lease='freeze'",
        "classes.all={}",
    ],
)
def test_hosts_that_differ_or_stand_for_others_run_alone(override: str) -> None:
    text = CASE.format(**PLAIN)
    assert leases.run_in_turn(parse(text).first.scenario)
    assert not leases.run_in_turn(parse(text, overrides=(override,)).first.scenario)


def test_all_holders_are_found_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    part = in_turn.InTurn.part

    def lost(run: in_turn.InTurn) -> in_turn.InTurnPart:
        run.turns.at[turns.FOUND] -= 1
        return part(run)

    monkeypatch.setattr(in_turn.InTurn, "part", lost)
    with pytest.raises(AssertionError, match="29 of 30 holders are somewhere"):
        run(case())
