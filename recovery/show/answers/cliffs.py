"""Whether another run of a variant may end elsewhere."""

from recovery.show.answers import mechanism, remedy
from recovery.store.run_record import Group

IN_STEPS = ("bursts", "herd", "silence")  # kinds of limits under which what waits falls in steps
MANY = 10  # runs that all ended alike: another does so too with 9 chances in 10 or more (Laplace's rule of succession)
FULL = 0.95  # share of its places from which on a queue counts as full: no drift can be seen in it


def is_near(group: Group) -> bool:
    """Whether another run of a variant may end elsewhere, as far as its runs tell: some ended differently, or what
    waits hardly drifts as one ends. Not where theory knows a way back from everywhere: that run only ended early. Where
    clients come in step what waits falls by steps, which look like chance and are none: there only runs that ended
    differently say so. Nor where many runs ended alike, or in a collapse whose queue is full: its length tells nothing.
    """
    if len(group.verdicts) > 1:
        return True
    if group.runs >= MANY:
        return False
    if "collapsed" in group.verdicts and group.mean("queue_peak") >= FULL * group.scenario.hosts.queue_limit:
        return False
    if not group.mean("is_near_cliff") > 0 or remedy.has_way_back(group):
        return False
    limit = mechanism.limit_of(group)
    return limit is None or limit.kind not in IN_STEPS
