"""Records of a run's folder: manifest.json and summary.json."""

import json
import math
import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from recovery.measures import register
from recovery.measures.for_good import falls_after, for_good, last, told
from recovery.measures.register import LEASES, TrafficName
from recovery.measures.renewals import RENEWED
from recovery.store.manifest_record import Manifest
from recovery.store.note_record import Kept, Note
from recovery.store.race_record import Race
from recovery.store.record import Estimate, Number, Record, Share
from recovery.store.scenario_record import Course, Lasting, Policies, Quantity, Rule, Scenario, Span
from recovery.store.service_record import Services
from recovery.units import show_count


class Measured(Estimate):
    """A measure over the replications of a variant: mean, interval (95 %), and how many runs know nothing of it."""

    not_measured: int = 0


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
    renewed_from_s: Number = Field(math.nan, exclude_if=math.isnan)
    """When all have renewed at the earliest, s, where counts tell it within bounds alone; inf: not before the end; nan:
    at `ttr_renewed_s`, if that is finite, and else not known.
    """

    @property
    def renewed_s(self) -> tuple[float, float]:
        """When all have renewed at the earliest and at the latest, s, the same where counts tell it to a window; nan
        where they do not tell.
        """
        latest_s = self.of(RENEWED)
        if math.isnan(self.renewed_from_s):
            return (0.0 if math.isinf(latest_s) else latest_s), latest_s
        return self.renewed_from_s, latest_s

    def of(self, measure: str) -> float:
        """A measure of this run; nan where it has none."""
        return self.measures.get(measure, math.nan)

    @property
    def has_lost(self) -> bool:
        """Whether some holder was without a lease at some moment."""
        return self.of("leased_min_share") < 1 - register.ROUNDING or self.of("unleased_holder_hours") > 0

    def is_like(self, other: "Row") -> bool:
        """Whether two runs are alike in all that is measured, so that they are in what counts do not tell, too."""
        pairs = [(value, other.of(name)) for name, value in self.measures.items()]
        return all(one == two or (math.isnan(one) and math.isnan(two)) for one, two in pairs)

    def told(self, measure: str) -> float:
        """The same as texts, tables and pictures tell it: a time to recovery is never one from before the loss."""
        return told(measure, self.of(measure), self.measures)

    def last(self, measure: str) -> float:
        """The same, but of a share that was lost once more: until it was back for the last time."""
        return last(measure, self.of(measure), self.measures)

    def is_lost_again(self, measure: str) -> bool:
        """Whether the share of a time to recovery was lost once more after it, and not by another outage."""
        return not math.isnan(self.of(register.last_of(measure)))

    @property
    def is_back_again(self) -> bool:
        """Whether a share was still held when the clock started and lost only after `hold`."""
        return any(not math.isnan(self.of(register.again_of(name))) for name in register.DEPTHS)

    def for_good(self, measure: str) -> float:
        """A measure for whoever judges the run by it: of the last return, and never (inf) where the run collapses after
        it was well for a while.
        """
        return for_good(measure, self.of(measure), self._judged_by)

    def is_judged_apart(self, measure: str) -> bool:
        """Whether the run is judged by another value of a measure than was measured."""
        return not math.isnan(self.of(measure)) and self.for_good(measure) != self.of(measure)

    def is_lost(self, measure: str) -> bool:
        """Whether the run never comes to a time: of nearly all leases or jobs also where these collapse after all."""
        return math.isinf(self.told(measure)) or falls_after(measure, self._judged_by)

    @property
    def _judged_by(self) -> dict[str, object]:
        return {"verdict": self.verdict, **self.words, **self.measures}

    @property
    def judged(self) -> dict[str, float]:
        """All measures, as the run is judged by them."""
        return {name: self.for_good(name) for name in self.measures}


class Unleased(Span):
    """A time in which holders are without a lease, with the least share that was leased in it (mean over the runs; nan:
    not known).
    """

    least_share: Number = Field(math.nan, exclude_if=math.isnan)


class Worst(Record):
    """The share of the leases that is held at the worst moment of the runs, also between the ends of windows: no more
    than `most_share` (mean over the runs), and in no run less than `least_share` (nan: not known).
    """

    most_share: Number
    least_share: Number


class Renewals(Record):
    """How a variant's holders renew, where being late costs them no lease yet: when some are overdue (their last
    renewal is more than `after_s` ago) in some run, at worst so many of them (mean over the runs); and when all have
    renewed after the dependency's last return, s after it (mean over the runs; inf: not in all of them), not before the
    one time and no later than the other. Counts tell that so many are overdue, and no more than `overdue_at_most`.
    """

    overdue: tuple[Span, ...]
    overdue_most: Number
    after_s: Number
    all_s: Number
    all_latest_s: Number
    overdue_at_most: Number = Field(math.nan, exclude_if=math.isnan)  # nan: not known
    overdue_runs: int = 0  # in so many runs some are overdue; 0 where that is not known


class Spared(Record):
    """How leases came through outages where none was lost: how long they last at the least without a renewal, and how
    many attempts failed or timed out (mean of the runs).
    """

    lasts: Lasting
    failed: Number


class AfterOutage(Record):
    """What one of several outages cost, until the next begins: at worst so many holders (or leases, where a holder has
    several) without one, attempts refused, and how long after its end 99 % and all had one again and kept it. Means
    over the runs; of times over those that came to it before the next outage, with how many did not.
    """

    from_s: Number
    to_s: Number
    overdue_most: Number = Field(math.nan, exclude_if=math.isnan)  # holders overdue at worst, where that is counted
    unleased_most: Number
    ttr99_s: Number
    never99: int
    ttr100_s: Number
    never100: int
    refused: Number


class Setting(Record):
    """What a variant sets: a key of the file, its value as TOML has it, and that of the file ("": it is not there)."""

    key: str
    value: str
    was: str = ""
    counts: str = Field("", exclude_if=lambda value: not value)  # what a bare number in it counts, where that is told


class Group(Record):
    """The runs of one variant together, with its scenario."""

    variant: str
    levers: dict[str, Kept] = Field(default_factory=dict)
    lever_values: dict[str, Quantity] = Field(default_factory=dict)  # of those levers whose values are numbers
    is_file: bool | None = Field(None, exclude_if=lambda value: value is None)
    """Of a point of the levers, whether it has the file's own values; None where there are no levers, or not known."""
    runs: int
    outages_index: int = 0  # of the course of its first run, which pictures show
    verdicts: dict[str, int]
    collapsed: Share
    measures: dict[str, Measured]
    judged: dict[str, Measured] = Field(default_factory=dict, exclude_if=lambda value: not value)
    """Of those measures by which a run is not judged as it was measured: what it is judged by (`Row.for_good`)."""
    scenario: Scenario
    unleased: Span | None = None  # from when to when holders are without a lease in some run; None: never
    unleased_spans: tuple[Unleased, ...] = Field((), exclude_if=lambda value: not value)
    # the same where all of them hold one in between, for at least as long as recovery must hold: each time of its own
    worst: dict[str, Worst] = Field(default_factory=dict, exclude_if=lambda value: not value)
    # of all leases ("") and of those of each class; empty: only the ends of windows are known
    renewals: Renewals | None = Field(None, exclude_if=lambda value: value is None)
    # None where whoever is late has lost its lease
    spared: Spared | None = Field(None, exclude_if=lambda value: value is None)
    # None where leases were lost, without an outage, or where this does not tell why none was
    outages: tuple[AfterOutage, ...] = Field((), exclude_if=lambda value: not value)  # where there are several
    sets: tuple[Setting, ...] = Field((), exclude_if=lambda value: not value)  # what sets it apart from the file
    lost_again: Number | None = Field(None, exclude_if=lambda value: value is None)
    """How often a lease ran out after operators had ended the sessions (mean of the runs); None: not counted."""
    denied_of_return: Measured | None = Field(None, exclude_if=lambda value: value is None)
    """`register.DENIED_OF_RETURN`; None of an older run."""

    @property
    def leased_least(self) -> float:
        """The share of the leases that is held at the worst moment, at most (mean over the runs)."""
        return self.worst[""].most_share if "" in self.worst else self.mean("leased_min_share")

    def began_s(self, span: Span) -> float:
        """When what a window's end shows for the first time began: when operators did something in that window, else
        with the window.
        """
        begin_s = max(span.from_s - self.scenario.window_s, 0.0)
        return min((one.at_s for one in self.scenario.actions if begin_s < one.at_s < span.from_s), default=begin_s)

    def keeps(self, measure: str) -> bool | None:
        """Whether no run ever had less than the share of leases that a time to recovery is of, also between the ends of
        windows; None where that is not known.
        """
        worst, depth = self.worst.get(register.class_of(measure)), register.DEPTHS.get(register.without_class(measure))
        if worst is None or depth is None or math.isnan(worst.least_share):
            return None
        return worst.least_share >= depth - register.ROUNDING

    @property
    def is_overdue(self) -> bool:
        """Whether some holders are overdue in some run, though being late costs no lease yet."""
        return self.renewals is not None and bool(self.renewals.overdue)

    @property
    def renewed_s(self) -> tuple[float, float]:
        """When all have renewed at the earliest and at the latest, s, the same where counts tell it to a window; nan
        where they do not tell.
        """
        if self.renewals is None:
            return math.nan, math.nan
        early, late = self.renewals.all_s, self.renewals.all_latest_s
        return (late if late - early < self.scenario.window_s else early), late

    def policy_words(self, key: str) -> str:
        """What a key of a policy, or a part of one, does here, in plain words; "" for a key of something else."""
        part, _, rest = key.partition(".")
        axis = rest.partition(".")[0]
        if part == "policy" and axis in Policies.model_fields:
            found: Rule = getattr(self.scenario.policies, axis)
            return found.words or found.name
        if part == "classes" and key.endswith(".limit"):
            return self._limit_words(rest.removesuffix(".limit"))
        return self.scenario.hosts.cancel_words if key == "host.cancel_on_timeout" else ""

    def _limit_words(self, name: str) -> str:
        """What the limit of a class does, in plain words; "" where it has none."""
        limit = next((one.limit for one in self.scenario.classes if one.name == name), math.inf)
        return f"at most {show_count(limit)} requests of “{name}” wait at a host" if math.isfinite(limit) else ""

    def lever_words(self, key: str) -> str:
        """What the value of a lever does, in plain words where it is a policy; else as the file has it."""
        value = self.levers[key]
        is_whole = key.count(".") < 2  # of a part of a policy the value says more
        return (is_whole and self.policy_words(key)) or (value if isinstance(value, str) else json.dumps(value))

    def estimate(self, measure: str) -> Measured | None:
        """A measure over the runs, as they are judged by it; None where there is none."""
        if measure == register.DENIED_OF_RETURN:
            return self.denied_of_return
        return self.judged.get(measure) or self.measures.get(measure)

    def mean(self, measure: str) -> float:
        """The mean of it; inf is never, nan is not measured."""
        found = self.estimate(measure)
        return math.nan if found is None else found.mean


def are_judged_by_renewals(groups: Sequence[Group]) -> bool:
    """Whether variants can differ in when all have renewed alone: none loses a lease, but some are overdue."""
    keep_leases = all(one.unleased is None and one.renewals is not None for one in groups)
    return keep_leases and any(one.is_overdue for one in groups)


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
    within_s: Number | None = None  # how far off it may be, where the file says so


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
    judged_class: str = Field("", exclude_if=lambda value: not value)
    """The class that the bounds on times to recovery, or without them the question, are about; "" where it is not one
    alone.
    """

    @property
    def is_sweep(self) -> bool:
        """Whether keys are swept, so that one variant stands at many points."""
        return any(group.levers for group in self.groups)

    @property
    def as_it_stands(self) -> Group:
        """The runs of the file as it stands; where no point of its levers has its own values, of the first."""
        return next((group for group in self.groups if group.is_file), self.groups[0])

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

    @property
    def title(self) -> str:
        """The title of the file, with what was set beside it."""
        said = sets_of(self.overrides)
        return f"{super().title}, with {said}" if said else super().title


def sets_of(overrides: Sequence[str]) -> str:
    """What was set beside a file that makes its scenario another one, the first of it; "" where nothing does."""
    sets = [one for one in overrides if re.split(r"[.=]", one)[0] not in _SAME_SCENARIO]
    more = len(sets) - MOST_TOLD
    return ", ".join(sets[:MOST_TOLD]) + (f" and {more} more" if more > 0 else "")


_SAME_SCENARIO = {"replications", "seed", "expect", "title", "question", "answer", "label", "notes", "observed"}
MOST_TOLD = 3  # of what was set beside a file: in its title


class Run(NamedTuple):
    """What a run's folder holds beside its curves."""

    manifest: RunManifest
    summary: Summary


def with_groups(summary: Summary, groups: Sequence[Group]) -> Summary:
    """The summary with these groups alone."""
    return summary.model_copy(update={"groups": tuple(groups)})
