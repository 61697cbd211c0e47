"""The retries of AWS SDKs in adaptive mode: those of standard mode, and a rate of sending that hears refusals.

Source: botocore 1.44.8, retries/adaptive.py (ClientRateLimiter, RateClocker), throttling.py (CubicCalculator),
bucket.py (TokenBucket), beside the quota of standard mode. The rate of answers is measured over half seconds and
smoothed. From the first refusal on each attempt needs a token. A refusal cuts the rate to `beta` of what was measured,
and what follows is CUBIC (RFC 8312): rate(t) = 0.4 · (t − k)³ + w_max, k = ∛(w_max · (1 − beta) / 0.4), t since the
refusal. The bucket fills with that rate, at least 0.5 and at most twice what is measured.

Decided here: any answer but a refusal is a success for the rate, timeouts too, as there. Who waits for a token asks
again when it would be there, and the first that asks then has it. Of many who wait each would find only one token; so
who waits behind others asks again when theirs are there too, or after `POLL_S`, in which the bucket is full once.
"""

import math

from recovery_kernels.controllers import REFUSED, SENT, SUCCEEDED, TIMED_OUT
from recovery_kernels.draws import power
from recovery_kernels.jit import inline

AXIS = "guard"
PARAMS = ("attempts", "quota", "cost", "timeout_cost", "refusal_cost", "beta", "otherwise_s")
MEMORY = {
    "left": 1,  # of the quota
    "is_limited": 1,
    "waiting": 1,  # clients that wait for a token
    "tokens": 1,
    "most_tokens": 1,
    "per_s": 1,  # at which the bucket fills
    "filled_s": 1,  # when it was last filled
    "answers": 1,  # in this half second
    "since_s": 1,  # when it began
    "measured_per_s": 1,
    "w_max": 1,
    "k": 1,
    "refused_s": 1,
}
LEAST_PER_S, SCALE, SMOOTHING, SPAN_S, MOST_TIMES, POLL_S = 0.5, 0.4, 0.8, 0.5, 2.0, 1.0


@inline
def _cost(params, facts):  # type: ignore[no-untyped-def]
    """What a retry after this attempt takes."""
    if facts.last == REFUSED:
        return params.refusal_cost
    return params.timeout_cost if facts.last == TIMED_OUT else params.cost


@inline
def _fill(params, memory, facts):  # type: ignore[no-untyped-def]
    memory.tokens = min(memory.tokens + (facts.now_s - memory.filled_s) * memory.per_s, memory.most_tokens)
    memory.filled_s = facts.now_s


@inline
def _measure(params, memory, facts):  # type: ignore[no-untyped-def]
    """Count an answer; the first one after a half second closes it."""
    memory.answers += 1.0
    since_s = math.floor(facts.now_s / SPAN_S) * SPAN_S
    if since_s > memory.since_s:
        per_s = memory.answers / (since_s - memory.since_s)
        memory.measured_per_s = SMOOTHING * per_s + (1.0 - SMOOTHING) * memory.measured_per_s
        memory.answers = 0.0
        memory.since_s = since_s


@inline
def _refuse(params, memory, facts):  # type: ignore[no-untyped-def]
    """The curve begins anew below the rate of now."""
    measured = memory.measured_per_s
    memory.w_max = min(measured, memory.per_s) if memory.is_limited != 0.0 else measured
    memory.k = power(memory.w_max * (1.0 - params.beta) / SCALE, 1.0 / 3.0)
    memory.refused_s = facts.now_s
    memory.is_limited = 1.0


def begin(params, memory, facts):  # type: ignore[no-untyped-def]
    """The quota is whole, and no rate is limited yet."""
    memory.left = params.quota
    memory.per_s = memory.most_tokens = 1.0
    memory.filled_s = memory.refused_s = facts.now_s
    memory.since_s = math.floor(facts.now_s)


def ask(params, memory, facts):  # type: ignore[no-untyped-def]
    """A retry takes from the quota once, or is given up; then each attempt waits for a token."""
    if facts.tries > 0.0 and facts.holds == 0.0:
        if facts.tries >= params.attempts or _cost(params, facts) > memory.left:
            return -params.otherwise_s
        memory.left -= _cost(params, facts)
    if memory.is_limited == 0.0:
        return 0.0
    _fill(params, memory, facts)
    others = max(memory.waiting - 1.0, 0.0) if facts.holds > 0.0 else memory.waiting
    if memory.tokens < 1.0:
        memory.waiting = others + 1.0
        first_s = (1.0 - memory.tokens) / memory.per_s
        return min(first_s + others / memory.per_s, max(first_s, POLL_S))
    memory.waiting = others
    memory.tokens -= 1.0
    return 0.0


def told(params, memory, facts):  # type: ignore[no-untyped-def]
    """Every answer moves the rate; a success gives back to the quota."""
    if facts.event == SENT:
        return
    if facts.event == SUCCEEDED:
        back = 1.0 if facts.tries == 0.0 else _cost(params, facts)
        memory.left = min(memory.left + back, params.quota)
    _measure(params, memory, facts)
    if facts.event == REFUSED:
        _refuse(params, memory, facts)
        per_s = params.beta * memory.w_max
    else:
        t = facts.now_s - memory.refused_s - memory.k
        per_s = SCALE * t * t * t + memory.w_max
    per_s = min(per_s, MOST_TIMES * memory.measured_per_s)
    _fill(params, memory, facts)
    memory.per_s = max(per_s, LEAST_PER_S)
    memory.most_tokens = max(per_s, 1.0)
    memory.tokens = min(memory.tokens, memory.most_tokens)
