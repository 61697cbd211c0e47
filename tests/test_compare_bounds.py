"""Comparisons of times that are known within bounds alone: when all have renewed, as counts of renewals tell it.

Oracle: by hand. Of two times within [a, b] and [c, d] the difference lies within [a - d, b - c].
"""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from run_records import row_of

from recovery.measures.renewals import RENEWED
from recovery.show import compare_text
from recovery.show.answers.compare import answer_of
from recovery.store.compare_record import Comparison
from recovery.store.run_record import Row
from recovery.study import compare
from recovery.study.compare.sides import Runs

INF = math.inf
Times = list[tuple[float, float]]  # of each run the earliest and the latest, s


def side_of(name: str, times: Times, **measures: float) -> compare.Side:
    """A side of runs of an hour in which all have renewed within these times."""
    early, late = np.array(times).T
    runs = Runs(
        list(range(len(times))), list(range(len(times))), ["recovered"] * len(times),
        {RENEWED: late, **{name: np.full(len(times), value) for name, value in measures.items()}},
        horizon_s=3600.0, renewed_from_s=early,
    )  # fmt: skip
    return compare.Side(name, Path(name), "run", "leases", 3600.0, RENEWED, False, {"w": runs}, window_s=1.0)


def beside(old: Times, new: Times, condition: str = "", **measures: float) -> Comparison:
    """The new side beside the old; `measures` are those of the new one alone."""
    sides = [side_of("old", old, queue_peak=1.0), side_of("new", new, **{"queue_peak": 1.0, **measures})]
    return compare.compared(sides, [compare.condition(condition)] if condition else [])


class Told(NamedTuple):
    """A row of the table: both sides, the difference and the verdict."""

    old: str
    new: str
    differs: str
    verdict: str


def row_in(found: Comparison) -> Told:
    [row] = [row for row in compare_text.lines(found.differences) if row[0] == RENEWED]
    return Told(*row[1:4], row[5])


ONE = "one run: no interval"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ((8.0, 8.0), (856.0, INF), Told("8 s", "≥ 14.3 min", "+14.1 min or more", ONE)),
        ((856.0, INF), (8.0, 8.0), Told("≥ 14.3 min", "8 s", "−14.1 min or more", ONE)),
        ((8.0, 8.0), (12.0, 19.0), Told("8 s", "12 s to 19 s", "+4 s to +11 s", ONE)),
        ((20.0, 30.0), (8.0, 9.0), Told("20 s to 30 s", "8 s to 9 s", "−22 s to −11 s", ONE)),
        ((8.0, 8.0), (407.5, 408.5), Told("8 s", "6.8 min", "+6.7 min", ONE)),
    ],
)
def test_a_difference_of_times_within_bounds_is_told_within_bounds(
    old: tuple[float, float], new: tuple[float, float], told: Told
) -> None:
    found = beside([old], [new])
    assert row_in(found) == told
    assert f", {told.differs}" in answer_of(found).happened.text
    [row] = [row for row in found.differences if row.measure == RENEWED]
    assert math.isnan(row.difference.mean)
    assert row.by is not None
    assert (row.by.from_s, row.by.to_s) == (new[0] - old[1], new[1] - old[0])


@pytest.mark.parametrize(("old", "new"), [((8.0, 20.0), (15.0, 15.0)), ((8.0, INF), (15.0, 20.0))])
def test_bounds_that_overlap_tell_no_difference(old: tuple[float, float], new: tuple[float, float]) -> None:
    found = beside([old] * 3, [new] * 3)
    assert row_in(found).differs == "–"
    assert row_in(found).verdict.startswith("not told apart: counts of renewals tell these times within bounds alone")
    [one] = found.outcomes
    assert (one.verdict, one.is_worse) == ("not told apart", None)


def test_what_is_later_in_every_run_is_worse_whatever_counts_leave_open() -> None:
    """Eight runs of 38 or 39 s, and of 157 or 158 s at the earliest, in two of which counts tell no latest time: the
    least differences are 118 to 120 s, 119 s in the mean.
    """
    old = [(38.0, 38.0), (39.0, 39.0)] * 4
    new = [(158.0, 158.0), (157.0, 157.0), (157.0, INF), (158.0, INF)] * 2
    found = beside(old, new, f"{RENEWED} > +100s")
    [one] = found.outcomes
    assert (one.verdict, one.is_worse) == ("worse", True)
    assert one.difference is not None
    spread = np.array([120, 118, 119, 119] * 2)
    half = 2.364624 * spread.std(ddof=1) / math.sqrt(8)  # Student's t of 7 degrees of freedom
    assert one.difference.difference.low == pytest.approx(119 - half)
    assert one.difference.difference.high == INF
    said = answer_of(found).happened.text
    assert "is worse than" in said
    assert ", +119 s or more (+118 s or more, 95 %; 8 paired runs)" in said
    assert "Stay with “old”" in answer_of(found).change.text
    assert [one.holds for one in found.conditions] == ["yes"]
    assert [one.holds for one in beside(old, new, f"{RENEWED} > +200s").conditions] == ["unsure"]


def test_runs_that_are_alike_in_all_are_the_same_though_counts_leave_their_time_open() -> None:
    found = beside([(856.0, INF)], [(856.0, INF)])
    assert row_in(found) == Told("≥ 14.3 min", "≥ 14.3 min", "0 s", "the same")
    assert answer_of(found).happened.text.endswith("end alike in 1 run: all renewed after ≥ 14.3 min.")
    other = beside([(856.0, INF)], [(856.0, INF)], queue_peak=2.0)
    assert other.outcomes[0].verdict == "not told apart"


def test_a_row_keeps_when_all_have_renewed_at_the_earliest() -> None:
    """Where counts tell it to a window it is the measure; of a folder from before it was kept nothing is known."""
    known, unknown = row_of("a", ttr_renewed_s=8.0), row_of("a", ttr_renewed_s=INF)
    assert known.renewed_s == (8.0, 8.0)
    assert unknown.renewed_s == (0.0, INF)
    row = unknown.model_copy(update={"renewed_from_s": 856.0})
    assert Row.read(row.to_json()).renewed_s == (856.0, INF)
    assert all(map(math.isnan, row_of("a").renewed_s))
