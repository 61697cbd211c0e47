"""Times that a run was too short to come to, and what it tells of them all the same. A leaf.

`row` has the measures of a run, its `verdict`, and its `verdict.NAME` of each class.
"""

import math
from collections.abc import Mapping

from recovery.measures.for_good import NEARLY_ALL
from recovery.measures.register import DEPTHS, ROUNDING, class_of, is_end, starts_at_return, without_class
from recovery.units import show_duration


def is_late(measure: str, value: float, row: Mapping[str, object]) -> bool:
    """Whether a run, or the class that a measure is of, does not come to what ends a disturbance though it did not
    collapse: a longer run may come to it.
    """
    verdict = row.get(f"verdict.{class_of(measure)}", row.get("verdict"))
    return math.isinf(value) and is_end(measure) and verdict != "collapsed"


def from_s(measure: str, row: Mapping[str, object]) -> float:
    """From when on a time counts, s from the start."""
    back_s = _number(row, "recovers_from_s") if starts_at_return(measure) else 0.0
    return 0.0 if math.isnan(back_s) else back_s


def at_least_s(measure: str, row: Mapping[str, object], horizon_s: float, hold_s: float) -> float:
    """How long a time is at the least that a run is too short to come to, s: as long as the run has for it. It may be
    up to `hold_s` less where leases or jobs may have been back as the run ends, since they must stay so for that long.
    """
    within_s = horizon_s - from_s(measure, row)
    return max(within_s if _is_away(measure, row, horizon_s) else within_s - hold_s, 0.0)


def wanted(least_s: float, horizon_s: float) -> str:
    """What horizon would tell more than one of `horizon_s`, in words: `least_s` at the least, as far as that is known
    and more.
    """
    return (
        f"want a longer horizon, {show_duration(least_s)} or more" if least_s > horizon_s else "want a longer horizon"
    )


def _is_away(measure: str, row: Mapping[str, object], horizon_s: float) -> bool:
    """Whether a run surely ends without what a time is the time to."""
    name, whose = without_class(measure), class_of(measure)
    share = _number(row, "leased_end_share" + (f".{whose}" if whose else ""))
    if name in DEPTHS and not math.isnan(share):
        return share < DEPTHS[name] - ROUNDING
    return name in NEARLY_ALL and not whose and _number(row, "empty_at_s") > horizon_s


def _number(row: Mapping[str, object], name: str) -> float:
    value = row.get(name)
    return float(value) if isinstance(value, int | float) else math.nan
