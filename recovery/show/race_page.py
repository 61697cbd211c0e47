"""Pictures and page of an experiment with the DNS race alone, from its summary. Nothing is simulated."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recovery import units
from recovery.show import figures, levers, page, race_text
from recovery.show.answers.answer import parts
from recovery.show.answers.race import answer_of
from recovery.show.drawn import Drawn
from recovery.show.figures import COLOURS, DASHES, MARKERS, Picture
from recovery.store import files
from recovery.store.folder import record_of
from recovery.store.race_record import RaceManifest, RaceRow, RaceSummary

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def write(folder: Path) -> Path:
    """Pictures and report.html of a folder that `race.run` wrote; returns the page's path. Raises files.Damaged and
    files.WriteError.
    """
    manifest, summary = record_of(folder, "manifest.json", RaceManifest), record_of(folder, "summary.json", RaceSummary)

    def pictures() -> list[Picture]:
        with figures.style():
            return [_often(summary.rows), _latency(summary.rows)]

    drawn = page.draw(folder, pictures)
    file = folder / "report.html"
    files.write_text(file, html(manifest, summary, drawn))
    return file


def html(manifest: RaceManifest, summary: RaceSummary, drawn: Sequence[Drawn]) -> str:
    """The page as text, in the look of every report."""
    return page.render(
        "race.html.j2",
        drawn,
        manifest=manifest,
        answer=parts(answer_of(summary, manifest.head.notes)),
        rows=race_text.often_rows(summary.rows),
        searches=summary.possible,
        notes=page.notes_of(manifest.head.notes),
        inputs=json.dumps(manifest.inputs["dns"], indent=1, ensure_ascii=False),
    )


def _label(row: RaceRow, skip: str = "") -> str:
    return levers.label_of(row.variant, {key: value for key, value in row.levers.items() if key != skip})


def _at(row: RaceRow, lever: str) -> float:
    found = units.quantity(row.levers[lever])
    return found[1] if found else math.nan


def _often(rows: Sequence[RaceRow]) -> Picture:
    """Empty records a year: over the first swept key, a line a variant and value of the others; else a row each."""
    numbers = [row.per_year.mean for row in rows]
    shown = [race_text.show_rate(n) for n in (min(numbers), max(numbers))]
    title = f"A record is left empty {shown[0]} to {shown[1]} times a year"
    caption = "Bars: 95 % intervals. A triangle: none was seen, and it stands at the upper end of the interval."
    levers = {key: [units.quantity(row.levers[key]) for row in rows] for key in rows[0].levers}
    lever = next((key for key, found in sorted(levers.items(), reverse=True) if None not in found), "")
    lines: dict[str, list[RaceRow]] = {}
    for row in rows:
        lines.setdefault(_label(row, lever), []).append(row)
    if not lever:
        figure = figures.blank(1.2 + 0.36 * len(rows))
        panel = figure.subplots()
        for i, row in enumerate(rows):
            _point(panel, row, y=i, colour=COLOURS[1])
        panel.set_yticks(range(len(rows)), [row.variant for row in rows])
        panel.invert_yaxis()
        panel.set_xscale("log")
        panel.set_xlabel(textwrap.fill("empty records a year (log scale)", figures.letters(80, 24)))
        figures.entitle(figure, title)
        return Picture("rate", figure, caption)
    figure, (panel, below) = figures.stack([3.4, figures.lines_in(-(-len(lines) // 2))])
    handles = []
    for n, own in enumerate(lines.values()):
        at = [_at(row, lever) for row in own]
        mean = [row.per_year.mean for row in own]
        spread = [[row.per_year.mean - row.per_year.low for row in own]]
        spread += [[row.per_year.high - row.per_year.mean for row in own]]
        bars = panel.errorbar(
            at, mean, yerr=spread, lw=1.5, ms=4.5, capsize=2, color=COLOURS[n % len(COLOURS)],
            ls=DASHES[(n + n // len(COLOURS)) % len(DASHES)], marker=(*MARKERS[1:], "P", "*")[n % 8],
        )  # fmt: skip
        handles.append(bars)
    panel.set_xscale("log")
    panel.set_yscale("log")
    ticks = sorted({_at(row, lever) for row in rows})
    panel.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    panel.minorticks_off()
    panel.set_xlabel("generations that are kept (log scale)" if lever == "dns.keep" else f"{lever} (s or a number)")
    panel.set_ylabel("empty records a year (log scale)")
    figures.legend_below(below, handles, list(lines), False, columns=2)
    figures.entitle(figure, title)
    return Picture("rate", figure, caption)


def _point(panel: Axes, row: RaceRow, *, y: float, colour: str) -> None:
    mean, low, high = row.per_year.mean, row.per_year.low, row.per_year.high
    if mean > 0:
        panel.errorbar([mean], [y], xerr=[[mean - low], [high - mean]], color=colour, marker="o", ms=5, capsize=3)
    else:
        panel.plot([high], [y], color=COLOURS[2], marker="<", ms=6, ls="")
    text = race_text.show_rate(mean) if mean > 0 else f"below {race_text.show_rate(high)}"
    panel.annotate(text, (max(mean, high), y), (7, 0), textcoords="offset points", va="center", fontsize=8.6)


def _latency(rows: Sequence[RaceRow]) -> Picture:
    """From a plan's publication until every endpoint has it: half, 99 % and 99.9 % of the plans."""
    names = [textwrap.fill(_label(row), figures.letters(46, 24)) for row in rows]
    row_in = 0.13 * max(2, *(name.count("\n") + 1 for name in names))
    figure, (panel, below) = figures.stack([1.0 + row_in * len(rows), figures.lines_in(1)])
    times = {
        "half of the plans": [row.latency.p50_s for row in rows],
        "99 %": [row.latency.p99_s for row in rows],
        "99.9 %": [row.latency.p999_s for row in rows],
    }
    handles = []
    for n, at in enumerate(times.values()):
        (line,) = panel.plot(at, range(len(rows)), ls="", marker=MARKERS[n + 1], color=COLOURS[n + 1], ms=5)
        handles.append(line)
    panel.set_yticks(range(len(rows)), names)
    panel.tick_params(axis="y", labelsize=8 if not figures.is_narrow() else 7)
    panel.invert_yaxis()
    panel.set_xlim(left=0)
    across = "from the publication of a plan until every endpoint has it or a newer one (s)"
    panel.set_xlabel(textwrap.fill(across, figures.letters(56, 28)))
    figures.legend_below(below, handles, list(times), False, columns=3)
    tail = times["99 %"]
    figures.entitle(figure, f"99 % of the plans are everywhere after {min(tail):.3g} to {max(tail):.3g} s")
    return Picture("latency", figure, "Latency of plans, from brute force; quantiles are exact to 1.6 %.")
