"""Hosts of the lane engine that run one after the other in one call, in the memory of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from recovery_kernels import requests
from recovery_kernels.lanes import turns as kernel
from recovery_kernels.lanes.turns import Empty, Turns
from recovery_kernels.requests import Keys

from recovery.stages import host as hosts
from recovery.stages import lanes
from recovery.statistics.arrays import Whole

_UNKNOWN = Keys(*np.zeros(len(Keys._fields), np.uint64))  # each host's own are drawn up when it has its turn


class InTurnPart(NamedTuple):
    """What hosts that took turns add to the outcome: `hosts` int64[n] are their numbers. series int64[windows, columns]
    are sums and, of ages, the largest; leased int64[zones, windows] are holders with a lease at the ends of windows;
    leased_at int64[n] the same of each host, of one window.
    """

    hosts: Whole
    series: Whole
    leased: Whole
    leased_at: Whole
    sojourn: Whole
    unleased_ns: int


@dataclass
class InTurn(lanes.LaneRun):
    """Hosts that take turns in the memory of one, each of which is closed when it has come to the horizon."""

    of_all: Turns

    @property
    def turns(self) -> Turns:
        """The hosts, and their sums."""
        return self.of_all

    def close(self) -> None:
        """Each was closed at its own end."""

    def part(self) -> InTurnPart:
        """What they add to the outcome, when all have come to the horizon."""
        of_all = self.of_all
        found, wanted = of_all.at[kernel.FOUND], of_all.holders.sum()
        assert found == wanted, f"{found} of {wanted} holders are somewhere; want each in one place"
        whole_s, rest_ns, carries = of_all.unleased.tolist()
        unleased_ns = int(whole_s * 10**9 + rest_ns + carries * requests.UNLEASED_CARRY_NS)
        sums = of_all.series, of_all.leased, of_all.leased_at
        return InTurnPart(of_all.hosts, *sums, self.sojourn, unleased_ns)


def start(
    same: lanes.Hosts,
    seed: int,
    replication: int,
    some: Sequence[tuple[int, int]],
    *,
    windows: int,
    zones: int,
    edge: int,
) -> InTurn:
    """Hosts, number and holders of each, that will be in their steady state when each has its turn. `edge`: the window
    at whose end `leased_at` is; any other number if that is not asked for.
    """
    most = max(many for _, many in some)
    run = same.empty(_UNKNOWN, most)
    host = run.host
    empty = Empty(host.lanes, host.following, host.free, host.least, host.workers, host.whole, host.real)
    if len(some) > 1:  # else nobody begins again
        empty = Empty._make(one.copy() for one in empty)
    of_all = Turns(
        at=np.zeros(3, np.int64),
        seed=np.uint64(seed),
        replication=np.uint64(replication),
        streams=hosts.STREAMS,
        keys=np.zeros(len(hosts.STREAMS), np.uint64),
        hosts=np.array([number for number, _ in some]),
        holders=np.array([many for _, many in some]),
        phases=np.empty(most),
        first_ns=np.empty(most, np.int64),
        expires_ns=np.empty(most, np.int64),
        order=np.arange(most),
        empty=empty,
        edge=edge,
        series=np.zeros((windows, requests.SERIES), np.int64),
        leased=np.zeros((zones, windows), np.int64),
        leased_at=np.zeros(len(some), np.int64),
        unleased=np.zeros(3, np.int64),
    )
    return InTurn(**vars(run), of_all=of_all)
