"""What becomes of clients whose sessions end, and of those who are told that a restart loses their requests: they leave
where they are, and come again later. Python calls this between two stretches, when the kernel says that such a control
is due: every event before it has been carried out, and none at its time.
"""

from typing import NamedTuple

import numpy as np

from recovery_kernels import draws, policies
from recovery_kernels.events import CLIENT_BITS, place
from recovery_kernels.jit import inline, kernel
from recovery_kernels.lanes.classes import class_of, queue_of, queues, seen_by, timeout_of, waiting_of
from recovery_kernels.lanes.layout import (
    CHUNK,
    CLIENT,
    DEADLINES,
    DRAWN,
    END,
    EXPIRES,
    EXPIRES_AT,
    FAR,
    FIRST,
    GRANTS,
    IDLE,
    LANES,
    LAST,
    LATER,
    MEMORY,
    NEAR,
    NUMBER,
    OUTCOME,
    ROW,
    STACKED,
    SUBMITTED_AT,
    TALL,
    TELLS,
    TIME,
    TRY,
    VACANT,
    WHICH,
    WHO,
    WHO_IS,
)
from recovery_kernels.lanes.rows import come_to, row_at, settle_deadlines, write
from recovery_kernels.lanes.wheel import store
from recovery_kernels.requests import BIN, CURSOR, HEAD, LEASED, SLEEPERS
from recovery_kernels.sessions.layout import AT_CHECK, ENDED, SERIES


class Meant(NamedTuple):
    """Whose sessions end: a class, its first client and the first one behind it; and how many of these clients, spread
    evenly over their numbers (below 0: all).
    """

    number: int
    first: int
    end: int
    many: int


@inline
def _ends(params, host, now, meant, who, expires):  # type: ignore[no-untyped-def]
    """Whether a client's session ends, as it is meant and has a lease; that lease is counted away."""
    client, members, many = (who & CLIENT) - meant.first, meant.end - meant.first, meant.many
    if expires <= now or client < 0 or client >= members:
        return False
    if many >= 0 and (client + 1) * many // members == client * many // members:
        return False
    windows = host.series.shape[0]
    host.expiring[place(meant.number * windows + min((expires - 1) // params.window_ns, windows - 1))] -= 1
    host.whole[place(meant.number * MEMORY + LEASED)] -= 1
    host.series[place(host.whole[BIN]), place(meant.number * SERIES + ENDED)] += 1
    return True


@inline
def _note(found, due, who, expires, number):  # type: ignore[no-untyped-def]
    """Write down a client who comes again, in the row of its number."""
    client = place(who & CLIENT)
    found[client, TIME] = due
    found[client, WHO] = who
    found[client, EXPIRES] = expires
    found[client, NUMBER] = number


@inline
def _copy(rows, to, at):  # type: ignore[no-untyped-def]
    for column in range(ROW):
        rows[place(to + column)] = rows[place(at + column)]


@kernel
def _wake_lane(params, host, lane, now, meant, found):  # type: ignore[no-untyped-def]
    """Take those whose sessions end out of a lane in which all sleep."""
    rows, lanes = host.rows, host.lanes
    first, last = lanes[place(FIRST + lane)], np.int64(-1)
    to = first
    for number in range(first, lanes[place(END + lane)]):
        at = row_at(lanes, lane, number)
        due, who = rows[place(at + TIME)], rows[place(at + WHO)]
        if _ends(params, host, now, meant, who, rows[place(at + EXPIRES)]):
            _note(found, due, who & CLIENT, now, rows[place(at + NUMBER)])
        else:
            _copy(rows, row_at(lanes, lane, to), at)
            to += 1
            last = due
    lanes[place(END + lane)] = to
    lanes[place(LAST + lane)] = last
    come_to(rows, lanes, lane, first)


@kernel
def _wake_wheel(params, host, now, meant, found):  # type: ignore[no-untyped-def]
    """Take them out of the wheel. The newest row of a slot goes where one is missing: their order is made later."""
    pool, following, slots, whole = host.pool, host.following, host.slots, host.whole
    for slot in range(slots.shape[0]):
        at = np.int64(slots[slot]) - 1
        while at >= 0:
            older = at - 1 if at % CHUNK != 0 else (np.int64(following[place(at // CHUNK)]) + 1) * CHUNK - 1
            row = at * ROW
            who = pool[place(row + WHO)]
            if _ends(params, host, now, meant, who, pool[place(row + EXPIRES)]):
                _note(found, pool[place(row + TIME)], who & CLIENT, now, pool[place(row + NUMBER)])
                newest = np.int64(slots[slot]) - 1
                _copy(pool, row, newest * ROW)
                slots[slot] = newest
                if newest % CHUNK == 0:  # its chunk is free
                    chunk = newest // CHUNK
                    slots[slot] = (np.int64(following[place(chunk)]) + 1) * CHUNK
                    following[place(chunk)] = whole[VACANT]
                    whole[VACANT] = chunk
            at = older


@kernel
def end_sessions(params, rules, host, now, meant, found):  # type: ignore[no-untyped-def]
    """End the sessions of those who are meant (`Meant`) at `now` (ns). Who waits for an answer goes on; who sleeps is
    taken from where it is, and its row of found (int64[holders, ROW], its times below 0 before) tells when it would
    have come.
    """
    rows, lanes, workers = host.rows, host.lanes, host.workers
    queue, timeout_ns = queue_of(host, meant.number), timeout_of(rules, host, meant.number)
    for lane in range(LANES):
        if lane != DEADLINES:
            _wake_lane(params, host, np.int64(lane), now, meant, found)
    _wake_wheel(params, host, now, meant, found)
    for number in range(lanes[place(FIRST + queue)], lanes[place(END + queue)]):
        at = row_at(lanes, queue, number)
        who = rows[place(at + WHO)]
        is_there = rows[place(at + NUMBER)] & 1 == 0
        if is_there and _ends(params, host, now, meant, who, rows[place(at + EXPIRES)]):
            rows[place(at + EXPIRES)] = now
            if rows[place(at + TIME)] + timeout_ns < now:  # it gave up, and sleeps since
                due = rows[place(at + TIME)] + lanes[place(LATER + queue)]
                _note(found, due, who & CLIENT, now, rows[place(at + NUMBER)])
                rows[place(at + NUMBER)] |= 1
    settle_deadlines(host, meant.number)
    for worker in range(params.workers):
        if workers[place(OUTCOME + worker)] in (GRANTS, TELLS):
            who, expires = workers[place(WHO_IS + worker)], workers[place(EXPIRES_AT + worker)]
            if _ends(params, host, now, meant, who, expires):
                workers[place(EXPIRES_AT + worker)] = now
    lanes[DRAWN] = 0


@kernel
def learn(first_delay, how, notice, table, of_notice, of_delay, first, now, comers, noticed):  # type: ignore[no-untyped-def]
    """When clients of a class, whose `first` it is, learn that their sessions ended at `now`, and when they come: fill
    noticed (int64[n]), and change the times of comers (int64[n, ROW]). `how` is AT_ONCE, AT_CHECK (when it would have
    come), or a draw of `notice`.
    """
    for each in range(comers.shape[0]):
        client, attempt = (comers[each, WHO] & CLIENT) - first, (comers[each, NUMBER] >> 1) + 1
        time = now
        if how == AT_CHECK:
            time = comers[each, TIME]
        elif how >= 0:
            time = now + draws.whole_ns(draws.draw(notice, table, of_notice, client, attempt))
        noticed[each] = time
        comers[each, TIME] = time + draws.whole_ns(draws.draw(first_delay, table, of_delay, client, attempt))


@inline
def _tell(params, keys, inputs, host, now, who, expires, number, found):  # type: ignore[no-untyped-def]
    """A client sees at `now` that its attempt has failed."""
    who += TRY
    own, streams, client = seen_by(params, keys, host, who & CLIENT, True)
    delay = policies.retry_delay_ns(own.client, inputs.table, streams.retry, client, number >> 1, who >> CLIENT_BITS)
    host.whole[place(class_of(host, who & CLIENT) * MEMORY + SLEEPERS)] += 1
    _note(found, now + min(max(delay, own.client.round_trip_ns), FAR), who, expires, number)


@kernel
def _deadline_of(host, submitted, client):  # type: ignore[no-untyped-def]
    """Where the deadline of a client lies that submitted at a time; they are in the order of both."""
    rows, lanes, queue = host.rows, host.lanes, queue_of(host, class_of(host, client))
    first, end = lanes[place(FIRST + queue)], lanes[place(END + queue)]
    while first < end:
        middle = (first + end) >> 1
        at = row_at(lanes, queue, middle)
        time = rows[place(at + TIME)]
        if time < submitted or (time == submitted and rows[place(at + WHO)] & CLIENT < client):
            first = middle + 1
        else:
            end = middle
    return row_at(lanes, queue, first)


@kernel
def tell_lost(params, rules, keys, inputs, host, now, found):  # type: ignore[no-untyped-def]
    """Clients see at `now` that the restart which comes next loses their requests: all who wait for one that lies in
    the queue or with a worker. Their rows of found (int64[holders, ROW], its times below 0 before) tell when they come.
    """
    rows, lanes, workers, whole = host.rows, host.lanes, host.workers, host.whole
    for of_class in range(queues(host)):
        queue, timeout_ns = queue_of(host, of_class), timeout_of(rules, host, of_class)
        head = whole[place(of_class * MEMORY + HEAD)]
        for number in range(head, head + waiting_of(host, of_class)):
            if policies.newest_first(params.queue):
                on_stack = (number & (host.stack.shape[0] // TALL - 1)) * TALL
                if host.stack[place(on_stack + TIME)] + timeout_ns < now:
                    continue
                at = row_at(lanes, queue, host.stack[place(on_stack + STACKED)])
            else:
                at = row_at(lanes, queue, number)
                if rows[place(at + TIME)] + timeout_ns < now:
                    continue
            who, expires = rows[place(at + WHO)], rows[place(at + EXPIRES)]
            _tell(params, keys, inputs, host, now, who, expires, rows[place(at + NUMBER)], found)
            rows[place(at + NUMBER)] |= 1
    for worker in range(params.workers):
        outcome, submitted = workers[place(OUTCOME + worker)], workers[place(SUBMITTED_AT + worker)]
        who, expires = workers[place(WHO_IS + worker)], workers[place(EXPIRES_AT + worker)]
        if outcome == IDLE or submitted + timeout_of(rules, host, class_of(host, who & CLIENT)) < now:
            continue
        number = workers[place(WHICH + worker)]
        if outcome in (GRANTS, TELLS):
            workers[place(OUTCOME + worker)] = outcome + 1  # nobody waits for it any more
        else:
            at = _deadline_of(host, submitted, who & CLIENT)
            expires = rows[place(at + EXPIRES)]
            rows[place(at + NUMBER)] |= 1
        _tell(params, keys, inputs, host, now, who, expires, number, found)
    for of_class in range(queues(host)):
        settle_deadlines(host, np.int64(of_class))
    lanes[DRAWN] = 0


@kernel
def put_in(host, shift, comers):  # type: ignore[no-untyped-def]
    """Let clients sleep until they come again: comers int64[n, ROW], in the order of time and client. Those of slots of
    the wheel that have come, or all where there is none, go into NEAR, among those who lie there.
    """
    rows, lanes, whole = host.rows, host.lanes, host.whole
    left = np.int64(0)
    while left < comers.shape[0] and comers[place(left), TIME] >> shift <= whole[CURSOR]:
        left += 1
    for each in range(left, comers.shape[0]):
        due, who = comers[place(each), TIME], comers[place(each), WHO]
        expires, number = comers[place(each), EXPIRES], comers[place(each), NUMBER]
        store(host.pool, host.following, host.slots, whole, due >> shift, due, who, expires, number)
    first, before = lanes[FIRST + NEAR], lanes[END + NEAR] - 1
    lanes[END + NEAR] += left
    to = lanes[END + NEAR]
    if left > 0:
        lanes[LAST + NEAR] = max(lanes[LAST + NEAR], comers[place(left - 1), TIME])
    while left > 0:  # from the last to the first
        to -= 1
        into, at = row_at(lanes, NEAR, to), row_at(lanes, NEAR, before)
        due, who = comers[place(left - 1), TIME], comers[place(left - 1), WHO]
        time = rows[place(at + TIME)]
        if before >= first and (time > due or (time == due and rows[place(at + WHO)] & CLIENT > who & CLIENT)):
            _copy(rows, into, at)
            before -= 1
        else:
            left -= 1
            write(rows, into, due, who, comers[place(left), EXPIRES], comers[place(left), NUMBER])
    come_to(rows, lanes, np.int64(NEAR), first)
    lanes[DRAWN] = 0
