"""What people do to one host (section 14): every action is an edit at a time."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from twin.sessions import events
from twin.sessions.books import HOST
from twin.sessions.limits import Bucket, Door
from twin.sessions.scenario import (
    Action,
    EndSessions,
    Hold,
    HostsIn,
    Limiter,
    Purge,
    Restart,
    Scale,
    Set,
    Step,
    Throttle,
)
from twin.sessions.settings import ADMISSION, Hand

if TYPE_CHECKING:
    from twin.sessions.clients import Client
    from twin.sessions.host import TwinHost


@dataclass(eq=False)
class Held:
    """An operator holds clients: those of these classes whose wave has not been let in."""

    before: dict[int, int]  # of each class that is held how many holders are on the hosts before this one
    waves: int
    let_in: int = 0

    def keeps(self, client: "Client") -> bool:
        """Whether a client is held. They go in turn: holders over all hosts, jobs on each."""
        if client.number not in self.before:
            return False
        return (self.before[client.number] + client.who) % self.waves >= self.let_in


class Operator:
    """The hands of the operators on one host."""

    def __init__(self, host: "TwinHost", window_ns: int) -> None:
        """`window_ns`: the grid of ramps."""
        self.host, self.window_ns = host, window_ns

    def begin(self, position: int, action: Action, start: int) -> None:
        """An action of the playbook begins at a time; its steps become edits."""
        for which, step in enumerate(action.steps):
            if isinstance(step.edit, HostsIn) or step.hosts is None or self.host.place in step.hosts:
                self.at(
                    start + step.after_ns,
                    (position, which),
                    lambda w=which, s=step: self.do((position, w), s),  # type: ignore[misc]
                )

    def at(self, time: int, turn: tuple[int, int], act: Callable[[], None]) -> None:
        """An edit at a time; at one time in the order of the playbook and its steps."""
        self.host.add(time, events.OPERATOR, act, *turn)

    def do(self, turn: tuple[int, int], step: Step) -> None:
        """What a step says."""
        host, edit = self.host, step.edit
        classes = tuple(range(len(host.clients))) if step.classes is None else step.classes
        host.note(type(edit).__name__.lower(), HOST, 0, 0)
        if isinstance(edit, Restart):
            host.go_down(edit.down_ns, edit.is_told)
            if edit.ends_sessions:
                host.end_all_sessions(edit.notice)
        elif isinstance(edit, EndSessions):
            holders = [number for number in classes if not host.class_of(number).is_jobs]
            many = {k: host.scenario.meant(k, host.place, step.hosts, edit.share) for k in holders}
            host.end_sessions(many, edit.notice)
        elif isinstance(edit, Throttle):
            self.turn_gate(edit.gate, edit.limiter)
        elif isinstance(edit, Set):
            for number in classes if step.classes is not None else (HOST,):
                self.set(turn, edit, number)
        elif isinstance(edit, Scale):
            self.scale(turn, edit)
        elif isinstance(edit, HostsIn):
            self.share_arrivals(turn, edit)
        elif isinstance(edit, Hold):
            before = {
                k: 0 if host.class_of(k).is_jobs else host.scenario.counted(k, host.place, step.hosts)[1]
                for k in classes
            }
            self.hold(turn, edit, before)
        else:
            self.purge(edit, step.classes)

    # --- keys

    def set(self, turn: tuple[int, int], edit: Set, number: int) -> None:
        """A key gets a value: at once, or in steps at window edges; for good, or for a while."""
        host, begin = self.host, self.host.now
        before = host.settings.get(edit.key, number)
        hand = self.change(
            edit.key, number, lambda: host.settings.begin(edit.key, number, before if edit.over_ns else edit.value)
        )
        if edit.lasts_ns is not None:
            self.at(
                begin + edit.lasts_ns,
                turn,
                lambda: self.change(edit.key, number, lambda: host.settings.end(edit.key, number, hand)),
            )
        edge = begin
        while edit.over_ns and edge < begin + edit.over_ns:
            edge = (edge // self.window_ns + 1) * self.window_ns
            value = ramp(before, edit.value, edge - begin, edit.over_ns)
            self.at(
                edge,
                turn,
                lambda value=value: self.change(edit.key, number, lambda: setattr(hand, "value", value)),  # type: ignore[misc]
            )

    def change(self, key: str, number: int, act: Callable[[], object]) -> Hand:
        """Do something to a key, and see to what hangs on its value in force. No change is no change at all."""
        host = self.host
        before = host.settings.get(key, number)
        hand = act()
        after = host.settings.get(key, number)
        if after != before and key == "admission_rule":
            self.turn_admission(after)
        elif after != before and number == HOST and key.startswith("admission_"):
            names = {name: host.settings.get(f"admission_{name}") for name in ADMISSION}
            host.admission.change(replace(host.admission.limiter, **names), host.now)
            host.arm_tick(host.admission)
        elif after != before and key == "rate_per_ns" and number in host.arrivals:
            host.arrivals[number].change()
        elif after != before and key == "cost":
            for door in host.doors():
                if door is not None:
                    host.arm_tick(door)
        return hand  # type: ignore[return-value]

    # --- the gates

    def turn_admission(self, rule: Limiter) -> None:
        """Another rule of admission begins as on a host that begins; whoever waits in the old one's line asks it."""
        host, old = self.host, self.host.admission
        host.disarm_tick(old)
        limiter = replace(rule, **{name: host.settings.get(f"admission_{name}") for name in ADMISSION})
        bucket = Bucket(limiter.burst, 0.0, limiter.burst, max(host.now, host.down_until))
        host.admission = Door("rejected-admission", limiter, bucket)
        host.turn_controller(rule.controller)
        for request in old.line:
            host.pass_doors(request, len(host.gates), [])

    def turn_gate(self, number: int, limiter: Limiter | None) -> None:
        """A throttle begins with a full bucket, changes as it stands, or goes: then all in its line go on."""
        host, gate = self.host, self.host.gates[number]
        if limiter is None:
            host.gates[number] = None
            if gate is not None:
                host.disarm_tick(gate)
                for request in gate.line:
                    host.pass_doors(request, number + 1, [])
        elif gate is None:
            bucket = Bucket(limiter.burst, limiter.rate_per_ns, limiter.burst, host.now)
            host.gates[number] = Door("rejected-gate", limiter, bucket)
        elif limiter != gate.limiter:
            gate.change(limiter, host.now)
            host.arm_tick(gate)

    # --- capacity

    def scale(self, turn: tuple[int, int], edit: Scale) -> None:
        """Workers come, after their warm-up, or go."""
        host, begin = self.host, self.host.now
        warm_up = edit.warm_up_ns if edit.workers > 0 else 0
        if edit.lasts_ns is not None and edit.lasts_ns <= warm_up:
            return

        def add(more: int) -> None:
            host.more_workers += more

        if warm_up:
            self.at(begin + warm_up, turn, lambda: add(edit.workers))
        else:
            add(edit.workers)
        if edit.lasts_ns is not None:
            self.at(begin + edit.lasts_ns, turn, lambda: add(-edit.workers))

    def share_arrivals(self, turn: tuple[int, int], edit: HostsIn) -> None:
        """Hosts begin or cease to take new jobs; a new one accepts after its warm-up, and serves after its start."""
        host = self.host
        if edit.is_in and edit.warm_up_ns:
            self.at(host.now + edit.warm_up_ns, turn, lambda: self.share_arrivals(turn, replace(edit, warm_up_ns=0)))
            return
        before = host.place in host.hosts_in
        host.hosts_in = host.hosts_in | set(edit.hosts) if edit.is_in else host.hosts_in - set(edit.hosts)
        if host.place in host.hosts_in and not before:
            host.serves_from = max(host.serves_from, host.now + host.settings.get("start_time_ns"))
            host.wake_at(host.serves_from)
        share = host.share_of_arrivals()
        if share != host.arrival_share:
            host.arrival_share = share
            for clock in host.arrivals.values():
                clock.change()

    # --- clients

    def hold(self, turn: tuple[int, int], edit: Hold, before: dict[int, int]) -> None:
        """Keep submissions that fall due; later let the clients in again, wave by wave."""
        held = Held(before, edit.waves)
        self.host.holds.append(held)
        for wave in range(edit.waves):
            self.at(self.host.now + edit.lasts_ns + wave * edit.every_ns, turn, lambda: self.let_in(held))

    def let_in(self, held: Held) -> None:
        """The next wave is let in: what was kept of it is submitted now."""
        held.let_in += 1
        if held.let_in == held.waves:
            self.host.holds.remove(held)
        for client in self.host.everybody():
            if client.state == "kept" and not self.host.is_held(client):
                self.host.sleep(client, self.host.now)

    def purge(self, edit: Purge, classes: tuple[int, ...] | None) -> None:
        """What waits, for a worker or for a token, is thrown away."""
        host = self.host
        waiting = [*host.queue, *(request for door in host.doors() if door is not None for request in door.line)]
        host.lose([one for one in waiting if classes is None or one.number in classes], "purged", edit.is_told)


def ramp(before: float, after: object, passed_ns: int, over_ns: int) -> float:
    """The value of a ramp some time after it began; a whole number between two whole numbers."""
    assert isinstance(after, int | float)
    if passed_ns >= over_ns:
        return after
    value = before + (after - before) * (passed_ns / over_ns)
    return math.floor(value + 0.5) if isinstance(before, int) and isinstance(after, int) else value
