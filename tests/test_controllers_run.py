"""Rules of queues and leases that remember, in whole runs of a host: holders, jobs, an outage, a restart.

Oracle: the plain twin of part two, which asks and tells the same files uncompiled (exact, line by line). What a
controller does has oracles of its own in `test_controllers_queue` and `test_controllers_lease`.
"""

from collections import Counter
from dataclasses import replace
from typing import Literal

import pytest
from recovery_kernels import hooks
from recovery_kernels.controllers import fair_queue
from recovery_kernels.sessions import layout
from sessions_cases import run
from sessions_kernel import Kernel, KernelFleet, said, told
from twin.sessions.scenario import (
    Action,
    Class,
    Controlled,
    Host,
    Lease,
    Restart,
    Retry,
    Scenario,
    Step,
    constant,
    exponential,
)

from recovery.model.policies import Rule, discipline, tenure
from recovery.model.policies.lowered import Order, Runs
from recovery.reading.experiment import parse
from recovery.stages.sessions import controllers
from recovery.stages.sessions.controllers import module_of
from recovery.stages.sessions.numbers import numbers_of

S = 10**9
HOLDERS = 30


def controlled(lowered: Order | Runs) -> Controlled:
    """The controller of a rule."""
    assert lowered.controller is not None
    return Controlled(module_of(lowered.controller.name), lowered.controller.params)


def incident(queue: Rule | None = None, lease: Rule | None = None) -> Scenario:
    """Two workers, holders that renew every 4 s, and jobs: nearly busy; down from 12 s to 30 s, a restart at 40 s."""
    runs = Lease(duration=constant(9 * S))
    if lease is not None:
        runs = replace(runs, controller=controlled(lease.lower()))  # type: ignore[attr-defined]
    phases = tuple(int(4 * S * k / HOLDERS) for k in range(HOLDERS))
    holders = Class(
        "holders",
        first_ns=(phases,),
        expires_ns=(tuple(phase + 5 * S for phase in phases),),
        establish=exponential(0.25 * S),
        renew=exponential(0.1 * S),
        timeout=exponential(3 * S),
        retry=Retry("full-jitter", base_ns=S, cap_ns=8.0 * S),
        lease=runs,
        check_every_ns=4 * S,
        check_jitter=0.1,
    )
    jobs = Class(
        "jobs",
        arrivals=((0, 2 / S), (50 * S, 12 / S), (58 * S, 1 / S)),
        establish=exponential(0.1 * S),
        timeout=exponential(2 * S),
        retry=Retry("fixed", constant(S), retries=2),
    )
    host = Host(workers=2, cancel="queue", fail_after_ns=S // 5, worker_per_s=4.0)
    if queue is not None:
        host = replace(host, controller=controlled(queue.lower(8.0)))  # type: ignore[attr-defined]
    return Scenario(
        until_ns=80 * S,
        window_ns=10 * S,
        classes=(holders, jobs),
        host=host,
        dependency=((12 * S, 1.0), (30 * S, 0.0)),
        playbook=(Action((Step(Restart(2 * S)),), at_ns=40 * S),),
    )


QUEUES = (
    discipline.AdaptiveLifo(window="1s", short="200ms"),
    discipline.CoDel(target="300ms", interval="2s"),
    discipline.CoDelFolly(target="300ms", interval="2s"),
    discipline.Pie(target="300ms", update="100ms", burst="1s"),
    discipline.EarliestDeadline(),
    discipline.FairQueue(queues=6, hand=2, limit=3, wait="2s"),
    discipline.FairQueue(queues=6, hand=2, limit=3, wait="2s", flow="class"),
)
LEASES = (
    tenure.LoadScaled(loaded="30s", limit=1),
    tenure.FailoverExtension(extension="15s"),
    tenure.FailoverExtension(extension="15s", spread="2/s"),
    tenure.SelfPreservation(share="40%", check_every="4s", every="7s"),
    tenure.ExpiryCap(rate="2/s", batch=3),
    tenure.Learning(learning="20s"),
)


def check(scenario: Scenario) -> Counter[str]:
    """The engine says what the twin says; and what the host did, by kind of line."""
    found = said(KernelFleet(scenario, slots=1024, shift=22).run())
    wanted = told(run(scenario), scenario)
    assert found == wanted
    return Counter(line[1] for line in found["log"])


@pytest.fixture(scope="module")
def plain() -> Counter[str]:
    """What happens without any of them."""
    return Counter(line[1] for line in said(KernelFleet(incident(), slots=1024, shift=22).run())["log"])


@pytest.mark.parametrize("rule", QUEUES, ids=lambda rule: rule.words[:40])
def test_a_queue_that_remembers_runs_as_its_twin(rule: Rule, plain: Counter[str]) -> None:
    assert check(incident(queue=rule)) != plain


@pytest.mark.parametrize("rule", LEASES, ids=lambda rule: rule.words[:40])
def test_a_lease_that_remembers_runs_as_its_twin(rule: Rule, plain: Counter[str]) -> None:
    assert check(incident(lease=rule)) != plain


@pytest.mark.parametrize("cancel", ["none", "queue", "worker"])
def test_what_a_fair_queue_counts_is_what_waits(cancel: Literal["none", "queue", "worker"]) -> None:
    """Whoever starts, is dropped, gives up or is lost leaves its count, and nobody else does."""
    scenario = incident(queue=discipline.FairQueue(queues=6, hand=2, limit=30, wait="20s"))
    host = Kernel(replace(scenario, host=replace(scenario.host, cancel=cancel, workers=1)), 0, slots=1024, shift=22)
    at = sum(size for name, size in fair_queue.MEMORY.items() if name in ("clock", "largest", "turns"))
    seen = set()
    for until in range(1, 80):
        host.advance(until * S)
        counted = host.host.memory[at : at + 6]
        assert counted.sum() == host.host.whole[layout.WAITING]
        seen.add(int(counted.sum()))
    assert len(seen) > 10


def test_classes_with_one_rule_of_leases_share_it() -> None:
    """A server counts all that it keeps: two classes with the rule of the host have one memory, a third its own."""
    text = """
horizon = "10m"
hold = "1m"
fleet = { holders = 60, hosts = 2 }
host = { workers = 1, establish_time = "50ms", timeout = "10s" }
lease = { duration = "3m", check_every = "1m" }
policy.lease = "self-preservation"
classes.old = { share = "50%" }
classes.new = { share = "30%", priority = 1 }
classes.own = { share = "20%", lease = { name = "self-preservation", share = "50%" } }
"""
    numbers = numbers_of(parse(text).first.scenario)
    places = [controllers.place_of(numbers.controllers, "lease", number) for number in range(3)]
    assert places == [0, 0, 1]
    table, _ = controllers.rows(numbers.controllers, [15, 9, 6])
    assert list(table[:, hooks.P_GROUPS]) == [1, 1]
