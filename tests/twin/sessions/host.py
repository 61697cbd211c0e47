"""One host: what it remembers, and the clients that belong to it.

What it does is in five parts: `entrance`, `labour`, `leases`, `failures`, `accounts`, in the order of a request's life.
After each event the host takes requests, and its books are checked.
"""

from collections.abc import Callable, Iterator

from twin.sessions import events
from twin.sessions.accounts import Accounts
from twin.sessions.arrivals import Arrivals
from twin.sessions.books import HOST, Books
from twin.sessions.chance import Chance
from twin.sessions.clients import Client, Request
from twin.sessions.controlled import Controllers
from twin.sessions.entrance import Entrance
from twin.sessions.events import Agenda, Timer
from twin.sessions.failures import Failures
from twin.sessions.labour import Labour
from twin.sessions.leases import Leases
from twin.sessions.limits import Bucket, Door
from twin.sessions.operators import Held
from twin.sessions.queue import Queue
from twin.sessions.scenario import Class, Scenario
from twin.sessions.settings import Settings


class TwinHost(Entrance, Labour, Leases, Failures, Controllers, Accounts):
    """What a host remembers, and what it does."""

    def __init__(self, scenario: Scenario, place: int, agenda: Agenda, books: Books, *, is_checked: bool) -> None:
        """A host as it is at t = 0, before its clients are put in."""
        self.is_checked = is_checked
        self.scenario, self.place, self.agenda, self.books = scenario, place, agenda, books
        self.rule = scenario.host
        self.chance = Chance(scenario.seed, scenario.replication, scenario.hosts[place])
        self.settings = Settings(scenario.host, scenario.classes, scenario.resume_after)
        self.now = 0
        self.clients: list[dict[int, Client]] = [{} for _ in scenario.classes]
        self.queue = Queue(self.rank)
        self.serving: list[Request] = []
        self.debt_ns = 0
        self.written: dict[int, int] = {}  # when each row was last written
        self.down_until = 0
        self.serves_from = 0
        self.more_workers = 0
        self.seen_share = 0.0  # of requests that the dependency fails, as the host sees it
        self.hold_off: Timer | None = None
        self.outages_over = 0
        self.frozen = [False] * len(scenario.classes)
        self.unheard = [False] * len(scenario.classes)  # clocks stand, though the dependency is back
        self.stale_started = [0] * len(scenario.classes)
        self.gates: list[Door | None] = [None] * scenario.gates()
        rule = scenario.host.admission
        self.admission = Door("rejected-admission", rule, Bucket(rule.burst, 0.0, rule.burst, 0))
        self.ticks: dict[int, Timer] = {}  # of the lines at the doors
        self.holds: list[Held] = []
        self.hosts_in = set(range(len(scenario.hosts))) - set(scenario.spare)  # that share the arrivals of jobs
        self.arrival_share = self.share_of_arrivals()
        self.arrivals = {k: Arrivals(self, k) for k, one in enumerate(scenario.classes) if one.arrivals}
        self.probe: Request | None = None
        self.probes = 0
        self.probe_latency: int | None = None
        self.is_crash_due = False
        self.busy_ns = self.idle_ns = self.down_ns = self.capacity_ns = 0
        self.time_before: dict[str, int] = {}  # workers' time up to the last window's end
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
        self.put_controllers()
        for clock in self.arrivals.values():
            clock.arm()
        if self.rule.probe is not None:
            self.add(self.settings.get("probe_every_ns"), events.TICK, self.tick, HOST)
        self.look()

    # --- a submission falls due

    def sleep(self, client: Client, until: int) -> None:
        """The next submission of a client."""
        client.state = "asleep"
        client.timer = self.add(until, events.SUBMISSION, lambda: self.due(client), client.number, client.who)

    def arrive(self, number: int, who: int) -> None:
        """A job arrives, and with it those of the classes tied to it."""
        client = Client(number, who, arrived=self.now, sent_at=self.now)
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
        return any(hold.keeps(client) for hold in self.holds)
