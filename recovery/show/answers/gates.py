"""What a limit lets in: how long that takes, beside what comes all the time. Pure arithmetic."""

import itertools
import math
from collections.abc import Iterator

from recovery.store.scenario_record import Planned, Scenario

RAMP = 2  # rates; a throttle of more is a ramp


def left_of(scenario: Scenario, rate_per_s: float, *, spares_renewals: bool) -> float:
    """What a limit of so many a second leaves for what waits, 1/s: jobs that arrive go through it too, and the more
    renewals, the more leases there are again, unless it spares them.
    """
    if scenario.fleet is None:
        return max(rate_per_s - scenario.wanted_per_s, 0.0)
    if spares_renewals or not rate_per_s > 0:
        return rate_per_s
    return rate_per_s / longer(scenario.fleet.renewals_per_s / rate_per_s)


def slowed(scenario: Scenario) -> float:
    """How many times as long the hosts take for work because something else comes meanwhile: arrivals all the time, or
    renewals.
    """
    if scenario.fleet is None:
        free = 1.0 - scenario.wanted_per_s / scenario.hosts.capacity_per_s
        return 1.0 / free if free > 0 else math.inf
    return longer(scenario.fleet.renewals_share)


def longer(renewals: float) -> float:
    """How many times as long leases take beside renewals of this share, which are the more, the more leases there are
    again: dx/dt = c (1 - r x), from none to all, is log(1/(1 - r))/r as long as without.
    """
    if renewals >= 1:
        return math.inf
    return -math.log1p(-renewals) / renewals if renewals > 0 else 1.0


def _gates(scenario: Scenario) -> Iterator[Planned]:
    """Throttles and pauses whose time is known."""
    return (action for action in scenario.actions if action.lets_in and math.isfinite(action.at_s))


def last_rate(scenario: Scenario) -> float:
    """What the operators' throttles let in at the end of what comes all the time, 1/s; inf without one."""
    rates = [
        action.lets_in[-1].rate_per_s
        for action in _gates(scenario)
        if not (action.spares_renewals and scenario.has_leases)
    ]
    return min((rate for rate in rates if not math.isnan(rate)), default=math.inf)


def throttled_s(scenario: Scenario, work: float, back_s: float) -> tuple[float, str]:
    """How long after the return a throttle or a pause takes to let so much in, s: the longest of them, and which of the
    two it is, or a ramp, which is a throttle of many rates; inf if never, 0 without.
    """
    longest = (0.0, "throttle")
    for action in _gates(scenario):
        left, ends = work, [*(step.at_s for step in action.lets_in[1:]), math.inf]
        taken = math.inf
        for step, end in zip(action.lets_in, ends, strict=True):
            begin = max(step.at_s, back_s)
            if end <= begin:
                continue
            if math.isnan(step.rate_per_s):  # off
                taken = max(begin - back_s, 0.0)
                break
            rate = left_of(scenario, step.rate_per_s, spares_renewals=action.spares_renewals)
            if left <= rate * (end - begin):
                taken = begin + (left / rate if left > 0 else 0.0) - back_s
                break
            left -= rate * (end - begin)
        is_before = action.lets_in[0].at_s > back_s and taken <= action.lets_in[0].at_s - back_s
        rates = [step.rate_per_s for step in action.lets_in if not math.isnan(step.rate_per_s)]
        what = "ramp" if len(rates) > RAMP else action.do
        longest = max(longest, (0.0 if is_before else taken, what))
    return longest


def admission_at(scenario: Scenario, at_s: float) -> float:
    """What admission lets in at a time, 1/s, where operators set its rate; inf without a limit."""
    course = scenario.hosts.admission_course
    if not course:
        return scenario.hosts.admission_per_s
    if at_s >= course[-1].at_s:
        return course[-1].rate_per_s
    for one, other in itertools.pairwise(course):
        if one.at_s <= at_s < other.at_s:
            return one.rate_per_s + (other.rate_per_s - one.rate_per_s) * (at_s - one.at_s) / (other.at_s - one.at_s)
    return course[0].rate_per_s


def is_ramp(scenario: Scenario, work: float, back_s: float) -> bool:
    """Whether what admission lets in changes after the return, before so much is let in."""
    course, until_s = scenario.hosts.admission_course, back_s + ramp_s(scenario, work, back_s)
    changes = (pair for pair in itertools.pairwise(course) if pair[0].rate_per_s != pair[1].rate_per_s)
    return any(other.at_s > back_s and one.at_s < until_s for one, other in changes)


def ramp_s(scenario: Scenario, work: float, back_s: float) -> float:
    """How long after the return an admission takes to let so much in whose rate goes evenly from corner to corner, s;
    inf if never, nan where nobody sets it. On a line from r at a slope s it takes t for r t + s t²/2. Where
    renewals go through it too, what it leaves is taken as a line between the same corners.
    """
    course = scenario.hosts.admission_course
    if not course:
        return math.nan
    edges = [back_s, *(corner.at_s for corner in course if corner.at_s > back_s), math.inf]
    left, spares = work, scenario.hosts.admission_spares_renewals
    for begin, end in itertools.pairwise(edges):
        first = left_of(scenario, admission_at(scenario, begin), spares_renewals=spares)
        if math.isinf(end):
            return begin - back_s + left / first if first > 0 else math.inf
        last = left_of(scenario, admission_at(scenario, math.nextafter(end, begin)), spares_renewals=spares)
        if left <= (first + last) / 2 * (end - begin):
            slope = (last - first) / (end - begin)
            return begin - back_s + 2 * left / (first + math.sqrt(max(first * first + 2 * slope * left, 0.0)))
        left -= (first + last) / 2 * (end - begin)
    return math.inf


def expiries_per_s(scenario: Scenario) -> float:
    """How many leases run out in a second at most, on all hosts; inf without such a cap."""
    rule = scenario.policies.lease
    rate = rule.parameters.get("rate")
    if rule.name != "expiry-cap" or not isinstance(rate, int | float):
        return math.inf
    return float(rate) * scenario.hosts.hosts
