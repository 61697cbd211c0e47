"""What a change costs: the harms that are clearly more under it, in words."""

import math
from collections.abc import Callable

from recovery.measures import register
from recovery.units import show_count, show_share

SHARE_GROWS = 0.01  # a harm that is a share is told from so much more on
GROWS = 0.05  # another harm from so much more on, relative


def costs(traffic: str, was: Callable[[str], float], now: Callable[[str], float]) -> str:
    """The harms of leases or jobs that grow, with both means; "" for none. `was` and `now` give a harm's mean by its
    name, nan where it is not known.
    """
    out = []
    for name in register.harms(traffic):
        before, after, known = was(name), now(name), register.find(name, traffic)
        if known is None or not math.isfinite(before) or not math.isfinite(after):
            continue
        is_share = known.form == "share"
        if after - before >= SHARE_GROWS if is_share else after > before * (1 + GROWS):
            show = show_share if is_share else show_count
            out.append(f"{known.axis} {show(after)} instead of {show(before)}")
    return "; ".join(out)
