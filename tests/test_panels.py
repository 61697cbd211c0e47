"""Axes of panels of a run's pictures. Oracle: what a reader expects of an axis, by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

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
