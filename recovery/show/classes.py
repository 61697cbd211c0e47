"""What the command prints of each class of holders and jobs."""

from __future__ import annotations

from collections.abc import Sequence

from recovery import theory
from recovery.measures import register, words
from recovery.show import standings
from recovery.store.run_record import Group, Summary
from recovery.units import show_count, show_share

_BESIDE = ("amplification", "wasted_share", "denied_share", "queue_peak")


def verdicts(summary: Summary, group: Group, name: str) -> dict[str, int]:
    """How the runs of a variant ended for a class, and how many of them so."""
    told = [row.words.get(f"verdict.{name}", "") for row in summary.rows_of(group)]
    return {verdict: told.count(verdict) for verdict in sorted(set(told))}


def verdict_words(found: dict[str, int]) -> str:
    """The verdict of most runs, with how many where they differ."""
    name = max(found, key=lambda one: found[one])
    runs = sum(found.values())
    return name if found[name] == runs else f"{name} {found[name]} of {runs}"


def recovered_share(found: dict[str, int]) -> tuple[float, float, float]:
    """Share of a class's runs that recovered, and both ends of its interval (95 %, Clopper and Pearson)."""
    runs, back = sum(found.values()), found.get("recovered", 0)
    return back / runs, *theory.clopper_pearson(back, runs)


def have_several_runs(summary: Summary) -> bool:
    """Whether some variant has several runs, so that how often a class recovered is a share."""
    return any(group.runs > 1 for group in summary.groups)


def rows(summary: Summary) -> list[list[str]]:
    """A head, and a line for each class of each variant; nothing where there are no classes, nor of a sweep."""
    if summary.is_sweep or not any(group.scenario.classes for group in summary.groups):
        return []
    depths = [f"{round(100 * share)} %" for share in register.DEPTHS.values()]
    often = ["recovered", "from", "to"] if have_several_runs(summary) else []
    head = ["variant", "class", *depths, "verdict", *often]
    head += ["amplification", "wasted", "refused, whole run", "longest queue", "served"]
    return [head, *(_row(summary, group, one.name) for group in summary.groups for one in group.scenario.classes)]


def _row(summary: Summary, group: Group, name: str) -> list[str]:
    def told(measures: Sequence[str]) -> list[str]:
        return [words.show_measure(measure, group.mean(f"{measure}.{name}")) for measure in measures]

    def time(measure: str) -> str:
        return standings.time_of(summary, group, f"{measure}.{name}")

    has_jobs = f"served_share.{name}" in group.measures
    ended = verdicts(summary, group, name)
    often = map(show_share, recovered_share(ended)) if have_several_runs(summary) else ()
    *shares, queue = told(_BESIDE)
    return [
        group.variant,
        name,
        *map(time, register.DEPTHS),
        verdict_words(ended),
        *often,
        *shares,
        show_count(group.mean(f"queue_peak.{name}")) if queue else "",
        told(["served_share"])[0] if has_jobs else "–",
    ]
