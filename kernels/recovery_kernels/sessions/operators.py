"""What people do to a host: every control is an edit at a time. In force is what was begun last and is not over."""

import math

import numpy as np

from recovery_kernels.events import NEVER, place
from recovery_kernels.hooks import BEGIN
from recovery_kernels.jit import inline, kernel
from recovery_kernels.sessions import layout
from recovery_kernels.sessions.books import is_only_counted, note, note_request, time_ns
from recovery_kernels.sessions.comings import change_rate, is_held, sleep
from recovery_kernels.sessions.doors import (
    ADMISSION_DOOR,
    DOORS,
    GATE_DOOR,
    arm_tick,
    closed_at,
    fill,
    filled_at,
    gate_at,
    gate_door,
    leave_line,
    limiter_of,
    line_of,
    more_gates,
    pass_doors,
    tick_at,
    tokens_at,
)
from recovery_kernels.sessions.failures import go_down, lose, sort, wake_at_serving
from recovery_kernels.sessions.hooks import admission_controller, begin, has
from recovery_kernels.sessions.labour import work
from recovery_kernels.sessions.layout import (
    C_A,
    C_B,
    C_C,
    C_D,
    C_SHOWN,
    C_WHAT,
    CONTROL,
    FIRST,
    H_BEFORE,
    H_CLASS,
    H_IS_REAL,
    H_KEY,
    H_ON,
    H_OVER,
    H_TO,
    H_VALUE,
    HR_BEFORE,
    HR_TO,
    HR_VALUE,
    K_JOBS,
    LENGTH,
    LINEAR,
    M_BURST,
    M_KIND,
    M_RATE,
    NONE,
    NOW,
    OF_CLIENT,
    R_NATURE,
    SEEN_SHARE,
    STATE,
)
from recovery_kernels.sessions.leases import add_end, turn_clocks
from recovery_kernels.sessions.lists import age, host_row
from recovery_kernels.sessions.streams import RESUME_STREAM

# --- the dependency ---------------------------------------------------------------------------------------------------


@kernel
def see(r, h, share):  # type: ignore[no-untyped-def]
    """What the host sees of the dependency changes: clocks of leases stand or go on, what hung may begin."""
    h.whole[layout.HOLD_OFF_AT] = NEVER
    h.real[SEEN_SHARE] = share
    note(h, layout.LOG_DEPENDENCY, host_row(h), np.int64(0), np.int64(0))
    for number in range(host_row(h)):
        if r.classes[number, K_JOBS] == 0:
            lease = place(h.class_whole[number, layout.LEASE])
            kind = r.leases[lease, layout.L_KIND]
            clocks = layout.RUN
            may_stand = kind == layout.LEASE_FREEZE or kind == layout.LEASE_FREEZE_UNTIL_HEARD
            if may_stand and share >= r.lease_reals[lease]:
                clocks = layout.STAND
            elif kind == layout.LEASE_FREEZE_UNTIL_HEARD and h.of_class[number, layout.FROZEN] != layout.RUN:
                clocks = layout.UNHEARD
            turn_clocks(r, h, np.int64(number), np.int64(clocks))
    if h.whole[layout.HANGING] == 0:
        return
    size = 0
    for worker in range(h.at_worker.shape[0]):
        request = h.at_worker[worker]
        if request == NONE or h.finish[worker] != NEVER or h.requests[place(request), R_NATURE] != OF_CLIENT:
            continue
        if h.fates[place(request)] >= share:
            h.scratch[size] = request
            size += 1
    sort(r, h, np.int64(size))
    for k in range(size):
        note_request(h, layout.LOG_RESUME, h.scratch[k])
        h.whole[layout.HANGING] -= 1
        work(r, h, h.scratch[k])


@kernel
def dependency(r, h, share):  # type: ignore[no-untyped-def]
    """The dependency begins to fail this share. After a full outage the host asks again only after a hold-off."""
    whole = h.whole
    whole[layout.HOLD_OFF_AT] = NEVER
    if h.real[SEEN_SHARE] >= 1.0 > share:
        pause = time_ns(
            r, h.set_whole[layout.RESUME_AFTER], RESUME_STREAM, np.int64(0), np.int64(0), whole[layout.OUTAGES_OVER]
        )
        whole[layout.OUTAGES_OVER] += 1
        if pause > 0:
            whole[layout.HOLD_OFF_AT] = whole[NOW] + pause
            h.real[layout.HOLD_OFF_SHARE] = share
            return
    see(r, h, share)


# --- edits of live keys -----------------------------------------------------------------------------------------------


@inline
def _whole_in_force(h, number, key):  # type: ignore[no-untyped-def]
    return h.set_whole[key] if number == NONE else h.class_whole[place(number), key]


@inline
def _real_in_force(h, number, key):  # type: ignore[no-untyped-def]
    return h.set_real[key] if number == NONE else h.class_real[place(number), key]


@kernel
def _turn_admission(r, h):  # type: ignore[no-untyped-def]
    """Another rule of admission begins as on a host that begins: with a full bucket, open, a controller without memory.
    Whoever waited in the line of the old one asks the new one, in order.
    """
    t, line = tokens_at(ADMISSION_DOOR), line_of(h, ADMISSION_DOOR)
    h.real[t] = h.set_real[layout.A_BURST]
    h.real[t + 1] = 0.0
    h.real[t + 2] = h.set_real[layout.A_BURST]
    h.real[t + 3] = 1.0
    h.whole[filled_at(ADMISSION_DOOR)] = max(h.whole[NOW], h.whole[layout.DOWN_UNTIL])
    h.whole[layout.ADMISSION_CLOSED] = 0
    h.whole[tick_at(ADMISSION_DOOR)] = NEVER
    if has(r, admission_controller(r, h), BEGIN):
        begin(r, h, admission_controller(r, h))
    size = 0
    while h.lists[line, LENGTH] > 0:
        h.scratch[size] = h.lists[line, FIRST]
        leave_line(h, h.scratch[size])
        size += 1
    for k in range(size):
        pass_doors(r, h, h.scratch[k], more_gates(h) + DOORS - 1, np.int64(0))


@kernel
def _has_changed(r, h, number, key, is_real):  # type: ignore[no-untyped-def]
    """See to what hangs on the value of a key, which has changed."""
    if number == NONE:
        is_admission = (is_real and layout.A_RATE <= key <= layout.A_WAIT_NS) or (
            not is_real and key == layout.ADMISSION_LINE
        )
        if not is_real and key == layout.ADMISSION:
            _turn_admission(r, h)
        elif is_admission and h.set_whole[layout.ADMISSION] != NONE:
            fill(h, ADMISSION_DOOR)
            t = tokens_at(ADMISSION_DOOR)
            h.real[t + 1] = h.set_real[layout.A_RATE] * h.real[t + 3]
            h.real[t + 2] = h.set_real[layout.A_BURST]
            h.real[t] = min(h.real[t], h.real[t + 2])
            arm_tick(r, h, ADMISSION_DOOR)
    elif is_real and key == layout.RATE:
        if r.classes[place(number), layout.K_SEGMENTS] > 0:
            change_rate(r, h, number)
    elif is_real and key == layout.COST:
        for door in range(DOORS):
            if limiter_of(r, h, door) != NONE:
                arm_tick(r, h, door)


@kernel
def _put_in_force(r, h, hand):  # type: ignore[no-untyped-def]
    """The key of an edit gets the value of the edit that was begun last and is not over, or its first value."""
    number, key, is_real = h.hands[hand, H_CLASS], h.hands[hand, H_KEY], h.hands[hand, H_IS_REAL]
    last, begun = np.int64(NONE), np.int64(0)
    for k in range(h.hands.shape[0]):
        if (
            h.hands[k, H_ON] > begun
            and h.hands[k, H_CLASS] == number
            and h.hands[k, H_KEY] == key
            and h.hands[k, H_IS_REAL] == is_real
        ):
            last, begun = np.int64(k), h.hands[k, H_ON]
    if is_real != 0:
        before = _real_in_force(h, number, key)
        value = h.base_real[key] if number == NONE else h.base_class_real[place(max(number, 0)), key]
        if last != NONE:
            value = h.hand_reals[last, HR_VALUE]
        if value == before or (value != value and before != before):
            return
        if number == NONE:
            h.set_real[key] = value
        else:
            h.class_real[place(number), key] = value
        _has_changed(r, h, number, key, True)
        return
    before = _whole_in_force(h, number, key)
    whole = h.base_whole[key] if number == NONE else h.base_class_whole[place(max(number, 0)), key]
    if last != NONE:
        whole = h.hands[last, H_VALUE]
    if whole == before:
        return
    if number == NONE:
        if key == layout.LATE:
            ages(r, h)
        h.set_whole[key] = whole
    else:
        h.class_whole[place(number), key] = whole
    _has_changed(r, h, number, key, False)


@kernel
def ages(r, h):  # type: ignore[no-untyped-def]
    """The age of all that waits and has one: what is the oldest may be decided by another rule from now on."""
    for number in range(host_row(h) + 1):
        request = h.lists[number, FIRST]
        while request != NONE:
            if not is_only_counted(r, h, request):
                age(h, request)
            request = h.requests[place(request), layout.R_NEXT]


@kernel
def _begin_edit(r, h, hand):  # type: ignore[no-untyped-def]
    """An edit begins; a ramp with what is in force."""
    number, key = h.hands[hand, H_CLASS], h.hands[hand, H_KEY]
    h.whole[layout.BEGUN] += 1
    h.hands[hand, H_ON] = h.whole[layout.BEGUN]
    if h.hands[hand, H_IS_REAL] != 0:
        before = _real_in_force(h, number, key)
        h.hand_reals[hand, HR_BEFORE] = before
        h.hand_reals[hand, HR_VALUE] = before if h.hands[hand, H_OVER] > 0 else h.hand_reals[hand, HR_TO]
    else:
        whole = _whole_in_force(h, number, key)
        h.hands[hand, H_BEFORE] = whole
        h.hands[hand, H_VALUE] = whole if h.hands[hand, H_OVER] > 0 else h.hands[hand, H_TO]
    _put_in_force(r, h, hand)


@kernel
def _step(r, h, hand, passed_ns):  # type: ignore[no-untyped-def]
    """A ramp has gone on for so long."""
    over = h.hands[hand, H_OVER]
    if h.hands[hand, H_IS_REAL] != 0:
        before, to = h.hand_reals[hand, HR_BEFORE], h.hand_reals[hand, HR_TO]
        h.hand_reals[hand, HR_VALUE] = to if passed_ns >= over else before + (to - before) * (passed_ns / over)
    else:
        first, last = h.hands[hand, H_BEFORE], h.hands[hand, H_TO]
        value = np.int64(math.floor(first + (last - first) * (passed_ns / over) + 0.5))
        h.hands[hand, H_VALUE] = last if passed_ns >= over else value
    if h.hands[hand, H_ON] != 0:
        _put_in_force(r, h, hand)


# --- the operators' throttle ------------------------------------------------------------------------------------------


@kernel
def _turn_gate(r, h, number, limiter):  # type: ignore[no-untyped-def]
    """A throttle begins with a full bucket, changes as it stands, or goes: then all in its line go on. Only the first
    one (number 0) has a line.
    """
    whole = h.whole
    door = gate_door(number)
    t, at = tokens_at(door), gate_at(door)
    old = whole[at]
    if limiter == NONE:
        whole[at] = NONE
        if door == GATE_DOOR:
            whole[tick_at(GATE_DOOR)] = NEVER
            line = line_of(h, GATE_DOOR)
            while h.lists[line, LENGTH] > 0:
                request = h.lists[line, FIRST]
                leave_line(h, request)
                pass_doors(r, h, request, np.int64(1), np.int64(0))
        return
    rate, burst = r.limiter_reals[place(limiter), M_RATE], r.limiter_reals[place(limiter), M_BURST]
    if old == NONE:
        whole[at] = limiter
        whole[filled_at(door)] = whole[NOW]
        whole[closed_at(door)] = 0
        h.real[t] = burst
        h.real[t + 1] = rate
        h.real[t + 2] = burst
        h.real[t + 3] = 1.0
    elif old != limiter:
        fill(h, door)
        whole[at] = limiter
        if r.limiters[place(limiter), M_KIND] != LINEAR:
            h.real[t + 3] = 1.0
        h.real[t + 1] = rate * h.real[t + 3]
        h.real[t + 2] = burst
        h.real[t] = min(h.real[t], burst)
        if door == GATE_DOOR:
            arm_tick(r, h, GATE_DOOR)


# --- clients ----------------------------------------------------------------------------------------------------------


@kernel
def _let_in(r, h, hold):  # type: ignore[no-untyped-def]
    """The next wave is let in: what was kept of it is submitted now."""
    h.holds[hold, layout.O_LET_IN] += 1
    if h.holds[hold, layout.O_LET_IN] == h.holds[hold, layout.O_WAVES]:
        h.holds[hold, layout.O_ON] = 0
        h.whole[layout.HOLDS_ON] -= 1
    for row in range(h.clients.shape[0]):
        if h.clients[row, STATE] == layout.KEPT and not is_held(h, row):
            h.of_class[place(h.clients[row, layout.CLASS]), layout.N_KEPT] -= 1
            sleep(r, h, np.int64(row), h.whole[NOW])


@kernel
def control(r, h):  # type: ignore[no-untyped-def]
    """Carry out the next control."""
    whole = h.whole
    i = place(whole[CONTROL])
    whole[CONTROL] += 1
    what = r.controls[i, C_WHAT]
    a, b, c, d = r.controls[i, C_A], r.controls[i, C_B], r.controls[i, C_C], r.controls[i, C_D]
    share = r.control_reals[i, 0]
    if r.controls[i, C_SHOWN] != 0:
        note(h, r.controls[i, C_SHOWN], host_row(h), np.int64(0), np.int64(0))
    if what == layout.DO_DEPENDENCY:
        dependency(r, h, share)
    elif what == layout.DO_RESTART:  # how long it is down, whether told, whether sessions end, notice
        go_down(r, h, a, b != 0)
        if c != 0:
            add_end(h, np.int64((1 << layout.MAX_CLASSES) - 1), np.int64(NONE), d)
    elif what == layout.DO_END_SESSIONS:  # classes, notice, of how many clients; with a share of 1 of all
        add_end(h, a, np.int64(NONE) if share == 1.0 else c, b)
    elif what == layout.DO_THROTTLE:  # which limiter, which throttle
        _turn_gate(r, h, b, a)
    elif what == layout.DO_SET:  # which edit
        _begin_edit(r, h, a)
    elif what == layout.DO_STEP:  # which edit, how long it has gone on
        _step(r, h, a, b)
    elif what == layout.DO_UNSET:
        h.hands[a, H_ON] = 0
        _put_in_force(r, h, a)
    elif what == layout.DO_SCALE:
        whole[layout.MORE_WORKERS] += a
    elif what == layout.DO_SHARE:  # whether the host comes in
        if a != 0:
            whole[layout.SERVES_FROM] = max(whole[layout.SERVES_FROM], whole[NOW] + h.set_whole[layout.START_TIME_NS])
            wake_at_serving(h)
        if share != h.real[layout.ARRIVAL_SHARE]:
            h.real[layout.ARRIVAL_SHARE] = share
            for number in range(host_row(h)):
                if r.classes[number, layout.K_SEGMENTS] > 0:
                    change_rate(r, h, np.int64(number))
    elif what == layout.DO_HOLD:  # which hold
        h.holds[a, layout.O_ON] = 1
        h.holds[a, layout.O_LET_IN] = 0
        whole[layout.HOLDS_ON] += 1
    elif what == layout.DO_LET_IN:
        _let_in(r, h, a)
    elif what == layout.DO_PURGE:  # classes (NONE: all, and the host's own), whether told
        lose(r, h, a, False, np.int64(layout.PURGED), b != 0)
