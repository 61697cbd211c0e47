"""A scenario as operators change what its hosts can do: at best, which no recovery can be faster than, after some of
what they do, and in the course of a run.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from recovery.model.distributions import Distribution
from recovery.model.edited import edited
from recovery.model.jobs import Step
from recovery.model.live import class_key
from recovery.model.operator import Action, Scale, SetKey
from recovery.model.scenario import Scenario


class Best(NamedTuple):
    """What no recovery can be faster than: a scenario of the fastest hosts, and the share of what they do that all do
    on average from the clock's start until all leases could have been made (1, but where operators make them faster
    only meanwhile).
    """

    scenario: Scenario
    share: float

    @property
    def per_s(self) -> float:
        """What all hosts do on average, 1/s."""
        return self.share * self.scenario.establish_per_s * self.scenario.hosts


def at_best(scenario: Scenario) -> Best:
    """The hosts with the most workers, and the shortest mean times of making a lease or doing a job, that are in force
    from the clock's start on until all leases could have been made (of jobs until the run ends; in the whole run
    where outages have yet to be drawn), by the file or by operators. It is the same scenario where these change none of
    them by then.

    What they do on a condition counts as done at the start, and what they do to some hosts, for a while or step by step
    as done to all for good at once, unless it takes workers away. So it is an upper bound of what the hosts can do.
    """
    if not scenario.operator:
        return Best(scenario, 1.0)
    try:
        from_s = scenario.recovers_from_s
    except LookupError:  # outages that have yet to be drawn
        return Best(_in_force_at_best(scenario, 0.0, math.inf), 1.0)
    best = _in_force_at_best(scenario, from_s, from_s if scenario.has_leases else math.inf)
    if not scenario.has_leases:
        return Best(best, 1.0)
    first = rate = best.establish_per_s * best.hosts
    rest = work = 0.99 * round(scenario.leases)
    now_s = from_s
    for at_s in sorted({one.at for one in scenario.operator if one.at is not None and one.at > from_s}):
        if rest <= rate * (at_s - now_s):
            break
        rest, now_s = rest - rate * (at_s - now_s), at_s
        best = _in_force_at_best(scenario, from_s, at_s)
        rate = best.establish_per_s * best.hosts
    is_alike = rate == first or math.isinf(rate)
    return Best(best, 1.0 if is_alike else work / rate / (now_s - from_s + rest / rate))


def _in_force_at_best(scenario: Scenario, from_s: float, until_s: float) -> Scenario:
    """The scenario with what is best at any time from one to another (s, with both)."""
    best: dict[str, object] = {}
    workers = most = scenario.host.workers
    for action in sorted(scenario.operator, key=lambda one: math.inf if one.at is None else one.at):
        if not isinstance(action, SetKey | Scale) or (action.at is not None and action.at > until_s):
            continue
        if _end_s(action) <= from_s:
            continue
        is_for_good = action.at is not None and action.lasts is None and action.zone is None
        is_for_good = is_for_good and (isinstance(action, Scale) or action.share == 1)
        is_settled = is_for_good and _begin_s(action) <= from_s
        if isinstance(action, Scale) and action.workers is not None:
            if action.workers > 0 or is_for_good:
                workers = max(workers + action.workers, 1)
        elif isinstance(action, SetKey) and action.key == "host.workers" and isinstance(action.parsed, int | float):
            workers = max(int(action.parsed), 1 if is_for_good else workers)
        elif isinstance(action, SetKey) and _counts(action.key):
            first = best.get(action.key, _from_file(scenario, action.key))
            best[action.key] = action.parsed if is_settled else min((first, action.parsed), key=_mean_s)
            continue
        else:
            continue
        most = workers if is_settled else max(most, workers)
    if most != scenario.host.workers:
        best["host.workers"] = most
    return edited(scenario, best.items()) if best else scenario


def capacity_course(scenario: Scenario) -> list[tuple[float, float]]:
    """What all hosts do from when on, (s, 1/s) in order of time up to the horizon, where operators set keys or scale at
    known times: in force is what was begun last and is not over. What they do on a condition is left out. What they do
    to some of the hosts counts for that share of them.
    """
    known = _known(scenario)
    course: list[tuple[float, float]] = []
    last = all_per_s(scenario, [])
    for at_s in sorted({edge for one in known for edge in (_begin_s(one), _end_s(one)) if edge <= scenario.horizon}):
        rate = all_per_s(scenario, in_force(scenario, at_s))
        if rate != last:
            course.append((at_s, rate))
        last = rate
    return course


def as_done(scenario: Scenario, begun: Iterable[tuple[int, float]]) -> Scenario:
    """The scenario of a run in which these actions, by their numbers, began at these times (s) since their condition
    held: they then are as known as all others.
    """
    times_s = {int(number): at_s for number, at_s in begun}
    actions = tuple(
        action.model_copy(update={"at": times_s[number]}) if number in times_s else action
        for number, action in enumerate(scenario.operator)
    )
    return scenario.model_copy(update={"operator": actions}) if times_s else scenario


def in_force(scenario: Scenario, at_s: float) -> list[SetKey | Scale]:
    """What operators set and scaled at known times and that is in force at one (s), in the order in which it began."""
    return [one for one in _known(scenario) if _begin_s(one) <= at_s < _end_s(one)]


def _known(scenario: Scenario) -> list[SetKey | Scale]:
    known = [one for one in scenario.operator if isinstance(one, SetKey | Scale) and one.at is not None]
    return sorted(known, key=_begin_s)


def _begin_s(action: SetKey | Scale) -> float:
    """When it is in force from: a ramp counts as done when it has come to its end."""
    begin = 0.0 if action.at is None else action.at
    return begin + (action.over if isinstance(action, SetKey) else action.warm_up)


def _end_s(action: SetKey | Scale) -> float:
    return math.inf if action.at is None or action.lasts is None else action.at + action.lasts


def all_per_s(scenario: Scenario, actions: Sequence[SetKey | Scale]) -> float:
    """What all hosts do after these actions, 1/s."""
    found = was = scenario.establish_per_s * scenario.hosts
    for many, action in enumerate(actions, 1):
        now = after(scenario, actions[:many]).establish_per_s * scenario.hosts
        part = action.share if isinstance(action, SetKey) else 1.0
        part /= 1 if action.zone is None else scenario.zones
        found, was = found + part * (now - was), now
    return found


def hidden_capacity(scenario: Scenario) -> tuple[float, float]:
    """By what the hidden capacity of jobs is told: what all hosts do in the end, 1/s, and the retries of a job then
    (inf: without limit), after what operators did at known times and that lasts.
    """
    last = in_force(scenario, scenario.horizon)
    jobs = after(scenario, last).jobs
    retries = math.inf if jobs is None or jobs.retries < 0 else float(jobs.retries)
    return all_per_s(scenario, last), retries


def job_steps(scenario: Scenario) -> tuple[Step, ...]:
    """How many jobs come, step by step, of all classes, with the rates that operators set at known times: such a rate
    takes the place of all steps of the file while it is in force.
    """
    steps = scenario.steps
    if not steps or not any(isinstance(one, SetKey) and _is_rate(one.key) for one in scenario.operator):
        return steps
    known = [one for one in _known(scenario) if isinstance(one, SetKey) and _is_rate(one.key)]
    edges = {step.at for step in steps} | {edge for one in known for edge in (_begin_s(one), _end_s(one))}
    names = list(scenario.classes) or [""]
    return tuple(
        Step.model_construct(at=at, rate=math.fsum(_jobs_per_s(scenario, name, at) for name in names), interval=None)
        for at in sorted(edges)
        if at < scenario.horizon
    )


def _is_rate(key: str) -> bool:
    name, own = class_key(key)
    return own == "rate" if name else key == "jobs.rate"


def _jobs_per_s(scenario: Scenario, name: str, at_s: float) -> float:
    """Jobs of a class ("" without classes) that come in a second at a time."""
    share: float | None = 1.0  # of the rate for all; None where the class has a rate of its own
    if name:
        name = scenario.places[name].root
        share = scenario.places[name].share if scenario.classes[name].own_steps is None else None
    seen = scenario.seen_by(name) if name else scenario
    rate_per_s = [step.rate_per_s() for step in seen.steps if step.at <= at_s][-1]
    for action in in_force(scenario, at_s):
        if not isinstance(action, SetKey) or not isinstance(action.parsed, int | float):
            continue
        of, own = class_key(action.key)
        if (of == name and own == "rate" and name) or (action.key == "jobs.rate" and share is not None):
            now_per_s = action.parsed * (1.0 if of or share is None else share)
            part = action.share / (1 if action.zone is None else scenario.zones)
            rate_per_s += part * (now_per_s - rate_per_s)
    return rate_per_s


def after(scenario: Scenario, actions: Iterable[Action]) -> Scenario:
    """The scenario with its keys and workers as these actions leave them, one after the other."""
    edits: list[tuple[str, object]] = []
    workers = scenario.host.workers
    for action in actions:
        if isinstance(action, Scale) and action.workers is not None:
            workers += action.workers
            edits.append(("host.workers", workers))
        elif isinstance(action, SetKey):
            if action.key == "host.workers" and isinstance(action.parsed, int):
                workers = action.parsed
            edits.append((action.key, action.parsed))
    return edited(scenario, edits)


def _counts(key: str) -> bool:
    name, own = class_key(key)
    return own == "establish_time" if name else key == "host.establish_time"


def _from_file(scenario: Scenario, key: str) -> Distribution:
    """What the file says: of a class that says nothing, what it has from the host."""
    name, _ = class_key(key)
    if not name:
        return scenario.host.establish_time
    return scenario.seen_by(name).host.establish_time


def _mean_s(value: object) -> float:
    return value.mean_s() if isinstance(value, Distribution) else math.inf
