"""The door of a host: bars, limiters, lines, the bound, silence (sections 1, 13, 15, 17 and 18)."""

from recovery_kernels import controllers

from twin.sessions import chance, events
from twin.sessions.books import HOST
from twin.sessions.chance import whole_ns
from twin.sessions.clients import Client, Request, grown_ns
from twin.sessions.limits import Door
from twin.sessions.scenario import FAR_NS


class Entrance:
    """The part of a host that lets requests in, or not."""

    # --- the door

    def submit(self, client: Client) -> None:
        """An attempt is made."""
        client.attempt += 1
        client.state = "asks"
        self.count("submitted", client.number)
        self.note("submit", client.number, client.who, client.attempt)
        timeout = self.chance.time(
            self.settings.get("timeout", client.number), chance.TIMEOUT, client.number, client.who, client.attempt
        )
        growth, cap = (self.settings.get(key, client.number) for key in ("timeout_growth", "timeout_cap_ns"))
        timeout_ns = whole_ns(grown_ns(timeout, growth, client.grown, cap))
        request = Request(client.number, client.who, client.attempt, self.now, self.now + max(timeout_ns, 1))
        held_ns = self.held_back_ns(client)
        if held_ns != 0:
            self.end(request, "barred")
            self.note("bar", client.number, client.who, client.attempt)
            if held_ns < 0 and self.settings.get("retry", client.number).retries >= 0:
                self.give_up(client)
                return
            self.sleep(client, self.now + abs(held_ns))
            return
        if self.is_barred(client):
            self.end(request, "barred")
            self.note("bar", client.number, client.who, client.attempt)
            time = self.chance.time_ns(
                self.settings.get("bar_time"), chance.BAR_TIME, client.number, client.who, client.attempt
            )
            self.sleep(client, self.now + max(time, self.settings.get("round_trip_ns")))
            return
        client.sent_at = self.now
        self.tell_client(client, controllers.SENT)
        client.request = request
        client.timer = self.add(
            request.deadline, events.DEADLINE, lambda: self.deadline(client), client.number, client.who
        )
        self.knock(request)

    def is_barred(self, client: Client) -> bool:
        """Whether an attempt is among those that are barred (section 18)."""
        share, classes = self.settings.get("bar_share"), self.settings.get("bar_classes")
        if share <= 0.0 or (classes is not None and client.number not in classes):
            return False
        if self.settings.get("bar_only") and self.is_leased(client):
            return False
        return self.chance.uniform(chance.BAR, client.number, client.who, client.attempt) < share

    def knock(self, request: Request) -> None:
        """A request reaches the door, for the first time or sent again."""
        request.reached = self.now
        if self.now < self.down_until:
            self.refuse(request, "rejected-down", None)
        else:
            self.pass_doors(request, 0, [])

    def doors(self) -> list[Door | None]:
        """Whom a request has to pass, in order."""
        return [*self.gates, self.admission]

    def cost(self, number: int) -> float:
        """Tokens that an attempt of a class takes."""
        return float(self.settings.get("cost", number))

    def pass_doors(self, request: Request, first: int, taken: list[Door]) -> None:
        """A request passes one door after the other, then the bound. It takes its tokens only if all let it in, or
        where a later one lets it wait.
        """
        cost = self.cost(request.number)
        for which, door in enumerate(self.doors()):
            if which < first or door is None or not door.is_for(request.number, self.is_leased(self.owner(request))):
                continue
            in_line, before = [other.number for other in door.line], 0.0
            for k in range(len(self.clients)):  # sum() rounds another way from Python 3.12 on
                before += in_line.count(k) * self.cost(k)
            gate = which if which < len(self.gates) else None
            u = self.chance.ramp(gate, request.number, request.who, request.attempt)
            answer = self.ask_request("admission", "ask", request) if door.limiter.kind == "controller" else None
            if answer is None:
                said = door.ask(self.now, cost, before, len(self.queue), u)
            else:
                said = "pass" if answer > 0.0 else "refuse"
            if said == "refuse":
                self.refuse(request, door.name, door)
                return
            if said == "wait":
                self.take_tokens(taken, cost)
                request.place, request.door = "line", which
                door.line.append(request)
                self.note("wait", request.number, request.who, request.attempt)
                self.arm_tick(door)
                return
            taken.append(door)
        if self.is_full(request.number) or not self.has_place(request):
            if self.settings.get("full") == "silent":
                self.leave_outside(request)
            else:
                self.refuse(request, "rejected-full", None)
            return
        self.take_tokens(taken, cost)
        self.enter(request)

    def take_tokens(self, doors: list[Door], cost: float) -> None:
        """A request was let in."""
        for door in doors:
            door.spend(cost)

    def is_full(self, number: int) -> bool:
        """Whether no worker is free, and as many wait as may."""
        if self.now >= self.serves_from and len(self.serving) < self.workers():
            return False
        own = self.settings.get("limit", number)
        if own is not None:
            return self.queue.of(number) >= own
        limit = self.settings.get("limit")
        return limit is not None and self.shared() >= limit

    def shared(self) -> int:
        """Waiting requests that the common limit counts."""
        numbers = [k for k in range(len(self.clients)) if self.settings.get("limit", k) is None]
        return sum(self.queue.of(k) for k in [HOST, *numbers])

    def refuse(self, request: Request, why: str, door: Door | None) -> None:
        """A request is turned away, and its client learns it at once."""
        client = self.waiter(request)
        hint = None if why == "rejected-down" else self.hint_ns(request, door)
        self.end(request, why)
        self.note("reject", request.number, request.who, request.attempt)
        if why != "rejected-down":
            self.debt_ns = min(self.debt_ns + self.settings.get("reject_cost_ns"), FAR_NS)
        if client is not None:
            self.retry(client, controllers.REFUSED, hint_ns=hint)

    def hint_ns(self, request: Request, door: Door | None) -> float | None:
        """When to come back, as the host says with a rejection (section 17)."""
        how = self.settings.get("hint")
        if how == "fixed":
            return float(self.settings.get("hint_ns"))
        if how == "queue":
            return float(self.settings.get("hint_ns") * len(self.queue)) / float(max(self.workers(), 1))
        if how == "token" and door is not None:
            time = door.bucket.ready(self.cost(request.number))
            return None if time is None else float(max(time - self.now, 0))
        return None

    def leave_outside(self, request: Request) -> None:
        """A full queue says nothing: the client waits, and may send the same attempt again (section 15)."""
        client = self.waiter(request)
        if client is None:  # it waited for its token until nobody waited for it
            self.end(request, "unanswered")
            return
        request.place = "outside"
        self.note("silence", request.number, request.who, request.attempt)
        first_gap = self.settings.get("resend")
        if first_gap is None:
            return
        growth = self.settings.get("resend_growth")
        gap = self.chance.gap_ns(first_gap, request.number, request.who, request.attempt, request.sent, growth)
        request.sent += 1
        if self.now + max(gap, 1) < request.deadline:
            client.resend_timer = self.add(
                self.now + max(gap, 1), events.SUBMISSION, lambda: self.resend(request), request.number, request.who
            )

    def resend(self, request: Request) -> None:
        """The same attempt knocks again."""
        self.count("resent", request.number)
        self.note("resend", request.number, request.who, request.attempt)
        self.knock(request)

    def disarm_tick(self, door: Door) -> None:
        """Nobody in a line gets a token."""
        if id(door) in self.ticks:
            self.ticks.pop(id(door)).cancel()

    def arm_tick(self, door: Door) -> None:
        """When the first in a line gets its token."""
        self.disarm_tick(door)
        if door.line:
            time = door.bucket.ready(self.cost(door.line[0].number))
            if time is not None:
                turn = next(k for k, one in enumerate(self.doors()) if one is door)
                self.ticks[id(door)] = self.add(
                    max(time, self.now), events.TICK, lambda: self.serve_line(door), HOST, 1 + turn
                )

    def serve_line(self, door: Door) -> None:
        """Those in a line whose tokens are there go on, in order."""
        door.bucket.fill(self.now)
        while door.line and door.bucket.tokens >= self.cost(door.line[0].number):
            request = door.line.pop(0)
            self.pass_doors(request, request.door + 1, [door])
        self.arm_tick(door)
