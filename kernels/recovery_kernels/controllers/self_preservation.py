"""Self-preservation: while too few renewals come, no lease runs out; else at most a share of them in each pass.

Source: Netflix Eureka, AbstractInstanceRegistry (02e64b8) and MeasuredRate (1aae7f0). Every `every_s` a pass takes
leases that have ended, if the renewals of the last whole minute are more than floor(expected · 60 / check_s · share),
and that is above 0; and no more than size − floor(size · share) of them. Both are of the leases registered: the host's
holders less those whose lease ran out here and who have not come back. Minutes count from the host's begin; a renewal
at the end of one belongs to the next. A pass comes a millisecond after its time, when the minute has been counted and
whoever looks at the leases at its end has seen them run. The first of those that ask are taken (lowest number first);
Eureka takes them at random. Only renewals of leases that run are counted. A lease's length is the scenario's (at Eureka
90 s, and by a known fault twice that).
"""

import math

from recovery_kernels.controllers import RENEWED
from recovery_kernels.jit import inline

AXIS = "lease"
PARAMS = ("share", "check_s", "every_s")
MEMORY = {"began_s": 1, "minute": 1, "renewals": 1, "last": 1, "turn": 1, "places": 1, "gone": 1}

_LATE_S = 1e-3  # that a pass comes after its time
_CLOSE_S = 1e-6  # a moment that was rounded to whole nanoseconds is still that moment
_MINUTE_S = 60.0


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """All holders are registered, the first minute begins."""
    memory.began_s = facts.now_s
    memory.minute = 0.0
    memory.renewals = 0.0
    memory.last = 0.0
    memory.turn = 0.0
    memory.places = 0.0
    memory.gone = 0.0


@inline
def _roll(params, memory, facts):  # type: ignore[no-untyped-def]
    """Begins the minute that it is now."""
    minute = float(math.floor((facts.now_s - memory.began_s + _CLOSE_S) / _MINUTE_S))
    if minute > memory.minute:
        memory.last = memory.renewals if minute == memory.minute + 1.0 else 0.0
        memory.renewals = 0.0
        memory.minute = minute


def expire(params, memory, facts):  # type: ignore[no-untyped-def]
    """Runs out in a pass that has a place for it, else waits for the next pass."""
    _roll(params, memory, facts)
    since_s = facts.now_s - memory.began_s - _LATE_S
    turn = float(math.floor((since_s + _CLOSE_S) / params.every_s))
    if since_s - turn * params.every_s <= _CLOSE_S and turn > 0.0:
        if turn > memory.turn:
            memory.turn = turn
            registered = facts.members - memory.gone
            threshold = float(math.floor(registered * (_MINUTE_S / params.check_s) * params.share))
            is_open = threshold > 0.0 and memory.last > threshold
            memory.places = registered - float(math.floor(registered * params.share)) if is_open else 0.0
        if memory.places > 0.0:
            memory.places = memory.places - 1.0
            memory.gone = memory.gone + 1.0
            return 0.0
    return (turn + 1.0) * params.every_s - since_s


def told(params, memory, facts):  # type: ignore[no-untyped-def]
    """Counts renewals, and who comes back."""
    if facts.event == RENEWED:
        _roll(params, memory, facts)
        if facts.is_leased == 1.0:
            memory.renewals = memory.renewals + 1.0
        else:
            memory.gone = max(memory.gone - 1.0, 0.0)
