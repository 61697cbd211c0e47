"""The tables [[observed]]: milestones that were observed, and what of the simulation they are compared with."""

from typing import Annotated, Literal

from pydantic import Field

from recovery.measures import register
from recovery.model.measure_names import field_of
from recovery.model.part import Flag, Part
from recovery.units import Duration, PositiveDuration

Moment = Annotated[str, *field_of(register.observable())]


class Observed(Part):
    """A milestone that was observed, and what of the simulation it is compared with."""

    label: str = Field(examples=["half of the leases are back"], description="what happened")
    at: Duration = Field(examples=["45m"], description="when, from the start of the experiment")
    measure: Moment = Field(
        examples=["ttr50_s"],
        description="the measure of a run that is compared with `at`: a moment from the start, such as leased_all_s; "
        "or a time to recovery, such as ttr50_s, of which the moment counts at which it is over. Of one class with the "
        "class's name: ttr99_s.heartbeat",
    )
    confidence: Literal["official", "reported", "recalled", "measured"] = Field(
        "reported", description="how sure it is"
    )
    within: PositiveDuration | None = Field(
        None,
        description="how far the simulated time may be off; default: 10 min from an official time, 20 min from any "
        "other; for the fit 10 min from a measured one, too",
    )
    source: str = Field(examples=["our own dashboard"], description="where it is written")
    used_for_fit: Flag = Field(False, description="whether inputs were chosen so that it is met")
