"""The picture of a fit, observed against simulated at the optimum, and the files of its folder."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from recovery import units
from recovery.reading.experiment import Experiment, load
from recovery.show import figures, page
from recovery.show.figures import Picture
from recovery.stages.outage import outages_s, resolve
from recovery.store import files
from recovery.study import fit as fits
from recovery.study.fit import Fitted, Observations
from recovery.study.summary import course_of

_UNITS = {"share": " (%)", "count": "", "s": " (s)", "1/s": " (a second)"}


def write(
    folder: Path, path: Path, overrides: tuple[str, ...], fitted: Fitted, observations: Observations
) -> tuple[list[Path], str]:
    """Write the picture (SVG, PNG) and, where values are offered, fitted.toml; returns the files, and why the scenario
    is not among them ("" if it is, or if no value is offered). Raises OSError.
    """
    picture = overlay(load(path, (*overrides, *fitted.overrides)), fitted, observations)
    page.draw(folder, [picture])
    written = [folder / "figures" / f"{picture.name}.png", folder / "figures" / f"{picture.name}.svg"]
    file = folder / "fitted.toml"
    file.unlink(missing_ok=True)  # one of an earlier fit must not stand for this one
    if not fitted.overrides:
        return written, ""
    try:
        text = fits.scenario_text(path, overrides, fitted, observations, folder)
    except ValueError as error:
        return written, f"{path}: {error}; {file} is not written"
    files.write_text(file, text)
    return [file, *written], ""


def overlay(experiment: Experiment, fitted: Fitted, observations: Observations) -> Picture:
    """Observed against simulated with the values that were found."""
    with figures.style():
        scenario = resolve(experiment.first, experiment.head.seed, 0).scenario
        axis = figures.TimeAxis(scenario.horizon, experiment.head.clock, [course_of(outages_s(scenario))])
        if observations.milestones:
            return _milestones(axis, fitted, observations)
        return _series(axis, fitted, observations)


def _series(axis: figures.TimeAxis, fitted: Fitted, observations: Observations) -> Picture:
    scale = 100.0 if observations.unit == "share" else 1.0
    times, values = np.array(observations.times_s), np.array(observations.values)
    drawn = fitted.overlay
    figure, (top, below, legend) = figures.stack([2.9, 1.2, figures.lines_in(3)])
    band = top.fill_between(
        drawn.times_s, scale * drawn.low, scale * drawn.high, color="#0072B2", alpha=0.25, lw=0, zorder=2
    )
    [line] = top.plot(drawn.times_s, scale * drawn.mean, color="#0072B2", lw=1.6, zorder=3)
    [dots] = top.plot(times, scale * values, color="#000000", ls="", marker="o", ms=3, zorder=4)
    axis.dress(top)
    top.set_xlabel("")
    top.set_ylabel(observations.column.removesuffix("_s").replace("_per", "") + _UNITS[observations.unit])
    off = scale * (np.interp(times, drawn.times_s, drawn.mean) - values)
    below.axhline(0, color=figures.GREY, lw=0.8)
    below.axhspan(-2 * scale * fitted.misfit.noise, 2 * scale * fitted.misfit.noise, color="#e9e9e9", zorder=0)
    below.vlines(times, 0, off, color="#D55E00", lw=1.1)
    axis.dress(below, shade=False)
    below.set_ylabel("off by" + (" (points)" if scale == 100 else _UNITS[observations.unit]))
    names = [
        "observed",
        "simulated with the values found: mean",
        f"lowest to highest of its replications{'' if len(drawn.low) else ' (none)'}",
    ]
    figures.legend_below(legend, [dots, line, band], names, others=False)
    values_text = ", ".join(f"{value.key} = {value.text}" for value in fitted.values)
    share = units.show_share(fitted.misfit.share)
    said = "meets the curve" if not fitted.misfit.is_systematic else f"is off by {share} of the data's spread"
    if not fitted.misfit.explains:
        said = f"does not explain the curve: off by {share} of its spread"
    figures.entitle(figure, f"The scenario with {values_text} {said}")
    caption = "Above: the measured series and the simulation. Below: simulated less observed; grey: two standard "
    return Picture("fit", figure, caption + "deviations of what chance makes. Shaded above: the dependency is down.")


def _milestones(axis: figures.TimeAxis, fitted: Fitted, observations: Observations) -> Picture:
    rows = list(zip(observations.milestones, fitted.overlay.milestones_s, fitted.missing, strict=True))
    figure, (panel, legend) = figures.stack([0.6 + 0.36 * len(rows), figures.lines_in(2)])
    handles = []
    for y, ((_, _, at, sigma), simulated, missing) in enumerate(reversed(rows)):
        bar = panel.errorbar(at, y, xerr=2 * sigma, color="#000000", marker="o", ms=4, capsize=3, lw=1.1, ls="")
        handles = [bar]
        if missing or not math.isfinite(simulated):
            panel.annotate(f"simulated: {missing or 'never'}", (at, y), (8, 6), textcoords="offset points", fontsize=8)
    found = [
        (y, simulated)
        for y, (_, simulated, missing) in enumerate(reversed(rows))
        if not missing and math.isfinite(simulated)
    ]
    [marks] = panel.plot([at for _, at in found], [y for y, _ in found], color="#D55E00", marker="v", ms=7, ls="")
    axis.dress(panel)
    panel.set_yticks(range(len(rows)), [f"{label[:40]}" for (label, *_), _, _ in reversed(rows)], parse_math=False)
    panel.set_ylim(-0.7, len(rows) - 0.3)
    panel.set_ylabel("milestone")
    figures.legend_below(
        legend, [*handles, marks], ["observed, with twice its standard deviation", "simulated with the values found"],
        others=False,
    )  # fmt: skip
    values_text = ", ".join(f"{value.key} = {value.text}" for value in fitted.values)
    worst = max(zip(fitted.residuals, fitted.labels, strict=True), key=lambda one: abs(one[0]))
    said = f"“{worst[1]}” is farthest off, by {abs(worst[0]):.1f} standard deviations"
    figures.entitle(figure, f"With {values_text} {said}")
    return Picture("fit", figure, "Each milestone as it was observed and as it is simulated with the values found.")
