"""Where controllers are asked and told: the loop names none of them, and calls each by its address.

A controller is a row of `Rules.controllers` (recovery_kernels.hooks).
"""

import numpy as np

from recovery_kernels import draws, hooks
from recovery_kernels.controllers import NOTHING, RENEWED, RESTARTED
from recovery_kernels.events import place
from recovery_kernels.hooks import (
    ASK,
    BEGIN,
    F_ATTEMPT,
    F_CAPACITY,
    F_CLIENT,
    F_COST,
    F_EVENT,
    F_HINT,
    F_HOLDS,
    F_IN_SERVICE,
    F_IS_LEASED,
    F_LAST,
    F_LEFT,
    F_MARK,
    F_MEMBERS,
    F_NOW,
    F_NUMBER,
    F_SOJOURN,
    F_TIMEOUT,
    F_TRIES,
    F_U,
    F_U_CLIENT,
    F_WAITED,
    F_WAITING,
    F_WORKERS,
    P_GROUP,
    P_MEMORY,
    P_SIZE,
    TOLD,
    WAIT,
)
from recovery_kernels.jit import inline, kernel
from recovery_kernels.sessions import layout
from recovery_kernels.sessions.books import is_owned, workers
from recovery_kernels.sessions.layout import (
    ATTEMPT,
    BUSY,
    CLASS,
    HOLDER,
    K_JOBS,
    NOW,
    OF_CLIENT,
    R_ATTEMPT,
    R_CLASS,
    R_DEADLINE,
    R_MARK,
    R_NATURE,
    R_PLACE,
    R_REACHED,
    R_ROW,
    R_STARTED,
    R_SUBMITTED,
    R_WHO,
    SERVER,
    TRIES,
    WAITING,
    WHO,
)
from recovery_kernels.sessions.streams import CLIENT_STREAM, CONTROLLER_STREAM


@inline
def has(r, c, hook):  # type: ignore[no-untyped-def]
    """Whether there is such a controller, and it has this function."""
    return hooks.has(r.controllers, c, hook)


@inline
def admission_controller(r, h):  # type: ignore[no-untyped-def]
    """Which controller admission is now; NONE."""
    which = h.set_whole[layout.ADMISSION]
    if which == layout.NONE or r.limiters[place(which), layout.M_KIND] != layout.CONTROLLER:
        return np.int64(layout.NONE)
    return r.limiters[place(which), layout.M_LINE]


@inline
def _members(r, c, number):  # type: ignore[no-untyped-def]
    """Clients of a class; to a rule of leases, of all classes whose leases it looks after."""
    k = place(number)
    if r.classes[k, layout.K_TENURE] != c:
        return r.classes[k, layout.K_MEMBERS]
    found = np.int64(0)
    for one in range(r.classes.shape[0]):
        if r.classes[one, layout.K_TENURE] == c:
            found += r.classes[one, layout.K_MEMBERS]
    return found


@kernel
def _look(r, h, c, hook, event, number, who, attempt):  # type: ignore[no-untyped-def]
    """Facts about the moment, the class and the client; none of the host."""
    facts = h.facts
    facts[:] = 0.0
    k = place(number)
    facts[F_NOW] = h.whole[NOW] / 1e9
    facts[F_EVENT] = event
    facts[F_NUMBER] = number
    facts[F_CLIENT] = who
    facts[F_ATTEMPT] = attempt
    facts[F_COST] = h.class_real[k, layout.COST]
    facts[F_MEMBERS] = _members(r, c, number)
    facts[F_HINT] = -1.0
    key = draws.at(r.keys[k, CONTROLLER_STREAM], hooks.question(c, hook, event))
    facts[F_U] = draws.uniform(key, who, attempt + 1)  # a lease may be asked about before the first
    facts[F_U_CLIENT] = draws.uniform(r.keys[k, CLIENT_STREAM], who, np.int64(0))


@inline
def _look_at_host(r, h):  # type: ignore[no-untyped-def]
    facts = h.facts
    facts[F_WAITING] = h.whole[WAITING]
    facts[F_IN_SERVICE] = h.whole[BUSY]
    facts[F_WORKERS] = workers(h)
    facts[F_CAPACITY] = r.worker_per_s * workers(h)


@kernel
def _look_at_request(r, h, c, hook, event, request):  # type: ignore[no-untyped-def]
    """Facts about a request of a client, as its host sees it."""
    i = place(request)
    number = h.requests[i, R_CLASS]
    _look(r, h, c, hook, event, number, h.requests[i, R_WHO], h.requests[i, R_ATTEMPT])
    _look_at_host(r, h)
    facts, now = h.facts, h.whole[NOW]
    if is_owned(h, request):
        row = place(h.requests[i, R_ROW])
        facts[F_TRIES] = h.clients[row, TRIES]
        if r.classes[place(number), K_JOBS] == 0 and h.clients[row, SERVER] > now:
            facts[F_IS_LEASED] = 1.0
    started = h.requests[i, R_STARTED] if h.requests[i, R_PLACE] == layout.AT_WORKER else now
    facts[F_SOJOURN] = (now - h.requests[i, R_REACHED]) / 1e9
    facts[F_WAITED] = (started - h.requests[i, R_REACHED]) / 1e9
    facts[F_TIMEOUT] = (h.requests[i, R_DEADLINE] - h.requests[i, R_SUBMITTED]) / 1e9
    facts[F_LEFT] = (h.requests[i, R_DEADLINE] - now) / 1e9
    facts[F_MARK] = h.requests[i, R_MARK]


@kernel
def _look_at_client(r, h, c, hook, event, row, hint_ns):  # type: ignore[no-untyped-def]
    """Facts about a client, as it sees them."""
    i = place(row)
    number, now = h.clients[i, CLASS], h.whole[NOW]
    _look(r, h, c, hook, event, number, h.clients[i, WHO], h.clients[i, ATTEMPT])
    facts = h.facts
    facts[F_TRIES] = h.clients[i, TRIES]
    if r.classes[place(number), K_JOBS] == 0 and h.clients[i, HOLDER] > now:
        facts[F_IS_LEASED] = 1.0
    facts[F_SOJOURN] = (now - h.clients[i, layout.SENT_AT]) / 1e9
    facts[F_HOLDS] = h.clients[i, layout.HOLDS]
    facts[F_LAST] = h.clients[i, layout.LAST_EVENT]
    if hint_ns >= 0.0:
        facts[F_HINT] = hint_ns / 1e9


@inline
def _memory_of(r, c, who):  # type: ignore[no-untyped-def]
    """Where the memory lies that this client shares."""
    group = r.controllers[place(c), P_GROUP]
    mine = who // group if group > 0 else np.int64(0)
    return r.controllers[place(c), P_MEMORY] + mine * r.controllers[place(c), P_SIZE]


@inline
def _answer(r, h, c, hook, memory_at):  # type: ignore[no-untyped-def]
    return hooks.answer(r.controllers, r.controller_params, c, hook, h.memory, memory_at, h.facts)


@inline
def _hear(r, h, c, hook, memory_at):  # type: ignore[no-untyped-def]
    hooks.hear(r.controllers, r.controller_params, c, hook, h.memory, memory_at, h.facts)


# --- what the host asks and tells -------------------------------------------------------------------------------------


@kernel
def ask_of_request(r, h, c, hook, request):  # type: ignore[no-untyped-def]
    """What a controller of the host says to a request."""
    _look_at_request(r, h, c, np.int64(hook), np.int64(NOTHING), request)
    return _answer(r, h, c, hook, r.controllers[place(c), P_MEMORY])


@kernel
def ask_of_host(r, h, c, hook):  # type: ignore[no-untyped-def]
    """What a controller of the host says without a request; what entered the queue last stands for the attempt."""
    _look(r, h, c, np.int64(hook), np.int64(NOTHING), np.int64(0), np.int64(0), h.whole[layout.ENTERED])
    _look_at_host(r, h)
    return _answer(r, h, c, hook, r.controllers[place(c), P_MEMORY])


@kernel
def _tell_host(r, h, c, request, event):  # type: ignore[no-untyped-def]
    _look_at_request(r, h, c, np.int64(TOLD), event, request)
    _hear(r, h, c, TOLD, r.controllers[place(c), P_MEMORY])


@kernel
def _tell_both(r, h, request, event):  # type: ignore[no-untyped-def]
    if h.requests[place(request), R_NATURE] == OF_CLIENT:
        admission = admission_controller(r, h)
        if has(r, admission, TOLD):
            _tell_host(r, h, admission, request, event)
        if has(r, r.queue_controller, TOLD):
            _tell_host(r, h, r.queue_controller, request, event)


@inline
def tell_host(r, h, request, event):  # type: ignore[no-untyped-def]
    """The host's controllers hear what became of a client's request; it still has its row."""
    if r.hears != 0:
        _tell_both(r, h, request, np.int64(event))


@kernel
def begin(r, h, c):  # type: ignore[no-untyped-def]
    """All memories of a controller as they are at first."""
    own = place(c)
    size = r.controllers[own, P_SIZE]
    for group in range(r.controllers[own, hooks.P_GROUPS]):
        at = r.controllers[own, P_MEMORY] + group * size
        for k in range(at, at + size):
            h.memory[k] = 0.0
        number = r.controllers[own, hooks.P_CLASS]
        _look(r, h, c, np.int64(BEGIN), np.int64(NOTHING), number, np.int64(group), np.int64(0))
        if r.controllers[own, hooks.P_OF_HOST] != 0:
            _look_at_host(r, h)
        _hear(r, h, c, BEGIN, at)


@kernel
def restart(r, h):  # type: ignore[no-untyped-def]
    """The host's own controllers begin anew."""
    for c in range(r.controllers.shape[0]):
        if r.controllers[c, hooks.P_OF_HOST] != 0:
            begin(r, h, np.int64(c))
    for number in range(r.classes.shape[0]):
        tenure = r.classes[number, layout.K_TENURE]
        if has(r, tenure, TOLD) and r.controllers[place(tenure), hooks.P_CLASS] == number:
            _look(r, h, tenure, np.int64(TOLD), np.int64(RESTARTED), np.int64(number), np.int64(0), np.int64(0))
            _look_at_host(r, h)
            _hear(r, h, tenure, TOLD, r.controllers[place(tenure), P_MEMORY])


# --- what clients ask and are told ------------------------------------------------------------------------------------


@kernel
def _ask_of_client(r, h, c, hook, row, hint_ns):  # type: ignore[no-untyped-def]
    _look_at_client(r, h, c, np.int64(hook), np.int64(NOTHING), row, hint_ns)
    return _answer(r, h, c, hook, _memory_of(r, c, h.clients[place(row), WHO]))


@inline
def forget_tries(h, row):  # type: ignore[no-untyped-def]
    """A client's next attempt is one of a new request."""
    i = place(row)
    h.clients[i, TRIES] = 0
    h.clients[i, layout.HOLDS] = 0
    h.clients[i, layout.LAST_EVENT] = NOTHING
    h.pauses[i] = -1.0


@kernel
def _held_back_ns(r, h, row):  # type: ignore[no-untyped-def]
    """For how long a client's guard keeps an attempt that it would make now, ns; 0: not at all; below 0: as long, and
    what comes then is a new request.
    """
    guard = r.classes[place(h.clients[place(row), CLASS]), layout.K_GUARD]
    if not has(r, guard, ASK):
        return np.int64(0)
    i = place(row)
    held_s = _ask_of_client(r, h, guard, np.int64(ASK), row, -1.0)
    if held_s == 0.0 or held_s != held_s:
        h.clients[i, layout.HOLDS] = 0
        return np.int64(0)
    h.clients[i, layout.HOLDS] += 1
    held_ns = max(draws.whole_ns(abs(held_s) * 1e9), 1)
    if held_s > 0.0:
        return held_ns
    forget_tries(h, row)
    return -held_ns


@kernel
def wait_ns(r, h, row, hint_ns):  # type: ignore[no-untyped-def]
    """How long a client of this kind waits after a failure, ns (float64)."""
    own = r.classes[place(h.clients[place(row), CLASS]), layout.K_WAIT]
    wait_s = _ask_of_client(r, h, own, np.int64(WAIT), row, hint_ns) if has(r, own, WAIT) else 0.0
    return wait_s * 1e9 if wait_s > 0.0 else 0.0


@inline
def held_back_ns(r, h, row):  # type: ignore[no-untyped-def]
    """The same where there are controllers at all."""
    return np.int64(0) if r.controllers.shape[0] == 0 else _held_back_ns(r, h, row)


@kernel
def _tell_client(r, h, c, row, event, hint_ns):  # type: ignore[no-untyped-def]
    _look_at_client(r, h, c, np.int64(TOLD), event, row, hint_ns)
    _hear(r, h, c, TOLD, _memory_of(r, c, h.clients[place(row), WHO]))


@kernel
def _tell_all(r, h, row, event, hint_ns):  # type: ignore[no-untyped-def]
    k = place(h.clients[place(row), CLASS])
    if has(r, r.classes[k, layout.K_GUARD], TOLD):
        _tell_client(r, h, r.classes[k, layout.K_GUARD], row, event, hint_ns)
    if has(r, r.classes[k, layout.K_WAIT], TOLD):
        _tell_client(r, h, r.classes[k, layout.K_WAIT], row, event, hint_ns)


@inline
def tell_client(r, h, row, event, hint_ns):  # type: ignore[no-untyped-def]
    """A client's controllers hear what became of its attempt."""
    if r.controllers.shape[0] != 0:
        _tell_all(r, h, row, np.int64(event), hint_ns)


# --- leases -----------------------------------------------------------------------------------------------------------


@kernel
def _look_at_lease(r, h, c, hook, event, row):  # type: ignore[no-untyped-def]
    i = place(row)
    _look(r, h, c, hook, event, h.clients[i, CLASS], h.clients[i, WHO], h.clients[i, ATTEMPT])
    _look_at_host(r, h)
    left = h.clients[i, SERVER] - h.whole[NOW]
    if left > 0:
        h.facts[F_IS_LEASED] = 1.0
        h.facts[F_LEFT] = left / 1e9


@kernel
def ask_of_lease(r, h, c, hook, row):  # type: ignore[no-untyped-def]
    """What the rule of leases says to a client's lease; its `left_s` is what is left of the lease."""
    _look_at_lease(r, h, c, np.int64(hook), np.int64(NOTHING), row)
    return _answer(r, h, c, hook, r.controllers[place(c), P_MEMORY])


@inline
def tell_renewed(r, h, row):  # type: ignore[no-untyped-def]
    """The rule of leases hears that one is about to be granted, or renewed."""
    if r.controllers.shape[0] != 0:
        _tell_renewed(r, h, row)


@kernel
def _tell_renewed(r, h, row):  # type: ignore[no-untyped-def]
    tenure = r.classes[place(h.clients[place(row), CLASS]), layout.K_TENURE]
    if has(r, tenure, TOLD):
        _look_at_lease(r, h, tenure, np.int64(TOLD), np.int64(RENEWED), row)
        _hear(r, h, tenure, TOLD, r.controllers[place(tenure), P_MEMORY])
