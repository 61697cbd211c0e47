"""The workers of a host: who is taken, how long it takes, what becomes of it (sections 1, 2 and 15)."""

from recovery_kernels import controllers

from twin.sessions import chance, events
from twin.sessions.books import HOST
from twin.sessions.chance import whole_ns
from twin.sessions.clients import Request
from twin.sessions.scenario import FAR_NS, Dist


class Labour:
    """The part of a host that works."""

    # --- the workers

    def take(self) -> None:
        """Free workers take requests, or drop them."""
        while len(self.queue) and self.now >= self.serves_from and len(self.serving) < self.workers():
            request, row = self.queue.pop(self.end_to_take())
            client = self.waiter(request)
            if request.nature == "client" and self.is_dropped(request):
                self.tell_host(request, controllers.DROPPED)
                self.end(request, "dropped")
                self.note("drop", request.number, request.who, request.attempt)
                self.debt_ns = min(self.debt_ns + self.settings.get("drop_cost_ns"), FAR_NS)
                if client is not None and self.settings.get("drop_notifies"):
                    self.retry(client, controllers.DROPPED)
            else:
                self.queue.charge(row, self.rank(request.number)[1])
                self.start(request)

    def is_dropped(self, request: Request) -> bool:
        """Whether the worker that takes it throws it away."""
        if self.settings.get("drop_expired") and self.is_expired(request):
            return True
        said = self.ask_request("queue", "head", request)
        return said is not None and not said > 0.0

    def is_expired(self, request: Request) -> bool:
        """Whether the queue drops it: nobody waits for it, or not long enough, or it is too old."""
        oldest = self.settings.get("max_age_ns")
        is_too_old = oldest > 0 and self.now - request.reached > oldest
        return (
            self.waiter(request) is None or self.now + self.settings.get("margin_ns") > request.deadline or is_too_old
        )

    def start(self, request: Request) -> None:
        """A worker begins a request, after the rejections and drops that are still to be paid for."""
        request.place, request.started, request.paid = "worker", self.now, self.debt_ns
        self.debt_ns = 0
        self.serving.append(request)
        self.tell_host(request, controllers.STARTED)
        self.note("start" if request.nature == "client" else f"start-{request.nature}", *self.address(request))
        if request.nature == "client":
            self.books.waits.setdefault((self.place, request.number), []).append(self.now - request.submitted)
            if self.is_only_counted(request):
                request.stale = self.stale_started[request.number]
                self.stale_started[request.number] += 1
            request.fate = self.fate(request)
            if request.fate < self.seen_share:
                if self.settings.get("fail_after_ns") is None:
                    return  # it hangs until the dependency is back
                request.fails = True
        self.work(request)

    def address(self, request: Request) -> tuple[int, int, int]:
        """Class, client and attempt."""
        return request.number, request.who, request.attempt

    def is_only_counted(self, request: Request) -> bool:
        """Whether a request is stale work (section 15): nobody waits for it, and a late success would be nothing."""
        return (
            self.rule.is_stale_counted
            and request.nature == "client"
            and self.settings.get("late") == "wasted"
            and self.waiter(request) is None
        )

    def fate(self, request: Request) -> float:
        """A uniform draw: the request fails if the dependency fails a larger share."""
        if self.seen_share <= 0.0:
            return 1.0
        if request.stale is not None:
            return self.chance.uniform(chance.STALE_DEPENDENCY, request.number, 0, request.stale)
        return self.chance.uniform(chance.DEPENDENCY, *self.address(request))

    def work(self, request: Request) -> None:
        """The time of a service begins. Its kind is decided now."""
        if request.fails:
            service = self.settings.get("fail_after_ns")
        else:
            mean = self.service(request)
            a = self.settings.get("slowdown_a")
            if a > 0.0:
                by_queue = self.rule.slowdown_by == "queue"
                others = len(self.queue) if by_queue else len(self.serving) - 1
                crowding = chance.power(others / self.settings.get("slowdown_n"), self.settings.get("slowdown_b"))
                mean *= min(1.0 + a * crowding, 1e150)  # 0 times infinity would be no number
            service = whole_ns(mean)
        begins = request.begun = max(self.now, request.started + request.paid)
        number, who, attempt = self.address(request)
        if request.stale is not None:  # it has no name but its number
            who, attempt = 0, request.stale
        turn = 2 * attempt + (request.nature != "client")  # of equals the client's comes before the host's own
        request.timer = self.add(begins + service, events.FINISH, lambda: self.finish(request), number, who, turn)

    def service(self, request: Request) -> float:
        """The drawn time of a service, ns."""
        if request.nature == "probe":
            probe: Dist = self.settings.get("probe")
            return self.chance.time(probe, chance.PROBE, 0, 0, request.attempt)
        if request.nature == "expiry":
            return self.chance.time(self.settings.get("expire", request.number), chance.EXPIRE, *self.address(request))
        establish: Dist = self.settings.get("establish", request.number)
        if request.stale is not None:
            return self.chance.time(establish, chance.STALE, request.number, 0, request.stale)
        is_renewal = self.is_leased(self.owner(request))
        dist = self.settings.get("renew", request.number) if is_renewal else establish
        return self.chance.time(dist, chance.SERVICE, *self.address(request))

    def leave_worker(self, request: Request) -> int:
        """A request leaves its worker, done or not. Returns the work that was done for it, ns."""
        self.serving.remove(request)
        if request.timer is not None:
            request.timer.cancel()
        overhead = min(request.paid, self.now - request.started)
        self.count("overhead-ns", request.number, overhead)
        return self.now - request.started - overhead

    def finish(self, request: Request) -> None:
        """A worker is done."""
        request.timer = None
        work = self.leave_worker(request)
        client, waiter = self.owner(request), self.waiter(request)
        if request.nature == "client" and request.stale is None:
            self.books.sojourns.setdefault((self.place, request.number), []).append(self.now - request.submitted)
        if request.nature == "probe":
            self.probe, self.probe_latency = None, self.now - request.submitted
            self.count("overhead-ns", HOST, work)
            self.note("probed", HOST, 0, request.attempt)
        elif request.nature == "expiry":
            self.count("useful-ns", request.number, work)
            self.count("expired", request.number)
            self.note("expired", *self.address(request))
        elif request.fails or not self.writes(request):
            self.count("failed-ns", request.number, work)
            self.tell_host(request, controllers.FAILED)
            self.end(request, "failed")
            self.note("fail" if request.fails else "conflict", *self.address(request))
            if waiter is not None:
                self.retry(waiter, controllers.FAILED)
        elif waiter is not None:
            self.tell_host(request, controllers.SUCCEEDED)
            self.count("useful-ns", request.number, work)
            self.end(request, "succeeded")
            self.note("success", *self.address(request))
            self.succeed(waiter, request)
        elif client is not None and self.settings.get("late") == "counts" and not self.class_of(client.number).is_jobs:
            self.tell_host(request, controllers.SUCCEEDED)
            self.count("useful-ns", request.number, work)
            self.end(request, "late")
            self.note("late", *self.address(request))
            self.grant_late(client, request)
        else:
            self.tell_host(request, controllers.WASTED)
            self.count("wasted-ns", request.number, work)
            self.end(request, "wasted")
            self.note("waste", *self.address(request))

    def writes(self, request: Request) -> bool:
        """Whether a service that ends well writes its row, of those that have one: if nobody has since its read."""
        rule = self.rule.conflict
        if not rule.rows or (rule.classes is not None and request.number not in rule.classes):
            return True
        read = request.begun
        if rule.gap is not None:
            read = max(read, self.now - self.chance.time_ns(rule.gap, chance.GAP, *self.address(request)))
        row = request.who % rule.rows
        if self.written.get(row, -1) > read:
            return False
        self.written[row] = self.now
        return True

    def end(self, request: Request, how: str) -> None:
        """A request is over, in one of the ways of `books.ENDS`."""
        request.place = "gone"
        self.count(how, request.number)
