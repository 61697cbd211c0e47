"""The second engine of a host: the same model and the same bits as `requests`, without pending events where none are
needed (MODEL.md, "The two engines").

The worker that is free first takes the next request, and its finish is known
when it starts (Kiefer and Wolfowitz, 1955). Delays that are always the same come out in the order in which they went
in: timers lie in rings ("lanes"), one for each source, each in order of time and client, and a submission is the least
of the heads. Random delays go through a timing wheel, whose slots are put in order when their time comes. Whatever a
client is travels in its timer, in the queue or with the worker that serves it, so nothing is read at random.

A stretch without controls and edges of windows is run at once. Where nothing can change a service between submission
and start (`is_eager`), a request that starts within the stretch starts when it is submitted, though its worker may
still be busy. Finishes are carried out when the worker starts again, or before anything can come of them.

Where clients cancel, those who wait leave in the order in which they came, as all wait for the same time: they are
counted away from the old end of the queue before the next submission or start. Of several classes each has a queue of
its own, which is its lane of deadlines; the head that came first is taken next. Where the newest is taken first, who
waits lies in a stack besides. A client's abandoned request may then be served after a newer one of its own, so what
lease it has is looked up.
"""

import numpy as np

from recovery_kernels import draws, limits, policies
from recovery_kernels.draws import CONSTANT, EXPONENTIAL
from recovery_kernels.events import CLIENT_BITS, place
from recovery_kernels.handles import refer
from recovery_kernels.jit import inline, kernel
from recovery_kernels.lanes.classes import begins, class_of, is_of_age, seen_by, timeout_of, waits
from recovery_kernels.lanes.jobs import all_over, come, most_open, note_over, take_jobs
from recovery_kernels.lanes.layout import (
    AHEAD,
    ANSWERS,
    CHECKS,
    CLIENT,
    COUNTED,
    DEADLINES,
    DRAWN,
    DUE,
    END,
    EXPIRES,
    EXPIRES_AT,
    FIRST,
    GRANTS,
    GROUP,
    HEARD,
    IDLE,
    LANE_BITS,
    LONG_AGO,
    MASK,
    MEMORY,
    MORE,
    NEAR,
    NEVER,
    NUMBER,
    OUTCOME,
    OWN_SEEN,
    OWN_STARTS,
    PAID_NS,
    SEEN,
    STALE,
    STARTED_AT,
    STARTS,
    SUBMITTED_AT,
    TALL,
    TELLS,
    TIME,
    WASTES,
    WHICH,
    WHO,
    WHO_IS,
)
from recovery_kernels.lanes.quiet import take, take_of_classes
from recovery_kernels.lanes.rows import enqueue, first_of, is_full, pop, pop_deadline, row_at, stack, take_next, unstack
from recovery_kernels.lanes.servers import busy_beside, freed_first, lease_now, leave, settle
from recovery_kernels.lanes.services import (
    answer,
    carry_out,
    carry_out_job,
    drawn,
    heard_from,
    sweep,
    sweep_jobs,
    wait_again,
    waste,
)
from recovery_kernels.lanes.stale import give_up, serve
from recovery_kernels.lanes.turns import IS_IN, NEXT, add, keys_of, put_in
from recovery_kernels.lanes.wheel import turn
from recovery_kernels.lanes.windows import close_window, count_deadlines, operate
from recovery_kernels.requests import (
    ADMISSION_AT,
    ADMISSION_TOKENS,
    ARRIVED,
    BIN,
    BUSY_NS,
    CONTROL,
    COST_NS,
    CURSOR,
    DEPENDENCY_FAILS,
    DONE,
    DOWN_UNTIL,
    DROPPED,
    EDGE,
    GATE_ALL,
    GATE_AT,
    GATE_OFF,
    GATE_ON,
    GATE_TOKENS,
    GAVE_UP,
    GROW_CLIENTS,
    GROW_QUEUE,
    HEAD,
    JOB,
    NEXT_ARRIVAL,
    NOW,
    OLDEST_PEAK,
    OPEN,
    OPEN_PEAK,
    QUEUE_PEAK,
    REJECTED_ADMISSION,
    REJECTED_DOWN,
    REJECTED_FULL,
    REJECTED_GATE,
    SLEEPERS,
    SUBMITTED,
    TOO_MANY_JOBS,
    WAITING,
)
from recovery_kernels.sessions.layout import SERIES


@inline
def _refusal(params, keys, host, now, client, attempt, is_leased, has_worker, waiting):  # type: ignore[no-untyped-def]
    """Whether a request that comes now is let in: -1, or the column of the series that counts its rejection."""
    whole = host.whole
    real = host.real
    if now < whole[DOWN_UNTIL]:
        return REJECTED_DOWN
    is_gated = whole[GATE_ON] != GATE_OFF
    is_limited = policies.asks(params.admission, False)
    if (is_gated or is_limited) and is_leased:
        is_gated = whole[GATE_ON] == GATE_ALL
        is_limited = policies.asks(params.admission, True)
    if is_gated and not limits.fill(whole[GATE_AT:], real[GATE_TOKENS:], now):
        return REJECTED_GATE
    if is_limited and not limits.lets_in(
        params.admission, whole[ADMISSION_AT:], real[ADMISSION_TOKENS:], now, waiting, keys.admission, client, attempt
    ):
        return REJECTED_ADMISSION
    if not has_worker and policies.is_full(params.queue, waiting):
        return REJECTED_FULL
    if is_gated:
        real[GATE_TOKENS] -= 1.0
    if is_limited:
        limits.spend(params.admission, real[ADMISSION_TOKENS:])
    return -1


@inline
def _run(  # type: ignore[no-untyped-def]
    params, rules, keys, inputs, host, shift, is_jobs, cancels, is_newest_first, counts_stale, has_classes, from_,
    limit, p, r, k, i, h,
):  # fmt: skip
    """Every event from `from_` up to `limit`, between which no control comes and no window ends. Returns a status.

    `is_jobs` to `has_classes` are written out where they are known: then the machine code has nothing of what is not
    there. `p` to `h` are the records of the first five for calls.
    """
    whole = host.whole
    rows = host.rows
    lanes = host.lanes
    if is_jobs:
        if whole[OPEN] > lanes[MASK + ANSWERS]:
            return GROW_CLIENTS
        if whole[JOB] == 0:
            come(p, k, i, h)
    workers = host.workers
    free = host.free
    begun = host.begun
    flows = host.series[place(whole[BIN])]
    ring = np.int64(begun.shape[0])
    number_of = (np.int64(1) << rules.worker_bits) - 1
    latest = (np.int64(1) << (62 - rules.worker_bits)) - 2
    fails = host.real[DEPENDENCY_FAILS]
    no_gate = whole[GATE_ON] == GATE_OFF and params.admission.kind == limits.OPEN
    is_eager = rules.is_eager != 0 and (no_gate or params.reject_cost_ns == 0)
    is_up = whole[DOWN_UNTIL] <= from_ and no_gate
    is_open = is_up and params.queue.kind != policies.BOUNDED
    head, waiting = whole[HEAD], whole[WAITING]
    full_at = np.int64(0)
    starts, seen = whole[STARTS], whole[SEEN]
    peak = whole[QUEUE_PEAK]
    oldest = whole[OLDEST_PEAK]
    cost = whole[COST_NS]
    busy_ns = np.int64(0)
    next_slot = (whole[CURSOR] + 1) << shift
    next_sweep = whole[HEARD]
    stop = min(limit + 1, next_slot, next_sweep)
    is_many = params.workers > GROUP // 2
    least = settle(free, host.least, np.int64(0), is_many)
    status = DONE
    is_plain = is_up and fails <= 0.0 and params.slowdown_a <= 0.0
    is_plain = is_plain and not is_newest_first and params.queue.kind != policies.DROP_EXPIRED
    active = np.int64(CHECKS if rules.check_ns >= 0 else NEAR)
    may_collapse = is_eager and fails <= 0.0 and not is_newest_first and not cancels
    may_collapse = may_collapse and not is_jobs and not has_classes
    gives_up_in_order = is_open and rules.retry_ns >= 0
    behind = min(np.int64(AHEAD), ring) - 1
    while True:
        # Where a herd has collapsed, mostly a worker is too late with the request that it takes from the queue, or a
        # client gives up and submits the next one.
        idle_from = (least >> rules.worker_bits) - 1
        if may_collapse and (waiting > 0 or idle_from > limit):
            if waiting > 0 and idle_from <= limit and starts - seen < ring:
                submitted = rows[place(row_at(lanes, DEADLINES, head) + TIME)]
                if cost == 0 and submitted + rules.timeout_ns < idle_from:
                    least, next_sweep, head, waiting, starts, seen = serve(
                        p, r, k, i, h, shift, limit, stop, least, head, waiting, starts, seen
                    )
                    stop = min(limit + 1, next_slot, next_sweep)
            else:
                # Nobody begins before a batch of starts ahead of the clock is over, if these are all that are kept.
                over = begun[place((seen + behind) & (ring - 1))] if idle_from <= limit else np.int64(NEVER)
                before = min(stop, min(lanes[DUE + 1], lanes[DUE + 2], lanes[DUE + 3]) >> LANE_BITS)
                gives_up = lanes[DUE + DEADLINES] >> LANE_BITS
                if over <= min(before, gives_up):
                    seen += behind + 1
                    continue
                if gives_up_in_order and gives_up < min(before, over):
                    waiting, seen, peak = give_up(h, min(before, over), head, waiting, starts, seen, peak)

        # Most of the time a client whose turn it is finds no queue, and will be answered in time, as was the one before
        # it at its worker. Then all other lanes stay as they are.
        if is_plain and cost == 0 and waiting == 0:
            other = min(lanes[DUE + DEADLINES], lanes[DUE + ANSWERS], lanes[DUE + CHECKS + NEAR - active])
            stop = min(limit + 1, next_sweep, other >> LANE_BITS)
            if active == CHECKS:
                stop = min(stop, next_slot)
            if is_jobs:
                if lanes[DUE + CHECKS] >> LANE_BITS < stop:
                    least, starts, seen, peak = take_jobs(p, r, k, i, h, limit, stop, least, starts, seen, peak)
            elif min(lanes[place(DUE + active)] >> LANE_BITS, next_slot) < stop:
                if has_classes:
                    least, next_sweep, starts, seen, peak = take_of_classes(
                        p, r, k, i, h, shift, limit, stop, least, next_sweep, starts, seen, peak
                    )
                else:
                    least, next_sweep, starts, seen, peak = take(
                        p, r, k, i, h, shift, limit, stop, least, next_sweep, starts, seen, peak
                    )
                next_slot = (whole[CURSOR] + 1) << shift
            stop = min(limit + 1, next_slot, next_sweep)

        is_arrival = False
        k0, k1, k2, k3 = lanes[DUE], lanes[DUE + 1], lanes[DUE + 2], lanes[DUE + 3]
        k01, k23 = min(k0, k1), min(k2, k3)
        key = min(k01, k23)
        now = key >> LANE_BITS
        worker = least & number_of
        idle_from = (least >> rules.worker_bits) - 1
        ahead = limit if is_eager else min(now, stop - 1)  # nothing else can come before it
        if (is_newest_first or cancels) and waiting > 0:
            if (is_newest_first or has_classes) and idle_from <= ahead:
                worker = freed_first(p, r, h, worker)
            if cancels:
                left = leave(p, r, h, head, waiting, worker, ahead)
                head += left
                waiting -= left
        can_start = idle_from <= ahead and starts - seen < ring
        is_queued = waiting > 0 and can_start
        if is_queued:
            waiting -= 1
            if has_classes:
                at = take_next(host)
            else:
                at = row_at(lanes, DEADLINES, head)
                if is_newest_first:
                    at = unstack(r, h, head + waiting, idle_from)
                    head -= 1
                head += 1
            submitted = rows[place(at + TIME)]
            who = rows[place(at + WHO)]
            expires = rows[place(at + EXPIRES)]
            number = rows[place(at + NUMBER)]
        elif starts - seen == ring and begun[place(seen & (ring - 1))] <= min(now, stop):
            seen += 1
            continue
        elif now >= stop:
            reach = min(now, limit)
            if next_slot <= reach:
                next_slot = turn(h, shift, reach)
                if active == NEAR:
                    lanes[DRAWN] = 0  # its rows are counted anew
            elif next_sweep <= reach:
                if is_jobs:
                    next_sweep = sweep_jobs(p, r, k, i, h, shift, next_sweep)
                    stop = min(limit + 1, next_slot, next_sweep)
                    continue
                # Where the newest is taken first, leases are to be as they are at the next start.
                next_sweep = sweep(p, r, k, i, h, shift, next_sweep - 1 if is_newest_first else limit)
            else:
                break
            stop = min(limit + 1, next_slot, next_sweep)
            continue
        else:
            if not has_classes and lanes[END + DEADLINES] >= full_at:
                oldest_row = lanes[END + DEADLINES] if is_newest_first else head
                full_at = min(oldest_row, whole[COUNTED], lanes[FIRST + DEADLINES]) + lanes[MASK + DEADLINES]
                if lanes[END + DEADLINES] >= full_at:
                    status = GROW_QUEUE
                    break
            if is_jobs and whole[OPEN] > lanes[MASK + ANSWERS]:
                status = GROW_CLIENTS
                break
            if is_newest_first and waiting == host.stack.shape[0] // TALL:
                status = GROW_QUEUE
                break
            lane = key & ((1 << LANE_BITS) - 1)
            if min(k0 ^ k1, k2 ^ k3, k01 ^ k23) >> LANE_BITS == 0:
                if rules.retry_ns >= 0 or lane != DEADLINES:  # else a deadline, which comes before submissions
                    lane = np.int64(first_of(rows, lanes, now))
            at = row_at(lanes, lane, lanes[place(FIRST + lane)])
            who = rows[place(at + WHO)] + lanes[place(MORE + lane)]
            expires = rows[place(at + EXPIRES)]
            number = rows[place(at + NUMBER)]
            if has_classes and is_full(host, class_of(host, who & CLIENT)):
                status = GROW_QUEUE
                break
            if has_classes and lane == DEADLINES:
                pop_deadline(host)
            else:
                pop(rows, lanes, lane)
            if number & 1 != 0:
                continue  # answered before its deadline
            if is_jobs:
                is_arrival = lane == CHECKS
                if is_arrival:
                    flows[ARRIVED] += 1
                    whole[OPEN] += 1
                    if lanes[FIRST + CHECKS] == lanes[END + CHECKS]:
                        come(p, k, i, h)
                elif lane == DEADLINES and policies.gives_up(params.client, who >> CLIENT_BITS):
                    flows[GAVE_UP] += 1
                    whole[OPEN] -= 1
                    continue
            if rules.retry_ns < 0 and lane == DEADLINES:
                wait_again(p, k, i, h, shift, now, who, expires, number, False)
                continue
            submitted = now
            number += 2
            of_class = class_of(host, who & CLIENT) if has_classes else np.int64(0)
            flows[place(of_class * SERIES + SUBMITTED)] += 1
            if not is_open:
                _, streams, client = seen_by(params, keys, host, who & CLIENT, has_classes)
                refused = _refusal(
                    params, streams, host, now, client, number >> 1, expires > now, idle_from <= now, waiting
                )
                if refused >= 0:
                    flows[place(of_class * SERIES + refused)] += 1
                    if refused != REJECTED_DOWN:
                        cost = min(cost + params.reject_cost_ns, draws.FAR_NS)
                    ends = answer(params, rules, keys, inputs, host, shift, is_jobs, now, who, expires, number)
                    if is_jobs:
                        whole[OPEN] -= ends
                        if is_arrival and whole[OPEN] > whole[OPEN_PEAK]:
                            most_open(p, r, h, now)
                    continue
            if waiting > 0 or not can_start:
                if is_newest_first:
                    stack(h, head + waiting, now, who, expires, number)
                enqueue(host, has_classes, of_class, now, who, expires, number)
                waiting += 1
                if is_arrival and whole[OPEN] > whole[OPEN_PEAK]:
                    most_open(p, r, h, now)
                if has_classes:
                    waits(host, of_class, now)
                while waiting + starts - seen > peak:
                    if seen == starts or begun[place(seen & (ring - 1))] > now:
                        peak = waiting + starts - seen
                    else:
                        seen += 1
                continue
        start = max(submitted, idle_from)
        of_class = class_of(host, who & CLIENT) if has_classes else np.int64(0)
        timeout_ns = timeout_of(rules, host, of_class) if has_classes else rules.timeout_ns
        deadline = submitted + timeout_ns
        is_stale = counts_stale and start > deadline
        age = start - submitted
        if is_stale:  # it had an age until then
            age = timeout_ns if deadline >= whole[EDGE] - params.window_ns else np.int64(0)
        oldest = max(oldest, age)
        if has_classes:
            is_of_age(host, of_class, age)

        if policies.drops(params.queue, start, submitted, deadline, start <= deadline):
            flows[place(of_class * SERIES + DROPPED)] += 1
            cost = min(cost + params.drop_cost_ns, draws.FAR_NS)
            is_told = start <= deadline and params.drop_notifies != 0
            if is_queued:
                if is_told:
                    rows[place(at + NUMBER)] = number | 1
            elif not is_told:
                enqueue(host, has_classes, of_class, submitted, who, expires, number)
                if has_classes:
                    whole[place(of_class * MEMORY + HEAD)] += 1
                else:
                    head += 1
            if is_told:
                whole[place(of_class * MEMORY + SLEEPERS)] += 1
                ends = answer(params, rules, keys, inputs, host, shift, is_jobs, start, who, expires, number)
                if is_jobs:
                    whole[OPEN] -= ends
            if is_arrival and whole[OPEN] > whole[OPEN_PEAK]:
                most_open(p, r, h, now)
            continue
        if is_arrival and whole[OPEN] > whole[OPEN_PEAK]:
            most_open(p, r, h, now)

        # A service begins.
        own, streams, client = seen_by(params, keys, host, who & CLIENT, has_classes)
        attempt = number >> 1
        of_service, of_dependency = streams.service, streams.dependency
        if is_stale:
            client, attempt = np.int64(0), whole[place(of_class * MEMORY + STALE)]
            of_service, of_dependency = streams.stale, streams.stale_dependency
            whole[place(of_class * MEMORY + STALE)] += 1
        is_failure = fails > 0.0 and (fails >= 1.0 or draws.uniform(of_dependency, client, attempt) < fails)
        if is_failure:
            service = np.int64(params.fail_after_ns)
        else:
            if is_newest_first and not is_jobs and deadline < start and not is_stale:
                expires = lease_now(p, r, k, i, h, shift, client, worker)
            is_renewal = expires > start and not is_stale
            law = own.renew if is_renewal else own.establish
            mean = law.a
            if law.kind == EXPONENTIAL:
                mean = max(-mean * draws.log(draws.uniform(of_service, client, attempt)), 0.0)
            elif law.kind != CONSTANT:
                mean = drawn(law, i, of_service, client, attempt)
            if params.slowdown_a > 0.0:
                others = waiting
                if counts_stale and rules.slowed_by_busy != 0:
                    others = busy_beside(p, r, h, worker, start, is_queued)
                mean = draws.slowed(mean, params.slowdown_a, params.slowdown_b, params.slowdown_n, others)
            service = draws.whole_ns(mean)
        finish = start + service + cost
        is_heard = finish <= deadline
        if cancels:
            finish = min(finish, deadline)
        before = workers[place(OUTCOME + worker)]
        ends = np.int64(0)
        if before != IDLE:
            if before == WASTES and not cancels:  # where a herd has collapsed, what happens most
                waste(host, flows, worker, idle_from, has_classes)
            elif is_jobs:
                ends = np.int64(carry_out_job(p, r, k, i, h, shift, worker, idle_from))
            else:
                carry_out(p, r, k, i, h, shift, worker, idle_from)
            busy_ns += idle_from
        if is_jobs:
            note_over(host, idle_from, ends)
        busy_ns -= start
        workers[place(STARTED_AT + worker)] = start
        workers[place(SUBMITTED_AT + worker)] = np.int64(LONG_AGO) if is_stale else submitted
        workers[place(PAID_NS + worker)] = cost
        workers[place(WHO_IS + worker)] = who
        workers[place(EXPIRES_AT + worker)] = expires
        workers[place(WHICH + worker)] = number
        outcome = (TELLS if is_failure else GRANTS) + (0 if is_heard else 1)
        workers[place(OUTCOME + worker)] = outcome
        next_sweep = min(next_sweep, heard_from(rules, outcome, finish))
        stop = min(stop, next_sweep)
        cost = np.int64(0)
        free[place(worker)] = ((min(finish, latest) + 1) << rules.worker_bits) | worker
        least = settle(free, host.least, worker, is_many)
        if is_queued:
            if is_heard:
                rows[place(at + NUMBER)] = number | 1
        elif not is_heard:
            enqueue(host, has_classes, of_class, submitted, who, expires, number)
            if has_classes:
                whole[place(of_class * MEMORY + HEAD)] += 1
            else:
                head += 1
        if is_eager:
            if has_classes:
                begins(host, of_class, start, submitted, is_queued)
            begun[place(starts & (ring - 1))] = start
            starts += 1
            if start == submitted:
                seen = starts
            while not is_queued and starts - seen > peak:
                if begun[place(seen & (ring - 1))] > now:
                    peak = starts - seen
                else:
                    seen += 1
    if cancels and waiting > 0 and status == DONE:
        left = leave(p, r, h, head, waiting, least & number_of, limit)
        head += left
        waiting -= left
    if not has_classes:
        whole[HEAD] = head
    whole[WAITING] = waiting
    whole[STARTS], whole[SEEN] = starts, seen
    whole[QUEUE_PEAK] = peak
    whole[OLDEST_PEAK] = max(whole[OLDEST_PEAK], oldest)
    whole[COST_NS] = cost
    whole[HEARD] = next_sweep
    whole[BUSY_NS] += busy_ns
    return status


@inline
def _advance(  # type: ignore[no-untyped-def]
    rules_of_host, own, streams, outside, memory, shift, is_jobs, cancels, is_newest_first, counts_stale, has_classes,
    until,
):  # fmt: skip
    """See `advance`."""
    # What stays a call gets copies of its own, as in `requests.advance`.
    p, params = refer(rules_of_host), refer(rules_of_host)
    r, rules = refer(own), refer(own)
    k, keys = refer(streams), refer(streams)
    i, inputs = refer(outside), refer(outside)
    h, host = refer(memory), refer(memory)
    whole = host.whole
    from_ns = whole[NOW]
    while True:
        control = inputs.controls[whole[CONTROL], 0] if whole[CONTROL] < inputs.controls.shape[0] else NEVER
        limit = min(whole[EDGE], control, until) - 1
        status = _run(
            params, rules, keys, inputs, host, shift, is_jobs, cancels, is_newest_first, counts_stale, has_classes,
            from_ns, limit, p, r, k, i, h,
        )  # fmt: skip
        if status != DONE:
            return status
        from_ns = limit + 1
        whole[SEEN] = whole[STARTS]  # all before the stretch's end
        for number in range(host.firsts.shape[0]):
            whole[place(number * MEMORY + OWN_SEEN)] = whole[place(number * MEMORY + OWN_STARTS)]
        if is_jobs:
            if whole[NEXT_ARRIVAL] <= limit:
                return TOO_MANY_JOBS
            all_over(h)
            sweep_jobs(p, r, k, i, h, shift, limit)
        else:
            sweep(p, r, k, i, h, shift, limit)
        count_deadlines(r, h, limit)
        if whole[EDGE] == limit + 1:
            close_window(p, r, h)
        elif control == limit + 1 and control < until:
            status = operate(p, r, i, h, control)
            if status != DONE:
                return status
        else:
            whole[NOW] = until
            return DONE


@inline
def _advance_each(  # type: ignore[no-untyped-def]
    rules_of_host, own, streams, outside, memory, shift, cancels, is_newest_first, counts_stale, until, turns
):
    """`_advance`, of a host alone or of hosts in turn, of holders of one class."""
    p, r, i, h, t = refer(rules_of_host), refer(own), refer(outside), refer(memory), refer(turns)
    many = turns.hosts.shape[0]
    end = (memory.series.shape[0] - 1) * rules_of_host.window_ns
    while True:
        if many > 0:
            if turns.at[NEXT] == many:
                return DONE
            if turns.at[IS_IN] == 0:
                put_in(p, r, i, h, t, shift)
            streams = keys_of(t)
        status = _advance(
            rules_of_host, own, streams, outside, memory, shift, False, cancels, is_newest_first, counts_stale, False,
            until,
        )  # fmt: skip
        if status != DONE or many == 0 or until < end:
            return status
        add(p, r, h, t)


@kernel
def advance(rules_of_host, own, streams, outside, memory, shift, until, turns):  # type: ignore[no-untyped-def]
    """Take a host to `until` (ns): every event before it, none at or after it. Returns a status. The host takes the
    oldest first, and its requests stay in the queue when they time out; `advance_any` is for all.

    Parameters, what follows from them, keys, inputs, and what the host remembers; 2^shift ns is a slot of the wheel.
    DONE: it is there. GROW_QUEUE: the queue is full; enlarge it and call again. CONTROL_DUE: carry out the next control
    and call again. Where hosts take turns, `streams` are not looked at, and the memory is that of one who has its turn
    until it is at the horizon; then the next one has, up to `until`, too.
    """
    return _advance_each(rules_of_host, own, streams, outside, memory, shift, False, False, False, until, turns)


@kernel
def advance_sessions(rules_of_host, own, streams, outside, memory, shift, until):  # type: ignore[no-untyped-def]
    """As `advance`, where of stale work only the number counts, as in scenarios with rules of sessions."""
    return _advance(rules_of_host, own, streams, outside, memory, shift, False, False, False, True, False, until)


@kernel
def advance_any(rules_of_host, own, streams, outside, memory, shift, until, turns):  # type: ignore[no-untyped-def]
    """As `advance`, also where requests leave the queue when they time out, or the newest is taken first."""
    cancels, is_newest_first = rules_of_host.cancel != 0, policies.newest_first(rules_of_host.queue)
    counts_stale = own.counts_stale != 0
    return _advance_each(
        rules_of_host, own, streams, outside, memory, shift, cancels, is_newest_first, counts_stale, until, turns
    )


@kernel
def advance_jobs(rules_of_host, own, streams, outside, memory, shift, until):  # type: ignore[no-untyped-def]
    """As `advance_any`, of jobs. GROW_CLIENTS: the other rings or the wheel may soon be full; enlarge them and call
    again. TOO_MANY_JOBS: the run has more than 2^27 jobs.
    """
    cancels, is_newest_first = rules_of_host.cancel != 0, policies.newest_first(rules_of_host.queue)
    return _advance(
        rules_of_host, own, streams, outside, memory, shift, True, cancels, is_newest_first, False, False, until
    )


@kernel
def advance_classes(rules_of_host, own, streams, outside, memory, shift, until):  # type: ignore[no-untyped-def]
    """As `advance_sessions`, of several classes, also where requests leave the queue when they time out."""
    cancels = rules_of_host.cancel != 0
    return _advance(rules_of_host, own, streams, outside, memory, shift, False, cancels, False, True, True, until)
