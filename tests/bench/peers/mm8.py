"""The second yardstick, a queue as every library of its kind has it: open arrivals, eight workers, 90 % busy.

Arrivals and service are exponential, the queue is first in, first out, nobody gives up. At t = 0 nobody is there;
nothing after `horizon_s` is counted. Queueing theory knows the mean wait (Erlang's formula C): see `erlang_c_wait_s`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial

from .program import Program


@dataclass(frozen=True)
class QueueParams:
    arrivals_per_s: float = 360.0
    workers: int = 8
    service_s: float = 0.020
    horizon_s: float = 3600.0
    seed: int = 1

    @property
    def erlang_c_wait_s(self) -> float:
        """Mean wait in the long run."""
        load, c = self.arrivals_per_s * self.service_s, self.workers
        all_busy = load**c / factorial(c) / (1 - load / c)
        chance = all_busy / (sum(load**k / factorial(k) for k in range(c)) + all_busy)
        return chance / (c / self.service_s - self.arrivals_per_s)


@dataclass(frozen=True)
class QueueResult:
    """Counts until the horizon, the mean wait of those whose service began (s), and the processor time that the
    simulation took (no start-up, no compiling).
    """

    arrivals: int
    finishes: int
    wait_s: float
    cpu_s: float

    @property
    def logical_events(self) -> int:
        return self.arrivals + self.finishes

    @property
    def ns_per_event(self) -> float:
        return self.cpu_s * 1e9 / self.logical_events


QUEUES: dict[str, Program] = {
    program.name: program
    for program in (
        Program("simpy", "peers.mm8_simpy", "SimPy, as its documentation writes it"),
        Program("ciw", "peers.mm8_ciw", "Ciw"),
        Program("salabim", "peers.mm8_salabim", "salabim"),
        Program("cimba-python", "peers.mm8_cimba_python", "cimba (from Python, processes)"),
        Program("cimba-c", "peers.cimba_engine", "cimba (C, events)", "queue"),
        Program("heap-cpp", "peers.mm8_cpp", "plain C++ with std::priority_queue"),
        Program("ours, events", "ours", "recovery, events", "run_queue_events"),
        Program("ours", "ours", "recovery", "run_queue"),
    )
}


def result_of(numbers: Sequence[str]) -> QueueResult:
    """What a compiled program printed: in the order of QueueResult."""
    return QueueResult(int(numbers[0]), int(numbers[1]), float(numbers[2]), float(numbers[3]))
