"""Ranked policies: mean time with its interval, and how many runs are not back."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from recovery import units
from recovery.show import figures
from recovery.show.figures import GREY, INK, Picture
from recovery.show.sweep_figures.drawn import (
    BLUE,
    ORANGE,
    SMALL_PT,
    Look,
    Sweep,
    Told,
    labels,
    legend,
    short,
    what,
)
from recovery.show.words import span_of, times_from

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

BEST_MAX = 25  # policies that are drawn one by one, from the best on
NARROW_MAX = 12  # of these on a phone, and in a column of a printed page
TOLD_MAX = 4  # of those behind them, evenly over the ranks
MORE = 9  # so many more are drawn, too, rather than left out
SET = "#e9eef3"


def _drawn(ranked: Sequence[Told]) -> list[Told | int]:
    """The policies to draw, best first, and between them how many are not drawn."""
    best = figures.letters(BEST_MAX, NARROW_MAX)
    if len(ranked) <= best + TOLD_MAX + MORE:
        return list(ranked)
    kept = set(range(best)) | {i for i, policy in enumerate(ranked) if policy.is_baseline}
    kept |= {round(i) for i in np.linspace(best, len(ranked) - 1, TOLD_MAX + 1)[1:]}
    out: list[Told | int] = []
    last = -1
    for i in sorted(kept):
        if i > last + 1:
            out.append(i - last - 1)
        out.append(ranked[i])
        last = i
    return out


def ranked(sweep: Sweep) -> Picture:
    """The policies one under the other, the best first, and between them how many are not drawn."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    rows = _drawn(sweep.ranked)
    width, lines = figures.letters(46, 24), figures.letters(2, 3)
    of_policies = iter(labels([row for row in rows if not isinstance(row, int)], width, lines))
    names = [f"· · ·  {row} more  · · ·" if isinstance(row, int) else next(of_policies) for row in rows]
    tall = any("\n" in name for name in names)
    figure = figures.blank(1.35 + ((0.4 if figures.is_narrow() else 0.275) if tall else 0.2) * len(rows))
    grid = figure.add_gridspec(2, 2, height_ratios=[len(rows), 1.6], width_ratios=[figures.letters(3, 2), 1])
    times, lost = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1])
    below = figure.add_subplot(grid[1, :])
    below.axis("off")
    most = 0.0
    for y, row in enumerate(rows):
        if isinstance(row, int):
            continue
        colour = INK if row.is_baseline else BLUE
        if row.not_told_apart:
            for panel in (times, lost):
                panel.axhspan(y - 0.5, y + 0.5, color=SET, lw=0, zorder=0)
        style: Look = {
            "color": colour,
            "marker": "s" if row.is_baseline else "o",
            "mfc": colour if row.status in ("precise", "done") else "white",
            "ms": 4.8,
            "lw": 1.3,
            "capsize": 2.2,
        }
        whole, never = row.restricted, row.not_recovered
        ends = _bar(times, sweep.scaled(whole.mean), sweep.scaled(whole.low), sweep.scaled(whole.high), y, style)
        _bar(lost, 100 * never.share, 100 * never.low, 100 * never.high, y, style)
        most = max(most, *ends)
        bound = sweep.scaled(row.fluid_bound_s.mean)
        if bound > 0:
            times.plot([bound, bound], [y - 0.36, y + 0.36], color=ORANGE, lw=2)
    for panel in (times, lost):
        panel.set_ylim(len(rows) - 0.4, -0.6)
        panel.set_yticks(range(len(rows)) if panel is times else [])
        panel.tick_params(axis="y", left=False, labelsize=SMALL_PT)
        panel.tick_params(axis="x", labelsize=8.4)
    times.set_yticklabels(names)
    for row, tick in zip(rows, times.get_yticklabels(), strict=True):
        if isinstance(row, int):
            tick.set_color(GREY)
        elif row.is_baseline:
            tick.set_fontweight("bold")
    times.set_xlim(0, most * 1.03)
    lost.set_xlim(-4, 104)
    lost.set_xticks([0, 100] if figures.is_narrow() else [0, 50, 100])
    times.set_xlabel(
        textwrap.fill(f"mean time until {what(sweep.summary)} ({sweep.unit})", figures.letters(34, 20)), fontsize=8.4
    )
    lost.set_xlabel("runs not\nback (%)", fontsize=8.4)
    handles: list[Artist] = [
        Line2D([], [], color=BLUE, marker="o", ls="", ms=4.8),
        Line2D([], [], color=BLUE, marker="o", mfc="white", ls="", ms=4.8),
        Line2D([], [], color=INK, marker="s", ls="", ms=4.8),
        Line2D([], [], color=ORANGE, marker="|", mew=2, ms=9, ls=""),
    ]
    is_done = any(policy.status == "done" for policy in sweep.ranked)
    looks = ["as many runs as asked for" if is_done else "precise", "not precise, or beaten", "baseline", "fluid bound"]
    handles.append(Patch(facecolor=SET, edgecolor=GREY, lw=0.4))
    legend(below, handles, [*looks, "may still be the best"], 3)
    first, base = sweep.ranked[0], sweep.baseline
    apart = sum(policy.not_told_apart for policy in sweep.ranked[1:])
    span = span_of(first.restricted, times_from(sweep.summary.window_s))
    others = [base] if base is not None and not first.is_baseline else []
    text = f"Soonest of {len(sweep.ranked)} policies: “{short(first, *others)}”, {span}"
    text += f"; {apart} other{'' if apart == 1 else 's'} may still be the best" if apart else ""
    for other in others:
        text += f"; baseline “{short(other, first)}”: {units.show_duration(other.restricted.mean)}"
    figures.entitle(figure, text)
    limit = units.show_duration(sweep.summary.limit_s)
    once = "" if sweep.summary.precision is not None else ", looked at once"
    caption = (
        f"Mean over draws and replications with its {units.show_share(sweep.summary.confidence)} interval{once}, best "
        f"first; a run that is not back counts as {limit}, the horizon. Right: how many those are. Orange mark: the "
        "fluid bound, the time if no work were wasted; nothing can be faster."
    )
    left = sum(row for row in rows if isinstance(row, int))
    if left:
        caption += f" {left} policies are not drawn; the table has all."
    return Picture("ranked", figure, caption)


def _bar(panel: Axes, middle: float, low: float, high: float, y: float, style: Look) -> list[float]:
    """A dot with its interval; returns the finite ends."""
    if not math.isfinite(middle):
        return [0.0]
    low, high = (end if math.isfinite(end) else middle for end in (low, high))
    panel.errorbar([middle], [y], xerr=[[max(middle - low, 0)], [max(high - middle, 0)]], **style)
    return [middle, high]
