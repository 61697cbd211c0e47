"""Client: when does an attempt that failed come back, and when does nobody try again."""

from typing import NamedTuple

import numpy as np

from recovery_kernels.arrays import Real
from recovery_kernels.draws import Dist, draw, uniform, whole_ns
from recovery_kernels.jit import inline

IMMEDIATE, FIXED, EXPONENTIAL, FULL_JITTER, EQUAL_JITTER, PROPORTIONAL_JITTER = range(6)


class Client(NamedTuple):
    """Retry policy: FIXED waits `delay`; EXPONENTIAL and those after it use base, factor and cap, and
    PROPORTIONAL_JITTER the share `jitter`. `retries` < 0 is unlimited.
    """

    kind: int
    delay: Dist
    base_ns: float
    factor: float
    cap_ns: float
    retries: int
    round_trip_ns: int
    jitter: float = 0.0


@inline
def gives_up(policy, tries):  # type: ignore[no-untyped-def]
    """Whether nobody tries again after the `tries`-th failure in a row."""
    return policy.retries >= 0 and tries > policy.retries


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
    elif policy.kind == EQUAL_JITTER:
        delay = delay / 2.0 + delay / 2.0 * uniform(key, client, attempt)
    elif policy.kind == PROPORTIONAL_JITTER:
        delay *= 1.0 + policy.jitter * (2.0 * uniform(key, client, attempt) - 1.0)
    return whole_ns(delay)


def backoffs(policy: Client, most: int) -> Real:
    """Delays in ns after the 1st, 2nd … failure in a row, before any jitter, float64[n], with the arithmetic of
    `retry_delay_ns`; after more than n failures the last one, or there are never more than `most`.
    """
    found = [min(policy.base_ns, policy.cap_ns)]
    delay = policy.base_ns
    while delay < policy.cap_ns and policy.factor != 1.0 and len(found) < most:
        delay *= policy.factor
        found.append(min(delay, policy.cap_ns))
    return np.array(found)
