"""Planner, Enactors and records in plain Python: the twin of `recovery_kernels.dns` (MODEL.md, the section on DNS).

Slow on purpose: plans are a set, and what is empty is looked up in it; the next event is the least of all that could
come. Draws come from `recovery_kernels.draws` at the same addresses.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from recovery_kernels import dns, draws

PLANNER = -1


@dataclass
class Enactor:
    """One Enactor: what it does next, and when."""

    number: int
    does: str = "look"
    due: int = 0
    plan: int = 0
    endpoint: int = 0
    tries: int = 0
    looks: int = 0
    walk: int = 0


class Twin:
    """A race; `log` has the lines that the kernel writes, `latencies_ns` each plan's time to the last endpoint."""

    def __init__(self, params: dns.Params, table: Any, seed: int, replication: int, *, repair: bool) -> None:
        self.p, self.table, self.repair = params, table, repair
        self.seed, self.replication = seed, replication
        self.keys: dict[tuple[int, int], np.uint64] = {}
        self.newest = 0
        self.plans = {0}
        self.active = [0] * params.endpoints
        self.holder: list[int | None] = [None] * params.endpoints
        self.enactors = [Enactor(e) for e in range(params.enactors)]
        self.log: list[tuple[int, ...]] = []
        self.latencies_ns: list[int] = []
        self.published: dict[int, int] = {}
        self.complete = 0  # the newest generation that all endpoints have had
        self.incidents = 0
        for enactor in self.enactors:
            self.rest(enactor, 0)
        self.plan_due = max(self.ns(params.plan, dns.PLAN, 0, 1, 0), 1)

    def uniform(self, stream: int, e: int, client: int, attempt: int) -> float:
        """The draw at an address."""
        if (stream, e) not in self.keys:
            numbers = (np.uint64(number) for number in (self.seed, self.replication, stream, e))
            self.keys[stream, e] = np.uint64(draws.stream_key(*numbers))
        return float(draws.uniform(self.keys[stream, e], client, attempt))

    def ns(self, dist: draws.Dist, stream: int, e: int, client: int, attempt: int) -> int:
        """A time at an address."""
        return int(min(draws.quantile(dist, self.table, self.uniform(stream, e, client, attempt)), 2.0**60))

    def has(self, guardrail: int) -> bool:
        """Whether a guardrail is in place."""
        return bool(self.p.guardrails & guardrail)

    def note(self, t: int, kind: int, e: int, plan: int, endpoint: int) -> None:
        """A line of the log."""
        self.log.append((t, kind, e, plan, endpoint))

    def rest(self, enactor: Enactor, t: int) -> None:
        """Nothing to do until the next look."""
        enactor.does = "look"
        enactor.looks += 1
        enactor.due = t + max(self.ns(self.p.look, dns.LOOK, enactor.number, enactor.looks, 0), 1)

    def endpoints_of(self, enactor: Enactor) -> list[int]:
        """The endpoints that an Enactor writes, in order."""
        everything = range(self.p.endpoints)
        if self.has(dns.ONE_WRITER):
            return [i for i in everything if i % self.p.enactors == enactor.number]
        return list(everything)

    def run(self, until: int) -> None:
        """All events before `until`; without repair only up to the first empty record."""
        while True:
            due, who = min([(self.plan_due, PLANNER), *((e.due, e.number) for e in self.enactors)])
            if due >= until:
                return
            before = self.empty()
            if who == PLANNER:
                self.publish(due)
            else:
                enactor = self.enactors[who]
                {"look": self.look, "lock": self.lock, "write": self.write, "clean": self.clean}[enactor.does](
                    enactor, due
                )
            if self.empty() - before:
                self.incidents += 1
                if not self.repair:
                    return
                self.note(due, dns.REPAIRED, PLANNER, self.newest, PLANNER)
                self.mend(due)

    def empty(self) -> set[int]:
        """Endpoints without an address."""
        return {i for i, plan in enumerate(self.active) if plan not in self.plans}

    def mend(self, t: int) -> None:
        """People put everything in order."""
        self.plans = {g for g in range(self.newest - self.p.keep + 1, self.newest + 1) if g >= 0}
        self.active = [self.newest] * self.p.endpoints
        self.holder = [None] * self.p.endpoints
        self.complete = self.newest
        for enactor in self.enactors:
            self.rest(enactor, t)

    def publish(self, t: int) -> None:
        """The Planner's next generation."""
        self.newest += 1
        self.plans.add(self.newest)
        self.published[self.newest] = t
        self.note(t, dns.PUBLISHED, PLANNER, self.newest, PLANNER)
        self.plan_due = t + max(self.ns(self.p.plan, dns.PLAN, 0, self.newest + 1, 0), 1)

    def look(self, enactor: Enactor, t: int) -> None:
        """Take the newest plan if it is newer than all that is applied."""
        mine = self.endpoints_of(enactor)
        if not mine or self.newest <= max(self.active[i] for i in mine):
            self.rest(enactor, t)
            return
        enactor.plan, enactor.endpoint, enactor.tries = self.newest, mine[0], 0
        enactor.walk += 1
        self.note(t, dns.TAKEN, enactor.number, enactor.plan, enactor.endpoint)
        self.lock(enactor, t)

    def lock(self, enactor: Enactor, t: int) -> None:
        """Take the lock, or lose it."""
        p, e, endpoint = self.p, enactor.number, enactor.endpoint
        address = enactor.walk * p.endpoints + endpoint
        lost = self.holder[endpoint] is not None
        if not lost:
            chance = p.loses_again if enactor.tries else p.loses
            lost = self.uniform(dns.LOSES, e, address, enactor.tries) < chance
        if lost:
            self.note(t, dns.LOST_LOCK, e, enactor.plan, endpoint)
            wait = float(self.ns(p.back_off, dns.BACK_OFF, e, address, enactor.tries))
            wait *= float(draws.power(p.factor, float(enactor.tries)))
            enactor.does, enactor.due = "lock", t + max(int(min(wait, p.cap_ns, 2.0**60)), 1)
            enactor.tries += 1
            return
        self.holder[endpoint] = e
        self.note(t, dns.LOCKED, e, enactor.plan, endpoint)
        took = max(self.ns(p.transaction, dns.TRANSACTION, e, address, 0), 1)
        took += self.ns(p.check, dns.CHECK, e, address, 0) if self.has(dns.COMPARE_AND_SET) else 0
        took += self.ns(p.check, dns.CHECK, e, address, 1) if self.has(dns.REFUSE_EMPTY) else 0
        enactor.does, enactor.due = "write", t + took

    def write(self, enactor: Enactor, t: int) -> None:
        """The transaction ends."""
        e, plan, endpoint = enactor.number, enactor.plan, enactor.endpoint
        self.holder[endpoint] = None
        if endpoint in self.empty():
            self.note(t, dns.HELPLESS, e, plan, endpoint)
            self.rest(enactor, t)
            return
        if self.has(dns.COMPARE_AND_SET) and self.active[endpoint] >= plan:
            self.note(t, dns.SKIPPED, e, plan, endpoint)
        elif self.has(dns.REFUSE_EMPTY) and plan not in self.plans:
            self.note(t, dns.REFUSED, e, plan, endpoint)
            self.rest(enactor, t)
            return
        else:
            self.active[endpoint] = plan
            self.note(t, dns.WRITTEN, e, plan, endpoint)
            if plan not in self.plans:
                self.note(t, dns.EMPTIED_RECORD, e, plan, endpoint)
            while plan in self.plans and self.complete < min(self.active):
                self.complete += 1
                self.latencies_ns.append(t - self.published[self.complete])
        left = [i for i in self.endpoints_of(enactor) if i > endpoint]
        if left:
            enactor.endpoint, enactor.tries = left[0], 0
            self.lock(enactor, t)
            return
        took = self.ns(self.p.clean_up, dns.CLEAN_UP, e, enactor.walk, 0)
        if self.has(dns.KEEP_ACTIVE):
            addresses = [enactor.walk * self.p.endpoints + i for i in range(self.p.endpoints)]
            took += sum(self.ns(self.p.check, dns.CHECK, e, address, 2) for address in addresses)
        enactor.does, enactor.due = "clean", t + max(took, 1)

    def clean(self, enactor: Enactor, t: int) -> None:
        """Delete old plans."""
        limit = enactor.plan - self.p.keep
        self.note(t, dns.CLEANED, enactor.number, enactor.plan, limit)
        before = self.empty()
        spared = set(self.active) if self.has(dns.KEEP_ACTIVE) else set()
        self.plans = {g for g in self.plans if g > limit or g in spared}
        for endpoint in sorted(self.empty() - before):
            self.note(t, dns.EMPTIED_RECORD, enactor.number, self.active[endpoint], endpoint)
        self.rest(enactor, t)
