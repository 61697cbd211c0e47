"""The table [host.bar]: a share of the attempts is barred, as access barring of a mobile network does."""

from typing import ClassVar, Literal

from pydantic import Field

from recovery.model.distributions import Time
from recovery.model.part import ClassName, Part
from recovery.units import PositiveShare


class Bar(Part):
    """Each attempt is barred with this chance, before the host sees it; the client tries again after its time."""

    matters: ClassVar[str] = "a share of the attempts is barred at no cost to the hosts, and each comes again later"
    share: PositiveShare = Field(examples=["50%"], description="share of the attempts that are barred")
    time: Time = Field(
        examples=["30s"], description="how long a client that was barred waits; no failure for its policy"
    )
    classes: tuple[ClassName, ...] = Field(
        (), exclude_if=lambda value: not value, description="only clients of these classes are barred; default: of all"
    )
    only: Literal["all", "establish"] = Field(
        "all", description="whether renewals of leases that still run are barred, too"
    )
