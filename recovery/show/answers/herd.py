"""A herd in step: how often it comes back, where each time only a part of it finds room. Pure arithmetic."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from recovery.show.answers import gates
from recovery.store.scenario_record import Planned, Scenario
from recovery.units import show_duration

PATIENT = 0.5  # a wait of at most so much of a timeout keeps those in step who time out together
LITTLE = 0.05  # of the work of all: who comes back within so short a time comes in one instant
OFTEN = 10_000  # rounds; who has not found room then never does


class Herd(NamedTuple):
    """How a herd comes: all within `spread_s`, again and again, each time `at_once` at most find room, in `rounds`, the
    last of which begins `last_s` after the first. `lost` says what becomes of the rest: "refused", "silent" (they learn
    it by their timeout) or "late" (they time out in the queue).
    """

    spread_s: float
    at_once: float
    rounds: int
    last_s: float
    lost: str


def comes_within_s(scenario: Scenario) -> float:
    """How far apart clients come back whose sessions operators ended, s, if these hold them back in waves of which each
    is served in time also by these; inf where none ended, or it is not known.
    """
    within_s = min((action.comes_within_s for action in scenario.actions), default=math.inf)
    hold = held_back(scenario)
    if hold is None or in_few_waves(scenario) is not None:
        return within_s
    return max(within_s, hold.waves * hold.every_s)


def in_few_waves(scenario: Scenario) -> Planned | None:
    """The step by which operators let clients in again in waves that are too few, so that each is too many; else
    None.
    """
    hold = held_back(scenario)
    return hold if hold is not None and hold.waves < waves_of(scenario) else None


def held_back(scenario: Scenario) -> Planned | None:
    """The step by which operators hold back all whose sessions they ended, until these are no longer refused, and let
    them in again in waves; None where there is none.
    """
    for ends in (one for one in scenario.actions if math.isfinite(one.comes_within_s)):
        free_s = ends.at_s + ends.refused_s
        for one in scenario.actions:
            is_then = one.at_s <= free_s <= one.at_s + one.waves_from_s
            if one.do == "hold-clients" and is_then and one.waves > 1 and one.every_s > 0:
                return one
    return None


def waves_of(scenario: Scenario) -> int:
    """In how many waves clients must come back at least, of which each comes in one instant, so that its last waits for
    half a timeout at most, and so do its renewals.
    """
    hosts, fleet = scenario.hosts, scenario.fleet
    if fleet is None:
        return 1
    work_s = max(come(scenario) / hosts.capacity_per_s, fleet.renews_s * come(scenario) / fleet.asks)
    return min(math.ceil(work_s / (PATIENT * hosts.timeout_s)), fleet.holders)


def first_attempts(scenario: Scenario) -> tuple[str, float]:
    """How far apart clients come back whose sessions operators ended, in words, and when 99 % of them have, s: of a law
    without an end most come early and a few late.
    """
    late_s = max((action.late_s for action in scenario.actions), default=0.0)
    if late_s > 0:
        return f"99 % of the clients have made their first attempt only after {show_duration(late_s)}", late_s
    within_s = comes_within_s(scenario)
    return f"the first attempts of the clients are spread over {show_duration(within_s)}", gates.MOST * within_s


def asks_s(scenario: Scenario) -> float:
    """When 99 % of the clients whose sessions operators ended have asked for the first time at the soonest, s, whatever
    their waits and the hosts are: by when they learn it, and by their first delay. 0 where not all sessions ended.
    """
    fleet = scenario.fleet
    if fleet is None or not scenario.is_counted_from_end or come(scenario) < fleet.asks:
        return 0.0
    apart = [one.comes_within_s for one in scenario.actions if math.isfinite(one.comes_within_s) and not one.refused_s]
    return max([learns_s(scenario), *(one.late_s for one in scenario.actions), *(gates.MOST * one for one in apart)])


def learns_s(scenario: Scenario) -> float:
    """When 99 % of the clients know whose sessions operators ended, s."""
    return max((action.learns_s for action in scenario.actions), default=0.0)


def come(scenario: Scenario) -> float:
    """Requests that come from when on recovery is counted: of all, or of those whose sessions operators ended; nan of
    jobs.
    """
    if scenario.fleet is None:
        return math.nan
    ended = [one.ends_share for one in scenario.actions if math.isfinite(one.comes_within_s)]
    return scenario.fleet.asks * (max(ended, default=1.0) if scenario.is_counted_from_end else 1.0)


def renewals_wait_s(scenario: Scenario, within_s: float = 0.0) -> float:
    """How long the last renewal waits where all make their leases within a time, or as fast as the hosts do, and a
    check later renew as close together, but for the jitter of checks, s; 0 where they are served as they come.
    """
    fleet = scenario.fleet
    if fleet is None:
        return 0.0
    made_s = max(within_s, come(scenario) / scenario.hosts.fastest_per_s)
    apart_s = made_s + 2 * fleet.check_jitter * fleet.check_every_s
    return max(fleet.renews_s * come(scenario) / fleet.asks - apart_s, 0.0)


def refused_s(scenario: Scenario) -> float:
    """How long clients whose sessions operators ended, from when on recovery is counted, are refused at once, s; 0
    where not all of them are, or it is not known how far apart they come then.
    """
    known = [action.refused_s for action in scenario.actions if math.isfinite(action.comes_within_s)]
    return max(known, default=0.0) if scenario.is_counted_from_end else 0.0


def apart_s(scenario: Scenario) -> float:
    """How far apart clients come back from when on recovery is counted, s: those whose sessions ended, or those that
    failed while the dependency was away; inf where it is not known.
    """
    if scenario.is_counted_from_end:
        return comes_within_s(scenario)
    return scenario.fleet.apart_s if scenario.fleet is not None else math.inf


def is_apart(scenario: Scenario) -> bool:
    """Whether the waits of clients spread them when they come back: since they were refused, or failed, before; not
    where that is little beside the work that they bring.
    """
    if scenario.fleet is None or scenario.is_counted_from_end:
        return refused_s(scenario) > 0
    return LITTLE * scenario.fleet.asks / scenario.hosts.capacity_per_s < apart_s(scenario) < math.inf


def piling_up(scenario: Scenario) -> float:
    """The most requests that wait where all come back: what the hosts do not serve meanwhile."""
    return max(come(scenario) - served_meanwhile(scenario), 0.0)


def served_meanwhile(scenario: Scenario) -> float:
    """Requests that the hosts serve while all come back, or between waves that are each too many; 0 where it is not
    known how far apart they come.
    """
    spread_s = apart_s(scenario)
    if (crowded := in_few_waves(scenario)) is not None:
        return come(scenario) * (1 - 1 / crowded.waves)
    return 0.0 if math.isinf(spread_s) else scenario.hosts.capacity_per_s * spread_s


def is_in_one_instant(scenario: Scenario) -> bool:
    """Whether recovery is counted from the end of all sessions, after which clients come in less time than a timeout,
    and than the hosts need for half of them.
    """
    fleet, hosts = scenario.fleet, scenario.hosts
    if fleet is None or not scenario.is_counted_from_end:
        return False
    return comes_within_s(scenario) < min(hosts.timeout_s, come(scenario) / hosts.capacity_per_s / 2)


def is_of_the_end(scenario: Scenario) -> bool:
    """Whether leases are surely lost since operators end sessions, and their clients come back in one instant or were
    refused before.
    """
    return is_in_one_instant(scenario) or refused_s(scenario) > 0


class Narrow(NamedTuple):
    """Clients whose sessions ended come back within `spread_s`, which is so much less than the hosts need for them,
    `work_s`, that the last of them come to wait about as long as a timeout; or each wave of several brings so much.
    """

    spread_s: float
    work_s: float
    waves: int = 1

    def __str__(self) -> str:
        if self.waves > 1:
            each = f"each in one instant with {show_duration(self.work_s)} of work"
            return f"clients come back in {self.waves} waves, {each}"
        if self.spread_s == 0:
            return f"clients come back in one instant with {show_duration(self.work_s)} of work"
        spread, work = show_duration(self.spread_s), show_duration(self.work_s)
        return f"clients come back within {spread}, which is less than the {work} of work that they bring"


def narrow(scenario: Scenario) -> Narrow | None:
    """Whether a variant stands near a cliff by its numbers alone: one queue without a bound, served in order, in which
    the last of those whose sessions ended wait for more than half of their timeout (with room for chance). Who gives
    up there comes again and lengthens it. None where they do not, where something else lets clients in, or where it is
    not known how far apart they come.
    """
    hosts, fleet, policies = scenario.hosts, scenario.fleet, scenario.policies
    spread_s = comes_within_s(scenario)
    if fleet is None or not scenario.is_counted_from_end or math.isinf(spread_s) or hosts.cancels:
        return None
    is_bounded = math.isfinite(hosts.queue_limit) or math.isfinite(hosts.admitted_queue)
    is_gated = policies.guard.name != "none" or any(action.lets_in for action in scenario.actions)
    if policies.queue.name != "fifo" or is_bounded or is_gated:
        return None
    work_s = come(scenario) / hosts.capacity_per_s  # renewals come behind them
    if (crowded := in_few_waves(scenario)) is not None:
        return Narrow(0.0, work_s / crowded.waves, crowded.waves)
    return Narrow(spread_s, work_s) if piling_up(scenario) > hosts.capacity_per_s * hosts.timeout_s / 2 else None


def back_by_s(scenario: Scenario, refused_s: float) -> float:
    """When the last of those asks again who are refused for so long and all wait equally long, s: they asked for the
    first time within a known time, and their waits add up.
    """
    within_s, tried_s, last_s = comes_within_s(scenario), 0.0, 0.0
    for wait_s in waits_s(scenario):
        is_last = tried_s >= refused_s  # even of those who asked first
        if tried_s + within_s >= refused_s and not last_s:
            last_s = tried_s + within_s  # whoever asked last
        if is_last or not wait_s > 0:
            break
        if tried_s + within_s >= refused_s:
            last_s = max(last_s, refused_s + wait_s)  # whoever was refused just before the end
        tried_s += wait_s
    return last_s if is_last else math.inf


def keeps_step(scenario: Scenario) -> bool:
    """Whether all clients wait equally long."""
    client = scenario.policies.client
    delay = client.parameters.get("delay")
    is_constant = isinstance(delay, dict) and delay.get("dist") == "constant"
    return client.name == "exponential" or (client.name == "fixed" and is_constant)


def after_an_outage(scenario: Scenario, work: float) -> Herd | None:
    """The herd of clients that began to fail within one round of checks, and now wait for as long as they ever do."""
    hosts, fleet = scenario.hosts, scenario.fleet
    if fleet is None or not keeps_step(scenario) or not fleet.check_every_s < hosts.client_wait_s:
        return None
    at_once = hosts.capacity_per_s * fleet.check_every_s + hosts.room
    rounds = math.ceil(work / at_once) if math.isfinite(at_once) else 1
    return Herd(fleet.check_every_s, at_once, rounds, (rounds - 1) * hosts.client_wait_s, "refused")


def after_the_end_of_sessions(scenario: Scenario, work: float) -> Herd | None:
    """The herd of clients whose sessions ended at one moment: their waits begin with the first. Where they give up in
    the queue, it must be empty again before they come back, or leave no work for those who have gone.
    """
    hosts = scenario.hosts
    if not is_in_one_instant(scenario) or not keeps_step(scenario):
        return None
    spread_s, room = comes_within_s(scenario), hosts.room
    patient, waits = hosts.capacity_per_s * hosts.timeout_s, waits_s(scenario)
    if room <= patient:
        lost, lasts_s = ("silent", hosts.timeout_s) if hosts.is_silent else ("refused", 0.0)
    elif math.isinf(room) and scenario.policies.queue.name in ("fifo", "bounded", "drop-expired"):
        lost, lasts_s = "late", hosts.timeout_s
        leaves = hosts.cancels or scenario.policies.queue.name == "drop-expired"
        if not leaves and work / hosts.capacity_per_s > lasts_s + next(waits_s(scenario)):
            return None
    else:
        return None
    most = min(room, patient)
    left, last_s, rounds = work - most - hosts.capacity_per_s * spread_s, 0.0, 1
    while last_s < refused_s(scenario):  # who comes so soon finds no host
        last_s += next(waits)
    while left > 0 and rounds < OFTEN:
        gap_s = lasts_s + next(waits)
        left -= min(most, hosts.capacity_per_s * gap_s)
        last_s, rounds = last_s + gap_s, rounds + 1
    return Herd(spread_s, most, rounds, last_s, lost) if left <= 0 else None


def behind_silence(scenario: Scenario, work: float) -> Herd | None:
    """The herd that a full queue makes which says nothing: all who come within a wait of each other, and find no place,
    learn it by their timeout, and so come together again.
    """
    hosts, wait_s = scenario.hosts, scenario.hosts.client_wait_s
    room = hosts.room
    if not hosts.is_silent or room > hosts.capacity_per_s * hosts.timeout_s or not wait_s <= PATIENT * hosts.timeout_s:
        return None
    at_once = room + hosts.capacity_per_s * wait_s
    rounds = math.ceil(work / at_once)
    return Herd(wait_s, at_once, rounds, (rounds - 1) * (hosts.timeout_s + wait_s), "silent")


def behind_a_bucket(
    scenario: Scenario, work: float, rate_per_s: float, *, burst_s: float, wait_s: float
) -> Herd | None:
    """The herd before a limit of so many a second: each time those find a token for whom the bucket has saved one up,
    fills while they come, or lets wait. What it would let in until they come again is lost, save what it saves up.
    """
    hosts, fleet = scenario.hosts, scenario.fleet
    if fleet is None or not keeps_step(scenario) or not 0 < rate_per_s < math.inf:
        return None
    if scenario.policies.guard.name != "none" or any(rule.key == "host.hint" for rule in scenario.rules):
        return None  # then clients wait for something else, too
    spread_s = comes_within_s(scenario) if scenario.is_counted_from_end else fleet.check_every_s
    if not spread_s < hosts.client_wait_s:
        return None
    let_in_s, waits = spread_s + min(wait_s, hosts.timeout_s), waits_s(scenario)
    most = max(rate_per_s * (burst_s + let_in_s), float(hosts.hosts))
    left, last_s, rounds = work - most, 0.0, 1
    while left > 0 and rounds < OFTEN:
        gap_s = next(waits)
        left -= min(most, max(rate_per_s * (gap_s + let_in_s), float(hosts.hosts)))
        last_s, rounds = last_s + gap_s, rounds + 1
    return Herd(spread_s, most, rounds, last_s, "refused") if left <= 0 else None


def waits_s(scenario: Scenario) -> Iterator[float]:
    """The waits of a client between its attempts, from the first on."""
    parameters, cap_s = scenario.policies.client.parameters, scenario.hosts.client_wait_s
    base, factor = parameters.get("base"), parameters.get("factor")
    wait_s = float(base) if isinstance(base, int | float) else cap_s
    growth = float(factor) if isinstance(factor, int | float) else 1.0
    while True:
        yield min(wait_s, cap_s)
        wait_s = min(wait_s * growth, cap_s)
