"""From a scenario to the numbers of its hosts: live keys as they are at first, and all that never changes in a run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from recovery_kernels.sessions import layout
from recovery_kernels.sessions.memory import Live
from recovery_kernels.sessions.streams import STREAMS

from recovery.model.classes import Class
from recovery.model.edited import edited, family_of
from recovery.model.live import class_key
from recovery.model.operator import SetKey
from recovery.model.policies.rule import requests_of
from recovery.model.scenario import Scenario
from recovery.stages import host as hosts
from recovery.stages import queueing
from recovery.stages.sessions.controllers import Used, admission_place, has, place_of, used
from recovery.stages.sessions.tables import ALL_CLASSES, Tables
from recovery.statistics.arrays import Floats, Whole
from recovery.units import ns

_HINTS = {"time": layout.FIXED_HINT, "tokens": layout.TOKEN_HINT, "queue": layout.QUEUE_HINT}
_CANCELS = {"queue": layout.CANCEL_QUEUE, "worker": layout.CANCEL_WORKER}


class Kind(NamedTuple):
    """A class: what it says, and the scenario as its clients see it."""

    said: Class
    seen: Scenario


@dataclass
class Numbers:
    """A scenario in numbers, of which a host is made: its tables, its live keys, and its classes."""

    scenario: Scenario
    tables: Tables
    live: Live
    kinds: tuple[Kind, ...]
    controllers: tuple[Used, ...] = ()

    def share(self, number: int) -> float:
        """Which part of [jobs] or of the fleet a class is; 1 without classes."""
        place = list(self.scenario.places.values())[number] if self.scenario.classes else None
        return 1.0 if place is None or place.share is None else place.share

    def bits(self, classes: Sequence[str]) -> int:
        """Classes as bits of a number; all of them where none is named."""
        return bits_of(self.scenario, classes)


def bits_of(scenario: Scenario, classes: Sequence[str]) -> int:
    """Classes as bits of a number; all of them where none is named."""
    names = list(scenario.classes)
    return sum(1 << names.index(name) for name in set(classes)) or ALL_CLASSES


def numbers_of(scenario: Scenario) -> Numbers:
    """The numbers of a scenario."""
    tables, kinds = Tables(), kinds_of(scenario)
    found = tuple(used(scenario, [kind.seen for kind in kinds]))
    admission = admission_of(scenario, tables, found)
    live = Live(
        whole=whole_of(scenario, tables, admission),
        real=real_of(scenario, tables, admission),
        class_whole=np.array([class_whole_of(kind, tables) for kind in kinds], np.int64),
        class_real=np.array([_class_real(scenario, kind) for kind in kinds], np.float64),
    )
    probe = scenario.host.probe  # the order in which times come into the table is part of a run's key
    live.whole[layout.RESUME_AFTER] = tables.dist(scenario.dependency.resume_after)
    live.whole[layout.PROBE_TIME] = layout.NONE if probe is None else tables.dist(probe.time)
    return Numbers(scenario, tables, live, kinds, found)


def kinds_of(scenario: Scenario) -> tuple[Kind, ...]:
    """The classes of a scenario in the order of the file; the one that it is without classes."""
    if not scenario.classes:
        return (Kind(Class.model_validate({}), scenario),)
    return tuple(Kind(one, scenario.seen_by(name)) for name, one in scenario.classes.items())


def admission_of(scenario: Scenario, tables: Tables, found: Sequence[Used]) -> int:
    """Which limiter a host's admission is; NONE: it stands open. `found` are all controllers."""
    if (door := queueing.lets_in(scenario)).controller is not None:
        which = admission_place(found, door.controller)
        only = door.is_establish_only
        return tables.limiter(layout.CONTROLLER, 0.0, 0.0, 1.0, 0.0, is_establish_only=only, line=which)
    limit = queueing.admission(scenario)
    if limit.kind == queueing.LIMITS["open"]:
        return layout.NONE
    line, wait_ns = line_of(scenario)
    return tables.limiter(
        limit.kind, limit.rate_per_ns, limit.burst, limit.limit, limit.low,
        is_establish_only=limit.establish_only != 0, line=line, wait_ns=wait_ns,
    )  # fmt: skip


def may_be(scenario: Scenario, key: str) -> list[object]:
    """What operators set a key to in the run."""
    return [one.parsed for one in scenario.operator if isinstance(one, SetKey) and one.key == key]


def edited_each(scenario: Scenario, family: str) -> Iterator[Scenario]:
    """The file with each edit of a family of keys by itself."""
    for action in scenario.operator:
        if isinstance(action, SetKey) and family_of(action.key) == family:
            yield edited(scenario, [(action.key, action.parsed)])


def line_of(scenario: Scenario) -> tuple[int, int]:
    """How many may wait for a token at a host, and how long (ns); (0, FAR) where nobody does."""
    line, wait_ns = queueing.line_of(queueing.lets_in(scenario))
    return line, wait_ns if line else layout.FAR


def whole_of(scenario: Scenario, tables: Tables, admission: int) -> Whole:
    """Whole live keys of the host, int64[HOST_WHOLE_KEYS], but for two times (see `numbers_of`); `admission` is its
    limiter.
    """
    part, order = scenario.host, scenario.policy.queue.lower(scenario.establish_per_s)
    cancel = "worker" if part.cancel_on_timeout else part.cancel or "none"
    found = np.zeros(layout.HOST_WHOLE_KEYS, np.int64)
    told = {
        layout.WORKERS: part.workers,
        layout.LIMIT: layout.NONE if order.limit is None else order.limit,
        layout.CANCEL: _CANCELS.get(cancel, layout.CANCEL_NONE),
        layout.FULL: layout.SILENT if part.full == "silent" else layout.REFUSES,
        layout.RESEND_GAP: layout.NONE if part.resend is None else tables.dist(part.resend),
        layout.FAIL_AFTER_NS: layout.UNTIL_BACK if part.hangs else ns(part.fails_after_s),
        layout.START_TIME_NS: ns(part.start_time),
        layout.LATE: layout.COUNTS_LATE if part.late == "counts" else layout.WASTED_LATE,
        layout.REJECT_COST_NS: ns(part.reject_cost),
        layout.DROP_COST_NS: ns(part.drop_cost),
        layout.DROP_NOTIFIES: int(part.drop_notifies),
        layout.ROUND_TRIP_NS: max(1, ns(part.round_trip)),
        layout.DISCIPLINE: layout.LIFO if order.is_newest_first else layout.FIFO,
        layout.DROP_EXPIRED: int(order.drops_expired),
        layout.MAX_AGE_NS: ns(order.max_age_s),
        layout.MARGIN_NS: ns(order.margin_s),
        layout.ADMISSION_LINE: line_of(scenario)[0],
        layout.BAR_TIME: tables.dist(None if part.bar is None else part.bar.time),
        layout.CRASH_RULE: tables.crash(part.crash),
        layout.HINT: layout.NO_HINT if part.hint is None else _HINTS[part.hint.says],
        layout.HINT_NS: 0 if part.hint is None or part.hint.time is None else ns(part.hint.time),
        layout.ADMISSION: admission,
        layout.BAR_ONLY: int(part.bar is not None and part.bar.only == "establish"),
        layout.BAR_CLASSES: bits_of(scenario, () if part.bar is None else part.bar.classes),
        layout.PROBE_EVERY_NS: 0 if part.probe is None else ns(part.probe.every),
    }
    found[list(told)] = list(told.values())
    return found


def real_of(scenario: Scenario, tables: Tables, admission: int) -> Floats:
    """The same of its fractions, float64[HOST_REAL_KEYS]."""
    part, slow = scenario.host, scenario.host.slowdown
    found = np.zeros(layout.HOST_REAL_KEYS, np.float64)
    found[layout.RESEND_GROWTH] = part.resend_growth
    found[layout.BAR_SHARE] = 0.0 if part.bar is None else part.bar.share
    found[[layout.SLOWDOWN_B, layout.SLOWDOWN_N]] = 1.0
    if slow is not None:
        found[[layout.SLOWDOWN_A, layout.SLOWDOWN_B, layout.SLOWDOWN_N]] = slow.a, slow.b, slow.queue
    if admission != layout.NONE:
        found[[layout.A_RATE, layout.A_BURST, layout.A_LIMIT, layout.A_WAIT_NS]] = tables.rows["limiters"][admission][
            1
        ][:4]
    return found


def class_whole_of(kind: Kind, tables: Tables) -> list[int]:
    """Whole live keys of a class, CLASS_WHOLE_KEYS of them."""
    said, seen = kind
    part, lease = seen.host, seen.lease
    told = {
        layout.ESTABLISH: tables.dist(part.establish_time),
        layout.RENEW: tables.dist(part.renew_time or part.establish_time),
        layout.EXPIRE: layout.NONE if lease is None or lease.expire_time is None else tables.dist(lease.expire_time),
        layout.TIMEOUT: tables.dist(part.timeout),
        layout.FIRST_DELAY: tables.dist(None if lease is None else lease.first_delay),
        layout.RETRY: tables.retry(
            seen.policy.client.lower(), seen.jobs.retries if seen.jobs is not None else -1, part.hint
        ),
        layout.LEASE: tables.lease(None if lease is None else lease.duration, seen.policy.lease.lower()),
        layout.CHECK_EVERY_NS: ns(lease.check_every) if lease is not None else layout.FAR,
        layout.PRIORITY: said.priority,
        layout.WEIGHT: layout.NONE if said.weight is None else said.weight,
        layout.OWN_LIMIT: layout.NONE if said.limit is None else requests_of(said.limit, seen.establish_per_s),
    }
    return [told[key] for key in range(layout.CLASS_WHOLE_KEYS)]


def _class_real(scenario: Scenario, kind: Kind) -> list[float]:
    """The same of its fractions, CLASS_REAL_KEYS of them."""
    part, jitter = kind.seen.host, kind.seen.lease.check_jitter if kind.seen.lease is not None else 0.0
    cap = layout.FAR if part.timeout_cap is None else ns(part.timeout_cap)
    return [part.timeout_growth, float(cap), kind.said.cost, jitter, _rate_per_ns(scenario, kind)]


def _rate_per_ns(scenario: Scenario, kind: Kind) -> float:
    """At which rate jobs of a class come at a host (1/ns), where a ramp may begin at it; nan: as the steps say."""
    ramps = any(
        isinstance(action, SetKey) and action.over and class_key(action.key)[1] in ("rate", "jobs.rate")
        for action in scenario.operator
    )
    steps = () if kind.said.ties else kind.seen.steps
    return steps[0].rate_per_s() / scenario.hosts / 1e9 if ramps and len(steps) == 1 else np.nan


def class_rules(numbers: Numbers, members: Sequence[int]) -> Whole:
    """What never changes of the classes, int64[K, CLASS_RULES]; `members` are the host's own holders of each (0 for
    jobs).
    """
    scenario, kinds, found_controllers = numbers.scenario, numbers.kinds, numbers.controllers
    names = list(scenario.classes)
    found = np.zeros((len(kinds), layout.CLASS_RULES), np.int64)
    base = 0
    for number, ((said, seen), many) in enumerate(zip(kinds, members, strict=True)):
        jobs = seen.jobs
        told = {
            layout.K_JOBS: int(jobs is not None),
            layout.K_BASE: base,
            layout.K_MEMBERS: many,
            layout.K_OF: layout.NONE if said.of is None else names.index(said.of),
            layout.K_AFTER: layout.NONE if said.after is None else names.index(said.after),
            layout.K_ROOT: names.index(scenario.places[names[number]].root) if names else 0,
            layout.K_POISSON: int(jobs is not None and jobs.arrivals == "poisson"),
            layout.K_KEEPS: int(seen.host.timeout_keeps),
            layout.K_EXPIRES: int(
                seen.lease is not None
                and (seen.lease.expire_time is not None or has(found_controllers, "lease", "expire", number))
            ),
            layout.K_SEGMENTS: len(jobs.steps) if jobs is not None and not said.ties else 0,
            layout.K_GUARD: place_of(found_controllers, "guard", number),
            layout.K_WAIT: place_of(found_controllers, "client", number),
            layout.K_TENURE: place_of(found_controllers, "lease", number),
        }
        found[number, list(told)] = list(told.values())
        base += many
    return found


def segments(scenario: Scenario, kinds: Sequence[Kind]) -> tuple[Floats, Floats]:
    """From when on (ns) jobs of each class come at which rate (1/ns), float64[K, steps] each."""
    courses = [() if said.ties else seen.steps for said, seen in kinds]
    times, rates = np.zeros((2, len(kinds), max(1, *map(len, courses), 1)), np.float64)
    for number, steps in enumerate(courses):
        times[number, : len(steps)] = [float(ns(step.at)) for step in steps]
        rates[number, : len(steps)] = [step.rate_per_s() / scenario.hosts / 1e9 for step in steps]
    return times, rates


def keys(seed: int, replication: int, host: int, classes: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint64]]:
    """Keys of the streams of draws of the classes, uint64[K, STREAMS]."""
    found = [
        [hosts.stream_key(seed, replication, stream + STREAMS * number, host) for stream in range(STREAMS)]
        for number in range(classes)
    ]
    return np.array(found, np.uint64)
