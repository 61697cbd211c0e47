"""Words of pages and tables: what holders are called, a mean with its interval."""

import math
import re

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


def span_of(found: Estimate, between: str = " to ") -> str:
    """A mean time (s) with its interval, where it has one of some width."""
    low, high = show_duration(max(found.low, 0.0)), show_duration(found.high)
    if math.isnan(found.low + found.high) or low == high:
        return show_duration(found.mean)
    return f"{show_duration(found.mean)} ({low}{between}{high})"
