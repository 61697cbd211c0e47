"""Measures in words: a value by what it is, and whether a bound on one holds. A leaf."""

import math
from collections.abc import Mapping

from recovery.measures.register import find, is_end, starts_at_return, unit_of
from recovery.units import is_time, show_duration, show_milestone, show_share


def show_measure(measure: str, value: float) -> str:
    """A measure's value by what it is: a milestone, a time, a share, a number. A time to recovery is known to a window,
    and whether a longer run would come to it is not known here.
    """
    known = find(measure)
    if math.isinf(value) and is_end(measure):
        return "not within the run"
    if value == 0 and starts_at_return(measure):
        return "within one window"
    if math.isnan(value) or (known is not None and known.is_milestone):
        return show_milestone(value)
    if is_time(measure):
        return show_duration(value)
    return show_share(value) if unit_of(measure) == "share" else "∞" if math.isinf(value) else _number(value)


def _number(value: float) -> str:
    """A count with all of its digits, since it stands beside a bound; else four digits."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def expected(text: str, holds: str, value: float, why: str, levers: Mapping[str, object]) -> str:
    """Whether a bound `text` of [expect] holds, with the value (or why there is none), and the levers of the point of a
    sweep where it holds least.
    """
    at = "".join(f", {key} = {lever}" for key, lever in levers.items())
    shown = show_measure(text.split(maxsplit=1)[0], value)
    told = at.removeprefix(", ") if shown == holds else shown + at
    if why:
        told = why + at
    elif holds == "unsure":
        told += "; its interval holds the bound"
    return f"expected {text}: {holds}" + (f" ({told})" if told else "")
