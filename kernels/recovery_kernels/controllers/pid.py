"""Refuses a share that a PID controller sets, every half second, from how much more comes in than workers take.

Source: Uber's posts on the load shedder Cinnamon ("PID Controller for Cinnamon", 2023), with the constants and the law
as an open re-implementation in Go reads them; the posts' formulas are pictures. At the end of each period, of i
requests that came into the queue in it, o that workers took, w workers and b of them at work:
e = (i − o − (w − b)) / o, by w instead of o if that is 0. The share is r = 1 − exp(−(kp e + ki Σe)), the sum over the
last ⌊memory / period⌋ periods, this one too; there is no D term. A request is let in if u > r, so a share below 0
refuses nobody.

Decided here: the limit of requests at work is the host's workers (Uber tunes it, which is a part of its own), and who
is refused is drawn, without priorities. Periods follow each other from the host's begin on. They are looked at when a
request asks or something is heard: a period that ended by then counts what was heard before its end. Who is dropped or
cancelled while it waits came in and was not taken. Without a worker e is by 1.
"""

import math

from recovery_kernels.controllers import ADMITTED, STARTED
from recovery_kernels.draws import exp
from recovery_kernels.jit import inline
from recovery_kernels.samples import in_ns

AXIS = "admission"
PARAMS = ("period_s", "kp", "ki", "memory_s")
MEMORY = {
    "share": 1,
    "came": 1,
    "taken": 1,
    "at_work": 1,  # workers at work when something was last heard
    "due_ns": 1,  # when this period ends
    "last": 1,  # place of the newest error
    "errors": 600,  # 0 where there was no such period
}
_PLACES = 600


@inline
def _pass_time(params, memory, facts):  # type: ignore[no-untyped-def]
    """The periods that have ended leave their errors, and the share that follows from them."""
    now_ns = in_ns(facts.now_s)
    if memory.due_ns > now_ns:
        return
    period_ns = in_ns(params.period_s)
    size = max(1.0, float(math.floor(in_ns(params.memory_s) / period_ns)))
    ended = math.floor((now_ns - memory.due_ns) / period_ns) + 1.0
    memory.due_ns += ended * period_ns
    error = 0.0
    for _ in range(int(min(ended, size + 1.0))):  # the first has counts; those after it are alike
        by = memory.taken if memory.taken > 0.0 else max(1.0, facts.workers)
        error = (memory.came - memory.taken - (facts.workers - memory.at_work)) / by
        memory.came = 0.0
        memory.taken = 0.0
        memory.last = (memory.last + 1.0) % _PLACES
        memory.errors[int(memory.last)] = error
    exponent = params.kp * error
    for back in range(int(size) - 1, -1, -1):
        exponent += params.ki * memory.errors[(int(memory.last) - back) % _PLACES]
    memory.share = 1.0 - exp(-exponent)


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """Nothing has come, nothing is refused."""
    memory.share = 0.0
    memory.came = 0.0
    memory.taken = 0.0
    memory.at_work = 0.0
    memory.due_ns = in_ns(facts.now_s) + in_ns(params.period_s)
    memory.last = 0.0
    for i in range(_PLACES):
        memory.errors[i] = 0.0


def ask(params, memory, facts):  # type: ignore[no-untyped-def]
    """Whether the draw spares the request."""
    _pass_time(params, memory, facts)
    memory.at_work = facts.in_service
    return 1.0 if facts.u > memory.share else 0.0


def told(params, memory, facts):  # type: ignore[no-untyped-def]
    """Count who comes, who is taken, and who is at work."""
    _pass_time(params, memory, facts)
    if facts.event == ADMITTED:
        memory.came += 1.0
    elif facts.event == STARTED:
        memory.taken += 1.0
    memory.at_work = facts.in_service
