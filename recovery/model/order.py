"""Lists whose entries come one after the other in time: what is said of the first that does not."""

import itertools
from collections.abc import Sequence

from recovery.units import tell_duration


def overlap(key: str, spans_s: Sequence[tuple[float, float]], begin: str = "from") -> str:
    """What is wrong with the entries of the list `key`, "" if nothing; `spans_s` has the begin (called `begin`) and the
    end of each, s.
    """
    for number, ((_, over_s), (begins_s, _)) in enumerate(itertools.pairwise(spans_s), 1):
        if begins_s < over_s:
            wanted = f"want {key} in order of time and without overlap"
            before = f"{key}.{number - 1} lasts to {tell_duration(over_s)}"
            return f"{key}.{number}.{begin} is {tell_duration(begins_s)}; {wanted}: {before}"
    return ""


def not_rising(key: str, times_s: Sequence[float], at: str = "at", *, from_0: bool = False, ties: bool = False) -> str:
    """What is wrong with the entries of the list `key`, "" if nothing; `times_s` has the time (called `at`) of each, s.
    With `from_0` the first is to be at 0, with `ties` two may be at one time.
    """
    wanted = f"want {key} in rising order of {at}" + (', the first at "0s"' if from_0 else "")
    if from_0 and times_s[0] != 0:
        return f"{key}.0.{at} is {tell_duration(times_s[0])}; {wanted}"
    for number, (before_s, at_s) in enumerate(itertools.pairwise(times_s), 1):
        if at_s < before_s or (at_s == before_s and not ties):
            before = f"{key}.{number - 1} is at {tell_duration(before_s)}"
            return f"{key}.{number}.{at} is {tell_duration(at_s)}; {wanted}: {before}"
    return ""
