"""Records of a run's folder: manifest.json, summary.json, and the scenario of each variant as it was resolved.

A resolved scenario says in numbers what a variant was: times in seconds, rates a second, policies by name. Whoever
reads a folder needs no parser of scenarios.
"""

import json
import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from recovery.measures.register import JOBS, LEASES, TrafficName
from recovery.store.manifest_record import Manifest
from recovery.store.note_record import Kept, Note
from recovery.store.race_record import Race
from recovery.store.record import Estimate, Number, Record, Share
from recovery.store.service_record import Services


class Measured(Estimate):
    """A measure over the replications of a variant: mean, interval (95 %), and how many runs know nothing of it."""

    not_measured: int = 0


# --- the resolved scenario --------------------------------------------------------------------------------------------


class Step(Record):
    """From `at_s` on, so many a second; nan: no limit."""

    at_s: Number
    rate_per_s: Number


class Quantity(Record):
    """A number of a file in its base unit: `kind` is "duration" (s), "rate" (1/s), "share" or "number"."""

    kind: str
    value: Number


class Span(Record):
    """A time with a begin and an end."""

    from_s: Number
    to_s: Number


class Outage(Record):
    """While it lasts, this share of the requests fails."""

    from_s: Number
    to_s: Number
    fails_share: Number


Course = tuple[Outage, ...]
"""What the dependency did in a run, in order of time."""


class Rule(Record):
    """A rule by its name, with its parameters as numbers and texts, and what it does in plain words."""

    name: str
    words: str = ""
    parameters: dict[str, Kept] = Field(default_factory=dict)


class Policies(Record):
    """A policy: one rule on each axis."""

    client: Rule
    admission: Rule
    queue: Rule
    lease: Rule


class Fleet(Record):
    """Who holds leases, and how long they run."""

    holders: int
    leases: int = 0  # where a holder has several: how many they have in all
    called: str = "holders"  # many of them
    called_one: str = "holder"
    zones: int
    lease_s: Number  # mean
    grace_s: Number  # how much longer a lease is honoured
    check_every_s: Number
    renewals_per_s: Number
    renewals_share: Number  # of the hosts' work
    all_at_once_s: Number = math.nan  # until the last is served if all ask at once: the largest host, at its slowest

    @property
    def asks(self) -> int:
        """Requests that come if all leases run out."""
        return self.leases or self.holders


class Jobs(Record):
    """Open arrivals."""

    steps: tuple[Step, ...]
    retries: Number  # inf: without limit
    hidden_per_s: Number  # load below which a queue that was pushed empties by itself

    @property
    def arrivals_per_s(self) -> float:
        """Jobs a second at the end."""
        return self.steps[-1].rate_per_s


class Hosts(Record):
    """What the hosts can do, and their clients' patience. Rates are of all hosts together."""

    hosts: int
    workers: int  # of one host
    capacity_per_s: Number
    failing_per_s: Number = math.inf  # the same while the dependency is down
    admission_per_s: Number = math.inf  # what admission lets in while no queue waits
    admission_spares_renewals: bool = False  # whether renewals pass it
    queue_limit: Number = math.inf  # requests that may wait in all queues
    admitted_queue: Number = math.inf  # requests that can wait where admission lets in no more than is done
    dies_at: Number = math.inf  # requests that wait in all queues at which hosts die of them
    reject_share: Number  # work of saying no, as a share of that of serving
    service: str  # the distribution of service times
    timeout_s: Number  # mean
    client_wait_s: Number  # the longest time between two attempts of a client
    cancels: bool  # whether a request that timed out leaves at once
    cancel_words: str = ""  # the same in plain words


class Planned(Record):
    """What operators are to do: at a time, or (nan) on a condition; and what their throttle or pause lets in from when
    on (nan: no limit any more; times are of the experiment, or since the condition).
    """

    do: str
    at_s: Number = math.nan
    when: str = ""
    lets_in: tuple[Step, ...] = ()
    spares_renewals: bool = False


class Launches(Record):
    """Launches: the steps of the request throttle."""

    throttle: tuple[Step, ...]


class Propagation(Record):
    """Network propagation: what is normal, and when its load is reduced."""

    normal_latency_s: Number
    reductions: tuple[Span, ...]
    workers: int = 0  # of a shard; 0: not known


class Health(Record):
    """Targets behind a load balancer, and the usable share that is normal."""

    targets: int
    normal_share: Number


class RuleInUse(Record):
    """A rule of part two of the model that a scenario uses: the key that asks for it, and why it matters."""

    key: str
    why: str


class Class(Record):
    """A kind of clients or jobs that shares the hosts with others."""

    name: str
    is_jobs: bool


class Scenario(Record):
    """A variant in numbers. Outages stand beside it, since each replication may draw its own (`Row.outages_index`)."""

    horizon_s: Number
    window_s: Number
    hold_s: Number
    is_counted_from_file: bool  # whether the file says from when on recovery is counted
    is_counted_from_end: bool = False  # whether it is counted from when operators end sessions
    rules: tuple[RuleInUse, ...] = ()  # of part two
    hosts: Hosts
    fleet: Fleet | None = None
    jobs: Jobs | None = None
    classes: tuple[Class, ...] = ()
    policies: Policies
    actions: tuple[Planned, ...] = ()
    launches: Launches | None = None
    propagation: Propagation | None = None
    health: Health | None = None

    @property
    def traffic(self) -> TrafficName:
        """What makes requests at its hosts."""
        return LEASES if self.fleet is not None else JOBS

    @property
    def has_leases(self) -> bool:
        """Whether holders hold leases; else jobs come."""
        return self.traffic == LEASES

    @property
    def called(self) -> tuple[str, str]:
        """What the holders of leases are called: many of them, and one."""
        return (self.fleet.called, self.fleet.called_one) if self.fleet is not None else ("holders", "holder")

    @property
    def wanted_per_s(self) -> float:
        """What comes all the time: renewals of all leases, or jobs."""
        if self.fleet is not None:
            return self.fleet.renewals_per_s
        return self.jobs.arrivals_per_s if self.jobs is not None else 0.0

    @property
    def wanted_share(self) -> float:
        """The same as a share of what the hosts can do."""
        if self.fleet is not None:
            return self.fleet.renewals_share
        return self.wanted_per_s / self.hosts.capacity_per_s


# --- summary.json -----------------------------------------------------------------------------------------------------


def in_zone(do: str, zone: int | None) -> str:
    """What operators did and where, in words: "failover off in zone 2"."""
    return do if zone is None else f"{do} in zone {zone}"


class Action(Record):
    """What operators did, and when; in one zone, or (None) everywhere."""

    do: str
    at_s: Number
    zone: int | None = None

    @property
    def words(self) -> str:
        """What was done, and where."""
        return in_zone(self.do, self.zone)

    @model_serializer(mode="wrap")
    def _without_none(self, write: SerializerFunctionWrapHandler) -> dict[str, object]:
        table: dict[str, object] = write(self)
        return {key: value for key, value in table.items() if value is not None}


class Failure(Record):
    """A run that failed."""

    variant: str
    levers: dict[str, Kept] = Field(default_factory=dict)
    seed: int
    replication: int
    error: str


class Row(Record):
    """One run: which it was, how it ended, and its measures by the names of the register."""

    variant: str
    levers: dict[str, Kept] = Field(default_factory=dict)
    seed: int
    replication: int
    digest: str
    actions: tuple[Action, ...] = ()
    cpu_s: Number
    outages_index: int = 0  # of its course in `RunManifest.outages`
    verdict: str
    measures: dict[str, Number]
    words: dict[str, str] = Field(default_factory=dict)  # what a measure says in words: why a time has no interval

    def of(self, measure: str) -> float:
        """A measure of this run; nan where it has none."""
        return self.measures.get(measure, math.nan)


class Group(Record):
    """The runs of one variant together, with its scenario."""

    variant: str
    levers: dict[str, Kept] = Field(default_factory=dict)
    lever_values: dict[str, Quantity] = Field(default_factory=dict)  # of those levers whose values are numbers
    runs: int
    outages_index: int = 0  # of the course of its first run, which pictures show
    verdicts: dict[str, int]
    collapsed: Share
    measures: dict[str, Measured]
    scenario: Scenario
    unleased: Span | None = None  # from when to when holders are without a lease in some run; None: never

    def policy_words(self, key: str) -> str:
        """What a key of a policy, or a part of one, does here, in plain words; "" for a key of something else."""
        part, _, rest = key.partition(".")
        axis = rest.partition(".")[0]
        if part == "policy" and axis in Policies.model_fields:
            found: Rule = getattr(self.scenario.policies, axis)
            return found.words or found.name
        return self.scenario.hosts.cancel_words if key == "host.cancel_on_timeout" else ""

    def lever_words(self, key: str) -> str:
        """What the value of a lever does, in plain words where it is a policy; else as the file has it."""
        value = self.levers[key]
        is_whole = key.count(".") < 2  # of a part of a policy the value says more
        return (is_whole and self.policy_words(key)) or (value if isinstance(value, str) else json.dumps(value))

    def mean(self, measure: str) -> float:
        """Mean of a measure over the runs; inf is never, nan is not measured."""
        found = self.measures.get(measure)
        return math.nan if found is None else found.mean


class Milestone(Record):
    """What was observed, and what the first variant simulated."""

    label: str
    observed_s: Number
    simulated_s: Number
    difference_min: Number
    confidence: str
    source: str
    used_for_fit: bool
    measure: str


class Bound(Record):
    """A bound of [expect], and whether it holds: "yes", "no", "unsure" or "not measured"."""

    text: str
    holds: Literal["yes", "no", "unsure", "not measured"]
    value: Number
    why: str = ""
    levers: dict[str, Kept] = Field(default_factory=dict)  # of the point of a sweep where it holds least

    @property
    def measure(self) -> str:
        """What is bounded."""
        return self.text.split()[0]


class Explained(Record):
    """One number with its formula, and the formula with the numbers put in."""

    name: str
    value: Number
    formula: str
    numbers: str
    meaning: str
    keys: tuple[str, ...] = ()  # inputs that the formula is made of


class Summary(Record):
    """summary.json of a run."""

    format: int
    rows: tuple[Row, ...]
    groups: tuple[Group, ...]
    milestones: tuple[Milestone, ...] = ()
    expect: tuple[Bound, ...] = ()
    notes: tuple[Note, ...] = ()
    explain: tuple[Explained, ...] = ()
    recovers_from_s: Number  # of the first replication
    failures: tuple[Failure, ...] = ()
    race: Race | None = None
    services: Services | None = None

    @property
    def is_sweep(self) -> bool:
        """Whether keys are swept, so that one variant stands at many points."""
        return any(group.levers for group in self.groups)

    def rows_of(self, group: Group) -> list[Row]:
        """The runs of a group."""
        return [row for row in self.rows if (row.variant, row.levers) == (group.variant, group.levers)]


# --- manifest.json ----------------------------------------------------------------------------------------------------


class RunManifest(Manifest):
    """manifest.json of a run; `kind` is what makes its requests."""

    kind: TrafficName
    engine: str
    model: int
    measures: int
    window_s: Number
    horizon_s: Number
    outages: tuple[Course, ...]  # each course once, that of the first run first
    scenario_keys: tuple[str, ...] = ()  # of `inputs`, those that make the scenario
    overrides: tuple[str, ...] = ()  # what was set beside the file, "key=value", in order
    replications: int = 1
    seed: int = 1
    threads: int = 1
    wall_s: Number = math.nan
    cpu_s: Number = math.nan
    runs_done: int = 0
    runs_wanted: int = 0
    interrupted: bool = False

    @property
    def has_leases(self) -> bool:
        """Whether holders hold leases; else jobs come."""
        return self.kind == LEASES


class Run(NamedTuple):
    """What a run's folder holds beside its curves."""

    manifest: RunManifest
    summary: Summary


def with_groups(summary: Summary, groups: Sequence[Group]) -> Summary:
    """The summary with these groups alone."""
    return summary.model_copy(update={"groups": tuple(groups)})
