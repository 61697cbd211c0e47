"""Leases and sessions: how they are made and end, and who notices when (sections 2, 12, 13 and 15)."""

from dataclasses import replace

from recovery_kernels import controllers

from twin.sessions import chance, events
from twin.sessions.books import HOST
from twin.sessions.chance import whole_ns
from twin.sessions.clients import Client, LeaseClock, Request
from twin.sessions.scenario import FAR_NS, Dist, Lease, Notice


class Leases:
    """The part of a host that keeps leases."""

    # --- success

    def succeed(self, client: Client, request: Request) -> None:
        """The answer came in time."""
        self.tell_client(client, controllers.SUCCEEDED)
        client.disarm()
        client.request = None
        client.forget_tries()
        if not self.class_of(client.number).timeout_keeps:
            client.grown = 0
        if self.class_of(client.number).is_jobs:
            self.books.latencies.setdefault((self.place, client.number), []).append(self.now - client.arrived)
            del self.clients[client.number][client.who]
            self.follow(client.number, client.who, "after")
            return
        self.hear(client.number)
        if not client.server.runs(self.now):
            self.count("established", client.number)
        self.tell_renewed(client)
        whole = self.new_lease_ns(client)
        for clock in (client.server, client.holder):
            self.grant(client, clock, request, whole)
        self.arm_expiry(client)
        every = float(self.settings.get("check_every_ns", client.number))
        jitter = self.settings.get("check_jitter", client.number)
        if jitter > 0.0:
            u = self.chance.uniform(chance.CHECK, *self.address(request))
            every *= 1.0 + jitter * (2.0 * u - 1.0)
        self.sleep(client, self.now + whole_ns(every))
        for k, one in enumerate(self.scenario.classes):
            bound = self.clients[k].get(client.who)
            if one.after == self.class_of(client.number).name and bound is not None and bound.state == "bound":
                self.notice_at(bound, self.now)

    def grant(self, client: Client, clock: LeaseClock, request: Request, whole: int) -> None:
        """A lease from now on; from when the host heard the request, if credit is given on arrival."""
        lease: Lease = self.settings.get("lease", client.number)
        if not clock.runs(self.now):
            clock.unleased_ns += self.now - max(clock.expires, 0)
        if self.frozen[client.number]:
            clock.left = whole
        else:
            clock.left = None
            clock.expires = (request.reached if lease.kind == "credit-on-arrival" else self.now) + whole

    def grant_late(self, client: Client, request: Request) -> None:
        """A success after the deadline makes the lease at the server; its holder does not know (section 15)."""
        self.hear(client.number)
        was = replace(client.server)
        if not was.runs(self.now):
            self.count("established", client.number)
        self.tell_renewed(client)
        self.grant(client, client.server, request, self.new_lease_ns(client))
        if self.frozen[client.number]:
            client.server.left = max(client.server.left or 0, was.left or 0)
        else:
            client.server.expires = max(client.server.expires, was.expires)
        self.arm_expiry(client)

    def whole_lease_ns(self, client: Client) -> int:
        """The length of a client's lease; drawn once, so always the same unless its distribution is edited."""
        lease: Lease = self.settings.get("lease", client.number)
        drawn = self.chance.time_ns(lease.duration, chance.LEASE, client.number, client.who, 0)
        return min(drawn + lease.grace_ns, FAR_NS)

    # --- expiry as work

    def arm_expiry(self, client: Client) -> None:
        """The timer of the moment at which a lease runs out. Whether that is work is asked then (section 13)."""
        if client.expiry_timer is not None:
            client.expiry_timer.cancel()
            client.expiry_timer = None
        if client.server.left is None and client.server.expires > self.now:
            client.expiry_timer = self.add(
                client.server.expires, events.EXPIRY, lambda: self.expire(client), client.number, client.who
            )

    def expire(self, client: Client) -> None:
        """A lease has run out: work for the host, which nobody refuses, drops or takes back."""
        client.expiry_timer = None
        if self.goes_on(client) or self.settings.get("expire", client.number) is None:
            return
        request = Request(client.number, client.who, client.expiries, self.now, FAR_NS, nature="expiry")
        request.reached = self.now
        client.expiries += 1
        self.count("expiries", client.number)
        self.note("expiry", *self.address(request))
        self.enter(request)

    # --- sessions (section 12)

    def end_sessions(self, many: dict[int, int], notice: Notice) -> None:
        """Sessions of so many clients of these classes end, evenly over their numbers, each at its turn among the
        session ends of now.
        """
        for number, ends in many.items():
            members = len(self.clients[number])
            for who in sorted(self.clients[number]):
                if (who + 1) * ends // members > who * ends // members:
                    self.add(
                        self.now,
                        events.SESSION_END,
                        lambda number=number, who=who: self.end_session(number, who, notice),  # type: ignore[misc]
                        number,
                        who,
                    )

    def end_all_sessions(self, notice: Notice) -> None:
        """Sessions of all clients end."""
        holders = [number for number in range(len(self.clients)) if not self.class_of(number).is_jobs]
        self.end_sessions({number: len(self.clients[number]) for number in holders}, notice)

    def end_session(self, number: int, who: int, notice: Notice) -> None:
        """A session ends, and with it those of the classes that are tied to it."""
        ended = []
        for k in self.scenario.tied(number):
            client = self.clients[k][who]
            if client.server.runs(self.now) or client.holder.runs(self.now):
                ended.append(client)
                self.count("ended", k)
                self.note("end", k, who, client.attempt)
                if client.expiry_timer is not None:
                    client.expiry_timer.cancel()
                    client.expiry_timer = None
                if client.server.runs(self.now):
                    client.is_over = True
                    client.expiry_timer = self.add(
                        self.now,
                        events.EXPIRY,
                        lambda client=client: self.expire(client),
                        k,
                        who,
                    )
                client.server.end(self.now)
                client.holder.end(self.now)
        for client in ended:
            if client.state == "asleep":
                assert client.timer is not None
                check = client.timer.time
                client.disarm()
                if not self.is_free(client):
                    client.state = "bound"
                    self.note("bound", client.number, client.who, client.attempt + 1)
                elif isinstance(notice, Dist):
                    drawn = self.chance.time_ns(notice, chance.NOTICE, client.number, client.who, client.attempt + 1)
                    self.notice_at(client, self.now + drawn)
                else:
                    self.notice_at(client, self.now if notice == "at-once" else check)

    def notice_at(self, client: Client, time: int) -> None:
        """When a client learns that its session ended, or that the other class's is there."""
        client.state = "unaware"
        client.timer = self.add(time, events.NOTICE, lambda: self.notice(client), client.number, client.who)

    def notice(self, client: Client) -> None:
        """A client learns it, and comes after its first delay; what its policy had counted is forgotten."""
        self.note("notice", client.number, client.who, client.attempt + 1)
        client.forget_tries()
        dist: Dist = self.settings.get("first_delay", client.number)
        drawn = self.chance.time_ns(dist, chance.FIRST_DELAY, client.number, client.who, client.attempt + 1)
        self.sleep(client, self.now + drawn)

    # --- the dependency

    def dependency(self, share: float) -> None:
        """The dependency begins to fail this share. After a full outage the host asks again only after a hold-off."""
        if self.hold_off is not None:
            self.hold_off.cancel()
            self.hold_off = None
        if self.seen_share >= 1.0 > share:
            pause = self.chance.time_ns(self.settings.get("resume_after"), chance.RESUME, 0, 0, self.outages_over)
            self.outages_over += 1
            if pause > 0:
                last = len(self.scenario.dependency)  # after a change of the dependency at that moment, which ends it
                self.hold_off = self.add(self.now + pause, events.DEPENDENCY, lambda: self.see(share), last)
                return
        self.see(share)

    def see(self, share: float) -> None:
        """What the host sees of the dependency changes: clocks of leases stand or go on, what hung may begin."""
        self.hold_off = None
        self.seen_share = share
        self.note("dependency", HOST, 0, 0)
        for number in range(len(self.clients)):
            lease: Lease = self.settings.get("lease", number)
            fails = lease.kind == "freeze" and share >= lease.freeze_share
            waits = lease.kind == "freeze" and lease.until == "heard"
            self.unheard[number] = waits and self.frozen[number] and not fails
            self.freeze(number, lease, fails or self.unheard[number])
        for request in sorted(self.serving, key=self.address):
            if request.nature == "client" and request.timer is None and request.fate >= share:
                self.note("resume", *self.address(request))
                self.work(request)

    def hear(self, number: int) -> None:
        """A client of a class has renewed or made its lease: clocks that stand until then go on."""
        if self.unheard[number]:
            self.unheard[number] = False
            self.freeze(number, self.settings.get("lease", number), False)

    def freeze(self, number: int, lease: Lease, is_frozen: bool) -> None:
        """Stop the clocks of all leases of a class, or let them go on."""
        if is_frozen == self.frozen[number]:
            return
        self.frozen[number] = is_frozen
        for client in self.clients[number].values():
            for clock in (client.server, client.holder):
                if is_frozen and clock.runs(self.now):
                    clock.left = clock.expires - self.now
                elif not is_frozen and clock.left is not None:
                    clock.expires = self.now + (self.whole_lease_ns(client) if lease.thaw == "rearm" else clock.left)
                    clock.left = None
            # the timer of a lease that runs out at this very moment stays
            if client.server.left is not None or client.server.expires > self.now:
                self.arm_expiry(client)
