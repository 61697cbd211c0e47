"""Guards of clients from their sources: Finagle, Envoy, gRPC, resilience4j, and the book on site reliability.

Each has `may_send`, asked when an attempt would be sent, and `sent` and `ended` where it hears of attempts. `tries` are
the failures of the request before the attempt: 0 is a new request.
"""

import collections
import math
from dataclasses import dataclass, field


class WindowedAdder:
    """com.twitter.util.WindowedAdder: what was added in the last slices; clock in whole milliseconds."""

    def __init__(self, range_ms: int, slices: int, now_ms: int) -> None:
        self.window, self.n = range_ms // slices, slices - 1
        self.writer, self.buffer, self.i, self.old = 0, [0] * (slices - 1), 0, now_ms

    def expired(self, now_ms: int) -> None:
        self.buffer[self.i] = self.writer
        self.writer = 0
        self.i = (self.i + 1) % self.n
        skip = min((now_ms - self.old) // self.window - 1, self.n)
        if skip > 0:
            right = min(skip, self.n - self.i)
            self.buffer[self.i : self.i + right] = [0] * right
            self.buffer[0 : skip - right] = [0] * (skip - right)
            self.i = (self.i + skip) % self.n
        self.old = now_ms

    def add(self, x: int, now_ms: int) -> None:
        if now_ms - self.old >= self.window:
            self.expired(now_ms)
        self.writer += x

    def sum(self, now_ms: int) -> int:
        if now_ms - self.old >= self.window:
            self.expired(now_ms)
        return self.writer + sum(self.buffer)


class FinagleBudget:
    """com.twitter.finagle.service.RetryBudget, as RetryFilter uses it."""

    def __init__(self, ttl_ms: int, min_per_s: int, percent: float, now_ms: int = 0) -> None:
        self.deposit = 0 if percent == 0 else 1000
        self.withdrawal = 1 if percent == 0 else int(1000.0 / percent)
        self.reserve = min_per_s * (ttl_ms // 1000) * self.withdrawal
        self.adder = WindowedAdder(ttl_ms, 10, now_ms)

    def may_send(self, now_ms: int, tries: int) -> bool:
        if tries == 0:
            self.adder.add(self.deposit, now_ms)
            return True
        if self.adder.sum(now_ms) + self.reserve < self.withdrawal:
            return False
        self.adder.add(-self.withdrawal, now_ms)
        return True


@dataclass
class EnvoyBudget:
    """ResourceManagerImpl's requests and retries: the failed attempt is under way while a retry is decided."""

    budget_percent: float
    min_retry_concurrency: int
    requests: int = 0
    retries: int = 0

    def may_send(self, tries: int) -> bool:
        if tries == 0:
            return True
        current_active = self.requests + 1
        most = max(int(self.budget_percent / 100.0 * current_active), self.min_retry_concurrency)
        return self.retries < most

    def sent(self, tries: int) -> None:
        self.requests += 1
        self.retries += tries > 0

    def ended(self, tries: int) -> None:
        self.requests -= 1
        self.retries -= tries > 0


class GrpcThrottle:
    """io.grpc.internal.RetriableStream.Throttle: tokens in thousandths."""

    def __init__(self, max_tokens: float, token_ratio: float) -> None:
        self.max_tokens, self.token_ratio = round(max_tokens * 1000), round(token_ratio * 1000)
        self.threshold, self.count = self.max_tokens // 2, self.max_tokens

    def may_send(self, tries: int) -> bool:
        return tries == 0 or self.count > self.threshold

    def ended(self, is_success: bool) -> None:
        moved = self.count + self.token_ratio if is_success else self.count - 1000
        self.count = max(0, min(moved, self.max_tokens))


class CircuitBreaker:
    """io.github.resilience4j: CLOSED, OPEN, HALF_OPEN, each closed and half-open with metrics of their own."""

    def __init__(
        self, failure_percent: float, window: int, min_calls: int, open_s: float, permitted: int, slow_s: float,
        slow_percent: float,
    ) -> None:  # fmt: skip
        self.failure_percent, self.slow_percent, self.slow_s = failure_percent, slow_percent, slow_s
        self.window, self.min_calls, self.open_s, self.permitted = window, min_calls, open_s, permitted
        self.state, self.until_s, self.permits = "CLOSED", 0.0, 0
        self.calls: collections.deque[tuple[bool, bool]] = collections.deque(maxlen=window)

    def may_send(self, now_s: float) -> bool:
        if self.state == "OPEN":
            if not now_s > self.until_s:
                return False
            self.state, self.permits = "HALF_OPEN", self.permitted
            self.calls = collections.deque(maxlen=self.permitted)
        if self.state == "HALF_OPEN":
            if self.permits == 0:
                return False
            self.permits -= 1
        return True

    def ended(self, now_s: float, is_success: bool, took_s: float) -> None:
        if self.state == "OPEN":
            return
        self.calls.append((not is_success, took_s > self.slow_s))
        if len(self.calls) < min(self.min_calls, self.calls.maxlen or 0):
            return
        failed = 100.0 * sum(failed for failed, _ in self.calls) / len(self.calls)
        slow = 100.0 * sum(slow for _, slow in self.calls) / len(self.calls)
        if failed >= self.failure_percent or slow >= self.slow_percent:
            self.state, self.until_s = "OPEN", now_s + self.open_s
        elif self.state == "HALF_OPEN":
            self.state = "CLOSED"
            self.calls = collections.deque(maxlen=self.window)


@dataclass
class Window:
    """What happened in the tenth of a window that runs, and in the nine before it."""

    window_s: float
    slots: list[int] = field(default_factory=list)

    def slot(self, now_s: float) -> int:
        return math.floor(now_s * 10 / self.window_s)

    def add(self, now_s: float) -> None:
        self.slots.append(self.slot(now_s))

    def count(self, now_s: float) -> int:
        return sum(slot > self.slot(now_s) - 10 for slot in self.slots)


class SreThrottle:
    """Equation 21-1; requests are counted when they are made, accepts when the answer comes."""

    def __init__(self, k: float, window_s: float) -> None:
        self.k, self.requests, self.accepts = k, Window(window_s), Window(window_s)

    def may_send(self, now_s: float, u: float) -> bool:
        requests, accepts = self.requests.count(now_s), self.accepts.count(now_s)
        self.requests.add(now_s)
        return not u < max(0.0, (requests - self.k * accepts) / (requests + 1))


class SreBudget:
    """At most so many attempts a request, and retries below a share of what was sent."""

    def __init__(self, share: float, attempts: int, window_s: float) -> None:
        self.share, self.attempts = share, attempts
        self.requests, self.retries = Window(window_s), Window(window_s)

    def may_send(self, now_s: float, tries: int) -> bool:
        if tries == 0:
            return True
        requests = self.requests.count(now_s)
        ratio = self.retries.count(now_s) / requests if requests else 0.0
        return tries < self.attempts and ratio < self.share

    def sent(self, now_s: float, tries: int) -> None:
        self.requests.add(now_s)
        if tries > 0:
            self.retries.add(now_s)
