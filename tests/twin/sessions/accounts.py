"""Time that passes, levels, and what must be true of one host."""

from twin.sessions import events
from twin.sessions.books import ENDS, HOST, WORK


class Accounts:
    """The part of a host that counts."""

    # --- time passes

    def wait(self, time: int) -> None:
        """Nothing happens until a time; workers' time is counted."""
        passed, busy = time - self.now, len(self.serving)
        workers = max(self.workers(), busy)
        down = (workers - busy) * max(0, min(time, self.serves_from) - self.now)
        self.busy_ns += busy * passed
        self.down_ns += down
        self.idle_ns += workers * passed - busy * passed - down
        self.capacity_ns += workers * passed
        self.now = time
        ages = {number: self.oldest_ns(number) for number in self.queue.rows}
        for number in range(len(self.clients)):
            self.raise_to(number, "oldest-max-ns", ages.get(number, 0))
        self.raise_to(HOST, "oldest-max-ns", max(ages.values(), default=0))

    def oldest_ns(self, number: int) -> int:
        """How long the oldest request of a class has waited; stale work that is only counted has no age."""
        waiting = self.queue.rows.get(number, ())
        reached = [one.reached for one in waiting if not (self.rule.is_stale_counted and self.is_only_counted(one))]
        return self.now - min(reached, default=self.now)

    def oldest_of_all_ns(self) -> int:
        """How long the oldest request has waited."""
        return max(map(self.oldest_ns, self.queue.rows), default=0)

    def raise_to(self, number: int, what: str, level: int) -> None:
        """A running maximum of this window."""
        self.maxima[number, what] = max(self.maxima.get((number, what), 0), level)

    def now_levels(self, number: int) -> dict[str, int]:
        """What there is of a class."""
        clients = list(self.clients[number].values())
        return {
            "queue": self.queue.of(number),
            "in-service": sum(request.number == number for request in self.serving),
            "line": sum(request.number == number for door in self.doors() if door for request in door.line),
            "outside": sum(one.request is not None and one.request.place == "outside" for one in clients),
            "leased": sum(one.holder.runs(self.now) for one in clients) if not self.class_of(number).is_jobs else 0,
            "leased-server": sum(self.is_leased(one) for one in clients),
            "asleep": sum(one.request is None for one in clients),
            "kept": sum(one.state == "kept" for one in clients),
            "bound": sum(one.state == "bound" for one in clients),
            "unaware": sum(one.state == "unaware" for one in clients),
            "open": len(clients) if self.class_of(number).is_jobs else 0,
        }

    def edge(self, window: int) -> None:
        """A window ends now: write its levels and maxima down, and check everything."""
        write = self.books.levels
        for number in range(len(self.clients)):
            for what, level in self.now_levels(number).items():
                write[window, self.place, number, what] = level
            write[window, self.place, number, "oldest-ns"] = self.oldest_ns(number)
        write[window, self.place, HOST, "queue"] = len(self.queue)
        write[window, self.place, HOST, "oldest-ns"] = self.oldest_of_all_ns()
        write[window, self.place, HOST, "in-service"] = len(self.serving)
        time = {"busy-ns": self.busy_ns, "idle-ns": self.idle_ns, "down-ns": self.down_ns}
        for what, spent in time.items():
            write[window, self.place, HOST, what] = spent - self.time_before.get(what, 0)
        self.time_before = time
        for (number, what), level in self.maxima.items():
            write[window, self.place, number, what] = level
        self.maxima = {}
        self.look()
        self.check_books()
        self.check_clients()

    def look(self) -> None:
        """Levels as they are, for the maxima of the window."""
        for number in range(len(self.clients)):
            self.raise_to(number, "queue-max", self.queue.of(number))
            self.raise_to(number, "open-max", len(self.clients[number]) if self.class_of(number).is_jobs else 0)
        self.raise_to(HOST, "queue-max", len(self.queue))
        jobs = [number for number in range(len(self.clients)) if self.class_of(number).is_jobs]
        self.raise_to(HOST, "open-max", sum(len(self.clients[number]) for number in jobs))

    def after(self, kind: int) -> None:
        """An event is over: free workers take what waits, the host may die of it, and its books must be right."""
        self.take()
        if kind == events.SUBMISSION:
            self.look_for_crash()
        self.look()
        is_someone_free = self.now >= self.serves_from and len(self.serving) < self.workers()
        assert not (is_someone_free and len(self.queue)), "a free worker beside a request that waits"
        if self.is_checked:
            self.check_books()

    # --- what must be true

    def check_books(self) -> None:
        """Requests are conserved, work adds up to busy time, and workers' time to what there was of it."""
        totals = self.books.totals
        present = [0] * len(self.clients)
        lines = [request for door in self.doors() if door is not None for request in door.line]
        for request in [*self.queue, *self.serving, *lines]:
            if request.nature == "client":
                present[request.number] += 1
        for number, of_class in enumerate(self.clients):
            outside = sum(one.request is not None and one.request.place == "outside" for one in of_class.values())
            ended = sum([totals[self.place, number, how] for how in ENDS])
            submitted = totals[self.place, number, "submitted"]
            assert submitted == ended + present[number] + outside, (self.now, number, submitted, ended)
        work = sum([totals[self.place, k, what] for k in [HOST, *range(len(self.clients))] for what in WORK])
        under_way = sum(self.now - request.started for request in self.serving)
        assert self.busy_ns == work + under_way, (self.now, self.busy_ns, work, under_way)
        assert self.busy_ns + self.idle_ns + self.down_ns == self.capacity_ns
        times_ns = (self.busy_ns, self.idle_ns, self.down_ns, self.debt_ns)
        assert min(times_ns) >= 0, (self.now, times_ns)

    def check_clients(self) -> None:
        """Each client is in one state, with the timers that belong to it."""
        for client in self.everybody():
            is_timed = client.timer is not None and client.timer.is_on
            assert is_timed == (client.state in ("asleep", "unaware", "asks")), (client.state, is_timed)
            assert (client.request is not None) == (client.state == "asks")
            assert client.request is None or client.request.deadline >= self.now
            assert client.resend_timer is None or not client.resend_timer.is_on or client.state == "asks"
            if self.settings.get("late") == "wasted" and not self.class_of(client.number).is_jobs:
                assert client.server.runs(self.now) >= client.holder.runs(self.now)
            assert client.state != "kept" or self.is_held(client)
            assert client.state != "bound" or not self.is_free(client)
        for door in self.doors():
            assert door is None or (door.bucket.tokens >= 0.0 and door.bucket.tokens <= door.bucket.burst)
