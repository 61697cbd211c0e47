"""What limits a recovery: the mechanism by its name, with its number. Pure rules over what a variant was (its resolved
scenario) and did (its measures); nothing is simulated (MODEL.md, section 4).
"""

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from recovery.measures.register import LEASES
from recovery.show.answers import gates, herd
from recovery.store.run_record import Group
from recovery.store.scenario_record import Hosts, Planned, Scenario
from recovery.units import show_count, show_duration, show_share

WASTE = 0.3  # of the work during recovery: from here on waste decides
VAIN = 0.1  # of the work: so much in vain is told beside what decides
HALF = 0.5  # a bound that is at least this part of the time explains it
LOOP = 2.0  # crashes: who comes back after each of them makes the next one
LITTLE = 0.01  # of the attempts at propagation: where so many are refused it is told
MANY_LOST = 0.01  # of all leases: so many that are lost again are told
WINDOWS = 10  # so many tell a time well enough
TOLD = 0.05  # what makes a time longer by less is not told
WAITED_OUT = 0.9  # of the longest wait, full jitter: 99 % of those who wait are through, as (1 - 0.9)² are not
ORDERED = ("fifo", "bounded")  # queues that serve whoever came first, and know of no deadline
BUCKETS = ("token-bucket", "leaky-bucket")
MANY_TRIES = 10_000  # after so many waits that grow have come to their cap
LEAST = (
    "capacity",
    "conflict",
    "admission",
    "concurrency",
    "operator",
    "ramp",
    "restart",
    "schedule",
    "spread",
)  # their times are the least that there can be: none is longer
LET_IN = ("admission", "concurrency", "ramp")  # kinds of limits by which admission lets few in


class Limit(NamedTuple):
    """A mechanism by its name, a sentence's part that says it, and its number in s, a ratio or a share.

    Of both: "gated" (a limit that takes renewals too: the share of them that it lets in).
    Of collapses: "service" (share that takes longer than the timeout),
    "renewals" and "arrivals" (share of the hosts), "uneven" (renewals, as a share of the host that has most of them),
    "admission" and "operator" (share of the jobs that is let in),
    "retries" (hidden capacity, 1/s), "timeout" (the work in timeouts), "refusals" (share), "expiry" (ratio), "crash"
    (times that hosts died). Of recoveries the time that each alone takes, s: "capacity", "conflict", "admission",
    "concurrency" (of a limit that lets fewer be served than there are workers), "slowdown" (of hosts that hold all at
    once), "operator", "backoff", "herd", "silence" (a full queue that says nothing), "ramp" (of admission),
    "bursts" (that find few tokens of a limit), "window" (how exactly times are known), "restart",
    "schedule" (waves of operators), "spread" (how far apart clients come back by themselves);
    "timeout" as above; "horizon" (when what waits would be gone, s from the start). Of later stages: "launches"
    (share denied by the throttle), "holders" (share that found none), "propagation" (jobs), "health" (share usable).
    """

    kind: str
    text: str
    number: float


def limit_of(group: Group, *, ttr_s: float | None = None, down_s: float = math.inf) -> Limit | None:
    """What limits the leases (or jobs) of a variant, if a rule says it. `ttr_s`: the mean time of the runs that are
    back, where others are not; `down_s`: how long the dependency was away.
    """
    if group.verdicts.get("collapsed"):
        return _why_collapsed(group)
    if group.verdicts.get("recovered", 0) < group.runs and (found := _served_too_late(group.scenario)) is not None:
        return found
    ttr_s = group.mean("ttr99_s") if ttr_s is None else ttr_s
    back_s = group.mean("recovers_from_s")
    until_s = back_s + ttr_s if ttr_s > 0 else math.inf
    is_alike = group.scenario.has_leases and not group.scenario.classes  # an attempt of some may take no token
    if is_alike and (found := _lets_in_too_few(group.scenario, back_s, until_s)) is not None:
        return found
    if (found := _throttled_again(group)) is not None:
        return found
    if group.verdicts.get("recovering") == group.runs:
        return _ends_too_soon(group)
    return _what_paces(group, ttr_s, down_s)


def looked_at(group: Group, *, ttr_s: float | None = None, down_s: float = math.inf) -> list[str]:
    """What was looked at where no rule names a limit, with its number: parts of a sentence."""
    if group.verdicts.get("collapsed"):
        return list(_asked_of_a_collapse(group))
    ttr = group.mean("ttr99_s") if ttr_s is None else ttr_s
    work = work_of(group)
    found = _possible(_bounds(group, work, gates.hosts_s(group.scenario, work), "", ttr, down_s), ttr, group)
    wasted = [f"{show_share(group.mean('wasted_share'))} of the work is for answers that nobody waits for"]
    return [limit.text for limit in found if 0 < limit.number < math.inf] + wasted


def _asked_of_a_collapse(group: Group) -> Iterator[str]:
    scenario, hosts, fleet = group.scenario, group.scenario.hosts, group.scenario.fleet
    what = "renewals need" if fleet is not None else "jobs need"
    yield f"{what} {show_share(scenario.wanted_share)} of what the hosts can do"
    yield f"those who wait need {backlog_in_timeouts(group):.3g} timeouts of work"
    yield f"{show_share(group.mean('wasted_share'))} of the work is for answers that nobody waits for"
    yield f"saying no takes {show_share(_refusing_share(group))} of the hosts' time"
    if not math.isnan(died := group.mean("crashes")):
        yield f"hosts die {show_count(died)} times"
    if fleet is not None:
        times = fleet.asks / hosts.capacity_per_s / fleet.lease_s
        yield f"refilling all leases takes {times:.3g} times as long as one lasts"


def _refusing_share(group: Group) -> float:
    """What saying no costs of the hosts' time, as a share of the whole run."""
    hosts = group.scenario.hosts
    return group.mean("denied") * hosts.reject_share / (hosts.capacity_per_s * group.scenario.horizon_s)


def predicted(group: Group) -> Limit | None:
    """What will limit a scenario if it loses all its leases, or a queue builds up, as far as theory says it before
    anything runs: what makes it collapse, else the longest of the times that a recovery cannot be shorter than.
    """
    if (found := collapse_of(group)) is not None or group.scenario.fleet is None:
        return found
    work = herd.come(group.scenario)
    hosts_s = gates.hosts_s(group.scenario, work)
    alone = _alone(group.scenario.hosts, hosts_s)
    return max(_bounds(group, work, hosts_s, alone), key=lambda limit: limit.number)


def collapse_of(group: Group) -> Limit | None:
    """What makes a scenario collapse, or would make it if it lost all its leases, or a queue built up; None where
    theory names nothing.
    """
    return _why_collapsed(group)


def _alone(hosts: Hosts, hosts_s: float) -> str:
    """How long the hosts alone would take, as the end of a sentence; "" where they are slower the more they hold, since
    their full speed says nothing then.
    """
    return "" if hosts.slower > 1 + TOLD else f"; the hosts alone would need {show_duration(hosts_s)}"


ALL_THE_TIME = ("service", "renewals", "uneven", "arrivals", "gated", "admission", "operator")
"""Kinds of collapses that come of what is asked for all the time, whatever happens."""


# --- collapses --------------------------------------------------------------------------------------------------------


def _why_collapsed(group: Group) -> Limit | None:
    scenario, hosts = group.scenario, group.scenario.hosts
    fleet, jobs = scenario.fleet, scenario.jobs
    if (found := _served_too_late(scenario)) is not None:
        return found
    if not (_then_per_s(group) if group.runs else hosts.per_s_at(math.inf)) > 0:
        text = "operators leave the hosts without a worker until the run ends, so nothing is served any more"
        return Limit("operator", text, 0.0)
    in_vain = "" if fleet is None else _renewals_end(group)
    if fleet is not None and fleet.renewals_share >= 1 and in_vain is not None:
        text = f"renewals alone need {show_share(fleet.renewals_share)} of what the hosts can do{in_vain}"
        return Limit("renewals", text, fleet.renewals_share)
    if fleet is not None and (share := uneven_share(scenario)) >= 1 and in_vain is not None:
        equal = show_count(fleet.holders / hosts.hosts)
        text = f"renewals need {show_share(share)} of what the host can do that has most of the holders "
        text += f"({show_count(fleet.most)} of {show_count(fleet.holders)}; an equal part would be {equal}), though "
        text += f"all hosts together have room for them ({show_share(fleet.renewals_share)}){in_vain}"
        return Limit("uneven", text, share)
    if jobs is not None and scenario.wanted_share >= 1:
        come, can, share = show_count(jobs.arrivals_per_s), show_count(hosts.per_s_at(math.inf)), scenario.wanted_share
        text = f"{come} jobs a second come, and the hosts do {can}: {show_share(share)} of what they can"
        return Limit("arrivals", text, share)
    if (found := _lets_in_too_few(scenario)) is not None:
        return found
    if group.runs and (found := _starves(group)) is not None:
        return found
    if (died := group.mean("crashes")) >= LOOP:
        text = f"hosts die of their load {show_count(died)} times; each time all that they hold is lost and comes again"
        return Limit("crash", text, died)
    refused = _refusing_share(group)
    if refused > HALF:  # before timeouts: requests also time out behind work of saying no
        share = min(refused, 1.0)
        return Limit("refusals", f"saying no costs {show_share(share)} of the hosts' time", share)
    if jobs is not None and _feeds_itself(group):
        return _retries_feed(group)
    if (found := timeout_limit(group)) is not None:
        return found
    if fleet is not None and fleet.lease_s < fleet.asks / hosts.capacity_per_s:
        times = fleet.asks / hosts.capacity_per_s / fleet.lease_s
        return Limit("expiry", f"refilling all leases takes {times:.3g} times as long as a lease runs", times)
    return _in_rounds(group) if group.runs else None


def _renewals_end(group: Group) -> str | None:
    """What becomes of renewals that are more than the hosts can do, as the end of a sentence: since a holder asks again
    only after its answer, they come less often. None where no lease is lost by that; "" where it is not known.
    """
    scenario = group.scenario
    found = scenario.fleet.in_turn if scenario.fleet is not None else None
    if found is None:
        return ""
    waits, every, lease = (show_duration(time_s) for time_s in (found.waits_s, found.every_s, found.lease_s))
    text, patient = "; a holder asks again only after its answer, so each", show_duration(scenario.hosts.timeout_s)
    match found.ends:
        case "late":
            return f"{text} would wait {waits} for it, and gives up after {patient}"
        case "expired":
            return f"{text} is renewed every {every} only, and the shortest lease runs {lease}"
        case "perhaps late" if group.runs:
            return f"{text} waits about {waits} for it, of a timeout of {patient}"
    return None


def uneven_share(scenario: Scenario) -> float:
    """What renewals need of the host that has most of the holders, as a share of what it can do; 0 where all hosts have
    as many.
    """
    fleet = scenario.fleet
    return 0.0 if fleet is None else fleet.renewals_share * fleet.most * scenario.hosts.hosts / fleet.holders


def _served_too_late(scenario: Scenario) -> Limit | None:
    """Services that take longer than a client waits, even with nobody before it: work in vain that no queue causes."""
    hosts = scenario.hosts
    if hosts.late_share < WASTE:
        return None
    what = "a lease" if scenario.has_leases else "a job"
    waits = f"and a client gives up after {show_duration(hosts.timeout_s)}"
    if hosts.late_share >= 1:
        made = "lease is ever made" if scenario.has_leases else "job is ever served"
        text = f"no {made} in time: "
        text += f"{'making' if scenario.has_leases else 'serving'} one takes {show_duration(hosts.serves_s)}, {waits}"
        return Limit("service", text, 1.0)
    text = f"{show_share(hosts.late_share)} of the requests for {what} are answered too late even with nobody before "
    text += f"them: the service takes {show_duration(hosts.serves_s)} on average, {waits}"
    return Limit("service", text, hosts.late_share)


def _throttled_again(group: Group) -> Limit | None:
    """Of leases that are lost once more after all were back: operators' throttle that takes renewals too and lets in
    less than those, while leases run out that it kept from being renewed.
    """
    scenario, spans = group.scenario, group.unleased_spans or ((group.unleased,) if group.unleased is not None else ())
    again = [one for one in spans if one.from_s > group.mean("recovers_from_s")]
    if scenario.fleet is None or not again:
        return None
    from_s, to_s = again[-1].from_s - scenario.fleet.lease_s, again[-1].to_s
    throttles = [one for one in scenario.actions if one.takes_by and from_s < one.at_s <= again[-1].from_s]
    rates = [step.rate_per_s for one in throttles for step in one.lets_in if one.at_s <= step.at_s <= to_s]
    rate_per_s = min((rate for rate in rates if not math.isnan(rate)), default=math.inf)
    if not rate_per_s < scenario.wanted_per_s:
        return None
    share = rate_per_s / scenario.wanted_per_s
    text = _of_renewals(scenario, "Leases are lost once more because the operators' throttle lets", rate_per_s)
    return Limit("gated", text, share)


def _of_renewals(scenario: Scenario, who: str, rate_per_s: float) -> str:
    """What somebody lets in of the renewals that come all the time, and that it takes them, too."""
    text = f"{who} in {show_count(rate_per_s)} a second{gates.of_each(scenario, rate_per_s)} of the "
    text += f"{show_count(scenario.wanted_per_s)} renewals that come all the time "
    return f"{text}({show_share(rate_per_s / scenario.wanted_per_s)}): it limits renewals too"


def _lets_in_too_few(scenario: Scenario, from_s: float = math.inf, to_s: float = math.inf) -> Limit | None:
    """A limit that from one time to another (s; inf: as the run ends) lets in less than comes all the time: of leases
    one that takes renewals too, so that leases run out though the hosts have room for them.
    """
    is_spared = scenario.has_leases and scenario.hosts.admission_spares_renewals
    rates = [] if is_spared else [(gates.admission_at(scenario, at_s) for at_s in (from_s, to_s))]
    found = [("admission", "admission lets", max(pair)) for pair in rates]
    found += [
        ("operator", "the operators' throttle lets", max(gates.throttle_at(one, at_s) for at_s in (from_s, to_s)))
        for one in scenario.actions
        if one.takes_by or not scenario.has_leases
    ]
    kind, who, rate_per_s = min(found, key=lambda one: one[2], default=("", "", math.inf))
    come, share = scenario.wanted_per_s, rate_per_s / scenario.wanted_per_s if scenario.wanted_per_s > 0 else math.inf
    if not share < 1:
        return None
    if not scenario.has_leases:
        text = f"{who} in {show_count(rate_per_s)} a second{gates.of_each(scenario, rate_per_s)} of the "
        return Limit(kind, f"{text}{show_count(come)} that come ({show_share(share)})", share)
    text = f"{_of_renewals(scenario, who, rate_per_s)}, so leases run out"
    has_room = scenario.wanted_share < 1
    return Limit("gated", f"{text} although the hosts have room for all renewals" if has_room else text, share)


def _feeds_itself(group: Group) -> bool:
    """Whether jobs come that a queue longer than the timeout keeps long, and the queue is so long, or before anything
    ran may become so.
    """
    hosts, jobs = group.scenario.hosts, group.scenario.jobs
    is_ordered = group.scenario.policies.queue.name in ORDERED or _serves_at_the_last(group.scenario)
    if jobs is None or hosts.cancels or not is_ordered:
        return False
    is_beyond = jobs.hidden_per_s == 0 or jobs.arrivals_per_s > jobs.hidden_per_s
    most = _in_timeouts(group, min(hosts.queue_limit, hosts.admitted_queue))
    return is_beyond and not (backlog_in_timeouts(group) if group.runs else most) <= 1


def _serves_at_the_last(scenario: Scenario) -> bool:
    """Whether a long queue drops whom nobody waits for any more, and yet serves the next so late that its client gives
    up meanwhile: whoever waited longest comes first, and no more of its timeout need be left than a service takes.
    """
    queue, hosts = scenario.policies.queue, scenario.hosts
    if queue.name != "drop-expired":
        return False
    age_s, margin_s = (float(value) if isinstance(value := queue.parameters.get(key), int | float) else 0.0
                       for key in ("max_age", "margin"))  # fmt: skip
    return max(margin_s, hosts.timeout_s - age_s if age_s > 0 else 0.0) < hosts.serves_s


def _retries_feed(group: Group) -> Limit:
    """Every job comes 1 + R times while nobody is answered in time."""
    jobs = group.scenario.jobs
    assert jobs is not None
    if jobs.hidden_per_s == 0:
        text = "every job is tried again without limit, so a queue longer than the timeout feeds itself"
    else:
        come, hidden, tries = show_count(jobs.arrivals_per_s), show_count(jobs.hidden_per_s), jobs.retries + 1
        text = f"{come} jobs a second come, and with {tries:g} tries each the hosts get out of a long queue only below "
        text += f"{hidden} a second (hidden capacity)"
    if _serves_at_the_last(group.scenario):
        text += (
            "; expired work is dropped, but next comes whoever waited longest, whose timeout ends while it is served"
        )
    return Limit("retries", text, jobs.hidden_per_s)


def backlog_in_timeouts(group: Group) -> float:
    """How many timeouts long the work can be that waits for somebody: of leases all holders', or what the queues hold;
    of jobs the longest queue.
    """
    hosts, fleet = group.scenario.hosts, group.scenario.fleet
    most = group.mean("queue_peak")
    if fleet is not None or math.isnan(most):
        most = min(_that_ask(group), hosts.queue_limit, hosts.admitted_queue)
    return _in_timeouts(group, most)


def _in_timeouts(group: Group, requests: float) -> float:
    """How many timeouts long so many requests are work; nan where nothing is served."""
    per_s = _then_per_s(group)
    return requests / (per_s * group.scenario.hosts.timeout_s) if per_s > 0 else math.nan


def _then_per_s(group: Group) -> float:
    """What the hosts do when all are back, or else as a run ends, 1/s: before anything runs, as the file has them."""
    hosts = group.scenario.hosts
    if not group.runs:
        return hosts.capacity_per_s
    back_s = group.mean("recovers_from_s") + group.mean("ttr99_s")
    return hosts.per_s_at(math.inf if math.isnan(back_s) else back_s)


def _that_ask(group: Group) -> float:
    """Requests for leases that come at the return, in work of one that is made: all holders', but of those that come
    apart after they were refused, or failed, only what piles up. Where a cap holds leases back that have ended, those
    that ran out by then, and renewals of the others, which are less work.
    """
    fleet, hosts = group.scenario.fleet, group.scenario.hosts
    if fleet is None:
        return math.nan
    served = herd.served_meanwhile(group.scenario) if herd.is_apart(group.scenario) else 0.0
    out = group.mean("fluid_bound_s") * hosts.fastest_per_s + (1 - gates.MOST) * fleet.asks
    if math.isinf(gates.expiries_per_s(group.scenario)) or not out < fleet.asks or not fleet.renewals_per_s > 0:
        return max(herd.come(group.scenario) - served, 0.0)
    renewal = fleet.renewals_share * hosts.capacity_per_s / fleet.renewals_per_s
    return max(out + renewal * (fleet.asks - out) - served, 0.0)


def _of_all_who_come(scenario: Scenario) -> float:
    """How many timeouts long the work of all who come back is."""
    return herd.come(scenario) / (scenario.hosts.capacity_per_s * scenario.hosts.timeout_s)


def timeout_limit(group: Group) -> Limit | None:
    """Requests time out before their turn: a queue that is longer than the timeout, served first in, first out."""
    hosts = group.scenario.hosts
    if group.scenario.policies.queue.name not in ORDERED or hosts.cancels:
        return None
    hung = _hanging(group.scenario)
    if not group.runs and hung is not None:
        return hung
    times, what, more = backlog_in_timeouts(group), "those who wait need", 1 + TOLD
    if (piled := _piled_up(group)) > (1 + TOLD) * times:
        times, waiting = piled, show_count(group.mean("queue_peak"))
        what = f"requests hang until the dependency is back, and those who wait, up to {waiting}, need"
    asks = herd.come(group.scenario)
    if hosts.queue_limit < asks * (1 - TOLD) and times == _in_timeouts(group, hosts.queue_limit):
        what = f"all who ask bring {show_duration(asks / _then_per_s(group))} of work; a full queue is"
    if not times > 1:  # what was given up and tried again lengthens the queue too
        times, what = _in_timeouts(group, group.mean("queue_peak")), "the longest queue needs"
        more = HALF  # of it has hung, or stood behind what failed slowly: that names its cause
    is_apart = herd.is_apart(group.scenario)
    if (
        math.isnan(times)
        and not herd.refused_s(group.scenario) > 0
        and (found := _all_at_once(group.scenario)) is not None
    ):
        return found
    if not times > 1:
        return None
    wasted = group.mean("wasted_share")
    text = f"{what} {show_duration(times * hosts.timeout_s)} of work, which is {_of_a_timeout(hosts, times)}"
    if is_apart and times == _in_timeouts(group, herd.piling_up(group.scenario)):
        waits = show_duration(times * hosts.timeout_s)
        text = f"{_come_back(group.scenario)}: up to {waits} of it wait, which is {_of_a_timeout(hosts, times)}"
    elif times == _of_all_who_come(group.scenario) and herd.is_in_one_instant(group.scenario):
        text = f"{_come_back(group.scenario)}, which is {_of_a_timeout(hosts, times)}"
    in_restarts = _lost_in_restarts(group)
    if hung is not None and in_restarts is not None and hung.number > more * times:  # what stood there before them
        text, times = hung.text + in_restarts, hung.number
    if wasted > 0.01:
        text += f": {show_share(wasted)} of what workers do is for requests whose sender has gone"
    if (lost := lost_again(group)) > 0:
        text += f"; renewals wait in the same queue, and leases that were made are lost again {show_count(lost)} times"
    cap = gates.expiries_per_s(group.scenario)
    if group.runs and math.isfinite(cap) and group.scenario.fleet is not None:
        text += f"; leases run out no faster than {show_count(cap)} a second, by their cap, and all of them only after "
        text += show_duration(group.scenario.fleet.asks / cap)
    return Limit("timeout", text, times)


def _piled_up(group: Group) -> float:
    """How many timeouts long the longest queue is, of requests that hang where theory does not tell how many do; nan of
    all others.
    """
    is_open = math.isnan(group.scenario.hosts.hanging)
    return _in_timeouts(group, group.mean("queue_peak")) if group.runs and is_open else math.nan


def _lost_in_restarts(group: Group) -> str | None:
    """How the queue that stood there at the return went, where leases are back sooner than the hosts can have worked it
    off: in restarts, as the end of a sentence. "" where the hosts may have done so; None where nobody knows.
    """
    scenario, back_s, ttr_s = group.scenario, group.mean("recovers_from_s"), group.mean("ttr99_s")
    if not scenario.hosts.hanging_s > (1 + TOLD) * ttr_s:
        return ""
    lose = _midst_restarts(scenario, back_s, ttr_s)
    if not lose:
        return None
    when = f"{show_duration(lose[0].at_s)} after the start"
    is_one = len(lose) == 1 and lose[0].waves == 1
    return f"; what is left of it is lost in {f'the restart {when}' if is_one else f'restarts from {when} on'}"


def _of_a_timeout(hosts: Hosts, times: float) -> str:
    """How many timeouts some work or a wait is, as the end of a sentence."""
    many = f"{times:.3g}" if times < 1000 else show_count(float(f"{times:.3g}"))
    return f"{many} times the {show_duration(hosts.timeout_s)} after which a client gives up"


def hangs(scenario: Scenario) -> str:
    """What stands before the hosts when the dependency is back, in words; "" where theory tells of nothing."""
    hosts = scenario.hosts
    if not hosts.hanging > 0:
        return ""
    many = show_count(float(f"{hosts.hanging:.2g}"))
    text = f"about {many} requests hang until the dependency is back"
    if hosts.failing_per_s > 0:
        text = f"the hosts get through only {show_count(hosts.failing_per_s)} a second, fewer than clients send, so "
        text += f"about {many} requests wait when the dependency is back"
    given_up = scenario.fleet is not None and hosts.hanging > 2 * scenario.fleet.asks
    text += ", most of them given up by their clients" if given_up else ""
    if scenario.policies.queue.name not in ORDERED:  # others may drop them, or serve them last
        return text
    return f"{text}; then the hosts have about {show_duration(hosts.hanging_s)} of work with them"


def _while_away(scenario: Scenario) -> str:
    """The same as a sentence by itself, which says since when so many wait."""
    return f"{'while the dependency is away ' if scenario.hosts.failing_per_s > 0 else ''}{hangs(scenario)}"


def fails(scenario: Scenario) -> str:
    """How soon requests fail while the dependency is away, with its verb; "" where they hang."""
    hosts = scenario.hosts
    if not hosts.failing_per_s > 0:
        return ""
    after_s = hosts.workers * hosts.hosts / hosts.failing_per_s
    return f"fail after {show_duration(after_s)}" if after_s > 0 else "fail at once"


def _hanging(scenario: Scenario) -> Limit | None:
    """The hosts work so long on requests that hung, or wait behind others, that who asks at the return gives up."""
    hosts = scenario.hosts
    if not hosts.hanging_s > hosts.timeout_s:
        return None
    times = hosts.hanging_s / hosts.timeout_s
    return Limit("timeout", f"{_while_away(scenario)}, which is {_of_a_timeout(hosts, times)}", times)


def behind_what_hangs(scenario: Scenario, took_s: float, wait_s: float) -> Limit | None:
    """Of what was run: the hosts work first on requests that hung, and whoever gives up behind these waits before it
    asks again, up to `wait_s`. None where that is less than half of the time that it took, or longer.
    """
    hosts = scenario.hosts
    hung_s, most_s = hosts.hanging_s, took_s * (1 + TOLD) + scenario.window_s
    is_half = hung_s >= HALF * took_s or (hung_s >= wait_s and hung_s + wait_s >= HALF * took_s)
    if not (is_half and hung_s <= most_s):
        return None
    times = hung_s / hosts.timeout_s
    text = _while_away(scenario) + (f", which is {_of_a_timeout(hosts, times)}" if times > 1 else "")
    if VAIN * took_s <= wait_s and hung_s + wait_s <= most_s:
        text += f". Whoever gives up meanwhile waits up to {show_duration(wait_s)} before it tries again"
    return Limit("timeout", text, times)


def of_renewing(group: Group, down_s: float) -> Limit | None:
    """What takes at least half of the time until all have renewed, where no lease is lost, or keeps them from it until
    the end; None where no rule says.
    """
    scenario, fleet, found = group.scenario, group.scenario.fleet, group.renewals
    if found is not None and found.overdue and math.isinf(max(found.all_s, found.overdue[-1].to_s)):
        return collapse_of(group)
    if fleet is None or found is None or not found.overdue or not scenario.window_s < found.all_s < math.inf:
        return None
    took_s, wait_s = found.all_s, waits_at_most_s(scenario, down_s)
    most_s = took_s * (1 + TOLD) + scenario.window_s
    if (hung := behind_what_hangs(scenario, took_s, wait_s)) is not None:
        return hung
    work_s = fleet.asks * fleet.renewals_share / fleet.renewals_per_s if fleet.renewals_per_s > 0 else 0.0
    if HALF * took_s <= work_s <= most_s:
        return Limit("capacity", f"the hosts need {show_duration(work_s)} to renew all leases", work_s)
    if HALF * took_s <= wait_s <= most_s:
        text = f"clients wait up to {show_duration(wait_s)} before they try again; the hosts alone would need "
        return Limit("backoff", f"{text}{show_duration(work_s)} to renew all leases", wait_s)
    return None


RENEWALS_WAIT = (
    "It rests on renewals that wait in one queue with those who have no lease: hosts that serve renewals first lose "
    "fewer leases again."
)
"""What an answer rests on where leases are lost again."""


def lost_again(group: Group) -> float:
    """How often leases were lost again after sessions had ended, where these are many for so many holders; else 0."""
    lost, fleet = group.lost_again, group.scenario.fleet
    return lost if lost is not None and fleet is not None and lost > MANY_LOST * fleet.asks else 0.0


def _all_at_once(scenario: Scenario) -> Limit | None:
    """Of a fleet that was not run: the last of those who ask at once gives up before its turn, on a host with more than
    its part, or while all fail slowly; what was given up then stays in the queue.
    """
    hosts, fleet = scenario.hosts, scenario.fleet
    is_bounded = math.isfinite(hosts.queue_limit) or math.isfinite(hosts.admitted_queue)
    if fleet is None or is_bounded:
        return None
    waits_s = fleet.all_at_once_s - (herd.apart_s(scenario) if herd.is_apart(scenario) else 0.0)
    if not waits_s > hosts.timeout_s:
        return None
    times, longest = waits_s / hosts.timeout_s, show_duration(waits_s)
    who = f"within about {show_duration(herd.apart_s(scenario))}" if herd.is_apart(scenario) else "at once"
    text = f"the last of those who ask {who} waits up to {longest} for its turn{_on_which_host(scenario)}; "
    text += f"that is {_of_a_timeout(hosts, times)}"
    return Limit("timeout", text, times)


def _on_which_host(scenario: Scenario) -> str:
    """Why the last of all waits for longer than the work of all takes, as a part of a sentence: the host that has more
    than its part, and requests that take longer because they fail.
    """
    hosts, fleet = scenario.hosts, scenario.fleet
    if fleet is None:
        return ""
    each_s = hosts.workers * hosts.hosts / hosts.failing_per_s
    most = f" at the host that has most of them, {show_count(fleet.most)}" if fleet.most else ""
    fails = (
        f", since a request that fails takes {show_duration(each_s)}" if each_s > hosts.serves_s * (1 + TOLD) else ""
    )
    return most + fails


def _ends_too_soon(group: Group) -> Limit | None:
    """What waits becomes less, but the run ends before it is gone: a longer run shows the end, where there is one.

    A fleet whose requests wait for longer than their timeout, so that work is wasted, has no end by itself: its clients
    try for ever. Jobs that come below the hidden capacity have one, however long their queue is.
    """
    if group.scenario.has_leases and group.mean("wasted_share") >= WASTE and backlog_in_timeouts(group) > 1:
        found = timeout_limit(group)
    else:
        found = _retries_feed(group) if _feeds_itself(group) else None
    if found is not None or (found := _starves(group) or _in_rounds(group)) is not None:
        return found
    end = group.mean("empty_at_s")
    if not math.isfinite(end):
        return timeout_limit(group)
    text = f"the run ends at {show_duration(group.scenario.horizon_s)}, before the work does: what waits would be gone "
    return Limit("horizon", f"{text}at about {show_duration(end)}", end)


# --- recoveries -------------------------------------------------------------------------------------------------------


def _what_paces(group: Group, ttr: float, down_s: float) -> Limit | None:
    """The longest of the times that a recovery cannot be shorter than, where it explains at least half. Waste comes
    before it, but where admission lets in so little that this alone takes so long.
    """
    window_s = group.scenario.window_s
    if not 0 < ttr < math.inf:
        return None
    work = work_of(group)
    hosts_s = gates.hosts_s(group.scenario, work)
    most_s = ttr * (1 + TOLD) + window_s  # where many give up, less than all the work is done
    is_told = hosts_s <= most_s
    alone = _alone(group.scenario.hosts, hosts_s) if is_told else ""
    bounds = _bounds(group, work, hosts_s, alone, ttr, down_s)
    known = _possible(bounds, ttr, group)
    known = [limit for limit in known if limit.kind != "bursts" or limit.number <= ttr / HALF]
    is_least = any(limit.kind in LEAST and limit.number >= ttr * (1 - TOLD) - window_s for limit in known)
    # a wait is no limit beside a time that is the least there can be, nor is the cap of one that nobody sits out
    known = [
        limit for limit in known if limit.kind != "backoff" or (not is_least and limit.number <= most_s / WAITED_OUT)
    ]
    longest = max(known, key=lambda limit: limit.number, default=None)
    if longest is not None and longest.number < HALF * ttr:
        longest = None
    if ttr < window_s / HALF and (longest is None or longest.kind not in LEAST):
        longest = _of_the_windows(ttr, window_s)
    wastes = group.mean("wasted_share") >= WASTE and (longest is None or longest.kind not in LET_IN)
    hung = behind_what_hangs(group.scenario, ttr, waits_at_most_s(group.scenario, down_s)) if wastes else None
    found = (timeout_limit(group) if wastes else None) or hung or longest
    if found is None or found.kind != "capacity":
        return found
    text, vain_s = found.text, vain_s_of(group, ttr)
    if vain_s > 0:
        text += f"; about {show_duration(vain_s)} more are work in vain "
        text += f"({show_share(group.mean('wasted_share'))}), for clients who have given up"
    rest_s = ttr - found.number - vain_s
    if rest_s > max(VAIN * ttr, window_s) and not math.isnan(group.mean("wasted_share")):
        wait_s = waits_at_most_s(group.scenario, down_s) if _did_wait(group, down_s) else 0.0
        text += _of_the_rest(group, work, rest_s, longest_wait_s=wait_s)
    return found._replace(text=text)


def _of_the_windows(ttr_s: float, window_s: float) -> Limit:
    """That a time may be shorter by more than half, so that no cause is told of it: it is known to one window."""
    least, window = show_duration(max(ttr_s - window_s, 0.0)), show_duration(window_s)
    text = f"windows of {window} tell no more than that it takes between {least} and {show_duration(ttr_s)}; "
    return Limit("window", f'{text}coupling.window = "{max(ttr_s / WINDOWS, 0.001):.1g}s" tells more', window_s)


def _did_wait(group: Group, down_s: float) -> bool:
    """Whether more than the last few clients waited between two attempts: some failed while the dependency was away, or
    were refused, or more attempts were made than succeeded. Where sessions end, or nobody has a lease at the start, no
    outage need have come before.
    """
    scenario, tried = group.scenario, group.mean("amplification")
    starts_bare = scenario.fleet is not None and math.isfinite(scenario.fleet.asks_within_s)
    if math.isfinite(down_s) or not (scenario.is_counted_from_end or starts_bare):
        return True
    return group.mean("denied") > 0 or not tried <= 2 - gates.MOST


def _possible(bounds: Iterable[Limit], ttr_s: float, group: Group) -> list[Limit]:
    """Of such times those that are no longer than what was measured, where they are times for all the work: where many
    jobs give up or are refused, less than that is done.
    """
    most_s = ttr_s * (1 + TOLD) + group.scenario.window_s
    return [limit for limit in bounds if limit.kind not in LEAST or limit.number <= most_s]


def _of_the_rest(group: Group, work: float, rest_s: float, *, longest_wait_s: float) -> str:
    """What may take what is neither the work nor in vain, as the end of a sentence: renewals, or the waits of clients
    that hosts with nothing to do wait for; or that no rule names it.
    """
    scenario, rest = group.scenario, show_duration(rest_s)
    renews_s = gates.beside_renewals_s(scenario, work, scenario.hosts.most_per_s)
    renews_s -= gates.hosts_s(scenario, work)
    if HALF * rest_s <= renews_s <= rest_s / HALF:
        return f"; most of the other {rest} are renewals, which come beside it"
    if longest_wait_s >= HALF * rest_s:
        wait = show_duration(longest_wait_s)
        return (
            f"; the other {rest} may be waits: a client waits up to {wait} before it tries again, also while hosts "
            "have nothing to do"
        )
    return f"; no rule names what takes the other {rest}"


def vain_s_of(group: Group, ttr_s: float) -> float:
    """About how much of a time to recovery is work in vain, s; 0 where that is little."""
    share = group.mean("wasted_share")
    down = restart_takes_s(group.scenario, group.mean("recovers_from_s"))
    return share * max(ttr_s - down, 0.0) if share >= VAIN else 0.0


def work_of(group: Group) -> float:
    """Leases that are to be made, or jobs that wait."""
    work = group.mean("fluid_bound_s") * group.scenario.hosts.fastest_per_s
    return gates.MOST * group.mean("backlog_peak") if math.isnan(work) else _that_came(group, work)


def _bounds(
    group: Group, work: float, hosts_s: float, alone: str, ttr_s: float = math.nan, down_s: float = math.inf
) -> Iterator[Limit]:
    """The times that each mechanism alone would take for so much work."""
    scenario, hosts = group.scenario, group.scenario.hosts
    rate = show_count(hosts.most_per_s)
    does = f"need {show_duration(hosts_s)} for the work" if math.isfinite(hosts_s) else "never get through the work"
    at_best = " at best" if hosts.most_per_s > hosts.capacity_per_s else ""
    text = f"the hosts, which do {rate} a second{at_best}, {does}"
    if (away_s := restart_takes_s(scenario, group.mean("recovers_from_s"))) > 0:
        text = f"the restart takes {show_duration(away_s)}, and then {text}"
    yield Limit("capacity", text, away_s + hosts_s)
    if hosts.rows:
        writes_s = work / hosts.rows * hosts.write_s
        what = "one row" if hosts.rows == 1 else f"{show_count(hosts.rows)} rows"
        each = show_duration(hosts.write_s)
        text = f"of writes to a row that overlap one succeeds, and each takes {each} from its read on: "
        text += f"{show_count(work)} writes to {what} take about {show_duration(writes_s)}{alone}"
        yield Limit("conflict", text, writes_s)
    yield from _slowed(scenario, ttr_s, alone)
    back_s = group.mean("recovers_from_s")
    if gates.is_ramp(scenario, work, back_s):
        needs, course = show_duration(ramp_s := gates.ramp_s(scenario, work, back_s)), hosts.admission_course
        first, last = (show_count(gates.admission_at(scenario, at_s)) for at_s in (back_s, course[-1].at_s))
        text = f"operators let admission go from {first} to {last} a second until {show_duration(course[-1].at_s)} "
        text += f"after the start; this ramp lets that much in only after {needs}{alone}"
        yield Limit("ramp", text, ramp_s)
    elif math.isfinite(let_in := gates.admission_at(scenario, back_s)):
        admission_s = gates.admission_s(scenario, work, let_in)
        rate, needs = show_count(let_in), show_duration(admission_s)
        beside = ""
        if admission_s > work / let_in * (1 + TOLD):
            what = "renewals" if scenario.has_leases else "new jobs"
            beside = f" beside the {what} ({show_count(scenario.wanted_per_s)} a second)"
        each = gates.of_each(scenario, let_in)
        text = f"admission lets in {rate} a second{each}, which takes {needs}{beside}{alone}"
        yield Limit("admission", text, admission_s)
    if hosts.held_limit < hosts.workers * hosts.hosts:
        served_per_s = hosts.held_limit / hosts.serves_s
        held_s = gates.served_s(scenario, work, served_per_s)
        text = f"admission lets {show_count(hosts.held_limit)} be served at one time, of whom no more than "
        text += f"{show_count(served_per_s)} a second are done: that takes {show_duration(held_s)}{alone}"
        yield Limit("concurrency", text, held_s)
    if math.isfinite(opens_s := gates.percentage_s(scenario, back_s)):
        text = (
            f"admission lets in a share of the clients that grows so slowly that {show_share(gates.MOST)} are let in "
        )
        yield Limit("ramp", f"{text}only after {show_duration(opens_s)}{alone}", opens_s)
    longest_s = waits_at_most_s(scenario, down_s)
    wait = show_duration(longest_s)
    text, spread_s = herd.first_attempts(scenario)
    if scenario.is_counted_from_end and herd.refused_s(scenario) <= spread_s < math.inf:
        yield Limit("spread", f"{text}{alone}", spread_s)
    if scenario.fleet is not None and math.isfinite(within_s := scenario.fleet.asks_within_s) and not back_s > 0:
        text = f"nobody has a lease at the start, and the first attempts are spread over {show_duration(within_s)}"
        yield Limit("spread", f"{text}{alone}", gates.MOST * within_s)
    if not math.isnan(ttr_s):  # before a run nobody knows how long they have waited by then
        if _did_wait(group, down_s):
            yield Limit("backoff", f"clients wait up to {wait} before they try again{alone}", longest_s)
    elif herd.is_apart(scenario) and not scenario.is_counted_from_end:  # but after outages that the file has
        text = f"clients wait between their tries, so they come back over about {show_duration(herd.apart_s(scenario))}"
        yield Limit("backoff", f"{text}{alone}", gates.MOST * herd.apart_s(scenario))
    yield from _after_a_restart(scenario, back_s, alone)
    yield from _herd(group, work, alone)
    yield from _bursts(group, work, back_s, alone)
    opens_s, what = gates.throttled_s(scenario, work, back_s)
    if math.isfinite(opens_s) and opens_s > 0:
        needs = show_duration(opens_s)
        yield Limit("operator", f"the operators' {what} lets that much in only after {needs}{alone}", opens_s)
    yield from _restarts(scenario, back_s, ttr_s, alone)
    yield from _schedules(scenario, back_s, alone)


def _midst_restarts(scenario: Scenario, back_s: float, ttr_s: float) -> list[Planned]:
    """Restarts in the midst of a recovery, in order of time. One that ends the sessions that are recovered from is no
    such: before it nothing waits.
    """
    found = [one for one in scenario.actions if one.do == "restart" and back_s <= one.at_s <= back_s + ttr_s]
    return sorted((one for one in found if not _is_the_event(scenario, one, back_s)), key=lambda one: one.at_s)


def _restarts(scenario: Scenario, back_s: float, ttr_s: float, alone: str) -> Iterator[Limit]:
    """Restarts in the midst of a recovery, where they lose what is queued without a word."""
    for action in _midst_restarts(scenario, back_s, ttr_s):
        text = f"the restart {show_duration(action.at_s)} after the start loses what is queued"
        if action.is_told:
            lost_s = action.down_for_s
            text += f", and the hosts are back only {show_duration(lost_s)} later"
        else:
            lost_s = scenario.hosts.timeout_s
            text += f" without a word, and whoever asked learns it only by the timeout of {show_duration(lost_s)}"
        yield Limit("restart", text + alone, action.at_s - back_s + lost_s)


def _schedules(scenario: Scenario, back_s: float, alone: str) -> Iterator[Limit]:
    """Operators who go in waves: before the last that 99 % need nothing is well, whatever the hosts can do."""
    for action in scenario.actions:
        # before anything runs (nan) it is known only of whom operators hold back when recovery is counted from
        from_s = action.at_s if math.isnan(back_s) and action == herd.held_back(scenario) else back_s
        if action.waves == 1 or not action.every_s > 0 or not action.at_s >= from_s:
            continue
        if action.do == "restart" and not _is_the_event(scenario, action, back_s):  # then others are well without it
            continue
        needed = math.ceil(gates.MOST * action.waves)
        comes_s = action.at_s - from_s + action.waves_from_s + (needed - 1) * action.every_s
        which = f"the last of its {action.waves} waves"
        if needed < action.waves:
            which = f"of its {show_count(action.waves)} waves the one with which 99 % are through"
        begins = "is let in" if action.do == "hold-clients" else "begins"
        text = f"the operators' own schedule sets the pace: {which} {begins} only after {show_duration(comes_s)}"
        text += f" ({show_duration(action.every_s)} from one to the next)"
        if action.down_for_s > 0:
            text += f", and its hosts are down for {show_duration(action.down_for_s)}"
        yield Limit("schedule", text + alone, comes_s + action.down_for_s)


def schedule_of(group: Group, ttr_s: float) -> Limit | None:
    """The waves of operators that take at least half of a time to recovery, s; None where none do."""
    found = _schedules(group.scenario, group.mean("recovers_from_s"), "")
    most_s = ttr_s * (1 + TOLD) + group.scenario.window_s
    known = [limit for limit in found if HALF * ttr_s <= limit.number <= most_s]
    return max(known, key=lambda limit: limit.number, default=None)


def restart_takes_s(scenario: Scenario, back_s: float) -> float:
    """How long all hosts that the restart takes whose end of sessions is recovered from are down at one time, s; 0
    where there is none, or they go down in waves.
    """
    known = [one for one in scenario.actions if _is_the_event(scenario, one, back_s) and one.waves == 1]
    return max((one.down_for_s for one in known), default=0.0)


def _is_the_event(scenario: Scenario, action: Planned, back_s: float) -> bool:
    """Whether recovery is counted from what an operator does here; before a run (nan) from whatever ends sessions."""
    is_then = math.isfinite(action.comes_within_s) if math.isnan(back_s) else action.at_s == back_s
    return scenario.is_counted_from_end and is_then


def _slowed(scenario: Scenario, ttr_s: float, alone: str) -> Iterator[Limit]:
    """Hosts that are slower the more they hold, if nothing bounds that: each of all who ask at once takes longer."""
    hosts, fleet = scenario.hosts, scenario.fleet
    if fleet is None or not hosts.slower > 1 + TOLD or not fleet.all_at_once_s <= ttr_s / HALF:
        return
    if math.isfinite(hosts.queue_limit) or math.isfinite(hosts.admission_per_s):
        return
    one_s = hosts.serves_s * hosts.slower
    text = f"hosts are slower the more they hold: while all ask at once one takes {show_duration(one_s)} instead of "
    text += show_duration(hosts.serves_s)
    text += f", and a client gives up after {show_duration(hosts.timeout_s)}" if one_s > hosts.timeout_s else ""
    yield Limit("slowdown", text + alone, fleet.all_at_once_s)


def _after_a_restart(scenario: Scenario, back_s: float, alone: str) -> Iterator[Limit]:
    """Clients whose sessions a restart ended, and whom the host refuses as long as it is down: whoever was refused last
    still waits.
    """
    for action in scenario.actions:
        if action.at_s != back_s or not action.refused_s > 0 or math.isinf(action.comes_within_s):
            continue
        wait_s = _wait_after_s(scenario, action.refused_s)
        text = (
            f"a restart takes {show_duration(action.refused_s)}, and clients that are refused meanwhile then wait up "
        )
        text += f"to {show_duration(wait_s)} before they try again"
        latest_s = herd.back_by_s(scenario, action.refused_s) if herd.keeps_step(scenario) else math.inf
        yield Limit("backoff", text + alone, min(action.refused_s + wait_s, latest_s))


def _wait_after_s(scenario: Scenario, down_s: float) -> float:
    """The wait in which a client is at most that was refused for so long, from its first attempt on."""
    if scenario.policies.client.name != "exponential":
        return waits_at_most_s(scenario, down_s)
    tried_s = 0.0
    for wait_s in herd.waits_s(scenario):
        tried_s += wait_s
        if tried_s >= down_s:
            return wait_s
    return math.inf


def waits_at_most_s(scenario: Scenario, down_s: float) -> float:
    """The longest wait between two attempts of a client that failed for so long: waits that grow may not have come to
    their cap, nor come to it in the tries that a job has. At random they are half as long on average, so that more of
    them fit.
    """
    client, cap_s = scenario.policies.client, scenario.longest_wait_s
    retries = math.inf if scenario.jobs is None else scenario.jobs.retries
    if retries == 0:
        return 0.0
    base, factor = (client.parameters.get(key) for key in ("base", "factor"))
    if not isinstance(base, int | float) or not isinstance(factor, int | float):
        return cap_s
    failed_s = 2 * down_s if client.name == "full-jitter" else down_s
    jitter = cap_s / scenario.hosts.client_wait_s if scenario.hosts.client_wait_s > 0 else 1.0
    last_s = next(itertools.islice(herd.waits_s(scenario), int(min(retries, MANY_TRIES)) - 1, None))
    return min(cap_s, last_s * jitter, (base + (factor - 1) * failed_s) * jitter)


def _herd(group: Group, work: float, alone: str) -> Iterator[Limit]:
    """Clients that come back in step, again and again: each time hosts take what they do meanwhile and what their
    queues hold, and the rest come in vain.
    """
    scenario, hosts = group.scenario, group.scenario.hosts
    if (found := herd.after_the_end_of_sessions(scenario, _that_came(group, work))) is not None and found.rounds > 1:
        text = f"{_come_back(scenario)}; the hosts take {show_count(found.at_once)} at a time, "
        text += f"{LOST[found.lost]} and come back in step: {found.rounds} rounds, "
        text += f"the last begins after {show_duration(found.last_s)}"
        yield Limit("herd", text + alone, found.last_s)
    if (found := herd.after_an_outage(scenario, work)) is not None and found.rounds > 1:
        wait, spread = show_duration(hosts.client_wait_s), show_duration(found.spread_s)
        text = f"clients come back in step, all within {spread} and again after {wait}: each time the hosts take "
        text += f"{show_count(found.at_once)} and refuse the rest, which makes {found.rounds} rounds{alone}"
        yield Limit("herd", text, found.last_s)
    if (found := herd.behind_silence(scenario, work)) is not None and found.rounds > 1:
        text = "a full queue says nothing, so whoever finds no place waits for a timeout of "
        text += f"{show_duration(hosts.timeout_s)}, and all ask together again: each time the hosts take "
        text += f"{show_count(found.at_once)}, which makes {found.rounds} rounds{alone}"
        yield Limit("silence", text, found.last_s)


def _that_came(group: Group, work: float) -> float:
    """The work with that of whom the first window after the end of sessions has back already, which a bound on the time
    leaves out.
    """
    scenario, ended = group.scenario, group.mean("sessions_ended")
    if scenario.fleet is None or not scenario.is_counted_from_end or not ended > 0:
        return work
    asks = scenario.fleet.asks
    return max(work, min(ended - (1 - gates.MOST) * asks, gates.MOST * asks))


def _bursts(group: Group, work: float, back_s: float, alone: str) -> Iterator[Limit]:
    """Clients that come in step before a limit: each time few find a token, and the tokens between are lost."""
    scenario, work = group.scenario, _that_came(group, work)
    for who, rate, until_s, burst_s, wait_s in _buckets(scenario, back_s):
        found = herd.behind_a_bucket(scenario, work, rate, burst_s=burst_s, wait_s=wait_s)
        if found is None:
            continue
        last_s = min(found.last_s, until_s - back_s)
        if not work / rate < HALF * last_s:
            continue
        rounds = f"so it takes {found.rounds} rounds, the last of which begins after {show_duration(last_s)}"
        if last_s < found.last_s:
            rounds = f"until it is let go of after {show_duration(last_s)}"
        unused = show_share(1 - work / (rate * found.last_s))
        each = gates.of_each(scenario, rate)
        text = (
            f"{who} in {show_count(rate)} a second{each}, but clients come in step, since all wait equally long: each "
        )
        text += f"time {show_count(found.at_once)} at most find a token, and the tokens of the time between are lost "
        text += f"(about {unused} of them are never used), {rounds}{alone}"
        yield Limit("bursts", text, last_s)


def _buckets(scenario: Scenario, back_s: float) -> Iterator[tuple[str, float, float, float, float]]:
    """Limits with a bucket at the return: what they do, at which rate (1/s; of a ramp the highest), until when, what
    they save up and how long they let wait (s of their rate). Not an admission of which it is not known here what
    operators make of it.
    """
    rule, hosts = scenario.policies.admission, scenario.hosts
    is_known = bool(hosts.admission_course) or not any(one.sets.startswith("policy.adm") for one in scenario.actions)
    if rule.name in BUCKETS and is_known:
        rates = [step.rate_per_s for step in hosts.admission_course if step.at_s >= back_s]
        rate = max([gates.admission_at(scenario, back_s), *rates])
        burst_s, wait_s = (
            float(value) if isinstance(value := rule.parameters.get(key), int | float) else 0.0
            for key in ("burst", "wait")
        )
        yield "admission lets", rate, math.inf, burst_s, wait_s
    for action in scenario.actions:
        if math.isfinite(rate := gates.throttle_at(action, back_s)):
            until_s = next((step.at_s for step in action.lets_in if math.isnan(step.rate_per_s)), math.inf)
            yield "the operators' throttle lets", rate, until_s, action.burst_s, action.wait_s


def _starves(group: Group) -> Limit | None:
    """Clients in step before a limit, where they are not back as the run ends: most of its tokens are lost while most
    attempts are refused, and the rounds that it takes are longer than half of the run.
    """
    if not group.mean("denied_share") > HALF:
        return None
    return _lasts_long(group, _bursts(group, _left_out(group), group.mean("recovers_from_s"), ""))


def _in_rounds(group: Group) -> Limit | None:
    """The same before a full queue or a limit of concurrency, whatever part of the attempts found it full."""
    return _lasts_long(group, _herd(group, _left_out(group), ""))


def _left_out(group: Group) -> float:
    return group.mean("fluid_bound_s") * group.scenario.hosts.fastest_per_s


def _lasts_long(group: Group, found: Iterator[Limit]) -> Limit | None:
    """The longest of these limits, of holders whose work is not in vain, where it takes more than half of the run."""
    if group.scenario.fleet is None or not group.mean("wasted_share") < WASTE:
        return None
    longest = max(found, key=lambda limit: limit.number, default=None)
    had_s = group.scenario.horizon_s - group.mean("recovers_from_s")
    return longest if longest is not None and longest.number >= HALF * had_s else None


LOST = {
    "refused": "the others are refused",
    "silent": "the others hear nothing until their timeout",
    "late": "the others give up in the queue",
}
"""What becomes of those who come in vain, as a part of a sentence."""


def _come_back(scenario: Scenario) -> str:
    """How close together all come back, and since when, with how much work they are."""
    asks, hosts, spread_s = herd.come(scenario), scenario.hosts, herd.apart_s(scenario)
    who, when = f"all {show_count(asks)}", "in one instant" if spread_s == 0 else f"within {show_duration(spread_s)}"
    since = "when their sessions end" if scenario.is_counted_from_end else "once the dependency is back"
    if (refused_s := herd.refused_s(scenario)) > 0:
        since = f"once they are no longer refused, {show_duration(refused_s)} after their sessions end"
    if herd.is_apart(scenario) and spread_s > 0:
        who, when = f"most of the {show_count(asks)}", f"within about {show_duration(spread_s)}"
        since += "" if scenario.is_counted_from_end else ", since they wait between their tries"
    if (crowded := herd.in_few_waves(scenario)) is not None:
        who, when = f"all {show_count(asks)}", f"in {show_count(crowded.waves)} waves,"
        since = "by which operators let them in"
    work = show_duration(asks / hosts.capacity_per_s)
    return f"{who} come back {when} {since}. They bring {work} of work at {show_count(hosts.capacity_per_s)} a second"


# --- later stages -----------------------------------------------------------------------------------------------------


def _doors(group: Group) -> str:
    """What denies launches before anybody looks for a holder, with its verb."""
    part = group.scenario.launches
    admission = part.admission if part is not None else ""
    if admission and part is not None and part.throttle:
        return f"the request throttle and launches.admission ({admission}) deny"
    return f"launches.admission ({admission}) refuses" if admission else "the request throttle denies"


def limit_of_stage(group: Group, stage: str) -> Limit | None:
    """What limits the stage that comes last: one of stage_times.STAGES."""
    if stage == LEASES:
        return limit_of(group)
    if stage == "propagation":
        waiting = group.mean("jobs_waiting_peak")
        return Limit("propagation", f"up to {show_count(waiting)} jobs of propagation wait", waiting)
    if stage == "launches":
        throttled, none_free = (group.mean(f"launches_{why}_share") for why in ("throttled", "insufficient"))
        lost = _launches_lost(group)
        if throttled >= none_free:
            text = f"{_doors(group)} {show_share(throttled)} of the attempts to launch{lost}{_behind(group)}"
            return Limit("launches", text, throttled)
        text = f"{show_share(none_free)} of the attempts to launch find no leased holder{lost}"
        return Limit("holders", text, none_free)
    if stage == "health":
        least = group.mean("usable_min_share")
        text = f"down to {show_share(least)} of the load balancer's targets are usable{_targets_wait_for(group)}"
        return Limit("health", text, least)
    return None


def _launches_lost(group: Group) -> str:
    """Which share of the launches, of which each is attempted several times, is given up, as the end of a sentence."""
    asked, given_up = (group.mean(f"launches_{name}") for name in ("asked", "gave_up"))
    return f", and {show_share(given_up / asked)} of the launches are given up" if given_up > 0 else ""


def _behind(group: Group) -> str:
    """What is not normal behind the doors of the launches, which these hold back from it, as the end of a sentence."""
    if not math.isfinite(group.mean("latency_rises_s")):
        return ""
    return f"; behind it up to {show_count(group.mean('jobs_waiting_peak'))} jobs of propagation wait"


def _targets_wait_for(group: Group) -> str:
    """What keeps targets from being usable, as the end of a sentence: the way of a new one through propagation, or
    checks that fail.
    """
    reached_s, waiting = group.mean("reach_p99_s"), f"up to {show_count(group.mean('jobs_waiting_peak'))} jobs wait"
    if reached_s > group.scenario.window_s:
        text = "; a new one can be reached only when propagation has come to its launch, which takes up to "
        refused = group.mean("jobs_refused_share")
        waiting += f", {show_share(refused)} of the attempts are refused" if refused >= LITTLE else ""
        return f"{text}{show_duration(reached_s)} for 99 % of them ({waiting})"
    failed = group.mean("checks_failed_share")
    return f"; {show_share(failed)} of their checks fail" if failed > 0 else ""
