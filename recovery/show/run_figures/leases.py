"""Pictures of leases: the share of holders that have one, of all variants together and of each."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from recovery.measures import register
from recovery.show import spans
from recovery.show.figures import (
    GREY,
    Array,
    Curve,
    Picture,
    TimeAxis,
    cut,
    entitle,
    level_of,
    levels_of,
    lines_in,
    stack,
)
from recovery.show.run_figures import stones
from recovery.show.run_figures.panels import (
    Chosen,
    edge_labels,
    grid_of,
    hero_of,
    highlighted,
    lines,
    only_last,
    panel_title,
)
from recovery.show.standings import is_always
from recovery.show.variants import back, contrast, how_long
from recovery.show.words import speaking_of
from recovery.store.run_record import Summary
from recovery.units import show_duration

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OVERDUE = "#D55E00"
LABEL = 22  # letters in a line of a low panel's label


def leased(summary: Summary, curves: Sequence[Curve], axis: TimeAxis) -> Picture:
    """Share of the holders that hold a lease, with the milestones."""
    chosen, called = highlighted(summary, curves), summary.groups[0].scenario.called
    seen = [
        pair
        for pair in stones.numbered(summary)
        if (known := register.find(pair[1].measure)) is not None and known.stage == register.LEASES
    ]
    late = _Late(summary, curves)
    near = None if seen else _Near(summary, curves, axis, late)
    is_near = near is not None and near.stretch is not None
    heights = [3.1, *[1.7] * late.is_told, *[1.9] * is_near, lines_in(chosen.rows) + stones.rows_in(seen)]
    figure, (top, *under, below) = stack(heights)
    label = speaking_of(called, "holders with a lease (%)")
    handles = lines(top, axis, chosen, _leased, label, "share")
    if near is not None and is_near:
        near.draw(under.pop(), chosen)
    for panel in under:
        lines(panel, axis, chosen, late.line, late.label, "share")
    only_last([top, *under], axis)
    told = [how_long(summary, summary.groups[i], is_overdue_seen=late.is_told) for i, _ in chosen.shown]
    chosen.legend(below, handles, told)
    stones.mark(top, summary, axis, seen)
    stones.list_in(below, summary, seen, axis)
    said = contrast(summary, hero_of(summary), is_overdue_seen=late.is_told)
    entitle(figure, f"{speaking_of(called, 'Leases')}: {said}")
    caption = speaking_of(called, "Share of holders that hold a lease, at the end of each window.")
    caption += late.caption + (near.caption if near is not None else "") + axis.shading(summary.groups) + axis.rest
    caption += stones.CAPTION.format(summary.groups[0].variant) if seen else ""
    return Picture("leased", figure, caption + chosen.note)


def _leased(curve: Curve) -> tuple[Array, Array]:
    return level_of(curve, "leased_share", 100)


class _Near:
    """The return close up, where it takes but a moment of the axis: of who is overdue, where that is told."""

    def __init__(self, summary: Summary, curves: Sequence[Curve], axis: TimeAxis, late: _Late) -> None:
        """`curves`: one of each group of the summary."""
        self._since_s, self._line = summary.recovers_from_s, late.line if late.is_told else _leased
        levels = levels_of(curves, "overdue" if late.is_told else "leased_share")
        self.stretch = spans.return_of(levels, self._since_s, axis.end_s - axis.from_s)
        self._label = late.label if late.is_told else speaking_of(summary.groups[0].scenario.called, "with a lease (%)")
        self.caption = ""
        if self.stretch is not None:
            self._axis = axis.close_up(self._since_s, self.stretch, "the return")
            self.caption = " At the bottom: the same around the dependency's return."

    def draw(self, panel: Axes, chosen: Chosen) -> None:
        """The panel, with the variants of the others."""
        assert self.stretch is not None
        lines(panel, self._axis, chosen, lambda curve: self._line(self._part(curve)), self._label, "share")

    def _part(self, curve: Curve) -> Curve:
        """The windows of the stretch, in seconds since the return."""
        assert self.stretch is not None
        from_s, to_s = (self._since_s + at for at in self.stretch)
        [near] = cut([curve], to_s, from_s)
        return near._replace(frame=near.frame.with_columns(time_s=near.frame["time_s"] - self._since_s))


class _Late:
    """Who is overdue, where the file says when one is: what the panel under the leases draws and says of it."""

    def __init__(self, summary: Summary, curves: Sequence[Curve]) -> None:
        """`curves`: one of each group of the summary."""
        fleets = [group.scenario.fleet for group in summary.groups]
        self._holders = {
            curve.label: fleet.holders for curve, fleet in zip(curves, fleets, strict=True) if fleet is not None
        }
        after_s = next((group.renewals.after_s for group in summary.groups if group.renewals is not None), None)
        self.is_told = after_s is not None and "overdue" in curves[0].frame.columns
        self.label = self.caption = ""
        if self.is_told and after_s is not None and fleets[0] is not None:
            called = summary.groups[0].scenario.called
            many, late = speaking_of(called, "holders"), fleets[0].overdue
            self.label = textwrap.fill(f"{many} {late} (%)", LABEL)
            self.caption = f" Below: share of the {many} that are {late} (last renewal more than "
            self.caption += f"{show_duration(after_s)} ago), at least so many."

    def line(self, curve: Curve) -> tuple[Array, Array]:
        """Share of the holders of a variant that is overdue (%); nan where it is not counted."""
        return level_of(curve, "overdue", 100 / self._holders[curve.label])


def each(summary: Summary, curves: Sequence[Curve], axis: TimeAxis) -> Picture:
    """Leased share, a panel a variant, with the first variant behind it."""
    figure, panels = grid_of(len(curves) - 1, 1.25)
    groups, late = summary.groups, _Late(summary, curves)
    first = level_of(curves[0], "leased_share", 100)
    for panel, curve, group in zip(panels, curves[1:], groups[1:], strict=True):
        panel.plot(*first, color=GREY, lw=1.0, ls=(0, (2, 1.5)))
        panel.plot(*level_of(curve, "leased_share", 100), color="#0072B2", lw=1.9)
        if late.is_told:
            panel.plot(*late.line(curve), color=OVERDUE, lw=1.2, ls=(0, (4, 1.5)))
        axis.dress(panel, small=True, group=group)
        panel.set_ylim(-4, 106)
        panel.set_yticks([0, 50, 100])
        panel_title(panel, curve.label, how_long(summary, group, is_overdue_seen=late.is_told))
    edge_labels(figure, panels, speaking_of(groups[0].scenario.called, "with a lease (%)"), axis.label)
    found = [back(summary, group) for group in groups[1:]]
    kept = sum(is_always(group, summary.rows_of(group), "ttr99_s") and group.unleased is None for group in groups[1:])
    whole, some = sum(not one.never for one in found) - kept, sum(one.is_known and one.never > 0 for one in found)
    told = [f"{kept} of {len(found)} {'loses' if kept == 1 else 'lose'} none"] if kept else []
    back_again = f"{whole} {'comes' if whole == 1 else 'come'} back"
    told += [back_again if kept else f"{whole} of {len(found)} come back"] if kept < len(found) else []
    told += [f"{some} more in some runs only"] if some else []
    leases = speaking_of(groups[0].scenario.called, "Leases")
    entitle(figure, f"{leases} under each other variant: {', '.join(told)}")
    caption = f"Solid: the variant named above the panel. Dotted: “{curves[0].label}”, in every panel for comparison."
    caption += f" Dashed: {late.label.replace(chr(10), ' ')}." if late.is_told else ""
    return Picture("leased-each", figure, caption)
