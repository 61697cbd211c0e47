"""What is written down: the log, flows and levels of each window, host and class, and what must add up."""

from collections import Counter
from dataclasses import dataclass, field

HOST = -1  # in place of a class: what belongs to the host as a whole, or to its probe

# Every attempt that is submitted ends in exactly one of these ways, once.
ENDS = (
    "barred", "rejected-down", "rejected-gate", "rejected-admission", "rejected-full", "unanswered", "dropped", "lost",
    "purged", "cancelled", "succeeded", "late", "wasted", "failed",
)  # fmt: skip
WORK = ("overhead-ns", "useful-ns", "wasted-ns", "failed-ns")  # add up to busy time


@dataclass(frozen=True, order=True)
class Line:
    """A line of the log: at a time something happened on a host to an attempt of a client of a class."""

    time: int
    what: str
    host: int
    number: int
    client: int
    attempt: int


@dataclass
class Books:
    """Flows are counted in the window of their moment; levels are of a window's end, before what happens then."""

    window_ns: int
    log: list[Line] = field(default_factory=list)
    flows: Counter[tuple[int, int, int, str]] = field(default_factory=Counter)  # window, host, class, what
    levels: dict[tuple[int, int, int, str], int] = field(default_factory=dict)
    totals: Counter[tuple[int, int, str]] = field(default_factory=Counter)  # host, class, what
    sojourns: dict[tuple[int, int], list[int]] = field(default_factory=dict)  # host, class: of finished requests, ns
    latencies: dict[tuple[int, int], list[int]] = field(default_factory=dict)  # of jobs, arrival to success, ns
    waits: dict[tuple[int, int], list[int]] = field(default_factory=dict)  # until service starts, ns

    def note(self, time: int, what: str, host: int, number: int, client: int, attempt: int) -> None:
        """A line of the log."""
        self.log.append(Line(time, what, host, number, client, attempt))

    def count(self, time: int, what: str, host: int, number: int, amount: int = 1) -> None:
        """Add to a flow."""
        self.flows[time // self.window_ns, host, number, what] += amount
        self.totals[host, number, what] += amount

    def total(self, what: str, number: int | None = None) -> int:
        """A flow of the whole run, of one class or of all, over all hosts."""
        return sum(n for (_, k, name), n in self.totals.items() if name == what and number in (None, k))

    def level(self, window: int, what: str, number: int | None = None) -> int:
        """A level at the end of a window, of one class or of all, over all hosts."""
        return sum(
            n
            for (w, _, k, name), n in self.levels.items()
            if w == window and name == what and (number in (None, k) and (number is not None or k != HOST))
        )
