"""Network propagation (MODEL.md, section 9): shards of workers that take jobs first in, first out.

Shards with another order, with a timeout or with controllers run event by event (recovery_kernels.shards).

The start of a job is known once no earlier one waits: the earliest free worker takes it (Kiefer and Wolfowitz, 1955),
so no pending events are needed beside the times at which the workers of a shard are free. Refused and failed jobs come
back in a later window than the one in which they were refused or begun, so all work of a window is known when it
begins.
"""

from typing import NamedTuple

import numpy as np

from recovery_kernels import batches, limits, policies
from recovery_kernels.arrays import Real, Whole
from recovery_kernels.batches import IDENTITY, NEXT, NOTHING, ORIGIN, TIME, TRIES, link
from recovery_kernels.draws import CONSTANT, Dist, draw, quantiles, slowed, slownesses, uniform, whole_ns
from recovery_kernels.events import NEVER, place
from recovery_kernels.fetching import fetch
from recovery_kernels.jit import inline, kernel
from recovery_kernels.requests import part_of
from recovery_kernels.workers import first_in_tree, make_busy_in_tree

# What `advance` may say.
DONE, GROW_ROWS, GROW_BATCH, GROW_RINGS, GROW_FINISHES = range(5)

# Streams of draws: they follow those of launches; the last three are behind those of all other stages.
SERVICE, SHARD, FAIL, ADMIT, RETRY, SHED = range(14, 20)
TIMEOUT, CONTROLLER, JOB = range(25, 28)  # JOB: the draw that a job keeps, for controllers

WINDOW, FREE_ROW, FREE_ROWS, WAITING, ASLEEP, TOLD, KNOWN = range(7)
WHOLE = 7
# Columns of State.shards: its queue; its own places in `spread` and where they end; from INTAKE on, what its limit
# remembers.
HEAD, TAIL, OWN, AFTER, INTAKE = range(5)
# Rows of State.spread: the shard of a job of the batch. Then by places, of which each shard has its own: when a job
# comes, and how many of its shard begin after the job before it came and up to its coming.
WHOSE, CAME, BEGUN = range(3)
SPREAD_ROWS = 3
DRAWN = NEXT  # in the batch, where nothing is linked: the bits of the service that was drawn
# In the rings: the same; when the job was let out; its identity with its tries.
IN_RING, LET_OUT, WHAT = range(3)
RING_COLUMNS = 3
SOON = 3  # that many jobs later a shard writes to another cache line, which no job has read or written for long
AHEAD = 4  # so many are asked at once whether they come before; places that stay empty behind those of a shard
SHARD_COLUMNS, BUCKET_COLUMNS = 6, 3  # columns of State.shards and State.buckets

# Columns of the series: flows of a window; then by the window of the finish; then levels at the window's end,
# and the most that waited at one time in it.
(
    SUBMITTED, ATTEMPTS, REFUSED, SHED_JOBS, FAILED, GAVE_UP, REACHABLE, PROPAGATED, LATENCY_NS, LATENCY_MAX_NS,
    WAITING_END, ASLEEP_END, WAITING_MAX,
) = range(13)  # fmt: skip
SERIES = 13


class Params(NamedTuple):
    """Everything that decides the stage beside its inputs, and whether it tells when each launch is reachable."""

    window_ns: int
    windows: int
    workers: int
    service: Dist
    slowdown_a: float
    slowdown_b: float
    slowdown_n: float
    fail_share: float
    client: policies.Client
    intake: limits.Limit
    tells: int


class Keys(NamedTuple):
    """Keys (uint64) of the streams of draws."""

    service: np.uint64
    shard: np.uint64
    fail: np.uint64
    admit: np.uint64
    retry: np.uint64
    shed: np.uint64


class Inputs(NamedTuple):
    """jobs int64[n, 5] as launches lets them out, with first int64[windows + 1]; sheds_ns int64[m, 2] (from,
    to) with shed_share float64[m]; table float64[k], measured values.
    """

    jobs: Whole
    first: Whole
    sheds_ns: Whole
    shed_share: Real
    table: Real


class State(NamedTuple):
    """All that the stage remembers.

    whole int64[WHOLE]; rows int64[n, COLUMNS], work that waits for its window, linked from heads int64[windows + 1] and
    counted in counts; shards int64[shards, 6] and buckets float64[shards, 3]; rings int64[shards, power of two, 3],
    the queues; free_ns int64[shards, k] and trees int64[shards, 2 k], the workers of each shard (workers); batch,
    order, ends, draws float64[2, n] and spread int64[3, n + AHEAD · shards]: scratch; slowness float64[length of a
    ring], how many times as long a job takes with so many waiting, up to KNOWN; series int64[windows + 1, SERIES],
    what finishes after the horizon in its last row; latency int64[HISTOGRAM] of launches; finishes int64[n, 2],
    identity and time of each launch that is told, those of a window from told int64[windows + 1] on.
    """

    whole: Whole
    rows: Whole
    heads: Whole
    counts: Whole
    shards: Whole
    buckets: Real
    rings: Whole
    free_ns: Whole
    trees: Whole
    batch: Whole
    order: Whole
    ends: Whole
    draws: Real
    spread: Whole
    slowness: Real
    series: Whole
    latency: Whole
    finishes: Whole
    told: Whole


@inline
def _come_back(params, state, time, origin, identity, tries):  # type: ignore[no-untyped-def]
    """Let a job that was refused or failed wait for its next attempt, not in this window."""
    whole = state.whole
    row = whole[FREE_ROW]
    whole[FREE_ROW] = state.rows[place(row), NEXT]
    whole[FREE_ROWS] -= 1
    whole[ASLEEP] += 1
    time = max(time, (whole[WINDOW] + 1) * params.window_ns)
    state.rows[place(row), TIME] = time
    state.rows[place(row), ORIGIN] = origin
    state.rows[place(row), IDENTITY] = identity
    state.rows[place(row), TRIES] = tries
    link(state.rows, state.heads, state.counts, row, time // params.window_ns)


@inline
def retry(params, keys, table, state, now, origin, identity, tries):  # type: ignore[no-untyped-def]
    """After failure number `tries` (from 1) of a job at `now`."""
    if policies.gives_up(params.client, tries):
        state.series[place(state.whole[WINDOW]), GAVE_UP] += 1
    else:
        delay = policies.retry_delay_ns(params.client, table, keys.retry, identity, tries - 1, tries)
        delay = max(delay, params.client.round_trip_ns)
        _come_back(params, state, now + delay, origin, identity, tries)


@inline
def finish_of(params, keys, table, now, queue, identity, tries):  # type: ignore[no-untyped-def]
    """When a job is done that starts at `now`, while `queue` others wait."""
    service = draw(params.service, table, keys.service, identity, tries)
    if params.slowdown_a > 0.0:
        service = slowed(service, params.slowdown_a, params.slowdown_b, params.slowdown_n, queue)
    return now + whole_ns(service)


@inline
def begun(params, keys, table, state, finish, origin, identity, tries):  # type: ignore[no-untyped-def]
    """A job starts, whose finish is known: what becomes of it is known, too. Returns whether it fails."""
    series = state.series
    if params.fail_share > 0.0 and uniform(keys.fail, identity, tries) < params.fail_share:
        series[place(state.whole[WINDOW]), FAILED] += 1
        retry(params, keys, table, state, finish, origin, identity, tries + 1)
        return True
    window = batches.window_of(finish, params.window_ns, 1.0 / np.float64(params.window_ns))
    window = min(window, params.windows)
    if batches.is_launch(identity):
        if params.tells:
            told = place(state.whole[TOLD])
            state.finishes[told, 0] = identity
            state.finishes[told, 1] = finish
            state.whole[TOLD] += 1
        latency = finish - origin
        series[place(window), REACHABLE] += 1
        series[place(window), LATENCY_NS] = min(series[place(window), LATENCY_NS], NEVER - latency) + latency
        if latency > series[place(window), LATENCY_MAX_NS]:
            series[place(window), LATENCY_MAX_NS] = latency
        state.latency[place(part_of(latency))] += 1
    else:
        series[place(window), PROPAGATED] += 1
    return False


@inline
def _draw_services(params, keys, table, state, count):  # type: ignore[no-untyped-def]
    """Draw the services of all work of the window side by side."""
    batch, draws = state.batch, state.draws
    if params.service.kind != CONSTANT:
        for i in range(count):
            draws[0, place(i)] = uniform(keys.service, batch[place(i), IDENTITY], batch[place(i), TRIES])
    values = draws[1]
    quantiles(params.service, table, draws[0], values, count)
    for i in range(count):
        batch[place(i), DRAWN] = np.float64(values[place(i)]).view(np.int64)


@inline
def _begin(params, keys, table, state, shard, now, queue, drawn, origin, identity, tries):  # type: ignore[no-untyped-def]
    """The worker that is free first starts a job at `now`, while `queue` others wait."""
    service = np.int64(drawn).view(np.float64)
    if params.slowdown_a > 0.0:
        service *= state.slowness[place(queue)]
    finish = now + whole_ns(service)
    make_busy_in_tree(state.free_ns, state.trees, shard, finish)
    begun(params, keys, table, state, finish, origin, identity, tries)


@inline
def _begin_next(params, keys, table, state, shard, slot, now, queue):  # type: ignore[no-untyped-def]
    """The same with the job in that place of a shard's queue."""
    ring = state.rings
    what = ring[shard, slot, WHAT]
    _begin(params, keys, table, state, shard, now, queue, ring[shard, slot, IN_RING], ring[shard, slot, LET_OUT],
           what >> batches.TRIES_BITS, what & batches.TRIES_MASK)  # fmt: skip


@inline
def _settle(params, keys, table, state, shard, until):  # type: ignore[no-untyped-def]
    """Let a shard's workers take from its queue whatever they can up to `until` (included)."""
    mask = state.rings.shape[1] - 1
    while state.shards[shard, HEAD] < state.shards[shard, TAIL]:
        now = first_in_tree(state.free_ns, state.trees, shard)
        if now > until:
            break
        slot = place(state.shards[shard, HEAD] & mask)
        state.shards[shard, HEAD] += 1
        state.whole[WAITING] -= 1
        queue = state.shards[shard, TAIL] - state.shards[shard, HEAD]
        _begin_next(params, keys, table, state, shard, slot, now, queue)


@inline
def _is_let_in(params, keys, state, shard, now, queue, identity, tries):  # type: ignore[no-untyped-def]
    """What the intake of a shard says at `now`, with `queue` jobs waiting."""
    whole, real = state.shards[shard, INTAKE:], state.buckets[shard]
    if not limits.lets_in(params.intake, whole, real, now, queue, keys.admit, identity, tries):
        return False
    limits.spend(params.intake, real)
    return True


@inline
def shard_of(keys, identity, many):  # type: ignore[no-untyped-def]
    """The shard of a job, of so many (float64)."""
    if many == 1.0:
        return np.int64(0)
    return np.int64(uniform(keys.shard, identity, 0) * many)


@inline
def is_shed(keys, inputs, time, identity):  # type: ignore[no-untyped-def]
    """Whether a change is put aside while the load is reduced."""
    if not batches.is_launch(identity):
        for i in range(inputs.sheds_ns.shape[0]):
            if inputs.sheds_ns[i, 0] <= time < inputs.sheds_ns[i, 1]:
                return uniform(keys.shed, identity, 0) < inputs.shed_share[i]
    return False


@inline
def gather(params, inputs, state):  # type: ignore[no-untyped-def]
    """All work of the window, in order: its places in `state.batch` stand in `state.order`. Returns how many."""
    whole, batch = state.whole, state.batch
    window = place(whole[WINDOW])
    count = 0
    for job in range(inputs.first[window], inputs.first[window + np.uint64(1)]):
        for column in range(4):
            batch[place(count), column] = inputs.jobs[place(job), column]
        count += 1
    state.series[window, SUBMITTED] += count
    row = state.heads[window]
    while row != NOTHING:
        following = state.rows[place(row), NEXT]
        for column in range(4):
            batch[place(count), column] = state.rows[place(row), column]
        count += 1
        state.rows[place(row), NEXT] = whole[FREE_ROW]
        whole[FREE_ROW] = row
        row = following
    whole[FREE_ROWS] += state.counts[window]
    whole[ASLEEP] -= state.counts[window]
    batches.sort_window(batch, count, whole[WINDOW] * params.window_ns, params.window_ns, state.order, state.ends)
    state.series[window, ATTEMPTS] += count
    return count


@inline
def _queue_up(state, shard, item):  # type: ignore[no-untyped-def]
    """A job of the batch goes to the end of a shard's queue."""
    ring, batch = state.rings[shard], state.batch
    slot = place(state.shards[shard, TAIL] & (state.rings.shape[1] - 1))
    ring[slot, IN_RING] = batch[item, DRAWN]
    ring[slot, LET_OUT] = batch[item, ORIGIN]
    ring[slot, WHAT] = batch[item, IDENTITY] << batches.TRIES_BITS | batch[item, TRIES]
    state.shards[shard, TAIL] += 1
    fetch(ring[place((state.shards[shard, TAIL] + SOON) & (state.rings.shape[1] - 1))], 0)


@inline
def _first_from(came_ns, at, now):  # type: ignore[no-untyped-def]
    """The first place from `at` on whose job does not come before `now`."""
    few = np.int64(0)  # how many of the next come before: most often all that do
    for i in range(AHEAD):
        few += came_ns[place(at + i)] < now
    at += few
    while came_ns[place(at)] < now:
        at += 1
    return at


@inline
def _serve(params, keys, inputs, state, count):  # type: ignore[no-untyped-def]
    """All work of the window at a shard that lets everybody in: who comes is known beforehand, so all queue up, and are
    begun one after the other. Returns the most that waited at one time.
    """
    whole, shards, batch, came_ns = state.whole, state.shards, state.batch, state.ends
    shard, mask = place(0), state.rings.shape[1] - 1
    waited = most = whole[WAITING]
    came = np.int64(0)
    for i in range(count):
        item = place(state.order[place(i)])
        came_ns[place(came)] = batch[item, TIME]
        if batch[item, TRIES] == 0 and is_shed(keys, inputs, batch[item, TIME], batch[item, IDENTITY]):
            state.series[place(whole[WINDOW]), SHED_JOBS] += 1
        else:
            _queue_up(state, shard, item)
            came += 1
    for i in range(AHEAD):
        came_ns[place(came + i)] = NEVER
    end = (whole[WINDOW] + 1) * params.window_ns
    head, came_before, begun_ = shards[0, HEAD], np.int64(0), np.int64(0)
    while begun_ < waited + came:
        now = first_in_tree(state.free_ns, state.trees, shard)
        if begun_ >= waited:
            now = max(now, came_ns[place(begun_ - waited)])
        if now >= end:
            break
        came_before = _first_from(came_ns, came_before, now)
        waiting = waited + came_before - begun_  # it, too, unless it need not wait
        most = max(most, waiting)
        slot = place((head + begun_) & mask)
        begun_ += 1
        _begin_next(params, keys, inputs.table, state, shard, slot, now, max(waiting - 1, 0))
    shards[0, HEAD] += begun_
    whole[WAITING] = waited + came - begun_
    return max(most, whole[WAITING])


@inline
def _spread(params, keys, inputs, state, count):  # type: ignore[no-untyped-def]
    """All work of the window queues up, each shard's with places of its own in `state.spread`. `state.order` then names
    the place of each job that is not put aside; returns how many these are.
    """
    batch, shards, spread = state.batch, state.shards, state.spread
    many = np.float64(shards.shape[0])
    for shard in range(shards.shape[0]):
        shards[place(shard), AFTER] = 0
    for i in range(count):
        item = place(i)
        whose = shard_of(keys, batch[item, IDENTITY], many)
        if batch[item, TRIES] == 0 and is_shed(keys, inputs, batch[item, TIME], batch[item, IDENTITY]):
            whose = np.int64(NOTHING)
        else:
            shards[place(whose), AFTER] += 1
        spread[WHOSE, item] = whose
    first = np.int64(0)
    for shard_ in range(shards.shape[0]):
        shard = place(shard_)
        came = shards[shard, AFTER]
        shards[shard, OWN] = first
        shards[shard, AFTER] = first
        for i in range(AHEAD):
            spread[CAME, place(first + came + i)] = NEVER
        spread[BEGUN, place(first + came)] = 0
        first += came + AHEAD
    kept = np.int64(0)
    for i in range(count):
        item = place(state.order[place(i)])
        if spread[WHOSE, item] != NOTHING:
            shard = place(spread[WHOSE, item])
            at = shards[shard, AFTER]
            shards[shard, AFTER] = at + 1
            spread[CAME, place(at)] = batch[item, TIME]
            spread[BEGUN, place(at)] = 0
            _queue_up(state, shard, item)
            state.order[place(kept)] = at
            kept += 1
    state.series[place(state.whole[WINDOW]), SHED_JOBS] += count - kept
    return kept


@inline
def _serve_by_shard(params, keys, inputs, state, count):  # type: ignore[no-untyped-def]
    """As `_serve`, at many shards, one after the other: they have nothing in common within a window. Returns the most
    that waited at one time, of each shard as it was when a job last came to it.
    """
    whole, shards, came_ns, begun_ = state.whole, state.shards, state.spread[CAME], state.spread[BEGUN]
    mask, end = state.rings.shape[1] - 1, (whole[WINDOW] + 1) * params.window_ns
    kept = _spread(params, keys, inputs, state, count)
    all_begun = np.int64(0)
    for shard_ in range(shards.shape[0]):
        shard = place(shard_)
        head, own = shards[shard, HEAD], shards[shard, OWN]
        waited = shards[shard, TAIL] - head - (shards[shard, AFTER] - own)  # of those from before, how many still wait
        came_before = own
        while True:
            now = first_in_tree(state.free_ns, state.trees, shard)
            if waited <= 0:
                now = max(now, came_ns[place(own - waited)])
            if now >= end:  # so it is behind the last, who is followed by NEVER
                break
            came_before = _first_from(came_ns, came_before, now)
            begun_[place(came_before)] += 1
            waited -= 1
            queue = max(waited + came_before - own, 0)
            _begin_next(params, keys, inputs.table, state, shard, place(head & mask), now, queue)
            head += 1
        all_begun += head - shards[shard, HEAD]
        shards[shard, HEAD] = head
    waiting = most = whole[WAITING]
    for i in range(kept):
        waiting += 1 - begun_[place(state.order[place(i)])]
        most = max(most, waiting)
    whole[WAITING] += kept - all_begun
    return most


@inline
def close(state, most):  # type: ignore[no-untyped-def]
    """The window is over, in which `most` waited at one time."""
    whole = state.whole
    window = place(whole[WINDOW])
    state.series[window, WAITING_END] = whole[WAITING]
    state.series[window, ASLEEP_END] = whole[ASLEEP]
    state.series[window, WAITING_MAX] = most
    whole[WINDOW] += 1
    state.told[place(whole[WINDOW])] = whole[TOLD]


@kernel
def _window(params, keys, inputs, state):  # type: ignore[no-untyped-def]
    """All work of the window; there is room for it."""
    whole = state.whole
    window = place(whole[WINDOW])
    start = whole[WINDOW] * params.window_ns
    series = state.series
    shards = state.shards
    batch = state.batch
    table = inputs.table
    many = np.float64(shards.shape[0])
    count = gather(params, inputs, state)
    _draw_services(params, keys, table, state, count)
    if shards.shape[0] == 1 and params.intake.kind == limits.OPEN:
        close(state, _serve(params, keys, inputs, state, count))
        return
    if params.intake.kind == limits.OPEN and whole[WAITING] > count:  # where few wait, fewer passes are quicker
        close(state, _serve_by_shard(params, keys, inputs, state, count))
        return
    most = whole[WAITING]  # other shards count as they were when a job last came to them
    for i in range(count):
        item = place(state.order[place(i)])
        time, origin = batch[item, TIME], batch[item, ORIGIN]
        identity, tries = batch[item, IDENTITY], batch[item, TRIES]
        if tries == 0 and is_shed(keys, inputs, time, identity):
            series[window, SHED_JOBS] += 1
            continue
        shard = place(shard_of(keys, identity, many))
        _settle(params, keys, table, state, shard, time)
        queue = shards[shard, TAIL] - shards[shard, HEAD]
        if not _is_let_in(params, keys, state, shard, time, queue, identity, tries):
            series[window, REFUSED] += 1
            retry(params, keys, table, state, time, origin, identity, tries + 1)
        elif first_in_tree(state.free_ns, state.trees, shard) <= time:
            _begin(params, keys, table, state, shard, time, 0, batch[item, DRAWN], origin, identity, tries)
        else:
            _queue_up(state, shard, item)
            whole[WAITING] += 1
            most = max(most, whole[WAITING])
    for shard_ in range(shards.shape[0]):
        _settle(params, keys, table, state, place(shard_), start + params.window_ns - 1)
    close(state, most)


@kernel
def advance(params, keys, inputs, state, until):  # type: ignore[no-untyped-def]
    """Run the windows before `until`; returns a status. After any GROW_… the caller enlarges an array and calls again
    with nothing lost.
    """
    whole = state.whole
    while whole[WINDOW] < until:
        window = place(whole[WINDOW])
        count = inputs.first[window + np.uint64(1)] - inputs.first[window] + state.counts[window]
        if count > state.order.shape[0]:
            return GROW_BATCH
        comes_back = params.intake.kind != limits.OPEN or params.fail_share > 0.0
        if comes_back and whole[FREE_ROWS] < count + whole[WAITING]:
            return GROW_ROWS
        longest = 0
        for shard in range(state.shards.shape[0]):
            longest = max(longest, state.shards[shard, TAIL] - state.shards[shard, HEAD])
        if longest + count > state.rings.shape[1]:
            return GROW_RINGS
        if params.slowdown_a > 0.0:
            until_ = max(whole[KNOWN], longest + count)
            slownesses(params.slowdown_a, params.slowdown_b, params.slowdown_n, whole[KNOWN], until_, state.slowness)
            whole[KNOWN] = until_
        if params.tells and whole[TOLD] + count + whole[WAITING] > state.finishes.shape[0]:
            return GROW_FINISHES
        _window(params, keys, inputs, state)
    return DONE
