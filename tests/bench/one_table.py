"""The one table of a run of benchmarks: what is simulated, by which program, what it cost, and how many times ours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

OURS = "recovery"
HEAD = ("what is simulated", "program", "time", "unit", "times ours")


class Cost(NamedTuple):
    """What one program took for what is simulated, in this unit: the least of its rounds."""

    simulated: str
    program: str
    time: float
    unit: str


def rows(costs: Iterable[Cost]) -> list[tuple[str, ...]]:
    """The table's rows under HEAD. What is simulated stands together in the order in which it came first, the quickest
    program first. Where there is no other program, or ours was not run, there is nothing to compare.
    """
    groups: dict[tuple[str, str], list[Cost]] = {}
    for one in costs:
        groups.setdefault((one.simulated, one.unit), []).append(one)
    found: list[tuple[str, ...]] = []
    for group in groups.values():
        ours = [one.time for one in group if one.program == OURS]
        for one in sorted(group, key=lambda one: one.time):
            times = number(one.time / ours[0]) if ours and len(group) > 1 else ""
            found.append((one.simulated, one.program, number(one.time), one.unit, times))
    return found


def number(value: float) -> str:
    """Three digits, or all those before the point: 0.0123, 1.00, 12.3, 12,345."""
    if value <= 0:
        return "0"
    rounded = float(f"{value:.3g}")
    digits = f"{rounded:.0e}"
    decimals = max(2 - int(digits.partition("e")[2]), 0)
    return f"{value:,.{decimals}f}"


def lines(head: Sequence[str], body: Sequence[Sequence[str]], left: int) -> list[str]:
    """A plain table in columns of one width each, the first `left` of which begin at the left."""
    table = [head, *body]
    widths = [max(len(row[place]) for row in table) for place in range(len(head))]
    return [
        "  ".join(
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]
