"""A scenario of the twin of part two, told to the compiled engine; and what the engine says, in the twin's words.

Nothing is decided here: words become numbers, edits become controls in order of time.
"""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from recovery_kernels import requests
from recovery_kernels.sessions import layout, loop, memory, streams
from recovery_kernels.sessions.layout import Rules
from twin.requests import histogram_part
from twin.sessions.books import HOST
from twin.sessions.chance import Chance
from twin.sessions.scenario import (
    Condition,
    Crash,
    Dist,
    EndSessions,
    Hold,
    HostsIn,
    Lease,
    Limiter,
    Purge,
    Restart,
    Retry,
    Scale,
    Scenario,
    Set,
    Throttle,
)

from recovery.stages.sessions import controllers

DISTS = ("constant", "uniform", "exponential", "lognormal", "weibull", "pareto", "empirical")
RETRIES = (
    "immediate", "fixed", "exponential", "full-jitter", "equal-jitter", "proportional-jitter", "decorrelated-jitter",
    "controller",
)  # fmt: skip
LIMITERS = ("open", "token-bucket", "queue-size", "queue-size-switch", "queue-size-ramp", "controller")
LEASES = ("fixed", "credit-on-arrival", "freeze", "freeze-until-heard")
HINTS = ("ignore", "obey", "at-least")
WORDS = {
    "cancel": ("none", "queue", "worker"), "full": ("refuse", "silent"), "late": ("wasted", "counts"),
    "discipline": ("fifo", "lifo"), "hint": ("none", "fixed", "token", "queue"),
}  # fmt: skip
HOST_WHOLE = (
    "workers", "limit", "cancel", "full", "resend", "fail_after_ns", "start_time_ns", "late", "reject_cost_ns",
    "drop_cost_ns", "drop_notifies", "round_trip_ns", "discipline", "drop_expired", "max_age_ns", "margin_ns",
    "admission_line", "bar_time", "crash", "hint", "hint_ns", "admission_rule", "bar_only", "bar_classes", "probe",
    "probe_every_ns", "resume_after",
)  # fmt: skip
HOST_REAL = (
    "resend_growth", "slowdown_a", "slowdown_b", "slowdown_n", "admission_rate_per_ns", "admission_burst",
    "admission_limit", "admission_wait_ns", "bar_share",
)  # fmt: skip
CLASS_WHOLE = (
    "establish", "renew", "expire", "timeout", "first_delay", "retry", "lease", "check_every_ns", "priority", "weight",
    "limit",
)  # fmt: skip
CLASS_REAL = ("timeout_growth", "timeout_cap_ns", "cost", "check_jitter", "rate_per_ns")
FLOWS = {
    requests.SUBMITTED: "submitted", requests.REJECTED_GATE: "rejected-gate",
    requests.REJECTED_ADMISSION: "rejected-admission", requests.REJECTED_FULL: "rejected-full",
    requests.REJECTED_DOWN: "rejected-down", requests.DROPPED: "dropped", requests.LOST: "lost",
    requests.CANCELLED: "cancelled", requests.SUCCEEDED: "succeeded", requests.WASTED: "wasted",
    requests.FAILED: "failed", requests.TIMED_OUT: "timed-out", requests.ESTABLISHED: "established",
    requests.ARRIVED: "arrived", requests.GAVE_UP: "gave-up", requests.USEFUL_NS: "useful-ns",
    requests.WASTED_NS: "wasted-ns", requests.FAILED_NS: "failed-ns", requests.OVERHEAD_NS: "overhead-ns",
    layout.ENDED: "ended", layout.KEPT_FLOW: "kept", layout.EXPIRIES_FLOW: "expiries", layout.EXPIRED: "expired",
    layout.BARRED: "barred", layout.UNANSWERED: "unanswered", layout.LATE_FLOW: "late", layout.PURGED: "purged",
    layout.RESENT: "resent", layout.CRASHES: "crashes",
}  # fmt: skip
LEVELS = {
    requests.QUEUE: "queue", requests.IN_SERVICE: "in-service", requests.LEASED_END: "leased",
    requests.SLEEPING_END: "asleep", requests.OLDEST_NS: "oldest-ns", requests.QUEUE_MAX: "queue-max",
    requests.OLDEST_MAX_NS: "oldest-max-ns", requests.OPEN_MAX: "open-max", layout.LINE_END: "line",
    layout.OUTSIDE_END: "outside", layout.LEASED_SERVER: "leased-server", layout.KEPT_END: "kept",
    layout.BOUND_END: "bound", layout.UNAWARE_END: "unaware", layout.OPEN_END: "open",
}  # fmt: skip
HOST_LEVELS = {
    requests.QUEUE: "queue", requests.OLDEST_NS: "oldest-ns", requests.IN_SERVICE: "in-service",
    requests.BUSY_SUM_NS: "busy-ns", requests.IDLE_SUM_NS: "idle-ns", requests.DOWN_SUM_NS: "down-ns",
    requests.QUEUE_MAX: "queue-max", requests.OLDEST_MAX_NS: "oldest-max-ns", requests.OPEN_MAX: "open-max",
}  # fmt: skip


@dataclass
class Numbered:
    """Things in a table, each once: equal ones have one number."""

    rows: dict[Any, int] = field(default_factory=dict)

    def number(self, one: Any) -> int:
        """The number of a thing."""
        return self.rows.setdefault(one, len(self.rows))


@dataclass
class Words:
    """The tables in which what a scenario names lies."""

    scenario: Scenario
    dists: Numbered = field(default_factory=Numbered)
    retries: Numbered = field(default_factory=Numbered)
    leases: Numbered = field(default_factory=Numbered)
    limiters: Numbered = field(default_factory=Numbered)
    crashes: Numbered = field(default_factory=Numbered)

    def value(self, key: str, value: Any) -> int | float:
        """The number of a live key's value."""
        if key in WORDS:
            return WORDS[key].index(value)
        if value is None and key != "bar_classes":
            return math.nan if key == "rate_per_ns" else layout.NONE
        if isinstance(value, Dist):
            return self.dists.number(value)
        if isinstance(value, Retry):
            self.dists.number(value.delay)
            return self.retries.number(value)
        if isinstance(value, Lease):
            self.dists.number(value.duration)
            return self.leases.number(value)
        if isinstance(value, Limiter):
            return layout.NONE if value.kind == "open" else self.limiters.number(value)
        if key == "bar_classes":
            return self.classes(value)
        if isinstance(value, Crash):
            self.notice(value.notice)
            return self.crashes.number(value)
        return value  # type: ignore[no-any-return]

    def notice(self, notice: Any) -> int:
        """How clients notice."""
        if isinstance(notice, Dist):
            return self.dists.number(notice)
        return layout.AT_ONCE if notice == "at-once" else layout.AT_CHECK

    def classes(self, numbers: tuple[int, ...] | None) -> int:
        """Classes as bits."""
        chosen = range(len(self.scenario.classes)) if numbers is None else numbers
        return sum(1 << number for number in set(chosen))


@dataclass
class Kernel:
    """One host on the engine."""

    scenario: Scenario
    place: int
    is_logged: bool = True
    slots: int = 4
    shift: int = 3
    words: Words = field(init=False)
    begun: list[tuple[int, int]] = field(default_factory=list)  # position and time of the actions that began

    def __post_init__(self) -> None:
        scenario, place = self.scenario, self.place
        self.words = words = Words(scenario)
        rule = scenario.host
        host_values = {name: getattr(rule, name) for name in (*HOST_WHOLE, *HOST_REAL) if hasattr(rule, name)}
        for name in ("rate_per_ns", "burst", "limit", "line", "wait_ns"):
            host_values[f"admission_{name}"] = getattr(rule.admission, name)
        host_values |= {"bar_share": rule.bar.share, "bar_time": rule.bar.time}
        host_values |= {"bar_only": rule.bar.is_establish_only, "bar_classes": rule.bar.classes}
        host_values |= {"admission_rule": rule.admission, "resume_after": scenario.resume_after}
        live = memory.Live(
            np.array([words.value(key, host_values[key]) for key in HOST_WHOLE], np.int64),
            np.array([words.value(key, host_values[key]) for key in HOST_REAL], np.float64),
            np.array([[words.value(k, getattr(one, k)) for k in CLASS_WHOLE] for one in scenario.classes], np.int64),
            np.array([[words.value(k, getattr(one, k)) for k in CLASS_REAL] for one in scenario.classes], np.float64),
        )
        self.gap = layout.NONE if rule.conflict.gap is None else words.dists.number(rule.conflict.gap)
        for step in (step for action in scenario.playbook for step in action.steps):
            if isinstance(step.edit, Throttle) and step.edit.limiter is not None:
                words.limiters.number(step.edit.limiter)
        self.begun = [(p, a.at_ns) for p, a in enumerate(scenario.playbook) if a.at_ns is not None]
        self.classes = self.class_rows()
        first = [t for one in scenario.classes if not one.is_jobs for t in one.first_ns[place]]
        expires = [t for one in scenario.classes if not one.is_jobs for t in one.expires_ns[place]]
        has_jobs = any(one.is_jobs for one in scenario.classes)
        windows = scenario.until_ns // scenario.window_ns + 2
        found = self.used()
        members = [0 if one.is_jobs else len(one.first_ns[place]) for one in scenario.classes]
        rows, params = controllers.rows(found, members)
        for number in range(len(scenario.classes)):
            self.classes[number, [layout.K_GUARD, layout.K_WAIT, layout.K_TENURE]] = [
                controllers.place_of(found, axis, number) for axis in ("guard", "client", "lease")
            ]
            self.classes[number, layout.K_EXPIRES] |= int(controllers.has(found, "lease", "expire", number))
        parts = self.rule_parts() | {
            "controllers": rows, "controller_params": params, "hears": int(controllers.hears(found)),
            "queue_controller": controllers.place_of(found, "queue"),
            "worker_per_s": rule.worker_per_s,
        }  # fmt: skip
        if found:
            parts["merges"] = 0
        self.rules = Rules(**parts, **self.tables())
        self.host = memory.new_host(
            live, holders=len(first), jobs=8 * len(scenario.classes) if has_jobs else 0, workers=rule.workers,
            slots=self.slots, windows=windows, window_ns=scenario.window_ns, log_lines=4096 if self.is_logged else 0,
            gates=scenario.gates(), memory=controllers.memory_size(rows), written=rule.conflict.rows,
            is_ranked=controllers.has(found, "queue", "rank"),
            has_nameless=bool(parts["merges"] and not parts["is_plain"]),
        )  # fmt: skip
        share = self.share_of(set(range(len(scenario.hosts))) - set(scenario.spare))
        self.host.real[layout.ARRIVAL_SHARE] = share
        self.edit()
        cold = np.array([int(one.starts_unleased) for one in scenario.classes], np.int64)
        loop.begin(self.rules, self.host, np.array(first, np.int64), np.array(expires, np.int64), cold)

    def used(self) -> list[controllers.Used]:
        """The controllers in the order of the stages."""
        scenario, found = self.scenario, []
        wanted = [("admission", 0, scenario.host.admission.controller), ("queue", 0, scenario.host.controller)]
        for number, one in enumerate(scenario.classes):
            wanted += [("client", number, one.retry.controller), ("guard", number, one.guard)]
            wanted += [("lease", number, one.lease.controller)]
        for axis, number, own in wanted:
            if own is not None:
                name = own.module.__name__.rsplit(".", 1)[-1]
                is_of_jobs = axis in ("client", "guard") and scenario.classes[number].is_jobs
                told = controllers.Controller(name, own.params)
                found.append(controllers.Used(axis, told, number, own.group, is_of_jobs))
        found = controllers.shared(found)
        self.of_admission = {scenario.host.admission.controller: 0}
        for own in (rule.controller for rule in self.rules_set()):
            if own is not None and own not in self.of_admission:
                name = own.module.__name__.rsplit(".", 1)[-1]
                self.of_admission[own] = len(found)
                found.append(controllers.Used("admission", controllers.Controller(name, own.params)))
        return found

    def rules_set(self) -> list[Limiter]:
        """The rules of admission that operators set, in order."""
        edits = [step.edit for action in self.scenario.playbook for step in action.steps]
        return [edit.value for edit in edits if isinstance(edit, Set) and edit.key == "admission_rule"]

    def share_of(self, hosts_in: set[int]) -> float:
        """Which part of a host's arrivals come here while these share them."""
        first = len(self.scenario.hosts) - len(self.scenario.spare)
        return first / len(hosts_in) if self.place in hosts_in else 0.0

    def class_rows(self) -> np.ndarray[Any, Any]:
        """What is constant of the classes."""
        scenario, rows, base = self.scenario, [], 0
        edited = {step.edit.key for a in scenario.playbook for step in a.steps if isinstance(step.edit, Set)}
        for number, one in enumerate(scenario.classes):
            members = 0 if one.is_jobs else len(one.first_ns[self.place])
            of, after = (layout.NONE if t is None else scenario.names.index(t) for t in (one.of, one.after))
            rows.append([
                int(one.is_jobs), base, members, of, after, scenario.root(number), int(one.is_poisson),
                len(one.arrivals), int(one.timeout_keeps), int(one.expire is not None or "expire" in edited),
                layout.NONE, layout.NONE, layout.NONE,
            ])  # fmt: skip
            base += members
        return np.array(rows, np.int64)

    def rule_parts(self) -> dict[str, Any]:
        """What never changes, but for the tables."""
        scenario, rule = self.scenario, self.scenario.host
        segments = max(1, *(len(one.arrivals) for one in scenario.classes))
        at, rates = np.zeros((len(scenario.classes), segments)), np.zeros((len(scenario.classes), segments))
        for number, one in enumerate(scenario.classes):
            for k, (begin, rate) in enumerate(one.arrivals):
                at[number, k], rates[number, k] = begin, rate
        rolls = Chance(scenario.seed, scenario.replication, scenario.hosts[self.place])
        keys = [[rolls.key(s, k) for s in range(streams.STREAMS)] for k in range(len(scenario.classes))]
        steps = [step.edit for action in scenario.playbook for step in action.steps]
        lines = [rule.admission.line, *(e.limiter.line for e in steps if isinstance(e, Throttle) and e.limiter)]
        edits_late = any(isinstance(e, Set) and e.key == "late" for e in steps)
        edits_line = any(isinstance(e, Set) and e.key == "admission_line" for e in steps)
        expires = any(row[layout.K_EXPIRES] for row in self.classes)
        return {
            "classes": self.classes, "segment_ns": at, "segment_rates": rates, "keys": np.array(keys, np.uint64),
            "window_ns": scenario.window_ns, "shift": self.shift,
            "by_queue": int(rule.slowdown_by == "queue"), "stale_counted": int(rule.is_stale_counted),
            "merges": int(rule.is_stale_counted and rule.late == "wasted" and not edits_late and not self.is_logged),
            "has_lines": int(any(lines) or edits_line), "probe_priority": rule.probe_priority, "has_crash": 1,
            "conflict_rows": rule.conflict.rows, "conflict_classes": self.words.classes(rule.conflict.classes),
            "conflict_gap": self.gap,
            "jobs": sum(one.is_jobs for one in scenario.classes),
            "is_plain": int(len(scenario.classes) == 1 and rule.probe is None and not expires),
        }  # fmt: skip

    def tables(self) -> dict[str, Any]:
        """The tables as they are now, and the controls."""
        words = self.words
        controls, reals = self.controls()
        retries = [
            (RETRIES.index(o.kind), words.dists.number(o.delay), o.retries, HINTS.index(o.hint))
            for o in words.retries.rows
        ]
        leases = [
            (
                LEASES.index(o.kind + ("-until-heard" if o.kind == "freeze" and o.until == "heard" else "")),
                words.dists.number(o.duration),
                o.grace_ns,
                int(o.thaw == "rearm"),
            )
            for o in words.leases.rows
        ]
        limiters = [
            (
                LIMITERS.index(o.kind),
                o.line if o.controller is None else self.of_admission[o.controller],
                int(o.is_establish_only),
                words.classes(o.classes),
            )
            for o in words.limiters.rows
        ]
        crashes = [
            [layout.NONE if x is None else x for x in (o.queue, o.memory_bytes, o.bytes_a_request, o.probe_latency_ns)]
            + [o.down_ns, int(o.ends_sessions), words.notice(o.notice), int(o.is_told)]
            for o in words.crashes.rows
        ]
        table: list[float] = []
        dists = []
        for one in words.dists.rows:
            dists.append((DISTS.index(one.kind), len(table), len(one.values)))
            table += one.values
        return {
            "dists": np.array(dists, np.int64).reshape(-1, 3),
            "dist_reals": np.array([(one.a, one.b) for one in words.dists.rows], np.float64).reshape(-1, 2),
            "retries": np.array(retries, np.int64).reshape(-1, 4),
            "retry_reals": np.array(
                [(o.base_ns, o.factor, o.cap_ns, o.jitter, o.hint_jitter) for o in words.retries.rows], np.float64
            ).reshape(-1, 5),
            "leases": np.array(leases, np.int64).reshape(-1, 4),
            "lease_reals": np.array([one.freeze_share for one in words.leases.rows], np.float64),
            "limiters": np.array(limiters, np.int64).reshape(-1, 4),
            "limiter_reals": np.array(
                [(o.rate_per_ns, o.burst, o.limit, o.wait_ns, o.low) for o in words.limiters.rows], np.float64
            ).reshape(-1, 5),
            "crashes": np.array(crashes, np.int64).reshape(-1, 8),
            "table": np.array(table or [0.0], np.float64),
            "controls": controls,
            "control_reals": reals,
        }

    # --- controls

    def controls(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """All that operators and the dependency do, in order; edits and holds get their numbers."""
        self.hands: list[tuple[int, str, bool, int | float, int]] = []
        self.holds: list[tuple[int, int, int]] = []
        rows: list[tuple[Any, ...]] = []
        shares: list[tuple[Any, ...]] = []
        for which, (time, share) in enumerate(self.scenario.dependency):
            rows.append(((time, 0, which, 0, len(rows)), (layout.DO_DEPENDENCY, 0, 0, 0, 0, 0), share))
        for position, start in self.begun:
            for which, step in enumerate(self.scenario.playbook[position].steps):
                is_meant = isinstance(step.edit, HostsIn) or step.hosts is None or self.place in step.hosts
                if is_meant:
                    at = start + step.after_ns
                    for time, what, share in self.rows_of(step, at):
                        row = ((time, 1, position, which, len(rows)), what, share)
                        rows.append(row)
                        if what[0] == layout.DO_SHARE:
                            shares.append(row)
        hosts_in = set(range(len(self.scenario.hosts))) - set(self.scenario.spare)
        settled = {}
        for key, what, edit in sorted(shares, key=lambda row: row[0]):
            was = self.place in hosts_in
            hosts_in = hosts_in | set(edit.hosts) if edit.is_in else hosts_in - set(edit.hosts)
            settled[key] = ((what[0], int(self.place in hosts_in and not was), *what[2:]), self.share_of(hosts_in))
        rows.sort(key=lambda row: row[0])
        whole, reals = np.zeros((len(rows), layout.CONTROL_COLUMNS), np.int64), np.zeros((len(rows), 2))
        for k, (key, what, share) in enumerate(rows):
            done, real = settled.get(key, (what, share))
            whole[k] = [key[0], layout.DEPENDENCY if key[1] == 0 else layout.OPERATOR, *done]
            reals[k, 0] = real
        return whole, reals

    def rows_of(self, step: Any, at: int) -> Any:
        """The controls of a step that begins at a time: when, what, a fraction."""
        edit, words = step.edit, self.words
        bits = words.classes(step.classes)
        shown = getattr(layout, {
            "Restart": "LOG_RESTART", "EndSessions": "LOG_END_SESSIONS", "Throttle": "LOG_THROTTLE", "Set": "LOG_SET",
            "Scale": "LOG_SCALE", "HostsIn": "LOG_HOSTS_IN", "Hold": "LOG_HOLD", "Purge": "LOG_PURGE",
        }[type(edit).__name__])  # fmt: skip
        if isinstance(edit, Restart):
            done = (int(edit.is_told), int(edit.ends_sessions), words.notice(edit.notice))
            yield at, (layout.DO_RESTART, edit.down_ns, *done, shown), 0.0
        elif isinstance(edit, EndSessions):
            notice = words.notice(edit.notice)
            yield at, (layout.DO_NOTHING, 0, 0, 0, 0, shown), 0.0
            if edit.share == 1.0:
                yield at, (layout.DO_END_SESSIONS, bits, notice, 0, 0, 0), 1.0
                return
            for number in self.holders(step):
                many = self.scenario.meant(number, self.place, step.hosts, edit.share)
                yield at, (layout.DO_END_SESSIONS, 1 << number, notice, many, 0, 0), 0.0
        elif isinstance(edit, Throttle):
            which = layout.NONE if edit.limiter is None else words.limiters.number(edit.limiter)
            yield at, (layout.DO_THROTTLE, which, edit.gate, 0, 0, shown), 0.0
        elif isinstance(edit, Set):
            yield at, (layout.DO_NOTHING, 0, 0, 0, 0, shown), 0.0
            chosen = range(len(self.scenario.classes)) if step.classes is None else step.classes
            for number in chosen if step.classes is not None else (HOST,):
                hand = len(self.hands)
                is_real = edit.key in (HOST_REAL if number == HOST else CLASS_REAL)
                self.hands.append((number, edit.key, is_real, words.value(edit.key, edit.value), edit.over_ns))
                yield at, (layout.DO_SET, hand, 0, 0, 0, 0), 0.0
                if edit.lasts_ns is not None:
                    yield at + edit.lasts_ns, (layout.DO_UNSET, hand, 0, 0, 0, 0), 0.0
                edge = at
                while edit.over_ns and edge < at + edit.over_ns:
                    edge = (edge // self.scenario.window_ns + 1) * self.scenario.window_ns
                    yield edge, (layout.DO_STEP, hand, edge - at, 0, 0, 0), 0.0
        elif isinstance(edit, Scale):
            warm_up = edit.warm_up_ns if edit.workers > 0 else 0
            yield at, (layout.DO_NOTHING, 0, 0, 0, 0, shown), 0.0
            if edit.lasts_ns is None or edit.lasts_ns > warm_up:
                yield at + warm_up, (layout.DO_SCALE, edit.workers, 0, 0, 0, 0), 0.0
                if edit.lasts_ns is not None:
                    yield at + edit.lasts_ns, (layout.DO_SCALE, -edit.workers, 0, 0, 0, 0), 0.0
        elif isinstance(edit, HostsIn):
            is_meant = step.hosts is None or self.place in step.hosts
            yield at, (layout.DO_NOTHING, 0, 0, 0, 0, shown), 0.0
            yield at + (edit.warm_up_ns if edit.is_in else 0), (layout.DO_SHARE, 0, 0, 0, 0, 0), edit
            assert is_meant
        elif isinstance(edit, Hold):
            yield at, (layout.DO_NOTHING, 0, 0, 0, 0, shown), 0.0
            firsts = {1 << k: self.scenario.counted(k, self.place, step.hosts)[1] for k in self.holders(step)}
            for own, before in {bits & ~sum(firsts): 0, **firsts}.items():
                hold = len(self.holds)
                self.holds.append((own, edit.waves, before % edit.waves))
                yield at, (layout.DO_HOLD, hold, 0, 0, 0, 0), 0.0
                for wave in range(edit.waves):
                    yield at + edit.lasts_ns + wave * edit.every_ns, (layout.DO_LET_IN, hold, 0, 0, 0, 0), 0.0
        elif isinstance(edit, Purge):
            which = layout.NONE if step.classes is None else bits
            yield at, (layout.DO_PURGE, which, int(edit.is_told), 0, 0, shown), 0.0

    def holders(self, step: Any) -> list[int]:
        """The classes of holders that a step is about."""
        chosen = range(len(self.scenario.classes)) if step.classes is None else sorted(set(step.classes))
        return [number for number in chosen if not self.scenario.classes[number].is_jobs]

    def edit(self) -> None:
        """The edits and holds that the controls name, behind those that are known."""
        whole, reals = np.zeros((len(self.hands), layout.HAND), np.int64), np.zeros((len(self.hands), 3))
        for k, (number, key, is_real, value, over_ns) in enumerate(self.hands):
            if number == HOST:
                place = (HOST_REAL if is_real else HOST_WHOLE).index(key)
            else:
                place = (CLASS_REAL if is_real else CLASS_WHOLE).index(key)
            whole[k, [layout.H_CLASS, layout.H_KEY, layout.H_IS_REAL, layout.H_OVER]] = (
                number, place, int(is_real), over_ns,
            )  # fmt: skip
            if is_real:
                reals[k, layout.HR_TO] = value
            else:
                whole[k, layout.H_TO] = value
        holds = np.zeros((len(self.holds), layout.HOLD), np.int64)
        for k, told in enumerate(self.holds):
            holds[k, [layout.O_CLASSES, layout.O_WAVES, layout.O_FIRST]] = told
        self.host = memory.with_edits(self.host, whole, reals, holds)

    def begin(self, position: int, time: int) -> None:
        """An action begins, because its condition holds."""
        self.begun.append((position, time))
        self.rules = self.rules._replace(**self.tables())
        self.edit()

    def advance(self, until: int) -> None:
        """Every event before a time."""
        while True:
            status = int(loop.advance(self.rules, self.host, np.int64(until)))
            if status == layout.DONE:
                return
            self.host = memory.enlarged(self.host, status)


class KernelFleet:
    """All hosts of a scenario on the engine, with the conditions that operators look at."""

    def __init__(self, scenario: Scenario, *, is_logged: bool = True, slots: int = 4, shift: int = 3) -> None:
        self.scenario = scenario
        self.hosts = [Kernel(scenario, k, is_logged, slots, shift) for k in range(len(scenario.hosts))]
        self.since: dict[int, int | None] = {}
        self.from_ns: dict[int, int | None] = {p: 0 for p, a in enumerate(scenario.playbook) if a.when is not None}

    def run(self, stops: tuple[int, ...] = ()) -> "KernelFleet":
        """The whole run."""
        window, until = self.scenario.window_ns, self.scenario.until_ns
        edges = range(window, until + 1, window)
        for stop in sorted({*edges, *(s for s in stops if s < until), until}):
            for host in self.hosts:
                host.advance(stop)
            if stop in edges:  # at 0 no window has ended
                self.look(stop)
        return self

    def look(self, time: int) -> None:
        """Operators look at the levels of a window's end."""
        for position, since in [(p, self.since.get(p)) for p in self.from_ns]:
            condition = self.scenario.playbook[position].when
            assert condition is not None
            begins = self.from_ns[position]
            if begins is None or time < begins or not self.holds(condition, time // self.scenario.window_ns - 1):
                self.since[position] = None
                continue
            self.since[position] = since = time if since is None else since
            if time - since >= condition.held_ns:
                self.since[position] = None
                self.from_ns[position] = None if condition.again_after_ns is None else time + condition.again_after_ns
                for host in self.hosts:
                    host.begin(position, time)

    def holds(self, condition: Condition, window: int) -> bool:
        """Whether a condition is true of the whole fleet."""
        level = self.level(condition, window)
        return level > condition.bound if condition.is_above else level < condition.bound

    def level(self, condition: Condition, window: int) -> float:
        """What a condition looks at."""
        of_all = condition.classes is None
        numbers = list(range(len(self.scenario.classes))) if of_all else list(condition.classes or ())
        rows = [host.host.series[window] for host in self.hosts]
        if condition.what == "queue":
            return float(sum(row[[-1] if of_all else numbers, requests.QUEUE].sum() for row in rows))
        if condition.what == "oldest":
            return float(max(row[[-1] if of_all else numbers, requests.OLDEST_NS].max() for row in rows))
        column = requests.LEASED_END if condition.what == "leased" else layout.LEASED_SERVER
        holders = [number for number in numbers if not self.scenario.classes[number].is_jobs]
        many = sum(len(self.scenario.classes[k].first_ns[host.place]) for k in holders for host in self.hosts)
        return sum(row[k, column] for row in rows for k in holders) / many if many else 0.0


def said(fleet: KernelFleet) -> dict[str, Any]:
    """What the engine says, in the twin's words."""
    log, flows, levels, sojourns, latencies = [], Counter(), {}, {}, {}
    windows = fleet.scenario.until_ns // fleet.scenario.window_ns
    for place, one in enumerate(fleet.hosts):
        h, classes = one.host, len(one.scenario.classes)
        for time, kind, number, who, attempt in h.log[: h.whole[layout.LOG]].tolist():
            log.append((time, layout.WORDS[kind], place, HOST if number == classes else number, who, attempt))
        for window in range(windows + 1):
            for row in range(classes + 1):
                number = HOST if row == classes else row
                for column, name in FLOWS.items():
                    if amount := int(h.series[window, row, column]):
                        flows[window, place, number, name] += amount
                if window < windows:
                    for column, name in (HOST_LEVELS if number == HOST else LEVELS).items():
                        levels[window, place, number, name] = int(h.series[window, row, column])
        for number in range(classes):
            for found, histogram in ((sojourns, h.histogram), (latencies, h.latency)):
                parts = {int(k): int(histogram[number, k]) for k in np.flatnonzero(histogram[number])}
                if parts:
                    found[place, number] = parts
    return {"log": log, "flows": dict(flows), "levels": levels, "sojourns": sojourns, "latencies": latencies}


def told(books: Any, scenario: Scenario) -> dict[str, Any]:
    """The same of the twin's books."""
    names = set(FLOWS.values())
    flows = {key: amount for key, amount in books.flows.items() if amount and key[3] in names}
    windows = scenario.until_ns // scenario.window_ns
    levels = {}
    for window in range(windows):
        for place in range(len(scenario.hosts)):
            for number in [HOST, *range(len(scenario.classes))]:
                for name in (HOST_LEVELS if number == HOST else LEVELS).values():
                    levels[window, place, number, name] = books.levels.get((window, place, number, name), 0)
    log = [(one.time, one.what, one.host, one.number, one.client, one.attempt) for one in books.log]
    log.sort(key=lambda line: line[2])  # hosts one after the other, each in its own order
    return {
        "log": log,
        "flows": flows,
        "levels": levels,
        "sojourns": {key: parts(times) for key, times in books.sojourns.items()},
        "latencies": {key: parts(times) for key, times in books.latencies.items()},
    }


def parts(times: list[int]) -> dict[int, int]:
    """How many times fall into each part of a histogram."""
    return dict(sorted(Counter(histogram_part(time) for time in times).items()))
