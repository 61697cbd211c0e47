"""The page of a comparison: what the change did, the conditions on it, the curves of both, every difference."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from recovery.measures import register
from recovery.measures.register import LEASES, TrafficName
from recovery.show import compare_text, figures, page, spans
from recovery.show.answers.answer import parts
from recovery.show.answers.compare import answer_of
from recovery.show.drawn import Drawn
from recovery.show.figures import COLOURS, GREY, Array, Curve, Picture, TimeAxis
from recovery.show.run_figures.panels import panel_title
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
    curves: dict[str, Curve]  # by variant, with the column "level": the share that holds a lease (%), or the backlog
    late: dict[str, Curve]  # the same of who is overdue (%), where that is counted
    overdue: str  # what one is called that is overdue
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
    tables = [
        (
            compare_text.head(own[0]),
            compare_text.lines(own, compare_text.asked(found)),
            compare_text.notes(own),
            {row.measure: row.verdict for row in own},
        )
        for own in compare_text.grouped(found.differences)
    ]
    return page.whole(
        "compare.html.j2",
        title=f"{' and '.join(found.names[1:])} compared with {found.names[0]}",
        question="What did the change do?",
        figures=drawn,
        answer=parts(answer_of(found)),
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
            {},
            "",
            summary.traffic,
            summary.called,
            of_sweep.horizon_s,
            of_sweep.head.clock,
            of_sweep.outages,
        )
    manifest, told = folder.run_of(place)
    series = folder.series_of(place)
    curves, late = {}, {}
    for group in told.groups:
        if series is None:
            break
        levers = ", ".join(f"{key} = {value}" for key, value in group.levers.items())
        own = Curve(group.variant, figures.series_of(series, group))
        label = f"{group.variant}, {levers}" if levers else group.variant
        if own.frame.height:
            level = ("leased_share", 100.0) if manifest.has_leases else ("backlog", 1.0)
            curves[label] = _leveled(own, *level)
        if group.scenario.fleet is not None and "overdue" in own.frame.columns:
            late[label] = _leveled(own, "overdue", 100 / group.scenario.fleet.holders)
    scenario, clock = told.groups[0].scenario, manifest.head.clock
    overdue = scenario.fleet.overdue if scenario.fleet is not None else ""
    return Drawable(
        name, curves, late, overdue, manifest.kind, scenario.called, manifest.horizon_s, clock, manifest.outages
    )


def _leveled(curve: Curve, column: str, scale: float) -> Curve:
    frame = curve.frame
    return Curve(curve.label, frame.select("time_s", level=frame[column] * scale))


def _medians(series: pl.DataFrame) -> list[tuple[str, Curve]]:
    """The median over the draws that were kept, of each policy."""
    import polars as pl

    level = "leased_share" if "leased_share" in series.columns else "backlog"
    scale = 100.0 if level == "leased_share" else 1.0
    found = []
    for name in series["policy"].unique(maintain_order=True):
        own = series.filter(pl.col("policy") == name).group_by("time_s").agg(pl.col(level).median()).sort("time_s")
        found.append((str(name), _leveled(Curve(str(name), own), level, scale)))
    return found


def _pictures(sides: Sequence[Drawable], found: Comparison) -> list[Picture]:
    """The curves of the pair that decides; then a panel for each pair, where there are several."""
    pairs = [one for one in found.outcomes if _pair_of({side.name: side.curves for side in sides}, one)]
    if not pairs:
        return []
    heads = [one for name in found.names[1:] if (one := next((one for one in pairs if one.run == name), None))]
    out = [_beside(_Panels(sides, heads), heads)]
    if len(pairs) > len(out[0].figure.axes[0].lines) - 1 and len(pairs) > 1:
        out.append(_each(_Panels(sides, pairs[:PANELS_MAX]), pairs[:PANELS_MAX]))
    return out


def _pair_of(curves: Mapping[str, Mapping[str, Curve]], one: Outcome) -> tuple[Curve, Curve] | None:
    """The curves of a pair, the new one first; None if one was not kept. `curves` by folder and variant."""
    mine, theirs = curves[one.run].get(one.variant), curves[one.than].get(one.than_variant)
    return None if mine is None or theirs is None else (mine, theirs)


class _Panels:
    """What panels draw of some pairs: who holds a lease, or who is overdue where no lease is lost; up to where
    something happens.
    """

    def __init__(self, sides: Sequence[Drawable], pairs: Sequence[Outcome]) -> None:
        self._first = first = sides[0]
        self.is_leases = first.traffic == LEASES
        held = {side.name: side.curves for side in sides}
        late = {side.name: side.late for side in sides}
        found, overdue = ([_pair_of(by_name, one) for one in pairs] for by_name in (held, late))
        is_flat = any(pair is not None and all(min(one.frame["level"]) == 100 for one in pair) for pair in found)
        self.is_late = self.is_leases and is_flat and all(overdue)
        self.pairs = overdue if self.is_late else found
        self._levels = figures.levels_of([one for pair in self.pairs if pair is not None for one in pair], "level")
        horizon_s = max(side.horizon_s for side in sides)
        outages = [outage for side in sides for course in side.courses for outage in course]
        happens = [spans.settled_s(self._levels), *(outage.to_s for outage in outages)]
        end_s = spans.end_s(horizon_s, happens)
        self.axis = TimeAxis(end_s, first.clock, first.courses, horizon_s=horizon_s)
        self._since_s = max((outage.to_s for outage in self.axis.outages), default=math.inf)
        stretch = spans.return_of(self._levels, self._since_s, end_s) if self.is_leases else None
        self.near = self.axis.close_up(self._since_s, stretch, "the return") if stretch is not None else None

    @property
    def label(self) -> str:
        """Of the axis upwards."""
        if not self.is_leases:
            return "jobs that wait for an answer"
        what = f"holders {self._first.overdue} (%)" if self.is_late else "holders with a lease (%)"
        return speaking_of(self._first.called, what)

    @property
    def what(self) -> str:
        """What is drawn, as a caption begins."""
        if not self.is_leases:
            return "Waiting jobs"
        what = f"that are {self._first.overdue}, at least so many," if self.is_late else "that hold a lease"
        return speaking_of(self._first.called, f"Share of holders {what}")

    def line(self, curve: Curve, axis: TimeAxis) -> tuple[Array, Array]:
        """Times (s) and levels of a curve on one of the two axes."""
        since_s = 0.0 if axis is self.axis else self._since_s
        [part] = figures.cut([curve], since_s + axis.end_s, since_s + axis.from_s)
        times, levels = figures.level_of(part, "level")
        return times - since_s, levels

    def dress(self, panel: Axes, axis: TimeAxis, small: bool = False) -> None:
        """Both axes of a panel."""
        axis.dress(panel, small=small)
        if self.is_leases:
            panel.set_ylim(-2, 103)
        else:
            panel.set_yscale("symlog", linthresh=10)
            panel.set_ylim(bottom=0)


def _beside(panels: _Panels, heads: Sequence[Outcome]) -> Picture:
    """Old and new in one panel, and close up below it where the return takes but a moment."""
    axes = [panels.axis, *([panels.near] if panels.near is not None else [])]
    figure, (*drawn, below) = figures.stack([*(3.1, 2.2)[: len(axes)], figures.lines_in(len(heads) + 1)])
    handles: list[Line2D] = []
    for panel, axis in zip(drawn, axes, strict=True):
        handles = []
        for i, pair in enumerate(panels.pairs):
            if pair is None:
                continue
            mine, theirs = (panels.line(one, axis) for one in pair)
            if not handles:
                handles += panel.plot(*theirs, color="#000000", lw=1.5, ls=(0, (5, 2)), zorder=5, gid="curve:old")
            colour = NEW_COLOURS[i % len(NEW_COLOURS)]
            handles += panel.plot(*mine, color=colour, lw=2.4, zorder=4, gid=f"curve:{i}")
        panels.dress(panel, axis)
        panel.set_ylabel(panels.label)
    names = [f"{heads[0].than}: {heads[0].than_variant}", *(f"{one.run}: {one.variant}" for one in heads)]
    ends = [_back(heads[0], is_new=False), *(_back(one, is_new=True) for one in heads)]
    figures.legend_below(below, handles, names, False, ends=ends)
    figures.entitle(figure, compare_text.answer(heads[0], named=False).rstrip("."))
    near = " Below: the same around the dependency's return." if panels.near is not None else ""
    shaded = " Shaded: the old side's dependency is down." if panels.axis.outages else ""
    caption = f"{panels.what} over time: dashed the old, solid the new.{near}{shaded}{panels.axis.rest}"
    return Picture("beside", figure, caption)


def _back(one: Outcome, *, is_new: bool) -> str:
    row = one.difference
    if row is None:
        return ""
    what = compare_text.register_words(row.measure, one.traffic)
    return f", {compare_text.after(what, compare_text.means_of(row)[is_new])}"


def counted(number: int) -> str:
    """So many of them are: "none is", "1 is", "3 are"."""
    return "none is" if number == 0 else "1 is" if number == 1 else f"{number} are"


def _each(panels: _Panels, pairs: Sequence[Outcome]) -> Picture:
    """A panel for each pair: the old dotted, the new solid."""
    columns = figures.columns_of(min(3, len(pairs)), 2)
    rows = math.ceil(len(pairs) / columns)
    axis = panels.axis if panels.near is None else panels.near
    figure = figures.blank(0.5 + 1.7 * rows)
    drawn = np.atleast_1d(figure.subplots(rows, columns, squeeze=False)).ravel()
    for panel, one, pair in zip(drawn, pairs, panels.pairs, strict=False):
        if pair is not None:
            panel.plot(*panels.line(pair[1], axis), color=GREY, lw=1.1, ls=(0, (2, 1.5)))
            panel.plot(*panels.line(pair[0], axis), color=NEW_COLOURS[0], lw=1.9)
        panels.dress(panel, axis, small=True)
        panel_title(panel, one.variant, one.verdict)
    for panel in drawn[len(pairs) :]:
        panel.axis("off")
    figure.supylabel(panels.label, fontsize=8.8)
    figure.supxlabel(textwrap.fill(axis.label, figures.letters(90, 40)), fontsize=8.8)
    worse = sum(one.is_worse is True for one in pairs)
    better = sum(one.is_worse is False for one in pairs)
    figures.entitle(figure, f"Of {len(pairs)} variants {counted(better)} better than before and {counted(worse)} worse")
    caption = f"A panel a variant. Dotted: {pairs[0].than}; solid: {pairs[0].run}."
    return Picture("beside-each", figure, caption + axis.rest)
