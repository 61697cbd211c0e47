"""When the hosts have the leases again, where they count an answer that comes too late for its client."""

from recovery.show import standings
from recovery.show.answers import moments
from recovery.store.run_record import Group, Summary

LATE = "host.late"  # the rule by which such an answer counts
AT_HOSTS = "ttr99_server_s"


def told(summary: Summary, group: Group) -> str:
    """When the hosts have 99 % of the leases; "" where nobody can have one that it does not know of."""
    if not _is_counted(group):
        return ""
    found, rows = standings.of(summary, group, AT_HOSTS), summary.rows_of(group)
    if not found.is_known:
        return "The hosts do not have 99 % of the leases again, though an answer too late for its client counts there."
    when = "all the time" if standings.is_always(group, rows, AT_HOSTS) else f"again {moments.after(group, found)}"
    often = f", in {found.runs - found.never} of {found.runs} runs" if found.never else ""
    text = f"The hosts have 99 % of the leases {when}{often}: there an answer counts that comes too late for its "
    text += "client, and no lease that the hosts have made is lost" if group.lost_again == 0 else "client"
    return f"{text}."


def beside(summary: Summary, group: Group) -> str:
    """The same of a variant beside the first; "" where one of both is not told."""
    first = summary.groups[0]
    if not (_is_counted(first) and _is_counted(group)):
        return ""
    was, now = (standings.of(summary, one, AT_HOSTS) for one in (first, group))
    return f"At the hosts 99 % are back after {now.whole()} instead of {was.whole()}." if now.is_known else ""


def _is_counted(group: Group) -> bool:
    return LATE in {rule.key for rule in group.scenario.rules} and AT_HOSTS in group.measures
