"""Measures against the time before a disturbance, of a scenario with [baseline]."""

from collections.abc import Mapping

import numpy as np

from recovery.measures import baseline
from recovery.model.scenario import Scenario
from recovery.stages.stage import Row
from recovery.statistics.arrays import Floats, Whole

LEAVE = ("succeeded", "wasted", "failed", "dropped", "lost", "cancelled")  # flows of requests that leave a host


def measures(scenario: Scenario, times_s: Floats, flows: Mapping[str, Whole]) -> Row:
    """Time back, peaks and area of excess; nothing without the table. `flows` int64[windows] are the hosts' columns."""
    if scenario.baseline is None:
        return {}
    within, over_s, window_s = scenario.baseline.within, scenario.baseline.over, scenario.coupling.window
    windows, begins_s = max(round(over_s / window_s), 1), scenario.disturbed_s()
    load = baseline.load_of(flows["submitted"], windows)
    present = flows["busy_ns"] / (window_s * 1e9) + flows["queue"]
    left = np.sum([flows[name] for name in LEAVE], axis=0)
    response = baseline.response_of(present, left, windows)
    of_load, of_response = (
        baseline.against(
            values, baseline.level_of(values, times_s, over_s, begins_s), times_s, within=within, begins_s=begins_s,
            from_s=scenario.recovers_from_s, hold_s=scenario.hold,
        )
        for values in (load, response)
    )  # fmt: skip
    return {
        "ttr_load_s": of_load.back_s,
        "ttr_response_s": of_response.back_s,
        "load_peak": of_load.peak,
        "response_peak": of_response.peak,
        "load_excess": baseline.excess(flows["submitted"], times_s, begins_s),
    }
