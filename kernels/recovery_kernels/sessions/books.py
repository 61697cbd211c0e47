"""What is written down as things happen: flows, the log, draws at their addresses."""

import numpy as np

from recovery_kernels import draws
from recovery_kernels.events import place
from recovery_kernels.jit import inline, kernel
from recovery_kernels.sessions import layout
from recovery_kernels.sessions.layout import (
    BIN,
    CLASS,
    D_FIRST,
    D_KIND,
    D_SIZE,
    FREE,
    LOG,
    NONE,
    NOW,
    OF_CLIENT,
    R_ATTEMPT,
    R_CLASS,
    R_NATURE,
    R_ROW,
    R_WHO,
    REQUEST,
    STATE,
    WHO,
)


@inline
def count(h, number, column, amount):  # type: ignore[no-untyped-def]
    """Add to a flow of a class in the window of now."""
    h.series[place(h.whole[BIN]), place(number), column] += amount


@kernel
def _write(h, kind, number, who, attempt):  # type: ignore[no-untyped-def]
    line = h.whole[LOG]
    h.log[line, 0] = h.whole[NOW]
    h.log[line, 1] = kind
    h.log[line, 2] = number
    h.log[line, 3] = who
    h.log[line, 4] = attempt
    h.whole[LOG] = line + 1


@inline
def note(h, kind, number, who, attempt):  # type: ignore[no-untyped-def]
    """A line of the log, if one is kept."""
    if h.log.shape[0] > 0:
        _write(h, kind, number, who, attempt)


@inline
def note_request(h, kind, request):  # type: ignore[no-untyped-def]
    """A line of the log about a request."""
    if h.log.shape[0] > 0:
        i = place(request)
        _write(h, kind, h.requests[i, R_CLASS], h.requests[i, R_WHO], h.requests[i, R_ATTEMPT])


@inline
def uniform(r, stream, number, client, attempt):  # type: ignore[no-untyped-def]
    """A draw strictly between 0 and 1, of a class's stream."""
    return draws.uniform(r.keys[place(number), stream], client, attempt)


@kernel
def quantile_of(r, dist, u):  # type: ignore[no-untyped-def]
    """The time (float64 ns) of a numbered distribution that belongs to a uniform draw."""
    d = place(dist)
    return draws.quantile(
        draws.Dist(r.dists[d, D_KIND], r.dist_reals[d, 0], r.dist_reals[d, 1], r.dists[d, D_FIRST], r.dists[d, D_SIZE]),
        r.table,
        u,
    )


@inline
def time_of(r, dist, stream, number, client, attempt):  # type: ignore[no-untyped-def]
    """A time (float64 ns) that is drawn; a constant costs no hash."""
    if r.dists[place(dist), D_KIND] == draws.CONSTANT:
        return r.dist_reals[place(dist), 0]
    return quantile_of(r, dist, uniform(r, stream, number, client, attempt))


@inline
def time_ns(r, dist, stream, number, client, attempt):  # type: ignore[no-untyped-def]
    """The same in whole ns."""
    return draws.whole_ns(time_of(r, dist, stream, number, client, attempt))


@inline
def is_awaited(h, request):  # type: ignore[no-untyped-def]
    """Whether a client waits for this very request."""
    row = h.requests[place(request), R_ROW]
    return row != NONE and h.clients[place(row), REQUEST] == request


@inline
def is_only_counted(r, h, request):  # type: ignore[no-untyped-def]
    """Whether a request is stale work that is only counted: nobody waits for it, and a late success is nothing."""
    return (
        r.stale_counted != 0
        and h.set_whole[layout.LATE] == layout.WASTED_LATE
        and h.requests[place(request), R_NATURE] == OF_CLIENT
        and not is_awaited(h, request)
    )


@inline
def is_owned(h, request):  # type: ignore[no-untyped-def]
    """Whether the client of a request is still there."""
    i = place(request)
    row = place(h.requests[i, R_ROW])
    return (
        h.requests[i, R_NATURE] == OF_CLIENT
        and h.requests[i, R_ROW] != NONE
        and h.clients[row, STATE] != FREE
        and h.clients[row, CLASS] == h.requests[i, R_CLASS]
        and h.clients[row, WHO] == h.requests[i, R_WHO]
    )


@inline
def workers(h):  # type: ignore[no-untyped-def]
    """How many workers there are, beside those that will leave when they are idle."""
    return max(h.set_whole[layout.WORKERS] + h.whole[layout.MORE_WORKERS], 0)


@inline
def cut(value):  # type: ignore[no-untyped-def]
    """A debt in ns, FAR_NS at most."""
    return min(value, np.int64(draws.FAR_NS))
