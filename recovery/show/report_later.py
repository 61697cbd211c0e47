"""What the page of a run says of the stages after the leases: when each is normal again, and a section a stage."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from recovery import units
from recovery.show import figures, report, stage_times
from recovery.show.figures import Picture
from recovery.show.report import Cell, Column
from recovery.show.stage_times import ALL, STAGES, TITLES, Span, Variant
from recovery.store.results import number
from recovery.study import advice

_LAUNCHES = (
    Column("launches_asked", "asked", "launches that customers wanted, and those of terminated instances", "number"),
    Column("launches_accepted", "accepted", "launches that were accepted", "number"),
    Column(
        "launches_throttled_share", "limit exceeded", "share of the attempts that the request throttle denied", "share"
    ),
    Column("launches_insufficient_share", "no capacity", "share of the attempts that found no leased holder", "share"),
    Column("launches_gave_up", "gave up", "launches whose customers tried no more", "number"),
    Column("launches_asleep_peak", "customers waiting", "most customers between two attempts at one time", "number"),
    Column("changes_waiting_peak", "changes waiting", "most changes that waited for a lease at one time", "number"),
)
_PROPAGATION = (
    Column("propagation_jobs", "jobs", "accepted launches and changes", "number"),
    Column("reach_p50_s", "latency, 50 %", "time from an accepted launch to the reachable instance, of half", "time"),
    Column("reach_p99_s", "latency, 99 %", "the same of 99 %", "time"),
    Column("reach_max_s", "longest", "the longest of them", "time"),
    Column("jobs_waiting_peak", "longest queue", "most jobs in the queues at one time", "number"),
    Column("jobs_refused_share", "refused", "share of the attempts that were not let into a queue", "share"),
)
_HEALTH = (
    Column("usable_min_share", "least usable", "least share of the targets in use and reachable", "share"),
    Column(
        "capacity_lost_hours", "capacity lost (h)", "share of the targets that is not usable, times hours", "number"
    ),
    Column("error_minutes", "error minutes", "minutes times the share of the targets in use that fail", "number"),
    Column("checks", "checks", "checks that were made", "number"),
    Column("checks_failed_share", "failed", "share of the checks that failed", "share"),
    Column("health_changes", "changes", "targets taken out or brought in", "number"),
    Column("targets_terminated", "terminated", "instances terminated for bad health", "number"),
    Column("failovers", "failovers", "how often a zone was taken out", "number"),
)
# Heading, stage of its milestones, columns, by the name of the picture.
_SECTIONS: dict[str, tuple[str, tuple[str, ...], tuple[Column, ...]]] = {
    "launches": ("Launches", ("launches_fail_s", "launches_resume_s", "launches_normal_s"), _LAUNCHES),
    "propagation": ("Network propagation", ("latency_rises_s", "latency_normal_s"), _PROPAGATION),
    "health": (
        "Health checks",
        ("errors_start_s", "failover_first_s", "errors_end_s", "capacity_falls_s", "capacity_normal_s"),
        _HEALTH,
    ),
}


def sections(
    manifest: Mapping[str, Any], summary: Mapping[str, Any], drawn: Sequence[tuple[Picture, str]]
) -> dict[str, Any] | None:
    """What the page shows of the later stages; None if the run has none."""
    from markupsafe import Markup

    variants = stage_times.variants(summary, number(manifest["window_s"]))
    if not variants:
        return None
    pictures = {picture.name: (picture, Markup(text)) for picture, text in drawn}  # our own SVG, made a moment ago
    stones = report.milestones_of(manifest, summary)
    axis = figures.TimeAxis(manifest)
    stages = [stage for stage in (*STAGES, ALL) if stage in variants[0].normal_s]
    measured = summary["groups"][0]["measures"]
    found = []
    for name, (title, measures, columns) in _SECTIONS.items():
        own = [column for column in columns if column.measure in measured]
        if own:
            rows = [_row(group, own) for group in summary["groups"]]
            own_stones = [stone for stone in stones if stone["measure"] in measures]
            found.append(
                {"name": name, "title": title, "columns": own, "rows": rows, "milestones": own_stones,
                 "figure": pictures.get(name)}
            )  # fmt: skip
    return {
        "day": pictures.get("day"),
        "stages_figure": pictures.get("stages"),
        "stages": [TITLES[stage] for stage in stages],
        "rows": [_times(variant, variants[0], stages, axis) for variant in variants],
        "sections": found,
        "runs": variants[0].runs,
    }


def _row(group: Mapping[str, Any], columns: Sequence[Column]) -> dict[str, Any]:
    cells = []
    for column in columns:
        mean, low, high = (number(group["measures"][column.measure][end]) for end in ("mean", "low", "high"))
        spans = math.isfinite(low) and math.isfinite(high) and high > low
        interval = f"{report.show(low, column.kind)} to {report.show(high, column.kind)}" if spans else ""
        cells.append(Cell(report.show(mean, column.kind), interval))
    return {"variant": group["variant"], "cells": cells}


def _times(variant: Variant, first: Variant, stages: Sequence[str], axis: figures.TimeAxis) -> dict[str, Any]:
    """A variant's row: for each stage when it is normal again, with its interval, and what is saved, with its own."""
    cells = []
    for stage in stages:
        normal = variant.normal_s[stage]
        saved = "" if variant is first else stage_times.show_saving(variant.saved_s[stage])
        look, after = "never" if math.isinf(normal.mean) else "", "" if variant.is_well(stage) else _spread(normal)
        cells.append({"text": variant.show(stage, axis.show), "after": after, "saved": saved, "look": look})
    return {"variant": variant.name, "cells": cells, "last": variant.last}


def verdict(manifest: Mapping[str, Any], summary: Mapping[str, Any]) -> list[str]:
    """When the last stage of the first variant is normal again, which that is, and which variant saves most."""
    variants = stage_times.variants(summary, number(manifest["window_s"]))
    if not variants:
        return []
    axis, first, others = figures.TimeAxis(manifest), variants[0], variants[1:]
    end = first.normal_s[ALL].mean
    groups = {group["variant"]: group for group in summary["groups"]}
    if math.isinf(end):
        held = _held_back(groups[first.name], first)
        text = f"“{first.name}” is not normal again in all stages before the horizon{held}."
    elif first.is_well(ALL):
        return [f"“{first.name}” is normal in all stages {'all' if end == 0 else 'almost all'} the time."]
    else:
        text = f"All stages of “{first.name}” are normal again at {axis.show(end)} ({first.last} last)."
    out = [text]
    better = [variant for variant in others if variant.saved_s[ALL].mean > 0 or variant.normal_s[ALL].mean < end]
    if better:
        best = min(better, key=lambda variant: variant.normal_s[ALL].mean)
        saved = stage_times.show_saving(best.saved_s[ALL])
        told = f", {saved.removeprefix('+')} sooner" if saved != "–" else ""
        if best.is_well(ALL):
            text = f"Most helps “{best.name}”: {best.show(ALL, axis.show)}{told}."
        else:
            text = f"Most helps “{best.name}”: normal at {axis.show(best.normal_s[ALL].mean)}{told}"
            text += f"{_held_back(groups[best.name], best)}."
        out += [text, *advice.assumptions(groups[best.name])]
    elif others:
        out.append("No other variant is sooner.")
    alone = advice.leases_alone(summary["groups"])
    return [*out, alone] if alone else out


def _held_back(group: Mapping[str, Any], variant: Variant) -> str:
    """Which stage a variant is held back by, and what limits that, with its number."""
    limit = advice.limit_of_stage(group, variant.last.split()[0])
    return f", held back by {variant.last}" + (f": {limit.text}" if limit is not None else "")


def _spread(span: Span) -> str:
    """Time since the start, with half of its interval."""
    if not math.isfinite(span.mean):
        return ""
    text = units.show_duration(span.mean)
    return f"{text} ± {stage_times.half_min(span)} min" if math.isfinite(span.low) else text
