"""CoDel: once every request has waited too long for an interval, one is dropped, then ever sooner the next.

Source: RFC 8289, section 5 (pseudo-code). A request is *over* if it waited TARGET or longer and more than one other
waits (the RFC's one packet), and has been for INTERVAL without a break: then the first is dropped, and the next one is
served without being looked at; after that each drop comes INTERVAL/sqrt(count) after the one before. One that is not
over ends the dropping. Dropping that begins less than 16 INTERVALs after the drop that was due last goes on with the
count of drops that the last time took; else from 1. A drop is never the last that waits, so the next request that a
worker takes is the RFC's next one at the same moment.
"""

import math

AXIS = "queue"
PARAMS = ("target_s", "interval_s")
MEMORY = {"above_s": 1, "next_s": 1, "count": 1, "last_count": 1, "is_dropping": 1, "after": 1}

_NOTHING, _FIRST, _ANOTHER = 0.0, 1.0, 2.0  # `after`: what the request before this one was dropped as


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """Nothing waited, nothing was dropped."""
    memory.above_s = 0.0  # when it will have waited too long for an interval; 0: it has not
    memory.next_s = 0.0
    memory.count = 0.0
    memory.last_count = 0.0
    memory.is_dropping = 0.0
    memory.after = _NOTHING


def head(params, memory, facts):  # type: ignore[no-untyped-def]
    """Drops, or serves."""
    now_s = facts.now_s
    is_over = False
    if facts.waited_s < params.target_s or facts.waiting <= 1.0:
        memory.above_s = 0.0
    elif memory.above_s == 0.0:
        memory.above_s = now_s + params.interval_s
    else:
        is_over = now_s >= memory.above_s
    after = memory.after
    memory.after = _NOTHING
    if after == _FIRST:
        return 1.0
    if memory.is_dropping == 0.0:
        if not is_over:
            return 1.0
        drops = memory.count - memory.last_count
        memory.count = drops if drops > 1.0 and now_s - memory.next_s < 16.0 * params.interval_s else 1.0
        memory.last_count = memory.count
        memory.next_s = now_s + params.interval_s / math.sqrt(memory.count)
        memory.is_dropping = 1.0
        memory.after = _FIRST
        return 0.0
    if not is_over:
        memory.is_dropping = 0.0
        return 1.0
    if after == _ANOTHER:
        memory.next_s = memory.next_s + params.interval_s / math.sqrt(memory.count)
    if now_s < memory.next_s:
        return 1.0
    memory.count = memory.count + 1.0
    memory.after = _ANOTHER
    return 0.0
