"""Whether another run of a variant may end elsewhere."""

from recovery.show.answers import mechanism, remedy
from recovery.store.run_record import Group

IN_STEPS = ("bursts", "herd", "silence")  # kinds of limits under which what waits falls in steps


def is_near(group: Group) -> bool:
    """Whether another run of a variant may end elsewhere, as far as its runs tell: some ended differently, or what
    waits hardly drifts as one ends. Not where theory knows a way back from everywhere: that run only ended early. Where
    clients come in step what waits falls by steps, which look like chance and are none: there only runs that ended
    differently say so.
    """
    if len(group.verdicts) > 1:
        return True
    if not group.mean("is_near_cliff") > 0 or remedy.has_way_back(group):
        return False
    limit = mechanism.limit_of(group)
    return limit is None or limit.kind not in IN_STEPS
