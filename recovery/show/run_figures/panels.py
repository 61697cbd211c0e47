"""Panels that every picture of a run is made of: a line a variant over time, legends, lines across and upright."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from recovery.show import figures
from recovery.show.answers import apart, helps
from recovery.show.figures import GREY, Array, Curve, TimeAxis
from recovery.show.variants import back, best_of
from recovery.store.run_record import Group, Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

TOGETHER_MAX = 6  # more variants than this do not share a panel under their own colours
Line = Callable[[Curve], tuple[Array, Array]]
"""What a panel draws of a variant: times (s) and values."""


class Chosen:
    """Variants that are drawn in their own colours, with their numbers, and those that are drawn in grey behind them.

    Up to TOGETHER_MAX all have a colour; of more the first and those that `wanted` names by their numbers.
    """

    def __init__(self, curves: Sequence[Curve], wanted: Sequence[int]) -> None:
        """`curves`: all variants, the first in front."""
        kept = {0, *wanted} if len(curves) > TOGETHER_MAX else set(range(len(curves)))
        self.shown = [pair for pair in enumerate(curves) if pair[0] in kept]
        self.others = [curve for i, curve in enumerate(curves) if i not in kept]

    @property
    def rows(self) -> int:
        """Lines of a legend."""
        return len(self.shown) + bool(self.others)

    @property
    def note(self) -> str:
        """What a caption says of the variants in grey."""
        return f" Thin grey: the other {len(self.others)} variants." if self.others else ""

    def legend(self, below: Axes, handles: Sequence[Line2D], outcomes: Sequence[str] = ()) -> None:
        """The legend in the row under the panels, where wanted with what became of each variant in colour."""
        ends = [f": {one}" for one in outcomes]
        figures.legend_below(below, handles, [curve.label for _, curve in self.shown], bool(self.others), ends=ends)


def hero_of(summary: Summary) -> Group | None:
    """The variant that the answer names; where it names none, the one that is back first."""
    return helps.best_of(summary) or best_of(summary)


def highlighted(summary: Summary, curves: Sequence[Curve]) -> Chosen:
    """Of many variants those in colour: the first, the one that the answer names, and the one that most often is
    not back; where all are, one that loses leases though the first keeps all.
    """
    others, best = summary.groups[1:], hero_of(summary)
    never = {i: back(summary, one).never_share for i, one in enumerate(others, 1)}
    lost = max((i for i in never if never[i] > 0), key=lambda i: never[i], default=None)
    if lost is None and summary.groups[0].unleased is None:
        losing = apart.nearest(summary, [one for one in others if one.unleased is not None])
        lost = next((i for i, one in enumerate(others, 1) if one is losing), None)
    wanted = [i for i, one in enumerate(others, 1) if one is best]
    return Chosen(curves, [*wanted, *([] if lost is None else [lost])])


def lines(panel: Axes, axis: TimeAxis, chosen: Chosen, line: Line, label: str, scale: str) -> list[Line2D]:
    """One panel, a line a variant; `scale` is "share" (0 to 100 %), "percent" (few of them), "linear", "log" or
    "symlog" (logarithmic, with a linear stretch at zero). Returns handles for a legend.
    """
    least, most, handles = math.inf, 0.0, []
    for curve in chosen.others:
        times, values = line(curve)
        most = max(most, float(np.max(values, initial=0.0)))
        figures.draw_grey(panel, times, values)
    for n, (_, curve) in enumerate(chosen.shown):
        times, values = line(curve)
        if scale == "log":
            values = np.where(values > 0, values, np.nan)
        if np.isfinite(values).any():
            least, most = min(least, float(np.nanmin(values))), max(most, float(np.nanmax(values)))
        handles.append(figures.draw_line(panel, n, times, values))
    axis.dress(panel, named=False)
    panel.set_ylabel(label)
    if scale == "share":
        panel.set_ylim(-3, 106)
        panel.set_yticks([0, 50, 100])
    elif scale == "symlog":
        is_small = most < 10_000
        panel.set_yscale("symlog", linthresh=1 if is_small else 10)
        panel.set_ylim(0, max(most * 2, 10))
        if is_small:
            panel.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    elif scale == "log":
        panel.set_yscale("log")
        panel.set_ylim(max(least * 0.7, 1e-3) if math.isfinite(least) else 0.1, max(most, 1e-2) * 1.6)
    else:
        least_top = 5.0 if scale == "percent" else 0.0
        panel.set_ylim(0, 1.1 * (max(most, least_top) or 1.0))  # where all is 0 the axis goes to 1
    return handles


def only_last(panels: Sequence[Axes], axis: TimeAxis) -> None:
    """The label of the axis of time under the last panel; the outage is named in the first."""
    for panel in panels[:-1]:
        panel.set_xlabel("")
        panel.tick_params(labelbottom=False)
    axis.name_outage(panels[0])


def level_line(panel: Axes, at: float, text: str, is_under: bool = False) -> None:
    """A dotted line across, with its name at the right end, above or under it."""
    panel.axhline(at, color="#D55E00", lw=1.1, ls=(0, (1, 1)), zorder=2)
    panel.annotate(
        text, (1, at), (-2, -3 if is_under else 2), xycoords=("axes fraction", "data"), textcoords="offset points",
        fontsize=8.6, color="#a04500", va="top" if is_under else "bottom", ha="right", zorder=6,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6},
    )  # fmt: skip


def actions(panels: Sequence[Axes], summary: Summary, axis: TimeAxis, names: Sequence[str]) -> str:
    """Dotted lines where operators of the first variant did one of these things; returns them, for the caption."""
    done: dict[str, list[str]] = {}
    for action in summary.rows[0].actions:
        if action.do in names and action.at_s <= axis.end_s:
            for panel in panels:
                panel.axvline(action.at_s, color=GREY, lw=0.9, ls=(0, (1, 2)), zorder=1)
            done.setdefault(action.words, []).append(axis.show(action.at_s))
    if not done:
        return ""
    told = "; ".join(f"{name} {', '.join(dict.fromkeys(times))}" for name, times in done.items())
    return f" Dotted upright lines, what operators of “{summary.rows[0].variant}” did: {told}."


def grid_of(n: int, height_in: float) -> tuple[Figure, list[Axes]]:
    """Small panels side by side."""
    columns = figures.columns_of(3, 2)
    rows = math.ceil(n / columns)
    figure = figures.blank(0.6 + (height_in + 0.3) * rows)
    axes = figure.subplots(rows, columns, squeeze=False, sharex=False).ravel().tolist()
    for spare in axes[n:]:
        spare.axis("off")
    return figure, axes[:n]


def panel_title(panel: Axes, name: str, verdict: str, wide: bool = False) -> None:
    """A variant and what became of it, above its panel."""
    text = f"{name}: {verdict}" if wide else textwrap.shorten(name, 60, placeholder=" …")
    if wide:
        text = textwrap.fill(text, figures.letters(84, 40))
    else:
        text = textwrap.fill(text, figures.letters(29, 22)) + "\n" + textwrap.fill(verdict, figures.letters(29, 22))
    panel.set_title(text, loc="left", fontsize=9.5 if wide else 8.2, linespacing=1.15)


def edge_labels(figure: Figure, panels: Sequence[Axes], y: str, x: str) -> None:
    """Labels at the edges of a grid only."""
    for i, panel in enumerate(panels):
        if i % figures.columns_of(3, 2) == 0:
            panel.set_ylabel(y, fontsize=8.6)
    figure.supxlabel(textwrap.fill(x, figures.letters(90, 40)), fontsize=9)
