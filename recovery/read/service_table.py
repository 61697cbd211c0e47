"""A table of services in TOML: what each needs and how it suffers; what was observed of it. Parsed here, once.

`load` reads a file and returns a `Table`; every mistake is told with file, key, value and what is wanted. Times are
seconds from the start of the experiment, shares from 0 to 1 (MODEL.md, section 12).
"""

import itertools
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, model_validator

from recovery.errors import ScenarioError
from recovery.model.scenario import Flag, Note, Scenario, a_moment, check_table, nearest
from recovery.model.sections import Part, Whole
from recovery.read import door
from recovery.units import Duration, Number, PositiveDuration, PositiveShare, Rate, Share, duration_s, show_duration

KINDS = ("hard", "backlog", "capacity", "manual", "cause")
STAGES = ("dependency", "leases", "launches", "propagation", "health", "errors")
# Keys of a need that each kind has beside `on` and `kind`; those that it cannot do without are marked.
_KEYS = {
    "hard": ("share", "tolerates", "after", "lag"),
    "backlog": ("share", "tolerates", "ratio!", "kept", "arrivals", "until"),
    "capacity": ("share", "tolerates", "loses_in!", "regains_in!", "launches", "most", "spare"),
    "manual": ("share", "tolerates", "at", "after"),
    "cause": (),
}
WINDOWS_MAX = 200_000
CELLS_MAX = 20_000_000  # services times windows: 24 bytes each, a few times over
MISTAKES_MAX = 50  # in the graph, that are told one by one
NAMES_SHOWN = 30
_NAME = r"^[A-Za-z][A-Za-z0-9_-]*$"
Name = Annotated[str, StringConstraints(pattern=_NAME)]


class Need(Part):
    """An edge of the graph: the service needs `on`, and suffers with it in the way of its kind."""

    on: str = Field(description="the service that is needed")
    kind: Literal["hard", "backlog", "capacity", "manual", "cause"] = Field(
        description="hard: down with it; backlog: work piles up, then drains; capacity: loses instances, gets them "
        "back through launches; manual: down until somebody acts; cause: what its own stage had its trouble from"
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
        known = [key.rstrip("!") for key in _KEYS[self.kind]]
        foreign = sorted(self.model_fields_set - {"on", "kind", *known})
        if foreign:
            raise ValueError(f"want no {foreign[0]} with kind {self.kind}; its keys are {', '.join(['on', *known])}")
        for key in _KEYS[self.kind]:
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

    start: Duration = Field(alias="from", description="when it begins")
    end: PositiveDuration = Field(alias="to", description="when it is over")
    depth: PositiveShare = Field(1.0, description="how deep: the share of its work that it does not do, or late")

    @model_validator(mode="after")
    def _ordered(self) -> "Impaired":
        if self.end <= self.start:
            raise ValueError("want to later than from")
        return self


class Service(Part):
    """A node of the graph."""

    label: str = Field("", description="its name for people; default: its key")
    stage: Literal["dependency", "leases", "launches", "propagation", "health", "errors"] | None = Field(
        None, description="the stage of the experiment whose health is its own"
    )
    below: Share | None = Field(None, description="what works of the stage, below which the service is impaired")
    normal: Share | None = Field(None, description="what works of the stage, from which the service is well again")
    impaired: tuple[Impaired, ...] = Field(
        (), description="when it was impaired of itself, for an experiment without that stage"
    )
    needs: tuple[Need, ...] = Field((), description="what it needs")

    @model_validator(mode="after")
    def _whole(self) -> "Service":
        if any(b.start < a.end for a, b in zip(self.impaired, self.impaired[1:], strict=False)):
            raise ValueError("want impaired in order of time and without overlap")
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

    label: str = Field(description="what happened")
    at: Duration = Field(description="when, from the start of the experiment")
    service: str = Field(description="of which service")
    what: Literal[
        "start", "end", "first end", "second start", "last end", "progress", "half", "failover", "action", "input",
        "nothing",
    ] = Field(
        description="start: the first time that it is impaired; end: of the last time; first end; second start; "
        "last end: of all services but `besides`; progress: a tenth better than at its deepest; half: half as deep; "
        "failover: the first zone that the run takes out; action: an operator's, in the experiment; input: a step of "
        "people that stands in this table, under `key`; nothing: not simulated"
    )  # fmt: skip
    action: str = Field("", description='which action: "failover off", "launch throttle", "restart", "cause found", …')
    key: str = Field("", description='which key, with what = "input": "services.NAME.needs.0.at"')
    besides: tuple[str, ...] = Field((), description='with what = "last end": services that do not count')
    confidence: Literal["official", "reported", "recalled", "measured"] = Field(
        "reported", description="how sure it is"
    )
    source: str = Field(description="where it is written")
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


class _Body(Part):
    title: str = Field("Services", description="name of the table")
    clock: Annotated[str, AfterValidator(a_moment)] = Field(
        "", description='wall-clock time of the start, for labels only: "2025-10-19T23:48-07:00"'
    )
    horizon: PositiveDuration = Field(
        86_400.0, description="how long is followed, at least; an experiment may go on longer"
    )
    window: PositiveDuration = Field(60.0, description="grid of the answer where no experiment gives one")
    services: dict[Name, Service] = Field(min_length=1, description="tables [services.NAME]: the nodes")
    observed: tuple[Observed, ...] = Field((), description="what was observed of them")
    notes: tuple[Note, ...] = Field((), description="inputs that are fitted or assumed")

    @model_validator(mode="after")
    def _fits(self, _info: ValidationInfo) -> "_Body":
        if self.horizon / self.window > WINDOWS_MAX:
            raise ValueError(f"window is {show_duration(self.window)}; want at least horizon / {WINDOWS_MAX:,}")
        if self.horizon / self.window * len(self.services) > CELLS_MAX:
            least = show_duration(self.horizon * len(self.services) / CELLS_MAX)
            raise ValueError(
                f"window is {show_duration(self.window)}; want at least {least} for {len(self.services):,} services"
            )
        return self


@dataclass(frozen=True)
class Table:
    """A checked table: services in the order of the file, what was observed, notes."""

    body: _Body
    raw: dict[str, Any]
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
            wanted = f"want one of {_some(self.services)}"
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


def load(path: str | Path) -> Table:
    """Read and check a table of services. Raises ScenarioError with every mistake, a line each."""
    path = Path(path)
    return parse(door.read(path), str(path))


def check_grid(table: Table, scenarios: Iterable[Scenario]) -> None:
    """Raise ScenarioError if the windows of one of these scenarios are too many to follow the table behind it."""
    for scenario in scenarios:
        longest, window = max(table.body.horizon, scenario.horizon), scenario.coupling.window
        most = min(WINDOWS_MAX, CELLS_MAX / len(table.services))
        if longest / window > most:
            raise ScenarioError(
                f"{table.file}: coupling.window of the experiment is {show_duration(window)}; "
                f"want at least {show_duration(longest / most)} to follow services for {show_duration(longest)}"
            )


def parse(text: str, file: str = "services") -> Table:
    """Check the text of a table of services. Raises ScenarioError with every mistake, a line each."""
    raw = door.table(text, file)
    table = Table(check_table(_Body, raw, file), raw, file)
    mistakes = [f"{file}: {line}" for line in itertools.islice(_wrong(table), MISTAKES_MAX)]
    if mistakes:
        raise ScenarioError("\n".join(mistakes))
    return table


def _some(names: Iterable[str]) -> str:
    """The first names of many."""
    known = list(names)
    more = len(known) - NAMES_SHOWN
    return ", ".join(known[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def is_table(path: str | Path) -> bool:
    """Whether a file is a table of services: it has tables [services.NAME]."""
    return isinstance(door.peek(path).get("services"), dict)


def _wrong(table: Table) -> Iterator[str]:
    """What of the graph cannot be: unknown names, edges to oneself, twice the same edge, circles."""
    services = table.services
    before = yield from _wrong_names(table)
    if before:
        return
    if len(table.layer) < len(services):
        yield f"services go round in a circle: {' -> '.join(_circle(table))}; want no service to need itself in the end"
    end = f"the horizon, {show_duration(table.body.horizon)}"
    for name, service in services.items():
        for i, need in enumerate(service.needs):
            for key, at in (("at", need.at), ("until", need.until)):
                if at is not None and at >= table.body.horizon:
                    yield f"services.{name}.needs.{i}.{key} is {show_duration(at)}; want before {end}"
        for i, span in enumerate(service.impaired):
            if span.start >= table.body.horizon:
                yield f"services.{name}.impaired.{i}.from is {show_duration(span.start)}; want before {end}"
    for i, note in enumerate(table.body.notes):
        if _at(table.raw, note.key) is None:
            yield f'notes.{i}.key is "{note.key}"; want a key that the file sets, such as services.NAME.needs.0.ratio'
    for i, row in enumerate(table.body.observed):
        if row.key and not _is_time(_at(table.raw, row.key)):
            yield f'observed.{i}.key is "{row.key}"; want a time that the file sets, such as services.NAME.needs.0.at'


def _wrong_names(table: Table) -> Generator[str, None, int]:
    """Yields mistakes in names, returns how many edges have one."""
    services, count = table.services, 0

    def known(key: str, name: str) -> Iterator[str]:
        if name not in services:
            yield f'{key} is "{name}"{nearest(name, services)}; want one of {_some(services)}'

    for name, service in services.items():
        seen: set[str] = set()
        for i, need in enumerate(service.needs):
            for key, source in zip(("on", "launches"), need.sources, strict=False):
                place = f"services.{name}.needs.{i}.{key}"
                told = list(known(place, source))
                if source == name:
                    told = [f'{place} is "{source}"; want another service than itself']
                elif source in seen:
                    told = [f'{place} is "{source}" once more; want one edge from each service']
                seen.add(source)
                count += len(told)
                yield from told
    for i, row in enumerate(table.body.observed):
        yield from known(f"observed.{i}.service", row.service)
        for name in row.besides:
            yield from known(f"observed.{i}.besides", name)
    return count


def _circle(table: Table) -> list[str]:
    """A circle, spelt out from a service back to itself, in the direction of the arrows."""
    inside = {name for name in table.services if name not in table.layer}
    needs = {
        name: next(source for need in table.services[name].needs for source in need.sources if source in inside)
        for name in inside
    }
    walk = [min(inside)]
    while walk[-1] not in walk[:-1]:
        walk.append(needs[walk[-1]])
    circle = walk[walk.index(walk[-1]) :][::-1]
    least = circle.index(min(circle))
    return [*circle[least:-1], *circle[: least + 1]] if least else circle


def _at(raw: Any, key: str) -> Any:
    """What the file has under a key with dots; whole numbers lead into lists. None if there is nothing."""
    for part in key.split("."):
        if isinstance(raw, Mapping):
            raw = raw.get(part)
        elif isinstance(raw, list) and part.isascii() and part.isdigit() and int(part) < len(raw):
            raw = raw[int(part)]
        else:
            return None
    return raw


def _is_time(value: Any) -> bool:
    try:
        duration_s(value)
    except ValueError:
        return False
    return True


def value_at(table: Table, key: str) -> Any:
    """What the file has under the key of a note."""
    return _at(table.raw, key)


def has_stage(scenario: Scenario, stage: str) -> bool:
    """Whether a scenario simulates a stage."""
    if stage == "dependency":
        return bool(scenario.dependency.outages)
    if stage == "leases":
        return scenario.fleet is not None
    return getattr(scenario, "health" if stage == "errors" else stage) is not None


__all__ = ["KINDS", "STAGES", "Edge", "Need", "Observed", "Service", "Table", "Whole", "is_table", "load", "parse"]
