"""The page of a comparison: what the change did, the conditions on it, the curves of both, every difference."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from recovery.measures import register
from recovery.measures.register import LEASES, TrafficName
from recovery.show import compare_text, figures, page
from recovery.show.answers.answer import parts
from recovery.show.answers.compare import answer_of
from recovery.show.drawn import Drawn
from recovery.show.figures import COLOURS, GREY, Array, Curve, Picture, TimeAxis
from recovery.show.words import speaking_of
from recovery.store import files, folder, sweep_record
from recovery.store.compare_record import Comparison, Condition, Outcome
from recovery.store.scenario_record import Course

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

PANELS_MAX = 12
NEW_COLOURS = COLOURS[1:5]
_LOOK = {"yes": "never", "no": "good", "unsure": "", "not measured": ""}
_SIGN = {"yes": "✗ holds", "no": "✓ does not hold", "unsure": "? not decided", "not measured": "? not measured"}


class Drawable(NamedTuple):
    """A side as pictures need it: its curves by variant, and how time runs."""

    name: str
    curves: dict[str, tuple[Array, Array]]  # of the share that holds a lease (%), or the backlog: times (s), levels
    traffic: TrafficName
    called: tuple[str, ...]
    horizon_s: float
    clock: str
    courses: tuple[Course, ...]


def write(place: Path, folders: Sequence[Path], found: Comparison) -> Path:
    """Pictures and report.html of a comparison of these folders; returns the page's path. Raises files.WriteError,
    Refusal for a folder that is none of results, files.Damaged.
    """
    sides = [drawable(name, one) for name, one in zip(found.names, folders, strict=True)]

    def pictures() -> list[Picture]:
        with figures.style():
            return _pictures(sides, found)

    drawn = page.draw(place, pictures)
    file = place / "report.html"
    files.write_text(file, html(found, drawn, sides[0].traffic))
    return file


def html(found: Comparison, drawn: Sequence[Drawn], traffic: TrafficName) -> str:
    """The page as text: nothing from outside. Measures are named as those of this traffic."""
    is_named = len(found.outcomes) > len(found.names) - 1
    tables = [
        (compare_text.head(own[0]), compare_text.lines(own, compare_text.asked(found)), compare_text.of_horizon(own))
        for own in compare_text.grouped(found.differences)
    ]
    return page.whole(
        "compare.html.j2",
        title=f"{' and '.join(found.names[1:])} compared with {found.names[0]}",
        question="What did the change do?",
        figures=drawn,
        answer=parts(answer_of(found)),
        others=[compare_text.answer(one, named=is_named) for one in found.outcomes[1:]],
        conditions=[(one.text, _SIGN[one.holds], _LOOK[one.holds], _because(one)) for one in found.conditions],
        tables=tables,
        titles={
            row.measure: speaking_of(found.called, known.title)
            if (known := register.find(row.measure, traffic)) is not None
            else row.measure
            for row in found.differences
        },
    )


def _because(one: Condition) -> str:
    why = compare_text.because(one).strip().removeprefix("(").removesuffix(")")
    return why + compare_text.elsewhere(one)


# --- pictures ---------------------------------------------------------------------------------------------------------


def drawable(name: str, place: Path) -> Drawable:
    """What pictures need of a folder; without curves where these were not kept."""
    if folder.kind_of(place) == "sweep":
        summary, of_sweep = sweep_record.read(place), sweep_record.manifest_of(place)
        series = folder.series_of(place)
        return Drawable(
            name,
            {} if series is None else dict(_medians(series)),
            summary.traffic,
            summary.called,
            of_sweep.horizon_s,
            of_sweep.head.clock,
            of_sweep.outages,
        )
    manifest, told = folder.run_of(place)
    series = folder.series_of(place)
    curves = {}
    for group in told.groups:
        if series is None:
            break
        levers = ", ".join(f"{key} = {value}" for key, value in group.levers.items())
        own = Curve(group.variant, figures.series_of(series, group))
        if own.frame.height:
            level = ("leased_share", 100.0) if manifest.has_leases else ("backlog", 1.0)
            curves[f"{group.variant}, {levers}" if levers else group.variant] = figures.level_of(own, *level)
    called = told.groups[0].scenario.called
    clock = manifest.head.clock
    return Drawable(name, curves, manifest.kind, called, manifest.horizon_s, clock, manifest.outages)


def _medians(series: pl.DataFrame) -> list[tuple[str, tuple[Array, Array]]]:
    """The median over the draws that were kept, of each policy."""
    import polars as pl

    level = "leased_share" if "leased_share" in series.columns else "backlog"
    scale = 100.0 if level == "leased_share" else 1.0
    found = []
    for name in series["policy"].unique(maintain_order=True):
        own = series.filter(pl.col("policy") == name).group_by("time_s").agg(pl.col(level).median()).sort("time_s")
        every = max(1, math.ceil(own.height / figures.POINTS_MAX))
        found.append((str(name), (own["time_s"].to_numpy()[::every], scale * own[level].to_numpy()[::every])))
    return found


def _pictures(sides: Sequence[Drawable], found: Comparison) -> list[Picture]:
    """The curves of the pair that decides; then a panel for each pair, where there are several."""
    pairs = [one for one in found.outcomes if _curves(sides, one)]
    if not pairs:
        return []
    heads = [next((one for one in pairs if one.run == name), None) for name in found.names[1:]]
    out = [_beside(sides, [one for one in heads if one is not None])]
    if len(pairs) > len(out[0].figure.axes[0].lines) - 1 and len(pairs) > 1:
        out.append(_each(sides, pairs[:PANELS_MAX]))
    return out


def _curves(sides: Sequence[Drawable], one: Outcome) -> tuple[tuple[Array, Array], tuple[Array, Array]] | None:
    """The curves of a pair, the new one first."""
    by_name = {side.name: side.curves for side in sides}
    mine, theirs = by_name[one.run].get(one.variant), by_name[one.than].get(one.than_variant)
    return None if mine is None or theirs is None else (mine, theirs)


def _axis(sides: Sequence[Drawable]) -> TimeAxis:
    first = sides[0]
    return TimeAxis(max(side.horizon_s for side in sides), first.clock, first.courses)


def _level(side: Drawable) -> str:
    return (
        speaking_of(side.called, "holders with a lease (%)")
        if side.traffic == LEASES
        else "jobs that wait for an answer"
    )


def _beside(sides: Sequence[Drawable], heads: Sequence[Outcome]) -> Picture:
    """Old and new in one panel."""
    figure, (panel, below) = figures.stack([3.1, figures.lines_in(len(heads) + 1)])
    handles: list[Line2D] = []
    names: list[str] = []
    for i, one in enumerate(heads):
        if (found := _curves(sides, one)) is None:
            continue
        mine, theirs = found
        if not handles:
            handles += panel.plot(*theirs, color="#000000", lw=1.5, ls=(0, (5, 2)), zorder=5, gid="curve:old")
            names.append(f"{one.than}: {one.than_variant}{_back(one, is_new=False)}")
        colour = NEW_COLOURS[i % len(NEW_COLOURS)]
        handles += panel.plot(*mine, color=colour, lw=2.4, zorder=4, gid=f"curve:{i}")
        names.append(f"{one.run}: {one.variant}{_back(one, is_new=True)}")
    _dress(panel, sides)
    panel.set_ylabel(_level(sides[0]))
    figures.legend_below(below, handles, names, False)
    figures.entitle(figure, compare_text.answer(heads[0], named=False).rstrip("."))
    what = (
        speaking_of(sides[0].called, "Share of holders that hold a lease")
        if sides[0].traffic == LEASES
        else "Waiting jobs"
    )
    shaded = " Shaded: the old side's dependency is down." if sides[0].courses and sides[0].courses[0] else ""
    return Picture("beside", figure, f"{what} over time: dashed the old, solid the new.{shaded}")


def _back(one: Outcome, *, is_new: bool) -> str:
    row = one.difference
    if row is None:
        return ""
    what, show = compare_text.register_words(row.measure), compare_text.show_of(row.measure)
    return f", {compare_text.after(what, compare_text.mean(row.side(is_new=is_new), show))}"


def counted(number: int) -> str:
    """So many of them are: "none is", "1 is", "3 are"."""
    return "none is" if number == 0 else "1 is" if number == 1 else f"{number} are"


def _each(sides: Sequence[Drawable], pairs: Sequence[Outcome]) -> Picture:
    """A panel for each pair: the old dotted, the new solid."""
    columns = figures.columns_of(min(3, len(pairs)), 2)
    rows = math.ceil(len(pairs) / columns)
    figure = figures.blank(0.5 + 1.5 * rows)
    panels = np.atleast_1d(figure.subplots(rows, columns, squeeze=False)).ravel()
    for panel, one in zip(panels, pairs, strict=False):
        found = _curves(sides, one)
        if found is not None:
            panel.plot(*found[1], color=GREY, lw=1.1, ls=(0, (2, 1.5)))
            panel.plot(*found[0], color=NEW_COLOURS[0], lw=1.9)
        _dress(panel, sides, small=True)
        panel.set_title(f"{one.variant[: figures.letters(34, 22)]}\n{one.verdict}", loc="left", fontsize=8.6)
    for panel in panels[len(pairs) :]:
        panel.axis("off")
    figure.supylabel(_level(sides[0]), fontsize=8.8)
    figure.supxlabel(textwrap.fill(_axis(sides).label, figures.letters(90, 40)), fontsize=8.8)
    worse = sum(one.is_worse is True for one in pairs)
    better = sum(one.is_worse is False for one in pairs)
    figures.entitle(figure, f"Of {len(pairs)} variants {counted(better)} better than before and {counted(worse)} worse")
    return Picture("beside-each", figure, f"A panel a variant. Dotted: {pairs[0].than}; solid: {pairs[0].run}.")


def _dress(panel: Axes, sides: Sequence[Drawable], small: bool = False) -> None:
    _axis(sides).dress(panel, small=small)
    if sides[0].traffic == LEASES:
        panel.set_ylim(-2, 103)
    else:
        panel.set_yscale("symlog", linthresh=10)
        panel.set_ylim(bottom=0)
