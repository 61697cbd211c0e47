"""Whether the holders of a fleet renew, where a late renewal costs no lease yet: who is overdue, and until when."""

import math

import numpy as np

from recovery.measures import renewals
from recovery.model.scenario import Scenario
from recovery.stages.stage import Row
from recovery.statistics.arrays import Floats, Numbers, Whole


def overdue(scenario: Scenario, succeeded: Whole, after_s: float) -> Floats:
    """Of the successes in each window, int64[windows], who is overdue at its end, float64[windows]: at least."""
    assert scenario.fleet is not None
    return renewals.overdue(succeeded, scenario.coupling.window, scenario.fleet.holders, after_s)


def overdue_at_most(scenario: Scenario, succeeded: Whole, after_s: float) -> int:
    """How many are overdue at one time of a run, at most."""
    lease, fleet, window_s = scenario.lease, scenario.fleet, scenario.coupling.window
    assert lease is not None
    assert fleet is not None
    ends_s = (lease.check_every * (1 + sign * lease.check_jitter) for sign in (-1, 1))
    found = renewals.overdue_at_most(succeeded, window_s, fleet.holders, after_s, *ends_s)
    return int(found.max(initial=0.0))


def computed(scenario: Scenario, succeeded: Whole) -> dict[str, Numbers]:
    """The column `overdue`, int64[windows], where the file says when one is overdue and counts tell it; or nothing."""
    after_s = scenario.overdue_after_s
    if after_s is None or scenario.fleet is None or scenario.fleet.overdue_after is None:
        return {}
    return {"overdue": overdue(scenario, succeeded, after_s).astype(np.int64)}


def all_renewed_s(scenario: Scenario, succeeded: Whole) -> tuple[float, float]:
    """When each holder has renewed since the dependency's last return, s after it: not before the first time, and no
    later than the second; inf: not before the horizon.
    """
    lease, fleet = scenario.lease, scenario.fleet
    assert lease is not None
    assert fleet is not None
    back_s = max((away.end for away in scenario.outages), default=scenario.recovers_from_s)
    round_s = lease.check_every * (1 - lease.check_jitter)
    return renewals.all_renewed_s(succeeded, scenario.coupling.window, fleet.holders, back_s, round_s)


def measures(scenario: Scenario, times_s: Floats, succeeded: Whole) -> Row:
    """`overdue_peak` and `ttr_renewed_s`; nothing where counts do not tell them."""
    after_s = scenario.overdue_after_s
    if after_s is None or not len(times_s):
        return {}
    most = float(overdue(scenario, succeeded, after_s).max(initial=0.0))
    return {"overdue_peak": math.floor(most), "ttr_renewed_s": all_renewed_s(scenario, succeeded)[1]}
