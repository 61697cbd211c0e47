"""The same storm in other programs: yardsticks for the speed of our kernel.

One host, one unbounded FIFO queue, clients that never give up. At t = 0 no holder has a lease; each submits its first
attempt at its phase, uniform over `[0, phase_s)`. Service is exponential. A holder gives an attempt up at its deadline
and submits the next at once; the abandoned request keeps its place and is served all the same (wasted). A grant leases
the holder for `lease_s` and makes it come back after `renew_after_s`. Nothing after `horizon_s` is counted.

Every peer has its own random numbers, so answers agree in distribution, not draw by draw: see `disagreements`.

    python -m peers                from tests/bench: a table of speeds and the check that all agree
    peers.available()              the peers that can run here; peers.PEERS has all, with the reason why one cannot
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, variance


@dataclass(frozen=True)
class StormParams:
    holders: int = 10_000
    workers: int = 4
    service_s: float = 0.020
    timeout_s: float = 60.0
    renew_after_s: float = 60.0
    lease_s: float = 180.0
    horizon_s: float = 3600.0
    phase_s: float = 60.0
    seed: int = 1


STORM = StormParams()
"""Phases spread: nobody has to give up."""

HERD = StormParams(phase_s=0.001)
"""All at once, and the last is served just before it would give up."""

COLLAPSE = StormParams(phase_s=0.001, timeout_s=20.0)
"""The same herd, less patient: soon only abandoned requests are served, for ever."""

SMALL = StormParams(holders=1_000, service_s=0.2, timeout_s=35.0, phase_s=0.001, horizon_s=600.0)
"""A tenth of the herd on workers as much slower: a third gives up, all come back. For tests."""


@dataclass(frozen=True)
class StormResult:
    """Counts until the horizon, and the processor time that the simulation took (no start-up, no compiling)."""

    submissions: int
    finishes: int
    successes: int
    timeouts: int
    leased_share: float
    cpu_s: float

    @property
    def wasted(self) -> int:
        return self.finishes - self.successes

    @property
    def logical_events(self) -> int:
        """Submissions, finishes and deadlines met by an attempt that still stood; timers that came to nothing do not
        count, however a program gets rid of them."""
        return self.submissions + self.finishes + self.timeouts

    @property
    def ns_per_event(self) -> float:
        return self.cpu_s * 1e9 / self.logical_events


@dataclass(frozen=True)
class Peer:
    """A program. Its module has `missing() -> str | None`, why it cannot run here, and `run(params) -> StormResult`."""

    name: str
    module: str
    what: str

    def missing(self) -> str | None:
        reason: str | None = importlib.import_module(f".{self.module}", __name__).missing()
        return reason

    def run(self, params: StormParams) -> StormResult:
        result: StormResult = importlib.import_module(f".{self.module}", __name__).run(params)
        return result


PEERS: dict[str, Peer] = {
    peer.name: peer
    for peer in (
        Peer("simpy", "simpy_idiomatic", "SimPy, processes as its documentation writes them"),
        Peer("simpy-lean", "simpy_lean", "SimPy, callbacks on bare timeouts"),
        Peer("cimba-python", "cimba_processes", "Cimba, processes in compiled Python"),
        Peer("cimba-c", "cimba_events", "Cimba, events in C"),
        Peer("heap-cpp", "heap", "C++ with std::priority_queue"),
    )
}


def available() -> dict[str, Peer]:
    """The peers that can run here."""
    return {name: peer for name, peer in PEERS.items() if peer.missing() is None}


def disagreements(ours: Sequence[StormResult], theirs: Sequence[StormResult], *, sigmas: float = 4.0) -> list[str]:
    """Measures whose means over the seeds differ by more than `sigmas` standard errors; empty if the two agree.

    Needs two seeds or more on either side, better ten. Where neither side varies at all, the means must be equal.
    """
    found = []
    for measure in ("submissions", "finishes", "successes", "timeouts", "leased_share"):
        a = [float(getattr(result, measure)) for result in ours]
        b = [float(getattr(result, measure)) for result in theirs]
        difference = abs(fmean(a) - fmean(b))
        error = sqrt(variance(a) / len(a) + variance(b) / len(b))
        if difference > sigmas * error:
            found.append(f"{measure}: {fmean(a):.6g} against {fmean(b):.6g}, standard error {error:.3g}")
    return found
