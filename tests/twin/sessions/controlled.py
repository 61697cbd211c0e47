"""Controllers on a host: what they may look at, who is asked what, who hears what (MODEL.md, controllers).

Their functions are those of their files, uncompiled; what a controller does has a reference of its own in
`twin.controllers`.
"""

from dataclasses import dataclass, field
from types import ModuleType

import numpy as np
from recovery_kernels.controllers import (
    ADMITTED,
    FACTS,
    HOOKS,
    NOTHING,
    RENEWED,
    RESTARTED,
    View,
)

from twin.sessions import chance
from twin.sessions.chance import whole_ns
from twin.sessions.clients import Client, Request
from twin.sessions.scenario import Controlled, Set

NOT_RANKED = -1e300  # the host's own work is served before all that has a rank


@dataclass
class Running:
    """A controller as it stands: the place that it has among those of its host, and its memories by group."""

    place: int
    rule: Controlled
    number: int
    is_of_host: bool
    is_lease: bool = False
    numbers: list[int] = field(default_factory=list)  # of the classes whose leases it looks after
    memories: dict[int, View] = field(default_factory=dict)

    @property
    def module(self) -> ModuleType:
        """Its file."""
        return self.rule.module

    def has(self, hook: str) -> bool:
        """Whether it has this function."""
        return hasattr(self.module, hook)


class Controllers:
    """The part of a host that asks its controllers and tells them."""

    def put_controllers(self) -> None:
        """All controllers of the host and of its classes, in order, as they are at first."""
        self.controllers: list[Running] = []
        self.of_axis: dict[tuple[str, int], Running] = {}
        rule = self.rule
        wanted = [("admission", 0, rule.admission.controller), ("queue", 0, rule.controller)]
        for number, one in enumerate(self.scenario.classes):
            wanted += [("client", number, one.retry.controller), ("guard", number, one.guard)]
            wanted += [("lease", number, one.lease.controller)]
        for axis, number, controlled in wanted:
            same = [one for one in self.controllers if axis == "lease" and one.is_lease and one.rule == controlled]
            if same:
                same[0].numbers.append(number)
                self.of_axis[axis, number] = same[0]
            elif controlled is not None:
                is_of_host = axis not in ("client", "guard")
                own = Running(len(self.controllers), controlled, number, is_of_host, axis == "lease", [number])
                self.controllers.append(own)
                self.of_axis[axis, number] = own
        edits = [step.edit for action in self.scenario.playbook for step in action.steps]
        rules = [edit.value for edit in edits if isinstance(edit, Set) and edit.key == "admission_rule"]
        self.of_admission = {rule.admission.controller: self.of_axis.get(("admission", 0)), None: None}
        for controlled in [one.controller for one in rules]:
            if controlled not in self.of_admission:
                self.of_admission[controlled] = Running(len(self.controllers), controlled, 0, True)
                self.controllers.append(self.of_admission[controlled])
        for own in self.controllers:
            self.begin_controller(own)

    def turn_controller(self, controlled: Controlled | None) -> None:
        """Admission is this controller from now on, which begins anew; None: it is none."""
        own = self.of_admission[controlled]
        if own is None:
            self.of_axis.pop(("admission", 0), None)
        else:
            self.of_axis["admission", 0] = own
            self.begin_controller(own)

    def controller(self, axis: str, hook: str, number: int = 0) -> Running | None:
        """The controller of an axis, if there is one with this function."""
        own = self.of_axis.get((axis, number))
        return own if own is not None and own.has(hook) else None

    def begin_controller(self, own: Running) -> None:
        """All its memories as they are at first."""
        size, module = own.rule.group, own.module
        one_class = self.scenario.classes[own.number]
        many = 0 if one_class.is_jobs or own.place in self.host_places() else len(one_class.first_ns[self.place])
        groups = 1 if size == 0 or many == 0 else -(-many // size)
        for group in range(groups):
            own.memories[group] = View(module.MEMORY, np.zeros(sum(module.MEMORY.values())))
            facts = self.facts(own, "begin", NOTHING, own.number, group, 0)
            if own.is_of_host:
                self.see_host(facts)
            self.call(own, "begin", group, facts)

    def host_places(self) -> set[int]:
        """The places of admission's and the queue's."""
        of_queue = [own for (axis, _), own in self.of_axis.items() if axis == "queue"]
        return {own.place for own in [*self.of_admission.values(), *of_queue] if own is not None}

    def call(self, own: Running, hook: str, group: int, facts: View) -> float:
        """What a function answers."""
        params = View(dict.fromkeys(own.module.PARAMS, 1), np.array(own.rule.params, np.float64))
        answer = getattr(own.module, hook)(params, own.memories[group], facts)
        return 0.0 if answer is None else float(answer)

    # --- facts

    def facts(self, own: Running, hook: str, event: int, number: int, who: int, attempt: int) -> View:
        """About the moment, the class and the client."""
        found = View(dict.fromkeys(FACTS, 1), np.zeros(len(FACTS)))
        found.now_s, found.event = self.now / 1e9, event
        found.number, found.client, found.attempt = number, who, attempt
        found.cost = self.cost(number)
        numbers = own.numbers if own.is_lease else [number]
        of_classes = [self.scenario.classes[k] for k in numbers]
        found.members = sum(0 if one.is_jobs else len(one.first_ns[self.place]) for one in of_classes)
        found.hint_s = -1.0
        question = own.place * 1024 + HOOKS.index(hook) * 32 + event
        found.u = self.chance.answer(number, question, who, attempt + 1)
        found.u_client = self.chance.uniform(chance.CLIENT, number, who, 0)
        return found

    def see_host(self, found: View) -> None:
        """What the host holds."""
        found.waiting, found.in_service, found.workers = len(self.queue), len(self.serving), self.workers()
        found.capacity_per_s = self.rule.worker_per_s * self.workers()

    def of_request(self, own: Running, hook: str, event: int, request: Request) -> View:
        """About a client's request."""
        found = self.facts(own, hook, event, request.number, request.who, request.attempt)
        self.see_host(found)
        client = self.owner(request)
        if client is not None:
            found.tries, found.is_leased = client.tries, float(self.is_leased(client))
        started = request.started if request.place == "worker" else self.now
        found.sojourn_s, found.waited_s = (self.now - request.reached) / 1e9, (started - request.reached) / 1e9
        found.timeout_s = (request.deadline - request.submitted) / 1e9
        found.left_s = (request.deadline - self.now) / 1e9
        found.mark = request.mark
        return found

    def of_client(self, own: Running, hook: str, event: int, client: Client, hint_ns: float | None) -> View:
        """About a client, as it sees them."""
        found = self.facts(own, hook, event, client.number, client.who, client.attempt)
        found.tries = client.tries
        is_holder = not self.class_of(client.number).is_jobs
        found.is_leased = float(is_holder and client.holder.runs(self.now))
        found.sojourn_s = (self.now - client.sent_at) / 1e9
        found.hint_s = -1.0 if hint_ns is None else hint_ns / 1e9
        found.holds, found.last = client.holds, client.last_event
        return found

    def of_lease(self, own: Running, hook: str, event: int, client: Client) -> View:
        """About a client's lease."""
        found = self.facts(own, hook, event, client.number, client.who, client.attempt)
        self.see_host(found)
        if client.server.runs(self.now):
            found.is_leased = 1.0
            found.left_s = (client.server.expires - self.now) / 1e9
        return found

    # --- questions and news

    def ask_request(self, axis: str, hook: str, request: Request) -> float | None:
        """What the host's controller of an axis says to a request; None: it has nothing to say."""
        own = self.controller(axis, hook)
        return None if own is None else self.call(own, hook, 0, self.of_request(own, hook, NOTHING, request))

    def has_place(self, request: Request) -> bool:
        """Whether the discipline lets it in; it gets its mark."""
        said = self.ask_request("queue", "ask", request)
        if said is None:
            return True
        request.mark = int(said) - 1 if said >= 1.0 else 0
        return said >= 1.0

    def enter(self, request: Request) -> None:
        """A request enters the queue, with its rank if there are ranks."""
        rank = None
        if self.controller("queue", "rank") is not None:
            rank = self.ask_request("queue", "rank", request) if request.nature == "client" else NOT_RANKED
        self.queue.push(request, rank)
        self.tell_host(request, ADMITTED)

    def end_to_take(self) -> str:
        """Which end of the queue the next request is taken from."""
        own = self.controller("queue", "newest")
        if own is None:
            return str(self.settings.get("discipline"))
        facts = self.facts(own, "newest", NOTHING, 0, 0, self.queue.entered)
        self.see_host(facts)
        return "lifo" if self.call(own, "newest", 0, facts) > 0.0 else "fifo"

    def tell_host(self, request: Request, event: int) -> None:
        """The host's controllers hear what became of a client's request."""
        if request.nature == "client":
            for axis in ("admission", "queue"):
                own = self.controller(axis, "told")
                if own is not None:
                    self.call(own, "told", 0, self.of_request(own, "told", event, request))

    def group(self, own: Running, client: Client) -> int:
        """Which memory a client shares."""
        return client.who // own.rule.group if own.rule.group else 0

    def held_back_ns(self, client: Client) -> int:
        """For how long a guard keeps an attempt that would be made now; 0: not at all; below 0: as long, and what comes
        then is a new request.
        """
        own = self.controller("guard", "ask", client.number)
        if own is None:
            return 0
        held_s = self.call(own, "ask", self.group(own, client), self.of_client(own, "ask", NOTHING, client, None))
        if held_s == 0.0:
            client.holds = 0
            return 0
        client.holds += 1
        held_ns = max(whole_ns(abs(held_s) * 1e9), 1)
        if held_s > 0.0:
            return held_ns
        client.forget_tries()
        return -held_ns

    def wait_ns(self, client: Client, hint_ns: float | None) -> float:
        """How long a client waits whose back-off is a controller."""
        own = self.controller("client", "wait", client.number)
        if own is None:
            return 0.0
        facts = self.of_client(own, "wait", NOTHING, client, hint_ns)
        return max(self.call(own, "wait", self.group(own, client), facts) * 1e9, 0.0)

    def tell_client(self, client: Client, event: int, hint_ns: float | None = None) -> None:
        """A client's controllers hear what became of its attempt."""
        for axis in ("guard", "client"):
            own = self.controller(axis, "told", client.number)
            if own is not None:
                facts = self.of_client(own, "told", event, client, hint_ns)
                self.call(own, "told", self.group(own, client), facts)

    # --- leases

    def tell_renewed(self, client: Client) -> None:
        """The rule of leases hears that one is about to be granted or renewed."""
        own = self.controller("lease", "told", client.number)
        if own is not None:
            self.call(own, "told", 0, self.of_lease(own, "told", RENEWED, client))

    def new_lease_ns(self, client: Client) -> int:
        """The length of the lease that is granted now."""
        own = self.controller("lease", "renew", client.number)
        if own is not None:
            length_s = self.call(own, "renew", 0, self.of_lease(own, "renew", NOTHING, client))
            if length_s > 0.0:
                return max(whole_ns(length_s * 1e9), 1)
        return int(self.whole_lease_ns(client))

    def goes_on(self, client: Client) -> bool:
        """Whether a lease at its end goes on; a session that was ended is over."""
        was_ended, client.is_over = client.is_over, False
        own = self.controller("lease", "expire", client.number)
        if was_ended or own is None:
            return False
        more_s = self.call(own, "expire", 0, self.of_lease(own, "expire", NOTHING, client))
        if not more_s > 0.0:
            return False
        self.note("go-on", client.number, client.who, client.attempt)
        until = self.now + max(whole_ns(more_s * 1e9), 1)
        if client.holder.left is None and client.holder.expires == self.now:
            client.holder.expires = until
        client.server.expires = until
        self.arm_expiry(client)
        return True

    def restart_controllers(self) -> None:
        """The host's own begin anew; leases that run go on as their rule says."""
        for own in self.controllers:
            if own.is_of_host:
                self.begin_controller(own)
        for number in range(len(self.scenario.classes)):
            own = self.controller("lease", "told", number)
            if own is not None and own.number == number:
                facts = self.facts(own, "told", RESTARTED, number, 0, 0)
                self.see_host(facts)
                self.call(own, "told", 0, facts)
        for client in self.everybody():
            own = self.controller("lease", "restart", client.number)
            if own is None or not client.server.runs(self.now):
                continue
            left_s = self.call(own, "restart", 0, self.of_lease(own, "restart", NOTHING, client))
            if left_s >= 0.0:
                until = self.now + max(whole_ns(left_s * 1e9), 1)
                if client.holder.runs(self.now):
                    client.holder.expires = until
                client.server.expires = until
                self.arm_expiry(client)
