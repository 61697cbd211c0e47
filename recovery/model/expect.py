"""The table [expect]: bounds on measures of the first variant."""

import contextlib
import math
import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator

from recovery.errors import nearest, shown
from recovery.model.part import Mistakes
from recovery.units import duration_s, share

_EXPECT = re.compile(r"^\s*(<=?|>=?)\s*(.+?)\s*$")


@dataclass(frozen=True)
class Expectation:
    """A bound on a measure of the first variant."""

    measure: str
    sign: str
    bound: float
    text: str


MEASURES_EXPECTED = {
    "ttr50_s": "time", "ttr90_s": "time", "ttr99_s": "time", "ttr100_s": "time", "efficiency": "number",
    "amplification": "number", "wasted_share": "share", "queue_peak": "number", "sojourn_p50_s": "time",
    "sojourn_p99_s": "time", "sojourn_max_s": "time", "unleased_holder_hours": "number", "relapses": "number",
    "collapsed_share": "share", "denied_share": "share",
    "launches_fail_s": "time", "launches_resume_s": "time", "launches_normal_s": "time", "all_normal_s": "time",
    "leases_normal_s": "time", "excess_hours": "number", "amplification_peak": "number", "drift_per_s": "number",
    "launches_throttled_share": "share", "launches_insufficient_share": "share", "launches_asleep_peak": "number",
    "changes_waiting_peak": "number", "latency_rises_s": "time", "latency_normal_s": "time", "reach_p50_s": "time",
    "reach_p99_s": "time", "reach_max_s": "time", "jobs_waiting_peak": "number", "jobs_refused_share": "share",
    "capacity_falls_s": "time", "capacity_normal_s": "time", "errors_start_s": "time", "errors_end_s": "time",
    "failover_first_s": "time", "usable_min_share": "share", "capacity_lost_hours": "number", "error_minutes": "number",
    "checks_failed_share": "share", "targets_terminated": "number", "failovers": "number",
}  # fmt: skip


def expectation(measure: str, text: object) -> Expectation:
    """Parse `ttr99_s = "< 30m"`. Raises ValueError that says what is wanted."""
    if measure not in MEASURES_EXPECTED:
        near = nearest(measure, MEASURES_EXPECTED)
        raise ValueError(f"expect.{measure} is not a measure{near}; want one of {', '.join(MEASURES_EXPECTED)}")
    kind = MEASURES_EXPECTED[measure]
    wanted = {"time": '"< 30m"', "share": '"< 5%"', "number": '"< 2.5"'}[kind]
    match = _EXPECT.match(text) if isinstance(text, str) else None
    bound = math.nan
    if match:
        with contextlib.suppress(ValueError):
            bound = duration_s(match[2]) if kind == "time" else share(match[2]) if kind == "share" else float(match[2])
    if not match or not math.isfinite(bound):
        raise ValueError(f"expect.{measure} is {shown(text)}; want a bound such as {wanted}")
    return Expectation(measure, match[1], bound, f"{measure} {match[1]} {match[2]}")


def _expectations(value: object) -> object:
    if isinstance(value, dict):
        wrong = []
        for measure, text in value.items():
            try:
                expectation(measure, text)
            except ValueError as error:
                wrong.append(str(error))
        if wrong:
            raise Mistakes("\n".join(wrong))
    return value


Expectations = Annotated[dict[str, str], BeforeValidator(_expectations)]
