"""Milestones in pictures: where they were observed, where the first variant has them, and as a list."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from recovery import units
from recovery.show.figures import TimeAxis
from recovery.store.run_record import Milestone

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OBSERVED, SIMULATED = "#0072B2", "#000000"


def mark(panel: Axes, axis: TimeAxis, stones: Sequence[tuple[int, Milestone]]) -> None:
    """Numbered milestones above a panel: a row of what was observed over a row of what was simulated."""
    if not stones:
        return
    panel.set_title(" ", fontsize=17)  # room for two rows
    last, is_left = -math.inf, False
    lift = 1 / (72 * 1.25)
    above = panel.get_xaxis_transform()
    for i, stone in stones:
        observed, simulated = stone.observed_s, stone.simulated_s
        panel.axvline(observed, color=OBSERVED, lw=0.9, ls=(0, (4, 2)), zorder=1)
        is_left = observed - last < 0.035 * axis.horizon_s and not is_left  # beside the one before
        last = observed
        panel.annotate(
            f"{i}", (observed, 1.0), (-7 if is_left else 7, 15), xycoords=("data", "axes fraction"),
            textcoords="offset points", ha="center", va="center", fontsize=8.6, color=OBSERVED, fontweight="bold",
            annotation_clip=False,
        )  # fmt: skip
        panel.plot([observed], [1 + 15 * lift], "v", color=OBSERVED, ms=5.5, transform=above, clip_on=False, zorder=6)
        if 0 < simulated <= axis.horizon_s:
            panel.plot([simulated], [1 + 5 * lift], "v", color=SIMULATED, ms=5.5, transform=above, clip_on=False,
                       zorder=6)  # fmt: skip


def list_in(below: Axes, stones: Sequence[Milestone], axis: TimeAxis, variant: str) -> None:
    """Under the panels, milestones as a list: number, name, observed, simulated, difference."""
    if not stones:
        return
    lines = [f"Milestones: observed | simulated (“{textwrap.shorten(variant, 40, placeholder=' …')}”)"]
    for i, stone in enumerate(stones, 1):
        observed, simulated = stone.observed_s, stone.simulated_s
        text = units.show_milestone(simulated)
        if 0 < simulated < math.inf:
            off = round((simulated - observed) / 60)
            text = f"{axis.show(simulated)} ({'+' if off > 0 else '−' if off else '±'}{abs(off)} min)"
        fit = ", used for the fit" if stone.used_for_fit else ""
        name = textwrap.shorten(stone.label, 56, placeholder=" …")
        lines.append(f"{i}  {name}: {axis.show(observed)} | {text}{fit}")
    below.text(
        0, 0, "\n".join(lines), transform=below.transAxes, va="bottom", ha="left", fontsize=8.4, linespacing=1.35
    )


CAPTION = " Triangles above a panel: observed (blue, numbered) over simulated (black, “{}”)."
