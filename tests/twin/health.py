"""Health checks in the slowest, most obvious Python, written from MODEL.md: one sorted list of all that happens."""

from __future__ import annotations

import collections
from dataclasses import dataclass
from typing import Any

from recovery_kernels import draws
from recovery_kernels import health as kernel

from twin.later import LAUNCH, uniform

REPLACEMENT = 3


@dataclass
class Target:
    """One place of the load balancer, and the instance in it."""

    zone: int
    state: str = "in"
    instance: int = -1
    good: int = 0
    bad: int = 0
    since: int = 0
    removals: int = 0
    blocked_until: int = 0
    generation: int = 0


class HealthTwin:
    """`jobs` and `finishes`: what the stages before let out, (time, identity) each; `ready` has every finish."""

    def __init__(self, params: Any, keys: Any, inputs: Any, phases: dict[int, int], zones: int, workers: int) -> None:
        self.params, self.keys, self.inputs, self.zones, self.phases = params, keys, inputs, zones, phases
        self.targets = [Target(i % zones) for i in range(len(phases))]
        self.free = [0] * workers
        self.out_zones: set[int] = set()
        self.removed_at: list[int] = []
        self.is_on = [True] * zones
        self.switches = inputs.switches.tolist()
        self.rows: list[list[int]] = []
        self.by_zone: list[list[list[int]]] = []

    def target_of(self, identity: int) -> int:
        if identity % 4 == REPLACEMENT:
            return identity // 4 % len(self.targets)
        if identity % 4 == LAUNCH and uniform(self.keys.join, identity, 0) < self.params.joins_share:
            return int(uniform(self.keys.place, identity, 0) * len(self.targets))
        return -1

    def run(self, windows: int, jobs: list[tuple[int, int]], finishes: list[tuple[int, int]]) -> None:
        self.ready = {-1: -1} | {identity: time for time, identity in finishes}
        end = windows * self.params.window_ns
        events = [(time, 0, identity, 0, 0) for time, identity in jobs if self.target_of(identity) >= 0]
        order = sorted(self.phases, key=lambda target: (self.phases[target], target))
        for place, target in enumerate(order):
            times = range(self.phases[target], end, self.params.interval_ns)
            events += [(time, 1, place, target, number) for number, time in enumerate(times)]
        events += [((window + 1) * self.params.window_ns, -1, 0, 0, 0) for window in range(windows)]
        self.counts: collections.Counter[str] = collections.Counter()
        for time, kind, first, target, number in sorted(events):
            if kind == -1:
                self.fail_over(time)
                self.level(time)
                self.counts = collections.Counter()
            elif kind == 0:
                at = self.target_of(first)
                old = self.targets[at]
                self.targets[at] = Target(old.zone, "new", first, since=time, generation=old.generation)
                self.counts["joined"] += 1
            else:
                self.check(time, self.targets[target], target, number)

    def check(self, now: int, target: Target, place: int, number: int) -> None:
        p = self.params
        if target.state == "empty":
            return
        self.counts["checks"] += 1
        worker = min(range(len(self.free)), key=lambda i: self.free[i])
        begin = end = max(now, self.free[worker])
        is_made = begin < now + p.timeout_ns
        if is_made:
            end += int(float(draws.draw(p.service, self.inputs.table, self.keys.service, place, number)) + 0.5)
        if is_made and end <= now + p.timeout_ns and self.ready.get(target.instance, now + 1) <= now:
            target.good, target.bad = target.good + 1, 0
        else:
            target.good, target.bad = 0, target.bad + 1
            self.counts["failed"] += 1
        if self.judge(now, target, place):
            self.counts["changes"] += 1
            end += p.change_ns
        if end > begin:
            self.free[worker] = end

    def judge(self, now: int, target: Target, place: int) -> bool:
        p, was = self.params, target.state
        if was == "held" and target.good >= p.rise:
            target.state = "in"
            self.counts["cancelled"] += 1
        elif was in ("new", "out") and target.good >= p.rise and now >= target.blocked_until:
            target.state, target.since = "in", now
            return True
        elif (was == "in" and target.bad >= p.fall) or (was == "held" and target.bad):
            if self.may_remove(1, now):
                if p.policy.kind == kernel.DAMPING:
                    target.removals = 1 if now - target.since >= p.policy.forget_ns else target.removals + 1
                    target.blocked_until = now + min(target.removals * p.policy.span_ns, p.policy.cap_ns)
                target.state, target.since = "out", now
                self.counts["removed"] += 1
                return True
            target.state = "held"
            self.counts["delayed"] += was == "in"
        elif was in ("new", "out") and target.bad and 0 <= p.terminate_ns <= now - target.since:
            target.state = "empty"
            target.generation += 1
            self.counts["terminated"] += 1
        return False

    def may_remove(self, count: int, now: int) -> bool:
        policy = self.params.policy
        if policy.kind == kernel.EJECTION_CAP:
            return sum(target.state == "out" for target in self.targets) + count <= policy.limit
        if policy.kind == kernel.VELOCITY:
            recent = [time for time in self.removed_at if time + policy.span_ns > now]
            if len(recent) + count > policy.limit:
                return False
            self.removed_at = recent + [now] * count
        return True

    def healthy_in(self, zone: int) -> int:
        return sum(target.zone == zone and target.state == "in" for target in self.targets)

    def size_of(self, zone: int) -> int:
        return sum(target.zone == zone for target in self.targets)

    def fail_over(self, now: int) -> None:
        while self.switches and self.switches[0][0] < now:
            _, is_on, only = self.switches.pop(0)
            self.is_on = [bool(is_on) if only in (-1, zone) else was for zone, was in enumerate(self.is_on)]
        for zone in range(self.zones):
            healthy = self.healthy_in(zone)
            share = healthy / self.size_of(zone)
            if zone in self.out_zones:
                if not self.is_on[zone] or share >= self.params.failover_back:
                    self.out_zones.remove(zone)
            elif self.is_on[zone] and share < self.params.failover_below and len(self.out_zones) < self.zones - 1:
                is_velocity = self.params.policy.kind == kernel.VELOCITY
                if not is_velocity or self.may_remove(healthy, now - 1):
                    self.out_zones.add(zone)
                    self.counts["failovers"] += 1

    def level(self, now: int) -> None:
        policy, count = self.params.policy, self.counts
        healthy = sum(target.state == "in" for target in self.targets)
        panics = policy.kind == kernel.PANIC and healthy < policy.share * len(self.targets)
        zones = []
        for zone in range(self.zones):
            own = [target for target in self.targets if target.zone == zone and target.state != "empty"]
            is_open = panics or (policy.kind == kernel.FAIL_OPEN and self.healthy_in(zone) < policy.limit)
            used = [target for target in own if is_open or target.state in ("in", "held")]
            if zone in self.out_zones:
                used = []
            usable = sum(self.ready.get(target.instance, now) < now for target in used)
            zones.append([self.healthy_in(zone), usable, self.size_of(zone) - len(used)])
            count["routed"] += len(used)
            count["usable"] += usable
        count["healthy"] = healthy
        count["out"] = sum(target.state == "out" for target in self.targets)
        count["empty"] = sum(target.state == "empty" for target in self.targets)
        names = (
            "checks", "failed", "changes", "removed", "delayed", "cancelled", "joined", "terminated", "failovers",
            "healthy", "routed", "usable", "out", "empty",
        )  # fmt: skip
        self.rows.append([count[name] for name in names])
        self.by_zone.append(zones)
