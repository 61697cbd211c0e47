"""What a result advises: which variant helps most, what limits it, and what the advice stands on. Pure rules.

Judged is the last stage that the scenario has: all stages where any follows the leases, else 99 % of the leases (or of
the backlog). A rule by which no lease can run out makes nobody answer sooner: where as many wait as before, it is no
help of its own. The mechanism that limits a recovery is named with its number (MODEL.md, section 4).

What a variant was stands in its resolved scenario, what it did in its measures: nothing else is read.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from recovery.show.words import speaking_of
from recovery.statistics.means import mean_interval
from recovery.store.run_record import Group, Scenario, Summary
from recovery.units import show_count, show_duration, show_share

ALL_LEASED = 0.99  # of the holders: whoever never has less is never without its leases
AS_MANY = 0.9  # of the longest queue of another variant: as many wait
WASTE = 0.3  # of the work during recovery: from here on waste decides
HALF = 0.5  # a bound that is at least this part of the time explains it


class Limit(NamedTuple):
    """What limits a recovery: "timeout", "renewals", "expiry", "admission", "refusals", "retries", "backoff",
    "capacity" or a later stage; a sentence's part with its number; and that number alone.
    """

    kind: str
    text: str
    number: float = math.nan


# --- what limits ------------------------------------------------------------------------------------------------------


def backlog_in_timeouts(group: Group) -> float:
    """How many timeouts long the work can be that waits for somebody: of leases all holders', or what the queues hold;
    of jobs the longest queue.
    """
    hosts, fleet = group.scenario.hosts, group.scenario.fleet
    most = fleet.holders if fleet is not None else group.mean("queue_peak")
    return min(most, hosts.queue_limit) / (hosts.capacity_per_s * hosts.timeout_s)


def limit_of(group: Group) -> Limit | None:
    """What limits the leases (or jobs) of a variant, if a rule says it."""
    return _why_collapsed(group) if group.verdicts.get("collapsed") else _what_paces(group)


def _why_collapsed(group: Group) -> Limit | None:
    scenario, hosts = group.scenario, group.scenario.hosts
    fleet, jobs = scenario.fleet, scenario.jobs
    if fleet is not None and fleet.renewals_share >= 1:
        return Limit("renewals", f"renewals alone need {show_share(fleet.renewals_share)} of what the hosts can do")
    if hosts.admission_per_s < scenario.wanted_per_s:
        return Limit(
            "admission", f"admission lets in {show_count(hosts.admission_per_s)} a second of the "
            f"{show_count(scenario.wanted_per_s)} that come",
        )  # fmt: skip
    if jobs is not None and not hosts.cancels:
        if jobs.hidden_per_s == 0:
            return Limit("retries", "every job is tried again without limit, so a queue longer than the timeout feeds "
                         "itself")  # fmt: skip
        if jobs.arrivals_per_s > jobs.hidden_per_s:
            come, hidden = show_count(jobs.arrivals_per_s), show_count(jobs.hidden_per_s)
            return Limit(
                "retries",
                f"{come} jobs a second are more than the hidden capacity of {hidden}: retries keep a long queue long",
            )
    if (found := _timeout_limit(group)) is not None:
        return found
    refused = hosts.reject_share * group.mean("amplification") * group.mean("denied_share")
    if refused > HALF:
        return Limit("refusals", f"saying no costs {show_share(min(refused, 1.0))} of the hosts' time")
    if fleet is not None and fleet.lease_s < fleet.holders / hosts.capacity_per_s:
        times = fleet.holders / hosts.capacity_per_s / fleet.lease_s
        return Limit("expiry", f"refilling all leases takes {times:.3g} times as long as a lease runs")
    return None


def _timeout_limit(group: Group) -> Limit | None:
    """Requests time out before their turn: a queue that is longer than the timeout, served first in, first out."""
    hosts = group.scenario.hosts
    if group.scenario.policies.queue.name not in ("fifo", "bounded") or hosts.cancels:
        return None
    times, what = backlog_in_timeouts(group), "the work that waits is"
    if not times > 1:  # what was given up and tried again lengthens the queue too
        times, what = group.mean("queue_peak") / (hosts.capacity_per_s * hosts.timeout_s), "the queue gets"
    if not times > 1:
        return None
    wasted = group.mean("wasted_share")
    text = f"{what} {times:.3g} timeouts of {show_duration(hosts.timeout_s)} long, so whoever is served "
    text += "first in, first out has already given up"
    return Limit("timeout", text + (f": {show_share(wasted)} of the work is wasted" if wasted > 0.01 else ""))


def _what_paces(group: Group) -> Limit | None:
    """The longest of the times that a recovery cannot be shorter than, where it explains at least half."""
    hosts, ttr = group.scenario.hosts, group.mean("ttr99_s")
    if not 0 < ttr < math.inf:
        return None
    if group.mean("wasted_share") >= WASTE and (found := _timeout_limit(group)) is not None:
        return found
    work = group.mean("fluid_bound_s") * hosts.capacity_per_s  # leases to be made
    if math.isnan(work):
        work = group.mean("backlog_peak")
    hosts_s = work / hosts.capacity_per_s * slowed(group.scenario)
    is_told = hosts_s <= ttr + group.scenario.window_s  # where many give up, less than all the work is done
    bounds = {
        "capacity": hosts_s if is_told else 0.0,
        "admission": work / hosts.admission_per_s,
        "backoff": hosts.client_wait_s,
    }
    kind = max(bounds, key=lambda name: bounds[name])
    if bounds[kind] < HALF * ttr:
        if group.mean("denied_share") < HALF:
            return None
        kind = "backoff"
    alone = f"; the hosts alone would need {show_duration(hosts_s)}" if is_told else ""
    if kind == "capacity":
        rate = show_count(hosts.capacity_per_s)
        return Limit(kind, f"the hosts, which do {rate} a second, need {show_duration(hosts_s)} for the work")
    if kind == "admission":
        rate, needs = show_count(hosts.admission_per_s), show_duration(bounds[kind])
        return Limit(kind, f"admission lets in {rate} a second, which takes {needs}{alone}")
    return Limit(kind, f"clients wait up to {show_duration(hosts.client_wait_s)} before they try again{alone}")


def slowed(scenario: Scenario) -> float:
    """How many times as long the hosts take for work because something else comes meanwhile: arrivals all the time,
    renewals the more, the more leases there are again (dx/dt = c (1 - r x), from none to all, is log(1/(1 - r))/r as
    long as without).
    """
    if scenario.fleet is None:
        free = 1.0 - scenario.wanted_per_s / scenario.hosts.capacity_per_s
        return 1.0 / free if free > 0 else math.inf
    renewals = scenario.fleet.renewals_share
    if renewals >= 1:
        return math.inf
    return -math.log1p(-renewals) / renewals if renewals > 0 else 1.0


def limit_of_stage(group: Group, stage: str) -> Limit | None:
    """What limits the stage that comes last: one of stage_times.STAGES."""
    if stage == "leases":
        return limit_of(group)
    if stage == "latency":
        return Limit("latency", f"up to {show_count(group.mean('jobs_waiting_peak'))} jobs of network propagation wait")
    if stage == "launches":
        throttled, none_free = (group.mean(f"launches_{why}_share") for why in ("throttled", "insufficient"))
        if throttled >= none_free:
            return Limit("launches", f"the request throttle denies {show_share(throttled)} of the launches")
        found_none = speaking_of(group.scenario.called, "find no leased holder")
        return Limit("launches", f"{show_share(none_free)} of the launches {found_none}")
    if stage == "capacity":
        least = group.mean("usable_min_share")
        return Limit("capacity of targets", f"down to {show_share(least)} of the load balancer's targets are usable")
    return None


# --- what an advice stands on -----------------------------------------------------------------------------------------


def assumptions(group: Group) -> list[str]:
    """What a variant's recovery stands on that reality often breaks, a sentence each."""
    hosts, policies = group.scenario.hosts, group.scenario.policies
    out: list[str] = []
    if hosts.cancels:
        out.append(
            "It stands on cancel_on_timeout: a client that hangs up frees its worker at once. Behind a proxy it frees "
            "the proxy's place only and the work goes on, and what recovers here can collapse."
        )
        if hosts.service == "exponential":
            out.append(
                "It stands on exponential service times, of which a cancelled request loses nothing that counts; with "
                "constant ones the work that was begun is lost, and recovery takes longer (29 s, not 11, in one case)."
            )
    if policies.queue.name == "bounded" and math.isfinite(hosts.queue_limit):
        out.append(
            "It stands on a bounded queue that says no at once: a listen queue that is full is silent, and its clients "
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
        if math.isfinite(group.mean(measure)) and (measure != "ttr99_s" or not declares_only(groups[0], group))
    ]
    return min(known, key=lambda group: group.mean(measure)) if known else None


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
