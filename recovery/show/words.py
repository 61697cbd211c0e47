"""Words of pages and tables: what holders are called, a mean with its interval."""

import math
import re
from collections.abc import Callable

from recovery.store.record import Estimate
from recovery.units import show_duration

Called = tuple[str, str]
"""Many of them, and one: ("droplets", "droplet")."""


def speaking_of(called: Called, text: str) -> str:
    """One of our texts, with holders under the name that they have here; a key, such as fleet.holders, stays."""
    many, one = called
    names = {
        "holders": many,
        "holder": one,
        "Holders": many[:1].upper() + many[1:],
        "Holder": one[:1].upper() + one[1:],
    }
    return re.sub(r"(?<!\.)\b(holders?|Holders?)\b", lambda match: names[match[1]], text)


def _time(seconds: float) -> str:
    """A time, s, of which an interval may begin below 0."""
    return show_duration(max(seconds, 0.0))


def ends_of(found: Estimate, show: Callable[[float], str] = _time, between: str = " to ") -> str:
    """Both ends of an interval, "" where it has none or no width."""
    has_width = math.isfinite(found.low) and math.isfinite(found.high) and found.high > found.low
    return f"{show(found.low)}{between}{show(found.high)}" if has_width else ""


def span_of(found: Estimate, show: Callable[[float], str] = _time, between: str = " to ") -> str:
    """A mean with its interval, where it has one; of a time (s) unless `show` tells another kind."""
    ends = ends_of(found, show, between)
    return show(found.mean) + (f" ({ends})" if ends else "")
