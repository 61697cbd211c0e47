"""Jobs on lanes: they come from outside, have no lease, and are over when they succeed or give up.

Arrivals are made AHEAD at a time, in order, so they need no more than a ring: that of checks, which jobs have none of.
Jobs whose turn it is while nobody waits are taken in batches, as in `quiet`, and nothing of them is put down.

How many jobs have no answer is asked whenever one comes, for the most in a window. Where a service begins ahead of the
clock, what its worker did before is over ahead of the clock, too. So that lies in a ring (Host.over) until the clock is
past it. The worker that is free first takes the next request, so the ring is in the order of time.
"""

import numpy as np

from recovery_kernels import draws
from recovery_kernels.events import MAX_CLIENTS, place
from recovery_kernels.jit import inline, kernel
from recovery_kernels.lanes.layout import (
    AHEAD,
    AS_RENEWAL,
    BATCH,
    BEFORE,
    CHECKS,
    DONE_AT,
    DRAWN,
    DUE,
    END,
    EXPIRES,
    EXPIRES_AT,
    FAR,
    FIRST,
    FORESEEN,
    FREED,
    GRANTS,
    IDLE,
    LANE_BITS,
    NEVER,
    NUMBER,
    OUTCOME,
    OVER_END,
    OVER_FIRST,
    ROW,
    STARTED_AT,
    SUBMITTED_AT,
    TIME,
    WHICH,
    WHO,
    WHO_IS,
)
from recovery_kernels.lanes.quiet import LONGEST_NS, begin_services, draw_services, keep, most_waited
from recovery_kernels.lanes.rows import row_at, write
from recovery_kernels.lanes.services import succeed
from recovery_kernels.requests import (
    ARRIVAL_AT,
    ARRIVED,
    BIN,
    BUSY_NS,
    JOB,
    NEXT_ARRIVAL,
    OLDEST_PEAK,
    OPEN,
    OPEN_PEAK,
    SEGMENT,
    SUBMITTED,
    SUCCEEDED,
    USEFUL_NS,
    arrival_after,
    part_of,
)


@kernel
def come(params, keys, inputs, host):  # type: ignore[no-untyped-def]
    """Put the next jobs into their lane, which is empty. NEXT_ARRIVAL is when one comes for whom there is no number."""
    whole, real, rows, lanes = host.whole, host.real, host.rows, host.lanes
    uniforms, masses = host.uniforms, host.values
    job, end = whole[JOB], lanes[END + CHECKS]
    if params.poisson != 0:
        for each in range(AHEAD):
            uniforms[place(each)] = draws.uniform(keys.arrival, job + each, 0)
        for each in range(AHEAD):
            masses[place(each)] = max(-draws.log(uniforms[place(each)]), 0.0)
    else:
        for each in range(AHEAD):
            masses[place(each)] = 1.0
        if job == 0:
            masses[0] = draws.uniform(keys.arrival, 0, 0)
    segment, at = whole[SEGMENT], real[ARRIVAL_AT]
    many = np.int64(0)
    while many < AHEAD:
        segment, at = arrival_after(inputs, segment, at, masses[place(many)])
        if at >= FAR:
            break  # nobody comes any more
        due = np.int64(at + 0.5)
        if job + many == MAX_CLIENTS:
            whole[NEXT_ARRIVAL] = due
            break
        write(rows, row_at(lanes, CHECKS, end + many), due, job + many, due, -2)
        many += 1
    whole[SEGMENT], real[ARRIVAL_AT] = segment, at
    whole[JOB] = job + many
    lanes[END + CHECKS] = end + many
    _head(rows, lanes)


@inline
def _head(rows, lanes):  # type: ignore[no-untyped-def]
    """The head of the lane of arrivals is another one."""
    first = lanes[FIRST + CHECKS]
    due = np.int64(NEVER + CHECKS)
    if first < lanes[END + CHECKS]:
        due = rows[place(row_at(lanes, CHECKS, first) + TIME)]
    lanes[DUE + CHECKS] = (due << LANE_BITS) | CHECKS


@inline
def note_over(host, at, ends):  # type: ignore[no-untyped-def]
    """A worker takes a request that was free from a time on, when its last service ended a job (1) or none (0)."""
    whole, over = host.whole, host.over
    first, end = whole[OVER_FIRST], whole[OVER_END]
    if end - first == over.shape[0]:  # the clock is past the first: fewer services begin ahead of it
        whole[OPEN] -= over[place(first & (over.shape[0] - 1))] & 1
        whole[OVER_FIRST] = first + 1
    over[place(end & (over.shape[0] - 1))] = (at << 1) | ends
    whole[OVER_END] = end + 1


@inline
def _pass(over, first, end, now, opened, most):  # type: ignore[no-untyped-def]
    """Take away the jobs that were over by `now`, until as many are left as there were at `most`. Returns the first of
    the ring that is left, and how many jobs are.
    """
    while opened > most and first < end:
        one = over[place(first & (over.shape[0] - 1))]
        if one >> 1 > now:
            break
        opened -= one & 1
        first += 1
    return first, opened


@inline
def _over_by(params, rules, host, now):  # type: ignore[no-untyped-def]
    """Jobs that were over by `now`, and whose workers have taken nothing since."""
    free, workers = host.free, host.workers
    until = (now + 2) << rules.worker_bits
    over = np.int64(0)
    for worker in range(params.workers):
        outcome = workers[place(OUTCOME + worker)]
        over += np.int64(free[place(worker)] < until) & np.int64(outcome >= FORESEEN) & np.int64(outcome <= GRANTS)
    return over


@kernel
def most_open(params, rules, host, now):  # type: ignore[no-untyped-def]
    """A job has come at `now`: there may be more without an answer than ever in this window."""
    whole = host.whole
    most, end = whole[OPEN_PEAK], whole[OVER_END]
    first, opened = _pass(host.over, whole[OVER_FIRST], end, now, whole[OPEN], most)
    whole[OVER_FIRST], whole[OPEN] = first, opened
    if opened > most:
        over = _over_by(params, rules, host, now) if first == end else np.int64(0)
        whole[OPEN_PEAK] = max(most, opened - over)


@kernel
def all_over(host):  # type: ignore[no-untyped-def]
    """The clock is past all that lies in the ring."""
    whole, over = host.whole, host.over
    for number in range(whole[OVER_FIRST], whole[OVER_END]):
        whole[OPEN] -= over[place(number & (over.shape[0] - 1))] & 1
    whole[OVER_FIRST] = whole[OVER_END]


@inline
def _look_ahead(params, keys, inputs, host, first, timeout_ns):  # type: ignore[no-untyped-def]
    """Write the next jobs into the records of a batch, and draw their services."""
    rows, lanes, workers = host.rows, host.lanes, host.workers
    begin = first & (AHEAD - 1)
    many = min(AHEAD - begin, lanes[END + CHECKS] - first)
    row = row_at(lanes, CHECKS, first)
    for each in range(many):
        at = row + each * ROW
        slot = BATCH + begin + each
        workers[place(SUBMITTED_AT + slot)] = rows[place(at + TIME)]
        workers[place(WHO_IS + slot)] = rows[place(at + WHO)]
        workers[place(EXPIRES_AT + slot)] = rows[place(at + EXPIRES)]
        workers[place(WHICH + slot)] = rows[place(at + NUMBER)] + 2
    most = np.float64(timeout_ns + 1)
    draw_services(params.establish, keys.service, inputs, host, begin, many, most, AS_RENEWAL)
    lanes[DRAWN] = first + many


@inline
def _count(host, flows, begin, end, limit):  # type: ignore[no-untyped-def]
    """Count what comes of the jobs of a batch, but for those that are done after `limit`."""
    whole, workers, histogram, latency = host.whole, host.workers, host.histogram, host.latency
    busy_ns, useful_ns, oldest, done = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    for each in range(begin, end):
        slot = BATCH + each
        start, finish = workers[place(STARTED_AT + slot)], workers[place(DONE_AT + slot)]
        is_done = np.int64(finish <= limit)
        oldest = max(oldest, start - workers[place(SUBMITTED_AT + slot)])
        busy_ns -= start
        useful_ns += finish - start if finish <= limit else 0
        done += is_done
        workers[place(OUTCOME + slot)] = GRANTS - is_done  # FORESEEN
    for each in range(begin, end):
        slot = BATCH + each
        finish = workers[place(DONE_AT + slot)]
        part, is_done = part_of(finish - workers[place(SUBMITTED_AT + slot)]), np.int64(finish <= limit)
        histogram[place(part)] += is_done
        latency[place(part)] += is_done
    whole[BUSY_NS] += busy_ns
    whole[OLDEST_PEAK] = max(whole[OLDEST_PEAK], oldest)
    flows[SUCCEEDED] += done
    flows[USEFUL_NS] += useful_ns


@inline
def _end_before(rules, host, flows, begin, end):  # type: ignore[no-untyped-def]
    """What the workers of a batch did before its jobs is over."""
    whole, workers, over = host.whole, host.workers, host.over
    size, number = np.int64(over.shape[0]), whole[OVER_END]
    first = whole[OVER_FIRST]
    while number - first > size - AHEAD:  # the clock is past these
        whole[OPEN] -= over[place(first & (size - 1))] & 1
        first += 1
    whole[OVER_FIRST] = first
    busy_ns = np.int64(0)
    for each in range(begin, end):
        slot = workers[place(BEFORE + each)]
        at = (workers[place(FREED + each)] >> rules.worker_bits) - 1
        outcome = workers[place(OUTCOME + slot)]
        ends = np.int64(outcome != IDLE)
        busy_ns += at if outcome != IDLE else 0
        over[place(number & (size - 1))] = (at << 1) | ends
        number += 1
        if outcome == GRANTS:
            succeed(host, flows, slot, at)
    whole[OVER_END] = number
    whole[BUSY_NS] += busy_ns


@inline
def _most_open(params, rules, host, begin, end):  # type: ignore[no-untyped-def]
    """As `most_open`, of the jobs of a batch. None of them is done when it comes, as its service takes a time."""
    whole, workers, over = host.whole, host.workers, host.over
    opened, most = whole[OPEN], whole[OPEN_PEAK]
    first, last = whole[OVER_FIRST], whole[OVER_END]
    for each in range(begin, end):
        opened += 1
        if opened > most:
            now = workers[place(SUBMITTED_AT + BATCH + each)]
            first, opened = _pass(over, first, last, now, opened, most)
            if opened > most:
                done = _over_by(params, rules, host, now) if first == last else np.int64(0)
                most = max(most, opened - done)
    whole[OPEN], whole[OPEN_PEAK] = opened, most
    whole[OVER_FIRST] = first


@kernel
def take_jobs(params, rules, keys, inputs, host, limit, until, least, starts, seen, peak):  # type: ignore[no-untyped-def]
    """As `quiet.take`, of jobs that come before `until`. Returns what changes of what `engine._run` keeps: the least of
    the workers, and of starts ahead of the clock how many began, how many it has passed, and the most who waited.
    """
    lanes, workers = host.lanes, host.workers
    worker_bits = rules.worker_bits
    timeout_ns = min(rules.timeout_ns, np.int64(LONGEST_NS))
    latest = (np.int64(1) << (62 - worker_bits)) - 2
    is_eager = rules.is_eager != 0
    ahead = limit if is_eager else np.int64(-1)  # up to then a request may start after its submission
    ring = np.int64(host.begun.shape[0])
    flows = host.series[place(host.whole[BIN])]
    while lanes[DUE + CHECKS] >> LANE_BITS < until:
        first = lanes[FIRST + CHECKS]
        begin = first & (AHEAD - 1)
        if first >= lanes[DRAWN]:
            _look_ahead(params, keys, inputs, host, first, timeout_ns)
        end = begin + lanes[DRAWN] - first
        if is_eager:
            end = min(end, begin + ring - (starts - seen))
        end, least = begin_services(params, rules, host, True, ahead, until, latest, timeout_ns, begin, end, least)
        many = end - begin
        if many == 0:
            break
        flows[ARRIVED] += many
        flows[SUBMITTED] += many
        _count(host, flows, begin, end, limit)
        if is_eager:
            peak = most_waited(host, starts, peak, begin, many)
            starts += many
            seen = max(seen, starts - peak)
        _end_before(rules, host, flows, begin, end)
        keep(params, rules, workers, begin, end)
        _most_open(params, rules, host, begin, end)
        lanes[FIRST + CHECKS] = first + many
        if lanes[FIRST + CHECKS] == lanes[END + CHECKS]:
            come(params, keys, inputs, host)
        else:
            _head(host.rows, lanes)
    return least, starts, seen, peak
