"""What an experiment says beside its scenario: its title, its seed, what is expected and observed, its sweep."""

from pydantic import Field

from recovery.model.expect import Expectations
from recovery.model.note import Note
from recovery.model.observed import Observed
from recovery.model.part import Moment, Part, Whole
from recovery.model.sweep import Sweep


class Head(Part):
    """What an experiment says beside its scenario."""

    title: str = Field("Recovery", description="name of the experiment")
    question: str = Field("", description="what it asks")
    answer: str = Field("", description="what it found, in words")
    label: str = Field("as written", min_length=1, description="name of the scenario as it stands, beside its variants")
    clock: Moment = Field("", description='wall-clock time of the start, for labels only: "2025-10-19T23:48-07:00"')
    seed: Whole = Field(1, ge=0, le=2**63 - 1, description="seed of every draw")
    replications: Whole = Field(1, ge=1, le=10**6, description="runs of each variant, each with other random numbers")
    expect: Expectations = Field(default_factory=dict, description='bounds: ttr99_s = "< 30m"')
    notes: tuple[Note, ...] = Field((), description="inputs that are fitted, assumed or documented defaults")
    observed: tuple[Observed, ...] = Field((), description="milestones that were observed")
    services: str = Field("", description="file of a table of services that hang on this system, beside this file")
    sweep: Sweep | None = Field(None, description="keys that are varied")
