"""Where the points of a sweep lie: of its levers, its uncertainties and its sensitivity.

A point is a tuple of (key, value) with values as a file has them. Points depend on the declaration and the seed alone.
"""

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from recovery.model.sweep import Span, Sweep
from recovery.statistics.arrays import Floats

Point = tuple[tuple[str, Any], ...]


def lever_points(sweep: Sweep | None, seed: int = 1) -> Iterator[Point]:
    """Points of the levers in order of the file: those combined, without excluded ones, then those included. One that
    comes again, as drawn ones of few values do, is left out.
    """
    if sweep is None:
        yield ()
        return
    seen: set[str] = set()
    for point in _all_lever_points(sweep, seed):
        name = json.dumps(point, sort_keys=True, default=str)
        if name not in seen:
            seen.add(name)
            yield point


def _all_lever_points(sweep: Sweep, seed: int) -> Iterator[Point]:
    wanted = sweep.seed if sweep.seed is not None else seed
    points = list(_points(sweep.levers, sweep.combines_levers, sweep.levers_samples, (wanted, 0, 0, 1)))
    if not sweep.levers and sweep.include:
        points = [()]
    for point in points:
        at = dict(point)
        if not any(all(at[key] == value for key, value in table.items()) for table in sweep.exclude):
            yield point
    for table in sweep.include:
        yield tuple(table.items())


def draws(sweep: Sweep, seed: int, replication: int, block: int) -> list[Point]:
    """Draws of a replication: block after block of `sweep.samples`, each made on its own (of
    Sobol the blocks continue one scrambled sequence). Of grid and list, and without uncertainties, one block.
    """
    if not sweep.draws_anew:
        return list(_points(sweep.uncertainties, sweep.method, 0, (0, 0, 0, 0))) if block == 0 else []
    wanted = sweep.seed if sweep.seed is not None else seed
    return list(_points(sweep.uncertainties, sweep.method, sweep.samples, (wanted, replication, block, 0)))


def saltelli(sweep: Sweep, seed: int, samples: int, replication: int) -> list[list[Point]]:
    """Draws for Sobol indices of one replication, block after block: `samples` points A, as many B, and for each input
    A with that column from B. Source: Saltelli et al., Computer Physics Communications 181 (2010).
    """
    spans = sweep.uncertainties
    n = len(spans)
    wanted = sweep.seed if sweep.seed is not None else seed
    both = unit_points("sobol", samples, 2 * n, (wanted, replication, 0, 2))
    a, b = both[:, :n], both[:, n:]
    blocks = [a, b]
    for i in range(n):
        mixed = a.copy()
        mixed[:, i] = b[:, i]
        blocks.append(mixed)
    return [[_placed(spans, row) for row in block.tolist()] for block in blocks]


def _points(spans: Mapping[str, Span], method: str, samples: int, address: tuple[int, ...]) -> Iterator[Point]:
    if method == "grid" or not spans:
        for values in itertools.product(*(span.values or () for span in spans.values())):
            yield tuple(zip(spans, values, strict=True))
    elif method == "list":
        for values in zip(*(span.values or () for span in spans.values()), strict=True):
            yield tuple(zip(spans, values, strict=True))
    else:
        for row in unit_points(method, samples, len(spans), address).tolist():
            yield _placed(spans, row)


def _placed(spans: Mapping[str, Span], row: list[float]) -> Point:
    return tuple((key, span.at(place)) for (key, span), place in zip(spans.items(), row, strict=True))


def unit_points(method: str, samples: int, dimensions: int, address: tuple[int, ...]) -> Floats:
    """float64[samples, dimensions] in [0, 1): (seed, replication, block, purpose) says which."""
    seed, replication, block, purpose = address
    if method == "random":
        return np.random.default_rng([seed, replication, block, purpose]).random((samples, dimensions))
    from scipy.stats import qmc

    if method == "lhs":
        rng = np.random.default_rng([seed, replication, block, purpose])
        return np.asarray(qmc.LatinHypercube(dimensions, rng=rng).random(samples))
    engine = qmc.Sobol(dimensions, rng=np.random.default_rng([seed, replication, purpose]))
    return np.asarray(engine.fast_forward(block * samples).random(samples) if block else engine.random(samples))
