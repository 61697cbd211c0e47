"""Which stretch of time is drawn: up to where something happens, and the return close up if it takes but a moment."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

SETTLED = 0.02  # of all that the levels of a panel span: so near to its last value a level has settled
AFTER = 0.15  # of the time until all has settled: so much is drawn of what follows
WORTH = 0.75  # an axis is cut if no more than this part of it is left
MOMENT = 1 / 12  # of an axis: what is shorter is not seen on it
WINDOWS_MIN = 4  # fewer are no curve
ROUND_S = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400)


class Level(NamedTuple):
    """A level over time: float64[windows] each, times in seconds."""

    times_s: Array
    values: Array


class Stretch(NamedTuple):
    """A stretch of time, in seconds since something."""

    from_s: float
    to_s: float


def settled_s(levels: Sequence[Level]) -> float:
    """When the last of the levels of a panel has come near the value with which it ends (s); 0 if none moves."""
    known = [np.isfinite(one.values) for one in levels]
    shown = [Level(one.times_s[keep], one.values[keep]) for one, keep in zip(levels, known, strict=True) if keep.any()]
    if not shown:
        return 0.0
    near = SETTLED * (max(one.values.max() for one in shown) - min(one.values.min() for one in shown))
    return max(_last_far_s(one, near) for one in shown)


def _last_far_s(level: Level, near: float) -> float:
    far = np.flatnonzero(np.abs(level.values - level.values[-1]) > near)
    return float(level.times_s[far[-1] + 1]) if len(far) else 0.0


def end_s(horizon_s: float, happens_s: Iterable[float]) -> float:
    """Where an axis ends that has room for all that happens (times in seconds, inf: never): the horizon, or sooner
    where that leaves out a good part of it.
    """
    last = max((at for at in happens_s if math.isfinite(at)), default=horizon_s)
    end = (1 + AFTER) * last
    step = max((one for one in ROUND_S if one <= end / 10), default=end)
    end = math.ceil(end / step) * step if step > 0 else horizon_s
    return end if 0 < end <= WORTH * horizon_s else horizon_s


def return_of(levels: Sequence[Level], since_s: float, axis_s: float) -> Stretch | None:
    """The stretch of a return that an axis of `axis_s` seconds shows as one upright line, in seconds since `since_s`:
    from a little before to a little after. None where the axis shows it, or where it is no longer than few windows.
    """
    last = settled_s(levels) - since_s
    window = min((float(one.times_s[0]) for one in levels if len(one.times_s)), default=math.inf)
    if not WINDOWS_MIN * window <= last <= MOMENT * axis_s:
        return None
    return Stretch(-0.25 * last, 1.5 * last)
