"""The table [fleet]: lease holders, the hosts that manage them, and what the holders are called."""

import re
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from recovery.model.part import Flag, Part, Whole, optional
from recovery.units import Number, PositiveDuration

_NOUN = r"^[^\W\d_]+([ -][^\W\d_]+)*$"  # words of letters
NOUN_MAX = 40  # characters


def _noun(value: str) -> str:
    if len(value) > NOUN_MAX or not re.fullmatch(_NOUN, value):
        raise ValueError(f'want a noun of letters alone, such as "droplets", of at most {NOUN_MAX} characters')
    return value


Noun = Annotated[str, AfterValidator(_noun), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": NOUN_MAX})]


class Called(NamedTuple):
    """What lease holders are called in tables and on pages, many of them and one; and so what they hold."""

    many: str = "holders"
    one: str = "holder"
    held: str = "leases"
    held_one: str = "lease"


class Fleet(Part):
    """Lease holders and the hosts that manage them."""

    holders: Whole = Field(
        examples=[30_000], ge=1, le=10**9, description="lease holders in all (servers, nodes, sessions)"
    )
    hosts: Whole = Field(examples=[3], ge=1, le=10**6, description="managers that they are spread over")
    zones: Whole = Field(1, ge=1, le=100, description="availability zones; host h lies in zone h mod zones")
    skew: Number = Field(
        0.0, ge=0, le=5, description="uneven spread: standard deviation over mean of holders a host; 0 is even"
    )
    sample_hosts: Whole | None = Field(
        None, description="simulate only so many hosts, chosen to stand for all; results are of the whole fleet"
    )
    start: Literal["leased", "unleased"] = optional(
        "leased",
        description="whether leases run when the experiment starts; unleased: nobody has one (a cold start)",
        why="nobody has a lease at the start, so all want one from the same workers",
    )
    in_step: Flag = optional(
        False,
        description='with start = "unleased": all come at once, not each at its own phase',
        why="all come at the same moment, which is the largest herd that these clients can make",
    )
    called: Noun = Field("holders", description='what pages call them, a plural: "droplets"')
    called_one: Noun | None = Field(
        None, description="and one of them; default: -ies becomes -y, another -s at the end goes"
    )

    holds: Noun = Field("leases", description='what pages call what they hold, a plural: "connections"')
    holds_one: Noun | None = Field(None, description="and one of them; by default as with called")
    overdue: Noun = Field(
        "overdue", description='what answers call one whose last renewal is older than overdue_after: "NotReady"'
    )
    overdue_after: PositiveDuration | None = Field(
        None, description="how long after its last renewal one is overdue; default: as long as a lease lasts"
    )
    loss: Noun | None = Field(
        None,
        description='what follows where one loses its lease; "no" can stand before it: "pods are evicted"',
    )

    @model_validator(mode="after")
    def _cold(self) -> "Fleet":
        if self.in_step and self.start == "leased":
            raise ValueError('want in_step only with start = "unleased": who has a lease comes at its next check')
        return self

    @property
    def words(self) -> Called:
        """What its holders are called, and what they hold."""
        return Called(
            self.called, self.called_one or one_of(self.called), self.holds, self.holds_one or one_of(self.holds)
        )


def one_of(many: str) -> str:
    """The singular of a plural: -ies becomes -y, another -s at the end goes, any other word stays as it is."""
    return f"{many[:-3]}y" if many.endswith("ies") else many.removesuffix("s")
