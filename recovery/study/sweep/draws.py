"""Draws of a sweep, and the runs that they ask for: each with the number of its random numbers."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from recovery.model.sweep import Sweep
from recovery.reading import design
from recovery.reading.design import Point

SENSITIVITY_REPLICATIONS = 8  # among which the base sample of Sobol indices is shared out


class Drawn(NamedTuple):
    """A draw of a replication, and the number of its random numbers (the replication of `recovery run`)."""

    inputs: Point
    run_replication: int


class Job(NamedTuple):
    """One run that the sweep wants. `role`: draw (counts), tried (a draw that was not accepted), sensitivity."""

    role: Literal["draw", "tried", "sensitivity"]
    policy: int
    replication: int
    draw: int
    inputs: Point
    run_replication: int


def draws_of(sweep: Sweep, seed: int, replication: int) -> Iterator[list[Drawn]]:
    """The draws of a replication, block after block: one block, and with `accept` one for each try."""
    blocks = sweep.accept.tries if sweep.accept is not None else 1
    first = replication * sweep.samples * blocks if sweep.draws_anew else replication
    for block in range(blocks):
        start, step = (first + block * sweep.samples, 1) if sweep.draws_anew else (first, 0)
        points = design.draws(sweep, seed, replication, block)
        yield [Drawn(point, start + step * i) for i, point in enumerate(points)]


def saltelli(sweep: Sweep, seed: int, samples: int) -> list[tuple[int, int, Drawn]]:
    """Replication, number and draw of the runs for Sobol indices: A, B, A with each column of B, and A again, each
    with random numbers of its own.
    """
    out = []
    for replication in range(SENSITIVITY_REPLICATIONS):
        blocks = design.saltelli(sweep, seed, samples // SENSITIVITY_REPLICATIONS, replication)
        points = [point for block in [*blocks, blocks[0]] for point in block]
        first = replication * len(points)
        out += [(replication, i, Drawn(point, first + i)) for i, point in enumerate(points)]
    return out
