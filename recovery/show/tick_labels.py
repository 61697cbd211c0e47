"""Labels of logarithmic axes in plain characters: 10³ where matplotlib would write a formula, which we draw none of."""

import re

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
