"""One host: its door, queue and workers, and the clients that belong to it (sections 1, 2, 12, 13, 15, 17, 18).

The methods come in the order of a request's life: due, submitted, let in, taken, begun, finished, given up, tried
again. After each event the host takes requests, and its books are checked.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

from twin.sessions import chance, events
from twin.sessions.arrivals import Arrivals
from twin.sessions.books import ENDS, HOST, WORK, Books
from twin.sessions.chance import Chance, whole_ns
from twin.sessions.clients import Client, LeaseClock, Request, grown_ns, pause_ns
from twin.sessions.events import Agenda, Timer
from twin.sessions.limits import Bucket, Door
from twin.sessions.operators import Held
from twin.sessions.queue import Queue
from twin.sessions.scenario import FAR_NS, Bar, Class, Crash, Dist, Lease, Notice, Retry, Scenario
from twin.sessions.settings import Settings


class TwinHost:
    """What a host remembers, and what it does."""

    def __init__(self, scenario: Scenario, place: int, agenda: Agenda, books: Books, *, is_checked: bool) -> None:
        """A host as it is at t = 0, before its clients are put in."""
        self.is_checked = is_checked
        self.scenario, self.place, self.agenda, self.books = scenario, place, agenda, books
        self.rule = scenario.host
        self.chance = Chance(scenario.seed, scenario.replication, scenario.hosts[place])
        self.settings = Settings(scenario.host, scenario.classes)
        self.now = 0
        self.clients: list[dict[int, Client]] = [{} for _ in scenario.classes]
        self.queue = Queue(self.rank)
        self.serving: list[Request] = []
        self.debt_ns = 0
        self.down_until = 0
        self.serves_from = 0
        self.more_workers = 0
        self.seen_share = 0.0  # of requests that the dependency fails, as the host sees it
        self.hold_off: Timer | None = None
        self.outages_over = 0
        self.frozen = [False] * len(scenario.classes)
        self.stale_started = [0] * len(scenario.classes)
        self.gate: Door | None = None
        rule = scenario.host.admission
        self.admission = Door("rejected-admission", rule, Bucket(rule.burst, 0.0, rule.burst, 0))
        self.ticks: dict[str, Timer] = {}
        self.holds: list[Held] = []
        self.hosts_in = set(range(len(scenario.hosts))) - set(scenario.spare)  # that share the arrivals of jobs
        self.arrival_share = self.share_of_arrivals()
        self.arrivals = {k: Arrivals(self, k) for k, one in enumerate(scenario.classes) if one.arrivals}
        self.probe: Request | None = None
        self.probes = 0
        self.probe_latency: int | None = None
        self.is_crash_due = False
        self.busy_ns = self.idle_ns = self.down_ns = self.capacity_ns = 0
        self.maxima: dict[tuple[int, str], int] = {}

    # --- small words

    def add(
        self, time: int, kind: int, action: Callable[[], None], number: int = 0, client: int = 0, attempt: int = 0
    ) -> Timer:
        """A timer of this host."""
        return self.agenda.add(time, kind, self.place, action, number, client, attempt)

    def note(self, what: str, number: int, who: int, attempt: int) -> None:
        """A line of the log."""
        self.books.note(self.now, what, self.place, number, who, attempt)

    def count(self, what: str, number: int, amount: int = 1) -> None:
        """Add to a flow of the window of now."""
        self.books.count(self.now, what, self.place, number, amount)

    def class_of(self, number: int) -> Class:
        """A class as the scenario has it."""
        return self.scenario.classes[number]

    def rank(self, number: int) -> tuple[int, int | None]:
        """Priority and weight of a class, or of the probe."""
        if number == HOST:
            return self.rule.probe_priority, None
        return self.settings.get("priority", number), self.settings.get("weight", number)

    def workers(self) -> int:
        """How many there are, beside those that will leave when they are idle."""
        return max(0, self.settings.get("workers") + self.more_workers)

    def owner(self, request: Request) -> Client | None:
        """The client of a request, if it is still there."""
        return self.clients[request.number].get(request.who) if request.nature == "client" else None

    def waiter(self, request: Request) -> Client | None:
        """The client that waits for this very request, if any."""
        client = self.owner(request)
        return client if client is not None and client.request is request else None

    def is_leased(self, client: Client | None) -> bool:
        """Whether the server sees a lease of this client."""
        return client is not None and not self.class_of(client.number).is_jobs and client.server.runs(self.now)

    def everybody(self) -> Iterator[Client]:
        """All clients, class by class, by their number."""
        for of_class in self.clients:
            for who in sorted(of_class):
                yield of_class[who]

    def share_of_arrivals(self) -> float:
        """Which part of a host's arrivals come here: those of the hosts that were in at first, shared evenly."""
        first = len(self.scenario.hosts) - len(self.scenario.spare)
        return first / len(self.hosts_in) if self.place in self.hosts_in else 0.0

    def wake_at(self, time: int) -> None:
        """Free workers look at the queue then."""
        if time > self.now:
            self.add(time, events.OPERATOR, lambda: None, len(self.scenario.playbook))

    # --- the start

    def begin(self) -> None:
        """Put the clients in, and arm what begins by itself."""
        for number, one in enumerate(self.scenario.classes):
            if one.is_jobs:
                continue
            for who, (first, expires) in enumerate(
                zip(one.first_ns[self.place], one.expires_ns[self.place], strict=True)
            ):
                client = Client(number, who)
                self.clients[number][who] = client
                client.server.expires = client.holder.expires = 0 if one.starts_unleased else expires
                self.arm_expiry(client)
                if one.starts_unleased:
                    self.notice_at(client, first)
                else:
                    self.sleep(client, first)
        for clock in self.arrivals.values():
            clock.arm()
        if self.rule.probe is not None:
            self.add(self.rule.probe_every_ns, events.TICK, self.tick, HOST)
        self.look()

    # --- a submission falls due

    def sleep(self, client: Client, until: int) -> None:
        """The next submission of a client."""
        client.state = "asleep"
        client.timer = self.add(until, events.SUBMISSION, lambda: self.due(client), client.number, client.who)

    def arrive(self, number: int, who: int) -> None:
        """A job arrives, and with it those of the classes tied to it."""
        client = Client(number, who, arrived=self.now)
        self.clients[number][who] = client
        self.count("arrived", number)
        self.note("arrive", number, who, 0)
        self.follow(number, who, "of")
        self.due(client)

    def follow(self, number: int, who: int, how: str) -> None:
        """Jobs of tied classes come: with the other's arrival (of), or with its success (after)."""
        for k, one in enumerate(self.scenario.classes):
            tie = one.after if how == "after" else (one.of if one.after is None else None)
            if tie == self.class_of(number).name and one.is_jobs:
                self.add(self.now, events.SUBMISSION, lambda k=k: self.arrive(k, who), k, who)  # type: ignore[misc]

    def due(self, client: Client) -> None:
        """A submission falls due: it waits for the other class, or for the operator, or is made."""
        client.timer = None
        if not self.is_free(client):
            client.state = "bound"
            self.note("bound", client.number, client.who, client.attempt + 1)
        elif self.is_held(client):
            client.state = "kept"
            self.count("kept", client.number)
            self.note("keep", client.number, client.who, client.attempt + 1)
        else:
            self.submit(client)

    def is_free(self, client: Client) -> bool:
        """Whether the class that this one comes after has succeeded (section 13): its holder knows of a lease."""
        after = self.class_of(client.number).after
        if after is None or self.class_of(client.number).is_jobs:
            return True
        other = self.clients[self.scenario.names.index(after)][client.who]
        return other.holder.runs(self.now)

    def is_held(self, client: Client) -> bool:
        """Whether an operator keeps its submission (section 14)."""
        one = self.class_of(client.number)
        members = 0 if one.is_jobs else len(one.first_ns[self.place])
        return any(hold.keeps(client, members) for hold in self.holds)

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
        if self.is_barred(client):
            self.end(request, "barred")
            self.note("bar", client.number, client.who, client.attempt)
            time = self.chance.time_ns(
                self.settings.get("bar_time"), chance.BAR_TIME, client.number, client.who, client.attempt
            )
            self.sleep(client, self.now + max(time, self.settings.get("round_trip_ns")))
            return
        client.request = request
        client.timer = self.add(
            request.deadline, events.DEADLINE, lambda: self.deadline(client), client.number, client.who
        )
        self.knock(request)

    def is_barred(self, client: Client) -> bool:
        """Whether an attempt is among those that are barred (section 18)."""
        bar: Bar = self.rule.bar
        share = self.settings.get("bar_share")
        if share <= 0.0 or (bar.classes is not None and client.number not in bar.classes):
            return False
        if bar.is_establish_only and self.is_leased(client):
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
        return [self.gate, self.admission]

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
            before = sum(self.cost(other.number) for other in door.line)
            said = door.ask(self.now, cost, before, len(self.queue))
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
        if self.is_full(request.number):
            if self.settings.get("full") == "silent":
                self.leave_outside(request)
            else:
                self.refuse(request, "rejected-full", None)
            return
        self.take_tokens(taken, cost)
        self.queue.push(request)

    def take_tokens(self, doors: list[Door], cost: float) -> None:
        """A request was let in."""
        for door in doors:
            door.bucket.tokens -= cost

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
            self.retry(client, is_answer=True, hint_ns=hint)

    def hint_ns(self, request: Request, door: Door | None) -> float | None:
        """When to come back, as the host says with a rejection (section 17)."""
        how = self.settings.get("hint")
        if how == "fixed":
            return float(self.settings.get("hint_ns"))
        if how == "queue":
            return float(self.settings.get("hint_ns") * len(self.queue) / max(self.workers(), 1))
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
        if door.name in self.ticks:
            self.ticks.pop(door.name).cancel()

    def arm_tick(self, door: Door) -> None:
        """When the first in a line gets its token."""
        self.disarm_tick(door)
        if door.line:
            time = door.bucket.ready(self.cost(door.line[0].number))
            if time is not None:
                self.ticks[door.name] = self.add(
                    max(time, self.now), events.TICK, lambda: self.serve_line(door), HOST, self.doors().index(door)
                )

    def serve_line(self, door: Door) -> None:
        """Those in a line whose tokens are there go on, in order."""
        door.bucket.fill(self.now)
        while door.line and door.bucket.tokens >= self.cost(door.line[0].number):
            request = door.line.pop(0)
            self.pass_doors(request, request.door + 1, [door])
        self.arm_tick(door)

    # --- the workers

    def take(self) -> None:
        """Free workers take requests, or drop them."""
        while len(self.queue) and self.now >= self.serves_from and len(self.serving) < self.workers():
            request, row = self.queue.pop(self.settings.get("discipline"))
            client = self.waiter(request)
            if request.nature == "client" and self.settings.get("drop_expired") and self.is_expired(request):
                self.end(request, "dropped")
                self.note("drop", request.number, request.who, request.attempt)
                self.debt_ns = min(self.debt_ns + self.settings.get("drop_cost_ns"), FAR_NS)
                if client is not None and self.settings.get("drop_notifies"):
                    self.retry(client, is_answer=True)
            else:
                self.queue.charge(row, self.rank(request.number)[1])
                self.start(request)

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
        return self.rule.is_stale_counted and self.settings.get("late") == "wasted" and self.waiter(request) is None

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
        begins = max(self.now, request.started + request.paid)
        number, who, attempt = self.address(request)
        turn = 2 * attempt + (request.nature != "client")  # of equals the client's comes before the host's own
        request.timer = self.add(begins + service, events.FINISH, lambda: self.finish(request), number, who, turn)

    def service(self, request: Request) -> float:
        """The drawn time of a service, ns."""
        if request.nature == "probe":
            probe: Dist = self.rule.probe or Dist()
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
        elif request.fails:
            self.count("failed-ns", request.number, work)
            self.end(request, "failed")
            self.note("fail", *self.address(request))
            if waiter is not None:
                self.retry(waiter, is_answer=True)
        elif waiter is not None:
            self.count("useful-ns", request.number, work)
            self.end(request, "succeeded")
            self.note("success", *self.address(request))
            self.succeed(waiter, request)
        elif client is not None and self.settings.get("late") == "counts" and not self.class_of(client.number).is_jobs:
            self.count("useful-ns", request.number, work)
            self.end(request, "late")
            self.note("late", *self.address(request))
            self.grant_late(client, request)
        else:
            self.count("wasted-ns", request.number, work)
            self.end(request, "wasted")
            self.note("waste", *self.address(request))

    def end(self, request: Request, how: str) -> None:
        """A request is over, in one of the ways of `books.ENDS`."""
        request.place = "gone"
        self.count(how, request.number)

    # --- success

    def succeed(self, client: Client, request: Request) -> None:
        """The answer came in time."""
        client.disarm()
        client.request = None
        client.tries = 0
        client.pause_ns = None
        if not self.class_of(client.number).timeout_keeps:
            client.grown = 0
        if self.class_of(client.number).is_jobs:
            self.books.latencies.setdefault((self.place, client.number), []).append(self.now - client.arrived)
            del self.clients[client.number][client.who]
            self.follow(client.number, client.who, "after")
            return
        if not client.server.runs(self.now):
            self.count("established", client.number)
        for clock in (client.server, client.holder):
            self.grant(client, clock, request)
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

    def grant(self, client: Client, clock: LeaseClock, request: Request) -> None:
        """A lease from now on; from when the host heard the request, if credit is given on arrival."""
        lease: Lease = self.settings.get("lease", client.number)
        whole = self.whole_lease_ns(client)
        if not clock.runs(self.now):
            clock.unleased_ns += self.now - max(clock.expires, 0)
        if self.frozen[client.number]:
            clock.left = whole
        else:
            clock.left = None
            clock.expires = (request.reached if lease.kind == "credit-on-arrival" else self.now) + whole

    def grant_late(self, client: Client, request: Request) -> None:
        """A success after the deadline makes the lease at the server; its holder does not know (section 15)."""
        was = replace(client.server)
        if not was.runs(self.now):
            self.count("established", client.number)
        self.grant(client, client.server, request)
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
        if self.settings.get("expire", client.number) is None:
            return
        request = Request(client.number, client.who, client.expiries, self.now, FAR_NS, nature="expiry")
        request.reached = self.now
        client.expiries += 1
        self.count("expiries", client.number)
        self.note("expiry", *self.address(request))
        self.queue.push(request)

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
        self.retry(client, is_answer=False)

    def take_back(self, request: Request, how: str) -> None:
        """A request is taken from wherever it is."""
        if request.place == "queue":
            self.queue.remove(request)
        elif request.place == "line":
            door = self.doors()[request.door]
            assert door is not None
            door.line.remove(request)
            self.arm_tick(door)
        else:
            self.count("wasted-ns", request.number, self.leave_worker(request))
        if request.nature == "client":
            self.end(request, how)
        else:
            request.place = "gone"
            self.count(f"{request.nature}-{how}", request.number)

    def retry(self, client: Client, *, is_answer: bool, hint_ns: float | None = None) -> None:
        """An attempt came to nothing: when is the next?"""
        rule: Retry = self.settings.get("retry", client.number)
        client.disarm()
        client.request = None
        client.tries += 1
        if 0 <= rule.retries < client.tries:
            self.count("gave-up", client.number)
            self.note("give-up", client.number, client.who, client.attempt)
            del self.clients[client.number][client.who]
            return
        pause = pause_ns(rule, client, self.chance, hint_ns)
        if is_answer:
            pause = max(pause, self.settings.get("round_trip_ns"))
        self.sleep(client, self.now + pause)

    # --- sessions (section 12)

    def end_sessions(self, classes: list[int], share: float, notice: Notice) -> None:
        """Sessions of a share of the clients of these classes end, each at its turn among the session ends of now."""
        for number in classes:
            if self.class_of(number).is_jobs:
                continue
            for who in sorted(self.clients[number]):
                if math.floor((who + 1) * share) > math.floor(who * share):
                    self.add(
                        self.now,
                        events.SESSION_END,
                        lambda number=number, who=who: self.end_session(number, who, notice),  # type: ignore[misc]
                        number,
                        who,
                    )

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
                    client.expiry_timer = self.add(
                        self.now,
                        events.EXPIRY,
                        lambda client=client: self.expire(client),
                        k,
                        who,  # type: ignore[misc]
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
        client.tries = 0
        client.pause_ns = None
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
            pause = self.chance.time_ns(self.scenario.resume_after, chance.RESUME, 0, 0, self.outages_over)
            self.outages_over += 1
            if pause > 0:
                self.hold_off = self.add(self.now + pause, events.DEPENDENCY, lambda: self.see(share))
                return
        self.see(share)

    def see(self, share: float) -> None:
        """What the host sees of the dependency changes: clocks of leases stand or go on, what hung may begin."""
        self.hold_off = None
        self.seen_share = share
        self.note("dependency", HOST, 0, 0)
        for number in range(len(self.clients)):
            lease: Lease = self.settings.get("lease", number)
            self.freeze(number, lease, lease.kind == "freeze" and share >= lease.freeze_share)
        for request in sorted(self.serving, key=self.address):
            if request.nature == "client" and request.timer is None and request.fate >= share:
                self.note("resume", *self.address(request))
                self.work(request)

    def freeze(self, number: int, lease: Lease, is_frozen: bool) -> None:
        """Stop the clocks of all leases of a class, or let them go on."""
        if is_frozen == self.frozen[number]:
            return
        for client in self.clients[number].values():
            for clock in (client.server, client.holder):
                if is_frozen and clock.runs(self.now):
                    clock.left = clock.expires - self.now
                elif not is_frozen and clock.left is not None:
                    clock.expires = self.now + (self.whole_lease_ns(client) if lease.thaw == "rearm" else clock.left)
                    clock.left = None
        self.frozen[number] = is_frozen
        for client in self.clients[number].values():
            self.arm_expiry(client)

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
                self.retry(client, is_answer=True)

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
            self.end_sessions(list(range(len(self.clients))), 1.0, rule.notice)

    def tick(self) -> None:
        """The probe's turn: a request on the same workers, one at a time."""
        self.add(self.now + self.rule.probe_every_ns, events.TICK, self.tick, HOST)
        self.look_for_crash()
        if self.now >= self.down_until and not self.is_crash_due and self.probe is None:
            self.probe = Request(HOST, 0, self.probes, self.now, FAR_NS, nature="probe")
            self.probe.reached = self.now
            self.probes += 1
            self.note("probe", HOST, 0, self.probe.attempt)
            self.queue.push(self.probe)

    # --- time passes

    def wait(self, time: int) -> None:
        """Nothing happens until a time; workers' time is counted."""
        passed, busy = time - self.now, len(self.serving)
        workers = max(self.workers(), busy)
        down = workers * max(0, min(time, self.serves_from) - self.now)
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
        for name in ("busy", "idle", "down"):
            so_far = getattr(self, f"{name}_ns")
            before = sum(write.get((w, self.place, HOST, f"{name}-ns"), 0) for w in range(window))
            write[window, self.place, HOST, f"{name}-ns"] = so_far - before
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
        assert min(self.busy_ns, self.idle_ns, self.down_ns, self.debt_ns) >= 0
        assert not self.serving or self.now >= self.serves_from

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
