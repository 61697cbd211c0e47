"""What fails: attempts, and whole hosts (sections 1, 12, 15 and 17)."""

from recovery_kernels import controllers

from twin.sessions import events
from twin.sessions.books import HOST
from twin.sessions.clients import Client, Request, pause_ns
from twin.sessions.limits import Bucket
from twin.sessions.scenario import FAR_NS, Crash, Retry


class Failures:
    """The part of a host that sees attempts given up, and that dies itself."""

    # --- giving up and coming back

    def deadline(self, client: Client) -> None:
        """A client gives an attempt up."""
        request = client.request
        assert request is not None
        client.grown += 1
        self.count("timed-out", client.number)
        self.note("deadline", *self.address(request))
        cancel = self.settings.get("cancel")
        if request.place == "outside":
            self.end(request, "unanswered")
        elif (request.place in ("line", "queue") and cancel != "none") or (
            request.place == "worker" and cancel == "worker"
        ):
            self.note("cancel", *self.address(request))
            self.take_back(request, "cancelled")
        self.retry(client, controllers.TIMED_OUT)

    def take_back(self, request: Request, how: str) -> None:
        """A request is taken from wherever it is."""
        event = controllers.CANCELLED if how == "cancelled" else controllers.LOST
        if request.place == "queue":
            self.queue.remove(request)
            self.tell_host(request, event)
        elif request.place == "line":
            door = self.doors()[request.door]
            assert door is not None
            door.line.remove(request)
            self.arm_tick(door)
        else:
            self.count("wasted-ns", request.number, self.leave_worker(request))
            self.tell_host(request, event)
        if request.nature == "client":
            self.end(request, how)
        else:
            request.place = "gone"
            self.count(f"{request.nature}-{how}", request.number)

    def retry(self, client: Client, event: int, *, hint_ns: float | None = None) -> None:
        """An attempt came to nothing: when is the next?"""
        rule: Retry = self.settings.get("retry", client.number)
        self.tell_client(client, event, hint_ns)
        client.disarm()
        client.request = None
        client.tries += 1
        client.last_event = event
        if 0 <= rule.retries < client.tries:
            self.give_up(client)
            return
        own = self.wait_ns(client, hint_ns) if rule.kind == "controller" else None
        pause = pause_ns(rule, client, self.chance, hint_ns, own)
        if event != controllers.TIMED_OUT:
            pause = max(pause, self.settings.get("round_trip_ns"))
        self.sleep(client, self.now + pause)

    def give_up(self, client: Client) -> None:
        """A job makes no other attempt."""
        self.count("gave-up", client.number)
        self.note("give-up", client.number, client.who, client.attempt)
        del self.clients[client.number][client.who]

    # --- restarts, crashes, the probe (section 15)

    def go_down(self, down_ns: int, is_told: bool) -> None:
        """All that the host holds is lost, and for a time it takes nothing; then it accepts, and later it serves."""
        held = [*self.queue, *self.serving, *(request for door in self.doors() if door for request in door.line)]
        self.lose(held, "lost", is_told)
        self.debt_ns = 0
        self.probe = self.probe_latency = None
        self.down_until = max(self.down_until, self.now + down_ns)
        self.serves_from = self.down_until + self.settings.get("start_time_ns")
        bucket = self.admission.bucket
        self.admission.bucket = Bucket(bucket.burst, bucket.rate_per_ns, bucket.burst, self.down_until)
        self.admission.is_closed = False
        if self.controllers:
            self.restart_controllers()
        self.wake_at(self.serves_from)

    def lose(self, requests: list[Request], how: str, is_told: bool) -> None:
        """Requests are thrown away; clients who are told see a failure."""
        for request in sorted(requests, key=lambda one: (self.address(one), one.nature)):
            client = self.waiter(request)
            self.take_back(request, how)
            if request.nature == "client":
                self.note(how, *self.address(request))
            if request is self.probe:
                self.probe = None
            if client is not None and is_told:
                self.retry(client, controllers.LOST)

    def look_for_crash(self) -> None:
        """Whether the host dies of what it holds now."""
        rule: Crash = self.settings.get("crash")
        if self.now < self.down_until or self.is_crash_due:
            return
        lines = sum(len(door.line) for door in self.doors() if door is not None)
        held = len(self.queue) + len(self.serving) + lines
        latency = self.probe_latency if self.probe is None else self.now - self.probe.submitted
        if (
            (rule.queue is not None and len(self.queue) > rule.queue)
            or (rule.memory_bytes is not None and held * rule.bytes_a_request > rule.memory_bytes)
            or (rule.probe_latency_ns is not None and latency is not None and latency > rule.probe_latency_ns)
        ):
            self.is_crash_due = True
            self.add(self.now, events.CRASH, self.crash)

    def crash(self) -> None:
        """The host dies, and comes back after a time."""
        rule: Crash = self.settings.get("crash")
        self.is_crash_due = False
        self.count("crashes", HOST)
        self.note("crash", HOST, 0, 0)
        self.go_down(rule.down_ns, rule.is_told)
        if rule.ends_sessions:
            self.end_all_sessions(rule.notice)

    def tick(self) -> None:
        """The probe's turn: a request on the same workers, one at a time."""
        self.add(self.now + self.settings.get("probe_every_ns"), events.TICK, self.tick, HOST)
        self.look_for_crash()
        if self.now >= self.down_until and not self.is_crash_due and self.probe is None:
            self.probe = Request(HOST, 0, self.probes, self.now, FAR_NS, nature="probe")
            self.probe.reached = self.now
            self.probes += 1
            self.note("probe", HOST, 0, self.probe.attempt)
            self.enter(self.probe)
