"""Which worker is free first, and who has left the queue before it takes the next request."""

import numpy as np

from recovery_kernels.events import NOBODY, place
from recovery_kernels.jit import inline, kernel
from recovery_kernels.lanes.classes import is_of_age, timeout_of
from recovery_kernels.lanes.layout import CLIENT, GRANTS, GROUP, IDLE, MEMORY, OUTCOME, OWN_WAITING, TRY, WHICH, WHO_IS
from recovery_kernels.lanes.rows import waiter
from recovery_kernels.lanes.services import carry_out, is_cut
from recovery_kernels.requests import BIN, BUSY_NS, CANCELLED, HEAD, OLDEST_PEAK
from recovery_kernels.sessions.layout import SERIES


@inline
def settle(free, least, worker, is_many):  # type: ignore[no-untyped-def]
    """When a worker is free has changed. Returns the least of all, which are `is_many`, or half a group at most."""
    first = worker & ~(GROUP - 1) if is_many else 0
    found = min(free[place(first)], free[place(first + 1)], free[place(first + 2)], free[place(first + 3)])
    if is_many:
        rest = min(free[place(first + 4)], free[place(first + 5)], free[place(first + 6)], free[place(first + 7)])
        found = min(found, rest)
        if least.shape[0] > 1:
            least[place(worker >> 3)] = found
            for other in range(least.shape[0]):
                found = min(found, least[place(other)])
    return found


@kernel
def busy_beside(params, rules, host, worker, now, is_queued):  # type: ignore[no-untyped-def]
    """How many other workers are busy when this one begins at `now`. If its request was queued, one that is done at the
    same moment is busy still: each takes the next request before the finish of another is an event.
    """
    busy = np.int64(0)
    until = now if is_queued else now + 1
    for other in range(params.workers):
        done = (host.free[place(other)] >> rules.worker_bits) - 1
        busy += np.int64(other != worker and done >= until)
    return busy


@inline
def _freed_by(params, host, worker):  # type: ignore[no-untyped-def]
    """By whose event a worker became free, in the order of events at one instant: finishes, then cancellations; each by
    client and attempt.
    """
    outcome = host.workers[place(OUTCOME + worker)]
    who = host.workers[place(WHO_IS + worker)]
    is_cancelled = is_cut(params, outcome) or (params.cancel != 0 and outcome == IDLE)
    key = np.int64(NOBODY) if who == NOBODY else who & CLIENT
    return key + (TRY if is_cancelled and who != NOBODY else 0), host.workers[place(WHICH + worker)]


@kernel
def freed_first(params, rules, host, worker):  # type: ignore[no-untyped-def]
    """Of all workers that become free at the same instant as this one, the first."""
    free = host.free[place(worker)] >> rules.worker_bits
    event, number = _freed_by(params, host, worker)
    for other in range(params.workers):
        if host.free[place(other)] >> rules.worker_bits == free:
            other_event, other_number = _freed_by(params, host, np.int64(other))
            if other_event < event or (other_event == event and other_number < number):
                worker, event, number = np.int64(other), other_event, other_number
    return worker


@inline
def _leave(params, rules, host, of_class, head, waiting, until, below):  # type: ignore[no-untyped-def]
    """The same of those of one queue whose deadlines are not after `until`, and at that time of clients `below`."""
    timeout_ns = timeout_of(rules, host, of_class)
    left = 0
    while left < waiting:
        submitted, client = waiter(params, host, of_class, head + left)
        due = submitted + timeout_ns
        if due > until or (due == until and client >= below):
            break
        left += 1
    if left > 0:
        host.series[place(host.whole[BIN]), place(of_class * SERIES + CANCELLED)] += left
        host.whole[OLDEST_PEAK] = max(host.whole[OLDEST_PEAK], timeout_ns)
        is_of_age(host, of_class, timeout_ns)
    return left


@kernel
def leave(params, rules, host, head, waiting, worker, ahead):  # type: ignore[no-untyped-def]
    """With `cancel`: how many of so many who wait, from number `head` on, leave before `worker`, the first that is
    free, takes one, if that comes by `ahead`, or else by then. Where there are classes they leave the queue of each.
    """
    until, below = ahead + 1, np.int64(NOBODY)
    free = (host.free[place(worker)] >> rules.worker_bits) - 1
    if free <= ahead:
        until = free
        # One who cancels in service may come after one whose deadline is the same and who waits, where the newest is
        # taken first, or where timeouts differ.
        event, _ = _freed_by(params, host, worker)
        if event >= TRY:
            below = event & CLIENT
    if host.firsts.shape[0] == 0:
        return _leave(params, rules, host, np.int64(0), head, waiting, until, below)
    left = 0
    for of_class in range(host.firsts.shape[0]):
        own = of_class * MEMORY
        head, waiting = host.whole[place(own + HEAD)], host.whole[place(own + OWN_WAITING)]
        gone = _leave(params, rules, host, np.int64(of_class), head, waiting, until, below)
        host.whole[place(own + HEAD)] += gone
        host.whole[place(own + OWN_WAITING)] -= gone
        left += gone
    return left


@kernel
def lease_now(params, rules, keys, inputs, host, shift, client, worker):  # type: ignore[no-untyped-def]
    """The end of the lease of a client whose abandoned request `worker` takes when it becomes free. A newer attempt may
    have brought another lease; where that is done already it is carried out first.
    """
    free = host.free[place(worker)] >> rules.worker_bits
    event, number = _freed_by(params, host, worker)
    for other in range(params.workers):
        if host.workers[place(OUTCOME + other)] == GRANTS and host.workers[place(WHO_IS + other)] & CLIENT == client:
            done = host.free[place(other)] >> rules.worker_bits
            is_first = client < event or (client == event and host.workers[place(WHICH + other)] <= number)
            if done < free or (done == free and is_first):
                carry_out(params, rules, keys, inputs, host, shift, np.int64(other), done - 1)
                host.workers[place(OUTCOME + other)] = IDLE
                host.whole[BUSY_NS] += done - 1
    return host.leases[place(client)]
