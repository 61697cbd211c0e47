"""What theory says of a scenario before it is run: r1 … r5, hidden capacity, fluid bound, each with its formula."""

import math

from recovery import theory
from recovery.model.scenario import Scenario
from recovery.stages import queueing


def explanation(scenario: Scenario, *, with_hidden_capacity: bool = False) -> list[theory.Row]:
    """The numbers that explain a scenario. Of leases the hidden capacity is told on demand only: it is always 0."""
    rows: list[theory.Row] = []
    part = scenario.host
    limit = queueing.queue_bound(scenario)
    if scenario.fleet is not None and scenario.lease is not None:
        groups = theory.groups(
            holders=scenario.fleet.holders,
            hosts=scenario.fleet.hosts,
            workers=part.workers,
            establish_s=part.establish_time.mean_s(),
            timeout_s=part.timeout.mean_s(),
            check_every_s=scenario.lease.check_every,
            lease_s=scenario.lease.duration.mean_s(),
            renew_s=(part.renew_time or part.establish_time).mean_s(),
            queue_limit=limit,
            reject_cost_s=part.reject_cost,
        )
        rows += groups.rows()
        known = {"share": 0.99, "unleased": scenario.fleet.holders, "establish_per_s": groups.establish_per_s}
        rows.append(theory.explain("fluid_bound_s", theory.fluid_bound_s(**known), **known))
        known["renewal_share"] = groups.r3
        rows.append(theory.explain("fluid_estimate_s", theory.fluid_bound_s(**known), **known))
    if scenario.jobs is not None or with_hidden_capacity:
        # Lease holders never give up: what is left once a queue has been pushed over the edge is nothing.
        retries = math.inf if scenario.jobs is None or scenario.jobs.retries < 0 else scenario.jobs.retries
        rate = scenario.establish_per_s * scenario.hosts
        hidden = theory.hidden_capacity_per_s(rate, retries)
        rows.append(theory.explain("hidden_capacity_per_s", hidden, service_per_s=rate, retries=retries))
    return rows
