"""The section of a report on the DNS race from which an experiment goes on. Never simulates."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from recovery import units
from recovery.show import figures, page
from recovery.show.drawn import Drawn
from recovery.show.figures import COLOURS, INK, Picture, TimeAxis
from recovery.show.race_text import show_rate

if TYPE_CHECKING:
    from recovery.store.race_record import Race, RaceRow, Search, Window
    from recovery.store.service_record import Services

Stones = Sequence[tuple[float, str]]
"""Observed times: s, what was seen."""


def section(race: Race | None, seen: Stones, clock: str, marks: Sequence[int], folder: Path) -> str:
    """HTML of the section, with its picture (also written into the folder's figures/); empty without a race.

    `seen` is drawn into the picture of the outage, whose times are told from `clock` on; `marks` are the numbers of the
    notes on the race.
    """
    if race is None:
        return ""

    def pictures() -> list[Picture]:
        with figures.style():
            return [] if race.window is None else [window_picture(race.window, seen, clock)]

    return html(race, marks, page.draw(folder, pictures))


def html(race: Race, marks: Sequence[int], drawn: Sequence[Drawn]) -> str:
    """The section as text; `drawn` is its picture."""
    searches = {search.guardrails: search for search in race.possible}
    return page.filled(
        "dns.html.j2",
        figures=drawn,
        small=race.possible[0],
        story=race.possible[0].story,
        rows=[_row(row, searches.get(row.guardrails), race.guardrails) for row in race.rows],
        sentence=_sentence(race.rows[0]),
        stories=[search for search in race.possible[1:] if search.is_possible],
        marks=marks,
        inputs=page.text_of(race.inputs),
    )


def _sentence(row: RaceRow) -> str:
    """How often, in words."""
    rate = row.per_year
    return (
        f"With the delays that are assumed here a record is left empty {show_rate(rate.mean)} times a year "
        f"({show_rate(rate.low)} to {show_rate(rate.high)}; 95 %, {row.method})."
    )


class GuardrailRow(NamedTuple):
    """A choice of guardrails in words: what it does, whether the race is still possible, how often, how late."""

    name: str
    does: str
    verdict: str
    look: str
    rate: str
    interval: str
    method: str
    latency: str


def _row(row: RaceRow, search: Search | None, does: Mapping[str, str]) -> GuardrailRow:
    rate = row.per_year
    if search is None:
        verdict, look = "not searched", ""
    elif search.is_possible:
        verdict, look = f"possible, in {len(search.story)} steps", "never"
    else:
        verdict, look = f"impossible: none of {search.states:,} states", "good"
    return GuardrailRow(
        name=" + ".join(row.guardrails) or "none, as it was",
        does="; ".join(does[name] for name in row.guardrails if name in does),
        verdict=verdict,
        look=look,
        rate=show_rate(rate.mean) if rate.mean > 0 else f"none seen, below {show_rate(rate.high)}",
        interval=f"{show_rate(rate.low)} to {show_rate(rate.high)}" if rate.mean > 0 else "",
        method=row.method,
        latency=units.show_duration(row.latency.p99_s),
    )


def stones(services: Services | None) -> list[tuple[float, str]]:
    """Observed times of what the dependency is given as in the table of services: (s, label), in order of time."""
    if services is None:
        return []
    roots = {node.name for node in services.nodes if node.is_given and node.layer == 0}
    return sorted((row.observed_s, row.label) for row in services.observed if row.service in roots)


def window_picture(window: Window, seen: Stones, clock: str) -> Picture:
    """Share of the requests to the dependency that fail, over its window, with what was observed."""
    steps = window.steps
    end = max([steps[-1][1], *(at for at, _ in seen)]) if steps else 60.0
    axis = TimeAxis(1.08 * end, clock)
    told = [
        textwrap.fill(f"{i}  {axis.show(at)}  observed: {label}", figures.letters(100, 44), subsequent_indent="    ")
        for i, (at, label) in enumerate(seen, 1)
    ]
    figure, (panel, below) = figures.stack([2.5, figures.lines_in(max(sum(one.count("\n") + 1 for one in told), 1))])
    times, shares = [0.0], [0.0]
    for begin, to, share in steps:
        if begin > times[-1]:
            times, shares = [*times, times[-1], begin], [*shares, 0.0, 0.0]
        times, shares = [*times, begin, to], [*shares, 100 * share, 100 * share]
    panel.plot([*times, times[-1], axis.end_s], [*shares, 0.0, 0.0], color=COLOURS[1], lw=1.8)
    panel.fill_between(times, shares, color=COLOURS[1], alpha=0.12, lw=0)
    for i, (at, _) in enumerate(seen, 1):
        panel.axvline(at, color=INK, lw=0.8, ls=(0, (3, 2)))
        panel.annotate(str(i), (at, 107), ha="center", va="bottom", fontsize=8.6, annotation_clip=False)
    axis.dress(panel)
    panel.set_ylim(0, 106)
    panel.set_ylabel("requests that\nfail (%)")
    below.text(0, 1, "\n".join(told), transform=below.transAxes, va="top", ha="left", fontsize=8.4, linespacing=1.35)
    away = math.fsum((b - a) * share for a, b, share in steps)
    figures.entitle(figure, f"The record is empty: requests fail for {units.show_duration(away)} in all")
    return Picture(
        "dns", figure,
        "Share of the requests of the leases to the dependency that fail: no address from the empty record on, all of "
        "them once good answers have run out; after the repair only those whose resolver still holds the answer that "
        f"there is no address, for {units.show_duration(window.negative_ttl_s)} at most. The "
        "times of detection and repair are inputs, the two lifetimes of answers are assumed.",
    )  # fmt: skip
