"""Network propagation event by event (MODEL.md, section 9): shards with controllers, with the leaky bucket, or whose
jobs each wait for a time of their own.

It draws and counts as `recovery_kernels.propagation` does, whose books it keeps: with nothing to decide it gives the
same numbers. What a controller hears of a job it hears when it happens, so finishes are events here. The order at one
time: finishes, deadlines, whoever's turn it is in the line, submissions; within each the lower identity.
"""

from typing import NamedTuple

import numpy as np

from recovery_kernels import batches, draws, heaps, hooks, limits, propagation, waiting
from recovery_kernels.arrays import Real, Whole
from recovery_kernels.controllers import ADMITTED, CANCELLED, DROPPED, FAILED, NOTHING, STARTED, SUCCEEDED
from recovery_kernels.draws import FAR_NS, Dist, draw, uniform, whole_ns
from recovery_kernels.events import NEVER, place
from recovery_kernels.hooks import ASK, BEGIN, HEAD, NEWEST, NOBODY, P_MEMORY, RANK, TOLD, has
from recovery_kernels.jit import inline, kernel
from recovery_kernels.propagation import WAITING

# What `advance` may say beside what `propagation.advance` says.
GROW_JOBS, GROW_HEAPS = range(propagation.GROW_FINISHES + 1, propagation.GROW_FINISHES + 3)

# A job that is here: a row of int64. `AT` and `RANKED` are its places in heaps.
(
    ORIGIN, IDENTITY, TRIES, REACHED, DEADLINE, STARTED_AT, FAILS, MARK, ORDER, WHERE, NEXT, BEFORE, AT, RANKED,
) = range(14)  # fmt: skip
JOB_COLUMNS = 14
IN_LINE, IN_QUEUE, AT_WORKER = range(3)
# A shard: the line before its door, then its queue, each as a list; how many entered the queue, are at work and have a
# deadline; when the line may move again; jobs that come in this window.
FIRST, LAST, LENGTH = range(3)
LINE, QUEUE = 0, 3
ENTERED, BUSY, TIMED, READY_AT, COMING = range(6, 11)
SHARD_COLUMNS = 11
NOW, FREE_JOB, FREE_JOBS, NEEDED = range(4)
WHOLE = 4


class Rules(NamedTuple):
    """What a shard does beside `propagation.Params`, and never changes.

    controllers int64[n, hooks.CONTROLLER_COLUMNS] with controller_params float64[m]; which of them is that of admission
    and of the queue (NOBODY: none), and whether one of them is told anything; timeout, how long an attempt may wait, if
    `has_timeout`; whether the newest is first; the most that may wait (NOBODY: no bound); whether a worker drops what
    is older than max_age_ns (0: any age) or times out within margin_ns; the leaky bucket: one job in each pace_ns (0:
    there is none), others wait in a line of at most `line` up to wait_ns; what workers can do, 1/s; how many numbers
    the controllers of a shard remember.
    """

    controllers: Whole
    controller_params: Real
    admission: int
    queue: int
    hears: int
    timeout: Dist
    has_timeout: int
    is_newest_first: int
    bound: int
    drops: int
    max_age_ns: int
    margin_ns: int
    pace_ns: int
    line: int
    wait_ns: int
    capacity_per_s: float
    size: int


class Keys(NamedTuple):
    """Keys (uint64) of the streams of draws that only these shards use."""

    timeout: np.uint64
    controller: np.uint64
    job: np.uint64


class Memory(NamedTuple):
    """What these shards remember beside `propagation.State`.

    jobs int64[n, JOB_COLUMNS]; shards int64[shards, SHARD_COLUMNS]; finishes int64[shards, workers, 3], deadlines and
    ranks int64[shards, m, 3], heaps; memory float64[shards * size] of the controllers; facts float64[FACTS] for them;
    whole int64[WHOLE].
    """

    jobs: Whole
    shards: Whole
    finishes: Whole
    deadlines: Whole
    ranks: Whole
    memory: Real
    facts: Real
    whole: Whole


class Stage(NamedTuple):
    """All that the stage is."""

    params: propagation.Params
    keys: propagation.Keys
    inputs: propagation.Inputs
    state: propagation.State
    rules: Rules
    draws: Keys
    memory: Memory


# --- controllers ------------------------------------------------------------------------------------------------------


@kernel
def _look(s, shard, c, hook, event, who, attempt):  # type: ignore[no-untyped-def]
    """Facts about the moment and the shard."""
    facts = s.memory.facts
    facts[:] = 0.0
    facts[hooks.F_NOW] = s.memory.whole[NOW] / 1e9
    facts[hooks.F_EVENT] = event
    facts[hooks.F_CLIENT] = who
    facts[hooks.F_ATTEMPT] = attempt
    facts[hooks.F_COST] = 1.0
    facts[hooks.F_WAITING] = s.memory.shards[shard, QUEUE + LENGTH]
    facts[hooks.F_IN_SERVICE] = s.memory.shards[shard, BUSY]
    facts[hooks.F_WORKERS] = s.params.workers
    facts[hooks.F_CAPACITY] = s.rules.capacity_per_s
    facts[hooks.F_HINT] = -1.0


@inline
def _draw_for(s, c, hook, event, who, attempt):  # type: ignore[no-untyped-def]
    """The draws of a question about a job, or about a shard."""
    key = draws.at(s.draws.controller, hooks.question(c, hook, event))
    s.memory.facts[hooks.F_U] = uniform(key, who, attempt + 1)
    s.memory.facts[hooks.F_U_CLIENT] = uniform(s.draws.job, who, np.int64(0))


@kernel
def _look_at_job(s, shard, c, hook, event, job):  # type: ignore[no-untyped-def]
    """Facts about a job, as its shard sees it."""
    jobs, i = s.memory.jobs, place(job)
    identity, tries, now = jobs[i, IDENTITY], jobs[i, TRIES], s.memory.whole[NOW]
    _look(s, shard, c, hook, event, identity >> 2, tries)
    _draw_for(s, c, hook, event, identity, tries)
    facts = s.memory.facts
    facts[hooks.F_NUMBER] = 0.0 if batches.is_launch(identity) else 1.0
    facts[hooks.F_TRIES] = tries
    started = jobs[i, STARTED_AT] if jobs[i, WHERE] == AT_WORKER else now
    facts[hooks.F_SOJOURN] = (now - jobs[i, REACHED]) / 1e9
    facts[hooks.F_WAITED] = (started - jobs[i, REACHED]) / 1e9
    facts[hooks.F_TIMEOUT] = (jobs[i, DEADLINE] - jobs[i, REACHED]) / 1e9
    facts[hooks.F_LEFT] = (jobs[i, DEADLINE] - now) / 1e9
    facts[hooks.F_MARK] = jobs[i, MARK]


@inline
def _memory_at(s, shard, c):  # type: ignore[no-untyped-def]
    return np.int64(shard) * s.rules.size + s.rules.controllers[place(c), P_MEMORY]


@inline
def _answer(s, shard, c, hook):  # type: ignore[no-untyped-def]
    r, m = s.rules, s.memory
    return hooks.answer(r.controllers, r.controller_params, c, hook, m.memory, _memory_at(s, shard, c), m.facts)


@inline
def _hear(s, shard, c, hook):  # type: ignore[no-untyped-def]
    r, m = s.rules, s.memory
    hooks.hear(r.controllers, r.controller_params, c, hook, m.memory, _memory_at(s, shard, c), m.facts)


@kernel
def _ask(s, shard, c, hook, job):  # type: ignore[no-untyped-def]
    """What a controller says to a job."""
    _look_at_job(s, shard, c, np.int64(hook), np.int64(NOTHING), job)
    return _answer(s, shard, c, hook)


@kernel
def _tell_one(s, shard, c, job, event):  # type: ignore[no-untyped-def]
    if has(s.rules.controllers, c, TOLD):
        _look_at_job(s, shard, c, np.int64(TOLD), event, job)
        _hear(s, shard, c, TOLD)


@inline
def _tell(s, shard, job, event):  # type: ignore[no-untyped-def]
    """The controllers hear what became of a job, which still has its row."""
    if s.rules.hears != 0:
        _tell_one(s, shard, s.rules.admission, job, np.int64(event))
        _tell_one(s, shard, s.rules.queue, job, np.int64(event))


@kernel
def begin(s):  # type: ignore[no-untyped-def]
    """All memories of controllers as they are at first. To these a shard's number stands for a client's."""
    for c in range(s.rules.controllers.shape[0]):
        for shard in range(s.memory.shards.shape[0]):
            _look(s, place(shard), np.int64(c), np.int64(BEGIN), np.int64(NOTHING), np.int64(shard), np.int64(0))
            _draw_for(s, np.int64(c), np.int64(BEGIN), np.int64(NOTHING), np.int64(shard), np.int64(0))
            _hear(s, place(shard), np.int64(c), BEGIN)


# --- lists ------------------------------------------------------------------------------------------------------------


@inline
def _append(s, shard, which, job):  # type: ignore[no-untyped-def]
    jobs, own, i = s.memory.jobs, s.memory.shards, place(job)
    last = own[shard, which + LAST]
    jobs[i, NEXT] = NOBODY
    jobs[i, BEFORE] = last
    if last == NOBODY:
        own[shard, which + FIRST] = job
    else:
        jobs[place(last), NEXT] = job
    own[shard, which + LAST] = job
    own[shard, which + LENGTH] += 1
    s.state.whole[WAITING] += 1


@inline
def _unlink(s, shard, which, job):  # type: ignore[no-untyped-def]
    jobs, own, i = s.memory.jobs, s.memory.shards, place(job)
    after, before = jobs[i, NEXT], jobs[i, BEFORE]
    if before == NOBODY:
        own[shard, which + FIRST] = after
    else:
        jobs[place(before), NEXT] = after
    if after == NOBODY:
        own[shard, which + LAST] = before
    else:
        jobs[place(after), BEFORE] = before
    own[shard, which + LENGTH] -= 1
    s.state.whole[WAITING] -= 1


@inline
def _arm(s, shard, job):  # type: ignore[no-untyped-def]
    """A job that begins to wait times out some day."""
    if s.rules.has_timeout != 0:
        jobs, own, i = s.memory.jobs, s.memory.shards, place(job)
        heap = s.memory.deadlines[shard]
        heaps.put(heap, own[shard, TIMED], jobs[i, DEADLINE], jobs[i, IDENTITY], job, jobs, AT)
        own[shard, TIMED] += 1


@inline
def _disarm(s, shard, job):  # type: ignore[no-untyped-def]
    if s.rules.has_timeout != 0:
        heaps.take_out(s.memory.deadlines[shard], s.memory.shards[shard, TIMED], job, s.memory.jobs, AT)
        s.memory.shards[shard, TIMED] -= 1


@inline
def _leave_queue(s, shard, job):  # type: ignore[no-untyped-def]
    if has(s.rules.controllers, s.rules.queue, RANK):
        heaps.take_out(s.memory.ranks[shard], s.memory.shards[shard, QUEUE + LENGTH], job, s.memory.jobs, RANKED)
    _unlink(s, shard, QUEUE, job)


@inline
def _new(s):  # type: ignore[no-untyped-def]
    job = s.memory.whole[FREE_JOB]
    s.memory.whole[FREE_JOB] = s.memory.jobs[place(job), NEXT]
    s.memory.whole[FREE_JOBS] -= 1
    return job


@inline
def _forget(s, job):  # type: ignore[no-untyped-def]
    s.memory.jobs[place(job), NEXT] = s.memory.whole[FREE_JOB]
    s.memory.whole[FREE_JOB] = job
    s.memory.whole[FREE_JOBS] += 1


# --- what happens -----------------------------------------------------------------------------------------------------


@inline
def _comes_back(s, job, column):  # type: ignore[no-untyped-def]
    """An attempt came to nothing, which is counted; its job comes back, or gives up."""
    i = place(job)
    s.state.series[place(s.state.whole[propagation.WINDOW]), column] += 1
    propagation.retry(
        s.params, s.keys, s.inputs.table, s.state, s.memory.whole[NOW], s.memory.jobs[i, ORIGIN],
        s.memory.jobs[i, IDENTITY], s.memory.jobs[i, TRIES] + 1,
    )  # fmt: skip
    _forget(s, job)


@inline
def _next(s, shard):  # type: ignore[no-untyped-def]
    """The job that a free worker takes next; it stays where it is."""
    if has(s.rules.controllers, s.rules.queue, RANK):
        return s.memory.ranks[shard, 0, heaps.THING]
    is_newest = s.rules.is_newest_first != 0
    c = s.rules.queue
    if has(s.rules.controllers, c, NEWEST):
        who, entered = np.int64(shard), s.memory.shards[shard, ENTERED]
        _look(s, shard, c, np.int64(NEWEST), np.int64(NOTHING), who, entered)
        _draw_for(s, c, np.int64(NEWEST), np.int64(NOTHING), who, entered)
        is_newest = _answer(s, shard, c, NEWEST) > 0.0
    return s.memory.shards[shard, QUEUE + (LAST if is_newest else FIRST)]


@inline
def _is_dropped(s, shard, job):  # type: ignore[no-untyped-def]
    """Whether the worker that takes it throws it away."""
    i, now, r = place(job), s.memory.whole[NOW], s.rules
    if r.drops != 0:
        is_old = r.max_age_ns > 0 and now - s.memory.jobs[i, REACHED] > r.max_age_ns
        if is_old or now + r.margin_ns > s.memory.jobs[i, DEADLINE]:
            return True
    return has(r.controllers, r.queue, HEAD) and not _ask(s, shard, r.queue, np.int64(HEAD), job) > 0.0


@inline
def _take(s, shard):  # type: ignore[no-untyped-def]
    """Free workers take jobs, or drop them, until there is no free worker or no job."""
    jobs, own = s.memory.jobs, s.memory.shards
    while own[shard, QUEUE + LENGTH] > 0 and own[shard, BUSY] < s.params.workers:
        job = _next(s, shard)
        i = place(job)
        _leave_queue(s, shard, job)
        _disarm(s, shard, job)
        if _is_dropped(s, shard, job):
            _tell(s, shard, job, DROPPED)
            _comes_back(s, job, propagation.FAILED)
            continue
        now, identity, tries = s.memory.whole[NOW], jobs[i, IDENTITY], jobs[i, TRIES]
        queue, table = own[shard, QUEUE + LENGTH], s.inputs.table
        finish = propagation.finish_of(s.params, s.keys, table, now, queue, identity, tries)
        jobs[i, WHERE] = AT_WORKER
        jobs[i, STARTED_AT] = now
        heaps.put(s.memory.finishes[shard], own[shard, BUSY], finish, identity, job, jobs, AT)
        own[shard, BUSY] += 1
        _tell(s, shard, job, STARTED)
        what = propagation.what_of(identity, tries)
        fails = propagation.begun(s.params, s.keys, table, s.state, finish, jobs[i, ORIGIN], what)
        jobs[i, FAILS] = 1 if fails else 0


@inline
def _finish(s, shard):  # type: ignore[no-untyped-def]
    """The first worker is done; what became of the job was counted when it began."""
    job = s.memory.finishes[shard, 0, heaps.THING]
    heaps.take_out(s.memory.finishes[shard], s.memory.shards[shard, BUSY], job, s.memory.jobs, AT)
    s.memory.shards[shard, BUSY] -= 1
    _tell(s, shard, job, FAILED if s.memory.jobs[place(job), FAILS] != 0 else SUCCEEDED)
    _forget(s, job)
    _take(s, shard)


@inline
def _time_out(s, shard):  # type: ignore[no-untyped-def]
    """A job has waited too long."""
    job = s.memory.deadlines[shard, 0, heaps.THING]
    _disarm(s, shard, job)
    if s.memory.jobs[place(job), WHERE] == IN_LINE:
        _unlink(s, shard, LINE, job)
    else:
        _leave_queue(s, shard, job)
        _tell(s, shard, job, CANCELLED)
    _comes_back(s, job, propagation.FAILED)


@inline
def _enter(s, shard, job):  # type: ignore[no-untyped-def]
    """A job that admission let in comes to the queue. Returns whether that takes it."""
    jobs, own, r, i = s.memory.jobs, s.memory.shards, s.rules, place(job)
    length = own[shard, QUEUE + LENGTH]
    if r.bound != NOBODY and own[shard, BUSY] >= s.params.workers and length >= r.bound:
        return False
    if has(r.controllers, r.queue, ASK):
        said = _ask(s, shard, r.queue, np.int64(ASK), job)
        if not said >= 1.0:
            return False
        jobs[i, MARK] = hooks.mark_of(said)
    rank = _ask(s, shard, r.queue, np.int64(RANK), job) if has(r.controllers, r.queue, RANK) else 0.0
    own[shard, ENTERED] += 1
    jobs[i, ORDER] = own[shard, ENTERED]
    jobs[i, WHERE] = IN_QUEUE
    if has(r.controllers, r.queue, RANK):
        heaps.put(s.memory.ranks[shard], length, heaps.key_of(rank), jobs[i, ORDER], job, jobs, RANKED)
    _append(s, shard, QUEUE, job)
    _arm(s, shard, job)
    _tell(s, shard, job, ADMITTED)
    return True


@inline
def _move_up(s, shard):  # type: ignore[no-untyped-def]
    """Whoever is first in the line goes on: its turn has come."""
    own = s.memory.shards
    job = own[shard, LINE + FIRST]
    _unlink(s, shard, LINE, job)
    _disarm(s, shard, job)
    if _enter(s, shard, job):
        own[shard, READY_AT] = s.memory.whole[NOW] + s.rules.pace_ns
        _take(s, shard)
    else:
        _comes_back(s, job, propagation.REFUSED)


@inline
def _settle(s, shard, until):  # type: ignore[no-untyped-def]
    """All that happens in a shard up to `until` (included)."""
    own, m = s.memory.shards, s.memory
    while True:
        finish = m.finishes[shard, 0, heaps.KEY] if own[shard, BUSY] > 0 else NEVER
        deadline = m.deadlines[shard, 0, heaps.KEY] if own[shard, TIMED] > 0 else NEVER
        turn = own[shard, READY_AT] if own[shard, LINE + LENGTH] > 0 else NEVER
        time = min(finish, deadline, turn)
        if time > until:
            return
        m.whole[NOW] = time
        if finish == time:
            _finish(s, shard)
        elif deadline == time:
            _time_out(s, shard)
        else:
            _move_up(s, shard)


@inline
def _lets_in(s, shard, job):  # type: ignore[no-untyped-def]
    """What admission says; what it gives is not taken yet."""
    r, jobs, i = s.rules, s.memory.jobs, place(job)
    if has(r.controllers, r.admission, ASK):
        return _ask(s, shard, r.admission, np.int64(ASK), job) > 0.0
    whole, real = s.state.shards[shard, propagation.INTAKE :], s.state.buckets[shard]
    queue, now = s.memory.shards[shard, QUEUE + LENGTH], s.memory.whole[NOW]
    return limits.lets_in(s.params.intake, whole, real, now, queue, s.keys.admit, jobs[i, IDENTITY], jobs[i, TRIES])


@inline
def _waits_for_its_turn(s, shard):  # type: ignore[no-untyped-def]
    """Whether a job that comes now may wait in the line."""
    own, r, now = s.memory.shards, s.rules, s.memory.whole[NOW]
    ahead = own[shard, LINE + LENGTH]
    wait_ns = np.float64(own[shard, READY_AT] - now) + np.float64(ahead) * r.pace_ns
    return ahead < r.line and wait_ns <= r.wait_ns


@inline
def _submit(s, shard, time, origin, identity, tries):  # type: ignore[no-untyped-def]
    """An attempt reaches its shard."""
    jobs, own, r = s.memory.jobs, s.memory.shards, s.rules
    s.memory.whole[NOW] = time
    job = _new(s)
    i = place(job)
    jobs[i, ORIGIN] = origin
    jobs[i, IDENTITY] = identity
    jobs[i, TRIES] = tries
    jobs[i, REACHED] = time
    jobs[i, DEADLINE] = time + FAR_NS
    if r.has_timeout != 0:
        timeout = whole_ns(draw(r.timeout, s.inputs.table, s.draws.timeout, identity, tries))
        jobs[i, DEADLINE] = time + max(timeout, 1)
    jobs[i, MARK] = 0
    jobs[i, WHERE] = IN_LINE
    if r.pace_ns > 0 and (own[shard, LINE + LENGTH] > 0 or own[shard, READY_AT] > time):
        if _waits_for_its_turn(s, shard):
            _append(s, shard, LINE, job)
            _arm(s, shard, job)
        else:
            _comes_back(s, job, propagation.REFUSED)
        return
    if not _lets_in(s, shard, job) or not _enter(s, shard, job):
        _comes_back(s, job, propagation.REFUSED)
        return
    limits.spend(s.params.intake, s.state.buckets[shard])
    if r.pace_ns > 0:
        own[shard, READY_AT] = time + r.pace_ns
    _take(s, shard)


@inline
def _window(s):  # type: ignore[no-untyped-def]
    """All work of the window; there is room for it."""
    whole, batch = s.state.whole, s.state.batch
    start = whole[propagation.WINDOW] * s.params.window_ns
    many = np.float64(s.memory.shards.shape[0])
    count = propagation.gather(s.params, s.keys, s.inputs, s.state)
    propagation.put_in_order(s.params, s.state, count)
    most = whole[WAITING]
    for k in range(count):
        item = place(s.state.order[place(k)])
        time, what = batch[propagation.CAME_AT, item], batch[propagation.WHAT, item]
        identity = what >> batches.TRIES_BITS
        shard = place(propagation.shard_of(s.keys, identity, many))
        _settle(s, shard, time)
        _submit(s, shard, time, batch[propagation.OUT_AT, item], identity, what & batches.TRIES_MASK)
        most = max(most, whole[WAITING])
    for shard_ in range(s.memory.shards.shape[0]):
        _settle(s, place(shard_), start + s.params.window_ns - 1)
    propagation.close(s.state, most)


@kernel
def _longest(s):  # type: ignore[no-untyped-def]
    """How many jobs may wait in one shard at one time of this window, at most."""
    own, state = s.memory.shards, s.state
    window = place(state.whole[propagation.WINDOW])
    many = np.float64(own.shape[0])
    for job in range(s.inputs.first[window], s.inputs.first[window + np.uint64(1)]):
        shard = propagation.shard_of(s.keys, s.inputs.jobs[place(job), batches.IDENTITY], many)
        own[place(shard), COMING] += 1
    chunks, end = state.asleep.chunks, state.asleep.ends[window]
    chunk = waiting.last_chunk(end)
    while chunk != waiting.NOTHING:
        for at in range(chunk + waiting.FIRST_OF_THREES, end, 3):
            identity = chunks[place(at + 1)] >> batches.TRIES_BITS
            own[place(propagation.shard_of(s.keys, identity, many)), COMING] += 1
        end = chunks[place(chunk + waiting.BEFORE)] + waiting.CHUNK
        chunk = chunks[place(chunk + waiting.BEFORE)]
    longest = np.int64(0)
    for shard in range(own.shape[0]):
        here = own[shard, LINE + LENGTH] + own[shard, QUEUE + LENGTH] + own[shard, COMING]
        longest = max(longest, here)
        own[shard, COMING] = 0
    return longest


@kernel
def advance(s, until):  # type: ignore[no-untyped-def]
    """As `propagation.advance`."""
    whole, state = s.state.whole, s.state
    while whole[propagation.WINDOW] < until:
        count = propagation.coming(s.inputs, state)
        if count > state.order.shape[0]:
            return propagation.GROW_BATCH
        if not propagation.may_sleep(state, count + whole[WAITING]):
            return propagation.GROW_ASLEEP
        if s.params.tells and whole[propagation.TOLD] + count + whole[WAITING] > state.finishes.shape[0]:
            return propagation.GROW_FINISHES
        if s.memory.whole[FREE_JOBS] < count:
            s.memory.whole[NEEDED] = count
            return GROW_JOBS
        if s.rules.has_timeout != 0 or has(s.rules.controllers, s.rules.queue, RANK):
            s.memory.whole[NEEDED] = _longest(s)
            if s.memory.whole[NEEDED] > s.memory.deadlines.shape[1]:
                return GROW_HEAPS
        _window(s)
    return propagation.DONE
