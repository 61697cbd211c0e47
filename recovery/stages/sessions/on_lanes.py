"""One host of a scenario with rules of sessions, of classes of holders, on the lane engine: what it tells in the
columns of the engine of sessions.

Client and server see the same leases there: what makes these differ sends a host to the engine of sessions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from recovery_kernels import requests
from recovery_kernels.sessions import layout
from recovery_kernels.sessions.streams import STREAMS

from recovery.model.scenario import Scenario
from recovery.stages import engines, lanes, queueing
from recovery.stages import host as hosts
from recovery.stages.sessions.run import OF_ALL
from recovery.stages.traffic import Started
from recovery.statistics.arrays import Whole

OF_HOST = [requests.BUSY_SUM_NS, requests.IDLE_SUM_NS, requests.DOWN_SUM_NS]  # columns that no class has


@dataclass
class LaneSessionRun(lanes.LaneRun):
    """A host and what it needs to go on."""

    @property
    def series(self) -> Whole:
        """What it wrote of each window."""
        return self.rows(0, len(self.host.series))

    def rows(self, first: int, end: int) -> Whole:
        """What it wrote of these windows."""
        each = self.of_classes(first, end)
        found = each.sum(axis=1)
        found[:, OF_ALL] = each[:, -1][:, OF_ALL]
        return np.asarray(found)

    def of_classes(self, first: int, end: int) -> Whole:
        """The same of each class, and at last what is of the host: int64[windows, rows, columns]; of the only class
        all is in one row.
        """
        found = self.host.series[first:end].reshape(end - first, -1, layout.SERIES).copy()
        found[:, :, layout.LEASED_SERVER] = found[:, :, requests.LEASED_END]
        return found

    def write_with(self, other: hosts.Running) -> None:
        """Write into the other's series from now on."""
        if not isinstance(other, LaneSessionRun):
            raise TypeError(f"{type(other).__name__} is another engine's host; want one of this")
        self.host = self.host._replace(series=other.host.series)

    def of_class(self, number: int) -> hosts.OfClass:
        """What it tells of a class, by its place in the file."""
        return _Class(self, number)

    def set_off(self, scenario: Scenario, host: int, started: Started) -> None:
        """Let the actions begin that a condition has set off."""
        queueing.recontrol(self, _controls_of(scenario, host, started))


@dataclass
class _Class(hosts.OfClass):
    """A class of a host; the only one has all that the host has but the time of its workers."""

    run: LaneSessionRun
    number: int

    def rows(self, first: int, end: int) -> Whole:
        """What the host wrote of these windows of this class."""
        found = self.run.of_classes(first, end)[:, self.number]
        found[:, OF_HOST] = 0
        return found

    @property
    def sojourn(self) -> Whole:
        """Times in the system of finished requests."""
        return self.run.sojourn_of(self.number)

    @property
    def latency(self) -> Whole:
        """Times from arrival to success of jobs."""
        return self.run.latency

    def unleased_ns(self) -> int:
        """Time that its clients were without a lease."""
        return self.run.unleased_ns_of(self.number)


def _controls_of(scenario: Scenario, host: int, started: Started) -> list[queueing.Control]:
    """All controls of one host, in order of time."""
    return queueing.controls_of(scenario, host, started)


def new_run(
    scenario: Scenario,
    seed: int,
    replication: int,
    host: int,
    members: Sequence[int],
    first_ns: Whole,
    expires_ns: Whole,
) -> LaneSessionRun:
    """A host before its first event, whose scenario runs on lanes, with so many holders of each class. int64[all of
    them] each, class by class: the first submission and the end of the lease (0 or less: none).
    """
    each, table = engines.numbers_of_classes(scenario)
    inputs = queueing.inputs(_controls_of(scenario, host, ()), table)
    span_ns = max(queueing.span_ns(seen) for seen in engines.seen_by_each(scenario))
    several = each if len(each) > 1 else ()
    same = lanes.Hosts(
        each[0], inputs, windows=scenario.windows, span_ns=span_ns,
        columns=(len(several) + 1) * layout.SERIES, counts_stale=True, classes=several,
    )  # fmt: skip
    keys = [hosts.holders_keys(seed, replication, host, STREAMS * number)[1] for number in range(len(each))]
    if not several:
        members = ()
    run = same.start(keys[0], first_ns, expires_ns, members, keys[: len(members)])
    return LaneSessionRun(**vars(run))
