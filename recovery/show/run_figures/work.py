"""The picture of what workers spend their time on: stacked areas, the first variant large, the others small."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from recovery import units
from recovery.show.figures import (
    POINTS_MAX,
    Array,
    Curve,
    Picture,
    TimeAxis,
    blank,
    columns_of,
    entitle,
    flow_of,
    is_narrow,
)
from recovery.show.run_figures.panels import panel_title
from recovery.show.variants import ends
from recovery.store.run_record import Summary

WORK = {
    "useful": ("useful", "#007A59", ""),
    "wasted": ("wasted: nobody waits any more", "#D55E00", "///"),
    "failed": ("failed", "#B4568F", "xx"),
    "overhead": ("saying no", "#F0E442", "---"),
    "open": ("busy, nothing has ended yet", "#56B4E9", ".."),
    "down": ("restarting", "#8c8c8c", ""),
    "idle": ("idle", "#efefef", ""),
}
OPEN_MIN = 0.05  # of all workers' time: less is a request on its way from one window to the next


def work(summary: Summary, curves: Sequence[Curve], axis: TimeAxis) -> Picture:
    """Stacked areas of the workers' time: the first variant large, the others small."""
    figure = blank(1.0)
    columns = columns_of(3, 2)
    rows = math.ceil((len(curves) - 1) / columns)
    heights = [2.3, *([1.3] * rows), 0.95 if is_narrow() else 0.5]
    figure.set_figheight(sum(heights) + 0.3 + 0.15 * rows)
    grid = figure.add_gridspec(len(heights), columns, height_ratios=heights)
    panels = [figure.add_subplot(grid[0, :])]
    panels += [figure.add_subplot(grid[1 + i // columns, i % columns]) for i in range(len(curves) - 1)]
    wasted = []
    seen: set[str] = set()
    for i, (panel, curve, group) in enumerate(zip(panels, curves, summary.groups, strict=True)):
        times, shares = _shares_of_work(curve, (POINTS_MAX if i == 0 else 120) // (2 if is_narrow() else 1))
        lower = np.zeros_like(times)
        for kind, share in shares.items():
            _, colour, hatch = WORK[kind]
            if share.max(initial=0.0) > 0.002:
                seen.add(kind)
                panel.fill_between(
                    times,
                    100 * lower,
                    100 * (lower + share),
                    facecolor=colour,
                    edgecolor="#00000066",
                    hatch=hatch or None,
                    lw=0,
                    rasterized=False,
                )
            lower = lower + share
        axis.dress(panel, small=i > 0, shade=False)
        panel.set_ylim(0, 100)
        panel.set_yticks([0, 50, 100])
        panel.grid(visible=False)
        wasted.append((group.mean("wasted_share"), group.variant))
        panel_title(panel, curve.label, f"{_part(wasted[-1][0])} of the work wasted", wide=i == 0)
    panels[0].set_ylabel("workers' time (%)")
    for i, panel in enumerate(panels[1:]):
        if i % columns == 0:
            panel.set_ylabel("%")
    below = figure.add_subplot(grid[-1, :])
    below.axis("off")
    from matplotlib.patches import Patch

    kinds = [kind for kind in WORK if kind in seen]
    patches = [
        Patch(facecolor=WORK[kind][1], hatch=WORK[kind][2] or None, edgecolor="#00000066", lw=0.4) for kind in kinds
    ]
    below.legend(
        patches,
        [WORK[kind][0] for kind in kinds],
        loc="lower left",
        ncols=columns_of(3),
        borderaxespad=0,
        handleheight=1.2,
    )
    text = "; ".join(f"“{variant}” wastes {_part(share)}" for share, variant in ends(wasted))
    entitle(figure, f"What the workers do: {text} of the work")
    return Picture(
        "work",
        figure,
        "What workers spend their time on, as shares of all workers' time. Work counts when it ends. The share in a "
        "panel's title is of the work from the dependency's return until recovery (or the horizon).",
    )


def _shares_of_work(curve: Curve, points: int) -> tuple[Array, dict[str, Array]]:
    """Shares of the workers' time; work, which is counted when it ends, is scaled to the time workers were busy."""
    times, _ = flow_of(curve, "succeeded", points)
    busy, idle, down = (flow_of(curve, f"{name}_ns", points)[1] for name in ("busy", "idle", "down"))
    kinds = {kind: flow_of(curve, f"{kind}_work_ns", points)[1] for kind in ("useful", "wasted", "failed", "overhead")}
    total = np.maximum(busy + idle + down, 1.0)
    done = np.maximum(sum(kinds.values(), np.zeros_like(total)), 1e-9)
    shares = {kind: work / done * busy / total for kind, work in kinds.items()}
    is_open = (sum(kinds.values(), np.zeros_like(total)) <= 0) & (busy / total > OPEN_MIN)
    shares |= {"open": np.where(is_open, busy / total, 0.0), "down": down / total, "idle": idle / total}
    steps = np.max([np.abs(np.diff(share)) for share in shares.values()], axis=0, initial=0.0) > 0.002
    kept = np.append(True, steps) | np.append(steps, True)  # flat stretches need their ends only
    return times[kept], {kind: share[kept] for kind, share in shares.items()}


def _part(share: float) -> str:
    """A share in percent as a title has it."""
    return units.show_share(share) if share == 0 or share >= 0.001 else "under 0.1 %"
