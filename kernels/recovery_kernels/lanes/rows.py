"""Rows in lanes, in the queue and in the stack: rings that are in order by themselves."""

import numpy as np

from recovery_kernels import policies
from recovery_kernels.events import MAX_CLIENTS, place
from recovery_kernels.jit import inline, kernel
from recovery_kernels.lanes.classes import find_due_first, is_of_age, queue_of, queues, timeout_of, waiting_of
from recovery_kernels.lanes.layout import (
    CLIENT,
    COUNTED,
    DEADLINES,
    DRAWN,
    DUE,
    DUE_FIRST,
    END,
    EXPIRES,
    FIRST,
    LANE_BITS,
    LANES,
    LAST,
    LATER,
    LAW,
    MASK,
    MEMORY,
    NEVER,
    NUMBER,
    OFFSET,
    OWN_AGE,
    OWN_WAITING,
    PRIORITY_AT,
    ROW,
    STACKED,
    TALL,
    TIME,
    WHO,
)
from recovery_kernels.requests import EDGE, HEAD, OLDEST_PEAK


@inline
def row_at(lanes, lane, number):  # type: ignore[no-untyped-def]
    """Where row `number` of a lane begins."""
    return lanes[place(OFFSET + lane)] + (number & lanes[place(MASK + lane)]) * ROW


@inline
def write(rows, at, time, who, expires, number):  # type: ignore[no-untyped-def]
    """Write the entry of `rows` (int64[words]) that begins at a place: its time (ns), whose it is, and the rest."""
    rows[place(at + TIME)] = time
    rows[place(at + WHO)] = who
    rows[place(at + EXPIRES)] = expires
    rows[place(at + NUMBER)] = number


@kernel
def make_room(rows, lanes, lane, due, client):  # type: ignore[no-untyped-def]
    """Move up the rows of a lane that come after one that is due at a time. Returns where that one belongs."""
    end = lanes[place(END + lane)]
    first = lanes[place(FIRST + lane)]
    at = row_at(lanes, lane, end)
    lanes[DRAWN] = 0
    while end > first:
        before = row_at(lanes, lane, end - 1)
        time = rows[place(before + TIME)]
        if time < due or (time == due and rows[place(before + WHO)] & CLIENT < client):
            break
        for column in range(ROW):
            rows[place(at + column)] = rows[place(before + column)]
        at = before
        end -= 1
    return at


@inline
def push(rows, lanes, lane, due, who, expires, number):  # type: ignore[no-untyped-def]
    """Put a row into a lane, at its place in the order of time and client, which most often is the end."""
    end = lanes[place(END + lane)]
    if due <= lanes[place(LAST + lane)]:
        at = make_room(rows, lanes, np.int64(lane), due, who & CLIENT)
        lanes[place(DUE + lane)] = min(lanes[place(DUE + lane)], (due << LANE_BITS) | lane)
    else:
        lanes[place(LAST + lane)] = due
        at = row_at(lanes, lane, end)
        if end == lanes[place(FIRST + lane)]:  # else the next submission does not hang on this one
            lanes[place(DUE + lane)] = (due << LANE_BITS) | lane
    lanes[place(END + lane)] = end + 1
    write(rows, at, due, who, expires, number)


@inline
def _enqueue(rows, lanes, queue, submitted, who, expires, number):  # type: ignore[no-untyped-def]
    end = lanes[place(END + queue)]
    write(rows, row_at(lanes, queue, end), submitted, who, expires, number)
    lanes[place(END + queue)] = end + 1
    if end == lanes[place(FIRST + queue)]:
        due = submitted + lanes[place(LATER + queue)]
        lanes[place(DUE + queue)] = (due << LANE_BITS) | DEADLINES


@inline
def enqueue(host, has_classes, of_class, submitted, who, expires, number):  # type: ignore[no-untyped-def]
    """Put a request at the end of the queue, whose caller has seen that there is room: of that of its class."""
    lanes, queue = host.lanes, queue_of(host, of_class) if has_classes else np.int64(DEADLINES)
    _enqueue(host.rows, lanes, queue, submitted, who, expires, number)
    if has_classes and lanes[place(DUE + queue)] <= lanes[DUE + DEADLINES]:
        find_due_first(host)


@kernel
def stack(host, number, submitted, who, expires, attempt):  # type: ignore[no-untyped-def]
    """Put a request on the stack, as `number`; its row in the queue is the next one."""
    at = (number & (host.stack.shape[0] // TALL - 1)) * TALL
    write(host.stack, at, submitted, who, expires, attempt)
    host.stack[place(at + STACKED)] = host.lanes[END + DEADLINES]


@kernel
def unstack(rules, host, number, now):  # type: ignore[no-untyped-def]
    """Where the row of a request lies that is taken from the stack: in the queue; or else, as an abandoned one is no
    longer there, at the begin of all rows.
    """
    at = (number & (host.stack.shape[0] // TALL - 1)) * TALL
    if host.stack[place(at + TIME)] + rules.timeout_ns >= now:
        return row_at(host.lanes, DEADLINES, host.stack[place(at + STACKED)])
    for column in range(ROW):
        host.rows[place(column)] = host.stack[place(at + column)]
    return np.int64(0)


@inline
def waiter(params, host, of_class, number):  # type: ignore[no-untyped-def]
    """Time of submission and client of a request that waits, by its number in its class's queue or in the stack."""
    if policies.newest_first(params.queue):
        at = (number & (host.stack.shape[0] // TALL - 1)) * TALL
        return host.stack[place(at + TIME)], host.stack[place(at + WHO)] & CLIENT
    at = row_at(host.lanes, queue_of(host, of_class), number)
    return host.rows[place(at + TIME)], host.rows[place(at + WHO)] & CLIENT


@kernel
def age_of_oldest(params, rules, host, now):  # type: ignore[no-untyped-def]
    """How long the first of those who wait has waited at `now`, and of each class, which is kept as OWN_AGE. Where of
    stale work only the number counts, that is the first whose client is still there; an age that a deadline of this
    window ended counts for the oldest of the window.
    """
    whole = host.whole
    oldest = np.int64(0)
    for of_class in range(queues(host)):
        own, timeout_ns = of_class * MEMORY, timeout_of(rules, host, of_class)
        head = whole[place(own + HEAD)]
        first, end = head, head + waiting_of(host, of_class)
        if rules.counts_stale != 0:  # they are in the order of their deadlines
            late = end
            while first < late:
                middle = (first + late) >> 1
                submitted, _ = waiter(params, host, of_class, middle)
                if submitted + timeout_ns < now:
                    first = middle + 1
                else:
                    late = middle
            if first > head:
                submitted, _ = waiter(params, host, of_class, first - 1)
                if submitted + timeout_ns >= whole[EDGE] - params.window_ns:
                    whole[OLDEST_PEAK] = max(whole[OLDEST_PEAK], timeout_ns)
                    is_of_age(host, of_class, timeout_ns)
        age = np.int64(0)
        if first < end:
            submitted, _ = waiter(params, host, of_class, first)
            age = now - submitted
        whole[place(own + OWN_AGE)] = age
        oldest = max(oldest, age)
    return oldest


@inline
def _come_to(rows, lanes, lane, name, first):  # type: ignore[no-untyped-def]
    end = lanes[place(END + lane)]
    due = NEVER + name
    while first < end:
        at = row_at(lanes, lane, first)
        if rows[place(at + NUMBER)] & 1 == 0:
            due = rows[place(at + TIME)] + lanes[place(LATER + lane)]
            break
        first += 1
    lanes[place(FIRST + lane)] = first
    lanes[place(DUE + lane)] = (due << LANE_BITS) | name


@inline
def come_to(rows, lanes, lane, first):  # type: ignore[no-untyped-def]
    """All rows of a lane before `first` are done with; so are those of the next whose deadlines are off."""
    _come_to(rows, lanes, lane, lane, first)


@inline
def pop(rows, lanes, lane):  # type: ignore[no-untyped-def]
    """The head of a lane is done with."""
    come_to(rows, lanes, lane, lanes[place(FIRST + lane)] + 1)


@inline
def is_full(host, of_class):  # type: ignore[no-untyped-def]
    """Whether the queue of a class has no room: rows are needed until taken, given up, and counted."""
    lanes, queue, own = host.lanes, queue_of(host, of_class), of_class * MEMORY
    first = min(host.whole[place(own + HEAD)], host.whole[place(own + COUNTED)], lanes[place(FIRST + queue)])
    return lanes[place(END + queue)] - first > lanes[place(MASK + queue)]


@inline
def take_next(host):  # type: ignore[no-untyped-def]
    """Where the request lies that came first of those that wait in the queues of the classes of the best priority; it
    leaves its queue. Of several that came at one time that is the one of the first class, whose clients have the lowest
    numbers.
    """
    found, at, best, soonest = np.int64(0), np.int64(0), np.int64(NEVER), np.int64(NEVER)
    for of_class in range(host.firsts.shape[0]):
        own, priority = of_class * MEMORY, host.laws[place(of_class * LAW + PRIORITY_AT)]
        if host.whole[place(own + OWN_WAITING)] > 0 and priority <= best:
            row = row_at(host.lanes, queue_of(host, of_class), host.whole[place(own + HEAD)])
            if priority < best or host.rows[place(row + TIME)] < soonest:
                found, at, best, soonest = np.int64(own), row, priority, host.rows[place(row + TIME)]
    host.whole[place(found + OWN_WAITING)] -= 1
    host.whole[place(found + HEAD)] += 1
    return at


@inline
def pop_deadline(host):  # type: ignore[no-untyped-def]
    """The deadline is done with that is due first of those of all classes."""
    lanes, queue = host.lanes, queue_of(host, host.lanes[DUE_FIRST])
    _come_to(host.rows, lanes, queue, np.int64(DEADLINES), lanes[place(FIRST + queue)] + 1)
    find_due_first(host)


@kernel
def settle_deadlines(host, of_class):  # type: ignore[no-untyped-def]
    """Deadlines of a class are off, or were put where none was due so early: find its first one, and that of all."""
    lanes, queue = host.lanes, queue_of(host, of_class)
    _come_to(host.rows, lanes, queue, np.int64(DEADLINES), lanes[place(FIRST + queue)])
    find_due_first(host)


@kernel
def first_of(rows, lanes, now):  # type: ignore[no-untyped-def]
    """The lane whose head is first of those that are due at one time: the lowest client."""
    found = 0
    lowest = np.int64(MAX_CLIENTS)
    for lane in range(LANES):
        if lanes[place(DUE + lane)] >> LANE_BITS == now:
            client = rows[place(row_at(lanes, lane, lanes[place(FIRST + lane)]) + WHO)] & CLIENT
            if client < lowest:
                found, lowest = lane, client
    return found
