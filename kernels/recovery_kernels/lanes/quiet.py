"""What happens most of the time: a client whose turn it is finds no queue and will be answered in time, as was the one
before it at its worker. Such requests are taken in batches.

Each batch is gone through several times. Services are drawn first, and with jitter the times to the next checks. What
one request must know of the one before it, when which worker is free, comes next. What only has to be counted or put
down comes after it, of all of them: what is the same for many is counted at once, from numbers that lie side by side.
"""

import numpy as np

from recovery_kernels import draws, policies
from recovery_kernels.batches import window_of
from recovery_kernels.draws import CONSTANT
from recovery_kernels.events import NEVER as NEVER_FREE
from recovery_kernels.events import place
from recovery_kernels.jit import inline, kernel
from recovery_kernels.lanes.classes import begins, class_of, is_of_age, seen_by, service_of
from recovery_kernels.lanes.layout import (
    AHEAD,
    AS_RENEWAL,
    BATCH,
    BEFORE,
    CHECKS,
    CHOSEN,
    CLIENT,
    DONE_AT,
    DRAWN,
    DUE,
    END,
    ESTABLISH_AT,
    EXPIRES,
    EXPIRES_AT,
    FIRST,
    FORESEEN,
    FREED,
    GRANTS,
    GROUP,
    IDLE,
    LANE_BITS,
    LAST,
    LONGER,
    MASK,
    NEAR,
    NEVER,
    NUMBER,
    OF_CLASS,
    OFFSET,
    OUTCOME,
    PAID_NS,
    PAUSE_NS,
    RECORD,
    RENEW_AT,
    ROW,
    STARTED_AT,
    SUBMITTED_AT,
    TIME,
    WHICH,
    WHO,
    WHO_IS,
)
from recovery_kernels.lanes.rows import row_at, write
from recovery_kernels.lanes.servers import settle
from recovery_kernels.lanes.services import carry_out, count, pause_ns
from recovery_kernels.lanes.wheel import fetch_end, store, turn
from recovery_kernels.requests import (
    BIN,
    BUSY_NS,
    CURSOR,
    OLDEST_PEAK,
    SUBMITTED,
    SUCCEEDED,
    USEFUL_NS,
    part_of,
)
from recovery_kernels.sessions.layout import SERIES

LONGEST_NS = 1 << 50  # what takes longer, 13 days, is not taken in a batch
_FEW = 16  # windows that are gone through one after the other
# Added to a whole number below it, 2^52 leaves that number's bits behind its own: a conversion of which the processor
# does several at a time.
_WHOLE = 2.0**52
_WHOLE_BITS = np.int64(np.float64(_WHOLE).view(np.int64))


@inline
def draw_services(dist, key, inputs, host, begin, many, most, column):  # type: ignore[no-untyped-def]
    """Fill a column with the services (ns) of so many requests of a batch, of one law. Those above `most` are that."""
    workers, uniforms, values = host.workers, host.uniforms, host.values
    if dist.kind != CONSTANT:
        for each in range(many):
            slot = BATCH + begin + each
            client, attempt = workers[place(WHO_IS + slot)] & CLIENT, workers[place(WHICH + slot)] >> 1
            uniforms[place(each)] = draws.uniform(key, client, attempt)
    draws.quantiles(dist, inputs.table, uniforms, values, many)
    for each in range(many):
        value = values[place(each)]
        value = value if value < most else most
        workers[place(column + begin + each)] = np.float64(np.floor(value + 0.5) + _WHOLE).view(np.int64) - _WHOLE_BITS


@inline
def _draw_services_of_each(law_at, inputs, host, begin, many, most, column):  # type: ignore[no-untyped-def]
    """The same of requests of several classes, each by the law that lies there among the rules of its class."""
    workers, uniforms, values = host.workers, host.uniforms, host.values
    for number in range(host.firsts.shape[0]):
        found = np.int64(0)
        for each in range(begin, begin + many):
            workers[place(CHOSEN + found)] = each
            found += np.int64(workers[place(OF_CLASS + each)] == number)
        law, key, first = service_of(host, number, law_at)
        if law.kind != CONSTANT:
            for one in range(found):
                slot = BATCH + workers[place(CHOSEN + one)]
                client, attempt = (workers[place(WHO_IS + slot)] & CLIENT) - first, workers[place(WHICH + slot)] >> 1
                uniforms[place(one)] = draws.uniform(key, client, attempt)
        draws.quantiles(law, inputs.table, uniforms, values, found)
        for one in range(found):
            value = values[place(one)]
            value = value if value < most else most
            each = workers[place(CHOSEN + one)]
            workers[place(column + each)] = np.float64(np.floor(value + 0.5) + _WHOLE).view(np.int64) - _WHOLE_BITS


@inline
def _look_ahead(params, rules, keys, inputs, host, lane, first, timeout_ns, has_classes):  # type: ignore[no-untyped-def]
    """Write the next requests into the records of a batch, and draw their services: as first requests, if some may be
    such when they start, and as renewals, if some may be those; and how long they wait for their next checks, with
    jitter. Each step goes over numbers that lie side by side.
    """
    rows, lanes, workers = host.rows, host.lanes, host.workers
    begin = first & (AHEAD - 1)
    mask = lanes[place(MASK + lane)]
    row = first & mask
    many = min(AHEAD - begin, mask + 1 - row, lanes[place(END + lane)] - first)
    row = lanes[place(OFFSET + lane)] + row * ROW
    soonest, latest = np.int64(NEVER), np.int64(-NEVER)
    for each in range(many):
        at = row + each * ROW
        slot = BATCH + begin + each
        workers[place(SUBMITTED_AT + slot)] = rows[place(at + TIME)]
        workers[place(WHO_IS + slot)] = rows[place(at + WHO)]
        workers[place(EXPIRES_AT + slot)] = rows[place(at + EXPIRES)]
        workers[place(WHICH + slot)] = rows[place(at + NUMBER)] + 2
        soonest = min(soonest, rows[place(at + EXPIRES)])
        latest = max(latest, rows[place(at + EXPIRES)])
    if has_classes:
        for each in range(begin, begin + many):
            workers[place(OF_CLASS + each)] = class_of(host, workers[place(WHO_IS + BATCH + each)] & CLIENT)
    most = np.float64(timeout_ns + 1)
    may_be_first = soonest <= workers[place(SUBMITTED_AT + BATCH + begin + many - 1)] + timeout_ns
    if may_be_first:
        if has_classes:
            _draw_services_of_each(ESTABLISH_AT, inputs, host, begin, many, most, LONGER)
        else:
            draw_services(params.establish, keys.service, inputs, host, begin, many, most, LONGER)
    if latest > workers[place(SUBMITTED_AT + BATCH + begin)]:
        if has_classes:
            _draw_services_of_each(RENEW_AT, inputs, host, begin, many, most, AS_RENEWAL)
        else:
            draw_services(params.renew, keys.service, inputs, host, begin, many, most, AS_RENEWAL)
    for each in range(begin, begin + many):
        longer = workers[place(LONGER + each)] - workers[place(AS_RENEWAL + each)]
        workers[place(LONGER + each)] = longer if may_be_first else 0
    if rules.check_ns < 0 and has_classes:
        for each in range(begin, begin + many):
            slot = BATCH + each
            own, streams, client = seen_by(params, keys, host, workers[place(WHO_IS + slot)] & CLIENT, True)
            u = draws.uniform(streams.check, client, workers[place(WHICH + slot)] >> 1)
            workers[place(PAUSE_NS + slot)] = pause_ns(own, u)
    elif rules.check_ns < 0:
        for each in range(many):
            slot = BATCH + begin + each
            client, attempt = workers[place(WHO_IS + slot)] & CLIENT, workers[place(WHICH + slot)] >> 1
            host.uniforms[place(each)] = draws.uniform(keys.check, client, attempt)
        for each in range(many):
            workers[place(PAUSE_NS + BATCH + begin + each)] = pause_ns(params, host.uniforms[place(each)])
    lanes[DRAWN] = first + many


@inline
def _run_out(params, rules, host, begin, end, lowest, highest, change):  # type: ignore[no-untyped-def]
    """Change by one for each request of a batch how many leases run out in the window at whose end its lease is gone.
    The leases end from `lowest` to `highest`, mostly all in one window, or in a few.
    """
    expiring, workers, window_ns = host.expiring, host.workers, params.window_ns
    last = np.int64(expiring.shape[0] - 1)
    if highest - lowest > _FEW * window_ns:
        for each in range(begin, end):
            expires = workers[place(EXPIRES_AT + BATCH + each)]
            window = window_of(expires - 1, window_ns, rules.windows_per_ns)
            expiring[place(min(window, last))] += change
        return
    window = window_of(lowest - 1, window_ns, rules.windows_per_ns)
    since = window * window_ns
    left = end - begin
    while left > 0:
        until = since + window_ns
        many = left
        if highest > until:
            many = np.int64(0)
            for each in range(begin, end):
                expires = workers[place(EXPIRES_AT + BATCH + each)]
                many += np.int64(expires > since) & np.int64(expires <= until)
        expiring[place(min(window, last))] += change * many
        left -= many
        window += 1
        since = until


@inline
def _count_all(params, rules, keys, inputs, host, flows, begin, end, limit, has_classes):  # type: ignore[no-untyped-def]
    """Count what comes of the requests of a batch, though most are still in service. Not counted are those that are
    done after `limit`. Returns when the first of them is done.
    """
    whole, workers, histogram = host.whole, host.workers, host.histogram
    busy_ns, useful_ns, oldest = np.int64(0), np.int64(0), np.int64(0)
    soonest, latest, lowest, highest = np.int64(NEVER), np.int64(0), np.int64(NEVER), np.int64(-NEVER)
    for each in range(begin, end):
        slot = BATCH + each
        start = workers[place(STARTED_AT + slot)]
        expires = workers[place(EXPIRES_AT + slot)]
        finish = workers[place(DONE_AT + slot)]
        oldest = max(oldest, start - workers[place(SUBMITTED_AT + slot)])
        busy_ns -= start
        useful_ns += finish - start
        soonest, latest = min(soonest, finish), max(latest, finish)
        lowest, highest = min(lowest, expires), max(highest, expires)
    whole[BUSY_NS] += busy_ns
    whole[OLDEST_PEAK] = max(whole[OLDEST_PEAK], oldest)
    is_from_arrival = params.lease.kind == policies.CREDIT_ON_ARRIVAL
    first_from, last_from = soonest, latest
    if is_from_arrival:
        submitted = SUBMITTED_AT + BATCH
        first_from, last_from = workers[place(submitted + begin)], workers[place(submitted + end - 1)]
    first_new, last_new = first_from + rules.lease_ns, last_from + rules.lease_ns
    if rules.lease_ns >= 0 and latest <= min(limit, lowest - 1, first_new - 1):  # nearly always: all are renewals
        flows[SUCCEEDED] += end - begin
        flows[USEFUL_NS] += useful_ns
        _run_out(params, rules, host, begin, end, lowest, highest, -1)
        for each in range(begin, end):
            slot = BATCH + each
            credit = workers[place(SUBMITTED_AT + slot)] if is_from_arrival else workers[place(DONE_AT + slot)]
            workers[place(EXPIRES_AT + slot)] = credit + rules.lease_ns
        _run_out(params, rules, host, begin, end, first_new, last_new, 1)
        for each in range(begin, end):
            slot = BATCH + each
            sojourn = workers[place(DONE_AT + slot)] - workers[place(SUBMITTED_AT + slot)]
            histogram[place(part_of(sojourn))] += 1
        return soonest
    for each in range(begin, end):
        slot = BATCH + each
        if workers[place(DONE_AT + slot)] <= limit:
            workers[place(EXPIRES_AT + slot)] = count(
                params, rules, keys, inputs, host, flows, slot, workers[place(DONE_AT + slot)], has_classes
            )
        else:
            workers[place(OUTCOME + slot)] = GRANTS
    return soonest


@inline
def _put_down(params, rules, keys, inputs, host, lane, shift, begin, many):  # type: ignore[no-untyped-def]
    """Put down the next checks of all who were done before the requests of a batch were taken."""
    workers, rows, lanes = host.workers, host.rows, host.lanes
    pool, following, slots, whole = host.pool, host.following, host.slots, host.whole
    check_ns, cursor = rules.check_ns, whole[CURSOR]
    offset, mask = lanes[OFFSET + CHECKS], lanes[MASK + CHECKS]
    end, last = lanes[END + CHECKS], lanes[LAST + CHECKS]
    busy_ns = np.int64(0)
    for each in range(begin, begin + many):
        slot = workers[place(BEFORE + each)]
        now = workers[place(DONE_AT + slot)]
        outcome = workers[place(OUTCOME + slot)]
        if outcome == FORESEEN and check_ns < 0 and (now + workers[place(PAUSE_NS + slot)]) >> shift > cursor:
            busy_ns += now
            due = now + workers[place(PAUSE_NS + slot)]
            client, expires = workers[place(WHO_IS + slot)] & CLIENT, workers[place(EXPIRES_AT + slot)]
            store(pool, following, slots, whole, due >> shift, due, client, expires, workers[place(WHICH + slot)])
        elif outcome == FORESEEN and check_ns >= 0 and now + check_ns > last:
            busy_ns += now
            last = now + check_ns
            client, expires = workers[place(WHO_IS + slot)] & CLIENT, workers[place(EXPIRES_AT + slot)]
            write(rows, offset + (end & mask) * ROW, last, client, expires, workers[place(WHICH + slot)])
            end += 1
        elif outcome != IDLE:
            now = (workers[place(FREED + each)] >> rules.worker_bits) - 1
            busy_ns += now
            lanes[END + CHECKS], lanes[LAST + CHECKS] = end, last
            carry_out(params, rules, keys, inputs, host, shift, slot, now)
            end, last = lanes[END + CHECKS], lanes[LAST + CHECKS]
    lanes[END + CHECKS], lanes[LAST + CHECKS] = end, last
    host.whole[BUSY_NS] += busy_ns
    first = lanes[place(FIRST + lane)]
    due = np.int64(NEVER + lane)
    if first < lanes[place(END + lane)]:
        due = rows[place(row_at(lanes, lane, first) + TIME)]
    lanes[place(DUE + lane)] = (due << LANE_BITS) | lane


@inline
def _keep(workers, worker, slot):  # type: ignore[no-untyped-def]
    """A request of a batch that is still in service when the batch is over: its numbers become those of its worker."""
    workers[place(RECORD + worker)] = worker
    workers[place(STARTED_AT + worker)] = workers[place(STARTED_AT + slot)]
    workers[place(SUBMITTED_AT + worker)] = workers[place(SUBMITTED_AT + slot)]
    workers[place(PAID_NS + worker)] = 0
    workers[place(OUTCOME + worker)] = workers[place(OUTCOME + slot)]
    workers[place(WHO_IS + worker)] = workers[place(WHO_IS + slot)]
    workers[place(EXPIRES_AT + worker)] = workers[place(EXPIRES_AT + slot)]
    workers[place(WHICH + worker)] = workers[place(WHICH + slot)]
    workers[place(PAUSE_NS + worker)] = workers[place(PAUSE_NS + slot)]
    workers[place(DONE_AT + worker)] = workers[place(DONE_AT + slot)]
    workers[place(OUTCOME + slot)] = FORESEEN


@inline
def most_waited(host, starts, peak, begin, many):  # type: ignore[no-untyped-def]
    """Write down when the requests of a batch start, of which so many had begun before. Returns how many wait at most,
    if those were `peak` so far. One more than ever waits when a request comes if the one so many before it has not yet
    begun, as all begin in their order. Mostly that is true of none.
    """
    begun, workers = host.begun, host.workers
    ring = np.int64(begun.shape[0])
    here, there = starts & (ring - 1), (starts - peak) & (ring - 1)
    started, submitted = STARTED_AT + BATCH + begin, SUBMITTED_AT + BATCH + begin
    if max(here, there) + many <= ring and peak + 2 * AHEAD < ring:
        for each in range(many):
            begun[place(here + each)] = workers[place(started + each)]
        late = np.int64(0)
        for each in range(many):
            late |= workers[place(submitted + each)] - begun[place(there + each)]
        if late >= 0:  # all had begun
            return peak
    for each in range(many):
        begun[place((starts + each) & (ring - 1))] = workers[place(started + each)]
        other = begun[place((starts + each - peak) & (ring - 1))]
        if other > workers[place(submitted + each)] and peak < ring:
            peak += 1
    return peak


@inline
def _submit_each(host, flows, is_eager, begin, end):  # type: ignore[no-untyped-def]
    """Count the requests of a batch by class, how many of each class wait, and how long."""
    workers = host.workers
    for each in range(begin, end):
        number, slot = workers[place(OF_CLASS + each)], BATCH + each
        start, submitted = workers[place(STARTED_AT + slot)], workers[place(SUBMITTED_AT + slot)]
        flows[place(number * SERIES + SUBMITTED)] += 1
        is_of_age(host, number, start - submitted)
        if is_eager:
            begins(host, number, start, submitted, False)


@inline
def in_order(one, two, three, other):  # type: ignore[no-untyped-def]
    """Three numbers that are in order, and another one, in order."""
    one, other = min(one, other), max(one, other)
    two, other = min(two, other), max(two, other)
    return one, two, min(three, other), max(three, other)


@inline
def _begin_services(params, rules, host, is_jobs, is_few, ahead, stop, latest, timeout_ns, begin, end, least):  # type: ignore[no-untyped-def]
    """Find out which worker takes each request of a batch, when, and when it is done. Returns before which of them that
    ends, and the least of the workers. `is_jobs`: there are no renewals, and no service without a time. `is_few`: the
    workers are four at most, and written out, so that the order of all stays in registers.

    A request waits for what the one before it gives, so each step from `least` to the next `least` costs time: times
    are compared and added as they lie in Host.free, and a first request adds to a service rather than choose one.
    """
    workers, free = host.workers, host.free
    worker_bits = rules.worker_bits
    number_of = (np.int64(1) << worker_bits) - 1
    two, three, four = least, least, least
    if is_few:
        least, two, three, four = in_order(free[0], np.int64(NEVER_FREE), np.int64(NEVER_FREE), np.int64(NEVER_FREE))
        least, two, three, four = in_order(least, two, three, free[1])
        least, two, three, four = in_order(least, two, three, free[2])
        least, two, three, four = in_order(least, two, three, free[3])
    each = begin
    while each < end:
        slot = BATCH + each
        now = workers[place(SUBMITTED_AT + slot)]
        worker = least & number_of
        before = workers[place(RECORD + worker)]
        begins = max(((now + 1) << worker_bits) | worker, least)
        start = (begins >> worker_bits) - 1
        if now >= stop or start > max(now, ahead) or workers[place(OUTCOME + before)] > GRANTS:
            break
        freed = begins + (workers[place(AS_RENEWAL + each)] << worker_bits)
        if not is_jobs:
            longer = workers[place(LONGER + each)] if workers[place(EXPIRES_AT + slot)] <= start else 0
            freed += longer << worker_bits
        elif freed == begins:
            break
        finish = (freed >> worker_bits) - 1
        if finish > now + timeout_ns or finish > latest:
            break
        workers[place(BEFORE + each)] = before
        workers[place(FREED + each)] = least
        workers[place(STARTED_AT + slot)] = start
        workers[place(DONE_AT + slot)] = finish
        workers[place(RECORD + worker)] = slot
        least = freed
        free[place(worker)] = least
        if is_few:
            least, two, three, four = in_order(two, three, four, least)
        else:
            least = settle(free, host.least, worker, True)
        each += 1
    return each, least


@inline
def begin_services(params, rules, host, is_jobs, ahead, stop, latest, timeout_ns, begin, end, least):  # type: ignore[no-untyped-def]
    """See `_begin_services`; whether workers are few is written out there."""
    if params.workers <= GROUP // 2:
        return _begin_services(params, rules, host, is_jobs, True, ahead, stop, latest, timeout_ns, begin, end, least)
    return _begin_services(params, rules, host, is_jobs, False, ahead, stop, latest, timeout_ns, begin, end, least)


@inline
def keep(params, rules, workers, begin, end):  # type: ignore[no-untyped-def]
    """Keep what is still in service when a batch is over."""
    number_of = (np.int64(1) << rules.worker_bits) - 1
    if params.workers <= end - begin:
        for worker in range(params.workers):
            if workers[place(RECORD + worker)] != worker:
                _keep(workers, worker, workers[place(RECORD + worker)])
    else:
        for each in range(begin, end):
            worker = workers[place(FREED + each)] & number_of
            if workers[place(RECORD + worker)] == BATCH + each:
                _keep(workers, worker, BATCH + each)


@inline
def _take(params, rules, keys, inputs, host, shift, has_classes, limit, until, least, next_sweep, starts, seen, peak):  # type: ignore[no-untyped-def]
    """See `take`."""
    lane = np.int64(CHECKS if rules.check_ns >= 0 else NEAR)
    lanes, workers = host.lanes, host.workers
    worker_bits, least_check_ns = rules.worker_bits, rules.least_check_ns
    timeout_ns = min(rules.timeout_ns, np.int64(LONGEST_NS))
    latest = (np.int64(1) << (62 - worker_bits)) - 2
    is_eager = rules.is_eager != 0
    ahead = limit if is_eager else np.int64(-1)  # up to then a request may start after its submission
    ring = np.int64(host.begun.shape[0])
    flows = host.series[place(host.whole[BIN])]
    while True:
        first = lanes[place(FIRST + lane)]
        if lane == NEAR and lanes[DRAWN] <= first and lanes[END + NEAR] - first < AHEAD:
            if (host.whole[CURSOR] + 1) << shift < until:
                turn(host, shift, until - 1)
                first, lanes[DRAWN] = lanes[FIRST + NEAR], 0
        begin = first & (AHEAD - 1)
        now = lanes[place(DUE + lane)] >> LANE_BITS
        if now >= until:
            break
        if first >= lanes[DRAWN]:
            _look_ahead(params, rules, keys, inputs, host, lane, first, timeout_ns, has_classes)
        end = begin + lanes[DRAWN] - first
        if is_eager:
            end = min(end, begin + ring - (starts - seen))
        stop = min(until, now + least_check_ns)  # nothing comes sooner of what begins from now on
        end, least = begin_services(params, rules, host, False, ahead, stop, latest, timeout_ns, begin, end, least)
        many = end - begin
        if many == 0:
            break
        lanes[place(FIRST + lane)] = first + many
        if has_classes:
            _submit_each(host, flows, is_eager, begin, end)
        else:
            flows[SUBMITTED] += many
        if lane == NEAR:  # where their next checks will lie comes to the cache meanwhile
            for each in range(begin, end):
                due = workers[place(DONE_AT + BATCH + each)] + workers[place(PAUSE_NS + BATCH + each)]
                fetch_end(host.pool, host.slots, due >> shift)
        soonest = _count_all(params, rules, keys, inputs, host, flows, begin, end, limit, has_classes)
        next_sweep = min(next_sweep, soonest + least_check_ns)
        until = min(until, next_sweep)
        if is_eager:
            peak = most_waited(host, starts, peak, begin, many)
            starts += many
            seen = max(seen, starts - peak)
        _put_down(params, rules, keys, inputs, host, lane, shift, begin, many)
        keep(params, rules, workers, begin, end)
    return least, next_sweep, starts, seen, peak


@kernel
def take(params, rules, keys, inputs, host, shift, limit, until, least, next_sweep, starts, seen, peak):  # type: ignore[no-untyped-def]
    """Take requests of the lane of checks, or where these have jitter of NEAR and of the wheel behind it, that come
    before `until`, as long as nothing else happens than the module says. Returns what changes of what `engine._run`
    keeps: the least of the workers, from when on something may come of services, and of starts ahead of the clock how
    many began, how many it has passed, and the most who waited.
    """
    return _take(params, rules, keys, inputs, host, shift, False, limit, until, least, next_sweep, starts, seen, peak)


@kernel
def take_of_classes(params, rules, keys, inputs, host, shift, limit, until, least, next_sweep, starts, seen, peak):  # type: ignore[no-untyped-def]
    """As `take`, of a host with several classes."""
    return _take(params, rules, keys, inputs, host, shift, True, limit, until, least, next_sweep, starts, seen, peak)
