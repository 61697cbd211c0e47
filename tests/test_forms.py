"""Pictures in their forms. Oracle: matplotlib's own way to save a figure, which lays out and draws by itself."""

import io
import math

import numpy as np
import polars as pl
import pytest
import run_records
from matplotlib.figure import Figure

from recovery.show import figures, forms, stage_times, variants
from recovery.show.figures import Picture
from recovery.show.run_figures import panels, stages


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


def test_the_variant_that_helps_most_is_the_one_in_title_and_colour() -> None:
    """Nine variants. “frozen” is back at once, but its leases never run out, which is no answer; of the others “more”
    is back first. So titles name it, and of the many it has a colour, and who is not named is grey.
    """
    names = ["as is", "frozen", *(f"other {i}" for i in range(6)), "more"]
    times = [math.inf, 0.0, *(700.0 + i for i in range(6)), 480.0]
    frozen = run_records.scenario_of(run_records.FLEET + 'policy.lease = "freeze"\n')
    verdicts = ["collapsed" if math.isinf(time) else "recovered" for time in times]
    rows = [
        run_records.row_of(name, verdict=verdict, ttr99_s=time)
        for name, verdict, time in zip(names, verdicts, times, strict=True)
    ]
    groups = [
        run_records.group_of(
            name, {verdict: 1}, scenario=frozen if name == "frozen" else None, ttr99_s=time,
            leased_min_share=1.0 if name == "frozen" else 0.0,
        )
        for name, verdict, time in zip(names, verdicts, times, strict=True)
    ]  # fmt: skip
    summary = run_records.summary_of(rows, groups)
    hero = panels.hero_of(summary)
    assert hero is not None
    assert hero.variant == "more"
    chosen = panels.highlighted(summary, [figures.Curve(name, pl.DataFrame()) for name in names])
    assert [curve.label for _, curve in chosen.shown] == ["as is", "more"]
    title = variants.contrast(summary, hero)
    assert "“more” is back after 8 min" in title
    assert "frozen" not in title


def test_a_picture_of_a_stage_names_only_what_has_a_colour() -> None:
    """Of nine variants “launches only” has its launches back first, and is grey: the answer names “all”, which has all
    stages back first, and the title does too.
    """
    names = ["as is", "launches only", *(f"other {i}" for i in range(6)), "all"]
    launches, whole = [9000.0, 1000.0, *[8000.0] * 6, 4000.0], [9000.0, 8900.0, *[8950.0] * 6, 5000.0]
    rows = [
        run_records.row_of(name, ttr99_s=100.0, launches_normal_s=some, all_normal_s=end)
        for name, some, end in zip(names, launches, whole, strict=True)
    ]
    groups = [
        run_records.group_of(name, ttr99_s=100.0, launches_normal_s=some, all_normal_s=end)
        for name, some, end in zip(names, launches, whole, strict=True)
    ]
    summary = run_records.summary_of(rows, groups)
    times = stage_times.variants(summary)
    chosen = stages.chosen_of(summary, [figures.Curve(name, pl.DataFrame()) for name in names], times)
    assert {"as is", "all"} <= {curve.label for _, curve in chosen.shown}
    assert "launches only" not in {curve.label for _, curve in chosen.shown}
    title = stages.contrast(times, chosen, "launches", figures.TimeAxis(20_000.0))
    assert "“all”" in title
    assert "launches only" not in title
