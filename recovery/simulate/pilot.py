"""How long a run takes: small runs of the same kernels, and what they cost scaled up. For `recovery check`.

Of hosts in simulate/pilot_hosts.py, of what follows them in simulate/pilot_later.py; here a file's variants share the
time that there is. It decides no result, so it may be made better without new results.
"""

import itertools
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from recovery_kernels.arrays import Real

from recovery.model.scenario import Scenario
from recovery.model.variant import Variant
from recovery.simulate import needed, pilot_hosts, pilot_later, reuse
from recovery.simulate.estimate import Estimate
from recovery.simulate.pilot_hosts import ENDED, NEAR, Tried
from recovery.stages.outage import resolve
from recovery.units import duration_s

ALL_S = 0.25  # of all pilots of a file
WITH_KERNELS_S = 0.4  # of them and of having the kernels in memory: where these take long, pilots are shorter
LEAST_SHARE = 0.5  # but not by more than to so much
AT_ONCE = 12  # variants that share it at least; further ones are tried out while some is left
SIDES = 1.5  # times as far as the nearest that was tried: those about a variant that was not
AT_ONCE_LATER = 4  # of those with later stages, whose pilots take longer


def into(need: Estimate, found: Tried) -> Estimate:
    """An estimate with what the pilot found in place of what was reckoned."""
    return replace(
        need,
        events=found.events,
        cpu_s=found.cpu_s,
        low_s=found.low_s,
        high_s=found.high_s,
        hosts_share=found.hosts_share,
    )


def is_ready(scenario: Scenario) -> bool:
    """Whether every kernel that the scenario needs is compiled, so that a pilot is quick."""
    return not needed.missing(part for part in needed.parts_of(scenario) if part is not needed.RACE)


def tried(
    variants: Sequence[Variant],
    seed: int,
    budget_s: float = ALL_S,
    replications: int = 1,
    shared: Sequence[reuse.Shared] | None = None,
) -> list[Tried]:
    """What a run of each variant takes, in the mean over replications; `shared` is what `reuse.shared` says of them.

    Variants are tried out in an order in which each next one is the farthest from those before, while there is time;
    the others take what lies between, weighed by distance in names and levers. Hosts that several share are tried out
    once. What is left goes to second replications.
    """
    begun = time.thread_time()
    _loaded(resolve(variants[0], seed, 0).scenario, seed)
    spare_s = WITH_KERNELS_S - (time.thread_time() - begun)
    budget_s = min(budget_s, max(spare_s, LEAST_SHARE * budget_s))
    shared = reuse.shared([(variant, seed, 0) for variant in variants]) if shared is None else shared
    keys = [one.key or f"of variant {number}" for number, one in enumerate(shared)]
    places, has_later = _places(variants), variants[0].scenario.launches is not None
    order, pilots = _farthest(places), _Pilots(seed)
    first = list(itertools.islice(order, AT_ONCE))
    kinds = list({keys[i]: i for i in reversed(first)}.values())[::-1]  # of hosts
    left_s, least = budget_s, 2 if replications > 1 else 1  # one takes at most so much of what is left
    hosts_s = budget_s / 2 if has_later else budget_s
    for number, i in enumerate(kinds):
        spent_s = pilots.hosts(variants[i], keys[i], max(hosts_s, 0.0) / max(len(kinds) - number, least)).spent_s
        left_s, hosts_s = left_s - spent_s, hosts_s - spent_s
    found: dict[int, Tried] = {}
    each = min(len(first), AT_ONCE_LATER if has_later else AT_ONCE)
    for i in dict.fromkeys([*kinds, *first, *order]):
        begun = time.thread_time()
        found[i] = pilots.run(variants[i], keys[i], max(left_s, 0.0) / max(each - len(found), least))
        left_s -= time.thread_time() - begun
        if len(found) >= each and left_s < budget_s / each:
            break
    for i in list(found):
        begun = time.thread_time()
        if replications > 1 and found[i].is_whole and found[i].spent_s < left_s / 2:
            found[i] = _either(found[i], pilots.run(variants[i], None, left_s / 2, replication=1))
            left_s -= time.thread_time() - begun
    told = _between(places, found)
    return [one if i in found else pilots.with_hosts(one, keys[i]) for i, one in enumerate(told)]


def _loaded(scenario: Scenario, seed: int) -> None:
    """Have the kernels in memory before anything is timed."""
    pilot_hosts.run(scenario, seed, 0, 1, scenario.host.workers, 1.0, 0.0)
    if scenario.launches is not None:
        pilot_later.later(scenario, seed, np.ones(scenario.windows), 0.0)


def _either(one: Tried, other: Tried) -> Tried:
    """Two replications: their mean, and a range that holds both."""
    return replace(
        one,
        cpu_s=(one.cpu_s + other.cpu_s) / 2,
        events=(one.events + other.events) / 2,
        hosts_share=(one.hosts_share + other.hosts_share) / 2,
        low_s=min(one.low_s, other.low_s),
        high_s=max(one.high_s, other.high_s),
    )


def _places(variants: Sequence[Variant]) -> Real:
    """float64[variants, axes]: where they lie: the values of levers from 0 to 1, words and names as far as can be."""
    axes = [np.unique([variant.name for variant in variants], return_inverse=True)[1]]
    columns = [np.eye(axes[0].max() + 1)[axes[0]] / 2**0.5]
    for key in dict.fromkeys(key for variant in variants for key, _ in variant.levers):
        values = [dict(variant.levers).get(key) for variant in variants]
        if all(_number(value) is not None for value in values):
            numbers = np.array([_number(value) for value in values], float)
            ranks = np.unique(numbers, return_inverse=True)[1]
            columns.append((ranks / max(ranks.max(), 1))[:, None])
        else:
            words = np.unique([repr(value) for value in values], return_inverse=True)[1]
            columns.append(np.eye(words.max() + 1)[words] / 2**0.5)
    return np.concatenate(columns, axis=1)


def _number(value: object) -> float | None:
    """A lever's value as a number: so many seconds, or what stands before a unit."""
    try:
        return float(value) if isinstance(value, int | float) else duration_s(str(value))
    except ValueError:
        found = re.match(r"\d+(\.\d+)?(?=\s*(/|%|$))", str(value))
        return float(found[0]) if found else None


def _distances(places: Real, i: int) -> Real:
    return np.asarray(np.sqrt(((places - places[i]) ** 2).sum(axis=1)))


def _farthest(places: Real) -> Iterator[int]:
    """All variants, each next one the farthest from those before."""
    i, distance = 0, np.full(len(places), np.inf)
    for _ in range(len(places)):
        yield i
        distance = np.minimum(distance, _distances(places, i))
        distance[i] = -1.0
        i = int(distance.argmax())


def _between(places: Real, found: dict[int, Tried]) -> list[Tried]:
    """Each variant by those that were tried out: logarithms, weighed by the inverse square of the distance. How far
    that is off is told by those that were tried out, each from the others.
    """
    known = list(found)
    if len(known) == len(places):
        return [found[i] for i in range(len(places))]
    logs = np.log(
        [
            [max(t.cpu_s, 1e-9), max(t.low_s, 1e-9), max(t.high_s, 1e-9), t.events + 1, max(t.hosts_share, 1e-9)]
            for t in found.values()
        ]
    )

    def weighed(i: int, among: list[int]) -> Real:
        weights = 1 / (_distances(places, i)[[known[j] for j in among]] ** 2 + 1e-6)
        weights /= (logs[among, 2] - logs[among, 1]) ** 2  # a wide range tells less
        return np.asarray(weights @ logs[among] / weights.sum())

    everyone = list(range(len(known)))
    apart = [logs[j, 0] - weighed(known[j], [k for k in everyone if k != j])[0] for j in everyone]
    wider = float(np.exp(np.sqrt(np.mean(np.square(apart)))))
    told = []
    for i in range(len(places)):
        if i in found:
            told.append(found[i])
            continue
        cpu_s, low_s, high_s, events, hosts_share = np.exp(weighed(i, everyone)).tolist()
        apart_by = _distances(places, i)[known]
        near = [found[j] for j, by in zip(known, apart_by, strict=True) if by <= SIDES * apart_by.min()]
        if max(one.cpu_s for one in near) > ENDED * min(one.cpu_s for one in near):  # a cliff may lie between them
            low_s, high_s = min(one.low_s for one in near), max(one.high_s for one in near)
        told.append(Tried(cpu_s, low_s / wider, high_s * wider, events, False, hosts_share))
    return told


class _Pilots:
    """Pilots of variants; hosts that several variants share (the same key of recovery.simulate.reuse) are tried out
    once.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._hosts: dict[str, _Hosts] = {}

    def hosts(self, variant: Variant, key: str | None, budget_s: float, replication: int = 0) -> "_Hosts":
        """What all hosts take, in so much time if they were not tried out yet."""
        if key is not None and key in self._hosts:
            return self._hosts[key]
        begun = time.thread_time()
        scenario = resolve(variant, self._seed, replication).scenario
        found = _Hosts(*pilot_hosts.hosts(scenario, self._seed, replication, budget_s), time.thread_time() - begun)
        if key is not None:
            self._hosts[key] = found
        return found

    def run(self, variant: Variant, key: str | None, budget_s: float, replication: int = 0) -> Tried:
        """What a run takes, its later stages too."""
        has_later, begun = variant.scenario.launches is not None, time.thread_time()
        hosts = self.hosts(variant, key, budget_s / 2 if has_later else budget_s, replication)
        if not has_later:
            return replace(hosts.tried, spent_s=hosts.spent_s)
        left_s, later = budget_s - (time.thread_time() - begun), time.thread_time()
        scenario = resolve(variant, self._seed, replication).scenario
        more_s, more, is_all = pilot_later.later(scenario, self._seed, hosts.leased, max(left_s, budget_s / 4))
        found = _with_later(hosts.tried, more_s, more, is_all=is_all)
        return replace(found, spent_s=hosts.spent_s + time.thread_time() - later)

    def with_hosts(self, told: Tried, key: str | None) -> Tried:
        """What was told of a run, with what its own hosts take, if these were tried out."""
        if key not in self._hosts or told.hosts_share >= 1:
            return told
        later = 1 - told.hosts_share
        return _with_later(self._hosts[key].tried, told.cpu_s * later, told.events * later, is_all=False)


def _with_later(hosts: Tried, more_s: float, more: float, *, is_all: bool) -> Tried:
    """A run of these hosts, and of later stages that take so much time for so many events."""
    factor = NEAR if is_all else ENDED
    cpu_s = hosts.cpu_s + more_s
    return Tried(
        cpu_s,
        hosts.low_s + more_s / factor,
        hosts.high_s + more_s * factor,
        hosts.events + more,
        hosts.is_whole and is_all,
        hosts.cpu_s / max(cpu_s, 1e-9),
    )


@dataclass(frozen=True)
class _Hosts:
    tried: Tried
    leased: Real  # share of leases at the end of each window
    spent_s: float
