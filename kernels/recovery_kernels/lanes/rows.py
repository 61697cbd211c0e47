"""Rows in lanes, in the queue and in the stack: rings that are in order by themselves."""

import numpy as np

from recovery_kernels import policies
from recovery_kernels.events import MAX_CLIENTS, place
from recovery_kernels.jit import inline, kernel
from recovery_kernels.lanes.classes import class_of, is_of_age
from recovery_kernels.lanes.layout import (
    CLIENT,
    DEADLINES,
    DRAWN,
    DUE,
    END,
    EXPIRES,
    FIRST,
    LANE_BITS,
    LANES,
    LAST,
    LATER,
    MASK,
    MEMORY,
    NEVER,
    NUMBER,
    OFFSET,
    OWN_AGE,
    OWN_WAITING,
    ROW,
    STACKED,
    TALL,
    TIME,
    WHO,
)
from recovery_kernels.requests import EDGE, HEAD, OLDEST_PEAK, WAITING


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
def enqueue(rows, lanes, submitted, who, expires, number):  # type: ignore[no-untyped-def]
    """Put a request at the end of the queue, whose caller has seen that there is room."""
    end = lanes[place(END + DEADLINES)]
    write(rows, row_at(lanes, DEADLINES, end), submitted, who, expires, number)
    lanes[place(END + DEADLINES)] = end + 1
    if end == lanes[place(FIRST + DEADLINES)]:
        due = submitted + lanes[place(LATER + DEADLINES)]
        lanes[place(DUE + DEADLINES)] = (due << LANE_BITS) | DEADLINES


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
def waiter(params, host, number):  # type: ignore[no-untyped-def]
    """Time of submission and client of a request that waits, by its number in the queue or in the stack."""
    if policies.newest_first(params.queue):
        at = (number & (host.stack.shape[0] // TALL - 1)) * TALL
        return host.stack[place(at + TIME)], host.stack[place(at + WHO)] & CLIENT
    at = row_at(host.lanes, DEADLINES, number)
    return host.rows[place(at + TIME)], host.rows[place(at + WHO)] & CLIENT


@kernel
def _age_of_each(params, rules, host, first, now):  # type: ignore[no-untyped-def]
    """The same of each class, where the clients of those who wait are still there from number `first` on."""
    whole = host.whole
    wanted = np.int64(0)
    for number in range(host.firsts.shape[0]):
        wanted += np.int64(whole[place(number * MEMORY + OWN_WAITING)] > 0)
        whole[place(number * MEMORY + OWN_AGE)] = -1
    for number in range(first, whole[HEAD] + whole[WAITING]):
        submitted, client = waiter(params, host, number)
        own = class_of(host, client) * MEMORY
        if whole[place(own + OWN_AGE)] < 0:
            whole[place(own + OWN_AGE)] = now - submitted
            wanted -= 1
            if wanted == 0:
                break
    for number in range(host.firsts.shape[0]):
        whole[place(number * MEMORY + OWN_AGE)] = max(whole[place(number * MEMORY + OWN_AGE)], 0)
    for number in range(first - 1, whole[HEAD] - 1, -1):
        submitted, client = waiter(params, host, number)
        if submitted + rules.timeout_ns < whole[EDGE] - params.window_ns:
            break
        is_of_age(host, class_of(host, client), rules.timeout_ns)


@kernel
def age_of_oldest(params, rules, host, now):  # type: ignore[no-untyped-def]
    """How long the first of those who wait has waited at `now`. Where of stale work only the number counts, that is the
    first whose client is still there; an age that a deadline of this window ended counts for the oldest of the window.
    """
    whole = host.whole
    first, end = whole[HEAD], whole[HEAD] + whole[WAITING]
    if rules.counts_stale != 0:  # they are in the order of their deadlines
        late = end
        while first < late:
            middle = (first + late) >> 1
            submitted, _ = waiter(params, host, middle)
            if submitted + rules.timeout_ns < now:
                first = middle + 1
            else:
                late = middle
        if host.firsts.shape[0] > 0:
            _age_of_each(params, rules, host, first, now)
        if first > whole[HEAD]:
            submitted, _ = waiter(params, host, first - 1)
            if submitted + rules.timeout_ns >= whole[EDGE] - params.window_ns:
                whole[OLDEST_PEAK] = max(whole[OLDEST_PEAK], rules.timeout_ns)
    if first == end:
        return np.int64(0)
    submitted, _ = waiter(params, host, first)
    return now - submitted


@inline
def come_to(rows, lanes, lane, first):  # type: ignore[no-untyped-def]
    """All rows of a lane before `first` are done with; so are those of the next whose deadlines are off."""
    end = lanes[place(END + lane)]
    due = NEVER + lane
    while first < end:
        at = row_at(lanes, lane, first)
        if rows[place(at + NUMBER)] & 1 == 0:
            due = rows[place(at + TIME)] + lanes[place(LATER + lane)]
            break
        first += 1
    lanes[place(FIRST + lane)] = first
    lanes[place(DUE + lane)] = (due << LANE_BITS) | lane


@inline
def pop(rows, lanes, lane):  # type: ignore[no-untyped-def]
    """The head of a lane is done with."""
    come_to(rows, lanes, lane, lanes[place(FIRST + lane)] + 1)


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
