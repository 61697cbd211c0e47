"""A file told to the twin of part two: the words of a scenario become its numbers here a second time, from MODEL.md.

What the product lowers for its engine is held against this. It is written from section 13 ("What is turned into numbers
before") and section 1, not from `recovery.stages`.
"""

import importlib
import math
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from recovery_kernels import draws
from twin.sessions.clients import log_scale
from twin.sessions.scenario import (
    FAR_NS,
    Action,
    Bar,
    Class,
    Condition,
    Conflict,
    Controlled,
    Crash,
    Dist,
    EndSessions,
    Hold,
    Host,
    HostsIn,
    Lease,
    Limiter,
    Purge,
    Restart,
    Retry,
    Scale,
    Scenario,
    Set,
    Step,
    Throttle,
    constant,
)

from recovery.model import operator as op
from recovery.model.distributions import Distribution
from recovery.model.policies.lowered import Controller
from recovery.model.scenario import Scenario as Told


def whole_ns(seconds: float) -> int:
    """Seconds as whole ns, as the file's decimal number says."""
    return min(round(Fraction(repr(float(seconds))) * 10**9), FAR_NS)


def dist_of(time: Distribution | None) -> Dist:
    """A distribution in ns; the twin's parameters are those of the kernels' draws."""
    if time is None:
        return constant(0)
    mean = time.mean_s() * 1e9
    match time.dist:
        case "constant" | "exponential":
            return Dist(time.dist, mean)
        case "uniform":
            return Dist("uniform", time.min * 1e9, time.max * 1e9)  # type: ignore[operator]
        case "empirical":
            return Dist("empirical", values=tuple((time.values_s * 1e9).tolist()))
    raise NotImplementedError(time.dist)


def can_per_s(told: Told) -> float:
    """What the workers of a host do in a second: of classes, of their mix."""
    if not told.classes:
        return told.host.workers / told.host.establish_time.mean_s()
    work, many = 0.0, 0.0
    for own in told.classes.values():
        if is_of_jobs(told, own) and told.fleet is not None:
            continue
        weight = float(part_of(told, own)) if told.fleet is not None else jobs_of(told, own)
        work += weight * said(own, "establish_time", told.host.establish_time).mean_s()
        many += weight
    return told.host.workers / (work / many)


def jobs_of(told: Told, own: Any) -> float:
    """How many jobs of a class come to a host in the run."""
    if own.of or own.after:
        return jobs_of(told, told.classes[own.of or own.after])
    steps = arrivals_of(told, own)
    ends = [*(at for at, _ in steps[1:]), whole_ns(told.horizon)]
    return sum(rate * (end - at) for (at, rate), end in zip(steps, ends, strict=True))


def per_host(told: Told, rate: Any) -> float:
    """A rate of the fleet, as one of a host, a ns."""
    can = can_per_s(told)
    a_second = rate.per_s / told.hosts if rate.per_s is not None else rate.of_capacity_share * can
    return float(a_second) / 1e9


def requests_in(told: Told, limit: float) -> int:
    """A bound of a queue: a count, or what the workers do in a time."""
    return limit if isinstance(limit, int) else max(1, round(limit * can_per_s(told)))


def retry_of(told: Told, policy: Any, retries: int) -> Retry:
    """A client's policy, and what it makes of a hint."""
    hint = told.host.hint
    given: dict[str, Any] = {} if hint is None else {"hint": hint.clients, "hint_jitter": hint.jitter}
    if policy.name == "fixed":
        return Retry("fixed", dist_of(policy.delay), retries=retries, **given)
    if policy.name == "immediate":
        return Retry(retries=retries, **given)
    if policy.name == "aws-legacy":
        return Retry("full-jitter", base_ns=1e9, factor=2.0, cap_ns=8e9, retries=retries, **given)
    if (one := policy.lower().controller) is not None:
        return Retry("controller", retries=retries, controller=controlled(one), **given)
    return Retry(
        policy.name, base_ns=policy.base * 1e9, factor=policy.factor, cap_ns=policy.cap * 1e9, retries=retries,
        jitter=getattr(policy, "jitter", 0.0), **given,
    )  # fmt: skip


def controlled(one: Controller, group: int = 0) -> Controlled:
    """A controller with its parameters; `group` clients share one."""
    return Controlled(importlib.import_module(f"recovery_kernels.controllers.{one.name}"), one.params, group)


def guard_of(policy: Any, is_jobs: bool) -> Controlled | None:
    """What a client asks before it sends; all jobs share one, and so do all clients of a host where that is said."""
    one = policy.lower().controller
    group = 0 if is_jobs or getattr(policy, "group", 1) == "host" else getattr(policy, "group", 1)
    return None if one is None else controlled(one, group)


def limiter_of(told: Told, policy: Any = None) -> Limiter:
    """The admission policy of one host: the file's, or another one."""
    policy = policy or told.policy.admission
    if policy.name == "open":
        return Limiter()
    is_establish_only = policy.only == "establish"
    if (one := policy.lower(can_per_s(told), told.hosts).controller) is not None:
        return Limiter("controller", burst=math.inf, is_establish_only=is_establish_only, controller=controlled(one))
    is_bucket = policy.name in ("token-bucket", "leaky-bucket")  # one of a single request, with a line
    limit = 1.0 if is_bucket else float(max(1, requests_in(told, policy.limit)))
    if policy.name in ("queue-size-switch", "queue-size-ramp"):
        low = min(float(requests_in(told, policy.low)), limit - 1)
        return Limiter(policy.name, limit=limit, low=low, is_establish_only=is_establish_only)
    rate = per_host(told, policy.rate)
    burst = 1.0 if policy.name == "leaky-bucket" else max(1.0, rate * 1e9 * policy.burst)
    kind = "token-bucket" if is_bucket else policy.name
    if is_bucket and policy.wait is not None:
        line = policy.line or 10**9
        return Limiter(kind, rate, burst, limit, is_establish_only, line, float(whole_ns(policy.wait)))
    return Limiter(kind, rate, burst, limit, is_establish_only)


def factor_of(told: Told, own: Any) -> float:
    """By how much the lease of a class is longer for its members. (Of a scenario without classes the model has it in
    its times already.)
    """
    assert told.lease is not None
    assert told.fleet is not None
    if own is None or (scaled := told.lease.scaled) is None:
        return 1.0
    members = float(told.fleet.holders * part_of(told, own))
    if scaled.rate is not None:
        return max(1.0, members / scaled.rate / said(own, "check_every", told.lease.check_every))
    return float(log_scale(int(members), scaled.above))


def lease_of(time: Distribution, factor: float, rule: Any) -> Lease:
    """A lease and its rule; constant times may be longer by a factor."""
    duration = dist_of(time)
    assert factor == 1 or duration.kind == "constant"
    duration = replace(duration, a=duration.a * factor)
    if rule.name == "grace":
        return Lease("fixed", duration, whole_ns(rule.grace))
    if rule.name == "freeze":
        return Lease("freeze", duration, 0, rule.then, rule.from_failures, until=rule.until)
    return Lease(rule.name, duration)


def holders_of(told: Told) -> list[int]:
    """Holders of each host of an even fleet."""
    assert told.fleet is not None
    assert told.fleet.skew == 0
    whole, more = divmod(told.fleet.holders, told.fleet.hosts)
    return [whole + (host < more) for host in range(told.fleet.hosts)]


def classes_of(told: Told, seed: int, replication: int, hosts: tuple[int, ...]) -> tuple[Class, ...]:
    """The classes, in the order of the file; a scenario without [classes] is one."""
    tables: dict[str, Any] = dict(told.classes) or {"": None}
    found: dict[str, Class] = {}
    for number, (name, own) in enumerate(tables.items()):
        ties = [] if own is None else [tie for tie in (own.of, own.after) if tie]
        are_jobs = told.fleet is None if own is None else is_of_jobs(told, own)
        common = common_of(told, own)
        if are_jobs:
            given = {} if ties else {"arrivals": arrivals_of(told, own)}
            kind = said(own, "arrivals", told.jobs.arrivals if told.jobs else "poisson")
            found[name] = Class(name, is_poisson=kind == "poisson", **given, **common)
        else:
            found[name] = holders_class(told, own, number, name, common, (seed, replication), hosts)
    return tuple(found.values())


def is_of_jobs(told: Told, own: Any) -> bool:
    """Whether a class is jobs: it has a rate, or is a part of [jobs], or is tied to such a one."""
    if own.of or own.after:
        return is_of_jobs(told, told.classes[own.of or own.after])
    return told.fleet is None or own.rate is not None or own.steps is not None


def said(own: Any, key: str, otherwise: Any) -> Any:
    """What a class says of a key, or what all have."""
    value = None if own is None else getattr(own, key)
    return otherwise if value is None else value


def part_of(told: Told, own: Any) -> Fraction:
    """Which part of the fleet or of the jobs a class is; of a tied one that of the class whose clients it has."""
    if own is None:
        return Fraction(1)
    if own.of or own.after:
        return part_of(told, told.classes[own.of or own.after])
    if own.share is not None:
        return Fraction(repr(own.share))
    others = [
        o for o in told.classes.values() if not (o.of or o.after or o.rate is not None or o.steps or o is own)
    ]  # fmt: skip
    return 1 - sum((Fraction(repr(o.share)) for o in others), Fraction(0))


def arrivals_of(told: Told, own: Any) -> tuple[tuple[int, float], ...]:
    """Arrivals of one host: those of the class, or its part of [jobs]."""
    if own is not None and own.rate is not None:
        return ((0, own.rate / told.hosts / 1e9),)
    if own is not None and own.steps is not None:
        return tuple((whole_ns(step.at), step.rate_per_s() / told.hosts / 1e9) for step in own.steps)
    assert told.jobs is not None
    part = float(part_of(told, own))
    rates = [(step.at, step.rate_per_s() * part if own is not None else step.rate_per_s()) for step in told.jobs.steps]
    return tuple((whole_ns(at), rate / told.hosts / 1e9) for at, rate in rates)


def common_of(told: Told, own: Any) -> dict[str, Any]:
    """What holders and jobs of a class have alike."""
    host, lease = told.host, told.lease
    establish = said(own, "establish_time", host.establish_time)
    renew = said(own, "renew_time", host.renew_time or establish)
    retries = said(own, "retries", told.jobs.retries if told.jobs else -1)
    found: dict[str, Any] = {
        "establish": dist_of(establish),
        "renew": dist_of(renew),
        "timeout": dist_of(said(own, "timeout", host.timeout)),
        "timeout_growth": said(own, "timeout_growth", host.timeout_growth),
        "timeout_keeps": said(own, "timeout_keeps", host.timeout_keeps),
        "retry": retry_of(told, said(own, "client", told.policy.client), retries),
        "guard": guard_of(
            said(own, "guard", told.policy.guard), lease is None or (own is not None and is_of_jobs(told, own))
        ),
        "lease": Lease(),
    }
    if (cap := said(own, "timeout_cap", host.timeout_cap)) is not None:
        found["timeout_cap_ns"] = float(whole_ns(cap))
    if lease is not None and not (own is not None and is_of_jobs(told, own)):
        found["lease"] = lease_of(
            said(own, "duration", lease.duration), factor_of(told, own), said(own, "lease", told.policy.lease)
        )
    if own is not None:
        limit = own.limit
        if limit is not None and not isinstance(limit, int):
            limit = max(1, round(limit * host.workers / establish.mean_s()))
        found |= {
            "cost": own.cost, "priority": own.priority, "weight": own.weight, "limit": limit, "of": own.of,
            "after": own.after,
        }  # fmt: skip
    return found


def holders_class(
    told: Told,
    own: Any,
    number: int,
    name: str,
    common: dict[str, Any],
    run: tuple[int, int],
    hosts: tuple[int, ...],
) -> Class:
    """A class of holders, in its steady state or cold."""
    assert told.fleet is not None
    assert told.lease is not None
    every = whole_ns(said(own, "check_every", told.lease.check_every) * factor_of(told, own))
    expire = said(own, "expire_time", told.lease.expire_time)
    first, expires = [], []
    for host in hosts:
        exact = holders_of(told)[host] * part_of(told, own)
        assert exact.denominator == 1, "want shares of which each host has whole numbers"
        size = int(exact)
        phases, lengths = np.empty(size), np.empty(size)
        draws.uniforms(_key(*run, draws.PHASE + 64 * number, host), phases)
        phases = np.sort(phases) if not told.fleet.in_step else np.zeros(size)
        for client in range(size):
            key, lease = _key(*run, draws.LEASE + 64 * number, host), common["lease"].duration
            lengths[client] = lease.a if lease.kind == "constant" else _quantile(lease, key, client)
        mine = [int(phase * every) for phase in phases]
        runs = [min(int(min(length, FAR_NS) + 0.5) + common["lease"].grace_ns, FAR_NS) for length in lengths]
        first.append(tuple(mine))
        expires.append(tuple(at - every + length for at, length in zip(mine, runs, strict=True)))
    return Class(
        name, tuple(first), tuple(expires), starts_unleased=told.fleet.start == "unleased",
        check_every_ns=every, check_jitter=said(own, "check_jitter", told.lease.check_jitter),
        first_delay=dist_of(said(own, "first_delay", told.lease.first_delay)),
        expire=None if expire is None else dist_of(expire), **common,
    )  # fmt: skip


def _key(seed: int, replication: int, stream: int, host: int) -> np.uint64:
    return np.uint64(draws.stream_key(*(np.uint64(part) for part in (seed, replication, stream, host))))


def _quantile(lease: Dist, key: np.uint64, client: int) -> float:
    from twin.sessions.chance import quantile

    return quantile(lease, float(draws.uniform(key, client, 0)))


def host_of(told: Told) -> Host:
    """What all hosts have in common."""
    part = told.host
    given: dict[str, Any] = queue_of(told, told.policy.queue)
    if part.slowdown is not None:
        slow = part.slowdown
        given |= {"slowdown_a": slow.a, "slowdown_b": slow.b, "slowdown_n": slow.queue, "slowdown_by": slow.by}
    if part.crash is not None:
        given["crash"] = crash_of(part.crash)
    if part.bar is not None:
        whose = numbers_of(told, part.bar.classes)
        given["bar"] = Bar(part.bar.share, dist_of(part.bar.time), part.bar.only == "establish", whose)
    if part.conflict is not None:
        gap = None if part.conflict.gap is None else dist_of(part.conflict.gap)
        given["conflict"] = Conflict(part.conflict.rows, gap, numbers_of(told, part.conflict.classes))
    if part.hint is not None:
        says = {"time": "fixed", "tokens": "token", "queue": "queue"}[part.hint.says]
        given |= {"hint": says, "hint_ns": 0 if part.hint.time is None else whole_ns(part.hint.time)}
    if part.probe is not None:
        given |= {"probe": dist_of(part.probe.time), "probe_every_ns": whole_ns(part.probe.every)}
    return Host(
        workers=part.workers,
        cancel="worker" if part.cancel_on_timeout else part.cancel or "none",
        fail_after_ns=None if part.fail_after == "until-back" else whole_ns(part.fail_after),
        full=part.full,
        resend=None if part.resend is None else dist_of(part.resend),
        resend_growth=part.resend_growth,
        late=part.late,
        is_stale_counted=part.conflict is None
        and "counts" not in [part.late, *(o.value for o in told.operator if o.do == "set")],
        start_time_ns=whole_ns(part.start_time),
        reject_cost_ns=whole_ns(part.reject_cost),
        drop_cost_ns=whole_ns(part.drop_cost),
        drop_notifies=part.drop_notifies,
        round_trip_ns=max(1, whole_ns(part.round_trip)),
        admission=limiter_of(told),
        **given,
    )


def queue_of(told: Told, queue: Any) -> dict[str, Any]:
    """A rule of the queue in the twin's words, but for what is as in a queue without any."""
    if queue.name == "bounded":
        return {"limit": requests_in(told, queue.limit)}
    if queue.name == "lifo":
        return {"discipline": "lifo"}
    if queue.name == "drop-expired":
        return {"drop_expired": True, "max_age_ns": whole_ns(queue.max_age), "margin_ns": whole_ns(queue.margin)}
    return {}


def crash_of(dies: Any) -> Crash:
    """A table [host.crash]; one that never applies for none."""
    if dies is None:
        return Crash()
    return Crash(
        dies.queue, dies.memory_bytes, dies.request_bytes or 0,
        None if dies.probe_latency is None else whole_ns(dies.probe_latency), whole_ns(dies.down_for),
        dies.sessions == "end", notice_of(dies.notice), dies.told,
    )  # fmt: skip


def shared_of(told: Told, action: op.SetKey) -> list[tuple[str, Any, tuple[int, ...] | None]]:
    """Keys that share something in the twin: what each makes of what is in force below it."""
    value: Any = action.parsed
    all_of_them = list(told.classes.values()) or [None]
    every = tuple(range(len(all_of_them)))
    match action.key:
        case "host.crash":
            return [("crash", crash_of(value), None)]
        case "host.crash.queue":
            return [("crash", lambda crash: replace(crash, queue=value), None)]
        case "host.crash.down_for":
            return [("crash", lambda crash: replace(crash, down_ns=whole_ns(value)), None)]
        case "host.crash.told":
            return [("crash", lambda crash: replace(crash, is_told=value), None)]
        case "host.hint" if value is None:
            off = ("retry", lambda retry: replace(retry, hint="ignore", hint_jitter=0.0), every)
            return [("hint", "none", None), ("hint_ns", 0, None), off]
        case "host.hint":
            says = {"time": "fixed", "tokens": "token", "queue": "queue"}[value.says]
            obeys = ("retry", lambda retry: replace(retry, hint=value.clients, hint_jitter=value.jitter), every)
            return [("hint", says, None), ("hint_ns", whole_ns(value.time or 0), None), obeys]
        case "host.hint.clients":
            return [("retry", lambda retry: replace(retry, hint=value), every)]
        case "host.bar" if value is None:
            return [("bar_share", 0.0, None)]
        case "host.bar":
            whose = numbers_of(told, value.classes)
            return [("bar_share", value.share, None), ("bar_time", dist_of(value.time), None),
                    ("bar_only", value.only == "establish", None), ("bar_classes", whose, None)]  # fmt: skip
        case "host.bar.share":
            return [("bar_share", value, None)]
        case "host.bar.only":
            return [("bar_only", value == "establish", None)]
        case "policy.queue":
            none = {"limit": None, "discipline": "fifo", "drop_expired": False, "max_age_ns": 0, "margin_ns": 0}
            return [(key, number, None) for key, number in (none | queue_of(told, value)).items()]
        case "policy.queue.limit":
            return [("limit", lambda limit: None if limit is None else requests_in(told, value), None)]
        case "policy.admission":
            one = limiter_of(told, value)
            keys = ("rate_per_ns", "burst", "limit", "line", "wait_ns")
            return [*((f"admission_{key}", getattr(one, key), None) for key in keys), ("admission_rule", one, None)]
    name, own_key = "", {"policy.client": "client", "policy.lease": "lease"}.get(action.key, action.key.split(".")[-1])
    if action.key.startswith("classes."):
        name, own_key = action.key.split(".")[1:]
    if own_key not in ("client", "retries", "lease", "duration"):
        return []
    if name:
        meant = (list(told.classes).index(name),)
    else:
        meant = tuple(k for k, own in enumerate(all_of_them) if own is None or getattr(own, own_key) is None)
    match own_key:
        case "client":
            said_now = retry_of(told, value, -1)
            return [("retry", lambda retry: replace(
                said_now, retries=retry.retries, hint=retry.hint, hint_jitter=retry.hint_jitter), meant)]  # fmt: skip
        case "retries":
            return [("retry", lambda retry: replace(retry, retries=value), meant)]
        case "lease":
            rule = lease_of(Distribution.constant(1.0), 1.0, value)
            return [("lease", lambda lease: replace(rule, duration=lease.duration), meant)]
    return [("lease", lambda lease: replace(lease, duration=dist_of(value)), meant)]


def numbers_of(told: Told, names: tuple[str, ...]) -> tuple[int, ...] | None:
    """Classes by their numbers; None: all."""
    return tuple(list(told.classes).index(name) for name in names) or None


def notice_of(notice: Any) -> Any:
    """How a client learns of its session's end."""
    return notice if isinstance(notice, str) else dist_of(notice)


def where(told: Told, action: Any, hosts: tuple[int, ...]) -> tuple[int, ...]:
    """Places of the hosts that an action is about."""
    zones = told.fleet.zones if told.fleet else 1
    return tuple(place for place, host in enumerate(hosts) if action.zone in (None, host % zones))


def steps_of(told: Told, action: Any, hosts: tuple[int, ...]) -> Iterator[Step]:
    """What an action does to which hosts, and how long after it begins."""
    here = where(told, action, hosts)
    if isinstance(action, op.Restart):
        edit = Restart(
            whole_ns(action.down_for), ends_sessions=action.sessions == "end", notice=notice_of(action.notice),
            is_told=action.told,
        )  # fmt: skip
        reached = math.ceil(action.share * len(here) - 1e-9)
        taken = [place for i, place in enumerate(here) if i * reached % len(here) < reached]
        for number, place in enumerate(taken):
            wave = here.index(place) * reached // len(here) % action.waves
            assert number == here.index(place) * reached // len(here)
            yield Step(edit, whole_ns(wave * action.every), (place,))
    elif isinstance(action, op.EndSessions):
        yield Step(EndSessions(action.share, notice_of(action.notice)), 0, here, numbers_of(told, action.classes))
    elif isinstance(action, op.SetKey):
        reached = math.ceil(action.share * len(here) - 1e-9)
        taken = tuple(place for i, place in enumerate(here) if i * reached % len(here) < reached)
        for key, value, which in live_of(told, action):
            lasts = None if action.lasts is None else whole_ns(action.lasts)
            yield Step(Set(key, value, whole_ns(action.over), lasts), 0, taken, which)
    elif isinstance(action, op.Scale) and action.hosts is not None:
        for after, is_in, moved in hosts_of(told, action):
            yield Step(HostsIn(moved, is_in), whole_ns(after), None)
    elif isinstance(action, op.Scale):
        lasts = None if action.lasts is None else whole_ns(action.lasts)
        yield Step(Scale(action.workers, whole_ns(action.warm_up), lasts), 0, here)
    elif isinstance(action, op.HoldClients):
        hold = Hold(whole_ns(action.lasts), action.waves, whole_ns(action.every))
        yield Step(hold, 0, here, numbers_of(told, action.classes))
    elif isinstance(action, op.Purge):
        yield Step(Purge(action.told), 0, here, numbers_of(told, action.classes))
    elif isinstance(action, op.Pause):
        whom = action.only == "establish"
        closed = Limiter("token-bucket", 0.0, 0.0, is_establish_only=whom, classes=numbers_of(told, action.classes))
        yield Step(Throttle(closed, gate_of(told, action)), 0, here)
        yield Step(Throttle(None, gate_of(told, action)), whole_ns(action.lasts), here)
    else:
        classes = numbers_of(told, action.classes)
        for after, rate in [(0.0, action.rate), *((one.after, one.rate) for one in action.release)]:
            limiter = None
            if action.rule is not None and (after == 0.0 or rate is not None):
                rule = action.rule if rate is None else action.rule.model_copy(update={"rate": rate})
                limiter = replace(limiter_of(told, rule), classes=classes)
                if limiter.rate_per_ns == 0.0:  # nobody is let in, or there is no bucket
                    limiter = replace(limiter, burst=0.0)
            elif rate is not None:
                a_ns = per_host(told, rate)
                burst = max(1.0, a_ns * 1e9 * action.burst) if a_ns > 0 else 0.0
                by_queue = action.limit is not None
                limit = float(max(1, requests_in(told, action.limit))) if by_queue else 1.0
                law, whom = "queue-size" if by_queue else "token-bucket", action.only == "establish"
                limiter = Limiter(law, a_ns, burst, limit, whom, classes=classes)
            yield Step(Throttle(limiter, gate_of(told, action)), whole_ns(after), here)


def gate_of(told: Told, action: Any) -> int:
    """Which gate a throttle or pause turns: those for the same classes turn one, but for switches and for ramps."""
    every = tuple(range(max(len(told.classes), 1)))
    acts = [one for one in told.operator if isinstance(one, op.Throttle | op.Pause)]
    rules = [one.rule.name if isinstance(one, op.Throttle) and one.rule is not None else "" for one in acts]
    apart = [rule if rule in ("queue-size-switch", "queue-size-ramp") else "" for rule in rules]
    sets = [(frozenset(numbers_of(told, one.classes) or every), law) for one, law in zip(acts, apart, strict=True)]
    return list(dict.fromkeys(sets)).index(sets[[one is action for one in acts].index(True)])


def hosts_of(told: Told, wanted: op.Scale) -> list[tuple[float, bool, tuple[int, ...]]]:
    """Which hosts an action brings in or takes away, and how long after it begins; all actions have given times."""
    acts = [one for one in told.operator if isinstance(one, op.Scale) and one.hosts is not None]
    moments = [(one.at + one.warm_up, k, True) for k, one in enumerate(acts)]  # type: ignore[operator]
    moments += [(one.at + one.lasts, k, False) for k, one in enumerate(acts) if one.lasts]  # type: ignore[operator]
    inside, chosen, found = list(range(told.hosts)), {}, []
    for time, k, is_begin in sorted(moments, key=lambda moment: moment[:2]):
        one = acts[k]
        assert one.hosts is not None
        outside = [host for host in range(told.all_hosts) if host not in inside]
        if is_begin:
            chosen[k] = outside[: one.hosts] if one.hosts > 0 else inside[max(1, len(inside) + one.hosts) :]
        comes = (one.hosts > 0) == is_begin
        inside = sorted({*inside, *chosen[k]}) if comes else [host for host in inside if host not in chosen[k]]
        assert inside, "want one host at least"
        if one is wanted:
            found.append((time - one.at, comes, tuple(chosen[k])))  # type: ignore[operator]
    return found


def live_of(told: Told, action: op.SetKey) -> list[tuple[str, Any, tuple[int, ...] | None]]:
    """What a key of the file is called in the twin, its value, and which classes it is of (None: the host)."""
    value: Any = action.parsed
    name, _, key = action.key.removeprefix("classes.").partition(".") if "classes." in action.key else ("", "", "")
    if shared := shared_of(told, action):
        return shared
    if name:
        return of_class_key(told, key, value, told.classes[name], (list(told.classes).index(name),))
    all_of_them = list(told.classes.values()) or [None]
    match action.key:
        case "host.cancel" | "host.full" | "host.late":
            return [(action.key.split(".")[1], value, None)]
        case "host.fail_after":
            return [("fail_after_ns", None if value == "until-back" else whole_ns(value), None)]
        case "dependency.resume_after":
            return [("resume_after", dist_of(value), None)]
        case "host.workers":
            return [("workers", value, None)]
        case "host.slowdown.a":
            return [("slowdown_a", value, None)]
        case "policy.admission.rate":
            a_ns, saved_s = per_host(told, value), getattr(told.policy.admission, "burst", 1.0)
            burst = max(1.0, a_ns * 1e9 * saved_s) if a_ns > 0 else 0.0
            return [("admission_rate_per_ns", a_ns, None), ("admission_burst", burst, None)]
        case "jobs.rate":
            parts = [k for k, own in enumerate(all_of_them) if own is None or is_of_jobs(told, own)]
            parts = [k for k in parts if (own := all_of_them[k]) is None or not (own.of or own.rate or own.steps)]
            shares = {k: float(part_of(told, all_of_them[k])) for k in parts}
            return [("rate_per_ns", value * share / told.hosts / 1e9, (k,)) for k, share in shares.items()]
    own_key = {"policy.client": "client"}.get(action.key, action.key.partition(".")[2])
    meant = [k for k, own in enumerate(all_of_them) if own is None or getattr(own, own_key) is None]
    if own_key == "check_every":
        meant = [k for k in meant if (own := all_of_them[k]) is None or not is_of_jobs(told, own)]
    return [row for k in meant for row in of_class_key(told, own_key, value, all_of_them[k], (k,))]


def of_class_key(told: Told, key: str, value: Any, own: Any, which: tuple[int, ...]) -> list[tuple[str, Any, Any]]:
    """The same of a key of one class."""
    match key:
        case "timeout":
            return [("timeout", dist_of(value), which)]
        case "establish_time":
            renews = said(own, "renew_time", told.host.renew_time) is not None
            return [("establish", dist_of(value), which)] + ([] if renews else [("renew", dist_of(value), which)])
        case "check_every":
            return [("check_every_ns", whole_ns(value), which)]
        case "client":
            retries = said(own, "retries", told.jobs.retries if told.jobs else -1)
            return [("retry", retry_of(told, value, retries), which)]
        case "rate":
            return [("rate_per_ns", value / told.hosts / 1e9, which)]
        case "cost" | "priority" | "weight" | "timeout_growth" | "check_jitter":
            return [(key, value, which)]
        case "limit":
            establish = said(own, "establish_time", told.host.establish_time)
            count = value if isinstance(value, int) else round(value * told.host.workers / establish.mean_s())
            return [("limit", max(1, count) if not isinstance(value, int) else count, which)]
    raise NotImplementedError(key)


def condition_of(told: Told, action: Any) -> Condition:
    """What sets an action off."""
    asked = op.condition(action.when)
    bound = asked.bound * 1e9 if asked.what == "oldest" else asked.bound
    again = None if action.again_after is None else whole_ns(action.again_after)
    which = numbers_of(told, (asked.of_class,) if asked.of_class else ())
    return Condition(asked.what, bound, asked.above, whole_ns(action.held), again, which)  # type: ignore[arg-type]


def twin_of(told: Told, seed: int = 1, replication: int = 0) -> Scenario:
    """A scenario told to the twin. Of throttles and pauses for the same classes at most one may be in it."""
    hosts = tuple(range(told.all_hosts))
    playbook = tuple(
        Action(
            tuple(steps_of(told, action, hosts)),
            None if action.at is None else whole_ns(action.at),
            None if action.when is None else condition_of(told, action),
        )
        for action in told.operator
    )
    dependency: list[tuple[int, float]] = []
    for outage in told.outages:
        if dependency and dependency[-1][0] == whole_ns(outage.start):
            dependency.pop()
        dependency += [(whole_ns(outage.start), outage.fails), (whole_ns(outage.end), 0.0)]
    window = whole_ns(told.coupling.window)
    return Scenario(
        until_ns=told.windows * window,
        window_ns=window,
        classes=classes_of(told, seed, replication, hosts),
        host=host_of(told),
        hosts=hosts,
        spare=hosts[told.hosts :],
        dependency=tuple(dependency),
        resume_after=dist_of(told.dependency.resume_after),
        playbook=playbook,
        seed=seed,
        replication=replication,
    )
