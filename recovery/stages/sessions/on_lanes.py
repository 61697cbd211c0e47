"""One host of a scenario with rules of sessions, of one class of holders, on the lane engine: what it tells in the
columns of the engine of sessions.

Client and server see the same leases there: what makes these differ sends a host to the engine of sessions.
"""

from dataclasses import dataclass

import numpy as np
from recovery_kernels import requests
from recovery_kernels.sessions import layout

from recovery.model.scenario import Scenario
from recovery.stages import engines, lanes, queueing
from recovery.stages import host as hosts
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
        found = self.host.series[first:end].copy()
        found[:, layout.LEASED_SERVER] = found[:, requests.LEASED_END]
        return np.asarray(found)

    def write_with(self, other: hosts.Running) -> None:
        """Write into the other's series from now on."""
        if not isinstance(other, LaneSessionRun):
            raise TypeError(f"{type(other).__name__} is another engine's host; want one of this")
        self.host = self.host._replace(series=other.host.series)

    def of_class(self, number: int) -> hosts.OfClass:
        """What it tells of its class."""
        if number != 0:
            raise LookupError(f"class {number} of a host on lanes; want 0, there is one")
        return _OnlyClass(self)

    def set_off(self, scenario: Scenario, host: int, started: Started) -> None:
        """Let the actions begin that a condition has set off."""
        queueing.recontrol(self, _controls_of(scenario, host, started))


@dataclass
class _OnlyClass(hosts.OfClass):
    """The one class of a host: all that the host has but the time of its workers."""

    run: LaneSessionRun

    def rows(self, first: int, end: int) -> Whole:
        """What the host wrote of these windows of this class."""
        found = self.run.rows(first, end)
        found[:, OF_HOST] = 0
        return found

    @property
    def sojourn(self) -> Whole:
        """Times in the system of finished requests."""
        return self.run.sojourn

    @property
    def latency(self) -> Whole:
        """Times from arrival to success of jobs."""
        return self.run.latency

    def unleased_ns(self) -> int:
        """Time that its clients were without a lease."""
        return self.run.unleased_ns()


def _controls_of(scenario: Scenario, host: int, started: Started) -> list[queueing.Control]:
    """All controls of one host, in order of time."""
    return queueing.controls_of(scenario, host, started)


def new_run(
    scenario: Scenario, seed: int, replication: int, host: int, first_ns: Whole, expires_ns: Whole
) -> LaneSessionRun:
    """A host before its first event, whose scenario `engines.runs_on_lanes`. int64[holders] each: the first submission
    and the end of the lease (0 or less: none).
    """
    params, table = engines.numbers_of_class(scenario)
    inputs = queueing.inputs(_controls_of(scenario, host, ()), table)
    same = lanes.Hosts(
        params, inputs, windows=scenario.windows, span_ns=queueing.span_ns(engines.seen_alone(scenario)),
        columns=layout.SERIES, counts_stale=True,
    )  # fmt: skip
    run = same.start(hosts.stream_keys(seed, replication, host), first_ns, expires_ns)
    return LaneSessionRun(**vars(run))
