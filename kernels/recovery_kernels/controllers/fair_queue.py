"""Fair queueing with shuffle sharding: each flow has a few of the queues, and the queues take turns.

Source: Kubernetes API priority and fairness (queueset.go, 0039f24; the dealer of package shufflesharding). A flow is
dealt `hand` of the `queues` by successive division of its hash; here the hash is the client's own draw (or the class's
number times the golden ratio, less the whole), with 52 bits. A request goes into the queue of the hand with the fewest
waiting; which of the hand is looked at first moves on by one with each request, and of equal ones the first looked at
wins. It is refused if `limit` wait there and no worker is free. One that waited longer than `wait_s` is dropped by the
worker that takes it; Kubernetes drops it when the next request comes to that queue.

Turns: Kubernetes gives a queue its virtual start as a request is taken, moves it by an estimate of the work, and
corrects that when the request ends; the clock runs by seats and busy queues. Here it is settled as a request comes
(start-time fair queueing, Goyal, Vin and Cheng, 1996): S = max(v, F of its queue), F = S + 1, and v is S of what was
taken last, or the largest F once the host is idle. So a request counts as one whatever it takes, one that was dropped
has had its turn, and of equal S the first that came goes first (Kubernetes goes round).
"""

import math

from recovery_kernels.controllers import CANCELLED, DROPPED, LOST, STARTED
from recovery_kernels.jit import inline

AXIS = "queue"
PARAMS = ("queues", "hand", "limit", "wait_s", "by_class")
MEMORY = {"clock": 1, "largest": 1, "turns": 1, "waiting": 128, "finish": 128, "remainders": 12}

_HASHES = 4503599627370496.0  # 2^52
_GOLDEN = 0.6180339887498949


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """All queues are empty."""
    memory.clock = 0.0
    memory.largest = 0.0
    memory.turns = 0.0
    for queue in range(128):
        memory.waiting[queue] = 0.0
        memory.finish[queue] = 0.0


@inline
def _deal(params, memory, facts):  # type: ignore[no-untyped-def]
    """Deals the flow's hand: where each of its queues lies among those that are left."""
    share = facts.u_client
    if params.by_class == 1.0:
        share = (facts.number + 1.0) * _GOLDEN
        share = share - math.floor(share)
    hashed = float(math.floor(share * _HASHES))
    for i in range(int(params.hand)):
        left = params.queues - i
        quotient = float(math.floor(hashed / left))
        if quotient * left > hashed:  # the division was rounded up
            quotient = quotient - 1.0
        memory.remainders[i] = hashed - quotient * left
        hashed = quotient


@inline
def _queue(memory, i):  # type: ignore[no-untyped-def]
    """The number of the hand's queue i."""
    number = memory.remainders[i]
    for back in range(i):
        if number >= memory.remainders[i - 1 - back]:
            number = number + 1.0
    return int(number)


def ask(params, memory, facts):  # type: ignore[no-untyped-def]
    """Refuses, or gives the mark: virtual start times the number of queues, plus the queue."""
    if facts.waiting == 0.0 and facts.in_service == 0.0:
        memory.clock = memory.largest
    _deal(params, memory, facts)
    hand = int(params.hand)
    first = int(memory.turns)
    memory.turns = float((first + 1) % hand)
    best = _queue(memory, first)
    for i in range(1, hand):
        queue = _queue(memory, (first + i) % hand)
        if memory.waiting[queue] < memory.waiting[best]:
            best = queue
    if memory.waiting[best] >= params.limit and facts.in_service >= facts.workers:
        return 0.0
    start = max(memory.clock, memory.finish[best])
    memory.waiting[best] = memory.waiting[best] + 1.0
    memory.finish[best] = start + 1.0
    memory.largest = max(memory.largest, start + 1.0)
    return 1.0 + start * params.queues + best


def rank(params, memory, facts):  # type: ignore[no-untyped-def]
    """The virtual start."""
    return float(math.floor(facts.mark / params.queues))


def head(params, memory, facts):  # type: ignore[no-untyped-def]
    """Drops who waited too long."""
    return 0.0 if facts.waited_s > params.wait_s else 1.0


def told(params, memory, facts):  # type: ignore[no-untyped-def]
    """Hears who leaves its queue. One that is cancelled or lost in service had left it before."""
    event = facts.event
    is_gone = event in (CANCELLED, LOST) and facts.sojourn_s <= facts.waited_s
    if event in (STARTED, DROPPED) or is_gone:
        start = math.floor(facts.mark / params.queues)
        queue = int(facts.mark - start * params.queues)
        memory.waiting[queue] = max(memory.waiting[queue] - 1.0, 0.0)
        if event == STARTED:
            memory.clock = float(start)
