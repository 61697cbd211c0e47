"""What an answer of "all is well" rests on: a variant of the file with which it is not."""

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
    if not worse:
        return ""
    now, one = max(worse, key=lambda pair: pair[0].rank)
    runs = f" in {now.never} of {now.runs} runs" if now.never < now.runs else ""
    takes = f"it is not well before the end{runs}" if now.never else f"it takes {show_duration(now.mean_s)}"
    return f"That rests on the file as it stands: with “{one.variant}” {takes}. Make sure which of the two you have."
