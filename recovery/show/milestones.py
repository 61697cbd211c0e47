"""Milestones of a run: observed beside simulated, and whether they are as near as is wanted."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from recovery import units
from recovery.show import standings
from recovery.show.figures import TimeAxis
from recovery.show.standings import Standing
from recovery.store.run_record import Milestone, RunManifest, Summary

NEAR_MIN = {"official": 10, "others": 20}  # how near a milestone should be met


class Stone(NamedTuple):
    """A milestone in words, under the number that it has in pictures."""

    number: int
    label: str
    measure: str
    observed: str
    after: str
    simulated: str
    difference: str
    near: str
    look: str
    confidence: str
    used_for_fit: bool
    source: str


def of(manifest: RunManifest, summary: Summary) -> list[Stone]:
    """The milestones of a summary, in order of time."""
    axis = TimeAxis.of(manifest)
    out = []
    for number, row in enumerate(sorted(summary.milestones, key=lambda row: row.observed_s), 1):
        found = simulated(summary, row)
        off = difference_min(row, found)
        near, look = _near(row, off)
        out.append(
            Stone(
                number=number,
                label=row.label,
                measure=row.measure,
                observed=axis.show(row.observed_s),
                after=units.show_duration(row.observed_s),
                simulated=show(found, axis.show),
                difference=f"{off:+.1f}".replace("-", "−").replace("+0.0", "0.0") if math.isfinite(off) else "–",
                near=near,
                look=look,
                confidence=row.confidence,
                used_for_fit=row.used_for_fit,
                source=row.source,
            )
        )
    return out


def simulated(summary: Summary, stone: Milestone) -> Standing:
    """When the runs of the first variant come to a milestone, and how many never do."""
    if math.isnan(stone.simulated_s):  # the first variant has no run
        return standings.of_times(())
    return standings.of_moment(summary, summary.groups[0], stone.measure)


def difference_min(stone: Milestone, found: Standing) -> float:
    """How much later than observed the runs come to it, minutes; nan where none does, or what is normal always was."""
    return (found.mean_s - stone.observed_s) / 60 if found.mean_s != 0 else math.nan


def show(found: Standing, at: Callable[[float], str] = units.show_duration) -> str:
    """When it was simulated, in words, with how many runs never come to it."""
    if found.never or found.is_known:
        return found.whole(lambda at_s: units.show_milestone(at_s, at))
    return units.show_milestone(math.nan)


def _near(row: Milestone, off_min: float) -> tuple[str, str]:
    """Whether a milestone is met as nearly as is wanted, and how that should look."""
    usual = NEAR_MIN["official"] if row.confidence == "official" else NEAR_MIN["others"]
    wanted_s = 60.0 * usual if row.within_s is None else row.within_s
    is_near = math.isfinite(off_min) and abs(off_min) <= wanted_s / 60
    return (f"{'✓' if is_near else '✗'} {units.show_duration(wanted_s)}", "good" if is_near else "never")
