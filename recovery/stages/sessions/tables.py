"""Tables of numbered rules, as the engine of sessions takes them: distributions, retries, leases, limiters, crashes."""

from dataclasses import dataclass, field

import numpy as np
from recovery_kernels.sessions import layout

from recovery.model.crash import Crash
from recovery.model.distributions import Distribution
from recovery.model.hint import Hint
from recovery.model.notice import Notice
from recovery.model.policies.lowered import Runs, Waits
from recovery.stages import queueing
from recovery.statistics.arrays import Floats, Whole
from recovery.units import ns

_ROWS = {"dists": (3, 2), "retries": (4, 5), "leases": (4, 1), "limiters": (4, 5), "crashes": (8, 0)}
_RETRIES = {
    "immediate": layout.IMMEDIATE,
    "fixed": layout.FIXED,
    "exponential": layout.EXPONENTIAL,
    "full-jitter": layout.FULL_JITTER,
    "equal-jitter": layout.EQUAL_JITTER,
    "proportional-jitter": layout.PROPORTIONAL_JITTER,
    "decorrelated-jitter": layout.DECORRELATED_JITTER,
}
_LEASES = {
    "credit-on-arrival": layout.LEASE_CREDIT,
    "freeze": layout.LEASE_FREEZE,
    "freeze-until-heard": layout.LEASE_FREEZE_UNTIL_HEARD,
}
_OBEYS = {"obey": layout.OBEY, "at-least": layout.AT_LEAST}
NOTICES = {"at-once": layout.AT_ONCE, "at-check": layout.AT_CHECK}
ALL_CLASSES = (1 << layout.MAX_CLASSES) - 1

Row = tuple[tuple[int, ...], tuple[float, ...]]


@dataclass
class Tables:
    """Collects rules; equal ones have one number."""

    measured: queueing.MeasuredValues = field(default_factory=queueing.MeasuredValues)
    rows: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in _ROWS})
    _known: dict[int, tuple[Distribution, int]] = field(default_factory=dict)

    def _number(self, table: str, whole: tuple[int, ...], reals: tuple[float, ...] = ()) -> int:
        rows = self.rows[table]
        if (whole, reals) not in rows:
            rows.append((whole, reals))
        return rows.index((whole, reals))

    def dist(self, time: Distribution | None) -> int:
        """The number of a distribution of times; None is no time at all."""
        told = Distribution.constant(0.0) if time is None else time
        if id(told) not in self._known:  # measured values are kept once
            low = queueing.dist(told, self.measured)
            self._known[id(told)] = told, self._number("dists", (low.kind, low.first, low.size), (low.a, low.b))
        return self._known[id(told)][1]

    def notice(self, notice: Notice) -> int:
        """How clients learn that their session ended: below 0 a word, else a distribution."""
        return self.dist(notice) if isinstance(notice, Distribution) else NOTICES[notice]

    def retry(self, waits: Waits, retries: int, hint: Hint | None) -> int:
        """The number of a client's policy, and what the client makes of a hint."""
        cap = float(layout.FAR) if waits.cap_s is None else waits.cap_s * 1e9
        obeys = layout.IGNORE if hint is None else _OBEYS[hint.clients]
        kind = _RETRIES[waits.kind] if waits.controller is None else layout.WAIT_OF_CONTROLLER
        whole = (kind, self.dist(waits.delay), retries, obeys)
        obeyed = 0.0 if hint is None else hint.jitter
        return self._number("retries", whole, (waits.base_s * 1e9, waits.factor, cap, waits.jitter, obeyed))

    def lease(self, duration: Distribution | None, runs: Runs) -> int:
        """The number of a lease and its rule."""
        kind = _LEASES.get(runs.kind, layout.LEASE_FIXED)
        whole = (kind, self.dist(duration), ns(runs.grace_s), int(runs.rearms))
        return self._number("leases", whole, (runs.from_failures,))

    def limiter(
        self,
        kind: int,
        rate_per_ns: float,
        burst: float,
        limit: float,
        low: float,
        *,
        is_establish_only: bool,
        line: int = 0,
        wait_ns: int = layout.FAR,
        classes: int = ALL_CLASSES,
    ) -> int:
        """The number of a limit at the door, which holds up these classes (bits). In its line `line` requests may wait,
        each no longer than `wait_ns`.
        """
        whole = (kind, line, int(is_establish_only), classes)
        return self._number("limiters", whole, (rate_per_ns, burst, limit, float(wait_ns), low))

    def crash(self, rule: Crash | None) -> int:
        """The number of a rule of dying; None is one that never applies."""
        never = layout.NONE
        if rule is None:
            return self._number("crashes", (never, never, 0, never, 0, 0, layout.AT_ONCE, 0))
        latency = never if rule.probe_latency is None else ns(rule.probe_latency)
        return self._number(
            "crashes",
            (
                never if rule.queue is None else rule.queue, rule.memory_bytes or never, rule.request_bytes or 0,
                latency, ns(rule.down_for), int(rule.sessions == "end"), self.notice(rule.notice), int(rule.told),
            ),
        )  # fmt: skip

    def whole(self, table: str) -> Whole:
        """Whole numbers of a table, int64[n, …]; at least one row."""
        found = [whole for whole, _ in self.rows[table]] or [(0,) * _ROWS[table][0]]
        return np.array(found, np.int64)

    def reals(self, table: str) -> Floats:
        """Its fractions, float64[n, …]."""
        found = [reals for _, reals in self.rows[table]] or [(0.0,) * _ROWS[table][1]]
        return np.array(found, np.float64)
