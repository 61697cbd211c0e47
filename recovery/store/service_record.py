"""Records of services: what a table of services gave behind a run, and whom one service takes down alone.

Times are seconds from the start, depths and shares go from 0 to 1. A span that the horizon cuts off ends at inf.
"""

from typing import Literal

from pydantic import Field, JsonValue, SerializerFunctionWrapHandler, model_serializer

from recovery.store.note_record import Note
from recovery.store.record import Estimate, Number, Record

Confidence = Literal["official", "measured", "reported", "recalled"]


class Node(Record):
    """A service: its name, what people call it, and how far below what needs nobody it stands (`layer`).

    `is_given`: its trouble is an input; `is_simulated`: a stage of the run has it; neither: it follows from others.
    """

    name: str
    label: str
    layer: int
    stage: str | None = None
    is_given: bool
    is_simulated: bool


class Edge(Record):
    """An arrow of the graph: `target` needs `source`, and suffers in the way of the kind (MODEL.md, section 12)."""

    source: str
    target: str
    kind: str


class Graph(Record):
    """What every answer about a table of services says of it: title, grid, nodes and edges, and of which runs it is.

    `assumed_from_s` is the end of a run that is shorter than the table's horizon, from which on each stage is taken to
    stay as it was; None if there is no such time.
    """

    title: str
    file: str
    clock: str  # of the start, in ISO's form; "" if none is known
    variant: str
    runs: int
    window_s: Number
    horizon_s: Number
    assumed_from_s: Number | None = Field(None, exclude_if=lambda value: value is None)
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def label_of(self, name: str) -> str:
        """A service's name for people. Raises KeyError."""
        for node in self.nodes:
            if node.name == name:
                return node.label
        raise KeyError(name)


SHORT_S = 600.0  # a stretch of waiting is short that lasts less than this,
SHORT_SHARE = 0.1  # and less than this part of the time in which anything is waited for


class Wait(Record):
    """A stretch in which one service waits for one thing; `chain` are the services from it to the end of its needs."""

    from_s: Number
    to_s: Number
    waits_for: str
    chain: tuple[str, ...]


class WellFrom(Estimate):
    """When a service is well for good: over the runs in which it is. In `never` of the `runs` it is not, of which
    `late` are those in which nothing that it waits for collapsed, so that a longer run may show it. 0 runs: not known,
    and the mean is inf where it is so in any.
    """

    never: int = 0
    runs: int = 0
    late: int = Field(0, exclude_if=lambda value: value == 0)

    @model_serializer(mode="wrap")
    def _without_what_is_not_known(self, write: SerializerFunctionWrapHandler) -> dict[str, object]:
        table: dict[str, object] = write(self)
        return table if self.runs else {key: value for key, value in table.items() if key not in ("never", "runs")}


class Service(Record):
    """What one service lost. `impaired`, `depth` (from s, to s, depth) and `waits` are of the first run.

    Hours of work that waited or was lost, and instances that were missing, are None where it has no such need.
    """

    name: str
    impaired: tuple[tuple[Number, Number], ...]
    depth: tuple[tuple[Number, Number, Number], ...]
    minutes_lost: Estimate
    starts_s: Estimate
    well_s: WellFrom
    deepest_share: Estimate
    waits: tuple[Wait, ...]
    backlog_peak_h: Estimate | None = None
    lost_work_h: Estimate | None = None
    backlog_peak_units: Estimate | None = None
    missing_peak_share: Estimate | None = None


class Waited(Record):
    """What services waited for: minutes lost meanwhile (mean of the runs), and their share of all that were lost."""

    waits_for: str
    minutes: Number
    share: Number


class Stretch(Record):
    """A stretch of the critical path: what most waited for, its share of the minutes lost then, services impaired."""

    from_s: Number
    to_s: Number
    waits_for: str
    share: Number
    services: int


class Path(Record):
    """A way from a root cause to a service, and the minutes that it lost by this way."""

    path: tuple[str, ...]
    minutes: Number


class Hit(Record):
    """A service that another one takes down: what it loses, when it is impaired, and by which ways."""

    service: str
    minutes_lost: Estimate
    starts_s: Estimate
    well_s: WellFrom
    path: tuple[str, ...]
    paths: tuple[Path, ...]


class Blast(Record):
    """Whom one service takes down alone, impaired as it was."""

    node: str
    services: tuple[Hit, ...]


class Cut(Record):
    """What all services would have lost less without one edge, and how much less each (mean; those that it helps)."""

    source: str
    target: str
    kind: str
    saved_min: Estimate
    services: dict[str, Number]


class ServiceMilestone(Record):
    """What was observed of a service beside what was simulated; `is_within` is None where there is nothing to compare.

    `is_always`: what it ends never was; `is_given`: it is an input; `is_predicted`: it says something for the model.
    """

    label: str
    service: str
    what: str
    confidence: Confidence
    source: str
    used_for_fit: bool
    follows_manual: bool
    observed_s: Number
    simulated_s: Number
    low_s: Number
    high_s: Number
    is_always: bool
    difference_min: Number
    within_min: Number
    is_within: bool | None
    is_given: bool
    is_predicted: bool


class Loss(Record):
    """What one service lost in one variant, and when it was well for good."""

    minutes_lost: Estimate
    well_s: WellFrom


class ServiceVariant(Record):
    """What all services lost in one variant, and each."""

    variant: str
    levers: dict[str, JsonValue]
    runs: int
    minutes_lost: Estimate
    services: dict[str, Loss]


class Services(Graph):
    """The part `services` of a run's summary: of its first variant everything, of each variant what was lost."""

    services: tuple[Service, ...]
    minutes_lost: Estimate
    waits: tuple[Waited, ...]
    critical: tuple[Stretch, ...]
    blast: tuple[Blast, ...]
    cuts: tuple[Cut, ...]
    observed: tuple[ServiceMilestone, ...]
    notes: tuple[Note, ...]
    variants: tuple[ServiceVariant, ...] = ()


class BlastAnswer(Graph):
    """What `recovery blast` tells: whom `node` takes down alone, as it was or wholly down for `for_s` (0: as it was).

    `cut` are edges that are taken away, which saves `saved_min`; `left_out` the services whose trouble only a run could
    tell; `edges_tried` of `edges_pressing` edges were cut one by one for `cuts`.
    """

    node: str
    for_s: Number
    left_out: tuple[str, ...]
    node_minutes_lost: Estimate
    cut: tuple[str, ...]
    saved_min: Estimate
    services: tuple[Hit, ...]
    cuts: tuple[Cut, ...]
    edges_tried: int
    edges_pressing: int


class BlastFile(BlastAnswer):
    """The same in a file of its own: blast-NODE.json."""

    format: int
