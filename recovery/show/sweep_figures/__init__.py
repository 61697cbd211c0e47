"""Pictures of stored sweeps: records, a row for each run and some curves in, figures out. Never simulates.

Colour is never alone: what it says, a marker, a hatch, a line style or a number says too. Under every picture stands
the command that makes it again.
"""

import textwrap
from collections.abc import Iterator

from recovery.show import figures
from recovery.show.figures import GREY, Picture
from recovery.show.sweep_figures.curves import curves
from recovery.show.sweep_figures.drawn import Sweep
from recovery.show.sweep_figures.harm import pareto
from recovery.show.sweep_figures.maps import maps
from recovery.show.sweep_figures.ranked import ranked
from recovery.show.sweep_figures.regret import regret
from recovery.show.sweep_figures.sensitivity import sensitivity


def figures_for(sweep: Sweep) -> list[Picture]:
    """All pictures that the sweep has the data for, the one that says most first: what of two ratios collapses, or time
    against harm.
    """
    with figures.style():
        return [_signed(picture, sweep.command) for picture in _figures(sweep)]


def _figures(sweep: Sweep) -> Iterator[Picture]:
    if not sweep.ranked:
        return
    found = list(maps(sweep))
    yield from (picture for picture in found if picture.name == "phase")
    yield from pareto(sweep)
    yield ranked(sweep)
    if sweep.series is not None and len(sweep.series):
        yield from curves(sweep, sweep.series)
    yield from (picture for picture in found if picture.name != "phase")
    yield from sensitivity(sweep)
    yield from regret(sweep)


def _signed(picture: Picture, command: str) -> Picture:
    """The picture with the command that makes it again, if one does, in small print under it. A narrow picture is only
    on a page, and the page has the command.
    """
    if not command or figures.is_narrow():
        return picture
    lines = textwrap.fill(f"Made again with: {command}", 112, subsequent_indent="  ", break_on_hyphens=False)
    height = picture.figure.get_figheight() + 0.13 * (lines.count("\n") + 1)
    picture.figure.set_figheight(height)
    picture.figure.supxlabel(lines, x=0.012, ha="left", fontsize=6.8, color=GREY, linespacing=1.2)
    return picture
