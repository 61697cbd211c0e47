"""Records of a scenario as it was resolved: what a variant was, in numbers.

Times are in seconds, rates a second, policies by name. Whoever reads a folder needs no parser of scenarios.
"""

import math
from typing import Literal

from pydantic import Field

from recovery.measures.register import JOBS, LEASES, TrafficName
from recovery.store.note_record import Kept
from recovery.store.record import Number, Record
from recovery.units import Unit


class Step(Record):
    """From `at_s` on, so many a second; nan: no limit."""

    at_s: Number
    rate_per_s: Number


class Quantity(Record):
    """A number of a file in its base unit: s, 1/s, a share from 0 to 1."""

    kind: Unit
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


UNGUARDED = Rule(name="none", words="send every attempt")


class Policies(Record):
    """A policy: one rule on each axis. A guard that is not there is not written."""

    client: Rule
    guard: Rule = Field(default=UNGUARDED, exclude_if=lambda rule: rule == UNGUARDED)
    admission: Rule
    queue: Rule
    lease: Rule


class InTurn(Record):
    """Renewals that are more than the hosts can do: a holder sends the next only when the last has ended, so each waits
    `waits_s` for its answer and is renewed every `every_s`, at the host that has most holders. `ends` says how that
    goes without an outage: "well", "perhaps late", "late" (some time out), "expired" (leases, which last `lease_s` at
    the least, run out).
    """

    waits_s: Number
    every_s: Number
    lease_s: Number
    ends: Literal["well", "perhaps late", "late", "expired"]


class Fleet(Record):
    """Who holds leases, and how long they run."""

    holders: int
    leases: int = 0  # where a holder has several: how many they have in all
    called: str = "holders"  # many of them
    called_one: str = "holder"
    holds: str = Field("leases", exclude_if=lambda value: value == "leases")  # what they hold: many of them
    holds_one: str = Field("lease", exclude_if=lambda value: value == "lease")
    overdue: str = Field("overdue", exclude_if=lambda value: value == "overdue")  # one whose last renewal is too old
    loss: str = Field("", exclude_if=lambda value: not value)  # what follows where one loses its lease
    zones: int
    lease_s: Number  # mean
    grace_s: Number  # how much longer a lease is honoured
    check_every_s: Number
    check_jitter: Number = Field(0.0, exclude_if=lambda value: value == 0)  # by which share it varies, up and down
    renewals_per_s: Number
    renewals_share: Number  # of the hosts' work
    most: int = Field(0, exclude_if=lambda value: value == 0)  # holders of the host that has most of them; 0: all hosts
    # have as many
    all_at_once_s: Number = math.nan  # until the last is served if all ask at once: the largest host, at its slowest
    # how far apart those ask again, by their waits, who failed while the dependency was away, when it is back (0: in
    # one instant; inf: not known)
    apart_s: Number = Field(math.inf, exclude_if=math.isinf)
    # where nobody has a lease at the start: how far apart they ask for the first time (0: in one instant)
    asks_within_s: Number = Field(math.inf, exclude_if=math.isinf)
    in_turn: InTurn | None = Field(None, exclude_if=lambda value: value is None)  # where renewals are more than the
    # hosts can do, and it is known what becomes of them

    @property
    def held_s(self) -> float:
        """How long a lease is held that nobody renews (mean), s: so late a holder that dies may be missed."""
        return self.lease_s + self.grace_s

    @property
    def renews_s(self) -> float:
        """How long the hosts need to renew all leases, if they do nothing else, s."""
        return self.check_every_s * self.renewals_share

    @property
    def asks(self) -> int:
        """Requests that come if all leases run out."""
        return self.leases or self.holders


class Lasting(Record):
    """How long leases last at the least if no renewal comes through: what a lease runs and is honoured (the shortest),
    less the longest time between two checks and an attempt's.
    """

    lease_s: Number
    check_s: Number
    attempt_s: Number

    @property
    def through_s(self) -> float:
        """The longest outage in which no lease runs out."""
        return self.lease_s - self.check_s - self.attempt_s


class Jobs(Record):
    """Open arrivals, with what operators set at known times: `retries` are those of the end."""

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
    best_per_s: Number = Field(0.0, exclude_if=lambda value: value == 0)  # the same where operators change it: at most
    done_per_s: Number = Field(0.0, exclude_if=lambda value: value == 0)  # of a run: the same with what they did on a
    # condition from when they did it, where that is less
    capacity_course: tuple[Step, ...] = Field((), exclude_if=lambda value: not value)  # the same where operators change
    # it at known times, for good or for a while: from when on, in order of time
    failing_per_s: Number = math.inf  # how many fail while the dependency is down; 0 where they hang
    admission_per_s: Number = math.inf  # what admission lets in while no queue waits
    admission_course: tuple[Step, ...] = Field((), exclude_if=lambda value: not value)  # where operators set its rate:
    # corners in order of time, between two of which it goes evenly; after the last it stays
    admission_spares_renewals: bool = False  # whether renewals pass it
    queue_limit: Number = math.inf  # requests that may wait in all queues
    held_limit: Number = Field(math.inf, exclude_if=math.isinf)  # requests that may wait or be served at one time, at
    # all hosts, where a limit counts both
    admitted_queue: Number = math.inf  # requests that can wait where admission lets in no more than is done
    dies_at: Number = math.inf  # requests that wait in all queues at which hosts die of them
    reject_share: Number  # work of saying no, as a share of that of serving
    service: str  # the distribution of service times
    hanging: Number = Field(0.0, exclude_if=lambda value: value == 0)  # requests that hang when the longest outage
    # ends, or wait behind such as fail slowly, at all hosts and in their queues, also for clients that gave up; nan:
    # theory does not tell
    hanging_s: Number = Field(0.0, exclude_if=lambda value: value == 0)  # how long the hosts work on them at most
    timeout_s: Number  # mean
    slower: Number = Field(1.0, exclude_if=lambda value: value == 1)  # so many times slower than with nobody who waits
    # is the host that has most of the holders, if all its holders ask at once
    late_share: Number = Field(0.0, exclude_if=lambda value: value == 0)  # of the services that take longer than the
    # timeout, though nobody waits; 1 only where all do
    wanted_timeout_s: Number = Field(0.0, exclude_if=lambda value: value == 0)  # twice what 99 % of the services take,
    # where the timeout is shorter than two services
    client_wait_s: Number  # the longest time between two attempts of a client, in the middle of its jitter
    cancels: bool  # whether a request that timed out leaves at once
    cancel_words: str = ""  # the same in plain words
    late_words: str = Field(
        "", exclude_if=lambda value: not value
    )  # what a renewal takes whose client gave up and that
    # still waits, where that is another time than that of a renewal
    write_s: Number = Field(0.0, exclude_if=lambda value: value == 0)  # mean time from the read of a row to its write
    rows: int = Field(0, exclude_if=lambda value: value == 0)  # that clients write, of all hosts; 0: no write conflicts
    is_mute: bool = Field(False, exclude_if=lambda value: not value)  # whether a full queue says nothing
    is_silent: bool = Field(False, exclude_if=lambda value: not value)  # whether a full queue says nothing, and no
    # client that it did not hear asks again within its attempt

    @property
    def serves_s(self) -> float:
        """How long one service takes on average, s."""
        return self.workers * self.hosts / self.capacity_per_s

    @property
    def room(self) -> float:
        """Requests that may wait or be served at one time, at all hosts; inf where nothing bounds that."""
        return min(self.queue_limit + self.workers * self.hosts, self.held_limit)

    def per_s_at(self, at_s: float) -> float:
        """What the hosts do at a time (s; inf: as the run ends), after what operators changed until then, 1/s."""
        rates = [step.rate_per_s for step in self.capacity_course if step.at_s <= at_s]
        return rates[-1] if rates else self.capacity_per_s

    @property
    def fastest_per_s(self) -> float:
        """What the hosts do when operators have made them as fast as they ever are, 1/s."""
        return self.best_per_s or self.capacity_per_s

    @property
    def most_per_s(self) -> float:
        """The same of a run, in which it is known when they did what they do on a condition, 1/s."""
        return self.done_per_s or self.fastest_per_s


class Planned(Record):
    """What operators are to do: at a time, or (nan) on a condition; and what their throttle or pause lets in from when
    on (nan: no limit any more; times are of the experiment, or since the condition). Where it ends sessions, how far
    apart their clients come back for the first time (0: in one instant; inf: not known).
    """

    do: str
    at_s: Number = math.nan
    when: str = ""
    lets_in: tuple[Step, ...] = ()
    spares_renewals: bool = False
    takes_by: str = Field("", exclude_if=lambda value: not value)  # of a throttle of everybody that takes renewals too:
    # the key that says so
    burst_s: Number = Field(0.0, exclude_if=lambda value: value == 0)  # how much of its rate its bucket saves up
    wait_s: Number = Field(0.0, exclude_if=lambda value: value == 0)  # how long a request waits for its token
    down_for_s: Number = Field(0.0, exclude_if=lambda value: value == 0)  # of a restart: how long a host is down
    is_told: bool = Field(False, exclude_if=lambda value: not value)  # of a restart: whether clients whose requests it
    # loses see a failure at once
    waves: int = Field(1, exclude_if=lambda value: value == 1)  # of a restart, or of clients that are let in again
    waves_from_s: Number = Field(0.0, exclude_if=lambda value: value == 0)  # the first of them, since it began
    every_s: Number = Field(0.0, exclude_if=lambda value: value == 0)  # from one to the next
    comes_within_s: Number = Field(math.inf, exclude_if=lambda value: value == math.inf)
    learns_s: Number = Field(0.0, exclude_if=lambda value: value == 0)  # until 99 % of them know that theirs ended
    late_s: Number = Field(0.0, exclude_if=lambda value: value == 0)  # until 99 % of them have asked for the first
    # time, where what that hangs on has no end; 0 where `comes_within_s` says it
    refused_s: Number = Field(
        0.0, exclude_if=lambda value: value == 0
    )  # of a restart: how long its clients are refused
    # at once and at no cost, if all their first attempts are: then `comes_within_s` is of their next ones
    ends_share: Number = Field(1.0, exclude_if=lambda value: value == 1)  # of end-sessions: the share of the clients
    sets: str = Field("", exclude_if=lambda value: not value)  # the key that they set, and its value
    sets_from: str = Field("", exclude_if=lambda value: not value)  # of a ramp: the value from which it goes
    over_s: Number = Field(0.0, exclude_if=lambda value: value == 0)  # how long the ramp takes; 0: at once
    lasts_s: Number = Field(math.inf, exclude_if=math.isinf)  # when it is taken back, since its begin; inf: for good
    capacity_per_s: Number = Field(math.nan, exclude_if=math.isnan)  # where that changes it: what the hosts then do


class Launches(Record):
    """Launches: the steps of the request throttle, and the name of what lets in behind it; "": everything."""

    throttle: tuple[Step, ...]
    admission: str = Field("", exclude_if=lambda value: not value)


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
    limit: Number = Field(math.inf, exclude_if=math.isinf)  # requests of it that may wait at a host
    priority: int = Field(0, exclude_if=lambda value: value == 0)  # 0 is taken first


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
    def called(self) -> tuple[str, ...]:
        """What the holders of leases are called, many of them and one; and so what they hold."""
        fleet = self.fleet
        if fleet is None:
            return "holders", "holder", "leases", "lease"
        return fleet.called, fleet.called_one, fleet.holds, fleet.holds_one

    @property
    def longest_wait_s(self) -> float:
        """The longest time between two attempts of a client, with its jitter, s."""
        jitter = self.policies.client.parameters.get("jitter", 0.0)
        return self.hosts.client_wait_s * (1 + (jitter if isinstance(jitter, float) else 0.0))

    @property
    def wanted_per_s(self) -> float:
        """What comes all the time: renewals of all leases, or jobs."""
        if self.fleet is not None:
            return self.fleet.renewals_per_s
        return self.jobs.arrivals_per_s if self.jobs is not None else 0.0

    @property
    def wanted_share(self) -> float:
        """The same as a share of what the hosts can do; of jobs in the end, after what operators changed."""
        if self.fleet is not None:
            return self.fleet.renewals_share
        does_per_s = self.hosts.per_s_at(math.inf)
        return self.wanted_per_s / does_per_s if does_per_s > 0 else math.inf

    @property
    def wanted_work_per_s(self) -> float:
        """The same in work of leases that are made, or in jobs, 1/s."""
        return self.wanted_per_s if self.fleet is None else self.fleet.renewals_share * self.hosts.capacity_per_s
