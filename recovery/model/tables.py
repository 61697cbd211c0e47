"""The tables of a scenario, and what follows from them: hosts, arrivals, leases, what each class sees."""

import itertools
import math
from collections.abc import Callable
from typing import Self

from pydantic import Field, PrivateAttr, model_validator

from recovery.model import classes as kinds
from recovery.model import policies
from recovery.model.baseline import Baseline
from recovery.model.choice import Choice
from recovery.model.dependency import Dependency, Outage
from recovery.model.dns import Dns, Window
from recovery.model.fleet import Fleet
from recovery.model.health import Health
from recovery.model.host import Host
from recovery.model.jobs import Jobs, Step
from recovery.model.launches import Launches
from recovery.model.lease import Lease
from recovery.model.operator import Action
from recovery.model.part import ClassName, InUse, Part, rules_of
from recovery.model.propagation import Propagation
from recovery.units import Duration, PositiveDuration

LOSES_AT_ONCE = ("fixed", "credit-on-arrival")
"""Rules of leases by which a late renewal costs the lease, so that nobody is overdue who has one."""
_AFTER_LEASES = ("launches", "propagation", "health")  # hosts are what they are without these


class Coupling(Part):
    """The grid on which results are written and stages exchange flows."""

    window: PositiveDuration = Field(
        10.0, description="grid of all time series, and resolution of every time to recovery"
    )


class Tables(Part):
    """The tables of a scenario, and what follows from them.

    Where [dns.window] makes the outages, what is written holds none: `stages.outage.resolve` gives the scenario as one
    replication meets it.
    """

    horizon: PositiveDuration = Field(examples=["4h"], description="how long is simulated")
    hold: Duration = Field(600.0, description="how long a recovered share must stay to count")
    recovers_from: Duration | None = Field(
        None,
        description="when the clock of recovery starts; default: when the last outage ends; without an outage, when an "
        "operator first ends sessions",
    )
    coupling: Coupling = Field(default_factory=lambda: Coupling.model_validate({}))
    fleet: Fleet | None = Field(None, description="lease holders (with [lease])")
    lease: Lease | None = Field(None, description="how long leases run (with [fleet])")
    jobs: Jobs | None = Field(None, description="open arrivals (instead of [fleet] and [lease])")
    host: Host = Field(description="a table [host]: one host, its workers and costs")
    dependency: Dependency = Field(default_factory=lambda: Dependency.model_validate({}))
    dns: Dns | None = Field(None, description="a table [dns]: the race that makes the outages (with [dns.window])")
    policy: Choice = Field(default_factory=Choice)
    classes: dict[ClassName, kinds.Class] = Field(
        default_factory=dict,
        exclude_if=lambda value: not value,
        description="tables [classes.NAME]: kinds of clients and jobs that share the hosts; their order decides ties",
    )
    operator: tuple[Action, ...] = Field((), description="what people do, when")
    launches: Launches | None = Field(None, description="launches that need leased holders")
    propagation: Propagation | None = Field(None, description="network state of launches and changes")
    health: Health | None = Field(None, description="a load balancer's targets and their checks")
    baseline: Baseline | None = Field(None, description="a table [baseline]: measures against the time before (A/B/A)")
    _is_drawn: bool = PrivateAttr(False)
    _rules: tuple[InUse, ...] = PrivateAttr(())

    @model_validator(mode="after")
    def _together(self) -> Self:
        return self.put_together()

    def put_together(self) -> Self:
        """This, which nobody has seen yet, with what follows from several of its tables. Raises ValueError where they
        do not fit together.
        """
        # Of classes each has its own number of members (`seen_by`).
        if self.lease is not None and self.fleet is not None and not self.classes:
            self.__dict__["lease"] = self.lease.of_members(self.fleet.holders)  # it is frozen
        self._rules = self.rules_anew()
        return self

    def rules_anew(self) -> tuple[InUse, ...]:
        """The same as `rules`, of a copy whose tables were changed (`seen_by`)."""
        return tuple(rule for rule in rules_of(self) if rule.key.split(".")[0] not in _AFTER_LEASES)

    def disturbed_s(self) -> float:
        """When the first thing happens that is not everyday: an outage, more jobs, a deed of operators; inf if nothing
        does.
        """
        happens = [outage.start for outage in self.dependency.outages[:1]]
        happens += [b.at for a, b in itertools.pairwise(self.steps) if b.rate_per_s() > a.rate_per_s()]
        happens += [action.at for action in self.operator if action.at is not None]
        return min(happens, default=math.inf)

    def _back_s(self) -> float:
        """When the dependency is back for good, s: where that is drawn, at the earliest."""
        if self.dns_window is not None:
            return self.dns_window.least_end_s()
        return self.dependency.outages[-1].end if self.dependency.outages else self._sessions_end_s()

    def _sessions_end_s(self) -> float:
        """When operators first end sessions at a given time, s; 0 if they never do."""
        ends = (action.at for action in self.operator if action.ends_sessions and action.at is not None)
        return min(ends, default=0.0)

    @property
    def hosts(self) -> int:
        """Number of hosts."""
        return self.fleet.hosts if self.fleet else self.jobs.hosts if self.jobs else 1

    @property
    def all_hosts(self) -> int:
        """Number of hosts with those that stand by."""
        return self.hosts + (self.jobs.spare_hosts if self.jobs is not None else 0)

    @property
    def has_leases(self) -> bool:
        """Whether its traffic is leases ([fleet] and [lease]); it is jobs ([jobs]) otherwise."""
        return self.fleet is not None

    @property
    def zones(self) -> int:
        """Number of zones; one where nothing tells them apart."""
        return self.fleet.zones if self.fleet is not None else 1

    @property
    def steps(self) -> tuple[Step, ...]:
        """How many jobs come, step by step, of all classes; none where the traffic is leases."""
        if self.jobs is None:
            return ()
        if not self.classes:
            return self.jobs.steps
        return kinds.added(seen.steps for seen in map(self.seen_by, self.classes))

    @property
    def places(self) -> dict[str, kinds.Place]:
        """The place of each class among all, by name."""
        return kinds.places_of(self.classes, has_fleet=self.has_leases) if self.classes else {}

    def seen_by(self, name: str) -> Self:
        """The scenario as the clients of one class see it: with what that class says in place of what all have, and
        without the other classes. Jobs of a class beside a fleet have no fleet, and so no zones.
        """
        one, place = self.classes[name], self.places[name]
        seen: dict[str, object] = {
            "classes": {},
            "baseline": None,
            "host": self.host.model_copy(update=one.given(kinds.OF_HOST)),
            "policy": self.policy.model_copy(update=one.given(kinds.OF_POLICY)),
        }
        if place.is_jobs:
            seen |= {"fleet": None, "lease": None, "jobs": self._jobs_of(one, place)}
        elif self.lease is not None and self.fleet is not None:
            own = self.lease.model_copy(update=one.given(kinds.OF_LEASE))
            seen["lease"] = own.of_members(self.fleet.holders * (place.share or 0.0), self._tied_checks_s(name))
        return self.model_copy(update=seen)

    def _tied_checks_s(self, name: str) -> tuple[float, ...]:
        """From check to check of each other lease that the clients of a class have, as the file says."""
        if self.lease is None:
            return ()
        places, every_s = self.places, self.lease.check_every
        tied = [one for other, one in self.classes.items() if other != name and places[other].root == places[name].root]
        return tuple(every_s if one.check_every is None else one.check_every for one in tied)

    def _jobs_of(self, one: kinds.Class, place: kinds.Place) -> Jobs:
        """The jobs of a class; of one that is tied to another as many as of that."""
        steps = self.classes[place.root].own_steps
        if steps is None and self.jobs is not None and place.share is not None:
            steps = kinds.scaled(self.jobs.steps, place.share)
        told = {"arrivals": "poisson", "retries": -1} if self.jobs is None else dict(self.jobs)
        return Jobs.model_construct(
            **{**told, "hosts": self.hosts, **one.given(("arrivals", "retries")), "steps": steps}
        )

    def mix(self, tell: Callable[[Self], float]) -> float:
        """Mean of what is told of each class, as it is seen by its clients: over the leases of all classes, or over
        their jobs where there are no leases. Without classes what is told of the scenario.
        """
        if not self.classes:
            return tell(self)
        seen = [(self.seen_by(name), place) for name, place in self.places.items()]
        own = [(one, place) for one, place in seen if place.is_jobs != self.has_leases]
        weights = [
            place.share or 0.0 if self.has_leases else kinds.jobs_until(one.steps, self.horizon) for one, place in own
        ]
        return kinds.mean([tell(one) for one, _ in own], weights)

    @property
    def establish_mean_s(self) -> float:
        """Mean time to make a lease or to serve a job, s: of classes, of their mix."""
        return self.mix(lambda seen: seen.host.establish_time.mean_s())

    def _leases(self) -> list[tuple[float, Lease, Host]]:
        """Of each class of holders how many leases it has, how long these run, and what its clients see of the host."""
        if self.fleet is None or self.lease is None:
            return []
        if not self.classes:
            return [(self.fleet.holders, self.lease, self.host)]
        seen = [(self.seen_by(name), place.share or 0.0) for name, place in self.places.items() if not place.is_jobs]
        return [(self.fleet.holders * share, one.lease, one.host) for one, share in seen if one.lease is not None]

    @property
    def leases(self) -> float:
        """How many leases there are in all; of classes that are tied to each other, a holder has several."""
        return math.fsum(many for many, _, _ in self._leases())

    @property
    def renewals_per_s(self) -> float:
        """How many leases are renewed a second in the steady state, of the whole fleet."""
        return math.fsum(many / lease.check_every for many, lease, _ in self._leases())

    @property
    def renewals_share(self) -> float:
        """The share of the workers that this takes."""
        return math.fsum(
            many * (host.renew_time or host.establish_time).mean_s() / (lease.check_every * host.workers * self.hosts)
            for many, lease, host in self._leases()
        )

    @property
    def admission_burst(self) -> float:
        """Most tokens that a host's admission has at one time; inf where it counts none."""
        policy = self.policy.admission
        if isinstance(policy, policies.Blue):
            return policy.tokens(self.establish_per_s, self.hosts)
        if not isinstance(policy, policies.WITH_RATE):
            return math.inf
        return max(1.0, policy.rate.of_host(self.establish_per_s, self.hosts) * policy.burst)

    @property
    def windows(self) -> int:
        """Windows up to the horizon (the last may end after it)."""
        return -int(-self.horizon / self.coupling.window // 1)

    @property
    def dns_window(self) -> Window | None:
        """What the outages of a replication are drawn from, if they are."""
        return None if self.dns is None else self.dns.window

    @property
    def is_drawn(self) -> bool:
        """Whether this is the scenario of one replication, with the outages that were drawn for it."""
        return self._is_drawn

    @property
    def outages(self) -> tuple[Outage, ...]:
        """When the dependency is away, in order of time. Raises LookupError where that has yet to be drawn."""
        if self.dns is not None and self.dns.window is not None and not self._is_drawn:
            raise LookupError("the outages of [dns.window] are drawn for each replication; want a resolved scenario")
        return self.dependency.outages

    def with_outages(self, outages: tuple[Outage, ...]) -> Self:
        """The scenario of one replication, whose outages these are; they are not checked."""
        drawn = self.model_copy(update={"dependency": self.dependency.model_copy(update={"outages": outages})})
        drawn._is_drawn = True
        return drawn

    @property
    def recovers_from_s(self) -> float:
        """When the clock of recovery starts, s: as written, or when the dependency is back for good; if it never was
        away, when operators first end sessions, or the start of the experiment. Raises LookupError where that has yet
        to be drawn.
        """
        if self.recovers_from is not None:
            return self.recovers_from
        outages = self.outages
        return outages[-1].end if outages else self._sessions_end_s()

    @property
    def rules(self) -> tuple[InUse, ...]:
        """The rules of part two of the model that it uses (MODEL.md, section 13); none for most."""
        return (
            self.__pydantic_private__["_rules"] if self.__pydantic_private__ else ()
        )  # self._rules takes ten times that

    @property
    def overdue_after_s(self) -> float | None:
        """How old the last renewal of who is overdue is, s. None where a late renewal costs the lease, and where counts
        of renewals do not tell: of classes, of a sample of the hosts, and where leases differ or are changed.
        """
        lease, fleet = self.lease, self.fleet
        if lease is None or fleet is None or self.classes or fleet.sample_hosts is not None:
            return None
        if fleet.overdue_after is None and self.policy.lease.name in LOSES_AT_ONCE:
            return None  # who has not renewed for as long as a lease lasts has lost it
        is_changed = any(getattr(one, "key", "").startswith("lease.") for one in self.operator)
        if fleet.start != "leased" or lease.duration.dist != "constant" or lease.scaled is not None or is_changed:
            return None
        return fleet.overdue_after or lease.duration.mean_s()

    @property
    def is_counted_from_end(self) -> bool:
        """Whether the clock of recovery starts when operators end sessions, because nothing else says when."""
        is_given = self.recovers_from is not None or self.dns is not None or bool(self.dependency.outages)
        return not is_given and any(action.ends_sessions and action.at is not None for action in self.operator)

    @property
    def starts_with_lost_sessions(self) -> bool:
        """Whether the clock of recovery starts at the very moment at which operators end sessions."""
        ends = (action.at for action in self.operator if action.ends_sessions)
        return self.recovers_from_s in ends

    @property
    def establish_per_s(self) -> float:
        """What one host can establish, 1/s: workers over the mean establish time; inf if it takes no time."""
        mean = self.establish_mean_s
        return self.host.workers / mean if mean > 0 else float("inf")
