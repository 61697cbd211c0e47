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
counted away from the old end of the queue before the next submission or start. Where the newest is taken first, who
waits lies in a stack besides. A client's abandoned request may then be served after a newer one of its own, so what
lease it has is looked up.
"""

from typing import NamedTuple

import numpy as np

from recovery_kernels import draws, limits, policies
from recovery_kernels.arrays import Real, Short, Whole
from recovery_kernels.batches import window_of
from recovery_kernels.draws import CONSTANT, EXPONENTIAL
from recovery_kernels.events import CLIENT_BITS, MAX_CLIENTS, NOBODY, place, sift_in, sift_out
from recovery_kernels.fetching import fetch
from recovery_kernels.handles import refer
from recovery_kernels.jit import inline, kernel
from recovery_kernels.requests import (
    ADMISSION_AT,
    ADMISSION_TOKENS,
    BIN,
    BUSY,
    BUSY_NS,
    BUSY_SUM_NS,
    CANCELLED,
    CONTROL,
    COST_NS,
    CURSOR,
    DEPENDENCY,
    DEPENDENCY_FAILS,
    DONE,
    DOWN_NS,
    DOWN_SUM_NS,
    DOWN_UNTIL,
    DROPPED,
    EDGE,
    ESTABLISHED,
    FAILED,
    FAILED_NS,
    GATE_ALL,
    GATE_AT,
    GATE_ESTABLISH,
    GATE_OFF,
    GATE_ON,
    GATE_TOKENS,
    GROW_QUEUE,
    HEAD,
    HOLDERS,
    IDLE_NS,
    IDLE_SUM_NS,
    IN_SERVICE,
    LEASED,
    LEASED_END,
    LOST,
    NOW,
    OLDEST_MAX_NS,
    OLDEST_NS,
    OLDEST_PEAK,
    OVERHEAD_NS,
    QUEUE,
    QUEUE_MAX,
    QUEUE_PEAK,
    REJECTED_ADMISSION,
    REJECTED_DOWN,
    REJECTED_FULL,
    REJECTED_GATE,
    RESTART,
    SLEEPERS,
    SLEEPING_END,
    SUBMITTED,
    SUCCEEDED,
    TIMED_OUT,
    UNLEASED_CARRY,
    UNLEASED_CARRY_NS,
    UNLEASED_NS,
    USEFUL_NS,
    WAITING,
    WASTED,
    WASTED_NS,
    WHOLE,
    Inputs,
    Params,
    part_of,
)

# Whole-number memory beside that of `requests`: up to which entry of the queue deadlines were counted, from when on
# something may come of services that are not carried out, the next restart, the first free chunk of the wheel; how many
# services began ahead of the clock, and how many of them it has passed as far as is known; of the leases that ended and
# began last, in which window they run out: when that begins, and its number.
COUNTED, HEARD, DOOM, VACANT, STARTS, SEEN = range(WHOLE, WHOLE + 6)
OLD, NEW = WHOLE + 6, WHOLE + 8
MEMORY = WHOLE + 10

# A row of a lane, of the queue and of the wheel: when it is due (queue: when it was submitted); client, and above it
# the tries since its last success; the end of its lease; number of its last attempt, and in bit 0 whether its deadline
# is off.
TIME, WHO, EXPIRES, NUMBER = range(4)
ROW = 4
STACKED = ROW  # a request of the stack is such a row and, behind it, the number of its row in the queue
TALL = ROW + 1
TRY = 1 << CLIENT_BITS
CLIENT = TRY - 1

# Lanes. DEADLINES is the queue itself: its rows are in the order of deadlines, too.
# CHECKS begins with all first submissions.
DEADLINES, ANSWERS, CHECKS, NEAR = range(4)
LANES = 4

# What is known of a lane (Host.lanes), each of all lanes side by side: when its head is due, and below that its number
# (so the least tells both); its head and its end, counted on for ever; where its ring lies, and its size less one; what
# is added to the time of a row, and to its tries; when the last of its rows is due.
DUE, FIRST, END, OFFSET, MASK, LATER, MORE, LAST = range(0, 64, 8)
LANE_BITS = 3
DRAWN = 64  # up to which row of the lane from which most submissions come draws were made ahead (Host.drawn)
AHEAD = 64

# A worker (Host.workers), and what will have come of its request.
STARTED_AT, SUBMITTED_AT, PAID_NS, OUTCOME, WHO_IS, EXPIRES_AT, WHICH = range(7)
WORKER = 8
IDLE, GRANTS, WASTES, TELLS, FAILS_UNHEARD = range(5)

COUNTED_AT_MOST = 96  # clients of a slot that are put in order by counting
MAX_SHIFT = 62 - CLIENT_BITS  # of the wheel: a time within a slot lies beside a client
CHUNK = 8  # rows of the wheel that lie together; a slot knows where its newest chunk ends, a chunk the one before it
FETCHED = 3  # chunks of a slot that come to the cache beforehand, one each time that the wheel is turned
LINE = 8  # numbers of a cache line
GROUP = 8  # workers that are compared at once
MOST_WORKERS = 256
MOST_WORKERS_NEWEST_FIRST = 32  # all are looked at, whenever one takes a request
TIME_BITS = 57  # of a horizon; a finish lies beside the number of its worker, a timer beside that of its lane
FAR = 1 << 58  # delays are cut off here, beyond every horizon
NEVER = 1 << 59  # later than all


class Rules(NamedTuple):
    """What follows from a host's parameters: constant delays in ns, or -1 where they are not; the least times from a
    success and from a failure to what the client does next; whether services begin when they are submitted; bits of a
    worker's number; windows in a ns.
    """

    timeout_ns: int
    retry_ns: int
    answer_ns: int
    check_ns: int
    lease_ns: int
    least_check_ns: int
    least_answer_ns: int
    is_eager: int
    worker_bits: int
    windows_per_ns: float


class Host(NamedTuple):
    """All that a host remembers.

    rows int64[n · ROW]: one row, then the rings of all lanes, the queue last; lanes int64[DRAWN + 1]. stack int64[power
    of two · TALL] and leases int64[holders], where the newest is taken first: who waits, and the end of each client's
    lease, as far as finishes are carried out. pool int64[chunks · CHUNK · ROW], following int32[chunks], slots
    int32[power of two]: the wheel; sorting int64[holders] and places int32[holders], for putting one of its slots in
    order. free int64[groups · GROUP]: when each worker is free, plus 1,
    above its number; least int64[groups] of them. workers int64[workers · WORKER]. begun int64[power of two]: starts
    that lie ahead of the clock. logs float64[AHEAD]: logarithms of draws of the next services. The rest is as in
    `requests`.
    """

    rows: Whole
    lanes: Whole
    stack: Whole
    leases: Whole
    pool: Whole
    following: Short
    slots: Short
    sorting: Whole
    places: Short
    free: Whole
    least: Whole
    workers: Whole
    begun: Whole
    logs: Real
    whole: Whole
    real: Real
    expiring: Whole
    series: Whole
    histogram: Whole
    latency: Whole


def _whole_ns(time: float) -> int:
    """As draws.whole_ns, which called from Python would be machine code of its own; FAR at most."""
    return int(time + 0.5) if time < FAR else FAR


def _constant_retry_ns(client: policies.Client) -> int:
    """What a client waits after any failure; -1 where that is not always the same."""
    if client.kind == policies.IMMEDIATE:
        return 0
    if client.kind == policies.FIXED:
        return _whole_ns(client.delay.a) if client.delay.kind == CONSTANT else -1
    if client.kind == policies.EXPONENTIAL and (client.factor == 1.0 or client.base_ns >= client.cap_ns):
        return _whole_ns(min(client.base_ns, client.cap_ns))
    return -1


def carries(params: Params, horizon_ns: int) -> bool:
    """Whether this engine can run a host with these rules to the horizon, all controls being known beforehand."""
    return (
        params.traffic == HOLDERS
        and params.workers <= MOST_WORKERS
        and horizon_ns <= 1 << (TIME_BITS - int(params.workers - 1).bit_length())
        and params.timeout.kind == CONSTANT
        and (params.queue.kind != policies.LIFO or params.workers <= MOST_WORKERS_NEWEST_FIRST)
        and params.client.round_trip_ns >= 1
        and params.client.retries < 0
        and params.check_every_ns * (1.0 - params.check_jitter) >= 4
        and params.lease.kind != policies.FREEZE
    )


def looks_at_queue(params: Params) -> bool:
    """Whether those who wait are looked at one by one, as they leave when they time out or the newest is taken first:
    then `advance_any` runs the host, else `advance`.
    """
    return bool(params.cancel != 0 or params.queue.kind == policies.LIFO)


def rules_of(params: Params, inputs: Inputs) -> Rules:
    """What follows from the parameters of a host that `carries`."""
    retry_ns = _constant_retry_ns(params.client)
    trip_ns = min(params.client.round_trip_ns, FAR)
    answer_ns = max(retry_ns, trip_ns) if retry_ns >= 0 else -1
    check_ns = _whole_ns(float(params.check_every_ns)) if params.check_jitter <= 0.0 else -1
    soonest_ns = _whole_ns(params.check_every_ns * (1.0 - params.check_jitter)) - 2
    lease_ns = -1
    if params.lease.duration.kind == CONSTANT:
        lease_ns = min(_whole_ns(params.lease.duration.a) + params.lease.grace_ns, FAR)
    is_eager = (
        params.queue.kind == policies.FIFO
        and params.cancel == 0
        and params.slowdown_a <= 0.0
        and params.admission.kind in (limits.OPEN, limits.TOKEN_BUCKET)
    )
    return Rules(
        timeout_ns=max(_whole_ns(params.timeout.a), 1),
        retry_ns=retry_ns,
        answer_ns=answer_ns,
        check_ns=check_ns,
        lease_ns=lease_ns,
        least_check_ns=check_ns if check_ns >= 0 else soonest_ns,
        least_answer_ns=max(answer_ns, trip_ns),
        is_eager=int(is_eager),
        worker_bits=int(params.workers - 1).bit_length(),
        windows_per_ns=1.0 / params.window_ns,
    )


@inline
def _at(lanes, lane, number):  # type: ignore[no-untyped-def]
    """Where row `number` of a lane begins."""
    return lanes[place(OFFSET + lane)] + (number & lanes[place(MASK + lane)]) * ROW


@inline
def _write(rows, at, time, who, expires, number):  # type: ignore[no-untyped-def]
    rows[place(at + TIME)] = time
    rows[place(at + WHO)] = who
    rows[place(at + EXPIRES)] = expires
    rows[place(at + NUMBER)] = number


@kernel
def _make_room(rows, lanes, lane, due, client):  # type: ignore[no-untyped-def]
    """Move up the rows of a lane that come after one that is due at a time. Returns where that one belongs."""
    end = lanes[place(END + lane)]
    first = lanes[place(FIRST + lane)]
    at = _at(lanes, lane, end)
    lanes[DRAWN] = 0
    while end > first:
        before = _at(lanes, lane, end - 1)
        time = rows[place(before + TIME)]
        if time < due or (time == due and rows[place(before + WHO)] & CLIENT < client):
            break
        for column in range(ROW):
            rows[place(at + column)] = rows[place(before + column)]
        at = before
        end -= 1
    return at


@inline
def _push(rows, lanes, lane, due, who, expires, number):  # type: ignore[no-untyped-def]
    """Put a row into a lane, at its place in the order of time and client, which most often is the end."""
    end = lanes[place(END + lane)]
    if due <= lanes[place(LAST + lane)]:
        at = _make_room(rows, lanes, np.int64(lane), due, who & CLIENT)
        lanes[place(DUE + lane)] = min(lanes[place(DUE + lane)], (due << LANE_BITS) | lane)
    else:
        lanes[place(LAST + lane)] = due
        at = _at(lanes, lane, end)
        if end == lanes[place(FIRST + lane)]:  # else the next submission does not hang on this one
            lanes[place(DUE + lane)] = (due << LANE_BITS) | lane
    lanes[place(END + lane)] = end + 1
    _write(rows, at, due, who, expires, number)


@inline
def _enqueue(rows, lanes, submitted, who, expires, number):  # type: ignore[no-untyped-def]
    """Put a request at the end of the queue, whose caller has seen that there is room."""
    end = lanes[place(END + DEADLINES)]
    _write(rows, _at(lanes, DEADLINES, end), submitted, who, expires, number)
    lanes[place(END + DEADLINES)] = end + 1
    if end == lanes[place(FIRST + DEADLINES)]:
        due = submitted + lanes[place(LATER + DEADLINES)]
        lanes[place(DUE + DEADLINES)] = (due << LANE_BITS) | DEADLINES


@kernel
def _stack(host, number, submitted, who, expires, attempt):  # type: ignore[no-untyped-def]
    """Put a request on the stack, as `number`; its row in the queue is the next one."""
    at = (number & (host.stack.shape[0] // TALL - 1)) * TALL
    _write(host.stack, at, submitted, who, expires, attempt)
    host.stack[place(at + STACKED)] = host.lanes[END + DEADLINES]


@kernel
def _unstack(rules, host, number, now):  # type: ignore[no-untyped-def]
    """Where the row of a request lies that is taken from the stack: in the queue; or else, as an abandoned one is no
    longer there, at the begin of all rows.
    """
    at = (number & (host.stack.shape[0] // TALL - 1)) * TALL
    if host.stack[place(at + TIME)] + rules.timeout_ns >= now:
        return _at(host.lanes, DEADLINES, host.stack[place(at + STACKED)])
    for column in range(ROW):
        host.rows[place(column)] = host.stack[place(at + column)]
    return np.int64(0)


@inline
def _waiter(params, host, number):  # type: ignore[no-untyped-def]
    """Time of submission and client of a request that waits, by its number in the queue or in the stack."""
    if policies.newest_first(params.queue):
        at = (number & (host.stack.shape[0] // TALL - 1)) * TALL
        return host.stack[place(at + TIME)], host.stack[place(at + WHO)] & CLIENT
    at = _at(host.lanes, DEADLINES, number)
    return host.rows[place(at + TIME)], host.rows[place(at + WHO)] & CLIENT


@inline
def _pop(rows, lanes, lane):  # type: ignore[no-untyped-def]
    """The head of a lane is done with; so are those of the next whose deadlines are off."""
    first = lanes[place(FIRST + lane)] + 1
    end = lanes[place(END + lane)]
    due = NEVER + lane
    while first < end:
        at = _at(lanes, lane, first)
        if rows[place(at + NUMBER)] & 1 == 0:
            due = rows[place(at + TIME)] + lanes[place(LATER + lane)]
            break
        first += 1
    lanes[place(FIRST + lane)] = first
    lanes[place(DUE + lane)] = (due << LANE_BITS) | lane


@inline
def _store(host, turn, time, who, expires, number):  # type: ignore[no-untyped-def]
    """Put a row into the last chunk of a slot of the wheel, or into a new one."""
    slot = place(turn & (host.slots.shape[0] - 1))
    end = np.int64(host.slots[slot])
    if end % CHUNK == 0:
        before = end // CHUNK - 1
        chunk = host.whole[VACANT]
        host.whole[VACANT] = host.following[place(chunk)]
        host.following[place(chunk)] = before
        end = chunk * CHUNK
    _write(host.pool, end * ROW, time, who, expires, number)
    host.slots[slot] = end + 1


@inline
def _wait(host, shift, due, who, expires, number):  # type: ignore[no-untyped-def]
    """Put a row into the wheel; it must not be due before what was submitted last."""
    turn = due >> shift
    if turn <= host.whole[CURSOR]:
        _push(host.rows, host.lanes, NEAR, due, who, expires, number)
    else:
        _store(host, turn, due, who, expires, number)


@kernel
def _sort_in(host, start, many):  # type: ignore[no-untyped-def]
    """Put the first so many of `sorting`, all of a slot that begins at `start`, into NEAR, which is empty. Of few the
    rank of each is counted, without a branch; more are put into a heap.
    """
    rows, lanes, pool, sorting, places = host.rows, host.lanes, host.pool, host.sorting, host.places
    # The rows of each slot lie where those of the last one lay, so that they stay in the cache.
    lanes[place(FIRST + NEAR)] = lanes[place(END + NEAR)] = 0
    if many > COUNTED_AT_MOST:
        for a in range(many):  # in the order of time and of their coming; `_push` looks at equal times
            sift_in(sorting, a, (sorting[place(a)] & ~np.int64(CLIENT)) | a)
        for left in range(many, 0, -1):
            at = np.int64(places[place(sorting[0] & CLIENT)])
            sift_out(sorting, left)
            row = at * ROW
            who, expires, number = pool[place(row + WHO)], pool[place(row + EXPIRES)], pool[place(row + NUMBER)]
            _push(rows, lanes, NEAR, pool[place(row + TIME)], who, expires, number)
        return
    least, most = sorting[0], sorting[0]
    for a in range(many):
        key = sorting[place(a)]
        least, most = min(least, key), max(most, key)
        rank = 0
        for b in range(many):
            rank += sorting[place(b)] < key
        at = np.int64(places[place(a)])
        row = at * ROW
        to = _at(lanes, NEAR, rank)
        for column in range(ROW):
            rows[place(to + column)] = pool[place(row + column)]
    lanes[place(END + NEAR)] = many
    lanes[place(DUE + NEAR)] = ((start + (least >> CLIENT_BITS)) << LANE_BITS) | NEAR
    lanes[place(LAST + NEAR)] = max(lanes[place(LAST + NEAR)], start + (most >> CLIENT_BITS))


@inline
def _fetch(host, turn, before):  # type: ignore[no-untyped-def]
    """Let a chunk of a slot come to the cache, the newest one or so many before it; those after it have come."""
    end = np.int64(host.slots[place(turn & (host.slots.shape[0] - 1))])
    chunk = (end - 1) // CHUNK if end > 0 else np.int64(-1)
    for _ in range(before):
        if chunk >= 0:
            chunk = np.int64(host.following[place(chunk)])
    if chunk >= 0:
        fetch(host.following, chunk)
        for line in range(chunk * CHUNK * ROW, (chunk + 1) * CHUNK * ROW, LINE):
            fetch(host.pool, line)


@kernel
def _turn(host, shift, until):  # type: ignore[no-untyped-def]
    """Turn the wheel, whose next slot begins by `until`, up to a slot in which something is due, or to the last that
    begins by then. Returns when the slot after that begins.
    """
    whole = host.whole
    lanes = host.lanes
    pool = host.pool
    mask = host.slots.shape[0] - 1
    while lanes[place(FIRST + NEAR)] == lanes[place(END + NEAR)] and (whole[CURSOR] + 1) << shift <= until:
        whole[CURSOR] += 1
        slot = place(whole[CURSOR] & mask)
        end = np.int64(host.slots[slot])
        if end == 0:
            continue
        host.slots[slot] = 0
        for before in range(FETCHED):
            _fetch(host, whole[CURSOR] + FETCHED - before, before)
        start = whole[CURSOR] << shift
        many = 0
        newest = (end - 1) // CHUNK
        chunk = newest
        while chunk >= 0:
            for at in range(chunk * CHUNK, end):
                row = at * ROW
                time, who = pool[place(row + TIME)], pool[place(row + WHO)]
                if time >> shift == whole[CURSOR]:
                    host.sorting[place(many)] = ((time - start) << CLIENT_BITS) | (who & CLIENT)
                    host.places[place(many)] = at
                    many += 1
                else:  # of a later round
                    _store(host, whole[CURSOR], time, who, pool[place(row + EXPIRES)], pool[place(row + NUMBER)])
            chunk = np.int64(host.following[place(chunk)])
            end = (chunk + 1) * CHUNK
        if many > 0:
            _sort_in(host, start, many)
        while newest >= 0:  # its chunks are free
            chunk = np.int64(host.following[place(newest)])
            host.following[place(newest)] = whole[VACANT]
            whole[VACANT] = newest
            newest = chunk
    return (whole[CURSOR] + 1) << shift


@kernel
def _wait_again(params, keys, inputs, host, shift, now, who, expires, number, is_answer):  # type: ignore[no-untyped-def]
    """The client's attempt came to nothing: it sleeps in the wheel. `who` counts the failure already."""
    delay = policies.retry_delay_ns(
        params.client, inputs.table, keys.retry, who & CLIENT, number >> 1, who >> CLIENT_BITS
    )
    if is_answer:
        delay = max(delay, params.client.round_trip_ns)
    _wait(host, shift, now + min(delay, FAR), who, expires, number)


@inline
def _answer(params, rules, keys, inputs, host, shift, now, who, expires, number):  # type: ignore[no-untyped-def]
    """The client hears that its attempt came to nothing."""
    if rules.answer_ns >= 0:
        _push(host.rows, host.lanes, ANSWERS, now + rules.answer_ns, who + TRY, expires, number)
    else:
        _wait_again(params, keys, inputs, host, shift, now, who + TRY, expires, number, True)


@inline
def _runs_out(params, rules, host, expires, kept, change):  # type: ignore[no-untyped-def]
    """Change how many leases run out in the window at whose end this one is gone. Where all delays are constant that is
    mostly the window of the lease before, which is `kept`.
    """
    whole = host.whole
    since = expires - 1 - whole[place(kept)]
    if rules.lease_ns < 0 or rules.check_ns < 0 or since < 0 or since >= params.window_ns:
        window = window_of(expires - 1, params.window_ns, rules.windows_per_ns)
        whole[place(kept)] = window * params.window_ns
        whole[place(kept + 1)] = min(window, host.expiring.shape[0] - 1)
    host.expiring[place(whole[place(kept + 1)])] += change


@inline
def _grant(params, rules, keys, inputs, host, flows, client, expires, now, credit):  # type: ignore[no-untyped-def]
    """The end of a new lease; keeps the count of leases and of those that run out in each window."""
    whole = host.whole
    length = rules.lease_ns
    if length < 0:
        length = draws.whole_ns(draws.draw(params.lease.duration, inputs.table, keys.lease, client, 0))
        length = min(length + params.lease.grace_ns, draws.FAR_NS)
    new = credit + length
    if expires > now:
        _runs_out(params, rules, host, expires, OLD, -1)
    else:
        whole[UNLEASED_NS] += now - max(expires, 0)
        if whole[UNLEASED_NS] >= UNLEASED_CARRY_NS:
            whole[UNLEASED_NS] -= UNLEASED_CARRY_NS
            whole[UNLEASED_CARRY] += 1
        flows[ESTABLISHED] += 1
    if new > now:
        _runs_out(params, rules, host, new, NEW, 1)
    else:
        whole[LEASED] -= 1  # of those whom `ESTABLISHED` counts, and of renewals that end a lease
    return new


@inline
def _is_cut(params, outcome):  # type: ignore[no-untyped-def]
    """Whether the client cancels a request in service, which ends at its deadline."""
    return params.cancel != 0 and outcome >= WASTES and outcome != TELLS


@inline
def _succeed(params, rules, keys, inputs, host, shift, flows, base, now):  # type: ignore[no-untyped-def]
    """The client of the worker that lies at `base` learns at `now` that it has a lease. Returns its end."""
    workers = host.workers
    paid = workers[place(base + PAID_NS)]
    submitted = workers[place(base + SUBMITTED_AT)]
    expires = workers[place(base + EXPIRES_AT)]
    number = workers[place(base + WHICH)]
    client = workers[place(base + WHO_IS)] & CLIENT
    flows[OVERHEAD_NS] += paid
    flows[SUCCEEDED] += 1
    flows[USEFUL_NS] += now - workers[place(base + STARTED_AT)] - paid
    host.histogram[place(part_of(now - submitted))] += 1
    credit = policies.credit_ns(params.lease, submitted, now)
    expires = _grant(params, rules, keys, inputs, host, flows, client, expires, now, credit)
    if rules.check_ns >= 0:
        _push(host.rows, host.lanes, CHECKS, now + rules.check_ns, client, expires, number)
    else:
        every = np.float64(params.check_every_ns)
        every *= 1.0 + params.check_jitter * (2.0 * draws.uniform(keys.check, client, number >> 1) - 1.0)
        _wait(host, shift, now + min(draws.whole_ns(every), FAR), client, expires, number)
    return expires


@inline
def _waste(host, flows, base, now):  # type: ignore[no-untyped-def]
    """The worker that lies at `base` is done at `now` with a request whose client gave up."""
    workers = host.workers
    paid = workers[place(base + PAID_NS)]
    flows[OVERHEAD_NS] += paid
    flows[WASTED] += 1
    flows[WASTED_NS] += now - workers[place(base + STARTED_AT)] - paid
    host.histogram[place(part_of(now - workers[place(base + SUBMITTED_AT)]))] += 1


@kernel
def _carry_out(params, rules, keys, inputs, host, shift, worker, now):  # type: ignore[no-untyped-def]
    """A worker, which is not idle, is done at `now` with what it began."""
    flows = host.series[place(host.whole[BIN])]
    workers = host.workers
    base = worker * WORKER
    outcome = workers[place(base + OUTCOME)]
    if outcome == GRANTS:
        expires = _succeed(params, rules, keys, inputs, host, shift, flows, base, now)
        if policies.newest_first(params.queue):
            host.leases[place(workers[place(base + WHO_IS)] & CLIENT)] = expires
        return
    paid = workers[place(base + PAID_NS)]
    work = now - workers[place(base + STARTED_AT)] - paid
    if _is_cut(params, outcome):
        flows[CANCELLED] += 1
        flows[OVERHEAD_NS] += paid + min(work, 0)
        flows[WASTED_NS] += max(work, 0)
        return
    if outcome == WASTES:
        _waste(host, flows, base, now)
        return
    flows[OVERHEAD_NS] += paid
    host.histogram[place(part_of(now - workers[place(base + SUBMITTED_AT)]))] += 1
    flows[FAILED] += 1
    flows[FAILED_NS] += work
    if outcome == TELLS:
        host.whole[SLEEPERS] += 1
        who, expires = workers[place(base + WHO_IS)], workers[place(base + EXPIRES_AT)]
        number = workers[place(base + WHICH)]
        _answer(params, rules, keys, inputs, host, shift, now, who, expires, number)


@inline
def _heard_from(rules, outcome, finish):  # type: ignore[no-untyped-def]
    """When a client may submit again that learns at `finish` what came of its request; else NEVER."""
    if outcome == GRANTS:
        return finish + rules.least_check_ns
    return finish + rules.least_answer_ns if outcome == TELLS else np.int64(NEVER)


@kernel
def _sweep(params, rules, keys, inputs, host, shift, until):  # type: ignore[no-untyped-def]
    """Carry out every finish up to `until`. Returns from when on something may come of the others."""
    whole = host.whole
    busy = 0
    heard = np.int64(NEVER)
    for worker in range(params.workers):
        outcome = host.workers[place(worker * WORKER + OUTCOME)]
        if outcome != IDLE:
            finish = (host.free[place(worker)] >> rules.worker_bits) - 1
            if finish <= until:
                _carry_out(params, rules, keys, inputs, host, shift, worker, finish)
                host.workers[place(worker * WORKER + OUTCOME)] = IDLE
                if not _is_cut(params, outcome):
                    host.workers[place(worker * WORKER + WHO_IS)] = NOBODY
                whole[BUSY_NS] += finish
            else:
                busy += 1
                heard = min(heard, _heard_from(rules, outcome, finish))
    whole[BUSY] = busy
    whole[HEARD] = heard
    return heard


@inline
def _settle(free, least, worker, is_many):  # type: ignore[no-untyped-def]
    """When a worker is free has changed. Returns the least of all, which are `is_many`, or half a group at most."""
    first = worker & ~(GROUP - 1)
    found = min(free[place(first)], free[place(first + 1)], free[place(first + 2)], free[place(first + 3)])
    if is_many:
        rest = min(free[place(first + 4)], free[place(first + 5)], free[place(first + 6)], free[place(first + 7)])
        found = min(found, rest)
        if least.shape[0] > 1:
            least[place(worker >> 3)] = found
            for other in range(least.shape[0]):
                found = min(found, least[place(other)])
    return found


@inline
def _freed_by(params, host, worker):  # type: ignore[no-untyped-def]
    """By whose event a worker became free, in the order of events at one instant: finishes, then cancellations; each by
    client and attempt.
    """
    base = worker * WORKER
    outcome = host.workers[place(base + OUTCOME)]
    who = host.workers[place(base + WHO_IS)]
    is_cancelled = _is_cut(params, outcome) or (params.cancel != 0 and outcome == IDLE)
    key = np.int64(NOBODY) if who == NOBODY else who & CLIENT
    return key + (TRY if is_cancelled and who != NOBODY else 0), host.workers[place(base + WHICH)]


@kernel
def _freed_first(params, rules, host, worker):  # type: ignore[no-untyped-def]
    """Of all workers that become free at the same instant as this one, the first."""
    free = host.free[place(worker)] >> rules.worker_bits
    event, number = _freed_by(params, host, worker)
    for other in range(params.workers):
        if host.free[place(other)] >> rules.worker_bits == free:
            other_event, other_number = _freed_by(params, host, np.int64(other))
            if other_event < event or (other_event == event and other_number < number):
                worker, event, number = np.int64(other), other_event, other_number
    return worker


@kernel
def _leave(params, rules, host, head, waiting, worker, ahead):  # type: ignore[no-untyped-def]
    """With `cancel`: how many of so many who wait, from number `head` on, leave before `worker`, the first that is
    free, takes one, if that comes by `ahead`, or else by then.
    """
    until, below = ahead + 1, np.int64(NOBODY)
    free = (host.free[place(worker)] >> rules.worker_bits) - 1
    if free <= ahead:
        until = free
        # Who was served before who waits may have come after, where the newest is taken first.
        event, _ = _freed_by(params, host, worker)
        if policies.newest_first(params.queue) and event >= TRY:
            below = event & CLIENT
    left = 0
    while left < waiting:
        submitted, client = _waiter(params, host, head + left)
        due = submitted + rules.timeout_ns
        if due > until or (due == until and client >= below):
            break
        left += 1
    if left > 0:
        host.series[place(host.whole[BIN]), CANCELLED] += left
        host.whole[OLDEST_PEAK] = max(host.whole[OLDEST_PEAK], rules.timeout_ns)
    return left


@kernel
def _lease_now(params, rules, keys, inputs, host, shift, client, worker):  # type: ignore[no-untyped-def]
    """The end of the lease of a client whose abandoned request `worker` takes when it becomes free. A newer attempt may
    have brought another lease; where that is done already it is carried out first.
    """
    free = host.free[place(worker)] >> rules.worker_bits
    event, number = _freed_by(params, host, worker)
    for other in range(params.workers):
        base = other * WORKER
        if host.workers[place(base + OUTCOME)] == GRANTS and host.workers[place(base + WHO_IS)] & CLIENT == client:
            done = host.free[place(other)] >> rules.worker_bits
            is_first = client < event or (client == event and host.workers[place(base + WHICH)] <= number)
            if done < free or (done == free and is_first):
                _carry_out(params, rules, keys, inputs, host, shift, np.int64(other), done - 1)
                host.workers[place(base + OUTCOME)] = IDLE
                host.whole[BUSY_NS] += done - 1
    return host.leases[place(client)]


@kernel
def _restart(params, rules, host, now, down_ns):  # type: ignore[no-untyped-def]
    """As `requests._restart`; every finish before `now` has been carried out."""
    whole = host.whole
    lanes = host.lanes
    flows = host.series[place(whole[BIN])]
    waiting = whole[WAITING]
    if waiting > 0:
        oldest, _ = _waiter(params, host, whole[HEAD])
        whole[OLDEST_PEAK] = max(whole[OLDEST_PEAK], now - oldest)
    busy = 0
    up = max(whole[DOWN_UNTIL], now + down_ns)
    for worker in range(params.workers):
        base = worker * WORKER
        if host.workers[place(base + OUTCOME)] != IDLE:
            busy += 1
            elapsed = now - host.workers[place(base + STARTED_AT)]
            paid = min(host.workers[place(base + PAID_NS)], elapsed)
            flows[OVERHEAD_NS] += paid
            flows[WASTED_NS] += elapsed - paid
            host.workers[place(base + OUTCOME)] = IDLE
        host.free[place(worker)] = ((now + 1) << rules.worker_bits) | worker
    for worker in range(0, params.workers, GROUP):
        _settle(host.free, host.least, worker, True)
    flows[LOST] += waiting + busy
    whole[BUSY_NS] += busy * now
    idle = params.workers - busy
    down_from = max(whole[DOWN_UNTIL], now)
    whole[IDLE_NS] += idle * down_from - params.workers * up + busy * now
    whole[DOWN_NS] += idle * (up - down_from) + busy * (up - now)
    whole[DOWN_UNTIL] = up
    whole[COST_NS] = 0
    whole[HEAD] = lanes[place(END + DEADLINES)]
    whole[WAITING] = 0
    limits.begin(params.admission, whole[ADMISSION_AT:], host.real[ADMISSION_TOKENS:], up)


@kernel
def _control(params, rules, inputs, host, now):  # type: ignore[no-untyped-def]
    """Carry out the next control."""
    whole = host.whole
    real = host.real
    i = whole[CONTROL]
    what = inputs.controls[i, 1]
    if what == DEPENDENCY:
        real[DEPENDENCY_FAILS] = inputs.control_args[i, 0]
    elif what == RESTART:
        _restart(params, rules, host, now, inputs.controls[i, 2])
    else:
        rate, burst = inputs.control_args[i, 0], inputs.control_args[i, 1]
        limits.turn(whole[GATE_AT:], real[GATE_TOKENS:], now, rate, burst, whole[GATE_ON] != GATE_OFF)
        if rate < 0.0:
            whole[GATE_ON] = GATE_OFF
        else:
            whole[GATE_ON] = GATE_ESTABLISH if inputs.controls[i, 2] != 0 else GATE_ALL
    i += 1
    whole[CONTROL] = i
    while i < inputs.controls.shape[0] and inputs.controls[i, 1] != RESTART:
        i += 1
    whole[DOOM] = inputs.controls[i, 0] if i < inputs.controls.shape[0] else NEVER


@kernel
def _count_deadlines(rules, host, until):  # type: ignore[no-untyped-def]
    """Count the deadlines up to `until` at which clients gave up."""
    whole = host.whole
    lanes = host.lanes
    rows = host.rows
    counted = whole[COUNTED]
    late = 0
    while counted < lanes[place(END + DEADLINES)]:
        at = _at(lanes, DEADLINES, counted)
        if rows[place(at + TIME)] + rules.timeout_ns > until:
            break
        late += 1 - (rows[place(at + NUMBER)] & 1)
        counted += 1
    whole[COUNTED] = counted
    host.series[place(whole[BIN]), TIMED_OUT] += late


@kernel
def _close_window(params, host):  # type: ignore[no-untyped-def]
    """Write the levels at the end of the current window and its largest, and open the next, which begins with them."""
    whole = host.whole
    edge = whole[EDGE]
    flows = host.series[place(whole[BIN])]
    waiting = whole[WAITING]
    oldest = np.int64(0)
    if waiting > 0:
        submitted, _ = _waiter(params, host, whole[HEAD])
        oldest = edge - submitted
    busy = whole[BUSY]
    whole[LEASED] += flows[ESTABLISHED] - host.expiring[place(whole[BIN])]
    whole[SLEEPERS] += flows[SUCCEEDED] + flows[TIMED_OUT] - flows[SUBMITTED]
    for refused in range(REJECTED_GATE, REJECTED_DOWN + 1):
        whole[SLEEPERS] += flows[place(refused)]
    flows[QUEUE] = waiting
    flows[OLDEST_NS] = oldest
    flows[LEASED_END] = whole[LEASED]
    flows[IN_SERVICE] = busy
    flows[SLEEPING_END] = whole[SLEEPERS]
    idle = params.workers - busy
    flows[BUSY_SUM_NS] = whole[BUSY_NS] + busy * edge
    flows[IDLE_SUM_NS] = whole[IDLE_NS] - whole[BUSY_NS] + idle * max(edge, whole[DOWN_UNTIL])
    flows[DOWN_SUM_NS] = whole[DOWN_NS] - idle * max(whole[DOWN_UNTIL] - edge, 0)
    whole[IDLE_NS] = -idle * max(edge, whole[DOWN_UNTIL]) - busy * edge
    whole[BUSY_NS] = -busy * edge
    whole[DOWN_NS] -= flows[DOWN_SUM_NS]
    flows[QUEUE_MAX] = whole[QUEUE_PEAK]
    flows[OLDEST_MAX_NS] = max(whole[OLDEST_PEAK], oldest)
    whole[QUEUE_PEAK] = waiting
    whole[OLDEST_PEAK] = 0
    whole[BIN] += 1
    whole[EDGE] = edge + params.window_ns


@kernel
def _first_of(rows, lanes, now):  # type: ignore[no-untyped-def]
    """The lane whose head is first of those that are due at one time: the lowest client."""
    found = 0
    lowest = np.int64(MAX_CLIENTS)
    for lane in range(LANES):
        if lanes[place(DUE + lane)] >> LANE_BITS == now:
            client = rows[place(_at(lanes, lane, lanes[place(FIRST + lane)]) + WHO)] & CLIENT
            if client < lowest:
                found, lowest = lane, client
    return found


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
def _draw_ahead(rows, lanes, lane, key, logs):  # type: ignore[no-untyped-def]
    """Logarithms of the draws of the next services of a lane's first rows: a batch takes a fraction of the time that
    they take one by one, each on the way to its service. All uniforms come first, so that the processor takes several
    logarithms at a time.
    """
    first = lanes[place(FIRST + lane)]
    begin = first & (AHEAD - 1)
    many = min(AHEAD - begin, lanes[place(END + lane)] - first)
    for number in range(many):
        at = _at(lanes, lane, first + number)
        logs[place(begin + number)] = draws.uniform(
            key, rows[place(at + WHO)] & CLIENT, (rows[place(at + NUMBER)] >> 1) + 1
        )
    for number in range(many):
        logs[place(begin + number)] = draws.log(logs[place(begin + number)])
    lanes[DRAWN] = first + many


@kernel
def _drawn(params, keys, inputs, is_renewal, client, attempt):  # type: ignore[no-untyped-def]
    """A service time (float64 ns)."""
    kind = params.renew if is_renewal else params.establish
    return draws.draw(kind, inputs.table, keys.service, client, attempt)


@inline
def _run(params, rules, keys, inputs, host, shift, cancels, is_newest_first, from_, limit, p, r, k, i, h):  # type: ignore[no-untyped-def]
    """Every event from `from_` up to `limit`, between which no control comes and no window ends. Returns a status.

    `cancels` and `is_newest_first` are written out where they are known to be false: then the machine code has nothing
    of them. `p` to `h` are the records of the first five for calls.
    """
    whole = host.whole
    rows = host.rows
    lanes = host.lanes
    workers = host.workers
    free = host.free
    begun = host.begun
    flows = host.series[place(whole[BIN])]
    ring = np.int64(begun.shape[0])
    number_of = (np.int64(1) << rules.worker_bits) - 1
    latest = (np.int64(1) << (62 - rules.worker_bits)) - 2
    fails = host.real[DEPENDENCY_FAILS]
    doom = whole[DOOM]
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
    least = _settle(free, host.least, np.int64(0), is_many)
    status = DONE
    is_plain = is_up and fails <= 0.0 and params.slowdown_a <= 0.0
    is_plain = is_plain and not is_newest_first and params.queue.kind != policies.DROP_EXPIRED
    has_logs = params.establish.kind == EXPONENTIAL or params.renew.kind == EXPONENTIAL
    active = np.int64(CHECKS if rules.check_ns >= 0 else NEAR)
    while True:
        # Most of the time a client whose turn it is finds no queue, and will be answered in time, as was the one before
        # it at its worker. Then all other lanes stay as they are.
        if is_plain and cost == 0 and waiting == 0:
            other = min(lanes[DUE + DEADLINES], lanes[DUE + ANSWERS], lanes[DUE + CHECKS + NEAR - active])
            stop = min(stop, other >> LANE_BITS)
            while True:
                now = lanes[place(DUE + active)] >> LANE_BITS
                idle_from = (least >> rules.worker_bits) - 1
                worker = least & number_of
                base = worker * WORKER
                outcome = workers[place(base + OUTCOME)]
                ahead = limit if is_eager else now
                if now >= stop or idle_from > ahead or outcome > GRANTS or starts - seen == ring:
                    break
                first = lanes[place(FIRST + active)]
                if has_logs and first >= lanes[DRAWN]:
                    _draw_ahead(rows, lanes, active, keys.service, host.logs)
                at = _at(lanes, active, first)
                who = rows[place(at + WHO)]
                expires = rows[place(at + EXPIRES)]
                number = rows[place(at + NUMBER)] + 2
                start = max(now, idle_from)
                if expires <= start:
                    kind, mean = params.establish.kind, params.establish.a
                else:
                    kind, mean = params.renew.kind, params.renew.a
                if kind == EXPONENTIAL:
                    mean = max(-mean * host.logs[place(first & (AHEAD - 1))], 0.0)
                elif kind != CONSTANT:
                    mean = _drawn(p, k, i, expires > start, who & CLIENT, number >> 1)
                finish = start + draws.whole_ns(mean)
                if finish > now + rules.timeout_ns or finish >= doom:
                    break
                first += 1
                lanes[place(FIRST + active)] = first
                due = NEVER + active
                if first < lanes[place(END + active)]:
                    due = rows[place(_at(lanes, active, first) + TIME)]
                lanes[place(DUE + active)] = (due << LANE_BITS) | active
                flows[SUBMITTED] += 1
                oldest = max(oldest, start - now)
                if outcome == GRANTS:
                    _succeed(params, rules, keys, inputs, host, shift, flows, base, idle_from)
                    busy_ns += idle_from
                busy_ns -= start
                workers[place(base + STARTED_AT)] = start
                workers[place(base + SUBMITTED_AT)] = now
                workers[place(base + PAID_NS)] = 0
                workers[place(base + OUTCOME)] = GRANTS
                workers[place(base + WHO_IS)] = who
                workers[place(base + EXPIRES_AT)] = expires
                workers[place(base + WHICH)] = number
                next_sweep = min(next_sweep, finish + rules.least_check_ns)
                stop = min(stop, next_sweep)
                free[place(worker)] = ((min(finish, latest) + 1) << rules.worker_bits) | worker
                least = _settle(free, host.least, worker, is_many)
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
            stop = min(limit + 1, next_slot, next_sweep)

        k0, k1, k2, k3 = lanes[DUE], lanes[DUE + 1], lanes[DUE + 2], lanes[DUE + 3]
        k01, k23 = min(k0, k1), min(k2, k3)
        key = min(k01, k23)
        now = key >> LANE_BITS
        worker = least & number_of
        idle_from = (least >> rules.worker_bits) - 1
        ahead = limit if is_eager else min(now, stop - 1)  # nothing else can come before it
        if (is_newest_first or cancels) and waiting > 0:
            if is_newest_first and idle_from <= ahead:
                worker = _freed_first(p, r, h, worker)
            if cancels:
                left = _leave(p, r, h, head, waiting, worker, ahead)
                head += left
                waiting -= left
        can_start = idle_from <= ahead and starts - seen < ring
        is_queued = waiting > 0 and can_start
        if is_queued:
            waiting -= 1
            at = _at(lanes, DEADLINES, head)
            if is_newest_first:
                at = _unstack(r, h, head + waiting, idle_from)
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
                next_slot = _turn(h, shift, reach)
                if active == NEAR:
                    lanes[DRAWN] = 0  # its rows are counted anew
            elif next_sweep <= reach:
                # Where the newest is taken first, leases are to be as they are at the next start.
                next_sweep = _sweep(p, r, k, i, h, shift, next_sweep - 1 if is_newest_first else limit)
            else:
                break
            stop = min(limit + 1, next_slot, next_sweep)
            continue
        else:
            if lanes[END + DEADLINES] >= full_at:
                oldest_row = lanes[END + DEADLINES] if is_newest_first else head
                full_at = min(oldest_row, whole[COUNTED], lanes[FIRST + DEADLINES]) + lanes[MASK + DEADLINES]
                if lanes[END + DEADLINES] >= full_at:
                    status = GROW_QUEUE
                    break
            if is_newest_first and waiting == host.stack.shape[0] // TALL:
                status = GROW_QUEUE
                break
            lane = key & ((1 << LANE_BITS) - 1)
            if min(k0 ^ k1, k2 ^ k3, k01 ^ k23) >> LANE_BITS == 0:
                if rules.retry_ns >= 0 or lane != DEADLINES:  # else a deadline, which comes before submissions
                    lane = np.int64(_first_of(rows, lanes, now))
            at = _at(lanes, lane, lanes[place(FIRST + lane)])
            who = rows[place(at + WHO)] + lanes[place(MORE + lane)]
            expires = rows[place(at + EXPIRES)]
            number = rows[place(at + NUMBER)]
            _pop(rows, lanes, lane)
            if number & 1 != 0:
                continue  # answered before its deadline
            if rules.retry_ns < 0 and lane == DEADLINES:
                _wait_again(p, k, i, h, shift, now, who, expires, number, False)
                continue
            submitted = now
            number += 2
            flows[SUBMITTED] += 1
            if not is_open:
                refused = _refusal(
                    params, keys, host, now, who & CLIENT, number >> 1, expires > now, idle_from <= now, waiting
                )
                if refused >= 0:
                    flows[place(refused)] += 1
                    if refused != REJECTED_DOWN:
                        cost = min(cost + params.reject_cost_ns, draws.FAR_NS)
                    _answer(params, rules, keys, inputs, host, shift, now, who, expires, number)
                    continue
            if waiting > 0 or not can_start:
                if is_newest_first:
                    _stack(h, head + waiting, now, who, expires, number)
                _enqueue(rows, lanes, now, who, expires, number)
                waiting += 1
                while waiting + starts - seen > peak:
                    if seen == starts or begun[place(seen & (ring - 1))] > now:
                        peak = waiting + starts - seen
                    else:
                        seen += 1
                continue
        start = max(submitted, idle_from)
        oldest = max(oldest, start - submitted)
        deadline = submitted + rules.timeout_ns

        if policies.drops(params.queue, start, submitted, deadline, start <= deadline):
            flows[DROPPED] += 1
            cost = min(cost + params.drop_cost_ns, draws.FAR_NS)
            is_told = start <= deadline and params.drop_notifies != 0
            if is_queued:
                if is_told:
                    rows[place(at + NUMBER)] = number | 1
            elif not is_told:
                _enqueue(rows, lanes, submitted, who, expires, number)
                head += 1
            if is_told:
                whole[SLEEPERS] += 1
                _answer(params, rules, keys, inputs, host, shift, start, who, expires, number)
            continue

        # A service begins.
        client = who & CLIENT
        is_failure = fails > 0.0 and (fails >= 1.0 or draws.uniform(keys.dependency, client, number >> 1) < fails)
        if is_failure:
            service = np.int64(params.fail_after_ns)
        else:
            if is_newest_first and deadline < start:
                expires = _lease_now(p, r, k, i, h, shift, client, worker)
            is_renewal = expires > start
            if not is_renewal:
                kind, mean = params.establish.kind, params.establish.a
            else:
                kind, mean = params.renew.kind, params.renew.a
            if kind == EXPONENTIAL:
                mean = max(-mean * draws.log(draws.uniform(keys.service, client, number >> 1)), 0.0)
            elif kind != CONSTANT:
                mean = _drawn(p, k, i, is_renewal, client, number >> 1)
            if params.slowdown_a > 0.0:
                mean = draws.slowed(mean, params.slowdown_a, params.slowdown_b, params.slowdown_n, waiting)
            service = draws.whole_ns(mean)
        finish = start + service + cost
        is_heard = finish <= deadline and finish < doom
        if cancels:
            finish = min(finish, deadline)
        base = worker * WORKER
        before = workers[place(base + OUTCOME)]
        if before != IDLE:
            if before == WASTES and not cancels:  # where a herd has collapsed, what happens most
                _waste(host, flows, base, idle_from)
            else:
                _carry_out(p, r, k, i, h, shift, worker, idle_from)
            busy_ns += idle_from
        busy_ns -= start
        workers[place(base + STARTED_AT)] = start
        workers[place(base + SUBMITTED_AT)] = submitted
        workers[place(base + PAID_NS)] = cost
        workers[place(base + WHO_IS)] = who
        workers[place(base + EXPIRES_AT)] = expires
        workers[place(base + WHICH)] = number
        outcome = (TELLS if is_failure else GRANTS) + (0 if is_heard else 1)
        workers[place(base + OUTCOME)] = outcome
        next_sweep = min(next_sweep, _heard_from(rules, outcome, finish))
        stop = min(stop, next_sweep)
        cost = np.int64(0)
        free[place(worker)] = ((min(finish, latest) + 1) << rules.worker_bits) | worker
        least = _settle(free, host.least, worker, is_many)
        if is_queued:
            if is_heard:
                rows[place(at + NUMBER)] = number | 1
        elif not is_heard:
            _enqueue(rows, lanes, submitted, who, expires, number)
            head += 1
        if is_eager:
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
        left = _leave(p, r, h, head, waiting, least & number_of, limit)
        head += left
        waiting -= left
    whole[HEAD], whole[WAITING] = head, waiting
    whole[STARTS], whole[SEEN] = starts, seen
    whole[QUEUE_PEAK] = peak
    whole[OLDEST_PEAK] = max(whole[OLDEST_PEAK], oldest)
    whole[COST_NS] = cost
    whole[HEARD] = next_sweep
    whole[BUSY_NS] += busy_ns
    return status


@inline
def _advance(rules_of_host, own, streams, outside, memory, shift, cancels, is_newest_first, until):  # type: ignore[no-untyped-def]
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
        status = _run(params, rules, keys, inputs, host, shift, cancels, is_newest_first, from_ns, limit, p, r, k, i, h)
        if status != DONE:
            return status
        from_ns = limit + 1
        whole[SEEN] = whole[STARTS]  # all before the stretch's end
        _sweep(p, r, k, i, h, shift, limit)
        _count_deadlines(r, h, limit)
        if whole[EDGE] == limit + 1:
            _close_window(p, h)
        elif control == limit + 1 and control < until:
            _control(p, r, i, h, control)
        else:
            whole[NOW] = until
            return DONE


@kernel
def advance(rules_of_host, own, streams, outside, memory, shift, until):  # type: ignore[no-untyped-def]
    """Take a host to `until` (ns): every event before it, none at or after it. Returns a status. The host takes the
    oldest first, and its requests stay in the queue when they time out; `advance_any` is for all.

    Parameters, what follows from them, keys, inputs, and what the host remembers; 2^shift ns is a slot of the wheel.
    DONE: it is there. GROW_QUEUE: the queue is full; enlarge it and call again.
    """
    return _advance(rules_of_host, own, streams, outside, memory, shift, False, False, until)


@kernel
def advance_any(rules_of_host, own, streams, outside, memory, shift, until):  # type: ignore[no-untyped-def]
    """As `advance`, also where requests leave the queue when they time out, or the newest is taken first."""
    cancels, is_newest_first = rules_of_host.cancel != 0, policies.newest_first(rules_of_host.queue)
    return _advance(rules_of_host, own, streams, outside, memory, shift, cancels, is_newest_first, until)
