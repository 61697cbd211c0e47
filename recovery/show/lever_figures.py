"""Pictures of a run that sweeps one key: the chance of collapse, times and curves over it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from recovery import units
from recovery.show import spans
from recovery.show.figures import (
    COLOURS,
    DASHES,
    GREY,
    Array,
    Curve,
    Picture,
    TimeAxis,
    cut,
    draw_line,
    entitle,
    legend_below,
    level_of,
    levels_of,
    lines_in,
    series_of,
    stack,
)
from recovery.show.levers import (
    Lever,
    crossings,
    hidden_capacity,
    lever_of,
    medians,
)
from recovery.show.words import speaking_of
from recovery.store.run_record import RunManifest, Summary

if TYPE_CHECKING:
    import polars as pl


class Mark(NamedTuple):
    """A fact to be drawn across the axis of a sweep: `at` in seconds, 1/s, or the bare number."""

    at: float
    label: str


def pictures(
    manifest: RunManifest, summary: Summary, series: pl.DataFrame | None, marks: Sequence[Mark]
) -> Iterator[Picture]:
    """All of them, for a lever whose values are numbers; none for another."""
    level = "leased_share" if manifest.has_leases else "backlog"
    lever = lever_of(summary)
    if lever is None:
        return
    yield _collapse(summary, lever, marks)
    if any(math.isfinite(row.of("ttr99_s")) for row in summary.rows):
        yield _sweep_times(summary, lever)
    if series is not None and level in series.columns:
        yield _sweep_curves(manifest, summary, series, lever, level)


def _collapse(summary: Summary, lever: Lever, marks: Sequence[Mark]) -> Picture:
    variants = list(dict.fromkeys(group.variant for group in summary.groups))
    where = crossings(summary, lever)
    predicted = {
        variant: next(hidden_capacity(g.scenario, lever) for g in summary.groups if g.variant == variant)
        for variant in variants
    }
    shown = {variant: at for variant, at in predicted.items() if math.isfinite(at)}
    figure, (panel, below) = stack([3.2, lines_in(len(variants) + len(marks) + bool(shown)) + 0.1])
    handles, names = [], []
    for i, variant in enumerate(variants):
        own = sorted((g for g in summary.groups if g.variant == variant), key=lever.of)
        x = [lever.of(group) for group in own]
        share, low, high = (
            np.asarray([100 * getattr(group.collapsed, end) for group in own]) for end in ("share", "low", "high")
        )
        colour, dash = COLOURS[i % len(COLOURS)], DASHES[i % len(DASHES)]
        bars = panel.errorbar(
            x, share, yerr=[np.maximum(share - low, 0), np.maximum(high - share, 0)], color=colour, ls=dash, lw=1.6,
            capsize=2.5, elinewidth=0.9, marker="osD^vXP"[i % 7], ms=4.5, zorder=3 - 0.01 * i,
        )  # fmt: skip
        handles.append(bars)
        at = where[variant]
        text = (
            f"{variant}: half of the runs collapse at {lever.show(at.at)}"
            if math.isfinite(at.at)
            else f"{variant}: {_one_sided(share)}"
        )
        if variant in shown:
            text += f"; predicted {lever.show(shown[variant])}"
        names.append(text)
        if math.isfinite(at.at):
            panel.plot([at.at], [50], marker="o", mfc="white", mec=colour, mew=1.6, ms=8, zorder=6)
        if variant in shown:
            panel.axvline(shown[variant], color=colour, lw=1.2, ls=(0, (1, 1.5)), zorder=1)
    panel.axhline(50, color=GREY, lw=0.7)
    for i, mark in enumerate(marks):
        line = panel.axvline(mark.at * lever.scale, color="#A87000", lw=1.4, ls=DASHES[1 + i % 6], zorder=1)
        handles.append(line)  # type: ignore[arg-type]
        names.append(f"observed: {mark.label} ({lever.show(mark.at * lever.scale)})")
    if shown:
        from matplotlib.lines import Line2D

        handles.append(Line2D([], [], color=GREY, lw=1.2, ls=(0, (1, 1.5))))  # type: ignore[arg-type]
        names.append("predicted hidden capacity μ / (1 + R)")
    panel.set_ylim(-4, 104)
    panel.set_ylabel("runs that collapse (%)")
    panel.set_xlabel(f"{lever.key}" + (f" ({lever.unit})" if lever.unit else ""))
    legend_below(below, handles, names, others=False, columns=1)
    found = [(variant, at) for variant, at in where.items() if math.isfinite(at.at)]
    text = "; ".join(f"“{variant}” {lever.show(at.at)}" for variant, at in found) or _one_sided(
        np.asarray([100 * group.collapsed.share for group in summary.groups])
    )
    entitle(figure, f"Half of the runs collapse at: {text}" if found else f"Over the whole sweep: {text}")
    runs = dict.fromkeys(str(n) for n in sorted({group.runs for group in summary.groups}))
    caption = (
        f"Share of {' or '.join(runs)} runs that end in collapse, with Clopper and Pearson's 95 % interval. "
        "Circles: one half, on a line through the shares after neighbours against the trend were pooled."
    )
    if shown:
        caption += (
            " Dotted lines, each in its variant's colour: the load below which a pushed queue should empty by itself."
        )
    return Picture("collapse", figure, caption)


def _one_sided(shares: Array) -> str:
    if shares.max() < 50:
        return f"at most {shares.max():.3g} % of the runs collapse"
    if shares.min() > 50:
        return f"at least {shares.min():.3g} % of the runs collapse"
    return "no single point at which half of the runs collapse"


def _sweep_times(summary: Summary, lever: Lever) -> Picture:
    variants = list(dict.fromkeys(group.variant for group in summary.groups))
    middle = medians(summary, "ttr99_s")
    figure, (panel, below) = stack([2.9, lines_in(len(variants)) + 0.1])
    handles, finite = [], [m for m in middle if math.isfinite(m)]
    top = max([*finite, 1.0])
    unit, scale = ("s", 1.0) if top < 600 else ("min", 1 / 60)
    edge = top * scale * 1.15
    for i, variant in enumerate(variants):
        points = sorted(
            (lever.of(group), m) for group, m in zip(summary.groups, middle, strict=True) if group.variant == variant
        )
        colour = COLOURS[i % len(COLOURS)]
        x = [at for at, m in points if math.isfinite(m)]
        y = [m * scale for _, m in points if math.isfinite(m)]
        (line,) = panel.plot(x, y, color=colour, ls=DASHES[i % len(DASHES)], lw=1.6, marker="osD^vXP"[i % 7], ms=4.5)
        handles.append(line)
        x = [at for at, m in points if math.isinf(m)]
        panel.plot(
            x,
            [edge * (1 + 0.05 * i)] * len(x),
            color=colour,
            ls="",
            marker="osD^vXP"[i % 7],
            ms=6,
            mfc="white",
            clip_on=False,
        )
    panel.axhline(edge, color=GREY, lw=0.7, ls=(0, (1, 1)))
    panel.set_ylim(0, edge * (1.04 + 0.05 * len(variants)))
    panel.annotate(
        "never", (1, edge), (5, 0), xycoords=("axes fraction", "data"),
        textcoords="offset points", fontsize=9, va="center",
    )  # fmt: skip
    panel.set_ylabel(f"median time to recovery ({unit})")
    panel.set_xlabel(f"{lever.key}" + (f" ({lever.unit})" if lever.unit else ""))
    legend_below(below, handles, variants, others=False, columns=1)
    lost = sum(math.isinf(m) for m in middle)
    entitle(
        figure,
        f"The median run takes up to {units.show_duration(top)}; at {lost} of {len(middle)} points it never recovers",
    )
    return Picture(
        "sweep-time-to-recovery",
        figure,
        "Median over the runs of a point (ttr99). Hollow marks on the dotted line: never.",
    )


def _sweep_curves(manifest: RunManifest, summary: Summary, series: pl.DataFrame, lever: Lever, level: str) -> Picture:
    """One run at each of a few values of the lever, around the point at which the first variant tips over."""
    variant = summary.groups[0].variant
    own = sorted((g for g in summary.groups if g.variant == variant), key=lever.of)
    at = crossings(summary, lever)[variant].at
    values = [lever.of(group) for group in own]
    middle = int(np.argmin(np.abs(np.asarray(values) - at))) if math.isfinite(at) else len(own) // 2
    picked = sorted({min(max(middle + step, 0), len(own) - 1) for step in (-4, -2, 0, 2, 4)})
    groups = [own[p] for p in picked]
    drawn = {repr(group.levers) for group in groups}
    rows = [row for row in summary.rows if row.variant == variant and repr(row.levers) in drawn]
    curves = [Curve("", series_of(series, group)) for group in groups]
    happens = [spans.settled_s(levels_of(curves, level)), *(row.of("recovers_from_s") for row in rows)]
    happens += [outage.to_s for course in manifest.outages for outage in course]
    axis = TimeAxis.of(manifest, spans.end_s(manifest.horizon_s, happens))
    figure, (panel, below) = stack([2.9, lines_in(math.ceil(len(picked) / 2)) + 0.1])
    scale = 100.0 if level == "leased_share" else 1.0
    handles = [draw_line(panel, i, *level_of(curve, level, scale)) for i, curve in enumerate(cut(curves, axis.end_s))]
    axis.dress(panel, shade=all(axis.outages_of(g) == axis.outages_of(groups[0]) for g in groups), group=groups[0])
    for back in sorted({row.of("recovers_from_s") for row in rows if row.replication == 0}):
        panel.axvline(back, color=GREY, lw=1, ls=(0, (1, 1)))
    panel.set_ylabel(
        speaking_of(own[0].scenario.called, "holders with a lease (%)")
        if level == "leased_share"
        else "jobs that wait for an answer"
    )
    if level != "leased_share":
        panel.set_yscale("symlog", linthresh=10)
        panel.set_ylim(bottom=0)
    verdicts = [own[p].collapsed.share for p in picked]
    names = [
        f"{lever.show(values[p])}: {units.show_share(share)} collapse"
        for p, share in zip(picked, verdicts, strict=True)
    ]
    legend_below(below, handles, names, others=False, columns=2)
    entitle(figure, f"“{variant}” around the edge: one run at each of {len(picked)} values")
    noun = "Leased share" if level == "leased_share" else "Backlog (logarithmic above 10)"
    return Picture(
        "sweep-curves",
        figure,
        f"{noun} of the first replication at some values of {lever.key}. Dotted: from here recovery is counted."
        + axis.rest,
    )
