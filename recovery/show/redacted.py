"""A page that may leave the company: ratios and dimensionless groups, times in outage lengths, no name of anything.

It is not the page with words struck out. It is made of what is listed here and of nothing else, so that a text or a
number that is new in the records does not get in by itself. Ratios have two digits: of more, inputs could be reckoned.
Times of a run are whole windows, and inputs are round numbers, so a few ratios of two digits leave only few lengths
that the outage may have. So what is a ratio of times is told in steps of about 25 % each, and not below a tenth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from recovery import theory
from recovery.errors import Refusal
from recovery.measures import register
from recovery.show import advice, figures, page, standings
from recovery.show.answers.answer import Shown
from recovery.show.answers.apart import differing
from recovery.show.drawn import Drawn
from recovery.show.figures import COLOURS, DASHES, Picture
from recovery.statistics.arrays import Floats
from recovery.store import files, folder
from recovery.store.run_record import Group, RunManifest, Summary
from recovery.store.scenario_record import Course

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.lines import Line2D

FILE = "redacted.html"
CURVES_MAX = 7
POINTS = 48  # of a curve, each the mean of what lies about it, so that no window is seen in it
STEPS = 10  # of ratios of times between 1 and 10: each is a quarter more than the one before
LEAST = 0.1  # outage lengths: what is shorter may be few windows, from which their length could be reckoned
BEFORE = 0.25  # outage lengths before the outage that a picture shows at most
VERDICTS = ("recovered", "recovering", "collapsed")
# Measures that are ratios already, with what they are called here.
RATIOS = {
    "leased_min_share": "least share with a lease",
    "served_share": "jobs served",
    "amplification": "attempts a success, until 99 % are back",
    "amplification_peak": "most attempts a success, over a stretch of fixed length",
    "wasted_share": "work for answers nobody waited for",
    "denied_share": "attempts refused, of the whole run",
    "efficiency": "fastest possible over actual time",
    "load_peak": "most load over the load before",
    "response_peak": "longest response over that before",
}
# Times, told as multiples of the outage, or of the timeout where there is none.
TIMES = {
    "ttr50_s": "50 % back",
    "ttr90_s": "90 % back",
    "ttr99_s": "99 % back",
    "ttr100_s": "all back",
    "ttr_load_s": "load as before",
    "ttr_response_s": "response as before",
    "ttr_renewed_s": "all renewed, no later than",
}
# What variants may change, by what a file gives of them (`apart`).
CHANGED = {
    "the hosts": ("hosts", "workers", "service", "timeout", "failing", "gone", "full"),
    "what operators do": ("actions",),
    "the fleet": ("fleet",),
    "the leases": ("lease", "checks"),
    "the jobs": ("jobs",),
    "the classes of clients": ("classes",),
    "the launches": ("launches",),
    "the propagation": ("propagation",),
    "the health checks": ("health",),
}
AXES = ("client", "guard", "admission", "queue", "lease")


class Unit(NamedTuple):
    """What times are told in: its length (s), and what many of it are called."""

    length_s: float
    many: str


class Row(NamedTuple):
    """A line of the table: what it is, and a cell for each variant."""

    title: str
    cells: list[str]


def write(place: Path) -> Path:
    """The page of a run's folder, redacted.html beside the other; returns its path. Raises Refusal for a folder that
    holds no run of a fleet or jobs, files.Damaged, files.WriteError.
    """
    kind = folder.kind_of(place)
    if kind not in (register.LEASES, register.JOBS):
        raise Refusal(f"{place} holds {f'a {kind}' if kind else 'no run'}; want the folder of a run for --redact")
    manifest, summary = folder.run_of(place)
    if summary.is_sweep:
        raise Refusal(f"{place} holds a run that sweeps keys; want one without [sweep] for --redact")
    series = folder.series_of(place)

    def pictures() -> list[Picture]:
        with figures.style():
            return [] if series is None else [_curves(manifest, summary, series)]

    file = place / FILE
    files.write_text(file, html(manifest, summary, page.drawn(pictures)))
    return file


def html(manifest: RunManifest, summary: Summary, drawn: Sequence[Drawn]) -> str:
    """The page as text."""
    unit = unit_of(manifest, summary)
    return page.whole(
        "redacted.html.j2",
        title="A recovery, in ratios",
        question=f"How long until all works again, measured in {unit.many}?",
        figures=drawn,
        answer=[Shown("happened", "What happened", " ".join(answer(manifest, summary)), "")],
        variants=names(summary),
        rows=[row for row in rows(summary, unit) if any(cell != "–" for cell in row.cells)],
        groups=list(groups(summary, unit)),
        changes=list(zip(names(summary)[1:], changes(summary), strict=True)),
    )


def ratio(value: float) -> str:
    """A ratio, to two digits; "–" where it is not known."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞"
    return f"{float(f'{value:.2g}'):,.10g}"


def of_times(value: float) -> str:
    """A ratio of two times, in steps of about 25 % each (`STEPS`); what is short is only told to be so."""
    if not math.isfinite(value) or value == 0:
        return ratio(value)
    return f"< {LEAST:g}" if value < LEAST else ratio(_stepped(value, round))


def _stepped(value: float, to: Callable[[float], int]) -> float:
    """The step that a ratio above 0 is taken to (rounded, or down: math.floor)."""
    return float(f"{10 ** (to(STEPS * math.log10(value)) / STEPS):.2g}")


def names(summary: Summary) -> list[str]:
    """What variants are called here: nothing that the file says."""
    return ["as it is", *(f"change {chr(64 + i)}" if i <= 26 else f"change {i}" for i in range(1, len(summary.groups)))]


def unit_of(manifest: RunManifest, summary: Summary) -> Unit:
    """What times are told in: the whole length of the first variant's outages; the timeout where there is none."""
    length = _down_s(_course(manifest, summary.groups[0]))
    if length > 0:
        return Unit(length, "outage lengths")
    return Unit(summary.groups[0].scenario.hosts.timeout_s, "timeouts")


def _course(manifest: RunManifest, group: Group) -> Course:
    place = group.outages_index
    return manifest.outages[place] if place < len(manifest.outages) else ()


def _down_s(course: Course) -> float:
    return sum(one.to_s - one.from_s for one in course)


def answer(manifest: RunManifest, summary: Summary) -> list[str]:
    """What happened, and which change is better, in two sentences: less often never back, and of these back first."""
    unit, own, first = unit_of(manifest, summary), names(summary), summary.groups[0]
    what = "holders have their lease again" if manifest.has_leases else "the backlog is cleared"
    down = _down_s(_course(manifest, first)) > 0
    best, was = advice.best_of(summary, "ttr99_s"), standings.of_last(summary, first, "ttr99_s")
    if not was.is_known and was.never:
        lost = "holders never have their lease again" if manifest.has_leases else "the backlog is never cleared"
        late = f"{what} in no run before it ends, but what waits becomes less"
        out = [f"As it is, 99 % of {lost if was.collapsed else late}"]
    else:
        out = [f"As it is, 99 % of {what} {_when(summary, first, unit, is_down=down)}"]
    window_s = first.scenario.window_s
    if best is not None and advice.is_better(standings.of_last(summary, best, "ttr99_s"), was, window_s):
        out.append(f"With {own[summary.groups.index(best)]} {_when(summary, best, unit, is_down=down)}")
    return [f"{line}." for line in out]


def _when(summary: Summary, group: Group, unit: Unit, *, is_down: bool) -> str:
    found = standings.of_last(summary, group, "ttr99_s")
    if not found.is_known:
        return _lost(found) if found.never else "at a time that is not known"
    since = "after the dependency's return" if is_down else "after the clock starts"
    when = f"{of_times(found.mean_s / unit.length_s)} {unit.many} {since}" if found.mean_s > 0 else "at once"
    return when + (f", and {_lost(found)} in a share of {ratio(found.never_share)} of the runs" if found.never else "")


def _lost(found: standings.Standing) -> str:
    """What is said of runs that do not come to a time: "never" where one of them collapsed, else that they had not."""
    return "never" if found.collapsed else "not yet"


def rows(summary: Summary, unit: Unit) -> Iterator[Row]:
    """The lines of the table."""
    for verdict in VERDICTS:
        cells = [ratio(group.verdicts.get(verdict, 0) / group.runs) for group in summary.groups]
        if any(cell != "0" for cell in cells):
            yield Row(f"share of runs: {verdict}", cells)
    for name, title in TIMES.items():
        yield Row(f"{title} ({unit.many})", [_time(standings.of(summary, one, name), unit) for one in summary.groups])
        if any(standings.is_lost_again(summary, one, name) for one in summary.groups):  # which the others lack
            last = [_time(standings.of_last(summary, one, name), unit) for one in summary.groups]
            yield Row(f"{title} for the last time, after a later loss ({unit.many})", last)
    for name, title in RATIOS.items():
        yield Row(title, [ratio(group.mean(name)) for group in summary.groups])
    for name, title in (
        ("unleased_holder_hours", "time without a lease"),
        ("excess_hours", "the same, from when recovery is counted"),
    ):
        cells = []
        for group in summary.groups:
            fleet = group.scenario.fleet
            whole = fleet.holders * unit.length_s / 3600 if fleet is not None else math.nan
            cells.append(of_times(group.mean(name) / whole))
        yield Row(f"{title}, a holder ({unit.many})", cells)


def _time(found: standings.Standing, unit: Unit) -> str:
    if not found.is_known:
        return _lost(found) if found.never else "–"
    time = of_times(found.mean_s / unit.length_s)
    return f"{time}; {_lost(found)} in {ratio(found.never_share)}" if found.never else time


def groups(summary: Summary, unit: Unit) -> Iterator[tuple[str, str, str]]:
    """Dimensionless groups of the system as it is: name, value, meaning."""
    scenario = summary.groups[0].scenario
    fleet, hosts = scenario.fleet, scenario.hosts
    rows = [row for row in summary.explain if row.name[0] == "r" and row.name[1:].isdigit()]
    for row, legend in zip(rows, theory.legends([row.formula for row in rows]), strict=True):
        meaning = f"{row.meaning} {legend}." if legend else row.meaning
        yield f"{row.name} = {row.formula.replace('*', '·')}", of_times(row.value), meaning
    yield "timeout over outage", of_times(hosts.timeout_s / unit.length_s), "How patient a client is."
    if fleet is not None:
        yield "lease over outage", of_times(fleet.lease_s / unit.length_s), "Below 1 leases run out while it is down."
        yield (
            "check interval over lease",
            of_times(fleet.check_every_s / fleet.lease_s),
            "How often a lease is renewed.",
        )
        yield "renewals", ratio(fleet.renewals_share), "Share of the hosts' work that they take."
    if scenario.jobs is not None and math.isfinite(load := scenario.wanted_share):
        yield "load", ratio(load), "What comes over what can be done; above 1 a queue grows without end."
    yield "cost of saying no", ratio(hosts.reject_share), "Work of a refusal over that of an answer."


def changes(summary: Summary) -> list[str]:
    """What each other variant changes, by the kind of it alone."""
    first = summary.groups[0]
    out = []
    for group in summary.groups[1:]:
        apart = differing(first, group)
        found = [f"the {axis} policy" for axis in AXES if f"policy.{axis}" in apart]
        found += [what for what, given in CHANGED.items() if apart & set(given)]
        out.append(" and ".join(filter(None, (", ".join(found[:-1]), *found[-1:]))) or "something else")
    return out


def _means(times_s: Floats, levels: Floats, edges_s: Floats) -> Floats:
    """float64[edges - 1], mean of a curve between edges, straight between its points and level beyond them."""
    at = np.union1d(np.clip(edges_s, times_s[0], times_s[-1]), times_s)
    high = np.interp(at, times_s, levels)
    area = np.concatenate([[0.0], np.cumsum(np.diff(at) * (high[1:] + high[:-1]) / 2)])
    inside = np.clip(edges_s, times_s[0], times_s[-1])
    width = np.diff(inside)
    means = np.diff(np.interp(inside, at, area)) / np.where(width > 0, width, 1.0)
    beyond = np.interp((edges_s[1:] + edges_s[:-1]) / 2, times_s, levels)
    return np.asarray(np.where(width > 0, means, beyond))


def _curves(manifest: RunManifest, summary: Summary, series: pl.DataFrame) -> Picture:
    """Levels over time in outage lengths: of leases the share, of jobs the backlog over its largest in any variant."""
    unit, own = unit_of(manifest, summary), names(summary)
    course = _course(manifest, summary.groups[0])
    begins_s = course[0].from_s if course else 0.0
    shown = list(zip(own, summary.groups, strict=True))[:CURVES_MAX]
    figure, (panel, below) = figures.stack([3.1, figures.lines_in(len(shown))])
    column, most = ("leased_share", 1.0) if manifest.has_leases else ("backlog", float(series["backlog"].max() or 1))  # type: ignore[arg-type]
    handles: list[Line2D] = []
    length = unit.length_s
    ends_at = _stepped((manifest.horizon_s - begins_s) / length, math.floor)
    before = begins_s / length
    starts_at = -min(BEFORE, _stepped(before, math.floor)) if before > 0 else 0.0
    edges = np.linspace(starts_at, ends_at, POINTS + 1)
    for i, (_, group) in enumerate(shown):
        frame = figures.series_of(series, group)
        times, levels = frame["time_s"].to_numpy().astype(float), 100 / most * frame[column].to_numpy().astype(float)
        middles = (edges[1:] + edges[:-1]) / 2
        colour, dashes = COLOURS[i % len(COLOURS)], DASHES[i % len(DASHES)]
        about = _means(times, levels, edges * length + begins_s)
        handles += panel.plot(middles, about, color=colour, ls=dashes, lw=2.2 if i == 0 else 1.6)
    for one in course:
        begin, end = (round((at - begins_s) / length, 1) for at in (one.from_s, one.to_s))
        panel.axvspan(begin, end, facecolor="#000000", alpha=figures.DOWN, lw=0, zorder=0)
    panel.set_xlim(starts_at, ends_at)
    since = "since the outage began" if course else "since the start"
    panel.set_xlabel(f"time {since} ({unit.many})")
    panel.set_ylabel("holders with a lease (%)" if manifest.has_leases else "backlog (% of the largest)")
    figures.legend_below(below, handles, [name for name, _ in shown], len(summary.groups) > len(shown))
    figures.entitle(figure, answer(manifest, summary)[0].rstrip("."))
    return Picture("redacted", figure, "Shaded: the dependency is down." if course else "")
