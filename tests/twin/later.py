"""Launches and network propagation in the slowest, most obvious Python, written from MODEL.md.

Everything that happens in a window is put in one list and sorted; queues are lists; levels are counted anew.
"""

from __future__ import annotations

import collections
import functools
from typing import Any

from recovery_kernels import draws, limits, policies

LAUNCH, CHANGE, RELEASED = 0, 1, 2
Counts = list[collections.Counter[str]]
Job = tuple[int, int, int]  # time, origin, identity


def uniform(key: Any, identity: int, number: int) -> float:
    return float(draws.uniform(key, identity, number))


def whole_ns(time: float) -> int:
    return int(min(time, 2.0**60) + 0.5)


def delay_ns(client: policies.Client, table: Any, key: Any, identity: int, tries: int) -> int:
    return int(policies.retry_delay_ns(client, table, key, identity, tries - 1, tries))


class LaunchTwin:
    """The launch stage: `jobs` has what was let out in each window, `counts` what happened in it."""

    def __init__(self, params: Any, keys: Any, inputs: Any, door: Any = None) -> None:
        self.params, self.keys, self.inputs = params, keys, inputs
        self.door = door  # twin.doors.Door, or nobody is asked
        self.windows = len(inputs.launches_per_ns)
        self.jobs: list[list[Job]] = []
        self.counts: Counts = [collections.Counter() for _ in range(self.windows)]
        self.asleep: list[tuple[int, int, int, int]] = []  # time, origin, identity, tries
        self.held = [0] * params.zones
        self.carry = [0.0] * params.zones
        self.released = 0
        self.rate, self.burst, self.tokens, self.looked_at = -1.0, 1.0, 0.0, 0
        self.steps = list(zip(inputs.throttle_ns.tolist(), inputs.throttle.tolist(), strict=True))

    def arrivals(self, key: Any, kind: int, rates: Any) -> list[tuple[int, int, int, int]]:
        def gap(number: int) -> float:
            if self.params.poisson:
                return -float(draws.log(uniform(key, number, 0)))
            return uniform(key, 0, 0) if number == 0 else 1.0

        out = []
        number, total, following = 0, 0.0, gap(0)
        for window, rate in enumerate(rates.tolist()):
            start = window * self.params.window_ns
            end = total + rate * self.params.window_ns
            while following < end:
                time = min(start + int((following - total) / rate), start + self.params.window_ns - 1)
                out.append((time, time, number * 4 + kind, 0))
                number += 1
                following += gap(number)
            total = end
        return out

    def run(self) -> None:
        for window in range(self.windows):
            self.run_window(window)

    @functools.cached_property
    def fresh(self) -> list[list[tuple[int, int, int, int]]]:
        """What comes in each window for the first time."""
        fresh = self.arrivals(self.keys.arrival, LAUNCH, self.inputs.launches_per_ns)
        fresh += self.arrivals(self.keys.change, CHANGE, self.inputs.changes_per_ns)
        by_window: list[list[tuple[int, int, int, int]]] = [[] for _ in range(self.windows)]
        for item in fresh:
            by_window[item[0] // self.params.window_ns].append(item)
        return by_window

    def run_window(self, window: int) -> None:
        window_ns = self.params.window_ns
        self.jobs.append([])
        self.release(window)
        due = [item for item in self.asleep if item[0] // window_ns == window]
        self.asleep = [item for item in self.asleep if item[0] // window_ns != window]
        asleep = len(self.asleep) + len(due)
        self.counts[window]["most asleep"] = asleep
        for item in sorted([*self.fresh[window], *due], key=lambda item: (item[0], item[2])):
            tried, before = item[3] > 0, len(self.asleep)
            self.change(window, item) if item[2] % 4 == CHANGE else self.launch(window, item)
            asleep += len(self.asleep) - before - tried
            self.counts[window]["most asleep"] = max(self.counts[window]["most asleep"], asleep)
        self.counts[window]["asleep"] = len(self.asleep)
        self.counts[window]["held"] = sum(self.held)

    def level(self, zone: int, window: int) -> int:
        return int(self.inputs.leased[zone, max(window, 0)])

    def release(self, window: int) -> None:
        self.counts[window]["most held"] = sum(self.held)
        self.leaving: list[int] = []
        for zone in range(self.params.zones):
            now, was = self.level(zone, window - 1), self.level(zone, window - 2)
            if now > was and self.held[zone]:
                exact = self.held[zone] * ((now - was) / float(self.inputs.holders[zone] - was)) + self.carry[zone]
                count = min(int(exact), self.held[zone])
                self.held[zone] -= count
                self.carry[zone] = exact - count if self.held[zone] else 0.0
                for i in range(count):
                    time = window * self.params.window_ns + (2 * i + 1) * self.params.window_ns // (2 * count)
                    self.jobs[window].append((time, time, self.released * 4 + RELEASED))
                    self.leaving.append(time)
                    self.released += 1
                self.counts[window]["released"] += count

    def change(self, window: int, item: tuple[int, int, int, int]) -> None:
        time, origin, identity, _ = item
        zone = int(uniform(self.keys.zone, identity, 0) * self.params.zones)
        self.counts[window]["changes"] += 1
        leased = self.level(zone, window - 1)
        if uniform(self.keys.look, identity, 0) * int(self.inputs.holders[zone]) < leased:
            self.jobs[window].append((time, origin, identity))
        else:
            self.held[zone] += 1
            self.counts[window]["newly held"] += 1
            held = sum(self.held) + sum(leaves > time for leaves in self.leaving)
            self.counts[window]["most held"] = max(self.counts[window]["most held"], held)

    def is_throttled(self, now: int) -> bool:
        while self.steps and self.steps[0][0] <= now:
            at, (rate, burst) = self.steps.pop(0)
            if self.rate < 0:
                self.tokens = burst
            else:
                self.tokens = min(self.burst, self.tokens + self.rate * (at - self.looked_at), burst)
            self.rate, self.burst, self.looked_at = rate, burst, at
        if self.rate < 0:
            return False
        tokens = min(self.burst, self.tokens + self.rate * (now - self.looked_at))
        if tokens < 1:
            return True  # the bucket is as if nobody had asked
        self.tokens, self.looked_at = tokens - 1, now
        return False

    def launch(self, window: int, item: tuple[int, int, int, int]) -> None:
        time, origin, identity, tries = item
        counts, zones = self.counts[window], self.params.zones
        counts["asked"] += tries == 0
        counts["attempts"] += 1
        home = int(uniform(self.keys.zone, identity, 0) * zones)
        is_pinned = uniform(self.keys.pin, identity, 0) < self.params.pinned_share
        answer = "throttled" if self.is_throttled(time) else "insufficient"
        is_asked = answer == "insufficient" and self.door is not None
        if is_asked and not self.door.lets_in(time, identity, tries):
            answer = "throttled"
            if self.rate >= 0:
                self.tokens += 1
        if answer == "insufficient":
            for i in range(1 if is_pinned else zones):
                zone = (home + i) % zones
                none = 1.0
                for _ in range(self.params.looks):
                    none *= 1.0 - self.level(zone, window - 1) / float(self.inputs.holders[zone])
                if answer != "accepted" and uniform(self.keys.look, identity, tries * zones + i) >= none:
                    answer = "accepted"
        counts[answer] += 1
        if is_asked and answer != "throttled":
            self.door.hear(time, identity, tries, answer == "accepted")
        if answer == "accepted":
            self.jobs[window].append((time, time, identity))
            return
        tries += 1
        if 0 <= self.params.client.retries < tries:
            counts["gave up"] += 1
            return
        back = time + max(
            delay_ns(self.params.client, self.inputs.table, self.keys.retry, identity, tries),
            self.params.client.round_trip_ns,
        )
        self.asleep.append((max(back, (window + 1) * self.params.window_ns), origin, identity, tries))

    def rows(self) -> list[list[int]]:
        """The series, in the kernel's order of columns."""
        names = (
            "asked", "attempts", "throttled", "insufficient", "accepted", "gave up", "changes", "newly held",
            "released", "asleep", "held", "most asleep", "most held",
        )  # fmt: skip
        return [[counts[name] for name in names] for counts in self.counts]


class PropagationTwin:
    """The propagation stage: each shard has a list of those who wait and a list of times at which workers are free."""

    def __init__(self, params: Any, keys: Any, inputs: Any, shards: int) -> None:
        self.params, self.keys, self.inputs = params, keys, inputs
        self.counts: Counts = [collections.Counter() for _ in range(params.windows + 1)]
        self.waiting: list[list[tuple[int, int, int, int]]] = [[] for _ in range(shards)]
        self.free = [[0] * params.workers for _ in range(shards)]
        self.bucket = [(params.intake.burst, params.intake.rate_per_ns, 0) for _ in range(shards)]
        self.is_blocked = [False] * shards
        self.asleep: list[tuple[int, int, int, int]] = []
        self.latencies: list[int] = []

    def run(self, jobs: list[list[Job]]) -> None:
        for window, fresh in enumerate(jobs):
            self.run_window(window, fresh)

    def run_window(self, window: int, fresh: list[Job]) -> None:
        window_ns = self.params.window_ns
        counts = self.counts[window]
        due = [item for item in self.asleep if item[0] // window_ns == window]
        self.asleep = [item for item in self.asleep if item[0] // window_ns != window]
        batch = [(time, origin, identity, 0) for time, origin, identity in fresh] + due
        counts["submitted"] += len(fresh)
        counts["attempts"] += len(batch)
        counts["most waiting"] = self.all_waiting()
        for item in sorted(batch, key=lambda item: (item[0], item[2])):
            self.submit(window, item)
            counts["most waiting"] = max(counts["most waiting"], self.all_waiting())
        for shard in range(len(self.waiting)):
            self.settle(window, shard, (window + 1) * window_ns - 1)
        counts["waiting"] = self.all_waiting()
        counts["asleep"] = len(self.asleep)

    def all_waiting(self) -> int:
        return sum(map(len, self.waiting))

    def in_service(self, end: int) -> int:
        """Jobs that workers work on just before a moment."""
        return sum(free >= end for workers in self.free for free in workers)

    def is_shed(self, time: int, identity: int) -> bool:
        for (start, end), share in zip(self.inputs.sheds_ns.tolist(), self.inputs.shed_share.tolist(), strict=True):
            if start <= time < end and identity % 4 != LAUNCH:
                return uniform(self.keys.shed, identity, 0) < share
        return False

    def submit(self, window: int, item: tuple[int, int, int, int]) -> None:
        time, origin, identity, tries = item
        if tries == 0 and self.is_shed(time, identity):
            self.counts[window]["shed"] += 1
            return
        shard = int(uniform(self.keys.shard, identity, 0) * len(self.waiting))
        self.settle(window, shard, time)
        if not self.is_let_in(shard, item):
            self.counts[window]["refused"] += 1
            self.fail(window, time, origin, identity, tries)
        elif min(self.free[shard]) <= time:
            self.begin(window, shard, time, item)
        else:
            self.waiting[shard].append(item)

    def is_let_in(self, shard: int, item: tuple[int, int, int, int]) -> bool:
        intake, queue, (time, _, identity, tries) = self.params.intake, len(self.waiting[shard]), item
        if intake.kind == limits.OPEN:
            return True
        if intake.kind == limits.SWITCH:
            self.is_blocked[shard] = queue >= intake.limit or (self.is_blocked[shard] and queue > intake.low)
            return not self.is_blocked[shard]
        if intake.kind == limits.RAMP:
            return uniform(self.keys.admit, identity, tries) * (intake.limit - intake.low) >= queue - intake.low
        tokens, rate, at = self.bucket[shard]
        tokens = min(intake.burst, tokens + rate * (time - at))
        if intake.kind == limits.LINEAR:
            rate = intake.rate_per_ns * max(0.0, 1.0 - queue / intake.limit)
        self.bucket[shard] = (tokens - 1 if tokens >= 1 else tokens, rate, time)
        return tokens >= 1

    def settle(self, window: int, shard: int, until: int) -> None:
        while self.waiting[shard] and min(self.free[shard]) <= until:
            item = self.waiting[shard].pop(0)
            self.begin(window, shard, min(self.free[shard]), item)

    def begin(self, window: int, shard: int, now: int, item: tuple[int, int, int, int]) -> None:
        _, origin, identity, tries = item
        queue = len(self.waiting[shard])
        slowdown = 1.0
        if self.params.slowdown_a > 0:
            power = float(draws.power(queue / self.params.slowdown_n, self.params.slowdown_b))
            slowdown = min(slowdown + self.params.slowdown_a * power, 1e150)
        service = float(draws.draw(self.params.service, self.inputs.table, self.keys.service, identity, tries))
        finish = now + whole_ns(service * slowdown)
        self.free[shard].remove(min(self.free[shard]))
        self.free[shard].append(finish)
        if uniform(self.keys.fail, identity, tries) < self.params.fail_share:
            self.counts[window]["failed"] += 1
            self.fail(window, finish, origin, identity, tries)
            return
        done = self.counts[min(finish // self.params.window_ns, self.params.windows)]
        if identity % 4 == LAUNCH:
            done["reachable"] += 1
            done["latency"] += finish - origin
            done["longest"] = max(done["longest"], finish - origin)
            self.latencies.append(finish - origin)
        else:
            done["propagated"] += 1

    def fail(self, window: int, now: int, origin: int, identity: int, tries: int) -> None:
        tries += 1
        if 0 <= self.params.client.retries < tries:
            self.counts[window]["gave up"] += 1
            return
        client = self.params.client
        delay = delay_ns(client, self.inputs.table, self.keys.retry, identity, tries)
        back = now + max(delay, client.round_trip_ns)
        self.asleep.append((max(back, (window + 1) * self.params.window_ns), origin, identity, tries))

    def rows(self) -> list[list[int]]:
        """The series, in the kernel's order of columns."""
        names = (
            "submitted", "attempts", "refused", "shed", "failed", "gave up", "reachable", "propagated", "latency",
            "longest", "waiting", "asleep", "most waiting",
        )  # fmt: skip
        return [[counts[name] for name in names] for counts in self.counts]
