"""Curves: what few policies do in each draw that was kept."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from recovery import units
from recovery.show import figures, spans
from recovery.show.figures import INK, Picture
from recovery.show.sweep_figures.drawn import (
    BLUE,
    ORANGE,
    SMALL_PT,
    Array,
    Look,
    Sweep,
    Told,
    labels,
    legend,
    share_of,
    short,
    trap_of,
)
from recovery.show.words import speaking_of

if TYPE_CHECKING:
    import polars as pl

PANELS_MAX = 6
LINES_MAX = 14  # thin lines in a panel: more are not told apart, and make the page heavy
POINTS_MAX = 52


def _chosen(sweep: Sweep) -> list[Told]:
    """Few policies that tell the story: the best, the baseline, the one that collapses most, one that looks good on
    average and does not come back everywhere, then the next best.
    """
    ranked = sweep.ranked
    picked = [ranked[0], *([sweep.baseline] if sweep.baseline else []), *ranked[1:2]]
    picked.append(max(ranked, key=lambda p: share_of(p.collapsed)))
    picked += [trap] if (trap := trap_of(ranked)) else []
    return list({policy.id: policy for policy in [*picked, *ranked[2:]]}.values())


def curves(sweep: Sweep, series: pl.DataFrame) -> Iterator[Picture]:
    """A panel for each of few policies; nothing where none of them has curves."""
    import polars as pl
    from matplotlib.lines import Line2D

    level = "leased_share" if "leased_share" in series.columns else "backlog"
    ids = set(series["policy_id"].unique())
    told = [policy for policy in _chosen(sweep) if policy.id in ids][:PANELS_MAX]
    if level not in series.columns or not told:
        return
    told.sort(key=lambda policy: policy.rank)
    columns = figures.columns_of({1: 1, 2: 2, 4: 2}.get(len(told), 3), 2)
    rows = math.ceil(len(told) / columns)
    high = 2.5 if figures.is_narrow() else 1.95
    figure = figures.blank(1.0 + high * rows)
    grid = figure.add_gridspec(rows + 1, columns, height_ratios=[*[high] * rows, 0.3 if figures.is_narrow() else 0.22])
    panels = [figure.add_subplot(grid[i // columns, i % columns]) for i in range(len(told))]
    axis = _axis(sweep, series.filter(pl.col("policy_id").is_in([policy.id for policy in told])), level)
    series = series.filter(pl.col("time_s") <= axis.end_s)
    scale = 100.0 if level == "leased_share" else 1.0
    verdicts = {
        (policy, replication, draw): verdict
        for policy, replication, draw, verdict in sweep.runs.select(
            "policy_id", "replication", "draw", "verdict"
        ).rows()
    }
    wide = figures.letters({1: 84, 2: 46, 3: 31}[columns], {1: 44, 2: 21}.get(columns, 21))
    names = labels(told, wide, lines=3 if columns == 3 or figures.is_narrow() else 2)
    for i, (panel, policy) in enumerate(zip(panels, told, strict=True)):
        own = series.filter(pl.col("policy_id") == policy.id)
        keys = own.select("replication", "draw").unique().sort("replication", "draw").rows()
        for replication, draw in keys[:: max(1, math.ceil(len(keys) / LINES_MAX))]:
            one = own.filter((pl.col("replication") == replication) & (pl.col("draw") == draw)).sort("time_s")
            lost = verdicts.get((policy.id, replication, draw)) != "recovered"
            look: Look = {"color": ORANGE, "ls": (0, (4, 2)), "zorder": 6} if lost else {"color": BLUE, "zorder": 2}
            panel.plot(*_thinned(one["time_s"].to_numpy(), scale * one[level].to_numpy()), lw=0.7, alpha=0.65, **look)
        middle = own.group_by("time_s").agg(pl.col(level).median()).sort("time_s")
        panel.plot(
            *_thinned(middle["time_s"].to_numpy(), scale * middle[level].to_numpy()), color=INK, lw=2.1, zorder=5
        )
        axis.dress(panel, small=True)
        if level == "leased_share":
            panel.set_ylim(-4, 106)
            panel.set_yticks([0, 50, 100])
        else:
            panel.set_yscale("symlog", linthresh=10)
            panel.set_ylim(bottom=0)
        panel.tick_params(labelsize=8)
        panel.set_title(
            f"{names[i]}\n{textwrap.fill(_back(policy), wide)}", loc="left", fontsize=SMALL_PT, linespacing=1.15
        )
        if i % columns == 0:
            leased = speaking_of(sweep.summary.called, "holders with a lease (%)")
            label_y = leased if level == "leased_share" else "jobs that wait (number)"
            panel.set_ylabel(textwrap.fill(label_y, figures.letters(40, 20)), fontsize=8.4)
        if i + columns >= len(told) and (columns != 3 or i % columns == 1 or len(told) % columns == 1):
            panel.set_xlabel(
                textwrap.fill(axis.label, figures.letters(44, 22)) if columns > 1 else axis.label, fontsize=8.4
            )
    below = figure.add_subplot(grid[-1, :])
    below.axis("off")
    handles = [
        Line2D([], [], color=INK, lw=2.1),
        Line2D([], [], color=BLUE, lw=0.9),
        Line2D([], [], color=ORANGE, lw=0.9, ls=(0, (4, 2))),
    ]
    legend(below, handles, ["median", "a run that is back", "a run that is not"], 3)
    first = told[0]
    worst = max(told, key=lambda policy: share_of(policy.not_recovered))
    others = [worst] if worst is not first and share_of(worst.not_recovered) > 0 else []
    text = f"“{short(first, *others)}” {_is(_back(first))}"
    if others:
        text += f"; “{short(worst, first)}” {_is(_back(worst))}"
    held = speaking_of(sweep.summary.called, "Leases") if level == "leased_share" else "Backlog"
    figures.entitle(figure, f"{held}: {text}")
    leased = speaking_of(sweep.summary.called, "Share of holders that hold a lease")
    noun = leased if level == "leased_share" else "Jobs that wait (logarithmic above 10)"
    caption = (
        f"{noun}; each thin line is one draw, at most {LINES_MAX} of them a panel. The median is over all of them."
    )
    yield Picture("curves", figure, caption + axis.shading([]) + axis.rest)


def _axis(sweep: Sweep, series: pl.DataFrame, level: str) -> figures.TimeAxis:
    """Time up to where something happens in these curves."""
    manifest = sweep.manifest
    runs = series.sort("time_s").partition_by("policy_id", "replication", "draw", maintain_order=True)
    happens = [spans.settled_s(figures.levels_of([figures.Curve("", one) for one in runs], level))]
    happens += [outage.to_s for course in manifest.outages for outage in course]
    end_s = spans.end_s(manifest.horizon_s, happens)
    return figures.TimeAxis(end_s, manifest.head.clock, manifest.outages, horizon_s=manifest.horizon_s)


def _thinned(times: Array, values: Array) -> tuple[Array, Array]:
    every = max(1, math.ceil(len(times) / POINTS_MAX))
    kept = np.unique(np.append(np.arange(0, len(times), every), len(times) - 1))
    return times[kept], values[kept]


def _back(policy: Told) -> str:
    lost = share_of(policy.not_recovered)
    if lost == 0:
        return "back in every run"
    return f"not back in {'any run' if lost == 1 else units.show_share(lost) + ' of the runs'}"


def _is(text: str) -> str:
    return f"is {text}"
