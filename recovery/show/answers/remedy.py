"""What the mechanism that limits a recovery points to: one change of the file, as `--set` takes it. Not simulated."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from recovery import theory
from recovery.show.answers import gates, herd
from recovery.show.answers.mechanism import HALF, ORDERED, VAIN, Limit, work_of
from recovery.store.run_record import Group
from recovery.store.scenario_record import Scenario
from recovery.units import show_count, show_duration

REFUSING = 0.1  # of the hosts' work: saying no should take no more
HIGH = 0.9  # of what the hosts can do: a limit that holds nobody back and yet spares them
SHORT_QUEUE = "a short queue"
CLOSER = (SHORT_QUEUE, "a higher limit", "a higher limit at once", "newest first", "no step by hand")
"""Remedies by which leases may be made as fast as the hosts do."""
FIRST_DELAY = "a first delay"
SAME = 0.02  # relative: what is proposed is told with two or three digits, and so near to what is set it is no change
HEADROOM = 0.7  # of the hosts' work: what must be done all the time should take no more


class Remedy(NamedTuple):
    """A change under its name, what it does in words, and each KEY=VALUE of it; about when 99 % are back
    with it, s after their return, where arithmetic tells (nan: it does not), and over how long it spreads who comes.
    """

    name: str
    text: str
    overrides: tuple[str, ...]
    back_s: float = math.nan
    over_s: float = math.nan


def of(group: Group, limit: Limit) -> Remedy | None:
    """The change that removes a limit of a variant; None where no key of the file does. Where leases may then be made
    so close together that renewals, which come as close a check later, time out, it says what stands against that.
    """
    found = _of(group, limit)
    if found is None or is_in(group.scenario, found):
        return None
    if found.name not in CLOSER or not _is_crowded(group.scenario):
        return found
    text = "; but all then renew in step a check later, which they would not get through in time without "
    return found._replace(text=f"{found.text}{text}lease.check_jitter")


def _is_crowded(scenario: Scenario, within_s: float = 0.0) -> bool:
    """Whether renewals come to wait for more than half of their timeout where all make their leases within a time."""
    return herd.renewals_wait_s(scenario, within_s) > scenario.hosts.timeout_s / 2


def _loose_s(scenario: Scenario, wait_s: float) -> float:
    """A wait at random at least so long that the renewals of those who come back by it are served as they come: who
    waits a random part of it comes once in half of it.
    """
    if scenario.fleet is None or not _is_crowded(scenario, wait_s / 2):
        return wait_s
    return max(wait_s, 2 * scenario.fleet.renews_s / HIGH)


def _of(group: Group, limit: Limit) -> Remedy | None:
    scenario, hosts = group.scenario, group.scenario.hosts
    match limit.kind:
        case "herd" | "timeout" if herd.is_of_the_end(scenario) and scenario.wanted_share < HIGH:
            return _first_delay(group)
        case "service":
            return _longer_timeout(group)
        case "silence":
            return _asking_sooner(group)
        case "timeout" if scenario.has_leases and scenario.wanted_share >= HIGH:
            return _room(group)  # a short queue would turn renewals away
        case "timeout":
            return _live_work_only(group) or outlasting(group, limit)
        case "retries" | "crash":
            return _live_work_only(group)
        case "renewals" | "arrivals":
            return _room(group)
        case "uneven":
            return Remedy("an even spread", "as many holders for each host", ("fleet.skew=0",))
        case "capacity" if group.mean("wasted_share") >= VAIN and (short := short_queue(group)) is not None:
            return short  # cheaper than workers that work in vain too
        case "capacity" if not hosts.best_per_s:  # else what operators set decides, not the file
            return _kept_short(group, _workers(group, 2 * hosts.workers), 2 * hosts.capacity_per_s)
        case "gated":
            return _renewals_pass(group)
        case "admission" if _takes_renewals(group):
            return _renewals_pass(group)
        case "admission":
            return _higher_limit(group)
        case "concurrency":
            return _more_at_a_time(group)
        case "ramp":
            return _no_ramp(group)
        case "backoff":
            return _shorter_waits(group, limit.number)
        case "herd":
            return _jitter(group)
        case "bursts":
            return _evenly(group)
        case "operator" | "restart":
            return without_hands(group)
        case "horizon":
            end_s = 1.5 * limit.number
            return Remedy("a longer run", f"a run of {show_duration(end_s)}", (f"horizon={_seconds(end_s)}",))
        case "refusals":
            return _longer_waits(group)
        case "expiry" if scenario.fleet is not None:
            lease_s = 2 * scenario.fleet.asks / hosts.capacity_per_s
            if _is_set(lease_s, scenario.fleet.lease_s):
                return None
            longer = f"lease.duration={_seconds(lease_s)}"
            later_s = lease_s - scenario.fleet.lease_s
            text = f"leases of {show_duration(lease_s)}, by which a holder that dies is missed up to "
            return Remedy("longer leases", f"{text}{show_duration(later_s)} later", (longer,))
        case "launches" if scenario.propagation is None and scenario.health is None:  # nobody is behind the throttle
            return Remedy("no throttle of launches", "launches without a throttle", ("launches.throttle=[]",))
        case "propagation" if scenario.propagation is not None and scenario.propagation.workers > 0:
            many = 2 * scenario.propagation.workers
            text = f"{many} workers a shard of propagation instead of {scenario.propagation.workers}"
            return Remedy("more workers in propagation", text, (f"propagation.workers={many}",))
    return None


def has_way_back(group: Group) -> bool:
    """Whether a variant surely recovers though nobody acts and all ask at once (MODEL.md, section 2): renewals or jobs
    leave the hosts room, leases outlast their refill (r4), saying no takes little of the work (r5), and either the
    longest queue is served within the timeout (r2) or all who can ask are (r1), with room for chance; of jobs that come
    below the hidden capacity every queue ends. Whoever cancels what timed out, or serves another order, is not sure.
    """
    scenario, hosts, fleet, jobs = group.scenario, group.scenario.hosts, group.scenario.fleet, group.scenario.jobs
    is_bounded = hosts.queue_limit / hosts.capacity_per_s <= hosts.timeout_s / 2
    if not scenario.wanted_share < HIGH or (is_bounded and not _refused_share(group) < REFUSING):
        return False
    if scenario.policies.queue.name not in ORDERED:
        return False
    if jobs is not None:
        return is_bounded or jobs.arrivals_per_s < jobs.hidden_per_s
    if fleet is None or not fleet.asks / hosts.capacity_per_s < HIGH * fleet.lease_s * (1 - fleet.renewals_share):
        return False
    # of requests that hang theory may not tell the number (nan)
    return is_bounded or (fleet.all_at_once_s <= hosts.timeout_s / 2 and hosts.hanging_s <= hosts.timeout_s / 2)


def _refused_share(group: Group) -> float:
    """Share of the hosts' work that saying no takes at most: all are refused, and each tries as often as it ever does,
    after half of its first wait (nan where that is not known).
    """
    scenario, hosts = group.scenario, group.scenario.hosts
    if hosts.reject_share == 0:
        return 0.0
    client = scenario.policies.client
    first = client.parameters.get("base", client.parameters.get("delay"))
    if scenario.fleet is None or not isinstance(first, int | float) or not first > 0:
        return math.nan
    return hosts.reject_share * scenario.fleet.asks / (hosts.capacity_per_s * first / 2)


def without_hands(group: Group) -> Remedy | None:
    """Nothing by hand where the fleet surely recovers so; else a queue in its place that serves live work alone."""
    by_hand = "operator=[]"
    if math.isfinite(herd.comes_within_s(group.scenario)):  # without their steps no session would end
        return None
    if has_way_back(group):
        return Remedy("no step by hand", "doing nothing by hand", (by_hand,))
    short = _live_work_only(group)
    if short is None:
        return None
    return Remedy(
        f"{short.name} and no step by hand", f"{short.text}, and doing nothing by hand", (by_hand, *short.overrides)
    )


def _takes_renewals(group: Group) -> bool:
    """Whether renewals take half of what admission lets in, or more."""
    scenario, work = group.scenario, work_of(group)
    if not scenario.has_leases or scenario.hosts.admission_spares_renewals or not work > 0:
        return False
    rate_per_s = gates.admission_at(scenario, group.mean("recovers_from_s"))
    return work / rate_per_s <= HALF * gates.admission_s(scenario, work, rate_per_s)


def _renewals_pass(group: Group) -> Remedy | None:
    """The limits for new leases alone, where the hosts have room for all renewals and the limits can tell them apart;
    with a short queue where what they let in may be more than the hosts do. Else a higher limit, or nothing by hand.
    """
    scenario = group.scenario
    overrides: list[str] = []
    said: list[str] = []
    if scenario.policies.admission.parameters.get("only") == "all":
        overrides.append('policy.admission.only="establish"')
        said.append("policy.admission")
    for action in scenario.actions:
        if action.takes_by:
            overrides.append(f'{action.takes_by}="establish"')
            said.append("the throttle")
    if not overrides or not scenario.wanted_share < HIGH:
        return _higher_limit(group) if math.isfinite(scenario.hosts.admission_per_s) else without_hands(group)
    text = f'a limit that lets renewals pass (only = "establish" of {" and of ".join(dict.fromkeys(said))})'
    passes = Remedy("renewals pass", text, tuple(overrides))
    rates = (gates.throttle_at(one, group.mean("recovers_from_s")) for one in scenario.actions)
    rate_per_s = min(scenario.hosts.admission_per_s, *rates, math.inf)
    short = None if _fits(scenario, 0.0, rate_per_s, 1) else short_queue(group)
    return passes if short is None else _both(passes, short)


def _higher_limit(group: Group) -> Remedy | None:
    """What comes all the time and passes the limit, and 90 % of what the hosts have left beside it. Where so much is
    let in already, or nothing is left, more workers too. What a bucket saves up comes at once, so it must be less than
    is served in time; what is let in may be more work than the hosts do, so that the queue must be short (`_fits`).
    """
    scenario, hosts = group.scenario, group.scenario.hosts
    passes = 0.0 if scenario.has_leases and hosts.admission_spares_renewals else scenario.wanted_per_s
    for times in (1, 2):
        capacity_per_s = times * hosts.capacity_per_s
        rate_per_s = passes + HIGH * (capacity_per_s - scenario.wanted_work_per_s)
        is_more = hosts.admission_per_s < rate_per_s and not _is_set(_down(rate_per_s), hosts.admission_per_s)
        if is_more and scenario.wanted_work_per_s < HIGH * capacity_per_s:
            break
    else:
        return None
    said = f"{_down(rate_per_s):g}"
    overrides = [f"policy.admission.rate={said}/s"]
    burst = scenario.policies.admission.parameters.get("burst")
    if isinstance(burst, int | float) and burst > hosts.timeout_s / 2:
        overrides.append(f"policy.admission.burst={_seconds(hosts.timeout_s / 2)}")
    text = f"a limit of {show_count(float(said))} a second instead of {show_count(hosts.admission_per_s)}"
    higher = Remedy("a higher limit", text, tuple(overrides))
    if not _fits(scenario, passes, rate_per_s, times) and (short := short_queue(group, times)) is not None:
        higher = _both(higher, short)
    return higher if times == 1 else _both(_workers(group, times * hosts.workers), higher)


def _fits(scenario: Scenario, passes: float, rate_per_s: float, times: int) -> bool:
    """Whether so much may be let in without a queue that requests time out in: hosts of so many times the workers do it
    all, also while the dependency is down, though each that is let in has to be made anew; or all at once wait for less
    than half a timeout.
    """
    hosts, fleet = scenario.hosts, scenario.fleet
    is_room = rate_per_s <= times * hosts.failing_per_s
    if fleet is not None:
        is_room = is_room and (passes == 0 or rate_per_s <= times * hosts.capacity_per_s)
    return is_room or (fleet is not None and fleet.all_at_once_s / times <= hosts.timeout_s / 2)


def _more_at_a_time(group: Group) -> Remedy | None:
    """A limit of concurrency by which all workers serve, and half a timeout of work waits; None where it is so now."""
    hosts = group.scenario.hosts
    asks = group.scenario.fleet.asks if group.scenario.fleet is not None else math.inf
    limit = math.ceil(min(hosts.workers + hosts.capacity_per_s / hosts.hosts * hosts.timeout_s / 2, asks))
    limit = max(limit, hosts.workers)
    if _is_set(limit, hosts.held_limit / hosts.hosts):
        return None
    text = f"a limit of {show_count(limit)} at a time on each host instead of "
    text += show_count(hosts.held_limit / hosts.hosts)
    return Remedy("a higher limit", text, (f"policy.admission.limit={limit}",))


def _no_ramp(group: Group) -> Remedy | None:
    """The highest limit that is safe from the start on, where operators do nothing else than to raise it."""
    scenario, higher = group.scenario, _higher_limit(group)
    corners = 1 + 2 * len(scenario.actions)  # each that sets the rate makes two
    if higher is None or any(one.do != "set" for one in scenario.actions):
        return None
    if len(scenario.hosts.admission_course) != corners:
        return None
    return Remedy(f"{higher.name} at once", f"{higher.text} from the start on", (*higher.overrides, "operator=[]"))


def _room(group: Group) -> Remedy:
    """So many workers that what comes all the time leaves them room."""
    scenario, hosts = group.scenario, group.scenario.hosts
    workers = math.ceil(hosts.workers * scenario.wanted_work_per_s / hosts.capacity_per_s / HEADROOM)
    return _kept_short(group, _workers(group, workers), hosts.capacity_per_s * workers / hosts.workers)


def _workers(group: Group, workers: int) -> Remedy:
    text = f"{workers} workers a host instead of {group.scenario.hosts.workers}"
    return Remedy("more workers", text, (f"host.workers={workers}",))


def _down(rate: float) -> float:
    """A rate, of which three digits are told, and which is no more for it."""
    unit = 10.0 ** (math.floor(math.log10(rate)) - 2)
    return math.floor(rate / unit * (1 + 1e-9)) * unit


def _seconds(seconds: float) -> str:
    return f"{float(f'{seconds:.2g}'):.9f}".rstrip("0").rstrip(".") + "s"


def _is_set(proposed: float, now: float) -> bool:
    """Whether what is proposed is what is set already, as far as it is told: then it is no proposal."""
    return math.isclose(proposed, now, rel_tol=SAME)


def _waits_so(group: Group, wait_s: float) -> bool:
    """Whether clients wait a random part of such a time already."""
    client = group.scenario.policies.client
    ends = [client.parameters.get(name) for name in ("base", "cap")]
    return client.name == "full-jitter" and all(isinstance(s, int | float) and _is_set(wait_s, s) for s in ends)


def _client(name: str, base_s: float, cap_s: float) -> tuple[str, ...]:
    return (f'policy.client={{ name = "{name}", base = "{_seconds(base_s)}", cap = "{_seconds(cap_s)}" }}',)


def _live_work_only(group: Group) -> Remedy | None:
    """Serve nobody who has gone: a queue half a timeout long, or half as long as what hosts die of, and longer waits
    where saying no would take much of the work; where clients do not pause and no host dies, the newest first. None
    where the hosts have no room even so, or die of less than one request.
    """
    scenario, hosts = group.scenario, group.scenario.hosts
    if not scenario.wanted_share < HIGH:
        return None
    if scenario.policies.client.name == "immediate" and math.isinf(hosts.dies_at):
        if scenario.policies.queue.name == "lifo":
            return None
        return Remedy("newest first", "serving the newest request first", ("policy.queue=lifo",))
    if hosts.dies_at < 2 * hosts.hosts:
        return None
    half_s = min(hosts.timeout_s, hosts.dies_at / hosts.capacity_per_s) / 2
    if half_s < hosts.serves_s and hosts.wanted_timeout_s > 0:  # who finds a queue so short is served too late even so
        return _longer_timeout(group)
    is_short = scenario.policies.queue.name == "bounded" and _is_set(half_s, hosts.queue_limit / hosts.capacity_per_s)
    short = None if is_short else _queue_of(half_s)
    waits = _longer_waits(group) if _refused_share(group) > HALF else None
    return _both(short, waits) if short is not None and waits is not None else short or waits


def _queue_of(work_s: float) -> Remedy:
    return Remedy(
        SHORT_QUEUE, f"a queue of at most {show_duration(work_s)} of work, which refuses more at once",
        (f'policy.queue={{ name = "bounded", limit = "{_seconds(work_s)}" }}',),
    )  # fmt: skip


def short_queue(group: Group, times: int = 1) -> Remedy | None:
    """A queue half a timeout long, where it may be longer now; None where it may not, or serves another order, or what
    comes all the time leaves hosts of so many `times` the workers no room.
    """
    scenario, hosts = group.scenario, group.scenario.hosts
    is_short = hosts.queue_limit / (times * hosts.capacity_per_s) <= hosts.timeout_s / 2
    if is_short or scenario.policies.queue.name not in ORDERED or not scenario.wanted_share < HIGH * times:
        return None
    return _queue_of(hosts.timeout_s / 2)


def is_in(scenario: Scenario, found: Remedy) -> bool:
    """Whether a scenario has what is proposed, as far as that is told: each KEY=VALUE of it. False where the record of
    a scenario has no such key.
    """
    if found.name == FIRST_DELAY:  # which operators may bring about as well
        return _is_set(found.over_s, herd.comes_within_s(scenario))
    return set(found.overrides) <= set(_has(scenario))


def _has(scenario: Scenario) -> Iterator[str]:
    """What a scenario has of all that is ever proposed here, in the same words."""
    hosts, fleet, policies = scenario.hosts, scenario.fleet, scenario.policies
    yield f"host.workers={hosts.workers}"
    yield f"host.timeout={_seconds(hosts.timeout_s)}"
    yield f"horizon={_seconds(scenario.horizon_s)}"
    base, cap = (policies.client.parameters.get(key) for key in ("base", "cap"))
    if isinstance(base, int | float) and isinstance(cap, int | float):
        yield from _client(policies.client.name, base, cap)
    if policies.queue.name == "bounded":
        yield from _queue_of(hosts.queue_limit / hosts.capacity_per_s).overrides
    yield f"policy.queue={policies.queue.name}"
    if 0 < hosts.admission_per_s < math.inf:
        yield f"policy.admission.rate={_down(hosts.admission_per_s):g}/s"
    if isinstance(burst := policies.admission.parameters.get("burst"), int | float):
        yield f"policy.admission.burst={_seconds(burst)}"
    if math.isfinite(hosts.held_limit):
        yield f"policy.admission.limit={hosts.held_limit / hosts.hosts:.0f}"
    if policies.admission.parameters.get("only") == "establish":
        yield 'policy.admission.only="establish"'
    for place, action in enumerate(scenario.actions):
        if action.lets_in and action.spares_renewals:
            yield from (f'operator.{place}.{key}="establish"' for key in ("only", "rule.only"))
    if not scenario.actions:
        yield "operator=[]"
    if fleet is not None:
        yield f"lease.duration={_seconds(fleet.lease_s)}"
        yield from [] if fleet.most else ["fleet.skew=0"]
    if scenario.launches is not None and not scenario.launches.throttle:
        yield "launches.throttle=[]"
    if scenario.propagation is not None:
        yield f"propagation.workers={scenario.propagation.workers}"


def is_short_queue(found: Remedy) -> bool:
    """Whether it is a short queue alone, which saves the work in vain and nothing else."""
    return found.name == SHORT_QUEUE


def _both(first: Remedy, other: Remedy) -> Remedy:
    return Remedy(
        f"{first.name} and {other.name}", f"{first.text}, and {other.text}", (*first.overrides, *other.overrides)
    )


def _kept_short(group: Group, change: Remedy, capacity_per_s: float, timeout_s: float = 0.0) -> Remedy:
    """A change with a queue half a timeout long, where with it the work of all who can ask, less what is done while
    they come, would still be longer than the timeout, or a long queue of jobs stay long, so that hosts would work for
    clients that have gone.
    """
    scenario, hosts, jobs = group.scenario, group.scenario.hosts, group.scenario.jobs
    timeout_s = timeout_s or hosts.timeout_s
    is_short = hosts.queue_limit / hosts.capacity_per_s <= timeout_s / 2
    if is_short or hosts.cancels or scenario.policies.queue.name not in ORDERED:
        return change
    spread_s = herd.apart_s(scenario) if herd.is_apart(scenario) else 0.0
    if scenario.fleet is not None and scenario.fleet.asks / capacity_per_s - spread_s <= HIGH * timeout_s:
        return change
    if jobs is not None and not _stays_long(group, capacity_per_s, timeout_s):
        return change
    return _both(change, _queue_of(timeout_s / 2))


def _stays_long(group: Group, capacity_per_s: float, timeout_s: float) -> bool:
    """Whether a queue of jobs that built up stays long at such a capacity, since all in it time out and come again:
    more come than the hidden capacity then is. Not where no queue of the run was longer than the timeout then is.
    """
    jobs = group.scenario.jobs
    if jobs is None or group.mean("queue_peak") <= HIGH * capacity_per_s * timeout_s:
        return False
    return jobs.arrivals_per_s >= HIGH * theory.hidden_capacity_per_s(capacity_per_s, jobs.retries)


def _longer_timeout(group: Group) -> Remedy | None:
    """A timeout of two services, of which one may be the wait: of that length is the queue, where it may be longer."""
    hosts = group.scenario.hosts
    if not hosts.wanted_timeout_s > 0:
        return None
    said = _seconds(hosts.wanted_timeout_s)
    timeout_s = float(said.removesuffix("s"))
    if _is_set(timeout_s, hosts.timeout_s):
        return None
    text = f"a timeout of {show_duration(timeout_s)} instead of {show_duration(hosts.timeout_s)}"
    longer = Remedy("a longer timeout", text, (f"host.timeout={said}",))
    return _kept_short(group, longer, hosts.capacity_per_s, timeout_s)


OUTLASTS = 10  # timeouts: clients are not asked to wait for more than so many times as long


def outlasting(group: Group, limit: Limit) -> Remedy | None:
    """A timeout that outlasts the work of all who ask at once, beside renewals, so that the last is served before its
    client gives up; None where another limit holds it up, something else fills the queue, leases run out meanwhile, or
    that is far longer than clients wait now.
    """
    scenario, hosts, fleet = group.scenario, group.scenario.hosts, group.scenario.fleet
    if limit.kind != "timeout" or fleet is None or scenario.classes or not scenario.wanted_share < HIGH:
        return None
    if (
        hosts.cancels
        or hosts.hanging != 0
        or math.isfinite(hosts.dies_at)
        or scenario.policies.queue.name not in ORDERED
    ):
        return None
    needs_s = fleet.all_at_once_s / (HIGH - scenario.wanted_share)
    if not hosts.timeout_s < needs_s <= min(OUTLASTS * hosts.timeout_s, fleet.lease_s / 2):
        return None
    said = _seconds(needs_s * 1.05)  # two digits of it may be less
    text = f"a timeout of {show_duration(float(said.removesuffix('s')))} instead of {show_duration(hosts.timeout_s)}"
    return Remedy("a longer timeout", text, (f"host.timeout={said}",))


def _jitter(group: Group) -> Remedy | None:
    wait_s = _loose_s(group.scenario, group.scenario.hosts.client_wait_s)
    if _waits_so(group, wait_s):
        return None
    text = f"clients that wait a random part of {show_duration(wait_s)}"
    return Remedy("waits at random", text, _client("full-jitter", wait_s, wait_s))


def _evenly(group: Group) -> Remedy | None:
    """Waits at random so short that about twice as many come as a limit lets in, and so long that saying no to them
    takes little of the hosts' work: then no token is lost while clients wait.
    """
    scenario, hosts = group.scenario, group.scenario.hosts
    asks, back_s = scenario.fleet.asks if scenario.fleet is not None else 0, group.mean("recovers_from_s")
    least = min(hosts.admission_per_s, *(gates.throttle_at(one, back_s) for one in scenario.actions), math.inf)
    wait_s = min(asks / least, hosts.client_wait_s)
    wait_s = max(wait_s, 2 * asks * hosts.reject_share / hosts.capacity_per_s / REFUSING)
    if _waits_so(group, wait_s):
        return None
    text = f"clients that wait a random part of {show_duration(wait_s)}, so that they come evenly and no token is lost"
    if not scenario.policies.admission.parameters.get("wait"):
        text += "; where clients cannot be changed, a limit that lets them wait for their turn (policy.admission.wait, "
        text += "or the rule of a throttle) loses fewer than one that refuses"
    return Remedy("waits at random", text, _client("full-jitter", wait_s, wait_s))


def spread_s(scenario: Scenario) -> float:
    """Over how long first attempts must be spread so that the hosts serve them as they come, s: the time that they take
    beside renewals; where who gives up stays in the queue twice that, since a few that come again are enough to fill
    hosts that have little room. inf where renewals leave none.
    """
    hosts, room_share = scenario.hosts, HIGH - scenario.wanted_share
    asks = herd.come(scenario) if scenario.fleet is not None else 0
    served_per_s = min(hosts.capacity_per_s, hosts.held_limit / hosts.serves_s)
    if not room_share > 0:
        return math.inf
    over_s = asks / (served_per_s * room_share)
    return over_s if hosts.cancels else 2 * over_s


def _first_delay(group: Group) -> Remedy:
    """The first attempts spread over `spread_s`, by the clients themselves or by operators, from when on they are no
    longer refused: those that come before would all wait for that moment. Longer where renewals, which come as close
    together a check later, need that.
    """
    scenario, least_s = group.scenario, spread_s(group.scenario)
    if scenario.fleet is not None and _is_crowded(scenario, least_s):
        least_s = scenario.fleet.renews_s / HIGH
    over_s, from_s = float(_seconds(least_s).removesuffix("s")), herd.refused_s(scenario)
    over, to_s = show_duration(over_s), from_s + over_s
    length = f"of {show_duration(from_s)} to {show_duration(to_s)}" if from_s > 0 else f"of up to {over}"
    text = f"a first delay at random {length} before clients come back, or hold-clients, by which operators let "
    text += f"them in again in at least {show_count(herd.waves_of(scenario))} waves over {over}"
    delay = f'lease.first_delay={{ dist = "uniform", min = "{from_s:.15g}s", max = "{to_s:.15g}s" }}'
    # who learns late that its session ended waits from then on
    return Remedy(FIRST_DELAY, text, (delay,), to_s + herd.learns_s(scenario), over_s)


def _asking_sooner(group: Group) -> Remedy:
    """The same attempt asks again twice in the time that the full queue is work, so that it never runs empty."""
    hosts = group.scenario.hosts
    every_s = (hosts.queue_limit + hosts.workers * hosts.hosts) / hosts.capacity_per_s / 2
    text = f"clients that ask again every {show_duration(every_s)} while a full queue says nothing"
    every = (f"host.resend={_seconds(every_s)}", "host.resend_growth=1")
    return Remedy("asking again sooner", text, every)


def _longer_waits(group: Group) -> Remedy | None:
    """Waits at random so long that saying no to everybody takes a tenth of the hosts' work: half a wait on average."""
    scenario, hosts = group.scenario, group.scenario.hosts
    most = scenario.fleet.asks if scenario.fleet is not None else group.mean("backlog_peak")
    wait_s = 2 * most * hosts.reject_share / hosts.capacity_per_s / REFUSING
    if _waits_so(group, wait_s):
        return None
    text = f"clients that wait a random part of {show_duration(wait_s)} after a refusal"
    return Remedy("longer waits", text, _client("full-jitter", wait_s, wait_s))


def may_refuse(scenario: Scenario) -> bool:
    """Whether clients may be refused at once: by a restart, a full queue or a limit."""
    hosts = scenario.hosts
    limits = (hosts.queue_limit, hosts.admitted_queue, hosts.admission_per_s, hosts.held_limit)
    is_gated = any(one.lets_in or one.down_for_s > 0 for one in scenario.actions)
    return is_gated or any(map(math.isfinite, limits))


def _shorter_waits(group: Group, longest_s: float) -> Remedy | None:
    """The longest wait as long as the hosts need for the work, but no shorter than a tenth of what it was. Where the
    waits are what keeps a queue short, so long that fewer come than are served: at first they come at twice the rate of
    a wait at random (the part that is left of it, in the middle of waiting). Where that is hardly sooner, a short queue
    takes the place of the long waits, unless saying no would then take much of the work.
    """
    scenario, hosts = group.scenario, group.scenario.hosts
    fleet, client = scenario.fleet, scenario.policies.client
    work_s = group.mean("fluid_bound_s")
    if math.isnan(work_s):
        work_s = fleet.asks / hosts.capacity_per_s if fleet is not None else 0.0
    wait_s, base, short = max(work_s, longest_s / 10), client.parameters.get("base"), None
    base_s = min(float(base), wait_s) if isinstance(base, int | float) else wait_s
    if not has_way_back(group):
        if fleet is None or not scenario.wanted_share < HIGH:
            return None
        alone_s = max(wait_s, 2 * fleet.asks / (hosts.capacity_per_s * (HIGH - scenario.wanted_share)))
        refusing = 2 * fleet.asks * hosts.reject_share / hosts.capacity_per_s / wait_s
        if alone_s > longest_s / 2 and refusing < REFUSING and (short := short_queue(group)) is not None:
            base_s = wait_s
        else:
            wait_s = alone_s
    loose_s = _loose_s(scenario, wait_s)
    if loose_s > wait_s:  # from the first wait on, since shorter ones bring many close together
        base_s = wait_s = loose_s
    # less than half of it is hardly sooner
    if client.name == "immediate" or not wait_s <= longest_s / 2:
        return None
    more = "attempts and refusals" if may_refuse(scenario) else "attempts"
    text = f"clients that try again at random within {show_duration(wait_s)}, so that they do not come in step, at the "
    text += f"price of more {more}"
    shorter = Remedy("shorter waits", text, _client("full-jitter", base_s, wait_s))
    return shorter if short is None else _both(shorter, short)
