"""Pictures of leases: the share of holders that have one, of all variants together and of each."""

from __future__ import annotations

from collections.abc import Sequence

from recovery.measures import register
from recovery.show.figures import GREY, Curve, Picture, TimeAxis, entitle, level_of, lines_in, stack
from recovery.show.run_figures import stones
from recovery.show.run_figures.panels import edge_labels, grid_of, hero_of, highlighted, lines, only_last, panel_title
from recovery.show.variants import back, contrast, how_long
from recovery.show.words import speaking_of
from recovery.store.run_record import Summary


def leased(summary: Summary, curves: Sequence[Curve], axis: TimeAxis) -> Picture:
    """Share of the holders that hold a lease, with the milestones."""
    chosen, called = highlighted(summary, curves), summary.groups[0].scenario.called
    seen = [
        pair
        for pair in stones.numbered(summary)
        if (known := register.find(pair[1].measure)) is not None and known.stage == register.LEASES
    ]
    figure, (top, below) = stack([3.1, lines_in(chosen.rows) + stones.rows_in(seen)])
    label = speaking_of(called, "holders with a lease (%)")
    handles = lines(top, axis, chosen, lambda curve: level_of(curve, "leased_share", 100), label, "share")
    only_last([top], axis)
    chosen.legend(
        below, handles, [f"{curve.label}: {how_long(summary, summary.groups[i])}" for i, curve in chosen.shown]
    )
    stones.mark(top, summary, axis, seen)
    stones.list_in(below, summary, seen, axis)
    entitle(figure, f"{speaking_of(called, 'Leases')}: {contrast(summary, hero_of(summary))}")
    caption = speaking_of(called, "Share of holders that hold a lease, at the end of each window.")
    caption += axis.shading(summary.groups)
    caption += stones.CAPTION.format(summary.groups[0].variant) if seen else ""
    return Picture("leased", figure, caption + chosen.note)


def each(summary: Summary, curves: Sequence[Curve], axis: TimeAxis) -> Picture:
    """Leased share, a panel a variant, with the first variant behind it."""
    figure, panels = grid_of(len(curves) - 1, 1.25)
    groups = summary.groups
    first = level_of(curves[0], "leased_share", 100)
    for panel, curve, group in zip(panels, curves[1:], groups[1:], strict=True):
        panel.plot(*first, color=GREY, lw=1.0, ls=(0, (2, 1.5)))
        panel.plot(*level_of(curve, "leased_share", 100), color="#0072B2", lw=1.9)
        axis.dress(panel, small=True, group=group)
        panel.set_ylim(-4, 106)
        panel.set_yticks([0, 50, 100])
        panel_title(panel, curve.label, how_long(summary, group))
    edge_labels(figure, panels, speaking_of(groups[0].scenario.called, "with a lease (%)"), axis.label)
    found = [back(summary, group) for group in groups[1:]]
    always, some = sum(not one.never for one in found), sum(one.is_known and one.never > 0 for one in found)
    told = f"{always} of {len(found)} come back" + (f", {some} more in some runs only" if some else "")
    leases = speaking_of(groups[0].scenario.called, "Leases")
    entitle(figure, f"{leases} under each other variant: {told}")
    caption = f"Solid: the variant named above the panel. Dotted: “{curves[0].label}”, in every panel for comparison."
    return Picture("leased-each", figure, caption)
