"""Limits at the door: buckets of tokens, and lines in which requests wait for one (sections 3, 13, 14 and 18)."""

import math
from dataclasses import dataclass, field

from twin.sessions.clients import Request
from twin.sessions.scenario import FAR_NS, Limiter


@dataclass
class Bucket:
    """Tokens that drip in at a rate, up to a burst. It may begin in the future, after a downtime."""

    tokens: float
    rate_per_ns: float
    burst: float
    at: int

    def level(self, time: int) -> float:
        """Tokens at a time from `at` on, if nobody takes any."""
        return min(self.burst, self.tokens + self.rate_per_ns * max(time - self.at, 0))

    def fill(self, now: int) -> None:
        """Let drip in what is due."""
        self.tokens = self.level(now)
        self.at = max(self.at, now)

    def ready(self, cost: float) -> int | None:
        """The first whole ns at which it holds so many tokens; None: never."""
        if self.level(self.at + FAR_NS) < cost:
            return None
        low, high = self.at - 1, self.at + FAR_NS
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.level(middle) >= cost else (middle, high)
        return high


@dataclass
class Door:
    """A limiter as it stands. It passes, refuses, or lets a request wait in its line."""

    name: str
    limiter: Limiter
    bucket: Bucket
    line: list[Request] = field(default_factory=list)
    share: float = 1.0  # of its rate, as the law of the queue's size had it at the last look
    is_closed: bool = False  # by the switch of the queue's size

    def is_for(self, number: int, is_leased: bool) -> bool:
        """Whether it holds up a request of this class."""
        rule = self.limiter
        is_of_these = rule.classes is None or number in rule.classes
        return rule.kind != "open" and is_of_these and not (rule.is_establish_only and is_leased)

    def ask(self, now: int, cost: float, costs_before: float, queue: int, u: float) -> str:
        """What happens to a request that comes now: pass, wait or refuse.

        `costs_before`: tokens that those in the line want; `queue`: requests that wait for a worker; `u`: its draw.
        """
        rule, bucket = self.limiter, self.bucket
        if rule.kind == "queue-size-switch":
            self.is_closed = queue >= rule.limit or (self.is_closed and queue > rule.low)
            return "refuse" if self.is_closed else "pass"
        if rule.kind == "queue-size-ramp":
            return "refuse" if u * (rule.limit - rule.low) < queue - rule.low else "pass"
        if not self.line:
            bucket.fill(now)
            self.share = max(0.0, 1.0 - queue / rule.limit) if rule.kind == "queue-size" else 1.0
            bucket.rate_per_ns = rule.rate_per_ns * self.share
            if bucket.tokens >= cost:
                return "pass"
        if len(self.line) >= rule.line or rule.burst < cost:
            return "refuse"
        missing = costs_before + cost - bucket.level(now)
        wait_ns = missing / bucket.rate_per_ns if bucket.rate_per_ns > 0.0 else math.inf
        return "wait" if wait_ns <= rule.wait_ns else "refuse"

    def spend(self, cost: float) -> None:
        """What was let in takes its tokens, where there are any."""
        if self.limiter.kind in ("token-bucket", "queue-size"):
            self.bucket.tokens -= cost

    def change(self, limiter: Limiter, now: int) -> None:
        """Other numbers from now on; what dripped in until now did so at the old rate."""
        self.bucket.fill(now)
        self.limiter = limiter
        if limiter.kind != "queue-size":
            self.share = 1.0
        self.bucket.rate_per_ns = limiter.rate_per_ns * self.share
        self.bucket.burst = limiter.burst
        self.bucket.tokens = min(self.bucket.tokens, limiter.burst)
