"""Orders of queues, patience and refusals against Ciw, a library that simulates queues.

Oracle: Ciw is given the arrivals, the service times and the patience that our log tells of, customer by customer, and
has to serve them at the same moments, in the same order. It is handed what we drew, so nothing is left to chance.
"""

import itertools
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import ciw
import pytest
from ciw.disciplines import FIFO, LIFO
from recovery_kernels import draws
from sessions_kernel import KernelFleet, said
from twin.sessions.chance import Chance
from twin.sessions.scenario import Class, Controlled, Host, Limiter, Retry, Scenario, exponential

from recovery.model.policies import Rule, discipline
from recovery.stages.sessions.controllers import module_of

S = 10**9
UNTIL_S = 400.0
NEVER_S = 1e9
Customer = tuple[int, int]  # class, number
Times = dict[Customer, float]
Log = dict[str, Times]


def jobs(name: str, rate_per_s: float, **other: Any) -> Class:
    """A class of jobs that come once, with exponential times."""
    rules = {"establish": exponential(S), "retry": Retry(retries=0)} | other
    return Class(name, arrivals=((0, rate_per_s / S),), **rules)


def day(host: Host, *classes: Class, seed: int = 1) -> Log:
    """When each line of the log was for a customer, s."""
    until_ns = int(UNTIL_S) * S
    scenario = Scenario(until_ns=until_ns, window_ns=until_ns // 4, classes=classes, host=host, seed=seed)
    fleet = KernelFleet(scenario, slots=1024, shift=24)
    log: Log = defaultdict(dict)
    for time_ns, what, _, number, client, _ in said(fleet.run())["log"]:
        log[what].setdefault((number, client), time_ns / S)
    return log


def by_ciw(
    log: Log,
    discipline: Any,
    workers: int = 1,
    priorities: tuple[int, ...] = (0,),
    refuses: Callable[[Customer, int], bool] = lambda one, waiting: False,
) -> Log:
    """When Ciw begins to serve each customer, and when one leaves that waited too long or is refused, s."""
    arrived = log["arrive"]
    in_turn = {
        k: sorted((one for one in arrived if one[0] == k), key=arrived.__getitem__) for k in range(len(priorities))
    }
    turns = {number: iter(names) for number, names in in_turn.items()}

    def customer(individual: Any) -> Customer:
        """Who it is: the next of its class as it comes."""
        if not hasattr(individual, "customer"):
            individual.customer = next(turns[int(individual.customer_class)])
        return individual.customer  # type: ignore[no-any-return]

    def service_s(one: Customer) -> float:
        ended = log["success"].get(one, log["waste"].get(one, NEVER_S))
        return ended - log["start"].get(one, 0.0)

    def patience_s(one: Customer) -> float:
        return log["deadline"].get(one, NEVER_S) - arrived[one]

    class Own(ciw.dists.Distribution):  # type: ignore[misc]
        """A time of this very customer."""

        def __init__(self, of: Callable[[Customer], float]) -> None:
            self.of = of

        def sample(self, t: float | None = None, ind: Any = None) -> float:
            return self.of(customer(ind))

    def gaps(number: int) -> Any:
        times = [0.0, *(arrived[one] for one in in_turn[number]), NEVER_S]
        return ciw.dists.Sequential([after - before for before, after in itertools.pairwise(times)])

    def baulks(many: int, next_ind: Any = None, **_: Any) -> float:
        return float(refuses(customer(next_ind), max(many - workers, 0)))

    names = [str(number) for number in range(len(priorities))]
    network = ciw.create_network(
        arrival_distributions={name: [gaps(int(name))] for name in names},
        service_distributions={name: [Own(service_s)] for name in names},
        reneging_time_distributions={name: [Own(patience_s)] for name in names},
        baulking_functions={name: [baulks] for name in names},
        priority_classes=dict(zip(names, priorities, strict=True)),
        number_of_servers=[workers],
        service_disciplines=[discipline],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_time(UNTIL_S)
    found: Log = {"start": {}, "renege": {}, "baulk": {}}
    for individual in (*simulation.get_all_individuals(), *simulation.nodes[1].all_individuals):
        for record in individual.data_records:
            if record.record_type == "service":
                found["start"][individual.customer] = record.service_start_date
            else:
                found[record.record_type][individual.customer] = record.exit_date
        if individual.service_start_date and not individual.data_records:
            found["start"][individual.customer] = individual.service_start_date
    return found


def agree(log: Log, theirs: Log) -> None:
    """The same customers are served, give up while they wait, or are refused, at the same moments."""
    assert theirs["start"] == pytest.approx(log["start"], abs=1e-6)
    gave_up = {one: log["deadline"][one] for one in log["cancel"]}
    assert theirs["renege"] == pytest.approx(gave_up, abs=1e-6)
    assert theirs["baulk"] == pytest.approx(log["reject"], abs=1e-6)


ORDERS = (("fifo", FIFO), ("lifo", LIFO))


@pytest.mark.parametrize(("name", "discipline"), ORDERS)
@pytest.mark.parametrize("workers", [1, 3])
def test_the_order_is_ciws(name: Any, discipline: Any, workers: int) -> None:
    """Near the limit, so that many wait."""
    log = day(Host(workers=workers, discipline=name), jobs("one", 0.95 * workers))
    agree(log, by_ciw(log, discipline, workers))
    assert sum(log["start"][one] > log["arrive"][one] + 1 for one in log["start"]) > 100  # they did wait


@pytest.mark.parametrize(("name", "discipline"), ORDERS)
def test_priority_is_ciws(name: Any, discipline: Any) -> None:
    """Three classes; the last one waits longest."""
    priorities = (0, 1, 2)
    classes = [jobs(str(k), 0.6, priority=k) for k in priorities]
    log = day(Host(workers=2, discipline=name), *classes)
    agree(log, by_ciw(log, discipline, 2, priorities))
    waits = [[log["start"][one] - log["arrive"][one] for one in log["start"] if one[0] == k] for k in priorities]
    assert sum(waits[0]) < sum(waits[1]) < sum(waits[2])


@pytest.mark.parametrize(("name", "discipline"), ORDERS)
def test_patience_is_ciws(name: Any, discipline: Any) -> None:
    """Above the limit: who still waits at its deadline leaves, who is served by then stays (Ciw's reneging)."""
    log = day(Host(workers=2, discipline=name, cancel="queue"), jobs("one", 3.0, timeout=exponential(4 * S)))
    agree(log, by_ciw(log, discipline, 2))
    assert len(log["cancel"]) > 200


def test_refusal_by_the_queues_size_is_ciws_baulking() -> None:
    """The ramp from 2 to 8 that wait: refused with a chance of (q - 2) / 6, by the customer's own draw."""
    law = Limiter("queue-size-ramp", low=2, limit=8)
    log = day(Host(workers=2, admission=law), jobs("one", 3.0))
    rolls = Chance(1, 0, 0)

    def refuses(one: Customer, waiting: int) -> bool:
        u = draws.uniform(rolls.key(draws.ADMISSION, 0), one[1], 0)
        return u * 6 < waiting - 2

    agree(log, by_ciw(log, FIFO, 2, refuses=refuses))
    assert len(log["reject"]) > 200


def remembers(rule: Rule) -> Controlled:
    """The controller of a rule of the queue."""
    controller = rule.lower(1.0).controller  # type: ignore[attr-defined]
    return Controlled(module_of(controller.name), controller.params)


def test_the_earliest_deadline_is_first_in_ciw_too() -> None:
    """Ciw takes whoever has the least of arrival and patience, as we tell it; who is too late leaves."""
    patience = exponential(6 * S)
    host = Host(workers=2, cancel="queue", controller=remembers(discipline.EarliestDeadline()))
    log = day(host, jobs("one", 2.2, timeout=patience))
    rolls = Chance(1, 0, 0)

    def first(waiting: list[Any], _: float) -> Any:
        return min(
            waiting, key=lambda one: one.arrival_date + rolls.time_ns(patience, draws.TIMEOUT, *one.customer, 0) / S
        )

    agree(log, by_ciw(log, first, 2))
    assert len(log["cancel"]) > 50
    starts = sorted(log["start"], key=log["start"].__getitem__)
    assert starts != sorted(starts, key=log["arrive"].__getitem__)  # it is another order than theirs


def test_adaptive_lifo_turns_round_as_in_ciw() -> None:
    """Ciw is told when the queue was last empty as each comes, and takes the newest once that is 3 s ago."""
    rule = discipline.AdaptiveLifo(window="3s", short="1s", drops=False)
    log = day(Host(workers=2, controller=remembers(rule)), jobs("one", 1.9))
    last_empty_s = [0.0]

    def looks(one: Customer, waiting: int) -> bool:
        if waiting == 0:
            last_empty_s[0] = log["arrive"][one]
        return False

    turns = []

    def next_one(waiting: list[Any], now_s: float) -> Any:
        turns.append(now_s - last_empty_s[0] > 3)
        return waiting[-1 if turns[-1] else 0]

    agree(log, by_ciw(log, next_one, 2, refuses=looks))
    assert 50 < sum(turns) < len(turns) - 50  # both orders were used
