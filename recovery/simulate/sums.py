"""The hosts of one run, added up as they come: the same sums in whichever order they do.

Where only a sample of the hosts is simulated (`fleet.sample_hosts`), each host's numbers are scaled to the holders for
which it stands, and the sums are the whole fleet's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from recovery_kernels import requests
from recovery_kernels.sessions import layout

from recovery.model.variant import Variant
from recovery.simulate.outcome import Outcome, of_traffic
from recovery.simulate.watch import levels_of
from recovery.stages import known, leases, sample
from recovery.stages.in_turn import InTurnPart
from recovery.stages.queueing import Begun
from recovery.stages.stage import named
from recovery.statistics.arrays import Floats, Whole

if TYPE_CHECKING:
    Rows = slice[int | None, int | None, None]  # a slice has no parameters at run time before 3.12

OF_HOST = {  # what a host has for all classes together
    requests.BUSY_SUM_NS, requests.IDLE_SUM_NS, requests.DOWN_SUM_NS, layout.CRASHES, layout.OWN_LOST,
    layout.OWN_PURGED,
}  # fmt: skip
AGES = (requests.OLDEST_NS, requests.OLDEST_MAX_NS)  # of several hosts the largest, not the sum
OLDEST = slice(AGES[0], AGES[1] + 1, AGES[1] - AGES[0])  # a list of them would be copied


class ClassPart(NamedTuple):
    """The same of one class of its clients."""

    sojourn: Whole
    latency: Whole
    unleased_ns: int


@dataclass
class HostPart:
    """What a host that is done adds to the outcome, beside its series."""

    host: int
    sojourn: Whole
    latency: Whole
    unleased_ns: int
    of_classes: Sequence[ClassPart] = ()


PART = 30  # bits of the parts of a whole number that are kept where numbers are scaled


def _times(values: Whole, of: int, by: int) -> tuple[Whole, Whole]:
    """`values` times of / by, exactly: whole numbers, and what is left over, in parts of `by`."""
    if int(values.max(initial=0)) <= np.iinfo(np.int64).max // of:
        return _divided(values * of, by)
    whole, rest = _divided(values, by)
    more, rest = _divided(rest * of, by)
    return whole * of + more, rest


def _divided(values: Whole, by: int) -> tuple[Whole, Whole]:
    """As np.divmod, which takes longer: `//` by one number is not a division for the processor."""
    whole = values // by
    rest = whole * -by
    rest += values
    return whole, rest


class _Scaled:
    """Sums of whole numbers, each times a fraction of whole numbers: the same in whichever order they come, and whole
    where their exact sum is.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._whole = np.zeros(shape, np.int64)
        self._part: Whole | None = None

    def add(self, values: Whole, of: int = 1, by: int = 1, rows: "Rows" = slice(None)) -> None:
        """Add `values` times of / by (both up to 10^9) to these rows."""
        if of == by:
            self._whole[rows] += values
            return
        if self._part is None:
            self._part = np.zeros_like(self._whole)
        whole, rest = _times(values, of, by)
        rest <<= PART
        rest //= by
        self._whole[rows] += whole
        self._part[rows] += rest

    def forget(self, rows: "Rows") -> None:
        """These rows are as if nothing had been added."""
        self._whole[rows] = 0
        if self._part is not None:
            self._part[rows] = 0

    def value(self, rows: "Rows" = slice(None)) -> Whole:
        """int64, the sums of these rows, rounded once."""
        if self._part is None:
            return self._whole[rows].copy()
        return np.asarray(self._whole[rows] + ((self._part[rows] + (1 << (PART - 1))) >> PART))


class _ClassSum:
    """One class of the hosts of one run, added up as they come. `leases` int64[hosts] are its holders."""

    def __init__(self, windows: int, width: int, zones: int, leases: Whole, weight: Floats) -> None:
        self.leases = leases
        self.leased = [_Scaled((windows,)) for _ in range(zones)]
        self.series = _Scaled((windows, width))
        self.oldest = np.zeros((windows, len(AGES)), np.int64)
        self.sojourn = _Scaled((requests.HISTOGRAM,))
        self.latency = _Scaled((requests.HISTOGRAM,))
        self.unleased_ns = 0.0
        self.unleased_at_start = np.where(weight > 0, leases, 0.0)

    def rows(self, rows: "Rows" = slice(None)) -> Whole:
        """int64[rows, columns], of the whole fleet."""
        found = self.series.value(rows)
        found[:, OLDEST] = self.oldest[rows]
        return found


class Sum:
    """The hosts of one run, added up as they come."""

    def __init__(self, variant: Variant, seed: int, replication: int) -> None:
        scenario = variant.scenario
        self.variant, self.seed, self.replication = variant, seed, replication
        self.traffic = known.traffic_of(scenario)
        self.zones = scenario.zones
        self.sizes = leases.holders_of(scenario) if scenario.has_leases else np.zeros(scenario.all_hosts, np.int64)
        self.sample = sample.choose(scenario, seed, replication)
        self.simulated = np.arange(scenario.all_hosts) if self.sample is None else self.sample.hosts
        self.leases_of = leases.leases_of(scenario) if scenario.classes and scenario.has_leases else self.sizes[:, None]
        # Of classes that are tied a holder has several.
        self.leases = self.leases_of.sum(axis=1) if scenario.classes else self.sizes
        self.holders = int(self.leases.sum())
        self.weight = np.ones(scenario.all_hosts)
        if self.sample is not None:
            self.weight[:] = 0.0
            self.weight[self.simulated] = self.sample.stands_for.sum(axis=0) / self.sample.sizes
        before = 0 if scenario.starts_with_lost_sessions else 1  # windows from which on the clock runs
        self.edge = min(int(scenario.recovers_from_s / scenario.coupling.window), scenario.windows) - before
        self.series = _Scaled((scenario.windows, self.traffic.width))
        self.oldest = np.zeros((scenario.windows, len(AGES)), np.int64)
        self.leased = [_Scaled((scenario.windows,)) for _ in range(self.zones)]
        self.curves = np.zeros((0 if self.sample is None else len(self.simulated), scenario.windows), np.int32)
        self.sojourn = _Scaled((requests.HISTOGRAM,))
        self.latency = _Scaled((requests.HISTOGRAM,))
        self.unleased_ns, self.unleased_part = 0, 0
        self.unleased_at_start = np.where(self.weight > 0, self.leases, 0.0)
        self.classes = {
            name: _ClassSum(
                scenario.windows,
                self.traffic.width,
                self.zones,
                np.zeros_like(self.sizes) if place.is_jobs else self.leases_of[:, number],
                self.weight,
            )
            for number, (name, place) in enumerate(scenario.places.items())
        }
        self.left = len(self.simulated)
        self.cpu_s = 0.0

    def hosts(self) -> Iterator[tuple[int, int]]:
        """Number and holders of each host that is to be simulated."""
        for host in self.simulated.tolist():
            yield host, int(self.sizes[host])

    def _stands_for(self, host: int) -> tuple[int, list[tuple[int, int]], int]:
        """Holders for which a host stands, the same by zone, and its own; of jobs 1, and 1."""
        own = int(self.sizes[host]) or 1
        if self.sample is None:
            return own, [(host % self.zones, own)], own
        of = self.sample.stands_for[:, np.searchsorted(self.simulated, host)]
        return int(of.sum()), [(zone, int(of[zone])) for zone in np.flatnonzero(of).tolist()], own

    def add(self, host: int, series: Whole, first: int = 0, of_classes: Sequence[Whole] = ()) -> None:
        """Rows of a host, from window `first` on, and the same of each class."""
        rows = slice(first, first + len(series))
        of, by_zone, own = self._stands_for(host)
        self.series.add(series, of, own, rows)
        np.maximum(self.oldest[rows], series[:, OLDEST], out=self.oldest[rows])
        for one, mine in zip(self.classes.values(), of_classes, strict=True):
            one.series.add(mine, of, own, rows)
            one.oldest[rows] = np.maximum(one.oldest[rows], mine[:, OLDEST])
            for zone, holders in by_zone:
                one.leased[zone].add(mine[:, requests.LEASED_END], holders, own, rows)
            if first <= self.edge < first + len(mine):
                one.unleased_at_start[host] = float(one.leases[host] - mine[self.edge - first, requests.LEASED_END])
        if not self.variant.scenario.has_leases:
            return
        leased = series[:, requests.LEASED_END]
        for zone, holders in by_zone:
            self.leased[zone].add(leased, holders, own, rows)
        if self.sample is not None:
            per_holder = leased * own // max(int(self.leases[host]), 1)  # who has several leases counts as one
            self.curves[np.searchsorted(self.simulated, host), rows] = per_holder
        if first <= self.edge < first + len(series):
            self.unleased_at_start[host] = float(self.leases[host] - leased[self.edge - first])

    def add_in_turn(self, part: InTurnPart) -> None:
        """Hosts that took turns are done; each stands for itself."""
        self.series.add(part.series)
        np.maximum(self.oldest, part.series[:, OLDEST], out=self.oldest)
        for zone, leased in zip(self.leased, part.leased, strict=True):
            zone.add(leased)
        if 0 <= self.edge < len(part.series):
            self.unleased_at_start[part.hosts] = self.leases[part.hosts] - part.leased_at
        self.sojourn.add(part.sojourn)
        self.unleased_ns += part.unleased_ns
        self.left -= len(part.hosts)

    def forget(self, rows: "Rows") -> None:
        """Rows of these windows, of all hosts, are as if none had been added."""
        sums: list[Sum | _ClassSum] = [self, *self.classes.values()]
        for one in sums:
            one.series.forget(rows)
            one.oldest[rows] = 0
            for zone in one.leased:
                zone.forget(rows)

    def end(self, part: HostPart) -> None:
        """A host is done, and all its rows are added."""
        of, _, own = self._stands_for(part.host)
        self.sojourn.add(part.sojourn, of, own)
        self.latency.add(part.latency, of, own)
        whole, rest = divmod(part.unleased_ns * of, own)
        self.unleased_ns += whole
        self.unleased_part += (rest << PART) // own
        for one, mine in zip(self.classes.values(), part.of_classes, strict=True):
            one.sojourn.add(mine.sojourn, of, own)
            one.latency.add(mine.latency, of, own)
            one.unleased_ns += mine.unleased_ns * of / own
        self.left -= 1

    def rows(self, rows: "Rows") -> Whole:
        """int64[rows, columns], flows and levels of the whole fleet in windows that all hosts have reached."""
        found = self.series.value(rows)
        found[:, OLDEST] = self.oldest[rows]
        if self.variant.scenario.has_leases:
            found[:, requests.LEASED_END] = sum(leased.value(rows) for leased in self.leased)
        return found

    def row(self, number: int) -> Whole:
        """int64[columns], the same of one window."""
        return np.asarray(self.rows(slice(number, number + 1))[0])

    def levels(self, number: int) -> dict[str, float]:
        """What conditions look at at the end of a window: of all, and of each class."""
        found = levels_of(self.row(number), self.holders)
        for name, one in self.classes.items():
            found |= levels_of(one.rows(slice(number, number + 1))[0], int(one.leases.sum()), of_class=name)
        return found

    def is_whole(self) -> bool:
        """Whether all hosts are done."""
        return self.left == 0

    def _by_zone(self, leases: Whole) -> Whole:
        """int64[zones], of numbers int64[hosts]."""
        return np.bincount(np.arange(len(leases)) % self.zones, leases, self.zones).astype(np.int64)

    def outcome(self, started: Sequence[Begun] = ()) -> Outcome:
        """The outcome of the traffic; the later stages come to it (recovery.simulate.chain). `started`: actions that a
        condition set off.
        """
        scenario = self.variant.scenario
        columns = named(self.traffic.columns, self.rows(slice(None)))
        holders = {name: one for name, one in self.classes.items() if not scenario.places[name].is_jobs}
        for name, one in self.classes.items():
            own = named([column for column in self.traffic.columns if column.place not in OF_HOST], one.rows())
            columns |= {f"{column}.{name}": values for column, values in own.items()}
        table = self.traffic.table(
            columns=columns,
            leased_by_zone=np.stack([leased.value() for leased in self.leased]),
            holders_by_zone=self._by_zone(self.leases),
            sojourn=self.sojourn.value(),
            latency=self.latency.value(),
            unleased_ns=self.unleased_ns + ((self.unleased_part + (1 << (PART - 1))) >> PART),
            unleased_at_start=self.unleased_at_start,
            weight=self.weight,
            fired=np.array(started, np.float64).reshape(-1, 2),
            sojourn_of={name: one.sojourn.value() for name, one in self.classes.items()},
            latency_of={name: one.latency.value() for name, one in self.classes.items()},
            holders_of={name: self._by_zone(one.leases) for name, one in holders.items()},
            leased_of={name: np.stack([zone.value() for zone in one.leased]) for name, one in holders.items()},
            unleased_ns_of={name: np.array([one.unleased_ns]) for name, one in holders.items()},
            unleased_at_start_of={name: one.unleased_at_start for name, one in holders.items()},
            doubt=None if self.sample is None else sample.doubt(self.sample, self.curves, max(self.edge, 0)),
        )
        return of_traffic(self.variant, self.seed, self.replication, table, self.cpu_s)
