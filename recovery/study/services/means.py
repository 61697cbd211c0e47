"""Means over the replications of one variant, with their intervals."""

import math
from collections.abc import Sequence

from recovery.statistics import means
from recovery.store.record import Estimate
from recovery.store.service_record import WellFrom
from recovery.study.services.outcome import ServicesOutcome


def interval(values: Sequence[float]) -> Estimate:
    """Mean and interval over the runs that have a value."""
    mean, low, high = means.mean_interval(values, least=0.0)
    return Estimate(mean=mean, low=low, high=high)


def starts_s(outs: Sequence[ServicesOutcome], name: str) -> Estimate:
    """When a service is impaired first, over the runs in which it is; inf if it never is."""
    return interval([found[0][0] for out in outs if (found := out.impaired(name))] or [math.inf])


def well_s(outs: Sequence[ServicesOutcome], name: str) -> WellFrom:
    """When a service is well for good, over the runs in which it was not and becomes so; 0 if it always was."""
    ends = [found[-1][1] for out in outs if (found := out.impaired(name))]
    well = [end for end in ends if math.isfinite(end)]
    not_well = [out for out in outs if (found := out.impaired(name)) and math.isinf(found[-1][1])]
    over = interval(well or ends or [0.0])
    return WellFrom(
        mean=over.mean, low=over.low, high=over.high, never=len(not_well), runs=len(outs),
        late=sum(not out.is_lost(name) for out in not_well),
    )  # fmt: skip
