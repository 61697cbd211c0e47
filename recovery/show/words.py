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


def times_from(window_s: float) -> Callable[[float], str]:
    """How times, s, are told that are known to a window: "< 10 s" of what is shorter, and of the end of an interval
    that lies below it, or below 0. nan: how exactly they are known is not told.
    """

    def show(seconds: float) -> str:
        return f"< {show_duration(window_s)}" if seconds < window_s else show_duration(max(seconds, 0.0))

    return show


def differences_from(window_s: float) -> Callable[[float], str]:
    """How differences of times, s, are told: to a hundredth of the window to which times are known (nan: of 1 s), since
    what is left below that is arithmetic alone.
    """
    unit_s = HUNDREDTH * (window_s if window_s > 0 else 1.0)
    return lambda seconds: show_duration(0.0 if abs(seconds) < unit_s else seconds)


HUNDREDTH = 0.01


_TIME = times_from(math.nan)


def ends_of(found: Estimate, show: Callable[[float], str] = _TIME, between: str = " to ") -> str:
    """Both ends of an interval, "" where it has none or no width that can be told."""
    if not (math.isfinite(found.low) and math.isfinite(found.high)):
        return ""
    low, high = show(found.low), show(found.high)
    return f"{low}{between}{high}" if low != high else ""


def span_of(found: Estimate, show: Callable[[float], str] = _TIME, between: str = " to ") -> str:
    """A mean with its interval, where it has one; of a time (s) unless `show` tells another kind."""
    ends = ends_of(found, show, between)
    return show(found.mean) + (f" ({ends})" if ends else "")


LOPSIDED = 3.0  # times as far to one side as to the other


def is_lopsided(found: Estimate) -> bool:
    """Whether an interval reaches much farther to one side of the mean than to the other."""
    down, up = found.mean - found.low, found.high - found.mean
    return max(down, up) > LOPSIDED * min(down, up)
