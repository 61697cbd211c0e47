"""Records of the DNS race: how often a record is left empty, whether at all, and the outage that followed."""

from typing import Literal

from pydantic import JsonValue

from recovery.store.manifest_record import Head, Manifest
from recovery.store.note_record import Note
from recovery.store.record import Estimate, Number, Record


class Latency(Record):
    """From the publication of a plan until every endpoint has it or a newer one, s: mean and quantiles."""

    mean_s: Number
    p50_s: Number
    p99_s: Number
    p999_s: Number


class RaceRow(Record):
    """Empty records a year of one variant, and how late its plans are.

    `method` is "brute force" or "splitting" (between the lags `levels`, in generations of plans); `years`, `cycles`
    (generations) and `empty` (records) are what brute force saw.
    """

    variant: str
    levers: dict[str, JsonValue]
    guardrails: tuple[str, ...]
    per_year: Estimate
    method: str
    years: Number
    cycles: int
    empty: int
    levels: tuple[int, ...]
    latency: Latency


class Search(Record):
    """A search of all interleavings of a small race. `story` has the steps to the empty record, none if impossible.

    `states` were looked at (all there are, if it is impossible), with `steps` between them.
    """

    enactors: int
    endpoints: int
    plans: int
    keep: int
    guardrails: tuple[str, ...]
    states: int
    steps: int
    story: tuple[str, ...]
    is_possible: bool


class Window(Record):
    """The outage after the empty record: steps (from s, to s, share of requests that fail) of the first replication,
    and how long resolvers keep the answer that there is no address.
    """

    steps: tuple[tuple[Number, Number, Number], ...]
    negative_ttl_s: Number


class Race(Record):
    """The part `race` of a run's summary: the race as it happened, and with each guardrail.

    `years` of brute force for each row of `rows`; `possible` are the searches; `inputs` is the table [dns] as the file
    has it, without its window; `guardrails` says what each makes an Enactor do.
    """

    rows: tuple[RaceRow, ...]
    possible: tuple[Search, ...]
    years: Number
    window: Window | None
    inputs: dict[str, JsonValue]
    guardrails: dict[str, str]


class RaceSummary(Record):
    """summary.json of an experiment with the race alone: a row a variant and point of the sweep, and the searches."""

    format: int
    rows: tuple[RaceRow, ...]
    possible: tuple[Search, ...]


class RaceHead(Head):
    """What an experiment with the race alone says of itself, with its notes."""

    notes: tuple[Note, ...]


class RaceManifest(Manifest):
    """manifest.json of an experiment with the race alone; `digest` names all that decides the answer."""

    kind: Literal["race"]
    head: RaceHead
    runs_done: int
    runs_wanted: int
