"""Queue: who is next, who is dropped."""

from typing import NamedTuple

from recovery_kernels.jit import inline

FIFO, LIFO, BOUNDED, DROP_EXPIRED = range(4)


class Queue(NamedTuple):
    """BOUNDED: `limit` waiting requests. DROP_EXPIRED: also older than max_age_ns (0: none), or within margin_ns of
    the deadline.
    """

    kind: int
    limit: int
    max_age_ns: int
    margin_ns: int


@inline
def is_full(policy, waiting):  # type: ignore[no-untyped-def]
    """Whether a request that finds so many waiting, and no worker free, is rejected."""
    return policy.kind == BOUNDED and waiting >= policy.limit


@inline
def newest_first(policy):  # type: ignore[no-untyped-def]
    """Whether a worker takes the request that came last, not the one that came first."""
    return policy.kind == LIFO


@inline
def drops(policy, now, submitted, deadline, is_current):  # type: ignore[no-untyped-def]
    """Whether a worker drops the request that it takes: its client gave up, or will before the margin, or it is older
    than allowed.
    """
    if policy.kind != DROP_EXPIRED:
        return False
    if not is_current or now + policy.margin_ns > deadline:
        return True
    return policy.max_age_ns > 0 and now - submitted > policy.max_age_ns
