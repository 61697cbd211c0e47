"""A host of the lane engine before its first event and after its last: its holders put in, and told where they are."""

import numpy as np

from recovery_kernels.events import place
from recovery_kernels.jit import kernel
from recovery_kernels.lanes.classes import class_of, timeout_of
from recovery_kernels.lanes.layout import (
    CHECKS,
    CHUNK,
    CLIENT,
    DEADLINES,
    DUE,
    END,
    EXPIRES,
    EXPIRES_AT,
    FAILS_UNHEARD,
    FIRST,
    GRANTS,
    IDLE,
    LANE_BITS,
    LANE_NUMBERS,
    LANES,
    LAST,
    MEMORY,
    MOST_WORKERS,
    NUMBER,
    OUTCOME,
    PAID_NS,
    ROW,
    STARTED_AT,
    SUBMITTED_AT,
    TELLS,
    WHO,
    WHO_IS,
)
from recovery_kernels.lanes.rows import row_at, write
from recovery_kernels.lanes.wheel import wait
from recovery_kernels.requests import (
    BIN,
    FAILED_NS,
    LEASED,
    NOW,
    OVERHEAD_NS,
    SLEEPERS,
    USEFUL_NS,
    WASTED_NS,
)
from recovery_kernels.sessions.layout import SERIES


@kernel
def begin(window_ns, first_ns, expires_ns, order, host, shift, is_constant):  # type: ignore[no-untyped-def]
    """Put the holders where they wait for their checks: into their lane, if checks `is_constant`, else into the wheel.
    int64[holders] of each the first submission and the end of its lease (<= 0: none), ns, in the `order` of the first.
    `expiring` has one window more than the run, for leases that end after it.
    """
    rows, lanes, whole, expiring = host.rows, host.lanes, host.whole, host.expiring
    holders = first_ns.shape[0]
    after = host.series.shape[0] - 1
    for number in range(holders):
        holder = order[number]
        first, expires = first_ns[holder], expires_ns[holder]
        if is_constant:
            write(rows, row_at(lanes, CHECKS, number), first, holder, expires, -2)
        else:
            wait(host, shift, first, holder, expires, np.int64(-2))
        of_class = class_of(host, holder)
        whole[place(of_class * MEMORY + SLEEPERS)] += 1
        if expires > 0:
            whole[place(of_class * MEMORY + LEASED)] += 1
            expiring[place(of_class * (after + 1) + min((expires - 1) // window_ns, after))] += 1
    if is_constant:
        lanes[END + CHECKS] = holders
        lanes[LAST + CHECKS] = first_ns[order[holders - 1]]
        lanes[DUE + CHECKS] = (first_ns[order[0]] << LANE_BITS) | CHECKS


@kernel
def leases(rows, lanes, workers, slots, pool, following, expires_ns):  # type: ignore[no-untyped-def]
    """Fill expires_ns (int64[holders]) with the end of each holder's lease: each is in one lane, or with the worker
    from which it will hear in time, or in the wheel. Returns how many were found there.
    """
    count = 0
    blocks = lanes.shape[0] // LANE_NUMBERS
    for each in range(LANES + blocks - 1):
        lane = each if each < LANES else (each - LANES + 1) * LANE_NUMBERS + DEADLINES
        if lane == DEADLINES and blocks > 1:
            continue  # where there are classes that is a copy
        for number in range(lanes[place(FIRST + lane)], lanes[place(END + lane)]):
            at = row_at(lanes, lane, number)
            if lane % LANE_NUMBERS != DEADLINES or rows[place(at + NUMBER)] & 1 == 0:
                expires_ns[place(rows[place(at + WHO)] & CLIENT)] = rows[place(at + EXPIRES)]
                count += 1
    for worker in range(MOST_WORKERS):
        outcome = workers[place(OUTCOME + worker)]
        if outcome in (GRANTS, TELLS):
            expires_ns[place(workers[place(WHO_IS + worker)] & CLIENT)] = workers[place(EXPIRES_AT + worker)]
            count += 1
    for slot in range(slots.shape[0]):
        end = np.int64(slots[slot])
        while end > 0:
            chunk = (end - 1) // CHUNK
            for row in range(chunk * CHUNK, end):
                expires_ns[place(pool[place(row * ROW + WHO)] & CLIENT)] = pool[place(row * ROW + EXPIRES)]
                count += 1
            end = (np.int64(following[place(chunk)]) + 1) * CHUNK
    return count


@kernel
def close(workers, rules, host):  # type: ignore[no-untyped-def]
    """Count the work of so many workers on requests that are in service, in the window that has just ended. What
    somebody waits for, who has not waited longer than a timeout, is useful so far.
    """
    work, now = host.workers, host.whole[NOW]
    last = host.series[host.whole[BIN] - 1]
    for worker in range(workers):
        outcome = work[place(OUTCOME + worker)]
        if outcome == IDLE:
            continue
        elapsed = now - work[place(STARTED_AT + worker)]
        paid = min(work[place(PAID_NS + worker)], elapsed)
        number, column = class_of(host, work[place(WHO_IS + worker)] & CLIENT), np.int64(WASTED_NS)
        if outcome in (TELLS, FAILS_UNHEARD):
            column = np.int64(FAILED_NS)
        elif work[place(SUBMITTED_AT + worker)] + timeout_of(rules, host, number) >= now:
            column = np.int64(USEFUL_NS)
        row = number * SERIES
        last[place(row + OVERHEAD_NS)] += paid
        last[place(row + column)] += elapsed - paid


@kernel
def unleased(expires_ns, now, parts):  # type: ignore[no-untyped-def]
    """Add to parts (int64[2]) the time that holders, whose leases end at expires_ns (int64[holders]), have been without
    one up to `now` (ns): seconds and, beside them, ns, whose sums fit 64 bits.
    """
    for holder in range(expires_ns.shape[0]):
        if expires_ns[holder] < now:
            lost = now - max(expires_ns[holder], 0)
            parts[0] += lost // 1_000_000_000
            parts[1] += lost % 1_000_000_000
