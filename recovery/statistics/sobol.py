"""Sobol indices: what the variance of an output is made of, with chance's share beside that of the inputs."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from recovery.statistics import clusters
from recovery.statistics.arrays import Floats
from recovery.statistics.estimate import UNKNOWN, Estimate
from recovery.statistics.given import between_0_and_1, different_names, numbers


class VarianceShares(NamedTuple):
    """What the variance of one run's output is made of. Sobol indices by name, as shares of the whole variance."""

    S1: dict[str, Estimate]
    """First order: what this input explains alone."""
    ST: dict[str, Estimate]
    """Total: what this input explains alone or together with others; chance is not in it."""
    chance: Estimate
    """What no input explains: the share of chance, of runs with the same inputs."""
    reason: str
    """Why all are nan; empty where they are not."""


def variance_shares(
    f_a: object, f_b: object, f_ab: object, f_again: object, names: Sequence[str], confidence: float = 0.95
) -> VarianceShares:
    """First and total Sobol indices of the mean response, with chance's share beside them, over replications.

    In each replication A and B are two independent samples of the inputs, AB_i is A with column i of B, and A is run
    again. *Each of these matrices has its own draws of chance* (another replication number of the simulation; the same
    one for all would pass chance off as an effect). Then noise is in no product twice: with V the variance of all
    outputs about their common mean m,

        S1_i V = mean of (b - m) (ab_i - (a + again) / 2),
        ST_i V = mean of ((a - ab_i)^2 - (a - again)^2) / 2,
        chance V = mean of (a - again)^2 / 2.

    An index is the ratio of sums over replications, its interval Student's of the linearised ratio over them, cut at 0
    and 1. At most S1_1 + … + chance = 1; what is missing is explained by inputs together.

    `f_a`, `f_b`, `f_again` float[r, n] outputs of r replications (independent samples), `f_ab` float[r, d, n], finite;
    r from 2. A constant output gives nan and a reason. Raises ValueError otherwise.
    Source: A. Saltelli et al., Computer Physics Communications 181 (2010); M. Jansen, ibid. 117 (1999); noise: G. Mazo,
    Electronic Journal of Statistics 15 (2021).
    """
    a, b, again = numbers("f_a", f_a, 2), numbers("f_b", f_b, 2), numbers("f_again", f_again, 2)
    ab = numbers("f_ab", f_ab, 3)
    for name, part, wanted in (
        ("f_b", b.shape, a.shape),
        ("f_again", again.shape, a.shape),
        ("f_ab", ab.shape, (len(a), ab.shape[1], a.shape[1])),
    ):
        if part != wanted:
            raise ValueError(f"{name} has shape {part}; want {wanted}, as f_a has")
    if len(a) < 2:
        raise ValueError(f"f_a has {len(a)} replications; want 2 at least")
    names = different_names(names, ab.shape[1])
    confidence = between_0_and_1("confidence", confidence)
    outputs = np.concatenate([a[:, None], b[:, None], again[:, None], ab], axis=1)
    if np.ptp(outputs) == 0.0:
        why = f"the output is {a[0, 0]:g} in every run: there is nothing to explain"
        return VarianceShares(dict.fromkeys(names, UNKNOWN), dict.fromkeys(names, UNKNOWN), UNKNOWN, why)
    replication, middle = np.arange(len(a)), float(outputs.mean())
    whole = ((outputs - middle) ** 2).mean(axis=(1, 2))

    def share(explained: Floats) -> Estimate:
        told = clusters.student(clusters.linearised(explained.mean(axis=1), whole, replication), confidence)
        return Estimate(*(min(max(end, 0.0), 1.0) for end in told))

    def by_name(part: Callable[[Floats], Floats]) -> dict[str, Estimate]:
        return {name: share(part(ab[:, i])) for i, name in enumerate(names)}

    first = by_name(lambda ab_i: (b - middle) * (ab_i - (a + again) / 2.0))
    total = by_name(lambda ab_i: ((a - ab_i) ** 2 - (a - again) ** 2) / 2.0)
    return VarianceShares(first, total, share((a - again) ** 2 / 2.0), "")
