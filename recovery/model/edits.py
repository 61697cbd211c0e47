"""What edits of live keys want of the rest of a scenario."""

import math
from collections.abc import Iterable, Iterator

from recovery.errors import shown
from recovery.model import classes as kinds
from recovery.model import policies
from recovery.model.edited import edited, family_of, shares_numbers
from recovery.model.live import class_key
from recovery.model.operator import Action, SetKey, Throttle, gates_of
from recovery.model.part import Part
from recovery.model.tables import Tables
from recovery.units import show_duration

_DEAR = "want a smaller cost, or a longer burst"
_NO_LEASES = "another one: jobs hold no leases"
_OF_RULES: dict[str, tuple[tuple[type[policies.Rule], ...], str]] = {  # rules that have a key, and what it is of them
    "policy.queue.limit": ((policies.Bounded,), "limit"),
    "policy.queue.max_age": ((policies.DropExpired,), "longest age"),
    "policy.queue.margin": ((policies.DropExpired,), "margin"),
    "policy.admission.rate": (policies.WITH_RATE, "rate"),
    "policy.admission.limit": (policies.WITH_LIMIT, "limit"),
    "policy.admission.burst": ((policies.TokenBucket, policies.QueueSize), "burst"),
    "policy.admission.wait": ((policies.TokenBucket, policies.LeakyBucket), "wait"),
    "policy.admission.line": ((policies.TokenBucket, policies.LeakyBucket), "line"),
    "policy.lease.grace": ((policies.Grace,), "grace"),
    "policy.lease.from_failures": ((policies.Freeze,), "share"),
    "policy.lease.then": ((policies.Freeze,), "thaw"),
    "policy.lease.until": ((policies.Freeze,), "moment at which clocks go on"),
}
_TABLES = ("host.bar", "host.hint", "host.crash", "host.slowdown", "host.probe")


def wrong(scenario: Tables, action: Action) -> Iterator[str]:
    """What an action cannot do with the file as it is, a line each, behind the action's place."""
    if isinstance(action, SetKey):
        if missing := _missing(scenario, action.key):
            yield f"key is {action.key}; want {missing}"
            return
        if wanted := _wanted(scenario, action) or _unfit(scenario, action):
            yield wanted
            return
    if isinstance(action, Throttle) and action.rule is not None:
        yield from _wrong_rule(scenario, action, action.rule)
    yield from _wrong_tokens(scenario, action)


def _wrong_rule(scenario: Tables, action: Throttle, rule: policies.Limiting) -> Iterator[str]:
    """A rule of a throttle that lets wait where it cannot, or does not know what a hint is to say."""
    first = next(iter(gates_of(scenario.operator, list(scenario.classes))), [])
    if action.lets_wait and not any(scenario.operator[place] is action for place in first):
        yield (
            f'rule "{rule.name}" lets requests wait in a line, and only throttles like the first of the file may; '
            'want wait = "off", or this throttle first'
        )
    if scenario.host.hint is not None and scenario.host.hint.says == "tokens" and not action.has_bucket:
        yield f'rule is "{rule.name}", which counts no tokens, and host.hint.says is "tokens"; want "time" or "queue"'


def _sets(scenario: Tables) -> list[SetKey]:
    return [action for action in scenario.operator if isinstance(action, SetKey)]


def _in_run(scenario: Tables, key: str) -> list[object]:
    """All that a key of the file may be in the run: as written, and as operators set it."""
    part: object = scenario
    for name in key.split("."):
        part = getattr(part, name, None)
    return [part, *(one.parsed for one in _sets(scenario) if one.key == key)]


# --- keys that mean something only beside others ----------------------------------------------------------------------


def _missing(scenario: Tables, key: str) -> str:
    """What a file must have so that a live key means something in it; "" if it has it."""
    if (of_class := class_key(key))[0]:
        return _missing_of_class(scenario, *of_class)
    table, _, rest = key.partition(".")
    if table in ("lease", "jobs") and getattr(scenario, table) is None:
        return "one of a table that the file has"
    if scenario.jobs is not None and (key in ("host.renew_time", "host.late") or family_of(key) == "lease"):
        return _NO_LEASES
    if key in _OF_RULES:
        rules, what = _OF_RULES[key]
        axis = rest.partition(".")[0]
        if not any(isinstance(rule, rules) for rule in _in_run(scenario, f"policy.{axis}")):
            return f"policy.{axis} {_one_of(rules)}, whose {what} it changes"
    if table == "policy" and family_of(key) in ("queue", "lease"):
        return _of_controller(scenario, rest.partition(".")[0])
    for name in _TABLES:
        if key.startswith(f"{name}.") and not any(_in_run(scenario, name)):
            return f"a table {name}, {'whose strength' if key == 'host.slowdown.a' else 'which'} it changes"
    if key == "host.resend" and "silent" not in _in_run(scenario, "host.full"):
        return 'host.full = "silent" beside it: who is refused comes back as policy.client says'
    if key == "host.resend_growth" and not any(_in_run(scenario, "host.resend")):
        return "host.resend, whose gaps it makes longer"
    if key == "host.timeout_cap" and all(value == 1 for value in _in_run(scenario, "host.timeout_growth")):
        return "host.timeout_growth above 1, whose end it is"
    if key == "lease.expire_time" and scenario.lease is not None and scenario.lease.expire_time is None:
        return "lease.expire_time in the file, which it changes: hosts that do no such work know of no lease's end"
    return ""


def _of_controller(scenario: Tables, axis: str) -> str:
    """A rule that remembers cannot be put in force again, so none is taken out of force either."""
    order, runs = scenario.policy.queue.lower(1.0), [scenario.policy.lease.lower()]
    runs += [one.lease.lower() for one in scenario.classes.values() if one.lease is not None]
    rules = {"queue": [order.controller], "lease": [one.controller for one in runs]}.get(axis, [])
    if any(rule is not None for rule in rules):
        return f"a policy.{axis} in the file that is no controller: one that remembers cannot begin again in a run"
    return ""


def _missing_of_class(scenario: Tables, name: str, key: str) -> str:
    """The same of a live key of a class."""
    classes = scenario.classes
    if name not in classes:
        return f"one of {', '.join(classes)} as the class" if classes else "a table [classes.NAME]"
    one, place = classes[name], scenario.places[name]
    if place.is_jobs and key in (*kinds.OF_LEASE, "renew_time", "lease"):
        return _NO_LEASES
    if not place.is_jobs and key == "retries":
        return "another one: lease holders never give up"
    if key == "rate" and (not place.is_jobs or one.ties):
        return "another one: only jobs that come by themselves have a rate"
    if key == "lease":
        return _of_controller(scenario, "lease")
    seen = scenario.seen_by(name)
    if key == "expire_time" and (seen.lease is None or seen.lease.expire_time is None):
        return f"classes.{name}.expire_time in the file, which it changes"
    growths = [*_in_run(scenario, "host.timeout_growth"), seen.host.timeout_growth]
    growths += [edit.parsed for edit in _sets(scenario) if edit.key == f"classes.{name}.timeout_growth"]
    if key == "timeout_cap" and all(value == 1 for value in growths):
        return f"classes.{name}.timeout_growth above 1, whose end it is"
    return ""


# --- values that do not fit -------------------------------------------------------------------------------------------


def _wanted(scenario: Tables, action: SetKey) -> str:
    """What a live key cannot become here, and what is wanted; "" if it can."""
    policy, (name, key) = scenario.policy.admission, class_key(action.key)
    if action.over and key in ("rate", "jobs.rate"):
        jobs = scenario.seen_by(name).jobs if name else scenario.jobs
        if jobs is not None and (many := len(jobs.steps)) > 1:
            return (
                f"over is {show_duration(action.over)}, and jobs come in {many} steps; want a ramp only from one "
                "rate, or the ramp as steps"
            )
    if action.over and key == "host.fail_after" and any(isinstance(one, str) for one in _in_run(scenario, key)):
        return (
            f'over is {show_duration(action.over)}, and host.fail_after is "until-back" before or after; '
            "want a ramp only from a time to a time"
        )
    if action.over and shares_numbers(action.key, [one.key for one in _sets(scenario)]):
        return (
            f"over is {show_duration(action.over)}, and {action.key} shares numbers with other keys that are set; "
            "want steps, each an action of its own"
        )
    if key == "policy.admission.limit" and isinstance(policy, policies.QueueSizeSwitch | policies.QueueSizeRamp):
        limit = action.parsed
        if isinstance(limit, int | float) and (isinstance(limit, int) != isinstance(policy.low, int)):
            return "value is no limit as policy.admission.low is; want both in requests, or both as times"
        if isinstance(limit, int | float) and limit <= policy.low:
            return f"value is {shown(action.value)}; want above policy.admission.low"
    return ""


def _unfit(scenario: Tables, action: SetKey) -> str:
    """What does not fit together in the file as it is with this edit, and those before it in the list."""
    until = scenario.operator[: scenario.operator.index(action) + 1]
    sets = [one for one in until if isinstance(one, SetKey) and family_of(one.key) and not _missing(scenario, one.key)]
    for some in (sets, [one for one in sets if one.lasts is None or one is action]):
        then = edited(scenario, [(one.key, one.parsed) for one in some])
        if (wrong := _unfit_tables(then, action.key)) and action in some:
            return f"value is {shown(action.value)}: {wrong}"
    return ""


def _unfit_tables(then: Tables, key: str) -> str:
    """What of the tables that a key belongs to does not fit; "" if all does."""
    family, host = family_of(key), then.host
    tables: list[Part | None] = [host.crash] if family == "crash" else []
    if family == "retry":
        tables.append(host.hint)
    for table in tables:
        if wrong := _of_itself(table):
            return wrong
    if family == "crash" and host.crash is not None:
        if host.crash.probe_latency is not None and host.probe is None:
            return "want a table [host.probe] with probe_latency: what is measured"
        if host.crash.sessions == "end" and not then.has_leases:
            return 'want sessions = "stay": jobs hold no leases'
    if family == "bar" and host.bar is not None:
        for name in host.bar.classes:
            if name not in then.classes:
                return f"classes names {name}, which is no class; want a table [classes.{name}]"
    counts_none = not isinstance(then.policy.admission, (policies.Open, *policies.WITH_RATE))
    if host.hint is not None and host.hint.says == "tokens" and family in ("retry", "admission") and counts_none:
        law = then.policy.admission.name
        return f'host.hint.says is "tokens" then, and "{law}" counts none; want "time" or "queue"'
    throttles = [one for one in then.operator if isinstance(one, Throttle) and not one.has_bucket]
    if family == "retry" and host.hint is not None and host.hint.says == "tokens" and throttles:
        law = throttles[0].law.name
        return f'host.hint.says is "tokens" then, and a throttle by "{law}" counts none; want "time" or "queue"'
    if family == "admission" and (wrong := _of_itself(then.policy.admission)):
        return wrong
    return _too_short(then) if family == "lease" else ""


def _of_itself(table: object) -> str:
    """What a table or a rule says of its own keys together."""
    for check in getattr(type(table), "__pydantic_decorators__").model_validators.values() if table else ():  # noqa: B009
        if check.info.mode == "after":
            try:
                check.func(table)
            except ValueError as error:
                return str(error)
    return ""


def _too_short(then: Tables) -> str:
    """Leases that do not last from check to check."""
    for seen in [then.seen_by(name) for name in then.classes] or [then]:
        rule, lease = seen.policy.lease, seen.lease
        grace = rule.grace if isinstance(rule, policies.Grace) else 0.0
        if lease is not None and lease.duration.mean_s() + grace <= lease.check_every:
            return f"want a lease that lasts longer than from check to check, {show_duration(lease.check_every)}"
    return ""


# --- buckets that never hold what an attempt costs --------------------------------------------------------------------


def _wrong_tokens(scenario: Tables, action: Action) -> Iterator[str]:
    """Buckets that never hold what an attempt of a class costs, so that it never gets in, as an action makes them.
    (One with a rate of 0 is meant to let nobody in.)
    """
    can = scenario.establish_per_s
    if isinstance(action, Throttle):
        bursts = [law.lower(can, scenario.hosts).tokens for _, law in action.laws if law is not None]
        least = min((burst for burst in bursts if burst > 0), default=math.inf)
        for name, cost in _dearest(scenario).items():
            if cost > least and (not action.classes or name in action.classes):
                key = "burst" if action.rule is None else "rule"
                yield f"{key} makes {_tokens(least)}, and classes.{name}.cost is {cost:g}; {_DEAR}"
    elif isinstance(action, SetKey) and class_key(action.key)[1] == "cost":
        value, burst = action.parsed, scenario.admission_burst
        if isinstance(value, int | float) and value > burst:
            yield f"value is {value:g}, and admission has {_tokens(burst)}; {_DEAR}"
    elif isinstance(action, SetKey) and family_of(action.key) == "admission":
        then = edited(scenario, [(action.key, action.parsed)])
        rule = then.policy.admission
        is_shut = isinstance(rule, policies.WITH_RATE) and rule.rate.of_host(can, scenario.hosts) == 0
        burst = math.inf if is_shut else then.admission_burst
        for name, cost in _dearest(scenario).items():
            if cost > burst:
                told = f"admission has {_tokens(burst)} then"
                yield f"value is {shown(action.value)}: {told}, and classes.{name}.cost is {cost:g}; {_DEAR}"


def _dearest(scenario: Tables) -> dict[str, float]:
    """The most that an attempt of each class costs in the run: as written, or as operators set it."""
    found = {name: one.cost for name, one in scenario.classes.items()}
    for one in scenario.operator:
        name, key = class_key(one.key) if isinstance(one, SetKey) else ("", "")
        if isinstance(one, SetKey) and key == "cost" and name in found and isinstance(one.parsed, int | float):
            found[name] = max(found[name], one.parsed)
    return found


def _one_of(rules: Iterable[type[policies.Rule]]) -> str:
    names = [f'"{policies.name_of(rule)}"' for rule in rules]
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]


def _tokens(burst: float) -> str:
    return f"at most {burst:g} token{'' if burst == 1 else 's'} at a host"
