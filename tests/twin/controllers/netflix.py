"""Limits of concurrency of Netflix concurrency-limits: AIMD, Vegas, Gradient2, and the window before them.

Whole numbers as Java has them: times in ns, limits cut to whole numbers where the original casts.
"""

import math


class Aimd:
    """+1 for each request that is in time while half the limit is in use, × backoff for a drop."""

    def __init__(self, initial: int, least: int, most: int, backoff: float, timeout_ns: int) -> None:
        self.limit, self.least, self.most, self.backoff, self.timeout_ns = initial, least, most, backoff, timeout_ns

    def on_sample(self, rtt: int, inflight: int, did_drop: bool, u: float) -> None:
        """A request is over."""
        if did_drop or rtt > self.timeout_ns:
            self.limit = int(self.limit * self.backoff)
        elif 2 * inflight >= self.limit:
            self.limit += 1
        self.limit = sorted((self.least, self.limit, self.most))[1]


class Vegas:
    """The queue is what the limit would hold beyond the time without load."""

    def __init__(self, initial: int, most: int, smoothing: float, multiplier: float, u: float) -> None:
        self.estimate, self.most, self.smoothing, self.multiplier = float(initial), most, smoothing, multiplier
        self.no_load: int | None = None
        self.samples_since_probe = 0
        self.jitter = 0.5 + u / 2

    @property
    def limit(self) -> int:
        """What is in force."""
        return int(self.estimate)

    def on_sample(self, rtt: int, inflight: int, did_drop: bool, u: float) -> None:
        """A request is over; `u` is for the next probe's jitter."""
        if rtt == 0:
            return
        self.samples_since_probe += 1
        if self.samples_since_probe >= self.jitter * self.multiplier * self.estimate:
            self.samples_since_probe, self.jitter, self.no_load = 0, 0.5 + u / 2, rtt
        elif self.no_load is None or rtt < self.no_load:
            self.no_load = rtt
        else:
            self.update(rtt, self.no_load, inflight, did_drop)

    def update(self, rtt: int, no_load: int, inflight: int, did_drop: bool) -> None:
        """Thresholds are 3, 6 and 1 times the logarithm of the limit to base 10, whole, at least 1."""
        log = max(1, len(str(self.limit)) - 1)
        alpha, beta, threshold = 3 * log, 6 * log, log
        queue = math.ceil(self.estimate * (1 - no_load / rtt))
        if did_drop:
            change = -log
        elif inflight * 2 < self.estimate:
            change = 0
        elif queue <= threshold:
            change = beta
        elif queue < alpha:
            change = log
        else:
            change = -log if queue > beta else 0
        if change:
            new = max(1.0, min(float(self.most), self.estimate + change))
            self.estimate = (1 - self.smoothing) * self.estimate + self.smoothing * new


class LongMean:
    """The mean of the first ten, then exponential with the weight 2 / (n + 1)."""

    def __init__(self, window: float) -> None:
        self.first: list[int] = []
        self.value, self.factor = 0.0, 2.0 / (window + 1)

    def add(self, sample: int) -> float:
        """One more, and the mean with it."""
        if len(self.first) < 10:
            self.first.append(sample)
            self.value = float(sum(self.first)) / len(self.first)
        else:
            self.value = self.value * (1 - self.factor) + sample * self.factor
        return self.value


class Gradient2:
    """The limit times how the long mean compares with the sample, plus a queue."""

    def __init__(
        self, initial: int, least: int, most: int, smoothing: float, queue: float, window: float, tolerance: float
    ) -> None:
        self.estimate, self.least, self.most = float(initial), least, most
        self.smoothing, self.queue, self.tolerance = smoothing, queue, tolerance
        self.long = LongMean(window)

    @property
    def limit(self) -> int:
        """What is in force."""
        return int(self.estimate)

    def on_sample(self, rtt: int, inflight: int, did_drop: bool, u: float) -> None:
        """A sample; drops are nothing to it."""
        if rtt == 0:
            return
        long = self.long.add(rtt)
        if long / rtt > 2:
            self.long.value *= 0.95
        if inflight < self.estimate / 2:
            return
        gradient = max(0.5, min(1.0, self.tolerance * long / rtt))
        new = self.estimate * gradient + self.queue
        new = self.estimate * (1 - self.smoothing) + new * self.smoothing
        self.estimate = max(float(self.least), min(float(self.most), new))


class Windowed:
    """Gathers samples for another limit, which hears one for each window of ten or more."""

    def __init__(self, inner: "Aimd | Vegas | Gradient2", window_ns: int) -> None:
        self.inner, self.window_ns, self.next_update = inner, window_ns, 0
        self.samples: list[tuple[int, int, bool]] = []

    @property
    def limit(self) -> int:
        """What is in force."""
        return self.inner.limit

    def on_sample(self, now: int, rtt: int, inflight: int, did_drop: bool, u: float) -> None:
        """A request is over at `now`."""
        if self.window_ns == 0:
            self.inner.on_sample(rtt, inflight, did_drop, u)
            return
        if rtt < 100_000:
            return
        self.samples.append((rtt, inflight, did_drop))
        if now > self.next_update:
            rtts, inflights, drops = zip(*self.samples, strict=True)
            self.samples, self.next_update = [], now + self.window_ns
            if len(rtts) >= 10:
                self.inner.on_sample(sum(rtts) // len(rtts), max(inflights), any(drops), u)
