"""Planner, Enactors and the records of endpoints: the race that leaves a record empty (MODEL.md, section DNS).

A Planner publishes generations of plans. Each Enactor takes the newest, checks once that it is newer than what is
applied, walks through its endpoints in order with a transaction each (a lock that may be lost and is tried again), and
at the end deletes plans that are `keep` generations older than its own. A record whose plan is gone is empty, and no
Enactor can mend it.

One call of `advance` takes a `Race` from where it stands to `until_ns`, and returns a status; a run may be cut
anywhere. At equal times the Planner comes first, then the lower Enactor. Every Enactor has one timer, so the next event
is found by looking at all of them.
"""

from typing import NamedTuple

import numpy as np

from recovery_kernels import draws
from recovery_kernels.arrays import Bits, Whole
from recovery_kernels.draws import CONSTANT, Dist
from recovery_kernels.events import NEVER, place
from recovery_kernels.jit import inline, kernel
from recovery_kernels.requests import part_of

# Streams of draws; those of other kernels lie below 32.
PLAN, LOOK, TRANSACTION, BACK_OFF, LOSES, CLEAN_UP, CHECK, RESIDUAL, WINDOW = range(32, 41)
STREAMS = 7  # of an Enactor's keys: PLAN … CHECK

# Guardrails: any sum of them.
COMPARE_AND_SET, KEEP_ACTIVE, REFUSE_EMPTY, ONE_WRITER = 1, 2, 4, 8

# What `advance` may say.
DONE, EMPTY, UP, DOWN, LOG_FULL = range(5)

# Phases of an Enactor, and columns of its row.
IDLE, WAITING, WRITING, CLEANING = range(4)
PHASE, PLAN_OF, ENDPOINT, STARTED, DUE, TRIES, LOOKS, ROUND = range(8)
COLUMNS = 8

# Whole-number memory of a race.
NOW, NEWEST, FLOOR, REACHED, PLAN_STARTED, PLAN_DUE, WRITES, LOST, EMPTIED, STUCK, LINES, EVENTS = range(12)
WHOLE = 12

# Kinds of lines in the log: time, kind, Enactor (or NOBODY), plan, endpoint.
PUBLISHED, TAKEN, LOST_LOCK, LOCKED, WRITTEN, SKIPPED, REFUSED, HELPLESS, CLEANED, EMPTIED_RECORD, REPAIRED = range(11)

NOBODY = -1
RING = 1 << 14  # publication times that are remembered, for the latency of plans


class Params(NamedTuple):
    """Everything that decides a race; times are distributions in ns."""

    enactors: int
    endpoints: int
    keep: int
    guardrails: int
    plan: Dist  # from one plan to the next
    look: Dist  # from the end of a piece of work, or a look in vain, to the next look
    transaction: Dist  # from the lock to the changed record
    back_off: Dist  # after the first lock that is lost
    clean_up: Dist
    check: Dist  # one more read, for each that a guardrail asks for
    loses: float  # share of first tries that find the lock taken by somebody else
    loses_again: float  # the same of later tries
    factor: float  # by which the back-off grows
    cap_ns: float  # of the back-off


class Race(NamedTuple):
    """All that a race remembers.

    whole int64[WHOLE]; enactors int64[enactors, COLUMNS]; active int64[endpoints] (generation in each record); locks
    int64[endpoints] (who holds it, or NOBODY); spared int64[endpoints] (generations below the floor that a clean-up
    left because they were active; NOBODY: none); published int64[RING or 0] and histogram int64[requests.HISTOGRAM]
    (latency of plans; not kept where `published` is empty); log int64[lines, 5]; keys uint64[enactors, STREAMS].
    """

    whole: Whole
    enactors: Whole
    active: Whole
    locks: Whole
    spared: Whole
    published: Whole
    histogram: Whole
    log: Whole
    keys: Bits


@kernel
def set_keys(race, seed, replication):  # type: ignore[no-untyped-def]
    """Give all streams of the race the keys of a seed and a replication."""
    for e in range(race.keys.shape[0]):
        for stream in range(STREAMS):
            race.keys[e, stream] = draws.stream_key(seed, replication, np.int64(PLAN + stream), np.int64(e))


@inline
def _note(race, t, kind, e, plan, endpoint):  # type: ignore[no-untyped-def]
    if race.log.shape[0] > 0:
        line = race.whole[LINES]
        race.log[line, 0] = t
        race.log[line, 1] = kind
        race.log[line, 2] = e
        race.log[line, 3] = plan
        race.log[line, 4] = endpoint
        race.whole[LINES] = line + 1


@inline
def _cut(time):  # type: ignore[no-untyped-def]
    """Whole ns (int64) of a time (float64 ns), cut off; FAR_NS at most."""
    return np.int64(time) if time < draws.FAR_NS else np.int64(draws.FAR_NS)


@inline
def _ns(dist, table, race, stream, e, client, attempt):  # type: ignore[no-untyped-def]
    """Whole ns of a draw of the Enactor's stream."""
    if dist.kind == CONSTANT:
        return _cut(dist.a)
    return _cut(draws.quantile(dist, table, draws.uniform(race.keys[e, stream - PLAN], client, attempt)))


@inline
def _address(p, row, endpoint):  # type: ignore[no-untyped-def]
    """What a draw of a transaction belongs to: which walk of the Enactor, which endpoint."""
    return row[ROUND] * p.endpoints + endpoint


@inline
def exists(race, plan):  # type: ignore[no-untyped-def]
    """Whether a plan was not deleted."""
    if plan >= race.whole[FLOOR]:
        return True
    for i in range(race.spared.shape[0]):
        if race.spared[i] == plan:
            return True
    return False


@inline
def lag(race):  # type: ignore[no-untyped-def]
    """How many generations the oldest plan in a record, or in the hands of an Enactor that walks, is behind."""
    oldest = race.whole[NEWEST]
    for i in range(race.active.shape[0]):
        oldest = min(oldest, race.active[i])
    for e in range(race.enactors.shape[0]):
        phase = race.enactors[e, PHASE]
        if phase in (WAITING, WRITING):
            oldest = min(oldest, race.enactors[e, PLAN_OF])
    return race.whole[NEWEST] - oldest


@inline
def _idle(p, table, race, e, t):  # type: ignore[no-untyped-def]
    row = race.enactors[e]
    row[PHASE] = IDLE
    row[STARTED] = t
    row[LOOKS] += 1
    row[DUE] = t + max(_ns(p.look, table, race, LOOK, e, row[LOOKS], 0), 1)


@kernel
def reset(p, table, race, t):  # type: ignore[no-untyped-def]
    """Everything in order at time t: all records hold the newest plan, old plans are gone, Enactors are idle."""
    newest = race.whole[NEWEST]
    race.whole[NOW] = t
    race.whole[FLOOR] = newest - p.keep + 1
    race.whole[REACHED] = newest
    for i in range(p.endpoints):
        race.active[i] = newest
        race.locks[i] = NOBODY
        race.spared[i] = NOBODY
    for e in range(p.enactors):
        _idle(p, table, race, e, t)


@kernel
def begin(p, table, race):  # type: ignore[no-untyped-def]
    """A race at time 0, in order, generation 0 everywhere. The keys must have been set."""
    race.whole[:] = 0
    race.enactors[:] = 0
    race.histogram[:] = 0
    reset(p, table, race, np.int64(0))
    race.whole[PLAN_DUE] = max(_ns(p.plan, table, race, PLAN, 0, 1, 0), 1)


@inline
def _try_lock(p, table, race, e, t):  # type: ignore[no-untyped-def]
    """Take the lock of the Enactor's endpoint and start its transaction, or wait to try again."""
    row = race.enactors[e]
    endpoint = row[ENDPOINT]
    tries = row[TRIES]
    address = _address(p, row, endpoint)
    lost = race.locks[place(endpoint)] != NOBODY
    if not lost:
        chance = p.loses if tries == 0 else p.loses_again
        lost = chance > 0.0 and draws.uniform(race.keys[e, LOSES - PLAN], address, tries) < chance
    row[STARTED] = t
    if lost:
        race.whole[LOST] += 1
        _note(race, t, LOST_LOCK, e, row[PLAN_OF], endpoint)
        wait = np.float64(_ns(p.back_off, table, race, BACK_OFF, e, address, tries))
        row[PHASE] = WAITING
        row[DUE] = t + max(_cut(min(wait * draws.power(p.factor, np.float64(tries)), p.cap_ns)), 1)
        row[TRIES] = tries + 1
        return
    race.locks[place(endpoint)] = e
    _note(race, t, LOCKED, e, row[PLAN_OF], endpoint)
    row[PHASE] = WRITING
    due = t + max(_ns(p.transaction, table, race, TRANSACTION, e, address, 0), 1)
    if p.guardrails & COMPARE_AND_SET:
        due += _ns(p.check, table, race, CHECK, e, address, 0)
    if p.guardrails & REFUSE_EMPTY:
        due += _ns(p.check, table, race, CHECK, e, address, 1)
    row[DUE] = due


@inline
def _look(p, table, race, e, t):  # type: ignore[no-untyped-def]
    """The only check: is the newest plan newer than what is applied?"""
    row = race.enactors[e]
    newest = race.whole[NEWEST]
    first, step = (e, p.enactors) if p.guardrails & ONE_WRITER else (0, 1)
    applied = newest if first >= p.endpoints else np.int64(-1)
    for i in range(first, p.endpoints, step):
        applied = max(applied, race.active[place(i)])
    if newest <= applied:
        _idle(p, table, race, e, t)
        return
    row[PLAN_OF] = newest
    row[ENDPOINT] = first
    row[TRIES] = 0
    row[ROUND] += 1
    _note(race, t, TAKEN, e, newest, first)
    _try_lock(p, table, race, e, t)


@inline
def _reached(race, t):  # type: ignore[no-untyped-def]
    """Count the latency of the plans that every endpoint has now for the first time."""
    if race.published.shape[0] > 0:
        least = race.active[0]
        for i in range(1, race.active.shape[0]):
            least = min(least, race.active[i])
        whole = race.whole
        while whole[REACHED] < least:
            whole[REACHED] += 1
            since = t - race.published[place(whole[REACHED] & (race.published.shape[0] - 1))]
            race.histogram[place(part_of(since))] += 1


@inline
def _write(p, table, race, e, t):  # type: ignore[no-untyped-def]
    """End of a transaction. Returns whether the record is empty now."""
    row = race.enactors[e]
    endpoint = row[ENDPOINT]
    plan = row[PLAN_OF]
    race.locks[place(endpoint)] = NOBODY
    before = race.active[place(endpoint)]
    if not exists(race, before):  # what it would have to replace is gone: it can do nothing
        _note(race, t, HELPLESS, e, plan, endpoint)
        _idle(p, table, race, e, t)
        return False
    emptied = False
    if p.guardrails & COMPARE_AND_SET and before >= plan:
        _note(race, t, SKIPPED, e, plan, endpoint)
    elif p.guardrails & REFUSE_EMPTY and not exists(race, plan):
        _note(race, t, REFUSED, e, plan, endpoint)
        _idle(p, table, race, e, t)
        return False
    else:
        race.active[place(endpoint)] = plan
        race.whole[WRITES] += 1
        _note(race, t, WRITTEN, e, plan, endpoint)
        if exists(race, plan):
            if before <= race.whole[REACHED] < plan:
                _reached(race, t)
        else:
            emptied = True
            race.whole[EMPTIED] += 1
            _note(race, t, EMPTIED_RECORD, e, plan, endpoint)
    row[ENDPOINT] = endpoint + (p.enactors if p.guardrails & ONE_WRITER else 1)
    row[TRIES] = 0
    if row[ENDPOINT] < p.endpoints:
        _try_lock(p, table, race, e, t)
    else:
        row[PHASE] = CLEANING
        row[STARTED] = t
        took = _ns(p.clean_up, table, race, CLEAN_UP, e, row[ROUND], 0)
        if p.guardrails & KEEP_ACTIVE:
            for i in range(p.endpoints):
                took = min(took + _ns(p.check, table, race, CHECK, e, _address(p, row, i), 2), draws.FAR_NS)
        row[DUE] = t + max(took, 1)
    return emptied


@kernel
def _clean(p, table, race, e, t):  # type: ignore[no-untyped-def]
    """Delete the plans that are `keep` generations older than the Enactor's own. Returns whether a record is empty
    now that was not.
    """
    plan = race.enactors[e, PLAN_OF]
    limit = plan - p.keep
    whole = race.whole
    _note(race, t, CLEANED, e, plan, limit)
    emptied = False
    floor = whole[FLOOR]
    if p.guardrails & KEEP_ACTIVE:
        for i in range(p.endpoints):  # what was spared once goes when it is active no more
            if race.spared[i] != NOBODY and race.spared[i] <= limit:
                used = False
                for k in range(p.endpoints):
                    used = used or race.active[k] == race.spared[i]
                if not used:
                    race.spared[i] = NOBODY
        for i in range(p.endpoints):
            if floor <= race.active[i] <= limit:
                free = np.int64(-1)
                known = False
                for k in range(p.endpoints):
                    known = known or race.spared[k] == race.active[i]
                    if race.spared[k] == NOBODY:
                        free = np.int64(k)
                if not known:
                    race.spared[place(free)] = race.active[i]
        whole[FLOOR] = max(floor, limit + 1)
    elif limit >= floor:
        whole[FLOOR] = limit + 1
        for i in range(p.endpoints):
            if floor <= race.active[i] <= limit:
                emptied = True
                whole[EMPTIED] += 1
                _note(race, t, EMPTIED_RECORD, e, race.active[i], i)
    _idle(p, table, race, e, t)
    return emptied


@kernel
def advance(p, table, race, until_ns, repair, up, down):  # type: ignore[no-untyped-def]
    """Go on up to and without `until_ns` (int64). Returns DONE; EMPTY when a record has become empty (counted in
    STUCK; with `repair` it is put in order at once and the race goes on, without a return); UP when a plan makes the
    lag (`lag`) `up` or more; DOWN when it falls below `down` (0: neither is looked at); LOG_FULL when fewer than
    2 · endpoints + 8 lines are left.
    """
    whole = race.whole
    enactors = race.enactors
    room = race.log.shape[0] - 2 * p.endpoints - 8
    while True:
        if race.log.shape[0] > 0 and whole[LINES] > room:
            return LOG_FULL
        who = np.int64(NOBODY)
        t = whole[PLAN_DUE]
        for e in range(enactors.shape[0]):
            if enactors[e, DUE] < t:
                t = enactors[e, DUE]
                who = np.int64(e)
        if t >= until_ns:
            whole[NOW] = until_ns
            return DONE
        whole[NOW] = t
        whole[EVENTS] += 1
        if who == NOBODY:
            newest = whole[NEWEST] + 1
            whole[NEWEST] = newest
            if race.published.shape[0] > 0:
                race.published[place(newest & (race.published.shape[0] - 1))] = t
            _note(race, t, PUBLISHED, NOBODY, newest, NOBODY)
            whole[PLAN_STARTED] = t
            whole[PLAN_DUE] = t + max(_ns(p.plan, table, race, PLAN, 0, newest + 1, 0), 1)
            if up > 0 and lag(race) >= up:
                return UP
            continue
        phase = enactors[who, PHASE]
        emptied = False
        if phase == IDLE:
            _look(p, table, race, who, t)
        elif phase == WAITING:
            _try_lock(p, table, race, who, t)
        elif phase == WRITING:
            emptied = _write(p, table, race, who, t)
        else:
            emptied = _clean(p, table, race, who, t)
        if emptied:
            whole[STUCK] += 1
            if not repair:
                return EMPTY
            _note(race, t, REPAIRED, NOBODY, whole[NEWEST], NOBODY)
            reset(p, table, race, t)
        if down > 0 and lag(race) < down:
            return DOWN


# --- splitting --------------------------------------------------------------------------------------------------------


@kernel
def _longer(dist, table, least_ns, u):  # type: ignore[no-untyped-def]
    """A draw of `dist` given that it is longer than `least_ns`, from the uniform draw `u`; the distribution's own
    quantile is turned round by halving, so any of them will do.
    """
    if dist.kind == CONSTANT:
        return dist.a
    falls = draws.quantile(dist, table, 0.25) > draws.quantile(dist, table, 0.75)
    low, high = 0.0, 1.0  # at one end of it the value is longer, at the other it is not
    for _ in range(60):
        middle = 0.5 * (low + high)
        if not 0.0 < middle < 1.0:
            break
        if (draws.quantile(dist, table, middle) > least_ns) == falls:
            low = middle
        else:
            high = middle
    u = low * u if falls else min(high + (1.0 - high) * u, 1.0 - 2.0**-53)
    return max(draws.quantile(dist, table, u), least_ns)


@kernel
def refresh(p, table, race, key):  # type: ignore[no-untyped-def]
    """Draw every timer that runs once more, given that it has lasted as long as it has: a copy of a race that does
    this has another future with the same past.
    """
    whole = race.whole
    now = whole[NOW]
    least = np.float64(now - whole[PLAN_STARTED])
    found = _longer(p.plan, table, least, draws.uniform(key, 0, 0))
    whole[PLAN_DUE] = max(whole[PLAN_STARTED] + _cut(found), now + 1)
    for e in range(p.enactors):
        row = race.enactors[e]
        least = np.float64(now - row[STARTED])
        u = draws.uniform(key, e + 1, 0)
        phase = row[PHASE]
        if phase == IDLE:
            row[DUE] = max(row[STARTED] + _cut(_longer(p.look, table, least, u)), now + 1)
        elif phase == WAITING:
            grown = draws.power(p.factor, np.float64(row[TRIES] - 1))
            wait = min(_longer(p.back_off, table, least / grown, u) * grown, p.cap_ns)
            row[DUE] = max(row[STARTED] + _cut(wait), now + 1)
        elif phase == WRITING and not p.guardrails & (COMPARE_AND_SET | REFUSE_EMPTY):
            row[DUE] = max(row[STARTED] + _cut(_longer(p.transaction, table, least, u)), now + 1)
        elif phase == CLEANING and not p.guardrails & KEEP_ACTIVE:
            row[DUE] = max(row[STARTED] + _cut(_longer(p.clean_up, table, least, u)), now + 1)


class Pool(NamedTuple):
    """States of races side by side: the arrays of a `Race` that change, with an axis of places before the others."""

    whole: Whole
    enactors: Whole
    active: Whole
    locks: Whole
    spared: Whole


@inline
def _copy(source, to):  # type: ignore[no-untyped-def]
    """Element by element: a slice would want memory of its own."""
    for i in range(source.shape[0]):
        to[i] = source[i]


@inline
def _recall(pool, n, race):  # type: ignore[no-untyped-def]
    _copy(pool.whole[n], race.whole)
    for e in range(pool.enactors.shape[1]):
        _copy(pool.enactors[n, e], race.enactors[e])
    _copy(pool.active[n], race.active)
    _copy(pool.locks[n], race.locks)
    _copy(pool.spared[n], race.spared)


@inline
def _keep(race, pool, n):  # type: ignore[no-untyped-def]
    _copy(race.whole, pool.whole[n])
    for e in range(pool.enactors.shape[1]):
        _copy(race.enactors[e], pool.enactors[n, e])
    _copy(race.active, pool.active[n])
    _copy(race.locks, pool.locks[n])
    _copy(race.spared, pool.spared[n])


@kernel
def entrances(p, table, race, until_ns, level, pool, seen):  # type: ignore[no-untyped-def]
    """Run to `until_ns` and count how often the lag comes to `level` after it was below; a sample of the states at
    these moments is kept in the pool, each equally likely (its draws have a stream of their own). `seen` int64[1]: the
    count.
    """
    key = draws.stream_key(race.keys[0, 0], np.int64(0), np.int64(RESIDUAL), np.int64(0))
    while True:
        if advance(p, table, race, until_ns, 1, level, 0) == DONE:
            return
        n = seen[0]
        seen[0] = n + 1
        if n >= pool.whole.shape[0]:  # reservoir: keeps each with the same chance
            n = np.int64(draws.uniform(key, n, 0) * (n + 1))
        if n < pool.whole.shape[0]:
            _keep(race, pool, n)
        if advance(p, table, race, until_ns, 1, 0, level) == DONE:
            return


@kernel
def stage(p, table, race, seed, first, base, up, parents, trials, pool, goal):  # type: ignore[no-untyped-def]
    """One stage of splitting: `trials` copies of the first `parents` states in `pool`, in turn, each with its own keys
    (replication first + trial) and timers, run until the lag is `up` (0: until a record is empty) or falls below
    `base`. Those that get there go to the pool `goal`, which has a place for each trial. Returns how many did.
    """
    reached = np.int64(0)
    for trial in range(trials):
        _recall(pool, trial % parents, race)
        set_keys(race, seed, first + trial)
        refresh(p, table, race, draws.stream_key(seed, first + trial, np.int64(RESIDUAL), np.int64(0)))
        status = advance(p, table, race, NEVER, 0, up, base)
        if status == UP:
            _keep(race, goal, reached)
        if status in (UP, EMPTY):
            reached += 1
    return reached
