"""Which hosts stand for the fleet where only some are simulated, for how many holders each, and how sure that is.

The sizes of all hosts are known before any is run, and what decides a host's recovery is its size and what operators do
to it; the rest is chance, and independent from host to host (MODEL.md, section 10). So the largest hosts are always
taken, the others by a draw, and a host that is not simulated is told from those that are next to it in size.
"""

import heapq
from dataclasses import dataclass

import numpy as np
from recovery_kernels import draws

from recovery.kept import Kept
from recovery.model.scenario import Scenario
from recovery.stages import host as hosts
from recovery.stages import leases, queueing
from recovery.stages.doubt import Doubt
from recovery.statistics.arrays import Flags, Floats, Whole

ALWAYS_SHARE = 0.5  # a host is always taken if it holds so much of what one host of the sample stands for
ALIKE = 0.05  # hosts whose sizes differ by no more than this share are as one place on the line of sizes
EDGES = np.array([0.0, 0.1, 0.3, 0.5, 0.7, 0.85, 0.93, 0.97, 1.0])  # parts of the predicted share: a variance each
KNOWN = 1 - 1e-12

Counts = Whole | np.ndarray[tuple[int, ...], np.dtype[np.int32]]


@dataclass(frozen=True)
class Sample:
    """The hosts that are simulated, and for what they stand; places are in the order of `hosts`.

    `hosts` int64[m], rising; `always` bool[m], whether a host was sure to be taken; `stands_for` int64[zones, m],
    holders of each zone, the host's own among them: each zone's add up to all that it has. `cell` int64[m] and `node`
    int64[m]: hosts of one cell are under the same controls, those of one node are also alike in size. `segments`
    int64[k, 2] are pairs of nodes between which others lie, at `place` float64[k] (0: at the first) with `holders`
    float64[k]. `sizes` int64[m].
    """

    hosts: Whole
    always: Flags
    stands_for: Whole
    sizes: Whole
    cell: Whole
    node: Whole
    segments: Whole
    place: Floats
    holders: Floats


def choose(scenario: Scenario, seed: int, replication: int) -> Sample | None:
    """The sample of `fleet.sample_hosts`; None if all hosts are simulated.

    Hosts with the same controls (restarted in one wave, throttled alike) are a cell; each gives two hosts at least, and
    the rest goes, host by host, to the cell with the most holders behind each. Where that is more than the sample, all
    hosts are one cell. In a cell the largest are always taken: those that hold half of an even part of what is left, or
    more; of a fleet with a skew at least the largest of all. The others are drawn in the order of their sizes, each
    with a chance that is proportional to its size, evenly spaced from a place that is drawn: by seed and replication
    alone, so that policies with the same controls meet the same hosts.
    Source: Särndal, Swensson, Wretman, Model Assisted Survey Sampling, 1992, sections 3.6 and 12.
    """
    fleet = scenario.fleet
    if fleet is None or fleet.sample_hosts is None or not leases.are_sampled(scenario):
        return None
    sizes, cell = leases.holders_of(scenario), _waves_of(scenario)
    if np.minimum(np.bincount(cell), 2).sum() > fleet.sample_hosts:
        cell = np.zeros(fleet.hosts, np.int64)
    members = [np.flatnonzero(cell == number) for number in range(int(cell.max()) + 1)]
    members = [own[np.argsort(sizes[own], kind="stable")] for own in members]
    taken = _taken([int(sizes[own].sum()) for own in members], [len(own) for own in members], fleet.sample_hosts)
    start = np.empty(len(members))
    draws.uniforms(hosts.holders_keys(seed, replication, fleet.hosts)[0], start)  # of the host after the last
    drawn, sure = [], []
    for own, count, place in zip(members, taken, start, strict=True):
        few, many = _drawn(sizes[own], count, float(place))
        drawn.append(own[few])
        sure.append(own[many])
    simulated = np.sort(np.concatenate([*drawn, *sure]))
    return _standing(simulated, np.isin(simulated, np.concatenate(sure)), sizes, cell, fleet.zones)


def _waves(scenario: Scenario) -> Whole:
    """int64[hosts], the same number for hosts with the same controls, from 0 on. What waits for a condition counts as
    if it came at once: what matters is who shares a wave.
    """
    return np.array(queueing.alike(scenario, queueing.begun_at_once(scenario)), np.int64)


_waves_of = Kept(_waves, most=64)
"""The replications of a scenario have the same."""


def _taken(holders: list[int], hosts_: list[int], wanted: int) -> list[int]:
    """How many hosts of each cell are simulated: two, or its only one; the rest of `wanted` where most holders stand
    behind each.
    """
    taken = [min(count, 2) for count in hosts_]
    waiting = [(-holders[i] / taken[i], i) for i in range(len(taken)) if taken[i] < hosts_[i]]
    heapq.heapify(waiting)
    for _ in range(wanted - sum(taken)):
        _, i = heapq.heappop(waiting)
        taken[i] += 1
        if taken[i] < hosts_[i]:
            heapq.heappush(waiting, (-holders[i] / taken[i], i))
    return taken


def _drawn(sizes: Whole, count: int, start: float) -> tuple[Whole, Whole]:
    """Places of `sizes` (rising) that are drawn, and those that are always taken; `count` in all. `start`, 0 to 1, says
    where in its step the first lies.
    """
    among = len(sizes)
    if count >= among:
        return np.zeros(0, np.int64), np.arange(among)
    if sizes[-1] <= sizes[0] + 1:  # even: the holders that are left over make no host large
        return ((np.arange(count) + start) * among / count).astype(np.int64), np.zeros(0, np.int64)
    rising = np.cumsum(sizes)
    always = 1
    while always < count - 1 and sizes[among - always - 1] * (count - always) >= ALWAYS_SHARE * rising[-always - 1]:
        always += 1
    edges, left = rising[: among - always], count - always
    points = (np.arange(left) + start) * (edges[-1] / left)
    found = np.minimum(np.searchsorted(edges, points, side="right"), among - always - 1)
    for i in range(1, left):  # of hosts that are larger than a step none is taken twice
        found[i] = max(found[i], found[i - 1] + 1)
    for i in range(left):
        found[i] = min(found[i], among - always - left + i)
    return found, np.arange(among - always, among)


def _standing(simulated: Whole, always: Flags, sizes: Whole, cell: Whole, zones: int) -> Sample:
    """For what the simulated hosts stand: for themselves, and for what lies next to them in size in their cell, in
    proportion to how near it is (by the logarithm of the size).
    """
    own = sizes[simulated]
    order = np.lexsort((own, cell[simulated]))
    node = np.empty(len(simulated), np.int64)
    first: list[tuple[int, int]] = []  # cell of each node, and its least size
    for i in order.tolist():
        here = int(cell[simulated[i]])
        if not first or first[-1][0] != here or own[i] > (1 + ALIKE) * first[-1][1]:
            first.append((here, int(own[i])))
        node[i] = len(first) - 1
    cells = np.array([number for number, _ in first])
    weight = np.bincount(node, own)
    centre = np.bincount(node, own * np.log(own)) / weight
    others = np.setdiff1d(np.arange(len(sizes)), simulated)
    x, low = np.log(sizes[others]), np.searchsorted(cells, cell[others])
    high = np.searchsorted(cells, cell[others], side="right") - 1
    pair, place = np.empty((len(others), 2), np.int64), np.zeros(len(others))
    for number in np.unique(cell[others]).tolist():
        mine = cell[others] == number
        a, b = int(low[mine][0]), int(high[mine][0])
        after = np.clip(np.searchsorted(centre[a : b + 1], x[mine]) + a, a, b)
        before = np.maximum(after - 1, a)
        apart = np.where(after > before, centre[after] - centre[before], 1.0)
        pair[mine] = np.stack([before, after], axis=1)
        place[mine] = np.clip((x[mine] - centre[before]) / apart, 0.0, 1.0)
    stands_for = np.zeros((zones, len(simulated)), np.int64)
    for zone in range(zones):
        mine = others % zones == zone
        of_nodes = np.bincount(pair[mine, 0], (1 - place[mine]) * sizes[others[mine]], len(cells))
        of_nodes += np.bincount(pair[mine, 1], place[mine] * sizes[others[mine]], len(cells))
        stands_for[zone] = _whole(own * (of_nodes / weight)[node], int(sizes[others[mine]].sum()))
    stands_for[simulated % zones, np.arange(len(simulated))] += own
    near = np.round(place * 8).astype(np.int64)  # an eighth of a gap is near enough for a variance
    parts, which = np.unique(np.column_stack([pair, near]), axis=0, return_inverse=True)
    holders = np.asarray(np.bincount(which.ravel(), sizes[others], len(parts)), np.float64)
    return Sample(simulated, always, stands_for, own, cell[simulated], node, parts[:, :2], parts[:, 2] / 8.0, holders)


def _whole(shares: Floats, total: int) -> Whole:
    """Whole numbers as near to these as they can be so that they add up to `total`."""
    floor = np.floor(shares).astype(np.int64)
    floor[np.argsort(floor - shares, kind="stable")[: max(total - int(floor.sum()), 0)]] += 1
    return np.asarray(floor)


def doubt(sample: Sample, leased: Counts, back: int) -> Doubt:
    """How sure the leased share of the fleet is. `leased`: [m, windows], holders with a lease on each simulated host;
    `back`: the window in which the dependency is back.

    Each host's share is predicted from the others of the sample as that of a host which was not simulated is. What is
    off, over what a host of one holder would be off, is taken as a function of the predicted share alone, in parts,
    over all hosts and over the time from `back` on. It gives the error of what was not simulated (its own chance, and
    that of those who stand for it); in windows in which hosts are further off than that, as much more as they are.
    """
    sizes = sample.sizes.astype(float)
    share = leased / sizes[:, None]
    nodes = np.asarray(np.bincount(sample.node, sizes), np.float64)
    of_nodes = np.zeros((len(nodes), leased.shape[1]))
    np.add.at(of_nodes, sample.node, leased)
    off, predicted = _left_out(sample, sizes, leased, nodes, of_nodes)
    of_nodes /= nodes[:, None]
    extra = sample.stands_for.sum(axis=0) - sizes
    missing = extra[:, None] * (1 - share)
    told = (
        missing.sum(axis=0) + (sizes[:, None] - leased).sum(axis=0),
        missing.sum(axis=0),
        (missing**2).sum(axis=0),
        float(sizes[extra > 0].sum() / sample.stands_for.sum()),
    )
    cells = sample.cell[_witnesses(sample)]
    uneven = sum(len(np.unique(sample.node[sample.cell == cell])) > 1 for cell in np.unique(cells))
    freedom = len(off) - len(np.unique(cells)) - min(uneven, 1)  # a level in each cell, and how it goes with the size
    if freedom < 1:
        return Doubt(np.full(leased.shape[1], np.nan), 0, *told)
    since = slice(min(back, leased.shape[1] - 1), None)
    levels = _levels(predicted[:, since], off[:, since])

    def variance(of: Floats) -> Floats:
        part = np.minimum(np.searchsorted(EDGES, of, side="right") - 1, len(levels) - 1)
        return np.where(of < KNOWN, levels[part], 0.0)

    sums = np.zeros(leased.shape[1])
    for (a, b), place, holders in zip(sample.segments.tolist(), sample.place, sample.holders, strict=True):
        sums += holders * variance((1 - place) * of_nodes[a] + place * of_nodes[b])
    for i, behind in enumerate(extra.tolist()):
        if behind > 0:
            sums += behind**2 / sizes[i] * variance(share[i])
    expected = variance(predicted).sum(axis=0)
    more = np.where(expected > 0, off.sum(axis=0) / np.maximum(expected, 1e-300), 1.0)
    return Doubt(np.sqrt(sums * np.maximum(more, 1.0)) / float(sample.stands_for.sum()), freedom, *told)


def _witnesses(sample: Sample) -> Whole:
    """Places of the hosts whose share others tell: all but the largest of an uneven cell, which nobody is beyond."""
    found = []
    for number in np.unique(sample.cell).tolist():
        own = np.flatnonzero(sample.cell == number)
        if len(own) < 2:
            continue
        last = sample.node[own].max()
        alone = (sample.node[own] == last).sum() == 1 and last > sample.node[own].min()
        found += [i for i in own.tolist() if not (alone and sample.node[i] == last)]
    return np.array(sorted(found), np.int64)


def _left_out(sample: Sample, sizes: Floats, leased: Counts, nodes: Floats, of_nodes: Floats) -> tuple[Floats, Floats]:
    """For each host that others tell: [witnesses, windows] squares of what is off, over the variance if one holder had
    a variance of 1, and the share that the others predict.
    """
    centre = np.bincount(sample.node, sizes * np.log(sizes)) / nodes
    off, predicted = [], []
    for i in _witnesses(sample).tolist():
        here, x = int(sample.node[i]), np.log(sizes[i])
        cell = np.unique(sample.node[sample.cell == sample.cell[i]]).tolist()
        if nodes[here] > sizes[i]:
            told, noise = (of_nodes[here] - leased[i]) / (nodes[here] - sizes[i]), 1 / (nodes[here] - sizes[i])
        else:
            before, after = (here - 1, here + 1) if here > cell[0] else (here + 1, here + 1)
            if after > cell[-1]:
                after = before
            gap = centre[after] - centre[before]
            place = min(max((x - centre[before]) / gap, 0.0), 1.0) if gap > 0 else 0.0
            told = (1 - place) * of_nodes[before] / nodes[before] + place * of_nodes[after] / nodes[after]
            noise = (1 - place) ** 2 / nodes[before] + place**2 / nodes[after]
            if before == after:
                noise = 1 / nodes[before]
        off.append((leased[i] / sizes[i] - told) ** 2 / (1 / sizes[i] + noise))
        predicted.append(told)
    shape = (len(off), leased.shape[1])
    return np.array(off).reshape(shape), np.array(predicted).reshape(shape)


def _levels(predicted: Floats, off: Floats) -> Floats:
    """float64[parts], variance of one holder's share where the predicted share lies between two EDGES: the mean over
    hosts of their means over time; of a part in which no host was ever, the largest of the others.
    """
    count = len(EDGES) - 1
    sums, times = np.zeros((len(off), count)), np.zeros((len(off), count))
    for i in range(len(off)):
        unknown = predicted[i] < KNOWN
        part = np.minimum(np.searchsorted(EDGES, predicted[i][unknown], side="right") - 1, count - 1)
        sums[i] = np.bincount(part, off[i][unknown], count)
        times[i] = np.bincount(part, minlength=count)
    seen = times > 0
    means = np.where(seen, sums / np.maximum(times, 1), 0.0)
    levels = means.sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    return np.asarray(np.where(seen.any(axis=0), levels, levels.max(initial=0.0)))
