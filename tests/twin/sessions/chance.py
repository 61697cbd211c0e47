"""Draws by address, for classes too.

The addresses are those of `recovery_kernels.draws`: (seed, replication, stream, host, client, attempt). A class has
streams of its own: class k draws from stream `s + 64 k` where the first version draws from `s`, so the first class has
today's.
"""

import numpy as np
from recovery_kernels import draws

from twin.sessions.scenario import FAR_NS, Dist

SERVICE, TIMEOUT, RETRY, CHECK = draws.SERVICE, draws.TIMEOUT, draws.RETRY, draws.CHECK
LEASE, DEPENDENCY, ARRIVAL = draws.LEASE, draws.DEPENDENCY, draws.ARRIVAL
ADMISSION = draws.ADMISSION
# New streams. In brackets what stands for (client, attempt), where it is something else.
NOTICE, FIRST_DELAY = 32, 33  # the attempt that follows
BAR, BAR_TIME = 34, 35
RESEND = 36  # of a stream for each attempt: (client, how many of it were sent again)
HINT = 37
EXPIRE = 38  # (client, how many of its leases ran out before)
STALE, STALE_DEPENDENCY = 39, 40  # (0, how many such services of this class have started here)
PROBE = 41  # (0, how many probes were sent)
RESUME = 42  # (0, how many full outages were over before)
CONTROLLER = 43  # of a stream for each controller, question and event
CLIENT = 44  # (client, 0)
GAP = 45
GATE = 46  # of a stream for each gate: (client, attempt)
CLASS_STREAMS = 64
_UNIT = np.uint64


class Chance:
    """The draws of one host."""

    def __init__(self, seed: int, replication: int, host: int) -> None:
        """`host` is the number that it has in the fleet."""
        self.address = (seed, replication, host)
        self.keys: dict[tuple[int, int], np.uint64] = {}

    def key(self, stream: int, number: int) -> np.uint64:
        """Key of a class's stream."""
        if (stream, number) not in self.keys:
            seed, replication, host = (_UNIT(part) for part in self.address)
            key = draws.stream_key(seed, replication, _UNIT(stream + CLASS_STREAMS * number), host)
            self.keys[stream, number] = _UNIT(key)
        return self.keys[stream, number]

    def uniform(self, stream: int, number: int, client: int, attempt: int) -> float:
        """Strictly between 0 and 1."""
        return float(draws.uniform(self.key(stream, number), client, attempt))

    def time(self, dist: Dist, stream: int, number: int, client: int, attempt: int) -> float:
        """A time that is drawn, ns, not yet whole."""
        if dist.kind == "constant":
            return dist.a
        return quantile(dist, self.uniform(stream, number, client, attempt))

    def time_ns(self, dist: Dist, stream: int, number: int, client: int, attempt: int) -> int:
        """A time that is drawn, in whole ns."""
        return whole_ns(self.time(dist, stream, number, client, attempt))

    def answer(self, number: int, question: int, client: int, attempt: int) -> float:
        """The draw of a controller's answer to a question."""
        key = _UNIT(draws.at(self.key(CONTROLLER, number), question))
        return float(draws.uniform(key, client, attempt))

    def ramp(self, gate: int | None, number: int, client: int, attempt: int) -> float:
        """The draw of a ramp: of admission (None), or of a gate."""
        if gate is None:
            return self.uniform(ADMISSION, number, client, attempt)
        return float(draws.uniform(_UNIT(draws.at(self.key(GATE, number), gate)), client, attempt))

    def gap_ns(self, dist: Dist, number: int, client: int, attempt: int, sent: int, growth: float) -> int:
        """The time until an attempt is sent again, after it was for the `sent`-th time (from 0)."""
        gap = dist.a
        if dist.kind != "constant":
            key = _UNIT(draws.at(self.key(RESEND, number), attempt))
            gap = quantile(dist, float(draws.uniform(key, client, sent)))
        for _ in range(sent if growth != 1.0 else 0):
            before, gap = gap, min(gap * growth, float(FAR_NS))
            if gap == before:
                break
        return whole_ns(gap)


def quantile(dist: Dist, u: float) -> float:
    """The value of a distribution that belongs to a uniform draw, as `recovery_kernels.draws.quantile` has it."""
    if dist.kind == "exponential":
        return max(-dist.a * float(draws.log(u)), 0.0)
    if dist.kind == "uniform":
        return dist.a + (dist.b - dist.a) * u
    if dist.kind == "empirical":
        return dist.values[int(u * len(dist.values))]
    if dist.kind == "lognormal":
        return float(draws.exp(dist.a + dist.b * float(draws.normal(u))))
    if dist.kind == "weibull":
        return dist.a * float(draws.power(max(-float(draws.log(u)), 0.0), 1.0 / dist.b))
    if dist.kind == "pareto":
        return dist.a * float(draws.exp(-float(draws.log(u)) / dist.b))
    return dist.a


def power(x: float, y: float) -> float:
    """x to the power y, the same on every machine."""
    return float(draws.power(x, y))


def exponential_step(u: float) -> float:
    """The exponential of mean 1 that belongs to a uniform draw."""
    return max(-float(draws.log(u)), 0.0)


def whole_ns(time: float) -> int:
    """A time in whole nanoseconds, cut off at FAR_NS."""
    return int(min(time, float(FAR_NS)) + 0.5)
