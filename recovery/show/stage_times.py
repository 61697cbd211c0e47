"""When each stage of a run is normal again, what that saves against the first variant, and which stage comes last.

Pure functions of the rows of a summary; nothing is simulated. A stage is one of leases, launches, latency, capacity.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

from recovery.measures import register
from recovery.statistics.means import mean_interval
from recovery.store.run_record import Row, Summary
from recovery.units import show_milestone

_END = "_normal_s"
ALL = "all"
# Stages in the order of the event: how they are called, and the measure that tells when they are normal again.
STAGES = {name.removesuffix(_END): name for name in register.normals()}
TITLES = {stage: measure.title for stage in (*STAGES, ALL) if (measure := register.find(stage + _END)) is not None}


class Span(NamedTuple):
    """Mean over replications, with the ends of its 95 % interval (nan: there is none)."""

    mean: float
    low: float
    high: float


NONE = "none"  # the stage that comes last where all were normal from the first window on


class Last(NamedTuple):
    """The stage that comes last (`NONE`: all were well), in so many of so many runs."""

    stage: str
    runs: int
    of: int

    @property
    def words(self) -> str:
        """The stage, and in how many runs where these differ."""
        return self.stage if self.runs == self.of else f"{self.stage} in {self.runs} of {self.of} runs"


class Variant(NamedTuple):
    """A variant's times by stage: when normal again (s from the start; 0: always was; inf: never; nan: not measured),
    what that is sooner than in the first variant, paired by replication (nan: not known), and the stage that comes
    last.
    """

    name: str
    runs: int
    normal_s: dict[str, Span]
    saved_s: dict[str, Span]
    last: Last
    window_s: float

    def is_well(self, stage: str) -> bool:
        """Whether a stage was normal from the first window on, but for moments shorter than `hold`."""
        return self.normal_s[stage].mean <= self.window_s

    def show(self, stage: str, show: Callable[[float], str]) -> str:
        """When a stage is normal again, in words; "always" only where no window of any run was anything else."""
        mean = self.normal_s[stage].mean
        return "almost always" if 0 < mean <= self.window_s else show_milestone(mean, show)


def variants(summary: Summary) -> list[Variant]:
    """The variants of a run whose scenario has later stages, the first in front; empty if it has none, or sweeps."""
    rows, groups = summary.rows, summary.groups
    if not rows or ALL + _END not in rows[0].measures or summary.is_sweep:
        return []
    window_s = groups[0].scenario.window_s
    times = {
        group.variant: {row.replication: _times_s(row) for row in rows if row.variant == group.variant}
        for group in groups
    }
    first = times[groups[0].variant]
    return [_variant(name, own, first, window_s) for name, own in times.items()]


def _times_s(row: Row) -> dict[str, float]:
    """When each stage, and all of them, is normal again in one run."""
    return {stage: row.of(stage + _END) for stage in (*STAGES, ALL) if stage + _END in row.measures}


def _variant(
    name: str, own: Mapping[int, Mapping[str, float]], first: Mapping[int, Mapping[str, float]], window_s: float
) -> Variant:
    stages = list(dict.fromkeys(stage for run in (*first.values(), *own.values()) for stage in run))
    normal, saved = {}, {}
    for stage in stages:
        values = [run[stage] for run in own.values() if stage in run]
        normal[stage] = Span(*mean_interval(values, least=0.0))
        pairs = [
            first[i][stage] - run[stage]
            for i, run in own.items()
            if i in first and math.isfinite(run.get(stage, math.nan)) and math.isfinite(first[i].get(stage, math.nan))
        ]
        saved[stage] = Span(*mean_interval(pairs if len(pairs) == len(own) else ()))
    lasts = Counter(_last(run, window_s) for run in own.values())
    return Variant(name, len(own), normal, saved, Last(*lasts.most_common(1)[0], len(own)), window_s)


def _last(run: Mapping[str, float], window_s: float) -> str:
    """The stage that is last to be normal again; of several that never are, the first of them."""
    known = {stage: run[stage] for stage in STAGES if run.get(stage, math.nan) > window_s}
    return max(known, key=lambda stage: known[stage]) if known else NONE


def half_min(span: Span) -> str:
    """Half of an interval, in minutes."""
    half = (span.high - span.low) / 120
    return f"{half:.0f}" if half >= 10 else f"{half:.1f}"


def show_saving(span: Span) -> str:
    """Minutes saved, with half of the paired interval; "–" where they are not known."""
    if not math.isfinite(span.mean):
        return "–"
    minutes = span.mean / 60
    text = f"{minutes:+.0f}" if abs(minutes) >= 10 else f"{minutes:+.1f}"
    text = "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "−")
    return f"{text} ± {half_min(span)} min" if math.isfinite(span.low) else f"{text} min"
