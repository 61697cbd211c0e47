"""The picture of times to recovery: a bar a variant, the fastest on top."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

from recovery.show import standings, text
from recovery.show.figures import GREY, SECONDS_MAX, Picture, blank, entitle, letters
from recovery.show.run_figures.panels import hero_of
from recovery.show.standings import Standing
from recovery.show.variants import back, contrast, how_long
from recovery.store.run_record import RunManifest, Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIRST, OTHER, BOUND = "#000000", "#0072B2", "#D55E00"


def bars(manifest: RunManifest, summary: Summary) -> Picture:
    """Time to recovery, a bar a variant, with its interval and the fluid bound."""
    found = {id(group): back(summary, group) for group in summary.groups}
    groups = sorted(summary.groups, key=lambda group: (found[id(group)].rank, -group.mean("leased_end_share")))
    first = summary.groups[0]
    rows = len(groups)
    labels = [textwrap.fill(group.variant, letters(30, 18)) for group in groups]
    lines = max(label.count("\n") + 1 for label in labels)
    figure = blank(0.95 + max(0.36, 0.06 + 0.15 * lines) * rows + 0.3)
    panel = figure.subplots()
    finite = [one.mean_s for one in found.values() if one.is_known]
    is_cut = len(finite) < rows
    limit_s = manifest.horizon_s - summary.recovers_from_s if is_cut else max([*finite, 1e-9]) * 1.22
    unit, unit_s = ("seconds", 1.0) if limit_s <= SECONDS_MAX else ("minutes", 60.0)
    limit = limit_s / unit_s
    for y, group in enumerate(groups):
        colour = FIRST if group is first else OTHER
        if found[id(group)].is_known:
            is_kept = standings.is_always(group, summary.rows_of(group), "ttr99_s")
            told = how_long(summary, group) if is_kept else found[id(group)].whole()
            _back(panel, y, found[id(group)], told, colour, limit, unit_s)
        else:
            _lost(panel, y, found[id(group)].show(), colour, limit)
    bounds = [(y, bound / unit_s) for y, group in enumerate(groups) if (bound := group.mean("fluid_bound_s")) > 0]
    for y, bound in bounds:
        panel.plot([bound, bound], [y - 0.42, y + 0.42], color="white", lw=4)
        panel.plot([bound, bound], [y - 0.42, y + 0.42], color=BOUND, lw=2.2)
    panel.set_yticks(range(rows), labels)
    panel.set_ylim(rows - 0.4, -0.7)
    panel.set_xlim(0, limit)
    panel.grid(axis="y", visible=False)
    what = "99 % leased for good" if manifest.has_leases else "99 % of the backlog cleared for good"
    label = f"{unit} until {what}" + (" (the axis ends at the horizon)" if is_cut else "")
    panel.set_xlabel(textwrap.fill(label, letters(80, 26)))
    entitle(figure, f"Time to recovery: {contrast(summary, hero_of(summary))}")
    last = "last " if text.is_last_of_several(manifest, summary) else ""
    since = f"From the {last}return of the dependency" if manifest.has_leases else "From when recovery is counted"
    caption = f"{since}. Hatched: in no run back before the horizon."
    if bounds:
        caption += " Orange mark: the fluid bound, the time if no work were wasted; nothing can be faster."
    return Picture("time-to-recovery", figure, caption)


def _back(panel: Axes, y: int, found: Standing, told: str, colour: str, limit: float, unit_s: float) -> None:
    """The bar of the runs of a variant that are back, in units of `unit_s`, with what is `told` of it beside it."""
    ttr, low, high = found.mean_s / unit_s, found.low_s / unit_s, found.high_s / unit_s
    panel.barh(y, ttr, height=0.62, color=colour)
    is_known = math.isfinite(low) and math.isfinite(high)
    if is_known:
        panel.errorbar(ttr, y, xerr=[[ttr - low], [high - ttr]], color=GREY, capsize=3, lw=1.2)
    end = max(ttr, high) if is_known else ttr
    panel.annotate(
        told, (min(end, limit), y), (5, 0), textcoords="offset points", va="center", fontsize=9, annotation_clip=False,
    )  # fmt: skip


def _lost(panel: Axes, y: int, told: str, colour: str, limit: float) -> None:
    """The bar of a variant that is not back: hatched, to the horizon."""
    panel.barh(y, limit, height=0.62, facecolor="#f4f4f4", edgecolor=colour, hatch="////", lw=0.6)
    panel.annotate(
        told, (limit / 2, y), va="center", ha="center", fontsize=9,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
    )  # fmt: skip
