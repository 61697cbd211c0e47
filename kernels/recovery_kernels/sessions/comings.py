"""When clients come: sleeping, notices, pauses between tries, giving up, jobs that come and go."""

import numpy as np

from recovery_kernels import draws
from recovery_kernels.controllers import TIMED_OUT
from recovery_kernels.events import NEVER, place
from recovery_kernels.jit import inline, kernel
from recovery_kernels.requests import ARRIVED, GAVE_UP
from recovery_kernels.sessions import layout, timers
from recovery_kernels.sessions.books import count, note, time_ns, time_of, uniform
from recovery_kernels.sessions.hooks import forget_tries, tell_client, wait_ns
from recovery_kernels.sessions.layout import (
    ARRIVED as ARRIVED_AT,
)
from recovery_kernels.sessions.layout import (
    ASLEEP,
    ATTEMPT,
    BOUND,
    CLASS,
    COMING,
    DECORRELATED_JITTER,
    EQUAL_JITTER,
    EXPIRIES,
    EXPONENTIAL,
    FIRST_DELAY,
    FIXED,
    FREE,
    FREE_ROWS,
    FULL_JITTER,
    GROWN,
    HOLDER,
    K_AFTER,
    K_BASE,
    K_JOBS,
    K_OF,
    MAIN,
    N_BOUND,
    N_IDLE,
    N_KEPT,
    N_OPEN,
    N_UNAWARE,
    NONE,
    NOW,
    OBEY,
    PROPORTIONAL_JITTER,
    REQUEST,
    RESEND,
    RETRY,
    ROUND_TRIP_NS,
    SERVER,
    STATE,
    T_BASE,
    T_CAP,
    T_DELAY,
    T_FACTOR,
    T_HINT,
    T_HINT_JITTER,
    T_JITTER,
    T_KIND,
    T_RETRIES,
    TRIES,
    UNAWARE,
    WHO,
)
from recovery_kernels.sessions.streams import FIRST_DELAY_STREAM, HINT_STREAM

# --- states -----------------------------------------------------------------------------------------------------------


@inline
def sleep(r, h, row, until):  # type: ignore[no-untyped-def]
    """The next submission of a client that has no timer and no request."""
    h.clients[place(row), STATE] = ASLEEP
    timers.arm(h, r.shift, row, MAIN, until)


@inline
def notice_at(r, h, row, time):  # type: ignore[no-untyped-def]
    """When a client without a timer learns that its session ended, or that the other class's is there."""
    h.clients[place(row), STATE] = UNAWARE
    h.of_class[place(h.clients[place(row), CLASS]), N_UNAWARE] += 1
    timers.arm(h, r.shift, row, MAIN, time)


@inline
def bind(h, row):  # type: ignore[no-untyped-def]
    """A client waits for the other class's success."""
    i = place(row)
    h.clients[i, STATE] = BOUND
    h.of_class[place(h.clients[i, CLASS]), N_BOUND] += 1
    note(h, layout.LOG_BOUND, h.clients[i, CLASS], h.clients[i, WHO], h.clients[i, ATTEMPT] + 1)


@kernel
def notice(r, h, row):  # type: ignore[no-untyped-def]
    """A client learns that its session ended, and comes after its first delay; what its policy had counted is
    forgotten.
    """
    i = place(row)
    number = h.clients[i, CLASS]
    h.of_class[place(number), N_UNAWARE] -= 1
    attempt = h.clients[i, ATTEMPT] + 1
    note(h, layout.LOG_NOTICE, number, h.clients[i, WHO], attempt)
    forget_tries(h, row)
    dist = h.class_whole[place(number), FIRST_DELAY]
    sleep(r, h, row, h.whole[NOW] + time_ns(r, dist, FIRST_DELAY_STREAM, number, h.clients[i, WHO], attempt))


@inline
def is_free(r, h, row):  # type: ignore[no-untyped-def]
    """Whether the class that this holder comes after has succeeded: its holder knows of a lease."""
    number = place(h.clients[place(row), CLASS])
    after = r.classes[number, K_AFTER]
    if after == NONE or r.classes[number, K_JOBS] != 0:
        return True
    other = r.classes[place(after), K_BASE] + h.clients[place(row), WHO]
    return h.clients[place(other), HOLDER] > h.whole[NOW]


@kernel
def is_held(h, row):  # type: ignore[no-untyped-def]
    """Whether an operator keeps this client's submission: clients of a class go in turn, wave by wave."""
    number, who = h.clients[place(row), CLASS], h.clients[place(row), WHO]
    for k in range(h.holds.shape[0]):
        if h.holds[k, layout.O_ON] == 0 or ((h.holds[k, layout.O_CLASSES] >> number) & 1) == 0:
            continue
        wave = (who + h.holds[k, layout.O_FIRST]) % h.holds[k, layout.O_WAVES]
        if wave >= h.holds[k, layout.O_LET_IN]:
            return True
    return False


@inline
def keep(h, row):  # type: ignore[no-untyped-def]
    """An operator keeps a submission."""
    i = place(row)
    number = h.clients[i, CLASS]
    h.clients[i, STATE] = layout.KEPT
    h.of_class[place(number), N_KEPT] += 1
    count(h, number, layout.KEPT_FLOW, 1)
    note(h, layout.LOG_KEEP, number, h.clients[i, WHO], h.clients[i, ATTEMPT] + 1)


# --- coming back ------------------------------------------------------------------------------------------------------


@kernel
def pause_ns(r, h, row, hint_ns):  # type: ignore[no-untyped-def]
    """How long a client waits after its failures in a row. `hint_ns` < 0: no hint."""
    i = place(row)
    number, who, attempt = h.clients[i, CLASS], h.clients[i, WHO], h.clients[i, ATTEMPT]
    rule = place(h.class_whole[place(number), RETRY])
    kind = r.retries[rule, T_KIND]
    base, factor, cap = r.retry_reals[rule, T_BASE], r.retry_reals[rule, T_FACTOR], r.retry_reals[rule, T_CAP]
    pause = 0.0
    if kind == layout.WAIT_OF_CONTROLLER:
        pause = wait_ns(r, h, row, hint_ns)
    elif kind == FIXED:
        pause = time_of(r, r.retries[rule, T_DELAY], draws.RETRY, number, who, attempt)
    elif kind == DECORRELATED_JITTER:
        last = base if h.pauses[i] < 0.0 else h.pauses[i]
        most = max(factor * last, base)
        pause = min(cap, base + (most - base) * uniform(r, draws.RETRY, number, who, attempt))
        h.pauses[i] = pause
    elif kind != layout.IMMEDIATE:
        e = base
        for _ in range(h.clients[i, TRIES] - 1):
            grown = min(e * factor, cap)
            if grown == e:
                break
            e = grown
        e = min(e, cap)
        if kind == EXPONENTIAL:
            pause = e
        elif kind == FULL_JITTER:
            pause = e * uniform(r, draws.RETRY, number, who, attempt)
        elif kind == EQUAL_JITTER:
            pause = e / 2.0 + e / 2.0 * uniform(r, draws.RETRY, number, who, attempt)
        elif kind == PROPORTIONAL_JITTER:
            u = uniform(r, draws.RETRY, number, who, attempt)
            pause = e * (1.0 + r.retry_reals[rule, T_JITTER] * (2.0 * u - 1.0))
    how = r.retries[rule, T_HINT]
    if hint_ns >= 0.0 and how != layout.IGNORE:
        jitter = r.retry_reals[rule, T_HINT_JITTER]
        u = 2.0 * uniform(r, HINT_STREAM, number, who, attempt) - 1.0 if jitter > 0.0 else 0.0
        asked = hint_ns * (1.0 + jitter * u)
        pause = asked if how == OBEY else max(pause, asked)
    return draws.whole_ns(pause)


@inline
def disarm(r, h, row):  # type: ignore[no-untyped-def]
    """No timer of the client's request."""
    timers.disarm(h, r.shift, row, MAIN)
    timers.disarm(h, r.shift, row, RESEND)


@inline
def stop_asking(h, row):  # type: ignore[no-untyped-def]
    """A client waits for no answer any more."""
    h.clients[place(row), REQUEST] = NONE
    h.of_class[place(h.clients[place(row), CLASS]), N_IDLE] += 1


@inline
def retries_of(r, h, number):  # type: ignore[no-untyped-def]
    """How many attempts a job of a class makes after its first; below 0: any number, as holders do."""
    return r.retries[place(h.class_whole[place(number), RETRY]), T_RETRIES]


@inline
def give_up(h, row):  # type: ignore[no-untyped-def]
    """A job makes no other attempt."""
    i = place(row)
    count(h, h.clients[i, CLASS], GAVE_UP, 1)
    note(h, layout.LOG_GIVE_UP, h.clients[i, CLASS], h.clients[i, WHO], h.clients[i, ATTEMPT])
    leave(h, row)


@kernel
def retry(r, h, row, event, hint_ns):  # type: ignore[no-untyped-def]
    """A client's attempt came to nothing: when is the next? `event`: how; an answer is told after a round trip."""
    i = place(row)
    number = h.clients[i, CLASS]
    tell_client(r, h, row, event, hint_ns)
    disarm(r, h, row)
    stop_asking(h, row)
    h.clients[i, TRIES] += 1
    h.clients[i, layout.LAST_EVENT] = event
    if 0 <= retries_of(r, h, number) < h.clients[i, TRIES]:
        give_up(h, row)
        return
    pause = pause_ns(r, h, row, hint_ns)
    if event != TIMED_OUT:
        pause = max(pause, h.set_whole[ROUND_TRIP_NS])
    sleep(r, h, row, h.whole[NOW] + pause)


# --- jobs -------------------------------------------------------------------------------------------------------------


@inline
def leave(h, row):  # type: ignore[no-untyped-def]
    """A job that asks for nothing any more is gone."""
    number = place(h.clients[place(row), CLASS])
    h.of_class[number, N_IDLE] -= 1
    h.of_class[number, N_OPEN] -= 1
    h.clients[place(row), STATE] = FREE
    h.free_rows[place(h.whole[FREE_ROWS])] = row
    h.whole[FREE_ROWS] += 1


@kernel
def new_job(h, number, who):  # type: ignore[no-untyped-def]
    """A row for a job that comes now; the loop has made sure that there is one. Returns it."""
    h.whole[FREE_ROWS] -= 1
    row = h.free_rows[place(h.whole[FREE_ROWS])]
    i = place(row)
    h.clients[i, STATE] = COMING
    h.clients[i, CLASS] = number
    h.clients[i, WHO] = who
    h.clients[i, ATTEMPT] = -1
    forget_tries(h, row)
    h.clients[i, GROWN] = 0
    h.clients[i, EXPIRIES] = 0
    h.clients[i, SERVER] = 0
    h.clients[i, HOLDER] = 0
    h.clients[i, REQUEST] = NONE
    h.clients[i, ARRIVED_AT] = h.whole[NOW]
    h.clients[i, layout.SENT_AT] = h.whole[NOW]
    return row


@kernel
def follow(r, h, number, who, is_success):  # type: ignore[no-untyped-def]
    """Jobs of tied classes come: with the other's arrival (of), or with its success (after)."""
    for k in range(r.classes.shape[0]):
        if r.classes[k, K_JOBS] == 0:
            continue
        tie = NONE
        if is_success:
            tie = r.classes[k, K_AFTER]
        elif r.classes[k, K_AFTER] == NONE:
            tie = r.classes[k, K_OF]
        if tie == number:
            timers.arm(h, r.shift, new_job(h, np.int64(k), who), MAIN, h.whole[NOW])


@kernel
def arrive(r, h, row):  # type: ignore[no-untyped-def]
    """A job is there, and those that are tied to it."""
    i = place(row)
    number = h.clients[i, CLASS]
    h.clients[i, ARRIVED_AT] = h.whole[NOW]
    h.of_class[place(number), N_IDLE] += 1
    h.of_class[place(number), N_OPEN] += 1
    count(h, number, ARRIVED, 1)
    note(h, layout.LOG_ARRIVE, number, h.clients[i, WHO], 0)
    follow(r, h, number, h.clients[i, WHO], False)


@inline
def step(r, h, number):  # type: ignore[no-untyped-def]
    """From one job to the next, in units of the rate's sum: exponential, or 1 from a random phase."""
    jobs = h.of_class[place(number), layout.JOBS]
    if r.classes[place(number), layout.K_POISSON] != 0:
        return max(-draws.log(uniform(r, draws.ARRIVAL, number, jobs, 0)), 0.0)
    return 1.0 if jobs > 0 else uniform(r, draws.ARRIVAL, number, 0, 0)


@inline
def _segment_end(r, number, segment):  # type: ignore[no-untyped-def]
    last = r.classes[place(number), layout.K_SEGMENTS] - 1
    return np.inf if segment >= last else r.segment_ns[place(number), place(segment + 1)]


@inline
def _segment_at(r, number, at):  # type: ignore[no-untyped-def]
    segment = 0
    while at >= _segment_end(r, number, segment):
        segment += 1
    return segment


@inline
def _rate(r, h, number, segment):  # type: ignore[no-untyped-def]
    given = h.of_class_real[place(number), layout.GIVEN]
    rate = r.segment_rates[place(number), place(segment)] if given != given else given
    return rate * h.of_class_real[place(number), layout.SHARE]


@kernel
def arm_arrival(r, h, number):  # type: ignore[no-untyped-def]
    """When the next job of a class comes: where the rate, added up over time, reaches the sum of the steps."""
    k = place(number)
    h.of_class[k, layout.COMES_AT] = NEVER
    at, left = h.of_class_real[k, layout.SUM_AT], h.of_class_real[k, layout.SUM_LEFT]
    segment = _segment_at(r, number, at)
    last = r.classes[k, layout.K_SEGMENTS] - 1
    while True:
        rate = _rate(r, h, number, segment)
        end = _segment_end(r, number, segment)
        if rate > 0.0 and at + left / rate < end:
            break
        if segment == last:
            return
        left -= (end - at) * rate
        at = end
        segment += 1
    comes = at + left / rate
    h.of_class_real[k, layout.COMES] = comes
    time = np.int64(comes + 0.5) if comes < 4.0e18 else NEVER
    h.of_class[k, layout.COMES_AT] = max(time, h.whole[NOW])


@kernel
def next_arrival(h):  # type: ignore[no-untyped-def]
    """Which class's job comes first of all."""
    h.whole[layout.NEXT_ARRIVAL] = NEVER
    h.whole[layout.NEXT_CLASS] = 0
    for k in range(h.of_class.shape[0] - 1):
        if h.of_class[k, layout.COMES_AT] < h.whole[layout.NEXT_ARRIVAL]:
            h.whole[layout.NEXT_ARRIVAL] = h.of_class[k, layout.COMES_AT]
            h.whole[layout.NEXT_CLASS] = k


@kernel
def change_rate(r, h, number):  # type: ignore[no-untyped-def]
    """A rate changes now: what the sum has grown until now stays. A job that is due at this very moment comes."""
    k = place(number)
    now = h.whole[NOW]
    reals = h.of_class_real
    is_due = h.of_class[k, layout.COMES_AT] <= now
    while reals[k, layout.SUM_AT] < now and not is_due:
        segment = _segment_at(r, number, reals[k, layout.SUM_AT])
        end = min(_segment_end(r, number, segment), np.float64(now))
        grown = (end - reals[k, layout.SUM_AT]) * _rate(r, h, number, segment)
        reals[k, layout.SUM_LEFT] = max(reals[k, layout.SUM_LEFT] - grown, 0.0)
        reals[k, layout.SUM_AT] = end
    reals[k, layout.GIVEN] = h.class_real[k, layout.RATE]
    reals[k, layout.SHARE] = h.real[layout.ARRIVAL_SHARE]
    if not is_due:
        arm_arrival(r, h, number)
    next_arrival(h)


@kernel
def job_comes(r, h, number):  # type: ignore[no-untyped-def]
    """The next job of a class comes. Returns its row."""
    k = place(number)
    who = h.of_class[k, layout.JOBS]
    h.of_class[k, layout.JOBS] = who + 1
    h.of_class_real[k, layout.SUM_AT] = h.of_class_real[k, layout.COMES]
    h.of_class_real[k, layout.SUM_LEFT] = step(r, h, number)
    arm_arrival(r, h, number)
    next_arrival(h)
    row = new_job(h, number, who)
    arrive(r, h, row)
    return row
