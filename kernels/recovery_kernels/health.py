"""Health checks of a load balancer's targets (MODEL.md, section 9), check by check, window by window.

Every target is checked each interval at a phase of its own, and targets are numbered in the order of their phases. So
checks come in one fixed order again and again, need no pending events, and go through memory from one end to the other.
The check subsystem is one queue, first in, first out: the earliest free worker takes the next check.
"""

from typing import NamedTuple

import numpy as np

from recovery_kernels import batches
from recovery_kernels.arrays import Bytes, Real, Whole
from recovery_kernels.batches import IDENTITY, LAUNCH, NEXT, NOTHING, ORIGIN, REPLACEMENT, TIME, TRIES
from recovery_kernels.draws import CONSTANT, Dist, quantiles, uniform, whole_ns
from recovery_kernels.events import NEVER, place
from recovery_kernels.jit import inline, kernel
from recovery_kernels.workers import (
    BAG,
    COUNT,
    FORM,
    HEAD,
    HEAP,
    LEFT,
    PLACES,
    WORKERS,
    first_free,
    free_in_pool,
    make_busy,
    make_busy_in_pool,
    settle,
    stand,
)  # fmt: skip

# Streams of draws: they follow those of propagation.
JOIN, PLACE, CHECK_PHASE, CHECK_SERVICE = range(20, 24)

# What happens to a target that its checks call unhealthy.
RISE_FALL, FAIL_OPEN, PANIC, EJECTION_CAP, VELOCITY, DAMPING = range(6)

# A target is one row of int64: 64 bytes, one cache line.
STATE, INSTANCE, READY, RUN, SINCE, REMOVALS, BLOCKED_UNTIL, GENERATION = range(8)
COLUMNS = 8
# Its states: no instance; never yet healthy; in; unhealthy, but its removal must wait; taken out.
EMPTY, NEW, IN, HELD, OUT = range(5)
STATES = 5
FIRST_INSTANCE = -1  # instances that are there from the start
# In the batch of instances that join in a window: when each is reachable, and which place it takes.
REACHABLE, TARGET = ORIGIN, TRIES

# What the next check of a target can do, so that most checks look at one byte: anything; nothing, if it is good, as the
# target is in and was good before; nothing, as there is no instance. Below zero: so many checks will fail, whatever the
# workers do, and change nothing.
ANYTHING, CALM, NO_CHECK = range(3)
MOST_FAILURES = 127  # that a byte can tell
# Lengths of what a worker does, where services are of one: a check, one with a change, a change after no check.
CHECK, CHECK_AND_CHANGE, CHANGE = range(3)
LENGTHS = 3

AHEAD = 256  # services that are drawn at once, a power of two: those of the targets from a multiple of it on

# A target is late until it can be reached: from when on is not known yet, or it is, and looked at in each window.
LATE_UNKNOWN, LATE_LISTED = 1, 2

WINDOW, ROUND, TURN, ORDERS, CONTROL, RING_HEAD, LATE = range(7)
WHOLE = 7

# Columns of the series: flows of a window, then levels at its end.
(
    CHECKS, FAILED, CHANGES, REMOVED, DELAYED, CANCELLED, JOINED, TERMINATED, FAILOVERS, HEALTHY, ROUTED, USABLE,
    OUT_END, EMPTY_END,
) = range(14)  # fmt: skip
SERIES = 14
ZONE_HEALTHY, ZONE_USABLE, ZONE_REMOVED = range(3)
ZONE_SERIES = 3


class Rule(NamedTuple):
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
    policy: Rule


class Keys(NamedTuple):
    """Keys (uint64) of the streams of draws."""

    join: np.uint64
    place: np.uint64
    service: np.uint64


class Inputs(NamedTuple):
    """jobs int64[n, 5] with first int64[windows + 1], as launches lets them out; finishes int64[m, 2] with told
    int64[windows + 1], as propagation tells them; switches int64[k, 3]: from when on (ns) failover is on (1)
    or off (0) in a zone (negative: in all); table float64[l], measured values.
    """

    jobs: Whole
    first: Whole
    finishes: Whole
    told: Whole
    switches: Whole
    table: Real


class State(NamedTuple):
    """All that the stage remembers.

    whole int64[WHOLE]; targets int64[n, COLUMNS], target i in zone i mod zones; outlook int8[n], what the next check of
    each can do; phases int64[n] (ns), rising; late int64[n, 2], whose second column says whether a target could not be
    reached at the last window's end (LATE_UNKNOWN, LATE_LISTED), and whose first lists those of which it is known from
    when on they can; claims int64[m], where a chain of the joins of a window begins, by their identities; pool int64[2,
    4 k + 1] and about int64[3], the workers, and lines int64[LENGTHS, 2 + k] in place of them where services are
    constant (workers); draws float64[2, AHEAD] and services int64[AHEAD] (ns), those that are drawn ahead; counts and
    late_counts int64[zones, STATES], targets by state, all and late ones; sizes, is_out and is_on int64[zones]:
    targets, whether failed over, whether failover is on; ring int64[limit]: times of the last removals; orders int64[m,
    2], (time, identity) of the launches that terminated instances come back as, of the last window; batch, order, ends:
    scratch; series int64[windows, SERIES]; by_zone int64[windows, zones, ZONE_SERIES].
    """

    whole: Whole
    targets: Whole
    outlook: Bytes
    phases: Whole
    late: Whole
    claims: Whole
    pool: Whole
    about: Whole
    draws: Real
    services: Whole
    lines: Whole
    counts: Whole
    late_counts: Whole
    sizes: Whole
    is_out: Whole
    is_on: Whole
    ring: Whole
    orders: Whole
    batch: Whole
    order: Whole
    ends: Whole
    series: Whole
    by_zone: Whole


@inline
def _target_of(params, keys, targets, identity):  # type: ignore[no-untyped-def]
    """The target whose place an instance takes; -1 for none."""
    if identity & 3 == REPLACEMENT:
        return (identity >> 2) % targets
    if identity & 3 == LAUNCH and uniform(keys.join, identity, 0) < params.joins_share:
        return np.int64(uniform(keys.place, identity, 0) * targets)
    return np.int64(-1)


@inline
def _claim(claims, identity):  # type: ignore[no-untyped-def]
    """Where an instance that joins is noted: not by its target, or many that join as one would lie in one chain."""
    return place((identity >> 2) % claims.shape[0])


@inline
def _sum(counts, what):  # type: ignore[no-untyped-def]
    """Targets in a state, over all zones."""
    total = np.int64(0)
    for zone in range(counts.shape[0]):
        total += counts[zone, what]
    return total


@inline
def _may_remove(policy, state, count, now):  # type: ignore[no-untyped-def]
    """Whether so many targets may be taken out at `now`; velocity control notes it."""
    whole = state.whole
    if policy.kind == EJECTION_CAP:
        return _sum(state.counts, OUT) + count <= policy.limit
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
def _move(state, target, zone, to):  # type: ignore[no-untyped-def]
    """Bring a target into another state."""
    was = place(state.targets[target, STATE])
    state.counts[zone, was] -= 1
    state.counts[zone, to] += 1
    if state.late[target, 1]:
        state.late_counts[zone, was] -= 1
        state.late_counts[zone, to] += 1
    state.targets[target, STATE] = to


@inline
def _list_late(state, target_):  # type: ignore[no-untyped-def]
    """Look at a late target at the end of each window from now on: it is known when it can be reached."""
    if state.late[place(target_), 1] == LATE_UNKNOWN:
        state.late[place(target_), 1] = LATE_LISTED
        state.late[place(state.whole[LATE]), 0] = target_
        state.whole[LATE] += 1


@inline
def _join(state, item):  # type: ignore[no-untyped-def]
    """An instance of the batch takes the place of whatever was there."""
    target_ = state.batch[item, TARGET]
    target = place(target_)
    zone = place(target_ % state.sizes.shape[0])
    _move(state, target, zone, NEW)
    state.outlook[target] = ANYTHING
    row = state.targets
    row[target, INSTANCE] = state.batch[item, IDENTITY]
    row[target, READY] = state.batch[item, REACHABLE]
    row[target, RUN] = 0
    row[target, SINCE] = state.batch[item, TIME]
    row[target, REMOVALS] = 0
    row[target, BLOCKED_UNTIL] = 0
    state.claims[_claim(state.claims, state.batch[item, IDENTITY])] = NOTHING
    if not state.late[target, 1]:
        state.late[target, 1] = LATE_UNKNOWN
        state.late_counts[zone, NEW] += 1
    if row[target, READY] != NEVER:
        _list_late(state, target_)
    state.series[place(state.whole[WINDOW]), JOINED] += 1


@inline
def _verdict(params, state, target_, now):  # type: ignore[no-untyped-def]
    """What follows from the run of equal results of a target; returns the changes of state (0 or 1)."""
    target = place(target_)
    row = state.targets
    policy = params.policy
    run, was = row[target, RUN], row[target, STATE]
    if was == IN and run > -params.fall:
        return 0
    zone, window = place(target_ % state.sizes.shape[0]), place(state.whole[WINDOW])
    if run >= params.rise and was == HELD:
        _move(state, target, zone, IN)
        state.series[window, CANCELLED] += 1
    elif run >= params.rise and now >= row[target, BLOCKED_UNTIL]:
        _move(state, target, zone, IN)
        row[target, SINCE] = now
        return 1
    elif was == IN or (was == HELD and run < 0):
        if _may_remove(policy, state, 1, now):
            _move(state, target, zone, OUT)
            if policy.kind == DAMPING:
                if now - row[target, SINCE] >= policy.forget_ns:
                    row[target, REMOVALS] = 0
                row[target, REMOVALS] += 1
                spans = min(row[target, REMOVALS], policy.cap_ns // max(policy.span_ns, 1) + 1)
                row[target, BLOCKED_UNTIL] = now + min(spans * policy.span_ns, policy.cap_ns)
            row[target, SINCE] = now
            state.series[window, REMOVED] += 1
            return 1
        if was == IN:
            _move(state, target, zone, HELD)
            state.series[window, DELAYED] += 1
    elif (was in (OUT, NEW)) and run < 0 and 0 <= params.terminate_ns <= now - row[target, SINCE]:
        _move(state, target, zone, EMPTY)
        number = row[target, GENERATION] * row.shape[0] + target_
        row[target, GENERATION] += 1
        state.orders[place(state.whole[ORDERS]), 0] = now
        state.orders[place(state.whole[ORDERS]), 1] = number * 4 + REPLACEMENT
        state.whole[ORDERS] += 1
        state.series[window, TERMINATED] += 1
    return 0


@inline
def _draw_services(params, keys, table, state, turn, number):  # type: ignore[no-untyped-def]
    """Draw the services of the next checks of the AHEAD targets from `turn` on, side by side."""
    count = min(state.phases.shape[0] - turn, AHEAD)
    uniforms, values = state.draws[0], state.draws[1]
    for i in range(count):
        uniforms[place(i)] = uniform(keys.service, turn + i, number)
    quantiles(params.service, table, uniforms, values, count)
    for i in range(count):
        state.services[place(i)] = whole_ns(values[place(i)])


@inline
def _service(state, turn):  # type: ignore[no-untyped-def]
    """The service of a target's check, drawn."""
    return state.services[place(turn & (AHEAD - 1))]


@inline
def _ends(params, state, target, now):  # type: ignore[no-untyped-def]
    """When a check due at `now` begins, and when it ends or is given up."""
    if params.service.kind == CONSTANT:
        begin, service = max(now, first_free(state.lines)), whole_ns(params.service.a)
    else:
        begin, service = free_in_pool(state.pool, state.about, now), _service(state, target)
    return begin, begin + service if begin < now + params.timeout_ns else begin


@inline
def _outlook(params, row, target, now):  # type: ignore[no-untyped-def]
    """What the checks of a target can do that follow one at `now`."""
    is_in = row[target, STATE]
    if is_in == EMPTY:
        return NO_CHECK
    if is_in == IN:  # how often it was good asks nobody while it is in, nor how often it failed while it is not
        return CALM if row[target, RUN] > 0 else ANYTHING
    if is_in == HELD or row[target, RUN] > 0:
        return ANYTHING
    until = row[target, READY]  # from then on it may be good, or must be terminated
    if params.terminate_ns >= 0:
        until = min(until, row[target, SINCE] + params.terminate_ns)
    return -min((until - 1 - now) // params.interval_ns, MOST_FAILURES) if until > now else ANYTHING


@inline
def _check(params, state, target_, now, begin, end):  # type: ignore[no-untyped-def]
    """One check of a target, due at `now`, with its `_ends`."""
    target = place(target_)
    row = state.targets
    window = place(state.whole[WINDOW])
    is_made = begin < now + params.timeout_ns
    is_good = is_made and end <= now + params.timeout_ns and row[target, READY] <= now
    if is_good:
        row[target, RUN] = max(row[target, RUN], 0) + 1
    else:
        row[target, RUN] = min(row[target, RUN], 0) - 1
        state.series[window, FAILED] += 1
    changes = _verdict(params, state, target_, now)
    state.series[window, CHANGES] += changes
    end += changes * params.change_ns
    if end > begin:
        if params.service.kind == CONSTANT:
            length = CHECK if changes == 0 else CHECK_AND_CHANGE if is_made else CHANGE
            stand(state.lines, length, end)
        else:
            make_busy_in_pool(state.pool, state.about, now, end)
    state.outlook[target] = _outlook(params, row, target, now)


@inline
def _fail_over(params, inputs, state, now):  # type: ignore[no-untyped-def]
    """Take zones out of the names that clients ask for, or back in, while that is switched on."""
    whole = state.whole
    zones = state.sizes.shape[0]
    while whole[CONTROL] < inputs.switches.shape[0] and inputs.switches[place(whole[CONTROL]), 0] < now:
        switch = place(whole[CONTROL])
        for zone in range(zones):
            if inputs.switches[switch, 2] < 0 or inputs.switches[switch, 2] == zone:
                state.is_on[zone] = inputs.switches[switch, 1]
        whole[CONTROL] += 1
    there = zones
    for zone in range(zones):
        there -= state.is_out[zone]
    for zone in range(zones):
        healthy = state.counts[zone, IN] / np.float64(state.sizes[zone])
        if state.is_out[zone]:
            if not state.is_on[zone] or healthy >= params.failover_back:
                state.is_out[zone] = 0
                there += 1
        elif state.is_on[zone] and healthy < params.failover_below and there > 1:
            if params.policy.kind == VELOCITY and not _may_remove(
                params.policy, state, state.counts[zone, IN], now - 1
            ):
                continue
            state.is_out[zone] = 1
            there -= 1
            state.series[place(whole[WINDOW]), FAILOVERS] += 1


@inline
def _is_open(policy, state, zone, healthy):  # type: ignore[no-untyped-def]
    """Whether connections go to all targets of a zone, whatever their health; `healthy` targets are in."""
    if policy.kind == PANIC:
        return healthy < policy.share * state.targets.shape[0]
    return policy.kind == FAIL_OPEN and state.counts[zone, IN] < policy.limit


@inline
def _levels(params, state, now):  # type: ignore[no-untyped-def]
    """What clients find at the window's end, `now`: all that are in use can be reached, save those that are late."""
    window = place(state.whole[WINDOW])
    zones = state.sizes.shape[0]
    series = state.series
    by_zone = state.by_zone
    late = np.int64(0)
    for i in range(state.whole[LATE]):
        target_ = state.late[place(i), 0]
        target = place(target_)
        if state.targets[target, READY] < now:
            state.late[target, 1] = 0
            state.late_counts[place(target_ % zones), place(state.targets[target, STATE])] -= 1
        elif state.targets[target, READY] == NEVER:  # another instance has taken the place
            state.late[target, 1] = LATE_UNKNOWN
        else:
            state.late[place(late), 0] = target_
            late += 1
    state.whole[LATE] = late
    healthy = _sum(state.counts, IN)
    for zone in range(zones):
        routed = np.int64(0)
        behind = np.int64(0)
        if not state.is_out[zone]:
            routed = state.counts[zone, IN] + state.counts[zone, HELD]
            behind = state.late_counts[zone, IN] + state.late_counts[zone, HELD]
            if _is_open(params.policy, state, zone, healthy):
                routed = state.sizes[zone] - state.counts[zone, EMPTY]
                behind += state.late_counts[zone, NEW] + state.late_counts[zone, OUT]
        by_zone[window, zone, ZONE_HEALTHY] = state.counts[zone, IN]
        by_zone[window, zone, ZONE_USABLE] = routed - behind
        by_zone[window, zone, ZONE_REMOVED] = state.sizes[zone] - routed
        series[window, ROUTED] += routed
        series[window, USABLE] += routed - behind
    series[window, HEALTHY] = healthy
    series[window, OUT_END] = _sum(state.counts, OUT)
    series[window, EMPTY_END] = _sum(state.counts, EMPTY)


@inline
def _gather(params, keys, inputs, state):  # type: ignore[no-untyped-def]
    """Note who joins in this window and who is reachable from when on; returns how many join.

    Joins of one window are linked by their identities, so that a finish finds its own among few.
    """
    window = place(state.whole[WINDOW])
    batch, claims = state.batch, state.claims
    targets = state.targets.shape[0]
    joining = 0
    for job_ in range(inputs.first[window], inputs.first[window + np.uint64(1)]):
        job = place(job_)
        target = _target_of(params, keys, targets, inputs.jobs[job, IDENTITY])
        if target >= 0:
            item = place(joining)
            batch[item, TIME] = inputs.jobs[job, TIME]
            batch[item, IDENTITY] = inputs.jobs[job, IDENTITY]
            batch[item, REACHABLE] = NEVER
            batch[item, TARGET] = target
            at = _claim(claims, batch[item, IDENTITY])
            batch[item, NEXT] = claims[at]
            claims[at] = joining
            joining += 1
    for i in range(inputs.told[window], inputs.told[window + np.uint64(1)]):
        identity, ready = inputs.finishes[place(i), 0], inputs.finishes[place(i), 1]
        target = _target_of(params, keys, targets, identity)
        if target >= 0:
            if state.targets[place(target), INSTANCE] == identity:
                state.targets[place(target), READY] = ready
                if state.outlook[place(target)] < 0:
                    state.outlook[place(target)] = ANYTHING
                _list_late(state, target)
            item_ = claims[_claim(claims, identity)]
            while item_ != NOTHING:
                if batch[place(item_), IDENTITY] == identity:
                    batch[place(item_), REACHABLE] = ready
                item_ = batch[place(item_), NEXT]
    return joining


@inline
def _quiet(params, state, number, turn, limit):  # type: ignore[no-untyped-def]
    """Make the checks of the targets from `turn` on that are due before `limit` and change nothing, up to the first
    that may: services are constant, and no worker is at a change. Returns the first target that is left.
    """
    lines, outlook, phases = state.lines, state.outlook, state.phases
    places = lines.shape[1] - PLACES
    if lines[CHECK, COUNT] < places:
        return turn
    service = whole_ns(params.service.a)
    latest_ns = params.timeout_ns - max(service, 1)  # so late a check may begin and be good
    base, targets = number * params.interval_ns, phases.shape[0]
    head, checks, failed = lines[CHECK, HEAD], np.int64(0), np.int64(0)
    while turn < targets:
        due, look = base + phases[place(turn)], outlook[place(turn)]
        if due >= limit or look == ANYTHING:
            break
        if look != NO_CHECK:
            begin = max(due, lines[CHECK, place(PLACES + head)])
            if begin - due > latest_ns:
                break
            lines[CHECK, place(PLACES + head)] = begin + service
            head = head + 1 if head + 1 < places else 0
            checks += 1
            if look < 0:
                failed += 1
                outlook[place(turn)] = look + 1
        turn += 1
    lines[CHECK, HEAD] = head
    window = place(state.whole[WINDOW])
    state.series[window, CHECKS] += checks
    state.series[window, FAILED] += failed
    return turn


@inline
def _quiet_of_any(params, keys, table, state, number, turn, limit):  # type: ignore[no-untyped-def]
    """As `_quiet`, with services of any law."""
    outlook, phases, pool, about = state.outlook, state.phases, state.pool, state.about
    base, targets = number * params.interval_ns, phases.shape[0]
    checks, failed = np.int64(0), np.int64(0)
    is_quiet = True
    while is_quiet and turn < targets:
        if turn & (AHEAD - 1) == 0:
            _draw_services(params, keys, table, state, turn, number)
        left = about[LEFT]
        until = min((turn | (AHEAD - 1)) + 1, turn + left, targets)
        is_bag, workers = about[FORM] == BAG, about[WORKERS]
        now = np.int64(0)
        while turn < until:
            due, look, service = base + phases[place(turn)], outlook[place(turn)], _service(state, turn)
            if due >= limit or look == ANYTHING:
                is_quiet = False
                break
            if look != NO_CHECK:
                begin = due if is_bag else max(due, pool[HEAP, 0])
                if begin - due > params.timeout_ns - max(service, 1):
                    is_quiet = False
                    break
                if is_bag:
                    pool[BAG, place(workers - left)] = begin + service
                else:
                    make_busy(pool, HEAP, begin + service)
                now = due
                left -= 1
                if look < 0:
                    failed += 1
                    outlook[place(turn)] = look + 1
            turn += 1
        checks += about[LEFT] - left
        about[LEFT] = left
        if left == 0:
            settle(pool, about, now)
    window = place(state.whole[WINDOW])
    state.series[window, CHECKS] += checks
    state.series[window, FAILED] += failed
    return turn


@kernel
def _window(params, keys, inputs, state):  # type: ignore[no-untyped-def]
    """All checks of the window and the instances that join in it; there is room for them."""
    whole, series = state.whole, state.series
    window = place(whole[WINDOW])
    start = whole[WINDOW] * params.window_ns
    end = start + params.window_ns
    targets = state.targets.shape[0]
    whole[ORDERS] = 0
    joining = _gather(params, keys, inputs, state)
    batches.sort_window(
        state.batch[:, TIME], state.batch[:, IDENTITY], joining, start, params.window_ns, state.order, state.ends
    )
    joined = np.int64(0)
    next_join = state.batch[place(state.order[0]), TIME] if joining > 0 else NEVER
    turn, number = whole[TURN], whole[ROUND]
    is_constant = params.service.kind == CONSTANT
    while True:
        limit = min(next_join, end)
        if is_constant:
            turn = _quiet(params, state, number, turn, limit)
        else:
            turn = _quiet_of_any(params, keys, inputs.table, state, number, turn, limit)
        if turn == targets:
            turn = np.int64(0)
            number += 1
            continue
        due = number * params.interval_ns + state.phases[place(turn)]
        if next_join <= due:
            _join(state, place(state.order[place(joined)]))
            joined += 1
            next_join = state.batch[place(state.order[place(joined)]), TIME] if joined < joining else NEVER
        elif due >= end:
            break
        else:
            if state.outlook[place(turn)] != NO_CHECK:
                series[window, CHECKS] += 1
                begin, done = _ends(params, state, turn, due)
                _check(params, state, turn, due, begin, done)
            turn += 1
    whole[TURN] = turn
    whole[ROUND] = number
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
        if inputs.first[window + np.uint64(1)] - inputs.first[window] > state.order.shape[0]:
            return GROW_BATCH
        _window(params, keys, inputs, state)
    return DONE
