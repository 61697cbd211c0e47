"""The page of a sweep: what its folder holds, as pictures and one HTML file that needs nothing else. Never simulates.

The order of the page is that of a decision: question, answer, policies, pictures, where policies fail and what that
depends on, then how the draws were made, what failed, what is assumed, and how to make it all again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from recovery import units
from recovery.show import figures_sweep, report
from recovery.show.figures import Picture
from recovery.show.figures_sweep import Sweep
from recovery.show.report import Cell
from recovery.store import files
from recovery.store import results as store
from recovery.store.results import number

TABLE_MAX = 30  # policies that are shown with all columns
LIST_MAX = 20  # rows of the other tables before they fold
FOLDED_MAX = 80  # rows that are folded away; what is beyond stands in summary.json only
_STATUS = {
    "precise": "precise",
    "collapses": "never too often, stopped",
    "beaten": "beaten, stopped",
    "cap": "most replications reached",
    "done": "as many as asked for",
    "failed": "failed",
}
_HARMS = {
    "denied_share": ("denied", "share of the launches that were denied", "share"),
    "unleased_holder_hours": ("unleased holder hours", "hours without a lease, over all holders", "number"),
    "wasted_share": ("wasted work", "share of the work done for answers nobody waited for", "share"),
}


class Column(NamedTuple):
    """A column of the table of policies: its title, what it means, and whether the folded rows have it too."""

    title: str
    meaning: str
    is_short: bool = False


def write(folder: Path, manifest: dict[str, Any], summary: dict[str, Any], series: Any) -> Path:
    """Pictures and report.html of a sweep's folder; returns the page's path. Raises files.Damaged."""
    import polars as pl

    # Draws that were not accepted, and those for sensitivities, do not count in the ranking.
    runs = store.runs_of_sweep(folder).filter(pl.col("role") == "draw")
    sweep = Sweep(manifest, summary, runs, series, report.command(manifest))
    drawn = report.draw(folder, figures_sweep.figures_for(sweep))
    page = folder / "report.html"
    files.write_text(page, html(manifest, summary, drawn))
    return page


def html(manifest: dict[str, Any], summary: dict[str, Any], drawn: Sequence[tuple[Picture, str]]) -> str:
    """The page as text: no script, nothing from outside, the same for the same results."""
    notes = report.notes_of(summary)
    policies = figures_sweep.told(summary)
    rows = [_row(policy, summary) for policy in policies]
    columns = _columns(summary)
    base = next((policy for policy in policies if policy["is_baseline"]), None)
    return report.render(
        "sweep.html.j2",
        manifest,
        drawn,
        summary=summary,
        answers=summary["answers"],
        baseline=base["name"] if base else "",
        columns=columns,
        short=[i for i, column in enumerate(columns) if column.is_short],
        rows=rows[:TABLE_MAX],
        rest=rows[TABLE_MAX:],
        measured=figures_sweep.what(summary),
        limit=units.show_duration(number(summary["limit_s"])),
        confidence=units.show_share(summary["confidence"]),
        precision=units.show_share(summary["precision"]) if summary["precision"] else "",
        never_max=units.show_share(summary["never_max"]),
        design=_design(summary, notes),
        scenarios=_listed(
            {"policy": f"{policy['rank']}  {policy['told']}", "words": one["words"]}
            | {name: units.show_share(number(one[name])) for name in ("coverage", "density", "support")}
            for policy in policies
            for one in policy["fails_where"]
        ),
        sensitivity=_sensitivity(summary),
        failures=_listed(summary["failures"]),
        runs={name: units.show_count(n) for name, n in summary["runs"].items()},
        took={name: units.show_duration(number(manifest.get(f"{name}_s"))) for name in ("wall", "cpu")},
        notes=notes,
    )


def _listed(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Rows that are shown, those that are folded away, and how many are left out."""
    every = list(rows)
    return {"first": every[:LIST_MAX], "rest": every[LIST_MAX : LIST_MAX + FOLDED_MAX],
            "left": max(len(every) - LIST_MAX - FOLDED_MAX, 0)}  # fmt: skip


# --- policies ---------------------------------------------------------------------------------------------------------


def _columns(summary: Mapping[str, Any]) -> list[Column]:
    limit = units.show_duration(number(summary["limit_s"]))
    out = [
        Column(
            "mean time",
            f"until {figures_sweep.what(summary)}, over draws and replications; a run that is not back counts as "
            f"{limit}",
            True,
        ),
        Column(
            "sooner or later",
            "difference from the baseline over the same draws, with the same random numbers; − is sooner",
            True,
        ),
        Column("not back", "share of the runs that are not back at the horizon", True),
        Column("collapse", "share of the runs that are not back and in which what waits does not become less"),
        Column("if back", "mean time of the runs that are back"),
        Column("±", "half the interval of that time, over the time", True),
        Column("fluid bound", "the time if no work were wasted; nothing can be faster"),
        Column("worst", "the largest time in any draw"),
        Column("mean regret", "how much later than the best policy of the same draw, on average"),
        Column("regret, 90 %", "at most so much later in nine draws of ten"),
        Column("largest regret", "the same in the draw where it is worst, of so many", True),
    ]
    out += [Column(title, meaning) for title, meaning, _ in (_HARMS[name] for name in _harms(summary))]
    return [*out, Column("runs", "runs that were made, and in how many replications of all draws")]


def _harms(summary: Mapping[str, Any]) -> list[str]:
    return [name for name in _HARMS if any(name in policy["harm"] for policy in summary["policies"])]


def _row(policy: Mapping[str, Any], summary: Mapping[str, Any]) -> dict[str, Any]:
    limit = number(summary["limit_s"])
    lost, fell = policy["not_recovered"], policy["collapsed"]
    worst = number(policy["worst_s"])
    regret = {name: number(policy["regret"][name]) for name in ("mean", "p90", "max")}
    cells = [
        _interval(policy["restricted"], "time"),
        _difference(policy["difference"]),
        _interval(lost, "share", "share", "never" if number(lost["share"]) > 0 else ""),
        _interval(fell, "share", "share", "never" if number(fell["share"]) > 0 else ""),
        _interval(policy["given_recovery"], "time"),
        _half_width(policy),
        Cell(report.show(number(policy["fluid_bound_s"]["mean"]), "time")),
        Cell("not back", look="never") if worst >= limit else Cell(report.show(worst, "time")),
        *(Cell(report.show(regret[name], "time")) for name in ("mean", "p90")),
        Cell(report.show(regret["max"], "time"), f"{policy['regret']['draws']} draws"),
        *(_interval(policy["harm"].get(name), _HARMS[name][2]) for name in _harms(summary)),
        Cell(units.show_count(policy["runs"]), f"{policy['replications']} replications"),
    ]
    marks = [
        *(["baseline"] if policy["is_baseline"] else []),
        *(["chosen"] if policy["is_chosen"] else ["not told apart from the best"] if policy["not_told_apart"] else []),
        *(["unbeaten over time and harm"] if policy["on_front"] else []),
        *([f"{policy['failed']} runs failed"] if policy["failed"] and policy["runs"] else []),
    ]
    return {
        "rank": policy["rank"],
        "name": policy["told"],
        "marks": ", ".join(marks),
        "status": _STATUS.get(policy["status"], policy["status"])
        + (f": all {policy['failed']} runs, {policy['failed_because']}" if policy["status"] == "failed" else ""),
        "cells": cells,
    }


def _half_width(policy: Mapping[str, Any]) -> Cell:
    share = number(policy["half_width_share"])
    return Cell(report.show(share, "share") if math.isfinite(share) else "–")


def _interval(found: Mapping[str, Any] | None, kind: str, at: str = "mean", look: str = "") -> Cell:
    if found is None:
        return Cell("–")
    middle, low, high = (number(found[end]) for end in (at, "low", "high"))
    between = f"{report.show(low, kind)} to {report.show(high, kind)}"
    return Cell(report.show(middle, kind), between if math.isfinite(low + high) and high > low else "", look)


def _difference(found: Mapping[str, Any] | None) -> Cell:
    if found is None:
        return Cell("–")
    middle, low, high = (number(found[end]) for end in ("mean", "low", "high"))
    cell = _interval(found, "time")
    sign = "+" if middle > 0 else ""
    return cell._replace(text=sign + cell.text, look="good" if high < 0 else "never" if low > 0 else "")


# --- design and sensitivity -------------------------------------------------------------------------------------------


def _value(value: Any, unit: str | None) -> str:
    """A value of the design as a person would say it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return report.text_of(value)
    if unit == "s":
        return units.show_duration(value)
    if unit == "share":
        return units.show_share(value)
    return report.text_of(value) if isinstance(value, int) else f"{value:.4g}{'/s' if unit == '1/s' else ''}"


def _design(summary: Mapping[str, Any], notes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    design = summary["design"]

    def of(one: Mapping[str, Any], dist: str) -> dict[str, Any]:
        unit = one.get("unit")
        if "values" in one:
            text = ", ".join(_value(value, unit) for value in one["values"])
        else:
            text = f"{_value(one['min'], unit)} to {_value(one['max'], unit)}"
            dist = one.get("distribution", "uniform")
        return {"key": one["key"], "values": text, "drawn": dist, "marks": report.marks_of(one["key"], notes)}

    accept = design["accept"]
    replications = f"{design['replications']}"
    if summary["precision"]:
        replications += f" to {design['replications_max']}"
    told = ""
    if accept:
        told = (
            f"Of {units.show_count(accept['tried'])} draws that were made, {units.show_count(accept['kept'])} "
            "reproduce what was observed, each milestone to within "
            f"{units.show_duration(number(accept['within_s']))}; only these were kept."
        )
    return {
        "levers": [of(one, "each of these") for one in design["levers"]],
        "uncertainties": [of(one, "one of these") for one in design["uncertainties"]],
        "accept": told,
        "words": f"Method {design['method']}, {units.show_count(design['samples'])} draws, {replications} "
        f"replications, each with other draws. Every policy meets every draw, with the same "
        "random numbers, so that differences are paired.",
    }


def _sensitivity(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": one["name"],
            "measure": one["measure"],
            "runs": units.show_count(one["runs"]),
            "why_not": one["why_not"] or "",
            "inputs": [
                {"key": i["key"], "cells": [_interval(i[index], "share") for index in ("S1", "ST")]}
                for i in sorted(one["inputs"], key=lambda i: -_or_zero(i["ST"]["mean"]))
            ],
            "chance": _interval(one["chance"], "share"),
        }
        for one in summary["sensitivity"]
    ]


def _or_zero(value: Any) -> float:
    found = number(value)
    return 0.0 if math.isnan(found) else found
