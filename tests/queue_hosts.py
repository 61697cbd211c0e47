"""Hosts for controllers of queues, in the most obvious way: one around a controller, one around a twin's whole queue.

`run` gives both the same day, and they must agree after each event.
"""

import random
from dataclasses import dataclass, field

from controllers import Driver
from hypothesis import strategies as st
from recovery_kernels.controllers import ADMITTED, CANCELLED, DROPPED, STARTED
from twin.controllers import queue as twins

TICK_S = 1 / 1024


@dataclass
class Entry:
    """A request that waits, as an engine keeps it."""

    rank: float
    name: int
    came_s: float
    mark: float
    about: dict[str, float]


@dataclass
class Host:
    """What an engine does with a controller of the queue, in the most obvious way."""

    driver: Driver
    workers: int
    queue: list[Entry] = field(default_factory=list)
    busy: int = 0
    served: list[int] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)

    def _has(self, hook: str) -> bool:
        return hasattr(self.driver.module, hook)

    def _facts(self, now_s: float, entry: Entry) -> dict[str, float]:
        waited_s = now_s - entry.came_s
        seen = {"now_s": now_s, "waiting": len(self.queue), "in_service": self.busy, "workers": self.workers}
        return seen | {"mark": entry.mark, "waited_s": waited_s, "sojourn_s": waited_s} | entry.about

    def _tell(self, event: int, now_s: float, entry: Entry) -> None:
        if self._has("told"):
            self.driver.told(event, **self._facts(now_s, entry))

    def arrive(self, name: int, now_s: float, **about: float) -> None:
        """A request comes; a free worker takes one."""
        entry = Entry(float(name), name, now_s, 0.0, about)
        if self._has("ask"):
            answer = self.driver.ask(**self._facts(now_s, entry))
            if answer == 0.0:
                self.refused.append(name)
                return
            entry.mark = answer - 1.0
        if self._has("rank"):
            entry.rank = self.driver.rank(**self._facts(now_s, entry))
        self.queue.append(entry)
        self._tell(ADMITTED, now_s, entry)
        self.work(now_s)

    def work(self, now_s: float) -> None:
        """Free workers take what is next."""
        while self.queue and self.busy < self.workers:
            is_newest = self._has("newest") and self.driver.newest(now_s=now_s) == 1.0
            entry = self.queue[-1] if is_newest else min(self.queue, key=lambda entry: (entry.rank, entry.name))
            self.queue.remove(entry)
            if self._has("head") and self.driver.head(**self._facts(now_s, entry)) == 0.0:
                self.dropped.append(entry.name)
                self._tell(DROPPED, now_s, entry)
            else:
                self.busy += 1
                self.served.append(entry.name)
                self._tell(STARTED, now_s, entry)

    def finish(self, now_s: float) -> None:
        """A worker is done."""
        self.busy = max(self.busy - 1, 0)
        self.work(now_s)

    def cancel(self, name: int, now_s: float) -> None:
        """One that waits goes away."""
        [gone] = [entry for entry in self.queue if entry.name == name]
        self.queue.remove(gone)
        self._tell(CANCELLED, now_s, gone)


@dataclass
class Twin:
    """The same around a queue of `twin.controllers`."""

    queue: twins.Plain
    workers: int
    busy: int = 0
    served: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)

    def arrive(self, name: int, now_s: float, **about: float) -> None:
        """A request comes."""
        if self.queue.enqueue(name, now_s, in_service=self.busy, **about):
            self.work(now_s)
        else:
            self.refused.append(name)

    def work(self, now_s: float) -> None:
        """Every free worker asks the queue, also an empty one."""
        while self.busy < self.workers and (name := self.queue.dequeue(now_s)) is not None:
            self.busy += 1
            self.served.append(name)

    def finish(self, now_s: float) -> None:
        """A worker is done."""
        self.busy = max(self.busy - 1, 0)
        self.work(now_s)


Event = tuple[str, int, float, int]  # what happens, how many ticks after the one before, a draw, a flow


def day(seed: int, length: int, load: int, gap: int) -> list[Event]:
    """So many random events up to `gap` ticks apart; with `load` of 3 about as many come as can be served."""
    chance = random.Random(seed)
    weights = (2 * load, 6, 1)
    kinds = chance.choices(("arrive", "finish", "cancel"), weights, k=length)
    return [(kind, chance.randrange(gap + 1), chance.random(), chance.randrange(6)) for kind in kinds]


days = st.builds(day, st.integers(0, 2**32), st.integers(0, 250), st.integers(1, 8), st.sampled_from([1, 4, 40, 150]))


def run(driver: Driver, twin: twins.Plain, workers: int, happens: list[Event]) -> Host:
    """Both have the same day; they agree on whom they serve, drop and refuse, in order."""
    host, other = Host(driver, workers), Twin(twin, workers)
    now_s = 0.0
    for name, (what, gap, u, flow) in enumerate(happens):
        now_s += gap * TICK_S
        if what == "arrive":
            left_s = int(512 * u) * TICK_S
            about = {"u": u, "left_s": left_s, "u_client": (flow + 0.37) / 6.1, "number": float(flow)}
            host.arrive(name, now_s, **about)
            other.arrive(name, now_s, **about)
        elif what == "finish":
            host.finish(now_s)
            other.finish(now_s)
        elif host.queue:
            gone = host.queue[int(u * len(host.queue))].name
            host.cancel(gone, now_s)
            twin.cancel(gone)
        assert (host.served, host.dropped, host.refused) == (other.served, twin.dropped, other.refused)
    return host
