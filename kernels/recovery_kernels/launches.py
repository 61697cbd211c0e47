"""Launches and changes of instances (MODEL.md, section 9), attempt by attempt, window by window.

A call of `advance` takes the stage to a window's end. Work that comes back (a launch that was denied) does so in a
later window than the one in which it left, so all work of a window is known when it begins.
"""

from typing import NamedTuple

import numpy as np

from recovery_kernels import batches, limits, policies
from recovery_kernels.arrays import Real, Whole
from recovery_kernels.batches import (
    CHANGE,
    IDENTITY,
    LAUNCH,
    NEXT,
    NOTHING,
    ORIGIN,
    RELEASED,
    REPLACEMENT,
    TIME,
    TRIES,
    link,
)
from recovery_kernels.draws import log, uniform
from recovery_kernels.events import place
from recovery_kernels.jit import inline, kernel

# What `advance` may say.
DONE, GROW_ROWS, GROW_BATCH, GROW_JOBS = range(4)

# Streams of draws: they follow those of draws.
ARRIVAL, CHANGE_ARRIVAL, ZONE, PIN, LOOK, RETRY = range(8, 14)

# Whole-number memory.
WINDOW, FREE_ROW, LAUNCHES, CHANGES, RELEASES, JOBS, CONTROL, BUCKET_AT, ASLEEP, ARRIVED = range(10)
WHOLE = 10
# Fractional memory: the summed rate at which the next one comes, and that at the window's start; the throttle.
NEXT_LAUNCH, LAUNCH_SUM, NEXT_CHANGE, CHANGE_SUM, TOKENS, RATE, BURST = range(7)
REAL = 7

# Columns of the series: flows of a window, then levels at its end, and the largest of these in it.
(
    ASKED, ATTEMPTS, THROTTLED, INSUFFICIENT, ACCEPTED, GAVE_UP, CHANGED, HELD, RELEASED_CHANGES, ASLEEP_END, HELD_END,
    ASLEEP_MAX, HELD_MAX,
) = range(13)  # fmt: skip
SERIES = 13


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
    float64[m], measured values.
    """

    launches_per_ns: Real
    changes_per_ns: Real
    leased: Whole
    holders: Whole
    throttle_ns: Whole
    throttle: Real
    table: Real


class State(NamedTuple):
    """All that the stage remembers.

    whole int64[WHOLE]; real float64[REAL]; rows int64[n, COLUMNS], work that waits for its window, linked from heads
    int64[windows + 1] and counted in counts; held int64[zones] and carry float64[zones], changes that wait for a lease;
    releasing int64[zones, 2], how many of these a window lets go and how many it has;
    batch, order, ends: scratch; jobs int64[m, COLUMNS] with first int64[windows + 1], what was let out in each window;
    series int64[windows, SERIES].
    """

    whole: Whole
    real: Real
    rows: Whole
    heads: Whole
    counts: Whole
    held: Whole
    carry: Real
    releasing: Whole
    denied: Real
    batch: Whole
    order: Whole
    ends: Whole
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


@kernel
def _arrive(params, inputs, state, key, kind, rate, count_at, next_at, sum_at):  # type: ignore[no-untyped-def]
    """Let all new work of a kind in this window wait for it; False if there are not rows enough (call again)."""
    whole = state.whole
    real = state.real
    window = whole[WINDOW]
    start = window * params.window_ns
    end_sum = real[sum_at] + rate * params.window_ns
    while real[next_at] < end_sum:
        row = whole[FREE_ROW]
        if row == NOTHING:
            return False
        time = start + np.int64((real[next_at] - real[sum_at]) / rate)
        time = min(max(time, start), start + params.window_ns - 1)
        whole[FREE_ROW] = state.rows[place(row), NEXT]
        state.rows[place(row), TIME] = time
        state.rows[place(row), ORIGIN] = time
        state.rows[place(row), IDENTITY] = whole[count_at] * 4 + kind
        state.rows[place(row), TRIES] = 0
        link(state.rows, state.heads, state.counts, row, window)
        whole[count_at] += 1
        real[next_at] += _gap(params.poisson, key, whole[count_at])
    real[sum_at] = end_sum
    return True


@kernel
def begin(params, keys, state):  # type: ignore[no-untyped-def]
    """Before the first window: when the first launch and the first change come."""
    state.real[NEXT_LAUNCH] = _gap(params.poisson, keys.arrival, 0)
    state.real[NEXT_CHANGE] = _gap(params.poisson, keys.change, 0)
    state.real[RATE] = -1.0


@inline
def _let_out(state, time, origin, identity):  # type: ignore[no-untyped-def]
    job = place(state.whole[JOBS])
    state.jobs[job, TIME] = time
    state.jobs[job, ORIGIN] = origin
    state.jobs[job, IDENTITY] = identity
    state.jobs[job, TRIES] = 0
    state.whole[JOBS] += 1


@inline
def _throttled(inputs, state, t):  # type: ignore[no-untyped-def]
    """Whether the request throttle says no at `t`; a token is taken if it does not."""
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
    if not limits.fill(bucket, tokens, t):
        return True
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


@kernel
def _window(params, keys, inputs, state):  # type: ignore[no-untyped-def]
    """All work of the window, whose rows are gathered and counted."""
    whole = state.whole
    window = whole[WINDOW]
    start = window * params.window_ns
    after = start + params.window_ns
    series = state.series
    now = place(max(window - 1, 0))  # levels are those at the end of the window before
    was = place(max(window - 2, 0))
    most_held = 0
    most_asleep = whole[ASLEEP]
    for zone in range(params.zones):
        most_held += state.held[zone]
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
                time = _release_ns(params, start, i, count)
                _let_out(state, time, time, whole[RELEASES] * 4 + RELEASED)
                whole[RELEASES] += 1
            series[window, RELEASED_CHANGES] += count
    count = state.counts[place(window)]
    row = state.heads[place(window)]
    for i in range(count):
        for column in range(4):
            state.batch[i, column] = state.rows[row, column]
        state.batch[i, NEXT] = row
        row = state.rows[row, NEXT]
    batches.sort_window(state.batch, count, start, params.window_ns, state.order, state.ends)
    for i in range(count):
        item = place(state.order[place(i)])
        t, identity, tries = state.batch[item, TIME], state.batch[item, IDENTITY], state.batch[item, TRIES]
        row = place(state.batch[item, NEXT])
        stays = False
        if identity & 3 == CHANGE:
            zone = zone_of(keys, params.zones, identity)
            series[window, CHANGED] += 1
            if uniform(keys.look, identity, 0) * inputs.holders[zone] < inputs.leased[zone, now]:
                _let_out(state, t, t, identity)
            else:
                state.held[zone] += 1
                series[window, HELD] += 1
                most_held = max(most_held, _still_held(params, state, start, t))
        else:
            series[window, ASKED] += tries == 0
            series[window, ATTEMPTS] += 1
            accepted = False
            if _throttled(inputs, state, t):
                series[window, THROTTLED] += 1
            elif not _has_capacity(params, keys, state, identity, tries):
                series[window, INSUFFICIENT] += 1
            else:
                accepted = True
                series[window, ACCEPTED] += 1
                _let_out(state, t, t, identity)
            whole[ASLEEP] -= tries > 0
            if not accepted:
                tries += 1
                if (
                    policies.gives_up(params.client, tries) and identity & 3 != REPLACEMENT
                ):  # who replaces never gives up
                    series[window, GAVE_UP] += 1
                else:
                    delay = policies.retry_delay_ns(params.client, inputs.table, keys.retry, identity, tries - 1, tries)
                    back = max(t + max(delay, params.client.round_trip_ns), after)
                    state.rows[row, TIME] = back
                    state.rows[row, TRIES] = tries
                    link(state.rows, state.heads, state.counts, row, back // params.window_ns)
                    whole[ASLEEP] += 1
                    most_asleep = max(most_asleep, whole[ASLEEP])
                    stays = True
        if not stays:
            state.rows[row, NEXT] = whole[FREE_ROW]
            whole[FREE_ROW] = np.int64(row)
    series[window, ASLEEP_END] = whole[ASLEEP]
    held = 0
    for zone in range(params.zones):
        held += state.held[zone]
    series[window, HELD_END] = held
    series[window, ASLEEP_MAX] = most_asleep
    series[window, HELD_MAX] = most_held
    whole[WINDOW] = window + 1
    state.first[window + 1] = whole[JOBS]


@kernel
def advance(params, keys, inputs, state, until):  # type: ignore[no-untyped-def]
    """Run the windows before `until`; returns a status. After any GROW_… the caller enlarges an array and calls again
    with nothing lost.
    """
    whole = state.whole
    while whole[WINDOW] < until:
        window = whole[WINDOW]
        if whole[ARRIVED] == 0:
            rate = inputs.launches_per_ns[window]
            if not _arrive(params, inputs, state, keys.arrival, LAUNCH, rate, LAUNCHES, NEXT_LAUNCH, LAUNCH_SUM):
                return GROW_ROWS
            whole[ARRIVED] = 1
        if whole[ARRIVED] == 1:
            rate = inputs.changes_per_ns[window]
            if not _arrive(params, inputs, state, keys.change, CHANGE, rate, CHANGES, NEXT_CHANGE, CHANGE_SUM):
                return GROW_ROWS
            whole[ARRIVED] = 2
        held = 0
        for zone in range(params.zones):
            held += state.held[zone]
        if state.counts[window] > state.order.shape[0]:
            return GROW_BATCH
        if whole[JOBS] + state.counts[window] + held > state.jobs.shape[0]:
            return GROW_JOBS
        _window(params, keys, inputs, state)
        whole[ARRIVED] = 0
    return DONE
