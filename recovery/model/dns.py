"""What a user may write of the DNS race and of the outage that follows it: the tables [dns] and [dns.window].

A Planner, Enactors, their delays and guardrails; and how long it takes people and caches until a record that has become
empty is of no consequence any more. `outages` makes the dependency's availability of it.
"""

import itertools
import math
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from recovery.model.distributions import Distribution, Time
from recovery.model.part import Part, Whole
from recovery.units import Duration, Number, PositiveDuration, Share

Guardrail = Literal["compare-and-set", "keep-active", "refuse-empty", "one-writer"]
GUARDRAILS: dict[Guardrail, str] = {
    "compare-and-set": "checks at every write, in the same transaction, that its plan is newer than the record's",
    "keep-active": "never deletes a plan that a record uses (asked in the same step)",
    "refuse-empty": "never writes a record whose plan is gone",
    "one-writer": "each endpoint is written by one Enactor only",
}
GENERATIONS_MAX = 10**6


def _lasting(value: Distribution) -> Distribution:
    if value.mean_s() <= 0:
        raise ValueError("want a duration above 0")
    return value


Lasting = Annotated[Time, AfterValidator(_lasting)]


def _constant(seconds: float) -> Distribution:
    return Distribution.constant(seconds)


class Delays(Part):
    """How long each step takes."""

    plan: Lasting = Field(description="from one plan of the Planner to the next")
    look: Lasting = Field(description="from the end of an Enactor's work, or a look in vain, to its next look")
    transaction: Lasting = Field(description="from the lock to the changed record")
    back_off: Lasting = Field(description="wait after the first lock that is lost")
    clean_up: Lasting = Field(description="time to delete old plans, after the last endpoint")
    check: Time = Field(
        default_factory=lambda: _constant(0.0), description="one more read, for each that a guardrail needs"
    )


class Lock(Part):
    """The lock of an endpoint, beside the Enactors themselves, and how the wait for it grows."""

    loses: Share = Field(0.0, description="share of first tries that find the lock taken by somebody else")
    loses_again: Share = Field(0.0, description="the same of later tries: above `loses`, the back-off is unfair")
    factor: Number = Field(1.0, ge=1, le=100, description="each wait is so many times as long as the one before")
    cap: PositiveDuration = Field(86_400.0, description="longest wait")

    @model_validator(mode="after")
    def _ends(self) -> "Lock":
        if self.loses_again >= 1:
            raise ValueError("want loses_again below 100%")
        return self


class Window(Part):
    """From the empty record to the last cached answer that says so. Times are means or distributions."""

    at: Duration = Field(0.0, description="when the record becomes empty")
    detect: Time = Field(description="until people know the cause")
    partial: Time | None = Field(None, description="from then until a part of the clients has a way round")
    partial_share: Share = Field(0.0, description="the share of clients that it helps")
    repair: Time = Field(description="from the detection until all records are right again, by hand")
    ttl: Duration = Field(5.0, description="how long resolvers keep a good answer")
    negative_ttl: Duration = Field(900.0, description="how long resolvers keep the answer that there is no address")
    grid: PositiveDuration = Field(60.0, description="steps in which the share of failing requests is told")


class Dns(Part):
    """Planner, Enactors and records: the race that can leave a record empty."""

    enactors: Whole = Field(3, ge=1, le=16, description="Enactors, which work independently")
    endpoints: Whole = Field(1, ge=1, le=10_000, description="records that a plan changes, in order")
    keep: Whole = Field(
        ge=1, le=GENERATIONS_MAX, description="plans this many generations older than an Enactor's own are deleted"
    )
    guardrails: tuple[Guardrail, ...] = Field((), description="what keeps the race from happening; any of them")
    delays: Delays = Field(description="a table [dns.delays]: how long each step takes")
    lock: Lock = Field(default_factory=lambda: Lock.model_validate({}))
    window: Window | None = Field(None, description="a table [dns.window]: the outage that follows")


# --- the window -------------------------------------------------------------------------------------------------------


class Moments(Part):
    """The window with its times drawn, in seconds."""

    empty: float
    partial: float
    repaired: float
    partial_share: float
    ttl: float
    negative_ttl: float


def fails_share(moments: Moments, t: float) -> float:
    """Share of requests that fail at t (s), since their resolver has the answer that there is no address.

    A resolver's good answer has an age that is uniform in the TTL when the record becomes empty, so they are lost one
    after another. At the repair the age of an answer that there is no address is uniform in the negative TTL (or in
    the time since the record became empty, if that is shorter), since resolvers are asked at random; it then runs out.
    """
    m = moments
    if t < m.empty:
        return 0.0
    until = min(t, m.repaired) - m.empty
    lost = 1.0 if m.ttl == 0 else min(1.0, until / m.ttl)
    if t >= m.repaired:
        left = m.repaired + m.negative_ttl - t
        lost *= min(1.0, max(left, 0.0) / min(m.negative_ttl, m.repaired - m.empty)) if left > 0 else 0.0
    return lost * (1.0 - m.partial_share if t >= m.partial else 1.0)


def steps(moments: Moments, grid_s: float) -> Iterator[tuple[float, float, float]]:
    """(from, to, share of requests that fail) in seconds, where the share is above 0; neighbours of one share are one.

    Each step of the grid has its mean share, so the sum over all steps of share times length is exact: the share is
    linear between the moments at which something changes, and those cut the grid.
    """
    end = moments.repaired + moments.negative_ttl
    empty, repaired = moments.empty, moments.repaired
    full = max(repaired, end - (repaired - empty))  # till then no answer of a short outage has run out
    cuts = {empty, min(empty + moments.ttl, repaired), repaired, full, end}
    cuts |= {moments.partial} if moments.partial < end else set()
    for i in range(math.floor(empty / grid_s), math.ceil(end / grid_s) + 1):
        if empty < i * grid_s < end:
            cuts.add(i * grid_s)
    last: tuple[float, float, float] | None = None
    for a, b in itertools.pairwise(sorted(cuts)):
        share = round(fails_share(moments, (a + b) / 2), 12)
        if last is not None and last[1] == a and last[2] == share:
            last = (last[0], b, share)
            continue
        if last is not None and last[2] > 0:
            yield last
        last = (a, b, share)
    if last is not None and last[2] > 0:
        yield last


def window_steps(window: Window, seed: int, replication: int = 0) -> list[tuple[float, float, float]]:
    """The window with its times drawn (stream WINDOW), as `steps`: (from, to, share of requests that fail), seconds."""
    import numpy as np
    from recovery_kernels import dns as kernel
    from recovery_kernels import draws

    key = np.uint64(draws.stream_key(*(np.uint64(n) for n in (seed, replication, kernel.WINDOW, 0))))
    detect_s, partial_s, repair_s = (
        0.0 if time is None else _drawn(time, float(draws.uniform(key, i, 0)))
        for i, time in enumerate((window.detect, window.partial, window.repair))
    )
    known = window.at + detect_s
    moments = Moments(
        empty=window.at,
        partial=known + partial_s,
        repaired=known + repair_s,
        partial_share=window.partial_share if window.partial is not None else 0.0,
        ttl=window.ttl,
        negative_ttl=window.negative_ttl,
    )
    return list(steps(moments, window.grid))


def _drawn(time: Distribution, u: float) -> float:
    """Quantile u of a time, to the microsecond."""
    from scipy import stats

    mean = time.mean_s()
    if time.dist == "constant":
        return mean
    if time.dist == "empirical":
        return float(time.values_s[int(u * len(time.values_s))])
    sigma = math.sqrt(math.log1p((time.cv or 0.0) ** 2))
    shape, tail = time.shape or 1.0, time.tail or 2.0
    found = {
        "uniform": lambda: stats.uniform.ppf(u, time.min or 0.0, (time.max or 0.0) - (time.min or 0.0)),
        "exponential": lambda: stats.expon.ppf(u, scale=mean),
        "lognormal": lambda: stats.lognorm.ppf(u, sigma, scale=mean * math.exp(-(sigma**2) / 2)),
        "weibull": lambda: stats.weibull_min.ppf(u, shape, scale=mean / math.gamma(1 + 1 / shape)),
        "pareto": lambda: stats.pareto.ppf(u, tail, scale=mean * (tail - 1) / tail),
    }[time.dist]()
    return round(float(found), 6)
