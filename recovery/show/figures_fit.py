"""The picture of a fit: observed against simulated with the values that were found, or that come closest."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from recovery import units
from recovery.show import figures, page, spans
from recovery.show.figures import Picture, TimeAxis
from recovery.show.fit_text import shown
from recovery.show.spans import Level
from recovery.store.fit_record import Fit, FitMilestone, FitSeries

_UNITS = {"share": " (%)", "count": "", "s": " (s)", "1/s": " (a second)"}


def write(folder: Path, fit: Fit) -> list[Path]:
    """Write the picture, wide and narrow, into the folder's figures/; returns the files. Raises files.WriteError."""
    return page.save(folder, lambda: [overlay(fit)])


def overlay(fit: Fit) -> Picture:
    """Observed against simulated with the values that were found, or that come closest."""
    with figures.style():
        told = fit.picture
        if told.series is None:
            return _milestones(TimeAxis(told.horizon_s, told.clock, [told.outages]), fit, told.milestones)
        end_s = spans.end_s(told.horizon_s, [_settled_s(fit, told.series), *(one.to_s for one in told.outages)])
        axis = TimeAxis(end_s, told.clock, [told.outages], horizon_s=told.horizon_s)
        return _series(axis, fit, told.series)


def _settled_s(fit: Fit, series: FitSeries) -> float:
    """When both curves have come to where they end, and no longer are farther apart than chance makes, in seconds."""
    times, values, grid_s = (np.array(one) for one in (series.times_s, series.values, series.grid_s))
    levels = [Level(times, values), *(Level(grid_s, np.array(one)) for one in (series.low, series.mean, series.high))]
    far = times[np.abs(np.interp(times, grid_s, np.array(series.mean)) - values) > 2 * fit.misfit.noise]
    return max(spans.settled_s(levels), float(far.max(initial=0.0)))


def _words_of(column: str) -> str:
    """What a column of results is called on an axis."""
    known = {"leased_share": "holders with a lease"}
    return known.get(column, column.removesuffix("_s").replace("_per", "").replace("_", " "))


def _values(fit: Fit) -> str:
    """What the values are with which it is simulated."""
    return "the values found" if fit.misfit.explains else "the closest ones"


def _series(axis: TimeAxis, fit: Fit, series: FitSeries) -> Picture:
    scale = 100.0 if series.unit == "share" else 1.0
    times, values = np.array(series.times_s), np.array(series.values)
    grid_s, low, mean, high = (np.array(one) for one in (series.grid_s, series.low, series.mean, series.high))
    figure, (top, below, legend) = figures.stack([2.9, 1.2, figures.lines_in(4)])
    band = top.fill_between(grid_s, scale * low, scale * high, color="#0072B2", alpha=0.25, lw=0, zorder=2)
    [line] = top.plot(grid_s, scale * mean, color="#0072B2", lw=1.6, zorder=3)
    [dots] = top.plot(times, scale * values, color="#000000", ls="", marker="o", ms=3, zorder=4)
    axis.dress(top)
    top.set_xlabel("")
    top.set_ylabel(_words_of(series.column) + _UNITS[series.unit])
    off = scale * (values - np.interp(times, grid_s, mean))
    below.axhline(0, color=figures.GREY, lw=0.8)
    chance = 2 * scale * fit.misfit.noise
    grey = below.axhspan(-chance, chance, color="#e4e4e4", zorder=0)
    below.vlines(times, 0, off, color="#D55E00", lw=1.1)
    axis.dress(below, shade=False)
    below.set_ylabel("data less fit" + ("\n(points)" if scale == 100 else _UNITS[series.unit].replace(" ", "\n")))
    names = [
        "observed", f"simulated with {_values(fit)}: mean", "lowest to highest of its replications",
        "grey below: by chance alone",
    ]  # fmt: skip
    figures.legend_below(legend, [dots, line, band, grey], names, others=False)
    values_text = ", ".join(f"{value.key} = {shown(value.text)}" for value in fit.values)
    share = units.show_share(fit.misfit.share)
    said = "meets the curve" if not fit.misfit.is_systematic else f"is off by {share} of the data's spread"
    if not fit.misfit.explains:
        said = f"does not explain the curve: off by {share} of its spread"
    figures.entitle(figure, f"The scenario with {values_text} {said}")
    caption = "Above: the measured series and the simulation. Below: observed less simulated; grey: two standard "
    return Picture("fit", figure, caption + "deviations of what chance makes." + axis.shading([]) + axis.rest)


def _milestones(axis: TimeAxis, fit: Fit, rows: Sequence[FitMilestone]) -> Picture:
    order = list(reversed(rows))
    labels = [textwrap.fill(_called(row), figures.letters(44, 46)) for row in order]
    lines = [1 + label.count("\n") for label in labels]
    is_narrow = figures.is_narrow()
    heights = [0.3 + 0.15 * count if is_narrow else max(0.36, 0.06 + 0.15 * count) for count in lines]
    figure, (panel, legend) = figures.stack([0.6 + sum(heights), figures.lines_in(2)])
    handles = []
    for y, row in enumerate(order):
        bar = panel.errorbar(
            row.observed_s, y, xerr=2 * row.sigma_s, color="#000000", marker="o", ms=4, capsize=3, lw=1.1, ls=""
        )  # fmt: skip
        handles = [bar]
    found = [(y, row.simulated_s) for y, row in enumerate(order) if _occurs(row)]
    [marks] = panel.plot([at for _, at in found], [y for y, _ in found], color="#D55E00", marker="v", ms=7, ls="")
    axis.dress(panel, named=False)
    panel.set_yticks(range(len(rows)), [""] * len(rows) if is_narrow else labels)
    if is_narrow:  # beside the panel names would leave it no room: they stand above their rows
        panel.tick_params(axis="y", length=0)
        for y, label in enumerate(labels):
            panel.annotate(
                label, (0, y), (3, 6), xycoords=("axes fraction", "data"), textcoords="offset points", fontsize=8.2
            )
    panel.set_ylim(-0.7, len(rows) - (0.1 if is_narrow else 0.3))
    panel.set_ylabel("milestone")
    figures.legend_below(
        legend, [*handles, marks], ["observed, with twice its standard deviation", f"simulated with {_values(fit)}"],
        others=False,
    )  # fmt: skip
    values_text = ", ".join(f"{value.key} = {shown(value.text)}" for value in fit.values)
    worst = max(zip(fit.residuals, fit.labels, strict=True), key=lambda one: abs(one[0]))
    said = f"“{worst[1]}” is farthest off, by {abs(worst[0]):.1f} standard deviations"
    figures.entitle(figure, f"With {values_text} {said}")
    caption = f"Each milestone as it was observed and as it is simulated with {_values(fit)}."
    return Picture("fit", figure, caption + axis.shading([]))


def _occurs(row: FitMilestone) -> bool:
    """Whether the simulation has the milestone."""
    return not row.missing and math.isfinite(row.simulated_s)


def _called(row: FitMilestone) -> str:
    """A milestone's name, and what the simulation says where it has no time."""
    name = textwrap.shorten(row.label, 56, placeholder=" …")
    return name if _occurs(row) else f"{name} (simulated: {row.missing or 'never'})"
