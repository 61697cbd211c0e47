"""When each stage of a run is normal again, what that saves against the first variant, and which stage comes last.

Pure functions of the rows of a summary; nothing is simulated. A stage has one name, that of its table in a scenario
(leases, launches, propagation, health), and one title (health checks).
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from recovery.measures import register
from recovery.measures.register import LEASES
from recovery.show import standings
from recovery.show.standings import Saved, Standing
from recovery.store.run_record import Row, Summary
from recovery.store.scenario_record import Scenario
from recovery.units import show_milestone

ALL = register.ALL
# Of each stage, in the order of the event, and then of all: the measure that tells when it is normal again, its title.
NORMAL = {stage: measure.name for stage, measure in register.normals().items()}
TITLES = {stage: measure.title for stage, measure in register.normals().items()}
STAGES = tuple(stage for stage in NORMAL if stage != ALL)

NONE = "none"  # the stage that comes last where all were normal from the first window on


def called(stage: str) -> str:
    """A stage in a sentence: its title without what is measured of it, "leases" of "leases (99 %)"."""
    return TITLES.get(stage, stage).partition(" (")[0]


def are_many(stage: str) -> bool:
    """Whether a sentence speaks of it as of several: health checks *are* normal, propagation *is*."""
    return called(stage).endswith("s")


class Last(NamedTuple):
    """The stage that comes last (`NONE`: all were well), in so many of so many runs."""

    stage: str
    runs: int
    of: int

    @property
    def words(self) -> str:
        """The stage, and in how many runs where these differ."""
        name = called(self.stage)
        return name if self.runs == self.of else f"{name} in {self.runs} of {self.of} runs"


class Variant(NamedTuple):
    """A variant's times by stage: when normal again (s from the start; 0: always was), what that is sooner than in the
    first variant, paired by replication, and the stage that comes last.
    """

    name: str
    runs: int
    normal: dict[str, Standing]
    saved: dict[str, Saved]
    last: Last
    window_s: float

    def is_well(self, stage: str) -> bool:
        """Whether a stage was normal from the first window on, but for moments shorter than `hold`."""
        found = self.normal[stage]
        return not found.never and found.mean_s <= self.window_s

    def show(self, stage: str, show: Callable[[float], str]) -> str:
        """When a stage is normal again, in words; "always" only where no window of any run was anything else."""
        found = self.normal[stage]
        if not found.never and 0 < found.mean_s <= self.window_s:
            return "almost always"
        if not found.never and not found.is_known:
            return show_milestone(math.nan)
        return found.whole(lambda at_s: show_milestone(at_s, show))


def variants(summary: Summary) -> list[Variant]:
    """The variants of a run whose scenario has later stages, the first in front; empty if it has none, or sweeps."""
    rows, groups = summary.rows, summary.groups
    if not rows or NORMAL[ALL] not in rows[0].measures or summary.is_sweep:
        return []
    own = [summary.rows_of(group) for group in groups]
    return [_variant(runs, own[0], group.scenario) for group, runs in zip(groups, own, strict=True)]


def _variant(own: Sequence[Row], first: Sequence[Row], scenario: Scenario) -> Variant:
    known = {name for row in (*first, *own) for name in row.measures}
    stages = {stage: name for stage, name in NORMAL.items() if name in known}
    normal = {stage: standings.of_rows(own, name, scenario) for stage, name in stages.items()}
    saved = {stage: standings.saved(first, own, name) for stage, name in stages.items()}
    if any(row.of("sessions_ended") > 0 for row in own):  # all may be away between the ends of two windows
        normal[LEASES] = normal[LEASES]._replace(mean_s=max(normal[LEASES].mean_s, scenario.window_s))
    lasts = Counter(last_of(row, scenario.window_s) for row in own)
    return Variant(own[0].variant, len(own), normal, saved, Last(*lasts.most_common(1)[0], len(own)), scenario.window_s)


def last_of(row: Row, window_s: float) -> str:
    """The stage that is last to be normal again; of several that never are, the first of them."""
    known = {stage: at_s for stage in STAGES if (at_s := row.of(NORMAL[stage])) > window_s}
    return max(known, key=lambda stage: known[stage]) if known else NONE


def half_min(low_s: float, high_s: float) -> str:
    """Half of an interval, in minutes."""
    half = (high_s - low_s) / 120
    return f"{half:.0f}" if half >= 10 else f"{half:.1f}"


def show_saving(found: Saved) -> str:
    """Minutes saved, below 2 h with the digits of an answer, with half of the paired interval; "–" where they are
    not known.
    """
    if not math.isfinite(found.mean_s):
        return "–"
    minutes = found.mean_s / 60
    text = f"{minutes:+.0f}" if abs(minutes) >= 119.5 else f"{minutes:+.1f}"
    text = "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "−")
    return f"{text} ± {half_min(found.low_s, found.high_s)} min" if math.isfinite(found.low_s) else f"{text} min"
