"""Scenarios of part two for tests: today's cases told to the twin of part two, and any others."""

import importlib
import pkgutil
from dataclasses import replace
from types import ModuleType
from typing import Any, Literal

from hypothesis import strategies as st
from kernel_cases import TABLE, Case, G, draws, grid, limits, policies, requests
from recovery_kernels import controllers as our_controllers
from twin import coldstart
from twin.requests import Twin, histogram_part
from twin.sessions import chance
from twin.sessions.books import HOST, Books
from twin.sessions.chance import Chance
from twin.sessions.fleet import Fleet
from twin.sessions.scenario import (
    Action,
    Bar,
    Class,
    Condition,
    Conflict,
    Controlled,
    Crash,
    Dist,
    Edit,
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

from recovery.stages.sessions import controllers

KINDS = {
    draws.CONSTANT: "constant",
    draws.UNIFORM: "uniform",
    draws.EXPONENTIAL: "exponential",
    draws.LOGNORMAL: "lognormal",
    draws.WEIBULL: "weibull",
    draws.PARETO: "pareto",
    draws.EMPIRICAL: "empirical",
}
RETRIES = {
    policies.IMMEDIATE: "immediate",
    policies.FIXED: "fixed",
    policies.EXPONENTIAL: "exponential",
    policies.FULL_JITTER: "full-jitter",
    policies.EQUAL_JITTER: "equal-jitter",
    policies.PROPORTIONAL_JITTER: "proportional-jitter",
}
ADMISSIONS = {
    limits.OPEN: "open",
    limits.TOKEN_BUCKET: "token-bucket",
    limits.LINEAR: "queue-size",
    limits.SWITCH: "queue-size-switch",
    limits.RAMP: "queue-size-ramp",
}
LEASES = {
    policies.LEASE_FIXED: "fixed",
    policies.GRACE: "fixed",
    policies.CREDIT_ON_ARRIVAL: "credit-on-arrival",
    policies.FREEZE: "freeze",
    policies.FREEZE_UNTIL_HEARD: "freeze",
}
LINES = {
    requests.LOG_SUBMIT: "submit",
    requests.LOG_REJECT: "reject",
    requests.LOG_DROP: "drop",
    requests.LOG_START: "start",
    requests.LOG_SUCCESS: "success",
    requests.LOG_WASTE: "waste",
    requests.LOG_FAIL: "fail",
    requests.LOG_DEADLINE: "deadline",
    requests.LOG_CANCEL: "cancel",
    requests.LOG_ARRIVE: "arrive",
    requests.LOG_GIVE_UP: "give-up",
}
FLOWS = {
    requests.SUBMITTED: "submitted",
    requests.REJECTED_GATE: "rejected-gate",
    requests.REJECTED_ADMISSION: "rejected-admission",
    requests.REJECTED_FULL: "rejected-full",
    requests.REJECTED_DOWN: "rejected-down",
    requests.DROPPED: "dropped",
    requests.LOST: "lost",
    requests.CANCELLED: "cancelled",
    requests.SUCCEEDED: "succeeded",
    requests.WASTED: "wasted",
    requests.FAILED: "failed",
    requests.TIMED_OUT: "timed-out",
    requests.ESTABLISHED: "established",
    requests.ARRIVED: "arrived",
    requests.GAVE_UP: "gave-up",
    requests.USEFUL_NS: "useful-ns",
    requests.WASTED_NS: "wasted-ns",
    requests.FAILED_NS: "failed-ns",
    requests.OVERHEAD_NS: "overhead-ns",
}
LEVELS = {
    requests.BUSY_SUM_NS: (HOST, "busy-ns"),
    requests.IDLE_SUM_NS: (HOST, "idle-ns"),
    requests.DOWN_SUM_NS: (HOST, "down-ns"),
    requests.QUEUE: (HOST, "queue"),
    requests.OLDEST_NS: (HOST, "oldest-ns"),
    requests.LEASED_END: (0, "leased"),
    requests.IN_SERVICE: (HOST, "in-service"),
    requests.SLEEPING_END: (0, "asleep"),
    requests.QUEUE_MAX: (HOST, "queue-max"),
    requests.OLDEST_MAX_NS: (HOST, "oldest-max-ns"),
    requests.OPEN_MAX: (0, "open-max"),
}


def dist_of(dist: Any, table: tuple[float, ...]) -> Dist:
    """A distribution of the kernel's."""
    return Dist(KINDS[dist.kind], dist.a, dist.b, table[dist.first : dist.first + dist.size])  # type: ignore[arg-type]


def scenario_of(case: Case) -> Scenario:
    """A case of the first version: one class, and nothing of part two."""
    p, table = case.params, case.table
    client, lease, queue, admission = p.client, p.lease, p.queue, p.admission
    is_jobs = p.traffic == requests.JOBS
    one = Class(
        "all",
        first_ns=() if is_jobs else (case.first_ns,),
        expires_ns=() if is_jobs else (case.expires_ns,),
        arrivals=tuple(zip(case.arrivals_ns, case.arrivals_per_ns, strict=True)) if is_jobs else (),
        is_poisson=bool(p.poisson),
        establish=dist_of(p.establish, table),
        renew=dist_of(p.renew, table),
        timeout=dist_of(p.timeout, table),
        retry=Retry(
            RETRIES[client.kind],  # type: ignore[arg-type]
            dist_of(client.delay, table),
            client.base_ns,
            client.factor,
            client.cap_ns,
            client.jitter,
            client.retries,
        ),
        lease=Lease(
            LEASES[lease.kind],  # type: ignore[arg-type]
            dist_of(lease.duration, table),
            lease.grace_ns,
            "rearm" if lease.thaw == policies.REARM else "resume",
            lease.freeze_share,
            until="heard" if lease.kind == policies.FREEZE_UNTIL_HEARD else "return",
        ),
        check_every_ns=p.check_every_ns,
        check_jitter=p.check_jitter,
    )
    host = Host(
        workers=p.workers,
        discipline="lifo" if queue.kind == policies.LIFO else "fifo",
        limit=queue.limit if queue.kind == policies.BOUNDED else None,
        drop_expired=queue.kind == policies.DROP_EXPIRED,
        max_age_ns=queue.max_age_ns,
        margin_ns=queue.margin_ns,
        cancel="worker" if p.cancel else "none",
        fail_after_ns=p.fail_after_ns,
        reject_cost_ns=p.reject_cost_ns,
        drop_cost_ns=p.drop_cost_ns,
        drop_notifies=bool(p.drop_notifies),
        round_trip_ns=client.round_trip_ns,
        slowdown_a=p.slowdown_a,
        slowdown_b=p.slowdown_b,
        slowdown_n=p.slowdown_n,
        admission=Limiter(
            ADMISSIONS[admission.kind],  # type: ignore[arg-type]
            admission.rate_per_ns,
            admission.burst,
            admission.limit,
            bool(admission.establish_only),
            low=admission.low,
        ),
    )
    dependency, playbook = [], []
    for time, what, argument, first, second in sorted(case.controls):
        if what == requests.DEPENDENCY:
            dependency.append((time, first))
        elif what == requests.RESTART:
            playbook.append(Action((Step(Restart(argument)),), at_ns=time))
        else:
            gate = Limiter("token-bucket", first, second, is_establish_only=argument != 0) if first >= 0.0 else None
            playbook.append(Action((Step(Throttle(gate)),), at_ns=time))
    return Scenario(
        until_ns=case.until_ns,
        window_ns=p.window_ns,
        classes=(one,),
        host=host,
        hosts=(case.host,),
        dependency=tuple(dependency),
        playbook=tuple(playbook),
        seed=case.seed,
        replication=case.replication,
    )


def as_today(fleet: Fleet, case: Case) -> dict[str, Any]:
    """What the twin of part two says, in the form of today's twin; controls are left out of the log."""
    books = fleet.books
    wanted = {what: kind for kind, what in LINES.items()}
    rows = []
    for window in range(case.windows + 1):
        row = {f"flow {name}": books.flows[window, 0, 0, name] for name in FLOWS.values()}
        row |= {f"level {name}": books.levels.get((window, 0, k, name), 0) for k, name in LEVELS.values()}
        rows.append(row)
    return {
        "log": [(one.time, wanted[one.what], one.client, one.attempt) for one in books.log if one.what in wanted],
        "series": rows,
        "histogram": parts(books.sojourns.get((0, 0), [])),
        "latency": parts(books.latencies.get((0, 0), [])),
        "unleased_ns": fleet.unleased_ns(0) if case.params.traffic == requests.HOLDERS else 0,
    }


def today(case: Case) -> dict[str, Any]:
    """The same from today's twin."""
    twin = Twin(case.params, case.keys(), case.inputs(), case.windows)
    twin.wake_holders(case.first_ns, case.expires_ns)
    twin.run(case.until_ns)
    rows = []
    for series in twin.series.tolist():
        row = {f"flow {name}": series[column] for column, name in FLOWS.items()}
        row |= {f"level {name}": series[column] for column, (_, name) in LEVELS.items()}
        rows.append(row)
    return {
        "log": [line for line in twin.log if line[1] != requests.LOG_CONTROL],
        "series": rows,
        "histogram": {part: int(n) for part, n in enumerate(twin.histogram) if n},
        "latency": {part: int(n) for part, n in enumerate(twin.latency) if n},
        "unleased_ns": twin.unleased_ns + twin.still_unleased_ns(),
    }


def parts(times: list[int]) -> dict[int, int]:
    """How many times fall into each part of a histogram."""
    found: dict[int, int] = {}
    for time in times:
        part = histogram_part(time)
        found[part] = found.get(part, 0) + 1
    return dict(sorted(found.items()))


def run(scenario: Scenario) -> Books:
    """A whole run, checked after each event."""
    return Fleet(scenario).run()


# --- any scenario that the independent program for cold starts can be told, too --------------------------------------

FEW = tuple(float(n) for n in range(1, 7))  # what is drawn: 1 … 6 ns, so that much happens at one time


@st.composite
def cold_starts(draw: st.DrawFn) -> tuple[Scenario, coldstart.Plan]:
    """One host with holders and jobs, as both programs are told it. A step of the one is a nanosecond of the other."""
    until = draw(st.integers(30, 80))
    seed = draw(st.integers(0, 2**64 - 1))
    rolls = Chance(seed, 0, 0)
    limit = st.one_of(st.none(), st.integers(0, 4))
    classes: list[Class] = []
    kinds: list[coldstart.Kind] = []
    for number in range(draw(st.integers(1, 4))):
        patience, pause, interval = (draw(st.integers(least, 25)) for least in (1, 0, 1))
        lease = draw(st.one_of(st.integers(0, 25), st.sampled_from([50, 200])))
        priority, weight = draw(st.integers(0, 2)), draw(st.sampled_from([None, None, 1, 2, 3, 16]))
        own = draw(limit) if draw(st.booleans()) else None
        is_jobs = draw(st.sampled_from([False, False, True]))
        before = [k for k in range(number) if classes[k].is_jobs == is_jobs]
        tie, after = None, None
        if before and draw(st.sampled_from([True, True, False])):
            tie = draw(st.sampled_from(before))
            if draw(st.booleans()):
                tie, after = None, tie
        shared: dict[str, Any] = {
            "establish": Dist("empirical", values=FEW),
            "renew": Dist("empirical", values=FEW[:3]),
            "timeout": constant(patience),
            "check_every_ns": interval,
            "lease": Lease(duration=constant(lease)),
            "first_delay": Dist("empirical", values=(0.0, 0.0, 1.0, 4.0)),
            "priority": priority,
            "weight": weight,
            "limit": own,
            "of": None if tie is None else classes[tie].name,
            "after": None if after is None else classes[after].name,
        }
        told: dict[str, Any] = {
            "patience": patience, "pause": pause, "interval": interval, "lease": lease, "urgency": priority,
            "part": weight, "room": own, "with_": tie, "after": after,
        }  # fmt: skip
        if is_jobs:
            retries = draw(st.integers(0, 3))
            told["tries"] = retries + 1
            shared["retry"] = Retry("fixed", constant(pause), retries=retries)
            if tie is None and after is None:
                rate = draw(st.sampled_from([0.05, 0.2, 0.5]))
                phase = rolls.uniform(chance.ARRIVAL, number, 0, 0)
                came = [int((phase + n) / rate + 0.5) for n in range(until)]
                told["comes"] = tuple(time for time in came if time < until)
                shared |= {"arrivals": ((0, rate),), "is_poisson": False}
        else:
            partner = tie if after is None else after
            many = draw(st.integers(1, 5)) if partner is None else len(classes[partner].first_ns[0])
            times = st.lists(st.integers(0, 12), min_size=many, max_size=many).map(tuple)
            is_cold, laps = draw(st.booleans()), draw(st.booleans())
            first, lease_ends = draw(times), tuple(5 * end for end in draw(times))
            told |= {"first": first, "lease_ends": lease_ends, "cold": is_cold, "laps": laps}
            shared |= {
                "first_ns": (first,), "expires_ns": (lease_ends,), "starts_unleased": is_cold,
                "retry": Retry("fixed", constant(pause)), "expire": Dist("empirical", values=FEW[:2]) if laps else None,
            }  # fmt: skip
        classes.append(Class(f"c{number}", **shared))
        kinds.append(coldstart.Kind(**told))
    workers, room, gap, fails_in = (
        draw(st.integers(1, 3)),
        draw(limit),
        draw(st.integers(1, 3)),
        draw(st.integers(0, 4)),
    )
    begins = draw(st.integers(0, until))
    away = draw(st.sampled_from([(), ((begins, begins + 15),)]))
    breaks, playbook = [], []
    every = tuple(range(len(classes)))
    for _ in range(draw(st.integers(1, 4))):
        when, share = draw(st.integers(0, until)), draw(st.sampled_from([1.0, 1.0, 0.5, 0.3]))
        which = draw(st.sampled_from([every, (draw(st.sampled_from(every)),)]))
        how = draw(st.sampled_from([coldstart.AT_ONCE, coldstart.AT_CHECK, coldstart.DRAWN]))
        breaks.append((when, which, share, how))
        notices: dict[str, Any] = {coldstart.AT_ONCE: "at-once", coldstart.AT_CHECK: "at-check"}
        edit = EndSessions(share, notices.get(how, Dist("empirical", values=FEW)))
        playbook.append(Action((Step(edit, classes=which),), at_ns=when))
    streams = {
        "service": chance.SERVICE, "renewal": chance.SERVICE, "lapse": chance.EXPIRE, "notice": chance.NOTICE,
        "delay": chance.FIRST_DELAY,
    }  # fmt: skip
    values = {"service": FEW, "renewal": FEW[:3], "lapse": FEW[:2], "notice": FEW, "delay": (0.0, 0.0, 1.0, 4.0)}

    def rolled(what: str, number: int, client: int, attempt: int) -> int:
        return rolls.time_ns(Dist("empirical", values=values[what]), streams[what], number, client, attempt)

    scenario = Scenario(
        until,
        7,
        tuple(classes),
        Host(workers, limit=room, round_trip_ns=gap, fail_after_ns=fails_in),
        dependency=tuple((time, share) for begin, end in away for time, share in ((begin, 1.0), (end, 0.0))),
        playbook=tuple(playbook),
        seed=seed,
    )
    return scenario, coldstart.Plan(until, workers, tuple(kinds), rolled, room, gap, fails_in, away, tuple(breaks))


# --- any scenario of part two -----------------------------------------------------------------------------------------


def often(most: int) -> st.SearchStrategy[Dist]:
    """Times of 0 … `most` steps of the grid, often with ties."""
    return st.one_of(
        grid(0, most).map(constant),
        st.just(Dist("empirical", values=TABLE)),
        grid(1, most).map(lambda mean: Dist("exponential", float(mean))),
    )


@st.composite
def limiters(draw: st.DrawFn, costs: float = 0.0) -> Limiter:
    """A limiter that lets wait, or not."""
    kinds = ["open", "open", "token-bucket", "token-bucket", "queue-size", "queue-size-switch", "queue-size-ramp"]
    kind = draw(st.sampled_from(kinds))
    limit = draw(st.sampled_from([1.0, 3.0, 7.0]))
    return Limiter(
        kind,
        draw(st.sampled_from([0.0, 0.2 / G, 0.5 / G, 1.0 / G])),
        max(draw(st.sampled_from([1.0, 2.5, 5.0])), costs),
        limit,
        draw(st.booleans()),
        draw(st.sampled_from([0, 2, 5])) if kind in ("open", "token-bucket") else 0,
        float(draw(st.sampled_from([2 * G, 20 * G, 2**60]))),
        draw(st.sampled_from([None, None, (0,)])),
        limit - draw(st.sampled_from([1.0, 2.0])) if kind.endswith(("switch", "ramp")) and limit > 1.0 else 0.0,
    )


@st.composite
def retries(draw: st.DrawFn, is_jobs: bool) -> Retry:
    """A client's policy."""
    kinds = ["immediate", "fixed", "exponential", "full-jitter", "equal-jitter", "proportional-jitter"]
    return Retry(
        draw(st.sampled_from([*kinds, "decorrelated-jitter"])),
        draw(often(5)),
        draw(st.sampled_from([0.5 * G, 1.0 * G, 2.0 * G])),
        draw(st.sampled_from([1.0, 2.0, 3.0])),
        draw(st.sampled_from([2.0 * G, 10.0 * G])),
        draw(st.sampled_from([0.0, 0.3])),
        draw(st.sampled_from([-1, 0, 1, 3])) if is_jobs else -1,
        draw(st.sampled_from(["ignore", "obey", "at-least"])),
        draw(st.sampled_from([0.0, 0.5])),
    )


def leases() -> st.SearchStrategy[Lease]:
    """A lease and its rule."""
    return st.builds(
        Lease,
        st.sampled_from(["fixed", "credit-on-arrival", "freeze"]),
        st.one_of(often(30), grid(20, 90).map(constant)),
        st.sampled_from([0, 2 * G]),
        st.sampled_from(["resume", "rearm"]),
        st.sampled_from([0.5, 1.0]),
        until=st.sampled_from(["return", "heard"]),
    )


@st.composite
def classes_of(draw: st.DrawFn, number: int, before: list[Class], hosts: int) -> Class:
    """A class behind others, tied to one of them or not."""
    is_jobs = draw(st.sampled_from([False, False, True]))
    partners = [one for one in before if one.is_jobs == is_jobs]
    tie = draw(st.sampled_from(partners)) if partners and draw(st.sampled_from([True, True, False])) else None
    how = draw(st.sampled_from(["of", "after"]))
    parts: dict[str, Any] = {} if tie is None else {how: tie.name}
    if is_jobs and tie is None:
        rate = st.sampled_from([0.0, 0.1 / G, 0.3 / G, 0.6 / G])
        parts["arrivals"] = ((0, draw(rate)), (draw(grid(1, 40)), draw(rate)))
        parts["is_poisson"] = draw(st.booleans())
    if not is_jobs:
        many = [draw(st.integers(0, 5)) for _ in range(hosts)] if tie is None else [*map(len, tie.first_ns)]
        parts["first_ns"] = tuple(tuple(draw(grid(0, 12)) for _ in range(n)) for n in many)
        parts["expires_ns"] = tuple(tuple(draw(grid(-1, 30)) for _ in range(n)) for n in many)
        parts["starts_unleased"] = draw(st.booleans())
        parts["expire"] = draw(st.one_of(st.none(), often(2)))
    return Class(
        f"c{number}",
        establish=draw(often(6)),
        renew=draw(often(3)),
        timeout=draw(often(12)),
        timeout_growth=draw(st.sampled_from([1.0, 1.0, 2.0])),
        timeout_cap_ns=draw(st.sampled_from([8.0 * G, 40.0 * G])),
        timeout_keeps=draw(st.booleans()),
        retry=draw(retries(is_jobs)),
        lease=draw(leases()),
        check_every_ns=draw(grid(1, 12)),
        check_jitter=draw(st.sampled_from([0.0, 0.3])),
        first_delay=draw(often(3)),
        cost=draw(st.sampled_from([0.0, 1.0, 1.0, 2.0])),
        priority=draw(st.integers(0, 2)),
        weight=draw(st.sampled_from([None, None, 1, 3])),
        limit=draw(st.one_of(st.none(), st.integers(0, 4))),
        **parts,
    )


NOTICES = st.one_of(st.sampled_from(["at-once", "at-check"]), often(6))


@st.composite
def edits(draw: st.DrawFn, of: list[Class]) -> Step:
    """One thing that operators do."""
    classes = len(of)
    some = draw(st.sampled_from([None, (0,), (classes - 1,)]))
    lasts = draw(st.one_of(st.none(), grid(0, 20)))
    what = draw(st.integers(0, 8))
    edit: Edit
    if what == 0:
        edit = Restart(draw(grid(0, 6)), draw(st.booleans()), draw(NOTICES), draw(st.booleans()))
    elif what == 1:
        edit = EndSessions(draw(st.sampled_from([1.0, 0.5, 0.3])), draw(NOTICES))
    elif what == 2:
        gate, limiter = draw(st.sampled_from([0, 0, 1, 2])), draw(st.one_of(st.none(), limiters()))
        edit = Throttle(replace(limiter, line=0) if limiter is not None and gate else limiter, gate)
    elif what == 3:
        edit = Scale(draw(st.integers(-2, 2)), draw(grid(0, 5)), lasts)
    elif what == 4:
        edit = Hold(draw(grid(0, 12)), draw(st.integers(1, 3)), draw(grid(0, 4)))
    elif what == 5:
        edit = Purge(draw(st.booleans()))
    elif what == 6:
        edit = HostsIn((draw(st.integers(0, 1)),), draw(st.booleans()), draw(grid(0, 3)))
    elif what == 7:
        some = None
        numbers: dict[str, Any] = {
            "workers": st.integers(0, 4), "limit": st.integers(0, 5), "reject_cost_ns": grid(0, 1),
            "admission_rate_per_ns": st.sampled_from([0.0, 0.2 / G]), "admission_burst": st.sampled_from([2.0, 4.0]),
            "bar_share": st.sampled_from([0.0, 0.5, 1.0]), "start_time_ns": grid(0, 3), "max_age_ns": grid(0, 5),
            "margin_ns": grid(0, 2), "probe_every_ns": grid(1, 5), "hint_ns": grid(0, 4),
            "slowdown_a": st.sampled_from([0.0, 0.5]), "slowdown_b": st.sampled_from([0.5, 1.0, 2.0]),
            "slowdown_n": st.sampled_from([1.0, 3.0]), "resend_growth": st.sampled_from([1.0, 3.0]),
        }  # fmt: skip
        words = {
            "cancel": ["none", "queue", "worker"], "full": ["refuse", "silent"], "late": ["wasted", "counts"],
            "discipline": ["fifo", "lifo"], "drop_expired": [False, True], "drop_notifies": [False, True],
            "hint": ["none", "fixed", "token", "queue"], "bar_only": [False, True], "bar_classes": [None, (0,)],
        }  # fmt: skip
        rules = {
            "admission_rule": limiters(2.0), "bar_time": often(6), "resume_after": often(4), "probe": often(2),
            "crash": st.builds(
                Crash, st.one_of(st.none(), st.integers(2, 9)), down_ns=grid(1, 5), ends_sessions=st.booleans(),
                notice=NOTICES, is_told=st.booleans(),
            ),
            "resend": st.one_of(st.none(), often(3).filter(lambda gap: gap != constant(0))),
        }  # fmt: skip
        kind = draw(st.integers(0, 2))
        if kind == 0:
            key = draw(st.sampled_from(sorted(numbers)))
            ramps = key in ("workers", "admission_rate_per_ns", "admission_burst", "bar_share") and draw(st.booleans())
            edit = Set(key, draw(numbers[key]), 20 * G if ramps else 0, lasts)
        elif kind == 1:
            key = draw(st.sampled_from(sorted(words)))
            edit = Set(key, draw(st.sampled_from(words[key])), 0, lasts)
        else:
            key = draw(st.sampled_from(sorted(rules)))
            edit = Set(key, draw(rules[key]), 0, lasts)
    else:
        some = some or (0,)
        times = st.sampled_from(["establish", "renew", "timeout", "first_delay", "expire"])
        of_class: dict[str, Any] = {
            "rate_per_ns": st.just(0.2 / G), "timeout_growth": st.sampled_from([1.0, 2.0]),
            "timeout_cap_ns": st.sampled_from([8.0 * G, 40.0 * G]), "check_every_ns": grid(1, 12),
            "check_jitter": st.sampled_from([0.0, 0.3]), "cost": st.sampled_from([0.0, 1.0, 2.0]),
            "priority": st.integers(0, 2), "weight": st.sampled_from([None, 1, 3]),
            "limit": st.one_of(st.none(), st.integers(0, 4)), "lease": leases(), "retry": retries(of[some[0]].is_jobs),
        }  # fmt: skip
        if draw(st.booleans()):
            key, value = draw(st.tuples(times, often(8)))
        else:
            key = draw(st.sampled_from(sorted(of_class)))
            value = draw(of_class[key])
        edit = Set(key, value, 0, lasts)
    hosts = draw(st.sampled_from([None, None, (0,)])) if not isinstance(edit, HostsIn) else None
    return Step(edit, draw(grid(0, 5)), hosts, some)


PARAMS = (1e6, 8.0)


def noisy(name: str, group: int = 0) -> Controlled:
    """A controller that says something else each time."""
    module = importlib.import_module(f"noisy.{name}")
    controllers.add(module)
    return Controlled(module, PARAMS, group)


OF_TIMES = {"_s": (1e-6, 4e-6, 2e-5), "_ms": (1e-3, 1e-2), "per_s": (1e5, 1e6)}  # by how a parameter's name ends
OTHERS: dict[str, tuple[float, ...]] = {
    "attempts": (1.0, 3.0), "quota": (7.0, 20.0), "cost": (1.0, 5.0), "window": (3.0, 10.0), "least": (1.0, 2.0),
    "most": (0.8, 3.0), "initial": (1.0, 3.0), "probes": (1.0, 2.0), "failed_percent": (50.0,),
    "slow_percent": (100.0,),
    "queues": (2.0, 4.0), "hand": (1.0, 2.0), "limit": (1.0, 3.0), "requests": (2.0, 5.0), "long": (3.0, 30.0),
    "tokens": (1.0, 4.0), "headroom": (1.0,), "tolerance": (1.0, 1.5), "deposit": (1.0,), "withdrawal": (5.0,),
    "reserve": (10.0,), "probe": (2.0,), "batch": (1.0, 2.0), "timeout_cost": (10.0,), "refusal_cost": (5.0,),
    "fill": (1.0,), "k": (1.5, 2.0), "aggression": (1.0, 2.0),
}  # fmt: skip


@st.composite
def shipped(draw: st.DrawFn, axis: str, group: int = 0) -> Controlled:
    """One of our own controllers, with parameters for a world of microseconds."""
    module = draw(st.sampled_from(SHIPPED[axis]))
    params = []
    for name in module.PARAMS:
        ends = [values for end, values in OF_TIMES.items() if name.endswith(end)]
        values = ends[-1] if ends else OTHERS.get(name, (0.1, 0.5, 1.0))
        params.append(draw(st.sampled_from(values)))
    return Controlled(module, tuple(params), group)


def _shipped() -> dict[str, list[ModuleType]]:
    found: dict[str, list[ModuleType]] = {}
    for entry in sorted(info.name for info in pkgutil.iter_modules(our_controllers.__path__)):
        module = importlib.import_module(f"recovery_kernels.controllers.{entry}")
        axis = "guard" if module.AXIS == "client" and hasattr(module, "ask") else module.AXIS
        found.setdefault(axis, []).append(module)
    return found


SHIPPED = _shipped()


@st.composite
def controlled(draw: st.DrawFn, is_noisy: bool = True) -> Scenario:
    """Everything with everything, and controllers on any axes: our own, or such as say something else each time."""
    scenario = draw(mixtures())
    is_on = st.booleans()
    host = replace(scenario.host, worker_per_s=1e6)

    def one_of(axis: str, *names: str, group: int = 0) -> Controlled:
        return noisy(draw(st.sampled_from(names)), group) if is_noisy else draw(shipped(axis, group))

    if draw(is_on):
        own = one_of("admission", "noisy_admission")
        rule = Limiter("controller", burst=1e9, is_establish_only=draw(is_on), controller=own)
        host = replace(host, admission=rule)
    if draw(st.integers(0, 2)):
        host = replace(host, controller=one_of("queue", "noisy_ends", "noisy_ranks"))
    classes = []
    for one in scenario.classes:
        group = 0 if one.is_jobs else draw(st.integers(0, 3))
        if draw(is_on):
            one = replace(one, guard=one_of("guard", "noisy_guard", group=group))
        if draw(is_on):
            waits = Retry(
                "controller", retries=one.retry.retries, controller=one_of("client", "noisy_waits", group=group)
            )
            one = replace(one, retry=waits)
        if draw(is_on) and not one.is_jobs:
            one = replace(one, lease=replace(one.lease, kind="fixed", controller=one_of("lease", "noisy_lease")))
        classes.append(one)
    edits = [step.edit for action in scenario.playbook for step in action.steps if isinstance(step.edit, Set)]
    keys = {edit.key for edit in edits}
    if keys & {"admission_rate_per_ns", "admission_burst", "admission_limit", "admission_line", "admission_wait_ns"}:
        host = replace(host, admission=scenario.host.admission)
    if keys & {"lease"}:
        classes = [replace(own, lease=one.lease) for own, one in zip(classes, scenario.classes, strict=True)]
    return replace(scenario, host=host, classes=tuple(classes))


@st.composite
def mixtures(draw: st.DrawFn) -> Scenario:
    """Everything with everything."""
    until = draw(st.integers(30, 80))
    hosts = draw(st.integers(1, 2))
    classes: list[Class] = []
    for number in range(draw(st.integers(1, 3))):
        classes.append(draw(classes_of(number, classes, hosts)))
    bound = st.one_of(st.none(), st.none(), st.none(), st.integers(2, 9))
    crash = Crash(
        draw(bound), draw(bound), 1, draw(st.one_of(st.none(), st.none(), grid(4, 9))), draw(grid(1, 5)),
        draw(st.booleans()), draw(NOTICES), draw(st.booleans()),
    )  # fmt: skip
    conditions = st.builds(
        Condition,
        st.sampled_from(["leased", "leased-server", "queue", "oldest"]),
        st.sampled_from([0.5, 3.0, 4.0 * G]),
        st.booleans(),
        grid(0, 14),
        st.one_of(st.none(), grid(0, 20)),
        st.sampled_from([None, (0,)]),
    )
    playbook = []
    for _ in range(draw(st.integers(0, 4))):
        steps = tuple(draw(st.lists(edits(classes), min_size=1, max_size=2)))
        timed = draw(st.booleans())
        playbook.append(Action(steps, draw(grid(0, until)) if timed else None, None if timed else draw(conditions)))
    begins = draw(grid(0, until))
    share = draw(st.sampled_from([0.3, 1.0, 1.0]))
    conflict = Conflict(
        draw(st.sampled_from([0, 0, 1, 1, 3])),
        draw(st.one_of(st.none(), often(2))),
        draw(st.sampled_from([None, None, (0,)])),
    )
    return Scenario(
        until * G,
        draw(st.sampled_from([7 * G, 10 * G, 3777])),
        tuple(classes),
        Host(
            workers=draw(st.sampled_from([1, 1, 2, 5])),
            discipline=draw(st.sampled_from(["fifo", "lifo"])),
            limit=draw(st.one_of(st.none(), st.integers(0, 5))),
            drop_expired=draw(st.sampled_from([False, False, True])),
            max_age_ns=draw(st.sampled_from([0, 5 * G])),
            margin_ns=draw(st.sampled_from([0, G])),
            cancel=draw(st.sampled_from(["none", "queue", "worker"])),
            full=draw(st.sampled_from(["refuse", "silent"])),
            resend=draw(st.one_of(st.none(), often(3).filter(lambda gap: gap != constant(0)))),  # else each ns
            resend_growth=draw(st.sampled_from([1.0, 2.0])),
            late=draw(st.sampled_from(["wasted", "counts"])),
            is_stale_counted=draw(st.booleans()) and not conflict.rows,
            conflict=conflict,
            fail_after_ns=draw(st.one_of(st.none(), grid(0, 3))),
            start_time_ns=draw(st.sampled_from([0, 2 * G])),
            reject_cost_ns=draw(st.sampled_from([0, 1, G // 2])),
            drop_cost_ns=draw(st.sampled_from([0, 1, G // 2])),
            drop_notifies=draw(st.booleans()),
            round_trip_ns=draw(st.sampled_from([G, 2 * G])),
            slowdown_a=draw(st.sampled_from([0.0, 0.5])),
            slowdown_b=draw(st.sampled_from([1.0, 2.0])),
            slowdown_by=draw(st.sampled_from(["queue", "in-service"])),
            admission=draw(limiters(2.0)),
            bar=Bar(draw(st.sampled_from([0.0, 0.0, 0.5])), draw(often(6)), draw(st.booleans())),
            hint=draw(st.sampled_from(["none", "fixed", "token", "queue"])),
            hint_ns=draw(grid(0, 4)),
            crash=crash,
            probe=draw(st.one_of(st.none(), often(2))),
            probe_every_ns=3 * G,
            probe_priority=draw(st.integers(0, 1)),
        ),
        hosts=tuple(range(hosts)),
        spare=(1,) if hosts == 2 and draw(st.booleans()) else (),
        dependency=((begins, share), (begins + 9 * G, 0.0)) if draw(st.booleans()) else (),
        resume_after=draw(often(4)),
        playbook=tuple(playbook),
        seed=draw(st.integers(0, 2**64 - 1)),
    )


def hanging(
    until: Literal["return", "heard"], thaw: Literal["resume", "rearm"], late: Literal["wasted", "counts"] = "wasted"
) -> Scenario:
    """Three holders whose leases have 50 left as the dependency goes, at 10. Their requests hang until 95. Each is
    given up after 20 and asked again at once: eleven are there by then, of 3 each, and the queue stays too long.
    """
    crowd = Class(
        "all",
        ((20, 21, 22),),
        ((60, 60, 60),),
        establish=constant(3),
        renew=constant(3),
        timeout=constant(20),
        check_every_ns=60,
        lease=Lease("freeze", constant(50), 0, thaw, until=until),
    )
    host = Host(fail_after_ns=None, round_trip_ns=1, late=late)
    return Scenario(200, 10, (crowd,), host, dependency=((10, 1.0), (95, 0.0)))
