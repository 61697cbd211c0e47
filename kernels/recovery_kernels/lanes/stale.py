"""What happens most of the time where a herd has collapsed: workers take requests from the head of the queue and are
too late with them, and clients give up and submit their next ones, which go to the end of the queue.

Services begin ahead of the clock (see `engine`). So workers take many requests one after the other, up to the end of
the stretch, and then many clients give up one after the other. As in `quiet`, services are drawn first, in batches;
which worker takes each comes next, and what is only counted comes last. What is done within the stretch is counted when
it begins.
"""

import numpy as np

from recovery_kernels.events import NEVER as NEVER_FREE
from recovery_kernels.events import place
from recovery_kernels.jit import inline, kernel
from recovery_kernels.lanes.layout import (
    AHEAD,
    AS_RENEWAL,
    BATCH,
    CLIENT,
    COUNTED,
    DEADLINES,
    DONE_AT,
    DRAWN,
    DUE,
    END,
    EXPIRES,
    EXPIRES_AT,
    FIRST,
    GROUP,
    LANE_BITS,
    LANES,
    LATER,
    LONG_AGO,
    LONGER,
    MASK,
    NEVER,
    NUMBER,
    OUTCOME,
    PAID_NS,
    ROW,
    STALE,
    STARTED_AT,
    SUBMITTED_AT,
    TIME,
    TRY,
    WASTES,
    WHICH,
    WHO,
    WHO_IS,
)
from recovery_kernels.lanes.quiet import LONGEST_NS, draw_services, in_order
from recovery_kernels.lanes.rows import come_to, row_at, write
from recovery_kernels.lanes.servers import settle
from recovery_kernels.lanes.services import sweep
from recovery_kernels.requests import BIN, BUSY_NS, EDGE, OLDEST_PEAK, SUBMITTED, WASTED, WASTED_NS, part_of

# Requests of the first batch of a stretch. Each batch has up to twice as many as the one before, since it is not known
# before how many begin within the stretch: what is drawn for the others is lost.
_FEWEST = 8


@inline
def _look_at(params, rules, keys, inputs, host, head, many, start, limit):  # type: ignore[no-untyped-def]
    """Write so many requests from the head of the queue on, none of which begins before `start`, into the records of a
    batch, and draw their services: as renewals, and how much longer they are as first requests. Those that begin after
    `limit` will not be taken. Stale work that is only counted is first requests of nobody, by its number.
    """
    rows, lanes, workers = host.rows, host.lanes, host.workers
    soonest, latest = np.int64(NEVER), np.int64(-NEVER)
    row = row_at(lanes, DEADLINES, head)
    if rules.counts_stale != 0:
        for each in range(many):
            slot = BATCH + each
            workers[place(SUBMITTED_AT + slot)] = rows[place(row + each * ROW + TIME)]
            workers[place(WHO_IS + slot)] = 0
            workers[place(EXPIRES_AT + slot)] = 0
            workers[place(WHICH + slot)] = (host.whole[STALE] + each) << 1
            workers[place(AS_RENEWAL + each)] = 0
        draw_services(params.establish, keys.stale, inputs, host, np.int64(0), many, np.float64(LONGEST_NS), LONGER)
        return
    for each in range(many):
        at = row + each * ROW
        slot = BATCH + each
        workers[place(SUBMITTED_AT + slot)] = rows[place(at + TIME)]
        workers[place(WHO_IS + slot)] = rows[place(at + WHO)] & CLIENT
        workers[place(EXPIRES_AT + slot)] = rows[place(at + EXPIRES)]
        workers[place(WHICH + slot)] = rows[place(at + NUMBER)]
        soonest = min(soonest, rows[place(at + EXPIRES)])
        latest = max(latest, rows[place(at + EXPIRES)])
    most = np.float64(LONGEST_NS)
    if latest > start:
        draw_services(params.renew, keys.service, inputs, host, np.int64(0), many, most, AS_RENEWAL)
    else:
        for each in range(many):
            workers[place(AS_RENEWAL + each)] = 0
    if soonest <= limit:
        draw_services(params.establish, keys.service, inputs, host, np.int64(0), many, most, LONGER)
        for each in range(many):
            workers[place(LONGER + each)] -= workers[place(AS_RENEWAL + each)]
    else:
        for each in range(many):
            workers[place(LONGER + each)] = 0


@inline
def _begin(params, rules, host, is_few, limit, many, least):  # type: ignore[no-untyped-def]
    """Find out which worker takes each request of a batch, when, and when it is done, as in `quiet`. Returns before
    which of them that ends, as it would begin after `limit` or be done in time (where `counts_stale`: begin in time),
    and the least of the workers. All who take one are idle, and those who wait came before any worker is free.
    """
    counts_stale = rules.counts_stale != 0
    workers, free = host.workers, host.free
    worker_bits = rules.worker_bits
    number_of = (np.int64(1) << worker_bits) - 1
    latest = (np.int64(1) << (62 - worker_bits)) - 2
    two, three, four = least, least, least
    if is_few:
        least, two, three, four = in_order(free[0], np.int64(NEVER_FREE), np.int64(NEVER_FREE), np.int64(NEVER_FREE))
        least, two, three, four = in_order(least, two, three, free[1])
        least, two, three, four = in_order(least, two, three, free[2])
        least, two, three, four = in_order(least, two, three, free[3])
    each = np.int64(0)
    while each < many:
        slot = BATCH + each
        worker = least & number_of
        start = (least >> worker_bits) - 1
        longer = workers[place(LONGER + each)] if workers[place(EXPIRES_AT + slot)] <= start else 0
        service = workers[place(AS_RENEWAL + each)] + longer
        freed = least + (workers[place(AS_RENEWAL + each)] << worker_bits) + (longer << worker_bits)
        finish = (freed >> worker_bits) - 1
        deadline = workers[place(SUBMITTED_AT + slot)] + rules.timeout_ns
        is_heard = (start if counts_stale else finish) <= deadline
        if start > limit or is_heard or finish > latest or service >= LONGEST_NS:
            break
        workers[place(STARTED_AT + slot)] = start
        workers[place(DONE_AT + slot)] = finish
        if finish > limit:  # the last one of this worker
            workers[place(STARTED_AT + worker)] = start
            workers[place(SUBMITTED_AT + worker)] = LONG_AGO if counts_stale else workers[place(SUBMITTED_AT + slot)]
            workers[place(PAID_NS + worker)] = 0
            workers[place(OUTCOME + worker)] = WASTES
        least = freed
        free[place(worker)] = least
        if is_few:
            least, two, three, four = in_order(two, three, four, least)
        else:
            least = settle(free, host.least, worker, True)
        each += 1
    return each, least


@inline
def _count(params, rules, host, starts, many, limit):  # type: ignore[no-untyped-def]
    """Write down that the requests of a batch begin, and count those that are done by `limit`."""
    whole, workers, begun, histogram = host.whole, host.workers, host.begun, host.histogram
    flows = host.series[place(whole[BIN])]
    ring = np.int64(begun.shape[0])
    oldest, busy_ns, wasted_ns, done = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    for each in range(many):
        slot = BATCH + each
        start, finish = workers[place(STARTED_AT + slot)], workers[place(DONE_AT + slot)]
        oldest = max(oldest, start - workers[place(SUBMITTED_AT + slot)])
        busy_ns += (finish if finish <= limit else 0) - start
        wasted_ns += finish - start if finish <= limit else 0
        done += np.int64(finish <= limit)
    for each in range(many):
        begun[place((starts + each) & (ring - 1))] = workers[place(STARTED_AT + BATCH + each)]
    if rules.counts_stale != 0:
        whole[STALE] += many
        deadline = workers[place(SUBMITTED_AT + BATCH + many - 1)] + rules.timeout_ns  # until then it had an age
        oldest = min(oldest, rules.timeout_ns) if deadline >= whole[EDGE] - params.window_ns else np.int64(0)
    else:
        for each in range(many):
            slot = BATCH + each
            finish = workers[place(DONE_AT + slot)]
            histogram[place(part_of(finish - workers[place(SUBMITTED_AT + slot)]))] += np.int64(finish <= limit)
    whole[OLDEST_PEAK] = max(whole[OLDEST_PEAK], oldest)
    whole[BUSY_NS] += busy_ns
    flows[WASTED] += done
    flows[WASTED_NS] += wasted_ns


@kernel
def serve(params, rules, keys, inputs, host, shift, limit, stop, least, head, waiting, starts, seen):  # type: ignore[no-untyped-def]
    """Let workers take requests from the head of the queue up to `limit`, as long as they are too late with each. The
    clock is at `stop`, or where the first of the lanes is due. Returns what changes of what `engine._run` keeps: the
    least of the workers, from when on something may come of services, the head of the queue, how many wait, and of
    starts ahead of the clock how many began and how many it has passed.
    """
    lanes, begun = host.lanes, host.begun
    ring, mask = np.int64(begun.shape[0]), lanes[MASK + DEADLINES]
    now = stop
    for lane in range(LANES):
        now = min(now, lanes[place(DUE + lane)] >> LANE_BITS)
    # Now all who can take a request within the stretch are idle.
    next_sweep = sweep(params, rules, keys, inputs, host, shift, limit)
    lanes[DRAWN] = 0  # the records of batches are used here
    batch = np.int64(_FEWEST)
    while waiting > 0:
        start = (least >> rules.worker_bits) - 1
        if start > limit:
            break
        while starts - seen > ring - AHEAD and seen < starts and begun[place(seen & (ring - 1))] <= now:
            seen += 1
        many = min(batch, waiting, ring - (starts - seen), mask + 1 - (head & mask))
        if many == 0:
            break
        _look_at(params, rules, keys, inputs, host, head, many, start, limit)
        if params.workers <= GROUP // 2:
            taken, least = _begin(params, rules, host, True, limit, many, least)
        else:
            taken, least = _begin(params, rules, host, False, limit, many, least)
        _count(params, rules, host, starts, taken, limit)
        head += taken
        waiting -= taken
        starts += taken
        if taken < many:
            break
        batch = min(2 * batch, np.int64(AHEAD))
    return least, next_sweep, head, waiting, starts, seen


@kernel
def give_up(host, before, head, waiting, starts, seen, peak):  # type: ignore[no-untyped-def]
    """Let all clients that do so before a time (ns) give up and submit again; no worker can take what they submit, so
    it goes to the end of the queue, which has the head `head`. Returns what changes of what `engine._run` keeps: how
    many wait, how many starts ahead of the clock it has passed, and the most who waited.
    """
    rows, lanes, begun = host.rows, host.lanes, host.begun
    ring = np.int64(begun.shape[0])
    later = lanes[LATER + DEADLINES]
    first, end = lanes[FIRST + DEADLINES], lanes[END + DEADLINES]
    room = min(head, host.whole[COUNTED], first) + lanes[MASK + DEADLINES] - end
    last = min(end, first + room)
    since = end
    while first < last:
        at = row_at(lanes, DEADLINES, first)
        due, number = rows[place(at + TIME)] + later, rows[place(at + NUMBER)]
        if number & 1 == 0:
            if due >= before:
                break
            who, expires = rows[place(at + WHO)], rows[place(at + EXPIRES)]
            write(rows, row_at(lanes, DEADLINES, end), due, who + TRY, expires, number + 2)
            end += 1
            waiting += 1
            while waiting + starts - seen > peak:
                if seen == starts or begun[place(seen & (ring - 1))] > due:
                    peak = waiting + starts - seen
                else:
                    seen += 1
        first += 1
    lanes[END + DEADLINES] = end
    host.series[place(host.whole[BIN]), SUBMITTED] += end - since
    come_to(rows, lanes, DEADLINES, first)
    return waiting, seen, peak
