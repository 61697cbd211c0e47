"""When all holders have renewed, in words, where some were overdue though being late costs no lease yet."""

import math

from recovery.show import standings
from recovery.show.standings import Saved, Standing
from recovery.store.run_record import Group, Summary, are_judged_by_renewals
from recovery.units import show_between, show_duration, show_share

TITLE = "all renewed"
MEASURE = "ttr_renewed_s"
CLEARLY_SOONER = 0.8  # of the other time: so much shorter must be one of which counts tell no latest time
OPEN = "counts of renewals do not say whose each is, so they tell no latest time"
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


def told(group: Group, since: str) -> str:
    """The same after "all have renewed", where they have: "13 s after the dependency is back at the earliest"; `since`
    says after what.
    """
    early_s, late_s = group.renewed_s
    if math.isinf(late_s):
        return f"{show_duration(early_s)} after {since} at the earliest"
    return f"{between(early_s, late_s)} after {since}"


def between(least_s: float, most_s: float) -> str:
    """A time that is known within bounds, in a sentence: "8 s", "between 12 s and 19 s", "at least 8 s"."""
    least, most = show_duration(least_s), show_duration(most_s)
    if math.isinf(most_s) and math.isfinite(least_s):
        return f"at least {least}"
    return least if least == most else f"between {least} and {most}"


def overdue(group: Group) -> str:
    """How many were overdue at worst, and when all had renewed: "all NotReady, renewed after 8 s", or ""."""
    found, fleet = group.renewals, group.scenario.fleet
    if found is None or fleet is None or not found.overdue:
        return ""
    share = found.overdue_most / fleet.holders
    many = f"all {fleet.overdue}" if share >= 1 else f"{show_share(share)} {fleet.overdue} at worst"
    return f"{many}, {'not all renewed by the end' if math.isinf(found.all_s) else f'renewed after {show(group)}'}"


def late_to_the_end(group: Group) -> str:
    """That some are still overdue as a run ends, though no lease is lost: "still NotReady"; "" where none is."""
    found, fleet = group.renewals, group.scenario.fleet
    if found is None or fleet is None or not found.overdue or group.unleased is not None:
        return ""
    return f"still {fleet.overdue}" if math.isinf(found.overdue[-1].to_s) else ""


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
    these say nothing, and it is by when all have renewed (`sooner_s`). nan where the first alone keeps them, which is
    two measures, where neither is back, and where counts do not tell.
    """
    if is_apart(group, first, measure):
        return Saved(math.nan)
    if measure != "ttr99_s" or not is_judged(group, first):
        found = standings.saved(summary.rows_of(first), summary.rows_of(group), measure, is_last=True)
        return standings.beyond(found, *(standings.of_last(summary, one, measure) for one in (first, group)))
    for one, other, sign in ((group, first, 1), (first, group, -1)):
        if (sooner := sooner_s(one, other)) > 0:
            most = most_sooner_s(one, other) if is_sure(one) else math.nan
            return Saved(sign * sooner, most_s=math.nan if most == sooner else sign * most, is_open=not is_sure(one))
    if is_exact(first) and is_exact(group):
        return Saved(math.nan if math.isinf(after_s(first)) else 0.0)
    if standings.are_alike(summary.rows_of(first), summary.rows_of(group)):
        return Saved(0.0)
    return Saved(math.nan, is_open=True)


def is_sure(group: Group) -> bool:
    """Whether counts tell a latest time by which all have renewed."""
    return math.isfinite(group.renewed_s[1])


def shown_s(group: Group) -> float:
    """From when on no count says that anybody has not renewed or is overdue, s after the dependency's return; inf: not
    by the end.
    """
    if group.renewals is None or not group.renewals.overdue or group.scenario.is_counted_from_file:
        return after_s(group)
    return max(after_s(group), group.renewals.overdue[-1].to_s - group.mean("recovers_from_s"))


def sooner_s(group: Group, first: Group) -> float:
    """By how much all have renewed sooner than in the first variant, s: surely so much where a latest time is known;
    else as far as counts show, and only where that is clearly sooner. inf: there not by the end; nan: not known.
    """
    if group.renewals is None or first.renewals is None:
        return math.nan
    first_s, own_s = first.renewed_s[0], group.renewed_s[1]
    if not is_sure(group):
        own_s = shown_s(group)
        if not own_s < CLEARLY_SOONER * first_s:
            return math.nan
    return first_s - own_s


def most_sooner_s(group: Group, first: Group) -> float:
    """By how much all have renewed sooner than in the first variant at the most, s; inf: counts tell no bound."""
    return first.renewed_s[1] - group.renewed_s[0]


def saved_span(summary: Summary, group: Group, first: Group) -> Saved:
    """The mean of `sooner_s` with its interval over the replications; without one where counts leave a time open by a
    window or more, since an interval of the latest times says nothing of what is sure then.
    """
    found, surely_s = standings.saved(summary.rows_of(first), summary.rows_of(group), MEASURE), sooner_s(group, first)
    return found if is_exact(first) and is_exact(group) and math.isfinite(surely_s) else Saved(surely_s)


def best_of(first: Group, others: list[Group]) -> Group | None:
    """Of variants that lose no lease either the one in which all have renewed soonest, if that is by more than a window
    sooner than in the first; else None.
    """
    return next(iter(soonest_of(first, others)), None)


def soonest_of(first: Group, others: list[Group]) -> list[Group]:
    """The same, the soonest first, with those that are no more than a window later, to which times are known; where
    counts tell no latest time, a round of checks. Of these the ones come first of which they do.
    """
    window_s, fleet = first.scenario.window_s, first.scenario.fleet
    known = sorted((one for one in others if one.unleased is None and sooner_s(one, first) > window_s), key=after_s)
    alike = [
        one for one in known
        if fleet is not None and after_s(one) <= after_s(known[0])
        + (window_s if is_sure(one) and is_sure(known[0]) else max(fleet.check_every_s, window_s))
    ]  # fmt: skip
    return sorted(alike, key=lambda one: not is_sure(one))


def after_s(group: Group) -> float:
    """By which two variants that are alike in all else are told apart: when all have renewed, s; inf: not known."""
    return group.renewals.all_s if group.renewals is not None else math.inf
