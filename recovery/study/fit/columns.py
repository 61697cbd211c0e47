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


def sampled(outcome: Outcome, column: str, times_s: Sequence[float]) -> Floats:
    """float64[times], a column of a run at some times: levels at the ends of windows, flows a second at their middles.
    Between them it is linear.
    """
    found, ends, window = outcome.columns(), outcome.times_s, outcome.scenario.coupling.window
    if column == "oldest_s":
        series = found["oldest_ns"] / 1e9
    elif column.endswith("_per_s"):
        series, ends = found[column.removesuffix("_per_s")] / window, ends - window / 2
    else:
        series = np.asarray(found[column], np.float64)
    return np.asarray(np.interp(times_s, ends, np.asarray(series, float)))
