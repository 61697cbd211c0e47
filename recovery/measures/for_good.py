"""Times to recovery that hold: leases or jobs of a run that collapses after all are never back."""

import functools
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from recovery.measures.register import DENIED_OF_RETURN, DEPTHS, ROUNDING, again_of, class_of, last_of, without_class
from recovery.statistics.arrays import Floats

if TYPE_CHECKING:
    import polars as pl

NEARLY_ALL = ("ttr99_s", "ttr100_s")
"""Times that a run which collapses after all does not have, though all may have been well for a while."""

OF_RETURN = ("efficiency", "amplification", "wasted_share", DENIED_OF_RETURN)
"""Measures of the time in which leases come back: of nothing where none was lost."""


def told(measure: str, value: float, row: Mapping[str, object]) -> float:
    """The value of a measure of a run as it is told: a time to recovery is never one from before the loss, where a
    share was lost only after it had been counted as held.
    """
    return _instead(again_of, measure, value, row)


def last(measure: str, value: float, row: Mapping[str, object]) -> float:
    """The same, but of a share that was lost once more: until it was back for the last time."""
    return _instead(last_of, measure, told(measure, value, row), row)


def _instead(of: Callable[[str], str], measure: str, value: float, row: Mapping[str, object]) -> float:
    found = row.get(of(measure)) if without_class(measure) in DEPTHS else None
    return found if isinstance(found, float) and not math.isnan(found) else value


def for_good(measure: str, value: float, row: Mapping[str, object]) -> float:
    """The value of a measure for whoever judges a run by it: of the last return; never where `falls_after` says so, for
    an efficiency 0. `row` has the run's `verdict`, its `verdict.NAME` of each class, and in the same way
    `leased_end_share` and times until shares were back again and for the last time.
    """
    judge = _judge_of(measure)
    if judge is None:  # most of them, in each run of a sweep
        return value
    value = last(measure, value, row)
    return value if math.isnan(value) or not falls_after(measure, row) else judge.never


def falls_after(measure: str, row: Mapping[str, object]) -> bool:
    """Whether a run collapses after all that may have come to this time, or the class that it is of; of times of a
    smaller share than nearly all only where fewer than that have a lease as the run ends.
    """
    judge = _judge_of(measure)
    if judge is None or row.get(judge.verdict) != "collapsed":
        return False
    share = row.get(judge.end_share)
    return judge.share is None or (isinstance(share, float) and share < judge.share - ROUNDING)


def is_always(measure: str, of: Callable[[str], float]) -> bool:
    """Whether a measure is a time to recovery, of all or of a class, and a run never had less than that share of its
    leases; `of` has the measures of the run. Shares are known at the ends of windows, so nothing is said where more may
    have been away between two ends: sessions ended, or hours without a lease tell a loss that no end shows.
    """
    depth, whose = DEPTHS.get(without_class(measure)), class_of(measure)
    of_class = f".{whose}" if whose else ""
    least, hours = of(f"leased_min_share{of_class}"), of(f"unleased_holder_hours{of_class}")
    return (
        depth is not None
        and of(measure) == 0
        and least >= depth - ROUNDING
        and not of(f"sessions_ended{of_class}") > 0
        and not (least >= 1 - ROUNDING and hours > 0)
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
    for name in (again_of(measure), last_of(measure)) if without_class(measure) in DEPTHS else ():
        if name + suffix in rows.columns:
            values = np.where(np.isnan(column(name)), values, column(name))
    if judge is None or judge.verdict + suffix not in rows.columns:
        return values
    is_never = ~np.isnan(values) & (rows.get_column(judge.verdict + suffix).to_numpy() == "collapsed")
    if judge.share is not None:
        if judge.end_share + suffix not in rows.columns:
            return values
        is_never &= column(judge.end_share) < judge.share - ROUNDING
    return np.asarray(np.where(is_never, judge.never, values))
