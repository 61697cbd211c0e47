"""Pictures in their forms. Oracle: matplotlib's own way to save a figure, which lays out and draws by itself."""

import io

import numpy as np
import pytest
from matplotlib.figure import Figure

from recovery.show import figures, forms
from recovery.show.figures import Picture


def picture() -> Picture:
    """Two panels with a logarithmic axis, long labels and a legend in a row of its own."""
    with figures.style():
        figure, (top, below) = figures.stack([1.6, figures.lines_in(2)])
        lines = [figures.draw_line(top, i, np.arange(1.0, 50.0), 10.0 ** np.linspace(i, 3, 49)) for i in (0, 1)]
        figures.TimeAxis(3600.0).dress(top)
        top.set_yscale("log")
        top.set_ylabel("requests that wait")
        figures.legend_below(below, lines, ["as is", "a much longer name of a variant " * 3], False)
        figures.entitle(figure, "What to see")
    return Picture("two", figure, "")


def test_a_picture_that_is_laid_out_and_drawn_once_is_what_matplotlib_saves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every coordinate is the same, and the layout can be done again: the PNG is drawn after it."""
    drawn = forms.svg(picture())
    one = picture()

    def saved(figure: Figure) -> str:
        from recovery.show import tick_labels

        buffer = io.BytesIO()
        with figures.style():
            tick_labels.plain(figure)
            figure.savefig(buffer, format="svg", metadata={"Date": None})
        return buffer.getvalue().decode()

    monkeypatch.setattr(forms, "_drawn", saved)
    assert forms.svg(picture()) == drawn
    monkeypatch.undo()
    forms.svg(one)
    layout = one.figure.get_layout_engine()
    assert forms.png(one)[:4] == b"\x89PNG"
    assert one.figure.get_layout_engine() is layout is not None
