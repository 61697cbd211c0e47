"""The outage, before all stages: when the dependency is away in one replication.

A scenario says it in [dependency], or [dns.window] draws it, for each replication its own. `resolve` gives the scenario
as one replication meets it; whatever needs outages asks that one.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import NamedTuple

from recovery.model.dependency import Outage
from recovery.model.distributions import Distribution
from recovery.model.dns import Window
from recovery.model.scenario import Scenario
from recovery.model.variant import Variant


def resolve(variant: Variant, seed: int, replication: int) -> Variant:
    """The variant as one replication meets it: with the outages that its [dns.window] draws for it. As it is without
    one, and where they are drawn already.

    Raises nothing: an outage that is drawn longer than the horizon is not over when the run ends.
    """
    dns = variant.scenario.dns
    if dns is None or dns.window is None or variant.scenario.is_drawn:
        return variant
    drawn = window_steps(dns.window, seed, replication)
    outages = tuple(Outage.model_construct(start=a, end=b, fails=share) for a, b, share in drawn)
    return replace(variant, scenario=variant.scenario.with_outages(outages))


class Away(NamedTuple):
    """While it lasts, this share of the requests fails."""

    from_s: float
    to_s: float
    fails_share: float


def outages_of(scenario: Scenario) -> list[Away]:
    """What the dependency does in a resolved scenario, in order of time."""
    return [Away(outage.start, outage.end, outage.fails) for outage in scenario.outages]


@dataclass(frozen=True)
class Moments:
    """A window with its times drawn, in seconds."""

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


def steps(moments: Moments, grid_s: float) -> Iterator[Away]:
    """The stretches of one share of requests that fail, where it is above 0; neighbours of one share are one.

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
    last: Away | None = None
    for a, b in itertools.pairwise(sorted(cuts)):
        share = round(fails_share(moments, (a + b) / 2), 12)
        if last is not None and last.to_s == a and last.fails_share == share:
            last = last._replace(to_s=b)
            continue
        if last is not None and last.fails_share > 0:
            yield last
        last = Away(a, b, share)
    if last is not None and last.fails_share > 0:
        yield last


def window_steps(window: Window, seed: int, replication: int = 0) -> list[Away]:
    """The window with its times drawn (stream WINDOW), as `steps`."""
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
    mean = time.mean_s()
    if time.dist == "constant":
        return mean
    if time.dist == "empirical":
        return float(time.values_s[int(u * len(time.values_s))])
    sigma = math.sqrt(math.log1p((time.cv or 0.0) ** 2))
    shape, tail = time.shape or 1.0, time.tail or 2.0
    laws: dict[str, Callable[[], float]] = {
        "uniform": lambda: (time.min or 0.0) + u * ((time.max or 0.0) - (time.min or 0.0)),
        "exponential": lambda: -mean * math.log1p(-u),
        "lognormal": lambda: mean * math.exp(sigma * NormalDist().inv_cdf(u) - sigma**2 / 2),
        "weibull": lambda: mean / math.gamma(1 + 1 / shape) * math.pow(-math.log1p(-u), 1 / shape),
        "pareto": lambda: mean * (tail - 1) / tail * math.pow(1 - u, -1 / tail),
    }
    return round(laws[time.dist](), 6)
