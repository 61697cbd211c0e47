"""Policies of leases: what late means."""

from typing import ClassVar, Literal

from pydantic import Field

from recovery.model.policies.lowered import Runs
from recovery.model.policies.rule import Rule
from recovery.units import Duration, PositiveShare, tell_duration, tell_share


class LeaseFixed(Rule):
    """A lease runs for its duration from the finish of the check."""

    axis: ClassVar[str] = "lease"
    source: ClassVar[str] = "Gray and Cheriton, Leases (SOSP 1989)"
    fails: ClassVar[str] = (
        "When renewals are late for any reason, the leases of holders that are well run out, and make work."
    )
    name: Literal["fixed"] = "fixed"

    @property
    def words(self) -> str:
        """In plain words."""
        return "leases run out on time"

    def lower(self) -> Runs:
        """In numbers."""
        return Runs(self.name)


class Grace(Rule):
    """A lease that ran out is still honoured for `grace`."""

    axis: ClassVar[str] = "lease"
    source: ClassVar[str] = "HashiCorp Nomad: heartbeat_grace 10 s"
    fails: ClassVar[str] = (
        "A grace shorter than the outage only puts off the end; a longer one notices real deaths as late."
    )
    name: Literal["grace"] = "grace"
    grace: Duration = Field(10.0, description="time added to every lease")

    @property
    def words(self) -> str:
        """In plain words."""
        return f"leases are honoured {tell_duration(self.grace)} longer"

    def lower(self) -> Runs:
        """In numbers."""
        return Runs(self.name, grace_s=self.grace)


class CreditOnArrival(Rule):
    """A check counts from its submission, not from its finish."""

    axis: ClassVar[str] = "lease"
    source: ClassVar[str] = (
        "Apache Kafka's KRaft controller: a heartbeat renews the session although it waited in the controller's queue"
    )
    fails: ClassVar[str] = "A holder that died while its renewal waited looks alive for a whole lease more."
    name: Literal["credit-on-arrival"] = "credit-on-arrival"

    @property
    def words(self) -> str:
        """In plain words."""
        return "a lease counts from the arrival of its request"

    def lower(self) -> Runs:
        """In numbers."""
        return Runs(self.name)


class Freeze(Rule):
    """The clock of every lease stands still while the dependency fails; then its rest goes on, or a whole lease."""

    axis: ClassVar[str] = "lease"
    source: ClassVar[str] = (
        "Kubernetes node lifecycle controller in full disruption (until: heard, then: rearm); "
        "Netflix Eureka's self-preservation"
    )
    fails: ClassVar[str] = "It hides who really died; and when clocks go on, leases of one length end at one moment."
    name: Literal["freeze"] = "freeze"
    from_failures: PositiveShare = Field(
        1.0, description="share of checks that the dependency fails from which the clock stands still"
    )
    then: Literal["resume", "rearm"] = Field(
        "resume", description="what a lease has when the clock goes on: what was left, or all of it"
    )
    until: Literal["return", "heard"] = Field(
        "return",
        exclude_if=lambda value: value == "return",  # enters the key of a run only where it is used
        description="until when clocks stand: the dependency's return, or the first holder that a host hears of after "
        "it, by a success",
    )

    @property
    def words(self) -> str:
        """In plain words."""
        share = tell_share(self.from_failures)
        after = "what was left of them" if self.then == "resume" else "a whole lease each"
        many = "all checks" if self.from_failures >= 1 else f"at least {share} of the checks"
        heard = "" if self.until == "return" else " and until a holder is heard of again"
        return f"leases stand still while {many} fail{heard}, then have {after}"

    def lower(self) -> Runs:
        """In numbers."""
        kind = self.name if self.until == "return" else "freeze-until-heard"
        return Runs(kind, rearms=self.then == "rearm", from_failures=self.from_failures)
