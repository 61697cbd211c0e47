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
from recovery_kernels.batches import CHANGE, IDENTITY, LAUNCH, ORIGIN, RELEASED, REPLACEMENT, TIME, TRIES, window_of
from recovery_kernels.draws import log, uniform, whole_ns
from recovery_kernels.events import place
from recovery_kernels.jit import inline, kernel
from recovery_kernels.slices import FEW, drop, heap, slice_of, to_slices
from recovery_kernels.waiting import (
    CHUNK,
    CHUNKS,
    FIRST,
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
WINDOW, STEP, LAUNCHES, CHANGES, RELEASES, JOBS, CONTROL, BUCKET_AT, ASLEEP, MOVES, DENIED = range(11)
WHOLE = 11
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

TRIES_BITS = 24  # of an attempt's second number: there is one try a window at most, and 2,000,000 windows
_TRIES = (1 << TRIES_BITS) - 1
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
    many it has; denied float64[zones], chance that a zone has no capacity; batch, spare, moves int64[m, 2], ends
    int64[m + 2] and draws float64[m]: scratch; jobs int64[k, COLUMNS] with first int64[windows + 1], what was let out
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
def _time(params, state, rate, next_at, sum_at):  # type: ignore[no-untyped-def]
    """When the next one comes, in this window."""
    start = state.whole[WINDOW] * params.window_ns
    time = start + np.int64((state.real[next_at] - state.real[sum_at]) / rate)
    return min(max(time, start), start + params.window_ns - 1)


@kernel
def _launches_come(params, keys, inputs, state):  # type: ignore[no-untyped-def]
    """Let all new launches of this window wait for it; False if there is no chunk for them (call again)."""
    whole, real = state.whole, state.real
    window = whole[WINDOW]
    rate = inputs.launches_per_ns[place(window)]
    end_sum = real[LAUNCH_SUM] + rate * params.window_ns
    while real[NEXT_LAUNCH] < end_sum:
        if state.waiting.free[CHUNKS] == 0:
            return False
        time = _time(params, state, rate, NEXT_LAUNCH, LAUNCH_SUM)
        wait(state.waiting, window, time, (whole[LAUNCHES] * 4 + LAUNCH) << TRIES_BITS)
        whole[LAUNCHES] += 1
        real[NEXT_LAUNCH] += _gap(params.poisson, keys.arrival, whole[LAUNCHES])
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
    """All changes of this window, one after the other: let out, or held. False if there is no room for the jobs (call
    again).
    """
    whole, real = state.whole, state.real
    series, window = state.series, place(whole[WINDOW])
    now = place(max(whole[WINDOW] - 1, 0))
    rate = inputs.changes_per_ns[window]
    end_sum = real[CHANGE_SUM] + rate * params.window_ns
    while real[NEXT_CHANGE] < end_sum:
        if whole[JOBS] == state.jobs.shape[0]:
            return False
        time = _time(params, state, rate, NEXT_CHANGE, CHANGE_SUM)
        identity = whole[CHANGES] * 4 + CHANGE
        zone = zone_of(keys, params.zones, identity)
        series[window, CHANGED] += 1
        if uniform(keys.look, identity, 0) * inputs.holders[zone] < inputs.leased[zone, now]:
            _let_out(state, time, identity)
        else:
            state.held[zone] += 1
            series[window, HELD] += 1
            held = _still_held(params, state, whole[WINDOW] * params.window_ns, time)
            series[window, HELD_MAX] = max(series[window, HELD_MAX], held)
        whole[CHANGES] += 1
        real[NEXT_CHANGE] += _gap(params.poisson, keys.change, whole[CHANGES])
    real[CHANGE_SUM] = end_sum
    return True


@inline
def _move(state, time, attempt, is_up):  # type: ignore[no-untyped-def]
    """Note that one more waits from `time` on, or one less."""
    move = place(state.whole[MOVES])
    state.moves[move, 0] = time
    state.moves[move, 1] = attempt << 1 | is_up
    state.whole[MOVES] += 1


@inline
def _delay_ns(params, keys, inputs, u, identity, tries):  # type: ignore[no-untyped-def]
    """How long a launch waits whose failure number is `tries` (from 1); `u`, its draw, is asked for full jitter."""
    client = params.client
    backoff = inputs.backoffs[place(min(tries, inputs.backoffs.shape[0]) - 1)]
    if client.kind == policies.FULL_JITTER:
        delay = whole_ns(backoff * u)
    elif client.kind == policies.EXPONENTIAL:
        delay = whole_ns(backoff)
    else:
        delay = policies.retry_delay_ns(client, inputs.table, keys.retry, identity, tries - 1, tries)
    return max(delay, client.round_trip_ns)


@inline
def _deny(state, time, attempt):  # type: ignore[no-untyped-def]
    """An attempt came to nothing: what follows is seen to at the end of the window (`_send_back`)."""
    denied = place(state.whole[DENIED])
    state.spare[denied, 0] = time
    state.spare[denied, 1] = attempt
    state.whole[DENIED] += 1


@inline
def _gives_up(params, attempt):  # type: ignore[no-untyped-def]
    """Whether a launch is tried no more whose attempt was denied; who replaces an instance never gives up."""
    is_over = policies.gives_up(params.client, (attempt & _TRIES) + 1)
    return is_over and (attempt >> TRIES_BITS) & 3 != REPLACEMENT


@inline
def _send_back(params, keys, inputs, state, after):  # type: ignore[no-untyped-def]
    """All launches that were denied in the window are tried again in a later one, or no more. One step of all of them
    after the other, so that the processor works on several at a time.
    """
    whole, spare, draws, windows = state.whole, state.spare, state.draws, state.ends
    count, per_ns = whole[DENIED], 1.0 / np.float64(params.window_ns)
    moves, given_up = whole[MOVES], np.int64(0)
    for i in range(count):
        time, attempt = spare[place(i), 0], spare[place(i), 1]
        is_first, is_over = np.int64(attempt & _TRIES == 0), np.int64(_gives_up(params, attempt))
        given_up += is_over
        state.moves[place(moves), 0] = time  # there is room for a move of each; whether it counts says the number
        state.moves[place(moves), 1] = attempt << 1 | is_first
        moves += is_first ^ is_over
    whole[MOVES] = moves
    state.series[place(whole[WINDOW]), GAVE_UP] += given_up
    if params.client.kind == policies.FULL_JITTER:
        for i in range(count):
            attempt = spare[place(i), 1]
            draws[place(i)] = uniform(keys.retry, attempt >> TRIES_BITS, attempt & _TRIES)
    for i in range(count):
        attempt = spare[place(i), 1]
        identity, tries = attempt >> TRIES_BITS, (attempt & _TRIES) + 1
        delay = _delay_ns(params, keys, inputs, draws[place(i)], identity, tries)
        back = max(spare[place(i), 0] + delay, after)
        spare[place(i), 0] = back
        windows[place(i)] = window_of(back, params.window_ns, per_ns)
    for i in range(count):
        attempt = spare[place(i), 1]
        if not _gives_up(params, attempt):
            wait(state.waiting, windows[place(i)], spare[place(i), 0], attempt + 1)
    whole[DENIED] = 0


@inline
def _accept(state, time, attempt):  # type: ignore[no-untyped-def]
    _let_out(state, time, attempt >> TRIES_BITS)
    if attempt & _TRIES > 0:
        _move(state, time, attempt, 0)


@inline
def _most_asleep(state, before, start, window_ns):  # type: ignore[no-untyped-def]
    """The most that wait between two attempts at one time of the window, `before` of them at its start.

    What waits where a slice of the window ends is known without any order. So only those slices are put in order in
    which more could wait than at the best of these ends.
    """
    moves, count, items = state.moves, state.whole[MOVES], state.batch
    slices = count // FEW + 1
    scale = np.float64(slices) / np.float64(window_ns)
    flows, begins, levels = state.ends, state.ends[place(slices) :], state.ends[place(2 * slices) :]
    for slice_ in range(slices):
        flows[place(slice_)] = 0
    for i in range(count):
        slice_ = slice_of(moves[place(i), 0], start, scale, slices)
        flows[place(slice_)] += 1 + (moves[place(i), 1] & 1) * (_UP - 1)
    most, level = before, before
    for slice_ in range(slices):
        levels[place(slice_)] = level
        level += (flows[place(slice_)] >> _UP_BITS) - (flows[place(slice_)] & (_UP - 1))
        most = max(most, level)
    some = np.int64(0)
    for slice_ in range(slices):
        ups = flows[place(slice_)] >> _UP_BITS
        begins[place(slice_)] = NOTHING
        if levels[place(slice_)] + ups > most:
            begins[place(slice_)] = some
            some += ups + (flows[place(slice_)] & (_UP - 1))
    if some == 0:
        return most
    for i in range(count):
        slice_ = slice_of(moves[place(i), 0], start, scale, slices)
        at = begins[place(slice_)]
        if at != NOTHING:
            items[place(at), 0] = moves[place(i), 0]
            items[place(at), 1] = moves[place(i), 1]
            begins[place(slice_)] = at + 1
    for slice_ in range(slices):
        end = begins[place(slice_)]
        if end != NOTHING:
            first = end - (flows[place(slice_)] >> _UP_BITS) - (flows[place(slice_)] & (_UP - 1))
            level = levels[place(slice_)]
            heap(items, first, end)
            while end > first:
                level += 2 * (items[place(first), 1] & 1) - 1
                most = max(most, level)
                end = drop(items, first, end)
    return most


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
    _deny(state, time, attempt)
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
    no.
    """
    identity, tries = attempt >> TRIES_BITS, attempt & _TRIES
    if launch_door.lets_in(door, time, identity, tries):
        is_accepted = _decide(params, keys, state, sure, time, attempt)
        launch_door.tell(door, time, is_accepted, identity, tries)
        return
    if state.real[RATE] >= 0.0:
        state.real[TOKENS] += 1.0
    state.series[place(state.whole[WINDOW]), THROTTLED] += 1
    _deny(state, time, attempt)


@inline
def _throttle(params, keys, inputs, state, door, sure, count):  # type: ignore[no-untyped-def]
    """Decide over the attempts of a window, state.spare[:count], while there is a throttle or an admission. They are
    put into slices of the window, and in order only in those in which a token may be had, or admission is asked.
    """
    is_asked = launch_door.is_there(door)
    whole, items, slices = state.whole, state.batch, count // FEW + 1
    start = whole[WINDOW] * params.window_ns
    after_ns = start + params.window_ns
    long = params.window_ns / np.float64(slices)
    to_slices(state.spare, count, slices, start, params.window_ns, items, state.ends)
    first = np.int64(0)
    for slice_ in range(slices):
        after = state.ends[place(slice_)]
        until = min(start + np.int64((slice_ + 1) * long) + 2, after_ns)
        is_heap = False
        while first < after:
            is_off = not _is_in_force(inputs, state, until)
            control = whole[CONTROL]
            is_shut = (
                not is_off
                and (control == inputs.throttle_ns.shape[0] or inputs.throttle_ns[place(control)] > until)
                and not limits.has_token(whole[BUCKET_AT:], state.real[TOKENS:], until)
            )
            if (is_off and not is_asked) or is_shut:
                break
            if not is_heap:
                heap(items, first, after)
                is_heap = True
            time, attempt = items[place(first), 0], items[place(first), 1]
            if _throttled(inputs, state, time):
                state.series[place(whole[WINDOW]), THROTTLED] += 1
                _deny(state, time, attempt)
            elif is_asked:
                _ask(params, keys, state, door, sure, time, attempt)
            else:
                _decide(params, keys, state, sure, time, attempt)
            after = drop(items, first, after)
        if first < after and _is_in_force(inputs, state, until):
            state.series[place(whole[WINDOW]), THROTTLED] += after - first
            for i in range(first, after):
                _deny(state, items[place(i), 0], items[place(i), 1])
        else:
            for i in range(first, after):
                _decide(params, keys, state, sure, items[place(i), 0], items[place(i), 1])
        first = state.ends[place(slice_)]


@kernel
def _window(params, keys, inputs, state, door):  # type: ignore[no-untyped-def]
    """All attempts of the window; there is room for them."""
    whole, chunks = state.whole, state.waiting.chunks
    window = whole[WINDOW]
    start = window * params.window_ns
    after = start + params.window_ns
    before = whole[ASLEEP]
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
            time, attempt = chunks[place(at)], chunks[place(at + 1)]
            asked += attempt & _TRIES == 0
            if is_throttled:
                state.spare[place(count), 0] = time
                state.spare[place(count), 1] = attempt
            else:
                _decide(params, keys, state, sure, time, attempt)
            count += 1
        chunk = free(state.waiting, chunk)
        end = chunk + CHUNK
    if is_throttled:
        _throttle(params, keys, inputs, state, door, sure, count)
    _send_back(params, keys, inputs, state, after)
    series = state.series
    series[place(window), ASKED] += asked
    series[place(window), ATTEMPTS] += count
    series[place(window), ASLEEP_MAX] = _most_asleep(state, before, start, params.window_ns)
    for i in range(whole[MOVES]):
        whole[ASLEEP] += 2 * (state.moves[place(i), 1] & 1) - 1
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
        count = waits_for(state.waiting, window)
        if count > state.batch.shape[0]:
            return GROW_BATCH
        if whole[JOBS] + count > state.jobs.shape[0]:
            return GROW_JOBS
        if state.waiting.free[CHUNKS] < chunks_for(state.waiting, count, window):
            return GROW_WAITING
        _window(params, keys, inputs, state, door)
        whole[STEP] = OPEN
    return DONE
