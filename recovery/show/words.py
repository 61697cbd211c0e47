"""Words of pages and tables: what holders are called, a mean with its interval."""

import math
import re
from collections.abc import Callable

from recovery.store.record import Estimate
from recovery.units import show_duration

Called = tuple[str, ...]
"""Many holders, and one: ("droplets", "droplet"); then, where they are not called leases, what they hold: many, one."""

_QUOTED = re.compile(r"(“[^”]*”)")  # a name that a user gave
_OURS = re.compile(r"(?<![.\w-])(?:(an?) )?(holders?|Holders?|leases?|Leases?)\b(?![-=]|\.\w)")


def speaking_of(called: Called, text: str) -> str:
    """One of our texts, with holders and leases under the names that they have here; a key, such as fleet.holders, and
    what stands in quotation marks stay.
    """
    many, one, held, held_one = (*called, "leases", "lease")[:4] if len(called) == 2 else called
    names = {"holders": many, "holder": one, "leases": held, "lease": held_one}

    def renamed(found: re.Match[str]) -> str:
        article, word = found[1], found[2]
        name = names[word.lower()]
        name = name[:1].upper() + name[1:] if word[0].isupper() else name
        if article is None:
            return name
        return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}" if name != word else found[0]

    parts = _QUOTED.split(text)
    return "".join(part if i % 2 else _OURS.sub(renamed, part) for i, part in enumerate(parts))


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
