"""What a limit lets in: how long that takes, beside what comes all the time. Pure arithmetic."""

import functools
import itertools
import math
from collections.abc import Iterator, Sequence

from recovery.show.answers.refill import Beside, refill_s
from recovery.store.scenario_record import Planned, Scenario, Step
from recovery.units import show_count, show_share

MOST = 0.99  # of what waits: the time to recovery is until so much is gone
MANY = 2  # hosts: a rate of the whole fleet is then another for each of them
RAMP = 2  # rates; a throttle of more is a ramp


def of_each(scenario: Scenario, rate_per_s: float) -> str:
    """What a rate of the whole fleet is for one host, in brackets: " (75 a host, 19 % of what it can do)"; "" where
    there is one host, or no limit.
    """
    hosts = scenario.hosts
    if hosts.hosts < MANY or not math.isfinite(rate_per_s):
        return ""
    share = show_share(rate_per_s / hosts.capacity_per_s)
    return f" ({show_count(rate_per_s / hosts.hosts)} a host, {share} of what it can do)"


def beside(scenario: Scenario, work: float, *, spares_renewals: bool = False, renewal: float = 1.0) -> Beside:
    """What passes a limit beside so much work: jobs that arrive; or renewals, of holders that kept their leases all the
    time, of new leases from their first check on. A renewal is `renewal` of the work of making a lease.
    """
    fleet = scenario.fleet
    if fleet is None:
        return Beside(scenario.wanted_per_s)
    if spares_renewals or not fleet.renewals_per_s > 0:
        return Beside()
    kept = max(MOST - work / fleet.asks, 0.0)
    return Beside(kept * fleet.renewals_per_s * renewal, fleet.asks / fleet.renewals_per_s, renewal)


def hosts_s(scenario: Scenario, work: float) -> float:
    """How long the hosts take for so much work beside what comes all the time, s; inf if it leaves them no room. Where
    all fit into a queue that is served first in, first out, renewals come behind them.
    """
    return served_s(scenario, work, scenario.hosts.most_per_s)


def served_s(scenario: Scenario, work: float, rate_per_s: float) -> float:
    """The same where so many a second are served."""
    is_in_order = scenario.policies.queue.name == "fifo" and work / rate_per_s <= scenario.hosts.timeout_s
    if scenario.fleet is not None and is_in_order:
        return work / rate_per_s
    return beside_renewals_s(scenario, work, rate_per_s)


def beside_renewals_s(scenario: Scenario, work: float, rate_per_s: float) -> float:
    """The same where renewals, or jobs that arrive, are served beside the work."""
    hosts, fleet, renewal = scenario.hosts, scenario.fleet, 1.0
    if fleet is not None and fleet.renewals_per_s > 0:
        renewal = fleet.renewals_share * hosts.capacity_per_s / fleet.renewals_per_s
    return refill_s(work, lambda at_s: rate_per_s * at_s, beside(scenario, work, renewal=renewal))


def admission_s(scenario: Scenario, work: float, rate_per_s: float) -> float:
    """How long an admission of so many a second takes to let so much in, s; inf if never."""
    spares = scenario.hosts.admission_spares_renewals
    return refill_s(work, lambda at_s: rate_per_s * at_s, beside(scenario, work, spares_renewals=spares))


def _gates(scenario: Scenario) -> Iterator[Planned]:
    """Throttles and pauses whose time is known."""
    return (action for action in scenario.actions if action.lets_in and math.isfinite(action.at_s))


def throttle_at(action: Planned, at_s: float) -> float:
    """What a throttle lets in at a time (nan: not known), or when it begins if that is later, 1/s; inf where it limits
    nobody.
    """
    if action.do != "throttle" or not action.lets_in or not math.isfinite(action.at_s):
        return math.inf
    first = action.lets_in[0]
    rate_per_s = [first, *(step for step in action.lets_in if step.at_s <= at_s)][-1].rate_per_s
    return math.inf if math.isnan(rate_per_s) else rate_per_s


def throttled_s(scenario: Scenario, work: float, back_s: float) -> tuple[float, str]:
    """How long after the return a throttle or a pause takes to let so much in, s: the longest of them, and which of the
    two it is, or a ramp, which is a throttle of many rates; inf if never, 0 without.
    """
    longest = (0.0, "throttle")
    for action in _gates(scenario):
        steps = [step for step in action.lets_in if not math.isnan(step.rate_per_s)]
        off_s = next((step.at_s for step in action.lets_in if math.isnan(step.rate_per_s)), math.inf)
        passes = beside(scenario, work, spares_renewals=action.spares_renewals)
        let_in, steady_s = functools.partial(_let_in, steps, back_s), max((step.at_s for step in steps), default=0.0)
        taken = min(refill_s(work, let_in, passes, steady_s - back_s), max(off_s - back_s, 0.0))
        is_before = action.lets_in[0].at_s > back_s and taken <= action.lets_in[0].at_s - back_s
        what = "ramp" if len(steps) > RAMP else action.do
        longest = max(longest, (0.0 if is_before else taken, what))
    return longest


def _let_in(steps: Sequence[Step], back_s: float, for_s: float) -> float:
    """How much steps of a throttle let in from the return on, for so long."""
    ends = [*(step.at_s for step in steps[1:]), math.inf]
    spans = (
        (step.rate_per_s, min(end, back_s + for_s) - max(step.at_s, back_s))
        for step, end in zip(steps, ends, strict=True)
    )
    return math.fsum(rate_per_s * span_s for rate_per_s, span_s in spans if span_s > 0)


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
    inf if never, nan where nobody sets it.
    """
    course = scenario.hosts.admission_course
    if not course:
        return math.nan
    edges = [back_s, *(corner.at_s for corner in course if corner.at_s > back_s)]

    def let_in(for_s: float) -> float:
        """The area under the course: its rate is a line between two edges, of any slope."""
        corners = [*(edge for edge in edges if edge < back_s + for_s), back_s + for_s]
        return math.fsum(
            (admission_at(scenario, begin) + admission_at(scenario, math.nextafter(end, begin))) / 2 * (end - begin)
            for begin, end in itertools.pairwise(corners)
        )

    passes = beside(scenario, work, spares_renewals=scenario.hosts.admission_spares_renewals)
    return refill_s(work, let_in, passes, edges[-1] - back_s)


def percentage_s(scenario: Scenario, back_s: float) -> float:
    """How long after the return an admission by a share that grows in steps takes to let nearly all in, s; nan without
    one.
    """
    rule = scenario.policies.admission
    keys = ("start", "from_share", "step", "every")
    start, share, step, every = (rule.parameters.get(key) for key in keys)
    if rule.name != "percentage-ramp" or not isinstance(share, int | float) or not isinstance(every, int | float):
        return math.nan
    if not isinstance(step, int | float) or not isinstance(start, int | float) or not step > 0:
        return math.nan
    steps = max(math.ceil((MOST - share) / step - 1e-9), 0)
    return max(start + steps * every - back_s, 0.0)


def expiries_per_s(scenario: Scenario) -> float:
    """How many leases run out in a second at most, on all hosts; inf without such a cap."""
    rule = scenario.policies.lease
    rate = rule.parameters.get("rate")
    if rule.name != "expiry-cap" or not isinstance(rate, int | float):
        return math.inf
    return float(rate) * scenario.hosts.hosts
