"""What fails: attempts that are given up, requests that are thrown away, whole hosts; the probe."""

import numpy as np

from recovery_kernels import controllers
from recovery_kernels.events import place
from recovery_kernels.jit import inline, kernel
from recovery_kernels.requests import CANCELLED, LOST, TIMED_OUT, WASTED_NS
from recovery_kernels.sessions import layout
from recovery_kernels.sessions.books import count, is_awaited, is_only_counted, note, note_request
from recovery_kernels.sessions.comings import retry
from recovery_kernels.sessions.doors import (
    ADMISSION_DOOR,
    DOORS,
    arm_tick,
    end,
    filled_at,
    leave_line,
    line_of,
    tokens_at,
)
from recovery_kernels.sessions.hooks import restart, tell_host
from recovery_kernels.sessions.labour import free_worker, settle
from recovery_kernels.sessions.layout import (
    ATTEMPT,
    BUSY,
    CLASS,
    CRASH_DUE,
    DOWN_UNTIL,
    GROWN,
    IN_LINE,
    IN_QUEUE,
    LENGTH,
    NONE,
    NOW,
    OF_CLIENT,
    OF_PROBE,
    OUTSIDE,
    PROBE,
    PROBE_LATENCY,
    PROBES,
    R_ATTEMPT,
    R_CLASS,
    R_COUNT,
    R_NATURE,
    R_PLACE,
    R_ROW,
    R_SUBMITTED,
    R_WHO,
    REQUEST,
    SERVES_FROM,
    WAITING,
    WHO,
)
from recovery_kernels.sessions.leases import add_end, goes_on, restart_leases
from recovery_kernels.sessions.lists import age, forget, host_row, leave_queue, merge, new_request, push


@kernel
def take_back(r, h, request, column):  # type: ignore[no-untyped-def]
    """A request, or an entry of nameless ones, is taken from wherever it is, and is over in a way that is counted."""
    i = place(request)
    number, where, many = h.requests[i, R_CLASS], h.requests[i, R_PLACE], h.requests[i, R_COUNT]
    how = np.int64(controllers.CANCELLED if column == CANCELLED else controllers.LOST)
    if where == IN_QUEUE:
        if not is_only_counted(r, h, request):
            age(h, request)
        leave_queue(h, request)
        tell_host(r, h, request, how)
    elif where == IN_LINE:
        door = h.requests[i, layout.R_DOOR]
        leave_line(h, request)
        arm_tick(r, h, door)
    else:
        count(h, number, WASTED_NS, free_worker(h, request))
        settle(h, h.requests[i, layout.R_WORKER])
        tell_host(r, h, request, how)
    if h.requests[i, R_NATURE] == OF_CLIENT:
        count(h, number, column, many)
    else:
        count(h, number, layout.OWN_LOST if column == LOST else layout.OWN_PURGED, 1)
    forget(h, request)


@inline
def deadline(r, h, row):  # type: ignore[no-untyped-def]
    """A client gives an attempt up."""
    c = place(row)
    number = h.clients[c, CLASS]
    request = h.clients[c, REQUEST]
    h.clients[c, GROWN] += 1
    count(h, number, TIMED_OUT, 1)
    note(h, layout.LOG_DEADLINE, number, h.clients[c, WHO], h.clients[c, ATTEMPT])
    if request != layout.GONE:
        where = h.requests[place(request), R_PLACE]
        cancel = h.set_whole[layout.CANCEL]
        is_waiting = where in (IN_LINE, IN_QUEUE)
        if where == OUTSIDE:
            h.of_class[place(number), layout.N_OUTSIDE] -= 1
            end(h, request, layout.UNANSWERED)
        elif (is_waiting and cancel != layout.CANCEL_NONE) or (not is_waiting and cancel == layout.CANCEL_WORKER):
            note_request(h, layout.LOG_CANCEL, request)
            take_back(r, h, request, CANCELLED)
        elif where == IN_QUEUE:
            h.clients[c, REQUEST] = NONE
            if is_only_counted(r, h, request):
                age(h, request)
                if r.merges != 0:
                    merge(h, request)
    retry(r, h, row, np.int64(controllers.TIMED_OUT), -1.0)


# --- all that a host holds --------------------------------------------------------------------------------------------


@inline
def _is_before(h, x, y):  # type: ignore[no-untyped-def]
    """The order in which requests are thrown away: class, client, attempt, a client's before the host's own."""
    i, j = place(x), place(y)
    host = host_row(h)
    p = NONE if h.requests[i, R_CLASS] == host else h.requests[i, R_CLASS]
    q = NONE if h.requests[j, R_CLASS] == host else h.requests[j, R_CLASS]
    if p != q:
        return p < q
    if h.requests[i, R_WHO] != h.requests[j, R_WHO]:
        return h.requests[i, R_WHO] < h.requests[j, R_WHO]
    if h.requests[i, R_ATTEMPT] != h.requests[j, R_ATTEMPT]:
        return h.requests[i, R_ATTEMPT] < h.requests[j, R_ATTEMPT]
    return h.requests[i, R_NATURE] < h.requests[j, R_NATURE]


@kernel
def _sink(h, i, size):  # type: ignore[no-untyped-def]
    """In scratch[:size] as a heap whose last is on top, an entry goes down to where it belongs."""
    one = h.scratch[place(i)]
    child = 2 * i + 1
    while child < size:
        if child + 1 < size and _is_before(h, h.scratch[place(child)], h.scratch[place(child + 1)]):
            child += 1
        if not _is_before(h, one, h.scratch[place(child)]):
            break
        h.scratch[place(i)] = h.scratch[place(child)]
        i = child
        child = 2 * i + 1
    h.scratch[place(i)] = one


@kernel
def sort(r, h, size):  # type: ignore[no-untyped-def]
    """Put scratch[:size] into the order of the log; only where one is kept or a controller hears it, since nothing else
    hangs on it.
    """
    if h.log.shape[0] == 0 and r.controllers.shape[0] == 0:
        return
    for i in range(size // 2 - 1, -1, -1):
        _sink(h, np.int64(i), size)
    for last in range(size - 1, 0, -1):
        h.scratch[0], h.scratch[last] = h.scratch[last], h.scratch[0]
        _sink(h, np.int64(0), np.int64(last))


@kernel
def lose(r, h, classes, is_serving_too, column, is_told):  # type: ignore[no-untyped-def]
    """What waits, and perhaps what is in service, is thrown away, of classes given as bits; NONE: all, and the host's
    own. Clients who are told see a failure.
    """
    size = 0
    for which in range(h.lists.shape[0]):
        request = h.lists[which, layout.FIRST]
        while request != NONE:
            number = h.requests[place(request), R_CLASS]
            if classes == NONE or (number < host_row(h) and (classes >> number) & 1 != 0):
                h.scratch[size] = request
                size += 1
            request = h.requests[place(request), layout.R_NEXT]
    if is_serving_too:
        for worker in range(h.at_worker.shape[0]):
            if h.at_worker[worker] != NONE:
                h.scratch[size] = h.at_worker[worker]
                size += 1
    sort(r, h, np.int64(size))
    for k in range(size):
        request = h.scratch[k]
        i = place(request)
        row = h.requests[i, R_ROW] if is_awaited(h, request) else np.int64(NONE)
        nature = h.requests[i, R_NATURE]
        if nature == OF_CLIENT:
            note_request(h, layout.LOG_LOST if column == LOST else layout.LOG_PURGED, request)
        elif nature == OF_PROBE:
            h.whole[PROBE] = NONE
        take_back(r, h, request, column)
        if row != NONE:
            if is_told:
                retry(r, h, row, np.int64(controllers.LOST), -1.0)
            else:
                h.clients[place(row), REQUEST] = layout.GONE


@kernel
def go_down(r, h, down_ns, is_told):  # type: ignore[no-untyped-def]
    """All that the host holds is lost, and for a time it takes nothing; then it accepts, and later it serves."""
    whole = h.whole
    lose(r, h, np.int64(NONE), True, np.int64(LOST), is_told)
    whole[layout.DEBT_NS] = 0
    whole[PROBE] = NONE
    whole[PROBE_LATENCY] = NONE
    whole[DOWN_UNTIL] = max(whole[DOWN_UNTIL], whole[NOW] + down_ns)
    whole[SERVES_FROM] = whole[DOWN_UNTIL] + h.set_whole[layout.START_TIME_NS]
    t = tokens_at(ADMISSION_DOOR)
    h.real[t] = h.real[t + 2]
    whole[filled_at(ADMISSION_DOOR)] = whole[DOWN_UNTIL]
    whole[layout.ADMISSION_CLOSED] = 0
    if r.controllers.shape[0] > 0:
        restart(r, h)
        restart_leases(r, h)
    wake_at_serving(h)


@inline
def wake_at_serving(h):  # type: ignore[no-untyped-def]
    """Free workers look at the queue as soon as the host serves."""
    if h.whole[SERVES_FROM] > h.whole[NOW]:
        h.whole[layout.WAKE_AT] = h.whole[SERVES_FROM]


@kernel
def look_for_crash(r, h):  # type: ignore[no-untyped-def]
    """Whether the host dies of what it holds now."""
    whole = h.whole
    if r.has_crash == 0 or whole[NOW] < whole[DOWN_UNTIL] or whole[CRASH_DUE] != 0:
        return
    rule = place(h.set_whole[layout.CRASH_RULE])
    held = whole[WAITING] + whole[BUSY]
    for door in range(DOORS):
        held += h.lists[line_of(h, door), LENGTH]
    latency = whole[PROBE_LATENCY]
    if whole[PROBE] != NONE:
        latency = whole[NOW] - h.requests[place(whole[PROBE]), R_SUBMITTED]
    most_queue, most_memory = r.crashes[rule, layout.X_QUEUE], r.crashes[rule, layout.X_MEMORY]
    most_latency = r.crashes[rule, layout.X_LATENCY_NS]
    if (
        (most_queue != NONE and whole[WAITING] > most_queue)
        or (most_memory != NONE and held * r.crashes[rule, layout.X_BYTES] > most_memory)
        or (most_latency != NONE and latency != NONE and latency > most_latency)
    ):
        whole[CRASH_DUE] = 1


@kernel
def crash(r, h):  # type: ignore[no-untyped-def]
    """The host dies, and comes back after a time."""
    h.whole[CRASH_DUE] = 0
    rule = place(h.set_whole[layout.CRASH_RULE])
    count(h, host_row(h), layout.CRASHES, 1)
    note(h, layout.LOG_CRASH, host_row(h), np.int64(0), np.int64(0))
    go_down(r, h, r.crashes[rule, layout.X_DOWN_NS], r.crashes[rule, layout.X_TOLD] != 0)
    if r.crashes[rule, layout.X_ENDS] != 0:
        add_end(h, np.int64((1 << layout.MAX_CLASSES) - 1), np.int64(NONE), r.crashes[rule, layout.X_NOTICE])


@kernel
def probe(r, h):  # type: ignore[no-untyped-def]
    """The probe's turn: a request on the same workers, one at a time."""
    whole = h.whole
    whole[layout.PROBE_AT] = whole[NOW] + h.set_whole[layout.PROBE_EVERY_NS]
    look_for_crash(r, h)
    if whole[NOW] >= whole[DOWN_UNTIL] and whole[CRASH_DUE] == 0 and whole[PROBE] == NONE:
        request = new_request(
            h, host_row(h), np.int64(NONE), np.int64(0), whole[PROBES], np.int64(OF_PROBE), np.int64(layout.FAR)
        )
        whole[PROBE] = request
        note(h, layout.LOG_PROBE, host_row(h), np.int64(0), whole[PROBES])
        whole[PROBES] += 1
        push(r, h, request)


@kernel
def expire(r, h, row):  # type: ignore[no-untyped-def]
    """A lease has run out: work for the host, if expiry is work, which nobody refuses, drops or takes back."""
    c = place(row)
    number = h.clients[c, CLASS]
    if goes_on(r, h, row) or h.class_whole[place(number), layout.EXPIRE] == NONE:
        return
    request = new_request(
        h,
        number,
        np.int64(NONE),
        h.clients[c, WHO],
        h.clients[c, layout.EXPIRIES],
        np.int64(layout.OF_EXPIRY),
        np.int64(layout.FAR),
    )
    h.clients[c, layout.EXPIRIES] += 1
    count(h, number, layout.EXPIRIES_FLOW, 1)
    note_request(h, layout.LOG_EXPIRY, request)
    push(r, h, request)
