"""What the head of an experiment asks, held against what its scenarios can tell."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from recovery.errors import shown
from recovery.model.expect import MEASURES_EXPECTED
from recovery.model.head import Head
from recovery.model.observed import MILESTONES
from recovery.model.sweep import Sweep
from recovery.model.variant import Variant

MEASURES_OF_LEASES = ("efficiency", "unleased_holder_hours", "relapses", "leases_normal_s")
# Measures (of milestones and bounds) that need a later stage, by the table that must be there.
MEASURES_OF_STAGES = {
    "launches": (
        "launches_fail_s", "launches_resume_s", "launches_normal_s", "all_normal_s", "launches_throttled_share",
        "launches_insufficient_share", "launches_asleep_peak", "changes_waiting_peak",
    ),
    "propagation": (
        "latency_rises_s", "latency_normal_s", "reach_p50_s", "reach_p99_s", "reach_max_s", "jobs_waiting_peak",
        "jobs_refused_share",
    ),
    "health": (
        "capacity_falls_s", "capacity_normal_s", "errors_start_s", "errors_end_s", "failover_first_s",
        "usable_min_share", "capacity_lost_hours", "error_minutes", "checks_failed_share", "targets_terminated",
        "failovers",
    ),
}  # fmt: skip


def wrong(head: Head, variants: Sequence[Variant], raw: Mapping[str, Any], file: str) -> list[str]:
    """What the head asks that a scenario cannot tell: the first variant, and for a sweep's measure any."""
    scenario = variants[0].scenario
    mistakes = []
    for i, note in enumerate(head.notes):
        table: Any = raw
        for part in note.key.split("."):
            table = table.get(part) if isinstance(table, dict) else None
        if table is None:
            mistakes.append(f"{file}: notes.{i}.key is {shown(note.key)}; want a key that the file sets")
    if scenario.jobs is not None:
        mistakes += [
            f"{file}: expect.{measure} is a measure of leases; want one of jobs, such as ttr99_s"
            for measure in head.expect
            if measure in MEASURES_OF_LEASES
        ]
        if head.observed:
            mistakes.append(f"{file}: observed are milestones of leases; want none with [jobs]")
        if head.sweep is not None and head.sweep.measure in MEASURES_OF_LEASES:
            mistakes.append(f"{file}: sweep.measure is {head.sweep.measure}, of leases; want one of jobs, as ttr99_s")
    missing = {
        measure: stage
        for stage, measures in MEASURES_OF_STAGES.items()
        if getattr(scenario, stage) is None
        for measure in measures
    }
    asked: list[tuple[str, str, Sequence[str]]] = [
        (f"expect.{measure}", measure, tuple(MEASURES_EXPECTED)) for measure in head.expect
    ]
    asked += [(f"observed.{i}.measure", stone.measure, MILESTONES) for i, stone in enumerate(head.observed)]
    if head.sweep is not None:
        asked.append(("sweep.measure", head.sweep.measure, get_args(Sweep.model_fields["measure"].annotation)))
    for key, measure, all_of_them in asked:
        measured = variants if key == "sweep.measure" else variants[:1]
        sampled = [
            variant.name for variant in measured if (fleet := variant.scenario.fleet) and fleet.sample_hosts is not None
        ]
        if measure in missing:
            there = ", ".join(name for name in all_of_them if name not in missing)
            mistakes.append(f"{file}: {key} is {measure}; want a table [{missing[measure]}], or one of {there}")
        elif sampled and measure in OF_THE_LAST:
            where = "" if scenario.fleet and scenario.fleet.sample_hosts is not None else f" in “{sampled[0]}”"
            mistakes.append(
                f"{file}: {key} is {measure}, which no sample of the hosts tells (fleet.sample_hosts{where}): "
                f"only the last host does; want {OF_THE_LAST[measure]}, or all hosts"
            )
    return mistakes


OF_THE_LAST = {"ttr100_s": "ttr99_s", "leased_all_s": "leases_normal_s"}
"""What only the last host tells, and what comes before it."""
