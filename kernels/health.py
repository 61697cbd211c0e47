"""Health checks of a load balancer's targets (MODEL.md, section 9), check by check, window by window.

Every target is checked each interval at a phase of its own, so checks come in one fixed order again and again and need
no pending events. The check subsystem is one queue, first in, first out: the earliest free worker takes the next check.
"""

from typing import NamedTuple

import numpy as np

from kernels import batches
from kernels.batches import IDENTITY, LAUNCH, REPLACEMENT, TIME
from kernels.draws import Dist, draw, uniform
from kernels.events import NEVER, place
from kernels.jit import inline, kernel

# Streams of draws: they follow those of kernels.propagation.
JOIN, PLACE, CHECK_PHASE, CHECK_SERVICE = range(20, 24)

# What happens to a target that its checks call unhealthy.
RISE_FALL, FAIL_OPEN, PANIC, EJECTION_CAP, VELOCITY, DAMPING = range(6)

# A target is one row of int64: 64 bytes, one cache line.
STATE, INSTANCE, READY, RUN, SINCE, REMOVALS, BLOCKED_UNTIL, GENERATION = range(8)
COLUMNS = 8
# Its states: no instance; never yet healthy; in; unhealthy, but its removal must wait; taken out.
EMPTY, NEW, IN, HELD, OUT = range(5)
FIRST_INSTANCE = -1  # instances that are there from the start

WINDOW, CHECK, ORDERS, CONTROL, IS_ON, OUT_TARGETS, RING_HEAD = range(7)
WHOLE = 7

# Columns of the series: flows of a window, then levels at its end.
(
    CHECKS, FAILED, CHANGES, REMOVED, DELAYED, CANCELLED, JOINED, TERMINATED, FAILOVERS, HEALTHY, ROUTED, USABLE,
    OUT_END, EMPTY_END,
) = range(14)  # fmt: skip
SERIES = 14
ZONE_HEALTHY, ZONE_USABLE, ZONE_REMOVED = range(3)
ZONE_SERIES = 3


class Policy(NamedTuple):
    """FAIL_OPEN: with fewer than `limit` healthy in a zone. PANIC: below `share` of all. EJECTION_CAP: `limit` out at
    most. VELOCITY: `limit` removed in any span_ns. DAMPING: the k-th removal lasts k·span_ns, at most cap_ns; k starts
    anew after forget_ns without one.
    """

    kind: int
    limit: int
    share: float
    span_ns: int
    cap_ns: int
    forget_ns: int


class Params(NamedTuple):
    """Everything that decides the stage beside its inputs. terminate_ns < 0: never."""

    window_ns: int
    interval_ns: int
    timeout_ns: int
    service: Dist
    change_ns: int
    rise: int
    fall: int
    terminate_ns: int
    joins_share: float
    failover_below: float
    failover_back: float
    policy: Policy


class Keys(NamedTuple):
    """Keys (uint64) of the streams of draws."""

    join: np.uint64
    place: np.uint64
    service: np.uint64


class Inputs(NamedTuple):
    """jobs int64[n, 5] with first int64[windows + 1], as kernels.launches lets them out; finishes int64[m, 2] with told
    int64[windows + 1], as kernels.propagation tells them; switches int64[k, 2]: from when on (ns) failover is on (1)
    or off (0); table float64[l], measured values.
    """

    jobs: np.ndarray
    first: np.ndarray
    finishes: np.ndarray
    told: np.ndarray
    switches: np.ndarray
    table: np.ndarray


class State(NamedTuple):
    """All that the stage remembers.

    whole int64[WHOLE]; targets int64[n, COLUMNS], target i in zone i mod zones; turns int64[n, 2], the targets and
    their phases (ns) in the order of checks; free_ns int64[workers], a binary heap; sizes, inside and is_out
    int64[zones]: targets, healthy ones, failed over; ring int64[limit]: times of the last removals; orders int64[m, 2],
    (time, identity) of the launches that terminated instances come back as, of the last window; batch, order, ends and
    arrived int64[k, 2]: scratch; series int64[windows, SERIES]; by_zone int64[windows, zones, ZONE_SERIES].
    """

    whole: np.ndarray
    targets: np.ndarray
    turns: np.ndarray
    free_ns: np.ndarray
    sizes: np.ndarray
    inside: np.ndarray
    is_out: np.ndarray
    ring: np.ndarray
    orders: np.ndarray
    batch: np.ndarray
    order: np.ndarray
    ends: np.ndarray
    arrived: np.ndarray
    series: np.ndarray
    by_zone: np.ndarray


@inline
def _target_of(params, keys, targets, identity):  # type: ignore[no-untyped-def]
    """The target whose place an instance takes; -1 for none."""
    if identity & 3 == REPLACEMENT:
        return (identity >> 2) % targets
    if identity & 3 == LAUNCH and uniform(keys.join, identity, 0) < params.joins_share:
        return np.int64(uniform(keys.place, identity, 0) * targets)
    return np.int64(-1)


@inline
def _may_remove(policy, state, count, now):  # type: ignore[no-untyped-def]
    """Whether so many targets may be taken out at `now`; velocity control notes it."""
    whole = state.whole
    if policy.kind == EJECTION_CAP:
        return whole[OUT_TARGETS] + count <= policy.limit
    if policy.kind == VELOCITY:
        if count > policy.limit:
            return False
        last = (whole[RING_HEAD] + count - 1) % policy.limit
        if count > 0 and state.ring[place(last)] + policy.span_ns > now:
            return False
        for _ in range(count):
            state.ring[place(whole[RING_HEAD] % policy.limit)] = now
            whole[RING_HEAD] += 1
    return True


@inline
def _leave(state, target, zone):  # type: ignore[no-untyped-def]
    """Count a target out of the state that it is about to leave."""
    if state.targets[target, STATE] == IN:
        state.inside[zone] -= 1
    elif state.targets[target, STATE] == OUT:
        state.whole[OUT_TARGETS] -= 1


@inline
def _join(state, target_, time, identity, ready):  # type: ignore[no-untyped-def]
    """A new instance takes the place of whatever was there."""
    target = place(target_)
    _leave(state, target, place(target_ % state.sizes.shape[0]))
    row = state.targets
    row[target, STATE] = NEW
    row[target, INSTANCE] = identity
    row[target, READY] = ready
    row[target, RUN] = 0
    row[target, SINCE] = time
    row[target, REMOVALS] = 0
    row[target, BLOCKED_UNTIL] = 0
    state.series[place(state.whole[WINDOW]), JOINED] += 1


@inline
def _busy(free_ns, value):  # type: ignore[no-untyped-def]
    """The earliest free worker is busy until `value`: put the heap in order again."""
    workers = free_ns.shape[0]
    i = 0
    while True:
        child = 2 * i + 1
        if child >= workers:
            break
        if child + 1 < workers and free_ns[place(child + 1)] < free_ns[place(child)]:
            child += 1
        if free_ns[place(child)] >= value:
            break
        free_ns[place(i)] = free_ns[place(child)]
        i = child
    free_ns[place(i)] = value


@inline
def _verdict(params, state, target_, now):  # type: ignore[no-untyped-def]
    """What follows from the run of equal results of a target; returns the changes of state (0 or 1)."""
    target, zone = place(target_), place(target_ % state.sizes.shape[0])
    row = state.targets
    policy = params.policy
    window = place(state.whole[WINDOW])
    run, was = row[target, RUN], row[target, STATE]
    if run >= params.rise and was == HELD:
        row[target, STATE] = IN
        state.inside[zone] += 1
        state.series[window, CANCELLED] += 1
    elif run >= params.rise and was != IN and now >= row[target, BLOCKED_UNTIL]:
        _leave(state, target, zone)
        row[target, STATE] = IN
        row[target, SINCE] = now
        state.inside[zone] += 1
        return 1
    elif (was == IN and run <= -params.fall) or (was == HELD and run < 0):
        if _may_remove(policy, state, 1, now):
            _leave(state, target, zone)
            if policy.kind == DAMPING:
                if now - row[target, SINCE] >= policy.forget_ns:
                    row[target, REMOVALS] = 0
                row[target, REMOVALS] += 1
                row[target, BLOCKED_UNTIL] = now + min(row[target, REMOVALS] * policy.span_ns, policy.cap_ns)
            row[target, STATE] = OUT
            row[target, SINCE] = now
            state.whole[OUT_TARGETS] += 1
            state.series[window, REMOVED] += 1
            return 1
        if was == IN:
            _leave(state, target, zone)
            row[target, STATE] = HELD
            state.series[window, DELAYED] += 1
    elif (was in (OUT, NEW)) and run < 0 and 0 <= params.terminate_ns <= now - row[target, SINCE]:
        _leave(state, target, zone)
        row[target, STATE] = EMPTY
        number = row[target, GENERATION] * row.shape[0] + target_
        row[target, GENERATION] += 1
        state.orders[place(state.whole[ORDERS]), 0] = now
        state.orders[place(state.whole[ORDERS]), 1] = number * 4 + REPLACEMENT
        state.whole[ORDERS] += 1
        state.series[window, TERMINATED] += 1
    return 0


@inline
def _check(params, keys, table, state, target_, now, number):  # type: ignore[no-untyped-def]
    """One check of a target, due at `now`."""
    target = place(target_)
    row = state.targets
    if row[target, STATE] == EMPTY:
        return
    window = place(state.whole[WINDOW])
    begin = max(now, state.free_ns[0])
    end = begin
    is_good = False
    if begin < now + params.timeout_ns:
        end += np.int64(draw(params.service, table, keys.service, target_, number) + 0.5)
        is_good = end <= now + params.timeout_ns and row[target, READY] <= now
    state.series[window, CHECKS] += 1
    if is_good:
        row[target, RUN] = max(row[target, RUN], 0) + 1
    else:
        row[target, RUN] = min(row[target, RUN], 0) - 1
        state.series[window, FAILED] += 1
    changes = _verdict(params, state, target_, now)
    state.series[window, CHANGES] += changes
    end += changes * params.change_ns
    if end > begin:
        _busy(state.free_ns, end)


@inline
def _fail_over(params, inputs, state, now):  # type: ignore[no-untyped-def]
    """Take zones out of the names that clients ask for, or back in, while that is switched on."""
    whole = state.whole
    zones = state.sizes.shape[0]
    while whole[CONTROL] < inputs.switches.shape[0] and inputs.switches[place(whole[CONTROL]), 0] < now:
        whole[IS_ON] = inputs.switches[place(whole[CONTROL]), 1]
        whole[CONTROL] += 1
    there = zones
    for zone in range(zones):
        there -= state.is_out[zone]
    for zone in range(zones):
        healthy = state.inside[zone] / np.float64(state.sizes[zone])
        if state.is_out[zone]:
            if not whole[IS_ON] or healthy >= params.failover_back:
                state.is_out[zone] = 0
                there += 1
        elif whole[IS_ON] and healthy < params.failover_below and there > 1:
            if params.policy.kind == VELOCITY and not _may_remove(params.policy, state, state.inside[zone], now - 1):
                continue
            state.is_out[zone] = 1
            there -= 1
            state.series[place(whole[WINDOW]), FAILOVERS] += 1


@inline
def _levels(params, state, now):  # type: ignore[no-untyped-def]
    """What clients find at the window's end, `now`."""
    window = place(state.whole[WINDOW])
    zones = state.sizes.shape[0]
    policy = params.policy
    series = state.series
    by_zone = state.by_zone
    healthy = 0
    for zone in range(zones):
        healthy += state.inside[zone]
        by_zone[window, zone, ZONE_HEALTHY] = state.inside[zone]
        by_zone[window, zone, ZONE_REMOVED] = state.sizes[zone]
    panics = policy.kind == PANIC and healthy < policy.share * state.targets.shape[0]
    for target in range(state.targets.shape[0]):
        zone = place(target % zones)
        what = state.targets[target, STATE]
        series[window, EMPTY_END] += what == EMPTY
        is_open = panics or (policy.kind == FAIL_OPEN and state.inside[zone] < policy.limit)
        if state.is_out[zone] or what == EMPTY or not (is_open or what in (IN, HELD)):
            continue
        series[window, ROUTED] += 1
        by_zone[window, zone, ZONE_REMOVED] -= 1
        by_zone[window, zone, ZONE_USABLE] += state.targets[target, READY] < now
    for zone in range(zones):
        series[window, USABLE] += by_zone[window, zone, ZONE_USABLE]
    series[window, HEALTHY] = healthy
    series[window, OUT_END] = state.whole[OUT_TARGETS]


@kernel
def _window(params, keys, inputs, state):  # type: ignore[no-untyped-def]
    """All checks of the window and the instances that join in it; there is room for them."""
    whole = state.whole
    window = place(whole[WINDOW])
    start = whole[WINDOW] * params.window_ns
    end = start + params.window_ns
    targets = state.targets.shape[0]
    whole[ORDERS] = 0
    joining = 0
    for job in range(inputs.first[window], inputs.first[window + np.uint64(1)]):
        if _target_of(params, keys, targets, inputs.jobs[place(job), IDENTITY]) >= 0:
            for column in range(4):
                state.batch[place(joining), column] = inputs.jobs[place(job), column]
            joining += 1
    batches.sort_window(state.batch, joining, start, params.window_ns, state.order, state.ends)
    arrived = 0
    for i in range(inputs.told[window], inputs.told[window + np.uint64(1)]):
        identity, ready = inputs.finishes[place(i), 0], inputs.finishes[place(i), 1]
        target = _target_of(params, keys, targets, identity)
        if target >= 0:
            state.arrived[place(arrived), 0] = identity
            state.arrived[place(arrived), 1] = ready
            arrived += 1
            if state.targets[place(target), INSTANCE] == identity:
                state.targets[place(target), READY] = ready
    joined = 0
    while True:
        turn = place(whole[CHECK] % targets)
        due = whole[CHECK] // targets * params.interval_ns + state.turns[turn, 1]
        while joined < joining:
            item = place(state.order[place(joined)])
            time, identity = state.batch[item, TIME], state.batch[item, IDENTITY]
            if time > due:
                break
            ready = np.int64(NEVER)
            for i in range(arrived):  # the few of this window that are targets
                if state.arrived[place(i), 0] == identity:
                    ready = state.arrived[place(i), 1]
            _join(state, _target_of(params, keys, targets, identity), time, identity, ready)
            joined += 1
        if due >= end:
            break
        _check(params, keys, inputs.table, state, state.turns[turn, 0], due, whole[CHECK] // targets)
        whole[CHECK] += 1
    _fail_over(params, inputs, state, end)
    _levels(params, state, end)
    whole[WINDOW] += 1


# What `advance` may say.
DONE, GROW_BATCH = range(2)


@kernel
def advance(params, keys, inputs, state, until):  # type: ignore[no-untyped-def]
    """Run the windows before `until`; returns a status. After GROW_BATCH the caller enlarges the scratch and calls
    again with nothing lost.
    """
    whole = state.whole
    while whole[WINDOW] < until:
        window = place(whole[WINDOW])
        joining = inputs.first[window + np.uint64(1)] - inputs.first[window]
        told = inputs.told[window + np.uint64(1)] - inputs.told[window]
        if max(joining, told) > state.order.shape[0]:
            return GROW_BATCH
        _window(params, keys, inputs, state)
    return DONE
