"""Leases and sessions: how they are made and end, and who notices when; what a host sees of its dependency."""

import numpy as np

from recovery_kernels import draws
from recovery_kernels.events import place
from recovery_kernels.hooks import EXPIRE, RENEW, RESTART
from recovery_kernels.jit import inline, kernel
from recovery_kernels.requests import ESTABLISHED, window_of
from recovery_kernels.sessions import layout, timers
from recovery_kernels.sessions.books import count, note, time_ns
from recovery_kernels.sessions.comings import bind, disarm, is_free, notice_at
from recovery_kernels.sessions.hooks import ask_of_lease, has, tell_renewed
from recovery_kernels.sessions.layout import (
    ASLEEP,
    ATTEMPT,
    CARRY_NS,
    CLASS,
    FROZEN,
    FROZEN_BASE,
    HOLDER,
    HOLDER_CARRY,
    HOLDER_NS,
    K_BASE,
    K_EXPIRES,
    K_JOBS,
    K_MEMBERS,
    K_ROOT,
    LEASE,
    LEASE_END,
    MAIN,
    N_HOLDER,
    NONE,
    NOW,
    R_REACHED,
    RUN,
    SERVER,
    SERVER_CARRY,
    SERVER_NS,
    STATE,
    UNHEARD,
    WHO,
)
from recovery_kernels.sessions.streams import NOTICE_STREAM

HOLDERS_VIEW, SERVERS_VIEW = range(2)


@inline
def _count_lease(r, h, view, number, expires, amount):  # type: ignore[no-untyped-def]
    """A lease that runs until `expires` (later than now) begins or ends to be one of those that run."""
    h.of_class[place(number), N_HOLDER + view] += amount
    if expires < FROZEN_BASE:
        last = place(h.expiring.shape[2] - 1)
        h.expiring[view, place(number), min(window_of(expires, r.window_ns), last)] += amount


@inline
def _move(r, h, view, row, new):  # type: ignore[no-untyped-def]
    """A client's lease gets another end, in one of the two views."""
    i = place(row)
    number = h.clients[i, CLASS]
    column = HOLDER if view == HOLDERS_VIEW else SERVER
    now = h.whole[NOW]
    old = h.clients[i, column]
    if old > now:
        _count_lease(r, h, view, number, old, -1)
    h.clients[i, column] = new
    if new > now:
        _count_lease(r, h, view, number, new, 1)


@inline
def _add_unleased(h, view, row):  # type: ignore[no-untyped-def]
    """A client that had no lease gets one: how long it was without."""
    i = place(row)
    k = place(h.clients[i, CLASS])
    ns, carry = (HOLDER_NS, HOLDER_CARRY) if view == HOLDERS_VIEW else (SERVER_NS, SERVER_CARRY)
    expires = h.clients[i, HOLDER if view == HOLDERS_VIEW else SERVER]
    h.of_class[k, ns] += h.whole[NOW] - max(expires, 0)
    if h.of_class[k, ns] >= CARRY_NS:
        h.of_class[k, ns] -= CARRY_NS
        h.of_class[k, carry] += 1


@inline
def whole_lease_ns(r, h, row):  # type: ignore[no-untyped-def]
    """The length of a client's lease with its grace."""
    i = place(row)
    number = h.clients[i, CLASS]
    lease = place(h.class_whole[place(number), LEASE])
    drawn = time_ns(r, r.leases[lease, layout.L_DURATION], draws.LEASE, number, h.clients[i, WHO], 0)
    return min(drawn + r.leases[lease, layout.L_GRACE_NS], draws.FAR_NS)


@inline
def _tenure(r, h, row):  # type: ignore[no-untyped-def]
    """The controller of a client's lease; NONE."""
    return r.classes[place(h.clients[place(row), CLASS]), layout.K_TENURE]


@inline
def _new_lease_ns(r, h, row):  # type: ignore[no-untyped-def]
    """The length of the lease that is granted now."""
    tenure = _tenure(r, h, row)
    if has(r, tenure, RENEW):
        length_s = ask_of_lease(r, h, tenure, np.int64(RENEW), row)
        if length_s > 0.0:
            return max(draws.whole_ns(length_s * 1e9), 1)
    return whole_lease_ns(r, h, row)


@inline
def _arm_expiry(r, h, row):  # type: ignore[no-untyped-def]
    """The timer of the moment at which a lease runs out, where that may be work."""
    i = place(row)
    if r.classes[place(h.clients[i, CLASS]), K_EXPIRES] != 0:
        timers.disarm(h, r.shift, row, LEASE_END)
        expires = h.clients[i, SERVER]
        if h.whole[NOW] < expires < FROZEN_BASE:
            timers.arm(h, r.shift, row, LEASE_END, expires)


@inline
def _granted(r, h, row, reached, whole):  # type: ignore[no-untyped-def]
    """Until when a lease runs that is made now."""
    k = place(h.clients[place(row), CLASS])
    if h.of_class[k, FROZEN] != RUN:
        return FROZEN_BASE + whole
    is_credit = r.leases[place(h.class_whole[k, LEASE]), layout.L_KIND] == layout.LEASE_CREDIT
    return (reached if is_credit else h.whole[NOW]) + whole


@inline
def _hear(r, h, number):  # type: ignore[no-untyped-def]
    """A client of a class has renewed or made its lease: clocks that stand until then go on."""
    if h.of_class[place(number), FROZEN] == UNHEARD:
        turn_clocks(r, h, number, np.int64(RUN))


@inline
def grant(r, h, row, request):  # type: ignore[no-untyped-def]
    """A client has its answer in time: a lease, as both see it."""
    i = place(row)
    number = h.clients[i, CLASS]
    now = h.whole[NOW]
    _hear(r, h, number)
    tell_renewed(r, h, row)
    new = _granted(r, h, row, h.requests[place(request), R_REACHED], _new_lease_ns(r, h, row))
    if h.clients[i, SERVER] <= now:
        count(h, number, ESTABLISHED, 1)
        _add_unleased(h, SERVERS_VIEW, row)
    if h.clients[i, HOLDER] <= now:
        _add_unleased(h, HOLDERS_VIEW, row)
    _move(r, h, SERVERS_VIEW, row, new)
    _move(r, h, HOLDERS_VIEW, row, new)
    _arm_expiry(r, h, row)


@kernel
def grant_late(r, h, row, request):  # type: ignore[no-untyped-def]
    """A success after the deadline makes the lease at the server, and never shortens it; its holder does not know."""
    i = place(row)
    number = h.clients[i, CLASS]
    now = h.whole[NOW]
    _hear(r, h, number)
    was = h.clients[i, SERVER]
    tell_renewed(r, h, row)
    new = _granted(r, h, row, h.requests[place(request), R_REACHED], _new_lease_ns(r, h, row))
    if was <= now:
        count(h, number, ESTABLISHED, 1)
        _add_unleased(h, SERVERS_VIEW, row)
    _move(r, h, SERVERS_VIEW, row, max(new, was))
    _arm_expiry(r, h, row)


@kernel
def goes_on(r, h, row):  # type: ignore[no-untyped-def]
    """Whether the rule of leases lets a lease go on that is at its end; a session that was ended is over."""
    i = place(row)
    was_ended = h.clients[i, layout.IS_OVER] != 0
    h.clients[i, layout.IS_OVER] = 0
    tenure = _tenure(r, h, row)
    if was_ended or not has(r, tenure, EXPIRE):
        return False
    now = h.whole[NOW]
    more_s = ask_of_lease(r, h, tenure, np.int64(EXPIRE), row)
    if not more_s > 0.0:
        return False
    new = now + max(draws.whole_ns(more_s * 1e9), 1)
    note(h, layout.LOG_GO_ON, h.clients[i, CLASS], h.clients[i, WHO], h.clients[i, ATTEMPT])
    is_known = h.clients[i, HOLDER] == now
    _move(r, h, SERVERS_VIEW, row, new)
    if is_known:
        _move(r, h, HOLDERS_VIEW, row, new)
    _arm_expiry(r, h, row)
    return True


@kernel
def restart_leases(r, h):  # type: ignore[no-untyped-def]
    """How long leases that run go on as their host restarts, where their rule says so."""
    now = h.whole[NOW]
    for number in range(r.classes.shape[0]):
        tenure = r.classes[number, layout.K_TENURE]
        if not has(r, tenure, RESTART):
            continue
        base = r.classes[number, K_BASE]
        for row in range(base, base + r.classes[number, K_MEMBERS]):
            i = place(row)
            if h.clients[i, SERVER] <= now:
                continue
            left_s = ask_of_lease(r, h, tenure, np.int64(RESTART), np.int64(row))
            if left_s < 0.0:
                continue
            new = now + max(draws.whole_ns(left_s * 1e9), 1)
            if h.clients[i, HOLDER] > now:
                _move(r, h, HOLDERS_VIEW, np.int64(row), new)
            _move(r, h, SERVERS_VIEW, np.int64(row), new)
            _arm_expiry(r, h, np.int64(row))


# --- sessions ---------------------------------------------------------------------------------------------------------


@kernel
def _end_of(r, h, row):  # type: ignore[no-untyped-def]
    """A client's session is over, if it has one. Returns whether it had."""
    i = place(row)
    now = h.whole[NOW]
    is_server, is_holder = h.clients[i, SERVER] > now, h.clients[i, HOLDER] > now
    if not is_server and not is_holder:
        return False
    number = h.clients[i, CLASS]
    count(h, number, layout.ENDED, 1)
    note(h, layout.LOG_END, number, h.clients[i, WHO], h.clients[i, ATTEMPT])
    if r.classes[place(number), K_EXPIRES] != 0:
        timers.disarm(h, r.shift, row, LEASE_END)
        if is_server:
            h.clients[i, layout.IS_OVER] = 1
            timers.arm(h, r.shift, row, LEASE_END, now)
    _move(r, h, SERVERS_VIEW, row, min(h.clients[i, SERVER], now))
    _move(r, h, HOLDERS_VIEW, row, min(h.clients[i, HOLDER], now))
    return True


@kernel
def _learn(r, h, row, how):  # type: ignore[no-untyped-def]
    """A sleeper whose session ended: when does it notice?"""
    i = place(row)
    if h.clients[i, STATE] != ASLEEP:
        return
    check = h.due[place(layout.TIMERS * row + MAIN)]
    disarm(r, h, row)
    if not is_free(r, h, row):
        bind(h, row)
        return
    now = h.whole[NOW]
    time = now if how == layout.AT_ONCE else check
    if how >= 0:
        number = h.clients[i, CLASS]
        time = now + time_ns(r, how, NOTICE_STREAM, number, h.clients[i, WHO], h.clients[i, ATTEMPT] + 1)
    notice_at(r, h, row, time)


@kernel
def _end_session(r, h, number, who, how):  # type: ignore[no-untyped-def]
    """A session ends, and with it those of the classes that are tied to it: first all end, then all learn."""
    root = r.classes[place(number), K_ROOT]
    ended = np.int64(0)
    for k in range(r.classes.shape[0]):
        if r.classes[k, K_ROOT] == root and r.classes[k, K_JOBS] == 0 and _end_of(r, h, r.classes[k, K_BASE] + who):
            ended |= 1 << k
    for k in range(r.classes.shape[0]):
        if (ended >> k) & 1 != 0:
            _learn(r, h, r.classes[k, K_BASE] + who, how)


@kernel
def end_sessions(r, h):  # type: ignore[no-untyped-def]
    """All session ends of this moment, in order of class and client; of equals the order in which they were given."""
    ends = h.whole[layout.ENDS]
    h.whole[layout.ENDS] = 0
    for number in range(r.classes.shape[0]):
        if r.classes[number, K_JOBS] != 0:
            continue
        members = r.classes[number, K_MEMBERS]
        for who in range(members):
            for e in range(ends):
                many = h.ends[e, layout.E_COUNT]
                is_meant = (h.ends[e, layout.E_CLASSES] >> number) & 1 != 0
                if is_meant and (many == NONE or (who + 1) * many // members > who * many // members):
                    _end_session(r, h, np.int64(number), np.int64(who), h.ends[e, layout.E_NOTICE])


@inline
def add_end(h, classes, many, how):  # type: ignore[no-untyped-def]
    """Sessions of so many clients of each of these classes (bits) end now, spread evenly over their numbers; NONE: of
    all. The loop has made sure that there is room.
    """
    e = place(h.whole[layout.ENDS])
    h.ends[e, layout.E_CLASSES] = classes
    h.ends[e, layout.E_NOTICE] = how
    h.ends[e, layout.E_COUNT] = many
    h.whole[layout.ENDS] += 1


# --- clocks that stand ------------------------------------------------------------------------------------------------


@kernel
def turn_clocks(r, h, number, clocks):  # type: ignore[no-untyped-def]
    """Stop the clocks of all leases of a class (STAND; UNHEARD: until one of it is heard of), or let them go on (RUN),
    from what was left or from a whole lease.
    """
    k = place(number)
    was_frozen, is_frozen = h.of_class[k, FROZEN] != RUN, clocks != RUN
    h.of_class[k, FROZEN] = clocks
    if was_frozen == is_frozen:
        return
    now = h.whole[NOW]
    rearms = r.leases[place(h.class_whole[k, LEASE]), layout.L_REARMS] != 0
    base = r.classes[k, K_BASE]
    for row in range(base, base + r.classes[k, K_MEMBERS]):
        i = place(row)
        for view in range(2):
            column = HOLDER if view == HOLDERS_VIEW else SERVER
            expires = h.clients[i, column]
            if is_frozen and expires > now:
                _move(r, h, view, row, FROZEN_BASE + (expires - now))
            elif not is_frozen and expires >= FROZEN_BASE:
                _move(r, h, view, row, now + (whole_lease_ns(r, h, row) if rearms else expires - FROZEN_BASE))
        expires = h.clients[i, SERVER]
        if r.classes[k, K_EXPIRES] != 0 and expires > now:
            # the timer of a lease that runs out at this very moment stays
            _arm_expiry(r, h, np.int64(row))
