"""Leases as their sources have them: whole registries with clocks of their own.

Written from Eureka's AbstractInstanceRegistry and MeasuredRate, Kubernetes' rate-limited queue with its token bucket,
etcd's `Promote` and Nomad's heartbeat timers, in their own terms. Times in s.
"""

from dataclasses import dataclass, field


@dataclass
class Eureka:
    """A registry: who holds a lease until when. Its task `_evict` runs 1 ms after its time, and takes the lowest
    numbers first, where the original takes them at random.
    """

    share: float
    check_s: float
    every_s: float
    leases_s: dict[int, float]
    expected: int = 0
    last_bucket: int = 0
    current_bucket: int = 0
    minutes: int = 0
    passes: int = 0
    evicted: list[tuple[float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.expected = len(self.leases_s)

    def _is_expiration_enabled(self) -> bool:
        threshold = int(self.expected * (60.0 / self.check_s) * self.share)
        return threshold > 0 and self.last_bucket > threshold

    def _evict(self, now_s: float) -> None:
        if not self._is_expiration_enabled():
            return
        size = len(self.leases_s)
        limit = size - int(size * self.share)
        expired = sorted(name for name, ends_s in self.leases_s.items() if ends_s <= now_s)
        for name in expired[:limit]:
            del self.leases_s[name]
            self.expected -= 1
            self.evicted.append((now_s, name))

    def until(self, now_s: float) -> None:
        """Runs the two timers up to and with a moment."""
        while True:
            minute_s, pass_s = 60.0 * (self.minutes + 1), self.every_s * (self.passes + 1) + 0.001
            if min(minute_s, pass_s) > now_s:
                return
            if minute_s <= pass_s:
                self.minutes += 1
                self.last_bucket, self.current_bucket = self.current_bucket, 0
            else:
                self.passes += 1
                self._evict(pass_s)

    def renew(self, name: int, ends_s: float) -> None:
        """A heartbeat, or a registration of one that is gone."""
        if name in self.leases_s:
            self.current_bucket += 1
        else:
            self.expected += 1
        self.leases_s[name] = ends_s


@dataclass
class TokenBucket:
    """flowcontrol's limiter with a burst of 1: `try_accept` takes the token if there is one."""

    per_s: float
    tokens: float = 1.0
    at_s: float = 0.0

    def try_accept(self, now_s: float) -> bool:
        """Whether one may act now."""
        self.tokens = min(1.0, self.tokens + (now_s - self.at_s) * self.per_s)
        self.at_s = now_s
        if self.tokens < 1.0 - 1e-9:
            return False
        self.tokens -= 1.0
        return True


def promote(holders: int, extend_s: float, rate: int) -> list[float]:
    """etcd's Promote with leases of one length, and `rate` the target of expiries a second: when each of them ends."""
    revoke_rate = rate * 4 / 3
    leases = [extend_s] * holders
    if len(leases) < revoke_rate:
        return leases
    base = leases[0]
    next_window = base + 1.0
    expires = 0
    for i, remaining in enumerate(leases):
        if remaining > next_window:
            base, expires = remaining, 1
            next_window = base + 1.0
            continue
        expires += 1
        if expires <= rate:
            continue
        delay = expires / rate - (remaining - base)
        next_window = base + delay
        leases[i] = delay + extend_s
    return leases


@dataclass
class Limited:
    """A queue of leases that have ended, in front of a token bucket, as Kubernetes has it; whoever has the lowest
    number goes first, where the original takes who came first. It acts as soon as there is a token, and not ten times a
    second.
    """

    per_s: float
    bucket: TokenBucket = field(init=False)
    waiting: set[int] = field(default_factory=set)
    gone: list[tuple[float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bucket = TokenBucket(self.per_s)

    def until(self, now_s: float) -> None:
        """Acts up to a moment, for as long as somebody waits."""
        while self.waiting:
            ready_s = self.bucket.at_s + (1.0 - self.bucket.tokens) / self.per_s
            if ready_s > now_s:
                return
            assert self.bucket.try_accept(ready_s)
            name = min(self.waiting)
            self.waiting.remove(name)
            self.gone.append((ready_s, name))

    def add(self, name: int, now_s: float) -> None:
        """A lease has ended."""
        self.until(now_s)
        self.waiting.add(name)
        if self.bucket.try_accept(now_s):
            self.waiting.remove(min(self.waiting))
            self.gone.append((now_s, name))

    def remove(self, name: int, now_s: float) -> None:
        """It is renewed."""
        self.until(now_s)
        self.waiting.discard(name)
