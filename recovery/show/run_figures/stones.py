"""Milestones in pictures: where they were observed, where the first variant has them, and as a list."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from recovery.show import milestones
from recovery.show.figures import TimeAxis, is_narrow, lines_in
from recovery.store.run_record import Milestone, Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OBSERVED, SIMULATED = "#0072B2", "#000000"


def numbered(summary: Summary) -> list[tuple[int, Milestone]]:
    """All milestones in order of time, each under its number, which the page's table has too."""
    return list(enumerate(sorted(summary.milestones, key=lambda one: one.observed_s), 1))


def mark(panel: Axes, summary: Summary, axis: TimeAxis, stones: Sequence[tuple[int, Milestone]]) -> None:
    """Numbered milestones above a panel: a row of what was observed over a row of what was simulated."""
    if not stones:
        return
    panel.set_title(" ", fontsize=17)  # room for two rows
    last, is_left = -math.inf, False
    for i, stone in stones:
        observed, simulated = stone.observed_s, milestones.simulated(summary, stone).mean_s
        panel.axvline(observed, color=OBSERVED, lw=0.9, ls=(0, (4, 2)), zorder=1)
        is_left = observed - last < 0.035 * axis.end_s and not is_left  # beside the one before
        last = observed
        panel.annotate(
            f"{i}", (observed, 1.0), (-7 if is_left else 7, 15), xycoords=("data", "axes fraction"),
            textcoords="offset points", ha="center", va="center", fontsize=8.6, color=OBSERVED, fontweight="bold",
            annotation_clip=False,
        )  # fmt: skip
        _triangle(panel, observed, 15, OBSERVED)
        if 0 < simulated <= axis.end_s:
            _triangle(panel, simulated, 5, SIMULATED)


def _triangle(panel: Axes, at_s: float, above_pt: float, colour: str) -> None:
    """A triangle that points down, so far above a panel."""
    from matplotlib.transforms import ScaledTranslation

    assert panel.figure is not None
    lift = ScaledTranslation(0, above_pt / 72, panel.figure.dpi_scale_trans)
    place = panel.get_xaxis_transform() + lift
    panel.plot([at_s], [1], "v", color=colour, ms=5.5, transform=place, clip_on=False, zorder=6)


def list_in(below: Axes, summary: Summary, stones: Sequence[tuple[int, Milestone]], axis: TimeAxis) -> None:
    """Under the panels, milestones as a list: number, name, observed, simulated, difference. A narrow picture has none:
    the page has them as a table.
    """
    if not stones or is_narrow():
        return
    variant = summary.groups[0].variant
    lines = [f"Milestones: observed | simulated (“{textwrap.shorten(variant, 40, placeholder=' …')}”)"]
    for i, stone in stones:
        observed, found = stone.observed_s, milestones.simulated(summary, stone)
        text = milestones.show(found, axis.show)
        if found.mean_s > 0:
            off = round(milestones.difference_min(stone, found))
            text += f" ({'+' if off > 0 else '−' if off else '±'}{abs(off)} min)"
        fit = ", used for the fit" if stone.used_for_fit else ""
        name = textwrap.shorten(stone.label, 56, placeholder=" …")
        lines.append(f"{i}  {name}: {axis.show(observed)} | {text}{fit}")
    below.text(
        0, 0, "\n".join(lines), transform=below.transAxes, va="bottom", ha="left", fontsize=8.4, linespacing=1.35
    )


def rows_in(stones: Sequence[tuple[int, Milestone]]) -> float:
    """Inches that the list takes."""
    return 0.0 if is_narrow() or not stones else 1.16 * lines_in(len(stones) + 2)


CAPTION = " Triangles above a panel: observed (blue, numbered) over simulated (“{}”)."
