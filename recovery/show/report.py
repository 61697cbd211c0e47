"""The page of a run: what a folder holds, as pictures and one HTML file that needs nothing else. Never simulates.

The order of the page is the order in which a reader decides: question, verdict, expectations, variants, observed
against simulated, pictures, then what is fitted or assumed, and how to make it all again.
"""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from recovery import units
from recovery.show import figures, figures_later, stage_times
from recovery.show.figures import Mark, Picture
from recovery.show.text import LOST, lost, notes, sample_span, show_measure
from recovery.store import files
from recovery.store import results as store
from recovery.store.results import number
from recovery.study import advice

_HEAD = {
    "title",
    "question",
    "answer",
    "label",
    "clock",
    "seed",
    "replications",
    "expect",
    "notes",
    "observed",
    "services",
    "sweep",
}
# Symbols of the formulas, and the inputs behind them.
_BEHIND = {
    "N": ("fleet.holders",),
    "M": ("fleet.hosts",),
    "c": ("host.workers",),
    "s": ("host.establish_time",),
    "s_r": ("host.renew_time",),
    "s_x": ("host.reject_cost",),
    "τ": ("host.timeout",),
    "P": ("lease.check_every",),
    "L": ("lease.duration",),
    "Q": ("policy.queue",),
    "R": ("jobs.retries",),
    "N_unleased": ("fleet.holders",),
    "r3": ("host.renew_time", "fleet.holders", "lease.check_every", "host.workers", "fleet.hosts"),
    "μ": ("host.workers", "fleet.hosts", "host.establish_time"),
}
NEAR_MIN = {"official": 10, "others": 20}  # how near a milestone should be met
_VERDICTS = {"recovered": "recovered", "recovering": "still recovering", "collapsed": "collapsed"}


class Cell(NamedTuple):
    """A number of a table: its text, its interval where there is one, and how it should look."""

    text: str
    interval: str = ""
    look: str = ""


class Column(NamedTuple):
    """A column of the table of variants: what it shows of which measure."""

    measure: str
    title: str
    meaning: str
    kind: str


_LEASES = (
    Column("ttr50_s", "50 % back", "time until half of the holders have a lease, for good", "time"),
    Column("ttr90_s", "90 % back", "the same for 90 %", "time"),
    Column("ttr99_s", "99 % back", "the same for 99 %: the main measure", "time"),
    Column("ttr100_s", "100 % back", "the same for all", "time"),
    Column("saved", "saved", "minutes sooner than the first variant (99 %)", "saved"),
    Column(
        "efficiency",
        "efficiency",
        "fluid bound (least time, if no work were wasted) over time to 99 %; 1 is the best",
        "number",
    ),
    Column("amplification", "attempts a success", "attempts for each success, during recovery", "number"),
    Column("wasted_share", "wasted work", "share of the work done for answers nobody waited for", "share"),
    Column(
        "queue_peak",
        "longest queue",
        "most requests that waited at one time; of several hosts their peaks in one window, added up",
        "number",
    ),
    Column("unleased_holder_hours", "unleased holder hours", "hours without a lease, over all holders", "number"),
    Column("excess_hours", "after the return", "the same from the dependency's return to the horizon", "number"),
)
_JOBS = (
    Column(
        "ttr50_s", "50 % cleared", "time until half of the jobs without an answer have one or gave up, for good", "time"
    ),
    Column("ttr90_s", "90 % cleared", "the same for 90 %", "time"),
    Column("ttr99_s", "99 % cleared", "the same for 99 %: the main measure", "time"),
    Column("ttr100_s", "100 % cleared", "the same for all", "time"),
    Column("saved", "saved", "sooner than the first variant (99 %)", "saved"),
    Column("amplification", "attempts a success", "attempts for each success, during recovery", "number"),
    Column("wasted_share", "wasted work", "share of the work done for answers nobody waited for", "share"),
    Column("served_share", "jobs served", "share of all jobs that succeeded", "share"),
    Column(
        "backlog_peak",
        "largest backlog",
        "most jobs without an answer at one time; of several hosts their peaks in one window, added up",
        "number",
    ),
    Column("excess_hours", "excess job hours", "hours times the jobs without an answer above the normal", "number"),
    Column(
        "queue_peak",
        "longest queue",
        "most requests that waited at one time; of several hosts their peaks in one window, added up",
        "number",
    ),
    Column(
        "latency_p99_s",
        "latency, 99 %",
        "time from a job's first attempt to its success, of 99 % of the successes",
        "time",
    ),
)


def write(folder: Path, marks: Sequence[Mark] = ()) -> Path:
    """Pictures and report.html of a run's folder; returns the page's path. ValueError if the folder holds no run."""
    manifest, summary, series = read(folder)
    if manifest["kind"] == "sweep":
        from recovery.show import report_sweep

        return report_sweep.write(folder)
    from recovery.show import report_race, report_services
    from recovery.store.race_record import Race
    from recovery.store.service_record import Services

    drawn = draw(folder, figures.figures_for(manifest, distinct(manifest, summary), series, marks))
    later = draw(folder, figures_later.figures_for(manifest, summary, series))
    page = folder / "report.html"
    race = Race.model_validate(summary["race"]) if "race" in summary else None
    behind = Services.model_validate(summary["services"]) if "services" in summary else None
    dns = report_race.section(
        race, report_race.stones(behind), manifest["head"]["clock"], marks_of("dns", notes_of(summary)), folder
    )
    services = report_services.section(behind, folder)
    files.write_text(page, html(manifest, summary, drawn, later, services, dns))
    return page


def draw(folder: Path, pictures: Sequence[Picture]) -> list[tuple[Picture, str]]:
    """Write pictures as SVG and PNG into the folder's figures/; returns each with the text of its SVG."""
    drawn = []
    for picture in pictures:
        text, image = figures.svg(picture), figures.png(picture)
        place = folder / "figures"
        files.write_together({place / f"{picture.name}.svg": text.encode(), place / f"{picture.name}.png": image})
        drawn.append((picture, text))
    return drawn


def read(folder: Path) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """Manifest, summary and series (None if not kept) of a run's folder. ValueError if the folder holds no run,
    files.Damaged if a file of it is no longer whole.
    """
    if not (folder / "manifest.json").is_file():
        raise ValueError(f"{folder} has no manifest.json; want the folder of a finished run")
    manifest, summary = store.tables_of(folder)
    path = folder / "series.parquet"
    return manifest, summary, files.read_parquet(path) if path.exists() else None


def html(
    manifest: dict[str, Any],
    summary: dict[str, Any],
    drawn: Sequence[tuple[Picture, str]],
    later: Sequence[tuple[Picture, str]] = (),
    services: str = "",
    dns: str = "",
) -> str:
    """The page as text: no script, nothing from outside, the same for the same results. `later`: the pictures of what
    followed the leases; `services`, `dns`: sections.
    """
    from markupsafe import Markup

    from recovery.show import report_later

    notes = notes_of(summary)
    page = render(
        "report.html.j2",
        manifest,
        drawn,
        verdict=verdict(manifest, summary),
        expectations=[_expectation(row) for row in summary["expect"]],
        tables=_tables(manifest, distinct(manifest, summary)),
        alike=_alike(summary) if distinct(manifest, summary) is not summary else [],
        milestones=sorted(milestones_of(manifest, summary), key=lambda row: number(row["observed_s"])),
        later=report_later.sections(manifest, summary, later),
        first=summary["groups"][0]["variant"],
        notes=notes,
        explain=[_explained(row, notes) for row in summary["explain"]],
        inputs=_inputs(manifest, notes),
        changes=_changes(manifest),
        sweep=_sweep(manifest),
        runs=_runs(summary),
        services=Markup(services),  # our own, with all texts escaped
        dns=Markup(dns),
    )
    return page.replace("<!-- contents -->", _contents(page), 1)


def _contents(page: str) -> str:
    """Links to the sections of a page that come after its place for them."""
    found = re.findall(r'<h2 id="([^"]+)">(.*?)</h2>', page.partition("<!-- contents -->")[2])
    links = "".join(f'<li><a href="#{name}">{title}</a></li>\n' for name, title in found)
    return f'<nav aria-label="Contents">\n<ol class="contents">\n{links}</ol>\n</nav>'


def render(name: str, manifest: Mapping[str, Any], drawn: Sequence[tuple[Picture, str]], **values: Any) -> str:
    """A template of data/ with what every page has: manifest, head, command, figures; and with `values`."""
    return filled(name, drawn, manifest=manifest, head=manifest["head"], command=command(manifest), **values)


def filled(name: str, drawn: Sequence[tuple[Picture, str]], **values: Any) -> str:
    """A template of data/ with pictures and `values`: a page, or a section of one."""
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("recovery.show"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    figures = [(picture, Markup(text)) for picture, text in drawn]  # our own SVG, made a moment ago
    return environment.get_template(name).render(figures=figures, **values)


# --- the verdict ------------------------------------------------------------------------------------------------------


def verdict(manifest: Mapping[str, Any], summary: Mapping[str, Any]) -> list[str]:
    """Two or three sentences: what collapsed, why, and which change helps most, by how much."""
    lever = figures.lever_of(summary)
    if any(group["levers"] for group in summary["groups"]):
        return _verdict_of_sweep(manifest, summary, lever)
    groups = summary["groups"]
    first, others = groups[0], groups[1:]
    out = [_what_happened(first, others, manifest)]
    if manifest["kind"] == "leases":
        out.append(_without_a_lease(groups))
    out.append(_why_collapsed(groups))
    from recovery.show import report_later

    if later := report_later.verdict(manifest, summary):
        return [text for text in (*out, *later) if text]
    out += _what_helps(summary) if others else [*_paced(first), *_assumed(first)]
    return [text for text in out if text]


def _without_a_lease(groups: Sequence[Mapping[str, Any]]) -> str:
    """From when to when holders are without a lease, in words, in the first variant; where it has all of them, in those
    that have not. "" where a summary does not say it.
    """
    if "unleased_s" not in groups[0]:
        return ""
    lost = [group for group in groups if group.get("unleased_s") is not None]
    if groups[0] in lost:
        return f"Holders are without a lease {_span(groups[0])}."
    if not lost:
        return "No holder is ever without a lease" + (", in any of the variants." if len(groups) > 1 else ".")
    told = "; ".join(f"under {_name(group)} some are, {_span(group)}" for group in lost[:3])
    return f"No holder is ever without a lease; {told}{f'; and under {len(lost) - 3} others' if len(lost) > 3 else ''}."


def _span(group: Mapping[str, Any]) -> str:
    begin, end = (number(group["unleased_s"][key]) for key in ("from_s", "to_s"))
    worst = units.show_share(1 - figures.mean(group, "leased_min_share"))
    span = f"from {units.show_duration(begin)} "
    span += f"to {units.show_duration(end)} after the start" if math.isfinite(end) else "after the start to the horizon"
    return f"{span} (at worst {worst} of them)"


def _why_collapsed(groups: Sequence[Mapping[str, Any]]) -> str:
    """What limits the first variant that collapses, with its number."""
    for group in groups:
        if group["verdicts"].get("collapsed"):
            limit = advice.limit_of(group)
            name = "" if group is groups[0] else f" “{group['variant']}” collapses"
            return f"Why{name}: {limit.text}." if limit is not None else ""
    return ""


def _name(group: Mapping[str, Any]) -> str:
    return f"“{group['variant']}”"


def _what_happened(first: Mapping[str, Any], others: Sequence[Mapping[str, Any]], manifest: Mapping[str, Any]) -> str:
    ttr = figures.mean(first, "ttr99_s")
    what = "99 % of its leases" if manifest["kind"] == "leases" else "99 % of its backlog cleared"
    if math.isfinite(ttr):
        out = f"{_name(first)} has {what}"
        if ttr == 0 and figures.mean(first, "leased_min_share") >= 0.99:
            out += " all the time"
        else:
            out += " back" if manifest["kind"] == "leases" else ""
            out += f" {units.show_duration(ttr)} after" if ttr > 0 else " already at"
            out += " recovers_from" if manifest.get("inputs", {}).get("recovers_from") else " the dependency's return"
        out += "" if set(first["verdicts"]) == {"recovered"} else ", and not for good"
    elif first["verdicts"].get("collapsed"):
        n = first["verdicts"]["collapsed"]
        out = f"{_name(first)} collapses" + (
            f" in {n} of {first['runs']} runs" if first["runs"] > 1 else " and never recovers"
        )
    else:
        out = f"{_name(first)} is not back at the horizon, but still drains"
    down = [_name(group) for group in others if group["verdicts"].get("collapsed")]
    if down:
        shown = down if len(down) <= 3 else [*down[:2], f"{len(down) - 2} others"]
        listed = shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " and " + shown[-1]
        out += f"; {listed} {'collapses' if len(down) == 1 else 'collapse'}"
        out += " too" if first["verdicts"].get("collapsed") else ""
    return out + "."


def _why(summary: Mapping[str, Any]) -> str:
    values = {row["name"]: number(row["value"]) for row in summary["explain"]}
    r1, r2, r3, r4, r5 = (values.get(f"r{i}", math.nan) for i in range(1, 6))
    if r1 > 1 and not r2 < 1:
        text = (
            f"Why: the work that waits is {r1:.3g} timeouts long (r1), so whoever is served first in, first out has "
            "already given up, and the work is wasted"
        )
        return text + (f"; renewals alone need {units.show_share(r3)} of the hosts (r3)." if r3 > 0.05 else ".")
    if r3 >= 1:
        return f"Why: renewals alone need {units.show_share(r3)} of what the hosts can do (r3)."
    if r4 > 1:
        return f"Why: refilling all leases takes {r4:.3g} times as long as a lease runs (r4)."
    if r5 > 0.5:
        return f"Why: saying no costs {units.show_share(r5)} of the hosts' time (r5)."
    hidden = values.get("hidden_capacity_per_s", math.nan)
    if hidden == 0:
        return "Why: every job is tried again without limit, so a queue that is longer than the timeout feeds itself."
    if hidden > 0:
        return f"Why: above {units.show_count(hidden)} jobs a second (hidden capacity), retries keep a long queue long."
    return ""


def _what_helps(summary: Mapping[str, Any]) -> list[str]:
    """Which variant is back first, by how much, what limits it then, and what that stands on."""
    groups = summary["groups"]
    first, others = groups[0], groups[1:]
    best, declared = advice.best_of(groups), advice.declared_only(groups)
    was = figures.mean(first, "ttr99_s")
    if best is None:
        if declared:
            return [*_paced(first), *declared]
        far = max(others, key=lambda group: figures.mean(group, "leased_end_share"))
        end = figures.mean(far, "leased_end_share")
        more = f"; {_name(far)} gets farthest, with {units.show_share(end)} leased at the end" if end > 0 else ""
        return [
            f"None of the {len(others)} other variants recovers{more}."
            if len(others) > 1
            else f"{_name(others[0])} does not recover either."
        ]
    ttr = figures.mean(best, "ttr99_s")
    if was - ttr <= number(best.get("facts", {}).get("window_s", 0.0)):  # times are known to a window
        next_best = f"; the next best, {_name(best)}, takes {units.show_duration(ttr)}" if ttr != was else ""
        text = f"None of the other variants is {'clearly ' if ttr < was else ''}faster{next_best}."
        return [sentence for sentence in (text, *_paced(first), advice.fewest_wait(groups), *declared) if sentence]
    text = f"Most helps {_name(best)}: {'it is ' if math.isinf(was) else ''}back after {units.show_duration(ttr)}"
    if math.isfinite(was):
        text += f", {units.show_duration(was - ttr)} sooner ({units.show_share((was - ttr) / was)} less)"
        low = advice.saved_s(summary, best)[1]
        text += ", a difference that chance can make in so few runs" if low <= 0 else ""
    bound = figures.mean(best, "fluid_bound_s")
    text += f"; nothing can be faster than {units.show_duration(bound)}." if bound > 0 else "."
    return [text, *_paced(best), *declared, *_assumed(best)]


def _paced(group: Mapping[str, Any]) -> list[str]:
    """What a recovery is paced by, as a sentence, if the rules know it."""
    limit = None if group["verdicts"].get("collapsed") else advice.limit_of(group)
    return [f"What paces {_name(group)}: {limit.text}."] if limit is not None else []


def _assumed(group: Mapping[str, Any]) -> list[str]:
    """What a recovery stands on; of a collapse that is no question."""
    return [] if group["verdicts"].get("collapsed") else advice.assumptions(group)


def _verdict_of_sweep(
    manifest: Mapping[str, Any], summary: Mapping[str, Any], lever: figures.Lever | None
) -> list[str]:
    out = []
    if lever is None:
        worst = max(summary["groups"], key=lambda group: number(group["collapsed"]["share"]))
        label = figures.label_of(worst["variant"], worst["levers"])
        out.append(
            f"Most often collapses “{label}”: in {units.show_share(number(worst['collapsed']['share']))} of its runs."
        )
        best = figures.best_of(summary["groups"])
        if best is not None:
            label = figures.label_of(best["variant"], best["levers"])
            out.append(f"Fastest is “{label}”, back after {units.show_duration(figures.mean(best, 'ttr99_s'))}.")
        return out
    for variant, at in figures.crossings(summary, lever).items():
        own = [group for group in summary["groups"] if group["variant"] == variant]
        if math.isfinite(at.at):
            shares = sorted((lever.value(g["levers"][lever.key]), number(g["collapsed"]["share"])) for g in own)
            side = "above" if shares[-1][1] > shares[0][1] else "below"
            text = f"“{variant}” collapses in more than half of its runs {side} {lever.show(at.at)}"
            if math.isfinite(at.low) and math.isfinite(at.high):
                text += f" ({lever.show(at.low)} to {lever.show(at.high)} with the intervals)"
        else:
            least, *_, most = [
                units.show_share(share) for share in sorted(number(g["collapsed"]["share"]) for g in own)
            ]
            text = f"“{variant}” collapses in {least} to {most} of its runs over the whole sweep"
        predicted = figures.hidden_capacity(manifest, variant, lever)
        if math.isfinite(predicted):
            text += f"; its predicted hidden capacity is {lever.show(predicted)}"
        out.append(text + ".")
    return [*out, _why(summary)] if _why(summary) and "hidden capacity)" not in _why(summary) else out


# --- tables -----------------------------------------------------------------------------------------------------------


def show(value: float, kind: str) -> str:
    """A number of a table as text; `kind` is "time", "share" or "number". "–" stands for what was not measured."""
    if math.isnan(value):
        return "–"
    if kind == "time":
        return units.show_duration(value)
    if math.isinf(value):
        return "∞"
    return units.show_share(value) if kind == "share" else units.show_count(value)


def _cell(group: Mapping[str, Any], column: Column, first: Mapping[str, Any]) -> Cell:
    if column.kind == "saved":
        return _saved(group, first)
    found = group["measures"].get(column.measure)
    if found is None:
        return Cell("–")
    mean, low, high = (number(found[end]) for end in ("mean", "low", "high"))
    span = sample_span(group, column.measure)
    if math.isinf(mean) and column.kind == "time":
        back = group["verdicts"].get("recovered", 0)
        return Cell(
            "never",
            f"in {group['runs'] - back} of {group['runs']} runs" if 0 < back < group["runs"] else span,
            "never",
        )
    if column.measure == "efficiency":
        return Cell(show(mean, column.kind), f"bound {units.show_duration(figures.mean(group, 'fluid_bound_s'))}")
    if math.isfinite(low) and math.isfinite(high) and high > low:
        return Cell(show(mean, column.kind), f"{show(low, column.kind)} to {show(high, column.kind)}")
    return Cell(show(mean, column.kind), span)


def _saved(group: Mapping[str, Any], first: Mapping[str, Any]) -> Cell:
    was, now = figures.mean(first, "ttr99_s"), figures.mean(group, "ttr99_s")
    if group is first or advice.declares_only(first, group):
        return Cell("–")
    if math.isinf(was):
        return Cell("never either", look="never") if math.isinf(now) else Cell("recovers at all", look="good")
    if math.isinf(now):
        return Cell("never back", look="never")
    minutes = (was - now) / 60
    digits = 0 if abs(minutes) >= 100 else 1
    return Cell(f"{minutes:.{digits}f} min".replace("-", "−"), look="good" if minutes > 0 else "")


def _tables(manifest: Mapping[str, Any], summary: Mapping[str, Any]) -> dict[str, Any]:
    """The table of variants (and of the points of a sweep), its columns, and for a sweep the short one before it."""
    groups = summary["groups"]
    lever = figures.lever_of(summary)
    keys = list(dict.fromkeys(key for group in groups for key in group["levers"]))
    columns = [
        column
        for column in (_LEASES if manifest["kind"] == "leases" else _JOBS)
        if not (column.kind == "saved" and (keys or len(groups) == 1))
    ]
    several = any(group["runs"] > 1 for group in groups)
    middle, marked = figures.medians(summary, "ttr99_s"), lost(summary)
    rows = []
    for group, median in zip(groups, middle, strict=True):
        collapsed = group["collapsed"]
        share, low, high = (units.show_share(number(collapsed[end])) for end in ("share", "low", "high"))
        verdicts = [
            _VERDICTS[name] + (f" {n} of {group['runs']}" if group["runs"] > 1 else "")
            for name, n in group["verdicts"].items()
        ]
        rows.append(
            {
                "variant": group["variant"],
                "levers": [str(group["levers"].get(key, "")) for key in keys],
                "verdict": ", ".join(verdicts),
                "look": "good" if set(group["verdicts"]) == {"recovered"} else "never",
                "collapsed": Cell(share, f"{low} to {high}") if several else None,
                "median": show(median, "time") if several else None,
                "cells": [
                    cell._replace(text=cell.text + LOST) if (group["variant"], column.measure) in marked else cell
                    for column in columns
                    for cell in (_cell(group, column, groups[0]),)
                ],
            }
        )
    return {
        "rows": rows,
        "columns": columns,
        "keys": keys,
        "several": several,
        "edges": _edges(manifest, summary, lever) if lever is not None else [],
        "lever": lever,
        "runs": sorted({group["runs"] for group in groups}),
        "notes": notes(summary),
    }


def _edges(manifest: Mapping[str, Any], summary: Mapping[str, Any], lever: figures.Lever) -> list[dict[str, str]]:
    """For each variant of a sweep: where it tips over, and where that was predicted."""
    out = []
    for variant, at in figures.crossings(summary, lever).items():
        shares = [number(group["collapsed"]["share"]) for group in summary["groups"] if group["variant"] == variant]
        predicted = figures.hidden_capacity(manifest, variant, lever)
        spans = math.isfinite(at.low) and math.isfinite(at.high)
        out.append(
            {
                "variant": variant,
                "at": lever.show(at.at) if math.isfinite(at.at) else "nowhere in the sweep",
                "between": f"{lever.show(at.low)} to {lever.show(at.high)}" if spans else "–",
                "predicted": lever.show(predicted) if math.isfinite(predicted) else "–",
                "least": units.show_share(min(shares)),
                "most": units.show_share(max(shares)),
            }
        )
    return out


def _alike(summary: Mapping[str, Any]) -> list[list[str]]:
    """Names of the variants, those together whose leases went the same way."""
    found: dict[str, list[str]] = {}
    for group in summary["groups"]:
        key = json.dumps([group["measures"].get(column.measure) for column in _LEASES])
        found.setdefault(key, []).append(group["variant"])
    return list(found.values())


def distinct(manifest: Mapping[str, Any], summary: dict[str, Any]) -> dict[str, Any]:
    """The summary for the section on leases. If later stages follow, many variants differ only there: of those with the
    same leases the first stands for all.
    """
    firsts = {names[0] for names in _alike(summary)}
    is_day = (
        bool(stage_times.variants(summary, number(manifest["window_s"]))) if manifest["kind"] == "leases" else False
    )
    if not is_day or len(firsts) == len(summary["groups"]):
        return summary
    return {**summary, "groups": [group for group in summary["groups"] if group["variant"] in firsts]}


def _expectation(row: Mapping[str, Any]) -> dict[str, str]:
    sign, look = {
        "yes": ("✓ holds", "good"),
        "no": ("✗ fails", "never"),
        "unsure": ("? unsure: the interval spans the bound", ""),
        "not measured": ("? not measured", ""),
    }[row["holds"]]
    return {
        "text": row["text"],
        "sign": sign,
        "look": look,
        "value": show_measure(row["text"].split()[0], row["value"]),
        "why": row.get("why", ""),
    }


def milestones_of(manifest: Mapping[str, Any], summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Observed milestones beside simulated ones, and whether they are as near as is wanted."""
    axis = figures.TimeAxis(manifest)
    out = []
    for row in summary["milestones"]:
        observed, simulated, off = (number(row[key]) for key in ("observed_s", "simulated_s", "difference_min"))
        out.append(
            {
                **row,
                "observed": axis.show(observed),
                "after": units.show_duration(observed),
                "simulated": units.show_milestone(simulated, axis.show),
                "difference": f"{off:+.1f}".replace("-", "−").replace("+0.0", "0.0") if math.isfinite(off) else "–",
                **dict(zip(("near", "look"), _near(row["confidence"], off), strict=True)),
            }
        )
    return out


def _near(confidence: str, off_min: float) -> tuple[str, str]:
    """Whether a milestone is met as nearly as is wanted, and how that should look."""
    wanted = NEAR_MIN["official"] if confidence == "official" else NEAR_MIN["others"]
    is_near = math.isfinite(off_min) and abs(off_min) <= wanted
    return (f"{'✓' if is_near else '✗'} {wanted} min", "good" if is_near else "never")


def notes_of(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Notes on fitted and assumed inputs, numbered, with their values in words."""
    return [{**note, "number": i, "shown": text_of(note["value"])} for i, note in enumerate(summary["notes"], 1)]


def marks_of(key: str, notes: Sequence[Mapping[str, Any]]) -> list[int]:
    """Numbers of the notes that speak of an input: of itself, of a part of it, or of what it is part of."""
    return [
        note["number"]
        for note in notes
        if f"{note['key']}.".startswith(f"{key}.") or f"{key}.".startswith(f"{note['key']}.")
    ]


def _explained(row: Mapping[str, Any], notes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    value = number(row["value"])
    name = row["name"]
    kind = "time" if units.is_time(name) else "number"
    symbols = re.findall(r"N_unleased|s_r|s_x|r3|[A-Za-zμτ]", row["formula"])
    marks = sorted({mark for symbol in symbols for key in _BEHIND.get(symbol, ()) for mark in marks_of(key, notes)})
    text = show(value, kind) + ("/s" if name.endswith("_per_s") else "")
    return {**row, "shown": text, "marks": marks, "numbers": row["numbers"].replace("inf", "∞").replace("*", "·"),
            "formula": row["formula"].replace("*", "·")}  # fmt: skip


def text_of(value: Any) -> str:
    """An input as a person would say it."""
    if isinstance(value, Mapping):
        if "dist" in value:
            rest = ", ".join(f"{key} {text_of(item)}" for key, item in value.items() if key != "dist")
            return f"{value['dist']}, {rest}"
        return ", ".join(f"{key} {text_of(item)}" for key, item in value.items())
    if isinstance(value, list):
        return (
            "; ".join(f"({text_of(item)})" if isinstance(item, Mapping) else text_of(item) for item in value) or "none"
        )
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and abs(value) >= 10_000:
        return units.show_count(value)
    return str(value)


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping) and "dist" not in value and value:
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list) and len(value) > 1 and all(isinstance(item, Mapping) for item in value):
            for i, item in enumerate(value):
                yield f"{prefix}{key}.{i}", item
        else:
            yield prefix + key, value


def _inputs(manifest: Mapping[str, Any], notes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    own = {key: value for key, value in manifest["inputs"].items() if key not in _HEAD | {"variants"}}
    return [{"key": key, "value": text_of(value), "marks": marks_of(key, notes)} for key, value in _flat(own)]


def _changes(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = manifest["inputs"].get("variants", {})
    return [
        {"name": name, "changes": [f"{key}: {text_of(value)}" for key, value in _flat(change)] or ["nothing"]}
        for name, change in found.items()
    ]


def _sweep(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    levers = manifest["inputs"].get("sweep", {}).get("levers", {})
    return [(key, ", ".join(text_of(value) for value in lever["values"])) for key, lever in levers.items()]


def _runs(summary: Mapping[str, Any]) -> dict[str, str]:
    rows = summary["rows"]
    return {
        "count": units.show_count(len(rows)),
        "cpu": units.show_duration(math.fsum(float(row["cpu_s"]) for row in rows)),
        "events": units.show_count(sum(int(row["logical_events"]) for row in rows)),
    }


def command(manifest: Mapping[str, Any]) -> str:
    """The command that makes the run again. Of paths from the root of a machine, the last two parts stay."""

    def short(word: str) -> str:
        key, sign, path = word.rpartition("=") if word.startswith("-") else ("", "", word)
        if path.startswith("/") or re.match(r"[A-Za-z]:[\\/]", path):
            path = "/".join(re.split(r"[\\/]", path)[-2:])
        return key + sign + path

    return shlex.join(short(str(word)) for word in manifest["argv"])
