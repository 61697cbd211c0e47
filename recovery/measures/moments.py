"""When a run came to what [[observed]] names: the moment, from the start of the experiment."""

import math
from collections.abc import Mapping

from recovery.measures import register


def moment_s(name: str, told: Mapping[str, float | str | None]) -> float:
    """When a run came to a milestone, or when a time to recovery ended, of all or of a class; s from the start.

    `told` is a row of results. 0: always so; inf: never; nan: not measured. A time to recovery counts from
    `recovers_from_s`; that of leases is always so where their share never fell below its depth, that of jobs where
    none waited any more when the clock began.
    """
    again = _number(told.get(register.again_of(name)))
    value = _number(told.get(name)) if math.isnan(again) else again
    if (depth := register.DEPTHS.get(register.without_class(name))) is None:
        return value
    least = _number(told.get(name.replace(register.without_class(name), "leased_min_share", 1)))
    is_always = value == 0 if math.isnan(least) else least >= depth - register.ROUNDING
    return 0.0 if is_always else _number(told.get("recovers_from_s")) + value


def _number(value: float | str | None) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
