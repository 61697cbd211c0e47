"""When all holders have renewed, in words, where some were overdue though being late costs no lease yet."""

import math

from recovery.show import standings
from recovery.show.standings import Saved, Standing
from recovery.store.run_record import Group, Summary, are_judged_by_renewals
from recovery.units import show_between, show_share

TITLE = "all renewed"
MEASURE = "ttr_renewed_s"
MEANING = "when each holder has renewed after the dependency's last return, as far as counts of renewals tell it"


def is_told(summary: Summary) -> bool:
    """Whether some were overdue in a variant, so that tables tell when all had renewed."""
    groups = summary.groups
    return not any(group.levers for group in groups) and any(group.is_overdue for group in groups)


def show(group: Group) -> str:
    """The time for a table: "8 s", or its bounds; "–" where counts do not tell."""
    if group.renewals is None:
        return "–"
    return "not by the end" if math.isinf(group.renewals.all_s) else show_between(*group.renewed_s)


def overdue(group: Group) -> str:
    """How many were overdue at worst, and when all had renewed: "all NotReady, renewed after 8 s", or ""."""
    found, fleet = group.renewals, group.scenario.fleet
    if found is None or fleet is None or not found.overdue:
        return ""
    share = found.overdue_most / fleet.holders
    many = f"all {fleet.overdue}" if share >= 1 else f"{show_share(share)} {fleet.overdue} at worst"
    return f"{many}, {'not all renewed by the end' if math.isinf(found.all_s) else f'renewed after {show(group)}'}"


def is_exact(group: Group) -> bool:
    """Whether counts tell to a window when all have renewed, or there is nothing to tell."""
    early_s, late_s = group.renewed_s
    return group.renewals is None or early_s == late_s


def standing(summary: Summary, group: Group) -> Standing:
    """When all have renewed at the latest, over the runs, with its interval."""
    return standings.of(summary, group, MEASURE)


def is_judged(group: Group, first: Group) -> bool:
    """Whether a variant and the first can differ in when all have renewed alone."""
    return are_judged_by_renewals((group, first))


def is_apart(group: Group, first: Group, measure: str = "ttr99_s") -> bool:
    """Whether no time tells what a variant saves: it loses leases, and the first, which loses none, is judged by when
    all have renewed.
    """
    pair = (group, first)
    return (
        measure == "ttr99_s"
        and first.unleased is None
        and group.unleased is not None
        and any(one.is_overdue for one in pair)
    )


def saved(summary: Summary, group: Group, first: Group, measure: str = "ttr99_s") -> Saved:
    """By how much a variant is sooner than the first, by a time to recovery; where all keep their leases the times of
    these say nothing, and it is by when all have renewed: surely so much, where counts leave that open. nan where the
    first alone keeps them: that is two measures, and where neither is back.
    """
    if is_apart(group, first, measure):
        return Saved(math.nan)
    if measure != "ttr99_s" or not is_judged(group, first):
        found = standings.saved(summary.rows_of(first), summary.rows_of(group), measure, is_last=True)
        return standings.beyond(found, *(standings.of_last(summary, one, measure) for one in (first, group)))
    (first_s, first_latest_s), (own_s, own_latest_s) = first.renewed_s, group.renewed_s
    if math.isinf(first_s) or math.isinf(own_s):
        return Saved(0.0 if first_s == own_s else math.copysign(math.inf, first_s - own_s))
    return Saved(max(first_s - own_latest_s, 0.0) - max(own_s - first_latest_s, 0.0))


def sooner_s(group: Group, first: Group) -> float:
    """By how much all have surely renewed sooner than in the first variant, s; inf: there not by the end; nan: not
    known.
    """
    if group.renewals is None or first.renewals is None or math.isinf(group.renewals.all_latest_s):
        return math.nan
    return first.renewals.all_s - group.renewals.all_latest_s


def saved_span(summary: Summary, group: Group, first: Group) -> Saved:
    """The mean of `sooner_s` with its interval over the replications; without one where counts leave the first
    variant's time open by a window or more, since an interval of the latest times says nothing of what is sure then.
    """
    found, surely_s = standings.saved(summary.rows_of(first), summary.rows_of(group), MEASURE), sooner_s(group, first)
    return found if is_exact(first) and math.isfinite(surely_s) else Saved(surely_s)


def best_of(first: Group, others: list[Group]) -> Group | None:
    """Of variants that lose no lease either the one in which all have renewed soonest, if that is by more than a window
    sooner than in the first; else None.
    """
    return next(iter(soonest_of(first, others)), None)


def soonest_of(first: Group, others: list[Group]) -> list[Group]:
    """The same, the soonest first, with those that are no more than a window later: times are known to one."""
    window_s = first.scenario.window_s
    known = sorted((one for one in others if one.unleased is None and sooner_s(one, first) > window_s), key=after_s)
    return [one for one in known if after_s(one) <= after_s(known[0]) + window_s]


def after_s(group: Group) -> float:
    """By which two variants that are alike in all else are told apart: when all have renewed, s; inf: not known."""
    return group.renewals.all_s if group.renewals is not None else math.inf
