"""The queue in Ciw."""

from __future__ import annotations

import importlib.util
from time import process_time

from .mm8 import QueueParams, QueueResult


def missing() -> str | None:
    return None if importlib.util.find_spec("ciw") else "ciw is not installed"


def run(params: QueueParams) -> QueueResult:
    import ciw

    begin_s = process_time()
    ciw.seed(params.seed)
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(params.arrivals_per_s)],
        service_distributions=[ciw.dists.Exponential(1.0 / params.service_s)],
        number_of_servers=[params.workers],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_time(params.horizon_s)
    done = simulation.get_all_records()
    inside = simulation.nodes[1].all_individuals
    waits_s = [one.waiting_time for one in done]
    waits_s += [one.service_start_date - one.arrival_date for one in inside if one.service_start_date]
    return QueueResult(len(done) + len(inside), len(done), sum(waits_s) / len(waits_s), process_time() - begin_s)
