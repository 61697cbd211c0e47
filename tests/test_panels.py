"""Axes of panels of a run's pictures. Oracle: what a reader expects of an axis, by hand."""

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from fingerprints import LEASES
from matplotlib.figure import Figure

import recovery
from recovery.show.figures import Curve, level_of
from recovery.show.run_figures import panels


@pytest.mark.parametrize(
    ("scale", "values", "top"), [("linear", [0, 0], 1.1), ("linear", [0, 40], 44.0), ("percent", [0, 0], 5.5)]
)
def test_an_axis_goes_to_a_number_that_can_be_read(scale: str, values: list[float], top: float) -> None:
    """A count that is always 0 has an axis up to 1, not up to a billionth."""
    panel = Figure().add_subplot()
    axis = SimpleNamespace(dress=lambda *_, **__: None)
    chosen = SimpleNamespace(others=[], shown=[(0, None)])
    line = lambda _: (np.array([0.0, 60.0]), np.array(values, float))  # noqa: E731
    panels.lines(panel, axis, chosen, line, "instances", scale)  # type: ignore[arg-type]
    assert panel.get_ylim() == pytest.approx((0, top))


def test_a_short_worst_moment_stays_on_a_thinned_curve() -> None:
    """5,000 windows are drawn by some hundred points; one of them holds 33 %, and the next is well again."""
    levels = np.ones(5000)
    levels[[1234, 4000]] = 0.33, 1.2
    curve = Curve("", pl.DataFrame({"time_s": np.arange(1, 5001) * 5.0, "leased_share": levels}))
    times, shown = level_of(curve, "leased_share", 100.0, 240)
    at = dict(zip(times.tolist(), shown.tolist(), strict=True))
    assert (at[1235 * 5.0], at[4001 * 5.0]) == (33.0, 120.0)
    assert len(at) <= 240 + 2
    assert (np.diff(times) > 0).all()
    assert len(level_of(Curve("", curve.frame.with_columns(leased_share=1.0)), "leased_share", 1.0, 240)[0]) <= 240


def test_who_is_overdue_stands_under_the_leases_where_the_file_says_when_one_is() -> None:
    asked = ', overdue_after = "90s", overdue = "late", called = "nodes" }'
    text = LEASES.replace(" }\nhost", f"{asked}\nhost")
    for file, labels in ((text, ["nodes with a lease (%)", "nodes late (%)"]), (LEASES, ["holders with a lease (%)"])):
        top, *under, _ = recovery.parse(file).run().plot("leased").figure.axes
        assert [panel.get_ylabel() for panel in (top, *under)] == labels
        for panel in under:  # 3 min + 90 s: all; after the return none
            assert {float(line.get_ydata().max()) for line in panel.lines if len(line.get_ydata()) > 9} == {100.0}
