"""What a result advises: which variant helps most, what limits it, and what the advice stands on. Pure rules.

Judged is the last stage that the scenario has: all stages where any follows the leases, else 99 % of the leases (or of
the backlog). A rule by which no lease can run out makes nobody answer sooner: where as many wait as before, it is no
help of its own. The mechanism that limits a recovery is named with its number (MODEL.md, section 4).

`facts` are put into summary.json beside the measures of each variant; all else here reads only that.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from recovery import theory
from recovery.model import policies
from recovery.model.scenario import Scenario
from recovery.simulate.pipeline import Outcome
from recovery.stages import queueing
from recovery.statistics.means import mean_interval
from recovery.units import show_count, show_duration, show_share

ALL_LEASED = 0.99  # of the holders: whoever never has less is never without its leases
AS_MANY = 0.9  # of the longest queue of another variant: as many wait
WASTE = 0.3  # of the work during recovery: from here on waste decides
HALF = 0.5  # a bound that is at least this part of the time explains it


class Limit(NamedTuple):
    """What limits a recovery: "timeout", "renewals", "expiry", "admission", "refusals", "retries", "backoff",
    "capacity" or a later stage; and a sentence's part with its number.
    """

    kind: str
    text: str


# --- what the rules look at -------------------------------------------------------------------------------------------


def facts(scenario: Scenario) -> dict[str, Any]:
    """What of a scenario the rules need, in plain numbers and names: rates a second of the whole fleet, times in s."""
    host, policy = scenario.host, scenario.policy
    per_s = scenario.establish_per_s * scenario.hosts
    out: dict[str, Any] = {
        "window_s": scenario.coupling.window,
        "client": policy.client.name,
        "client_wait_s": _longest_wait_s(scenario),
        "queue": policy.queue.name,
        "cancels": host.cancel_on_timeout,
        "timeout_s": host.timeout.mean_s(),
        "service": host.establish_time.dist,
        "capacity_per_s": per_s,
        "admission_per_s": math.inf,
        "queue_limit": math.inf,
        "reject_share": host.reject_cost / max(host.establish_time.mean_s(), 1e-12),
    }
    if isinstance(policy.admission, policies.TokenBucket | policies.QueueSize):
        share = policy.admission.rate
        out["admission_per_s"] = share.of_host(scenario.establish_per_s, scenario.hosts) * scenario.hosts
    if isinstance(policy.queue, policies.Bounded):
        out["queue_limit"] = queueing.queue_limit(policy.queue.limit, scenario.establish_per_s) * scenario.hosts
    if scenario.fleet is not None and scenario.lease is not None:
        lease, renew_s = scenario.lease, (host.renew_time or host.establish_time).mean_s()
        out |= {
            "holders": scenario.fleet.holders,
            "lease": policy.lease.name,
            "grace_s": policy.lease.grace if isinstance(policy.lease, policies.Grace) else 0.0,
            "lease_s": lease.duration.mean_s(),
            "renewals_per_s": scenario.fleet.holders / lease.check_every,
            "renewals_share": scenario.fleet.holders * renew_s / (lease.check_every * host.workers * scenario.hosts),
        }
    if scenario.jobs is not None:
        retries = math.inf if scenario.jobs.retries < 0 else scenario.jobs.retries
        out |= {
            "retries": retries,
            "arrivals_per_s": scenario.jobs.steps[-1].rate_per_s(),
            "hidden_per_s": theory.hidden_capacity_per_s(per_s, retries),
        }
    return out


def _longest_wait_s(scenario: Scenario) -> float:
    """The longest time between two attempts of a client."""
    client = scenario.policy.client
    if isinstance(client, policies.Exponential | policies.FullJitter):
        return client.cap
    return client.delay.mean_s() if isinstance(client, policies.Fixed) else scenario.host.round_trip


def unleased_s(outcomes: Sequence[Outcome]) -> dict[str, float] | None:
    """From when to when holders are without a lease, over some runs of one variant: the first window at whose end one
    is, and the end from which on none is (inf: not before the horizon). None if none ever is; jobs have no holders.
    """
    spans = []
    for outcome in outcomes:
        below = np.flatnonzero(outcome.leased_share() < 1 - 1e-12) if outcome.holders else np.zeros(0, int)
        if len(below):
            last, t = int(below[-1]) + 1, outcome.times_s
            spans.append((float(t[below[0]]), float(t[last]) if last < len(t) else math.inf))
    return {"from_s": min(a for a, _ in spans), "to_s": max(b for _, b in spans)} if spans else None


def _mean(group: Mapping[str, Any], measure: str) -> float:
    found = group["measures"].get(measure)
    return math.nan if found is None or found["mean"] is None else float(found["mean"])


def _facts(group: Mapping[str, Any]) -> Mapping[str, Any]:
    """Numbers as JSON has them: "inf" is a number again."""
    return {k: math.inf if v == "inf" else v for k, v in group.get("facts", {}).items()}


# --- what limits ------------------------------------------------------------------------------------------------------


def backlog_in_timeouts(group: Mapping[str, Any]) -> float:
    """How many timeouts long the work can be that waits for somebody: of leases all holders', or what the queues hold;
    of jobs the longest queue.
    """
    known = _facts(group)
    most = known.get("holders", _mean(group, "queue_peak"))
    return float(min(most, known["queue_limit"]) / (known["capacity_per_s"] * known["timeout_s"]))


def limit_of(group: Mapping[str, Any]) -> Limit | None:
    """What limits the leases (or jobs) of a variant, if a rule says it."""
    known = _facts(group)
    if not known:
        return None
    if group["verdicts"].get("collapsed"):
        return _why_collapsed(group, known)
    return _what_paces(group, known)


def _why_collapsed(group: Mapping[str, Any], known: Mapping[str, Any]) -> Limit | None:
    if known.get("renewals_share", 0.0) >= 1:
        part = show_share(known["renewals_share"])
        return Limit("renewals", f"renewals alone need {part} of what the hosts can do")
    if known["admission_per_s"] < known.get("renewals_per_s", known.get("arrivals_per_s", 0.0)):
        wanted = known.get("renewals_per_s", known.get("arrivals_per_s", 0.0))
        return Limit(
            "admission", f"admission lets in {show_count(known['admission_per_s'])} a second of the "
            f"{show_count(wanted)} that come",
        )  # fmt: skip
    if "retries" in known and not known["cancels"]:
        if known["hidden_per_s"] == 0:
            return Limit("retries", "every job is tried again without limit, so a queue longer than the timeout feeds "
                         "itself")  # fmt: skip
        if known["arrivals_per_s"] > known["hidden_per_s"]:
            come, hidden = show_count(known["arrivals_per_s"]), show_count(known["hidden_per_s"])
            return Limit(
                "retries",
                f"{come} jobs a second are more than the hidden capacity of {hidden}: retries keep a long queue long",
            )
    if (found := _timeout_limit(group, known)) is not None:
        return found
    refused = known["reject_share"] * _mean(group, "amplification") * _mean(group, "denied_share")
    if refused > HALF:
        return Limit("refusals", f"saying no costs {show_share(min(refused, 1.0))} of the hosts' time")
    if known.get("lease_s", math.inf) < known.get("holders", 0) / known["capacity_per_s"]:
        times = known["holders"] / known["capacity_per_s"] / known["lease_s"]
        return Limit("expiry", f"refilling all leases takes {times:.3g} times as long as a lease runs")
    return None


def _timeout_limit(group: Mapping[str, Any], known: Mapping[str, Any]) -> Limit | None:
    """Requests time out before their turn: a queue that is longer than the timeout, served first in, first out."""
    if known["queue"] not in ("fifo", "bounded") or known["cancels"]:
        return None
    times, what = backlog_in_timeouts(group), "the work that waits is"
    if not times > 1:  # what was given up and tried again lengthens the queue too
        times, what = _mean(group, "queue_peak") / (known["capacity_per_s"] * known["timeout_s"]), "the queue gets"
    if not times > 1:
        return None
    wasted = _mean(group, "wasted_share")
    text = f"{what} {times:.3g} timeouts of {show_duration(known['timeout_s'])} long, so whoever is served "
    text += "first in, first out has already given up"
    return Limit("timeout", text + (f": {show_share(wasted)} of the work is wasted" if wasted > 0.01 else ""))


def _what_paces(group: Mapping[str, Any], known: Mapping[str, Any]) -> Limit | None:
    """The longest of the times that a recovery cannot be shorter than, where it explains at least half."""
    ttr = _mean(group, "ttr99_s")
    if not 0 < ttr < math.inf:
        return None
    if _mean(group, "wasted_share") >= WASTE and (found := _timeout_limit(group, known)) is not None:
        return found
    work = _mean(group, "fluid_bound_s") * known["capacity_per_s"]  # leases to be made
    if math.isnan(work):
        work = _mean(group, "backlog_peak")
    hosts_s = work / known["capacity_per_s"] * _slowed(known)
    is_told = hosts_s <= ttr + known["window_s"]  # where many give up, less than all the work is done
    bounds = {
        "capacity": hosts_s if is_told else 0.0,
        "admission": work / known["admission_per_s"],
        "backoff": known["client_wait_s"],
    }
    kind = max(bounds, key=lambda name: bounds[name])
    if bounds[kind] < HALF * ttr:
        if _mean(group, "denied_share") < HALF:
            return None
        kind = "backoff"
    alone = f"; the hosts alone would need {show_duration(hosts_s)}" if is_told else ""
    if kind == "capacity":
        rate = show_count(known["capacity_per_s"])
        return Limit(kind, f"the hosts, which do {rate} a second, need {show_duration(hosts_s)} for the work")
    if kind == "admission":
        rate, needs = show_count(known["admission_per_s"]), show_duration(bounds[kind])
        return Limit(kind, f"admission lets in {rate} a second, which takes {needs}{alone}")
    return Limit(kind, f"clients wait up to {show_duration(known['client_wait_s'])} before they try again{alone}")


def _slowed(known: Mapping[str, Any]) -> float:
    """How many times as long the hosts take for work because something else comes meanwhile: arrivals all the time,
    renewals the more, the more leases there are again (dx/dt = c (1 - r x), from none to all, is log(1/(1 - r))/r as
    long as without).
    """
    renewals = known.get("renewals_share")
    if renewals is None:
        free = 1.0 - known["arrivals_per_s"] / known["capacity_per_s"]
        return 1.0 / free if free > 0 else math.inf
    if renewals >= 1:
        return math.inf
    return -math.log1p(-renewals) / renewals if renewals > 0 else 1.0


def limit_of_stage(group: Mapping[str, Any], stage: str) -> Limit | None:
    """What limits the stage that comes last: one of stage_times.STAGES."""
    if stage == "leases":
        return limit_of(group)
    if stage == "latency":
        return Limit(
            "latency", f"up to {show_count(_mean(group, 'jobs_waiting_peak'))} jobs of network propagation wait"
        )
    if stage == "launches":
        throttled, none_free = (_mean(group, f"launches_{why}_share") for why in ("throttled", "insufficient"))
        if throttled >= none_free:
            return Limit("launches", f"the request throttle denies {show_share(throttled)} of the launches")
        return Limit("launches", f"{show_share(none_free)} of the launches find no leased holder")
    if stage == "capacity":
        least = _mean(group, "usable_min_share")
        return Limit("capacity of targets", f"down to {show_share(least)} of the load balancer's targets are usable")
    return None


# --- what an advice stands on -----------------------------------------------------------------------------------------


def assumptions(group: Mapping[str, Any]) -> list[str]:
    """What a variant's recovery stands on that reality often breaks, a sentence each."""
    known = _facts(group)
    out: list[str] = []
    if not known:
        return out
    if known["cancels"]:
        out.append(
            "It stands on cancel_on_timeout: a client that hangs up frees its worker at once. Behind a proxy it frees "
            "the proxy's place only and the work goes on, and what recovers here can collapse."
        )
        if known["service"] == "exponential":
            out.append(
                "It stands on exponential service times, of which a cancelled request loses nothing that counts; with "
                "constant ones the work that was begun is lost, and recovery takes longer (29 s, not 11, in one case)."
            )
    if known["queue"] == "bounded" and math.isfinite(known["queue_limit"]):
        out.append(
            "It stands on a bounded queue that says no at once: a listen queue that is full is silent, and its clients "
            f"wait for their timeout of {show_duration(known['timeout_s'])}."
        )
    if known["queue"] == "drop-expired":
        out.append(
            "It stands on hosts that know when a client gives up: the deadline must travel with the request, through "
            "every proxy."
        )
    if known["client"] == "immediate":
        out.append(
            f"It stands on clients that try again at once, after {show_duration(known['client_wait_s'])}: set what "
            "yours do, policy.client."
        )
    return out


# --- which variant helps most -----------------------------------------------------------------------------------------


def measure_of(groups: Sequence[Mapping[str, Any]]) -> str:
    """The measure that variants are judged by: that of the last stage that there is."""
    return "all_normal_s" if "all_normal_s" in groups[0]["measures"] else "ttr99_s"


def declares_only(first: Mapping[str, Any], group: Mapping[str, Any]) -> bool:
    """Whether a variant's leases never run out because its rule of leases is another: that is declared and no answer,
    so its time to recovery says nothing. (Where the rule is the same, holders were really answered in time.)
    """
    rules = [tuple(_facts(one).get(key) for key in ("lease", "lease_s", "grace_s")) for one in (first, group)]
    never_away = _mean(group, "leased_min_share") >= ALL_LEASED > _mean(first, "leased_min_share")
    return never_away and rules[0] != rules[1]


def best_of(groups: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Of the variants beside the first the one that is normal first, in the last stage; None if none ever is."""
    measure = measure_of(groups)
    known = [
        group
        for group in groups[1:]
        if math.isfinite(_mean(group, measure)) and (measure != "ttr99_s" or not declares_only(groups[0], group))
    ]
    return min(known, key=lambda group: _mean(group, measure)) if known else None


def saved_s(summary: Mapping[str, Any], best: Mapping[str, Any]) -> tuple[float, float, float]:
    """By how much a variant is sooner than the first, in the last stage: mean and interval (95 %), paired by
    replication; nan where it is not known.
    """
    groups = summary["groups"]
    measure = measure_of(groups)
    times: dict[str, dict[int, float]] = {}
    for row in summary["rows"]:
        if not row["levers"] and row.get(measure) is not None:
            times.setdefault(row["variant"], {})[int(row["replication"])] = float(row[measure])
    own, was = times.get(best["variant"], {}), times.get(groups[0]["variant"], {})
    pairs = [was[i] - own[i] for i in own if i in was and math.isfinite(was[i]) and math.isfinite(own[i])]
    return mean_interval(pairs) if pairs and len(pairs) == len(own) else (math.nan, math.nan, math.nan)


def declared_only(groups: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence for each variant that only declares that no lease runs out: what still waits there."""
    out = []
    for group in groups[1:]:
        if measure_of(groups) == "ttr99_s" and declares_only(groups[0], group):
            now, was = _mean(group, "queue_peak"), _mean(groups[0], "queue_peak")
            out.append(
                f"“{group['variant']}” lets no lease run out, which is no answer: up to {show_count(now)} requests "
                f"wait ({show_count(was)} in “{groups[0]['variant']}”)"
                + (", so nobody is answered sooner." if now >= AS_MANY * was else ".")
            )
    return out


def fewest_wait(groups: Sequence[Mapping[str, Any]]) -> str:
    """Where no variant can be sooner than the first: which lets fewest wait, if clearly fewer do."""
    least = min(groups, key=lambda group: _mean(group, "queue_peak"))
    now, was = _mean(least, "queue_peak"), _mean(groups[0], "queue_peak")
    if least is groups[0] or not now < AS_MANY * was:
        return ""
    return f"Fewest wait under “{least['variant']}”: {show_count(now)} requests at most instead of {show_count(was)}."


def leases_alone(groups: Sequence[Mapping[str, Any]]) -> str:
    """Where later stages follow: the variant whose leases are back first, if all stages together are later there."""
    finite = [group for group in groups[1:] if math.isfinite(_mean(group, "ttr99_s"))]
    if measure_of(groups) != "all_normal_s" or not finite:
        return ""
    first, soonest = groups[0], min(finite, key=lambda group: _mean(group, "ttr99_s"))
    now, was = _mean(soonest, "all_normal_s"), _mean(first, "all_normal_s")
    if not (_mean(soonest, "ttr99_s") < _mean(first, "ttr99_s") and now > was):
        return ""
    sooner = show_duration(_mean(soonest, "ttr99_s"))
    text = f"Leases alone are back soonest under “{soonest['variant']}” ({sooner}), which "
    if math.isinf(now):
        return text + "makes the whole worse: what follows the leases is then not normal before the horizon."
    return text + f"makes the whole worse: all stages are normal {show_duration(now - was)} later."
