"""What theory says of a scenario before it is run: r1 … r5, hidden capacity, fluid bound, each with its formula."""

import math

from recovery import theory
from recovery.model.at_best import at_best, hidden_capacity
from recovery.model.operator import SetKey
from recovery.model.scenario import Scenario
from recovery.stages import queueing

IN_TURN = " A holder asks again only after its answer, so with 1 or more each waits, and renews less often."


def groups_of(scenario: Scenario) -> theory.Groups | None:
    """r1 to r5 of a scenario of leases."""
    if scenario.fleet is None or scenario.lease is None:
        return None
    part = scenario.host
    check_s, renew_s = scenario.lease.check_every, (part.renew_time or part.establish_time).mean_s()
    if scenario.classes:  # so that the work of their renewals is what all classes have together
        check_s = scenario.leases / scenario.renewals_per_s
        renew_s = scenario.renewals_share * scenario.hosts * part.workers / scenario.renewals_per_s
    return theory.groups(
        holders=round(scenario.leases),
        hosts=scenario.fleet.hosts,
        workers=part.workers,
        establish_s=scenario.establish_mean_s,
        timeout_s=scenario.mix(lambda seen: seen.host.timeout.mean_s()),
        check_every_s=check_s,
        lease_s=scenario.mix(lambda seen: seen.lease.duration.mean_s() if seen.lease is not None else 0.0),
        renew_s=renew_s,
        queue_limit=queueing.queue_bound(scenario),
        reject_cost_s=part.reject_cost,
    )


def _admitted(scenario: Scenario) -> list[theory.Explained]:
    """How long admission takes to let a whole fleet in; nothing without a rate, or where that is not one number."""
    rate_per_s = queueing.admission_per_s(scenario)
    is_set = any(isinstance(one, SetKey) and one.key.startswith("policy.admission") for one in scenario.operator)
    if is_set or scenario.classes or not 0 < rate_per_s < math.inf:
        return []
    passes = 0.0 if queueing.lets_in(scenario).is_establish_only else scenario.renewals_per_s
    known = {
        "share": 0.99, "unleased": round(scenario.leases), "admission_per_s": rate_per_s, "renewals_per_s": passes
    }  # fmt: skip
    return [theory.explain("admission_estimate_s", theory.admission_estimate_s(**known), **known)]


def explanation(scenario: Scenario) -> list[theory.Explained]:
    """The numbers that explain a scenario: ratios and bounds of leases, the hidden capacity of jobs."""
    rows: list[theory.Explained] = []
    if (groups := groups_of(scenario)) is not None:
        rows += [row._replace(meaning=row.meaning + IN_TURN) if row.name == "r3" and row.value >= 1 else row
                 for row in groups.rows()]  # fmt: skip
        best_per_s = at_best(scenario).per_s
        known = {"share": 0.99, "unleased": round(scenario.leases), "establish_per_s": best_per_s}
        rows.append(theory.explain("fluid_bound_s", theory.fluid_bound_s(**known), **known))
        if groups.r3 < 1:  # else renewals come less often than that, and the estimate is none
            known["renewal_share"] = groups.r3
            rows.append(theory.explain("fluid_estimate_s", theory.fluid_bound_s(**known), **known))
        rows += _admitted(scenario)
    if scenario.jobs is not None:  # holders of leases come until they have one, however many there are
        rate, retries = hidden_capacity(scenario)
        if rate > 0:  # operators may have taken all workers away
            hidden = theory.hidden_capacity_per_s(rate, retries)
            rows.append(theory.explain("hidden_capacity_per_s", hidden, service_per_s=rate, retries=retries))
    return rows
