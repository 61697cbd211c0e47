"""When jobs come (section 1), and what operators do to that (section 14)."""

import math
from typing import TYPE_CHECKING

from twin.sessions import chance, events
from twin.sessions.events import Timer

if TYPE_CHECKING:
    from twin.sessions.host import TwinHost


class Arrivals:
    """When the jobs of a class come: where the rate, added up over time, reaches the sum of the steps (section 1)."""

    def __init__(self, host: "TwinHost", number: int) -> None:
        """`host` knows the rate as it is now; the first step is drawn."""
        self.host, self.number = host, number
        steps = host.scenario.classes[number].arrivals
        self.rates = [rate for _, rate in steps]
        self.ends = [*(float(begin) for begin, _ in steps[1:]), math.inf]
        self.at = 0.0  # up to where the sum was followed
        self.jobs = 0
        self.left = self.step()  # how much it must grow until the next job
        self.comes = math.inf
        self.given: float | None = host.settings.get("rate_per_ns", number)
        self.share = host.arrival_share
        self.timer: Timer | None = None

    def step(self) -> float:
        """From one job to the next: exponential, or 1 from a random phase."""
        if self.host.class_of(self.number).is_poisson:
            return chance.exponential_step(self.host.chance.uniform(chance.ARRIVAL, self.number, self.jobs, 0))
        return 1.0 if self.jobs else self.host.chance.uniform(chance.ARRIVAL, self.number, 0, 0)

    def segment(self, at: float) -> int:
        """The step of the scenario that holds at a time."""
        return next(k for k, end in enumerate(self.ends) if at < end)

    def rate(self, segment: int) -> float:
        """The rate of a step, or what an operator made of it, of a host that shares the arrivals."""
        return float(self.rates[segment] if self.given is None else self.given) * self.share

    def arm(self) -> None:
        """The timer of the next job. What was armed before is forgotten."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        at, left, segment = self.at, self.left, self.segment(self.at)
        while self.rate(segment) <= 0.0 or at + left / self.rate(segment) >= self.ends[segment]:
            if segment == len(self.ends) - 1:
                return
            left -= (self.ends[segment] - at) * self.rate(segment)
            at = self.ends[segment]
            segment += 1
        self.comes = at + left / self.rate(segment)
        time = max(int(self.comes + 0.5), self.host.now)
        self.timer = self.host.add(time, events.SUBMISSION, self.come, self.number, self.jobs)

    def come(self) -> None:
        """A job arrives."""
        who = self.jobs
        self.jobs += 1
        self.at, self.left = self.comes, self.step()
        self.arm()
        self.host.arrive(self.number, who)

    def change(self) -> None:
        """The rate changes now: what the sum has grown until now stays. A job that is due at this very moment comes."""
        now = self.host.now
        is_due = self.timer is not None and self.timer.time <= now
        while self.at < now and not is_due:
            segment = self.segment(self.at)
            end = min(self.ends[segment], float(now))
            self.left = max(self.left - (end - self.at) * self.rate(segment), 0.0)
            self.at = end
        self.given, self.share = self.host.settings.get("rate_per_ns", self.number), self.host.arrival_share
        if not is_due:
            self.arm()
