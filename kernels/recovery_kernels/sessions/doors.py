"""The door of a host: bars, limiters with their lines, the bound of the queue, silence."""

import numpy as np

from recovery_kernels import draws
from recovery_kernels.controllers import REFUSED, SENT
from recovery_kernels.events import NEVER, place
from recovery_kernels.hooks import ASK, mark_of
from recovery_kernels.jit import inline, kernel
from recovery_kernels.requests import (
    REJECTED_ADMISSION,
    REJECTED_DOWN,
    REJECTED_FULL,
    REJECTED_GATE,
    SUBMITTED,
)
from recovery_kernels.sessions import layout, timers
from recovery_kernels.sessions.books import (
    count,
    cut,
    is_awaited,
    is_only_counted,
    is_owned,
    note,
    note_request,
    quantile_of,
    time_ns,
    time_of,
    uniform,
    workers,
)
from recovery_kernels.sessions.comings import give_up, retries_of, retry, sleep
from recovery_kernels.sessions.hooks import admission_controller, ask_of_request, has, held_back_ns, tell_client
from recovery_kernels.sessions.layout import (
    ASKS,
    ATTEMPT,
    BUSY,
    CLASS,
    COST,
    DEBT_NS,
    DOWN_UNTIL,
    FAR,
    FIRST,
    IN_LINE,
    K_JOBS,
    LENGTH,
    LIMIT,
    LINEAR,
    M_BURST,
    M_CLASSES,
    M_ESTABLISH_ONLY,
    M_KIND,
    M_LIMIT,
    M_LINE,
    M_LOW,
    M_RATE,
    M_WAIT_NS,
    MAIN,
    N_IDLE,
    N_LINE,
    N_OUTSIDE,
    N_WAITING,
    NONE,
    NOW,
    OF_CLIENT,
    OUTSIDE,
    OWN_LIMIT,
    R_ATTEMPT,
    R_CLASS,
    R_DEADLINE,
    R_DOOR,
    R_PLACE,
    R_REACHED,
    R_ROW,
    R_SENT,
    R_WHO,
    REQUEST,
    RESEND,
    SERVER,
    SERVES_FROM,
    STATE,
    TOKEN_BUCKET,
    TOKEN_HINT,
    WAITING,
    WHO,
)
from recovery_kernels.sessions.lists import append, forget, host_row, merge, new_request, push, unlink
from recovery_kernels.sessions.streams import BAR_STREAM, BAR_TIME_STREAM, GATE_STREAM, RESEND_STREAM

GATE_DOOR, ADMISSION_DOOR, DOORS = range(3)
PASS, WAIT, REFUSE = range(3)


# --- buckets: door 0 is the operators' throttle, door 1 admission, the others are more throttles ----------------------
# A door's numbers stand side by side in `whole` and `real`: those of admission behind those of the gate, those of more
# throttles behind all of the host. Requests pass the throttles first, so the doors are not passed in their order.


@inline
def more_gates(h):  # type: ignore[no-untyped-def]
    """How many throttles there are beside the first."""
    return (h.whole.shape[0] - layout.WHOLE) // layout.MORE_WHOLE


@inline
def gate_door(number):  # type: ignore[no-untyped-def]
    """The door of a throttle."""
    return GATE_DOOR if number == 0 else number + 1


@inline
def gate_number(door):  # type: ignore[no-untyped-def]
    """Which throttle a door is."""
    return 0 if door == GATE_DOOR else door - 1


@inline
def gate_at(door):  # type: ignore[no-untyped-def]
    """Place of the limiter that a throttle is."""
    more = layout.WHOLE + layout.MORE_WHOLE * (door - DOORS) + layout.MORE_GATE
    return layout.GATE if door == GATE_DOOR else more


@inline
def tokens_at(door):  # type: ignore[no-untyped-def]
    """Place of a door's tokens; its rate, burst and share follow."""
    if door < DOORS:
        return layout.GATE_TOKENS if door == GATE_DOOR else layout.ADMISSION_TOKENS
    return layout.REAL + layout.MORE_REAL * (door - DOORS)


@inline
def filled_at(door):  # type: ignore[no-untyped-def]
    """Place of the time up to which a door's bucket is filled."""
    if door < DOORS:
        return layout.GATE_AT if door == GATE_DOOR else layout.ADMISSION_AT
    return layout.WHOLE + layout.MORE_WHOLE * (door - DOORS) + layout.MORE_GATE_AT


@inline
def closed_at(door):  # type: ignore[no-untyped-def]
    """Place of whether a door is closed, as its switch has it."""
    if door < DOORS:
        return layout.GATE_CLOSED if door == GATE_DOOR else layout.ADMISSION_CLOSED
    return layout.WHOLE + layout.MORE_WHOLE * (door - DOORS) + layout.MORE_GATE_CLOSED


@inline
def tick_at(door):  # type: ignore[no-untyped-def]
    """Place of the moment at which the first in a door's line gets its token."""
    return layout.GATE_TICK if door == GATE_DOOR else layout.ADMISSION_TICK


@inline
def limiter_of(r, h, door):  # type: ignore[no-untyped-def]
    """Which limiter a door is; NONE: it stands open."""
    return h.set_whole[layout.ADMISSION] if door == ADMISSION_DOOR else h.whole[gate_at(door)]


@inline
def line_of(h, door):  # type: ignore[no-untyped-def]
    """The list of those that wait at a door; at more throttles than one nobody ever does."""
    return host_row(h) + 1 + door


@inline
def rule(r, h, door, column):  # type: ignore[no-untyped-def]
    """A number of a door's limiter; admission's may have been edited."""
    if door == ADMISSION_DOOR and column != M_LOW:
        return h.set_real[layout.A_RATE + column]
    return r.limiter_reals[place(limiter_of(r, h, door)), column]


@inline
def line_limit(r, h, door):  # type: ignore[no-untyped-def]
    """How many may wait in a door's line."""
    if door == ADMISSION_DOOR:
        return h.set_whole[layout.ADMISSION_LINE]
    return r.limiters[place(limiter_of(r, h, door)), M_LINE]


@inline
def level(h, door, time):  # type: ignore[no-untyped-def]
    """Tokens of a door at a time from where it is filled on, if nobody takes any."""
    t = tokens_at(door)
    passed = max(time - h.whole[filled_at(door)], 0)
    return min(h.real[t + 2], h.real[t] + h.real[t + 1] * passed)


@kernel
def fill(h, door):  # type: ignore[no-untyped-def]
    """Let drip in what is due now."""
    now = h.whole[NOW]
    h.real[tokens_at(door)] = level(h, door, now)
    h.whole[filled_at(door)] = max(h.whole[filled_at(door)], now)


@kernel
def ready(h, door, cost):  # type: ignore[no-untyped-def]
    """The first whole ns at which a door's bucket holds so many tokens; NEVER."""
    at = h.whole[filled_at(door)]
    if level(h, door, at + FAR) < cost:
        return NEVER
    low, high = at - 1, at + FAR
    while high - low > 1:
        middle = (low + high) // 2
        if level(h, door, middle) >= cost:
            high = middle
        else:
            low = middle
    return high


@inline
def cost_of(h, number):  # type: ignore[no-untyped-def]
    """Tokens that an attempt of a class takes."""
    return h.class_real[place(number), COST]


@kernel
def arm_tick(r, h, door):  # type: ignore[no-untyped-def]
    """When the first in a line gets its token."""
    h.whole[tick_at(door)] = NEVER
    if r.has_lines == 0:
        return
    line = line_of(h, door)
    if h.lists[line, LENGTH] > 0:
        first = h.lists[line, FIRST]
        time = ready(h, door, cost_of(h, h.requests[place(first), R_CLASS]))
        if time != NEVER:
            h.whole[tick_at(door)] = max(time, h.whole[NOW])


@inline
def is_leased_client(r, h, request):  # type: ignore[no-untyped-def]
    """Whether the server sees a lease of a request's client."""
    number = place(h.requests[place(request), R_CLASS])
    if r.classes[number, K_JOBS] != 0 or not is_owned(h, request):
        return False
    return h.clients[place(h.requests[place(request), R_ROW]), SERVER] > h.whole[NOW]


@kernel
def look_for_limiters(r, h):  # type: ignore[no-untyped-def]
    """Note whether any limiter may ever hold up a request: most hosts have none, and then nobody looks at the doors."""
    h.whole[layout.HAS_LIMITERS] = 0
    for which in range(r.limiters.shape[0]):
        if r.limiters[which, M_KIND] != layout.OPEN:
            h.whole[layout.HAS_LIMITERS] = 1


@inline
def _is_for(r, h, door, number, request):  # type: ignore[no-untyped-def]
    which = limiter_of(r, h, door)
    if which == NONE:
        return False
    w = place(which)
    if r.limiters[w, M_KIND] == layout.OPEN or ((r.limiters[w, M_CLASSES] >> number) & 1) == 0:
        return False
    return not (r.limiters[w, M_ESTABLISH_ONLY] != 0 and is_leased_client(r, h, request))


@kernel
def _ask(r, h, door, request, cost):  # type: ignore[no-untyped-def]
    """What happens at a door to a request that comes now: it passes, waits, or is refused."""
    i = place(request)
    kind = r.limiters[place(limiter_of(r, h, door)), M_KIND]
    queue = h.whole[WAITING]
    limit = rule(r, h, door, M_LIMIT)
    low = rule(r, h, door, M_LOW)
    if kind == layout.SWITCH:
        closed = closed_at(door)
        is_closed = queue >= limit or (h.whole[closed] != 0 and queue > low)
        h.whole[closed] = 1 if is_closed else 0
        return REFUSE if is_closed else PASS
    if kind == layout.RAMP:
        key = r.keys[place(h.requests[i, R_CLASS]), draws.ADMISSION]
        if door != ADMISSION_DOOR:
            key = draws.at(r.keys[place(h.requests[i, R_CLASS]), GATE_STREAM], gate_number(door))
        u = draws.uniform(key, h.requests[i, R_WHO], h.requests[i, R_ATTEMPT])
        return REFUSE if u * (limit - low) < queue - low else PASS
    if kind == layout.CONTROLLER:
        return PASS if ask_of_request(r, h, admission_controller(r, h), np.int64(ASK), request) > 0.0 else REFUSE
    t = tokens_at(door)
    line = line_of(h, door)
    if h.lists[line, LENGTH] == 0:
        fill(h, door)
        share = max(0.0, 1.0 - queue / limit) if kind == LINEAR else 1.0
        h.real[t + 3] = share
        h.real[t + 1] = rule(r, h, door, M_RATE) * share
        if h.real[t] >= cost:
            return PASS
    if h.lists[line, LENGTH] >= line_limit(r, h, door) or rule(r, h, door, M_BURST) < cost:
        return REFUSE
    before = 0.0
    for k in range(host_row(h)):
        before += h.of_class[k, layout.LINE_GATE + door] * cost_of(h, k)
    missing = before + cost - level(h, door, h.whole[NOW])
    rate = h.real[t + 1]
    wait_ns = missing / rate if rate > 0.0 else np.inf
    return WAIT if wait_ns <= rule(r, h, door, M_WAIT_NS) else REFUSE


@inline
def _spend(r, h, door, cost):  # type: ignore[no-untyped-def]
    kind = r.limiters[place(limiter_of(r, h, door)), M_KIND]
    if kind in (TOKEN_BUCKET, LINEAR):
        h.real[tokens_at(door)] -= cost


@inline
def leave_line(h, request):  # type: ignore[no-untyped-def]
    """A request leaves the line in which it waits."""
    i = place(request)
    door, number = h.requests[i, R_DOOR], h.requests[i, R_CLASS]
    unlink(h, line_of(h, door), request)
    h.of_class[place(number), N_LINE] -= 1
    h.of_class[place(number), layout.LINE_GATE + door] -= 1


# --- the bound --------------------------------------------------------------------------------------------------------


@inline
def has_free_worker(h):  # type: ignore[no-untyped-def]
    """Whether a worker would take a request now."""
    return h.whole[NOW] >= h.whole[SERVES_FROM] and h.whole[BUSY] < workers(h)


@kernel
def is_full(h, number):  # type: ignore[no-untyped-def]
    """Whether no worker is free, and as many wait as may."""
    if has_free_worker(h):
        return False
    own = h.class_whole[place(number), OWN_LIMIT]
    if own != NONE:
        return h.of_class[place(number), N_WAITING] >= own
    limit = h.set_whole[LIMIT]
    if limit == NONE:
        return False
    waiting = h.of_class[place(host_row(h)), N_WAITING]
    for k in range(host_row(h)):
        if h.class_whole[k, OWN_LIMIT] == NONE:
            waiting += h.of_class[k, N_WAITING]
    return waiting >= limit


# --- answers ----------------------------------------------------------------------------------------------------------


@inline
def end(h, request, column):  # type: ignore[no-untyped-def]
    """A request that belongs to a client is over, in a way that is counted."""
    count(h, h.requests[place(request), R_CLASS], column, 1)
    forget(h, request)


@kernel
def _hint_ns(h, request, door):  # type: ignore[no-untyped-def]
    """When to come back, as the host says with a rejection; < 0: it says nothing. `door` NONE: the bound refused."""
    how = h.set_whole[layout.HINT]
    if how == layout.FIXED_HINT:
        return np.float64(h.set_whole[layout.HINT_NS])
    if how == layout.QUEUE_HINT:
        return np.float64(h.set_whole[layout.HINT_NS] * h.whole[WAITING]) / np.float64(max(workers(h), 1))
    if how == TOKEN_HINT and door != NONE:
        time = ready(h, door, cost_of(h, h.requests[place(request), R_CLASS]))
        if time != NEVER:
            return np.float64(max(time - h.whole[NOW], 0))
    return -1.0


@kernel
def refuse(r, h, request, column, door):  # type: ignore[no-untyped-def]
    """A request is turned away, and its client learns it at once."""
    i = place(request)
    row = h.requests[i, R_ROW] if is_awaited(h, request) else np.int64(NONE)
    hint_ns = -1.0 if column == REJECTED_DOWN else _hint_ns(h, request, door)
    note_request(h, layout.LOG_REJECT, request)
    end(h, request, column)
    if column != REJECTED_DOWN:
        h.whole[DEBT_NS] = cut(h.whole[DEBT_NS] + h.set_whole[layout.REJECT_COST_NS])
    if row != NONE:
        retry(r, h, row, np.int64(REFUSED), hint_ns)


@kernel
def _leave_outside(r, h, request):  # type: ignore[no-untyped-def]
    """A full queue says nothing: the client waits, and may send the same attempt again."""
    i = place(request)
    if not is_awaited(h, request):  # it waited for its token until nobody waited for it
        end(h, request, layout.UNANSWERED)
        return
    number, who, attempt, sent = (
        h.requests[i, R_CLASS],
        h.requests[i, R_WHO],
        h.requests[i, R_ATTEMPT],
        h.requests[i, R_SENT],
    )
    h.requests[i, R_PLACE] = OUTSIDE
    h.of_class[place(number), N_OUTSIDE] += 1
    note_request(h, layout.LOG_SILENCE, request)
    dist = h.set_whole[layout.RESEND_GAP]
    if dist == NONE:
        return
    gap = r.dist_reals[place(dist), 0]
    if r.dists[place(dist), layout.D_KIND] != draws.CONSTANT:
        key = draws.at(r.keys[place(number), RESEND_STREAM], attempt)
        gap = quantile_of(r, dist, draws.uniform(key, who, sent))
    for _ in range(sent):
        grown = min(gap * h.set_real[layout.RESEND_GROWTH], np.float64(FAR))
        if grown == gap:  # for good
            break
        gap = grown
    gap_ns = max(draws.whole_ns(gap), 1)
    h.requests[i, R_SENT] = sent + 1
    if h.whole[NOW] + gap_ns < h.requests[i, R_DEADLINE]:
        timers.arm(h, r.shift, h.requests[i, R_ROW], RESEND, h.whole[NOW] + gap_ns)


@kernel
def _has_place(r, h, request):  # type: ignore[no-untyped-def]
    """Whether the queue's discipline lets a request in, which gets its mark."""
    if not has(r, r.queue_controller, ASK):
        return True
    said = ask_of_request(r, h, r.queue_controller, np.int64(ASK), request)
    h.requests[place(request), layout.R_MARK] = mark_of(said)
    return said >= 1.0


@kernel
def pass_doors(r, h, request, first, taken):  # type: ignore[no-untyped-def]
    """A request passes one door after the other, throttles first, then admission, from the `first` of them on, then the
    bound. `taken`: doors, as bits, whose tokens are still to be taken: it takes them only if all let it in, or where a
    later one lets it wait.
    """
    i = place(request)
    number = h.requests[i, R_CLASS]
    cost = cost_of(h, number)
    doors = 0 if h.whole[layout.HAS_LIMITERS] == 0 else more_gates(h) + DOORS
    for turn in range(first, doors):
        door = ADMISSION_DOOR if turn == doors - 1 else gate_door(turn)
        if not _is_for(r, h, door, number, request):
            continue
        said = _ask(r, h, door, request, cost)
        if said == REFUSE:
            refuse(r, h, request, REJECTED_ADMISSION if door == ADMISSION_DOOR else REJECTED_GATE, np.int64(door))
            return
        if said == WAIT:
            for other in range(doors):
                if (taken >> other) & 1 != 0:
                    _spend(r, h, other, cost)
            h.requests[i, R_PLACE] = IN_LINE
            h.requests[i, R_DOOR] = door
            append(h, line_of(h, door), request)
            h.of_class[place(number), N_LINE] += 1
            h.of_class[place(number), layout.LINE_GATE + door] += 1
            note_request(h, layout.LOG_WAIT, request)
            arm_tick(r, h, door)
            return
        taken |= 1 << door
    if is_full(h, number) or not _has_place(r, h, request):
        if h.set_whole[layout.FULL] == layout.SILENT:
            _leave_outside(r, h, request)
        else:
            refuse(r, h, request, REJECTED_FULL, np.int64(NONE))
        return
    for door in range(doors):
        if (taken >> door) & 1 != 0:
            _spend(r, h, door, cost)
    push(r, h, request)
    if r.merges != 0 and is_only_counted(r, h, request):
        merge(h, request)  # it waited for its token until nobody waited for it


@inline
def knock(r, h, request):  # type: ignore[no-untyped-def]
    """A request reaches the door, for the first time or sent again."""
    h.requests[place(request), R_REACHED] = h.whole[NOW]
    if h.whole[NOW] < h.whole[DOWN_UNTIL]:
        refuse(r, h, request, REJECTED_DOWN, np.int64(NONE))
    else:
        pass_doors(r, h, request, np.int64(0), np.int64(0))


@kernel
def resend(r, h, row):  # type: ignore[no-untyped-def]
    """The same attempt knocks again."""
    request = h.clients[place(row), REQUEST]
    number = h.clients[place(row), CLASS]
    h.of_class[place(number), N_OUTSIDE] -= 1
    h.requests[place(request), R_PLACE] = layout.NOWHERE
    count(h, number, layout.RESENT, 1)
    note_request(h, layout.LOG_RESEND, request)
    knock(r, h, request)


@kernel
def serve_line(r, h, door):  # type: ignore[no-untyped-def]
    """Those in a line whose tokens are there go on, in order."""
    fill(h, door)
    line = line_of(h, door)
    while h.lists[line, LENGTH] > 0:
        request = h.lists[line, FIRST]
        if h.real[tokens_at(door)] < cost_of(h, h.requests[place(request), R_CLASS]):
            break
        leave_line(h, request)
        pass_doors(r, h, request, np.int64(1) if door == GATE_DOOR else more_gates(h) + DOORS, np.int64(1 << door))
    arm_tick(r, h, door)


# --- a submission -----------------------------------------------------------------------------------------------------


@kernel
def _is_barred(r, h, row):  # type: ignore[no-untyped-def]
    """Whether an attempt is among those that are barred."""
    i = place(row)
    number = h.clients[i, CLASS]
    share = h.set_real[layout.BAR_SHARE]
    if (h.set_whole[layout.BAR_CLASSES] >> number) & 1 == 0:
        return False
    is_leased = r.classes[place(number), K_JOBS] == 0 and h.clients[i, SERVER] > h.whole[NOW]
    if h.set_whole[layout.BAR_ONLY] != 0 and is_leased:
        return False
    return uniform(r, BAR_STREAM, number, h.clients[i, WHO], h.clients[i, ATTEMPT]) < share


@inline
def _timeout_ns(r, h, row):  # type: ignore[no-untyped-def]
    """How long the client waits for an answer to its newest attempt."""
    i = place(row)
    number = h.clients[i, CLASS]
    k = place(number)
    time = time_of(r, h.class_whole[k, layout.TIMEOUT], draws.TIMEOUT, number, h.clients[i, WHO], h.clients[i, ATTEMPT])
    growth = h.class_real[k, layout.TIMEOUT_GROWTH]
    if growth != 1.0:
        for _ in range(h.clients[i, layout.GROWN]):
            grown = max(time, min(time * growth, h.class_real[k, layout.TIMEOUT_CAP_NS]))
            if grown == time:
                break
            time = grown
    return max(draws.whole_ns(time), 1)


@inline
def submit(r, h, row):  # type: ignore[no-untyped-def]
    """An attempt is made by a client that asks for nothing."""
    i = place(row)
    number, who = h.clients[i, CLASS], h.clients[i, WHO]
    h.clients[i, ATTEMPT] += 1
    attempt = h.clients[i, ATTEMPT]
    count(h, number, SUBMITTED, 1)
    note(h, layout.LOG_SUBMIT, number, who, attempt)
    held_ns = held_back_ns(r, h, row)
    if held_ns != 0:
        count(h, number, layout.BARRED, 1)
        note(h, layout.LOG_BAR, number, who, attempt)
        if held_ns < 0 and retries_of(r, h, number) >= 0:
            give_up(h, row)
            return
        sleep(r, h, row, h.whole[NOW] + abs(held_ns))
        return
    if h.set_real[layout.BAR_SHARE] > 0.0 and _is_barred(r, h, row):
        count(h, number, layout.BARRED, 1)
        note(h, layout.LOG_BAR, number, who, attempt)
        time = time_ns(r, h.set_whole[layout.BAR_TIME], BAR_TIME_STREAM, number, who, attempt)
        sleep(r, h, row, h.whole[NOW] + max(time, h.set_whole[layout.ROUND_TRIP_NS]))
        return
    h.clients[i, STATE] = ASKS
    h.clients[i, layout.SENT_AT] = h.whole[NOW]
    tell_client(r, h, row, np.int64(SENT), -1.0)
    h.of_class[place(number), N_IDLE] -= 1
    deadline = h.whole[NOW] + _timeout_ns(r, h, row)
    request = new_request(h, number, row, who, attempt, OF_CLIENT, deadline)
    h.clients[i, REQUEST] = request
    timers.arm(h, r.shift, row, MAIN, deadline)
    knock(r, h, request)
