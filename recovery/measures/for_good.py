"""Times to recovery that hold: nearly all leases or jobs of a run that collapses after all are never back."""

import functools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from recovery.measures.register import class_of, without_class
from recovery.statistics.arrays import Floats

if TYPE_CHECKING:
    import polars as pl

NEARLY_ALL = ("ttr99_s", "ttr100_s")
"""Times that a run which collapses after all does not have, though all may have been well for a while."""


def for_good(measure: str, value: float, words: Mapping[str, object]) -> float:
    """The value of a measure for whoever judges a run by it: inf of the times above where the run collapses, or the
    class that the measure is of. `words` has the run's `verdict`, and its `verdict.NAME` of each class.
    """
    verdict = _verdict_of(measure)
    fell = verdict is not None and words.get(verdict) == "collapsed"
    return math.inf if fell and not math.isnan(value) else value


@functools.lru_cache(maxsize=4096)  # asked for each measure of each run of a sweep
def _verdict_of(measure: str) -> str | None:
    """By which verdict one of the times above is judged; None for all other measures."""
    if without_class(measure) not in NEARLY_ALL:
        return None
    whose = class_of(measure)
    return f"verdict.{whose}" if whose else "verdict"


def of_rows(rows: "pl.DataFrame", measure: str, suffix: str = "") -> Floats:
    """float64[rows], the same of a table of runs, nan where a run knows nothing of it; `suffix` ends the names of its
    columns.
    """
    import polars as pl

    values = rows.get_column(measure + suffix).cast(pl.Float64).fill_null(math.nan).to_numpy()
    whose = class_of(measure)
    name = (f"verdict.{whose}" if whose else "verdict") + suffix
    fell = rows.get_column(name).to_numpy() == "collapsed" if name in rows.columns else np.zeros(len(values), bool)
    is_never = fell & ~np.isnan(values) & (without_class(measure) in NEARLY_ALL)
    return np.asarray(np.where(is_never, math.inf, values))
