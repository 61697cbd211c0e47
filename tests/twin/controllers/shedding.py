"""ZooKeeper's BLUE throttle, Cinnamon's PID controller, and a ramp of percentages."""

import math


class BlueThrottle:
    """A token bucket in whole ms and tokens, and a chance to drop."""

    def __init__(
        self,
        now_ms: int,
        *,
        tokens: int,
        fill: int,
        fill_every_ms: int,
        freeze_ms: int,
        increase: float,
        decrease: float,
        ratio: float,
    ) -> None:
        self.most, self.fill, self.fill_every_ms, self.freeze_ms = tokens, fill, fill_every_ms, freeze_ms
        self.increase, self.decrease, self.threshold = increase, decrease, math.floor(tokens * ratio + 0.5)
        self.tokens, self.drop, self.last_ms, self.last_freeze_ms = tokens, 0.0, now_ms, now_ms

    def check(self, now_ms: int, need: int, u: float) -> bool:
        """Whether a request that needs so many tokens is let in."""
        passed = now_ms - self.last_ms
        if passed > self.fill_every_ms:
            self.tokens = min(self.most, self.tokens + passed * self.fill // self.fill_every_ms)
            self.last_ms = now_ms
        if self.freeze_ms != -1:
            if now_ms - self.last_freeze_ms > self.freeze_ms:
                self.last_freeze_ms = now_ms
                if self.tokens == 0 and self.drop < 1:
                    self.drop = min(1.0, self.drop + self.increase)
                elif self.most - self.tokens <= self.threshold and self.drop > 0:
                    self.drop = max(0.0, self.drop - self.decrease)
            if u < self.drop:
                return False
        if self.tokens < need:
            return False
        self.tokens -= need
        return True


class PidRejector:
    """Ticks, counts of what came and what was taken, and a history of errors."""

    def __init__(self, now_ns: int, period_ns: int, kp: float, ki: float, lookback: int) -> None:
        self.period_ns, self.kp, self.ki, self.lookback = period_ns, kp, ki, lookback
        self.tick = now_ns + period_ns
        self.history: list[float] = []
        self.came = self.taken = self.at_work = 0
        self.ratio = 0.0

    def run_until(self, now_ns: int, workers: int) -> None:
        """Each tick that is due."""
        while self.tick <= now_ns:
            self.tick += self.period_ns
            free = workers - self.at_work
            error = (self.came - self.taken - free) / (self.taken or workers)
            self.came = self.taken = 0
            self.history = [*self.history, error][-self.lookback :]
            self.ratio = 1 - math.exp(-self.kp * error - self.ki * math.fsum(self.history))


def ramp_share(now_ns: int, start_ns: int, from_share: float, step: float, every_ns: int) -> float:
    """The share of clients that are in, in steps from the start on; all before it."""
    if now_ns < start_ns:
        return 1.0
    return from_share + step * ((now_ns - start_ns) // every_ns)
