"""Limits: what lets work in, by tokens or by the size of a queue.

One library for the admission of hosts, the intake of propagation, the throttle of launches and the operator's throttle.
A limit remembers two rows: whole numbers (`AT`, `CLOSED`) and fractional ones (`TOKENS`, `RATE`, `BURST`). `begin`
sets them, `lets_in` asks, `spend` takes what was asked for. Work that several limits must let in spends only when all
have. Rates are per ns.
"""

from typing import NamedTuple

from recovery_kernels.draws import uniform
from recovery_kernels.jit import inline

# What lets work in: everything; a token bucket; and the three laws of a limit by the size of the waiting queue q.
OPEN, TOKEN_BUCKET, LINEAR, SWITCH, RAMP = range(5)

AT, CLOSED = range(2)  # to when the bucket is filled, ns; whether the switch is off
TOKENS, RATE, BURST = range(3)  # what the bucket holds, how fast it fills, how much it may hold


class Limit(NamedTuple):
    """TOKEN_BUCKET: rate and burst. LINEAR: the rate times 1 − q/limit. SWITCH: nothing from q = limit on until q =
    low. RAMP: refused with a probability that rises from 0 at q = low to 1 at q = limit.
    """

    kind: int
    rate_per_ns: float
    burst: float
    limit: float
    low: float


@inline
def rate_at(limit, queue):  # type: ignore[no-untyped-def]
    """Rate at which the bucket fills while so many wait."""
    if limit.kind == LINEAR:
        return limit.rate_per_ns * max(0.0, 1.0 - queue / limit.limit)
    return limit.rate_per_ns


@inline
def begin(limit, whole, real, now):  # type: ignore[no-untyped-def]
    """A limit that nobody has asked yet, from `now` on: the bucket is full, the switch is on."""
    whole[AT] = now
    whole[CLOSED] = 0
    real[TOKENS] = limit.burst
    real[RATE] = rate_at(limit, 0)
    real[BURST] = limit.burst


@inline
def has_token(whole, real, now):  # type: ignore[no-untyped-def]
    """Whether a bucket holds a whole token at `now`; it stays as it is. Never true earlier and false later."""
    return real[TOKENS] + real[RATE] * (now - whole[AT]) >= 1.0 and real[BURST] >= 1.0


@inline
def fill(whole, real, now):  # type: ignore[no-untyped-def]
    """Let drip in what is due by `now`. Returns whether the bucket holds a whole token."""
    tokens = min(real[BURST], real[TOKENS] + real[RATE] * (now - whole[AT]))
    real[TOKENS] = tokens
    whole[AT] = now
    return tokens >= 1.0


@inline
def turn(whole, real, now, rate_per_ns, burst, is_there):  # type: ignore[no-untyped-def]
    """From `now` on a bucket has another rate and burst. One that is there keeps what it holds, up to the new burst;
    a new one is full.
    """
    tokens = burst
    if is_there:
        fill(whole, real, now)
        tokens = min(real[TOKENS], burst)
    whole[AT] = now
    real[TOKENS] = tokens
    real[RATE] = rate_per_ns
    real[BURST] = burst


@inline
def lets_in(limit, whole, real, now, queue, key, client, attempt):  # type: ignore[no-untyped-def]
    """Whether an attempt that comes at `now`, with `queue` others waiting, is let in. It has spent nothing yet.

    The bucket fills until the next one asks at the rate that belongs to this queue. `key` and address: the draw of
    RAMP.
    """
    if limit.kind == OPEN:
        return True
    if limit.kind == SWITCH:
        if queue >= limit.limit:
            whole[CLOSED] = 1
        elif queue <= limit.low:
            whole[CLOSED] = 0
        return whole[CLOSED] == 0
    if limit.kind == RAMP:
        return uniform(key, client, attempt) * (limit.limit - limit.low) >= queue - limit.low
    has_token = fill(whole, real, now)
    real[RATE] = rate_at(limit, queue)
    return has_token


@inline
def lets_all_in(limit):  # type: ignore[no-untyped-def]
    """Whether it lets in all who come while nobody waits, and need not be asked then: a switch that is still off has
    to be on for whoever is asked about next.
    """
    goes_by_queue = limit.kind == SWITCH or limit.kind == RAMP
    return limit.kind == OPEN or (goes_by_queue and 0.0 <= limit.low <= limit.limit and limit.limit > 0.0)


@inline
def spend(limit, real):  # type: ignore[no-untyped-def]
    """What was let in takes its token."""
    if limit.kind == TOKEN_BUCKET or limit.kind == LINEAR:
        real[TOKENS] -= 1.0
