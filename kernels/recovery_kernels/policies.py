"""What a policy may decide: pure functions over its parameters and its small state.

A policy is a number and a named tuple of scalars, so that every combination runs in the one compiled kernel. Rates are
per nanosecond, times are nanoseconds. What each rule is called, its defaults and its source stand in
`recovery.model.policies`.
"""

from typing import NamedTuple

import numpy as np

from recovery_kernels.draws import Dist, draw, uniform, whole_ns
from recovery_kernels.jit import inline

# client: when does an attempt that failed come back
IMMEDIATE, FIXED, EXPONENTIAL, FULL_JITTER = range(4)
# queue: who is next, who is dropped
FIFO, LIFO, BOUNDED, DROP_EXPIRED = range(4)
# lease: what does late mean
LEASE_FIXED, GRACE, CREDIT_ON_ARRIVAL, FREEZE = range(4)
# what a frozen lease has left when the clock goes on: what it had, or a whole lease
RESUME, REARM = range(2)


class Client(NamedTuple):
    """Retry policy: FIXED waits `delay`; EXPONENTIAL and FULL_JITTER use base, factor and cap. `retries` < 0 is
    unlimited.
    """

    kind: int
    delay: Dist
    base_ns: float
    factor: float
    cap_ns: float
    retries: int
    round_trip_ns: int


class Admission(NamedTuple):
    """A limit (`limits.Limit`) by the tokens or the waiting requests of a host.

    With `establish_only` a client whose lease still runs passes without being asked for.
    """

    kind: int
    rate_per_ns: float
    burst: float
    limit: float
    low: float
    establish_only: int


class Queue(NamedTuple):
    """BOUNDED: `limit` waiting requests. DROP_EXPIRED: also older than max_age_ns (0: none), or within margin_ns of
    the deadline.
    """

    kind: int
    limit: int
    max_age_ns: int
    margin_ns: int


class Lease(NamedTuple):
    """Rule, duration (drawn once a client), grace added to it, what thawing does, and from which share of failures it
    freezes.
    """

    kind: int
    duration: Dist
    grace_ns: int
    thaw: int
    freeze_share: float


@inline
def retry_delay_ns(policy, table, key, client, attempt, tries):  # type: ignore[no-untyped-def]
    """How long (int64 ns) a client waits after its `tries`-th failure in a row (from 1) before the next attempt."""
    if policy.kind == IMMEDIATE:
        return np.int64(0)
    if policy.kind == FIXED:
        return whole_ns(draw(policy.delay, table, key, client, attempt))
    delay = policy.base_ns
    for _ in range(tries - 1):
        if delay >= policy.cap_ns or policy.factor == 1.0:
            break
        delay *= policy.factor
    delay = min(delay, policy.cap_ns)
    if policy.kind == FULL_JITTER:
        delay *= uniform(key, client, attempt)
    return whole_ns(delay)


@inline
def is_expired(policy, now, submitted, deadline, is_current):  # type: ignore[no-untyped-def]
    """Whether the head of the queue is dropped: its client gave up, or will before the margin, or it is older than
    allowed.
    """
    if not is_current or now + policy.margin_ns > deadline:
        return True
    return policy.max_age_ns > 0 and now - submitted > policy.max_age_ns
