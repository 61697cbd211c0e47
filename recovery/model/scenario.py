"""What a user may write: an experiment in TOML, checked once, at the door. The only parser.

`load` reads a file and returns an `Experiment`; every mistake is collected and told with file, key, value and what is
wanted.
"""

import contextlib
import copy
import difflib
import itertools
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Strict,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from recovery.errors import ScenarioError
from recovery.model import dns as race
from recovery.model import policies, sections
from recovery.model.design import Sweep, lever_points
from recovery.model.distributions import Distribution, Time
from recovery.model.sections import Slowdown
from recovery.read import door
from recovery.read.door import quoted as _quoted
from recovery.units import (
    HORIZON_MAX_S,
    Duration,
    Number,
    PositiveDuration,
    Rate,
    Share,
    duration_s,
    share,
    show_duration,
    show_share,
)


class _Mistakes(ValueError):
    """Mistakes that name their keys themselves, a line each."""


Whole = Annotated[int, Strict()]


Flag = Annotated[bool, Strict()]
WINDOWS_MAX = 2_000_000
MISTAKES_MAX = 100  # of one table, that are told one by one
TRIES_MANY = 1000  # attempts of a client in an outage, that are hardly meant
NEAR_MAX = 500  # names among which the nearest is looked for
STEPS_MAX = 100_000  # of the outage after the DNS race


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Coupling(_Part):
    """The grid on which results are written and stages exchange flows."""

    window: PositiveDuration = Field(
        10.0, description="grid of all time series, and resolution of every time to recovery"
    )


class Fleet(_Part):
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


class HostPart(_Part):
    """One host: its workers, its costs, its clients' patience."""

    workers: Whole = Field(1, ge=1, le=10**6, description="requests that a host works on at one time")
    establish_time: Time = Field(description="time to make a lease (or to serve a job)")
    renew_time: Time | None = Field(
        None, description="time to renew a lease that still runs; as establish_time if absent"
    )
    timeout: Time = Field(description="after this a client gives its attempt up; drawn for each attempt")
    cancel_on_timeout: Flag = Field(
        False, description="a request that timed out leaves the queue or its worker at once"
    )
    fail_after: Duration = Field(0.0, description="time that a request takes to fail while the dependency is down")
    reject_cost: Duration = Field(0.0, description="work of saying no, charged to the next service")
    drop_cost: Duration = Field(0.0, description="work of dropping a request, charged likewise")
    drop_notifies: Flag = Field(True, description="whether a client whose request is dropped learns it at once")
    round_trip: PositiveDuration = Field(
        0.001, description="after a refusal or failure the next attempt comes no sooner than this"
    )
    slowdown: Slowdown | None = Field(None, description="service slows down with the queue")


class LeasePart(_Part):
    """How long a lease runs and how often it is checked."""

    duration: Time = Field(description="how long a lease runs; drawn once a holder")
    check_every: PositiveDuration = Field(description="time from a success to the next check")
    check_jitter: Share = Field(0.0, description="the time to the next check varies by up to this share, up and down")


class Step(_Part):
    """From `at` on, jobs arrive at this rate."""

    at: Duration = Field(description="from when on")
    rate: Rate | None = Field(None, description='jobs a second in all: "30/s"')
    interval: PositiveDuration | None = Field(None, description='or the time between two jobs: "33ms"')

    @model_validator(mode="after")
    def _one_of(self) -> "Step":
        if (self.rate is None) == (self.interval is None):
            raise ValueError("want either rate or interval")
        return self

    def rate_per_s(self) -> float:
        """Jobs a second."""
        return self.rate if self.rate is not None else 1.0 / (self.interval or 1.0)


class Jobs(_Part):
    """Open arrivals: each job comes once, is tried again after a failure, and is lost when its retries are used up."""

    arrivals: Literal["poisson", "even"] = Field(
        "poisson", description="at random, or evenly spaced (from a random phase)"
    )
    steps: tuple[Step, ...] = Field(min_length=1, description="rate over time")
    retries: sections.Retries = Field(-1, description='attempts after the first: 0 … or "unlimited"')
    hosts: Whole = Field(1, ge=1, le=10**5, description="hosts that share the arrivals evenly")

    @model_validator(mode="after")
    def _rising(self) -> "Jobs":
        times = [step.at for step in self.steps]
        if times[0] != 0 or any(b <= a for a, b in itertools.pairwise(times)):
            raise ValueError('want steps in rising order of at, the first at "0s"')
        return self


class Outage(_Part):
    """While it lasts, the dependency fails with this share of requests."""

    start: Duration = Field(alias="from", description="when it begins")
    end: PositiveDuration = Field(alias="to", description="when it is over")
    fails: Share = Field(1.0, description="share of requests that fail: 100% is down, less is degraded")

    @model_validator(mode="after")
    def _ordered(self) -> "Outage":
        if self.end <= self.start:
            raise ValueError("want to later than from")
        return self


class Dependency(_Part):
    """When the system that every request depends on is away."""

    outages: tuple[Outage, ...] = Field((), description="times of failure, in order, without overlap")

    @model_validator(mode="after")
    def _apart(self) -> "Dependency":
        if any(b.start < a.end for a, b in itertools.pairwise(self.outages)):
            raise ValueError("want outages in order of time and without overlap")
        return self


def _named(value: object) -> object:
    """A policy without parameters may be written as its name alone."""
    return {"name": value} if isinstance(value, str) else value


class Policies(_Part):
    """One choice on each axis."""

    client: Annotated[policies.ClientPolicy, Discriminator("name")] = Field(default_factory=policies.Immediate)
    admission: Annotated[policies.AdmissionPolicy, Discriminator("name")] = Field(default_factory=policies.Open)
    queue: Annotated[policies.QueuePolicy, Discriminator("name")] = Field(default_factory=policies.Fifo)
    lease: Annotated[policies.LeasePolicy, Discriminator("name")] = Field(default_factory=policies.LeaseFixed)

    @model_validator(mode="before")
    @classmethod
    def _names(cls, data: Any) -> Any:
        return {key: _named(value) for key, value in data.items()} if isinstance(data, dict) else data


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


class _Action(_Part):
    at: Duration | None = Field(None, description="when, from the start of the experiment")
    when: Annotated[str, AfterValidator(_a_condition)] | None = Field(
        None, description='or on a condition of the whole fleet: "leased < 60%", "queue > 10000", "oldest > 5m"'
    )
    held: Duration = Field(0.0, alias="for", description="how long the condition must hold before they act")
    zone: Whole | None = Field(None, ge=0, description="only hosts of this zone (from 0)")

    @model_validator(mode="after")
    def _one_trigger(self) -> Any:
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


def _rate_or_off(value: object) -> object:
    return None if value == "off" else value


class Release(_Part):
    """So long after its start, the throttle goes to this rate."""

    after: Duration = Field(description="time from the start of the throttle")
    rate: Annotated[policies.RateOfFleet | None, BeforeValidator(_rate_or_off)] = Field(
        description='the new rate, or "off"'
    )


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
OPERATOR_SOURCES = {
    Restart: "selective restarts of DWFM hosts, 20 October 2025, 04:14 PDT (aws.amazon.com/message/101925)",
    Throttle: "the same; released in steps as in staged re-enabling (aws.amazon.com/message/11201)",
    Pause: "requests to the metadata service paused, 20 September 2015 (aws.amazon.com/message/5467D2)",
}


def _wrong_window(window: race.Window) -> str:
    """What of the outage after the race cannot be drawn, or nothing."""
    lasts = window.detect.mean_s() + window.repair.mean_s()
    if lasts <= 0:
        return "dns.window.repair is 0 s after the record became empty; want a detect or repair above 0"
    steps = (window.at + lasts + window.negative_ttl) / window.grid
    if steps > STEPS_MAX:
        over = show_duration(steps * window.grid)
        return (
            f"dns.window.grid is {show_duration(window.grid)}, of a window that is over at {over}; "
            f"want at most {STEPS_MAX} steps till then"
        )
    if window.partial is None and window.partial_share > 0:
        return "dns.window.partial is missing beside partial_share; want when that share of the clients has a way round"
    return ""


def _drawn(window: race.Window, seed: int, replication: int) -> Dependency:
    """The outage after the race, as one replication draws it."""
    steps = race.window_steps(window, seed, replication)
    return Dependency.model_construct(
        outages=tuple(Outage.model_construct(start=a, end=b, fails=share) for a, b, share in steps)
    )


class Scenario(_Part):
    """Everything that decides a run beside seed and replication.

    Where [dns.window] makes the outages, `dependency` has those of the first replication; `resolve` draws the others.
    """

    horizon: PositiveDuration = Field(description="how long is simulated")
    hold: Duration = Field(600.0, description="how long a recovered share must stay to count")
    recovers_from: Duration | None = Field(
        None, description="when the clock of recovery starts; default: end of the last outage"
    )
    coupling: Coupling = Field(default_factory=lambda: Coupling.model_validate({}))
    fleet: Fleet | None = Field(None, description="lease holders (with [lease])")
    lease: LeasePart | None = Field(None, description="how long leases run (with [fleet])")
    jobs: Jobs | None = Field(None, description="open arrivals (instead of [fleet] and [lease])")
    host: HostPart = Field(description="a table [host]: one host, its workers and costs")
    dependency: Dependency = Field(default_factory=lambda: Dependency.model_validate({}))
    dns: race.Dns | None = Field(None, description="a table [dns]: the race that makes the outages (with [dns.window])")
    policy: Policies = Field(default_factory=Policies)
    operator: tuple[Action, ...] = Field((), description="what people do, when")
    launches: sections.Launches | None = Field(None, description="launches that need leased holders")
    propagation: sections.Propagation | None = Field(None, description="network state of launches and changes")
    health: sections.Health | None = Field(None, description="a load balancer's targets and their checks")

    @model_validator(mode="after")
    def _from_the_race(self, info: ValidationInfo) -> "Scenario":
        if self.dns is None:
            return self
        if self.dns.window is None:
            raise _Mistakes("dns.window is missing; want a table [dns.window]: the outage that follows")
        if self.dependency.outages:
            raise _Mistakes("dependency.outages stands beside [dns]; want one of them: [dns.window] makes the outages")
        if wrong := _wrong_window(self.dns.window):
            raise _Mistakes(wrong)
        first = _drawn(self.dns.window, (info.context or {}).get("seed", 1), 0)
        object.__setattr__(self, "dependency", first)  # for what is told of a scenario; a run draws its own
        return self

    @model_validator(mode="after")
    def _fits(self) -> "Scenario":
        if self.jobs is not None and (self.fleet is not None or self.lease is not None):
            raise ValueError("[jobs] stands beside [fleet] or [lease]; want either [jobs], or [fleet] with [lease]")
        if self.jobs is None and (self.fleet is None or self.lease is None):
            missing = [name for name in ("fleet", "lease") if getattr(self, name) is None]
            raise ValueError(
                f"{' and '.join(missing)} missing; want [fleet] with [lease] (lease holders), or [jobs] (open arrivals)"
            )
        wrong = [*self._wrong_times(), *self._wrong_traffic(), *self._wrong_actions(), *sections.wrong(self)]
        if wrong:
            raise _Mistakes("\n".join(wrong))
        return self

    def _wrong_times(self) -> Iterator[str]:
        """What cannot be within the horizon, and times that may not be zero."""
        end = f"the horizon, {show_duration(self.horizon)}"
        if self.horizon > HORIZON_MAX_S:
            yield f"horizon is {show_duration(self.horizon)}; want at most {show_duration(HORIZON_MAX_S)}"
        if self.coupling.window > self.horizon:
            yield f"coupling.window is {show_duration(self.coupling.window)}; want no longer than {end}"
        elif self.horizon / self.coupling.window > WINDOWS_MAX:
            least = show_duration(self.horizon / WINDOWS_MAX)
            yield f"coupling.window is {show_duration(self.coupling.window)}; want at least {least} for {end}"
        away = [i for i, outage in enumerate(self.dependency.outages) if outage.end >= self.horizon]
        if away and self.dns is not None:
            yield f"dns.window is over at {show_duration(self.dependency.outages[-1].end)}; want before {end}"
        for i in away if self.dns is None else ():
            yield f"dependency.outages.{i}.to is {show_duration(self.dependency.outages[i].end)}; want before {end}"
        left = self.horizon - self.recovers_from_s
        if self.recovers_from is not None and left <= 0:
            yield f"recovers_from is {show_duration(self.recovers_from)}; want before {end}"
        elif not away and self.hold > left:
            left_over = f"what is left from {show_duration(self.recovers_from_s)} to {end}: {show_duration(left)}"
            yield f"hold is {show_duration(self.hold)}; want no longer than {left_over}"
        for key, time in (("host.establish_time", self.host.establish_time), ("host.timeout", self.host.timeout)):
            if time.mean_s() <= 0:
                yield f"{key} is 0 s; want a duration above 0"

    def _wrong_traffic(self) -> Iterator[str]:
        """What does not fit the kind of traffic."""
        fleet, lease, jobs = self.fleet, self.lease, self.jobs
        if fleet is not None and lease is not None:
            if fleet.hosts > fleet.holders:
                yield f"fleet.hosts is {fleet.hosts}; want no more than fleet.holders, {fleet.holders}"
            if fleet.zones > fleet.hosts:
                yield f"fleet.zones is {fleet.zones}; want no more than fleet.hosts, {fleet.hosts}"
            least = min(2 * fleet.zones, fleet.hosts)  # two a zone, or there is no telling how hosts differ
            if fleet.sample_hosts is not None and not least <= fleet.sample_hosts <= fleet.hosts:
                wanted = f"{least} (two a zone) to fleet.hosts, {fleet.hosts}"
                yield f"fleet.sample_hosts is {fleet.sample_hosts}; want {wanted}"
            grace = self.policy.lease.grace if isinstance(self.policy.lease, policies.Grace) else 0.0
            if lease.duration.mean_s() + grace <= lease.check_every:
                mean, every = show_duration(lease.duration.mean_s()), show_duration(lease.check_every)
                yield f"lease.duration is {mean} on average; want longer than lease.check_every, {every}"
        if jobs is not None:
            for i, step in enumerate(jobs.steps):
                if step.at >= self.horizon:
                    end = show_duration(self.horizon)
                    yield f"jobs.steps.{i}.at is {show_duration(step.at)}; want before the horizon, {end}"
            if all(step.rate_per_s() == 0 for step in jobs.steps):
                yield "jobs.steps have a rate of 0; want at least one rate above 0"
            if not isinstance(self.policy.lease, policies.LeaseFixed):
                yield f'policy.lease is "{self.policy.lease.name}"; want none: jobs hold no leases'
            if self.host.renew_time is not None:
                renew = show_duration(self.host.renew_time.mean_s())
                yield f"host.renew_time is {renew}; want none: jobs hold no leases"

    def _wrong_actions(self) -> Iterator[str]:
        """What no operator can do here."""
        zones = self.fleet.zones if self.fleet else 1
        for i, action in enumerate(self.operator):
            if action.at is not None and action.at >= self.horizon:
                end = show_duration(self.horizon)
                yield f"operator.{i}.at is {show_duration(action.at)}; want before the horizon, {end}"
            if action.zone is not None and self.jobs is not None:
                yield f"operator.{i}.zone is {action.zone}; want none: jobs have no zones"
            elif action.zone is not None and action.zone >= zones:
                yield f"operator.{i}.zone is {action.zone}; want 0 to {zones - 1}, or a larger fleet.zones"
            if self.jobs is not None and action.when is not None and condition(action.when).what == "leased":
                yield f'operator.{i}.when is "{action.when}"; want one on queue or oldest: jobs hold no leases'

    def oddities(self) -> Iterator[str]:
        """What can be run, but is hardly meant."""
        host, outages = self.host, self.dependency.outages
        establish, timeout = host.establish_time.mean_s(), host.timeout.mean_s()
        if self.recovers_from is not None and outages and self.recovers_from < outages[-1].end:
            back = show_duration(outages[-1].end)
            yield f"recovers_from is {show_duration(self.recovers_from)}, before the last outage is over at {back}"
        if timeout < establish:
            patience, work = show_duration(timeout), show_duration(establish)
            yield f"host.timeout is {patience}, shorter than host.establish_time, {work}"
        if outages and host.fail_after > timeout:
            fail, patience = show_duration(host.fail_after), show_duration(timeout)
            yield f"host.fail_after is {fail}, longer than host.timeout, {patience}"
        tries = self._tries_while_down()
        if tries > TRIES_MANY:
            fails = show_duration(host.fail_after + host.round_trip)
            yield (
                f'policy.client is "immediate" and a failure comes back after {fails}: '
                f"a client makes up to {tries:,.0f} attempts while the dependency is down, which takes long to run"
            )
        if self.fleet is not None and self.lease is not None:
            renew = (host.renew_time or host.establish_time).mean_s()
            load = self.fleet.holders * renew / self.lease.check_every / (self.fleet.hosts * host.workers)
            if load > 1:
                yield f"renewals alone want {show_share(load)} of the workers: the fleet is never healthy"
            latest, least = self.lease.check_every * (1 + self.lease.check_jitter), self.lease.duration.least_s()
            if isinstance(self.policy.lease, policies.Grace):
                least += self.policy.lease.grace
            if self.lease.duration.dist in ("constant", "uniform", "empirical") and least < latest:
                yield (
                    f"the shortest lease.duration is {show_duration(least)}, "
                    f"shorter than the longest time between two checks, {show_duration(latest)}"
                )
        if self.jobs is not None and self.jobs.steps[0].rate_per_s() > self.hosts * self.establish_per_s:
            rate, capacity = self.jobs.steps[0].rate_per_s(), self.hosts * self.establish_per_s
            yield f"jobs.steps.0 is {rate:.4g}/s, above the capacity of {capacity:.4g}/s before anything happened"
        for i, action in enumerate(self.operator):
            if isinstance(action, Restart) and action.at is not None:
                last = action.at + (action.waves - 1) * action.every
                if last >= self.horizon:
                    yield f"operator.{i}: its last wave comes at {show_duration(last)}, after the horizon"

    def _tries_while_down(self) -> float:
        """Attempts of one client that comes back at once, through all outages; 0 if it waits. Retries bound them, and
        what the workers can fail.
        """
        if not isinstance(self.policy.client, policies.Immediate):
            return 0.0
        host, down = self.host, sum(min(o.end, self.horizon) - o.start for o in self.dependency.outages)
        tries = down / (host.fail_after + host.round_trip)
        if self.fleet is not None and host.fail_after > 0:
            tries = min(tries, down * host.workers * self.hosts / host.fail_after / self.fleet.holders)
        if self.jobs is not None and self.jobs.retries >= 0:
            tries = min(tries, 1.0 + self.jobs.retries)
        return max(tries, 0.0)

    @property
    def hosts(self) -> int:
        """Number of hosts."""
        return self.fleet.hosts if self.fleet else self.jobs.hosts if self.jobs else 1

    @property
    def windows(self) -> int:
        """Windows up to the horizon (the last may end after it)."""
        return -int(-self.horizon / self.coupling.window // 1)

    @property
    def recovers_from_s(self) -> float:
        """When the dependency is back for good, seconds; the start if it never was away."""
        if self.recovers_from is not None:
            return self.recovers_from
        return self.dependency.outages[-1].end if self.dependency.outages else 0.0

    @property
    def establish_per_s(self) -> float:
        """What one host can establish, 1/s: workers over the mean establish time; inf if it takes no time."""
        mean = self.host.establish_time.mean_s()
        return self.host.workers / mean if mean > 0 else float("inf")


class Observed(_Part):
    """A milestone that was observed, and what of the simulation it is compared with."""

    label: str = Field(description="what happened")
    at: Duration = Field(description="when, from the start of the experiment")
    measure: Literal[
        "decline_ends_s", "progress_from_s", "leased_all_s", "launches_fail_s", "launches_resume_s",
        "launches_normal_s", "latency_rises_s", "latency_normal_s", "errors_start_s", "errors_end_s",
        "failover_first_s", "capacity_falls_s", "capacity_normal_s", "leases_normal_s", "all_normal_s",
    ] = Field(description="which milestone of the simulation")  # fmt: skip
    confidence: Literal["official", "reported", "recalled", "measured"] = Field(
        "reported", description="how sure it is"
    )
    source: str = Field(description="where it is written")
    used_for_fit: Flag = Field(False, description="whether inputs were chosen so that it is met")


class Note(_Part):
    """Why an unknown input has the value that it has."""

    key: str = Field(description="the input, with dots")
    kind: Literal["fitted", "assumed"] = Field(description="chosen to meet an observation, or a guess")
    why: str = Field(description="from what, in a sentence")


_EXPECT = re.compile(r"^\s*(<=?|>=?)\s*(.+?)\s*$")


@dataclass(frozen=True)
class Expectation:
    """A bound on a measure of the first variant."""

    measure: str
    sign: str
    bound: float
    text: str


MEASURES_EXPECTED = {
    "ttr50_s": "time", "ttr90_s": "time", "ttr99_s": "time", "ttr100_s": "time", "efficiency": "number",
    "amplification": "number", "wasted_share": "share", "queue_peak": "number", "sojourn_p50_s": "time",
    "sojourn_p99_s": "time", "sojourn_max_s": "time", "unleased_holder_hours": "number", "relapses": "number",
    "collapsed_share": "share", "denied_share": "share",
    "launches_fail_s": "time", "launches_resume_s": "time", "launches_normal_s": "time", "all_normal_s": "time",
    "leases_normal_s": "time", "excess_hours": "number", "amplification_peak": "number", "drift_per_s": "number",
    "launches_throttled_share": "share", "launches_insufficient_share": "share", "launches_asleep_peak": "number",
    "changes_waiting_peak": "number", "latency_rises_s": "time", "latency_normal_s": "time", "reach_p50_s": "time",
    "reach_p99_s": "time", "reach_max_s": "time", "jobs_waiting_peak": "number", "jobs_refused_share": "share",
    "capacity_falls_s": "time", "capacity_normal_s": "time", "errors_start_s": "time", "errors_end_s": "time",
    "failover_first_s": "time", "usable_min_share": "share", "capacity_lost_hours": "number", "error_minutes": "number",
    "checks_failed_share": "share", "targets_terminated": "number", "failovers": "number",
}  # fmt: skip
MILESTONES = get_args(Observed.model_fields["measure"].annotation)
MEASURES_OF_LEASES = ("efficiency", "unleased_holder_hours", "relapses", "leases_normal_s")
# Measures (of milestones and bounds) that need a later stage, by the table that must be there.
MEASURES_OF_STAGES = {
    "launches": (
        "launches_fail_s", "launches_resume_s", "launches_normal_s", "all_normal_s", "launches_throttled_share",
        "launches_insufficient_share", "launches_asleep_peak", "changes_waiting_peak",
    ),
    "propagation": (
        "latency_rises_s", "latency_normal_s", "reach_p50_s", "reach_p99_s", "reach_max_s", "jobs_waiting_peak",
        "jobs_refused_share",
    ),
    "health": (
        "capacity_falls_s", "capacity_normal_s", "errors_start_s", "errors_end_s", "failover_first_s",
        "usable_min_share", "capacity_lost_hours", "error_minutes", "checks_failed_share", "targets_terminated",
        "failovers",
    ),
}  # fmt: skip


def expectation(measure: str, text: object) -> Expectation:
    """Parse `ttr99_s = "< 30m"`. Raises ValueError that says what is wanted."""
    if measure not in MEASURES_EXPECTED:
        near = nearest(measure, MEASURES_EXPECTED)
        raise ValueError(f"expect.{measure} is not a measure{near}; want one of {', '.join(MEASURES_EXPECTED)}")
    kind = MEASURES_EXPECTED[measure]
    wanted = {"time": '"< 30m"', "share": '"< 5%"', "number": '"< 2.5"'}[kind]
    match = _EXPECT.match(text) if isinstance(text, str) else None
    bound = math.nan
    if match:
        with contextlib.suppress(ValueError):
            bound = duration_s(match[2]) if kind == "time" else share(match[2]) if kind == "share" else float(match[2])
    if not match or not math.isfinite(bound):
        raise ValueError(f"expect.{measure} is {_show(text)}; want a bound such as {wanted}")
    return Expectation(measure, match[1], bound, f"{measure} {match[1]} {match[2]}")


def _expectations(value: object) -> object:
    if isinstance(value, dict):
        wrong = []
        for measure, text in value.items():
            try:
                expectation(measure, text)
            except ValueError as error:
                wrong.append(str(error))
        if wrong:
            raise _Mistakes("\n".join(wrong))
    return value


def a_moment(value: str) -> str:
    """A text that is empty or date and time in ISO's form. Raises ValueError that says what is wanted."""
    try:
        datetime.fromisoformat(value or "2000-01-01")
    except ValueError:
        raise ValueError('want date and time such as "2025-10-19T23:48-07:00"') from None
    return value


class Head(_Part):
    """What an experiment says beside its scenario."""

    title: str = Field("Recovery", description="name of the experiment")
    question: str = Field("", description="what it asks")
    answer: str = Field("", description="what it found, in words")
    label: str = Field("as written", min_length=1, description="name of the scenario as it stands, beside its variants")
    clock: Annotated[str, AfterValidator(a_moment)] = Field(
        "", description='wall-clock time of the start, for labels only: "2025-10-19T23:48-07:00"'
    )
    seed: Whole = Field(1, ge=0, le=2**63 - 1, description="seed of every draw")
    replications: Whole = Field(1, ge=1, le=10**6, description="runs of each variant, each with other random numbers")
    expect: Annotated[dict[str, str], BeforeValidator(_expectations)] = Field(
        default_factory=dict, description='bounds: ttr99_s = "< 30m"'
    )
    notes: tuple[Note, ...] = Field((), description="inputs that are fitted or assumed")
    observed: tuple[Observed, ...] = Field((), description="milestones that were observed")
    services: str = Field("", description="file of a table of services that hang on this system, beside this file")
    sweep: Sweep | None = Field(None, description="keys that are varied")


@dataclass(frozen=True)
class Variant:
    """A scenario under its name, with the values of the swept keys that made it."""

    name: str
    scenario: Scenario
    levers: tuple[tuple[str, Any], ...] = ()


def outages_s(scenario: Scenario) -> list[tuple[float, float, float]]:
    """What the dependency does: (from s, to s, share of requests that fail), in order of time."""
    return [(outage.start, outage.end, outage.fails) for outage in scenario.dependency.outages]


def resolve(variant: Variant, seed: int, replication: int) -> Variant:
    """The variant as one replication meets it: with the outages that its [dns.window] draws for it. Without one, as it
    is.

    Raises nothing: an outage that is drawn longer than the horizon is not over when the run ends.
    """
    dns = variant.scenario.dns
    if dns is None or dns.window is None:
        return variant
    own = _drawn(dns.window, seed, replication)
    return replace(variant, scenario=variant.scenario.model_copy(update={"dependency": own}))


@dataclass(frozen=True)
class Experiment:
    """A checked experiment: what it says, the file's own table, and every variant that it compares."""

    head: Head
    variants: tuple[Variant, ...]
    raw: dict[str, Any]
    folder: Path
    name: str
    file: str
    base: dict[str, Any]
    changes: dict[str, dict[str, Any]]

    def drawn(self, number: int, inputs: tuple[tuple[str, Any], ...]) -> Variant:
        """Variant `number` where the variant itself has chosen `inputs` (key, value); what its variant and levers set
        is stronger. Raises ScenarioError.
        """
        variant = self.variants[number]
        if not inputs:
            return variant  # checked when the file was read
        table: dict[str, Any] = copy.deepcopy(self.base)
        key = ""
        try:
            for key, value in inputs:
                _put(table, _path(key), value)
            table = copy.deepcopy(_merge(table, self.changes[variant.name]))
            for key, value in variant.levers:
                _put(table, _path(key), value)
        except ValueError as error:
            raise ScenarioError(f"{self.file}: {key}: {error}") from None
        mistakes: list[str] = []
        scenario = _checked(Scenario, table, self.file, "", self.folder, mistakes, seed=self.head.seed)
        if scenario is None:
            raise ScenarioError("\n".join(dict.fromkeys(mistakes)))
        return Variant(variant.name, scenario, variant.levers)

    @property
    def first(self) -> Variant:
        """The scenario as the file has it."""
        return self.variants[0]

    @property
    def expectations(self) -> list[Expectation]:
        """Bounds on the first variant's measures."""
        return [expectation(measure, text) for measure, text in self.head.expect.items()]


_HEAD = frozenset(field.alias or name for name, field in Head.model_fields.items())


def load(path: str | Path, overrides: tuple[str, ...] = (), model: type[BaseModel] | None = None) -> Experiment:
    """Read and check an experiment; `overrides` are texts "key=value" with dots in the key; `model` is what a variant
    is made of, if it is no Scenario. Raises ScenarioError.
    """
    path = Path(path)
    text = door.read(path)
    if path.stem in ("", ".", ".."):  # results go to a folder of this name
        raise ScenarioError(f"{path.as_posix()!r}: results take their name from it; want a name such as mine.toml")
    experiment = parse(text, file=str(path), folder=path.parent, name=path.stem, overrides=overrides, model=model)
    if experiment.head.services:
        from recovery.read import service_table

        table = service_table.load(path.parent / experiment.head.services)
        if model is None:
            service_table.check_grid(table, (variant.scenario for variant in experiment.variants))
    return experiment


def parse(
    text: str,
    *,
    file: str = "scenario",
    folder: Path = Path(),
    name: str = "scenario",
    overrides: tuple[str, ...] = (),
    model: type[BaseModel] | None = None,
) -> Experiment:
    """Check the text of an experiment. Raises ScenarioError with every mistake, a line each."""
    raw = door.table(text, file)
    if isinstance(services := raw.get("services"), dict) and services:
        raise ScenarioError(
            f"{file}: is a table of services; want an experiment, which may name it as its services, "
            f"or recovery blast NODE {file}"
        )
    for override in overrides:
        _override(raw, override)
        door.check(raw, f"--set {door.brief(override)}")
    return rebuilt(raw, file=file, folder=folder, name=name, model=model)


def rebuilt(
    raw: dict[str, Any], file: str, name: str, folder: Path = Path(), model: type[BaseModel] | None = None
) -> Experiment:
    """Check the table of an experiment, as a manifest keeps it. Raises ScenarioError, a line a mistake."""
    model = model or Scenario
    head_raw = {key: value for key, value in raw.items() if key in _HEAD}
    said = raw.get("variants", {})
    raw_policy = raw.get("policy")
    base = {key: value for key, value in raw.items() if key not in _HEAD and key != "variants"}
    if isinstance(raw_policy, dict):
        base["policy"] = {axis: _named(choice) for axis, choice in raw_policy.items()}
    mistakes: list[str] = []
    head = _checked(Head, head_raw, file, "", folder, mistakes)
    known = {*_HEAD, *model.model_fields, "variants"}
    for key in [key for key in base if key not in model.model_fields]:
        mistakes.append(f"{file}: {key} is not a key{nearest(key, known)}; want one of {', '.join(sorted(known))}")
        del base[key]
    variants: list[Variant] = []
    label = head.label if head else "as written"
    changes: list[tuple[str, str, dict[str, Any]]] = [(label, "", {})]
    if not isinstance(said, dict) or not all(isinstance(change, dict) for change in said.values()):
        mistakes.append(f"{file}: variants is {_show(said)}; want tables, one a variant: [variants.bounded]")
    elif "" in said:
        mistakes.append(f'{file}: variants has one without a name; want [variants."a name"]')
    else:
        changes += [(name_, f"variants.{_quoted(name_)}.", change) for name_, change in said.items()]
    if len({name_ for name_, _, _ in changes}) < len(changes):
        mistakes.append(f"{file}: label is {label!r}; want another name than its variants have")
    sweep = head.sweep if head else None
    for variant_name, prefix, change in changes:
        merged = _merge(base, change)
        for point in lever_points(sweep, head.seed if head else 1):
            table, told = copy.deepcopy(merged), len(mistakes)
            for key, value in point:
                try:
                    _put(table, _path(key), value)
                except ValueError as error:
                    mistakes.append(f"{file}: sweep.levers.{_quoted(key)}: {error}")
            if len(mistakes) > told:
                break
            swept = tuple(_path(key) for key, _ in point)
            own, seed = change if prefix else None, head.seed if head else 1
            scenario = _checked(model, table, file, prefix, folder, mistakes, own, swept, seed)
            if scenario is None:
                break
            variants.append(Variant(variant_name, scenario, point))
        if mistakes and not prefix:
            break  # a variant of a wrong scenario repeats its mistakes
    if not variants and not mistakes:
        mistakes.append(f"{file}: sweep.exclude leaves no point of the levers; want at least one")
    if head is not None and not mistakes and model is Scenario:
        mistakes += _cross_checks(head, variants, raw, file)
    if mistakes or head is None:
        raise ScenarioError("\n".join(dict.fromkeys(mistakes)))
    by_name = {name_: change for name_, _, change in changes}
    experiment = Experiment(head, tuple(variants), raw, folder, name, file, base, by_name)
    if sweep is not None and model is Scenario:
        mistakes += _wrong_uncertainties(experiment, sweep)
        if mistakes:
            raise ScenarioError("\n".join(dict.fromkeys(mistakes)))
    return experiment


def _wrong_uncertainties(experiment: Experiment, sweep: Sweep) -> Iterator[str]:
    """Both ends of every range, and every value of a list, each alone."""
    for key, span in sweep.uncertainties.items():
        for value in span.values or (span.min, span.max):
            try:
                experiment.drawn(0, ((key, value),))
            except ScenarioError as error:
                yield from (f"{line} (in sweep.uncertainties.{_quoted(key)})" for line in str(error).splitlines())
                break


def _cross_checks(head: Head, variants: Sequence[Variant], raw: Mapping[str, Any], file: str) -> list[str]:
    """What the head asks that a scenario cannot tell: the first variant, and for a sweep's measure any."""
    scenario = variants[0].scenario
    mistakes = []
    for i, note in enumerate(head.notes):
        table: Any = raw
        for part in note.key.split("."):
            table = table.get(part) if isinstance(table, dict) else None
        if table is None:
            mistakes.append(f"{file}: notes.{i}.key is {_show(note.key)}; want a key that the file sets")
    if scenario.jobs is not None:
        mistakes += [
            f"{file}: expect.{measure} is a measure of leases; want one of jobs, such as ttr99_s"
            for measure in head.expect
            if measure in MEASURES_OF_LEASES
        ]
        if head.observed:
            mistakes.append(f"{file}: observed are milestones of leases; want none with [jobs]")
        if head.sweep is not None and head.sweep.measure in MEASURES_OF_LEASES:
            mistakes.append(f"{file}: sweep.measure is {head.sweep.measure}, of leases; want one of jobs, as ttr99_s")
    missing = {
        measure: stage
        for stage, measures in MEASURES_OF_STAGES.items()
        if getattr(scenario, stage) is None
        for measure in measures
    }
    asked: list[tuple[str, str, Sequence[str]]] = [
        (f"expect.{measure}", measure, tuple(MEASURES_EXPECTED)) for measure in head.expect
    ]
    asked += [(f"observed.{i}.measure", stone.measure, MILESTONES) for i, stone in enumerate(head.observed)]
    if head.sweep is not None:
        asked.append(("sweep.measure", head.sweep.measure, get_args(Sweep.model_fields["measure"].annotation)))
    for key, measure, all_of_them in asked:
        measured = variants if key == "sweep.measure" else variants[:1]
        sampled = [
            variant.name for variant in measured if (fleet := variant.scenario.fleet) and fleet.sample_hosts is not None
        ]
        if measure in missing:
            there = ", ".join(name for name in all_of_them if name not in missing)
            mistakes.append(f"{file}: {key} is {measure}; want a table [{missing[measure]}], or one of {there}")
        elif sampled and measure in OF_THE_LAST:
            where = "" if scenario.fleet and scenario.fleet.sample_hosts is not None else f" in “{sampled[0]}”"
            mistakes.append(
                f"{file}: {key} is {measure}, which no sample of the hosts tells (fleet.sample_hosts{where}): "
                f"only the last host does; want {OF_THE_LAST[measure]}, or all hosts"
            )
    return mistakes


OF_THE_LAST = {"ttr100_s": "ttr99_s", "leased_all_s": "leases_normal_s"}
"""What only the last host tells, and what comes before it."""


def _merge(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Tables are merged; policies and distributions are replaced whole, since their parameters belong to their name."""
    merged = dict(base)
    for key, value in change.items():
        old = merged.get(key)
        if isinstance(value, dict) and isinstance(old, dict) and not ({"name", "dist"} & set(value)):
            merged[key] = _merge(old, value)
        else:
            merged[key] = value
    return merged


def _path(key: str) -> tuple[str, ...]:
    """The parts of a key with dots, as TOML reads them: a part with spaces or dots stands in quotes."""
    place: Any = None
    with contextlib.suppress(ValueError):
        place = door.loads(f"{key} = 0")
    parts: list[str] = []
    while isinstance(place, dict) and len(place) == 1:
        [(part, place)] = place.items()
        parts.append(part)
    if place != 0:
        raise ValueError(
            "want a key with dots; quote a part with spaces or dots, for instance variants.'no action'.hold"
        )
    return tuple(parts)


def _put(table: dict[str, Any], parts: tuple[str, ...], value: Any) -> None:
    """Set a key (whole numbers lead into lists) to `value`. Raises ValueError that says where it ends."""
    place: Any = table
    for i, part in enumerate(parts):
        here, last = ".".join(parts[:i]), i == len(parts) - 1
        if isinstance(place, list):
            if not (part.isascii() and part.isdigit() and int(part) < len(place)):
                wanted = (
                    "0" if len(place) == 1 else f"a number from 0 to {len(place) - 1}" if place else "the whole list"
                )
                raise ValueError(f"{here} is a list of {len(place)}; want {wanted} instead of {part!r}")
            where: Any = int(part)
        elif isinstance(place, dict):
            where = part
            if not last and here == "policy":
                place[part] = _named(place.get(part, {}))
        else:
            raise ValueError(f"{here} is {_show(place)}; want a table there to set its {part}, or another {here}")
        if last:
            place[where] = value
        else:
            place = place[where] if isinstance(place, list) else place.setdefault(where, {})


def _override(raw: dict[str, Any], text: str) -> None:
    key, sign, value_text = text.partition("=")
    if key.strip().startswith(("'", '"')) or key.count('"') % 2 or key.count("'") % 2:  # a quoted part may hold a "="
        match = re.match(r"""\s*((?:"[^"]*"|'[^']*'|[^"'=])+)=(.*)""", text, re.DOTALL)
        key, value_text = (match[1], match[2]) if match else (key, value_text)
    value: Any = value_text.strip()
    with contextlib.suppress(ValueError):
        read = door.loads(f"v = {value_text}")
        value = read["v"] if len(read) == 1 else value
    try:
        if not sign or not key.strip():
            raise ValueError("want key=value, for instance host.workers=8 or policy.queue=lifo")
        changed = copy.deepcopy(raw)
        _put(changed, _path(key.strip()), value)
    except ValueError as error:
        raise ScenarioError(f"--set {door.brief(text)}: {error}") from None
    raw.clear()
    raw.update(changed)


def check_table(model: type[Any], table: Mapping[str, Any], file: str) -> Any:
    """The model of a table that is no scenario. Raises ScenarioError with every mistake, a line each."""
    mistakes: list[str] = []
    found = _checked(model, table, file, "", Path(), mistakes)
    if found is None:
        raise ScenarioError("\n".join(dict.fromkeys(mistakes)))
    return found


def _checked(
    model: type[Any],
    table: Mapping[str, Any],
    file: str,
    prefix: str,
    folder: Path,
    mistakes: list[str],
    own: Mapping[str, Any] | None = None,
    swept: tuple[tuple[str, ...], ...] = (),
    seed: int = 1,
) -> Any:
    try:
        return model.model_validate(dict(table), context={"folder": folder, "seed": seed})
    except ValidationError as error:
        found = error.errors(include_url=False)
        for item in found[:MISTAKES_MAX]:
            if item["type"] == "too_short" and len(item["input"]) > 0:
                continue  # its entries have mistakes of their own
            loc = _loc(item["loc"], table)
            key = ".".join(map(str, loc))
            shown = prefix + key if own is not None and loc and loc[0] in own else key
            where = f" (in {prefix.rstrip('.')})" if prefix and shown == key else ""
            if any(tuple(map(str, loc[: len(lever)])) == lever[: len(loc)] for lever in swept if loc):
                where += " (in sweep.levers)"
            mistakes += [f"{file}: {line}{where}" for line in _told(model, item, shown, table).splitlines()]
        if len(found) > MISTAKES_MAX:
            mistakes.append(f"{file}: … and {len(found) - MISTAKES_MAX} more")
        return None


def _loc(loc: tuple[Any, ...], table: Any) -> list[Any]:
    """The path without the names that pydantic adds for the member of a union."""
    out: list[Any] = []
    place: Any = table
    for part in loc:
        tag = place.get("name", place.get("do")) if isinstance(place, Mapping) else None
        if isinstance(part, str) and part.startswith("function-"):
            continue
        if (
            len(out) == 2
            and out[0] in ("policy", "operator", "launches", "propagation", "health")
            and part == tag
            and len(loc) > len(out)
        ):
            out.append(None)  # once: a parameter may have the name of its policy
            continue
        out.append(part)
        if isinstance(place, Mapping):
            place = place.get(part)
        else:
            place = place[part] if isinstance(place, list) and isinstance(part, int) and part < len(place) else None
    return [part for part in out if part is not None]


def _told(model: Any, item: Mapping[str, Any], key: str, table: Any) -> str:
    kind = item["type"]
    context = item.get("ctx", {})
    if kind == "extra_forbidden":
        names = _fields_at(model, item["loc"][:-1], table)
        last = str(item["loc"][-1])
        return f"{key} is not a key{nearest(last, names)}; want one of {', '.join(names)}"
    if kind == "missing":
        return f"{key} is missing; want {_describe(model, item['loc'], table)}"
    value = _show(item["input"])
    if kind == "value_error":
        problem = context.get("error")
        if isinstance(problem, _Mistakes) or not key:
            return str(problem)
        if isinstance(item["input"], Mapping):
            if str(problem).split()[0] in _fields_at(model, item["loc"], table):  # it begins with one of its keys
                return f"{key}.{problem}"
            if value.endswith("…"):  # the beginning of a long table says nothing
                return f"{key}: {problem}"
        return f"{key} is {value}; {problem}" if str(problem).startswith("want") else f"{key}: {problem}"
    if kind in ("literal_error", "enum"):
        choices = [choice.strip().strip("'") for choice in re.split(r",| or ", str(context["expected"]))]
        return f"{key} is {value}{nearest(str(item['input']), choices)}; want one of {', '.join(choices)}"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        field = str(context["discriminator"]).strip("'")
        choices = _choices(item["loc"], field)
        if kind == "union_tag_not_found":
            return f"{key} has no {field}; want {field} as one of {', '.join(choices)}"
        tag = context["tag"]
        return f"{key}.{field} is {_show(tag)}{nearest(str(tag), choices)}; want one of {', '.join(choices)}"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        if kind != "dict_type" and (key.startswith("policy.") or sections.names_at(item["loc"])):
            return f"{key} is {value}; want one of {', '.join(_choices(item['loc'], 'name'))}"
        names = [] if kind == "dict_type" else _fields_at(model, item["loc"], table)
        return f"{key} is {value}; want a table{' with ' + ', '.join(names) if names else ''}"
    if kind == "tuple_type" and isinstance(item["input"], dict):
        return f"{key} is {value}; want a list of such tables: [[{key}]], or {key} = [{{ … }}]"
    wanted: dict[str, Callable[[], str]] = {
        "greater_than_equal": lambda: f"want {_number(context['ge'])} from {context['ge']:g}",
        "greater_than": lambda: f"want {_number(context['gt'])} above {context['gt']:g}",
        "less_than_equal": lambda: f"want {_number(context['le'])} up to {_digits(context['le'])}",
        "int_type": lambda: "want a whole number",
        "int_from_float": lambda: "want a whole number",
        "float_type": lambda: "want a number",
        "finite_number": lambda: "want a finite number",
        "bool_type": lambda: "want true or false",
        "less_than": lambda: f"want {_number(context['lt'])} below {context['lt']:g}",
        "string_type": lambda: "want a text in quotes",
        "string_too_short": lambda: "want a text that is not empty",
        "string_pattern_mismatch": lambda: "want a name of letters, digits, - and _, a letter first",
        "tuple_type": lambda: "want a list",
        "too_short": lambda: "want at least one entry",
    }
    return f"{key} is {value}; {wanted[kind]() if kind in wanted else item['msg']}"


def _number(bound: float) -> str:
    return "a whole number" if isinstance(bound, int) else "a number"


def _digits(bound: float) -> str:
    return str(bound) if isinstance(bound, int) else f"{bound:g}"


def _choices(loc: tuple[Any, ...], field: str) -> list[str]:
    """The names that a policy or an action may have."""
    if (names := sections.names_at(loc)) is not None:
        return names
    members: tuple[type[BaseModel], ...] = policies.AXES[loc[1]] if loc[0] == "policy" else ACTIONS
    return [str(member.model_fields[field].default) for member in members]


def _show(value: Any) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"


def nearest(word: str, words: Any) -> str:
    """A suggestion, or nothing."""
    names = list(words)[:NEAR_MAX]
    close = (
        difflib.get_close_matches(word.lower(), names, 1, 0.6)
        or [n for n in names if word and (word in n.split("_") or n in word.split("_"))][:1]
    )
    return f" (did you mean {close[0]}?)" if close else ""


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]


def _model_at(model: Any, loc: tuple[Any, ...], table: Any) -> list[type[BaseModel]]:
    models = [model]
    place: Any = table
    for part in loc:
        if isinstance(part, int):
            place = place[part] if isinstance(place, list | tuple) and part < len(place) else None
            continue
        found = []
        for candidate in models:
            for name, field in candidate.model_fields.items():
                if part in (name, field.alias):
                    found += _models_in(field.annotation) or [m for meta in field.metadata for m in _models_in(meta)]
        if not found:
            continue  # the name of a union's member
        place = place.get(part) if isinstance(place, Mapping) else None
        models = found
        tag = place if isinstance(place, str) else None
        if isinstance(place, Mapping):
            tag = place.get("name", place.get("do"))
        if tag is not None:
            models = _tagged(models, tag) or models
    if len(models) > 1 and isinstance(place, Mapping):
        models = _tagged(models, place.get("name", place.get("do"))) or models
    return models


def _tagged(models: list[type[BaseModel]], tag: Any) -> list[type[BaseModel]]:
    return [m for m in models if tag in (getattr(m.model_fields.get(k), "default", None) for k in ("name", "do"))]


def _fields_at(model: Any, loc: tuple[Any, ...], table: Any) -> list[str]:
    names: dict[str, None] = {}
    for candidate in _model_at(model, loc, table):
        for name, field in candidate.model_fields.items():
            names[field.alias or name] = None
    return list(names)


def _describe(model: Any, loc: tuple[Any, ...], table: Any) -> str:
    for candidate in _model_at(model, loc[:-1], table):
        for name, field in candidate.model_fields.items():
            if loc[-1] in (name, field.alias):
                return field.description or f"a table [{loc[-1]}]"
    return "a value"


def operator_catalogue() -> list[dict[str, Any]]:
    """What operators may do, as `policies.catalogue` tells it of policies: name, rule, parameters, source."""
    rows = []
    for action in ACTIONS:
        parameters = [
            {
                "name": field.alias or key,
                "default": "none" if field.default is None or field.is_required() else str(field.get_default()),
                "description": field.description,
            }
            for key, field in action.model_fields.items()
            if key != "do"
        ]
        rows.append(
            {
                "axis": "operator",
                "name": str(action.model_fields["do"].default),
                "rule": " ".join((action.__doc__ or "").split()),
                "source": OPERATOR_SOURCES[action],
                "parameters": parameters,
            }
        )
    return rows


__all__ = [
    "Distribution",
    "Experiment",
    "Scenario",
    "ValidationInfo",
    "Variant",
    "load",
    "outages_s",
    "parse",
    "resolve",
]
