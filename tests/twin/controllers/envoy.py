"""Envoy's adaptive concurrency and admission control, with timers that really fire and lists of all samples.

Times are whole ns.
"""

import math
from collections import Counter, deque


class Timer:
    """Fires at a time, or is off."""

    def __init__(self, number: int) -> None:
        self.number, self.due = number, math.inf


class GradientController:
    """The time at rest is measured in windows of its own; between them each interval moves the limit."""

    def __init__(
        self,
        now: int,
        *,
        least: int,
        most: int,
        every_ns: int,
        rest_every_ms: int,
        requests: int,
        jitter: float,
        buffer: float,
        quantile: float,
    ) -> None:
        self.least, self.most, self.every_ns, self.rest_every_ms = least, most, every_ns, rest_every_ms
        self.requests, self.jitter, self.buffer, self.quantile = requests, jitter, buffer, quantile
        self.limit, self.deferred, self.in_a_row = least, 0, 0
        self.samples: list[int] = []
        self.min_rtt = 0
        self.sampling, self.resting = Timer(0), Timer(1)
        self.enter(now)
        self.sampling.due = now + every_ns

    def enter(self, now: int) -> None:
        """A window for the time at rest begins."""
        if self.deferred:
            return
        self.deferred = self.limit
        self.set_limit(self.least, now)
        self.samples = []
        self.epoch = now

    def set_limit(self, limit: int, now: int) -> None:
        """Five times the least limit in a row: the time at rest may be wrong."""
        stays = not self.deferred and self.limit == limit == self.least
        self.in_a_row = self.in_a_row + 1 if stays else 0
        self.limit = limit
        if self.in_a_row >= 5:
            self.resting.due = now

    def run_until(self, now: int) -> None:
        """Each timer that is due fires, one by one."""
        while (timer := min((self.sampling, self.resting), key=lambda timer: (timer.due, timer.number))).due <= now:
            at, timer.due = int(timer.due), math.inf
            if timer is self.resting:
                self.enter(at)
            elif not self.deferred:
                if self.samples:
                    self.set_limit(self.next_limit(self.take_quantile()), at)
                timer.due = at + self.every_ns

    def take_quantile(self) -> int:
        """ns; the samples lie in slices of two digits, spread evenly in each."""
        slices = Counter(slice_of(sample) for sample in self.samples)
        wanted, below = len(self.samples) * self.quantile, 0
        self.samples = []
        for (power, digits), count in sorted(slices.items()):
            if below + count >= wanted:
                k = max(1, math.ceil(wanted - below))
                left, width = digits / 10 * 10.0**power, 10.0**power / 10
                return int(left + k / (count + 1) * width) * 1000
            below += count
        raise AssertionError("a quantile beyond all samples")

    def next_limit(self, rtt: int) -> int:
        """From the time now."""
        gradient = max(0.5, min(2.0, (self.min_rtt + self.min_rtt * self.buffer) / rtt))
        limit = self.limit * gradient
        return max(self.least, min(self.most, int(limit + math.sqrt(limit))))

    def lets_in(self, now: int, outstanding: int) -> bool:
        """A request comes."""
        self.run_until(now)
        return outstanding < self.limit

    def on_answer(self, now: int, sent: int, u: float) -> None:
        """A request that was sent on at `sent` is answered; `u` is for the jitter."""
        self.run_until(now)
        if sent < self.epoch:
            return
        self.samples.append((now - sent) // 1000)
        if self.deferred and len(self.samples) >= self.requests:
            self.min_rtt = self.take_quantile()
            self.set_limit(self.deferred, now)
            self.deferred = 0
            jitter_ms = int(u * math.ceil(self.rest_every_ms * self.jitter))
            self.resting.due = now + (self.rest_every_ms + jitter_ms) * 1_000_000
            self.sampling.due = now + self.every_ns


def slice_of(took_us: int) -> tuple[int, int]:
    """Power of ten, and the first two digits; 1 µs to 10^10 µs."""
    text = str(min(max(took_us, 1), 10**10 - 1))
    return len(text) - 1, int((text + "0")[:2])


class AdmissionController:
    """Counts answers in parts of a second each."""

    def __init__(self, window_s: int, threshold: float, aggression: float, most: float, least_per_s: int) -> None:
        self.window_s, self.threshold, self.aggression = window_s, threshold, aggression
        self.most, self.least_per_s = most, least_per_s
        self.parts: deque[tuple[int, list[bool]]] = deque()

    def update(self, now: int) -> None:
        """Old parts go, a new one begins where the last one is full."""
        while self.parts and now - self.parts[0][0] >= self.window_s * 10**9:
            self.parts.popleft()
        if not self.parts or now - self.parts[-1][0] >= 10**9:
            self.parts.append((now, []))

    def record(self, now: int, is_success: bool) -> None:
        """An answer."""
        self.update(now)
        self.parts[-1][1].append(is_success)

    def chance(self, now: int) -> float:
        """With which a request is refused."""
        answers = [answer for _, part in self.parts for answer in part]
        span_s = max(self.window_s, (now - self.parts[0][0]) // 10**9) if self.parts else 1
        if len(answers) // span_s < self.least_per_s:
            return 0.0
        self.update(now)
        answers = [answer for _, part in self.parts for answer in part]
        share = (len(answers) - sum(answers) / self.threshold) / (len(answers) + 1)
        return min(max(share, 0.0) ** (1 / self.aggression), self.most)
