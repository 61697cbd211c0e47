"""Times to recovery that hold: leases or jobs of a run that collapses after all are never back."""

import functools
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from recovery.measures.register import DEPTHS, ROUNDING, again_of, class_of, without_class
from recovery.statistics.arrays import Floats

if TYPE_CHECKING:
    import polars as pl

NEARLY_ALL = ("ttr99_s", "ttr100_s")
"""Times that a run which collapses after all does not have, though all may have been well for a while."""


def told(measure: str, value: float, row: Mapping[str, object]) -> float:
    """The value of a measure of a run as it is told: a time to recovery is never one from before the loss, where a
    share was lost only after it had been counted as held.
    """
    again = row.get(again_of(measure)) if without_class(measure) in DEPTHS else None
    return again if isinstance(again, float) and not math.isnan(again) else value


def for_good(measure: str, value: float, row: Mapping[str, object]) -> float:
    """The value of a measure for whoever judges a run by it: as it is told; inf of the times above where the run
    collapses, or the class that the measure is of; of times of a smaller share only where fewer than that have a lease
    as the run ends. The efficiency of such a run is 0. `row` has the run's `verdict`, its `verdict.NAME` of each class,
    and in the same way `leased_end_share` and times until shares were back again.
    """
    judge = _judge_of(measure)
    if judge is None:  # most of them, in each run of a sweep
        return value
    value = told(measure, value, row)
    if math.isnan(value) or row.get(judge.verdict) != "collapsed":
        return value
    share = row.get(judge.end_share)
    is_held = judge.share is not None and not (isinstance(share, float) and share < judge.share - ROUNDING)
    return value if is_held else judge.never


def is_always(measure: str, of: Callable[[str], float]) -> bool:
    """Whether a measure is a time to recovery, of all or of a class, and a run never had less than that share of its
    leases; `of` has the measures of the run. Shares are known at the ends of windows, so nothing is said where sessions
    ended: all may have been away between two ends.
    """
    depth, whose = DEPTHS.get(without_class(measure)), class_of(measure)
    of_class = f".{whose}" if whose else ""
    return (
        depth is not None
        and of(measure) == 0
        and of(f"leased_min_share{of_class}") >= depth - ROUNDING
        and not of(f"sessions_ended{of_class}") > 0
    )


def is_judged(measure: str) -> bool:
    """Whether a collapse or a late loss may change the value of this measure."""
    return _judge_of(measure) is not None


class _Judge(NamedTuple):
    """What a measure is judged by, and its value where it is judged as never; `share` is None where a collapse is
    enough.
    """

    verdict: str
    end_share: str
    share: float | None
    never: float


@functools.lru_cache(maxsize=4096)  # asked for each measure of each run of a sweep
def _judge_of(measure: str) -> _Judge | None:
    """By what times to recovery and the efficiency are judged; None for all other measures."""
    name, whose = without_class(measure), class_of(measure)
    of_class = f".{whose}" if whose else ""
    if name == "efficiency":
        return _Judge("verdict" + of_class, "", None, 0.0)
    if name not in DEPTHS:
        return None
    share = None if name in NEARLY_ALL else DEPTHS[name]
    return _Judge("verdict" + of_class, "leased_end_share" + of_class, share, math.inf)


def of_rows(rows: "pl.DataFrame", measure: str, suffix: str = "") -> Floats:
    """float64[rows], the same of a table of runs, nan where a run knows nothing of it; `suffix` ends the names of its
    columns.
    """
    import polars as pl

    def column(name: str) -> Floats:
        return rows.get_column(name + suffix).cast(pl.Float64).fill_null(math.nan).to_numpy()

    values, judge = column(measure), _judge_of(measure)
    again = again_of(measure)
    if without_class(measure) in DEPTHS and again + suffix in rows.columns:
        values = np.where(np.isnan(column(again)), values, column(again))
    if judge is None or judge.verdict + suffix not in rows.columns:
        return values
    is_never = ~np.isnan(values) & (rows.get_column(judge.verdict + suffix).to_numpy() == "collapsed")
    if judge.share is not None:
        if judge.end_share + suffix not in rows.columns:
            return values
        is_never &= column(judge.end_share) < judge.share - ROUNDING
    return np.asarray(np.where(is_never, judge.never, values))
