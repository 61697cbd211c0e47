"""The scenario of a variant in plain numbers and names, for whoever reads its results and knows no model."""

import json
import math
from collections.abc import Iterable, Sequence

import numpy as np

from recovery import theory
from recovery.model import policies
from recovery.model.at_best import all_per_s, as_done, at_best, capacity_course, hidden_capacity, in_force, job_steps
from recovery.model.distributions import Distribution
from recovery.model.in_turn import in_turn
from recovery.model.lease import Lease
from recovery.model.operator import Action, EndSessions, HoldClients, Pause, Restart, Scale, SetKey, Throttle
from recovery.model.policies.lowered import Waits
from recovery.model.policies.own import OwnRule
from recovery.model.policies.rule import requests_of
from recovery.model.scenario import Scenario
from recovery.model.variant import Variant
from recovery.stages import leases, queueing
from recovery.store import scenario_record as record
from recovery.store.manifest_record import OwnPolicy
from recovery.study.hanging import left_of, waits_alone
from recovery.units import quantity, tell_duration, tell_share


def resolved(scenario: Scenario, begun: Iterable[tuple[int, float]] | None = None) -> record.Scenario:
    """What a scenario says, with its defaults, as a record: times in s, rates a second of the whole fleet. Of a run
    what comes and what hosts do is told with what operators did on a condition: numbers of actions, and when these
    had `begun` (s); None of a scenario that was not run.
    """
    done = as_done(scenario, begun or ())
    return record.Scenario(
        horizon_s=scenario.horizon,
        window_s=scenario.coupling.window,
        hold_s=scenario.hold,
        is_counted_from_file=scenario.recovers_from is not None,
        is_counted_from_end=scenario.is_counted_from_end,
        rules=tuple(record.RuleInUse(key=rule.key, why=rule.why) for rule in scenario.rules),
        hosts=_hosts(scenario, done, is_run=begun is not None),
        fleet=_fleet(scenario),
        jobs=_jobs(done),
        classes=tuple(
            record.Class(
                name=name,
                is_jobs=place.is_jobs,
                limit=_class_limit(scenario, name),
                priority=scenario.classes[name].priority,
            )
            for name, place in scenario.places.items()
        ),
        policies=record.Policies(
            client=_rule(scenario.policy.client),
            guard=_rule(scenario.policy.guard),
            admission=_rule(scenario.policy.admission),
            queue=_rule(scenario.policy.queue),
            lease=_rule(scenario.policy.lease),
        ),
        actions=tuple(_planned(scenario, action) for action in scenario.operator),
        launches=_launches(scenario),
        propagation=_propagation(scenario),
        health=_health(scenario),
    )


def others_resolved(
    variants: Iterable[Variant],
) -> list[tuple[str, record.Scenario, record.Course, record.Lasting | None]]:
    """All variants but the first: name, scenario, the outages that it has, and how long its leases last through one;
    none where levers make many points of each.
    """
    first, *others = variants
    is_swept = bool(first.levers)
    if is_swept:
        return []
    known = ((one.name, one.scenario) for one in others)
    return [(name, resolved(one), written_outages(one), lasting(one)) for name, one in known]


def _rule(rule: policies.Rule) -> record.Rule:
    table = rule.model_dump(mode="json", by_alias=True)
    return record.Rule(name=str(table.pop("name")), words=rule.words, parameters=table)


def rules_of_stages(scenario: Scenario) -> tuple[record.RuleInUse, ...]:
    """What is let in by launches and by propagation, and which job is next, in words; where it is not the default."""
    found = []
    for (stage, key), tell in TOLD.items():
        table = getattr(scenario, stage)
        if table is not None and (rule := getattr(table, key)) != type(table).model_fields[key].get_default(
            call_default_factory=True
        ):
            found.append(record.RuleInUse(key=f"{stage}.{key}", why=tell(rule.words)))
    return tuple(found)


TOLD = {
    ("launches", "admission"): policies.of_launches,
    ("propagation", "intake"): policies.of_shards,
    ("propagation", "queue"): policies.of_shards,
}


def own_policies(variants: Iterable[Variant]) -> tuple[OwnPolicy, ...]:
    """The policies of the user's own that these variants choose, each once."""
    found: dict[OwnPolicy, None] = {}
    for variant in variants:
        scenario = variant.scenario
        chosen = [
            getattr(one, axis, None) for one in (scenario.policy, *scenario.classes.values()) for axis in policies.AXES
        ]
        chosen += [getattr(getattr(scenario, stage), key, None) for stage, key in policies.OWN_OF_STAGES]
        for rule in chosen:
            if isinstance(rule, OwnRule):
                own = rule.file
                found[OwnPolicy(name=own.name, axis=own.axis, file=own.file, digest=own.digest)] = None
    return tuple(found)


def own_files(variants: Iterable[Variant]) -> tuple[str, ...]:
    """Their files, each once."""
    return tuple(dict.fromkeys(own.file for own in own_policies(variants)))


def written_outages(scenario: Scenario) -> record.Course:
    """The outages that a file has; none where they are drawn."""
    return tuple(
        record.Outage(from_s=one.start, to_s=one.end, fails_share=one.fails) for one in scenario.dependency.outages
    )


def _hosts(scenario: Scenario, done: Scenario, *, is_run: bool) -> record.Hosts:
    host, one, best = scenario.host, scenario.establish_per_s, at_best(scenario)
    admission = queueing.admission_per_s(scenario)
    course = _admission_course(scenario)
    is_above = any(not corner.rate_per_s < one * scenario.hosts for corner in course)
    hanging, hanging_s = left_of(scenario, written_outages(scenario))
    return record.Hosts(
        hosts=scenario.hosts,
        workers=host.workers,
        capacity_per_s=one * scenario.hosts,
        best_per_s=0.0 if best.scenario is scenario else best.per_s,
        done_per_s=_done_per_s(done, best.per_s) if is_run else 0.0,
        capacity_course=tuple(record.Step(at_s=at, rate_per_s=rate) for at, rate in capacity_course(done)),
        failing_per_s=host.workers * scenario.hosts / host.fails_after_s if host.fails_after_s > 0 else math.inf,
        admission_per_s=admission,
        admission_course=course,
        admission_spares_renewals=queueing.lets_in(scenario).is_establish_only,
        queue_limit=_queue_limit(scenario),
        held_limit=_held_limit(scenario) * scenario.hosts,
        admitted_queue=math.inf if is_above else queueing.admitted_queue(scenario),
        dies_at=_dies_at(scenario) * scenario.hosts,
        reject_share=host.reject_cost / max(host.establish_time.mean_s(), 1e-12),
        service=host.establish_time.dist,
        hanging=hanging,
        hanging_s=hanging_s,
        timeout_s=host.timeout.mean_s(),
        slower=_slower(scenario),
        late_share=_late_share(scenario),
        wanted_timeout_s=_wanted_timeout_s(scenario),
        client_wait_s=_longest_wait_s(scenario),
        cancels=host.cancel_on_timeout,
        cancel_words=host.cancel_words,
        late_words=_late_words(scenario),
        is_mute=host.full == "silent",
        is_silent=host.full == "silent" and host.resend is None,
        write_s=_write_s(scenario),
        rows=0 if host.conflict is None else host.conflict.rows * scenario.hosts,
    )


def _done_per_s(done: Scenario, best_per_s: float) -> float:
    """What the hosts do at best in a run in which operators did what is `done`, and nothing else of what they do on a
    condition, 1/s; 0 where that is no less than what they may do at best.
    """
    actions = tuple(one for one in done.operator if one.at is not None or not isinstance(one, SetKey | Scale))
    per_s = at_best(done.model_copy(update={"operator": actions})).per_s
    return per_s if per_s < best_per_s else 0.0


def _held_limit(scenario: Scenario) -> float:
    """Requests that may wait or be served at one host, where admission counts both."""
    door = queueing.lets_in(scenario)
    counts = isinstance(scenario.policy.admission, policies.FixedConcurrency) and not door.is_establish_only
    return float(door.limit) if counts and door.limit is not None else math.inf


def _admission_course(scenario: Scenario) -> tuple[record.Step, ...]:
    """The corners of what admission lets in on all hosts, where operators set its rate for good, at known times and on
    all hosts: each goes on from where the one before has come to.
    """
    rate = queueing.admission_per_s(scenario)
    sets = [one for one in scenario.operator if isinstance(one, SetKey) and one.key == "policy.admission.rate"]
    if not sets or not math.isfinite(rate) or any(one.at is None or one.lasts or one.share < 1 for one in sets):
        return ()
    corners = [record.Step(at_s=0.0, rate_per_s=rate)]
    for one in sorted(sets, key=lambda one: one.at or 0.0):
        if one.zone is not None or not isinstance(one.parsed, policies.FleetRate):
            return ()
        begin = one.at or 0.0
        rate = float(np.interp(begin, [corner.at_s for corner in corners], [corner.rate_per_s for corner in corners]))
        target = one.parsed.of_host(scenario.establish_per_s, scenario.hosts) * scenario.hosts
        corners = [corner for corner in corners if corner.at_s < begin or corner is corners[0]]
        corners += [record.Step(at_s=begin, rate_per_s=rate), record.Step(at_s=begin + one.over, rate_per_s=target)]
    return tuple(corners)


PARTS = 1000  # of a distribution, each by the time in its middle


def _late_share(scenario: Scenario) -> float:
    """Share of the services that take longer than a client waits, with nobody before it, to a thousandth; 1 only where
    none can be in time. 0 where it is not one number: where classes, operators or timeouts change what is waited for,
    or where work that ends too late still counts.
    """
    host = scenario.host
    is_changed = any(isinstance(one, SetKey) and one.key.startswith("host.") for one in scenario.operator)
    if scenario.classes or is_changed or host.timeout_growth > 1 or host.late == "counts":
        return 0.0
    serves, waits = host.establish_time, host.timeout
    if serves.least_s() > waits.quantile_s(1.0):
        return 1.0
    if serves.quantile_s(1.0) <= waits.least_s():
        return 0.0
    parts = (np.arange(PARTS) + 0.5) / PARTS
    own_s, its_s = (np.array([one.quantile_s(part) for part in parts.tolist()]) for one in (serves, waits))
    late = 1.0 - float(np.searchsorted(own_s, its_s, side="right").mean()) / PARTS
    return min(late, 1.0 - 0.5 / PARTS)


def _wanted_timeout_s(scenario: Scenario) -> float:
    """Twice what 99 % of the services take, where the timeout is shorter than two; else 0."""
    host = scenario.host
    if scenario.classes or host.timeout.mean_s() >= 2 * host.establish_time.mean_s():
        return 0.0
    return 2 * host.establish_time.quantile_s(0.99)


def _write_s(scenario: Scenario) -> float:
    """Mean time from the read of a row to its write, s: what lies between two writes of it that both succeed."""
    host = scenario.host
    if host.conflict is None or host.conflict.classes:
        return 0.0
    serves_s = host.establish_time.mean_s()
    return serves_s if host.conflict.gap is None else min(serves_s, host.conflict.gap.mean_s())


def _planned(scenario: Scenario, action: Action) -> record.Planned:
    steps: list[record.Step] = []
    if isinstance(action, Pause) or (isinstance(action, Throttle) and action.has_bucket):
        for at_s, gate in queueing.gate_steps(scenario, action, action.at or 0.0):
            rate_per_s = math.nan if gate is None else gate.rate_per_s * scenario.hosts
            steps.append(record.Step(at_s=at_s, rate_per_s=rate_per_s))
    law = action.law.lower(1.0, 1.0) if steps and isinstance(action, Throttle) else None
    return record.Planned(
        burst_s=0.0 if law is None else law.burst_s, wait_s=0.0 if law is None or law.wait_s is None else law.wait_s,
        do=action.do, at_s=math.nan if action.at is None else action.at, when=action.when or "", lets_in=tuple(steps),
        spares_renewals=isinstance(action, Throttle | Pause) and action.spares_renewals,
        takes_by=_takes_by(scenario, action),
        down_for_s=action.down_for if isinstance(action, Restart) else 0.0,
        is_told=isinstance(action, Restart) and action.told,
        waves=action.waves if isinstance(action, Restart | HoldClients) else 1,
        waves_from_s=action.lasts if isinstance(action, HoldClients) else 0.0,
        every_s=action.every if isinstance(action, Restart | HoldClients) else 0.0,
        comes_within_s=_comes_within_s(scenario, action), refused_s=_refused_s(scenario, action),
        **_late(scenario, action),
        ends_share=action.share if isinstance(action, EndSessions) else 1.0,
        sets=_sets(action), sets_from=_sets_from(scenario, action),
        over_s=action.over if isinstance(action, SetKey) else 0.0,
        lasts_s=(isinstance(action, SetKey | Scale) and action.lasts) or math.inf,
        capacity_per_s=_capacity_after(scenario, action),
    )  # fmt: skip


def _takes_by(scenario: Scenario, action: Action) -> str:
    """The key by which a throttle takes renewals too; "" where it lets them pass, or is for some of the clients."""
    if not isinstance(action, Throttle) or not action.has_bucket or action.spares_renewals:
        return ""
    if scenario.fleet is None or action.classes or action.zone is not None:
        return ""
    place = next(i for i, one in enumerate(scenario.operator) if one is action)
    return f"operator.{place}.{'only' if action.rule is None else 'rule.only'}"


def _sets(action: Action) -> str:
    """What an operator changes, in the words of the file."""
    if isinstance(action, Scale):
        more, of = (action.workers, "workers a host") if action.workers is not None else (action.hosts, "hosts")
        return f"{more:+} {of}"
    return f"{action.key} = {json.dumps(action.value, ensure_ascii=False)}" if isinstance(action, SetKey) else ""


def _sets_from(scenario: Scenario, action: Action) -> str:
    """The value from which a ramp goes: the one that operators set last before it, else the file's; "" of no ramp, and
    where that is no number.
    """
    if not isinstance(action, SetKey) or not action.over:
        return ""
    sets = [one for one in scenario.operator if isinstance(one, SetKey) and one.key == action.key]
    before = [one for one in sets if one.at is not None and one.lasts is None and one.at < (action.at or 0.0)]
    if before:
        return json.dumps(max(before, key=lambda one: one.at or 0.0).value, ensure_ascii=False)
    value: object = scenario
    for name in action.key.split("."):
        value = getattr(value, name, None)
    if isinstance(value, policies.FleetRate):
        return value.words
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    kind = (quantity(action.value) or ("number", 0.0))[0]
    if kind in ("duration", "share"):
        return tell_duration(value) if kind == "duration" else tell_share(value)
    return f"{value:g}/s" if kind == "rate" else f"{value:g}"


def _capacity_after(scenario: Scenario, action: Action) -> float:
    """What all hosts do with this edit and those at known times that began before it and last, 1/s; nan where it
    changes nothing of that, or comes on a condition.
    """
    if not isinstance(action, SetKey | Scale) or action.at is None:
        return math.nan
    later_s = action.over if isinstance(action, SetKey) else action.warm_up
    known = in_force(scenario, action.at + later_s)
    if not any(one is action for one in known):  # it is over before it has come to its end
        return math.nan
    done = known[: next(place for place, one in enumerate(known) if one is action)]
    was, now = (all_per_s(scenario, actions) for actions in (done, [*done, action]))
    return math.nan if was == now else now


def _comes_within_s(scenario: Scenario, action: Action) -> float:
    """How far apart clients whose sessions an action ends make their first attempts: by the waves of a restart, by when
    they learn it, and by their first delay; where all of these are refused at once (`_refused_s`), also by their wait
    then. inf where no sessions end, or where classes may each do it their own way.
    """
    if not isinstance(action, Restart | EndSessions) or not action.ends_sessions:
        return math.inf
    if scenario.classes and (alone := _alone(scenario)) is not None:
        scenario = alone
    if scenario.lease is None or scenario.classes:
        return math.inf
    first_s, refused_s = _first_within_s(scenario.lease, action), _refused_s(scenario, action)
    return max(first_s, _waits_apart_s(scenario, refused_s)) if refused_s > 0 else first_s


def _first_within_s(lease: Lease, action: Restart | EndSessions) -> float:
    """How far apart clients whose sessions an action ends ask for the first time, whatever becomes of it."""
    waves_s = (action.waves - 1) * action.every if isinstance(action, Restart) else 0.0
    notice, delay = action.notice, lease.first_delay
    at_check_s = lease.check_every if notice == "at-check" else 0.0
    learn_s = at_check_s if isinstance(notice, str) else _width_s(notice)
    return waves_s + learn_s + (0.0 if delay is None else _width_s(delay))


MOST = 0.99  # of the clients


def _late(scenario: Scenario, action: Action) -> dict[str, float]:
    """When most of the clients whose sessions an action ends know it, and when they have made their first attempt where
    the law of either has no end; nothing where it is not known how far apart they come.
    """
    if math.isinf(_comes_within_s(scenario, action)):
        return {}
    assert isinstance(action, Restart | EndSessions)
    lease = ((_alone(scenario) if scenario.classes else None) or scenario).lease
    assert lease is not None
    notice, delay = action.notice, lease.first_delay
    learns_s = (
        (MOST * lease.check_every if notice == "at-check" else 0.0)
        if isinstance(notice, str)
        else (notice.quantile_s(MOST))
    )
    laws = [one for one in (notice, delay) if isinstance(one, Distribution)]
    late_s = 0.0
    if any(math.isinf(one.quantile_s(1.0)) for one in laws):
        waves_s = (action.waves - 1) * action.every if isinstance(action, Restart) else 0.0
        at_check_s = lease.check_every if notice == "at-check" else 0.0
        late_s = waves_s + at_check_s + _most_of_sum_s(laws)
    return {"learns_s": learns_s, "late_s": late_s}


def _most_of_sum_s(laws: Sequence[Distribution]) -> float:
    """The time that MOST of the sums of one value of each law stay below, s: each law is PARTS values alike."""
    if len(laws) == 1:
        return laws[0].quantile_s(MOST)
    shares = ((np.arange(PARTS) + 0.5) / PARTS).tolist()
    one, other = (np.array([law.quantile_s(share) for share in shares]) for law in laws)
    return float(np.quantile(np.add.outer(one, other), MOST))


def _refused_s(scenario: Scenario, action: Action) -> float:
    """How long the clients whose sessions a restart ends are refused at once, at no cost, by hosts that are all down; 0
    where some ask for the first time only later.
    """
    if not isinstance(action, Restart) or not action.ends_sessions or action.waves > 1 or scenario.lease is None:
        return 0.0
    return action.down_for if _first_within_s(scenario.lease, action) < action.down_for else 0.0


def _waits_apart_s(scenario: Scenario, failed_s: float) -> float:
    """How far apart clients that began to fail at one moment come so much later: about the mean of the wait in which
    they then are, or how much longer one may be than another. 0 where all wait equally long.
    """
    waits = scenario.policy.client.lower()
    if waits.delay is not None:
        return min(waits.delay.mean_s(), _width_s(waits.delay))
    if waits.cap_s is None:
        return 0.0
    apart = {"exponential": 0.0, "proportional-jitter": min(2 * waits.jitter, 1.0), "decorrelated-jitter": 0.5}
    return _wait_then_s(waits, failed_s) * apart.get(waits.kind, waits.longest_share)


def _wait_then_s(waits: Waits, failed_s: float) -> float:
    """The wait, without its jitter, in which clients are that have failed for so long."""
    if waits.delay is not None or waits.cap_s is None:
        return 0.0 if waits.delay is None else waits.delay.mean_s()
    wait_s, tried_s = waits.base_s, waits.longest_share * waits.base_s
    while tried_s < failed_s and wait_s < waits.cap_s:
        wait_s = min(wait_s * waits.factor, waits.cap_s)
        tried_s += waits.longest_share * wait_s
    return wait_s


def _alone(scenario: Scenario) -> Scenario | None:
    """The scenario as the only class of it sees it, where its clients are those of the file; else None."""
    if len(scenario.classes) != 1:
        return None
    [(name, one)] = scenario.classes.items()
    return None if one.client is not None or one.guard is not None else scenario.seen_by(name)


def _queue_limit(scenario: Scenario) -> float:
    """Requests that may wait on all hosts: by the queue, or by the limits of classes that wait in one row."""
    bound = queueing.queue_bound(scenario)
    most = math.inf if bound is None else float(bound)
    is_one_row = len({one.priority for one in scenario.classes.values()}) == 1
    if is_one_row and all(one.weight is None for one in scenario.classes.values()):
        most = min(most, math.fsum(_class_limit(scenario, name) for name in scenario.classes))
    return most * scenario.hosts


def _class_limit(scenario: Scenario, name: str) -> float:
    """Requests of a class that may wait at a host; inf: no limit of its own."""
    limit = scenario.classes[name].limit
    return math.inf if limit is None else float(requests_of(limit, scenario.establish_per_s))


def _width_s(distribution: Distribution) -> float:
    """How far apart its values lie: exact where it has two ends, else twice its mean."""
    if distribution.dist == "constant":
        return 0.0
    if distribution.dist == "uniform":
        return (distribution.max or 0.0) - (distribution.min or 0.0)
    return 2 * distribution.mean_s()


def _longest_wait_s(scenario: Scenario) -> float:
    """The longest time between two attempts of a client."""
    waits = scenario.policy.client.lower()
    return waits.longest_s if waits.kind != "immediate" else scenario.host.round_trip


def _fleet(scenario: Scenario) -> record.Fleet | None:
    fleet, lease = scenario.fleet, scenario.lease
    if fleet is None or lease is None:
        return None
    rule = scenario.policy.lease
    return record.Fleet(
        holders=fleet.holders,
        leases=0 if round(scenario.leases) == fleet.holders else round(scenario.leases),
        called=fleet.words.many,
        called_one=fleet.words.one,
        holds=fleet.words.held,
        holds_one=fleet.words.held_one,
        overdue=fleet.overdue,
        loss=fleet.loss or "",
        zones=fleet.zones,
        lease_s=lease.duration.mean_s(),
        grace_s=rule.grace if isinstance(rule, policies.Grace) else 0.0,
        check_every_s=lease.check_every,
        check_jitter=lease.check_jitter,
        renewals_per_s=scenario.renewals_per_s,
        renewals_share=scenario.renewals_share,
        most=int(leases.holders_of(scenario).max()) if fleet.skew > 0 else 0,
        all_at_once_s=_all_at_once_s(scenario),
        apart_s=_apart_s(scenario),
        asks_within_s=0.0 if fleet.in_step else lease.check_every if fleet.start == "unleased" else math.inf,
        in_turn=_in_turn(scenario),
    )


def _apart_s(scenario: Scenario) -> float:
    """How far apart clients ask again that failed at once while the dependency was away, when it is back: by the waits
    that they have then, or as far as their checks lay apart when they began to fail, where all wait equally long. Of
    several outages the shortest that lets leases run out. inf where requests hang or fail so slowly that a queue builds
    up, where something else than waits may hold clients back or bring them together, or where no outage is written.
    """
    host, fleet, lease = scenario.host, scenario.fleet, scenario.lease
    if fleet is None or lease is None or fleet.start == "unleased" or scenario.recovers_from is not None:
        return math.inf
    if (
        host.hangs
        or host.fails_after_s > host.timeout.mean_s()
        or left_of(scenario, written_outages(scenario)) != (0.0, 0.0)
    ):
        return math.inf
    if scenario.classes or host.crash is not None or host.hint is not None or not _is_plain(scenario):
        return math.inf
    if any(isinstance(one, Restart | EndSessions | HoldClients) for one in scenario.operator):
        return math.inf
    downs = [one.to_s - one.from_s for one in written_outages(scenario) if one.fails_share == 1]
    failed_s = min((down_s for down_s in downs if down_s > lease.duration.mean_s()), default=0.0) - lease.check_every
    if not failed_s > 0:
        return math.inf
    waits = scenario.policy.client.lower()
    in_step_s = min(lease.check_every, waits.longest_share * _wait_then_s(waits, failed_s))
    return max(in_step_s, _waits_apart_s(scenario, failed_s))


def _is_plain(scenario: Scenario) -> bool:
    """Whether waits alone decide when clients ask again: no guard, no controller, no limit of admission, and no
    timeout that grows.
    """
    return waits_alone(scenario) and math.isinf(queueing.admission_per_s(scenario))


def held_s(scenario: Scenario) -> float:
    """How long a lease is held that nobody renews (mean), s; nan of jobs."""
    lease, rule = scenario.lease, scenario.policy.lease
    if lease is None:
        return math.nan
    return lease.duration.mean_s() + (rule.grace if isinstance(rule, policies.Grace) else 0.0)


def _in_turn(scenario: Scenario) -> record.InTurn | None:
    found = in_turn(scenario, int(leases.holders_of(scenario).max()))
    return None if found is None else record.InTurn(**found._asdict())


def lasting(scenario: Scenario) -> record.Lasting | None:
    """How long leases last through an outage; None where that has no least, or where sessions end otherwise."""
    fleet, lease, host, rule = scenario.fleet, scenario.lease, scenario.host, scenario.policy.lease
    if fleet is None or lease is None or scenario.classes or fleet.start == "unleased":
        return None
    if scenario.host.slowdown is not None:
        return None
    is_ended = any(action.ends_sessions for action in scenario.operator)
    if is_ended or (host.crash is not None and host.crash.sessions == "end") or not lease.duration.least_s() > 0:
        return None
    return record.Lasting(
        lease_s=lease.duration.least_s() + (rule.grace if isinstance(rule, policies.Grace) else 0.0),
        check_s=lease.check_every * (1 + lease.check_jitter),
        attempt_s=host.timeout.quantile_s(1.0),
    )


def _dies_at(scenario: Scenario) -> float:
    """How many requests wait at a host that dies of them: as many as its crash says, more than its memory holds beside
    those in service, or so many that a probe behind them takes too long; inf without a crash.
    """
    crash, workers = scenario.host.crash, scenario.host.workers
    if crash is None:
        return math.inf
    most = [math.inf if crash.queue is None else float(crash.queue)]
    if crash.memory_bytes is not None and crash.request_bytes is not None:
        most.append(max(crash.memory_bytes / crash.request_bytes - workers, 0.0))
    if crash.probe_latency is not None:
        most.append(crash.probe_latency * scenario.establish_per_s)
    return min(most)


def _all_at_once_s(scenario: Scenario) -> float:
    """How long the last holder waits and is served if all ask at once: on the largest host, by the slowest service,
    which is that of a failure where the dependency is down (requests that hang are told by themselves, `hanging`), and
    slower by as many as wait.
    """
    host, most = scenario.host, int(leases.holders_of(scenario).max())
    seen = [scenario.seen_by(name) for name in scenario.classes] or [scenario]
    own = leases.members_of(scenario, 0, most)
    rounds = (math.ceil(many / host.workers) * _longest_s(one) for one, many in zip(seen, own, strict=True))
    return math.fsum(rounds) * _slower(scenario)


def _slower(scenario: Scenario) -> float:
    """How many times slower the largest host is if all its holders ask at once; 1 without a slowdown."""
    slow = scenario.host.slowdown
    if slow is None or scenario.fleet is None:
        return 1.0
    most = int(leases.holders_of(scenario).max())
    return float(1 + slow.a * (sum(leases.members_of(scenario, 0, most)) / slow.queue) ** slow.b)


def _late_words(scenario: Scenario) -> str:
    """What a renewal takes whose client gave up, where the engine of sessions serves it as an establish and that takes
    another time; "" where it takes what a renewal takes.
    """
    host = scenario.host
    leaves = host.cancel_on_timeout or host.cancel == "queue"
    if not scenario.rules or not scenario.has_leases or leaves:
        return ""
    from recovery.stages.sessions.run import keeps_abandoned  # its engine is loaded where it is asked for

    if keeps_abandoned(scenario):
        return ""
    for name in scenario.classes or [""]:
        seen, own = (scenario.seen_by(name), scenario.classes[name]) if name else (scenario, None)
        make = seen.host.establish_time.mean_s()
        renew = (seen.host.renew_time or seen.host.establish_time).mean_s()
        if seen.lease is not None and make != renew:
            of_make = "host" if own is None or own.establish_time is None else f"classes.{name}"
            of_renew = "host" if own is None or own.renew_time is None else f"classes.{name}"
            return (
                f"{of_make}.establish_time ({tell_duration(make)} on average), not {of_renew}.renew_time "
                f"({tell_duration(renew)})"
            )
    return ""


def _longest_s(scenario: Scenario) -> float:
    """The longest of its services, on average."""
    host = scenario.host
    fails_s = 0.0 if host.hangs else host.fails_after_s
    return max(host.establish_time.mean_s(), (host.renew_time or host.establish_time).mean_s(), fails_s)


def _jobs(scenario: Scenario) -> record.Jobs | None:
    jobs = scenario.jobs
    if jobs is None:
        return None
    service_per_s, retries = hidden_capacity(scenario)
    return record.Jobs(
        steps=tuple(record.Step(at_s=step.at, rate_per_s=step.rate_per_s()) for step in job_steps(scenario)),
        retries=retries,
        hidden_per_s=theory.hidden_capacity_per_s(service_per_s, retries) if service_per_s > 0 else 0.0,
    )


def _launches(scenario: Scenario) -> record.Launches | None:
    if scenario.launches is None:
        return None
    steps = ((step.at, math.nan if step.rate is None else step.rate) for step in scenario.launches.throttle)
    door = scenario.launches.admission.name
    return record.Launches(
        throttle=tuple(record.Step(at_s=at, rate_per_s=rate) for at, rate in steps),
        admission="" if door == "open" else door,
    )


def _propagation(scenario: Scenario) -> record.Propagation | None:
    part = scenario.propagation
    if part is None:
        return None
    spans = tuple(record.Span(from_s=one.at, to_s=one.at + one.lasts) for one in part.reductions)
    return record.Propagation(normal_latency_s=part.normal_latency, reductions=spans, workers=part.workers)


def _health(scenario: Scenario) -> record.Health | None:
    part = scenario.health
    return None if part is None else record.Health(targets=part.targets, normal_share=part.normal_share)
