"""The same storm in other programs: yardsticks for the speed of our kernels. (`mm8` has a second yardstick, a queue.)

One host, one unbounded FIFO queue, clients that never give up. At t = 0 no holder has a lease; each submits its first
attempt at its phase, uniform over `[0, phase_s)`. Service is exponential. A holder gives an attempt up at its deadline
and submits the next at once; the abandoned request keeps its place and is served all the same (wasted). A grant leases
the holder for `lease_s` and makes it come back after `renew_after_s`, or with jitter at random around that. Nothing
after `horizon_s` is counted.

Every program has its own random numbers, so answers agree in distribution, not draw by draw: see `disagreements`.

    python -m peers                from tests/bench: a table of speeds and the check that all agree
    peers.available()              the programs that can run here; peers.PEERS has all, with the reason why one cannot
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, variance
from typing import Any

from .program import Program


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
    jitter: float = 0.0


STORM = StormParams()
"""Phases spread: nobody has to give up."""

HERD = StormParams(phase_s=0.001)
"""All at once, and the last is served just before it would give up."""

AT_RANDOM = StormParams(jitter=0.1)
"""As STORM, but renewals come at random."""

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


PEERS: dict[str, Program] = {
    program.name: program
    for program in (
        Program("simpy", "peers.simpy_idiomatic", "SimPy, as its documentation writes it"),
        Program("simpy-lean", "peers.simpy_lean", "SimPy, callbacks only"),
        Program("cimba-python", "peers.cimba_processes", "cimba (from Python, processes)"),
        Program("cimba-c", "peers.cimba_engine", "cimba (C, events)", "storm"),
        Program("heap-cpp", "peers.cpp_storm", "plain C++ with std::priority_queue", "heap"),
        Program("ring-cpp", "peers.cpp_storm", "plain C++ with rings (constant delays only)", "ring"),
        Program("wheel-cpp", "peers.cpp_storm", "plain C++ with a timing wheel for renewals", "wheel"),
        Program("ours, events", "ours", "recovery, events", "run_events"),
        Program("ours", "ours", "recovery"),
    )
}


def available() -> dict[str, Program]:
    """The programs that can run here."""
    return {name: peer for name, peer in PEERS.items() if peer.missing() is None}


def result_of(numbers: Sequence[str]) -> StormResult:
    """What a compiled program printed: counts in the order of StormResult."""
    return StormResult(*map(int, numbers[:4]), *map(float, numbers[4:]))


def without_jitter(params: StormParams) -> None:
    """Raises ValueError where renewals come at random, which not all programs can."""
    if params.jitter:
        raise ValueError(f"jitter is {params.jitter}; this program wants 0")


MEASURES = ("submissions", "finishes", "successes", "timeouts", "leased_share")


def disagreements(
    ours: Sequence[Any], theirs: Sequence[Any], measures: Sequence[str] = MEASURES, *, sigmas: float = 4.0
) -> list[str]:
    """Measures whose means over the seeds differ by more than `sigmas` standard errors; empty if the two agree.

    Needs two seeds or more on either side, better ten. Where neither side varies at all, the means must be equal.
    """
    found = []
    for measure in measures:
        a = [float(getattr(result, measure)) for result in ours]
        b = [float(getattr(result, measure)) for result in theirs]
        difference = abs(fmean(a) - fmean(b))
        error = sqrt(variance(a) / len(a) + variance(b) / len(b))
        if difference > sigmas * error:
            found.append(f"{measure}: {fmean(a):.6g} against {fmean(b):.6g}, standard error {error:.3g}")
    return found
