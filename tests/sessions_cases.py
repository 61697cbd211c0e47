"""Scenarios of part two for tests: today's cases told to the twin of part two, and any others."""

from typing import Any

from hypothesis import strategies as st
from kernel_cases import Case, draws, policies, requests
from twin import coldstart
from twin.requests import Twin, histogram_part
from twin.sessions import chance
from twin.sessions.books import HOST, Books
from twin.sessions.chance import Chance
from twin.sessions.fleet import Fleet
from twin.sessions.scenario import (
    Action,
    Class,
    Dist,
    EndSessions,
    Host,
    Lease,
    Limiter,
    Restart,
    Retry,
    Scenario,
    Step,
    Throttle,
    constant,
)

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
}
ADMISSIONS = {policies.OPEN: "open", policies.TOKEN_BUCKET: "token-bucket", policies.QUEUE_SIZE: "queue-size"}
LEASES = {
    policies.LEASE_FIXED: "fixed",
    policies.GRACE: "fixed",
    policies.CREDIT_ON_ARRIVAL: "credit-on-arrival",
    policies.FREEZE: "freeze",
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
            retries=client.retries,
        ),
        lease=Lease(
            LEASES[lease.kind],  # type: ignore[arg-type]
            dist_of(lease.duration, table),
            lease.grace_ns,
            "rearm" if lease.thaw == policies.REARM else "resume",
            lease.freeze_share,
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
        patience, pause, interval, lease = (draw(st.integers(least, 25)) for least in (1, 0, 1, 0))
        priority, weight = draw(st.integers(0, 2)), draw(st.sampled_from([None, None, 1, 2, 3, 16]))
        own = draw(limit) if draw(st.booleans()) else None
        is_jobs = draw(st.booleans())
        before = [k for k in range(number) if classes[k].is_jobs == is_jobs]
        tie, after = None, None
        if before and draw(st.booleans()):
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
            first, lease_ends = draw(times), draw(times)
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
    for _ in range(draw(st.integers(0, 3))):
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
