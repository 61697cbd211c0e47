"""Shards of propagation with an order, a timeout or controllers, in the slowest Python, written from MODEL.md.

Queues are lists that are searched, and what happens next is looked for anew each time. Controllers' functions are those
of their files, uncompiled. What becomes of a job is counted when a worker begins it, as in `twin.later`; its
controllers hear it when it is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from recovery_kernels import draws
from recovery_kernels.controllers import (
    ADMITTED,
    CANCELLED,
    DROPPED,
    FACTS,
    FAILED,
    HOOKS,
    NOTHING,
    STARTED,
    SUCCEEDED,
    View,
)

from twin.later import LAUNCH, PropagationTwin, uniform, whole_ns

REPLACEMENT = 3
FOR_EVER = 2**60


@dataclass
class Waiting:
    """An attempt that is here."""

    item: tuple[int, int, int, int]  # time, origin, identity, tries
    reached: int
    deadline: int
    number: int = 0  # how many entered the queue before, and itself
    rank: float = 0.0
    mark: int = 0
    started: int | None = None
    finish: int = 0
    fails: bool = False

    @property
    def identity(self) -> int:
        return self.item[2]

    @property
    def tries(self) -> int:
        return self.item[3]


class Controlled:
    """A controller and a memory of it for each shard."""

    def __init__(self, place: int, module: ModuleType, params: list[float], shards: int) -> None:
        self.place, self.module = place, module
        self.params = View(dict.fromkeys(module.PARAMS, 1), np.array(params, np.float64))
        self.memories = [View(module.MEMORY, np.zeros(sum(module.MEMORY.values()))) for _ in range(shards)]

    def has(self, hook: str) -> bool:
        return hasattr(self.module, hook)


class ShardsTwin(PropagationTwin):
    """`rules` as the stage has them; `admission` and `queue`: files of controllers with their parameters, or None."""

    def __init__(
        self,
        params: Any,
        keys: Any,
        inputs: Any,
        shards: int,
        rules: Any,
        own_keys: Any,
        admission: tuple[ModuleType, list[float]] | None,
        queue: tuple[ModuleType, list[float]] | None,
    ) -> None:
        super().__init__(params, keys, inputs, shards)
        self.rules, self.own_keys, self.now = rules, own_keys, 0
        self.queues: list[list[Waiting]] = [[] for _ in range(shards)]
        self.lines: list[list[Waiting]] = [[] for _ in range(shards)]
        self.serving: list[list[Waiting]] = [[] for _ in range(shards)]
        self.entered = [0] * shards
        self.ready = [0] * shards
        found = [one for one in (admission, queue) if one is not None]
        running = [Controlled(place, *one, shards) for place, one in enumerate(found)]
        self.admission = running[0] if admission is not None else None
        self.order = running[-1] if queue is not None else None
        for one in running:
            for shard in range(shards):
                self.call(one, "begin", shard, self.of_shard(one, "begin", shard, 0))

    def submit(self, window: int, item: tuple[int, int, int, int]) -> None:
        if item[3] == 0 and self.is_shed(item[0], item[2]):
            self.counts[window]["shed"] += 1
            return
        shard = int(uniform(self.keys.shard, item[2], 0) * len(self.queues))
        self.settle(window, shard, item[0])
        self.come(window, shard, item)

    def all_waiting(self) -> int:
        return sum(map(len, self.queues)) + sum(map(len, self.lines))

    def in_service(self, end: int) -> int:  # all that ended before has been heard
        return sum(map(len, self.serving))

    def settle(self, window: int, shard: int, until: int) -> None:
        """All that happens up to `until`: finishes before deadlines before turns, at one time."""
        while True:
            events = [(one.finish, 0, one.identity) for one in self.serving[shard]]
            if self.rules.has_timeout:
                events += [(one.deadline, 1, one.identity) for one in self.queues[shard] + self.lines[shard]]
            if self.lines[shard]:
                events.append((self.ready[shard], 2, 0))
            if not events or min(events)[0] > until:
                return
            self.now, kind, identity = min(events)
            if kind == 0:
                one = next(one for one in self.serving[shard] if one.identity == identity)
                self.serving[shard].remove(one)
                self.tell(shard, one, FAILED if one.fails else SUCCEEDED)
                self.take(window, shard)
            elif kind == 1:
                self.time_out(window, shard, identity)
            else:
                one = self.lines[shard].pop(0)
                if self.enter(shard, one):
                    self.ready[shard] = self.now + self.rules.pace_ns
                    self.take(window, shard)
                else:
                    self.comes_back(window, one, "refused")

    def time_out(self, window: int, shard: int, identity: int) -> None:
        for where in (self.lines[shard], self.queues[shard]):
            for one in [one for one in where if one.identity == identity]:
                where.remove(one)
                if where is self.queues[shard]:
                    self.tell(shard, one, CANCELLED)
                self.comes_back(window, one, "failed")

    def comes_back(self, window: int, one: Waiting, what: str) -> None:
        self.counts[window][what] += 1
        self.fail(window, self.now, one.item[1], one.identity, one.tries)

    def come(self, window: int, shard: int, item: tuple[int, int, int, int]) -> None:
        """An attempt reaches its shard."""
        self.now = time = item[0]
        waits = FOR_EVER
        if self.rules.has_timeout:
            drawn = draws.draw(self.rules.timeout, self.inputs.table, self.own_keys.timeout, item[2], item[3])
            waits = max(whole_ns(float(drawn)), 1)
        one = Waiting(item, time, time + waits)
        pace = self.rules.pace_ns
        if pace and (self.lines[shard] or self.ready[shard] > time):
            ahead = len(self.lines[shard])
            turn = self.ready[shard] + ahead * pace
            if ahead < self.rules.line and turn - time <= self.rules.wait_ns:
                self.lines[shard].append(one)
            else:
                self.comes_back(window, one, "refused")
            return
        tokens = self.bucket[shard]
        if not self.admits(shard, one):
            self.comes_back(window, one, "refused")
            return
        if not self.enter(shard, one):
            self.give_back(shard, tokens)
            self.comes_back(window, one, "refused")
            return
        if pace:
            self.ready[shard] = time + pace
        self.take(window, shard)

    def admits(self, shard: int, one: Waiting) -> bool:
        if self.admission is not None and self.admission.has("ask"):
            return self.ask(self.admission, "ask", shard, one) > 0
        self.waiting[shard] = [waiting.item for waiting in self.queues[shard]]
        return self.is_let_in(shard, one.item)

    def give_back(self, shard: int, tokens: tuple[float, float, int]) -> None:
        """A token is taken only by a job that the queue lets in, too."""
        now = self.bucket[shard]
        if now != tokens:
            self.bucket[shard] = (now[0] + 1, now[1], now[2])

    def enter(self, shard: int, one: Waiting) -> bool:
        queue, order, rules = self.queues[shard], self.order, self.rules
        if rules.bound >= 0 and len(self.serving[shard]) == self.params.workers and len(queue) >= rules.bound:
            return False
        if order is not None and order.has("ask"):
            said = self.ask(order, "ask", shard, one)
            if not said >= 1:
                return False
            one.mark = int(said) - 1
        if order is not None and order.has("rank"):
            one.rank = self.ask(order, "rank", shard, one)
        self.entered[shard] += 1
        one.number = self.entered[shard]
        queue.append(one)
        self.tell(shard, one, ADMITTED)
        return True

    def take(self, window: int, shard: int) -> None:
        while self.queues[shard] and len(self.serving[shard]) < self.params.workers:
            one = self.next(shard)
            self.queues[shard].remove(one)
            if self.is_dropped(shard, one):
                self.tell(shard, one, DROPPED)
                self.comes_back(window, one, "failed")
                continue
            self.waiting[shard] = [waiting.item for waiting in self.queues[shard]]
            self.free[shard] = [self.now]
            failed = self.counts[window]["failed"]
            self.begin(window, shard, self.now, one.item)
            one.started, one.finish = self.now, self.free[shard][0]
            one.fails = self.counts[window]["failed"] > failed
            self.serving[shard].append(one)
            self.tell(shard, one, STARTED)

    def next(self, shard: int) -> Waiting:
        queue, order = self.queues[shard], self.order
        if order is not None and order.has("rank"):
            return min(queue, key=lambda one: (one.rank, one.number))
        is_newest = bool(self.rules.is_newest_first)
        if order is not None and order.has("newest"):
            is_newest = (
                self.call(order, "newest", shard, self.of_shard(order, "newest", shard, self.entered[shard])) > 0
            )
        return queue[-1] if is_newest else queue[0]

    def is_dropped(self, shard: int, one: Waiting) -> bool:
        rules = self.rules
        if rules.drops:
            is_old = rules.max_age_ns > 0 and self.now - one.reached > rules.max_age_ns
            if is_old or self.now + rules.margin_ns > one.deadline:
                return True
        return self.order is not None and self.order.has("head") and not self.ask(self.order, "head", shard, one) > 0

    # --- controllers

    def call(self, own: Controlled, hook: str, shard: int, facts: View) -> float:
        answer = getattr(own.module, hook)(own.params, own.memories[shard], facts)
        return 0.0 if answer is None else float(answer)

    def see(self, shard: int) -> View:
        found = View(dict.fromkeys(FACTS, 1), np.zeros(len(FACTS)))
        found.now_s, found.cost, found.hint_s = self.now / 1e9, 1.0, -1.0
        found.waiting, found.in_service = len(self.queues[shard]), len(self.serving[shard])
        found.workers, found.capacity_per_s = self.params.workers, self.rules.capacity_per_s
        return found

    def drawn(self, found: View, own: Controlled, hook: str, event: int, who: int, attempt: int) -> None:
        question = own.place * 1024 + HOOKS.index(hook) * 32 + event
        key = np.uint64(draws.at(self.own_keys.controller, question))
        found.u = uniform(key, who, attempt + 1)
        found.u_client = uniform(self.own_keys.job, who, 0)

    def of_shard(self, own: Controlled, hook: str, shard: int, attempt: int) -> View:
        found = self.see(shard)
        found.client, found.attempt = shard, attempt
        self.drawn(found, own, hook, NOTHING, shard, attempt)
        return found

    def of_job(self, own: Controlled, hook: str, event: int, shard: int, one: Waiting) -> View:
        found = self.see(shard)
        found.event, found.client, found.attempt, found.tries = event, one.identity // 4, one.tries, one.tries
        found.number = float(one.identity % 4 not in (LAUNCH, REPLACEMENT))
        self.drawn(found, own, hook, event, one.identity, one.tries)
        found.sojourn_s = (self.now - one.reached) / 1e9
        found.waited_s = ((self.now if one.started is None else one.started) - one.reached) / 1e9
        found.timeout_s, found.left_s = (one.deadline - one.reached) / 1e9, (one.deadline - self.now) / 1e9
        found.mark = one.mark
        return found

    def ask(self, own: Controlled, hook: str, shard: int, one: Waiting) -> float:
        return self.call(own, hook, shard, self.of_job(own, hook, NOTHING, shard, one))

    def tell(self, shard: int, one: Waiting, event: int) -> None:
        for own in (self.admission, self.order):
            if own is not None and own.has("told"):
                self.call(own, "told", shard, self.of_job(own, "told", event, shard, one))
