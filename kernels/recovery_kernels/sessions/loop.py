"""The loop of the general engine: sessions, classes, operators who edit anything, the loaded server, event by event.

One call of `advance` takes one host from where it stands to `until`, and returns a status. `tests.twin.sessions` is its
slow twin, and MODEL.md has the rules. Where a scenario uses none of them `recovery_kernels.requests` gives the same
bits in less time.
"""

import numpy as np

from recovery_kernels.events import MAX_CLIENTS, NEVER, place
from recovery_kernels.handles import refer_alone
from recovery_kernels.jit import inline, kernel
from recovery_kernels.requests import (
    BUSY_SUM_NS,
    DOWN_SUM_NS,
    IDLE_SUM_NS,
    IN_SERVICE,
    LEASED_END,
    OLDEST_MAX_NS,
    OLDEST_NS,
    OPEN_MAX,
    QUEUE,
    QUEUE_MAX,
    SLEEPING_END,
)
from recovery_kernels.sessions import hooks, layout, ranks, timers
from recovery_kernels.sessions.books import is_only_counted, workers
from recovery_kernels.sessions.comings import (
    arm_arrival,
    arrive,
    bind,
    is_free,
    is_held,
    job_comes,
    keep,
    next_arrival,
    notice_at,
    sleep,
    step,
)
from recovery_kernels.sessions.comings import notice as learn
from recovery_kernels.sessions.doors import ADMISSION_DOOR, GATE_DOOR, look_for_limiters, resend, serve_line, submit
from recovery_kernels.sessions.failures import crash, deadline, expire, look_for_crash, probe
from recovery_kernels.sessions.labour import finish, settle_all, settle_freed, take
from recovery_kernels.sessions.layout import (
    BIN,
    BUSY,
    CLASS,
    COMING,
    CONTROL,
    CURSOR,
    EDGE,
    FIRST,
    FREE_REQUESTS,
    FREE_ROWS,
    K_BASE,
    K_EXPIRES,
    K_JOBS,
    K_MEMBERS,
    LOG,
    N_OPEN,
    N_WAITING,
    NEAR_SIZE,
    NONE,
    NOW,
    R_REACHED,
    RESEND,
    SERVES_FROM,
    STATE,
    SUBMISSION,
    WAITING,
)
from recovery_kernels.sessions.leases import end_sessions
from recovery_kernels.sessions.lists import has_room_for_names, host_row
from recovery_kernels.sessions.operators import control, see

NOTHING, TAKE, CRASH_TOO = range(3)  # what follows an event: free workers take, and the host may die of it


@inline
def _wait(h, time):  # type: ignore[no-untyped-def]
    """Nothing happens until a time; workers' time is counted."""
    whole = h.whole
    passed = time - whole[NOW]
    if passed > 0:
        busy = whole[BUSY]
        there = max(workers(h), busy)
        down = (there - busy) * max(0, min(time, whole[SERVES_FROM]) - whole[NOW])
        whole[layout.BUSY_NS] += busy * passed
        whole[layout.DOWN_NS] += down
        whole[layout.IDLE_NS] += there * passed - busy * passed - down
        whole[NOW] = time


@kernel
def _oldest_ns(r, h, number):  # type: ignore[no-untyped-def]
    """How long the oldest request of a class has waited. Without lines they wait in the order in which they came."""
    oldest = np.int64(0)
    request = h.lists[number, FIRST]
    while request != NONE:
        if not is_only_counted(r, h, request):
            oldest = max(oldest, h.whole[NOW] - h.requests[place(request), R_REACHED])
            if r.has_lines == 0:
                break
        request = h.requests[place(request), layout.R_NEXT]
    return oldest


@inline
def _look(h):  # type: ignore[no-untyped-def]
    """Levels as they are, for the maxima of the window."""
    open_ = np.int64(0)
    for number in range(host_row(h)):
        of_class = h.of_class
        open_ += of_class[number, N_OPEN]
        of_class[number, layout.PEAK_QUEUE] = max(of_class[number, layout.PEAK_QUEUE], of_class[number, N_WAITING])
        of_class[number, layout.PEAK_OPEN] = max(of_class[number, layout.PEAK_OPEN], of_class[number, N_OPEN])
    h.whole[layout.QUEUE_PEAK] = max(h.whole[layout.QUEUE_PEAK], h.whole[WAITING])
    h.whole[layout.OPEN_PEAK] = max(h.whole[layout.OPEN_PEAK], open_)


@kernel
def _close_window(r, h):  # type: ignore[no-untyped-def]
    """Write down the levels at the end of a window and its maxima; the next begins with what is there."""
    whole = h.whole
    edge, bin_ = whole[EDGE], place(whole[BIN])
    _wait(h, edge)
    host = host_row(h)
    oldest_of_all = np.int64(0)
    for number in range(host + 1):
        row = h.series[bin_, number]
        of_class = h.of_class[number]
        oldest = _oldest_ns(r, h, number)
        oldest_of_all = max(oldest_of_all, oldest)
        row[OLDEST_NS] = oldest
        row[OLDEST_MAX_NS] = max(of_class[layout.PEAK_OLDEST], oldest)
        of_class[layout.PEAK_OLDEST] = 0
        if number == host:
            continue
        of_class[layout.N_HOLDER] -= h.expiring[0, number, bin_]
        of_class[layout.N_SERVER] -= h.expiring[1, number, bin_]
        row[QUEUE] = of_class[N_WAITING]
        row[IN_SERVICE] = of_class[layout.N_SERVING]
        row[LEASED_END] = of_class[layout.N_HOLDER]
        row[SLEEPING_END] = of_class[layout.N_IDLE]
        row[QUEUE_MAX] = of_class[layout.PEAK_QUEUE]
        row[OPEN_MAX] = of_class[layout.PEAK_OPEN]
        row[layout.LINE_END] = of_class[layout.N_LINE]
        row[layout.OUTSIDE_END] = of_class[layout.N_OUTSIDE]
        row[layout.LEASED_SERVER] = of_class[layout.N_SERVER]
        row[layout.KEPT_END] = of_class[layout.N_KEPT]
        row[layout.BOUND_END] = of_class[layout.N_BOUND]
        row[layout.UNAWARE_END] = of_class[layout.N_UNAWARE]
        row[layout.OPEN_END] = of_class[N_OPEN]
        of_class[layout.PEAK_QUEUE] = 0
        of_class[layout.PEAK_OPEN] = 0
    row = h.series[bin_, host]
    row[QUEUE] = whole[WAITING]
    row[OLDEST_NS] = oldest_of_all
    row[OLDEST_MAX_NS] = max(whole[layout.OLDEST_PEAK], oldest_of_all)
    row[QUEUE_MAX] = whole[layout.QUEUE_PEAK]
    row[OPEN_MAX] = whole[layout.OPEN_PEAK]
    row[IN_SERVICE] = whole[BUSY]
    row[BUSY_SUM_NS] = whole[layout.BUSY_NS]
    row[IDLE_SUM_NS] = whole[layout.IDLE_NS]
    row[DOWN_SUM_NS] = whole[layout.DOWN_NS]
    whole[layout.BUSY_NS] = 0
    whole[layout.IDLE_NS] = 0
    whole[layout.DOWN_NS] = 0
    whole[layout.OLDEST_PEAK] = 0
    whole[layout.QUEUE_PEAK] = 0
    whole[layout.OPEN_PEAK] = 0
    _look(h)
    whole[BIN] += 1
    whole[EDGE] = edge + r.window_ns


@inline
def _due(r, h, row):  # type: ignore[no-untyped-def]
    """A submission falls due: it waits for the other class, or for the operator, or is made."""
    if not is_free(r, h, row):
        bind(h, row)
    elif h.whole[layout.HOLDS_ON] > 0 and is_held(h, row):
        keep(h, row)
    else:
        submit(r, h, row)


@inline
def _ring(r, h, timer, kind):  # type: ignore[no-untyped-def]
    """A client's timer rings."""
    row = timers.row_of(timer)
    if kind == layout.EXPIRY:
        expire(r, h, row)
    elif kind == layout.DEADLINE:
        deadline(r, h, row)
    elif kind == layout.NOTICE:
        learn(r, h, row)
    elif timers.which_of(timer) == RESEND:
        resend(r, h, row)
    else:
        if h.clients[place(row), STATE] == COMING:
            arrive(r, h, row)
        _due(r, h, row)


@kernel
def advance(rules, host, until):  # type: ignore[no-untyped-def]
    """Take a host to `until` (ns): every event before it, none at or after it. Returns a status.

    DONE: it is there. GROW_…: what it names is full; enlarge it and call again. TOO_MANY_JOBS: more than 2^27 jobs.
    """
    r = refer_alone(rules)
    h = refer_alone(host)
    whole = h.whole
    near = h.near
    slots = h.heads.shape[0]
    rows = h.clients.shape[0]
    classes = host_row(h)
    free_wanted = h.at_worker.shape[0] + 8
    look_for_limiters(r, h)
    while True:
        if whole[FREE_REQUESTS] < free_wanted:
            return layout.GROW_REQUESTS
        if not has_room_for_names(h):
            return layout.GROW_NAMELESS
        if r.jobs != 0 and whole[FREE_ROWS] <= classes + 1:
            return layout.GROW_CLIENTS
        if whole[layout.ENDS] + 2 > h.ends.shape[0]:
            return layout.GROW_ENDS
        if workers(h) + 1 > h.at_worker.shape[0]:
            return layout.GROW_WORKERS
        if h.log.shape[0] > 0 and whole[LOG] + 8 * (rows + h.requests.shape[0]) + 64 > h.log.shape[0]:
            return layout.GROW_LOG
        if whole[NEAR_SIZE] + 2 * rows + 64 > near.shape[0]:
            timers.tidy(h)
        if h.heap.shape[0] > 0 and whole[layout.HEAP_SIZE] + h.requests.shape[0] > h.heap.shape[0]:
            ranks.tidy(h)

        if whole[layout.AFTERWARDS] != NOTHING:  # here, since there has to be room for all that workers take
            if whole[WAITING] > 0:
                take(r, h)
            settle_freed(h)
            if r.has_crash != 0 and whole[layout.AFTERWARDS] == CRASH_TOO:
                look_for_crash(r, h)
            _look(h)
            whole[layout.AFTERWARDS] = NOTHING

        at_control = r.controls[place(whole[CONTROL]), 0] if whole[CONTROL] < r.controls.shape[0] else NEVER
        done = h.finish[place(h.tree[1])]
        now = min(until, at_control, done, whole[layout.NEXT_ARRIVAL])
        now = min(now, whole[layout.HOLD_OFF_AT], whole[layout.WAKE_AT], whole[layout.PROBE_AT])
        now = min(now, whole[layout.GATE_TICK], whole[layout.ADMISSION_TICK])
        if whole[layout.CRASH_DUE] != 0 or whole[layout.ENDS] > 0:
            now = whole[NOW]

        # The next timer of a client, if it comes no later than all that.
        start = whole[CURSOR] << r.shift
        ringing = NEVER
        while True:
            while whole[NEAR_SIZE] > 0:
                if timers.is_live(h, 0):
                    ringing = near[0, 0]
                    break
                timers.sift_out(h, whole[NEAR_SIZE])
                whole[NEAR_SIZE] -= 1
            if whole[NEAR_SIZE] > 0:
                break
            if start + (1 << r.shift) > now:
                break
            whole[CURSOR] += 1
            start = whole[CURSOR] << r.shift
            if h.heads[place(whole[CURSOR] & (slots - 1))] != NONE:
                timers.turn(h, r.shift)
        now = min(now, ringing)

        while whole[EDGE] <= min(now, until):
            _close_window(r, h)
        if now >= until:
            _wait(h, until)
            return layout.DONE
        _wait(h, now)
        whole[layout.EVENTS] += 1

        kind = timers.kind_of(near[0, 1]) if ringing == now else np.int64(layout.SUBMISSION + 1)
        whole[layout.AFTERWARDS] = TAKE
        if at_control == now and r.controls[place(whole[CONTROL]), layout.C_KIND] == layout.DEPENDENCY:
            control(r, h)
        elif whole[layout.HOLD_OFF_AT] == now:
            see(r, h, h.real[layout.HOLD_OFF_SHARE])
        elif at_control == now:
            control(r, h)
        elif whole[layout.WAKE_AT] == now:
            whole[layout.WAKE_AT] = NEVER
        elif whole[layout.CRASH_DUE] != 0:
            crash(r, h)
        elif whole[layout.ENDS] > 0:
            end_sessions(r, h)
        elif done == now and kind > layout.FINISH:
            finish(r, h)
        elif kind <= layout.NOTICE:
            timer = near[0, 2]
            timers.sift_out(h, whole[NEAR_SIZE])
            whole[NEAR_SIZE] -= 1
            h.due[place(timer)] = NEVER
            _ring(r, h, timer, kind)
        elif whole[layout.PROBE_AT] == now:
            probe(r, h)
        elif whole[layout.GATE_TICK] == now:
            serve_line(r, h, np.int64(GATE_DOOR))
        elif whole[layout.ADMISSION_TICK] == now:
            serve_line(r, h, np.int64(ADMISSION_DOOR))
        else:
            whole[layout.AFTERWARDS] = CRASH_TOO
            k = whole[layout.NEXT_CLASS]
            arrival = (np.int64(SUBMISSION) << 58) | (k << 52) | h.of_class[place(k), layout.JOBS]
            if whole[layout.NEXT_ARRIVAL] == now and (ringing != now or arrival <= near[0, 1]):
                if h.of_class[place(k), layout.JOBS] >= MAX_CLIENTS:
                    return layout.TOO_MANY_JOBS
                _due(r, h, job_comes(r, h, k))
            else:
                timer = near[0, 2]
                timers.sift_out(h, whole[NEAR_SIZE])
                whole[NEAR_SIZE] -= 1
                h.due[place(timer)] = NEVER
                _ring(r, h, timer, kind)


@kernel
def begin(rules, host, first_ns, expires_ns, is_cold):  # type: ignore[no-untyped-def]
    """Put the holders in, class by class, and arm what begins by itself; once, before the first `advance`.

    int64[holders]: first submission of each, end of its lease (0 or less: none), in the order of the rows; int64[K]:
    whether a class starts without leases, each at its notice.
    """
    r = refer_alone(rules)
    h = refer_alone(host)
    for number in range(host_row(h)):
        base = r.classes[number, K_BASE]
        if r.classes[number, K_JOBS] != 0:
            if r.classes[number, layout.K_SEGMENTS] > 0:
                h.of_class_real[number, layout.SUM_LEFT] = step(r, h, np.int64(number))
                h.of_class_real[number, layout.GIVEN] = h.class_real[number, layout.RATE]
                h.of_class_real[number, layout.SHARE] = h.real[layout.ARRIVAL_SHARE]
                arm_arrival(r, h, np.int64(number))
            continue
        for who in range(r.classes[number, K_MEMBERS]):
            row = base + who
            h.clients[row, layout.WHO] = who
            h.clients[row, CLASS] = number
            h.clients[row, layout.ATTEMPT] = -1
            h.clients[row, layout.REQUEST] = NONE
            h.pauses[row] = -1.0
            expires = np.int64(0) if is_cold[number] != 0 else expires_ns[row]
            h.clients[row, layout.SERVER] = expires
            h.clients[row, layout.HOLDER] = expires
            h.of_class[number, layout.N_IDLE] += 1
            if expires > 0:
                last = h.expiring.shape[2] - 1
                bin_ = min((expires - 1) // r.window_ns, last)
                for view in range(2):
                    h.of_class[number, layout.N_HOLDER + view] += 1
                    h.expiring[view, number, bin_] += 1
                if r.classes[number, K_EXPIRES] != 0:
                    timers.arm(h, r.shift, row, layout.LEASE_END, expires)
            if is_cold[number] != 0:
                notice_at(r, h, row, first_ns[row])
            else:
                sleep(r, h, row, first_ns[row])
    for c in range(r.controllers.shape[0]):
        hooks.begin(r, h, np.int64(c))
    settle_all(h)
    next_arrival(h)
    if h.set_whole[layout.PROBE_TIME] != NONE:
        h.whole[layout.PROBE_AT] = h.set_whole[layout.PROBE_EVERY_NS]
    _look(h)
