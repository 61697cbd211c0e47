"""The table [baseline]: a healthy time, a disturbance, and how long until all is as it was before (A/B/A)."""

from pydantic import Field

from recovery.model.part import Part
from recovery.units import PositiveDuration, PositiveShare


class Baseline(Part):
    """What counts as back: load and response time within a share of their levels before the first disturbance."""

    within: PositiveShare = Field(0.1, description="how near to the level before: 10% is up to a tenth above it")
    over: PositiveDuration = Field(60.0, description="load and response time are means over so long, as a monitor has")
