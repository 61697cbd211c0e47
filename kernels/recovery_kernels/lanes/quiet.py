"""What happens most of the time where all delays but those of services are constant: a client whose turn it is finds no
queue and will be answered in time, as was the one before it at its worker. Such requests are taken in batches.

Each batch is gone through twice. What one request must know of the one before it, when which worker is free, comes
first; what only has to be counted or put down comes after it, of all of them.
"""

import numpy as np

from recovery_kernels import draws, policies
from recovery_kernels.batches import window_of
from recovery_kernels.draws import CONSTANT, EXPONENTIAL
from recovery_kernels.events import place
from recovery_kernels.jit import inline, kernel
from recovery_kernels.lanes.layout import (
    AHEAD,
    CHECKS,
    CLIENT,
    DOOM,
    DRAWN,
    DUE,
    END,
    EXPIRES,
    EXPIRES_AT,
    FIRST,
    GRANTS,
    GROUP,
    IDLE,
    LANE_BITS,
    LAST,
    MASK,
    NEVER,
    NEW,
    NUMBER,
    OFFSET,
    OLD,
    OUTCOME,
    PAID_NS,
    RECORD,
    ROW,
    STARTED_AT,
    SUBMITTED_AT,
    TIME,
    WHICH,
    WHO,
    WHO_IS,
    WORKER,
)
from recovery_kernels.lanes.rows import make_room, row_at, write
from recovery_kernels.lanes.servers import settle
from recovery_kernels.requests import (
    BIN,
    BUSY_NS,
    ESTABLISHED,
    LEASED,
    OLDEST_PEAK,
    OVERHEAD_NS,
    SUBMITTED,
    SUCCEEDED,
    UNLEASED_CARRY,
    UNLEASED_CARRY_NS,
    UNLEASED_NS,
    USEFUL_NS,
    part_of,
)


@inline
def _look_ahead(host, first, has_logs, key):  # type: ignore[no-untyped-def]
    """Write the next requests into the records of a batch, and the logarithms of the draws of their services if some
    need them. Addresses lie side by side, so that the processor draws several uniforms at a time.
    """
    rows, lanes, workers = host.rows, host.lanes, host.workers
    clients, attempts, logs = host.clients, host.attempts, host.logs
    begin = first & (AHEAD - 1)
    many = min(AHEAD - begin, lanes[END + CHECKS] - first)
    offset, mask = lanes[OFFSET + CHECKS], lanes[MASK + CHECKS]
    record = (np.int64(host.free.shape[0]) + begin) * WORKER
    for number in range(many):
        at = offset + ((first + number) & mask) * ROW
        who = rows[place(at + WHO)]
        attempt = rows[place(at + NUMBER)] + 2
        workers[place(record + SUBMITTED_AT)] = rows[place(at + TIME)]
        workers[place(record + WHO_IS)] = who
        workers[place(record + EXPIRES_AT)] = rows[place(at + EXPIRES)]
        workers[place(record + WHICH)] = attempt
        clients[place(number)] = who & CLIENT
        attempts[place(number)] = attempt >> 1
        record += WORKER
    if has_logs:
        for number in range(many):
            logs[place(begin + number)] = draws.uniform(key, clients[place(number)], attempts[place(number)])
        for number in range(many):
            logs[place(begin + number)] = draws.log(logs[place(begin + number)])
    lanes[DRAWN] = first + many


@kernel
def drawn(params, keys, inputs, is_renewal, client, attempt):  # type: ignore[no-untyped-def]
    """A service time (float64 ns)."""
    kind = params.renew if is_renewal else params.establish
    return draws.draw(kind, inputs.table, keys.service, client, attempt)


@inline
def _succeed_all(params, rules, host, flows, begin, many):  # type: ignore[no-untyped-def]
    """As `services.succeed` for all who were done before so many requests of a batch were taken, where a lease and the
    time to the next check are always the same. Leases that run out in one window follow each other: they are added to
    its count together.
    """
    whole, workers, rows, lanes = host.whole, host.workers, host.rows, host.lanes
    expiring, histogram = host.expiring, host.histogram
    before, idle_from = host.before, host.idle_from
    is_from_arrival = params.lease.kind == policies.CREDIT_ON_ARRIVAL
    lease_ns, check_ns, windows_per_ns = rules.lease_ns, rules.check_ns, rules.windows_per_ns
    window_ns = np.int64(params.window_ns)
    last_window = np.int64(expiring.shape[0] - 1)
    old_ns, old, olds = whole[OLD], whole[OLD + 1], np.int64(0)
    new_ns, new, news = whole[NEW], whole[NEW + 1], np.int64(0)
    offset, mask = lanes[OFFSET + CHECKS], lanes[MASK + CHECKS]
    end, last = lanes[END + CHECKS], lanes[LAST + CHECKS]
    first_end = end
    useful_ns = np.int64(0)
    for each in range(begin, begin + many):
        base = before[place(each)]
        if base < 0:
            continue
        now = idle_from[place(each)]
        submitted = workers[place(base + SUBMITTED_AT)]
        expires = workers[place(base + EXPIRES_AT)]
        client = workers[place(base + WHO_IS)] & CLIENT
        useful_ns += now - workers[place(base + STARTED_AT)]
        paid = workers[place(base + PAID_NS)]
        if paid != 0:
            useful_ns -= paid
            flows[OVERHEAD_NS] += paid
        histogram[place(part_of(now - submitted))] += 1
        if expires > now:
            since = expires - 1 - old_ns
            if since < 0 or since >= window_ns:
                expiring[place(old)] -= olds
                window = window_of(expires - 1, window_ns, windows_per_ns)
                old_ns, old, olds = window * window_ns, min(window, last_window), np.int64(0)
            olds += 1
        else:
            whole[UNLEASED_NS] += now - max(expires, 0)
            if whole[UNLEASED_NS] >= UNLEASED_CARRY_NS:
                whole[UNLEASED_NS] -= UNLEASED_CARRY_NS
                whole[UNLEASED_CARRY] += 1
            flows[ESTABLISHED] += 1
        lease = (submitted if is_from_arrival else now) + lease_ns
        if lease > now:
            since = lease - 1 - new_ns
            if since < 0 or since >= window_ns:
                expiring[place(new)] += news
                window = window_of(lease - 1, window_ns, windows_per_ns)
                new_ns, new, news = window * window_ns, min(window, last_window), np.int64(0)
            news += 1
        else:
            whole[LEASED] -= 1
        due = now + check_ns
        if due <= last:
            lanes[END + CHECKS] = end
            at = make_room(rows, lanes, np.int64(CHECKS), due, client)
        else:
            last = due
            at = offset + (end & mask) * ROW
        end += 1
        write(rows, at, due, client, lease, workers[place(base + WHICH)])
    flows[SUCCEEDED] += end - first_end
    flows[USEFUL_NS] += useful_ns
    expiring[place(old)] -= olds
    expiring[place(new)] += news
    whole[OLD], whole[OLD + 1] = old_ns, old
    whole[NEW], whole[NEW + 1] = new_ns, new
    lanes[END + CHECKS], lanes[LAST + CHECKS] = end, last
    first = lanes[FIRST + CHECKS]
    due = rows[place(row_at(lanes, CHECKS, first) + TIME)] if first < end else np.int64(NEVER + CHECKS)
    lanes[DUE + CHECKS] = (due << LANE_BITS) | CHECKS


@kernel
def take(params, rules, keys, inputs, host, limit, until, least, next_sweep, starts, seen, peak):  # type: ignore[no-untyped-def]
    """Take requests of the lane of checks that come before `until`, as long as nothing else happens than the module
    says. Returns what changes of what `engine._run` keeps: the least of the workers, from when on something may come of
    services, and of starts ahead of the clock how many began, how many it has passed, and the most who waited.
    """
    whole, lanes, workers, free, begun = host.whole, host.lanes, host.workers, host.free, host.begun
    before, free_from, logs = host.before, host.idle_from, host.logs
    worker_bits, timeout_ns, least_check_ns = rules.worker_bits, rules.timeout_ns, rules.least_check_ns
    number_of = (np.int64(1) << worker_bits) - 1
    most_service_ns = np.float64(timeout_ns)
    latest = min((np.int64(1) << (62 - worker_bits)) - 2, whole[DOOM] - 1)
    establish_kind, establish = params.establish.kind, params.establish.a
    renew_kind, renew = params.renew.kind, params.renew.a
    has_logs = establish_kind == EXPONENTIAL or renew_kind == EXPONENTIAL
    is_eager = rules.is_eager != 0
    ahead = limit if is_eager else np.int64(-1)  # up to then a request may start after its submission
    is_many = params.workers > GROUP // 2
    ring = np.int64(begun.shape[0])
    behind = np.int64(free.shape[0])
    flows = host.series[place(whole[BIN])]
    busy_ns, oldest = np.int64(0), np.int64(0)
    while True:
        first = lanes[FIRST + CHECKS]
        begin = first & (AHEAD - 1)
        now = lanes[DUE + CHECKS] >> LANE_BITS
        if now >= until:
            break
        if first >= lanes[DRAWN]:
            _look_ahead(host, first, has_logs, keys.service)
        most = lanes[DRAWN] - first
        if is_eager:
            most = min(most, ring - (starts - seen))
        stop = min(until, now + least_check_ns)  # nothing comes sooner of what begins from now on
        soonest = np.int64(NEVER)
        each = begin
        record = (behind + begin) * WORKER
        while each < begin + most:
            now = workers[place(record + SUBMITTED_AT)]
            idle_from = (least >> worker_bits) - 1
            worker = least & number_of
            base = worker * WORKER
            outcome = workers[place(base + OUTCOME)]
            start = max(now, idle_from)
            if now >= stop or start > max(now, ahead) or outcome > GRANTS:
                break
            is_first = workers[place(record + EXPIRES_AT)] <= start
            kind = establish_kind if is_first else renew_kind
            mean = establish if is_first else renew
            if kind == EXPONENTIAL:
                mean = max(-mean * logs[place(each)], 0.0)
            elif kind != CONSTANT:
                who, number = workers[place(record + WHO_IS)], workers[place(record + WHICH)]
                mean = drawn(params, keys, inputs, not is_first, who & CLIENT, number >> 1)
            if not mean < most_service_ns:
                break
            finish = start + np.int64(mean + 0.5)
            if finish > now + timeout_ns or finish > latest:
                break
            last = workers[place(base + RECORD)]
            workers[place(last + RECORD)] = -1
            if outcome == IDLE:
                last, idle_from = np.int64(-1), np.int64(0)
            before[place(each)] = last
            free_from[place(each)] = idle_from
            workers[place(base + OUTCOME)] = GRANTS
            workers[place(base + RECORD)] = record
            workers[place(record + STARTED_AT)] = start
            workers[place(record + RECORD)] = base
            soonest = min(soonest, finish)
            busy_ns += idle_from - start
            free[place(worker)] = ((finish + 1) << worker_bits) | worker
            least = settle(free, host.least, worker, is_many)
            record += WORKER
            each += 1
        many = each - begin
        if many == 0:
            break
        lanes[FIRST + CHECKS] = first + many
        next_sweep = min(next_sweep, soonest + least_check_ns)
        until = min(until, next_sweep)
        flows[SUBMITTED] += many
        _succeed_all(params, rules, host, flows, begin, many)
        for each in range(begin, begin + many):
            record = (behind + each) * WORKER
            start, now = workers[place(record + STARTED_AT)], workers[place(record + SUBMITTED_AT)]
            oldest = max(oldest, start - now)
            if is_eager:
                begun[place(starts & (ring - 1))] = start
                starts += 1
                if start == now:
                    seen = starts
                while starts - seen > peak:
                    if begun[place(seen & (ring - 1))] > now:
                        peak = starts - seen
                    else:
                        seen += 1
            base = workers[place(record + RECORD)]
            if base >= 0:  # still in service
                workers[place(base + STARTED_AT)] = start
                workers[place(base + SUBMITTED_AT)] = now
                workers[place(base + PAID_NS)] = 0
                workers[place(base + WHO_IS)] = workers[place(record + WHO_IS)]
                workers[place(base + EXPIRES_AT)] = workers[place(record + EXPIRES_AT)]
                workers[place(base + WHICH)] = workers[place(record + WHICH)]
                workers[place(base + RECORD)] = base
    whole[BUSY_NS] += busy_ns
    whole[OLDEST_PEAK] = max(whole[OLDEST_PEAK], oldest)
    return least, next_sweep, starts, seen, peak
