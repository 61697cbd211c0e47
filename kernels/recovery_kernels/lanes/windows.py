"""What happens between two stretches: a window ends, or the operators or the dependency do something."""

import numpy as np

from recovery_kernels import limits
from recovery_kernels.events import place
from recovery_kernels.jit import inline, kernel
from recovery_kernels.lanes.classes import class_of, is_of_age, queue_of, queues, timeout_of, waiting_of
from recovery_kernels.lanes.layout import (
    CLIENT,
    CONTROL_DUE,
    COUNTED,
    END,
    EXPIRES_AT,
    FIRST,
    GRANTS,
    GROUP,
    IDLE,
    MASK,
    MEMORY,
    NUMBER,
    OUTCOME,
    OWN_AGE,
    OWN_OLDEST,
    OWN_PEAK,
    OWN_WAITING,
    PAID_NS,
    STARTED_AT,
    SUBMITTED_AT,
    TELLS,
    TIME,
    WHICH,
    WHO_IS,
)
from recovery_kernels.lanes.rows import age_of_oldest, make_room, row_at, settle_deadlines, write
from recovery_kernels.lanes.servers import settle
from recovery_kernels.requests import (
    ADMISSION_AT,
    ADMISSION_TOKENS,
    ARRIVED,
    BIN,
    BUSY,
    BUSY_NS,
    BUSY_SUM_NS,
    CONTROL,
    COST_NS,
    DEPENDENCY,
    DEPENDENCY_FAILS,
    DONE,
    DOWN_NS,
    DOWN_SUM_NS,
    DOWN_UNTIL,
    EDGE,
    ESTABLISHED,
    GATE,
    GATE_ALL,
    GATE_AT,
    GATE_ESTABLISH,
    GATE_OFF,
    GATE_ON,
    GATE_TOKENS,
    GAVE_UP,
    GROW_QUEUE,
    HEAD,
    IDLE_NS,
    IDLE_SUM_NS,
    IN_SERVICE,
    JOBS,
    LEASED,
    LEASED_END,
    LOST,
    OLDEST_MAX_NS,
    OLDEST_NS,
    OLDEST_PEAK,
    OPEN,
    OPEN_MAX,
    OPEN_PEAK,
    OVERHEAD_NS,
    QUEUE,
    QUEUE_MAX,
    QUEUE_PEAK,
    REJECTED_DOWN,
    REJECTED_GATE,
    RESTART,
    SLEEPERS,
    SLEEPING_END,
    SUBMITTED,
    SUCCEEDED,
    TIMED_OUT,
    WAITING,
    WASTED_NS,
)
from recovery_kernels.sessions.layout import SERIES


@inline
def _has_room(host):  # type: ignore[no-untyped-def]
    """Whether there is room in each queue for all who are in service."""
    lanes, has_room = host.lanes, True
    for number in range(queues(host)):
        queue = queue_of(host, number)
        first = min(lanes[place(FIRST + queue)], host.whole[place(number * MEMORY + COUNTED)])
        has_room = has_room and lanes[place(END + queue)] + host.whole[BUSY] - first <= lanes[place(MASK + queue)]
    return has_room


@inline
def _give_up_later(host, worker):  # type: ignore[no-untyped-def]
    """What a worker does is lost, which its client would have heard of in time: now it waits for its deadline, which
    goes to its place in the order of all. If it had one before, that one stays off.
    """
    rows, lanes, workers = host.rows, host.lanes, host.workers
    submitted, who = workers[place(SUBMITTED_AT + worker)], workers[place(WHO_IS + worker)]
    queue = queue_of(host, class_of(host, who & CLIENT))
    at = make_room(rows, lanes, queue, submitted, who & CLIENT)
    write(rows, at, submitted, who, workers[place(EXPIRES_AT + worker)], workers[place(WHICH + worker)])
    lanes[place(END + queue)] += 1


@kernel
def _restart(params, rules, host, now, down_ns):  # type: ignore[no-untyped-def]
    """As `requests._restart`; every finish before `now` has been carried out, and the queue has room."""
    whole, lanes = host.whole, host.lanes
    flows = host.series[place(whole[BIN])]
    oldest = age_of_oldest(params, rules, host, now)
    whole[OLDEST_PEAK] = max(whole[OLDEST_PEAK], oldest)
    for number in range(queues(host)):
        own, queue = number * MEMORY, queue_of(host, number)
        is_of_age(host, number, whole[place(own + OWN_AGE)])
        flows[place(number * SERIES + LOST)] += waiting_of(host, number)
        whole[place(own + OWN_WAITING)] = 0
        # Deadlines between these two are off; those that are put back may have their places among them.
        lanes[place(FIRST + queue)] = min(lanes[place(FIRST + queue)], whole[place(own + COUNTED)])
    busy = 0
    up = max(whole[DOWN_UNTIL], now + down_ns)
    for worker in range(params.workers):
        outcome = host.workers[place(OUTCOME + worker)]
        if outcome in (GRANTS, TELLS):
            _give_up_later(host, worker)
        if outcome != IDLE:
            busy += 1
            elapsed = now - host.workers[place(STARTED_AT + worker)]
            paid = min(host.workers[place(PAID_NS + worker)], elapsed)
            at = class_of(host, host.workers[place(WHO_IS + worker)] & CLIENT) * SERIES
            flows[place(at + LOST)] += 1
            flows[place(at + OVERHEAD_NS)] += paid
            flows[place(at + WASTED_NS)] += elapsed - paid
            host.workers[place(OUTCOME + worker)] = IDLE
        host.free[place(worker)] = ((now + 1) << rules.worker_bits) | worker
    for worker in range(0, params.workers, GROUP):
        settle(host.free, host.least, worker, True)
    for number in range(queues(host)):
        settle_deadlines(host, number)
        whole[place(number * MEMORY + HEAD)] = lanes[place(END + queue_of(host, number))]
    whole[BUSY_NS] += busy * now
    idle = params.workers - busy
    down_from = max(whole[DOWN_UNTIL], now)
    whole[IDLE_NS] += idle * down_from - params.workers * up + busy * now
    whole[DOWN_NS] += idle * (up - down_from) + busy * (up - now)
    whole[DOWN_UNTIL] = up
    whole[COST_NS] = 0
    whole[WAITING] = 0
    limits.begin(params.admission, whole[ADMISSION_AT:], host.real[ADMISSION_TOKENS:], up)


@kernel
def operate(params, rules, inputs, host, now):  # type: ignore[no-untyped-def]
    """Carry out the next control. Returns a status: GROW_QUEUE before anything is done, DONE, or CONTROL_DUE:
    whoever called `advance` has to carry it out.
    """
    whole = host.whole
    real = host.real
    i = whole[CONTROL]
    what = inputs.controls[i, 1]
    if what > GATE:
        return CONTROL_DUE
    if what == DEPENDENCY:
        real[DEPENDENCY_FAILS] = inputs.control_args[i, 0]
    elif what == RESTART:
        if not _has_room(host):
            return GROW_QUEUE
        _restart(params, rules, host, now, inputs.controls[i, 2])
    else:
        rate, burst = inputs.control_args[i, 0], inputs.control_args[i, 1]
        limits.turn(whole[GATE_AT:], real[GATE_TOKENS:], now, rate, burst, whole[GATE_ON] != GATE_OFF)
        if rate < 0.0:
            whole[GATE_ON] = GATE_OFF
        else:
            whole[GATE_ON] = GATE_ESTABLISH if inputs.controls[i, 2] != 0 else GATE_ALL
    whole[CONTROL] = i + 1
    return DONE


@kernel
def count_deadlines(rules, host, until):  # type: ignore[no-untyped-def]
    """Count the deadlines up to `until` at which clients gave up."""
    rows, lanes, flows = host.rows, host.lanes, host.series[place(host.whole[BIN])]
    for number in range(queues(host)):
        queue, timeout_ns = queue_of(host, number), timeout_of(rules, host, number)
        counted, late = host.whole[place(number * MEMORY + COUNTED)], 0
        while counted < lanes[place(END + queue)]:
            at = row_at(lanes, queue, counted)
            if rows[place(at + TIME)] + timeout_ns > until:
                break
            late += 1 - (rows[place(at + NUMBER)] & 1)
            counted += 1
        host.whole[place(number * MEMORY + COUNTED)] = counted
        flows[place(number * SERIES + TIMED_OUT)] += late


@inline
def _close_clients(params, host, number):  # type: ignore[no-untyped-def]
    """How many of a class have a lease, and how many sleep, at the end of the current window."""
    whole = host.whole
    at, own = number * SERIES, number * MEMORY
    flows = host.series[place(whole[BIN])]
    expired = host.expiring[place(number * host.series.shape[0] + whole[BIN])]
    whole[place(own + LEASED)] += flows[place(at + ESTABLISHED)] - expired
    came = flows[ARRIVED] - flows[GAVE_UP] if params.traffic == JOBS else flows[place(at + SUCCEEDED)]
    asleep = came + flows[place(at + TIMED_OUT)] - flows[place(at + SUBMITTED)]
    for refused in range(REJECTED_GATE, REJECTED_DOWN + 1):
        asleep += flows[place(at + refused)]
    whole[place(own + SLEEPERS)] += asleep
    flows[place(at + LEASED_END)] = whole[place(own + LEASED)]
    flows[place(at + SLEEPING_END)] = whole[place(own + SLEEPERS)]


@kernel
def _close_classes(params, host):  # type: ignore[no-untyped-def]
    """Write what the host has for each of its classes, whose ages are known."""
    whole, workers = host.whole, host.workers
    flows = host.series[place(whole[BIN])]
    for worker in range(params.workers):
        if workers[place(OUTCOME + worker)] != IDLE:
            number = class_of(host, workers[place(WHO_IS + worker)] & CLIENT)
            flows[place(number * SERIES + IN_SERVICE)] += 1
    for number in range(host.firsts.shape[0]):
        at, own = number * SERIES, number * MEMORY
        _close_clients(params, host, np.int64(number))
        flows[place(at + QUEUE)] = whole[place(own + OWN_WAITING)]
        flows[place(at + QUEUE_MAX)] = whole[place(own + OWN_PEAK)]
        flows[place(at + OLDEST_NS)] = whole[place(own + OWN_AGE)]
        flows[place(at + OLDEST_MAX_NS)] = max(whole[place(own + OWN_OLDEST)], whole[place(own + OWN_AGE)])
        whole[place(own + OWN_PEAK)] = whole[place(own + OWN_WAITING)]
        whole[place(own + OWN_OLDEST)] = 0


@kernel
def close_window(params, rules, host):  # type: ignore[no-untyped-def]
    """Write the levels at the end of the current window and its largest, and open the next, which begins with them."""
    whole = host.whole
    edge = whole[EDGE]
    waiting = whole[WAITING]
    oldest = age_of_oldest(params, rules, host, edge)
    busy = whole[BUSY]
    if host.firsts.shape[0] > 0:
        _close_classes(params, host)
    else:
        _close_clients(params, host, np.int64(0))
    flows = host.series[place(whole[BIN])][place(host.firsts.shape[0] * SERIES) :]
    flows[QUEUE] = waiting
    flows[OLDEST_NS] = oldest
    flows[IN_SERVICE] = busy
    idle = params.workers - busy
    flows[BUSY_SUM_NS] = whole[BUSY_NS] + busy * edge
    flows[IDLE_SUM_NS] = whole[IDLE_NS] - whole[BUSY_NS] + idle * max(edge, whole[DOWN_UNTIL])
    flows[DOWN_SUM_NS] = whole[DOWN_NS] - idle * max(whole[DOWN_UNTIL] - edge, 0)
    whole[IDLE_NS] = -idle * max(edge, whole[DOWN_UNTIL]) - busy * edge
    whole[BUSY_NS] = -busy * edge
    whole[DOWN_NS] -= flows[DOWN_SUM_NS]
    flows[QUEUE_MAX] = whole[QUEUE_PEAK]
    flows[OLDEST_MAX_NS] = max(whole[OLDEST_PEAK], oldest)
    flows[OPEN_MAX] = whole[OPEN_PEAK]
    whole[QUEUE_PEAK] = waiting
    whole[OLDEST_PEAK] = 0
    whole[OPEN_PEAK] = whole[OPEN]
    whole[BIN] += 1
    whole[EDGE] = edge + params.window_ns
