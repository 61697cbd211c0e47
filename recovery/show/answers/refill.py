"""How long work takes that something lets in, beside what comes all the time. Pure arithmetic."""

import itertools
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

ROUNDS = 100_000  # of checks that are followed: with so many, what is left of a round is too little to matter
HALVINGS = 60


class Beside(NamedTuple):
    """What passes beside the work: so much a second all the time; and a lease that was made comes again for its renewal
    every so many s, which takes this part of the work of making it.
    """

    per_s: float = 0.0
    every_s: float = math.inf
    renewal: float = 0.0


def refill_s(work: float, let_in: Callable[[float], float], beside: Beside, steady_s: float = 0.0) -> float:
    """When so much is made, s; inf if never.

    `let_in`: how much passes until a time (s, from 0 on), with all that comes beside; its rate stays the same from
    `steady_s` on. Nobody renews a new lease before the first check: at a rate c, what is made in the first round of
    checks is c a second, in the next c (1 - renewal), then c (1 - renewal)².
    """
    if work <= 0:
        return 0.0
    begin_s, most = 0.0, 0.0
    for end_s, made in itertools.islice(_rounds(let_in, beside), ROUNDS):
        if made >= work:
            return _crossing(work, let_in, beside, begin_s, end_s)
        if begin_s >= steady_s and made <= most * (1 + 1e-12) and math.isfinite(beside.every_s):
            return math.inf
        begin_s, most = end_s, max(made, most)
    return math.inf


def _rounds(let_in: Callable[[float], float], beside: Beside) -> Iterator[tuple[float, float]]:
    """Ends of the rounds, s, each with what is made until then; without renewals each is twice as late as the one
    before.
    """
    if math.isinf(beside.every_s):
        for power in range(-20, 64):
            yield 2.0**power, _made(2.0**power, let_in, beside)
        return
    renewed = 0.0
    for i in itertools.count(1):
        at_s = i * beside.every_s
        made = let_in(at_s) - beside.per_s * at_s - beside.renewal * renewed
        renewed += made
        yield at_s, made


def _made(at_s: float, let_in: Callable[[float], float], beside: Beside) -> float:
    """What is made until then: who was made a round ago, two rounds ago … comes again."""
    rounds = int(at_s // beside.every_s) if math.isfinite(beside.every_s) else 0
    made = renewed = 0.0
    for back in range(rounds, -1, -1):
        then_s = at_s - back * beside.every_s if back else at_s
        made = let_in(then_s) - beside.per_s * then_s - beside.renewal * renewed
        renewed += made
    return made


def _crossing(work: float, let_in: Callable[[float], float], beside: Beside, low_s: float, high_s: float) -> float:
    """When so much is made, between two times, by halving."""
    if math.isfinite(beside.every_s) and low_s > 1000 * beside.every_s:
        return high_s  # as exact as a thousandth, and much quicker
    for _ in range(HALVINGS):
        middle_s = (low_s + high_s) / 2
        low_s, high_s = (low_s, middle_s) if _made(middle_s, let_in, beside) >= work else (middle_s, high_s)
    return high_s
