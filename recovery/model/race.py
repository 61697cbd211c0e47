"""An experiment with the DNS race alone: how much is simulated, and which small race is searched."""

from pydantic import Field

from recovery.model.dns import GUARDRAILS, Dns, Guardrail
from recovery.model.part import Part, Whole
from recovery.units import Number


class HowOften(Part):
    """How much is simulated for the rate of empty records."""

    years: Number = Field(2.0, gt=0, le=1e5, description="years of brute force, in all replications together")
    enough: Whole = Field(100, ge=10, le=10**6, description="empty records from which on brute force is believed")
    trials: Whole = Field(1000, ge=10, le=10**6, description="copies in each stage of splitting")
    repeats: Whole = Field(16, ge=2, le=10**4, description="independent repeats of splitting")


class Possible(Part):
    """The small race of which every interleaving is looked at."""

    enactors: Whole = Field(3, ge=1, le=3, description="Enactors")
    endpoints: Whole = Field(2, ge=1, le=4, description="records")
    plans: Whole = Field(3, ge=1, le=7, description="plans that are published")
    keep: Whole = Field(1, ge=1, le=7, description="plans so many generations older are deleted")
    guardrails: tuple[tuple[Guardrail, ...], ...] = Field(
        ((), *((name,) for name in GUARDRAILS), ("keep-active", "refuse-empty")), description="which to look at"
    )


class RaceAlone(Part):
    """What a variant of an experiment with the race alone is made of: it has [dns] and no [host]."""

    dns: Dns = Field(description="a table [dns]: Planner, Enactors, records")
    how_often: HowOften = Field(default_factory=lambda: HowOften.model_validate({}))
    possible: Possible = Field(default_factory=lambda: Possible.model_validate({}))
