"""Leases (MODEL.md, section 2): droplets spread over hosts, in their steady state when the run starts; which hosts
stand for the others where only some are simulated.
"""

import heapq
from dataclasses import dataclass

import numpy as np

from kernels import draws
from recovery.scenario import Scenario
from recovery.stages import host as hosts
from recovery.stages import queueing


def droplets_of(scenario: Scenario) -> np.ndarray:
    """Droplets of each host, int64[hosts]; they sum to fleet.droplets and every host has one.

    With skew they are lognormal: host h has the quantile (h + 1/2) / hosts.
    """
    fleet = scenario.fleet
    if fleet is None:
        raise ValueError("no [fleet]")
    weights = np.ones(fleet.hosts)
    if fleet.skew > 0:
        sigma = float(np.sqrt(np.log1p(fleet.skew**2)))
        places = (np.arange(fleet.hosts) + 0.5) / fleet.hosts
        weights = np.array([float(f"{draws.exp(sigma * draws.normal(place)):.12g}") for place in places])
    exact = weights / weights.sum() * (fleet.droplets - fleet.hosts)
    counts = np.floor(exact).astype(np.int64)
    left = fleet.droplets - fleet.hosts - int(counts.sum())
    counts[np.argsort(counts - exact, kind="stable")[:left]] += 1
    return np.asarray(counts + 1)


SIZES = 8  # of an uneven fleet: at most so many classes of hosts by size


@dataclass(frozen=True)
class Stratum:
    """Hosts of one zone that are more alike than others, and those of them that are simulated.

    `of_hosts` hosts hold `of_droplets` droplets; `hosts`, int64 in rising order, are simulated and hold `droplets`.
    """

    zone: int
    of_hosts: int
    of_droplets: int
    hosts: np.ndarray
    droplets: int


def strata(scenario: Scenario, seed: int, replication: int) -> list[Stratum]:
    """The fleet in strata, with the hosts of each that are simulated: all, or `fleet.sample_hosts` in all.

    Without a sample a stratum is a zone. With one it is the hosts of a zone that have the same controls (they are
    restarted in one wave) and lie in one of 8 classes of size with about as many droplets each (one class, if the
    spread is even). Each stratum gives two hosts, or there is no telling how they differ; where that is more than the
    sample, waves fall together, then there are fewer classes of size. What is left of the sample goes, host by host,
    to where most droplets stand behind each. Hosts of a stratum are taken evenly spaced in the order of controls, size
    and number, from a place that is drawn: by seed and replication alone, so that policies with the same controls meet
    the same hosts.
    Source: Cochran, Sampling Techniques, 3rd edition 1977, chapters 5 and 8.
    """
    fleet = scenario.fleet
    if fleet is None:
        raise ValueError("no [fleet]")
    sizes = droplets_of(scenario)
    zone = np.arange(fleet.hosts) % fleet.zones
    if fleet.sample_hosts is None:
        own = [np.flatnonzero(zone == z) for z in range(fleet.zones)]
        return [_stratum(z, sizes, part, part) for z, part in enumerate(own)]
    wave = _waves(scenario)
    most = SIZES if fleet.skew > 0 else 1
    for by_wave, classes in [(1, most), *((0, count) for count in range(most, 0, -1))]:
        key = np.stack([zone, by_wave * wave, _classes(sizes, classes)])
        of_hosts = np.unique(key, axis=1, return_counts=True)[1]
        if np.minimum(of_hosts, 2).sum() <= fleet.sample_hosts:
            break
    order = np.lexsort((sizes, wave, *key[::-1]))  # the last is the first to decide; ties stay in order of number
    parts = np.split(order, np.cumsum(of_hosts)[:-1])
    taken = _taken([int(sizes[part].sum()) for part in parts], of_hosts.tolist(), fleet.sample_hosts)
    start = np.empty(len(parts))
    draws.uniforms(hosts.stream_key(seed, replication, draws.PHASE, fleet.hosts), start)  # the host after the last
    return [
        _stratum(int(zone[part[0]]), sizes, part, part[_spaced(count, len(part), place)])
        for part, count, place in zip(parts, taken, start, strict=True)
    ]


def _stratum(zone: int, sizes: np.ndarray, of_hosts: np.ndarray, hosts: np.ndarray) -> Stratum:
    return Stratum(zone, len(of_hosts), int(sizes[of_hosts].sum()), np.sort(hosts), int(sizes[hosts].sum()))


def _waves(scenario: Scenario) -> np.ndarray:
    """int64[hosts], the same number for hosts with the same controls, rising with these. What waits for a condition
    counts as if it came at once: what matters is who shares a wave.
    """
    started = [(i, 0.0) for i, action in enumerate(scenario.operator) if action.when is not None]
    seen: dict[tuple[queueing.Control, ...], int] = {}
    own = [seen.setdefault(tuple(queueing.controls_of(scenario, h, started)), len(seen)) for h in range(scenario.hosts)]
    rising = sorted(seen)
    place = np.empty(len(rising), np.int64)
    place[[seen[controls] for controls in rising]] = np.arange(len(rising))
    return np.asarray(place[own])


def _classes(sizes: np.ndarray, count: int) -> np.ndarray:
    """int64[hosts], the class of size, 0 to `count` - 1, of each host: each class has about as many droplets."""
    order = np.argsort(sizes, kind="stable")
    rising = sizes[order]
    classes = np.empty(len(sizes), np.int64)
    classes[order] = (2 * np.cumsum(rising) - rising) * count // (2 * int(sizes.sum()))
    return classes


def _taken(droplets: list[int], hosts: list[int], wanted: int) -> list[int]:
    """How many hosts of each stratum are simulated: two, or its only one; the rest of `wanted` where most droplets
    stand behind each.
    """
    taken = [min(count, 2) for count in hosts]
    waiting = [(-droplets[i] / taken[i], i) for i in range(len(taken)) if taken[i] < hosts[i]]
    heapq.heapify(waiting)
    for _ in range(wanted - sum(taken)):
        _, i = heapq.heappop(waiting)
        taken[i] += 1
        if taken[i] < hosts[i]:
            heapq.heappush(waiting, (-droplets[i] / taken[i], i))
    return taken


def _spaced(count: int, among: int, start: float) -> np.ndarray:
    """So many places from 0 to `among` - 1, evenly spaced; `start`, 0 to 1, says where in its step the first lies."""
    return np.minimum(((np.arange(count) + start) * among / count).astype(np.int64), among - 1)


def start(
    scenario: Scenario, seed: int, replication: int, host: int, droplets: int, controls: list[queueing.Control]
) -> hosts.HostRun:
    """A host in its steady state at t = 0: phases uniform, each lease as fresh as its last check.

    Droplets are numbered in the order of their first check, so that those who are neighbours in time are neighbours in
    memory.
    """
    table = queueing.Table()
    params = queueing.params(scenario, table)
    inputs = queueing.inputs(controls, table)
    keys = hosts.stream_keys(seed, replication, host)
    run = hosts.new_host(
        params, inputs, keys, clients=droplets, windows=scenario.windows, span_ns=queueing.span_ns(scenario)
    )
    phase = np.empty(droplets)
    draws.uniforms(hosts.stream_key(seed, replication, draws.PHASE, host), phase)
    first = (np.sort(phase) * params.check_every_ns).astype(np.int64)
    length = np.empty(droplets)
    draws.draws(params.lease.duration, inputs.table, keys.lease, length)
    whole = (np.minimum(length, draws.FAR_NS) + 0.5).astype(np.int64) + params.lease.grace_ns
    expires = first - params.check_every_ns + np.minimum(whole, draws.FAR_NS)
    hosts.wake_holders(run, first, expires)
    return run
