"""The tables [[observed]]: milestones that were observed, and what of the simulation they are compared with."""

from typing import Literal, get_args

from pydantic import Field

from recovery.model.part import Flag, Part
from recovery.units import Duration


class Observed(Part):
    """A milestone that was observed, and what of the simulation it is compared with."""

    label: str = Field(description="what happened")
    at: Duration = Field(description="when, from the start of the experiment")
    measure: Literal[
        "decline_ends_s", "progress_from_s", "leased_all_s", "launches_fail_s", "launches_resume_s",
        "launches_normal_s", "latency_rises_s", "latency_normal_s", "errors_start_s", "errors_end_s",
        "failover_first_s", "capacity_falls_s", "capacity_normal_s", "leases_normal_s", "all_normal_s",
    ] = Field(description="which milestone of the simulation")  # fmt: skip
    confidence: Literal["official", "reported", "recalled", "measured"] = Field(
        "reported", description="how sure it is"
    )
    source: str = Field(description="where it is written")
    used_for_fit: Flag = Field(False, description="whether inputs were chosen so that it is met")


MILESTONES = get_args(Observed.model_fields["measure"].annotation)
