"""What a result advises: which variant helps most, and what that stands on. Pure rules.

Judged is the last stage that the scenario has: all stages where any follows the leases, else 99 % of the leases (or of
the backlog). A rule by which no lease can run out makes nobody answer sooner: where as many wait as before, it is no
help of its own.

What a variant was stands in its resolved scenario, what it did in its measures: nothing else is read.
"""

import math
from collections.abc import Sequence

from recovery.statistics.means import mean_interval
from recovery.store.run_record import Group, Scenario, Summary
from recovery.units import show_count, show_duration

ALL_LEASED = 0.99  # of the holders: whoever never has less is never without its leases
AS_MANY = 0.9  # of the longest queue of another variant: as many wait


# --- what an advice stands on -----------------------------------------------------------------------------------------


def assumptions(group: Group) -> list[str]:
    """What a variant's recovery stands on that reality often breaks, a sentence each."""
    hosts, policies = group.scenario.hosts, group.scenario.policies
    out: list[str] = []
    if hosts.cancels:
        out.append(
            "It stands on requests that leave when they time out: a client that hangs up frees its worker at once. "
            "Behind a proxy it frees the proxy's place only and the work goes on, and what recovers here can collapse."
        )
        if hosts.service == "exponential":
            out.append(
                "It stands on exponential service times, of which a cancelled request loses nothing that counts; with "
                "constant ones the work that was begun is lost, and recovery takes longer."
            )
    if math.isfinite(hosts.queue_limit) or policies.admission.name != "open":
        what = "a bounded queue that says" if math.isfinite(hosts.queue_limit) else "hosts that say"
        out.append(
            f"It stands on {what} no at once: a listen queue that is full is silent, and its clients "
            f"wait for their timeout of {show_duration(hosts.timeout_s)}."
        )
    if policies.queue.name == "drop-expired":
        out.append(
            "It stands on hosts that know when a client gives up: the deadline must travel with the request, through "
            "every proxy."
        )
    if policies.client.name == "immediate":
        out.append(
            f"It stands on clients that try again at once, after {show_duration(hosts.client_wait_s)}: set what "
            "yours do, policy.client."
        )
    return out


# --- which variant helps most -----------------------------------------------------------------------------------------


def measure_of(groups: Sequence[Group]) -> str:
    """The measure that variants are judged by: that of the last stage that there is."""
    return "all_normal_s" if "all_normal_s" in groups[0].measures else "ttr99_s"


def time_of(group: Group) -> float:
    """When a variant is well, in the last stage that there is, s; inf if it is never, or where a run collapsed."""
    measure = measure_of([group])
    return math.inf if measure == "ttr99_s" and group.verdicts.get("collapsed") else group.mean(measure)


def declares_only(first: Group, group: Group) -> bool:
    """Whether a variant's leases never run out because its rule of leases is another: that is declared and no answer,
    so its time to recovery says nothing. (Where the rule is the same, holders were really answered in time.)
    """
    rules = [_rule_of_leases(one.scenario) for one in (first, group)]
    never_away = group.mean("leased_min_share") >= ALL_LEASED > first.mean("leased_min_share")
    return never_away and rules[0] != rules[1]


def _rule_of_leases(scenario: Scenario) -> tuple[str, float, float]:
    fleet = scenario.fleet
    return scenario.policies.lease.name, fleet.lease_s if fleet else 0.0, fleet.grace_s if fleet else 0.0


def best_of(groups: Sequence[Group]) -> Group | None:
    """Of the variants beside the first the one that is normal first, in the last stage; None if none ever is."""
    measure = measure_of(groups)
    known = [
        group
        for group in groups[1:]
        if math.isfinite(time_of(group)) and (measure != "ttr99_s" or not declares_only(groups[0], group))
    ]
    return min(known, key=time_of) if known else None


def saved_s(summary: Summary, best: Group) -> tuple[float, float, float]:
    """By how much a variant is sooner than the first, in the last stage: mean and interval (95 %), paired by
    replication; nan where it is not known.
    """
    measure = measure_of(summary.groups)
    times: dict[str, dict[int, float]] = {}
    for row in summary.rows:
        if not row.levers and not math.isnan(row.of(measure)):
            times.setdefault(row.variant, {})[row.replication] = row.of(measure)
    own, was = times.get(best.variant, {}), times.get(summary.groups[0].variant, {})
    pairs = [was[i] - own[i] for i in own if i in was and math.isfinite(was[i]) and math.isfinite(own[i])]
    return mean_interval(pairs) if pairs and len(pairs) == len(own) else (math.nan, math.nan, math.nan)


def declared_only(groups: Sequence[Group]) -> list[str]:
    """A sentence for each variant that only declares that no lease runs out: what still waits there."""
    out = []
    for group in groups[1:]:
        if measure_of(groups) == "ttr99_s" and declares_only(groups[0], group):
            now, was = group.mean("queue_peak"), groups[0].mean("queue_peak")
            out.append(
                f"“{group.variant}” lets no lease run out, which is no answer: up to {show_count(now)} requests "
                f"wait ({show_count(was)} in “{groups[0].variant}”)"
                + (", so nobody is answered sooner." if now >= AS_MANY * was else ".")
            )
    return out


def fewest_wait(groups: Sequence[Group]) -> str:
    """Where no variant can be sooner than the first: which lets fewest wait, if clearly fewer do."""
    least = min(groups, key=lambda group: group.mean("queue_peak"))
    now, was = least.mean("queue_peak"), groups[0].mean("queue_peak")
    if least is groups[0] or not now < AS_MANY * was:
        return ""
    return f"Fewest wait under “{least.variant}”: {show_count(now)} requests at most instead of {show_count(was)}."


def leases_alone(groups: Sequence[Group]) -> str:
    """Where later stages follow: the variant whose leases are back first, if all stages together are later there."""
    finite = [group for group in groups[1:] if math.isfinite(group.mean("ttr99_s"))]
    if measure_of(groups) != "all_normal_s" or not finite:
        return ""
    first, soonest = groups[0], min(finite, key=lambda group: group.mean("ttr99_s"))
    now, was = soonest.mean("all_normal_s"), first.mean("all_normal_s")
    if not (soonest.mean("ttr99_s") < first.mean("ttr99_s") and now > was):
        return ""
    sooner = show_duration(soonest.mean("ttr99_s"))
    text = f"Leases alone are back soonest under “{soonest.variant}” ({sooner}), which "
    if math.isinf(now):
        return text + "makes the whole worse: what follows the leases is then not normal before the horizon."
    return text + f"makes the whole worse: all stages are normal {show_duration(now - was)} later."
