"""The tables [[observed]]: milestones that were observed, and what of the simulation they are compared with."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from recovery.measures import register
from recovery.model.part import Flag, Part
from recovery.units import Duration

if TYPE_CHECKING:
    Milestone = str
else:
    Milestone = Literal[register.milestones()]


class Observed(Part):
    """A milestone that was observed, and what of the simulation it is compared with."""

    label: str = Field(description="what happened")
    at: Duration = Field(description="when, from the start of the experiment")
    measure: Milestone = Field(description="which milestone of the simulation")
    confidence: Literal["official", "reported", "recalled", "measured"] = Field(
        "reported", description="how sure it is"
    )
    source: str = Field(description="where it is written")
    used_for_fit: Flag = Field(False, description="whether inputs were chosen so that it is met")
