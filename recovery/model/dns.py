"""What a user may write of the DNS race and of the outage that follows it: the tables [dns] and [dns.window].

A Planner, Enactors, their delays and guardrails; and how long it takes people and caches until a record that has become
empty is of no consequence any more. `stages.outage` draws it, for each replication its own.
"""

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from recovery.model.distributions import Distribution, Time
from recovery.model.part import Part, Whole
from recovery.units import Duration, Number, PositiveDuration, Share, show_duration

Guardrail = Literal["compare-and-set", "keep-active", "refuse-empty", "one-writer"]
GUARDRAILS: dict[Guardrail, str] = {
    "compare-and-set": "checks at every write, in the same transaction, that its plan is newer than the record's",
    "keep-active": "never deletes a plan that a record uses (asked in the same step)",
    "refuse-empty": "never writes a record whose plan is gone",
    "one-writer": "each endpoint is written by one Enactor only",
}
GENERATIONS_MAX = 10**6
STEPS_MAX = 100_000  # of a window


def _lasting(value: Distribution) -> Distribution:
    if value.mean_s() <= 0:
        raise ValueError("want a duration above 0")
    return value


Lasting = Annotated[Time, AfterValidator(_lasting)]


def _constant(seconds: float) -> Distribution:
    return Distribution.constant(seconds)


class Delays(Part):
    """How long each step takes."""

    plan: Lasting = Field(examples=["60s"], description="from one plan of the Planner to the next")
    look: Lasting = Field(
        examples=["10s"], description="from the end of an Enactor's work, or a look in vain, to its next look"
    )
    transaction: Lasting = Field(examples=["100ms"], description="from the lock to the changed record")
    back_off: Lasting = Field(examples=["1s"], description="wait after the first lock that is lost")
    clean_up: Lasting = Field(examples=["5s"], description="time to delete old plans, after the last endpoint")
    check: Time = Field(
        default_factory=lambda: _constant(0.0), description="one more read, for each that a guardrail needs"
    )


class Lock(Part):
    """The lock of an endpoint, beside the Enactors themselves, and how the wait for it grows."""

    loses: Share = Field(0.0, description="share of first tries that find the lock taken by somebody else")
    loses_again: Share = Field(0.0, description="the same of later tries: above `loses`, the back-off is unfair")
    factor: Number = Field(1.0, ge=1, le=100, description="each wait is so many times as long as the one before")
    cap: PositiveDuration = Field(86_400.0, description="longest wait")

    @model_validator(mode="after")
    def _ends(self) -> "Lock":
        if self.loses_again >= 1:
            raise ValueError("want loses_again below 100%")
        return self


class Window(Part):
    """From the empty record to the last cached answer that says so. Times are means or distributions."""

    at: Duration = Field(0.0, description="when the record becomes empty")
    detect: Time = Field(examples=["30m"], description="until people know the cause")
    partial: Time | None = Field(None, description="from then until a part of the clients has a way round")
    partial_share: Share = Field(0.0, description="the share of clients that it helps")
    repair: Time = Field(examples=["90m"], description="from the detection until all records are right again, by hand")
    ttl: Duration = Field(5.0, description="how long resolvers keep a good answer")
    negative_ttl: Duration = Field(900.0, description="how long resolvers keep the answer that there is no address")
    grid: PositiveDuration = Field(60.0, description="steps in which the share of failing requests is told")

    def least_end_s(self) -> float:
        """When it is over at the earliest, s: if every time is the least that it may be."""
        return self._end_s(Distribution.least_s)

    def mean_end_s(self) -> float:
        """When it is over if every time is its mean, s."""
        return self._end_s(Distribution.mean_s)

    def _end_s(self, of: Callable[[Distribution], float]) -> float:
        known = self.at + of(self.detect)
        end = known + of(self.repair) + self.negative_ttl
        if self.partial is not None and self.partial_share >= 1:  # the way round is for all
            return min(end, known + of(self.partial))
        return end

    def wrong(self) -> str:
        """What of it cannot be drawn, or nothing."""
        lasts = self.detect.mean_s() + self.repair.mean_s()
        if lasts <= 0:
            return "dns.window.repair is 0 s after the record became empty; want a detect or repair above 0"
        steps = (self.at + lasts + self.negative_ttl) / self.grid
        if steps > STEPS_MAX:
            over = show_duration(steps * self.grid)
            return (
                f"dns.window.grid is {show_duration(self.grid)}, of a window that is over at {over}; "
                f"want at most {STEPS_MAX} steps till then"
            )
        if self.partial is None and self.partial_share > 0:
            return (
                "dns.window.partial is missing beside partial_share; "
                "want when that share of the clients has a way round"
            )
        return ""


class Dns(Part):
    """Planner, Enactors and records: the race that can leave a record empty."""

    enactors: Whole = Field(3, ge=1, le=16, description="Enactors, which work independently")
    endpoints: Whole = Field(1, ge=1, le=10_000, description="records that a plan changes, in order")
    keep: Whole = Field(
        examples=[3],
        ge=1,
        le=GENERATIONS_MAX,
        description="plans this many generations older than an Enactor's own are deleted",
    )
    guardrails: tuple[Guardrail, ...] = Field((), description="what keeps the race from happening; any of them")
    delays: Delays = Field(description="a table [dns.delays]: how long each step takes")
    lock: Lock = Field(default_factory=lambda: Lock.model_validate({}))
    window: Window | None = Field(None, description="a table [dns.window]: the outage that follows")
