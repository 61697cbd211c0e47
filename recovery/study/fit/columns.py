"""What a measured series can be of: columns of a run, with their units, and their values at any time."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from recovery.model.scenario import Scenario
from recovery.simulate.pipeline import Outcome
from recovery.stages import known

Floats = npt.NDArray[np.float64]


def columns_of(scenario: Scenario) -> dict[str, str]:
    """What a measured series can be of: column and its unit ("share", "count", "s", "1/s")."""
    out = {"leased_share": "share"} if scenario.has_leases else {"backlog": "count"}
    if scenario.zones > 1:
        out |= {f"leased_share_zone_{zone}": "share" for zone in range(scenario.zones)}
    stages = (known.traffic_of(scenario), *known.later_of(scenario))
    own = [one for stage in stages for one in stage.columns if one.place is not None and not one.by_zone]
    own = [one for one in own if not one.name.endswith("_ns")]
    out |= dict.fromkeys((one.name for one in own if one.kind == "level" and one.name != "leased"), "count")
    return out | {"oldest_s": "s"} | {f"{one.name}_per_s": "1/s" for one in own if one.kind == "flow"}


def is_flow(column: str) -> bool:
    """Whether it is of what happens, a second, and not of what there is at a moment."""
    return column.endswith("_per_s")


def sampled(outcome: Outcome, column: str, times_s: Sequence[float], over_s: float = 0.0) -> Floats:
    """float64[times], a column of a run at some times: of a level what it is then, of a flow its mean a second over the
    `over_s` up to then (a window, if that is shorter), as monitoring has it. Between the ends of two windows levels are
    linear, and flows even.
    """
    found, ends, window = outcome.columns(), outcome.times_s, outcome.scenario.coupling.window
    if is_flow(column):
        flow = np.asarray(found[column.removesuffix("_per_s")], np.float64)
        until = np.clip(times_s, window, ends[-1])
        since = np.maximum(until - max(over_s, window), 0.0)
        edges, sums = np.concatenate([[0.0], ends]), np.concatenate([[0.0], np.cumsum(flow)])
        return np.asarray((np.interp(until, edges, sums) - np.interp(since, edges, sums)) / (until - since))
    series = found["oldest_ns"] / 1e9 if column == "oldest_s" else found[column]
    return np.asarray(np.interp(times_s, ends, np.asarray(series, float)))
