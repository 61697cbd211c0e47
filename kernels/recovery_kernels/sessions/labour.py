"""The workers of a host: who is taken, how long it takes, what becomes of it."""

import numpy as np

from recovery_kernels import controllers, draws
from recovery_kernels.controllers import STARTED
from recovery_kernels.events import NEVER, place
from recovery_kernels.hooks import HEAD
from recovery_kernels.jit import inline, kernel
from recovery_kernels.requests import (
    DROPPED,
    FAILED,
    FAILED_NS,
    OVERHEAD_NS,
    SUCCEEDED,
    USEFUL_NS,
    WASTED,
    WASTED_NS,
    part_of,
)
from recovery_kernels.sessions import layout
from recovery_kernels.sessions.books import (
    count,
    cut,
    is_awaited,
    is_only_counted,
    is_owned,
    note,
    note_request,
    time_ns,
    time_of,
    uniform,
)
from recovery_kernels.sessions.comings import disarm, follow, leave, notice_at, retry, sleep, stop_asking
from recovery_kernels.sessions.doors import end, has_free_worker, is_leased_client
from recovery_kernels.sessions.hooks import ask_of_request, forget_tries, has, tell_client, tell_host
from recovery_kernels.sessions.layout import (
    ARRIVED,
    AT_WORKER,
    BUSY,
    CLASS,
    DEBT_NS,
    FREED,
    GROWN,
    HANGING,
    K_AFTER,
    K_BASE,
    K_JOBS,
    K_KEEPS,
    N_SERVING,
    NONE,
    NOW,
    OF_CLIENT,
    OF_EXPIRY,
    OF_PROBE,
    R_ATTEMPT,
    R_BEGUN,
    R_CLASS,
    R_COUNT,
    R_DEADLINE,
    R_FAILS,
    R_NATURE,
    R_PAID,
    R_PLACE,
    R_REACHED,
    R_ROW,
    R_STALE,
    R_STARTED,
    R_SUBMITTED,
    R_WHO,
    R_WORKER,
    REQUEST,
    SEEN_SHARE,
    STATE,
    WAITING,
    WHO,
)
from recovery_kernels.sessions.leases import grant, grant_late
from recovery_kernels.sessions.lists import age, charge, forget, host_row, leave_queue, next_request, split
from recovery_kernels.sessions.streams import (
    EXPIRE_STREAM,
    GAP_STREAM,
    PROBE_STREAM,
    STALE_DEPENDENCY_STREAM,
    STALE_STREAM,
)


@inline
def _turn(h, request):  # type: ignore[no-untyped-def]
    """Of finishes of one client at one time: the attempt, the client's before the host's own. Stale work that is
    counted has its number in place of an attempt.
    """
    i = place(request)
    attempt = h.requests[i, R_ATTEMPT] if h.requests[i, R_STALE] == NONE else h.requests[i, R_STALE]
    return 2 * attempt + (1 if h.requests[i, R_NATURE] != OF_CLIENT else 0)


@inline
def _name(h, request):  # type: ignore[no-untyped-def]
    """The client of a request; that of stale work that is counted is 0."""
    i = place(request)
    return h.requests[i, R_WHO] if h.requests[i, R_STALE] == NONE else np.int64(0)


@kernel
def _is_first(h, a, b):  # type: ignore[no-untyped-def]
    """Whether of two busy workers that are done at one time the first comes first."""
    x, y = h.at_worker[place(a)], h.at_worker[place(b)]
    if x == NONE or y == NONE:
        return x != NONE
    i, j = place(x), place(y)
    host = host_row(h)
    p = NONE if h.requests[i, R_CLASS] == host else h.requests[i, R_CLASS]
    q = NONE if h.requests[j, R_CLASS] == host else h.requests[j, R_CLASS]
    if p != q:
        return p < q
    if _name(h, x) != _name(h, y):
        return _name(h, x) < _name(h, y)
    return _turn(h, x) < _turn(h, y)


@inline
def settle(h, worker):  # type: ignore[no-untyped-def]
    """A worker's finish changed: play its games of the tournament again."""
    tree, finish = h.tree, h.finish
    node = (np.int64(finish.shape[0]) + worker) >> 1
    while node > 0:
        a, b = tree[place(2 * node)], tree[place(2 * node + 1)]
        winner = a if finish[place(a)] < finish[place(b)] else b
        if finish[place(a)] == finish[place(b)] and finish[place(a)] != NEVER and _is_first(h, a, b):
            winner = a
        tree[place(node)] = winner
        node >>= 1


@kernel
def settle_all(h):  # type: ignore[no-untyped-def]
    """Play all games of a tournament in which each node names some worker of its own subtree."""
    for worker in range(h.finish.shape[0]):
        settle(h, np.int64(worker))


@inline
def free_worker(h, request):  # type: ignore[no-untyped-def]
    """A request leaves its worker, done or not; the caller lets the worker `settle`. Returns the work that was done for
    it, ns.
    """
    i = place(request)
    worker = h.requests[i, R_WORKER]
    if h.finish[place(worker)] == NEVER:
        h.whole[HANGING] -= 1
    h.finish[place(worker)] = NEVER
    h.at_worker[place(worker)] = NONE
    h.whole[BUSY] -= 1
    h.idle[place(h.whole[BUSY])] = worker
    h.of_class[place(h.requests[i, R_CLASS]), N_SERVING] -= 1
    worked = h.whole[NOW] - h.requests[i, R_STARTED]
    overhead = min(h.requests[i, R_PAID], worked)
    count(h, h.requests[i, R_CLASS], OVERHEAD_NS, overhead)
    return worked - overhead


@inline
def settle_freed(h):  # type: ignore[no-untyped-def]
    """The worker that was done in this event settles, unless it started again, and so has."""
    freed = h.whole[FREED]
    if freed != NONE:
        if h.finish[place(freed)] == NEVER:
            settle(h, freed)
        h.whole[FREED] = NONE


@inline
def _service(r, h, request):  # type: ignore[no-untyped-def]
    """The drawn time of a service, ns."""
    i = place(request)
    number, who, attempt = h.requests[i, R_CLASS], h.requests[i, R_WHO], h.requests[i, R_ATTEMPT]
    nature = h.requests[i, R_NATURE]
    if nature == OF_PROBE:
        return time_of(r, h.set_whole[layout.PROBE_TIME], PROBE_STREAM, np.int64(0), np.int64(0), attempt)
    if nature == OF_EXPIRY:
        return time_of(r, h.class_whole[place(number), layout.EXPIRE], EXPIRE_STREAM, number, who, attempt)
    establish = h.class_whole[place(number), layout.ESTABLISH]
    if h.requests[i, R_STALE] != NONE:
        return time_of(r, establish, STALE_STREAM, number, np.int64(0), h.requests[i, R_STALE])
    dist = h.class_whole[place(number), layout.RENEW] if is_leased_client(r, h, request) else establish
    return time_of(r, dist, draws.SERVICE, number, who, attempt)


@inline
def work(r, h, request):  # type: ignore[no-untyped-def]
    """The time of a service begins. Its kind is decided now."""
    i = place(request)
    if h.requests[i, R_FAILS] != 0:
        service = h.set_whole[layout.FAIL_AFTER_NS]
    else:
        mean = _service(r, h, request)
        a = h.set_real[layout.SLOWDOWN_A]
        if a > 0.0:
            others = h.whole[WAITING] if r.by_queue != 0 else h.whole[BUSY] - 1
            mean = draws.slowed(mean, a, h.set_real[layout.SLOWDOWN_B], h.set_real[layout.SLOWDOWN_N], others)
        service = draws.whole_ns(mean)
    begins = max(h.whole[NOW], h.requests[i, R_STARTED] + h.requests[i, R_PAID])
    h.requests[i, R_BEGUN] = begins
    worker = h.requests[i, R_WORKER]
    h.finish[place(worker)] = begins + service
    settle(h, worker)


@inline
def _start(r, h, request):  # type: ignore[no-untyped-def]
    """A worker begins a request, after the rejections and drops that are still to be paid for."""
    whole = h.whole
    i = place(request)
    number = h.requests[i, R_CLASS]
    nature = h.requests[i, R_NATURE]
    h.requests[i, R_PLACE] = AT_WORKER
    h.requests[i, R_STARTED] = whole[NOW]
    h.requests[i, R_PAID] = whole[DEBT_NS]
    whole[DEBT_NS] = 0
    worker = h.idle[place(whole[BUSY])]
    h.requests[i, R_WORKER] = worker
    h.at_worker[place(worker)] = request
    whole[BUSY] += 1
    h.of_class[place(number), N_SERVING] += 1
    tell_host(r, h, request, np.int64(STARTED))
    if nature != OF_CLIENT:
        note_request(h, layout.LOG_START_EXPIRY if nature == OF_EXPIRY else layout.LOG_START_PROBE, request)
    else:
        note_request(h, layout.LOG_START, request)
        if is_only_counted(r, h, request):
            h.requests[i, R_STALE] = h.of_class[place(number), layout.STALE_STARTED]
            h.of_class[place(number), layout.STALE_STARTED] += 1
        seen = h.real[SEEN_SHARE]
        if seen > 0.0:
            if h.requests[i, R_STALE] != NONE:
                fate = uniform(r, STALE_DEPENDENCY_STREAM, number, np.int64(0), h.requests[i, R_STALE])
            else:
                fate = uniform(r, draws.DEPENDENCY, number, h.requests[i, R_WHO], h.requests[i, R_ATTEMPT])
            h.fates[i] = fate
            if fate < seen:
                if h.set_whole[layout.FAIL_AFTER_NS] == layout.UNTIL_BACK:
                    whole[HANGING] += 1
                    return  # it hangs until the dependency is back
                h.requests[i, R_FAILS] = 1
    work(r, h, request)


@inline
def _is_expired(h, request):  # type: ignore[no-untyped-def]
    """Whether the queue drops it: nobody waits for it, or not long enough, or it is too old."""
    i = place(request)
    now = h.whole[NOW]
    oldest = h.set_whole[layout.MAX_AGE_NS]
    return (
        not is_awaited(h, request)
        or now + h.set_whole[layout.MARGIN_NS] > h.requests[i, R_DEADLINE]
        or (oldest > 0 and now - h.requests[i, R_REACHED] > oldest)
    )


@inline
def _is_dropped(r, h, request):  # type: ignore[no-untyped-def]
    """Whether the worker that takes it throws it away."""
    if h.set_whole[layout.DROP_EXPIRED] != 0 and _is_expired(h, request):
        return True
    return has(r, r.queue_controller, HEAD) and not (
        ask_of_request(r, h, r.queue_controller, np.int64(HEAD), request) > 0.0
    )


@inline
def take(r, h):  # type: ignore[no-untyped-def]
    """Free workers take requests, or drop them, until there is no free worker or no request."""
    while h.whole[WAITING] > 0 and has_free_worker(h):
        request = next_request(r, h)
        i = place(request)
        number = h.requests[i, R_CLASS]
        if h.requests[i, R_COUNT] > 1:
            request = split(h, request)
            i = place(request)
        else:
            if not is_only_counted(r, h, request):
                age(h, request)
            leave_queue(h, request)
        is_own = h.requests[i, R_NATURE] != OF_CLIENT
        if not is_own and _is_dropped(r, h, request):
            row = h.requests[i, R_ROW] if is_awaited(h, request) else np.int64(NONE)
            note_request(h, layout.LOG_DROP, request)
            tell_host(r, h, request, np.int64(controllers.DROPPED))
            end(h, request, DROPPED)
            h.whole[DEBT_NS] = cut(h.whole[DEBT_NS] + h.set_whole[layout.DROP_COST_NS])
            if row != NONE and h.set_whole[layout.DROP_NOTIFIES] != 0:
                retry(r, h, row, np.int64(controllers.DROPPED), -1.0)
            elif row != NONE:
                h.clients[place(row), REQUEST] = layout.GONE  # it learns at its deadline
        else:
            charge(r, h, number)
            _start(r, h, request)


@inline
def _succeed(r, h, row, request):  # type: ignore[no-untyped-def]
    """The answer came in time."""
    i = place(row)
    number = h.clients[i, CLASS]
    k = place(number)
    tell_client(r, h, row, np.int64(controllers.SUCCEEDED), -1.0)
    disarm(r, h, row)
    stop_asking(h, row)
    forget_tries(h, row)
    if r.classes[k, K_KEEPS] == 0:
        h.clients[i, GROWN] = 0
    who = h.clients[i, WHO]
    if r.classes[k, K_JOBS] != 0:
        latency = h.whole[NOW] - h.clients[i, ARRIVED]
        h.latency[k, place(part_of(latency))] += 1
        h.of_class[k, layout.LATENCY_MAX] = max(h.of_class[k, layout.LATENCY_MAX], latency)
        h.of_class[k, layout.JOBS_DONE] += 1
        leave(h, row)
        follow(r, h, number, who, True)
        return
    grant(r, h, row, request)
    every = np.float64(h.class_whole[k, layout.CHECK_EVERY_NS])
    jitter = h.class_real[k, layout.CHECK_JITTER]
    if jitter > 0.0:
        every *= 1.0 + jitter * (
            2.0 * uniform(r, draws.CHECK, number, who, h.requests[place(request), R_ATTEMPT]) - 1.0
        )
    sleep(r, h, row, h.whole[NOW] + draws.whole_ns(every))
    for other in range(r.classes.shape[0]):
        if r.classes[other, K_AFTER] == number and r.classes[other, K_JOBS] == 0:
            bound = r.classes[other, K_BASE] + who
            if h.clients[place(bound), STATE] == layout.BOUND:
                h.of_class[other, layout.N_BOUND] -= 1
                notice_at(r, h, bound, h.whole[NOW])


@kernel
def _writes(r, h, request):  # type: ignore[no-untyped-def]
    """Whether a service that ends well writes its row: only if nobody else has since it read it."""
    i = place(request)
    number, who = h.requests[i, R_CLASS], h.requests[i, R_WHO]
    if (r.conflict_classes >> number) & 1 == 0:
        return True
    read = h.requests[i, R_BEGUN]
    if r.conflict_gap != NONE:
        read = max(read, h.whole[NOW] - time_ns(r, r.conflict_gap, GAP_STREAM, number, who, h.requests[i, R_ATTEMPT]))
    row = place(who % r.conflict_rows)
    if h.written[row] > read:
        return False
    h.written[row] = h.whole[NOW]
    return True


@inline
def finish(r, h):  # type: ignore[no-untyped-def]
    """The first worker is done."""
    request = h.at_worker[place(h.tree[1])]
    i = place(request)
    number, row, nature = h.requests[i, R_CLASS], h.requests[i, R_ROW], h.requests[i, R_NATURE]
    h.whole[FREED] = h.requests[i, R_WORKER]
    done = free_worker(h, request)
    if nature == OF_PROBE:
        h.whole[layout.PROBE] = NONE
        h.whole[layout.PROBE_LATENCY] = h.whole[NOW] - h.requests[i, R_SUBMITTED]
        count(h, number, OVERHEAD_NS, done)
        note(h, layout.LOG_PROBED, number, np.int64(0), h.requests[i, R_ATTEMPT])
        forget(h, request)
        return
    if nature == OF_EXPIRY:
        count(h, number, USEFUL_NS, done)
        count(h, number, layout.EXPIRED, 1)
        note_request(h, layout.LOG_EXPIRED, request)
        forget(h, request)
        return
    if h.requests[i, R_STALE] == NONE:
        h.histogram[place(number), place(part_of(h.whole[NOW] - h.requests[i, R_SUBMITTED]))] += 1
    is_wanted = is_awaited(h, request)
    fails = h.requests[i, R_FAILS] != 0
    conflicts = not fails and r.conflict_rows > 0 and not _writes(r, h, request)
    if fails or conflicts:
        count(h, number, FAILED_NS, done)
        note_request(h, layout.LOG_CONFLICT if conflicts else layout.LOG_FAIL, request)
        tell_host(r, h, request, np.int64(controllers.FAILED))
        end(h, request, FAILED)
        if is_wanted:
            retry(r, h, row, np.int64(controllers.FAILED), -1.0)
    elif is_wanted:
        tell_host(r, h, request, np.int64(controllers.SUCCEEDED))
        count(h, number, USEFUL_NS, done)
        note_request(h, layout.LOG_SUCCESS, request)
        _succeed(r, h, row, request)
        end(h, request, SUCCEEDED)
    elif (
        h.set_whole[layout.LATE] == layout.COUNTS_LATE
        and r.classes[place(number), K_JOBS] == 0
        and is_owned(h, request)
    ):
        tell_host(r, h, request, np.int64(controllers.SUCCEEDED))
        count(h, number, USEFUL_NS, done)
        note_request(h, layout.LOG_LATE, request)
        grant_late(r, h, row, request)
        end(h, request, layout.LATE_FLOW)
    else:
        tell_host(r, h, request, np.int64(controllers.WASTED))
        count(h, number, WASTED_NS, done)
        note_request(h, layout.LOG_WASTE, request)
        end(h, request, WASTED)
