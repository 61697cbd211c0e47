"""What an answer of "all is well" rests on: a variant of the file with which it is not."""

import math

from recovery.show import advice, renewed
from recovery.show.answers import apart, moments
from recovery.show.figures import TimeAxis
from recovery.store.run_record import Group, Summary
from recovery.units import show_count, show_duration, show_share


def not_well_with(summary: Summary, axis: TimeAxis) -> str:
    """A sentence on a variant that is not back, or loses leases where the first loses none, or is back later, where the
    first is well at once; "" where all are well. Of those with which it goes as badly it is the one that differs from
    the first in least. Variants whose outage is another are no other assumption on the system, so they are left out.
    """
    first, *others = summary.groups
    was = advice.standing(summary, first)
    beside = [(advice.standing(summary, one), one) for one in others if one.outages_index == first.outages_index]
    is_of_leases = advice.is_judged_by_leases(summary.groups)
    losing = [one for _, one in beside if is_of_leases and first.unleased is None and one.unleased is not None]
    worse = [(now, one) for now, one in beside if one in losing or advice.is_better(was, now, first.scenario.window_s)]
    never, lose = (
        [one for now, one in worse if now.never_share > was.never_share],
        [one for _, one in worse if one in losing],
    )
    worst = apart.nearest(summary, never or lose or [one for _, one in worse])
    now = was if worst is None else advice.standing(summary, worst)
    text, later = _renew_later(summary, worst, now.mean_s if not now.never else math.inf)
    said = [text]
    if worst is not None:
        runs = f" in {now.never} of {now.runs} runs" if now.never < now.runs else ""
        back = "99 % have a lease" if worst.scenario.has_leases else "99 % of the backlog is cleared"
        back = back.replace("99 %", f"99 %{advice.whose(summary)}", 1) if worst.scenario.has_leases else back
        takes = f"{back if is_of_leases else 'all is normal'} again {show_duration(now.mean_s)} after "
        takes += moments.since(worst) if is_of_leases else "the start"
        takes = f"it is not well before the end{runs}" if now.never else takes
        if worst in losing:
            is_soon = not now.never and not now.mean_s > first.scenario.window_s
            lost = _lost(summary, worst, axis)
            takes = lost if is_soon else f"{lost}; {takes}"
        said.insert(0, f"That rests on the file as it stands: under “{worst.variant}” {takes}.")
    named = [one for one in (worst, later) if one is not None]
    choice = "These are choices, and worse ones." if worst is not None and later is not None else CHOICE
    end = choice if all(_is_choice(summary, one) for one in named) else SURE
    return " ".join([*filter(None, said), end]) if any(said) else ""


SURE = "Make sure which you have."
CHOICE = "That is a choice, and a worse one."


def _is_choice(summary: Summary, other: Group) -> bool:
    """Whether a variant is a change that somebody decides on: it differs in policies alone, and what the file has of
    them is not assumed.
    """
    unknown = {note.key for note in summary.notes if note.kind == "assumed"}
    differing = apart.differing(summary.groups[0], other)
    return all(name.startswith("policy.") and unknown.isdisjoint({name, "policy"}) for name in differing)


def _lost(summary: Summary, group: Group, axis: TimeAxis) -> str:
    """Who loses a lease in a variant, from when to when some are without one, and what follows."""
    fleet, span = group.scenario.fleet, group.unleased
    assert fleet is not None
    assert span is not None
    many, of = max(round((1 - group.leased_least) * fleet.holders), 1), show_count(fleet.holders)
    who = f"up to {show_count(many)} ({show_share(many / fleet.holders)}) of the {of} holders are without a lease"
    who = f"all {of} holders lose their lease" if many >= fleet.holders else who
    who = f"some of the {show_count(fleet.leases)} leases are lost" if fleet.leases else who
    often = sum(row.has_lost for row in summary.rows_of(group))
    when = moments.spells(group, group.unleased_spans or (span,), axis, often).removesuffix(",")
    return f"{who}, {when[:1].lower()}{when[1:]}{f', so that {fleet.loss}' if fleet.loss else ''}"


def _renew_later(summary: Summary, told: Group | None, back_s: float) -> tuple[str, Group | None]:
    """A sentence on a variant whose holders have all renewed later than in the first, with what helps there, and
    that variant; "" and None where none has, and where it is the one that is `told` of and is well no sooner, `back_s`
    after the return. Of several it is the one that differs from the first in least.
    """
    first, *others = summary.groups
    alike = [one for one in others if one.outages_index == first.outages_index]
    if first.renewals is None:
        return "", None
    window_s = first.scenario.window_s
    later = [one for one in alike if one.is_overdue and renewed.sooner_s(first, one) > window_s]
    last = apart.nearest(summary, [one for one in later if math.isinf(renewed.after_s(one))] or later)
    if last is None:
        return "", None
    all_s, is_told = renewed.after_s(last), told is not None and told.variant == last.variant
    if is_told and not all_s > back_s + window_s:
        return "", None
    when = "not before the end" if math.isinf(all_s) else renewed.told(last, moments.returned(first))
    text = f"{'There' if is_told else f'Under “{last.variant}”'} all holders have renewed {when}"
    helps = renewed.best_of(last, [one for one in alike if apart.differing(first, last) < apart.differing(first, one)])
    more = f"; what helps there is “{helps.variant}”: {renewed.show(helps)}" if helps is not None else ""
    return f"{text}{more}.", last
