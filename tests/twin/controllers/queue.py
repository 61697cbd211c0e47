"""Queues as their sources have them: each is a whole queue, with what comes and what a worker takes out.

Written from RFC 8289 and 8033, Fail at Scale, folly's Codel.cpp, Kubernetes' queueset.go and dealer, and Goyal's
start-time fair queueing, in their own terms. `enqueue` says whether the request is in; `dequeue` gives what is to be
served, or None; what it threw away on the way is in `dropped`. Times in s.
"""

import math
from collections import deque
from typing import NamedTuple


class Request(NamedTuple):
    """One that waits."""

    name: int
    came_s: float
    timeout_s: float = 0.0


class Plain:
    """First come, first served: what the others change."""

    def __init__(self) -> None:
        self.queue: deque[Request] = deque()
        self.dropped: list[int] = []

    def enqueue(self, name: int, now_s: float, **about: float) -> bool:
        """At the tail."""
        self.queue.append(Request(name, now_s))
        return True

    def dequeue(self, now_s: float) -> int | None:
        """From the head."""
        return self.queue.popleft().name if self.queue else None

    def cancel(self, name: int) -> None:
        """One leaves that does not wait any more."""
        [gone] = [request for request in self.queue if request.name == name]
        self.queue.remove(gone)


class FailAtScale(Plain):
    """Controlled delay with adaptive LIFO: the timeout is given on arrival, the order is that of the moment."""

    def __init__(self, n_s: float, m_s: float, drops: bool) -> None:
        super().__init__()
        self.n_s, self.m_s, self.drops, self.last_empty_s = n_s, m_s, drops, 0.0

    def _is_standing(self, now_s: float) -> bool:
        return self.last_empty_s < now_s - self.n_s

    def enqueue(self, name: int, now_s: float, **about: float) -> bool:
        """on new request: if last empty before now - N then M else N."""
        if not self.queue:
            self.last_empty_s = now_s
        self.queue.append(Request(name, now_s, self.m_s if self._is_standing(now_s) else self.n_s))
        return True

    def dequeue(self, now_s: float) -> int | None:
        """The newest of a standing queue, else the oldest; those whose timeout is over are thrown away."""
        while self.queue:
            request = self.queue.pop() if self._is_standing(now_s) else self.queue.popleft()
            if not self.drops or now_s - request.came_s <= request.timeout_s:
                return request.name
            self.dropped.append(request.name)
        return None


class Codel(Plain):
    """RFC 8289: `dequeue` and `_do_dequeue` with a request where the RFC has a packet of the largest size."""

    def __init__(self, target_s: float, interval_s: float) -> None:
        super().__init__()
        self.target_s, self.interval_s = target_s, interval_s
        self.first_above_s = self.drop_next_s = 0.0
        self.count = self.last_count = 0
        self.dropping = False

    def _control_law(self, from_s: float) -> float:
        return from_s + self.interval_s / math.sqrt(self.count)

    def _do_dequeue(self, now_s: float) -> tuple[Request | None, bool]:
        if not self.queue:
            self.first_above_s = 0.0
            return None, False
        request = self.queue.popleft()
        if now_s - request.came_s < self.target_s or len(self.queue) <= 1:
            self.first_above_s = 0.0
            return request, False
        if self.first_above_s == 0.0:
            self.first_above_s = now_s + self.interval_s
            return request, False
        return request, now_s >= self.first_above_s

    def _throw(self, request: Request | None) -> None:
        assert request is not None
        self.dropped.append(request.name)

    def dequeue(self, now_s: float) -> int | None:
        """One that is sent; the law of the drops."""
        request, ok_to_drop = self._do_dequeue(now_s)
        if self.dropping:
            self.dropping = ok_to_drop
            while self.dropping and now_s >= self.drop_next_s:
                self._throw(request)
                self.count += 1
                request, self.dropping = self._do_dequeue(now_s)
                if self.dropping:
                    self.drop_next_s = self._control_law(self.drop_next_s)
        elif ok_to_drop:
            self._throw(request)
            request, _ = self._do_dequeue(now_s)
            self.dropping = True
            delta = self.count - self.last_count
            self.count = delta if delta > 1 and now_s - self.drop_next_s < 16 * self.interval_s else 1
            self.drop_next_s = self._control_law(now_s)
            self.last_count = self.count
        return None if request is None else request.name


class Folly(Plain):
    """folly::Codel, `overloaded(delay)` asked of what is taken."""

    def __init__(self, target_s: float, interval_s: float) -> None:
        super().__init__()
        self.target_s, self.interval_s = target_s, interval_s
        self.min_delay_s = self.interval_time_s = 0.0
        self.reset, self.is_overloaded = True, False

    def _overloaded(self, delay_s: float, now_s: float) -> bool:
        min_delay_s = self.min_delay_s
        if now_s > self.interval_time_s and not self.reset:
            self.reset = True
            self.interval_time_s = now_s + self.interval_s
            self.is_overloaded = min_delay_s > self.target_s
        if self.reset:
            self.reset = False
            self.min_delay_s = delay_s
            return False
        if delay_s < self.min_delay_s:
            self.min_delay_s = delay_s
        return self.is_overloaded and delay_s > 2 * self.target_s

    def dequeue(self, now_s: float) -> int | None:
        """From the head, without those that it calls overload."""
        while self.queue:
            request = self.queue.popleft()
            if not self._overloaded(now_s - request.came_s, now_s):
                return request.name
            self.dropped.append(request.name)
        return None


class Pie(Plain):
    """RFC 8033, section 4, with time stamps: `tick` is the timer, every `update_s`."""

    SCALES = ((1e-6, 2048), (1e-5, 512), (1e-4, 128), (1e-3, 32), (1e-2, 8), (1e-1, 2))

    def __init__(self, target_s: float, update_s: float, burst_s: float, alpha: float, beta: float) -> None:
        super().__init__()
        self.target_s, self.update_s, self.max_burst_s, self.alpha, self.beta = target_s, update_s, burst_s, alpha, beta
        self.drop_prob = self.qdelay_s = self.qdelay_old_s = 0.0
        self.burst_allowance_s, self.next_tick_s = burst_s, update_s

    def _calculate_drop_prob(self) -> None:
        p = self.alpha * (self.qdelay_s - self.target_s) + self.beta * (self.qdelay_s - self.qdelay_old_s)
        for below, scale in self.SCALES:
            if self.drop_prob < below:
                p /= scale
                break
        self.drop_prob += p
        if self.qdelay_s == 0 and self.qdelay_old_s == 0:
            self.drop_prob *= 0.98
        self.drop_prob = min(1.0, max(0.0, self.drop_prob))
        self.qdelay_old_s = self.qdelay_s
        self.burst_allowance_s = max(0.0, self.burst_allowance_s - self.update_s)

    def _until(self, now_s: float) -> None:
        while self.next_tick_s <= now_s:
            self._calculate_drop_prob()
            self.next_tick_s += self.update_s

    def _drop_early(self, u: float) -> bool:
        if self.qdelay_old_s < self.target_s / 2 and self.drop_prob < 0.2:
            return False
        return len(self.queue) > 2 and u < self.drop_prob

    def enqueue(self, name: int, now_s: float, **about: float) -> bool:
        """By chance."""
        self._until(now_s)
        if self.burst_allowance_s == 0 and self._drop_early(about["u"]):
            return False
        calm_s = self.target_s / 2
        if self.drop_prob == 0 and self.qdelay_s < calm_s and self.qdelay_old_s < calm_s:
            self.burst_allowance_s = self.max_burst_s
        return super().enqueue(name, now_s)

    def dequeue(self, now_s: float) -> int | None:
        """From the head, with its time stamp looked at."""
        self._until(now_s)
        if not self.queue:
            return None
        request = self.queue.popleft()
        self.qdelay_s = now_s - request.came_s if self.queue else 0.0
        return request.name


class Edf(Plain):
    """Earliest deadline first, by looking at all that wait."""

    def __init__(self) -> None:
        super().__init__()
        self.deadlines_s: dict[int, float] = {}

    def enqueue(self, name: int, now_s: float, **about: float) -> bool:
        """With its deadline."""
        self.deadlines_s[name] = now_s + about["left_s"]
        return super().enqueue(name, now_s)

    def dequeue(self, now_s: float) -> int | None:
        """The first of those whose deadline is the earliest."""
        if not self.queue:
            return None
        first = min(self.queue, key=lambda request: self.deadlines_s[request.name])
        self.queue.remove(first)
        return first.name


def deal(hashed: int, deck: int, size: int) -> list[int]:
    """Kubernetes' dealer: a hand of so many cards from a deck, by successive division of a hash."""
    left = list(range(deck))
    hand = []
    for _ in range(size):
        hashed, place = divmod(hashed, len(left))
        hand.append(left.pop(place))
    return hand


class FairQueues(Plain):
    """Many queues, hands, and turns by virtual start tags that are given on arrival."""

    def __init__(self, queues: int, hand: int, limit: int, wait_s: float, by_class: bool, workers: int) -> None:
        super().__init__()
        self.queues: list[list[tuple[float, int, Request]]] = [[] for _ in range(queues)]
        self.finish = [0.0] * queues
        self.hand, self.limit, self.wait_s, self.by_class, self.workers = hand, limit, wait_s, by_class, workers
        self.clock, self.arrivals, self.busy = 0.0, 0, 0

    def enqueue(self, name: int, now_s: float, **about: float) -> bool:
        """Into the shortest queue of the hand, looked at from a place that moves on with each arrival."""
        self.busy = int(about["in_service"])
        if self.busy == 0 and not any(self.queues):
            self.clock = max(self.finish)
        flow = about["u_client"]
        if self.by_class:
            flow = ((about["number"] + 1) * 0.6180339887498949) % 1.0
        hand = deal(int(flow * 2**52), len(self.queues), self.hand)
        offset = self.arrivals % len(hand)
        self.arrivals += 1
        chosen = min(hand[offset:] + hand[:offset], key=lambda queue: len(self.queues[queue]))
        if self.busy >= self.workers and len(self.queues[chosen]) >= self.limit:
            return False
        start = max(self.clock, self.finish[chosen])
        self.finish[chosen] = start + 1
        self.queues[chosen].append((start, name, Request(name, now_s)))
        return True

    def dequeue(self, now_s: float) -> int | None:
        """The head with the smallest start tag, the first that came of equal ones."""
        while heads := [(queue[0][0], queue[0][1], queue) for queue in self.queues if queue]:
            start, name, queue = min(heads, key=lambda head: head[:2])
            _, _, request = queue.pop(0)
            if now_s - request.came_s <= self.wait_s:
                self.clock = start
                return name
            self.dropped.append(name)
        return None

    def cancel(self, name: int) -> None:
        """One leaves its queue; its turn is gone."""
        for queue in self.queues:
            queue[:] = [entry for entry in queue if entry[1] != name]
