"""When each stage is normal again: in words, as a picture, and which variants the pictures of stages show."""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from collections.abc import Sequence

from recovery.show import stage_times
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
from recovery.store.run_record import Summary


def chosen_of(summary: Summary, curves: Sequence[Curve], variants: Sequence[Variant]) -> Chosen:
    """Of many variants those in colour: the first, the one that the answer names (where it names none, the one that is
    normal again soonest), and the last of all.
    """
    ends = [variant.normal_s[ALL].mean for variant in variants]
    others = range(1, len(variants))
    wanted = [pick(others, key=lambda i: ends[i]) for pick in (min, max) if others]
    hero = helps.best_of(summary)
    named = [i for i in others if hero is not None and variants[i].name == hero.variant]
    return Chosen(curves, [*named, *wanted[1:]] if named else wanted)


def _when(variant: Variant, stage: str, axis: TimeAxis) -> str:
    """When a stage of a variant is normal again, in words."""
    at = variant.normal_s[stage].mean
    if variant.is_well(stage):
        return "stay normal" if stage in ("leases", "launches") else "stays normal"
    verb = "are" if stage in ("leases", "launches") else "is"
    return f"{verb} never normal again" if math.isinf(at) else f"{verb} normal again {at_time(axis, at)}"


def at_time(axis: TimeAxis, at_s: float) -> str:
    """A time as the end of a sentence has it."""
    return f"at {axis.show(at_s)}" if axis.start is not None else f"after {axis.show(at_s)}"


def contrast(variants: Sequence[Variant], chosen: Chosen, stage: str, axis: TimeAxis) -> str:
    """The first variant, and the best of the others that have a colour, at one stage."""
    variants = [variants[i] for i, _ in chosen.shown]
    text = f"“{variants[0].name}” {_when(variants[0], stage, axis)}"
    text = text.replace(" are ", " is ").replace(" stay ", " stays ")
    times = {variant.name: variant.normal_s[stage].mean for variant in variants}
    best, worst = (pick(list(times)[1:], key=lambda name: times[name], default="") for pick in (min, max))
    if best and times[best] < times[variants[0].name] - 60:
        when = "never ceases to be" if times[best] <= variants[0].window_s else at_time(axis, times[best])
        return f"{text}, “{textwrap.shorten(best, 60, placeholder=' …')}” {when}"
    if worst and math.isinf(times[worst]) and math.isfinite(times[variants[0].name]):
        return f"{text}, “{textwrap.shorten(worst, 60, placeholder=' …')}” never"
    return text


def stages(variants: Sequence[Variant], axis: TimeAxis) -> Picture:
    """When each stage is normal again, a row a variant, the soonest on top."""
    from matplotlib.lines import Line2D

    order = sorted(variants, key=lambda variant: (variant.normal_s[ALL].mean, variant is not variants[0]))
    stages = [stage for stage in STAGES if stage in variants[0].normal_s]
    figure, (panel, below) = stack([0.5 + 0.4 * len(order), lines_in(2)])
    for y, variant in enumerate(order):
        known = [stage for stage in stages if not variant.is_well(stage)]
        ends = [min(variant.normal_s[stage].mean, axis.horizon_s) for stage in known]
        if ends:
            panel.plot([min(ends), max(ends)], [y, y], color=PALE, lw=2.4, zorder=1)
        for n, stage in enumerate(stages):
            span = variant.normal_s[stage]
            if stage not in known:
                continue
            at, never = min(span.mean, axis.horizon_s), math.isinf(span.mean)
            low, high = (span.low, span.high) if math.isfinite(span.low) else (at, at)
            place = y + 0.14 * (n - (len(stages) - 1) / 2)  # so that equal times do not hide each other
            panel.plot([low, min(high, axis.horizon_s)], [place, place], color=COLOURS[n], lw=1.2, zorder=2)
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
    told = ", ".join(f"{name} in {count}" for name, count in lasts.most_common())
    entitle(figure, f"What holds recovery back, in {len(variants)} variants: {told}")
    caption = (
        "When each stage is normal again, with 95 % intervals where there are several runs; the large marker is the "
        "last stage, a hollow one at the right edge is never normal again before the horizon."
    )
    return Picture("stages", figure, caption)
