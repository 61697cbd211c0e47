"""The one key that a run sweeps: its axis, where on it variants tip over, and where theory says so."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from pydantic import JsonValue

from recovery.keys import short_keys
from recovery.store.run_record import Group, Summary
from recovery.store.scenario_record import Quantity, Scenario
from recovery.units import Unit


class Lever(NamedTuple):
    """The one swept key, if its values are numbers: in `unit`, `scale` times seconds, 1/s or the bare number."""

    key: str
    kind: Unit
    unit: str
    scale: float

    def value(self, found: Quantity | None) -> float:
        """What an axis shows for a number of the file; nan for none."""
        return math.nan if found is None else found.value * self.scale

    def of(self, group: Group) -> float:
        """Where a group stands on the axis."""
        return self.value(group.lever_values.get(self.key))

    def show(self, value: float) -> str:
        """A value on the axis, with its unit."""
        return f"{value:.3g}{'' if self.unit.startswith('/') else ' '}{self.unit}".strip()


class Crossing(NamedTuple):
    """Where the probability of collapse is one half, on a line from point to point, nan if nowhere; and the two nearest
    points between which it is, by their intervals, nan where no point tells.
    """

    at: float
    low: float
    high: float


def label_of(variant: str, levers: Mapping[str, JsonValue]) -> str:
    """Name of a variant with the values of its levers, by as much of each key as tells them apart."""
    short = short_keys(levers)
    return ", ".join([variant, *(f"{short[key]} {value}" for key, value in levers.items())])


def lever_of(summary: Summary) -> Lever | None:
    """The lever of a sweep over one key whose values are all numbers, durations, rates or shares; else None."""
    keys = {key for group in summary.groups for key in group.levers}
    if len(keys) != 1 or not all(group.levers for group in summary.groups):
        return None
    [key] = keys
    return lever_over(key, [group.lever_values.get(key) for group in summary.groups])


def lever_over(key: str, found: Sequence[Quantity | None]) -> Lever | None:
    """The axis of a key with these values; None if not all are numbers of one kind, or all are the same."""
    known = [one for one in found if one is not None]
    kinds, values = {one.kind for one in known}, {one.value for one in known}
    if len(known) < len(found) or len(kinds) != 1 or len(values) < 2:
        return None
    kind = kinds.pop()
    if kind == "duration":
        unit, scale = next(
            (u, s)
            for limit, u, s in ((1, "ms", 1e3), (600, "s", 1.0), (math.inf, "min", 1 / 60))
            if max(values) < limit
        )
        return Lever(key, kind, unit, scale)
    return Lever(key, kind, {"rate": "/s", "share": "%", "number": ""}[kind], 100.0 if kind == "share" else 1.0)


def monotone(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The rising sequence nearest to `values` (least squares): neighbours that fall are pooled.

    Source: Ayer, Brunk, Ewing, Reid and Silverman, Ann. Math. Stat. 26 (1955).
    """
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        blocks.append((value, weight, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (a, u, m), (b, v, n) = blocks[-2:]
            blocks[-2:] = [((a * u + b * v) / (u + v), u + v, m + n)]
    return [value for value, _, n in blocks for _ in range(n)]


def crossing(at: Sequence[float], shares: Sequence[float], weights: Sequence[float], level: float = 0.5) -> float:
    """Where a share that rises or falls with `at` passes `level`, or nan. Pooled to be monotone, then linear."""
    order = np.argsort(np.asarray(at), kind="stable")
    x = np.asarray(at, float)[order]
    y = np.asarray(shares, float)[order]
    w = np.asarray(weights, float)[order]
    sign = 1.0 if rises(x, y) else -1.0
    if sign < 0:
        x, y, w = -x[::-1], y[::-1], w[::-1]
    y = np.asarray(monotone(y.tolist(), w.tolist()))
    for i in range(1, len(x)):
        if y[i - 1] < level <= y[i]:
            return sign * float(x[i - 1] + (level - y[i - 1]) / (y[i] - y[i - 1]) * (x[i] - x[i - 1]))
    return math.nan


def rises(at: ArrayLike, shares: ArrayLike) -> bool:
    """Whether shares rise with `at`, by the line that fits best."""
    x, y = np.asarray(at, float), np.asarray(shares, float)
    return float(((x - x.mean()) * (y - y.mean())).sum()) >= 0


def crossings(summary: Summary, lever: Lever) -> dict[str, Crossing]:
    """For each variant, where on the axis of the lever it collapses in half of its runs."""
    out = {}
    for variant in dict.fromkeys(group.variant for group in summary.groups):
        own = [group for group in summary.groups if group.variant == variant]
        at, runs = [lever.of(group) for group in own], [float(group.runs) for group in own]
        half = crossing(at, [group.collapsed.share for group in own], runs)
        rare = [x for x, group in zip(at, own, strict=True) if group.collapsed.high <= 0.5]
        often = [x for x, group in zip(at, own, strict=True) if group.collapsed.low >= 0.5]
        before, after = (rare, often) if rises(at, [group.collapsed.share for group in own]) else (often, rare)
        low, high = max(before, default=math.nan), min(after, default=math.nan)
        if low > high:  # shares go up and down
            low, high = high, low
        out[variant] = Crossing(half, min(low, half), max(high, half))
    return out


def hidden_capacity(scenario: Scenario, lever: Lever) -> float:
    """μ / (1 + R) of a variant on the axis of a lever that is a rate or an interval of arrivals; nan without one."""
    jobs = scenario.jobs
    if not re.fullmatch(r"jobs\.steps\.\d+\.(rate|interval)", lever.key) or jobs is None:
        return math.nan
    if not 0 < jobs.hidden_per_s < math.inf:
        return math.nan
    return (jobs.hidden_per_s if lever.kind == "rate" else 1 / jobs.hidden_per_s) * lever.scale


def medians(summary: Summary, measure: str) -> list[float]:
    """For each group of a summary, the median of a measure over its runs; inf counts as never, and stays inf."""
    values: dict[tuple[str, str], list[float]] = {}
    for row in summary.rows:
        values.setdefault((row.variant, repr(row.levers)), []).append(row.of(measure))
    out = []
    for group in summary.groups:
        own = sorted(values[group.variant, repr(group.levers)])
        low, high = own[(len(own) - 1) // 2], own[len(own) // 2]
        out.append(high if math.isinf(high) else (low + high) / 2)
    return out
