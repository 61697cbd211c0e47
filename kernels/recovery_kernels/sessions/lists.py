"""The pool of requests and the lists in which they wait: a queue for each class and for the host, two lines at doors.

Stale work that is only counted lies in a class's queue as one entry with a count, where entries stand side by side
(`Rules.merges`): what nobody waits for has no name. Where classes share a queue, or the host has requests of its own
in it, their order still says who is next; so a byte for each order says which class has it (`Host.nameless`).
"""

import numpy as np

from recovery_kernels.controllers import ADMITTED
from recovery_kernels.events import place
from recovery_kernels.hooks import NEWEST, RANK
from recovery_kernels.jit import inline, kernel
from recovery_kernels.sessions import ranks
from recovery_kernels.sessions.hooks import ask_of_host, ask_of_request, has, tell_host
from recovery_kernels.sessions.layout import (
    DISCIPLINE,
    ENTERED,
    EVENTS,
    FIRST,
    FREE_REQUESTS,
    IN_QUEUE,
    LAST,
    LENGTH,
    LIFO,
    N_WAITING,
    NAMELESS_FROM,
    NONE,
    NOW,
    NOWHERE,
    OF_CLIENT,
    OLDEST_PEAK,
    PEAK_OLDEST,
    PRIORITY,
    R_ATTEMPT,
    R_BEFORE,
    R_CLASS,
    R_COUNT,
    R_DEADLINE,
    R_DOOR,
    R_FAILS,
    R_LAST_ORDER,
    R_MARK,
    R_NATURE,
    R_NEXT,
    R_ORDER,
    R_PAID,
    R_PLACE,
    R_REACHED,
    R_ROW,
    R_SENT,
    R_STALE,
    R_STARTED,
    R_SUBMITTED,
    R_WHO,
    R_WORKER,
    STRIDE,
    WAITING,
    WEIGHT,
)

OWN_RANK = -1e300  # of the host's own work
NEAR = 64  # orders between nameless requests that become one entry where the newest go first


@inline
def new_request(h, number, row, who, attempt, nature, deadline):  # type: ignore[no-untyped-def]
    """A request that is submitted now; the loop has made sure that there is room."""
    whole = h.whole
    whole[FREE_REQUESTS] -= 1
    request = h.free_requests[place(whole[FREE_REQUESTS])]
    i = place(request)
    h.requests[i, R_CLASS] = number
    h.requests[i, R_ROW] = row
    h.requests[i, R_WHO] = who
    h.requests[i, R_ATTEMPT] = attempt
    h.requests[i, R_NATURE] = nature
    h.requests[i, R_PLACE] = NOWHERE
    h.requests[i, R_SUBMITTED] = whole[NOW]
    h.requests[i, R_REACHED] = whole[NOW]
    h.requests[i, R_DEADLINE] = deadline
    h.requests[i, R_ORDER] = 0
    h.requests[i, R_SENT] = 0
    h.requests[i, R_DOOR] = 0
    h.requests[i, R_STARTED] = 0
    h.requests[i, R_PAID] = 0
    h.requests[i, R_FAILS] = 0
    h.requests[i, R_STALE] = NONE
    h.requests[i, R_WORKER] = NONE
    h.requests[i, R_COUNT] = 1
    h.requests[i, R_MARK] = 0
    h.fates[i] = 1.0
    return request


@inline
def forget(h, request):  # type: ignore[no-untyped-def]
    """A request is over; its row is free."""
    h.requests[place(request), R_PLACE] = NOWHERE
    h.requests[place(request), R_ROW] = NONE
    h.free_requests[place(h.whole[FREE_REQUESTS])] = request
    h.whole[FREE_REQUESTS] += 1


@inline
def append(h, which, request):  # type: ignore[no-untyped-def]
    """Put a request at the end of a list."""
    lists = h.lists
    last = lists[place(which), LAST]
    h.requests[place(request), R_NEXT] = NONE
    h.requests[place(request), R_BEFORE] = last
    if last == NONE:
        lists[place(which), FIRST] = request
    else:
        h.requests[place(last), R_NEXT] = request
    lists[place(which), LAST] = request
    lists[place(which), LENGTH] += 1


@inline
def unlink(h, which, request):  # type: ignore[no-untyped-def]
    """Take a request out of a list."""
    lists = h.lists
    follower = h.requests[place(request), R_NEXT]
    leader = h.requests[place(request), R_BEFORE]
    if leader == NONE:
        lists[place(which), FIRST] = follower
    else:
        h.requests[place(leader), R_NEXT] = follower
    if follower == NONE:
        lists[place(which), LAST] = leader
    else:
        h.requests[place(follower), R_BEFORE] = leader
    lists[place(which), LENGTH] -= 1


@inline
def host_row(h):  # type: ignore[no-untyped-def]
    """The row of the host itself, which is the number of classes."""
    return h.of_class.shape[0] - 1


@inline
def priority_of(r, h, number):  # type: ignore[no-untyped-def]
    """Priority of a class, or of the probe."""
    if number == host_row(h):
        return r.probe_priority
    return h.class_whole[place(number), PRIORITY]


@inline
def weight_of(h, number):  # type: ignore[no-untyped-def]
    """Weight of a class; NONE: it has none."""
    if number == host_row(h):
        return NONE
    return h.class_whole[place(number), WEIGHT]


@inline
def row_of(h, number):  # type: ignore[no-untyped-def]
    """Column of a class's row among those of its priority: 0 is the row of all without a weight."""
    return 0 if weight_of(h, number) == NONE else number + 1


@kernel
def _wake_row(r, h, number):  # type: ignore[no-untyped-def]
    """A request enters; if its row was empty, the row gets no credit for that."""
    priority, row = priority_of(r, h, number), row_of(h, number)
    for k in range(host_row(h) + 1):
        if h.lists[k, LENGTH] > 0 and priority_of(r, h, k) == priority and row_of(h, k) == row:
            return
    h.passes[priority, row] = max(h.passes[priority, row], h.clocks[priority])


@inline
def _name(h, order, number):  # type: ignore[no-untyped-def]
    """Say which class the nameless request of an order is of; NONE: there is none."""
    many = h.nameless.shape[0]
    if many > 0:
        h.nameless[place(order & (many - 1))] = number


@kernel
def _next_order(h, order, number, step):  # type: ignore[no-untyped-def]
    """The order of the next nameless request of a class behind one, or with step -1 before it; there is one."""
    many = h.nameless.shape[0]
    order += step
    while many > 0 and h.nameless[place(order & (many - 1))] != number:
        order += step
    return order


@kernel
def has_room_for_names(h):  # type: ignore[no-untyped-def]
    """Whether all that may enter in one event has a byte for its order; makes use of those of orders that are gone."""
    many = h.nameless.shape[0]
    wanted = h.whole[ENTERED] + h.requests.shape[0]
    if many == 0 or wanted - h.whole[NAMELESS_FROM] < many:
        return True
    oldest = h.whole[ENTERED]
    for k in range(host_row(h) + 1):
        if h.lists[k, LENGTH] > 0:
            oldest = min(oldest, h.requests[place(h.lists[k, FIRST]), R_ORDER])
    h.whole[NAMELESS_FROM] = oldest
    return wanted - oldest < many - many // 4


@kernel
def _forget_orders(h):  # type: ignore[no-untyped-def]
    """Where the newest go first, their orders are free again, so that those of who waits stand side by side."""
    newest = h.whole[NAMELESS_FROM]
    for k in range(host_row(h) + 1):
        if h.lists[k, LENGTH] > 0:
            newest = max(newest, h.requests[place(h.lists[k, LAST]), R_LAST_ORDER])
    h.whole[ENTERED] = newest


@inline
def push(r, h, request):  # type: ignore[no-untyped-def]
    """A request enters the queue."""
    number = h.requests[place(request), R_CLASS]
    is_ranked = has(r, r.queue_controller, RANK)
    rank = OWN_RANK
    if is_ranked and h.requests[place(request), R_NATURE] == OF_CLIENT:
        rank = ask_of_request(r, h, r.queue_controller, np.int64(RANK), request)
    if r.is_plain == 0:
        _wake_row(r, h, number)
    if h.set_whole[DISCIPLINE] == LIFO and h.nameless.shape[0] > 0:
        _forget_orders(h)
    h.whole[ENTERED] += 1
    h.requests[place(request), R_ORDER] = h.whole[ENTERED]
    h.requests[place(request), R_LAST_ORDER] = h.whole[ENTERED]
    _name(h, h.whole[ENTERED], np.int64(NONE))
    h.requests[place(request), R_PLACE] = IN_QUEUE
    h.requests[place(request), R_STARTED] = h.whole[EVENTS]  # while it waits: in which event it entered
    append(h, number, request)
    h.of_class[place(number), N_WAITING] += 1
    h.whole[WAITING] += 1
    if is_ranked:
        ranks.put(h, priority_of(r, h, number), rank, h.whole[ENTERED], request)
    tell_host(r, h, request, np.int64(ADMITTED))


@inline
def age(h, request):  # type: ignore[no-untyped-def]
    """A request that has an age leaves the queue: the oldest so far. One that goes in the event in which it entered,
    from a line at a door, did not wait here.
    """
    number = place(h.requests[place(request), R_CLASS])
    has_waited = h.requests[place(request), R_STARTED] != h.whole[EVENTS]
    waited = h.whole[NOW] - h.requests[place(request), R_REACHED] if has_waited else 0
    h.of_class[number, PEAK_OLDEST] = max(h.of_class[number, PEAK_OLDEST], waited)
    h.whole[OLDEST_PEAK] = max(h.whole[OLDEST_PEAK], waited)


@inline
def leave_queue(h, request):  # type: ignore[no-untyped-def]
    """A whole entry leaves the queue."""
    number = h.requests[place(request), R_CLASS]
    unlink(h, number, request)
    _name(h, h.requests[place(request), R_ORDER], np.int64(NONE))
    h.of_class[place(number), N_WAITING] -= h.requests[place(request), R_COUNT]
    h.whole[WAITING] -= h.requests[place(request), R_COUNT]


@kernel
def _next_class(r, h, is_lifo):  # type: ignore[no-untyped-def]
    """The class whose request is next, by priority, pass and order."""
    best = NONE
    best_priority = best_pass = best_row = best_order = 0
    for k in range(host_row(h) + 1):
        if h.lists[k, LENGTH] == 0:
            continue
        priority, row = priority_of(r, h, k), row_of(h, k)
        at = h.passes[priority, row]
        if is_lifo:
            order = -h.requests[place(h.lists[k, LAST]), R_LAST_ORDER]
        else:
            order = h.requests[place(h.lists[k, FIRST]), R_ORDER]
        if (
            best == NONE
            or priority < best_priority
            or (
                priority == best_priority
                and (
                    at < best_pass or (at == best_pass and (row < best_row or (row == best_row and order < best_order)))
                )
            )
        ):
            best, best_priority, best_pass, best_row, best_order = k, priority, at, row, order
    return best


@inline
def next_request(r, h):  # type: ignore[no-untyped-def]
    """The entry that a free worker takes next; it stays where it is."""
    if has(r, r.queue_controller, RANK):
        return ranks.first(h)
    is_lifo = h.set_whole[DISCIPLINE] == LIFO
    if has(r, r.queue_controller, NEWEST):
        is_lifo = ask_of_host(r, h, r.queue_controller, np.int64(NEWEST)) > 0.0
    number = 0 if r.is_plain != 0 else _next_class(r, h, is_lifo)
    which = LAST if is_lifo else FIRST
    return h.lists[place(number), which]


@inline
def charge(r, h, number):  # type: ignore[no-untyped-def]
    """A request of a class starts: its row has had its turn."""
    if r.is_plain == 0:
        priority, row = priority_of(r, h, number), row_of(h, number)
        weight = weight_of(h, number)
        h.clocks[priority] = h.passes[priority, row]
        h.passes[priority, row] = h.clocks[priority] + STRIDE // (1 if weight == NONE else weight)


@inline
def _is_nameless(h, request):  # type: ignore[no-untyped-def]
    i = place(request)
    return request != NONE and h.requests[i, R_ROW] == NONE and h.requests[i, R_NATURE] == OF_CLIENT


@inline
def _may_join(h, first, second):  # type: ignore[no-untyped-def]
    """Whether an entry and the one behind it, both nameless, become one. Where the newest go first and order tells who
    is next, entries are split at their ends again and again, so those with much between them stay apart.
    """
    if not (_is_nameless(h, first) and _is_nameless(h, second)):
        return False
    between = h.requests[place(second), R_ORDER] - h.requests[place(first), R_LAST_ORDER]
    return h.nameless.shape[0] == 0 or h.set_whole[DISCIPLINE] != LIFO or between <= NEAR


@inline
def _join(h, first, second):  # type: ignore[no-untyped-def]
    """An entry takes in the nameless one behind it."""
    i, j = place(first), place(second)
    h.requests[i, R_COUNT] += h.requests[j, R_COUNT]
    h.requests[i, R_LAST_ORDER] = h.requests[j, R_LAST_ORDER]
    unlink(h, h.requests[i, R_CLASS], second)
    forget(h, second)


@kernel
def merge(h, request):  # type: ignore[no-untyped-def]
    """Nobody waits for this entry any more: it has no name, and becomes one with nameless ones beside it."""
    requests = h.requests
    requests[place(request), R_ROW] = NONE
    _name(h, requests[place(request), R_ORDER], requests[place(request), R_CLASS])
    leader = requests[place(request), R_BEFORE]
    if _may_join(h, leader, request):
        _join(h, leader, request)
        request = leader
    follower = requests[place(request), R_NEXT]
    if _may_join(h, request, follower):
        _join(h, request, follower)


@inline
def split(h, request):  # type: ignore[no-untyped-def]
    """One of the nameless requests of an entry leaves the queue, and has a row of its own; the entry has one less."""
    i = place(request)
    number = h.requests[i, R_CLASS]
    one = new_request(h, number, np.int64(NONE), np.int64(0), np.int64(0), np.int64(OF_CLIENT), np.int64(0))
    h.requests[i, R_COUNT] -= 1
    if h.set_whole[DISCIPLINE] == LIFO:
        order = h.requests[i, R_LAST_ORDER]
        h.requests[i, R_LAST_ORDER] = _next_order(h, order, number, np.int64(-1))
    else:
        order = h.requests[i, R_ORDER]
        h.requests[i, R_ORDER] = _next_order(h, order, number, np.int64(1))
    _name(h, order, np.int64(NONE))
    h.of_class[place(number), N_WAITING] -= 1
    h.whole[WAITING] -= 1
    return one
