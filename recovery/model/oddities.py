"""What of a scenario can be run, but is hardly meant."""

import math
from collections.abc import Iterator

from recovery.model import policies
from recovery.model.classes import ROUNDING
from recovery.model.in_turn import in_turn, shortest_lease_s
from recovery.model.operator import EndSessions, HoldClients, Pause, Restart, Throttle
from recovery.model.scenario import Scenario
from recovery.units import show_count, show_duration, show_share

TRIES_MANY = 1000  # attempts of a client in an outage, that are hardly meant


def oddities(scenario: Scenario) -> Iterator[str]:
    """What can be run, but is hardly meant: a line each."""
    host, lease, outages = scenario.host, scenario.lease, _outages_s(scenario)
    establish, timeout = host.establish_time.mean_s(), host.timeout.mean_s()
    if scenario.recovers_from is not None and outages and scenario.recovers_from < outages[-1][1]:
        back = show_duration(outages[-1][1])
        yield f"recovers_from is {show_duration(scenario.recovers_from)}, before the last outage is over at {back}"
    if scenario.dns_window is not None and outages[-1][1] >= scenario.horizon:
        end = show_duration(outages[-1][1])
        yield f"dns.window is over at {end} if its times are their means, after the horizon"
    if timeout < establish:
        patience, work = show_duration(timeout), show_duration(establish)
        yield f"host.timeout is {patience}, shorter than host.establish_time, {work}"
    if outages and timeout < host.fails_after_s < math.inf:
        fail, patience = show_duration(host.fails_after_s), show_duration(timeout)
        yield f"host.fail_after is {fail}, longer than host.timeout, {patience}"
    tries = _tries_while_down(scenario)
    if tries > TRIES_MANY:
        fails = show_duration(host.fails_after_s + host.round_trip)
        yield (
            f'policy.client is "immediate" and a failure comes back after {fails}: '
            f"a client makes up to {tries:,.0f} attempts while the dependency is down, which takes long to run"
        )
    if scenario.fleet is not None and lease is not None:
        if scenario.renewals_share > 1:
            yield f"renewals alone want {show_share(scenario.renewals_share)} of the workers: {_of_the_wait(scenario)}"
        yield from _let_in_too_few(scenario)
        latest, least = lease.check_every * (1 + lease.check_jitter), shortest_lease_s(scenario)
        overdue_s = scenario.fleet.overdue_after
        if overdue_s is not None and overdue_s <= latest:
            yield (
                f"fleet.overdue_after is {show_duration(overdue_s)}, and up to {show_duration(latest)} pass between "
                "two checks (lease.check_every, with its jitter), so somebody is overdue all the time; want it longer"
            )
        if lease.duration.dist in ("constant", "uniform", "empirical") and least < latest:
            yield (
                f"the shortest lease.duration is {show_duration(least)}, "
                f"shorter than the longest time between two checks, {show_duration(latest)}"
            )
    if scenario.jobs is not None and scenario.steps[0].rate_per_s() > scenario.hosts * scenario.establish_per_s:
        rate, capacity = scenario.steps[0].rate_per_s(), scenario.hosts * scenario.establish_per_s
        yield f"jobs.steps.0 is {rate:.4g}/s, above the capacity of {capacity:.4g}/s before anything happened"
    yield from _rules_in_vain(scenario)
    guard, client = scenario.policy.guard, scenario.policy.client
    if isinstance(guard, policies.AwsStandard) and not isinstance(client, policies.AwsBackoff):
        yield (
            f'policy.guard is "{guard.name}" and policy.client "{client.name}": '
            f'the SDK backs off in its own way, policy.client = "aws-standard"'
        )
    yield from _too_few(scenario)
    for i, action in enumerate(scenario.operator):
        if isinstance(action, Pause) or (isinstance(action, Throttle) and action.has_bucket):
            for name in action.classes or scenario.classes:
                if scenario.classes[name].cost == 0:
                    yield f"operator.{i} does not hold up classes.{name}: its cost is 0, so it passes without a token"
        if isinstance(action, Restart) and action.at is not None:
            last = action.at + (action.waves - 1) * action.every
            if last >= scenario.horizon:
                yield f"operator.{i}: its last wave comes at {show_duration(last)}, after the horizon"


def _of_the_wait(scenario: Scenario) -> str:
    """What becomes of renewals that are more than the workers can do: they come less often. Told where it is known."""
    found = in_turn(scenario)
    if found is None or found.ends == "perhaps late":
        return "some may fail without an outage, too"
    every = show_duration(found.every_s)
    match found.ends:
        case "late":
            return "some fail without an outage, too"
        case "expired":
            return f"each holder is served every {every} only, so leases run out without an outage, too"
    check = show_duration(found.every_s - found.waits_s)
    return (
        f"each waits about {show_duration(found.waits_s)} all the time, so a holder is served every {every} "
        f"and not every {check}; without an outage none fails of it"
    )


def _let_in_too_few(scenario: Scenario) -> Iterator[str]:
    """Limits that let in less than renewals need all the time."""
    admission, come = scenario.policy.admission, scenario.renewals_per_s
    needed = f'of the {show_count(come)} renewals a second that come all the time (only = "establish" lets them pass)'
    is_set = any(getattr(one, "key", "").startswith("policy.admission") for one in scenario.operator)
    if isinstance(admission, policies.WITH_RATE) and admission.only != "establish" and not is_set:
        rate = admission.rate.of_host(scenario.establish_per_s, scenario.hosts) * scenario.hosts
        if rate < come:
            yield f"policy.admission lets in {show_count(rate)} {needed}: it holds some up without an outage, too"
    for i, action in enumerate(scenario.operator):
        if not isinstance(action, Throttle) or action.at is None or action.classes or action.zone is not None:
            continue
        after, law = action.laws[-1]
        if not isinstance(law, policies.WITH_RATE) or law.only == "establish" or law.rate is None:
            continue
        rate = law.rate.of_host(scenario.establish_per_s, scenario.hosts) * scenario.hosts
        if rate < come:
            since = show_duration(action.at + after)
            yield f"operator.{i} is never lifted: from {since} on it lets in {show_count(rate)} {needed}"


def _rules_in_vain(scenario: Scenario) -> Iterator[str]:
    """Rules of part two that can change nothing in this scenario."""
    host, lease, fleet = scenario.host, scenario.lease, scenario.fleet
    if host.full == "silent" and not isinstance(scenario.policy.queue, policies.Bounded):
        yield 'host.full is "silent", and no queue is ever full; a bound is policy.queue = "bounded"'
    is_full = scenario.dns is not None or any(outage.fails >= 1 for outage in scenario.dependency.outages)
    if scenario.dependency.resume_after is not None and not is_full:
        yield "dependency.resume_after is set, and no outage fails all requests, so hosts never hold off"
    crash = host.crash is not None and host.crash.sessions == "end"
    is_cold = fleet is not None and fleet.start == "unleased"
    ends = is_cold or crash or any(action.ends_sessions for action in scenario.operator)
    if lease is not None and lease.first_delay is not None and not ends:
        yield "lease.first_delay is set, and no session ends, so nobody waits for it"
    yield from _hints_in_vain(scenario)
    in_phases = is_cold and fleet is not None and not fleet.in_step
    if in_phases and lease is not None and lease.check_every > scenario.horizon:
        every = show_duration(lease.check_every)
        yield f'fleet.start is "unleased": with lease.check_every {every} few come before the horizon; or in_step'


def _too_few(scenario: Scenario) -> Iterator[str]:
    """Shares and waves of clients where there are too few of them."""
    fleet = scenario.fleet
    if fleet is None:
        return
    parts = {name: place.share or 0.0 for name, place in scenario.places.items() if not place.is_jobs} or {"": 1.0}
    for i, action in enumerate(scenario.operator):
        if not isinstance(action, EndSessions | HoldClients):
            continue
        most = max((part for name, part in parts.items() if name in (action.classes or parts)), default=0.0)
        many = math.ceil(fleet.holders * most / (1 if action.zone is None else fleet.zones) - ROUNDING)
        if isinstance(action, EndSessions) and action.share * many < 0.5 - ROUNDING:
            share = show_share(action.share)
            yield f"operator.{i}.share is {share} of {many:,} clients in all: it ends no session"
        if isinstance(action, HoldClients) and 0 < many < action.waves:
            yield f"operator.{i}.waves is {action.waves}, of {many:,} clients in all: some waves are empty"


def _hints_in_vain(scenario: Scenario) -> Iterator[str]:
    """Hints that nobody is given, or that say nothing."""
    if (hint := scenario.host.hint) is None:
        return
    policy, throttled = scenario.policy, any(isinstance(one, Throttle | Pause) for one in scenario.operator)
    limits = any(one.limit is not None for one in scenario.classes.values())
    is_full = scenario.host.full == "refuse" and (limits or isinstance(policy.queue, policies.Bounded))
    if not (throttled or is_full or not isinstance(policy.admission, policies.Open)):
        yield "host.hint is set, and nothing refuses anybody; want a limit: policy.admission, or a bounded policy.queue"
    has_bucket = throttled or isinstance(policy.admission, policies.WITH_RATE)
    if hint.says == "tokens" and not has_bucket:
        yield 'host.hint says when tokens are there, and no bucket refuses anybody; want says = "time" or "queue"'
    if hint.says == "queue" and has_bucket and hint.clients == "obey":
        yield (
            "host.hint says how long the queue is, and a bucket refuses also while nobody waits: then it says 0, and "
            f'clients come back after {show_duration(scenario.host.round_trip)} (host.round_trip); want says = "tokens"'
        )


def _outages_s(scenario: Scenario) -> list[tuple[float, float]]:
    """From when to when the dependency is away: as written, or with the means of [dns.window]."""
    if scenario.dns_window is not None:
        return [(scenario.dns_window.at, scenario.dns_window.mean_end_s())]
    return [(outage.start, outage.end) for outage in scenario.outages]


def _tries_while_down(scenario: Scenario) -> float:
    """Attempts of one client that comes back at once, through all outages; 0 if it waits. Retries bound them, and
    what the workers can fail.
    """
    if not isinstance(scenario.policy.client, policies.Immediate) or scenario.host.hangs:
        return 0.0
    host, down = scenario.host, sum(min(end, scenario.horizon) - start for start, end in _outages_s(scenario))
    tries = down / (host.fails_after_s + host.round_trip)
    if scenario.fleet is not None and host.fails_after_s > 0:
        tries = min(tries, down * host.workers * scenario.hosts / host.fails_after_s / scenario.fleet.holders)
    if scenario.jobs is not None and scenario.jobs.retries >= 0:
        tries = min(tries, 1.0 + scenario.jobs.retries)
    return max(tries, 0.0)
