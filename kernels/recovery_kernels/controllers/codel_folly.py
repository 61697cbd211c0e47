"""CoDel for services: while even the shortest wait of an interval was too long, drop what waited twice the target.

Source: facebook/folly, executors/Codel.cpp (1ad98e2). The shortest wait is kept for an interval; the first request
after its end settles whether it was above the target (overloaded until the next end), begins the next interval, and is
served. Intervals begin with a request, so they are as long as the interval at least.
"""

AXIS = "queue"
PARAMS = ("target_s", "interval_s")
MEMORY = {"least_s": 1, "until_s": 1, "is_first": 1, "is_overloaded": 1}


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """The first interval is over at once."""
    memory.least_s = 0.0
    memory.until_s = facts.now_s
    memory.is_first = 1.0
    memory.is_overloaded = 0.0


def head(params, memory, facts):  # type: ignore[no-untyped-def]
    """Drops, or serves."""
    if facts.now_s > memory.until_s and memory.is_first == 0.0:
        memory.until_s = facts.now_s + params.interval_s
        memory.is_overloaded = 1.0 if memory.least_s > params.target_s else 0.0
        memory.is_first = 1.0
    if memory.is_first == 1.0:
        memory.is_first = 0.0
        memory.least_s = facts.waited_s
        return 1.0
    memory.least_s = min(memory.least_s, facts.waited_s)
    return 0.0 if memory.is_overloaded == 1.0 and facts.waited_s > 2.0 * params.target_s else 1.0
