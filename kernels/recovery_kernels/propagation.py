"""Network propagation (MODEL.md, section 9): shards of workers that take their jobs oldest first, or newest first.

Shards with controllers, with the leaky bucket, or whose timeouts are drawn run event by event
(recovery_kernels.shards).

Whoever is next in a queue begins when the first worker is free (Kiefer and Wolfowitz, 1955), so no pending events are
needed beside the times at which the workers of a shard are free. Jobs come to the end of a queue. The newest is taken
from there, the oldest from its head; and as timeouts are all the same, whoever times out first is at the head, too.
Refused and failed jobs come back in a later window than the one in which they were refused or begun, so all work of a
window is known when it begins.

Where a worker is idle whenever a job comes, each begins at once, and no order is needed. Whether that is so is told by
counts alone: of those who come in each slice of the window, and of those who would be done in it.
"""

from typing import NamedTuple

import numpy as np

from recovery_kernels import batches, limits, policies, waiting
from recovery_kernels.arrays import Real, Whole
from recovery_kernels.batches import IDENTITY, TIME, TRIES_BITS, TRIES_MASK
from recovery_kernels.draws import CONSTANT, Dist, draw, quantiles, slowed, slownesses, uniform, whole_ns
from recovery_kernels.events import NEVER, place
from recovery_kernels.fetching import fetch
from recovery_kernels.jit import inline, kernel
from recovery_kernels.requests import HISTOGRAM, part_of
from recovery_kernels.waiting import Waiting
from recovery_kernels.workers import first_in_tree, make_busy_in_tree, play

# What `advance` may say.
DONE, GROW_ASLEEP, GROW_BATCH, GROW_RINGS, GROW_FINISHES = range(5)

# Streams of draws: they follow those of launches; the last three are behind those of all other stages.
SERVICE, SHARD, FAIL, ADMIT, RETRY, SHED = range(14, 20)
TIMEOUT, CONTROLLER, JOB = range(25, 28)  # JOB: the draw that a job keeps, for controllers

WINDOW, WAITING, ASLEEP, TOLD, KNOWN, COMING = range(6)
WHOLE = 6
# Columns of State.shards: its queue; its own places in `spread` and where they end, or scratch; whether its tree has
# yet to be played; from INTAKE on, what its limit remembers.
HEAD, TAIL, OWN, AFTER, UNPLAYED, INTAKE = range(6)
SHARD_COLUMNS = INTAKE + 2
# Rows of State.batch: when a job comes; when it was let out; its identity with its tries; its shard; and when it is
# done if it begins at once. Those of State.spread, by places, of which each shard has its own: when a job comes, and
# how many of its shard begin after the job before it came and up to its coming.
CAME_AT, OUT_AT, WHAT, SHARD_OF, DONE_AT = range(5)
BATCH_ROWS = 5
CAME, BEGUN = range(2)
SPREAD_ROWS = 2
# In the rings: the bits of the service that was drawn, and what the batch says of the job; when it came where that is
# asked.
IN_RING, LET_OUT, WHAT_IN_RING, REACHED = range(4)
RING_COLUMNS = 4
SOON = 3  # that many jobs later a shard writes to another cache line, which no job has read or written for long
AHEAD = 4  # so many are asked at once whether they come before; places that stay empty behind those of a shard
BUCKET_COLUMNS = 3

# Columns of the series: flows of a window; then by the window of the finish; then levels at the window's end,
# and the most that waited at one time in it.
(
    SUBMITTED, ATTEMPTS, REFUSED, SHED_JOBS, FAILED, GAVE_UP, REACHABLE, PROPAGATED, LATENCY_NS, LATENCY_MAX_NS,
    WAITING_END, ASLEEP_END, WAITING_MAX,
) = range(13)  # fmt: skip
SERIES = 13


class Order(NamedTuple):
    """Which job of a shard is next, and which is not served: whether the newest is first; the most that may wait; how
    long one may wait (0: for ever); the oldest that a worker serves.
    """

    is_newest_first: int = 0
    bound: int = NEVER
    timeout_ns: int = 0
    max_age_ns: int = NEVER


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
    order: Order = Order()


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

    whole int64[WHOLE]; asleep, work that waits for its window (waiting): its time, its identity with its tries, and
    when it was let out; shards int64[shards, 7] and buckets float64[shards, 3]; rings int64[shards, power of two, 3],
    or 4 where jobs leave by their age, the queues; free_ns int64[shards, k] and trees int64[shards, 2 k], the workers
    of each shard (workers); batch int64[BATCH_ROWS, n], order int64[n], came int64[3 n + AHEAD · shards], draws
    float64[2, n] and spread int64[2, n + AHEAD · shards]: scratch; slowness float64[length of a ring], how many times
    as long a job takes with so many waiting, up to KNOWN; series int64[windows + 1, SERIES], what finishes after the
    horizon in its last row; latency int64[HISTOGRAM] of launches; finishes int64[n, 2], identity and time of each
    launch that is told, those of a window from told int64[windows + 1] on.
    """

    whole: Whole
    asleep: Waiting
    shards: Whole
    buckets: Real
    rings: Whole
    free_ns: Whole
    trees: Whole
    batch: Whole
    order: Whole
    came: Whole
    draws: Real
    spread: Whole
    slowness: Real
    series: Whole
    latency: Whole
    finishes: Whole
    told: Whole


@inline
def what_of(identity, tries):  # type: ignore[no-untyped-def]
    """A job's identity with its tries, in one number."""
    return identity << TRIES_BITS | tries


@inline
def _come_back(params, state, time, origin, identity, tries):  # type: ignore[no-untyped-def]
    """Let a job that was refused or failed wait for its next attempt, not in this window."""
    whole = state.whole
    whole[ASLEEP] += 1
    time = max(time, (whole[WINDOW] + 1) * params.window_ns)
    window = batches.window_of(time, params.window_ns, 1.0 / np.float64(params.window_ns))
    waiting.wait_with(state.asleep, window, time, what_of(identity, tries), origin)


@kernel
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
def _fails(params, keys, table, state, finish, origin, what):  # type: ignore[no-untyped-def]
    """Whether an attempt that has begun fails at its end; then it is seen to."""
    identity, tries = what >> TRIES_BITS, what & TRIES_MASK
    if params.fail_share > 0.0 and uniform(keys.fail, identity, tries) < params.fail_share:
        state.series[place(state.whole[WINDOW]), FAILED] += 1
        retry(params, keys, table, state, finish, origin, identity, tries + 1)
        return True
    return False


@inline
def _count_done(params, state, finish, launch, latency):  # type: ignore[no-untyped-def]
    """A job is done at `finish`: a launch (1) after so long, or a change (0)."""
    window = batches.window_of(finish, params.window_ns, 1.0 / np.float64(params.window_ns))
    row = state.series[place(min(window, params.windows))]
    row[REACHABLE] += launch
    row[PROPAGATED] += 1 - launch
    row[LATENCY_NS] = min(row[LATENCY_NS], NEVER - latency) + latency
    row[LATENCY_MAX_NS] = max(row[LATENCY_MAX_NS], latency)


@inline
def _tell(params, state, finish, launch, latency, what):  # type: ignore[no-untyped-def]
    """Note how long a launch took, of which 18 years or more are one part, and tell its finish; of a change nothing
    stays. There is no branch, as nobody could foretell which it is.
    """
    state.latency[place(min(part_of(latency), HISTOGRAM - 1))] += launch
    if params.tells:
        told = place(state.whole[TOLD])
        state.finishes[told, 0] = what >> TRIES_BITS
        state.finishes[told, 1] = finish
        state.whole[TOLD] += launch


@inline
def begun(params, keys, table, state, finish, origin, what):  # type: ignore[no-untyped-def]
    """A job starts, whose finish is known: what becomes of it is known, too. Returns whether it fails."""
    if _fails(params, keys, table, state, finish, origin, what):
        return True
    launch = np.int64(batches.is_launch(what >> TRIES_BITS))
    latency = (finish - origin) & -launch
    _count_done(params, state, finish, launch, latency)
    _tell(params, state, finish, launch, latency, what)
    return False


@kernel
def _all_begun(params, keys, table, state, count):  # type: ignore[no-untyped-def]
    """As `begun`, for the whole batch, each done at DONE_AT: what is done in this window is counted side by side."""
    done_ns, out_ns, whats = state.batch[DONE_AT], state.batch[OUT_AT], state.batch[WHAT]
    if params.fail_share > 0.0:
        left = np.int64(0)
        for i_ in range(count):
            i = place(i_)
            if not _fails(params, keys, table, state, done_ns[i], out_ns[i], whats[i]):
                done_ns[place(left)], out_ns[place(left)], whats[place(left)] = done_ns[i], out_ns[i], whats[i]
                left += 1
        count = left
    now = place(state.whole[WINDOW])
    end = (state.whole[WINDOW] + 1) * params.window_ns
    most, sum_, launches, all_ = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    for i in range(count):
        launch = np.int64(batches.is_launch(whats[place(i)] >> TRIES_BITS))
        latency = (done_ns[place(i)] - out_ns[place(i)]) & -launch
        is_now = np.int64(done_ns[place(i)] < end)
        most = max(most, latency & -is_now)
        sum_ += latency & -is_now
        launches += launch & is_now
        all_ += is_now
    if np.float64(most) * count >= NEVER:
        end = 0  # too long for a sum: one by one
    else:
        row = state.series[now]
        row[REACHABLE] += launches
        row[PROPAGATED] += all_ - launches
        row[LATENCY_NS] = min(row[LATENCY_NS], NEVER - sum_) + sum_
        row[LATENCY_MAX_NS] = max(row[LATENCY_MAX_NS], most)
    for i in range(count):
        finish, what = done_ns[place(i)], whats[place(i)]
        launch = np.int64(batches.is_launch(what >> TRIES_BITS))
        latency = (finish - out_ns[place(i)]) & -launch
        if finish >= end:
            _count_done(params, state, finish, launch, latency)
        _tell(params, state, finish, launch, latency, what)


@inline
def _draw_services(params, keys, table, state, count):  # type: ignore[no-untyped-def]
    """Draw the services of all work of the window side by side."""
    draws, whats = state.draws, state.batch[WHAT]
    if params.service.kind != CONSTANT:
        for i in range(count):
            what = whats[place(i)]
            draws[0, place(i)] = uniform(keys.service, what >> TRIES_BITS, what & TRIES_MASK)
    quantiles(params.service, table, draws[0], draws[1], count)


@inline
def _find_shards(keys, state, count):  # type: ignore[no-untyped-def]
    """Draw the shards of all work of the window side by side."""
    whose, whats, many = state.batch[SHARD_OF], state.batch[WHAT], np.float64(state.shards.shape[0])
    for i in range(count):
        whose[place(i)] = shard_of(keys, whats[place(i)] >> TRIES_BITS, many)


@inline
def _begin(params, keys, table, state, shard, first, now, queue, service, origin, what):  # type: ignore[no-untyped-def]
    """The worker that is free first starts a job at `now`, while `queue` others wait. Returns who is free first then,
    and when.
    """
    if params.slowdown_a > 0.0:
        service *= state.slowness[place(queue)]
    finish = now + whole_ns(service)
    begun(params, keys, table, state, finish, origin, what)
    return make_busy_in_tree(state.free_ns, state.trees, shard, first, finish)


@inline
def _begin_next(params, keys, table, state, shard, first, slot, now, queue):  # type: ignore[no-untyped-def]
    """The same with the job in that place of a shard's queue."""
    ring = state.rings
    service = np.int64(ring[shard, slot, IN_RING]).view(np.float64)
    origin, what = ring[shard, slot, LET_OUT], ring[shard, slot, WHAT_IN_RING]
    return _begin(params, keys, table, state, shard, first, now, queue, service, origin, what)


@inline
def _leave(state, shard, is_newest):  # type: ignore[no-untyped-def]
    """The newest or the oldest job leaves a shard's queue. Returns its place in the ring."""
    end = place(TAIL if is_newest else HEAD)
    at = state.shards[shard, end] - is_newest
    state.shards[shard, end] += 1 - 2 * is_newest
    state.whole[WAITING] -= 1
    return place(at & (state.rings.shape[1] - 1))


@kernel
def _has_failed(params, keys, table, state, shard, slot, now):  # type: ignore[no-untyped-def]
    """The job that was in that place of a shard's queue was not served: at `now` its attempt has failed."""
    origin, what = state.rings[shard, slot, LET_OUT], state.rings[shard, slot, WHAT_IN_RING]
    state.series[place(state.whole[WINDOW]), FAILED] += 1
    retry(params, keys, table, state, now, origin, what >> TRIES_BITS, (what & TRIES_MASK) + 1)


@inline
def _settle(params, keys, table, state, shard, until):  # type: ignore[no-untyped-def]
    """Let a shard's workers take from its queue whatever they can up to `until` (included), and let those leave who
    have waited too long by then.
    """
    order, mask = params.order, state.rings.shape[1] - 1
    first, now = first_in_tree(state.free_ns, state.trees, shard)
    while state.shards[shard, HEAD] < state.shards[shard, TAIL]:
        if order.timeout_ns > 0:
            late = state.rings[shard, place(state.shards[shard, HEAD] & mask), REACHED] + order.timeout_ns
            if late <= until and late < now:  # at one time a worker is free first
                _has_failed(params, keys, table, state, shard, _leave(state, shard, 0), late)
                continue
        if now > until:
            break
        slot = _leave(state, shard, order.is_newest_first)
        if order.max_age_ns < NEVER and now - state.rings[shard, slot, REACHED] > order.max_age_ns:
            _has_failed(params, keys, table, state, shard, slot, now)
            continue
        queue = state.shards[shard, TAIL] - state.shards[shard, HEAD]
        first, now = _begin_next(params, keys, table, state, shard, first, slot, now, queue)
    return first, now


@inline
def _is_let_in(params, keys, state, shard, now, queue, is_idle, identity, tries):  # type: ignore[no-untyped-def]
    """What the intake of a shard says at `now`, with `queue` jobs waiting, and then its queue: one of its workers may
    be idle.
    """
    whole, real = state.shards[shard, INTAKE:], state.buckets[shard]
    if not limits.lets_in(params.intake, whole, real, now, queue, keys.admit, identity, tries):
        return False
    if queue >= params.order.bound and not is_idle:
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
def _is_shed(keys, inputs, time, identity):  # type: ignore[no-untyped-def]
    """Whether a change is put aside while the load is reduced."""
    share = 0.0
    for i in range(inputs.sheds_ns.shape[0] - 1, -1, -1):  # the first that lasts then counts
        lasts = (inputs.sheds_ns[i, 0] <= time) & (time < inputs.sheds_ns[i, 1])
        share = inputs.shed_share[i] if lasts else share
    return (not batches.is_launch(identity)) & (uniform(keys.shed, identity, 0) < share)


@kernel
def gather(params, keys, inputs, state):  # type: ignore[no-untyped-def]
    """All work of the window in `state.batch`, in no order, but for changes that are put aside. Returns how much."""
    whole, batch, jobs, chunks = state.whole, state.batch, inputs.jobs, state.asleep.chunks
    window = place(whole[WINDOW])
    first = inputs.first[window]
    count = inputs.first[window + np.uint64(1)] - first
    for i in range(count):
        job = place(first + i)
        batch[CAME_AT, place(i)] = jobs[job, TIME]
        batch[OUT_AT, place(i)] = jobs[job, TIME]
        batch[WHAT, place(i)] = what_of(jobs[job, IDENTITY], 0)
    state.series[window, SUBMITTED] += count
    state.series[window, ATTEMPTS] += count
    left = count = _without_shed(params, keys, inputs, state, count)
    end = waiting.leave(state.asleep, whole[WINDOW])
    chunk = waiting.last_chunk(end)
    while chunk != waiting.NOTHING:
        for at in range(chunk + waiting.FIRST_OF_THREES, end, 3):
            batch[CAME_AT, place(count)] = chunks[place(at)]
            batch[WHAT, place(count)] = chunks[place(at + 1)]
            batch[OUT_AT, place(count)] = chunks[place(at + 2)]
            count += 1
        chunk = waiting.free(state.asleep, chunk)
        end = chunk + waiting.CHUNK
    whole[ASLEEP] -= count - left
    state.series[window, ATTEMPTS] += count - left
    return count


@inline
def _without_shed(params, keys, inputs, state, count):  # type: ignore[no-untyped-def]
    """Take the changes out of the batch, whose jobs are new, that are put aside. Returns how many are left."""
    batch, window = state.batch, state.whole[WINDOW]
    start, is_reduced = window * params.window_ns, False
    for i in range(inputs.sheds_ns.shape[0]):
        is_reduced |= inputs.sheds_ns[i, 0] < start + params.window_ns and start < inputs.sheds_ns[i, 1]
    if not is_reduced:
        return count
    left = np.int64(0)
    for i in range(count):
        came, what = batch[CAME_AT, place(i)], batch[WHAT, place(i)]
        batch[CAME_AT, place(left)] = came
        batch[OUT_AT, place(left)] = came
        batch[WHAT, place(left)] = what
        left += not _is_shed(keys, inputs, came, what >> TRIES_BITS)
    state.series[place(window), SHED_JOBS] += count - left
    return left


@inline
def put_in_order(params, state, count):  # type: ignore[no-untyped-def]
    """The places of a batch in order, in `state.order`; `state.came` then begins with their times."""
    start = state.whole[WINDOW] * params.window_ns
    batches.sort_window(
        state.batch[CAME_AT], state.batch[WHAT], count, start, params.window_ns, state.order, state.came
    )


@inline
def _queue_up(state, shard, item):  # type: ignore[no-untyped-def]
    """A job of the batch goes to the end of a shard's queue."""
    ring, batch = state.rings[shard], state.batch
    slot = place(state.shards[shard, TAIL] & (state.rings.shape[1] - 1))
    ring[slot, IN_RING] = np.float64(state.draws[1, item]).view(np.int64)
    ring[slot, LET_OUT] = batch[OUT_AT, item]
    ring[slot, WHAT_IN_RING] = batch[WHAT, item]
    if ring.shape[1] > REACHED:
        ring[slot, REACHED] = batch[CAME_AT, item]
    state.shards[shard, TAIL] += 1
    fetch(ring[place((state.shards[shard, TAIL] + SOON) & (state.rings.shape[1] - 1))], 0)


@kernel
def _mark_idle(params, state, count):  # type: ignore[no-untyped-def]
    """Find the shards of which it is known without any order that a worker is idle whenever a job comes, and set their
    OWN to 1. In a slice of the window no more are ever busy than at its beginning, and come in it. Returns how many
    there are.
    """
    shards, batch, free_ns, busy = state.shards, state.batch, state.free_ns, state.came
    many = shards.shape[0]
    start = state.whole[WINDOW] * params.window_ns
    end = start + params.window_ns
    slices = count // many + 1
    scale = np.float64(slices) / np.float64(params.window_ns)
    for i in range((slices + 2) * many):
        busy[place(i)] = 0
    for i in range(count):
        whose = batch[SHARD_OF, place(i)]
        came = min(np.int64(np.float64(batch[CAME_AT, place(i)] - start) * scale), slices - 1)
        done = np.int64(np.float64(min(batch[DONE_AT, place(i)], end) - start) * scale)
        busy[place(came * many + whose)] += 1
        busy[place((done + 1) * many + whose)] -= 1
    found = np.int64(0)
    for shard_ in range(many):
        shard = place(shard_)
        here = most = np.int64(0)
        for worker in range(params.workers):
            left_ns = free_ns[shard, place(worker)] - start
            if left_ns > 0:
                here += 1
                done = np.int64(np.float64(min(left_ns, params.window_ns)) * scale)
                busy[place((done + 1) * many + shard_)] -= 1
        for slice_ in range(slices):
            here += busy[place(slice_ * many + shard_)]
            most = max(most, here)
        is_idle = shards[shard, HEAD] == shards[shard, TAIL] and most <= params.workers
        shards[shard, OWN] = is_idle
        found += is_idle
    return found


@kernel
def _begin_at_once(params, keys, inputs, state, count):  # type: ignore[no-untyped-def]
    """Begin all jobs of the window for which a worker is idle in any case, in any order. Returns how many are left;
    these then are the batch.
    """
    shards, batch, free_ns, draws = state.shards, state.batch, state.free_ns, state.draws
    nobody_waits = False
    for shard_ in range(shards.shape[0]):
        shards[place(shard_), OWN] = 0
        nobody_waits |= shards[place(shard_), HEAD] == shards[place(shard_), TAIL]
    if not nobody_waits:
        return count
    for i in range(count):
        batch[DONE_AT, place(i)] = batch[CAME_AT, place(i)] + whole_ns(draws[1, place(i)])
    idle = _mark_idle(params, state, count)
    if idle == 0:
        return count
    end = (state.whole[WINDOW] + 1) * params.window_ns
    for shard_ in range(shards.shape[0]):
        shard = place(shard_)
        if shards[shard, OWN]:
            busy = np.int64(0)
            for worker in range(params.workers):
                free = free_ns[shard, place(worker)]
                free_ns[shard, place(busy)] = free
                busy += free >= end
            shards[shard, AFTER] = busy
            shards[shard, UNPLAYED] = 1
    left = np.int64(0)
    for i_ in range(count):
        i = place(i_)
        shard = place(batch[SHARD_OF, i])
        finish = batch[DONE_AT, i]
        if shards[shard, OWN]:
            if finish >= end:
                free_ns[shard, place(shards[shard, AFTER])] = finish
                shards[shard, AFTER] += 1
            if idle < shards.shape[0]:
                begun(params, keys, inputs.table, state, finish, batch[OUT_AT, i], batch[WHAT, i])
        else:
            for row in range(DONE_AT):
                batch[row, place(left)] = batch[row, i]
            draws[1, place(left)] = draws[1, i]
            left += 1
    if idle == shards.shape[0]:
        _all_begun(params, keys, inputs.table, state, count)
    for shard_ in range(shards.shape[0]):
        shard = place(shard_)
        if shards[shard, OWN]:
            for worker in range(shards[shard, AFTER], params.workers):
                free_ns[shard, place(worker)] = 0
    return left


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
def _close_ranks(state, waited, below, top, left):  # type: ignore[no-untyped-def]
    """At the window's end `left` jobs wait at a shard that serves its newest first: put them side by side in its ring.
    The newest is at `top`. Those that waited before lie one on the other, those of the window each on that `below` it.
    """
    ring, mask, stay, moved = state.rings[0], state.rings.shape[1] - 1, state.spread[CAME], np.int64(0)
    while top >= left - moved:  # all below it are where they belong
        stay[place(moved)] = top
        moved += 1
        top = below[place(top - waited)] if top >= waited else top - 1
    for to in range(left - moved, left):
        moved -= 1
        for column in range(RING_COLUMNS - 1):
            ring[place(to & mask), column] = ring[place(stay[place(moved)] & mask), column]
    state.shards[0, TAIL] = left


@kernel
def _serve(params, keys, inputs, state, count):  # type: ignore[no-untyped-def]
    """All work of the window at a shard that lets everybody in: who comes is known beforehand, so all queue up, and are
    begun one after the other: the oldest first, or the newest of those that have come by then. For that each job of
    the window names the place of the one `below` it. Returns the most that waited at one time.
    """
    whole, shards, came_ns, came = state.whole, state.shards, state.came, count
    shard, mask = place(0), state.rings.shape[1] - 1
    waited = most = whole[WAITING]
    is_newest_first, below, top = params.order.is_newest_first, state.spread[BEGUN], waited - 1
    for i in range(count):
        _queue_up(state, shard, place(state.order[place(i)]))
        below[place(i)] = waited + i - 1
    for i in range(AHEAD):
        came_ns[place(came + i)] = NEVER
    end = (whole[WINDOW] + 1) * params.window_ns
    head, came_before, begun_ = shards[0, HEAD], np.int64(0), np.int64(0)
    first, free = first_in_tree(state.free_ns, state.trees, shard)
    while begun_ < waited + came:
        now = free
        if begun_ >= waited:
            now = max(now, came_ns[place(begun_ - waited)])
        if now >= end:
            break
        below[place(came_before)] = top
        before, came_before = came_before, _first_from(came_ns, came_before, now)
        waiting = waited + came_before - begun_  # it, too, unless it need not wait
        most = max(most, waiting)
        next_ = begun_
        if is_newest_first:
            came_before += waiting == 0
            next_ = waited + came_before - 1 if came_before > before else top
            top = below[place(next_ - waited)] if next_ >= waited else next_ - 1
        begun_ += 1
        slot = place((head + next_) & mask)
        first, free = _begin_next(params, keys, inputs.table, state, shard, first, slot, now, max(waiting - 1, 0))
    whole[WAITING] = waited + came - begun_
    if is_newest_first:
        below[place(came_before)] = top
        _close_ranks(state, waited, below, waited + came - 1 if came > came_before else top, whole[WAITING])
    else:
        shards[0, HEAD] += begun_
    return max(most, whole[WAITING])


@inline
def _spread(state, count):  # type: ignore[no-untyped-def]
    """All work of the window queues up, each shard's with places of its own in `state.spread`. `state.order` then names
    the place of each job.
    """
    batch, shards, spread = state.batch, state.shards, state.spread
    for shard in range(shards.shape[0]):
        shards[place(shard), AFTER] = 0
    for i in range(count):
        shards[place(batch[SHARD_OF, place(i)]), AFTER] += 1
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
    for i in range(count):
        item = place(state.order[place(i)])
        shard = place(batch[SHARD_OF, item])
        at = shards[shard, AFTER]
        shards[shard, AFTER] = at + 1
        spread[CAME, place(at)] = state.came[place(i)]
        spread[BEGUN, place(at)] = 0
        _queue_up(state, shard, item)
        state.order[place(i)] = at


@kernel
def _serve_by_shard(params, keys, inputs, state, count):  # type: ignore[no-untyped-def]
    """As `_serve`, at many shards, one after the other: they have nothing in common within a window. Returns the most
    that waited at one time, of each shard as it was when a job last came to it.
    """
    whole, shards, came_ns, begun_ = state.whole, state.shards, state.spread[CAME], state.spread[BEGUN]
    mask, end = state.rings.shape[1] - 1, (whole[WINDOW] + 1) * params.window_ns
    _spread(state, count)
    all_begun = np.int64(0)
    for shard_ in range(shards.shape[0]):
        shard = place(shard_)
        head, own = shards[shard, HEAD], shards[shard, OWN]
        waited = shards[shard, TAIL] - head - (shards[shard, AFTER] - own)  # of those from before, how many still wait
        came_before = own
        first, free = first_in_tree(state.free_ns, state.trees, shard)
        while True:
            now = free
            if waited <= 0:
                now = max(now, came_ns[place(own - waited)])
            if now >= end:  # so it is behind the last, who is followed by NEVER
                break
            came_before = _first_from(came_ns, came_before, now)
            begun_[place(came_before)] += 1
            waited -= 1
            queue = max(waited + came_before - own, 0)
            first, free = _begin_next(params, keys, inputs.table, state, shard, first, place(head & mask), now, queue)
            head += 1
        all_begun += head - shards[shard, HEAD]
        shards[shard, HEAD] = head
    waiting = most = whole[WAITING]
    for i in range(count):
        waiting += 1 - begun_[place(state.order[place(i)])]
        most = max(most, waiting)
    whole[WAITING] += count - all_begun
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


@inline
def _takes_all(params):  # type: ignore[no-untyped-def]
    """Whether each job that comes to a queue waits there until it is served."""
    is_open = params.intake.kind == limits.OPEN
    leave_by_age = params.order.timeout_ns > 0 or params.order.max_age_ns < NEVER
    return is_open and params.order.bound == NEVER and not leave_by_age


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
    count = gather(params, keys, inputs, state)
    _find_shards(keys, state, count)
    _draw_services(params, keys, table, state, count)
    if limits.lets_all_in(params.intake):
        count = _begin_at_once(params, keys, inputs, state, count)
    for shard_ in range(shards.shape[0]):
        if shards[place(shard_), UNPLAYED] and not shards[place(shard_), OWN]:
            play(state.free_ns, state.trees, place(shard_))
            shards[place(shard_), UNPLAYED] = 0
    put_in_order(params, state, count)
    takes_all = _takes_all(params)
    if shards.shape[0] == 1 and takes_all:
        close(state, _serve(params, keys, inputs, state, count))
        return
    by_shard = takes_all and not params.order.is_newest_first and whole[WAITING] > count
    if by_shard:  # where few wait, fewer passes are quicker
        close(state, _serve_by_shard(params, keys, inputs, state, count))
        return
    most = whole[WAITING]  # other shards count as they were when a job last came to them
    for i in range(count):
        item = place(state.order[place(i)])
        time, origin, what = state.came[place(i)], batch[OUT_AT, item], batch[WHAT, item]
        identity, tries = what >> TRIES_BITS, what & TRIES_MASK
        shard = place(batch[SHARD_OF, item])
        first, free = _settle(params, keys, table, state, shard, time)
        queue = shards[shard, TAIL] - shards[shard, HEAD]
        if not _is_let_in(params, keys, state, shard, time, queue, free <= time, identity, tries):
            series[window, REFUSED] += 1
            retry(params, keys, table, state, time, origin, identity, tries + 1)
        elif free <= time:
            _begin(params, keys, table, state, shard, first, time, 0, state.draws[1, item], origin, what)
        else:
            _queue_up(state, shard, item)
            whole[WAITING] += 1
            most = max(most, whole[WAITING])
    for shard_ in range(shards.shape[0]):
        _settle(params, keys, table, state, place(shard_), start + params.window_ns - 1)
    close(state, most)


@inline
def coming(inputs, state):  # type: ignore[no-untyped-def]
    """How much work comes in the window, which is noted, too."""
    window = place(state.whole[WINDOW])
    again = waiting.waits_for(state.asleep, state.whole[WINDOW], waiting.FIRST_OF_THREES, 3)
    state.whole[COMING] = inputs.first[window + np.uint64(1)] - inputs.first[window] + again
    return state.whole[COMING]


@inline
def may_sleep(state, many):  # type: ignore[no-untyped-def]
    """Whether there is room for so many who come back in later windows."""
    needed = waiting.chunks_for(state.asleep, many, state.whole[WINDOW], waiting.THREES)
    return state.asleep.free[waiting.CHUNKS] >= needed


@kernel
def advance(params, keys, inputs, state, until):  # type: ignore[no-untyped-def]
    """Run the windows before `until`; returns a status. After any GROW_… the caller enlarges an array and calls again
    with nothing lost.
    """
    whole = state.whole
    while whole[WINDOW] < until:
        count = coming(inputs, state)
        if count > state.order.shape[0]:
            return GROW_BATCH
        comes_back = not _takes_all(params) or params.fail_share > 0.0
        if comes_back and not may_sleep(state, count + whole[WAITING]):
            return GROW_ASLEEP
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
