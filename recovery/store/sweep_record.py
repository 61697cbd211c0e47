"""Records of a sweep's folder: its summary and its manifest.

Times are seconds. Policies are known by their ids; what was chosen or not told apart is named by these.
"""

import math
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, JsonValue, PlainSerializer, SerializerFunctionWrapHandler, model_serializer

from recovery.errors import Refusal
from recovery.measures.register import TrafficName
from recovery.store import files
from recovery.store.folder import record_of
from recovery.store.manifest_record import Manifest
from recovery.store.note_record import Note
from recovery.store.parts import runs_of_sweep
from recovery.store.record import Estimate, Number, Record, Share, written
from recovery.store.run_record import Bound, Row, Unleased
from recovery.store.scenario_record import Course, Scenario

Value = str | int | float | bool | None
"""A value of a row of runs.parquet."""


def _written(value: Value) -> Value:
    return written(value) if isinstance(value, float) else value


Status = Literal["precise", "collapses", "beaten", "cap", "done", "failed"]
"""How a policy ended: as precise as wanted; not back too often; another is surely better; at the most replications; as
many as asked for; without a run."""

FEW_POLICIES = 5
"""Of fewer policies that ran than this none is the middle one: texts name them."""

UNKNOWN = Estimate(mean=math.nan)
UNKNOWN_SHARE = Share(share=math.nan)


class Box(Record):
    """Draws in which a policy fails, in words, with the shares of its failures, of runs there that fail, of draws."""

    words: str
    coverage: Number
    density: Number
    support: Number


class Regret(Record):
    """How much later than the best policy of the same draw: mean, 90 % and largest, over so many draws; in how many of
    them it is more than `far_s`, and the chance of that.
    """

    mean: Number = math.nan
    p90: Number = math.nan
    max: Number = math.nan
    draws: int = 0
    far_s: Number
    far: int = 0
    far_share: Share = UNKNOWN_SHARE


class Policy(Record):
    """What is told of one policy. What no run tells is nan."""

    id: str
    name: str
    words: tuple[str, ...] = ()  # what sets it apart from the other policies: its variant, and each choice, in words
    variant: str
    levers: dict[str, JsonValue]
    is_baseline: bool
    rank: int
    status: Status
    not_told_apart: bool
    is_chosen: bool
    from_best: Estimate
    failed: int
    failed_because: str | None
    runs: int
    replications: int
    units: int = 0
    restricted: Estimate = UNKNOWN
    given_recovery: Estimate = UNKNOWN
    half_width_share: Number = math.nan
    not_recovered: Share = UNKNOWN_SHARE
    collapsed: Share = UNKNOWN_SHARE
    surely_not_recovered: bool | None = Field(None, exclude_if=lambda value: value is None)
    """In more than `never_max` of the runs, by the sequence that holds at every look (None: an older sweep)."""
    fluid_bound_s: Estimate = UNKNOWN
    difference: Estimate | None = None
    worst_s: Number = math.nan
    regret: Regret
    harm: dict[str, Estimate]
    served: Estimate = UNKNOWN  # share of the jobs that get an answer
    amplification: Estimate = UNKNOWN  # attempts for each success; not known of an older sweep
    held_s: Number = Field(math.nan, exclude_if=math.isnan)  # a lease that nobody renews; as `scenario_record.Fleet`
    on_front: bool = False
    fails_where: tuple[Box, ...] = ()

    def mean_harm(self, name: str) -> float:
        """Mean of a harm, or of what else a policy costs, over its runs; nan where it is not known."""
        if name == "served_share":
            return self.served.mean
        if name == "amplification":
            return self.amplification.mean
        return self.harm[name].mean if name in self.harm else math.nan

    def is_lost_too_often(self, never_max: float) -> bool:
        """Whether it surely is not back in more than this share of the runs; of an older sweep by its interval."""
        return self.not_recovered.low > never_max if self.surely_not_recovered is None else self.surely_not_recovered

    @property
    def runs_back(self) -> int:
        """How many of its runs are back."""
        return self.runs - round(self.not_recovered.share * self.runs) if self.runs else 0

    @property
    def is_never_back(self) -> bool:
        """Whether none of its runs is back, so that its mean is the limit, and its time at least that."""
        return self.has_run and not self.runs_back

    @property
    def back_of(self) -> str:
        """ "2 of 9 runs": of how many the time of those that are back is known; "" where all are back."""
        return f"{self.runs_back} of {self.runs} runs" if self.runs_back < self.runs else ""

    @property
    def in_words(self) -> str:
        """Its name in plain words, which no other policy of the sweep has."""
        return "; ".join(self.words) or self.name

    @property
    def has_run(self) -> bool:
        """Whether some run of it was done."""
        return self.runs > 0

    @model_serializer(mode="wrap")
    def _without_what_is_not_known(self, write: SerializerFunctionWrapHandler) -> dict[str, object]:
        """Leases have no jobs that get an answer, and some sweeps tell no attempts."""
        table: dict[str, object] = write(self)
        found = {"served": self.served, "amplification": self.amplification}
        return {key: value for key, value in table.items() if key not in found or not math.isnan(found[key].mean)}


class Selection(Record):
    """Policies that are not told apart from the best, without those that surely are not back too often, in order of the
    ranking, and the one that is chosen, if any.
    """

    not_told_apart: tuple[str, ...]
    chosen: str | None
    why_not: str
    words: str
    replications_to_choose: Number | None = Field(None, exclude_if=lambda value: value is None)
    """An estimate of how many choose the soonest so far, if further draws are like these; inf: no number of such does.
    None where one is chosen, and of an older sweep."""
    never_at_most: Number | None = Field(None, exclude_if=lambda value: value is None)
    """Upper end of the chance that a run of the soonest so far is not back, at every look: what decides. None of an
    older sweep, or where nothing ran."""


class Lever(Record):
    """A key that is chosen, with the values that it takes, and what each does in plain words."""

    key: str
    values: tuple[JsonValue, ...]
    words: tuple[str, ...] = ()

    def words_of(self, value: JsonValue) -> str:
        """A value in plain words."""
        told = dict(zip(map(str, self.values), self.words, strict=False))
        return told.get(str(value), str(value))


class Uncertainty(Record):
    """A key that is not known: its `values`, or `min`, `max` and distribution of a range, in this unit."""

    key: str
    unit: str | None = None
    values: tuple[JsonValue, ...] | None = None
    min: Number | None = None
    max: Number | None = None
    distribution: Literal["uniform", "log-uniform"] | None = None

    @property
    def is_range(self) -> bool:
        """Whether it is drawn from a range."""
        return self.values is None

    @model_serializer(mode="wrap")
    def _without_none(self, write: SerializerFunctionWrapHandler) -> dict[str, object]:
        """What it does not have is not written."""
        table: dict[str, object] = write(self)
        return {key: value for key, value in table.items() if getattr(self, key) is not None}


class Accept(Record):
    """How many draws were tried, and how many met what was observed to within so much."""

    within_s: Number
    tried: int
    kept: int


class Design(Record):
    """How policies and draws were made."""

    method: str
    samples: int
    replications: int
    replications_max: int
    levers: tuple[Lever, ...]
    uncertainties: tuple[Uncertainty, ...]
    accept: Accept | None


class Index(Record):
    """Sobol indices of an input."""

    key: str
    S1: Estimate
    ST: Estimate


class Sensitivity(Record):
    """What the variance of a policy's times is made of; without indices it says why."""

    policy: str
    name: str
    words: str = ""  # its name in plain words
    measure: str
    runs: int
    replications: int
    inputs: tuple[Index, ...] = ()
    chance: Estimate | None = None
    why_not: str | None = None


class Failure(Record):
    """A run that failed, and the command that runs it again."""

    key: str
    policy_id: str
    policy: str
    replication: int
    draw: int
    error: str
    command: str


class Runs(Record):
    """Runs that were done, that failed, and those of them that killed their worker."""

    done: int
    failed: int
    set_aside: int


class Middle(Record):
    """Of the baseline the run in the middle of those that end as most do, with the scenario of its draw: so
    many of so many runs end so. `down_s` is how long its dependency was away.
    """

    row: Row
    scenario: Scenario
    down_s: Number
    alike: int
    runs: int
    unleased_spans: tuple[Unleased, ...] = Field((), exclude_if=lambda value: not value)
    # every time in which holders are without a lease, where leases are lost once more
    lost_again: Number | None = Field(None, exclude_if=lambda value: value is None)  # as of `run_record.Group`


class Choice(Record):
    """A choice of a lever beside the best of the same lever: how much later its policies are (s), a mean over so many
    that differ in it alone, in so many draws. The interval is of these draws, looked at once; `is_surely_worse` by more
    than the indifference is said by the sequence that holds at every look, as of policies.
    """

    key: str
    words: str
    than: str
    behind: Estimate
    policies: int
    draws: int
    is_surely_worse: bool = Field(False, exclude_if=lambda value: not value)


class Summary(Record):
    """summary.json of a sweep; policies stand in the order of their ranks."""

    format: int
    kind: Literal["sweep"] = "sweep"
    traffic: TrafficName
    called: tuple[str, ...] = ("holders", "holder")  # as of `scenario_record.Scenario.called`
    measure: str
    limit_s: Number
    window_s: Number = Field(math.nan, exclude_if=math.isnan)
    """How exactly times since the dependency's return are known; nan: not known (an older sweep), or other times."""
    precision: float | None
    never_max: float
    indifference_s: Number
    unit: Literal["run", "replication"]
    confidence: float
    selection: Selection
    design: Design
    runs: Runs
    policies: tuple[Policy, ...]
    sensitivity: tuple[Sensitivity, ...]
    failures: tuple[Failure, ...]
    notes: tuple[Note, ...]
    expect: tuple[Bound, ...]
    answers: tuple[str, ...]
    middle: Middle | None = None
    choices: tuple[Choice, ...] = Field((), exclude_if=lambda value: not value)
    baseline_is_file: bool = Field(True, exclude_if=lambda value: value)  # not only the first of the list
    replications_that_tell: int | None = None  # the fewest at which two policies can be told apart; None: not known
    replications_that_choose: int | None = None  # and at which one can be chosen
    units_that_tell: int | None = None  # the same in units: draws of a random sweep, else replications
    units_that_choose: int | None = None

    @model_serializer(mode="wrap")
    def _without_none(self, write: SerializerFunctionWrapHandler) -> dict[str, object]:
        """Where the baseline has no run there is none in the middle, and one policy is told apart from none."""
        table: dict[str, object] = write(self)
        return {
            key: value
            for key, value in table.items()
            if value is not None or not (key == "middle" or key.endswith(("_that_tell", "_that_choose")))
        }

    @property
    def chances_hold_at_every_look(self) -> bool:
        """Whether intervals of chances hold at every look; in an older sweep without `precision` they do not."""
        decided = self.selection.never_at_most
        return self.precision is not None or any(one.not_recovered.high == decided for one in self.policies)

    def policies_with(self, key: str, words: str) -> list[Policy]:
        """The policies that ran with a value of a lever, by its words."""
        [lever] = [one for one in self.design.levers if one.key == key]
        return [one for one in self.policies if one.has_run and lever.words_of(one.levers.get(key)) == words]

    @property
    def replications(self) -> int:
        """Replications of the policy that has most."""
        return max((one.replications for one in self.policies), default=0)

    @property
    def draws_of_one(self) -> int:
        """Units in a replication: its draws where each run is one (random), else 1."""
        return self.design.samples if self.unit == "run" and self.design.uncertainties else 1

    @property
    def baseline(self) -> Policy | None:
        """The policy with which the others are compared: the file as it stands, or, where its values are not among
        those of the levers, the first of the list.
        """
        return next((policy for policy in self.policies if policy.is_baseline), None)

    def named(self, word: str) -> Policy:
        """The policy of this name, id, rank or variant. Raises Refusal unless there is exactly one."""
        found = [one for one in self.policies if word in (one.name, one.in_words, one.id, str(one.rank))]
        found = found or [one for one in self.policies if one.variant == word]
        if len(found) != 1:
            names = ", ".join(one.name for one in (found or self.policies)[:5])
            raise Refusal(f"{word} names {len(found)} policies; want one by name, id or rank, for instance {names}")
        return found[0]


class Planned(Record):
    """What a sweep will do at least and at most, before anything runs: `cpu_s` a run, of so many that were timed; the
    most `replications`, by this key of the file, and how few can tell two policies apart, and choose one (None: there
    is one policy); the same in units, of which a replication has `draws_of_one`.
    """

    policies: int
    draws: int
    least: int
    most: int
    cpu_s: float
    timed: int
    replications: int
    replications_key: Literal["replications", "sweep.replications_max"]
    replications_that_tell: int | None
    replications_that_choose: int | None
    units_that_tell: int | None
    units_that_choose: int | None
    draws_of_one: int
    never_max: float


class Harm(Record):
    """A harm of a policy, or what else it costs, and of another over the draws that both met, and the difference
    (negative: less).
    """

    name: str
    mean: Number
    than_mean: Number
    difference: Estimate


class Difference(Record):
    """A policy against another over the draws that both met: negative is sooner. In so many of these draws each is
    lost: it collapses, or does not come to the time within the limit.
    """

    policy: str
    policy_id: str
    words: str = ""  # the policy in plain words
    than: str
    than_id: str
    than_words: str = ""
    measure: str
    difference_s: Estimate
    draws: int
    sooner_share: Number
    later_share: Number
    verdict: Literal["sooner", "later", "not told apart"]
    traffic: TrafficName
    lost: int = 0
    than_lost: int = 0
    surely_loses_more: bool = False  # by the test of the ranking, which counts units and holds at every look
    at_every_look: bool = False  # whether the intervals hold at every look, or are those of these draws, looked at once
    window_s: Number = math.nan  # how exactly times are known
    harms: tuple[Harm, ...] = ()
    held_s: Number = Field(math.nan, exclude_if=math.isnan)  # as of each policy
    than_held_s: Number = Field(math.nan, exclude_if=math.isnan)


class Tried(Record):
    """One value of a key: how many of how many runs collapse there, and what that says."""

    value: int | float
    failed: int
    runs: int
    verdict: Literal["fails", "holds", "unclear"]
    late: int = 0  # runs that are not back at the horizon, and did not collapse: they still drain
    share_at_most: Number = math.nan  # the upper end of the interval of the chance to fail, by these runs alone


class Longer(Record):
    """The first runs at both ends of a bracket, to a horizon that is further away: how many of them collapse, and how
    many of the same runs do to the horizon of the file.
    """

    horizon_s: Number
    runs: int
    low_failed: int
    high_failed: int
    low_failed_before: int
    high_failed_before: int


class Threshold(Record):
    """Where recovery turns into collapse over a key: between `low` and `high`, in seconds, 1/s or shares by `kind`, in
    runs to a horizon; and what longer runs say at both ends (None: not known). Where an end was not given it was looked
    for outward from the file's `own` value, at the values `searched`. `outage_s` is how long the outage is at both
    where the key is its begin or its end; None for another key. With `within_s` a run fails that is not back (99 %, or
    with `of_renewals` all renewed) so soon after the dependency's return, not only one that collapses.
    """

    experiment: str
    key: str
    kind: str
    low: int | float
    high: int | float
    fails: Literal["above", "below"]
    confidence: float
    note: str
    tried: tuple[Tried, ...]
    horizon_s: Number = math.nan
    within_s: Number | None = Field(None, exclude_if=lambda value: value is None)
    of_renewals: bool = Field(False, exclude_if=lambda value: not value)
    longer: Longer | None = None
    outage_s: tuple[float, float] | None = None
    beyond: Middle | None = Field(None, exclude_if=lambda value: value is None)  # a run on the bad side, which tells
    # what the limit is there
    own: int | float | None = None
    searched: tuple[int | float, ...] = ()


class Replayed(Record):
    """A run of a sweep that was run again: whether its row is the same, and what differs."""

    key: str
    policy: str
    words: str = ""  # the policy in plain words
    same: bool
    changed: tuple[str, ...]
    row: dict[str, Annotated[Value, PlainSerializer(_written)]]


# --- manifest.json ----------------------------------------------------------------------------------------------------


class SweepManifest(Manifest):
    """manifest.json of a sweep; `inputs_in_order` are its inputs as JSON, since the order of keys decides the draws."""

    kind: Literal["sweep"] = "sweep"
    inputs_in_order: str
    engine: str
    traffic: TrafficName
    seed: int
    replications: int
    threads: int
    backend: str
    wall_s: Number
    cpu_s: Number
    runs_done: int
    runs_wanted: int
    window_s: Number
    horizon_s: Number
    outages: tuple[Course, ...]


# --- folders ----------------------------------------------------------------------------------------------------------


def manifest_of(folder: Path) -> SweepManifest:
    """The manifest of a finished sweep. Raises Refusal if it is of another format, files.Damaged if it is no longer
    whole.
    """
    return record_of(folder, "manifest.json", SweepManifest)


def read(folder: Path) -> Summary:
    """The summary of a finished sweep. Raises Refusal if there is none, or one of another format, files.Damaged if a
    file of it is no longer whole: a summary whose runs are lost can no longer be checked.
    """
    path = folder / "summary.json"
    if not path.exists() or files.read_json(path).get("kind") != "sweep":
        if (folder / "parts").is_dir():
            raise Refusal(f"{folder} holds a sweep that was not finished; want it whole: recovery sweep FILE --resume")
        raise Refusal(f"{folder} holds no finished sweep; want the folder that `recovery sweep` wrote")
    summary = record_of(folder, "summary.json", Summary)
    runs_of_sweep(folder)
    return summary
