"""When all holders have renewed, in words, where some were overdue though being late costs no lease yet."""

import math

from recovery.store.run_record import Group, Summary
from recovery.units import show_duration

TITLE = "all renewed"
MEANING = "when each holder has renewed after the dependency's last return, as far as counts of renewals tell it"


def is_told(summary: Summary) -> bool:
    """Whether some were overdue in a variant, so that tables tell when all had renewed."""
    groups = summary.groups
    return not any(group.levers for group in groups) and any(_is_overdue(group) for group in groups)


def _is_overdue(group: Group) -> bool:
    return group.renewals is not None and bool(group.renewals.overdue)


def show(group: Group) -> str:
    """The time for a table: "8 s", or its bounds; "–" where counts do not tell."""
    if group.renewals is None:
        return "–"
    early, late = group.renewals.all_s, group.renewals.all_latest_s
    if math.isinf(early):
        return "not by the end"
    if math.isinf(late):
        return f"≥ {show_duration(early)}"
    is_exact = late - early < group.scenario.window_s
    return show_duration(late) if is_exact else f"{show_duration(early)} to {show_duration(late)}"


def sooner_s(group: Group, first: Group) -> float:
    """By how much all have surely renewed sooner than in the first variant, s; inf: there not by the end; nan: not
    known.
    """
    if group.renewals is None or first.renewals is None or math.isinf(group.renewals.all_latest_s):
        return math.nan
    return first.renewals.all_s - group.renewals.all_latest_s


def best_of(first: Group, others: list[Group]) -> Group | None:
    """Of variants that lose no lease either the one in which all have renewed soonest, if that is by more than a window
    sooner than in the first; else None.
    """
    known = [one for one in others if one.unleased is None and sooner_s(one, first) > first.scenario.window_s]
    return min(known, key=after_s, default=None)


def after_s(group: Group) -> float:
    """By which two variants that are alike in all else are told apart: when all have renewed, s; inf: not known."""
    return group.renewals.all_s if group.renewals is not None else math.inf
