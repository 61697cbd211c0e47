"""Leases (MODEL.md, section 2): holders spread over hosts, in their steady state when the run starts."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from recovery_kernels import draws, policies
from recovery_kernels.requests import Inputs, Keys, Params

from recovery import theory
from recovery.measures import for_good, leased_curve, standing
from recovery.measures.register import DEPTHS, LEASES, ROUNDING, again_of, last_of
from recovery.model.at_best import at_best
from recovery.model.classes import ROUNDING as FRACTION
from recovery.model.fleet import Fleet
from recovery.model.scenario import Scenario
from recovery.stages import engines, in_turn, lanes, queueing, renewing
from recovery.stages import host as hosts
from recovery.stages.stage import Column, Lowered, Row
from recovery.stages.traffic import COLUMNS, Started, Traffic, TrafficTable
from recovery.statistics.arrays import Floats, Numbers, Whole
from recovery.units import ns

GOLDEN = (math.sqrt(5) - 1) / 2


def holders_of(scenario: Scenario) -> Whole:
    """Holders of each host, int64[hosts]; they sum to fleet.holders and every host has one.

    With skew they are lognormal: host h has the quantile (h + 1/2) / hosts.
    """
    if scenario.fleet is None:
        raise ValueError("no [fleet]")
    return _sizes(scenario.fleet)


@functools.lru_cache(maxsize=4)  # the runs of a sweep have few fleets
def _sizes(fleet: Fleet) -> Whole:
    weights = np.ones(fleet.hosts)
    if fleet.skew > 0:
        sigma = float(np.sqrt(np.log1p(fleet.skew**2)))
        places = (np.arange(fleet.hosts) + 0.5) / fleet.hosts
        weights = np.array([float(f"{draws.exp(sigma * draws.normal(place)):.12g}") for place in places])
    exact = weights / weights.sum() * (fleet.holders - fleet.hosts)
    counts = np.floor(exact).astype(np.int64)
    left = fleet.holders - fleet.hosts - int(counts.sum())
    counts[np.argsort(counts - exact, kind="stable")[:left]] += 1
    sizes = np.asarray(counts + 1)
    sizes.flags.writeable = False
    return sizes


def members_of(scenario: Scenario, host: int, holders: int) -> list[int]:
    """How many of the holders of a host of the fleet are of each class, in the order of the file; a class that is tied
    to another has as many again, and jobs have none.
    """
    if not scenario.classes:
        return [holders]
    names, shares, roots = _roots(scenario)
    own = dict(zip(names, members(np.array([holders]), np.array([host]), shares)[0].tolist(), strict=True))
    return [own.get(root, 0) for root in roots]


def _roots(scenario: Scenario) -> tuple[tuple[str, ...], tuple[float, ...], tuple[str, ...]]:
    """Classes of holders that are tied to no other with the shares of the fleet that they are; and of each class of the
    file the one whose clients it has.
    """
    places = scenario.places
    own = {name: place.share or 0.0 for name, place in places.items() if place.root == name and not place.is_jobs}
    return tuple(own), tuple(own.values()), tuple(place.root for place in places.values())


def members(holders: Whole, hosts_: Whole, shares: tuple[float, ...]) -> Whole:
    """How many of the holders of some hosts (int64[n] each) are of each class, int64[n, classes]: their shares of them,
    rounded so that none is lost. Over the hosts each class has its share but for a few: where the rounding begins moves
    on by the golden section.
    """
    exact = holders[:, None] * np.array(shares)
    whole = np.floor(exact + FRACTION)
    begin = (0.5 + hosts_ * GOLDEN) % 1.0
    ends = begin[:, None] + np.cumsum(np.maximum(exact - whole, 0.0), axis=1)
    ends[:, -1] = begin + (holders - whole.sum(axis=1))  # a whole number further, whatever the fractions lost
    return np.asarray(whole + np.diff(np.floor(ends + FRACTION), axis=1, prepend=0.0), np.int64)


def leases_of(scenario: Scenario) -> Whole:
    """Leases of each class on each host, int64[hosts, classes]; without classes there is one."""
    sizes = holders_of(scenario)
    if not scenario.classes:
        return sizes[:, None]
    names, shares, roots = _roots(scenario)
    found = members(sizes, np.arange(len(sizes)), shares)
    columns = [found[:, names.index(root)] if root in names else np.zeros_like(sizes) for root in roots]
    return np.column_stack(columns)


class Among:
    """The holders of one host among those of all hosts, or of those of one zone: each class is numbered through, host
    by host. Hosts count that are simulated and such that are not, so a sample of them is told what all would be.
    """

    def __init__(self, scenario: Scenario, host: int, zone: int | None) -> None:
        """`host` is of that zone, if one is named."""
        if scenario.fleet is None:
            raise ValueError("no [fleet]")
        first, step = (0, 1) if zone is None else (zone, scenario.zones)
        names, shares, roots = _roots(scenario)
        self._sums = _running(scenario.fleet, shares or (1.0,), first, step)
        self._columns = [names.index(root) if root in names else -1 for root in roots] or [0]
        self._place = (host - first) // step

    def before(self, number: int) -> int:
        """How many holders of a class are on the hosts before this one."""
        return int(self._sums[self._place, self._columns[number]])

    def part(self, number: int, share: float) -> int:
        """How many of this host's are meant by a share of them all: M, the nearest whole number (halves up) to the
        share of all N, is spread over their numbers; number g is meant where floor((g + 1) M / N) steps up.
        """
        sums = self._sums[:, self._columns[number]]
        every = int(sums[-1])
        many = math.floor(Fraction(repr(share)) * every + Fraction(1, 2))
        first, end = int(sums[self._place]), int(sums[self._place + 1])
        return end * many // max(every, 1) - first * many // max(every, 1)


@functools.lru_cache(maxsize=4)
def _running(fleet: Fleet, shares: tuple[float, ...], first: int, step: int) -> Whole:
    """int64[hosts + 1, classes], for every `step`-th host from `first` on: how many holders are on hosts before it."""
    sizes = _sizes(fleet)
    rows = members(sizes, np.arange(len(sizes)), shares)
    return np.concatenate([np.zeros((1, len(shares)), np.int64), np.cumsum(rows[first::step], axis=0)])


class _Host(NamedTuple):
    """What the hosts of a scenario have in common: numbers, measured values, the wheel's turn; where nobody acts at
    some of them, the rest of what enters; and then, if they run on lanes, all of that as their engine has it.
    """

    params: Params
    table: queueing.MeasuredValues
    span_ns: int
    on_lanes: bool
    inputs: Inputs | None
    lanes: lanes.Hosts | None


class _Last(NamedTuple):
    scenario: Scenario
    found: _Host


_last: list[_Last] = []


def _of_each_host(scenario: Scenario) -> _Host:
    """The same for each host of a scenario; hosts of one follow each other, so the last is known."""
    for last in _last:
        if last.scenario is scenario:
            return last.found
    params, table = queueing.numbers_of(scenario)
    inputs = None if scenario.operator else queueing.quiet_inputs(scenario, table)
    span_ns, on_lanes = queueing.span_ns(scenario), engines.runs_on_lanes(scenario, params)
    same = None
    if on_lanes and inputs is not None:
        same = lanes.Hosts(params, inputs, windows=scenario.windows, span_ns=span_ns)
    found = _Host(params, table, span_ns, on_lanes, inputs, same)
    _last[:] = [_Last(scenario, found)]
    return found


def are_sampled(scenario: Scenario) -> bool:
    """Whether only a sample of the hosts is simulated."""
    fleet = scenario.fleet
    return fleet is not None and fleet.sample_hosts is not None and fleet.sample_hosts < fleet.hosts


def run_in_turn(scenario: Scenario) -> bool:
    """Whether hosts of a scenario may run one after the other in one call: their numbers are the same, lanes run them,
    and each stands for itself.
    """
    if not scenario.has_leases or scenario.rules or scenario.operator or are_sampled(scenario):
        return False
    return engines.runs_on_lanes(scenario, queueing.numbers_of(scenario).params)


def start(
    scenario: Scenario,
    seed: int,
    replication: int,
    host: int,
    holders: int,
    controls: Sequence[queueing.Control] | None = None,
) -> hosts.Running:
    """A host in its steady state at t = 0: phases uniform, each lease as fresh as its last check.

    Holders are numbered in the order of their first check, so that those who are neighbours in time are neighbours in
    memory. `controls` are those that the scenario has for this host, if no others are given.
    """
    params, table, span_ns, on_lanes, inputs, same = _of_each_host(scenario)
    if inputs is None or controls is not None:
        same = None
        own = queueing.controls_of(scenario, host, ()) if controls is None else controls
        inputs = queueing.inputs(own, table)
    phase, keys = hosts.holders_keys(seed, replication, host)
    first_ns, expires_ns = _steady(params.check_every_ns, params.lease, inputs.table, keys, phase, holders)
    if on_lanes:
        same = same or lanes.Hosts(params, inputs, windows=scenario.windows, span_ns=span_ns)
        return same.start(keys, first_ns, expires_ns)
    run = hosts.new_host(params, inputs, keys, clients=holders, windows=scenario.windows, span_ns=span_ns)
    hosts.wake_holders(run, first_ns, expires_ns)
    return run


def steady(
    scenario: Scenario, seed: int, replication: int, host: int, holders: int, streams: int = 0
) -> tuple[Whole, Whole]:
    """The first submission of each holder of a host in its steady state, and the end of its lease, int64[holders]; of a
    class the numbers of its `streams` of draws begin so much later.
    """
    table = queueing.MeasuredValues()
    lease = queueing.lease(scenario, table)
    phase, keys = hosts.holders_keys(seed, replication, host, streams)
    every_ns = 0 if scenario.lease is None else ns(scenario.lease.check_every)
    return _steady(every_ns, lease, table.array(), keys, phase, holders)


def _steady(
    every_ns: int, lease: policies.Lease, values: Floats, keys: Keys, phase_key: np.uint64, holders: int
) -> tuple[Whole, Whole]:
    phases, first_ns, expires_ns = np.empty(holders), np.empty(holders, np.int64), np.empty(holders, np.int64)
    grace_ns, lasts = np.int64(lease.grace_ns), lease.duration
    draws.steady(phase_key, np.int64(every_ns), lasts, grace_ns, values, keys.lease, phases, first_ns, expires_ns)
    return first_ns, expires_ns


@dataclass(kw_only=True)
class LeaseTable(TrafficTable):
    """What the hosts of a fleet gave."""

    def computed(self, scenario: Scenario) -> dict[str, Numbers]:
        """Share of the holders that have a lease, of all and of each zone; and who is overdue, where that is asked."""
        shares: dict[str, Numbers] = {"leased_share": self.leased_share()}
        for zone, leased in enumerate(self.leased_by_zone):
            shares[f"leased_share_zone_{zone}"] = leased / max(int(self.holders_by_zone[zone]), 1)
        return shares | renewing.computed(scenario, self.columns["succeeded"]) | self.computed_of_classes()

    def measures(self, scenario: Scenario, times_s: Floats) -> Row:
        """Times to recovery, bound, milestones; verdict and work (MODEL.md, section 4)."""
        share, back, hold = self.leased_share(), scenario.recovers_from_s, scenario.hold
        reached = leased_curve.reached_by(share)
        times = leased_curve.times_to_recovery_s(times_s, reached, back, hold)
        ttr99_s, least = times["ttr99_s"], float(share.min())
        row: Row = {**times}
        if self.doubt is not None:  # a sample of hosts tells none
            again = dict.fromkeys(map(again_of, DEPTHS), math.nan)
            last = dict.fromkeys(map(last_of, DEPTHS), math.nan)
        else:
            deeds_s = [act.at_s for act in self.actions(scenario)]
            again = leased_curve.back_again_s(times_s, reached, back, times, deeds_s)
            next_s = min((one.start for one in scenario.outages if one.start > back), default=math.inf)
            last = leased_curve.back_last_s(times_s, reached, back, times | again, next_s)
        row |= again | last
        if self.doubt is not None:
            told = self.doubt.deviation, self.doubt.freedom, self.doubt.is_told_by_few
            row |= leased_curve.recovery_intervals_s(times_s, share, *told, back, hold)
            row |= dict.fromkeys(("ttr100_s", "ttr100_lost_s"), math.nan)  # only the last host tells
        bound = self.fluid_bound_s(scenario)
        row["fluid_bound_s"] = bound
        is_later = not math.isnan(again["ttr99_again_s"]) or (bound == 0 and ttr99_s > 0)  # the bound is of no loss
        row["efficiency"] = math.nan if is_later else bound / ttr99_s if ttr99_s > 0 else 1.0
        row["relapses"] = leased_curve.relapses(times_s, share, back)
        row["leased_min_share"] = least
        row["leased_end_share"] = float(share[-1])
        row["unleased_holder_hours"] = self.unleased_ns / 3.6e12
        whole_s, nearly_s = (for_good.last(name, float(row[name]), row) for name in ("ttr100_s", "ttr99_s"))
        row |= leased_curve.milestones_s(times_s, share, back, whole_s)
        is_leased = least >= DEPTHS["ttr99_s"] - ROUNDING
        row["leases_normal_s"] = 0.0 if is_leased else back + nearly_s
        missing, most = self.holders - self.columns["leased"], self.holders * (1 - DEPTHS["ttr99_s"])
        may_swing = scenario.is_counted_from_end and scenario.host.crash is None  # waves of crashes come for ever
        swing = standing.SWING * self.holders if may_swing else math.inf
        row |= self.standing(
            scenario, times_s, missing, most=most, normal=0.0, ttr99_s=ttr99_s, is_served=True, swing=swing
        )
        row |= self.by_rules(scenario, times_s) | renewing.measures(scenario, times_s, self.columns["succeeded"])
        return row | self.work(scenario, times_s, ttr99_s) | self.denials()

    def fluid_bound_s(self, scenario: Scenario) -> float:
        """Least time in which 99 % of the fleet could be leased if no work were wasted, on hosts as fast as operators
        have them meanwhile.
        """
        best = at_best(scenario)
        return self._fluid_bound_s(best.scenario) / best.share

    def _fluid_bound_s(self, scenario: Scenario) -> float:
        """The same on hosts as a scenario has them."""
        is_simulated = self.weight > 0
        weight, rate = self.weight[is_simulated], scenario.establish_per_s
        unleased = weight * self.unleased_at_start[is_simulated]
        total = float(unleased.sum())
        if total == 0 or math.isinf(rate):
            return 0.0
        wanted = 1 - (1 - 0.99) * self.holders / total  # of the fleet's last 1 %, nobody waits
        if wanted <= 0:
            return 0.0
        if self.unleased_at_start_of:
            rows = [weight * own[is_simulated] for own in self.unleased_at_start_of.values()]
            times_s = [scenario.seen_by(name).host.establish_time.mean_s() for name in self.unleased_at_start_of]
            workers = (weight * scenario.host.workers).tolist()
            return theory.mixed_fluid_bound_s(wanted, np.transpose(rows).tolist(), times_s, workers)
        # Hosts that are alike are as one host with all their work and all their workers.
        return theory.fleet_fluid_bound_s(wanted, unleased.tolist(), (weight * rate).tolist())


class _Leases(Traffic):
    name = LEASES
    table = LeaseTable
    columns = (
        *COLUMNS,
        Column("leased_share", "level", "share of the holders that have a lease"),
        Column("leased_share_zone", "level", "the same of a zone's", by_zone=True),
        Column(
            "overdue",
            "level",
            "holders whose last renewal was longer ago than `fleet.overdue_after`: at least so many; "
            "only where that key is given and `overdue_peak` is measured",
            is_asked=True,
        ),
    )

    def is_in(self, scenario: Scenario) -> bool:
        return scenario.has_leases

    def start(self, scenario: Scenario, seed: int, replication: int, host: int, holders: int) -> hosts.Running:
        return start(scenario, seed, replication, host, holders)

    def in_turn(
        self, scenario: Scenario, seed: int, replication: int, some: Sequence[tuple[int, int]], edge: int
    ) -> in_turn.InTurn | None:
        if not run_in_turn(scenario):
            return None
        same = _of_each_host(scenario).lanes
        assert same is not None
        windows, zones = scenario.windows, scenario.zones
        return in_turn.start(same, seed, replication, some, windows=windows, zones=zones, edge=edge)

    def lowered(self, scenario: Scenario) -> Lowered:
        return queueing.lowered(scenario)

    def set_off(self, run: hosts.Running, scenario: Scenario, host: int, started: Started) -> None:
        queueing.recontrol(run, queueing.controls_of(scenario, host, started))


STAGE = _Leases()
