"""Request, queue, worker: the kernel that all queueing stages share (MODEL.md, section 1), event by event.

One call of `advance` takes one host from where it stands to `until`, and returns a status. All that a host remembers
is in a `Host` of arrays, so a run may be cut anywhere and goes on with the same bits. The order of events at one time:
changes of the dependency and edits by operators, finishes, deadlines, submissions; within each the lower client
number.
"""

from typing import NamedTuple

import numpy as np

from recovery_kernels import draws, events, limits, policies
from recovery_kernels.arrays import Real, Short, Whole
from recovery_kernels.draws import Dist
from recovery_kernels.events import (
    ATTEMPT,
    CLIENT,
    DUE,
    EXPIRES,
    FORGOTTEN,
    FREE,
    NEVER,
    NOBODY,
    QUEUED,
    SERVED,
    SLEEPING,
    STATE,
    TRIES,
    arm,
    disarm,
    is_live,
    key_client,
    key_time,
    place,
    row_of,
    sift_out,
    tidy,
    turn,
)
from recovery_kernels.handles import refer
from recovery_kernels.jit import inline, kernel

HOLDERS, JOBS = range(2)

# What `advance` may say.
DONE, GROW_QUEUE, GROW_CLIENTS, GROW_LOG, TOO_MANY_JOBS = range(5)

# Whole-number memory of a host (Host.whole).
(
    NOW, NEAR_SIZE, CURSOR, HEAD, TAIL, WAITING, BUSY, COST_NS, DOWN_UNTIL, LEASED, BIN, EDGE, CONTROL, FROZEN,
    NEXT_ARRIVAL, JOB, SEGMENT, LOG, BUSY_NS, IDLE_NS, DOWN_NS, ADMISSION_AT, ADMISSION_CLOSED, GATE_AT, GATE_ON,
    SLEEPERS, UNLEASED_NS, JOBS_DONE,
    LATENCY_MAX, UNLEASED_CARRY, OPEN, QUEUE_PEAK, OLDEST_PEAK, OPEN_PEAK,
) = range(34)  # fmt: skip
WHOLE = 34

# Fractional memory of a host (Host.real).
(
    ADMISSION_TOKENS, ADMISSION_RATE, ADMISSION_BURST, GATE_TOKENS, GATE_RATE, GATE_BURST, DEPENDENCY_FAILS, ARRIVAL_AT,
) = range(8)  # fmt: skip
REAL = 8

# Columns of the time series (Host.series): flows of the window, levels at its end, and the largest levels in it.
(
    SUBMITTED, REJECTED_GATE, REJECTED_ADMISSION, REJECTED_FULL, REJECTED_DOWN, DROPPED, LOST, CANCELLED, SUCCEEDED,
    WASTED,
    FAILED, TIMED_OUT, ESTABLISHED, ARRIVED, GAVE_UP, USEFUL_NS, WASTED_NS, FAILED_NS, OVERHEAD_NS,
    BUSY_SUM_NS, IDLE_SUM_NS, DOWN_SUM_NS,
    QUEUE, OLDEST_NS, LEASED_END, IN_SERVICE, SLEEPING_END,
    QUEUE_MAX, OLDEST_MAX_NS, OPEN_MAX,
) = range(30)  # fmt: skip
SERIES = 30

# Kinds of a line in the log.
(
    LOG_SUBMIT, LOG_REJECT, LOG_DROP, LOG_START, LOG_SUCCESS, LOG_WASTE, LOG_FAIL, LOG_DEADLINE, LOG_CANCEL, LOG_ARRIVE,
    LOG_GIVE_UP, LOG_CONTROL,
) = range(12)  # fmt: skip

# What a control does: the dependency fails with a share of requests; restart; the operator's throttle.
DEPENDENCY, RESTART, GATE = range(3)

GATE_OFF, GATE_ALL, GATE_ESTABLISH = range(
    3
)  # whom the operator's throttle holds up: nobody, all, those without a lease
OK, FAILS = range(2)  # outcome of a service
# Clocks of leases (whole[FROZEN]): they run; stand while the dependency fails; stand though it is back, as no holder
# was heard of since; stand, and one was heard of just now.
RUN, STAND, UNHEARD, HEARD = range(4)
FROZEN_BASE = 1 << 61  # a frozen lease is this plus what is left of it; above a horizon and FAR_NS
UNLEASED_CARRY_NS = 1 << 62  # of a host's time without leases, which 64 bits alone may not hold

# Columns of a worker (Host.workers).
WHO, WHICH, SUBMITTED_AT, STARTED_AT, OUTCOME, PAID_NS = range(6)
WORKER = 6

PARTS = 64  # a histogram has 64 equal parts in each power of two, so a quantile is exact to 1.6 %
HISTOGRAM = 59 * PARTS  # as far as 2^59 ns, 18 years: the longest horizon has 10
_PART_BITS = 52 - 6
_FIRST_PART = 1023 * PARTS


class Params(NamedTuple):
    """Everything that decides a host's run beside its controls and its size; scalars only, so that one kernel fits
    all.
    """

    traffic: int
    workers: int
    timeout: Dist
    cancel: int
    establish: Dist
    renew: Dist
    fail_after_ns: int
    reject_cost_ns: int
    drop_cost_ns: int
    drop_notifies: int
    slowdown_a: float
    slowdown_b: float
    slowdown_n: float
    check_every_ns: int
    check_jitter: float
    poisson: int
    window_ns: int
    client: policies.Client
    admission: policies.Admission
    queue: policies.Queue
    lease: policies.Lease


class Keys(NamedTuple):
    """Keys (uint64) of the host's streams of draws. The last two are for hosts where stale work is counted."""

    service: np.uint64
    timeout: np.uint64
    retry: np.uint64
    check: np.uint64
    lease: np.uint64
    dependency: np.uint64
    arrival: np.uint64
    admission: np.uint64
    stale: np.uint64
    stale_dependency: np.uint64


class Host(NamedTuple):
    """All that a host remembers.

    clients int64[rows, 8]; heads int32[slots]; near int64[3 rows + 64]; queue int64[power of two, 3] (client, attempt,
    submitted); workers int64[leaves, 6], leaves being the power of two from the number of workers up; finish
    int64[leaves] (NEVER: idle); tree int64[2 leaves] (a tournament for the earliest finish, its winner at 1); idle
    int64[leaves] (a stack of idle workers that starts at place whole[BUSY]); whole int64[WHOLE]; real float64[REAL];
    expiring int64[windows + 1] (leases that run out in each window); series int64[windows + 1, SERIES]; histogram
    int64[HISTOGRAM] and latency int64[HISTOGRAM] (time in the system of finished requests; from arrival to success of
    jobs); log int64[lines, 4] (time, kind, client, attempt).
    """

    clients: Whole
    heads: Short
    near: Whole
    queue: Whole
    workers: Whole
    finish: Whole
    tree: Whole
    idle: Whole
    whole: Whole
    real: Real
    expiring: Whole
    series: Whole
    histogram: Whole
    latency: Whole
    log: Whole


class Inputs(NamedTuple):
    """What the outside does to a host: controls int64[n, 3] (time, what, whole argument) with control_args float64[n,
    2], in order of time; arrivals_ns int64[segments] and arrivals_per_ns float64[segments]; table float64[m], the
    measured values.
    """

    controls: Whole
    control_args: Real
    arrivals_ns: Whole
    arrivals_per_ns: Real
    table: Real


@inline
def part_of(value_ns):  # type: ignore[no-untyped-def]
    """Place of a time in a histogram: read off the exponent and the first six bits of its mantissa."""
    return max((np.float64(value_ns).view(np.int64) >> _PART_BITS) - _FIRST_PART, 0)


def part_start_ns(part: Whole) -> Real:
    """Least time (float64 ns) that `part_of` puts into each of these parts."""
    return ((np.asarray(part, np.int64) + _FIRST_PART) << _PART_BITS).view(np.float64)


def tournament(leaves: int) -> Whole:
    """int64[2 leaves], a tree of so many workers without a game: each node names a worker of its own subtree, or it
    could hide one of another's.
    """
    tree = np.zeros(2 * leaves, np.int64)
    tree[leaves:] = np.arange(leaves)
    for node in range(leaves - 1, 0, -1):
        tree[node] = tree[2 * node]
    return tree


@inline
def _note(host, t, kind, client, attempt):  # type: ignore[no-untyped-def]
    if host.log.shape[0] > 0:
        line = host.whole[LOG]
        host.log[line, 0] = t
        host.log[line, 1] = kind
        host.log[line, 2] = client
        host.log[line, 3] = attempt
        host.whole[LOG] = line + 1


@inline
def _arm(host, wrap, shift, client):  # type: ignore[no-untyped-def]
    whole = host.whole
    whole[NEAR_SIZE] = arm(host.clients, wrap, host.heads, host.near, whole[NEAR_SIZE], whole[CURSOR], shift, client)


@inline
def _disarm(host, wrap, shift, client):  # type: ignore[no-untyped-def]
    disarm(host.clients, wrap, host.heads, host.whole[CURSOR], shift, client)


@inline
def _is_current(clients, row, client, attempt):  # type: ignore[no-untyped-def]
    state = clients[row, STATE]
    is_waiting = QUEUED <= state <= SERVED  # neighbours: `in` would be a function of its own, in machine code
    return clients[row, CLIENT] == client and clients[row, ATTEMPT] == attempt and is_waiting


@inline
def _settle(host, worker):  # type: ignore[no-untyped-def]
    """A worker's finish changed: play its games of the tournament again (by finish, then client, then attempt)."""
    tree = host.tree
    finish = host.finish
    node = (np.int64(finish.shape[0]) + np.int64(worker)) >> 1
    while node > 0:
        a = place(tree[place(2 * node)])
        b = place(tree[place(2 * node + 1)])
        winner = a if finish[a] < finish[b] else b
        if finish[a] == finish[b]:  # of two idle workers either may win
            workers = host.workers
            if workers[a, WHO] < workers[b, WHO] or (
                workers[a, WHO] == workers[b, WHO] and workers[a, WHICH] < workers[b, WHICH]
            ):
                winner = a
        tree[place(node)] = winner
        node >>= 1


@inline
def _free(host, worker):  # type: ignore[no-untyped-def]
    """A busy worker is free from now on; the caller counts its time and lets it `_settle`, unless it starts again at
    once.
    """
    host.finish[worker] = NEVER
    host.whole[BUSY] -= 1
    host.idle[place(host.whole[BUSY])] = worker


@inline
def window_of(expires, window_ns):  # type: ignore[no-untyped-def]
    """The window at whose end a lease that runs out at `expires` (> 0) is gone: (expires - 1) // window_ns.

    A product of floats, put right, takes a third of the time of a division of whole numbers.
    """
    window = np.int64(
        np.float64(expires - 1) * (1.0 / np.float64(window_ns))
    )  # the quotient in brackets is taken once a call
    if window * window_ns > expires - 1:
        window -= 1
    elif (window + 1) * window_ns <= expires - 1:
        window += 1
    return place(window)


@inline
def _lease_ns(params, keys, inputs, client):  # type: ignore[no-untyped-def]
    """Length of a client's lease with its grace; FAR_NS at most."""
    length = draws.whole_ns(draws.draw(params.lease.duration, inputs.table, keys.lease, client, 0))
    return min(length + params.lease.grace_ns, draws.FAR_NS)


@inline
def _grant(params, keys, inputs, host, client, row, now, credit):  # type: ignore[no-untyped-def]
    """A new lease from `credit` on; keeps the count of leases and of those that run out in each window."""
    whole = host.whole
    series = host.series
    bin_ = place(whole[BIN])
    last = place(host.expiring.shape[0] - 1)
    length = _lease_ns(params, keys, inputs, client)
    old = host.clients[row, EXPIRES]
    if old > now:
        if old < FROZEN_BASE:
            host.expiring[min(window_of(old, params.window_ns), last)] -= 1
        whole[LEASED] -= 1
    else:
        whole[UNLEASED_NS] += now - max(old, 0)
        if whole[UNLEASED_NS] >= UNLEASED_CARRY_NS:
            whole[UNLEASED_NS] -= UNLEASED_CARRY_NS
            whole[UNLEASED_CARRY] += 1
        series[bin_, ESTABLISHED] += 1
    if whole[FROZEN] != RUN:
        if whole[FROZEN] == UNHEARD:
            whole[FROZEN] = HEARD  # the loop lets all clocks go on, this one with its whole lease
        new = FROZEN_BASE + length - (now - credit)
        if new <= FROZEN_BASE:  # the credit is older than the whole lease
            new = credit + length
    else:
        new = credit + length
    host.clients[row, EXPIRES] = new
    if new > now:
        if new < FROZEN_BASE:
            host.expiring[min(window_of(new, params.window_ns), last)] += 1
        whole[LEASED] += 1


@kernel
def _freeze(host, now):  # type: ignore[no-untyped-def]
    """Stop the clock of every lease that still runs; what is left of it stays."""
    host.expiring[host.whole[BIN] :] = 0
    leased = 0
    for row in range(host.clients.shape[0]):
        expires = host.clients[row, EXPIRES]
        if host.clients[row, STATE] != FREE and expires > now:
            host.clients[row, EXPIRES] = FROZEN_BASE + (expires - now)
            leased += 1
    host.whole[LEASED] = leased
    host.whole[FROZEN] = STAND


@kernel
def _thaw(params, keys, inputs, host, now):  # type: ignore[no-untyped-def]
    """Let the clock of every lease go on, from what was left or from a whole lease."""
    last = place(host.expiring.shape[0] - 1)
    for row in range(host.clients.shape[0]):
        left = host.clients[row, EXPIRES] - FROZEN_BASE
        if host.clients[row, STATE] != FREE and left > 0:
            if policies.begins_anew(params.lease):
                left = _lease_ns(params, keys, inputs, host.clients[row, CLIENT])
            host.clients[row, EXPIRES] = now + left
            host.expiring[min(window_of(now + left, params.window_ns), last)] += 1
    host.whole[FROZEN] = RUN


@kernel
def _restart(params, host, wrap, now, down_ns):  # type: ignore[no-untyped-def]
    """Queued and running requests are lost without a word; clients learn at the deadline. Nothing is taken until
    down_ns later.
    """
    whole = host.whole
    series = host.series
    bin_ = place(whole[BIN])
    mask = host.queue.shape[0] - 1
    for i in range(whole[HEAD], whole[TAIL]):
        client = host.queue[i & mask, 0]
        row = row_of(client, wrap)
        is_current = _is_current(host.clients, row, client, host.queue[i & mask, 1])
        if is_current or params.cancel == 0:  # it waits
            whole[OLDEST_PEAK] = max(whole[OLDEST_PEAK], now - host.queue[i & mask, 2])
        if is_current:
            host.clients[row, STATE] = FORGOTTEN
    busy = whole[BUSY]
    for worker in range(params.workers):
        if host.finish[worker] == NEVER:
            continue
        client = host.workers[worker, WHO]
        row = row_of(client, wrap)
        if _is_current(host.clients, row, client, host.workers[worker, WHICH]):
            host.clients[row, STATE] = FORGOTTEN
        paid = min(host.workers[worker, PAID_NS], now - host.workers[worker, STARTED_AT])
        series[bin_, OVERHEAD_NS] += paid
        series[bin_, WASTED_NS] += now - host.workers[worker, STARTED_AT] - paid
        _free(host, place(worker))
        _settle(host, place(worker))
    series[bin_, LOST] += whole[WAITING] + busy
    # Every worker is down from now on: those that were idle already were counted down until the older end.
    whole[BUSY_NS] += busy * now
    idle = params.workers - busy
    up = max(whole[DOWN_UNTIL], now + down_ns)
    down_from = max(whole[DOWN_UNTIL], now)
    whole[IDLE_NS] += idle * down_from - params.workers * up
    whole[DOWN_NS] += idle * (up - down_from) + busy * (up - now)
    whole[DOWN_UNTIL] = up
    whole[WAITING] = 0
    whole[COST_NS] = 0
    whole[HEAD] = whole[TAIL]
    limits.begin(params.admission, whole[ADMISSION_AT:], host.real[ADMISSION_TOKENS:], up)


@kernel
def _control(params, keys, inputs, host, wrap, now):  # type: ignore[no-untyped-def]
    """Carry out the next control."""
    whole = host.whole
    real = host.real
    i = whole[CONTROL]
    what = inputs.controls[i, 1]
    _note(host, now, LOG_CONTROL, what, inputs.controls[i, 2])
    if what == DEPENDENCY:
        real[DEPENDENCY_FAILS] = inputs.control_args[i, 0]
        stands_still = policies.stands_still(params.lease, real[DEPENDENCY_FAILS])
        if stands_still:
            if whole[FROZEN] == RUN:
                _freeze(host, now)
            whole[FROZEN] = STAND
        elif whole[FROZEN] != RUN:
            if policies.waits_to_hear(params.lease):
                whole[FROZEN] = UNHEARD
            else:
                _thaw(params, keys, inputs, host, now)
    elif what == RESTART:
        _restart(params, host, wrap, now, inputs.controls[i, 2])
    else:
        rate, burst = inputs.control_args[i, 0], inputs.control_args[i, 1]
        limits.turn(whole[GATE_AT:], real[GATE_TOKENS:], now, rate, burst, whole[GATE_ON] != GATE_OFF)
        if rate < 0.0:
            whole[GATE_ON] = GATE_OFF
        else:
            whole[GATE_ON] = GATE_ESTABLISH if inputs.controls[i, 2] != 0 else GATE_ALL
    whole[CONTROL] = i + 1


@inline
def arrival_after(inputs, segment, at, mass):  # type: ignore[no-untyped-def]
    """When the rate, accumulated from a time (float64 ns) in a segment on, comes to `mass` (inf: never), and in which
    segment that is: (segment, time).
    """
    last = inputs.arrivals_ns.shape[0] - 1
    while True:
        rate = inputs.arrivals_per_ns[segment]
        end = np.float64(inputs.arrivals_ns[segment + 1]) if segment < last else np.inf
        if rate > 0.0 and at + mass / rate < end:
            return segment, at + mass / rate
        if segment == last:
            return segment, np.inf
        mass -= (end - at) * rate
        at = end
        segment += 1


@kernel
def _next_arrival(params, keys, inputs, host):  # type: ignore[no-untyped-def]
    """When the next job comes, or NEVER: the rate, accumulated, reaches the next (random or whole) mark."""
    whole = host.whole
    real = host.real
    job = whole[JOB]
    if params.poisson != 0:
        mass = max(-draws.log(draws.uniform(keys.arrival, job, 0)), 0.0)
    elif job == 0:
        mass = draws.uniform(keys.arrival, 0, 0)  # a random phase: evenly spaced is a stationary process too
    else:
        mass = 1.0
    segment, at = arrival_after(inputs, whole[SEGMENT], real[ARRIVAL_AT], mass)
    whole[SEGMENT] = segment
    real[ARRIVAL_AT] = at
    whole[NEXT_ARRIVAL] = np.int64(at + 0.5) if at < 4.0e18 else NEVER


@inline
def _retry(params, keys, inputs, host, wrap, shift, now, client, is_answer):  # type: ignore[no-untyped-def]
    """The client's attempt came to nothing: arm its next one, or let the job give up. Its old timer is off."""
    clients = host.clients
    row = row_of(client, wrap)
    tries = clients[row, TRIES] + 1
    clients[row, TRIES] = tries
    policy = params.client
    if policies.gives_up(policy, tries):
        clients[row, STATE] = FREE
        host.whole[OPEN] -= 1
        host.series[host.whole[BIN], GAVE_UP] += 1
        _note(host, now, LOG_GIVE_UP, client, clients[row, ATTEMPT])
        return
    delay = policies.retry_delay_ns(policy, inputs.table, keys.retry, client, clients[row, ATTEMPT], tries)
    if is_answer:
        delay = max(delay, policy.round_trip_ns)
    clients[row, STATE] = SLEEPING
    host.whole[SLEEPERS] += 1
    clients[row, DUE] = now + delay
    _arm(host, wrap, shift, client)


@inline
def _timeout_ns(params, keys, inputs, client, attempt):  # type: ignore[no-untyped-def]
    """How long the client waits for an answer to this attempt; at least 1."""
    return max(draws.whole_ns(draws.draw(params.timeout, inputs.table, keys.timeout, client, attempt)), 1)


@inline
def _admits(params, keys, host, row, now):  # type: ignore[no-untyped-def]
    """Whether a request that comes now is let in: -1, or the column of the series that counts its rejection."""
    whole = host.whole
    real = host.real
    if now < whole[DOWN_UNTIL]:
        return REJECTED_DOWN
    is_gated = whole[GATE_ON] != GATE_OFF
    is_limited = policies.asks(params.admission, False)
    if (is_gated or is_limited) and params.traffic == HOLDERS and host.clients[row, EXPIRES] > now:
        is_gated = whole[GATE_ON] == GATE_ALL
        is_limited = policies.asks(params.admission, True)
    if is_gated and not limits.fill(whole[GATE_AT:], real[GATE_TOKENS:], now):
        return REJECTED_GATE
    if is_limited and not limits.lets_in(
        params.admission, whole[ADMISSION_AT:], real[ADMISSION_TOKENS:], now, whole[WAITING],
        keys.admission, host.clients[row, CLIENT], host.clients[row, ATTEMPT],
    ):  # fmt: skip
        return REJECTED_ADMISSION
    if whole[BUSY] == params.workers and policies.is_full(params.queue, whole[WAITING]):
        return REJECTED_FULL
    # Tokens are spent only by what is really let in.
    if is_gated:
        real[GATE_TOKENS] -= 1.0
    if is_limited:
        limits.spend(params.admission, real[ADMISSION_TOKENS:])
    return -1


@inline
def _submit(params, keys, inputs, host, wrap, shift, now, client):  # type: ignore[no-untyped-def]
    """An attempt reaches the host."""
    clients = host.clients
    whole = host.whole
    row = row_of(client, wrap)
    attempt = clients[row, ATTEMPT] + 1
    clients[row, ATTEMPT] = attempt
    host.series[place(whole[BIN]), SUBMITTED] += 1
    _note(host, now, LOG_SUBMIT, client, attempt)
    refused = _admits(params, keys, host, row, now)
    if refused >= 0:
        host.series[place(whole[BIN]), refused] += 1
        _note(host, now, LOG_REJECT, client, attempt)
        if refused != REJECTED_DOWN:
            whole[COST_NS] = min(whole[COST_NS] + params.reject_cost_ns, draws.FAR_NS)
        return True
    clients[row, STATE] = QUEUED
    clients[row, DUE] = now + _timeout_ns(params, keys, inputs, client, attempt)
    _arm(host, wrap, shift, client)
    last = place(whole[TAIL] & (host.queue.shape[0] - 1))
    host.queue[last, 0] = client
    host.queue[last, 1] = attempt
    host.queue[last, 2] = now
    whole[TAIL] += 1
    whole[WAITING] += 1
    return False


@inline
def _start(params, keys, inputs, host, wrap, now, client, attempt, submitted, is_current):  # type: ignore[no-untyped-def]
    """A free worker begins a request."""
    whole = host.whole
    row = row_of(client, wrap)
    outcome = OK
    fails = host.real[DEPENDENCY_FAILS]
    if fails > 0.0 and (fails >= 1.0 or draws.uniform(keys.dependency, client, attempt) < fails):
        outcome = FAILS
        service = params.fail_after_ns
    else:
        # An abandoned attempt of a job whose row belongs to another job by now is of the only kind that jobs have.
        leased = params.traffic == HOLDERS and host.clients[row, EXPIRES] > now
        if leased:
            mean = draws.draw(params.renew, inputs.table, keys.service, client, attempt)
        else:
            mean = draws.draw(params.establish, inputs.table, keys.service, client, attempt)
        if params.slowdown_a > 0.0:
            mean = draws.slowed(mean, params.slowdown_a, params.slowdown_b, params.slowdown_n, whole[WAITING])
        service = draws.whole_ns(mean)
    if is_current:
        host.clients[row, STATE] = SERVED
    _note(host, now, LOG_START, client, attempt)
    workers = host.workers
    i = place(host.idle[place(whole[BUSY])])
    host.finish[i] = now + service + whole[COST_NS]
    workers[i, WHO] = client
    workers[i, WHICH] = attempt
    workers[i, SUBMITTED_AT] = submitted
    workers[i, STARTED_AT] = now
    workers[i, OUTCOME] = outcome
    workers[i, PAID_NS] = whole[COST_NS]
    whole[COST_NS] = 0
    _settle(host, i)
    whole[BUSY] += 1
    whole[BUSY_NS] -= now
    whole[IDLE_NS] += now


@inline
def _take(params, keys, inputs, host, wrap, shift, now):  # type: ignore[no-untyped-def]
    """Free workers take requests until there is no free worker or no request."""
    clients = host.clients
    whole = host.whole
    queue = host.queue
    mask = queue.shape[0] - 1
    while whole[BUSY] < params.workers and whole[WAITING] > 0:
        if policies.newest_first(params.queue):
            whole[TAIL] -= 1
            taken = place(whole[TAIL] & mask)
        else:
            taken = place(whole[HEAD] & mask)
            whole[HEAD] += 1
        client = queue[taken, 0]
        attempt = queue[taken, 1]
        submitted = queue[taken, 2]
        row = row_of(client, wrap)
        is_current = _is_current(clients, row, client, attempt)
        if params.cancel != 0 and not is_current:
            continue  # it left at its deadline and was counted then
        whole[WAITING] -= 1
        whole[OLDEST_PEAK] = max(whole[OLDEST_PEAK], now - submitted)
        if policies.drops(params.queue, now, submitted, clients[row, DUE], is_current):
            host.series[place(whole[BIN]), DROPPED] += 1
            _note(host, now, LOG_DROP, client, attempt)
            whole[COST_NS] = min(whole[COST_NS] + params.drop_cost_ns, draws.FAR_NS)
            if is_current:
                if params.drop_notifies != 0:
                    _disarm(host, wrap, shift, client)
                    _retry(params, keys, inputs, host, wrap, shift, now, client, True)
                else:
                    clients[row, STATE] = FORGOTTEN
            continue
        _start(params, keys, inputs, host, wrap, now, client, attempt, submitted, is_current)
    if whole[WAITING] == 0:
        whole[HEAD] = whole[TAIL]  # only ghosts of cancelled requests are left


@inline
def _finish(params, keys, inputs, host, wrap, shift, now):  # type: ignore[no-untyped-def]
    """The earliest worker is done. Returns the client that has to try again, or NOBODY."""
    clients = host.clients
    whole = host.whole
    workers = host.workers
    series = host.series
    bin_ = place(whole[BIN])
    worker = place(host.tree[1])
    client = workers[worker, WHO]
    attempt = workers[worker, WHICH]
    submitted = workers[worker, SUBMITTED_AT]
    outcome = workers[worker, OUTCOME]
    paid = workers[worker, PAID_NS]
    work = now - workers[worker, STARTED_AT] - paid
    _free(host, worker)
    whole[BUSY_NS] += now
    whole[IDLE_NS] -= now
    series[bin_, OVERHEAD_NS] += paid
    host.histogram[place(part_of(now - submitted))] += 1
    row = row_of(client, wrap)
    is_current = _is_current(clients, row, client, attempt)
    if is_current:
        _disarm(host, wrap, shift, client)
    if outcome == FAILS:
        series[bin_, FAILED] += 1
        series[bin_, FAILED_NS] += work
        _note(host, now, LOG_FAIL, client, attempt)
        return client if is_current else NOBODY
    if not is_current:
        series[bin_, WASTED] += 1
        series[bin_, WASTED_NS] += work
        _note(host, now, LOG_WASTE, client, attempt)
        return NOBODY
    series[bin_, SUCCEEDED] += 1
    series[bin_, USEFUL_NS] += work
    _note(host, now, LOG_SUCCESS, client, attempt)
    if params.traffic == JOBS:
        latency = now - clients[row, EXPIRES]
        host.latency[part_of(latency)] += 1
        whole[LATENCY_MAX] = max(whole[LATENCY_MAX], latency)
        whole[JOBS_DONE] += 1
        whole[OPEN] -= 1
        clients[row, STATE] = FREE
        return NOBODY
    credit = policies.credit_ns(params.lease, submitted, now)
    _grant(params, keys, inputs, host, client, row, now, credit)
    clients[row, TRIES] = 0
    every = np.float64(params.check_every_ns)
    if params.check_jitter > 0.0:
        every *= 1.0 + params.check_jitter * (2.0 * draws.uniform(keys.check, client, attempt) - 1.0)
    clients[row, STATE] = SLEEPING
    whole[SLEEPERS] += 1
    clients[row, DUE] = now + draws.whole_ns(every)
    _arm(host, wrap, shift, client)
    return NOBODY


@inline
def _time_out(params, keys, inputs, host, wrap, now, client):  # type: ignore[no-untyped-def]
    """The client gives its attempt up; with `cancel` the request leaves the queue or its worker."""
    clients = host.clients
    whole = host.whole
    row = row_of(client, wrap)
    state = clients[row, STATE]
    attempt = clients[row, ATTEMPT]
    host.series[place(whole[BIN]), TIMED_OUT] += 1
    _note(host, now, LOG_DEADLINE, client, attempt)
    if params.cancel != 0 and state != FORGOTTEN:
        host.series[place(whole[BIN]), CANCELLED] += 1
        _note(host, now, LOG_CANCEL, client, attempt)
        if state == QUEUED:
            whole[WAITING] -= 1
            age = _timeout_ns(params, keys, inputs, client, attempt)
            whole[OLDEST_PEAK] = max(whole[OLDEST_PEAK], age)
        else:
            workers = host.workers
            worker = 0
            while host.finish[worker] == NEVER or workers[worker, WHO] != client or workers[worker, WHICH] != attempt:
                worker += 1
            worked = now - workers[worker, STARTED_AT]
            paid = min(workers[worker, PAID_NS], worked)
            host.series[place(whole[BIN]), WASTED_NS] += worked - paid
            host.series[place(whole[BIN]), OVERHEAD_NS] += paid
            _free(host, place(worker))
            _settle(host, place(worker))
            whole[BUSY_NS] += now
            whole[IDLE_NS] -= now
    clients[row, STATE] = SLEEPING


@kernel
def _close_window(params, host, wrap):  # type: ignore[no-untyped-def]
    """Write the levels at the end of the current window and its largest, and open the next, which begins with them."""
    whole = host.whole
    queue = host.queue
    series = host.series
    mask = queue.shape[0] - 1
    edge = whole[EDGE]
    bin_ = place(whole[BIN])
    whole[LEASED] -= host.expiring[bin_]
    if params.cancel != 0:
        while whole[HEAD] < whole[TAIL]:
            client = queue[whole[HEAD] & mask, 0]
            if _is_current(host.clients, row_of(client, wrap), client, queue[whole[HEAD] & mask, 1]):
                break
            whole[HEAD] += 1
    busy = whole[BUSY]
    series[bin_, QUEUE] = whole[WAITING]
    oldest = edge - queue[whole[HEAD] & mask, 2] if whole[WAITING] > 0 else 0
    series[bin_, OLDEST_NS] = oldest
    series[bin_, LEASED_END] = whole[LEASED]
    series[bin_, IN_SERVICE] = busy
    series[bin_, SLEEPING_END] = whole[SLEEPERS]
    idle = params.workers - busy
    series[bin_, BUSY_SUM_NS] = whole[BUSY_NS] + busy * edge
    series[bin_, IDLE_SUM_NS] = whole[IDLE_NS] + idle * max(edge, whole[DOWN_UNTIL])
    series[bin_, DOWN_SUM_NS] = whole[DOWN_NS] - idle * max(whole[DOWN_UNTIL] - edge, 0)
    whole[BUSY_NS] -= series[bin_, BUSY_SUM_NS]
    whole[IDLE_NS] -= series[bin_, IDLE_SUM_NS]
    whole[DOWN_NS] -= series[bin_, DOWN_SUM_NS]
    series[bin_, QUEUE_MAX] = whole[QUEUE_PEAK]
    series[bin_, OLDEST_MAX_NS] = max(whole[OLDEST_PEAK], oldest)
    series[bin_, OPEN_MAX] = whole[OPEN_PEAK]
    whole[QUEUE_PEAK] = whole[WAITING]
    whole[OLDEST_PEAK] = 0
    whole[OPEN_PEAK] = whole[OPEN]
    whole[BIN] += 1
    whole[EDGE] = edge + params.window_ns


@kernel
def advance(rules, streams, outside, memory, wrap, shift, until):  # type: ignore[no-untyped-def]
    """Take a host to `until` (ns): every event before it, none at or after it. Returns a status.

    `wrap`: a client's row is its number & wrap (-1 for holders, rows - 1 for jobs). `shift`: 2^shift ns is a slot of
    the wheel. DONE: it is there. GROW_…: the named array is full; enlarge it and call again. TOO_MANY_JOBS: the run
    has more than 2^27 jobs.
    """
    # What stays a call gets copies of its own: a record whose address is given away has to be read from memory anew
    # after each write to an array, and this loop would keep none of it in registers.
    p, params = refer(rules), refer(rules)
    k, keys = refer(streams), refer(streams)
    i, inputs = refer(outside), refer(outside)
    h, host = refer(memory), refer(memory)
    clients = host.clients
    whole = host.whole
    near = host.near
    slots = host.heads.shape[0]
    room = clients.shape[0] + 8
    while True:
        if host.log.shape[0] > 0 and whole[LOG] + 2 * whole[WAITING] + 16 > host.log.shape[0]:
            return GROW_LOG
        if whole[NEAR_SIZE] + room > near.shape[0]:
            whole[NEAR_SIZE] = tidy(clients, wrap, near, whole[NEAR_SIZE], whole[CURSOR] << shift)

        finish = host.finish[place(host.tree[1])]
        control = inputs.controls[whole[CONTROL], 0] if whole[CONTROL] < inputs.controls.shape[0] else NEVER
        arrival = whole[NEXT_ARRIVAL]
        now = min(finish, control, arrival, until)

        # The next timer, if it comes no later than all that.
        start = whole[CURSOR] << shift
        timer = NEVER
        while True:
            while whole[NEAR_SIZE] > 0:
                if is_live(clients, wrap, near[0], start):
                    timer = key_time(near[0], start)
                    break
                sift_out(near, whole[NEAR_SIZE])
                whole[NEAR_SIZE] -= 1
            if whole[NEAR_SIZE] > 0:
                break
            if start + (1 << shift) > now:
                break
            whole[CURSOR] += 1
            start = whole[CURSOR] << shift
            if host.heads[whole[CURSOR] & (slots - 1)] != NOBODY:
                whole[NEAR_SIZE] = turn(clients, wrap, host.heads, near, whole[NEAR_SIZE], whole[CURSOR], shift)
        now = min(now, timer)

        if whole[EDGE] <= now:
            while whole[EDGE] <= min(now, until):
                _close_window(p, h, wrap)
        if now >= until:
            whole[NOW] = until
            return DONE

        again = np.int64(NOBODY)  # who has to try again, and whether it was told so
        is_answer = True
        freed = np.int64(NOBODY)  # the worker that finished, whose place in the tournament is open
        if control == now:
            _control(p, k, i, h, wrap, now)
        elif finish == now:
            freed = np.int64(host.tree[1])
            again = _finish(params, keys, inputs, host, wrap, shift, now)
            if whole[FROZEN] == HEARD:
                _thaw(p, k, i, h, now)
        elif timer == now:
            client = key_client(near[0])
            is_submission = clients[row_of(client, wrap), STATE] == SLEEPING
            if is_submission and whole[TAIL] - whole[HEAD] >= host.queue.shape[0]:
                return GROW_QUEUE
            sift_out(near, whole[NEAR_SIZE])
            whole[NEAR_SIZE] -= 1
            if is_submission:
                whole[SLEEPERS] -= 1
                if _submit(params, keys, inputs, host, wrap, shift, now, client):
                    again = client
            else:
                _time_out(params, keys, inputs, host, wrap, now, client)
                again = client
                is_answer = False
        else:
            job = whole[JOB]
            if job >= events.MAX_CLIENTS:
                return TOO_MANY_JOBS
            row = row_of(job, wrap)
            if clients[row, STATE] != FREE:
                return GROW_CLIENTS
            clients[row, EXPIRES] = now
            clients[row, DUE] = now
            clients[row, ATTEMPT] = -1
            clients[row, TRIES] = 0
            clients[row, STATE] = SLEEPING
            clients[row, CLIENT] = job
            host.series[place(whole[BIN]), ARRIVED] += 1
            _note(host, now, LOG_ARRIVE, job, 0)
            whole[JOB] = job + 1
            whole[OPEN] += 1
            whole[SLEEPERS] += 1
            _next_arrival(p, k, i, h)
            _arm(host, wrap, shift, job)
            continue  # its submission follows
        if again != NOBODY:
            _retry(params, keys, inputs, host, wrap, shift, now, again, is_answer)
        if whole[WAITING] > 0:
            if whole[BUSY] < params.workers:
                _take(params, keys, inputs, host, wrap, shift, now)
            whole[QUEUE_PEAK] = max(whole[QUEUE_PEAK], whole[WAITING])
        whole[OPEN_PEAK] = max(whole[OPEN_PEAK], whole[OPEN])
        if freed != NOBODY and host.finish[place(freed)] == NEVER:
            _settle(host, place(freed))  # it was not the first to start again, which would have settled it


@kernel
def first_arrival(params, keys, inputs, host):  # type: ignore[no-untyped-def]
    """Set when the first job comes; once, before the first `advance`."""
    _next_arrival(refer(params), refer(keys), refer(inputs), refer(host))


@kernel
def wake_holders(params, memory, wrap, shift, first_ns, expires_ns):  # type: ignore[no-untyped-def]
    """Put every holder to sleep until its first submission, with its lease: two int64[clients], ns."""
    host = refer(memory)
    whole = host.whole
    last = place(host.expiring.shape[0] - 1)
    for client in range(first_ns.shape[0]):
        host.clients[client, EXPIRES] = expires_ns[client]
        host.clients[client, DUE] = first_ns[client]
        host.clients[client, ATTEMPT] = -1
        host.clients[client, TRIES] = 0
        host.clients[client, STATE] = SLEEPING
        host.clients[client, CLIENT] = client
        whole[SLEEPERS] += 1
        if expires_ns[client] > 0:
            whole[LEASED] += 1
            host.expiring[min(window_of(expires_ns[client], params.window_ns), last)] += 1
        _arm(host, wrap, shift, client)
