"""A table of services: what each needs and how it suffers; what was observed of it (MODEL.md, section 12).

Times are seconds from the start of the experiment, shares from 0 to 1.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal, NamedTuple, get_args

from pydantic import Field, StringConstraints, field_validator, model_validator

from recovery.errors import ScenarioError, nearest
from recovery.model.note import Note
from recovery.model.order import overlap
from recovery.model.part import ClassName, Flag, Moment, Part
from recovery.model.scenario import Scenario
from recovery.units import Duration, Number, PositiveDuration, PositiveShare, Rate, Share, show_duration

KINDS = ("hard", "backlog", "capacity", "manual", "cause")
Stage = Literal["dependency", "leases", "launches", "propagation", "health", "errors"]
STAGES: tuple[Stage, ...] = get_args(Stage)
# Keys of a need that each kind has beside `on` and `kind`; those that it cannot do without are marked.
KEYS = {
    "hard": ("share", "tolerates", "after", "lag"),
    "backlog": ("share", "tolerates", "ratio!", "kept", "arrivals", "until"),
    "capacity": ("share", "tolerates", "loses_in!", "regains_in!", "launches", "most", "spare"),
    "manual": ("share", "tolerates", "at", "after"),
    "cause": (),
}
ALONE_S = 86_400.0  # that a table without a horizon is followed where there is no run
WINDOWS_MAX = 200_000
CELLS_MAX = 20_000_000  # services times windows: 24 bytes each, a few times over
NAMES_SHOWN = 30
_NAME = r"^[A-Za-z][A-Za-z0-9_-]*$"
Name = Annotated[str, StringConstraints(pattern=_NAME)]


class Need(Part):
    """An edge of the graph: the service needs `on`, and suffers with it in the way of its kind."""

    on: str = Field(examples=["database"], description="the service that is needed")
    kind: Literal["hard", "backlog", "capacity", "manual", "cause"] = Field(
        examples=["hard"],
        description="hard: down with it; backlog: work piles up, then drains; capacity: loses instances, gets them "
        "back through launches; manual: down until somebody acts; cause: what its own stage had its trouble from",
    )
    share: Share = Field(1.0, description="how much of the need's depth is passed on")
    tolerates: Share = Field(0.0, description="a depth of the need up to which it does not matter")
    after: Duration = Field(
        0.0,
        description="hard: how long it lives without (caches, static stability); "
        "manual: somebody acts so long after the need is back",
    )
    lag: Duration = Field(0.0, description="hard: how long after the need it is well")
    at: Duration | None = Field(
        None, description="manual: somebody acts then, or when the need is back if that is later"
    )
    ratio: Number | None = Field(None, gt=1, le=1000, description="backlog: what can be served over what arrives")
    kept: Share = Field(1.0, description="backlog: share of the work that waits instead of being lost")
    arrivals: Rate | None = Field(None, description="backlog: what arrives, to tell it in units instead of hours")
    until: Duration | None = Field(
        None, description="backlog: from then on people see to it that no more work piles up; it only drains"
    )
    loses_in: PositiveDuration | None = Field(
        None, description="capacity: time in which all instances would go while the need is wholly down"
    )
    regains_in: PositiveDuration | None = Field(
        None, description="capacity: time in which all instances can be launched if every launch is accepted"
    )
    launches: str | None = Field(None, description="capacity: the service that launches them")
    most: PositiveShare = Field(1.0, description="capacity: share of the instances that can be lost")
    spare: Share = Field(0.0, description="capacity: share of the instances that can go without harm")

    @model_validator(mode="after")
    def _of_its_kind(self) -> "Need":
        known = [key.rstrip("!") for key in KEYS[self.kind]]
        foreign = sorted(self.model_fields_set - {"on", "kind", *known})
        if foreign:
            raise ValueError(f"want no {foreign[0]} with kind {self.kind}; its keys are {', '.join(['on', *known])}")
        for key in KEYS[self.kind]:
            if key.endswith("!") and getattr(self, key[:-1]) is None:
                raise ValueError(f"want {key[:-1]} too: a need of kind {self.kind} cannot do without")
        if self.kind == "manual" and ("at" in self.model_fields_set) == ("after" in self.model_fields_set):
            raise ValueError("want either at or after: when somebody acts")
        if self.spare >= self.most:
            raise ValueError("want spare below most: else nobody misses what is lost")
        return self

    @property
    def sources(self) -> tuple[str, ...]:
        """The services that it hangs on: the need, and what launches instances."""
        return (self.on,) if self.launches is None else (self.on, self.launches)


class Impaired(Part):
    """A time in which a service is impaired of itself, given as it was."""

    start: Duration = Field(examples=["10m"], alias="from", description="when it begins")
    end: PositiveDuration = Field(examples=["40m"], alias="to", description="when it is over")
    depth: PositiveShare = Field(1.0, description="how deep: the share of its work that it does not do, or late")

    @model_validator(mode="after")
    def _ordered(self) -> "Impaired":
        if self.end <= self.start:
            raise ValueError('want "to" later than "from"')
        return self


class Service(Part):
    """A node of the graph."""

    label: str = Field("", description="its name for people; default: its key")
    stage: Stage | None = Field(None, description="the stage of the experiment whose health is its own")
    of_class: ClassName | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description='with stage = "leases": the class whose leases are its own; default: those of all',
    )
    below: Share | None = Field(None, description="what works of the stage, below which the service is impaired")
    normal: Share | None = Field(None, description="what works of the stage, from which the service is well again")
    impaired: tuple[Impaired, ...] = Field(
        (), description="when it was impaired of itself, for an experiment without that stage"
    )
    needs: tuple[Need, ...] = Field((), description="what it needs")

    @field_validator("stage", mode="before")
    @classmethod
    def _no_jobs(cls, value: object) -> object:
        if value == "jobs":
            raise ValueError(
                f"want one of {', '.join(STAGES)}; jobs are no stage that says how much of it works: where others "
                "wait for their backlog, say in impaired from when to when"
            )
        return value

    @model_validator(mode="after")
    def _whole(self) -> "Service":
        if wrong := overlap("impaired", [(one.start, one.end) for one in self.impaired]):
            raise ValueError(wrong)
        if self.of_class is not None and self.stage != "leases":
            raise ValueError('want of_class only with stage = "leases"')
        if self.stage is None and {"below", "normal"} & self.model_fields_set:
            raise ValueError("want below and normal only with stage")
        if self.below is not None and self.normal is not None and self.below > self.normal:
            raise ValueError("want below no larger than normal")
        if not self.has_own and any(need.kind == "cause" for need in self.needs):
            raise ValueError("want stage or impaired beside a need of kind cause: the trouble that it caused")
        return self

    @property
    def has_own(self) -> bool:
        """Whether it has trouble of its own: a stage, or times that are given."""
        return self.stage is not None or bool(self.impaired)


class Observed(Part):
    """What was observed of a service, and what of the simulation it is compared with."""

    label: str = Field(examples=["the load balancer is well again"], description="what happened")
    at: Duration = Field(examples=["45m"], description="when, from the start of the experiment")
    service: str = Field(examples=["balancer"], description="of which service")
    what: Literal[
        "start", "end", "first end", "second start", "last end", "progress", "half", "failover", "action", "input",
        "nothing",
    ] = Field(
        examples=["end"],
        description="start: the first time that it is impaired; end: of the last time; first end; second start; "
        "last end: of all services but `besides`; progress: a tenth better than at its deepest; half: half as deep; "
        "failover: the first zone that the run takes out; action: an operator's, in the experiment; input: a step of "
        "people that stands in this table, under `key`; nothing: not simulated",
    )  # fmt: skip
    action: str = Field("", description='which action: "failover off", "launch throttle", "restart", "cause found", …')
    key: str = Field("", description='which key, with what = "input": "services.NAME.needs.0.at"')
    besides: tuple[str, ...] = Field((), description='with what = "last end": services that do not count')
    confidence: Literal["official", "reported", "recalled", "measured"] = Field(
        "reported", description="how sure it is"
    )
    source: str = Field(examples=["our own dashboard"], description="where it is written")
    used_for_fit: Flag = Field(False, description="whether inputs were chosen so that it is met")
    follows_manual: Flag = Field(False, description="whether it only follows a step that people took at a fixed time")

    @model_validator(mode="after")
    def _named(self) -> "Observed":
        if (self.what == "action") != bool(self.action):
            raise ValueError('want action, such as "failover off", with what = "action" and only there')
        if (self.what == "input") != bool(self.key):
            raise ValueError('want key, such as "services.NAME.needs.0.at", with what = "input" and only there')
        if self.besides and self.what != "last end":
            raise ValueError('want besides only with what = "last end"')
        return self


class Edge(NamedTuple):
    """What an arrow of the graph is: from the service that is needed to the one that needs it."""

    source: str
    target: str
    kind: str

    def __str__(self) -> str:
        return f"{self.source}->{self.target}"


class Body(Part):
    title: str = Field("Services", description="name of the table")
    clock: Moment = Field("", description='wall-clock time of the start, for labels only: "2025-10-19T23:48-07:00"')
    horizon: PositiveDuration | None = Field(
        None,
        description="how long is followed, at least; default: as long as the experiment runs, or a day without one. "
        "What comes after the run assumes that each stage stays as it was then",
    )
    window: PositiveDuration = Field(60.0, description="grid of the answer where no experiment gives one")
    services: dict[Name, Service] = Field(min_length=1, description="tables [services.NAME]: the nodes")
    observed: tuple[Observed, ...] = Field((), description="what was observed of them")
    notes: tuple[Note, ...] = Field((), description="inputs that are fitted, assumed or documented defaults")

    @model_validator(mode="after")
    def _fits(self) -> "Body":
        alone_s = self.alone_s
        if alone_s / self.window > WINDOWS_MAX:
            raise ValueError(f"window is {show_duration(self.window)}; want at least horizon / {WINDOWS_MAX:,}")
        if alone_s / self.window * len(self.services) > CELLS_MAX:
            least = show_duration(alone_s * len(self.services) / CELLS_MAX)
            raise ValueError(
                f"window is {show_duration(self.window)}; want at least {least} for {len(self.services):,} services"
            )
        return self

    @property
    def alone_s(self) -> float:
        """How long is followed without a run, s."""
        return ALONE_S if self.horizon is None else self.horizon

    def behind_s(self, run_s: float) -> float:
        """How long is followed behind a run of `run_s`, s: never less than that."""
        return max(run_s, self.horizon or 0.0)


@dataclass(frozen=True)
class ServiceTable:
    """A checked table: services in the order of the file, what was observed, notes."""

    body: Body
    raw: Mapping[str, object]
    file: str

    @property
    def services(self) -> dict[str, Service]:
        """The nodes, in the order of the file."""
        return self.body.services

    def label(self, name: str) -> str:
        """A service's name for people."""
        return self.services[name].label or name

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """All arrows, in the order of the file. One of the kind "launches" stands beside a need for capacity."""
        return tuple(
            Edge(source, name, need.kind if i == 0 else "launches")
            for name, service in self.services.items()
            for need in service.needs
            for i, source in enumerate(need.sources)
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The services, in the order of the file."""
        return tuple(self.services)

    @cached_property
    def sources(self) -> dict[str, tuple[str, ...]]:
        """What each service hangs on."""
        return {
            name: tuple(source for need in service.needs for source in need.sources)
            for name, service in self.services.items()
        }

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The services, each after all that it needs."""
        return tuple(sorted(self.services, key=lambda name: self.layer[name]))

    @cached_property
    def layer(self) -> dict[str, int]:
        """How many arrows lie above a service at most."""
        waiting: dict[str, set[str]] = {name: set() for name in self.services}
        below: dict[str, list[str]] = {name: [] for name in self.services}
        for edge in self.edges:
            waiting[edge.target].add(edge.source)
            below[edge.source].append(edge.target)
        found: dict[str, int] = {}
        ready = [name for name, sources in waiting.items() if not sources]
        depth = 0
        while ready:
            found |= dict.fromkeys(ready, depth)
            after = []
            for name in ready:
                for target in below[name]:
                    waiting[target].discard(name)
                    if not waiting[target] and target not in found:
                        after.append(target)
            ready, depth = list(dict.fromkeys(after)), depth + 1
        return found

    def below(self, names: set[str]) -> set[str]:
        """These services and all that hang on them, however far."""
        found = set(names)
        for name in self.order:
            if any(source in found for source in self.sources[name]):
                found.add(name)
        return found

    def named(self, name: str) -> str:
        """The name, if it is one of a service. Raises ScenarioError with the nearest one."""
        if name not in self.services:
            wanted = f"want one of {some(self.services)}"
            raise ScenarioError(f"{self.file}: {name} is no service{nearest(name, self.services)}; {wanted}")
        return name

    def edge(self, text: str) -> Edge:
        """The arrow that "a->b" names. Raises ScenarioError."""
        source, sign, target = text.partition("->")
        if not sign:
            raise ScenarioError(f"{self.file}: {text!r} is no edge; want the needed service first: dynamodb->sts")
        source, target = self.named(source.strip()), self.named(target.strip())
        found = [edge for edge in self.edges if (edge.source, edge.target) == (source, target)]
        if not found:
            own = [str(edge) for edge in self.edges if target == edge.target]
            wanted = f"one of {', '.join(own)}" if own else "another: it needs nothing"
            raise ScenarioError(f"{self.file}: {source}->{target} is no edge; want {wanted}")
        return found[0]


def some(names: Iterable[str]) -> str:
    """The first names of many."""
    known = list(names)
    more = len(known) - NAMES_SHOWN
    return ", ".join(known[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def has_stage(scenario: Scenario, stage: str, of_class: str | None = None) -> bool:
    """Whether a scenario simulates a stage; with `of_class`, leases of that class."""
    if stage == "dependency":
        return scenario.dns_window is not None or bool(scenario.outages)
    if of_class is not None:
        place = scenario.places.get(of_class)
        return place is not None and not place.is_jobs
    if stage == "leases":
        return scenario.has_leases
    return getattr(scenario, "health" if stage == "errors" else stage) is not None
