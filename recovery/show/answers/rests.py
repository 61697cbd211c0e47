"""What an answer of "all is well" rests on: a variant of the file with which it is not."""

import math

from recovery.show import advice
from recovery.store.run_record import Summary
from recovery.units import show_duration


def not_well_with(summary: Summary) -> str:
    """A sentence on the variant that comes back last, where the first is well at once and that one is not; "" where all
    are. Variants whose outage is another are no other assumption on the system, so they are left out.
    """
    first, *others = summary.groups
    was = advice.standing(summary, first)
    beside = [(advice.standing(summary, one), one) for one in others if one.outages_index == first.outages_index]
    worse = [(now, one) for now, one in beside if advice.is_better(was, now, first.scenario.window_s)]
    said = [_renew_later(summary)]
    if worse:
        now, one = max(worse, key=lambda pair: pair[0].rank)
        runs = f" in {now.never} of {now.runs} runs" if now.never < now.runs else ""
        back = "99 % have a lease" if one.scenario.has_leases else "99 % of the backlog is cleared"
        back = "all is normal" if advice.measure_of(summary.groups) != "ttr99_s" else back
        takes = f"{back} again only after {show_duration(now.mean_s)}"
        takes = f"it is not well before the end{runs}" if now.never else takes
        said.insert(0, f"That rests on the file as it stands: under “{one.variant}” {takes}.")
    return " ".join([*filter(None, said), SURE]) if any(said) else ""


SURE = "Make sure which you have."


def _renew_later(summary: Summary) -> str:
    """A sentence on the variant whose holders have all renewed last, where that is later than in the first; else ""."""
    first, *others = summary.groups
    alike = [one for one in others if one.outages_index == first.outages_index]
    known = {one.variant: one.renewals.all_s for one in alike if one.renewals is not None and one.renewals.overdue}
    if first.renewals is None or not known:
        return ""
    last = max(known, key=lambda name: known[name])
    if not known[last] > first.renewals.all_s + first.scenario.window_s:
        return ""
    when = "not before the end" if math.isinf(known[last]) else f"only after {show_duration(known[last])}"
    return f"Under “{last}” all holders have renewed {when}."
