"""The cliff: the value of one key at which half of the runs fail, found by bisection."""

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from recovery import theory
from recovery.errors import Refusal
from recovery.statistics.given import between_0_and_1


class SameSide(Refusal):
    """Both ends are on the same side of the cliff."""


class Tried(NamedTuple):
    """One value of the key that was tried: how many of how many runs failed there, and what that says."""

    value: float
    failed: int
    runs: int
    verdict: Literal["fails", "holds", "unclear"]


class Cliff(NamedTuple):
    """Where recovery turns into collapse: between `low` and `high`, on one side of which most runs fail."""

    low: float
    high: float
    fails: Literal["above", "below"]
    confidence: float
    note: str
    """Empty if the bracket is as narrow as was asked; else why it is not."""
    tried: tuple[Tried, ...]


def _try(fails: Callable[[float, range], Sequence[bool]], value: float, error: float, batch: int, most: int) -> Tried:
    """Replications until an exact interval of P(fail) leaves out 1/2, or `most`; wrong with at most `error`."""
    failed = runs = 0
    looks = -(-most // batch)
    while runs < most:
        more = range(runs, min(runs + batch, most))
        seen = list(fails(value, more))
        if len(seen) != len(more):
            raise Refusal(f"fails({value}, {more}) gave {len(seen)} answers; want {len(more)}, one a replication")
        failed, runs = failed + sum(map(bool, seen)), more.stop
        # Of a share that is truly below 1/2 only the lower end can be wrong: each tail has the whole error.
        low, high = theory.clopper_pearson(failed, runs, 1.0 - 2.0 * error / looks)
        if low > 0.5:
            return Tried(value, failed, runs, "fails")
        if high < 0.5:
            return Tried(value, failed, runs, "holds")
    return Tried(value, failed, runs, "unclear")


def _at_both(low: Tried, high: Tried) -> str:
    """How runs end at two values at which most end alike."""
    failed, runs = low.failed + high.failed, low.runs + high.runs
    if failed in (0, runs):
        return "every run fails at both ends" if failed else "no run fails at either end"
    many = "more" if low.verdict == "fails" else "fewer"
    counts = f"{low.failed} of {low.runs} at low, {high.failed} of {high.runs} at high"
    return f"{many} than half of the runs fail at each end ({counts})"


def cliff(
    fails: Callable[[float, range], Sequence[bool]],
    low: float,
    high: float,
    *,
    confidence: float = 0.95,
    tolerance: float,
    batch: int = 20,
    most: int = 400,
    scale: Literal["linear", "log"] = "linear",
    whole: bool = False,
    known: Callable[[Tried], None] | None = None,
) -> Cliff:
    """The value of one key at which half of the runs fail: a bracket that holds it with `confidence`, by bisection.

    It is assumed that P(fail) never falls, or never rises, from `low` to `high`. At each value replications are added,
    `batch` at a time, until Clopper and Pearson's interval of P(fail) lies on one side of 1/2. The error 1 - confidence
    is shared out (Bonferroni): the i-th value may be wrong with 1 / (i (i + 1)) of it, and each look at the value with
    an equal part of that. As long as no value is unclear, those that right verdicts lead to are known beforehand, so
    that the errors add up also where values share their draws (replication r is the same chance at each value).

    A value that `most` runs leave unclear ends the bisection. The gap on either side of it is then narrowed as long as
    values there are clear, and the note says that the bracket is as narrow as the runs allow.

    `fails(value, replications)` gives a bool for each replication of the range; it is asked for 0, 1, 2, … of a value,
    each once; `known` is told of each value as soon as it is known. `tolerance` is the width wanted: high - low, or
    with `scale="log"` (geometric midpoints, both ends above 0) high / low - 1. With `whole` only whole numbers are
    tried, as int, and neighbours are narrow enough. Raises
    ValueError for anything else, for ends on the same side of the cliff, and for an end that stays unclear.
    Source: Clopper and Pearson, Biometrika 26 (1934); the bisection is the plain one.
    """
    confidence = between_0_and_1("confidence", confidence)
    if not -math.inf < low < high < math.inf:
        raise Refusal(f"low is {low} and high is {high}; want finite numbers, low below high")
    if not 0.0 < tolerance < math.inf:
        raise Refusal(f"tolerance is {tolerance}; want a finite number above 0")
    if scale not in ("linear", "log"):
        raise Refusal(f'scale is {scale!r}; want "linear" or "log"')
    if scale == "log" and low <= 0.0:
        raise Refusal(f'low is {low}; want a number above 0 with scale="log"')
    if whole and not (float(low).is_integer() and float(high).is_integer()):
        raise Refusal(f"low is {low} and high is {high}; want whole numbers, or whole=False")
    for name, count in (("batch", batch), ("most", most)):
        if count < 1:
            raise Refusal(f"{name} is {count}; want a whole number from 1")
    if whole:
        low, high = int(low), int(high)
    tried: list[Tried] = []

    def ask(value: float) -> str:
        rank = len(tried) + 1
        tried.append(_try(fails, value, (1.0 - confidence) / (rank * (rank + 1)), batch, most))
        if known is not None:
            known(tried[-1])
        return tried[-1].verdict

    def narrow(left: float, right: float) -> bool:
        width = right / left - 1.0 if scale == "log" else right - left
        return width <= tolerance or (whole and right - left <= 1) or not left < middle(left, right) < right

    def middle(left: float, right: float) -> float:
        between = math.sqrt(left) * math.sqrt(right) if scale == "log" else left + (right - left) / 2.0
        return round(between) if whole else between

    at_low, at_high = ask(low), ask(high)
    for name, end in zip(("low", "high"), tried, strict=True):
        if end.verdict == "unclear":
            raise Refusal(
                f"{name} is {end.value}, where {end.failed} of {end.runs} runs fail; want a value where clearly more "
                "or clearly fewer than half do, or more runs"
            )
    if at_low == at_high:
        raise SameSide(f"{_at_both(*tried)}; want a low and a high on either side of the cliff")
    # Clear values close in from both ends; [first, last] is the stretch between them that stayed unclear, if any.
    first = last = math.nan
    left_open = right_open = True
    while True:
        if math.isnan(first):
            gaps = [(low, high)]
        else:
            gaps = [gap for gap, is_open in (((low, first), left_open), ((last, high), right_open)) if is_open]
        gaps = [gap for gap in gaps if not narrow(*gap)]
        if not gaps:
            break
        value = middle(*gaps[0])
        verdict = ask(value)
        if verdict == at_low:
            low = value
        elif verdict == at_high:
            high = value
        elif math.isnan(first):
            first = last = value
        elif value < first:
            first, left_open = value, False
        else:
            last, right_open = value, False
        if not low < first <= last < high:  # nothing is unclear, or a clear value has overtaken what was
            first = last = math.nan
            left_open = right_open = True
    note = "" if narrow(low, high) else f"the bracket is as narrow as {most} runs a value allow"
    return Cliff(low, high, "above" if at_high == "fails" else "below", confidence, note, tuple(tried))
