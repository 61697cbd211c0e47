"""When each stage is normal again: in words, as a picture, and which variants the pictures of stages show."""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from collections.abc import Sequence

from recovery.show import advice, stage_times
from recovery.show.answers import helps
from recovery.show.figures import (
    COLOURS,
    MARKERS,
    PALE,
    Curve,
    Picture,
    TimeAxis,
    entitle,
    legend_below,
    letters,
    lines_in,
    stack,
)
from recovery.show.run_figures.panels import Chosen
from recovery.show.stage_times import ALL, STAGES, Variant
from recovery.show.standings import Standing
from recovery.store.run_record import Summary

WORTH_S = 60.0  # a title tells a variant that is sooner by more


def chosen_of(summary: Summary, curves: Sequence[Curve], variants: Sequence[Variant]) -> Chosen:
    """Of many variants those in colour: the first, the one that the answer names (where it names none, the one that is
    normal again soonest), and the last of all.
    """
    ends = [variant.normal[ALL].rank for variant in variants]
    others = range(1, len(variants))
    wanted = [pick(others, key=lambda i: ends[i]) for pick in (min, max) if others]
    hero = helps.best_of(summary)
    named = [i for i in others if hero is not None and variants[i].name == hero.variant]
    return Chosen(curves, [*named, *wanted[1:]] if named else wanted)


def _when(variant: Variant, stage: str, axis: TimeAxis) -> str:
    """When a variant is normal again at a stage, in words."""
    found = variant.normal[stage]
    if variant.is_well(stage):
        return "stays normal"
    if found.is_never:
        return "is never normal again"
    return f"is normal again {at_time(axis, found.mean_s)}" + (f" ({found.words})" if found.never else "")


def at_time(axis: TimeAxis, at_s: float) -> str:
    """A time as the end of a sentence has it."""
    return f"at {axis.show(at_s)}" if axis.start is not None else f"after {axis.show(at_s)}"


def contrast(variants: Sequence[Variant], chosen: Chosen, stage: str, axis: TimeAxis) -> str:
    """The first variant, and the best of the others that have a colour, at one stage."""
    variants = [variants[i] for i, _ in chosen.shown]
    text = f"“{variants[0].name}” {_when(variants[0], stage, axis)}"
    was, found = variants[0].normal[stage], {variant.name: variant.normal[stage] for variant in variants}
    best, worst = (pick(list(found)[1:], key=lambda name: found[name].rank, default="") for pick in (min, max))
    if best and advice.is_better(found[best], was, WORTH_S):
        now = found[best]
        when = "never ceases to be" if now.mean_s <= variants[0].window_s else at_time(axis, now.mean_s)
        when += f" ({now.words})" if now.never else ""
        return f"{text}, “{textwrap.shorten(best, 60, placeholder=' …')}” {when}"
    if worst and was.is_known and found[worst].never_share > was.never_share:
        return f"{text}, “{textwrap.shorten(worst, 60, placeholder=' …')}” {found[worst].words}"
    return text


def _place(found: Standing, axis: TimeAxis) -> float:
    """Where a stage's marker stands: at the mean of the runs that are normal again, else at the horizon."""
    return min(found.mean_s, axis.end_s) if found.is_known else axis.end_s


def stages(variants: Sequence[Variant], axis: TimeAxis) -> Picture:
    """When each stage is normal again, a row a variant, the soonest on top."""
    from matplotlib.lines import Line2D

    order = sorted(variants, key=lambda variant: (variant.normal[ALL].rank, variant is not variants[0]))
    stages = [stage for stage in STAGES if stage in variants[0].normal]
    figure, (panel, below) = stack([0.5 + 0.4 * len(order), lines_in(2)])
    for y, variant in enumerate(order):
        known = [stage for stage in stages if not variant.is_well(stage)]
        ends = [_place(variant.normal[stage], axis) for stage in known]
        if ends:
            panel.plot([min(ends), max(ends)], [y, y], color=PALE, lw=2.4, zorder=1)
        for n, stage in enumerate(stages):
            found = variant.normal[stage]
            if stage not in known:
                continue
            at, never = _place(found, axis), found.never > 0
            low, high = (found.low_s, found.high_s) if math.isfinite(found.low_s) else (at, at)
            place = y + 0.14 * (n - (len(stages) - 1) / 2)  # so that equal times do not hide each other
            panel.plot([low, min(high, axis.end_s)], [place, place], color=COLOURS[n], lw=1.2, zorder=2)
            size = 7 if variant.last.stage == stage else 5
            panel.plot(at, place, MARKERS[n + 1], ms=size, zorder=4, clip_on=False,
                       markerfacecolor="white" if never else COLOURS[n], markeredgecolor=COLOURS[n])  # fmt: skip
    axis.dress(panel, shade=False)
    names = [textwrap.fill(textwrap.shorten(variant.name, 56, placeholder=" …"), letters(32, 18)) for variant in order]
    panel.set_yticks(range(len(order)), names, fontsize=8.4)
    panel.set_ylim(len(order) - 0.4, -0.7)
    panel.grid(axis="y", visible=False)
    handles = [Line2D([], [], color=COLOURS[n], marker=MARKERS[n + 1], ms=5, ls="") for n in range(len(stages))]
    legend_below(below, handles, [stage_times.TITLES[stage] for stage in stages], False, 2)
    lasts = Counter(variant.last.stage for variant in variants)
    told = ", ".join(f"{stage_times.called(stage)} in {count}" for stage, count in lasts.most_common())
    entitle(figure, f"What holds recovery back, in {len(variants)} variants: {told}")
    caption = (
        "When each stage is normal again, with 95 % intervals where there are several runs; the large marker is the "
        "last stage, a hollow one is never normal again before the horizon: at the right edge in every run, else in "
        "some, and it stands where the others are."
    )
    return Picture("stages", figure, caption)
