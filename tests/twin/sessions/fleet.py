"""All hosts of a scenario, event by event, window by window."""

from dataclasses import dataclass, field

from twin.sessions import events
from twin.sessions.books import Books
from twin.sessions.events import Agenda
from twin.sessions.host import TwinHost
from twin.sessions.operators import Operator
from twin.sessions.scenario import Condition, Scenario


@dataclass
class Watch:
    """A condition that is looked at: since when it holds, and from when on it may fire."""

    since: int | None = None
    from_ns: int | None = 0  # None: no more


@dataclass
class Fleet:
    """The twin. `advance` may be called with any rising times, up to the scenario's end; the answer is in `books`."""

    scenario: Scenario
    is_checked: bool = True  # after each event, too, and not only at windows' ends
    books: Books = field(init=False)
    agenda: Agenda = field(default_factory=Agenda)
    hosts: list[TwinHost] = field(default_factory=list)
    operators: list[Operator] = field(default_factory=list)
    watches: dict[int, Watch] = field(default_factory=dict)
    windows: int = 0

    def __post_init__(self) -> None:
        """Everything that begins by itself."""
        scenario = self.scenario
        self.books = Books(scenario.window_ns)
        for place in range(len(scenario.hosts)):
            host = TwinHost(scenario, place, self.agenda, self.books, is_checked=self.is_checked)
            self.hosts.append(host)
            self.operators.append(Operator(host, scenario.window_ns))
            for which, (time, share) in enumerate(scenario.dependency):
                host.add(time, events.DEPENDENCY, lambda h=host, s=share: h.dependency(s), which)  # type: ignore[misc]
            host.begin()
        for position, action in enumerate(scenario.playbook):
            if action.when is not None:
                self.watches[position] = Watch()
            else:
                self.begin(position, action.at_ns or 0)

    def begin(self, position: int, start: int) -> None:
        """An action of the playbook begins."""
        for operator in self.operators:
            operator.begin(position, self.scenario.playbook[position], start)

    def run(self) -> Books:
        """The whole run."""
        self.advance(self.scenario.until_ns)
        return self.books

    def advance(self, until: int) -> None:
        """Every event before a time, in order; and every window that ends until then."""
        while True:
            timer = self.agenda.next()
            edge = (self.windows + 1) * self.scenario.window_ns
            if edge <= until and (timer is None or edge <= timer.time):
                self.edge(edge)
            elif timer is None or timer.time >= until:
                break
            else:
                self.agenda.pop()
                host = self.hosts[timer.host]
                host.wait(timer.time)
                timer.action()
                host.after(timer.kind)
        for host in self.hosts:
            host.wait(until)

    def edge(self, time: int) -> None:
        """A window ends: levels are written down, and the operators look at them. What happens at an edge comes
        after.
        """
        for host in self.hosts:
            host.wait(time)
            host.edge(self.windows)
        self.windows += 1
        for position, watch in self.watches.items():
            condition = self.scenario.playbook[position].when
            assert condition is not None
            if watch.from_ns is None or time < watch.from_ns or not self.holds(condition):
                watch.since = None
                continue
            watch.since = time if watch.since is None else watch.since
            if time - watch.since >= condition.held_ns:
                watch.since = None
                watch.from_ns = None if condition.again_after_ns is None else time + condition.again_after_ns
                self.begin(position, time)

    def holds(self, condition: Condition) -> bool:
        """Whether a condition is true of the whole fleet now."""
        level = self.level(condition)
        return level > condition.bound if condition.is_above else level < condition.bound

    def level(self, condition: Condition) -> float:
        """What a condition looks at."""
        numbers = range(len(self.scenario.classes)) if condition.classes is None else condition.classes
        if condition.what == "queue" and condition.classes is None:
            return sum(len(host.queue) for host in self.hosts)
        if condition.what == "oldest" and condition.classes is None:
            return max(host.oldest_of_all_ns() for host in self.hosts)
        if condition.what == "queue":
            return sum(host.queue.of(number) for host in self.hosts for number in numbers)
        if condition.what == "oldest":
            return max(host.oldest_ns(number) for host in self.hosts for number in numbers)
        holders = [number for number in numbers if not self.scenario.classes[number].is_jobs]
        of_all = sum(len(host.clients[number]) for host in self.hosts for number in holders)
        leased = sum(host.now_levels(number)[condition.what] for host in self.hosts for number in holders)
        return leased / of_all if of_all else 0.0

    def unleased_ns(self, number: int, view: str = "holder") -> int:
        """Time without a lease of a class's clients, up to now, added up; as holder or server see it."""
        spent = 0
        for host in self.hosts:
            for client in host.clients[number].values():
                clock = client.holder if view == "holder" else client.server
                spent += clock.unleased_ns
                if not clock.runs(host.now):
                    spent += host.now - max(clock.expires, 0)
        return spent
