"""What comes next: one heap of timers for all hosts."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass

# The order of events at one time; within each the lower host, class, client, attempt.
(
    DEPENDENCY, OPERATOR, CRASH, SESSION_END, EXPIRY, STORE_FINISH, FINISH, DEADLINE, NOTICE, TICK, SUBMISSION,
) = range(11)  # fmt: skip
KINDS = (
    "dependency", "operator", "crash", "session-end", "expiry", "store-finish", "finish", "deadline", "notice", "tick",
    "submission",
)  # fmt: skip


@dataclass(eq=False)
class Timer:
    """Something that will happen, unless it is cancelled."""

    time: int
    kind: int
    host: int
    action: Callable[[], None]
    is_on: bool = True

    def cancel(self) -> None:
        """It will not happen."""
        self.is_on = False


class Agenda:
    """Timers in order."""

    def __init__(self) -> None:
        """Nothing will happen yet."""
        self.heap: list[tuple[int, int, int, int, int, int, int, Timer]] = []
        self.serial = 0

    def add(
        self,
        time: int,
        kind: int,
        host: int,
        action: Callable[[], None],
        number: int = 0,
        client: int = 0,
        attempt: int = 0,
    ) -> Timer:
        """A timer. Among equals in all the one that was added first comes first."""
        timer = Timer(time, kind, host, action)
        self.serial += 1
        heapq.heappush(self.heap, (time, kind, host, number, client, attempt, self.serial, timer))
        return timer

    def next(self) -> Timer | None:
        """The first timer that is on, which stays where it is."""
        while self.heap and not self.heap[0][-1].is_on:
            heapq.heappop(self.heap)
        return self.heap[0][-1] if self.heap else None

    def pop(self) -> Timer:
        """Take out the first timer."""
        timer = self.next()
        assert timer is not None
        heapq.heappop(self.heap)
        timer.is_on = False
        return timer
