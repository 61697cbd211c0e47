"""Launches and changes of instances (MODEL.md, section 9), attempt by attempt, window by window.

A call of `advance` takes the stage to a window's end. Work that comes back (a launch that was denied) does so in a
later window than the one in which it left, so all work of a window is known when it begins. Two numbers are kept of an
attempt that waits: its time, and its identity with its tries. Nothing is put in order save where a token decides: while
the throttle's bucket is empty, everybody is refused, whoever came first. Where there is an admission (`launch_door`)
all are put in order.
"""

from typing import NamedTuple

import numpy as np

from recovery_kernels import launch_door, limits, policies
from recovery_kernels.arrays import Real, Whole
from recovery_kernels.batches import (
    CHANGE,
    IDENTITY,
    LAUNCH,
    ORIGIN,
    RELEASED,
    REPLACEMENT,
    TIME,
    TRIES,
    TRIES_BITS,
    window_of,
)
from recovery_kernels.batches import TRIES_MASK as _TRIES
from recovery_kernels.draws import log, uniform, whole_ns
from recovery_kernels.events import place
from recovery_kernels.jit import inline, kernel
from recovery_kernels.slices import drop, heap, slice_of, to_slices
from recovery_kernels.waiting import (
    CHUNK,
    CHUNKS,
    FIRST,
    ITEMS,
    NOTHING,
    Waiting,
    chunks_for,
    free,
    last_chunk,
    leave,
    wait,
    waits_for,
)

# What `advance` may say.
DONE, GROW_WAITING, GROW_BATCH, GROW_JOBS = range(4)

# Streams of draws: they follow those of draws.
ARRIVAL, CHANGE_ARRIVAL, ZONE, PIN, LOOK, RETRY = range(8, 14)

# Whole-number memory.
WINDOW, STEP, LAUNCHES, CHANGES, RELEASES, JOBS, CONTROL, BUCKET_AT, ASLEEP, MOVES = range(10)
WHOLE = 10
# What of a window is to be done next.
OPEN, LAUNCHES_COME, CHANGES_COME, DECIDE = range(4)
# Fractional memory: the summed rate at which the next one comes, and that at the window's start; the throttle.
NEXT_LAUNCH, LAUNCH_SUM, NEXT_CHANGE, CHANGE_SUM, TOKENS, RATE, BURST = range(7)
REAL = 7

# Columns of the series: flows of a window, then levels at its end, and the largest of these in it.
(
    ASKED, ATTEMPTS, THROTTLED, INSUFFICIENT, ACCEPTED, GAVE_UP, CHANGED, HELD, RELEASED_CHANGES, ASLEEP_END, HELD_END,
    ASLEEP_MAX, HELD_MAX,
) = range(13)  # fmt: skip
SERIES = 13

_FEW, _SOME = 2, 8  # items in a slice on average: where only some slices are looked at, and where all are
_GONE = -1  # in place of an attempt that was accepted
_EXACT_NS = 1 << 52  # 52 days: up to then a time is a whole number as a float64, too
_FLOAT_BITS = np.int64(np.float64(_EXACT_NS).view(np.int64))  # or'ed into such a number: 2^52 more, as a float64
_UP_BITS = 32  # in one number: how many come and how many go
_UP = 1 << _UP_BITS


class Params(NamedTuple):
    """Everything that decides the stage beside its inputs. `looks` holders with a free slot are looked at in a zone
    before it is said to have no capacity.
    """

    window_ns: int
    zones: int
    poisson: int
    pinned_share: float
    looks: int
    client: policies.Client
    admission: limits.Limit = limits.Limit(limits.OPEN, 0.0, 1.0, 1.0, 0.0)


class Keys(NamedTuple):
    """Keys (uint64) of the streams of draws."""

    arrival: np.uint64
    change: np.uint64
    zone: np.uint64
    pin: np.uint64
    look: np.uint64
    retry: np.uint64


class Inputs(NamedTuple):
    """launches_per_ns and changes_per_ns float64[windows]; leased int64[zones, windows] of holders int64[zones], at
    the end of each window; throttle_ns int64[n] with throttle float64[n, 2] (rate 1/ns, negative: off; burst); table
    float64[m], measured values; backoffs float64[k], delays after the 1st, 2nd … failure (policies.backoffs).
    """

    launches_per_ns: Real
    changes_per_ns: Real
    leased: Whole
    holders: Whole
    throttle_ns: Whole
    throttle: Real
    table: Real
    backoffs: Real


class State(NamedTuple):
    """All that the stage remembers.

    whole int64[WHOLE]; real float64[REAL]; waiting: attempts that wait for their window; held int64[zones] and carry
    float64[zones], changes that wait for a lease; releasing int64[zones, 2], how many of these a window lets go and how
    many it has; denied float64[zones], chance that a zone has no capacity; spare int64[2, m], times and attempts of the
    window, and moves int64[2, m]; batch int64[m, 2], links int64[m], ends int64[m + 2] and draws float64[m]: scratch;
    jobs int64[k, COLUMNS] with first int64[windows + 1], what was let out
    in each window; series int64[windows, SERIES].
    """

    whole: Whole
    real: Real
    waiting: Waiting
    held: Whole
    carry: Real
    releasing: Whole
    denied: Real
    batch: Whole
    spare: Whole
    moves: Whole
    links: Whole
    ends: Whole
    draws: Real
    jobs: Whole
    first: Whole
    series: Whole


@inline
def zone_of(keys, zones, identity):  # type: ignore[no-untyped-def]
    """The zone that a launch is pinned to or tries first, or that a change belongs to."""
    return np.int64(uniform(keys.zone, identity, 0) * zones)


@inline
def _gap(poisson, key, number):  # type: ignore[no-untyped-def]
    """Summed rate from one arrival to the next: exponential, or one (the first from a random phase)."""
    if poisson:
        return -log(uniform(key, number, 0))
    return uniform(key, 0, 0) if number == 0 else 1.0


@inline
def _arrivals(poisson, key, number, next_sum, end_sum, sums):  # type: ignore[no-untyped-def]
    """Fill sums (float64[n]) with the summed rates at which the `number`-th and those after it come, the first at
    `next_sum`, as long as they come before `end_sum` and there is room. Returns how many, and when the next one comes.
    """
    most = min(np.int64(end_sum - next_sum) + 8, sums.shape[0])
    for i in range(most):
        sums[place(i)] = _gap(poisson, key, number + 1 + i)
    count = np.int64(0)
    while count < most and next_sum < end_sum:
        gap = sums[place(count)]
        sums[place(count)] = next_sum
        next_sum += gap
        count += 1
    return count, next_sum


@inline
def _time(params, state, rate, sum_, begin_sum):  # type: ignore[no-untyped-def]
    """When the one comes, in this window, that comes at this summed rate; `begin_sum` is that at the window's start."""
    start = state.whole[WINDOW] * params.window_ns
    time = start + np.int64((sum_ - begin_sum) / rate)
    return min(max(time, start), start + params.window_ns - 1)


@kernel
def _launches_come(params, keys, inputs, state):  # type: ignore[no-untyped-def]
    """Let all new launches of this window wait for it; False if there may be no chunk for them (call again)."""
    whole, real, sums = state.whole, state.real, state.draws
    window = whole[WINDOW]
    rate = inputs.launches_per_ns[place(window)]
    end_sum = real[LAUNCH_SUM] + rate * params.window_ns
    while real[NEXT_LAUNCH] < end_sum:
        number = whole[LAUNCHES]
        count, next_sum = _arrivals(params.poisson, keys.arrival, number, real[NEXT_LAUNCH], end_sum, sums)
        if state.waiting.free[CHUNKS] < count // ITEMS + 1:
            return False
        for i in range(count):
            time = _time(params, state, rate, sums[place(i)], real[LAUNCH_SUM])
            wait(state.waiting, window, time, ((number + i) * 4 + LAUNCH) << TRIES_BITS)
        whole[LAUNCHES] += count
        real[NEXT_LAUNCH] = next_sum
    real[LAUNCH_SUM] = end_sum
    return True


@kernel
def begin(params, keys, state):  # type: ignore[no-untyped-def]
    """Before the first window: when the first launch and the first change come."""
    state.real[NEXT_LAUNCH] = _gap(params.poisson, keys.arrival, 0)
    state.real[NEXT_CHANGE] = _gap(params.poisson, keys.change, 0)
    state.real[RATE] = -1.0


@kernel
def ask(params, state, times, identities):  # type: ignore[no-untyped-def]
    """Let launches of terminated instances come at these times (int64[n], ns), in windows that have not run.

    Returns how many did, before there was no chunk for the next.
    """
    for i in range(times.shape[0]):
        if state.waiting.free[CHUNKS] == 0:
            return i
        window = window_of(times[i], params.window_ns, 1.0 / np.float64(params.window_ns))
        wait(state.waiting, window, times[i], identities[i] << TRIES_BITS)
    return times.shape[0]


@inline
def _let_out(state, time, identity):  # type: ignore[no-untyped-def]
    job = place(state.whole[JOBS])
    state.jobs[job, TIME] = time
    state.jobs[job, ORIGIN] = time
    state.jobs[job, IDENTITY] = identity
    state.jobs[job, TRIES] = 0
    state.whole[JOBS] += 1


@inline
def _throttled(inputs, state, t):  # type: ignore[no-untyped-def]
    """Whether the request throttle says no at `t`; a token is taken if it does not.

    What it refuses leaves the bucket as it is, so that the order of the refused is the same to it.
    """
    whole = state.whole
    real = state.real
    bucket, tokens = whole[BUCKET_AT:], real[TOKENS:]
    while whole[CONTROL] < inputs.throttle_ns.shape[0] and inputs.throttle_ns[place(whole[CONTROL])] <= t:
        step = place(whole[CONTROL])
        rate, burst = inputs.throttle[step, 0], inputs.throttle[step, 1]
        limits.turn(bucket, tokens, inputs.throttle_ns[step], rate, burst, real[RATE] >= 0.0)
        whole[CONTROL] += 1
    if real[RATE] < 0.0:
        return False
    if not limits.has_token(bucket, tokens, t):
        return True
    limits.fill(bucket, tokens, t)
    real[TOKENS] -= 1.0
    return False


@inline
def _has_capacity(params, keys, state, identity, tries):  # type: ignore[no-untyped-def]
    """Whether a leased holder is found: in the zone that the launch is pinned to, or in one after the other."""
    zones = params.zones
    home = zone_of(keys, zones, identity)
    among = 1 if uniform(keys.pin, identity, 0) < params.pinned_share else zones
    for i in range(among):
        zone = (home + i) % zones
        if uniform(keys.look, identity, tries * zones + i) >= state.denied[place(zone)]:
            return True
    return False


@inline
def _release_ns(params, start, number, count):  # type: ignore[no-untyped-def]
    """When the `number`-th of `count` changes goes that a zone lets go in a window: evenly spread."""
    return start + (2 * number + 1) * params.window_ns // (2 * count)


@inline
def _still_held(params, state, start, now):  # type: ignore[no-untyped-def]
    """Changes of all zones that are held at `now`, those among them that a later moment of this window lets go."""
    held = 0
    for zone in range(params.zones):
        count = state.releasing[zone, 0]
        while state.releasing[zone, 1] < count and _release_ns(params, start, state.releasing[zone, 1], count) <= now:
            state.releasing[zone, 1] += 1
        held += state.held[zone] + count - state.releasing[zone, 1]
    return held


@inline
def _sum_held(params, state):  # type: ignore[no-untyped-def]
    held = 0
    for zone in range(params.zones):
        held += state.held[zone]
    return held


@kernel
def _open(params, inputs, state):  # type: ignore[no-untyped-def]
    """What a window begins with: the chance of no capacity in each zone, and the changes whose lease has come."""
    whole = state.whole
    window = whole[WINDOW]
    start = window * params.window_ns
    now = place(max(window - 1, 0))  # levels are those at the end of the window before
    was = place(max(window - 2, 0))
    state.series[place(window), HELD_MAX] = _sum_held(params, state)
    for zone in range(params.zones):
        state.releasing[zone, 0] = 0
        state.releasing[zone, 1] = 0
        share = 1.0
        for _ in range(params.looks):
            share *= 1.0 - inputs.leased[zone, now] / np.float64(inputs.holders[zone])
        state.denied[zone] = share
        gained = inputs.leased[zone, now] - inputs.leased[zone, was]
        if gained > 0 and state.held[zone] > 0:
            unleased = inputs.holders[zone] - inputs.leased[zone, was]
            exact = state.held[zone] * (gained / np.float64(unleased)) + state.carry[zone]
            count = min(np.int64(exact), state.held[zone])
            state.held[zone] -= count
            state.carry[zone] = exact - count if state.held[zone] > 0 else 0.0
            state.releasing[zone, 0] = count
            for i in range(count):
                _let_out(state, _release_ns(params, start, i, count), whole[RELEASES] * 4 + RELEASED)
                whole[RELEASES] += 1
            state.series[place(window), RELEASED_CHANGES] += count


@kernel
def _changes_come(params, keys, inputs, state):  # type: ignore[no-untyped-def]
    """All changes of this window, one after the other: let out, or held. False if there may be no room for the jobs
    (call again).
    """
    whole, real, sums = state.whole, state.real, state.draws
    series, window = state.series, place(whole[WINDOW])
    now = place(max(whole[WINDOW] - 1, 0))
    rate = inputs.changes_per_ns[window]
    end_sum = real[CHANGE_SUM] + rate * params.window_ns
    while real[NEXT_CHANGE] < end_sum:
        number = whole[CHANGES]
        count, next_sum = _arrivals(params.poisson, keys.change, number, real[NEXT_CHANGE], end_sum, sums)
        if whole[JOBS] + count > state.jobs.shape[0]:
            return False
        for i in range(count):
            time = _time(params, state, rate, sums[place(i)], real[CHANGE_SUM])
            identity = (number + i) * 4 + CHANGE
            zone = zone_of(keys, params.zones, identity)
            if uniform(keys.look, identity, 0) * inputs.holders[zone] < inputs.leased[zone, now]:
                _let_out(state, time, identity)
            else:
                state.held[zone] += 1
                series[window, HELD] += 1
                held = _still_held(params, state, whole[WINDOW] * params.window_ns, time)
                series[window, HELD_MAX] = max(series[window, HELD_MAX], held)
        series[window, CHANGED] += count
        whole[CHANGES] += count
        real[NEXT_CHANGE] = next_sum
    real[CHANGE_SUM] = end_sum
    return True


@inline
def _move(state, time, attempt, is_up):  # type: ignore[no-untyped-def]
    """Note that one more waits from `time` on, or one less."""
    move = place(state.whole[MOVES])
    state.moves[0, move] = time
    state.moves[1, move] = attempt << 1 | is_up
    state.whole[MOVES] += 1


@inline
def _delay_ns(params, keys, inputs, identity, tries):  # type: ignore[no-untyped-def]
    """How long a launch waits whose failure number is `tries` (from 1)."""
    client = params.client
    if client.kind == policies.EXPONENTIAL:
        delay = whole_ns(inputs.backoffs[place(min(tries, inputs.backoffs.shape[0]) - 1)])
    else:
        delay = policies.retry_delay_ns(client, inputs.table, keys.retry, identity, tries - 1, tries)
    return max(delay, client.round_trip_ns)


@inline
def _times_back(params, keys, inputs, state, count, after):  # type: ignore[no-untyped-def]
    """Put the time at which each attempt of state.spare[:, :count] comes back, and not before `after`, in place of that
    of its failure, and its window into state.ends. One step of all of them after the other, so that the processor works
    on several at a time.
    """
    times, attempts, draws, windows = state.spare[0], state.spare[1], state.draws, state.ends
    client, per_ns = params.client, 1.0 / np.float64(params.window_ns)
    if client.kind != policies.FULL_JITTER:
        for i in range(count):
            attempt = attempts[place(i)]
            delay = _delay_ns(params, keys, inputs, attempt >> TRIES_BITS, (attempt & _TRIES) + 1)
            times[place(i)] = max(times[place(i)] + delay, after)
            windows[place(i)] = window_of(times[place(i)], params.window_ns, per_ns)
        return
    backoffs, most = inputs.backoffs, inputs.backoffs.shape[0] - 1
    for i in range(count):
        attempt = attempts[place(i)]
        tried = attempt & _TRIES
        draws[place(i)] = backoffs[place(min(tried, most))] * uniform(keys.retry, attempt >> TRIES_BITS, tried)
    latest = np.float64(after) + client.cap_ns + client.round_trip_ns + 2.0 * params.window_ns
    if latest >= _EXACT_NS:
        for i in range(count):
            times[place(i)] = max(times[place(i)] + max(whole_ns(draws[place(i)]), client.round_trip_ns), after)
            windows[place(i)] = window_of(times[place(i)], params.window_ns, per_ns)
        return
    # The same with float64 that hold whole numbers: of these the processor takes four at a time.
    window_ns, least, earliest = np.float64(params.window_ns), np.float64(client.round_trip_ns), np.float64(after)
    for i in range(count):
        failed = np.int64(times[place(i)] | _FLOAT_BITS).view(np.float64) - np.float64(_EXACT_NS)
        delay = np.floor(draws[place(i)] + 0.5)
        delay = delay if delay > least else least
        time = failed + delay
        time = time if time > earliest else earliest
        window = np.floor(time * per_ns)
        too_late, too_early = window * window_ns > time, (window + 1.0) * window_ns <= time
        window += (0.0 if too_late else 1.0 if too_early else 0.0) - (1.0 if too_late else 0.0)
        times[place(i)] = np.float64(time + np.float64(_EXACT_NS)).view(np.int64) ^ _FLOAT_BITS
        windows[place(i)] = np.float64(window + np.float64(_EXACT_NS)).view(np.int64) ^ _FLOAT_BITS


@inline
def _send_back(params, keys, inputs, state, count, after):  # type: ignore[no-untyped-def]
    """All attempts of state.spare[:, :count] that are not gone were denied: they are made again in a later window, or
    no more.
    """
    whole, times, attempts = state.whole, state.spare[0], state.spare[1]
    move_times, moves_ = state.moves[0], state.moves[1]
    moves, given_up, back = whole[MOVES], np.int64(0), np.int64(0)
    for i in range(count):
        time, attempt = times[place(i)], attempts[place(i)]
        is_denied = np.int64(attempt != _GONE)
        is_first, is_over = np.int64(attempt & _TRIES == 0), is_denied & np.int64(_gives_up(params, attempt))
        given_up += is_over
        move_times[place(moves)] = time  # there is room for a move of each; whether it counts says the number
        moves_[place(moves)] = attempt << 1 | is_first
        moves += is_first ^ is_over
        times[place(back)] = time
        attempts[place(back)] = attempt
        back += is_denied ^ is_over
    whole[MOVES] = moves
    state.series[place(whole[WINDOW]), GAVE_UP] += given_up
    _times_back(params, keys, inputs, state, back, after)
    for i in range(back):
        wait(state.waiting, state.ends[place(i)], times[place(i)], attempts[place(i)] + 1)


@inline
def _gives_up(params, attempt):  # type: ignore[no-untyped-def]
    """Whether a launch is tried no more whose attempt was denied; who replaces an instance never gives up."""
    is_over = policies.gives_up(params.client, (attempt & _TRIES) + 1)
    return is_over and (attempt >> TRIES_BITS) & 3 != REPLACEMENT


@inline
def _accept(state, time, attempt):  # type: ignore[no-untyped-def]
    _let_out(state, time, attempt >> TRIES_BITS)
    if attempt & _TRIES > 0:
        _move(state, time, attempt, 0)


@inline
def _count_asleep(state, start, window_ns):  # type: ignore[no-untyped-def]
    """How many wait between two attempts: at the end of the window, and the most at one time of it.

    What waits where a slice of the window ends is known without any order. So only those slices are put in order in
    which more could wait than at the best of these ends.
    """
    times, moves, count, links, items = state.moves[0], state.moves[1], state.whole[MOVES], state.links, state.batch
    slices = count // _SOME + 1
    scale = np.float64(slices) / np.float64(window_ns)
    flows, heads = state.ends, state.ends[place(slices) :]
    for slice_ in range(slices):
        flows[place(slice_)] = 0
        heads[place(slice_)] = NOTHING
    for i in range(count):
        slice_ = place(slice_of(times[place(i)], start, scale, slices))
        flows[slice_] += 1 + (moves[place(i)] & 1) * (_UP - 1)
        links[place(i)] = heads[slice_]
        heads[slice_] = i
    most = level = state.whole[ASLEEP]
    for slice_ in range(slices):
        level += (flows[place(slice_)] >> _UP_BITS) - (flows[place(slice_)] & (_UP - 1))
        most = max(most, level)
    level = state.whole[ASLEEP]
    for slice_ in range(slices):
        ups = flows[place(slice_)] >> _UP_BITS
        if level + ups > most:
            now = level
            size = heap(times, moves, links, heads[place(slice_)], items)
            while size > 0:
                now += 2 * (moves[place(items[0, 1])] & 1) - 1
                most = max(most, now)
                size = drop(items, moves, size)
        level += ups - (flows[place(slice_)] & (_UP - 1))
    return level, most


@inline
def _decide(params, keys, state, sure, time, attempt):  # type: ignore[no-untyped-def]
    """What comes of an attempt that is let in. `sure`: 1 all have capacity, 0 none has, below 0 unknown.

    Returns whether it is accepted.
    """
    series, window = state.series, place(state.whole[WINDOW])
    if sure > 0 or (sure < 0 and _has_capacity(params, keys, state, attempt >> TRIES_BITS, attempt & _TRIES)):
        series[window, ACCEPTED] += 1
        _accept(state, time, attempt)
        return True
    series[window, INSUFFICIENT] += 1
    return False


@inline
def _is_in_force(inputs, state, until):  # type: ignore[no-untyped-def]
    """Whether there is a throttle from now on up to `until`, or one is set or ended."""
    control = state.whole[CONTROL]
    return state.real[RATE] >= 0.0 or (
        control < inputs.throttle_ns.shape[0] and inputs.throttle_ns[place(control)] <= until
    )


@kernel
def _ask(params, keys, state, door, sure, time, attempt):  # type: ignore[no-untyped-def]
    """Decide over an attempt that the throttle let in where there is an admission; its token comes back if that says
    no. Returns whether it is accepted.
    """
    identity, tries = attempt >> TRIES_BITS, attempt & _TRIES
    if launch_door.lets_in(door, time, identity, tries):
        is_accepted = _decide(params, keys, state, sure, time, attempt)
        launch_door.tell(door, time, is_accepted, identity, tries)
        return is_accepted
    if state.real[RATE] >= 0.0:
        state.real[TOKENS] += 1.0
    state.series[place(state.whole[WINDOW]), THROTTLED] += 1
    return False


@inline
def _end_of(slice_, slices, start, window_ns):  # type: ignore[no-untyped-def]
    """A time that no attempt of a slice of the window comes after."""
    long = window_ns / np.float64(slices)
    return min(start + np.int64((slice_ + 1) * long) + 2, start + window_ns)


@inline
def _is_shut(inputs, state, until):  # type: ignore[no-untyped-def]
    """Whether the throttle lets nobody in from now on up to `until`."""
    control = state.whole[CONTROL]
    return (
        state.real[RATE] >= 0.0
        and (control == inputs.throttle_ns.shape[0] or inputs.throttle_ns[place(control)] > until)
        and not limits.has_token(state.whole[BUCKET_AT:], state.real[TOKENS:], until)
    )


@inline
def _next_open(inputs, state, slice_, slices, start, window_ns):  # type: ignore[no-untyped-def]
    """The first slice, from this one on, in which the throttle may let somebody in; `slices` if there is none."""
    if not _is_shut(inputs, state, _end_of(slice_, slices, start, window_ns)):
        return slice_
    if _is_shut(inputs, state, start + window_ns):
        return slices
    # Where a token is due, or what is told of the throttle; then the exact place near it.
    real, control, due = state.real, state.whole[CONTROL], np.float64(start + window_ns)
    if control < inputs.throttle_ns.shape[0]:
        due = min(due, np.float64(inputs.throttle_ns[place(control)]))
    if real[RATE] > 0.0:
        due = min(due, state.whole[BUCKET_AT] + (1.0 - real[TOKENS]) / real[RATE])
    after = np.int64(max(due - start, 0.0) * (slices / np.float64(window_ns)))
    found = min(max(after, slice_ + 1), slices - 1)
    while found > slice_ + 1 and not _is_shut(inputs, state, _end_of(found - 1, slices, start, window_ns)):
        found -= 1
    while found < slices and _is_shut(inputs, state, _end_of(found, slices, start, window_ns)):
        found += 1
    return found


@inline
def _throttle(params, keys, inputs, state, door, sure, count):  # type: ignore[no-untyped-def]
    """Decide over the attempts of a window, state.spare[:, :count], while there is a throttle or an admission. They are
    thrown into slices of the window, and put in order only in those in which a token may be had, or admission is asked;
    those in which nobody is let in are not looked at.
    """
    is_asked = launch_door.is_there(door)
    whole, items, links, heads, slices = state.whole, state.batch, state.links, state.ends, count // _FEW + 1
    times, attempts = state.spare[0], state.spare[1]
    start = whole[WINDOW] * params.window_ns
    to_slices(times, count, slices, start, params.window_ns, heads, links)
    let_in = np.int64(0)
    slice_ = np.int64(0)
    while slice_ < slices:
        slice_ = _next_open(inputs, state, slice_, slices, start, params.window_ns)
        if slice_ == slices:
            break
        until = _end_of(slice_, slices, start, params.window_ns)
        if is_asked or _is_in_force(inputs, state, until):
            size = heap(times, attempts, links, heads[place(slice_)], items)
            while size > 0 and not _is_shut(inputs, state, until):
                time, number = items[0, 0], place(items[0, 1])
                if not _throttled(inputs, state, time):
                    let_in += 1
                    if is_asked:
                        is_accepted = _ask(params, keys, state, door, sure, time, attempts[number])
                    else:
                        is_accepted = _decide(params, keys, state, sure, time, attempts[number])
                    if is_accepted:
                        attempts[number] = _GONE
                size = drop(items, attempts, size)
        else:
            number_ = heads[place(slice_)]
            while number_ != NOTHING:
                number = place(number_)
                let_in += 1
                if _decide(params, keys, state, sure, times[number], attempts[number]):
                    attempts[number] = _GONE
                number_ = links[number]
        slice_ += 1
    state.series[place(whole[WINDOW]), THROTTLED] += count - let_in


@kernel
def _window(params, keys, inputs, state, door):  # type: ignore[no-untyped-def]
    """All attempts of the window; there is room for them."""
    whole, chunks, times, attempts = state.whole, state.waiting.chunks, state.spare[0], state.spare[1]
    window = whole[WINDOW]
    start = window * params.window_ns
    after = start + params.window_ns
    whole[MOVES] = 0
    some = False
    all_ = True
    for zone in range(params.zones):
        some = some or state.denied[place(zone)] < 1.0
        all_ = all_ and state.denied[place(zone)] <= 0.0
    sure = 1 if all_ else -1 if some else 0
    is_throttled = _is_in_force(inputs, state, after - 1) or launch_door.is_there(door)
    count, asked = np.int64(0), np.int64(0)
    end = leave(state.waiting, window)
    chunk = last_chunk(end)
    while chunk != NOTHING:
        for at in range(chunk + FIRST, end, 2):
            times[place(count)] = chunks[place(at)]
            attempts[place(count)] = chunks[place(at + 1)]
            asked += chunks[place(at + 1)] & _TRIES == 0
            count += 1
        chunk = free(state.waiting, chunk)
        end = chunk + CHUNK
    if is_throttled:
        _throttle(params, keys, inputs, state, door, sure, count)
    else:
        for i in range(count):
            if _decide(params, keys, state, sure, times[place(i)], attempts[place(i)]):
                attempts[place(i)] = _GONE
    _send_back(params, keys, inputs, state, count, after)
    series = state.series
    series[place(window), ASKED] += asked
    series[place(window), ATTEMPTS] += count
    whole[ASLEEP], series[place(window), ASLEEP_MAX] = _count_asleep(state, start, params.window_ns)
    series[place(window), ASLEEP_END] = whole[ASLEEP]
    series[place(window), HELD_END] = _sum_held(params, state)
    whole[WINDOW] = window + 1
    state.first[place(window + 1)] = whole[JOBS]


@kernel
def advance(params, keys, inputs, state, door, until):  # type: ignore[no-untyped-def]
    """Run the windows before `until`; returns a status. After any GROW_… the caller enlarges an array and calls again
    with nothing lost.
    """
    whole = state.whole
    while whole[WINDOW] < until:
        window = whole[WINDOW]
        if whole[STEP] == OPEN:
            if whole[JOBS] + _sum_held(params, state) > state.jobs.shape[0]:
                return GROW_JOBS
            _open(params, inputs, state)
            whole[STEP] = LAUNCHES_COME
        if whole[STEP] == LAUNCHES_COME:
            if not _launches_come(params, keys, inputs, state):
                return GROW_WAITING
            whole[STEP] = CHANGES_COME
        if whole[STEP] == CHANGES_COME:
            if not _changes_come(params, keys, inputs, state):
                return GROW_JOBS
            whole[STEP] = DECIDE
        count = waits_for(state.waiting, window, FIRST, 2)
        if count >= state.batch.shape[0]:  # one more than there are: what is written last may not count
            return GROW_BATCH
        if whole[JOBS] + count > state.jobs.shape[0]:
            return GROW_JOBS
        if state.waiting.free[CHUNKS] < chunks_for(state.waiting, count, window, ITEMS):
            return GROW_WAITING
        _window(params, keys, inputs, state, door)
        whole[STEP] = OPEN
    return DONE
