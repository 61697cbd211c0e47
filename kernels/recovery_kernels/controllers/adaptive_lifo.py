"""Adaptive LIFO with controlled delay: newest first while a queue stands, and who came to a standing queue waits less.

Source: Maurer, Fail at Scale (ACM Queue, 2015): N = 100 ms, M = 5 ms; PayPal's Hera has the rule in code (04b1a98).
The queue stands when it was last empty more than N ago. A request that comes then may wait M, else N: this is settled
as it comes, and is its mark. One that waited longer is dropped by the worker that takes it; at the source it leaves the
queue by itself at that moment. The article gives no order at the switch: all that wait are served newest first at once.
"""

AXIS = "queue"
PARAMS = ("window_s", "short_s", "drops")
MEMORY = {"empty_s": 1}


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """The queue is empty."""
    memory.empty_s = facts.now_s


def ask(params, memory, facts):  # type: ignore[no-untyped-def]
    """Lets in, with mark 1 if it may wait the short time."""
    if facts.waiting == 0.0:
        memory.empty_s = facts.now_s
    return 2.0 if facts.now_s - memory.empty_s > params.window_s else 1.0


def newest(params, memory, facts):  # type: ignore[no-untyped-def]
    """Newest first while the queue stands."""
    return 1.0 if facts.now_s - memory.empty_s > params.window_s else 0.0


def head(params, memory, facts):  # type: ignore[no-untyped-def]
    """Drops who waited longer than it might."""
    most_s = params.short_s if facts.mark == 1.0 else params.window_s
    return 0.0 if params.drops == 1.0 and facts.waited_s > most_s else 1.0
