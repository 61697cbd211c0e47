"""Labels of ticks: powers in plain characters (10³ where matplotlib would write a formula), and none on another."""

import math
import re
from collections.abc import Sequence
from itertools import pairwise

from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatterMathtext, LogFormatterSciNotation

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Powers(LogFormatterSciNotation):
    """matplotlib's choice of what to label, with raised digits instead of mathematics."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """The label of a place on the axis; empty where there is none."""
        text = str(super().__call__(x, pos)).removeprefix(r"$\mathdefault{").removesuffix("}$")
        text = re.sub(r"\^\{(-?\d+)\}", lambda match: match[1].translate(_RAISED), text)
        return text.replace(r"\times", "×").replace("-", "−")


def plain(figure: Figure) -> None:
    """Give every logarithmic axis of a figure labels in plain characters."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            for old, put in (
                (axis.get_major_formatter(), axis.set_major_formatter),
                (axis.get_minor_formatter(), axis.set_minor_formatter),
            ):
                if isinstance(old, LogFormatterMathtext):
                    put(Powers(10.0, labelOnlyBase=old.labelOnlyBase))


GAP_PT = 2.0


def part(figure: Figure) -> None:
    """Hide labels below an axis that would lie on each other: of a logarithmic one all but the powers of ten, then of
    any axis each second one until the rest have room. The figure has been laid out, at 72 dots an inch.
    """
    for axes in figure.axes:
        shown = [
            (at, tick.label1)
            for tick in (axes.xaxis.get_major_ticks() if axes.axison else ())
            if tick.label1.get_text()
            and tick.label1.get_visible()
            and min(axes.get_xlim()) <= (at := float(tick.get_loc())) <= max(axes.get_xlim())
        ]
        boxes = {at: label.get_window_extent() for at, label in shown}
        spans = {at: (float(box.x0), float(box.x1)) for at, box in boxes.items()}
        places = [at for at, _ in shown]
        if axes.get_xscale() != "linear" and not _have_room([spans[at] for at in places]):
            powers = [at for at in places if at == 0 or math.log10(abs(at)).is_integer()]
            places = powers if len(powers) > 1 else places
        while not _have_room([spans[at] for at in places]):
            places = places[::2]
        for at, label in shown:
            label.set_visible(at in places)


def _have_room(spans: Sequence[tuple[float, float]]) -> bool:
    """Whether spans, each from left to right (pt), lie beside each other with a gap."""
    ordered = sorted(spans)
    return all(left[1] + GAP_PT <= right[0] for left, right in pairwise(ordered))
