"""The table [fleet]: lease holders and the hosts that manage them."""

from pydantic import Field

from recovery.model.part import Part, Whole
from recovery.units import Number


class Fleet(Part):
    """Lease holders and the hosts that manage them."""

    holders: Whole = Field(ge=1, le=10**9, description="lease holders in all (servers, nodes, sessions)")
    hosts: Whole = Field(ge=1, le=10**6, description="managers that they are spread over")
    zones: Whole = Field(1, ge=1, le=100, description="availability zones; host h lies in zone h mod zones")
    skew: Number = Field(
        0.0, ge=0, le=5, description="uneven spread: standard deviation over mean of holders a host; 0 is even"
    )
    sample_hosts: Whole | None = Field(
        None, description="simulate only so many hosts, chosen to stand for all; results are of the whole fleet"
    )
