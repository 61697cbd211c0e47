"""Whether any lease can run out because of an outage, by arithmetic alone, before anything runs."""

import math
from collections.abc import Sequence

from recovery.show import advice
from recovery.store.run_record import Group
from recovery.store.scenario_record import Course, Lasting, Scenario
from recovery.units import show_count, show_duration

ROOM = 2  # the renewals that an outage held up must be through in this part of the time that is left
MOST = 0.9  # of the hosts' work: renewals that take more never catch up surely


def told(scenario: Scenario, outages: Course, lasting: Lasting | None) -> str:
    """A sentence that no lease runs out, and why; where that is sure for the outage alone, that a run tells the rest.
    "" where leases may run out, or where it is not known.
    """
    if lasting is None or not outages:
        return ""
    away_s = _longest_s(scenario, outages, lasting)
    left_s = lasting.through_s - away_s
    if not left_s > 0 or not scenario.wanted_share < MOST:
        return ""
    catch_up_s = _catch_up_s(scenario, away_s)
    is_sure = ROOM * catch_up_s <= left_s
    text = "No lease runs out because of the outage" if is_sure else "No lease runs out while the dependency is away"
    text += f": a lease runs for {show_duration(lasting.lease_s)}, checks are up to {show_duration(lasting.check_s)} "
    text += f"apart and an attempt takes up to {show_duration(lasting.attempt_s)}, so each lease lasts at least "
    text += f"{show_duration(lasting.through_s)} of outage, and the longest is {show_duration(away_s)}"
    if is_sure:
        text += f"; the renewals that it held up are through {show_duration(catch_up_s)} later at the latest"
    else:
        text += f"; whether the renewals that it held up are through {show_duration(left_s)} later, only a run tells"
    return f"{text}."


def spared(group: Group, courses: Sequence[Course]) -> str:
    """Why nobody lost a lease in the outages of some runs, in numbers, and with which margin; "" where that is not
    known. `courses` are those of the group's own runs.
    """
    found, scenario = group.spared, group.scenario
    if found is None:
        return ""
    lasts, wait_s = found.lasts, scenario.longest_wait_s
    away_s = max(_longest_s(scenario, course, lasts) for course in courses if course)
    left_s, needed_s = lasts.lease_s - lasts.check_s, away_s + wait_s + lasts.attempt_s
    text = f"A lease runs for {show_duration(lasts.lease_s)} and is checked after {show_duration(lasts.check_s)} at "
    text += f"the latest, so at least {show_duration(left_s)} of it are left when a renewal first fails. The longest "
    text += f"outage ({show_duration(away_s)}), the longest wait for the next attempt ({show_duration(wait_s)}) and "
    text += f"that attempt (up to {show_duration(lasts.attempt_s)}) take {show_duration(needed_s)} together"
    which = "this run" if group.runs == 1 else "these runs"
    if left_s > needed_s:
        text += f": a margin of at least {show_duration(left_s - needed_s)}, if that attempt succeeds."
    else:
        text += f", so at worst a lease could run out; in {which} none did."
    many = show_count(found.failed)
    mean = " (mean of the runs)" if group.runs > 1 else ""
    return f"{text} {many} attempts to renew failed or timed out meanwhile{mean}." if found.failed else text


def is_sure(text: str) -> bool:
    """Whether what is told holds to the end, not only while the dependency is away."""
    return text.startswith("No lease runs out because")


def _longest_s(scenario: Scenario, outages: Course, lasting: Lasting) -> float:
    """The longest outage, s; two are one where some may not renew between them."""
    between_s = lasting.check_s + lasting.attempt_s + scenario.hosts.client_wait_s
    begin_s, end_s, longest_s = outages[0].from_s, outages[0].to_s, 0.0
    for one in outages:
        begin_s = one.from_s if one.from_s - end_s > between_s else begin_s
        end_s = max(end_s, one.to_s) if begin_s != one.from_s else one.to_s
        longest_s = max(longest_s, end_s - begin_s)
    return longest_s


def _catch_up_s(scenario: Scenario, away_s: float) -> float:
    """How long after the return all have renewed, at most, s: each holder left an attempt in the queue for each timeout
    of the outage, goes on to do so while the queue is long, and may have to wait before it asks again. inf where
    something holds attempts back, or operators act, so that this does not tell it.
    """
    hosts, fleet = scenario.hosts, scenario.fleet
    is_open = scenario.policies.admission.name == "open" and scenario.policies.guard.name == "none"
    if fleet is None or not fleet.renewals_per_s > 0 or not is_open or scenario.actions or hosts.is_silent:
        return math.inf
    if math.isfinite(hosts.queue_limit) or math.isfinite(hosts.dies_at) or math.isnan(hosts.hanging):
        return math.inf
    served_per_s = hosts.capacity_per_s
    if not advice.late_costs(scenario):
        served_per_s = fleet.renewals_per_s / fleet.renewals_share if fleet.renewals_share > 0 else math.inf
    come_per_s = fleet.asks / hosts.timeout_s
    if not come_per_s < MOST * served_per_s:
        return math.inf
    waiting = fleet.asks * (1.0 if hosts.cancels else 1 + away_s / hosts.timeout_s)
    # of those that were begun before the return; what hangs is served then
    fails_s = hosts.workers * hosts.hosts / hosts.failing_per_s if hosts.failing_per_s > 0 else hosts.serves_s
    return waiting / (served_per_s - come_per_s) + hosts.client_wait_s + hosts.timeout_s + fails_s
