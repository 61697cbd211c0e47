"""The tables [[operator]]: what people do, when or on which condition of the fleet."""

import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, model_validator

from recovery.model import policies
from recovery.model.part import Part, Whole, or_off
from recovery.units import Duration, PositiveDuration, Share, duration_s, share

_CONDITION = re.compile(r"^\s*(leased|queue|oldest)\s*(<|>)\s*(\S.*?)\s*$")


@dataclass(frozen=True)
class Condition:
    """`what` (leased: share, queue: requests in all hosts, oldest: age in seconds) is below or above a bound."""

    what: str
    above: bool
    bound: float

    def holds(self, levels: Mapping[str, float]) -> bool:
        """Whether it is true of these levels of the fleet."""
        level = levels[self.what]
        return level > self.bound if self.above else level < self.bound


def condition(text: object) -> Condition:
    """Parse "leased < 60%", "queue > 10000" or "oldest > 5m". Raises ValueError that says what is wanted."""
    wanted = 'want a condition such as "leased < 60%", "queue > 10000" or "oldest > 5m"'
    match = _CONDITION.match(text) if isinstance(text, str) else None
    if not match:
        raise ValueError(wanted)
    what, sign, bound = match.groups()
    try:
        number = share(bound) if what == "leased" else duration_s(bound) if what == "oldest" else float(bound)
    except ValueError:
        raise ValueError(wanted) from None
    if not math.isfinite(number) or number < 0:
        raise ValueError(wanted)
    if (what == "leased" and sign == ">" and number >= 1) or (sign == "<" and number == 0):
        raise ValueError("want a condition that can come true")
    return Condition(what, sign == ">", number)


def _a_condition(value: str) -> str:
    condition(value)
    return value


class _Action(Part):
    at: Duration | None = Field(None, description="when, from the start of the experiment")
    when: Annotated[str, AfterValidator(_a_condition)] | None = Field(
        None, description='or on a condition of the whole fleet: "leased < 60%", "queue > 10000", "oldest > 5m"'
    )
    held: Duration = Field(0.0, alias="for", description="how long the condition must hold before they act")
    zone: Whole | None = Field(None, ge=0, description="only hosts of this zone (from 0)")

    @model_validator(mode="after")
    def _one_trigger(self) -> Self:
        if (self.at is None) == (self.when is None):
            raise ValueError("want either at or when")
        if self.at is not None and self.held:
            raise ValueError("want for only with when")
        return self


class Restart(_Action):
    """Restart hosts in waves: what they had queued is lost without a word, leases stay."""

    do: Literal["restart"] = "restart"
    share: Share = Field(1.0, description="share of the hosts that is restarted in all")
    waves: Whole = Field(1, ge=1, le=10**5, description="in how many waves")
    every: Duration = Field(0.0, description="time from one wave to the next")
    down_for: Duration = Field(30.0, description="time that a host refuses everything")


class Release(Part):
    """So long after its start, the throttle goes to this rate."""

    after: Duration = Field(description="time from the start of the throttle")
    rate: Annotated[policies.RateOfFleet | None, BeforeValidator(or_off)] = Field(description='the new rate, or "off"')


class Throttle(_Action):
    """A token bucket in front of everything, let go of step by step."""

    do: Literal["throttle"] = "throttle"
    rate: policies.RateOfFleet = Field(description='of the whole fleet: "200/s", or "90%" of what it can establish')
    burst: Duration = Field(1.0, description="how much of its rate it may save up (at least one request)")
    only: Literal["all", "establish"] = Field(
        "all", description="whether it holds up renewals of leases that still run, too"
    )
    release: tuple[Release, ...] = Field((), description="its release schedule, in order of time")

    @model_validator(mode="after")
    def _rising(self) -> "Throttle":
        if any(b.after <= a.after for a, b in itertools.pairwise(self.release)):
            raise ValueError("want release in rising order of after")
        return self


class Pause(_Action):
    """Let nothing in for a while."""

    do: Literal["pause"] = "pause"
    lasts: PositiveDuration = Field(description="how long")
    only: Literal["all", "establish"] = Field(
        "all", description="whether it holds up renewals of leases that still run, too"
    )


Action = Annotated[Restart | Throttle | Pause, Discriminator("do")]
ACTIONS = (Restart, Throttle, Pause)
SOURCES = {
    Restart: "selective restarts of DWFM hosts, 20 October 2025, 04:14 PDT (aws.amazon.com/message/101925)",
    Throttle: "the same; released in steps as in staged re-enabling (aws.amazon.com/message/11201)",
    Pause: "requests to the metadata service paused, 20 September 2015 (aws.amazon.com/message/5467D2)",
}
