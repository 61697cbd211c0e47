"""The requests that wait for a worker: order within a class, priority and weight between classes (section 13)."""

from collections import deque
from collections.abc import Callable

from twin.sessions.clients import Request

STRIDE = 720_720  # what a start costs a class of weight 1: whole parts for weights up to 16


class Queue:
    """A row for each class. Classes of one priority without weights are one row, in the order of their entering.

    Weighted classes of one priority, and the row of those without a weight (as if of weight 1), are served by stride
    scheduling (Waldspurger and Weihl, 1995): each has a pass, the lowest starts (ties: the row without a weight, then
    the lower class), and a start adds STRIDE // weight to it. A row that was empty gets no credit for that: when a
    request enters it, its pass becomes at least that of the row of its priority that started last.
    """

    def __init__(self, rank: Callable[[int], tuple[int, int | None]]) -> None:
        """`rank` tells the priority and weight of a class as they are now."""
        self.rank = rank
        self.rows: dict[int, deque[Request]] = {}
        self.passes: dict[tuple[int, int], int] = {}  # priority, class or -1
        self.clock: dict[int, int] = {}  # pass of the row that started last, of each priority
        self.entered = 0
        self.ranks: dict[Request, float] = {}  # of those that have one; then they decide within a priority

    def __len__(self) -> int:
        """All that wait."""
        return sum(map(len, self.rows.values()))

    def __iter__(self):  # type: ignore[no-untyped-def]
        """All that wait, class by class."""
        for number in sorted(self.rows):
            yield from self.rows[number]

    def of(self, number: int) -> int:
        """How many of a class wait."""
        return len(self.rows.get(number, ()))

    def row(self, number: int) -> tuple[int, int]:
        """Priority of a class, and the row that it belongs to there."""
        priority, weight = self.rank(number)
        return priority, -1 if weight is None else number

    def push(self, request: Request, rank: float | None = None) -> None:
        """A request enters; with a rank where those decide."""
        row = self.row(request.number)
        if not any(self.rows[k] and self.row(k) == row for k in self.rows):
            self.passes[row] = max(self.passes.get(row, 0), self.clock.get(row[0], 0))
        self.entered += 1
        request.order = self.entered
        request.place = "queue"
        self.rows.setdefault(request.number, deque()).append(request)
        if rank is not None:
            self.ranks[request] = float("inf") if rank != rank else rank

    def remove(self, request: Request) -> None:
        """A request leaves out of turn."""
        self.rows[request.number].remove(request)

    def pop(self, discipline: str) -> tuple[Request, tuple[int, int]]:
        """The next request, and its row."""
        waiting = [k for k, row in self.rows.items() if row]
        if self.ranks:
            ranked = (one for k in waiting for one in self.rows[k])
            request = min(ranked, key=lambda one: (self.rank(one.number)[0], self.ranks[one], one.order))
            self.rows[request.number].remove(request)
            return request, self.row(request.number)
        priority = min(self.rank(k)[0] for k in waiting)
        rows = {self.row(k) for k in waiting if self.rank(k)[0] == priority}
        row = min(rows, key=lambda one: (self.passes.get(one, 0), one[1]))
        end = -1 if discipline == "lifo" else 0
        heads = [self.rows[k][end] for k in waiting if self.row(k) == row]
        request = max(heads, key=lambda one: one.order) if end else min(heads, key=lambda one: one.order)
        self.rows[request.number].remove(request)
        return request, row

    def charge(self, row: tuple[int, int], weight: int | None) -> None:
        """A request of a row starts."""
        self.clock[row[0]] = self.passes.get(row, 0)
        self.passes[row] = self.clock[row[0]] + STRIDE // (weight or 1)
